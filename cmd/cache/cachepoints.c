/* lp-cache put-points and get-points: the points of a layer, in and out as GZIDX. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "cmd/cache/cachework.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/deflate.h"
#include "common/codec/gzidx.h"
#include "common/codec/zstd.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

struct packing {
	const struct lp_points *points;
	size_t i;
	struct lp_buf window; /* of the point before the next */
};

static int
next(void *arg, struct lp_cache_point *out)
{
	struct packing *p = arg;
	const struct lp_point *at = p->i < p->points->n ? &p->points->v[p->i++] : NULL;
	int rc = LP_OK;

	if (at == NULL)
		return 0;
	lp_buf_clear(&p->window);
	if (at->window.n > 0)
		rc = lp_zstd_pack(at->window, &p->window);
	*out = (struct lp_cache_point){ .compressed = (int64_t)at->in, .plain = (int64_t)at->out, .bits = at->bits,
		.window = lp_buf_span(&p->window) };
	return rc == LP_OK ? 1 : rc;
}

static int
put(struct lp_cachework *w, const struct lp_points *points)
{
	struct packing p = { .points = points };
	int rc;

	lp_buf_init(&p.window, SIZE_MAX);
	rc = lp_cache_put_points(&w->cache, w->layers[0].digest, next, &p);
	lp_buf_release(&p.window);
	if (rc == LP_E_ABSENT)
		lp_err("%s: no verified listing, which its points belong to", lp_quote(w->layers[0].digest));
	w->found = rc == LP_OK ? (int64_t)points->n : 0;
	return rc;
}

int
lp_cachework_put_points(struct lp_cachework *w)
{
	struct lp_gzidx_error e = { NULL, 0 };
	struct lp_points points;
	struct lp_buf text;
	int rc;

	lp_points_init(&points, 0, 0);
	lp_buf_init(&text, LP_GZIDX_MAX);
	rc = lp_read_all(STDIN_FILENO, &text);
	if (rc == LP_E_SYS || rc == LP_E_LIMIT)
		lp_err("<stdin>: %s", rc == LP_E_SYS ? lp_err_text(errno) : "more points than the limit");
	if (rc == LP_OK && (rc = lp_gzidx_read(&points, lp_buf_span(&text), &e)) == LP_E_DATA)
		lp_err("<stdin>: byte %" PRIu64 ": %s", e.at, e.why);
	if (rc == LP_OK && (points.n > LP_GZIDX_POINTS_MAX || (points.n > 0 && (points.v[points.n - 1].in > LP_MAX_SIZE ||
	    points.v[points.n - 1].out > LP_MAX_SIZE)))) {
		lp_err("<stdin>: more points than the limit, or of more bytes");
		rc = LP_E_LIMIT;
	}
	rc = rc != LP_OK ? rc : put(w, &points);
	lp_points_release(&points);
	lp_buf_release(&text);
	return rc;
}

struct unpacking {
	struct lp_points points;
	struct lp_buf window;
};

/*
 * What a damaged file gives is found out here: the frame of a window has a checksum. In the database a point may take
 * less than a thousandth of its window: there are as many as a file of them may hold.
 */
static int
unpack(void *arg, const struct lp_cache_point *p)
{
	struct unpacking *u = arg;
	int rc = LP_OK;

	lp_buf_clear(&u->window);
	if (p->compressed < 0 || p->plain < 0 || p->bits < 0 || p->bits > 7 || u->points.n == LP_GZIDX_POINTS_MAX)
		return LP_E_DATA;
	if (p->window.n > 0)
		rc = lp_zstd_unpack(p->window, LP_DEFLATE_WINDOW, &u->window);
	return rc != LP_OK ? rc : lp_points_add(&u->points, &(struct lp_point){ .in = (uint64_t)p->compressed,
		.out = (uint64_t)p->plain, .bits = (unsigned)p->bits, .window = lp_buf_span(&u->window) });
}

static int
write_out(void *arg, struct lp_span s)
{
	(void)arg;
	return lp_put(s);
}

int
lp_cachework_get_points(struct lp_cachework *w)
{
	const struct lp_span digest = w->layers[0].digest;
	struct unpacking u;
	int rc;

	lp_points_init(&u.points, 0, LP_GZIDX_POINTS_MAX + 1);
	lp_buf_init(&u.window, LP_DEFLATE_WINDOW);
	rc = lp_cache_points(&w->cache, digest, unpack, &u);
	if (rc == LP_E_ABSENT)
		lp_detail("%s: no points", lp_quote(digest));
	else if (rc == LP_E_DATA && w->cache.why[0] == '\0')
		lp_err("%s: its points are damaged", lp_quote(digest));
	/* how long the blob is who asks knows; it is behind the last point */
	u.points.in = w->layers[0].size >= 0 ? (uint64_t)w->layers[0].size : LP_MAX_SIZE;
	rc = rc != LP_OK ? rc : lp_gzidx_write(&u.points, write_out, NULL);
	w->found = (int64_t)u.points.n;
	lp_points_release(&u.points);
	lp_buf_release(&u.window);
	return rc;
}
