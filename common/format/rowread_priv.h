/*
 * What the two halves of reading rows, format/rowread.c (TSV) and
 * format/rowread_json.c (NDJSON), have of each other. Nobody else's.
 */
#ifndef LP_FORMAT_ROWREAD_PRIV_H
#define LP_FORMAT_ROWREAD_PRIV_H

#include "common/base/span.h"
#include "common/format/rowread.h"

/* Each answers LP_OK, or fills the reader's status and why. */
/* Parse one line into r->json. */
int lp_rowread_json_load(struct lp_rowread *r, struct lp_span line);
/* The entry of the row in r->json; borrows from it and from r->undone. */
int lp_rowread_json_row(struct lp_rowread *r);
/* The end record in r->json. */
int lp_rowread_json_end(struct lp_rowread *r);

/* Note the failure of a line; returns the status. */
int lp_rowread_fail(struct lp_rowread *, int status, const char *why);

/*
 * One more extended attribute for the entry: its name escaped, its value in
 * base64, as both forms hold them. LP_OK, LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_rowread_xattr(struct lp_rowread *, struct lp_span name, struct lp_span value);
/* Behind the last: one name twice has no meaning, and no form in NDJSON. LP_OK or LP_E_DATA. */
int lp_rowread_xattrs_end(struct lp_rowread *);

/* "yes", "no" or "unknown". LP_OK or LP_E_DATA. */
int lp_complete_parse(struct lp_span, enum lp_complete *);

#endif
