/* Parses one gzip member: header, deflate stream, trailer. */
#include "common/codec/gzip.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/le.h"
#include "common/base/status.h"

/* Bytes decoded before they are handed out: large writes, and still in the processor's cache for the CRC. */
enum { OUT_SIZE = 256 * 1024, OUT_CAP = LP_DEFLATE_WINDOW + OUT_SIZE + LP_DEFLATE_ROOM };

/* RFC 1952 section 2.3.1 */
enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0, CM_DEFLATE = 8 };

/* The fields of a member, in their order. */
enum state { FIXED, XLEN, EXTRA, NAME, COMMENT, HCRC, BODY, CRC, ISIZE, ENDED, BAD, MIDDLE };

/* How a state's work ended. */
enum step { GO_ON, WAIT, FAILED, POINT };

void
lp_gzip_init(struct lp_gzip *g, const struct lp_deflate_engine *e)
{
	*g = (struct lp_gzip){ .engine = e, .state = FIXED };
}

void
lp_gzip_start(struct lp_gzip *g)
{
	g->state = FIXED;
	g->nfield = 0;
	g->resumed = 0;
}

void
lp_gzip_release(struct lp_gzip *g)
{
	g->engine->close(g->deflate);
	free(g->out);
	free(g->last);
	lp_gzip_init(g, g->engine);
}

static enum step
fail(struct lp_gzip *g, struct lp_frames *f, int status, uint64_t at, const char *why)
{
	g->state = BAD;
	lp_frames_fail(f, status, at, why);
	return FAILED;
}

static void
advance(struct lp_gzip *g, int next)
{
	g->state = next;
	g->nfield = 0;
}

/* Gather a field of n bytes; whether it is whole. */
static int
gather(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in, size_t n)
{
	struct lp_span s = lp_frames_take(f, in, n - g->nfield);

	if (s.n > 0)
		memcpy(g->field + g->nfield, s.p, s.n);
	g->nfield += s.n;
	return g->nfield == n;
}

/* The ten bytes that every header starts with. */
static enum step
fixed(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in)
{
	/* byte by byte: what is wrong is told although the rest may be cut off */
	while (g->nfield < sizeof(g->field)) {
		if (!gather(g, f, in, g->nfield + 1))
			return WAIT;
		if (g->field[0] != 0x1f || (g->nfield == 2 && g->field[1] != 0x8b))
			return fail(g, f, LP_E_DATA, f->used - 1, "not gzip data");
		if (g->nfield == 3 && g->field[2] != CM_DEFLATE)
			return fail(g, f, LP_E_DATA, f->used - 1, "gzip: unknown compression method");
		if (g->nfield == 4 && (g->field[3] & RESERVED) != 0)
			return fail(g, f, LP_E_DATA, f->used - 1, "gzip: unknown header flags");
	}
	g->flags = g->field[3];
	g->hcrc = g->engine->crc32(0, lp_span(g->field, sizeof(g->field)));
	advance(g, XLEN);
	return GO_ON;
}

/* Header bytes that are passed over, and counted in the header's CRC; whether these were the last. */
static int
skip(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in)
{
	struct lp_span s;

	if (g->state == EXTRA) {
		s = lp_frames_take(f, in, g->left);
		g->left -= (uint32_t)s.n;
		g->hcrc = g->engine->crc32(g->hcrc, s);
		return g->left == 0;
	}
	/* a name or comment ends in a NUL; it is not kept, so it may be of any length */
	const unsigned char *nul = in->n > 0 ? memchr(in->p, 0, in->n) : NULL;

	s = lp_frames_take(f, in, nul == NULL ? in->n : (size_t)(nul - in->p) + 1);
	g->hcrc = g->engine->crc32(g->hcrc, s);
	return nul != NULL;
}

/* Memory and engine for a member's body; whether there is enough. */
static int
equip(struct lp_gzip *g)
{
	if (g->out == NULL)
		g->out = malloc(OUT_CAP);
	if (g->deflate == NULL)
		g->deflate = g->engine->open();
	return g->out != NULL && g->deflate != NULL;
}

/* Behind the header: decoding can begin here, without a window. */
static enum step
begin(struct lp_gzip *g, struct lp_frames *f)
{
	if (!equip(g))
		return fail(g, f, LP_E_NOMEM, f->used, "out of memory");
	g->engine->start(g->deflate);
	g->total = 0;
	g->crc = 0;
	g->said = LP_DEFLATE_FULL;
	advance(g, BODY);
	if (f->spacing == 0 || f->given < f->due)
		return GO_ON;
	lp_frames_point(f, 0, lp_span(NULL, 0));
	return POINT;
}

int
lp_gzip_resume(struct lp_gzip *g, const struct lp_point *at)
{
	if (!equip(g))
		return LP_E_NOMEM;
	if (at->window.n > 0)
		memcpy(g->out, at->window.p, at->window.n);
	g->n = g->given = at->window.n;
	g->total = at->window.n;
	g->bits = at->bits;
	g->resumed = 1;
	g->said = LP_DEFLATE_FULL;
	advance(g, MIDDLE);
	return LP_OK;
}

/* The byte that has bits of the first block, if there is one. */
static enum step
middle(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in)
{
	g->field[0] = 0;
	if (g->bits > 0 && !gather(g, f, in, 1))
		return WAIT;
	if (g->engine->resume(g->deflate, lp_span(g->out, g->n), g->field[0], g->bits) == LP_DEFLATE_NOMEM)
		return fail(g, f, LP_E_NOMEM, f->used, "out of memory");
	advance(g, BODY);
	return GO_ON;
}

/* The optional fields of the header, in their order. */
static enum step
optional(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in)
{
	static const unsigned flag[] = {
		[XLEN] = FEXTRA, [EXTRA] = FEXTRA, [NAME] = FNAME, [COMMENT] = FCOMMENT, [HCRC] = FHCRC
	};
	int present = (g->flags & flag[g->state]) != 0;

	if (!present && g->state == HCRC)
		return begin(g, f);
	if (present && g->state == XLEN) {
		if (!gather(g, f, in, 2))
			return WAIT;
		g->hcrc = g->engine->crc32(g->hcrc, lp_span(g->field, 2));
		g->left = lp_le16(g->field);
	} else if (present && g->state == HCRC) {
		if (!gather(g, f, in, 2))
			return WAIT;
		if (lp_le16(g->field) != (g->hcrc & 0xffff))
			return fail(g, f, LP_E_DATA, f->used - 2, "gzip: the header's CRC does not match");
		return begin(g, f);
	} else if (present && !skip(g, f, in)) {
		return WAIT;
	}
	advance(g, g->state + 1);
	return GO_ON;
}

/*
 * Room for a run: the window goes to the front of the other buffer, and what
 * was handed out last stays where it is.
 */
static enum step
make_room(struct lp_gzip *g, struct lp_frames *f)
{
	size_t keep = g->total < LP_DEFLATE_WINDOW ? (size_t)g->total : LP_DEFLATE_WINDOW;
	unsigned char *next = g->last;

	if (OUT_CAP - g->n >= LP_DEFLATE_ROOM)
		return GO_ON;
	if (next == NULL && (next = malloc(OUT_CAP)) == NULL)
		return fail(g, f, LP_E_NOMEM, f->used, "out of memory");
	memcpy(next, g->out + g->n - keep, keep);
	g->last = g->out;
	g->out = next;
	g->n = g->given = keep;
	return GO_ON;
}

static void
decode(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in, int eof)
{
	struct lp_deflate_io io = { .in = *in, .eof = eof, .total = g->total, .cap = OUT_CAP };

	io.out = g->out;
	io.n = g->n;
	if (f->spacing > 0)
		io.stop = g->total + (f->due > f->given ? f->due - f->given : 0);
	g->said = (int)g->engine->run(g->deflate, &io);
	lp_frames_take(f, in, in->n - io.in.n);
	g->crc = g->engine->crc32(g->crc, lp_span(g->out + g->n, io.n - g->n));
	g->n = io.n;
	g->total = io.total;
	g->bits = io.bits;
	g->cut = eof && g->said == LP_DEFLATE_MORE;
	g->why = io.why;
	g->at = f->used - io.back;
}

/* Between two blocks, all output before them handed out. */
static enum step
point(struct lp_gzip *g, struct lp_frames *f)
{
	size_t n = g->total < LP_DEFLATE_WINDOW ? (size_t)g->total : LP_DEFLATE_WINDOW;

	g->said = LP_DEFLATE_FULL;
	lp_frames_point(f, g->bits, lp_span(g->out + g->n - n, n));
	return POINT;
}

/* GO_ON: either there is output to hand out, or the body has ended. */
static enum step
body(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in, int eof)
{
	while (g->given == g->n) {
		switch (g->said) {
		case LP_DEFLATE_END:
			advance(g, CRC);
			return GO_ON;
		case LP_DEFLATE_BLOCK:
			return point(g, f);
		case LP_DEFLATE_BAD:
			return fail(g, f, LP_E_DATA, g->at, g->why);
		case LP_DEFLATE_NOMEM:
			return fail(g, f, LP_E_NOMEM, f->used, "out of memory");
		case LP_DEFLATE_MORE:
			if (g->cut || (in->n == 0 && !eof))
				return WAIT;
		}
		if (make_room(g, f) != GO_ON)
			return FAILED;
		decode(g, f, in, eof);
	}
	f->out = lp_span(g->out + g->given, g->n - g->given);
	g->given = g->n;
	return GO_ON;
}

/* CRC32 and ISIZE, four bytes each. */
static enum step
trailer(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in)
{
	if (!gather(g, f, in, 4))
		return WAIT;
	if (g->state == CRC && !g->resumed && lp_le32(g->field) != g->crc)
		return fail(g, f, LP_E_DATA, f->used - 4, "gzip: the data's CRC does not match");
	if (g->state == ISIZE && !g->resumed && lp_le32(g->field) != (uint32_t)g->total)
		return fail(g, f, LP_E_DATA, f->used - 4, "gzip: the data's length does not match");
	advance(g, g->state + 1);
	return GO_ON;
}

static enum step
work(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in, int eof)
{
	switch (g->state) {
	case FIXED:
		return fixed(g, f, in);
	case MIDDLE:
		return middle(g, f, in);
	case BODY:
		return body(g, f, in, eof);
	case CRC:
	case ISIZE:
		return trailer(g, f, in);
	default:
		return optional(g, f, in);
	}
}

enum lp_inflate_event
lp_gzip_next(struct lp_gzip *g, struct lp_frames *f, struct lp_span *in, int eof)
{
	f->out = lp_span(NULL, 0);
	for (;;) {
		if (g->state == ENDED)
			return LP_INFLATE_MEMBER;
		if (g->state == BAD)
			return LP_INFLATE_ERROR;
		switch (work(g, f, in, eof)) {
		case FAILED:
			return LP_INFLATE_ERROR;
		case WAIT:
			return eof ? LP_INFLATE_PREVIEW : LP_INFLATE_MORE;
		case POINT:
			return LP_INFLATE_POINT;
		case GO_ON:
			if (f->out.n > 0)
				return LP_INFLATE_OUTPUT;
		}
	}
}
