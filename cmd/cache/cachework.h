/*
 * What the commands of lp-cache do with an open database: read listings
 * from a descriptor, write rows and records to stdout.
 */
#ifndef LP_CACHE_CACHEWORK_H
#define LP_CACHE_CACHEWORK_H

#include <stddef.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/cli/listing.h"
#include "common/cli/stats.h"

struct lp_cachework {
	/* from the command line */
	struct lp_cache_layer layer;   /* what options say: of one layer, or of all of them */
	struct lp_cache_layer *layers; /* the digests among the words */
	size_t nlayers;
	const char *pattern;           /* of search */
	int complete, fixed, json, header, end;
	int64_t days, max_size;        /* of prune; -1: not given */
	unsigned patience;             /* seconds to wait for others' locks */

	struct lp_cache cache;
	struct lp_listing out;         /* rows, or only its buffer */
	int spool;                     /* of put: what the listings are read from */
	int64_t found;                 /* rows */
	int64_t claims;                /* those of them that nothing was checked of */
	char claimant[256];            /* whose the first one is, for a message */
	int preview, unknown;          /* among the listings found there is such a one */
	struct lp_stats stats;
};

/*
 * The commands of lp-cache(1), for lp_cachework. LP_OK; LP_E_ABSENT: the
 * answer is no; LP_E_PIPE; or a failure, which cache.why tells if it has not
 * been said.
 */
typedef int lp_cachework_fn(struct lp_cachework *);
int lp_cachework_put(struct lp_cachework *);
int lp_cachework_get(struct lp_cachework *);
int lp_cachework_put_points(struct lp_cachework *);
int lp_cachework_get_points(struct lp_cachework *);
int lp_cachework_has(struct lp_cachework *);
int lp_cachework_search(struct lp_cachework *);
int lp_cachework_base(struct lp_cachework *);
int lp_cachework_images(struct lp_cachework *);
int lp_cachework_stat(struct lp_cachework *);
int lp_cachework_prune(struct lp_cachework *);
int lp_cachework_export(struct lp_cachework *);

/* Whether it is one that changes the database. */
int lp_cachework_writes(lp_cachework_fn *);

/* Behind the lock: the database opened, one of these, and everything out. Its status; what failed was said. */
int lp_cachework(struct lp_cachework *, const char *db, lp_cachework_fn *);

#endif
