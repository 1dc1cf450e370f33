#include "common/base/array.h"
#include "common/base/status.h"
#include "common/format/merge_priv.h"

/* What a hard link can be made to at that place, in that view: *out, or NULL. */
static int
target_in(struct lp_merge *m, struct lp_span dir, struct lp_span base, enum lp_merge_view view, struct lp_row **out,
    struct lp_node **at)
{
	struct lp_row *row;
	int rc = lp_merge_resolve(m, dir, view, 0, at);

	*out = NULL;
	rc = rc != LP_OK ? rc : lp_tree_find(m, *at, base, at);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT || rc == LP_E_DATA ? LP_OK : rc;
	row = lp_merge_row_at(m, *at, view);
	/* AUFS's own is not visible, but there to be linked to */
	if (row == NULL && (*at)->row != NULL && (*at)->row->why == LP_HIDDEN_METADATA)
		row = (*at)->row;
	/* of the past only what a whiteout took away: the rest was replaced when its time came */
	if (row != NULL && view == LP_MERGE_BEFORE && row->why != LP_HIDDEN_WHITEOUT && row->why != LP_HIDDEN_OPAQUE)
		row = NULL;
	if (row != NULL && row->type != LP_DIR)
		*out = row;
	return LP_OK;
}

/*
 * The row that a hard link's target names: there now, or hidden by a
 * whiteout of this very layer, which took away one name only. Or NULL.
 */
static int
link_target(struct lp_merge *m, struct lp_span target, struct lp_row **out, struct lp_node **at)
{
	struct lp_span dir, base;
	int rc = lp_merge_split(m, target, &dir, &base);

	*out = NULL;
	if (rc != LP_OK || base.n == 0)
		return rc;
	rc = target_in(m, dir, base, LP_MERGE_NOW, out, at);
	return rc != LP_OK || *out != NULL ? rc : target_in(m, dir, base, LP_MERGE_BEFORE, out, at);
}

static int
push_link(struct lp_merge *m, struct lp_row *row, const struct lp_node *at)
{
	struct lp_link *p = lp_array_room(m->links, m->nlinks, &m->links_cap, sizeof(*p));

	if (p == NULL)
		return LP_E_NOMEM;
	m->links = p;
	m->links[m->nlinks++] = (struct lp_link){ row, at };
	return LP_OK;
}

int
lp_merge_link(struct lp_merge *m, struct lp_row *row, const struct lp_node *at)
{
	struct lp_node *target_at;
	struct lp_row *target;
	int rc = link_target(m, lp_row_link(row), &target, &target_at);

	if (rc != LP_OK)
		return rc;
	/* a link without a target cannot be linked to either */
	if (target == NULL || (target->type == LP_HARDLINK && target->inode == NULL)) {
		m->dangling++;
		return LP_OK;
	}
	if (target->inode == NULL) {
		target->inode = lp_arena_alloc(&m->keep.objects, sizeof(*target->inode));
		if (target->inode == NULL)
			return LP_E_NOMEM;
		*target->inode = (struct lp_inode){ .first = target, .first_at = target_at, .number = ++m->inodes };
	}
	row->inode = target->inode;
	return push_link(m, row, at);
}

void
lp_merge_links_finish(struct lp_merge *m)
{
	for (size_t i = 0; i < m->nlinks; i++) {
		struct lp_row *row = m->links[i].row;
		struct lp_inode *inode = row->inode;

		if (inode->shown == NULL && inode->first->why == LP_HIDDEN_NOT) {
			inode->shown = inode->first;
			inode->shown_at = inode->first_at;
			inode->nlink = 1;
		}
		if (row->why != LP_HIDDEN_NOT)
			continue;
		if (inode->shown == NULL) {
			inode->shown = row;
			inode->shown_at = m->links[i].at;
		}
		inode->nlink++;
	}
}
