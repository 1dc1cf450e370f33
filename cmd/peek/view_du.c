/* Prints sizes by directory. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/peek/view_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/view/human.h"

enum { SIZE_WIDE = 8, COUNT_WIDE = 9 };

/* At the right of `wide` columns. */
static int
put_right(struct lp_buf *b, struct lp_span s, size_t wide)
{
	int rc = lp_buf_pad(b, s.n, wide);

	return rc != LP_OK ? rc : lp_buf_add(b, s);
}

/* BYTES TAB ENTRIES TAB PATH, the path escaped as in rows, which a terminal bears. */
static int
put_line(struct lp_span line, struct lp_buf *b)
{
	char text[LP_HUMAN_MAX];
	uint64_t bytes, entries;
	int rc;

	if (lp_num_u64(lp_span_field(&line, '\t'), UINT64_MAX, &bytes) != LP_OK || lp_num_u64(lp_span_field(&line, '\t'), UINT64_MAX, &entries) != LP_OK) {
		lp_err("lp-merge's sums make no sense");
		return LP_E_DATA;
	}
	rc = put_right(b, lp_span(text, (size_t)(lp_human_bytes(text, bytes) - text)), SIZE_WIDE);
	rc = rc != LP_OK ? rc : put_right(b, lp_span(text, (size_t)(lp_human_count(text, entries) - text)), 2 + COUNT_WIDE);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "  ");
	rc = rc != LP_OK ? rc : lp_buf_add(b, line);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

/* The whole lines of what has come. */
static int
put_lines(struct lp_buf *in, struct lp_view_out *o)
{
	struct lp_span rest = lp_buf_span(in);
	const unsigned char *nl;
	int rc = LP_OK;

	while (rc == LP_OK && rest.n > 0 && (nl = memchr(rest.p, '\n', rest.n)) != NULL) {
		rc = put_line(lp_span_take(&rest, (size_t)(nl - rest.p)), &o->b);
		(void)lp_span_take(&rest, 1);
		if (rc == LP_OK && o->b.n >= LP_VIEW_FLUSH)
			rc = lp_view_flush(o);
	}
	if (rest.n > 0)
		memmove(in->p, rest.p, rest.n);
	in->n = rest.n;
	return rc;
}

int
lp_view_du(struct lp_view_out *o)
{
	struct lp_buf in;
	ptrdiff_t n = 1;
	int rc = lp_buf_adds(&o->b, "    SIZE    ENTRIES  PATH\n");

	lp_buf_init(&in, LP_IO_CHUNK + LP_MAX_ROW);
	while (rc == LP_OK && n > 0) {
		rc = lp_buf_reserve(&in, LP_IO_CHUNK);
		n = rc == LP_OK ? lp_read(0, in.p + in.n, LP_IO_CHUNK) : 0;
		if (n < 0) {
			lp_err_errno("lp-merge's sums");
			rc = LP_E_SYS;
		}
		in.n += n > 0 ? (size_t)n : 0;
		rc = rc != LP_OK ? rc : put_lines(&in, o);
	}
	lp_buf_release(&in);
	return rc;
}
