/* Base64, both ways. */
#include "common/base/base64.h"

#include "common/base/status.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
lp_base64(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_buf_reserve(b, lp_base64_len(s.n));

	while (s.n > 0 && rc == LP_OK) {
		struct lp_span in = lp_span_take(&s, 3);
		unsigned v = (unsigned)in.p[0] << 16 | (in.n > 1 ? (unsigned)in.p[1] << 8 : 0) |
		    (in.n > 2 ? in.p[2] : 0);
		char out[4] = { digits[v >> 18], digits[v >> 12 & 63],
			in.n > 1 ? digits[v >> 6 & 63] : '=', in.n > 2 ? digits[v & 63] : '=' };

		rc = lp_buf_add(b, lp_span(out, sizeof(out)));
	}
	return rc;
}

/* Six bits, or -1. */
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

/* The text without its padding; 0 if that is wrong. */
static int
strip(struct lp_span *s)
{
	size_t n = s->n;

	while (n > 0 && s->n - n < 2 && s->p[n - 1] == '=')
		n--;
	if (n < s->n && s->n % 4 != 0)
		return 0;
	s->n = n;
	return n % 4 != 1;
}

int
lp_base64_decode(struct lp_buf *b, struct lp_span s)
{
	size_t before = b->n;
	unsigned bits = 0, held = 0;
	int rc = strip(&s) ? lp_buf_reserve(b, s.n / 4 * 3 + 2) : LP_E_DATA;

	for (size_t i = 0; i < s.n && rc == LP_OK; i++) {
		int d = digit(s.p[i]);

		if (d < 0) {
			rc = LP_E_DATA;
			break;
		}
		bits = (bits << 6 | (unsigned)d) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			rc = lp_buf_addc(b, (int)(bits >> held & 0xff));
		}
	}
	/* bits left over must be zero, or two texts would stand for the same bytes */
	if (rc == LP_OK && (bits & ((1u << held) - 1)) != 0)
		rc = LP_E_DATA;
	if (rc != LP_OK)
		b->n = before;
	return rc;
}
