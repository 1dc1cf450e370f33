/*
 * What the readers of compressed formats have in common: their events, and
 * the account that they keep. "Member" stands for a gzip member and for a
 * zstd frame.
 */
#ifndef LP_CODEC_FRAMES_H
#define LP_CODEC_FRAMES_H

#include <stdint.h>

#include "common/base/span.h"

enum lp_inflate_event {
	LP_INFLATE_MORE,    /* all input is used up and everything it gave is out */
	LP_INFLATE_OUTPUT,  /* bytes in `out` */
	LP_INFLATE_MEMBER,  /* a member has ended and its checks hold; see `members` */
	LP_INFLATE_POINT,   /* decoding can begin here another time: `point`; only if `spacing` asks for it */
	LP_INFLATE_WARNING, /* `why`, noticed at `at`; an end follows */
	LP_INFLATE_PREVIEW, /* the input stops inside a member; what could be decoded is out */
	LP_INFLATE_END,
	LP_INFLATE_ERROR    /* `status`, `at`, `why`; what was good before is out */
};

/*
 * A place from which decoding can begin, behind a block of deflate: bits and
 * the output before, which is all that a decoder knows there. Where a stream
 * begins (behind a member's header) there is no output to know.
 */
struct lp_point {
	uint64_t in;   /* bytes of input before the first whole byte of what comes */
	uint64_t out;  /* bytes of output before it */
	unsigned bits; /* bits (0 to 7) of the byte before that, its highest: they come first */
	struct lp_span window; /* up to LP_DEFLATE_WINDOW bytes */
};

struct lp_frames {
	uint64_t used;      /* bytes of input taken so far */
	uint64_t members;   /* members that have ended well */
	struct lp_span out; /* behind LP_INFLATE_OUTPUT; valid until the next of its kind has been used */
	uint64_t given;     /* bytes of output so far */
	uint64_t spacing;   /* the caller's: a point is wanted each time so many bytes of output came; 0: none is */
	uint64_t due;       /* the next, by `given` */
	struct lp_point point; /* behind LP_INFLATE_POINT; its window is valid until the next call */
	int status;         /* LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM */
	uint64_t at;        /* byte of the input, counted from 0 */
	const char *why;    /* static */
};

/* Note what is wrong at byte `at`; says LP_INFLATE_ERROR. */
static inline enum lp_inflate_event
lp_frames_fail(struct lp_frames *f, int status, uint64_t at, const char *why)
{
	f->status = status;
	f->at = at;
	f->why = why;
	return LP_INFLATE_ERROR;
}

/* Note a point here; says LP_INFLATE_POINT. */
static inline enum lp_inflate_event
lp_frames_point(struct lp_frames *f, unsigned bits, struct lp_span window)
{
	f->point = (struct lp_point){ .in = f->used, .out = f->given, .bits = bits, .window = window };
	f->due = f->given + f->spacing;
	return LP_INFLATE_POINT;
}

/* Take up to n bytes off the input. */
static inline struct lp_span
lp_frames_take(struct lp_frames *f, struct lp_span *in, size_t n)
{
	struct lp_span s = lp_span_take(in, n);

	f->used += s.n;
	return s;
}

#endif
