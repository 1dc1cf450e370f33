#!/usr/bin/env bats
# Our reader of tar beside libarchive's, and beside what Go's made of the same
# archives: every field of every member, or the disagreement is in the list.
#
# ORACLE_COUNT=N    how many random archives (5,000), and mutated ones (20,000) at least

bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	export PATH="${LP_TREE:-$TOP/build/release}/oracle:$TOP/test/oracle:$PATH"
	export COUNT=${ORACLE_COUNT:-5000}
	cd "$BATS_FILE_TMPDIR" || return
	tar-tree tree
}

setup()
{
	judged
	cd "$BATS_FILE_TMPDIR" || return
	T=$BATS_TEST_TMPDIR
}

# alike FILE...: read in one way
alike()
{
	run tardiffer "$@"
	[ -z "$output" ] || printf '%s\n' "$output"
	[ "$status" -eq 0 ] && [ -z "$output" ]
}

# The old formats cannot hold all names: their writers say so, leave those
# members out, and end with an error.
@test "GNU tar: v7, oldgnu, gnu, ustar, posix" {
	for f in v7 oldgnu gnu ustar posix; do
		tar --format=$f -cf "$T/$f.tar" tree -C / dev/null dev/zero 2>"$T/err" || grep -q . "$T/err"
		[ "$(lp-tarls -q "$T/$f.tar" | wc -l)" -gt 50 ]
		alike "$T/$f.tar"
	done
}

@test "GNU tar: large owners" {
	for f in oldgnu gnu posix; do
		tar --format=$f --owner=:4000000000 --group=wheel:5000000 -cf "$T/$f.tar" tree
		lp-tarls -o uid,gid,gname "$T/$f.tar" | sort -u >"$T/owners"
		printf '4000000000\t5000000\twheel\n' | cmp - "$T/owners"
		alike "$T/$f.tar"
	done
}

@test "GNU tar: sparse files, in all versions" {
	for f in oldgnu gnu 'posix --sparse-version=0.0' 'posix --sparse-version=0.1' 'posix --sparse-version=1.0'; do
		# shellcheck disable=SC2086
		tar --format=$f -S --hole-detection=raw -cf "$T/s.tar" tree
		[ "$(stat -c %s "$T/s.tar")" -lt 1000000 ]
		alike "$T/s.tar"
		lp-tarls -o size,name "$T/s.tar" | grep sparse | sort -k2 >"$T/sizes"
		printf '%s\n' $'1048576\ttree/sparse-end' $'1048576\ttree/sparse-hole' $'2686976\ttree/sparse-many' \
			$'1053576\ttree/sparse-start' | cmp - "$T/sizes"
	done
}

@test "GNU tar: attributes, global headers, labels, incremental archives" {
	tar --format=posix --pax-option='SCHILY.xattr.user.x:=1,comment=global' -cf "$T/a.tar" tree
	[ "$(lp-tarls -o xattrs "$T/a.tar" | sort -u)" = user.x=MQ== ]
	tar --format=posix --pax-option='mtime=5' -cf "$T/b.tar" tree
	tar --format=gnu -V label -cf "$T/c.tar" tree
	tar --format=gnu -g "$T/snapshot" -cf "$T/d.tar" tree
	alike "$T"/[a-d].tar
}

@test "bsdtar: v7, ustar, gnutar, pax, restricted pax" {
	for f in v7 ustar gnutar pax paxr; do
		bsdtar --format=$f -cf "$T/$f.tar" tree -C / dev/null 2>"$T/err" || grep -q . "$T/err"
		[ "$(lp-tarls -q "$T/$f.tar" | wc -l)" -gt 40 ]
		alike "$T/$f.tar"
	done
	bsdtar --format=pax --uid 2000000000 --uname "$(printf '\303\274')" -cf "$T/o.tar" tree
	alike "$T/o.tar"
}

@test "busybox tar" {
	busybox tar cf "$T/b.tar" tree
	[ "$(lp-tarls "$T/b.tar" | wc -l)" -gt 60 ]
	alike "$T/b.tar"
}

@test "Python's tarfile: ustar, gnu, pax" {
	for f in ustar gnu pax; do
		tar-tree --python $f tree "$T/$f.tar"
		[ "$(lp-tarls "$T/$f.tar" | wc -l)" -gt 55 ]
		alike "$T/$f.tar"
	done
	lp-tarls -o name,devmajor,devminor "$T/gnu.tar" | grep -F "$(printf 'device-262143-2097151\t262143\t2097151')"
}

# Recorded, with their recipes: test/oracle/writers.
@test "Java's Commons Compress; Go as Docker, BuildKit, Kaniko and Windows use it; Node's tar-stream and tar" {
	local f name columns=mode,uid,gid,size,mtime,name,linkname,uname,gname,devmajor,devminor,xattrs
	for f in "$TOP"/test/oracle/written/*.tar.gz; do
		name=$(basename "$f" .tar.gz)
		gzip -dc "$f" >"$T/$name.tar"
		lp-tarls -E -o $columns "$T/$name.tar" | cmp - "${f%.tar.gz}.rows"
		# what it makes portable has no times: a kind of its own on the list, blank-time
		[ "$name" = node-tar-portable ] || alike "$T/$name.tar"
	done
	[ "$(find "$T" -name '*.tar' | wc -l)" -eq 9 ]
	lp-tarls "$T/go-windows.tar" | cut -f 6 >"$T/names"
	grep -qxF 'Files/Program Files/hello.exe' "$T/names"
	grep -qxF Hives/Software_Delta "$T/names"
	lp-tarls -o xattrs "$T/go-docker.tar" | grep -x security.capability=AQAAAgAgAAAAAAAAAAAAAAAAAAA=
}

@test "whole layers of a real image, through the pipe" {
	local image=${LP_IMAGE:-$TOP/build/image}
	jq -r '.manifests[0].digest' "$image/index.json" >"$T/m"
	jq -r '.layers[].digest' "$image/blobs/sha256/$(cut -d: -f2 "$T/m")" >"$T/layers"
	[ "$(wc -l <"$T/layers")" -ge 3 ]
	while IFS=: read -r _ hex; do
		gzip -dc "$image/blobs/sha256/$hex" >"$T/layer.tar"
		alike "$T/layer.tar"
		# the reading that was compared is the one that comes out of the pipe
		lp-inflate <"$image/blobs/sha256/$hex" | lp-tarls -E >"$T/rows"
		lp-tarls -E "$T/layer.tar" | cmp - "$T/rows"
		tail -n 1 "$T/rows" | grep -F "$(printf '\tcomplete=yes\tbytes=%s\t' "$(stat -c %s "$T/layer.tar")")"
		tardiffer --read "$T/layer.tar" | sed '1d;$d' | cut -d' ' -f3-5 >"$T/read"
		sed '$d' "$T/rows" | awk -F'\t' '{ print $2, $3, $4 }' | cmp - "$T/read"
	done <"$T/layers"
}

@test "the first 64 KiB of a layer: exactly the members whose header is there" {
	local image=${LP_IMAGE:-$TOP/build/image}
	jq -r '.manifests[0].digest' "$image/index.json" >"$T/m"
	jq -r '.layers[].digest' "$image/blobs/sha256/$(cut -d: -f2 "$T/m")" >"$T/layers"
	while IFS=: read -r _ hex; do
		head -c 65536 "$image/blobs/sha256/$hex" >"$T/head"
		lp-inflate -q <"$T/head" | lp-tarls -q >"$T/rows"
		# counted by zlib and tarfile
		python3 - "$T/head" >"$T/k" <<-'END'
			import io, sys, tarfile, zlib
			data = zlib.decompressobj(31).decompress(open(sys.argv[1], "rb").read())
			count, archive = 0, tarfile.open(fileobj=io.BytesIO(data))
			try:
			    while archive.next():
			        count += 1
			except tarfile.ReadError:
			    pass
			print(count)
		END
		[ "$(wc -l <"$T/rows")" -eq "$(<"$T/k")" ]
		[ "$(<"$T/k")" -gt 0 ]
		lp-inflate <"$image/blobs/sha256/$hex" | lp-tarls >"$T/all"
		head -n "$(<"$T/k")" "$T/all" | cmp - "$T/rows"
	done <"$T/layers"
}

@test "a layer cut at random places, through the pipe: a preview each time" {
	tar --format=posix -cf "$T/all.tar" tree
	lp-tarls "$T/all.tar" >"$T/all"
	local size at
	size=$(stat -c %s "$T/all.tar")
	RANDOM=7
	for _ in {1..40}; do
		at=$(((RANDOM * 32768 + RANDOM) % (size - 10240) + 1))
		head -c $at "$T/all.tar" | lp-tarls 2>"$T/err" >"$T/rows"
		grep -q "preview: input ends after $at bytes" "$T/err"
		head -n "$(wc -l <"$T/rows")" "$T/all" | cmp - "$T/rows"
		head -c $at "$T/all.tar" >"$T/cut.tar"
		run -4 lp-tarls -C "$T/cut.tar"
	done
}

@test "random archives that all readers understand: read as libarchive does" {
	run -0 tardiffer --tame 1 "$COUNT"
	[ "$output" = "$COUNT archives, 0 of them read in two ways" ]
}

@test "random archives of any kind, half of them damaged: read as Go does" {
	tardiffer --wild 1 2000 | tardiffer --hash >"$T/ours"
	[ "$(wc -l <"$T/ours")" -eq 2000 ]
	diff "$TOP/test/oracle/go-readings" "$T/ours"
	# more of them than are recorded: no crash, and an end
	tardiffer --wild 1 "$COUNT" | grep -c '^==' | grep -x "$COUNT"
}

# Made of what all understand, and bytes changed in it.
@test "20,000 mutated archives: each disagreement with libarchive is of a kind that is on the list" {
	tardiffer --mutated 1 "$((COUNT > 20000 ? COUNT : 20000))" >"$T/tally" || cat "$T/tally"
	tail -n 1 "$T/tally" | grep ' 0 of them read in two ways for no known reason$'
	sed '$d' "$T/tally" | cut -f 2 | sort >"$T/reasons"
	[ "$(wc -l <"$T/reasons")" -gt 20 ]
	sed -n 's/^== //p' "$TOP/test/oracle/differences" | sort | comm -13 - "$T/reasons" >"$T/unlisted"
	run ! grep . "$T/unlisted"
}

@test "20,000 mutated archives: read as Go does" {
	tardiffer --read-mutated 1 20000 | tardiffer --hash | sha256sum | cmp - "$TOP/test/oracle/go-mutated"
}

@test "the list of differences: each one is as it says, and is one" {
	mkdir "$T/listed"
	mktar --split "$T/listed" <"$TOP/test/oracle/differences"
	[ "$(find "$T/listed" -type f | wc -l)" -eq "$(grep -c '^== ' "$TOP/test/oracle/differences")" ]
	for f in "$T/listed"/*; do
		awk -v name="${f##*/}" '/^== / { on = $2 == name } on && /^#> /' "$TOP/test/oracle/differences" |
			cut -c 4- >"$T/said"
		tardiffer "$f" >"$T/found" || :
		diff "$T/said" "$T/found"
		[ -s "$T/said" ]
	done
}
