/* What a layer added, changed and removed, and its sums. */
#include "common/merge/layerdiff.h"

#include <stddef.h>

#include "common/base/num.h"

static int
is_hidden_after(const struct lp_row *row, unsigned layer)
{
	return row->why == LP_HIDDEN_METADATA || (row->why != LP_HIDDEN_NOT && row->by <= layer);
}

static int
is_hidden_before(const struct lp_row *row, unsigned layer)
{
	return row->why == LP_HIDDEN_METADATA || (row->why != LP_HIDDEN_NOT && row->by < layer);
}

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

enum lp_change
lp_layerdiff(const struct lp_row *newest, unsigned layer, const struct lp_row **before, const struct lp_row **after)
{
	*before = *after = NULL;
	for (const struct lp_row *row = newest; row != NULL; row = row->older) {
		if (row->layer == layer && !is_hidden_after(row, layer))
			*after = row;
		else if (row->layer < layer && !is_hidden_before(row, layer))
			*before = row;
	}
	/* nothing of this layer is there: then what was there before it was left, or taken away */
	if (*after == NULL)
		return *before != NULL && is_hidden_after(*before, layer) ? LP_CHANGE_DELETED : LP_CHANGE_NONE;
	if (*before == NULL)
		return LP_CHANGE_ADDED;
	return same_directory(*before, *after) ? LP_CHANGE_NONE : LP_CHANGE_CHANGED;
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
