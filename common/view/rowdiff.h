/*
 * What differs between two rows of one path, and between two sorted
 * listings: lp-peek --diff.
 */
#ifndef LP_VIEW_ROWDIFF_H
#define LP_VIEW_ROWDIFF_H

#include "common/base/buf.h"
#include "common/base/entry.h"

enum {
	LP_DIFF_TYPE = 1 << 0,
	LP_DIFF_MODE = 1 << 1,
	LP_DIFF_UID = 1 << 2,
	LP_DIFF_GID = 1 << 3,
	LP_DIFF_SIZE = 1 << 4,
	LP_DIFF_MTIME = 1 << 5,
	LP_DIFF_LINK = 1 << 6,
	LP_DIFF_DEV = 1 << 7,
	LP_DIFF_CONTENT = 1 << 8
};

/*
 * Which of those differ; 0 for none. Times of directories do not count:
 * every layer that adds a file moves them. '-' and 'h' are one type: which
 * of a file's names comes first is no change. What is known of its file is
 * to stand in place of an 'h': type, size, target and device numbers. Those
 * numbers count where both are known, and so do digests of content.
 */
unsigned lp_row_differs(const struct lp_entry *, const struct lp_entry *);

/* Append the names, comma-separated: "size,mtime"; "-" for none. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_diff_names(unsigned what, struct lp_buf *);

#endif
