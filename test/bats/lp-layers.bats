#!/usr/bin/env bats
# lp-layers: from an image's name to a row per layer, wherever the image is.

# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # scripts in quotes; each test is a process, and means to be

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

DOCKER=application/vnd.docker
OCI=application/vnd.oci.image

# An image of three layers, one of each kind; a few small ones for the index.
make_images()
{
	local n arch
	cd "$BATS_FILE_TMPDIR" || return
	for n in 1 2 3; do
		mkdir -p "tree$n"
		echo "$n" >"tree$n/file$n"
		tar --owner=0 --group=0 --mtime=@0 -cf "l$n.tar" "tree$n"
	done
	gzip -nk l1.tar
	zstd -q l3.tar
	# no blob of its own, compressed or not, is one of the other image's: skopeo would take the one for the other
	tar --owner=0 --group=0 --mtime=@0 -cf raw.tar tree2 tree3
	layout_make lay app:1 l1.tar.gz raw.tar l3.tar.zst
	# of gzip alone: docker's own formats know nothing else
	gzip -nk l2.tar
	layout_make plain app:1 l1.tar.gz l2.tar.gz
	for arch in amd64 arm64 arm; do
		echo "$arch" >tree1/arch
		tar --owner=0 --group=0 --mtime=@0 -czf "$arch.tar.gz" tree1
		layout_make "$arch" app:1 "$arch.tar.gz"
	done
}

# put_manifest REPO:REFERENCE FILE TYPE: into the registry, as it is
put_manifest()
{
	curl -sSf -X PUT -H "Content-Type: $3" --data-binary "@$2" \
	    "http://$(srv_addr reg)/v2/${1%%:*}/manifests/${1#*:}"
}

digest_of()
{
	echo "sha256:$(sha256sum "$@" | cut -c1-64)"
}

manifest_of()
{
	echo "$1/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$1/index.json")"
}

# entry LAYOUT PLATFORM [MORE]: a descriptor for an index
entry()
{
	local file
	file=$(manifest_of "$1")
	jq -nc --arg d "$(digest_of "$file")" --argjson s "$(stat -c %s "$file")" --argjson p "$2" --argjson m "${3:-{\}}" \
	    "{mediaType: \"$OCI.manifest.v1+json\", digest: \$d, size: \$s, platform: \$p} + \$m"
}

# multi-arch, by hand: attestation first, an arm of two variants, one more index inside
make_index()
{
	local arch
	for arch in amd64 arm64 arm; do
		registry_push "$PWD/$arch:app:1" reg "multi:$arch"
		put_manifest "multi:$(digest_of "$(manifest_of $arch)")" "$(manifest_of $arch)" "$OCI.manifest.v1+json"
	done
	{
		entry arm '{"os": "unknown", "architecture": "unknown"}' \
		    '{"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}'
		entry amd64 '{"os": "linux", "architecture": "amd64"}'
		entry arm64 '{"os": "linux", "architecture": "arm64", "variant": "v8"}'
		entry arm '{"os": "linux", "architecture": "arm", "variant": "v6"}'
	} | jq -s "{schemaVersion: 2, mediaType: \"$OCI.index.v1+json\", manifests: .}" >index.json
	put_manifest multi:1 index.json "$OCI.index.v1+json"
	jq -n --arg d "$(digest_of index.json)" --argjson s "$(stat -c %s index.json)" \
	    "{schemaVersion: 2, mediaType: \"$OCI.index.v1+json\",
	      manifests: [{mediaType: \"$OCI.index.v1+json\", digest: \$d, size: \$s}]}" >outer.json
	put_manifest multi:outer outer.json "$OCI.index.v1+json"
}

setup_file()
{
	srv_init
	make_images
	registry_start reg "set=compatibility:
  schema1:
    enabled: true"
	registry_push "$PWD/lay:app:1" reg app:1
	make_index
}

setup()
{
	own_folder
	export IN=$BATS_FILE_TMPDIR REG
	REG=$(srv_addr reg)
}

# ---- rows ------------------------------------------------------------------------

@test "a row per layer, base first, with what lp-fetch needs" {
	lp-layers "$REG/app:1" >rows
	[ "$(wc -l <rows)" -eq 3 ]
	cut -f2-5 rows >got
	printf '%s\t%s\t%s\tlayer %s\n' \
	    "$(stat -c %s "$IN/l1.tar.gz")" "$OCI.layer.v1.tar+gzip" 1 1 \
	    "$(stat -c %s "$IN/raw.tar")" "$OCI.layer.v1.tar" 2 2 \
	    "$(stat -c %s "$IN/l3.tar.zst")" "$OCI.layer.v1.tar+zstd" 3 3 >want
	cmp got want
	printf "$REG/app@%s\n" "$(digest_of "$IN/l1.tar.gz")" "$(digest_of "$IN/raw.tar")" \
	    "$(digest_of "$IN/l3.tar.zst")" >want
	cut -f1 rows >got
	cmp got want
}

@test "NDJSON has all that is known" {
	lp-layers -j "$REG/app:1" >rows
	jq -e -s 'length == 3 and all(has("source") and has("size") and has("mediatype") and has("created_by")
	    and has("digest") and has("diff_id") and has("compression"))' rows
	[ "$(jq -r 'select(.index == 2).diff_id' rows)" = "$(digest_of "$IN/raw.tar")" ]
	[ "$(jq -r 'select(.index == 3).diff_id' rows)" = "$(digest_of "$IN/l3.tar")" ]
	[ "$(jq -rs 'map(.compression) | join(" ")' rows)" = 'gzip none zstd' ]
}

@test "-o chooses columns, -H names them, -E ends them" {
	lp-layers -H -E -o index,digest,compression "$REG/app:1" >rows
	[ "$(head -1 rows)" = $'index\tdigest\tcompression' ]
	[ "$(sed -n 2p rows)" = "1	$(digest_of "$IN/l1.tar.gz")	gzip" ]
	[ "$(tail -1 rows)" = "#end	digest=$(digest_of "$(manifest_of "$IN/lay")")	manifest=$(
	    digest_of "$(manifest_of "$IN/lay")")	platform=linux/amd64	layers=3" ]
}

@test "what an image says of its base, by annotations or else labels, is in the end record; lp-peek --base writes it" {
	local base=org.opencontainers.image.base digest config manifest
	digest=sha256:$(printf x | sha256sum | head -c 64)
	echo x >x
	tar -cf x.tar x
	# said ANNOTATIONS LABELS: layout `lay` of such an image
	said() {
		rm -rf lay
		layout_make lay v1 x.tar
		manifest=$(manifest_of lay)
		jq --argjson l "$2" '.config.Labels = $l' "lay/blobs/$(jq -r .config.digest "$manifest" | tr : /)" >config
		config=$(layout_blob lay config application/vnd.oci.image.config.v1+json)
		jq --argjson c "$config" --argjson a "$1" '.config = $c | .annotations = $a' "$manifest" >changed
		layout_blob lay changed application/vnd.oci.image.manifest.v1+json | jq '{schemaVersion: 2, manifests: [.]}' >lay/index.json
	}
	asked() { lp-peek --db=db --base "$@" oci:lay; }
	said '{"'$base.name'": "r.test/deb\tian:12", "'$base.digest'": "'"$digest"'"}' '{"'$base.name'": "other"}'
	[[ $(lp-layers -E oci:lay | tail -n 1) == *$'\tbase.name=r.test/deb\\tian:12\tbase.digest='"$digest" ]]
	lp-layers -jE oci:lay | jq -se --arg d "$digest" '.[-1].end | .["base.name"] == "r.test/deb\tian:12" and .["base.digest"] == $d'
	[ "$(asked 2>err)" = 'r.test/deb\tian:12@'"$digest"$'\t' ]
	grep -q 'no image is known yet' err
	[ "$(asked --ndjson 2>/dev/null)" = '{"image":"r.test/deb\tian:12@'"$digest"'"}' ]
	# labels; a digest that is none
	said '{}' '{"'$base.name'": "debian", "'$base.digest'": "sha256:12"}'
	lp-peek -q --db=db oci:lay >rows
	[ "$(asked 2>err)" = $'debian\t' ]
	grep -q "no image that is known has the first of these layers" err
	said '{"'$base.digest'": "'"$digest"'"}' '{}'
	[ "$(asked 2>err)" = "$digest"$'\t' ]
	said '{"'$base.name'": 1}' '{"'$base.name'": ["a"]}'
	run -4 asked
	[[ $(lp-layers -E oci:lay | tail -n 1) != *base* ]]
}

@test "annotations of layers are passed on" {
	cp -r "$IN/plain" annotated
	jq '.layers[1].annotations = {"x.y/toc": "12:3", "tab": "a\tb"}' "$(manifest_of annotated)" >manifest
	cp manifest "annotated/blobs/sha256/$(sha256sum <manifest | cut -c1-64)"
	jq --arg d "$(digest_of manifest)" --argjson s "$(stat -c %s manifest)" \
	    '.manifests[0] += {digest: $d, size: $s}' annotated/index.json >index
	cp index annotated/index.json
	lp-layers -o annotations oci:annotated:app:1 >rows
	printf '\n{"x.y/toc":"12:3","tab":"a\\\\tb"}\n' >want
	cmp rows want
	[ "$(lp-layers -j oci:annotated | jq -r 'select(.index == 2).annotations.tab')" = $'a\tb' ]
}

@test "docker's own manifests" {
	skopeo --insecure-policy copy -q --format v2s2 --dest-tls-verify=false "oci:$IN/plain:app:1" "docker://$REG/docker:1"
	lp-layers "$REG/docker:1" >rows
	[ "$(cut -f3 rows | sort -u)" = "$DOCKER.image.rootfs.diff.tar.gzip" ]
	[ "$(cut -f5 rows | paste -sd,)" = 'layer 1,layer 2' ]
	lp-layers "$REG/app:1" | head -1 | cut -f1 | sed 's/.*@//' >a
	head -1 rows | cut -f1 | sed 's/.*@//' >b
	cmp a b
}

# As Go's clients do, who decode what they have not asked for as well.
@test "a document that was compressed all the same is decoded; a page is called one" {
	local manifest config
	manifest=$(jq -r '.manifests[0].digest[7:]' "$IN/plain/index.json")
	config=$(jq -r '.config.digest[7:]' "$IN/plain/blobs/sha256/$manifest")
	head -c 5000000 /dev/zero >zeros
	jq -n --arg m "$IN/plain/blobs/sha256/$manifest" --arg c "$IN/plain/blobs/sha256/$config" --arg config "$config" \
	    'def page: {text: "\n <!DOCTYPE html>", headers: {"Content-Type": "text/html"}};
	    {"/v2/x/manifests/1": {file: $m, gzip: true, headers: {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}},
	    "/v2/x/blobs/sha256:\($config)": {file: $c, gzip: true}, "/v2/page/manifests/1": page,
	    "/v2/y/manifests/1": {file: $m}, "/v2/y/blobs/sha256:\($config)": page,
	    "/v2/bomb/manifests/1": {file: "zeros", gzip: true},
	    "/v2/broken/manifests/1": {text: "{}", headers: {"Content-Encoding": "gzip"}}}' >rules
	fault_start coded rules
	lp-layers -j "oci:$IN/plain:app:1" | jq -c 'del(.source)' >want
	lp-layers -j "$(srv_addr coded)/x:1" | jq -c 'del(.source)' >got
	cmp want got
	[ "$(skopeo inspect -n --tls-verify=false --format '{{.Digest}}' "docker://$(srv_addr coded)/x:1")" = \
	    "$(lp-layers --digest "$(srv_addr coded)/x:1")" ]
	fails 1 'got an HTML page instead of a manifest, from http' lp-layers "$(srv_addr coded)/page:1"
	fails 1 'got an HTML page instead of a config, from http' lp-layers "$(srv_addr coded)/y:1"
	fails 1 'a manifest of more than 4 MiB' lp-layers "$(srv_addr coded)/bomb:1"
	fails 3 '.' lp-layers --retries 0 "$(srv_addr coded)/broken:1"
}

@test "schema 1 without a signature goes by the digest of all of it; a history that is none is unknown" {
	local a b
	a=sha256:$(printf a%063d 0) b=sha256:$(printf b%063d 0)
	jq -n --arg a "$a" --arg b "$b" '{schemaVersion: 1, fsLayers: [{blobSum: $b}, {blobSum: $a}], history: [
	    {v1Compatibility: "null"}, {v1Compatibility: "{\"container_config\":{\"Cmd\":[\"base\"]}}"}]}' >manifest
	jq -n '{"/v2/x/manifests/1": {file: "manifest"}}' >rules
	fault_start samples rules
	run -0 --separate-stderr lp-layers -E -o digest,created_by "$(srv_addr samples)/x:1"
	[ "${lines[*]:0:2}" = "$a"$'\t'"base $b"$'\t' ]
	[[ ${lines[2]} == *"manifest=sha256:$(sha256sum <manifest | cut -c1-64)"* ]]
	[ -z "$stderr" ]
}

@test "schema 1: reversed, unsigned payload's digest, as the registry has it" {
	skopeo --insecure-policy copy -q --format v2s1 --dest-tls-verify=false "oci:$IN/plain:app:1" "docker://$REG/old:1"
	curl -sSfD head -o raw -H "Accept: $DOCKER.distribution.manifest.v1+prettyjws" "http://$REG/v2/old/manifests/1"
	jq -e '.schemaVersion == 1 and (.signatures | length) == 1' raw
	lp-layers --manifest "$REG/old:1" >got
	jq -e '.schemaVersion == 1' got
	sed -n 's/^Docker-Content-Digest: \(sha256:[0-9a-f]*\).*/\1/ip' head >want
	lp-layers -E "$REG/old:1" | sed -n 's/.*manifest=\([^\t]*\).*/\1/p' >got
	cmp got want
	lp-layers "$REG/old:1" >rows
	jq -r '.fsLayers[].blobSum' raw | tac >all
	# layers that stand for a line of history only are left out
	sed 's/.*@//;s/\t.*//' rows >listed
	[ "$(grep -cxFf listed all)" -ge "$(wc -l <listed)" ]
	[ "$(sed -n 1p listed)" = "$(digest_of "$IN/l1.tar.gz")" ]
	[ "$(sed -n 2p listed)" = "$(digest_of "$IN/l2.tar.gz")" ]
	[ "$(cut -f2 rows | sort -u)" = - ]
	fails 4 'schema 1 has no image config' lp-layers --config "$REG/old:1"
	# a store keeps the payload: what has the digest
	lp-layers -S store "$REG/old:1" >live
	lp-layers -O -S store "$REG/old:1" >replay
	cmp live replay
}

@test "an artifact that is no image says so, and its blobs are listed" {
	cp -r "$IN/plain" chart
	jq '.config.mediaType = "application/vnd.cncf.helm.config.v1+json"' "$(manifest_of chart)" >manifest
	cp manifest "chart/blobs/sha256/$(sha256sum <manifest | cut -c1-64)"
	jq --arg d "$(digest_of manifest)" --argjson s "$(stat -c %s manifest)" \
	    '.manifests[0] += {digest: $d, size: $s}' chart/index.json >index
	cp index chart/index.json
	run --separate-stderr lp-layers oci:chart
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *'not an image but an artifact of type application/vnd.cncf.helm.config.v1+json'* ]]
	fails 4 'no image config' lp-layers --config oci:chart
}

# ---- names --------------------------------------------------------------------------

@test "tag and digest together: the digest rules" {
	local d
	d=$(digest_of "$(manifest_of "$IN/lay")")
	lp-layers "$REG/app:1" >want
	[ -s want ]
	lp-layers "$REG/app@$d" >got
	cmp got want
	lp-layers "docker://$REG/app:nosuchtag@$d" >got
	cmp got want
}

@test "a reference of a registry as others write it: docker://, and oci:// as Helm and Flux do" {
	local scheme
	lp-layers "$REG/app:1" >want
	for scheme in docker oci; do
		lp-layers "$scheme://$REG/app:1" | cmp - want
		[ "$(lp-peek -q --plain-http --no-cache --layers -o name "$scheme://$REG/app:1" | grep -c '^#layer')" -eq 3 ]
	done
}

@test "--digest is one HEAD, and no pull" {
	run --separate-stderr lp-layers --stats stats --digest "$REG/app:1"
	[ "$output" = "$(digest_of "$(manifest_of "$IN/lay")")" ]
	[ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REG/app:1")" = "$output" ]
	# the first request finds that there is no TLS
	[ "$(jq .requests stats)" -eq 2 ]
	grep -q 'HEAD /v2/app/manifests/1 .*"layer-peek' "$LP_SRV/reg/stdout" "$LP_SRV/reg/stderr"
	lp-layers --plain-http --stats stats2 --digest "$REG/app:1"
	[ "$(jq .requests stats2)" -eq 1 ]
	# of one platform it takes the index
	[ "$(lp-layers --digest "$REG/multi:1")" = "$(digest_of "$IN/index.json")" ]
	[ "$(lp-layers --digest -p linux/arm64 "$REG/multi:1")" = "$(digest_of "$(manifest_of "$IN/arm64")")" ]
}

@test "--manifest, --config and --index print the bytes as they are" {
	lp-layers --manifest "$REG/app:1" >got
	cmp got "$(manifest_of "$IN/lay")"
	lp-layers --index "$REG/app:1" >got
	cmp got "$(manifest_of "$IN/lay")"
	lp-layers --config "$REG/app:1" >got
	cmp got "$IN/lay/blobs/sha256/$(jq -r '.config.digest[7:]' "$(manifest_of "$IN/lay")")"
	lp-layers --index "$REG/multi:1" >got
	cmp got "$IN/index.json"
	lp-layers --manifest -p arm64 "$REG/multi:1" >got
	cmp got "$(manifest_of "$IN/arm64")"
}

# ---- platforms ------------------------------------------------------------------------

@test "an index: this machine's platform, or the one asked for" {
	local p want
	for p in linux/amd64=amd64 amd64=amd64 linux/x86_64=amd64 linux/arm64=arm64 linux/arm64/v8=arm64 \
	    linux/arm/v7=arm linux/arm/v6=arm linux/arm=arm; do
		want=${p#*=}
		[ "$(lp-layers -o digest -p "${p%=*}" "$REG/multi:1")" = "$(digest_of "$IN/$want.tar.gz")" ]
	done
	[ "$(lp-layers -o digest "$REG/multi:1")" = "$(lp-layers -o digest -p "linux/$(uname -m)" "$REG/multi:1")" ]
}

@test "an index inside an index" {
	[ "$(lp-layers -o digest -p linux/arm64 "$REG/multi:outer")" = "$(digest_of "$IN/arm64.tar.gz")" ]
	lp-layers --platforms "$REG/multi:outer" >got
	lp-layers --platforms "$REG/multi:1" >want
	cmp got want
}

@test "several indexes inside an index: one without the platform is no reason not to look into the next" {
	local arch n=0
	for arch in arm64 amd64; do
		entry "$IN/$arch" "{\"os\": \"linux\", \"architecture\": \"$arch\"}" |
		    jq -s "{schemaVersion: 2, mediaType: \"$OCI.index.v1+json\", manifests: .}" >"$arch.json"
		put_manifest "multi:only-$arch" "$arch.json" "$OCI.index.v1+json"
	done
	for arch in arm64 amd64; do
		jq -nc --arg d "$(digest_of "$arch.json")" --argjson s "$(stat -c %s "$arch.json")" \
		    "{mediaType: \"$OCI.index.v1+json\", digest: \$d, size: \$s}"
	done | jq -s "{schemaVersion: 2, mediaType: \"$OCI.index.v1+json\", manifests: .}" >two.json
	put_manifest multi:two two.json "$OCI.index.v1+json"
	for arch in arm64 amd64; do
		[ "$(lp-layers -o digest -p "linux/$arch" "$REG/multi:two")" = "$(digest_of "$IN/$arch.tar.gz")" ]
		n=$((n + 1))
	done
	[ "$n" -eq 2 ]
	fails 4 'nothing for linux/s390x; there is: linux/arm64, linux/amd64' lp-layers -p linux/s390x "$REG/multi:two"
	# two without a platform, which cannot be told apart, stand between
	for arch in arm64 '' '' amd64; do
		entry "$IN/${arch:-arm64}" "$([ -z "$arch" ] && echo null || echo "{\"os\": \"linux\", \"architecture\": \"$arch\"}")"
	done | jq -s "{schemaVersion: 2, mediaType: \"$OCI.index.v1+json\", manifests: map(del(.platform | nulls))}" >unsaid.json
	put_manifest multi:unsaid unsaid.json "$OCI.index.v1+json"
	fails 4 'nothing for linux/s390x; there is: linux/arm64, linux/amd64' lp-layers -p linux/s390x "$REG/multi:unsaid"
}

@test "--tags lists the repository's" {
	lp-layers --tags "$REG/multi:none" >got
	grep -qx 1 got
	grep -qx outer got
	lp-layers -S store "$REG/multi:1" >/dev/null
	run -4 lp-layers --tags -O -S store "$REG/multi:1"
	run -3 lp-layers --tags "$REG/no-such-repository"
	run -2 lp-layers --tags --digest "$REG/multi:1"
}

@test "--tags: page after page, of this registry alone" {
	jq -n 'def page($tags; $link): {text: {tags: $tags} | tojson, headers: {Link: $link}};
	    {"/v2/a/tags/list": [page(["1", "2"]; "</v2/a/tags/list?last=2&n=2>; rel=\"next\""),
	        page(["3"]; "<http://127.0.0.1:1/elsewhere?last=3>; rel=next"), {text: "{\"tags\":[\"4\"]}"}],
	    "/v2/empty/tags/list": [page([]; "<?last=1>; rel=next"), page(null; "?last=2; rel=\"next\""), page(["1"]; null)],
	    "/v2/bare/tags/list": [page(["1"]; "/v2/bare/tags/list?last=1"), page(["2"]; null)],
	    "/v2/round/tags/list": page(["1"]; "<?last=1>; rel=next"),
	    "/v2/ring/tags/list": [page(["1"]; "<?last=1>; rel=next"), page(["2"]; "<?last=2>; rel=next"),
	        page(["3"]; "<?last=1>; rel=next")],
	    "/v2/endless/tags/list": page(["1"]; "<?last={n}>; rel=next"),
	    "/v2/lost/tags/list": page(["1"]; "</elsewhere>; rel=next"),
	    "/v2/odd/tags/list": page(["1"]; "<?a\\b>; rel=next"),
	    "/v2/other/tags/list": page(["1"]; "<?last=1>; rel=prev"),
	    "/v2/broken/tags/list": [page(["1"]; "<?last=1>; rel=next"), {status: 404}]}' >rules
	fault_start pages rules
	run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/a"
	[ "$output" = $'1\n2\n3\n4' ]
	[ -z "$stderr" ]
	[ "$(jq -r .path "$(srv_log pages)" | grep tags)" = "$(printf '/v2/a/tags/list%s\n' '' '?last=2&n=2' '?last=3')" ]
	# a page of none may be followed by others; a link may lack its <>, and its relation
	for quiet in empty other; do
		run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/$quiet"
		[ "$output,$stderr" = 1, ]
	done
	run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/bare"
	[ "$output,$stderr" = $'1\n2,' ]
	run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/round"
	[ "$output" = $'1\n1' ]
	[[ $stderr == *"these are not all tags: '?last=1' leads to no further page" ]]
	# back to a page that was there: each of them once
	run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/ring"
	[ "$output" = $'1\n2\n3' ]
	[[ $stderr == *"these are not all tags: '?last=1' leads to no further page" ]]
	# always another one
	run -3 --separate-stderr lp-layers --stall-timeout 1 --tags "$(srv_addr pages)/endless"
	[ "$(sort -u <<<"$output")" = 1 ]
	[[ $stderr == *"its list of tags"*" does not come to an end"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	for told in lost odd; do
		run -0 --separate-stderr lp-layers --tags "$(srv_addr pages)/$told"
		[ "$output" = 1 ]
		[[ $stderr == *"these are not all tags: "* ]]
	done
	run -3 --separate-stderr lp-layers --tags "$(srv_addr pages)/broken"
	[ "$output" = 1 ]
}

# In each try of a page what was told before is not told again.
@test "--tags: 200000 of them, in one page of 26 MB, as they come and in little memory" {
	jq -nc '{name: "a", tags: [range(200000) | tostring | "0" * (128 - length) + .], "more": [{}, "]"]}' >page
	[ "$(stat -c %s page)" -gt 26000000 ]
	jq -n '{"/v2/a/tags/list": [{file: "page", close_at: 5000000, chunked: true}, {file: "page", gzip: true}],
	    "/v2/endless/tags/list": {endless: ["HTTP/1.1 200 OK\r\n\r\n{\"tags\":[\"1\"", ",\"1\""]},
	    "/v2/gone/tags/list": {file: "page", close_at: 5000000}}' >rules
	fault_start many rules
	jq -r '.tags[]' page >want
	run -0 --separate-stderr bash -c 'ulimit -v 200000; lp-layers --tags "$1" >got' - "$(srv_addr many)/a"
	[ -z "$stderr" ]
	cmp want got
	run -0 bash -c 'lp-layers --tags "$1" | head -n 1' - "$(srv_addr many)/endless"
	[ "$output" = "1" ]
	run -3 --separate-stderr bash -c 'lp-layers --tags "$1" >got' - "$(srv_addr many)/gone"
	[ "${#stderr_lines[@]}" -eq 1 ]
	head -c "$(stat -c %s got)" want | cmp - got
	[ "$(wc -l <got)" -gt 30000 ]
}

@test "--tags: what is no list of tags is told" {
	jq -n '{"/v2/part/tags/list": {text: "{\"tags\":[\"1\",\"a\\u001bb\"]}"},
	    "/v2/whole/tags/list": {text: "{\"tags\":[\"1\"]}"}, "/v2/none/tags/list": {text: "{\"tags\":null}"},
	    "/v2/odd/tags/list": {text: "{\"tags\":[\"1\",2]}"}, "/v2/cut/tags/list": {text: "{\"tags\":[\"1\","},
	    "/v2/object/tags/list": {text: "{\"tags\":{}}"}, "/v2/twice/tags/list": {text: "{\"tags\":[\"1\"],\"tags\":[]}"},
	    "/v2/long/tags/list": {text: ({tags: ["1" * 5000]} | tojson)}, "/v2/bad/tags/list": {text: "{\"tags\":[\"\\x\"]}"},
	    "/v2/page/tags/list": {text: "<html>", headers: {"Content-Type": "text/html; charset=utf-8"}}}' >rules
	fault_start tags rules
	run -0 --separate-stderr lp-layers --tags "$(srv_addr tags)/part"
	[ "$output" = $'1\na\\x1bb' ]
	[ -z "$stderr" ]
	run -0 --separate-stderr lp-layers --tags "$(srv_addr tags)/whole"
	[ "$output" = 1 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr lp-layers --tags "$(srv_addr tags)/none"
	[ -z "$output$stderr" ]
	while read -r name said; do
		run -1 --separate-stderr lp-layers --tags "$(srv_addr tags)/$name"
		[[ $output == "" || $output == 1 ]]
		[[ $stderr == *"its list of tags: byte $said" ]]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done <<-SAID
	odd 13: not the JSON of a list of tags
	cut 13: it ends in the middle
	object 8: no list of tags
	twice 15: two lists of tags
	long 9: longer than any tag
	bad 12: not valid JSON
	page 0: an HTML page
	SAID
}

@test "--tags: a list that goes on for ever is given up after 64 MiB (LP_MAX_LIST), a tag after 4 KiB (LP_MAX_TAG)" {
	local n
	jq -n --arg h $'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n' --arg s "$(printf '%65536s' '')" \
	    --arg t "$(printf '%065536d' 0)" \
	    '{"/v2/list/tags/list": {endless: [($h + "{"), $s]},
	      "/v2/tag/tags/list": {endless: [($h + "{\"tags\": [\"1\", \"2"), $t]}}' >rules
	fault_start endless rules
	run -3 --separate-stderr lp-layers --retries 0 --stats stats --tags "$(srv_addr endless)/list"
	[[ $output == '' && $stderr == *': it does not come to an end' ]]
	n=$(jq .bytes_downloaded stats)
	[ $((n >> 20)) -eq 64 ]
	run -1 --separate-stderr lp-layers --retries 0 --tags "$(srv_addr endless)/tag"
	[[ $output == 1 && $stderr == *': byte 15: longer than any tag' ]]
}

@test "--platforms lists them, attestations left out" {
	lp-layers --platforms -H "$REG/multi:1" | cut -f1,2 >got
	printf '%s\t%s\n' platform digest linux/amd64 "$(digest_of "$(manifest_of "$IN/amd64")")" \
	    linux/arm64 "$(digest_of "$(manifest_of "$IN/arm64")")" \
	    linux/arm/v6 "$(digest_of "$(manifest_of "$IN/arm")")" >want
	cmp got want
	[ "$(lp-layers --platforms "$REG/app:1" | cut -f1)" = linux/amd64 ]
	[ "$(lp-layers --platforms -j "$REG/multi:1" | jq -r 'select(.architecture == "arm").variant')" = v6 ]
}

@test "no such platform: exit 4, and which there are" {
	fails 4 'nothing for linux/s390x; there is: linux/amd64, linux/arm64, linux/arm/v6' \
	    lp-layers -p linux/s390x "$REG/multi:1"
	fails 4 'nothing for linux/arm/v5' lp-layers -p linux/arm/v5 "$REG/multi:outer"
	fails 4 'nothing for windows/amd64' lp-layers -p windows/amd64 "$REG/multi:1"
	run --separate-stderr lp-layers -p linux/s390x "$REG/app:1"
	[ "$status" -eq 0 ]
	[[ $stderr == *'the only image is for linux/amd64'* ]]
	for what in --digest --manifest --config; do
		run -0 --separate-stderr lp-layers $what -p linux/s390x "$REG/app:1"
		[[ $output == *sha256:* && $stderr == *'the only image is for linux/amd64'* ]]
		run -0 --separate-stderr lp-layers $what -p linux/amd64 "$REG/app:1"
		[[ $output == *sha256:* && $stderr == '' ]]
	done
}

# ---- layouts and archives ----------------------------------------------------------------

@test "an OCI layout: by name, and without one if there is one image" {
	lp-layers -o index,size,digest "$REG/app:1" >want
	lp-layers -o index,size,digest "oci:$IN/lay:app:1" >got
	cmp got want
	lp-layers -o index,size,digest "oci:$IN/lay" >got
	cmp got want
	lp-layers -o index,size,digest "oci:$IN/lay@$(digest_of "$(manifest_of "$IN/lay")")" >got
	cmp got want
	[ "$(lp-layers "oci:$IN/lay" | head -1 | cut -f1)" = "oci:$IN/lay@$(digest_of "$IN/l1.tar.gz")" ]
	fails 4 'no image of that name; there are: app:1' lp-layers "oci:$IN/lay:app:2"
	cp -r "$IN/lay" two
	jq '.manifests += [.manifests[0] | .annotations["org.opencontainers.image.ref.name"] = "app:2"]' \
	    "$IN/lay/index.json" >two/index.json
	fails 4 'several images, so it takes a name; there are: app:1, app:2' lp-layers oci:two
	lp-layers oci:two:app:2 >got
	[ "$(wc -l <got)" -eq 3 ]
}

@test "an index's bad entries are a matter for who asks for them; wrong sizes are told, the digest decides" {
	local good other
	cp -r "$IN/lay" lay
	other=sha1:$(printf 'a%.0s' {1..40})
	good=$(jq -c '.manifests[0] + {platform: {os: "linux", architecture: "amd64"}, size: 7}' lay/index.json)
	jq -nc --argjson good "$good" --arg other "$other" '{schemaVersion: 2, manifests: [3,
	    {mediaType: $good.mediaType, digest: $other, size: -1, platform: {os: "linux", architecture: "arm64"}},
	    {mediaType: $good.mediaType, digest: "a\tb", platform: {os: "linux", architecture: "s390x"}},
	    {mediaType: $good.mediaType, digest: $good.digest, platform: {os: "li nux", architecture: "arm64"}}, $good]}' >index
	layout_blob lay index "$OCI.index.v1+json" | jq '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "app:1"}}]}' >index.json
	mv index.json lay/index.json
	lp-layers "oci:$IN/lay:app:1" | sed "s#$IN/##" >want
	run -0 --separate-stderr lp-layers -p linux/amd64 oci:lay:app:1
	diff want <(echo "${output//$PWD\//}")
	[[ $stderr = 'lp-layers: sha256:'*' bytes, its descriptor says 7' ]]
	run -0 lp-layers --platforms -j oci:lay:app:1
	jq -se --arg other "$other" '[.[].digest] | length == 3 and .[0] == $other and .[1] == ""' <<<"$output"
	fails 1 'entry 1 of the index: its digest is not sha256' lp-layers -p linux/arm64 oci:lay:app:1
	fails 1 'entry 2 of the index: its digest is not sha256' lp-layers -p linux/s390x oci:lay:app:1
	# what has no size is asked for all the same
	mklayouts layer0
	echo '{}' >rules
	fault_start zero rules --layout layer0
	run -0 --separate-stderr lp-peek --plain-http -S store --db db -o name "$(srv_addr zero)/app:1"
	[ "$output" = file-amd64 ]
	[[ $stderr == *'layer 1: its descriptor says a size that it cannot have, which is not used' ]]
}

@test "no list of layers, or null: an image of none" {
	local config how
	printf '{"architecture":"amd64","os":"linux"}' >config
	mkdir -p lay/blobs/sha256
	echo '{"imageLayoutVersion": "1.0.0"}' >lay/oci-layout
	config=$(layout_blob lay config "$OCI.config.v1+json")
	for how in '{}' '{layers: null}' '{layers: []}'; do
		jq -nc --argjson config "$config" '{schemaVersion: 2, config: $config} + '"$how" >manifest
		layout_blob lay manifest "$OCI.manifest.v1+json" | jq '{schemaVersion: 2, manifests: [.]}' >index.json
		mv index.json lay/index.json
		run -0 --separate-stderr lp-layers -E oci:lay
		[[ $output = '#end'*'layers=0' ]]
		run -0 --separate-stderr lp-peek -q --no-cache oci:lay
		[ -z "$output$stderr" ]
	done
}

@test "a layout's blobs are checked" {
	cp -r "$IN/plain" bad
	chmod -R u+w bad
	sed -i 's/layers/lAyers/' "$(manifest_of bad)"
	fails 1 'sha256:[0-9a-f]+ is corrupted' lp-layers oci:bad
	rm "$(manifest_of bad)"
	fails 4 'is not in the layout' lp-layers oci:bad
	fails 3 'oci:/nonexistent' lp-layers oci:/nonexistent
	mkdir empty
	fails 1 'oci:empty' lp-layers oci:empty
}

# each source of an archive is the layer itself
check_sources()
{
	local source size n=0
	while read -r source size; do
		n=$((n + 1))
		range=${source##*#}
		[ "${range#*+}" = "$size" ]
		dd if="${source%#*}" bs=1M iflag=skip_bytes,count_bytes skip="${range%+*}" count="$size" of=layer 2>/dev/null
		cmp layer "$IN/l$n.tar"
	done
	[ "$n" -eq "$1" ]
}

@test "docker-archive: as skopeo and docker write it" {
	skopeo --insecure-policy copy -q "oci:$IN/plain:app:1" docker-archive:saved.tar:user/app:1
	lp-layers docker-archive:saved.tar >rows
	cut -f1,2 rows | check_sources 2
	[ "$(cut -f3 rows | sort -u)" = "$DOCKER.image.rootfs.diff.tar" ]
	[ "$(cut -f5 rows | paste -sd,)" = 'layer 1,layer 2' ]
	lp-layers docker-archive:saved.tar:docker.io/user/app:1 >got
	cmp got rows
	lp-layers "docker-archive:$PWD/saved.tar:@0" | cut -f1 | grep "^$PWD/saved.tar#"
	[ "$(lp-layers -j docker-archive:saved.tar | jq -rs '.[1].diff_id')" = "$(digest_of "$IN/l2.tar")" ]
	fails 4 'no image of that name; there are: docker.io/user/app:1' lp-layers docker-archive:saved.tar:other:1
	lp-layers --config docker-archive:saved.tar | jq -e '.rootfs.diff_ids | length == 2'
	fails 4 'neither manifest nor digest' lp-layers --digest docker-archive:saved.tar
}

@test "oci-archive: what the layout in it has, layers as parts of the file" {
	local blob
	skopeo --insecure-policy copy -q --all "oci:$IN/lay:app:1" oci-archive:saved.tar:app:1
	mkdir d
	tar -C d -xf saved.tar
	lp-layers -o source,size oci-archive:saved.tar >rows
	while read -r source size; do
		range=${source##*#}
		[ "${range#*+}" = "$size" ]
		lp-fetch -qa "$source" | sha256sum | cut -c1-64
	done <rows >got
	lp-layers -o digest oci-archive:saved.tar | cut -d: -f2 | cmp - got
	[ "$(wc -l <got)" -eq 3 ]
	for what in "-o digest,size,mediatype,created_by,diff_id -E" --manifest --config --platforms; do
		# shellcheck disable=SC2086 # options
		lp-layers $what oci-archive:saved.tar:app:1 >got
		# shellcheck disable=SC2086 # options
		lp-layers $what oci:d:app:1 | cmp - got
		[ -s got ]
	done
	digest=$(lp-layers --digest oci-archive:saved.tar)
	lp-layers "oci-archive:saved.tar@$digest" >got
	lp-layers oci-archive:saved.tar | cmp - got
	lp-peek -qc oci:d:app:1 >want
	run -0 --separate-stderr lp-peek --no-cache -cE oci-archive:saved.tar
	[[ "$output" == *complete=yes* && "$stderr" == '' ]]
	[ "${output%%#end*}" = "$(cat want)"$'\n' ]
	[ "$(lp-peek --no-cache --cat=tree1/file1 oci-archive:saved.tar)" = 1 ]
	fails 4 'no image of that name; there are: app:1' lp-layers oci-archive:saved.tar:other
	gzip -k saved.tar
	fails 1 'compressed.*inflate it first' lp-layers oci-archive:saved.tar.gz
	# damaged, or not there
	blob=d/blobs/sha256/$(lp-layers -o digest oci-archive:saved.tar | sed -n '2s/sha256://p')
	printf x | dd of="$blob" bs=1 seek=600 conv=notrunc status=none
	tar -C d -cf damaged.tar .
	run -1 --separate-stderr lp-peek --no-cache -cE oci-archive:damaged.tar
	[[ "$output" == *complete=no*reason=* ]]
	rm "$blob"
	tar -C d -cf lacking.tar .
	fails 4 "the layer sha256:${blob##*/} is not in the archive" lp-layers oci-archive:lacking.tar
	echo >>"d/blobs/sha256/${digest#*:}"
	tar -C d -cf wrong.tar .
	fails 1 "$digest is corrupted" lp-layers oci-archive:wrong.tar
	rm d/index.json
	tar -C d -cf none.tar .
	fails 4 'no index.json' lp-layers oci-archive:none.tar
}

@test "docker-archive: of the OCI form, compressed layers included" {
	local config
	config=$(jq -r '.config.digest[7:]' "$(manifest_of "$IN/lay")")
	cp -r "$IN/lay/." oci-form
	jq -n --arg c "blobs/sha256/$config" --argjson l "$(jq -c '[.layers[].digest | "blobs/sha256/" + .[7:]]' \
	    "$(manifest_of "$IN/lay")")" '[{Config: $c, RepoTags: ["app:1"], Layers: $l}]' >oci-form/manifest.json
	tar -C oci-form -cf saved.tar .
	lp-layers docker-archive:saved.tar:app:1 >rows
	[ "$(cut -f3 rows | paste -sd' ')" = "$DOCKER.image.rootfs.diff.tar.gzip $DOCKER.image.rootfs.diff.tar $OCI.layer.v1.tar+zstd" ]
	range=$(sed -n '3s/.*#\([0-9]*\)+\([0-9]*\)\t.*/\1 \2/p' rows)
	dd if=saved.tar bs=1M iflag=skip_bytes,count_bytes skip="${range% *}" count="${range#* }" of=layer 2>/dev/null
	cmp layer "$IN/l3.tar.zst"
	# a config that is not what it is called by
	chmod u+w "oci-form/blobs/sha256/$config"
	echo >>"oci-form/blobs/sha256/$config"
	tar -C oci-form -cf saved.tar .
	fails 1 "the config's digest is sha256:" lp-layers docker-archive:saved.tar
}

@test "docker-archive: the old form, with a chain of parents and links" {
	mkdir -p old/aaa old/bbb old/ccc
	cp "$IN/l1.tar" old/aaa/layer.tar
	cp "$IN/l2.tar" old/bbb/layer.tar
	ln -s ../aaa/layer.tar old/ccc/layer.tar
	echo '{"id":"aaa","container_config":{"Cmd":["/bin/sh","-c","base"]}}' >old/aaa/json
	echo '{"id":"bbb","parent":"aaa"}' >old/bbb/json
	echo '{"id":"ccc","parent":"bbb","container_config":{"Cmd":["top"]}}' >old/ccc/json
	echo '{"localhost:5000/app":{"1":"bbb","2":"ccc"}}' >old/repositories
	tar -C old -cf saved.tar aaa bbb ccc repositories
	lp-layers docker-archive:saved.tar:localhost:5000/app:1 >rows
	cut -f1,2 rows | check_sources 2
	[ "$(cut -f5 rows | head -1)" = '/bin/sh -c base' ]
	lp-layers docker-archive:saved.tar:localhost:5000/app:2 >rows
	[ "$(wc -l <rows)" -eq 3 ]
	[ "$(sed -n 1p rows | cut -f1)" = "$(sed -n 3p rows | cut -f1)" ]
	fails 4 'so it takes a name; there are: localhost:5000/app:1, localhost:5000/app:2' lp-layers docker-archive:saved.tar
	echo '{"id":"aaa","parent":"ccc"}' >old/aaa/json
	tar -C old -cf ring.tar aaa bbb ccc repositories
	fails 1 'or a ring of them' lp-layers docker-archive:ring.tar:localhost:5000/app:1
}

@test "docker-archive: what is none" {
	skopeo --insecure-policy copy -q "oci:$IN/plain:app:1" docker-archive:saved.tar:user/app:1
	gzip -nk saved.tar
	fails 1 'compressed.*inflate it first' lp-layers docker-archive:saved.tar.gz
	fails 1 'neither manifest.json nor repositories' lp-layers "docker-archive:$IN/l1.tar"
	fails 3 'not a regular file' lp-layers docker-archive:/dev/null
	fails 3 'No such file' lp-layers docker-archive:nosuch
	head -c 6000 saved.tar >cut.tar
	fails 1 'ends in the middle' lp-layers docker-archive:cut.tar
	echo '<html>' >page
	run lp-layers docker-archive:page
	[ "$status" -eq 1 ]
	echo '[{"Config":"c.json","RepoTags":[],"Layers":["x/layer.tar"]}]' >manifest.json
	tar -cf nolayer.tar manifest.json
	fails 1 'layer 0, x/layer.tar, is not in the archive' lp-layers docker-archive:nolayer.tar
}

# ---- the store -------------------------------------------------------------------------------

@test "what was recorded replays offline, and opens no socket" {
	lp-layers -S store "$REG/multi:1" >live
	lp-layers -S store -p linux/arm64 "$REG/multi:1" >live64
	# LeakSanitizer, in builds that have it, cannot run under another tracer
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=socket,connect lp-layers -O -S store "$REG/multi:1" >replay
	cmp live replay
	run ! grep -E 'socket\(|connect\(' trace
	LP_STORE=$PWD/store LP_OFFLINE=1 lp-layers -p linux/arm64 "$REG/multi:1" >replay
	cmp live64 replay
	[ "$(lp-layers -O -S store --digest "$REG/multi:1")" = "$(digest_of "$IN/index.json")" ]
	# the config of an image that was not recorded
	fails 4 'not in the store, and this is offline' lp-layers -O -S store -p linux/arm/v6 "$REG/multi:1"
	fails 4 'no image of that name; there are: ' lp-layers -O -S store "$REG/app:7"
	fails 2 'offline without a store' lp-layers -O "$REG/app:1"
	fails 3 'nosuchstore: .*No such file' lp-layers -O -S nosuchstore "$REG/app:1"
}

@test "skopeo reads a completed store, and a layout of skopeo's is a store" {
	local f
	lp-layers -S store "$REG/app:1" >live
	for f in l1.tar.gz raw.tar l3.tar.zst; do
		cp "$IN/$f" "store/blobs/sha256/$(sha256sum <"$IN/$f" | cut -c1-64)"
	done
	skopeo --insecure-policy copy -q --preserve-digests "oci:store:$REG/app:1" oci:copy:app:1
	cmp "$(manifest_of copy)" "$(manifest_of "$IN/lay")"
	skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false "docker://$REG/app:1" oci:theirs:1
	run --separate-stderr lp-layers -O -S theirs "$REG/app:1"
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat live)" ]
	[[ $stderr == *'the store calls it 1, which names no repository'* ]]
	# a short name, as builders write it and as it is asked for
	run -0 --separate-stderr lp-layers -O -S "$IN/lay" app:1
	[ "$(cut -d@ -f2 <<<"$output")" = "$(cut -d@ -f2 live)" ]
	[[ $stderr == *'the store calls it app:1, which names no registry' ]]
	fails 4 'no image of that name; there are: app:1' lp-layers -O -S "$IN/lay" team/app:2
	# whatever is asked, and whoever's name has that tag
	for what in --digest --platforms --index --manifest --config; do
		run -0 --separate-stderr lp-layers -O -S theirs "$what" localhost:1/quite/another:1
		[ -n "$output" ]
		[[ $stderr == *'the store calls it 1, which names no repository'* ]]
	done
}

@test "a tag that moved is asked for again; one that stayed costs a HEAD" {
	registry_push "$IN/plain:app:1" reg moving:1
	lp-layers -S store "$REG/moving:1" >first
	lp-layers -S store --plain-http --stats stats "$REG/moving:1" >again
	cmp first again
	[ "$(jq .requests stats)" -eq 1 ]
	[ "$(jq .bytes_downloaded stats)" -eq 0 ]
	registry_push "$IN/lay:app:1" reg moving:1
	lp-layers -S store "$REG/moving:1" >moved
	[ "$(wc -l <moved)" -eq 3 ]
	lp-layers -O -S store "$REG/moving:1" >replay
	cmp moved replay
	[ "$(jq '.manifests | length' store/index.json)" -eq 1 ]
}

@test "a HEAD that fails, however, is followed by a GET" {
	local status
	# what a HEAD is answered with, and whether it is asked once more
	for status in 400 401 403 404 405 500 501; do
		echo "{\"HEAD /v2/app/manifests/1\": {\"status\": $status}}" >rules.json
		fault_start "s$status" rules.json --layout "$IN/lay"
		set -- lp-layers --plain-http --retries=0 -S "st$status" "$(srv_addr "s$status")/app:1"
		"$@" >first
		[ "$(wc -l <first)" -eq 3 ]
		"$@" --stats "stats$status" >again
		cmp first again
		"$@" --digest >digest
		[ "$(cat digest)" = "$(digest_of "$(manifest_of "$IN/lay")")" ]
		[ "$(srv_requests "s$status" '.method == "HEAD"' | wc -l)" -eq 2 ]
		[ "$(srv_requests "s$status" '.method == "GET" and (.path | endswith("/manifests/1"))' | wc -l)" -eq 3 ]
	done
	# what both are answered with is said once
	echo '{"/v2/app/manifests/1": {"status": 404}}' >rules.json
	fault_start none rules.json --layout "$IN/lay"
	run -3 --separate-stderr lp-layers --plain-http --digest "$(srv_addr none)/app:1"
	[[ $stderr = 'lp-layers: '*'404, not found' ]]
}

@test "a corrupted document in the store is fetched again, and exit 1 offline" {
	local f
	lp-layers -S store "$REG/app:1" >live
	f=store/blobs/sha256/$(sha256sum <"$(manifest_of "$IN/lay")" | cut -c1-64)
	chmod u+w "$f"
	printf x | dd of="$f" conv=notrunc bs=1 seek=10 2>/dev/null
	cp -r store bad
	fails 1 'is corrupted' lp-layers -O -S bad "$REG/app:1"
	lp-layers -S store "$REG/app:1" >again
	cmp live again
	lp-layers -O -S store "$REG/app:1" >again
	cmp live again
}

# ---- the sources are sources ------------------------------------------------------------------------

# each row's blob, fetched whole and inflated, is the tar that was put in
fetch_each()
{
	local source n=0
	while IFS=$'\t' read -r source _; do
		n=$((n + 1))
		run -0 bash -c 'set -o pipefail; lp-fetch -a "${@:3}" "$1" | lp-inflate >"$2"' - "$source" "out$n" "${@:2}"
	done <"$1"
	[ "$n" -eq 3 ]
	cmp out1 "$IN/l1.tar"
	cmp out2 "$IN/raw.tar"
	cmp out3 "$IN/l3.tar"
}

@test "lp-fetch takes each source: of a registry, a layout, a store" {
	lp-layers "$REG/app:1" >rows
	fetch_each rows
	lp-layers "oci:$IN/lay" >rows
	fetch_each rows
	lp-layers -S store "$REG/app:1" >rows
	fetch_each rows -S store
	rm -f out*
	lp-layers -O -S store "$REG/app:1" >again
	cmp rows again
	fetch_each again -O -S store
	# whole now: skopeo reads what was recorded
	skopeo --insecure-policy copy -q --preserve-digests "oci:store:$REG/app:1" oci:copy:app:1
	cmp "$(manifest_of copy)" "$(manifest_of "$IN/lay")"
}

@test "lp-fetch takes each source: of a saved image" {
	skopeo --insecure-policy copy -q "oci:$IN/plain:app:1" docker-archive:saved.tar:user/app:1
	lp-layers docker-archive:saved.tar | cut -f1 >sources
	[ "$(wc -l <sources)" -eq 2 ]
	lp-fetch -a "$(sed -n 1p sources)" >got
	cmp got "$IN/l1.tar"
	lp-fetch -a "$(sed -n 2p sources)" | lp-inflate | lp-tarls >got
	lp-tarls <"$IN/l2.tar" >want
	cmp got want
}

# ---- servers that are wrong -----------------------------------------------------------------------

@test "manifests that are wrong: each with its message and exit code" {
	local body d
	body=$(jq -c . "$(manifest_of "$IN/plain")")
	d=$(printf %s "$body" | sha256sum | cut -c1-64)
	jq -n --arg body "$body" --arg d "sha256:$d" '{
	    "/v2/x/manifests/good": {text: $body, headers: {"Docker-Content-Digest": $d}},
	    "/v2/x/manifests/unsaid": {text: $body},
	    "/v2/x/manifests/lie": {text: $body, headers: {"Docker-Content-Digest": ("sha256:" + "0" * 64)}},
	    "/v2/x/manifests/huge": {zeros: 5242880},
	    "/v2/x/manifests/unended": {zeros: 5242880, chunked: true},
	    "/v2/x/manifests/deep": {deep: 100000},
	    "/v2/x/manifests/cut": {text: ($body[:-20])},
	    "/v2/x/manifests/page": {text: "<html>welcome</html>"},
	    "/v2/x/manifests/empty": {text: ""},
	    "/v2/x/manifests/both": {text: ($body[:-1] + ",\"manifests\":[]}")},
	    "/v2/x/manifests/gone": {status: 404, text: "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no\\u001b[31m\"}]}"},
	    "/v2/x/manifests/broken": {status: 500},
	    "/v2/x/manifests/short": {text: $body, short: 10},
	    "/v2/x/blobs/*": {text: "not the config"}
	}' >rules.json
	d=$(printf '0%.0s' {1..64})
	jq --arg d "sha256:$d" --arg body "$body" '. + {("/v2/x/manifests/" + $d): {text: $body}}' rules.json >rules2.json
	fault_start fault rules2.json
	local f
	f=$(srv_addr fault)/x
	[ "$(lp-layers --manifest "$f:good")" = "$body" ]
	[ "$(lp-layers --manifest "$f:unsaid")" = "$body" ]
	fails 1 "its digest is sha256:[0-9a-f]+, not sha256:0000" lp-layers "$f:lie"
	fails 1 "its digest is sha256:[0-9a-f]+, not sha256:0000" lp-layers "$f@sha256:$d"
	fails 1 'a manifest of more than 4 MiB' lp-layers "$f:huge"
	fails 1 'a manifest of more than 4 MiB' lp-layers "$f:unended"
	fails 1 'byte 64: JSON is nested too deeply' lp-layers "$f:deep"
	fails 1 'not valid JSON' lp-layers "$f:cut"
	fails 1 'byte 0: not valid JSON|not valid JSON' lp-layers "$f:page"
	fails 1 'not valid JSON' lp-layers "$f:empty"
	fails 1 'an index and a manifest in one' lp-layers "$f:both"
	fails 3 '404, not found .MANIFEST_UNKNOWN: no\\x1b\[31m.' lp-layers "$f:gone"
	fails 3 'HTTP status 500|500' lp-layers --retries 0 "$f:broken"
	fails 3 '' lp-layers --retries 0 "$f:short"
	fails 1 'the config: its digest is sha256:' lp-layers "$f:good"
}

@test "a signed URL that expired is renewed once" {
	cdn_start cdn
	signer_start renewed reg cdn --expired 1
	lp-layers "$(srv_addr renewed)/app:1" >rows
	[ "$(wc -l <rows)" -eq 3 ]
	[ "$(srv_requests renewed '.path | contains("/blobs/")' | wc -l)" -eq 2 ]
	signer_start never reg cdn --expired 100
	fails 3 '403, access is refused' lp-layers --retries 0 "$(srv_addr never)/app:1"
	[ "$(srv_requests never '.path | contains("/blobs/")' | wc -l)" -eq 2 ]
}

@test "a registry that is not there" {
	fails 3 'connect' lp-layers --retries 0 localhost:1/x
}

# ---- the command line ------------------------------------------------------------------------------

@test "words that make no sense: exit 2, and where" {
	fails 2 'no image' lp-layers
	fails 2 'more than one image' lp-layers a b
	fails 2 'Alpine: character 1: a repository.s name is lower case' lp-layers Alpine
	fails 2 'a/b:-x: character 5: not a character of a tag' lp-layers a/b:-x
	fails 2 'no column of the name .nope.' lp-layers -o size,nope a
	fails 2 'not a platform' lp-layers -p linux/ a
	fails 2 'only one of' lp-layers --digest --config a
	fails 2 'without a colon' lp-layers --user a:b x
	fails 2 'password of a --user' lp-layers --password-file f x
	fails 2 '' lp-layers --nope x
	fails 2 'not with -j' lp-layers -j -o size a
	fails 2 'not with -j' lp-layers -j -H a
	for what in --tags --digest --index --manifest --config; do
		fails 2 'about rows' lp-layers $what -H 127.0.0.1:1/a
	done
	for what in --index --manifest --config; do
		fails 2 'about rows' lp-layers $what -j 127.0.0.1:1/a
	done
	fails 2 'about rows' lp-layers --manifest -E a
	fails 2 'about rows' lp-layers --tags -o size a
	fails 2 'about rows' lp-layers --platforms -E a
	for there in containers-storage:a ostree:a docker-daemon:a:1; do
		fails 2 "$there: .* through a pipe: " lp-layers "$there"
	done
	# a host may be called so, too
	for host in dir sif ostree; do
		fails 3 '^lp-layers: none: the store cannot be opened' lp-layers -O -S none "$host:5000/app:1"
	done
}

@test "what is not there, or something else, is said so that it can be mended" {
	fails 3 '^lp-layers: oci:none:x: none: No such file or directory$' lp-layers oci:none:x
	fails 3 'none: No such file or directory$' lp-fetch "oci:none@$(digest_of "$IN/l2.tar")"
	tar -cf layout.tar -C "$IN/lay" .
	fails 1 'an OCI layout in a tar.*oci-archive:FILE' lp-layers docker-archive:layout.tar
	fails 3 '^lp-layers: [^ ]*: http://[^ ]*/tags/list: 404, not found' lp-layers --tags "$REG/none"
	fails 3 '^lp-layers: --cacert names no file: ' lp-layers --cacert= "$REG/app:1"
	fails 3 '^lp-layers: ca.pem: the certificate authorities cannot be read: No such' lp-layers --cacert ca.pem "$REG/app:1"
	http_proxy=http://127.0.0.1:1 fails 3 'the proxy that the environment names' \
		lp-layers --retries 0 --plain-http registry.invalid/app:1
	# a proxy's host and port alone tell it from the registry's
	run --separate-stderr lp-layers --retries 0 --plain-http 127.0.0.1:1/x
	[[ $stderr != *proxy* ]]
	fails 3 'it may speak plain http' lp-fetch --retries 0 "https://$REG/x"
	run --separate-stderr lp-fetch "http://$REG/none"
	[ "$stderr" = "lp-fetch: http://$REG/none: HTTP 404" ]
}

@test "a full disk is noticed, a reader that leaves is not an error" {
	run bash -c "lp-layers oci:$IN/lay >/dev/full"
	[ "$status" -eq 3 ]
	run bash -c "set -o pipefail; lp-layers oci:$IN/lay | true"
	[ "$status" -eq 0 ]
}

@test "statistics" {
	LP_STATS=stats lp-layers "$REG/app:1" >rows
	jq -e --arg d "$(digest_of "$(manifest_of "$IN/lay")")" '.tool == "lp-layers" and .digest == $d
	    and .entries_found == 3 and .requests == 3 and .bytes_downloaded > 500 and (has("error") | not)' stats
}
