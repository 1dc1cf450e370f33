#!/usr/bin/env bats
# The questions that are asked most, as layer-peek(7) has them, one line
# each: run on an image of seven layers in a registry, four of which are
# made of Debian's packages. For each the answer, and the bytes of blobs that
# it has cost; what one question has brought, the next one has.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

# layer NAME: what is in the folder of that name
layer() {
	tar --sort=name --mtime=@1790000000 --owner=root:0 --group=root:0 -C "$1" -cf - . | gzip -n >"$1.tar.gz"
}

# with_config LAYOUT TAG PLATFORM: its config says how it is run, too
with_config() {
	local manifest config
	manifest=$1/blobs/$(jq -r '.manifests[0].digest' "$1/index.json" | tr : /)
	jq --arg arch "$3" '. + {architecture: $arch, created: "2026-11-01T00:00:00Z", config: {Entrypoint: ["/app"],
		Env: ["LANG=C.UTF-8"], Labels: {"org.opencontainers.image.licenses": "MIT"}}}' \
	    "$1/blobs/$(jq -r .config.digest "$manifest" | tr : /)" >config
	config=$(layout_blob "$1" config application/vnd.oci.image.config.v1+json)
	jq --argjson c "$config" '.config = $c | .annotations = {"org.opencontainers.image.base.name": "debian:12"}' "$manifest" >changed
	layout_blob "$1" changed application/vnd.oci.image.manifest.v1+json | jq --arg tag "$2" --arg arch "$3" \
	    '{schemaVersion: 2, manifests: [. + {platform: {os: "linux", architecture: $arch}, annotations: {"org.opencontainers.image.ref.name": $tag}}]}' >"$1/index.json"
}

setup_file() {
	local n layers=() digest
	srv_init
	image_start reg
	cd "$BATS_FILE_TMPDIR" || return
	for digest in $(lp-layers -o digest "oci:$LAYOUT:app:1"); do
		layers+=("$LAYOUT/blobs/${digest/:/\/}")
	done
	mkdir -p five/opt/app five/usr/bin five/usr/share/doc/app six/root/.ssh seven/root/.ssh seven/opt/app other/root/.ssh other/opt/app
	noise jar 40000 >five/opt/app/log4j-core-2.14.1.jar
	echo one >five/opt/app/config
	echo tool >five/usr/bin/tool
	chmod 4755 five/usr/bin/tool
	echo MIT >five/usr/share/doc/app/copyright
	echo key >six/root/.ssh/id_rsa
	touch {seven,other}/root/.ssh/.wh.id_rsa
	echo two >seven/opt/app/config
	echo three, and more >other/opt/app/config
	echo new >other/opt/app/new
	for n in five six seven other; do
		layer $n
	done
	layout_make 1 v1 "${layers[@]}" five.tar.gz six.tar.gz seven.tar.gz
	layout_make 2 v1 "${layers[@]}" five.tar.gz six.tar.gz other.tar.gz
	with_config 1 v1 amd64
	with_config 2 v1 arm64
	registry_push 1:v1 reg q/app:1
	registry_push 2:v1 reg q/app:2
	# both, as one image
	jq -s '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: map(.manifests[0] | del(.annotations))}' \
	    1/index.json 2/index.json >both
	curl -fsS -T both -H 'Content-Type: application/vnd.oci.image.index.v1+json' "http://$(srv_addr reg)/v2/q/app/manifests/both" >/dev/null
	lp-layers -o size oci:1:v1 | awk '{ n += $1 } END { print n }' >all
	mdocexamples "$TOP/man/layer-peek.7" | tr '\0' '\n' >page
}

setup() {
	own_folder
	A=$(srv_addr reg)/q/app
	F=$BATS_FILE_TMPDIR
	ALL=$(<"$F/all")
	export XDG_CACHE_HOME=$PWD/cache
}

# ask FIRST LAST LINE [IMAGE]: the page's line, for the image; its answer in out, and the bytes that it has cost are within FIRST and LAST
ask() {
	local line=$3 image=${4-$A:1} before status=0
	grep -xF "$line" "$F/page" >/dev/null || { echo "layer-peek(7) does not have: $line"; return 1; }
	before=$(registry_served reg)
	line=${line//IMAGE:/$A:}
	line=${line//IMAGE/$image}
	eval "$line" >out 2>err || status=$?
	cost=$(($(registry_served reg) - before))
	printf '# %s: exit %d, %d bytes\n' "$3" $status $cost
	cat err
	[ "$cost" -ge "$1" ] && [ "$cost" -le "$2" ]
	return "$status"
}

@test "what needs no layer: entry point, environment and labels, created, tags, platforms, size" {
	ask 300 9999 'lp-peek --config IMAGE'
	cat out
	grep -qx $'entrypoint\t\["/app"\]' out
	grep -qx $'env\tLANG=C.UTF-8' out
	grep -q $'^label.*licenses.*MIT$' out
	ask 0 0 "lp-peek --config IMAGE | awk -F'\\t' '\$1 == \"created\" { print \$2 }'"
	[ "$(<out)" = 2026-11-01T00:00:00Z ]
	ask 0 0 'lp-peek --tags IMAGE'
	[ "$(sort out | paste -sd ' ')" = '1 2 both' ]
	ask 0 0 'lp-peek --platforms IMAGE' "$A:both"
	[ "$(cut -f 1 out | paste -sd ' ')" = 'linux/amd64 linux/arm64' ]
	ask 0 9999 "lp-layers -o size IMAGE | awk '{ n += \$1 } END { print n }'"
	[ "$(<out)" -eq "$ALL" ]
	# each layer's head, and those of the other tag's own
	ask 100000 $((8 * 65536 + 9999)) "lp-peek --tags='*' --history IMAGE | awk -F'\\t' '{ n[\$1] += \$3 } END { for (i in n) print n[i], i }'"
	grep -qx "$ALL $A:1" out
	[ "$(wc -l <out)" -eq 3 ]
}

@test "what wants all of each layer, and brings it once: history, files, directories, waste" {
	ask "$ALL" $((ALL + 99999)) 'lp-peek -c --history IMAGE'
	[ "$(wc -l <out)" -eq 7 ]
	[ "$(cut -f 8 out | sed -n 7p)" = 'layer 7' ]
	ask 0 0 'lp-peek -c IMAGE'
	[ "$(grep -c $'\tusr/bin/' out)" -gt 250 ]
	ask 0 0 'lp-peek --find=os-release IMAGE'
	cut -f 6 out | grep -qx usr/lib/os-release
	ask 0 0 "lp-peek --find=etc/passwd -o layer,hidden,hidden_by,name IMAGE"
	[ "$(tail -n 1 out | cut -f 1,2,4)" = "$(lp-peek -c -o name,layer "$A:1" | awk -F'\t' '$1 == "etc/passwd" { print $2 "\t\tetc/passwd" }')" ]
	ask 0 0 'lp-peek -c --top IMAGE'
	[ "$(wc -l <out)" -eq 20 ]
	[ "$(cut -f 4 out | sort -rn)" = "$(cut -f 4 out)" ]
	ask 0 0 'lp-peek -c --du=2 IMAGE'
	grep -q $'\topt/app$' out
	ask 0 0 'lp-peek -c --waste IMAGE'
	grep -q 'root/.ssh/id_rsa' out
	ask 0 0 "lp-peek -i --find='*log4j*' --find='*.so.3' IMAGE"
	[ "$(grep -c log4j out)" -eq 1 ]
	ask 0 0 "lp-peek --find='usr/share/doc/*/copyright' -o name IMAGE"
	[ "$(wc -l <out)" -gt 100 ]
	ask 0 0 "lp-peek -c IMAGE | awk -F'\\t' '\$1 ~ /^[-h](..|.....)[sS]/ { print \$1, \$6 }'"
	grep -qx -- '-rwsr-xr-x usr/bin/tool' out
	grep -q -- ' usr/bin/passwd$' out
}

@test "secrets, in what is seen and in what is not" {
	run -4 ask "$ALL" $((ALL + 99999)) "lp-peek -q --fail-if-found --find='*/.ssh/id_*' --find='*id_rsa' IMAGE"
	echo "$output"
	[ "$(cut -f 6,8,9 out | head -n 1)" = "$(printf 'root/.ssh/id_rsa\t6\twhiteout')" ]
	ask 0 0 "lp-peek -cE --layers IMAGE | lp-merge -a - | awk -F'\\t' '\$9 == \"whiteout\" { print \$6, \$8 }'"
	grep -qx 'root/.ssh/id_rsa 6' out
}

@test "one file, for some of its layer; the same file of all tags" {
	ask 60000 "$ALL" 'lp-peek --cat=/etc/os-release IMAGE'
	grep -q '^PRETTY_NAME="app"' out
	ask 60000 $((ALL + 99999)) "lp-peek --tags='[0-9]*' --find=os-release IMAGE"
	[ "$(cut -f 1,7 out | grep -c $'\tusr/lib/os-release$')" -eq 2 ]
}

@test "several files, a directory, what is installed" {
	ask "$ALL" $((ALL + 99999)) "lp-peek --cat='/etc/*-release' --cat=/etc/debian_version IMAGE"
	grep -q '^PRETTY_NAME="app"' out
	[ "$(tail -n 1 out)" = "$(lp-peek -q --cat=etc/debian_version "$A:1")" ]
	# what was listed is in the store
	ask 0 0 'lp-peek --tar=/etc/ssl IMAGE | tar x'
	[ "$(find etc/ssl -type f | wc -l)" -eq "$(lp-peek -q -c -o mode,name "$A:1" | grep -c $'^-.*\tetc/ssl/')" ]
	ask 0 0 'lp-peek --packages IMAGE'
	# the image is one of Debian's packages: beside dpkg's own reading of its database
	mkdir admin
	lp-peek -q --cat=var/lib/dpkg/status "$A:1" >admin/status
	dpkg-query --admindir=admin -W -f 'deb\t${Package}\t${Version}\t${Architecture}\t2\tvar/lib/dpkg/status\n' | LC_ALL=C sort >want
	[ "$(wc -l <want)" -gt 50 ]
	LC_ALL=C sort out | cmp want -
	ask 0 0 'lp-peek --tar=/var/lib/dpkg IMAGE | lp-packages'
	cut -f 1-4 out | LC_ALL=C sort | cmp - <(cut -f 1-4 want | LC_ALL=C sort)
}

@test "which image it is built on" {
	# as many layers as the recorded image has
	lp-peek -q "oci:$LAYOUT:app:1" >/dev/null
	ask 0 9999 'lp-peek --config IMAGE | grep image.base'
	[ "$(<out)" = $'annotation\torg.opencontainers.image.base.name=debian:12' ]
	ask 0 9999 'lp-peek --base IMAGE'
	[ "$(<out)" = $'debian:12\t'$'\n'"oci:$LAYOUT:app:1"$'\t4' ]
	# shellcheck disable=SC2016 # the line is the page's
	ask 0 9999 'lp-cache base $(lp-layers -o digest IMAGE)'
	[ "$(<out)" = "oci:$LAYOUT:app:1"$'\t4' ]
}

@test "differences: of two versions, without times, of two platforms" {
	ask "$ALL" $((ALL + 99999)) 'lp-peek -c --diff IMAGE:1 IMAGE:2'
	grep -q $'^A\t.*\topt/app/new\t' out
	grep -q $'^M\tsize\t.*\topt/app/config\t' out
	[ "$(wc -l <out)" -eq 2 ]
	ask 0 0 "lp-peek -c --diff IMAGE:1 IMAGE:2 | awk -F'\\t' '\$2 != \"mtime\"'"
	[ "$(wc -l <out)" -eq 2 ]
	ask 0 9999 'lp-peek -c -p linux/amd64 --diff-platform=linux/arm64 --diff IMAGE IMAGE' "$A:both"
	grep -q $'^A\t.*\topt/app/new\t' out
	ask 0 0 "lp-peek -c -j IMAGE | jq -r '.all_entries[] | [.name, .size] | @csv'"
	grep -qx '"opt/app/config",4' out
	ask 0 0 'lp-peek -cE --layers IMAGE | lp-merge -o ncdu - | ncdu -f -' || [ $? -eq 1 ]
	ask 0 0 'lp-peek -c --html=image.html IMAGE'
	grep '<title>' image.html
}
