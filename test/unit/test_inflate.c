/*
 * gzip's and zstd's framing, the telling of formats, and the events: each
 * case given whole, byte by byte, and split at every offset.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/inflate.h"
#include "test/unit/unit.h"

enum { MAX = 4 * 1024 * 1024 };

/* What came of an input, as one line: events in order, and the bytes. */
struct outcome {
	struct lp_buf out;
	char events[256]; /* M member, W warning, P preview, E end, X error */
	int status;
	uint64_t at;
	const char *why;
	enum lp_format format;
};

static void
note(struct outcome *o, char c)
{
	size_t n = strlen(o->events);

	if (n + 1 < sizeof(o->events))
		o->events[n] = c;
}

/* One event into the account; whether there are more to come without input. */
static int
event(struct lp_inflate *x, enum lp_inflate_event ev, struct outcome *o)
{
	switch (ev) {
	case LP_INFLATE_MORE:
		return 0;
	case LP_INFLATE_OUTPUT:
		if (x->f.out.n == 0 || lp_buf_add(&o->out, x->f.out) != LP_OK)
			abort();
		return 1;
	case LP_INFLATE_MEMBER:
		note(o, 'M');
		return 1;
	case LP_INFLATE_POINT: /* not asked for */
		abort();
	case LP_INFLATE_WARNING:
		note(o, 'W');
		o->at = x->f.at;
		return 1;
	case LP_INFLATE_PREVIEW:
		note(o, 'P');
		return 0;
	case LP_INFLATE_END:
		note(o, 'E');
		return 0;
	case LP_INFLATE_ERROR:
		note(o, 'X');
		o->status = x->f.status;
		o->at = x->f.at;
		o->why = x->f.why;
	}
	return 0;
}

/* Chunks of `step` bytes; the first of `first`. */
static struct outcome
decode(struct lp_span in, size_t first, size_t step, enum lp_format format, const struct lp_deflate_engine *e)
{
	struct outcome o = { .why = "" };
	static struct lp_inflate x;

	lp_buf_init(&o.out, MAX);
	lp_inflate_init(&x, format, e);
	while (in.n > 0 && strpbrk(o.events, "EX") == NULL) {
		struct lp_span part = lp_span_take(&in, first > 0 ? first : step);
		unsigned char *chunk = unit_exact(part);
		struct lp_span s = lp_span(chunk, part.n);

		first = 0;
		while (event(&x, lp_inflate_next(&x, &s), &o))
			continue;
		free(chunk);
	}
	while (strpbrk(o.events, "EXP") == NULL && event(&x, lp_inflate_eof(&x), &o))
		continue;
	o.format = x.format;
	lp_inflate_release(&x);
	return o;
}

static int
same(const struct outcome *a, const struct outcome *b)
{
	return lp_span_eq(lp_buf_span(&a->out), lp_buf_span(&b->out)) && strcmp(a->events, b->events) == 0 &&
	    a->status == b->status && a->at == b->at && strcmp(a->why, b->why) == 0 && a->format == b->format;
}

/* Decode in every way with every engine: the outcome, if it is always the same; counts a case of its own. */
static struct outcome
decode_all(const char *name, struct lp_span in, enum lp_format format)
{
	struct outcome want = decode(in, 0, in.n + 1, format, lp_deflate_engine("zlib"));
	size_t every = in.n < 3000 ? 1 : in.n / 40;
	int alike = 1;

	for (int i = 0; i < 2; i++) {
		const struct lp_deflate_engine *e = lp_deflate_engine(i == 0 ? "zlib" : NULL);

		for (size_t first = 0; first <= in.n && alike; first += every) {
			struct outcome o = first == 0 ? decode(in, 0, in.n < 3000 ? 1 : 7, format, e) :
			    decode(in, first, in.n + 1, format, e);

			alike = same(&o, &want);
			if (!alike)
				diag("engine %s, first %zu: %s, %zu bytes, at %llu %s; want %s, %zu bytes, at %llu %s",
				    e->name, first, o.events, o.out.n, (unsigned long long)o.at, o.why,
				    want.events, want.out.n, (unsigned long long)want.at, want.why);
			lp_buf_release(&o.out);
		}
	}
	ok(alike, "%s: chunks and engine do not matter", name);
	return want;
}

/* ---- inputs ------------------------------------------------------------------- */

static struct lp_buf
bytes(struct lp_span s)
{
	struct lp_buf b;

	lp_buf_init(&b, MAX);
	if (lp_buf_add(&b, s) != LP_OK)
		abort();
	return b;
}

/* Several spans as one input. */
#define JOIN(b, ...) join(b, (struct lp_buf[]){ __VA_ARGS__ }, sizeof((struct lp_buf[]){ __VA_ARGS__ }) / sizeof(struct lp_buf))
static void
join(struct lp_buf *to, struct lp_buf *parts, size_t n)
{
	lp_buf_init(to, MAX);
	for (size_t i = 0; i < n; i++) {
		if (lp_buf_add(to, lp_buf_span(&parts[i])) != LP_OK)
			abort();
		lp_buf_release(&parts[i]);
	}
}

/* A gzip member with any header: made by hand around zlib's deflate. */
static struct lp_buf
gz(struct lp_span text, unsigned flags, const char *extra)
{
	const unsigned char fixed[] = { 0x1f, 0x8b, 8, (unsigned char)flags, 1, 2, 3, 4, 0, 255 };
	struct lp_buf b = bytes(lp_span(fixed, sizeof(fixed)));
	unsigned char trailer[8];
	z_stream s = { .next_in = (Bytef *)(uintptr_t)text.p, .avail_in = (uInt)text.n };
	uint32_t crc, tail[2];

	if (flags & 4) {
		lp_buf_addc(&b, (int)strlen(extra));
		lp_buf_addc(&b, 0);
		lp_buf_adds(&b, extra);
	}
	if (flags & 8)
		lp_buf_add(&b, lp_span("the name", 9));
	if (flags & 16)
		lp_buf_add(&b, lp_span("a comment", 10));
	crc = (uint32_t)crc32_z(0, b.p, b.n);
	if (flags & 2) {
		lp_buf_addc(&b, (int)(crc & 0xff));
		lp_buf_addc(&b, (int)(crc >> 8 & 0xff));
	}
	if (deflateInit2(&s, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    lp_buf_reserve(&b, deflateBound(&s, text.n)) != LP_OK)
		abort();
	s.next_out = b.p + b.n;
	s.avail_out = (uInt)(b.cap - b.n);
	deflate(&s, Z_FINISH);
	b.n = (size_t)(s.next_out - b.p);
	deflateEnd(&s);
	tail[0] = (uint32_t)crc32_z(0, text.p, text.n);
	tail[1] = (uint32_t)text.n;
	for (unsigned i = 0; i < 8; i++)
		trailer[i] = (unsigned char)(tail[i / 4] >> i % 4 * 8);
	lp_buf_add(&b, lp_span(trailer, 8));
	return b;
}

static struct lp_buf
gzs(const char *text)
{
	return gz(lp_span_str(text), 0, NULL);
}

static struct lp_buf
zst(struct lp_span text, int checksum, int window_log, const char *dict)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct lp_buf b;
	ZSTD_inBuffer in = { text.p, text.n, 0 };
	ZSTD_outBuffer out = { 0 };

	lp_buf_init(&b, MAX);
	if (lp_buf_reserve(&b, ZSTD_compressBound(text.n)) != LP_OK)
		abort();
	out = (ZSTD_outBuffer){ b.p, b.cap, 0 };
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
	/* streamed, so that the header tells a window and no size */
	if (dict != NULL)
		ZSTD_CCtx_loadDictionary(c, dict, strlen(dict));
	ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue);
	if (ZSTD_compressStream2(c, &out, &in, ZSTD_e_end) != 0)
		abort();
	ZSTD_freeCCtx(c);
	b.n = out.pos;
	return b;
}

static struct lp_buf
zsts(const char *text)
{
	return zst(lp_span_str(text), 1, 0, NULL);
}

/* One tar header block, with this name and a right checksum. */
static struct lp_buf
tar_header(const char *name)
{
	unsigned char h[512] = { 0 };
	unsigned sum = 8 * ' ';

	memcpy(h, name, strlen(name));
	memcpy(h + 124, "00000000000", 11);
	memcpy(h + 257, "ustar", 6);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	h[155] = ' ';
	return bytes(lp_span(h, sizeof(h)));
}

static struct lp_buf
str(const char *s)
{
	return bytes(lp_span_str(s));
}

static struct lp_buf
zeros(size_t n)
{
	static const unsigned char z[2048];

	return bytes(lp_span(z, n));
}

/* ---- cases --------------------------------------------------------------------- */

/* Decode in every way, and compare; the input is released. */
static void
check_as(enum lp_format format, const char *name, struct lp_buf in, const char *events, struct lp_span out, uint64_t at, const char *why)
{
	struct outcome o = decode_all(name, lp_buf_span(&in), format);

	ok(strcmp(o.events, events) == 0 && lp_span_eq(lp_buf_span(&o.out), out) && o.at == at &&
	    strcmp(o.why, why) == 0, "%s", name);
	if (strcmp(o.events, events) != 0 || o.at != at || strcmp(o.why, why) != 0)
		diag("%s, %zu bytes, at %llu: %s", o.events, o.out.n, (unsigned long long)o.at, o.why);
	lp_buf_release(&o.out);
	lp_buf_release(&in);
}

static void
check(const char *name, struct lp_buf in, const char *events, const char *out, uint64_t at, const char *why)
{
	check_as(LP_FORMAT_UNDECIDED, name, in, events, lp_span_str(out), at, why);
}

/* The same with one byte changed. */
static struct lp_buf
spoil(struct lp_buf b, size_t at, unsigned char x)
{
	b.p[at] ^= x;
	return b;
}

static void
test_gzip(void)
{
	static const char IGNORED[] = "";
	struct lp_buf b;
	size_t n;

	check("a member", gzs("hello"), "ME", "hello", 0, "");
	check("an empty member", gzs(""), "ME", "", 0, "");
	JOIN(&b, gzs("hello, "), gzs(""), gzs("world"));
	check("members in a row", b, "MMME", "hello, world", 0, "");
	check("every field of the header", gz(lp_span_str("x"), 1 | 2 | 4 | 8 | 16, "EX"), "ME", "x", 0, "");
	check("an empty extra field", gz(lp_span_str("x"), 4, ""), "ME", "x", 0, "");
	check("a name", gz(lp_span_str("x"), 8, NULL), "ME", "x", 0, "");
	check("a header CRC", gz(lp_span_str("x"), 2, NULL), "ME", "x", 0, "");

	JOIN(&b, gzs("hello"), zeros(1000));
	check("zeros behind", b, "ME", "hello", 0, "");
	b = gzs("hello");
	n = b.n;
	lp_buf_release(&b);
	JOIN(&b, gzs("hello"), str("garbage"));
	check("garbage behind", b, "MWE", "hello", n, IGNORED);
	JOIN(&b, gzs("hello"), zeros(7), str("\x1f\x8b"));
	check("garbage behind zeros, a magic number too", b, "MWE", "hello", n + 7, IGNORED);
	JOIN(&b, gzs("hello"), str("\x1f\x8c"));
	check("garbage that starts as a magic number", b, "MWE", "hello", n, IGNORED);
	JOIN(&b, gzs("hello"), str("\x1f"));
	check("cut in the second magic number", b, "MP", "hello", 0, "");
	JOIN(&b, gzs("hello"), zsts("world"));
	check("a zstd frame behind", b, "MWE", "hello", n, IGNORED);

	check("method", spoil(gzs("x"), 2, 1), "X", "", 2, "gzip: unknown compression method");
	check("flags", spoil(gzs("x"), 3, 0x20), "X", "", 3, "gzip: unknown header flags");
	check("header CRC", spoil(gz(lp_span_str("x"), 2 | 8, NULL), 12, 1), "X", "", 19, "gzip: the header's CRC does not match");
	check("CRC", spoil(gzs("hello"), n - 8, 1), "X", "hello", n - 8, "gzip: the data's CRC does not match");
	check("length", spoil(gzs("hello"), n - 4, 1), "X", "hello", n - 4, "gzip: the data's length does not match");
	check("the stream", spoil(gzs("hello"), 10, 4), "X", "", 10, "invalid block type");
	JOIN(&b, gzs("hello"), spoil(gzs("x"), 2, 1));
	check("the second member", b, "MX", "hello", n + 2, "gzip: unknown compression method");
	check_as(LP_FORMAT_GZIP, "forced, and not gzip", str("hello"), "X", lp_span_str(""), 0, "not gzip data");
	check_as(LP_FORMAT_GZIP, "forced, and not quite gzip", str("\x1fhello"), "X", lp_span_str(""), 1, "not gzip data");
}

/* An input that ends anywhere but behind a member is a preview, and never anything else. */
static void
test_gzip_cuts(void)
{
	struct lp_buf b = gz(lp_span_str("hello"), 2 | 4 | 8 | 16, "extra");

	for (size_t n = 1; n < b.n; n++) {
		struct outcome o = decode_all("cut", lp_span(b.p, n), LP_FORMAT_UNDECIDED);

		ok(strcmp(o.events, "P") == 0 && o.out.n <= 5 &&
		    lp_span_eq(lp_buf_span(&o.out), lp_span("hello", o.out.n)) && (n < b.n - 8 || o.out.n == 5), "a member cut at %zu", n);
		lp_buf_release(&o.out);
	}
	lp_buf_release(&b);
}

static void
test_zstd(void)
{
	static const char skippable[] = "\x5a\x2a\x4d\x18\x05\0\0\0abcde";
	static unsigned char text[300 * 1000];
	struct unit_rng rng = { 3 };
	struct lp_buf b;
	size_t n;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)("abcdefgh"[unit_rand(&rng, 8)]);
	check("a frame", zsts("hello"), "ME", "hello", 0, "");
	check("an empty frame", zsts(""), "ME", "", 0, "");
	check_as(LP_FORMAT_UNDECIDED, "several blocks", zst(lp_span(text, sizeof(text)), 1, 0, NULL), "ME", lp_span(text, sizeof(text)), 0, "");
	JOIN(&b, bytes(lp_span(skippable, 13)), zsts("hello"), bytes(lp_span(skippable, 13)), zsts(" world"));
	check("skippable frames", b, "MMMME", "hello world", 0, "");
	JOIN(&b, bytes(lp_span(skippable, 13)), bytes(lp_span("\x50\x2a\x4d\x18\0\0\0\0", 8)));
	check("nothing but skippable frames", b, "MME", "", 0, "");
	/* each byte of its length counts */
	memcpy(text, "\x50\x2a\x4d\x18\x01\x02\x01", 8);
	JOIN(&b, bytes(lp_span(text, 8 + 0x10201)), zsts("hello"));
	check("a long skippable frame", b, "MME", "hello", 0, "");
	check("a skippable frame, cut", bytes(lp_span(skippable, 12)), "P", "", 0, "");
	b = zsts("hello");
	n = b.n;
	lp_buf_release(&b);
	JOIN(&b, zsts("hello"), zeros(100));
	check("zeros behind a frame", b, "ME", "hello", 0, "");
	JOIN(&b, zsts("hello"), str("\x28\xb5garbage"));
	check("garbage behind a frame", b, "MWE", "hello", n, "");
	JOIN(&b, zsts("hello"), str("\x28\xb5"));
	check("cut in the second frame's magic number", b, "MP", "hello", 0, "");

	check("frame checksum", spoil(zsts("hello"), n - 1, 1), "X", "hello", n - 4, "zstd: the data's checksum does not match");
	check("a window above the limit", zst(lp_span(text, 200 * 1000), 0, LP_MAX_ZSTD_WINDOW_LOG + 1, NULL), "X", "", 0, "zstd: the window is above 128 MiB");
	check_as(LP_FORMAT_UNDECIDED, "a window at the limit", zst(lp_span(text, 200 * 1000), 0, LP_MAX_ZSTD_WINDOW_LOG, NULL), "ME", lp_span(text, 200 * 1000), 0, "");
	/* magic number, descriptor: single segment, a dictionary's number of one byte; number 7, size 0, an empty last block */
	check("a frame that needs a dictionary", bytes(lp_span("\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00", 10)),
	    "X", "", 0, "zstd: the frame needs a dictionary");
	/* a raw block of ten bytes, of which four are there */
	check("a raw block, cut", bytes(lp_span("\x28\xb5\x2f\xfd\x20\x0a\x51\x00\x00" "raw!", 13)), "P", "raw!", 0, "");
	/* a raw block of eight in a frame that comes to three */
	check("a raw block beyond the frame's size",
	    bytes(lp_span("\x28\xb5\x2f\xfd\x80\x00\x03\x00\x00\x00\x41\x00\x00" "rawbytes", 21)), "X", "raw", 13,
	    "Destination buffer is too small");
	/* a block of the reserved type behind a raw block of three */
	check("a block of the reserved type", bytes(lp_span("\x28\xb5\x2f\xfd\x20\x0a\x18\x00\x00" "raw" "\x07\x00\x00", 15)),
	    "X", "raw", 12, "Data corruption detected");
	check_as(LP_FORMAT_ZSTD, "forced, and not zstd", str("hello"), "X", lp_span_str(""), 0, "not zstd data");
}

/* A piece as a frame, and again; damage of any byte is noticed. */
static void
test_zstd_pieces(void)
{
	static unsigned char piece[32768];
	struct lp_buf frame, back;
	size_t noticed = 0;

	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (unsigned char)(i * i >> 7);
	lp_buf_init(&frame, MAX);
	lp_buf_init(&back, sizeof(piece));
	ok(lp_zstd_pack(lp_span(piece, sizeof(piece)), &frame) == LP_OK && frame.n < sizeof(piece), "a piece is packed");
	ok(lp_zstd_unpack(lp_buf_span(&frame), sizeof(piece), &back) == LP_OK && lp_span_eq(lp_buf_span(&back), lp_span(piece, sizeof(piece))),
	    "and unpacked");
	ok(lp_zstd_unpack(lp_buf_span(&frame), sizeof(piece) - 1, &back) == LP_E_DATA, "of another size it is none");
	for (size_t n = 0; n < frame.n; n++) {
		frame.p[n] ^= 0x10;
		if (lp_zstd_unpack(lp_buf_span(&frame), sizeof(piece), &back) != LP_OK || lp_span_eq(lp_buf_span(&back), lp_span(piece, sizeof(piece))))
			noticed++;
		frame.p[n] ^= 0x10;
	}
	ok(noticed == frame.n, "a byte that is spoiled");
	for (size_t n = 0; n < frame.n; n++)
		noticed -= lp_zstd_unpack(lp_span(frame.p, n), sizeof(piece), &back) == LP_E_DATA;
	ok(noticed == 0, "cut off anywhere");
	lp_buf_release(&frame);
	lp_buf_release(&back);
}

static void
test_zstd_cuts(void)
{
	struct lp_buf b = zsts("hello");

	for (size_t n = 1; n < b.n; n++) {
		struct outcome o = decode_all("cut", lp_span(b.p, n), LP_FORMAT_UNDECIDED);

		ok(strcmp(o.events, "P") == 0 && o.out.n <= 5 && lp_span_eq(lp_buf_span(&o.out), lp_span("hello", o.out.n)), "a frame cut at %zu", n);
		lp_buf_release(&o.out);
	}
	lp_buf_release(&b);
}

static void
test_plain(void)
{
	static const unsigned char no_tar[1024];
	static const struct { const char *name, *in, *why; } foreign[] = {
		{ "lzip", "LZIP\1....", "lzip data: not a compression that image layers have" },
		{ "bzip2", "BZh91AY&SY", "bzip2 data: not a compression that image layers have" },
		{ "zip", "PK\3\4....", "a zip archive, not a layer" },
		{ "squashfs", "hsqs\7\1", "a squashfs file system, not a layer" },
		{ "cpio", "070701000", "a cpio archive, not a layer" },
		{ "cpio with checksums", "070702000", "a cpio archive, not a layer" },
		{ "cpio of POSIX", "070707000", "a cpio archive, not a layer" },
		{ "cpio of old", "\xc7\x71\1", "a cpio archive, not a layer" },
		{ "SIF", "#!/usr/bin/env run-singularity\n", "a SIF image, not a layer" },
		{ "GGUF", "GGUF\3", "a GGUF model, not a layer" },
		{ "provenance", "-----BEGIN PGP SIGNED MESSAGE-----\n", "a signed text (a Helm provenance file?), not a layer" },
		{ "ar", "!<arch>\ndebian-binary", "an ar archive (a Debian package?), not a layer" },
		{ "HTML", "\xef\xbb\xbf \r\n<!DOCTYPE html>", "an HTML page, not a layer" },
		{ "HTML without a doctype", "<HTML><body>", "an HTML page, not a layer" },
		{ "JSON", "  {\"errors\":[]}", "a JSON document, not a layer" },
		{ "XML", "<?xml version=\"1.0\"?>", "an XML document, not a layer" },
	};
	static const char *const names[] = { "<!DOCTYPE html>", "{\"errors\"", "PK\3\4", "BZh9", "\x28\xb5\x2f", "\x1f" };
	struct lp_buf b;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		check(foreign[i].name, str(foreign[i].in), "X", "", 0, foreign[i].why);
		JOIN(&b, str(foreign[i].in), zeros(2000));
		check(foreign[i].name, b, "X", "", 0, foreign[i].why);
		check_as(LP_FORMAT_PLAIN, foreign[i].name, str(foreign[i].in), "E", lp_span_str(foreign[i].in), 0, "");
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct lp_buf want;

		JOIN(&b, tar_header(names[i]), zeros(1024));
		JOIN(&want, tar_header(names[i]), zeros(1024));
		check_as(LP_FORMAT_UNDECIDED, "a tar whose first name is as foreign bytes", b, "E", lp_buf_span(&want), 0, "");
		lp_buf_release(&want);
	}
	check_as(LP_FORMAT_UNDECIDED, "an empty tar", zeros(1024), "E", lp_span(no_tar, sizeof(no_tar)), 0, "");
	check("bytes of no kind", str("whatever"), "E", "whatever", 0, "");
	check("xz", bytes(lp_span("\xfd" "7zXZ\0....", 10)), "X", "", 0, "xz data: not a compression that image layers have");
	check("nothing", str(""), "X", "", 0, "the input is empty");
	check_as(LP_FORMAT_PLAIN, "nothing, plain", str(""), "X", lp_span_str(""), 0, "the input is empty");
	check("one byte of gzip's magic number", str("\x1f"), "P", "", 0, "");
	check("half of zstd's magic number", str("\x28\xb5"), "P", "", 0, "");
	check_as(LP_FORMAT_PLAIN, "gzip as plain bytes", str("\x1f\x8b\x08"), "E", lp_span_str("\x1f\x8b\x08"), 0, "");
}

/* Through windows that slide, with both engines, in pieces. */
static void
test_large(void)
{
	enum { N = 2000 * 1000 };
	unsigned char *text = malloc(N);
	struct unit_rng rng = { 4 };
	struct lp_buf b;

	for (size_t i = 0; i < N; i++)
		text[i] = i > 40000 && i / 300 % 3 ? text[i - 30000 - i % 7] : (unsigned char)unit_rand(&rng, 60);
	b = gz(lp_span(text, N), 0, NULL);
	for (size_t step = 1000; step < 2 * b.n; step = step * 3 + 1) {
		for (int i = 0; i < 2; i++) {
			struct outcome o = decode(lp_buf_span(&b), 0, step, LP_FORMAT_UNDECIDED, lp_deflate_engine(i ? NULL : "zlib"));

			ok(strcmp(o.events, "ME") == 0 && lp_span_eq(lp_buf_span(&o.out), lp_span(text, N)), "2 MB, %zu bytes at a time", step);
			lp_buf_release(&o.out);
		}
	}
	lp_buf_release(&b);
	free(text);
}

int
main(void)
{
	test_gzip();
	test_gzip_cuts();
	test_zstd();
	test_zstd_cuts();
	test_zstd_pieces();
	test_plain();
	test_large();
	return unit_done();
}
