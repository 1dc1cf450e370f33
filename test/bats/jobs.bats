#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2238 # inner shells expand it; each test is a process; bats sets stderr; a file called command
# How lp-peek's processes begin and end: signals, terminals, readers that
# leave, programs that die. What a test waits for is an event; where a fault
# would make it wait for ever, timeout(1) ends it.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	image_start reg public/app:1
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp
	mkdir tmp
	OCI=oci:$LAYOUT:app:1
}

# An image of COUNT layers of many members that do not compress, in `lay`; their digests, one a line, in `digests`.
make_layers() {
	local i files=()
	for ((i = 1; i <= $1; i++)); do
		mkdir -p "f$i"
		for k in 1 2 3 4; do noise "$i$k" 50000 >"f$i/file$k"; done
		tar --sort=name -C "f$i" -cf "$i.tar" .
		files+=("$i.tar")
	done
	layout_make lay v1 "${files[@]}"
	lp-layers -o digest oci:lay:v1 >digests
}

# A registry of it that sends the first 1000 bytes of the layers FIRST to LAST, and then nothing more, for ever.
stalled() { # NAME FIRST LAST
	sed -n "$2,$3p" digests | jq -R '{key: "/v2/a/blobs/\(.)", value: {stall_at: 1000}}' | jq -s from_entries >rules.json
	fault_start "$1" rules.json --layout lay
	IMAGE=$(srv_addr "$1")/a:v1
}

# No process of this test is left.
nothing_left() {
	wait_for bash -c '! pgrep -f "^[^ ]*lp-[a-z]* .*'"$BATS_TEST_TMPDIR"'" >/dev/null'
	[ -z "$(find "$TMPDIR" -mindepth 1)" ]
}

patient=(--plain-http --stall-timeout=0 --retries=0)

# ---- readers ------------------------------------------------------------------------

@test "a reader that leaves ends the work: what has not been listed is not waited for" {
	make_layers 3
	stalled still 2 3
	run -0 bash -c 'set -o pipefail; timeout 60 lp-peek -qc --no-cache --layers "${@:2}" "$1" | head -n 1' - "$IMAGE" "${patient[@]}"
	[[ $output == '#image'* ]]
	nothing_left
	# before the first row there is: nobody waits for it
	run -0 bash -c 'set -o pipefail; timeout 60 lp-peek -qc --no-cache "${@:2}" "$1" | true' - "$IMAGE" "${patient[@]}"
	run -0 bash -c 'set -o pipefail; timeout 60 lp-peek -qcj --no-cache "${@:2}" "$1" | true' - "$IMAGE" "${patient[@]}"
	nothing_left
}

@test "a pager that is left ends the work" {
	mkdir f1
	# more than a screen: a pager that waits for lines hears no key
	touch f1/many{1..100}
	make_layers 3
	stalled still 2 3
	TERM=xterm-256color run "$LIB/ttyinterrupt" --signal none --then q many1 \
	    lp-peek -c --no-cache --layers "${patient[@]}" "$IMAGE"
	echo "$output"
	[ "$output" = 'exit 0' ]
	# what it has cost is told then too
	printf '%q ' lp-peek -c --no-cache --layers "${patient[@]}" "$IMAGE" >command
	LP_PAGER='head -n 3' TERM=xterm run -0 script -qec "$(cat command)" /dev/null </dev/null
	grep -aqE 'lp-peek: [0-9]+ layers?; fetched .* of ' <<<"$output"
	run ! grep -aq 'complete;' <<<"$output"
}

@test "--cat that has answered does not wait for a silent server" {
	make_layers 1
	jq -R '{key: "/v2/a/blobs/\(.)", value: {stall_at: 120000}}' digests | jq -s from_entries >rules.json
	fault_start still rules.json --layout lay
	IMAGE=$(srv_addr still)/a:v1
	timeout 60 lp-peek -q --no-cache --cat=file1 "${patient[@]}" "$IMAGE" >got
	cmp got f1/file1
	nothing_left
}

# bats test_tags=native
@test "on a terminal of any width what is being done is one line, cut to it" {
	local columns
	delay_start slow 300 "$(srv_addr reg)"
	for columns in 20 42 80 200; do
		TERM=xterm LC_ALL=C.UTF-8 script -qec "stty cols $columns rows 24; $(printf '%q ' lp-peek --no-cache --no-pager --layer=1 \
		    "$(srv_addr slow)/public/app:1")" /dev/null </dev/null >./tty
		# up one line for each that was drawn; how far the layer was seen is said below its rows
		tr '\r' '\n' <tty | grep -av '^… ' | grep -aoE '(looking up|layer [0-9]).*' >lines
		grep -q '^looking up' lines
		[ "$(wc -L <lines)" -lt $columns ]
		[ $columns -gt 20 ] || [ "$(wc -L <lines)" -eq 19 ]
	done
}

# ---- signals ------------------------------------------------------------------------

@test "what was ignored stays ignored: SIGHUP under nohup, SIGINT for a job in the background" {
	make_layers 1
	stalled still 1 1
	for sig in HUP INT; do
		env --ignore-signal=$sig lp-peek -q --no-cache "${patient[@]}" "$IMAGE" >/dev/null &
		wait_for pgrep -P $! lp-fetch
		kill -s $sig $!
		kill -s TERM $!
		status=0
		wait $! || status=$?
		[ $status -eq 143 ]
	done
	nothing_left
}

@test "started with SIGCHLD ignored, ends are heard all the same" {
	lp-peek -q --no-cache "$OCI" >want
	timeout 60 env --ignore-signal=CHLD lp-peek -q --no-cache "$OCI" >got
	cmp want got
	[ -s got ]
}

@test "SIGTERM, SIGHUP and SIGQUIT with a pager: it goes too, whoever started it, and the terminal is as it was" {
	export TERM=xterm-256color LESS=R
	ulimit -c 0
	for pager in less 'less -M' 'cat | less' 'cat; sleep 1000' 'cat; (sleep 1000); sleep 1000' "cat; trap '' TERM HUP; sleep 1000"; do
		for sig in TERM HUP QUIT; do
			# one of a shell's is like another
			[[ $sig = TERM || $pager = less || $pager = 'cat | less' ]] || continue
			LP_PAGER=$pager run "$LIB/ttyinterrupt" --signal $sig dev/null lp-peek --no-cache "$OCI"
			echo "# $pager: $output"
			[ "$output" = "signal $(kill -l $sig)" ]
		done
	done
}

@test "a pager that has changed the terminal and is killed: it is as it was" {
	export TERM=xterm-256color
	LP_PAGER='stty -echo raw; cat; sleep 1000' run -0 "$LIB/ttyinterrupt" --signal TERM dev/null lp-peek --no-cache "$OCI"
	[ "$output" = 'signal 15' ]
}

# less is such a one for an instant: it sets the terminal before it has a handler for Ctrl-Z.
# bats test_tags=native
@test "a pager that is stopped and does not put the terminal back: it is as it was, and the pager gets back what it had" {
	export TERM=xterm-256color
	mkdir x
	echo word >x/file
	tar -C x -cf x.tar file
	layout_make lay v1 x.tar
	# what is typed has no line end: it reads on where the terminal is as it has made it
	printf '%s\n' 'old=$(stty -g </dev/tty)' 'stty raw -echo </dev/tty' cat 'echo is up' 'head -c 1 </dev/tty' \
	    'stty "$old" </dev/tty' >pager
	export LP_PAGER="sh pager"
	run -0 "$LIB/signalsweep" --when 'is up' lp-peek --no-cache oci:lay:v1
	[ "$output" = '13 of 13 points, exit 0 without a signal, 0 failed' ]
	# and it is nobody's to put back while it is another's
	run -0 "$LIB/signalsweep" --when 'is up' --leave lp-peek --no-cache oci:lay:v1
	[ "$output" = '2 of 2 points, exit 0 without a signal, 0 failed' ]
}

# At system calls of its own, not when a clock says so. LP_SWEEP_POINTS=1000000: at every one, which takes hours.
# bats test_tags=native
@test "each signal at system calls of a run: it dies of it or ends well, nothing is left, the terminal is as it was" {
	local image
	sweep() {
		# no sanitizer looks for leaks under ptrace
		ASAN_OPTIONS=detect_leaks=0 LESS=R run "$LIB/signalsweep" --points "${LP_SWEEP_POINTS:-8}" "$@"
		echo "# ${*: -2}: $output"
		[[ $status -eq 0 && $output == *' points, exit 0 without a signal, 0 failed' ]]
	}
	export TERM=xterm-256color
	mkdir x
	echo word >x/file
	tar -C x -cf x.tar file
	layout_make lay v1 x.tar
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	image=$(srv_addr reg)/a:v1
	lp-peek -q --no-cache oci:lay:v1 | grep file
	sweep --seed 1 --out out lp-peek -q --no-cache oci:lay:v1
	sweep --seed 2 lp-peek --no-cache --color=always --layers oci:lay:v1
	sweep --seed 3 --out out --fresh "$XDG_CACHE_HOME" lp-peek "$image"
	sweep --seed 4 --out out lp-peek --no-cache --cat=file "$image"
	sweep --seed 5 --answer secret lp-peek --no-cache --user=alice --diff=oci:lay:v1 "$image"
}

# ---- how children end ------------------------------------------------------------------

@test "a killed lp-fetch --fill is a failure of the system, not of the store" {
	make_layers 2
	stalled still 1 2
	lp-peek "${patient[@]}" "$IMAGE" >out 2>err &
	peek=$!
	wait_for pgrep -P $peek -f 'lp-fetch .*--fill'
	pkill -KILL -P $peek -f 'lp-fetch .*--fill'
	status=0
	wait $peek || status=$?
	[ $status -eq 3 ]
	grep -q 'lp-fetch: killed by signal 9' err
	run ! grep -q 'not in the store' err
}

@test "an lp-fetch --fill that fails, and names no layer: each is fetched by itself" {
	mkdir bin
	make_layers 2
	echo '{}' >rules.json
	fault_start reg rules.json --layout lay
	IMAGE=$(srv_addr reg)/a:v1
	lp-peek -q --no-cache "$IMAGE" >want
	grep -q file1 want
	cp "$LP_BIN"/lp-* bin/
	mv bin/lp-fetch bin/fetch
	printf '%s\n' '#!/bin/bash' '[[ $* = *--fill* ]] || exec "${0%/*}/fetch" "$@"' 'echo "lp-fetch: said" >&2' 'exit $HOW' >bin/lp-fetch
	chmod +x bin/lp-fetch
	for HOW in 1 3 127; do
		HOW=$HOW bin/lp-peek -q "$IMAGE" >got 2>err
		cmp want got
		[ "$(cat err)" = 'lp-peek: lp-fetch: said' ]
		rm -r cache
	done
}

# Copies of the programs, in bin/, of which one, NAME, says a word and ends as $HOW tells a shell; called with ${AS_EVER:-}, it is as ever.
replaced() {
	cp "$LP_BIN"/lp-* bin/
	mv "bin/$1" bin/real
	printf '%s\n' '#!/bin/sh' "case \" \$* \" in *\" \${AS_EVER:-none} \"*) exec \"\${0%/*}/real\" \"\$@\" ;; esac" \
	    "echo '$1: said' >&2" 'ulimit -c 0' 'eval "$HOW"' >"bin/$1"
	chmod +x "bin/$1"
}

# comes_to WANT TEXT ARGUMENT...: lp-peek with those arguments, one of its programs ending as $HOW says, ends with WANT, and TEXT is in what it says.
comes_to() {
	local status=0
	HOW=$how timeout 60 bin/lp-peek -q "${@:3}" >out 2>err </dev/null || status=$?
	echo "$how, ${*:3}: $status"
	cat err
	[ "$status" -eq "$1" ]
	grep -q "$2" err
	[[ $how != kill* ]] || grep -q 'killed by signal' err
}

# bats test_tags=native
@test "every program of every question, ended in every way: one message at least, and the exit status that it means" {
	mkdir bin x
	echo x >x/file
	tar -C x -cf x.tar file
	layout_make lay v1 x.tar
	local how question program want
	local questions=('' -c -j --layers --tree --du '--find=f*' '--find=nothere -i --fail-if-found' --cat=file --layer=1 --diff=oci:lay:v1 --check)
	local ends words
	for program in lp-layers lp-fetch lp-inflate lp-tarls lp-merge lp-show lp-cat; do
		replaced $program
		for question in "${questions[@]}"; do
			# what this question does not run cannot end it
			case $question/$program in
			--layers/lp-merge | --layer=1/lp-merge | --cat=*/lp-merge) continue ;;
			*/lp-cat) [[ $question = --cat=* ]] || continue ;;
			/lp-show | -c/lp-show | --du/lp-show | --find=*/lp-show | --check/lp-show) continue ;;
			esac
			ends=('exit 1' 'exit 4' 'kill -KILL $$')
			case $question in
			'' | --cat=file) ends+=('exit 2' 'exit 3' 'exit 5' 'exit 126' 'exit 255' 'kill -TERM $$' 'kill -SYS $$' 'kill -SEGV $$' 'kill -PIPE $$') ;;
			esac
			read -ra words <<<"$question"
			for how in "${ends[@]}"; do
				case $how/$question/$program in
				# what is wrong with a layer is what is asked for
				exit*/--check/lp-fetch | exit*/--check/lp-inflate | exit*/--check/lp-tarls)
					comes_to 4 'errors found: 1' --no-cache --check oci:lay:v1
					grep -q "^error.*$program: said" out
					continue
					;;
				'exit '[124]/*) want=${how#exit } want=${want%%/*} ;;
				*) want=3 ;;
				esac
				comes_to "$want" "$program: said\|^lp-peek: said" --no-cache "${words[@]}" oci:lay:v1
			done
		done
	done
}

# bats test_tags=native
@test "what is not needed for the answer may end as it will: a table of contents, the database; an archive that is inflated may not" {
	mkdir bin
	local how image want
	layout_make lay v1 "$FIX/layer.estargz"
	replaced lp-toc
	# the layer itself, for there is no table
	HOW='exit 4' bin/lp-peek -q --no-cache oci:lay:v1 >want
	grep -q 'stargz.index.json' want
	for how in 'exit 1' 'exit 4' 'kill -KILL $$'; do
		# whether there is a table; that there is none is no news
		if [ "$how" != 'exit 4' ]; then
			comes_to 0 'lp-toc: said' --no-cache oci:lay:v1
			cmp want out
		fi
		# what is in it
		want=0
		[[ $how = exit* ]] || want=3
		AS_EVER=--locate comes_to "$want" 'lp-toc: said' --no-cache oci:lay:v1
		[ $want -ne 0 ] || cmp want out
	done
	replaced lp-cache
	lp-peek -q oci:lay:v1 >want
	for how in 'exit 1' 'exit 3' 'kill -KILL $$'; do
		comes_to 0 'lp-cache: said' oci:lay:v1
		cmp want out
		comes_to 3 'lp-cache: said' --db="$PWD/my.db" oci:lay:v1
		cmp want out
	done
	replaced lp-inflate
	tar -czf lay.tar.gz -C lay .
	for how in 'exit 1' 'exit 4' 'kill -KILL $$'; do
		want=3
		[[ $how = kill* ]] || want=${how#exit }
		comes_to "$want" 'lp-inflate: said' --no-cache oci-archive:lay.tar.gz:v1
	done
}
