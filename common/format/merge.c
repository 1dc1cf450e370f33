#include "common/format/merge.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/format/tree.h"

/*
 * Steps beyond those that every row costs anyway: links followed, nodes
 * looked at for a whiteout. Real layers need a few for each row; who needs
 * more than this many is trying to keep us busy.
 */
enum { WORK_PER_ROW = 256, WORK_FREE = 16 * 1024 * 1024 };

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
	lp_arena_init(&m->objects);
	lp_arena_init(&m->text);
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
	lp_arena_release(&m->objects);
	lp_arena_release(&m->text);
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

static int
spend(struct lp_merge *m, uint64_t steps)
{
	m->work += steps;
	return m->work > m->rows * WORK_PER_ROW + WORK_FREE ? LP_E_LIMIT : LP_OK;
}

/* The layer that rows are being added to, from 0. */
static uint16_t
this_layer(const struct lp_merge *m)
{
	return (uint16_t)(m->layers - 1);
}

/* ---- hiding --------------------------------------------------------------- */

static void
hide(struct lp_merge *m, struct lp_row *row, enum lp_hidden why)
{
	row->why = (uint8_t)why;
	row->by = this_layer(m);
	/* a plain file leads nowhere: whatever was found without it is found without it */
	if (row->type != LP_REG)
		m->cached = NULL;
}

/* Something at the node became visible: so the nodes above it are alive. */
static void
enliven(struct lp_node *n)
{
	for (; n != NULL && !n->live; n = n->parent)
		n->live = 1;
}

static struct lp_row *
new_row(struct lp_merge *m)
{
	struct lp_row *row = lp_arena_alloc(&m->objects, sizeof(*row));

	if (row != NULL)
		*row = (struct lp_row){ .layer = this_layer(m) };
	return row;
}

/* The row is what the node shows from now on; what it showed is hidden already. */
static void
show(struct lp_node *n, struct lp_row *row)
{
	row->node = n;
	row->older = n->row;
	n->row = row;
	enliven(n);
}

/*
 * Every parent of what is to be visible is a visible directory: the node
 * itself and those above it, up to the first that is one. A file in the way
 * gives way, as it does where runtimes stack layers.
 */
static int
ensure_directories(struct lp_merge *m, struct lp_node *n)
{
	for (; n->parent != NULL; n = n->parent) {
		struct lp_row *row = lp_tree_visible(n);

		if (row != NULL && row->type == LP_DIR)
			return LP_OK;
		if (row != NULL)
			hide(m, row, LP_HIDDEN_OVERWRITTEN);
		row = new_row(m);
		if (row == NULL)
			return LP_E_NOMEM;
		row->type = LP_DIR;
		row->mode = 0755;
		row->implied = 1;
		show(n, row);
	}
	return LP_OK;
}

/* Everything below the node, of whatever layer: its directory is gone. */
static int
hide_below(struct lp_merge *m, struct lp_node *top)
{
	struct lp_node *n = lp_tree_next(top, top, 1);

	while (n != NULL) {
		struct lp_row *row = lp_tree_visible(n);
		int into = n->live;

		if (spend(m, 1) != LP_OK)
			return LP_E_LIMIT;
		if (row != NULL)
			hide(m, row, LP_HIDDEN_PARENT);
		n->live = 0;
		n = lp_tree_next(top, n, into);
	}
	return LP_OK;
}

/*
 * What lower layers hold below the node. What this layer has put there
 * stays, and the directories above it with it, as implied ones if need be.
 */
static int
sweep(struct lp_merge *m, struct lp_node *top, enum lp_hidden why)
{
	struct lp_node *n = lp_tree_next(top, top, top->live);
	int rc = LP_OK;

	/* no lower row comes back, but if the top itself has just gone, what stays below needs it again */
	if (top->swept == m->layers && lp_tree_visible(top) != NULL)
		return LP_OK;
	top->swept = (uint16_t)m->layers;
	top->live = lp_tree_visible(top) != NULL;
	while (n != NULL && rc == LP_OK) {
		struct lp_row *row = lp_tree_visible(n);
		int into = n->live;

		rc = spend(m, 1);
		n->live = 0;
		if (row != NULL && row->layer < this_layer(m)) {
			hide(m, row, why);
		} else if (row != NULL && rc == LP_OK) {
			enliven(n);
			rc = ensure_directories(m, n->parent);
		}
		n = lp_tree_next(top, n, into);
	}
	return rc;
}

/* ---- paths ---------------------------------------------------------------- */

/* The tree as it is, or as it was before this layer. */
enum view { NOW, BEFORE };

/* The row at a node in that view, or NULL. */
static struct lp_row *
row_at(struct lp_merge *m, const struct lp_node *n, enum view view)
{
	struct lp_row *row = n->row;

	if (view == NOW)
		return lp_tree_visible(n);
	for (; row != NULL; row = row->older) {
		m->work++;
		if (row->layer < this_layer(m) && (row->why == LP_HIDDEN_NOT || row->by == this_layer(m)))
			break;
	}
	return row;
}

/* The symbolic link at a node, also if it is a hard link to one; or NULL. */
static const struct lp_row *
symlink_at(struct lp_merge *m, const struct lp_node *n, enum view view)
{
	const struct lp_row *row = row_at(m, n, view);

	if (row != NULL && row->inode != NULL)
		row = row->inode->first;
	return row != NULL && row->type == LP_SYMLINK ? row : NULL;
}

/* The child of that name: made in the present, looked up in the past. */
static int
step(struct lp_merge *m, struct lp_node *at, struct lp_span name, int make, struct lp_node **out)
{
	if (make)
		return lp_tree_child(m, at, name, out);
	*out = lp_tree_find(m, at, name);
	return *out != NULL ? LP_OK : LP_E_ABSENT;
}

/*
 * The place that a path means, links followed to the last component. With
 * `make` places that did not exist come to exist, empty. LP_OK, LP_E_DATA
 * (too many links), LP_E_ABSENT (no such place, or too deep), LP_E_LIMIT,
 * LP_E_NOMEM.
 */
static int
resolve(struct lp_merge *m, struct lp_span path, enum view view, int make, struct lp_node **out)
{
	struct lp_span todo[LP_MERGE_HOPS + 1];
	size_t n = 1, hops = 0;
	int rc = LP_OK;

	todo[0] = path;
	*out = m->root;
	while (n > 0 && rc == LP_OK) {
		struct lp_span name = lp_path_component(&todo[n - 1]);
		struct lp_node *child = *out;
		const struct lp_row *link;

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
		link = symlink_at(m, child, view);
		if (link == NULL) {
			*out = child;
			continue;
		}
		if (++hops > LP_MERGE_HOPS)
			return LP_E_DATA;
		if (view == NOW && link->layer < this_layer(m))
			m->through_lower = 1;
		if (link->link_n > 0 && link->link[0] == '/')
			*out = m->root;
		todo[n++] = lp_span(link->link, link->link_n);
		rc = spend(m, link->link_n);
	}
	return rc;
}

/* Mostly a row is in the directory of the one before it. */
static int
is_cached(const struct lp_merge *m, struct lp_span dir)
{
	return m->cached != NULL && lp_span_eq(dir, lp_buf_span(&m->cached_dir));
}

/*
 * Split a name into directory and base: neither ends in a slash, the base
 * is no ".", ".." or nothing (but at the root), the directory holds no "..".
 */
static int
split(struct lp_merge *m, struct lp_span name, struct lp_span *dir, struct lp_span *base)
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
		    (dir->n < 2 || is_cached(m, *dir) || memmem(dir->p, dir->n, "..", 2) == NULL)))
			return rc;
		lp_buf_clear(&m->clean);
		rc = lp_path_join(&m->clean, name);
		name = lp_buf_span(&m->clean);
	}
}

/* The directory that a row goes to. */
static int
find_parent(struct lp_merge *m, struct lp_span dir, struct lp_node **out)
{
	m->through_lower = 0;
	if (is_cached(m, dir)) {
		*out = m->cached;
		return LP_OK;
	}
	m->cached = NULL;
	return resolve(m, dir, NOW, 1, out);
}

/* Once a row has been shown in it, it is a visible directory until something is hidden. */
static int
cache_parent(struct lp_merge *m, struct lp_span dir, struct lp_node *n)
{
	if (m->cached == n)
		return LP_OK;
	lp_buf_clear(&m->cached_dir);
	m->cached = n;
	return lp_buf_add(&m->cached_dir, dir);
}

/* ---- hard links ----------------------------------------------------------- */

/* What a hard link can be made to at that place, in that view, or NULL. */
static struct lp_row *
target_in(struct lp_merge *m, struct lp_span dir, struct lp_span base, enum view view)
{
	struct lp_node *n;
	struct lp_row *row;

	if (resolve(m, dir, view, 0, &n) != LP_OK || (n = lp_tree_find(m, n, base)) == NULL)
		return NULL;
	row = row_at(m, n, view);
	/* AUFS's own is not visible, but there to be linked to */
	if (row == NULL && n->row != NULL && n->row->why == LP_HIDDEN_METADATA)
		row = n->row;
	/* of the past only what a whiteout took away: the rest was replaced when its time came */
	if (row != NULL && view == BEFORE && row->why != LP_HIDDEN_WHITEOUT && row->why != LP_HIDDEN_OPAQUE)
		return NULL;
	return row != NULL && row->type != LP_DIR ? row : NULL;
}

/*
 * The row that a hard link's target names: there now, or hidden by a
 * whiteout of this very layer, which took away one name only. Or NULL.
 */
static struct lp_row *
link_target(struct lp_merge *m, struct lp_span target)
{
	struct lp_span dir, base;
	struct lp_row *row;

	if (split(m, target, &dir, &base) != LP_OK || base.n == 0)
		return NULL;
	row = target_in(m, dir, base, NOW);
	return row != NULL ? row : target_in(m, dir, base, BEFORE);
}

static int
push_link(struct lp_merge *m, struct lp_row *row)
{
	if (m->nlinks == m->links_cap) {
		size_t cap = m->links_cap > 0 ? m->links_cap * 2 : 64;
		struct lp_row **p = realloc(m->links, cap * sizeof(struct lp_row *));

		if (p == NULL)
			return LP_E_NOMEM;
		m->links = p;
		m->links_cap = cap;
	}
	m->links[m->nlinks++] = row;
	return LP_OK;
}

static int
link_up(struct lp_merge *m, struct lp_row *row)
{
	struct lp_row *target = link_target(m, lp_span(row->link, row->link_n));

	/* a link without a target cannot be linked to either */
	if (target == NULL || (target->type == LP_HARDLINK && target->inode == NULL)) {
		m->dangling++;
		return LP_OK;
	}
	if (target->inode == NULL) {
		target->inode = lp_arena_alloc(&m->objects, sizeof(*target->inode));
		if (target->inode == NULL)
			return LP_E_NOMEM;
		*target->inode = (struct lp_inode){ .first = target, .number = ++m->inodes };
	}
	row->inode = target->inode;
	return push_link(m, row);
}

/* ---- rows ----------------------------------------------------------------- */

static int
copy_span(struct lp_merge *m, struct lp_span s, struct lp_span *out)
{
	*out = lp_span(s.n > 0 ? lp_arena_copy(&m->text, s) : NULL, s.n);
	return s.n > 0 && out->p == NULL ? LP_E_NOMEM : LP_OK;
}

static int
copy_xattrs(struct lp_merge *m, const struct lp_entry *e, struct lp_row_more *more)
{
	struct lp_xattr *x = lp_arena_alloc(&m->objects, e->nxattrs * sizeof(*x));
	int rc = x != NULL ? LP_OK : LP_E_NOMEM;

	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++) {
		rc = copy_span(m, e->xattrs[i].name, &x[i].name);
		if (rc == LP_OK)
			rc = copy_span(m, e->xattrs[i].value, &x[i].value);
	}
	more->xattrs = x;
	more->nxattrs = e->nxattrs;
	return rc;
}

static int
copy_more(struct lp_merge *m, const struct lp_entry *e, struct lp_row *row)
{
	struct lp_row_more *more = lp_arena_alloc(&m->objects, sizeof(*more));
	int rc;

	if (more == NULL)
		return LP_E_NOMEM;
	*more = (struct lp_row_more){
		.devmajor = e->devmajor, .devminor = e->devminor,
		.header_offset = e->header_offset, .data_offset = e->data_offset,
	};
	row->more = more;
	rc = copy_span(m, e->uname, &more->uname);
	if (rc == LP_OK)
		rc = copy_span(m, e->gname, &more->gname);
	return rc == LP_OK && e->nxattrs > 0 ? copy_xattrs(m, e, more) : rc;
}

static struct lp_row *
copy_row(struct lp_merge *m, const struct lp_entry *e)
{
	struct lp_row *row = new_row(m);
	struct lp_span link;

	if (row == NULL || copy_span(m, e->linkname, &link) != LP_OK)
		return NULL;
	row->link = link.p;
	row->link_n = (uint32_t)link.n;
	row->size = e->size;
	row->mtime = e->mtime;
	row->mtime_nsec = e->mtime_nsec;
	row->uid = e->uid;
	row->gid = e->gid;
	row->mode = (uint16_t)(e->mode & 07777);
	row->has = (uint8_t)(e->has & ~(unsigned)(LP_HAS_LAYER | LP_HAS_HIDDEN));
	row->type = (char)e->type;
	row->typeflag = e->typeflag;
	if ((e->has & (LP_HAS_UNAME | LP_HAS_GNAME | LP_HAS_DEV | LP_HAS_OFFSETS)) != 0 || e->nxattrs > 0)
		return copy_more(m, e, row) == LP_OK ? row : NULL;
	return row;
}

/* A row that no name can reach: only the layer knows it. */
static void
hide_metadata(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	row->why = LP_HIDDEN_METADATA;
	row->by = this_layer(m);
	row->node = n;
	row->older = n->row;
	n->row = row;
}

/* The row at its place, and what it replaces hidden. */
static int
put(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	struct lp_row *old = lp_tree_visible(n);
	int rc = LP_OK;

	if (old != NULL) {
		if (old->type == LP_DIR && row->type != LP_DIR)
			rc = hide_below(m, n);
		hide(m, old, LP_HIDDEN_OVERWRITTEN);
	}
	if (rc == LP_OK && row->type == LP_HARDLINK)
		rc = link_up(m, row);
	if (rc == LP_OK)
		show(n, row);
	return rc;
}

static int
put_root(struct lp_merge *m, struct lp_row *row)
{
	if (row->type == LP_DIR)
		return put(m, m->root, row);
	m->unplaced++; /* the root is a directory whatever a layer says */
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
	rc = rc != LP_OK ? rc : ensure_directories(m, parent);
	/* remembered first: what the row replaces may be what the memory rests on */
	rc = rc != LP_OK ? rc : cache_parent(m, dir, parent);
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
	rc = find_parent(m, dir, &parent);
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
		rc = split(m, l->name, &dir, &base);
		rc = rc != LP_OK ? rc : place(m, l->row, dir, base, NULL);
	}
	m->late = NULL;
	m->late_end = &m->late;
	lp_arena_release(&m->late_text);
	return rc;
}

/* ---- whiteouts ------------------------------------------------------------ */

static int
is_whiteout(struct lp_span base)
{
	return base.n >= 4 && memcmp(base.p, ".wh.", 4) == 0;
}

static int
is_aufs(struct lp_span base)
{
	return base.n >= 8 && memcmp(base.p, ".wh..wh.", 8) == 0;
}

/* Hide what the name means in lower layers: all of it, or for the opaque marker all below its directory. */
static int
white_out(struct lp_merge *m, struct lp_span dir, struct lp_span base)
{
	struct lp_node *n;
	struct lp_row *row;
	int rc = resolve(m, dir, BEFORE, 0, &n);

	if (rc == LP_E_ABSENT || rc == LP_E_DATA)
		return LP_OK; /* there is nothing to hide */
	if (rc != LP_OK)
		return rc;
	if (lp_span_is(base, ".wh..wh..opq"))
		return sweep(m, n, LP_HIDDEN_OPAQUE);
	lp_span_take(&base, 4);
	if (base.n == 0 || lp_span_is(base, ".") || lp_span_is(base, "..")) {
		m->bad_whiteouts++;
		return LP_OK;
	}
	n = lp_tree_find(m, n, base);
	if (n == NULL)
		return LP_OK;
	row = lp_tree_visible(n);
	if (row != NULL && row->layer < this_layer(m))
		hide(m, row, LP_HIDDEN_WHITEOUT);
	return sweep(m, n, LP_HIDDEN_WHITEOUT);
}

int
lp_merge_add(struct lp_merge *m, const struct lp_entry *e)
{
	struct lp_span dir, base;
	struct lp_row *row;
	int rc;

	if (m->rows == m->max_rows)
		return LP_E_LIMIT;
	m->rows++;
	rc = split(m, e->name, &dir, &base);
	if (rc != LP_OK)
		return rc;
	if (is_whiteout(base) && (!is_aufs(base) || lp_span_is(base, ".wh..wh..opq")))
		return white_out(m, dir, base);
	row = copy_row(m, e);
	if (row == NULL)
		return LP_E_NOMEM;
	return m->late != NULL ? defer(m, row, e->name) : place(m, row, dir, base, &e->name);
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
lp_merge_finish(struct lp_merge *m)
{
	int rc = m->layers > 0 ? place_late(m) : LP_OK;

	for (size_t i = 0; i < m->nlinks && rc == LP_OK; i++) {
		struct lp_row *row = m->links[i];
		struct lp_inode *inode = row->inode;

		if (inode->shown == NULL && inode->first->why == LP_HIDDEN_NOT) {
			inode->shown = inode->first;
			inode->nlink = 1;
		}
		if (row->why != LP_HIDDEN_NOT)
			continue;
		if (inode->shown == NULL)
			inode->shown = row;
		inode->nlink++;
	}
	return rc;
}
