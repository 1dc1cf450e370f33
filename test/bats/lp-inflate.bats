#!/usr/bin/env bats
# lp-inflate: whole, cut off, spoiled, foreign and hostile input, by both
# engines; against Python's zlib where it can be asked.

# shellcheck disable=SC2016,SC2094 # the inner shell expands; nothing is read and written at once
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	shipped
	export IN=$BATS_FILE_TMPDIR
	inflatecheck make "$IN"
	zstd -q <"$IN/plain" >"$IN/plain.zst"
	head -c 100000 <"$IN/gzip6.gz" >"$IN/head.gz"
}

# The engines of this build, a word each
engines()
{
	lp-inflate --engine=none 2>&1 </dev/null | sed -n 's/.*this build has //p' | tr -d ,
}

# Peak memory in KiB of a command, whose stdout is thrown away
peak_of()
{
	command time -f %M -o peak "$@" >/dev/null && tail -n 1 peak
}

@test "streams of every encoder inflate to what went in, by both engines" {
	[ -n "$(engines)" ]
	for f in "$IN"/*.gz; do
		[ "$f" != "$IN/head.gz" ] || continue
		for engine in $(engines); do
			lp-inflate --engine "$engine" "$f" >out
			cmp out "$IN/plain"
		done
	done
}

@test "zstd: levels, a long window, frames in a row, frames with and without a checksum" {
	for how in -1 -19 "--long=27" --no-check "-B50000"; do
		zstd -q "$how" <"$IN/plain" >one.zst
		cat one.zst one.zst | lp-inflate >out
		cat "$IN/plain" "$IN/plain" | cmp out -
	done
	cat <(printf '\120\052\115\030\003\0\0\0abc') "$IN/plain.zst" | lp-inflate | cmp - "$IN/plain"
}

@test "plain bytes pass, from stdin and from a file" {
	tar -cf plain.tar -C "$IN" plain
	lp-inflate plain.tar | cmp - plain.tar
	lp-inflate <plain.tar | cmp - plain.tar
	lp-inflate - <plain.tar | cmp - plain.tar
	printf hello | lp-inflate | cmp - <(printf hello)
}

@test "cut at 2,000 places: what zlib can decode of it, a note, exit 0" {
	inflatecheck cuts "$(command -v lp-inflate)" "$IN/gzip6.gz" "$(share 2000)"
}

@test "cut at every byte of a small stream" {
	head -c "$(share 2000)" "$IN/plain" | gzip -n9 >small.gz
	inflatecheck cuts "$(command -v lp-inflate)" small.gz 0
}

@test "cut: other encoders, and members in a row" {
	for f in pigz zopfli igzip0 igzip3 stored fixed members; do
		inflatecheck cuts "$(command -v lp-inflate)" "$IN/$f.gz" "$(share 150)" 7
	done
}

@test "bits flipped: the engines say the same, and it is a byte's place or nothing changed" {
	for f in gzip1 gzip9 zopfli igzip3 stored members; do
		inflatecheck flips "$(command -v lp-inflate)" "$IN/$f.gz" "$(share 100)"
	done
}

@test "2,400 cut and flipped streams: engines and chunks make no difference" {
	mkdir corpus
	for f in gzip1 gzip6 zopfli igzip0 igzip3 members fixed stored; do
		inflatecheck corpus "$IN/$f.gz" corpus "$(share 300)" "$RANDOM"
	done
	"${LP_TREE:-$TOP/build/release}/fuzz/fuzz_inflate" corpus >tap
	[ "$(grep -c '^ok' tap)" -eq $((8 * $(share 300) + 1)) ]
}

@test "zstd cut anywhere: whole blocks, never a byte that is not there" {
	size=$(stat -c %s "$IN/plain.zst")
	for n in 1 4 5 100 $((size / 2)) $((size * 3 / 4)) $((size - 5)) $((size - 1)); do
		run --separate-stderr bash -c 'head -c "$0" "$1" | lp-inflate >out' "$n" "$IN/plain.zst"
		[ "$status" -eq 0 ]
		[ "$stderr" = "lp-inflate: <stdin>: preview: input ends after $n bytes" ]
		cmp out <(head -c "$(stat -c %s out)" "$IN/plain")
	done
	[ "$(stat -c %s out)" -eq 500000 ]
}

@test "-C: a preview is exit 4, a whole input is not" {
	run --separate-stderr lp-inflate -C "$IN/head.gz"
	[ "$status" -eq 4 ]
	[ "$stderr" = "lp-inflate: $IN/head.gz: not complete: input ends after 100000 bytes" ]
	for f in gzip6.gz members.gz plain.zst; do
		run --separate-stderr bash -c 'lp-inflate -C "$0" | cmp - "$1"' "$IN/$f" "$IN/plain"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
	done
}

@test "-q: no note" {
	lp-inflate -q "$IN/head.gz" >out 2>said
	[ ! -s said ]
	[ -s out ]
	cmp -n "$(stat -c %s out)" out "$IN/plain"
}

@test "--size: an input that ends early between members is a preview" {
	gzip -nc <"$IN/plain" >two.gz
	one=$(stat -c %s two.gz)
	gzip -nc <"$IN/plain" >>two.gz
	head -c "$one" two.gz | lp-inflate -C >out
	cmp out "$IN/plain"
	run --separate-stderr bash -c 'head -c "$0" two.gz | lp-inflate -C --size "$1" >out' "$one" $((one * 2))
	[ "$status" -eq 4 ]
	cmp out "$IN/plain"
	run --separate-stderr bash -c 'lp-inflate -C --size "$0" <two.gz | cmp -n 500000 - "$1"' $((one * 2)) "$IN/plain"
	[ -z "$stderr" ]
	run --separate-stderr bash -c 'printf plain | lp-inflate --size 6'
	[ "$stderr" = "lp-inflate: <stdin>: preview: input ends after 5 bytes" ]
	run --separate-stderr bash -c 'printf plain | lp-inflate --size 4'
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: <stdin>: byte 4: the input is longer than its stated size (--size)" ]
}

@test "behind the last member: zeros are nothing, other bytes are noted and left" {
	(cat "$IN/gzip6.gz"; head -c 5000 /dev/zero) >padded.gz
	run --separate-stderr bash -c 'lp-inflate -C padded.gz | cmp - "$0"' "$IN/plain"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	(cat "$IN/gzip6.gz"; echo garbage) >trailed.gz
	run --separate-stderr bash -c 'lp-inflate -C trailed.gz >out; echo $?; cmp out "$0"' "$IN/plain"
	[ "$output" = 0 ]
	[ "$stderr" = "lp-inflate: trailed.gz: byte $(stat -c %s "$IN/gzip6.gz"): what follows the last compressed member is ignored" ]
}

@test "corrupt: what is good comes out, then one message, exit 1" {
	size=$(stat -c %s "$IN/gzip6.gz")
	(head -c $((size - 8)) "$IN/gzip6.gz"; printf '\0\0\0\0\0\0\0\0') >crc.gz
	run --separate-stderr bash -c 'lp-inflate crc.gz >out'
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: crc.gz: byte $((size - 8)): gzip: the data's CRC does not match" ]
	cmp out "$IN/plain"
	size=$(stat -c %s "$IN/plain.zst")
	(head -c $((size - 4)) "$IN/plain.zst"; printf '\0\0\0\0') >sum.zst
	run --separate-stderr bash -c 'lp-inflate sum.zst >out'
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: sum.zst: byte $((size - 4)): zstd: the data's checksum does not match" ]
	cmp out "$IN/plain"
}

@test "foreign data is named and refused, and may be forced through" {
	echo '<!DOCTYPE html><title>404</title>' >page
	run --separate-stderr lp-inflate page
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: page: byte 0: an HTML page, not a layer" ]
	[ -z "$output" ]
	lp-inflate --format plain page | cmp - page
	xz <page >page.xz
	run --separate-stderr lp-inflate page.xz
	[ "$status" -eq 1 ]
	[[ $stderr == *"xz data"* ]]
	run --separate-stderr lp-inflate --format gzip page
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: page: byte 0: not gzip data" ]
	run --separate-stderr lp-inflate /dev/null
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: /dev/null: byte 0: the input is empty" ]
}

@test "a tar whose first name looks like a page, a zip, bzip2 passes" {
	for name in '<html>' 'BZh91' '{"errors"'; do
		echo x >"$name"
		tar -cf t.tar -- "$name"
		lp-inflate t.tar | cmp - t.tar
	done
}

@test "--max-ratio: a bomb ends, what deflate can reach does not, and 0 lets all pass" {
	head -c 1200000000 /dev/zero | zstd -q -1 -c >bomb.zst
	[ "$(stat -c %s bomb.zst)" -lt 300000 ]
	run -1 --separate-stderr bash -c 'set -o pipefail; lp-inflate bomb.zst | wc -c'
	[ "$output" -gt $((1 << 30)) ]
	[ "$output" -lt $(((1 << 30) + 1100 * 300000)) ]
	[[ $stderr = 'lp-inflate: bomb.zst: byte '*': the output is more than 1100 times as long (--max-ratio)' ]]
	[ "$(lp-inflate --max-ratio=0 bomb.zst | wc -c)" -eq 1200000000 ]
	[ "$(lp-inflate --max-ratio=40000 bomb.zst | wc -c)" -eq 1200000000 ]
	head -c 120000000 /dev/zero | gzip -9 >zeros.gz
	[ "$(cat zeros.gz{,,,,,,,,,} | lp-inflate | wc -c)" -eq 1200000000 ]
	run -2 lp-inflate --max-ratio=x bomb.zst
}

@test "--max-output: what fits is written, then exit 1" {
	run --separate-stderr bash -c 'lp-inflate --max-output 100K "$0" >out' "$IN/gzip6.gz"
	[ "$status" -eq 1 ]
	[[ $stderr =~ ^"lp-inflate: $IN/gzip6.gz: byte "[0-9]+": the output is longer than 102400 bytes (--max-output)"$ ]]
	cmp out <(head -c 102400 "$IN/plain")
	lp-inflate --max-output 500000 "$IN/gzip6.gz" | cmp - "$IN/plain"
	run lp-inflate --max-output 499999 "$IN/plain.zst"
	[ "$status" -eq 1 ]
}

@test "memory: a gzip bomb in 4 MiB, zstd in its window and 4 MiB" {
	[ -n "$(engines)" ]
	head -c 300M /dev/zero | gzip -n >bomb.gz
	for engine in $(engines); do
		peak=$(peak_of "$RELEASE/lp-inflate" --engine "$engine" bomb.gz)
		[ "$peak" -le 4096 ]
	done
	head -c 300M /dev/zero | zstd -q --long=24 >bomb.zst
	peak=$(peak_of "$RELEASE/lp-inflate" bomb.zst)
	[ "$peak" -le $(((16 + 4) * 1024)) ]
}

@test "zstd: windows up to 128 MiB, no dictionary" {
	{ head -c 140M /dev/zero | zstd -q --long=27 || :; } | lp-inflate | cmp -n 1000 - /dev/zero
	head -c 140M /dev/zero | zstd -q --ultra --long=28 >wide.zst
	run --separate-stderr lp-inflate wide.zst
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: wide.zst: byte 0: zstd: the window is above 128 MiB" ]
	for i in {1..200}; do head -c $((i * 50)) "$IN/plain" >"sample$i"; done
	zstd -q --train sample* -o dict --maxdict=2000
	zstd -q -D dict <sample9 >needs.zst
	run --separate-stderr lp-inflate needs.zst
	[ "$status" -eq 1 ]
	[ "$stderr" = "lp-inflate: needs.zst: byte 0: zstd: the frame needs a dictionary" ]
}

@test "what is decoded is written before more input is waited for" {
	mkfifo in
	lp-inflate <in >out 2>err &
	reader=$!
	exec 9>in
	cat "$IN/head.gz" >&9
	want=$(lp-inflate -q "$IN/head.gz" | wc -c)
	for _ in {1..200}; do
		# up to two literals may wait for the bits behind them
		[ "$(stat -c %s out)" -lt $((want - 2)) ] || break
		sleep 0.05
	done
	[ "$(stat -c %s out)" -ge $((want - 2)) ]
	exec 9>&-
	wait "$reader"
	[ "$(stat -c %s out)" -eq "$want" ]
}

@test "files and descriptors: none, a directory, a full disk, a reader that left" {
	run --separate-stderr lp-inflate nowhere.gz
	[ "$status" -eq 3 ]
	[ "$stderr" = "lp-inflate: nowhere.gz: No such file or directory" ]
	run --separate-stderr lp-inflate .
	[ "$status" -eq 3 ]
	[ "$stderr" = "lp-inflate: .: Is a directory" ]
	run --separate-stderr bash -c 'lp-inflate "$0" >/dev/full' "$IN/gzip6.gz"
	[ "$status" -eq 3 ]
	[ "$stderr" = "lp-inflate: <stdout>: No space left on device" ]
	run --separate-stderr bash -c 'lp-inflate "$0" | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"' "$IN/gzip6.gz"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "statistics: bytes and completeness" {
	lp-inflate --stats s "$IN/gzip6.gz" >/dev/null
	LP_STATS=s lp-inflate -q --size 1000000 "$IN/head.gz" >out
	run ! lp-inflate --stats s /dev/null
	[ "$(jq -r '.tool + " " + (.bytes_decompressed | tostring) + " " + (.partial | tostring)' s)" = \
	    "lp-inflate 500000 false
lp-inflate $(stat -c %s out) true
lp-inflate 0 null" ]
	[ "$(jq -r '.size' s | sed -n 2p)" = 1000000 ]
	[[ $(jq -r '.error' s | sed -n 3p) == *"the input is empty" ]]
}

@test "wrong command lines: exit 2, nothing read" {
	for args in '--engine none' '--format xz' '--max-output 1x' '--size -1' '--nonsense' 'a b'; do
		# shellcheck disable=SC2086
		run --separate-stderr lp-inflate $args
		[ "$status" -eq 2 ]
		[[ $stderr == 'lp-inflate: '* ]]
		[ -z "$output" ]
	done
}

@test "it is locked before the first byte, and says so" {
	mkfifo in
	"$RELEASE/lp-inflate" <in >/dev/null &
	exec 9>in
	for _ in {1..200}; do
		grep -q '^Seccomp:.*2' "/proc/$!/status" && break
		sleep 0.05
	done
	grep -q '^Seccomp:.*2' "/proc/$!/status"
	grep -q '^NoNewPrivs:.*1' "/proc/$!/status"
	exec 9>&-
	wait "$!" || :
	"$RELEASE/lp-inflate" -V | grep '^locks: .*landlock.*seccomp'
}

# Behind the first MiB it writes in a thread of its own.
@test "much output: a full disk and a reader that leaves are noticed, and one processor will do" {
	head -c 50000000 /dev/zero | gzip -n1 >zeros.gz
	for engine in '' --engine=zlib; do
		run --separate-stderr bash -c 'lp-inflate $0 zeros.gz >/dev/full' "$engine"
		[ "$status" -eq 3 ]
		[ "$stderr" = "lp-inflate: <stdout>: No space left on device" ]
	done
	run --separate-stderr bash -c 'set -o pipefail; lp-inflate zeros.gz | head -c 5000000 | wc -c'
	[ "$status" -eq 0 ]
	[ "$output" -eq 5000000 ]
	[ "$stderr" = "" ]
	taskset -c 0 lp-inflate zeros.gz | cmp - <(head -c 50000000 /dev/zero)
	head -c 50000000 /dev/zero | zstd -q >zeros.zst
	lp-inflate zeros.zst | cmp - <(head -c 50000000 /dev/zero)
	# cut off, all that could be decoded is out before the verdict
	head -c 30000 zeros.gz | lp-inflate -q >out
	[ "$(stat -c %s out)" -gt 1048576 ]
	cmp -n "$(stat -c %s out)" out /dev/zero
}

@test "a build without ISA-L: the same bytes by zlib" {
	make -s -C "$TOP" -j2 ISAL= O="$BATS_TEST_TMPDIR/build" "$BATS_TEST_TMPDIR/build/bin/lp-inflate"
	PATH=$BATS_TEST_TMPDIR/build/bin:$PATH
	[ "$(engines)" = zlib ]
	lp-inflate "$IN/gzip6.gz" | cmp - "$IN/plain"
	lp-inflate -q <"$IN/head.gz" | cmp - <("$RELEASE/lp-inflate" -q <"$IN/head.gz")
	run -2 lp-inflate --engine=isal "$IN/gzip6.gz"
}

# Ranges of what $1 decodes to, from the points in $2: $3 of them.
ranges_by_points()
{
	local n first last
	for ((n = 0; n < $3; n++)); do
		first=$((RANDOM * 32768 % 499000 + RANDOM % 900)) last=$((first + RANDOM % 5000))
		tail -c +$((first + 1)) "$IN/plain" | head -c $((last - first + 1)) >want || :
		lp-inflate --use-points="$2" --range=$first-$last --engine="$4" "$1" | cmp - want
	done
}

@test "--points and --use-points: any range from any encoder's streams, by both engines" {
	for f in gzip1 gzip6 zopfli igzip0 igzip3 members stored; do
		for engine in $(engines); do
			lp-inflate --points="$engine.gzidx" --spacing=64K --engine="$engine" "$IN/$f.gz" | cmp - "$IN/plain"
			[ ! -e isal.gzidx ] || cmp "$engine.gzidx" isal.gzidx
			ranges_by_points "$IN/$f.gz" "$engine.gzidx" "$(share 8)" "$engine"
		done
		rm -- *.gzidx
	done
	lp-inflate --points=p --spacing=64K "$IN/gzip6.gz" >out
	lp-inflate --use-points=p "$IN/gzip6.gz" | cmp - "$IN/plain"
	lp-inflate --use-points=p --range=300000- "$IN/gzip6.gz" | cmp - <(tail -c +300001 "$IN/plain")
	lp-inflate --use-points=p --range=300000-900000 <"$IN/gzip6.gz" | cmp - <(tail -c +300001 "$IN/plain")
	lp-inflate --use-points=p --range=300000-300000 < <(cat "$IN/gzip6.gz") | cmp - <(tail -c +300001 "$IN/plain" | head -c 1)
	lp-inflate --use-points=p --range=0-9 "$IN/gzip6.gz" | cmp - <(head -c 10 "$IN/plain")
}

@test "--locate: the bytes of the input that have a range, and --part of no others" {
	lp-inflate --points=p --spacing=64K "$IN/gzip6.gz" >out
	size=$(stat -c %s "$IN/gzip6.gz")
	for at in 0 65000 131072 250000 499990; do
		IFS=- read -r first last < <(lp-inflate --locate --use-points=p --range=$at-$((at + 9)))
		[ $((last - first)) -lt $((size / 3)) ]
		tail -c +$((first + 1)) "$IN/gzip6.gz" >rest
		head -c $((last - first + 1)) rest >part
		lp-inflate --use-points=p --range=$at-$((at + 9)) --part <part | cmp - <(tail -c +$((at + 1)) "$IN/plain" | head -c 10)
	done
	[ "$last" -eq $((size - 1)) ]
	[ "$(lp-inflate --locate --use-points=p)" = "10-$((size - 1))" ]
	# a byte less than that is one too few
	IFS=- read -r first last < <(lp-inflate --locate --use-points=p --range=131072-200000)
	tail -c +$((first + 1)) "$IN/gzip6.gz" >rest
	head -c $(((last - first) / 2)) rest >half
	run -4 --separate-stderr bash -c 'lp-inflate -C --use-points=p --range=131072-200000 --part <half >out'
	[[ $stderr == 'lp-inflate: <stdin>: not complete: input ends after '* ]]
}

@test "points: indexed_gzip reads ours, and we read those of indexed_gzip" {
	cat >igzip.py <<-'END'
		import indexed_gzip, random, sys
		gz, ours, theirs, plain = sys.argv[1:]
		want = open(plain, "rb").read()
		def check(f):
		    for _ in range(300):
		        at = random.randrange(len(want))
		        f.seek(at)
		        assert f.read(700) == want[at:at + 700]
		f = indexed_gzip.IndexedGzipFile(gz, index_file=ours)
		assert len(list(f.seek_points())) > 1
		check(f)
		f = indexed_gzip.IndexedGzipFile(gz, spacing=70000)
		f.build_full_index()
		f.export_index(theirs)
	END
	for f in gzip6 gzip9 pigz members igzip3; do
		lp-inflate --points=ours --spacing=64K "$IN/$f.gz" >out
		/usr/bin/python3 igzip.py "$IN/$f.gz" ours theirs "$IN/plain"
		ranges_by_points "$IN/$f.gz" theirs "$(share 8)" zlib
	done
}

@test "points: of a cut or spoiled input there are none, and what is no such file is told" {
	run -0 --separate-stderr bash -c 'lp-inflate --points=p "$0" >out' "$IN/head.gz"
	[ ! -s p ]
	run -1 --separate-stderr bash -c 'lp-inflate --use-points=p "$0" >out' "$IN/gzip6.gz"
	[ "$stderr" = "lp-inflate: p: byte 0: not GZIDX data" ]
	lp-inflate --points=p "$IN/plain.zst" 2>said >out
	[ ! -s p ]
	[ "$(cat said)" = "lp-inflate: $IN/plain.zst: zstd data has no points" ]
	lp-inflate --points=p --spacing=64K "$IN/gzip6.gz" >out
	head -c 40000 p >cut.gzidx
	run -1 --separate-stderr bash -c 'lp-inflate --use-points=cut.gzidx "$0" >out' "$IN/gzip6.gz"
	[ "$stderr" = "lp-inflate: cut.gzidx: byte 40000: cut off in a window" ]
	run -4 --separate-stderr lp-inflate --locate --use-points=p --range=500000-
	[ "$stderr" = "lp-inflate: p: byte 500000 is behind the end: there are 500000 bytes" ]
	# the same where the points do not say how many bytes there are
	{ head -c 15 p; head -c 8 /dev/zero; tail -c +24 p; } >unknown
	run -4 --separate-stderr bash -c 'lp-inflate --use-points=unknown --range=500000- "$0" >out' "$IN/gzip6.gz"
	[ "$stderr" = "lp-inflate: $IN/gzip6.gz: the data has only 500000 bytes" ]
	[ ! -s out ]
	lp-inflate --use-points=unknown --range=499999- "$IN/gzip6.gz" | cmp - <(tail -c 1 "$IN/plain")
	: | gzip >none.gz
	lp-inflate --points=none none.gz
	lp-inflate --use-points=none none.gz
	# the file that is read is not lost, and without one nothing else is
	cp "$IN/gzip6.gz" own.gz
	ln own.gz link.gz
	run -2 --separate-stderr bash -c 'lp-inflate --points=link.gz own.gz >out'
	[ "$stderr" = "lp-inflate: link.gz: this is the input, and not a file for its points" ]
	cmp own.gz "$IN/gzip6.gz"
	run -3 lp-inflate --points=p nothing.gz
	[ -s p ]
	# those of another file lead to what is no stream, or to another one
	run -1 --separate-stderr bash -c 'lp-inflate --use-points=p --range=400000- "$0" >out' "$IN/gzip1.gz"
	[[ $stderr =~ ^"lp-inflate: $IN/gzip1.gz: byte "[0-9]+": " ]]
	for words in '--range=0-1' --locate --part '--use-points=p --size=1' '--use-points=p --format=gzip' '--use-points=p --points=q' \
		'--spacing=1M' '--points=q --spacing=1K' '--use-points=p --range=-5' '--use-points=p --locate --part'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-inflate $words
	done
}

@test "points: memory is theirs and no more, and a full list is thinned" {
	head -c 150M /dev/zero | gzip -n1 >zeros.gz
	peak=$(peak_of "$RELEASE/lp-inflate" --points=p --spacing=64K zeros.gz)
	[ "$peak" -le $(((4 + 33) * 1024)) ]
	[ "$(stat -c %s p)" -le $((35 + 1024 * (18 + 32768))) ]
	lp-inflate --use-points=p --range=150000000-150000009 zeros.gz | cmp - <(head -c 10 /dev/zero)
}
