/*
 * The header of an rpm package, as rpm's database keeps it: an index of tags
 * and their data (rpm's docs/manual/format_header.md), without the magic of
 * a file in front.
 */
#ifndef LP_PKG_RPMHDR_H
#define LP_PKG_RPMHDR_H

#include <stdint.h>

#include "common/base/span.h"

struct lp_rpmhdr {
	struct lp_span name, version, release; /* parts of the blob */
	struct lp_span arch;                   /* empty: none, as of a key */
	uint32_t epoch;
	int has_epoch;

	const char *why; /* of LP_E_DATA: static */
	size_t offset;   /* in bytes of the blob */
};

/* LP_OK, or LP_E_DATA: its lengths are not its own, or a tag that counts is none or has the wrong type. */
int lp_rpmhdr_read(struct lp_rpmhdr *, struct lp_span blob);

#endif
