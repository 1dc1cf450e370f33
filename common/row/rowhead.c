/* Reads and writes a row's first five columns, packed. */
#include "common/row/rowhead.h"

#include <string.h>

#include "common/base/num.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"

enum { TIME = 20, DATE = 11 }; /* 2026-11-23T16:43:44Z, and 2026-11-23T */

void
lp_rowhead_init(struct lp_rowhead *h)
{
	*h = (struct lp_rowhead){ .type = LP_REG };
}

/* One of three "rwx": the letters, with `special` (s or t) standing in for x. Bits, or -1. */
static int
triplet(const unsigned char *p, unsigned char special)
{
	int bits = (p[0] == 'r') << 2 | (p[1] == 'w') << 1;

	if ((p[0] != 'r' && p[0] != '-') || (p[1] != 'w' && p[1] != '-'))
		return -1;
	if (p[2] == 'x' || p[2] == special)
		bits |= 1;
	else if (p[2] != '-' && p[2] != special - ('a' - 'A'))
		return -1;
	/* bit 3: the special bit, which its capital letter has without the x */
	return p[2] == special || p[2] == special - ('a' - 'A') ? bits | 8 : bits;
}

int
lp_parse_mode(struct lp_span s, enum lp_type *type, uint32_t *mode)
{
	int u, g, o;

	if (s.n != LP_MODE_LEN || s.p[0] == '\0' || strchr("-dlhcbp", s.p[0]) == NULL)
		return LP_E_DATA;
	u = triplet(s.p + 1, 's');
	g = triplet(s.p + 4, 's');
	o = triplet(s.p + 7, 't');
	if (u < 0 || g < 0 || o < 0)
		return LP_E_DATA;
	*type = (enum lp_type)s.p[0];
	*mode = (uint32_t)((u & 8) << 8 | (g & 8) << 7 | (o & 8) << 6 | (u & 7) << 6 | (g & 7) << 3 | (o & 7));
	return LP_OK;
}

/* Digits as we write them, up to a tab, behind which the answer points; NULL for anything else. */
static const unsigned char *
number(const unsigned char *p, const unsigned char *end, uint64_t *out)
{
	const unsigned char *start = p;
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	/* 18 digits cannot overflow */
	if (p == start || p - start > 18 || p == end || *p != '\t' || (*start == '0' && p - start > 1))
		return NULL;
	*out = v;
	return p + 1;
}

/* Mode, uid and gid: mostly those of the row before. */
static const unsigned char *
owner(struct lp_rowhead *h, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *start = p;
	uint64_t uid, gid;

	if (h->owner_n > 0 && (size_t)(end - p) >= h->owner_n && memcmp(p, h->owner, h->owner_n) == 0)
		return p + h->owner_n;
	h->owner_n = 0;
	if (end - p <= LP_MODE_LEN || p[LP_MODE_LEN] != '\t' ||
	    lp_parse_mode(lp_span(p, LP_MODE_LEN), &h->type, &h->mode) != LP_OK)
		return NULL;
	p = number(p + LP_MODE_LEN + 1, end, &uid);
	p = p != NULL ? number(p, end, &gid) : NULL;
	if (p == NULL)
		return NULL;
	h->uid = (int64_t)uid;
	h->gid = (int64_t)gid;
	h->owner_n = (size_t)(p - start);
	memcpy(h->owner, start, h->owner_n);
	return p;
}

/* Two digits below `limit`, or -1. */
static int
two(const unsigned char *p, int limit)
{
	int v = (p[0] - '0') * 10 + (p[1] - '0');

	return p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9' || v >= limit ? -1 : v;
}

/* The seconds of "16:43:44Z", or -1. */
static int
seconds(const unsigned char *p)
{
	int hour = two(p, 24), minute = two(p + 3, 60), second = two(p + 6, 60);

	return hour < 0 || minute < 0 || second < 0 || p[2] != ':' || p[5] != ':' || p[8] != 'Z' ? -1 :
	    hour * 3600 + minute * 60 + second;
}

/* A day that is not that of the row before. */
static int
new_day(struct lp_rowhead *h, const unsigned char *p, int s)
{
	uint32_t nsec;

	h->has_time = 0;
	if (lp_rfc3339(lp_span(p, TIME), &h->mtime, &nsec) != LP_OK || p[DATE - 1] != 'T')
		return LP_E_DATA;
	h->midnight = h->mtime - s;
	return LP_OK;
}

/* The time, up to its tab. */
static const unsigned char *
mtime(struct lp_rowhead *h, const unsigned char *p, const unsigned char *end)
{
	int s;

	if (end - p >= 2 && p[0] == '-' && p[1] == '\t') {
		h->has_mtime = 0;
		return p + 2;
	}
	if (end - p <= TIME || p[TIME] != '\t')
		return NULL;
	h->has_mtime = 1;
	if (h->has_time && memcmp(p, h->time, TIME) == 0)
		return p + TIME + 1;
	s = seconds(p + DATE);
	if (s < 0)
		return NULL;
	if (!(h->has_time && memcmp(p, h->time, DATE) == 0) && new_day(h, p, s) != LP_OK)
		return NULL;
	h->mtime = h->midnight + s;
	h->has_time = 1;
	memcpy(h->time, p, TIME);
	return p + TIME + 1;
}

size_t
lp_rowhead_read(struct lp_rowhead *h, struct lp_span line)
{
	const unsigned char *p = line.p, *end = line.p + line.n;

	if ((p = owner(h, p, end)) == NULL || (p = number(p, end, &h->size)) == NULL || (p = mtime(h, p, end)) == NULL)
		return 0;
	return (size_t)(p - line.p);
}

/* ---- as text ---------------------------------------------------------------- */

char *
lp_rowhead_put(char *p, const struct lp_entry *e)
{
	p = lp_put_mode(p, e);
	*p++ = '\t';
	p = lp_num_puti(p, e->uid);
	*p++ = '\t';
	p = lp_num_puti(p, e->gid);
	*p++ = '\t';
	p = lp_num_put(p, e->size);
	*p++ = '\t';
	p = lp_put_time(p, e);
	*p++ = '\t';
	return p;
}

static struct lp_span
take(struct lp_span *head)
{
	const unsigned char *tab = memchr(head->p, '\t', head->n);
	struct lp_span f = lp_span_take(head, tab != NULL ? (size_t)(tab - head->p) : head->n);

	lp_span_take(head, 1);
	return f;
}

void
lp_rowhead_get(struct lp_span head, struct lp_entry *e)
{
	struct lp_span mode = take(&head), uid = take(&head), gid = take(&head), size = take(&head);

	(void)lp_parse_mode(mode, &e->type, &e->mode);
	(void)lp_num_i64(uid, &e->uid);
	(void)lp_num_i64(gid, &e->gid);
	(void)lp_num_u64(size, UINT64_MAX, &e->size);
	if (lp_rfc3339(take(&head), &e->mtime, &e->mtime_nsec) == LP_OK)
		e->has |= LP_HAS_MTIME;
}

uint64_t
lp_rowhead_size(struct lp_span head)
{
	uint64_t size = 0;

	for (int i = 0; i < 3; i++)
		(void)take(&head);
	(void)lp_num_u64(take(&head), UINT64_MAX, &size);
	return size;
}
