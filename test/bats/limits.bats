#!/usr/bin/env bats
# The limits of common/base/limits.h that a program's own work is bounded by,
# each just below and just above; the parsers' own are in the unit tables. The
# last test keeps this true of limits to come.

# shellcheck disable=SC2154 # bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	srv_init
	export LP_MAX_MANIFEST=$((4 << 20)) LP_MAX_TOKEN_ANSWER=$((4 << 20)) LP_MAX_HELD_ROWS=$((64 << 20)) LP_MAX_CONFIG=$((16 << 20)) LP_MAX_TOC=$((128 << 20))
	export LP_MAX_HELD_CHUNK=$((4 << 20)) LP_MAX_JSON_DEPTH=64
}

@test "the numbers here are those of limits.h" {
	{
		echo '#include "common/base/limits.h"'
		for l in LP_MAX_MANIFEST LP_MAX_TOKEN_ANSWER LP_MAX_HELD_ROWS LP_MAX_CONFIG LP_MAX_TOC LP_MAX_HELD_CHUNK LP_MAX_JSON_DEPTH; do
			echo "_Static_assert($l == ${!l}, \"$l\");"
		done
	} >numbers.c
	cc -iquote "$TOP" -fsyntax-only numbers.c
}

# image CONFIG-BYTES MANIFEST-BYTES: a layout whose documents are of these sizes exactly
image()
{
	rm -rf layout
	python3 - "$@" <<'PY'
import hashlib, json, os, sys

def put(document, size):
    text = json.dumps(document).encode()
    text += b" " * (size - len(text))
    name = hashlib.sha256(text).hexdigest()
    open("layout/blobs/sha256/" + name, "wb").write(text)
    return {"digest": "sha256:" + name, "size": len(text)}

oci = "application/vnd.oci.image."
os.makedirs("layout/blobs/sha256")
layer = {"mediaType": oci + "layer.v1.tar", "digest": "sha256:" + "1" * 64, "size": 9}
config = put({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]},
              "history": [{"created_by": "somebody"}]}, int(sys.argv[1]))
manifest = put({"schemaVersion": 2, "config": {"mediaType": oci + "config.v1+json", **config}, "layers": [layer]},
               int(sys.argv[2]))
open("layout/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
json.dump({"manifests": [{"mediaType": oci + "manifest.v1+json", **manifest}]}, open("layout/index.json", "w"))
PY
}

@test "LP_MAX_MANIFEST: a manifest of 4 MiB is read, one byte more is refused" {
	image 0 "$LP_MAX_MANIFEST"
	run -0 lp-layers oci:layout
	[[ $output == *$'\tsomebody'* ]]
	image 0 $((LP_MAX_MANIFEST + 1))
	run -1 lp-layers oci:layout
	[[ $output == *limit* || $output == *larger* ]]
}

@test "LP_MAX_CONFIG: a config of 16 MiB is read, one byte more is refused" {
	image "$LP_MAX_CONFIG" 0
	run -0 lp-layers oci:layout
	[[ $output == *$'\tsomebody'* ]]
	image $((LP_MAX_CONFIG + 1)) 0
	run -1 lp-layers oci:layout
	[[ $output == *limit* || $output == *larger* ]]
}

# table BYTES: a stored table of contents of that many, most of them a frame that is skipped
table()
{
	printf '{"version":1,"entries":[{"name":"d/","type":"dir","mode":493}]}' | zstd -q >frame
	python3 - "$1" >toc <<'PY'
import struct, sys
frame = open("frame", "rb").read()
skipped = int(sys.argv[1]) - len(frame) - 8
sys.stdout.buffer.write(struct.pack("<II", 0x184D2A50, skipped) + bytes(skipped) + frame)
PY
	[ "$(stat -c %s toc)" -eq "$1" ]
	digest=sha256:$(sha256sum <toc | cut -c 1-64)
}

@test "LP_MAX_TOC: a table of 128 MiB is read, one byte more is refused" {
	table "$LP_MAX_TOC"
	run -0 lp-toc -o name --digest="$digest" toc
	[ "$output" = d/ ]
	table $((LP_MAX_TOC + 1))
	run -1 lp-toc -o name --digest="$digest" toc
	[[ $output == *"a table of contents larger than the limit of $LP_MAX_TOC bytes"* ]]
	# what is not in a file is kept: the same
	run -1 lp-toc --digest="$digest" < <(cat toc)
	[[ $output == *"limit of $LP_MAX_TOC bytes"* ]]
}

# chunk BYTES: a file of one chunk, whose digest is a lie
chunk()
{
	rm -rf tree
	mkdir tree
	head -c "$1" /dev/zero | tr '\0' x >tree/f
	tar -C tree -cf layer.tar f
	estargz --chunk "$1" --toc toc.json \
	    --edit '[e.update(chunkDigest="sha256:" + "0" * 64) for e in toc["entries"] if e["name"] == "f"]' \
	    layer.tar blob >/dev/null
}

@test "LP_MAX_HELD_CHUNK: one of 4 MiB is held back until its digest was seen, a larger one is passed on" {
	chunk "$LP_MAX_HELD_CHUNK"
	run -1 bash -c 'lp-cat -q --toc toc.json --source ./blob f >out'
	[[ $output == *"does not match the digest"* ]]
	[ ! -s out ]
	chunk $((LP_MAX_HELD_CHUNK + 1))
	run -1 bash -c 'lp-cat -q --toc toc.json --source ./blob f >out'
	[[ $output == *"does not match the digest"* ]]
	[ "$(stat -c %s out)" -gt 0 ]
}

@test "LP_MAX_JSON_DEPTH: 64 levels are read, 65 are refused" {
	for depth in $LP_MAX_JSON_DEPTH $((LP_MAX_JSON_DEPTH + 1)); do
		rm -rf layout
		mkdir -p layout/blobs
		echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
		# the object is a level too
		python3 -c 'import sys; n = int(sys.argv[1]) - 1; print("""{"x":%s%s,"manifests":[]}""" % ("[" * n, "]" * n))' \
		    "$depth" >layout/index.json
		run lp-layers oci:layout
		if [ "$depth" -eq "$LP_MAX_JSON_DEPTH" ]; then
			[[ $output != *deep* ]]
		else
			[ "$status" -eq 1 ]
			[[ $output == *deep* ]]
		fi
	done
}

# LP_MAX_ENTRIES is 64 million rows, more than a test can write: what is looked at is the same bound, set lower.
@test "LP_MAX_ENTRIES: its bound counts the rows of all layers, and may be none" {
	for i in 1 2 3; do printf -- '-rw-r--r--\t0\t0\t0\t-\tf%d\t\n' $i; done >rows
	run -0 lp-merge -q --max-entries=6 rows rows
	run -1 lp-merge -q --max-entries=5 rows rows
	[[ $output == *"more than 5 rows"* ]]
	run -1 lp-merge -q --max-entries=0 rows
}

@test "LP_MAX_TOKEN_ANSWER: a token in 4 MiB is taken, one byte more is refused" {
	echo x >x
	tar -cf x.tar x
	layout_make lay v1 x.tar
	printf '{"token":"t"%*s}' $((LP_MAX_TOKEN_ANSWER - 13)) '' >just
	[ "$(stat -c %s just)" -eq "$LP_MAX_TOKEN_ANSWER" ]
	{ cat just; echo; } >over
	jq -n '{"/just": {file: "just"}, "/over": {file: "over"}} + (["just", "over"] | map({("/v2/\(.)/manifests/v1"): [
		{status: 401, headers: {"WWW-Authenticate": "Bearer realm=\"{self}/\(.)\",service=\"s\""}}, {}]}) | add)' >rules
	fault_start limits rules --layout lay
	lp-layers -q "$(srv_addr limits)/just:v1" | grep -c tar
	run -3 --separate-stderr lp-layers -q --retries=0 "$(srv_addr limits)/over:v1"
	[ -z "$output" ]
	[ "$stderr" = "lp-layers: $(srv_addr limits)/over:v1: the token server: the answer is larger than we take" ]
	srv_stop limits
}

@test "each limit of limits.h is named by a test" {
	grep -oE '^#define LP_MAX_[A-Z_]+' "$TOP/common/base/limits.h" | cut -d ' ' -f 2 >names
	[ "$(wc -l <names)" -gt 10 ]
	while read -r name; do
		grep -qrw "$name" "$TOP/test/unit" "$TOP/test/bats" || echo "no test of $name"
	done <names >missing
	run ! grep . missing
}

@test "a name longer than a screenful: a message shows its begin, the statistics have it all in one line" {
	long=$(printf '%0100000d' 7)
	run -3 --separate-stderr lp-tarls --stats=stats "$long"
	[ "${stderr:0:1035}" = "lp-tarls: ${long:0:1024}..." ] || [ "${stderr:0:1037}" = "lp-tarls: ${long:0:1024}..." ]
	[[ $stderr = *...*'File name too long' ]]
	[ "$(wc -l <<<"$stderr")" = 1 ]
	[ "$(wc -l <stats)" = 1 ]
	[ "$(jq -r .source stats | head -c 1000)" = "${long:0:1000}" ]
	# and the reason does not go with the end of the name
	long=${long:0:1100}
	for command in "lp-fetch ./$long" "lp-fetch oci:$long@sha256:$(printf '%064d' 7)" "lp-layers oci:$long:x" \
	    "lp-peek --no-cache oci:$long:x"; do
		read -ra words <<<"$command"
		run -3 --separate-stderr "${words[@]}"
		[[ $stderr = "${command%% *}: "*"${long:0:500}"*'...: '*'File name too long' ]]
	done
	run -2 --separate-stderr lp-layers "docker-daemon:$long"
	[[ ${stderr_lines[0]} = "lp-layers: docker-daemon:${long:0:1000}"*'docker save IMAGE | lp-peek docker-archive:-' ]]
	# no statistics at all is said with the reason of now
	run -3 --separate-stderr lp-tarls --stats=/dev/full /dev/null
	[[ $stderr = *'cannot write the statistics: No space left on device' ]]
}

@test "patterns: 64 times -m, and no more" {
	tar -cf x.tar -T /dev/null
	lp-tarls x.tar >x.tsv
	m=()
	for i in {1..64}; do
		m+=(-m x)
	done
	run -0 lp-tarls "${m[@]}" x.tar
	run -0 lp-merge "${m[@]}" x.tsv
	for p in lp-tarls lp-merge lp-toc; do
		run -2 --separate-stderr "$p" "${m[@]}" -m x x.tar
		[ "${stderr_lines[0]}" = "$p: more than 64 times -m" ]
	done
}
