/* Decides what to read next to find the end of a body. */
#include "common/jump/search.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

enum { WINDOW = 32 * 1024, BLOCK = 20 * 1024, LARGEST = 4 * 1024 * 1024, GZIP_TRAILER = 8 };
enum { ROUNDS_MOST = 12, GROWN_MOST = 6, CONFIRM_MOST = 4, ASKED_MOST = 32 * 1024 * 1024 };

void
lp_jump_search_start(struct lp_jump_search *s, const struct lp_jump_body *body, uint64_t from, uint64_t rest,
    double ratio, double sd)
{
	/* what is cut off may be read to its last byte: then there is no place to look at */
	uint64_t last = s->size > from + GZIP_TRAILER ? s->size - GZIP_TRAILER : from, most = rest + rest / 2000 + 4096;
	double share = ratio > 0.9 ? 0.02 : lp_jump_kind(body) == LP_JUMP_ELF ? 0.05 : 0.15;

	s->q = (struct lp_jump_question){ .from = from, .rest = rest, .ratio = ratio, .sd = sd < 0.5 ? sd : 0.5, .window = s->window };
	s->q.to = last - from < most ? last : from + most;
	s->body = body;
	s->estimate = (double)rest * ratio;
	s->asked = 0;
	s->rounds = 0;
	s->taken = 0;
	s->planned = 0;
	s->sweeping = 0;
	if (s->estimate >= 500 * 1024 && sd >= 0.05) {
		double n = s->estimate * share / (WINDOW + 4000);

		/* its power of 2/3, from below */
		while (s->planned < LP_JUMP_WINDOWS / 4 && (double)s->planned * lp_jump_root(s->planned) < n)
			s->planned++;
	}
}

void
lp_jump_search_end(struct lp_jump_search *s)
{
	for (size_t i = 0; i < s->q.windows; i++)
		free(s->window[i].p);
	s->q.windows = 0;
}

/* ---- what to read ---- */

/* The first window that ends behind a place, or how many there are. */
static size_t
window_at(const struct lp_jump_search *s, uint64_t at)
{
	size_t i = 0;

	while (i < s->q.windows && s->window[i].at + s->window[i].n <= at)
		i++;
	return i;
}

/* As much of it as is in the file, into a window that there is room for. */
static enum lp_jump_found
want(struct lp_jump_search *s, uint64_t at, uint64_t n, size_t into, int in_front)
{
	if (at >= s->size || (into == LP_JUMP_WINDOWS && s->q.windows == LP_JUMP_WINDOWS))
		return LP_JUMP_LOST;
	if (n > s->size - at)
		n = s->size - at;
	if (n > LARGEST)
		n = LARGEST;
	s->want_at = at;
	s->want_n = (size_t)n;
	s->into = into;
	s->in_front = in_front;
	return n == 0 ? LP_JUMP_LOST : LP_JUMP_SEEK;
}

/* More of a window, behind it, up to the next one. */
static enum lp_jump_found
behind(struct lp_jump_search *s, size_t i, uint64_t n)
{
	uint64_t at = s->window[i].at + s->window[i].n;
	uint64_t end = i + 1 < s->q.windows ? lp_jump_first(&s->window[i + 1]) : s->size;

	/* it is decoded again from its front: what is large grows by much */
	n = n > s->window[i].n / 2 ? n : s->window[i].n / 2;
	/* over the bytes in front of the next one's first block, which it cannot decode; that may have become an earlier one */
	if (end < at)
		return LP_JUMP_LOST;
	return want(s, at, n < end - at ? n : end - at, i, 0);
}

/* What is in front of a window's first block: bytes in front of it, or behind the one before. */
static enum lp_jump_found
in_front(struct lp_jump_search *s, size_t i, uint64_t n)
{
	uint64_t begin = i > 0 ? s->window[i - 1].at + s->window[i - 1].n : s->q.from;
	uint64_t gap = s->window[i].at > begin ? s->window[i].at - begin : 0;

	if (gap > 0)
		return want(s, s->window[i].at - (n < gap ? n : gap), n < gap ? n : gap, i, 1);
	return i > 0 ? behind(s, i - 1, n) : LP_JUMP_LOST;
}

/* Look at [at, at + n), as far as it is not looked at. */
static enum lp_jump_found
look_at(struct lp_jump_search *s, uint64_t at, uint64_t n)
{
	size_t i;

	if (at < s->q.from)
		at = s->q.from;
	if (at + n > s->size)
		at = s->size > s->q.from + n ? s->size - n : s->q.from;
	i = window_at(s, at);
	if (i < s->q.windows && at >= s->window[i].at) {
		const struct lp_jump_window *w = &s->window[i];

		/* in front of its first block, or of its header: these bytes are here, but their past is not */
		if (at < lp_jump_first(w) || w->kind != LP_TARFIND_NONE)
			return in_front(s, i, (uint64_t)BLOCK << (w->grown < GROWN_MOST ? w->grown : GROWN_MOST));
		return behind(s, i, n);
	}
	/* close behind another: go on there, no block needs to be found */
	if (i > 0 && at - (s->window[i - 1].at + s->window[i - 1].n) < BLOCK && s->window[i - 1].landed &&
	    s->window[i - 1].kind == LP_TARFIND_NONE)
		return behind(s, i - 1, at + n - (s->window[i - 1].at + s->window[i - 1].n));
	if (i < s->q.windows && at + n >= s->window[i].at)
		return want(s, at, s->window[i].at - at, i, 1);
	return want(s, at, n, LP_JUMP_WINDOWS, 0);
}

/* A window that has shown no block yet, and may. */
static size_t
blind(const struct lp_jump_search *s)
{
	size_t i = 0;

	while (i < s->q.windows && (s->window[i].landed || s->window[i].grown > GROWN_MOST))
		i++;
	return i;
}

/* One header has the weight: what is right in front of it has not been seen, or not all of its bytes are known. */
static enum lp_jump_found
confirm(struct lp_jump_search *s)
{
	const struct lp_jump_odds *o = &s->odds;
	const struct lp_jump_window *w = &s->window[o->best];

	if (s->q.windows == 0 || o->weight[o->best] < 0.3 * o->all || w->grown > CONFIRM_MOST)
		return LP_JUMP_LOST;
	return in_front(s, o->best, (uint64_t)BLOCK << w->grown);
}

/* Forget the windows from one on; no end is behind a header that one of them shows. */
static void
drop_windows(struct lp_jump_search *s, size_t from)
{
	while (s->q.windows > from) {
		const struct lp_jump_window *w = &s->window[--s->q.windows];

		if (w->landed && w->kind != LP_TARFIND_NONE && w->at + w->header < s->q.to)
			s->q.to = w->at + w->header + 1;
		free(w->p);
	}
}

/* One that has shown no block up to the next window: that one may be made larger. */
static void
remove_window(struct lp_jump_search *s, size_t i)
{
	free(s->window[i].p);
	s->q.windows--;
	memmove(&s->window[i], &s->window[i + 1], (s->q.windows - i) * sizeof(s->window[0]));
}

/* What is likely is read in one, from its front to the first header. */
static enum lp_jump_found
sweep(struct lp_jump_search *s)
{
	uint64_t at = lp_jump_quantile(&s->odds, 0.05), half = lp_jump_quantile(&s->odds, 0.5);
	size_t i;

	at = at > s->q.from + BLOCK / 2 ? at - BLOCK / 2 : s->q.from;
	i = window_at(s, at);
	s->sweeping = 1;
	if (i < s->q.windows && at >= s->window[i].at && s->window[i].kind == LP_TARFIND_NONE) {
		drop_windows(s, i + 1);
		return behind(s, i, half - at + WINDOW / 2);
	}
	while (i > 0 && s->window[i - 1].at + s->window[i - 1].n > at)
		i--;
	drop_windows(s, i);
	return want(s, at, half - at + WINDOW, LP_JUMP_WINDOWS, 0);
}

static enum lp_jump_found
sweep_on(struct lp_jump_search *s)
{
	const struct lp_jump_window *w = &s->window[s->q.windows - 1];

	/* the end may have been in front of it */
	if (w->landed && w->kind == LP_TARFIND_NONE && lp_jump_quantile(&s->odds, 0.5) < lp_jump_first(w) &&
	    in_front(s, s->q.windows - 1, 2 * WINDOW) == LP_JUMP_SEEK)
		return LP_JUMP_SEEK;
	if (!w->landed || w->kind == LP_TARFIND_NONE)
		return behind(s, s->q.windows - 1, 2 * WINDOW);
	/* the place is sure, and bytes of the header are not */
	if (w->ending > 0 && s->odds.odds > s->caution && w->grown > CONFIRM_MOST)
		return LP_JUMP_LOST;
	return in_front(s, s->q.windows - 1, w->n / 2 > 2 * WINDOW ? w->n / 2 : 2 * WINDOW);
}

static enum lp_jump_found
choose(struct lp_jump_search *s)
{
	const struct lp_jump_odds *o = &s->odds;
	uint64_t low = lp_jump_quantile(o, 0.16), high = lp_jump_quantile(o, 0.84);
	size_t i = blind(s);

	if (s->sweeping)
		return sweep_on(s);
	if (i < s->q.windows && behind(s, i, WINDOW / 2) == LP_JUMP_SEEK)
		return LP_JUMP_SEEK;
	if (i < s->q.windows)
		remove_window(s, i);
	if (s->taken < s->planned) {
		double place = s->estimate * 0.97 * (s->taken++ + 0.5) / s->planned;

		return look_at(s, s->q.from + (uint64_t)place, WINDOW);
	}
	if (confirm(s) == LP_JUMP_SEEK)
		return LP_JUMP_SEEK;
	/* the place is sure, and bytes of the header are not: nothing else will tell */
	if (s->q.windows > 0 && o->odds > s->caution)
		return LP_JUMP_LOST;
	if (high - low <= 3 * WINDOW)
		return sweep(s);
	if (s->rounds < s->planned + ROUNDS_MOST)
		return look_at(s, lp_jump_quantile(o, 0.5), WINDOW);
	return (double)(high - low) < s->estimate * 0.7 ? sweep(s) : LP_JUMP_LOST;
}

enum lp_jump_found
lp_jump_search_next(struct lp_jump_search *s)
{
	const struct lp_jump_odds *o = &s->odds;

	if (s->q.to <= s->q.from + WINDOW)
		return LP_JUMP_LOST;
	lp_jump_weigh(&s->odds, &s->q);
	if (s->q.windows > 0 && o->odds > s->caution && s->window[o->best].kind == LP_TARFIND_SETTLED)
		return LP_JUMP_LANDED;
	if (s->asked > ASKED_MOST || (double)s->asked > 0.6 * s->estimate + 4 * WINDOW)
		return LP_JUMP_LOST;
	return choose(s);
}

/* Room for a window in the order of places. */
static struct lp_jump_window *
insert(struct lp_jump_search *s, uint64_t at)
{
	size_t i = window_at(s, at);

	memmove(&s->window[i + 1], &s->window[i], (s->q.windows - i) * sizeof(s->window[0]));
	s->q.windows++;
	s->window[i] = (struct lp_jump_window){ .at = at };
	return &s->window[i];
}

int
lp_jump_search_give(struct lp_jump_search *s, struct lp_span bytes, struct lp_jump_eye *eye)
{
	struct lp_jump_window *w = s->into < LP_JUMP_WINDOWS ? &s->window[s->into] : insert(s, s->want_at);
	int rc = lp_jump_grow(w, bytes, s->in_front);

	s->asked += bytes.n;
	s->rounds++;
	if (rc == LP_OK)
		lp_jump_look(w, s->habits, s->body, s->size - (w->at + w->n), eye);
	return rc;
}
