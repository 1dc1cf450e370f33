/* Escapes and unescapes the fields of rows, and makes text safe for terminals. */
#include "common/base/escape.h"

#include <stdint.h>
#include <string.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

/* Sixteen bytes at a time; what compares true is all ones. The compiler knows how on each machine. */
typedef signed char bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));
enum { STRIDE = sizeof(bytes16) };

/* How many of eight bytes, marked in w by all ones, are not marked, up to the first that is. */
static inline size_t
unmarked(uint64_t w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return (size_t)__builtin_ctzll(w) / 8;
}

/* How many of sixteen bytes are plain, up to the first that is not. */
static inline size_t
plain_bytes(const unsigned char *p, bytes16 besides)
{
	bytes16 v;
	words2 marks;

	memcpy(&v, p, STRIDE);
	/* signed: what is no ASCII is below zero */
	marks = (words2)((v < 0x20) | (v == 0x7f) | (v == '\\') | (v == besides));
	if ((marks[0] | marks[1]) == 0)
		return STRIDE;
	return marks[0] != 0 ? unmarked(marks[0]) : STRIDE / 2 + unmarked(marks[1]);
}

static int
plain(unsigned char c, unsigned char besides)
{
	return c >= 0x20 && c < 0x7f && c != '\\' && c != besides;
}

size_t
lp_plain_run(struct lp_span s, unsigned char besides)
{
	const bytes16 other = (signed char)besides - (bytes16){ 0 };
	size_t i = 0;

	while (s.n - i >= STRIDE) {
		size_t n = plain_bytes(s.p + i, other);

		i += n;
		if (n < STRIDE)
			return i;
	}
	/* most names end here: one last stride over the end, part of it seen before */
	if (i > 0 && i < s.n)
		return s.n - STRIDE + plain_bytes(s.p + s.n - STRIDE, other);
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
		return to == LP_ESCAPE_AGAIN && s.p[0] == '\\';
	n = lp_utf8_len(s, &code);
	return n > 0 && to != LP_ESCAPE_ROW && lp_utf8_unsafe(code) ? 0 : n;
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

int
lp_escape_cut(struct lp_buf *b, struct lp_span s, enum lp_escape_for to)
{
	static const char dots[] = "...";
	struct lp_buf most = *b;
	int rc;

	most.cap = most.max = b->cap - (sizeof(dots) - 1);
	rc = lp_escape(&most, s, to);
	if (rc == LP_OK) {
		b->n = most.n;
		return LP_OK;
	}
	/* again, a character at a time, to see where it is to be cut */
	most.n = b->n;
	rc = LP_OK;
	while (s.n > 0 && rc == LP_OK) {
		size_t n = lp_utf8_len(s, NULL);

		rc = lp_escape(&most, lp_span_take(&s, n > 0 ? n : 1), to);
	}
	b->n = most.n;
	return rc != LP_OK && lp_buf_adds(b, dots) == LP_OK ? LP_E_LIMIT : LP_OK;
}

/* Length of the character at the front, if it may stand in a line on a terminal, else 0. */
static size_t
shown(struct lp_span s)
{
	uint32_t code;
	size_t n = lp_utf8_len(s, &code);

	return n > 0 && lp_utf8_unsafe(code) && code != '\n' && code != '\t' && code != 0 ? 0 : n;
}

/* A character as JSON has it, above U+FFFF as two halves (RFC 8259 section 7); taken off *s. */
static int
escape_json(struct lp_buf *b, struct lp_span *s)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t code = 0xfffd, half[2];
	size_t n = lp_utf8_len(*s, &code), halves = code > 0xffff ? 2 : 1;
	int rc = LP_OK;

	lp_span_take(s, n > 0 ? n : 1);
	half[0] = halves == 2 ? 0xd800 + ((code - 0x10000) >> 10) : code;
	half[1] = 0xdc00 + ((code - 0x10000) & 0x3ff);
	for (size_t i = 0; i < halves && rc == LP_OK; i++) {
		const char u[6] = { '\\', 'u', hex[half[i] >> 12], hex[half[i] >> 8 & 15], hex[half[i] >> 4 & 15],
			hex[half[i] & 15] };

		rc = lp_buf_add(b, lp_span(u, sizeof(u)));
	}
	return rc;
}

/* The bytes of a character, taken off *s. */
static int
escape_bytes(struct lp_buf *b, struct lp_span *s)
{
	size_t n = lp_utf8_len(*s, NULL);
	int rc = LP_OK;

	for (n = n > 0 ? n : 1; n > 0 && rc == LP_OK; n--)
		rc = escape_byte(b, *lp_span_take(s, 1).p);
	return rc;
}

int
lp_escape_lines(struct lp_buf *b, struct lp_span s, int json)
{
	int rc = LP_OK;

	while (s.n > 0 && rc == LP_OK) {
		size_t n = shown(s);

		if (n > 0)
			rc = lp_buf_add(b, lp_span_take(&s, n));
		else
			rc = json ? escape_json(b, &s) : escape_bytes(b, &s);
	}
	return rc;
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
		high = x.n == 2 ? lp_hex_digit(x.p[0]) : -1;
		low = x.n == 2 ? lp_hex_digit(x.p[1]) : -1;
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

static int
is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~", c) != NULL);
}

int
lp_percent(struct lp_buf *b, struct lp_span s)
{
	static const char hex[] = "0123456789ABCDEF";
	int rc = LP_OK;

	for (size_t i = 0; i < s.n && rc == LP_OK; i++) {
		unsigned char c = s.p[i];

		if (is_unreserved(c))
			rc = lp_buf_addc(b, c);
		else
			rc = lp_buf_add(b, lp_span((char[]){ '%', hex[c >> 4], hex[c & 15] }, 3));
	}
	return rc;
}
