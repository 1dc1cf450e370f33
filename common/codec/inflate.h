/*
 * Compressed or plain bytes in, plain bytes out: gzip, zstd, or neither,
 * told by magic (codec/magic.h).
 *
 * A pull parser: lp_inflate_next is given input in any chunks and gives
 * events; how the bytes are chunked never changes what comes out, nor the
 * verdict, nor the place of an error. All input that was given is decoded
 * before it asks for more, so nothing is ever held back (up to two literals
 * of a deflate block apart, which come with the next chunk or the end).
 *
 * Members in a row are one output. Behind the last one zeros are padding;
 * anything else is passed over with a warning, as gzip(1) does it.
 *
 * Memory is constant whatever the input holds: about 0.5 MiB for gzip; for
 * zstd the frame's window and less than 1 MiB.
 */
#ifndef LP_CODEC_INFLATE_H
#define LP_CODEC_INFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/deflate.h"
#include "common/codec/frames.h"
#include "common/codec/gzip.h"
#include "common/codec/magic.h"
#include "common/codec/zstd.h"

struct lp_inflate {
	struct lp_frames f;
	enum lp_format format; /* UNDECIDED until enough of the input is there */

	int state;
	int eof;
	unsigned char head[LP_MAGIC_LEN]; /* bytes looked at before it was known whose they are */
	size_t nhead;
	size_t replayed;
	struct lp_gzip gzip;
	struct lp_zstd zstd;
};

/*
 * Allocates nothing. `format` is GZIP, ZSTD or PLAIN to believe nothing
 * else, UNDECIDED to look. The engine is for gzip.
 */
void lp_inflate_init(struct lp_inflate *, enum lp_format format, const struct lp_deflate_engine *);
void lp_inflate_release(struct lp_inflate *);

/*
 * Begin at a point of gzip data, which is copied, right behind init: the
 * input's first byte is the one that lp_point_first says, and places are
 * those of the whole. What an earlier part of the member would be checked
 * with is not checked; members behind it are. LP_OK or LP_E_NOMEM.
 */
int lp_inflate_resume(struct lp_inflate *, const struct lp_point *);

/* The input's first byte that is needed from there on. */
uint64_t lp_point_first(const struct lp_point *);

/*
 * The next event. `in` must be the same bytes, less what was taken, until
 * LP_INFLATE_MORE says that it is used up. `f.out` points into `in` if the
 * bytes are plain, which are not copied, else into the parser, where it
 * outlives the next call, so that it can be written meanwhile.
 */
enum lp_inflate_event lp_inflate_next(struct lp_inflate *, struct lp_span *in);

/*
 * The input has ended, after LP_INFLATE_MORE: call until PREVIEW, END or ERROR.
 * Plain input ends in END: whether it is whole is not to be seen here. So is
 * an input that stops right behind a member.
 */
enum lp_inflate_event lp_inflate_eof(struct lp_inflate *);

/* "gzip", "zstd", "plain", or "auto" for UNDECIDED. */
const char *lp_format_name(enum lp_format);

#endif
