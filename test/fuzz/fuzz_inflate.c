/*
 * Any bytes as a layer. The first byte says how the input is cut into
 * pieces; whole or in pieces, by one engine or the other, the output, the
 * events and the place of an error are the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A bomb gives a thousand times its size: enough is enough. */
enum { OUTPUT_MAX = 8 * 1024 * 1024 };

struct digest {
	uint64_t out;    /* hash of the output's bytes, however they come */
	uint64_t total;
	uint64_t events; /* hash of the others */
	uint64_t at;
	const char *why;
};

static void
output(struct digest *d, struct lp_span s)
{
	/* byte by byte: pieces of output differ */
	for (size_t i = 0; i < s.n; i++)
		d->out = (d->out ^ s.p[i]) * 0x100000001b3u;
	d->total += s.n;
}

/* Whether the parser is to be asked again. */
static int
event(struct digest *d, const struct lp_inflate *x, enum lp_inflate_event ev)
{
	if (ev == LP_INFLATE_MORE)
		return 0;
	if (ev == LP_INFLATE_OUTPUT) {
		if (x->f.out.n == 0)
			abort();
		output(d, lp_span(x->f.out.p, x->f.out.n < OUTPUT_MAX - d->total ? x->f.out.n : OUTPUT_MAX - d->total));
		return d->total < OUTPUT_MAX;
	}
	d->events = d->events * 31 + (uint64_t)ev + 1;
	if (ev == LP_INFLATE_ERROR || ev == LP_INFLATE_WARNING) {
		d->at = x->f.at;
		d->why = x->f.why;
		if (d->why == NULL || x->f.at > x->f.used)
			abort();
	}
	return ev == LP_INFLATE_MEMBER || ev == LP_INFLATE_WARNING;
}

/* `pieces` 0: whole. */
static struct digest
decode(struct lp_span in, unsigned pieces, const struct lp_deflate_engine *e)
{
	static struct lp_inflate x;
	struct digest d = { .events = 0 };
	enum lp_inflate_event ev = LP_INFLATE_MORE;
	uint32_t seed = pieces;

	lp_inflate_init(&x, LP_FORMAT_UNDECIDED, e);
	while (in.n > 0 && ev == LP_INFLATE_MORE) {
		struct lp_span piece;

		seed = seed * 1103515245 + 12345;
		piece = lp_span_take(&in, pieces == 0 ? in.n : 1 + (seed >> 16) % (pieces * pieces));
		do
			ev = lp_inflate_next(&x, &piece);
		while (event(&d, &x, ev));
	}
	if (ev == LP_INFLATE_MORE) {
		while (event(&d, &x, lp_inflate_eof(&x)))
			continue;
	}
	lp_inflate_release(&x);
	return d;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size);
	unsigned pieces = size > 0 ? 1 + lp_span_take(&in, 1).p[0] : 1;
	const struct lp_deflate_engine *zlib = lp_deflate_engine("zlib"), *best = lp_deflate_engine(NULL);
	struct digest d[3] = { decode(in, 0, zlib), decode(in, pieces, best), decode(in, 0, best) };

	for (size_t i = 1; i < 3; i++) {
		if (d[i].out != d[0].out || d[i].total != d[0].total || d[i].events != d[0].events ||
		    d[i].at != d[0].at)
			abort();
	}
	return 0;
}
