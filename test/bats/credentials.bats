#!/usr/bin/env bats
# Credentials: where they are found, what is done with them, and that nobody
# else ever sees them.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts in quotes; each test is a process, and means to be; run's variables

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../lib/secrets

SECRET=secret-alice

setup_file()
{
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	secret basic,tokens alice "$SECRET"
	# what a credential stands in, and the tokens that programs share
	secrets_in password crlf '*.json' 'home/*/*.json' 'home/*/*/*.json' 'run/*/*.json' 'bin/docker-credential-*' tokens ours auth helped
	mkdir tree
	echo hello >tree/file
	tar --owner=0 --group=0 --mtime=@0 -czf layer.tar.gz tree
	layout_make lay app:1 layer.tar.gz
	registry_start basic htpasswd storage="$PWD/s1"
	registry_push "$PWD/lay:app:1" basic team/app:1 alice:secret-alice
	token_start tokens
	tokens_for tokens bearer
	registry_start bearer token auth=tokens storage="$PWD/s2"
	registry_push "$PWD/lay:app:1" bearer team/app:1 alice:secret-alice
	registry_push "$PWD/lay:app:1" bearer public/app:1 alice:secret-alice
}

# helper NAME: a docker-credential-NAME in front of PATH, its body from stdin
helper()
{
	mkdir -p bin
	{
		echo '#!/bin/bash'
		cat
	} >"bin/docker-credential-$1"
	chmod +x "bin/docker-credential-$1"
	PATH=$PWD/bin:$PATH
}

b64()
{
	printf %s "$1" | base64 -w0
}

# auths KEY USER:PASSWORD...: a credentials file
auths()
{
	while [ $# -gt 1 ]; do
		jq -n --arg k "$1" --arg a "$(b64 "$2")" '{auths: {($k): {auth: $a}}}'
		shift 2
	done | jq -s 'reduce .[] as $x ({}; . * $x)'
}

setup()
{
	own_folder
	export HOME=$PWD/home XDG_RUNTIME_DIR=$PWD/run
	mkdir -p home run
	BASIC=$(srv_addr basic) BEARER=$(srv_addr bearer)
	printf '%s\n' "$SECRET" >password
	DIGEST=sha256:$(jq -r '.manifests[0].digest[7:]' "$BATS_FILE_TMPDIR/lay/index.json")
}

# may OPTION...: access is had, and the digest is the image's
may()
{
	run --separate-stderr lp-layers --digest "$@"
	echo "status $status: $output$stderr"
	[ "$status" -eq 0 ]
	[ "$output" = "$DIGEST" ]
}

# may_not PATTERN OPTION...
may_not()
{
	local pattern=$1
	shift
	run --separate-stderr lp-layers --digest "$@"
	echo "status $status: $output$stderr"
	[ "$status" -eq 3 ]
	[[ $stderr =~ $pattern ]]
	[ -z "$output" ]
}

asked()
{
	srv_requests tokens '.path | startswith("/token")' | wc -l
}

# ---- where -------------------------------------------------------------------------

@test "without credentials: refused, and where they were looked for" {
	may_not '401, access needs credentials.*none were found: .*/home/.docker/config.json: No such file' "$BASIC/team/app:1"
	may_not 'run/containers/auth.json: No such file.*home/.config/containers/auth.json: No such file' "$BASIC/team/app:1"
	may_not '401.*none were found' "$BEARER/team/app:1"
	may "$BEARER/public/app:1"
}

@test "each place, and the one before it wins" {
	local place
	mkdir -p home/.config/containers home/.docker run/containers docker
	for place in home/.config/containers/auth.json run/containers/auth.json home/.docker/config.json; do
		# all that come later in the order are wrong
		auths "$BASIC" "alice:$SECRET" >"$place"
		may -v "$BASIC/team/app:1"
		[[ $stderr == *"credentials for $BASIC/team/app: $PWD/$place, entry $BASIC"* ]]
		auths "$BASIC" alice:wrong >"$place"
		may_not "401.*credentials used: .*$place" "$BASIC/team/app:1"
	done
	auths "$BASIC" "alice:$SECRET" >docker/config.json
	DOCKER_CONFIG=$PWD/docker may "$BASIC/team/app:1"
	auths "$BASIC" alice:wrong >docker/config.json
	DOCKER_AUTH_CONFIG=$(auths "$BASIC" "alice:$SECRET") DOCKER_CONFIG=$PWD/docker may -v "$BASIC/team/app:1"
	[[ $stderr == *"credentials for $BASIC/team/app: DOCKER_AUTH_CONFIG, entry $BASIC"* ]]
	auths "$BASIC" "alice:$SECRET" >reg.json
	DOCKER_AUTH_CONFIG=$(auths "$BASIC" alice:wrong) REGISTRY_AUTH_FILE=$PWD/reg.json may "$BASIC/team/app:1"
	auths "$BASIC" alice:wrong >reg.json
	auths "$BASIC" "alice:$SECRET" >own.json
	REGISTRY_AUTH_FILE=$PWD/reg.json may --auth-file own.json "$BASIC/team/app:1"
	auths "$BASIC" alice:wrong >own.json
	REGISTRY_AUTH_FILE=$PWD/reg.json may --auth-file own.json --user alice --password-file password "$BASIC/team/app:1"
}

# A name space of mounts, for the folder is the machine's.
@test "without XDG_RUNTIME_DIR podman's file of the user below /run is read" {
	XDG_RUNTIME_DIR='' may_not "home/.docker/config.json: .*; /run/containers/$(id -u)/auth.json: No such file.*home/.config" "$BASIC/team/app:1"
	auths "$BASIC" "alice:$SECRET" >auth.json
	# shellcheck disable=SC2016 # the inner shell's
	run -0 --separate-stderr unshare --user --map-root-user --mount bash -ec '
		mount -t tmpfs none /run
		mkdir -p /run/containers/0
		cp auth.json /run/containers/0
		env -u XDG_RUNTIME_DIR lp-layers -v --digest "$1"' - "$BASIC/team/app:1"
	[ "$output" = "$DIGEST" ]
	[[ $stderr == *"credentials for $BASIC/team/app: /run/containers/0/auth.json, entry $BASIC"* ]]
}

# Docker Desktop's own tokens, what old versions left, and the output of base64(1).
@test "of a host's entries, its own is taken, also if its base64 has line ends" {
	local good
	mkdir -p home/.docker
	good=$(printf 'alice:%s' "$SECRET" | base64 -w 5)
	jq -n --arg host "$BASIC" --arg good "$good"$'\n' --arg bad "$(printf alice:wrong | base64)" '{auths: {
	    "https://\($host)/v1/": {auth: $bad}, "https://\($host)/v1/access-token": {auth: $bad}, ($host): {auth: $good}}}' \
	    >home/.docker/config.json
	may "$BASIC/team/app:1"
	[ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$BASIC/team/app:1")" = "$DIGEST" ]
}

@test "the same for a token server" {
	mkdir -p home/.docker
	auths "$BEARER" "alice:$SECRET" >home/.docker/config.json
	may "$BEARER/team/app:1"
	auths "$BEARER" alice:wrong >home/.docker/config.json
	may_not "the token server http://.* answers 401 to the credentials of .*config.json, entry $BEARER" "$BEARER/team/app:1"
}

# Docker Hub, GitLab, OAuth2, Google, and what stands before them.
@test "a token server's refusal is shown in its own words" {
	local name said
	jq -n 'def realm($n): {"/v2/\($n)/manifests/1": {need: {realm: "{self}/token/\($n)"}}};
	    def token($n; $status; $text): realm($n) + {"/token/\($n)": {status: $status, text: $text}};
	    token("hub"; 401; "{\"details\":\"incorrect username or password\"}")
	    + token("limit"; 429; "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\\u001b down\"}]}")
	    + token("gitlab"; 403; "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"access forbidden\"}]}")
	    + token("gone"; 404; "{\"message\":\"404 Project Not Found\"}")
	    + token("oauth"; 400; "{\"error\":\"invalid_grant\",\"error_description\":\"expired\"}")
	    + token("google"; 403; "{\"error\":{\"code\":403,\"message\":\"no permission\"}}")
	    + token("empty"; 401; "")
	    + realm("portal") + {"/token/portal": {text: "<!doctype html>", headers: {"Content-Type": "text/html"}}}
	    + realm("proxy") + {"/token/proxy": {status: 502, text: "<html>", headers: {"Content-Type": "text/html"}}}' >rules
	fault_start says rules
	while read -r name said; do
		run -3 --separate-stderr lp-layers --retries 0 "$(srv_addr says)/$name:1"
		echo "$stderr"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == *"the token server http://$(srv_addr says)/token/$name answers $said" ]]
	done <<-'SAID'
	hub 401 to an anonymous user; credentials are needed (incorrect username or password)
	limit 429, too many requests (TOOMANYREQUESTS: slow\x1b down)
	gitlab 403 to an anonymous user; credentials are needed (DENIED: access forbidden)
	gone 404, not found (404 Project Not Found)
	oauth 400 to an anonymous user; credentials are needed (invalid_grant: expired)
	google 403 to an anonymous user; credentials are needed (no permission)
	empty 401 to an anonymous user; credentials are needed
	portal with an HTML page
	proxy 502 (with an HTML page)
	SAID
}

@test "a place that says nothing is passed over" {
	mkdir -p home/.docker home/.config/containers
	auths elsewhere.example bob:x >home/.docker/config.json
	auths "$BASIC" "alice:$SECRET" >home/.config/containers/auth.json
	may "$BASIC/team/app:1"
	echo '{ not json' >home/.docker/config.json
	may "$BASIC/team/app:1"
	rm home/.config/containers/auth.json
	may_not 'config.json: byte [0-9]+: not valid JSON' "$BASIC/team/app:1"
}

@test "a file that was named must be usable" {
	may_not 'credentials for .*nosuch.json: No such file' --auth-file nosuch.json "$BASIC/team/app:1"
	echo '[]' >list.json
	run lp-layers --auth-file list.json "$BASIC/team/app:1"
	[ "$status" -eq 1 ]
	[[ $output == *'list.json: byte 0: not a JSON object'* ]]
	may_not 'nosuch: No such file' --user alice --password-file nosuch "$BASIC/team/app:1"
}

@test "scoped keys: the longest that fits" {
	auths "$BASIC" alice:wrong "$BASIC/team" "alice:$SECRET" >auth.json
	may --auth-file auth.json "$BASIC/team/app:1"
	auths "$BASIC" "alice:$SECRET" "$BASIC/team/app" alice:wrong >auth.json
	may_not '401' --auth-file auth.json "$BASIC/team/app:1"
	auths "$BASIC" "alice:$SECRET" "$BASIC/te" alice:wrong "$BASIC/team/apple" alice:wrong >auth.json
	may --auth-file auth.json "$BASIC/team/app:1"
	auths "https://$BASIC/v1/" "alice:$SECRET" >auth.json
	may --auth-file auth.json "$BASIC/team/app:1"
}

# ---- helpers -----------------------------------------------------------------------------

@test "credHelpers and credsStore: the helper is asked, by the server's name" {
	helper test <<-'SH'
	[ "$1" = get ] || exit 1
	cat >"$HOME/asked"
	printf '{"ServerURL":"%s","Username":"alice","Secret":"secret-alice"}\n' "$(cat "$HOME/asked")"
	SH
	jq -n --arg h "$BASIC" '{credHelpers: {($h): "test"}, auths: {($h): {}}}' >helpers.json
	may -v --auth-file helpers.json "$BASIC/team/app:1"
	[ "$(cat home/asked)" = "$BASIC" ]
	[[ $stderr == *'docker-credential-test, named in helpers.json'* ]]
	rm home/asked
	echo '{"credsStore": "test"}' >store.json
	may --auth-file store.json "$BASIC/team/app:1"
	[ "$(cat home/asked)" = "$BASIC" ]
}

# bats test_tags=native
@test "a helper that has nothing, fails, or is not there" {
	helper none <<-'SH'
	cat >/dev/null
	echo 'credentials not found in native keychain'
	exit 1
	SH
	helper broken <<-'SH'
	cat >/dev/null
	echo secret-of-somebody
	exit 1
	SH
	helper garbage <<-'SH'
	echo secret-of-somebody
	SH
	echo '{"credsStore": "none"}' >a.json
	may_not 'docker-credential-none .named in a.json.: has no credentials for it' --auth-file a.json "$BASIC/team/app:1"
	echo '{"credsStore": "broken"}' >a.json
	may_not 'docker-credential-broken .named in a.json.: failed' --auth-file a.json "$BASIC/team/app:1"
	[[ $stderr != *secret-of-somebody* ]]
	echo '{"credsStore": "garbage"}' >a.json
	may_not 'docker-credential-garbage .named in a.json.: its answer: not valid JSON' --auth-file a.json "$BASIC/team/app:1"
	[[ $stderr != *secret-of-somebody* ]]
	echo '{"credsStore": "absent"}' >a.json
	may_not 'docker-credential-absent .named in a.json.: No such file' --auth-file a.json "$BASIC/team/app:1"
	# the file's own entry is the next best
	jq --arg h "$BASIC" --arg a "$(b64 "alice:$SECRET")" '. + {auths: {($h): {auth: $a}}}' a.json >b.json
	may --auth-file b.json "$BASIC/team/app:1"
}

@test "identity tokens: by OAuth2, from a file and from a helper" {
	local refresh
	refresh=$(curl -sSf "http://$(srv_addr tokens)/refresh-token/alice")
	jq -n --arg h "$BEARER" --arg t "$refresh" --arg a "$(b64 '00000000-0000-0000-0000-000000000000:')" \
	    '{auths: {($h): {auth: $a, identitytoken: $t}}}' >auth.json
	may --auth-file auth.json "$BEARER/team/app:1"
	srv_requests tokens '.method == "POST"' | tail -1 | jq -e '.body | contains("grant_type=refresh_token")'
	helper token <<-SH
	cat >/dev/null
	echo '{"ServerURL":"x","Username":"<token>","Secret":"$refresh"}'
	SH
	echo '{"credsStore": "token"}' >helper.json
	may --auth-file helper.json "$BEARER/team/app:1"
	jq '.auths[].identitytoken = "stale"' auth.json >stale.json
	may_not 'the token server .* answers 401 to the credentials of stale.json' --auth-file stale.json "$BEARER/team/app:1"
	[[ $stderr != *'stale"'* ]]
}

@test "a token for the registry itself is used as it is" {
	local token
	token=$(curl -sSf -u "alice:$SECRET" \
	    "http://$(srv_addr tokens)/token?service=registry.test&scope=repository:team/app:pull" | jq -r .token)
	jq -n --arg h "$BEARER" --arg t "$token" '{auths: {($h): {registrytoken: $t}}}' >auth.json
	may --auth-file auth.json "$BEARER/team/app:1"
}

# ---- what servers ask for, and how ------------------------------------------------------------

# asks NAME NEED: a registry that has the image for those who show what is needed, and its token server; REG
asks()
{
	jq -n --argjson need "$2" '{"/v2/team/app/*": {need: $need}, "/token": {token: {}}}' >"$1.json"
	fault_start "$1" "$1.json" --layout "$BATS_FILE_TMPDIR/lay"
	REG=$(srv_addr "$1")
	auths "$REG" "alice:$SECRET" >auth.json
}

@test "who asks for nothing, or says that there is nothing, gets the password that is for it" {
	secret n401,n403,n404 alice "$SECRET"
	local status basic
	basic="Basic $(b64 "alice:$SECRET")"
	for status in 401 403 404; do
		asks "n$status" "{\"authorization\": \"$basic\", \"status\": $status, \"challenge\": \"\"}"
		may_not "$status" --plain-http "$REG/team/app:1"
		[[ $stderr != *'credentials used'* ]]
		may --plain-http --auth-file auth.json "$REG/team/app:1"
		auths "$REG" alice:wrong >auth.json
		may_not "$status" --plain-http --auth-file auth.json "$REG/team/app:1"
	done
	# what cannot be sent without being asked for was not used
	asks identity "{\"authorization\": \"Bearer x\", \"status\": 403, \"challenge\": \"\"}"
	jq -n --arg h "$REG" '{auths: {($h): {identitytoken: "secret-token"}}}' >auth.json
	may_not 'not asked for, and not used: auth.json' --plain-http --auth-file auth.json "$REG/team/app:1"
	run ! grep -r secret "$LP_SRV/identity"
}

@test "a challenge without a scope, with an example of one, or without commas" {
	local own=repository%3Ateam%2Fapp%3Apull
	asks none '{"realm": "{self}/token"}'
	may --plain-http "$REG/team/app:1"
	srv_requests none | jq -se "any(.[]; .path == \"/token?scope=$own\")"
	asks example '{"realm": "{self}/token", "service": "s", "scope": "repository:user/image:pull"}'
	may --plain-http "$REG/team/app:1"
	srv_requests example | jq -se "any(.[]; .path == \"/token?service=s&scope=repository%3Auser%2Fimage%3Apull&scope=$own\")"
	asks commas '{"realm": "", "challenge": "Bearer realm=\"{self}/token\" service=s scope=\"repository:team/app:pull\""}'
	may --plain-http "$REG/team/app:1"
	srv_requests commas | jq -se "any(.[]; .path == \"/token?service=s&scope=$own\")"
}

# ---- the command line ------------------------------------------------------------------------

@test "--user takes the password from a file, or from the terminal and shows nothing" {
	may --user alice --password-file password "$BASIC/team/app:1"
	printf 'secret-alice\r\n' >crlf
	may --user alice --password-file crlf "$BASIC/team/app:1"
	echo wrong >bad
	may_not '401, not with these credentials.*credentials used: --user alice' --user alice --password-file bad "$BASIC/team/app:1"
	run -0 ttyask "$SECRET" lp-layers --digest --user alice "$BASIC/team/app:1"
	[[ $output == *"$DIGEST"* ]]
	# no terminal: said, not waited for
	run setsid -w lp-layers --digest --user alice "$BASIC/team/app:1" </dev/null
	[ "$status" -eq 3 ]
	[[ $output == *'no password from the terminal'*'--password-file'* ]]
}

@test "lp-peek asks for the password once, before everything else, and all that it starts have it" {
	local option
	export TERM=xterm LP_PAGER=
	layout_make more v1 "$BATS_FILE_TMPDIR/layer.tar.gz" "$FIX/layer.estargz"
	registry_push "$PWD/more:v1" basic team/more:v1 alice:secret-alice
	for option in -q -c --layers --cat=etc/adduser.conf --cat=tree/file --find=tree/file --no-cache "--diff=$BASIC/team/more:v1" "--refresh -j"; do
		# shellcheck disable=SC2086 # two words
		run -0 ttyask "$SECRET" lp-peek --user=alice $option "$BASIC/team/more:v1"
		echo "# $option: $output"
		[ "$(grep -c 'Password of alice at' <<<"$output")" -eq 1 ]
	done
	# a descriptor is read once, by one of them, for all
	lp-peek -qc --no-cache --user=alice --password-file=<(printf '%s' "$SECRET") "$BASIC/team/more:v1" >got
	grep -q 'tree/file' got
	# who need not know it is not asked
	run -0 ttyask "$SECRET" lp-peek --user=alice "oci:more:v1"
	[[ $output != *Password* ]]
	# a wrong one is asked for once, too
	run -3 ttyask wrong lp-peek --user=alice "$BASIC/team/more:v1"
	[[ $output == *'401, not with these credentials'* ]]
	[ "$(grep -c 'Password of alice at' <<<"$output")" -eq 1 ]
	run -3 setsid -w lp-peek --user=alice "$BASIC/team/more:v1" </dev/null
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *'no password from the terminal'*'--password-file'* ]]
}

@test "a question for a password: signals end it and give the echo back; after Ctrl-Z it is asked again" {
	local program sig
	for program in lp-peek lp-layers; do
		for sig in INT TERM HUP QUIT; do
			run -0 ttyinterrupt --signal $sig 'Password of' "$program" --user=alice "$BASIC/team/app:1"
			[ "${lines[-1]}" = "signal $(kill -l $sig)" ]
		done
		run -0 ttyask --stop "$SECRET" bash --norc -mc "$program -q --user=alice $BASIC/team/app:1; fg"
		[ "$(grep -c 'Password of alice at' <<<"$output")" -eq 2 ]
		[[ $output != *Interrupted* ]]
	done
}

# ---- tokens ----------------------------------------------------------------------------------------

@test "one pipeline asks for one token" {
	local before n pids=()
	export LP_TOKEN_FILE=$PWD/tokens
	before=$(asked)
	may "$BEARER/public/app:1"
	may "$BEARER/public/app:1"
	lp-layers "$BEARER/public/app:1" >rows
	[ "$(asked)" -eq $((before + 1)) ]
	[ "$(stat -c %a tokens)" = 600 ]
	# several that start at once: whoever asks first, asks for all
	rm tokens
	before=$(asked)
	for n in 1 2 3 4 5 6 7 8; do
		lp-layers "$BEARER/public/app:1" >"rows$n" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	for n in 1 2 3 4 5 6 7 8; do
		cmp rows "rows$n"
	done
	[ "$(asked)" -eq $((before + 1)) ]
	# without the file each asks for itself
	unset LP_TOKEN_FILE
	before=$(asked)
	may "$BEARER/public/app:1"
	may "$BEARER/public/app:1"
	[ "$(asked)" -eq $((before + 2)) ]
}

@test "lp-layers and the lp-fetches behind it ask for one token" {
	local before
	export LP_TOKEN_FILE=$PWD/tokens
	before=$(asked)
	run -0 bash -c 'set -o pipefail; lp-layers "$1" | cut -f1 | while read -r s; do
		lp-fetch -a "$s" | lp-inflate | lp-tarls; lp-fetch -n 10 "$s" | wc -c; done' - "$BEARER/public/app:1"
	[[ $output == *tree/file* ]]
	[ "$(asked)" -eq $((before + 1)) ]
	before=$(asked)
	rm tokens
	run -0 bash -c 'set -o pipefail; lp-layers --user alice --password-file password "$1" | cut -f1 |
		xargs -I{} lp-fetch -a --user alice --password-file password {} | lp-inflate | lp-tarls' - "$BEARER/team/app:1"
	[[ $output == *tree/file* ]]
	[ "$(asked)" -eq $((before + 1)) ]
}

@test "an inherited descriptor does as well" {
	local before
	before=$(asked)
	(umask 077 && : >tokens)
	exec 7<>tokens
	LP_TOKEN_FD=7 lp-layers --digest "$BEARER/public/app:1"
	LP_TOKEN_FD=7 lp-layers --digest "$BEARER/public/app:1"
	exec 7>&-
	[ "$(asked)" -eq $((before + 1)) ]
	LP_TOKEN_FD=199 may_not 'LP_TOKEN_FD is not the number of an open descriptor' "$BEARER/public/app:1"
	LP_TOKEN_FD=x may_not 'LP_TOKEN_FD is not the number of an open descriptor' "$BEARER/public/app:1"
}

@test "a token of one user is not used for another, nor one repository's for another" {
	export LP_TOKEN_FILE=$PWD/tokens
	may --user alice --password-file password "$BEARER/team/app:1"
	may_not '401' "$BEARER/team/app:1"
	may "$BEARER/public/app:1"
	[ "$(wc -l <tokens)" -ge 3 ]
}

@test "a token file that others could read, or plant, is refused" {
	: >tokens
	chmod 644 tokens
	LP_TOKEN_FILE=$PWD/tokens may_not 'open to others .chmod 600' "$BEARER/public/app:1"
	ln -s /nonexistent/elsewhere link
	LP_TOKEN_FILE=$PWD/link may_not 'LP_TOKEN_FILE' "$BEARER/public/app:1"
	mkfifo fifo
	chmod 600 fifo
	LP_TOKEN_FILE=$PWD/fifo may_not 'not a regular file' "$BEARER/public/app:1"
	# a private file that is something else stays what it is
	(umask 077 && head -c 4096 /dev/urandom >junk)
	cp junk was
	LP_TOKEN_FILE=$PWD/junk may_not 'holds something else: it is not overwritten' "$BEARER/public/app:1"
	cmp junk was
	# nonsense in ours is no harm
	(umask 077 && { echo '#lp-tokens'; cat was; } >ours)
	LP_TOKEN_FILE=$PWD/ours may "$BEARER/public/app:1"
}

@test "more tokens than are kept: the next repository has one all the same" {
	local n
	{
		echo '#lp-tokens'
		for ((n = 0; n < 4096; n++)); do
			printf '99999999999\tr.example\trepo%d\t\ttoken%d\n' "$n" "$n"
		done
	} >tokens
	chmod 600 tokens
	LP_TOKEN_FILE=$PWD/tokens may --user alice --password-file password "$BEARER/team/app:1"
	[ "$(wc -l <tokens)" -eq 4097 ]
	grep -q "$(printf '\tteam/app\talice\t')" tokens
}

@test "a reader who leaves ends the wait for the token file" {
	local pid
	echo '{"/token": {"delay_ms": 600000}, "/*": {"status": 401, "headers": {"WWW-Authenticate":
	    "Bearer realm=\"{self}/token\",service=\"s\""}}}' >rules.json
	fault_start silent rules.json
	export LP_TOKEN_FILE=$PWD/tokens
	lp-fetch --plain-http --stall-timeout 600 "$(srv_addr silent)/a@sha256:$(printf %064d 1)" >/dev/null 2>&1 &
	pid=$!
	# it has the lock, and will for a long time
	wait_for grep -q " WRITE $pid " /proc/locks
	mkfifo pipe
	exec 9<>pipe
	{
		lp-fetch --plain-http --stall-timeout 600 "$(srv_addr silent)/a@sha256:$(printf %064d 1)" 9<&- >pipe 2>said
		echo $? >ended
	} 9<&- &
	sleep 1
	exec 9<&-
	wait_for test -s ended
	[ "$(cat ended)" -eq 0 ]
	[ ! -s said ]
	kill -0 "$pid"
	kill "$pid"
}

@test "a token that was refused is replaced once" {
	export LP_TOKEN_FILE=$PWD/tokens
	may "$BEARER/public/app:1"
	local before
	# as good as expired: the registry knows nothing of it
	awk -F'\t' -v OFS='\t' 'NR > 1 { $5 = "eyJhbGciOiJub25lIn0.e30." } { print }' tokens >old
	cat old >tokens
	before=$(asked)
	may "$BEARER/public/app:1"
	[ "$(asked)" -eq $((before + 1)) ]
	run ! grep -q 'eyJhbGciOiJub25lIn0.e30' tokens
	# each token is good for one request: the config takes a second
	jq -n '{"/token": {token: {uses: 1}}, "/v2/*": {need: {realm: "{self}/token", service: "s", scope: "repository:x:pull"}}}' >once.json
	fault_start once once.json --layout "$BATS_FILE_TMPDIR/lay"
	rm tokens
	lp-layers "$(srv_addr once)/x@$DIGEST" >rows
	[ "$(wc -l <rows)" -eq 1 ]
	[ "$(srv_requests once '.path | startswith("/token")' | wc -l)" -eq 2 ]
	# a server whose tokens are stale when they come: tried once for the HEAD, once for the GET, then told
	token_start stale --lifetime -120
	tokens_for stale old
	registry_start old token auth=stale storage="$BATS_FILE_TMPDIR/s2"
	may_not '401' "$(srv_addr old)/public/app:1"
	[ "$(srv_requests stale '.path | startswith("/token")' | wc -l)" -eq 2 ]
}

@test "a token answer: either name, with and without expires_in, and what is none" {
	local n
	jq -n --slurpfile m "$BATS_FILE_TMPDIR/lay/index.json" '{
	    "/t1": {token: {}}, "/t2": {token: {field: "access_token", expires_in: 300}},
	    "/t3": {text: "{}"}, "/t4": {text: "<html>"}, "/t5": {text: "{\"token\":\"a\\r\\nX: y\"}"}, "/t6": {status: 503},
	    "/t7": {redirect: "http://localhost:1/x"}
	  } + ([range(1; 8) | {("/v2/r\(.)/manifests/1"): {need: {realm: "{self}/t\(.)", service: "s", scope: "repository:r\(.):pull"},
	    headers: {"Docker-Content-Digest": $m[0].manifests[0].digest}, text: "x"}}] | add)' >rules.json
	fault_start odd rules.json
	for n in 1 2; do
		may "$(srv_addr odd)/r$n:1"
	done
	may_not 'its answer, byte 0: neither "token" nor "access_token"' "$(srv_addr odd)/r3:1"
	may_not 'its answer, byte [0-9]+: not valid JSON' "$(srv_addr odd)/r4:1"
	may_not 'a token with blanks or control characters' "$(srv_addr odd)/r5:1"
	may_not 'the token server' --retries 0 "$(srv_addr odd)/r6:1"
	may_not 'the token server' --retries 0 "$(srv_addr odd)/r7:1"
}

# ---- who sees what --------------------------------------------------------------------------------

@test "a realm is asked by https only, if the registry is" {
	tls_init
	tls_front front bearer
	# the token server speaks plain HTTP: a password would be on the wire
	may_not 'the token server is not asked by https: refused' --cacert "$LP_SRV/tls/ca.pem" --user alice \
	    --password-file password "localhost:$(srv_port front)/team/app:1"
}

@test "a token for the registry itself needs no realm, whatever that is" {
	local token
	tls_init
	tls_front front bearer
	token=$(curl -sSf -u "alice:$SECRET" \
	    "http://$(srv_addr tokens)/token?service=registry.test&scope=repository:team/app:pull" | jq -r .token)
	jq -n --arg h "localhost:$(srv_port front)" --arg t "$token" '{auths: {($h): {registrytoken: $t}}}' >auth.json
	may --cacert "$LP_SRV/tls/ca.pem" --auth-file auth.json "localhost:$(srv_port front)/team/app:1"
	# one that would be two headers is none: told where it is, and not sent
	jq '.auths[].registrytoken = "a\nX-Other: b"' auth.json >broken.json
	run -1 --separate-stderr lp-layers --digest --auth-file broken.json "localhost:$(srv_port front)/team/app:1"
	[[ $stderr == *'broken.json: '*'a registrytoken with blanks or control characters' ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "--user is for one registry, whoever else is named" {
	secret one alice "$SECRET"
	echo '{"/*": {"status": 401, "headers": {"WWW-Authenticate": "Basic realm=\"x\""}}}' >rules.json
	fault_start one rules.json
	fault_start two rules.json
	printf '%s/a@sha256:%064d\n%s/b@sha256:%064d\n' "$(srv_addr one)" 1 "$(srv_addr two)" 2 >list
	run -2 --separate-stderr lp-fetch --plain-http --fill -S store --user alice --password-file password <list
	[[ $stderr == *'--user is for one registry, and these are two: '* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ ! -s "$(srv_log one)" ]
	[ ! -s "$(srv_log two)" ]
	# several repositories of one are no matter
	run -3 lp-fetch --plain-http --retries 0 --fill -S store --user alice --password-file password \
	    "$(srv_addr one)/a@sha256:$(printf %064d 1)" "$(srv_addr one)/b@sha256:$(printf %064d 2)"
	[ "$(srv_requests one '.headers | has("authorization")' | wc -l)" -eq 2 ]
}

@test "an identity token is posted again only if nobody has carried that out" {
	local status count
	for status in 500:1 502:1 504:1 429:2 503:2; do
		jq -n --argjson s "${status%:*}" '{
		    "/v2/a/manifests/1": [{status: 401, headers: {"WWW-Authenticate": "Bearer realm=\"{self}/token\",service=\"s\""}},
		        {text: "{}", headers: {"Docker-Content-Digest": ("sha256:" + "0" * 64)}}],
		    "POST /token": [{status: $s, retry_after: 0}, {text: "{\"token\":\"t\"}"}]}' >rules.json
		fault_start posted rules.json
		jq -n --arg h "$(srv_addr posted)" '{auths: {($h): {identitytoken: "secret"}}}' >auth.json
		count=${status#*:}
		run "-$((count == 2 ? 0 : 3))" lp-layers --plain-http --digest --auth-file auth.json "$(srv_addr posted)/a:1"
		[ "$(srv_requests posted '.method == "POST"' | wc -l)" -eq "$count" ]
		srv_stop posted
		rm "$(srv_log posted)"
	done
	# no connection, no request: as often as any
	jq -n '{"/*": {status: 401, headers: {"WWW-Authenticate": "Bearer realm=\"http://127.0.0.1:1/token\",service=\"s\""}}}' >rules.json
	fault_start posted rules.json
	jq -n --arg h "$(srv_addr posted)" '{auths: {($h): {identitytoken: "secret"}}}' >auth.json
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=connect \
	    lp-layers --plain-http --retries 1 --digest --auth-file auth.json "$(srv_addr posted)/a:1" && return 1
	[ "$(grep -c 'htons(1)' trace)" -eq 2 ]
}

@test "a password stays with the realm and the registry that asked for it" {
	secret evil alice "$SECRET"
	local other
	echo '{"/*": {"text": "{}"}}' >rules.json
	fault_start other rules.json
	other=$(srv_addr other localhost)
	jq -n --arg o "http://$other" '{
	    "/v2/a/manifests/1": {status: 401, headers: {"WWW-Authenticate": "Bearer realm=\"{self}/token\",service=\"s\""}},
	    "/token": {redirect: ($o + "/stolen")},
	    "/v2/b/manifests/1": [{status: 401, headers: {"WWW-Authenticate": "Basic realm=\"x\""}}, {redirect: ($o + "/stolen")}]
	}' >evil.json
	fault_start evil evil.json
	run lp-layers --retries 0 --user alice --password-file password "$(srv_addr evil)/a:1"
	run lp-layers --retries 0 --user alice --password-file password "$(srv_addr evil)/b:1"
	[ "$(srv_requests other | wc -l)" -ge 2 ]
	[ -z "$(srv_requests other '.headers | has("authorization")')" ]
	[ "$(srv_requests evil '.headers | has("authorization")' | wc -l)" -ge 2 ]
}

# everything there is to see of one run, with the secret in each place that it can come from
@test "a foreign layer is asked of its registry alone; its urls hear of nothing, and lp-fetch shows them no password" {
	secret foreign alice "$SECRET"
	local url blob type=application/vnd.docker
	tar -cf base.tar -C "$BATS_FILE_TMPDIR" tree/file
	gzip base.tar
	jq -n --arg f "$PWD/base.tar.gz" '{"/base": {file: $f}}' >rules
	fault_start elsewhere rules
	url=http://$(srv_addr elsewhere)/base
	registry_start foreign htpasswd storage="$PWD/s3" \
	    set="$(printf 'validation:\n  manifests:\n    urls:\n      allow: ["^http://127"]')"
	registry_push "$BATS_FILE_TMPDIR/lay:app:1" foreign team/app:1 alice:secret-alice
	blob=sha256:$(sha256sum base.tar.gz | cut -c1-64)
	lp-layers --manifest "oci:$BATS_FILE_TMPDIR/lay:app:1" >oci
	jq --arg t "$type" --arg u "$url" --arg d "$blob" --argjson s "$(stat -c %s base.tar.gz)" '.mediaType = "\($t).distribution.manifest.v2+json"
	    | .config.mediaType = "\($t).container.image.v1+json" | .layers[0].mediaType = "\($t).image.rootfs.diff.tar.gzip"
	    | .layers = [{mediaType: "\($t).image.rootfs.foreign.diff.tar.gzip", digest: $d, size: $s, urls: [$u]}] + .layers' oci >manifest
	curl -sSf -u alice:secret-alice -X PUT -H "Content-Type: $type.distribution.manifest.v2+json" --data-binary @manifest \
	    "http://$(srv_addr foreign)/v2/team/app/manifests/foreign"
	run -3 --separate-stderr lp-peek --user alice --password-file password -S store --db db -o name "$(srv_addr foreign)/team/app:foreign"
	[ "$output" = $'tree\ntree/file' ]
	[[ $stderr == *'layer 1: '*404* && $stderr == *"layer 1: a foreign layer that is not held here; "*"[\"$url\"]"* ]]
	[ "$(lp-layers -q --user alice --password-file password -o urls "$(srv_addr foreign)/team/app:foreign" | sed -n 1p)" = "[\"$url\"]" ]
	[ -z "$(srv_requests elsewhere)" ]
	auths "$(srv_addr elsewhere)" alice:secret-alice "$(srv_addr foreign)" alice:secret-alice >auth
	lp-fetch --auth-file auth -a --digest "$blob" "$url" | cmp - base.tar.gz
	[ -n "$(srv_requests elsewhere '.path == "/base"')" ]
	[ -z "$(srv_requests elsewhere '.headers | has("authorization")')" ]
}

@test "no secret in messages, statistics, store, command lines" {
	local token refresh
	refresh=$(curl -sSf "http://$(srv_addr tokens)/refresh-token/alice")
	helper test <<-SH
	cat >/dev/null
	tr '\0' ' ' <"/proc/\$PPID/cmdline" >>cmdlines
	tr '\0' ' ' </proc/self/cmdline >>cmdlines
	echo '{"ServerURL":"x","Username":"alice","Secret":"secret-alice"}'
	SH
	echo '{"credsStore": "test"}' >helper.json
	auths "$BASIC" "alice:$SECRET" "$BEARER" "alice:$SECRET" >auth.json
	jq -n --arg h "$BEARER" --arg t "$refresh" '{auths: {($h): {identitytoken: $t}}}' >identity.json
	export LP_STATS=$PWD/stats LP_TOKEN_FILE=$PWD/tokens
	{
		lp-layers -v -S store --auth-file helper.json "$BASIC/team/app:1"
		lp-layers -v -S store --auth-file auth.json "$BASIC/team/app:1"
		lp-layers -v -S store --auth-file auth.json "$BEARER/team/app:1"
		lp-layers -v -S store --auth-file identity.json "$BEARER/team/app:1"
		lp-layers -v -S store --user alice --password-file password "$BASIC/team/app:1"
		lp-layers -v --auth-file auth.json "$BEARER/team/none:1" || true
		lp-layers -v --auth-file auth.json "$BASIC/team/none:1" || true
	} >out 2>&1
	[ -s cmdlines ]
	[ -s stats ]
	token=$(sed -n 2p tokens | cut -f5)
	[ ${#token} -gt 100 ]
	grep -qF "$SECRET" password
	run ! grep -rF -e "$SECRET" -e "$(b64 "alice:$SECRET")" -e "$refresh" -e "$token" out stats store cmdlines
	[ "$(grep -c 'credentials for' out)" -eq 7 ]
	# a running one, seen from outside
	echo '{"/*": {"delay_ms": 3000, "text": "{}"}}' >slow.json
	fault_start slow slow.json
	lp-layers --retries 0 --user alice --password-file password "$(srv_addr slow)/a:1" >/dev/null 2>&1 &
	wait_for grep -qs lp-layers "/proc/$!/cmdline"
	tr '\0' '\n' <"/proc/$!/cmdline" >running
	tr '\0' '\n' <"/proc/$!/environ" >>running
	kill $!
	grep -q password-file running
	run ! grep -qF "$SECRET" running
}
