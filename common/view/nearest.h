/*
 * "Did you mean": the names closest to one that does not exist.
 */
#ifndef LP_VIEW_NEAREST_H
#define LP_VIEW_NEAREST_H

#include <stddef.h>

#include "common/base/span.h"

enum {
	LP_NEAREST = 3,      /* names kept */
	LP_NEAREST_LEN = 128 /* bytes of a name that are looked at: a tag has at most 128 */
};

struct lp_nearest {
	struct lp_span wanted;
	struct { char text[LP_NEAREST_LEN]; size_t n; unsigned distance; } best[LP_NEAREST];
	size_t n; /* best first; equal ones as they came */
};

/* `wanted` is borrowed until the last offer. */
void lp_nearest_init(struct lp_nearest *, struct lp_span wanted);

/* Look at one more name; names too long or too far away (more than half of the letters) are passed over. */
void lp_nearest_offer(struct lp_nearest *, struct lp_span name);

/*
 * Letters to insert, delete, replace, or swap with their neighbour (optimal
 * string alignment). Both spans at most LP_NEAREST_LEN bytes.
 */
unsigned lp_edit_distance(struct lp_span, struct lp_span);

#endif
