#!/usr/bin/env bats
# Images in files: layouts, directories and archives as people have them, and what skopeo makes of the same.

# shellcheck disable=SC2002,SC2030,SC2031,SC2154 # a pipe is what is tested; each test is a process; run sets stderr

bats_require_minimum_version 1.5.0
load ../lib/suite

# same_digest IMAGE: ours and skopeo's
same_digest()
{
	[ "$(lp-layers --digest "$1")" = "$(skopeo inspect --format '{{.Digest}}' "$1")" ]
}

@test "one name for several platforms: that of the platform, whatever their order" {
	local lay arch
	mklayouts amd64-arm64 arm64-amd64
	for lay in amd64-arm64 arm64-amd64; do
		for arch in amd64 arm64; do
			run -0 --separate-stderr lp-peek -q --no-cache -p "$arch" -o name "oci:$lay:1"
			[ "$output$stderr" = "file-$arch" ]
			[ "$(lp-layers --digest -p "$arch" "oci:$lay:1")" = \
			    "$(lp-layers --platforms -j "oci:$lay:1" | jq -r --arg a "$arch" 'select(.architecture == $a) | .digest')" ]
		done
		fails 4 'nothing for linux/s390x; there is: linux/a.*, linux/a' lp-layers -p s390x "oci:$lay:1"
	done
	cmp amd64-arm64/index.json <(lp-layers --index oci:amd64-arm64:1)
	same_digest oci:amd64-arm64/:1
}

@test "Windows: the newest of several versions, with a note, or the one that -p names, as containerd or crane calls it" {
	local version want
	mklayouts versions
	run -0 --separate-stderr lp-peek --no-cache -o name -p windows/amd64 oci:versions:1
	[[ $output == *Files/10.0.26100.1742 ]]
	[[ $stderr == *'of 4 versions this is windows(10.0.26100.1742+win32k)/amd64, the newest; -p chooses another'* ]]
	for version in 10.0.17763.5206 10.0.26100.1742 10.0.20348.2322 10.0.17763.973; do
		for want in "windows($version)/amd64" "windows/amd64:$version"; do
			run -0 --separate-stderr lp-peek --no-cache -q -o name -p "$want" oci:versions:1
			[ "$output$stderr" = $'Files\n'"Files/$version" ]
		done
		lp-layers -E -p "windows($version)/amd64" oci:versions:1 | grep -F "$(printf 'platform=windows/amd64\tlayers=1\tos.version=%s' "$version")"
	done
	# what a host of that version runs; what only a machine of its own would
	run -0 lp-peek --no-cache -q -o name -p 'windows(10.0.17763.1)/amd64' oci:versions:1
	[ "$output" = $'Files\n'Files/10.0.17763.5206 ]
	run -0 lp-peek --no-cache -q -o name -p 'windows(+win32k)/amd64' oci:versions:1
	[ "$output" = $'Files\n'Files/10.0.26100.1742 ]
	fails 4 'nothing for windows\(10.0.14393\)/amd64; there is: linux/amd64, windows\(10.0.17763.5206\)/amd64, windows\(10.0.26100.1742\+win32k\)/amd64, ' \
	    lp-layers -p 'windows(10.0.14393)/amd64' oci:versions:1
	fails 2 'not a platform' lp-layers -p 'windows(10.0/amd64' oci:versions:1
	# the columns of old are as they were
	lp-layers --platforms -H oci:versions:1 | cut -f1 | sort | uniq -c | tr -s ' ' | cmp - <(printf ' 1 linux/amd64\n 1 platform\n 4 windows/amd64\n')
	lp-layers --platforms -o os.version,os.features,platform oci:versions:1 | sort | cmp - <(
		printf '%s\t%s\t%s\n' '' '' linux/amd64 10.0.17763.5206 '' windows/amd64 10.0.17763.973 '' windows/amd64 \
		    10.0.20348.2322 '' windows/amd64 10.0.26100.1742 win32k windows/amd64)
	lp-layers --platforms -j oci:versions:1 | jq -se 'any(."os.version" == "10.0.26100.1742" and ."os.features" == ["win32k"])'
	fails 2 "no column of the name 'source'" lp-layers --platforms -o source oci:versions:1
	fails 2 "no column of the name 'os.version'" lp-layers -o os.version oci:versions:1
}

@test "layers of Windows, as hcsshim writes them: listed as they are; whiteouts and links merge, and what does not is told" {
	mklayouts windows
	# nothing of what Windows has of its own is in the way
	lp-peek -q --no-cache --layers -o name,linkname oci:windows:1 | grep -v '^#' >got
	printf '%s\t%s\n' Files/ '' Files/Windows/ '' Files/Windows/gone.dll '' Files/Windows/notepad.exe '' \
	    Files/Windows/same.exe Files/Windows/notepad.exe Files/Grüße.txt '' Files/junction 'C:\\Program Files' Files/data.txt '' \
	    Files/data.txt:stream '' Hives/ '' Hives/System_Base '' UtilityVM/ '' UtilityVM/Files/EFI/Microsoft/Boot/BCD '' \
	    Files/ '' Files/Windows/ '' Files/Windows/.wh.gone.dll '' Files/windows/ '' Files/windows/NOTEPAD.EXE '' \
	    'Files/back\\slash' '' Hives/ '' Hives/System_Delta '' | cmp - got
	run -0 --separate-stderr lp-peek --no-cache -o name oci:windows:1
	[[ $output == *Files/Windows/notepad.exe$'\n'Files/Windows/same.exe* && $output == *UtilityVM/Files/EFI/Microsoft/Boot/BCD ]]
	[[ $output != *gone.dll* ]]
	[ "$stderr" = 'lp-peek: oci:windows:1 is of Windows, and is merged as Linux does: to Windows names that differ in case alone are one, and the hives of all layers one registry' ]
	run -0 --separate-stderr lp-peek --no-cache --layers oci:windows:1
	[ -z "$stderr" ]
	[ "$(lp-peek -q --no-cache --cat=Files/windows/NOTEPAD.EXE oci:windows:1)" = MZ90 ]
}

@test "a foreign layer that is not there, an encrypted one, and BuildKit's cache are called so" {
	mklayouts foreign encrypted cache
	run -4 --separate-stderr lp-peek --no-cache -o name oci:foreign:1
	[ "$output" = file-amd64 ]
	[[ ${stderr_lines[0]} == *'layer 1: lp-fetch: the layout does not have this blob' ]]
	[[ ${stderr_lines[1]} == *'layer 1: a foreign layer that is not held here; its urls are not asked for it, lp-fetch URL does, without credentials: ["http://127.0.0.1:1/base.tar.gz","http://127.0.0.1:2/base"]' ]]
	[ "${stderr_lines[3]}" = 'lp-peek: preview: of 2 layers, 1 is not listed to the end' ]
	tar -C foreign -cf foreign.tar .
	fails 4 'the foreign layer sha256:[0-9a-f]* is not in the archive' lp-layers oci-archive:foreign.tar
	run -1 --separate-stderr lp-peek --no-cache oci:encrypted:1
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == *'+gzip+encrypted: an encrypted layer: it cannot be read without its key' ]]
	# and nothing lists the rest of that
	[ "${stderr_lines[1]}" = 'lp-peek: preview: of 1 layer, 1 is not listed to the end' ]
	run -0 --separate-stderr lp-layers oci:cache:1
	[ "$(cut -f3 <<<"$output")" = application/vnd.oci.image.layer.v1.tar+gzip ]
	[[ $stderr == *'not an image but an artifact of type application/vnd.buildkit.cacheconfig.v0; its blobs are listed' ]]
	[ "$(lp-peek -q --no-cache -o name oci:cache:1)" = file-amd64 ]
}

@test "sizes of 0, -1 and others that are wrong, in each kind of descriptor: told, the digest decides; but for a layer's" {
	local where size told
	for where in layer config entry; do
		for size in 0 -1 5; do
			mklayouts "$where$size"
			# runtimes refuse a layer of another size
			[ "$where$size" != layer5 ] || continue
			run -0 --separate-stderr lp-peek --no-cache -o name "oci:$where$size:1"
			[ "$output" = file-amd64 ]
			told="bytes, its descriptor says $size"
			[ "$size" != -1 ] || told='bytes, its descriptor has a size that is no number of bytes'
			[ "$where" != layer ] || told='layer 1: its descriptor says a size that it cannot have, which is not used'
			[ "${#stderr_lines[@]}" -eq 1 ]
			[[ $stderr == *"$told" ]]
			run -0 --separate-stderr lp-layers -o size "oci:$where$size:1"
			[ "$output" = "$([ "$where" = layer ] && echo - || echo 103)" ]
			[[ $stderr == *"$told" ]]
		done
	done
	run -1 --separate-stderr lp-peek --no-cache -o name oci:layer5:1
	[[ $stderr == *'layer 1: lp-fetch: has 103 bytes, it should have 5'* ]]
}

@test "docker save of an image of several platforms: -p, --platforms and digests are those of the layout in it" {
	local name
	mklayouts saved
	tar -C saved -cf a.tar .
	for name in '' :x:1 :docker.io/library/x:1; do
		run -0 --separate-stderr lp-peek -q --no-cache -p arm64 -o name "docker-archive:a.tar$name"
		[ "$output$stderr" = file-arm64 ]
		run -0 --separate-stderr lp-peek -q --no-cache -o name "docker-archive:a.tar$name"
		[ "$output$stderr" = file-amd64 ]
	done
	fails 4 'nothing for linux/s390x' lp-layers -p s390x docker-archive:a.tar
	[ "$(lp-layers --platforms docker-archive:a.tar | cut -f1 | xargs)" = 'linux/amd64 linux/arm64' ]
	[ "$(lp-layers --digest docker-archive:a.tar)" = "$(skopeo inspect --format '{{.Digest}}' oci-archive:a.tar)" ]
	# where there is no layout, the one platform is not silently another
	tar -C saved -cf b.tar --exclude oci-layout .
	run -0 --separate-stderr lp-layers -p arm64 docker-archive:b.tar
	[ "$stderr" = 'lp-layers: docker-archive:b.tar: the only image is for linux/amd64' ]
	[[ $output = ./b.tar#* ]]
}

@test "a config is read as Go reads it: bad bytes, half characters, huge numbers, a key twice" {
	local lay
	mklayouts plain bad-byte surrogate huge twice odd-platform control
	lp-layers -o digest,created_by oci:plain:1 >want
	for lay in huge twice odd-platform; do
		lp-layers -o digest,created_by "oci:$lay:1" | diff want -
		same_digest "oci:$lay:1"
	done
	for lay in bad-byte surrogate; do
		[ "$(lp-layers -o created_by "oci:$lay:1")" = $'RUN \xef\xbf\xbd' ]
		[ "$(skopeo inspect --config "oci:$lay:1" | jq -r '.history[0].created_by')" = $'RUN \xef\xbf\xbd' ]
		cmp "$lay/blobs/sha256/$(jq -r '.config.digest[7:]' <(lp-layers --manifest "oci:$lay:1"))" \
		    <(lp-layers --config "oci:$lay:1")
	done
	[[ $(lp-layers -E oci:twice:1) = *platform=linux/arm64* ]]
	[ "$(skopeo inspect --format '{{.Architecture}}' oci:twice:1)" = arm64 ]
	[[ $(lp-layers -E oci:odd-platform:1) = *layers=1 ]]
	[[ $(lp-layers -E oci:odd-platform:1) != *platform=l* ]]
	run -1 skopeo inspect oci:control:1
	fails 1 'the config sha256:.*: byte [0-9]+: not valid JSON' lp-layers oci:control:1
}

@test "a config of an old client's type is an image's; the manifest of an artifact without layers is called one" {
	local type
	mklayouts octet-stream html text artifact
	for type in octet-stream html text; do
		run -0 --separate-stderr lp-layers -o created_by "oci:$type:1"
		[ "$output$stderr" = 'RUN 0' ]
		run -0 --separate-stderr lp-peek -q --no-cache -o name "oci:$type:1"
		[ "$output$stderr" = file-amd64 ]
	done
	fails 1 'the manifest of an artifact, which has blobs and no layers' lp-layers oci:artifact:1
}

@test "sha512 and sha384: manifests, layers, layouts, the store" {
	local alg source digest
	mklayouts sha512 sha384
	for alg in sha512 sha384; do
		run -0 --separate-stderr lp-peek -c -q --no-cache -o name "oci:$alg:1"
		[ "$output$stderr" = file-amd64 ]
		source=$(lp-layers -o source "oci:$alg:1")
		digest=${source#*@}
		[[ $digest = "$alg":* ]]
		lp-fetch -a "$source" | cmp - "$alg/blobs/${digest/://}"
		# a layout that is a store: read offline under its digest, found wrong by it, held to it
		cp -r "$alg" store
		lp-fetch -O -a -S store "localhost/app@$digest" | cmp - "$alg/blobs/${digest/://}"
		# what is there whole is listed whole
		[[ $(lp-peek -q -O -E -S store --db none -o name localhost/app:1) = file-amd64*$'\tcomplete=yes\t'* ]]
		lp-fetch --store-gc=1M -S store
		printf x >>"store/blobs/${digest/://}"
		fails 1 'corrupted behind byte 0' lp-fetch -O -a -S store "localhost/app@$digest"
		lp-fetch --store-gc=0 -S store
		[ -z "$(find store/blobs -type f)" ]
		[ "$(jq -c .manifests store/index.json)" = '[]' ]
		rm -r store
		printf x >>"$alg/blobs/${digest/://}"
		fails 1 'corrupted|digest' lp-fetch -a "$source"
	done
}

@test "a layer of zero bytes is an empty layer" {
	mklayouts empty-layer
	run -0 --separate-stderr lp-peek -c -q --no-cache -o name oci:empty-layer:1
	[ "$output$stderr" = a ]
}

@test "a layout without oci-layout is read, and that is said" {
	mklayouts plain
	rm plain/oci-layout
	run -0 --separate-stderr lp-layers -o digest oci:plain:1
	[ "$stderr" = 'lp-layers: oci:plain:1: it has no file oci-layout, and is read as if it had' ]
	[[ $output = sha256:* ]]
	same_digest oci:plain:1
	lp-fetch -n 2 "$(lp-layers -q -o source oci:plain:1)" | cmp - <(printf '\x1f\x8b')
	rm -r plain/blobs
	fails 1 'no OCI image layout' lp-layers oci:plain:1
}

@test "symbolic links in a layout: read if they stay in it, named if they lead out" {
	local digest
	mklayouts plain
	digest=$(lp-layers -o digest oci:plain:1)
	cp -r plain in
	mv in/blobs in/real
	ln -s real in/blobs
	mv in/index.json in/ix
	ln -s ix in/index.json
	run -0 --separate-stderr lp-peek -q -c --no-cache -o name oci:in:1
	[ "$output$stderr" = file-amd64 ]
	cp -r plain out
	mv "out/blobs/sha256/${digest#*:}" layer
	ln -s ../../../layer "out/blobs/sha256/${digest#*:}"
	fails 3 "blobs/sha256/${digest#*:} is a symbolic link out of the layout" lp-fetch "oci:out@$digest"
	mv out/blobs elsewhere
	ln -s ../elsewhere out/blobs
	fails 3 ': blobs is a symbolic link out of the layout' lp-layers oci:out:1
	mv out/index.json index.json
	ln -s ../index.json out/index.json
	fails 3 ': index.json is a symbolic link out of the layout' lp-layers oci:out:1
	ln -sf /etc/shadow out/index.json
	fails 3 ': index.json is a symbolic link out of the layout' lp-layers --index oci:out:1
	# what the message advises
	rm out/index.json out/blobs
	cp -r plain/. out
	ln -sf "$PWD/layer" "out/blobs/sha256/${digest#*:}"
	cp -rL out copy
	lp-fetch -a "oci:copy@$digest" | cmp - layer
}

@test "dir:, as skopeo writes it, with one image and with all of an index" {
	local source
	mklayouts plain saved
	skopeo copy -q oci:plain:1 dir:one
	run -0 --separate-stderr lp-peek -q -c --no-cache -o name dir:one
	[ "$output$stderr" = file-amd64 ]
	same_digest dir:one
	source=$(lp-layers -o source dir:one)
	[[ $source = dir:one@sha256:* ]]
	lp-fetch -a "$source" | cmp - "one/${source#*sha256:}"
	cmp one/manifest.json <(lp-layers --manifest dir:one)
	tar -C saved -cf a.tar .
	skopeo copy -q --all oci-archive:a.tar dir:all
	same_digest dir:all
	run -0 --separate-stderr lp-peek -q -c --no-cache -p arm64 -o name dir:all
	[ "$output$stderr" = file-arm64 ]
	printf x >>"one/${source#*sha256:}"
	fails 1 'corrupted|digest' lp-fetch -a "$source"
	fails 1 'there is no manifest.json in it' lp-layers dir:plain
}

@test "layouts by the names that others give them, and what comes through a pipe" {
	local name
	mklayouts plain
	lp-layers oci:plain:1 >want
	for name in ocidir://plain:1 oci-layout://plain:1; do
		lp-layers "$name" | diff want -
	done
	fails 2 'docker-daemon:app:1: .*: docker save IMAGE \| lp-peek docker-archive:-' lp-layers docker-daemon:app:1
	fails 2 'containers-storage:app: .*: podman save IMAGE \| lp-peek docker-archive:-' lp-peek --no-cache containers-storage:app
}

@test "archives that are compressed, or come through a pipe, are read as those that lie here" {
	local kind file
	mklayouts saved
	tar -C saved -cf a.tar .
	gzip -nk a.tar
	zstd -q a.tar
	for kind in docker-archive oci-archive; do
		lp-peek -c -q --no-cache "$kind:a.tar" >want
		grep -c file-amd64 want
		for file in a.tar a.tar.gz a.tar.zst; do
			lp-peek -c -q --no-cache "$kind:$file" | diff want -
			# a pipe, which no program can seek in, and a file that might have been one
			cat "$file" | lp-peek -c -q --no-cache "$kind:-" | diff want -
			lp-peek -c -q --no-cache "$kind:-" <"$file" | diff want -
		done
		cat a.tar.gz | lp-peek -c -q --no-cache -p arm64 -o name "$kind:-" | diff <(echo file-arm64) -
		[ "$(cat a.tar.zst | lp-peek -q --no-cache --cat=file-amd64 "$kind:-")" = x ]
		lp-peek -q -c --no-cache --diff="$kind:a.tar" "$kind:a.tar.gz" | diff /dev/null -
	done
	lp-peek -q --no-cache docker-archive:a.tar.gz:x:1 | grep -c file-amd64
	fails 4 '^lp-peek: docker-archive:a.tar.gz:y: no image of that name; there are: x:1$' \
	    lp-peek --no-cache docker-archive:a.tar.gz:y
	head -c 300 a.tar.gz >cut.gz
	fails 4 'docker-archive:cut.gz: .*: not complete: input ends after 300 bytes' lp-peek --no-cache docker-archive:cut.gz
	fails 1 'docker-archive:-: .*the input is empty' lp-peek --no-cache docker-archive:- </dev/null
	fails 3 'docker-archive:-: a pipe, .*: put it into a file first \(cat >FILE.tar; lp-peek takes a pipe\)' lp-layers docker-archive:- <a.tar
	fails 1 'compressed.*lp-peek does' lp-layers oci-archive:a.tar.gz
}
