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
	local dirty next
	# each question with a cache of its own that never met the hostile one
	ask heads "$HOSTILE" told -E
	ask_all everything "$HOSTILE"
	for next in "${questions[@]}"; do
		# shellcheck disable=SC2086
		ask clean "$HONEST" want $next
		rm -rf clean
		for dirty in heads everything; do
			cp -r $dirty mixed
			# shellcheck disable=SC2086
			ask mixed "$HONEST" got $next
			rm -rf mixed
			echo "# $dirty, then $next"
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

@test "--diff: what one origin says of a layer is not told of the other's" {
	local option
	ask alone "$HONEST" want -H -o name,size
	grep -q '^data' want
	for option in '' --no-cache; do
		echo "# option '$option'"
		# shellcheck disable=SC2086 # words
		ask mixed "$HOSTILE" got $option --diff="$HONEST"
		diff <(cut -f 1,8 got) - <<-'END'
		D	backdoor
		A	data
		exit 1
		END
		# what has its digest is true of both, and that is asked first
		# shellcheck disable=SC2086
		ask mixed "$HONEST" got $option --diff="$HOSTILE"
		diff <(cut -f 1,8 got) - <<-'END'
		A	backdoor
		D	data
		exit 0
		END
		# shellcheck disable=SC2086
		ask mixed "$HONEST" got $option -H -o name,size
		cmp want got
	done
	ask mixed "$HONEST" got -c --diff="$HOSTILE"
	diff got - <<<'exit 0'
}

# The manifest of a layout's only image, changed by jq.
change_manifest() { # LAYOUT FILTER JQ-ARGUMENT...
	local lay=$1 filter=$2 m
	shift 2
	m=$lay/blobs/$(jq -r '.manifests[0].digest' "$lay/index.json" | tr : /)
	jq -c "$@" "$filter" "$m" >changed
	jq -c --argjson d "$(layout_blob "$lay" changed application/vnd.oci.image.manifest.v1+json)" '.manifests[0] |= . + $d' \
	    "$lay/index.json" >index
	mv index "$lay/index.json"
}

@test "all pairs, layers with tables of contents: what a hostile one's table says is told of no other" {
	local in=$BATS_FILE_TMPDIR lay hex q honest hostile
	for lay in large evil; do
		estargz "$in/$lay.tar" $lay.es >$lay.note
		layout_make $lay v1 $lay.es
		change_manifest $lay '.layers[0].annotations = $a' \
		    --argjson a "$(jq -Rn 'input | capture("(?<k>[^=]*)=(?<v>.*)") | {(.k): .v}' $lay.note)"
	done
	# the hostile layer is called as the honest one
	hex=$(sha256sum <large.es | cut -c 1-64)
	change_manifest evil '.layers[0].digest = $d' --arg d "sha256:$hex"
	cp evil.es "evil/blobs/sha256/$hex"
	fault_start honest-toc "$in/rules.json" --layout large
	fault_start hostile-toc "$in/rules.json" --layout evil
	honest=$(srv_addr honest-toc)/app:v1 hostile=$(srv_addr hostile-toc)/bait:v1
	for q in -E '-c -E' '-c --find=backdoor' --cat=backdoor; do
		# shellcheck disable=SC2086 # words
		ask mixed "$hostile" "told" $q
	done
	grep -q forged told
	for q in -E '-c -E' '-c -j' '--find=*d*' --cat=zz --cat=backdoor '-c --tree'; do
		# shellcheck disable=SC2086
		ask clean "$honest" want $q
		# shellcheck disable=SC2086
		ask mixed "$honest" got $q
		echo "# $q"
		cmp want got
		run ! grep -q 'forged\|backdoor$' got
		rm -rf clean
	done
	# and by hand
	lp-fetch -q --plain-http -S st -r -100 "${hostile%:v1}@sha256:$hex" >got
	lp-fetch -q --plain-http -S st -r -100 "${honest%:v1}@sha256:$hex" | cmp - <(tail -c 100 large.es)
}

@test "all pairs, lp-fetch: ranges through one store, and --fill of both in one call" {
	local in=$BATS_FILE_TMPDIR hex honest hostile option n
	hex=$(sha256sum <"$in/large.tar" | cut -c 1-64)
	honest=${HONEST%:v1}@sha256:$hex hostile=${HOSTILE%:v1}@sha256:$hex
	for option in '-n 1000' '-r 5000-9999' '-r -500' '-n 200K' -a; do
		for n in 1 2; do
			# shellcheck disable=SC2086 # words
			lp-fetch -q --plain-http -S st $option "$hostile" >told 2>err || [ $? -eq 1 ]
			# shellcheck disable=SC2086
			lp-fetch -q --plain-http $option "$honest" >want
			# shellcheck disable=SC2086
			lp-fetch -q --plain-http -S st $option "$honest" | cmp want -
			# shellcheck disable=SC2086
			lp-fetch -q --plain-http -O -S st --size "$(stat -c %s "$in/large.tar")" $option "$honest" | cmp want -
		done
	done
	for n in "$hostile $honest" "$honest $hostile"; do
		for option in '-n 1000' -a; do
			rm -rf st
			# shellcheck disable=SC2086
			lp-fetch -q --plain-http --fill -S st $option $n 2>err || [[ $? -eq 1 && $option == -a ]]
			# shellcheck disable=SC2086
			lp-fetch -q -O -S st $option "$honest" | cmp - <(lp-fetch -q $option "$in/large.tar")
		done
		cmp "$in/large.tar" "st/blobs/sha256/$hex"
	done
}

@test "what came in plain is told of nothing that is asked by https, whatever its name" {
	# 0.0.0.0 is here and, by its name, elsewhere
	local in=$BATS_FILE_TMPDIR port name option blob
	tls_init
	fault_start middle "$in/rules.json" --layout "$in/hostile"
	port=$(srv_port middle) name=0.0.0.0:$(srv_port middle)/app
	blob=$name@sha256:$(sha256sum <"$in/large.tar" | cut -c 1-64)
	# shellcheck disable=SC2317 # called
	peek() {
		XDG_CACHE_HOME=$PWD/$1 timeout 60 lp-peek -q "${@:2}" "$name:v1" 2>&1 || echo "exit $?"
	}
	peek mixed --plain-http -E >/dev/null
	peek mixed --plain-http --find=backdoor | grep backdoor
	lp-fetch -q --plain-http -S mixed.st "$blob" >evil.head
	lp-fetch -q --plain-http -O -S mixed.st "$blob" | cmp evil.head -
	run -4 lp-fetch -q -O -S mixed.st "$blob"
	srv_stop middle
	fault_start middle "$in/rules.json" --layout "$in/honest" --port "$port" --tls "$LP_SRV/tls/cert.pem" "$LP_SRV/tls/key.pem"
	for option in -E '--find=*d*' --cat=passwd '-c -E'; do
		# shellcheck disable=SC2086 # words
		peek clean --insecure $option >want
		# shellcheck disable=SC2086
		peek mixed --insecure $option >got
		echo "# $option"
		cmp want got
		run ! grep -q 'forged\|backdoor' got
		rm -rf clean
	done
	lp-fetch -q --insecure -S mixed.st "$blob" | cmp - <(head -c 65536 "$in/large.tar")
}

# ---- a store or a layout that a stranger has made -----------------------------------

# A store that has the head of the large layer.
stranger_store() {
	STORE_LAYOUT=$BATS_FILE_TMPDIR/honest
	STORE_HEX=$(sha256sum <"$BATS_FILE_TMPDIR/large.tar" | cut -c 1-64)
	STORE_SOURCE=${HONEST%:v1}@sha256:$STORE_HEX
	lp-fetch -q -S st "$STORE_SOURCE" >want
}

@test "a store whose directories are links elsewhere changes nothing there, and is refused" {
	local part
	stranger_store
	for part in tmp blobs blobs/sha256 ranges ranges/sha256 sums sums/sha256 "ranges/sha256/$STORE_HEX" "sums/sha256/$STORE_HEX"; do
		rm -rf victim bad
		mkdir -p victim/sha256/sha256
		touch -d '1 hour ago' victim/1.2 victim/.lp-1.2 victim/0-9 victim/file "victim/$STORE_HEX"
		find victim | sort >before
		cp -r st bad
		rm -rf "bad/$part"
		mkdir -p "$(dirname "bad/$part")"
		ln -s "$PWD/victim" "bad/$part"
		for command in '-a' '--fill' '--store-gc=0'; do
			case $command in
			--store-gc=0) run lp-fetch "$command" -S bad ;;
			*) run bash -c 'lp-fetch "$@" >got' - "$command" -S bad "$STORE_SOURCE" ;;
			esac
			echo "$part $command: $output"
			[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
			[ "$status" -eq 0 ] || [ -n "$output" ]
			find victim | sort | cmp before -
		done
	done
	# not even an empty layout is made through one
	rm -rf victim bad
	mkdir victim bad
	ln -s "$PWD/victim" bad/blobs
	run -3 lp-fetch -S bad "$STORE_SOURCE"
	[ -z "$(ls victim)" ]
}

@test "what is no file in a store is passed over, and nothing waits for it" {
	local dir path
	stranger_store
	dir=$(ranges_of st "${STORE_SOURCE%@*}" "$STORE_HEX")
	for path in "$dir/0-65535" "${dir/ranges/sums}/0-65535" "st/blobs/sha256/$STORE_HEX" st/index.json st/tmp/1.2 \
	    "$dir/.lp-1.2" st/blobs/sha256/.lp-1.2; do
		rm -rf bad
		cp -r st bad
		rm -f "bad/${path#st/}"
		mkdir -p "$(dirname "bad/${path#st/}")"
		mkfifo "bad/${path#st/}"
		touch -d '1 hour ago' "bad/${path#st/}"
		run -0 --separate-stderr timeout 60 bash -c 'lp-fetch -S bad "$1" | cmp - want' - "$STORE_SOURCE"
		run timeout 60 lp-fetch --store-gc=1G -S bad
		[ "$status" -eq 0 ]
	done
	rm -rf bad
	cp -r st bad
	rm bad/oci-layout
	mkfifo bad/oci-layout
	run -1 timeout 60 lp-fetch -S bad "$STORE_SOURCE"
}

@test "a file of a store that is a link elsewhere is not read; one of a layout may be" {
	local dir
	stranger_store
	dir=$(ranges_of st "${STORE_SOURCE%@*}" "$STORE_HEX")
	head -c 65536 /dev/zero >secret
	ln -sf "$PWD/secret" "$dir/0-65535"
	run -0 bash -c 'lp-fetch -S st "$1" | cmp - want' - "$STORE_SOURCE"
	head -c 65536 /dev/zero | cmp - secret
	cp -r "$STORE_LAYOUT" lay
	mv "lay/blobs/sha256/$STORE_HEX" lay/there
	ln -s ../../there "lay/blobs/sha256/$STORE_HEX"
	run -0 bash -c 'lp-fetch "oci:lay@sha256:$1" | cmp - want' - "$STORE_HEX"
}
