/*
 * Lines of named fields that are no rows of lp(5): summaries, search
 * results. TSV with the values alone, or NDJSON.
 *
 *	struct lp_record r = { .out = &buf, .json = json };
 *	lp_record_text(&r, "path", path);
 *	lp_record_int(&r, "size", size);
 *	rc = lp_record_end(&r);
 *
 * A failure is kept and answered by lp_record_end; nothing of the line is in
 * the buffer then. After it the record is ready for the next line.
 */
#ifndef LP_ROW_RECORD_H
#define LP_ROW_RECORD_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

struct lp_record {
	struct lp_buf *out;
	int json;

	size_t start; /* of the line in the buffer */
	int fields;   /* so far */
	int rc;
};

/* Text is escaped as in rows. */
void lp_record_text(struct lp_record *, const char *key, struct lp_span);
void lp_record_int(struct lp_record *, const char *key, int64_t);
/* Text that is not known if it is empty: '-' in TSV, null in NDJSON. */
void lp_record_known_text(struct lp_record *, const char *key, struct lp_span);
/* A number that is not known if it is negative: empty in TSV, absent in NDJSON. */
void lp_record_known(struct lp_record *, const char *key, int64_t);

/* LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_record_end(struct lp_record *);

#endif
