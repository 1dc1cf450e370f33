/* Validates UTF-8, and tells characters that a terminal could misread. */
#include "common/base/utf8.h"

static int
tail(unsigned char b)
{
	return (b & 0xc0) == 0x80;
}

/* A character of 2 to 4 bytes, if it is one, and not longer than it need be, nor half of a surrogate pair. */
static size_t
longer(struct lp_span s, size_t n, uint32_t *c)
{
	static const struct { unsigned char bits; uint32_t least; } of[] = { { 0x1f, 0x80 }, { 0x0f, 0x800 }, { 0x07, 0x10000 } };

	*c = s.p[0] & of[n - 2].bits;
	for (size_t i = 1; i < n; i++) {
		if (i == s.n || !tail(s.p[i]))
			return 0;
		*c = *c << 6 | (s.p[i] & 0x3f);
	}
	return *c < of[n - 2].least || (*c >= 0xd800 && *c <= 0xdfff) || *c > 0x10ffff ? 0 : n;
}

size_t
lp_utf8_len(struct lp_span s, uint32_t *code)
{
	unsigned char first = s.n > 0 ? s.p[0] : 0x80; /* which begins nothing */
	uint32_t c = first;
	size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;

	if (n > 1)
		n = longer(s, n, &c);
	if (n > 0 && code != NULL)
		*code = c;
	return n;
}

int
lp_utf8_valid(struct lp_span s)
{
	while (s.n > 0) {
		size_t n = lp_utf8_len(s, NULL);

		if (n == 0)
			return 0;
		lp_span_take(&s, n);
	}
	return 1;
}

/* First and last; ascending. */
static const uint32_t unsafe[][2] = {
	{ 0x00, 0x1f },
	{ 0x7f, 0x9f },
	{ 0xad, 0xad },       /* soft hyphen */
	{ 0x61c, 0x61c },     /* direction, of Arabic */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200f },   /* no width, joiners, direction */
	{ 0x2028, 0x202e },   /* separators of lines and paragraphs, direction */
	{ 0x2060, 0x206f },   /* joiner, invisible operators, direction, formats */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xe0000, 0xe007f }, /* tags */
};

int
lp_utf8_unsafe(uint32_t c)
{
	size_t i = 0;

	while (i < sizeof(unsafe) / sizeof(unsafe[0]) && c > unsafe[i][1])
		i++;
	return i < sizeof(unsafe) / sizeof(unsafe[0]) && c >= unsafe[i][0];
}
