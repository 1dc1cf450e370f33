/*
 * A map from 64-bit keys to 64-bit numbers, and the keyed hash that makes
 * such keys of names.
 *
 * A name is known by its hash alone. With a seed that the writer of the
 * names cannot know, two of a million names meet by chance once in ten
 * million runs, and not on purpose.
 */
#ifndef LP_BASE_MAP_H
#define LP_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

uint64_t lp_hash64(uint64_t seed, struct lp_span);

struct lp_map {
	struct lp_map_slot {
		uint64_t key; /* 0: empty */
		uint64_t value;
	} *slot;
	size_t n;
	size_t cap; /* 0 or a power of two */
	size_t max; /* keys it may ever hold */
};

/* An empty map; allocates nothing. */
void lp_map_init(struct lp_map *, size_t max);
void lp_map_release(struct lp_map *);

/* The value of a key, or NULL. May be written through until the next lp_map_add. */
uint64_t *lp_map_get(const struct lp_map *, uint64_t key);

/*
 * Add a key. LP_OK with *value pointing to its number, which is 0 if the
 * key is new and *fresh says so; LP_E_LIMIT above max, LP_E_NOMEM.
 */
int lp_map_add(struct lp_map *, uint64_t key, uint64_t **value, int *fresh);

#endif
