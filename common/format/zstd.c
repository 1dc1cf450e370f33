#include "common/format/zstd.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/base/limits.h"
#include "common/base/status.h"

/* Two blocks of the largest size. */
enum { OUT_CAP = 256 * 1024 };

/* RFC 8878 section 3.1.1: magic number, frame header descriptor. */
enum { HEADER_MIN = LP_ZSTD_MAGIC_LEN + 1 };

enum state { MAGIC, SKIP_SIZE, SKIP, FRAME, ENDED, BAD };

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
	lp_zstd_init(z);
}

void
lp_zstd_start(struct lp_zstd *z)
{
	z->state = MAGIC;
	z->nfield = 0;
}

size_t
lp_zstd_magic(struct lp_span s)
{
	/* RFC 8878 sections 3.1.1 and 3.1.2; a skippable frame's low four bits are free */
	static const unsigned char frame[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const unsigned char skippable[] = { 0x50, 0x2a, 0x4d, 0x18 };
	const unsigned char *want = s.n > 0 && (s.p[0] & 0xf0) == 0x50 ? skippable : frame;
	size_t n = 0;

	while (n < s.n && n < LP_ZSTD_MAGIC_LEN &&
	    (s.p[n] == want[n] || (n == 0 && want == skippable)))
		n++;
	return n;
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
	if (z->dctx == NULL)
		z->dctx = ZSTD_createDCtx();
	if (z->out == NULL || z->dctx == NULL)
		return fail(z, f, LP_E_NOMEM, f->used, "no memory");
	ZSTD_DCtx_reset(z->dctx, ZSTD_reset_session_only);
	ZSTD_DCtx_setParameter(z->dctx, ZSTD_d_windowLogMax, LP_MAX_ZSTD_WINDOW_LOG);
	z->unit = f->used - LP_ZSTD_MAGIC_LEN;
	z->left = HEADER_MIN;
	z->replayed = 0;
	z->full = 0;
	z->state = FRAME;
	return GO_ON;
}

static enum step
magic(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	if (!gather(z, f, in, LP_ZSTD_MAGIC_LEN))
		return WAIT;
	if (lp_zstd_magic(lp_span(z->field, LP_ZSTD_MAGIC_LEN)) < LP_ZSTD_MAGIC_LEN)
		return fail(z, f, LP_E_DATA, f->used - LP_ZSTD_MAGIC_LEN, "not zstd data");
	if ((z->field[0] & 0xf0) != 0x50)
		return begin(z, f);
	z->state = SKIP_SIZE;
	return GO_ON;
}

/* A skippable frame: the length of its content, and that. */
static enum step
skippable(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	const unsigned char *p = z->field + LP_ZSTD_MAGIC_LEN;

	if (z->state == SKIP_SIZE) {
		if (!gather(z, f, in, sizeof(z->field)))
			return WAIT;
		z->left = p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
		z->state = SKIP;
	}
	z->left -= lp_frames_take(f, in, z->left < in->n ? (size_t)z->left : in->n).n;
	if (z->left > 0)
		return WAIT;
	z->state = ENDED;
	return GO_ON;
}

static enum step
fail_as(struct lp_zstd *z, struct lp_frames *f, size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return fail(z, f, LP_E_NOMEM, z->unit, "no memory");
	case ZSTD_error_frameParameter_windowTooLarge:
		return fail(z, f, LP_E_LIMIT, z->unit, "zstd: the window is above 128 MiB");
	case ZSTD_error_dictionary_wrong:
		return fail(z, f, LP_E_DATA, z->unit, "zstd: the frame needs a dictionary");
	case ZSTD_error_checksum_wrong:
		return fail(z, f, LP_E_DATA, z->unit, "zstd: the data's checksum does not match");
	default:
		return fail(z, f, LP_E_DATA, z->unit, ZSTD_getErrorName(rc));
	}
}

/*
 * One call of the decoder. It is never given more than the unit it asked
 * for (a header, a block): a call that fails tells nothing of what it did
 * before, so each may hold one thing only that can fail.
 */
static size_t
decode(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in, ZSTD_outBuffer *out)
{
	struct lp_span magic = lp_span(z->field + z->replayed, LP_ZSTD_MAGIC_LEN - z->replayed);
	struct lp_span from = magic.n > 0 ? magic : *in;
	ZSTD_inBuffer src = { from.p, from.n < z->left ? from.n : (size_t)z->left, 0 };
	size_t rc = ZSTD_decompressStream(z->dctx, out, &src);

	if (magic.n > 0)
		z->replayed += src.pos;
	else
		lp_frames_take(f, in, src.pos);
	z->left -= src.pos;
	z->full = out->pos == out->size;
	if (!ZSTD_isError(rc) && z->left == 0) {
		z->left = rc;
		z->unit = f->used;
	}
	return rc;
}

/* GO_ON: either `out` is to be handed out, or the frame has ended. */
static enum step
frame(struct lp_zstd *z, struct lp_frames *f, struct lp_span *in)
{
	ZSTD_outBuffer out = { z->out, OUT_CAP, 0 };
	enum step step = GO_ON;

	while (out.pos < out.size && z->state == FRAME) {
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
	return out.pos > 0 ? GO_ON : step;
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
		case FRAME:
			step = frame(z, f, in);
			break;
		case ENDED:
			return LP_INFLATE_MEMBER;
		case BAD:
			return LP_INFLATE_ERROR;
		}
		if (step == FAILED)
			return LP_INFLATE_ERROR;
		if (step == WAIT)
			return eof ? LP_INFLATE_PREVIEW : LP_INFLATE_MORE;
		if (f->out.n > 0)
			return LP_INFLATE_OUTPUT;
	}
}
