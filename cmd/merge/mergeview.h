/*
 * The views of a merge that lp-merge prints, each a walk with its rows on
 * their way to stdout.
 */
#ifndef LP_MERGE_MERGEVIEW_H
#define LP_MERGE_MERGEVIEW_H

#include "common/base/span.h"
#include "common/cli/listing.h"
#include "common/merge/check.h"
#include "common/merge/merge.h"
#include "common/merge/waste.h"
#include "common/row/row.h"

enum lp_mergeview_kind {
	LP_MERGEVIEW_ROWS,    /* the tree; with `all` also what is hidden */
	LP_MERGEVIEW_DIFF,    /* what each layer added, changed, deleted */
	LP_MERGEVIEW_SUMMARY, /* of each layer */
	LP_MERGEVIEW_DU,      /* of each directory */
	LP_MERGEVIEW_CHECK,   /* what runtimes refuse or show otherwise */
	LP_MERGEVIEW_WASTE,   /* content that is hidden, by path: cmd/merge/mergewaste.h */
	LP_MERGEVIEW_NCDU,
	LP_MERGEVIEW_MTREE
};

/* A layer as the views name it. */
struct lp_mergeview_layer {
	struct lp_span label;
	enum lp_complete complete;
};

struct lp_mergeview {
	enum lp_mergeview_kind kind;
	int all;
	int by_size;    /* LP_MERGEVIEW_ROWS: files alone, the largest first */
	uint64_t depth; /* of LP_MERGEVIEW_DU: directories up to so many levels below the root */
	const struct lp_mergeview_layer *layers; /* one for each layer of the merge */
	struct lp_listing *out;
	const struct lp_check_finding *given; /* LP_MERGEVIEW_CHECK: what others have found, first of their layers */
	size_t ngiven;

	struct lp_waste *waste; /* LP_MERGEVIEW_WASTE: the totals go there */

	/* ---- inside ---- */
	struct lp_span *tails; /* what plain rows end in, by layer; NULL if rows have to be put together */
};

/*
 * Print what lp_merge_finish has finished. Where the listing's -H says so,
 * the names of the fields come first. LP_OK, or as the functions of
 * cli/listing.h, which have said why.
 */
int lp_mergeview(const struct lp_mergeview *, struct lp_merge *);

/* How many of the findings are errors. */
uint64_t lp_mergeview_errors(const struct lp_mergeview *, const struct lp_merge *);

#endif
