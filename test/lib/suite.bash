# suite.bash: what every test file stands on, to be loaded at its top
#
#	load ../lib/suite
#
# Loading sets, for setup_file and for each test,
#	TOP LIB FIX	the tree, test/lib and fixtures/indexed
#	LP_BIN		the programs that are tested, in PATH before all
#			others: those of the release build if nobody says
# and leaves nothing of the user's own: stores, credentials, proxies, colours,
# the pager, the language. A test finds its folder empty, and HOME is there.
# What setup_file exports, tests have, unless it is one of these.
#
# A pipeline fails where any part of it does (pipefail), so nothing is on the
# left of what stops reading early, but our own programs, for which that is
# no failure: write `grep X` for `grep -q X`, `sed -n 1p` for `head -n 1`.
#
# A test that passes whatever the programs do is worth nothing. So each is run
# twice, at first with programs that do nothing, in a folder of its own that
# goes again, and then it must fail. Which may pass, and which files are about
# something else, stands in test/nothing.known with its reason. A setup that
# does not go to its own_folder says `judged` itself.
#
#	own_folder		go to the test's folder, which is HOME, when
#				the test was judged; what setup does in files
#				that have none
#	judged			the test fails with programs that do nothing
#	shipped			in setup_file, sets RELEASE: the programs that
#				people use, built if others are tested. For
#				what sanitizers have not: locks, memory, time
#	share COUNT		that many cases, or the part of them that
#				$LP_TEST_SHARE leaves where a process is dear
#	noise SEED BYTES	bytes that do not compress, the same each time
#	part FIRST COUNT FILE	so many bytes of it, from FIRST
#	tables DIR		the tables of contents of fixtures/indexed, as
#				they lie in the layers: DIR/es, DIR/zc
#	fails STATUS PATTERN COMMAND...
#				it does, with one message, which has the
#				pattern, and no output
#	gets FIRST COUNT ARGUMENT...
#				lp-fetch ends well; got has exactly those
#				bytes of the file $BLOB
#	ranges_of STORE ORIGIN HEX	the directory of the ranges of that blob
#				that STORE has from ORIGIN
#	downloaded FILE		bytes, by all programs that wrote statistics
#	jq ARGUMENT...		jq; with -e, printing nothing is a failure, as
#				it is not on empty input before jq 1.7
#	as_anybody COMMAND...	permissions count, also if it is root who tests
#
# A pipeline fails where any part of it does.

# shellcheck disable=SC2030,SC2031 # what is changed for the judging of a test is for that alone
set -o pipefail
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=${LIB%/*/*}
FIX=$TOP/fixtures/indexed
: "${LP_BIN:=$TOP/build/release/bin}"
export TOP LIB FIX LP_BIN PATH="$LP_BIN:$LIB:$PATH" LC_ALL=C.UTF-8
export HOME=$BATS_FILE_TMPDIR XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR
unset LP_CACHE LP_OFFLINE LP_SANDBOX LP_STATS LP_STORE LP_TOKEN_FD LP_TOKEN_FILE
unset DOCKER_AUTH_CONFIG DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_CACHE_HOME XDG_CONFIG_HOME
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
unset LP_PAGER PAGER LESS LS_COLORS NO_COLOR SSL_CERT_FILE SSL_CERT_DIR

own_folder()
{
	judged
	cd "$BATS_TEST_TMPDIR" || return
	export HOME=$PWD XDG_RUNTIME_DIR=$PWD
}

setup()
{
	own_folder
}

# LP_NOTHING: where the programs are that do nothing, while a test is run with them.
judged()
{
	local known pid program file=${BATS_TEST_FILENAME#"$TOP"/} flags=$- verdict=''

	known=$'\n'$(<"$TOP/test/nothing.known")
	if [[ -n ${LP_NOTHING-} || $known = *$'\n'$file$'\t*\t'* ]]; then
		return
	fi
	LP_NOTHING=$BATS_RUN_TMPDIR/nothing
	if [ ! -e "$LP_NOTHING" ]; then
		mkdir "$LP_NOTHING"
		for program in "$LP_BIN"/lp-* tardiffer tomldump; do
			echo '#!/bin/true' >"$LP_NOTHING/${program##*/}"
		done
		chmod +x "$LP_NOTHING"/*
	fi
	# with job control all that it starts is one group, and goes with it
	set +eET -m
	coproc NOTHING {
		exec {say}>&1 </dev/null >/dev/null 2>&1 3>&1 4>&1
		trap - DEBUG ERR INT ABRT
		# a shell that dies of a pipe has the status of what went well before
		trap 'exit 1' TERM PIPE
		# a teardown that has begun ends, whatever the time
		trap 'verdict=$?; trap "" TERM; trap - EXIT; set +e; teardown; echo "$verdict" >&"$say"' EXIT
		BATS_TEST_TMPDIR+=.nothing
		PATH=$LP_NOTHING:$PATH
		export LP_BIN=$LP_NOTHING LP_RELEASE=$LP_NOTHING LP_TREE=$LP_NOTHING LP_TEST_WAIT=3
		[ -z "${RELEASE-}" ] || RELEASE=$LP_NOTHING
		[ -z "${FAULT_BIN-}" ] || FAULT_BIN=$LP_NOTHING
		set -e
		mkdir "$BATS_TEST_TMPDIR"
		"$BATS_TEST_NAME"
	}
	pid=$NOTHING_PID
	set +m
	# what is not done by then waits for a program to do something
	read -r -t 10 -u "${NOTHING[0]}" verdict ||
	    { kill -TERM -- "-$pid" && read -r -t 60 -u "${NOTHING[0]}"; } 2>/dev/null || :
	{ kill -KILL -- "-$pid" && wait "$pid"; } 2>/dev/null || :
	rm -rf "$BATS_TEST_TMPDIR.nothing"
	LP_NOTHING=
	set "-$flags"
	case $known,$verdict in
	*$'\n'$file$'\t'"$BATS_TEST_DESCRIPTION"$'\t'*,0 | *,) ;;
	*$'\n'$file$'\t'"$BATS_TEST_DESCRIPTION"$'\t'*)
		echo "fails with programs that do nothing: test/nothing.known says otherwise"
		return 1 ;;
	*,0)
		echo "passes with programs that do nothing"
		return 1 ;;
	esac
}

shipped()
{
	export RELEASE=${LP_RELEASE:-$TOP/build/release/bin}
	# several files may ask at once
	[ "$LP_BIN" = "$RELEASE" ] ||
	    flock "$TOP/build" make -s -C "$TOP" FLAVOUR=release all >/dev/null
}

share()
{
	echo $((($1 + ${LP_TEST_SHARE:-1} - 1) / ${LP_TEST_SHARE:-1}))
}

noise()
{
	openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:$1" -in /dev/zero 2>/dev/null | head -c "$2" || :
}

part()
{
	dd if="$3" iflag=skip_bytes,count_bytes bs=64K skip="$1" count="$2" status=none
}

tables()
{
	part 267975 10039 "$FIX/layer.estargz" >"$1/es"
	part 267606 10223 "$FIX/layer.zchunked" >"$1/zc"
}

# shellcheck disable=SC2154 # set by run
fails()
{
	local want=$1 pattern=$2
	shift 2
	run --separate-stderr "$@"
	echo "status $status, stderr: $stderr"
	[ "$status" -eq "$want" ]
	[[ $stderr =~ $pattern ]]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

# shellcheck disable=SC2154 # set by run
gets()
{
	local first=$1 count=$2
	shift 2
	run -0 bash -c 'lp-fetch "$@" >got' - "$@"
	echo "$output"
	part "$first" "$count" "$BLOB" | cmp - got
}

ranges_of()
{
	printf '%s/ranges/sha256/%s/%s\n' "$1" "$3" "$(printf %s "$2" | sha256sum | cut -c1-64)"
}

jq()
{
	local out status=0 a

	for a in "$@"; do
		if [[ $a =~ ^-[a-zA-Z]*e[a-zA-Z]*$ ]]; then
			out=$(command jq "$@") || status=$?
			[ -n "$out" ] || return $((status ? status : 4))
			printf '%s\n' "$out"
			return "$status"
		fi
	done
	command jq "$@"
}
export -f jq

as_anybody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}

downloaded()
{
	jq -s 'map(.bytes_downloaded // 0) | add' "$1"
}
