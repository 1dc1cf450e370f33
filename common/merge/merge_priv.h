/*
 * What the files of merge/merge.h have of each other, and merge/find.c,
 * which is a query of it. Nobody else's.
 *
 *	merge.c        rows and layers, in their order
 *	merge_path.c   what a path means
 *	merge_hide.c   what is shown and what is hidden; whiteouts
 *	merge_link.c   hard links
 */
#ifndef LP_MERGE_MERGE_PRIV_H
#define LP_MERGE_MERGE_PRIV_H

#include <stdint.h>

#include "common/base/span.h"
#include "common/merge/merge.h"
#include "common/merge/tree.h"

/* All functions: LP_OK or a failure as lp_merge_add has, unless said otherwise. */

/* The layer that rows are being added to, from 0. */
static inline uint16_t
lp_merge_this(const struct lp_merge *m)
{
	return (uint16_t)(m->layers - 1);
}

/* Account for steps beyond those that every row costs. LP_OK or LP_E_LIMIT. */
int lp_merge_spend(struct lp_merge *, uint64_t steps);

/* ---- paths ---------------------------------------------------------------- */

/* The tree as it is; as it was before this layer; as it would be had this layer only put things there, but hidden none. */
enum lp_merge_view { LP_MERGE_NOW, LP_MERGE_BEFORE, LP_MERGE_UNHIDDEN };

/* The row at a node in that view, or NULL. */
struct lp_row *lp_merge_row_at(const struct lp_merge *, const struct lp_node *, enum lp_merge_view);

/* The symbolic link at a node in that view, also if it is a hard link to one; or NULL. */
const struct lp_row *lp_merge_symlink_at(const struct lp_merge *, const struct lp_node *, enum lp_merge_view);

/*
 * The place that a path means, links followed to the last component. With
 * `make` places that did not exist come to exist, empty. Also LP_E_DATA (too
 * many links), LP_E_ABSENT (no such place, or too deep).
 */
int lp_merge_resolve(struct lp_merge *, struct lp_span path, enum lp_merge_view, int make, struct lp_node **out);

/*
 * Split a name into directory and base: neither ends in a slash, the base
 * is no ".", ".." or nothing (but at the root), the directory holds no "..".
 */
int lp_merge_split(struct lp_merge *, struct lp_span name, struct lp_span *dir, struct lp_span *base);

/*
 * Whether a name is that of a plain file or directory in the directory that
 * was remembered, whose base then is *base. 0 wherever that is not plain.
 */
int lp_merge_same_parent(const struct lp_merge *, struct lp_span name, struct lp_span *base);
/* The directory that a row of this name goes to, made if need be; m->through_lower tells how. As lp_merge_resolve. */
int lp_merge_parent(struct lp_merge *, struct lp_span dir, struct lp_node **out);
/* Remember it: once a row has been shown in it, it is a visible directory until something is hidden. */
int lp_merge_cache(struct lp_merge *, struct lp_span dir, struct lp_node *);

/* ---- shown and hidden ------------------------------------------------------- */

void lp_merge_hide(struct lp_merge *, struct lp_row *, enum lp_hidden why);
/* The row is what the node shows from now on; what it showed is hidden already. */
void lp_merge_show(struct lp_node *, struct lp_row *);
/* Every parent of what is to be visible is a visible directory: the node itself and those above it. */
int lp_merge_ensure(struct lp_merge *, struct lp_node *);
/* Hide everything below the node, of whatever layer: its directory is gone. */
int lp_merge_hide_below(struct lp_merge *, struct lp_node *top);

int lp_merge_is_whiteout(struct lp_span base);
/* Hide what a whiteout names in lower layers: all of it, or for the opaque marker all below its directory. */
int lp_merge_white_out(struct lp_merge *, struct lp_span dir, struct lp_span base);

/* ---- hard links ------------------------------------------------------------- */

/* Find the target of a hard link that goes to that place. */
int lp_merge_link(struct lp_merge *, struct lp_row *, const struct lp_node *at);
/* All layers are there: whose name stands for each file. */
void lp_merge_links_finish(struct lp_merge *);

#endif
