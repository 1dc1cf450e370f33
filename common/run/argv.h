/*
 * An argument list on its way to a child.
 */
#ifndef LP_RUN_ARGV_H
#define LP_RUN_ARGV_H

#include <stddef.h>

struct lp_argv {
	char **v; /* n strings, and NULL behind them */
	size_t n;
	size_t cap;
	int failed; /* memory ran out: what was added since is missing */
};

void lp_argv_init(struct lp_argv *);
void lp_argv_release(struct lp_argv *);

/* Add a copy, or a formatted string. A failure is kept in `failed`, to be looked at once, at the end. */
void lp_argv_add(struct lp_argv *, const char *);
void lp_argv_addf(struct lp_argv *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* All of `more` behind what is there. */
void lp_argv_append(struct lp_argv *, const struct lp_argv *more);

/* For lp_stage.argv; NULL if something failed. */
const char *const *lp_argv_done(const struct lp_argv *);

#endif
