#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/toc/footer.h"
#include "test/unit/unit.h"

#define GZ_HEAD "\x1f\x8b\x08\x04\0\0\0\0\0\xff"
#define GZ_TAIL "\x01\0\0\xff\xff\0\0\0\0\0\0\0\0"
#define ESTARGZ(hex) GZ_HEAD "\x1a\0SG\x16\0" hex "STARGZ" GZ_TAIL
#define LEGACY(hex) GZ_HEAD "\x16\0" hex "STARGZ" GZ_TAIL
#define EXTERNAL GZ_HEAD "\x15\0SG\x11\0STARGZEXTERNALTOC" GZ_TAIL

#define FRAME(len) "\x50\x2a\x4d\x18" len "\0\0\0"
#define U64(lo) lo "\0\0\0\0\0\0"
/* offset 0x1000, 0x200 bytes, 0x900 of JSON, type 1 */
#define PLACE U64("\0\x10") U64("\0\x02") U64("\0\x09") U64("\x01\0")
#define Z40(magic) FRAME("\x28") PLACE magic
#define Z56(magic) FRAME("\x38") PLACE U64("\0\x13") U64("\x10\0") magic
#define Z64(magic) FRAME("\x40") PLACE U64("\0\x13") U64("\x10\0") U64("\x20\0") magic

#define SHA_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define BYTES(s) s, sizeof(s) - 1

static const struct footer_case {
	const char *name, *bytes;
	size_t n;
	uint64_t size;
	int rc;
	enum lp_toc_format format;
	uint64_t offset, length, raw;
} cases[] = {
	{ "eStargz", BYTES(ESTARGZ("0000000000001000")), 0x3000, LP_OK, LP_TOC_ESTARGZ, 0x1000, 0x2000 - 51, 0 },
	{ "eStargz at byte 0", BYTES(ESTARGZ("0000000000000000")), 0x3000, LP_OK, LP_TOC_ESTARGZ, 0, 0x3000 - 51, 0 },
	{ "eStargz, a TOC of one byte", BYTES(ESTARGZ("0000000000002fcc")), 0x3000, LP_OK, LP_TOC_ESTARGZ, 0x2fcc, 1, 0 },
	{ "eStargz, a TOC of none", BYTES(ESTARGZ("0000000000002fcd")), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "eStargz, behind the blob", BYTES(ESTARGZ("0000000000003001")), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "eStargz, the largest number", BYTES(ESTARGZ("ffffffffffffffff")), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "eStargz, not a digit", BYTES(ESTARGZ("000000000000100g")), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "eStargz, a TOC of the limit", BYTES(ESTARGZ("0000000000000000")), (uint64_t)LP_MAX_TOC + 51, LP_OK, LP_TOC_ESTARGZ, 0, LP_MAX_TOC, 0 },
	{ "eStargz, a TOC above the limit", BYTES(ESTARGZ("0000000000000000")), (uint64_t)LP_MAX_TOC + 52, LP_E_LIMIT, 0, 0, 0, 0 },
	{ "legacy stargz", BYTES(LEGACY("0000000000001000")), 0x3000, LP_OK, LP_TOC_ESTARGZ, 0x1000, 0x2000 - 47, 0 },
	{ "TOC in another image", BYTES(EXTERNAL), 0x3000, LP_E_ABSENT, 0, 0, 0, 0 },
	{ "zstd:chunked, 40 bytes", BYTES(Z40("GnUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, 40 bytes, today's magic", BYTES(Z40("GNUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, 56 bytes", BYTES(Z56("GNUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, 56 bytes, old magic", BYTES(Z56("GnUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, 64 bytes", BYTES(Z64("GNUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, 64 bytes, old magic", BYTES(Z64("GnUlInUx")), 0x3000, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, the TOC right before the footer", BYTES(Z64("GNUlInUx")), 0x1200 + 72, LP_OK, LP_TOC_ZCHUNKED, 0x1000, 0x200, 0x900 },
	{ "zstd:chunked, the TOC runs into the footer", BYTES(Z64("GNUlInUx")), 0x1200 + 71, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, type 2", BYTES(FRAME("\x28") U64("\0\x10") U64("\0\x02") U64("\0\x09") U64("\x02\0") "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, no length", BYTES(FRAME("\x28") U64("\0\x10") U64("\0\0") U64("\0\x09") U64("\x01\0") "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, offset inside the first frame header", BYTES(FRAME("\x28") U64("\x07\0") U64("\0\x02") U64("\0\x09") U64("\x01\0") "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, offset and length overflow", BYTES(FRAME("\x28") "\xff\xff\xff\xff\xff\xff\xff\xff" U64("\x02\0") U64("\0\x09") U64("\x01\0") "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, JSON above the limit", BYTES(FRAME("\x28") U64("\0\x10") U64("\0\x02") "\x01\0\0\x40\0\0\0\0" U64("\x01\0") "GNUlInUx"), 0x3000, LP_E_LIMIT, 0, 0, 0, 0 },
	{ "zstd:chunked, a frame of 48 bytes", BYTES(FRAME("\x30") PLACE U64("\0\x13") "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, the magic alone", BYTES("GNUlInUx"), 8, LP_E_DATA, 0, 0, 0, 0 },
	{ "zstd:chunked, one frame inside another", BYTES(FRAME("\x40") U64("\0\x10") U64("\0\x02") FRAME("\x28") PLACE "GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "plain gzip's end", BYTES("\x03\0\x1a\x2b\x3c\x4d\0\x28\0\0"), 0x3000, LP_E_ABSENT, 0, 0, 0, 0 },
	{ "zstd:chunked, its magic and no frame", BYTES("GNUlInUx"), 0x3000, LP_E_DATA, 0, 0, 0, 0 },
	{ "nothing", BYTES(""), 0, LP_E_ABSENT, 0, 0, 0, 0 },
	{ "more end than blob", BYTES(Z40("GNUlInUx")), 40, LP_E_DATA, 0, 0, 0, 0 },
};

static int
tail_of(struct lp_footer *f, const unsigned char *p, size_t n, uint64_t size)
{
	lp_footer_init(f);
	return lp_footer_tail(f, lp_span(p, n), size);
}

static void
test_tail(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct footer_case *c = &cases[i];
		unsigned char *p = unit_exact(lp_span(c->bytes, c->n));
		struct lp_footer f;
		int rc = tail_of(&f, p, c->n, c->size);

		ok(rc == c->rc && (rc == LP_OK || f.why != NULL), "%s: %s", c->name, f.why != NULL ? f.why : "taken");
		if (rc == LP_OK)
			ok(f.format == c->format && f.offset == c->offset && f.length == c->length && f.raw == c->raw,
			    "%s: its place", c->name);
		else
			ok(f.length == 0 && f.format == LP_TOC_UNKNOWN, "%s: tells no place", c->name);
		free(p);
	}
}

static void
test_no_frame(void)
{
	unsigned char tail[80] = { 0 };
	struct lp_footer f;

	memcpy(tail + sizeof(tail) - 8, "GNUlInUx", 8);
	ok(tail_of(&f, tail, sizeof(tail), 0x3000) == LP_E_DATA && strstr(f.why, "but not a footer's frame") != NULL,
	    "the magic at the end of something else is told as that");
}

/* Bytes before the footer are the blob's own and change nothing. */
static void
test_more_than_needed(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct footer_case *c = &cases[i];
		unsigned char room[400] = { 0 };
		struct lp_footer f;

		if (c->rc != LP_OK)
			continue;
		memcpy(room + sizeof(room) - c->n, c->bytes, c->n);
		ok(tail_of(&f, room, sizeof(room), c->size) == LP_OK && f.offset == c->offset && f.length == c->length,
		    "%s, with bytes before it", c->name);
	}
}

/*
 * Every bit of every footer flipped: what is still taken lies inside the
 * blob, and (but for the tar-split fields, which nobody here reads) tells
 * another place than the true one.
 */
static void
test_flips(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct footer_case *c = &cases[i];
		size_t bad = 0, same = 0, unread = c->n > 48 && c->format == LP_TOC_ZCHUNKED ? (c->n - 48) * 8 : 0;
		/* magic: one bit between 'N' and 'n' makes the other magic */
		size_t other_magic = c->format == LP_TOC_ZCHUNKED ? 1 : 0;

		if (c->rc != LP_OK)
			continue;
		for (size_t bit = 0; bit < c->n * 8; bit++) {
			unsigned char *p = unit_exact(lp_span(c->bytes, c->n));
			struct lp_footer f;
			int rc;

			p[bit / 8] ^= (unsigned char)(1u << bit % 8);
			rc = tail_of(&f, p, c->n, c->size);
			free(p);
			if (rc != LP_OK)
				continue;
			bad += f.length == 0 || f.offset > c->size || f.length > c->size - f.offset;
			same += f.offset == c->offset && f.length == c->length && f.raw == c->raw;
		}
		ok(bad == 0, "%s: no flipped bit leads out of the blob", c->name);
		ok(same == unread + other_magic, "%s: every flipped bit is seen", c->name);
	}
}

struct note { const char *key, *value; };
#define IO "io.containers.zstd-chunked."
#define GITHUB "io.github.containers.zstd-chunked."
#define STARGZ "containerd.io/snapshot/stargz/toc.digest"

static const struct annotation_case {
	const char *name;
	struct note note[4];
	int rc;
	int fits; /* of lp_footer_fits in a blob of 9000 bytes */
	enum lp_toc_format format;
	uint64_t offset, length, raw;
	const char *digest, *json_digest;
} annotation_cases[] = {
	{ "old prefix", { { IO "manifest-position", "4096:512:2304:1" }, { IO "manifest-checksum", SHA_A } }, LP_OK, LP_OK, LP_TOC_ZCHUNKED, 4096, 512, 2304, SHA_A, "" },
	{ "new prefix", { { GITHUB "manifest-checksum", SHA_A }, { GITHUB "manifest-position", "4096:512:2304:1" } }, LP_OK, LP_OK, LP_TOC_ZCHUNKED, 4096, 512, 2304, SHA_A, "" },
	{ "both prefixes agree", { { IO "manifest-position", "4096:512:2304:1" }, { GITHUB "manifest-position", "4096:512:2304:1" }, { IO "manifest-checksum", SHA_A }, { GITHUB "manifest-checksum", SHA_A } }, LP_OK, LP_OK, LP_TOC_ZCHUNKED, 4096, 512, 2304, SHA_A, "" },
	{ "two places", { { IO "manifest-position", "4096:512:2304:1" }, { GITHUB "manifest-position", "4097:512:2304:1" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "two digests", { { IO "manifest-checksum", SHA_A }, { GITHUB "manifest-checksum", SHA_B } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "eStargz", { { STARGZ, SHA_B } }, LP_OK, LP_E_ABSENT, LP_TOC_UNKNOWN, 0, 0, 0, "", SHA_B },
	{ "a zstd:chunked layer by stargz-snapshotter", { { STARGZ, SHA_B }, { IO "manifest-checksum", SHA_A }, { IO "manifest-position", "4096:512:2304:1" } }, LP_OK, LP_OK, LP_TOC_ZCHUNKED, 4096, 512, 2304, SHA_A, SHA_B },
	{ "others' annotations", { { "org.opencontainers.image.title", "x" }, { IO "tarsplit-position", "1:2:3" }, { "io", "" } }, LP_OK, LP_E_ABSENT, LP_TOC_UNKNOWN, 0, 0, 0, "", "" },
	{ "behind the blob", { { IO "manifest-position", "8999:2:2304:1" } }, LP_OK, LP_E_DATA, LP_TOC_ZCHUNKED, 8999, 2, 2304, "", "" },
	{ "to the blob's last byte", { { IO "manifest-position", "8999:1:2304:1" } }, LP_OK, LP_OK, LP_TOC_ZCHUNKED, 8999, 1, 2304, "", "" },
	{ "overflow", { { IO "manifest-position", "18446744073709551615:2:2304:1" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "no length", { { IO "manifest-position", "4096:0:2304:1" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "length above the limit", { { IO "manifest-position", "4096:134217729:2304:1" } }, LP_E_LIMIT, 0, 0, 0, 0, 0, "", "" },
	{ "type 2", { { IO "manifest-position", "4096:512:2304:2" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "three numbers", { { IO "manifest-position", "4096:512:2304" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "five numbers", { { IO "manifest-position", "4096:512:2304:1:" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "a sign", { { IO "manifest-position", "4096:-512:2304:1" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "nothing at all", { { IO "manifest-position", "" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
	{ "a short digest", { { STARGZ, "sha256:aa" } }, LP_E_DATA, 0, 0, 0, 0, 0, "", "" },
};

static void
test_annotations(void)
{
	for (size_t i = 0; i < sizeof(annotation_cases) / sizeof(annotation_cases[0]); i++) {
		const struct annotation_case *c = &annotation_cases[i];
		struct lp_footer f;
		int rc = LP_OK;

		lp_footer_init(&f);
		for (size_t k = 0; k < 4 && c->note[k].key != NULL && rc == LP_OK; k++) {
			unsigned char *value = unit_exact(lp_span_str(c->note[k].value));

			rc = lp_footer_annotation(&f, lp_span_str(c->note[k].key),
			    lp_span(value, strlen(c->note[k].value)));
			free(value);
		}
		if (!ok(rc == c->rc, "annotations: %s", c->name) || rc != LP_OK)
			continue;
		ok(f.format == c->format && f.offset == c->offset && f.length == c->length && f.raw == c->raw &&
		    strcmp(f.digest, c->digest) == 0 && strcmp(f.json_digest, c->json_digest) == 0,
		    "annotations: %s: what they tell", c->name);
		ok(lp_footer_fits(&f, 9000) == c->fits, "annotations: %s: in a blob of 9000 bytes", c->name);
	}
}

/* The two witnesses are held against each other. */
static void
test_both(void)
{
	static const struct {
		const char *name, *position, *tail;
		size_t n;
		int rc;
	} t[] = {
		{ "agree", "4096:512:2304:1", BYTES(Z64("GNUlInUx")), LP_OK },
		{ "differ in the offset", "4095:512:2304:1", BYTES(Z64("GNUlInUx")), LP_E_DATA },
		{ "differ in the length", "4096:513:2304:1", BYTES(Z64("GNUlInUx")), LP_E_DATA },
		{ "differ in the JSON's size", "4096:512:2305:1", BYTES(Z64("GNUlInUx")), LP_E_DATA },
		{ "differ in the format", "4096:512:2304:1", BYTES(ESTARGZ("0000000000001000")), LP_E_DATA },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_footer f;

		lp_footer_init(&f);
		ok(lp_footer_annotation(&f, lp_span_str(IO "manifest-position"), lp_span_str(t[i].position)) == LP_OK &&
		    lp_footer_tail(&f, lp_span(t[i].tail, t[i].n), 0x3000) == t[i].rc,
		    "footer and annotations %s", t[i].name);
	}
}

int
main(void)
{
	test_tail();
	test_no_frame();
	test_more_than_needed();
	test_flips();
	test_annotations();
	test_both();
	return unit_done();
}
