/*
 * The map of a sparse member: which pieces of the file are stored. What
 * lies between them, and behind the last one, is zeros.
 *
 * Invariant: the pieces are in order, do not overlap, and end within size;
 * their sum does not overflow.
 */
#ifndef LP_FORMAT_SPARSE_H
#define LP_FORMAT_SPARSE_H

#include <stddef.h>
#include <stdint.h>

struct lp_piece {
	uint64_t offset; /* in the expanded file */
	uint64_t length;
};

struct lp_sparse {
	struct lp_piece *piece;
	size_t n;
	size_t cap;
	uint64_t end;    /* of the last piece */
	uint64_t stored; /* sum of the lengths */
};

void lp_sparse_init(struct lp_sparse *);
void lp_sparse_release(struct lp_sparse *);

/* Forget the pieces, keep the memory. */
void lp_sparse_clear(struct lp_sparse *);

/*
 * One piece more. LP_OK; LP_E_DATA if it overlaps or goes back; LP_E_LIMIT
 * above LP_MAX_SPARSE; LP_E_NOMEM. The map is as it was on failure.
 */
int lp_sparse_add(struct lp_sparse *, uint64_t offset, uint64_t length);

#endif
