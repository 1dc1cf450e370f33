/*
 * JSON that Go reads and jansson does not, written so that jansson reads it:
 * what an image's documents have in places that nobody needs must not keep
 * anybody from the rest.
 */
#ifndef LP_BASE_JSONMEND_H
#define LP_BASE_JSONMEND_H

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * Append the document with U+FFFD for each byte of a string that is not
 * UTF-8 and for each escape of half a surrogate pair, as Go has it, and with
 * null for numbers that are no 64-bit integers. What is not JSON for Go
 * either is left as it is. Ends once the buffer has `most` bytes or more;
 * returns how many of the document's it has come to. LP_E_NOMEM and
 * LP_E_LIMIT are the buffer's to tell (*rc).
 */
size_t lp_json_mend(struct lp_span, size_t most, struct lp_buf *, int *rc);

#endif
