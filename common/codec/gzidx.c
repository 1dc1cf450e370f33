/* Reads and writes GZIDX, the file format of indexed_gzip. */
#include "common/codec/gzidx.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/le.h"
#include "common/base/status.h"
#include "common/codec/deflate.h"

static const char magic[] = "GZIDX";
enum { MAGIC = 5, HEAD = MAGIC + 1 + 1 + 8 + 8 + 4 + 4 + 4, POINT = 8 + 8 + 1, VERSION = 1, BITS_MAX = 7 };

/* ---- reading ------------------------------------------------------------------ */

static int
fail(struct lp_gzidx_error *e, uint64_t at, const char *why)
{
	*e = (struct lp_gzidx_error){ why, at };
	return LP_E_DATA;
}

/* A number of n bytes off the front, which are there. */
static uint64_t
take(struct lp_span *s, size_t n)
{
	return lp_le(lp_span_take(s, n).p, n);
}

/* Point i of the file; its window, if it has one, is still to come: its n says so. */
static int
read_point(struct lp_points *p, struct lp_span *s, int version, struct lp_gzidx_error *e, uint64_t at)
{
	const struct lp_point *last = p->n > 0 ? &p->v[p->n - 1] : NULL;
	struct lp_point *now = &p->v[p->n];

	now->in = take(s, 8);
	now->out = take(s, 8);
	now->bits = (unsigned)take(s, 1);
	now->window = lp_span(NULL, version > 0 ? take(s, 1) != 0 : p->n > 0);
	if (now->bits > BITS_MAX)
		return fail(e, at + 16, "more bits than a byte has");
	if (now->in > p->in || now->in < (now->bits > 0))
		return fail(e, at, "a point is not in the compressed data");
	if (last != NULL && (now->in < last->in || now->out < last->out))
		return fail(e, at, "the points are not in order");
	if (p->out > 0 && now->out > p->out)
		return fail(e, at + 8, "a point is behind the end of the data");
	p->n++;
	return LP_OK;
}

/* The last bytes of each window are those that count. */
static int
read_windows(struct lp_points *p, struct lp_span *s, size_t size, uint64_t length, struct lp_gzidx_error *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct lp_span window;

		if (p->v[i].window.n == 0)
			continue;
		if (s->n < size)
			return fail(e, length, "cut off in a window");
		window = lp_span_take(s, size);
		p->v[i].window = lp_span(window.p + size - LP_DEFLATE_WINDOW, LP_DEFLATE_WINDOW);
	}
	return s->n > 0 ? fail(e, length - s->n, "bytes behind the last window") : LP_OK;
}

static int
read_points(struct lp_points *p, struct lp_span file, int version, uint64_t n, size_t size, struct lp_gzidx_error *e)
{
	const size_t each = POINT + (version > 0);
	struct lp_span s = file;
	int rc = LP_OK;

	lp_span_take(&s, HEAD);
	if (n > s.n / each)
		return fail(e, file.n, "cut off in the points");
	/* some three times the file's own bytes */
	p->v = calloc((size_t)n + 1, sizeof(*p->v));
	if (p->v == NULL)
		return LP_E_NOMEM;
	while (p->n < n && rc == LP_OK)
		rc = read_point(p, &s, version, e, file.n - s.n);
	return rc != LP_OK ? rc : read_windows(p, &s, size, file.n, e);
}

int
lp_gzidx_read(struct lp_points *p, struct lp_span file, struct lp_gzidx_error *e)
{
	struct lp_span s = file;
	uint64_t n, size;
	int version;

	lp_points_init(p, 0, 0);
	p->borrowed = 1;
	if (file.n < MAGIC || memcmp(file.p, magic, MAGIC) != 0)
		return fail(e, 0, "not GZIDX data");
	if (file.n < HEAD)
		return fail(e, file.n, "cut off in the header");
	lp_span_take(&s, MAGIC);
	version = (int)take(&s, 1);
	if (version > VERSION)
		return fail(e, MAGIC, "a later version of GZIDX");
	(void)take(&s, 1);
	p->in = take(&s, 8);
	p->out = take(&s, 8);
	p->spacing = take(&s, 4);
	size = take(&s, 4);
	n = take(&s, 4);
	if (size < LP_DEFLATE_WINDOW)
		return fail(e, HEAD - 8, "windows of less than 32 KiB");
	return read_points(p, file, version, n, (size_t)size, e);
}

/* ---- writing ------------------------------------------------------------------ */

static void
add(struct lp_buf *b, uint64_t v, size_t n)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(v >> 8 * i);
	(void)lp_buf_add(b, lp_span(bytes, n));
}

/* All but the windows, into room that is there. */
static void
add_head(const struct lp_points *p, struct lp_buf *b)
{
	(void)lp_buf_add(b, lp_span(magic, MAGIC));
	add(b, VERSION, 1);
	add(b, 0, 1);
	add(b, p->in, 8);
	add(b, p->out, 8);
	/* indexed_gzip refuses less than a window */
	add(b, p->spacing > UINT32_MAX ? UINT32_MAX : p->spacing <= LP_DEFLATE_WINDOW ? LP_DEFLATE_WINDOW + 1 : p->spacing, 4);
	add(b, LP_DEFLATE_WINDOW, 4);
	add(b, p->n, 4);
	for (size_t i = 0; i < p->n; i++) {
		add(b, p->v[i].in, 8);
		add(b, p->v[i].out, 8);
		add(b, p->v[i].bits, 1);
		add(b, p->v[i].window.n > 0, 1);
	}
}

_Static_assert(LP_GZIDX_POINTS_MAX == (LP_GZIDX_MAX - HEAD) / (POINT + 1 + LP_DEFLATE_WINDOW), "what a point takes");

int
lp_gzidx_write(const struct lp_points *p, lp_gzidx_put *put, void *arg)
{
	static const unsigned char zeros[LP_DEFLATE_WINDOW];
	struct lp_buf b;
	int rc;

	lp_buf_init(&b, SIZE_MAX);
	rc = lp_buf_reserve(&b, HEAD + p->n * (POINT + 1));
	if (rc == LP_OK) {
		add_head(p, &b);
		rc = put(arg, lp_buf_span(&b));
	}
	for (size_t i = 0; i < p->n && rc == LP_OK; i++) {
		struct lp_span window = p->v[i].window;

		if (window.n > 0 && window.n < LP_DEFLATE_WINDOW)
			rc = put(arg, lp_span(zeros, LP_DEFLATE_WINDOW - window.n));
		if (rc == LP_OK && window.n > 0)
			rc = put(arg, window);
	}
	lp_buf_release(&b);
	return rc;
}
