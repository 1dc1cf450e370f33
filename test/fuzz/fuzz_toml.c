/*
 * Any bytes as TOML: the same bytes give the same twice, comments and blank
 * lines before them change nothing but the line of the failure, and what is read is JSON that
 * the reader of JSON takes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(struct lp_span s, int rc, const json_t *v, unsigned lines, const struct lp_toml_error *e)
{
	struct lp_toml_error again;
	json_t *w;

	if (lp_toml_load(s, &w, &again) != rc || (rc == LP_OK && !json_equal(v, w)) || (rc != LP_OK && w != NULL) ||
	    (rc != LP_OK && again.line != e->line + lines))
		abort();
	json_decref(w);
}

static int
add(const char *p, size_t n, void *text)
{
	return lp_buf_add(text, lp_span(p, n)) == LP_OK ? 0 : -1;
}

static void
check_json(const json_t *v)
{
	struct lp_json_error e;
	struct lp_buf text;
	json_t *w;

	lp_buf_init(&text, SIZE_MAX / 2);
	if (json_dump_callback(v, add, &text, JSON_COMPACT) != 0)
		abort();
	/* nesting has another bound there */
	if (lp_json_load(lp_buf_span(&text), &w, &e) == LP_OK && !json_equal(v, w))
		abort();
	json_decref(w);
	lp_buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_toml_error e;
	struct lp_buf more;
	json_t *v;
	int rc = lp_toml_load(lp_span(data, size), &v, &e);

	if (rc != LP_OK && (e.why == NULL || e.line == 0))
		abort();
	check_again(lp_span(data, size), rc, v, 0, &e);
	lp_buf_init(&more, size + 64);
	/* a byte order mark is one at the start alone */
	if (lp_buf_adds(&more, "# before\n\t\n") == LP_OK && lp_buf_add(&more, lp_span(data, size)) == LP_OK &&
	    (size == 0 || data[0] != 0xef))
		check_again(lp_buf_span(&more), rc, v, 2, &e);
	lp_buf_release(&more);
	if (rc == LP_OK)
		check_json(v);
	json_decref(v);
	return 0;
}
