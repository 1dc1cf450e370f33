/*
 * Pax records: what parses is made of parts of its body, a body twice in a
 * row says what it says once, and extended attributes come in order, each
 * name once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/entry.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/tar/pax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
check_xattrs(const struct lp_pax *p)
{
	struct lp_buf array, text;
	const struct lp_xattr *x;
	size_t n;

	lp_buf_init(&array, LP_MAX_XATTRS);
	lp_buf_init(&text, 2 * LP_MAX_EXTENSION);
	must(lp_pax_xattrs(p, &array, &text, &n) == LP_OK && n <= p->nxattrs);
	x = (const struct lp_xattr *)(const void *)array.p;
	for (size_t i = 0; i + 1 < n; i++)
		must(lp_span_cmp(x[i].name, x[i + 1].name) < 0);
	lp_buf_release(&array);
	lp_buf_release(&text);
}

static void
check_values(const struct lp_pax *p)
{
	int64_t v;
	uint32_t nsec = 0;
	size_t at = 0, pairs = 0;
	struct lp_span s;

	for (size_t k = 0; k < LP_PAX_KEYS; k++) {
		s = p->value[k];
		must(s.n == 0 || (s.p >= p->body.p && s.p + s.n <= p->body.p + p->body.n));
		if (lp_pax_int(s, &v) == LP_OK)
			must(lp_pax_time(s, &v, &nsec) == LP_OK && nsec == 0);
		must(lp_pax_time(s, &v, &nsec) != LP_OK || nsec < 1000000000);
	}
	while (lp_pax_pair(p, &at, &s) == LP_OK)
		pairs++;
	must(pairs == p->npairs);
}

/* The same again behind itself: the last of each key is the same one. */
static void
check_twice(const struct lp_pax *once)
{
	struct lp_pax twice;
	struct lp_buf b;

	lp_buf_init(&b, SIZE_MAX / 2);
	must(lp_buf_add(&b, once->body) == LP_OK && lp_buf_add(&b, once->body) == LP_OK);
	if (lp_pax_parse(&twice, lp_buf_span(&b)) == LP_OK) {
		must(twice.nxattrs == 2 * once->nxattrs && twice.npairs == 2 * once->npairs);
		for (size_t k = 0; k < LP_PAX_KEYS; k++)
			must(lp_span_eq(once->value[k], twice.value[k]));
	} else {
		/* half a pair, or too many records */
		must(once->npairs % 2 == 1 || twice.bad > 0);
	}
	lp_buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_pax p;

	if (size > LP_MAX_EXTENSION)
		return 0;
	if (lp_pax_parse(&p, lp_span(data, size)) != LP_OK) {
		must(p.why != NULL && p.bad < size);
		return 0;
	}
	check_values(&p);
	check_xattrs(&p);
	check_twice(&p);
	return 0;
}
