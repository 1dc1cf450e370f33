/*
 * What the files of the database of listings share. For cache*.c only.
 *
 *   cache_open.c    the file and its schema
 *   cache.c         what there is
 *   cache_in.c      where listings come from
 *   cache_put.c     one listing on its way in
 *   cache_layer.c   layers and the images they belong to
 *   cache_get.c     one listing on its way out, rows of all
 *   cache_search.c  rows that match
 *   cache_points.c  where reading can begin
 *   cache_prune.c   forgetting
 */
#ifndef LP_CACHE_CACHE_PRIV_H
#define LP_CACHE_CACHE_PRIV_H

#include "common/cache/cache.h"

/* Keep the database's words for a failure; returns the status. */
int lp_cache_failed(struct lp_cache *, int status);

/*
 * Every row of a statement, until `row` says anything but LP_OK: that is the
 * answer then. LP_OK behind the last, or a failure of the database, kept.
 */
typedef int lp_cache_row_fn(void *, struct lp_stmt *);
int lp_cache_each(struct lp_cache *, struct lp_stmt *, lp_cache_row_fn *row, void *);

/* Inside a transaction: the layer, *layer its key, and its place in its image. */
int lp_cache_put_layer(struct lp_cache *, const struct lp_cache_layer *, int64_t *layer);

/*
 * SQL: of one `image_layer` joined to its `image`, the key of the listing
 * that shows it: of what is verified, or claimed by the image's own origin,
 * the best. A table of contents counts for an image that names it.
 */
#define LP_CACHE_SHOWN                                                                                            \
	"(SELECT l.id FROM listing AS l WHERE l.layer = image_layer.layer AND " LP_CACHE_SERVES("l")              \
	" ORDER BY l.origin = '' DESC, l.complete DESC, l.head DESC, l.entries DESC, l.id DESC LIMIT 1)"
#define LP_CACHE_SERVES(listing)                                                                                  \
	"(" listing ".toc IN ('', image_layer.toc) AND " listing ".origin IN ('', image.origin)"                  \
	" OR " listing ".origin = image.origin AND image_layer.toc = '')"

/* Paths as they are indexed and searched: '/' and the normal form. */
int lp_cache_path(struct lp_buf *, struct lp_span name);

/* Columns of `entry`, of which the row itself is one. */
#define LP_CACHE_ENTRY "name, type, mode, uid, gid, size, mtime, mtime_nsec, linkname, line"
enum { LP_CACHE_ENTRY_LINE = 9 };

/*
 * The listings in scope, in the order of their digests: id, digest, layer, origin, toc. LP_E_ABSENT if the scope names an
 * image or a layer that is not known.
 */
int lp_cache_listings(struct lp_cache *, const struct lp_cache_scope *, struct lp_stmt *);

#endif
