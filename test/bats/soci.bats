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
		{"text": "<!DOCTYPE html><html><body>log in</body></html>", "headers": {"Content-Type": "text/html"}}|HTML page
		{"status": 500, "text": "oops"}|500
		{"text": "{\"schemaVersion\":2"}|byte
		{"text": "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":2,\"mediaType\":\"a/b\"},\"layers\":[]}"}|not an index
		{"text": "{\"schemaVersion\":2,\"manifests\":[]}", "headers": {"Link": "<?n={n}>; rel=next"}}|does not come to an end
	EOF
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
