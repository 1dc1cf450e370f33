/* Parses the records of a pax header. */
#include "common/tar/pax.h"

#include <string.h>

#include "common/base/base64.h"
#include "common/base/entry.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/sort.h"
#include "common/base/status.h"

enum { RECORD_MIN = 5 }; /* "5 a=\n" */

#define SCHILY "SCHILY.xattr."
#define LIBARCHIVE "LIBARCHIVE.xattr."
#define PAIR_OFFSET "GNU.sparse.offset"
#define PAIR_NUMBYTES "GNU.sparse.numbytes"

struct record {
	struct lp_span key;
	struct lp_span value;
};

static const char *const key_names[LP_PAX_KEYS] = {
	[LP_PAX_PATH] = "path",
	[LP_PAX_LINKPATH] = "linkpath",
	[LP_PAX_UNAME] = "uname",
	[LP_PAX_GNAME] = "gname",
	[LP_PAX_UID] = "uid",
	[LP_PAX_GID] = "gid",
	[LP_PAX_SIZE] = "size",
	[LP_PAX_MTIME] = "mtime",
	[LP_PAX_ATIME] = "atime",
	[LP_PAX_CTIME] = "ctime",
	[LP_PAX_SPARSE_MAJOR] = "GNU.sparse.major",
	[LP_PAX_SPARSE_MINOR] = "GNU.sparse.minor",
	[LP_PAX_SPARSE_NAME] = "GNU.sparse.name",
	[LP_PAX_SPARSE_SIZE] = "GNU.sparse.size",
	[LP_PAX_SPARSE_REALSIZE] = "GNU.sparse.realsize",
	[LP_PAX_SPARSE_NUMBLOCKS] = "GNU.sparse.numblocks",
	[LP_PAX_SPARSE_MAP] = "GNU.sparse.map",
};

static int
starts_with(struct lp_span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static struct lp_span
behind(struct lp_span s, const char *prefix)
{
	lp_span_take(&s, strlen(prefix));
	return s;
}

static enum lp_pax_key
key_of(struct lp_span s)
{
	enum lp_pax_key k = 0;

	while (k < LP_PAX_KEYS && !lp_span_is(s, key_names[k]))
		k++;
	return k;
}

/* Take the record at the front of *s, if it is one. NULL, or why it is not. */
static const char *
take_record(struct lp_span *s, struct record *r)
{
	const unsigned char *blank = memchr(s->p, ' ', s->n), *eq;
	size_t digits = blank != NULL ? (size_t)(blank - s->p) : 0;
	uint64_t n;

	if (blank == NULL || lp_num_u64(lp_span(s->p, digits), s->n, &n) != LP_OK)
		return "a pax record's length is not a number, or leads out of its header";
	if (n < RECORD_MIN || n < digits + 2)
		return "a pax record is too short";
	if (s->p[n - 1] != '\n')
		return "a pax record does not end in a newline";
	r->value = lp_span(blank + 1, (size_t)n - digits - 2);
	eq = r->value.n > 0 ? memchr(r->value.p, '=', r->value.n) : NULL;
	if (eq == NULL || eq == r->value.p)
		return "a pax record has no key";
	r->key = lp_span_take(&r->value, (size_t)(eq - r->value.p));
	lp_span_take(&r->value, 1);
	lp_span_take(s, (size_t)n);
	return NULL;
}

static int
has_nul(struct lp_span s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

/* The pairs must come in turn, offset first. */
static const char *
count_pair(struct lp_pax *p, const struct record *r)
{
	const char *due = p->npairs % 2 == 0 ? PAIR_OFFSET : PAIR_NUMBYTES;

	if (!lp_span_is(r->key, due))
		return "the records of a sparse map are out of order";
	p->npairs++;
	return NULL;
}

static const char *
keep(struct lp_pax *p, const struct record *r)
{
	enum lp_pax_key k;

	if (has_nul(r->key))
		return "a pax record's key holds a NUL";
	if (lp_span_is(r->key, PAIR_OFFSET) || lp_span_is(r->key, PAIR_NUMBYTES))
		return count_pair(p, r);
	if (starts_with(r->key, SCHILY) || starts_with(r->key, LIBARCHIVE)) {
		p->nxattrs++;
		return NULL;
	}
	k = key_of(r->key);
	if (k == LP_PAX_KEYS)
		return NULL;
	if ((k <= LP_PAX_GNAME || k == LP_PAX_SPARSE_NAME) && has_nul(r->value))
		return "a pax record's name holds a NUL";
	p->value[k] = r->value;
	return NULL;
}

void
lp_pax_clear(struct lp_pax *p)
{
	*p = (struct lp_pax){ .bad = 0 };
}

int
lp_pax_parse(struct lp_pax *p, struct lp_span body)
{
	struct lp_span rest = body;
	size_t n = 0;

	lp_pax_clear(p);
	p->body = body;
	while (rest.n > 0) {
		struct record r;

		p->bad = body.n - rest.n;
		if (n++ == LP_MAX_PAX_RECORDS) {
			p->why = "more pax records than this reader allows";
			return LP_E_LIMIT;
		}
		p->why = take_record(&rest, &r);
		if (p->why == NULL)
			p->why = keep(p, &r);
		if (p->why != NULL)
			return LP_E_DATA;
	}
	return LP_OK;
}

int
lp_pax_put(struct lp_buf *b, const char *prefix, struct lp_span key, struct lp_span value)
{
	const size_t rest = strlen(prefix) + key.n + value.n + 3;
	size_t n = rest + 1;
	char text[32];
	int rc;

	while ((size_t)snprintf(text, sizeof(text), "%zu", n) + rest != n)
		n++;
	rc = lp_buf_adds(b, text);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : lp_buf_adds(b, prefix);
	rc = rc != LP_OK ? rc : lp_buf_add(b, key);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '=');
	rc = rc != LP_OK ? rc : lp_buf_add(b, value);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

int
lp_pax_pair(const struct lp_pax *p, size_t *at, struct lp_span *out)
{
	struct lp_span rest = p->body;
	struct record r;

	lp_span_take(&rest, *at);
	while (rest.n > 0 && take_record(&rest, &r) == NULL) {
		if (!lp_span_is(r.key, PAIR_OFFSET) && !lp_span_is(r.key, PAIR_NUMBYTES))
			continue;
		*at = p->body.n - rest.n;
		*out = r.value;
		return LP_OK;
	}
	return LP_E_ABSENT;
}

int
lp_pax_int(struct lp_span s, int64_t *out)
{
	/* as Go's ParseInt: "+5" is a number, "+-5" is none */
	if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
		lp_span_take(&s, 1);
	return lp_num_i64(s, out);
}

/* The first nine digits as a number, as if there were nine. */
static int
fraction(struct lp_span s, uint32_t *nsec)
{
	uint32_t v = 0, unit = 100000000;

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned)(s.p[i] - '0') > 9)
			return LP_E_DATA;
		v += (uint32_t)(s.p[i] - '0') * unit;
		unit /= 10;
	}
	*nsec = v;
	return LP_OK;
}

int
lp_pax_time(struct lp_span s, int64_t *sec, uint32_t *nsec)
{
	const unsigned char *dot = s.n > 0 ? memchr(s.p, '.', s.n) : NULL;
	struct lp_span whole = lp_span_take(&s, dot != NULL ? (size_t)(dot - s.p) : s.n);
	int64_t v;
	uint32_t f;

	lp_span_take(&s, 1);
	if (lp_pax_int(whole, &v) != LP_OK || fraction(s, &f) != LP_OK)
		return LP_E_DATA;
	/* "-1.5" is half a second before -1, and so is "-0.5" before 0 */
	if (whole.p[0] == '-' && f > 0) {
		if (v == INT64_MIN)
			return LP_E_DATA;
		v--;
		f = 1000000000 - f;
	}
	*sec = v;
	*nsec = f;
	return LP_OK;
}

/* ---- extended attributes ---- */

/* Capitals, too. */
static int
hex(unsigned char c)
{
	return lp_hex_digit(c >= 'A' && c <= 'F' ? c | 0x20 : c);
}

/* Appends without looking at the result: the room was reserved. */
static struct lp_span
unpercent(struct lp_buf *b, struct lp_span s)
{
	size_t start = b->n;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = s.p[i];

		if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			c = (unsigned char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		}
		b->p[b->n++] = c;
	}
	return lp_span(b->p + start, b->n - start);
}

/* What sorting needs: equal names in order of worth, the last one counts. */
struct ranked {
	struct lp_xattr x; /* first: the array is later used as one of these */
	size_t rank;
};
_Static_assert(sizeof(struct ranked) * LP_MAX_PAX_RECORDS <= LP_MAX_XATTRS, "the array has room");

static int
by_name_and_rank(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;
	int d = lp_span_cmp(a->x.name, b->x.name);

	return d != 0 ? d : (a->rank > b->rank) - (a->rank < b->rank);
}

/* Sort, keep the last of each name, and close the ranks up to a plain array. */
static size_t
sort_and_unite(struct ranked *r, size_t n, struct lp_xattr *out)
{
	size_t kept = 0;

	lp_sort(r, n, sizeof(*r), by_name_and_rank);
	for (size_t i = 0; i < n; i++) {
		struct lp_xattr x = r[i].x;

		if (i + 1 < n && lp_span_eq(x.name, r[i + 1].x.name))
			continue;
		out[kept++] = x;
	}
	return kept;
}

static void
collect(const struct lp_pax *p, struct ranked *out, size_t *n, struct lp_buf *text)
{
	struct lp_span rest = p->body;
	struct record r;

	while (rest.n > 0 && take_record(&rest, &r) == NULL) {
		struct ranked *to = &out[*n];

		if (starts_with(r.key, SCHILY)) {
			to->x = (struct lp_xattr){ behind(r.key, SCHILY), r.value };
			to->rank = p->nxattrs + *n;
		} else if (starts_with(r.key, LIBARCHIVE)) {
			size_t start = text->n;

			/* Go does not know these, so a bad one cannot be an error */
			if (lp_base64_decode(text, r.value) != LP_OK)
				continue;
			to->x.value = lp_span(text->p + start, text->n - start);
			to->x.name = unpercent(text, behind(r.key, LIBARCHIVE));
			to->rank = *n;
		} else {
			continue;
		}
		++*n;
	}
}

int
lp_pax_xattrs(const struct lp_pax *p, struct lp_buf *array, struct lp_buf *text, size_t *n)
{
	struct ranked *r;
	int rc;

	*n = 0;
	lp_buf_clear(array);
	lp_buf_clear(text);
	if (p->nxattrs == 0)
		return LP_OK;
	/* decoded, nothing is longer than it was: the text never moves while spans point into it */
	rc = lp_buf_reserve(text, p->body.n);
	if (rc == LP_OK)
		rc = lp_buf_reserve(array, p->nxattrs * sizeof(*r));
	if (rc != LP_OK)
		return rc;
	r = (struct ranked *)(void *)array->p;
	collect(p, r, n, text);
	*n = sort_and_unite(r, *n, (struct lp_xattr *)(void *)array->p);
	return LP_OK;
}
