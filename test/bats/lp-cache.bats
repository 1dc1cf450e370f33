#!/usr/bin/env bats
# lp-cache: what is put comes back, what is searched is found, whatever else
# happens to the database at the same time.

# run --separate-stderr sets stderr; awk has dollars of its own
# shellcheck disable=SC2154,SC2016,SC2046,SC2269 # words
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	shipped
}

setup()
{
	own_folder
	export LP_CACHE=$PWD/db/l.db
}

# digest N: one for each number
digest()
{
	printf 'sha256:%064d' "$1"
}

# listing ROWS [PREFIX]: so many rows of three kinds
listing()
{
	listed=$1
	awk -v n="$1" -v p="${2-}" 'BEGIN {
		for (i = 0; i < n; i++)
			if (i % 10 == 0) printf "drwxr-xr-x\t0\t0\t0\t2024-01-02T03:04:05Z\t./%sdir%d/\t\n", p, i
			else if (i % 10 == 1) printf "lrwxrwxrwx\t0\t0\t0\t-\t./%sdir%d/link\tfile%d\n", p, i - 1, i
			else printf "-rw-r--r--\t1000\t50\t%d\t2024-01-02T03:04:05.5Z\t./%sdir%d/file%d.so\t\n", i * 7, p, i - i % 10, i
	}'
}

# end complete=yes|no [ROWS]
end()
{
	printf '#end\tentries=%d\tcomplete=%s\tbytes=512\tlayer=\n' "${2-$listed}" "$1"
}

# what was put of a preview comes back as somebody's claim
claim()
{
	lp-cache get -q "$1" | sed 's/\torigin=[^\t]*$//'
}

put()
{
	lp-cache put --verified --layer "$@"
}

@test "what is put comes back byte for byte, in every form" {
	listing 500 >rows
	{ cat rows; end yes 500; } >tsv
	lp-merge -j L=rows >ndjson
	lp-merge -H -o name,size,mode,linkname,layer L=rows >columns
	{ lp-merge -H -o name L=rows; end yes 500; } >names
	head -c -1 tsv >cut_end
	head -n 3 rows | head -c -1 >cut_row
	cat <(head -n 5 rows) <(head -n 5 ndjson) >mixed
	: >empty
	end yes 0 >only_end
	printf -- '-rw-r--r--\t0\t0\t1\t-\ta\\tb\\\\c\\n\\xff\tx\\x01\nd--S--s--T\t-5\t0\t9223372036854775807\t0000-01-01T00:00:00Z\tx\t\n' >odd
	printf -- '-rw-r--r--\t007\t0\t01\t2024-01-02T03:04:05.500+01:00\t\\x41\t\n' >not_canonical
	n=0
	for f in tsv ndjson columns names cut_end cut_row mixed empty only_end odd not_canonical; do
		n=$((n + 1))
		put "$(digest $n)" <$f
		lp-cache get "$(digest $n)" >got
		cmp $f got || { echo "$f"; return 1; }
		put "$(digest $((n + 100)))" < <(cat $f)
		lp-cache get "$(digest $((n + 100)))" | cmp $f -
	done
}

@test "has and get: absent is 4, and -C and --head ask for more" {
	d=$(digest 1)
	run -4 lp-cache has "$d"
	run -4 --separate-stderr lp-cache get "$d"
	[[ $stderr = *'no such listing'* ]]
	{ listing 5; end no 5; } | put "$d" --head 64K
	run -0 lp-cache has "$d"
	run -0 lp-cache has --head 65536 "$d"
	run -4 lp-cache has --head 65537 "$d"
	run -4 lp-cache get --head 65537 "$d"
	run -4 lp-cache has -C "$d"
	{ listing 9; end yes 9; } | put "$d"
	run -0 lp-cache has -C "$d"
	run -0 lp-cache has --head 1G "$d"
}

@test "a complete listing replaces a preview, never the other way round; a longer preview a shorter" {
	d=$(digest 1)
	{ listing 5; end no 5; } >short
	{ listing 8; end no 8; } >long
	{ listing 20; end yes 20; } >whole
	listing 30 >unknown
	put "$d" <long
	run -0 --separate-stderr put "$d" <short
	[[ $stderr = *'is better and stays'* ]]
	claim "$d" | cmp - long
	put "$d" <whole
	for f in short long unknown; do
		put "$d" -q <$f
		lp-cache get "$d" | cmp - whole
	done
	run -4 lp-cache search dir20
	[ "$(lp-cache search -F dir10/file | wc -l)" -eq 8 ]
}

@test "base: images that are the first layers of another" {
	local a b c image
	for n in a b c; do
		echo $n >$n
		tar -cf $n.tar $n
		declare $n=sha256:$(sha256sum <$n.tar | cut -c 1-64)
	done
	for image in "small:1 $a" "middle:1 $a $b" "other:1 $b" "again:1 $a $b" "whole:1 $a $b $c" "beside:1 $a $c"; do
		# shellcheck disable=SC2086 # words
		set -- $image
		name=$1 i=0
		shift
		for digest; do
			i=$((i + 1))
			lp-tarls -E a.tar | lp-cache put -q --layer="$digest" --image="$name" --index=$i
		done
	done
	lp-cache base "$a" "$b" "$c" | cmp - <(printf 'again:1\t2\nmiddle:1\t2\nsmall:1\t1\n')
	lp-cache base "$a" "$b" | cmp - <(printf 'small:1\t1\n')
	lp-cache base -j "$b" "$a" | cmp - <(echo '{"image":"other:1","layers":1}')
	run -4 --separate-stderr lp-cache base "$c" "$a"
	[[ -z $output && $stderr == 'lp-cache: no image that is known has the first of these layers, and no others: '* ]]
	run -4 lp-cache base "$a"
	run -2 lp-cache base
	run -2 lp-cache base nodigest
}

@test "a layer of two images is found under both; images move on" {
	{ listing 10 base; end yes; } | put "$(digest 1)" --size 11 --image one:1 --index 1/2
	{ listing 10 top; end no; } | put "$(digest 2)" --image one:1 --index 2/2
	{ listing 10 base; end yes; } | put "$(digest 1)" --size 11 --image two:1 --index 1
	run -0 lp-cache search -q file9
	[ "$output" = "$(printf '%s\t%s\tbasedir0/file9.so\t63\n' one:1 "$(digest 1)" two:1 "$(digest 1)"
		printf 'one:1\t%s\ttopdir0/file9.so\t63\n' "$(digest 2)")" ]
	run -0 lp-cache search --image two:1 file9
	[ "$output" = "$(printf 'two:1\t%s\tbasedir0/file9.so\t63' "$(digest 1)")" ]
	run -0 lp-cache search -q --layer "$(digest 2)" file9
	[ "${#lines[@]}" -eq 1 ]
	run -4 lp-cache search --image nobody file9
	# what was not found may lie behind a preview
	run -0 --separate-stderr lp-cache search --image one:1 file9
	[[ $stderr == *'lp-cache: of 1 image, 1 not listed to the end: one:1' ]]
	run -4 --separate-stderr lp-cache search nowhere
	[ "$stderr" = 'lp-cache: of 2 images, 1 not listed to the end: one:1' ]
	run -4 --separate-stderr lp-cache search --image two:1 nowhere
	[ -z "$stderr" ]
	run -4 lp-cache search --image two:1 topdir
	run -0 lp-cache images -q
	[ "$output" = "$(printf 'one:1\t1\t%s\t11\t10\tyes\n' "$(digest 1)"; printf 'one:1\t2\t%s\t\t10\tno\n' "$(digest 2)"
		printf 'two:1\t1\t%s\t11\t10\tyes\n' "$(digest 1)")" ]
	{ listing 10 new; end yes; } | put "$(digest 3)" --image one:1 --index 1/1
	run -0 lp-cache images -j
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} = "{\"image\":\"one:1\",\"index\":1,\"layer\":\"$(digest 3)\",\"entries\":10,\"complete\":\"yes\"}" ]]
}

# stream N ROWS: the listings of layers 1 to N as one, each ended by the record that names its layer
stream()
{
	local i
	for i in $(seq "$1"); do
		listing "$2" "l$i-"
		printf '#end\tentries=%d\tcomplete=yes\tbytes=%d\tlayer=%s\n' "$2" "$i" "$(digest "$i")"
	done
}

@test "several listings in one stream: put by their labels, got again, told apart by them" {
	stream 4 30 >all
	lp-cache put --verified --image i:1 "$(digest 1)=11" "$(digest 2)=22" "$(digest 3)" "$(digest 4)" "$(digest 5)" <all
	run -0 lp-cache images
	[ "$output" = "$(for i in 1 2 3 4; do
		printf 'i:1\t%d\t%s\t%s\t30\tyes\n' $i "$(digest $i)" "$([ $i -gt 2 ] || echo $i$i)"; done
		printf 'i:1\t5\t%s\t\t\tabsent\n' "$(digest 5)")" ]
	lp-cache get "$(digest 3)" >one
	sed -n '/l3-/p; /bytes=3\t/p' all | cmp - one
	lp-cache get -E "$(digest 1)" "$(digest 2)" "$(digest 3)" "$(digest 4)" | cmp - all
	# what is not there is left out, and said by the status; from a pipe as from a file
	run -4 --separate-stderr lp-cache get -E "$(digest 1)" "$(digest 5)" "$(digest 2)"
	[ -z "$stderr" ]
	[ "$output" = "$(head -n 62 all)" ]
	rm -r db
	lp-cache put --verified "$(digest 4)" "$(digest 3)" "$(digest 2)" "$(digest 1)" < <(cat all)
	lp-cache get -E "$(digest 1)" "$(digest 2)" "$(digest 3)" "$(digest 4)" | cmp - all
	run -0 lp-cache has -C "$(digest 1)" "$(digest 4)"
	run -4 lp-cache has "$(digest 1)" "$(digest 5)"
	[ "$(lp-cache images | wc -l)" -eq 0 ]
	# an image that is asked for with all its layers is known from then on
	lp-cache get -E --image j "$(digest 2)" "$(digest 1)" >/dev/null
	[ "$(lp-cache images | cut -f 1-3)" = "$(printf 'j\t1\t%s\nj\t2\t%s' "$(digest 2)" "$(digest 1)")" ]
}

@test "several listings: of every form, ended whether they were or not" {
	listing 5 >tsv
	lp-merge -j L=tsv >ndjson
	{ lp-merge -jE L=tsv | sed 's/"layer":""/"layer":"x"/'; } >ended
	lp-merge -H -o name,size,mode tsv | head -c -1 >columns
	: >empty
	n=0
	for f in tsv ndjson ended columns empty; do
		n=$((n + 1))
		put "$(digest $n)" <$f
		lp-cache get -E "$(digest $n)" >got
		sed -e '/^#end/d' -e '/^{"end"/d' $f | awk 1 >want
		sed -e '/^#end/d' -e '/^{"end"/d' got | cmp - want || { echo "$f"; return 1; }
		tail -n 1 got | grep "$(digest $n)"
		cat got >>all
	done
	# whatever the rows are, the record is one that no row can be taken for
	grep -qx "#end.entries=5.complete=unknown.bytes=0.layer=$(digest 3).origin=local" all
	grep -qx "#end.entries=5.complete=unknown.bytes=0.layer=$(digest 4).origin=local" all
	digests=$(for i in 1 2 3 4 5; do digest $i; echo; done)
	# shellcheck disable=SC2086
	lp-cache --db other put $digests <all
	# shellcheck disable=SC2086
	lp-cache --db other get -E $digests | cmp - all
	# the last newline may be missing, as of any text
	# shellcheck disable=SC2086
	head -c -1 all | lp-cache --db third put $digests
	lp-cache --db third get "$(digest 4)" | tail -c 1 | od -An -c | grep '\\n'
}

@test "several listings: each is better or not by itself, and a bad one stops the rest" {
	{ listing 9; end no 9; } | put "$(digest 1)" --head 64K
	{ listing 2; printf '#end\tcomplete=no\tlayer=%s\n' "$(digest 1)"
		listing 3; printf '#end\tcomplete=no\tlayer=%s\n' "$(digest 2)"
		listing 4; printf '#end\tcomplete=yes\tlayer=%s\n' "$(digest 3)"; } >mixed
	{ listing 7; printf '#end\tcomplete=no\tlayer=%s\n' "$(digest 1)"; } >mixed_first
	run -0 --separate-stderr lp-cache put --head 128K "$(digest 1)" "$(digest 2)" "$(digest 3)" <mixed
	[ -z "$stderr" ]
	# more rows from fewer bytes are no more
	run -0 --separate-stderr lp-cache put --head 64K "$(digest 1)" <mixed_first
	[[ $stderr = "lp-cache: $(digest 1): "*'is better and stays' ]]
	[ "$(sqlite3 "$LP_CACHE" 'SELECT entries, head FROM listing ORDER BY entries')" = $'2|131072\n3|131072\n4|' ]
	{ stream 2 5; listing 3; echo nonsense; stream 3 5; } >bad
	run -1 --separate-stderr lp-cache put --verified --image i "$(digest 1)" "$(digest 2)" "$(digest 3)" <bad
	[[ $stderr = *': line 16, byte '*'ten letters'* ]]
	lp-cache get -E "$(digest 1)" "$(digest 2)" | cmp - <(stream 2 5)
	[ "$(lp-cache get -q --origin local "$(digest 3)" | wc -l)" -eq 5 ]
	listing 3 >rows
	run -1 --separate-stderr lp-cache put "$(digest 7)" <rows
	[[ $stderr = *'line 3,'*'no end record'* ]]
	for label in '' sha256:no "$(digest 8)"; do
		run -1 --separate-stderr lp-cache put "$(digest 7)" < <(cat rows; printf '#end\tlayer=%s\n' "$label")
		[[ $stderr = *'line 4,'*'none that is put here'* ]]
	done
	run -4 lp-cache has "$(digest 7)" "$(digest 8)"
	run -0 lp-cache put "$(digest 7)" </dev/null
}

@test "20 kills during put of several: so many are there, each wholly, in their order" {
	stream 6 2000 >all
	lp-cache put "$(digest 9)" </dev/null
	digests=$(for i in 1 2 3 4 5 6; do digest $i; echo; done)
	for i in $(seq 20); do
		# shellcheck disable=SC2086
		lp-cache put --verified $digests <all &
		pid=$!
		sleep "0.$(printf '%03d' $((i * 6)))"
		kill -KILL $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		# shellcheck disable=SC2086
		lp-cache get -E $digests >got || [ $? -eq 4 ]
		cmp -n "$(stat -c %s got)" got all
		[ "$(($(wc -l <got) % 2001))" -eq 0 ]
		[ "$(sqlite3 "$LP_CACHE" 'SELECT count(*) FROM entry')" -eq "$(grep -vc '^#' got)" ]
		sqlite3 "$LP_CACHE" 'PRAGMA foreign_keys = ON; DELETE FROM listing'
	done
	[ "$(sqlite3 "$LP_CACHE" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ]
}

@test "search finds exactly what grep finds, rare and common, short and long" {
	listing 3000 >rows
	printf -- '-rw-r--r--\t0\t0\t1\t-\tq\\xff\\xfez\t\n-rw-r--r--\t0\t0\t2\t-\t/Case/File\t\n-rw-r--r--\t0\t0\t2\t-\ta/./b//c\t\n' >>rows
	put "$(digest 1)" <rows
	lp-merge -o name rows >paths
	for p in dir file29 /file2999 dir2990/file2999.so .so r1 1 ile111 'nk' link; do
		grep -F -- "$p" <(lp-merge rows | cut -f 6 | sed 's|^|/|') | sed 's|^/||' | LC_ALL=C sort >want
		lp-cache search "$p" | cut -f 3 | LC_ALL=C sort >got
		cmp want got || { echo "$p"; return 1; }
	done
	run -0 lp-cache search -q $'q\xff\xfe'
	[ "$(cut -f 3 <<<"$output")" = 'q\xff\xfez' ]
	run -4 lp-cache search case/
	run -0 lp-cache search /Case
	run -0 lp-cache search a/b/c
	run -0 lp-cache search -q '*/file29?9.so'
	[ "${#lines[@]}" -eq 10 ]
	run -0 lp-cache search -q 'dir[12]0/l*k'
	[ "${#lines[@]}" -eq 2 ]
	run -0 lp-cache search '/dir20/link'
	run -4 lp-cache search 'file29?9.so'
	run -4 lp-cache search -F '*'
	run -0 lp-cache search -qj 'dir20/link'
	[ "$(jq -r .path <<<"$output")" = dir20/link ]
}

@test "a bad listing leaves all as it was" {
	d=$(digest 1)
	{ listing 5; end yes; } >good
	put "$d" --image i --index 1 <good
	{ listing 500; echo nonsense; } >bad
	run -1 --separate-stderr put "$d" --image j --index 1 <bad
	[[ $stderr = *'line 501, byte '*'ten letters'* ]]
	lp-cache get "$d" | cmp - good
	[ "$(lp-cache images | wc -l)" -eq 1 ]
	run -1 put "$(digest 2)" <bad
	run -4 lp-cache has "$(digest 2)"
}

@test "two writers and five readers at once: no error, nothing lost" {
	{ listing 400; end yes 400; } >rows
	put "$(digest 0)" --image i --index 1 <rows
	worker()
	{
		local i
		for i in $(seq "$2"); do
			case $1 in
			w*) put "$(digest $((${1#w} * 1000 + i)))" --image "i${1#w}" --index "$i" <rows ;;
			*) lp-cache get "$(digest 0)" | cmp - rows && lp-cache search file399 >/dev/null &&
				lp-cache images >/dev/null && lp-cache stat >/dev/null ;;
			esac || { echo "$1 $i"; return 1; }
		done
	}
	pids=()
	for w in w1 w2 r1 r2 r3 r4 r5; do
		worker $w 25 2>"$w.err" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do
		wait "$p"
	done
	cat ./*.err
	run ! grep -q . ./*.err
	[ "$(lp-cache search file399 | wc -l)" -eq 51 ]
	for w in 1 2; do
		for i in $(seq 25); do
			lp-cache get "$(digest $((w * 1000 + i)))" | cmp - rows
		done
	done
	[ "$(sqlite3 "$LP_CACHE" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" = ok ]
}

@test "two processes make the same new database" {
	listing 5 >rows
	for round in 1 2 3 4 5; do
		rm -rf db
		put "$(digest 1)" <rows &
		first=$!
		put "$(digest 2)" <rows
		wait $first
		lp-cache has "$(digest 1)"
		lp-cache has "$(digest 2)" || { echo "$round"; return 1; }
		[ "$(lp-cache get "$(digest 1)" | wc -l)" -eq "$(wc -l <rows)" ]
		[ "$(lp-cache get "$(digest 2)" | wc -l)" -eq "$(wc -l <rows)" ]
	done
}

@test "50 kills during put: the listing is wholly there or not at all" {
	{ listing 20000; end yes; } >new
	{ listing 100; end yes; } >old
	d=$(digest 1) there=0
	put "$(digest 2)" <old
	for i in $(seq 50); do
		lp-cache put -q --verified --layer "$d" <new >/dev/null 2>&1 &
		pid=$!
		sleep "0.$(printf '%03d' $((i * 5)))"
		kill -KILL $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		if lp-cache has "$d"; then
			lp-cache get "$d" | cmp - new
			there=$((there + 1))
			[ "$(lp-cache search --layer "$d" file19999 | wc -l)" -eq 1 ]
			sqlite3 "$LP_CACHE" "PRAGMA foreign_keys = ON; DELETE FROM listing WHERE layer = (SELECT id FROM layer WHERE digest = '$d')"
		else
			[ "$(sqlite3 "$LP_CACHE" 'SELECT count(*) FROM entry')" -eq 100 ]
		fi
		lp-cache get "$(digest 2)" | cmp - old
	done
	[ "$(sqlite3 "$LP_CACHE" 'PRAGMA integrity_check')" = ok ]
	echo "there after $there of 50 kills"
	put "$d" <new
	lp-cache get "$d" | cmp - new
}

@test "a damaged database, a foreign one, a later one: said so, exit 1, left alone" {
	{ listing 2000; end yes; } | put "$(digest 1)"
	cp db/l.db sound
	printf 'this is no database, however long it may be and whatever it may hold' >db/l.db
	run -1 --separate-stderr lp-cache stat
	[[ $stderr = *l.db:*'not a database'* ]]
	cp sound db/l.db
	dd if=/dev/urandom of=db/l.db bs=100 seek=1 count=40 conv=notrunc status=none
	run -1 --separate-stderr lp-cache stat
	[[ $stderr = *malformed*'integrity check'* || $stderr = *'not a database'* || $stderr = *malformed* ]]
	rm db/l.db
	sqlite3 db/l.db 'CREATE TABLE mine(x); INSERT INTO mine VALUES (1)'
	run -1 --separate-stderr lp-cache stat
	[[ $stderr = *'not of listings'* ]]
	[ "$(sqlite3 db/l.db 'SELECT count(*) FROM sqlite_schema')" -eq 1 ]
	cp sound db/l.db
	sqlite3 db/l.db 'PRAGMA user_version = 99' >/dev/null
	run -1 --separate-stderr lp-cache stat
	[[ $stderr = *'later version'*99* ]]
}

@test "a database of which any bytes are others: an answer or a message, and never a crash" {
	for i in 1 2 3; do
		rows "$i" yes | lp-cache put --verified --layer "$(digest $i)" --image "i.test/a:$i" --index 1
	done
	rows claim inferred | lp-cache put -q --layer "$(digest 4)" --origin=o.test/x --image=i.test/b:1 --index 1
	sqlite3 "$LP_CACHE" 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE' >/dev/null
	cp "$LP_CACHE" whole.db
	cat >damage.py <<-'PY'
	import random, sys
	seed = int(sys.argv[1])
	r = random.Random(seed)
	b = bytearray(open("whole.db", "rb").read())
	for _ in range(r.choice((1, 3, 30, 300))):
	    at = r.randrange(0 if seed % 4 == 0 else 100, len(b))
	    b[at] = r.choice((0, 1, 127, 128, 255, r.randrange(256)))
	if seed % 5 == 0:
	    del b[r.randrange(len(b)):]
	open("some.db", "wb").write(b)
	PY
	local bad=0
	for seed in $(seq "$(share 20)"); do
		rm -f some.db*
		python3 damage.py "$seed"
		for command in 'get -qE --origin=o.test/x' 'search -q -F a' images stat export "put -q --layer=$(digest 9)"; do
			case $command in get*) set -- $(digest 1) $(digest 2) $(digest 4) ;; *) set -- ;; esac
			status=0
			# shellcheck disable=SC2086 # words
			rows new yes | timeout 60 lp-cache --db=some.db $command "$@" >out 2>err || status=$?
			case $status in
			0 | 4) bad=$bad ;;
			1 | 3) [ -s err ] || bad="$seed $command: $status without a message" ;;
			*) bad="$seed $command: $status" ;;
			esac
		done
		[ "$bad" = 0 ] || { echo "$bad"; cat err; return 1; }
	done
	rm -f some.db*
	head -c 5000 whole.db >some.db
	run -1 lp-cache --db=some.db stat
	[ -n "$output" ]
}

@test "prune by age and by size; what nothing is left of goes too" {
	for i in 1 2 3 4; do
		{ listing 3000 "l$i"; end yes; } | put "$(digest $i)" --image "i$i" --index 1
	done
	sqlite3 "$LP_CACHE" "UPDATE listing SET added = added - 86400 * 10 * (5 - id)"
	run -0 --separate-stderr lp-cache prune --days 35
	[[ $stderr = *'1 listings forgotten'* ]]
	run -4 lp-cache has "$(digest 1)"
	[ "$(lp-cache images | wc -l)" -eq 3 ]
	size=$(stat -c %s db/l.db)
	run -0 lp-cache prune --max-size $((size / 2))
	run -4 lp-cache has "$(digest 2)"
	run -0 lp-cache has "$(digest 4)"
	[ "$(stat -c %s db/l.db)" -le $((size / 2 + 8192)) ]
	run -0 lp-cache prune --days 0
	[ "$(lp-cache stat -j | jq -c '[.images, .layers, .listings, .entries]')" = '[0,0,0,0]' ]
	[ "$(sqlite3 "$LP_CACHE" 'SELECT count(*) FROM gram')" -eq 0 ]
}

@test "export: rows with their layer, as other programs read them" {
	listing 20 >rows
	{ cat rows; end yes; } | put "$(digest 1)" --image i --index 1
	lp-merge -j rows | sed 's/"layer":"rows"/"uname":"u"/' | put "$(digest 2)"
	run -0 lp-cache export --image i
	[ "$output" = "$(sed "s/\$/\t$(digest 1)/" rows)" ]
	lp-cache export -j --layer "$(digest 2)" >json
	[ "$(jq -r '.uname + .layer' json | sort -u)" = "u$(digest 2)" ]
	lp-cache export -H >all
	[ "$(wc -l <all)" -eq 41 ]
	lp-merge all | wc -l | grep -x 20
	run -4 lp-cache export --image nobody
}

@test "SQL: the view knows images, the modes, and bytes" {
	{ listing 30; end yes; } | put "$(digest 1)" --image i --index 1
	run -0 sqlite3 -readonly "$LP_CACHE" "SELECT image, idx, count(*), sum(size) FROM path WHERE type = '-'"
	[ "$output" = 'i|0|24|2604' ]
	run -0 sqlite3 "$LP_CACHE" "PRAGMA journal_mode; SELECT count(*) FROM pragma_table_list WHERE strict = 0 AND type = 'table' AND name NOT LIKE 'sqlite%'"
	[ "$output" = $'wal\n0' ]
}

@test "where the database is: --db, LP_CACHE, XDG_CACHE_HOME, HOME" {
	listing 3 >rows
	put "$(digest 1)" --db here/deep/x.db <rows
	[ -f here/deep/x.db ]
	(cd here && put "$(digest 1)" --db x.db <../rows && [ -f x.db ])
	unset LP_CACHE
	XDG_CACHE_HOME=$PWD/xdg put "$(digest 1)" <rows
	[ -f xdg/layer-peek/listings.db ]
	[ "$(stat -c %a xdg/layer-peek)" = 700 ]
	env -u XDG_CACHE_HOME HOME="$PWD/home" lp-cache put --layer "$(digest 1)" <rows
	[ -f home/.cache/layer-peek/listings.db ]
	run -2 env -u XDG_CACHE_HOME -u HOME lp-cache stat
	run -3 lp-cache --db /proc/no/x.db put --layer "$(digest 1)" <rows
	# who only asks makes nothing
	run -0 --separate-stderr lp-cache --db no/such/x.db stat -j
	[ "$(jq -c '[.schema, .layers]' <<<"$output")" = '[3,0]' ]
	[ "$stderr" = 'lp-cache: no/such/x.db: no such database' ]
	run -4 lp-cache --db no/such/x.db search x
	[ ! -e no ]
	# who is kept from looking does not know what there is
	ln -s loop loop
	for db in loop loop/x.db; do
		for command in stat images export "search x" "has $(digest 1)" "get $(digest 1)"; do
			read -ra words <<<"$command"
			run -3 --separate-stderr lp-cache --db "$db" "${words[@]}"
			[ "$output$stderr" = 'lp-cache: loop: Too many levels of symbolic links' ]
		done
	done
}

@test "the command line: what a command does not take is refused" {
	d=$(digest 1)
	for args in '' nonsense put 'put --layer x' "put --layer $d --image i" "put --layer $d --index 2" \
		"put --layer $d --image i --index 3/2" "put --layer $d --image i --index 0" 'get x' get "get $d $d" "get -F $d" "get $d=1" 'has' "has $d x" \
		"put --layer $d $d" "put --size 1 $d" "put $d=x" "put $d x" "put --image i --index 1 $d" "put -E $d" \
		"get -E --image i --index 1 $d" "get -E" 'search' 'search a b' \
		'search --size 1 x' 'images x' 'prune' 'prune --days x' "prune --layer $d --days 1" 'stat -H' "has --layer $d $d"; do
		# shellcheck disable=SC2086
		run -2 lp-cache $args </dev/null
	done
	[ ! -e "$LP_CACHE" ]
	run -3 bash -c 'lp-cache stat >/dev/full'
}

@test "locked into its directory while it works" {
	listing 3 >rows
	put "$(digest 1)" <rows
	PATH=$RELEASE:$PATH
	strace -f -e trace=openat,seccomp,landlock_restrict_self -o trace lp-cache get "$(digest 1)" >/dev/null
	grep -q 'landlock_restrict_self(.*= 0' trace
	sed '1,/seccomp(SECCOMP_SET_MODE_FILTER/d' trace | grep openat | grep -v "\"$BATS_TEST_TMPDIR/db" >outside || true
	run ! grep -v 'EACCES' outside
}

@test "a database that may not be written is read as it is" {
	mkdir 'other%?#'
	cd 'other%?#'
	{ listing 30; end yes; } >rows
	lp-cache --db=x.db put --verified --layer "$(digest 1)" --image i --index 1 <rows
	lp-cache --db=x.db search file >../want
	# the directory alone, the file too; nobody has it open, somebody has
	for mode in 'u-w .' 'u-w . x.db'; do
		# shellcheck disable=SC2086 # words
		chmod $mode
		as_anybody lp-cache --db=x.db search file | cmp ../want -
		as_anybody lp-cache --db="$PWD/x.db" get "$(digest 1)" | cmp rows -
		# who has the image needs not be noted
		as_anybody lp-cache --db=x.db get -E --image=j "$(digest 1)" >/dev/null
		as_anybody lp-cache --db=x.db has -C "$(digest 1)"
		run -3 as_anybody lp-cache --db=x.db put --layer "$(digest 2)" <rows
		[ "$output" = 'lp-cache: x.db: attempt to write a readonly database' ]
		run -3 as_anybody lp-cache --db=x.db prune --days=0
		[ "$(ls)" = $'rows\nx.db' ]
		chmod -R u+w .
	done
	# who writes has it open: what is in the journal counts
	mkfifo gate
	sqlite3 x.db "INSERT INTO image(ref, origin) VALUES('new', 'o')" '.system echo >went; read -r line <gate' 3>&- &
	writer=$!
	until [ -e went ]; do sleep 0.02; done
	chmod u-w . x.db
	run -0 as_anybody lp-cache --db=x.db stat
	[[ $output == *$'images\t2\n'* ]]
	echo >gate
	wait "$writer"
	chmod -R u+w .
}

@test "what is wrong with a listing is said of it, and that it is empty" {
	run -1 put "$(digest 1)" <<<'no row'
	[[ $output == 'lp-cache: <stdin>: line 1, byte 0: '* ]]
	run -0 put "$(digest 2)" </dev/null
	[[ $output == 'lp-cache: <stdin>: empty, without an end record (-E)'* ]]
	run -0 bash -c 'printf "#end\tentries=0\tcomplete=yes\tbytes=1024\tlayer=\n" | lp-cache put --layer "$1"' - "$(digest 1)"
	[ -z "$output" ]
}

@test "./ in front of what is searched is the beginning, and which option is wrong is said" {
	listing 3 >rows
	put "$(digest 1)" --image i --index 1 <rows
	path=$(lp-cache search '' | head -n 1 | cut -f3)
	[ -n "$path" ]
	lp-cache search "./$path" | cut -f3 | grep -xF "$path"
	run -2 lp-cache put --layer sha256:12 <rows
	[[ $output == "lp-cache: --layer takes a digest, sha256:, sha384: or sha512: and its lower-case hexadecimal digits, not 'sha256:12'"* ]]
	run -2 lp-cache prune --days x
	[[ $output == "lp-cache: --days takes a number of days, not 'x'"* ]]
	run -4 lp-cache --db=typo.db search x
	[ "$output" = 'lp-cache: typo.db: no such database' ]
	run -2 lp-cache search a b
	[[ $output == 'lp-cache: search takes one PATTERN'* ]]
}

@test "statistics that cannot be written are no success" {
	run -3 lp-cache --stats=no/such/file stat
	[[ $output == 'lp-cache: cannot open the statistics file: '* ]]
	run -3 --separate-stderr lp-cache -q --stats=/dev/full stat
	[[ $stderr == 'lp-cache: cannot write the statistics: '* ]]
}

# ---- trust ------------------------------------------------------------------

# rows FILE: one row, and an end record with complete=WORD and more
rows()
{
	printf -- '-rw-r--r--\t0\t0\t1\t-\t%s\t\n#end\tentries=1\tcomplete=%s\tbytes=512\tlayer=%s\n' "$1" "$2" "${3-}"
}

@test "what nobody has verified is a claim, comes back as one, and for its own origin only" {
	d=$(digest 1)
	rows evil yes | lp-cache put --layer "$d" --image evil.test/bait:1 --index 1/1
	run -4 lp-cache get --origin=honest.test/app "$d"
	run -4 lp-cache has --origin=honest.test/app "$d"
	run -4 lp-cache get --image=honest.test/app:1 --index=1 "$d"
	run -4 lp-cache has -C --origin=evil.test/bait "$d"
	run -4 --separate-stderr lp-cache get -E --image=honest.test/app:1 "$d"
	[ -z "$output" ]
	lp-cache get --image=evil.test/bait:2 --index=1 "$d" >got
	printf -- '-rw-r--r--\t0\t0\t1\t-\tevil\t\n#end\tentries=1\tcomplete=inferred\tbytes=512\tlayer=\torigin=evil.test/bait\n' | cmp - got
	# who names nobody is told whose it is
	run -0 --separate-stderr lp-cache get "$d"
	[ "$stderr" = "lp-cache: $d: as evil.test/bait claims, not checked against the digest" ]
	[[ $output == *complete=inferred*origin=evil.test/bait ]]
	# a word for it in what is put changes nothing
	rows evil yes | sed 's/$/\torigin=honest.test\/app/' | sed 1s/.origin.*// | lp-cache put --verified --layer "$(digest 2)"
	run -0 lp-cache get "$(digest 2)"
	[[ $output == *complete=yes* && $output != *origin* ]]
	rows evil yes | sed '2s/$/\torigin=honest.test\/app/' | lp-cache put --layer "$(digest 3)"
	run -4 lp-cache has --origin=honest.test/app "$(digest 3)"
	run -0 lp-cache has --origin=local "$(digest 3)"
	# previews are as much a claim, whatever is said of them
	rows evil no | lp-cache put --verified --head=64K --layer "$(digest 4)" --image evil.test/bait:1 --index 1
	run -4 lp-cache has --head=1 --origin=honest.test/app "$(digest 4)"
	run -0 lp-cache has --head=64K --origin=evil.test/bait "$(digest 4)"
	# and so is what a table of contents that nobody has verified says
	rows evil inferred | lp-cache put --verified --layer "$(digest 5)" --origin evil.test/bait
	run -4 lp-cache has --origin=honest.test/app "$(digest 5)"
	run -4 lp-cache has -C --origin=evil.test/bait "$(digest 5)"
}

@test "two origins claim one layer: each is shown its own, and a verified listing replaces both" {
	d=$(digest 1)
	rows good yes | lp-cache put --layer "$d" --image honest.test/app:1 --index 1/1
	rows evil yes | lp-cache put --layer "$d" --image evil.test/bait:1 --index 1/1
	run -4 --separate-stderr lp-cache get "$d"
	[ "$stderr" = "lp-cache: $d: 2 origins or tables of contents claim to know it; --origin or --toc says which is wanted" ]
	lp-cache get --origin=honest.test/app "$d" | grep good
	lp-cache get --origin=evil.test/bait "$d" | grep evil
	run -0 --separate-stderr lp-cache search ''
	[ "$output" = "$(printf 'evil.test/bait:1\t%s\tevil\t1\nhonest.test/app:1\t%s\tgood\t1' "$d" "$d")" ]
	[ "$stderr" = "lp-cache: 2 of 2 lines are claims (the first one of evil.test/bait), not checked against a layer's digest" ]
	run -4 lp-cache search -q --image honest.test/app:1 evil
	run -4 lp-cache search -q --origin honest.test/app evil
	[ "$(lp-cache search -qj good | jq -r .origin)" = honest.test/app ]
	[ "$(lp-cache images -q | cut -f 6)" = $'inferred\ninferred' ]
	[ "$(lp-cache images -qj | jq -r .origin)" = $'evil.test/bait\nhonest.test/app' ]
	[ "$(lp-cache export -q --image honest.test/app:1 | cut -f 6)" = good ]
	[ "$(lp-cache export -q --origin honest.test/app | cut -f 6)" = good ]
	[ "$(lp-cache export -qj | jq -r '.name + " " + .origin')" = $'evil evil.test/bait\ngood honest.test/app' ]
	[ "$(lp-cache stat -j | jq -c '[.listings, .complete, .inferred]')" = '[2,0,2]' ]
	[ "$(sqlite3 "$LP_CACHE" 'SELECT image, origin, name FROM path ORDER BY 1')" = \
	    $'evil.test/bait:1|evil.test/bait|evil\nhonest.test/app:1|honest.test/app|good' ]
	# an image of a third one has none
	lp-cache get -q --origin=evil.test/bait "$d" | lp-cache put -q --layer "$(digest 2)" --image third.test/x:1 --index 1/2
	lp-cache put -q --image third.test/x:1 "$(digest 2)" "$d" </dev/null
	[ "$(lp-cache images -q | grep '^third.test/x:1.2' | cut -f 6)" = absent ]
	rows true yes | lp-cache put --verified --layer "$d"
	for o in honest.test/app evil.test/bait third.test/x; do
		lp-cache get --origin=$o "$d" >got
		rows true yes | cmp - got
	done
	[ "$(lp-cache search true | cut -f 1 | tr '\n' ' ')" = 'evil.test/bait:1 honest.test/app:1 third.test/x:1 ' ]
	run -4 lp-cache search -q evil --layer "$d"
	[ "$(lp-cache images -j | jq -r 'select(.complete == "yes") | .origin')" = $'null\nnull\nnull' ]
	# and no claim comes back
	run -0 --separate-stderr lp-cache put --layer "$d" --origin evil.test/bait < <(rows evil yes)
	[[ $stderr = *'is better and stays' ]]
	lp-cache get --origin=evil.test/bait "$d" | grep true
}

@test "what a table of contents says is for images that name the table" {
	d=$(digest 1) t=$(digest 77) other=$(digest 78)
	rows toc yes | sed "2s/\$/\ttoc=$t/" | lp-cache put --verified --layer "$d" --image "a.test/x@$d" --index 1/1
	run -0 lp-cache has -C --origin=b.test/y --toc="$d=$t" "$d"
	run -4 lp-cache has --origin=b.test/y "$d"
	run -4 lp-cache has --origin=b.test/y --toc="$d=$other" "$d"
	lp-cache get -E --image=b.test/y:1 --toc="$d=$t" "$d" | grep "complete=yes.*layer=$d.toc=$t"
	# who names no table is not told that it is true
	run -0 lp-cache get -q "$d"
	[[ $output == *complete=inferred*toc=$t ]]
	run -0 --separate-stderr lp-cache get "$d"
	[[ $stderr == *': by a table of contents that nobody has named here (--toc), not checked against the digest' ]]
	run -4 lp-cache has -C "$d"
	[ "$(lp-cache images -q | cut -f 1,6)" = $'a.test/x@'"$d"$'\tyes\nb.test/y:1\tyes' ]
	lp-cache put -q --image=c.test/z:1 "$d" </dev/null
	[ "$(lp-cache images -q | grep ^c | cut -f 6)" = absent ]
	# nor does one of two tables stand for the layer
	rows toc yes | sed "2s/\$/\ttoc=$t/" | lp-cache put --verified --layer "$(digest 2)"
	rows evil yes | sed "2s/\$/\ttoc=$other/" | lp-cache put --verified --layer "$(digest 2)"
	run -4 --separate-stderr lp-cache get "$(digest 2)"
	[[ -z $output && $stderr == *': 2 origins or tables of contents claim to know it; '* ]]
	lp-cache get --toc="$(digest 2)=$t" "$(digest 2)" | grep 'complete=yes'
	# of one layer and one origin: one for each table
	rows mine yes | sed "2s/\$/\ttoc=$other/" | lp-cache put --layer "$d" --origin=b.test/y
	lp-cache get --origin=b.test/y --toc="$d=$other" "$d" | grep "complete=inferred.*origin=b.test/y.toc=$other"
	lp-cache get --origin=b.test/y --toc="$d=$t" "$d" | grep complete=yes
	run -1 --separate-stderr lp-cache put --layer "$d" < <(rows x yes | sed '2s/$/\ttoc=x/')
	[[ $stderr == *'toc is no digest' ]]
	for args in "has --toc=$d $d" "has --toc=x=$d $d" "has --toc=$other=$t $d" "put --toc=$d=$t $d"; do
		# shellcheck disable=SC2086
		run -2 lp-cache $args </dev/null
	done
}

@test "an image by its tag is not told what one by digest vouches for, and no table is that of another" {
	d=$(digest 1) t=$(digest 77) other=$(digest 78)
	rows evil yes | sed "2s/\$/\ttoc=$t/" | lp-cache put --verified --layer "$d" --image "e.test/x@$d" --index 1/1
	rows evil inferred | sed "2s/\$/\ttoc=$t/" | lp-cache put --layer "$d" --image e.test/x:1 --index 1/1
	[ "$(lp-cache images -q | cut -f 1,6)" = $'e.test/x:1\tinferred\ne.test/x@'"$d"$'\tyes' ]
	lp-cache search -qj --image=e.test/x:1 evil | jq -e '.origin == "e.test/x"'
	lp-cache search -qj --image="e.test/x@$d" evil | jq -e 'has("origin") | not'
	# a tag that named a table and names none any more
	lp-cache get -qE --image=e.test/x:1 --toc="$d=$t" "$d" | grep -q complete=yes
	[ "$(lp-cache images -q | cut -f 6 | sort -u)" = yes ]
	lp-cache get -qE --image=e.test/x:1 "$d" | grep -q complete=inferred
	[ "$(lp-cache images -q | cut -f 1,6)" = $'e.test/x:1\tinferred\ne.test/x@'"$d"$'\tyes' ]
	# of no image: true for who names the table, and that is said
	rows toc yes | sed "2s/\$/\ttoc=$t/" | lp-cache put --verified --layer "$(digest 2)"
	run -0 --separate-stderr lp-cache search -j toc
	jq -e --arg t "$t" '.image == "" and .toc == $t and (has("origin") | not)' <<<"$output"
	[[ $stderr == *'1 of 1 lines are claims'* ]]
	# who names another table has no use for it
	run -0 lp-cache get -q "$(digest 2)"
	run -4 lp-cache get -q --toc="$(digest 2)=$other" "$(digest 2)"
}

@test "an image's name that comes to mean another origin's image forgets what it was" {
	mkdir -p a/img b/img
	(cd a && rows one yes | lp-cache put --layer "$(digest 1)" --image oci:img:t --index 1
		rows two yes | lp-cache put --layer "$(digest 2)" --image oci:img:t --index 2)
	[ "$(lp-cache search -qj two | jq -r .origin)" = "oci:$PWD/a/img" ]
	(cd b && rows three yes | lp-cache put --layer "$(digest 1)" --image oci:img:t --index 1)
	[ "$(lp-cache images -q | cut -f 1,2,3,6)" = "$(printf 'oci:img:t\t1\t%s\tinferred' "$(digest 1)")" ]
	[ "$(lp-cache search -q --image oci:img:t '' | cut -f 3)" = three ]
}

# what lp-cache made before it knew origins
schema_1()
{
	sqlite3 "$1" <"$LIB/schema1.sql" >/dev/null
	sqlite3 "$1" "INSERT INTO layer VALUES(7, '$(digest 1)', 99); INSERT INTO image VALUES(3, 'i.test/a:1');
		INSERT INTO image_layer VALUES(3, 0, 7);
		INSERT INTO listing VALUES(5, 7, 1, NULL, 1, 1000, NULL, '#end	entries=1	complete=yes	bytes=512	layer=', 1);
		INSERT INTO entry VALUES(5, 0, 'etc/old', '-', 420, 0, 0, 1, NULL, NULL, NULL, NULL);
		INSERT INTO gram VALUES(5, 0x6f6c64, x'01')"
}

@test "a database of schema 1 is brought up to date: its listings are claims of an origin that is unknown" {
	mkdir db
	schema_1 db/l.db
	cp -r db before
	run -4 lp-cache has --origin=i.test/a "$(digest 1)"
	run -4 lp-cache has -C "$(digest 1)"
	[ "$(sqlite3 db/l.db 'PRAGMA user_version; PRAGMA foreign_key_check; PRAGMA integrity_check; PRAGMA journal_mode')" = $'3\nok\nwal' ]
	[ "$(lp-cache get -q "$(digest 1)" | tail -n 1)" = $'#end\tentries=1\tcomplete=inferred\tbytes=512\tlayer=\torigin=unknown' ]
	[ "$(lp-cache search -qj old | jq -c '[.image, .path, .origin]')" = '["i.test/a:1","etc/old","unknown"]' ]
	[ "$(lp-cache images -q)" = "$(printf 'i.test/a:1\t1\t%s\t99\t1\tinferred' "$(digest 1)")" ]
	# and it is as one that was made new
	LP_CACHE=new.db put "$(digest 1)" </dev/null
	for db in db/l.db new.db; do
		sqlite3 $db 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name' >"${db##*/}.sql"
	done
	cmp l.db.sql new.db.sql
	rows true yes | put "$(digest 1)"
	run -0 lp-cache has -C --origin=i.test/a "$(digest 1)"
	# several at once find it old
	for round in 1 2 3; do
		rm -r db
		cp -r before db
		for i in 1 2 3 4; do
			lp-cache get -q "$(digest 1)" >got$i &
			pids[i]=$!
		done
		for i in 1 2 3 4; do
			wait "${pids[i]}" || { echo "$round"; return 1; }
			grep -q etc/old got$i
		done
	done
	# where it cannot be written it cannot be read, and that is said
	rm -r db
	cp -r before db
	chmod u-w db db/l.db
	run -1 --separate-stderr as_anybody lp-cache stat
	[[ $stderr == *'earlier version'* ]]
}

# ---- somebody else's database, somebody else's lock -------------------------

@test "a database of another program is not touched, whoever asks" {
	mkdir db
	sqlite3 other.db 'CREATE TABLE t(x); INSERT INTO t VALUES(1)'
	sqlite3 wal.db 'PRAGMA journal_mode = WAL; CREATE TABLE t(x)' >/dev/null
	sqlite3 id.db 'PRAGMA application_id = 5' >/dev/null
	for db in other.db wal.db id.db; do
		for args in stat images 'search x' export "get $(digest 1)" "has $(digest 1)" 'prune --days=0' "put $(digest 1)"; do
			cp $db it.db
			# shellcheck disable=SC2086
			run -1 --separate-stderr lp-cache --db=it.db $args </dev/null
			[ "$stderr" = 'lp-cache: it.db: a database, but not of listings' ]
			cmp $db it.db
			[ ! -e it.db-wal ]
		done
	done
}

@test "a database of schema 2 gets the table of points, and keeps its listings" {
	put "$(digest 1)" </dev/null
	sqlite3 db/l.db 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name' >now
	sqlite3 db/l.db 'DROP TABLE point; PRAGMA user_version = 2'
	run -4 lp-cache has "$(digest 2)"
	run -0 lp-cache has "$(digest 1)"
	[ "$(sqlite3 db/l.db 'PRAGMA user_version')" = 3 ]
	sqlite3 db/l.db 'SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name' | cmp - now
}

@test "a database whose version makes no sense is refused" {
	put "$(digest 1)" </dev/null
	for version in -1 -2 -2147483648 0 4 2147483647; do
		cp db/l.db v.db
		sqlite3 v.db "PRAGMA user_version = $version"
		cp v.db before
		run -1 --separate-stderr lp-cache --db=v.db stat
		[[ $stderr == *'not of listings' || $stderr == *'later version'* ]]
		cmp before v.db
		rm v.db
		sqlite3 v.db "PRAGMA user_version = $version"
		[ "$version" -eq 0 ] || run -1 lp-cache --db=v.db stat
	done
}

@test "tables that are not ours exactly are refused: views, triggers, generated columns, indexes" {
	{ listing 30; end yes; } | put "$(digest 1)"
	for sql in \
	    'ALTER TABLE entry RENAME TO e; CREATE VIEW entry AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT 1 AS listing, x AS seq, x AS name, x AS type, 0 AS mode, 0 AS uid, 0 AS gid, 0 AS size, 0 AS mtime, 0 AS mtime_nsec, 0 AS linkname, NULL AS line FROM r' \
	    'ALTER TABLE layer RENAME TO l; CREATE VIEW layer AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS id, x AS digest FROM r' \
	    "CREATE TRIGGER t AFTER INSERT ON listing BEGIN DELETE FROM layer; END" \
	    "CREATE INDEX i ON entry(hex(zeroblob(1000000)))" \
	    "ALTER TABLE entry ADD COLUMN bomb TEXT AS (hex(zeroblob(500000000)))" \
	    'CREATE TABLE more(x)' 'DROP VIEW path' 'DROP TABLE gram'; do
		cp db/l.db h.db
		sqlite3 h.db "PRAGMA legacy_alter_table = ON; $sql"
		for args in stat images 'search file' export "get $(digest 1)" 'prune --days=0' "put $(digest 1)"; do
			# shellcheck disable=SC2086
			run -1 --separate-stderr lp-cache --db=h.db $args </dev/null
			[ "$stderr" = 'lp-cache: h.db: its tables are not those of lp-cache' ]
		done
	done
	# what ANALYZE leaves is SQLite's own
	sqlite3 db/l.db ANALYZE
	run -0 lp-cache stat
}

# maze FILE: each cell of an inner page of the entries leads to the next such page, sixteen deep: a walk does not end
maze()
{
	python3 - "$1" "$(sqlite3 "$1" "SELECT rootpage FROM sqlite_schema WHERE name = 'entry'")" <<-'END'
	import struct, sys
	f = open(sys.argv[1], 'r+b')
	root = int(sys.argv[2])
	page = struct.unpack('>H', f.read(18)[16:18])[0]
	f.seek(0)
	data = f.read()
	inner = {}
	for n in range(2, len(data) // page + 1):
	    b = bytearray(data[(n - 1) * page:n * page])
	    if b[0] == 2: # interior page of an index: WITHOUT ROWID tables are such
	        inner[n] = b
	chain = [root] + [n for n in inner if n != root][:16]
	assert len(chain) == 17
	for n, child in zip(chain, chain[1:]):
	    b = inner[n]
	    b[8:12] = struct.pack('>I', child)
	    for i in range(struct.unpack('>H', b[3:5])[0]):
	        at = struct.unpack('>H', b[12 + 2 * i:14 + 2 * i])[0]
	        b[at:at + 4] = struct.pack('>I', child)
	    f.seek((n - 1) * page)
	    f.write(b)
	END
}

@test "a tree that leads through the same pages again and again ends all the same" {
	{ listing 9000 "$(printf 'long%.0s' {1..40})"; end yes; } | put "$(digest 1)" --image i --index 1
	sqlite3 db/l.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	maze db/l.db
	for args in 'search d' "get $(digest 1)" export 'prune --days=0'; do
		# shellcheck disable=SC2086
		run -1 bash -c 'exec lp-cache -q "$@" 2>&1 >/dev/null' - $args
		[ "$output" = "lp-cache: $LP_CACHE: damaged: it asks for more work than a database of its size can" ]
	done
	for args in stat images "has $(digest 1)"; do
		# shellcheck disable=SC2086
		run -0 lp-cache $args
	done
}

@test "somebody writes: who reads does not wait, and who writes waits as long as was said" {
	{ listing 5; end yes; } >rows
	put "$(digest 1)" --image a --index 1 <rows
	mkfifo gate
	sqlite3 db/l.db 'BEGIN IMMEDIATE' '.system echo >went; read -r line <gate' 3>&- &
	writer=$!
	until [ -e went ]; do sleep 0.02; done
	# --wait could not be any longer: what waits, waits for ever
	lp-cache --wait=86400 get "$(digest 1)" | cmp rows -
	lp-cache --wait=86400 get --image=b --index=1/1 "$(digest 1)" | cmp rows -
	lp-cache --wait=86400 search file2 | grep file2
	run -3 --separate-stderr lp-cache --wait=0 put --layer "$(digest 2)" <rows
	[ "$stderr" = "lp-cache: $LP_CACHE: database is locked" ]
	run -3 lp-cache --wait=1 prune --days=0
	echo >gate
	wait "$writer"
	run -4 lp-cache search --image b x
	# what cannot be noted now is noted later
	lp-cache get --image=b --index=1/1 "$(digest 1)" >/dev/null
	[ "$(lp-cache images | cut -f 1)" = $'a\nb' ]
}

@test "a lock is waited for once, also where the database is made" {
	mkdir db
	sqlite3 db/l.db 'PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; VACUUM' >/dev/null
	mkfifo gate
	sqlite3 db/l.db 'BEGIN IMMEDIATE' '.system echo >went; read -r line <gate' 3>&- &
	writer=$!
	until [ -e went ]; do sleep 0.02; done
	run -3 --separate-stderr lp-cache --wait=1 put --layer "$(digest 2)" </dev/null
	[ "$stderr" = "lp-cache: $LP_CACHE: database is locked" ]
	echo >gate
	wait "$writer"
}

@test "an image that has lost layers loses them here, also by get" {
	for i in 1 2 3; do
		{ listing 2 "l$i-"; end yes; } | put "$(digest $i)" --image i --index $i/3
	done
	lp-cache get --image=i --index=2/2 "$(digest 2)" >/dev/null
	[ "$(lp-cache images | cut -f 2,3)" = "$(printf '1\t%s\n2\t%s' "$(digest 1)" "$(digest 2)")" ]
	run -4 lp-cache search --image=i l3-
	# the listing is true of the layer, and says that no image has it
	lp-cache -q search l3- | cut -f 1,2 | sort -u >found
	[ "$(cat found)" = "$(printf '\t%s' "$(digest 3)")" ]
	lp-cache get -E --image=i "$(digest 1)" >/dev/null
	[ "$(lp-cache images | wc -l)" -eq 1 ]
}

@test "what no file is named like: nothing is kept where nobody finds it" {
	listing 3 >rows
	run -2 lp-cache --db= put --layer "$(digest 1)" <rows
	[[ $output == "lp-cache: --db takes a file, not ''"* ]]
	for name in :memory: 'file:x.db?mode=memory'; do
		put "$(digest 1)" --db="$name" <rows
		[ -f "$name" ]
		lp-cache -q --db="$name" get "$(digest 1)" | cmp rows -
		[ "$(stat -c %a "$name")" = 600 ]
	done
}

@test "put reads a pipe where the database's directory has no unnamed files" {
	{ listing 3; end yes; } >rows
	ls -l /proc/self/fd >/dev/null
	strace -f -e trace=openat -o trace lp-cache put --verified --layer "$(digest 1)" < <(cat rows)
	# shellcheck disable=SC2094
	run ! grep "O_TMPFILE.*$PWD/db\|$PWD/db.*O_TMPFILE" trace
	grep -q "O_TMPFILE" trace
	lp-cache get "$(digest 1)" | cmp rows -
	TMPDIR=/nowhere lp-cache put --verified --layer "$(digest 2)" < <(cat rows)
	lp-cache get "$(digest 2)" | cmp rows -
}

@test "get of a listing that is put again and again is always whole" {
	{ listing 40; end yes 40; } >rows
	put "$(digest 1)" <rows
	writers=()
	for i in 1 2; do
		(while [ ! -e stop ]; do put "$(digest 1)" -q <rows; done) &
		writers+=($!)
	done
	for i in $(seq "$(share 120)"); do
		lp-cache get "$(digest 1)" >got || { touch stop; wait "${writers[@]}"; return 1; }
		cmp rows got || { touch stop; wait "${writers[@]}"; return 1; }
	done
	touch stop
	wait "${writers[@]}"
}

@test "a row whose own text is damaged: exit 1, and why" {
	lp-merge -j <(listing 3) | put "$(digest 1)"
	for line in "'garbage'" "''" "x'ff00'" "'#end	entries=1'"; do
		cp db/l.db o.db
		sqlite3 o.db "UPDATE entry SET line = CAST($line AS TEXT) WHERE seq = 1"
		run -1 --separate-stderr lp-cache --db=o.db export
		echo "$stderr"
		[[ $stderr == 'lp-cache: o.db: damaged: a row'* ]]
	done
}

@test "patterns are paths too: more slashes, dots, and a slash behind" {
	{ listing 3; printf -- 'drwxr-xr-x\t0\t0\t0\t-\tetc/\t\n-rw-r--r--\t0\t0\t1\t-\tetc/passwd\t\n'; end yes 5; } | put "$(digest 1)"
	for p in '/etc/p*' '//etc/p*' '././etc/p*' './/etc/p*' '*/passwd/' 'etc//p*' 'etc/./p*' 'etc/*/'; do
		run -0 lp-cache search "$p"
		[ "$(cut -f 3 <<<"$output")" = etc/passwd ] || { echo "$p"; return 1; }
	done
}
