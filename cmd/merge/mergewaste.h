/*
 * What of an image is wasted (common/merge/waste.h), printed, and held
 * against what its user allows: a bound of their own, or the rules of dive
 * (.dive-ci).
 */
#ifndef LP_MERGE_MERGEWASTE_H
#define LP_MERGE_MERGEWASTE_H

#include <stdint.h>

#include "cmd/merge/mergeview.h"
#include "common/base/span.h"

enum { LP_WASTE_PPM = 1000000 }; /* a share of all, in millionths */

struct lp_wastebounds {
	/* --max-waste */
	int has_bytes, has_share;
	uint64_t bytes, share;
	/* dive's; what is absent or "disabled" in the file is not asked */
	int has_efficiency, has_wasted, has_user;
	uint64_t efficiency, wasted, user; /* lowestEfficiency, highestWastedBytes, highestUserWastedPercent: a share, bytes, a share */
};

/* "5%", "0.5%", or bytes as 10M. LP_OK, or LP_E_USAGE. */
int lp_wastebounds_max(struct lp_span, struct lp_wastebounds *);
/*
 * A .dive-ci: lines KEY: VALUE of its three rules, in their section or not;
 * comments, quotes and other lines are passed over. LP_OK, or LP_E_DATA with
 * *line, from 1, of a value that is none.
 */
int lp_wastebounds_rules(struct lp_span, struct lp_wastebounds *, unsigned *line);

/* The paths, the most wasteful first, and a line of totals. Results as lp_mergeview. */
int lp_mergewaste(const struct lp_mergeview *, struct lp_merge *, struct lp_waste *total);

/* How many bounds are passed, each said; `known` is whether the listings are complete. */
unsigned lp_mergewaste_judge(const struct lp_wastebounds *, const struct lp_waste *, int known);

#endif
