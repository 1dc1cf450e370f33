/*
 * Digests as text: an algorithm, a colon and lower-case hexadecimal digits
 * (OCI image-spec, "Digests"): sha256 with 64 of them, sha384 with 96, sha512
 * with 128. Computing one is not done here (sys/hash.h).
 */
#ifndef LP_BASE_DIGEST_H
#define LP_BASE_DIGEST_H

#include "common/base/span.h"

enum {
	LP_DIGEST_PREFIX = 7,               /* characters in front of the digits: all three names have as many */
	LP_DIGEST_HEX = 128,                /* digits of the longest */
	LP_DIGEST_SHA256 = LP_DIGEST_PREFIX + 64, /* characters of a sha256 */
	LP_DIGEST_SIZE = LP_DIGEST_PREFIX + LP_DIGEST_HEX + 1 /* room for any as a C string */
};

#define LP_DIGEST_FORM "sha256:, sha384: or sha512: and its lower-case hexadecimal digits"

/* Whether the span is exactly such a digest. */
int lp_digest_valid(struct lp_span);

/* Whether it is one of sha256, the only algorithm of tables of contents. */
int lp_digest_is_sha256(struct lp_span);

/* The length of the digest that the span begins with, or 0. */
size_t lp_digest_length(struct lp_span);

/* All algorithms, each with a directory of its own in layouts; the last is NULL. */
extern const char *const lp_digest_algorithms[];

/* The algorithm that has so many digits: "sha256", ..., or NULL. */
const char *lp_digest_algorithm(size_t digits);

#endif
