/*
 * Deflate from the middle (RFC 1951): a block is found at a bit that nobody
 * knows, and decoded though the output before it is not known.
 *
 * What comes out is symbols of 16 bits: a byte, or, LP_MARKED_FIRST and
 * above, a mark for the byte at that place of the unknown history. A match
 * copies marks like bytes, so equal marks are equal bytes.
 *
 * The history is the caller's, in front of the output: where it is unknown,
 * lp_marked_history fills it with marks, one for each of its places.
 *
 * Stricter than a decoder need be: a block whose codes are incomplete in a
 * way that decoders differ in is BAD here (codec/deflate_block.h).
 */
#ifndef LP_CODEC_MARKED_H
#define LP_CODEC_MARKED_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/deflate_block.h"

enum {
	LP_MARKED_HISTORY = 32 * 1024, /* symbols */
	LP_MARKED_FIRST = 256,         /* the mark of the history's first byte */
	LP_MARKED_ROOM = 258 + 8       /* symbols of free room that a run needs to go on */
};

enum lp_marked_result {
	LP_MARKED_MORE,  /* what is left of the input must come again with more behind it */
	LP_MARKED_FULL,  /* there is no room for a match of any length */
	LP_MARKED_BLOCK, /* a block has ended that is not the final one */
	LP_MARKED_END,   /* the final block has ended: the rest of the byte that `skip` bits were used of is padding */
	LP_MARKED_BAD    /* this is no deflate stream; every further run says it again */
};

/* A run takes whole bytes off the front of `in`, `skip` bits of what is then its first byte are used, too. */
struct lp_marked_io {
	struct lp_span in;
	unsigned skip;
	uint16_t *out; /* output goes to out[n] and on, up to out[cap]; what is behind out[n] is scratch */
	size_t n;
	size_t cap;
};

enum { LP_MARKED_FAST = 11 }; /* bits of a code that one look decodes */

/* A code that is complete, or empty, or has one code of one bit. */
struct lp_marked_code {
	uint16_t fast[1 << LP_MARKED_FAST]; /* symbol and, in the low 4 bits, length; 0: a longer code, or none */
	uint16_t count[LP_DEFLATE_CODE_BITS + 1];
	uint16_t symbol[LP_DEFLATE_LITERALS + 2]; /* by length, and by value within it */
};

struct lp_marked {
	size_t reach;    /* symbols in front of out[n] that a match may name, up to LP_MARKED_HISTORY */
	int state;
	int final;       /* the block is */
	int fixed;       /* the codes are the fixed ones, which need not be made again */
	uint32_t stored; /* bytes of a stored block to come */
	struct lp_deflate_block block;
	struct lp_marked_code literal;
	struct lp_marked_code distance;
};

/* The next run begins at a block's header. reach: 0 at a stream's start, else LP_MARKED_HISTORY. */
void lp_marked_start(struct lp_marked *, size_t reach);

/* Decode on. How the input is cut does not matter, but that what is left of it comes again. */
enum lp_marked_result lp_marked_run(struct lp_marked *, struct lp_marked_io *);

/* LP_MARKED_HISTORY marks at the front of `out`. */
void lp_marked_history(uint16_t *out);

/*
 * The first bit from *bit on at which a block of dynamic codes seems to
 * begin whose header is regular and within `in`; final blocks are not looked
 * for. 1 and the bit, or 0. It may be wrong: only decoding on tells.
 */
int lp_marked_find(struct lp_span in, uint64_t *bit);

/*
 * The same for a stored block, in front of one whose header is regular and within `in`. The bit
 * is that of a header without padding behind it: the real one may be up to seven earlier.
 */
int lp_marked_find_stored(struct lp_span in, uint64_t *bit);

#endif
