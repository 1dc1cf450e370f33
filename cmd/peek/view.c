/* Dispatches a view in its child process, and draws listings and trees. */
#include "cmd/peek/view.h"

#include <stdlib.h>

#include "cmd/peek/view_priv.h"
#include "common/base/status.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/view/aligned.h"
#include "common/view/treeview.h"

int
lp_view_flush(struct lp_view_out *o)
{
	int rc = o->drawn ? lp_put(lp_buf_span(&o->b)) : lp_put_lines(lp_buf_span(&o->b), o->json);

	lp_buf_clear(&o->b);
	return rc;
}

/* Out with it if there is much, or if the next row has to be waited for. */
static int
flush_if_due(struct lp_view_out *o, const struct lp_rowin *in)
{
	return o->b.n >= LP_VIEW_FLUSH || (o->b.n > 0 && !lp_rowin_ready(in)) ? lp_view_flush(o) : LP_OK;
}

/* ---- rows as they are, aligned, and as a tree -------------------------------------------- */

static int
show_plain(const struct lp_view *v, struct lp_rowin *in, struct lp_view_out *o)
{
	int rc = v->header ? lp_row_header(v->fmt, &o->b) : LP_OK;

	while (rc == LP_OK && (rc = lp_rowin_next(in)) > 0) {
		rc = lp_row_write(v->fmt, &in->rows.entry, &o->b);
		rc = rc != LP_OK ? rc : flush_if_due(o, in);
	}
	if (rc == LP_OK && v->end && in->ended)
		rc = lp_row_end(v->fmt, &in->rows.end, &o->b);
	return rc;
}

static int
show_listing(const struct lp_view *v, struct lp_rowin *in, struct lp_view_out *o)
{
	struct lp_aligned a;
	int rc;

	lp_aligned_init(&a, o->colors, v->with_layer);
	while ((rc = lp_rowin_next(in)) > 0) {
		rc = lp_aligned_row(&a, &in->rows.entry, &o->b);
		rc = rc != LP_OK ? rc : flush_if_due(o, in);
		if (rc != LP_OK)
			break;
	}
	/* rows before a failure are good rows */
	if (rc != LP_E_PIPE && lp_aligned_end(&a, &o->b) != LP_OK && rc == LP_OK)
		rc = LP_E_NOMEM;
	lp_aligned_release(&a);
	return rc;
}

static int
show_tree(const struct lp_view *v, struct lp_rowin *in, struct lp_view_out *o)
{
	const struct lp_treeview_options options = {
		.depth = v->depth, .utf8 = v->utf8, .colors = o->colors
	};
	struct lp_treeview t;
	int rc;

	lp_treeview_init(&t, &options);
	while ((rc = lp_rowin_next(in)) > 0)
		if ((rc = lp_treeview_add(&t, &in->rows.entry)) != LP_OK)
			break;
	while (rc == LP_OK && (rc = lp_treeview_draw(&t, &o->b)) > 0)
		rc = o->b.n >= LP_VIEW_FLUSH ? lp_view_flush(o) : LP_OK;
	lp_treeview_release(&t);
	return rc;
}

/* ---- all of them -------------------------------------------------------------- */

static int
put_title(const struct lp_view *v, struct lp_view_out *o)
{
	int rc;

	if (v->title == NULL)
		return LP_OK;
	rc = v->colors && o->drawn ? lp_buf_adds(&o->b, "\033[1m") : LP_OK;
	rc = rc != LP_OK ? rc : lp_buf_adds(&o->b, v->title);
	if (rc == LP_OK && v->colors && o->drawn)
		rc = lp_buf_adds(&o->b, "\033[0m");
	return rc != LP_OK ? rc : lp_buf_addc(&o->b, '\n');
}

static int
show_rows(const struct lp_view *v, struct lp_view_out *o)
{
	struct lp_rowin in;
	int rc = lp_rowin_init(&in, 0);

	if (rc != LP_OK)
		return rc;
	rc = v->kind == LP_VIEW_TREE ? show_tree(v, &in, o) :
	     v->kind == LP_VIEW_DIFF ? lp_view_diff(v, &in, o) :
	     v->kind == LP_VIEW_FIND ? lp_view_find(v, &in, o) :
	     v->kind == LP_VIEW_ROWS ? show_plain(v, &in, o) : show_listing(v, &in, o);
	lp_rowin_release(&in);
	return rc;
}

static int
is_drawn(const struct lp_view *v)
{
	return v->kind == LP_VIEW_LISTING || v->kind == LP_VIEW_TREE || v->kind == LP_VIEW_DU || v->kind == LP_VIEW_WASTE ||
	    ((v->kind == LP_VIEW_DIFF || v->kind == LP_VIEW_HISTORY) && v->for_eyes);
}

int
lp_view_run(void *arg)
{
	static struct lp_lscolors colors;
	const struct lp_view *v = arg;
	const char *ls = getenv("LS_COLORS");
	struct lp_view_out o = { .colors = v->colors ? &colors : NULL, .drawn = is_drawn(v),
		.json = v->kind == LP_VIEW_DOCUMENT };
	int rc, end;

	lp_lscolors_init(&colors, lp_span_str(ls != NULL ? ls : ""));
	if (lp_lock(LP_DUTY_FILTER) != LP_OK)
		return LP_EXIT_SYSTEM;
	lp_buf_init(&o.b, SIZE_MAX / 2);
	rc = put_title(v, &o);
	if (rc == LP_OK)
		rc = v->kind == LP_VIEW_DOCUMENT ? lp_view_document(v, &o) :
		     v->kind == LP_VIEW_DU || v->kind == LP_VIEW_HISTORY || v->kind == LP_VIEW_WASTE ? lp_view_sums(v, &o) : show_rows(v, &o);
	rc = rc != LP_OK ? rc : lp_buf_add(&o.b, v->foot);
	if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	end = rc == LP_E_PIPE ? LP_OK : lp_view_flush(&o);
	rc = rc != LP_OK ? rc : end;
	lp_buf_release(&o.b);
	return lp_exit_of(rc != LP_OK ? rc : lp_close_stdout());
}
