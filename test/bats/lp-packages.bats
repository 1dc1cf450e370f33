#!/usr/bin/env bats
# lp-packages and lp-peek --packages: what databases of packages say, beside
# what dpkg-query and rpm say of the same root file systems. Debian has no apk;
# its database is held against the fields that its format documents.

# shellcheck disable=SC2016,SC2154 # inner shells expand it; bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	export D=$BATS_FILE_TMPDIR
	registry_start reg
	cd "$D" || return
	# the base: dpkg's own database of this machine, apk's, a Python distribution and a module
	mkdir -p base/var/lib/dpkg base/lib/apk/db base/usr/lib/python3/a-1.dist-info base/app/node_modules/{left,@s/right,left/test}
	cp /var/lib/dpkg/status base/var/lib/dpkg/status
	printf '%s\n' C:Q1xxx= P:musl V:1.2.4-r2 A:x86_64 F:lib R:ld-musl-x86_64.so.1 '' P:zlib V:1.2.13-r1 A:x86_64 '' >base/lib/apk/db/installed
	printf '%s\n' 'Metadata-Version: 2.1' 'Name: a' 'Version: 1.0' '' 'Version: 2 is near' >base/usr/lib/python3/a-1.dist-info/METADATA
	echo '{"name":"left","version":"1.0.0"}' >base/app/node_modules/left/package.json
	echo '{"name":"@s/right","version":"2.0.0"}' >base/app/node_modules/@s/right/package.json
	echo 'no JSON' >base/app/node_modules/left/test/package.json
	# above it: one by rpm, less a module, more of dpkg's
	mkdir -p top/var/lib/dpkg/status.d top/var/lib/rpm top/app/node_modules spec
	for name in alpha beta; do
		printf '%s\n' "Name: $name" 'Version: 1.2' 'Release: 3' 'Summary: x' 'License: MIT' 'BuildArch: noarch' \
		    "$([ $name = alpha ] || echo Epoch: 7)" '%description' x '%files' >spec/$name.spec
		rpmbuild -bb --quiet --define "_topdir $PWD/rpmbuild" spec/$name.spec >rpmbuild.log 2>&1 || { cat rpmbuild.log; return 1; }
	done
	rpm --root "$PWD/top" --dbpath /var/lib/rpm -i --nodeps rpmbuild/RPMS/noarch/*.rpm >rpm.log 2>&1 || { cat rpm.log; return 1; }
	rpm --root "$PWD/top" --dbpath /var/lib/rpm -qa --qf '%{name}\t%{evr}\t%{arch}\n' >rpms
	[ "$(wc -l <rpms)" -eq 2 ]
	printf 'Package: base-files\nVersion: 12\nArchitecture: amd64\n' >top/var/lib/dpkg/status.d/base
	echo 0 >top/var/lib/dpkg/status.d/base.md5sums
	touch top/app/node_modules/.wh.left
	for l in base top; do
		tar --sort=name --owner=root:0 --group=root:0 -C $l -cf $l.tar .
		noise $l 3000000 >$l.noise
		tar -rf $l.tar $l.noise
		gzip -1 -c $l.tar >$l.gz
		estargz --chunk 1048576 $l.tar $l.estargz >/dev/null
	done
	layout_make lay v1 base.gz top.gz
	registry_push lay:v1 reg gz:1
	layout_make es v1 base.estargz top.estargz
	registry_push es:v1 reg es:1
	dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n' |
	    awk -F'\t' '$4 != "config-files" && $4 != "not-installed" { print $1 "\t" $2 "\t" $3 }' | LC_ALL=C sort >debs
}

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
}

# of KIND: name, version and architecture of these
of() {
	awk -F'\t' -v kind="$1" '$1 == kind { print $2 "\t" $3 "\t" $4 }' got | LC_ALL=C sort
}

@test "dpkg, rpm, apk, Python, npm: as dpkg-query and rpm -qa, and as written" {
	lp-packages -H "$D/base.tar" >got
	[ "$(head -n 1 got)" = $'kind\tname\tversion\tarchitecture\tlayer\tpath' ]
	[ "$(of deb | wc -l)" -gt 100 ]
	of deb | cmp "$D/debs" -
	of apk | cmp - <(printf 'musl\t1.2.4-r2\tx86_64\nzlib\t1.2.13-r1\tx86_64\n')
	of pypi | cmp - <(printf 'a\t1.0\t-\n')
	of npm | cmp - <(printf '@s/right\t2.0.0\t-\nleft\t1.0.0\t-\n')
	lp-packages --layer=3 <"$D/top.tar" >got
	of rpm | cmp <(LC_ALL=C sort "$D/rpms") -
	grep -qx $'rpm\tbeta\t7:1.2-3\tnoarch\t3\tvar/lib/rpm/rpmdb.sqlite' got
	of deb | cmp - <(printf 'base-files\t12\tamd64\n')
	lp-packages -j "$D/top.tar" | jq -c 'select(.kind == "deb")' >got
	[ "$(<got)" = '{"kind":"deb","name":"base-files","version":"12","architecture":"amd64","layer":null,"path":"var/lib/dpkg/status.d/base"}' ]
}

@test "lp-peek --packages: what a container sees, by the layer that shows it; databases alone are fetched" {
	for image in "oci:$D/lay:v1" "$(srv_addr reg)/es:1" "$(srv_addr reg)/gz:1"; do
		lp-peek -q --packages -H "$image" >got
		[ "$(grep -c ^kind got)" -eq 1 ]
		of deb | cmp - <(cat "$D/debs" <(printf 'base-files\t12\tamd64\n') | LC_ALL=C sort)
		of rpm | cmp <(LC_ALL=C sort "$D/rpms") -
		# a module that a layer has deleted is not there
		of npm | cmp - <(printf '@s/right\t2.0.0\t-\n')
		[ "$(cut -f 1,5 got | grep -v ^kind | sort -u)" = $'apk\t1\ndeb\t1\ndeb\t2\nnpm\t1\npypi\t1\nrpm\t2' ]
		# the same by two filters, but for the layer
		lp-peek -q --tar=/ "$image" | lp-packages >two
		cut -f 1-4,6 two | LC_ALL=C sort | cmp - <(grep -v ^kind got | cut -f 1-4,6 | LC_ALL=C sort)
	done
	LP_STATS=$PWD/stats lp-peek -q --no-cache --packages "$(srv_addr reg)/es:1" >got
	[ "$(downloaded stats)" -lt 2000000 ]
	lp-peek -q -j --packages "oci:$D/lay:v1" >doc
	lp-peek -q --ndjson --packages "oci:$D/lay:v1" | jq -s -c . | cmp - <(jq -c .packages doc)
	[ "$(jq '.packages | length' doc)" -eq "$(wc -l <got)" ]
	[ "$(jq -c '[.complete, .error, .packages[-1].layer]' doc)" = '[true,null,"2"]' ]
}

@test "no database, and layers in which there may be one" {
	echo x >file
	tar -cf none.tar file
	run -4 --separate-stderr lp-packages none.tar
	[ -z "$output" ]
	[ "$stderr" = 'lp-packages: none.tar: no database of packages' ]
	run -4 --separate-stderr lp-peek -q --packages none.tar
	[ "$stderr" = 'lp-peek: none.tar: no database of packages' ]
	noise cut 300000 >n
	tar -cf whole.tar n -C "$D/base" var
	gzip -1 whole.tar
	head -c 200000 whole.tar.gz >cut.gz
	run -4 --separate-stderr lp-peek --packages cut.gz
	[ -z "$output" ]
	[[ $stderr == 'lp-peek: layer 1: lp-inflate: <stdin>: not complete: input ends after 200000 bytes'* ]]
	[[ $stderr == *'cut.gz: no database of packages seen, and 1 of 1 layers not seen whole'* ]]
	# what is seen is listed, and the status says that there may be more
	layout_make more v1 cut.gz "$D/top.gz"
	run -4 --separate-stderr lp-peek -q --packages oci:more:v1
	[[ $output == *$'rpm\talpha'* ]]
	[ -n "$stderr" ]
	run -4 --separate-stderr bash -c 'head -c 30000 "$D/base.tar" | lp-packages'
	[ "$stderr" = 'lp-packages: <stdin>: not complete: input ends after 30000 bytes' ]
}

@test "databases that are malformed, or not read: the others are, and one message has the byte" {
	mkdir -p x/var/lib/dpkg x/var/lib/rpm x/lib/apk/db
	printf 'Package: a\nVersion: 1\n\nPackage: b\nVersion 2\n' >x/var/lib/dpkg/status
	printf 'P:e\033[31mvil\nV:1\n' >x/lib/apk/db/installed
	tar --sort=name -C x -cf x.tar .
	run -1 --separate-stderr lp-packages x.tar
	[ "$stderr" = 'lp-packages: var/lib/dpkg/status: byte 34: a line without a colon' ]
	[ "${lines[0]}" = 'apk	e\x1b[31mvil	1	-	-	lib/apk/db/installed' ]
	[ "${lines[1]}" = 'deb	a	1	-	-	var/lib/dpkg/status' ]
	rm -r x/var/lib/dpkg
	for damage in cut header page noise blob; do
		cp "$D/top/var/lib/rpm/rpmdb.sqlite" x/var/lib/rpm/rpmdb.sqlite
		case $damage in
		cut) truncate -s 20000 x/var/lib/rpm/rpmdb.sqlite ;;
		header) printf 'no database' | dd of=x/var/lib/rpm/rpmdb.sqlite conv=notrunc status=none ;;
		# the table's first page is the next one's child, and its own
		page) python3 -c 'd = bytearray(open("x/var/lib/rpm/rpmdb.sqlite", "rb").read()); d[100:4096] = d[4096:8092]; open("x/var/lib/rpm/rpmdb.sqlite", "wb").write(d)' ;;
		noise) noise n 60000 | dd of=x/var/lib/rpm/rpmdb.sqlite bs=1000 seek=1 conv=notrunc status=none ;;
		blob) sqlite3 x/var/lib/rpm/rpmdb.sqlite "UPDATE Packages SET blob = x'000000020000000000' WHERE hnum = 1" ;;
		esac
		tar --sort=name -C x -cf x.tar .
		run -1 --separate-stderr lp-packages x.tar
		[[ $output == apk* ]]
		[[ $stderr == 'lp-packages: var/lib/rpm/rpmdb.sqlite: byte '* ]]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[ $damage != blob ] || [[ $output == *$'rpm\t'* && $stderr == *'byte 0: of header 1: the header is not as long as it says' ]]
	done
	rm x/var/lib/rpm/*
	echo bdb >x/var/lib/rpm/Packages
	tar --sort=name -C x -cf x.tar .
	run -4 --separate-stderr lp-packages x.tar
	[[ $output == apk* ]]
	[ "$stderr" = 'lp-packages: var/lib/rpm/Packages: byte 0: a Berkeley DB of rpm before 4.16, which is not read' ]
	run -4 --separate-stderr lp-peek -q --packages x.tar
	[[ $output == apk* ]]
	[ "$stderr" = 'lp-peek: var/lib/rpm/Packages (layer 1): a Berkeley DB of rpm before 4.16, which is not read' ]
}

@test "a database above LP_MAX_PKGDB is refused by its header, and the others are read" {
	mkdir -p x/var/lib/dpkg x/lib/apk/db
	truncate -s $((256 * 1024 * 1024 + 1)) x/var/lib/dpkg/status
	printf 'P:musl\nV:1.2.5-r0\nA:x86_64\n\n' >x/lib/apk/db/installed
	tar --sort=name --sparse -C x -cf x.tar .
	run -1 --separate-stderr lp-packages x.tar
	[[ $output == $'apk\tmusl\t1.2.5-r0\t'* ]]
	[[ $stderr == 'lp-packages: var/lib/dpkg/status: '*'larger than any database of packages' ]]
}

@test "manners" {
	run -2 lp-packages -H -j
	run -2 lp-packages a b
	run -2 lp-packages --no-such-option
	run -3 lp-packages no-such-file
	run -1 lp-packages <(noise tar 2000)
	run -3 bash -c 'lp-packages "$D/base.tar" >/dev/full'
	run -0 bash -c 'set -o pipefail; lp-packages "$D/base.tar" | head -n 1'
	lp-packages --stats=stats "$D/top.tar" >out
	[ "$(jq -c '[.tool, .entries_found, .error]' stats)" = '["lp-packages",3,null]' ]
}
