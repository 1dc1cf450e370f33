/*
 * What an image carries and no container sees: content that a later layer
 * overwrites or deletes. Of a merge that lp_merge_finish has finished.
 *
 *	struct lp_waste s = { 0 };
 *	lp_waste_begin(&m);
 *	while (lp_walk_next(&w) > 0)		(merge/walk.h, LP_WALK_ALL)
 *		lp_waste_add(&s, w.node, &wasted);
 *
 * Beside our own sums stand those of dive (filetree.Efficiency and
 * image.Analyze of github.com/wagoodman/dive), whose rules people have: it
 * counts all copies of a path that stands in several layers, the one that is
 * seen as well, and a deleted file as one more copy of 0 bytes; of a deleted
 * directory it counts all that was in it, but only if the directory's own path
 * stood in a layer without anything in it.
 */
#ifndef LP_MERGE_WASTE_H
#define LP_MERGE_WASTE_H

#include <stdint.h>

#include "common/merge/merge.h"

enum lp_waste_why {
	LP_WASTE_OVERWRITTEN,
	LP_WASTE_DUPLICATED, /* by a file of the same size and time: its owner or mode was to change, mostly */
	LP_WASTE_DELETED,
	LP_WASTE_REPLACED    /* a directory above it became something else */
};

/* What is hidden of one path. Sums above LP_MAX_SIZE are that, here and below. */
struct lp_wasted {
	uint64_t bytes;  /* 0: nothing is wasted */
	unsigned copies; /* hidden ones with content */
	unsigned layer;  /* of the newest of them, from 0, */
	enum lp_waste_why why;
	unsigned by;     /* and the layer that hides it */
};

struct lp_waste {
	uint64_t bytes;  /* content of all listings */
	uint64_t wasted; /* of it */
	struct {
		uint64_t least, all; /* efficiency is the one of the other */
		uint64_t wasted;
		uint64_t user; /* bytes of all layers above the base */
	} dive;
};

/* What each whiteout deletes. To be called once. */
void lp_waste_begin(struct lp_merge *);

/* A path's rows, into the sums. */
void lp_waste_add(struct lp_waste *, const struct lp_node *, struct lp_wasted *);

/* "overwritten", "duplicated", "deleted", "replaced". */
const char *lp_waste_name(enum lp_waste_why);

#endif
