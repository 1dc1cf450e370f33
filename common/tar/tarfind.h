/*
 * Tar headers among symbols: bytes of which some are not known.
 *
 * A symbol below 256 is a byte, any other stands for one that is not known;
 * equal symbols are equal bytes (codec/marked.h). Where a header begins is
 * not known either, not even modulo 512.
 *
 * Bytes are not negative, and the header's own checksum adds them up: where
 * it is right with all unknown bytes taken for zeros, they are zeros. (Old Suns
 * added signed bytes, which prove nothing: a sum that is only right so is not used.)
 */
#ifndef LP_TAR_TARFIND_H
#define LP_TAR_TARFIND_H

#include <stddef.h>
#include <stdint.h>

#include "common/tar/tarhdr.h"

enum lp_tarfind_kind {
	LP_TARFIND_NONE,
	LP_TARFIND_HIDDEN,    /* even its magic is unknown, but another header fits behind it */
	LP_TARFIND_UNSETTLED, /* a header, some bytes of which are unknown */
	LP_TARFIND_SETTLED    /* a header, all bytes of which are known, or settled by its checksum */
};

/* Symbols that stand for a zero as a header has proven it: a bit for each that is no byte. */
struct lp_tarfind_zeros {
	uint64_t bit[(65536 - 256) / 64];
};

/* The symbol, or 0 where it is proven to be one. */
static inline uint16_t
lp_tarfind_known(const struct lp_tarfind_zeros *z, uint16_t s)
{
	return s >= 256 && z->bit[(s - 256u) / 64] >> (s - 256u) % 64 & 1 ? 0 : s;
}

enum { LP_TARFIND_NAME = 100 }; /* bytes of a header's name */

/*
 * The bytes of a header block. SETTLED: `block` has them, and what was found
 * to be zero is noted in *zeros; UNSETTLED; NONE if it is no header with a magic.
 *
 * `before` is the name in the header before, or NULL. Unknown bytes of a directory that both
 * may have in common are taken from there, if the checksum then agrees.
 */
enum lp_tarfind_kind lp_tarfind_settle(const uint16_t symbols[LP_TAR_BLOCK], const unsigned char *before,
    struct lp_tarfind_zeros *zeros, unsigned char block[LP_TAR_BLOCK]);

/* The search for the first header of a piece, which may come in parts. */
struct lp_tarfind {
	const unsigned char *before; /* the caller's: for lp_tarfind_settle */
	struct lp_tarfind_zeros zeros;
	uint64_t next;             /* symbols looked at so far */
	uint64_t hidden[LP_TAR_BLOCK]; /* for each place modulo 512: the first that may hide a header, and 1 */

	/* of what was found */
	enum lp_tarfind_kind kind;
	uint64_t at;
	unsigned char block[LP_TAR_BLOCK]; /* if SETTLED */
};

void lp_tarfind_init(struct lp_tarfind *);

/*
 * Look on in symbols that begin at place `base` of the piece, up to 512 short of their
 * end. They must hold place `next` on. Whether there is a first header.
 */
int lp_tarfind_next(struct lp_tarfind *, const uint16_t *symbols, size_t n, uint64_t base);

#endif
