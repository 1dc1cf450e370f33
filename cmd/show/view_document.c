/* Writes the rows of layers and of the merged tree into the JSON document. */
#include "cmd/show/view_priv.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/view/imagedoc.h"

/* One layer's own rows, TSV turned into NDJSON. */
static int
document_layer_rows(const struct lp_view_file *file, struct lp_view_out *o)
{
	struct lp_rowfmt json = { .form = LP_ROW_NDJSON };
	struct lp_buf line;
	struct lp_rowin in;
	int rc = lp_rowin_init(&in, file->fd, file->name), first = 1;

	if (rc != LP_OK)
		return rc;
	lp_buf_init(&line, (size_t)LP_MAX_ROW);
	rc = lp_imagedoc_rows_open("entries", &o->b);
	while (rc == LP_OK && (rc = lp_rowin_next(&in)) > 0) {
		lp_buf_clear(&line);
		rc = lp_row_write(&json, &in.rows.entry, &line);
		rc = rc != LP_OK ? rc : lp_imagedoc_row(lp_span(line.p, line.n - 1), first, &o->b);
		rc = rc != LP_OK || o->b.n < LP_VIEW_FLUSH ? rc : lp_view_flush(o);
		first = 0;
	}
	rc = rc != LP_OK ? rc : lp_imagedoc_rows_close(&o->b);
	lp_buf_release(&line);
	lp_rowin_release(&in);
	return rc;
}

static int
document_layers(const struct lp_view *v, struct lp_view_out *o)
{
	const struct lp_imagedoc *doc = &o->about[0].doc;
	int rc = LP_OK;

	for (size_t i = 0; i < doc->nlayers && rc == LP_OK; i++) {
		rc = lp_imagedoc_layer(&doc->layer[i], i == 0, &o->b);
		if (rc == LP_OK && i + 1 < v->nfiles)
			rc = document_layer_rows(&v->file[i + 1], o);
		rc = rc != LP_OK ? rc : lp_imagedoc_layer_close(&o->b);
	}
	return rc != LP_OK ? rc : lp_imagedoc_layers_close(&o->b);
}

/* What lp-merge's last line says. */
struct last {
	struct lp_buf total; /* the object behind "total", or nothing */
	int64_t entries;
	int complete;
	int seen;
};

static void
take_end(const json_t *line, struct last *last)
{
	const json_t *end = json_object_get(line, "end");
	struct lp_span complete;
	uint64_t n;

	last->seen = json_is_object(end);
	if (!last->seen)
		return;
	if (lp_json_get_u64(end, "entries", &n) == LP_OK && n <= INT64_MAX)
		last->entries = (int64_t)n;
	complete = lp_json_get_string(end, "complete");
	/* by what an origin claims too: each such layer says whose claim it is */
	if (lp_span_is(complete, lp_complete_name(LP_COMPLETE_YES)) ||
	    lp_span_is(complete, lp_complete_name(LP_COMPLETE_INFERRED)))
		last->complete = 1;
	else if (lp_span_is(complete, lp_complete_name(LP_COMPLETE_NO)))
		last->complete = 0;
}

/* {"total":{...}} */
static int
is_total(struct lp_span *line)
{
	static const char mark[] = "{\"total\":";

	if (!lp_span_begins(*line, mark))
		return 0;
	lp_span_take(line, sizeof(mark) - 1);
	line->n--;
	return 1;
}

/* Each line is an object already; only the last one is looked into. */
static int
document_line(struct lp_span line, int *first, struct last *last, struct lp_view_out *o)
{
	static const char mark[] = "{\"end\"";
	struct lp_json_error error;
	json_t *json;
	int rc;

	if (is_total(&line))
		return lp_buf_add(&last->total, line);
	if (!lp_span_begins(line, mark)) {
		rc = lp_imagedoc_row(line, *first, &o->b);
		*first = 0;
		return rc != LP_OK || o->b.n < LP_VIEW_FLUSH ? rc : lp_view_flush(o);
	}
	rc = lp_json_load(line, &json, &error);
	if (rc == LP_OK)
		take_end(json, last);
	json_decref(json);
	return rc;
}

static int
document_rows(const struct lp_view_file *file, struct lp_view_out *o, struct last *last)
{
	struct lp_buf b;
	ptrdiff_t k = 1;
	int first = 1, rc = LP_OK;

	lp_buf_init(&b, SIZE_MAX / 2);
	while (rc == LP_OK && k > 0) {
		struct lp_span rest;
		const unsigned char *nl;

		rc = lp_buf_reserve(&b, LP_IO_CHUNK);
		k = rc == LP_OK ? lp_read(file->fd, b.p + b.n, LP_IO_CHUNK) : 0;
		if (k < 0) {
			lp_err_errno("%s", file->name);
			rc = LP_E_SYS;
		}
		b.n += k > 0 ? (size_t)k : 0;
		rest = lp_buf_span(&b);
		while (rc == LP_OK && rest.n > 0 && (nl = memchr(rest.p, '\n', rest.n)) != NULL) {
			rc = document_line(lp_span_take(&rest, (size_t)(nl - rest.p)), &first, last, o);
			lp_span_take(&rest, 1);
		}
		if (rest.n > 0)
			memmove(b.p, rest.p, rest.n);
		b.n = rest.n;
	}
	lp_buf_release(&b);
	return rc;
}

static int
all_listed(const struct lp_imagedoc *doc)
{
	int all = 1;

	for (size_t i = 0; i < doc->nlayers; i++)
		all &= !doc->layer[i].partial;
	return all;
}

int
lp_view_document(const struct lp_view *v, struct lp_view_out *o)
{
	struct last last = { .entries = LP_DOC_UNKNOWN, .complete = LP_DOC_UNKNOWN };
	const char *error = o->about[0].error;
	int rc = lp_imagedoc_open(&o->about[0].doc, &o->b);

	lp_buf_init(&last.total, (size_t)LP_MAX_ROW);

	rc = rc != LP_OK ? rc : document_layers(v, o);
	rc = rc != LP_OK ? rc : lp_imagedoc_rows_open(v->records != NULL ? v->records : "all_entries", &o->b);
	rc = rc != LP_OK ? rc : document_rows(&v->file[0], o, &last);
	rc = rc != LP_OK ? rc : lp_imagedoc_rows_close(&o->b);
	if (rc == LP_OK && last.total.n > 0)
		rc = lp_imagedoc_total(lp_buf_span(&last.total), &o->b);
	lp_buf_release(&last.total);
	/* without layers nothing was merged; with some, an end that does not come is a merge that failed */
	if (v->records != NULL && !last.seen) {
		last.complete = error == NULL && all_listed(&o->about[0].doc);
	} else if (!last.seen) {
		last.complete = 0;
		if (error == NULL)
			error = "the merged listing ended early";
	}
	return rc != LP_OK ? rc : lp_imagedoc_close(last.entries, last.complete, error, &o->b);
}
