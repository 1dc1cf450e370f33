/* SHA-2 by nettle. */
#include "common/sys/hash.h"

#include <string.h>

static void
start(struct lp_hash *h, size_t digits)
{
	h->digits = digits;
	if (digits == (size_t)2 * SHA512_DIGEST_SIZE)
		sha512_init(&h->c.c512);
	else if (digits == (size_t)2 * SHA384_DIGEST_SIZE)
		sha384_init(&h->c.c512);
	else
		sha256_init(&h->c.c256);
}

void
lp_hash_init(struct lp_hash *h)
{
	start(h, (size_t)2 * SHA256_DIGEST_SIZE);
}

void
lp_hash_init_as(struct lp_hash *h, const char *digest)
{
	start(h, *digest != '\0' ? strlen(digest) - LP_DIGEST_PREFIX : (size_t)2 * SHA256_DIGEST_SIZE);
}

void
lp_hash_add(struct lp_hash *h, struct lp_span s)
{
	if (h->digits == (size_t)2 * SHA256_DIGEST_SIZE)
		sha256_update(&h->c.c256, s.n, s.p);
	else
		sha512_update(&h->c.c512, s.n, s.p);
}

void
lp_hash_end(struct lp_hash *h, char digest[LP_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[SHA512_DIGEST_SIZE];
	char *p = digest + LP_DIGEST_PREFIX;

	if (h->digits == (size_t)2 * SHA256_DIGEST_SIZE)
		sha256_digest(&h->c.c256, SHA256_DIGEST_SIZE, sum);
	else if (h->digits == (size_t)2 * SHA384_DIGEST_SIZE)
		sha384_digest(&h->c.c512, SHA384_DIGEST_SIZE, sum);
	else
		sha512_digest(&h->c.c512, SHA512_DIGEST_SIZE, sum);
	memcpy(digest, lp_digest_algorithm(h->digits), LP_DIGEST_PREFIX - 1);
	digest[LP_DIGEST_PREFIX - 1] = ':';
	for (size_t i = 0; i < h->digits / 2; i++) {
		*p++ = digits[sum[i] >> 4];
		*p++ = digits[sum[i] & 15];
	}
	*p = '\0';
}

void
lp_hash_bytes_as(struct lp_span s, const char *as, char digest[LP_DIGEST_SIZE])
{
	struct lp_hash h;

	lp_hash_init_as(&h, as);
	lp_hash_add(&h, s);
	lp_hash_end(&h, digest);
}

void
lp_hash_bytes(struct lp_span s, char digest[LP_DIGEST_SIZE])
{
	lp_hash_bytes_as(s, "", digest);
}
