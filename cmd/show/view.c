/* Dispatches a view, and draws listings and trees. */
#include "cmd/show/view.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/show/view_priv.h"
#include "common/base/escape.h"
#include "common/base/status.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
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
	int rc = v->header ? lp_row_header(&v->fmt, &o->b) : LP_OK;

	while (rc == LP_OK && (rc = lp_rowin_next(in)) > 0) {
		rc = lp_row_write(&v->fmt, &in->rows.entry, &o->b);
		rc = rc != LP_OK ? rc : flush_if_due(o, in);
	}
	if (rc == LP_OK && v->end && in->ended)
		rc = lp_row_end(&v->fmt, &in->rows.end, &o->b);
	return rc;
}

/* Whether the rows say which layer each is from. */
static int
has_layer(const struct lp_rowin *in)
{
	const struct lp_rowfmt *f = &in->rows.fmt;

	return f->form == LP_ROW_TSV ? lp_rowfmt_has(f, LP_COL_LAYER) : (in->rows.entry.has & LP_HAS_LAYER) != 0;
}

static int
show_table(struct lp_rowin *in, struct lp_view_out *o)
{
	struct lp_aligned a;
	int rc;

	lp_aligned_init(&a, o->colors, 0);
	while ((rc = lp_rowin_next(in)) > 0) {
		if (in->n == 1)
			a.with_layer = has_layer(in);
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
		.depth = v->depth, .utf8 = v->utf8, .colors = o->colors, .json = o->json
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
	rc = rc != LP_OK ? rc : o->drawn ? lp_escape_lines(&o->b, lp_span_str(v->title), 0) : lp_buf_adds(&o->b, v->title);
	if (rc == LP_OK && v->colors && o->drawn)
		rc = lp_buf_adds(&o->b, "\033[0m");
	return rc != LP_OK ? rc : lp_buf_addc(&o->b, '\n');
}

/* All of it into the file that it is read from then. */
static int
spool(struct lp_view_file *f)
{
	struct lp_buf b;
	ptrdiff_t n = 1;
	int rc;

	lp_buf_init(&b, LP_IO_CHUNK);
	rc = lp_buf_reserve(&b, LP_IO_CHUNK);
	while (rc == LP_OK && (n = lp_read(f->fd, b.p, LP_IO_CHUNK)) > 0)
		rc = lp_write_all(f->spool, lp_span(b.p, (size_t)n));
	if (rc == LP_OK && (n < 0 || lseek(f->spool, 0, SEEK_SET) != 0))
		rc = LP_E_SYS;
	if (rc == LP_E_SYS)
		lp_err_errno("%s", f->name);
	f->fd = f->spool;
	lp_buf_release(&b);
	return rc;
}

static int
put_notes(const struct lp_view *v, struct lp_view_out *o)
{
	struct lp_buf text;
	int rc;

	lp_buf_init(&text, SIZE_MAX / 8);
	rc = v->notes.fd >= 0 ? lp_read_all(v->notes.fd, &text) : LP_OK;
	if (rc == LP_E_SYS)
		lp_err_errno("%s", v->notes.name);
	rc = rc != LP_OK ? rc : lp_escape_lines(&o->b, lp_buf_span(&text), 0);
	lp_buf_release(&text);
	return rc;
}

/* Nobody says it in notes: what is there is not all, by the end record. */
static int
put_gap(const struct lp_view *v, const struct lp_rowread *r, struct lp_buf *b)
{
	int rc;

	if (!r->ended || v->notes.fd >= 0 || r->end.complete == LP_COMPLETE_YES || r->end.complete == LP_COMPLETE_INFERRED)
		return LP_OK;
	rc = lp_buf_adds(b, v->utf8 ? "\xe2\x80\xa6 " : "... ");
	rc = rc != LP_OK ? rc : lp_buf_adds(b, r->end.complete == LP_COMPLETE_NO ? "not seen to the end" : "whether this is all is not known");
	if (rc == LP_OK && r->end.reason.n > 0)
		rc = lp_buf_adds(b, ": ");
	rc = rc != LP_OK ? rc : lp_escape(b, r->end.reason, LP_ESCAPE_TERMINAL);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

static int
show_rows(struct lp_view *v, struct lp_view_out *o)
{
	struct lp_rowin in;
	int rc = lp_rowin_init(&in, v->file[0].fd, v->file[0].name);

	if (rc != LP_OK)
		return rc;
	switch (v->kind) {
	case LP_VIEW_TREE: rc = show_tree(v, &in, o); break;
	case LP_VIEW_DIFF: rc = lp_view_diff(v, &in, o); break;
	case LP_VIEW_FIND: rc = lp_view_find(v, &in, o); break;
	case LP_VIEW_HTML: rc = lp_view_html(&in, o); break;
	default: rc = v->rows ? show_plain(v, &in, o) : show_table(&in, o);
	}
	if (rc == LP_OK && !v->rows && (v->kind == LP_VIEW_TABLE || v->kind == LP_VIEW_TREE))
		rc = put_gap(v, &in.rows, &o->b);
	v->entries = in.n;
	lp_rowin_release(&in);
	return rc;
}

static int
show(struct lp_view *v, struct lp_view_out *o)
{
	int rc = LP_OK;

	for (size_t i = 0; i < v->nfiles && rc == LP_OK; i++)
		rc = v->file[i].spool >= 0 ? spool(&v->file[i]) : LP_OK;
	for (size_t i = 0; i < 2 && rc == LP_OK; i++)
		rc = v->about[i].fd >= 0 ? lp_about_read(&o->about[i], v->about[i].fd, v->about[i].name) : LP_OK;
	rc = rc != LP_OK ? rc : put_title(v, o);
	if (rc != LP_OK)
		return rc;
	switch (v->kind) {
	case LP_VIEW_DOCUMENT: rc = lp_view_document(v, o); break;
	case LP_VIEW_DU:
	case LP_VIEW_WASTE:
	case LP_VIEW_HISTORY: rc = lp_view_sums(v, o); break;
	default: rc = show_rows(v, o);
	}
	return rc != LP_OK ? rc : put_notes(v, o);
}

int
lp_view(struct lp_view *v)
{
	static struct lp_lscolors colors;
	const char *ls = getenv("LS_COLORS");
	struct lp_view_out o = { .colors = v->colors ? &colors : NULL, .json = v->kind == LP_VIEW_DOCUMENT || v->fmt.form == LP_ROW_NDJSON,
		.drawn = !v->rows && v->kind != LP_VIEW_DOCUMENT && v->kind != LP_VIEW_HTML && v->kind != LP_VIEW_FIND };
	int rc, end;

	lp_lscolors_init(&colors, lp_span_str(ls != NULL ? ls : ""));
	lp_buf_init(&o.b, SIZE_MAX / 2);
	rc = show(v, &o);
	/* what else fails has said it */
	if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	end = rc == LP_E_PIPE ? LP_OK : lp_view_flush(&o);
	lp_buf_release(&o.b);
	lp_about_release(&o.about[0]);
	lp_about_release(&o.about[1]);
	return rc != LP_OK ? rc : end;
}
