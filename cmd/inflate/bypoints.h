/*
 * lp-inflate --use-points: a range of the plain bytes, decoded from the last
 * point before it, so that the input before that is passed over.
 */
#ifndef LP_INFLATE_BYPOINTS_H
#define LP_INFLATE_BYPOINTS_H

#include <stdint.h>

#include "common/base/range.h"
#include "common/codec/inflate.h"
#include "common/source/pointsread.h"
#include "common/sys/input.h"

struct lp_bypoints {
	/* ---- the caller's ---- */
	const char *file;           /* of the points; NULL: all bytes are wanted, and the rest is empty */
	struct lp_range_spec range; /* of plain bytes, no suffix */
	int part;                   /* the input begins where lp_bypoints_locate says */

	/* ---- inside ---- */
	struct lp_pointsread read;
	uint64_t before;            /* bytes of input to come that are before the point */
};

/* Before the lock. LP_OK, or LP_E_SYS after a message. To be released in any case. */
int lp_bypoints_open(struct lp_bypoints *);
void lp_bypoints_release(struct lp_bypoints *);

/* Behind the lock: the points are read, and it is seen where to begin. LP_OK, or a failure that was said. */
int lp_bypoints_read(struct lp_bypoints *);

/* FIRST-LAST, the bytes of input that have the range, as a line on stdout; without LAST if nobody knows it. LP_OK, or said. */
int lp_bypoints_locate(const struct lp_bypoints *);

/* The parser and the input are put there. LP_OK, or a failure that was said. */
int lp_bypoints_begin(struct lp_bypoints *, struct lp_inflate *, struct lp_input *, const char *input_name);

/* What of the input just read is not before the point. */
struct lp_span lp_bypoints_input(struct lp_bypoints *, struct lp_span);

/* What of plain bytes belongs to the range; `given` are those up to their end. */
struct lp_span lp_bypoints_trim(const struct lp_bypoints *, struct lp_span, uint64_t given);

/* Whether the range's last byte has come. */
int lp_bypoints_is_done(const struct lp_bypoints *, uint64_t given);

#endif
