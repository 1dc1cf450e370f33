#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2016 # bats runs each test in a subshell; other shells expand
# lp-peek and content: several files, those that match, and directories as a
# tar, as a container would see them.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	export D=$BATS_FILE_TMPDIR
	registry_start reg
	cd "$D" || return
	# base: files, a hard link, a link to a directory; above: one file changed, one deleted, a directory made anew
	mkdir -p a/etc/app a/usr/lib/doc b/etc/app
	for f in one two three; do echo "$f" >a/etc/app/$f; done
	ln a/etc/app/one a/etc/app/same
	echo os >a/usr/lib/os-release
	ln -s ../usr/lib/os-release a/etc/os-release
	ln -s nowhere a/etc/gone-release
	ln -s etc/app a/app
	echo old >a/usr/lib/doc/old
	noise a 3000000 >a/z
	echo changed >b/etc/app/two
	touch b/etc/app/.wh.three
	mkdir -p b/usr/lib/doc
	touch b/usr/lib/doc/.wh..wh..opq
	echo new >b/usr/lib/doc/new
	noise b 3000000 >b/zz
	for l in a b; do
		tar --sort=name --owner=root:0 --group=root:0 -C $l -cf $l.tar .
		gzip -1 -c $l.tar >$l.gz
		estargz --chunk 1048576 $l.tar $l.estargz >$l.notes
	done
	layout_make lay v1 a.gz b.gz
	registry_push lay:v1 reg gz:1
	layout_make es v1 a.estargz b.estargz
	registry_push es:v1 reg es:1
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
}

@test "--cat of several paths: in their order, each layer fetched once" {
	local image most
	for image in gz es; do
		most=1000000
		[ $image = es ] || most=$((most + $(stat -c %s "$D/b.gz")))
		LP_STATS=$PWD/$image lp-peek -q --cat=etc/app/two --cat=/etc/os-release --cat=etc/app/same --cat=etc/app/two \
		    "$(srv_addr reg)/$image:1" >got
		printf '%s\n' changed os one changed | cmp - got
				# the noise at the end of the lower layer was not wanted; that the upper one lacks a name is known at its end
		[ "$(downloaded $image)" -lt $most ]
	done
	# nothing of a layer is fetched twice
	lp-peek -q --cat=etc/app/two --cat=app/one "$D"/lay >got
	printf '%s\n' changed one | cmp - got
}

@test "--cat of several paths: what is not there is one message, and the others are written" {
	run -4 --separate-stderr lp-peek -q --cat=etc/app/three --cat=etc/app/one --cat=etc --cat=usr/lib/doc/old --cat=usr/lib/doc/new oci:"$D"/lay:v1
	[ "$output" = $'one\nnew' ]
	[ "$stderr" = "lp-peek: etc/app/three: no such path in oci:$D/lay:v1
lp-peek: etc is a directory (layer 2; --find='etc/*' lists it)
lp-peek: usr/lib/doc/old: no such path in oci:$D/lay:v1" ]
}

@test "--cat of a pattern: all files that match, links followed" {
	for image in "oci:$D/lay:v1" "$(srv_addr reg)/es:1"; do
		run -0 --separate-stderr lp-peek -q --cat='/etc/app/*' "$image"
		[ "$output" = $'one\none\nchanged' ]
		run -0 --separate-stderr lp-peek -q --cat='etc/*-release' --cat=etc/app/one --cat='usr/lib/doc/*' "$image"
		[ "$output" = $'os\none\nnew' ]
		[ -z "$stderr" ]
		run -4 --separate-stderr lp-peek -q --cat='etc/none*' "$image"
		[ "$stderr" = "lp-peek: etc/none*: no such path in $image" ]
	done
	# what was fetched to be listed is not fetched again
	LP_STATS=$PWD/stats lp-peek -q --cat='etc/app/*' "$(srv_addr reg)/gz:1" >got
	printf '%s\n' one one changed | cmp - got
	[ "$(downloaded stats)" -le $(($(stat -c %s "$D/a.gz") + $(stat -c %s "$D/b.gz") + 10000)) ]
	LP_STATS=$PWD/stats2 lp-peek -q -O --cat='etc/app/t*' "$(srv_addr reg)/gz:1" >got
	[ "$(cat got)" = changed ]
}

# What a container has: the layers unpacked one over the other.
@test "--tar: what a container sees, as GNU tar unpacks it" {
	mkdir want
	cp -a "$D/a/." want
	rm -r want/etc/app/three want/usr/lib/doc
	cp -a "$D/b/." want
	rm want/etc/app/.wh.three want/usr/lib/doc/.wh..wh..opq
	for image in "oci:$D/lay:v1" "$(srv_addr reg)/gz:1" "$(srv_addr reg)/es:1"; do
		rm -rf got
		mkdir got
		lp-peek -q --tar=/ "$image" | tar -C got --no-same-owner -xf -
		diff -r --no-dereference want got
		rm -rf got
		mkdir got
		lp-peek -q --tar=etc/app --tar='usr/lib/*doc' "$image" | tar -C got -xf -
		diff -r want/etc/app got/etc/app
		diff -r want/usr/lib/doc got/usr/lib/doc
		[ "$(find got -type f | wc -l)" -eq 4 ]
		[ "$(stat -c %h got/etc/app/one)" -eq 2 ]
	done
	# a file whose first name is hidden has its other one
	mkdir -p over/etc/app
	touch over/etc/app/.wh.one
	tar -C over -cf over.tar .
	layout_make over v1 "$D/a.gz" over.tar
	lp-peek -q --tar=etc/app oci:over:v1 | tar -tf - | sed 's,^\./,,' | grep -v '/$' | sort >got.list
	printf 'etc/app/%s\n' same three two | cmp - got.list
	[ "$(lp-peek -q --tar=etc/app/same oci:over:v1 | tar -xOf - etc/app/same)" = one ]
	[ "$(lp-peek -q --cat='etc/app/s*' oci:over:v1)" = one ]
	# files' own bytes alone
	LP_STATS=$PWD/stats lp-peek -q --no-cache --tar=etc/app "$(srv_addr reg)/es:1" | tar -tf - >got.list
	[ "$(downloaded stats)" -lt 1000000 ]
	# through the links of directories, and of what is listed no more than up to the last member
	lp-peek -q -c "$(srv_addr reg)/gz:1" >/dev/null
	[ ! -e "$XDG_CACHE_HOME"/layer-peek/store/blobs/sha256/none ]
	rm -rf "$XDG_CACHE_HOME"/layer-peek/store
	LP_STATS=$PWD/stats2 lp-peek -q --tar=app/one "$(srv_addr reg)/gz:1" | tar -xOf - >got.one
	[ "$(cat got.one)" = one ]
	[ "$(downloaded stats2)" -lt 1000000 ]
}

@test "--tar: what is not there, links whose file is not written, layers that cannot be read" {
	run -4 --separate-stderr bash -c 'lp-peek -q --tar=none --tar=etc/app/two "oci:$D/lay:v1" | tar -tf -; exit "${PIPESTATUS[0]}"'
	[ "${output#./}" = etc/app/two ]
	[ "$stderr" = "lp-peek: none: no such path in oci:$D/lay:v1" ]
	run -4 --separate-stderr bash -c 'lp-peek -q --tar=etc/app/same "oci:$D/lay:v1" >out'
	[ "$stderr" = 'lp-peek: etc/app/same is a hard link to etc/app/one, which is not written: --cat has its content' ]
	[ "$(lp-peek -q --cat=etc/app/same "oci:$D/lay:v1")" = one ]
	head -c 2000000 "$D/a.gz" >cut.gz
	layout_make cut v1 cut.gz "$D/b.gz"
	run -4 --separate-stderr bash -c 'lp-peek -q --tar=etc/app oci:cut:v1 >out'
	[[ $stderr == *'layer 1'* ]]
	run -2 --separate-stderr script -qec "lp-peek --tar=etc oci:$D/lay:v1" /dev/null
	[[ $output == *terminal* ]]
	run -2 lp-peek --tar= "oci:$D/lay:v1"
	run -2 lp-peek --tar=etc --cat=etc "oci:$D/lay:v1"
	run -2 lp-peek --tar=etc -j "oci:$D/lay:v1"
	run -2 lp-peek --cat=etc -H "oci:$D/lay:v1"
}
