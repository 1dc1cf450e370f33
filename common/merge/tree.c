/* A tree of names with hashed lookup of children. */
#include "common/merge/tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"

/*
 * NEAR: names that are compared before a table is asked, which has to be
 * made first. A list that short never needs one.
 */
enum { NEAR = 8, FIRST_TABLE = 32 };

static uint32_t
hash(uint64_t seed, struct lp_span name)
{
	return (uint32_t)lp_hash64(seed, name);
}

static struct lp_span
name_of(const struct lp_node *n)
{
	return lp_span(n->name, n->name_n);
}

/* Bytes of the whole path of a name in that directory. */
static size_t
path_length(const struct lp_node *dir, struct lp_span name)
{
	return dir != NULL ? dir->path_n + (dir->parent != NULL) + name.n : 0;
}

int
lp_tree_has_room(const struct lp_node *dir, struct lp_span name)
{
	return path_length(dir, name) <= LP_MAX_PLACE;
}

/* A node below that parent, which is NULL for the root; in no list yet. */
static struct lp_node *
new_node(struct lp_merge *m, struct lp_node *parent, struct lp_span name)
{
	struct lp_node *n = lp_arena_alloc(&m->keep.objects, offsetof(struct lp_node, name) + name.n);

	if (n == NULL)
		return NULL;
	m->nodes++;
	memset(n, 0, offsetof(struct lp_node, name));
	n->parent = parent;
	n->name_n = (uint32_t)name.n;
	n->path_n = (uint32_t)path_length(parent, name);
	if (name.n > 0)
		memcpy(n->name, name.p, name.n);
	return n;
}

/* What its name and those above it mean, where the caller does not know it. */
static void
look_at_name(struct lp_node *n)
{
	struct lp_span name = name_of(n);

	n->clean = n->parent->clean && lp_escape_clean(name, LP_ESCAPE_ROW) == name.n;
}

struct lp_node *
lp_tree_root(struct lp_merge *m)
{
	struct lp_node *root = new_node(m, NULL, lp_span("", 0));

	if (root != NULL)
		root->clean = 1;
	return root;
}

/* ---- the table -------------------------------------------------------------- */

/* The slot where that name is, or would be. */
static struct lp_node **
slot_of(const struct lp_children *c, uint32_t h, struct lp_span name)
{
	uint32_t i = h & (c->cap - 1);

	while (c->slot[i] != NULL && !(c->slot[i]->hash == h && lp_span_eq(name_of(c->slot[i]), name)))
		i = (i + 1) & (c->cap - 1);
	return &c->slot[i];
}

/* A table with room to spare, filled from the list. */
static int
make_table(struct lp_merge *m, struct lp_children *c)
{
	int first = c->slot == NULL;
	uint32_t cap = first ? FIRST_TABLE : c->cap * 2;
	struct lp_node **slot;

	while (c->n > cap / 2)
		cap *= 2;
	slot = calloc(cap, sizeof(*slot));
	if (slot == NULL)
		return LP_E_NOMEM;
	if (first) {
		c->older = m->tables;
		m->tables = c;
	}
	free(c->slot);
	c->slot = slot;
	c->cap = cap;
	for (struct lp_node *n = c->first; n != NULL; n = n->next) {
		uint32_t i;

		if (first)
			n->hash = hash(m->seed, name_of(n));
		for (i = n->hash & (cap - 1); slot[i] != NULL;)
			i = (i + 1) & (cap - 1);
		slot[i] = n;
	}
	return LP_OK;
}

static int
add_to_table(struct lp_merge *m, struct lp_children *c, struct lp_node *n)
{
	/* three quarters full at most */
	if (c->n > c->cap / 4 * 3)
		return make_table(m, c);
	*slot_of(c, n->hash, name_of(n)) = n;
	return LP_OK;
}

/* ---- looking up --------------------------------------------------------------- */

/* What came of looking for a name. */
struct place {
	struct lp_node *found;
	struct lp_node *behind; /* of one that is not there: where it goes in the list; NULL is the front */
	int in_order;           /* and that is where the order of names has it */
};

/*
 * Look near the last one, in a list that is in order. 1 if that was enough to
 * tell whether there is such a name, and where it is or goes.
 */
static int
look_near(const struct lp_children *c, struct lp_span name, struct place *p)
{
	struct lp_node *n = c->at;
	int d = lp_span_cmp(name, name_of(n));

	p->in_order = 1;
	if (d < 0) {
		n = c->first;
		d = lp_span_cmp(name, name_of(n));
		p->behind = NULL;
		if (d < 0)
			return 1;
	}
	if (d > 0 && n != c->last && lp_span_cmp(name, name_of(c->last)) > 0)
		n = c->last;
	for (int i = 0; i < NEAR && d > 0; i++) {
		p->behind = n;
		n = n->next;
		if (n == NULL || (d = lp_span_cmp(name, name_of(n))) < 0)
			return 1;
	}
	p->found = d == 0 ? n : NULL;
	return d == 0;
}

/* In a list that is in no order, or far from the last one. */
static int
look_far(struct lp_merge *m, struct lp_children *c, struct lp_span name, struct place *p)
{
	struct lp_node *n = c->first;

	p->behind = c->last;
	p->in_order = 0;
	if (c->slot == NULL && c->n <= NEAR) {
		while (n != NULL && !lp_span_eq(name_of(n), name))
			n = n->next;
		p->found = n;
		return LP_OK;
	}
	if (c->slot == NULL && make_table(m, c) != LP_OK)
		return LP_E_NOMEM;
	p->found = *slot_of(c, hash(m->seed, name), name);
	return LP_OK;
}

static int
look(struct lp_merge *m, struct lp_children *c, struct lp_span name, struct place *p)
{
	int rc = LP_OK;

	*p = (struct place){ 0 };
	if (c->n > 0 && !(c->ordered && look_near(c, name, p)))
		rc = look_far(m, c, name, p);
	if (p->found != NULL)
		c->at = p->found;
	return rc;
}

int
lp_tree_find(struct lp_merge *m, const struct lp_node *dir, struct lp_span name, struct lp_node **out)
{
	struct place p = { 0 };
	int rc = dir->children != NULL ? look(m, dir->children, name, &p) : LP_OK;

	*out = p.found;
	return rc != LP_OK ? rc : p.found != NULL ? LP_OK : LP_E_ABSENT;
}

/* ---- making ------------------------------------------------------------------ */

/* Hang a node in at its place. */
static int
adopt(struct lp_merge *m, struct lp_children *c, struct lp_node *n, const struct place *p)
{
	struct lp_node **link = p->behind != NULL ? &p->behind->next : &c->first;

	c->ordered = c->n == 0 || (c->ordered && p->in_order);
	n->next = *link;
	*link = n;
	if (n->next == NULL)
		c->last = n;
	c->at = n;
	c->n++;
	if (c->slot == NULL)
		return LP_OK;
	n->hash = hash(m->seed, name_of(n));
	return add_to_table(m, c, n);
}

static struct lp_children *
new_children(struct lp_merge *m)
{
	struct lp_children *c = lp_arena_alloc(&m->keep.objects, sizeof(*c));

	if (c != NULL)
		*c = (struct lp_children){ 0 };
	return c;
}

int
lp_tree_child(struct lp_merge *m, struct lp_node *dir, struct lp_span name, struct lp_node **out)
{
	struct place p;

	if (dir->children == NULL && (dir->children = new_children(m)) == NULL)
		return LP_E_NOMEM;
	if (look(m, dir->children, name, &p) != LP_OK)
		return LP_E_NOMEM;
	*out = p.found;
	if (*out != NULL)
		return LP_OK;
	if (!lp_tree_has_room(dir, name))
		return LP_E_ABSENT;
	*out = new_node(m, dir, name);
	if (*out == NULL)
		return LP_E_NOMEM;
	look_at_name(*out);
	return adopt(m, dir->children, *out, &p);
}

int
lp_tree_append(struct lp_merge *m, struct lp_node *dir, struct lp_span name, struct lp_node **out)
{
	struct lp_children *c = dir->children;
	struct lp_node *n;

	if (c == NULL || c->n == 0 || !c->ordered || c->slot != NULL ||
	    !lp_tree_has_room(dir, name) || lp_span_cmp(name, name_of(c->last)) <= 0)
		return LP_E_ABSENT;
	n = new_node(m, dir, name);
	if (n == NULL)
		return LP_E_NOMEM;
	n->clean = dir->clean;
	c->last->next = n;
	c->last = c->at = n;
	c->n++;
	*out = n;
	return LP_OK;
}

struct lp_node *
lp_tree_next(const struct lp_node *top, struct lp_node *at, int into)
{
	if (into && at->children != NULL && at->children->first != NULL)
		return at->children->first;
	while (at != top && at->next == NULL)
		at = at->parent;
	return at != top ? at->next : NULL;
}

int
lp_tree_path(const struct lp_node *n, struct lp_buf *b)
{
	size_t end = n->path_n;

	lp_buf_clear(b);
	if (n->parent == NULL)
		return lp_buf_addc(b, '.');
	if (lp_buf_reserve(b, end) != LP_OK)
		return LP_E_NOMEM;
	b->n = end;
	for (; n->parent != NULL; n = n->parent) {
		end -= n->name_n;
		memcpy(b->p + end, n->name, n->name_n);
		if (end > 0)
			b->p[--end] = '/';
	}
	return LP_OK;
}

void
lp_tree_release(struct lp_merge *m)
{
	for (struct lp_children *c = m->tables; c != NULL; c = c->older)
		free(c->slot);
	m->tables = NULL;
}
