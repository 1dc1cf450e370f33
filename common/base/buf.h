/*
 * A growable run of bytes that states its maximum when it is made, so that
 * no length from outside can make it larger than its owner meant.
 *
 * Invariant: n <= cap <= max. A buffer that failed to grow is as it was.
 * The buffer owns its memory; lp_buf_release frees it.
 */
#ifndef LP_BASE_BUF_H
#define LP_BASE_BUF_H

#include <stddef.h>
#include <string.h>

#include "common/base/span.h"
#include "common/base/status.h"

struct lp_buf {
	unsigned char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes it may ever hold */
	int secret; /* memory is overwritten before it is given back */
};

/* An empty buffer; allocates nothing. */
void lp_buf_init(struct lp_buf *, size_t max);
void lp_buf_release(struct lp_buf *);

/*
 * The same for a password or a token: whenever its memory is given back, to
 * grow or at the end, every byte of it has been overwritten.
 */
void lp_buf_init_secret(struct lp_buf *, size_t max);

/* What lp_buf_reserve does when there is not enough room yet. */
int lp_buf_grow(struct lp_buf *, size_t more);

/*
 * Room for `more` bytes behind the n in use, without using them yet.
 * 0, LP_E_LIMIT above max, or LP_E_NOMEM. Inline, because rows are written
 * in many small pieces.
 */
static inline int
lp_buf_reserve(struct lp_buf *b, size_t more)
{
	return more <= b->cap - b->n ? LP_OK : lp_buf_grow(b, more);
}

/* Append; results as lp_buf_reserve. */
static inline int
lp_buf_add(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_buf_reserve(b, s.n);

	if (rc == LP_OK && s.n > 0) {
		memcpy(b->p + b->n, s.p, s.n);
		b->n += s.n;
	}
	return rc;
}

static inline int
lp_buf_addc(struct lp_buf *b, int byte)
{
	int rc = lp_buf_reserve(b, 1);

	if (rc == LP_OK)
		b->p[b->n++] = (unsigned char)byte;
	return rc;
}

int lp_buf_adds(struct lp_buf *, const char *);
/* So many blanks; results as lp_buf_reserve. */
int lp_buf_blanks(struct lp_buf *, size_t n);
/* As many as a column of `width` has left beside `used`. */
static inline int
lp_buf_pad(struct lp_buf *b, size_t used, size_t width)
{
	return lp_buf_blanks(b, used < width ? width - used : 0);
}

/* Forget the content, keep the memory. */
static inline void
lp_buf_clear(struct lp_buf *b)
{
	b->n = 0;
}

/* What is in it; valid until the buffer next changes. */
static inline struct lp_span
lp_buf_span(const struct lp_buf *b)
{
	return lp_span(b->p, b->n);
}

/*
 * The content as a C string: a NUL is put behind it (and not counted).
 * NULL if there is no room for that NUL. Valid as lp_buf_span.
 */
const char *lp_buf_cstr(struct lp_buf *);

/*
 * The bytes as a C string in memory of its own, for free(3); NULL if there
 * is none. That they hold no NUL is the caller's to know.
 */
char *lp_cstr(struct lp_span);

#endif
