/* Prints the merged tree: rows, sizes by directory, differences, an ncdu or mtree document, a summary. */
#include "cmd/merge/mergeview.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/merge/mergewaste.h"
#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/merge/layerdiff.h"
#include "common/merge/rootfs.h"
#include "common/merge/walk.h"
#include "common/row/record.h"
#include "common/sys/err.h"

enum { FLUSH_AT = 64 * 1024 };

static int
said(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err(rc == LP_E_NOMEM ? "out of memory" : "a line is longer than any may be");
	return rc;
}

/* Text has been added to the listing's buffer: out with it when it is enough. */
static int
passed_on(const struct lp_mergeview *v, int rc)
{
	if (rc != LP_OK)
		return said(rc);
	return v->out->out.n >= FLUSH_AT ? lp_listing_flush(v->out) : LP_OK;
}

static struct lp_record
record(const struct lp_mergeview *v)
{
	return (struct lp_record){ .out = &v->out->out, .json = v->out->fmt.form == LP_ROW_NDJSON };
}

static int
header(const struct lp_mergeview *v, const char *names)
{
	return v->out->header ? passed_on(v, lp_buf_adds(&v->out->out, names)) : LP_OK;
}

/* ---- rows ----------------------------------------------------------------- */

static int
print_row(const struct lp_mergeview *v, struct lp_walk *w, const struct lp_row *row)
{
	struct lp_entry e;
	int rc = lp_walk_entry(w, row, &e);

	if (rc != LP_OK)
		return said(rc);
	e.layer = v->layers[row->layer].label;
	e.has |= LP_HAS_LAYER;
	if (row->why != LP_HIDDEN_NOT) {
		e.hidden = lp_span_str(lp_hidden_name((enum lp_hidden)row->why));
		e.hidden_by = v->layers[row->by].label;
		e.has |= LP_HAS_HIDDEN;
	}
	return lp_listing_entry(v->out, &e);
}

/*
 * The same for nearly all rows there are: visible, in the default columns,
 * without a byte that needs an escape. Their text is there already.
 */
static int
print_text(const struct lp_mergeview *v, const struct lp_walk *w)
{
	const struct lp_row *row = w->row;
	struct lp_span head = lp_row_head(row), link = lp_row_link(row), tail = v->tails[row->layer];
	struct lp_buf *b = &v->out->out;
	unsigned char *p;
	int rc = lp_listing_wants(v->out);

	if (rc != LP_OK)
		return rc;
	rc = lp_buf_reserve(b, head.n + w->path.n + 1 + link.n + tail.n);
	if (rc != LP_OK)
		return said(rc);
	p = b->p + b->n;
	p = mempcpy(p, head.p, head.n);
	p = mempcpy(p, w->path.p, w->path.n);
	*p++ = '\t';
	p = mempcpy(p, link.p, link.n);
	p = mempcpy(p, tail.p, tail.n);
	b->n = (size_t)(p - b->p);
	return lp_listing_wrote(v->out);
}

static int
is_text(const struct lp_mergeview *v, const struct lp_walk *w)
{
	const struct lp_row *row = w->row;

	return v->tails != NULL && w->clean && row->clean && row->inode == NULL &&
	    row->why == LP_HIDDEN_NOT;
}

/* The visible row; with -a behind it the rows of the same path that are not. */
static int
print_rows(const struct lp_mergeview *v, struct lp_walk *w)
{
	const struct lp_row *row = w->row;
	int rc = is_text(v, w) ? print_text(v, w) : print_row(v, w, row);

	while (v->all && rc == LP_OK && (row = lp_walk_older(w, row)) != NULL)
		rc = print_row(v, w, row);
	return rc;
}

/* ---- other steps ---------------------------------------------------------- */

static int
print_du(const struct lp_mergeview *v, struct lp_walk *w)
{
	struct lp_record r = record(v);
	uint64_t bytes, entries;

	if (w->row->type != LP_DIR || w->depth > v->depth)
		return LP_OK;
	lp_walk_total(w, &bytes, &entries);
	lp_record_int(&r, "bytes", (int64_t)bytes);
	lp_record_int(&r, "entries", (int64_t)entries);
	lp_record_text(&r, "name", w->path);
	return passed_on(v, lp_record_end(&r));
}

/* ---- walks ---------------------------------------------------------------- */

static int
step(const struct lp_mergeview *v, struct lp_walk *w, int event)
{
	switch (v->kind) {
	case LP_MERGEVIEW_ROWS: return print_rows(v, w);
	case LP_MERGEVIEW_DU: return print_du(v, w);
	case LP_MERGEVIEW_NCDU: return passed_on(v, lp_ncdu_step(w, event, &v->out->out));
	case LP_MERGEVIEW_MTREE: return passed_on(v, lp_mtree_step(w, &v->out->out));
	default: return LP_OK;
	}
}

static int
walk(const struct lp_mergeview *v, struct lp_merge *m, enum lp_walk_mode mode)
{
	struct lp_walk w;
	int rc;

	lp_walk_init(&w, m, mode);
	while ((rc = lp_walk_next(&w)) > 0) {
		rc = step(v, &w, rc);
		if (rc != LP_OK)
			break;
	}
	if (rc == LP_E_NOMEM)
		said(rc);
	lp_walk_release(&w);
	return rc == LP_LISTING_ENOUGH ? LP_OK : rc;
}

/* ---- what each layer did ---------------------------------------------------- */

struct change {
	enum lp_change what;
	unsigned layer;
	const struct lp_node *node;
	const struct lp_row *before, *after;
};

struct changes {
	struct change *of;
	size_t n, cap;
};

static int
print_change(const struct lp_mergeview *v, const struct change *c, struct lp_buf *path)
{
	const struct lp_row *row = c->what == LP_CHANGE_DELETED ? c->before : c->after;
	struct lp_record r = record(v);
	int rc = lp_walk_path_of(c->node, path);

	if (rc != LP_OK)
		return said(rc);
	lp_record_text(&r, "layer", v->layers[c->layer].label);
	lp_record_text(&r, "change", lp_span_str(lp_change_name(c->what)));
	lp_record_int(&r, "bytes", (int64_t)(c->after != NULL ? lp_row_bytes(c->after) : 0) -
	    (int64_t)(c->before != NULL ? lp_row_bytes(c->before) : 0));
	lp_record_text(&r, "mode", lp_span(row->text, LP_MODE_LEN));
	lp_record_text(&r, "name", lp_buf_span(path));
	return passed_on(v, lp_record_end(&r));
}

/* All changes of a node, and how many each layer has. */
static int
add_changes(const struct lp_node *n, struct changes *c, size_t *count)
{
	struct lp_layerdiff d;
	enum lp_change what;

	lp_layerdiff_init(&d, lp_walk_newest(n));
	while ((what = lp_layerdiff_next(&d)) != LP_CHANGE_NONE) {
		struct change *p = lp_array_room(c->of, c->n, &c->cap, sizeof(*p));

		if (p == NULL)
			return LP_E_NOMEM;
		c->of = p;
		c->of[c->n++] = (struct change){ what, d.layer, n, d.before, d.after };
		count[d.layer]++;
	}
	return LP_OK;
}

static int
find_changes(struct lp_merge *m, struct changes *c, size_t *count)
{
	struct lp_walk w;
	int rc;

	lp_walk_init(&w, m, LP_WALK_ALL);
	while ((rc = lp_walk_next(&w)) > 0 && (rc = add_changes(w.node, c, count)) == LP_OK)
		;
	lp_walk_release(&w);
	return rc;
}

/* In the order of layers; of paths within one, as they are. */
static int
print_changes(const struct lp_mergeview *v, const struct changes *c, size_t *count, unsigned layers)
{
	const struct change **sorted = calloc(c->n + 1, sizeof(struct change *));
	struct lp_buf path;
	size_t sum = 0;
	int rc = sorted != NULL ? LP_OK : said(LP_E_NOMEM);

	for (unsigned i = 0; i < layers; i++) {
		sum += count[i];
		count[i] = sum - count[i];
	}
	for (size_t i = 0; i < c->n && rc == LP_OK; i++)
		sorted[count[c->of[i].layer]++] = &c->of[i];
	lp_buf_init(&path, LP_MAX_PATH);
	for (size_t i = 0; i < c->n && rc == LP_OK; i++)
		rc = print_change(v, sorted[i], &path);
	lp_buf_release(&path);
	free(sorted);
	return rc;
}

static int
diff(const struct lp_mergeview *v, struct lp_merge *m)
{
	size_t *count = calloc(m->layers, sizeof(*count));
	struct changes c = { 0 };
	int rc = count != NULL ? header(v, "layer\tchange\tbytes\tmode\tname\n") : said(LP_E_NOMEM);

	if (rc == LP_OK)
		rc = said(find_changes(m, &c, count));
	if (rc == LP_OK)
		rc = print_changes(v, &c, count, m->layers);
	free(c.of);
	free(count);
	return rc;
}

static int
print_sum(const struct lp_mergeview *v, const struct lp_mergeview_layer *l, const struct lp_layersum *s)
{
	struct lp_record r = record(v);

	lp_record_text(&r, "layer", l->label);
	lp_record_int(&r, "entries", (int64_t)s->entries);
	lp_record_int(&r, "bytes", (int64_t)s->bytes);
	lp_record_int(&r, "hidden_entries", (int64_t)s->hidden_entries);
	lp_record_int(&r, "hidden_bytes", (int64_t)s->hidden_bytes);
	lp_record_text(&r, "complete", lp_span_str(lp_complete_name(l->complete)));
	return passed_on(v, lp_record_end(&r));
}

static int
summary(const struct lp_mergeview *v, struct lp_merge *m)
{
	struct lp_layersum *sums = calloc(m->layers, sizeof(*sums));
	struct lp_walk w;
	int rc;

	if (sums == NULL)
		return said(LP_E_NOMEM);
	lp_walk_init(&w, m, LP_WALK_ALL);
	while ((rc = lp_walk_next(&w)) > 0)
		lp_layersum_add(sums, lp_walk_newest(w.node));
	lp_walk_release(&w);
	rc = rc != LP_OK ? said(rc) : header(v, "layer\tentries\tbytes\thidden_entries\thidden_bytes\tcomplete\n");
	for (unsigned i = 0; i < m->layers && rc == LP_OK; i++)
		rc = print_sum(v, &v->layers[i], &sums[i]);
	free(sums);
	return rc;
}

static int
ncdu(const struct lp_mergeview *v, struct lp_merge *m)
{
	int rc = passed_on(v, lp_ncdu_begin(&v->out->out));

	v->out->fmt.form = LP_ROW_NDJSON; /* what a terminal gets is escaped as JSON */
	rc = rc != LP_OK ? rc : walk(v, m, LP_WALK_NESTED);
	return rc != LP_OK ? rc : passed_on(v, lp_ncdu_end(&v->out->out));
}

/* ---- findings --------------------------------------------------------------- */

static int
put_finding(const struct lp_mergeview *v, const struct lp_check_finding *f)
{
	struct lp_record r = record(v);

	return passed_on(v, lp_check_write(&r, f));
}

/* The first layer of that label; as many as there are if there is none: the image, or a layer without a listing. */
static unsigned
layer_of(const struct lp_mergeview *v, unsigned layers, struct lp_span label)
{
	unsigned k = 0;

	while (k < layers && !lp_span_eq(label, v->layers[k].label))
		k++;
	return k;
}

/* What others have found of that layer. */
static int
put_given(const struct lp_mergeview *v, const unsigned *of, unsigned layer)
{
	int rc = LP_OK;

	for (size_t i = 0; i < v->ngiven && rc == LP_OK; i++)
		if (of[i] == layer)
			rc = put_finding(v, &v->given[i]);
	return rc;
}

static int
put_completeness(const struct lp_mergeview *v, const struct lp_mergeview_layer *l)
{
	switch (l->complete) {
	case LP_COMPLETE_NO: return put_finding(v, &(struct lp_check_finding){ .what = LP_FOUND_UNCHECKED, .layer = l->label });
	case LP_COMPLETE_UNKNOWN: return put_finding(v, &(struct lp_check_finding){ .what = LP_FOUND_UNKNOWN, .layer = l->label });
	default: return LP_OK;
	}
}

static int
has_preview(const struct lp_mergeview *v, unsigned layers)
{
	unsigned k = 0;

	while (k < layers && v->layers[k].complete != LP_COMPLETE_NO)
		k++;
	return k < layers;
}

static int
check(const struct lp_mergeview *v, const struct lp_merge *m)
{
	unsigned *of = calloc(v->ngiven + 1, sizeof(*of));
	int rc = of == NULL ? said(LP_E_NOMEM) : v->out->header ? passed_on(v, lp_check_header(&v->out->out)) : LP_OK;
	int preview = has_preview(v, m->layers);
	size_t i = 0;

	for (size_t k = 0; k < v->ngiven && of != NULL; k++)
		of[k] = layer_of(v, m->layers, v->given[k].layer);
	rc = rc != LP_OK ? rc : put_given(v, of, m->layers);
	for (unsigned layer = 0; layer < m->layers && rc == LP_OK; layer++) {
		rc = put_given(v, of, layer);
		rc = rc != LP_OK ? rc : put_completeness(v, &v->layers[layer]);
		for (; i < m->nfindings && m->finding[i].layer == layer && rc == LP_OK; i++)
			/* what may stand behind a preview is not missing */
			if (!preview || m->finding[i].what != LP_FOUND_NO_PARENT)
				rc = put_finding(v, &(struct lp_check_finding){ .what = m->finding[i].what, .layer = v->layers[layer].label,
					.name = m->finding[i].name });
	}
	free(of);
	return rc;
}

uint64_t
lp_mergeview_errors(const struct lp_mergeview *v, const struct lp_merge *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->ngiven; i++)
		n += lp_finding_kind(v->given[i].what)->severity == LP_CHECK_ERROR;
	for (size_t i = 0; i < m->nfindings; i++)
		n += lp_finding_kind(m->finding[i].what)->severity == LP_CHECK_ERROR;
	return n;
}

/* ---- all of them -------------------------------------------------------------- */

/* Whether rows have the columns that they come with, and one or three more. */
static int
is_default(const struct lp_mergeview *v)
{
	const struct lp_listing *l = v->out;

	return l->fmt.form == LP_ROW_TSV && !l->fmt.nul && l->columns == NULL && l->nglobs == 0;
}

/* What all plain rows of a layer end in: its label, and with -a two columns that are empty. */
static int
make_tails(struct lp_mergeview *v, unsigned layers, struct lp_buf *text)
{
	size_t from = 0;
	int rc = LP_OK;

	v->tails = calloc(layers, sizeof(*v->tails));
	if (v->tails == NULL)
		return LP_E_NOMEM;
	for (unsigned i = 0; i < layers && rc == LP_OK; i++) {
		rc = lp_buf_addc(text, '\t');
		rc = rc != LP_OK ? rc : lp_escape(text, v->layers[i].label, LP_ESCAPE_ROW);
		rc = rc != LP_OK ? rc : lp_buf_adds(text, v->all ? "\t\t\n" : "\n");
		v->tails[i].n = text->n - from;
		from = text->n;
	}
	/* the text does not move any more */
	from = 0;
	for (unsigned i = 0; i < layers && rc == LP_OK; i++) {
		v->tails[i].p = text->p + from;
		from += v->tails[i].n;
	}
	return rc;
}

/* ---- the largest first --------------------------------------------------------- */

struct sized {
	uint64_t size;
	size_t place; /* in the order of paths */
	const struct lp_node *node;
	struct lp_row *row;
};

struct files {
	struct sized *of;
	size_t n, cap;
};

static int
by_size(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;

	return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : (x->place > y->place) - (x->place < y->place);
}

/* All visible files; a further name of one is none. */
static int
find_files(struct lp_walk *w, struct files *f)
{
	struct lp_entry e;
	int rc;

	while ((rc = lp_walk_next(w)) > 0) {
		struct sized *of;

		if (lp_walk_entry(w, w->row, &e) != LP_OK)
			return LP_E_NOMEM;
		if (e.type != LP_REG)
			continue;
		of = lp_array_room(f->of, f->n, &f->cap, sizeof(*of));
		if (of == NULL)
			return LP_E_NOMEM;
		f->of = of;
		f->of[f->n] = (struct sized){ e.size, f->n, w->node, w->row };
		f->n++;
	}
	return rc;
}

static int
rows_by_size(const struct lp_mergeview *v, struct lp_merge *m)
{
	struct files f = { 0 };
	struct lp_walk w;
	int rc;

	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	rc = said(find_files(&w, &f));
	lp_sort(f.of, f.n, sizeof(*f.of), by_size);
	/* the N largest of -n are all that were asked for, and not cut short */
	for (size_t i = 0; i < f.n && rc == LP_OK && v->out->entries < v->out->count; i++) {
		rc = said(lp_walk_back(&w, f.of[i].node, f.of[i].row));
		rc = rc != LP_OK ? rc : print_rows(v, &w);
	}
	lp_walk_release(&w);
	free(f.of);
	return rc == LP_LISTING_ENOUGH ? LP_OK : rc;
}

static int
rows(const struct lp_mergeview *v, struct lp_merge *m)
{
	struct lp_mergeview with_tails = *v;
	struct lp_buf text;
	int rc;

	lp_buf_init(&text, SIZE_MAX);
	rc = is_default(v) ? said(make_tails(&with_tails, m->layers, &text)) : LP_OK;
	rc = rc != LP_OK ? rc : lp_listing_begin(v->out);
	if (rc == LP_OK)
		rc = v->by_size ? rows_by_size(&with_tails, m) : walk(&with_tails, m, v->all ? LP_WALK_ALL : LP_WALK_VISIBLE);
	free(with_tails.tails);
	lp_buf_release(&text);
	return rc;
}

int
lp_mergeview(const struct lp_mergeview *v, struct lp_merge *m)
{
	int rc;

	switch (v->kind) {
	case LP_MERGEVIEW_DIFF: return diff(v, m);
	case LP_MERGEVIEW_SUMMARY: return summary(v, m);
	case LP_MERGEVIEW_CHECK: return check(v, m);
	case LP_MERGEVIEW_WASTE: return lp_mergewaste(v, m, v->waste);
	case LP_MERGEVIEW_NCDU: return ncdu(v, m);
	case LP_MERGEVIEW_MTREE:
		rc = passed_on(v, lp_mtree_begin(&v->out->out));
		break;
	case LP_MERGEVIEW_DU:
		lp_walk_totals(m);
		/* there is a total of all also where no layer has a row for the root */
		rc = said(lp_merge_imply_root(m));
		rc = rc != LP_OK ? rc : header(v, "bytes\tentries\tname\n");
		break;
	default:
		return rows(v, m);
	}
	return rc != LP_OK ? rc : walk(v, m, LP_WALK_VISIBLE);
}
