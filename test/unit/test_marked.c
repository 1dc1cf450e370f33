/*
 * Deflate from the middle, against zlib: at every block boundary of streams
 * of all kinds the block is found, decoded with marks, and, the marks put
 * in, gives the stream's bytes. However the input is cut.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/codec/marked.h"
#include "test/unit/unit.h"

enum { PLAIN = 400 * 1024, STREAM = PLAIN + PLAIN / 8 + 1024, BOUNDARIES = 256, OUT = LP_MARKED_HISTORY + PLAIN + LP_MARKED_ROOM };

struct boundary { uint64_t bit; size_t out; };

/* A stream, what it gives, and where its blocks begin. */
struct truth {
	unsigned char plain[PLAIN];
	unsigned char *stream; /* exactly its size */
	size_t n;
	struct boundary at[BOUNDARIES];
	size_t boundaries;
};

static struct truth t;
static struct lp_marked m;
static uint16_t out[OUT];

/* Text with words that come again, numbers, runs; `noise` of 8 parts are random. */
static void
make_plain(unsigned noise)
{
	struct unit_rng rng = { noise + 1 };
	size_t n = 0;

	while (n < PLAIN) {
		unsigned what = unit_rand(&rng, 8), len = 4 + unit_rand(&rng, 60);

		for (unsigned i = 0; i < len && n < PLAIN; i++, n++)
			t.plain[n] = what < noise ? (unsigned char)unit_rand(&rng, 256) :
			    what == 7 ? 0 : (unsigned char)("etaoin shrdlu/.0"[unit_rand(&rng, 16)]);
		for (unsigned i = 0; n > 40000 && i < len && n < PLAIN; i++, n++)
			t.plain[n] = t.plain[n - 30000 - what * 100];
	}
}

static void
compress_plain(int level, int strategy, int memory)
{
	z_stream z = { .next_in = t.plain, .avail_in = PLAIN };
	unsigned char *p = malloc(STREAM);

	if (p == NULL || deflateInit2(&z, level, Z_DEFLATED, -15, memory, strategy) != Z_OK)
		exit(1);
	z.next_out = p;
	z.avail_out = STREAM;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(1);
	t.n = z.total_out;
	deflateEnd(&z);
	free(t.stream);
	t.stream = unit_exact(lp_span(p, t.n));
	free(p);
}

/* Where zlib's inflate says that blocks end. */
static void
find_boundaries(void)
{
	static unsigned char sink[PLAIN];
	z_stream z = { .next_in = t.stream, .avail_in = (uInt)t.n };
	int rc = Z_OK;

	t.boundaries = 0;
	if (inflateInit2(&z, -15) != Z_OK)
		exit(1);
	z.next_out = sink;
	z.avail_out = PLAIN;
	while (rc == Z_OK && t.boundaries < BOUNDARIES) {
		rc = inflate(&z, Z_BLOCK);
		if (rc == Z_OK && z.data_type & 128 && !(z.data_type & 64))
			t.at[t.boundaries++] = (struct boundary){ z.total_in * 8 - (unsigned)(z.data_type & 7), z.total_out };
	}
	inflateEnd(&z);
}

/* The end of the stream, decoded from a boundary on; pieces of `cut` bytes are added, or all at once for 0. How many symbols came. */
static size_t
decode(uint64_t bit, size_t reach, size_t cut, enum lp_marked_result *rc)
{
	size_t first = (size_t)(bit / 8), end = cut > 0 && first + cut < t.n ? first + cut : t.n;
	struct lp_marked_io io = { .skip = bit % 8, .out = out, .n = LP_MARKED_HISTORY, .cap = OUT };

	io.in = lp_span(t.stream + first, end - first);
	lp_marked_history(out);
	lp_marked_start(&m, reach);
	for (;;) {
		*rc = lp_marked_run(&m, &io);
		if (*rc == LP_MARKED_MORE && end < t.n) {
			size_t more = cut < t.n - end ? cut : t.n - end;

			io.in.n += more;
			end += more;
		} else if (*rc != LP_MARKED_BLOCK) {
			return io.n - LP_MARKED_HISTORY;
		}
	}
}

/* The symbols, marks put in, are the plain bytes from a place on. */
static int
is_plain(size_t n, size_t from)
{
	if (n != PLAIN - from)
		return 0;
	for (size_t i = 0; i < n; i++) {
		uint16_t s = out[LP_MARKED_HISTORY + i];
		size_t at = s < LP_MARKED_FIRST ? 0 : from + s - LP_MARKED_FIRST - LP_MARKED_HISTORY;

		if (s >= LP_MARKED_FIRST && at >= PLAIN)
			return 0;
		if ((s < LP_MARKED_FIRST ? s : t.plain[at]) != t.plain[from + i])
			return 0;
	}
	return 1;
}

static void
test_stream(const char *name, int level, int strategy, int memory, unsigned noise)
{
	static const size_t cuts[] = { 0, 1, 7, 1000 };
	enum lp_marked_result rc;
	int good = 1, found = 1;
	size_t dynamic = 0, stored = 0;

	make_plain(noise);
	compress_plain(level, strategy, memory);
	find_boundaries();
	for (size_t c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++)
		ok(is_plain(decode(0, 0, cuts[c], &rc), 0) && rc == LP_MARKED_END, "%s: whole, in pieces of %zu", name, cuts[c]);
	for (size_t i = 0; i < t.boundaries; i++) {
		const struct boundary *b = &t.at[i];
		struct lp_span in = lp_span(t.stream, t.n);
		struct lp_deflate_block head;
		uint64_t bit = b->bit;

		if (b->out < LP_MARKED_HISTORY)
			continue;
		good = good && is_plain(decode(b->bit, LP_MARKED_HISTORY, i % 4 == 3 ? 100 : 0, &rc), b->out) && rc == LP_MARKED_END;
		if (lp_deflate_block(t.stream + bit / 8, t.n - (size_t)(bit / 8), bit % 8, &head) != LP_DEFLATE_REGULAR || head.final)
			continue;
		if (head.type == 2) {
			dynamic++;
			found = found && lp_marked_find(in, &bit) && bit == b->bit;
		}
		if (head.type == 0 && i + 1 < t.boundaries && head.stored > 0) {
			uint64_t next = b->bit;

			/* what is behind it may be fixed, which is not enough */
			if (lp_deflate_block(t.stream + t.at[i + 1].bit / 8, t.n - (size_t)(t.at[i + 1].bit / 8),
			    t.at[i + 1].bit % 8, &head) == LP_DEFLATE_REGULAR && head.type != 1) {
				stored++;
				found = found && lp_marked_find_stored(in, &next) && next >= b->bit && next < b->bit + 8;
			}
		}
	}
	ok(good, "%s: from each of %zu boundaries", name, t.boundaries);
	ok(found, "%s: %zu dynamic and %zu stored blocks are found", name, dynamic, stored);
}

/* From any bit, the first header that leads to the stream's end is one of the stream's. */
static void
test_search(void)
{
	struct unit_rng rng = { 7 };
	unsigned wrong = 0, tried = 0;

	make_plain(1);
	compress_plain(6, Z_DEFAULT_STRATEGY, 5);
	find_boundaries();
	for (int i = 0; i < 40; i++) {
		struct lp_span in = lp_span(t.stream, t.n);
		uint64_t bit = unit_rand(&rng, (uint32_t)(t.n * 4));
		enum lp_marked_result rc = LP_MARKED_BAD;
		size_t k = 0;

		while (rc == LP_MARKED_BAD && lp_marked_find(in, &bit)) {
			decode(bit, LP_MARKED_HISTORY, 0, &rc);
			bit += rc == LP_MARKED_BAD;
		}
		while (k < t.boundaries && t.at[k].bit != bit)
			k++;
		tried++;
		wrong += k == t.boundaries;
	}
	ok(wrong == 0, "%u searches from any bit end at a block of the stream", tried);
}

/* Cut off anywhere, or with a bit flipped: nothing is read behind the end, and the output stays in its bounds. */
static void
test_broken(void)
{
	struct unit_rng rng = { 11 };
	enum lp_marked_result rc;
	int cut = 1;

	make_plain(2);
	compress_plain(9, Z_DEFAULT_STRATEGY, 3);
	for (int i = 0; i < 60; i++) {
		unsigned char *whole = t.stream;
		size_t n = t.n, flip;

		t.n = 1 + unit_rand(&rng, (uint32_t)(i < 30 ? 600 : n - 1));
		t.stream = unit_exact(lp_span(whole, t.n));
		decode(0, 0, 0, &rc);
		cut = cut && rc == LP_MARKED_MORE;
		flip = unit_rand(&rng, (uint32_t)t.n);
		t.stream[flip] ^= (unsigned char)(1u << unit_rand(&rng, 8));
		decode(0, 0, 13, &rc);
		free(t.stream);
		t.stream = whole;
		t.n = n;
	}
	ok(cut, "what is cut off asks for more");
}

/* A match that reaches in front of what there is. */
static void
test_reach(void)
{
	enum lp_marked_result rc;
	size_t k = 0;

	make_plain(1);
	compress_plain(6, Z_DEFAULT_STRATEGY, 8);
	find_boundaries();
	while (k < t.boundaries && t.at[k].out < LP_MARKED_HISTORY)
		k++;
	decode(t.at[k].bit, 0, 0, &rc);
	ok(k < t.boundaries && rc == LP_MARKED_BAD, "without a history, no match reaches into it");
}

int
main(void)
{
	test_stream("level 1", 1, Z_DEFAULT_STRATEGY, 8, 1);
	test_stream("level 6", 6, Z_DEFAULT_STRATEGY, 8, 1);
	test_stream("level 9", 9, Z_DEFAULT_STRATEGY, 9, 1);
	test_stream("small blocks", 6, Z_DEFAULT_STRATEGY, 2, 2);
	test_stream("noise, partly stored", 6, Z_DEFAULT_STRATEGY, 4, 7);
	test_stream("stored", 0, Z_DEFAULT_STRATEGY, 8, 0);
	test_stream("fixed codes", 6, Z_FIXED, 4, 1);
	test_stream("Huffman only", 6, Z_HUFFMAN_ONLY, 6, 3);
	test_stream("runs", 6, Z_RLE, 6, 1);
	test_search();
	test_broken();
	test_reach();
	free(t.stream);
	return unit_done();
}
