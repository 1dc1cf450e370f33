#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # bats runs each test in a subshell
# lp-peek and what a layer says about itself: complete listings and single
# files out of tables of contents, tables that lie, and paths that are looked
# for no further than they have to be.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	export D=$BATS_FILE_TMPDIR
	registry_start reg
	cd "$D" || return
	noisetar big.tar "${LP_TEST_MIB:-40}"
	layout_make plain v1 big.tar
	skopeo --insecure-policy copy --quiet --dest-tls-verify=false --dest-compress-format zstd:chunked \
		oci:plain:v1 "docker://$(srv_addr reg)/zstd:1"
	estargz --chunk 1048576 big.tar big.estargz >annotation
	layout_make es v1 big.estargz
	annotate es "$(jq -Rn 'input | capture("(?<k>[^=]*)=(?<v>.*)") | {(.k): .v}' annotation)"
	registry_push es:v1 reg estargz:1
	gzip -1 <big.tar >big.gz
	layout_make gz v1 big.gz
	registry_push gz:v1 reg gzip:1
	lp-tarls big.tar | lp-merge -q 1=/dev/stdin >want
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
}

# annotate LAYOUT JSON: of its only layer, instead of what it has
annotate() {
	local m
	m=$1/blobs/$(jq -r '.manifests[0].digest' "$1/index.json" | tr : /)
	jq -c --argjson a "$2" '.layers[0].annotations = $a' "$m" >"$1/manifest"
	jq -c --argjson d "$(layout_blob "$1" "$1/manifest" application/vnd.oci.image.manifest.v1+json)" \
		'.manifests[0] |= . + $d' "$1/index.json" >"$1/index"
	mv "$1/index" "$1/index.json"
	rm "$1/manifest"
}

# Where an image's table of contents is, and its bytes as it lies in the layer.
toc_range() { # IMAGE
	local source size notes
	IFS=$'\t' read -r source size notes < <(lp-layers -o source,size,annotations "$1")
	lp-fetch -r "$((size - 72))-$((size - 1))" "$source" |
		lp-toc --locate --size "$size" --annotations "$notes" | cut -f1
}

toc_size() { # IMAGE
	local range
	range=$(toc_range "$1")
	echo $((${range#*-} - ${range%-*} + 1))
}

# What is said of a table of contents that an image names which is not named by digest itself.
claimed_by() { # ORIGIN
	echo "lp-peek: 1 layer is complete by what $1 claims: no digest was compared"
}

# ---- what it costs ---------------------------------------------------------------

@test "-c of an indexed layer downloads its table of contents and 4 KiB, by both counts" {
	for kind in zstd estargz; do
		image=$(srv_addr reg)/$kind:1
		toc=$(toc_size "$image")
		before=$(registry_served reg)
		LP_STATS=stats.$kind lp-peek -c "$image" >got 2>err
		cmp "$D/want" got
		claimed_by "$(srv_addr reg)/$kind" | cmp err -
		[ "$(downloaded stats.$kind)" -le $((toc + 4096)) ]
		[ "$(downloaded stats.$kind)" -ge "$toc" ]
		[ "$(($(registry_served reg) - before))" -le $((toc + 4096)) ]
		lp-peek -cj --no-cache "$image" >doc
		jq -e --argjson most $((toc + 4096)) '.complete and .total_bytes_downloaded <= $most
			and .total_bytes_downloaded * 50 < .layers[0].size' doc
		jq -e --argjson n "$(wc -l <got)" '.total_entries == $n' doc
	done
}

@test "--diff: the table of contents that one image names by digest is no more than the other one's claim" {
	local digest a b
	registry_push "$D/es:v1" reg other:1
	digest=$(jq -r '.manifests[0].digest' "$D/es/index.json")
	a=$(srv_addr reg)/estargz b=$(srv_addr reg)/other
	run -0 lp-peek -c "$a@$digest"
	cmp "$D/want" <(printf '%s\n' "$output")
	run -0 lp-peek -c --diff="$b:1" "$a@$digest"
	[ "$output" = "$(claimed_by "$b")" ]
	run -0 lp-peek -c --diff="$a@$digest" "$b:1"
	[ "$output" = "$(claimed_by "$b")" ]
	run -0 lp-peek -c --diff="$a:1" "$b:1"
	[ "$output" = "$(claimed_by "$b"; claimed_by "$a")" ]
}

@test "an annotation is enough: without -c the listing is complete too" {
	LP_STATS=stats lp-peek "$(srv_addr reg)/zstd:1" >got 2>err
	cmp "$D/want" got
	claimed_by "$(srv_addr reg)/zstd" | cmp err -
	[ "$(jq -s 'map(select(.tool == "lp-fetch")) | length' stats)" -eq 1 ]
}

@test "--cat of a 1 KiB file: less than 100 KiB beyond the table of contents" {
	lp-cat -f "$D/big.tar" small >want.small
	for kind in zstd estargz; do
		image=$(srv_addr reg)/$kind:1
		rm -rf cache
		toc=$(toc_size "$image")
		before=$(registry_served reg)
		LP_STATS=cat.$kind lp-peek -q --cat=small "$image" >got
		cmp want.small got
		[ "$(downloaded cat.$kind)" -le $((toc + 102400)) ]
		[ "$(($(registry_served reg) - before))" -le $((toc + 102400)) ]
		# the table is in the store, the listing in the database: what is left is the file
		LP_STATS=again.$kind lp-peek -q --cat=data/05/file-00005 "$image" >got
		lp-cat -f "$D/big.tar" data/05/file-00005 | cmp - got
		[ "$(downloaded again.$kind)" -le 102400 ]
		# and what was read once is there
		LP_STATS=none.$kind lp-peek -q --offline --cat=small "$image" | cmp want.small -
		[ "$(downloaded none.$kind)" -eq 0 ]
	done
}

# bats test_tags=native
@test "--cat of an early file in a plain gzip layer: less than 1 MiB" {
	image=$(srv_addr reg)/gzip:1
	lp-cat -f "$D/big.tar" data/05/file-00005 >want
	# on a busy machine whoever has found it may be late to say so: the least of three
	for _ in 1 2 3; do
		rm -rf cache stats
		before=$(registry_served reg)
		LP_STATS=stats lp-peek -q --cat=data/05/file-00005 "$image" >got
		[ "$(downloaded stats)" -ge 1048576 ] || break
	done
	[ "$(downloaded stats)" -lt 1048576 ]
	[ "$(downloaded stats)" -gt 1024 ]
	# what the kernel's socket buffers took before the connection was closed
	[ "$(($(registry_served reg) - before))" -lt 8388608 ]
	cmp want got
}

# ---- tables that lie -------------------------------------------------------------

# falls_back LAYOUT: the listing is the layer's own, and it was said why
falls_back() {
	run -0 --separate-stderr lp-peek -c --no-cache "oci:$1:v1"
	lp-inflate -q "$1".layer | lp-tarls -q | lp-merge -q 1=/dev/stdin >stream
	printf '%s\n' "$output" | cmp stream -
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr == *'layer 1: '* ]]
	[[ $stderr == *'reading the layer itself'* ]]
	lp-peek -q --no-cache --cat=etc/passwd "oci:$1:v1" | cmp passwd -
}

# The annotations of the samples in fixtures/indexed.
notes() {
	jq -c '.layers[0].annotations // .annotations // .' "$FIX/$1.manifest.json"
}

samples() {
	lp-tarls "$FIX/layer.tar" | lp-merge -q 1=/dev/stdin >sample
	lp-cat -f "$FIX/layer.tar" etc/passwd >passwd
	cp "$FIX/layer.zchunked" z.layer
	cp "$FIX/layer.estargz" e.layer
	layout_make z v1 z.layer
	layout_make e v1 e.layer
	annotate z "$(notes zchunked)"
	annotate e "$(notes estargz)"
	# JSON has no byte that is not UTF-8: the table of contents cannot say it, the layer does
	sed 's/\\xe9/\xef\xbf\xbd/g' sample >json-sample
}

@test "samples as they are: by their tables, with nothing to say but whose they are" {
	samples
	for layout in z e; do
		run -0 --separate-stderr lp-peek -c --no-cache "oci:$layout:v1"
		[ "$stderr" = "$(claimed_by "oci:$(pwd -P)/$layout")" ]
		printf '%s\n' "$output" | cmp json-sample -
	done
}

@test "annotations that lie, each field: the layer itself is read, and that is said" {
	samples
	place=io.github.containers.zstd-chunked.manifest-position
	sum=io.github.containers.zstd-chunked.manifest-checksum
	notes zchunked | grep "$place" || {
		place=io.containers.zstd-chunked.manifest-position
		sum=io.containers.zstd-chunked.manifest-checksum
	}
	good=$(notes zchunked | jq -r --arg k $place '.[$k]')
	IFS=: read -r offset length raw kind <<<"$good"
	for lie in "$((offset + 1)):$length:$raw:$kind" "$((offset - 1)):$length:$raw:$kind" \
		"$offset:$((length - 1)):$raw:$kind" "0:$length:$raw:$kind" "$offset:9999999:$raw:$kind" \
		"99999999:$length:$raw:$kind" "$offset:$length:$raw:9" nonsense; do
		annotate z "$(notes zchunked | jq -c --arg k $place --arg v "$lie" '.[$k] = $v')"
		falls_back z
	done
	annotate z "$(notes zchunked | jq -c --arg k $sum '.[$k] = "sha256:" + ("0" * 64)')"
	falls_back z
	annotate e "$(notes estargz | jq -c '.["containerd.io/snapshot/stargz/toc.digest"] = "sha256:" + ("0" * 64)')"
	falls_back e
}

@test "a damaged footer, no annotation that helps: the layer itself is read" {
	samples
	cut=$(stat -c %s "$FIX/layer.estargz")
	for at in 30 45; do
		cp "$FIX/layer.estargz" damaged
		printf Z | dd of=damaged bs=1 seek=$((cut - at)) conv=notrunc status=none
		rm -rf d
		layout_make d v1 damaged
		run -0 --separate-stderr lp-peek -c --no-cache oci:d:v1
		lp-inflate -q damaged | lp-tarls -q | lp-merge -q 1=/dev/stdin >stream
		printf '%s\n' "$output" | cmp stream -
	done
}

@test "a table that is cut off, with no digest to betray it: the layer itself is read" {
	estargz --edit 'toc["entries"] = toc["entries"][:-1] + [{"name": "x", "type": "no such type"}]' \
		"$FIX/layer.tar" b.layer >/dev/null
	samples
	layout_make b v1 b.layer
	falls_back b
}

@test "a table that nothing vouches for is used, and that is said" {
	samples
	annotate e '{}'
	run -0 --separate-stderr lp-peek -c --no-cache oci:e:v1
	[[ $stderr == *'layer 1: listed by a table of contents that no digest vouches for'* ]]
	printf '%s\n' "$output" | cmp json-sample -
}

@test "one layer of two has a table that lies, in a registry: both are previewed" {
	samples
	cp "$FIX/layer.zchunked" z.layer
	layout_make two v1 z.layer "$D/big.gz"
	annotate two "$(notes zchunked | jq -c 'with_entries(.value |= sub("^sha256:...."; "sha256:0000"))')"
	registry_push two:v1 reg two:1
	run -0 --separate-stderr timeout 60 lp-peek -n 1M "$(srv_addr reg)/two:1"
	[[ $stderr == *'layer 1: '*'reading the layer itself'* ]]
	[[ $output == *etc/passwd* ]]
	[[ $output == *data/00/file-00000* ]]
}

# ---- only as far as needed -----------------------------------------------------------

# three layers over each other, in the registry: IMAGE
stack() {
	mkdir -p a/etc a/opt b/opt c
	echo base >a/etc/name
	echo hidden >a/opt/old
	echo middle >b/opt/new
	: >b/opt/.wh.old
	echo top >c/top
	ln -s etc/name c/link
	for l in a b c; do
		# what comes behind is noise: nobody should want it
		head -c 6000000 /dev/urandom >"$l/zz"
		tar --sort=name -C "$l" -cf - . | gzip -1 >"$l.tar.gz"
	done
	layout_make stack v1 a.tar.gz b.tar.gz c.tar.gz
	registry_push stack:v1 reg "stack/${BATS_TEST_NUMBER}:1"
	IMAGE=$(srv_addr reg)/stack/${BATS_TEST_NUMBER}:1
}

# asked NAME: how many requests for this layer's blob the registry has had
asked() {
	grep -cF "\"GET /v2/stack/${BATS_TEST_NUMBER}/blobs/sha256:$(sha256sum <"$1.tar.gz" | cut -d' ' -f1)" \
		<(cat "$LP_SRV/reg/stdout" "$LP_SRV/reg/stderr") || :
}

# the registry logs a request when its answer has ended
settled() {
	# shellcheck disable=SC2317 # run by wait_for
	top_was_asked() {
		[ "$(asked c)" -gt 0 ]
	}
	wait_for top_was_asked
	sleep 0.2
}

# bats test_tags=native
@test "a path in the top layer: the layers below are not asked for a byte" {
	stack
	[ "$(LP_STATS=stats lp-peek -q --cat=top "$IMAGE")" = top ]
	settled
	[ "$(asked a)" -eq 0 ]
	[ "$(asked b)" -eq 0 ]
	[ "$(downloaded stats)" -lt 1000000 ]
}

@test "a whiteout ends the search above the layer that has the file" {
	stack
	run -4 lp-peek -q --cat=opt/old "$IMAGE"
	[[ $output == *'no such path'* ]]
	settled
	[ "$(asked b)" -gt 0 ]
	[ "$(asked a)" -eq 0 ]
}

# bats test_tags=native
@test "a link of the top layer leads to the bottom one, which is read as far as the file" {
	stack
	LP_STATS=stats lp-peek -q --cat=link "$IMAGE" >got
	[ "$(cat got)" = base ]
	# to the end of the two above, for they might have had it; and of the base a part
	[ "$(downloaded stats)" -lt 14000000 ]
	[ "$(jq -s 'map(select(.tool == "lp-fetch") | .bytes_downloaded) | max' stats)" -gt 5900000 ]
}

@test "--diff compares content by the digests of tables of contents" {
	local word
	mkdir t
	echo same >t/same
	for word in one two; do
		echo $word >t/file
		touch -d @1000 t t/file t/same
		tar -C t -cf $word.tar .
		estargz $word.tar $word.blob >annotation
		layout_make $word v1 $word.blob
		annotate $word "$(jq -Rn 'input | capture("(?<k>[^=]*)=(?<v>.*)") | {(.k): .v}' annotation)"
		registry_push $word:v1 reg diff:$word
	done
	run -0 --separate-stderr lp-peek --no-cache -o name --diff "$(srv_addr reg)/diff:one" "$(srv_addr reg)/diff:two"
	echo "$output"
	[ "$output" = $'M\tcontent\tfile' ]
	[[ $stderr != *'not compared'* ]]
	# the rows have them, and what is merged of them
	lp-toc -q -o digest,name <(lp-fetch -r "$(toc_range "$(srv_addr reg)/diff:one")" "$(lp-layers -o source "$(srv_addr reg)/diff:one")") >rows
	grep -qxE "sha256:$(echo one | sha256sum | cut -d ' ' -f 1)	(\./)?file" rows
	lp-merge -q -o digest,name <(sed '1i digest\tname' rows) | grep -qx "sha256:$(echo one | sha256sum | cut -d ' ' -f 1)	file"
}
