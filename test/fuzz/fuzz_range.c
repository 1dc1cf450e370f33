/*
 * Any text as a range on the command line, as a Content-Range, and as the
 * small header values beside it. What a range means lies inside the blob;
 * what is taken is written anew and taken the same.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/range.h"
#include "common/base/status.h"
#include "common/net/httpfield.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
asked(struct lp_span s)
{
	static const uint64_t sizes[] = { 0, 1, 2, 511, 65536, UINT64_C(1) << 40, INT64_MAX };
	struct lp_range_spec x = { 7, 7, 7, 7 };
	struct lp_range r;

	if (lp_range_parse(s, &x) != LP_OK) {
		if (x.suffix != 7 || x.first != 7 || x.last != 7 || x.count != 7)
			abort();
		return;
	}
	if (x.suffix ? x.count == 0 : x.last < x.first)
		abort();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (lp_range_resolve(&x, sizes[i], &r) != LP_OK)
			continue;
		if (r.first > r.last || r.last >= sizes[i] || (!x.suffix && r.first != x.first) ||
		    (x.suffix && (r.last != sizes[i] - 1 || r.last - r.first >= x.count)))
			abort();
	}
}

static void
answered(struct lp_span s)
{
	struct lp_content_range c, d;
	char text[128];

	if (lp_content_range(s, &c) != LP_OK)
		return;
	if (!c.satisfied && !c.has_total)
		abort();
	if (c.satisfied && (c.range.last < c.range.first || (c.has_total && c.range.last >= c.total)))
		abort();
	if (!c.satisfied)
		snprintf(text, sizeof(text), "bytes */%" PRIu64, c.total);
	else if (c.has_total)
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, c.range.first, c.range.last, c.total);
	else
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/*", c.range.first, c.range.last);
	if (lp_content_range(lp_span_str(text), &d) != LP_OK || c.satisfied != d.satisfied || c.has_total != d.has_total ||
	    (c.has_total && c.total != d.total) ||
	    (c.satisfied && (c.range.first != d.range.first || c.range.last != d.range.last)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span s = lp_span(data, size), rest = s, text;
	uint64_t n;

	asked(s);
	answered(s);
	for (size_t turns = 0; (text = lp_warning_next(&rest)).p != NULL; turns++)
		if (turns > size || text.p < s.p || text.p + text.n > s.p + s.n)
			abort();
	(void)lp_retry_after(s, 1763900000, &n);
	(void)lp_ratelimit(s, &n);
	return 0;
}
