/*
 * Places from which a compressed stream can be decoded again (struct
 * lp_point of codec/frames.h), in the order of the stream: collected while it
 * is decoded once, or read from a file (codec/gzidx.h).
 *
 * In a list from anywhere both offsets never fall from one point to the next.
 */
#ifndef LP_CODEC_POINTS_H
#define LP_CODEC_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/codec/frames.h"

struct lp_points {
	struct lp_point *v;
	size_t n, cap;
	uint64_t spacing; /* bytes of output between two of them, about */
	uint64_t in, out; /* bytes of the whole stream, compressed and not; 0: unknown */
	size_t max;       /* how many are collected at most, an even number */
	int borrowed;     /* the windows are somebody else's */
};

/* None yet; allocates nothing. */
void lp_points_init(struct lp_points *, uint64_t spacing, size_t max);
void lp_points_release(struct lp_points *);

/*
 * One more, its window copied. Where there are `max` already, every second
 * one goes first, and `spacing` is twice as much: the caller's parser is to
 * be told. LP_OK or LP_E_NOMEM.
 */
int lp_points_add(struct lp_points *, const struct lp_point *);

/* The last point at or before a byte of output; NULL if there is none. */
const struct lp_point *lp_points_before(const struct lp_points *, uint64_t out);

/* The first point at or behind a byte of output; NULL if there is none. */
const struct lp_point *lp_points_behind(const struct lp_points *, uint64_t out);

#endif
