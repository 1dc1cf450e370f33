/* What a layer added, changed and removed, and its sums. */
#include "common/merge/layerdiff.h"

#include <stddef.h>

#include "common/base/num.h"

static int
same_directory(const struct lp_row *a, const struct lp_row *b)
{
	struct lp_entry x, y;

	if (a->type != LP_DIR || b->type != LP_DIR)
		return 0;
	lp_row_entry(a, &x);
	lp_row_entry(b, &y);
	return x.mode == y.mode && x.uid == y.uid && x.gid == y.gid;
}

/* Whether its layer showed it: what is hidden there was never seen. */
static int
was_seen(const struct lp_row *row)
{
	return row->why == LP_HIDDEN_NOT || row->by != row->layer;
}

static const struct lp_row *
next_seen(const struct lp_row *row)
{
	while (row != NULL && !was_seen(row))
		row = row->older;
	return row;
}

void
lp_layerdiff_init(struct lp_layerdiff *d, const struct lp_row *newest)
{
	*d = (struct lp_layerdiff){ .row = next_seen(newest) };
}

static enum lp_change
tell(struct lp_layerdiff *d, enum lp_change change, unsigned layer, const struct lp_row *before, const struct lp_row *after)
{
	d->layer = layer;
	d->before = before;
	d->after = after;
	return change;
}

/*
 * Each row was seen from its own layer up to the one that hid it: its end,
 * then its begin. Where the end of the one before it is its begin, the two
 * are one change.
 */
enum lp_change
lp_layerdiff_next(struct lp_layerdiff *d)
{
	for (;;) {
		const struct lp_row *after = d->begin, *row = d->row;

		if (after != NULL && (row == NULL || row->by < after->layer)) {
			d->begin = NULL;
			return tell(d, LP_CHANGE_ADDED, after->layer, NULL, after);
		}
		if (row == NULL)
			return LP_CHANGE_NONE;
		d->begin = row;
		d->row = next_seen(row->older);
		if (after != NULL && !same_directory(row, after))
			return tell(d, LP_CHANGE_CHANGED, after->layer, row, after);
		if (after == NULL && row->why != LP_HIDDEN_NOT)
			return tell(d, LP_CHANGE_DELETED, row->by, row, NULL);
	}
}

const char *
lp_change_name(enum lp_change c)
{
	static const char *const names[] = { "", "added", "changed", "deleted" };

	return names[c];
}

uint64_t
lp_row_bytes(const struct lp_row *row)
{
	return row->type == LP_REG ? lp_row_size(row) : 0;
}

void
lp_layersum_add(struct lp_layersum *sums, const struct lp_row *newest)
{
	for (const struct lp_row *row = newest; row != NULL; row = row->older) {
		struct lp_layersum *s = &sums[row->layer];
		/* content that lives on under another name is not wasted */
		int lives = row->inode != NULL && row->inode->nlink > 0;

		if (row->implied)
			continue;
		s->entries++;
		lp_sum(&s->bytes, lp_row_bytes(row));
		if (row->why == LP_HIDDEN_NOT)
			continue;
		s->hidden_entries++;
		lp_sum(&s->hidden_bytes, lives ? 0 : lp_row_bytes(row));
	}
}
