/* On its own: who only tells formats apart links no libzstd. */
#include "common/codec/zstd.h"

size_t
lp_zstd_magic(struct lp_span s)
{
	/* RFC 8878 sections 3.1.1 and 3.1.2; a skippable frame's low four bits are free */
	static const unsigned char frame[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const unsigned char skippable[] = { 0x50, 0x2a, 0x4d, 0x18 };
	const unsigned char *want = s.n > 0 && (s.p[0] & 0xf0) == 0x50 ? skippable : frame;
	size_t n = 0;

	while (n < s.n && n < LP_ZSTD_MAGIC_LEN &&
	    (s.p[n] == want[n] || (n == 0 && want == skippable)))
		n++;
	return n;
}
