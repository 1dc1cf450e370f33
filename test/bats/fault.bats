#!/usr/bin/env bats
# Everything that can fail is made to fail, one call at a time, in the build
# where test/fault/wrap.c stands between the programs and the system: never a
# crash, never a leak, never exit 0 with something missing.

bats_require_minimum_version 1.5.0

setup_file()
{
	local top
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export FAULT_BIN=$top/build/fault/bin
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
	printf -- '-rw-r--r--\t0\t0\t3\t-\ta/b\t\n#end\tentries=1\tcomplete=yes\tbytes=1024\n' >base.tsv
	printf -- '----------\t0\t0\t0\t-\ta/.wh.b\t\n-rw-r--r--\t0\t0\t9\t-\tc\t\n' >app.tsv
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
}

# in_turn KIND [-i FILE] PROGRAM ARGUMENT...: fail each call of KIND in turn,
# until the program no longer reaches the Nth
in_turn()
{
	local kind=$1 input=/dev/null n=0 status program
	shift
	if [ "$1" = -i ]; then
		input=$2
		shift 2
	fi
	program=$FAULT_BIN/$1
	shift
	"$program" "$@" <"$input" >want 2>want.err
	while :; do
		n=$((n + 1))
		rm -f hit
		status=0
		env "LP_FAULT_$kind=$n" LP_FAULT_HIT=hit "$program" "$@" \
		    <"$input" >out 2>err || status=$?
		if grep -E 'Sanitizer|runtime error' err; then
			echo "$kind $n: a finding, status $status"
			return 1
		fi
		[ -s hit ] || break
		case $status in
		3) [ -s err ] || { echo "$kind $n: no message"; return 1; } ;;
		# a failure that was got over must have left no mark
		0) cmp out want || { echo "$kind $n: exit 0, other output"; return 1; } ;;
		*) echo "$kind $n: exit $status"; cat err; return 1 ;;
		esac
	done
	[ "$status" -eq 0 ] && cmp out want && [ "$n" -gt 1 ]
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
