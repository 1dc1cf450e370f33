/* Parses the four kinds of sparse maps. */
#include "common/tar/sparse.h"

#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/tar/tarhdr.h"

/* Old GNU: where the map is in a header block and in a continuation block. */
enum {
	HEADER_MAP = 386, HEADER_PIECES = 4, HEADER_MORE = 482, HEADER_SIZE = 483,
	BLOCK_PIECES = 21, BLOCK_MORE = 504,
	FIELD = 12
};

static const char not_a_number[] = "a sparse map holds something that is not a number";

void
lp_sparse_init(struct lp_sparse *s)
{
	*s = (struct lp_sparse){ .piece = NULL };
}

void
lp_sparse_release(struct lp_sparse *s)
{
	free(s->piece);
	lp_sparse_init(s);
}

void
lp_sparse_clear(struct lp_sparse *s)
{
	s->n = 0;
	s->end = s->stored = 0;
}

/* One piece more. The map is as it was on failure. */
static int
add_piece(struct lp_sparse *s, uint64_t offset, uint64_t length)
{
	struct lp_piece *p;
	uint64_t end;

	if (offset < s->end || lp_add_u64(offset, length, &end) != LP_OK || end > INT64_MAX)
		return LP_E_DATA;
	if (s->n == LP_MAX_SPARSE)
		return LP_E_LIMIT;
	p = lp_array_room(s->piece, s->n, &s->cap, sizeof(*p));
	if (p == NULL)
		return LP_E_NOMEM;
	s->piece = p;
	s->piece[s->n++] = (struct lp_piece){ offset, length };
	s->end = end;
	/* no piece overlaps another, so the sum is no larger than end */
	s->stored += length;
	return LP_OK;
}

/* The same with the reason in words. */
static int
add(struct lp_sparse *s, uint64_t offset, uint64_t length, const char **why)
{
	int rc = add_piece(s, offset, length);

	if (rc == LP_E_DATA)
		*why = "the pieces of a sparse map overlap or are out of order";
	else if (rc == LP_E_LIMIT)
		*why = "a sparse map has more pieces than this reader allows";
	else if (rc == LP_E_NOMEM)
		*why = "out of memory";
	return rc;
}

static int
gnu_pieces(struct lp_sparse *s, const unsigned char *p, int n, const char **why)
{
	for (; n > 0 && p[0] != '\0'; n--, p += 2 * (size_t)FIELD) {
		int64_t offset, length;
		int rc;

		if (lp_tar_number(p, FIELD, &offset) != LP_OK || offset < 0 ||
		    lp_tar_number(p + FIELD, FIELD, &length) != LP_OK || length < 0) {
			*why = not_a_number;
			return LP_E_DATA;
		}
		rc = add(s, (uint64_t)offset, (uint64_t)length, why);
		if (rc != LP_OK)
			return rc;
	}
	return LP_OK;
}

int
lp_sparse_gnu_header(struct lp_sparse *s, const unsigned char *block, uint64_t *size, int *more,
    const char **why)
{
	int64_t v;

	if (lp_tar_number(block + HEADER_SIZE, FIELD, &v) != LP_OK || v < 0) {
		*why = "a sparse file's size is not a number";
		return LP_E_DATA;
	}
	*size = (uint64_t)v;
	*more = block[HEADER_MORE] != 0;
	return gnu_pieces(s, block + HEADER_MAP, HEADER_PIECES, why);
}

int
lp_sparse_gnu_block(struct lp_sparse *s, const unsigned char *block, int *more, const char **why)
{
	*more = block[BLOCK_MORE] != 0;
	return gnu_pieces(s, block, BLOCK_PIECES, why);
}

/* Numbers one by one, from pairs of records (0.0) or from one list (0.1). */
struct numbers {
	const struct lp_pax *pax;
	size_t at;          /* 0.0 */
	struct lp_span list; /* 0.1: what is left of it, a comma in front of each but the first */
};

static int
next_number(struct numbers *x, int64_t *out)
{
	struct lp_span s;

	if (x->pax->npairs > 0) {
		if (lp_pax_pair(x->pax, &x->at, &s) != LP_OK)
			return LP_E_ABSENT;
	} else {
		size_t n = 0;

		if (x->list.n == 0)
			return LP_E_ABSENT;
		while (n < x->list.n && x->list.p[n] != ',')
			n++;
		s = lp_span_take(&x->list, n);
		/* "1,2," has an empty third number: leave it to be found */
		if (x->list.n == 1)
			return LP_E_DATA;
		lp_span_take(&x->list, 1);
	}
	return lp_pax_int(s, out) == LP_OK && *out >= 0 ? LP_OK : LP_E_DATA;
}

int
lp_sparse_pax0(struct lp_sparse *s, const struct lp_pax *pax, const char **why)
{
	struct numbers x = { .pax = pax, .list = pax->value[LP_PAX_SPARSE_MAP] };
	int64_t pieces, offset, length;
	int rc = LP_OK;

	if (lp_pax_int(pax->value[LP_PAX_SPARSE_NUMBLOCKS], &pieces) != LP_OK || pieces < 0) {
		*why = "a sparse map's number of pieces is missing or not a number";
		return LP_E_DATA;
	}
	for (; pieces > 0 && rc == LP_OK; pieces--) {
		if (next_number(&x, &offset) != LP_OK || next_number(&x, &length) != LP_OK) {
			*why = not_a_number;
			return LP_E_DATA;
		}
		rc = add(s, (uint64_t)offset, (uint64_t)length, why);
	}
	if (rc == LP_OK && next_number(&x, &offset) != LP_E_ABSENT) {
		*why = "a sparse map has more numbers than it says";
		rc = LP_E_DATA;
	}
	return rc;
}

void
lp_sparse1_init(struct lp_sparse1 *m)
{
	*m = (struct lp_sparse1){ .due = UINT64_MAX };
}

/* A line is complete: the count, or one half of a piece. */
static int
line(struct lp_sparse1 *m, struct lp_sparse *s, const char **why)
{
	uint64_t v = m->value;

	if (!m->digits) {
		*why = not_a_number;
		return LP_E_DATA;
	}
	m->value = 0;
	m->digits = 0;
	if (m->due == UINT64_MAX) {
		if (v > LP_MAX_SPARSE) {
			*why = "a sparse map has more pieces than this reader allows";
			return LP_E_LIMIT;
		}
		m->due = 2 * v;
		return LP_OK;
	}
	if (m->due-- % 2 == 0) {
		m->offset = v;
		return LP_OK;
	}
	return add(s, m->offset, v, why);
}

int
lp_sparse1_block(struct lp_sparse1 *m, struct lp_sparse *s, const unsigned char *block, int *more,
    const char **why)
{
	for (size_t i = 0; i < LP_TAR_BLOCK && m->due > 0; i++) {
		unsigned digit = (unsigned)block[i] - '0';
		int rc;

		if (block[i] == '\n') {
			rc = line(m, s, why);
			if (rc != LP_OK)
				return rc;
		} else if (digit > 9 || lp_mul_u64(m->value, 10, &m->value) != LP_OK ||
		    lp_add_u64(m->value, digit, &m->value) != LP_OK) {
			*why = not_a_number;
			return LP_E_DATA;
		} else {
			m->digits = 1;
		}
	}
	*more = m->due > 0;
	return LP_OK;
}
