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

/* What follows "sha256:" of a valid digest. */
static inline struct lp_span
lp_digest_hex(struct lp_span digest)
{
	return lp_span(digest.p + 7, digest.n - 7);
}

#endif
