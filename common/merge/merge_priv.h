/*
 * What the files of merge/merge.h have of each other, and merge/find.c,
 * which is a query of it. Nobody else's.
 *
 *	merge.c        rows and layers, in their order; which names are whiteouts
 *	merge_path.c   what a path means in a layer
 *	merge_link.c   hard links
 *	merge_hide.c   layer over layer: what is shown and what is hidden
 *	merge_check.c  what runtimes do otherwise, and does not concern a merge
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
/* There is something to tell of a row of this name, in the current layer. */
int lp_merge_tell(struct lp_merge *, enum lp_finding, struct lp_span name);

/* ---- what is looked for with `check`, and else not ---------------------------- */

/* A finding, of any layer; of a node. */
int lp_merge_find(struct lp_merge *, enum lp_finding, unsigned layer, struct lp_span name);
int lp_merge_find_at(struct lp_merge *, enum lp_finding, unsigned layer, const struct lp_node *);
/* A row that is about to be added; a member, at its place. */
int lp_merge_check_name(struct lp_merge *, struct lp_span name);
int lp_merge_check_member(struct lp_merge *, const struct lp_row *, struct lp_span name);
int lp_merge_check_root(struct lp_merge *, const struct lp_row *, struct lp_span name);
/* A hard link, before its header is the file's. */
int lp_merge_check_link(struct lp_merge *, const struct lp_row *, struct lp_span name);
/* A node whose rows are settled, as are those above it. */
int lp_merge_check_node(struct lp_merge *, const struct lp_node *);
/* A directory that was made over a lower layer's link; `way`: LP_E_DATA if that leads on without end. */
int lp_merge_check_over_link(struct lp_merge *, const struct lp_node *, const struct lp_row *, int way);
/* All is found: in order, each once. */
void lp_merge_check_end(struct lp_merge *);

/* ---- paths ---------------------------------------------------------------- */

/* What the current layer has at the node, or NULL. Its parent is to be a directory of the layer. */
struct lp_row *lp_merge_mine(const struct lp_merge *, const struct lp_node *);
/* The mark of that kind that the current layer has there, or NULL. */
struct lp_mark *lp_merge_my_mark(const struct lp_merge *, const struct lp_node *, int opaque);
/* The symbolic link that a row is, also if it is a hard link to one; or NULL. */
const struct lp_row *lp_merge_symlink(const struct lp_row *);

/* What a path means. */
struct lp_place {
	struct lp_node *at;
	struct lp_node *absent; /* the topmost node on the way that the layer has not, or NULL */
	int blocked;            /* it has something that is no directory there */
	int by_link;            /* a link of the layer leads to the absent one */
};

/*
 * Where a directory is, in the current layer, links followed to the last
 * component. With `make` nodes that were not there come to be, empty. Also
 * LP_E_DATA (too many links), LP_E_ABSENT (no such place, or too deep).
 */
int lp_merge_resolve(struct lp_merge *, struct lp_span path, int make, struct lp_place *);
/* The same without making, over all layers up to that one, when all is merged. */
int lp_merge_resolve_upto(struct lp_merge *, struct lp_span path, unsigned layer, struct lp_node **out);
/* And in that layer alone. */
int lp_merge_resolve_in(struct lp_merge *, struct lp_span path, unsigned layer, struct lp_node **out);
/* What is at a node when all layers up to that one are merged, or NULL; and in that layer alone. */
struct lp_row *lp_merge_row_upto(struct lp_merge *, const struct lp_node *, unsigned layer);
struct lp_row *lp_merge_row_in(struct lp_merge *, const struct lp_node *, unsigned layer);

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
/* The directory that a row of this name goes to. As lp_merge_resolve with `make`. */
int lp_merge_parent(struct lp_merge *, struct lp_span dir, struct lp_place *);
/* Remember it: it is a directory of this layer until it, or a link, is replaced. */
int lp_merge_cache(struct lp_merge *, struct lp_span dir, struct lp_node *);

/* ---- hard links ------------------------------------------------------------- */

/* The row is a hard link at that place: find its file. *whiteout: it is another name of a whiteout, and so one itself. */
int lp_merge_link(struct lp_merge *, struct lp_row *, struct lp_span name, const struct lp_node *at, int *whiteout);
/* All is merged: whose name stands for each file. */
int lp_merge_links_finish(struct lp_merge *);

/* ---- layer over layer --------------------------------------------------------- */

/* Which rows are hidden, why and by which layer; what each node shows. */
int lp_merge_settle(struct lp_merge *);

#endif
