/*
 * What the parts of reading rows have of each other: row/rowread.c
 * (lines), row/rowread_tsv.c and row/rowread_json.c. Nobody else's.
 */
#ifndef LP_ROW_ROWREAD_PRIV_H
#define LP_ROW_ROWREAD_PRIV_H

#include "common/base/span.h"
#include "common/row/rowread.h"

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

/* Keep a copy of an end record's text, as `undo` appends it, until the next one. LP_OK, LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM. */
int lp_rowread_end_text(struct lp_rowread *, const struct lp_rowend_text *, struct lp_span,
    int (*undo)(struct lp_buf *, struct lp_span));

/* Note what is wrong with an end record; returns the status. */
int lp_rowread_bad_end(struct lp_rowread *, int status);

/* Note the failure of a line; returns the status. */
int lp_rowread_fail(struct lp_rowread *, int status, const char *why);

/*
 * A row begins: the entry is empty, and there is room for all that is undone
 * of a line of n bytes, which is never longer than the line, so that no span
 * moves while the row is read. LP_OK, or failed.
 */
int lp_rowread_begin(struct lp_rowread *, size_t n);
/* All of it is read: is it a row? LP_OK, or failed. */
int lp_rowread_done(struct lp_rowread *);

/*
 * What says of which type the entry is; what knows it better counts, in
 * whichever order they come.
 */
enum { LP_ROWREAD_TYPEFLAG = 1, LP_ROWREAD_IS_DIR, LP_ROWREAD_IS_SYMLINK, LP_ROWREAD_MODE };
void lp_rowread_type(struct lp_rowread *, enum lp_type, int rank);
/* The letters of a mode; the archive's own letter. LP_OK or LP_E_DATA. */
int lp_rowread_mode(struct lp_rowread *, struct lp_span);
int lp_rowread_typeflag(struct lp_rowread *, struct lp_span);

/*
 * One more extended attribute for the entry: its name escaped, its value in
 * base64, as both forms hold them. LP_OK or LP_E_DATA, or failed.
 */
int lp_rowread_xattr(struct lp_rowread *, struct lp_span name, struct lp_span value);
/* Behind the last: one name twice has no meaning, and no form in NDJSON. LP_OK or LP_E_DATA. */
int lp_rowread_xattrs_end(struct lp_rowread *);

#endif
