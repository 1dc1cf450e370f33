/*
 * Byte ranges: as a command line says them, as an answer says them
 * (RFC 9110 section 14.4), and how the two are brought together once a size
 * is known. First and last are inclusive, as HTTP has them.
 */
#ifndef LP_BASE_RANGE_H
#define LP_BASE_RANGE_H

#include <stdint.h>

#include "common/base/span.h"

/* `last` of a range that runs to the end, wherever that is. */
#define LP_RANGE_END UINT64_MAX

struct lp_range {
	uint64_t first;
	uint64_t last;
};

/* A range as asked for. */
struct lp_range_spec {
	int suffix;     /* the last `count` bytes; else first to last */
	uint64_t first;
	uint64_t last;  /* or LP_RANGE_END */
	uint64_t count;
};

/*
 * `FIRST-LAST`, `FIRST-`, `-COUNT`; decimal digits only, one range, not
 * empty, below 2^63. LP_OK, or LP_E_USAGE with the spec untouched.
 */
int lp_range_parse(struct lp_span, struct lp_range_spec *);

/*
 * The bytes that a spec means in a blob of `size` bytes, the end clipped to
 * the blob's. A suffix longer than the blob is the whole of it. LP_OK, or
 * LP_E_DATA if there is no such byte (also: any range of an empty blob).
 */
int lp_range_resolve(const struct lp_range_spec *, uint64_t size, struct lp_range *);

struct lp_content_range {
	int satisfied;      /* 0: the `*` of a 416 answer, no range in it */
	struct lp_range range;
	int has_total;
	uint64_t total;     /* bytes of the whole */
};

/*
 * The value of a Content-Range header: `bytes F-L/T`, `bytes F-L/ *`,
 * `bytes * /T` (without those blanks). LP_OK, or LP_E_DATA: another unit, no
 * number, last below first, or last not below the total.
 */
int lp_content_range(struct lp_span, struct lp_content_range *);

#endif
