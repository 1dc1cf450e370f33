/*
 * The search for the end of one body: which windows to read, and which
 * header to believe.
 */
#ifndef LP_JUMP_SEARCH_H
#define LP_JUMP_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/jump/body.h"
#include "common/jump/odds.h"
#include "common/jump/window.h"

enum lp_jump_found {
	LP_JUMP_SEEK,   /* read `want_n` bytes at `want_at`, lp_jump_search_give */
	LP_JUMP_LANDED, /* the body's end: window[odds.best] shows the header behind it */
	LP_JUMP_LOST    /* it is better read */
};

struct lp_jump_search {
	struct lp_jump_question q; /* its windows are `window` */
	struct lp_jump_window window[LP_JUMP_WINDOWS];
	struct lp_jump_odds odds;
	/* ---- the caller's ---- */
	uint64_t size;      /* of the file */
	double caution;     /* odds that are enough */
	const struct lp_jump_habits *habits;

	const struct lp_jump_body *body;
	double estimate;    /* bytes of input to the end, at first */
	uint64_t asked;     /* bytes so far */
	unsigned rounds;
	unsigned planned;   /* of the first windows, which are spread evenly, */
	unsigned taken;     /* so many are read */
	int sweeping;       /* the last window is read on and on */

	uint64_t want_at;
	size_t want_n;
	size_t into;        /* the window that what is wanted makes larger, or LP_JUMP_WINDOWS: a new one */
	int in_front;       /* at its front */
};

/* The input up to `from` is read, and `rest` bytes of tar follow up to the next header. No windows are left of a search before. */
void lp_jump_search_start(struct lp_jump_search *, const struct lp_jump_body *, uint64_t from, uint64_t rest,
    double ratio, double sd);

enum lp_jump_found lp_jump_search_next(struct lp_jump_search *);
/* LP_OK or LP_E_NOMEM. */
int lp_jump_search_give(struct lp_jump_search *, struct lp_span, struct lp_jump_eye *);

/* Frees the windows. */
void lp_jump_search_end(struct lp_jump_search *);

#endif
