#!/usr/bin/env bats
# Points: a layer that was read once whole is read again from between two of
# them. What that costs is what a real registry's log says.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

# Text of three bits a letter: $1 bytes
letters()
{
	head -c "$1" /dev/urandom | tr '\000-\377' '[a*32][b*32][c*32][d*32][e*32][f*32][g*32][h*32]'
}

# 28 MB of tar, 10 MB of gzip: large files and small ones between them
setup_file()
{
	srv_init
	registry_start reg
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p big/d
	for i in {0..39}; do
		letters 700000 >"big/d/$i-large"
		letters 1000 >"big/d/$i-small"
	done
	ln big/d/7-small big/hard
	ln -s d/9-small big/soft
	tar --sort=name --mtime=@1700000000 --owner=root:0 --group=root:0 -cf big.tar -C big .
	mkdir top
	echo over >top/over
	tar --mtime=@1700000000 --owner=root:0 --group=root:0 -cf top.tar -C top over
	gzip -kn1 big.tar top.tar
	layout_make lay v1 big.tar.gz top.tar.gz
	registry_push lay:v1 reg team/app:v1
	IMAGE=$(srv_addr reg)/team/app:v1 BIG=$PWD/big
	DIGEST=sha256:$(sha256sum <big.tar.gz | cut -d ' ' -f 1)
	export IMAGE BIG DIGEST
}

setup()
{
	own_folder
	export LP_CACHE=$PWD/db LP_STORE=$PWD/store
}

# Bytes of blobs that the registry has sent since the last call, in $served
served()
{
	local now
	now=$(registry_served reg)
	served=$((now - ${before:-0})) before=$now
}

peek()
{
	lp-peek -q --plain-http "$@"
}

@test "-c keeps points beside the listing, and --cat fetches a span of the layer" {
	served
	peek -c "$IMAGE" >rows
	served
	[ "$served" -ge "$(stat -c %s "$BIG.tar.gz")" ]
	[ "$(sqlite3 db 'SELECT count(*) > 5, count(DISTINCT listing), max(length(window)) < 32768 FROM point')" = '1|1|1' ]
	# at most 1 % of the layer
	[ "$(sqlite3 db 'SELECT sum(length(window)) FROM point')" -lt $(($(stat -c %s "$BIG.tar.gz") / 100)) ]
	for name in d/0-small d/13-small d/27-small d/39-small; do
		peek --cat="$name" "$IMAGE" | cmp - "$BIG/$name"
		served
		[ "$served" -gt 0 ]
		[ "$served" -le $((2 << 20)) ]
	done
	peek --cat=/soft "$IMAGE" | cmp - "$BIG/d/9-small"
	peek --cat=hard "$IMAGE" | cmp - "$BIG/d/7-small"
	peek --cat=d/20-large "$IMAGE" | cmp - "$BIG/d/20-large"
	served
	[ "$served" -le $((3 * (2 << 20) + 500000)) ]
}

@test "several files, and a tar of them, by their places" {
	peek -c "$IMAGE" >rows
	served
	peek --cat=d/31-small --cat=d/2-small --cat=over "$IMAGE" >out
	cat "$BIG"/d/{31,2}-small <(echo over) | cmp - out
	served
	[ "$served" -le $((2 * (2 << 20))) ]
	peek --tar='d/3?-small' "$IMAGE" >some.tar
	served
	[ "$served" -lt $(($(stat -c %s "$BIG.tar.gz") / 2)) ]
	[ "$(tar -tf some.tar | sort | xargs)" = "$(cd "$BIG" && echo ./d/3?-small)" ]
	mkdir x
	tar -xf some.tar -C x
	for f in x/d/*; do
		cmp "$f" "$BIG/d/${f##*/}"
	done
}

@test "points that are damaged, of another layer, or not there: the layer is read from its start, and why is said" {
	peek -c "$IMAGE" >rows
	cp db good
	sqlite3 db "UPDATE point SET window = zeroblob(100) WHERE seq = 3"
	run -0 --separate-stderr lp-peek --plain-http --cat=d/39-small "$IMAGE"
	cmp <(printf %s "$output") "$BIG/d/39-small"
	[[ $stderr == *"$DIGEST: its points are damaged"* ]]
	cp good db
	sqlite3 db 'UPDATE point SET compressed = compressed - 1000 WHERE seq > 0'
	run -0 --separate-stderr lp-peek --plain-http --cat=d/39-small "$IMAGE"
	cmp <(printf %s "$output") "$BIG/d/39-small"
	[[ $stderr == *'layer 1: by its points it cannot be read: reading it from the start'* ]]
	cp good db
	sqlite3 db 'DELETE FROM point'
	rm -r store
	# of what a client gives up the registry's log does not say how much it was
	peek --stats=stats --cat=d/9-small "$IMAGE" | cmp - "$BIG/d/9-small"
	[ "$(jq -s 'map(.bytes_downloaded // 0) | max' stats)" -gt $((7 << 20)) ]
}

@test "points go with their listing, and none are kept of what is not verified, small, or of no use" {
	peek -c "$IMAGE" >rows
	[ "$(sqlite3 db 'SELECT count(*) > 0 FROM point')" = 1 ]
	lp-cache prune --max-size=1
	[ "$(sqlite3 db 'SELECT count(*) FROM point')" = 0 ]
	peek -c --no-cache "$IMAGE" >rows
	[ "$(sqlite3 db 'SELECT count(*) FROM point')" = 0 ]
	peek "oci:$BATS_FILE_TMPDIR/lay:v1" >rows
	[ "$(sqlite3 db 'SELECT count(*) FROM point')" = 0 ]
}

# Rows need a few KB of it, points some 200.
@test "points for which there is no room leave the listing as it is" {
	mkdir small
	# shellcheck disable=SC2016 # the inner shell's
	run -0 --separate-stderr unshare --user --map-root-user --mount bash -ec '
		mount -t tmpfs -o size=64k none small
		TMPDIR=$PWD/small lp-peek --plain-http -c "$1"' - "$IMAGE"
	[ "${#lines[@]}" -gt 80 ]
	[[ $stderr == *'No space left on device'*'layer 1: no points are kept'* || $stderr == *'layer 1: no points are kept'*'No space left on device'* ]]
	[ "$(sqlite3 db 'SELECT count(*) FROM listing WHERE complete = 1')" = 2 ]
	[ "$(sqlite3 db 'SELECT count(*) FROM point')" = 0 ]
}

@test "lp-cache put-points and get-points: GZIDX in and out" {
	lp-inflate --points=points "$BIG.tar.gz" | lp-tarls -E >rows
	run -4 --separate-stderr lp-cache put-points "$DIGEST" <points
	[ "$stderr" = "lp-cache: $DIGEST: no verified listing, which its points belong to" ]
	lp-cache put --layer="$DIGEST" --verified <rows
	run -4 lp-cache get-points "$DIGEST"
	lp-cache put-points "$DIGEST" <points
	lp-cache put-points "$DIGEST" <points
	lp-cache get-points "$DIGEST=$(stat -c %s "$BIG.tar.gz")" >back
	# all but the sizes and the spacing
	cmp -i 31 points back
	lp-inflate --use-points=back --range=20000000-20000999 "$BIG.tar.gz" | cmp - <(part 20000000 1000 "$BIG.tar")
	# a database that was made to take memory: windows of zeros, a few bytes each
	cp db bomb
	sqlite3 bomb "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO point SELECT (SELECT min(listing) FROM point), i, i, i, 0, x'$(head -c 32768 /dev/zero | zstd -q --stream-size=32768 | od -An -vtx1 | tr -d ' \n')' FROM n"
	run -1 --separate-stderr lp-cache --db=bomb get-points "$DIGEST"
	[ "$stderr" = "lp-cache: $DIGEST: its points are damaged" ]
	run -1 --separate-stderr lp-cache put-points "$DIGEST" <rows
	[ "$stderr" = "lp-cache: <stdin>: byte 0: not GZIDX data" ]
	[ "$(sqlite3 db 'SELECT count(*) > 5 FROM point')" = 1 ]
}

@test "lp-cat --use-points: a file of points, and the bytes that are needed" {
	lp-inflate --points=points "$BIG.tar.gz" | lp-tarls -o header_offset,name >rows
	export PATH=$LP_BIN:$PATH
	for name in 5-small 33-large; do
		at=$(awk -F '\t' -v n="./d/$name" '$2 == n { print $1 }' rows)
		lp-cat --use-points=points --source="$BIG.tar.gz" --at="$at" -- "$name" | cmp - "$BIG/d/$name"
	done
	run -4 --separate-stderr lp-cat --use-points=points --source="$BIG.tar.gz" --at=$((at + 512)) x
	run -4 --separate-stderr lp-cat --use-points=points --source="$BIG.tar.gz" --at=900000000 x
	for words in '--use-points=p --at=0 x' '--use-points=p --source=s x' '--use-points=p --source=s --tar x' \
		'--use-points=p --source=s --at=0 --toc=t x' '--use-points=p --source=s --at=0 --whole x'; do
		# shellcheck disable=SC2086 # words
		run -2 lp-cat $words
	done
}
