/* Offers the nearest names by edit distance. */
#include "common/view/nearest.h"

void
lp_nearest_init(struct lp_nearest *n, struct lp_span wanted)
{
	n->wanted = wanted;
	n->n = 0;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
lp_edit_distance(struct lp_span a, struct lp_span b)
{
	/* three rows of the usual table: this one, the one before, and that before it for swaps */
	unsigned room[3][LP_NEAREST_LEN + 1];
	unsigned *row = room[0], *above = room[1], *over = room[2];

	for (size_t j = 0; j <= b.n; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned *next = over;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned v = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			v = least(v, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				v = least(v, over[j - 2] + 1);
			row[j] = v;
		}
		over = above;
		above = row;
		row = next;
	}
	return above[b.n];
}

void
lp_nearest_offer(struct lp_nearest *n, struct lp_span name)
{
	unsigned d;
	size_t at;

	if (name.n == 0 || name.n > LP_NEAREST_LEN || n->wanted.n > LP_NEAREST_LEN)
		return;
	d = lp_edit_distance(n->wanted, name);
	if (d > ((name.n > n->wanted.n ? name.n : n->wanted.n) + 1) / 2)
		return;
	for (at = n->n; at > 0 && n->best[at - 1].distance > d; at--)
		;
	if (at == LP_NEAREST)
		return;
	if (n->n < LP_NEAREST)
		n->n++;
	memmove(&n->best[at + 1], &n->best[at], (n->n - 1 - at) * sizeof(n->best[0]));
	memcpy(n->best[at].text, name.p, name.n);
	n->best[at].n = name.n;
	n->best[at].distance = d;
}
