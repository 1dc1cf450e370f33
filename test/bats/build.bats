#!/usr/bin/env bats
# The Makefile: what it decides is what is built, and stays so.

# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file() {
	shipped
	unset MAKEFLAGS MAKELEVEL MFLAGS CFLAGS CPPFLAGS LDFLAGS LDLIBS
}

# A tree of its own, as it was built last.
setup() {
	UNIT=build/release/unit/test_text
	mkdir -p "$BATS_TEST_TMPDIR/a tree/build/release"
	cd "$BATS_TEST_TMPDIR/a tree" || return
	cp -a "$TOP"/{Makefile,cmd,common,man,test} .
	cp -a "$TOP"/build/release/{how-to-*,liblp.a,bin,cmd,common} build/release
}

@test "what is not changed is not made again; a source that goes is gone from the library" {
	run -0 make -s "$UNIT"
	run -0 make -q "$UNIT"
	grep -q aligned.o <(ar t build/release/liblp.a)
	rm common/view/aligned.c
	run -0 make "$UNIT"
	[[ $output != *CC* ]]
	run ! grep -q aligned.o <(ar t build/release/liblp.a)
}

@test "other flags, another version, a library that came or went: made again with them" {
	run -0 make -s "$UNIT"
	run -1 make -q "$UNIT" LDFLAGS=-Wl,-s
	run -0 make "$UNIT" LDFLAGS=-Wl,-s
	[[ $output = *LINK* && $output != *CC* ]]
	run -0 make ISAL= build/release/common/codec/deflate.o
	[[ $output = *'zlib alone: ISA-L was not found'* ]]
	run -0 nm build/release/common/codec/deflate.o
	[[ $output != *isal* ]]
	run -0 make build/release/common/codec/deflate.o
	[[ $output = *'ISA-L and zlib'* ]]
	run -0 nm build/release/common/codec/deflate.o
	[[ $output = *isal* ]]
	o=build/release/common/codec/deflate.o
	for change in 'VERSION=9.9' 'CFLAGS=-O1' 'CPPFLAGS=-DX' 'CC=gcc -pipe'; do
		run -0 make -s "$o"
		run -0 make -q "$o"
		run -1 make -q "$o" "$change"
		run -0 make -s "$o" "$change"
		run -0 make -q "$o" "$change"
	done
}

@test "flags of one's own come beside ours" {
	for program in lp-inflate lp-cache; do
		run -0 make -n FLAVOUR=fault CFLAGS=-mine1 LDFLAGS=-mine2 CPPFLAGS=-mine3 LDLIBS=-mine4 "build/fault/bin/$program"
		link=$(grep -- "-o build/fault/bin/$program " <<<"$output")
		for ours in -Wl,--wrap=malloc -Wl,--wrap=sendfile -fsanitize=address,undefined -Wl,--as-needed -lseccomp -mine1 -mine2 -mine4; do
			[[ $link = *" $ours "* || $link = *" $ours" ]]
		done
		compile=$(grep -- "-c -o build/asan/cmd/$program.o" <<<"$output")
		for ours in -std=c11 -DLP_NO_LOCK -D_GNU_SOURCE -Wconversion -MMD -mine1 -mine3; do
			[[ $compile = *" $ours "* ]]
		done
	done
	run -0 make -n LDFLAGS=-mine build/release/bin/lp-inflate
	[[ $output = *' -pie -Wl,-z,relro,-z,now '*' -mine '* ]]
}

@test "ISA-L is found by the compiler, with nothing else on the machine" {
	mkdir bin
	for p in make cc gcc sh echo as ld uname; do
		ln -s "$(command -v $p)" bin/
	done
	PATH=$PWD/bin run -0 make -s print-ISAL
	[ "$output" = -lisal ]
	# no compiler that finds it, no ISA-L
	run -0 make -s print-ISAL CC='cc -nostdinc'
	[ -z "$output" ]
	run -0 make -s print-ISAL LDFLAGS=-nostdlib\ -static-pie\ -L/nowhere\ -no-such-option
	[ -z "$output" ]
}

@test "a machine of 32 bits is told so by the compiler" {
	run -1 gcc -U__SIZEOF_INT128__ -include common/base/banned.h -fsyntax-only -x c /dev/null
	[[ $output = *'error: "layer peek is built for 64-bit machines only"'* || $output = *'#error "layer peek is built for 64-bit machines only"'* ]]
	run ! grep -wE 'any|linux-any|i386|armhf|armel|mipsel|powerpc' "$TOP/debian/control"
}
