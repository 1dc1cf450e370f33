/*
 * The map of a sparse member: which pieces of the file are stored. What
 * lies between them, and behind the last one, is zeros.
 *
 * Invariant: the pieces are in order, do not overlap, and end within size;
 * their sum does not overflow.
 */
#ifndef LP_TAR_SPARSE_H
#define LP_TAR_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "common/tar/pax.h"

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
 * The four ways a map is written. Each returns LP_OK, or LP_E_DATA,
 * LP_E_LIMIT or LP_E_NOMEM with *why (static) set.
 */

/*
 * Old GNU: up to four pieces in the header block, which also has the
 * expanded size; 21 in each continuation block. *more: another such block
 * follows.
 */
int lp_sparse_gnu_header(struct lp_sparse *, const unsigned char *block, uint64_t *size, int *more,
    const char **why);
int lp_sparse_gnu_block(struct lp_sparse *, const unsigned char *block, int *more, const char **why);

/* pax 0.0 and 0.1: numbers in records, and how many pieces there have to be. */
int lp_sparse_pax0(struct lp_sparse *, const struct lp_pax *, const char **why);

/* pax 1.0: lines of numbers in front of the data, in whole blocks. */
struct lp_sparse1 {
	uint64_t due;    /* numbers still to come; UINT64_MAX before their count is known */
	uint64_t value;  /* of the line being read */
	int digits;      /* whether it has any */
	uint64_t offset; /* the first half of a piece */
};
void lp_sparse1_init(struct lp_sparse1 *);
/* Reads one block; *more: another follows. */
int lp_sparse1_block(struct lp_sparse1 *, struct lp_sparse *, const unsigned char *block, int *more,
    const char **why);

#endif
