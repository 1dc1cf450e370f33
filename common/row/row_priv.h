/*
 * The forms of a row, one file each, as row/row.c puts them together.
 * Nobody else's: what they leave in the buffer on failure is half a row.
 */
#ifndef LP_ROW_ROW_PRIV_H
#define LP_ROW_ROW_PRIV_H

#include "common/row/row.h"

int lp_row_json(const struct lp_entry *, struct lp_buf *);
int lp_row_json_end(const struct lp_rowend *, struct lp_buf *);
int lp_row_long(const struct lp_entry *, struct lp_buf *);

/* The typeflag, or '?' for a byte that is no visible character, or a backslash: a column of one character. */
char lp_row_typeflag(const struct lp_entry *);

#endif
