/*
 * Layer over layer, when all rows are at their places: one walk over the
 * tree that knows at each node which layers have cut off what lies below it.
 *
 * Two kinds of cut come from the nodes above. In its own layer, what is no
 * directory takes away all that was put below it before: of each layer the
 * latest such row counts. From layers below, what is no directory in the
 * end, a whiteout, and an opaque mark take away all: of them the lowest above
 * a row's layer is the one that hides it. So a row costs a look, however
 * many layers there are and however often it is hidden.
 */
#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* What one layer has cut off below the nodes above. */
struct cut {
	uint32_t before; /* rows of its own that were added before this one */
	uint32_t n;      /* how many nodes above cut off all that lower layers have */
	uint8_t why;     /* the topmost of them */
};

/* To be undone when the node is left. */
struct undo {
	const struct lp_node *node;
	uint32_t before;
	uint16_t layer;
	uint8_t counted;
};

/* A bit for each layer that has a cut with n > 0, and one for each word of those. */
enum { WORDS = (LP_MERGE_LAYERS + 63) / 64, SUMS = (WORDS + 63) / 64, NO_LAYER = LP_MERGE_LAYERS };

struct settling {
	struct lp_merge *m;
	struct cut *cut; /* by layer */
	uint64_t word[WORDS], sum[SUMS];
	struct undo *undo;
	size_t nundo, undo_cap;
	struct over_link *links; /* newest first */
};

/* A directory that is implied over a lower layer's symbolic link. */
struct over_link {
	struct over_link *next;
	struct lp_node *node;
	struct lp_row *row;
	const struct lp_row *link;
};

/* ---- sets of layers ----------------------------------------------------------- */

/* The lowest layer above that one with a cut, or NO_LAYER. */
static unsigned
next_cut(const struct settling *s, unsigned layer)
{
	unsigned i = ++layer / 64;
	uint64_t bits;

	if (layer >= NO_LAYER)
		return NO_LAYER;
	bits = s->word[i] & ~(uint64_t)0 << layer % 64;
	if (bits != 0)
		return i * 64 + (unsigned)__builtin_ctzll(bits);
	if (++i == WORDS)
		return NO_LAYER;
	bits = s->sum[i / 64] & ~(uint64_t)0 << i % 64;
	for (unsigned k = i / 64; bits == 0;) {
		if (++k == SUMS)
			return NO_LAYER;
		bits = s->sum[k];
		i = k * 64;
	}
	i = i / 64 * 64 + (unsigned)__builtin_ctzll(bits);
	return i * 64 + (unsigned)__builtin_ctzll(s->word[i]);
}

static void
set_bit(struct settling *s, unsigned layer, int on)
{
	unsigned i = layer / 64;

	s->word[i] = on ? s->word[i] | (uint64_t)1 << layer % 64 : s->word[i] & ~((uint64_t)1 << layer % 64);
	s->sum[i / 64] = s->word[i] != 0 ? s->sum[i / 64] | (uint64_t)1 << i % 64 : s->sum[i / 64] & ~((uint64_t)1 << i % 64);
}

/* ---- cuts ----------------------------------------------------------------------- */

static int
push(struct settling *s, const struct lp_node *n, unsigned layer, int counted)
{
	struct undo *u = lp_array_room(s->undo, s->nundo, &s->undo_cap, sizeof(*u));

	if (u == NULL)
		return LP_E_NOMEM;
	s->undo = u;
	s->undo[s->nundo++] = (struct undo){ n, s->cut[layer].before, (uint16_t)layer, counted != 0 };
	return LP_OK;
}

/* All that lower layers have below the node is gone. */
static int
cut_lower(struct settling *s, const struct lp_node *n, unsigned layer, enum lp_hidden why)
{
	struct cut *c = &s->cut[layer];
	int rc = push(s, n, layer, 1);

	if (rc != LP_OK)
		return rc;
	if (c->n++ == 0) {
		c->why = (uint8_t)why;
		set_bit(s, layer, 1);
	}
	return LP_OK;
}

/* All that the row's own layer had put below the node is gone. */
static int
cut_own(struct settling *s, const struct lp_node *n, const struct lp_row *row)
{
	struct cut *c = &s->cut[row->layer];
	int rc = c->before < row->seq ? push(s, n, row->layer, 0) : LP_OK;

	if (rc == LP_OK && c->before < row->seq)
		c->before = row->seq;
	return rc;
}

static void
leave(struct settling *s, const struct lp_node *n)
{
	while (s->nundo > 0 && s->undo[s->nundo - 1].node == n) {
		const struct undo *u = &s->undo[--s->nundo];
		struct cut *c = &s->cut[u->layer];

		c->before = u->before;
		if (u->counted && --c->n == 0)
			set_bit(s, u->layer, 0);
	}
}

/* What the node takes away from below it. Its rows know already whether they are their layer's in the end. */
static int
cut_below(struct settling *s, const struct lp_node *n)
{
	int rc = LP_OK;

	for (const struct lp_row *row = n->row; row != NULL && rc == LP_OK; row = row->older) {
		if (row->type == LP_DIR)
			continue;
		rc = cut_own(s, n, row);
		if (rc == LP_OK && (row->why == LP_HIDDEN_NOT || row->by != row->layer || row->why == LP_HIDDEN_DEVICE))
			rc = cut_lower(s, n, row->layer, LP_HIDDEN_PARENT);
	}
	for (const struct lp_mark *k = n->marks; k != NULL && rc == LP_OK; k = k->older)
		rc = cut_lower(s, n, k->layer, k->opaque ? LP_HIDDEN_OPAQUE : LP_HIDDEN_WHITEOUT);
	return rc;
}

/* ---- one node ------------------------------------------------------------------- */

static void
hide(struct lp_row *row, enum lp_hidden why, unsigned by)
{
	row->why = why & 15u;
	row->by = (uint16_t)by;
}

/* What was seen so far is not any more. */
static void
hide_seen(struct lp_row *row, enum lp_hidden why, unsigned by)
{
	if (row->device00)
		hide(row, LP_HIDDEN_DEVICE, row->layer);
	else
		hide(row, why, by);
}

static struct lp_row *
oldest_row_first(struct lp_row *row)
{
	struct lp_row *first = NULL;

	while (row != NULL) {
		struct lp_row *older = row->older;

		row->older = first;
		first = row;
		row = older;
	}
	return first;
}

static struct lp_mark *
oldest_mark_first(struct lp_mark *k)
{
	struct lp_mark *first = NULL;

	while (k != NULL) {
		struct lp_mark *older = k->older;

		k->older = first;
		first = k;
		k = older;
	}
	return first;
}

/* The first layer above the row's that takes it away: from above its node, or by a whiteout of it. NO_LAYER for none. */
static unsigned
taken_by(const struct settling *s, const struct lp_row *row, const struct lp_mark **mark, enum lp_hidden *why)
{
	unsigned by = next_cut(s, row->layer);

	while (*mark != NULL && ((*mark)->opaque || (*mark)->layer <= row->layer))
		*mark = (*mark)->older;
	*why = by != NO_LAYER ? (enum lp_hidden)s->cut[by].why : LP_HIDDEN_NOT;
	if (*mark == NULL || (*mark)->layer >= by)
		return by;
	*why = LP_HIDDEN_WHITEOUT;
	return (*mark)->layer;
}

/* Another row in place of an implied one. LP_E_NOMEM without one. */
static int
replace(struct lp_row **row, struct lp_row *other)
{
	if (other == NULL)
		return LP_E_NOMEM;
	other->older = (*row)->older;
	other->seq = (*row)->seq;
	other->layer = (*row)->layer;
	other->why = (*row)->why;
	other->by = (*row)->by;
	*row = other;
	return LP_OK;
}

/*
 * A directory that is only implied has the attributes of the nearest lower
 * one, be it there no more; or, in place of a link, of what the link led to
 * in its layer, which is known later.
 */
static int
imply(struct settling *s, struct lp_node *n, struct lp_row **row, const struct lp_row *lower)
{
	struct over_link *o;

	if (lower != NULL && lower->type == LP_DIR && !lower->implied)
		return replace(row, lp_rowkeep_implied_as(&s->m->keep, lower));
	if (lp_merge_symlink(lower) == NULL)
		return LP_OK;
	o = lp_arena_alloc(&s->m->keep.objects, sizeof(*o));
	if (o == NULL || replace(row, lp_rowkeep_implied_late(&s->m->keep)) != LP_OK)
		return LP_E_NOMEM;
	*o = (struct over_link){ s->links, n, *row, lower };
	s->links = o;
	return LP_OK;
}

/* The directory that the link leads to in its own layer, or NULL; LP_E_DATA in *rc if it leads on without end. */
static const struct lp_row *
led_to(struct lp_merge *m, const struct over_link *o, struct lp_buf *path, int *rc)
{
	const unsigned layer = o->link->layer;
	const struct lp_row *row;
	struct lp_node *at;

	*rc = lp_tree_path(o->node, path);
	*rc = *rc != LP_OK ? *rc : lp_merge_resolve_in(m, lp_buf_span(path), layer, &at);
	row = *rc == LP_OK ? lp_merge_row_in(m, at, layer) : NULL;
	return row != NULL && !row->implied ? row : NULL;
}

/* All of those, when every row knows what has become of it. */
static int
imply_over_links(struct lp_merge *m, const struct over_link *o)
{
	struct lp_buf path;
	int rc = LP_OK;

	lp_buf_init(&path, LP_MAX_ROW);
	for (; o != NULL && rc == LP_OK; o = o->next) {
		int way;
		const struct lp_row *like = led_to(m, o, &path, &way);

		if (like != NULL)
			lp_row_imply_as(o->row, like);
		rc = lp_merge_spend(m, 0);
		if (rc == LP_OK && m->check)
			rc = lp_merge_check_over_link(m, o->node, o->row, way);
	}
	lp_buf_release(&path);
	return rc;
}

/*
 * The rows of a node from the oldest on: one of each layer is what the layer
 * has there in the end, and lies over that of the layers below it.
 */
static int
stack_rows(struct settling *s, struct lp_node *n, struct lp_row **first, const struct lp_mark *mark)
{
	struct lp_row *seen = NULL, *lower = NULL;
	enum lp_hidden why = LP_HIDDEN_NOT;
	unsigned taken = NO_LAYER;

	for (struct lp_row **at = first, *row; (row = *at) != NULL; at = &row->older) {
		if (row->why == LP_HIDDEN_NOT && row->seq < s->cut[row->layer].before)
			hide(row, LP_HIDDEN_PARENT, row->layer);
		if (row->why != LP_HIDDEN_NOT)
			continue;
		if (seen != NULL && taken <= row->layer) {
			hide_seen(seen, why, taken);
			lower = why == LP_HIDDEN_OPAQUE ? lower : NULL;
			seen = NULL;
		}
		if (row->implied && seen != NULL && seen->type == LP_DIR) {
			hide(row, LP_HIDDEN_SAME, row->layer);
			continue;
		}
		if (seen != NULL)
			hide_seen(seen, LP_HIDDEN_OVERWRITTEN, row->layer);
		if (row->implied) {
			if (imply(s, n, &row, lower) != LP_OK)
				return LP_E_NOMEM;
			*at = row;
		}
		seen = lower = row;
		taken = taken_by(s, row, &mark, &why);
	}
	if (seen != NULL && taken != NO_LAYER) {
		hide_seen(seen, why, taken);
		seen = NULL;
	}
	if (seen != NULL && seen->device00) {
		hide_seen(seen, LP_HIDDEN_DEVICE, seen->layer);
		seen = NULL;
	}
	n->seen = seen;
	return LP_OK;
}

static int
settle_node(struct settling *s, struct lp_node *n)
{
	struct lp_row *first = oldest_row_first(n->row);
	struct lp_mark *mark = oldest_mark_first(n->marks);
	int rc = stack_rows(s, n, &first, mark);

	n->row = oldest_row_first(first);
	n->marks = oldest_mark_first(mark);
	if (rc == LP_OK && s->m->check)
		rc = lp_merge_check_node(s->m, n);
	return rc == LP_OK && n->children != NULL ? cut_below(s, n) : rc;
}

static int
settle(struct settling *s)
{
	struct lp_node *n = s->m->root;
	int rc = settle_node(s, n);

	while (rc == LP_OK) {
		struct lp_node *next = lp_tree_next(n, n, 1);

		/* nothing is below it: up to the first that has a sibling, leaving each */
		while (next == NULL && n != s->m->root) {
			leave(s, n);
			next = n->next;
			n = n->parent;
		}
		if (next == NULL)
			break;
		n = next;
		rc = settle_node(s, n);
	}
	return rc;
}

int
lp_merge_settle(struct lp_merge *m)
{
	struct settling *s = calloc(1, sizeof(*s));
	int rc = LP_E_NOMEM;

	if (s == NULL)
		return rc;
	s->m = m;
	s->cut = calloc(m->layers > 0 ? m->layers : 1, sizeof(*s->cut));
	if (s->cut != NULL)
		rc = settle(s);
	if (rc == LP_OK)
		rc = imply_over_links(m, s->links);
	free(s->cut);
	free(s->undo);
	free(s);
	return rc;
}
