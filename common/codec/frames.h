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
	LP_INFLATE_WARNING, /* `why`, noticed at `at`; an end follows */
	LP_INFLATE_PREVIEW, /* the input stops inside a member; what could be decoded is out */
	LP_INFLATE_END,
	LP_INFLATE_ERROR    /* `status`, `at`, `why`; what was good before is out */
};

struct lp_frames {
	uint64_t used;      /* bytes of input taken so far */
	uint64_t members;   /* members that have ended well */
	struct lp_span out; /* behind LP_INFLATE_OUTPUT; valid until the next of its kind has been used */
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

/* Take up to n bytes off the input. */
static inline struct lp_span
lp_frames_take(struct lp_frames *f, struct lp_span *in, size_t n)
{
	struct lp_span s = lp_span_take(in, n);

	f->used += s.n;
	return s;
}

#endif
