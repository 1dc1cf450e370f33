#!/usr/bin/env bats
# The servers that other tests rely on, asked by curl and skopeo: a test that
# sees a fault must be able to trust that the fault was there.

bats_require_minimum_version 1.5.0

setup_file()
{
	load ../lib/registry
	srv_init
	LAYOUT=$(image_layout)
	MANIFEST=$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")
	LAYER=$(jq -r '.layers[2].digest' \
	    "$LAYOUT/blobs/sha256/${MANIFEST#sha256:}")
	export LAYOUT MANIFEST LAYER
	registry_start reg
	registry_push "$LAYOUT:app:1" reg public/app:1
	registry_push "$LAYOUT:app:1" reg private/app:1
	token_start tokens
	registry_start bearer token auth=tokens
	cdn_start cdn
	tls_init
}

teardown_file()
{
	load ../lib/registry
	srv_stop
}

setup()
{
	load ../lib/registry
	cd "$BATS_TEST_TMPDIR" || return
	blob=$LAYOUT/blobs/sha256/${LAYER#sha256:}
	export REGISTRY_AUTH_FILE=$LP_SRV/no-auth.json
}

teardown()
{
	srv_stop_test
}

status_of()
{
	curl -s -o "${out:-/dev/null}" -w '%{http_code}' "$@"
}

token_for()
{
	curl -s "${@:2}" "http://$(srv_addr tokens)/token" -G \
	    -d service=registry.test -d "scope=repository:$1:pull" |
	    jq -r .token
}

@test "the registry serves the image, whole and in ranges" {
	url=http://$(srv_addr reg)/v2/public/app/blobs/$LAYER
	out=got; [ "$(status_of "$url")" = 200 ]
	cmp got "$blob"
	[ "$(status_of -r 1000-1099 "$url")" = 206 ]
	cmp got <(tail -c +1001 "$blob" | head -c 100)
}

@test "htpasswd: 401 and a Basic challenge without the password" {
	registry_start basic htpasswd
	url=http://$(srv_addr basic)/v2/
	[ "$(status_of -D head "$url")" = 401 ]
	grep -qi '^www-authenticate: basic realm=' head
	[ "$(status_of -u alice:wrong "$url")" = 401 ]
	[ "$(status_of -u alice:secret-alice "$url")" = 200 ]
}

@test "tokens: public anonymously, private by password alone" {
	base=http://$(srv_addr bearer)/v2
	[ "$(status_of -D head "$base/public/app/blobs/$LAYER")" = 401 ]
	grep -qi '^www-authenticate: bearer realm="http://.*/token",service="registry.test",scope="repository:public/app:pull"' head
	out=got
	[ "$(status_of -H "Authorization: Bearer $(token_for public/app)" \
	    "$base/public/app/blobs/$LAYER")" = 200 ]
	cmp got "$blob"
	unset out
	[ "$(status_of -H "Authorization: Bearer $(token_for private/app)" \
	    "$base/private/app/blobs/$LAYER")" = 401 ]
	[ "$(status_of -H "Authorization: Bearer $(token_for private/app \
	    -u alice:secret-alice)" "$base/private/app/blobs/$LAYER")" = 200 ]
	[ "$(status_of -u alice:wrong \
	    "http://$(srv_addr tokens)/token?service=registry.test")" = 401 ]
}

@test "tokens: skopeo goes the whole way" {
	skopeo inspect --tls-verify=false \
	    "docker://$(srv_addr bearer)/public/app:1" >out
	[ "$(jq -r .Digest out)" = "$MANIFEST" ]
	run ! skopeo inspect --tls-verify=false \
	    "docker://$(srv_addr bearer)/private/app:1"
	skopeo inspect --tls-verify=false --creds alice:secret-alice \
	    "docker://$(srv_addr bearer)/private/app:1" >out
	[ "$(jq -r .Digest out)" = "$MANIFEST" ]
	srv_requests tokens '.headers.authorization != null' | grep -q alice
}

@test "tokens: an identity token is good for POST, and only the right one" {
	url=http://$(srv_addr tokens)
	refresh=$(curl -s "$url/refresh-token/alice")
	curl -s -d grant_type=refresh_token -d service=registry.test \
	    -d scope=repository:private/app:pull \
	    -d "refresh_token=$refresh" "$url/token" >answer
	[ "$(status_of -H "Authorization: Bearer $(jq -r .access_token answer)" \
	    "http://$(srv_addr bearer)/v2/private/app/blobs/$LAYER")" = 200 ]
	[ "$(status_of -d grant_type=refresh_token -d service=registry.test \
	    -d refresh_token=wrong "$url/token")" = 401 ]
	curl -s -u alice:secret-alice \
	    "$url/token?service=registry.test&offline_token=true" >answer
	[ "$(jq -r .refresh_token answer)" = "$refresh" ]
}

@test "tokens: the answer's form can be chosen, and a stale one is refused" {
	token_start tok2 --field access_token --expires-in 7 --lifetime -120
	registry_start reg2 token auth=tok2
	curl -s "http://$(srv_addr tok2)/token" -G -d service=registry.test \
	    -d scope=repository:public/app:pull >answer
	[ "$(jq -c 'del(.access_token)' answer)" = '{"expires_in":7}' ]
	[ "$(status_of -H "Authorization: Bearer $(jq -r .access_token answer)" \
	    "http://$(srv_addr reg2)/v2/public/app/blobs/$LAYER")" = 401 ]
	[ "$(token_for public/app | grep -c .)" = 1 ]
	curl -s "http://$(srv_addr tokens)/token?service=registry.test" |
	    jq -e 'has("expires_in") | not'
}

@test "TLS: HTTP/2, and only for those who know the CA" {
	tls_front tls reg
	url=https://$(srv_addr tls registry.localhost)/v2/public/app/blobs/$LAYER
	run -60 curl -s "$url"
	curl -s --cacert "$LP_SRV/tls/ca.pem" -r 0-99 -o got \
	    -w '%{http_version} %{http_code}' "$url" >said
	[ "$(cat said)" = '2 206' ]
	cmp got <(head -c 100 "$blob")
	srv_requests tls '.protocol == "HTTP/2.0" and .range == "bytes=0-99"' |
	    grep -q .
}

@test "a certificate for another name is refused" {
	tls_cert wrong DNS:wrong.example
	tls_front bad reg "$LP_SRV/tls/wrong.pem" "$LP_SRV/tls/wrong.key"
	run -60 curl -s --cacert "$LP_SRV/tls/ca.pem" \
	    "https://$(srv_addr bad localhost)/v2/"
}

@test "CDN: blobs by a signed URL on another host and port" {
	signer_start signer reg cdn
	url=http://$(srv_addr signer)/v2/public/app/blobs/$LAYER
	curl -s -o /dev/null -w '%{http_code} %{redirect_url}\n' "$url" >said
	read -r code to <said
	[ "$code" = 307 ]
	[[ $to = "http://$(srv_addr cdn localhost)/"*expires=*signature=* ]]
	curl -sL -r 7-106 -o got "$url"
	cmp got <(tail -c +8 "$blob" | head -c 100)
	[ "$(status_of "${to/signature=/signature=x}")" = 403 ]
	[ "$(status_of "${to%%\?*}")" = 403 ]
	[ "$(status_of -H 'Authorization: Bearer x' "$to")" = 400 ]
	curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
	    -o got "http://$(srv_addr signer)/v2/public/app/manifests/1"
	cmp got "$LAYOUT/blobs/sha256/${MANIFEST#sha256:}"
}

@test "CDN: the first URLs can be stale, and the registry still decides" {
	signer_start stale reg cdn --expired 2
	url=http://$(srv_addr stale)/v2/public/app/blobs/$LAYER
	[ "$(status_of -L "$url")" = 403 ]
	[ "$(status_of -L "$url")" = 403 ]
	[ "$(status_of -L "$url")" = 200 ]
	signer_start strict bearer cdn
	[ "$(status_of -L \
	    "http://$(srv_addr strict)/v2/public/app/blobs/$LAYER")" = 401 ]
}

@test "docker-registry itself redirects when asked to" {
	registry_start redir redirect="http://$(srv_addr cdn localhost)"
	url=http://$(srv_addr redir)/v2/public/app/blobs/$LAYER
	[ "$(status_of -D head "$url")" = 307 ]
	grep -qi "^location: http://$(srv_addr cdn localhost)/.*/data" head
}

@test "a server that cannot start says so, and stop kills what did" {
	run ! registry_start broken token auth=nothing set='nonsense: ['
	[[ $output = *'broken did not start'* ]]
	registry_start brief
	pid=$(cat "$LP_SRV/brief/pid")
	kill -0 "$pid"
	srv_stop brief
	run ! kill -0 "$pid"
	[ ! -e "$LP_SRV/brief/pid" ]
}
