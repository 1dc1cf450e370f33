#!/usr/bin/env bats
# The toolkit as a tool of the system: tarball, Debian package, completions.

# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file() {
	export COMPLETIONS=$BATS_FILE_TMPDIR/completions
	"$TOP/man/completions/generate" "$LP_BIN" "$COMPLETIONS" 2>"$BATS_FILE_TMPDIR/complaints"
	# the tests of bats must not leak into the makes that are run here
	unset MAKEFLAGS MAKELEVEL MFLAGS
}

# The long options a program's --help names, with = where they take a value.
options_of() {
	"$LP_BIN/$1" --help | grep -oE '^ +(-[A-Za-z0-9], +)?--[a-z0-9-]+=?' | grep -oE -- '--.*' | sort -u
}

programs() {
	local p
	for p in "$LP_BIN"/lp-*; do
		echo "${p##*/}"
	done
}

# What bash offers for a command line; the last word is the one being typed.
bash_offers() {
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$COMPLETIONS/bash/layer-peek"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_lp
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

# What zsh inserts: a real line editor on a pseudo-terminal, a tab, and what the line is then.
zsh_completes() {
	zsh -f -c '
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1= RPS1= ; unsetopt zle_bracketed_paste; fpath=($COMPLETIONS/zsh \$fpath)"
		zpty -w z "autoload -Uz compinit; compinit -u -D; show() { print -r -- \"line<\$BUFFER>\"; zle kill-buffer }"
		zpty -w z "zle -N show; bindkey \"^X\" show; print ready"
		zpty -r -m z out "*ready*ready*"
		zpty -w -n z "$1"$'"'\t\x18'"'
		zpty -r -m z out "*line<*>*"
		zpty -d z
		print -r -- ${${out##*line<}%%>*}' zsh "$1" "$1"
}

@test "every value of every option has its kind in the table" {
	cat "$BATS_FILE_TMPDIR/complaints"
	[ ! -s "$BATS_FILE_TMPDIR/complaints" ]
}

@test "completions are made by the awk of a bare system as by another" {
	for awk in mawk gawk; do
		mkdir $awk
		ln -s "$(command -v $awk)" $awk/awk
		PATH=$PWD/$awk:$PATH "$TOP/man/completions/generate" "$LP_BIN" $awk.made
		diff -r $awk.made "$COMPLETIONS"
	done
}

@test "completions name every option of --help, for each program and shell" {
	for p in $(programs); do
		options_of "$p" >want
		[ -s want ]
		bash_offers "$p" -- | sort -u >bash
		diff want bash
		grep -o -- " -l [a-z0-9-]*" "$COMPLETIONS/fish/$p.fish" | sed 's/ -l /--/' | sort -u >fish
		diff <(tr -d = <want | sort -u) fish
		sed -n "/^$p)/,/;;/p" "$COMPLETIONS/zsh/_lp" | grep -oE -- "'\*--[a-z0-9-]+" | sed "s/'\*//" | sort -u >zsh
		diff <(tr -d = <want | sort -u) zsh
	done
}

@test "bash completes values, files and images" {
	[ "$(bash_offers lp-inflate --engine = z)" = zlib ]
	[ "$(bash_offers lp-inflate --format zs)" = zstd ]
	: >layer.tar.gz
	[ "$(bash_offers lp-inflate lay)" = layer.tar.gz ]
	[ "$(bash_offers lp-inflate -q lay)" = layer.tar.gz ]
}

@test "fish completes options and values" {
	fish -c "source $COMPLETIONS/fish/lp-inflate.fish; complete -C 'lp-inflate --engine='" >got
	cut -f1 got | sort >names
	diff names - <<-'END'
	--engine=isal
	--engine=zlib
	END
	fish -c "source $COMPLETIONS/fish/lp-inflate.fish; complete -C 'lp-inflate --qu'" >got
	grep -q '^--quiet' got
}

@test "zsh completes options and values" {
	[ "$(zsh_completes 'lp-inflate --quie')" = 'lp-inflate --quiet ' ]
	[ "$(zsh_completes 'lp-inflate --engine=z')" = 'lp-inflate --engine=zlib ' ]
}

@test "the tarball builds, installs, and uninstalls what it installed" {
	run -0 make -C "$TOP" distcheck WORK="$BATS_TEST_TMPDIR/work"
}

@test "make install into a DESTDIR: programs run from there, pages and completions are in place, and all goes again" {
	# blanks and quotes are parts of names
	root="$PWD/it's  a \"root\"" usr='/opt/my own'
	(cd "$TOP" && git status --porcelain) >before
	run -0 make -C "$TOP" install DESTDIR="$root" PREFIX="$usr"
	(cd "$TOP" && git status --porcelain) | cmp before -
	for p in $(programs); do
		run -0 "$root$usr/bin/$p" --version
		[ -s "$root$usr/share/man/man1/$p.1" ]
		[ -s "$root$usr/share/bash-completion/completions/$p" ]
		[ -s "$root$usr/share/fish/vendor_completions.d/$p.fish" ]
	done
	[ -s "$root$usr/share/zsh/site-functions/_lp" ]
	run -0 make -C "$TOP" uninstall DESTDIR="$root" PREFIX="$usr"
	[ -z "$(find "$root" ! -type d)" ]
}

@test "the Debian package: lintian has no error, dependencies are there, two builds are the same bytes" {
	DEB_BUILD_OPTIONS=nocheck run -0 make -C "$TOP" deb WORK="$BATS_TEST_TMPDIR/one"
	DEB_BUILD_OPTIONS=nocheck run -0 make -C "$TOP" deb WORK="$BATS_TEST_TMPDIR/second/place"
	cmp one/layer-peek_*.deb second/place/layer-peek_*.deb
	dpkg-deb -f one/layer-peek_*.deb Depends >depends
	for lib in libc6 libcurl4 libseccomp2 libzstd1 zlib1g; do
		grep -q "$lib" depends
	done
	dpkg-deb -x one/layer-peek_*.deb root
	for p in $(programs); do
		run -0 "root/usr/bin/$p" --version
		[ -e "root/usr/share/man/man1/$p.1.gz" ]
	done
}

# unpacked MACHINE: what test/static/bundle packs, with the programs of this build for any machine
unpacked() {
	local name=layer-peek-9-linux-$1
	mkdir -p "$name"/{bin,share/man,licences}
	cp "$LP_BIN"/lp-peek "$name/bin"
	echo "$1" | tee "$name/LICENSE" "$name/licences/zlib" >"$name/sbom.spdx.json"
	tar -czf "$name.tar.gz" "$name"
}

@test "the container image: both platforms, a layer in common, as skopeo and umoci take it, the same bytes twice" {
	unpacked x86_64
	unpacked aarch64
	export SOURCE_DATE_EPOCH=1700000000 XDG_CACHE_HOME=$PWD/cache
	"$TOP/test/static/image" 9 image layer-peek-9-linux-{x86_64,aarch64}.tar.gz
	"$TOP/test/static/image" 9 again layer-peek-9-linux-{x86_64,aarch64}.tar.gz
	diff -r image again
	# by our own programs
	diff <("$LP_BIN/lp-layers" --platforms oci:image:9 | cut -f 1 | sort) <(printf 'linux/%s\n' amd64 arm64)
	for arch in amd64 arm64; do
		"$LP_BIN/lp-layers" -o digest -p $arch oci:image:9 >$arch.layers
		"$LP_BIN/lp-peek" -q -c -p $arch oci:image:9 | cut -f 6 >$arch.names
		"$LP_BIN/lp-peek" -q --cat=licences/zlib -p $arch oci:image:9 >$arch.zlib
	done
	[ "$(cat amd64.layers arm64.layers | sort | uniq -d)" = "$(head -n 1 amd64.layers)" ]
	[ "$(sort -u amd64.layers arm64.layers | wc -l)" = 3 ]
	cmp amd64.names arm64.names
	for name in bin/lp-peek etc/ssl/certs/ca-certificates.crt licences/ca-certificates licences/layer-peek/LICENSE sbom.spdx.json tmp; do
		grep -qxF $name amd64.names
	done
	run ! grep -q share amd64.names
	[ "$(cat amd64.zlib arm64.zlib)" = $'x86_64\naarch64' ]
	# and by those of others, whose digests are those of the layout
	skopeo copy -q --all oci:image:9 oci:copy:9
	[ "$(jq -r '.manifests[].digest' copy/index.json)" = "$(jq -r '.manifests[].digest' image/index.json)" ]
	skopeo copy -q --override-arch arm64 oci:image:9 oci:one:9
	umoci unpack --rootless --image one:9 bundle
	cmp bundle/rootfs/bin/lp-peek "$LP_BIN/lp-peek"
	[ "$(stat -c %a bundle/rootfs/tmp)" = 1777 ]
	jq -e '.process.args == ["/bin/lp-peek"] and .process.user.uid == 65534' bundle/config.json
	openssl storeutl -noout -certs bundle/rootfs/etc/ssl/certs/ca-certificates.crt | grep -q 'Total found: [1-9][0-9]'
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset MAKEFLAGS MAKELEVEL MFLAGS
}
