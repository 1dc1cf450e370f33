#!/usr/bin/env bats
# The store: read through, offline, promotion, corruption, kills, its bound.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts in quotes; each test is a process, and means to be; run's variables

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	for n in 1 2 3 4; do
		mkdir -p "tree$n"
		noise "$n" 2000000 >"tree$n/file"
		tar --owner=0 --group=0 --mtime=@0 -cf - "tree$n" | gzip -n >"l$n.tar"
	done
	layout_make lay app:1 l1.tar l2.tar l3.tar l4.tar
	registry_start reg
	registry_push "$PWD/lay:app:1" reg app:1
}

setup()
{
	own_folder
	export IN=$BATS_FILE_TMPDIR BLOB=$BATS_FILE_TMPDIR/l1.tar
	HEX=$(sha256sum <"$BLOB" | cut -c1-64)
	SIZE=$(stat -c %s "$BLOB")
	ORIGIN=$(srv_addr reg)/app
	SOURCE=$ORIGIN@sha256:$HEX
}

# flip FILE OFFSET: another byte there
flip()
{
	chmod u+w "$1"
	printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

sources()
{
	lp-layers -o source "$(srv_addr reg)/app:1"
}

# bats test_tags=native
@test "what is kept is used, what is missing is fetched and kept, offline opens no socket" {
	gets 0 65536 -S st --stats s1 "$SOURCE"
	[ "$(jq .bytes_downloaded s1)" -eq 65536 ]
	[ -f "$(ranges_of st "$ORIGIN" "$HEX")/0-65535" ]
	gets 0 100000 -S st -n 100000 --stats s2 "$SOURCE"
	[ "$(jq .bytes_downloaded s2)" -eq $((100000 - 65536)) ]
	gets 500 1000 -O -S st -r 500-1499 "$SOURCE"
	# LeakSanitizer does not run under strace
	run -0 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=socket,connect -o calls lp-fetch -O -S st "$SOURCE"
	[ ! -s calls ]
	run -4 --separate-stderr lp-fetch -O -S st -n 200000 "$SOURCE"
	[[ $stderr == *'bytes 100000-199999 are not in the store'* ]]
	# a gap between two ranges, and no more than it
	gets 150000 50000 -S st -r 150000-199999 "$SOURCE"
	gets 0 200000 -S st -n 200000 --stats s3 "$SOURCE"
	[ "$(jq .bytes_downloaded s3)" -eq 50000 ]
}

@test "ranges that cover a blob become it, and a complete store is read by skopeo" {
	gets 1000 "$((SIZE - 1000))" -S st -r 1000- "$SOURCE"
	gets 0 1000 -S st -n 1000 "$SOURCE"
	cmp "$BLOB" "st/blobs/sha256/$HEX"
	[ ! -e "st/ranges/sha256/$HEX" ]
	gets 0 "$SIZE" -O -S st -a "$SOURCE"
	lp-layers -S st "$(srv_addr reg)/app:1" >rows
	run -0 lp-fetch --fill -a -S st < <(cut -f1,2 rows)
	skopeo --insecure-policy copy -q "oci:st:$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' st/index.json)" oci:copy:1
	cmp "$BLOB" "copy/blobs/sha256/$HEX"
}

@test "a layout written by skopeo is a store as it stands" {
	skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$(srv_addr reg)/app:1" oci:sk:app:1
	gets 0 65536 -O -S sk "$SOURCE"
	gets 0 "$SIZE" -a "oci:sk@sha256:$HEX"
	gets "$((SIZE - 10))" 10 -S sk -r -10 "$SOURCE"
}

@test "a corrupted range is fetched again, and is exit 1 offline" {
	gets 0 600000 -S st -n 600000 "$SOURCE"
	flip "$(ranges_of st "$ORIGIN" "$HEX")/0-599999" 300000
	run -1 --separate-stderr bash -c 'lp-fetch -O -S st -n 600000 "$1" >got' - "$SOURCE"
	[[ $stderr == *'corrupted behind byte 262144'* ]]
	head -c 262144 "$BLOB" | cmp - got
	gets 0 600000 -S st -n 600000 "$SOURCE"
	gets 0 600000 -O -S st -n 600000 "$SOURCE"
	# one that is shorter than its name says was never whole
	truncate -s 1000 "$(ranges_of st "$ORIGIN" "$HEX")/"*
	gets 0 600000 -S st -n 600000 "$SOURCE"
}

@test "a corrupted blob is fetched again, and is exit 1 offline: from us, and from skopeo" {
	gets 0 "$SIZE" -S st -a "$SOURCE"
	flip "st/blobs/sha256/$HEX" 1000000
	gets 0 65536 -O -S st "$SOURCE"
	run -1 --separate-stderr bash -c 'lp-fetch -O -S st -a "$1" >got' - "$SOURCE"
	[[ $stderr == *corrupted* ]]
	head -c "$(stat -c %s got)" "$BLOB" | cmp - got
	gets 0 "$SIZE" -S st -a "$SOURCE"
	cmp "$BLOB" "st/blobs/sha256/$HEX"

	cp -r "$IN/lay" sk
	flip "sk/blobs/sha256/$HEX" 1000000
	run -1 bash -c 'lp-fetch -a "oci:sk@sha256:$1" >got' - "$HEX"
	gets 0 65536 -S sk "$SOURCE"
	gets 0 "$SIZE" -S sk -a "$SOURCE"
	cmp "$BLOB" "sk/blobs/sha256/$HEX"
}

# who does not say how large it is leaves all of it as a range
@test "a complete range that was corrupted becomes no blob, and the origin is not called a liar" {
	local there
	printf '{"/v2/app/blobs/*": {"file": "%s", "content_range": "bytes 0-%d/*"}}\n' "$BLOB" $((SIZE - 1)) >rules
	fault_start silent rules
	there=$(srv_addr silent)/app
	gets 0 "$SIZE" -S st -n "$SIZE" "$there@sha256:$HEX"
	flip "$(ranges_of st "$there" "$HEX")/0-$((SIZE - 1))" 600000
	run -0 --separate-stderr bash -c 'lp-fetch -S st -n 1000 --size "$1" "$2" >got' - "$SIZE" "$there@sha256:$HEX"
	[ -z "$stderr" ]
	cmp <(head -c 1000 "$BLOB") got
	[ ! -e "st/blobs/sha256/$HEX" ]
	# what is not corrupted of it stays
	gets 0 524288 -O -S st -n 524288 "$there@sha256:$HEX"
}

@test "bytes of a wrong digest are not kept" {
	head -c "$SIZE" /dev/zero >zeros
	printf '{"/v2/app/blobs/*": {"file": "%s"}}\n' "$PWD/zeros" >rules
	fault_start liar rules
	run -1 bash -c 'lp-fetch -S st -a "$1/app@sha256:$2" >got' - "$(srv_addr liar)" "$HEX"
	[ ! -e "st/blobs/sha256/$HEX" ]
	gets 0 65536 -S st "$SOURCE"
}

@test "no store where there is none to be: not a layout, not there offline" {
	mkdir other
	echo hello >other/file
	run -1 lp-fetch -S other "$SOURCE"
	[ "$(ls other)" = file ]
	head -c 70000 /dev/zero >other/oci-layout
	run -1 lp-fetch -S other "$SOURCE"
	[ "$output" = 'lp-fetch: other: no OCI image layout of version 1' ]
	run ! lp-fetch -O -S nothing "$SOURCE"
	[ "$status" -eq 3 ] || [ "$status" -eq 4 ]
	[ ! -e nothing ]
}

@test "--fill: many at once, one bad one does not keep the others, the status is the worst" {
	sources >list
	[ "$(wc -l <list)" -eq 4 ]
	run -0 xargs lp-fetch --fill -S st --stats stats <list
	[ "$(jq .bytes_downloaded stats)" -eq $((4 * 65536)) ]
	[ "$(find st/ranges -type f | wc -l)" -eq 4 ]
	{ cat list; echo "$(srv_addr reg)/app@sha256:$(printf 'a%.0s' {1..64})"; } >worse
	run -3 --separate-stderr lp-fetch --fill -a -S st <worse
	[ "${#stderr_lines[@]}" -eq 1 ]
	for n in 1 2 3 4; do
		cmp "$IN/l$n.tar" "st/blobs/sha256/$(sha256sum <"$IN/l$n.tar" | cut -c1-64)"
	done
	run -0 lp-fetch --fill -a -O -S st <list
	run -4 lp-fetch --fill -O -S st <worse
	run -2 lp-fetch --fill <list
	# a line that is no source is bad data; one that is here is no failure
	run -1 --separate-stderr lp-fetch --fill -S st < <(echo bogus; cat list)
	[[ ${#stderr_lines[@]} -eq 1 && $stderr == 'lp-fetch: bogus: '* ]]
	run -2 lp-fetch --fill -S st bogus
	run -0 --separate-stderr lp-fetch --fill -S st <<<"$IN/l1.tar"
	[[ ${#stderr_lines[@]} -eq 1 && $stderr == *'a local file: there is nothing to fetch' ]]
}

@test "--fill: bars on a terminal, which are gone at the end; none with -q, none elsewhere" {
	local hex
	echo '{"/v2/app/blobs/*": {"rate": 100000}}' >rules
	fault_start slow rules --layout "$IN/lay"
	hex=$(sha256sum <"$IN/l1.tar" | cut -c1-64)
	on_terminal() { TERM=xterm LC_ALL=C.UTF-8 script -qec "stty cols 100; $(printf '%q ' "$@")" /dev/null </dev/null >screen; }
	on_terminal lp-fetch --fill -n 100000 -S st "$(srv_addr slow)/app@sha256:$hex"
	# the blob's name, a bar, how much of how much; each is wiped by what follows it
	grep -qE "${hex:0:12}  ━*─+  .* of 97\.7 KiB" screen
	[ "$(grep -o "${hex:0:12}" screen | wc -l)" -eq "$(grep -o $'\x1b\\[A\x1b\\[2K' screen | wc -l)" ]
	[ "$(stat -c %s "$(ranges_of st "$(srv_addr slow)/app" "$hex")/0-99999")" -eq 100000 ]
	on_terminal lp-fetch --fill -q -n 100000 -S st2 "$(srv_addr slow)/app@sha256:$hex"
	[ ! -s screen ]
	run -0 --separate-stderr lp-fetch --fill -n 100000 -S st3 "$(srv_addr slow)/app@sha256:$hex"
	[ -z "$output$stderr" ]
}

@test "a range of the end is learnt for each of --fill" {
	sources >list
	run -0 lp-fetch --fill -r -1000 -S st <list
	gets "$((SIZE - 1000))" 1000 -O --size "$SIZE" -S st -r -1000 "$SOURCE"
}

# two processes at once fill one store, over and over, and are killed: whatever
# is there afterwards is right, or is fetched again
@test "100 kills at any moment leave a store that works" {
	local i pids wait
	sources >list
	RANDOM=7
	for ((i = 0; i < 50; i++)); do
		pids=''
		for n in 1 2; do
			lp-fetch --fill -q -a -j 3 -S st <list 2>/dev/null 3>&- &
			pids="$pids $!"
		done
		wait=$((RANDOM % 60))
		sleep "0.0$((wait / 10))$((wait % 10))"
		# shellcheck disable=SC2086 # two of them
		kill -9 $pids 2>/dev/null || :
		# shellcheck disable=SC2086
		wait $pids 2>/dev/null || :
		# each time: what is offline is right as far as it goes
		if [ -d st ] && [ $((i % 5)) -eq 0 ]; then
			lp-fetch -O -q -S st -a --size "$SIZE" "$SOURCE" >got 2>/dev/null || [ $? -eq 4 ] || [ $? -eq 1 ]
			head -c "$(stat -c %s got)" "$BLOB" | cmp - got
			# blobs that are there are whole
			find st/blobs -type f ! -name '.lp-*' | while read -r f; do
				[ "$(sha256sum <"$f" | cut -c1-64)" = "$(basename "$f")" ]
			done
		fi
	done
	run lp-fetch --fill -a -S st <list
	echo "$output"
	[ "$status" -eq 0 ]
	for n in 1 2 3 4; do
		cmp "$IN/l$n.tar" "st/blobs/sha256/$(sha256sum <"$IN/l$n.tar" | cut -c1-64)"
	done
	gets 0 "$SIZE" -O -S st -a "$SOURCE"
	# what dead writers left goes once it is old
	find st -name '.lp-*' -exec touch -d '2 minutes ago' {} +
	run -0 lp-fetch --store-gc 1G -S st
	[ -z "$(find st -name '.lp-*')" ]
}

@test "--store-gc removes what was not used for longest, and what no file needs" {
	sources >list
	run -0 lp-fetch --fill -a -S st <list
	find st/blobs -type f -exec touch -d '1 hour ago' {} +
	gets 0 65536 -S st "$SOURCE"
	run -0 --separate-stderr lp-fetch --store-gc "$SIZE" -S st
	[[ $stderr == *'removed 3 files'* ]]
	[ "$(find st/blobs -type f)" = "st/blobs/sha256/$HEX" ]
	[ "$(find st/sums -type f)" = "st/sums/sha256/$HEX/0-$((SIZE - 1))" ]
	gets 0 "$SIZE" -O -S st -a "$SOURCE"
	run -0 lp-fetch --store-gc 0 -S st
	[ -z "$(find st/blobs st/ranges st/sums -type f)" ]
	gets 0 65536 -S st "$SOURCE"
	run -2 lp-fetch --store-gc 1G
	run -2 lp-fetch --store-gc 1G -S st "$SOURCE"
}

@test "a store that may not be written is used as it is, by what reads through it" {
	image=$(srv_addr reg)/app:1
	lp-fetch -S st "$SOURCE" >/dev/null
	find st -type d -exec chmod a-w {} +
	find st | sort >before
	lp-layers "$image" >want
	as_anybody lp-layers -S st "$image" >got 2>note
	cmp want got
	[ "$(cat note)" = 'lp-layers: st: Permission denied: what it lacks is fetched, and not kept' ]
	as_anybody lp-fetch -q -a -S st --stats stats "$SOURCE" >got 2>note
	cmp "$BLOB" got
	[ ! -s note ]
	[ "$(jq .bytes_downloaded stats)" -eq $((SIZE - 65536)) ]
	run -3 as_anybody lp-fetch --fill -a -S st "$SOURCE"
	[ "$output" = 'lp-fetch: st: the store cannot be written: Permission denied' ]
	run -3 as_anybody lp-fetch --store-gc=0 -S st
	find st | sort | cmp before -
	chmod -R u+w st
	# and a name that is wrong bounds nothing
	run -3 lp-fetch --store-gc=0 -S stt
	[ "$output" = 'lp-fetch: stt: No such file or directory' ]
	[ ! -e stt ]
}

# liar NAME FILE: a server that sends FILE for every blob of app, as `liar/app` would
liar()
{
	jq -n --arg f "$2" '{"/v2/app/blobs/*": {file: $f}}' >"$1.rules"
	fault_start "$1" "$1.rules"
}

@test "what one origin sent is never read, joined or promoted for another" {
	local false=$PWD/false there
	head -c "$SIZE" /dev/zero >false
	liar one "$false"
	there=$(srv_addr one)/app@sha256:$HEX
	# a head, of both: each has its own, also offline
	lp-fetch -S st "$there" >got
	head -c 65536 false | cmp - got
	gets 0 65536 -S st "$SOURCE"
	gets 0 65536 -O -S st "$SOURCE"
	lp-fetch -O -S st "$there" >got
	head -c 65536 false | cmp - got
	# what only the other one has is not there
	lp-fetch -S st -r 100000-199999 "$there" >got
	run -4 --separate-stderr lp-fetch -O -S st -r 100000-199999 "$SOURCE"
	[[ $stderr == *'bytes 100000-199999 are not in the store'* ]]
	# nor is it part of the whole
	gets 0 100000 -S st -n 100000 "$SOURCE"
	gets 200000 "$((SIZE - 200000))" -S st -r 200000- "$SOURCE"
	[ ! -e "st/blobs/sha256/$HEX" ]
	gets 0 200000 -S st -n 200000 --stats stats "$SOURCE"
	[ "$(jq .bytes_downloaded stats)" -eq 100000 ]
	cmp "$BLOB" "st/blobs/sha256/$HEX"
	# the blob is everybody's, the ranges have gone
	[ ! -e "st/ranges/sha256/$HEX" ]
	lp-fetch -O -S st "$there" >got
	head -c 65536 "$BLOB" | cmp - got
}

@test "the same path at another server, another repository or another URL is another origin" {
	local url
	gets 0 65536 -S st "$SOURCE"
	jq -n --arg f "$BLOB" '{"/a": {file: $f}, "/b": {file: $f}}' >rules
	fault_start plain rules
	url=http://$(srv_addr plain)
	gets 0 65536 -S st --digest "sha256:$HEX" "$url/a?signature=1"
	for source in "$(srv_addr reg)/app2@sha256:$HEX" "localhost:${SOURCE#*:}" "$url/b"; do
		run -4 lp-fetch -O -S st --digest "sha256:$HEX" "$source"
	done
	gets 0 65536 -O -S st --digest "sha256:$HEX" "$url/a?signature=2#x"
	[ "$(find st/ranges -name 0-65535 | wc -l)" -eq 2 ]
}

@test "a wrong digest drops what that origin sent, and nothing else" {
	local there hex
	head -c "$SIZE" /dev/zero >false
	liar two "$PWD/false"
	there=$(srv_addr two)/app@sha256:$HEX
	gets 0 65536 -S st "$SOURCE"
	lp-fetch -S st "$there" >got
	run -1 bash -c 'lp-fetch -a -S st "$1" >got' - "$there"
	[ ! -e "$(ranges_of st "${there%@*}" "$HEX")" ]
	gets 0 65536 -O -S st "$SOURCE"
	# nothing is left of it where there was nothing else
	run -1 bash -c 'lp-fetch -a -S alone "$1" >got' - "$there"
	[ "$(find alone -mindepth 1 | sort | paste -sd ' ')" = \
	    'alone/blobs alone/blobs/sha256 alone/index.json alone/oci-layout alone/ranges alone/ranges/sha256 alone/sums alone/sums/sha256' ]
	# --fill of both in one call, the false one first: one is 1, the other is there
	run -1 --separate-stderr lp-fetch --fill -a -S st "$there" "$SOURCE"
	[ "${#stderr_lines[@]}" -eq 1 ]
	cmp "$BLOB" "st/blobs/sha256/$HEX"
	run -0 lp-fetch --fill -a -S st "$there" "$SOURCE"
}

@test "ranges of no origin, as older stores have them, are nobody's" {
	gets 0 65536 -S st "$SOURCE"
	dir=$(ranges_of st "$ORIGIN" "$HEX")
	mv "$dir/0-65535" "st/ranges/sha256/$HEX/"
	mv "${dir/ranges/sums}/0-65535" "st/sums/sha256/$HEX/"
	rmdir "$dir" "${dir/ranges/sums}"
	run -4 lp-fetch -O -S st "$SOURCE"
	gets 0 65536 -S st --stats stats "$SOURCE"
	[ "$(jq .bytes_downloaded stats)" -eq 65536 ]
	find st/sums -type f -exec touch -d '2 minutes ago' {} +
	run -0 lp-fetch --store-gc 1G -S st
	[ "$(find st/ranges st/sums -type f | sort)" = "$(printf '%s\n' "$dir/0-65535" "${dir/ranges/sums}/0-65535")" ]
}

@test "a layout does not vouch for itself: its sums and ranges are not looked at" {
	gets 0 65536 -S st "$SOURCE"
	run -4 --separate-stderr lp-fetch "oci:st@sha256:$HEX"
	[[ $stderr == *'the layout does not have this blob'* ]]
	cp -r "$IN/lay" lay
	flip "lay/blobs/sha256/$HEX" 100
	mkdir -p "lay/sums/sha256/$HEX"
	split -b 262144 --filter='sha256sum | cut -c1-64' "lay/blobs/sha256/$HEX" >"lay/sums/sha256/$HEX/0-$((SIZE - 1))"
	run -1 --separate-stderr lp-fetch "oci:lay@sha256:$HEX"
	[[ $stderr == *'is corrupted' ]]
	[ -z "$output" ]
}

# ---- what is damaged, and what cannot be written -------------------------------

@test "a corrupted file that cannot be taken out is passed over: the bytes are fetched, once" {
	gets 0 600000 -S st -n 600000 "$SOURCE"
	flip "$(ranges_of st "$ORIGIN" "$HEX")/0-599999" 300000
	find st -type d -exec chmod a-w {} +
	as_anybody lp-fetch -S st -n 600000 "$SOURCE" >got 2>note
	head -c 600000 "$BLOB" | cmp - got
	[ "$(grep -c 'corrupted behind byte 262144: fetching it again' note)" -eq 1 ]
	[ "$(wc -l <note)" -eq 2 ]
	# the store may be written, but for what somebody else made in it
	chmod u+w st
	as_anybody lp-fetch -S st -n 600000 "$SOURCE" >got 2>note
	head -c 600000 "$BLOB" | cmp - got
	[ "$(wc -l <note)" -eq 2 ]
	[[ $(tail -n 1 note) == *': the store: Permission denied: it is not kept' ]]
	run -3 --separate-stderr as_anybody lp-fetch --fill -n 600000 -S st "$SOURCE"
	[[ $stderr == *': the store: Permission denied' ]]
	chmod -R u+w st
	# a whole blob
	gets 0 "$SIZE" -q -S st -a "$SOURCE"
	flip "st/blobs/sha256/$HEX" 1000000
	find st -type d -exec chmod a-w {} +
	as_anybody lp-fetch -a -S st "$SOURCE" >got 2>note
	cmp "$BLOB" got
	[ "$(wc -l <note)" -eq 2 ]
	chmod -R u+w st
}

@test "a blob that is shorter than it should be is fetched again, whatever else says its size" {
	local n
	for n in 0 1000 262144; do
		rm -rf st
		gets 0 "$SIZE" -S st -a "$SOURCE"
		rm -r st/sums
		cp -r st st2
		truncate -s "$n" "st/blobs/sha256/$HEX"
		run -1 --separate-stderr bash -c 'lp-fetch -O -S st "$1" >got' - "$SOURCE"
		[[ $stderr == *corrupted* ]]
		[ ! -s got ]
		gets 0 "$SIZE" -S st -a "$SOURCE"
		cmp "$BLOB" "st/blobs/sha256/$HEX"
		truncate -s "$n" "st2/blobs/sha256/$HEX"
		run -0 lp-fetch --fill -a -S st2 < <(printf '%s\t%s\n' "$SOURCE" "$SIZE")
		cmp "$BLOB" "st2/blobs/sha256/$HEX"
		rm -r st2
	done
	# a size that is not that of the right blob is bad data, in the store as at a server
	run -1 --separate-stderr lp-fetch --size=5 -a -S st "$SOURCE"
	[[ $stderr == *"has $SIZE bytes, it should have 5" ]]
	[ -z "$output" ]
	cmp "$BLOB" "st/blobs/sha256/$HEX"
}

@test "damaged sums of a right blob are made again; those of a range cost the range" {
	local sums
	echo '{}' >rules
	fault_start mortal rules --layout "$IN/lay"
	SOURCE=$(srv_addr mortal)/app@sha256:$HEX
	gets 0 "$SIZE" -S st -a "$SOURCE"
	gets 0 65536 -S st2 "$SOURCE"
	sums=st/sums/sha256/$HEX/0-$((SIZE - 1))
	cp "$sums" right
	# nobody is there who could send it again
	srv_stop mortal
	for damage in ': >"$1"' 'printf z | dd of="$1" bs=1 seek=70 conv=notrunc status=none' 'truncate -s 66 "$1"' \
	    'rm "$1"' 'head -c 4000 /dev/zero >"$1"'; do
		bash -c "$damage" - "$sums"
		gets 0 "$SIZE" -O -S st -a "$SOURCE"
		gets 0 "$SIZE" -S st -a --retries=0 "$SOURCE"
		cmp "$BLOB" "st/blobs/sha256/$HEX"
		cmp right "$sums"
	done
	dir=$(ranges_of st2 "${SOURCE%@*}" "$HEX")
	rm "${dir/ranges/sums}/0-65535"
	run -1 --separate-stderr lp-fetch -O -S st2 "$SOURCE"
	[[ $stderr == *corrupted* ]]
	fault_start mortal rules --layout "$IN/lay"
	rm -r st2
	SOURCE=$(srv_addr mortal)/app@sha256:$HEX
	gets 0 65536 -S st2 "$SOURCE"
	dir=$(ranges_of st2 "${SOURCE%@*}" "$HEX")
	: >"${dir/ranges/sums}/0-65535"
	gets 0 65536 -S st2 --stats stats "$SOURCE"
	[ "$(jq .bytes_downloaded stats)" -eq 65536 ]
	gets 0 65536 -O -S st2 "$SOURCE"
}

@test "a blob that is false though its sums say otherwise goes when all of it was read" {
	gets 0 "$SIZE" -S st -a "$SOURCE"
	flip "st/blobs/sha256/$HEX" 1000000
	split -b 262144 --filter='sha256sum | cut -c1-64' "st/blobs/sha256/$HEX" >"st/sums/sha256/$HEX/0-$((SIZE - 1))"
	run -1 --separate-stderr bash -c 'lp-fetch -S st -a "$1" >got' - "$SOURCE"
	[[ $stderr == *'do not use these'* ]]
	[ ! -e "st/blobs/sha256/$HEX" ]
	gets 0 "$SIZE" -S st -a "$SOURCE"
	cmp "$BLOB" "st/blobs/sha256/$HEX"
}

@test "a write that fails leaves what had come; a failure of the output is not the store's" {
	run -3 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 300; lp-fetch -S st -a "$1" | cat >got; exit "${PIPESTATUS[0]}"' - "$SOURCE"
	[[ $stderr == *': the store: '* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ -s got ]
	gets 0 200000 -O -S st -n 200000 "$SOURCE"
	gets 0 "$SIZE" -S st -a "$SOURCE"
	for option in -O ''; do
		# shellcheck disable=SC2086 # none or one
		run -3 --separate-stderr bash -c 'lp-fetch $1 --stats stats -S st -a "$2" >/dev/full' - "$option" "$SOURCE"
		[ "$stderr" = 'lp-fetch: <stdout>: No space left on device' ]
		[ "$(tail -n 1 stats | jq -r .error)" = '<stdout>: No space left on device' ]
	done
}

@test "what one user may not write of a store is not kept, which is said once; what may not go keeps nothing else" {
	local image
	image=$(srv_addr reg)/app:1
	lp-layers "$image" >want
	# made by another user, in a store that anybody may write
	gets 100000 1 -S st -r 100000-100000 "$SOURCE"
	chmod -R a+rwX st
	chmod a-w st/blobs/sha256
	find st | sort >before
	as_anybody lp-layers -S st "$image" >got 2>note
	cmp want got
	[ "$(cat note)" = "lp-layers: $image: the store: Permission denied: it is not kept" ]
	find st | sort | cmp before -
	# what makes room there goes on to what may go
	chmod u+w st/blobs/sha256
	lp-layers -q -S st "$image" >got
	chmod a-w st/blobs/sha256
	run -3 --separate-stderr as_anybody lp-fetch --store-gc=0 -S st
	[ "${stderr_lines[0]}" = 'lp-fetch: st: Permission denied' ]
	[[ ${stderr_lines[1]} == *'st: removed 1 files of 1 bytes,'* ]]
	[ -z "$(find st/ranges -type f)" ]
	lp-layers -O -S st "$image" | cmp want -
	chmod u+w st/blobs/sha256
}

@test "two processes that complete one blob both have done their work" {
	# LeakSanitizer does not run under strace
	export ASAN_OPTIONS=detect_leaks=0
	# one is about to give it its name while the other comes and goes
	strace -f -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=2000000 \
	    lp-fetch -q -a -S st "$SOURCE" >got 3>&- &
	while [ ! -e "st/blobs/sha256/$HEX" ]; do
		gets 0 "$SIZE" -a -S st "$SOURCE"
	done
	wait $!
	cmp "$BLOB" got
	cmp "$BLOB" "st/blobs/sha256/$HEX"
	[ -z "$(find st -name '.lp-*')" ]
	[ -z "$(find st/ranges -type f)" ]
}

@test "--store-gc spares the sums of a range that is on its way in" {
	export ASAN_OPTIONS=detect_leaks=0
	gets 300000 1 -S st -r 300000-300000 "$SOURCE"
	sums=$(ranges_of st "$ORIGIN" "$HEX")/0-199999
	sums=${sums/ranges/sums}
	strace -f -o /dev/null -e trace=renameat -e inject=renameat:delay_enter=2000000:when=2 \
	    lp-fetch -q -n 200000 -S st "$SOURCE" >got 3>&- &
	until [ -f "$sums" ]; do
		sleep 0.02
	done
	run -0 lp-fetch --store-gc=1G -S st
	wait $!
	[ -f "$sums" ]
	flip "$(ranges_of st "$ORIGIN" "$HEX")/0-199999" 100
	run -1 lp-fetch -O -S st -r 100-103 "$SOURCE"
}

@test "--store-gc removes nothing that it does not know; -j and the network are not for it" {
	gets 0 "$SIZE" -a -S st "$SOURCE"
	mkdir st/ranges/sha256/other st/tmp
	# what an open would wait for
	mkfifo st/.lp-1.3 st/tmp/1.3 st/blobs/sha256/.lp-1.3 "st/sums/sha256/$HEX/0-9"
	touch -d '1 hour ago' "st/blobs/sha256/$HEX.sig" st/ranges/sha256/other/0-9 st/.lp-notes st/blobs/sha256/.lp-1.x \
	    st/tmp/mine st/tmp/1.2 st/blobs/sha256/.lp-1.2 st/.lp-1.3 st/tmp/1.3 st/blobs/sha256/.lp-1.3
	find st -type f | sort | grep -v '[./-]1\.2$' >want
	run -0 lp-fetch --store-gc="$SIZE" -S st
	find st -type f | sort | cmp want -
	[ "$(find st -type p | wc -l)" -eq 4 ]
	gets 0 "$SIZE" -a -S st "$SOURCE"
	for option in -j2 -O --user=bob --plain-http --retries=1; do
		run -2 --separate-stderr lp-fetch --store-gc=1 "$option" -S st
		[[ $stderr == *'--store-gc fetches nothing'* ]]
	done
	LP_OFFLINE=1 lp-fetch --store-gc="$SIZE" -S st
}

@test "--fill: where one source of a digest fails the next one is asked; one that did not is enough" {
	local gone
	gone=localhost:$(free_port)/app@sha256:$HEX
	run -3 --separate-stderr lp-fetch --retries=0 --fill -a -S st "$gone" "$SOURCE"
	[ "${#stderr_lines[@]}" -eq 1 ]
	cmp "$BLOB" "st/blobs/sha256/$HEX"
	rm -r st
	run -0 lp-fetch --retries=0 --fill -a -S st "$SOURCE" "$gone" "$SOURCE"
	cmp "$BLOB" "st/blobs/sha256/$HEX"
}

@test "a file system without renames that do not replace, without hard links, without locks" {
	# a call that strace makes fail is one that no lock knows
	export ASAN_OPTIONS=detect_leaks=0 LP_SANDBOX=off
	local call
	for call in renameat2:error=EINVAL linkat:error=EPERM flock:error=ENOLCK; do
		rm -rf st
		run -0 bash -c 'strace -f -qq -o /dev/null -e trace="${3%%:*}" -e inject="$3" \
		    lp-fetch -a -S st "$1" | cmp "$2" -; exit "${PIPESTATUS[0]}"' - "$SOURCE" "$BLOB" "$call"
		cmp "$BLOB" "st/blobs/sha256/$HEX"
		run -0 strace -f -qq -o /dev/null -e trace="${call%%:*}" -e inject="$call" lp-layers -S st "$(srv_addr reg)/app:1"
		[ "$(jq '.manifests | length' st/index.json)" -eq 1 ]
	done
}

@test "a layout without index.json gets one, one with 17000 names gets one more, and those that lead nowhere go" {
	mkdir st
	echo '{"imageLayoutVersion":"1.0.0"}' >st/oci-layout
	run -0 lp-layers -S st "$(srv_addr reg)/app:1"
	[ "$(jq '.manifests | length' st/index.json)" -eq 1 ]
	jq -c '.manifests += [range(17000) | {mediaType: "application/vnd.oci.image.index.v1+json",
	    digest: "sha256:\(. + 1000000 | tostring | ("0" * (64 - length)) + .)", size: 1234,
	    annotations: {"org.opencontainers.image.ref.name": "registry.example.com/group/project/image\(.):latest"}}]' \
	    st/index.json >./more
	cp more st/index.json
	[ "$(stat -c %s st/index.json)" -gt 4000000 ]
	[ "$(jq '.manifests | length' st/index.json)" -eq 17001 ]
	run -0 lp-layers -S st "127.0.0.1:${ORIGIN#*:}:1"
	run -0 lp-layers -S st "localhost:${ORIGIN#*:}:1"
	[ "$(jq '.manifests | length' st/index.json)" -eq 17002 ]
	run -0 lp-layers -O -S st "localhost:${ORIGIN#*:}:1"
	run -0 --separate-stderr lp-fetch --store-gc=1G -S st
	[[ $stderr == *'removed 0 files'* ]]
	[ "$(jq '.manifests | length' st/index.json)" -eq 2 ]
	run -0 lp-layers -O -S st "$(srv_addr reg)/app:1"
	# and what nobody can read is nobody's to write
	echo '{"manifests": [' >st/index.json
	run -0 lp-fetch --store-gc=1G -S st
	[ "$(cat st/index.json)" = '{"manifests": [' ]
	# 24 MB of names are not too many values (LP_MAX_JSON_TIMES), and none is looked for among all others
	awk 'BEGIN {
		printf "{\"schemaVersion\":2,\"manifests\":["
		for (i = 0; i < 100000; i++)
			printf "%s{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"sha256:%064d\",\"size\":3,\"annotations\":" \
			    "{\"org.opencontainers.image.ref.name\":\"registry.example/group/project%d:latest\"}}", i ? "," : "", i, i
		printf "]}"
	}' >st/index.json
	run -0 --separate-stderr bash -c 'ulimit -t 20; lp-fetch --store-gc=1G -S st'
	[[ $stderr == *'removed 0 files'* ]]
	[ "$(jq '.manifests | length' st/index.json)" -eq 0 ]
}

@test "a progress line of what is not there wants nothing" {
	export LP_PROGRESS=$PWD/progress
	lp-fetch -S st -r 9000000-9000009 "$SOURCE" || [ $? -eq 1 ]
	lp-fetch --fill -S st -r 9000000-9000009 "$SOURCE" || [ $? -eq 1 ]
	cat progress
	[ "$(cut -f 4,6 progress)" = $'0\tfailed\n0\tfailed' ]
}

@test "a new store is its owner's alone; what is in one has the permissions of its directory" {
	umask 022
	gets 0 65536 -S st "$SOURCE"
	gets 0 1000 -S st -r 0-999 "${SOURCE/app/app}"
	[ "$(find st ! -type d -perm /077 -o -type d -perm /077 | wc -l)" -eq 0 ]
	[ "$(find st -type f | wc -l)" -eq 4 ]
	mkdir -m 750 st2
	gets 0 "$SIZE" -a -S st2 "$SOURCE"
	[ "$(find st2 -type f -printf '%m\n' | sort -u)" = 640 ]
	[ "$(find st2 -type d -printf '%m\n' | sort -u)" = 750 ]
}

@test "a part of a pipe is that part; a standard input that is a file is left where reading ended" {
	lp-fetch -a "/dev/stdin#100000+300000" < <(cat "$BLOB") >got
	part 100000 300000 "$BLOB" | cmp - got
	lp-fetch "/dev/stdin#100000+300000" < <(cat "$BLOB") >got
	part 100000 65536 "$BLOB" | cmp - got
	lp-fetch -r 10-19 "/dev/stdin#100000+300000" < <(cat "$BLOB") >got
	part 100010 10 "$BLOB" | cmp - got
	lp-fetch -r -5 "/dev/stdin#100000+300000" < <(cat "$BLOB") >got
	part 399995 5 "$BLOB" | cmp - got
	run -1 --separate-stderr bash -c 'set -o pipefail; head -c 1000 "$BLOB" | lp-fetch "/dev/stdin#900+200" >got'
	[[ $stderr == *'has 1000 bytes, which is less than 900+200' ]]
	part 900 100 "$BLOB" | cmp - got
	{
		lp-fetch -n 10 - >a
		lp-fetch -r 5-9 - >b
		cat >c
	} <"$BLOB"
	cat a <(part 15 5 "$BLOB") <(tail -c +21 "$BLOB") | cmp - <(cat a b c)
	head -c 10 "$BLOB" | cmp - a
}

# how many calls it takes to read N ranges of 1 KiB
calls_for()
{
	local dir i
	rm -rf "st$1"
	lp-fetch -q -r 0-0 -S "st$1" "$SOURCE" >got
	dir=$(ranges_of "st$1" "$ORIGIN" "$HEX")
	rm "$dir/0-0"
	split -b 1024 -a 4 -d <(head -c "$(($1 * 1024))" "$BLOB") part.
	for ((i = 0; i < $1; i++)); do
		part=$(printf 'part.%04d' "$i")
		sha256sum <"$part" | cut -c1-64 >"${dir/ranges/sums}/$((i * 1024))-$((i * 1024 + 1023))"
		mv "$part" "$dir/$((i * 1024))-$((i * 1024 + 1023))"
	done
	# LeakSanitizer does not run under strace
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls lp-fetch -O -n "$(($1 * 1024))" -S "st$1" "$SOURCE" >got
	head -c "$(($1 * 1024))" "$BLOB" | cmp - got
	wc -l <calls
}

@test "twice as many ranges take twice as many calls" {
	local few many
	few=$(calls_for 200)
	many=$(calls_for 400)
	echo "$few $many"
	[ "$few" -gt 200 ]
	[ "$many" -lt $((few * 21 / 10)) ]
	# a range: two files opened, looked at, read and closed, the time of one set, its bytes written
	[ $((many - few)) -le $((200 * 10)) ]
}

# ---- crashes and storms -----------------------------------------------------------

# a run that makes a store, notes an image, joins ranges and promotes them, recorded call by call
record_fill()
{
	mkdir tree
	noise 9 300000 >tree/file
	tar --owner=0 --group=0 --mtime=@0 -cf - tree | gzip -n >small.tar
	layout_make lay small:1 small.tar
	registry_push "$PWD/lay:small:1" reg small:1
	BLOB=$PWD/small.tar
	HEX=$(sha256sum <"$BLOB" | cut -c1-64)
	SIZE=$(stat -c %s "$BLOB")
	IMAGE=$(srv_addr reg)/small:1
	SOURCE=$(srv_addr reg)/small@sha256:$HEX
	lp-layers "$IMAGE" >rows
	cat >run <<-'END'
	lp-layers -S "$1" "$2" >/dev/null
	lp-fetch -q -n 1000 -S "$1" "$3" >/dev/null
	lp-fetch -q --fill -a -S "$1" "$3"
	END
	# LeakSanitizer does not run under strace
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -y -xx -s 9999999 -o trace -e trace="$(crashreplay --calls)" \
	    bash -e run "$PWD/st" "$IMAGE" "$SOURCE"
	cmp "$BLOB" "st/blobs/sha256/$HEX"
}

# works STATE: nothing false is in it, and everything can be done with it
works()
{
	local rc=0
	cp -r "$1" state
	lp-fetch -O -q -a --size "$SIZE" -S state "$SOURCE" >got 2>note || rc=$?
	head -c "$(stat -c %s got)" "$BLOB" | cmp - got
	[ "$rc" -ne 0 ] || cmp "$BLOB" got
	[[ $rc =~ ^[0134]$ ]]
	[ "$rc" -eq 0 ] || [ "$(wc -l <note)" -eq 1 ]
	if lp-layers -O -q -S state "$IMAGE" >got 2>note; then
		cmp rows got
	fi
	lp-layers -q -S state "$IMAGE" >got
	cmp rows got
	lp-fetch -q -a -S state "$SOURCE" >got
	cmp "$BLOB" got
	cmp "$BLOB" "state/blobs/sha256/$HEX"
	rm -r state
}

@test "a crash after any call, with what was not synced lost or not, leaves a store that works" {
	local state
	record_fill
	crashreplay trace "$PWD/st" states >count 2>order
	[ "$(cat count)" -gt 40 ]
	[ "$(find states -mindepth 1 -maxdepth 1 | wc -l)" -eq "$(cat count)" ]
	for state in states/*; do
		echo "$state"
		works "$state"
	done
}

@test "a blob is on disk before its sums have their name, both before it has its own, and that before index.json" {
	record_fill
	crashreplay trace "$PWD/st" states >count 2>order
	sed -E 's/\.lp-[0-9]+\.[0-9]+/TMP/; s/[0-9a-f]{64}/HEX/g' order >got
	cat got
	# a manifest, and the name that leads to it
	grep -n -A 20 'rename oci-layout' got | sed 's/^[0-9]*[:-]//' | sed -n '3,13p' >first
	cat >want <<-'END'
	sync blobs/sha256/TMP
	sync sums/sha256/HEX/TMP
	rename sums/sha256/HEX/0-N
	sync sums/sha256/HEX
	rename blobs/sha256/HEX
	sync blobs/sha256
	END
	head -n 6 first | sed -E 's/0-[0-9]+$/0-N/' | cmp want -
	[ "$(grep -n 'rename index.json' got | tail -n 1 | cut -d: -f1)" -gt "$(grep -n 'rename blobs/sha256/HEX' got | sed -n 1p | cut -d: -f1)" ]
	# the last index.json is synced before its name, and its name after
	[ "$(grep -B 1 -A 1 'rename index.json' got | tail -n 3)" = "$(printf 'sync TMP\nrename index.json\nsync .\n')" ]
	# a layer
	tail -n 6 got | sed -E 's/0-[0-9]+$/0-N/' | cmp want -
}

# LP_STORM is how many fetches; a night's worth is 100000
@test "a storm of fetches, kills and damage on one store: nothing false, nothing whole lost" {
	run -0 storestorm "$LP_BIN/lp-fetch" "${LP_STORM_SEED:-7}" "${LP_STORM:-$(share 200)}"
	echo "$output"
	[[ $output =~ ^fetches\ [0-9]{2,}\ .*\ bad\ 0\  ]]
}
