#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154,SC2094 # inner shells expand it; bats sets stderr; tar reads what is named before
# lp-peek: one command over a real registry, offline, on a terminal, and
# when things go wrong.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../lib/secrets

setup_file() {
	srv_init
	# nothing is secret there, and much is fetched
	LP_KEEP='' image_start reg public/app:1
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
	OCI=oci:$LAYOUT:app:1
}

# The image as the filters list it, joined by hand: FILE for `lp-peek IMAGE`.
by_hand() { # IMAGE BYTES OUT
	local n=0 source args=()
	while read -r source _; do
		n=$((n + 1))
		lp-fetch "${2:--a}" "$source" 2>/dev/null | lp-inflate -q | lp-tarls -qE >"hand.$n"
		args+=("$n=hand.$n")
	done < <(lp-layers "$1")
	lp-merge -q "${args[@]}" >"$3"
}

# On a terminal of COLUMNS x ROWS: everything that was written to it, in OUT.
on_terminal() { # COLUMNS ROWS OUT COMMAND...
	local columns=$1 rows=$2 out=$3
	shift 3
	TERM=xterm script -qec "stty cols $columns rows $rows; $(printf '%q ' "$@")" /dev/null </dev/null >"$out"
}

@test "merged rows equal the pipeline's, from a registry and from a layout" {
	image=$(srv_addr reg)/public/app:1
	by_hand "$OCI" -n65536 want
	lp-peek -q -n 64K "$OCI" >got
	cmp want got
	lp-peek -q "$image" >got
	cmp want got
	[ "$(wc -l <got)" -gt 100 ]
}

@test "-c of a layer that ends too early: exit 4, and -q too says why" {
	tar -cf cut.tar "$FIX"
	truncate -s 20000 cut.tar
	layout_make short v1 cut.tar
	run -4 --separate-stderr lp-peek -qc oci:short:v1
	[ -n "$output" ]
	[ "$stderr" = 'lp-peek: preview: of 1 layer, 1 is not listed to the end' ]
}

@test "-c: complete, the same as the pipeline's and as a second time" {
	by_hand "$OCI" -a want
	[ -s want ]
	lp-peek -c "$(srv_addr reg)/public/app:1" >got 2>err
	cmp want got
	[ ! -s err ]
	lp-peek -c "$(srv_addr reg)/public/app:1" >again
	cmp got again
	# the listing was kept, the layers were not
	[ "$(find cache/layer-peek/store -type f -size +16k | wc -l)" -eq 0 ]
}

@test "a second run downloads nothing, an offline one neither, and both give the same bytes" {
	# LeakSanitizer does not run under strace
	export ASAN_OPTIONS=detect_leaks=0
	image=$(srv_addr reg)/public/app:1
	LP_STATS=$PWD/first lp-peek -q "$image" >one
	[ "$(downloaded first)" -gt 65536 ]
	LP_STATS=$PWD/second lp-peek -q "$image" >two
	cmp one two
	[ "$(downloaded second)" -eq 0 ]
	run -0 strace -f -e trace=socket,connect -o calls lp-peek -q --offline "$image"
	run -0 --separate-stderr lp-peek --offline "$image"
	[[ $stderr == *preview* && $stderr != *"to record it"* ]]
	lp-peek -q --offline "$image" >three
	cmp one three
	run ! grep -E 'AF_INET' calls
}

@test "offline without a recording: exit 4, and what to do" {
	run -4 --separate-stderr lp-peek --offline "$(srv_addr reg)/public/app:1"
	[[ $stderr == *"once, without --offline"* ]]
	[ -z "$output" ]
}

@test "-j: one document, the rows of lp-merge -j in it" {
	lp-peek -q -n 64K -j "$OCI" >doc
	jq -e '(.layers | length) == 4 and .layers_peeked == 4 and .layers_from_cache == 0
		and .complete == false and .error == null and .platform == "linux/amd64"
		and (.image_digest | startswith("sha256:"))
		and (.all_entries | length) == .total_entries
		and ([.layers[] | .partial] == [true, true, true, false])
		and ([.layers[] | has("digest", "media_type", "size", "created_by", "bytes_downloaded",
			"bytes_decompressed", "entries_found", "from_cache", "error")] | all)' doc
	lp-peek -q -n 64K "$OCI" | cut -f6 | sort >want
	jq -r '.all_entries[] | .name' doc | sort >got
	[ "$(wc -l <want)" -eq "$(wc -l <got)" ]
	lp-peek -q -n 64K -j "$OCI" | jq -e '.layers_from_cache == 4 and .total_bytes_downloaded == 0'
	lp-peek -qc -j "$OCI" | jq -e '.complete and ([.layers[].partial] | any | not)'
}

@test "-j of what does not exist is a document too" {
	run -3 --separate-stderr lp-peek -j "$(srv_addr reg)/public/none:1"
	jq -e '(.error | test("404")) and .layers == [] and .total_entries == null and .complete == false' <<<"$output"
}

@test "--layers and --layer: each layer's own rows" {
	lp-layers "$OCI" | while read -r source _; do
		lp-fetch "$source" | lp-inflate -q | lp-tarls -q
	done >want
	lp-peek -q -n 64K --layers "$OCI" >got
	grep -v '^#' got | cmp want -
	head -n 1 got | grep -F $'#image\tname='"$OCI"$'\tdigest=sha256:'
	[ "$(grep -c $'^#layer\tindex=[1-4]\tdigest=sha256:[0-9a-f]*\tsize=[0-9]*$' got)" -eq 4 ]
	digest=$(lp-layers -o digest "$OCI" | sed -n 4p)
	lp-peek -q --layer=4 "$OCI" >got
	lp-peek -q --layer="${digest:0:15}" "$OCI" | cmp got -
	lp-peek -q --layer="${digest#sha256:}" "$OCI" | cmp got -
	grep -q 'wh..wh..opq' got
	lp-peek -qj -n 64K --layers "$OCI" | jq -r '.layers[] | .entries[] | .name' | wc -l >json
	[ "$(cat json)" -eq "$(wc -l <want)" ]
	lp-peek -qj --layer=4 "$OCI" | jq -e '(.layers | length) == 1 and ([.layers[0].entries[].name] | index("etc/nginx/snippets/.wh..wh..opq"))'
	run -4 lp-peek --layer=5 "$OCI"
	[[ $output == *"has no layer 5 (4 layers)"* ]]
	run -4 --separate-stderr lp-peek -qj --layer=5 "$OCI"
	jq -e '.error | endswith("has no layer 5 (4 layers)")' <<<"$output"
}

@test "what lies here is listed whole; of the rest it is said what it costs, wherever it is looked at" {
	lp-peek -qn 64K "$OCI" >part
	lp-peek -qE "$OCI" >got
	grep -q $'^#end\t.*complete=yes' got
	[ "$(wc -l <got)" -gt "$(wc -l <part)" ]
	image=$(srv_addr reg)/public/app:1
	all=$(lp-layers -o size "$OCI" | head -n 3 | awk '{ n += $1 } END { printf "%.1f MiB", n / 1048576 }')
	for how in '' --tree --du "--diff=$image"; do
		# shellcheck disable=SC2086 # words
		run -0 --separate-stderr lp-peek --no-cache --color=always $how "$image"
		[[ ${lines[0]} == *"preview: of 4 layers, 3 not seen to the end; -c lists all, and fetches up to $all"* ]]
		[[ $output == *'… '*'layer 2: seen to '*' not seen'* ]]
		[[ $stderr == *"of 4 layers, 3 are not listed to the end (-c lists all, and fetches up to $all)" ]]
	done
	run -0 lp-peek -q --no-cache --color=always --layers "$image"
	[ "$(grep -c '^… layer [123]: seen to ' <<<"$output")" -eq 3 ]
	# rows are rows
	lp-peek -q --no-cache "$image" >got
	cmp part got
	# what the store has whole is as near
	lp-layers -q -o source "$image" | lp-fetch -q --fill -a -S "$PWD/st"
	lp-peek -qE -S "$PWD/st" --db="$PWD/new.db" "$image" | grep $'^#end\t.*complete=yes'
}

@test "what --layers prints is what lp-merge takes, in order, also from ten layers on" {
	local files=() named=()
	for n in {1..11}; do
		echo "$n" >all
		echo "$n" >"f$n"
		tar -cf "$n.tar" all "f$n"
		files+=("$n.tar")
	done
	layout_make lay v1 "${files[@]}"
	for n in {1..11}; do
		lp-tarls -qE --layer=x "$n.tar" >"$n.tsv"
		named+=("$n=$n.tsv")
	done
	lp-merge -qaE "${named[@]}" | sed 's/\tbytes=.*//' >want
	[ "$(wc -l <want)" -eq 23 ]
	lp-peek -qE --layers oci:lay:v1 >stream
	lp-merge -qaE stream | sed 's/\tbytes=.*//' | cmp want -
	lp-merge -qaE - <stream | sed 's/\tbytes=.*//' | cmp want -
	for kind in --summary --diff --check; do
		lp-merge -q $kind "${named[@]}" >want
		lp-merge -q $kind stream | cmp want -
	done
	# other columns, and a pipe that is slow
	lp-peek -qHE -o name,size,mode --layers oci:lay:v1 | while IFS= read -r line; do printf '%s\n' "$line"; done |
	    lp-merge -qo layer,name - | grep -x $'11\tall'
	cat stream stream >both
	run -1 --separate-stderr lp-merge -q both
	[[ $stderr == *'a second image begins' ]]
}

@test "-n decides how much, and a known preview serves for less and not for more" {
	lp-peek -q -n 256K "$OCI" >large
	LP_STATS=$PWD/stats lp-peek -q -n 64K "$OCI" >small
	cmp large small
	run ! grep -q lp-tarls stats
	LP_STATS=$PWD/more lp-peek -q -n 512K "$OCI" >larger
	grep -q lp-tarls more
	[ "$(wc -l <larger)" -gt "$(wc -l <large)" ]
	LP_STATS=$PWD/fresh lp-peek -q -n 64K --refresh "$OCI" >fresh-rows
	grep -q lp-tarls fresh
	[ "$(wc -l <fresh-rows)" -lt "$(wc -l <large)" ]
}

@test "--no-cache leaves nothing behind" {
	lp-peek -q --no-cache "$(srv_addr reg)/public/app:1" >got
	lp-peek -q -n 64K "$OCI" | cmp got -
	rm -rf cache
	lp-peek -q --no-cache "$(srv_addr reg)/public/app:1" >/dev/null
	[ ! -e cache ]
	run -2 lp-peek --no-cache --offline "$OCI"
}

# bats test_tags=native
@test "without a place for unnamed files they are memory" {
	lp-peek -q -n 64K "$OCI" >want
	[ -s want ]
	TMPDIR=$PWD/nowhere lp-peek -q --no-cache "$(srv_addr reg)/public/app:1" | cmp want -
}

@test "--find: in all layers, with what hides a hit, and by which layer; the same from rows" {
	for n in 1 2 3 4; do lp-peek -qcE --layer=$n "$OCI" >$n; done
	lp-merge -qa -m etc/nginx/snippets/app.conf 1=1 2=2 3=3 4=4 >want
	lp-peek -qc "$OCI" | grep -P '\tetc/nginx/snippets/app.conf\t' | cmp - <(sed -n 1p want | cut -f 1-8)
	lp-peek -q --find=etc/nginx/snippets/app.conf "$OCI" | cmp want -
	lp-merge -qa -m 'usr/bin/*' 1=1 2=2 3=3 4=4 >want
	[ "$(wc -l <want)" -gt 100 ]
	lp-peek -q --find='usr/bin/*' "$OCI" | cmp want -
	# what the third layer deleted
	run -0 lp-peek -q --find=usr/share/doc/perl-base/copyright -o name,layer,hidden,hidden_by "$OCI"
	[ "$output" = $'usr/share/doc/perl-base/copyright\t1\twhiteout\t3' ]
	run -0 lp-peek -q --color=always --find=usr/share/doc/perl-base/copyright "$OCI"
	[[ ${lines[1]} == *'  (deleted by layer 3)' ]]
	run -4 lp-peek --find="*/there is no such thing" "$OCI"
	[[ $output == *"no such path"* ]]
}

@test "--find: a name in any directory, several of them, capitals; --fail-if-found is a gate that does not fail open" {
	mkdir -p a/root/.ssh b/root/.ssh c/root/.ssh
	echo key >a/root/.ssh/id_rsa
	echo KEY >b/root/.ssh/ID_RSA
	touch c/root/.ssh/.wh.id_rsa
	for n in a b c; do tar --sort=name -C $n -cf $n.tar root; done
	layout_make lay v1 a.tar b.tar c.tar
	for pattern in '*id_rsa' id_rsa /root/.ssh/id_rsa root/.ssh/id_rs[a]; do
		run -0 lp-peek -q --find="$pattern" -o name,layer,hidden,hidden_by oci:lay:v1
		[ "$output" = $'root/.ssh/id_rsa\t1\twhiteout\t3' ]
	done
	run -0 lp-peek -qi --find=Id_Rsa -o name,layer,hidden,hidden_by oci:lay:v1
	[ "$output" = $'root/.ssh/ID_RSA\t2\t\t\nroot/.ssh/id_rsa\t1\twhiteout\t3' ]
	run -0 lp-peek -q --find=ID_RSA --find=.ssh -o name,layer oci:lay:v1
	[ "$output" = $'root/.ssh\t3\nroot/.ssh\t2\nroot/.ssh\t1\nroot/.ssh/ID_RSA\t2' ]
	run -4 --separate-stderr lp-peek -q --find=one --find=two oci:lay:v1
	[ "$stderr" = 'lp-peek: none of 2 patterns is of a path in oci:lay:v1' ]
	run -0 --separate-stderr lp-peek -q --find=nothing --fail-if-found oci:lay:v1
	[ -z "$output$stderr" ]
	run -4 --separate-stderr lp-peek -q --find=id_rsa --fail-if-found -o name oci:lay:v1
	[ "$output" = root/.ssh/id_rsa ]
	[ "$stderr" = 'lp-peek: found in oci:lay:v1: 1' ]
	# what cannot be read may have it
	truncate -s 1000 c.tar
	layout_make cut v1 a.tar b.tar c.tar
	run -4 --separate-stderr lp-peek -q --find=nothing --fail-if-found oci:cut:v1
	[[ $stderr == *'not listed to the end'* ]]
	run -3 lp-peek -q --find=nothing --fail-if-found oci:none:v1
}

@test "-i and --fail-if-found belong to --find" {
	for args in -i --fail-if-found '-i --cat=a' '--fail-if-found --tree'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-peek $args "$OCI"
		[[ ${lines[0]} == *'belong to --find' ]]
	done
}

# bats test_tags=native
@test "--cat of an early file reads little of a large layer" {
	head -c 8000000 /dev/urandom >noise
	echo here >first
	tar -cf - first noise | gzip -1 >layer.tar.gz
	layout_make layout one layer.tar.gz
	registry_push layout:one reg find/app:1
	LP_STATS=$PWD/stats2 lp-peek -q --cat=first "$(srv_addr reg)/find/app:1" >got
	[ "$(cat got)" = here ]
	[ "$(downloaded stats2)" -lt 1000000 ]
}

@test "--cat: content, through links of other layers; no such file, and no file" {
	lp-peek -q --cat=/bin/sh "$OCI" >got
	source=$(lp-layers "$OCI" | head -n 1 | cut -f1)
	lp-fetch -a "$source" | lp-inflate -q | lp-cat -q usr/bin/dash | cmp - got
	run -4 lp-peek --cat=etc "$OCI"
	run -4 lp-peek --cat=etc/none "$OCI"
	[[ $output == *"etc/none: no such path"* ]]
}

# What the registry announces, and what the config holds, are the oracle: skopeo reads both by itself.
@test "--config, --digest, --platforms and --tags: lp-layers' answers, and no layer is read" {
	image=$(srv_addr reg)/public/app:1
	skopeo inspect --tls-verify=false "docker://$image" >inspect
	skopeo inspect --config --tls-verify=false "docker://$image" >config
	[ "$(lp-peek --digest "$image")" = "$(jq -r .Digest inspect)" ]
	lp-peek --tags "$image" | cmp - <(jq -r '.RepoTags[]' inspect)
	[ "$(lp-peek -H --platforms "$image" | cut -f 1)" = $'platform\nlinux/amd64' ]
	lp-peek -j --config "$image" | jq -S .config | cmp - <(jq -S .config config)
	lp-peek --config "$image" >got
	cmp got - <<-E
		platform	linux/amd64
		created	$(jq -r .created config)
		author	$(jq -r .author config)
		cmd	$(jq -c .config.Cmd config)
		expose	$(jq -r '.config.ExposedPorts | keys[]' config)
	E
	lp-layers --settings "$OCI" | cmp - got
	lp-layers -j --settings "$OCI" | jq -r '[.setting, .value] | @tsv' | cmp - got
	# what would have no meaning is refused; without a place for listings none is needed
	for args in '-c --config' '-n 1K --digest' '--db=x --tags' '--refresh --platforms' '-o name --config' '-E --tags' '-H --digest' \
	    '-H --tags' '--config --digest' '--tags --tree'; do
		run -2 bash -c "lp-peek $args $image"
	done
	LP_CACHE=/dev/null/x run -0 --separate-stderr lp-peek --digest "$image"
	[ -z "$stderr" ]
	run -4 --separate-stderr lp-peek --tags "$OCI"
	[[ -z $output && $stderr == 'lp-peek: '* ]]
	[ ! -e cache/layer-peek/listings.db ]
	run -0 lp-peek --find=nginx "$OCI"
	[ -n "$(find cache -name '*.db')" ]
}

@test "--settings: all that a config may set, odd values left out, names that no terminal obeys" {
	mkdir t
	tar -C t -cf t.tar .
	layout_make lay v1 t.tar
	jq '.author = "" | .config = {User: "1000:0", WorkingDir: "/w", Entrypoint: ["/e", "a b"], Cmd: [], Env: ["A=1", 7, "B=x\ty"],
		ExposedPorts: {"80/tcp": {}, "443/tcp": {}}, Volumes: null, Labels: {"k": "v=w", "esc": "\u001b[31m\u009b"}, StopSignal: "SIGQUIT",
		Healthcheck: {Test: ["CMD", "x"], Interval: 1}, Shell: ["/bin/bash"], OnBuild: ["RUN x"], Odd: 1}' \
	    "lay/blobs/sha256/$(lp-layers --manifest oci:lay:v1 | jq -r '.config.digest[7:]')" >config
	layout_blob lay config application/vnd.oci.image.config.v1+json >descriptor
	lp-layers --manifest oci:lay:v1 | jq --slurpfile d descriptor '.config = $d[0]' >manifest
	layout_blob lay manifest application/vnd.oci.image.manifest.v1+json |
	    jq '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' >lay/index.json
	c1=$'\u9b'
	lp-layers --settings oci:lay:v1 | grep -vE '^(platform|created)\b' >got
	cmp got - <<-E
		user	1000:0
		workdir	/w
		entrypoint	["/e","a b"]
		env	A=1
		env	B=x\\ty
		expose	80/tcp
		expose	443/tcp
		label	k=v=w
		label	esc=\\x1b[31m$c1
		stopsignal	SIGQUIT
		healthcheck	{"Test":["CMD","x"],"Interval":1}
		shell	["/bin/bash"]
		onbuild	RUN x
	E
	# on a terminal none of them is raw, whoever prints it
	on_terminal 80 24 tty sh -c 'lp-layers --settings oci:lay:v1; lp-layers --config oci:lay:v1; lp-peek --no-pager --config oci:lay:v1'
	run ! grep -aqP '\x1b\[31m|\xc2\x9b' tty
	grep -c 'esc=' tty
}

@test "--top: the largest files, as sort has them; --history: what each layer adds and hides, in 80 columns" {
	by_hand "$OCI" -a want
	grep ^- want | LC_ALL=C sort -t "$(printf '\t')" -k4,4nr -k6,6 >sorted
	lp-peek -q --top=30 "$OCI" | cmp - <(head -n 30 sorted)
	lp-peek -q --top "$OCI" | cmp - <(head -n 20 sorted)
	lp-peek -q -E --top=1 "$OCI" | grep -P '^#end\tentries=1\tcomplete=yes\t'
	lp-merge -q --by-size 1=hand.1 2=hand.2 3=hand.3 4=hand.4 | cmp - sorted
	lp-merge -q --by-size -m 'etc/*' -n 2 1=hand.1 2=hand.2 3=hand.3 4=hand.4 | cmp - <(grep -P '\tetc/' sorted | head -n 2)
	run -2 lp-peek --top=0 "$OCI"
	run -2 lp-merge -a --by-size hand.1
	run -2 lp-merge --du --by-size hand.1

	lp-peek -q -H --history "$OCI" >got
	lp-merge -qH --summary 1=hand.1 2=hand.2 3=hand.3 4=hand.4 >sums
	cut -f 1,3-7 got | cmp - sums
	lp-layers -H -o size,created_by "$OCI" | cmp - <(cut -f 2,8 got)
	on_terminal 80 24 tty lp-peek --no-pager --color=never --history "$OCI"
	grep -qE '^ +1  48\.[0-9] MiB +110 MiB  3\.[0-9]+ MiB  debootstrap --variant=minbase bookworm' tty
	[ "$(grep -E '^ +[0-9] ' tty | tr -d '\r' | wc -L)" -eq 80 ]
	# a preview's sums are marked
	on_terminal 80 24 tty lp-peek --no-cache --no-pager --color=never -n 64K --history "$OCI"
	grep -qE '^ +1 .*B\+ .*B\+  debootstrap' tty
	grep -q 'layer 1: seen to' tty
}

@test "--waste: as dive counts it, worked out by its own procedure; gates; a preview passes none" {
	local n=0 args=()
	for digest in $(lp-layers -o digest "$OCI"); do
		n=$((n + 1))
		gzip -dc "$LAYOUT/blobs/sha256/${digest#sha256:}" >$n.tar
		args+=("$n.tar")
	done
	"$LIB/divewaste" "${args[@]}" >want
	lp-peek -q --waste "$OCI" >got
	tail -n 1 got | tr '\t' '\n' | sed -n 's/^dive_[a-z_]*=//p' | paste -s -d ' ' | cmp want -
	# ours: what -a says is hidden, but for content that has another name
	wasted=$(tail -n 1 got | grep -oP '\twasted=\K[0-9]+')
	[ "$wasted" -eq "$(grep -v '^#' got | awk -F '\t' '{ n += $1 } END { print n }')" ]
	[ "$wasted" -eq "$(lp-peek -q --history "$OCI" | awk -F '\t' '{ n += $6 } END { print n }')" ]
	grep -qP '^1264552\t1\t2\toverwritten\t3\tusr/sbin/nginx$' got
	lp-peek -q --waste --max-waste=5% "$OCI" | cmp got -
	run -4 --separate-stderr lp-peek -q --waste --max-waste=1% "$OCI"
	[[ $stderr == *'wasted share: 0.0414, the bound is 0.0100' ]]
	printf 'rules:\n  lowestEfficiency: 0.98\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.05\n' >.dive-ci
	run -4 --separate-stderr lp-peek -q --waste --dive-rules=.dive-ci "$OCI"
	[[ $stderr == *'highestUserWastedPercent: 0.0871, the bound is 0.0500' ]]
	# a gate lists to the end; where it may not, it does not open
	lp-peek -q --waste --max-waste=5% --no-cache "$(srv_addr reg)/public/app:1" | cmp got -
	on_terminal 80 24 tty lp-peek --no-pager --color=never --waste "$OCI"
	grep -qE '^1\.21 MiB +2  overwritten +3  usr/sbin/nginx' tty
	grep -qE '^5\.96 MiB of 144 MiB wasted \(4\.14 %\)' tty
	run -2 lp-peek --max-waste=1 "$OCI"
	run -2 lp-peek --du --dive-rules=.dive-ci "$OCI"
}

@test "a path: a layout, an archive, or any other tar, by what is there" {
	local file want
	mkdir t plain.io
	echo one >t/one
	ln t/one t/two
	tar -C t -cf layer.tar .
	gzip -k layer.tar
	zstd -q layer.tar
	skopeo copy -q "$OCI" docker-archive:saved.tar:app:1
	skopeo copy -q "$OCI" oci-archive:oci.tar:app:1
	skopeo copy -q "$OCI" dir:copy
	gzip -k saved.tar
	want=$(lp-peek -q "$OCI" | cksum)
	for file in "$LAYOUT" saved.tar ./oci.tar "$PWD/saved.tar.gz" copy; do
		[ "$(lp-peek -q --no-cache "$file" | cksum)" = "$want" ] || { echo "$file"; return 1; }
	done
	[ "$(lp-peek --config oci.tar | head -n 1)" = $'platform\tlinux/amd64' ]
	# what was read whole is all of a file that is a layer: nobody claims anything
	for file in layer.tar ./layer.tar.gz "$PWD/layer.tar.zst"; do
		lp-peek -E "$file" >got 2>err
		[ ! -s err ]
		cut -f 6,7 got | head -n 3 | cmp - <(printf '.\t\none\t\ntwo\tone\n')
		[[ $(tail -n 1 got) == $'#end\tentries=3\tcomplete=yes\t'* ]]
		[ "$(lp-peek --cat=two "$file")" = one ]
		lp-peek -j "$file" | jq -e '.complete and .layers[0].origin == null and .layers[0].digest == null'
	done
	lp-peek --diff layer.tar layer.tar.gz >got
	[ ! -s got ]
	run -4 --separate-stderr lp-peek --config layer.tar
	[ "$stderr" = 'lp-peek: layer.tar: a layer alone has no configuration, name or platform' ]
	run -3 --separate-stderr lp-peek ./nothere
	[ "$stderr" = 'lp-peek: ./nothere: No such file or directory' ]
	run -3 --separate-stderr lp-peek "$PWD"
	[[ $stderr == *': a directory, and neither an OCI layout nor '* ]]
	run -3 --separate-stderr lp-peek <(cat saved.tar)
	[[ $stderr == 'lp-peek: /dev/fd/'*': no file: write docker-archive:PATH or '* ]]
	noise a 5000 >junk
	run -1 --separate-stderr lp-peek junk
	[[ $stderr == 'lp-peek: junk: lp-tarls: <stdin>: byte 0: '* ]]
	: >empty
	run -1 --separate-stderr lp-peek empty
	head -c 150 layer.tar.gz >cut.gz
	run -4 --separate-stderr lp-peek cut.gz
	[[ $stderr == *"not listed to the end"* || $stderr == *"byte 150"* ]]
	# a directory that is no layout hides no registry of that name
	run -4 --separate-stderr lp-peek -O plain.io/x:1
	[[ $stderr != *directory* ]]
}

@test "-j --tree: nested, in a document" {
	mkdir new
	printf 'one\n' >new/same
	printf 'three\n' >new/file
	mkdir new/dir
	: >new/dir/more
	tar --sort=name --mtime=@2 -C new -cf new.tar .
	layout_make after v new.tar
	lp-peek -q --no-cache -j --tree=1 oci:after:v >got
	jq -e '.image == "oci:after:v" and .complete and (.layers | length) == 1 and .error == null and (has("all_entries") | not)
	    and (.tree | map([.name, .entries, .size])) == [["dir", 1, 0], ["file", null, 6], ["same", null, 4]]' got
	lp-peek -q --no-cache -j --tree oci:after:v | jq -e '.tree[0].children[0].name == "dir/more"'
	# one that is not there is a document, too
	run -3 --separate-stderr lp-peek -q --no-cache -j --tree oci:none:new
	jq -e '.complete == false and (.error | test("none")) and .tree == []' <<<"$output"
}

@test "-j --du, --history and --waste: what lp-merge -j writes, in a document" {
	by_hand "$OCI" -a want
	listings=("1=hand.1" "2=hand.2" "3=hand.3" "4=hand.4")
	lp-peek -qj --du=1 "$OCI" | jq -c '.directories[]' | cmp - <(lp-merge -qj --du=1 "${listings[@]}")
	lp-peek -qj --history "$OCI" >got
	jq -c '.history[]' got | cmp - <(lp-merge -qj --summary "${listings[@]}")
	jq -e '.complete and (.layers | length) == 4 and .layers[1].size == 13458067 and .error == null' got
	lp-peek -qj --waste "$OCI" >got
	jq -c '.waste[]' got | cmp - <(lp-merge -qj --waste "${listings[@]}" | sed '$d')
	jq -e '.total.wasted == 6244314 and .complete and (has("all_entries") | not)' got
	run -4 --separate-stderr lp-peek -qj --waste --max-waste=1% "$OCI"
	jq -e '.total.efficiency == 0.9585' <<<"$output"
	# of a preview it is said
	lp-peek -qj --no-cache -n 64K --waste "$OCI" | jq -e '.complete | not'
}

@test "--tree and --du" {
	lp-peek -q --tree=1 "$OCI" >got
	grep -qx 'bin -> usr/bin' got
	grep -qE '^etc \([0-9]+ entries, [0-9.]+ [KM]iB\)$' got
	lp-peek -q --tree "$OCI" | grep '├── '
	LC_ALL=C lp-peek -q --tree "$OCI" | grep -F '|-- '
	by_hand "$OCI" -n65536 /dev/null
	lp-merge -q --du=2 1=hand.1 2=hand.2 3=hand.3 4=hand.4 >want
	lp-peek -q --no-cache -n 64K --du=2 "$OCI" | cmp want -
	lp-peek -q -c "$OCI" | wc -l >rows
	# the root has no line of its own
	[ "$(lp-peek -q -c --tree "$OCI" | wc -l)" -eq $(($(cat rows) - 1)) ]
}

@test "--diff: added, deleted, modified; what both share is fetched once" {
	mkdir -p a/dir b/dir
	echo same | tee a/same b/same >/dev/null
	echo old >a/changed
	echo newer >b/changed
	echo gone >a/gone
	echo fresh >b/fresh
	touch -d @1000000000 a/* b/* a b a/dir b/dir
	tar -C a -cf a.tar .
	tar -C b -cf b.tar .
	head -c 3000000 /dev/urandom >noise
	tar -cf - noise | gzip -1 >base.tar.gz
	layout_make la one base.tar.gz a.tar
	layout_make lb one base.tar.gz b.tar
	registry_push la:one reg diff/a:1
	registry_push lb:one reg diff/b:1
	LP_STATS=$PWD/stats lp-peek -qc --diff="$(srv_addr reg)/diff/b:1" "$(srv_addr reg)/diff/a:1" >got
	cut -f1,2,8 got >short
	diff short - <<-END
	M	size	changed
	A	-	fresh
	D	-	gone
	END
	lp-peek -qc --color=always --diff=oci:lb oci:la |
		cmp - <(printf -- '--- oci:la\n+++ oci:lb\n'
			printf '\e[%sm%s\e[0m%s\n' 33 'M changed' ' (size)' 32 'A fresh' '' 31 'D gone' ''
			echo '+3 B: 1 added, 1 changed, 1 deleted')
	# the old one, the new one
	lp-peek -qc --diff oci:la oci:lb | cmp - <(lp-peek -qc --diff=oci:lb oci:la)
	run -0 lp-peek -qc --color=always --diff oci:lb oci:la
	[ "${lines[-1]}" = '-3 B: 1 added, 1 changed, 1 deleted' ]
	for args in '--diff oci:la' '--diff=oci:la oci:la oci:lb' '--diff oci:la oci:lb oci:la' '--diff-platform=a/b oci:la'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-peek $args
	done
	base=$(sha256sum base.tar.gz | cut -d' ' -f1)
	[ "$(srv_requests reg ".method == \"GET\" and (.path | contains(\"$base\"))" 2>/dev/null | wc -l)" -le 1 ] ||
		[ "$(downloaded stats)" -lt 3500000 ]
	[ "$(downloaded stats)" -lt 3500000 ]
}

@test "--diff: content that nobody has compared is said, but of layers that are the same" {
	mkdir t
	: >t/empty
	for word in one two; do
		echo $word >t/file
		touch -d @1000 t t/file t/empty
		tar -C t -cf $word.tar .
	done
	# what is here is read, also if a listing is known, which may have no digests
	for _ in 1 2; do
		run -0 --separate-stderr lp-peek --diff one.tar two.tar
		[[ $output == $'M\tcontent\t'*$'\t./file\t\t1' || $output == $'M\tcontent\t'*$'\tfile\t\t1' ]]
		[ -z "$stderr" ]
	done
	# more than a head, of which all is kept
	noise 9 100000 >t/noise
	for word in one two; do
		echo $word >t/file
		touch -d @1000 t t/*
		tar -C t -cf $word.tar .
	done
	layout_make away v1 two.tar
	layout_make home v1 one.tar
	registry_push away:v1 reg content/away:1
	registry_push home:v1 reg content/home:1
	# what is far is read once: a listing that was made for something else has no digests
	for word in home away; do lp-peek -qc "$(srv_addr reg)/content/$word:1" >/dev/null; done
	run -0 --separate-stderr lp-peek -c --diff "$(srv_addr reg)/content/home:1" "$(srv_addr reg)/content/away:1"
	[ -z "$output" ]
	[ "$stderr" = 'lp-peek: 2 files of the same size and time: content not compared' ]
	run -0 --separate-stderr lp-peek -cq --diff "$(srv_addr reg)/content/home:1" "$(srv_addr reg)/content/away:1"
	[ -z "$output$stderr" ]
	run -0 lp-peek -c --color=always --diff "$(srv_addr reg)/content/home:1" "$(srv_addr reg)/content/away:1"
	[ "${lines[2]} ${lines[3]}" = '2 files of the same size and time: content not compared 0 B: 0 added, 0 changed, 0 deleted' ]
	for again in --refresh -q; do
		run -0 --separate-stderr lp-peek -c $again --diff "$(srv_addr reg)/content/home:1" "$(srv_addr reg)/content/away:1"
		[[ $output == $'M\tcontent\t'* && $stderr != *'not compared'* ]]
	done
	layout_make lay v1 one.tar two.tar
	layout_make both v1 one.tar two.tar
	run -0 --separate-stderr lp-peek --diff oci:lay:v1 oci:both:v1
	[ -z "$output" ]
	[[ $stderr != *'not compared'* ]]
}

@test "--diff: a hard link is compared by its file, wherever that stands" {
	local i
	mkdir one two three four
	for i in one two three four; do
		echo 1234 >$i/a
		echo 12345678 >$i/z
	done
	ln one/a one/h
	ln two/z two/h
	echo 9876 >three/h
	ln four/a four/h # and the link comes first: the file is called h
	touch -d @1000000000 ./*/*
	for i in one two three; do
		tar -C $i -cf $i.tar a z h
		layout_make l$i one $i.tar
	done
	tar -C four -cf four.tar h a z
	layout_make lfour one four.tar
	for i in 'one two' 'two one' 'three two' 'two three' 'four two'; do
		echo "$i $(lp-peek -qc --diff=oci:"l${i#* }" oci:"l${i% *}" | cut -f1,2,8 | paste -sd ' ')"
	done >got
	printf '%s M\tsize\th\n' 'one two' 'two one' 'three two' 'two three' 'four two' | cmp - got
	# of the same size and time, but not the same
	for i in 'one three' 'three four'; do
		lp-peek -qc --diff=oci:"l${i#* }" oci:"l${i% *}" | cut -f1,2,8 | cmp - <(printf 'M\tcontent\th\n')
	done
	for i in 'one four' 'four one' 'two two'; do
		run ! --separate-stderr grep . < <(lp-peek -qc --diff=oci:"l${i#* }" oci:"l${i% *}" 2>&1)
	done
}

@test "--diff: devices, and hard links to what is no file, are compared by what they are" {
	python3 - <<'PY'
import tarfile
for image, minor, target, odd in ("one", 3, "x", b"0"), ("two", 5, "y", b"6"):
    with tarfile.open(image + ".tar", "w", format=tarfile.PAX_FORMAT) as t:
        def add(name, kind, link=""):
            m = tarfile.TarInfo(name)
            m.type, m.linkname, m.devmajor, m.devminor, m.uname = kind, link, 1, minor, image
            t.addfile(m)
        for name, kind, link in ("dev", b"3", ""), ("link", b"2", target), ("odd", odd, ""), ("same", b"6", ""):
            add(name, kind, link)
            add("to-" + name, b"1", name)
PY
	for i in one two; do
		layout_make $i v1 $i.tar
	done
	lp-peek -q --no-cache -o name,uname,devminor --diff=oci:two:v1 oci:one:v1 >got
	printf 'M\t%s\t%s\t%s\t%s\n' device dev two 5 linkname link two '' type odd two '' \
	    device to-dev two 5 linkname to-link two '' type to-odd two '' | cmp - got
}

@test "a question that is too much for any layer is answered with why" {
	local o name
	name=$(head -c 65537 /dev/zero | tr '\0' a)
	run -1 --separate-stderr lp-peek -q -c --cat="$name" "$OCI"
	[ "$output" = '' ]
	[[ $stderr = *': the name is longer than 65536 bytes' ]]
	# each row below a link of 60,000 bytes: it is followed again for each
	python3 - <<-'END'
		import tarfile
		with tarfile.open("busy.tar", "w", format=tarfile.PAX_FORMAT) as tar:
		    for name, kind, link in [("t", b"5", ""), ("s", b"2", "./" * 30000 + "t"),
		                             *((f"s/a{i}/x", b"0", "") for i in range(2000))]:
		        member = tarfile.TarInfo(name)
		        member.type, member.linkname = kind, link
		        tar.addfile(member)
	END
	layout_make busy one busy.tar
	run -1 --separate-stderr lp-peek -q -c --cat=nothing oci:busy:one
	[ "$output" = '' ]
	[[ $stderr = *': layer '*' hides and shows the same paths without end, or implies directories without end' ]]
	run -1 --separate-stderr lp-peek -q -c oci:busy:one
	[[ $stderr = *'without end'* ]]
}

@test "-o, -H, -0 and -E are lp-merge's" {
	by_hand "$OCI" -n65536 /dev/null
	for o in "-o name,size" "-H" "-0" "-E" "-H -o layer,name,xattrs"; do
		# shellcheck disable=SC2086 # words
		lp-merge -q $o 1=hand.1 2=hand.2 3=hand.3 4=hand.4 >want
		# shellcheck disable=SC2086
		lp-peek -q -n 64K $o "$OCI" >got
		[ "$o" = "-H -o layer,name,xattrs" ] || [ "$o" = -E ] || cmp want got
	done
	lp-peek -qE -n 64K "$OCI" | tail -n 1 | grep $'^#end\tentries=[0-9]*\tcomplete=no'
	run -2 lp-peek -o nonsense "$OCI"
	run -2 lp-peek -j -H "$OCI"
	run -2 lp-peek --tree --du "$OCI"
	run -2 lp-peek
	run -2 lp-peek --cat=x oci:a oci:b
}

@test "on a terminal: aligned, coloured, a summary; NO_COLOR and -q are heeded" {
	on_terminal 80 24 tty lp-peek --no-pager -n 64K "$OCI"
	sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r$//' tty >plain
	grep -qE '^MODE +UID +GID +SIZE +MODIFIED +LAYER +NAME$' plain
	grep -qE '^lrwxrwxrwx +0 +0 +[0-9]+ +2026-[0-9-]+ [0-9:]+ +1  bin -> usr/bin$' plain
	grep -qF $'\x1b[01;36mbin\x1b[0m' tty
	all=$(lp-layers -o size "$OCI" | awk '{ n += $1 } END { printf "%.1f MiB", n / 1048576 }')
	# how much was seen, and what the rest costs, in front; what was not seen, behind
	grep -qE '^preview: of 4 layers, 3 not seen to the end; -c lists all, and fetches nothing$' plain
	grep -qE '^… layer 2: seen to [a-z/.-]+[^ ]*, 12\.[0-9] MiB not seen$' plain
	[ "$(grep -c '^… layer [123]: ' plain)" -eq 3 ]
	grep -qE "^lp-peek: 4 layers, [0-9,]+ entries, preview; fetched [0-9.]+ [KMB]+i?B? of $all \\([0-9.]+ %\\)\$" plain
	NO_COLOR=1 on_terminal 80 24 tty lp-peek --no-pager "$OCI"
	run ! grep -qE $'\x1b\[[0-9;]*m' tty
	on_terminal 80 24 tty lp-peek -q --no-pager --color=never "$OCI"
	run ! grep -q 'entries, preview' tty
	# colours where they were asked for, and not otherwise, in a pipe
	lp-peek -q --color=always "$OCI" | grep -F $'\x1b[01;36mbin\x1b[0m'
	lp-peek -q "$OCI" >piped
	run ! grep -q $'\x1b' piped
}

@test "on a terminal, all fetched: the layers' bytes of the layers' bytes, without what the manifests cost" {
	noise one 30000 >one
	noise two 40000 >two
	tar -cf one.tar one
	tar -cf two.tar two
	layout_make small v1 one.tar two.tar
	registry_push "$PWD/small:v1" reg small/app:1
	image=$(srv_addr reg)/small/app:1
	all=$(lp-layers -o size "$image" | awk '{ n += $1 } END { printf "%.1f KiB", n / 1024 }')
	on_terminal 80 24 tty lp-peek --no-cache -c --no-pager "$image"
	grep -aF "lp-peek: 2 layers, 2 entries, complete; fetched $all of $all (100 %)" tty
	# the second time from the database: only the manifest is asked for
	on_terminal 80 24 tty lp-peek -c --no-pager "$image"
	on_terminal 80 24 tty lp-peek -c --no-pager "$image"
	grep -aF "lp-peek: 2 layers, 2 entries, complete; fetched 0 B of $all (0.00 %)" tty
}

# bats test_tags=native
@test "on a terminal: devices by their numbers, sums aligned, titles as wide as the screen, what is being done" {
	on_terminal 80 24 tty lp-peek -q --no-pager --color=never "$OCI"
	grep -qE '^crw-rw-rw- +0 +0 +1,3 ' tty
	on_terminal 80 24 tty lp-peek --no-pager --du=1 "$OCI"
	grep -qE ' SIZE +ENTRIES  PATH' tty
	grep -qE '^ *[0-9.]+ [KM]iB +[0-9,]+  etc' tty
	# the largest first
	[ "$(sed -nE 's/\r$//; s/^ *[0-9.]+ [KMi]*B +[0-9,]+  //p' tty | head -n 3 | tr '\n' ' ')" = '. usr var ' ]
	run ! grep -q '0 entries' tty
	on_terminal 80 24 tty lp-peek -q --no-pager --color=never --layers "$OCI"
	grep -qE '^layer 2  sha256:[0-9a-f]{12}  12\.8 MiB  apt-get .*\.\.\.' tty
	[ "$(grep '^layer' tty | tr -d '\r' | wc -L)" -le 80 ]
	# what made it is left out where it has no room
	for columns in 38 42 50; do
		on_terminal $columns 24 tty lp-peek -q --no-pager --color=never --layers "$OCI"
		[ "$(grep -a '^layer 2' tty | tr -d '\r' | wc -L)" -le $columns ]
	done
	delay_start slow 200 "$(srv_addr reg)"
	on_terminal 80 24 tty lp-peek --no-cache --no-pager "$(srv_addr slow)/public/app:1"
	grep -qF "looking up $(srv_addr slow)/public/app:1" tty
}

@test "a pager as git has it: LP_PAGER, PAGER, less -FRX; none in a pipe" {
	LP_PAGER='sed s/^/paged:/' PAGER=false on_terminal 80 24 tty lp-peek "$OCI"
	grep -q '^paged:.*usr/bin' tty
	PAGER='sed s/^/other:/' on_terminal 80 24 tty lp-peek "$OCI"
	grep -q '^other:.*usr/bin' tty
	# shellcheck disable=SC2016 # the pager expands it
	LP_PAGER='cat >/dev/null; echo "LESS=$LESS"' on_terminal 80 24 tty lp-peek "$OCI"
	grep -q 'LESS=FRX' tty
	LP_PAGER='' on_terminal 80 24 tty lp-peek "$OCI"
	grep -q 'usr/bin' tty
	LP_PAGER='sed s/^/paged:/' lp-peek -q "$OCI" >piped
	run ! grep -q paged: piped
	# a pager that is left early is no failure
	LP_PAGER='head -n 2' on_terminal 80 24 tty lp-peek -qc "$OCI"
	[ "$(grep -c $'\r$' tty)" -le 4 ]
}

@test "names that would talk to the terminal do not" {
	mkdir x
	touch x/$'evil\x1b[31mred' x/$'new\nline'
	tar -C x -cf x.tar .
	layout_make layout one x.tar
	on_terminal 80 24 tty lp-peek -q --no-pager --color=never oci:layout:one
	grep -qF 'evil\x1b[31mred' tty
	grep -qF 'new\nline' tty
	run ! grep -q $'\x1b' tty
}

@test "one layer fails: the others are listed, the status says so" {
	cp -r "$LAYOUT" broken
	chmod -R u+w broken
	victim=$(lp-layers -o digest "$OCI" | sed -n 2p)
	head -c 100 /dev/urandom >"broken/blobs/sha256/${victim#sha256:}"
	run -1 --separate-stderr lp-peek oci:broken:app:1
	[[ $stderr == *"layer 2: lp-"* ]]
	[[ $output == *"bin"* ]]
	run -1 --separate-stderr lp-peek -j oci:broken:app:1
	jq -e '.layers[1].error != null and .layers[0].error == null and .layers_peeked == 3 and .error != null' <<<"$output"
}

@test "no such platform: which there are; no such image; refused" {
	run -0 --separate-stderr lp-peek -p linux/s390x "$OCI"
	[[ $stderr == *"linux/amd64"* ]]
	jq '.manifests[0] += {platform: {os: "linux", architecture: "amd64"}} | .manifests[0].annotations = {}
		| .mediaType = "application/vnd.oci.image.index.v1+json"' "$LAYOUT/index.json" >index
	curl -sS -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index \
		"http://$(srv_addr reg)/v2/public/app/manifests/indexed" -o /dev/null
	run -4 lp-peek -p linux/s390x "$(srv_addr reg)/public/app:indexed"
	[[ $output == *linux/amd64* ]]
	run -3 lp-peek "$(srv_addr reg)/public/app:indexes"
	[[ $output == *404*"did you mean $(srv_addr reg)/public/app:indexed"* ]]
	run -3 lp-peek "$(srv_addr reg)/public/app:something-else"
	[[ $output == *"has 2 tags, none of them like that"* && $output != *"to record it"* ]]
	run -3 lp-peek "$(srv_addr reg)/public/none:1"
	run -3 lp-peek 127.0.0.1:1/x/y:1
	[[ $output == *127.0.0.1:1* ]]
}

@test "a rate limit that is low is told, and one that is not is not" {
	for left in 7 90; do
		rm -rf cache
		jq -n --arg v "$left;w=21600" '{"/v2/app/manifests/*": {headers: {"RateLimit-Remaining": $v}}}' >rules
		fault_start limited$left rules --layout "$LAYOUT"
		run -0 --separate-stderr lp-peek "$(srv_addr limited$left)/app@$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")"
		[ "$left" = 90 ] || [[ $stderr == *"the registry's rate limit leaves 7 more manifests"* ]]
		[ "$left" = 7 ] || [[ $stderr != *"rate limit"* ]]
		run -0 --separate-stderr lp-peek -q "$(srv_addr limited$left)/app@$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")"
		[ -z "$stderr" ]
	done
}

@test "offline, found and not recorded: which layer, and what to do" {
	image=$(srv_addr reg)/public/app:1
	lp-peek -qc "$image" >/dev/null
	run -4 --separate-stderr lp-peek --offline --cat=etc/passwd "$image"
	[ -z "$output" ]
	[[ $stderr == *"layer 1 has etc/passwd, but not all of its bytes were recorded"* ]]
	[[ $stderr == *"to record it: the same command, once, without --offline"* ]]
	lp-peek -q --cat=etc/passwd "$image" >got
	lp-peek -q --offline --cat=etc/passwd "$image" | cmp got -
	run -4 --separate-stderr lp-peek --cat=etc "$image"
	[[ $stderr == *"etc is a directory"* ]]
}

@test "ten layers far away: five round trips after the connection, the token's among them" {
	secret tokens,far-tokens alice secret-alice
	secrets_in auth.json
	token_start tokens
	tokens_for tokens far,bearer
	delay_start far-tokens 20 "$(srv_addr tokens)"
	registry_start bearer token auth=tokens realm="http://$(srv_addr far-tokens)/token" \
		storage="$BATS_TEST_TMPDIR/ten-storage"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		head -c 100000 /dev/urandom >"file$i"
		tar -cf - "file$i" | gzip -1 >"$i.tar.gz"
	done
	layout_make layout ten {1,2,3,4,5,6,7,8,9,10}.tar.gz
	registry_push layout:ten bearer ten/app:1 alice:secret-alice
	: >"$(srv_log far-tokens)"
	delay_start far 20 "$(srv_addr bearer)"
	jq -n --arg r "$(srv_addr far)" --arg a "$(printf alice:secret-alice | base64)" '{auths: {($r): {auth: $a}}}' >auth.json
	REGISTRY_AUTH_FILE=$PWD/auth.json LP_STATS=$PWD/stats \
		lp-peek -q --plain-http "$(srv_addr far)/ten/app:1" >got
	[ "$(grep -c 'file' got)" -eq 10 ]
	# 401, manifest, configuration: one after the other on a connection. A request and its answer are two
	# turns. Then the ten heads side by side; the token in between
	srv_asked far 2
	sleep 0.2
	jq -sc 'map(.turns) | sort' "$(srv_log far)"
	jq -se 'map(.turns) | sort | .[-1] <= 6 and .[-2] <= 2 and length <= 11' "$(srv_log far)"
	jq -se 'map(.turns) | add == 2' "$(srv_log far-tokens)"
	jq -se 'map(select(.tool == "lp-fetch" or .tool == "lp-layers") | .requests // 0) | add == 14' stats
	# and the database is asked, or told, by one process
	jq -se 'map(select(.tool == "lp-cache")) | length == 1' stats
	LP_STATS=$PWD/again lp-peek -q --offline --plain-http "$(srv_addr far)/ten/app:1" | cmp got -
	jq -se 'map(select(.tool == "lp-cache")) | length == 1' again
}

@test "--layers: a layer's rows are there while the next one is being listed" {
	mkdir bin a b
	cp "$LP_BIN"/lp-* bin/
	mv bin/lp-tarls bin/lp-tarls.real
	cat >bin/lp-tarls <<-'END'
	#!/bin/bash
	in=$(mktemp)
	cat >"$in"
	if "$0".real -q "$in" | grep -q slow; then
		until [ -e go ]; do sleep 0.05; done
	fi
	"$0".real "$@" <"$in"
	rm "$in"
	END
	chmod +x bin/lp-tarls
	touch a/quick b/slow
	tar -C a -cf a.tar .
	tar -C b -cf b.tar .
	layout_make two v1 a.tar b.tar
	bin/lp-peek -q --no-cache --layers oci:two:v1 >got 3>&- &
	wait_for grep -q quick got
	run ! grep -q slow got
	touch go
	wait $!
	grep -q slow got
	[ "$(grep -c '^#layer' got)" -eq 2 ]
}

@test "listings of all layers are kept and found again, also those of a layer that stands twice" {
	mkdir a b
	touch a/one b/two
	tar -C a -cf a.tar .
	tar -C b -cf b.tar .
	layout_make lay v1 a.tar b.tar a.tar
	lp-peek -qc oci:lay:v1 >got
	lp-cache --db=cache/layer-peek/listings.db images | cut -f2,6 >kept
	printf '1\tyes\n2\tyes\n3\tyes\n' | cmp - kept
	lp-peek -qj oci:lay:v1 | jq -e '.layers_from_cache == 3 and .complete'
	lp-peek -qc oci:lay:v1 | cmp got -
	# one layer asked for, and nothing of the others
	lp-peek -qj --layer=2 oci:lay:v1 | jq -e '(.layers | length) == 1 and .layers[0].from_cache and (.layers[0].entries | length) == 2'
	# a database that is no database costs the listing nothing
	head -c 10000 /dev/urandom >cache/layer-peek/listings.db
	run -0 --separate-stderr lp-peek -qc oci:lay:v1
	printf '%s\n' "$output" | cmp got -
	[[ $stderr == *'lp-cache: '* ]]
}

# What an interrupted lp-peek leaves behind: no process, nothing in the cache that is not whole.
nothing_left() {
	wait_for bash -c '! pgrep -f "^[^ ]*lp-[a-z]* .*'"$BATS_TEST_TMPDIR"'" >/dev/null'
	[ -z "$(find "$TMPDIR" -mindepth 1)" ]
}

@test "Ctrl-C at any moment: dies of it, children gone, no file left, the store works" {
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR" cache
	delay_start far 30 "$(srv_addr reg)"
	for ms in 010 030 060 100 150 200 300 400; do
		run -130 timeout --preserve-status -s INT "0.$ms" \
			lp-peek -c -q --store="$BATS_TEST_TMPDIR/cache/s" --db="$BATS_TEST_TMPDIR/db" "$(srv_addr far)/public/app:1"
		nothing_left
	done
	lp-peek -q --store="$BATS_TEST_TMPDIR/cache/s" --db="$BATS_TEST_TMPDIR/db" "$(srv_addr reg)/public/app:1" >got
	lp-peek -q -n 64K --no-cache "$OCI" | cmp - got
}

# Not when a clock says so, but at calls of its own: among others while an image
# is looked up, when those who started jobs may be gone before the jobs are.
# bats test_tags=native
@test "Ctrl-C while something is started, waited for, or has just ended" {
	local call whole
	whole=$(lp-peek -q --no-cache "$OCI")
	for call in sendmsg:{1,2,4,6} poll:{1,2,4,8} waitid:{1,2,4}; do
		echo "# $call"
		# a sanitizer cannot look for leaks under ptrace
		run -130 env ASAN_OPTIONS=detect_leaks=0 strace -qq -o log -e trace="${call%:*}" \
			-e inject="${call%:*}:signal=INT:when=${call#*:}" lp-peek -q --no-cache "$OCI"
		# on a busy machine one call hears of so much that rows are already on their way
		[[ $whole = "$output"* ]]
	done
}

@test "Ctrl-C on a terminal: as it was, whatever was on it; a pager keeps it until it is left" {
	unset LESS PAGER LP_PAGER
	export TERM=xterm-256color
	delay_start slow 100 "$(srv_addr reg)"
	image=$(srv_addr slow)/public/app:1
	run -0 "$LIB/ttyinterrupt" 'looking up' lp-peek --no-cache -c "$image"
	[ "$output" = 'signal 2' ]
	run -0 "$LIB/ttyinterrupt" ' MiB of ' lp-peek --no-cache -c "$image"
	[ "$output" = 'signal 2' ]
	run -0 "$LIB/ttyinterrupt" --then q dev/null lp-peek --no-cache "$OCI"
	[ "$output" = 'signal 2' ]
	LESS=R run -0 "$LIB/ttyinterrupt" --then q dev/null lp-peek --no-cache "$OCI"
	[ "$output" = 'signal 2' ]
	# layers are still on their way while the first one is read
	run -0 "$LIB/ttyinterrupt" --then q 'layer 1' lp-peek --no-cache -c --layers "$image"
	[ "$output" = 'signal 2' ]
}

# bats test_tags=native
@test "one stage killed: a clear message, exit 3, no zombie" {
	mkdir bin
	cp "$LP_BIN"/lp-* bin/
	mv bin/lp-tarls bin/lp-tarls.real
	printf '#!/bin/sh\nkill -9 $$\n' >bin/lp-tarls
	chmod +x bin/lp-tarls
	run -3 --separate-stderr bin/lp-peek --no-cache "$OCI"
	[[ $stderr == *"lp-tarls: killed by signal 9 (SIGKILL)"* ]]
	rm bin/lp-merge
	mv bin/lp-tarls.real bin/lp-tarls
	PATH=/usr/bin:/bin run -3 --separate-stderr bin/lp-peek --no-cache "$OCI"
	[[ $stderr == *"cannot run lp-merge: No such file or directory"* ]]
}

@test "what draws rows is locked before it reads the first one" {
	# builds for sanitizers have no lock
	shipped
	PATH=$RELEASE:$PATH
	strace -f -qq -o log -e trace=execve,clone,fork,vfork,landlock_restrict_self,seccomp,read \
		lp-peek -q --no-cache --tree "$OCI" >/dev/null
	# another process's line may stand within that of the call
	views=$(grep -E 'execve\("[^"]*/lp-show"' log | cut -d' ' -f1 | sort -u)
	[ "$(wc -w <<<"$views")" -eq 1 ]
	grep "^$views " log >view
	landlock=$(grep -m 1 -n 'landlock_restrict_self(' view | cut -d: -f1)
	filter=$(grep -m 1 -n 'seccomp(SECCOMP_SET_MODE_FILTER, 0,' view | cut -d: -f1)
	first=$(grep -m 1 -n 'read(0,' view | cut -d: -f1)
	[ "$landlock" -lt "$filter" ]
	[ "$filter" -lt "$first" ]
	# nothing of it opens a socket
	strace -f -qq -o sockets -e trace=socket lp-peek -q --no-cache "$OCI" >/dev/null
	run ! grep -q "socket(" sockets
}

@test "a reader that has enough, and a full disk" {
	run -0 bash -c 'set -o pipefail; lp-peek -qc "$0" | head -n 1' "$OCI"
	run -3 bash -c 'lp-peek -qc "$0" >/dev/full' "$OCI"
	[[ $output == *"No space left on device"* ]]
	run -3 bash -c 'lp-peek -qj "$0" >/dev/full' "$OCI"
	run -3 bash -c 'lp-peek -q --layers "$0" >/dev/full' "$OCI"
	[ "$output" = 'lp-peek: <stdout>: No space left on device' ]
}

@test "where nothing can be kept an image is looked at all the same" {
	image=$(srv_addr reg)/public/app:1
	lp-peek -q -n 64K --no-cache "$OCI" >want
	unset XDG_CACHE_HOME
	run -0 --separate-stderr env -u HOME lp-peek "$image"
	[[ ${stderr_lines[0]} == 'lp-peek: neither XDG_CACHE_HOME nor HOME is a path: nothing is kept' ]]
	env -u HOME lp-peek -q "$image" | cmp want -
	run -3 env -u HOME lp-peek -O "$image"
	# a home that is somebody else's
	mkdir home
	chmod a-w home
	HOME=$PWD/home as_anybody lp-peek "$image" >got 2>note
	cmp want got
	[ "$(grep -c ': Permission denied: .* not kept$' note)" -eq 2 ]
	[ "$(wc -l <note)" -eq 3 ]
	HOME=$PWD/home as_anybody lp-peek -q --cat=etc/motd "$image" 2>note | grep .
	[ ! -s note ]
	# a place that was named is another thing
	HOME=$PWD/home run -3 as_anybody lp-peek -S home/store "$image"
	[[ $output == *'home/store: the store cannot be made: Permission denied'* ]]
}

@test "a cache that is only read is used" {
	image=$(srv_addr reg)/public/app:1
	lp-peek -q "$image" >want
	find cache -exec chmod a-w {} +
	LP_STATS=stats as_anybody lp-peek -q "$image" | cmp want -
	[ "$(downloaded stats)" -eq 0 ]
	# listed anew, out of the store: and neither is there more to keep, nor does anything fail
	LP_STATS=again as_anybody lp-peek -q --refresh "$image" | cmp want -
	[ "$(downloaded again)" -eq 0 ]
	as_anybody lp-peek -q -n 128K "$image" >got
	[ "$(wc -l <got)" -gt "$(wc -l <want)" ]
	chmod -R u+w cache
}

@test "questions that make no sense are refused, not passed on" {
	for args in --find= --cat= '--du -E' '--du -0' '--du -o name' --tree=0 --du=5000000000 '--tree 1'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-peek $args "$OCI"
		[[ ${lines[0]} == lp-peek:* && $output != *lp-merge* ]]
	done
	[[ $output == *'--tree=1'* ]]
	lp-peek -q --du "$OCI" | grep $'\t\\.$' >root
	lp-peek -q --du=0 "$OCI" | cmp root -
	run -4 lp-peek --cat=/ "$OCI"
	[ "$output" = 'lp-peek: / is a directory (layer 1)' ]
}

@test "what is named is made, and what cannot be made is said" {
	LP_CACHE=$PWD/new/dir/x.db lp-peek -q "$OCI" >/dev/null
	[ -f new/dir/x.db ]
	lp-peek -q "$OCI" >want
	grep -q usr/bin want
	touch nodir
	echo 'of another program' >other
	for db in nodir/x.db other; do
		run -3 --separate-stderr lp-peek -q --db=$db "$OCI"
		diff - want <<<"$output"
		[[ $stderr == "lp-peek: lp-cache: ${db%/*}: "* ]]
		LP_CACHE=$PWD/$db run -3 lp-peek -q "$OCI"
	done
	run -3 lp-peek --stats=no/such/file "$OCI"
	[[ $output == 'lp-peek: cannot open the statistics file: '* ]]
}
