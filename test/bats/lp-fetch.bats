#!/usr/bin/env bats
# lp-fetch: what each server quirk and fault leads to. The faulty server is
# test/lib/faultserver; what real servers do is in pipeline.bats and
# credentials.bats.

# shellcheck disable=SC2001,SC2016,SC2030,SC2031 # groups are replaced; scripts in quotes; each test is a process, and means to be

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../lib/secrets

setup_file()
{
	srv_init
	seq 200000 >"$BATS_FILE_TMPDIR/blob"
	truncate -s 1000000 "$BATS_FILE_TMPDIR/blob"
}

setup()
{
	own_folder
	export BLOB=$BATS_FILE_TMPDIR/blob
	DIGEST=sha256:$(sha256sum <"$BLOB" | cut -c1-64)
}

# serve STEP [PATH STEP]...: the faulty server answers /blob with STEP; steps name no body: it is the blob
serve()
{
	local path=/blob step rules='{}'
	for step; do
		case $step in
		/* | HEAD\ *) path=$step ; continue ;;
		esac
		rules=$(jq -c --arg p "$path" --arg f "$BLOB" --argjson s "$step" \
		    '.[$p] = ($s | if type == "array" then . else [.] end | map(if (keys - ["range", "shift", "total",
		    "content_range", "chunked", "length", "short", "extra", "delay_ms", "rate", "close_at", "reset_at",
		    "stall_at", "gzip", "headers", "most"]) == [] then . + {file: $f} else . end))' <<<"$rules")
	done
	printf '%s\n' "$rules" >rules
	srv_stop faulty
	rm -f "$LP_SRV/faulty/requests"
	fault_start faulty rules
	URL=http://$(srv_addr faulty)/blob
}

# fails STATUS PATTERN ARGUMENT...: one message; what came out is the beginning of what was asked for
# shellcheck disable=SC2154 # set by run
fails()
{
	local want=$1 pattern=$2
	shift 2
	run --separate-stderr bash -c 'lp-fetch "$@" >got' - "$@"
	echo "status $status, stderr: $stderr"
	[ "$status" -eq "$want" ]
	[[ $stderr =~ $pattern ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

# logged NAME COUNT: as many requests, and no more
logged()
{
	srv_asked "$1" "$2"
	[ "$(srv_requests "$1" | wc -l)" -eq "$2" ]
}

ranges()
{
	srv_requests faulty '.method == "GET"' | jq -r '.headers.range // "none"'
}

@test "single, closed ranges are all that is sent, and identity" {
	serve '{}'
	gets 0 65536 "$URL"
	gets 999900 100 -r -100 "$URL"
	gets 500 999500 -r 500- "$URL"
	gets 10 11 -r 10-20 "$URL"
	gets 0 1000000 -a "$URL"
	gets 999990 10 -r 999990-2000000 --size 1000000 "$URL"
	ranges | grep -vxE 'bytes=[0-9]+-[0-9]+|none' >odd || :
	[ ! -s odd ]
	ranges | tail -1 | grep -x 'bytes=999990-999999'
	srv_requests faulty 'true' | jq -r '.headers["accept-encoding"]' | sort -u | grep -x identity
}

@test "no HEAD is sent to learn a size: signed URLs and ECR Public refuse it" {
	serve 'HEAD /blob' '{"status": 403}' /blob '{}'
	gets 999900 100 -r -100 "$URL"
	gets 0 65536 "$URL"
	gets 0 1000000 -a "$URL"
	[ "$(srv_requests faulty | jq -r .method | sort -u)" = GET ]
}

@test "200 for a range: what is in front is thrown away, the transfer ends with the range" {
	serve '{"range": "ignore"}'
	gets 0 65536 "$URL"
	gets 300000 1000 -r 300000-300999 "$URL"
	gets 999900 100 -r -100 "$URL"
	gets 0 1000000 -a "$URL"
	# with a reader who is waited for: one head, and then all of it, once
	run -0 bash -c 'set -o pipefail; lp-fetch -a --stats st --digest "$2" "$1" | cmp - "$BLOB"' - "$URL" "$DIGEST"
	[ "$(jq .requests st)" -eq 2 ]
	[ "$(jq .bytes_downloaded st)" -le $((1000000 + 262144 + 65536)) ]
	run -0 bash -c 'set -o pipefail; lp-fetch -a --stats st2 "$1" | head -c 10240 | cmp -n 10240 - "$BLOB"' - "$URL"
	[ "$(jq .bytes_downloaded st2)" -le $((2 * 10240 + 262144 + 16384)) ]
}

@test "206 with a wrong start is refused, and told" {
	serve '{"content_range": "bytes 100-65635/1000000"}'
	fails 3 'asked for bytes from 0, the server sends some from 100' "$URL"
	[ ! -s got ]
	serve '{"shift": 100}'
	fails 3 'asked for bytes from 0, the server sends some from 100' "$URL"
	[ ! -s got ]
}

@test "206 without Content-Range: taken if it is as long as asked, else refused" {
	serve '{"content_range": null}'
	gets 0 65536 "$URL"
	serve '{"content_range": null, "chunked": true}'
	fails 3 'without Content-Range' "$URL"
	[ ! -s got ]
	serve '{"content_range": "octets one to two"}'
	fails 3 'makes no sense' "$URL"
	[ ! -s got ]
}

@test "206 with a wrong total: against the descriptor's size it is bad data" {
	serve '{"total": 999}'
	fails 3 'makes no sense' "$URL"
	serve '{"total": 2000000}'
	fails 1 'has 2000000 bytes of it, it should be 1000000' --size 1000000 "$URL"
	[ ! -s got ]
}

@test "206: what comes behind the end that it names is not the blob's" {
	serve "[{\"status\": 206, \"range\": \"ignore\", \"content_range\": \"bytes 1000-1499/1000000\",
	    \"base64\": \"$({ part 1000 500 "$BLOB"; noise 1 500; } | base64 -w 0)\"}, {}]"
	gets 1000 1000 -r 1000-1999 "$URL"
	[ "$(ranges)" = $'bytes=1000-1999\nbytes=1500-1999' ]
}

@test "a range in small pieces: so many requests, and no more" {
	# each worth its request
	serve '{"most": 65536}'
	gets 0 1000000 -a "$URL"
	# one byte each, a KiB each: named by their own Content-Range, and for ever
	serve '{"most": 1}'
	fails 3 'broke off at byte 4; tried 4 times' -n 2000 "$URL"
	head -c 4 "$BLOB" | cmp - got
	logged faulty 4
	serve '{"most": 1024}'
	fails 3 'broke off at byte 66560; tried 65 times' -n 100000 "$URL"
	head -c 66560 "$BLOB" | cmp - got
	logged faulty 65
}

@test "a file that is replaced while it is read is not put together of both" {
	local field
	for field in '"ETag": "\"v1\"" "ETag": "\"v2\""' \
	    '"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT" "Last-Modified": "Sun, 06 Nov 1994 08:49:38 GMT"'; do
		serve "$(sed 's/\(.*\) \("[EL].*\)/[{"headers": {\1}, "close_at": 262144}, {"headers": {\2}}]/' <<<"$field")"
		fails 3 'it was replaced while it was read: ' -a "$URL"
		head -c 262144 "$BLOB" | cmp - got
		# its digest says what it is, whatever its servers call it
		serve "$(sed 's/\(.*\) \("[EL].*\)/[{"headers": {\1}, "close_at": 262144}, {"headers": {\2}}]/' <<<"$field")"
		gets 0 1000000 -a --digest "$DIGEST" "$URL"
	done
	# the same one, also where only some answers say so
	serve '[{"headers": {"ETag": "\"v1\"", "Last-Modified": "x"}, "close_at": 500000}, {"headers": {"Last-Modified": "x"},
	    "close_at": 300000}, {"headers": {"ETag": "\"v1\""}}]'
	gets 0 1000000 -a "$URL"
}

@test "416: beyond the end, or a server that is wrong" {
	serve '{}'
	fails 1 'byte 1000000 is beyond its end: it has 1000000 bytes' -r 1000000-1000009 "$URL"
	fails 1 'byte 5000000 is beyond its end' -r 5000000- --size 1000000 "$URL"
	serve '{"range": "refuse"}'
	fails 3 'HTTP 416 for bytes that it has' "$URL"
	# its end is where the answer's is
	serve '{"range": "ignore", "length": null}'
	fails 1 'byte 1000000 is beyond its end: it has 1000000 bytes' -r 1000000-1000009 "$URL"
	fails 1 'byte 2000000 is beyond its end: it has 1000000 bytes' -r 2000000-2000009 "$URL"
	[ ! -s got ]
	# without a total: an empty blob, or a server that has no ranges
	serve '[{"status": 416, "content_range": null, "text": ""}, {"base64": "", "range": "ignore"}]'
	run -0 lp-fetch "$URL"
	[ -z "$output" ]
	serve '[{"status": 416, "content_range": null, "text": ""}, {"range": "ignore", "close_at": 1000}, {"range": "ignore"}]'
	gets 0 65536 "$URL"
	[ "$(ranges)" = $'bytes=0-65535\nnone\nnone' ]
	serve '{"status": 416, "content_range": null, "text": ""}'
	fails 3 'HTTP 416 for bytes that it has' "$URL"
	[ "$(ranges)" = $'bytes=0-65535\nnone' ]
	fails 1 'byte 7 is beyond its end' -r 7-9 "$URL"
}

@test "a body that breaks off is resumed where it broke" {
	local at
	for at in 0 1 5000 65535; do
		serve "[{\"reset_at\": $at}, {}]"
		gets 0 65536 "$URL"
		serve "[{\"close_at\": $at}, {}]"
		gets 0 65536 "$URL"
	done
	serve '[{"reset_at": 400000}, {"close_at": 100000}, {"reset_at": 10}, {}]'
	gets 0 1000000 -a --digest "$DIGEST" "$URL"
	ranges >asked
	# a request is in the server's log when it has ended, which may be after the next one has
	[ "$(wc -l <asked)" -eq 4 ]
	[ "$(grep -vxE 'bytes=[1-9][0-9]*-999999' asked)" = none ]
}

@test "a body that always breaks off at the same place is given up" {
	serve '{"close_at": 0}'
	fails 3 'broke off at byte 0' "$URL"
	[ ! -s got ]
}

@test "shorter than promised is resumed; longer is cut" {
	serve '[{"short": 1000}, {}]'
	gets 0 65536 "$URL"
	serve '{"extra": 1000}'
	gets 0 65536 "$URL"
	gets 0 1000000 -a --digest "$DIGEST" "$URL"
}

@test "chunked, or ended by the connection alone: the length is what came" {
	serve '{"range": "ignore", "chunked": true}'
	gets 0 1000000 -a --digest "$DIGEST" "$URL"
	gets 0 65536 "$URL"
	serve '{"range": "ignore", "length": null}'
	gets 0 1000000 -a --digest "$DIGEST" "$URL"
}

@test "one byte a second, and silence, are stalls" {
	serve '{"rate": 1}'
	fails 3 'stalled' --stall-timeout 1 --retries 0 "$URL"
	serve '{"stall_at": 0}'
	fails 3 'stalled' --stall-timeout 1 --retries 0 "$URL"
	serve '[{"stall_at": 5000}, {}]'
	gets 0 65536 --stall-timeout 1 "$URL"
}

# somebody listens, and never says a word: a connection stands once TLS does
@test "what has no end ends: headers, 100 Continue, trailers, the extension of a chunk" {
	local ok='HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n' line='x: 0123456789abcdef\r\n'
	serve /headers "{\"endless\": [\"$ok\", \"$line\"]}" /line "{\"endless\": [\"${ok}x: \", \"0123456789abcdef\"]}" \
	    /continue "{\"endless\": [\"\", \"HTTP/1.1 100 Continue\r\n\r\n\"]}" \
	    /trailers "{\"endless\": [\"$ok\r\n1\r\n1\r\n0\r\n\", \"$line\"]}" \
	    /extension "{\"endless\": [\"$ok\r\n1;\", \"$(printf '%8192s' '' | tr ' ' x)\"]}" \
	    /slow "{\"rate\": 4096, \"endless\": [\"$ok\r\n1;\", \"$(printf '%256s' '' | tr ' ' x)\"]}"
	for what in headers continue trailers; do
		fails 3 'headers of more than 64 KiB' --retries 0 "${URL%/blob}/$what"
	done
	fails 3 'lp-fetch: .*(headers of more than 64 KiB|longer than libcurl takes|Too large response headers)' --retries 0 "${URL%/blob}/line"
	fails 3 'more than 64 MiB arrived that are no part of the answer' --retries 0 --stall-timeout 0 "${URL%/blob}/extension"
	# busy all the time, and yet nothing comes
	fails 3 'stalled: 0 bytes in 1 seconds' --retries 0 --stall-timeout 1 "${URL%/blob}/slow"
}

@test "a document that does not come to its end is given up after ten stall time-outs, though bytes arrive in each" {
	local what spaces pids=()
	spaces=$(printf '%256s' '')
	jq -n --arg h $'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{' --arg s "$spaces" '{endless: [$h, $s], rate: 2048} |
	    {"/v2/app/manifests/*": ., "/v2/app/tags/list": .}' >rules
	fault_start slow rules
	for what in --index --tags; do
		lp-layers --plain-http --stall-timeout 1 --retries 0 $what "$(srv_addr slow)/app" >out$what 2>err$what && false || echo $? >rc$what &
		pids+=($!)
	done
	wait "${pids[@]}"
	for what in --index --tags; do
		cat err$what
		[ "$(cat rc$what)" -eq 3 ]
		[ "$(wc -l <err$what)" -eq 1 ]
		[ ! -s out$what ]
	done
	grep -q ': no whole answer in 10 seconds$' err--index
	grep -q ': byte [0-9]*: it does not come to an end$' err--tags
}

@test "the trailers of an answer are no headers of it" {
	serve '{"raw": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n0\r\nWarning: 299 - \"told\"\r\n\r\n"}'
	run -0 --separate-stderr lp-fetch "$URL"
	[ "$output" = 123 ]
	[ -z "$stderr" ]
}

@test "time that we were stopped is not the server's" {
	local pid
	serve '{"delay_ms": 1500}'
	lp-fetch --retries 0 --stall-timeout 3 -n 1000 "$URL" >got 2>said &
	pid=$!
	wait_for grep -q "$(printf ':%04X 01 ' "$(srv_port faulty)")" /proc/net/tcp
	sleep 0.5
	# the request has gone out; while we sleep the answer comes, and time goes by
	kill -STOP "$pid"
	srv_asked faulty 1
	sleep 4
	kill -CONT "$pid"
	wait "$pid"
	cmp <(head -c 1000 "$BLOB") got
	[ ! -s said ]
}

# The server takes the second request of a connection, and closes it. The next
# connection is not made at once: one that nobody takes fills the queue, until
# /proc has seen that the client waits.
@test "a connection that dies unnoticed is replaced; what the first one brought is not held against the next" {
	cat >dies.py <<-'PY'
		import os, socket, sys, time
		def asked(c):
		    text = b""
		    while b"\r\n\r\n" not in text:
		        more = c.recv(65536)
		        if not more:
		            return False
		        text += more
		    return True
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(0)
		port = s.getsockname()[1]
		with open(sys.argv[1] + ".new", "w") as f:
		    print(port, file=f)
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		c, _ = s.accept()
		asked(c)
		c.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
		asked(c)
		queued = socket.create_connection(("127.0.0.1", port))
		# it waits for the answer by then, and knows its connection
		time.sleep(0.5)
		c.close()
		while " 0100007F:%04X 02 " % port not in open("/proc/net/tcp").read():
		    time.sleep(0.01)
		queued.close()
		while True:
		    c, _ = s.accept()
		    if asked(c):
		        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		    c.close()
	PY
	mkdir -p "$LP_SRV/dies"
	srv_spawn dies python3 dies.py "$LP_SRV/dies/port"
	wait_for test -s "$LP_SRV/dies/port"
	run -0 --separate-stderr lp-fetch --retries 0 "http://$(srv_addr dies)/a"
	[ "$output" = hello ]
	[ -z "$stderr" ]
}

@test "--connect-timeout ends what never becomes a connection" {
	mkdir -p "$LP_SRV/mute"
	srv_spawn mute python3 -c '
import os, socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(16)
with open(sys.argv[1] + ".new", "w") as f:
    print(s.getsockname()[1], file=f)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)' "$LP_SRV/mute/port"
	wait_for test -s "$LP_SRV/mute/port"
	run -3 --separate-stderr timeout 60 lp-fetch --connect-timeout 1 --stall-timeout 0 --retries 1 "https://$(srv_addr mute)/blob"
	[[ $stderr == *timeout* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	# and where it is the time-out for silence that counts
	run -3 --separate-stderr timeout 60 lp-fetch --connect-timeout 600 --stall-timeout 1 --retries 0 "http://$(srv_addr mute)/blob"
	[[ $stderr == *stalled* ]]
}

@test "429 and 503 wait as Retry-After says, in both forms; others back off" {
	local s
	for s in '{"status": 429, "retry_after": 1}' '{"status": 429, "retry_after": "date+1"}' \
	    '{"status": 503, "retry_after": 1}' '{"status": 503, "retry_after": "date+1"}' '{"status": 503}' '{"status": 502}' '{"status": 500}' '{"drop": "fin"}' '{"drop": "rst"}'; do
		serve "[$s, {}]"
		gets 0 65536 "$URL"
		[ "$(ranges | wc -l)" -eq 2 ]
	done
	serve '{"status": 429, "retry_after": 3600}'
	fails 3 'HTTP 429' "$URL"
	[ "$(ranges | wc -l)" -eq 1 ]
	serve '{"status": 500}'
	fails 3 'HTTP 500' --retries 1 "$URL"
	[ "$(ranges | wc -l)" -eq 2 ]
}

@test "other statuses are final, and named" {
	local s
	for s in 400 401 403 404 410 501; do
		serve "{\"status\": $s}"
		fails 3 "HTTP $s" "$URL"
		[ "$(ranges | wc -l)" -eq 1 ]
		[ ! -s got ]
	done
	fails 3 'onnect' --retries 0 http://127.0.0.1:1/x
}

@test "redirects: followed; a circle, a chain without end and other schemes are not" {
	serve '{"redirect": "{self}/b"}' /b '{"redirect": "/c", "status": 302}' /c '{}'
	gets 0 65536 "$URL"
	serve '{"redirect": "{self}/b"}' /b '{"redirect": "{self}/blob"}'
	fails 3 'circle' "$URL"
	serve '{"redirect": "file:///etc/passwd"}'
	fails 3 'neither http nor https' "$URL"
	[ ! -s got ]
	serve '{"redirect": "{self}/1"}' /1 '{"redirect": "/2"}' /2 '{"redirect": "/3"}' /3 '{"redirect": "/4"}' \
	    /4 '{"redirect": "/5"}' /5 '{"redirect": "/6"}' /6 '{"redirect": "/7"}' /7 '{"redirect": "/8"}' \
	    /8 '{"redirect": "/9"}' /9 '{}'
	fails 3 'more than 8 redirects' "$URL"
}

@test "a password in a URL stays with its origin, and out of messages and statistics" {
	secret front alice SECRET1
	secret front,faulty SECRET2
	secret front SECRET3
	secrets_in rules2
	serve '{}'
	srv_requests faulty | sed -n 1p >before
	cp "$LP_SRV/faulty/port" port
	printf '{"/x": {"redirect": "http://other.localhost:%s/blob?sig=SECRET2"}}\n' "$(cat port)" >rules2
	fault_start front rules2
	run -0 bash -c 'lp-fetch --stats st "http://alice:SECRET1@$1/x?token=SECRET3" >got' - "$(srv_addr front)"
	head -c 65536 "$BLOB" | cmp - got
	[ "$(srv_requests front | jq -r '.headers.authorization')" = "Basic $(printf alice:SECRET1 | base64)" ]
	[ "$(srv_requests faulty | jq -r '.headers.authorization // "none"')" = none ]
	run -3 --separate-stderr lp-fetch --stats st "http://alice:SECRET1@$(srv_addr front)/none?token=SECRET3"
	echo "$stderr" >>st
	grep -q lp-fetch st
	run ! grep SECRET st
}

# storage STEP...: a registry whose blobs are redirected to another port, where STEPs are what happens
storage()
{
	serve "$@"
	printf '{"/v2/x/blobs/*": {"redirect": "http://%s/blob?sig=abc"}}\n' "$(srv_addr faulty "${STORAGE_HOST:-127.0.0.1}")" >front.json
	srv_stop front
	rm -f "$LP_SRV/front/requests"
	fault_start front front.json
	SOURCE=$(srv_addr front)/x@$DIGEST
}

blobs_asked()
{
	srv_requests front '.path | contains("/blobs/")' | wc -l
}

@test "a signed URL that has expired is renewed once, whatever the storage calls that" {
	local s
	for s in 400 401 403; do
		storage "[{\"status\": $s}, {}]"
		gets 0 65536 "$SOURCE"
		[ "$(blobs_asked)" -eq 2 ]
		storage "{\"status\": $s}"
		fails 3 "$s" "$SOURCE"
		[ "$(blobs_asked)" -eq 2 ]
		[ ! -s got ]
	done
	# in the middle of a body: each resumption begins at the registry
	storage '[{"reset_at": 400000}, {"status": 403}, {}]'
	gets 0 1000000 -a "$SOURCE"
	[ "$(blobs_asked)" -eq 3 ]
	storage '{"status": 404}'
	fails 3 404 "$SOURCE"
	[ "$(blobs_asked)" -eq 1 ]
}

@test "Authorization stays where it belongs: another port, another host, https instead of http" {
	secret front alice secret-alice
	secrets_in password
	local to
	echo secret-alice >password
	tls_init
	jq -n --arg f "$BLOB" '{"/blob": {file: $f}}' >rules
	fault_start plain rules
	fault_start safe rules --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	for to in "http://$(srv_addr plain)" "http://$(srv_addr plain cdn.localhost)" "https://$(srv_addr safe localhost)"; do
		jq -n --arg t "$to/blob" '{"/v2/x/blobs/*": [{status: 401, headers: {"WWW-Authenticate": "Basic realm=\"x\""}},
		    {redirect: $t}]}' >front.json
		srv_stop front
		rm -f "$LP_SRV/front/requests"
		fault_start front front.json
		gets 0 65536 --cacert "$LP_SRV/tls/ca.pem" --user alice --password-file password "$(srv_addr front)/x@$DIGEST"
		[ "$(srv_requests front | jq -s 'last.headers.authorization | startswith("Basic ")')" = true ]
	done
	logged plain 2
	logged safe 1
	[ -z "$(srv_requests plain '.headers | has("authorization")')" ]
	[ -z "$(srv_requests safe '.headers | has("authorization")')" ]
	# a URL, as a foreign layer has it, is nobody's registry
	gets 0 65536 --user alice --password-file password "http://$(srv_addr plain)/blob"
	[ -z "$(srv_requests plain '.headers | has("authorization")')" ]
	jq -n --arg f "$BLOB" '{"/blob": {need: {authorization: "Basic x"}, file: $f}}' >rules
	fault_start needy rules
	fails 3 'HTTP 401' --user alice --password-file password "http://$(srv_addr needy)/blob"
	[ -z "$(srv_requests needy '.headers | has("authorization")')" ]
}

@test "a token that ends in mid-run is replaced, and the body goes on where it was" {
	# each is good for one request, and each request breaks off
	serve /token '{"token": {"uses": 1}}' '/v2/x/blobs/*' "$(jq -nc --arg f "$BLOB" '[
	    ({reset_at: 300000}, {reset_at: 200000}, {close_at: 100000}, {})
	    | . + {file: $f, need: {realm: "{self}/token", service: "s", scope: "repository:x:pull"}}]')"
	gets 0 1000000 -a "$(srv_addr faulty)/x@$DIGEST"
	[ "$(srv_requests faulty '.path | startswith("/token")' | wc -l)" -eq 4 ]
	# four of each, and the four refused ones in between
	logged faulty 12
	[ "$(srv_requests faulty '.status == 206' | jq -rs 'sort_by(.n)[].headers.range' | paste -sd' ')" = \
	    'bytes=300000-999999 bytes=500000-999999 bytes=600000-999999' ]
	# tokens that are worth nothing: one is asked for, and then it is told
	serve /token '{"token": {"uses": 0}}' '/v2/x/blobs/*' \
	    '{"need": {"realm": "{self}/token", "service": "s", "scope": "repository:x:pull"}}'
	fails 3 '401' "$(srv_addr faulty)/x@$DIGEST"
	[ "$(srv_requests faulty '.path | startswith("/token")' | wc -l)" -eq 1 ]
}

@test "from https to http is refused, and unknown authorities are" {
	tls_init
	jq -n --arg f "$BLOB" '{"/blob": {file: $f}, "/down": {redirect: "http://localhost:1/blob"}}' >rules
	fault_start tls rules --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	URL=https://$(srv_addr tls localhost)
	gets 0 65536 --cacert "$LP_SRV/tls/ca.pem" "$URL/blob"
	gets 0 65536 --insecure "$URL/blob"
	fails 3 'from https to http://localhost:1/blob refused' --cacert "$LP_SRV/tls/ca.pem" "$URL/down"
	fails 3 'certificate' "$URL/blob"
	[ ! -s got ]
}

@test "an HTML page is no blob, whatever its status" {
	serve '{"text": "\n<!DOCTYPE html><title>Sign in</title>", "headers": {"Content-Type": "text/html; charset=utf-8"}}'
	fails 1 'HTML page instead of a blob' "$URL"
	[ ! -s got ]
	serve '{"headers": {"Content-Type": "text/html"}}'
	gets 0 65536 "$URL"
}

@test "Content-Encoding: gzip without being asked" {
	serve '{"gzip": true, "chunked": true, "range": "ignore"}'
	fails 3 'Content-Encoding: gzip' "$URL"
	[ ! -s got ]
	serve '{"gzip": true, "range": "ignore"}'
	fails 3 'Content-Encoding: gzip' --digest "$DIGEST" "$URL"
	fails 3 'Content-Encoding: gzip' --size 1000000 "$URL"
	[ ! -s got ]
	# one that heeds what was asked
	serve '{"gzip": "asked"}'
	gets 0 65536 "$URL"
	# one that calls what it stores by that name
	serve '{"headers": {"Content-Encoding": "gzip"}}'
	gets 0 65536 --size 1000000 "$URL"
	gets 0 65536 "$URL"
}

@test "each Warning once; the rate limit with -v and in the statistics" {
	serve '{"headers": {"Warning": "299 - \"old \u001b[31mserver\"", "RateLimit-Remaining": "97;w=21600"}}'
	run --separate-stderr bash -c 'lp-fetch -v --stats st -r -5 "$1" >got' - "$URL"
	[ "$(grep -c 'a server warns' <<<"$stderr")" -eq 1 ]
	grep -F 'old \x1b[31mserver' <<<"$stderr"
	grep -F '97' <<<"$stderr"
	[ "$(jq .ratelimit_remaining st)" -eq 97 ]
	[ "$(jq .requests st)" -eq 2 ]
}

@test "warnings: each text in a field, also one that is a part of another" {
	serve '[{"headers": {"Warning": "299 - \"quota, exceeded soon\", 299 - \"more\""}},
	    {"headers": {"Warning": ["299 - \"quota, exceeded\"", "299 - \"more\""]}}]'
	run -0 --separate-stderr bash -c 'lp-fetch -r -5 "$1" >got' - "$URL"
	[ "$stderr" = "lp-fetch: a server warns: quota, exceeded soon
lp-fetch: a server warns: more
lp-fetch: a server warns: quota, exceeded" ]
}

@test "of one answer 16 warnings are told, in however many fields they come" {
	serve "$(jq -nc 'def told(p): [range(1; 9) | "299 - \"\(p)\(.)\""] | join(", ");
	    {headers: {Warning: [told(""), told("a"), "299 - \"last\"", told("b")]}}')"
	run -0 --separate-stderr bash -c 'lp-fetch "$1" >got' - "$URL"
	[ "$stderr" = "$(printf 'lp-fetch: a server warns: %s\n' {1..8} a{1..8})" ]
}

@test "a whole blob is held against its digest" {
	serve '{}'
	gets 0 1000000 -a --digest "$DIGEST" "$URL"
	fails 1 'its digest is .*, it should be sha256:0{64}' -a --digest "sha256:$(printf '0%.0s' {1..64})" "$URL"
	fails 1 'it should be' -a --digest "sha256:$(printf '0%.0s' {1..64})" "$BLOB"
}

@test "the statistics say whether the digest of the whole blob was checked in this run" {
	local zeros
	zeros=sha256:$(printf '0%.0s' {1..64})
	# verified WHAT ARGUMENT...: the field of that run
	verified() {
		rm -f stats
		lp-fetch --stats stats "${@:2}" >got 2>note || :
		[ "$(jq .verified stats)" = "$1" ]
	}
	serve '{}'
	verified true -a --digest "$DIGEST" "$URL"
	verified true -a --digest "$DIGEST" "$BLOB"
	verified true -n 1000000 --digest "$DIGEST" "$URL"
	verified true -n 2M --size 1000000 --digest "$DIGEST" "$URL"
	verified true -r 0- --digest "$DIGEST" "$BLOB"
	verified false -n 999999 --digest "$DIGEST" "$URL"
	verified false -r 1- --digest "$DIGEST" "$URL"
	verified false -a "$URL"
	verified false -a --digest "$zeros" "$URL"
	verified false -a --digest "$zeros" "$BLOB"
	verified true -a -S st --digest "$DIGEST" "$URL"
	verified true -O -S st --digest "$DIGEST" -n 1000000 "$URL"
	verified false -O -S st --digest "$DIGEST" "$URL"
}

# what is hashed beside the rest: under the lock, on one processor, and by a thread only where it pays
# bats test_tags=native
@test "a large blob is hashed while it is passed on" {
	# LeakSanitizer does not run under strace
	export ASAN_OPTIONS=detect_leaks=0
	local digest cpu
	for n in 1 2 3 4 5 6 7; do
		cat "$BLOB"
	done >large
	digest=sha256:$(sha256sum <large | cut -c1-64)
	jq -n --arg f "$PWD/large" '{"/large": {file: $f}, "/cut": [{file: $f, reset_at: 3000001}, {file: $f}]}' >rules
	fault_start large rules
	URL=http://$(srv_addr large)
	cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
	for cpu in "$cpu" ''; do
		run -0 bash -c '${2:+taskset -c "$2"} lp-fetch -a --digest "$3" "$1/large" >got' - "$URL" "$cpu" "$digest"
		cmp large got
		run -0 bash -c '${2:+taskset -c "$2"} lp-fetch -a --digest "$3" "$1/cut" | cmp large -' - "$URL" "$cpu" "$digest"
		fails 1 'its digest is .*, it should be sha256:0{64}' -a --digest "sha256:$(printf '0%.0s' {1..64})" "$URL/large"
	done
	run -0 bash -c 'set -o pipefail; lp-fetch -a --digest "$2" "$1/large" | head -c 3000000 | cmp -n 3000000 - large' - \
	    "$URL" "$digest"
	run -0 bash -c 'strace -f -qq -e trace=clone,clone3 -o threads lp-fetch -a --digest "$2" "$1/large" >got' - "$URL" "$digest"
	[ "$(grep -c CLONE_THREAD threads)" -ge 1 ]
	run -0 bash -c 'strace -f -qq -e trace=clone,clone3 -o threads lp-fetch -a --digest "$2" ./large >got' - "$URL" "$digest"
	[ ! -s threads ]
}

@test "an empty blob: all of it is nothing; a byte of it is not there" {
	: >empty
	serve '{"base64": ""}'
	run -0 lp-fetch -a "$URL"
	[ -z "$output" ]
	run -0 lp-fetch "$URL"
	[ -z "$output" ]
	run -0 lp-fetch ./empty
	[ -z "$output" ]
	fails 1 'empty|beyond' -r 0-9 "$URL"
	fails 1 'empty|beyond' -r 0-9 ./empty
}

@test "files, parts of files, pipes" {
	gets 0 65536 "$BLOB"
	gets 0 1000000 -a "file:$BLOB"
	gets 1000 500 -a "$BLOB#1000+500"
	gets 1010 10 -r 10-19 "$BLOB#1000+500"
	gets 1490 10 -r -10 "$BLOB#1000+500"
	fails 1 'less than 999000\+2000' "$BLOB#999000+2000"
	run -0 bash -c 'cat "$1" | lp-fetch -r 500000-500099 - >got' - "$BLOB"
	part 500000 100 "$BLOB" | cmp - got
	run -0 bash -c 'lp-fetch -r -100 - <"$1" >got' - "$BLOB"
	tail -c 100 "$BLOB" | cmp - got
	run -2 bash -c 'cat "$1" | lp-fetch -r -100 -' - "$BLOB"
	run -0 bash -c 'cat "$1" | lp-fetch -r -100 --size 1000000 - >got' - "$BLOB"
	tail -c 100 "$BLOB" | cmp - got
	# the rest of a pipe is the next reader's
	run -0 bash -c 'cat "$1" | { lp-fetch -n 1000 - >/dev/null; head -c 1000 >got; }' - "$BLOB"
	part 1000 1000 "$BLOB" | cmp - got
}

@test "a file on standard input is left where its reader goes on" {
	parts()
	{
		lp-fetch -n 10 -
		lp-fetch -r 5-14 -
		# this one is not passed on by the kernel alone
		lp-fetch -n 100000 --digest "$DIGEST" - | tail -c 5
		head -c 3
	}
	{ head -c 10 "$BLOB"; part 15 10 "$BLOB"; part 25 100000 "$BLOB" | tail -c 5
	    part 100025 3 "$BLOB"; } >want
	parts <"$BLOB" >got
	cmp want got
	# shellcheck disable=SC2002 # from a pipe this time
	{ cat "$BLOB" || :; } | parts >got
	cmp want got
}

@test "standard output may be non-blocking, and a socket" {
	cat >reader.py <<-'PY'
	import fcntl, os, socket, subprocess, sys, time
	kind, command = sys.argv[1], sys.argv[2:]
	if kind == "pipe":
	    mine, theirs = os.pipe()
	    fcntl.fcntl(theirs, fcntl.F_SETFL, os.O_NONBLOCK)
	else:
	    a, b = socket.socketpair()
	    # unread by the program, all the time
	    a.setblocking(False)
	    try:
	        while True:
	            a.send(b"x" * 1000)
	    except BlockingIOError:
	        pass
	    a.setblocking(True)
	    mine, theirs = a.fileno(), b.fileno()
	process = subprocess.Popen(command, stdout=theirs)
	os.close(theirs)
	if kind == "socket":
	    b.detach()
	left = 1000000
	while left > 0:
	    data = os.read(mine, min(left, 65536))
	    if not data:
	        break
	    sys.stdout.buffer.write(data)
	    left -= len(data)
	sys.stdout.buffer.flush()
	sys.exit(process.wait())
	PY
	serve '{}'
	for source in "$BLOB" "$URL"; do
		for kind in pipe socket; do
			timeout 60 python3 reader.py "$kind" lp-fetch -a "$source" >got
			cmp "$BLOB" got
			timeout 60 python3 reader.py "$kind" lp-fetch -a --digest "$DIGEST" "$source" >got
			cmp "$BLOB" got
		done
	done
}

@test "a password in a name that cannot be read is in no message and no statistics" {
	secret "" s3c
	local name program
	for name in 'https://u:s3cret@ho st/x' 'HTTPS://u:s3cret@host/x' 'ftp://u:s3cret@host/x' 'ftp://host/x?token=s3cret' \
	    'u:s3cret@localhost:5000/x' 'docker://u:s3cret@localhost:5000/x' 'https://u:s3cret@host:99999/x' \
	    'https://u:s3cret@/x' 'https://u:s3c/ret@127.0.0.1:1/x'; do
		for program in lp-fetch lp-layers lp-peek; do
			run ! "$program" -v --stats st --retries 0 "$name"
			[ -n "$output" ]
			[[ $output != *s3c* ]]
		done
		run ! lp-fetch -v --fill -S store --stats st --retries 0 <<<"$name"
		[ -n "$output" ]
		[[ $output != *s3c* ]]
	done
	grep -q error st
	run ! grep s3c st
}

@test "a local source loads no network library" {
	# LeakSanitizer does not run under strace
	export ASAN_OPTIONS=detect_leaks=0
	run -0 bash -c 'strace -f -e trace=openat -o opened lp-fetch "$1" >got' - "$BLOB"
	head -c 65536 "$BLOB" | cmp - got
	run ! grep -E 'libcurl|libssl' opened
}

# without --stall-timeout each of these servers would be waited for without end
# bats test_tags=native
@test "a reader who leaves ends the wait for a silent server" {
	local s
	for s in '{"stall_at": 0}' '{"stall_at": 5000}' '{"status": 503, "retry_after": 100}' '{"rate": 2000, "delay_ms": 100}'; do
		serve "$s"
		run -0 --separate-stderr timeout 60 bash -c 'set -o pipefail
			lp-fetch -a --stall-timeout 0 --stats st "$1" | head -c "$2" | wc -c' - "$URL" \
			"$(jq '.stall_at // 0 | if . > 0 then 1000 else 0 end' <<<"$s")"
		[ -z "$stderr" ]
		[ "$(jq -s 'last | has("error")' st)" = false ]
		run -0 --separate-stderr timeout 60 bash -c 'set -o pipefail; lp-fetch -a --stall-timeout 0 "$1" | true' - "$URL"
		[ -z "$stderr" ]
	done
	serve /v2/x/blobs/* '{"need": {"realm": "{self}/token", "service": "s"}}' /token '{"stall_at": 0}'
	run -0 --separate-stderr timeout 60 bash -c 'set -o pipefail; lp-fetch -a --stall-timeout 0 "$1" | sleep 1' - \
	    "$(srv_addr faulty)/x@$DIGEST"
	[ -z "$stderr" ]
	wait_for grep -q '"path": "/token?' "$(srv_log faulty)"
	# it is the reader who decides: with one that stays the stall is told
	serve '{"stall_at": 0}'
	run -3 --separate-stderr bash -c 'set -o pipefail; lp-fetch --retries 0 --stall-timeout 1 "$1" | cat >got' - "$URL"
	[[ $stderr == *stalled* ]]
}

@test "-a: what is fetched stays within twice of what the reader took, and 256 KiB" {
	local k n
	truncate -s 400M big
	jq -n --arg f "$PWD/big" '{"/big": {file: $f}}' >rules
	fault_start bigserver rules
	for k in 1 10240 1048576 52428800; do
		rm -f st
		run -0 bash -c 'set -o pipefail; lp-fetch -a --stats st "$1" | head -c "$2" | wc -c' - \
		    "http://$(srv_addr bigserver)/big" "$k"
		[ "$output" -eq "$k" ]
		n=$(jq .bytes_downloaded st)
		echo "$k: $n"
		[ "$n" -le $((2 * k + 262144)) ]
	done
}

# What is fetched is what the reader took, what fills the pipe to it, and the
# answer to the first range, which begins the blob as the second answer does.
# What a server has sent besides is in the sockets' buffers: that is for the
# kernel to bound, and nothing of a 400 MB blob's size.
@test "-a: a server that ignores ranges is held up by the reader" {
	local k n sent buffers
	buffers=$(($(cut -f 3 /proc/sys/net/ipv4/tcp_rmem) + $(cut -f 3 /proc/sys/net/ipv4/tcp_wmem)))
	truncate -s 400M big
	jq -n --arg f "$PWD/big" '{"/big": {file: $f, range: "ignore"}}' >rules
	for k in 10240 1048576 52428800; do
		fault_start "ignoring$k" rules
		rm -f st
		run -0 bash -c 'set -o pipefail; lp-fetch -a --stats st "$1" | head -c "$2" | wc -c' - \
		    "http://$(srv_addr "ignoring$k")/big" "$k"
		[ "$output" -eq "$k" ]
		n=$(jq .bytes_downloaded st)
		[ "$n" -ge "$k" ]
		[ "$n" -le $((k + 1048576 + 262144 + 65536)) ]
		[ "$(jq .requests st)" -le 2 ]
		# it logs a request when that has ended
		wait_for_requests() { [ "$(wc -l <"$(srv_log "ignoring$k")")" -eq "$(jq .requests st)" ]; }
		wait_for wait_for_requests
		sent=$(jq -s 'map(.sent) | add' "$(srv_log "ignoring$k")")
		echo "$k: $n fetched, $sent sent"
		[ "$sent" -le $((n + 2 * buffers)) ]
	done
}

@test "names that are no source: what was meant" {
	echo x >file
	fails 2 'the file of that name is ./file' file
	fails 2 'lp-layers lists those of an image' debian:bookworm
	fails 3 '^lp-fetch: ftp://h/x: no http:// or https:// URL, and as a file: No such file' ftp://h/x
}

@test "what is not text is no output for a terminal" {
	printf 'a\033[31mb' >raw
	tar -cf tar raw
	for command in 'lp-fetch ./raw' 'lp-inflate raw' 'lp-cat --tar -f tar raw'; do
		run -2 script -qec "$command" /dev/null
		[[ $output == *'the terminal would get what is not text'* && $output != *$'\033'* ]]
		run -0 script -qec "$command | cat" /dev/null
		[[ $output == *$'\033'* ]]
	done
	for command in 'lp-toc --soci --points tar' "lp-cache --db=db get-points sha256:$(printf '%064d' 0)"; do
		run -2 script -qec "$command" /dev/null
		[[ $output == *'the terminal would get what is not text'* ]]
	done
	# and where nothing is written it makes no difference
	run -0 script -qec "lp-cat -f tar raw" /dev/null
}
