#include "common/base/escape.h"

#include <stdint.h>
#include <string.h>

#include "common/base/status.h"
#include "common/base/utf8.h"

enum { WORD = sizeof(uint64_t) };

/* The byte in every lane. */
static uint64_t
each(unsigned char c)
{
	return c * (UINT64_MAX / 255);
}

/* Lanes that are zero have their high bit set; above the lowest of them others may have, too. */
static uint64_t
zero_lanes(uint64_t w)
{
	return (w - each(1)) & ~w;
}

/*
 * How many of eight bytes are plain, up to the first that is not. A borrow
 * starts only in a lane that is not, so none below the first one is made up.
 */
static inline size_t
plain_bytes(const unsigned char *p, unsigned char besides)
{
	uint64_t w, below, marks;

	memcpy(&w, p, WORD);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	below = (w - each(0x20)) & ~w;
	marks = (w | below | zero_lanes(w ^ each(0x7f)) | zero_lanes(w ^ each('\\')) | zero_lanes(w ^ each(besides))) &
	    each(0x80);
	return marks == 0 ? WORD : (size_t)__builtin_ctzll(marks) / 8;
}

static int
plain(unsigned char c, unsigned char besides)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != besides;
}

size_t
lp_plain_run(struct lp_span s, unsigned char besides)
{
	size_t i = 0;

	while (s.n - i >= WORD) {
		size_t n = plain_bytes(s.p + i, besides);

		i += n;
		if (n < WORD)
			return i;
	}
	/* most names end here: one last word over the end, part of it seen before */
	if (i > 0 && i < s.n)
		return s.n - WORD + plain_bytes(s.p + s.n - WORD, besides);
	while (i < s.n && plain(s.p[i], besides))
		i++;
	return i;
}

/*
 * Length of the character at the front, which is not plain, if it may stand
 * as it is all the same, else 0.
 * C1 controls (U+0080 to U+009F) are valid UTF-8 and stay in a row, which
 * must be exact, but never reach a terminal.
 */
static size_t
unescaped(struct lp_span s, enum lp_escape_for to)
{
	uint32_t code;
	size_t n;

	if (s.p[0] < 0x80)
		return 0;
	n = lp_utf8_len(s, &code);
	return n > 0 && to == LP_ESCAPE_TERMINAL && lp_utf8_unsafe(code) ? 0 : n;
}

size_t
lp_escape_clean(struct lp_span s, enum lp_escape_for to)
{
	size_t all = s.n;

	for (;;) {
		size_t n;

		lp_span_take(&s, lp_plain_run(s, '\\'));
		n = s.n > 0 ? unescaped(s, to) : 0;
		if (n == 0)
			return all - s.n;
		lp_span_take(&s, n);
	}
}

static int
escape_byte(struct lp_buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char x[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '\\': return lp_buf_adds(b, "\\\\");
	case '\t': return lp_buf_adds(b, "\\t");
	case '\n': return lp_buf_adds(b, "\\n");
	case '\r': return lp_buf_adds(b, "\\r");
	}
	return lp_buf_add(b, lp_span(x, sizeof(x)));
}

int
lp_escape(struct lp_buf *b, struct lp_span s, enum lp_escape_for to)
{
	int rc = LP_OK;

	while (s.n > 0 && rc == LP_OK) {
		rc = lp_buf_add(b, lp_span_take(&s, lp_escape_clean(s, to)));
		if (s.n > 0 && rc == LP_OK)
			rc = escape_byte(b, *lp_span_take(&s, 1).p);
	}
	return rc;
}

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The escape behind a backslash: its byte, with *s moved past it, or -1. */
static int
escaped_byte(struct lp_span *s)
{
	struct lp_span x;
	int high, low;

	if (s->n == 0)
		return -1;
	switch (*lp_span_take(s, 1).p) {
	case '\\': return '\\';
	case 't': return '\t';
	case 'n': return '\n';
	case 'r': return '\r';
	case 'x':
		x = lp_span_take(s, 2);
		high = x.n == 2 ? hex_digit(x.p[0]) : -1;
		low = x.n == 2 ? hex_digit(x.p[1]) : -1;
		return high < 0 || low < 0 ? -1 : high * 16 + low;
	}
	return -1;
}

int
lp_unescape(struct lp_buf *b, struct lp_span s)
{
	int rc = LP_OK;

	while (s.n > 0 && rc == LP_OK) {
		const unsigned char *bs = memchr(s.p, '\\', s.n);
		size_t run = bs != NULL ? (size_t)(bs - s.p) : s.n;
		int c;

		rc = lp_buf_add(b, lp_span_take(&s, run));
		if (s.n == 0 || rc != LP_OK)
			break;
		lp_span_take(&s, 1);
		c = escaped_byte(&s);
		rc = c < 0 ? LP_E_DATA : lp_buf_addc(b, c);
	}
	return rc;
}
