/* A growing byte buffer with a fixed maximum. */
#include "common/base/buf.h"

#include <stdlib.h>
#include <string.h>

/* The fuzzer's are as small as they can be: what outgrows its room does so in inputs that are short, too. */
#ifndef LP_BUF_FIRST_CAP
#define LP_BUF_FIRST_CAP 256
#endif

void
lp_buf_init(struct lp_buf *b, size_t max)
{
	*b = (struct lp_buf){ .max = max };
}

void
lp_buf_init_secret(struct lp_buf *b, size_t max)
{
	*b = (struct lp_buf){ .max = max, .secret = 1 };
}

void
lp_buf_release(struct lp_buf *b)
{
	if (b->secret && b->p != NULL)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct lp_buf){ .max = b->max, .secret = b->secret };
}

/* realloc would leave the old block as it was, for anybody to find. */
static unsigned char *
move_secret(struct lp_buf *b, size_t cap)
{
	unsigned char *p = malloc(cap);

	if (p == NULL || b->p == NULL)
		return p;
	memcpy(p, b->p, b->n);
	explicit_bzero(b->p, b->cap);
	free(b->p);
	return p;
}

int
lp_buf_grow(struct lp_buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : LP_BUF_FIRST_CAP;
	unsigned char *p;

	if (more > b->max - b->n)
		return LP_E_LIMIT;
	while (cap < b->n + more)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	p = b->secret ? move_secret(b, cap) : realloc(b->p, cap);
	if (p == NULL)
		return LP_E_NOMEM;
	b->p = p;
	b->cap = cap;
	return LP_OK;
}

int
lp_buf_adds(struct lp_buf *b, const char *s)
{
	return lp_buf_add(b, lp_span_str(s));
}

int
lp_buf_blanks(struct lp_buf *b, size_t n)
{
	int rc = lp_buf_reserve(b, n);

	if (rc == LP_OK && n > 0) {
		memset(b->p + b->n, ' ', n);
		b->n += n;
	}
	return rc;
}

const char *
lp_buf_cstr(struct lp_buf *b)
{
	if (lp_buf_reserve(b, 1) != LP_OK)
		return NULL;
	b->p[b->n] = '\0';
	return (const char *)b->p;
}

char *
lp_cstr(struct lp_span s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}
