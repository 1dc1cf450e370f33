/* Decodes a blob whatever its compression, member after member, frame after frame. */
#include "common/codec/inflate.h"

#include <string.h>

#include "common/base/status.h"

enum state {
	FIRST,   /* at the start: gathering bytes until it is known what they are */
	BETWEEN, /* behind a member: is there another? */
	MEMBER,  /* inside one: first its part that is in the head */
	PLAIN,   /* the same for bytes that need no decoding */
	PADDING, GARBAGE, DONE, BAD
};

void
lp_inflate_init(struct lp_inflate *x, enum lp_format format, const struct lp_deflate_engine *e)
{
	memset(&x->f, 0, sizeof(x->f));
	x->format = format;
	x->state = FIRST;
	x->eof = 0;
	x->nhead = x->replayed = 0;
	lp_gzip_init(&x->gzip, e);
	lp_zstd_init(&x->zstd);
}

void
lp_inflate_release(struct lp_inflate *x)
{
	lp_gzip_release(&x->gzip);
	lp_zstd_release(&x->zstd);
}

uint64_t
lp_point_first(const struct lp_point *at)
{
	return at->in - (at->bits > 0);
}

int
lp_inflate_resume(struct lp_inflate *x, const struct lp_point *at)
{
	x->format = LP_FORMAT_GZIP;
	x->state = MEMBER;
	x->f.used = lp_point_first(at);
	x->f.given = at->out;
	return lp_gzip_resume(&x->gzip, at);
}

/* How a state's work ended. */
enum step { GO_ON, WAIT, FAILED };

static enum step
fail(struct lp_inflate *x, uint64_t at, const char *why)
{
	x->state = BAD;
	lp_frames_fail(&x->f, LP_E_DATA, at, why);
	return FAILED;
}

/* A member, or plain bytes, start with the head. */
static void
enter(struct lp_inflate *x)
{
	x->f.used -= x->nhead;
	x->replayed = 0;
	x->state = x->format == LP_FORMAT_PLAIN ? PLAIN : MEMBER;
	if (x->format == LP_FORMAT_GZIP)
		lp_gzip_start(&x->gzip);
	else if (x->format == LP_FORMAT_ZSTD)
		lp_zstd_start(&x->zstd);
}

/* How many bytes are the same as the format's magic number; *len gets its length. */
static size_t
magic(const struct lp_inflate *x, struct lp_span s, size_t *len)
{
	if (x->format == LP_FORMAT_ZSTD) {
		*len = LP_ZSTD_MAGIC_LEN;
		return lp_zstd_magic(s);
	}
	*len = 2;
	if (s.n == 0 || s.p[0] != 0x1f)
		return 0;
	return s.n > 1 && s.p[1] == 0x8b ? 2 : 1;
}

/* Up to n bytes of input are put into the head; whether there were any. */
static int
gather(struct lp_inflate *x, struct lp_span *in, size_t n)
{
	struct lp_span s = lp_frames_take(&x->f, in, n);

	if (s.n > 0)
		memcpy(x->head + x->nhead, s.p, s.n);
	x->nhead += s.n;
	return s.n > 0;
}

/* The start of the input. */
static enum step
first(struct lp_inflate *x, struct lp_span *in)
{
	const char *why = NULL;

	if (x->nhead == 0 && in->n == 0 && x->eof)
		return fail(x, 0, "the input is empty");
	if (x->nhead == 0 && in->n == 0)
		return WAIT;
	if (x->format == LP_FORMAT_UNDECIDED && x->nhead == 0) /* mostly: the first read is large enough */
		x->format = lp_magic(*in, x->eof, &why);
	while (x->format == LP_FORMAT_UNDECIDED) {
		/* no byte further than a magic number reaches: a member might end in the head */
		if (!gather(x, in, x->nhead < LP_ZSTD_MAGIC_LEN ? 1 : LP_MAGIC_LEN - x->nhead) && !x->eof)
			return WAIT;
		x->format = lp_magic(lp_span(x->head, x->nhead), x->eof, &why);
	}
	if (x->format == LP_FORMAT_FOREIGN)
		return fail(x, 0, why);
	enter(x);
	return GO_ON;
}

/*
 * Behind a member. Byte by byte, because a magic number may turn out not to
 * be one at any of its bytes. WAIT under eof: the input may end here, or
 * not, if a part of a magic number is there.
 */
static enum step
between(struct lp_inflate *x, struct lp_span *in)
{
	while (x->state == BETWEEN) {
		struct lp_span head;
		size_t len, same;

		if (!gather(x, in, 1))
			return WAIT;
		head = lp_span(x->head, x->nhead);
		same = magic(x, head, &len);
		if (same == len) {
			enter(x);
		} else if (same < head.n) {
			x->f.at = x->f.used - x->nhead;
			x->state = x->nhead == 1 && head.p[0] == 0 ? PADDING : GARBAGE;
		}
	}
	return GO_ON;
}

static enum step
padding(struct lp_inflate *x, struct lp_span *in)
{
	while (in->n > 0 && in->p[0] == 0)
		lp_frames_take(&x->f, in, 1);
	if (in->n == 0)
		return WAIT;
	x->f.at = x->f.used;
	x->state = GARBAGE;
	return GO_ON;
}

static enum lp_inflate_event
member_next(struct lp_inflate *x, struct lp_span *in, int eof)
{
	return x->format == LP_FORMAT_GZIP ? lp_gzip_next(&x->gzip, &x->f, in, eof) :
	    lp_zstd_next(&x->zstd, &x->f, in, eof);
}

static enum lp_inflate_event
member(struct lp_inflate *x, struct lp_span *in)
{
	struct lp_span head = lp_span(x->head + x->replayed, x->nhead - x->replayed);
	enum lp_inflate_event ev = LP_INFLATE_MORE;

	if (head.n > 0) {
		ev = member_next(x, &head, 0);
		x->replayed = x->nhead - head.n;
	}
	if (ev == LP_INFLATE_MORE)
		ev = member_next(x, in, x->eof);
	if (ev == LP_INFLATE_OUTPUT)
		x->f.given += x->f.out.n;
	if (ev == LP_INFLATE_MEMBER) {
		x->f.members++;
		x->state = BETWEEN;
		x->nhead = 0;
	}
	return ev;
}

/* Plain bytes are handed on where they are. */
static enum lp_inflate_event
plain(struct lp_inflate *x, struct lp_span *in)
{
	struct lp_span head = lp_span(x->head + x->replayed, x->nhead - x->replayed);

	if (head.n > 0) {
		x->replayed = x->nhead;
		x->f.out = lp_frames_take(&x->f, &head, head.n);
	} else {
		x->f.out = lp_frames_take(&x->f, in, in->n);
	}
	if (x->f.out.n > 0)
		return LP_INFLATE_OUTPUT;
	return x->eof ? LP_INFLATE_END : LP_INFLATE_MORE;
}

static enum lp_inflate_event
run(struct lp_inflate *x, struct lp_span *in)
{
	enum step step = GO_ON;

	x->f.out = lp_span(NULL, 0);
	for (;;) {
		switch (x->state) {
		case FIRST:
			step = first(x, in);
			break;
		case BETWEEN:
			step = between(x, in);
			break;
		case PADDING:
			step = padding(x, in);
			break;
		case MEMBER:
			return member(x, in);
		case PLAIN:
			return plain(x, in);
		case GARBAGE:
			x->state = DONE;
			x->f.why = "what follows the last compressed member is ignored";
			return LP_INFLATE_WARNING;
		case DONE:
			return LP_INFLATE_END;
		case BAD:
			return LP_INFLATE_ERROR;
		}
		if (step == FAILED)
			return LP_INFLATE_ERROR;
		if (step == WAIT && !x->eof)
			return LP_INFLATE_MORE;
		if (step == WAIT)
			return x->state == BETWEEN && x->nhead > 0 ? LP_INFLATE_PREVIEW : LP_INFLATE_END;
	}
}

enum lp_inflate_event
lp_inflate_next(struct lp_inflate *x, struct lp_span *in)
{
	return run(x, in);
}

enum lp_inflate_event
lp_inflate_eof(struct lp_inflate *x)
{
	struct lp_span none = lp_span(NULL, 0);

	x->eof = 1;
	return run(x, &none);
}

const char *
lp_format_name(enum lp_format f)
{
	switch (f) {
	case LP_FORMAT_GZIP:
		return "gzip";
	case LP_FORMAT_ZSTD:
		return "zstd";
	case LP_FORMAT_PLAIN:
		return "plain";
	default:
		return "auto";
	}
}
