/* Sorts the children of a directory by name, by merge sort on 8-byte prefixes. */
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/merge/tree.h"

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

int
lp_tree_sort(struct lp_node *dir)
{
	struct lp_children *c = dir->children;
	struct lp_node **link;
	struct keyed *k;
	uint32_t i = 0;

	if (c == NULL || c->ordered || c->n == 0)
		return LP_OK;
	k = calloc(c->n, 2 * sizeof(*k));
	if (k == NULL)
		return LP_E_NOMEM;
	for (struct lp_node *n = c->first; n != NULL; n = n->next, i++)
		k[i] = (struct keyed){ key_of(n), n };
	sort_keyed(k, k + c->n, c->n);
	link = &c->first;
	for (i = 0; i < c->n; i++) {
		*link = k[i].node;
		link = &k[i].node->next;
	}
	*link = NULL; /* NOLINT: the list has c->n nodes, and none of them is NULL */
	c->last = c->at = k[c->n - 1].node;
	c->ordered = 1;
	free(k);
	return LP_OK;
}
