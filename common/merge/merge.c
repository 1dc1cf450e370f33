/* Applies one layer's rows to the tree: which names are whiteouts, what replaces what, which hard links wait for their file. */
#include "common/merge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

int
lp_merge_init(struct lp_merge *m, uint64_t seed, uint64_t max_rows)
{
	*m = (struct lp_merge){ .seed = seed, .max_rows = max_rows < UINT32_MAX ? max_rows : UINT32_MAX };
	lp_rowkeep_init(&m->keep);
	lp_buf_init(&m->cached_dir, LP_MAX_ROW);
	lp_buf_init(&m->clean, LP_MAX_ROW);
	lp_map_init(&m->names, SIZE_MAX);
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
	lp_buf_release(&m->cached_dir);
	lp_buf_release(&m->clean);
	lp_map_release(&m->names);
	free(m->finding);
	m->finding = NULL;
	free(m->links);
	m->links = NULL;
}

const char *
lp_hidden_name(enum lp_hidden why)
{
	static const char *const names[] = { "", "overwritten", "whiteout", "opaque", "parent", "device", "" };

	return names[why];
}

int
lp_merge_tell(struct lp_merge *m, enum lp_finding what, struct lp_span name)
{
	/* a listing may lack the target of a hard link: it may have been filtered */
	int refused = lp_finding_kind(what)->refused == LP_IN_ALL && what != LP_FOUND_TARGET;
	struct lp_merge_found *f = refused ? &m->refusal : &m->note;
	const unsigned char *copy;

	m->found |= (uint64_t)1 << what;
	m->refused += (unsigned)refused;
	if (m->check)
		return lp_merge_find(m, what, lp_merge_this(m), name);
	if (f->what != LP_FOUND_NOTHING)
		return LP_OK;
	copy = lp_arena_copy(&m->keep.text, name);
	if (copy == NULL)
		return LP_E_NOMEM;
	*f = (struct lp_merge_found){ what, lp_merge_this(m), lp_span(copy, name.n) };
	return LP_OK;
}

/* ---- one row ---------------------------------------------------------------- */

/* The row is what its layer has at the node from now on. */
static void
show(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	row->seq = (uint32_t)m->rows;
	row->layer = lp_merge_this(m);
	row->older = n->row;
	n->row = row;
}

/* What leads nowhere can go, and what was found without it is found without it. */
static void
replace(struct lp_merge *m, struct lp_node *n, struct lp_row *old, const struct lp_row *row)
{
	int stays = old->type == LP_DIR && row->type == LP_DIR;

	if (!stays && old->type != LP_REG)
		m->cached = NULL;
	/* one that was only implied was this one, before its own row came */
	if (stays && old->implied)
		n->row = old->older;
	old->why = LP_HIDDEN_OVERWRITTEN;
	old->by = lp_merge_this(m);
}

/* The row at its place, which replaces what its layer had there. */
static void
put(struct lp_merge *m, struct lp_node *n, struct lp_row *row)
{
	struct lp_row *old = lp_merge_mine(m, n);
	int was_directory = old != NULL && old->type == LP_DIR;

	if (old != NULL)
		replace(m, n, old, row);
	show(m, n, row);
	if (row->type == LP_DIR && !was_directory)
		n->born = row->seq;
}

/* What an implied directory counts for: its row, and the bytes of its path, which will be printed. */
enum { IMPLIED_WORK = 16, IMPLIED_BYTES = 4 };

/* Every parent of what the layer has is a directory of the layer: all from the place up to the first that it had not. */
static int
make_parents(struct lp_merge *m, const struct lp_place *p)
{
	for (struct lp_node *n = p->at; p->absent != NULL; n = n->parent) {
		struct lp_row *row;

		if (lp_merge_spend(m, IMPLIED_WORK + n->path_n / IMPLIED_BYTES) != LP_OK)
			return LP_E_LIMIT;
		row = lp_rowkeep_implied(&m->keep);
		if (row == NULL)
			return LP_E_NOMEM;
		/* below the topmost nothing is this layer's any more, so there is nothing to replace */
		if (n == p->absent) {
			put(m, n, row);
			return LP_OK;
		}
		show(m, n, row);
		n->born = row->seq;
	}
	return LP_OK;
}

static int
put_root(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	struct lp_span rest = name;

	if (row->type != LP_DIR)
		return lp_merge_tell(m, (name.n > 0 && name.p[0] == '/') || lp_span_is(lp_path_component(&rest), "..") ?
		    LP_FOUND_ROOT_BUSY : LP_FOUND_ROOT, name);
	put(m, m->root, row);
	m->root->born = 0; /* it was always a directory */
	return m->check ? lp_merge_check_root(m, row, name) : LP_OK;
}

/* ---- whiteouts ---------------------------------------------------------------- */

static int
mark(struct lp_merge *m, struct lp_node *n, int opaque)
{
	struct lp_mark *k;

	if (lp_merge_my_mark(m, n, opaque) != NULL)
		return LP_OK;
	k = lp_arena_alloc(&m->keep.objects, sizeof(*k));
	if (k == NULL)
		return LP_E_NOMEM;
	*k = (struct lp_mark){ .older = n->marks, .layer = lp_merge_this(m), .opaque = opaque != 0 };
	n->marks = k;
	return LP_OK;
}

/* The base hides nothing, wherever its whiteouts stand. */
static int
white_out(struct lp_merge *m, struct lp_node *n, struct lp_span name)
{
	int rc = LP_OK;

	if ((m->layers > 1 || m->check) && (lp_merge_mine(m, n) != NULL || lp_merge_my_mark(m, n, 0) != NULL))
		rc = lp_merge_tell(m, m->layers > 1 ? LP_FOUND_EXISTS : LP_FOUND_EXISTS_BASE, name);
	return rc != LP_OK ? rc : mark(m, n, 0);
}

/* ---- members ------------------------------------------------------------------ */

/* A row that its layer's own whiteout names. */
static int
over_mark(struct lp_merge *m, const struct lp_node *n, const struct lp_row *row, struct lp_span name)
{
	/* where all is told, when it is known what lower layers have there */
	if (m->check || m->layers < 2 || n->marks == NULL || row->type != LP_DIR || lp_merge_my_mark(m, n, 0) == NULL)
		return LP_OK;
	return lp_merge_tell(m, LP_FOUND_REMADE, name);
}

/* What runtimes unpack is 0, NUL and 1 to 6. */
static int
is_known(const struct lp_row *row)
{
	const struct lp_row_more *more = row->more;

	return more == NULL || (more->has & LP_HAS_TYPEFLAG) == 0 || (more->typeflag >= '0' && more->typeflag <= '6') ||
	    more->typeflag == '\0';
}

static void
look_at_device(struct lp_row *row)
{
	const struct lp_row_more *more = row->more;

	row->device00 = row->type == LP_CHAR && more != NULL && (more->has & LP_HAS_DEV) != 0 && more->devmajor == 0 &&
	    more->devminor == 0;
}

static int
put_member(struct lp_merge *m, struct lp_node *n, struct lp_row *row, struct lp_span name)
{
	int whiteout = 0, rc = over_mark(m, n, row, name);

	if (rc == LP_OK && !is_known(row))
		rc = lp_merge_tell(m, LP_FOUND_TYPE, name);
	if (rc == LP_OK && m->check)
		rc = lp_merge_check_member(m, row, name);
	look_at_device(row);
	/* what was there is gone before the target is looked up */
	if (rc == LP_OK)
		put(m, n, row);
	if (rc == LP_OK && row->type == LP_HARDLINK)
		rc = lp_merge_link(m, row, name, n, &whiteout);
	if (rc == LP_OK && whiteout) {
		row->why = LP_HIDDEN_DEVICE;
		row->by = lp_merge_this(m);
		rc = mark(m, n, 0);
	}
	return rc;
}

/* AUFS's own names are whiteouts like others; the opaque mark is not. */
static int
is_whiteout(struct lp_span base)
{
	return base.n >= 4 && memcmp(base.p, ".wh.", 4) == 0;
}

static int
is_opaque(struct lp_span base)
{
	return lp_span_is(base, ".wh..wh..opq");
}

/* Put a row below a directory. */
static int
put_below(struct lp_merge *m, struct lp_node *parent, struct lp_span base, struct lp_row *row, struct lp_span name)
{
	int whiteout = is_whiteout(base), rc;
	struct lp_node *n;

	if (is_opaque(base)) {
		if (m->layers == 1)
			return LP_OK;
		/* the top directory's is not looked at */
		return parent->parent != NULL ? mark(m, parent, 1) : m->check ? lp_merge_tell(m, LP_FOUND_OPAQUE_ROOT, name) : LP_OK;
	}
	if (whiteout)
		lp_span_take(&base, 4);
	if (whiteout && (base.n == 0 || lp_span_is(base, ".") || lp_span_is(base, "..")))
		return lp_merge_tell(m, LP_FOUND_NAME, name);
	rc = lp_tree_child(m, parent, base, &n);
	if (rc != LP_OK)
		return rc;
	return whiteout ? white_out(m, n, name) : put_member(m, n, row, name);
}

/* A parent that is a whiteout, or something else than a directory. */
static int
is_in_the_way(const struct lp_merge *m, const struct lp_place *p)
{
	if (p->blocked || p->absent == NULL)
		return p->blocked;
	for (const struct lp_node *n = p->at; n != NULL; n = n->parent) {
		if (n->marks != NULL && lp_merge_my_mark(m, n, 0) != NULL)
			return 1;
		if (n == p->absent)
			break;
	}
	return 0;
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

	if (row->type == LP_HARDLINK || !row->plain || m->check || !lp_merge_same_parent(m, name, &base))
		return LP_E_ABSENT;
	rc = lp_tree_append(m, m->cached, base, &n);
	if (rc == LP_OK) {
		show(m, n, row);
		n->born = row->seq;
	}
	return rc;
}

static int
add_anywhere(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	struct lp_span dir, base;
	struct lp_place p;
	int rc = lp_merge_split(m, name, &dir, &base);

	if (rc != LP_OK)
		return rc;
	if (base.n == 0)
		return put_root(m, row, name);
	rc = lp_merge_parent(m, dir, &p);
	if (rc == LP_E_DATA || rc == LP_E_ABSENT || (rc == LP_OK && !lp_tree_has_room(p.at, base)))
		return lp_merge_tell(m, LP_FOUND_PLACE, name);
	if (rc == LP_OK && is_in_the_way(m, &p)) {
		/* the base's whiteouts leave nothing behind */
		if (p.blocked || m->layers > 1 || m->check || is_whiteout(base))
			rc = lp_merge_tell(m, is_opaque(base) ? LP_FOUND_OPAQUE_FILE : is_whiteout(base) ? LP_FOUND_IGNORED :
			    p.blocked || m->layers > 1 ? LP_FOUND_PARENT : LP_FOUND_PARENT_BASE, name);
		if (is_whiteout(base))
			return rc;
	} else if (rc == LP_OK && p.by_link && m->check) {
		rc = lp_merge_tell(m, LP_FOUND_PARENT_LINK, name);
	}
	rc = rc != LP_OK ? rc : make_parents(m, &p);
	/* remembered first: what the row replaces may be what the memory rests on */
	rc = rc != LP_OK ? rc : lp_merge_cache(m, dir, p.at);
	return rc != LP_OK ? rc : put_below(m, p.at, base, row, name);
}

int
lp_merge_add(struct lp_merge *m, struct lp_row *row, struct lp_span name)
{
	int rc;

	if (m->rows == m->max_rows)
		return LP_E_LIMIT;
	m->rows++;
	row->layer = lp_merge_this(m);
	rc = append(m, row, name);
	if (rc != LP_E_ABSENT)
		return rc;
	rc = m->check ? lp_merge_check_name(m, name) : LP_OK;
	return rc != LP_OK ? rc : add_anywhere(m, row, name);
}

/* ---- layers ------------------------------------------------------------------- */

int
lp_merge_layer(struct lp_merge *m)
{
	if (m->layers == LP_MERGE_LAYERS)
		return LP_E_LIMIT;
	m->layers++;
	m->cached = NULL;
	lp_map_release(&m->names);
	lp_map_init(&m->names, SIZE_MAX);
	return LP_OK;
}

int
lp_merge_imply_root(struct lp_merge *m)
{
	struct lp_row *row = m->root->seen == NULL ? lp_rowkeep_implied(&m->keep) : NULL;

	if (row != NULL) {
		show(m, m->root, row);
		m->root->seen = row;
	}
	return m->root->seen != NULL ? LP_OK : LP_E_NOMEM;
}

int
lp_merge_finish(struct lp_merge *m)
{
	int rc = lp_merge_settle(m);

	lp_merge_check_end(m);
	return rc != LP_OK ? rc : lp_merge_links_finish(m);
}
