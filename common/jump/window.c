/* Lands in a window and looks for the first header. */
#include "common/jump/window.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

/* Symbols decoded at a time, which the place of a header in the input is known by; and kept, when room is needed. */
enum { STEP = 4 * 1024, KEPT = 192 * 1024, GZIP_TRAILER = 8 };
/* Symbols of landings that came to nothing, in one look, STEP more for each: each of many blocks may lead to the same bad end. */
enum { IN_VAIN_MOST = 16 * 1024 * 1024 };

struct look {
	struct lp_jump_window *w;
	const struct lp_jump_habits *habits;
	const struct lp_jump_body *body;
	uint64_t left;
	struct lp_jump_eye *eye;
	struct lp_marked_io io;
	uint64_t in_vain; /* symbols of landings that failed */
	uint64_t base; /* place in the piece of out[LP_MARKED_HISTORY] at first, of what is there later */
};

static void
make_room(struct look *l)
{
	size_t drop, cap = sizeof(l->eye->out) / sizeof(l->eye->out[0]);

	if (cap - l->io.n >= STEP + LP_MARKED_ROOM)
		return;
	drop = l->io.n - KEPT;
	memmove(l->io.out, l->io.out + drop, KEPT * sizeof(*l->io.out));
	l->io.n = KEPT;
	l->base += drop;
}

/* What has come out so far: is there a header? */
static int
find(struct look *l)
{
	struct lp_jump_window *w = l->w;
	struct lp_tarfind *f = &l->eye->find;
	size_t at;

	w->symbols = l->base + l->io.n - LP_MARKED_HISTORY;
	if (w->symbols < LP_JUMP_EARLY)
		w->early = (size_t)(l->io.in.p - w->p);
	/* places are counted from the front of the history */
	if (!lp_tarfind_next(f, l->io.out, l->io.n, l->base))
		return 0;
	/* a hidden header that has left the room meanwhile shows nothing of what is in front of it */
	at = f->at > l->base ? (size_t)(f->at - l->base) : 0;
	w->kind = f->kind;
	w->hit = f->at - LP_MARKED_HISTORY;
	w->symbols = w->hit;
	w->header = (size_t)(l->io.in.p - w->p);
	w->ending = lp_jump_ending(l->habits, l->body, &f->zeros, l->io.out + at, at);
	return 1;
}

/* Decode from a bit of the window on. Whether there is a stream up to the window's end, or a header. */
static int
land(struct look *l)
{
	struct lp_jump_window *w = l->w;
	struct lp_jump_eye *eye = l->eye;
	enum lp_marked_result rc;

	l->io = (struct lp_marked_io){ .out = eye->out, .n = LP_MARKED_HISTORY };
	l->io.in = lp_span(w->p + w->bit / 8, w->n - (size_t)(w->bit / 8));
	l->io.skip = w->bit % 8;
	l->base = 0;
	w->kind = LP_TARFIND_NONE;
	w->symbols = 0;
	w->early = w->n;
	lp_marked_history(eye->out);
	lp_marked_start(&eye->marked, LP_MARKED_HISTORY);
	lp_tarfind_init(&eye->find);
	eye->find.next = LP_MARKED_HISTORY;
	eye->find.before = l->body->name;
	do {
		make_room(l);
		l->io.cap = l->io.n + STEP + LP_MARKED_ROOM;
		rc = lp_marked_run(&eye->marked, &l->io);
		if (rc == LP_MARKED_BAD) {
			l->in_vain += w->symbols + STEP;
			return 0;
		}
		if (find(l))
			return 1;
	} while (rc == LP_MARKED_FULL || rc == LP_MARKED_BLOCK);
	if (w->symbols < LP_JUMP_EARLY)
		w->early = w->n;
	return rc == LP_MARKED_MORE || l->io.in.n - (l->io.skip > 0) + l->left == GZIP_TRAILER;
}

void
lp_jump_look(struct lp_jump_window *w, const struct lp_jump_habits *habits, const struct lp_jump_body *body,
    uint64_t left, struct lp_jump_eye *eye)
{
	struct look l = { .w = w, .habits = habits, .body = body, .left = left, .eye = eye };
	struct lp_span in = lp_span(w->p, w->n);

	/* what is only longer at its end began where it began */
	if (w->landed && land(&l))
		return;
	w->landed = 1;
	/* stored blocks hold what may look like others */
	w->bit = 8;
	if (lp_marked_find_stored(in, &w->bit) && land(&l))
		return;
	for (w->bit = 8; l.in_vain < IN_VAIN_MOST && lp_marked_find(in, &w->bit); w->bit++)
		if (land(&l))
			return;
	w->landed = 0;
	w->kind = LP_TARFIND_NONE;
	w->symbols = 0;
}

int
lp_jump_grow(struct lp_jump_window *w, struct lp_span s, int in_front)
{
	unsigned char *p = realloc(w->p, w->n + s.n + 1);

	if (p == NULL)
		return LP_E_NOMEM;
	w->p = p;
	if (in_front) {
		memmove(p + s.n, p, w->n);
		w->at -= s.n;
		w->landed = 0;
	}
	if (s.n > 0)
		memcpy(in_front ? p : p + w->n, s.p, s.n);
	w->n += s.n;
	w->grown++;
	return LP_OK;
}
