/*
 * Any bytes as a file of points. What is taken is in order and has windows of
 * one size; written and read again it is the same. The bytes themselves,
 * decoded from each of the first points, give the same by both engines.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/codec/gzidx.h"
#include "common/codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS = 4, OUTPUT_MAX = 1024 * 1024 };

static void
check(const struct lp_points *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct lp_point *at = &p->v[i];

		if (at->bits > 7 || (at->window.n != 0 && at->window.n != LP_DEFLATE_WINDOW) || at->in > p->in ||
		    (i > 0 && (at->in < at[-1].in || at->out < at[-1].out)) || (at->bits > 0 && at->in == 0))
			abort();
	}
}

static int
put(void *b, struct lp_span s)
{
	return lp_buf_add(b, s);
}

static void
again(const struct lp_points *p)
{
	struct lp_gzidx_error e;
	struct lp_points q;
	struct lp_buf b;

	lp_buf_init(&b, SIZE_MAX);
	if (lp_gzidx_write(p, put, &b) != LP_OK || lp_gzidx_read(&q, lp_buf_span(&b), &e) != LP_OK || q.n != p->n ||
	    q.in != p->in || q.out != p->out)
		abort();
	for (size_t i = 0; i < p->n; i++)
		if (q.v[i].in != p->v[i].in || q.v[i].out != p->v[i].out || q.v[i].bits != p->v[i].bits ||
		    !lp_span_eq(q.v[i].window, p->v[i].window))
			abort();
	lp_points_release(&q);
	lp_buf_release(&b);
}

/* A hash of what comes, and of the verdict. */
static uint64_t
decode(struct lp_span in, const struct lp_point *from, const struct lp_deflate_engine *e)
{
	struct lp_inflate x;
	enum lp_inflate_event ev;
	uint64_t hash = 0, n = 0;

	lp_inflate_init(&x, LP_FORMAT_UNDECIDED, e);
	if (lp_inflate_resume(&x, from) != LP_OK)
		abort();
	do {
		ev = in.n > 0 ? lp_inflate_next(&x, &in) : lp_inflate_eof(&x);
		if (ev == LP_INFLATE_OUTPUT)
			for (size_t i = 0; i < x.f.out.n && n < OUTPUT_MAX; i++, n++)
				hash = (hash ^ x.f.out.p[i]) * 0x100000001b3u;
	} while (n < OUTPUT_MAX && (ev < LP_INFLATE_PREVIEW || ev == LP_INFLATE_POINT));
	if (n < OUTPUT_MAX)
		hash = hash * 31 + (uint64_t)ev;
	lp_inflate_release(&x);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_gzidx_error e = { NULL, 0 };
	struct lp_points p;
	int rc = lp_gzidx_read(&p, lp_span(data, size), &e);

	if (rc == LP_OK) {
		check(&p);
		again(&p);
	} else if (rc != LP_E_DATA || e.why == NULL || e.at > size) {
		abort();
	}
	for (size_t i = 0; rc == LP_OK && i < p.n && i < POINTS; i++)
		if (decode(lp_span(data, size), &p.v[i], lp_deflate_engine(NULL)) !=
		    decode(lp_span(data, size), &p.v[i], lp_deflate_engine("zlib")))
			abort();
	lp_points_release(&p);
	return 0;
}
