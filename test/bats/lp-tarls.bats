#!/usr/bin/env bats
# lp-tarls through its real command line.

# shellcheck disable=SC2016 # what is expanded is for bash -c to expand

bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	shipped
	cd "$BATS_FILE_TMPDIR" || return
	mktar >small.tar <<-'END'
		header name=dir/ type=5 mode=0001777
		header name=dir/file size=3 uname=root
		data abc
		header name=dir/link type=2 link=file
		header name=dir/hard type=1 link=dir/file
		end
	END
	mktar >odd.tar <<-'END'
		header name=a\\tb size=600
		data *600
		header name='\xff{' mode=0004755
		end
	END
	cat >small.tsv <<-'END'
		drwxrwxrwt	1000	100	0	2023-11-14T22:09:20Z	dir/	
		-rw-r--r--	1000	100	3	2023-11-14T22:09:20Z	dir/file	
		lrw-r--r--	1000	100	0	2023-11-14T22:09:20Z	dir/link	file
		hrw-r--r--	1000	100	0	2023-11-14T22:09:20Z	dir/hard	dir/file
	END
}

setup()
{
	judged
	cd "$BATS_FILE_TMPDIR" || return
	T=$BATS_TEST_TMPDIR
}

# gives STATUS OUT ERR COMMAND...: exact status, stdout and stderr (text, newline added)
gives()
{
	local status=$1 out=$2 err=$3 got=0
	shift 3
	"$@" >"$T/out" 2>"$T/err" || got=$?
	printf '%s' "${out:+$out$'\n'}" | cmp - "$T/out"
	printf '%s' "${err:+$err$'\n'}" | cmp - "$T/err"
	[ "$got" -eq "$status" ]
}

# tar_of RECIPE-LINE...: the archive on stdout
tar_of()
{
	printf '%s\n' "$@" | mktar
}

@test "a listing: seven columns, from a file, from stdin, from a pipe" {
	lp-tarls small.tar >"$T/a"
	cmp "$T/a" small.tsv
	lp-tarls <small.tar | cmp - small.tsv
	# shellcheck disable=SC2002
	cat small.tar | lp-tarls - | cmp - small.tsv
}

@test "one byte at a time gives the same rows" {
	lp-tarls < <(dd if=small.tar bs=1 status=none) | cmp - small.tsv
}

@test "-H and -o: columns by name" {
	gives 0 $'name\tsize\ndir/\t0\ndir/file\t3\ndir/link\t0\ndir/hard\t0' '' lp-tarls -Ho name,size small.tar
	gives 0 $'5\ttrue\tfalse\t0\t512\n0\tfalse\tfalse\t512\t1024\n2\tfalse\ttrue\t1536\t2048\n1\tfalse\tfalse\t2048\t2560' '' \
		lp-tarls -o typeflag,is_dir,is_symlink,header_offset,data_offset small.tar
}

@test "-0: names as they are, ended by NUL" {
	lp-tarls -0 -o name odd.tar >"$T/out"
	printf 'a\tb\0\377{\0' | cmp - "$T/out"
}

@test "names are escaped, and the first column cannot pose as something else" {
	gives 0 $'a\\tb\t600\n\\xff{\t0' '' lp-tarls -o name,size odd.tar
	tar_of "header name='#end'" "header name='{\"end\":1}'" end >"$T/pose.tar"
	gives 0 $'\\x23end\n\\x7b"end":1}' '' lp-tarls -o name "$T/pose.tar"
}

@test "-j: objects that jq reads, exact bytes beside bad UTF-8" {
	lp-tarls -jE -L base odd.tar >"$T/out"
	[ "$(jq -r 'select(.name) | .name_base64 // "-"' "$T/out" | tr '\n' ' ')" = "- /3s= " ]
	[ "$(jq -r '.mode // empty' "$T/out" | tr '\n' ' ')" = "-rw-r--r-- -rwsr-xr-x " ]
	[ "$(jq -c .end "$T/out" | tail -n 1)" = '{"entries":2,"complete":"yes","bytes":3072,"layer":"base"}' ]
	[ "$(jq -r 'select(.name) | .layer' "$T/out" | sort -u)" = base ]
}

@test "-l: lines for eyes, nothing a terminal obeys" {
	tar_of "header name='\x1b[31m\xe2\x80\xaered' type=2 link='\xc2\x9b'" end >"$T/l.tar"
	gives 0 'lrw-r--r-- 1000     100               0 2023-11-14T22:09:20Z \x1b[31m\xe2\x80\xaered -> \xc2\x9b' '' \
		lp-tarls -l "$T/l.tar"
}

@test "-E and -L: the end record and the layer's column" {
	gives 0 $'dir/\tl\\n1\ndir/file\tl\\n1\ndir/link\tl\\n1\ndir/hard\tl\\n1\n#end\tentries=4\tcomplete=yes\tbytes=3584\tlayer=l\\n1' '' \
		lp-tarls -E -L $'l\n1' -o name,layer small.tar
}

@test "-m: patterns over whole names, * matches slashes" {
	gives 0 $'dir/\ndir/file' '' lp-tarls -o name -m dir -m '*i?e' small.tar
	gives 0 $'dir/file\ndir/link\ndir/hard' '' lp-tarls -o name -m './d*[kde]' small.tar
	# as it is copied from a listing, or completed by a shell
	gives 0 'dir/' '' lp-tarls -o name -m './dir/' small.tar
	gives 0 'dir/' '' lp-tarls -o name -m '/dir//' small.tar
	# the root, however it is written
	tar_of "header name=./ type=5" "header name=x" end >"$T/root.tar"
	for root in . ./ / ''; do
		gives 0 './' '' lp-tarls -o name -m "$root" "$T/root.tar"
	done
	gives 0 $'#end\tentries=0\tcomplete=no\tbytes=3584\tlayer=\treason=-m left rows out' '' lp-tarls -C -E -m none small.tar
}

@test "-n: stops behind COUNT rows, also where input never ends" {
	gives 0 $'dir/\ndir/file' '' lp-tarls -n 2 -o name small.tar
	gives 0 $'dir/\n#end\tentries=1\tcomplete=no\tbytes=512\tlayer=' '' lp-tarls -E -n 1 -o name small.tar
	gives 0 'dir/file' '' lp-tarls -C -n 1 -m '*file' -o name small.tar
	timeout 20 bash -c '(cat small.tar; sleep 100) | lp-tarls -jn 2 | jq -r .name' >"$T/names" &
	# the sleep is nobody's any more
	until [ -s "$T/names" ]; do sleep 0.1; done
	printf 'dir/\ndir/file\n' | cmp - "$T/names"
	kill %1 2>/dev/null || :
}

@test "rows come while more input is waited for" {
	mkfifo "$T/in" "$T/out"
	lp-tarls -o name <"$T/in" >"$T/out" &
	exec 8>"$T/in" 9<"$T/out"
	head -c 1536 small.tar >&8
	read -r -t 20 row <&9
	[ "$row" = dir/ ]
	read -r -t 20 row <&9
	[ "$row" = dir/file ]
	tail -c +1537 small.tar >&8
	read -r -t 20 row <&9
	[ "$row" = dir/link ]
	exec 8>&-
	wait $!
	exec 9<&-
	# a body that is passed over is waited for as well
	head -c 300000 /dev/zero >"$T/body"
	tar -C "$T" -cf "$T/long.tar" body
	lp-tarls -o name <"$T/in" >"$T/out" &
	exec 8>"$T/in" 9<"$T/out"
	head -c 20000 "$T/long.tar" >&8
	read -r -t 20 row <&9
	[ "$row" = body ]
	exec 8>&-
	wait $!
	exec 9<&-
}

@test "a preview: what arrived, a note, complete=no, and exit 0" {
	head -c 1030 small.tar >"$T/cut"
	gives 0 $'dir/\ndir/file\n#end\tentries=2\tcomplete=no\tbytes=1026\tlayer=' \
		"lp-tarls: $T/c2: preview: input ends after 1026 bytes, in a member's data" \
		bash -c 'head -c 1026 small.tar >"$1"; exec lp-tarls -E -o name "$1"' - "$T/c2"
	gives 0 $'dir/\ndir/file' 'lp-tarls: <stdin>: preview: input ends after 1030 bytes, in the padding behind a member' \
		bash -c 'cat "$1" | lp-tarls -o name' - "$T/cut"
	gives 0 $'dir/\ndir/file' '' lp-tarls -q -o name "$T/cut"
	gives 4 $'dir/\ndir/file' "lp-tarls: $T/cut: not complete: input ends after 1030 bytes, in the padding behind a member" \
		lp-tarls -C -o name "$T/cut"
}

@test "cut exactly behind a member: not complete all the same" {
	head -c 1536 small.tar >"$T/cut"
	gives 0 $'#end\tentries=2\tcomplete=no\tbytes=1536\tlayer=' \
		"lp-tarls: $T/cut: preview: input ends after 1536 bytes, between two members, without an end marker" \
		bash -c 'lp-tarls -E "$1" | tail -n 1' - "$T/cut"
}

@test "one block of zeros, or two, are the end" {
	head -c 3072 small.tar >"$T/one"
	gives 0 $'#end\tentries=4\tcomplete=yes\tbytes=3072\tlayer=' '' bash -c 'lp-tarls -E "$1" | tail -n 1' - "$T/one"
	tar_of end >"$T/empty"
	gives 0 $'#end\tentries=0\tcomplete=yes\tbytes=1024\tlayer=' '' lp-tarls -E "$T/empty"
}

@test "a body cut off in a file is noticed, although it is not read" {
	mktar >"$T/big" <<<'header name=big size=1000000'
	truncate -s 500000 "$T/big"
	gives 4 big "lp-tarls: $T/big: not complete: input ends after 500000 bytes, in a member's data" \
		lp-tarls -C -o name "$T/big"
	gives 4 big "lp-tarls: <stdin>: not complete: input ends after 500000 bytes, in a member's data" \
		bash -c 'cat "$1" | lp-tarls -C -o name' - "$T/big"
	[ "$(lp-tarls -qj "$T/big" | jq .truncated)" = true ]
}

@test "a file is read from where it stands" {
	{ echo junk; cat small.tar; } >"$T/behind"
	gives 0 $'dir/\ndir/file\ndir/link\ndir/hard' '' bash -c '{ read -r; exec lp-tarls -o name; } <"$1"' - "$T/behind"
}

@test "corrupt input: the rows before it, one message with the byte, exit 1" {
	{ head -c 1536 small.tar; head -c 2000 /dev/zero | tr '\0' x; } >"$T/bad"
	gives 1 $'dir/\ndir/file' "lp-tarls: $T/bad: byte 1536: header checksum does not match" lp-tarls -o name "$T/bad"
	gives 1 $'#end\tentries=2\tcomplete=no\tbytes=2048\tlayer=' "lp-tarls: <stdin>: byte 1536: header checksum does not match" \
		bash -c 'lp-tarls -E <"$1" | tail -n 1; exit "${PIPESTATUS[0]}"' - "$T/bad"
}

@test "what is no tar is named" {
	gives 1 '' 'lp-tarls: <stdin>: byte 0: gzip data, not tar: put lp-inflate in front' \
		bash -c 'gzip <small.tar | lp-tarls'
	gives 1 '' 'lp-tarls: <stdin>: byte 0: zstd data, not tar: put lp-inflate in front' \
		bash -c 'zstd -q <small.tar | lp-tarls'
	gives 1 '' 'lp-tarls: <stdin>: byte 0: an HTML page, not tar' \
		bash -c "printf '<!DOCTYPE html>%2000s' x | lp-tarls"
	gives 1 '' 'lp-tarls: <stdin>: byte 0: header checksum does not match' \
		bash -c 'seq 1000 | lp-tarls'
	gives 1 '' 'lp-tarls: <stdin>: byte 0: the input is empty: even a tar without members has an end marker' \
		lp-tarls </dev/null
}

@test "what follows the end marker is told" {
	{ cat small.tar; echo more; } >"$T/more"
	gives 0 '' "lp-tarls: $T/more: byte 3584: what follows the end marker is ignored" \
		bash -c 'lp-tarls "$1" >/dev/null' - "$T/more"
	{ cat small.tar; head -c 8192 /dev/zero; } >"$T/zeros"
	gives 0 $'#end\tentries=4\tcomplete=yes\tbytes=11776\tlayer=' '' bash -c 'lp-tarls -E "$1" | tail -n 1' - "$T/zeros"
}

@test "smuggling: a header's own size does not hide members from a pax size (CVE-2025-62518)" {
	tar_of 'pax x size=1024' 'header name=outer size=0' \
		'header name=hidden' 'header name=hidden' 'header name=seen' end >"$T/t"
	gives 0 $'outer\t1024\nseen\t0' '' lp-tarls -o name,size "$T/t"
}

@test "smuggling: a pax size of zero does not skip what the header counts (CVE-2026-33055)" {
	tar_of 'pax x size=0' 'header name=outer size=512' 'header name=seen' end >"$T/t"
	gives 0 $'outer\t0\nseen\t0' '' lp-tarls -o name,size "$T/t"
}

@test "smuggling: a pax size is not for a long name in between (CVE-2026-53655, GHSA-3pv8-6f4r-ffg2)" {
	for t in L K; do
		tar_of 'pax x size=1024' "ext $t 'long\\0' gnu" 'header name=outer size=0 format=gnu' \
			'header name=hidden' 'header name=hidden' 'header name=seen' end >"$T/t"
		lp-tarls -o size "$T/t" >"$T/out"
		printf '1024\n0\n' | cmp - "$T/out"
	done
}

@test "smuggling: what has no data has none, whatever size it says" {
	for t in 1 2 3 4 5 6; do
		tar_of 'pax x size=512' "header name=outer type=$t size=512" 'header name=seen' end >"$T/t"
		gives 0 $'outer\t0\nseen\t0' '' lp-tarls -o name,size "$T/t"
	done
}

@test "the command line: exit 2, nothing read" {
	for args in '-o colour' '-o name,name' '-n 0' '-n x' '-x' '--lengthy' '-j -H' '-j -o name' '-l -0' '-l -E' 'a b'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr lp-tarls $args
		[ -z "$output" ]
		# shellcheck disable=SC2154 # by run
		[[ $stderr == 'lp-tarls: '* ]]
	done
}

@test "files that cannot be read: exit 3" {
	gives 3 '' 'lp-tarls: none: No such file or directory' lp-tarls none
	gives 3 '' "lp-tarls: $T: Is a directory" lp-tarls "$T"
	gives 3 '' 'lp-tarls: <stdin>: Is a directory' lp-tarls <"$T"
}

@test "output that cannot be written: exit 3 for a full disk, 0 for a reader who has enough" {
	gives 3 '' 'lp-tarls: <stdout>: No space left on device' bash -c 'lp-tarls small.tar >/dev/full'
	for _ in {1..3000}; do echo 'header name=member'; done | mktar >"$T/many.tar"
	run bash -c 'lp-tarls -E "$1" | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' - "$T/many.tar"
	[ "$output" = 0 ]
}

@test "a name in a message does no harm to a terminal" {
	gives 3 '' 'lp-tarls: \x1b[31m: No such file or directory' lp-tarls $'\e[31m'
}

@test "statistics: one line, with the error when there is one" {
	lp-tarls --stats "$T/s" small.tar >"$T/out"
	head -c 1030 small.tar | LP_STATS=$T/s lp-tarls -q >"$T/out"
	run -1 lp-tarls --stats "$T/s" /dev/null
	[ "$(jq -r '[.tool, .source // "-", .entries_found, .partial, .error // "-"] | join(" ")' "$T/s")" = \
		"lp-tarls small.tar 4 false -
lp-tarls - 2 true -
lp-tarls /dev/null 0 true /dev/null: byte 0: the input is empty: even a tar without members has an end marker" ]
}

@test "-v says how much there was" {
	gives 0 '' 'lp-tarls: small.tar: 4 members, 1 rows, 3584 bytes' bash -c 'lp-tarls -v -m dir small.tar >/dev/null'
}

@test "a header that asks for much gets little: memory stays below 8 MiB" {
	{ printf 'pax x'; printf ' SCHILY.xattr.%s=' {1..45000}; printf '\nheader name=xattrs\n'; } >"$T/r"
	mktar <"$T/r" >"$T/xattrs.tar"
	/usr/bin/time -f %M -o "$T/kib" "$RELEASE/lp-tarls" -jq "$T/xattrs.tar" >"$T/out"
	[ "$(jq '.xattrs | length' "$T/out")" -eq 45000 ]
	[ "$(tail -n 1 "$T/kib")" -lt 8192 ]
}

@test "the seeds of the fuzz targets are what their recipes say" {
	for name in tar pax; do
		mkdir "$T/$name"
		mktar --split "$T/$name" <"$TOP/test/fuzz/recipes/$name"
		diff -r "$T/$name" "$TOP/test/fuzz/corpus/$name"
	done
}

@test "what is no tar: each kind that is known is named" {
	while IFS='|' read -r start what; do
		{ printf '%b' "$start"; head -c 600 /dev/zero; } >other
		run -1 lp-tarls other
		[ "$output" = "lp-tarls: other: byte 0: $what, not tar" ]
	done <<-'END'
	<?xml version="1.0"?>|an XML document
	<html>|an HTML page
	<HTML>|an HTML page
	<!doctype html>|an HTML page
	<!DOCTYPE html>|an HTML page
	{"a":1}|a JSON document
	BZh91AY|bzip2 data
	PK\003\004|a ZIP archive
	hsqs|a squashfs file system
	070701|a cpio archive
	070702|a cpio archive
	070707|a cpio archive
	#!/usr/bin/env run-singularity|a SIF image
	GGUF|a GGUF model
	\0000asm|a wasm module
	-----BEGIN PGP SIGNED MESSAGE-----|a signed text
	\0375\067zXZ|xz data
	END
}

@test "extended headers: a path and a link of one byte" {
	python3 - <<-'PY'
	import tarfile
	t = tarfile.open("one.tar", "w", format=tarfile.PAX_FORMAT)
	i = tarfile.TarInfo("a")
	i.pax_headers = {"path": "b"}
	t.addfile(i)
	i = tarfile.TarInfo("l")
	i.type, i.linkname, i.pax_headers = tarfile.SYMTYPE, "x", {"linkpath": "y"}
	t.addfile(i)
	t.close()
	PY
	lp-tarls -o name,linkname one.tar | cmp - <(printf 'b\t\nl\ty\n')
}

# Reads that are filled to the last byte, as lp-inflate fills them, are no sign that there is more.
@test "rows are written before input that does not come is waited for" {
	cat >silence.py <<'PY'
import array, fcntl, os, subprocess, sys, tarfile, termios, threading, time
piece, rows = 256 * 1024, 16384
tar = b"".join(tarfile.TarInfo("f%d" % i).tobuf(tarfile.USTAR_FORMAT) for i in range(rows))
p = subprocess.Popen(["lp-tarls", "-o", "name"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
fcntl.fcntl(p.stdin, 1031, 1 << 20)  # F_SETPIPE_SZ
got = []
def read():
    while sum(map(len, got)) < sum(len("f%d\n" % i) for i in range(rows)):
        got.append(os.read(p.stdout.fileno(), 1 << 16))
reader = threading.Thread(target=read)
reader.start()
for at in range(0, len(tar), piece):
    os.write(p.stdin.fileno(), tar[at:at + piece])
    left = array.array("i", [1])
    while left[0] > 0:
        fcntl.ioctl(p.stdin, termios.FIONREAD, left)
        time.sleep(.001)
# nothing more is written: all rows are to come, or this waits for ever
reader.join()
sys.stdout.buffer.write(b"".join(got))
p.stdin.close()
p.wait()
PY
	python3 silence.py >rows 2>err
	seq -f 'f%g' 0 16383 | cmp - rows
}

@test "-o digest: the sha256 of each file's content, and of no other member" {
	local name
	cd "$(mktemp -d -p "$BATS_TEST_TMPDIR")" || return
	mkdir d
	noise 1 70000 >d/noise
	: >d/empty
	echo word >d/word
	ln d/word d/again
	ln -s word d/link
	truncate -s 5M d/holes
	echo end >>d/holes
	tar --sort=name --sparse -cf x.tar d
	lp-tarls -o digest,mode,name x.tar >got
	for name in noise empty; do
		grep -x -- "sha256:$(sha256sum <d/$name | cut -c 1-64)"$'\t-.*\td/'$name got
	done
	# of its two names the first has the content
	[ "$(grep -c "^sha256:$(sha256sum <d/word | cut -c 1-64)" got)" -eq 1 ]
	[ "$(grep -c '^sha256:' got)" -eq 3 ]
	grep $'^\t-.*\td/holes$' got
	# by whatever pieces it comes, cut off, and by the row alone
	lp-tarls -o digest,mode,name <(cat x.tar) | cmp - got
	head -c 30000 x.tar | lp-tarls -q -o digest,name | grep $'^\td/noise$'
	lp-tarls -o digest -m d/noise x.tar | cmp - <(grep d/noise got | cut -f 1)
	lp-tarls -n 2 -o name,digest x.tar | tail -n 1 | grep $'^d/again\tsha256:'
}

# Bodies of a few kinds of byte, between small files: what --frugal jumps over.
frugal_layer()
{
	mkdir -p lay/d
	for i in 1 2 3; do
		noise $i 2500000 | od -An -v -tx1 >lay/d/large$i
		noise s$i 3000 >lay/d/small$i
	done
	tar --sort=name --mtime=@1700000000 --owner=root:0 --group=root:0 -C lay -cf lay.tar d
	gzip -6n <lay.tar >lay.tar.gz
}

@test "--frugal: the listing of all, from a part of the file's bytes, is inferred" {
	cd "$T"
	frugal_layer
	lp-tarls -o name,size,mode,mtime lay.tar >want
	run -0 --separate-stderr lp-tarls --frugal -v -o name,size,mode,mtime lay.tar.gz
	cmp want <(printf '%s\n' "$output")
	[[ $stderr =~ lay.tar.gz:\ ([0-9]+)\ bytes\ of\ ([0-9]+)\ read,\ in\ [0-9]+\ pieces\;\ ([0-9]+)\ jumps ]]
	(( BASH_REMATCH[1] * 10 < BASH_REMATCH[2] * 7 && BASH_REMATCH[3] >= 2 ))
	cmp <(lp-tarls -j lay.tar) <(lp-tarls --frugal -j <lay.tar.gz)
	run -0 --separate-stderr lp-tarls --frugal -CE -o name lay.tar.gz
	[[ ${lines[-1]} == "#end	entries=7	complete=inferred	bytes=$(stat -c %s lay.tar)	layer=" ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr lp-tarls --frugal -jE lay.tar.gz
	[[ ${lines[-1]} == *'"complete":"inferred"'* ]]
	# the cache takes it for a claim, whatever is said of it
	digest=sha256:$(sha256sum <lay.tar.gz | cut -c1-64)
	lp-tarls --frugal -E -L "$digest" lay.tar.gz | lp-cache --db="$T/my.db" put --verified "$digest"
	run -4 lp-cache -q --db="$T/my.db" has -C "$digest"
	run -0 lp-cache -q --db="$T/my.db" has "$digest"
	lp-inflate -q lay.tar.gz | lp-tarls -E -L "$digest" | lp-cache --db="$T/my.db" put --verified "$digest"
	lp-tarls --frugal -E -L "$digest" lay.tar.gz | lp-cache --db="$T/my.db" put --verified "$digest"
	run -0 lp-cache -q --db="$T/my.db" has -C "$digest"
}

@test "--frugal: cut off anywhere, it lists what has come, in any form, and jumps to nothing behind the end" {
	cd "$T"
	frugal_layer
	for n in 20000 30000 32800 100000; do
		head -c $n lay.tar.gz >cut.gz
		for form in '' -j -l; do
			# shellcheck disable=SC2086 # an option or none
			run -1 --separate-stderr lp-tarls --frugal $form cut.gz
			[ "${#lines[@]}" -eq 2 ]
			[[ ${lines[1]} == *d/large1* ]]
			[ "$stderr" = "lp-tarls: cut.gz: byte $n: the file ends inside a gzip member" ]
		done
	done
}

@test "--frugal: rows above LP_MAX_HELD_ROWS, 64 MiB, are not held, but all is read again" {
	cd "$T"
	python3 - <<'PY' | gzip -n >rows.gz
import sys, tarfile
for i in range(60):
    t = tarfile.TarInfo("f%02d" % i)
    t.pax_headers = {"SCHILY.xattr.user.a": "\1" * 1040000}
    sys.stdout.buffer.write(t.tobuf(tarfile.PAX_FORMAT))
sys.stdout.buffer.write(bytes(1024))
PY
	lp-inflate rows.gz | lp-tarls -j >want
	[ "$(stat -c %s want)" -gt $((64 << 20)) ]
	env time -o peak -f %M "$(command -v lp-tarls)" --frugal -j rows.gz | cmp - want
	[ "$(cat peak)" -le $((96 * 1024)) ]
}

@test "--frugal: what is damaged, or is not what it says, and what it does not go with" {
	cd "$T"
	tar -C "$BATS_FILE_TMPDIR" -cf - small.tar | gzip -n >one.gz
	run -0 lp-tarls --frugal -o name one.gz
	[ "$output" = small.tar ]
	head -c 150 one.gz >cut.gz
	run -1 --separate-stderr lp-tarls --frugal cut.gz
	[[ $stderr =~ ^"lp-tarls: cut.gz: byte "[0-9]+": the file ends inside a gzip member"$ ]]
	{ head -c -1 one.gz; printf x; } >other.gz
	run -1 --separate-stderr lp-tarls --frugal -E other.gz
	[[ $stderr == "lp-tarls: other.gz: byte "*": the length in the gzip trailer is not that of the data" ]]
	[[ ${lines[-1]} == *"complete=no"* ]]
	run -1 --separate-stderr lp-tarls --frugal "$BATS_FILE_TMPDIR/small.tar"
	[[ $stderr == *"byte 0: this is no gzip file" ]]
	: >empty.gz
	run -1 --separate-stderr lp-tarls --frugal empty.gz
	[ "$stderr" = 'lp-tarls: empty.gz: byte 0: the file is empty' ]
	{ cat one.gz; printf x; } >more.gz
	run -0 --separate-stderr lp-tarls --frugal -o name more.gz
	[ "$stderr" = "lp-tarls: more.gz: byte $(stat -c %s one.gz): what follows the last compressed member is ignored" ]
	# places in the tar are not taken for places in the file
	tar -C "$BATS_FILE_TMPDIR" -cf - small.tar | head -c 900 | gzip -n >short.gz
	run -0 --separate-stderr lp-tarls --frugal -o name short.gz
	[ "$stderr" = "lp-tarls: short.gz: preview: input ends after 900 bytes of its tar, in a member's data" ]
	run -2 --separate-stderr bash -c 'cat one.gz | lp-tarls --frugal'
	[[ $stderr == *"--frugal reads a file here and there, and this is none" ]]
	run -2 lp-tarls --frugal -n 1 one.gz
	run -2 lp-tarls --frugal --part one.gz
	run -2 lp-tarls --frugal -o name,digest one.gz
	run -3 lp-tarls --frugal absent.gz
}
