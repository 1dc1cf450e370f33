#!/usr/bin/env bats
# What the C library does by itself, under the lock: each operation of each
# program, with more than what its shortcuts are good for. Sorting asks how
# much memory there is, malloc gives memory back, threads get arenas of their
# own: all of that is a system call that the lock must know.

# shellcheck disable=SC2154 # bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	# builds for sanitizers have no lock
	shipped
	export PATH="$RELEASE:$PATH"
	srv_init
	echo '{"/blob": {"pattern": 120}}' >"$BATS_FILE_TMPDIR/rules.json"
	fault_start file "$BATS_FILE_TMPDIR/rules.json"
}

setup()
{
	own_folder
}

# store DIR COUNT: a store of that many blobs
store()
{
	local n
	mkdir -p "$1/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
	echo '{"schemaVersion":2,"manifests":[]}' >"$1/index.json"
	for ((n = 0; n < $2; n++)); do
		echo "blob $n" >blob
		mv blob "$1/blobs/sha256/$(sha256sum <blob | cut -c 1-64)"
	done
}

@test "a store of more blobs than the C library sorts without asking for memory" {
	store st 100
	run -0 --separate-stderr lp-fetch --store-gc=100 -S st
	[[ $stderr == *'removed 88 files'* ]]
	[ "$(find st/blobs -type f | wc -l)" -eq 12 ]
}

@test "a blob of more ranges than the C library sorts without asking for memory" {
	local n
	store st 0
	source=(--digest="sha256:$(printf '0%.0s' {1..64})" "http://localhost:$(srv_port file)/blob")
	# one byte each, every other one missing
	for ((n = 0; n < 120; n += 2)); do
		lp-fetch -q -r $n-$n -S st "${source[@]}"
	done >bytes
	[ "$(find st/ranges -type f | wc -l)" -eq 60 ]
	run -4 lp-fetch -qaO -S st "${source[@]}"
	[[ $output == *"offline, and bytes 1-1 are not in the store"* ]]
	lp-fetch -qO -r 118-118 -S st "${source[@]}" >got
	tail -c 1 bytes | cmp - got
	run -0 lp-fetch -q --store-gc=1G -S st
	[ "$(find st/ranges -type f | wc -l)" -eq 60 ]
}

@test "a file that grows over the limit of ulimit is a full disk: a message, exit 3, statistics" {
	noise 1 100000 >blob
	run -3 --separate-stderr bash -c 'ulimit -f 10; lp-inflate --stats stats blob >out'
	[ "$stderr" = 'lp-inflate: <stdout>: File too large' ]
	[ "$(jq -r .error stats)" = '<stdout>: File too large' ]
	run -3 --separate-stderr bash -c 'ulimit -f 10; lp-fetch -q -a ./blob >out'
	[ "$stderr" = 'lp-fetch: <stdout>: File too large' ]
}

# The heap of a thread is given back when its end is free: malloc then asks whether memory is overcommitted.
@test "lp-merge: a chain of 900,000 hard links, in threads" {
	{
		printf -- '-rw-r--r--\t0\t0\t1\t2026-11-01T00:00:00Z\tf0\t\n'
		seq 1 900000 | awk '{ printf "hrw-r--r--\t0\t0\t0\t2026-11-01T00:00:00Z\tf%d\tf%d\n", $1, $1 - 1 }'
		printf '#end\tentries=900001\tcomplete=yes\tbytes=1\tlayer=\n'
	} >links
	lp-merge -q links >out
	[ "$(wc -l <out)" -eq 900001 ]
	[ "$(lp-merge -q --summary links | cut -f 2)" -eq 900001 ]
}

@test "lp-tarls, lp-inflate, lp-cat: large members, names and extensions" {
	noise 2 30000000 >big
	mkdir tree
	mv big tree/
	for n in {1..300}; do : >"tree/$(printf 'n%.0s' {1..200})$n"; done
	tar --format=pax --pax-option='comment:=x' -cf t.tar tree
	gzip -1 <t.tar >t.tar.gz
	zstd -q -T1 --long=27 -o t.tar.zst t.tar
	lp-tarls -q t.tar >rows
	[ "$(wc -l <rows)" -eq 302 ]
	lp-inflate -q t.tar.gz | cmp - t.tar
	lp-inflate -q t.tar.zst | cmp - t.tar
	lp-inflate -q t.tar.zst | lp-cat tree/big | cmp - tree/big
}

@test "lp-cache: 20,000 rows put, searched, exported and pruned" {
	seq 1 20000 | awk '{ printf "-rw-r--r--\t0\t0\t1\t2026-11-01T00:00:00Z\tdirectory/file%d\t\n", $1 }' >rows
	export LP_CACHE=$PWD/c.db
	lp-cache put -q --layer="sha256:$(printf '1%.0s' {1..64})" <rows
	lp-cache search -q 'directory/*' >found
	[ "$(wc -l <found)" -eq 20000 ]
	lp-cache export -q >all
	[ "$(wc -l <all)" -eq 20000 ]
	lp-cache stat -q | grep .
	lp-cache prune -q --days=0
}

@test "lp-show: 20,000 rows as table, tree, rows, sizes, and compared with themselves" {
	local n
	seq 1 20000 | awk '{ printf "hrw-r--r--\t0\t0\t%d\t2026-11-01T00:00:00Z\td%03d/file%06d\td/%d\n", $1, $1 / 100, $1, $1 }' >rows
	lp-show rows >out
	[ "$(wc -l <out)" -eq 20001 ]
	lp-show --html rows >out
	[ "$(sed -n '/id="rows"/,/script>/p' out | sed 's/<[^>]*>//g' | base64 -d | zcat | grep -c 'file')" -eq 20000 ]
	lp-show --tree rows >out
	[ "$(wc -l <out)" -gt 20200 ]
	lp-show -o name,size rows >out
	[ "$(wc -l <out)" -eq 20000 ]
	seq 1 20000 | awk '{ printf "%d\t1\tdirectory%d\n", $1, $1 }' | lp-show --du >out
	[ "$(wc -l <out)" -eq 20001 ]
	run -0 lp-show --diff rows <(cat rows)
	[ "${lines[-1]}" = '0 B: 0 added, 0 changed, 0 deleted' ]
	seq 1 20000 | awk '{ printf "hrw-r--r--\t0\t0\t1\t2026-11-01T00:00:00Z\tg%06d\td/%d\n", $1, $1 }' | lp-show --diff rows - >out
	[ "$(tail -n 1 out)" = '-191 MiB: 20,000 added, 0 changed, 20,000 deleted' ]
	run -0 lp-show --resolve=d150/file015000 --copy=copy rows
	cmp copy rows
}
