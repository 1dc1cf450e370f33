#!/usr/bin/env bats
# shellcheck disable=SC2086,SC2154 # words of options; bats assigns stderr
# Everything that can fail is made to fail, one call at a time, in the build
# where test/fault/wrap.c stands between the programs and the system: never a
# crash, never a leak, never exit 0 with something missing.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	export FAULT_BIN=$TOP/build/fault/bin PRELOAD=$TOP/build/fault/preload.so
	# where libraries' allocations fail: under their locks
	shipped
	export ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1
	export UBSAN_OPTIONS=print_stacktrace=1
	export IN=$BATS_FILE_TMPDIR/in
	mkdir -p "$IN/tree/d" "$IN/store"
	cd "$IN" || return
	printf 'one\n' >tree/one
	ln tree/one tree/uno
	ln -s one "tree/a link with a name that is $(printf 'long%.0s' {1..30})"
	head -c 5000 /dev/zero >tree/d/zeros
	tar --format=posix --sort=name --mtime=@0 --owner=0 --group=0 \
	    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
	    -cf layer.tar tree
	tar --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 -cf gnu.tar tree
	gzip -n <layer.tar >layer.gz
	zstd -q <layer.tar >layer.zst
	printf '{"version":1,"entries":[{"name":"d/","type":"dir","mode":493},%s]}' \
	    '{"name":"d/f","type":"reg","size":3,"mode":420,"uid":1,"userName":"u","xattrs":{"user.a":"YQ=="},"offset":9}' \
	    >stargz.index.json
	tar -cf - stargz.index.json | gzip -n >toc.gz
	zstd -q <stargz.index.json >toc.zst
	mkdir d
	printf 'abc' >d/f
	tar --format=posix --sort=name --mtime=@0 --owner=0 --group=0 -cf listed.tar d
	printf '{"version":1,"entries":[{"name":"d/","type":"dir","mode":%d},%s]}' "0$(stat -c %a d)" \
	    "{\"name\":\"d/f\",\"type\":\"reg\",\"size\":3,\"mode\":$((0$(stat -c %a d/f))),\"offset\":9}" >stargz.index.json
	zstd -q <stargz.index.json >listed.zst
	# a zstd:chunked footer: offset, stored and raw length of a table, type, no tar-split
	printf 'P*M\x18@\0\0\0%b%b%b%b%24sGNUlInUx' '\0\x01\0\0\0\0\0\0' '\x10\0\0\0\0\0\0\0' '\x20\0\0\0\0\0\0\0' \
	    '\x01\0\0\0\0\0\0\0' '' | tr ' ' '\0' >footer
	srv_init
	layout_make layout app layer.gz
	LAYER=sha256:$(sha256sum <layer.gz | cut -c 1-64)
	export LAYER
	echo '{}' >rules.json
	fault_start reg rules.json --layout "$IN/layout"
	export HOST
	HOST=$(srv_addr reg)
	printf -- '-rw-r--r--\t0\t0\t3\t-\ta/b\t\n#end\tentries=1\tcomplete=yes\tbytes=1024\n' >base.tsv
	printf -- '----------\t0\t0\t0\t-\ta/.wh.b\t\n-rw-r--r--\t0\t0\t9\t-\tc\t\n' >app.tsv
}

# What the last run has left goes; without a fork where that is nothing but an empty `hit`.
afresh()
{
	: >hit
	if [ -e store ] || [ -e db ]; then
		rm -rf store db
	fi
}

# in_turn KIND [-i FILE] PROGRAM ARGUMENT...: fail each call of KIND in turn,
# until the program no longer reaches the Nth. STEP: only each STEPth call,
# where there are many and each run starts programs
in_turn()
{
	local kind=$1 input=/dev/null n=$((1 - ${STEP:-1})) status program said leaks
	shift
	if [ "$1" = -i ]; then
		input=$2
		shift 2
	fi
	program=$FAULT_BIN/$1
	shift
	"$program" "$@" <"$input" >want 2>want.err
	export "LP_FAULT_$kind" LP_FAULT_HIT=hit
	while :; do
		n=$((n + ${STEP:-1}))
		afresh
		# to look for leaks costs more than all else: of those far in, for one in four
		leaks=$((n <= 40 || n % 4 == 0))
		status=0
		declare -x "LP_FAULT_$kind=$n"
		ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=$leaks "$program" "$@" <"$input" >out 2>err || status=$?
		said=''
		read -rd '' said <err || :
		if [[ $said = *Sanitizer* || $said = *'runtime error'* ]]; then
			echo "$kind $n: a finding, status $status"
			cat err
			return 1
		fi
		[ -s hit ] || break
		case $status in
		3) [ -n "$said" ] || { echo "$kind $n: no message"; return 1; } ;;
		# a failure that was got over must have left no mark
		0) cmp out want || { echo "$kind $n: exit 0, other output"; return 1; } ;;
		*) echo "$kind $n: exit $status"; cat err; return 1 ;;
		esac
	done
	unset "LP_FAULT_$kind" LP_FAULT_HIT
	[ "$status" -eq 0 ]
	cmp out want
	# some need no memory of their own; all read and write
	[ "$n" -gt 1 ] || [ "$kind" = ALLOC ]
}

# libraries_in_turn [-i FILE] PROGRAM ARGUMENT...: each allocation, whoever asks
# for it, in the program that is shipped. What was kept before is gone.
libraries_in_turn()
{
	local input=/dev/null n=1 status name=$1
	if [ "$1" = -i ]; then
		input=$2
		name=$3
		shift 2
	fi
	shift
	rm -rf store db
	status=0
	"$RELEASE/$name" "$@" <"$input" >want 2>want.err || status=$?
	[ "$status" -eq 0 ]
	while :; do
		afresh
		status=0
		LD_PRELOAD="$PRELOAD" LP_FAULT_ANY=$n LP_FAULT_IN="$name" LP_FAULT_HIT=hit \
		    "$RELEASE/$name" "$@" <"$input" >out 2>err || status=$?
		[ -s hit ] || break
		case $status in
		3) [ -s err ] || { echo "$n: no message"; return 1; } ;;
		0) cmp out want || { echo "$n: exit 0, other output"; return 1; } ;;
		*) echo "$n: exit $status"; cat err; return 1 ;;
		esac
		n=$((n + ${STEP:-1}))
	done
	[ "$status" -eq 0 ]
	cmp out want
	[ "$n" -gt 1 ]
}

# rough PROGRAM...: interrupted and one byte at a time, the result is the same
rough()
{
	local input=/dev/null program
	if [ "$1" = -i ]; then
		input=$2
		shift 2
	fi
	program=$FAULT_BIN/$1
	shift
	"$program" "$@" <"$input" >want
	LP_FAULT_EINTR=1 LP_FAULT_SHORT=1 "$program" "$@" <"$input" >out
	cmp out want
}

all_kinds()
{
	local kind
	for kind in ALLOC WRITE READ; do
		in_turn "$kind" "$@"
	done
	rough "$@"
}

@test "lp-inflate: gzip, each failure in turn" { all_kinds -i "$IN/layer.gz" lp-inflate; }
@test "lp-inflate: zstd, each failure in turn" { all_kinds -i "$IN/layer.zst" lp-inflate; }
@test "lp-inflate: zlib, each failure in turn" { all_kinds -i "$IN/layer.gz" lp-inflate --engine zlib; }
@test "lp-tarls: TSV, each failure in turn" { all_kinds -i "$IN/layer.tar" lp-tarls -E; }
@test "lp-tarls: NDJSON, each failure in turn" { all_kinds -i "$IN/gnu.tar" lp-tarls -j; }
@test "lp-tarls: --frugal, each failure in turn" { all_kinds -i "$IN/layer.gz" lp-tarls --frugal -E; }
@test "lp-tarls: long form, each failure in turn" { all_kinds -i "$IN/layer.tar" lp-tarls -l; }
@test "lp-merge: each failure in turn" { all_kinds lp-merge -E "$IN/base.tsv" "$IN/app.tsv"; }
@test "lp-merge: what else it shows, each allocation in turn" {
	for view in --summary --diff --du=1 -a -oncdu -omtree; do
		STEP=4 in_turn ALLOC lp-merge $view "$IN/base.tsv" "$IN/app.tsv"
		[ -s want ]
	done
}
@test "lp-show: a table, each failure in turn" { all_kinds -i "$IN/app.tsv" lp-show; }
@test "lp-show: what else it shows, each allocation in turn" {
	for view in --tree --rows --diff --document --resolve=c '--tree -j' '--diff -j'; do
		set -- "$IN/base.tsv"
		[[ $view != --diff* ]] || set -- "$@" "$IN/app.tsv"
		in_turn ALLOC lp-show $view "$@"
		[ -s want ]
	done
	lp-merge -q --summary "$IN/base.tsv" "$IN/app.tsv" >summary
	lp-merge -q --waste "$IN/base.tsv" "$IN/app.tsv" >waste
	lp-merge -q --du "$IN/base.tsv" "$IN/app.tsv" >sizes
	echo '{"layers":[{"size":1,"created_by":"a"}]}' >about
	in_turn ALLOC lp-show --history --about=about summary
	in_turn ALLOC lp-show --waste waste
	in_turn ALLOC lp-show --html --about=about "$IN/base.tsv"
	in_turn ALLOC lp-show --du --title=title --notes=about sizes
}
@test "lp-toc: a gzip table, each failure in turn" { all_kinds -i "$IN/toc.gz" lp-toc -E; }
@test "lp-toc: a zstd table, each failure in turn" { all_kinds -i "$IN/toc.zst" lp-toc -j; }
@test "lp-toc: a table that is checked, each failure in turn" {
	all_kinds -i "$IN/toc.zst" lp-toc --digest="sha256:$(sha256sum <"$IN/toc.zst" | cut -c 1-64)"
}
@test "lp-toc: a layer against its table, each failure in turn" {
	# that they agree is no line of output
	in_turn ALLOC -i "$IN/listed.tar" lp-toc --verify="$IN/listed.zst"
	in_turn READ -i "$IN/listed.tar" lp-toc --verify="$IN/listed.zst"
	rough -i "$IN/listed.tar" lp-toc --verify="$IN/listed.zst"
}
# no allocation is made for it
@test "lp-toc: a footer, each failure in turn" {
	in_turn WRITE -i "$IN/footer" lp-toc --locate --size=1M
	in_turn READ -i "$IN/footer" lp-toc --locate --size=1M
	rough -i "$IN/footer" lp-toc --locate --size=1M
}
@test "lp-toc: annotations, each failure in turn" {
	local text='{"io.github.containers.zstd-chunked.manifest-position": "256:16:32:1"}'
	in_turn ALLOC lp-toc --locate --size=1M --annotations="$text"
	in_turn WRITE lp-toc --locate --size=1M --annotations="$text"
}

# a layout, and the two forms of a saved image, of one layer each
images()
{
	local config layer manifest blobs=layout/blobs/sha256 oci=application/vnd.oci.image
	mkdir -p "$blobs" old/aaa
	printf '{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["%s"]},"history":[{"created_by":"x"}]}' \
	    "sha256:$(printf '0%.0s' {1..64})" >config.json
	config=$(sha256sum <config.json | cut -c 1-64)
	layer=$(printf '1%.0s' {1..64})
	printf '{"schemaVersion":2,"config":{"mediaType":"%s","digest":"sha256:%s","size":%d},"layers":[%s]}' \
	    "$oci.config.v1+json" "$config" "$(stat -c %s config.json)" \
	    "{\"mediaType\":\"$oci.layer.v1.tar\",\"digest\":\"sha256:$layer\",\"size\":9,\"annotations\":{\"a\":\"b\"}}" >manifest
	manifest=$(sha256sum <manifest | cut -c 1-64)
	cp config.json "$blobs/$config"
	cp manifest "$blobs/$manifest"
	printf '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
	printf '{"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%d}]}' \
	    "$oci.manifest.v1+json" "$manifest" "$(stat -c %s manifest)" >layout/index.json
	echo '[{"Config":"config.json","RepoTags":["x:1"],"Layers":["old/aaa/layer.tar"]}]' >manifest.json
	echo layer >old/aaa/layer.tar
	echo '{"id":"aaa","container_config":{"Cmd":["x"]}}' >old/aaa/json
	echo '{"x":{"1":"aaa"}}' >old/repositories
	tar -cf new.tar manifest.json config.json old/aaa/layer.tar
	tar -C old -cf old.tar repositories aaa
}
@test "lp-layers: a layout, each failure in turn" { images && all_kinds lp-layers -E oci:layout; }
@test "lp-layers: NDJSON, each failure in turn" { images && all_kinds lp-layers -j oci:layout; }
@test "lp-layers: a saved image, each failure in turn" { images && all_kinds lp-layers docker-archive:new.tar:x:1; }
@test "lp-layers: an old saved image, each failure in turn" { images && all_kinds lp-layers -j docker-archive:old.tar; }
@test "lp-cat: one member, each failure in turn" { all_kinds -i "$IN/layer.tar" lp-cat tree/d/zeros; }
@test "lp-cat: a link that is followed, each failure in turn" { all_kinds lp-cat -f "$IN/layer.tar" -L tree/uno; }
@test "lp-cat: a tar of some, each failure in turn" { all_kinds -i "$IN/layer.tar" lp-cat --tar -m '*one'; }
@test "lp-fetch: a file, each failure in turn" { all_kinds lp-fetch -a "$IN/layer.gz"; }
@test "lp-fetch: stdin, each failure in turn" { all_kinds -i "$IN/layer.gz" lp-fetch -n 512 -; }
@test "lp-fetch: a layout, each failure in turn" { all_kinds lp-fetch -a "oci:$IN/layout@$LAYER"; }
@test "lp-fetch: a registry and a store, each failure in turn" {
	all_kinds lp-fetch --plain-http --retries=0 -S store -a "$HOST/app@$LAYER"
}
@test "lp-fetch: what the disk has lost is fetched again; a store that turns read-only is said once" {
	local option n source=$HOST/app@$LAYER
	"$FAULT_BIN/lp-fetch" --plain-http -a "$source" >want
	# of a range, and of a blob: each read in turn
	for option in '-n 100' -a; do
		for n in {1..12}; do
			rm -rf st
			# shellcheck disable=SC2086 # words
			"$FAULT_BIN/lp-fetch" --plain-http -q -S st $option "$source" >got
			LP_FAULT_READ=$n run --separate-stderr bash -c '"$@" >got' - "$FAULT_BIN/lp-fetch" --plain-http -O -S st -n 100 "$source"
			[ "$status" -eq 0 ] || [[ $status:$stderr == 3:*'Input/output error' ]]
			LP_FAULT_READ=$n "$FAULT_BIN/lp-fetch" --plain-http -S st -n 100 "$source" >got 2>>"again$option" || [ $? -eq 3 ]
			head -c "$(stat -c %s got)" want | cmp - got
		done
	done
	# a blob that can be read the second time is right
	grep -qx "lp-fetch: $source: the store's copy is corrupted behind byte 0: fetching it again" 'again-n 100'
	run ! grep 'the store: ' again*
	# two gaps
	rm -rf st
	"$FAULT_BIN/lp-fetch" --plain-http -q -S st -r 50-50 "$source" >got
	# LeakSanitizer does not run under strace
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -qq -o calls -e inject=renameat:error=EROFS \
	    "$FAULT_BIN/lp-fetch" --plain-http -S st -n 100 "$source" >got 2>err
	head -c 100 want | cmp - got
	[ "$(cat err)" = "lp-fetch: $source: the store: Read-only file system: it is not kept" ]
	[ -z "$(find st -name '.lp-*')" ]
}
@test "lp-layers: a registry and a store, each failure in turn" {
	all_kinds lp-layers --plain-http --retries=0 -S store "$HOST/app:app"
}
@test "lp-cache: a listing in, each failure in turn" {
	# what is kept must not depend on what failed before: a database for each run
	in_turn ALLOC -i "$IN/base.tsv" lp-cache --db=db/c.db put --layer="$LAYER"
	in_turn READ -i "$IN/base.tsv" lp-cache --db=db/c.db put --layer="$LAYER"
}
@test "lp-cache: a search, each failure in turn" {
	"$FAULT_BIN/lp-cache" --db=kept/c.db put --layer="$LAYER" <"$IN/base.tsv"
	# SQLite reads by itself
	for kind in ALLOC WRITE; do
		in_turn $kind lp-cache --db=kept/c.db search b
		in_turn $kind lp-cache --db=kept/c.db export -j
	done
}
@test "lp-peek: a layout, each failure in turn" {
	export LP_FAULT_IN=lp-peek
	for kind in ALLOC READ; do
		STEP=${FAULT_STEP:-7} in_turn $kind lp-peek -q --no-cache "oci:$IN/layout"
	done
	# whose rows are written by a function of its own
	for kind in ALLOC WRITE READ; do
		STEP=${FAULT_STEP:-7} in_turn $kind lp-peek -q --no-cache --layers "oci:$IN/layout"
	done
	unset LP_FAULT_IN
	# and all that it starts
	rough lp-peek -q --no-cache "oci:$IN/layout"
}
# of the two that it starts together, the second may find no descriptor
@test "lp-peek: with however few descriptors, the reason and no more; and what is beside it is what it starts" {
	ASAN_OPTIONS+=:detect_stack_use_after_return=1
	cp -r "$IN/layout" other
	# nor are programs taken from elsewhere that are beside it
	for p in layers fetch inflate tarls merge; do
		printf '#!/bin/sh\nexit 77\n' >lp-$p
		chmod +x lp-$p
	done
	PATH=$PWD:$PATH
	for ((n = 8; n <= 26; n += 1)); do
		status=0
		(ulimit -n $n && exec "$FAULT_BIN/lp-peek" -qc --no-cache --diff=oci:other "oci:$IN/layout") 2>err || status=$?
		case $status in
		0) [ ! -s err ] ;;
		3) [ "$(wc -l <err)" -eq 1 ] && grep -q ': Too many open files$' err ;;
		*) false ;;
		esac || { echo "$n descriptors: exit $status"; cat err; return 1; }
		ends+=" $status"
	done
	[[ $ends == *" 3 "* && $ends == *" 0" ]]
}
# FAULT_STEP=1 looks at each one; libcurl and OpenSSL have thousands
@test "each allocation of every program's libraries in turn, as it is shipped" {
	images
	libraries_in_turn -i "$IN/layer.gz" lp-inflate
	libraries_in_turn -i "$IN/layer.zst" lp-inflate
	libraries_in_turn -i "$IN/layer.gz" lp-inflate --engine=zlib
	libraries_in_turn -i "$IN/layer.tar" lp-tarls -j
	libraries_in_turn lp-merge -E "$IN/base.tsv" "$IN/app.tsv"
	libraries_in_turn -i "$IN/app.tsv" lp-show
	libraries_in_turn -i "$IN/layer.tar" lp-cat tree/d/zeros
	libraries_in_turn -i "$IN/toc.zst" lp-toc -j
	libraries_in_turn -i "$IN/toc.gz" lp-toc -E
	libraries_in_turn lp-layers -j oci:layout
	STEP=${FAULT_STEP:-41} libraries_in_turn -i "$IN/base.tsv" lp-cache --db=db/c.db put --layer="$LAYER"
	"$RELEASE/lp-cache" --db=kept/c.db put --layer="$LAYER" <"$IN/base.tsv"
	STEP=${FAULT_STEP:-17} libraries_in_turn lp-cache --db=kept/c.db search b
	STEP=${FAULT_STEP:-97} libraries_in_turn lp-fetch --plain-http --retries=0 -S store -a "$HOST/app@$LAYER"
	STEP=${FAULT_STEP:-97} libraries_in_turn lp-layers --plain-http --retries=0 -S store "$HOST/app:app"
	STEP=${FAULT_STEP:-41} libraries_in_turn lp-peek -q --no-cache "oci:$IN/layout"
}
@test "a list of sources that memory does not hold: exit 3 and the reason, not the sources that fit" {
	local kib status ends=''
	mkdir st
	"$RELEASE/lp-fetch" -q --store-gc=1G -S st
	{ yes "# $(printf 'x%.0s' {1..96})" | head -n 60000 || :; echo "localhost:1/app@$LAYER"; } >list
	for ((kib = 6000; kib <= 16000; kib += 1000)); do
		status=0
		(ulimit -v "$kib" && exec "$RELEASE/lp-fetch" -O --fill -S st <list) 2>err || status=$?
		[[ $status =~ ^(3|4|127)$ && $(wc -l <err) -eq 1 ]] || { echo "$kib KiB: $status"; cat err; return 1; }
		ends+=" $status"
	done
	[[ $ends == *" 3 "*" 4" ]]
}
@test "memory that is not to be had, wherever: exit 3, never a signal" {
	local kib status ends=''
	for p in lp-tarls lp-inflate; do
		for kib in $(seq 2400 24 7000); do
			status=0
			(ulimit -v "$kib" && exec "$RELEASE/$p" "$IN/layer.tar") >out 2>err || status=$?
			# 127: not even the loader
			[[ $status =~ ^(0|3|127)$ ]] || { echo "$p in $kib KiB: $status"; cat err; return 1; }
			ends+=" $status"
		done
	done
	[[ $ends == *" 3 "* && $ends == *" 0 "* ]]
}

@test "a read that fails behind a jump leaves no row, which nothing has proven" {
	mkdir lay
	for i in 1 2 3; do
		noise $i 2500000 | od -An -v -tx1 >lay/large$i
		noise s$i 3000 >lay/small$i
	done
	tar --format=ustar --sort=name -cf - lay | gzip -n >large.gz
	jumps() { sed -n 's/.*, in \([0-9]*\) pieces; \([0-9]*\) jumps$/\1 \2/p' err; }
	"$FAULT_BIN/lp-tarls" --frugal -v large.gz 2>err >/dev/null
	read -r pieces n < <(jumps)
	[ "$n" -gt 0 ]
	run -3 --separate-stderr env LP_FAULT_READ="$pieces" "$FAULT_BIN/lp-tarls" --frugal -EH -o name large.gz
	[ "$stderr" = 'lp-tarls: large.gz: Input/output error' ]
	[[ ${#lines[@]} -eq 2 && ${lines[0]} == name && ${lines[1]} == *entries=0*complete=no* ]]
}

@test "a read that fails loses no row that has come, in any form" {
	head -c 3000000 /dev/zero >zeros
	tar --format=ustar -cf zeros.tar zeros
	for form in '' -j -l; do
		# shellcheck disable=SC2016,SC2086 # the inner shell expands it; an option or none
		run -3 --separate-stderr bash -c 'cat zeros.tar | LP_FAULT_READ=2 "$FAULT_BIN/lp-tarls" -q "$@"' - $form
		[ "${#lines[@]}" -eq 1 ]
		[[ $output = *zeros* ]]
		[ "$stderr" = 'lp-tarls: <stdin>: Input/output error' ]
	done
}
