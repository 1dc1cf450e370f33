/* Resolves hard links within a layer. */
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* Where the target of a hard link is in its layer: its last component is not followed. NULL for nowhere. */
static int
find_target(struct lp_merge *m, struct lp_span target, struct lp_node **at)
{
	struct lp_span dir, base;
	struct lp_place p;
	int rc = lp_merge_split(m, target, &dir, &base);

	*at = NULL;
	if (rc != LP_OK || base.n == 0)
		return rc;
	rc = lp_merge_resolve(m, dir, 0, &p);
	rc = rc != LP_OK ? rc : lp_tree_find(m, p.at, base, at);
	return rc == LP_E_ABSENT || rc == LP_E_DATA ? LP_OK : rc;
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

/* One more name of the file that the target is. LP_E_ABSENT if it is none. */
static int
join(struct lp_merge *m, struct lp_row *row, struct lp_row *target, const struct lp_node *target_at)
{
	/* a link without a target cannot be linked to either */
	if (target == NULL || target == row || target->type == LP_DIR || (target->type == LP_HARDLINK && target->inode == NULL))
		return LP_E_ABSENT;
	if (target->inode == NULL) {
		target->inode = lp_arena_alloc(&m->keep.objects, sizeof(*target->inode));
		if (target->inode == NULL)
			return LP_E_NOMEM;
		*target->inode = (struct lp_inode){ .first = target, .header = target, .first_at = target_at, .number = ++m->inodes };
	}
	row->inode = target->inode;
	row->device00 = target->device00;
	return LP_OK;
}

int
lp_merge_link(struct lp_merge *m, struct lp_row *row, struct lp_span name, const struct lp_node *at, int *whiteout)
{
	struct lp_node *target_at;
	int rc = find_target(m, lp_row_link(row), &target_at);
	struct lp_row *target = rc == LP_OK && target_at != NULL ? lp_merge_mine(m, target_at) : NULL;

	*whiteout = 0;
	if (rc != LP_OK)
		return rc;
	if (target == NULL && target_at != NULL && lp_merge_my_mark(m, target_at, 0) != NULL) {
		*whiteout = 1;
		/* the base's whiteouts leave nothing behind to link to */
		return m->layers > 1 ? LP_OK : lp_merge_tell(m, LP_FOUND_TARGET, name);
	}
	rc = join(m, row, target, target_at);
	if (rc == LP_OK && m->check)
		rc = lp_merge_check_link(m, row, name);
	/* its header is the file's from now on */
	if (rc == LP_OK)
		row->inode->header = row;
	else if (rc == LP_E_ABSENT)
		rc = lp_merge_tell(m, LP_FOUND_TARGET, name);
	return rc != LP_OK ? rc : push_link(m, row, at);
}

/* ---- at the end ---------------------------------------------------------------- */

/* The file that a link's target means when all layers up to that one are applied. */
static int
join_upto(struct lp_merge *m, const struct lp_link *link, unsigned layer)
{
	struct lp_span dir, base;
	struct lp_node *at;
	int rc = lp_merge_split(m, lp_row_link(link->row), &dir, &base);

	if (rc == LP_OK && base.n == 0)
		return LP_E_ABSENT;
	rc = rc != LP_OK ? rc : lp_merge_resolve_upto(m, dir, layer, &at);
	rc = rc != LP_OK ? rc : lp_tree_find(m, at, base, &at);
	return rc != LP_OK ? rc : join(m, link->row, lp_merge_row_upto(m, at, layer), at);
}

/* A link whose layer had no target then, by what its author can have meant: what is there with the layer, or without it. */
static int
join_late(struct lp_merge *m, const struct lp_link *link)
{
	unsigned layer = link->row->layer;
	int rc = join_upto(m, link, layer);

	if ((rc == LP_E_ABSENT || rc == LP_E_DATA) && layer > 0)
		rc = join_upto(m, link, layer - 1);
	return rc == LP_E_ABSENT || rc == LP_E_DATA ? LP_OK : rc;
}

/* Whose name stands for the file: its first one, or the first link's that is visible. */
static void
count_name(const struct lp_link *link)
{
	const struct lp_row *row = link->row;
	struct lp_inode *inode = row->inode;

	if (inode->shown == NULL && inode->first->why == LP_HIDDEN_NOT) {
		inode->shown = inode->first;
		inode->shown_at = inode->first_at;
		inode->nlink = 1;
	}
	if (row->why != LP_HIDDEN_NOT)
		return;
	if (inode->shown == NULL) {
		inode->shown = link->row;
		inode->shown_at = link->at;
	}
	inode->nlink++;
}

/* ---- extended attributes --------------------------------------------------------- */

/* One that a name of a file sets, in the order of rows. */
struct set {
	struct lp_inode *inode;
	struct lp_xattr x;
	uint32_t seq;
};

struct sets {
	struct set *of;
	size_t n, cap;
};

static int
add_sets(struct sets *s, const struct lp_row *row)
{
	const struct lp_row_more *more = row->more;

	for (size_t i = 0; more != NULL && i < more->nxattrs; i++) {
		struct set *p = lp_array_room(s->of, s->n, &s->cap, sizeof(*p));

		if (p == NULL)
			return LP_E_NOMEM;
		s->of = p;
		s->of[s->n++] = (struct set){ row->inode, more->xattrs[i], row->seq };
	}
	return LP_OK;
}

/* By file and name; the last one set comes first. */
static int
by_file(const void *a, const void *b)
{
	const struct set *x = a, *y = b;
	int d;

	if (x->inode != y->inode)
		return x->inode->number < y->inode->number ? -1 : 1;
	d = lp_span_cmp(x->x.name, y->x.name);
	return d != 0 ? d : x->seq > y->seq ? -1 : x->seq < y->seq;
}

/* What is set last counts; what a later header does not name stays. */
static int
share_xattrs(struct lp_merge *m, struct sets *s)
{
	struct lp_xattr *x = lp_arena_alloc(&m->keep.objects, s->n * sizeof(*x));

	if (x == NULL)
		return LP_E_NOMEM;
	lp_sort(s->of, s->n, sizeof(*s->of), by_file);
	for (size_t i = 0; i < s->n; i++) {
		struct lp_inode *inode = s->of[i].inode;

		if (inode->nxattrs == 0)
			inode->xattrs = x;
		else if (lp_span_eq(x[-1].name, s->of[i].x.name))
			continue;
		*x++ = s->of[i].x;
		inode->nxattrs++;
	}
	return LP_OK;
}

/* Of all files with several names. */
static int
gather_xattrs(struct lp_merge *m, struct sets *s)
{
	int rc = LP_OK;

	for (size_t i = 0; i < m->nlinks && rc == LP_OK; i++) {
		struct lp_row *row = m->links[i].row;

		if (row->inode == NULL)
			continue;
		/* its first name once, by the first link */
		if (row->inode->nlink != UINT32_MAX)
			rc = add_sets(s, row->inode->first);
		row->inode->nlink = UINT32_MAX;
		if (rc == LP_OK && row->layer == row->inode->first->layer)
			rc = add_sets(s, row);
	}
	return rc == LP_OK && s->n > 0 ? share_xattrs(m, s) : rc;
}

int
lp_merge_links_finish(struct lp_merge *m)
{
	struct sets sets = { 0 };
	int rc = LP_OK;

	for (size_t i = 0; i < m->nlinks && rc == LP_OK; i++)
		if (m->links[i].row->inode == NULL)
			rc = join_late(m, &m->links[i]);
	rc = rc != LP_OK ? rc : gather_xattrs(m, &sets);
	free(sets.of);
	for (size_t i = 0; i < m->nlinks; i++)
		if (m->links[i].row->inode != NULL)
			m->links[i].row->inode->nlink = 0;
	for (size_t i = 0; i < m->nlinks && rc == LP_OK; i++)
		if (m->links[i].row->inode != NULL)
			count_name(&m->links[i]);
	return rc;
}

void
lp_inode_entry(const struct lp_inode *inode, struct lp_entry *e)
{
	struct lp_entry h;

	lp_row_entry(inode->first, e);
	lp_row_entry(inode->header, &h);
	if (e->type != LP_SYMLINK)
		e->mode = h.mode;
	e->uid = h.uid;
	e->gid = h.gid;
	e->mtime = h.mtime;
	e->mtime_nsec = h.mtime_nsec;
	e->has = (e->has & ~(unsigned)(LP_HAS_MTIME | LP_HAS_UNAME | LP_HAS_GNAME)) |
	    (h.has & (LP_HAS_MTIME | LP_HAS_UNAME | LP_HAS_GNAME));
	e->uname = h.uname;
	e->gname = h.gname;
	e->xattrs = inode->xattrs;
	e->nxattrs = inode->nxattrs;
}
