#!/usr/bin/env bats
# Rows between the programs: what one writes another reads the same, in each
# form; listings that are damaged, made by strangers, or only claimed.

# shellcheck disable=SC2094,SC2154 # a row called as its file is; bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite

# row MODE SIZE NAME LINK: one in the default columns
row()
{
	printf '%s\t0\t0\t%s\t-\t%s\t%s\n' "$@"
}

# tar_of OUT: headers by hand; python on stdin has hdr(name, type, size), rec(key, value) and pax(records)
tar_of()
{
	python3 - "$1" 3<&0 <<'PY'
import os, sys, tarfile
def hdr(name, type=b"0", size=0):
    t = tarfile.TarInfo(name)
    t.type, t.size = type, size
    return t.tobuf(tarfile.USTAR_FORMAT)
def rec(k, v):
    b = b" " + k + b"=" + v + b"\n"
    n = len(b)
    while len(str(n)) + len(b) != n:
        n = len(str(n)) + len(b)
    return str(n).encode() + b
def pax(*records):
    b = b"".join(records)
    return hdr("x", b"x", len(b)) + b + bytes(-len(b) % 512)
members = eval(os.fdopen(3).read())
open(sys.argv[1], "wb").write(b"".join(members) + bytes(1024))
PY
}

@test "a key that is none of ours is not taken for one: bytes, owners, and no memory but the row's" {
	echo '{"name":"a","mode":"-rw-r--r--","uname":"root","gname":"g","":"QUJD"}' | lp-merge -q -o name,uname,gname - |
	    cmp - <(printf 'a\troot\tg\n')
	python3 - <<'PY'
import base64
e = lambda b: base64.b64encode(b).decode()
open("large", "w").write('{"name":"x","name_base64":"%s","":"%s","uname":"u","gname":"g","layer":"l","mode":"-rw-r--r--"}\n'
    % (e(b"n\xff" + b"C" * 3000), e(b"B" * 49000)))
PY
	lp-merge -q -o uname,gname large | cmp - <(printf 'u\tg\n')
	lp-merge -q -o name large | cmp - <(printf 'n\\xff%s\n' "$(printf 'C%.0s' $(seq 3000))")
	lp-cache put -q --db=r.db --layer "sha256:$(printf '%064d' 2)" <large
}

@test "owners and labels that are no UTF-8 come through NDJSON as through TSV" {
	python3 - <<'PY'
import tarfile
t = tarfile.open("u.tar", "w", format=tarfile.GNU_FORMAT)
i = tarfile.TarInfo("f")
i.uname, i.gname = "caf\udce9", "\udcff"
t.addfile(i)
t.close()
PY
	printf 'f\tcaf\\xe9\t\\xff\tl\\xff\n' >want
	lp-tarls -q -E -L "$(printf 'l\377')" -H -o mode,uid,gid,size,mtime,name,linkname,uname,gname u.tar |
	    lp-merge -q -o name,uname,gname,layer - | cmp - want
	lp-tarls -q -j -E -L "$(printf 'l\377')" u.tar | lp-merge -q -o name,uname,gname,layer - | cmp - want
}

@test "a letter of the archive or an attribute that comes first poses as nothing" {
	tar_of t.tar <<<'[hdr("brace", b"{"), hdr("hash", b"#")]'
	lp-tarls -q -H -o typeflag,name t.tar >t
	printf 'typeflag\tname\n\\x7b\tbrace\n\\x23\thash\n' | cmp - t
	# no runtime knows such a kind of member
	run -1 --separate-stderr lp-merge -q -H -o typeflag,name t
	cmp - t <<<"$output"
	tar_of x.tar <<<'[pax(rec(b"SCHILY.xattr.{a", b"v")), hdr("f"), pax(rec(b"SCHILY.xattr.#end", b"v")), hdr("g")]'
	lp-tarls -q -H -o xattrs,name x.tar >x
	printf 'xattrs\tname\n\\x7ba=dg==\tf\n\\x23end=dg==\tg\n' | cmp - x
	lp-merge -q -H -o xattrs,name x | cmp - x
}

@test "the type without a mode, in TSV and NDJSON" {
	printf 'typeflag\tname\n5\td\n0\td/f\n' | lp-merge -q -a -o mode,name,hidden - >./1
	printf '{"name":"d","typeflag":"5"}\n{"name":"d/f","typeflag":"0"}\n' | lp-merge -q -a -o mode,name,hidden - >./2
	printf 'd---------\td\t\n----------\td/f\t\n' | cmp - 1
	cmp 1 2
}

@test "a NUL in a name is refused, wherever it comes from: -0 makes one record of one member" {
	tar_of nul.tar <<<'[pax(rec(b"GNU.sparse.major", b"0"), rec(b"GNU.sparse.minor", b"1"),
	    rec(b"GNU.sparse.name", b"tmp/x\0/etc/passwd"), rec(b"GNU.sparse.size", b"0"),
	    rec(b"GNU.sparse.numblocks", b"0")), hdr("f")]'
	run -1 --separate-stderr lp-tarls -0 -o name nul.tar
	[ -z "$output" ]
	[[ $stderr = *"a pax record's name holds a NUL"* ]]
	for row in '{"name":"a\u0000b"}' '{"name":"a","linkname":"\u0000"}' '{"name":"","name_base64":"AA=="}' \
	    $'-rw-r--r--\t0\t0\t0\t-\ta\\x00b\t'; do
		run -1 --separate-stderr lp-merge -0 -o name - <<<"$row"
		[ -z "$output" ]
		[[ $stderr = *'line 1, byte 0: no row: a name holds a NUL'* ]]
	done
}

@test "sizes end at 2^63 - 1, and sums stay there" {
	row -rw-r--r-- 9223372036854775808 a '' >big
	run -1 --separate-stderr lp-merge -j big
	[[ $stderr = *'line 1, byte 0: no row: size is not a number below 2^63'* ]]
	{ row drwxr-xr-x 0 d ''; row -rw-r--r-- 9223372036854775807 d/a ''; row -rw-r--r-- 9223372036854775807 d/b ''; } >two
	run -0 lp-merge -q --summary two
	[ "$output" = $'two\t3\t9223372036854775807\t0\t0\tunknown' ]
	run -0 lp-merge -q --du two
	[ "$output" = $'9223372036854775807\t3\t.\n9223372036854775807\t2\td' ]
	row -rw-r--r-- 1 d/a '' >one
	run -0 lp-merge -q --diff two one
	[ "${lines[3]}" = $'one\tchanged\t-9223372036854775806\t-rw-r--r--\td/a' ]
	# what NDJSON of ours says is read again
	lp-merge -q -j two | lp-merge -q -o size,name - | cmp - <(printf '0\td\n9223372036854775807\td/a\n9223372036854775807\td/b\n')
}

@test "an end record that counts other rows than there are is that of a listing which is not complete" {
	{ row -rw-r--r-- 1 a ''; printf '#end\tentries=5\tcomplete=yes\tbytes=1\tlayer=L\n'; } >few
	run -0 --separate-stderr lp-merge -E few
	[[ $output = *$'#end\tentries=1\tcomplete=no\tbytes=1\tlayer='*$'\treason=the end record counts other rows than there are' ]]
	[[ $stderr = *'preview: layer L is one: the end record counts other rows than there are'* ]]
	run -4 lp-merge -C few
	printf '{"name":"a"}\n{"end":{"entries":0,"complete":true}}\n' >many
	run -4 lp-merge -C many
	printf '{"name":"a"}\n{"end":{"entries":1,"complete":true}}\n' | lp-merge -C - >out
	printf '{"name":"a"}\n{"end":{"complete":true}}\n' | lp-merge -C - >out
}

@test "what -n cuts off, or -m leaves out, is not complete, in every program" {
	{ row -rw-r--r-- 1 a ''; row -rw-r--r-- 1 b ''; printf '#end\tentries=2\tcomplete=yes\tbytes=9\tlayer=\n'; } >l
	run -0 lp-merge -E -n 1 L=l
	[[ ${lines[1]} = $'#end\tentries=1\tcomplete=no\t'* ]]
	# and what it did not cut off is
	for n in 2 3; do
		for form in '' -0; do
			lp-merge -E $form -n $n L=l | tr '\0' '\n' >out
			[[ $(sed -n 3p out) = $'#end\tentries=2\tcomplete=yes\t'* ]]
		done
	done
	# of a merged listing -m is a question, and the answer as complete as what was asked
	for form in '' -j; do
		# shellcheck disable=SC2086 # an option or none
		lp-merge -C -E $form -m none L=l | tail -n 1 | grep -E 'entries("?:|=)0[^0-9].*complete(":"|=)yes\>'
	done
	# -n is no reason for -C
	run -0 lp-merge -C -n 1 l
	head -n 1 l >unknown
	run -4 lp-merge -C -n 1 unknown
	echo '{"version":1,"entries":[{"name":"a","type":"reg"},{"name":"b","type":"reg"}]}' >toc
	run -0 lp-toc -q -C -E -n 1 toc
	[[ ${lines[1]} = $'#end\tentries=1\tcomplete=no\t'* ]]
	run -0 lp-toc -q -C -E -n 2 toc
	[[ ${lines[2]} = $'#end\tentries=2\tcomplete=yes\t'* ]]
	run -0 lp-toc -q -C -E -m a toc
	[[ ${lines[1]} = $'#end\tentries=1\tcomplete=no\t'* ]]
	run -0 lp-toc -q -C -E -m '*' toc
	[[ ${lines[2]} = $'#end\tentries=2\tcomplete=yes\t'* ]]
	tar_of t.tar <<<'[hdr("a"), hdr("b")]'
	run -0 lp-tarls -q -C -E -m a t.tar
	[[ ${lines[1]} = $'#end\tentries=1\tcomplete=no\t'*$'\treason=-m left rows out' ]]
	run -0 lp-tarls -q -C -E -n 1 t.tar
	[[ ${lines[1]} = $'#end\tentries=1\tcomplete=no\t'* ]]
}

@test "a layer that is only claimed to be complete makes the whole a claim, and -C refuses it by name" {
	{ row -rw-r--r-- 1 a ''; printf '#end\tentries=1\tcomplete=yes\tbytes=9\tlayer=A\n'; } >a
	{ row -rw-r--r-- 1 b ''; printf '#end\tentries=1\tcomplete=inferred\tbytes=9\tlayer=B\torigin=localhost:5000/app\ttoc=sha256:1\n'; } >b
	run -0 --separate-stderr lp-merge -E a b
	[[ $output = *$'#end\tentries=2\tcomplete=inferred\tbytes=18\tlayer=\torigin=localhost:5000/app' ]]
	[ "$stderr" = 'lp-merge: layer B: that its listing is complete is only claimed by localhost:5000/app' ]
	run -0 lp-merge -q --summary a b
	[ "${lines[1]}" = $'B\t1\t1\t0\t0\tinferred' ]
	run -4 --separate-stderr lp-merge -C a b
	[[ $stderr = *'layer B: '*'claimed by localhost:5000/app'* ]]
	# worse is worse
	row -rw-r--r-- 1 c '' >c
	run -0 lp-merge -q -E a b c
	[[ $output = *$'complete=unknown\t'* ]]
	lp-merge -C a >out
}

@test "the row of a hard link says nothing of places in another layer's tar" {
	printf 'mode\tname\tlinkname\tdata_offset\n-rw-r--r--\tf\t\t1024\n-rw-r--r--\tk\t\t2048\n' >./1
	printf 'mode\tname\tlinkname\tdata_offset\nhrw-r--r--\tg\tf\t100352\n----------\t.wh.f\t\t0\n' >./2
	lp-merge -q -o name,layer,data_offset 1 2 | cmp - <(printf 'g\t2\t\nk\t1\t2048\n')
}

@test "the root is a pattern" {
	{ row drwxr-xr-x 0 ./ ''; row -rw-r--r-- 0 a ''; } >l
	for pattern in . ./ / '' './/.'; do
		lp-merge -q -o name -m "$pattern" l | cmp - <(echo .)
	done
}

@test "standard input is one listing" {
	row -rw-r--r-- 7 a '' >l
	run -2 --separate-stderr lp-merge --summary a=- b=- <l
	[[ $stderr = 'lp-merge: - twice: standard input is one listing'* ]]
	run -0 lp-merge --summary a=- b=l <l
	[ "${#lines[@]}" -eq 2 ]
}

@test "a failure at the end of a layer is said, once" {
	{ row drwxr-xr-x 0 t ''; row lrwxrwxrwx 0 s "$(printf './%.0s' $(seq 30000))t"; } >s1
	# hard links into a lower layer are looked up when all is merged
	for i in $(seq 0 1999); do
		row hrw-r--r-- 0 "h$i" s/a
	done >s2
	row -rw-r--r-- 1 z '' >s3
	for last in '' s3; do
		# shellcheck disable=SC2086 # no operand if there is none
		run -1 --separate-stderr lp-merge s1 s2 $last
		[ -z "$output" ]
		[ "$stderr" = "lp-merge: ${last:-s2}: its end: links, or directories that no row names, without end" ]
	done
}

@test "an argument that is given twice is refused by every program, but where more than one adds up" {
	local -A value=([layer]=sha256:$(printf '%064d' 0) [index]=1/2 [range]=0-1 [platform]=a/b [columns]=name [format]=gzip
		[engine]=zlib [color]=always [dive-rules]=rules)
	local program line option first status seen=0 many=0
	value[toc]=${value[layer]}=${value[layer]}
	echo >rules
	for program in fetch inflate tarls merge layers toc cat cache peek; do
		while read -r line; do
			option=${line#*--}
			option=${option%%[=[]*}
			status=0 seen=$((seen + 1))
			"lp-$program" "--$option=${value[$option]-1}" "--$option=${value[$option]-1}" a b c </dev/null >out 2>&1 || status=$?
			read -r first <out
			if [[ $line = *'(may be repeated'* ]]; then
				[[ $first != *' was given twice'* ]]
				many=$((many + 1))
				continue
			fi
			[ "$status" -eq 2 ] && [ "$first" = "lp-$program: --$option was given twice" ] || { echo "lp-$program: $line: $first"; return 1; }
		done < <("lp-$program" --help | sed -z 's/\n  *\([a-z(]\)/ \1/g' | sed -nE 's/^ *(-[A-Za-z0-9], )?(--[a-z-]+\[?=.*)/\2/p')
	done
	[ "$seen" -gt 80 ]
	[ "$many" -ge 8 ]
}
