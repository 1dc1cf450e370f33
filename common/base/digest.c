/* Checks the text form of a digest. */
#include "common/base/digest.h"

int
lp_digest_valid(struct lp_span s)
{
	if (s.n != LP_DIGEST_LEN || memcmp(s.p, "sha256:", 7) != 0)
		return 0;
	for (size_t i = 7; i < s.n; i++) {
		unsigned char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return 0;
	}
	return 1;
}
