/* Keeps places from which a compressed stream can be decoded again. */
#include "common/codec/points.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/status.h"

void
lp_points_init(struct lp_points *p, uint64_t spacing, size_t max)
{
	*p = (struct lp_points){ .spacing = spacing, .max = max };
}

static void
release_window(const struct lp_points *p, struct lp_point *at)
{
	if (!p->borrowed)
		free((void *)(uintptr_t)at->window.p);
}

void
lp_points_release(struct lp_points *p)
{
	for (size_t i = 0; i < p->n; i++)
		release_window(p, &p->v[i]);
	free(p->v);
	lp_points_init(p, p->spacing, p->max);
}

/* Every second one goes; the first stays. */
static void
thin(struct lp_points *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (i % 2 == 1)
			release_window(p, &p->v[i]);
		else
			p->v[i / 2] = p->v[i];
	}
	p->n = (p->n + 1) / 2;
	p->spacing *= 2;
}

int
lp_points_add(struct lp_points *p, const struct lp_point *at)
{
	struct lp_point *v;
	unsigned char *window = NULL;

	if (p->n == p->max)
		thin(p);
	v = lp_array_room(p->v, p->n, &p->cap, sizeof(*v));
	if (v == NULL)
		return LP_E_NOMEM;
	p->v = v;
	if (at->window.n > 0) {
		window = malloc(at->window.n);
		if (window == NULL)
			return LP_E_NOMEM;
		memcpy(window, at->window.p, at->window.n);
	}
	v[p->n] = *at;
	v[p->n++].window = lp_span(window, at->window.n);
	return LP_OK;
}

/* How many points are before this byte of output, or at it if `with`. */
static size_t
count_before(const struct lp_points *p, uint64_t out, int with)
{
	size_t first = 0, n = p->n;

	while (n > 0) {
		size_t half = n / 2;
		uint64_t at = p->v[first + half].out;

		if (at < out || (with && at == out)) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

const struct lp_point *
lp_points_before(const struct lp_points *p, uint64_t out)
{
	size_t n = count_before(p, out, 1);

	return n > 0 ? &p->v[n - 1] : NULL;
}

const struct lp_point *
lp_points_behind(const struct lp_points *p, uint64_t out)
{
	size_t n = count_before(p, out, 0);

	return n < p->n ? &p->v[n] : NULL;
}
