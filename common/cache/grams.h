/*
 * Finding paths by any part of them: an index of all runs of three bytes
 * (grams) over blocks of consecutive paths, and what to look up for a
 * pattern.
 *
 * Blocks and not paths, because neighbours in a listing share most of their
 * bytes: a block of 64 has a few times the grams of one path. What the index
 * finds are candidates; whoever asks looks at the paths of the block.
 *
 * A posting is the list of the blocks that hold a gram: their numbers,
 * ascending, as differences (the first one plus 1), seven bits a byte, the
 * highest bit set on all bytes but the last of a number.
 */
#ifndef LP_CACHE_GRAMS_H
#define LP_CACHE_GRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

enum { LP_GRAM = 3, LP_GRAM_BLOCK = 64 /* paths */ };

struct lp_posting {
	uint32_t gram;  /* its three bytes, the first highest; plus 1, so that 0 is a free slot */
	uint32_t last;  /* the newest block in it */
	uint32_t n, cap;
	unsigned char *p;
};

/* Building: add paths in order; then lp_grams_sort and look at posting[0..n). */
struct lp_grams {
	struct lp_posting *posting; /* a hash table of `cap` slots, until sorted */
	size_t n, cap;
	uint32_t paths;
	struct lp_buf before; /* the path before this one */
};

void lp_grams_init(struct lp_grams *);
void lp_grams_release(struct lp_grams *);

/* One more path. LP_OK, LP_E_NOMEM, or LP_E_LIMIT above UINT32_MAX paths. */
int lp_grams_add(struct lp_grams *, struct lp_span path);

/* All that was added, by ascending gram. No path may be added after it. */
void lp_grams_sort(struct lp_grams *);

static inline uint32_t
lp_gram_at(const unsigned char *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/*
 * The grams that every path with this substring has: at most `max`, each
 * once. How many; 0 if the substring is too short to tell anything.
 */
size_t lp_grams_of(struct lp_span substring, uint32_t *out, size_t max);

/* The same for a shell pattern: of those of its parts that stand for themselves. */
size_t lp_grams_of_glob(struct lp_span pattern, uint32_t *out, size_t max);

/*
 * The next block of a posting, taken off its front. 0 if there is none left
 * (or the rest makes no sense); *block is the one before it, and -1 at first.
 */
int lp_posting_next(struct lp_span *posting, int64_t *block);

#endif
