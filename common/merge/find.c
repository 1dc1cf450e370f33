/* What a layer says of a name: the merge of an image that has only the name, and the layer. */
#include "common/merge/find.h"

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* The layers of that merge. */
enum { PROBE, ASKED };

static int
add(struct lp_find *f, const struct lp_entry *e)
{
	struct lp_row *row = lp_rowkeep_entry(&f->merge.keep, e);

	return row != NULL ? lp_merge_add(&f->merge, row, e->name) : LP_E_NOMEM;
}

/* A directory of that name, by a file in it: what is put below it changes nothing, what takes its place or hides it does. */
static int
add_probe(struct lp_find *f)
{
	struct lp_entry probe = { .type = f->name.n > 0 ? LP_REG : LP_DIR };
	struct lp_place p;
	struct lp_buf file;
	int rc = lp_merge_layer(&f->merge);

	lp_buf_init(&file, LP_MAX_PATH + 2);
	rc = rc != LP_OK ? rc : lp_buf_add(&file, lp_buf_span(&f->name));
	rc = rc != LP_OK ? rc : lp_buf_adds(&file, f->name.n > 0 ? "/x" : ".");
	probe.name = lp_buf_span(&file);
	rc = rc != LP_OK ? rc : add(f, &probe);
	lp_buf_release(&file);
	if (rc == LP_OK && lp_merge_resolve(&f->merge, lp_buf_span(&f->name), 0, &p) == LP_OK)
		f->at = p.at;
	return rc != LP_OK ? rc : lp_merge_layer(&f->merge);
}

int
lp_find_init(struct lp_find *f, struct lp_span name, int follow, size_t above, uint64_t seed)
{
	int rc;

	*f = (struct lp_find){ .follow = follow, .above = above };
	lp_buf_init(&f->name, LP_MAX_PATH);
	lp_buf_init(&f->next, 3 * LP_MAX_PATH);
	rc = lp_merge_init(&f->merge, seed, LP_MAX_ENTRIES);
	rc = rc != LP_OK ? rc : lp_path_join(&f->name, name);
	return rc != LP_OK ? rc : add_probe(f);
}

void
lp_find_release(struct lp_find *f)
{
	lp_merge_release(&f->merge);
	lp_buf_release(&f->name);
	lp_buf_release(&f->next);
}

/* The name leads on along a link that stands at its first n bytes. */
static int
lead_on(struct lp_find *f, size_t n, struct lp_span link)
{
	struct lp_span name = lp_buf_span(&f->name), at = lp_span_take(&name, n);
	int rc;

	while (name.n > 0 && name.p[0] == '/')
		lp_span_take(&name, 1);
	lp_buf_clear(&f->next);
	rc = lp_buf_add(&f->next, lp_path_parent(at));
	rc = rc != LP_OK ? rc : lp_path_join(&f->next, link);
	rc = rc != LP_OK ? rc : lp_path_join(&f->next, name);
	return rc == LP_OK ? LP_FIND_AGAIN : rc;
}

/* The name is another one of a file. */
static int
lead_to_file(struct lp_find *f, struct lp_span file)
{
	int rc;

	lp_buf_clear(&f->next);
	rc = lp_path_join(&f->next, file);
	return rc == LP_OK ? LP_FIND_LINK : rc;
}

/* Not here, nor in any layer below. */
static int
gone(const struct lp_find *f)
{
	return f->name.n > 0 && f->above == f->name.n ? LP_FIND_ABOVE : LP_FIND_GONE;
}

/*
 * The file behind a hard link: its member, if the listing says where that is,
 * for its name may be another file's by now. Else by that name.
 */
static int
behind(struct lp_find *f, const struct lp_row *row)
{
	const struct lp_inode *inode = row->inode;
	const struct lp_row_more *more = inode != NULL && inode->first->layer == ASKED ? inode->first->more : NULL;
	int rc;

	if (more == NULL || (more->has & LP_HAS_OFFSETS) == 0)
		return lead_to_file(f, lp_row_link(row));
	f->file = inode;
	lp_buf_clear(&f->next);
	rc = lp_tree_path(inode->first_at, &f->next);
	return rc != LP_OK ? rc : LP_FIND_HERE;
}

/* The layer has something that is no directory at the node, which is the name's or above it. */
static int
meet(struct lp_find *f, const struct lp_node *n, const struct lp_row *row)
{
	const struct lp_row *link = f->follow ? lp_merge_symlink(row) : NULL;

	/* a layer above has a directory there, which it gives way to */
	if (n->path_n <= f->above)
		return gone(f);
	if (link != NULL)
		return lead_on(f, n->path_n, lp_row_link(link));
	if (n != f->at)
		return gone(f);
	return f->follow && row->type == LP_HARDLINK ? behind(f, row) : LP_FIND_HERE;
}

/* Whether the layer has a directory at the node, be it one that is only implied. */
static int
has_directory(const struct lp_node *n)
{
	for (const struct lp_row *row = n->row; row != NULL && row->layer == ASKED; row = row->older)
		if (row->type == LP_DIR && (row->why == LP_HIDDEN_NOT || row->why == LP_HIDDEN_SAME))
			return 1;
	return 0;
}

/* What has become of the name. */
static int
look(struct lp_find *f)
{
	const struct lp_node *n = f->at;
	const struct lp_row *row = n->seen;

	if (row != NULL && row->layer == PROBE) {
		while (n->parent != NULL && !has_directory(n))
			n = n->parent;
		f->above = n->path_n > f->above ? n->path_n : f->above;
		return n == f->at && f->name.n > 0 ? LP_FIND_DIR : LP_FIND_MORE;
	}
	for (; n->parent != NULL; n = n->parent)
		if (n->seen != NULL && n->seen->type != LP_DIR)
			return meet(f, n, n->seen);
	if (row == NULL)
		return gone(f);
	return row->implied ? LP_FIND_IMPLIED : LP_FIND_HERE;
}

int
lp_find_member(struct lp_find *f, const struct lp_entry *e, int eager)
{
	const struct lp_row *before = f->at != NULL ? f->at->row : NULL, *row;
	int rc = add(f, e);

	row = f->at != NULL ? f->at->row : NULL;
	if (rc != LP_OK || row == NULL || row == before || row->implied)
		return rc != LP_OK ? rc : LP_FIND_MORE;
	lp_buf_clear(&f->next);
	rc = lp_path_join(&f->next, e->name);
	f->entry = *e;
	if (rc != LP_OK || !eager)
		return rc != LP_OK ? rc : LP_FIND_MORE;
	rc = row->type == LP_DIR ? LP_FIND_HERE : row->device00 ? gone(f) : meet(f, f->at, row);
	if (f->file != NULL)
		lp_inode_entry(f->file, &f->entry);
	return rc;
}

/* As a listing has it: a hard link by the attributes of its file, which it stays a link to. */
static void
take_entry(struct lp_find *f)
{
	const struct lp_row *row = f->at->seen;
	const struct lp_span target = lp_row_link(row);

	if (row->inode != NULL)
		lp_inode_entry(row->inode, &f->entry);
	else
		lp_row_entry(row, &f->entry);
	/* or as the file, where that has no other name any more */
	if (row->type != LP_HARDLINK || f->file != NULL || (row->inode != NULL && row->inode->shown == row))
		return;
	f->entry.type = LP_HARDLINK;
	f->entry.typeflag = '1';
	f->entry.size = 0;
	f->entry.linkname = target;
}

int
lp_find_end(struct lp_find *f, int whole)
{
	int rc;

	if (f->at == NULL)
		return whole ? LP_FIND_GONE : LP_FIND_UNREAD;
	rc = lp_merge_finish(&f->merge);
	rc = rc != LP_OK ? rc : look(f);
	if (rc == LP_FIND_HERE)
		take_entry(f);
	/* what is there is, what is not may be in the rest */
	if (!whole && (rc == LP_FIND_MORE || rc == LP_FIND_GONE || rc == LP_FIND_DIR || rc == LP_FIND_IMPLIED))
		return LP_FIND_UNREAD;
	return rc;
}
