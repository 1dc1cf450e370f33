#!/usr/bin/env bats
# Mirrors, other locations and short names, as registries.conf, hosts.toml and
# daemon.json have them. All names that are asked for are of localhost:1, where
# nobody is; skopeo reads the same registries.conf.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../lib/secrets

setup_file()
{
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	mkdir tree
	noise 1 100000 >tree/file
	tar --owner=0 --group=0 --mtime=@0 -cf - tree | gzip -n >l.tar.gz
	layout_make lay app:1 l.tar.gz
	noise 2 1000 >tree/file
	tar --owner=0 --group=0 --mtime=@0 -cf - tree | gzip -n >o.tar.gz
	layout_make other app:1 o.tar.gz
	registry_start mirror storage="$PWD/m"
	registry_push "$PWD/lay:app:1" mirror copy/app:1
	registry_start source storage="$PWD/s"
	registry_push "$PWD/lay:app:1" source real/app:1
	# newer than the mirror
	registry_push "$PWD/other:app:1" source real/app:2
	registry_push "$PWD/other:app:1" source real/new:1
}

setup()
{
	own_folder
	export IN=$BATS_FILE_TMPDIR
	M=$(srv_addr mirror) S=$(srv_addr source) NOBODY=localhost:1
	mkdir -p .config/containers
	CONF=.config/containers/registries.conf
}

# conf LINES MIRROR...: localhost:1/foo is $S/real, with these mirrors (LOCATION or LOCATION:LINE)
conf()
{
	local m
	{
		printf '[[registry]]\nprefix = "%s/foo"\nlocation = "%s/real"\n%s\n' "$NOBODY" "$S" "$1"
		shift
		for m; do
			printf '[[registry.mirror]]\nlocation = "%s"\n%s\n' "${m%%|*}" "${m#*|}"
		done
	} >"$CONF"
}

# came NAME FROM OPTION...: the manifest of it is what skopeo gets, and FROM has sent it
came()
{
	local name=$1 from=$2
	shift 2
	rm -f st
	lp-layers -v --stats=st --manifest "$@" "$name" >ours 2>err
	grep -q "from $from\$" err
	if [[ $from = "$S"/* ]]; then
		jq -e 'has("mirror") | not' st
	else
		[ "$(jq -r .mirror st)" = "$from" ]
	fi
	skopeo inspect --tls-verify=false --raw "docker://$name" >theirs
	cmp ours theirs
}

@test "registries.conf: mirrors in turn, then the location; names, origins and stores stay those that were written" {
	local digest name=$NOBODY/foo/app
	digest=$(lp-layers --digest "oci:$IN/lay:app:1")
	conf '' "$NOBODY/gone|" "$M/none|" "$M/copy|"
	came "$name:1" "$M/copy/app"
	came "$name@$digest" "$M/copy/app"
	came "$name:2" "$S/real/app"
	came "$NOBODY/foo/new:1" "$S/real/new"
	# the blobs as well, by the name that was asked for
	lp-layers "$name:1" >rows
	[[ $(<rows) = "$name@sha256:"* ]]
	lp-fetch -v -S st0 -a "$(cut -f1 rows)" >blob 2>err
	cmp blob "$IN/l.tar.gz"
	grep -q "from $M/copy/app\$" err
	lp-layers "$NOBODY/foo/new:1" | lp-fetch -v --fill -S st0 -n 100 2>err
	grep -q "from $S/real/new\$" err
	[ -d "$(ranges_of st0 "$NOBODY/foo/new" "$(sha256sum <"$IN/o.tar.gz" | cut -c1-64)")" ]
	run -0 --separate-stderr lp-peek -c -E "$name:1"
	[[ ${lines[-1]} = *complete=yes* && $output = *tree/file* ]]
	# what is kept is asked of nobody
	rm "$CONF"
	[ "$(lp-peek -O -c "$name:1" | grep -c tree/file)" -eq 1 ]
	lp-layers --tags "$S/real/app" >want
	conf '' "$M/copy|"
	lp-layers --tags "$name" | cmp - want
}

@test "registries.conf: pull-from-mirror and mirror-by-digest-only, as skopeo has them" {
	local digest name=$NOBODY/foo/app
	digest=$(lp-layers --digest "oci:$IN/lay:app:1")
	conf 'mirror-by-digest-only = true' "$M/copy|"
	came "$name:1" "$S/real/app"
	came "$name@$digest" "$M/copy/app"
	# skopeo 1.9 has no pull-from-mirror
	conf '' "$M/copy|pull-from-mirror = \"tag-only\""
	lp-layers -v "$name@$digest" 2>&1 | grep -q "from $S/real/app\$"
	lp-layers -v "$name:1" 2>&1 | grep -q "from $M/copy/app\$"
	conf '' "$M/copy|pull-from-mirror = \"digest-only\""
	lp-layers -v "$name:1" 2>&1 | grep -q "from $S/real/app\$"
	lp-layers -v "$name@$digest" 2>&1 | grep -q "from $M/copy/app\$"
}

@test "registries.conf: blocked is exit 4, what fails everywhere one message, what cannot be read is named" {
	local name=$NOBODY/foo/app
	conf 'blocked = true' "$M/copy|"
	fails 4 'registries.conf blocks it: nobody is asked for it$' lp-layers "$name:1"
	fails 4 'registries.conf blocks it' lp-fetch "$name@sha256:$(printf %064d 1)"
	fails 4 'registries.conf blocks it' lp-layers --tags "$name"
	run -4 lp-peek "$name:1"
	# of another location skopeo 1.9 does not look at it
	printf '[[registry]]\nlocation = "%s/foo"\nblocked = true\n' "$NOBODY" >"$CONF"
	fails 4 'registries.conf blocks it' lp-layers "$name:1"
	run ! skopeo inspect --tls-verify=false --raw "docker://$name:1"
	[[ $output = *"is blocked in"* ]]
	conf '' "$NOBODY/gone|" "$M/copy|"
	fails 3 "^lp-layers: $name:3: http://$S/v2/real/app/manifests/3: 404.*; before that: .*connect.*; http://$M/v2/copy/app/manifests/3: 404" \
	    lp-layers "$name:3"
	fails 3 "v2/real/app/blobs/.*: 404.*; before that: .*connect.*; http://$M/v2/copy/app/blobs/.*: 404" \
	    lp-fetch "$name@sha256:$(printf %064d 1)"
	echo 'insecure =' >>"$CONF"
	fails 1 "^lp-layers: $name:1: .*/$CONF: line 11: not a value" lp-layers "$name:1"
	fails 3 "^lp-layers: $name:1: nowhere: No such file" env CONTAINERS_REGISTRIES_CONF=nowhere lp-layers "$name:1"
	conf '' "$M/copy|"
	mv "$CONF" elsewhere
	CONTAINERS_REGISTRIES_CONF=elsewhere lp-layers "$name:1"
	# a drop-in of the user's own file
	echo >"$CONF"
	mkdir "$CONF.d"
	mv elsewhere "$CONF.d/10-mirror.conf"
	echo '=' >"$CONF.d/README"
	came "$name:1" "$M/copy/app"
}

@test "registries.conf: insecure takes any certificate, and of no other host" {
	tls_init
	tls_front tls mirror
	local at
	at=$(srv_addr tls localhost)
	conf '' "$at/copy|"
	lp-layers -v "$NOBODY/foo/app:1" 2>&1 | grep -q "from $S/real/app\$"
	conf '' "$at/copy|insecure = true"
	came "$NOBODY/foo/app:1" "$at/copy/app"
	run -3 lp-layers "$at/copy/app:1"
}

@test "a mirror's 401, 403, 500 and page lead on, and it hears no credentials but its own" {
	secret basic alice secret-alice
	secret f401 bob secret-bob
	secrets_in auth.json own.json pw
	local status at
	registry_start basic htpasswd storage="$PWD/b"
	registry_push "$IN/lay:app:1" basic real/app:1 alice:secret-alice
	at=$(srv_addr basic)
	for status in 401 403 500; do
		echo "{\"*\": {\"status\": $status, \"headers\": {\"WWW-Authenticate\": \"Basic realm=x\"}}}" >"r$status"
		fault_start "f$status" "r$status"
	done
	echo '{"*": {"text": "<html>", "headers": {"Content-Type": "text/html"}}}' >page
	fault_start page page
	conf '' "$(srv_addr page)/a|" "$(srv_addr f401)/a|" "$(srv_addr f403)/a|" "$(srv_addr f500)/a|"
	sed -i "s|$S|$at|" "$CONF"
	jq -n --arg s "$at" --arg n "$NOBODY" --arg a "$(printf alice:secret-alice | base64)" \
	    '{auths: {($s): {auth: $a}, ($n): {auth: $a}}}' >auth.json
	lp-layers -v --auth-file auth.json "$NOBODY/foo/app:1" >rows 2>err
	grep -q "from $at/real/app\$" err
	lp-fetch --auth-file auth.json -n 10 "$(cut -f1 rows)" >/dev/null
	echo secret-alice >pw
	lp-fetch --user alice --password-file pw -n 10 "$(cut -f1 rows)" >/dev/null
	for status in f401 f403 f500 page; do
		[ "$(srv_requests "$status" | wc -l)" -ge 3 ]
		[ "$(srv_requests "$status" '.headers | has("authorization")' | wc -l)" -eq 0 ]
	done
	# each once for each thing: nobody is waited for who can be passed over
	[ "$(srv_requests f500 '.path | contains("manifests")' | wc -l)" -eq 1 ]
	# its own it hears
	jq --arg m "$(srv_addr f401)" --arg a "$(printf bob:secret-bob | base64)" '.auths[$m] = {auth: $a}' auth.json >own.json
	lp-layers --auth-file own.json "$NOBODY/foo/app:1" >/dev/null
	[ "$(srv_requests f401 '.headers.authorization == "Basic '"$(printf bob:secret-bob | base64)"'"' | wc -l)" -ge 1 ]
	run ! grep -r "$(printf alice:secret-alice | base64)" "$(srv_log f401)" "$(srv_log f403)" "$(srv_log f500)" "$(srv_log page)"
}

@test "a mirror's wrong digests are noted, and what is right comes from the next" {
	local hex name=$NOBODY/foo/app
	hex=$(sha256sum <"$IN/l.tar.gz" | cut -c1-64)
	echo "{\"/v2/w/app/manifests/*\": {\"text\": \"{}\", \"headers\": {\"Docker-Content-Digest\": \"sha256:$(printf %064d 1)\"}},
	    \"/v2/w/app/blobs/*\": {\"text\": \"{}\"}}" >rules
	fault_start wrong rules
	conf '' "$(srv_addr wrong)/w|" "$M/copy|"
	lp-layers "$name:1" >rows 2>err
	[[ $(<rows) = *"$hex"* && $(grep -c "$(srv_addr wrong) is not asked for it again: the manifest: its digest is" err) -eq 1 ]]
	# blobs of the right size
	echo "{\"/v2/w/app/blobs/*\": {\"pattern\": $(stat -c %s "$IN/l.tar.gz")}}" >rules2
	fault_start wrong2 rules2
	conf '' "$(srv_addr wrong2)/w|" "$M/copy|"
	lp-fetch --fill -a -S st0 <rows 2>err
	cmp "st0/blobs/sha256/$hex" "$IN/l.tar.gz"
	grep -q 'is not asked for it again: a blob has another digest' err
	# what has gone on to a reader cannot be taken back
	fails 1 "do not use these .* bytes, which came from $(srv_addr wrong2)/w/app\$" bash -c "lp-fetch -a '$(cut -f1 rows)' >/dev/null"
}

@test "a mirror that breaks off, or knows another size: the next goes on where it ended" {
	local name=$NOBODY/foo/app
	lp-layers -o source "$S/real/app:1" | sed "s|.*@|$name@|" >blob
	echo '{"/v2/w/app/blobs/*": {"pattern": 200000, "length": 200000}}' >rules
	fault_start size rules
	printf '{"/v2/w/app/blobs/*": {"file": "%s", "close_at": 30000, "times": 1}, "/v2/w/app/blobs/*": [{"file": "%s", "close_at": 30000}, {"status": 404}]}' \
	    "$IN/l.tar.gz" "$IN/l.tar.gz" >rules2
	fault_start breaks rules2
	conf '' "$(srv_addr breaks)/w|" "$M/copy|"
	lp-fetch -v -a "$(<blob)" 2>err | cmp - "$IN/l.tar.gz"
	grep -q "from $M/copy/app\$" err
	conf '' "$(srv_addr size)/w|" "$M/copy|"
	lp-fetch -v --size "$(stat -c %s "$IN/l.tar.gz")" -a "$(<blob)" 2>err | cmp - "$IN/l.tar.gz"
	grep -q "from $M/copy/app\$" err
}

# hosts FOLDER: hosts.toml of that folder, from standard input
hosts()
{
	mkdir -p ".config/containerd/certs.d/$1"
	cat >".config/containerd/certs.d/$1/hosts.toml"
}

@test "a mirror with a token server of its own: the mirror's credentials go there, its token to the mirror, and nothing of the source's" {
	local name=$NOBODY/foo/app
	token_start tokens
	tokens_for tokens bearer
	registry_start bearer token auth=tokens storage="$PWD/b"
	secret tokens alice secret-alice
	secret source bob secret-bob
	secrets_in auth.json
	registry_push "$IN/lay:app:1" bearer team/app:1 alice:secret-alice
	conf '' "$(srv_addr bearer)/team|"
	jq -n --arg m "$(srv_addr bearer)" --arg s "$S" --arg a "$(printf alice:secret-alice | base64)" \
	    --arg b "$(printf bob:secret-bob | base64)" '{auths: {($m): {auth: $a}, ($s): {auth: $b}}}' >auth.json
	lp-layers -v --auth-file=auth.json --manifest "$name:1" >ours 2>err
	grep -q "from $(srv_addr bearer)/team/app\$" err
	cmp ours "$IN/lay/blobs/sha256/$(lp-layers --digest "oci:$IN/lay:app:1" | cut -d : -f 2)"
	[ "$(srv_requests tokens '.path | contains("scope=repository%3Ateam%2Fapp%3Apull")' | wc -l)" -ge 1 ]
	# its layers too, through one token
	lp-peek -c --auth-file=auth.json "$name:1" >got
	grep -q tree/file got
	# without the mirror's password there is the source, which gets its own alone
	jq --arg m "$(srv_addr bearer)" 'del(.auths[$m])' auth.json >less.json
	mv less.json auth.json
	lp-layers -v --auth-file=auth.json --manifest "$name:1" 2>err >ours
	grep -q "from $S/real/app\$" err
}

@test "hosts.toml: hosts in turn, capabilities, ns, header, override_path, then the server" {
	local digest name=$NOBODY/real/app
	digest=$(lp-layers --digest "oci:$IN/lay:app:1")
	echo '{}' >rules
	fault_start pulls rules --layout "$IN/lay"
	hosts "localhost_1_" <<-E
		server = "http://$S"
		[host."http://$(srv_addr pulls)/v2/deep"]
		  capabilities = ["pull"]
		  override_path = true
		  [host."http://$(srv_addr pulls)/v2/deep".header]
		    x-one = "1"
		    x-two = ["2", "3"]
	E
	# a tag is resolved by whoever may, what has a digest comes from the first
	came2()
	{
		lp-layers -v "$1" 2>&1 >rows | grep "^lp-layers: $name: from " | sed 's/.* from //'
	}
	[ "$(came2 "$name:1")" = "$(printf '%s\n' "$S/real/app" "$(srv_addr pulls)/real/app")" ]
	[ "$(came2 "$name@$digest")" = "$(srv_addr pulls)/real/app" ]
	[ "$(srv_requests pulls | wc -l)" -ge 3 ]
	[ "$(srv_requests pulls '.path | (startswith("/v2/deep/real/app/") and endswith("?ns=localhost:1")) | not' | wc -l)" -eq 0 ]
	[ "$(srv_requests pulls '.headers["x-one"] != "1"' | wc -l)" -eq 0 ]
	[[ $(srv_requests pulls | tail -n 1 | jq -r '.headers["x-two"]') = *3* ]]
	# registries.conf comes before it, where it has anything to say
	conf '' "$M/copy|"
	[ "$(came2 "$name@$digest")" = "$(srv_addr pulls)/real/app" ]
	lp-layers -v "$NOBODY/foo/app:1" 2>&1 | grep -q "from $M/copy/app\$"
	rm "$CONF"
	# the host's own folder, then _default
	hosts _default <<<"server = \"http://$S\""
	[ "$(came2 "$name@$digest")" = "$(srv_addr pulls)/real/app" ]
	rm -r .config/containerd/certs.d/localhost_1_
	[ "$(came2 "$name@$digest")" = "$S/real/app" ]
	mkdir ".config/containerd/certs.d/$NOBODY"
	run -3 lp-layers "$name:1"
	hosts "$NOBODY" <<<'server = 1'
	fails 1 "/$NOBODY/hosts.toml: server is no string" lp-layers "$name:1"
}

@test "hosts.toml: ca and skip_verify; daemon.json: insecure-registries" {
	tls_init
	tls_front tls source
	local at
	at=$(srv_addr tls localhost)
	run -3 lp-layers "$at/real/app:1"
	cp "$LP_SRV/tls/ca.pem" .
	hosts "localhost_${at#*:}_" <<<"ca = \"../../../../ca.pem\""
	run -0 lp-layers "$at/real/app:1"
	hosts "localhost_${at#*:}_" <<<"ca = \"ca.pem\""
	fails 3 'certs.d/localhost_.*/ca.pem: the certificate authorities cannot be read' lp-layers "$at/real/app:1"
	hosts "localhost_${at#*:}_" <<<"skip_verify = true"
	run -0 lp-layers "$at/real/app:1"
	# a front that wants a certificate: `client`, a file with both, or two of them
	tls_cert client DNS:client.invalid
	tls_front mutual source '' '' "ssl_client_certificate $LP_SRV/tls/ca.pem; ssl_verify_client on;"
	local wants
	wants=$(srv_addr mutual localhost)
	cp "$LP_SRV/tls/client.pem" "$LP_SRV/tls/client.key" .
	cat client.pem client.key >both.pem
	hosts "localhost_${wants#*:}_" <<<"ca = \"$PWD/ca.pem\""
	run -3 lp-layers "$wants/real/app:1"
	for client in "\"$PWD/both.pem\"" "[\"$PWD/both.pem\"]" "[[\"$PWD/client.pem\", \"$PWD/client.key\"]]"; do
		hosts "localhost_${wants#*:}_" <<<"ca = \"$PWD/ca.pem\"
client = $client"
		run -0 lp-layers "$wants/real/app:1"
	done
	hosts "localhost_${wants#*:}_" <<<"ca = \"$PWD/ca.pem\"
client = [[\"$PWD/client.pem\", \"$PWD/nothere.key\"]]"
	fails 3 '/nothere.key: the client certificate.s key cannot be read' lp-layers "$wants/real/app:1"
	rm -r .config/containerd
	mkdir .config/docker
	echo "{\"insecure-registries\": [\"$at\"]}" >.config/docker/daemon.json
	run -0 lp-layers "$at/real/app:1"
	echo "{\"insecure-registries\": [\"$at:1\"]}" >.config/docker/daemon.json
	run -3 lp-layers "$at/real/app:1"
}

@test "short names: an alias, the one registry to search, and several where the mode is enforcing" {
	printf 'short-name-mode = "enforcing"\n[aliases]\n"app" = "%s/real/app"\n' "$S" >"$CONF"
	lp-layers -o source "$S/real/app:1" >want
	lp-layers -o source app:1 | cmp - want
	run -0 lp-peek -c --layers app:1
	[[ $output = *"name=$S/real/app:1"* && $output = *tree/file* ]]
	[ "$(lp-peek -O -c app:1 | grep -c tree/file)" -eq 1 ]
	[ "$(lp-peek -O -c "$S/real/app:1" | grep -c tree/file)" -eq 1 ]
	printf 'unqualified-search-registries = ["%s/real"]\nshort-name-mode = "enforcing"\n' "$S" >"$CONF"
	lp-layers -o source app:1 | cmp - want
	printf 'unqualified-search-registries = ["%s/real", "%s"]\nshort-name-mode = "enforcing"\n' "$S" "$M" >"$CONF"
	fails 2 "^lp-layers: app:1: registries.conf: short-name-mode is enforcing.*write the host as well" lp-layers app:1
	fails 2 "^lp-peek: app:1: registries.conf: short-name-mode is enforcing.*write the host as well" lp-peek app:1
	sed -i 's/enforcing/permissive/' "$CONF"
	lp-layers -o source app:1 | cmp - want
}
