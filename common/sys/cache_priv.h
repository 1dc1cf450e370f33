/* What the files of sys/cache.h have of each other. Nobody else's. */
#ifndef LP_SYS_CACHE_PRIV_H
#define LP_SYS_CACHE_PRIV_H

#include "common/sys/cache.h"

/* Keep the database's words for a failure; returns the status. */
int lp_cache_failed(struct lp_cache *, int status);

/* Paths as they are indexed and searched: '/' and the normal form. */
int lp_cache_path(struct lp_buf *, struct lp_span name);

/* The row of `entry` that a statement stands on, columns in the order of LP_CACHE_ENTRY from column `first`. */
#define LP_CACHE_ENTRY "name, type, mode, uid, gid, size, mtime, mtime_nsec, linkname, line"
enum { LP_CACHE_ENTRY_LINE = 9 };
void lp_cache_entry(struct lp_stmt *, int first, struct lp_entry *);

/*
 * The listings in scope: id, digest. LP_E_ABSENT if the scope names an image
 * or a layer that is not known.
 */
int lp_cache_listings(struct lp_cache *, const struct lp_cache_scope *, struct lp_stmt *);

#endif
