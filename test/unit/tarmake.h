/*
 * Tar archives for tests, put together block by block, so that a test can
 * say exactly what is odd about them.
 */
#ifndef LP_TEST_TARMAKE_H
#define LP_TEST_TARMAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/tar/tarhdr.h"

struct tm_header {
	const char *name;
	const char *prefix;
	const char *link;
	const char *uname;
	uint64_t size;
	char type;      /* 0: '0' */
	char format;    /* 0 or 'u' ustar, 'v' v7, 'g' GNU, 's' star */
};

static inline void
tm_add(struct lp_buf *b, const void *p, size_t n)
{
	if (lp_buf_add(b, lp_span(p, n)) != LP_OK)
		abort();
}

static inline void
tm_zeros(struct lp_buf *b, size_t n)
{
	static const unsigned char zeros[LP_TAR_BLOCK];

	for (; n > 0; n -= n < sizeof(zeros) ? n : sizeof(zeros))
		tm_add(b, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
}

/* Make the checksum of the block at p right. */
static inline void
tm_sum(unsigned char *p)
{
	unsigned sum = 0;
	char text[8];

	memset(p + 148, ' ', 8);
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		sum += p[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(p + 148, text, 7);
}

static inline void
tm_field(unsigned char *p, const char *s, size_t max)
{
	if (s != NULL)
		memcpy(p, s, strlen(s) < max ? strlen(s) : max);
}

/* A header block; where it begins in the buffer. */
static inline size_t
tm_head(struct lp_buf *b, struct tm_header h)
{
	size_t at = b->n;
	unsigned char *p;
	char number[16];

	tm_zeros(b, LP_TAR_BLOCK);
	p = b->p + at;
	tm_field(p, h.name, 100);
	tm_field(p + 100, "0000644", 7);
	tm_field(p + 108, "0001750", 7);
	tm_field(p + 116, "0000144", 7);
	snprintf(number, sizeof(number), "%011llo", (unsigned long long)h.size);
	tm_field(p + 124, number, 11);
	tm_field(p + 136, "14524770020", 11); /* 1699999760 */
	p[156] = (unsigned char)(h.type != 0 ? h.type : '0');
	tm_field(p + 157, h.link, 100);
	if (h.format != 'v') {
		memcpy(p + 257, h.format == 'g' ? "ustar  \0" : "ustar\00000", 8);
		tm_field(p + 265, h.uname, 32);
		tm_field(p + 345, h.prefix, h.format == 's' ? 131 : 155);
	}
	if (h.format == 's')
		memcpy(p + 508, "tar", 4);
	tm_sum(p);
	return at;
}

/* Overwrite part of the block that begins at `at`, and put the checksum right. */
static inline void
tm_patch(struct lp_buf *b, size_t at, size_t field, const void *bytes, size_t n)
{
	memcpy(b->p + at + field, bytes, n);
	tm_sum(b->p + at);
}

/* Data and its padding. */
static inline void
tm_data(struct lp_buf *b, const void *p, size_t n)
{
	tm_add(b, p, n);
	tm_zeros(b, -n % LP_TAR_BLOCK);
}

/* A pax record, its length counted. */
static inline void
tm_record(struct lp_buf *b, const char *key, const void *value, size_t n)
{
	size_t body = strlen(key) + n + 3, len = body + 1;
	char text[32];

	while ((size_t)snprintf(text, sizeof(text), "%zu", len) + body != len)
		len++;
	snprintf(text, sizeof(text), "%zu ", len);
	tm_add(b, text, strlen(text));
	tm_add(b, key, strlen(key));
	tm_add(b, "=", 1);
	tm_add(b, value, n);
	tm_add(b, "\n", 1);
}

/* A header of the type with the body. */
static inline void
tm_extension(struct lp_buf *b, char type, char format, const void *body, size_t n)
{
	tm_head(b, (struct tm_header){ .name = "ext", .type = type, .format = format, .size = n });
	tm_data(b, body, n);
}

static inline void
tm_records(struct lp_buf *b, char type, const char *const *keys_and_values)
{
	struct lp_buf body;

	lp_buf_init(&body, 16 * 1024 * 1024);
	for (; *keys_and_values != NULL; keys_and_values += 2)
		tm_record(&body, keys_and_values[0], keys_and_values[1], strlen(keys_and_values[1]));
	tm_extension(b, type, 'u', body.p, body.n);
	lp_buf_release(&body);
}

/* A pax header ('x' or 'g') of records: key, value, key, value, NULL. */
#define tm_pax(b, type, ...) tm_records(b, type, (const char *const []){ __VA_ARGS__ })

static inline void
tm_end(struct lp_buf *b)
{
	tm_zeros(b, 2 * LP_TAR_BLOCK);
}

#endif
