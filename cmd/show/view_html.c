/* Writes rows into a page for a browser, compressed on the way, so that they never have to be in memory at once. */
#include "cmd/show/html.h"
#include "cmd/show/view_priv.h"
#include "common/base/base64.h"
#include "common/base/status.h"
#include "common/codec/gzwrite.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/view/imagedoc.h"

int
lp_html_json(struct lp_span json, struct lp_buf *b)
{
	int rc = LP_OK;

	while (rc == LP_OK && json.n > 0) {
		const unsigned char *mark = memchr(json.p, '<', json.n);

		rc = lp_buf_add(b, lp_span_take(&json, mark != NULL ? (size_t)(mark - json.p) : json.n));
		if (rc == LP_OK && mark != NULL) {
			rc = lp_buf_adds(b, "\\u003c");
			lp_span_take(&json, 1);
		}
	}
	return rc;
}

int
lp_html_base64(struct lp_buf *bytes, int last, struct lp_buf *b)
{
	enum { LINE = 57 }; /* 76 characters */
	struct lp_span rest = lp_buf_span(bytes);
	int rc = LP_OK;

	while (rc == LP_OK && (rest.n >= LINE || (last && rest.n > 0))) {
		rc = lp_base64(b, lp_span_take(&rest, rest.n < LINE ? rest.n : LINE));
		rc = rc != LP_OK ? rc : lp_buf_addc(b, '\n');
	}
	memmove(bytes->p, rest.p, rest.n);
	bytes->n = rest.n;
	return rc;
}

/* ---- what is known of the image ------------------------------------------------------ */

static int
put_about(struct lp_view_out *o)
{
	struct lp_buf json;
	int rc;

	lp_buf_init(&json, SIZE_MAX / 2);
	rc = lp_imagedoc_about(&o->about[0].doc, o->about[0].error, &json);
	rc = rc != LP_OK ? rc : lp_html_json(lp_buf_span(&json), &o->b);
	lp_buf_release(&json);
	return rc;
}

/* ---- rows ---------------------------------------------------------------------------- */

struct packing {
	struct lp_gzwrite gzip;
	struct lp_buf line;   /* of TSV */
	struct lp_buf packed; /* of gzip, not written yet */
};

/* The columns that page.html knows, in its order. */
static const struct lp_rowfmt page_rows = { .form = LP_ROW_TSV, .ncolumns = 10,
	.column = { LP_COL_MODE, LP_COL_UID, LP_COL_GID, LP_COL_SIZE, LP_COL_MTIME, LP_COL_NAME, LP_COL_LINKNAME, LP_COL_LAYER,
		LP_COL_HIDDEN, LP_COL_HIDDEN_BY } };

/* The line so far, into the page. */
static int
pack(struct packing *p, struct lp_view_out *o)
{
	int rc = lp_gzwrite_add(&p->gzip, lp_buf_span(&p->line), &p->packed);

	lp_buf_clear(&p->line);
	rc = rc != LP_OK ? rc : lp_html_base64(&p->packed, 0, &o->b);
	return rc != LP_OK || o->b.n < LP_VIEW_FLUSH ? rc : lp_view_flush(o);
}

static int
pack_rows(struct packing *p, struct lp_rowin *in, struct lp_view_out *o)
{
	int rc;

	while ((rc = lp_rowin_next(in)) > 0) {
		rc = lp_row_write(&page_rows, &in->rows.entry, &p->line);
		rc = rc != LP_OK ? rc : pack(p, o);
		if (rc != LP_OK)
			return rc;
	}
	/* what came before a failure is shown */
	if (in->ended && lp_row_end(&page_rows, &in->rows.end, &p->line) == LP_OK)
		(void)pack(p, o);
	return rc;
}

static int
put_rows(struct lp_rowin *in, struct lp_view_out *o)
{
	struct packing p = { 0 };
	int rc = lp_gzwrite_init(&p.gzip), end;

	lp_buf_init(&p.line, SIZE_MAX / 2);
	lp_buf_init(&p.packed, SIZE_MAX / 2);
	if (rc == LP_OK) {
		rc = pack_rows(&p, in, o);
		end = lp_gzwrite_end(&p.gzip, &p.packed);
		end = end != LP_OK ? end : lp_html_base64(&p.packed, 1, &o->b);
		rc = rc != LP_OK ? rc : end;
	}
	lp_gzwrite_release(&p.gzip);
	lp_buf_release(&p.packed);
	lp_buf_release(&p.line);
	return rc;
}

/* ---- the page ------------------------------------------------------------------------- */

/* What is left of the page up to that mark, which is taken off, too. */
static int
put_up_to(struct lp_span *page, const char *mark, struct lp_view_out *o)
{
	const unsigned char *at = memmem(page->p, page->n, mark, strlen(mark));
	int rc = lp_buf_add(&o->b, lp_span_take(page, (size_t)(at - page->p)));

	lp_span_take(page, strlen(mark));
	return rc;
}

int
lp_view_html(struct lp_rowin *in, struct lp_view_out *o)
{
	struct lp_span page = lp_span_str(lp_page);
	int rc = put_up_to(&page, "@ABOUT@", o), end;

	rc = rc != LP_OK ? rc : put_about(o);
	rc = rc != LP_OK ? rc : put_up_to(&page, "@ROWS@", o);
	if (rc != LP_OK)
		return rc;
	rc = put_rows(in, o);
	end = rc != LP_E_PIPE ? lp_buf_add(&o->b, page) : LP_OK;
	return rc != LP_OK ? rc : end;
}
