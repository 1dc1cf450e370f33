/*
 * Reading base64 (RFC 4648 section 4). Writing it is lp_json_base64's.
 */
#ifndef LP_BASE_BASE64_H
#define LP_BASE_BASE64_H

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * Append what the text stands for. Padding may be left out, as some
 * writers do, but not be wrong; white space and other alphabets are
 * refused. LP_OK, LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM; bytes before the
 * place of the failure may have been appended.
 */
int lp_base64_decode(struct lp_buf *, struct lp_span text);

#endif
