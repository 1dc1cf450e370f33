# layer peek: GNU make, one file, no recursion into folders.
#
#   make            the programs, in build/release/bin
#   make demo       install what is missing, build, list the recorded image, offline
#   make check      install what is missing, build, run all tests
#   make lint       the walls of the house, static analysis, man pages, scripts
#   make STATIC=1   programs that need no library of the machine, in build/static/bin
#   make help       the other targets

VERSION  = 0.1.0
PREFIX  ?= /usr/local
BINDIR   = $(PREFIX)/bin
MANDIR   = $(PREFIX)/share/man
BASHDIR  = $(PREFIX)/share/bash-completion/completions
ZSHDIR   = $(PREFIX)/share/zsh/site-functions
FISHDIR  = $(PREFIX)/share/fish/vendor_completions.d
# STATIC=1 is for this machine, or for the one that MACHINE names: x86_64, aarch64
THIS    := $(shell uname -m)
MACHINE ?= $(THIS)
CROSS   := $(filter-out $(THIS),$(MACHINE))
FLAVOUR ?= $(if $(STATIC),static$(CROSS:%=-%),release)
# where test/static/libraries has put what it links
STATIC_PREFIX ?= build/musl$(CROSS:%=-%)
JOBS    ?= $(shell nproc)
O       := build/$(FLAVOUR)

# ---- which program links which library (all of them: libseccomp) -----------
LIBS_lp-fetch   = $(CURL) -ljansson -lnettle
LIBS_lp-layers  = $(CURL) -ljansson -lnettle
LIBS_lp-tarls   = -lnettle
LIBS_lp-inflate = $(ISAL) -lz -lzstd
LIBS_lp-cat     = $(LIBS_lp-inflate) -ljansson -lnettle
LIBS_lp-cache   = -lsqlite3 -ljansson -lzstd
LIBS_lp-merge   = -ljansson
LIBS_lp-packages = -lsqlite3 -ljansson
LIBS_lp-toc     = $(LIBS_lp-inflate) -ljansson -lnettle
LIBS_lp-peek    = -ljansson -lnettle
LIBS_lp-show    = -lz -ljansson
LIBS_tests      = $(CURL) $(ISAL) -lz -lzstd -ljansson -lnettle -lsqlite3
# libcurl is loaded when it is needed, but where nothing can be loaded
CURL            = $(if $(filter static%,$(FLAVOUR)),-lcurl -lnghttp2 -lssl -lcrypto -lz)
LIBS_oracle     = -larchive -lz -ljansson

# ---- flavours: one tree each below build/ -----------------------------------
WARN = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
       -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Walloca
FLAGS_release  = -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS_release = -pie -Wl,-z,relro,-z,now
FLAGS_asan     = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -Werror \
                 -fno-sanitize-recover=all -DLP_NO_LOCK -ftrivial-auto-var-init=pattern
FLAGS_valgrind = -O1 -g -DLP_NO_LOCK
FLAGS_fuzz     = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
                 -DLP_NO_LOCK -DLP_BUF_FIRST_CAP=1
FLAGS_static   = $(filter-out -fPIE,$(FLAGS_release)) -DLP_STATIC
INCLUDE_static = -isystem $(STATIC_PREFIX)/include
LDFLAGS_static = -static -Wl,-z,relro -L$(STATIC_PREFIX)/lib
CC_static      = $(STATIC_PREFIX)/bin/musl-gcc
$(foreach v,FLAGS INCLUDE LDFLAGS CC,$(eval $(v)_static-$(CROSS) = $$($(v)_static)))
FLAGS_lint-clang = $(FLAGS_release) -Werror
# two have no objects of their own, but link those of another: what is made to fail, and the release
# where valgrind counts it
OF_fault       = asan
FLAGS_fault    = $(FLAGS_asan)
OF_count       = release
FLAGS_count    = $(FLAGS_release)
LDFLAGS_count  = $(LDFLAGS_release)
OBJ           := $(if $(OF_$(FLAVOUR)),build/$(OF_$(FLAVOUR)),$(O))
CC_fuzz        = clang
CC_lint-clang  = clang
ifneq ($(CC_$(FLAVOUR)),)
CC := $(CC_$(FLAVOUR))
endif
# the libraries of STATIC=1 are built first, once; make reads all this again then, and finds ISA-L among them
ifeq ($(if $(filter static%,$(FLAVOUR)),static)$(filter clean help print-%,$(MAKECMDGOALS)),static)
include $(STATIC_PREFIX)/done
endif

# ISA-L, the faster of the two deflate decoders, where the compiler finds it; `make ISAL=` does without
ISAL := $(shell echo 'int main(void) { return 0; }' | $(CC) $(INCLUDE_$(FLAVOUR)) $(CPPFLAGS) $(CFLAGS) \
                -include isa-l/igzip_lib.h -x c - -o /dev/null $(LDFLAGS_$(FLAVOUR)) $(LDFLAGS) -lisal 2>/dev/null && echo -lisal)

LP_CPPFLAGS = -iquote . $(INCLUDE_$(FLAVOUR)) -include common/base/banned.h -D_GNU_SOURCE -DLP_VERSION='"$(VERSION)"' \
              $(if $(ISAL),-DLP_WITH_ISAL)
LP_CFLAGS   = -std=c11 $(WARN) $(FLAGS_$(FLAVOUR))
COMPILE     = $(CC) $(LP_CPPFLAGS) $(CPPFLAGS) $(LP_CFLAGS) $(CFLAGS) -MMD -MP
LINK        = $(CC) $(LP_CFLAGS) $(CFLAGS) $(LDFLAGS_$(FLAVOUR)) $(WRAPPED:%=-Wl,--wrap=%) $(LDFLAGS) -Wl,--as-needed

# what can fail is made to fail: test/fault/wrap.c
ifeq ($(FLAVOUR),fault)
WRAP    = $(OBJ)/test/fault/wrap.o
WRAPPED = malloc calloc realloc read pread write sendfile
all: $(O)/preload.so
endif
# but for its lock
ifeq ($(FLAVOUR),count)
WRAP    = $(O)/common/sys/sandbox.o
endif
# in bin/ are launchers
ifeq ($(FLAVOUR),valgrind)
LAUNCH  = test/memcheck/run
endif

# what is done, a line each; V=1 shows the commands
say   = $(if $(V),,@echo '  $(1)	$@';)
# one word of the shell, whatever is in it
quote = '$(subst ','\'',$(1))'

# ---- what there is ----------------------------------------------------------
PROGRAMS := $(patsubst cmd/%.c,%,$(wildcard cmd/lp-*.c))
COMMON   := $(patsubst %.c,$(OBJ)/%.o,$(filter-out $(if $(ISAL),,%_isal.c),$(wildcard common/*/*.c)))
# what only one program uses: cmd/x/ is of cmd/lp-x.c
own       = $(patsubst %.c,$(OBJ)/%.o,$(wildcard cmd/$(1:lp-%=%)/*.c))
OWN      := $(foreach p,$(PROGRAMS),$(call own,$p))
UNIT     := $(patsubst test/unit/%.c,$(O)/unit/%,$(wildcard test/unit/test_*.c))
FUZZ     := $(patsubst test/fuzz/%.c,$(O)/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
ORACLE   := $(patsubst test/oracle/%.c,$(O)/oracle/%,$(wildcard test/oracle/*.c))
MANPAGES := $(wildcard man/*.[1-9])

.PHONY: all test check check-unit check-asan check-asan-unit check-valgrind check-valgrind-unit lint bench fuzz demo deps install \
        check-arches check-runtimes check-runtimes-few check-kernels check-distros check-static mutate uninstall completions dist dist-binary image distcheck deb clean help objects tests FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAMS:%=$(O)/bin/%)
$(STATIC_PREFIX)/done:
	test/lib/deps static
	env -u MAKEFLAGS -u MAKELEVEL test/static/libraries $(STATIC_PREFIX) $(MACHINE)
tests: all $(O)/landlock.so $(O)/without $(UNIT) $(FUZZ) $(ORACLE)
objects: $(COMMON) $(OWN) $(PROGRAMS:%=$(OBJ)/cmd/%.o)

# How objects, archives and programs are made: files that are written only where it has changed, and what was
# made otherwise is made again (other flags, another VERSION, ISA-L that came, a source that went).
HOW_compile := $(COMPILE)
HOW_archive := $(COMMON) $(OWN)
HOW_link    := $(LINK) $(foreach p,$(PROGRAMS) tests oracle,$(p): $(LIBS_$(p))) $(LDLIBS)
ifneq ($(HOW_compile),$(file <$(OBJ)/how-to-compile))
$(OBJ)/how-to-compile: FORCE
endif
ifneq ($(HOW_archive),$(file <$(OBJ)/how-to-archive))
$(OBJ)/how-to-archive: FORCE
endif
ifneq ($(HOW_link),$(file <$(O)/how-to-link))
$(O)/how-to-link: FORCE
endif
define HOW
$(1)/how-to-%:
	@mkdir -p $$(@D)
	$$(call say,HOW)printf '%s\n' $$(call quote,$$(HOW_$$*)) >$$@
	$$(if $$(filter compile,$$*),@echo '  	deflate is decoded by $(if $(ISAL),ISA-L and zlib,zlib alone: ISA-L was not found)')
endef
$(foreach d,$(sort $(O) $(OBJ)),$(eval $(call HOW,$d)))

$(OBJ)/%.o: %.c $(OBJ)/how-to-compile
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) -c -o $@ $<
ifeq ($(FLAVOUR),count)
$(O)/%.o: %.c $(OBJ)/how-to-compile
	@mkdir -p $(@D)
	$(call say,CC)$(COMPILE) -DLP_NO_LOCK -c -o $@ $<
endif

# what the assembler reads
$(OBJ)/cmd/show/page.o: cmd/show/page.html

$(OBJ)/liblp.a: $(COMMON)
$(OBJ)/libown.a: $(OWN)
$(OBJ)/lib%.a: $(OBJ)/how-to-archive
	@rm -f $@
	$(call say,AR)$(AR) qcs $@ $(filter %.o,$^)

# what of the prerequisites is linked; the archives of whatever is no program
linked    = $(filter %.o,$^) $(filter %.a,$^)
LIBRARIES = $(OBJ)/libown.a $(OBJ)/liblp.a $(O)/how-to-link
REAL = $(O)/$(if $(LAUNCH),real,bin)
$(foreach p,$(PROGRAMS),$(eval $(REAL)/$p: $(call own,$p)))
$(REAL)/%: $(OBJ)/cmd/%.o $(WRAP) $(OBJ)/liblp.a $(O)/how-to-link
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) -o $@ $(linked) $(LIBS_$*) -lseccomp $(LDLIBS)
ifneq ($(LAUNCH),)
$(O)/bin/%: $(O)/real/% $(LAUNCH)
	@mkdir -p $(@D)
	$(call say,SCRIPT)printf '#!/bin/sh\nexec %s %s %s "$$@"\n' $(abspath $(LAUNCH) $(O) $<) >$@ && chmod +x $@
endif

$(O)/unit/%: $(OBJ)/test/unit/%.o $(OBJ)/test/unit/unit.o $(WRAP) $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) -o $@ $(linked) $(LIBS_tests) -lseccomp $(LDLIBS)

# for the programs as they are shipped, so without what this flavour is compiled with
$(O)/preload.so: test/fault/preload.c $(OBJ)/how-to-compile
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(LP_CPPFLAGS) -std=c11 $(WARN) -O2 -fPIC -shared -o $@ $< -ldl

# the programs as on an older kernel: with their own preloaded rules of Landlock, and without the calls named
$(O)/landlock.so: test/kernel/landlock.c $(OBJ)/how-to-compile
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(LP_CPPFLAGS) -std=c11 $(WARN) -O2 -fPIC -shared -o $@ $< -ldl

$(O)/without: test/kernel/without.c $(OBJ)/how-to-compile
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(LP_CPPFLAGS) -std=c11 $(WARN) -O2 -o $@ $< -lseccomp

# with the fuzzer's own main where the fuzzer is, with a replaying one elsewhere
FUZZ_MAIN   = $(if $(filter fuzz,$(FLAVOUR)),,$(OBJ)/test/fuzz/replay.o)
FUZZ_ENGINE = $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer)
$(O)/fuzz/%: $(OBJ)/test/fuzz/%.o $(FUZZ_MAIN) $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) $(FUZZ_ENGINE) -o $@ $(linked) $(LIBS_tests) -lseccomp $(LDLIBS)

$(O)/oracle/%: $(OBJ)/test/oracle/%.o $(LIBRARIES)
	@mkdir -p $(@D)
	$(call say,LINK)$(LINK) -o $@ $(linked) $(LIBS_oracle) -lseccomp $(LDLIBS)

# a real image, by debootstrap, apt and umoci: a minute, once
build/image:
	fixtures/build-image $@

# ---- what can be done -------------------------------------------------------
deps:
	test/lib/deps build
# deps first, then make again: what they bring decides what can be built
check:
	test/lib/deps test
	$(MAKE) -j$(JOBS) tests build/image
	$(MAKE) -j$(JOBS) FLAVOUR=fault all
	$(MAKE) -j$(JOBS) FLAVOUR=count all build/count/unit/test_growth
	test/run $(if $(T),-t $(T)) $(O)
# what runs anywhere: nothing is installed, no server and no root
test: all $(UNIT) $(FUZZ)
	test/run --alone $(if $(T),-t $(T)) $(O)
check-unit: $(UNIT) $(FUZZ)
	test/run --unit $(if $(T),-t $(T)) $(O)
check-asan-unit:
	test/lib/deps test
	$(MAKE) -j$(JOBS) FLAVOUR=asan tests
	test/run --unit build/asan
check-asan:
	test/lib/deps test
	$(MAKE) -j$(JOBS) FLAVOUR=asan tests build/image
	$(MAKE) -j$(JOBS) FLAVOUR=fault all
	test/run build/asan
check-valgrind:
	test/lib/deps test
	$(MAKE) -j$(JOBS) FLAVOUR=valgrind tests build/image
	$(MAKE) -j$(JOBS) FLAVOUR=fault all
	test/run build/valgrind
check-valgrind-unit:
	test/lib/deps test
	$(MAKE) -j$(JOBS) FLAVOUR=valgrind tests
	test/run --unit build/valgrind
# root and overlayfs: the recorded readings of containerd, Docker and podman, afresh; what --check says of all of them,
# and of what builders write
check-runtimes: all
	test/lib/deps runtimes
	test/oracle/runtimes/record --check
	LP_BIN=$(abspath $(O)/bin) test/oracle/runtimes/compare --findings
	LP_BIN=$(abspath $(O)/bin) test/oracle/runtimes/built --all
# as root: 64-bit Arm and s390x, which is big-endian, cross-built and run by qemu-user
check-arches:
	test/lib/deps test
	$(MAKE) -j$(JOBS) all
	test/arches/run
# a few of the readings, afresh: half a minute
check-runtimes-few:
	test/lib/deps runtimes
	test/oracle/runtimes/record --check a1 a2 a3 a4 a5 b7 b9-empty c-typeflag-7 c-link-lower e-tmp
# real kernels of other ages, in emulated machines
check-kernels:
	test/lib/deps kernels
	$(MAKE) -j$(JOBS) FLAVOUR=release tests build/image
	test/kernel/check build/kernels
# root: the last commit in roots of Debian 13 and sid; T=README: what README.md has one type, in bare roots of 12 and 13
check-distros:
	test/lib/deps test
	$(if $(filter README,$(T)),test/distros/readme,test/distros/check $(if $(T),-t $(T)))
# the programs of STATIC=1 under their locks
check-static: build/image
	test/lib/deps static
	$(MAKE) -j$(JOBS) STATIC=1 all $(patsubst $(O)/%,build/static/%,$(UNIT) $(FUZZ))
	test/static/check build/static $(T)
# the tests tested: what breaks a parser is noticed
mutate:
	test/lib/deps test
	$(MAKE) -j$(JOBS) tests
	$(MAKE) -j$(JOBS) FLAVOUR=asan tests
	test/mutate
lint:
	test/lib/deps test
	test/lint
bench: all
	test/lib/deps bench
	$(MAKE) -j$(JOBS) FLAVOUR=count all
	test/bench/run $(O)
	test/bench/plot $(O)
	test/bench/far $(O)
	test/bench/page $(O)
demo:
	test/lib/deps build
	$(MAKE) -j$(JOBS) all
	fixtures/demo $(O)/bin build/demo.html
FUZZTIME ?= 60
fuzz:
	$(MAKE) FLAVOUR=fuzz $(patsubst $(O)/%,build/fuzz/%,$(FUZZ))
	test/fuzz/run $(FUZZTIME)

# made by the programs' own --help, where they run
completions: all
	$(if $(CROSS),$(MAKE) FLAVOUR=release all)
	man/completions/generate $(if $(CROSS),build/release,$(O))/bin $(O)/completions
# a folder as a word of the shell: blanks and quotes are parts of its name
to = $(call quote,$(DESTDIR)$($(1)))
install: all completions
	install -d $(foreach d,BINDIR BASHDIR ZSHDIR FISHDIR,$(call to,$(d)))
	install -m 755 $(PROGRAMS:%=$(O)/bin/%) $(call to,BINDIR)
	for m in $(MANPAGES); do install -D -m 644 $$m $(call to,MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done
	install -m 644 $(O)/completions/bash/layer-peek $(call to,BASHDIR)
	for p in $(PROGRAMS); do ln -sf layer-peek $(call to,BASHDIR)/$$p || exit 1; done
	install -m 644 $(O)/completions/zsh/_lp $(call to,ZSHDIR)
	install -m 644 $(PROGRAMS:%=$(O)/completions/fish/%.fish) $(call to,FISHDIR)
uninstall:
	rm -f $(PROGRAMS:%=$(call to,BINDIR)/%) $(PROGRAMS:%=$(call to,FISHDIR)/%.fish)
	rm -f $(addprefix $(call to,BASHDIR)/,layer-peek $(PROGRAMS)) $(call to,ZSHDIR)/_lp
	for m in $(MANPAGES); do rm -f $(call to,MANDIR)/man$${m##*.}/$${m##*/}; done

# ---- to be given away ---------------------------------------------------------
DIST = layer-peek-$(VERSION)
# where distcheck and deb work: another place makes a second, independent build
WORK ?= build/$@
unpack = rm -rf $(WORK) && mkdir -p $(WORK) && tar -xzf build/$(DIST).tar.gz -C $(WORK)

# the last commit, the same bytes each time
dist:
	@mkdir -p build
	git archive --format=tar --prefix=$(DIST)/ HEAD | gzip -9n >build/$(DIST).tar.gz
# what a packager does with the tarball, and then everything back
distcheck: dist
	$(unpack)
	$(MAKE) -C $(WORK)/$(DIST) check-unit
	$(MAKE) -C $(WORK)/$(DIST) install DESTDIR=$(abspath $(WORK))/root
	for p in $(WORK)/root$(BINDIR)/lp-*; do $$p --version || exit 1; done
	$(MAKE) -C $(WORK)/$(DIST) uninstall DESTDIR=$(abspath $(WORK))/root
	! find $(WORK)/root ! -type d | grep .
# a Debian package of the last commit; it is dated by its changelog, so two builds are the same bytes
deb: dist
	$(unpack)
	cd $(WORK)/$(DIST) && env -u MAKEFLAGS -u MAKELEVEL -u WORK dpkg-buildpackage -b -us -uc
	lintian --fail-on error --allow-root $(WORK)/*.changes
# programs that run where nothing is installed, with their pages, what is linked and on what terms: the same bytes each time
binary = build/$(DIST)-linux-$(1).tar.gz
dist-binary:
	test/lib/deps static
	$(MAKE) -j$(JOBS) STATIC=1 all
	test/static/bundle build/static$(CROSS:%=-%) $(abspath $(STATIC_PREFIX)) $(VERSION) $(call binary,$(MACHINE))
# a container image of them for both machines, as an OCI layout; no daemon has a part in it
image:
	for m in x86_64 aarch64; do $(MAKE) dist-binary MACHINE=$$m || exit 1; done
	test/static/image $(VERSION) build/$(DIST)-image $(call binary,x86_64) $(call binary,aarch64)
clean:
	rm -rf build
help:
	@sed -n 's/^#   //p' Makefile
	@echo 'make deps | test [T=SUBJECT] | check [T=SUBJECT] | check-unit | check-asan | check-valgrind | check-arches | check-runtimes | check-kernels | check-distros [T=SUBJECT] | check-static [T=SUBJECT] | mutate | bench | fuzz [FUZZTIME=SECONDS]'
	@echo 'make install | uninstall [PREFIX=$(PREFIX)] [DESTDIR=] | dist | dist-binary [MACHINE=aarch64] | image | distcheck | deb | clean'
print-%:
	@:$(info $($*))

-include $(shell find $(sort $(O) $(OBJ)) -name '*.d' 2>/dev/null)
