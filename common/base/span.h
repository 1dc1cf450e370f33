/*
 * A span: bytes that somebody else owns. Nothing is ever freed through a
 * span; whoever hands one out says how long it stays valid.
 */
#ifndef LP_BASE_SPAN_H
#define LP_BASE_SPAN_H

#include <stddef.h>
#include <string.h>

struct lp_span {
	const unsigned char *p;
	size_t n; /* bytes */
};

static inline struct lp_span
lp_span(const void *p, size_t n)
{
	return (struct lp_span){ (const unsigned char *)p, n };
}

static inline struct lp_span
lp_span_str(const char *s)
{
	return lp_span(s, strlen(s));
}

/* The first n bytes of *s (all, if there are fewer), taken off its front. */
static inline struct lp_span
lp_span_take(struct lp_span *s, size_t n)
{
	struct lp_span head = { s->p, n < s->n ? n : s->n };

	/* an empty span may be NULL, and NULL + 0 is undefined */
	if (head.n > 0) {
		s->p += head.n;
		s->n -= head.n;
	}
	return head;
}

static inline int
lp_span_eq(struct lp_span a, struct lp_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline int
lp_span_is(struct lp_span a, const char *s)
{
	return lp_span_eq(a, lp_span_str(s));
}

/* Whether it is that word of lower-case letters, itself in either case: ASCII, whatever the locale. */
static inline int
lp_span_is_word(struct lp_span s, const char *lower)
{
	size_t n = strlen(lower);

	for (size_t i = 0; s.n == n && i < n; i++) {
		unsigned char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (unsigned char)lower[i])
			return 0;
	}
	return s.n == n;
}

/* Off its front: all of these bytes. */
static inline void
lp_span_skip(struct lp_span *s, const char *these)
{
	while (s->n > 0 && s->p[0] != '\0' && strchr(these, s->p[0]) != NULL)
		lp_span_take(s, 1);
}

static inline int
lp_span_begins(struct lp_span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

static inline int
lp_span_ends(struct lp_span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* Off its front: all up to one of these bytes, or to the end. */
static inline struct lp_span
lp_span_until(struct lp_span *s, const char *these)
{
	size_t n = 0;

	while (n < s->n && (s->p[n] == '\0' || strchr(these, s->p[n]) == NULL))
		n++;
	return lp_span_take(s, n);
}

/* Off its front: all up to the next such byte, which goes as well, or to the end. */
static inline struct lp_span
lp_span_field(struct lp_span *s, char end)
{
	const unsigned char *at = s->n > 0 ? memchr(s->p, end, s->n) : NULL;
	struct lp_span f = lp_span_take(s, at != NULL ? (size_t)(at - s->p) : s->n);

	lp_span_take(s, 1);
	return f;
}

/* Bytewise order, as LC_ALL=C sort has it: below, equal or above zero. */
static inline int
lp_span_cmp(struct lp_span a, struct lp_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

#endif
