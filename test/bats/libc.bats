#!/usr/bin/env bats
# What the C library does by itself, under the lock: each operation of each
# program, with more than what its shortcuts are good for. Sorting asks how
# much memory there is, malloc gives memory back, threads get arenas of their
# own: all of that is a system call that the lock must know.

bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	# builds for sanitizers have no lock
	shipped
	export PATH="$RELEASE:$PATH"
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
	noise 1 200 >blob
	hex=$(sha256sum <blob | cut -c 1-64)
	mkdir -p "st/ranges/sha256/$hex"
	# one byte each, every other one missing
	for ((n = 0; n < 200; n += 2)); do
		head -c $((n + 1)) blob | tail -c 1 >"st/ranges/sha256/$hex/$n-$n"
	done
	run -4 lp-fetch -qaO -S st "localhost:1/a@sha256:$hex"
	[[ $output == *"offline, and bytes 1-1 are not in the store"* ]]
	lp-fetch -qO -r 198-198 -S st "localhost:1/a@sha256:$hex" >got
	head -c 199 blob | tail -c 1 | cmp - got
}

@test "a file that grows over the limit of ulimit is a full disk: a message, exit 3, statistics" {
	noise 1 100000 >blob
	run -3 --separate-stderr bash -c 'ulimit -f 10; lp-inflate --stats stats blob >out'
	[ "$stderr" = 'lp-inflate: <stdout>: File too large' ]
	[ "$(jq -r .error stats)" = '<stdout>: File too large' ]
	run -3 --separate-stderr bash -c 'ulimit -f 10; lp-fetch -q -a ./blob >out'
	[ "$stderr" = 'lp-fetch: <stdout>: File too large' ]
}
