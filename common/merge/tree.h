/*
 * The tree of all paths that any layer names: what merge/merge.c,
 * merge/find.c and merge/walk.c share, and nobody else includes.
 *
 * A node is a place, not a file: it stays when the file there is hidden.
 *
 * Children hang in a list. Layers are written in the order of a walk, so the
 * list is mostly in the order of their names, and the next name to be looked
 * up is the one behind the last one: nothing has to be hashed. A directory
 * where that does not hold gets a hash table besides, once it is large.
 */
#ifndef LP_MERGE_TREE_H
#define LP_MERGE_TREE_H

#include <stdint.h>

#include "common/merge/merge.h"

/* What a layer does at a node to the layers below it. */
struct lp_mark {
	struct lp_mark *older;
	uint16_t layer;
	uint8_t opaque; /* or a whiteout */
	uint64_t bytes; /* that a whiteout deletes: after lp_waste_begin */
};

struct lp_children {
	struct lp_node *first, *last;
	struct lp_node *at;    /* where the last look-up ended; not NULL unless the list is empty */
	struct lp_node **slot; /* hash table of `cap` slots, or NULL */
	uint32_t n, cap;
	int ordered;           /* the list is in bytewise order of the names */
	struct lp_children *older; /* of another directory: all that have tables hang together, to free them */
	uint64_t bytes, entries; /* of all that is visible below, after lp_walk_totals */
};

struct lp_node {
	struct lp_node *parent;  /* NULL at the root */
	struct lp_node *next;    /* of the same parent */
	struct lp_children *children; /* NULL if it never had one */
	struct lp_row *row;      /* newest of all that were put there */
	struct lp_row *seen;     /* after lp_merge_finish: the visible one of them, or NULL */
	struct lp_mark *marks;   /* whiteouts and opaque marks, newest first */
	uint32_t name_n;
	uint32_t path_n;         /* bytes of the whole path */
	uint32_t hash;           /* of the name, if the parent has a table */
	uint32_t born;           /* the row that made it a directory, in the layer of its newest row: older ones below are gone */
	uint8_t clean;           /* no byte of its path needs an escape in a row */
	unsigned char name[];    /* name_n bytes */
};

/* The root; NULL if there is no memory. */
struct lp_node *lp_tree_root(struct lp_merge *);

/* The child of that name. LP_OK, LP_E_ABSENT with *out NULL, LP_E_NOMEM. */
int lp_tree_find(struct lp_merge *, const struct lp_node *, struct lp_span name, struct lp_node **out);

/* Whether the path of a child of that name is no longer than LP_MAX_PLACE. */
int lp_tree_has_room(const struct lp_node *, struct lp_span name);

/*
 * The child of that name, made if there was none. LP_OK, LP_E_NOMEM, or
 * LP_E_ABSENT if its path would be longer than LP_MAX_PLACE.
 */
int lp_tree_child(struct lp_merge *, struct lp_node *, struct lp_span name, struct lp_node **out);

/*
 * Make a child for a name that comes behind all others there are and needs no
 * escape: without looking, in a list that is in order. LP_OK; LP_E_ABSENT if
 * that is not so, which only lp_tree_child can answer; LP_E_NOMEM.
 */
int lp_tree_append(struct lp_merge *, struct lp_node *, struct lp_span name, struct lp_node **out);

/* Free the hash tables; the nodes are the arena's. */
void lp_tree_release(struct lp_merge *);

/*
 * The next node of the subtree of `top` before all that lie below it, or
 * NULL behind the last. Without `into` what lies below `at` is left out.
 * Needs no stack: paths may be tens of thousands of levels deep.
 */
struct lp_node *lp_tree_next(const struct lp_node *top, struct lp_node *at, int into);

/* The path of a node, "." for the root, in place of what the buffer held. LP_OK or LP_E_NOMEM. */
int lp_tree_path(const struct lp_node *, struct lp_buf *);

/* Bring the list of children into order. LP_OK or LP_E_NOMEM. */
int lp_tree_sort(struct lp_node *);

/* The row that is visible at the node when all is merged, or NULL. */
static inline struct lp_row *
lp_tree_visible(const struct lp_node *n)
{
	return n->seen;
}

#endif
