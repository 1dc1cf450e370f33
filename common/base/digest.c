/* Checks the text form of a digest. */
#include "common/base/digest.h"

static const struct {
	const char *name;
	size_t digits;
} algorithms[] = { { "sha256", 64 }, { "sha384", 96 }, { "sha512", LP_DIGEST_HEX } };

static int
is_digit(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

size_t
lp_digest_length(struct lp_span s)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		size_t n = LP_DIGEST_PREFIX, end = n + algorithms[i].digits;

		if (s.n < end || memcmp(s.p, algorithms[i].name, n - 1) != 0 || s.p[n - 1] != ':')
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
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].digits == digits)
			return algorithms[i].name;
	return NULL;
}
