/* Parses and prints integers, refusing overflow. */
#include "common/base/num.h"

#include <string.h>

int
lp_num_u64(struct lp_span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return LP_E_DATA;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)s.p[i] - '0';

		if (digit > 9 || lp_mul_u64(v, 10, &v) != LP_OK ||
		    lp_add_u64(v, digit, &v) != LP_OK)
			return LP_E_DATA;
	}
	if (v > max)
		return LP_E_DATA;
	*out = v;
	return LP_OK;
}

int
lp_num_i64(struct lp_span s, int64_t *out)
{
	int negative = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (negative)
		lp_span_take(&s, 1);
	if (lp_num_u64(s, (uint64_t)INT64_MAX + (negative ? 1u : 0u), &v) != LP_OK)
		return LP_E_DATA;
	/* -(v-1)-1: the lowest value has no positive twin */
	*out = !negative || v == 0 ? (int64_t)v : -(int64_t)(v - 1) - 1;
	return LP_OK;
}

int
lp_num_size(struct lp_span s, uint64_t *out)
{
	unsigned shift = 0;
	uint64_t v;

	if (s.n > 0) {
		switch (s.p[s.n - 1]) {
		case 'K': case 'k': shift = 10; break;
		case 'M': case 'm': shift = 20; break;
		case 'G': case 'g': shift = 30; break;
		}
		if (shift > 0)
			s.n--;
	}
	if (lp_num_u64(s, UINT64_MAX >> shift, &v) != LP_OK)
		return LP_E_DATA;
	*out = v << shift;
	return LP_OK;
}

const char lp_num_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334"
    "3536373839404142434445464748495051525354555657585960616263646566676869"
    "707172737475767778798081828384858687888990919293949596979899";

char *
lp_num_put(char *p, uint64_t v)
{
	char tmp[LP_NUM_MAX];
	size_t i = sizeof(tmp);

	/* sizes of directories, numbers of owners: most are one digit */
	if (v < 10) {
		*p = (char)('0' + v);
		return p + 1;
	}
	while (v >= 100) {
		i -= 2;
		memcpy(tmp + i, lp_num_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		i -= 2;
		memcpy(tmp + i, lp_num_pairs + v * 2, 2);
	} else {
		tmp[--i] = (char)('0' + v);
	}
	memcpy(p, tmp + i, sizeof(tmp) - i);
	return p + (sizeof(tmp) - i);
}

char *
lp_num_puti(char *p, int64_t v)
{
	if (v >= 0)
		return lp_num_put(p, (uint64_t)v);
	*p++ = '-';
	return lp_num_put(p, 0 - (uint64_t)v);
}
