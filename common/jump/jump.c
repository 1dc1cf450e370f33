/*
 * The machine that reads a gzip file of tar in parts.
 *
 * It reads in line (struct line) until a body begins whose rest is large,
 * then searches (jump/search.h), and goes on in line from where it landed: in
 * symbols, some of which are marks of what was jumped over. Where a mark
 * stands in what somebody needs, it goes back to where it jumped off, and
 * reads on from there without a jump.
 */
#include "common/jump/jump.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/le.h"
#include "common/base/status.h"
#include "common/jump/search.h"

enum { CHUNK = 32 * 1024, CHUNK_MOST = 256 * 1024, PIECE = 16 * 1024, KEPT = LP_MARKED_HISTORY };
enum { GZIP_HEADER = 10, GZIP_TRAILER = 8, HEADER_MOST = 64 * 1024, USTAR_AT = 257 };
/* Bytes of input that a body's rest must be worth, for the search of its end to pay. */
enum { WORTH = 512 * 1024 };
/* Bytes of the largest body: what is longer ends with the file. */
static const uint64_t body_most = (uint64_t)1 << 50;
/* The odds that a landing must have. */
enum { CAUTION = 400 };
/* What searches may cost that find nothing, beyond what others have saved: a part of the file, and bytes. */
enum { CREDIT_PART = 64, CREDIT_LEAST = 256 * 1024 };

enum state { AT_HEADER, IN_LINE, AT_TRAILER, SEARCHING, AT_END, FAILED };

/* Reading in order. */
struct line {
	struct lp_marked marked;
	struct lp_marked_io io; /* io.in: what was given and is not decoded yet */
	uint64_t at;            /* place in the file behind io.in */
	uint64_t start;         /* the member's, in bytes of tar */
	uint64_t behind;        /* symbols to be passed over before the next that counts */
	size_t given;           /* symbols of io.out handed out */
	size_t chunk;
	int ended;              /* the final block has */
	struct lp_tarfind_zeros zeros; /* what is known of its marks */
	uint16_t out[KEPT + PIECE + LP_MARKED_ROOM];
};

struct lp_jump_room {
	enum state state;
	struct line line;
	unsigned char in[LP_DEFLATE_HEADER_MAX + CHUNK_MOST + HEADER_MOST];
	unsigned char block[LP_TAR_BLOCK];
	unsigned char last[LP_TARFIND_NAME]; /* the name in the last header */

	int was_header;     /* the last bytes handed out were a header with a magic */
	int in_body;        /* of a member; then */
	struct lp_jump_body body;
	uint64_t left;      /* bytes of it and its padding, still to come */
	uint64_t owed;      /* of what was jumped over, not yet said to be skipped */
	int lost;           /* its end was looked for, in vain */
	struct lp_jump_habits habits;

	/* where the last jump began */
	int has_back;
	struct line back;
	uint64_t back_offset;

	/* bytes of input that searches have saved, and cost in vain */
	uint64_t saved;
	uint64_t wasted;

	struct lp_jump_search search;
	struct lp_jump_eye eye;
};

/* Of the next byte of input, in the file. */
static uint64_t
place(const struct line *l)
{
	return l->at - l->io.in.n;
}

static enum lp_jump_event
fail(struct lp_jump *j, int status, const char *why)
{
	j->room->state = FAILED;
	j->status = status;
	j->why = why;
	j->error_at = place(&j->room->line);
	return LP_JUMP_ERROR;
}

static enum lp_jump_event
ends_early(struct lp_jump *j)
{
	(void)fail(j, LP_E_DATA, j->size > 0 ? "the file ends inside a gzip member" : "the file is empty");
	j->error_at = j->size;
	return LP_JUMP_ERROR;
}

static enum lp_jump_event
want(struct lp_jump *j, uint64_t at, uint64_t n)
{
	j->want_at = at;
	j->want_n = (size_t)(n < j->size - at ? n : j->size - at);
	j->asked += j->want_n;
	j->rounds++;
	return LP_JUMP_WANT;
}

/* The next bytes in line; what is left goes to the front of the buffer. */
static enum lp_jump_event
want_more(struct lp_jump *j, size_t n)
{
	struct line *l = &j->room->line;

	return l->at == j->size ? ends_early(j) : want(j, l->at, n);
}

static void
take_in(struct lp_jump_room *r, struct lp_span s)
{
	struct line *l = &r->line;

	if (l->io.in.n > 0)
		memmove(r->in, l->io.in.p, l->io.in.n);
	memcpy(r->in + l->io.in.n, s.p, s.n);
	l->io.in = lp_span(r->in, l->io.in.n + s.n);
	l->at += s.n;
}

/* ---- framing: RFC 1952 ---- */

/* Bytes of a member's header, 0 if it goes on behind these, or -1. */
static long
gzip_header(struct lp_span in)
{
	enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };
	size_t n = GZIP_HEADER;
	unsigned flags;

	if (in.n < GZIP_HEADER)
		return 0;
	flags = in.p[3];
	if (in.p[0] != 0x1f || in.p[1] != 0x8b || in.p[2] != 8 || flags & RESERVED)
		return -1;
	if (flags & FEXTRA) {
		if (in.n < n + 2)
			return 0;
		n += 2u + in.p[n] + ((size_t)in.p[n + 1] << 8);
	}
	for (int texts = ((flags & FNAME) != 0) + ((flags & FCOMMENT) != 0); texts > 0; texts--) {
		const unsigned char *nul = n < in.n ? memchr(in.p + n, '\0', in.n - n) : NULL;

		if (nul == NULL)
			return 0;
		n = (size_t)(nul - in.p) + 1;
	}
	n += flags & FHCRC ? 2 : 0;
	return n <= in.n ? (long)n : 0;
}

static enum lp_jump_event
at_header(struct lp_jump *j)
{
	struct line *l = &j->room->line;
	long n = gzip_header(l->io.in);

	if (n < 0)
		return fail(j, LP_E_DATA, "this is no gzip file");
	if (n == 0 && l->io.in.n >= HEADER_MOST)
		return fail(j, LP_E_LIMIT, "the gzip header is longer than this reader allows");
	if (n == 0)
		return want_more(j, CHUNK);
	lp_span_take(&l->io.in, (size_t)n);
	lp_marked_start(&l->marked, 0);
	l->io.skip = 0;
	l->start = j->offset;
	l->ended = 0;
	j->room->state = IN_LINE;
	return LP_JUMP_SKIPPED;
}

/* The member's length must be what was read and jumped over. What follows is another member, or nothing. */
static enum lp_jump_event
at_trailer(struct lp_jump *j)
{
	struct line *l = &j->room->line;
	const unsigned char *p = l->io.in.p;
	uint32_t length;

	if (l->io.in.n < GZIP_TRAILER + 2 && l->at < j->size)
		return want_more(j, CHUNK);
	if (l->io.in.n < GZIP_TRAILER)
		return ends_early(j);
	length = lp_le32(p + 4);
	lp_span_take(&l->io.in, GZIP_TRAILER);
	j->unproven = length != (uint32_t)(j->offset - l->start);
	if (j->unproven && j->jumps == 0)
		return fail(j, LP_E_DATA, "the length in the gzip trailer is not that of the data");
	if (!j->unproven && l->io.in.n >= 2 && l->io.in.p[0] == 0x1f && l->io.in.p[1] == 0x8b) {
		j->room->state = AT_HEADER;
		return LP_JUMP_SKIPPED;
	}
	/* zeros are padding */
	j->trailing = l->io.in.n > 0 && l->io.in.p[0] != 0 ? place(l) : 0;
	j->room->state = AT_END;
	return LP_JUMP_END;
}

/* ---- in line ---- */

static size_t
ready(const struct line *l)
{
	return l->io.n - l->given;
}

/* Room for a piece: only once there is none, for blocks may be of few symbols. */
static void
make_room(struct line *l)
{
	size_t drop = l->given > KEPT ? l->given - KEPT : 0;

	if (l->io.n + LP_MARKED_ROOM <= sizeof(l->out) / sizeof(l->out[0]))
		return;
	memmove(l->out, l->out + drop, (l->io.n - drop) * sizeof(l->out[0]));
	l->io.n -= drop;
	l->given -= drop;
}

/* Decode on, once all before is handed out but less than a block. */
static enum lp_marked_result
decode(struct line *l)
{
	enum lp_marked_result rc;
	size_t n;

	make_room(l);
	l->io.out = l->out;
	l->io.cap = sizeof(l->out) / sizeof(l->out[0]);
	rc = lp_marked_run(&l->marked, &l->io);
	n = ready(l);
	n = l->behind < n ? (size_t)l->behind : n;
	l->given += n;
	l->behind -= n;
	return rc;
}

/* Symbols of the body come by. */
static void
look_at_body(struct lp_jump_room *r, const uint16_t *s, size_t n)
{
	struct lp_jump_body *b = &r->body;

	for (size_t i = 0; i < n && b->nhead < LP_JUMP_HEAD; i++)
		b->head[b->nhead++] = s[i];
	b->passed += n;
}

/* n of what is ready is passed over, or handed out. */
static void
pass(struct lp_jump *j, size_t n)
{
	struct line *l = &j->room->line;

	if (j->room->in_body)
		look_at_body(j->room, l->out + l->given, n);
	l->given += n;
	j->offset += n;
}

/* A body that was read in line says how bodies of its kind are compressed. */
static void
end_body(struct lp_jump_room *r, uint64_t at)
{
	if (r->in_body && r->body.size >= LP_MARKED_HISTORY)
		lp_jump_learn(&r->habits, lp_jump_kind(&r->body), (double)(at - r->body.at), (double)r->body.size);
	r->in_body = 0;
}

static enum lp_jump_event
skip(struct lp_jump *j, uint64_t n)
{
	struct lp_jump_room *r = j->room;

	j->skipped = ready(&r->line) < n ? ready(&r->line) : n;
	pass(j, (size_t)j->skipped);
	if (r->in_body)
		r->left -= j->skipped < r->left ? j->skipped : r->left;
	if (r->in_body && r->left == 0) {
		lp_jump_learn_end(&r->habits, &r->body, r->line.out + r->line.given, r->line.given);
		end_body(r, place(&r->line));
	}
	return LP_JUMP_SKIPPED;
}

/* What is needed is a mark: from where the last jump began everything is read. */
static enum lp_jump_event
go_back(struct lp_jump *j)
{
	struct lp_jump_room *r = j->room;

	if (!r->has_back)
		return fail(j, LP_E_DATA, "a match reaches in front of the data");
	r->line = r->back;
	r->line.io.out = r->line.out;
	r->line.behind = j->offset - r->back_offset;
	r->has_back = 0;
	r->in_body = 0;
	j->jumps--;
	return LP_JUMP_SKIPPED;
}

/* A block of tar, or what is left of one at the end. */
static enum lp_jump_event
hand_out(struct lp_jump *j, size_t n)
{
	struct lp_jump_room *r = j->room;
	const uint16_t *s = r->line.out + r->line.given;
	int known = 1;

	for (size_t i = 0; i < n; i++) {
		uint16_t c = lp_tarfind_known(&r->line.zeros, s[i]);

		known &= c < 256;
		r->block[i] = (unsigned char)c;
	}
	if (!known && (n < LP_TAR_BLOCK || lp_tarfind_settle(s, r->last, &r->line.zeros, r->block) != LP_TARFIND_SETTLED))
		return go_back(j);
	end_body(r, place(&r->line));
	r->was_header = n == LP_TAR_BLOCK && memcmp(r->block + USTAR_AT, "ustar", 5) == 0;
	if (r->was_header)
		memcpy(r->last, r->block, sizeof(r->last));
	pass(j, n);
	j->bytes = lp_span(r->block, n);
	return LP_JUMP_BYTES;
}

/* ---- bodies ---- */

static void
begin_body(struct lp_jump *j, uint64_t skippable, unsigned padding)
{
	struct lp_jump_room *r = j->room;

	r->in_body = 1;
	r->lost = 0;
	r->left = (skippable + LP_TAR_BLOCK - 1) / LP_TAR_BLOCK * LP_TAR_BLOCK;
	r->body = (struct lp_jump_body){ .size = r->left - padding, .padding = padding, .at = place(&r->line) };
	memcpy(r->body.name, r->last, sizeof(r->body.name));
}

/* Whether what is left of the body is worth a search, now that all that was read is decoded. */
static int
is_worth(struct lp_jump *j)
{
	struct lp_jump_room *r = j->room;
	uint64_t at = place(&r->line);
	double sd, ratio;

	if (!r->in_body || r->lost || j->passes > 0 || r->left < WORTH ||
	    r->wasted > r->saved / 2 + j->size / CREDIT_PART + CREDIT_LEAST)
		return 0;
	if (r->body.nhead < LP_JUMP_HEAD || lp_jump_is_tar(&r->body))
		return 0;
	ratio = lp_jump_expect(&r->habits, &r->body, at > r->body.at ? at - r->body.at : 0, &sd);
	if ((double)r->left * ratio < WORTH)
		return 0;
	r->search.size = j->size;
	r->search.habits = &r->habits;
	r->search.caution = CAUTION;
	lp_jump_search_start(&r->search, &r->body, r->line.at, r->left, ratio, sd);
	r->state = SEARCHING;
	return 1;
}

/* Go on in line from the block that the window landed on, up to the header that it shows. */
static void
land(struct lp_jump *j, const struct lp_jump_window *w)
{
	struct lp_jump_room *r = j->room;
	struct line *l = &r->line;

	r->back = *l;
	r->back.at = place(l);
	r->back.io.in.n = 0;
	r->back_offset = j->offset;
	r->has_back = 1;

	lp_marked_start(&l->marked, LP_MARKED_HISTORY);
	lp_marked_history(l->out);
	memset(&l->zeros, 0, sizeof(l->zeros));
	l->io.in.n = 0;
	l->io.n = LP_MARKED_HISTORY;
	l->io.skip = w->bit % 8;
	l->given = LP_MARKED_HISTORY;
	l->behind = w->hit;
	l->at = lp_jump_first(w);
	l->chunk = CHUNK;
	r->owed = r->left;
	j->offset += r->left;
	j->jumps++;
	end_body(r, w->at + w->header);
}

/* What the window holds need not be wanted again. */
static void
keep(struct lp_jump_room *r, const struct lp_jump_window *w)
{
	size_t from = (size_t)(w->bit / 8), n = w->n - from;

	take_in(r, lp_span(w->p + from, n < sizeof(r->in) ? n : sizeof(r->in)));
}

static enum lp_jump_event
search(struct lp_jump *j)
{
	struct lp_jump_room *r = j->room;
	const struct lp_jump_window *w;
	uint64_t passed;

	switch (lp_jump_search_next(&r->search)) {
	case LP_JUMP_SEEK:
		return want(j, r->search.want_at, r->search.want_n);
	case LP_JUMP_LANDED:
		w = &r->search.window[r->search.odds.best];
		passed = w->at + w->header - r->search.q.from;
		r->saved += passed > r->search.asked ? passed - r->search.asked : 0;
		r->wasted += passed < r->search.asked ? r->search.asked - passed : 0;
		land(j, w);
		keep(r, w);
		break;
	case LP_JUMP_LOST:
		r->lost = 1;
		r->wasted += r->search.asked;
		break;
	}
	lp_jump_search_end(&r->search);
	r->state = IN_LINE;
	return LP_JUMP_SKIPPED;
}

/* Chunks grow while nothing is jumped over, and do not reach far behind a body's end. */
static enum lp_jump_event
want_chunk(struct lp_jump *j)
{
	struct line *l = &j->room->line;
	size_t n = l->chunk;

	l->chunk = n + n / 4 < CHUNK_MOST ? n + n / 4 : CHUNK_MOST;
	return want_more(j, n);
}

static enum lp_jump_event
in_line(struct lp_jump *j, uint64_t skippable, unsigned padding)
{
	struct lp_jump_room *r = j->room;
	struct line *l = &r->line;
	enum lp_marked_result rc;

	if (r->owed > 0 && skippable > 0) {
		j->skipped = r->owed < skippable ? r->owed : skippable;
		r->owed -= j->skipped;
		return LP_JUMP_SKIPPED;
	}
	if (skippable > 0 && skippable <= body_most && r->was_header && !r->in_body)
		begin_body(j, skippable, padding);
	r->was_header = 0;
	if (skippable > 0 && ready(l) > 0)
		return skip(j, skippable);
	if (ready(l) >= LP_TAR_BLOCK)
		return hand_out(j, LP_TAR_BLOCK);
	if (l->ended && ready(l) > 0)
		return hand_out(j, ready(l));
	if (l->ended) {
		if (l->io.skip > 0)
			lp_span_take(&l->io.in, 1);
		l->io.skip = 0;
		r->state = AT_TRAILER;
		return LP_JUMP_SKIPPED;
	}
	rc = decode(l);
	/* what has come counts before that no more does */
	if (ready(l) >= LP_TAR_BLOCK || (skippable > 0 && ready(l) > 0))
		return LP_JUMP_SKIPPED;
	if (rc == LP_MARKED_BAD)
		return fail(j, LP_E_DATA, "the deflate data is corrupt");
	if (rc == LP_MARKED_MORE)
		return skippable > 0 && is_worth(j) ? LP_JUMP_SKIPPED : want_chunk(j);
	l->ended = rc == LP_MARKED_END;
	return LP_JUMP_SKIPPED;
}

/* ---- the machine ---- */

static void
start(struct lp_jump *j)
{
	struct lp_jump_room *r = j->room;

	j->offset = 0;
	j->jumps = 0;
	j->unproven = 0;
	j->trailing = 0;
	memset(r, 0, offsetof(struct lp_jump_room, search));
	r->line.chunk = CHUNK;
	r->line.io.in = lp_span(r->in, 0);
}

int
lp_jump_init(struct lp_jump *j, uint64_t size)
{
	*j = (struct lp_jump){ .size = size, .room = calloc(1, sizeof(*j->room)) };
	if (j->room == NULL)
		return LP_E_NOMEM;
	start(j);
	return LP_OK;
}

void
lp_jump_release(struct lp_jump *j)
{
	if (j->room == NULL)
		return;
	lp_jump_search_end(&j->room->search);
	free(j->room);
	j->room = NULL;
}

void
lp_jump_again(struct lp_jump *j)
{
	j->passes++;
	start(j);
}

enum lp_jump_event
lp_jump_next(struct lp_jump *j, uint64_t skippable, unsigned padding)
{
	enum lp_jump_event ev;

	/* a step that has nothing to say answers that it has skipped nothing */
	do {
		j->skipped = 0;
		switch (j->room->state) {
		case AT_HEADER: ev = at_header(j); break;
		case IN_LINE: ev = in_line(j, skippable, padding); break;
		case AT_TRAILER: ev = at_trailer(j); break;
		case SEARCHING: ev = search(j); break;
		case AT_END: ev = LP_JUMP_END; break;
		default: ev = LP_JUMP_ERROR;
		}
	} while (ev == LP_JUMP_SKIPPED && j->skipped == 0);
	return ev;
}

int
lp_jump_give(struct lp_jump *j, struct lp_span s)
{
	if (j->room->state == SEARCHING)
		return lp_jump_search_give(&j->room->search, s, &j->room->eye);
	take_in(j->room, s);
	return LP_OK;
}
