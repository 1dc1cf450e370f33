/* Looks, for lp-merge --check, for what runtimes refuse or show otherwise and a merge need not know. */
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* ---- findings ------------------------------------------------------------------- */

int
lp_merge_find(struct lp_merge *m, enum lp_finding what, unsigned layer, struct lp_span name)
{
	struct lp_merge_found *f = lp_array_room(m->finding, m->nfindings, &m->findings_cap, sizeof(*f));
	const unsigned char *copy = lp_arena_copy(&m->keep.text, name);

	m->finding = f != NULL ? f : m->finding;
	if (f == NULL || copy == NULL)
		return LP_E_NOMEM;
	m->finding[m->nfindings++] = (struct lp_merge_found){ what, (uint16_t)layer, lp_span(copy, name.n) };
	return LP_OK;
}

int
lp_merge_find_at(struct lp_merge *m, enum lp_finding what, unsigned layer, const struct lp_node *n)
{
	int rc = lp_tree_path(n, &m->clean);

	return rc != LP_OK ? rc : lp_merge_find(m, what, layer, lp_buf_span(&m->clean));
}

static int
in_order(const void *a, const void *b)
{
	const struct lp_merge_found *x = a, *y = b;
	int d = lp_span_cmp(x->name, y->name);

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return d != 0 ? d : (int)x->what - (int)y->what;
}

void
lp_merge_check_end(struct lp_merge *m)
{
	size_t n = 0;

	lp_sort(m->finding, m->nfindings, sizeof(*m->finding), in_order);
	for (size_t i = 0; i < m->nfindings; i++)
		if (n == 0 || in_order(&m->finding[n - 1], &m->finding[i]) != 0)
			m->finding[n++] = m->finding[i];
	m->nfindings = n;
}

/* ---- rows as they are added ------------------------------------------------------ */

/* As Docker's and podman's tar-split compares them: cleaned, and one that begins at the root is another. */
int
lp_merge_check_name(struct lp_merge *m, struct lp_span name)
{
	const uint64_t seed = name.n > 0 && name.p[0] == '/' ? ~m->seed : m->seed;
	uint64_t *value;
	int rc, fresh = 1;

	lp_buf_clear(&m->clean);
	rc = lp_path_join(&m->clean, name);
	rc = rc != LP_OK ? rc : lp_map_add(&m->names, lp_hash64(seed, lp_buf_span(&m->clean)), &value, &fresh);
	return rc != LP_OK || fresh ? rc : lp_merge_tell(m, LP_FOUND_TWICE, name);
}

static enum lp_finding
look_at_xattr(const struct lp_row *row, struct lp_span name)
{
	int is_user = lp_span_begins(name, "user.");

	if (is_user && row->type != LP_REG && row->type != LP_DIR && row->type != LP_HARDLINK)
		return LP_FOUND_XATTR_USER;
	if (lp_span_is(name, "user.") || lp_span_is(name, "trusted.") || lp_span_is(name, "security."))
		return LP_FOUND_XATTR_NAME;
	if (lp_span_begins(name, "trusted.overlay."))
		return LP_FOUND_XATTR_OVERLAY;
	if (lp_span_begins(name, "trusted."))
		return LP_FOUND_XATTR_TRUSTED;
	if (is_user || lp_span_begins(name, "security.") || lp_span_begins(name, "system.posix_acl_"))
		return LP_FOUND_NOTHING;
	return LP_FOUND_XATTR_SYSTEM;
}

/* The last second whose nanoseconds since 1970 are a number of 63 bits, as Go counts. */
static const int64_t last_time = INT64_MAX / 1000000000;

int
lp_merge_check_member(struct lp_merge *m, const struct lp_row *row, struct lp_span name)
{
	struct lp_entry e;
	int rc = LP_OK;

	lp_row_entry(row, &e);
	/* a listing may lack the times */
	if ((e.has & LP_HAS_MTIME) != 0 && (e.mtime < 0 || e.mtime > last_time))
		rc = lp_merge_tell(m, LP_FOUND_TIME, name);
	for (size_t i = 0; i < e.nxattrs && rc == LP_OK; i++) {
		enum lp_finding what = look_at_xattr(row, e.xattrs[i].name);

		if (what != LP_FOUND_NOTHING)
			rc = lp_merge_tell(m, what, name);
	}
	return rc;
}

/* Whether a directory is as one that nobody has said anything of. */
static int
is_ordinary(const struct lp_row *row)
{
	struct lp_entry e;

	lp_row_entry(row, &e);
	return e.mode == 0755 && e.uid == 0 && e.gid == 0 && e.nxattrs == 0;
}

int
lp_merge_check_root(struct lp_merge *m, const struct lp_row *row, struct lp_span name)
{
	return is_ordinary(row) ? LP_OK : lp_merge_tell(m, LP_FOUND_ROOT_MODE, name);
}

int
lp_merge_check_link(struct lp_merge *m, const struct lp_row *row, struct lp_span name)
{
	enum { SET_ID = 06000 };
	struct lp_entry file, link;
	int mode;

	lp_row_entry(row->inode->header, &file);
	lp_row_entry(row, &link);
	mode = row->inode->first->type != LP_SYMLINK && file.mode != link.mode;
	if (mode && (file.mode & SET_ID & ~link.mode) != 0)
		return lp_merge_tell(m, LP_FOUND_SETUID, name);
	return mode || file.uid != link.uid || file.gid != link.gid ? lp_merge_tell(m, LP_FOUND_HEADER, name) : LP_OK;
}

/* ---- layers over each other ------------------------------------------------------- */

/* Whether it is what its layer has there in the end. */
static int
is_final(const struct lp_row *row)
{
	return row->why == LP_HIDDEN_NOT || row->by != row->layer || row->why == LP_HIDDEN_DEVICE || row->why == LP_HIDDEN_SAME;
}

static int
is_opaque_in(struct lp_merge *m, const struct lp_node *n, unsigned layer)
{
	const struct lp_mark *k = n->marks;

	for (; k != NULL && (k->layer != layer || !k->opaque); k = k->older)
		m->work++;
	return k != NULL;
}

/* The next older row that its layer has in the end. */
static const struct lp_row *
final_of(const struct lp_row *row)
{
	while (row != NULL && !is_final(row))
		row = row->older;
	return row;
}

/* A directory over what the layers below have. */
static int
look_at_directory(struct lp_merge *m, const struct lp_node *n, const struct lp_row *lower, const struct lp_row *row)
{
	if (lower->by != row->layer)
		return LP_OK;
	if (lower->why == LP_HIDDEN_OVERWRITTEN && lp_merge_symlink(lower) != NULL)
		return lp_merge_find_at(m, row->implied ? LP_FOUND_LINK_LOST : LP_FOUND_LINK_DIR, row->layer, n);
	if (lower->why == LP_HIDDEN_WHITEOUT && lower->type == LP_DIR && !row->implied && !is_opaque_in(m, n, row->layer))
		return lp_merge_find_at(m, LP_FOUND_REMADE, row->layer, n);
	return LP_OK;
}

/* containerd looks for the attributes of a parent that it makes in each lower layer, which may have a file above it. */
static int
look_below_file(struct lp_merge *m, const struct lp_node *n, const struct lp_row *lower, const struct lp_row *row)
{
	const int from = lower != NULL ? lower->layer : -1;
	const struct lp_row *above = n->parent->row;
	const struct lp_mark *mark = n->parent->marks;

	for (above = final_of(above); above != NULL && above->layer >= row->layer; above = final_of(above->older))
		m->work++;
	for (; mark != NULL && (mark->opaque || mark->layer >= row->layer); mark = mark->older)
		m->work++;
	if ((above == NULL || above->layer <= from || above->type == LP_DIR || lp_merge_symlink(above) != NULL) &&
	    (mark == NULL || mark->layer <= from || mark->layer == 0))
		return LP_OK;
	return lp_merge_find_at(m, LP_FOUND_LOWER_FILE, row->layer, n);
}

/* A directory whose last layer has no row for it: what it looks like. */
static int
look_at_implied(struct lp_merge *m, const struct lp_node *n, const struct lp_row *lower, const struct lp_row *row)
{
	const struct lp_row *above = n->parent->seen;
	struct lp_entry e;
	int rc = LP_OK;

	if (!is_ordinary(n->seen))
		return lp_merge_find_at(m, LP_FOUND_PARENT_MODE, row->layer, n);
	lp_row_entry(n->seen, &e);
	if (!n->seen->implied || (e.has & LP_HAS_MTIME) != 0 || lp_merge_symlink(lower) != NULL)
		return LP_OK;
	if (above != NULL) {
		lp_row_entry(above, &e);
		if ((e.mode & 02000) != 0)
			rc = lp_merge_find_at(m, LP_FOUND_PARENT_SETGID, n->seen->layer, n);
	}
	return rc != LP_OK ? rc : lp_merge_find_at(m, LP_FOUND_NO_PARENT, n->seen->layer, n);
}

int
lp_merge_check_over_link(struct lp_merge *m, const struct lp_node *n, const struct lp_row *row, int way)
{
	if (way == LP_E_DATA)
		return lp_merge_find_at(m, LP_FOUND_LOWER_LOOP, row->layer, n);
	return n->seen == row && !is_ordinary(row) ? lp_merge_find_at(m, LP_FOUND_PARENT_MODE, row->layer, n) : LP_OK;
}

int
lp_merge_check_node(struct lp_merge *m, const struct lp_node *n)
{
	const struct lp_row *last = final_of(n->row), *lower;
	int rc = LP_OK;

	for (const struct lp_row *row = last; row != NULL && rc == LP_OK; row = lower) {
		lower = final_of(row->older);
		if (row->type != LP_DIR)
			continue;
		if (lower != NULL)
			rc = look_at_directory(m, n, lower, row);
		if (rc == LP_OK && row->implied && n->parent != NULL)
			rc = look_below_file(m, n, lower, row);
	}
	/* what was looked through of other rows counts */
	rc = rc != LP_OK ? rc : lp_merge_spend(m, 0);
	if (rc != LP_OK || n->parent == NULL || n->seen == NULL || last == NULL || !last->implied)
		return rc;
	return look_at_implied(m, n, final_of(last->older), last);
}
