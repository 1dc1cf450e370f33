#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031 # the inner shells expand it; bats runs each test in a subshell
# lp-cat: one member out of a stream, several as a tar, and out of an indexed
# layer by its chunks alone.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

ZC_DIGEST=sha256:141722b9a4d1542d9b318fd2142a37834d96bf40f853275fd1a0468a2e67773e

setup_file() {
	shipped
	export D=$BATS_FILE_TMPDIR
	tables "$D"
	srv_init "$D/srv"
	mkdir "$D/tree"
	cd "$D/tree" || return
	mkdir -p usr/bin usr/lib etc dev
	printf 'dash\n' >usr/bin/dash
	ln -s dash usr/bin/sh
	ln -s usr/bin bin
	ln usr/bin/dash usr/bin/same
	printf 'NAME=test\n' >usr/lib/os-release
	ln -s ../usr/lib/os-release etc/os-release
	ln -s /usr/lib/os-release etc/absolute
	ln -s ../../../../usr/lib/os-release etc/far
	ln -s loop etc/loop
	ln -s nowhere etc/dangling
	mkfifo dev/fifo
	head -c 300000 /dev/urandom >etc/noise
	# links behind their files here, before them there
	tar --sort=name -cf "$D/t.tar" usr etc dev bin
	tar --sort=name -cf "$D/links-first.tar" bin etc dev usr
}

# ---- the oracle -------------------------------------------------------------------

# members LAYER...: those of each
members() {
	local layer
	for layer; do
		run -0 "$LIB/catcheck" "$layer"
		[[ $output == *' asked for, 0 of them wrong' ]]
	done
}

@test "members of the real image's four layers, as bsdtar writes it" {
	image=$(image_layout)
	# hundreds of runs: of the build that people use, whatever build is being tested
	PATH=$RELEASE:$PATH
	for blob in $(jq -r '.layers[].digest' "$image/blobs/$(jq -r '.manifests[0].digest' "$image/index.json" | tr : /)"); do
		lp-inflate "$image/blobs/${blob/://}" >layer.tar
		members layer.tar
	done
}

@test "members of the three real layers of fixtures/indexed" {
	lp-inflate "$FIX/layer.estargz" >es.tar
	lp-inflate "$FIX/layer.zchunked" >zc.tar
	members "$FIX/layer.tar" es.tar zc.tar
}

# What is installed here of these packages, as tar is told it
installed() {
	dpkg -L "$@" | while IFS= read -r path; do
		[ ! -e "$path" ] && [ ! -L "$path" ] || printf '%s\n' "${path#/}"
	done
}

@test "members of a package's data archive, hard links in it" {
	installed perl-base bsdextrautils zstd >list
	mkdir -p root/DEBIAN
	tar -C / --no-recursion -T list -cf - | tar -C root -xf -
	printf '%s\n' 'Package: sample' 'Version: 1' 'Architecture: amd64' 'Maintainer: nobody <nobody@localhost>' \
	    'Description: what is installed' >root/DEBIAN/control
	dpkg-deb --root-owner-group -Znone --build root sample.deb
	dpkg-deb --fsys-tarfile sample.deb >layer.tar
	[ "$(lp-tarls -q -o mode layer.tar | grep -c '^h')" -ge 1 ]
	PATH=$RELEASE:$PATH members layer.tar
}

@test "members of a Python tree and of the time zones, by Python's tarfile" {
	python3 - layer.tar <<-'PY'
	import os, sys, tarfile
	base = os.path.dirname(os.__file__)
	with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as t:
	    for part in ("json", "email", "asyncio", "/usr/share/zoneinfo/Europe", "/usr/share/zoneinfo/US"):
	        t.add(os.path.normpath(os.path.join(base, part)))
	PY
	[ "$(lp-tarls -q layer.tar | wc -l)" -gt 100 ]
	PATH=$RELEASE:$PATH members layer.tar
}

@test "members of a layer with a file system's image, a database and a file with holes" {
	mkdir -p layer/var/lib tree
	cp -r /usr/share/zoneinfo/America tree
	truncate -s 24M layer/var/lib/disk.img
	mke2fs -q -t ext4 -d tree layer/var/lib/disk.img
	find tree -type f | sqlite3 layer/var/lib/names.db 'create table t(name)' '.import /dev/stdin t'
	cp layer/var/lib/names.db layer/var/lib/grown.db
	truncate -s 8M layer/var/lib/grown.db
	ln layer/var/lib/disk.img layer/var/lib/same.img
	ln -s lib/disk.img layer/var/disk
	tar -C layer -S --format=posix -cf layer.tar .
	# the holes are in it as holes
	[ "$(stat -c %s layer.tar)" -lt 16000000 ]
	members layer.tar
	lp-cat -f layer.tar ./var/lib/disk.img | cmp - layer/var/lib/disk.img
	lp-cat -L -f layer.tar var/disk | cmp - layer/var/lib/disk.img
}

@test "members of sparse files, hard links and symbolic links by GNU tar and bsdtar" {
	mkdir t
	truncate -s 3M t/holes t/empty
	printf middle | dd of=t/holes bs=1 seek=1000000 conv=notrunc status=none
	printf end | dd of=t/holes bs=1 seek=3145725 conv=notrunc status=none
	printf x >t/x
	ln t/x t/y
	ln t/holes t/hard
	ln -s x t/z
	tar -S --format=gnu -cf gnu.tar t
	tar -S --format=posix -cf pax1.tar t
	tar -S --format=posix --sparse-version=0.0 -cf pax00.tar t
	tar -S --format=posix --sparse-version=0.1 -cf pax01.tar t
	bsdtar --format=pax -cf bsd.tar t
	members gnu.tar pax1.tar pax00.tar pax01.tar bsd.tar
	lp-cat -f pax1.tar t/holes | cmp - t/holes
}

# ---- one member of a stream ----------------------------------------------------------

@test "a name in any form, from a file and from a pipe" {
	for name in usr/lib/os-release /usr/lib/os-release ./usr//lib/./os-release; do
		run -0 lp-cat "$name" <"$D/t.tar"
		[ "$output" = NAME=test ]
		run -0 bash -c 'cat "$D/t.tar" | lp-cat "$1"' - "$name"
		[ "$output" = NAME=test ]
	done
	lp-cat -f "$D/t.tar" etc/noise | cmp - "$D/tree/etc/noise"
	lp-cat -f - etc/noise <"$D/t.tar" | cmp - "$D/tree/etc/noise"
}

@test "reading stops behind the member" {
	{
		cat "$D/t.tar"
		head -c 20000000 /dev/zero
	} >long.tar
	lp-cat --stats=stats usr/lib/os-release <long.tar >/dev/null
	[ "$(jq .bytes_decompressed stats)" -lt 20000 ]
	# what comes in front stops as well: yes would go on for ever
	run -0 bash -c '{ cat "$D/t.tar"; yes; } 2>/dev/null | lp-cat usr/lib/os-release'
	[ "$output" = NAME=test ]
}

@test "a hard link is its file: in a file it is gone back for, in a pipe its name is told" {
	run -0 lp-cat -f "$D/t.tar" usr/bin/same
	[ "$output" = dash ]
	run -0 lp-cat usr/bin/same <"$D/t.tar"
	[ "$output" = dash ]
	run -4 --separate-stderr bash -c 'cat "$D/t.tar" | lp-cat usr/bin/same'
	[ -z "$output" ]
	[[ $stderr == *'usr/bin/same, linked to usr/bin/dash: that has passed by'* ]]
}

@test "a file that does not begin at byte 0 is gone back in to where it began" {
	{ printf %512s skipped; cat "$D/t.tar"; } >offset
	run -0 bash -c '{ head -c 512 >/dev/null; lp-cat usr/bin/same; } <offset'
	[ "$output" = dash ]
}

@test "symbolic links: not without -L, then those of directories too" {
	run -4 lp-cat -f "$D/t.tar" etc/os-release
	[[ $output == *'symbolic link (-L follows it)'* ]]
	local name
	for archive in t links-first; do
		for name in etc/os-release etc/absolute etc/far; do
			run -0 lp-cat -L "$name" <"$D/$archive.tar"
			[ "$output" = NAME=test ]
		done
		run -0 lp-cat -L bin/sh <"$D/$archive.tar"
		[ "$output" = dash ]
		run -4 lp-cat -L etc/loop <"$D/$archive.tar"
		[[ $output == *'too many links'* ]]
		run -4 lp-cat -L etc/dangling <"$D/$archive.tar"
		[[ $output == *'linked to etc/nowhere: no such member'* ]]
	done
	run -0 bash -c 'cat "$D/links-first.tar" | lp-cat -L etc/os-release'
	[ "$output" = NAME=test ]
	run -4 bash -c 'cat "$D/t.tar" | lp-cat -L etc/os-release >out'
	run -4 bash -c 'cat "$D/t.tar" | lp-cat -L bin/sh'
	[[ $output == *'linked to usr/bin/sh: not behind the link'* ]]
}

@test "what has no content, and what is not there: exit 4, no byte" {
	for name in etc dev/fifo no/such .; do
		run -4 --separate-stderr lp-cat -f "$D/t.tar" "$name"
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}

@test "a layer that is cut off: before, in and behind the member" {
	head -c 2000 "$D/t.tar" >cut.tar
	run -4 --separate-stderr lp-cat usr/lib/os-release <cut.tar
	[[ $stderr == *'no such member in the part that is here'* ]]
	offset=$(lp-tarls -o name,data_offset "$D/t.tar" | awk '$1 == "etc/noise" { print $2 }')
	head -c $((offset + 1000)) "$D/t.tar" >cut.tar
	run -4 bash -c 'lp-cat etc/noise <cut.tar >out'
	[[ $output == *'1000 of 300000 bytes'* ]]
	cmp out <(head -c 1000 "$D/tree/etc/noise")
	run -0 lp-cat usr/lib/os-release <cut.tar
	[ "$output" = NAME=test ]
}

# ---- several members, as tar -------------------------------------------------------------

@test "--tar: a directory, its blocks exactly as they were" {
	lp-cat --tar usr/lib <"$D/t.tar" >part.tar
	first=$(lp-tarls -o name,header_offset "$D/t.tar" | awk '$1 == "usr/lib/" { print $2 }')
	head -c -1024 part.tar >members
	part "$first" "$(stat -c %s members)" "$D/t.tar" | cmp - members
	[ "$(tail -c 1024 part.tar | tr -d '\0' | wc -c)" -eq 0 ]
	tar -tf part.tar >got
	printf 'usr/lib/\nusr/lib/os-release\n' | cmp - got
}

@test "--tar: all of a layer is the layer, in every dialect" {
	mkdir t
	truncate -s 1M t/holes
	printf x | dd of=t/holes bs=1 seek=500000 conv=notrunc status=none
	touch "t/$(printf 'long%.0s' {1..60})"
	ln -s "$(printf 'long%.0s' {1..60})" t/link
	for how in gnu posix v7 ustar; do
		tar --format=$how -cf all.tar --exclude='long*' --exclude=link t
		lp-cat --tar t <all.tar >got
		cmp <(head -c -1024 got) <(head -c "$(($(stat -c %s got) - 1024))" all.tar)
		[ "$(tar -tf got | wc -l)" -eq "$(tar -tf all.tar | wc -l)" ]
	done
	for how in gnu posix; do
		tar -S --format=$how -cf all.tar t
		lp-cat --tar -m '*' -f all.tar >got
		cmp <(head -c -1024 got) <(head -c "$(($(stat -c %s got) - 1024))" all.tar)
	done
}

@test "--tar: names and patterns together, and what tar makes of it" {
	lp-cat --tar usr/bin/dash etc/far -m '*/os-release' <"$D/t.tar" | tar -tf - >got
	printf '%s\n' usr/bin/dash usr/lib/os-release etc/far etc/os-release | sort >want
	sort got | cmp - want
	mkdir out
	lp-cat -q --tar usr bin <"$D/t.tar" | tar -xf - -C out
	diff -r out/usr "$D/tree/usr"
	[ "$(readlink out/bin)" = usr/bin ]
}

@test "--tar: global headers and labels stay behind, as every reader needs it" {
	tar --format=posix --pax-option=globexthdr.name=g,comment=hello -cf g.tar -C "$D/tree" usr/lib etc
	lp-cat --tar etc/os-release <g.tar | tar -tf - >got
	[ "$(cat got)" = etc/os-release ]
	tar --format=gnu -V label -cf v.tar -C "$D/tree" usr/lib
	lp-cat --tar usr <v.tar | tar -tf - >got
	printf 'usr/lib/\nusr/lib/os-release\n' | cmp - got
}

@test "--tar stops when all names were found, unless more may come" {
	{
		head -c -10240 "$D/t.tar" || :
		yes || :
	} 2>/dev/null | lp-cat --tar usr/lib/os-release | tar -tf - >got
	[ "$(cat got)" = usr/lib/os-release ]
}

@test "--tar: a name that is not there, a link without its file, a cut" {
	run -4 bash -c 'lp-cat --tar usr/lib no/such <"$D/t.tar" >found'
	[[ $output == *'no/such: no such member'* ]]
	tar -tf found | grep -x usr/lib/os-release
	run -4 lp-cat --tar -m 'zzz*' <"$D/t.tar"
	[[ $output == *'no member matches'* ]]
	run -0 bash -c 'lp-cat --tar usr/bin/same <"$D/t.tar" >out'
	[[ $output == *'usr/bin/same is a hard link to usr/bin/dash, which is not among the members'* ]]
	run -4 bash -c 'head -c 3000 "$D/t.tar" | lp-cat --tar usr >out'
	[[ $output == *'not complete: input ends after'* ]]
}

@test "several names, one behind the other, from a file and from a pipe" {
	lp-cat -f "$D/t.tar" usr/lib/os-release etc/noise >got
	cat "$D/tree/usr/lib/os-release" "$D/tree/etc/noise" | cmp - got
	lp-cat -f "$D/t.tar" etc/noise usr/lib/os-release etc/noise >got
	cat "$D/tree/etc/noise" "$D/tree/usr/lib/os-release" "$D/tree/etc/noise" | cmp - got
	tar -tf "$D/t.tar" | grep -xE '(./)?(etc/noise|usr/lib/os-release)' >order
	[ "$(wc -l <order)" -eq 2 ]
	mapfile -t order <order
	lp-cat "${order[@]}" < <(cat "$D/t.tar") >got
	cat "$D/tree/${order[0]}" "$D/tree/${order[1]}" | cmp - got
	# what is not there keeps no other from being written
	run -4 --separate-stderr lp-cat -f "$D/t.tar" no/such usr/lib/os-release etc
	[ "$output" = NAME=test ]
	[ "$(wc -l <<<"$stderr")" -eq 2 ]
	[[ $stderr == *'no/such: no such member'* ]]
	run -4 --separate-stderr bash -c 'cat "$D/t.tar" | lp-cat "$@"' - "${order[1]}" "${order[0]}"
	[[ $stderr == *"${order[0]#./}: no such member"* ]]
}

@test "--rows: the members of rows, by their places, read no further than that" {
	mkdir -p a b
	echo one >a/f
	echo two >b/f
	echo link >a/g
	tar -cf twice.tar -C a f g -C ../b f
	noise twice 3000000 >last
	tar -rf twice.tar last
	lp-tarls -q -H -o name,header_offset twice.tar >all
	{ head -n 1 all; grep '^f' all | tail -n 1; } >rows
	lp-cat --tar --rows rows -f twice.tar >got.tar
	[ "$(tar -tf got.tar)" = f ]
	[ "$(tar -xOf got.tar f)" = two ]
	# of another layer; without a place; and of nothing
	printf 'name\theader_offset\tlayer\nf\t0\t1\ng\t\t2\n' >rows
	lp-cat --tar --rows rows --layer 2 -f twice.tar | tar -tf - >got
	[ "$(cat got)" = g ]
	LP_STATS=stats lp-cat --tar --rows rows --layer 2 -f twice.tar >got
	[ "$(jq .bytes_decompressed stats)" -lt 10000 ]
	printf 'name\theader_offset\nf\t777216\nf\t0\n' >rows
	run -4 bash -c 'lp-cat --tar --rows rows -f twice.tar >got.tar'
	[ "$output" = 'lp-cat: rows: 1 rows are of no member' ]
	[ "$(tar -xOf got.tar f)" = one ]
	printf 'f\t0\n' >rows
	run -1 lp-cat --tar --rows rows -f twice.tar
	# tars behind one another are one
	{ lp-cat --tar --open -f twice.tar g; lp-cat --tar -f twice.tar last; } | tar -tf - >got
	[ "$(paste -sd' ' <got)" = 'g last' ]
}

# ---- an indexed layer ---------------------------------------------------------------------

# each TOC BLOB: all regular files and hard links of the sample, by their chunks
each() {
	lp-toc -q -0 -o mode,name "$1" | grep -zE '^[-h]' | cut -z -f 2- >names
	[ "$(tr -cd '\0' <names | wc -c)" -eq 149 ]
	while IFS= read -rd '' name; do
		lp-cat -q --toc "$1" --source "$2" -- "$name" >got
		# JSON has no byte that is not UTF-8
		lp-cat -q -f "$FIX/layer.tar" -- "${name/$'\xef\xbf\xbd'/$'\xe9'}" >want
		cmp got want
	done <names
}

@test "every file of the samples, out of its chunks" {
	each "$D/es" "$FIX/layer.estargz"
	each "$D/zc" "$FIX/layer.zchunked"
}

@test "chunks that share a gzip member, and a file that is the blob's last" {
	"$LIB/estargz" --inner --chunk 30000 --toc toc.json "$FIX/layer.tar" blob >/dev/null
	for name in ./usr/bin/grep ./etc/passwd ./usr/share/zoneinfo/Europe/Zurich; do
		lp-cat -q --toc toc.json --source "$PWD/blob" $name >got
		[ -s got ]
		lp-cat -f "$FIX/layer.tar" $name | cmp - got
	done
	lp-cat -q --toc "$D/es" --source "$FIX/layer.estargz" usr/share/zoneinfo/Europe/Zurich >got
	lp-cat -f "$FIX/layer.tar" usr/share/zoneinfo/Europe/Zurich | cmp - got
}

@test "--tar of an indexed layer: the members as in its tar, without the bytes between them" {
	local columns=mode,uid,gid,size,mtime,name,linkname,xattrs,uname,gname
	for kind in es:estargz zc:zchunked; do
		# no names of users in the second
		[ $kind = es:estargz ] || columns=${columns%,uname,gname}
		for what in etc usr/share/zoneinfo/Europe .; do
			lp-cat -q --toc "$D/${kind%:*}" --source "$FIX/layer.${kind#*:}" --tar $what >got.tar
			lp-cat -q -f "$FIX/layer.tar" --tar $what >want.tar
			# JSON has no byte that is not UTF-8, and the second no ./ in front
			lp-tarls -q -C -o "$columns" want.tar | sed 's,\\xe9,\xef\xbf\xbd,; s,\t\./,\t,g' | LC_ALL=C sort >want.tsv
			lp-tarls -q -C -o "$columns" got.tar | sed 's,\t\./,\t,g' | LC_ALL=C sort >got.tsv
			grep -q '^-' want.tsv
			diff want.tsv got.tsv
		done
	done
	# each request is one of lp-fetch: those close to one another are one
	LP_STATS=stats lp-cat -q --toc "$D/es" --source "$FIX/layer.estargz" --tar usr/share/zoneinfo/Europe -m etc/passwd >got.tar
	[ "$(jq -r .tool stats | sort | uniq -c | paste -sd' ' | tr -s ' ')" = ' 1 lp-cat 2 lp-fetch' ]
	tar -xOf got.tar ./etc/passwd | cmp - <(lp-cat -f "$FIX/layer.tar" etc/passwd)
	"$LIB/estargz" --inner --chunk 30000 --toc toc.json "$FIX/layer.tar" blob >/dev/null
	lp-cat -q --toc toc.json --source "$PWD/blob" --tar usr >got.tar
	lp-cat -q -f "$FIX/layer.tar" --tar usr >want.tar
	rm -rf got want
	mkdir got want
	tar -C got --delay-directory-restore -xf got.tar 2>/dev/null || true
	tar -C want --delay-directory-restore -xf want.tar 2>/dev/null || true
	[ "$(find want -type f | wc -l)" -gt 50 ]
	diff -r --no-dereference got want
	printf 'name\nusr/bin/grep\n' >rows
	lp-cat -q --toc toc.json --source "$PWD/blob" --tar --rows rows | tar -tf - >got.list
	grep -xE '(./)?usr/bin/grep' got.list
	run -4 lp-cat -q --toc toc.json --source "$PWD/blob" --tar no/such
}

@test "links lead on, before and behind" {
	run -0 lp-cat -q --toc "$D/zc" --source "$FIX/layer.zchunked" -L etc/rc0.d/K01hwclock.sh
	[ "${lines[0]}" = '#!/bin/sh' ]
	lp-cat -q --toc "$D/zc" --source "$FIX/layer.zchunked" usr/bin/grep-hardlink >got
	lp-cat -f "$FIX/layer.tar" usr/bin/grep | cmp - got
	run -4 lp-cat -q --toc "$D/zc" --source "$FIX/layer.zchunked" etc/localtime
	[[ $output == *'symbolic link'* ]]
	run -4 lp-cat -q --toc "$D/zc" --source "$FIX/layer.zchunked" -L etc/localtime
	[[ $output == *'linked to usr/share/zoneinfo/Etc/UTC: no such member'* ]]
}

@test "a table of another digest, and a layer with another content: exit 1 before the byte" {
	run -1 --separate-stderr lp-cat --toc "$D/zc" --digest "${ZC_DIGEST/1417/1418}" --source "$FIX/layer.zchunked" etc/passwd
	[ -z "$output" ]
	run -0 lp-cat --toc "$D/zc" --digest "$ZC_DIGEST" --source "$FIX/layer.zchunked" etc/hostname
	# chunk by chunk: what comes before the bad one is right, what follows is not written
	python3 - "$FIX" <<-'PY'
	import json, subprocess, sys
	blob = open(sys.argv[1] + "/layer.estargz", "rb").read()
	toc = json.loads(subprocess.run(["sh", "-c", 'gzip -dc "$D/es" | tar -xOf - stargz.index.json'],
	    stdout=subprocess.PIPE, check=True).stdout)
	grep = [e for e in toc["entries"] if e["name"] == "./usr/bin/grep"]
	third = grep[2]["chunkDigest"]
	text = json.dumps(toc).replace(third, "sha256:" + "0" * 64)
	open("lie.json", "w").write(text)
	PY
	run -1 --separate-stderr bash -c 'lp-cat -q --toc lie.json --source "$FIX/layer.estargz" usr/bin/grep >out'
	[[ $stderr == *'bytes 131072 to 196607 does not match the digest of the chunk'* ]]
	cmp out <(lp-cat -f "$FIX/layer.tar" usr/bin/grep | head -c 131072)
}

@test "tables that lie about places: exit 1 and a reason, never another file's bytes" {
	python3 - "$FIX" <<-'PY'
	import json, random, subprocess, sys
	r = random.Random(3)
	toc = json.loads(subprocess.run(["zstd", "-dcq"], input=open(sys.argv[1] + "/layer.zchunked", "rb").read()[267606:277829],
	    stdout=subprocess.PIPE, check=True).stdout)
	name = "./etc/passwd"
	entry = next(e for e in toc["entries"] if e["name"] == name)
	good = dict(entry)
	want = subprocess.run(["lp-cat", "-f", sys.argv[1] + "/layer.tar", name], stdout=subprocess.PIPE, check=True).stdout
	assert want
	for key in ("offset", "endOffset", "size", "digest"):
	    for value in (0, 1, 5, 1 << 40, (1 << 63) - 1, good[key] + 1 if key != "digest" else 0, good[key] - 1 if key != "digest" else 1):
	        entry.clear()
	        entry.update(good)
	        entry[key] = value if key != "digest" else "sha256:%064x" % value
	        open("lie.json", "w").write(json.dumps(toc))
	        p = subprocess.run(["lp-cat", "-q", "--toc", "lie.json", "--source", sys.argv[1] + "/layer.zchunked", name],
	            capture_output=True, check=False)
	        # nothing, or (in a chunk too large to be held back) its truth so far; a size of 0 is a file
	        # without content, and nobody fetches that
	        assert p.returncode in (0, 1, 3, 4), (key, value, p)
	        if p.returncode == 0:
	            assert p.stdout == want or (key == "size" and value == 0 and not p.stdout), (key, value, p)
	        else:
	            assert p.stderr and (not p.stdout or value >= 1 << 40 and p.stdout == want), (key, value, p)
	PY
}

@test "lp-fetch's failure is the program's" {
	run -3 lp-cat -q --toc "$D/zc" --source /no/such/file etc/passwd
	[[ $output == *'lp-fetch: '* ]]
	run -2 lp-cat --toc "$D/zc" etc/passwd
}

# ---- from a registry -------------------------------------------------------------------------

fetched() {
	jq -s 'map(.bytes_downloaded // 0) | add' "$1"
}

@test "a 1 KiB file of a large zstd:chunked layer: its own bytes and little more" {
	registry_start zc
	"$LIB"/noisetar big.tar "${LP_TEST_MIB:-40}"
	layout_make layout v1 big.tar
	skopeo --insecure-policy copy --quiet --dest-tls-verify=false --dest-compress-format zstd:chunked \
	    oci:layout:v1 "docker://$(srv_addr zc)/z:1"
	skopeo inspect --raw --tls-verify=false "docker://$(srv_addr zc)/z:1" >m.json
	source=$(srv_addr zc)/z@$(jq -r '.layers[0].digest' m.json)
	IFS=$'\t' read -r range _ digest < <(lp-toc --locate --annotations "$(jq -c '.layers[0].annotations' m.json)")
	lp-fetch -r "$range" "$source" >toc
	before=$(registry_served zc)
	LP_STATS=stats lp-cat --toc toc --digest "$digest" --source "$source" small >got
	lp-cat -f big.tar small | cmp - got
	[ "$(fetched stats)" -lt 102400 ]
	[ "$(fetched stats)" -gt 1000 ]
	[ "$(($(registry_served zc) - before))" -lt 102400 ]
	[ "$(jq -r .tool stats | paste -sd' ')" = 'lp-fetch lp-cat' ]
	srv_stop zc
}

@test "an early file of a large gzip layer: less than 1 MiB" {
	registry_start gz
	"$LIB"/noisetar big.tar "${LP_TEST_MIB:-40}"
	gzip -1 <big.tar >big.gz
	layout_make layout v1 big.gz
	registry_push "$PWD/layout:v1" gz g:1
	skopeo inspect --raw --tls-verify=false "docker://$(srv_addr gz)/g:1" >m.json
	source=$(srv_addr gz)/g@$(jq -r '.layers[0].digest' m.json)
	export LP_STATS=stats
	lp-fetch -a "$source" | lp-inflate | lp-cat data/05/file-00005 >got
	lp-cat -f big.tar data/05/file-00005 | cmp - got
	[ "$(fetched stats)" -lt 1048576 ]
	[ "$(registry_served gz)" -lt 2097152 ]
	srv_stop gz
}

# ---- manners -----------------------------------------------------------------------------------

@test "words that make no sense: exit 2, nothing read" {
	run -2 lp-cat
	run -2 lp-cat ""
	run -2 lp-cat --at 512 a b
	run -2 lp-cat --rows x a
	run -2 lp-cat --open a
	run -2 lp-cat --tar --layer 1 a
	run -2 lp-cat --toc x --source y a b
	run -2 lp-cat -m x
	run -2 lp-cat -m x --tar -L
	run -2 lp-cat --source x a
	run -2 lp-cat --toc x a
	run -2 lp-cat --toc x --source y --whole a
	run -2 lp-cat --digest sha256:00 a
	run -2 lp-cat --fetch=-q a
	run -2 lp-cat --toc x --source y --digest sha256:00 a
}

@test "bad input, a full disk, a closed stdout, a reader that goes away" {
	run -1 lp-cat x </dev/null
	run -1 bash -c 'yes | lp-cat x'
	[[ $output == *'byte 0: '* ]]
	run -1 bash -c 'gzip -c "$D/t.tar" | lp-cat x'
	[[ $output == *'lp-inflate'* ]]
	run -3 lp-cat x <.
	run -3 lp-cat -f no-such x
	run -3 bash -c 'lp-cat usr/lib/os-release <"$D/t.tar" >/dev/full'
	run -0 bash -c 'set -o pipefail; lp-cat etc/noise <"$D/t.tar" | head -c 1 | wc -c'
	run -0 bash -c 'set -o pipefail; lp-cat --tar etc <"$D/t.tar" | head -c 1 | wc -c'
}

@test "little memory, whatever the layer" {
	head -c 200000000 /dev/zero >zeros
	tar -cf big.tar zeros
	gzip -1 <big.tar >big.gz
	lp-inflate big.gz | env time -f %M -o rss "$RELEASE"/lp-cat zeros | cmp - zeros
	[ "$(cat rss)" -lt 4096 ]
	env time -f %M -o rss "$RELEASE"/lp-cat -q --toc "$D/es" --source "$FIX/layer.estargz" usr/bin/grep >/dev/null
	[ "$(cat rss)" -lt 8192 ]
}

@test "locked while it reads" {
	mkfifo in
	"$RELEASE"/lp-cat x <in 2>/dev/null &
	exec 7>in
	printf x >&7
	wait_for grep -q 'Seccomp:.2' /proc/$!/status
	exec 7>&-
	wait $! || :
}
