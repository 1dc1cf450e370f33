/* Parses zstd frames, skippable ones included. */
#include "common/codec/zstd.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/base/le.h"
#include "common/base/limits.h"
#include "common/base/status.h"

/* Two blocks of the largest size. */
enum { OUT_CAP = 256 * 1024 };

/* RFC 8878 section 3.1.1 */
enum { BLOCK_HEADER_LEN = 3, CHECKSUM_LEN = 4, BLOCK_RAW = 0, BLOCK_RLE = 1 };

enum state {
	MAGIC,
	SKIP_SIZE, SKIP, /* the parts of a skippable frame */
	DESCRIPTOR, HEADER, BLOCK_HEADER, BLOCK, CHECKSUM, /* and of another */
	ENDED, BAD
};

enum step { GO_ON, WAIT, FAILED };

void
lp_zstd_init(struct lp_zstd *z)
{
	*z = (struct lp_zstd){ .state = MAGIC };
}

void
lp_zstd_release(struct lp_zstd *z)
{
	ZSTD_freeDCtx(z->dctx);
	free(z->out);
	free(z->next);
	lp_zstd_init(z);
}

void
lp_zstd_start(struct lp_zstd *z)
{
	z->state = MAGIC;
	z->nfield = 0;
}

static enum step
fail(struct lp_zstd *z, struct lp_frames *f, int status, uint64_t at, const char *why)
{
	z->state = BAD;
	lp_frames_fail(f, status, at, why);
	return FAILED;
}

/* Gather the field up to n bytes; whether they are there. */
static int
gather(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in, size_t n)
{
	struct lp_span s = lp_frames_take(f, in, n - z->nfield);

	if (s.n > 0)
		memcpy(z->field + z->nfield, s.p, s.n);
	z->nfield += s.n;
	return z->nfield == n;
}

/* A decoder for the frame whose magic number was gathered. */
static enum step
begin(struct lp_zstd *z, struct lp_frames *f)
{
	if (z->out == NULL)
		z->out = malloc(OUT_CAP);
	if (z->next == NULL)
		z->next = malloc(OUT_CAP);
	if (z->dctx == NULL)
		z->dctx = ZSTD_createDCtx();
	if (z->out == NULL || z->next == NULL || z->dctx == NULL)
		return fail(z, f, LP_E_NOMEM, f->used, "out of memory");
	ZSTD_DCtx_reset(z->dctx, ZSTD_reset_session_only);
	ZSTD_DCtx_setParameter(z->dctx, ZSTD_d_windowLogMax, LP_MAX_ZSTD_WINDOW_LOG);
	z->at = f->used - LP_ZSTD_MAGIC_LEN;
	z->left = LP_ZSTD_MAGIC_LEN + 1;
	z->replayed = 0;
	z->nhead = 0;
	z->room = UINT64_MAX;
	z->full = 0;
	z->state = DESCRIPTOR;
	return GO_ON;
}

static enum step
magic(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	if (!gather(z, f, in, LP_ZSTD_MAGIC_LEN))
		return WAIT;
	if (lp_zstd_magic(lp_span(z->field, LP_ZSTD_MAGIC_LEN)) < LP_ZSTD_MAGIC_LEN)
		return fail(z, f, LP_E_DATA, f->used - LP_ZSTD_MAGIC_LEN, "not zstd data");
	if ((z->field[0] & 0xf0) == 0x50) {
		z->state = SKIP_SIZE;
		return GO_ON;
	}
	z->nfield = 0;
	return begin(z, f);
}

/* A skippable frame: the length of its content, and that. */
static enum step
skippable(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	const unsigned char *p = z->field + LP_ZSTD_MAGIC_LEN;

	if (z->state == SKIP_SIZE) {
		if (!gather(z, f, in, sizeof(z->field)))
			return WAIT;
		z->left = lp_le32(p);
		z->state = SKIP;
	}
	z->left -= lp_frames_take(f, in, z->left < in->n ? (size_t)z->left : in->n).n;
	if (z->left > 0)
		return WAIT;
	z->state = ENDED;
	return GO_ON;
}

_Static_assert(LP_MAX_ZSTD_WINDOW_LOG == 27, "what is said of a window below");

static enum step
fail_as(struct lp_zstd *z, struct lp_frames *f, size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return fail(z, f, LP_E_NOMEM, z->at, "out of memory");
	case ZSTD_error_frameParameter_windowTooLarge:
		return fail(z, f, LP_E_LIMIT, z->at, "zstd: the window is above 128 MiB");
	case ZSTD_error_dictionary_wrong:
		return fail(z, f, LP_E_DATA, z->at, "zstd: the frame needs a dictionary");
	case ZSTD_error_checksum_wrong:
		return fail(z, f, LP_E_DATA, z->at, "zstd: the data's checksum does not match");
	default:
		return fail(z, f, LP_E_DATA, z->at, ZSTD_getErrorName(rc));
	}
}

/* Bytes of the frame's header behind the descriptor (section 3.1.1.1.1). */
static uint64_t
header_len(unsigned descriptor)
{
	static const unsigned char dictionary_id[] = { 0, 1, 2, 4 };
	static const unsigned char content_size[] = { 0, 2, 4, 8 };
	unsigned single = descriptor >> 5 & 1, size = content_size[descriptor >> 6];

	/* a single segment has no window, and always a size */
	return (uint64_t)!single + dictionary_id[descriptor & 3] + (single && size == 0 ? 1 : size);
}

/* What the frame's header says that it comes to; UINT64_MAX: nothing. */
static uint64_t
content_size(const struct lp_zstd *z)
{
	unsigned long long n = ZSTD_getFrameContentSize(z->head, z->nhead);

	return n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR ? UINT64_MAX : n;
}

/* A part of the frame is through the decoder: which one is next, and how long it is. */
static void
next_part(struct lp_zstd *z, uint64_t at)
{
	uint32_t h;

	/* the header is one thing with its descriptor: what is wrong with it is wrong at the frame's start */
	if (z->state != DESCRIPTOR)
		z->at = at;
	switch (z->state) {
	case DESCRIPTOR:
		z->left = header_len(z->field[0]);
		z->state = HEADER;
		break;
	case HEADER:
		z->room = content_size(z);
		z->left = BLOCK_HEADER_LEN;
		z->state = BLOCK_HEADER;
		break;
	case BLOCK_HEADER:
		h = (uint32_t)lp_le(z->field, BLOCK_HEADER_LEN);
		z->last = h & 1;
		z->left = (h >> 1 & 3) == BLOCK_RLE ? 1 : h >> 3;
		z->raw = (h >> 1 & 3) == BLOCK_RAW;
		z->state = BLOCK;
		if (z->left > 0)
			break;
		/* fall through */
	case BLOCK:
		if (z->last) {
			z->left = CHECKSUM_LEN;
			z->state = CHECKSUM;
			break;
		}
		/* fall through */
	default:
		z->left = BLOCK_HEADER_LEN;
		z->state = BLOCK_HEADER;
	}
	z->nfield = 0;
}

/*
 * How much the decoder is given at once. Never more than one part of the
 * frame: a call that fails does not tell what it did before, so only one
 * thing may be in it that can fail. A raw block comes out as it comes in.
 * What can fail there is its last byte, with which the frame may turn out
 * too short, and the first one that is more than the frame has room for.
 */
static uint64_t
at_once(const struct lp_zstd *z)
{
	uint64_t most = z->left;

	if (z->state != BLOCK || !z->raw || z->left <= 1)
		return most;
	most--;
	return z->room == 0 ? 1 : most < z->room ? most : z->room;
}

/* The start of the frame is kept until it is known how much it comes to. */
static void
keep(struct lp_zstd *z, struct lp_span s)
{
	if (z->state != DESCRIPTOR && z->state != HEADER)
		return;
	if (s.n > sizeof(z->head) - z->nhead)
		s.n = sizeof(z->head) - z->nhead;
	if (s.n > 0)
		memcpy(z->head + z->nhead, s.p, s.n);
	z->nhead += s.n;
}

/* One call of the decoder. */
static size_t
decode(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in, ZSTD_outBuffer *out)
{
	static const unsigned char magic[LP_ZSTD_MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct lp_span replay = lp_span(magic + z->replayed, LP_ZSTD_MAGIC_LEN - z->replayed);
	struct lp_span from = replay.n > 0 ? replay : *in;
	uint64_t most = at_once(z);
	ZSTD_inBuffer src = { from.p, from.n < most ? from.n : (size_t)most, 0 };
	size_t rc, before = out->pos;

	/* what it holds must be out before there is anything that can fail: a failure would take it along */
	if (z->full)
		src.size = 0;
	rc = ZSTD_decompressStream(z->dctx, out, &src);

	z->left -= src.pos;
	z->full = out->pos == out->size;
	if (z->room != UINT64_MAX)
		z->room -= out->pos - before < z->room ? out->pos - before : z->room;
	keep(z, lp_span(from.p, src.pos));
	if (replay.n > 0) {
		z->replayed += src.pos;
		return rc;
	}
	lp_frames_take(f, in, src.pos);
	for (size_t i = 0; i < src.pos && z->nfield < BLOCK_HEADER_LEN; i++)
		z->field[z->nfield++] = from.p[i];
	if (z->left == 0 && !ZSTD_isError(rc))
		next_part(z, f->used);
	return rc;
}

/* GO_ON: either `out` is to be handed out, or the frame has ended. */
static enum step
frame(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	ZSTD_outBuffer out = { z->out, OUT_CAP, 0 };
	enum step step = GO_ON;

	while (out.pos < out.size && z->state != ENDED && step == GO_ON) {
		size_t rc;

		if (in->n == 0 && z->replayed == LP_ZSTD_MAGIC_LEN && !z->full) {
			step = WAIT;
			break;
		}
		rc = decode(z, f, in, &out);
		if (ZSTD_isError(rc))
			step = fail_as(z, f, rc);
		else if (rc == 0)
			z->state = ENDED;
	}
	f->out = lp_span(z->out, out.pos);
	if (out.pos == 0)
		return step;
	z->out = z->next;
	z->next = out.dst;
	return GO_ON;
}

enum lp_inflate_event
lp_zstd_next(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in, int eof)
{
	enum step step = GO_ON;

	f->out = lp_span(NULL, 0);
	for (;;) {
		switch (z->state) {
		case MAGIC:
			step = magic(z, f, in);
			break;
		case SKIP_SIZE:
		case SKIP:
			step = skippable(z, f, in);
			break;
		case ENDED:
			return LP_INFLATE_MEMBER;
		case BAD:
			return LP_INFLATE_ERROR;
		default:
			step = frame(z, f, in);
		}
		if (step == FAILED)
			return LP_INFLATE_ERROR;
		if (step == WAIT)
			return eof ? LP_INFLATE_PREVIEW : LP_INFLATE_MORE;
		if (f->out.n > 0)
			return LP_INFLATE_OUTPUT;
	}
}

/* ---- pieces -------------------------------------------------------------------- */

int
lp_zstd_pack(struct lp_span s, struct lp_buf *b)
{
	enum { LEVEL = 3 };
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n = 0;
	int rc = c != NULL ? lp_buf_reserve(b, ZSTD_compressBound(s.n)) : LP_E_NOMEM;

	lp_buf_clear(b);
	if (rc == LP_OK) {
		(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
		(void)ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
		n = ZSTD_compress2(c, b->p, b->cap, s.p, s.n);
		rc = ZSTD_isError(n) ? LP_E_NOMEM : LP_OK;
	}
	b->n = rc == LP_OK ? n : 0;
	ZSTD_freeCCtx(c);
	return rc;
}

int
lp_zstd_unpack(struct lp_span s, size_t n, struct lp_buf *b)
{
	size_t got;
	int rc;

	lp_buf_clear(b);
	if (ZSTD_getFrameContentSize(s.p, s.n) != n)
		return LP_E_DATA;
	rc = lp_buf_reserve(b, n);
	if (rc != LP_OK)
		return rc;
	got = ZSTD_decompress(b->p, n, s.p, s.n);
	if (ZSTD_isError(got) || got != n)
		return LP_E_DATA;
	b->n = n;
	return LP_OK;
}
