/*
 * lp-cat --use-points: a gzip layer's tar as an input that can be read from
 * any place, by fetching only what lies between points (codec/points.h).
 *
 *	lp_pointinput_open(&p, ...);    before the lock
 *	lp_pointinput_read(&p);         behind it: the points
 *	lp_pointinput_seek(&p, at);     the next byte of p.input is this one of the tar
 *	lp_pointinput_want(&p, end);    bytes up to there will be asked for: one request does for them
 */
#ifndef LP_CAT_POINTINPUT_H
#define LP_CAT_POINTINPUT_H

#include <stdint.h>

#include "cmd/cat/fetcher.h"
#include "common/codec/inflate.h"
#include "common/source/pointsread.h"
#include "common/sys/input.h"

struct lp_pointinput {
	struct lp_input input;
	const char *name;       /* of the source, for messages; the caller's */

	/* ---- inside ---- */
	struct lp_pointsread read;
	struct lp_fetcher fetcher;
	struct lp_inflate inflate;
	int begun;              /* it is decoding */
	uint64_t at;            /* the byte of the tar that is wanted next */
	uint64_t want;          /* bytes up to there are wanted, as far as is known */
	uint64_t asked;         /* bytes of the layer up to there were asked for */
	uint64_t came;          /* and came */
	struct lp_span in;      /* of these, not decoded yet */
	unsigned char *room;
};

/* LP_OK, LP_E_SYS or LP_E_NOMEM after a message. `args` are options for lp-fetch. To be released in any case. */
int lp_pointinput_open(struct lp_pointinput *, const char *pointfile, const char *source, const char *const *args, size_t nargs);
void lp_pointinput_release(struct lp_pointinput *);

/* LP_OK, or a failure that was said. */
int lp_pointinput_read(struct lp_pointinput *);

void lp_pointinput_seek(struct lp_pointinput *, uint64_t at);
void lp_pointinput_want(struct lp_pointinput *, uint64_t end);

#endif
