/*
 * One frame of Zstandard data (RFC 8878), skippable or not, decoded by
 * libzstd.
 *
 * A pull parser as lp_gzip. What comes out of a cut-off frame is every block
 * that is whole, and of a raw block the part that is there. A part of a
 * compressed block gives nothing: its sequences are stored backwards, from its
 * end. A block holds at most 128 KiB.
 *
 * Refused: a window above LP_MAX_ZSTD_WINDOW_LOG (LP_E_LIMIT), a frame that
 * needs a dictionary. An error's place is the start of the header or block
 * that is wrong.
 */
#ifndef LP_CODEC_ZSTD_H
#define LP_CODEC_ZSTD_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/codec/frames.h"

enum { LP_ZSTD_MAGIC_LEN = 4 };

struct lp_zstd {
	void *dctx;
	unsigned char *out;  /* decoded bytes go here, and the next time there: */
	unsigned char *next;
	int state;
	int full;      /* the decoder stopped for want of room: it may have more */
	unsigned char field[8]; /* a field of fixed size, or its start */
	unsigned char head[18]; /* the frame's header, for its content size */
	size_t nhead;
	uint64_t room; /* bytes that the frame may still come to, as its header has it */
	size_t nfield;
	size_t replayed; /* bytes of the magic that the decoder has got */
	uint64_t left; /* bytes of the skippable frame, or of the current part of the frame, to come */
	uint64_t at;   /* where that part starts */
	int last;      /* this is the last block */
	int raw;       /* this block is stored as it is */
};

/* How many of these bytes agree with a frame's or skippable frame's magic number, LP_ZSTD_MAGIC_LEN at most. */
size_t lp_zstd_magic(struct lp_span);

/* Allocates nothing. */
void lp_zstd_init(struct lp_zstd *);
void lp_zstd_release(struct lp_zstd *);

/* At the first byte of another frame. */
void lp_zstd_start(struct lp_zstd *);

/* As lp_gzip_next. */
enum lp_inflate_event lp_zstd_next(struct lp_zstd *, struct lp_frames *, struct lp_span *in, int eof);

/*
 * A piece of data as one frame, with its size and a checksum, in place of what the buffer holds; and the data again, of
 * exactly n bytes. LP_OK, LP_E_NOMEM or LP_E_LIMIT; LP_E_DATA where it is not such a frame.
 */
int lp_zstd_pack(struct lp_span, struct lp_buf *);
int lp_zstd_unpack(struct lp_span, size_t n, struct lp_buf *);

#endif
