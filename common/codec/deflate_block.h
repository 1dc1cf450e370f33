/*
 * The header of one deflate block (RFC 1951 section 3.2.3), read and judged
 * but not used: for an engine that must know before its decoder starts.
 */
#ifndef LP_CODEC_DEFLATE_BLOCK_H
#define LP_CODEC_DEFLATE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the longest header (2,294 bits), its start anywhere within the first byte. */
enum { LP_DEFLATE_HEADER_MAX = 288 };

/* Codes of a block (section 3.2.7): literals and lengths, distances; bits of the longest. */
enum { LP_DEFLATE_LITERALS = 286, LP_DEFLATE_DISTANCES = 30, LP_DEFLATE_CODE_BITS = 15 };

enum lp_deflate_verdict {
	LP_DEFLATE_SHORT,   /* it goes on behind these bytes */
	LP_DEFLATE_REGULAR, /* every decoder must take it, and in the same way */
	LP_DEFLATE_ODD      /* wrong, or of a kind that decoders differ in */
};

struct lp_deflate_block {
	int final;
	int type;       /* 0 stored, 1 fixed codes, 2 dynamic codes */
	uint32_t stored; /* bytes of a stored block */
	size_t bits;    /* how long the header is; if ODD, how much of it shows that */

	/* Of REGULAR dynamic codes: their lengths, those of `literals` codes and behind them of `distances`. */
	unsigned literals, distances;
	unsigned char len[LP_DEFLATE_LITERALS + LP_DEFLATE_DISTANCES];
};

/*
 * Judge the header that starts at bit `skip` (0 to 7) of *p.
 *
 * Regular means: the code lengths' code is complete; the literal/length code
 * is complete and has an end-of-block code; the distance code is complete,
 * or is empty, or has one code, of one bit (section 3.2.7 allows these). An
 * incomplete code is read by some decoders and refused by others.
 *
 * A verdict other than SHORT never changes with more bytes.
 */
enum lp_deflate_verdict lp_deflate_block(const unsigned char *p, size_t n, unsigned skip,
    struct lp_deflate_block *);

#endif
