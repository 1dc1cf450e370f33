/*
 * A window: a piece of a gzip file from somewhere inside, looked at for the
 * first tar header behind the first block that begins in it.
 */
#ifndef LP_JUMP_WINDOW_H
#define LP_JUMP_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/marked.h"
#include "common/jump/body.h"
#include "common/tar/tarfind.h"

/* Symbols that come out early: a header among them may have been copied from the unknown history. */
enum { LP_JUMP_EARLY = 40 * 1024 };

struct lp_jump_window {
	uint64_t at;       /* place in the file */
	unsigned char *p;  /* owned */
	size_t n;
	unsigned grown;    /* how often */

	int landed;        /* a block was found, and all behind it is well */
	uint64_t bit;      /* where it begins, in p */
	size_t early;      /* bytes of p by which LP_JUMP_EARLY symbols had come; n if fewer came */
	uint64_t symbols;  /* that came, up to the header */
	enum lp_tarfind_kind kind;
	uint64_t hit;      /* symbols in front of the header */
	size_t header;     /* bytes of p that gave them, within some 1,000 */
	double ending;     /* lp_jump_ending of it */
};

/* What looking takes: 1 MiB, nothing of which is kept from one look to the next. */
struct lp_jump_eye {
	struct lp_marked marked;
	struct lp_tarfind find;
	uint16_t out[LP_MARKED_HISTORY + 256 * 1024];
};

/*
 * Look, or look again at what has grown. `left`: bytes of the file behind the window. A stream that ends
 * there must end eight bytes before the file does, or it is none.
 */
void lp_jump_look(struct lp_jump_window *, const struct lp_jump_habits *, const struct lp_jump_body *, uint64_t left,
    struct lp_jump_eye *);

/* More bytes in front of it, or behind it. LP_OK or LP_E_NOMEM. */
int lp_jump_grow(struct lp_jump_window *, struct lp_span, int in_front);

/* Where the first block begins, in the file. */
static inline uint64_t
lp_jump_first(const struct lp_jump_window *w)
{
	return w->at + (w->landed ? w->bit / 8 : w->n);
}

#endif
