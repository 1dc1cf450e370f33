#!/usr/bin/env bats
# The servers that other tests rely on, asked by curl and skopeo: a test that
# sees a fault must be able to trust that the fault was there.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	srv_init
	image_start reg public/app:1 private/app:1
	MANIFEST=$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")
	LAYER=$(jq -r '.layers[2].digest' \
	    "$LAYOUT/blobs/sha256/${MANIFEST#sha256:}")
	export MANIFEST LAYER
	token_start tokens
	registry_start bearer token auth=tokens
	cdn_start cdn
	tls_init
}

setup()
{
	own_folder
	blob=$LAYOUT/blobs/sha256/${LAYER#sha256:}
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
	cmp got <(part 1000 100 "$blob")
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
	srv_requests tokens '.headers.authorization != null' | grep alice
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
	cmp got <(part 7 100 "$blob")
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

@test "layout_make: an image of any files, which skopeo and umoci accept" {
	mkdir src
	for ((i = 1; i <= 20; i++)); do
		printf '%s\n' "$i" >"src/file$i"
		tar -C src -cf "$i.tar" "file$i"
	done
	gzip -k 2.tar
	zstd -q 3.tar
	mv 2.tar.gz 2.tar
	layout_make layout t {1..20}.tar
	registry_push layout:t reg made/app:t
	curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
	    "http://$(srv_addr reg)/v2/made/app/manifests/t" >manifest
	[ "$(jq '.layers | length' manifest)" = 20 ]
	[ "$(jq -c '[.layers[:2][].mediaType | split(".") | last]' \
	    manifest)" = '["tar","tar+gzip"]' ]
	umoci unpack --rootless --image layout:t bundle
	cmp bundle/rootfs/file20 src/file20
	cmp bundle/rootfs/file2 src/file2
	layout_make zlayout t 3.tar.zst
	skopeo inspect --raw oci:zlayout:t | grep 'v1.tar+zstd'
}

# fault NAME RULES: a faulty registry for the image, answering at $base
fault()
{
	printf '%s\n' "$2" >"$1.rules"
	fault_start "$1" "$1.rules" --layout "$LAYOUT" || return
	base=http://$(srv_addr "$1")
}

@test "faultserver: without a rule an honest registry" {
	fault honest '{}'
	[ "$(status_of "$base/v2/")" = 200 ]
	skopeo inspect --tls-verify=false \
	    "docker://$(srv_addr honest)/app:1" >out
	[ "$(jq -r .Digest out)" = "$MANIFEST" ]
	out=got
	[ "$(status_of "$base/v2/x/y/blobs/$LAYER")" = 200 ]
	cmp got "$blob"
	[ "$(status_of -r 10-109 "$base/v2/x/y/blobs/$LAYER")" = 206 ]
	cmp got <(part 10 100 "$blob")
	[ "$(status_of -r -100 "$base/v2/x/y/blobs/$LAYER")" = 206 ]
	cmp got <(tail -c 100 "$blob")
	[ "$(status_of -r 99999999- "$base/v2/x/y/blobs/$LAYER")" = 416 ]
	[ "$(status_of "$base/v2/x/blobs/sha256:$(printf '0%.0s' {1..64})")" \
	    = 404 ]
	[ "$(status_of "$base/v2/x/blobs/../../../index.json")" = 404 ]
}

@test "faultserver: answers to a Range that are wrong" {
	fault ranges '{
	  "/ignore": {"pattern": 1000, "range": "ignore"},
	  "/shift": {"pattern": 1000, "shift": 16},
	  "/none": {"pattern": 1000, "content_range": null},
	  "/lie": {"pattern": 1000, "content_range": "bytes 0-9/99"},
	  "/total": {"pattern": 1000, "total": 77},
	  "/refuse": {"pattern": 1000, "range": "refuse"}}'
	out=got
	get() { status_of -D head -r 160-319 "$base/$1"; }
	[ "$(get ignore)" = 200 ]
	[ "$(stat -c %s got)" = 1000 ]
	[ "$(get shift)" = 206 ]
	grep -qi '^content-range: bytes 176-335/1000' head
	[ "$(head -n 1 got)" = 0000000000000b0 ]
	[ "$(get none)" = 206 ]
	run ! grep -i '^content-range' head
	[ "$(head -n 1 got)" = 0000000000000a0 ]
	[ "$(get lie)" = 206 ]
	grep -qi '^content-range: bytes 0-9/99' head
	[ "$(get total)" = 206 ]
	grep -qi '^content-range: bytes 160-319/77' head
	[ "$(get refuse)" = 416 ]
	[ "$(srv_requests ranges '.headers.range == "bytes=160-319"' |
	    wc -l)" = 6 ]
}

@test "faultserver: bodies that are not what was promised" {
	fault bodies '{
	  "/short": {"pattern": 100000, "short": 1},
	  "/extra": {"pattern": 100000, "extra": 5},
	  "/close": {"pattern": 100000, "close_at": 70000},
	  "/reset": {"pattern": 100000, "reset_at": 70000},
	  "/stall": {"pattern": 100000, "stall_at": 70000},
	  "/slow": {"pattern": 100000, "rate": 20},
	  "/late": {"text": "x", "delay_ms": 60000},
	  "/fin": {"drop": "fin"}, "/rst": {"drop": "rst"},
	  "/raw": {"raw": "no such protocol\r\n"}}'
	for want in 'short 18 99999' 'close 18 70000' 'reset 56 70000'; do
		read -r path code size <<<"$want"
		run "-$code" curl -s -o got "$base/$path"
		[ "$(stat -c %s got)" = "$size" ]
	done
	cmp got <(for ((i = 0; i < 4375; i++)); do
		printf '%015x\n' $((i * 16))
	done)
	python3 - "${base#http://}" >raw <<-'PY'
	import socket, sys
	host, port = sys.argv[1].split(":")
	s = socket.create_connection((host, int(port)))
	s.sendall(b"GET /extra HTTP/1.1\r\nHost: x\r\n\r\n")
	while data := s.recv(65536):
	    sys.stdout.buffer.write(data)
	PY
	grep -qai '^content-length: 100000' raw
	[ "$(sed '1,/^\r$/d' raw | wc -c)" = 100005 ]
	run -28 curl -s -m 0.5 -o got "$base/stall"
	[ "$(stat -c %s got)" = 70000 ]
	run -28 curl -s -m 0.5 -o slow "$base/slow"
	[ "$(stat -c %s slow)" -ge 1 ]
	[ "$(stat -c %s slow)" -le 20 ]
	run -28 curl -s -m 0.2 "$base/late"
	run -52 curl -s "$base/fin"
	run -56 curl -s "$base/rst"
	run -1 curl -s "$base/raw"
	wait_for srv_saw bodies '.path == "/stall" and .end == "stalled"'
	wait_for srv_saw bodies '.path == "/reset" and .end == "reset"'
}

srv_saw()
{
	srv_requests "$@" | grep .
}

@test "faultserver: statuses, Retry-After, headers" {
	fault statuses '{
	  "/busy": [{"status": 429, "retry_after": 3},
	            {"status": 503, "retry_after": "date+3", "times": 2},
	            {"text": "fine"}],
	  "/page": {"text": "<!doctype html>",
	            "headers": {"Content-Type": "text/html"}},
	  "/v2/app/blobs/*": [{"status": 500}, {}],
	  "HEAD /v2/app/blobs/*": {"status": 403},
	  "/warn": {"text": "x", "headers": {
	    "Warning": ["299 - \"old\"", "299 - \"very old\""],
	    "RateLimit-Remaining": "97;w=21600", "Accept-Ranges": null}}}'
	[ "$(status_of -D head "$base/busy")" = 429 ]
	grep -q $'^Retry-After: 3\r$' head
	[ "$(status_of "$base/busy")" = 503 ]
	[ "$(status_of -D head "$base/busy")" = 503 ]
	when=$(sed -n 's/^Retry-After: \(.* GMT\)\r$/\1/p' head)
	in=$(($(date -d "$when" +%s) - $(date +%s)))
	[ "$in" -ge 1 ]
	[ "$in" -le 3 ]
	[ "$(status_of "$base/busy")" = 200 ]
	[ "$(status_of "$base/busy")" = 200 ]
	out=got
	[ "$(status_of -D head "$base/page")" = 200 ]
	grep -qi '^content-type: text/html' head
	[ "$(status_of "$base/v2/app/blobs/$LAYER")" = 500 ]
	[ ! -s got ]
	[ "$(status_of "$base/v2/app/blobs/$LAYER")" = 200 ]
	cmp got "$blob"
	[ "$(status_of -I "$base/v2/app/blobs/$LAYER")" = 403 ]
	curl -sD head -o got "$base/warn"
	[ "$(grep -c '^Warning: 299' head)" = 2 ]
	grep -q '^RateLimit-Remaining: 97;w=21600' head
	run ! grep -i accept-ranges head
}

@test "faultserver: tokens that are used up, and passwords" {
	fault auth '{
	  "/v2/*": {"need": {"realm": "{self}/token", "service": "s",
	                     "scope": "repository:app:pull"}},
	  "/token": {"token": {"uses": 2, "field": "access_token"}},
	  "/basic": {"text": "in",
	             "need": {"authorization": "Basic YTpi"}}}'
	url=$base/v2/app/blobs/$LAYER
	[ "$(status_of -D head "$url")" = 401 ]
	grep -q "^WWW-Authenticate: Bearer realm=\"$base/token\",service=\"s\",scope=\"repository:app:pull\"" head
	curl -s "$base/token" >answer
	[ "$(jq -c 'keys' answer)" = '["access_token"]' ]
	token=$(jq -r .access_token answer)
	for want in 200 200 401; do
		[ "$(status_of -D head -H "Authorization: Bearer $token" \
		    "$url")" = "$want" ]
	done
	grep -q 'error="invalid_token"' head
	token=$(curl -s "$base/token" | jq -r .access_token)
	[ "$(status_of -H "Authorization: Bearer $token" "$url")" = 200 ]
	[ "$(status_of -u a:c "$base/basic")" = 401 ]
	[ "$(status_of -u a:b "$base/basic")" = 200 ]
}

@test "faultserver: redirects, and who is told the password" {
	fault target '{"/x": {"text": "here"}}'
	target=$(srv_addr target other.localhost)
	fault from '{
	  "/loop": {"redirect": "{self}/loop"},
	  "/away": {"redirect": "http://'"$target"'/x", "status": 302}}'
	run -47 curl -sL "$base/loop"
	[ "$(curl -sL -u a:b "$base/away")" = here ]
	[ "$(curl -sL -u a:b --location-trusted "$base/away")" = here ]
	[ "$(srv_requests target | jq -c '.headers.authorization')" = \
	    $'null\n"Basic YTpi"' ]
	tls_dir=$LP_SRV/tls
	printf '{"/down": {"redirect": "http://%s/x"}}\n' "$target" >down
	fault_start secure down --tls "$tls_dir/cert.pem" "$tls_dir/key.pem"
	url=https://$(srv_addr secure localhost)/down
	[ "$(curl -sL --cacert "$tls_dir/ca.pem" "$url")" = here ]
	run -1 curl -sL --cacert "$tls_dir/ca.pem" --proto-redir =https "$url"
	run -60 curl -sL "$url"
}

@test "secretsweep finds a secret wherever it does not belong, and nowhere else" {
	local basic found
	export LP_KEEP=1
	basic=$(printf alice:secret-alice | base64)
	mkdir -p all own/store
	printf 'right\tsecret-alice\nright\t%s\n' "$basic" >all/.secrets
	echo 'password*' >all/.secrets.in
	echo '{"/*": {"text": "{}"}}' >rules
	fault_start right rules
	fault_start wrong rules
	fault_start proxy rules
	registry_start closed
	sweep() { run "-$1" secretsweep "$PWD/all" "$PWD/own" "$LP_SRV"; }
	curl -s -u alice:secret-alice -d secret-alice "http://$(srv_addr right)/x"
	echo secret-alice >own/password1
	curl -s "http://$(srv_addr wrong)/x" "http://$(srv_addr closed)/v2/"
	sweep 0
	[ -z "$output" ]
	for found in wrong proxy closed; do
		curl -s -o out -u alice:secret-alice "http://$(srv_addr "$found")/v2/"
		sweep 1
		[ "$output" = "$found was sent $basic, which is for: right" ]
		# and is not found again
		sweep 0
	done
	curl -s -o out -d xsecret-alicey "http://$(srv_addr wrong)/"
	sweep 1
	[ "$output" = 'wrong was sent secret-alice, which is for: right' ]
	for found in .ran stats store/blob store/password1; do
		printf 'a\0b%s' "$basic" >"own/$found"
		sweep 1
		[ "$output" = "$found has the secret $basic" ]
		rm "own/$found"
	done
	echo secret-alice >>"$LP_SRV/right/stderr"
	sweep 1
	[ "$output" = 'right has in its stderr the secret secret-alice' ]
	: >"$LP_SRV/right/stderr"
	# what a token server has issued is for who takes it, and what it can renew for itself
	token_start issuer
	echo right >"$LP_SRV/issuer/tokens"
	found=$(curl -s -u alice:secret-alice "http://$(srv_addr issuer)/token?service=registry.test" | jq -r .token)
	: >"$LP_SRV/issuer/requests.kept"
	curl -s -o out -H "Authorization: Bearer $found" "http://$(srv_addr right)/x"
	sweep 0
	curl -s -o out -H "Authorization: Bearer $found" "http://$(srv_addr wrong)/x"
	sweep 1
	[ "$output" = "wrong was sent $found, which is for: right" ]
}

@test "faultserver: bodies that are no manifest, and odd encodings" {
	fault odd '{
	  "/v2/big/manifests/*": {"zeros": 5242880},
	  "/v2/deep/manifests/*": {"deep": 100000},
	  "/gzip": {"pattern": 1000, "gzip": true},
	  "/asked": {"pattern": 1000, "gzip": "asked"},
	  "/chunked": {"pattern": 200000, "chunked": true},
	  "/cut": {"pattern": 200000, "chunked": true, "close_at": 70000},
	  "/open": {"pattern": 1000, "length": null},
	  "/huge": {"zeros": 400000000000}}'
	out=got
	[ "$(status_of "$base/v2/big/manifests/1")" = 200 ]
	[ "$(stat -c %s got)" = 5242880 ]
	[ "$(status_of "$base/v2/deep/manifests/1")" = 200 ]
	[ "$(stat -c %s got)" = 200000 ]
	curl -s "$base/open" >plain
	[ "$(stat -c %s plain)" = 1000 ]
	curl -sD head "$base/gzip" >got
	grep -q '^Content-Encoding: gzip' head
	gzip -dc got | cmp - plain
	curl -s -H 'Accept-Encoding: identity' "$base/asked" | cmp - plain
	curl -s "$base/asked" | gzip -dc | cmp - plain
	curl -sD head -o got "$base/chunked"
	run ! grep -i content-length head
	[ "$(stat -c %s got)" = 200000 ]
	run -18 curl -s -o got "$base/cut"
	[ "$(stat -c %s got)" = 70000 ]
	curl -s -r 399999999990- "$base/huge" | cmp - <(head -c 10 /dev/zero)
}

@test "faultserver: a rule it does not know is no rule to start with" {
	run ! fault typo '{"/x": {"statsu": 500}}'
	[[ $output = *statsu* ]]
}

@test "delayproxy: counts turns, and bytes come through unchanged" {
	delay_start far 30 "$(srv_addr reg)"
	url=http://$(srv_addr far)/v2/public/app/blobs/$LAYER
	curl -s -o got -w '%{time_total}' "$url" >took
	cmp got "$blob"
	# One request and its answer: two turns, each 30 ms at the least.
	[ "$(jq -n "$(cat took) >= 0.06")" = true ]
	wait_for srv_saw far '.turns == 2'
	srv_saw far ".down > $(stat -c %s "$blob")"
	curl -s -o got -o got2 -o got3 "$url" "$url" "$url"
	wait_for srv_saw far '.turns == 6'
}

@test "delayproxy: as a long line, and as a proxy for HTTP and HTTPS" {
	delay_start line 30 "$(srv_addr reg)" --line
	curl -s -o got -w '%{time_total}' \
	    "http://$(srv_addr line)/v2/public/app/blobs/$LAYER" >took
	cmp got "$blob"
	[ "$(jq -n "$(cat took) >= 0.06")" = true ]

	tool_start delayproxy proxy --http
	proxy=http://$(srv_addr proxy)
	http_proxy=$proxy curl -s -o got \
	    "http://$(srv_addr reg)/v2/public/app/blobs/$LAYER"
	cmp got "$blob"
	tls_front behind reg
	https_proxy=$proxy curl -s --cacert "$LP_SRV/tls/ca.pem" -o got \
	    "https://$(srv_addr behind)/v2/public/app/blobs/$LAYER"
	cmp got "$blob"
	wait_for srv_saw proxy '.request | startswith("CONNECT ")'
	wait_for srv_saw proxy '.request | startswith("GET http://")'
}
