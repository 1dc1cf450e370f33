/*
 * sha256, for content digests. The only file that knows the hashing
 * library.
 */
#ifndef LP_SYS_HASH_H
#define LP_SYS_HASH_H

#include <nettle/sha2.h>

#include "common/base/digest.h"
#include "common/base/span.h"

struct lp_hash {
	struct sha256_ctx c;
};

void lp_hash_init(struct lp_hash *);
void lp_hash_add(struct lp_hash *, struct lp_span);
/* `sha256:HEX` of all that was added, as a C string. The state starts anew. */
void lp_hash_end(struct lp_hash *, char digest[LP_DIGEST_SIZE]);

/* All in one. */
void lp_hash_bytes(struct lp_span, char digest[LP_DIGEST_SIZE]);

#endif
