#!/usr/bin/env bats
# Setting up: the packages, and the real image that the other tests look at.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup()
{
	own_folder
	LAYOUT=$(image_layout)
}

@test "deps: lists, and leaves alone a machine that has everything" {
	deps=$LIB/deps
	"$deps" --list >all
	"$deps" --list build >first
	"$deps" --list test >rest
	"$deps" --list bench >measuring
	"$deps" --list runtimes >recording
	"$deps" --list kernels >booting
	"$deps" --list static >linking
	cat first rest measuring recording booting linking | cmp - all
	grep -qx gcc first
	grep -qx bats rest
	grep -qx containerd recording
	[ -z "$(sort all | uniq -d)" ]
	run -2 "$deps" nonsense
	run -2 "$deps" build test
	strace -f -o trace -e trace=execve,socket "$deps" 2>said
	[ ! -s said ]
	grep -q dpkg-query trace
	run ! grep -E 'apt-get|AF_INET' trace
}

@test "deps: a package that is not there is asked of apt-get" {
	mkdir bin
	sed 's/^	gcc libc6-dev/	no-such-package gcc libc6-dev/' \
	    "$LIB/deps" >deps
	cat >bin/apt-get <<-'SH'
	#!/bin/sh
	echo "apt-get $*" >>calls
	SH
	printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
	printf '#!/bin/sh\necho "policy $*" >>calls\n' >bin/chmod
	cp bin/chmod bin/rm
	# it must take its input: a writer that finds it gone dies of SIGPIPE
	{ cat bin/chmod; echo 'cat >/dev/null'; } >bin/tee
	/bin/chmod +x bin/* deps
	# Nothing is really installed: it must not believe that.
	PATH=$PWD/bin:$PATH run -3 ./deps build
	[[ $output = *'installing no-such-package'* ]]
	[[ $output = *'still missing: no-such-package'* ]]
	grep -q '^apt-get .*update' calls
	grep -q '^apt-get .*install .* no-such-package$' calls
}

@test "build-image: leaves an image alone, and refuses what is none" {
	find "$LAYOUT" -printf '%p %s %T@\n' >before
	run -0 "$TOP/fixtures/build-image" "$LAYOUT"
	[ -z "$output" ]
	find "$LAYOUT" -printf '%p %s %T@\n' | cmp - before
	mkdir busy
	: >busy/file
	run -1 "$TOP/fixtures/build-image" busy
	[[ $output = *'no image'* ]]
	run -2 "$TOP/fixtures/build-image"
}

@test "the real image: four layers, and every kind of change in them" {
	MANIFEST=$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")
	config=$(jq -r .config.digest "$LAYOUT/blobs/sha256/${MANIFEST#sha256:}")
	[ "$(jq -c '[.history[] | .empty_layer // false]' \
	    "$LAYOUT/blobs/sha256/${config#sha256:}")" = \
	    '[false,false,false,false,true]' ]
	jq -r '.layers[].digest[7:]' \
	    "$LAYOUT/blobs/sha256/${MANIFEST#sha256:}" >layers
	[ "$(wc -l <layers)" = 4 ]
	n=0
	while read -r digest; do
		n=$((n + 1))
		[ "$(sha256sum <"$LAYOUT/blobs/sha256/$digest")" = "$digest  -" ]
		tar tvzf "$LAYOUT/blobs/sha256/$digest" >"rows.$n"
	done <layers
	[ "$(wc -l <rows.1)" -gt 5000 ]
	[ "$(wc -l <rows.2)" -gt 1000 ]
	grep -q '^-rwsr-xr-x.* usr/bin/passwd$' rows.1
	run ! grep -hE ' (etc/(resolv.conf|hostname|apt/sources.list)|var/lib/apt/lists/.+|var/cache/apt/.+|var/log/[^ ]+[^/])$' rows.1 rows.2 rows.3
	for type in - d l h c p; do
		grep -q "^$type" rows.3
	done
	[ "$(grep -c '/\.wh\.' rows.3)" -ge 8 ]
	grep -q 'etc/nginx/snippets/\.wh\.\.wh\.\.opq$' rows.4
}
