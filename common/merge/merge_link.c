/* Resolves hard links within a layer. */
#include "common/base/array.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/*
 * The row that a hard link's target names, or NULL: there now, or there if
 * this layer had no whiteouts. These take a name away, not the file, so it
 * makes no difference where in their layer they stand.
 */
static int
link_target(struct lp_merge *m, struct lp_span target, struct lp_row **out, struct lp_node **at)
{
	struct lp_span dir, base;
	int rc = lp_merge_split(m, target, &dir, &base);

	*out = NULL;
	if (rc != LP_OK || base.n == 0)
		return rc;
	rc = lp_merge_resolve(m, dir, LP_MERGE_UNHIDDEN, 0, at);
	rc = rc != LP_OK ? rc : lp_tree_find(m, *at, base, at);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT || rc == LP_E_DATA ? LP_OK : rc;
	*out = lp_merge_row_at(m, *at, LP_MERGE_UNHIDDEN);
	/* AUFS's own is not visible, but there to be linked to */
	if (*out == NULL && (*at)->row != NULL && (*at)->row->why == LP_HIDDEN_METADATA)
		*out = (*at)->row;
	if (*out != NULL && (*out)->type == LP_DIR)
		*out = NULL;
	return LP_OK;
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
