/*
 * How far a fetch has come, from the program that fetches to whoever has
 * the terminal (common/view/bars.h).
 *
 * The fetching program writes lines to the file that LP_PROGRESS names:
 *
 *	progress TAB KEY TAB HAVE TAB WANT TAB FETCHED TAB STATE
 *
 * KEY is the blob's digest (or the source, escaped), HAVE and WANT are
 * bytes, FETCHED how many of them crossed the network, STATE is "more",
 * "done", "failed", or "unkept" where the store could not take it. At most ten lines a second
 * for each blob and always the last one, each in one write. lp-peek gives
 * its children a pipe for that (run/spawn.h).
 */
#ifndef LP_CLI_PROGRESS_H
#define LP_CLI_PROGRESS_H

#include <stdint.h>

#include "common/base/span.h"

enum lp_progress_state { LP_PROGRESS_MORE, LP_PROGRESS_DONE, LP_PROGRESS_FAILED, LP_PROGRESS_UNKEPT };

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

#endif
