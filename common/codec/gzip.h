/*
 * One member of a gzip file (RFC 1952). The framing is read here, the
 * deflate stream inside by an engine.
 *
 * A pull parser: bytes in, events out, any chunking. Every field of the
 * header is checked as far as the RFC lets a reader check it (FHCRC
 * included), and so are CRC32 and ISIZE.
 */
#ifndef LP_CODEC_GZIP_H
#define LP_CODEC_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/deflate.h"
#include "common/codec/frames.h"

struct lp_gzip {
	const struct lp_deflate_engine *engine;
	void *deflate;      /* the engine's state */
	unsigned char *out; /* the window, and behind it what is decoded */
	unsigned char *last; /* the same of the time before, kept for who still looks at it; NULL until then */
	size_t n;           /* bytes in `out` */
	size_t given;       /* of them handed out */
	uint64_t total;     /* bytes that this member has given; at first those of the window, behind lp_gzip_resume */
	unsigned bits;      /* of a byte before the next block: where a point is, or where it was resumed */
	int resumed;        /* in the middle: its trailer cannot be checked */
	uint32_t crc;       /* of them */

	int state;
	int said;           /* by the engine, at its last run */
	int cut;            /* the input has ended in the body, and all is decoded */
	unsigned char field[10]; /* a field of fixed size, being gathered */
	size_t nfield;
	unsigned flags;
	uint32_t left;      /* bytes of the extra field to come */
	uint32_t hcrc;      /* CRC of the header so far */
	const char *why;    /* what the engine found wrong, told when the output before it is out */
	uint64_t at;
};

/* Allocates nothing. */
void lp_gzip_init(struct lp_gzip *, const struct lp_deflate_engine *);
void lp_gzip_release(struct lp_gzip *);

/* At the first byte of another member. */
void lp_gzip_start(struct lp_gzip *);

/*
 * At a point of a member: the input begins with the byte before point->in if
 * that has bits of what comes, else at point->in. The window is copied.
 * What the trailer says is not compared with the part that was decoded.
 * LP_OK or LP_E_NOMEM.
 */
int lp_gzip_resume(struct lp_gzip *, const struct lp_point *);

/*
 * The next event from `in`: MORE, OUTPUT (its bytes are the parser's), MEMBER behind the last byte of the member, ERROR; with eof set, which
 * says that nothing follows `in`, PREVIEW in MORE's place. What is used is
 * taken off the front of `in`.
 */
enum lp_inflate_event lp_gzip_next(struct lp_gzip *, struct lp_frames *, struct lp_span *in, int eof);

#endif
