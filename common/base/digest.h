/*
 * Digests as text: `sha256:` and 64 lower-case hexadecimal digits, the only
 * algorithm that registries, layouts and TOCs use (OCI image-spec,
 * "Digests"). Computing one is not done here.
 */
#ifndef LP_BASE_DIGEST_H
#define LP_BASE_DIGEST_H

#include "common/base/span.h"

enum {
	LP_DIGEST_LEN = 71,                /* characters of "sha256:" and the digits */
	LP_DIGEST_SIZE = LP_DIGEST_LEN + 1 /* room for it as a C string */
};

/* Whether the span is exactly such a digest. */
int lp_digest_valid(struct lp_span);

#endif
