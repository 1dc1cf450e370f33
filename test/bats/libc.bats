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
