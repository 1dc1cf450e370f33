/*
 * lp-fetch --fill from start to end: the sources, who we are to each of
 * their registries, the lock, the transfers, and bars on a terminal. What
 * source/fill.h does, for a command line.
 */
#ifndef LP_FETCH_FILLWORK_H
#define LP_FETCH_FILLWORK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/range.h"
#include "common/net/netopt.h"
#include "common/source/env.h"

/* All of it borrowed. */
struct lp_fillwork {
	const struct lp_netopt *net; /* with a store */
	struct lp_range_spec range;  /* of each source */
	int strict;                  /* a first byte that is not there is an error */
	uint64_t jobs;               /* transfers at a time; 0: the default */
	char *const *sources;
	size_t n;                    /* 0: they are on standard input, a line each */
	int progress;                /* lp_progress_open's, or -1: then there may be bars */
};

/*
 * Opens what it needs in the environment, which is all zero and which
 * the caller closes. One source that is bad does not
 * keep the others. The exit status, after a message for each failure: the
 * worst of all sources, or that of what kept all of them.
 */
int lp_fillwork(const struct lp_fillwork *, struct lp_env *);

#endif
