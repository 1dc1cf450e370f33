/* Resolves an entry's parent directory through symbolic links. */
#include <string.h>

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/*
 * Steps beyond those that every row costs anyway: links followed, places and
 * directories that no row names. Real layers need a few for each row; who
 * needs more than this many is trying to keep us busy, or to fill our memory.
 */
enum { WORK_PER_ROW = 512, WORK_FREE = 16 * 1024 * 1024 };

int
lp_merge_spend(struct lp_merge *m, uint64_t steps)
{
	m->work += steps;
	return m->work > m->rows * WORK_PER_ROW + WORK_FREE ? LP_E_LIMIT : LP_OK;
}

/* ---- what is at a node ------------------------------------------------------ */

struct lp_row *
lp_merge_mine(const struct lp_merge *m, const struct lp_node *n)
{
	struct lp_row *row = n->row;

	if (row == NULL || row->layer != lp_merge_this(m) || row->why != LP_HIDDEN_NOT)
		return NULL;
	/* in a directory that is another one now */
	return n->parent != NULL && row->seq < n->parent->born ? NULL : row;
}

struct lp_mark *
lp_merge_my_mark(const struct lp_merge *m, const struct lp_node *n, int opaque)
{
	struct lp_mark *k = n->marks;

	while (k != NULL && k->layer == lp_merge_this(m) && k->opaque != opaque)
		k = k->older;
	return k != NULL && k->layer == lp_merge_this(m) ? k : NULL;
}

struct lp_row *
lp_merge_row_upto(struct lp_merge *m, const struct lp_node *n, unsigned layer)
{
	for (struct lp_row *row = n->row; row != NULL; row = row->older) {
		m->work++;
		if (row->layer <= layer && (row->why == LP_HIDDEN_NOT || row->by > layer))
			return row;
	}
	return NULL;
}

struct lp_row *
lp_merge_row_in(struct lp_merge *m, const struct lp_node *n, unsigned layer)
{
	for (struct lp_row *row = n->row; row != NULL && row->layer >= layer; row = row->older) {
		m->work++;
		if (row->layer == layer && (row->why == LP_HIDDEN_NOT || row->by != layer))
			return row;
	}
	return NULL;
}

const struct lp_row *
lp_merge_symlink(const struct lp_row *row)
{
	if (row != NULL && row->inode != NULL)
		row = row->inode->first;
	return row != NULL && row->type == LP_SYMLINK ? row : NULL;
}

/* ---- what a path means ------------------------------------------------------ */

/* Where a way is followed: in the current layer; when all is merged, in one layer, or over all up to it. */
enum view { NOW, UPTO, IN };

struct way {
	struct lp_merge *m;
	enum view view;
	unsigned layer;
	int make;
	struct lp_place p;
	size_t hops;
};

/* A place that no row has named yet costs its memory. */
enum { NODE_WORK = 48 };

static int
child_of(const struct way *w, struct lp_span name, struct lp_node **out)
{
	uint64_t nodes = w->m->nodes;
	int rc = w->make ? lp_tree_child(w->m, w->p.at, name, out) : lp_tree_find(w->m, w->p.at, name, out);

	return rc == LP_OK && w->m->nodes != nodes ? lp_merge_spend(w->m, NODE_WORK) : rc;
}

static struct lp_row *
row_at(const struct way *w, const struct lp_node *n)
{
	switch (w->view) {
	case UPTO: return lp_merge_row_upto(w->m, n, w->layer);
	case IN: return lp_merge_row_in(w->m, n, w->layer);
	case NOW: break;
	}
	return w->p.absent == NULL ? lp_merge_mine(w->m, n) : NULL;
}

/* On to the child, which is no link. */
static int
step_into(struct way *w, struct lp_node *child, const struct lp_row *row, int by_link)
{
	int is_directory = row != NULL && row->type == LP_DIR;

	w->p.at = child;
	if (is_directory || w->p.absent != NULL)
		return LP_OK;
	if (!w->make)
		return LP_E_ABSENT;
	w->p.absent = child;
	w->p.blocked |= row != NULL;
	w->p.by_link = by_link;
	return LP_OK;
}

/* Up by "..": out of what the layer has not, if this was the topmost of it. */
static void
step_up(struct way *w)
{
	if (w->p.absent == w->p.at) {
		w->p.absent = NULL;
		w->p.blocked = w->p.by_link = 0;
	}
	if (w->p.at->parent != NULL)
		w->p.at = w->p.at->parent;
}

/* To where the link stands: at the root, if it leads there. */
static void
follow(struct way *w, struct lp_span target)
{
	if (target.n == 0 || target.p[0] != '/')
		return;
	w->p.at = w->m->root;
	w->p.absent = NULL;
	w->p.blocked = w->p.by_link = 0;
}

static int
go(struct way *w, struct lp_span path)
{
	struct lp_span todo[LP_MERGE_HOPS + 1];
	size_t n = 1;
	int rc = LP_OK;

	todo[0] = path;
	while (n > 0 && rc == LP_OK) {
		struct lp_span name = lp_path_component(&todo[n - 1]);
		const struct lp_row *row, *link;
		struct lp_node *child;

		if (name.n == 0) {
			n--;
			continue;
		}
		if (lp_span_is(name, "..")) {
			step_up(w);
			continue;
		}
		rc = child_of(w, name, &child);
		if (rc != LP_OK)
			break;
		row = row_at(w, child);
		link = lp_merge_symlink(row);
		if (link == NULL) {
			rc = step_into(w, child, row, n > 1);
			continue;
		}
		if (++w->hops > LP_MERGE_HOPS)
			return LP_E_DATA;
		todo[n++] = lp_row_link(link);
		follow(w, todo[n - 1]);
		rc = lp_merge_spend(w->m, link->link_n);
	}
	return rc;
}

int
lp_merge_resolve(struct lp_merge *m, struct lp_span path, int make, struct lp_place *out)
{
	struct way w = { .m = m, .make = make, .p = { .at = m->root } };
	int rc = go(&w, path);

	*out = w.p;
	return rc;
}

static int
resolve_finished(struct lp_merge *m, struct lp_span path, enum view view, unsigned layer, struct lp_node **out)
{
	struct way w = { .m = m, .view = view, .layer = layer, .p = { .at = m->root } };
	int rc = go(&w, path);

	*out = w.p.at;
	return rc != LP_OK ? rc : lp_merge_spend(m, 0);
}

int
lp_merge_resolve_upto(struct lp_merge *m, struct lp_span path, unsigned layer, struct lp_node **out)
{
	return resolve_finished(m, path, UPTO, layer, out);
}

int
lp_merge_resolve_in(struct lp_merge *m, struct lp_span path, unsigned layer, struct lp_node **out)
{
	return resolve_finished(m, path, IN, layer, out);
}

/* Mostly a row is in the directory of the one before it. */
static int
is_cached(const struct lp_merge *m, struct lp_span dir)
{
	return m->cached != NULL && lp_span_eq(dir, lp_buf_span(&m->cached_dir));
}

int
lp_merge_same_parent(const struct lp_merge *m, struct lp_span name, struct lp_span *base)
{
	size_t n = m->cached_dir.n;

	if (name.n > 0 && name.p[name.n - 1] == '/')
		name.n--;
	if (m->cached == NULL || name.n < n + 2 || (n > 0 && (memcmp(name.p, m->cached_dir.p, n) != 0 || name.p[n++] != '/')))
		return 0;
	*base = lp_span(name.p + n, name.n - n);
	/* what begins with a dot may mean something else than a name */
	return base->n > 0 && base->p[0] != '.' && memchr(base->p, '/', base->n) == NULL;
}

/* Whether two dots stand side by side, as they do in "..", and else rarely. */
static int
has_dots(struct lp_span s)
{
	const unsigned char *end = s.p + s.n, *dot = s.n > 0 ? memchr(s.p, '.', s.n) : NULL;

	while (dot != NULL && dot + 1 < end && dot[1] != '.')
		dot = memchr(dot + 1, '.', (size_t)(end - dot - 1));
	return dot != NULL && dot + 1 < end;
}

int
lp_merge_split(struct lp_merge *m, struct lp_span name, struct lp_span *dir, struct lp_span *base)
{
	int rc = LP_OK;

	while (name.n > 0 && name.p[name.n - 1] == '/')
		name.n--;
	for (int cleaned = 0;; cleaned = 1) {
		*dir = lp_path_parent(name);
		*base = lp_span(name.p + dir->n, name.n - dir->n);
		if (base->n > 0 && base->p[0] == '/')
			lp_span_take(base, 1);
		if (cleaned || (base->n > 0 && !lp_span_is(*base, ".") && !lp_span_is(*base, "..") &&
		    (dir->n < 2 || is_cached(m, *dir) || !has_dots(*dir))))
			return rc;
		lp_buf_clear(&m->clean);
		rc = lp_path_join(&m->clean, name);
		name = lp_buf_span(&m->clean);
	}
}

/*
 * The deepest directory that is above both the cached one and `dir`, which
 * is shortened by its path; only where no link led to the cached one, whose
 * text then is its path, so that all above it are directories of the layer too.
 */
static struct lp_node *
common_ancestor(const struct lp_merge *m, struct lp_span *dir)
{
	const unsigned char *cached = m->cached_dir.p;
	struct lp_node *n = m->cached;
	size_t same = 0, most = dir->n < m->cached_dir.n ? dir->n : m->cached_dir.n;

	while (same < most && dir->p[same] == cached[same])
		same++;
	while (n->path_n > same || (n->path_n == same && same < dir->n && same > 0 && dir->p[same] != '/'))
		n = n->parent;
	lp_span_take(dir, n->path_n);
	return n;
}

int
lp_merge_parent(struct lp_merge *m, struct lp_span dir, struct lp_place *out)
{
	struct way w = { .m = m, .make = 1 };
	struct lp_span rest = dir;
	int rc;

	*out = (struct lp_place){ .at = m->cached };
	if (is_cached(m, dir))
		return LP_OK;
	w.p.at = m->cached != NULL && m->straight ? common_ancestor(m, &rest) : m->root;
	m->cached = NULL;
	rc = go(&w, rest);
	*out = w.p;
	/* as long as its path, and no link: so it has neither "." nor "//" in it */
	m->straight = rc == LP_OK && w.hops == 0 && w.p.at->path_n == dir.n;
	return rc;
}

int
lp_merge_cache(struct lp_merge *m, struct lp_span dir, struct lp_node *n)
{
	if (m->cached == n)
		return LP_OK;
	lp_buf_clear(&m->cached_dir);
	m->cached = n;
	return lp_buf_add(&m->cached_dir, dir);
}
