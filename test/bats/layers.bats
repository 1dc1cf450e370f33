#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016,SC2030,SC2031 # bats sets stderr, and output in each test; programs of jq
# Layers as builders write them, and runtimes take them: without an end
# marker, of no bytes, with files that are hard links into a layer below; and
# those that runtimes do not take.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	registry_start reg
	cd "$BATS_FILE_TMPDIR" || return
	recipe "header name=a size=3" "data one" "header name=b size=5" "data other" | gzip -n >unmarked.gz
	recipe "header name=a size=3" "data one" "header name=b size=5" "data other" "cut 500" | gzip -n >unpadded.gz
	recipe "header name=low size=3" "data low" "header name=old size=3" "data old" end | gzip -n >low.gz
	: >zero.tar
	: | gzip -n >zero.gz
	: | zstd -q >zero.zst
	layout_make unmarked v1 low.gz unmarked.gz
	layout_make unpadded v1 low.gz unpadded.gz
	layout_make zero v1 low.gz zero.tar
	layout_make zerogz v1 low.gz zero.gz
	layout_make zerozst v1 low.gz zero.zst
	for name in unmarked unpadded zero zerogz zerozst; do
		registry_push $name:v1 reg odd/$name:v1
	done
	recipe "header name=a size=3" "data one" | gzip -n | head -c -8 >untrailed.gz
	recipe "header name=a size=3" "data one" "header name=b size=700" "data x" "cut 512" | gzip -n >short.gz
	layout_make untrailed v1 low.gz untrailed.gz
	layout_make short v1 low.gz short.gz
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
	L=$BATS_FILE_TMPDIR
}

recipe() {
	printf '%s\n' "$@" | mktar
}

# lists IMAGE NAMES: all of them, both to the end and of heads that are the whole layers, and without a word
lists() {
	local how
	for how in -cE -E; do
		run -0 --separate-stderr lp-peek "$how" -o name "$1"
		[ "${output%%#end*}" = "$2" ]
		[[ "$output" == *complete=@(yes|inferred)* ]]
		[ "$stderr" = '' ]
	done
}

@test "no end marker: the whole of it is complete, cached, and its files and those below are found" {
	for name in unmarked unpadded; do
		for image in "oci:$L/$name:v1" "$(srv_addr reg)/odd/$name:v1"; do
			lists "$image" $'a\nb\nlow\nold\n'
			run -0 lp-peek --cat=low "$image"
			[ "$output" = low ]
			run -0 lp-peek --no-cache --cat=b "$image"
			[ "$output" = other ]
			run -0 lp-peek --no-cache --cat=low "$image"
			[ "$output" = low ]
			run -4 --separate-stderr lp-peek --no-cache --cat=none "$image"
			[ "$stderr" = "lp-peek: none: no such path in $image" ]
		done
	done
	run -0 lp-cache search b
	[[ "$output" == *b* ]]
}

@test "a layer of no bytes, plain, gzip or zstd: an empty layer" {
	for name in zero zerogz zerozst; do
		for image in "oci:$L/$name:v1" "$(srv_addr reg)/odd/$name:v1"; do
			lists "$image" $'low\nold\n'
			run -0 lp-peek --no-cache --cat=low "$image"
			[ "$output" = low ]
			run -0 --separate-stderr lp-peek --no-cache -c --layers -H "$image"
			[ "$stderr" = '' ]
		done
	done
}

@test "what is no end of an archive is none: a gzip trailer that is missing, a body that is" {
	for name in untrailed short; do
		run -4 --separate-stderr lp-peek -cE "oci:$L/$name:v1"
		[[ "$output" == *$'\ta'* && "$output" == *complete=no* ]]
		[[ "$stderr" == *'lp-peek: preview: of 2 layers, 1 is not listed to the end' ]]
		[ $name = short ] || [[ "$stderr" == 'lp-peek: layer 2: lp-inflate: <stdin>: not complete: input ends after '* ]]
		run -4 --separate-stderr lp-peek --no-cache --cat=low "oci:$L/$name:v1"
		case $name in
		short) [ "$stderr" = 'lp-peek: layer 2: not readable to its end: whether it holds low is unknown' ] ;;
		*) [ "$stderr" = "lp-peek: layer 2: lp-inflate: <stdin>: not complete: input ends after $(stat -c %s "$L/untrailed.gz") bytes" ] ;;
		esac
		run -0 lp-peek --no-cache --cat=a "oci:$L/$name:v1"
		[ "$output" = one ]
	done
}

@test "a file system that begins with zeros is no empty layer" {
	truncate -s 4M fs
	PATH=$PATH:/usr/sbin mkfs.ext4 -q -F -O ^has_journal fs
	truncate -s 64K other
	printf x | dd of=other bs=1 seek=5000 conv=notrunc status=none
	for name in fs=1024:\ an\ ext4\ file\ system other=4608:\ zeros,\ and\ then\ something\ else:; do
		gzip -nk "${name%%=*}"
		layout_make "l${name%%=*}" v1 "$BATS_FILE_TMPDIR/low.gz" "${name%%=*}.gz"
		for how in -c -q; do
			run -1 --separate-stderr lp-peek "$how" "oci:l${name%%=*}:v1"
			[[ "$stderr" == "lp-peek: layer 2: lp-tarls: <stdin>: byte ${name#*=}"*"not tar"* ]]
		done
		run -1 lp-peek --no-cache --cat=low "oci:l${name%%=*}:v1"
	done
}

@test "the filters: --whole" {
	gzip -dc "$L/unmarked.gz" >unmarked
	run -0 --separate-stderr lp-tarls -o name -CE --whole unmarked
	[ "$output" = $'a\nb\n#end\tentries=2\tcomplete=yes\tbytes=2048\tlayer=' ]
	[ "$stderr" = 'lp-tarls: unmarked: byte 2048: the archive ends without an end marker' ]
	run -4 lp-tarls -qC unmarked
	run -2 lp-tarls --part --whole unmarked
	run -0 --separate-stderr lp-tarls -E --whole /dev/null
	[ "$output" = $'#end\tentries=0\tcomplete=yes\tbytes=0\tlayer=' ]
	run -0 --separate-stderr lp-inflate --size=0 /dev/null
	[ "$output$stderr" = '' ]
	run -1 lp-inflate /dev/null
	run -4 --separate-stderr lp-cat -f unmarked --whole none
	[ "$stderr" = 'lp-cat: none: no such member' ]
	lp-cat -f unmarked --whole --tar b >copy
	[ "$(tar tf copy)" = b ]
	head -c 1539 unmarked >short.tar
	run -0 --separate-stderr lp-tarls -o name -E --whole short.tar
	[[ "$output" == *complete=no* ]]
}

@test "--cat of a hard link: its file, in the layer of the link or below" {
	recipe "header name=d/x size=3" "data one" "header name=h type=1 link=d/x" "header name=i type=1 link=./h" end >base.tar
	recipe "header name=far type=1 link=d/x" "header name=far2 type=1 link=far" "header name=own size=3" "data own" \
		"header name=hown type=1 link=own" end >mid.tar
	recipe "header name=d/x size=3" "data new" "header name=.wh.own" "header name=s type=2 link=far2" end >top.tar
	layout_make links v1 base.tar mid.tar top.tar
	for how in "" --no-cache; do
		for want in h=one i=one far=one far2=one hown=own s=one d/x=new; do
			# shellcheck disable=SC2086 # an option or none
			run -0 --separate-stderr lp-peek $how "--cat=${want%=*}" oci:links:v1
			[ "$output$stderr" = "${want#*=}" ]
		done
		[ -n "$how" ] || lp-peek -qc oci:links:v1 >rows
	done
	[ "$(wc -l <rows)" -gt 5 ]
	run -4 --separate-stderr lp-peek --cat=own oci:links:v1
	[ "$stderr" = 'lp-peek: own: no such path in oci:links:v1' ]
	recipe "header name=h type=1 link=nowhere" end >bad.tar
	layout_make bad v1 bad.tar
	run -4 --separate-stderr lp-peek --cat=h oci:bad:v1
	[ "$stderr" = 'lp-peek: h: no such path in oci:bad:v1' ]
}

# blob_of LAYOUT DIGEST: its file
blob_of() {
	printf '%s/blobs/sha256/%s' "$1" "${2#sha256:}"
}

manifest_of() {
	blob_of "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")"
}

# edit LAYOUT PROGRAM [OPTION...]: its manifest as jq's PROGRAM makes it
edit() {
	jq "${@:2}" "$(manifest_of "$1")" >edited
	layout_blob "$1" edited application/vnd.oci.image.manifest.v1+json |
		jq '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' >"$1/new"
	mv "$1/new" "$1/index.json"
}

# finds IMAGE STATUS CODES [OPTION...]
finds() {
	run "-$2" --separate-stderr lp-peek -q --no-cache --check "${@:4}" "$1"
	[ "$(cut -f2 <<<"$output" | tr '\n' ' ')" = "$3" ]
	# every status but 0 has a message
	[ "$2" -eq 0 ] || [ "$stderr" = 'lp-peek: lp-merge: errors found: 1' ]
}

@test "--check: each fault of a blob, a manifest or a configuration is found" {
	recipe "header name=a size=3" "data one" end >good.tar
	layout_make good v1 good.tar
	finds oci:good:v1 0 ' '
	finds oci:good:v1 0 ' ' -c
	finds "oci:$L/untrailed:v1" 4 'cut-off unchecked '
	finds "oci:$L/untrailed:v1" 4 'cut-off unchecked ' -c
	finds "oci:$L/short:v1" 4 'cut-off unchecked '
	finds "oci:$L/zero:v1" 0 ' '
	printf 'hsqs\1\2\3' >fs.tar
	layout_make fs v1 fs.tar
	finds oci:fs:v1 4 'compression unchecked '
	[[ $output == *'a squashfs file system'* ]]
	{ head -c 1024 /dev/zero; printf 'x'; head -c 511 /dev/zero; } >blank.tar
	layout_make blank v1 blank.tar
	finds oci:blank:v1 4 'not-tar unchecked '
	[[ $output == *'byte 1024: zeros, and then something else'* ]]
	for change in '.layers[0].size += 7' '.layers[0].digest = "sha256:" + ("0" * 64)'; do
		cp -r good changed
		edit changed "$change"
		finds oci:changed:v1 4 'blob-mismatch unchecked '
		rm -r changed
	done
	cp -r good other
	edit other '.layers[0].mediaType = "application/vnd.example.layer"'
	finds oci:other:v1 4 'media-type '
	edit other '.layers[0].mediaType = "application/vnd.erofs.layer.v1"'
	finds oci:other:v1 4 'media-type-foreign unchecked '
	run -0 --separate-stderr jq -r '.findings[0].detail, .complete' <(lp-peek -q --no-cache --check -j oci:other:v1)
	[ "$output" = $'an EROFS file system, not tar\nfalse' ]
	# what is checked is not kept as if it were listed
	for image in oci:other:v1 oci:fs:v1; do
		run -4 lp-peek -q --db=kept --check "$image"
		run -1 lp-peek -q --db=kept "$image"
	done
	# and nobody reads it
	for how in -c --cat=a --find=a; do
		run -1 --separate-stderr lp-peek -q --no-cache $how oci:other:v1
		[[ $stderr == 'lp-peek: layer 1: application/vnd.erofs.layer.v1: an EROFS file system, not tar'* ]]
	done
	jq '.history = [{}, {}] | .rootfs.diff_ids = []' "$(blob_of good "$(jq -r .config.digest "$(manifest_of good)")")" >config
	layout_blob good config application/vnd.oci.image.config.v1+json >descriptor
	edit good '.config = $c[0]' --slurpfile c descriptor
	finds oci:good:v1 4 'history diff-ids '
}

@test "--check: a file below a lower layer's link, and a good image of the same layers" {
	recipe "header name=usr/ type=5 mode=755" "header name=usr/bin/ type=5 mode=755" "header name=usr/bin/sh size=1" \
		"data x" "header name=bin type=2 link=usr/bin" end >low.tar
	recipe "header name=bin/foo size=1" "data x" end >below.tar
	recipe "header name=usr/ type=5 mode=755" "header name=usr/bin/ type=5 mode=755" "header name=usr/bin/foo size=1" \
		"data x" end >beside.tar
	layout_make below v1 low.tar below.tar
	layout_make beside v1 low.tar beside.tar
	finds oci:below:v1 4 'link-lost parent-attributes '
	[ "$(cut -f1,3,4 <<<"$output")" = $'error\t2\tbin\nwarning\t2\tbin' ]
	finds oci:beside:v1 0 ' '
	# previews say so, and hide nothing that was seen
	finds oci:below:v1 4 'unchecked link-lost parent-attributes ' -n 2560
	finds oci:below:v1 0 'unchecked unchecked ' -n 1536
}

@test "two members of one name: --cat, --find and the listing have the last, and a link its own file" {
	recipe "header name=a size=3" "data one" "header name=b type=1 link=a" "header name=./a size=5" "data other" \
		"header name=c type=1 link=a" "header name=z size=70000" "data *70000" end >twice.tar
	layout_make twice v1 twice.tar
	skopeo copy -q oci:twice:v1 "docker://$(srv_addr reg)/odd/twice:v1" --dest-tls-verify=false
	image=$(srv_addr reg)/odd/twice:v1
	for how in 'oci:twice:v1 --no-cache' "$image -c" "$image -c --db=kept" "$image --db=kept --store=st"; do
		for want in a=other b=one c=other; do
			# shellcheck disable=SC2086 # words
			run -0 --separate-stderr lp-peek -q $how "--cat=${want%=*}"
			[ "$output" = "${want#*=}" ]
		done
		# shellcheck disable=SC2086 # words
		run -0 lp-peek -q $how --find=a -o size,hidden_by
		[ "$output" = $'5\t\n3\t1' ]
		# shellcheck disable=SC2086 # words
		run -0 lp-peek -q $how -c -o name,size
		[ "$output" = $'a\t5\nb\t3\nc\t0\nz\t70000' ]
	done
	# what has to be fetched is read to the first, unless all of it is asked for
	run -0 lp-peek -q --no-cache --plain-http --cat=a "$image"
	[ "$output" = one ]
	# by its place, a file is what it is, whatever it is called
	run -0 lp-cat -f twice.tar --at=0 a
	[ "$output" = one ]
	run -0 lp-cat -f twice.tar --at=1536 nothing
	[ "$output" = other ]
	run -4 lp-cat -f twice.tar --at=1024 a
	for o in '--at=0 --tar' '--at=0 -L' --at=x; do
		# shellcheck disable=SC2086 # words
		run -2 lp-cat -f twice.tar $o a
	done
}
