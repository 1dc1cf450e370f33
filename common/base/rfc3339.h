/*
 * Reading times as RFC 3339 section 5.6 writes them: rows (lp(5), "TSV")
 * and tables of contents hold them.
 */
#ifndef LP_BASE_RFC3339_H
#define LP_BASE_RFC3339_H

#include <stdint.h>

#include "common/base/span.h"

/*
 * 2026-11-23T16:43:44Z, with any fraction (digits behind the ninth are cut
 * off) and any offset. *sec counts from 1970, *nsec up from *sec, also
 * before 1970. LP_OK, or LP_E_DATA with both untouched. A leap second is
 * the second after it, as in POSIX time.
 */
int lp_rfc3339(struct lp_span, int64_t *sec, uint32_t *nsec);

#endif
