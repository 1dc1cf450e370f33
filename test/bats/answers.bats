#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2210 # inner shells expand it; each test is a process; bats sets stderr; files called 1 and 2
# lp-peek's answers: the same whichever way they were come by, whole whatever
# cannot be kept, and every pair of options.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	mkdir a b c
	echo one >a/one
	echo two >b/two
	mkdir c/dev
	ln a/one a/uno
	ln -s one a/link
	for name in a b c; do
		tar --format=posix --pax-option=exthdr.name=%d/x,delete=atime,delete=ctime --owner=root:0 --group=root:0 \
		    --mtime=@1700000000 --sort=name -C $name -cf $name.tar .
	done
	gzip -nk a.tar c.tar
	zstd -q b.tar
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp
	mkdir tmp
	F=$BATS_FILE_TMPDIR
}

# ---- layers ---------------------------------------------------------------------------

@test "a layer that stands twice is that layer each time, also where it fails" {
	layout_make lay v1 "$F/a.tar.gz" "$F/b.tar" "$F/a.tar.gz" "$F/c.tar.gz"
	lp-peek -q --layer=1 oci:lay:v1 >first
	lp-peek -q --layer=2 oci:lay:v1 >second
	lp-peek -q --layer=3 oci:lay:v1 >third
	grep -q one first
	cmp first third
	run ! cmp -s first second
	lp-peek -q -j --layer=3 oci:lay:v1 >doc
	jq -e '.layers_peeked == 1 and .complete and .error == null and (.layers[0].entries | length) == (.layers[0].entries_found)' doc
	run -4 lp-peek -q --layer=5 oci:lay:v1
	# damaged: both of them have failed
	digest=$(sha256sum <"$F/a.tar.gz")
	printf 'xxxx' | dd of="lay/blobs/sha256/${digest%% *}" bs=1 seek=40 conv=notrunc status=none
	run -1 --separate-stderr lp-peek -q -j --no-cache oci:lay:v1
	jq -e '.layers_peeked == 2 and (.layers | map(.error != null)) == [true, false, true, false]' <<<"$output"
	# whoever looked for a table of contents in it has met the same
	[ "$stderr" = 'lp-peek: layer 1: lp-fetch: is corrupted' ]
}

@test "what all digests begin with names no layer" {
	layout_make lay v1 "$F/a.tar.gz" "$F/b.tar"
	for name in s sha2 sha256 sha256:; do
		run -4 --separate-stderr lp-peek -q --layer=$name oci:lay:v1
		[[ $output$stderr = 'lp-peek: oci:lay:v1 has no layer '* ]]
	done
	digest=$(sha256sum <"$F/b.tar")
	lp-peek -q --layer="${digest:0:12}" oci:lay:v1 | grep -q two
}

@test "an image without layers is a listing of nothing, in every form" {
	layout_make lay v1 "$F/a.tar"
	jq -nc '{architecture: "amd64", os: "linux", config: {}, rootfs: {type: "layers", diff_ids: []}}' >config
	jq -nc --argjson c "$(layout_blob lay config application/vnd.oci.image.config.v1+json)" \
	    '{schemaVersion: 2, config: $c, layers: []}' >manifest
	layout_blob lay manifest application/vnd.oci.image.manifest.v1+json |
	    jq '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "none"}}]}' >lay/index.json
	run -0 --separate-stderr lp-peek -j oci:lay:none
	jq -e '.complete and .error == null and .total_entries == 0 and .all_entries == []' <<<"$output"
	[ -z "$stderr" ]
	end=$'#end\tentries=0\tcomplete=yes\tbytes=0\tlayer='
	run -0 lp-peek -qE oci:lay:none
	[ "$output" = "$end" ]
	run -0 lp-peek -q --layers -E oci:lay:none
	[[ $output = $'#image\tname=oci:lay:none\t'*$'\tlayers=0' ]]
	run -4 lp-peek -q --find='*' oci:lay:none
	[ "$output" = 'lp-peek: *: no such path in oci:lay:none' ]
	run -4 lp-peek -q --find=a oci:lay:none
	[ "$output" = 'lp-peek: a: no such path in oci:lay:none' ]
	for question in --tree --du --diff=oci:lay:none; do
		run -0 lp-peek -q $question oci:lay:none
	done
	run -4 lp-peek -q --layer=1 oci:lay:none
}

@test "two images of which both fail: each says why, and the worse is the exit status" {
	layout_make lay v1 "$F/a.tar"
	for pair in 'oci:none:x oci:lay:none' 'oci:lay:none oci:none:x'; do
		read -r first second <<<"$pair"
		run -3 lp-peek -q "--diff=$second" "$first"
		[ "${#lines[@]}" -eq 2 ]
		[[ $output = *'No such file'* && $output = *'no image of that name'* ]]
	done
	# in the words of the program that found it
	run -4 lp-layers -q $'oci:lay:a\t\\b\e'
	said=${output#lp-layers: }
	run -4 lp-peek -q $'oci:lay:a\t\\b\e'
	[ "$output" = "lp-peek: $said" ]
}

@test "more layers than a process may have files open at first" {
	local i files=()
	for ((i = 1; i <= 40; i++)); do
		echo $i >"f$i"
		tar -cf "$i.tar" "f$i"
		files+=("$i.tar")
	done
	layout_make lay v1 "${files[@]}"
	ulimit -Sn 64
	lp-peek -q oci:lay:v1 | cut -f 6 | sort -V >got
	ulimit -Sn "$(ulimit -Hn)"
	printf 'f%d\n' {1..40} | cmp got -
}

# ---- columns, options -------------------------------------------------------------------

@test "--find of a path is --find of a pattern" {
	layout_make lay v1 "$F/a.tar.gz" "$F/b.tar"
	all=mode,uid,gid,size,mtime,name,linkname,typeflag,is_dir,is_symlink,uname,gname,devmajor,devminor,mtime_unix
	all=$all,header_offset,data_offset,xattrs,layer
	for name in one link two; do
		lp-peek -qHE -o $all --find="$name" oci:lay:v1 >path
		lp-peek -qHE -o $all --find="[${name:0:1}]${name:1}" oci:lay:v1 >pattern
		[ "$(wc -l <path)" -eq 3 ]
		grep -q $'^#end\tentries=1\tcomplete=yes' path
		cmp path pattern
		run -0 lp-peek -q --color=always --find="$name" oci:lay:v1
		eyes=$output
		run -0 lp-peek -q --color=always --find="[${name:0:1}]${name:1}" oci:lay:v1
		[ "$eyes" = "$output" ]
	done
	lp-peek -q --find=uno oci:lay:v1 | cmp - <(lp-peek -q --find='un?' oci:lay:v1)
}

@test "--diff: header and end record; a document of nothing found is exit 4" {
	layout_make one v1 "$F/a.tar"
	layout_make two v1 "$F/b.tar"
	run -0 lp-peek -qHE --diff=oci:two:v1 oci:one:v1
	[ "${lines[0]}" = "$(printf 'change\twhat\tmode\tuid\tgid\tsize\tmtime\tname\tlinkname\tlayer')" ]
	[[ ${lines[-1]} = $'#end\tentries=4\tcomplete=yes\t'* ]]
	[ "${#lines[@]}" -eq 6 ]
	for pattern in nothere 'not*'; do
		run -4 --separate-stderr lp-peek -qj --find="$pattern" oci:one:v1
		jq -e '.total_entries == 0 and .complete' <<<"$output"
		[ "$stderr" = "lp-peek: $pattern: no such path in oci:one:v1" ]
	done
}

@test "where things are kept: an empty --store is none, an empty --db is refused, neither goes with --no-cache" {
	echo '{}' >rules.json
	layout_make lay v1 "$F/a.tar.gz"
	fault_start reg rules.json --layout lay
	LP_STORE=$PWD/env lp-peek -q --plain-http -S '' "$(srv_addr reg)/a:v1" >/dev/null
	[ ! -e env ]
	[ -d cache/layer-peek/store ]
	LP_STORE=$PWD/env lp-peek -q --plain-http --refresh "$(srv_addr reg)/a:v1" >/dev/null
	[ -d env ]
	LP_CACHE=$PWD/my.db lp-peek -q --plain-http "$(srv_addr reg)/a:v1" >/dev/null
	[ -s my.db ]
	run -2 lp-peek --db= oci:lay:v1
	[ "${lines[0]}" = 'lp-peek: --db takes a file' ]
	run -2 lp-peek --no-cache -S x oci:lay:v1
	run -2 lp-peek --no-cache --db=x oci:lay:v1
	LP_STORE=$PWD/env2 LP_CACHE=$PWD/my2.db lp-peek -q --no-cache oci:lay:v1 >/dev/null
	[ ! -e env2 ] && [ ! -e my2.db ]
}

@test "--cat through links reads each layer once, also where nothing is kept" {
	mkdir -p l/usr/bin
	ln -s usr/bin l/bin
	ln -s dash l/usr/bin/sh
	echo dash >l/usr/bin/dash
	tar -C l -cf 0.tar .
	for i in 1 2 3; do noise $i 200000 >n$i && tar -cf $i.tar n$i; done
	layout_make lay v1 0.tar 1.tar 2.tar 3.tar
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	run -0 lp-peek -q --no-cache --stats=stats --cat=bin/sh --plain-http "$(srv_addr reg)/a:v1"
	[ "$output" = dash ]
	[ "$(downloaded stats)" -gt 600000 ]
	[ "$(downloaded stats)" -lt 700000 ]
	# and what was read to its end is known
	lp-peek -q --cat=bin/sh --plain-http "$(srv_addr reg)/a:v1"
	[ "$(lp-cache images -q | cut -f 6 | grep -c yes)" -ge 3 ]
}

@test "a layout in a directory whose name is no UTF-8" {
	dir=$(printf 'caf\xe9')
	layout_make "$dir" v1 "$F/b.tar"
	lp-peek -q --no-cache "oci:$dir:v1" | grep -q two
	lp-layers -qj "oci:$dir:v1" | jq -r .source_base64 | base64 -d | grep -aqF "oci:$dir@sha256:"
	layout_make plain v1 "$F/b.tar"
	lp-layers -qj oci:plain:v1 | jq -e 'has("source_base64") | not'
	# nor is a name cut that is longer than a message
	long=$(printf '%0250d/%0250d/%0250d/%0250d/%0250d' 1 2 3 4 5)
	mkdir -p "$long"
	layout_make "$long/lay" v1 "$F/b.tar"
	[ "$(lp-peek -q --no-cache --layers "oci:$long/lay:v1" | sed -n 's/^#image\tname=\([^\t]*\).*/\1/p')" = "oci:$long/lay:v1" ]
}

# ---- what is not to be had -----------------------------------------------------------------

@test "a store that cannot take a head is no reason not to list the layer" {
	echo '{}' >rules.json
	for i in 1 2 3; do noise $i 100000 >n$i && tar -cf $i.tar n$i; done
	layout_make lay v1 1.tar 2.tar 3.tar
	fault_start reg rules.json --layout lay
	image=$(srv_addr reg)/a:v1
	lp-peek -q --no-cache --plain-http "$image" >want
	lp-layers -q -S "$PWD/st" --plain-http "$image" >/dev/null
	# as a disk is full: nothing new in it, but what is there can be read
	mkdir -p st/ranges/sha256 st/tmp
	chmod 555 st/ranges st/ranges/sha256 st/blobs/sha256 st/tmp
	as_anybody lp-peek -q -S "$PWD/st" --plain-http "$image" >got 2>err
	cmp want got
	[ "$(grep -c 'the store: ' err)" -ge 1 ]
	chmod -R u+w st
}

# A database of the first schema, with another listing of the first layer: that is nobody's claim, and is not shown.
old_listing() {
	sqlite3 "$db" <"$LIB/schema1.sql" >/dev/null
	sqlite3 "$db" "INSERT INTO layer VALUES(7, '$(lp-layers -q -o digest oci:lay:v1 | head -n 1)', 99); INSERT INTO image VALUES(3, '$image');
		INSERT INTO image_layer VALUES(3, 0, 7);
		INSERT INTO listing VALUES(5, 7, 1, NULL, 1, 1000, NULL, '#end	entries=1	complete=yes	bytes=512	layer=', 1);
		INSERT INTO entry VALUES(5, 0, 'etc/old', '-', 420, 0, 0, 1, NULL, NULL, NULL, NULL)"
}

# bats test_tags=native
@test "no trouble of the cache changes an answer: locked, full, damaged, foreign, old, new; and it is said once" {
	local db=cache/layer-peek/listings.db store=cache/layer-peek/store image trouble lines
	layout_make lay v1 "$F/a.tar.gz" "$F/b.tar"
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	image=$(srv_addr reg)/a:v1
	lp-peek -q --no-cache "$image" >want
	grep -q two want
	lp-peek -q "$image" >got
	cp -r cache good
	# TROUBLE: LINES COMMAND... : how the cache was changed, and how many lines are said of it
	peeked() {
		# a sanitizer cannot look for leaks under strace
		ASAN_OPTIONS=detect_leaks=0 timeout 60 "${@:2}" lp-peek "$image" >got 2>err || { echo "$1: $?"; cat err; return 1; }
		cmp want got && [ "$(wc -l <err)" -eq "${1##*: }" ] || { echo "$1"; cat err; return 1; }
		rm -rf cache
		cp -r good cache
	}
	for trouble in 'rm $db: 0' 'noise 1 20000 >$db: 1' 'noise 2 1000 | dd of=$db bs=1 seek=100 conv=notrunc status=none: 1' \
	    'rm $db; sqlite3 $db "CREATE TABLE a(b)": 1' 'rm $db; mkdir $db: 1' 'sqlite3 $db "PRAGMA user_version = 99": 1' \
	    'rm $db; old_listing: 0' \
	    'rm -r $db $store; echo >$store: 1' 'rm $db; echo x >$store/oci-layout: 1' \
	    'rm $db; for b in $store/blobs/sha256/*; do echo >$b; done: 0'; do
		echo "# $trouble"
		eval "${trouble%: *}"
		peeked "$trouble"
	done
	# a disk that is full, from the start and later; a lock does not know calls that are made to fail
	export LP_SANDBOX=off
	rm -r cache
	peeked 'full: 1' strace -f -qq -o calls -e inject=renameat:error=ENOSPC
	rm $db $store/blobs/sha256/*
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e inject=renameat:error=ENOSPC lp-peek "$image" >got 2>err
	unset LP_SANDBOX
	cmp want got
	grep -q 'the store: No space left on device: it is not kept$' err
	# locked for as long as it takes: the store, by a process that is stopped
	mkfifo gate
	rm -r cache
	cp -r good cache
	rm -r $db $store/blobs/sha256/*
	echo '{"schemaVersion":2,"manifests":[]}' >$store/index.json
	flock $store sh -c 'echo >went; kill -STOP $$' 3>&- &
	writer=$!
	wait_for test -s went
	peeked 'store: 1'
	pkill -CONT -P $writer
	wait $writer
	rm went
	for lock in 'BEGIN IMMEDIATE' 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x(a)'; do
		rm -rf cache
		cp -r good cache
		sqlite3 $db "$lock" '.system echo >went; read -r line <gate' 3>&- &
		writer=$!
		wait_for test -e went
		lp-peek "$image" >got 2>err
		cmp want got
		lp-peek --refresh "$image" >got 2>>err
		cmp want got
		echo >gate
		wait $writer
		rm went
		[[ $lock = BEGIN* ]] || [ "$(wc -l <err)" -eq 2 ]
		run ! grep -v 'database is locked$' err
	done
}

# bats test_tags=native
@test "lp-peek's own files of rows fail: one message, exit 3" {
	tar -cf x.tar -C "$BATS_TEST_DIRNAME" answers.bats
	layout_make lay v1 x.tar
	lp-peek -q oci:lay:v1 >got
	[ -s got ]
	# a lock does not know calls that are made to fail, a sanitizer cannot look for leaks under strace
	export LP_SANDBOX=off ASAN_OPTIONS=detect_leaks=0
	run -3 strace -f -qq -o calls -e inject=sendfile:error=ENOSPC lp-peek -q oci:lay:v1
	[ "$output" = 'lp-peek: cannot handle listings: No space left on device' ]
	run -3 strace -f -qq -o calls -e inject=ftruncate:error=EIO:when=3 lp-peek -q --no-cache --cat=answers.bats oci:lay:v1
	[ "$output" = 'lp-peek: cannot handle listings: Input/output error' ]
}

@test "a listing that is cut off within a row: the other layers are shown" {
	mkdir many
	for i in {1..600}; do echo x >"many/a-name-of-some-length-$i"; done
	tar -cf many.tar many
	layout_make lay v1 many.tar "$F/b.tar"
	# of 1024 bytes each
	run -3 --separate-stderr bash -c 'ulimit -f 20; lp-peek -qc --no-cache oci:lay:v1'
	grep -q $'\ttwo\t\t2$' <<<"$output"
	[ "$(grep -c 'a-name-of-some-length' <<<"$output")" -gt 10 ]
	[[ $stderr = *'layer 1: '*'File too large'* ]]
}

@test "a head from which nothing can be decoded yet is a preview of nothing" {
	# the first block of zstd needs all of its bytes
	noise z 150000 | base64 -w 0 >text
	tar -cf z.tar text
	zstd -q z.tar
	layout_make lay v1 z.tar.zst "$F/b.tar"
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	for n in 20 4096 65536; do
		run -0 --separate-stderr lp-peek -q --refresh --plain-http -n $n -j "$(srv_addr reg)/a:v1"
		jq -e '.error == null and .layers[0].error == null and .layers[0].partial' <<<"$output"
	done
	run -0 lp-tarls -qE --part </dev/null
	[ "$output" = $'#end\tentries=0\tcomplete=no\tbytes=0\tlayer=' ]
	run -4 lp-tarls -qC --part </dev/null
	run -1 lp-tarls -q </dev/null
}

@test "statistics: a file that takes none is no success, and each line is one write" {
	layout_make lay v1 "$F/a.tar" "$F/b.tar" "$F/c.tar"
	run -3 lp-peek -q --no-cache --stats=/dev/full oci:lay:v1
	[[ $output = *'cannot write the statistics'* ]]
	strace -y -o log -e trace=write,writev lp-peek -q --no-cache --stats="$PWD/stats" oci:lay:v1 >/dev/null
	grep -F "<$PWD/stats>" log >writes
	[ "$(wc -l <writes)" -eq "$(wc -l <stats)" ]
	[ "$(wc -l <stats)" -gt 5 ]
	jq -es 'all(type == "object")' stats
}

@test "no pager on the machine: the rows are there" {
	layout_make lay v1 "$F/a.tar" "$F/b.tar"
	mkdir bin
	for tool in sh bash stty cat; do ln -s "$(command -v $tool)" bin/; done
	for pager in 'unset LP_PAGER' 'export LP_PAGER=nosuchpager' "export LP_PAGER='nosuchpager -x | cat'"; do
		rm -f tty
		script -qec "$pager; unset PAGER; PATH=$LP_BIN:$PWD/bin TERM=xterm; export PATH TERM; lp-peek --no-cache --color=never oci:lay:v1; echo exit \$?" \
		    tty </dev/null >/dev/null
		cat tty
		case $pager in
		*'|'*) grep -q 'exit [03]' tty ;;
		*)
			grep -q two tty
			grep -q 'exit 0' tty
			;;
		esac
	done
}

# ---- the same answer ------------------------------------------------------------------------

# Everything that lp-peek tells of $1, with the options behind it, that does not depend on how it came by it.
tell() {
	local all=mode,uid,gid,size,mtime,name,linkname,typeflag,uname,gname,devmajor,devminor,header_offset,data_offset,xattrs,layer
	lp-peek -qcHE -o $all "$@" | sed 's/complete=inferred\(.*\)\torigin=[^\t]*/complete=yes\1/'
	lp-peek -qc --du "$@"
	lp-peek -qc --tree "$@"
	lp-peek -qc --find='*o*' "$@"
	lp-peek -qc --find=two "$@"
	lp-peek -qc --cat=link "$@"
	# and what is not there, in which words
	lp-peek -qc --cat=nothere "$@" 2>&1 | sed 's/ in [^ ]*$//' || echo "exit $?"
	lp-peek -qc --find=nothere "$@" 2>&1 | sed 's/ in [^ ]*$//' || echo "exit $?"
	lp-peek -qc --check "$@" 2>&1 || echo "exit $?"
	lp-peek -qcj --layers "$@" | jq -S 'del(.image, .total_bytes_downloaded, .layers_from_cache) |
		.layers |= map(del(.bytes_downloaded, .bytes_decompressed, .from_cache, .origin))'
	script -qec "stty cols 100; $(printf '%q ' lp-peek -c --no-pager "$@")" /dev/null </dev/null | tr -d '\r' |
	    grep -aoE '[0-9]+ layers?, [0-9,]+ entries, [a-z]+'
}

@test "rows, columns, counts and exit status are the same from the network, the store, the database, a layout, offline" {
	layout_make lay v1 "$F/a.tar.gz" "$F/b.tar.zst" "$F/c.tar"
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	image=$(srv_addr reg)/a:v1
	export TERM=xterm
	tell --plain-http --no-cache "$image" >want
	[ "$(wc -l <want)" -gt 30 ]
	grep -q '^3 layers, [0-9]* entries, complete' want
	tell --plain-http "$image" | diff want -
	# now from the database
	tell --plain-http "$image" | diff want -
	tell --offline "$image" | diff want -
	# from the store alone
	lp-layers -q --plain-http -S "$PWD/st" -o source "$image" | lp-fetch -q --fill -a -S "$PWD/st" --plain-http
	tell --plain-http -S "$PWD/st" --db="$PWD/new.db" --refresh "$image" | diff want -
	tell --offline -S "$PWD/st" --db="$PWD/other.db" "$image" | diff want -
	# from where they lie
	tell --no-cache oci:lay:v1 | diff want -
	tell oci:lay:v1 | diff want -
	tell oci:lay:v1 | diff want -
}

@test "a table of contents and the layer itself give the same rows and counts" {
	layout_make lay v1 "$F/b.tar" "$FIX/layer.estargz"
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	image=$(srv_addr reg)/a:v1
	lp-tarls -qE "$F/b.tar" >1
	lp-inflate -q <"$FIX/layer.estargz" | lp-tarls -qE >2
	# but for the files that only a builder of such layers puts there, and a name that JSON cannot hold
	for question in '' '--find=*a*' --du; do
		lp-peek -q -c --no-cache --plain-http ${question:+"$question"} "$image" | grep -v 'prefetch.landmark\|latin1' >by-toc
		case $question in
		'') lp-merge -q -o mode,uid,gid,size,mtime,name,linkname,layer 1 2 ;;
		--du) lp-merge -q --du 1 2 ;;
		*) lp-merge -q -a -m '*a*' 1 2 ;;
		esac | grep -v 'prefetch.landmark\|stargz.index\|latin1' >whole
		[ "$(wc -l <whole)" -gt 10 ]
		echo "# $question"
		diff <(grep -v $'\t\\.$' whole) <(grep -v $'\t\\.$' by-toc)
	done
}

@test "while a layer comes: a bar for it and one for all, and how long the rest may take" {
	noise 1 400000 >one
	noise 2 200000 >two
	tar -cf one.tar one
	tar -cf two.tar two
	layout_make slow v1 one.tar two.tar
	srv_init
	lp-layers -o digest oci:slow:v1 | jq -R --arg dir "$PWD/slow/blobs/sha256" \
	    '{ key: "/v2/a/blobs/\(.)", value: [{ file: "\($dir)/\(.[7:])", rate: 120000 }] }' | jq -s from_entries >rules.json
	fault_start reg rules.json --layout slow
	script -qec "stty cols 100; lp-peek -c --no-cache $(srv_addr reg)/a:v1" /dev/null </dev/null | tr '\r' '\n' >said
	grep -E 'layer 1  .* of 400 KiB' said
	grep -E 'in all   .* of 600 KiB  .* %  [0-9]+ s left$' said
}
