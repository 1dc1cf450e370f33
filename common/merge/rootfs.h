/*
 * A merged tree in the forms of other programs: what ncdu -f opens, what
 * mtree and bsdtar read. Each function appends the text for one step of a
 * walk (merge/walk.h). LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
#ifndef LP_MERGE_ROOTFS_H
#define LP_MERGE_ROOTFS_H

#include "common/base/buf.h"
#include "common/merge/walk.h"

/*
 * ncdu's JSON export, version 1.2 (dev.yorhel.nl/ncdu/jsonfmt), with the
 * keys that its -e shows; names are exact bytes, as ncdu's own are. For an
 * LP_WALK_NESTED walk: begin, each step by what lp_walk_next answered, end.
 * What a file takes on disk is its size in whole blocks of 4 KiB.
 */
int lp_ncdu_begin(struct lp_buf *);
int lp_ncdu_step(struct lp_walk *, int event, struct lp_buf *);
int lp_ncdu_end(struct lp_buf *);

/* mtree(5): "#mtree", then for an LP_WALK_VISIBLE walk a line for each path. */
int lp_mtree_begin(struct lp_buf *);
int lp_mtree_step(struct lp_walk *, struct lp_buf *);

#endif
