#!/usr/bin/env bats
# What strangers wrote never reaches a terminal as it is: names that hold
# escape sequences, line ends, bidirectional controls and bytes that are no
# text, fed to each program that prints names or complains about them.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	PROGRAMS=$(cd "$TOP/cmd" && echo lp-*.c | sed 's/\.c\>//g')
	export PROGRAMS
	export IN=$BATS_FILE_TMPDIR
	cd "$IN" || return
	# set a title and colours, go up a line, a C1 control, turn the text round, break the line,
	# and letters that nobody sees
	EVIL=$'e\e]0;title\a\e[31m\e[A\xc2\x9b31m\xe2\x80\xae\xe2\x81\xa6\r\n\t\x7f\xff\\\xe2\x80\x8b\xef\xbb\xbf\xc2\xad\xf3\xa0\x81\x81end'
	export EVIL
	mkdir tree
	echo x >"tree/$EVIL"
	ln -s "$EVIL" tree/link
	tar --format=posix --owner="$(printf 'o\033[31mwner'):7" --group=0 -cf evil.tar tree
	# the same as a listing, and as a table of contents
	lp-tarls evil.tar >evil.tsv
	lp-tarls -j evil.tar >evil.json
	jq -cn '{version: 1, entries: [{name: "e\u001b[31m\u202e\u0007x", type: "symlink", linkName: "\u001b]0;t\u0007"}]}' \
	    >stargz.index.json
	zstd -q <stargz.index.json >toc.zst
}

# harmless FILE: text of one screen, its controls nothing but line ends (and
# the tabs of TSV): no C0 and C1 controls, no DEL, no bidirectional ones, nothing without a width
harmless()
{
	[ -s "$1" ]
	python3 - "$1" <<'PY'
import sys, unicodedata
data = open(sys.argv[1], "rb").read().decode("utf-8")  # fails on bytes that are no text
bad = [c for c in data if c not in "\n\t" and (ord(c) < 32 or 0x7f <= ord(c) < 0xa0
       or unicodedata.category(c) in ("Cf", "Zl", "Zp"))]
sys.exit("raw: %r in %r" % (bad, data) if bad else 0)
PY
}

@test "lp-tarls -l shows names that a terminal does not obey, one line each" {
	lp-tarls -l "$IN/evil.tar" >out
	harmless out
	[ "$(wc -l <out)" -eq 3 ]
}

@test "lp-toc -l, lp-merge -l and its other forms for eyes" {
	lp-toc -q -l "$IN/toc.zst" >out
	harmless out
	[ "$(wc -l <out)" -eq 1 ]
	for f in evil.tsv evil.json; do
		lp-merge -l "$IN/$f" >out
		harmless out
		[ "$(wc -l <out)" -eq 3 ]
	done
}

@test "rows keep every byte and are one line each all the same" {
	[ "$(wc -l <"$IN/evil.tsv")" -eq 3 ]
	[ "$(wc -l <"$IN/evil.json")" -eq 3 ]
	run ! grep -q $'[\e\a\r\x7f]' "$IN/evil.tsv"
	run ! grep -q $'[\e\a\r\x7f]' "$IN/evil.json"
	lp-tarls -0 -o name "$IN/evil.tar" | tr '\0' '\n' | grep -aF $'e\e]0;title\a'
}

# what lp-peek itself paints is taken out: a name's own would leave its other controls behind
unpainted()
{
	sed 's/\x1b\[[0-9;]*[mK]//g'
}

# seen COMMAND: what a terminal gets of it, in the file seen
seen()
{
	script -qec "$1" /dev/null </dev/null | tr -d '\r' >seen
}

@test "a terminal gets rows whose names it does not obey, in every form; a pipe gets exact bytes" {
	local form program
	for form in '' -j -0 '-o name,linkname,uname' '-E -H'; do
		for program in "lp-tarls -q $form $IN/evil.tar" "lp-merge -q $form $IN/evil.tsv" "lp-toc -q $form $IN/toc.zst"; do
			seen "$program | tee exact"
			seen "$program"
			tr -d '\0' <seen >out
			harmless out
			run ! cmp -s seen exact
			[ "$form" != -j ] || jq -es 'length > 0' out
			[ "$form" != -j ] || jq -es 'length > 0' exact
			[ "$form" != -j ] || cmp <(jq -c . out) <(jq -c . exact)
		done
	done
	seen "lp-merge -q -o ncdu $IN/evil.tsv"
	harmless seen
	lp-merge -q -o ncdu "$IN/evil.tsv" | cmp <(jq -c . seen) <(jq -c .)
	# a row for eyes still is a row
	lp-tarls -q "$IN/evil.tar" >exact
	seen "lp-tarls -q $IN/evil.tar"
	lp-merge -q -o name,linkname exact >exact.names
	lp-merge -q -o name,linkname seen >seen.names
	cmp exact.names seen.names
}

@test "lp-peek's rows and documents on a terminal, with a pager and without" {
	local how pager
	layout_make layout app "$IN/evil.tar"
	echo x >other
	tar -cf other.tar other
	layout_make other.layout app other.tar
	export LP_PAGER=cat
	for how in '-o name,linkname' --layer=1\ -H --layers\ -o\ name '--diff=oci:other.layout -o name' '--find=*title* -H' --json; do
		# shellcheck disable=SC2086 # words
		lp-peek -qc $how oci:layout >exact
		run ! harmless exact
		for pager in --no-pager --color=always\ --no-pager ''; do
			seen "lp-peek -qc $pager $how oci:layout"
			harmless seen
			grep -qF title seen
			run ! cmp -s seen exact
		done
	done
	# and means the same
	jq -ce .all_entries exact | cmp - <(jq -c .all_entries seen)
}

@test "lp-peek, lp-layers and lp-cache: an image whose files and history are called so" {
	layout_make layout app "$IN/evil.tar"
	# its history, in a config of another digest
	blob=layout/blobs/sha256
	manifest=$(jq -r '.manifests[0].digest' layout/index.json | cut -d : -f 2)
	config=$(jq -r .config.digest "$blob/$manifest" | cut -d : -f 2)
	jq -c --arg evil "$(printf 'RUN \033[31m\007\342\200\256x\nnext')" '.history[0].created_by = $evil' \
	    <"$blob/$config" >new-config
	new=$(sha256sum <new-config | cut -c 1-64)
	cp new-config "$blob/$new"
	jq -c --arg d "sha256:$new" --argjson n "$(stat -c %s new-config)" '.config.digest = $d | .config.size = $n' \
	    <"$blob/$manifest" >new-manifest
	new=$(sha256sum <new-manifest | cut -c 1-64)
	cp new-manifest "$blob/$new"
	jq -c --arg d "sha256:$new" --argjson n "$(stat -c %s new-manifest)" \
	    '.manifests[0].digest = $d | .manifests[0].size = $n' layout/index.json >index
	cp index layout/index.json
	# rows keep what is text: nothing that a terminal obeys is
	lp-layers oci:layout >out
	run ! grep -q $'[\e\a\r\x7f]' out
	grep -qF 'RUN \x1b[31m' out
	[ "$(wc -l <out)" -eq 1 ]
	for how in '' --tree --du --layers '--find=*title*' --layer=1; do
		lp-peek -q --no-cache --no-pager --color=always ${how:+"$how"} oci:layout | unpainted >out
		harmless out
		grep -qF title out || [ "$how" = --du ]
	done
	# how far a preview goes
	mkdir big
	noise 1 100000 >"big/$EVIL"
	tar -C big -cf big.tar .
	layout_make big.layout app big.tar
	for how in '' --tree --du --layers --layer=1; do
		lp-peek -q -n 4096 --no-cache --no-pager --color=always ${how:+"$how"} oci:big.layout | unpainted >out
		harmless out
		grep 'seen to .*title' out
	done
	lp-cache --db=db/c.db put --layer="sha256:$(printf '1%.0s' {1..64})" <"$IN/evil.tsv"
	lp-cache --db=db/c.db search title >out
	run ! grep -q $'[\e\a\r\x7f]' out
	[ "$(wc -l <out)" -gt 0 ]
}

@test "messages of every program about files that are called so" {
	[ -n "$PROGRAMS" ]
	for p in $PROGRAMS; do
		echo "# $p"
		case $p in
		lp-cache) set -- --db="./$EVIL/x" stat ;;
		lp-cat) set -- -f "./$EVIL" name ;;
		lp-layers | lp-peek) set -- "oci:./$EVIL" ;;
		*) set -- "./$EVIL" ;;
		esac
		"$p" "$@" >out 2>err </dev/null && rm -rf "./$EVIL"
		[ ! -s err ] || harmless err
		# what is no option, no member and no column either
		"$p" "--$EVIL" >out 2>err </dev/null && false
		harmless err
	done
}

@test "messages about what is inside: members, rows, layers" {
	run -4 lp-cat -f "$IN/evil.tar" "no $EVIL"
	printf '%s\n' "$output" >err
	harmless err
	printf -- '-rw-r--r--\t0\t0\t0\t-\t%s\t\n' $'\e[31m\\q' >row
	run -1 lp-merge row
	printf '%s\n' "$output" >err
	harmless err
	run -2 lp-tarls -o "$EVIL" "$IN/evil.tar"
	printf '%s\n' "$output" >err
	harmless err
	lp-merge -v "$EVIL=$IN/evil.tsv" >/dev/null 2>err
	harmless err
}

@test "what a registry says: errors and warnings" {
	srv_init
	jq -n '{"/*": {status: 403, headers: {"Warning": "299 - \"w\u001b[31mx\"", "Content-Type": "application/json"},
	    text: ({errors: [{code: "X\u001b[31m", message: "m\u0007\u202e\u009bx"}]} | tojson)}}' >rules.json
	fault_start evil rules.json
	lp-layers --plain-http --retries=0 "$(srv_addr evil)/a:1" >out 2>err || true
	harmless err
	grep -q 403 err
}
