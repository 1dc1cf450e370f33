#include "common/format/tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"

/* Children that a list can have before looking through it costs more than a table. */
enum { LIST_MAX = 8, FIRST_TABLE = 32 };

static uint32_t
hash(uint64_t seed, struct lp_span name)
{
	return (uint32_t)lp_hash64(seed, name);
}

static struct lp_node *
new_node(struct lp_merge *m, struct lp_node *parent, struct lp_span name)
{
	struct lp_node *n = lp_arena_alloc(&m->objects, sizeof(*n));
	const unsigned char *copy = lp_arena_copy(&m->text, name);

	if (n == NULL || copy == NULL)
		return NULL;
	*n = (struct lp_node){ .name = copy, .name_n = (uint32_t)name.n, .parent = parent };
	n->metadata = (parent != NULL && parent->metadata) ||
	    (name.n >= 8 && memcmp(name.p, ".wh..wh.", 8) == 0);
	return n;
}

struct lp_node *
lp_tree_root(struct lp_merge *m)
{
	return new_node(m, NULL, lp_span("", 0));
}

static int
is_named(const struct lp_node *n, uint32_t h, struct lp_span name)
{
	return n->hash == h && lp_span_eq(lp_span(n->name, n->name_n), name);
}

/* The slot where that name is, or would be. */
static struct lp_node **
slot_of(const struct lp_children *c, uint32_t h, struct lp_span name)
{
	uint32_t i = h & (c->cap - 1);

	while (c->slot[i] != NULL && !is_named(c->slot[i], h, name))
		i = (i + 1) & (c->cap - 1);
	return &c->slot[i];
}

static struct lp_node *
find(const struct lp_children *c, uint32_t h, struct lp_span name)
{
	struct lp_node *n;

	if (c->slot != NULL)
		return *slot_of(c, h, name);
	for (n = c->first; n != NULL && !is_named(n, h, name); n = n->next)
		;
	return n;
}

struct lp_node *
lp_tree_find(const struct lp_merge *m, const struct lp_node *dir, struct lp_span name)
{
	return dir->children != NULL ? find(dir->children, hash(m->seed, name), name) : NULL;
}

/* A table of twice the size, or the first one; filled from the list. */
static int
grow_table(struct lp_children *c)
{
	uint32_t cap = c->cap > 0 ? c->cap * 2 : FIRST_TABLE;
	struct lp_node **slot = calloc(cap, sizeof(*slot));

	if (slot == NULL)
		return LP_E_NOMEM;
	free(c->slot);
	c->slot = slot;
	c->cap = cap;
	for (struct lp_node *n = c->first; n != NULL; n = n->next) {
		uint32_t i = n->hash & (cap - 1);

		while (slot[i] != NULL)
			i = (i + 1) & (cap - 1);
		slot[i] = n;
	}
	return LP_OK;
}

/* Hang a node in: list always, table if there are many. */
static int
adopt(struct lp_children *c, struct lp_node *n)
{
	if (c->last != NULL)
		c->last->next = n;
	else
		c->first = n;
	c->last = n;
	c->n++;
	if (c->n <= LIST_MAX)
		return LP_OK;
	/* three quarters full at most */
	if (c->slot == NULL || c->n > c->cap / 4 * 3)
		return grow_table(c);
	*slot_of(c, n->hash, lp_span(n->name, n->name_n)) = n;
	return LP_OK;
}

int
lp_tree_child(struct lp_merge *m, struct lp_node *dir, struct lp_span name, struct lp_node **out)
{
	uint32_t h = hash(m->seed, name);
	size_t path_n = dir->path_n + (dir->parent != NULL) + name.n;

	if (dir->children == NULL) {
		dir->children = lp_arena_alloc(&m->objects, sizeof(*dir->children));
		if (dir->children == NULL)
			return LP_E_NOMEM;
		*dir->children = (struct lp_children){ .older = m->tables };
		m->tables = dir->children;
	}
	*out = find(dir->children, h, name);
	if (*out != NULL)
		return LP_OK;
	if (path_n > LP_MAX_PATH)
		return LP_E_ABSENT;
	*out = new_node(m, dir, name);
	if (*out == NULL)
		return LP_E_NOMEM;
	(*out)->hash = h;
	(*out)->path_n = (uint32_t)path_n;
	return adopt(dir->children, *out);
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

void
lp_tree_release(struct lp_merge *m)
{
	for (struct lp_children *c = m->tables; c != NULL; c = c->older)
		free(c->slot);
	m->tables = NULL;
}

static int
by_name(const struct lp_node *a, const struct lp_node *b)
{
	/* the lists compared have as many nodes as were counted: none of these is NULL */
	return lp_span_cmp(lp_span(a->name, a->name_n), lp_span(b->name, b->name_n)); /* NOLINT */
}

/* The first eight bytes of the name as a number that orders like them: most names differ there. */
struct keyed {
	uint64_t key;
	struct lp_node *node;
};

static uint64_t
key_of(const struct lp_node *n)
{
	uint64_t key = 0;

	for (uint32_t i = 0; i < 8; i++)
		key = key << 8 | (i < n->name_n ? n->name[i] : 0);
	return key;
}

static int
after(const struct keyed *a, const struct keyed *b)
{
	if (a->key != b->key)
		return a->key > b->key;
	return by_name(a->node, b->node) > 0;
}

static void
insertion_sort(struct keyed *k, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct keyed x = k[i];
		size_t j = i;

		for (; j > 0 && after(&k[j - 1], &x); j--)
			k[j] = k[j - 1];
		k[j] = x;
	}
}

/* Merge from[0..half) and from[half..n) into to. */
static void
merge_halves(const struct keyed *from, struct keyed *to, size_t half, size_t n)
{
	size_t i = 0, j = half;

	for (size_t o = 0; o < n; o++)
		to[o] = j == n || (i < half && !after(&from[i], &from[j])) ? from[i++] : from[j++];
}

/*
 * Merge sort; `room` is as large as k. Not qsort(3): the C library's asks
 * the kernel how much memory there is, which a locked process may not.
 */
static void
sort_keyed(struct keyed *k, struct keyed *room, size_t n)
{
	size_t half = n / 2;

	if (n <= 16) {
		insertion_sort(k, n);
		return;
	}
	sort_keyed(k, room, half);
	sort_keyed(k + half, room + half, n - half);
	if (!after(&k[half - 1], &k[half]))
		return;
	memcpy(room, k, n * sizeof(*k));
	merge_halves(room, k, half, n);
}

/* In the order of the list, which is the listing's; most writers of layers sort. */
static int
list_is_sorted(const struct lp_children *c)
{
	for (const struct lp_node *n = c->first; n != NULL && n->next != NULL; n = n->next)
		if (by_name(n, n->next) > 0)
			return 0;
	return 1;
}

static void
from_list(struct lp_children *c)
{
	uint32_t i = 0;

	for (struct lp_node *n = c->first; n != NULL; n = n->next)
		c->slot[i++] = n;
}

static int
sort_slots(struct lp_children *c)
{
	struct keyed *k = calloc(c->n, 2 * sizeof(*k));
	uint32_t i = 0;

	if (k == NULL)
		return LP_E_NOMEM;
	for (struct lp_node *n = c->first; n != NULL; n = n->next, i++)
		k[i] = (struct keyed){ key_of(n), n };
	sort_keyed(k, k + c->n, c->n);
	for (i = 0; i < c->n; i++)
		c->slot[i] = k[i].node;
	free(k);
	return LP_OK;
}

int
lp_tree_sort(struct lp_node *dir)
{
	struct lp_children *c = dir->children;

	if (c == NULL || dir->sorted)
		return LP_OK;
	if (c->slot == NULL) {
		c->slot = malloc(c->n * sizeof(*c->slot));
		if (c->slot == NULL)
			return LP_E_NOMEM;
	}
	dir->sorted = 1;
	if (!list_is_sorted(c))
		return sort_slots(c);
	from_list(c);
	return LP_OK;
}
