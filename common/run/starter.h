/*
 * A process that starts others, so that its parent can give the right to do
 * so away and still have children; and that opens files for it (tmpfile.h),
 * so that it need not open any.
 *
 * It is forked before the parent locks itself, and never reads a byte but
 * the parent's requests: a program of this suite and its arguments, or the
 * user's pager; anything else is refused. What it starts are children of its
 * parent (CLONE_PARENT), who waits for them, and whose death they get.
 */
#ifndef LP_RUN_STARTER_H
#define LP_RUN_STARTER_H

#include <sys/types.h>

#include "common/run/spawn.h"

/*
 * From here on lp_spawn has programs started by it, and lp_tmpfile files
 * opened. `other` is the one command line that it takes beside those of this
 * suite, NULL behind its last word, or NULL. Once, while there is one thread.
 * LP_OK or LP_E_SYS.
 */
int lp_starter_begin(const char *const *other);

/* It ends by itself when we do; this waits for it. */
void lp_starter_end(void);

/* Whether there is one. */
int lp_starter_is(void);

/* As lp_spawn, for a stage with argv. The child's id, or LP_E_SYS. */
pid_t lp_starter_start(const struct lp_stage *, const struct lp_ends *);

#endif
