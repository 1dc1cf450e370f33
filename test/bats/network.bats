#!/usr/bin/env bats
# Between the programs and the servers: distance, HTTP/2, proxies.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts in quotes; each test is a process, and means to be; run's variables

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../lib/secrets

LAYERS=20

setup_file()
{
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	secret basic alice secret-alice
	secret '' carol secret-carol
	secrets_in password
	local n files=()
	for ((n = 0; n < LAYERS; n++)); do
		mkdir -p "tree$n"
		# more than a head of it
		noise "$n" 100000 >"tree$n/file"
		tar --owner=0 --group=0 --mtime=@0 -cf - "tree$n" | gzip -n >"l$n.tar.gz"
		files+=("l$n.tar.gz")
	done
	layout_make lay app:1 "${files[@]}"
	registry_start reg
	registry_push "$PWD/lay:app:1" reg app:1
	registry_start basic htpasswd storage="$PWD/s1"
	registry_push "$PWD/lay:app:1" basic app:1 alice:secret-alice
	tls_init
	tls_front front reg
	tls_front private basic
}

setup()
{
	own_folder
	export IN=$BATS_FILE_TMPDIR CA=$LP_SRV/tls/ca.pem
}

# sources HOST:PORT: those of the image, at that address
sources()
{
	lp-layers -o source "oci:$IN/lay:app:1" | sed "s|.*@|$1/app@|"
}

# heads STORE HOST:PORT: it has 64 KiB of each layer from there, and they are right
heads()
{
	local n hex
	for ((n = 0; n < LAYERS; n++)); do
		hex=$(sha256sum <"$IN/l$n.tar.gz" | cut -c1-64)
		head -c 65536 "$IN/l$n.tar.gz" | cmp - "$(ranges_of "$1" "$2/app" "$hex")/0-65535"
	done
}

# Each change of direction would cost the distance once; those of one
# connection follow each other, those of several do not.
@test "--fill of 20 heads takes at most a quarter of the round trips of 20 runs one after the other" {
	local source apart together
	delay_start apart 0 "$(srv_addr reg)"
	sources "$(srv_addr apart)" >list
	[ "$(wc -l <list)" -eq "$LAYERS" ]
	while read -r source; do
		run -0 bash -c 'lp-fetch "$1" >got' - "$source"
	done <list
	# one finds out that there is no TLS, one is asked
	srv_asked apart $((2 * LAYERS))
	apart=$(srv_requests apart | jq -s 'map(.turns) | add')
	delay_start together 0 "$(srv_addr reg)"
	run -0 lp-fetch --fill -S st < <(sources "$(srv_addr together)")
	heads st "$(srv_addr together)"
	srv_asked together 2
	srv_requests together | jq -c '{n, turns}'
	together=$(srv_requests together | jq -s 'sort_by(.n) | .[0].turns + (.[1:] | map(.turns) | max)')
	echo "apart $apart, together $together"
	[ $((4 * together)) -le "$apart" ]
	# -j is a bound
	delay_start few 0 "$(srv_addr reg)"
	run -0 lp-fetch --fill -j 2 -S st2 < <(sources "$(srv_addr few)")
	srv_asked few 3
	[ "$(srv_requests few | wc -l)" -eq 3 ]
}

@test "HTTP/2 is spoken where it is offered: --fill is one connection, and its requests do not wait for each other" {
	local turns
	delay_start far 20 "$(srv_addr front)" --line
	run -0 lp-fetch --fill --cacert "$CA" -j 20 -S st < <(sources "$(srv_addr far localhost)")
	heads st "$(srv_addr far localhost)"
	srv_requests front '.path | contains("/blobs/")' >asked
	[ "$(wc -l <asked)" -eq "$LAYERS" ]
	[ "$(jq -r .protocol asked | sort -u)" = HTTP/2.0 ]
	[ "$(jq -r .connection asked | sort -u | wc -l)" -eq 1 ]
	[ "$(jq -r .range asked | sort -u)" = bytes=0-65535 ]
	[ "$(jq -r .accept_encoding asked | sort -u)" = identity ]
	srv_asked far 2
	# the one that was only to find out whether TLS is spoken, and the other
	[ "$(srv_requests far | wc -l)" -eq 2 ]
	turns=$(srv_requests far | jq -s 'sort_by(.down) | last.turns')
	echo "turns $turns"
	# one after the other they would be twice as many as requests
	[ "$turns" -lt $((2 * LAYERS)) ]
}

@test "HTTP/2 for one blob, whole and resumed" {
	local source
	source=$(sources "$(srv_addr front localhost)" | head -n 1)
	run -0 bash -c 'set -o pipefail; lp-fetch -a --cacert "$CA" "$1" | cmp - "$IN/l0.tar.gz"' - "$source"
	run -0 bash -c 'set -o pipefail; lp-fetch --cacert "$CA" -r 500-1499 "$1" | cmp - <(tail -c +501 "$IN/l0.tar.gz" | head -c 1000)' \
	    - "$source"
	[ "$(srv_requests front '.path | contains("/blobs/")' | tail -n 1 | jq -r .protocol)" = HTTP/2.0 ]
}

# wrong_h2 PATTERN HOW...: lp-fetch, --fill and lp-layers each say that once, exit 3, after as many tries as they may have
wrong_h2()
{
	local pattern=$1 host digest=sha256:0000000000000000000000000000000000000000000000000000000000000000
	shift
	rm -f "$LP_SRV/wrong/requests"
	tool_start h2server wrong --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem" "$@"
	host=$(srv_addr wrong localhost)
	for command in "lp-fetch https://$host/x" "lp-fetch --fill -S st $host/app@$digest" "lp-layers $host/app:1"; do
		# shellcheck disable=SC2086 # words
		run -3 --separate-stderr timeout 60 $command --insecure --retries 1
		echo "$* $command: $stderr"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr =~ $pattern && $stderr != *'ut of memory'* ]]
	done
	[ "$(srv_requests wrong | wc -l)" -le 16 ]
	srv_stop wrong
}

@test "HTTP/2: a GOAWAY with many words, a long header, headers and trailers without end" {
	wrong_h2 'localhost' goaway 16000
	wrong_h2 'localhost' goaway 0
	wrong_h2 'localhost' header 70000
	wrong_h2 'localhost' header 300000
	wrong_h2 'localhost' headers
	wrong_h2 'localhost' trailers
}

# ---- proxies -------------------------------------------------------------------------

# proxy NAME BEHIND [OPTION...]: an HTTP proxy on loopback, for which registry.invalid is that server; PROXY is its address
proxy()
{
	delay_start "$1" 0 "$(srv_addr "$2")" --http "${@:3}"
	PROXY=$(srv_addr "$1")
}

@test "http_proxy is used for http, and no_proxy keeps hosts from it" {
	local source
	proxy one reg
	source=$(sources registry.invalid | head -n 1)
	for name in http_proxy HTTP_PROXY all_proxy; do
		run -0 bash -c 'export "$2"; lp-fetch --plain-http "$1" | cmp - <(head -c 65536 "$IN/l0.tar.gz")' - "$source" \
		    "$name=http://$PROXY"
	done
	srv_asked one 3
	srv_requests one '.request | startswith("GET http://registry.invalid/")' | jq -e -s 'length == 3'
	# nobody resolves the name but the proxy
	export http_proxy=http://$PROXY
	for except in registry.invalid '*' .invalid '*.invalid' registry.invalid:80; do
		no_proxy=$except run -3 --separate-stderr lp-fetch --plain-http --retries 0 "$source"
		[[ $stderr == *esolve* ]]
	done
	[ "$(srv_requests one | wc -l)" -eq 3 ]
	# one that is not there is not gone round
	http_proxy=http://127.0.0.1:1 run -3 --separate-stderr lp-fetch --plain-http --retries 0 "$source"
	[[ $stderr == *127.0.0.1* ]]
}

# As Go has it: the password for a registry here went to the proxy, in plain.
@test "what is on this machine is asked through no proxy, whatever the environment says" {
	local host
	proxy none basic
	printf 'secret-alice\n' >password
	export http_proxy=http://$PROXY https_proxy=http://$PROXY all_proxy=http://$PROXY
	export HTTP_PROXY=$http_proxy HTTPS_PROXY=$http_proxy
	for host in "$(srv_addr basic)" "$(srv_addr basic localhost)" "$(srv_addr private localhost)"; do
		run -0 lp-layers --cacert "$CA" --user alice --password-file password "$host/app:1"
		[ "${#lines[@]}" -eq "$LAYERS" ]
	done
	run -0 lp-fetch --user alice --password-file password "$(sources "$(srv_addr basic)" | head -n 1)"
	[ ! -s "$(srv_log none)" ]
}

@test "https_proxy is a tunnel: the proxy sees the host's name, and no credential" {
	secret tunnel carol secret-carol
	secrets_in proxied
	local source
	proxy tunnel private
	printf 'secret-alice\n' >password
	source=$(sources registry.invalid | head -n 1)
	export https_proxy=http://carol:secret-carol@$PROXY LP_STATS=$PWD/stats
	lp-layers -v --cacert "$CA" --user alice --password-file password registry.invalid/app:1 >rows 2>out
	[ "$(wc -l <rows)" -eq "$LAYERS" ]
	run -0 bash -c 'lp-fetch -v --cacert "$CA" --user alice --password-file password "$1" 2>>out |
		cmp - <(head -c 65536 "$IN/l0.tar.gz")' - "$source"
	run -0 lp-fetch -v --fill --cacert "$CA" --user alice --password-file password -S st < <(sources registry.invalid)
	echo "$output" >>out
	heads st registry.invalid
	srv_asked tunnel 3
	# nothing but tunnels, all to the registry, and with the proxy's own password alone
	[ "$(srv_requests tunnel | jq -r .request | sort -u)" = "CONNECT registry.invalid:443 HTTP/1.1" ]
	[ "$(srv_requests tunnel | jq -r .headers | grep -ic '^authorization')" -eq 0 ]
	srv_requests tunnel | jq -r .headers | tr -d '\r' >proxied
	grep -iqx "proxy-authorization: Basic $(printf carol:secret-carol | base64)" proxied
	run ! grep -F -e secret-alice -e "$(printf alice:secret-alice | base64)" "$(srv_log tunnel)"
	# the registry saw ours, and not the proxy's
	srv_requests private '.status == 206' | jq -e -s --arg a "Basic $(printf alice:secret-alice | base64)" \
	    'length > 0 and all(.authorization == $a)'
	run ! grep -rF -e secret-carol -e secret-alice out stats st
}

@test "a proxy is spoken to by TLS, by the same authorities" {
	secret by_tls carol secret-carol
	echo '{"http://registry.invalid/x": {"text": "by TLS"}}' >rules
	fault_start by_tls rules --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	http_proxy=https://carol:secret-carol@localhost:$(srv_port by_tls)
	export http_proxy
	[ "$(lp-fetch --cacert "$CA" http://registry.invalid/x)" = 'by TLS' ]
	[ "$(SSL_CERT_FILE=$CA lp-fetch http://registry.invalid/x)" = 'by TLS' ]
	[ "$(lp-fetch --insecure http://registry.invalid/x)" = 'by TLS' ]
	srv_asked by_tls 3
	# no other authority, and it is told nothing
	export https_proxy=$http_proxy
	run -3 --separate-stderr lp-fetch --retries 0 http://registry.invalid/x
	[[ $stderr == *certificate* ]]
	run -3 --separate-stderr lp-layers --retries 0 registry.invalid/x
	[[ $stderr == *certificate* ]]
	[ "$(srv_requests by_tls | wc -l)" -eq 3 ]
	# a tunnel in TLS, and TLS in the tunnel
	proxy outer private --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	printf 'secret-alice\n' >password
	https_proxy=https://localhost:$(srv_port outer)
	run -0 lp-layers --cacert "$CA" --user alice --password-file password registry.invalid/app:1
	[ "${#lines[@]}" -eq "$LAYERS" ]
}

@test "a proxy that refuses is asked once: a wrong password is not sent again and again" {
	secret refuses carol secret-carol
	local code
	for code in 407 403; do
		jq -n --argjson s "$code" '{"registry.invalid:443": {status: $s, headers: {"Proxy-Authenticate": "Basic realm=\"p\""}}}' >rules
		fault_start refuses rules
		https_proxy=http://carol:secret-carol@$(srv_addr refuses) run -3 --separate-stderr lp-fetch https://registry.invalid/x
		[[ $stderr == *"$code"* ]]
		[ "${#stderr_lines[@]}" -eq 1 ]
		srv_asked refuses 1
		[ "$(srv_requests refuses | wc -l)" -eq 1 ]
		srv_stop refuses
		rm "$(srv_log refuses)"
	done
}

@test "a registry on this machine that redirects speaks TLS all the same" {
	jq -n '{"/v2/": {redirect: "https://localhost:1/login"}, "/v2/x/manifests/latest": {text: "{}",
	    headers: {"Docker-Content-Digest": ("sha256:" + "0" * 64)}}}' >rules
	fault_start tls rules --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	[ "$(lp-layers --cacert "$CA" --retries 0 --digest "localhost:$(srv_port tls)/x")" = "sha256:$(printf %064d 0)" ]
}

@test "a proxy's password is in no message" {
	secret reg carol secret-carol
	local source
	source=$(sources registry.invalid | head -n 1)
	# one that refuses: of nobody, and of a server that knows no tunnels
	https_proxy=http://carol:secret-carol@127.0.0.1:1 run -3 --separate-stderr lp-fetch -v --retries 0 --cacert "$CA" "$source"
	[[ $stderr == *lp-fetch:* ]]
	[[ $stderr != *secret-carol* ]]
	https_proxy=http://carol:secret-carol@$(srv_addr reg) run -3 --separate-stderr lp-fetch -v --retries 0 --cacert "$CA" "$source"
	[[ $stderr == *lp-fetch:* ]]
	[[ $stderr != *secret-carol* ]]
}

# ---- certificates --------------------------------------------------------------------

# mutual NAME on|optional [LINES]: a registry that wants a certificate, or looks at one
mutual()
{
	tls_front "$1" reg '' '' "ssl_client_certificate $CA; ssl_verify_client $2; ${3-}"
}

# The names of all clients in its log, in the order of their requests.
shown()
{
	srv_requests "$1" | jq -r .client | uniq
}

@test "a client certificate: --cert and --key, or certs.d, for that host and port and no other" {
	local host own=.config/containers/certs.d
	tls_cert client DNS:client.invalid
	mutual elsewhere optional
	mutual wants on "location /away { return 302 https://other.localhost:$(srv_port elsewhere)/v2/; }"
	cp "$LP_SRV/tls/client.pem" "$LP_SRV/tls/client.key" .
	cat client.pem client.key >both.pem
	host=$(srv_addr wants localhost)
	run -3 --separate-stderr lp-layers --cacert "$CA" "$host/app:1"
	[[ $stderr == *"it wants a client certificate: --cert=FILE and --key=FILE)"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -0 lp-layers --cacert "$CA" --cert client.pem --key client.key "$host/app:1"
	[ "${#lines[@]}" -eq "$LAYERS" ]
	run -0 lp-peek --layers --cacert "$CA" --cert both.pem "$host/app:1"
	# what it leads to, and what a list names besides
	run -0 lp-fetch --cacert "$CA" --cert both.pem "https://$host/away"
	sources "$host" | sed -n 1p >list
	sources "$(srv_addr elsewhere localhost)" | sed -n 2p >>list
	run -0 lp-fetch --fill --cacert "$CA" --cert both.pem -S st <list
	run -2 --separate-stderr lp-peek --cert both.pem --diff "$(srv_addr elsewhere localhost)/app:1" "$host/app:1"
	[[ $stderr == *"--cert is for one registry"* ]]
	mkdir -p "$own/$host"
	cp "$CA" "$own/$host/ca.crt"
	cp client.pem "$own/$host/client.cert"
	run -3 --separate-stderr lp-layers "$host/app:1"
	[[ $stderr == *"/client.key: the client certificate's key cannot be read: No such"* ]]
	cp client.key "$own/$host/client.key"
	lp-layers --digest "$host/app:1" >digest
	[ "$(skopeo inspect --format '{{.Digest}}' "docker://$host/app:1")" = "$(<digest)" ]
	# nothing of it is for the same host at another port
	run -3 --separate-stderr lp-layers "$(srv_addr elsewhere localhost)/app:1"
	[[ $stderr == *certificate* ]]
	run -0 lp-layers --cacert "$CA" "$(srv_addr elsewhere localhost)/app:1"
	[ "$(shown wants)" = "$(printf '%s\n' '' CN=client)" ]
	[ "$(shown elsewhere)" = '' ]
	[ "$(srv_requests elsewhere | wc -l)" -gt 3 ]
}

@test "authorities: --cacert adds to the system's, --cacert-only does not; SSL_CERT_FILE, SSL_CERT_DIR" {
	local host
	host=$(srv_addr front localhost)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other \
	    -keyout other.key -out other.pem 2>/dev/null
	mkdir certs
	cp "$CA" other.pem certs
	echo no certificate >certs/README
	run -0 lp-layers --cacert "$CA" --cacert-only "$host/app:1"
	SSL_CERT_FILE=$CA run -0 lp-layers --cacert other.pem "$host/app:1"
	# what would be waited for without end is none
	mkfifo certs/fifo
	SSL_CERT_DIR=/nowhere:$PWD/certs run -0 lp-layers --cacert other.pem "$host/app:1"
	[ "${#lines[@]}" -eq "$LAYERS" ]
	SSL_CERT_FILE=$CA SSL_CERT_DIR=$PWD/certs run -3 --separate-stderr lp-layers --cacert other.pem --cacert-only --retries 0 "$host/app:1"
	[[ $stderr == *": SSL certificate problem: "*", of localhost:"* ]]
	run -1 --separate-stderr lp-layers --cacert certs/README "$host/app:1"
	[[ $stderr == *"certs/README: the certificate authorities cannot be read: no PEM in it" ]]
	run -2 lp-layers --cacert-only "$host/app:1"
	run -2 lp-layers --key other.key "$host/app:1"
}
