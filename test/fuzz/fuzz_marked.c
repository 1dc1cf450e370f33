/*
 * Any bytes as deflate from the middle: where blocks are found, and what
 * comes out of each bit that one seems to begin at, whole and in pieces.
 * What zlib makes of the same bytes from their start is what comes out here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec/deflate.h"
#include "common/codec/marked.h"
#include "common/tar/tarfind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT = LP_MARKED_HISTORY + 256 * 1024, LANDINGS = 16 };

static uint16_t out[2][OUT];

/* Symbols behind the history; the room is all there is. */
static size_t
decode(uint16_t *to, struct lp_span in, uint64_t bit, size_t reach, size_t piece, enum lp_marked_result *rc)
{
	static struct lp_marked m;
	struct lp_marked_io io = { .skip = bit % 8, .out = to, .n = LP_MARKED_HISTORY, .cap = OUT };
	const unsigned char *end = in.p + in.n;

	lp_span_take(&in, (size_t)(bit / 8));
	io.in = lp_span(in.p, piece < in.n ? piece : in.n);
	lp_marked_history(to);
	lp_marked_start(&m, reach);
	for (;;) {
		*rc = lp_marked_run(&m, &io);
		if (*rc == LP_MARKED_MORE && io.in.p + io.in.n < end)
			io.in.n += (size_t)(end - io.in.p) - io.in.n < piece ? (size_t)(end - io.in.p) - io.in.n : piece;
		else if (*rc != LP_MARKED_BLOCK)
			return io.n - LP_MARKED_HISTORY;
	}
}

/* Whole and in pieces alike. */
static size_t
both(struct lp_span in, uint64_t bit, size_t reach, size_t piece, enum lp_marked_result *rc)
{
	enum lp_marked_result other;
	size_t n = decode(out[0], in, bit, reach, SIZE_MAX, rc), k = decode(out[1], in, bit, reach, piece, &other);

	if (*rc != other || n != k || memcmp(out[0], out[1], (LP_MARKED_HISTORY + n) * sizeof(out[0][0])) != 0)
		abort();
	return n;
}

/* From its start: zlib takes what is taken here, and gives the same. */
static void
compare(struct lp_span in, size_t n, enum lp_marked_result rc)
{
	static unsigned char plain[OUT + LP_DEFLATE_ROOM];
	struct lp_deflate_io io = { .in = in, .eof = 1, .out = plain, .cap = sizeof(plain) };
	void *zlib = lp_deflate_zlib.open();
	enum lp_deflate_result r;

	if (zlib == NULL)
		abort();
	lp_deflate_zlib.start(zlib);
	do
		r = lp_deflate_zlib.run(zlib, &io);
	while (r == LP_DEFLATE_FULL && io.cap - io.n >= LP_DEFLATE_ROOM);
	lp_deflate_zlib.close(zlib);
	if (rc == LP_MARKED_END && (r != LP_DEFLATE_END || io.n != n))
		abort();
	for (size_t i = 0; i < n && i < io.n; i++)
		if (out[0][LP_MARKED_HISTORY + i] != plain[i])
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lp_tarfind f;
	struct lp_span in = lp_span(data, size);
	size_t piece = size > 0 ? 1 + lp_span_take(&in, 1).p[0] : 1;
	enum lp_marked_result rc;
	uint64_t bit = 0;
	size_t n = both(in, 0, 0, piece, &rc);

	compare(in, n, rc);
	for (int i = 0; i < LANDINGS && lp_marked_find(in, &bit); i++, bit++) {
		n = both(in, bit, LP_MARKED_HISTORY, piece, &rc);
		lp_tarfind_init(&f);
		lp_tarfind_next(&f, out[0], LP_MARKED_HISTORY + n, 0);
	}
	bit = 8;
	if (lp_marked_find_stored(in, &bit))
		both(in, bit, LP_MARKED_HISTORY, piece, &rc);
	return 0;
}
