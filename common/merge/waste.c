/* Sums up content that later layers overwrite or delete, as we count it and as dive does. */
#include "common/merge/waste.h"

#include <stddef.h>

#include "common/base/num.h"
#include "common/merge/layerdiff.h"
#include "common/merge/tree.h"

/* ---- what whiteouts delete -------------------------------------------------------- */

/* The whiteout of that layer, from a mark on; *from is where to look for those of older layers. */
static struct lp_mark *
whiteout_of(struct lp_mark **from, unsigned layer)
{
	struct lp_mark *k;

	while (*from != NULL && (*from)->layer > layer)
		*from = (*from)->older;
	for (k = *from; k != NULL && k->layer == layer; k = k->older)
		if (!k->opaque)
			return k;
	return NULL;
}

/*
 * To the whiteouts that hide a path's rows, at the path itself or above it.
 * Newer rows were hidden later: the marks of one node are gone through once,
 * however many layers delete it.
 */
static void
charge(const struct lp_node *n)
{
	struct lp_mark *from = n->marks;

	for (const struct lp_row *row = n->row; row != NULL; row = row->older) {
		struct lp_mark *k = row->why == LP_HIDDEN_WHITEOUT ? whiteout_of(&from, row->by) : NULL;

		if (row->why != LP_HIDDEN_WHITEOUT)
			continue;
		/* another one than that of the last row: from the path up */
		for (const struct lp_node *at = n; k == NULL && at != NULL; at = at->parent) {
			from = at->marks;
			k = whiteout_of(&from, row->by);
		}
		if (k != NULL)
			lp_sum(&k->bytes, lp_row_bytes(row));
	}
}

void
lp_waste_begin(struct lp_merge *m)
{
	for (struct lp_node *n = m->root; n != NULL; n = lp_tree_next(m->root, n, 1))
		charge(n);
}

/* ---- ours ------------------------------------------------------------------------------ */

static int
is_duplicate(const struct lp_row *newer, const struct lp_row *row)
{
	struct lp_entry a, b;

	if (newer == NULL || newer->type != LP_REG || newer->layer != row->by || lp_row_size(newer) != lp_row_size(row))
		return 0;
	lp_row_entry(newer, &a);
	lp_row_entry(row, &b);
	return (a.has & b.has & LP_HAS_MTIME) != 0 && a.mtime == b.mtime && a.mtime_nsec == b.mtime_nsec;
}

static enum lp_waste_why
why(const struct lp_row *newer, const struct lp_row *row)
{
	switch (row->why) {
	case LP_HIDDEN_OVERWRITTEN: return is_duplicate(newer, row) ? LP_WASTE_DUPLICATED : LP_WASTE_OVERWRITTEN;
	case LP_HIDDEN_PARENT: return LP_WASTE_REPLACED;
	default: return LP_WASTE_DELETED;
	}
}

/* Content that lives on under another name is not wasted. */
static uint64_t
hidden_bytes(const struct lp_row *row)
{
	int lives = row->why == LP_HIDDEN_NOT || (row->inode != NULL && row->inode->nlink > 0);

	return lives ? 0 : lp_row_bytes(row);
}

static void
add_wasted(struct lp_waste *s, const struct lp_node *n, struct lp_wasted *w)
{
	const struct lp_row *newer = NULL;

	*w = (struct lp_wasted){ 0 };
	for (const struct lp_row *row = n->row; row != NULL; newer = row, row = row->older) {
		uint64_t bytes = hidden_bytes(row);

		lp_sum(&s->bytes, lp_row_bytes(row));
		if (bytes == 0)
			continue;
		if (w->copies++ == 0) {
			w->layer = row->layer;
			w->by = row->by;
			w->why = why(newer, row);
		}
		lp_sum(&w->bytes, bytes);
	}
	lp_sum(&s->wasted, w->bytes);
}

/* ---- dive's --------------------------------------------------------------------------------- */

struct copies {
	uint64_t least, all;
	unsigned n;
};

static void
add_copy(struct copies *c, uint64_t bytes)
{
	c->least = c->n == 0 || bytes < c->least ? bytes : c->least;
	lp_sum(&c->all, bytes);
	c->n++;
}

/* Of each layer one row counts, the last one there; a directory only if nothing is in it. */
static void
add_dive(struct lp_waste *s, const struct lp_node *n)
{
	struct copies c = { 0 };
	unsigned last = LP_MERGE_LAYERS + 1;

	for (const struct lp_row *row = n->row; row != NULL; row = row->older) {
		if (row->implied || row->layer == last || (row->type == LP_DIR && n->children != NULL))
			continue;
		last = row->layer;
		add_copy(&c, lp_row_bytes(row));
		if (row->layer > 0)
			lp_sum(&s->dive.user, lp_row_bytes(row));
	}
	/* a file that is deleted is nothing more, and a directory is what was in it */
	for (const struct lp_mark *k = n->marks; k != NULL; k = k->older)
		if (!k->opaque)
			add_copy(&c, n->children != NULL ? k->bytes : 0);
	lp_sum(&s->dive.least, c.least);
	lp_sum(&s->dive.all, c.all);
	lp_sum(&s->dive.wasted, c.n > 1 ? c.all : 0);
}

void
lp_waste_add(struct lp_waste *s, const struct lp_node *n, struct lp_wasted *w)
{
	add_wasted(s, n, w);
	add_dive(s, n);
}

const char *
lp_waste_name(enum lp_waste_why w)
{
	static const char *const names[] = { "overwritten", "duplicated", "deleted", "replaced" };

	return names[w];
}
