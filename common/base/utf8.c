/* Validates UTF-8, and tells characters that a terminal could misread. */
#include "common/base/utf8.h"

static int
tail(unsigned char b)
{
	return (b & 0xc0) == 0x80;
}

static size_t
two(struct lp_span s, uint32_t *c)
{
	if (s.n < 2 || !tail(s.p[1]))
		return 0;
	*c = ((uint32_t)(s.p[0] & 0x1f) << 6) | (s.p[1] & 0x3f);
	return *c < 0x80 ? 0 : 2;
}

static size_t
three(struct lp_span s, uint32_t *c)
{
	if (s.n < 3 || !tail(s.p[1]) || !tail(s.p[2]))
		return 0;
	*c = ((uint32_t)(s.p[0] & 0x0f) << 12) | ((uint32_t)(s.p[1] & 0x3f) << 6) |
	    (s.p[2] & 0x3f);
	return *c < 0x800 || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : 3;
}

static size_t
four(struct lp_span s, uint32_t *c)
{
	if (s.n < 4 || !tail(s.p[1]) || !tail(s.p[2]) || !tail(s.p[3]))
		return 0;
	*c = ((uint32_t)(s.p[0] & 0x07) << 18) | ((uint32_t)(s.p[1] & 0x3f) << 12) |
	    ((uint32_t)(s.p[2] & 0x3f) << 6) | (s.p[3] & 0x3f);
	return *c < 0x10000 || *c > 0x10ffff ? 0 : 4;
}

size_t
lp_utf8_len(struct lp_span s, uint32_t *code)
{
	uint32_t c = 0;
	size_t n = 0;

	if (s.n == 0)
		return 0;
	if (s.p[0] < 0x80) {
		c = s.p[0];
		n = 1;
	} else if ((s.p[0] & 0xe0) == 0xc0) {
		n = two(s, &c);
	} else if ((s.p[0] & 0xf0) == 0xe0) {
		n = three(s, &c);
	} else if ((s.p[0] & 0xf8) == 0xf0) {
		n = four(s, &c);
	}
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
