/*
 * lp-toc --soci: rows of a table of contents that stands beside its layer
 * (toc/ztoc.h), or its checkpoints.
 */
#ifndef LP_TOC_TOCSOCI_H
#define LP_TOC_TOCSOCI_H

#include <stdint.h>

#include "common/cli/listing.h"
#include "common/cli/stats.h"

/* What of it goes to stdout. */
enum lp_tocsoci { LP_TOCSOCI_ROWS, LP_TOCSOCI_POINTS };

/*
 * Read the table from `file` (NULL: stdin), all of it; lock this process; check
 * it against `digest`, unless that is NULL, and what it says of the layer's blob
 * against `size`, unless that is UINT64_MAX; write its rows, or its checkpoints as
 * GZIDX (codec/gzidx.h). LP_OK, or a failure
 * that was said.
 */
int lp_tocsoci(struct lp_listing *, enum lp_tocsoci what, const char *file, const char *digest, uint64_t size, struct lp_stats *);

#endif
