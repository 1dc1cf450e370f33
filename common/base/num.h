/*
 * Numbers: parsed whole or refused, written without printf, added and
 * multiplied with the overflow looked at.
 */
#ifndef LP_BASE_NUM_H
#define LP_BASE_NUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/span.h"
#include "common/base/status.h"

enum { LP_NUM_MAX = 20 }; /* characters of the longest 64-bit decimal, sign included */

/*
 * Decimal digits and nothing else, at least one, at most UINT64_MAX (or
 * `max`). 0, or LP_E_DATA with *out untouched.
 */
int lp_num_u64(struct lp_span, uint64_t max, uint64_t *out);

/* The same with an optional leading '-'. */
int lp_num_i64(struct lp_span, int64_t *out);

/* A count of bytes as people type it: digits, then nothing, K, M or G (binary). */
int lp_num_size(struct lp_span, uint64_t *out);

/* Write decimal digits at p (LP_NUM_MAX bytes of room, no NUL); returns the end. */
char *lp_num_put(char *p, uint64_t v);
char *lp_num_puti(char *p, int64_t v);

/* "00" to "99", one behind the other. */
extern const char lp_num_pairs[201];

/* The same of exactly two digits, for v below 100. */
static inline char *
lp_num_put2(char *p, unsigned v)
{
	memcpy(p, lp_num_pairs + v * 2, 2);
	return p + 2;
}

/* What a hexadecimal digit stands for, in lower case as everything that we write and sign is; else -1. */
static inline int
lp_hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* *out = a + b or a * b. 0, or LP_E_LIMIT on overflow with *out untouched. */
static inline int
lp_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return LP_E_LIMIT;
	*out = r;
	return 0;
}

/* Add to a sum that people and JSON readers see: one above LP_MAX_SIZE stays there. */
static inline void
lp_sum(uint64_t *sum, uint64_t v)
{
	*sum = v > LP_MAX_SIZE || *sum > LP_MAX_SIZE - v ? LP_MAX_SIZE : *sum + v;
}

static inline int
lp_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return LP_E_LIMIT;
	*out = r;
	return 0;
}

#endif
