#!/usr/bin/env bats
# lp-show: rows of the filters in, what people look at out; what lp-peek draws
# with it is in lp-peek.bats and answers.bats.

# shellcheck disable=SC2016,SC2154 # inner shells expand it; bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	export IN=$BATS_FILE_TMPDIR
	mkdir "$IN/tree" "$IN/tree/etc" "$IN/tree/bin"
	printf 'one\n' >"$IN/tree/etc/one"
	printf 'two\n' >"$IN/tree/etc/two"
	ln -s ../etc/one "$IN/tree/bin/link"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-11-01T00:00Z --mode=u=rwX,go=rX -C "$IN/tree" -cf "$IN/base.tar" .
	printf 'more\n' >"$IN/tree/etc/one"
	touch "$IN/tree/etc/.wh.two"
	tar --owner=0 --group=0 --numeric-owner --mtime=2026-11-02T00:00Z --mode=u=rwX,go=rX -C "$IN/tree" -cf "$IN/app.tar" \
		etc/one etc/.wh.two
	for layer in base app; do lp-tarls -E "$IN/$layer.tar" >"$IN/$layer.tsv"; done
	lp-tarls -Ej "$IN/base.tar" >"$IN/base.json"
}

merged()
{
	lp-merge "$@" 1="$IN/base.tsv" 2="$IN/app.tsv"
}

# is TEXT: what the command before wrote to out
is()
{
	diff -u <(printf '%s\n' "$@") out
}

@test "a table: of TSV, of NDJSON, with the layer where rows have one, and hidden rows with their reason" {
	lp-show "$IN/base.tsv" >out
	is 'MODE       UID GID  SIZE  MODIFIED          NAME' \
		'drwxr-xr-x   0   0     0  2026-11-01 00:00  ./' \
		'drwxr-xr-x   0   0     0  2026-11-01 00:00  ./bin/' \
		'lrwxr-xr-x   0   0     0  2026-11-01 00:00  ./bin/link -> ../etc/one' \
		'drwxr-xr-x   0   0     0  2026-11-01 00:00  ./etc/' \
		'-rw-r--r--   0   0     4  2026-11-01 00:00  ./etc/one' \
		'-rw-r--r--   0   0     4  2026-11-01 00:00  ./etc/two'
	lp-show "$IN/base.json" | cmp - out
	lp-show - <"$IN/base.json" | cmp - out
	merged -a | lp-show >out
	grep -q '^MODE .*  LAYER  NAME$' out
	grep -q '  1  etc/two  (deleted by layer 2)$' out
	merged -aH | lp-show | cmp - out
	merged -aj | lp-show | cmp - out
	merged | lp-show >visible
	[ "$(wc -l <visible)" -eq 6 ]
	lp-show </dev/null >out
	[ ! -s out ]
}

@test "a tree, down to a depth, with colours and without" {
	merged | LC_ALL=C lp-show --tree >out
	is bin '`-- link -> ../etc/one' etc '`-- one'
	merged | LC_ALL=C.UTF-8 lp-show --tree=1 >out
	is 'bin (1 entry, 0 B)' 'etc (1 entry, 5 B)'
	merged | LS_COLORS='di=01;34' lp-show --tree=1 --color >out
	is $'\e[01;34mbin\e[0m (1 entry, 0 B)' $'\e[01;34metc\e[0m (1 entry, 5 B)'
	merged | lp-show --tree=1 --color=never >out
	is 'bin (1 entry, 0 B)' 'etc (1 entry, 5 B)'
}

@test "what lp-merge adds up: --du with the largest first, --waste, --history" {
	merged --du | lp-show --du >out
	is '    SIZE    ENTRIES  PATH' '     5 B          4  .' '     5 B          1  etc' '     0 B          1  bin'
	merged --waste | lp-show --waste >out
	grep -qE '^ +4 B +1  deleted +2  etc/two$' out
	tail -n 1 out | grep -q ' wasted ('
	merged --summary | lp-show --history >out
	[ "$(wc -l <out)" -eq 3 ]
	grep -qE '^ +1 +- +8 B +8 B' out
	lp-merge --summary "$IN/base.tsv" "$IN/app.tsv" | lp-show --history -H | cut -f 1,3 >out
	is $'layer\tentries' "$IN/base.tsv"$'\t6' "$IN/app.tsv"$'\t1'
	lp-merge --summary "a"$'\x1b'"=$IN/base.tsv" | lp-show --history | tail -n 1 >out
	grep -q '^a\\x1b  ' out
	# the layers' own facts are a document's
	printf '{"layers":[{"size":77,"created_by":"/bin/sh -c #(nop)  COPY a b"},{"size":1,"created_by":"%s"}]}' \
		"$(printf 'x%.0s' {1..200})" >about
	merged --summary | lp-show --history --about=about --width=60 >out
	grep -qE '^ +1 +77 B +8 B +8 B  COPY a b$' out
	[ "$(wc -L <out)" -eq 60 ]
	merged --summary | lp-show --history --about=about -H | cut -f 1,2,8 | head -n 2 >out
	is $'layer\tsize\tcreated_by' $'1\t77\t/bin/sh -c #(nop)  COPY a b'
}

@test "--diff: two files, or pipes; names, sum, rows" {
	lp-merge "$IN/base.tsv" >old
	merged >new
	lp-show --diff old new >out
	is '--- old' '+++ new' 'M etc/one (size,mtime)' 'D etc/two' '-3 B: 0 added, 1 changed, 1 deleted'
	lp-show --diff <(cat old) - <new >piped
	diff <(tail -n +3 out) <(tail -n +3 piped)
	lp-show --diff --rows old new >out
	is $'M\tsize,mtime\t-rw-r--r--\t0\t0\t5\t2026-11-02T00:00:00Z\tetc/one\t' \
		$'D\t-\t-rw-r--r--\t0\t0\t4\t2026-11-01T00:00:00Z\tetc/two\t'
	lp-show --diff -H -o name old new >out
	is $'change\twhat\tname' $'M\tsize,mtime\tetc/one' $'D\t-\tetc/two'
	lp-show --diff -j old new | jq -c '[.change, .what, .name, .total.bytes]' >out
	is '["M","size,mtime","etc/one",null]' '["D","","etc/two",null]' '[null,null,null,-3]'
	lp-show -j old | cmp - <(lp-merge -j "$IN/base.tsv")
	echo '{"image":"first","layers":[]}' >first
	echo '{"image":"second\u001b","layers":[]}' >second
	lp-show --diff --about=first --about=second old new | head -n 2 >out
	is '--- first' '+++ second\x1b'
}

@test "--document: rows of lp-merge -j, and each layer's own, in the document that is known" {
	echo '{"image":"i","image_digest":null,"layers":[{"digest":"sha256:1","partial":false},{"digest":"sha256:2"}],"error":"e"}' >about
	merged -jE | lp-show --document --about=about - "$IN/base.tsv" "$IN/app.tsv" >out
	jq -e '.image == "i" and .error == "e" and .total_entries == 5 and (.layers | length) == 2
	    and (.layers[0].entries | length) == 6 and .layers[1].entries[0].name == "etc/one"
	    and (.all_entries | length) == 5 and .layers[0].partial == false and .layers[1].partial' out
	merged -j --du | lp-show --document=directories --about=about >out
	jq -e '.directories[0].name == "." and .error == "e"' out
	# without an end record the listing ended early
	merged -j | lp-show --document >out
	jq -e '.complete == false and .error == "the merged listing ended early" and .layers == []' out
}

@test "-j: rows, a nested tree" {
	lp-show -j "$IN/base.tsv" >out
	[ "$(jq -r .name out | wc -l)" -eq 6 ]
	lp-show --rows out | cmp - <(lp-show --rows "$IN/base.tsv")
	merged -H | lp-show --tree -j >out
	[ "$(wc -l <out)" -eq 2 ]
	jq -se 'map([.name, [.children[] | .name, .children]]) == [["bin", ["bin/link", null]], ["etc", ["etc/one", null]]]
	    and .[0].children[0].linkname == "../etc/one" and .[1].children[0].layer == "2" and .[0].is_dir' out
	merged -H | lp-show --tree=1 -j >out
	jq -se 'map([.name, .entries, .bytes, .children]) == [["bin", 1, 0, null], ["etc", 1, 5, null]]' out
	# directories that no row names, siblings, what is empty; a name that is not UTF-8
	printf -- '-rw-r--r--\t0\t0\t3\t-\ta/b/c\t\n-rw-r--r--\t0\t0\t3\t-\ta-b\\xff\t\ndrwxr-xr-x\t0\t0\t0\t-\ta/d\t\n' | lp-show --tree -j >out
	jq -se '.[0] as $a | length == 2 and $a.name == "a" and $a.implied and ($a.children | map([.name, .implied, (.children | length)])) ==
	    [["a/b", true, 1], ["a/d", null, 0]] and .[1].name_base64 == "YS1i/w==" and (.[1] | has("children") | not)' out
	lp-show --tree -j </dev/null >out
	[ ! -s out ]
}

@test "rows again: columns, header, NUL, end record" {
	lp-show --rows "$IN/base.tsv" >out
	grep -v '^#end' "$IN/base.tsv" | cmp - out
	lp-show -E "$IN/base.tsv" | cmp - "$IN/base.tsv"
	lp-show -H -o name,size "$IN/base.json" >out
	is $'name\tsize' $'./\t0' $'./bin/\t0' $'./bin/link\t0' $'./etc/\t0' $'./etc/one\t4' $'./etc/two\t4'
	lp-show -0 -o name "$IN/base.tsv" | tr '\0' '\n' >out
	is ./ ./bin/ ./bin/link ./etc/ ./etc/one ./etc/two
}

@test "what was not seen: by the end record, or as notes say; a title" {
	head -c 3000 "$IN/base.tar" | lp-tarls -qE | LC_ALL=C.UTF-8 lp-show >out
	[ "$(tail -n 1 out)" = '… not seen to the end' ]
	head -c 3000 "$IN/base.tar" | lp-tarls -qE | LC_ALL=C lp-show --tree >out
	cat out
	[ "$(tail -n 1 out)" = '... not seen to the end' ]
	printf '#end\tentries=0\tcomplete=no\tbytes=0\tlayer=\treason=why\\x1b\n' | LC_ALL=C lp-show >out
	is '... not seen to the end: why\x1b'
	lp-merge -E "$IN/base.tsv" <(head -n 1 "$IN/app.tsv") 2>err | LC_ALL=C lp-show >out
	[ "$(tail -n 1 out)" = '... whether this is all is not known' ]
	printf 'one line\nand \e[2Janother\n' >notes
	printf '#end\tentries=0\tcomplete=no\tbytes=0\tlayer=\n' | lp-show --title='what it is' --notes=notes >out
	is 'what it is' 'one line' 'and \x1b[2Janother'
	lp-show --color --title=t </dev/null >out
	is $'\e[1mt\e[0m'
}

@test "--resolve: what becomes of a path in one layer" {
	lp-show --resolve=etc/one "$IN/app.tsv" >out
	grep -q $'\t-\tetc/one$' out
	lp-show --resolve=etc/two "$IN/app.tsv" >gone
	lp-show --resolve=etc/none "$IN/app.tsv" >less
	run ! cmp -s gone less
	lp-show --resolve=bin/link --copy=copy "$IN/base.tsv" >out
	grep -q $'\tetc/one$' out
	cmp copy "$IN/base.tsv"
}

# refused LINE COMMAND...: exit 1, and one message that names the line
refused()
{
	local where=$1
	shift
	run -1 --separate-stderr "$@"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "lp-show: $where"* ]]
}

@test "hostile rows: what was good is shown, one message names the line; exit 1" {
	local view
	{ head -n 3 "$IN/base.tsv"; printf 'no row\n'; } >bad
	for view in '' --rows --tree --resolve=x; do
		refused 'bad: line 4: no row' lp-show $view bad
		refused '<stdin>: line 4: no row' lp-show $view <bad
	done
	lp-show bad 2>err >out || true
	[ "$(wc -l <out)" -eq 4 ]
	refused 'bad: line 4: no row' lp-show --diff bad "$IN/base.tsv"
	refused 'bad: line 4: no row' lp-show --diff "$IN/base.tsv" bad
	for view in --du --waste --history; do
		refused "<stdin>: not what lp-merge --" lp-show $view <<<$'x\ty'
	done
	refused '<stdin>: not what lp-merge --summary writes' lp-show --history <<<$'1\t2'
	refused 'about: ' lp-show --history --about=<(echo '{') <(merged --summary) 2>/dev/null || refused '/dev/fd/' lp-show --history --about=<(echo '{')
	# what lp-merge writes has no such bytes, but who knows who wrote it
	printf '1\t1\tname\e[2J\n' | lp-show --du >out
	[ "$(tail -n 1 out)" = '     1 B          1  name\x1b[2J' ]
}

@test "words that make no sense together are exit 2, what cannot be read or written exit 3" {
	local args
	for args in '--tree --du' --tree=0 --tree=x '--du -H' '--tree -o name' '--history -E' '--history -o name' '--above=1' '--copy=x' --eager \
	    '--about=a --about=b' '--diff a' '--diff a b c' 'a b' '--color=x' '--width=x' '-o none' '-j -H' '-j -o name' '--du -j' '--tree -jE' '--about=a --about=b --about=c --diff a b'; do
		# shellcheck disable=SC2086 # they are words
		run -2 --separate-stderr lp-show $args
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == 'lp-show: '* ]]
	done
	run -3 --separate-stderr lp-show none
	[ "$stderr" = 'lp-show: none: No such file or directory' ]
	run -3 --separate-stderr bash -c 'lp-show "$1" >/dev/full' - "$IN/base.tsv"
	[ "$stderr" = 'lp-show: <stdout>: No space left on device' ]
	run -0 bash -c 'set -o pipefail; lp-show --stats=stats "$1" | true' - "$IN/base.tsv"
	[ "$(jq -r .tool stats)" = lp-show ]
	lp-show --stats=stats2 "$IN/base.tsv" >out
	[ "$(jq .entries_found stats2)" -eq 6 ]
}
