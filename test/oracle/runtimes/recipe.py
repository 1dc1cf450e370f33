"""Layered images from recipes of one line each.

    NAME: MEMBER, MEMBER | MEMBER        `|` between layers, the base first

A member is a kind, a name and words. Names are the exact bytes of the archive,
with the escapes of Python's bytes literals; "" is the empty one.

    f NAME          file            d NAME   directory (end it with a slash)
    l NAME→TARGET   symbolic link   h NAME→TARGET   hard link
    c b             device, 1.3 unless the words say MAJOR.MINOR
    p NAME          fifo            tX NAME  typeflag X

    4755            mode: 0644 unless told, 0755 for a directory, 0777 for a symbolic link
    7:8             owner and group, 0:0 unless told
    @SECONDS        time. Unless told it is one that says which member this is,
                    written @LAYER.MEMBER in readings, both counted from 1
    =TEXT           content. Unless told it is LAYER.MEMBER; it is empty for whiteouts and kinds that have none
    size=N          what the header says, whatever there is
    user.a=1        an extended attribute (also security. trusted. system.)
    KEY=VALUE       any other record of a pax header

Words about a layer begin with `!`:

    !gzip !zstd !type=T         compressed; another media type
    !noend !end=N               N blocks of zeros at the end instead of two
    !nopad                      nothing after the last byte of the last member's data
    !bytes=TEXT !zeros=N        these bytes here, N zeros here
    !last=TEXT                  these bytes after the end marker
    !cut=N !cutz=N              N bytes less, before and after compression
    !header=OFFSET:TEXT         overwrite this in the next member's header; the checksum is right
"""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

TIME = 1000000000
MODES = {"d": 0o755, "l": 0o777}
FLAGS = {"f": b"0", "h": b"1", "l": b"2", "c": b"3", "b": b"4", "d": b"5", "p": b"6"}
OCI = "application/vnd.oci.image."
XATTRS = ("user.", "security.", "trusted.", "system.")


def unescape(text):
    return b"" if text == '""' else text.encode().decode("unicode_escape").encode("latin-1")


def escape(raw):
    out = ""
    for c in raw.decode("utf-8", "surrogateescape"):
        if 0xdc80 <= ord(c) <= 0xdcff:
            out += "\\x%02x" % (ord(c) - 0xdc00)
        elif c == "\\" or ord(c) <= 32 or ord(c) == 127:
            out += "\\x%02x" % ord(c)
        else:
            out += c
    return out


def time_of(layer, member):
    return TIME + layer * 1000 + member


def number(value, room):
    """A number of a header: octal, or base 256 where that is too short."""
    text = b"%0*o" % (room - 1, value) if value >= 0 else b""
    if 0 < len(text) < room:
        return text + b"\0"
    raw = bytearray((value & (1 << room * 8) - 1).to_bytes(room, "big"))
    raw[0] |= 0x80
    return bytes(raw)


def pax_record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    n = len(body) + 1
    while len(str(n)) + len(body) != n:
        n += 1
    return str(n).encode() + body


def header(name, flag, mode, uid, gid, size, mtime, link=b"", dev=(0, 0), over=()):
    b = bytearray(512)

    def put(at, value):
        b[at:at + len(value)] = value

    for at, value in ((0, name[:100]), (100, number(mode, 8)), (108, number(uid, 8)), (116, number(gid, 8)),
                      (124, number(size, 12)), (136, number(mtime, 12)), (156, flag), (157, link[:100]),
                      (257, b"ustar\00000"), (329, number(dev[0], 8)), (337, number(dev[1], 8)), *over):
        put(at, value)
    put(148, b"%06o\0 " % (sum(b[:148]) + 32 * 8 + sum(b[156:])))
    return bytes(b)


def padded(data):
    return data + bytes(-len(data) % 512)


class Layer:
    def __init__(self, text, index):
        self.raw, self.compress, self.cutz, self.type, self.members = b"", None, 0, None, 0
        self.index, self.over, self.pad = index, [], True
        end, last, cut = 2, b"", 0
        for part in text.split(","):
            words = part.split()
            if not words or words[0][0] != "!":
                if words:
                    self.member(words)
                continue
            word, _, value = words[0][1:].partition("=")
            if word in ("gzip", "zstd"):
                self.compress = word
            elif word == "type":
                self.type = value
            elif word in ("noend", "end"):
                end = int(value or 0)
            elif word == "nopad":
                self.pad, end = False, 0
            elif word == "bytes":
                self.raw += unescape(value)
            elif word == "zeros":
                self.raw += bytes(int(value))
            elif word == "last":
                last = unescape(value)
            elif word == "cut":
                cut = int(value)
            elif word == "cutz":
                self.cutz = int(value)
            elif word == "header":
                at, _, text = value.partition(":")
                self.over.append((int(at), unescape(text)))
            else:
                raise SystemExit("no such word: !" + word)
        if not self.pad:
            self.raw = self.raw[:self.ends]
        self.raw += bytes(512 * end) + last
        self.raw = self.raw[:len(self.raw) - cut]
        self.pack()

    def member(self, words):
        self.members += 1
        kind, path = words[0], words[1]
        name, _, link = path.partition("→")
        name, link = unescape(name), unescape(link)
        flag = FLAGS[kind] if kind in FLAGS else unescape(kind[1:])
        mode, uid, gid, mtime = MODES.get(kind, 0o644), 0, 0, time_of(self.index, self.members)
        white = name.rstrip(b"/").rsplit(b"/", 1)[-1].startswith(b".wh.")
        data = b"%d.%d" % (self.index, self.members) if kind == "f" and not white else b""
        dev, size, pax = (1, 3) if kind in "cb" else (0, 0), None, b""
        for w in words[2:]:
            if w[0] == "=":
                data = unescape(w[1:])
            elif w[0] == "@":
                mtime = int(w[1:])
            elif w.startswith("size="):
                size = int(w[5:])
            elif "=" in w:
                key, _, value = w.partition("=")
                key = "SCHILY.xattr." + key if key.startswith(XATTRS) else key
                pax += pax_record(key.encode(), unescape(value))
            elif ":" in w:
                uid, gid = map(int, w.split(":"))
            elif "." in w:
                dev = tuple(map(int, w.split(".")))
            else:
                mode = int(w, 8)
        if len(name) > 100:
            pax += pax_record(b"path", name)
        if pax:
            self.raw += header(b"pax", b"x", 0o644, 0, 0, len(pax), 0) + padded(pax)
        self.raw += header(name, flag, mode, uid, gid, len(data) if size is None else size, mtime, link, dev, self.over)
        self.over = []
        self.ends = len(self.raw) + len(data)
        self.raw += padded(data)

    def pack(self):
        """The blob as it is stored, and the media type."""
        self.blob, kind = self.raw, "tar"
        if self.compress == "gzip":
            self.blob, kind = gzip.compress(self.raw, mtime=0), "tar+gzip"
        elif self.compress == "zstd":
            kind = "tar+zstd"
            self.blob = subprocess.run(["zstd", "-q", "-c"], input=self.raw, capture_output=True, check=True).stdout
        self.blob = self.blob[:len(self.blob) - self.cutz]
        self.type = self.type or OCI + "layer.v1." + kind


class Image:
    def __init__(self, line):
        self.name, _, self.text = line.partition(": ")
        self.layers = [Layer(t, i + 1) for i, t in enumerate(self.text.split("|"))]
        self.id = hashlib.sha256(self.config()).hexdigest()

    def config(self):
        return json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [
            "sha256:" + hashlib.sha256(layer.raw).hexdigest() for layer in self.layers]}}).encode()


def docker_archive(images):
    """A `docker save` of them."""
    files, manifest = {}, []
    for image in images:
        names = []
        for layer in image.layers:
            names.append(hashlib.sha256(layer.blob).hexdigest() + ".tar")
            files[names[-1]] = layer.blob
        files[image.id + ".json"] = image.config()
        manifest.append({"Config": image.id + ".json", "RepoTags": [image.name.lower() + ":t"], "Layers": names})
    files["manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            t = tarfile.TarInfo(name)
            t.size = len(data)
            tar.addfile(t, io.BytesIO(data))
    return out.getvalue()


def write_layout(where, images):
    """An OCI image layout with all of them, by name."""
    os.makedirs(where + "/blobs/sha256")

    def blob(data, mediatype):
        digest = hashlib.sha256(data).hexdigest()
        with open(where + "/blobs/sha256/" + digest, "wb") as f:
            f.write(data)
        return {"mediaType": mediatype, "digest": "sha256:" + digest, "size": len(data)}

    manifests = []
    for image in images:
        manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                    "config": blob(image.config(), OCI + "config.v1+json"),
                    "layers": [blob(layer.blob, layer.type) for layer in image.layers]}
        manifests.append(blob(json.dumps(manifest).encode(), manifest["mediaType"]) | {
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {"org.opencontainers.image.ref.name": image.name,
                            "io.containerd.image.name": "lp.test/" + image.name.lower() + ":t"}})
    with open(where + "/index.json", "w") as f:
        json.dump({"schemaVersion": 2, "manifests": manifests}, f)
    with open(where + "/oci-layout", "w") as f:
        json.dump({"imageLayoutVersion": "1.0.0"}, f)


def read(*files):
    """The images of recipe files: lines that are empty or begin with # are comments."""
    images = []
    for file in files:
        with open(file, encoding="utf-8") as f:
            images += [Image(line.strip()) for line in f if line.strip() and line[0] != "#"]
    names = [i.name.lower() for i in images]
    assert len(set(names)) == len(names), "two images of one name"
    return images
