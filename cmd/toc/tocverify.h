/*
 * lp-toc --verify: a whole layer streams by, and a table of contents is
 * held against it (toc/toccheck.h).
 */
#ifndef LP_TOC_TOCVERIFY_H
#define LP_TOC_TOCVERIFY_H

#include "common/cli/stats.h"

/*
 * Read the table from `tocfile`, check it against `digest` unless that is
 * NULL, lock this process, read tar from `tarfile` (NULL: stdin), write the
 * differences to stdout. LP_OK if there are none, LP_E_DATA if there are,
 * or another failure; each was said.
 */
int lp_tocverify(const char *tocfile, const char *digest, const char *tarfile, struct lp_stats *);

#endif
