#include "common/base/base64.h"

#include "common/base/status.h"

/* 0 to 63, or -1. */
static int
digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Two to four digits: one to three bytes. Bits that stand for nothing must be zero. */
static int
group(struct lp_buf *b, struct lp_span in)
{
	unsigned char out[3];
	unsigned v = 0;

	if (in.n < 2)
		return LP_E_DATA;
	for (size_t i = 0; i < 4; i++) {
		int d = i < in.n ? digit(in.p[i]) : 0;

		if (d < 0)
			return LP_E_DATA;
		v = v << 6 | (unsigned)d;
	}
	out[0] = (unsigned char)(v >> 16);
	out[1] = (unsigned char)(v >> 8);
	out[2] = (unsigned char)v;
	for (size_t i = in.n - 1; i < 3; i++)
		if (out[i] != 0)
			return LP_E_DATA;
	return lp_buf_add(b, lp_span(out, in.n - 1));
}

int
lp_base64_decode(struct lp_buf *b, struct lp_span s)
{
	int rc = LP_OK;

	/* padding only fills up the last group of four */
	for (int i = 0; i < 2 && s.n % 4 == (i == 0 ? 0 : 3) && s.n > 0 && s.p[s.n - 1] == '='; i++)
		s.n--;
	while (s.n > 0 && rc == LP_OK)
		rc = group(b, lp_span_take(&s, 4));
	return rc;
}
