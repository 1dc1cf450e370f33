#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # inner shells expand it; bats sets stderr
# Nothing that was only claimed is ever called true, and nothing that one
# origin claims is told of another: an honest registry and a hostile one, which
# serves other bytes for the same digests.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	# the honest layers: one of a head's size, one far larger
	mkdir small large evil
	echo secret >small/passwd
	noise 1 300000 >large/data
	echo true >large/zz
	tar --sort=name --mtime=@0 -C small -cf small.tar passwd
	tar --sort=name --mtime=@0 -C large -cf large.tar data zz
	layout_make honest v1 small.tar large.tar
	# the hostile registry's: the same manifest, other archives of the same sizes, whose ends lie in their heads
	cp -r honest hostile
	echo forged >evil/passwd
	echo forged >evil/backdoor
	tar --sort=name --mtime=@0 -C evil -cf evil.tar passwd backdoor
	local tar
	for tar in small large; do
		blob=hostile/blobs/sha256/$(sha256sum <$tar.tar | cut -c 1-64)
		head -c "$(stat -c %s $tar.tar)" <(cat evil.tar /dev/zero) >"$blob"
	done
	echo '{}' >rules.json
	fault_start honest rules.json --layout honest
	fault_start hostile rules.json --layout hostile
	HONEST=$(srv_addr honest)/app:v1 HOSTILE=$(srv_addr hostile)/bait:v1
	export HONEST HOSTILE
}

# lp-peek's answer, exit status and end, what this run downloads left out.
ask() { # CACHE IMAGE OUT OPTION...
	local cache=$1 image=$2 out=$3
	shift 3
	status=0
	XDG_CACHE_HOME=$PWD/$cache timeout 60 lp-peek -q --plain-http "$@" "$image" >"$out" 2>"$out.err" || status=$?
	[[ " $* " != *' -j '* ]] || {
		jq -S 'del(.total_bytes_downloaded, .layers_from_cache, .layers[].bytes_downloaded,
		    .layers[].bytes_decompressed, .layers[].from_cache)' "$out" >"$out.json"
		mv "$out.json" "$out"
	}
	echo "exit $status" >>"$out"
}

questions=('-E' '-E -c' '-j' '-j -c' '--layers -E' '--layers -E -c' '--layer=2 -E' '--tree' '--tree -c' '--du' '--du -c'
    '--find=passwd' '--find=zz' '--find=backdoor' '--find=*d*' '--cat=passwd' '--cat=zz' '--cat=backdoor' '-n 1M -E')

# All questions of one image, in turn, with one cache.
ask_all() { # CACHE IMAGE
	local q
	for q in "${questions[@]}"; do
		# shellcheck disable=SC2086 # words
		ask "$1" "$2" told $q
	done
}

@test "all pairs: what a hostile origin said changes no answer about an honest one" {
	local dirty then
	# each question with a cache of its own that never met the hostile one
	ask heads "$HOSTILE" told -E
	ask_all everything "$HOSTILE"
	for then in "${questions[@]}"; do
		# shellcheck disable=SC2086
		ask clean "$HONEST" want $then
		rm -rf clean
		for dirty in heads everything; do
			cp -r $dirty mixed
			# shellcheck disable=SC2086
			ask mixed "$HONEST" got $then
			rm -rf mixed
			echo "# $dirty, then $then"
			run ! grep -q 'forged\|backdoor' got
			cmp want got
		done
	done
}

@test "one cache for both: offline, and what the database tells" {
	ask both "$HOSTILE" told -E -c
	ask both "$HOSTILE" told --find=backdoor
	ask both "$HONEST" want -E -c
	grep -q 'complete=yes' want
	ask both "$HONEST" got -E -c -O
	cmp want got
	# what the hostile one is told to have is not what the honest one has
	XDG_CACHE_HOME=$PWD/both lp-cache -q search backdoor >got || [ $? -eq 4 ]
	run ! grep -q "^$HONEST" got
	XDG_CACHE_HOME=$PWD/both lp-cache -q search zz >got
	grep -q "^$HONEST" got
	XDG_CACHE_HOME=$PWD/both lp-cache -q export --image="$HONEST" >got
	[ -s got ]
	run ! grep -q 'backdoor' got
}

@test "a layer of the wrong digest: its listing is not complete, and says why" {
	ask c "$HOSTILE" got -c -E
	grep -q '^exit 1$' got
	run ! grep -q 'complete=yes' got
	ask c "$HOSTILE" got -c --layers -E
	grep -q 'complete=no.*reason=' got
	run ! grep -q 'complete=yes' got
}

@test "the end of an archive in bytes that no digest covers ends nothing" {
	ask c "$HOSTILE" got --layer=2 -E
	grep -q $'^#end\t.*complete=no\t.*reason=the archive ends in the first 65536 bytes' got
	ask c "$HOSTILE" got -j
	head -n -1 got | jq -e '.complete == false and .layers[1].partial'
}
