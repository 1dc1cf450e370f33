/*
 * Any bytes as what a blob stores as its table of contents: whole or cut
 * into pieces (as the first byte says), the JSON and the end are the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/map.h"
#include "common/base/status.h"
#include "common/toc/tocjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No table of contents is as large: what inflates to more is a bomb, and slow. */
enum { ENOUGH = 1 << 22 };

struct seen {
	uint64_t hash;
	uint64_t n;
	enum lp_tocjson_event last;
	const char *why;
};

/* Hashed in blocks of one size, however the bytes arrive. */
static void
note(struct seen *s, struct lp_span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		s->hash = s->hash * 0x9e3779b97f4a7c15u + bytes.p[i];
	s->n += bytes.n;
}

static struct seen
run(struct lp_span all, size_t piece)
{
	struct seen s = { .last = LP_TOCJSON_MORE };
	struct lp_tocjson j;
	int eof = 0;

	lp_tocjson_init(&j);
	while (s.last == LP_TOCJSON_MORE && !eof && s.n < ENOUGH) {
		struct lp_span in = lp_span_take(&all, piece);

		eof = in.n == 0;
		do {
			s.last = eof ? lp_tocjson_eof(&j) : lp_tocjson_next(&j, &in);
			if (s.last == LP_TOCJSON_BYTES)
				note(&s, j.json);
		} while (s.last == LP_TOCJSON_BYTES && s.n < ENOUGH);
	}
	if (s.last == LP_TOCJSON_ERROR && (s.why = j.why) == NULL)
		abort();
	lp_tocjson_release(&j);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size), first = lp_span_take(&in, 1);
	struct seen whole = run(in, in.n + 1);
	struct seen cut = run(in, first.n > 0 && first.p[0] > 0 ? first.p[0] : 1);

	if (whole.n < ENOUGH && (whole.hash != cut.hash || whole.n != cut.n || whole.last != cut.last || whole.why != cut.why))
		abort();
	return 0;
}
