/*
 * What each layer did: read off the rows of a merge (merge/merge.h), each
 * of which knows the layer it came with and the layer that hid it.
 */
#ifndef LP_MERGE_LAYERDIFF_H
#define LP_MERGE_LAYERDIFF_H

#include <stdint.h>

#include "common/merge/merge.h"

enum lp_change { LP_CHANGE_NONE, LP_CHANGE_ADDED, LP_CHANGE_CHANGED, LP_CHANGE_DELETED };

/* What the layers did to one path, the last of them first. */
struct lp_layerdiff {
	unsigned layer;                     /* from 0 */
	const struct lp_row *before, *after; /* what was visible there without and with it, or NULL */

	/* ---- inside ---- */
	const struct lp_row *begin; /* its end is told, its begin not yet */
	const struct lp_row *row;   /* the one before it */
};

/* `newest` is the node's newest row, hidden or not. */
void lp_layerdiff_init(struct lp_layerdiff *, const struct lp_row *newest);
/*
 * The next change, LP_CHANGE_NONE behind the first layer's. A directory whose
 * owner and mode stay is no change: its time changes with what is in it.
 */
enum lp_change lp_layerdiff_next(struct lp_layerdiff *);

/* "added", "changed", "deleted"; "" for none. */
const char *lp_change_name(enum lp_change);

/* Bytes that are stored for a row in its layer: none for a hard link. */
uint64_t lp_row_bytes(const struct lp_row *);

/* Bytes above LP_MAX_SIZE are that. */
struct lp_layersum {
	uint64_t entries, bytes;               /* rows of the listing, other than whiteouts */
	uint64_t hidden_entries, hidden_bytes; /* of them, what is not visible; bytes only if by no name */
};

/* Add all rows of a path to the sums of their layers; sums[] has one element for each layer. */
void lp_layersum_add(struct lp_layersum *sums, const struct lp_row *newest);

#endif
