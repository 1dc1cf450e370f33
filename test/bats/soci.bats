#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets stderr_lines
# What hangs on an image: referrers by the API and by the tag, and SOCI's
# tables of contents, in layouts, on Debian's registry, which has no such API,
# and on a server that has it, well and badly.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

V1=application/vnd.amazon.soci.index.v1+json

setup_file()
{
	export D=$BATS_FILE_TMPDIR
	cd "$D" || return
	mkdir -p t/etc
	head -c 12000000 /dev/urandom >t/noise
	printf x >t/etc/conf
	tar --mtime=@1795452224 --owner=u:7 --group=g:8 -cf one.tar -C t .
	printf 'small\n' >t/etc/conf
	tar --mtime=@1795452224 -cf two.tar -C t etc
	gzip -1nc one.tar >one.gz
	gzip -1nc two.tar >two.gz
	layout_make plain app:1 one.gz two.gz
	cp -r plain v1
	cp -r plain v2
	"$TOP/test/soci/mksoci" v1
	"$TOP/test/soci/mksoci" --v2 v2
	srv_init "$D/srv"
	registry_start registry
	export REG
	REG=$(srv_addr registry)
	push v1 v1
	registry_push v2:app:1 registry v2:1
	registry_push v2:soci registry v2:soci
	registry_push plain:app:1 registry plain:1
}

# push LAYOUT REPOSITORY: the image, its index, and, by a tag of its own, the list of what hangs on it
push()
{
	registry_push "$1:app:1" registry "$2:1"
	registry_push "$1:soci" registry "$2:soci"
	curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary "@$1.referrers" \
	    "http://$REG/v2/$2/manifests/$(tr : - <"$1.image")" >/dev/null
}

# api NAME LAYOUT STEP: a server of that layout whose referrers API answers so; A is its address, I the image in v1
api()
{
	I=$(cat "$D/v1.image")
	jq -n --arg path "/v2/a/referrers/$I" --argjson step "$3" '{($path): $step}' >"$1.rules"
	fault_start "$1" "$1.rules" --layout "$D/$2"
	A=$(srv_addr "$1")
}

index_of()
{
	jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "soci").digest' "$D/$1/index.json"
}

# ---- lp-layers --referrers ------------------------------------------------------

@test "--referrers: a layout's manifests whose subject the image is" {
	run -0 lp-layers --referrers -H "oci:$D/v1:app:1"
	[ "${lines[0]}" = "artifacttype	digest	size	annotations" ]
	[ "${lines[1]}" = "$V1	$(index_of v1)	$(stat -c %s "$D/v1/blobs/sha256/$(index_of v1 | cut -d: -f2)")	" ]
	[ ${#lines[@]} -eq 2 ]
	lp-layers --referrers=$V1 -j "oci:$D/v1:app:1" >got
	[ "$(jq -r '.subject, .mediatype' got)" = "$(cat "$D/v1.image")
application/vnd.oci.image.manifest.v1+json" ]
	run -0 lp-layers --referrers=other/type "oci:$D/v1:app:1"
	[ -z "$output" ]
	run -0 lp-layers --referrers "oci:$D/plain:app:1"
	[ -z "$output" ]
	tar -cf v1.tar -C "$D/v1" .
	lp-layers --referrers -o digest oci-archive:v1.tar:app:1 >got
	[ "$(cat got)" = "$(index_of v1)" ]
}

@test "--referrers: a registry without the API has the tag, and what it told is known offline" {
	run -0 --separate-stderr lp-layers --referrers -o artifacttype,digest,subject -S store "$REG/v1:1"
	[ "$output" = "$V1	$(index_of v1)	$(cat "$D/v1.image")" ]
	[ -z "$stderr" ]
	lp-layers --referrers -o digest -O -S store "$REG/v1:1" >got
	[ "$(cat got)" = "$(index_of v1)" ]
	run -0 --separate-stderr lp-layers --referrers "$REG/plain:1"
	[ -z "$output$stderr" ]
}

@test "--referrers: the API, page after page, each once, filtered again" {
	api pages v1 '[{"text": "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":7,\"artifactType\":\"a/b\",\"annotations\":{\"k\":\"v\"}}]}",
	      "headers": {"Link": "</v2/a/referrers/x?n=1&last=2>; rel=\"next\""}},
	    {"text": "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":7,\"artifactType\":\"a/b\"},{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"size\":8,\"artifactType\":\"c/d+e\"}]}"}]'
	lp-layers --referrers "$A/a@$I" >got
	[ "$(cut -f 1,3,4 got)" = "$(printf 'a/b\t7\t{"k":"v"}\nc/d+e\t8\t')" ]
	[ "$(jq -r .path "$(srv_log pages)" | grep -c referrers)" -eq 2 ]
	jq -r .path "$(srv_log pages)" | grep -qx '/v2/a/referrers/sha256:[0-9a-f]*?n=1&last=2'
	lp-layers --referrers=c/d+e -o size "$A/a@$I" >got
	[ "$(cat got)" = 8 ]
	jq -r .path "$(srv_log pages)" | grep -q 'artifactType=c%2Fd%2Be'
}

@test "--referrers: an API that does not work: the tag's, with one note; without a tag it is said what failed" {
	local step want
	while IFS='|' read -r step want; do
		api broken v1 "$step"
		run -0 --separate-stderr lp-layers --retries=0 --referrers -o digest "$A/a@$I"
		[ "$output" = "$(index_of v1)" ]
		[[ $stderr = "lp-layers: $A/a@sha256:"*": referrers are those of the tag, for its API does not work: "*"$want"* ]]
		[ ${#stderr_lines[@]} -eq 1 ]
		srv_stop broken
		api broken plain "$step"
		run ! --separate-stderr lp-layers --retries=0 --referrers "$A/a@$I"
		[[ $stderr = "lp-layers: $A/a@sha256:"*"$want"* ]]
		[ ${#stderr_lines[@]} -eq 1 ]
		[ -z "$output" ]
		srv_stop broken
	done <<-'EOF'
		{"text": "<!DOCTYPE html><html><body>log in</body></html>", "headers": {"Content-Type": "text/html"}}|HTML page instead of a list of referrers
		{"status": 500, "text": "oops"}|500
		{"text": "{\"schemaVersion\":2"}|byte
		{"text": "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":2,\"mediaType\":\"a/b\"},\"layers\":[]}"}|not an index
		{"text": "{\"schemaVersion\":2,\"manifests\":[]}", "headers": {"Link": "<?n={n}>; rel=next"}}|does not come to an end
	EOF
}

# list REFERRER: a list that has one
list()
{
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064x","size":7,"artifactType":"a/b"}]}' "$1"
}

@test "--referrers: a later page that is not there is not the end of the list" {
	api lost plain "$(jq -n --arg s "$(list 1)" '[{text: $s, headers: {Link: "<?n=2>; rel=\"next\""}}, {status: 404}]')"
	run -3 --separate-stderr lp-layers --referrers "$A/a@$I"
	[ -z "$output" ]
	[[ $stderr = "lp-layers: $A/a@sha256:"*": 404, not found" ]]
}

@test "--referrers: a list that goes on for ever is given up after 64 MiB (LP_MAX_LIST), a page after 4 MiB" {
	{ printf '{"schemaVersion":2,"manifests":[],"annotations":{"k":"'; head -c 4000000 /dev/zero | tr '\0' x; printf '"}}'; } >page
	api large plain "$(jq -n --arg f "$PWD/page" '{file: $f, headers: {Link: "<?n={n}>; rel=next"}}')"
	run -3 --separate-stderr lp-layers --stats stats --referrers "$A/a@$I"
	[[ $stderr = *": its list of referrers does not come to an end: "*" bytes" ]]
	[ "$(($(jq .bytes_downloaded stats) / 4000000))" -eq 17 ]
	api huge plain '{"zeros": 5000000}'
	run -1 --separate-stderr lp-layers --referrers "$A/a@$I"
	[[ $stderr = *": a list of referrers of more than 4 MiB"* ]]
}

@test "--referrers=TYPE: nothing in it is more than a part of the query" {
	local type
	api types plain "$(jq -n --arg s "$(list 1)" '{text: $s}')"
	for type in 'a b' 'x&artifactType=a/b#' $'x HTTP/1.1\r\nX: y' 'ü%2f'; do
		run -0 --separate-stderr lp-layers "--referrers=$type" "$A/a@$I"
		[ -z "$output$stderr" ]
		[ "$(jq -r .path "$(srv_log types)" | tail -n 1)" = "/v2/a/referrers/$I?artifactType=$(jq -rn --arg t "$type" '$t | @uri')" ]
	done
	# one that no query holds is looked for here
	run -0 --separate-stderr lp-layers "--referrers=$(head -c 3000 /dev/zero | tr '\0' q)" "$A/a@$I"
	[ -z "$output$stderr" ]
	[ "$(jq -r .path "$(srv_log types)" | tail -n 1)" = "/v2/a/referrers/$I" ]
}

@test "--referrers: no such image, no server, what is no registry" {
	run -3 lp-layers --referrers "$REG/nothing:1"
	[ ${#lines[@]} -eq 1 ]
	run -3 lp-layers --retries=0 --connect-timeout=1 --referrers 127.0.0.1:1/a:1
	[ ${#lines[@]} -eq 1 ]
	run -2 lp-layers --referrers --tags "$REG/v1:1"
	[[ ${lines[0]} = *"only one of"* ]]
}

# ---- lp-layers --soci --------------------------------------------------------------

@test "--soci: the tables of the index that hangs on the image, or that it names" {
	for image in "oci:$D/v1:app:1" "oci:$D/v2:app:1" "$REG/v1:1" "$REG/v2:1"; do
		lp-layers -o digest "$image" >want
		lp-layers --soci "$image" >got
		cut -f 1 got | cmp - want
		while read -r layer source size; do
			lp-fetch -a "$source" | lp-toc --soci -q --digest="sha256:${source##*:}" >rows
			lp-fetch -a "${source%@*}@$layer" | lp-inflate -q | lp-tarls -q | cmp - rows
			[ "$size" -eq "$(lp-fetch -a "$source" | wc -c)" ]
		done <got
	done
	lp-layers --soci -j "$REG/v1:1" | jq -e '.layer and .source and .size' >/dev/null
	run -4 lp-layers --soci "$REG/plain:1"
	[ "$output" = "lp-layers: $REG/plain:1: no SOCI index hangs on it" ]
}

# ---- lp-peek -------------------------------------------------------------------------

# layer INDEX LAYOUT: the digest of a layer
layer()
{
	lp-layers -o digest "oci:$D/$2:app:1" | sed -n "$1p"
}

# blob_bytes NAME DIGEST: of that blob, as that server sent them
blob_bytes()
{
	srv_requests "$1" 'select(.method == "GET")' | jq -s --arg d "$2" '[.[] | select(.path | contains($d)) | .sent] | add // 0'
}

# peek OPTION...: alone with a cache of this test, the table of the first layer in $TABLE
peek()
{
	XDG_CACHE_HOME=$PWD/cache lp-peek "$@"
}

# rows LAYOUT: what is in it, by the layers' own bytes
rows()
{
	lp-peek -q -c --no-cache "oci:$D/$1:app:1"
}

@test "lp-peek -c: a large layer is listed by its table, by the referrers API, for no byte of the layer" {
	api good v1 "$(jq -Rs '{text: .}' "$D/v1.referrers")"
	layer 1 v1 >one
	lp-layers --soci "oci:$D/v1:app:1" | head -n 1 >table
	run -0 --separate-stderr peek -c "$A/a@$I"
	rows v1 | cmp - <(printf '%s\n' "$output")
	[[ $stderr = *"1 layer is listed by the tables of contents of a SOCI index: "*" in place of "* ]]
	[[ $stderr = *"1 layer is complete by what $A/a claims: no digest was compared"* ]]
	[ "$(blob_bytes good "$(cat one)")" -eq 0 ]
	[ "$(blob_bytes good "$(cut -f 2 table | sed 's/.*@//')")" -eq "$(cut -f 3 table)" ]
	[ "$(srv_requests good | jq -s 'map(select(.method == "GET") | .sent) | add')" -le $(($(cut -f 3 table) + 16384)) ]
	jq -r .path "$(srv_log good)" | grep -c referrers >n
	[ "$(cat n)" -eq 1 ]
	# and the listing is known from then on
	: >"$(srv_log good)"
	run -0 --separate-stderr peek -c "$A/a@$I"
	rows v1 | cmp - <(printf '%s\n' "$output")
	[ "$(blob_bytes good "$(cat one)")" -eq 0 ]
	run ! grep -q referrers "$(srv_log good)"
}

@test "lp-peek -c: by the tag, and by the image's annotation, on Debian's registry" {
	local image
	for image in v1 v2; do
		cat "$LP_SRV"/registry/std* | wc -l >before
		run -0 --separate-stderr peek -c "$REG/$image:1"
		rows $image | cmp - <(printf '%s\n' "$output")
		[[ $stderr = *"1 layer is listed by the tables of contents of a SOCI index: "* ]]
		[[ $stderr = *"1 layer is complete by what $REG/$image claims"* ]]
		cat "$LP_SRV"/registry/std* | tail -n "+$(($(cat before) + 1))" | grep 'GET /v2/[^ ]*/blobs/' >blobs
		grep -q "$(lp-layers --soci "oci:$D/$image:app:1" | sed -n '1s/.*@\(sha256:[0-9a-f]*\).*/\1/p')" blobs
		run ! grep -q "$(layer 1 $image)" blobs
	done
}

@test "lp-peek: who did not ask for a complete listing, or whose layers are small, pays for no question" {
	api idle v1 "$(jq -Rs '{text: .}' "$D/v1.referrers")"
	peek -q "$A/a@$I" | grep -q etc/conf
	[ "$(peek -q --cat=etc/conf "$A/a@$I")" = small ]
	peek -q --layer=2 -c "$A/a@$I" | grep -q etc/conf
	run ! grep -q referrers "$(srv_log idle)"
}

@test "lp-peek -c: an image without an index, a server that answers badly: the layer itself, with one note at most" {
	local step want
	while IFS='|' read -r step want; do
		api bad plain "$step"
		run -0 --separate-stderr lp-peek --no-cache -c "$A/a@$I"
		rows plain | cmp - <(printf '%s\n' "$output")
		[ "$(grep -c SOCI <<<"$stderr")" -eq "$([ -n "$want" ] && echo 1 || echo 0)" ]
		[[ $stderr = *"$want"* ]]
		srv_stop bad
	done <<-'EOF'
		{"status": 404}|
		{"text": "{\"schemaVersion\":2,\"manifests\":[]}"}|
		{"text": "<!DOCTYPE html><html>log in</html>", "headers": {"Content-Type": "text/html"}}|it is not known whether it has a SOCI index
		{"status": 500}|it is not known whether it has a SOCI index
	EOF
}

@test "lp-peek -c: tables that lie: the layer itself is read, and it is said why" {
	local options want
	while IFS='|' read -r options want; do
		rm -rf lie lie.*
		cp -r "$D/plain" lie
		# shellcheck disable=SC2086 # several words
		eval "$TOP/test/soci/mksoci" $options lie
		I=$(cat "$D/v1.image")
		jq -n --arg path "/v2/a/referrers/$I" --rawfile text lie.referrers '{($path): {text: $text}}' >lie.rules
		fault_start lie lie.rules --layout lie
		A=$(srv_addr lie)
		run -0 --separate-stderr lp-peek --no-cache -c "$A/a@$I"
		rows plain | cmp - <(printf '%s\n' "$output")
		[[ $stderr = *"layer 1: the table of contents that a SOCI index has for it is of no use: reading the layer itself"* ]]
		[[ $stderr = *"$want"* ]]
		[[ $stderr != *"claims"* ]]
		srv_stop lie
	done <<-'EOF'
		--swap|is of a layer of
		--hurt|digest
		--edit "z['compressed']+=1"|is of a layer of
		--edit "z['version']='1.0'"|not a SOCI table of contents of version 0.9
		--edit "z['contents']['files'][1]['offset']=512"|does not lie behind
	EOF
}
