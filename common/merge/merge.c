/* Applies one layer's rows to the tree: replacement, deferred entries, hard links. */
#include "common/merge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* A row that waits for the whiteouts of its layer, which may stand behind it. */
struct lp_late {
	struct lp_late *next;
	struct lp_row *row;
	struct lp_span name;
};

int
lp_merge_init(struct lp_merge *m, uint64_t seed, uint64_t max_rows)
{
	*m = (struct lp_merge){ .seed = seed, .max_rows = max_rows };
	m->late_end = &m->late;
	lp_rowkeep_init(&m->keep);
	lp_arena_init(&m->late_text);
	lp_buf_init(&m->cached_dir, LP_MAX_ROW);
	lp_buf_init(&m->clean, LP_MAX_ROW);
	m->root = lp_tree_root(m);
	if (m->root != NULL)
		return LP_OK;
	lp_merge_release(m);
	return LP_E_NOMEM;
}

void
lp_merge_release(struct lp_merge *m)
{
	lp_tree_release(m);
	m->root = NULL;
	lp_rowkeep_release(&m->keep);
	lp_arena_release(&m->late_text);
	lp_buf_release(&m->cached_dir);
	lp_buf_release(&m->clean);
	free(m->links);
	m->links = NULL;
}

const char *
lp_hidden_name(enum lp_hidden why)
{
	static const char *const names[] = { "", "overwritten", "whiteout", "opaque", "parent", "metadata" };

	return names[why];
}

/* A row that no name can reach: only the layer knows it. */
static void
hide_metadata(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	row->why = LP_HIDDEN_METADATA;
	row->by = lp_merge_this(m);
	row->older = n->row;
	n->row = row;
}

/* A directory that another one replaces leads where it led before. */
static void
overwrite(struct lp_merge *m, struct lp_row *old, const struct lp_row *row)
{
	struct lp_node *cached = m->cached;

	lp_merge_hide(m, old, LP_HIDDEN_OVERWRITTEN);
	if (old->type == LP_DIR && row->type == LP_DIR)
		m->cached = cached;
}

/* The row at its place, and what it replaces hidden. */
static int
put(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	struct lp_row *old = lp_tree_visible(n);
	int rc = LP_OK;

	if (old != NULL) {
		if (old->type == LP_DIR && row->type != LP_DIR)
			rc = lp_merge_hide_below(m, n);
		overwrite(m, old, row);
	}
	if (rc == LP_OK && row->type == LP_HARDLINK)
		rc = lp_merge_link(m, row, n);
	if (rc == LP_OK)
		lp_merge_show(n, row);
	return rc;
}

static int
put_root(struct lp_merge *m, struct lp_row *row)
{
	if (row->type == LP_DIR)
		return put(m, m->root, row);
	m->no_root++; /* it is a directory whatever a layer says */
	return LP_OK;
}

/* Put a row below a directory. */
static int
put_below(struct lp_merge *m, struct lp_node *parent, struct lp_span dir, struct lp_span base, struct lp_row *row)
{
	struct lp_node *n;
	int rc = lp_tree_child(m, parent, base, &n);

	if (rc == LP_E_ABSENT) {
		m->unplaced++;
		return LP_OK;
	}
	if (rc == LP_OK && n->metadata) {
		hide_metadata(m, n, row);
		return LP_OK;
	}
	rc = rc != LP_OK ? rc : lp_merge_ensure(m, parent);
	/* remembered first: what the row replaces may be what the memory rests on */
	rc = rc != LP_OK ? rc : lp_merge_cache(m, dir, parent);
	return rc != LP_OK ? rc : put(m, n, row);
}

static int
defer(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	struct lp_late *late = lp_arena_alloc(&m->late_text, sizeof(*late));
	const unsigned char *copy = lp_arena_copy(&m->late_text, name);

	if (late == NULL || copy == NULL)
		return LP_E_NOMEM;
	*late = (struct lp_late){ .row = row, .name = lp_span(copy, name.n) };
	*m->late_end = late;
	m->late_end = &late->next;
	return LP_OK;
}

/*
 * Place a row. One whose way leads over a link of a lower layer is put off
 * to the end of its layer, and all behind it with it: a whiteout that is
 * still to come may take the link away. `may_defer` is the row's name then.
 */
static int
place(struct lp_merge *m, struct lp_row *row, struct lp_span dir, struct lp_span base, const struct lp_span *may_defer)
{
	struct lp_node *parent;
	int rc;

	if (base.n == 0)
		return put_root(m, row);
	rc = lp_merge_parent(m, dir, &parent);
	if (may_defer != NULL && m->through_lower && rc != LP_E_NOMEM && rc != LP_E_LIMIT)
		return defer(m, row, *may_defer);
	if (rc == LP_E_DATA || rc == LP_E_ABSENT) {
		m->unplaced++;
		return LP_OK;
	}
	return rc != LP_OK ? rc : put_below(m, parent, dir, base, row);
}

static int
place_late(struct lp_merge *m)
{
	struct lp_span dir, base;
	int rc = LP_OK;

	for (struct lp_late *l = m->late; l != NULL && rc == LP_OK; l = l->next) {
		rc = lp_merge_split(m, l->name, &dir, &base);
		rc = rc != LP_OK ? rc : place(m, l->row, dir, base, NULL);
	}
	m->late = NULL;
	m->late_end = &m->late;
	lp_arena_release(&m->late_text);
	return rc;
}

/*
 * What nearly every row is: one more file in the directory of the row before
 * it, its name behind all that are there. LP_E_ABSENT if this is none.
 */
static int
append(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	struct lp_span base;
	struct lp_node *n;
	int rc;

	if (m->late != NULL || row->type == LP_HARDLINK || !row->plain || !lp_merge_same_parent(m, name, &base))
		return LP_E_ABSENT;
	rc = lp_tree_append(m, m->cached, base, &n);
	if (rc == LP_OK)
		lp_merge_show(n, row);
	return rc;
}

int
lp_merge_add(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	struct lp_span dir, base;
	int rc;

	if (m->rows == m->max_rows)
		return LP_E_LIMIT;
	m->rows++;
	row->layer = lp_merge_this(m);
	rc = append(m, row, name);
	if (rc != LP_E_ABSENT)
		return rc;
	rc = lp_merge_split(m, name, &dir, &base);
	if (rc != LP_OK)
		return rc;
	if (lp_merge_is_whiteout(base))
		return lp_merge_white_out(m, dir, base);
	return m->late != NULL ? defer(m, row, name) : place(m, row, dir, base, &name);
}

int
lp_merge_layer(struct lp_merge *m)
{
	int rc = m->layers > 0 ? place_late(m) : LP_OK;

	if (rc == LP_OK && m->layers == LP_MERGE_LAYERS)
		return LP_E_LIMIT;
	m->layers++;
	m->cached = NULL;
	return rc;
}

int
lp_merge_imply_root(struct lp_merge *m)
{
	struct lp_row *row = lp_tree_visible(m->root) == NULL ? lp_rowkeep_implied(&m->keep) : NULL;

	if (row != NULL)
		lp_merge_show(m->root, row);
	return lp_tree_visible(m->root) != NULL ? LP_OK : LP_E_NOMEM;
}

int
lp_merge_finish(struct lp_merge *m)
{
	int rc = m->layers > 0 ? place_late(m) : LP_OK;

	if (rc == LP_OK)
		lp_merge_links_finish(m);
	return rc;
}
