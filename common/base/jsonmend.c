/* Rewrites JSON with bad bytes, halves of surrogate pairs and huge numbers for a strict parser. */
#include "common/base/jsonmend.h"

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

/* The code unit that \uXXXX stands for, or -1. */
static int32_t
code_unit(struct lp_span s)
{
	int32_t v = 0;

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		unsigned char c = s.p[i] | 0x20;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		/* with that bit set a control character would be a digit */
		if (digit < 0 || s.p[i] < '0')
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* One character of a string: how many bytes it is, and what stands for it. */
static size_t
character(struct lp_span s, struct lp_span *as)
{
	int32_t unit = code_unit(s), next;
	size_t n;

	if (unit >= 0xd800 && unit <= 0xdfff) {
		next = unit < 0xdc00 ? code_unit(lp_span(s.p + 6, s.n - 6)) : -1;
		n = next >= 0xdc00 && next <= 0xdfff ? 12 : 6;
		*as = n == 12 ? lp_span(s.p, n) : lp_span_str("\\ufffd");
		return n;
	}
	n = s.p[0] == '\\' && s.n > 1 && s.p[1] < 0x80 ? 2 : lp_utf8_len(s, NULL);
	*as = n > 0 ? lp_span(s.p, n) : lp_span_str("\xef\xbf\xbd");
	return n > 0 ? n : 1;
}

static size_t
digits(struct lp_span s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/* RFC 8259 section 6; 0 for what is no number. */
static size_t
number(struct lp_span s, struct lp_span *as)
{
	size_t from = s.p[0] == '-', i = digits(s, from), end;
	int64_t v;

	if (i == from || (s.p[from] == '0' && i > from + 1))
		return 0;
	*as = lp_num_i64(lp_span(s.p, i), &v) == LP_OK ? lp_span(s.p, i) : lp_span_str("null");
	if (i < s.n && s.p[i] == '.') {
		end = digits(s, i + 1);
		if (end == i + 1)
			return 0;
		i = end;
		*as = lp_span_str("null");
	}
	if (i < s.n && (s.p[i] | 0x20) == 'e') {
		from = i + 1 + (i + 1 < s.n && (s.p[i + 1] == '+' || s.p[i + 1] == '-'));
		end = digits(s, from);
		if (end == from)
			return 0;
		i = end;
		*as = lp_span_str("null");
	}
	return i;
}

size_t
lp_json_mend(struct lp_span s, size_t most, struct lp_buf *b, int *rc)
{
	size_t i = 0, n;
	int in_string = 0;

	*rc = LP_OK;
	while (i < s.n && b->n < most && *rc == LP_OK) {
		struct lp_span rest = lp_span(s.p + i, s.n - i), as = lp_span(rest.p, 1);

		n = in_string ? character(rest, &as) : number(rest, &as);
		if (n == 1 || n == 0)
			in_string ^= s.p[i] == '"';
		i += n > 0 ? n : 1;
		*rc = lp_buf_add(b, n > 0 ? as : lp_span(rest.p, 1));
	}
	return i;
}
