#!/usr/bin/env bats
# shellcheck disable=SC2016 # the inner shells expand it
# lp-toc over real indexed layers (fixtures/indexed), over layers made here,
# and over what lies about them.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

ES_DIGEST=sha256:abf4c23178f780f595f4584f454992b2ae7e978219a09088d0e8d6ca42f751c8
ZC_DIGEST=sha256:141722b9a4d1542d9b318fd2142a37834d96bf40f853275fd1a0468a2e67773e
ALL=mode,uid,gid,size,mtime,name,linkname,typeflag,is_dir,is_symlink,uname,gname,devmajor,devminor,mtime_unix,xattrs

# slice FILE FIRST-LAST
slice() {
	part "${2%-*}" $((${2#*-} - ${2%-*} + 1)) "$1"
}

# annotations MANIFEST
annotations() {
	jq -c '.layers[0].annotations' "$1"
}

setup_file() {
	shipped
	export D=$BATS_FILE_TMPDIR
	tables "$D"
	gzip -dc "$D/es" | tar -xOf - stargz.index.json >"$D/es.json"
	zstd -dc "$D/zc" >"$D/zc.json"
	srv_init "$D/srv"
}

# ---- rows --------------------------------------------------------------------

# What the formats cannot keep, taken out of lp-tarls' rows: the byte that is
# no UTF-8, which JSON has as U+FFFD.
as_json_keeps() {
	sed 's/\\xe9/\xef\xbf\xbd/g'
}

@test "eStargz: the rows are lp-tarls' rows, field by field" {
	lp-toc --digest $ES_DIGEST -H -o $ALL <"$D/es" >got
	lp-tarls -H -o $ALL "$FIX/layer.tar" | as_json_keeps >want
	[ "$(wc -l <want)" -eq 247 ]
	cmp got want
}

@test "zstd:chunked: the same, but for the user and group names that this writer left out" {
	lp-toc --digest $ZC_DIGEST -H -o ${ALL/uname,gname,/} <"$D/zc" >got
	lp-tarls -H -o ${ALL/uname,gname,/} "$FIX/layer.tar" | as_json_keeps >want
	[ -s want ]
	cmp got want
}

@test "NDJSON says the same as lp-tarls, but for what a table cannot know" {
	lp-toc -q -j "$D/es" | jq -cS . >got
	lp-tarls -j "$FIX/layer.tar" |
	    jq -cS 'del(.header_offset, .data_offset, .truncated, .name_base64)' >want
	[ -s want ]
	cmp got want
}

@test "the JSON alone, in a file and in a pipe, gives the same rows" {
	lp-toc -q <"$D/es" >want
	[ -s want ]
	lp-toc -q "$D/es.json" >got
	cmp got want
	# shellcheck disable=SC2002 # a pipe is what is tried
	cat "$D/es.json" | lp-toc -q --digest $ES_DIGEST >got
	cmp got want
}

@test "-l -0 -E -n -m, as lp-tarls has them" {
	local options
	for options in -l '-0 -o name,size' '-E -n 5' "-m *.conf" "-m usr/* -m ./etc/pam.d/* -o name" '-n 3 -j'; do
		set -f
		# shellcheck disable=SC2086 # several words
		lp-toc -q $options "$D/es" | grep -avE '^#end' >got
		# shellcheck disable=SC2086
		lp-tarls $options "$FIX/layer.tar" | as_json_keeps | grep -avE '^#end' |
		    sed -E 's/,"header_offset":[0-9]+,"data_offset":[0-9]+//; s/,"truncated":false//' |
		    sed -z 's/\xe9/\xef\xbf\xbd/g' >want
		set +f
		[ -s want ]
		cmp got want
	done
}

@test "the end record: complete, or not" {
	run -0 --separate-stderr lp-toc -q -E -o name "$D/es.json"
	[[ ${lines[-1]} == $'#end\tentries=246\tcomplete=yes\tbytes=64917'* ]]
	run -0 --separate-stderr lp-toc -q -E -n 2 "$D/es.json"
	[[ ${lines[-1]} == $'#end\tentries=2\tcomplete=no'* ]]
}

@test "a table that is cut off is a preview; with -C it is not" {
	head -c 30000 "$D/es.json" >cut.json
	run -0 --separate-stderr lp-toc -E cut.json
	[[ ${lines[-1]} == *complete=no* ]]
	[[ $stderr == *'preview: the table of contents is cut off behind '*' entries'* ]]
	lp-toc -q "$D/es" >all
	lp-toc -q cut.json >got
	cmp got <(head -n "$(wc -l <got)" all)
	[ "$(wc -l <got)" -gt 100 ]
	head -c 5000 "$D/zc" >cut.zst
	run -4 lp-toc -q -C cut.zst
	[[ $output == *'not complete'* ]]
}

@test "nothing is told when there is no digest to verify against, but that" {
	run -0 --separate-stderr lp-toc "$D/es"
	[[ $stderr == *'not verified: no digest was given'* ]]
	run -0 --separate-stderr lp-toc -q "$D/es"
	[ -z "$stderr" ]
	run -0 --separate-stderr lp-toc --digest $ES_DIGEST "$D/es"
	[ -z "$stderr" ]
}

@test "100,000 entries take little memory: they are never all held" {
	python3 - >big.json <<-'PY'
	print('{"version":1,"entries":[')
	for i in range(100000):
	    print('%s{"type":"reg","name":"usr/share/some/directory/%03d/file-%06d","mode":420,"size":1000,'
	        '"modtime":"2023-11-14T22:13:20Z","digest":"sha256:%064x","offset":%d,"endOffset":%d}'
	        % (',' if i else '', i % 300, i, i, i * 900 + 9, i * 900 + 800))
	print(']}')
	PY
	run -0 env time -f %M -o rss "$RELEASE"/lp-toc -q -E -o name big.json
	[[ ${lines[-1]} == *entries=100000*complete=yes* ]]
	[ "$(cat rss)" -lt 12288 ]
}

# ---- digests -------------------------------------------------------------------

@test "a table of another digest: no row, exit 1" {
	for input in es zc es.json; do
		run -1 --separate-stderr lp-toc --digest "${ES_DIGEST/abf4/abf5}" "$D/$input"
		[ -z "$output" ]
		[[ $stderr == *'does not match its digest sha256:abf5'* ]]
	done
}

@test "stored tables with one byte changed, in 400 places: never a row under a digest" {
	python3 - "$D" "$(share 200)" <<-'PY'
	import os, random, subprocess, sys
	r = random.Random(6)
	for name, digest in ("es", "sha256:abf4c23178f780f595f4584f454992b2ae7e978219a09088d0e8d6ca42f751c8"), \
	    ("zc", "sha256:141722b9a4d1542d9b318fd2142a37834d96bf40f853275fd1a0468a2e67773e"):
	    good = open(os.path.join(sys.argv[1], name), "rb").read()
	    for _ in range(int(sys.argv[2])):
	        bad = bytearray(good)
	        bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
	        p = subprocess.run(["lp-toc", "--digest", digest], input=bad, capture_output=True, check=False)
	        # gzip's header has bits that change nothing in the JSON, which is what eStargz's digest is of
	        if p.returncode == 0 and name == "es":
	            assert p.stdout == subprocess.run(["lp-toc", "-q"], input=good, capture_output=True, check=True).stdout
	        else:
	            assert p.returncode == 1 and not p.stdout and p.stderr, (name, p)
	PY
}

# ---- where it is ------------------------------------------------------------------

@test "--locate: the footers of the samples" {
	run -0 bash -c 'tail -c 72 "$FIX/layer.estargz" | lp-toc --locate --size 278065'
	[ "$output" = $'267975-278013\testargz\t-' ]
	run -0 bash -c 'tail -c 72 "$FIX/layer.zchunked" | lp-toc --locate --size 277877'
	[ "$output" = $'267606-277828\tzstd:chunked\t-' ]
	# the whole blob has the same end
	run -0 lp-toc --locate --size 278065 "$FIX/layer.estargz"
	[ "$output" = $'267975-278013\testargz\t-' ]
}

@test "--locate: annotations tell the digest, and for zstd:chunked the place" {
	run -0 bash -c 'tail -c 72 "$FIX/layer.estargz" | lp-toc --locate --size 278065 --annotations "$1"' - \
	    "$(annotations "$FIX/estargz.manifest.json")"
	[ "$output" = $'267975-278013\testargz\t'"$ES_DIGEST" ]
	run -0 lp-toc --locate --size 277877 --annotations "$(annotations "$FIX/zchunked.manifest.json")" <.
	[ "$output" = $'267606-277828\tzstd:chunked\t'"$ZC_DIGEST" ]
	run -0 lp-toc --locate -a io.github.containers.zstd-chunked.manifest-position=267606:10223:63686:1 \
	    -a some.other=thing
	[ "$output" = $'267606-277828\tzstd:chunked\t-' ]
}

@test "--locate: the older footers, and one whose table is elsewhere" {
	local form
	for form in estargz legacy; do
		estargz --footer $form "$FIX/layer.tar" blob >/dev/null
		run -0 bash -c 'lp-toc --locate --size "$(stat -c %s blob)" <blob'
		slice blob "${lines[0]%%$'\t'*}" | lp-toc -q >got
		lp-tarls "$FIX/layer.tar" | as_json_keeps >want
		cmp got want
	done
	estargz --footer external "$FIX/layer.tar" blob >/dev/null
	run -4 bash -c 'lp-toc --locate --size "$(stat -c %s blob)" <blob'
	[[ $output == *'kept in another image'* ]]
}

@test "--locate: no footer, and annotations that cannot be true" {
	run -4 bash -c 'gzip -c "$FIX/layer.tar" >gz; lp-toc --locate --size "$(stat -c %s gz)" gz'
	[[ $output == *'no table of contents'* ]]
	run -2 lp-toc --locate "$FIX/layer.estargz"
	# before anything is opened
	run -2 lp-toc --locate no-such-file
	[[ $output == *'--size'* ]]
	run -1 lp-toc --locate --size 100 -a io.containers.zstd-chunked.manifest-position=90:20:63686:1
	[[ $output == *"behind the blob's end"* ]]
	run -1 lp-toc --locate -a io.containers.zstd-chunked.manifest-position=nonsense
	run -1 lp-toc --locate --annotations '{"a":'
	run -1 lp-toc --locate --annotations '[]'
	run -1 lp-toc --locate -a containerd.io/snapshot/stargz/toc.digest=sha256:00
}

@test "each byte of each footer changed: an error, or bytes that the digest refuses" {
	python3 - "$FIX" <<-'PY'
	import os, subprocess, sys
	def toc(*args, data=b""):
	    return subprocess.run(("lp-toc",) + args, input=data, capture_output=True, check=False)
	for name, n, place, digest in (
	    ("layer.estargz", 51, "267975-278013", "sha256:abf4c23178f780f595f4584f454992b2ae7e978219a09088d0e8d6ca42f751c8"),
	    ("layer.zchunked", 48, "267606-277828", "sha256:141722b9a4d1542d9b318fd2142a37834d96bf40f853275fd1a0468a2e67773e")):
	    blob = open(os.path.join(sys.argv[1], name), "rb").read()
	    for i in range(1, n + 1):
	        for bit in (1, 0x20):
	            bad = bytearray(blob)
	            bad[-i] ^= bit
	            p = toc("--locate", "--size", str(len(bad)), data=bytes(bad[-72:]))
	            assert p.returncode in (0, 1, 4), (name, i, p)
	            if p.returncode:
	                assert p.stderr and not p.stdout
	                continue
	            first, last = map(int, p.stdout.split(b"\t")[0].split(b"-"))
	            q = toc("--digest", digest, data=bytes(bad[first:last + 1]))
	            if p.stdout.decode().startswith(place + "\t"):
	                assert q.returncode == 0, (name, i, p, q)
	            else:
	                assert q.returncode == 1 and not q.stdout, (name, i, p, q)
	PY
}

# ---- honesty ------------------------------------------------------------------------

@test "--verify: the samples' tables tell the truth" {
	run -0 lp-toc --verify "$D/es" --digest $ES_DIGEST "$FIX/layer.tar"
	[[ $output == *'246 members, as the layer has them' ]]
	run -0 bash -c 'gzip -dc "$FIX/layer.estargz" | lp-toc --verify "$D/es"'
	run -0 bash -c 'zstd -dc "$FIX/layer.zchunked" | lp-toc --verify "$D/zc"'
}

# lie EXPRESSION: a table over the sample's tar that is edited, --verify's lines in $output
lie() {
	estargz --toc lying.json --edit "
e = {x['name']: x for x in toc['entries'] if x['type'] != 'chunk'}
$1" "$FIX/layer.tar" blob >/dev/null
	run -1 --separate-stderr lp-toc --verify lying.json "$FIX/layer.tar"
}

@test "--verify: every field that lies is named, and nothing else" {
	local hex
	hex=$(printf 0%.0s {1..64})
	lie "e['./etc/passwd']['mode'] = 0o4644"
	[ "$output" = $'./etc/passwd\tmode\t-rwSr--r--\t-rw-r--r--' ]
	lie "e['./etc/passwd']['uid'] = 7"
	[ "${lines[0]}" = $'./etc/passwd\tuid\t7\t0' ]
	lie "e['./etc/passwd'].update(size=840)"
	[ "${lines[0]}" = $'./etc/passwd\tsize\t840\t839' ]
	lie "e['./etc/passwd']['modtime'] = '2023-11-14T22:13:21Z'"
	[ "$output" = $'./etc/passwd\tmtime\t2023-11-14T22:13:21Z\t2023-11-14T22:13:20Z' ]
	lie "e['./etc/rmt']['linkName'] = '/bin/sh'"
	[ "$output" = $'./etc/rmt\tlinkname\t/bin/sh\t/usr/sbin/rmt' ]
	lie "e['./etc/null-dev']['devMinor'] = 5"
	[ "$output" = $'./etc/null-dev\tdevminor\t5\t3' ]
	lie "e['./etc/passwd']['xattrs'] = {'user.x': 'YQ=='}"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == $'./etc/passwd\txattrs\t'* ]]
	lie "e['./etc/passwd']['groupName'] = 'wheel'"
	[[ ${lines[0]} == $'./etc/passwd\tgname\twheel\troot' ]]
	lie "e['./etc/passwd'].update(digest='sha256:$hex', chunkDigest='sha256:$hex')"
	[[ $output == $'./etc/passwd\tdigest\tsha256:'"$hex"$'\tsha256:'* ]]
	[ "${#lines[@]}" -eq 1 ]
	lie "toc['entries'].remove(e['./etc/shells'])"
	[ "$output" = $'./etc/shells\tmember\tabsent\tpresent' ]
	lie "toc['entries'].append({'name': 'etc/\\tnew', 'type': 'fifo'})"
	[ "$output" = $'etc/\\tnew\tmember\tpresent\tabsent' ]
	lie "e['./etc/shells']['name'] = './etc/other'"
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *'2 differences from the layer'* ]]
}

@test "--verify: a member that stands twice in the layer, and a layer that is cut off" {
	mkdir d
	touch d/x
	tar -cf twice.tar d/x d/x
	estargz --toc toc.json --edit "del toc['entries'][-1]" twice.tar blob >/dev/null
	run -1 --separate-stderr lp-toc --verify toc.json twice.tar
	[ "$output" = $'d/x\tmember\tonce\tagain' ]
	head -c 100000 "$FIX/layer.tar" >cut.tar
	run -4 lp-toc -q --verify "$D/es" cut.tar
	[[ $output == *'not complete'* ]]
}

@test "--verify: fractions of seconds are rounded, names of other encodings kept, holes read as zeros" {
	mkdir d
	printf x >d/half
	touch -d 2020-01-01T00:00:00.7Z d/half
	touch -d 2020-01-01T00:00:00.2Z d/$'caf\xe9'
	touch -d 1970-01-01T00:00:00Z d/epoch
	ln -s $'caf\xe9' d/link
	tar --format=pax -cf half.tar d
	estargz --toc toc.json half.tar blob >/dev/null
	run -0 lp-toc --verify toc.json half.tar
	lp-toc -q -o name,mtime toc.json >got
	grep -qx $'d/half\t2020-01-01T00:00:01Z' got
	grep -qx $'d/epoch\t1970-01-01T00:00:00Z' got
}

# ---- a registry -----------------------------------------------------------------------

# fetched STATS: bytes that all its runs have downloaded
fetched() {
	jq -s 'map(.bytes_downloaded // 0) | add' "$1"
}

# manifest SERVER REPO:TAG
manifest() {
	skopeo inspect --raw --tls-verify=false "docker://$(srv_addr "$1")/$2"
}

@test "a large zstd:chunked layer in a registry: listed for its table's bytes and 4 KiB" {
	registry_start reg
	"$LIB"/noisetar big.tar 40
	layout_make layout v1 big.tar
	skopeo --insecure-policy copy --quiet --dest-tls-verify=false --dest-compress-format zstd:chunked \
	    oci:layout:v1 "docker://$(srv_addr reg)/z:1"
	IFS=$'\t' read -r source size notes < <(lp-layers -o source,size,annotations "$(srv_addr reg)/z:1")
	IFS=$'\t' read -r range format digest < <(lp-toc --locate --size "$size" --annotations "$notes" </dev/null)
	[ "$format" = zstd:chunked ]
	LP_STATS=stats lp-fetch -r "$range" "$source" >toc
	lp-toc --digest "$digest" toc >got
	lp-tarls big.tar >want
	cmp got want
	toc=$((${range#*-} - ${range%-*} + 1))
	[ "$(fetched stats)" -le $((toc + 4096)) ]
	# the registry's own count; the image's config, for lp-layers, is in it
	[ "$(registry_served reg)" -le $((toc + 4096)) ]
	[ "$((toc * 50))" -lt "$size" ]
	srv_stop reg
}

@test "a large eStargz layer in a registry: the same, the footer's request included" {
	registry_start reg2
	"$LIB"/noisetar big.tar 40
	note=$(estargz --chunk 1048576 big.tar layer)
	layout_make layout v1 layer
	registry_push "$PWD/layout:v1" reg2 e:1
	manifest reg2 e:1 >m.json
	source=$(srv_addr reg2)/e@$(jq -r '.layers[0].digest' m.json)
	size=$(jq '.layers[0].size' m.json)

	export LP_STATS=stats
	lp-fetch -r $((size - 72))-$((size - 1)) "$source" >end
	IFS=$'\t' read -r range format digest < <(lp-toc --locate --size "$size" -a "$note" end)
	[ "$format" = estargz ]
	lp-fetch -r "$range" "$source" >toc
	lp-toc --digest "$digest" toc >got
	lp-tarls big.tar >want
	cmp got want
	toc=$((${range#*-} - ${range%-*} + 1))
	[ "$(fetched stats)" -le $((toc + 4096)) ]
	[ "$(registry_served reg2)" -le $((toc + 4096)) ]
	[ "$((toc * 50))" -lt "$size" ]
	srv_stop reg2
}

# ---- manners ------------------------------------------------------------------------------

@test "words that make no sense: exit 2, nothing read" {
	run -2 lp-toc --digest sha256:12
	run -2 lp-toc -j -o name
	run -2 lp-toc --locate -l
	run -2 lp-toc --locate --verify x
	run -2 lp-toc --size 5
	run -2 lp-toc --locate -a novalue
	run -2 lp-toc one two
	run -2 lp-toc --no-such-option
}

@test "input that is no table: exit 1 and a place" {
	run -1 lp-toc -q </dev/null
	[[ $output == *'empty'* ]]
	run -1 lp-toc -q "$FIX/layer.tar"
	[[ $output == *'something else than stargz.index.json'* ]]
	run -1 lp-toc -q "$FIX/layer.estargz"
	run -1 bash -c 'printf "<html>" | lp-toc -q'
	run -1 bash -c 'printf "{\"version\":1,\"entries\":[{\"name\":\"a\",\"type\":\"x\"}]}" | lp-toc -q'
	[[ $output == *'byte 24'*'no known type'* ]]
	run -3 lp-toc -q .
	run -3 lp-toc -q no-such-file
}

@test "stdout: full, and a reader that goes away" {
	run -3 bash -c 'lp-toc -q "$D/es" >/dev/full'
	run -0 bash -c 'set -o pipefail; lp-toc -q "$D/es" | head -n 1'
}

@test "statistics" {
	lp-toc -q --stats=stats --digest $ES_DIGEST "$D/es" >/dev/null
	[ "$(jq -c '[.tool, .digest, .entries_found, .bytes_decompressed, .partial, .error]' stats)" = \
	    "[\"lp-toc\",\"$ES_DIGEST\",246,64917,false,null]" ]
}

@test "locked while it reads" {
	mkfifo in
	"$RELEASE"/lp-toc -q in >out &
	exec 7>in
	printf '{' >&7
	wait_for grep -q 'Seccomp:.2' /proc/$!/status
	exec 7>&-
	wait $! || :
}

# ---- SOCI ----------------------------------------------------------------------

digest() {
	echo "sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)"
}

# ztoc [OPTION...] LAYER OUT
ztoc() {
	"$TOP/test/soci/mkztoc" "$@"
}

# A tar of every type, with long names, fractions, owners, devices and attributes.
odd_tar() {
	mkdir -p t/d
	printf hi >t/d/file
	ln -s ../x t/d/sym
	ln t/d/file t/d/hard
	mkfifo -m 600 t/pipe
	printf x >"t/$(printf 'n%.0s' {1..120})"
	tar --format=posix --mtime='2026-11-23 16:43:44.25Z' --pax-option='SCHILY.xattr.user.a:=b' --owner=u:7 --group=g:8 \
	    -cf "$1" -C t . /dev/null 2>err || cat err
}

@test "SOCI: the rows of its table are lp-tarls' rows, offsets and all, of a layer as tar and in gzip" {
	ztoc "$FIX/layer.tar" z
	lp-toc --soci --digest "$(digest z)" -H -o $ALL,header_offset,data_offset z >got
	lp-tarls -H -o $ALL,header_offset,data_offset "$FIX/layer.tar" >want
	[ "$(wc -l <want)" -eq 247 ]
	cmp got want
	gzip -n <"$FIX/layer.tar" >layer
	ztoc layer z
	lp-toc --soci -q --size="$(stat -c %s layer)" -H -o $ALL,header_offset,data_offset z >got
	cmp got want
	ztoc --v1 layer z
	lp-toc --soci -q -H -o $ALL,header_offset,data_offset z >got
	cmp got want
}

@test "SOCI: every type, GNU's and pax' headers" {
	local columns=$ALL,header_offset,data_offset
	odd_tar a.tar
	ztoc a.tar z
	lp-toc --soci -q -o "$columns" z >got
	lp-tarls -q -o "$columns" a.tar >want
	grep -q 'user.a' want
	cmp got want
	tar --format=gnu -cf b.tar -C t . -C / dev/null dev/zero
	ztoc b.tar z
	lp-toc --soci -q -o "$columns" z >got
	lp-tarls -q -o "$columns" b.tar >want
	grep -q '^crw' want
	cmp got want
}

@test "SOCI: what flatc reads of a table is what it was made from, and what is listed of it" {
	ztoc --json want.json "$FIX/layer.tar" z.bin
	flatc --allow-non-utf8 --strict-json --defaults-json --raw-binary -t "$TOP/test/soci/ztoc.fbs" -- z.bin
	# a byte that is no UTF-8 is an escape here that JSON does not know
	sed 's/\\xE9/\xef\xbf\xbd/' z.json |
	    jq -r '.contents.files[] | [.name, .linkname, .uid, .gid, .uname, .offset] | @tsv' >want
	lp-toc --soci -q -o name,linkname,uid,gid,uname,data_offset z.bin | as_json_keeps >got
	[ "$(wc -l <want)" -eq 246 ]
	cmp got want
}

@test "SOCI: an index of another layer, of another digest; what is no table" {
	local size
	ztoc "$FIX/layer.tar" z
	size=$(stat -c %s "$FIX/layer.tar")
	lp-toc --soci -q --size="$size" z >rows
	[ "$(wc -l <rows)" -gt 200 ]
	run -1 lp-toc --soci -q --size=$((size + 1)) z
	[ "$output" = "lp-toc: z: the table of contents is of a layer of $size bytes, and not of one of $((size + 1))" ]
	run -1 lp-toc --soci --digest=$ES_DIGEST z
	[ "$output" = "lp-toc: z: the table of contents does not match its digest $ES_DIGEST" ]
	run -1 lp-toc --soci -q /dev/null
	[[ $output = "lp-toc: /dev/null: byte 0: an offset lies outside"* ]]
	run -1 lp-toc --soci -q "$D/es"
	[[ $output = "lp-toc: $D/es: byte "* ]]
	# and what it is not: it has no first bytes to be known by
	run -1 lp-toc -q z
}

@test "SOCI: tables that lie: what was good is written, then one message with its byte" {
	local lie want
	while IFS='|' read -r lie want; do
		ztoc --edit "f = z['contents']['files']; $lie" "$FIX/layer.tar" z
		run -1 --separate-stderr lp-toc --soci -q -E z
		[[ $stderr = "lp-toc: z: byte "*": $want" ]]
		[[ -z $output || ${output##*$'\n'} = '#end'*complete=no* ]]
	done <<-'EOF'
		f[3]['offset'] = f[2]['offset']|a file does not lie behind the one before
		f[-1]['offset'] = 1 << 40|a file lies outside the layer
		[r for r in f if r['type'] == 'reg'][5]['size'] = -1|a file lies outside the layer
		f[7]['type'] = 'chunk'|an entry is of no known type
		f[7]['name'] = ''|an entry has no name
		z['version'] = '0.8'|not a SOCI table of contents of version 0.9
		z['compressed'] = -5|a size is negative
		z['info']['digests'] = []|there are not as many digests as spans
		z['info']['algorithm'] = 'gzip'|there are not as many checkpoints as it says
		z['contents'] = None|its list of files, or what it says of the compression, is missing
	EOF
}

@test "SOCI: one byte changed, in 400 places: never a row under a digest, and without one an answer or an error" {
	ztoc "$FIX/layer.tar" z
	python3 - "$(digest z)" "$(share 400)" <<-'PY'
	import random, subprocess, sys
	r = random.Random(7)
	good = open("z", "rb").read()
	for _ in range(int(sys.argv[2])):
	    bad = bytearray(good)
	    bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
	    p = subprocess.run(["lp-toc", "--soci", "--digest", sys.argv[1]], input=bad, capture_output=True, check=False)
	    assert p.returncode == 1 and not p.stdout and p.stderr, p
	    p = subprocess.run(["lp-toc", "--soci", "-q"], input=bad, capture_output=True, check=False, timeout=20)
	    assert p.returncode == (1 if p.stderr else 0), p
	PY
}

@test "SOCI: it lists, and goes with nothing else" {
	run -2 lp-toc --soci --locate --size=1
	[[ ${lines[0]} = *"--soci lists: not with --locate"* ]]
	run -2 lp-toc --soci --verify=x
	[[ ${lines[0]} = *"--soci lists: not with --verify"* ]]
	run -2 lp-toc --points
	[[ ${lines[0]} = *"--points: only SOCI's tables have any"* ]]
	run -2 lp-toc --soci --points -E
	[[ ${lines[0]} = *"--points prints no rows"* ]]
	run -2 lp-toc --size=1
	[[ ${lines[0]} = *"--size belongs to --locate and --soci"* ]]
}

@test "SOCI: --points: its checkpoints lead into the middle of the layer; without the first one, too" {
	local v1 at
	mkdir big
	seq 3000000 >big/numbers
	printf 'in the middle\n' >big/one
	seq 3000000 -1 1 >big/seq
	tar --sort=name -cf big.tar big
	gzip -6nc big.tar >layer
	lp-inflate --points=made layer | cmp - big.tar
	for v1 in '' --v1; do
		# shellcheck disable=SC2086 # a word or none
		ztoc $v1 --points made layer z
		lp-toc --soci --points --digest="$(digest z)" --size="$(stat -c %s layer)" z >points
		[ "$(stat -c %s points)" -gt 100000 ]
		at=$(lp-toc --soci -q -m big/one -o data_offset z)
		lp-inflate --use-points=points --range="$at-$((at + 13))" layer >got
		cmp got big/one
		lp-inflate --use-points=points --range=0-99999 layer | cmp - <(head -c 100000 big.tar)
	done
	ztoc "$FIX/layer.tar" z
	run -4 lp-toc --soci --points -q z
	[ "$output" = "lp-toc: z: the layer is not compressed: any byte can be read at once" ]
	# the second one's place in the layer
	ztoc --edit 'z["info"]["checkpoints"][12 + 32785 + 7] = 127' --points made layer z
	run -1 lp-toc --soci --points -q --size="$(stat -c %s layer)" z
	[[ $output = "lp-toc: z: byte "*": a checkpoint lies outside the layer" ]]
	ztoc layer z
	run -1 lp-toc --soci --points -q z
	[[ $output = "lp-toc: z: byte "*": a checkpoint does not lie behind the one before" ]]
}
