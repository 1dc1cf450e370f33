#!/usr/bin/env bats
# What is small on the wire and large behind it, through the programs that
# are shipped: memory stays bounded, limits hold where they say.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	srv_init
	shipped
	export IN=$BATS_FILE_TMPDIR
	cd "$IN" || return
	echo small >small
	truncate -s 1G large
	tar --format=gnu --sort=name -cf - large small | gzip -1 -n >layer.gz
	tar --format=gnu --sort=name -cf - large small | zstd -q --long=23 >layer.zst
}

setup()
{
	own_folder
	set -o pipefail
}

# within KIB PROGRAM...: it ends well and never has more memory than that
within()
{
	local limit=$1 program=$2
	shift 2
	env time -o peak -f %M "$RELEASE/$program" "$@" 2>err || {
		cat err >&2
		return 1
	}
	echo "# $program: $(cat peak) KiB" >&2
	[ "$(cat peak)" -le "$limit" ]
}

@test "a layer of 1 GiB in a few MiB passes in 8 MiB of memory: lp-inflate" {
	want=1073745920 # what tar made of it: records of 10 KiB
	[ "$(within 8192 lp-inflate "$IN/layer.gz" | wc -c)" -eq $want ]
	[ "$(within 8192 lp-inflate --engine=zlib "$IN/layer.gz" | wc -c)" -eq $want ]
	# a window of 8 MiB and 4 MiB
	[ "$(within $((8192 + 4096)) lp-inflate "$IN/layer.zst" | wc -c)" -eq $want ]
}

@test "a zstd window of 128 MiB is had for 4 MiB more, a larger one is refused before memory is" {
	truncate -s 300M zeros
	zstd -q --long=27 <zeros >27.zst
	[ "$(within $(((128 + 4) * 1024)) lp-inflate 27.zst | wc -c)" -eq $((300 << 20)) ]
	zstd -q --ultra --long=28 <zeros >28.zst
	env time -o peak -f %M "$RELEASE/lp-inflate" 28.zst >out 2>err && false
	grep -q 'the window is above 128 MiB' err
	[ "$(tail -n 1 peak)" -le 8192 ]
	[ ! -s out ]
}

@test "a layer of 1 GiB in a few MiB passes in 8 MiB of memory: lp-tarls" {
	"$RELEASE/lp-inflate" "$IN/layer.gz" | within 8192 lp-tarls -o size,name >out
	printf '1073741824\tlarge\n6\tsmall\n' | cmp - out
}

@test "a layer of 1 GiB in a few MiB passes in 8 MiB of memory: lp-cat" {
	"$RELEASE/lp-inflate" "$IN/layer.gz" | within 8192 lp-cat small | cmp - "$IN/small"
	[ "$("$RELEASE/lp-inflate" "$IN/layer.gz" | within 8192 lp-cat large | wc -c)" -eq $((1 << 30)) ]
}

@test "a sparse file that claims eight exabytes is a row, and what is asked of it streams" {
	# GNU sparse 1.0 by hand: a map of one piece, the real size 2^63 - 1
	python3 - >huge.tar <<'PY'
import io, sys, tarfile
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)
i = tarfile.TarInfo("huge")
i.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "huge",
                 "GNU.sparse.realsize": str((1 << 63) - 1)}
body = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
i.size = len(body)
t.addfile(i, io.BytesIO(body))
t.close()
PY
	within 8192 lp-tarls -o size,name huge.tar >out
	printf '9223372036854775807\thuge\n' | cmp - out
	# its reader has enough at once
	env time -o peak -f %M "$RELEASE/lp-cat" -f huge.tar huge | head -c 1000000 | tail -c 1 | cmp - <(printf '\0')
	[ "$(tail -n 1 peak)" -le 8192 ]
}

@test "global headers of the largest size, one after the other, are not added up" {
	# 64 of 1 MiB, each with a key of its own
	cat >globals.py <<'PY'
import sys, tarfile
MAX = 1 << 20
for i in range(64):
    h = tarfile.TarInfo("g")
    h.type, h.size = b"g", MAX
    key = b"%d key%d=" % (MAX, i)
    sys.stdout.buffer.write(h.tobuf(tarfile.USTAR_FORMAT) + key + b"x" * (MAX - len(key) - 1) + b"\n")
sys.stdout.buffer.write(tarfile.TarInfo("last").tobuf(tarfile.USTAR_FORMAT) + bytes(1024))
PY
	python3 globals.py | within 8192 lp-tarls -E -o name >out
	[ "$(head -n 1 out)" = last ]
	grep -q $'^#end\tentries=1\tcomplete=yes' out
	python3 globals.py | within 8192 lp-cat last | cmp - /dev/null
}

# lp-merge(1), --max-entries: what a row may take, and a directory that no row names
@test "each row of a merge takes the memory that its page says, whatever it is" {
	python3 - >shapes <<'PY'
N = 20000
def row(kind, name, link=""):
    return "%srw-r--r--\t0\t0\t1\t2026-11-23T16:43:44Z\t%s\t%s\n" % (kind, name, link)
def rows(n, *kinds):
    return "".join(k(i) for i in range(n) for k in kinds)
f = lambda name, kind="-", link="": lambda i: row(kind, name.replace("%", str(i)), link.replace("%", str(i)))
# name, bytes for each row and implied directory, how many of both, layers
shapes = [
    ("order", 250, N, [rows(N, lambda i: row("-", "d/%07d" % i))]),
    ("disorder", 250, N, [rows(N, lambda i: row("-", "d/%d" % (i * 7919 % N)))]),
    ("directories", 250, N, [rows(N // 2, f("%/", "d"), f("%/a"))]),
    ("implied", 250, N * 3 // 4 * 4, [rows(N * 3 // 4, f("%/a/b/f"))]),
    ("links", 250, N, [rows(N, f("s%", "l", "t"))]),
    ("one-file", 250, N, [row("-", "f") + rows(N, f("h%", "h", "f"))]),
    ("files", 250, N, [rows(N // 2, f("f%"), f("h%", "h", "f%"))]),
    ("one-path", 250, N, [rows(N, f("p"))]),
    ("whiteouts", 250, N, [rows(N // 2, f("p/%")), rows(N // 2, f("p/.wh.%"))]),
    ("opaque", 250, N * 3 // 2, [rows(N // 2, f("p%/a")), rows(N // 2, f("p%/.wh..wh..opq"))]),
    ("over-links", 250, N * 3 // 2, [rows(N // 2, f("p%", "l", "t")), rows(N // 2, f("p%/f"))]),
    ("layers", 250, N, [rows(N // 4, f("p/%"))] * 4),
    ("owners", 250, N, [rows(N, lambda i: '{"name":"f%d","mode":"-rw-r--r--","uname":"user%d","gname":"g%d"}\n' % (i, i, i))]),
    ("attributes", 400, N, ["mode\tname\txattrs\n" + rows(N, lambda i: "-rw-r--r--\tf%d\tuser.a=dg==\n" % i)]),
    ("linked-attributes", 400, N, ["mode\tname\tlinkname\txattrs\n-rw-r--r--\tf\t\tuser.a=dg==\n" +
        rows(N, lambda i: "hrw-r--r--\th%d\tf\tuser.a%d=dg==\n" % (i, i))]),
]
for name, each, n, layers in shapes:
    for i, text in enumerate(layers):
        open("%s.%d" % (name, i), "w").write(text)
    print(name, len(layers), sum(t.count("\n") for t in layers), each * n + sum(map(len, layers)), sep="\t")
PY
	row=$(printf -- '-rw-r--r--\t0\t0\t1\t-\ta\t')
	within 8192 lp-merge -q - <<<"$row" >out
	nothing=$(cat peak)
	count=0
	while IFS=$'\t' read -r name layers rows bytes; do
		mapfile -t files < <(seq -f "$name.%g" 0 $((layers - 1)))
		# what libraries and buffers take is there already, but for those of a larger input
		within $((nothing + 1024 + bytes / 1024)) lp-merge -q --summary "${files[@]}" >out
		awk -F '\t' -v rows="$rows" '{ n += $2 } END { exit n < rows / 2 }' out
		[ "$(cat peak)" -gt "$nothing" ]
		count=$((count + 1))
	done <shapes
	[ "$count" -eq 15 ]
}

# costs STATUS COMMAND...: ends with that, in less than 256 MiB and 10 s of each processor that it has
costs()
{
	local status=$1 got=0
	shift
	(
		ulimit -t 10
		exec timeout 60 env time -o peak -f %M "$RELEASE/$1" "${@:2}" >out 2>err
	) || got=$?
	[ "$got" -eq "$status" ] || { cat err; return 1; }
	[ "$(tail -n 1 peak)" -le $((256 * 1024)) ] || { cat peak; return 1; }
}

# LP_MAX_JSON_MEMORY is what refuses the JSON
@test "nothing below 1 MiB costs 256 MiB: JSON of many values, rows that imply directories, paths without end" {
	python3 - <<'PY'
n = 1 << 20
def out(name, text):
    open(name, "w").write(text[:n] if name != "json" else text)
row = lambda t, name, link="": "%srwxr-xr-x\t0\t0\t0\t-\t%s\t%s\n" % (t, name, link)
out("json", '{"name":"a","x":[' + "{}," * (n // 3 - 20) + "{}]}\n")
out("arrays", '{"name":"a","x":[' + "[]," * (n // 3 - 20) + "[]]}\n")
out("deep", row("-", "/".join("d" * 16000) + "/f"))
out("deeper", "".join(row("-", "%d/" % i + "d/" * 2000 + "f") for i in range(255)))
out("hidden", row("d", "p") * 20000 + row("-", "p/.wh.x") * 16000)
out("link", row("l", "t/s", "./" * 120 + "x/" * 250) + "".join(row("h", "h%d" % i, "t/s") for i in range(9000))
    + "".join(row("-", "h%d/f" % i) for i in range(9000)))
PY
	costs 0 lp-merge -q hidden
	[ "$(wc -l <out)" -eq 1 ]
	costs 1 lp-merge -q deep
	grep -q 'a path above 4095 bytes' err
	costs 1 lp-merge -q deeper
	grep -q 'directories that no row names, without end' err
	[ ! -s out ]
	for json in json arrays; do
		costs 1 lp-merge -q "$json" || costs 0 lp-merge -q "$json"
	done
	"$RELEASE/lp-merge" -q link >/dev/null 2>err || grep -q 'without end' err
	env time -o peak -f %M "$RELEASE/lp-merge" -q -n 1 link >out 2>err || :
	[ "$(tail -n 1 peak)" -le $((256 * 1024)) ]
	# sixteen times as much would take gigabytes
	python3 -c 'print("{\"name\":\"a\",\"x\":[" + "{}," * 5000000 + "{}]}")' >large
	costs 1 lp-merge -q large
	grep -q 'JSON has too many values' err
}

@test "nothing below 1 MiB costs 256 MiB or 10 s: manifests, configs, tags, tables of contents, headers, lists" {
	python3 - <<'PY'
import hashlib, io, json, os, tarfile
n, zero = 1 << 20, "0" * 64
kind = "application/vnd.oci.image.%s.v1+json"
many = lambda one, size=n: one + ("," + one) * ((size - 400) // (len(one) + 1))
named = '{"digest":"sha256:%s","size":2}' % zero
manifest = '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%%s]}' % (kind % "manifest", named)
config = '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},%s}'

def put(lay, text, what="manifest"):
    os.makedirs(lay + "/blobs/sha256", exist_ok=True)
    name = hashlib.sha256(text.encode()).hexdigest()
    open(lay + "/blobs/sha256/" + name, "w").write(text)
    return {"digest": "sha256:" + name, "size": len(text), "mediaType": kind % what}

def layout(lay, text):
    json.dump({"schemaVersion": 2, "manifests": [put(lay, text)]}, open(lay + "/index.json", "w"))
    open(lay + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')

def configured(lay, text):
    layout(lay, json.dumps({"schemaVersion": 2, "mediaType": kind % "manifest", "config": put(lay, text, "config"), "layers": []}))

layout("m-empty", manifest % many("{}"))
layout("m-layers", manifest % many(named))
layout("m-deep", manifest % ("[" * (n - 400)))
layout("m-index", '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' % (kind % "index", many(named)))
configured("c-history", config % ('"history":[%s]' % many("{}")))
configured("c-env", config % ('"config":{"Env":[%s]}' % many('"a"')))
configured("c-16", config % ('"history":[%s]' % many("{}", 16 << 20)))
open("tags", "w").write('{"tags":[%s]}' % many('"a"'))
open("entries", "w").write('{"version":1,"entries":[%s]}' %
    ",".join('{"name":"%05d","type":"reg","size":1}' % i for i in range(26000)))
open("values", "w").write('{"version":1,"entries":[%s]}' % many("{}"))
open("list", "w").write("x\n" * (n // 2))

def add(t, name, text):
    member = tarfile.TarInfo(name)
    member.size = len(text)
    t.addfile(member, io.BytesIO(text.encode()))

# the old form of docker save: a layer that is its own parent
with tarfile.open("ring", "w") as t:
    add(t, "repositories", '{"r":{"t":"A"}}')
    add(t, "A/json", '{"parent":"A","x":"%s"}' % ("y" * (n - 4000)))
    add(t, "A/layer.tar", "")

def pax(name, text):
    member = tarfile.TarInfo("p")
    member.type, member.size = b"x", len(text)
    end = tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    open(name, "wb").write(member.tobuf(tarfile.USTAR_FORMAT) + text + bytes(-len(text) % 512) + end)

pax("records", b"".join(b"12 k%05d=v\n" % i for i in range(80000)))
pax("long", b"800009 path=" + b"d/" * 399998 + b"\n")
PY
	costs 1 lp-layers -p linux/amd64 oci:m-empty
	costs 4 lp-layers -p linux/amd64 oci:m-layers
	costs 1 lp-layers -p linux/amd64 oci:m-deep
	costs 4 lp-layers -p linux/amd64 oci:m-index
	costs 0 lp-layers --platforms oci:m-index
	costs 0 lp-layers -p linux/amd64 oci:c-history
	costs 0 lp-layers -p linux/amd64 oci:c-env
	# sixteen times as much
	costs 1 lp-layers "docker-archive:$PWD/ring"
	grep -q "the layers' documents have more than 16 MiB together" err
	costs 1 lp-layers -p linux/amd64 oci:c-16
	costs 1 lp-peek -q -p linux/amd64 oci:c-16
	costs 1 lp-peek -q -p linux/amd64 oci:m-empty
	echo '{"/v2/many/tags/list": {"file": "tags"}}' >rules
	fault_start many rules
	costs 0 lp-layers --tags "$(srv_addr many)/many"
	[ "$(wc -l <out)" -gt 200000 ]
	costs 0 lp-toc -q entries
	costs 1 lp-toc -q values
	costs 1 lp-tarls records
	costs 1 lp-tarls long
	costs 1 lp-cat -f long f
	mkdir store
	costs 1 lp-fetch --fill -S store <list
	# a GiB behind a MiB
	layout_make big v1 "$IN/layer.gz" "$IN/layer.zst"
	costs 0 lp-peek -c --no-cache oci:big
	costs 0 lp-inflate -q "$IN/layer.gz"
	costs 0 lp-inflate -q "$IN/layer.zst"
}

@test "a row of 16 MiB is read, one byte more is refused" {
	local head=$'-rw-r--r--\t0\t0\t0\t-\ta\t' max=$((16 << 20))
	{
		printf '%s' "$head"
		head -c $((60 << 10)) /dev/zero | tr '\0' x
		echo
	} >row
	"$RELEASE/lp-merge" -q -o linkname row | tail -n 1 | cmp - <(cut -f 7 row)
	{
		printf '%s' "$head"
		head -c $((max - ${#head})) /dev/zero | tr '\0' x
		echo
	} >row
	"$RELEASE/lp-merge" row >out 2>err || true
	run ! grep 'longer than any row' err
	sed -i 's/$/x/' row
	run -1 "$RELEASE/lp-merge" row
	[[ $output == *"a line longer than any row"* ]]
}
