/*
 * What lp-merge does for its command line: listings opened, read into one
 * merge and printed, and what is known of the whole said.
 *
 *	lp_mergework_open(&w)
 *	... lp_lock(LP_DUTY_THREADED)
 *	exit status = lp_mergework(&w, &stats)
 *	lp_mergework_release(&w)
 */
#ifndef LP_MERGE_MERGEWORK_H
#define LP_MERGE_MERGEWORK_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/merge/mergeview.h"
#include "cmd/merge/mergewaste.h"
#include "cmd/merge/rowfeed.h"
#include "common/base/span.h"
#include "common/cli/stats.h"

struct lp_mergework_layer {
	const char *file; /* of its listing; "-": standard input */
	struct lp_span label;
	int named;        /* the user's, or the file's: the end record's does not count */
	int numbered;     /* the file's */

	/* ---- what the end record told ---- */
	struct lp_rowend end; /* its texts are the feed's */
};

struct lp_mergework {
	struct lp_mergework_layer *files; /* of listings, base first, one at least; the caller's */
	size_t nfiles;
	uint64_t max_rows;
	struct lp_wastebounds bounds; /* LP_MERGEVIEW_WASTE: above them is exit 4 */
	struct lp_mergeview show; /* all but its layers; under its listing's -C what is not known to be all is exit 4 */

	/* ---- inside ---- */
	uint64_t errors; /* among what --check has found */
	struct lp_waste waste;
	struct lp_mergework_layer *layers; /* that the files have, as far as they were read */
	size_t nlayers, layers_cap;
	struct lp_arena labels; /* those that are numbers */
	int *fds; /* of the files that are open */
	size_t nfds;
	struct lp_rowfeed feed;
};

/* In front of the lock. LP_OK, or LP_E_SYS or LP_E_NOMEM after a message. */
int lp_mergework_open(struct lp_mergework *);

/* The exit status, after a message for what failed. */
int lp_mergework(struct lp_mergework *, struct lp_stats *);

/* As lp_rowfeed_release: where this was left before the end, it has to last as long as the process. One of zeros, too. */
void lp_mergework_release(struct lp_mergework *);

#endif
