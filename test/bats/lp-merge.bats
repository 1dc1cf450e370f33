#!/usr/bin/env bats
# lp-merge: the rules of layers one by one, forms of input and output, bad
# input, limits. Whole images against umoci: test/oracle/merge.bats.

# run --separate-stderr sets stderr; awk has dollars of its own
# shellcheck disable=SC2154,SC2016,SC2046 # words
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	shipped
}

teardown()
{
	if [ -S "$BATS_TEST_TMPDIR/tmux" ]; then tmux -S "$BATS_TEST_TMPDIR/tmux" kill-server || true; fi
}

# rows FILE NAME...: a listing. NAME/ is a directory, NAME>TARGET a symbolic
# link, NAME=TARGET a hard link, NAME:SIZE a file.
rows()
{
	local file=$1 name
	shift
	for name; do
		case $name in
		*'>'*) printf 'lrwxrwxrwx\t0\t0\t0\t-\t%s\t%s\n' "${name%%>*}" "${name#*>}" ;;
		*=*) printf 'hrw-r--r--\t0\t0\t0\t-\t%s\t%s\n' "${name%%=*}" "${name#*=}" ;;
		*:*) printf -- '-rw-r--r--\t0\t0\t%s\t-\t%s\t\n' "${name#*:}" "${name%%:*}" ;;
		*/) printf 'drwxr-x---\t1\t2\t0\t-\t%s\t\n' "$name" ;;
		*) printf -- '-rw-r--r--\t0\t0\t1\t-\t%s\t\n' "$name" ;;
		esac
	done >"$file"
}

# The merged tree on one line: mode's letter, name, target, layer
tree()
{
	lp-merge "$@" | awk -F'\t' '{ printf "%s%s:%s%s@%s", sep, substr($1, 1, 1), $6, $7 == "" ? "" : ">" $7, $8
		sep = " " } END { print "" }'
}

# is WANT FILE...: the merged tree
is()
{
	local want=$1
	shift
	run -0 tree "$@"
	[ "$output" = "$want" ] || {
		printf 'want %s\ngot  %s\n' "$want" "$output"
		return 1
	}
}

# hidden WANT FILE...: NAME LAYER WHY BY of each hidden row
hidden()
{
	local want=$1
	shift
	run -0 bash -c 'set -o pipefail; lp-merge -a "$@" | awk -F"\t" '\''$9 != "" {
		printf "%s%s %s %s %s", sep, $6, $8, $9, $10; sep = ", " } END { print "" }'\' - "$@"
	[ "$output" = "$want" ] || {
		printf 'want %s\ngot  %s\n' "$want" "$output"
		return 1
	}
}

@test "a whiteout hides what is below, whole directories too, and says so" {
	rows a d/ d/x d/e/ d/e/y f
	rows b .wh.d .wh.f g
	is '-:g@b' a b
	hidden 'd a whiteout b, d/e a whiteout b, d/e/y a whiteout b, d/x a whiteout b, f a whiteout b' a b
}

@test "a whiteout leaves its own layer alone, wherever it stands; where runtimes do not agree is said" {
	rows a d/ d/x d/y
	rows b1 .wh.d d/ d/z
	rows b2 d/ d/z .wh.d
	rows b3 d/ .wh.d d/z
	# made after its whiteout, a directory takes it back in every runtime; a whiteout of what is there is refused
	run -0 --separate-stderr tree a b1
	[ "$output" = 'd:d@b1 -:d/z@b1' ]
	[ "$stderr" = 'lp-merge: layer b1: d/: a whiteout of it is in the same layer: runtimes show what lower layers have in it' ]
	for b in b2 b3; do
		run -1 --separate-stderr lp-merge -o name a $b
		[ "$output" = $'d\nd/z' ]
		[ "$stderr" = "lp-merge: layer $b: .wh.d: a whiteout of what its own layer has; container runtimes refuse 1 rows" ]
	done
}

@test "a directory that was whited out under its layer's own children comes back implied" {
	rows a d/ d/x
	rows b d/new .wh.d
	run -1 --separate-stderr lp-merge a b
	[ "$output" = "$(printf 'drwxr-xr-x\t0\t0\t0\t-\td\t\tb\n-rw-r--r--\t0\t0\t1\t-\td/new\t\tb')" ]
}

@test "opaque: all children of lower layers go, the directory and the layer's own stay" {
	rows a d/ d/x d/e/ d/e/y
	rows b1 d/ d/.wh..wh..opq d/n
	rows b2 d/n d/.wh..wh..opq
	is 'd:d@b1 -:d/n@b1' a b1
	is 'd:d@a -:d/n@b2' a b2
	hidden 'd/e a opaque b2, d/e/y a opaque b2, d/x a opaque b2' a b2
}

@test "opaque at the root hides nothing, as in every runtime" {
	rows a x d/ d/y
	rows b .wh..wh..opq z
	is 'd:d@a -:d/y@a -:x@a -:z@b' a b
}

@test "only .wh..wh..opq is opaque; AUFS's own names are whiteouts, and what lies below one is seen" {
	rows a d/ d/x
	rows b d/.wh..opq .wh..wh.aufs d/.wh..wh.opq
	is 'd:d@a -:d/x@a' a b
	rows c .wh..wh.plnk/7.8:5 h=.wh..wh.plnk/7.8
	is 'd:.wh..wh.plnk@c -:.wh..wh.plnk/7.8@c d:d@a -:d/x@a h:h>.wh..wh.plnk/7.8@c' a b c
}

@test "whiteouts of nothing, and names that say nothing" {
	rows a d/ d/x
	rows b .wh.absent no/where/.wh.y
	# their parents are made as those of any row
	is 'd:d@a -:d/x@a d:no@b d:no/where@b' a b
	rows c d/.wh. d/.wh.. d/.wh...
	run -1 --separate-stderr lp-merge -o name a c
	[ "${#lines[@]}" -eq 2 ]
	[ "$stderr" = 'lp-merge: layer c: d/.wh.: a whiteout of nothing; container runtimes refuse 3 rows' ]
}

@test "a directory over a directory replaces its attributes and keeps its children" {
	rows a d/ d/x
	printf 'drwxrwxrwt\t7\t8\t0\t2024-01-02T03:04:05Z\t./d\t\n' >b
	run -0 lp-merge a b
	[ "${lines[0]}" = "$(printf 'drwxrwxrwt\t7\t8\t0\t2024-01-02T03:04:05Z\td\t\tb')" ]
	[[ ${lines[1]} = *d/x* ]]
	hidden 'd a overwritten b' a b
}

@test "type changes both ways" {
	rows a d/ d/x f
	rows b d f/ f/y
	is '-:d@b d:f@b -:f/y@b' a b
	hidden 'd a overwritten b, d/x a parent b, f a overwritten b' a b
	rows c 'd>f' f
	is 'l:d>f@c -:f@c' a b c
	rows d d/
	is 'd:d@d -:f@c' a b c d
}

@test "a file in the way of a path gives way to a directory" {
	rows a f
	rows b f/x
	is 'd:f@b -:f/x@b' a b
}

@test "of two rows in one layer the last one wins, with what it replaces" {
	rows a x:1 x:2 d/ d/y d
	run -0 lp-merge a
	[ "$(cut -f 4,6 <<<"$output")" = $'1\td\n2\tx' ]
	hidden 'd a overwritten a, d/y a parent a, x a overwritten a' a
}

@test "one path, however it is written" {
	rows a ./d/ ./d/x
	rows b /d/x:2
	rows c d//x:3
	rows d a/../d/./x/:4
	run -0 lp-merge a b c d
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} = *$'\t4\t-\td/x\t\td' ]]
	rows up ../../d/x:5
	run -0 lp-merge a up
	[[ ${lines[1]} = *$'\t5\t-\td/x\t\tup' ]]
}

@test "the root has a row if a layer has one, and stays a directory" {
	rows a ./ '!'
	is '-:!@a d:.@a' a
	rows b . 'x/..>x' ./=x
	run -0 --separate-stderr tree a b
	[ "$output" = '-:!@a d:.@a' ]
	[ "$stderr" = 'lp-merge: layer b: .: the root is a directory whatever a layer says' ]
}

@test "missing parents are implied: 0755, root's, no time" {
	rows a x/y/z
	run -0 lp-merge a
	[ "${lines[0]}" = "$(printf 'drwxr-xr-x\t0\t0\t0\t-\tx\t\ta')" ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "a parent that is a link of the same layer is followed, inside the root" {
	rows a usr/ usr/lib/ 'lib>usr/lib' 'abs>/usr/lib' 'out>../../../usr/lib' 'dang>no/such' lib/1 abs/2 out/3 dang/4
	is 'l:abs>/usr/lib@a l:dang>no/such@a l:lib>usr/lib@a d:no@a d:no/such@a -:no/such/4@a l:out>../../../usr/lib@a d:usr@a d:usr/lib@a -:usr/lib/1@a -:usr/lib/2@a -:usr/lib/3@a' a
}

@test "a link of a lower layer gives way to a parent, as a file does: what it led to is not there any more" {
	rows a usr/ usr/bin/ usr/bin/sh 'bin>usr/bin'
	rows b bin/foo
	is 'd:bin@b -:bin/foo@b d:usr@a d:usr/bin@a -:usr/bin/sh@a' a b
	hidden 'bin a overwritten b' a b
	# to whiteouts and opaque marks, too
	rows c bin/.wh.sh
	is 'd:bin@c d:usr@a d:usr/bin@a -:usr/bin/sh@a' a c
	rows d bin/.wh..wh..opq
	is 'd:bin@d d:usr@a d:usr/bin@a -:usr/bin/sh@a' a d
	# it has the attributes of what the link led to
	run -0 lp-merge -o mode,uid,name a b
	[ "${lines[0]}" = $'drwxr-x---\t1\tbin' ]
}

@test "a parent without a row has the attributes of the lower one, hidden or not" {
	printf 'drwxrwxrwt\t7\t8\t0\t-\ttmp\t\n-rw-r--r--\t0\t0\t0\t-\ttmp/a\t\n' >a
	rows b tmp/x
	run -0 lp-merge -o mode,uid,gid,name,layer a b
	[ "${lines[0]}" = $'drwxrwxrwt\t7\t8\ttmp\ta' ]
	# whited out between, there is nothing to take them from
	rows w .wh.tmp
	run -0 lp-merge -o mode,uid,gid,name,layer a w b
	[ "${lines[0]}" = $'drwxr-xr-x\t0\t0\ttmp\tb' ]
}

@test "a link that its layer whites out is not followed, wherever the whiteout stands" {
	rows a d/ 'l>d'
	rows b1 .wh.l l/x
	rows b2 l/x .wh.l
	for b in b1 b2; do
		run -1 --separate-stderr tree a $b
		[ "$output" = "d:d@a d:l@$b -:l/x@$b" ]
		[[ $stderr = *'container runtimes refuse 1 rows' ]]
	done
}

@test "a loop of links has no place: said, left out, exit 1, the rest is there" {
	rows a 'x>y' 'y>x' x/f g
	run -1 --separate-stderr lp-merge a
	[ "${#lines[@]}" -eq 3 ]
	[ "$stderr" = 'lp-merge: layer a: x/f: too many symbolic links, or a path above 4095 bytes: left out; container runtimes refuse 1 rows' ]
}

@test "hard links keep their file when its name goes or changes" {
	rows a f:9 h=f
	rows b .wh.f
	is '-:h@a' a b
	rows d f:3
	is '-:f@d -:h@a' a d
	run -0 lp-merge a d
	[ "$(cut -f 4 <<<"$output")" = $'3\n9' ]
	is '-:f@a h:h>f@a' a
}

@test "the header of the last hard link is the file's, for all its names and those to come" {
	printf -- '-rw-r--r--\t0\t0\t7\t-\tf\t\nhrwsr-xr-x\t5\t6\t0\t2024-01-02T03:04:05Z\th\tf\n' >a
	run -0 lp-merge a
	[ "${lines[0]}" = "$(printf -- '-rwsr-xr-x\t5\t6\t7\t2024-01-02T03:04:05Z\tf\t\ta')" ]
	[ "${lines[1]}" = "$(printf 'hrwsr-xr-x\t5\t6\t0\t2024-01-02T03:04:05Z\th\tf\ta')" ]
	# the recipe for programs that run as their owner finds both
	[ "$(lp-merge a | awk -F'\t' '$1 ~ /^...[sS]/' | wc -l)" -eq 2 ]
	printf 'hrw-------\t9\t9\t0\t-\ti\th\n' >>a
	run -0 lp-merge -o mode,uid a
	[ "$output" = $'-rw-------\t9\nhrw-------\t9\nhrw-------\t9' ]
	# extended attributes that it does not name stay
	printf '%s\n' '{"name":"f","typeflag":"0","mode":"-rw-r--r--","xattrs":{"user.a":"MQ==","user.b":"MQ=="}}' \
	    '{"name":"h","typeflag":"1","mode":"hrw-r--r--","linkname":"f","xattrs":{"user.c":"Mg==","user.a":"Mg=="}}' >x
	lp-merge -o name,xattrs x | cmp - <(printf '%s\tuser.a=Mg==,user.b=MQ==,user.c=Mg==\n' f h)
}

@test "a hard link whose layer does not have its target is what its author can have meant, and refused by runtimes" {
	printf -- '-rwsr-xr-x\t5\t6\t7\t-\tf\t\n' >a
	rows b h=f
	run -0 --separate-stderr lp-merge a b
	[ "${lines[1]}" = "$(printf 'hrwsr-xr-x\t5\t6\t0\t-\th\tf\tb')" ]
	[ "$stderr" = "lp-merge: layer b: h: its layer does not have the hard link's target before it; refused by containerd,docker,podman" ]
	# taken away, or coming later
	rows c h1=f h2=./f .wh.f
	run -0 --separate-stderr tree a c
	[ "$output" = '-:h1@c h:h2>h1@c' ]
	rows d h=f f:3
	run -0 --separate-stderr tree d
	[ "$output" = '-:f@d h:h>f@d' ]
	rows e x=nowhere d/ y=d
	run -0 --separate-stderr lp-merge -o name e
	[ "$output" = $'d\nx\ny' ]
	# one of a whiteout is a whiteout
	rows g i/
	rows f .wh.f i=f
	is '' a g f
}

@test "a character device 0,0 hides what it lies over, and is not seen" {
	rows a d/ d/a d/b
	printf '%s\n' '{"name":"d/a","typeflag":"3","mode":"crw-r--r--","devmajor":0,"devminor":0}' \
	    '{"name":"d/b","typeflag":"4","mode":"brw-r--r--","devmajor":0,"devminor":0}' >b
	is 'd:d@a b:d/b@b' a b
	hidden 'd/a b device b, d/a a overwritten b, d/b a overwritten b' a b
	rows c d/a
	is 'd:d@a -:d/a@c b:d/b@b' a b c
}

@test "kinds of member that no runtime knows are said" {
	printf '%s\n' '{"name":"a","typeflag":"0"}' '{"name":"s","typeflag":"S"}' '{"name":"7","typeflag":"7"}' >a
	run -1 --separate-stderr lp-merge -o name a
	[ "$output" = $'7\na\ns' ]
	[ "$stderr" = 'lp-merge: layer a: s: a kind of member that no runtime knows; container runtimes refuse 2 rows' ]
}

@test "a file, and a whiteout or a file below it in one layer" {
	rows a f
	rows b f f/x
	run -1 --separate-stderr lp-merge a b
	[[ $stderr = 'lp-merge: layer b: f/x: a parent of it is no directory in its layer; container runtimes refuse 1 rows' ]]
	rows c f f/.wh.x
	run -0 --separate-stderr tree a c
	[ "$output" = '-:f@c' ]
	[ "$stderr" = "lp-merge: layer c: f/.wh.x: a whiteout below what is no directory in its layer: left out, as in podman; refused by containerd,docker" ]
	rows c f f/.wh..wh..opq
	run -0 --separate-stderr tree a c
	[ "$output" = '-:f@c' ]
	[ "$stderr" = "lp-merge: layer c: f/.wh..wh..opq: an opaque mark below what is no directory in its layer: left out, as in Docker and podman; refused by containerd" ]
}

@test "a directory that replaces a file of its layer lets lower layers be seen in it; a whiteout does not" {
	rows a d/ d/x
	rows b d d/
	is 'd:d@b -:d/x@a' a b
	rows c d
	rows e d/
	is 'd:d@e' a c e
}

@test "names that differ only in bytes that are no UTF-8 are two names" {
	printf -- '-rw-r--r--\t0\t0\t1\t-\tx\\xff\t\n-rw-r--r--\t0\t0\t2\t-\tx\\xfe\t\n' >a
	printf -- '-rw-r--r--\t0\t0\t0\t-\t.wh.x\\xff\t\n' >b
	run -0 lp-merge a b
	[ "$(cut -f 4,6 <<<"$output")" = $'2\tx\\xfe' ]
	lp-merge -j a >a.json
	run -0 lp-merge a.json b
	[ "$(cut -f 4,6 <<<"$output")" = $'2\tx\\xfe' ]
}

@test "sorted by whole paths, bytewise" {
	rows a a/ a/b/ a-b a.c a0 a/b-/ a/b/x '!x' ./ '~'
	lp-merge a | cut -f 6 >got
	LC_ALL=C sort -c got
	[ "$(wc -l <got)" -eq 10 ]
}

@test "TSV and NDJSON, with and without header, merge alike" {
	rows a d/ d/x 'l>d' h=d/x
	rows b d/y .wh.l
	lp-merge a b >want
	lp-merge -j a | sed 's/,"layer":"[^"]*"//' >a.json
	lp-merge a.json b >mixed
	[ "$(cut -f 1-7 mixed)" = "$(cut -f 1-7 want)" ]
	printf 'name\tsize\tmode\tlinkname\td\n' | tr -d d >a.cols
	printf 'name\tsize\tmode\tlinkname\nd/\t0\tdrwxr-x---\t\n' >a.cols
	run -0 lp-merge -o mode,name a.cols b
	[ "${lines[0]}" = $'drwxr-x---\td' ]
	lp-merge -j a b | lp-merge -j - | sed 's/"layer":"[^"]*"//' >again
	lp-merge -j a b | sed 's/"layer":"[^"]*"//' | cmp - again
}

@test "what is known beyond the columns comes through as NDJSON" {
	printf '{"name":"x","size":3,"typeflag":"0","is_dir":false,"mode":"-rw-r--r--","uid":1,"gid":2,"mtime":"2024-01-02T03:04:05.5Z","linkname":"","is_symlink":false,"uname":"u","gname":"g","devmajor":1,"devminor":2,"mtime_unix":1704164645,"header_offset":512,"data_offset":1024,"xattrs":{"b":"","user.a,":"/w=="}}\n' >a
	lp-merge -j L=a >got
	sed 's/}$/,"layer":"L"}/' a | cmp - got
	lp-merge -H -o name,uname,gname,devmajor,devminor,typeflag,header_offset,data_offset,xattrs,size,mode,uid,gid,mtime a >cols
	lp-merge -j L=cols | jq -S . >sorted
	jq -S . got | cmp - sorted
}

@test "labels: given, from the end record, or the file's name" {
	rows a x
	printf '#end\tentries=1\tcomplete=yes\tbytes=9\tlayer=sha256:b\n' | cat a - >b
	rows ./e=f y
	run -0 lp-merge -o name,layer a
	[ "$output" = $'x\ta' ]
	run -0 lp-merge -o name,layer b
	[ "$output" = $'x\tsha256:b' ]
	run -0 lp-merge -o name,layer 'top layer=b'
	[ "$output" = $'x\ttop layer' ]
	run -0 lp-merge -o name,layer ./e=f
	[ "$output" = $'y\t./e=f' ]
	run -0 bash -c 'lp-merge -o name,layer in=- <a'
	[ "$output" = $'x\tin' ]
}

@test "complete, preview, unknown: the end record, -C, notes" {
	rows rows x
	for c in yes no unknown; do
		printf '#end\tentries=1\tcomplete=%s\tbytes=512\tlayer=\n' $c | cat rows - >$c
	done
	run -0 --separate-stderr lp-merge -E yes yes
	[ "${lines[1]}" = $'#end\tentries=1\tcomplete=yes\tbytes=1024\tlayer=' ]
	[ -z "$stderr" ]
	run -0 --separate-stderr lp-merge -E yes no rows
	[[ ${lines[1]} = *complete=no* ]]
	[[ $stderr = *'preview'* ]]
	run -0 lp-merge -jE yes rows
	[[ ${lines[1]} = *'"complete":"unknown"'* ]]
	run -0 lp-merge -C yes yes
	run -4 lp-merge -C yes no
	run -4 lp-merge -C yes rows
	run -4 lp-merge -C unknown
}

@test "views: --diff" {
	rows a d/ d/x:10 d/y:5 f:1
	rows b d/ d/x:12 .wh.f d/z:3
	run -0 lp-merge --diff -H a b
	[ "$output" = "$(printf '%s\n' 'layer	change	bytes	mode	name' 'a	added	0	drwxr-x---	d' 'a	added	10	-rw-r--r--	d/x' \
		'a	added	5	-rw-r--r--	d/y' 'a	added	1	-rw-r--r--	f' 'b	changed	2	-rw-r--r--	d/x' \
		'b	added	3	-rw-r--r--	d/z' 'b	deleted	-1	-rw-r--r--	f')" ]
	lp-merge --diff -j a b | jq -r '[.layer, .change, .bytes, .mode, .name] | @tsv' >json
	lp-merge --diff a b | cmp - json
}

@test "views: --summary and what is wasted" {
	rows a d/ d/x:10 d/y:5
	rows b d/ d/x:12 h=d/y .wh.gone d/.wh.y
	run -0 --separate-stderr lp-merge --summary a b
	[ "$output" = "$(printf 'a\t3\t15\t3\t10\tunknown\nb\t3\t12\t0\t0\tunknown')" ]
}

@test "views: --waste, what each path wastes and why; content with another name is not wasted" {
	rows a d/ d/over:100 d/chmod:50 d/gone:30 d/kept:20 h=d/kept e/ e/f:7 e/g:3 p/ p/q:9 link:5
	rows b d/over:120 d/chmod:50 d/.wh.gone .wh.e d/.wh.kept p:1 'link>x'
	rows c d/over:1 e/ e/g:2
	sed -i 's/\t-\t/\t2024-05-01T00:00:00Z\t/' a
	sed -i '/chmod/s/\t-\t/\t2024-05-01T00:00:00Z\t/' b
	run -0 --separate-stderr lp-merge -q --waste a b c
	cmp <(echo "$output") - <<-E
		220	2	b	overwritten	c	d/over
		50	1	a	duplicated	b	d/chmod
		30	1	a	deleted	b	d/gone
		9	1	a	replaced	b	p/q
		7	1	a	deleted	b	e/f
		5	1	a	overwritten	b	link
		3	1	a	deleted	b	e/g
		#total	bytes=398	wasted=324	efficiency=0.1859	dive_wasted=381	dive_efficiency=0.1960	dive_user_wasted=2.1896
	E
	lp-merge -q --waste -j a b c | jq -s -e 'length == 8 and .[0].name == "d/over" and .[1].why == "duplicated" and .[7].total.wasted == 324'
	run -0 lp-merge -q --waste -H b
	[ "$output" = "$(printf 'bytes\tcopies\tlayer\twhy\tby\tname\n#total\tbytes=171\twasted=0\tefficiency=1.0000\tdive_wasted=0\tdive_efficiency=1.0000\tdive_user_wasted=0.0000')" ]
}

@test "views: --waste with a bound or dive's rules: exit 4 above it, or where a layer may have more" {
	local case
	for name in a b; do
		rows $name d/ d/over:100 d/$name:300
		printf '#end\tentries=3\tcomplete=yes\tbytes=1\tlayer=%s\n' $name >>$name
	done
	# 100 of 800 bytes; dive: 200 of 800, 700 / 800, 200 / 400
	for case in '0 100' '0 100B' '0 1K' '0 0.1K' '4 99' '0 12.5%' '4 12.4%' '0 100%' '4 0' '4 0%' '0 0.0001M' '2 0.5' '2 101%' '2 x' '2 5%%' '2 -1' '2 1X' '2 '; do
		run -"${case%% *}" --separate-stderr lp-merge -q --waste --max-waste="${case#* }" a b
		[[ -n $stderr || ${case%% *} = 0 ]]
	done
	for case in '0 lowestEfficiency: 0.875' '4 lowestEfficiency: 0.876' '0 highestWastedBytes: 200' '4 highestWastedBytes: 199B' \
	    '0 highestWastedBytes: "1kB" # y' '0 highestWastedBytes: 0.2 KB' '0 highestUserWastedPercent: 0.5' "4 highestUserWastedPercent: '0.49'" \
	    '0 highestWastedBytes: disabled' '0 highestWastedBytes: "off"' '0 highestWastedBytes:' '0 # highestWastedBytes: 1' '0 other: 1' \
	    '1 lowestEfficiency: 2' '1 lowestEfficiency: x' '1 highestWastedBytes: 1Q'; do
		printf 'rules:\n  %s\n' "${case#* }" >ci
		run -"${case%% *}" --separate-stderr lp-merge -q --waste --dive-rules=ci a b
		[[ ${case%% *} != 1 || $stderr == 'lp-merge: ci: line 2: '* ]]
		[[ -n $stderr || ${case%% *} = 0 ]]
	done
	printf 'rules:\r\n  lowestEfficiency: 0.99\r\n  highestUserWastedPercent: 0.1\r\n' >ci
	run -4 --separate-stderr lp-merge -q --waste --dive-rules=ci a b
	[ "${#stderr_lines[@]}" -eq 2 ]
	run -3 lp-merge --waste --dive-rules=nothere a b
	run -2 lp-merge --summary --max-waste=1 a b
	run -2 lp-merge --waste -E a b
	# it may be more than that
	sed -i 's/complete=yes/complete=no/' b
	run -4 --separate-stderr lp-merge -q --waste --max-waste=50% a b
	[[ $stderr == *'at least this'* ]]
	run -0 lp-merge -q --waste a b
}

@test "views: --du counts a file once, down to a depth" {
	rows a d/ d/x:10 d/e/ d/e/y:5 f:1 d/h=d/x
	run -0 lp-merge --du a
	[ "$output" = $'16\t6\t.\n15\t4\td\n5\t1\td/e' ]
	rows b ./
	run -0 lp-merge --du=1 a b
	[ "$output" = $'16\t6\t.\n15\t4\td' ]
	run -0 lp-merge --du=0 a
	[ "$output" = $'16\t6\t.' ]
	run -0 lp-merge --du=0 a b
	[ "$output" = $'16\t6\t.' ]
}

@test "views: ncdu reads the export, names in exact bytes" {
	rows a d/ d/x:5000 d/e/ d-/ 'd/l>x' d/h=d/x
	printf -- '-rw-r--r--\t0\t0\t1\t-\td/\\xff\\t"\t\n' >b
	lp-merge -o ncdu a b >out
	iconv -f latin1 -t utf8 out | jq -c '.[3] | [.[1][0].name, .[2][0].name, .[1][1:]]' >got
	grep -q '^\["d","d-"' got
	grep -q '"name":"h","asize":5000,"dsize":8192,"ino":1,"hlnkc":true,"nlink":2' out
	LC_ALL=C grep -q "$(printf '"name":"\377\\\\u0009\\\\""')" out
	ncdu -0 -f out -o back
	LC_ALL=C grep -c '"name"' back >n
	[ "$(cat n)" -eq 8 ]
}

# screen TEXT: wait until the terminal shows it
screen()
{
	for _ in $(seq 100); do
		tmux -S "$BATS_TEST_TMPDIR/tmux" capture-pane -p >shown
		grep -qF -- "$1" shown && return
		sleep 0.1
	done
	cat shown
	return 1
}

@test "views: ncdu opens the export on a terminal, and goes into it" {
	rows a d/ d/x:5000 d/e/ d/e/deep:300000 'd/l>x' top:70000 d/h=d/x
	rows b .wh.top d/second:20000
	lp-merge -o ncdu a b >out
	tmux -f /dev/null -S "$BATS_TEST_TMPDIR/tmux" new-session -d -x 80 -y 20 "TERM=screen exec ncdu -0 -r -f $PWD/out" 3>&-
	# directories first seen from above, by size; what is whited out is not there
	screen '/d'
	run ! grep -q top shown
	grep -q '324.0 KiB.*/d' shown
	tmux -S "$BATS_TEST_TMPDIR/tmux" send-keys Enter
	screen second
	[ "$(grep -oE '/e|second|[hx]$' shown | sed -n 1,2p | tr '\n' ' ')" = '/e second ' ]
	grep -q '296.0 KiB.*/e' shown
}

@test "views: bsdtar reads the mtree, each name with its bytes" {
	rows a d/ d/x:5000 'd/l>x y' d/h=d/x
	printf -- '-rw-r--r--\t0\t0\t1\t2024-01-02T03:04:05Z\td/\\xff # *\t\np---------\t0\t0\t0\t-\tp\t\n' >b
	lp-merge -o mtree a b >out.mtree
	bsdtar -tf out.mtree | LC_ALL=C sort >got
	printf './d\n./d/h\n./d/l\n./d/x\n./d/\\377 # *\n./p\n' | LC_ALL=C sort | cmp - got
	bsdtar -tvf out.mtree | grep '^lrwxrwxrwx.*\./d/l -> x y$'
}

@test "bad input: what, where, exit 1; nothing is written" {
	rows good x y
	check()
	{
		run -1 --separate-stderr lp-merge good bad
		[ -z "$output" ]
		[[ $stderr = "lp-merge: bad: line $1, byte $2: "*"$3"* ]] || {
			echo "$stderr"
			return 1
		}
	}
	{ cat good; echo '<html>'; } >bad
	check 3 44 'ten letters'
	printf 'drwxr-xr-x\t0\t0\t0\t-\td\n' >bad
	check 1 0 'too few columns'
	printf 'drwxr-xr-x\t0\t0\t0\t-\td\t\t\n' >bad
	check 1 0 'too many columns'
	printf 'drwxr-xr-x\t0\t0\t1e3\t-\td\t\n' >bad
	check 1 0 'size'
	printf 'drwxr-xr-x\t0\t0\t1\t2024\td\t\n' >bad
	check 1 0 'mtime'
	printf 'drwxr-xr-x\t0\t0\t1\t-\td\\q\t\n' >bad
	check 1 0 'escape'
	{ printf '#end\tentries=0\tcomplete=yes\n'; cat good; } >bad
	check 2 28 'behind the end record'
	printf '#end\tentries=x\n' >bad
	check 1 0 'end record'
	echo '{"name":"x",' >bad
	check 1 0 'JSON'
	echo '{"size":1}' >bad
	check 1 0 'name'
	printf 'drwxr-xr-x\t0\t0\t1\t-\td\t\nx' >bad
	check 2 22 'ten letters'
}

@test "the command line: what makes no sense is refused" {
	rows a x
	for args in '' '--max-entries x a' '--du=x a' '--bogus a' '-o nope a' '--diff -l a' '--summary -a a' \
		'-o ncdu -j a' '-o mtree -H a' '--du -E a' '--diff --summary a' '-o ncdu --du a'; do
		# shellcheck disable=SC2086
		run -2 lp-merge $args
	done
	run -3 --separate-stderr lp-merge a no/such/file
	[[ $stderr = *'no/such/file: No such file'* ]]
	run -3 lp-merge .
	run -3 bash -c 'lp-merge a >/dev/full'
}

@test "--max-entries bounds the rows of all layers together" {
	rows a 1 2 3
	rows b 4 5
	run -0 lp-merge --max-entries 5 a b
	run -1 --separate-stderr lp-merge --max-entries 4 a b
	[ -z "$output" ]
	[[ $stderr = *'b: line 2: more than 4 rows'* ]]
}

@test "a row without a name means the root, and costs nobody the image" {
	for name in '' . /; do
		printf 'drwx------\t1\t2\t0\t-\t%s\t\n-rw-r--r--\t0\t0\t1\t-\ta\t\n' "$name" >a
		lp-merge -o mode,name a | cmp - <(printf 'drwx------\t.\n-rw-r--r--\ta\n')
		{ printf -- '-rw-r--r--\t0\t0\t1\t-\t%s\t\n' "$name" && cat a; } >b
		run -0 --separate-stderr lp-merge -o name b
		[ "$output" = $'.\na' ]
		[[ $stderr = *'the root is a directory whatever a layer says'* ]]
	done
	echo '{"name":"","mode":"-rw-r--r--"}' >c
	run -0 lp-merge -q -o name c
	[ -z "$output" ]
}

@test "what a row costs is another bound than how many there are, and is said so where both are met" {
	rows a $(for i in $(seq 60); do printf "$i/%s " "$(printf 'd/%.0s' $(seq 2040))f"; done)
	run -1 --separate-stderr lp-merge a
	[[ $stderr =~ ^'lp-merge: a: line '([0-9]+)': links, or directories that no row names, without end'$ ]]
	run -1 --separate-stderr lp-merge --max-entries "${BASH_REMATCH[1]}" a
	[[ $stderr = *'directories that no row names, without end' ]]
}

@test "what takes a second thread: the same rows, the same messages, and an end before the input's" {
	seq 100000 199999 | awk '{ printf "-rw-r--r--\t0\t0\t1\t-\td/f%d\t\n", $1 }' >a
	run -0 bash -c 'lp-merge L=a L=- <a | cmp - <(printf "drwxr-xr-x\t0\t0\t0\t-\td\t\tL\n"; sed "s/$/\tL/" a)'
	{ cat a && echo bad; } >b
	run -1 --separate-stderr lp-merge a b
	[ -z "$output" ]
	[[ $stderr = *"lp-merge: b: line 100001, byte $(stat -c %s a): "* ]]
	# the input never ends: whoever waits for it is left behind
	mkfifo pipe
	{ cat a && exec sleep 1000; } >pipe 3>&- &
	run -1 --separate-stderr timeout 60 lp-merge --max-entries=99999 pipe
	kill $!
	[[ $stderr = *'pipe: line 100000: more than 99999 rows'* ]]
}

@test "a reader that goes away means enough" {
	seq 100000 | awk '{ printf "-rw-r--r--\t0\t0\t1\t-\tf%d\t\n", $1 }' >a
	run -0 bash -c 'set -o pipefail; lp-merge a | head -n 1'
	run -0 bash -c 'lp-merge --stats s a | head -c 1 >/dev/null; cat s'
	[[ $output = '{"tool":"lp-merge",'*'"entries_found":'* ]]
}

@test "many layers, one after the other over the same paths" {
	for i in $(seq 200); do
		rows "l$i" "n/$i" same:"$i" ".wh.gone$((i - 1))" "gone$i"
		set -- "$@" "l$i"
	done
	run -0 lp-merge "$@"
	[ "${#lines[@]}" -eq 203 ]
	[[ ${lines[202]} = *$'\t200\t-\tsame\t\tl200' ]]
}

@test "hidden and shown again without end is stopped, not endured" {
	# each round hides 2,000 rows; without a bound the rounds would cost what they hide each time
	rows base $(seq -f 'd/%g' 2000)
	run -0 lp-merge base base base
	[ "${#lines[@]}" -eq 2001 ]
	awk 'BEGIN { for (i = 0; i < 300; i++) print "-rw-r--r--\t0\t0\t0\t-\td/.wh..wh..opq\t" }' >opaque
	run -0 timeout 20 lp-merge base opaque
	[ "$output" = "$(printf 'drwxr-xr-x\t0\t0\t0\t-\td\t\tbase')" ]
}

@test "deep paths and long names" {
	deep=$(printf 'd/%.0s' $(seq 2047))
	rows a "${deep}f"
	lp-merge a >out
	[ "$(wc -l <out)" -eq 2048 ]
	long=$(printf 'x%.0s' $(seq 4095))
	rows b "$long"
	lp-merge -o name b | cmp - <(echo "$long")
	rows c "${long}y" "${deep}d/f" z
	run -1 --separate-stderr lp-merge -o name c
	[ "$output" = z ]
	[[ $stderr = *'a path above 4095 bytes: left out; container runtimes refuse 2 rows' ]]
}

@test "locked while it reads" {
	[ -e /proc/self/status ]
	mkfifo in
	"$RELEASE"/lp-merge in >/dev/null &
	pid=$!
	exec 7>in
	for _ in $(seq 100); do
		grep -q '^Seccomp:.*2' "/proc/$pid/status" && break
		sleep 0.05
	done
	grep -q '^Seccomp:.*2' "/proc/$pid/status"
	grep -q '^NoNewPrivs:.*1' "/proc/$pid/status"
	exec 7>&-
	wait $pid
}

@test "a folder, and a file whose name begins as the folder's does" {
	rows a etc/cron.d/x etc/cron.daily
	lp-merge -o name a | cmp - <(printf '%s\n' etc etc/cron.d etc/cron.d/x etc/cron.daily)
}

@test "--check: findings by layer, those of others among them, and exit 4 for an error" {
	rows a d/ d/f
	rows b d/g d/g x/y
	for f in a b; do
		printf '#end\tcomplete=yes\n' >>$f
	done
	run -4 --separate-stderr lp-merge --check -H --finding=:history --finding=b:cut-off:'input ends: here' a b
	[ "$stderr" = 'lp-merge: errors found: 2' ]
	[ "$(cut -f1-4,6-6 <<<"$output")" = $'severity\tcode\tlayer\tname\tdiffers_in
warning\thistory\t\t\t
error\tcut-off\tb\t\t
warning\tparent-attributes\tb\td\tdocker,podman
error\tpath-twice\tb\td/g\t
note\tparent-missing\tb\tx\t' ]
	[ "$(sed -n 3p <<<"$output" | cut -f8)" = 'input ends: here' ]
	[ "$(sed -n 5p <<<"$output" | cut -f5)" = docker,podman ]
	# what the others have found: without rows of their own nothing is wrong
	run -0 --separate-stderr lp-merge --check -j a
	[ "$output" = '' ]
	[ "$stderr" = '' ]
	run -4 --separate-stderr lp-merge --check -j a b
	[ "$(jq -r .code <<<"$output")" = $'parent-attributes\npath-twice\nparent-missing' ]
}

@test "--check: of a preview nothing is called missing, and it says that it is one" {
	rows a d/f
	printf '#end\tentries=1\tcomplete=no\n' >>a
	run -0 --separate-stderr lp-merge --check a
	[ "$(cut -f2 <<<"$output")" = unchecked ]
	rows b d/f
	printf '#end\tentries=1\tcomplete=yes\n' >>b
	run -0 --separate-stderr lp-merge --check b
	[ "$(cut -f2,4 <<<"$output")" = $'parent-missing\td' ]
}

@test "--check: what makes no sense beside it, and codes that there are not" {
	rows a f
	for o in '--check --diff' '--check -C' '--check -E' '--check -m x' '--finding=:history' '--check --finding=:no' '--check --finding=history'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr lp-merge $o a
		[ "$output" = '' ]
		[ -n "$stderr" ]
	done
}

@test "layer-peek(7) has each code of --check, with its severity, and no other" {
	rows a f
	sed -n '/^\.Sh CHECKS/,/^\.Sh TRUST/s/^\.It Li \([a-z-]*\) Pq \([a-z]*\)$/\2\t\1/p' "$TOP/man/layer-peek.7" >page
	[ "$(wc -l <page)" -eq "$(grep -c '", LP_CHECK_[A-Z]*,' "$TOP/common/merge/check.c")" ]
	mapfile -t given < <(sed 's/.*\t/--finding=:/' page)
	lp-merge -q --check "${given[@]}" a 2>err >out || true
	cut -f1,2 out | sed '$d' | diff page -
}
