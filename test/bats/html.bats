#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # inner shells expand it; bats sets stderr
# The page of lp-show --html and lp-peek --html: what is in it, and what a
# browser makes of it (test/lib/browser); and lp-peek --browse in a terminal.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup() {
	own_folder
	export XDG_CACHE_HOME=$PWD/cache
}

teardown() {
	if [ -S tmux ]; then tmux -S tmux kill-server || true; fi
}

# Until the terminal shows TEXT.
screen() {
	wait_for bash -c 'tmux -S tmux capture-pane -p >shown && grep -F -- "$1" shown' - "$1"
}

# The rows that a page holds.
rows_of() {
	sed -n '/<script type="text\/plain" id="rows">/,/<\/script>/p' "$1" | sed 's/<[^>]*>//g' | base64 -d | gzip -dc
}

# about KEY PAGE
about_of() {
	sed -n 's/^<script type="application\/json" id="about">//; T; :a; s/<\/script>$//; t b; N; b a; :b p' "$2" | jq -r "$1"
}

READY='new Promise(r => { const look = () => window.page ? r("ready") : setTimeout(look, 10); look() })'
TEXT='id => document.getElementById(id).textContent'
# what the first cells of a table are
NAMES='id => [...document.querySelectorAll("#" + id + " tbody tr td:first-child")].map(td => td.textContent)'
SEARCH='text => { document.getElementById("search").value = text; page.show() }'

# An image of two layers: etc/old is deleted, usr/big overwritten.
make_image() {
	mkdir -p base/etc base/usr/lib app/usr app/etc
	echo old >base/etc/old
	echo one >base/etc/one
	noise 1 9000 >base/usr/big
	noise 2 5000 >base/usr/lib/libx.so.1
	ln -s libx.so.1 base/usr/lib/libx.so
	tar --sort=name -C base -cf base.tar .
	: >app/etc/.wh.old
	noise 3 7000 >app/usr/big
	tar --sort=name -C app -cf app.tar .
	layout_make lay v1 base.tar app.tar
}

@test "the page holds the rows that lp-merge --all writes, and what is known of the image" {
	make_image
	lp-peek -q --html=page.html oci:lay:v1
	lp-peek -q --layers oci:lay:v1 | lp-merge -aE - >want
	rows_of page.html | grep -v '^#end' >got
	diff got <(grep -v '^#end' want)
	rows_of page.html | grep $'^#end\tentries=13\tcomplete=yes'
	[ "$(about_of .image page.html)" = oci:lay:v1 ]
	[ "$(about_of '.layers | length' page.html)" = 2 ]
	[ "$(about_of .layers[1].digest page.html)" = "$(lp-layers -o digest oci:lay:v1 | sed -n 2p)" ]
	# to stdout, and from rows alone
	lp-peek -q --html=- oci:lay:v1 >again.html
	rows_of again.html | cmp - <(rows_of page.html)
	lp-show --html want >rows.html
	rows_of rows.html | grep -v '^#end' | cmp - got
	[ "$(about_of .image rows.html)" = null ]
	# a page that cannot be written is said before anything is fetched
	run -3 lp-peek -q --html=no/such/dir/page.html oci:lay:v1
	[[ $output == *no/such/dir/page.html* ]]
	run -2 lp-peek --html=page.html --tree oci:lay:v1
}

@test "in a browser: sizes, layers, search, hidden files, waste; by keys, too" {
	make_image
	lp-peek -q --html=page.html oci:lay:v1
	run -0 browser --print page.pdf --screenshot page.png page.html "$READY" "($TEXT)('summary')" "($TEXT)('image')" \
	    "document.getElementById('warning').hidden" "($NAMES)('files')" "($NAMES)('layers')" "($NAMES)('waste')" \
	    "($SEARCH)('LIBX')" "($NAMES)('files')" "($SEARCH)('*.so')" "($NAMES)('files')" "($SEARCH)('old')" "($TEXT)('files')" \
	    "document.getElementById('hidden').click(), ($TEXT)('files')" "($SEARCH)('')" \
	    "document.getElementById('map').focus()" 'key ArrowRight' "($TEXT)('under')" 'key Enter' 'location.hash' "($TEXT)('files-title')" \
	    "($NAMES)('files')" 'key Backspace' 'location.hash' \
	    "[...document.querySelectorAll('#files th')].map(th => th.getAttribute('aria-sort'))[1]"
	[ "${lines[1]}" = '"8 files and directories, 11.7 KiB in 2 layers · 8.8 KiB hidden by later layers · linux/amd64 · '"$(about_of .image_digest page.html)"'"' ]
	[ "${lines[2]}" = '"oci:lay:v1"' ]
	[ "${lines[3]}" = true ]
	[ "${lines[4]}" = '["usr/", "etc/"]' ]
	[ "${lines[5]}" = '["1", "2"]' ]
	[ "${lines[6]}" = '["usr/big", "etc/old"]' ]
	[ "${lines[8]}" = '["usr/lib/libx.so.1", "usr/lib/libx.so → libx.so.1"]' ]
	[ "${lines[10]}" = '["usr/lib/libx.so → libx.so.1"]' ]
	[[ ${lines[12]} == *'0 entries, 0 B; 1 more hidden or deleted'* ]]
	[[ ${lines[13]} == *'etc/old'*'deleted by layer 2'* ]]
	[[ ${lines[16]} == '"/usr  20.5 KiB, 5 entries, layer '* ]]
	[ "${lines[17]}" = '"#/usr"' ]
	[ "${lines[18]}" = '"Contents of /usr"' ]
	[ "${lines[19]}" = '["big", "big", "lib/"]' ]
	[ "${lines[20]}" = '"#/"' ]
	[ "${lines[21]}" = '"descending"' ]
	file page.pdf page.png | grep -c -E 'PDF document|PNG image data, 1280 x 900'
}

@test "in a browser: rows in any order, names that are not ASCII, a file where a directory was, paths of great depth" {
	local deep
	deep=$(printf 'd/%.0s' {1..1500})
	printf '%s\t0\t0\t%s\t-\t%s\t%s\t%s\t%s\t%s\n' \
	    -rw-r--r-- 5 b/z '' 2 '' '' \
	    -rw-r--r-- 7 $'a/\ufeffé' '' 1 '' '' \
	    -rw-r--r-- 11 b/y/x '' a-long-label '' '' \
	    lrwxrwxrwx 0 lib usr/lib 2 '' '' \
	    -rw-r--r-- 13 lib/old '' 1 opaque 2 \
	    drwxr-xr-x 0 a '' 1 '' '' \
	    -rw-r--r-- 17 "${deep}f" '' 1 '' '' \
	    -rw-r--r-- 19 a/b '' 2 '' '' >rows
	lp-show --html rows >page.html
	run -0 browser page.html "$READY" "($TEXT)('summary')" "($NAMES)('files').sort()" "location.hash = '#/a', page.go(), ($NAMES)('files')" \
	    "location.hash = '#/lib', page.go(), ($NAMES)('files')" "document.getElementById('hidden').click(), ($NAMES)('files')" \
	    "($SEARCH)('É'), ($NAMES)('files')" "($SEARCH)('d/d/f'), ($NAMES)('files').length" \
	    "[...document.querySelectorAll('#layers tbody td:first-child')].map(td => td.textContent).sort()"
	[ "${lines[1]}" = '"7 files and directories, 59 B in 3 layers · 13 B hidden by later layers"' ]
	[ "${lines[2]}" = '["a/", "b/", "d/", "lib/"]' ]
	[ "${lines[3]}" = $'["b", "\\\\u{feff}é"]' ]
	[ "${lines[4]}" = '[]' ]
	[ "${lines[5]}" = '["old"]' ]
	[ "${lines[6]}" = $'["a/\\\\u{feff}é"]' ]
	[ "${lines[7]}" = 1 ]
	[ "${lines[8]}" = '["1", "2", "a-long-label"]' ]
}

@test "names are text, whatever they hold" {
	local evil='</script><script>document.title="owned"</script><img src=x onerror=document.title="owned"><!--'
	mkdir hostile
	: >hostile/"${evil//\//|}"
	: >hostile/$'a\tb\nc\e[31m'
	: >hostile/$'\xff\xfe'
	: >hostile/$'safe\u202egpj.exe'
	: >hostile/"'\"&amp;@ROWS@"
	ln -s 'javascript:alert(1)' hostile/link
	tar --sort=name -C hostile -cf hostile.tar .
	layout_make lay v1 hostile.tar
	# the command, which is text from outside as well
	jq -n --arg evil "$evil" '{image: $evil, layers: [{digest: "sha256:0", size: 1, created_by: ($evil + "\u2028@ABOUT@"), partial: false}]}' >about.json
	lp-peek -q --layers oci:lay:v1 | lp-merge -aE - | lp-show --html --about=about.json >page.html
	[ "$(grep -c '<script' page.html)" -eq 3 ]
	run ! grep -F 'owned"<' page.html
	run -0 browser page.html "$READY" 'document.title' "document.querySelectorAll('script, img, a, iframe').length" "($NAMES)('files').sort()" \
	    "($TEXT)('layers')" "document.getElementById('image').children.length"
	[ "${lines[1]}" = "$(jq -n --arg evil "$evil" '$evil')" ]
	[ "${lines[2]}" = 3 ]
	[ "${lines[3]}" = "$(jq -cn --arg evil "${evil//\//|}" '["\u0027\"&amp;@ROWS@", $evil, "\\xff\\xfe", "a\\tb\\nc\\x1b[31m", "link → javascript:alert(1)", "safe\\u{202e}gpj.exe"]' |
	    sed 's/","/", "/g')" ]
	[[ ${lines[4]} == *'\\u{2028}@ABOUT@'* ]]
	[ "${lines[5]}" = 0 ]
}

@test "a preview says so on its page; an empty listing and a damaged one are shown as far as they go" {
	make_image
	echo '{}' >rules.json
	noise 5 300000 >base/usr/huge
	noise 6 10 >base/usr/unseen
	tar --sort=name -C base -cf base.tar .
	layout_make far v1 base.tar app.tar
	srv_init
	fault_start reg rules.json --layout far
	lp-peek -q --html=page.html "$(srv_addr reg)/a:v1"
	run -0 browser --dark page.html "$READY" "document.getElementById('warning').hidden" "($TEXT)('warning')" "($TEXT)('layers')"
	[ "${lines[1]}" = false ]
	[ "${lines[2]}" = '"A preview: only the beginning of layer 1 was read. What comes after it is not on this page."' ]
	[[ ${lines[3]} == *'its beginning'* ]]
	lp-show --html </dev/null >empty.html
	printf -- '-rw-r--r--\t0\t0\t5\t-\tgood\t\nbad\n' >damaged
	run -1 --separate-stderr lp-show --html damaged
	[[ $stderr == *'line 2'* ]]
	printf '%s\n' "$output" >damaged.html
	run -0 browser empty.html "$READY" "($TEXT)('summary')"
	[[ ${lines[1]} == '"0 files and directories, 0 B in 0 layers'* ]]
	run -0 browser damaged.html "$READY" "($NAMES)('files')" "($TEXT)('warning')"
	[ "${lines[1]}" = '["good"]' ]
	[ "${lines[2]}" = '"Whether this listing is complete is not known."' ]
}

@test "--browse: ncdu on the terminal, and back; without ncdu or a terminal it says what does it" {
	make_image
	tmux -f /dev/null -S tmux new-session -d -x 80 -y 20 "TERM=screen lp-peek --browse oci:lay:v1; echo status \$?; cat" 3>&-
	screen /usr
	tmux -S tmux send-keys Enter
	screen /lib
	grep -F big shown
	tmux -S tmux send-keys q
	screen 'status 0'
	screen 'complete'
	run -2 lp-peek --browse oci:lay:v1
	[[ $output == *'wants a terminal'* ]]
	mkdir bin
	for program in "$LP_BIN"/lp-*; do ln -s "$program" bin; done
	PATH=$PWD/bin run -3 /usr/bin/script -qec "lp-peek --browse oci:lay:v1" /dev/null
	[[ $output == *'apt install ncdu'* ]]
}
