/* A hash map from 64-bit keys to 64-bit values, with a seeded hash for names. */
#include "common/base/map.h"

#include <stdlib.h>

#include "common/base/num.h"
#include "common/base/status.h"

enum { FIRST_CAP = 64 };

/* Both halves of the 128-bit product: every bit of either side counts. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
word(struct lp_span s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)s.p[i] << (8 * i);
	return v;
}

uint64_t
lp_hash64(uint64_t seed, struct lp_span s)
{
	uint64_t h = seed ^ mix(s.n ^ 0x9e3779b97f4a7c15u, seed | 1);

	while (s.n > 0)
		h = mix(h ^ word(lp_span_take(&s, 8)), seed ^ 0xd6e8feb86659fd93u);
	return mix(h ^ 0xa0761d6478bd642fu, seed ^ 0xe7037ed1a0b428dbu);
}

void
lp_map_init(struct lp_map *m, size_t max)
{
	*m = (struct lp_map){ .max = max };
}

void
lp_map_release(struct lp_map *m)
{
	free(m->slot);
	lp_map_init(m, m->max);
}

/* Where the key is or would go. There is always an empty slot. */
static struct lp_map_slot *
find(const struct lp_map *m, uint64_t key)
{
	size_t i = (size_t)key & (m->cap - 1);

	while (m->slot[i].key != 0 && m->slot[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slot[i];
}

/* 0 marks empty slots. */
static uint64_t
not_zero(uint64_t key)
{
	return key != 0 ? key : 1;
}

uint64_t *
lp_map_get(const struct lp_map *m, uint64_t key)
{
	struct lp_map_slot *s = m->cap > 0 ? find(m, not_zero(key)) : NULL;

	return s != NULL && s->key != 0 ? &s->value : NULL;
}

static int
grow(struct lp_map *m)
{
	struct lp_map bigger = { .n = m->n, .cap = m->cap > 0 ? m->cap * 2 : FIRST_CAP, .max = m->max };

	bigger.slot = calloc(bigger.cap, sizeof(*bigger.slot));
	if (bigger.slot == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slot[i].key != 0)
			*find(&bigger, m->slot[i].key) = m->slot[i];
	free(m->slot);
	*m = bigger;
	return LP_OK;
}

int
lp_map_add(struct lp_map *m, uint64_t key, uint64_t **value, int *fresh)
{
	struct lp_map_slot *s;

	/* seven eighths full at most: longer runs cost more than memory does */
	if (m->n >= m->cap / 8 * 7 && grow(m) != LP_OK)
		return LP_E_NOMEM;
	s = find(m, not_zero(key));
	*fresh = s->key == 0;
	if (*fresh) {
		if (m->n >= m->max)
			return LP_E_LIMIT;
		s->key = not_zero(key);
		m->n++;
	}
	*value = &s->value;
	return LP_OK;
}
