/*
 * lp-cat --toc: the content of one file out of an indexed layer, or a tar of
 * some members, by fetching the files' chunks and nothing else.
 */
#ifndef LP_CAT_TOCCAT_H
#define LP_CAT_TOCCAT_H

#include <stddef.h>

#include "cmd/cat/select.h"
#include "common/cli/stats.h"

struct lp_toccat {
	const char *tocfile;
	const char *digest; /* of the table, or NULL */
	const char *source; /* of the layer, for lp-fetch */
	const char *const *args; /* options for lp-fetch */
	size_t nargs;
	const char *name;   /* of the file, or NULL and: */
	struct lp_select *select; /* what the tar has; its rows are still to be read */
	int open;           /* no end markers behind it: more follows */
	int follow;         /* symbolic links */
};

/*
 * Start lp-fetch, lock this process, write the content or the tar to stdout.
 * LP_OK, LP_E_ABSENT (no such member, or it has no content), LP_E_DATA (a
 * chunk does not match its digest) or another failure; each was said.
 */
int lp_toccat(const struct lp_toccat *, struct lp_stats *);

#endif
