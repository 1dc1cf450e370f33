#!/usr/bin/env bats
# The walls of the house bite: each rule is broken in each way that it
# forbids, in a copy of the tree, and lint must say so.

# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file() {
	shipped
	unset MAKEFLAGS MAKELEVEL MFLAGS
	export TREE=$BATS_FILE_TMPDIR/tree
	mkdir -p "$TREE/build"
	cd "$TREE" || return
	(cd "$TOP" && git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$f" ] || echo "$f"; done | tar -T - -c) | tar -x
	git init -q .
	git add -A
	git -c user.name=x -c user.email=x commit -q -m x
	cp -a "$TOP/build/release" build/
	rm -rf build/release/log
}

# As it was, each time.
setup() {
	cd "$TREE" || return
	git reset -q --hard
	git clean -fdq
}

# A line on top of a file, and one at its end.
top() {
	sed -i "1i $2" "$1"
}
end() {
	printf '%b\n' "$2" >>"$1"
}

# Lint fails by that rule and says all of that, and the tree is whole again.
bites() {
	local rule=$1 said
	shift
	run -1 test/lint "$rule"
	echo "$output"
	[[ ${lines[0]} = "not ok - lint $rule ("*' s)' ]]
	[[ ${lines[-1]} = '0 passed, 1 failed' ]]
	for said; do
		[[ $output = *"$said"* ]] || { echo "not said: $said"; return 1; }
	done
	setup
}

@test "as it is, the tree breaks no rule" {
	for rule in include_law libraries purity environment names complete usage servers mandoc tree versions; do
		run -0 test/lint "$rule"
		[[ $output = "ok - lint $rule ("*$' s)\n1 passed, 0 failed' ]]
	done
	run -0 test/lint --list
	# and each rule has a test here
	for rule in $output; do
		grep -qE "(bites|catches) $rule " "$TOP/test/bats/lint.bats"
	done
}

@test "include_law: rooms, however it is written, in new files too" {
	top common/base/glob.c '#include "common/sys/io.h"'
	top common/base/sort.c '#  include   "common/sys/io.h"'
	top common/base/path.c '# /* why */ include "common/sys/io.h"'
	top common/base/jsonwrite.c '#define WHAT "common/sys/io.h"\n#include WHAT'
	top common/base/num.c '#ifdef __vax__\n#include "common/sys/io.h"\n#endif'
	top common/base/glob.h '#include "common/row/row.h"'
	top common/view/human.c '#include "common/sys/io.h"'
	top common/sys/tty.c '#include "../sys/tty.h"'
	top cmd/lp-cat.c '#include "test/unit/unit.h"'
	mkdir -p common/util common/base/deep
	echo '#include "common/sys/io.h"' >common/util/u.h
	: >common/base/deep/er.h
	top common/base/map.c '#include "common/util/u.h"'
	echo '#include "common/sys/io.h"' >common/tar/new.h
	bites include_law common/base/{glob,sort,path,jsonwrite,num}'.c: "common/sys/io.h": base may not include sys' \
		'common/base/glob.h: "common/row/row.h": base may not include row' \
		'common/view/human.c: "common/sys/io.h": view may not include sys' \
		'common/sys/tty.c: "../sys/tty.h": no file of' \
		'cmd/lp-cat.c: "test/unit/unit.h": no file of' \
		'common/util/u.h: in no room of test/lint-rooms' \
		'common/base/deep/er.h: in no room of test/lint-rooms' \
		'common/base/map.c: "common/util/u.h": base may not include util' \
		'common/tar/new.h: "common/sys/io.h": tar may not include sys'
	top common/sys/tty.c '#include "no/such.h"'
	bites include_law 'no/such.h'
}

@test "include_law: what belongs to one program" {
	mkdir -p cmd/cat
	: >cmd/cat/own.h
	top cmd/lp-cat.c '#include "cmd/cat/own.h"'
	run -0 test/lint include_law
	top cmd/lp-toc.c '#include "cmd/cat/own.h"'
	top common/sys/tty.c '#include "cmd/cat/own.h"'
	bites include_law 'cmd/lp-toc.c: "cmd/cat/own.h": belongs to another program' \
		'common/sys/tty.c: "cmd/cat/own.h": sys may not include cmd'
}

# A header of the room base that includes another.
link() {
	printf '#ifndef LP_%s\n#define LP_%s\n#include "common/base/%s.h"\n#endif\n' "$1" "$1" "$2" >"common/base/$1.h"
}

@test "include_law: circles of files and rooms, and a file with a law of its own" {
	link one two
	link two three
	link three one
	bites include_law 'files in a circle: common/base/one.h -> common/base/three.h -> common/base/two.h -> common/base/one.h' ||
		bites include_law 'files in a circle: common/base/one.h -> common/base/two.h -> common/base/three.h -> common/base/one.h'
	sed -i 's/^base		pure$/&	row/' test/lint-rooms
	bites include_law 'rooms of test/lint-rooms in a circle: base -> row -> base'
	printf 'common/base/glob.c	pure	row\n' >>test/lint-rooms
	top common/base/glob.c '#include "common/row/row.h"'
	bites include_law 'rooms in a circle: base -> row -> base'
	# a line for a file is for that file alone
	printf 'common/base/glob.c	pure	row\n' >>test/lint-rooms
	top common/base/sort.c '#include "common/row/row.h"'
	bites include_law 'common/base/sort.c: "common/row/row.h": base may not include row'
}

@test "libraries: each in its file, and no other" {
	top common/sys/tty.c '#include <archive.h>'
	top common/sys/io.c '# include <curl/curl.h>'
	top common/view/human.c '#include <zlib.h>'
	top cmd/lp-cat.c '#ifdef NEVER\n#include <sqlite3.h>\n#include <openssl/ssl.h>\n#endif'
	echo '#include <setjmp.h>' >common/base/new.h
	bites libraries 'common/sys/tty.c: <archive.h> belongs in no file' \
		'common/sys/io.c: <curl/curl.h> belongs in common/net/http_priv.h' \
		'common/view/human.c: <zlib.h> belongs in common/codec/deflate_zlib.c' \
		'cmd/lp-cat.c: <sqlite3.h> belongs in common/cache/db.c' \
		'cmd/lp-cat.c: <openssl/ssl.h> belongs in no file' \
		'common/base/new.h: <setjmp.h> belongs in common/base/jsonread.c'
	top common/view/human.c '#include "zlib.h"'
	bites include_law 'common/view/human.c: "zlib.h": no file of'
}

# At the end of FILE a function X that does BODY, after DECLARATIONS.
function_of() {
	end "$1" "$4\nint $2(struct lp_span);\nint\n$2(struct lp_span s)\n{\n\t(void)s;\n\t$3\n}"
}

@test "purity: by a declaration of one's own, by a library, by libc, by the machine" {
	function_of common/base/glob.c lp_x1 'return lp_put(s);' 'int lp_put(struct lp_span);'
	function_of common/view/human.c lp_x2 'return json_dumpfd(NULL, 1, 0);' '#include "common/base/jsonread.h"'
	function_of common/base/path.c lp_x3 'return getenv("HOME") != NULL;'
	function_of common/base/escape.c lp_x4 'return printf("x");'
	function_of common/base/sort.c lp_x5 'return lp_nowhere;' '#include "common/base/span.h"\nextern int lp_nowhere;'
	function_of common/base/utf8.c lp_x6 '__asm__ volatile("nop"); return 0;'
	function_of common/tar/new.c lp_x7 'return getpid();' '#include "common/base/span.h"\nint getpid(void);'
	# pure is what reaches nothing of the world
	printf 'common/tar/reads.c	world	base sys\n' >>test/lint-rooms
	function_of common/tar/reads.c lp_x8 'return lp_put(s);' '#include "common/sys/io.h"'
	function_of common/tar/calls.c lp_x9 'return lp_x8(s);' '#include "common/base/span.h"\nint lp_x8(struct lp_span);'
	bites purity 'common/base/glob.c asks for lp_put of common/sys/io.c: base may not include sys' \
		'common/view/human.c is pure and asks for json_dumpfd' \
		'common/base/path.c is pure and asks for getenv' \
		'common/base/escape.c is pure and asks for' \
		'common/base/sort.c asks for lp_nowhere, which nobody has' \
		'common/base/utf8.c: instructions of the machine' \
		'common/tar/new.c is pure and asks for getpid' \
		'common/tar/calls.c is pure and asks for lp_x8 of common/tar/reads.c, which is not'
	printf 'common/tar/reads.c	world	base sys\n' >>test/lint-rooms
	function_of common/tar/reads.c lp_x8 'return lp_put(s);' '#include "common/sys/io.h"'
	run -0 test/lint purity
}

@test "names: what others see, in objects and in headers; what they do not" {
	function_of common/base/glob.c glob_x 'return 1;'
	end common/sys/tty.c 'int tty_state = 3;'
	function_of cmd/lp-cat.c cat_x 'return 1;'
	end common/base/path.c 'static volatile int lp_mine;\nint lp_path_x(void);\nint lp_path_x(void) { return lp_mine++; }'
	sed -i 's/^#define LP_SYS_TTY_H/&\ntypedef struct { int x; } foo_t;\nenum { FOO_E = 1 };\n#define FOO_M 1\nstruct foo_s { int x; };/' common/sys/tty.h
	cat >common/sys/new.h <<-'END'
	#ifndef LP_NEW_H
	#define LP_NEW_H
	static inline int foo_f(void) { return 1; }
	union foo_u { int x; };
	enum foo_e { LP_NEW_X };
	extern int foo_v;
	extern const int foo_k;
	#endif
	END
	bites names 'common/base/glob.c: glob_x is for others' 'common/sys/tty.c: tty_state is for others' \
		'cmd/lp-cat.c: cat_x is for others' 'common/base/path.c: lp_mine is static, and called lp_' \
		foo_t FOO_E FOO_M foo_s foo_f foo_u foo_e foo_v foo_k
}

@test "headers: stand by themselves, and mean the same" {
	end common/base/glob.h 'int lp_glob_x(struct lp_digest *, uint128_t);'
	printf '#ifndef LP_NEW_H\n#define LP_NEW_H\nenum { LP_OK = 7 };\n#endif\n' >common/sys/new.h
	bites headers common/base/glob.h LP_OK
}

@test "linkage: as the table says: not less, not more, and not otherwise" {
	# shellcheck disable=SC2016 # what make expands
	sed -i 's/^LIBS_lp-merge   = -ljansson/& -lsqlite3/; s/^LIBS_lp-cache .*/& -lz/
		s/ -lseccomp \$(LDLIBS)$/ $(if $(filter lp-tarls lp-layers,$*),-Xlinker --no-as-needed -lzstd) &/' Makefile
	bites linkage 'lp-merge: links jansson seccomp, the table says jansson seccomp sqlite3' \
		'lp-cache: links jansson seccomp sqlite3 zstd, the table says jansson seccomp sqlite3 z zstd' \
		'lp-tarls: links nettle seccomp zstd, the table says nettle seccomp' \
		'lp-layers: links jansson nettle seccomp zstd, the table says jansson nettle seccomp'
	# one that the table lacks, and one that comes by another
	sed -i 's/^LIBS_lp-merge   = -ljansson/LIBS_lp-merge   =/' Makefile
	bites linkage 'json'
}

@test "complete: each program has its page, its tests and its line" {
	cp cmd/lp-cat.c cmd/lp-to.c
	touch man/lp-to.1 test/bats/lp-to.bats
	bites complete 'README.md does not mention lp-to'
	rm man/lp-cat.1
	bites complete 'lp-cat has no man/lp-cat.1'
	rm test/bats/lp-cat.bats
	bites complete 'lp-cat has no test/bats/lp-cat.bats'
}

@test "usage: the table of options, --help, the page and the usage line are one" {
	sed -i 's/{ "source", required_argument/{ "secret", no_argument, NULL, 1 },\n&/; s/"f:Lm:"/"f:Lm:z"/
		s/  -m, --match=GLOB /  -M, --match=GLOB /; s/  -L, --follow /  -L, --follow=X /; /  --tar  /p' cmd/lp-cat.c
	sed -i 's/^\.It Fl f , Fl \\-file/.It Fl F , Fl \\-file/; s/^\.It Fl \\-tar$/&\nx\n&/' man/lp-cat.1
	sed -i 's/{ "engine", required_argument/{ "engine", optional_argument/; s/usage: lp-inflate \[-/&x/; s/\[--format=/[--formed=/' cmd/lp-inflate.c
	bites usage 'lp-cat: --help does not have -- --secret' 'lp-cat: the man page does not have -- --secret' \
		'lp-cat: the man page does not have -z --- ' 'lp-cat: --help has -M --match (one argument), which is not taken' \
		'lp-cat: --help has -L --follow (one argument), which is not taken' 'lp-cat: --help: --tar is there twice' \
		'lp-cat: the man page: --tar is there twice' 'lp-inflate: usage has formed, which is not taken' \
		'lp-cat: the man page has -F --file (one argument), which is not taken' 'lp-cat: usage does not have -- --secret' \
		'lp-inflate: --help does not have -- --engine (maybe argument)' 'lp-inflate: usage is not the SYNOPSIS' \
		'lp-inflate: usage has x, which is not taken'
}

@test "environment: each variable is in a page" {
	end common/sys/tty.c 'const char *lp_tty_x(void);\nconst char *lp_tty_x(void) { return getenv("Secret"); }'
	end common/sys/tty.c 'const char *lp_tty_y(void);\nconst char *lp_tty_y(void) { return env("SECRET"); }'
	end common/view/human.c 'const char *const lp_human_x = "LP_SECRET";'
	sed -i '/LP_SANDBOX/d' man/*.[1-9]
	bites environment 'common/sys/tty.c: Secret: no man page has it' 'common/sys/tty.c: SECRET: no man page has it' \
		'common/view/human.c: LP_SECRET: no man page has it' 'common/sys/sandbox.c: LP_SANDBOX: no man page has it'
}

@test "servers, mandoc, shellcheck, sentences, tree: tables, pages, scripts, machines and secrets; new files too" {
	sed -i 's/\(|[^|]*\.bats *| *\)[^|]*|$/\1no such test |/' test/servers.md
	bites servers 'has no test "no such test"'
	sed -i '/\.bats |/d' test/servers.md
	bites servers ''
	sed -i 's/| *lp-fetch\.bats/| nowhere.bats/' test/servers.md
	bites servers 'test/bats/nowhere.bats has no test'
	printf '.Dd x\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd x\n.Foo x\n' >man/lp-new.1
	bites mandoc 'unknown macro'
	# shellcheck disable=SC2016 # what another shell expands
	printf '#!/bin/sh\necho $1\n' >test/new
	bites shellcheck 'test/new line 2'
	# shellcheck disable=SC2016
	printf 'x() {\n\techo $1\n}\n' >test/lib/new.bash
	bites shellcheck 'test/lib/new.bash line 2'
	end test/bats/lp-cat.bats '@test "x" {\n\tsleep 1 &\n\twait\n}'
	end test/lib/suite.bash 'x() {\n\tif\twait; then :; fi\n}'
	end test/lib/registry.bash 'x() { sleep 1 &\twait; }'
	bites shellcheck test/bats/lp-cat.bats: test/lib/suite.bash: test/lib/registry.bash:
	# shellcheck disable=SC2016
	end test/bats/lp-cat.bats '@test "x" {\n\techo $1\n}'
	bites shellcheck 'test/bats/lp-cat.bats line'
	sed -i 1d common/base/glob.c
	echo '#include "common/base/glob.h"' >common/base/new.c
	bites sentences common/base/{glob,new}.c
	end README.md "see /ho""me/me/x"
	end Makefile "# see /Use""rs/me/x"
	for kind in '' 'RSA ' 'EC '; do
		printf '%s %sPRIVATE KEY\n' '-----BEGIN' "$kind" >"fixtures/new$kind.pem"
	done
	bites tree README.md: Makefile: fixtures/new.pem 'fixtures/newRSA .pem' 'fixtures/newEC .pem'
	mkdir docs
	touch docs/new NOTES.md
	bites tree 'docs: stands at the top' 'NOTES.md: stands at the top'
}

@test "versions: Makefile, both lists of changes and the tag of a release have the same" {
	sed -i 's/^VERSION  = .*/VERSION  = 7.0/' Makefile
	bites versions CHANGELOG.md: debian/changelog:
	git tag v7.0
	bites versions 'v7.0: a tag of a commit whose version is'
	git tag -d v7.0
	git tag "v$(make -s print-VERSION)"
	run -0 test/lint versions
}

# Those that read each file by itself read one here: catches RULE CODE SAID...
catches() {
	local rule=$1 code=$2
	shift 2
	ONLY=common/base/glob.c run -0 test/lint "$rule"
	end common/base/glob.c "$code"
	ONLY=common/base/glob.c bites "$rule" "$@"
	cp common/base/glob.c common/base/new.c
	end common/base/new.c "$code"
	ONLY=common/base/new.c bites "$rule" "$@"
}

@test "the compilers and the readers of code: what they warn of is an error" {
	local unused='static int lp_x(void) { return 1; }' many
	catches gcc "$unused"'\nvoid lp_y(char *p);\nvoid lp_y(char *p) { strcpy(p, "x"); }\nint lp_z(void);
		int lp_z(void) { int *p = malloc(4); return *p; }' unused strcpy
	catches gcc 'int lp_z(void);\nint lp_z(void) { int *p = malloc(4); return *p; }' '.c analyzer-'
	end test/unit/unit.c "$unused"
	ONLY=test/unit/unit.c bites gcc unused
	catches gcc_asan "$unused" unused
	catches clang "$unused" unused
	many='void lp_w(char *p, unsigned u, float x);\nvoid lp_w(char *p, unsigned u, float x) {
		snprintf(p, 9, "%%d", u); for (float f = 0; f < x; f += 0.1f) *p = 1; }'
	catches cppcheck 'int lp_x(int i);\nint lp_x(int i) { int a[2] = { 0, 0 }; if (i) a[2] = 1; return a[0]; }\n'"$many" \
		error: warning:
	# one of each family
	catches clang_tidy 'int lp_x(int i);\nint lp_x(int i) { return i == i; }\nint lp_y(int i);
		int lp_y(int i) { int *p = NULL; if (i) { i = 0; } else { i = 0; } return *p; }\n'"$many" \
		misc-redundant-expression bugprone-branch-clone cert-flp30-c clang-analyzer-core
}
