/*
 * The deflate engines against each other, against every way to chunk the
 * input, and against zlib called plainly: for good streams of every kind of
 * block, for streams cut off anywhere, and for streams with bits flipped.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/buf.h"
#include "common/codec/deflate.h"
#include "common/codec/deflate_block.h"
#include "test/unit/unit.h"

/* Small enough that windows slide, and large enough to be legal. */
enum { OUT_CAP = 2 * LP_DEFLATE_ROOM, STREAM_MAX = 1024 * 1024 };

/* All that can be seen of a decoding. */
struct outcome {
	enum lp_deflate_result rc;
	uint64_t total;
	uLong hash;   /* of the output */
	size_t used;  /* of the input, behind END */
	size_t at;    /* where it is wrong */
	const char *why;
};

/* How the input is given: 0 all at once, 1 byte by byte, 2 random pieces, above that split at n - 3. */
enum { WHOLE, BYTES, PIECES, SPLIT };

static size_t
next_chunk(size_t how, size_t done, size_t left, struct unit_rng *rng)
{
	size_t n = left;

	if (how == BYTES)
		n = 1;
	else if (how == PIECES)
		n = unit_rand(rng, 3) == 0 ? unit_rand(rng, 16) : unit_rand(rng, 20000);
	else if (how >= SPLIT && done < how - SPLIT)
		n = how - SPLIT - done;
	return n < left ? n : left;
}

static void
make_room(unsigned char *out, struct lp_deflate_io *io)
{
	size_t keep = io->total < LP_DEFLATE_WINDOW ? (size_t)io->total : LP_DEFLATE_WINDOW;

	if (io->cap - io->n >= LP_DEFLATE_ROOM)
		return;
	memmove(out, out + io->n - keep, keep);
	io->n = keep;
}

/* One run; the output is added to the hash. */
static enum lp_deflate_result
run(const struct lp_deflate_engine *e, void *state, struct lp_deflate_io *io, struct outcome *o)
{
	enum lp_deflate_result rc;
	size_t n;

	make_room(io->out, io);
	n = io->n;
	rc = e->run(state, io);
	o->hash = crc32_z(o->hash, io->out + n, io->n - n);
	return rc;
}

static struct outcome
decode(const struct lp_deflate_engine *e, struct lp_span in, size_t how)
{
	/* bytes that nobody wrote must never be read: they would show in the hash */
	static unsigned char out[OUT_CAP];
	struct unit_rng rng = { in.n * 31 + how };
	struct lp_deflate_io io = { .out = out, .cap = sizeof(out) };
	struct outcome o = { .rc = LP_DEFLATE_MORE };
	void *state = e->open();
	size_t done = 0;

	memset(out, 0xa5, LP_DEFLATE_WINDOW);
	e->start(state);
	while (done < in.n && o.rc == LP_DEFLATE_MORE) {
		size_t n = next_chunk(how, done, in.n - done, &rng);
		unsigned char *chunk = unit_exact(lp_span(in.p + done, n));

		io.in = lp_span(chunk, n);
		do
			o.rc = run(e, state, &io, &o);
		while (o.rc == LP_DEFLATE_FULL);
		done += n;
		o.used = done - io.in.n;
		io.in = lp_span(NULL, 0);
		free(chunk);
	}
	io.eof = 1;
	while (o.rc == LP_DEFLATE_MORE || o.rc == LP_DEFLATE_FULL) {
		uint64_t before = io.total;

		o.rc = run(e, state, &io, &o);
		if (o.rc == LP_DEFLATE_MORE && io.total == before)
			break;
	}
	e->close(state);
	o.total = io.total;
	o.at = o.rc == LP_DEFLATE_BAD ? o.used - io.back : 0;
	o.why = o.rc == LP_DEFLATE_BAD ? io.why : "";
	o.used = o.rc == LP_DEFLATE_END ? o.used : 0;
	return o;
}

/* The same by zlib alone, in one go. */
static struct outcome
reference(struct lp_span in)
{
	static unsigned char out[64 * 1024];
	struct outcome o = { .rc = LP_DEFLATE_MORE, .why = "" };
	z_stream s = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n };
	int rc;

	if (inflateInit2(&s, -15) != Z_OK)
		abort();
	do {
		s.next_out = out;
		s.avail_out = sizeof(out);
		rc = inflate(&s, Z_SYNC_FLUSH);
		o.hash = crc32_z(o.hash, out, sizeof(out) - s.avail_out);
		o.total += sizeof(out) - s.avail_out;
	} while (rc == Z_OK);
	if (rc == Z_STREAM_END) {
		o.rc = LP_DEFLATE_END;
		o.used = in.n - s.avail_in;
	} else if (rc == Z_DATA_ERROR) {
		o.rc = LP_DEFLATE_BAD;
		o.why = s.msg;
	}
	inflateEnd(&s);
	return o;
}

/* Whether two outcomes are the same; `place` compares where an error is, too. */
static int
same(struct outcome a, struct outcome b, int place)
{
	return a.rc == b.rc && a.total == b.total && a.hash == b.hash && a.used == b.used &&
	    (!place || a.at == b.at) && strcmp(a.why, b.why) == 0;
}

static const struct lp_deflate_engine *engines[2];
static size_t nengines;

/* Every engine agrees with plain zlib on this input, given in that way; says what is wrong otherwise. */
static int
agree(struct lp_span in, size_t how)
{
	struct outcome want = reference(in), first = { 0 };

	for (size_t i = 0; i < nengines; i++) {
		struct outcome got = decode(engines[i], in, how);

		if (i == 0)
			first = got;
		if (same(got, want, 0) && same(got, first, 1))
			continue;
		diag("%s, %zu bytes, chunks %zu: result %d, %llu bytes, hash %08lx, used %zu, at %zu, %s",
		    engines[i]->name, in.n, how, (int)got.rc, (unsigned long long)got.total, got.hash,
		    got.used, got.at, got.why);
		diag("wanted: result %d, %llu bytes, hash %08lx, used %zu, at %zu, %s", (int)want.rc,
		    (unsigned long long)want.total, want.hash, want.used, first.at, want.why);
		return 0;
	}
	return 1;
}

/* ---- streams ------------------------------------------------------------- */

/* Text of sorts: words that come again, near and far, and a stretch of noise. */
static void
fill_text(unsigned char *p, size_t n, uint64_t seed)
{
	struct unit_rng rng = { seed };
	size_t i = 0;

	while (i < n) {
		unsigned kind = unit_rand(&rng, 10);
		size_t len = 1 + unit_rand(&rng, kind == 0 ? 300 : 12), back = 1 + unit_rand(&rng, 32768);

		for (; len > 0 && i < n; len--, i++) {
			if (kind < 6 && i >= back)
				p[i] = p[i - back];
			else if (kind == 9)
				p[i] = (unsigned char)unit_rand(&rng, 256);
			else
				p[i] = (unsigned char)("etaoin shrdlu"[unit_rand(&rng, 13)]);
		}
	}
}

/* A raw deflate stream made by zlib; flush every `every` bytes if that is not 0. */
static size_t
make_stream(unsigned char *to, const unsigned char *p, size_t n, int level, int strategy, size_t every)
{
	z_stream s = { .next_out = to, .avail_out = STREAM_MAX };
	int rc = Z_OK;

	if (deflateInit2(&s, level, Z_DEFLATED, -15, 8, strategy) != Z_OK)
		abort();
	s.next_in = (Bytef *)(uintptr_t)p;
	while (rc == Z_OK) {
		size_t left = n - (size_t)(s.next_in - p), step = every > 0 && every < left ? every : left;

		s.avail_in = (uInt)step;
		rc = deflate(&s, step == left ? Z_FINISH : Z_FULL_FLUSH);
	}
	if (rc != Z_STREAM_END)
		abort();
	deflateEnd(&s);
	return (size_t)(s.next_out - to);
}

static const struct {
	const char *name;
	int level, strategy;
	size_t every;
} kinds[] = {
	{ "level 1", 1, Z_DEFAULT_STRATEGY, 0 },
	{ "level 6", 6, Z_DEFAULT_STRATEGY, 0 },
	{ "level 9", 9, Z_DEFAULT_STRATEGY, 0 },
	{ "stored", 0, Z_DEFAULT_STRATEGY, 0 },
	{ "fixed codes", 6, Z_FIXED, 0 },
	{ "literals only", 6, Z_HUFFMAN_ONLY, 0 },
	{ "runs only", 6, Z_RLE, 0 },
	{ "many blocks", 6, Z_DEFAULT_STRATEGY, 300 },
	{ "many fixed blocks", 6, Z_FIXED, 100 },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Bytes behind the stream that are not the engine's. */
static const unsigned char trailer[] = "\x12\x34\x56\x78\x9a\xbc\xde\xf0trailer";

static void
test_small(void)
{
	static unsigned char text[1000], stream[STREAM_MAX];

	fill_text(text, sizeof(text), 1);
	for (size_t k = 0; k < KINDS; k++) {
		size_t n = make_stream(stream, text, sizeof(text), kinds[k].level, kinds[k].strategy, kinds[k].every);
		int splits = 1, cuts = 1, flips = 1;
		struct unit_rng rng = { k };

		memcpy(stream + n, trailer, sizeof(trailer));
		ok(reference(lp_span(stream, n + sizeof(trailer))).total == sizeof(text), "%s: the stream is good", kinds[k].name);
		ok(agree(lp_span(stream, n + sizeof(trailer)), BYTES), "%s: byte by byte", kinds[k].name);
		for (size_t i = 0; i <= n && splits; i++)
			splits = agree(lp_span(stream, n + sizeof(trailer)), SPLIT + i);
		ok(splits, "%s: split at every offset", kinds[k].name);
		for (size_t i = 0; i < n && cuts; i++)
			cuts = agree(lp_span(stream, i), WHOLE) && (i % 16 != 0 || agree(lp_span(stream, i), BYTES));
		ok(cuts, "%s: cut at every offset", kinds[k].name);
		for (size_t i = 0; i < 600 && flips; i++) {
			size_t bit = i < 300 ? i : unit_rand(&rng, (uint32_t)(8 * n));

			stream[bit / 8] ^= (unsigned char)(1u << bit % 8);
			flips = agree(lp_span(stream, n + sizeof(trailer)), i % 8 == 0 ? (size_t)PIECES : WHOLE);
			stream[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
		ok(flips, "%s: bits flipped", kinds[k].name);
	}
}

/* Streams of several windows: the buffer slides, blocks and chunks end anywhere. */
static void
test_large(void)
{
	enum { TEXT = 200 * 1000, TRIES = 60 };
	static unsigned char text[TEXT], stream[STREAM_MAX];

	fill_text(text, sizeof(text), 2);
	for (size_t k = 0; k < KINDS; k++) {
		size_t n = make_stream(stream, text, sizeof(text), kinds[k].level, kinds[k].strategy, kinds[k].every * 25);
		struct unit_rng rng = { 100 + k };
		int cuts = 1, flips = 1;

		ok(agree(lp_span(stream, n), PIECES) && agree(lp_span(stream, n), WHOLE), "%s: a large stream", kinds[k].name);
		for (int i = 0; i < TRIES && cuts; i++)
			cuts = agree(lp_span(stream, unit_rand(&rng, (uint32_t)n)), i % 2 ? WHOLE : PIECES);
		ok(cuts, "%s: a large stream, cut", kinds[k].name);
		for (int i = 0; i < TRIES && flips; i++) {
			size_t bit = unit_rand(&rng, (uint32_t)(8 * n));

			stream[bit / 8] ^= (unsigned char)(1u << bit % 8);
			flips = agree(lp_span(stream, n), i % 2 ? WHOLE : PIECES);
			stream[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
		ok(flips, "%s: a large stream, bits flipped", kinds[k].name);
	}
}

static void
test_zeros(void)
{
	enum { N = 1000 * 1000 };
	unsigned char *zeros = calloc(1, N), *stream = malloc(STREAM_MAX);
	size_t n = make_stream(stream, zeros, N, 9, Z_DEFAULT_STRATEGY, 0);

	ok(agree(lp_span(stream, n), WHOLE) && agree(lp_span(stream, n), BYTES), "a thousand to one");
	free(zeros);
	free(stream);
}

/* ---- streams that no encoder makes ----------------------------------------- */

struct writer {
	unsigned char p[2048];
	size_t n; /* bits */
};

/* Bits as they stand in the stream, the lowest first. */
static void
put(struct writer *w, unsigned v, unsigned n)
{
	for (; n > 0; n--, v >>= 1, w->n++)
		w->p[w->n / 8] |= (unsigned char)((v & 1) << w->n % 8);
}

/* A Huffman code: its highest bit comes first. */
static void
put_code(struct writer *w, unsigned code, unsigned n)
{
	while (n-- > 0)
		put(w, code >> n & 1, 1);
}

/* A dynamic block's header with these code lengths, each below 16 and written plainly in four bits. */
static void
put_header(struct writer *w, int final, const unsigned char *lit, unsigned nlit, const unsigned char *dist, unsigned ndist)
{
	static const unsigned char order[] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

	put(w, (unsigned)final, 1);
	put(w, 2, 2);
	put(w, nlit - 257, 5);
	put(w, ndist - 1, 5);
	put(w, 15, 4);
	for (size_t i = 0; i < sizeof(order); i++)
		put(w, order[i] < 16 ? 4 : 0, 3);
	for (unsigned i = 0; i < nlit; i++)
		put_code(w, lit[i], 4);
	for (unsigned i = 0; i < ndist; i++)
		put_code(w, dist[i], 4);
}

/* Codes 'a' 0, 'b' 10, end 110, length 3 is 111; or some of that spoiled. */
struct odd {
	const char *name;
	unsigned char a, b, end, len3, dist0, dist1;
	const char *data; /* bits, in the order of the stream */
	enum lp_deflate_verdict verdict;
	enum lp_deflate_result rc;
	const char *out;
};

static const struct odd odds[] = {
	{ "two distance codes", 1, 2, 3, 3, 1, 1, "0" "10" "111" "1" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_END, "ababa" },
	{ "one distance code", 1, 2, 3, 3, 1, 0, "0" "111" "0" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_END, "aaaa" },
	{ "one distance code, its other half used", 1, 2, 3, 3, 1, 0, "0" "111" "1" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_BAD, "a" },
	{ "no distance code", 1, 2, 3, 3, 0, 0, "0" "10" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_END, "ab" },
	{ "no distance code, a length", 1, 2, 3, 3, 0, 0, "0" "10" "111" "0" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_BAD, "ab" },
	{ "a distance before the start", 1, 2, 3, 3, 1, 1, "0" "111" "1" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_BAD, "a" },
	{ "a match as the first symbol", 1, 2, 3, 3, 1, 1, "111" "0" "110", LP_DEFLATE_REGULAR, LP_DEFLATE_BAD, "" },
	{ "one distance code of two bits", 1, 2, 3, 3, 2, 0, "0" "111" "00" "110", LP_DEFLATE_ODD, LP_DEFLATE_BAD, "" },
	{ "incomplete literals", 1, 3, 3, 3, 1, 1, "0" "100" "101", LP_DEFLATE_ODD, LP_DEFLATE_BAD, "" },
	{ "one literal code", 0, 0, 1, 0, 1, 1, "0", LP_DEFLATE_ODD, LP_DEFLATE_END, "" },
	{ "too many literals", 1, 1, 1, 3, 1, 1, "0", LP_DEFLATE_ODD, LP_DEFLATE_BAD, "" },
	{ "no end of block", 1, 2, 0, 2, 1, 1, "0" "10" "0", LP_DEFLATE_ODD, LP_DEFLATE_BAD, "" },
};

static void
test_odd(void)
{
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		const struct odd *t = &odds[i];
		unsigned char lit[286] = { ['a'] = t->a, ['b'] = t->b, [256] = t->end, [257] = t->len3 };
		unsigned char dist[] = { t->dist0, t->dist1 };
		struct lp_deflate_block block;
		struct writer w = { .n = 0 };
		struct outcome got;
		struct lp_span s;
		size_t header;
		int cuts = 1, good = 1;

		put_header(&w, 1, lit, 258, dist, 2);
		header = w.n;
		for (const char *p = t->data; *p != '\0'; p++)
			put(&w, *p == '1', 1);
		s = lp_span(w.p, (w.n + 7) / 8);
		got = reference(s);
		ok(got.rc == t->rc && got.total == strlen(t->out) &&
		    got.hash == crc32_z(0, (const unsigned char *)t->out, strlen(t->out)), "%s", t->name);
		ok(agree(s, WHOLE) && agree(s, BYTES), "%s: all agree", t->name);
		for (size_t n = 0; n < s.n; n++)
			cuts = cuts && agree(lp_span(s.p, n), WHOLE) && agree(s, SPLIT + n);
		ok(cuts, "%s: cut and split", t->name);
		ok(lp_deflate_block(s.p, s.n, 0, &block) == t->verdict && block.bits == header, "%s: the header's verdict", t->name);
		for (size_t n = 0; n < (header + 7) / 8; n++) {
			enum lp_deflate_verdict v = lp_deflate_block(s.p, n, 0, &block);

			good = good && (v == LP_DEFLATE_SHORT);
		}
		ok(good || t->verdict == LP_DEFLATE_ODD, "%s: a part of the header is short", t->name);
	}
}

/* Blocks written bit by bit. */
static const struct {
	const char *name;
	const char *bits;
	enum lp_deflate_result rc;
} plain[] = {
	{ "block type 3", "1" "11", LP_DEFLATE_BAD },
	{ "stored, length and complement differ", "1" "00" "00000" "1000000000000000" "1000000000000000", LP_DEFLATE_BAD },
	{ "stored, empty", "1" "00" "00000" "0000000000000000" "1111111111111111", LP_DEFLATE_END },
	{ "stored after stored, empty", "0" "00" "00000" "0000000000000000" "1111111111111111"
	    "1" "00" "00000" "0000000000000000" "1111111111111111", LP_DEFLATE_END },
	{ "fixed, empty", "1" "10" "0000000", LP_DEFLATE_END },
	{ "fixed, literal/length 286", "1" "10" "11000110", LP_DEFLATE_BAD },
	{ "fixed, distance 30", "1" "10" "00110000" "0000001" "11110", LP_DEFLATE_BAD },
	{ "fixed, 258 as 227+31", "1" "10" "00110000" "11000100" "11111" "00000" "0000000", LP_DEFLATE_END },
	{ "fixed, 258 as itself", "1" "10" "00110000" "11000101" "00000" "0000000", LP_DEFLATE_END },
	{ "287 literal/length codes", "1" "01" "01111" "00000" "0000" "000000000000", LP_DEFLATE_BAD },
	{ "31 distance codes", "1" "01" "00000" "01111" "0000" "000000000000", LP_DEFLATE_BAD },
	{ "no code lengths' code", "1" "01" "00000" "00000" "0000" "000000000000" "0000000000000000000000", LP_DEFLATE_MORE },
	{ "repeat with nothing before", "1" "01" "00000" "00000" "0000" "100" "100" "000" "000" "000000" "0", LP_DEFLATE_BAD },
};

static void
test_plain(void)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct writer w = { .n = 0 };
		struct lp_span s;
		int cuts = 1;

		for (const char *p = plain[i].bits; *p != '\0'; p++)
			put(&w, *p == '1', 1);
		s = lp_span(w.p, (w.n + 7) / 8);
		ok(reference(s).rc == plain[i].rc, "%s", plain[i].name);
		for (size_t n = 0; n <= s.n; n++)
			cuts = cuts && agree(lp_span(s.p, n), WHOLE) && agree(lp_span(s.p, n), BYTES) && agree(s, SPLIT + n);
		ok(cuts, "%s: all agree", plain[i].name);
	}
}

int
main(void)
{
	engines[nengines++] = &lp_deflate_zlib;
	if (lp_deflate_engine("isal") != NULL)
		engines[nengines++] = lp_deflate_engine("isal");
	ok(lp_deflate_engine(NULL) == engines[nengines - 1] && lp_deflate_engine("none") == NULL, "engines by name");
	test_plain();
	test_odd();
	test_small();
	test_large();
	test_zeros();
	return unit_done();
}
