/*
 * sha256, sha384 and sha512, for content digests. The only file that knows
 * the hashing library.
 */
#ifndef LP_SYS_HASH_H
#define LP_SYS_HASH_H

#include <nettle/sha2.h>

#include "common/base/digest.h"
#include "common/base/span.h"

struct lp_hash {
	size_t digits; /* of which algorithm */
	union {
		struct sha256_ctx c256;
		struct sha512_ctx c512;
	} c;
};

/* sha256. */
void lp_hash_init(struct lp_hash *);
/* By the algorithm of that digest, which is valid; sha256 for "". */
void lp_hash_init_as(struct lp_hash *, const char *digest);
void lp_hash_add(struct lp_hash *, struct lp_span);
/* `sha256:HEX`, or of the other algorithm, of all that was added, as a C string. The state starts anew. */
void lp_hash_end(struct lp_hash *, char digest[LP_DIGEST_SIZE]);

/* All in one. `as` may be the same memory as `digest`. */
void lp_hash_bytes(struct lp_span, char digest[LP_DIGEST_SIZE]);
void lp_hash_bytes_as(struct lp_span, const char *as, char digest[LP_DIGEST_SIZE]);

#endif
