/* Parses and resolves byte ranges. */
#include "common/base/range.h"

#include "common/base/num.h"
#include "common/base/status.h"

/* offsets are off_t in the end */
#define OFFSET_MAX ((uint64_t)INT64_MAX)

/* Split at the first `c`: the part in front, *s becomes the part behind. 0 if there is none. */
static int
cut(struct lp_span *s, int c, struct lp_span *front)
{
	const unsigned char *p = s->n > 0 ? memchr(s->p, c, s->n) : NULL;

	if (p == NULL)
		return 0;
	*front = lp_span_take(s, (size_t)(p - s->p));
	lp_span_take(s, 1);
	return 1;
}

int
lp_range_parse(struct lp_span s, struct lp_range_spec *out)
{
	struct lp_range_spec r = { .last = LP_RANGE_END };
	struct lp_span first;

	if (!cut(&s, '-', &first) || (first.n == 0 && s.n == 0))
		return LP_E_USAGE;
	if (first.n == 0) {
		r.suffix = 1;
		if (lp_num_u64(s, OFFSET_MAX, &r.count) != LP_OK || r.count == 0)
			return LP_E_USAGE;
	} else {
		if (lp_num_u64(first, OFFSET_MAX, &r.first) != LP_OK)
			return LP_E_USAGE;
		if (s.n > 0 && (lp_num_u64(s, OFFSET_MAX, &r.last) != LP_OK || r.last < r.first))
			return LP_E_USAGE;
	}
	*out = r;
	return LP_OK;
}

int
lp_range_resolve(const struct lp_range_spec *spec, uint64_t size, struct lp_range *out)
{
	uint64_t first = spec->first;

	if (spec->suffix)
		first = spec->count < size ? size - spec->count : 0;
	if (first >= size)
		return LP_E_DATA;
	out->first = first;
	out->last = spec->suffix || spec->last >= size ? size - 1 : spec->last;
	return LP_OK;
}

int
lp_content_range(struct lp_span s, struct lp_content_range *out)
{
	struct lp_content_range r = { 0 };
	struct lp_span unit, range, first;

	if (!cut(&s, ' ', &unit) || !lp_span_is_word(unit, "bytes") || !cut(&s, '/', &range))
		return LP_E_DATA;
	r.has_total = !lp_span_is(s, "*");
	if (r.has_total && lp_num_u64(s, OFFSET_MAX, &r.total) != LP_OK)
		return LP_E_DATA;
	r.satisfied = !lp_span_is(range, "*");
	/* the star may stand on one side only */
	if (!r.satisfied && !r.has_total)
		return LP_E_DATA;
	if (r.satisfied) {
		if (!cut(&range, '-', &first) ||
		    lp_num_u64(first, OFFSET_MAX, &r.range.first) != LP_OK ||
		    lp_num_u64(range, OFFSET_MAX, &r.range.last) != LP_OK ||
		    r.range.last < r.range.first || (r.has_total && r.range.last >= r.total))
			return LP_E_DATA;
	}
	*out = r;
	return LP_OK;
}
