/* Resolves an entry's parent directory through symbolic links. */
#include <string.h>

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

struct lp_row *
lp_merge_row_at(const struct lp_merge *m, const struct lp_node *n, enum lp_merge_view view)
{
	struct lp_row *now = lp_tree_visible(n), *row = n->row;

	if (view == LP_MERGE_NOW || (view == LP_MERGE_UNHIDDEN && now != NULL))
		return now;
	if (row != NULL && row->layer == lp_merge_this(m))
		row = n->lower;
	/* older ones were hidden before that one came */
	return row != NULL && (row->why == LP_HIDDEN_NOT || row->by == lp_merge_this(m)) ? row : NULL;
}

const struct lp_row *
lp_merge_symlink_at(const struct lp_merge *m, const struct lp_node *n, enum lp_merge_view view)
{
	const struct lp_row *row = lp_merge_row_at(m, n, view);

	if (row != NULL && row->inode != NULL)
		row = row->inode->first;
	return row != NULL && row->type == LP_SYMLINK ? row : NULL;
}

/* A place that no row has named yet costs its memory. */
enum { NODE_WORK = 48 };

/* The child of that name: made in the present, looked up in the past. */
static int
step(struct lp_merge *m, struct lp_node *at, struct lp_span name, int make, struct lp_node **out)
{
	uint64_t nodes = m->nodes;
	int rc = make ? lp_tree_child(m, at, name, out) : lp_tree_find(m, at, name, out);

	return rc == LP_OK && m->nodes != nodes ? lp_merge_spend(m, NODE_WORK) : rc;
}

/* Whether this layer has put a file where the way leads on: then nothing that was below it is there any more. */
static int
is_blocked(const struct lp_merge *m, const struct lp_node *n, enum lp_merge_view view)
{
	const struct lp_row *row = view == LP_MERGE_UNHIDDEN ? lp_tree_visible(n) : NULL;

	return row != NULL && row->layer == lp_merge_this(m) && row->type != LP_DIR;
}

/* The path is relative to where *out stands; *hops counts the links followed. */
static int
resolve_from(struct lp_merge *m, struct lp_span path, enum lp_merge_view view, int make, struct lp_node **out,
    size_t *hops)
{
	struct lp_span todo[LP_MERGE_HOPS + 1];
	size_t n = 1;
	int rc = LP_OK;

	todo[0] = path;
	while (n > 0 && rc == LP_OK) {
		struct lp_span name = lp_path_component(&todo[n - 1]);
		struct lp_node *child = *out;
		const struct lp_row *link;
		struct lp_span target;

		if (name.n == 0) {
			n--;
			continue;
		}
		if (lp_span_is(name, "..")) {
			*out = child->parent != NULL ? child->parent : child;
			continue;
		}
		rc = step(m, *out, name, make, &child);
		if (rc != LP_OK)
			break;
		link = lp_merge_symlink_at(m, child, view);
		if (link == NULL && is_blocked(m, child, view))
			return LP_E_ABSENT;
		if (link == NULL) {
			*out = child;
			continue;
		}
		if (++*hops > LP_MERGE_HOPS)
			return LP_E_DATA;
		if (view == LP_MERGE_NOW && link->layer < lp_merge_this(m))
			m->through_lower = 1;
		target = lp_row_link(link);
		if (target.n > 0 && target.p[0] == '/')
			*out = m->root;
		todo[n++] = target;
		rc = lp_merge_spend(m, link->link_n);
	}
	return rc;
}

int
lp_merge_resolve(struct lp_merge *m, struct lp_span path, enum lp_merge_view view, int make, struct lp_node **out)
{
	size_t hops = 0;

	*out = m->root;
	return resolve_from(m, path, view, make, out, &hops);
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
 * text then is its path, so that all above it are visible directories too.
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
lp_merge_parent(struct lp_merge *m, struct lp_span dir, struct lp_node **out)
{
	struct lp_span rest = dir;
	size_t hops = 0;
	int rc;

	m->through_lower = 0;
	if (is_cached(m, dir)) {
		*out = m->cached;
		return LP_OK;
	}
	*out = m->cached != NULL && m->straight ? common_ancestor(m, &rest) : m->root;
	m->cached = NULL;
	rc = resolve_from(m, rest, LP_MERGE_NOW, 1, out, &hops);
	/* as long as its path, and no link: so it has neither "." nor "//" in it */
	m->straight = rc == LP_OK && hops == 0 && (*out)->path_n == dir.n;
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
