/*
 * Base64 (RFC 4648 section 4, the standard alphabet).
 */
#ifndef LP_BASE_BASE64_H
#define LP_BASE_BASE64_H

#include "common/base/buf.h"
#include "common/base/span.h"

/* Characters of the padded form of n bytes. */
static inline size_t
lp_base64_len(size_t n)
{
	return (n / 3 + (n % 3 != 0)) * 4;
}

/* Append the padded form. 0, LP_E_LIMIT or LP_E_NOMEM. */
int lp_base64(struct lp_buf *, struct lp_span);

/*
 * Append the bytes that the text stands for. Padding may be missing, but
 * not be wrong; nothing else is skipped. 0, LP_E_DATA, LP_E_LIMIT or
 * LP_E_NOMEM; on failure the buffer is as it was.
 */
int lp_base64_decode(struct lp_buf *, struct lp_span);

#endif
