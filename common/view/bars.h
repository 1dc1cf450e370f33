/*
 * Progress bars on a terminal, drawn over each other in place: what the
 * fetching programs report (common/cli/progress.h), as one line a blob.
 */
#ifndef LP_VIEW_BARS_H
#define LP_VIEW_BARS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

/* One bar's worth; `want` 0: no end is known. */
struct lp_bar {
	struct lp_span label; /* printable */
	uint64_t have, want;
	int whole; /* it is of all that is to come: how long the rest may take is told */
};

/*
 * Bars on a terminal, drawn over each other in place. Nothing is shown in
 * the first LP_BARS_PATIENCE_MS, so that what is quick does not flicker, and
 * nothing is left on the screen by lp_bars_clear: there is no other state
 * that a kill could leave behind.
 */
enum { LP_BARS_PATIENCE_MS = 200, LP_BARS_EVERY_MS = 100, LP_BARS_RATE_MS = 1000 };
struct lp_bars {
	int fd;
	int utf8;
	size_t drawn; /* lines on the screen */
	int64_t started_ms, last_ms;
	int64_t since_ms;    /* when the bar of the whole first had bytes; 0: not yet */
	uint64_t since_have; /* and how many */
	struct lp_buf text;
};

/* fd is a terminal, or -1: all of it does nothing. */
void lp_bars_init(struct lp_bars *, int fd);
void lp_bars_release(struct lp_bars *);
/* Draw, unless it is too soon; `force` draws all the same. At most the screen's height less two lines. */
void lp_bars_draw(struct lp_bars *, const struct lp_bar *, size_t n, int force);
/* Take them off the screen: before any other output to the terminal, and at the end. */
void lp_bars_clear(struct lp_bars *);
/* Others have written to the terminal: what was drawn is theirs now, and stays. */
void lp_bars_forget(struct lp_bars *);

#endif
