/* SHA-256 by nettle. */
#include "common/sys/hash.h"

void
lp_hash_init(struct lp_hash *h)
{
	sha256_init(&h->c);
}

void
lp_hash_add(struct lp_hash *h, struct lp_span s)
{
	sha256_update(&h->c, s.n, s.p);
}

void
lp_hash_end(struct lp_hash *h, char digest[LP_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef", prefix[] = "sha256:";
	uint8_t sum[SHA256_DIGEST_SIZE];
	char *p = digest + sizeof(prefix) - 1;

	sha256_digest(&h->c, sizeof(sum), sum);
	memcpy(digest, prefix, sizeof(prefix));
	for (size_t i = 0; i < sizeof(sum); i++) {
		*p++ = digits[sum[i] >> 4];
		*p++ = digits[sum[i] & 15];
	}
	*p = '\0';
}

void
lp_hash_bytes(struct lp_span s, char digest[LP_DIGEST_SIZE])
{
	struct lp_hash h;

	lp_hash_init(&h);
	lp_hash_add(&h, s);
	lp_hash_end(&h, digest);
}
