/*
 * How far a fetch has come: told by the program that fetches, shown by
 * whoever has the terminal.
 *
 * A teller writes lines to the file that LP_PROGRESS names:
 *
 *	progress TAB KEY TAB HAVE TAB WANT TAB FETCHED TAB STATE
 *
 * KEY is the blob's digest (or the source, escaped), HAVE and WANT are
 * bytes, FETCHED how many of them crossed the network, STATE is "more",
 * "done" or "failed". At most ten lines a second
 * for each blob and always the last one, each in one write. lp-peek gives
 * its children a pipe for that (sys/spawn.h).
 */
#ifndef LP_SYS_PROGRESS_H
#define LP_SYS_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

enum lp_progress_state { LP_PROGRESS_MORE, LP_PROGRESS_DONE, LP_PROGRESS_FAILED };

/* ---- telling --------------------------------------------------------------- */

/* Before the lock: open what LP_PROGRESS names. A descriptor, or -1 if nobody listens. */
int lp_progress_open(void);

struct lp_progress_line {
	struct lp_span key;
	uint64_t have, want, fetched; /* bytes */
	enum lp_progress_state state;
};

/* One line; *told_ms is when this blob's last one was, 0 before the first. Failures mean nobody listens any more. */
void lp_progress_tell(int fd, const struct lp_progress_line *, int64_t *told_ms);

/* ---- listening ------------------------------------------------------------- */

/* LP_OK with the key borrowed from the line, or LP_E_DATA if it is no progress line. */
int lp_progress_parse(struct lp_span line, struct lp_progress_line *);

/* ---- showing --------------------------------------------------------------- */

/* One bar's worth; `want` 0: no end is known. */
struct lp_bar {
	struct lp_span label; /* printable */
	uint64_t have, want;
};

/*
 * Bars on a terminal, drawn over each other in place. Nothing is shown in
 * the first LP_BARS_PATIENCE_MS, so that what is quick does not flicker, and
 * nothing is left on the screen by lp_bars_clear: there is no other state
 * that a kill could leave behind.
 */
enum { LP_BARS_PATIENCE_MS = 200, LP_BARS_EVERY_MS = 100 };
struct lp_bars {
	int fd;
	int utf8;
	size_t drawn; /* lines on the screen */
	int64_t started_ms, last_ms;
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
