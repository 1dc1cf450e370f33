#!/bin/bash
# what every kernel must be good for; BATS files say `load ../kernel/image`

# listed_kept_replayed WANT IMAGE [COMMAND...]: the programs, run by COMMAND,
# list an image of a registry as in the file WANT, keep the listing and list
# it again offline; fetch a layer into a store in parts, which become one blob,
# and all layers at once; and empty the store.
listed_kept_replayed()
{
	local want=$1 image=$2 source
	shift 2
	export XDG_CACHE_HOME=$PWD/cache
	"$@" lp-peek -q "$image" >got 2>err
	cmp "$want" got
	# nothing was said of a store that cannot be written
	[ ! -s err ]
	"$@" lp-peek -q --offline "$image" >got
	cmp "$want" got
	"$@" lp-cache search nginx.conf >found
	[ -s found ]
	source=$("$@" lp-layers -o source "$image" | sed -n 3p)
	"$@" lp-fetch -q -n 65536 -S store "$source" >first
	"$@" lp-fetch -q -r 65536- -S store "$source" | cat first - >blob
	"$@" lp-fetch -q -a -S store "$source" | cmp - blob
	find store/blobs/sha256 -type f -exec cmp blob {} +
	[ "$(find store/blobs/sha256 -type f | wc -l)" -eq 1 ]
	"$@" lp-layers -o source "$image" | "$@" lp-fetch -q --fill -a -S store
	[ "$(find store/blobs/sha256 -type f | wc -l)" -eq 4 ]
	"$@" lp-fetch -q --store-gc=0 -S store
	[ "$(find store/blobs/sha256 -type f | wc -l)" -eq 0 ]
}

# ended_by_sigterm SILENT [COMMAND...]: lp-peek, run by COMMAND, waits for a server
# that never answers; SIGTERM ends it, and all that it started.
ended_by_sigterm()
{
	local pid status=0 silent=$1
	shift
	"$@" lp-peek --no-cache "$silent/a:1" >out 2>err &
	pid=$!
	wait_for bash -c "pgrep -P $pid lp-layers"
	kill -TERM $pid
	wait $pid || status=$?
	[ $status -eq 143 ]
	wait_for bash -c '! pgrep -f "^[^ ]*lp-[a-z]* .*'"$silent"'"'
}
