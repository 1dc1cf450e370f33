/*
 * Small HTTP header values: how long to wait, what a server warns of, where
 * the next page is.
 */
#ifndef LP_NET_HTTPFIELD_H
#define LP_NET_HTTPFIELD_H

#include <stdint.h>

#include "common/base/span.h"

/*
 * Retry-After (RFC 9110 section 10.2.3) as seconds from `now` (a Unix
 * time): digits, or a date in the preferred form of section 5.6.7, `Sun, 06
 * Nov 1994 08:49:37 GMT`; a date that has passed is 0. LP_OK, or LP_E_DATA
 * for anything else (the two obsolete forms of a date among it).
 */
int lp_retry_after(struct lp_span, int64_t now, uint64_t *seconds);

/*
 * The text of the next warning with code 299 in a Warning header (RFC 7234
 * section 5.5), `299 - "text", 299 - "another"`, quotes taken off, and the
 * header's value after it. A part of the value; p is NULL if there is none.
 */
struct lp_span lp_warning_next(struct lp_span *);

/*
 * The target of the first link in a Link header (RFC 8288 section 3) whose
 * relation is `next`, or of the only one if it says none: a part of the
 * value, a URI reference as it stands. Targets without <> are taken as well.
 * p is NULL if there is none, or if what stands before it is no link.
 */
struct lp_span lp_link_next(struct lp_span);

/* The number before a `;` or the end: `97;w=21600` is 97. LP_OK or LP_E_DATA. */
int lp_ratelimit(struct lp_span, uint64_t *remaining);

#endif
