/* Walks a merged tree in order, within a pattern and a depth, and sums up directories. */
#include "common/merge/walk.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/merge/tree.h"

void
lp_walk_init(struct lp_walk *w, struct lp_merge *m, enum lp_walk_mode mode)
{
	*w = (struct lp_walk){ .merge = m, .mode = mode, .root_due = 1 };
	lp_buf_init(&w->text, LP_MAX_PATH);
	lp_buf_init(&w->link, LP_MAX_PATH);
}

void
lp_walk_release(struct lp_walk *w)
{
	lp_buf_release(&w->text);
	lp_buf_release(&w->link);
	free(w->frames);
	free(w->wait);
	w->frames = NULL;
	w->wait = NULL;
}

/* Begin with what lies in a directory. */
static int
enter(struct lp_walk *w, const struct lp_node *dir)
{
	struct lp_walk_frame *f = lp_array_room(w->frames, w->nframes, &w->frames_cap, sizeof(*f));

	if (f == NULL)
		return LP_E_NOMEM;
	w->frames = f;
	/* the order of children is only a view of them */
	if (lp_tree_sort((struct lp_node *)(size_t)dir) != LP_OK)
		return LP_E_NOMEM;
	w->frames[w->nframes++] = (struct lp_walk_frame){
		.dir = dir, .next = dir->children != NULL ? dir->children->first : NULL, .waiting = (uint32_t)w->nwait,
	};
	return LP_OK;
}

static int
put_off(struct lp_walk *w, struct lp_node *dir)
{
	struct lp_node **p = lp_array_room(w->wait, w->nwait, &w->wait_cap, sizeof(struct lp_node *));

	if (p == NULL)
		return LP_E_NOMEM;
	w->wait = p;
	w->wait[w->nwait++] = dir;
	return LP_OK;
}

/* Whether to go into it. Nested, every directory is entered, because every one is left. */
static int
has_inside(const struct lp_walk *w, const struct lp_node *n)
{
	const struct lp_row *row = lp_tree_visible(n);

	if (w->mode == LP_WALK_ALL)
		return n->children != NULL;
	return row != NULL && row->type == LP_DIR && (n->children != NULL || w->mode == LP_WALK_NESTED);
}

/* A directory that was implied, and is the lower one. */
static int
is_nothing(const struct lp_row *row)
{
	return row->implied && row->why != LP_HIDDEN_NOT && row->by == row->layer;
}

/* The visible row, or else the newest. */
static struct lp_row *
first_of(const struct lp_node *n)
{
	struct lp_row *row = n->seen != NULL ? n->seen : n->row;

	while (row != NULL && is_nothing(row))
		row = row->older;
	return row;
}

const struct lp_row *
lp_walk_older(const struct lp_walk *w, const struct lp_row *row)
{
	row = row == w->node->seen ? w->node->row : row->older;
	while (row != NULL && (row == w->node->seen || is_nothing(row)))
		row = row->older;
	return row;
}

static int
is_wanted(const struct lp_walk *w, const struct lp_node *n)
{
	return (w->mode == LP_WALK_ALL ? first_of(n) : lp_tree_visible(n)) != NULL;
}

/*
 * Whether the path of `n` sorts before what lies in its sibling `dir`:
 * "a-b" before "a/b", because '-' is before '/'.
 */
static int
before_inside(const struct lp_node *n, const struct lp_node *dir)
{
	return n->name_n > dir->name_n && n->name[dir->name_n] < '/' &&
	    memcmp(n->name, dir->name, dir->name_n) == 0;
}

static int
answer(struct lp_walk *w, struct lp_node *n)
{
	w->node = n;
	w->row = w->mode == LP_WALK_ALL ? first_of(n) : lp_tree_visible(n);
	w->clean = n->clean;
	w->path = lp_buf_span(&w->text);
	w->name = lp_span(n->name, n->name_n);
	w->depth = n->parent != NULL ? w->nframes : 0;
	return LP_WALK_PATH;
}

static int
answer_root(struct lp_walk *w)
{
	int rc = lp_tree_path(w->merge->root, &w->text);

	w->root_due = 0;
	return rc != LP_OK ? rc : answer(w, w->merge->root);
}

/* The text starts with the path of the frame's directory; put the child's name behind it. */
static int
answer_child(struct lp_walk *w, const struct lp_walk_frame *f, struct lp_node *n)
{
	w->text.n = f->dir->path_n;
	if (lp_buf_reserve(&w->text, n->path_n - f->dir->path_n) != LP_OK)
		return LP_E_NOMEM;
	if (w->text.n > 0)
		w->text.p[w->text.n++] = '/';
	memcpy(w->text.p + w->text.n, n->name, n->name_n);
	w->text.n = n->path_n;
	return answer(w, n);
}

/* Go into a directory whose inside was put off; the text has to hold its path. */
static int
enter_waiting(struct lp_walk *w)
{
	struct lp_node *dir = w->wait[--w->nwait];
	int rc = lp_tree_path(dir, &w->text);

	return rc != LP_OK ? rc : enter(w, dir);
}

static int
leave(struct lp_walk *w)
{
	w->nframes--;
	return w->mode == LP_WALK_NESTED;
}

static int
root_before(const struct lp_walk *w, const struct lp_node *n)
{
	if (!w->root_due)
		return 0;
	return n == NULL || w->mode == LP_WALK_NESTED ||
	    lp_span_cmp(lp_span(n->name, n->name_n), lp_span(".", 1)) > 0;
}

/* The first call: the root itself may come later, what lies in it is entered now. */
static int
start(struct lp_walk *w)
{
	if (!is_wanted(w, w->merge->root))
		w->root_due = 0;
	return enter(w, w->merge->root);
}

int
lp_walk_next(struct lp_walk *w)
{
	int rc = w->nframes == 0 ? start(w) : LP_OK;

	while (rc == LP_OK) {
		struct lp_walk_frame *f = &w->frames[w->nframes - 1];
		struct lp_node *n = f->next;

		if (w->nwait > f->waiting && (w->mode == LP_WALK_NESTED || n == NULL ||
		    !before_inside(n, w->wait[w->nwait - 1]))) {
			rc = enter_waiting(w);
			continue;
		}
		if (w->nframes == 1 && root_before(w, n))
			return answer_root(w);
		if (n == NULL && w->nframes == 1)
			return 0;
		if (n == NULL) {
			if (leave(w))
				return LP_WALK_LEAVE;
			continue;
		}
		f->next = n->next;
		if (has_inside(w, n))
			rc = put_off(w, n);
		if (rc == LP_OK && is_wanted(w, n))
			return answer_child(w, &w->frames[w->nframes - 1], n);
	}
	return rc;
}

/* ---- rows as they are printed --------------------------------------------- */

int
lp_walk_entry(struct lp_walk *w, const struct lp_row *row, struct lp_entry *e)
{
	const struct lp_inode *inode = row->why == LP_HIDDEN_NOT ? row->inode : NULL;
	int rc = LP_OK;

	if (inode != NULL)
		lp_inode_entry(inode, e);
	else
		lp_row_entry(row, e);
	e->name = w->path;
	/* places in a tar are of use only together with the layer whose tar it is */
	if (inode != NULL && inode->first->layer != row->layer)
		e->has &= ~(unsigned)LP_HAS_OFFSETS;
	if (inode == NULL || inode->shown == row)
		return LP_OK;
	e->type = LP_HARDLINK;
	e->typeflag = '1';
	e->size = 0;
	rc = lp_tree_path(inode->shown_at, &w->link);
	e->linkname = lp_buf_span(&w->link);
	return rc;
}

/* ---- totals --------------------------------------------------------------- */

/* Bytes of content that a visible row adds to an image: a file with several names counts once. */
static uint64_t
bytes_of(const struct lp_row *row)
{
	if (row->inode == NULL)
		return lp_row_size(row);
	return row->inode->shown == row ? lp_row_size(row->inode->first) : 0;
}

/* What a node adds to the directory above it. */
static void
add_up(struct lp_node *n)
{
	const struct lp_row *row = lp_tree_visible(n);
	struct lp_children *up = n->parent->children;

	if (row != NULL) {
		lp_sum(&up->bytes, bytes_of(row));
		up->entries++;
	}
	if (n->children != NULL) {
		lp_sum(&up->bytes, n->children->bytes);
		up->entries += n->children->entries;
	}
}

void
lp_walk_totals(struct lp_merge *m)
{
	struct lp_node *n = m->root;

	for (;;) {
		if (n->children != NULL && n->children->first != NULL) {
			n->children->bytes = 0;
			n->children->entries = 0;
			n = n->children->first;
			continue;
		}
		/* nothing below it is left: it is complete, and so is each parent whose last child it is */
		for (; n != m->root; n = n->parent) {
			add_up(n);
			if (n->next != NULL)
				break;
		}
		if (n == m->root)
			return;
		n = n->next;
	}
}

void
lp_walk_total(const struct lp_walk *w, uint64_t *bytes, uint64_t *entries)
{
	*bytes = w->node->children != NULL ? w->node->children->bytes : 0;
	*entries = w->node->children != NULL ? w->node->children->entries : 0;
}

const struct lp_row *
lp_walk_newest(const struct lp_node *n)
{
	return n->row;
}

int
lp_walk_back(struct lp_walk *w, const struct lp_node *n, struct lp_row *row)
{
	int rc = lp_tree_path(n, &w->text);

	w->path = lp_buf_span(&w->text);
	w->node = n;
	w->row = row;
	w->clean = 0;
	return rc;
}

int
lp_walk_path_of(const struct lp_node *n, struct lp_buf *b)
{
	return lp_tree_path(n, b);
}
