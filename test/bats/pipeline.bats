#!/usr/bin/env bats
# The main job: lp-layers, lp-fetch | lp-inflate | lp-tarls, lp-merge, on the
# real image behind a real registry, live and replayed offline.

# shellcheck disable=SC2016 # the inner shells expand it

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	srv_init
	image_start reg library/app:1
	IMAGE=$(srv_addr reg)/library/app:1
	export IMAGE
	# one live run through a store, for the tests that replay it
	export LIVE=$BATS_FILE_TMPDIR/live
	mkdir "$LIVE"
	lp-layers -S "$LIVE/store" -o source "$IMAGE" >"$LIVE/sources"
	local n=0 source
	while read -r source; do
		n=$((n + 1))
		lp-fetch -S "$LIVE/store" --stats "$LIVE/stats" "$source" >"$LIVE/head$n"
		lp-inflate -q <"$LIVE/head$n" | lp-tarls -q -E -L "layer$n" >"$LIVE/layer$n.tsv"
	done <"$LIVE/sources"
	lp-merge -q "$LIVE"/layer?.tsv >"$LIVE/merged"
}

setup()
{
	own_folder
	BLOBS=$LAYOUT/blobs/sha256
}

# The layers' blobs, base first.
blobs()
{
	sed "s|.*sha256:|$BLOBS/|" "$LIVE/sources"
}

@test "live: the heads are the first 64 KiB of each blob, and cost no more" {
	n=0
	while read -r blob; do
		n=$((n + 1))
		cmp "$LIVE/head$n" <(head -c 65536 "$blob")
	done < <(blobs)
	[ "$n" -eq 4 ]
	[ "$(jq -s -c 'map(.bytes_downloaded)' "$LIVE/stats")" = '[65536,65536,65536,289]' ]
	[ "$(jq -s -c 'map(.size)' "$LIVE/stats")" = "$(blobs | xargs stat -c %s | jq -s -c .)" ]
}

@test "a 64 KiB preview is exactly the first rows of the whole, as many as zlib and tarfile find" {
	n=0
	while read -r blob; do
		n=$((n + 1))
		lp-inflate "$blob" | lp-tarls -o mode,uid,gid,size,mtime,name,linkname,header_offset >whole
		lp-inflate -q <"$LIVE/head$n" |
			lp-tarls -q -o mode,uid,gid,size,mtime,name,linkname,header_offset >preview
		want=$(preview_rows "$LIVE/head$n")
		[ "$want" -gt 0 ]
		[ "$(wc -l <preview)" -eq "$want" ]
		cmp preview <(head -n "$want" whole)
	done < <(blobs)
}

@test "a preview says so: note, end record, and exit 4 under -C" {
	run -0 bash -c 'set -o pipefail; lp-inflate <"$LIVE/head1" | lp-tarls -E 2>note | tail -n 1'
	[[ $output = *'complete=no'* ]]
	grep -q '^lp-tarls: <stdin>: preview: input ends after' note
	run -4 bash -c 'lp-inflate -q <"$LIVE/head1" | lp-tarls -C'
	# the last layer is smaller than 64 KiB: that one is whole
	run -0 bash -c 'lp-inflate -C <"$LIVE/head4" | lp-tarls -C -E | tail -n 1'
	[[ $output = *'complete=yes'* ]]
}

@test "lp-fetch -a | lp-inflate | lp-tarls of every layer lists what tarfile lists" {
	n=0
	while read -r source; do
		n=$((n + 1))
		lp-fetch -a "$source" | lp-inflate -C | lp-tarls -C -0 -o name | tr '\0' '\n' >ours
		blob=$(blobs | sed -n "${n}p")
		python3 - "$blob" >theirs <<-'PY'
		import sys, tarfile
		out = sys.stdout.buffer
		with tarfile.open(sys.argv[1], "r|*", encoding="utf-8", errors="surrogateescape") as t:
		    for m in t:
		        name = m.name + ("/" if m.isdir() and m.name != "." else "")
		        out.write(name.encode("utf-8", "surrogateescape") + b"\n")
		PY
		cmp ours theirs
	done <"$LIVE/sources"
}

@test "offline: the same bytes and rows as the live run, and no socket" {
	export LP_STORE=$LIVE/store LP_OFFLINE=1
	# LeakSanitizer does not run under strace
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=socket,connect -o sockets lp-layers -o source "$IMAGE" >sources
	cmp sources "$LIVE/sources"
	n=0
	while read -r source; do
		n=$((n + 1))
		ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=socket,connect -o "sockets$n" lp-fetch "$source" >got
		cmp got "$LIVE/head$n"
		lp-inflate -q <got | lp-tarls -q -E -L "layer$n" | cmp - "$LIVE/layer$n.tsv"
	done <sources
	run ! grep . sockets*
	lp-merge -q "$LIVE"/layer?.tsv | cmp - "$LIVE/merged"
}

@test "offline: what was not recorded is exit 4, and says which bytes" {
	source=$(head -n 1 "$LIVE/sources")
	run -4 --separate-stderr lp-fetch -O -S "$LIVE/store" -r 65536-65600 "$source"
	[ -z "$output" ]
	[[ $stderr = *'bytes 65536-65600 are not in the store' ]]
	# all of it, of a size that nobody has told: the first 64 KiB, then the same answer
	lp-fetch -O -S "$LIVE/store" -a "$source" >got 2>said || status=$?
	[ "$status" -eq 4 ]
	cmp got "$LIVE/head1"
	grep -q 'bytes from 65536 on are not in the store$' said
}

@test "the demo replays the recorded fixture without a socket" {
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=socket,connect -o sockets "$TOP/fixtures/demo" "$LP_BIN" >shown
	# a pager or name service may ask for a socket of the kernel, never for a network
	run ! grep -E 'AF_INET' sockets
	grep ' layers of 62\.4MiB in all\. Of these 192\.3KiB have been fetched' shown
	grep -x $'layer2\t309\t267866\t12\t9447\tno' shown
	grep -x $'layer4\t5\t50\t0\t0\tyes' shown
	grep $'etc/nginx/koi-win\t\t2\twhiteout\t3$' shown
}

# The layer that has every kind of member, in `whole`, and in `small` without the content of its three large files:
# there a place is seldom within a file.
damaged()
{
	lp-inflate "$(blobs | sed -n 3p)" >whole
	cp whole small
	tar --delete -f small srv/app/webserver srv/app/data/zeros srv/app/data/noise
	gzip -n <small >small.gz
	gzip -n <whole >whole.gz
}

# damaged_in HOW FILE COUNT
damaged_in()
{
	damage "$@" >tally || cat tally
	[ "$(cat tally)" = "$3 right, 0 wrong" ]
}

@test "cut at 2,000 places: exit 0 with a preview note, 4 under -C, and never a row that the whole does not have" {
	damaged
	damaged_in cut small.gz "$(share 1800)"
	damaged_in cut whole.gz "$(share 200)"
}

@test "a byte changed anywhere: exit 1 with its offset, or the same rows" {
	damaged
	# (of a small one much is pax headers, which no checksum covers)
	damaged_in change whole.gz "$(share 500)"
	damaged_in change whole "$(share 500)"
}

# ---- bad input: one message, the exit code of the table -----------------------

# bad STATUS PATTERN COMMAND...: no output, one line on stderr that has the pattern
bad()
{
	local status=$1 pattern=$2
	shift 2
	run "-$status" --separate-stderr "$@"
	# shellcheck disable=SC2154 # bats sets it
	[ "$(grep -c . <<<"$stderr")" -eq 1 ] || { echo "not one message: $stderr"; return 1; }
	[[ $stderr = "$1: "*$pattern* ]] || { echo "message: $stderr"; return 1; }
}

@test "bad input: files" {
	: >empty
	printf '<!DOCTYPE html>\n<html><body>no such page</body></html>\n' >page
	bad 3 'No such file' lp-fetch ./nothing
	bad 3 'irectory' lp-fetch ./
	bad 3 'No such file' lp-inflate nothing
	bad 3 'directory' lp-inflate .
	bad 3 'No such file' lp-tarls nothing
	bad 3 'directory' lp-tarls .
	bad 1 'byte 0' lp-inflate page
	bad 1 'byte 0' lp-tarls page
	bad 1 'empty' lp-inflate empty
	bad 1 'empty' lp-tarls empty
}

@test "bad input: the command line" {
	for p in "$LP_BIN"/lp-*; do
		run -2 --separate-stderr "$p" --no-such-option
		[ "$stderr" = "${p##*/}: no such option: '--no-such-option' (see ${p##*/} --help)" ]
		[ -z "$output" ]
		run -2 --separate-stderr "$p" -%
		[ "$stderr" = "${p##*/}: no such option: '-%' (see ${p##*/} --help)" ]
		run -2 --separate-stderr "$p" --stats
		[ "$stderr" = "${p##*/}: --stats needs an argument (see ${p##*/} --help)" ]
		run -2 --separate-stderr "$p" --quiet=yes
		[ "$stderr" = "${p##*/}: --quiet takes no argument (see ${p##*/} --help)" ]
	done
}

# Something to write for each program, a command a line; what they need lies here.
writers()
{
	lp-inflate "$(blobs | sed -n 3p)" >tar
	tables .
	mkdir -p var/lib/dpkg
	printf 'Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n' >var/lib/dpkg/status
	tar -cf status.tar var
	lp-cache --db=db put -q --layer="sha256:$(printf '0%.0s' {1..64})" <"$LIVE/layer4.tsv"
	cat <<-'E'
		lp-fetch -a "$LAYOUT"/oci-layout
		lp-inflate tar
		lp-tarls tar
		lp-cat -f tar srv/app/data/noise
		lp-toc -q es
		lp-merge -q "$LIVE"/layer4.tsv
		lp-packages status.tar
		lp-show "$LIVE"/layer4.tsv
		lp-cache --db=db stat
		lp-layers oci:"$LAYOUT":app:1
		lp-peek -q --no-cache oci:"$LAYOUT":app:1
	E
}

# to STATUS MESSAGE REDIRECTION: each of them
to()
{
	writers >commands
	[ "$(wc -l <commands)" -eq "$(cd "$LP_BIN" && printf '%s\n' lp-* | wc -l)" ]
	while read -r c; do
		run "-$1" --separate-stderr bash -c "$c $3"
		echo "$c: $stderr"
		[[ $stderr = "${c%% *}: "*"<stdout>: $2"* ]]
	done <commands
}

@test "a full disk is exit 3" {
	to 3 'No space left' '>/dev/full'
}

# bats test_tags=native
@test "a closed stdout is exit 3" {
	to 3 'Bad file descriptor' '>&-'
}

# bats test_tags=native
@test "a closed stdin is exit 3" {
	for c in lp-inflate lp-tarls 'lp-cat name' 'lp-toc -q' 'lp-merge -' lp-show 'lp-fetch -' \
		"lp-cache --db=db put --layer=sha256:$(printf '0%.0s' {1..64})"; do
		run -3 --separate-stderr bash -c "$c <&-"
		[[ $stderr = "${c%% *}: "*': Bad file descriptor' ]]
	done
}

@test "a reader that goes away means enough: exit 0" {
	blob=$(blobs | sed -n 1p)
	lp-inflate "$blob" >tar
	for c in 'lp-fetch -a "$1"' 'lp-inflate "$1"' 'lp-tarls tar'; do
		run -0 --separate-stderr bash -c "{ $c; echo \$? >status; } | head -c 10 >got; cat status" sh "$blob"
		[ "$(stat -c %s got)" -eq 10 ]
		[ "$output" = 0 ]
		[ -z "$stderr" ]
	done
}

# without it each would wait until somebody writes
@test "a reader that goes away is heard while input is waited for: in a header, in a body that is passed over, through all filters" {
	local c n writer
	noise 1 1000000 >body
	tar -cf tar body
	mkfifo gate
	for c in lp-inflate lp-tarls 'lp-tarls -j' 'lp-cat other' 'lp-cat body' 'lp-cat --tar -m other*' 'lp-inflate | lp-tarls' 'lp-inflate | lp-cat other'; do
		for n in 100 200000; do
			mkfifo silent
			timeout 60 bash -c "head -c $n tar; : <gate" >silent 2>/dev/null 3>&- &
			writer=$!
			LP_STATS=$PWD/stats run -0 --separate-stderr timeout 30 bash -c "set -o pipefail; { $c; } <silent | true"
			[ -z "$stderr" ]
			jq -es 'length > 0 and all(has("error") | not)' stats
			rm stats silent
			kill $writer
			wait $writer || true
		done
	done
}
