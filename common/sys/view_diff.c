#include "common/base/status.h"
#include "common/format/aligned.h"
#include "common/format/row.h"
#include "common/format/rowdiff.h"
#include "common/sys/view_priv.h"

struct diff {
	struct lp_view_out *out;
	int for_eyes;
	const struct lp_rowfmt *fmt;
};

static int
color(struct diff *d, const char *sgr)
{
	int rc;

	if (d->out->colors == NULL)
		return LP_OK;
	rc = lp_buf_adds(&d->out->b, "\033[");
	rc = rc != LP_OK ? rc : lp_buf_adds(&d->out->b, sgr);
	return rc != LP_OK ? rc : lp_buf_addc(&d->out->b, 'm');
}

/* "M etc/passwd (size,mtime)" */
static int
put_for_eyes(struct diff *d, char change, unsigned what, const struct lp_entry *e)
{
	struct lp_buf *b = &d->out->b;
	int rc = color(d, change == 'A' ? "32" : change == 'D' ? "31" : "33");

	rc = rc != LP_OK ? rc : lp_buf_addc(b, change);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : lp_shown_name(NULL, e, e->name, b);
	rc = rc != LP_OK ? rc : color(d, "0");
	if (rc == LP_OK && what != 0) {
		rc = lp_buf_adds(b, " (");
		rc = rc != LP_OK ? rc : lp_diff_names(what, b);
		rc = rc != LP_OK ? rc : lp_buf_adds(b, ")");
	}
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

static int
put_change(struct diff *d, char change, unsigned what, const struct lp_entry *e)
{
	struct lp_buf *b = &d->out->b;
	int rc;

	if (d->for_eyes)
		return put_for_eyes(d, change, what, e);
	rc = lp_buf_addc(b, change);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\t');
	rc = rc != LP_OK ? rc : lp_diff_names(what, b);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\t');
	return rc != LP_OK ? rc : lp_row_write(d->fmt, e, b);
}

/* Both listings in step: the smaller name is only on its side. */
static int
compare(struct diff *d, struct lp_rowin *old, struct lp_rowin *new)
{
	int a = lp_rowin_next(old), b = lp_rowin_next(new), rc = LP_OK;

	while (rc == LP_OK && a >= 0 && b >= 0 && a + b > 0) {
		const struct lp_entry *x = &old->rows.entry, *y = &new->rows.entry;
		int order = a == 0 ? 1 : b == 0 ? -1 : lp_span_cmp(x->name, y->name);
		unsigned what = order == 0 ? lp_row_differs(x, y) : 0;

		if (order < 0)
			rc = put_change(d, 'D', 0, x);
		else if (order > 0)
			rc = put_change(d, 'A', 0, y);
		else if (what != 0)
			rc = put_change(d, 'M', what, y);
		if (rc == LP_OK && d->out->b.n >= LP_VIEW_FLUSH)
			rc = lp_view_flush(d->out);
		if (order <= 0)
			a = lp_rowin_next(old);
		if (order >= 0)
			b = lp_rowin_next(new);
	}
	return rc != LP_OK ? rc : a < 0 ? a : b < 0 ? b : LP_OK;
}

int
lp_view_diff(const struct lp_view *v, struct lp_rowin *old, struct lp_view_out *o)
{
	struct diff d = { .out = o, .for_eyes = v->for_eyes, .fmt = v->fmt };
	struct lp_rowin new;
	int rc = lp_rowin_init(&new, v->other);

	if (rc != LP_OK)
		return rc;
	rc = compare(&d, old, &new);
	lp_rowin_release(&new);
	return rc;
}
