/* The trigram index: built from paths, intersected for a pattern. */
#include "common/cache/grams.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/sort.h"
#include "common/base/status.h"

enum { FIRST_SLOTS = 1 << 12, FIRST_BYTES = 16, VARINT_MAX = 5 };

void
lp_grams_init(struct lp_grams *g)
{
	*g = (struct lp_grams){ 0 };
	lp_buf_init(&g->before, LP_MAX_ROW);
}

void
lp_grams_release(struct lp_grams *g)
{
	for (size_t i = 0; i < g->cap; i++)
		free(g->posting[i].p);
	free(g->posting);
	lp_buf_release(&g->before);
	*g = (struct lp_grams){ 0 };
}

/* ---- building ------------------------------------------------------------- */

static struct lp_posting *
slot_of(struct lp_posting *table, size_t cap, uint32_t key)
{
	size_t i = (size_t)(key * UINT32_C(2654435761)) >> 7 & (cap - 1);

	while (table[i].gram != 0 && table[i].gram != key)
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static int
grow(struct lp_grams *g)
{
	size_t cap = g->cap > 0 ? g->cap * 2 : FIRST_SLOTS;
	struct lp_posting *table = calloc(cap, sizeof(*table));

	if (table == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < g->cap; i++)
		if (g->posting[i].gram != 0)
			*slot_of(table, cap, g->posting[i].gram) = g->posting[i];
	free(g->posting);
	g->posting = table;
	g->cap = cap;
	return LP_OK;
}

static int
append(struct lp_posting *p, uint32_t v)
{
	if (p->cap - p->n < VARINT_MAX) {
		uint32_t cap = p->cap > 0 ? p->cap * 2 : FIRST_BYTES;
		unsigned char *room = realloc(p->p, cap);

		if (room == NULL)
			return LP_E_NOMEM;
		p->p = room;
		p->cap = cap;
	}
	for (; v >= 0x80; v >>= 7)
		p->p[p->n++] = (unsigned char)(v | 0x80);
	p->p[p->n++] = (unsigned char)v;
	return LP_OK;
}

static int
add_gram(struct lp_grams *g, uint32_t key, uint32_t block)
{
	struct lp_posting *p;
	uint32_t step;

	/* half full at most */
	if (g->n >= g->cap / 2 && grow(g) != LP_OK)
		return LP_E_NOMEM;
	p = slot_of(g->posting, g->cap, key);
	if (p->gram != 0 && p->last == block)
		return LP_OK;
	step = p->gram != 0 ? block - p->last : block + 1;
	g->n += p->gram == 0;
	p->gram = key;
	p->last = block;
	return append(p, step);
}

/* Bytes at the front that both have. */
static size_t
common_front(struct lp_span a, struct lp_span b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	while (i < n && a.p[i] == b.p[i])
		i++;
	return i;
}

int
lp_grams_add(struct lp_grams *g, struct lp_span path)
{
	uint32_t block = g->paths / LP_GRAM_BLOCK;
	size_t i = 0;
	int rc = LP_OK;

	if (g->paths == UINT32_MAX)
		return LP_E_LIMIT;
	/* what the path before it begins with too is in this block already */
	if (g->paths % LP_GRAM_BLOCK != 0) {
		i = common_front(path, lp_buf_span(&g->before));
		i = i > LP_GRAM - 1 ? i - (LP_GRAM - 1) : 0;
	}
	for (; i + LP_GRAM <= path.n && rc == LP_OK; i++)
		rc = add_gram(g, lp_gram_at(path.p + i) + 1, block);
	g->paths++;
	lp_buf_clear(&g->before);
	return rc == LP_OK ? lp_buf_add(&g->before, path) : rc;
}

static int
by_gram(const void *a, const void *b)
{
	const struct lp_posting *x = a, *y = b;

	return (x->gram > y->gram) - (x->gram < y->gram);
}

void
lp_grams_sort(struct lp_grams *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->cap; i++) {
		if (g->posting[i].gram == 0)
			continue;
		g->posting[n] = g->posting[i];
		if (n++ != i)
			g->posting[i] = (struct lp_posting){ 0 };
	}
	lp_sort(g->posting, n, sizeof(g->posting[0]), by_gram);
}

/* ---- asking --------------------------------------------------------------- */

static size_t
add_once(uint32_t *out, size_t n, size_t max, uint32_t gram)
{
	for (size_t i = 0; i < n; i++)
		if (out[i] == gram)
			return n;
	if (n < max)
		out[n++] = gram;
	return n;
}

static size_t
add_run(struct lp_span s, uint32_t *out, size_t n, size_t max)
{
	for (size_t i = 0; i + LP_GRAM <= s.n; i++)
		n = add_once(out, n, max, lp_gram_at(s.p + i));
	return n;
}

size_t
lp_grams_of(struct lp_span substring, uint32_t *out, size_t max)
{
	return add_run(substring, out, 0, max);
}

size_t
lp_grams_of_glob(struct lp_span s, uint32_t *out, size_t max)
{
	size_t n = 0, run = 0;

	while (run < s.n) {
		unsigned char c = s.p[run];

		if (c != '*' && c != '?' && c != '[' && c != '\\') {
			run++;
			continue;
		}
		n = add_run(lp_span_take(&s, run), out, n, max);
		/* where a bracket expression ends is fnmatch(3)'s secret; what stands before it will do */
		if (c == '[')
			return n;
		/* an escaped byte ends the run as well: one gram less is no error */
		lp_span_take(&s, c == '\\' ? 2 : 1);
		run = 0;
	}
	return add_run(s, out, n, max);
}

int
lp_posting_next(struct lp_span *posting, int64_t *block)
{
	uint32_t v = 0;

	for (unsigned shift = 0; posting->n > 0 && shift < 32; shift += 7) {
		unsigned char c = *lp_span_take(posting, 1).p;

		v |= (uint32_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*block += v;
			return v > 0;
		}
	}
	return 0;
}
