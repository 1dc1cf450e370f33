/*
 * Any text as an IMAGE and as a SOURCE. What is taken is written in a form
 * that is taken again and then written the same; what is refused is refused
 * at a place inside the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int parser(struct lp_span, struct lp_reference *, struct lp_reference_error *);

static void
check(parser *f, struct lp_span s)
{
	struct lp_reference r;
	struct lp_reference_error e;
	struct lp_buf once, twice;

	if (f(s, &r, &e) != LP_OK) {
		if (e.offset > s.n || e.why == NULL)
			abort();
		return;
	}
	lp_buf_init(&once, LP_REF_TEXT_MAX);
	lp_buf_init(&twice, LP_REF_TEXT_MAX);
	if (lp_reference_put(&r, &once) != LP_OK || f(lp_buf_span(&once), &r, &e) != LP_OK ||
	    lp_reference_put(&r, &twice) != LP_OK || !lp_span_eq(lp_buf_span(&once), lp_buf_span(&twice)))
		abort();
	lp_buf_release(&once);
	lp_buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(lp_reference_image, lp_span(data, size));
	check(lp_reference_source, lp_span(data, size));
	return 0;
}
