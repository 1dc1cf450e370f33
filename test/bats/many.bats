#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets stderr
# Several images, or the tags of a repository, in one call of lp-peek: each
# layer looked at once, every line labelled by its image, and one image that
# fails does not stop the others.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	mkdir base one two three
	noise b 300000 >base/noise
	echo log >base/log4j-core.jar
	echo 1 >one/app
	echo 2 >two/app
	noise c 100000 >three/log4j-api.jar
	for name in base one two three; do
		tar --sort=name --mtime=@1700000000 --owner=root:0 --group=root:0 -C $name -cf $name.tar .
	done
	layout_make 1.0 v1 base.tar one.tar
	layout_make 1.1 v1 base.tar two.tar three.tar
	layout_make 2.0 v1 two.tar
	registry_start reg
	for name in 1.0 1.1 2.0; do
		registry_push $name:v1 reg app:$name
	done
	registry_push 1.0:v1 reg other/app:9
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD/tmp
	mkdir tmp
	A=$(srv_addr reg)/app
}

# served COMMAND...: it is run, and the bytes of blobs that the registry has sent for it are in $served, the requests for blobs in $asked
served() {
	local before calls
	before=$(registry_served reg) calls=$(requests)
	"$@"
	served=$(($(registry_served reg) - before)) asked=$(($(requests) - calls))
}

requests() {
	cat "$LP_SRV/reg/stdout" "$LP_SRV/reg/stderr" | grep -c '"GET /v2/[^"]*/blobs/' || :
}

sizes() {
	stat -c %s "$@" | awk '{ n += $1 } END { print n }'
}

@test "--find over images: each layer is fetched once, rows have the image first, with a cache and without" {
	local how
	for how in '' --no-cache; do
		# shellcheck disable=SC2086 # words
		served lp-peek -q $how --find='*log4j*' -o image,name,layer,hidden "$A:1.0" "$A:1.1" "$A:2.0" >got
		cmp got - <<-EOF
			$A:1.0	log4j-core.jar	1	
			$A:1.1	log4j-api.jar	3	
			$A:1.1	log4j-core.jar	1	
		EOF
		echo "$how: $served bytes, $asked requests"
		(cd "$BATS_FILE_TMPDIR" && [ "$served" -ge "$(sizes base.tar one.tar two.tar three.tar)" ])
		# the four layers and three configurations, no more
		(cd "$BATS_FILE_TMPDIR" && [ "$served" -lt "$(($(sizes base.tar one.tar two.tar three.tar) + 3000))" ])
		[ "$asked" -le 14 ]
	done
	# nothing is left of what was kept for one call
	[ -z "$(ls -A tmp)" ]
	# and now all is known
	served lp-peek -q --find='*log4j*' "$A:1.0" "$A:1.1" "$A:2.0" >got
	[ "$served" -eq 0 ]
	cut -f 1,7 got | cmp - <(printf '%s\tlog4j-%s.jar\n' "$A:1.0" core "$A:1.1" api "$A:1.1" core)
}

@test "--tags=GLOB: the tags that match, and the images that a question is asked of" {
	# in the registry's order
	lp-peek -q --tags='1.*' "$A" | sort | cmp - <(printf '1.0\n1.1\n')
	lp-layers -q --tags='?.0' "$A" | sort | cmp - <(printf '1.0\n2.0\n')
	run -4 lp-peek -q --tags='3.*' "$A"
	[ "$output" = "lp-peek: $A: no tag matches '3.*'" ]
	run -4 lp-peek -q --tags='3.*' --layers "$A"
	[ "$output" = "lp-peek: $A: no tag matches '3.*'" ]
	lp-peek -q --tags='1.*' --find=app -o image,size "$A" | sort | cmp - <(printf '%s\t2\n' "$A:1.0" "$A:1.1")
	lp-peek -q --tags='*' --digest "$A" | sort >got
	cut -f 1 got | cmp - <(printf '%s\n' "$A:1.0" "$A:1.1" "$A:2.0")
	[ "$(sed -n 2p got)" = "$A:1.1	$(lp-peek --digest "$A:1.1")" ]
	# of two repositories the tags of both
	lp-peek -q --tags "$A" "$(srv_addr reg)/other/app" | sort | cmp - <(printf '%s\t%s\n' "$A" 1.0 "$A" 1.1 "$A" 2.0 "$(srv_addr reg)/other/app" 9)
}

@test "every question of several images: the answers are those of each alone, labelled" {
	local question image
	for question in '' --du=1 --top=1 --history --waste --check --config --digest --platforms --layer=1 --find=app; do
		# shellcheck disable=SC2086 # words
		for image in "$A:1.0" "$A:2.0"; do
			lp-peek -q $question "$image" | awk -v image="$image" '/^#/ { print $0 "\timage=" image; next } { print image "\t" $0 }'
		done >want
		# shellcheck disable=SC2086 # words
		lp-peek -q $question "$A:1.0" "$A:2.0" >got
		[[ -s want || $question = --check || $question = --waste ]]
		cmp want got || { echo "$question"; return 1; }
	done
	# --layers has its own records, which lp-merge takes; a tree is for eyes, and JSON names the image by itself
	lp-peek -q --layers "$A:1.0" "$A:2.0" | cmp - <(lp-peek -q --layers "$A:1.0"; lp-peek -q --layers "$A:2.0")
	lp-peek -q --tree "$A:1.0" "$A:2.0" | cmp - <(echo "$A:1.0:"; lp-peek -q --tree "$A:1.0"; printf '\n%s:\n' "$A:2.0"; lp-peek -q --tree "$A:2.0")
	lp-peek -q -j --top=1 "$A:1.0" "$A:2.0" | jq -c '[.image, .total_entries]' | cmp - <(printf '["%s",1]\n' "$A:1.0" "$A:2.0")
	lp-peek -q -j --config "$A:1.0" "$A:2.0" | jq -c '[.image, (.config.rootfs.diff_ids | length)]' | cmp - <(printf '["%s",%d]\n' "$A:1.0" 2 "$A:2.0" 1)
	lp-peek -q -j --platforms "$A:1.0" "$A:2.0" | jq -r .image | cmp - <(printf '%s\n' "$A:1.0" "$A:2.0")
	# for eyes, each below its name
	lp-peek -q --color=always --digest "$A:1.0" "$A:2.0" | cmp - <(echo "$A:1.0:"; lp-peek --digest "$A:1.0"; printf '\n%s:\n' "$A:2.0"; lp-peek --digest "$A:2.0")
}

@test "forms: one header, end records, NUL, the column where it is asked for" {
	lp-peek -qHE --find=app "$A:1.0" "$A:2.0" >got
	[ "$(grep -c '^image	mode	' got)" -eq 1 ]
	[ "$(grep -c $'^#end\t.*\timage='"$A:[12].0\$" got)" -eq 2 ]
	lp-peek -qH --find=app -o size,image "$A:1.0" "$A:2.0" | cmp - <(printf 'size\timage\n2\t%s\n' "$A:1.0"; printf '2\t%s\n' "$A:2.0")
	lp-peek -q -0 --find=app -o image,name "$A:1.0" "$A:2.0" | cmp - <(printf '%s\tapp\0' "$A:1.0" "$A:2.0")
	# chosen columns are those that were chosen; and one image has one, too
	lp-peek -q --find=app -o name "$A:1.0" "$A:2.0" | cmp - <(printf 'app\napp\n')
	lp-peek -q --find=app -o name,image "$A:1.0" | cmp - <(printf 'app\t%s\n' "$A:1.0")
}

@test "an image that fails: one message, the others are answered, and the worst is the exit status" {
	run -3 --separate-stderr lp-peek -q --digest "$A:1.0" 127.0.0.1:1/a "$A:2.0"
	[ "${#lines[@]}" -eq 2 ]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	[[ $stderr = 'lp-peek: 127.0.0.1:1/a'* ]]
	run -3 --separate-stderr lp-peek -q --find=app "$A:1.0" oci:none "$A:2.0"
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr = 'lp-peek: oci:none: '* && $stderr != *$'\n'* ]]
	# one that has no such path has not failed; if none has one, that is the answer
	run -0 --separate-stderr lp-peek -q --find='*log4j*' "$A:1.0" "$A:2.0"
	[ "${#lines[@]}" -eq 1 ] && [ -z "$stderr" ]
	run -4 --separate-stderr lp-peek -q --find=nothing "$A:1.0" "$A:2.0"
	[ "$stderr" = 'lp-peek: nothing: no such path in any of 2 images' ]
	# a gate is closed by any of them
	run -4 --separate-stderr lp-peek -q --find='*log4j*' --fail-if-found "$A:1.0" "$A:2.0"
	[ "$stderr" = "lp-peek: found in $A:1.0: 1" ]
	# what a message is about
	tar -cf - -C "$BATS_FILE_TMPDIR/one" . | head -c 700 >cut.tar
	layout_make cut v1 cut.tar
	run -4 --separate-stderr lp-peek -c --du "$A:2.0" oci:cut:v1
	[ "$stderr" = 'lp-peek: oci:cut:v1: preview: of 1 layer, 1 is not listed to the end' ]
}

@test "what is of one or two images refuses more, in a sentence" {
	local args
	for args in '--cat=app a b' '--diff a b c' '--diff=a b c' "--tags=1 --diff a b" "--tags=1 --cat=x a" '-o image,name --diff a b'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-peek $args
		[[ ${lines[0]} = 'lp-peek: '*' '* && ${#lines[@]} -eq 1 ]]
	done
	run -2 lp-peek --user=x --digest "$A:1.0" other.example.org/a:1
	[[ ${lines[0]} = *'is for one registry, and these are two'* ]]
}

@test "--ndjson: the lines of -j's arrays, for every question that has rows, labelled where there are several images" {
	local question key
	while read -r key question; do
		# shellcheck disable=SC2086 # words
		lp-peek -q --ndjson $question "$A:1.1" >lines
		# shellcheck disable=SC2086 # words
		lp-peek -q -j $question "$A:1.1" | jq -c ".${key}[]" >want
		[ -s want ]
		jq -c 'select(has("total") | not)' lines | cmp want - || { echo "$key $question"; return 1; }
		# shellcheck disable=SC2086 # words
		lp-peek -q --ndjson $question "$A:1.0" "$A:1.1" | jq -c --arg i "$A:1.1" 'select((has("total") | not) and .image == $i) | del(.image)' | cmp want -
	done <<-EOF
		all_entries
		all_entries --find=*log4j*
		all_entries --top=2
		directories --du
		history --history
	EOF
	lp-peek -q --ndjson --config "$A:1.1" | jq -r '[.setting, .value] | @tsv' | cmp - <(lp-peek -q --config "$A:1.1")
	lp-peek -q --ndjson --digest "$A:1.1" | jq -r .digest | cmp - <(lp-peek -q --digest "$A:1.1")
	lp-peek -q -j --tags='1.*' "$A" | jq -r .tag | cmp - <(lp-peek -q --tags='1.*' "$A")
	lp-peek -q --ndjson -E "$A:1.1" | jq -es '.[-1].end.complete'
	run -2 lp-peek --ndjson --layers "$A:1.1"
	run -2 lp-peek --ndjson -j "$A:1.1"
}

@test "-j and --ndjson with --diff: the rows of TSV, their total, one document about the new image" {
	lp-peek -qc --diff "$A:1.0" "$A:1.1" >rows
	lp-peek -qc --ndjson --diff "$A:1.0" "$A:1.1" >lines
	jq -r 'select(.change) | [.change, (if .what == "" then "-" else .what end), .mode, .uid, .gid, .size, .mtime, .name, .linkname, .layer] | @tsv' lines | cmp rows -
	[ "$(wc -l <rows)" -eq 2 ]
	jq -c 'select(.total).total' lines |
	    cmp - <(printf '{"old":"%s","new":"%s","added":1,"modified":1,"deleted":0,"bytes":100000,"not_compared":0}\n' "$A:1.0" "$A:1.1")
	lp-peek -qc -j --diff "$A:1.0" "$A:1.1" >doc
	jq -c '.changes[]' doc | cmp - <(jq -c 'select(.change)' lines)
	jq -e --arg i "$A:1.1" '.image == $i and (.layers | length) == 3 and .complete and .error == null and .total.old != .total.new and .total_entries == (.changes | length)' doc
	run -3 --separate-stderr lp-peek -q -j --diff "$A:1.0" oci:none
	jq -e '.error != null and .changes == []' <<<"$output"
}

@test "--help: by question, in 80 columns; the page has the same groups" {
	local group
	lp-peek --help >help
	run ! grep -E '.{81}' help
	[ "$(grep -c ':$' help)" -ge 9 ]
	while read -r group; do
		grep -qE "(^|\. )${group%%,*}.*:\$" help
	done < <(sed -n '/^\.Sh DESCRIPTION/,/^\.Ss Several/s/^\.Ss //p' "$TOP/man/lp-peek.1" | grep -v Several)
	[ "$(sed -n '/^\.Sh DESCRIPTION/,/^\.Ss Several/s/^\.Ss //p' "$TOP/man/lp-peek.1" | wc -l)" -ge 8 ]
}
