/* Checks the text form of a digest. */
#include "common/base/digest.h"

const char *const lp_digest_algorithms[] = { "sha256", "sha384", "sha512", NULL };
static const size_t digits_of[] = { 64, 96, LP_DIGEST_HEX };

static int
is_digit(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

size_t
lp_digest_length(struct lp_span s)
{
	for (size_t i = 0; lp_digest_algorithms[i] != NULL; i++) {
		size_t n = LP_DIGEST_PREFIX, end = n + digits_of[i];

		if (s.n < end || memcmp(s.p, lp_digest_algorithms[i], n - 1) != 0 || s.p[n - 1] != ':')
			continue;
		while (n < end && is_digit(s.p[n]))
			n++;
		return n == end ? n : 0;
	}
	return 0;
}

int
lp_digest_valid(struct lp_span s)
{
	return s.n > 0 && lp_digest_length(s) == s.n;
}

int
lp_digest_is_sha256(struct lp_span s)
{
	return s.n == LP_DIGEST_SHA256 && lp_digest_valid(s);
}

const char *
lp_digest_algorithm(size_t digits)
{
	for (size_t i = 0; lp_digest_algorithms[i] != NULL; i++)
		if (digits_of[i] == digits)
			return lp_digest_algorithms[i];
	return NULL;
}
