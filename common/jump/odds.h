/*
 * Where in the compressed input a body ends, as odds: a prior from the
 * ratio that is expected, refined by what windows inside the body show,
 * and what they show of headers. Over a grid of places; a header that was
 * seen is a place of its own.
 *
 * All that is here is guessing: it decides what is read next and when a
 * header is believed, and nothing else.
 */
#ifndef LP_JUMP_ODDS_H
#define LP_JUMP_ODDS_H

#include <stddef.h>
#include <stdint.h>

#include "common/jump/window.h"

enum { LP_JUMP_GRID = 1024, LP_JUMP_WINDOWS = 64 };

/* What is asked. */
struct lp_jump_question {
	uint64_t from;   /* place in the file up to which all is read */
	uint64_t to;     /* the body ends before it */
	uint64_t rest;   /* bytes of tar from there to the next header */
	double ratio;    /* expected, and its relative standard deviation */
	double sd;
	struct lp_jump_window *window; /* by place, none over another */
	size_t windows;
};

struct lp_jump_odds {
	double range;    /* of all places, in bytes of input */
	double from;     /* of the cells */
	double step;     /* bytes of input that one cell stands for */
	double before;   /* mass in front of the cells */
	size_t cells;
	double mass[LP_JUMP_GRID];
	double total;    /* of mass */
	double open[LP_JUMP_GRID]; /* the mass of cells that no window has looked at, and */
	double unseen;   /* all of it */
	double weight[LP_JUMP_WINDOWS]; /* of the header that each window shows */
	size_t best;     /* the weightiest header's window, if its weight is not 0 */
	double all;      /* total, and all weights */
	double odds;     /* of the best one against all that may be in front of it */
};

void lp_jump_weigh(struct lp_jump_odds *, const struct lp_jump_question *);

/* The place, one that was not looked at, that a share of all such mass is in front of. */
uint64_t lp_jump_quantile(const struct lp_jump_odds *, double share);

#endif
