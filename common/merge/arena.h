/*
 * An arena: memory that is taken in small pieces and given back all at
 * once. For what is read whole and then lives until the end, a malloc for
 * each piece would cost more than the piece.
 *
 * Invariant: a piece never moves.
 */
#ifndef LP_MERGE_ARENA_H
#define LP_MERGE_ARENA_H

#include <stddef.h>

#include "common/base/span.h"

struct lp_arena {
	struct lp_arena_chunk *chunks; /* newest first */
	unsigned char *next;           /* free bytes of the newest chunk */
	size_t left;
	size_t chunk;                  /* bytes of the chunk to be made next */
};

/* Empty; allocates nothing. */
void lp_arena_init(struct lp_arena *);
/* Free every piece; the arena is empty and usable again. */
void lp_arena_release(struct lp_arena *);

/* n bytes aligned for pointers and 64-bit numbers, not cleared; NULL if there is no memory. */
void *lp_arena_alloc(struct lp_arena *, size_t n);

/*
 * A copy of the bytes, not aligned; NULL if there is no memory. Keep text
 * and objects in two arenas: then neither pays for the other's alignment.
 */
unsigned char *lp_arena_copy(struct lp_arena *, struct lp_span);
/* The same of two spans, one behind the other. */
unsigned char *lp_arena_copy2(struct lp_arena *, struct lp_span, struct lp_span);

#endif
