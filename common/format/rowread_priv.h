/*
 * What the parts of reading rows have of each other: format/rowread.c
 * (lines), format/rowread_tsv.c and format/rowread_json.c. Nobody else's.
 */
#ifndef LP_FORMAT_ROWREAD_PRIV_H
#define LP_FORMAT_ROWREAD_PRIV_H

#include "common/base/span.h"
#include "common/format/rowread.h"

/* Each answers LP_OK, or fills the reader's status and why. */
/* The entry of a TSV row; borrows from the line and from r->undone. */
int lp_rowread_tsv(struct lp_rowread *, struct lp_span line);
/* Parse one line into r->json. */
int lp_rowread_json_load(struct lp_rowread *r, struct lp_span line);
/* The entry of the row in r->json; borrows from it and from r->undone. */
int lp_rowread_json_row(struct lp_rowread *r);
/* The end record in r->json. */
int lp_rowread_json_end(struct lp_rowread *r);

/* Whether all fields of the line are names of columns, "name" among them: then they are the columns from now on. */
int lp_rowread_header(struct lp_rowread *, struct lp_span line);
/* Take a field off the front; *last tells whether it ended the line. */
struct lp_span lp_rowread_field(struct lp_span *, int *last);

/* Keep a copy of an end record's text, its escapes undone if it has any, until the next one. LP_OK, LP_E_DATA or LP_E_NOMEM. */
int lp_rowread_end_text(struct lp_rowread *, const struct lp_rowend_text *, struct lp_span, int escaped);

/* Note the failure of a line; returns the status. */
int lp_rowread_fail(struct lp_rowread *, int status, const char *why);

/*
 * One more extended attribute for the entry: its name escaped, its value in
 * base64, as both forms hold them. LP_OK, LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_rowread_xattr(struct lp_rowread *, struct lp_span name, struct lp_span value);
/* Behind the last: one name twice has no meaning, and no form in NDJSON. LP_OK or LP_E_DATA. */
int lp_rowread_xattrs_end(struct lp_rowread *);

#endif
