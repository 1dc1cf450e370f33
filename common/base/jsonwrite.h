/*
 * Writing JSON strings (RFC 8259 section 7). Reading JSON is jansson's, and
 * so is writing what was read: documents and annotations are passed on by it.
 */
#ifndef LP_BASE_JSONWRITE_H
#define LP_BASE_JSONWRITE_H

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * Append the bytes as a JSON string, quotes included. Each byte that is
 * not part of valid UTF-8 becomes U+FFFD (design: the exact bytes then
 * stand in a second, base64 key). 0, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_json_string(struct lp_buf *, struct lp_span);

/* Append the bytes as a JSON string of their base64 form (RFC 4648 section 4, padded). */
int lp_json_base64(struct lp_buf *, struct lp_span);

#endif
