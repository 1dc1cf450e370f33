/* Reads rows line by line, in TSV or NDJSON, and the end record. */
#include "common/row/rowread.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/rowread_priv.h"

void
lp_rowread_init(struct lp_rowread *r)
{
	*r = (struct lp_rowread){ 0 };
	lp_rowfmt_init(&r->fmt);
	r->default_columns = 1;
	lp_rowhead_init(&r->head);
	lp_buf_init(&r->partial, LP_MAX_ROW);
	lp_buf_init(&r->undone, LP_MAX_ROW);
	for (size_t i = 0; i < LP_ROWEND_TEXTS; i++)
		lp_buf_init(&r->end_text[i], LP_MAX_PATH);
}

void
lp_rowread_release(struct lp_rowread *r)
{
	lp_buf_release(&r->partial);
	lp_buf_release(&r->undone);
	for (size_t i = 0; i < LP_ROWEND_TEXTS; i++)
		lp_buf_release(&r->end_text[i]);
	json_decref(r->json);
	r->json = NULL;
	free(r->xattrs);
	r->xattrs = NULL;
}

int
lp_rowread_fail(struct lp_rowread *r, int status, const char *why)
{
	r->status = status;
	r->why = why;
	return status;
}

int
lp_rowread_begin(struct lp_rowread *r, size_t n)
{
	r->entry = (struct lp_entry){ .type = LP_REG };
	r->type_rank = 0;
	lp_buf_clear(&r->undone);
	return lp_buf_reserve(&r->undone, n) == LP_OK ? LP_OK : lp_rowread_fail(r, LP_E_NOMEM, "out of memory");
}

static int
has_nul(struct lp_span s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

int
lp_rowread_done(struct lp_rowread *r)
{
	/* no file can be called so, and -0 would make two records of it */
	if (has_nul(r->entry.name) || has_nul(r->entry.linkname))
		return lp_rowread_fail(r, LP_E_DATA, "no row: a name holds a NUL");
	return LP_OK;
}

void
lp_rowread_type(struct lp_rowread *r, enum lp_type type, int rank)
{
	if (rank < r->type_rank)
		return;
	r->type_rank = rank;
	r->entry.type = type;
}

int
lp_rowread_mode(struct lp_rowread *r, struct lp_span s)
{
	enum lp_type type;
	int rc = lp_parse_mode(s, &type, &r->entry.mode);

	if (rc == LP_OK)
		lp_rowread_type(r, type, LP_ROWREAD_MODE);
	return rc;
}

int
lp_rowread_typeflag(struct lp_rowread *r, struct lp_span s)
{
	if (s.n != 1)
		return LP_E_DATA;
	r->entry.typeflag = (char)s.p[0];
	r->entry.has |= LP_HAS_TYPEFLAG;
	lp_rowread_type(r, lp_type_of_flag(r->entry.typeflag), LP_ROWREAD_TYPEFLAG);
	return LP_OK;
}

int
lp_rowread_end_text(struct lp_rowread *r, const struct lp_rowend_text *t, struct lp_span text,
    int (*undo)(struct lp_buf *, struct lp_span))
{
	struct lp_buf *b = &r->end_text[t - lp_rowend_texts];
	struct lp_span kept;
	int rc;

	lp_buf_clear(b);
	rc = undo(b, text);
	kept = lp_buf_span(b);
	memcpy((char *)&r->end + t->offset, &kept, sizeof(kept));
	return rc;
}

static int
end_value(struct lp_rowread *r, struct lp_span key, struct lp_span value)
{
	if (lp_span_is(key, "entries")) {
		r->counted = 1;
		return lp_num_u64(value, LP_MAX_SIZE, &r->end.entries);
	}
	if (lp_span_is(key, "bytes"))
		return lp_num_u64(value, LP_MAX_SIZE, &r->end.bytes);
	if (lp_span_is(key, "complete"))
		return lp_complete_parse(value, &r->end.complete);
	for (size_t i = 0; i < LP_ROWEND_TEXTS; i++)
		if (lp_span_is(key, lp_rowend_texts[i].key))
			return lp_rowread_end_text(r, &lp_rowend_texts[i], value, lp_unescape);
	return LP_OK; /* a key of a later version */
}

int
lp_rowread_bad_end(struct lp_rowread *r, int rc)
{
	return lp_rowread_fail(r, rc, rc == LP_E_NOMEM ? "out of memory" :
	    rc == LP_E_LIMIT ? "the end record holds a text longer than any path" :
	    "the end record holds a value that its key cannot have");
}

/* "#end", then key=value after each tab. */
static int
tsv_end(struct lp_rowread *r, struct lp_span line)
{
	int last = 0, rc;

	r->end = (struct lp_rowend){ 0 };
	lp_rowread_field(&line, &last);
	while (!last) {
		struct lp_span f = lp_rowread_field(&line, &last);
		const unsigned char *eq = f.n > 0 ? memchr(f.p, '=', f.n) : NULL;
		struct lp_span key;

		if (eq == NULL)
			return lp_rowread_fail(r, LP_E_DATA, "the end record holds something else than key=value");
		key = lp_span_take(&f, (size_t)(eq - f.p));
		lp_span_take(&f, 1);
		rc = end_value(r, key, f);
		if (rc != LP_OK)
			return lp_rowread_bad_end(r, rc);
	}
	return LP_OK;
}

static void
hold_count_against_rows(struct lp_rowread *r)
{
	if (r->tail || !r->counted || r->end.entries == r->rows)
		return;
	r->end.complete = LP_COMPLETE_NO;
	if (r->end.reason.n == 0)
		r->end.reason = lp_span_str("the end record counts other rows than there are");
}

/* NAME, a tab, and what it says. */
static int
is_record(struct lp_span line, const char *name)
{
	size_t n = strlen(name);

	return line.n > n && lp_span_begins(line, name) && line.p[n] == '\t';
}

static int
is_end(struct lp_span line)
{
	return lp_span_is(line, "#end") || is_record(line, "#end");
}

/* An object: its first key tells an end record from a row. */
static int
json_line(struct lp_rowread *r, struct lp_span line, enum lp_rowread_event *event)
{
	int rc = lp_rowread_json_load(r, line);

	if (rc == LP_OK && json_object_get(r->json, "end") != NULL) {
		*event = LP_ROWREAD_END;
		return lp_rowread_json_end(r);
	}
	if (rc == LP_OK) {
		*event = LP_ROWREAD_ROW;
		r->fmt.form = LP_ROW_NDJSON;
		rc = lp_rowread_json_row(r);
	}
	return rc;
}

/* "#image": layers of a second one are none of the first. */
static int
image_line(struct lp_rowread *r)
{
	if (r->has_image)
		return lp_rowread_fail(r, LP_E_DATA, "a second image begins");
	r->has_image = 1;
	r->first_line = r->line;
	return LP_OK;
}

/* "#layer", then key=value after each tab; the index is from 1. Nothing of the listing before it counts any more. */
static int
layer_line(struct lp_rowread *r, struct lp_span line)
{
	static const char key[] = "index=";
	int last = 0, rc = LP_E_DATA;

	lp_rowread_field(&line, &last);
	while (!last) {
		struct lp_span f = lp_rowread_field(&line, &last);

		if (!lp_span_begins(f, key))
			continue;
		lp_span_take(&f, sizeof(key) - 1);
		rc = lp_num_u64(f, LP_MAX_SIZE, &r->layer);
		if (rc == LP_OK && r->layer == 0)
			return lp_rowread_fail(r, LP_E_DATA, "layers are counted from 1");
	}
	if (rc != LP_OK)
		return lp_rowread_fail(r, LP_E_DATA, "a line of a layer without its index");
	r->first_line = r->line;
	r->rows = 0;
	r->ended = r->header = r->counted = 0;
	lp_rowfmt_init(&r->fmt);
	r->default_columns = 1;
	return LP_OK;
}

/* Rows of lp-merge have the default columns and the layer, with -a also why and by whom they are hidden. */
static void
guess_columns(struct lp_rowread *r, struct lp_span line)
{
	static const enum lp_column more[] = { LP_COL_LAYER, LP_COL_HIDDEN, LP_COL_HIDDEN_BY };
	const size_t usual = r->fmt.ncolumns;
	size_t fields = 0;
	int last = 0;

	for (; !last; fields++)
		(void)lp_rowread_field(&line, &last);
	if (fields != usual + 1 && fields != usual + 3)
		return;
	r->default_columns = 0;
	while (r->fmt.ncolumns < fields) {
		r->fmt.column[r->fmt.ncolumns] = more[r->fmt.ncolumns - usual];
		r->fmt.ncolumns++;
	}
}

/* What one line is. MORE for a header row: it is no event. */
static enum lp_rowread_event
take_line(struct lp_rowread *r, struct lp_span line)
{
	enum lp_rowread_event event = LP_ROWREAD_ROW;
	int rc;

	r->offset = r->next_offset;
	r->next_offset += line.n + 1;
	r->line++;
	r->text = line;
	if (r->sections && is_record(line, "#image"))
		return image_line(r) == LP_OK ? LP_ROWREAD_MORE : LP_ROWREAD_ERROR;
	if (r->sections && is_record(line, "#layer"))
		return layer_line(r, line) == LP_OK ? LP_ROWREAD_LAYER : LP_ROWREAD_ERROR;
	if (r->ended)
		rc = lp_rowread_fail(r, LP_E_DATA, "a line behind the end record");
	else if (line.n > 0 && line.p[0] == '{')
		rc = json_line(r, line, &event);
	else if (is_end(line)) {
		event = LP_ROWREAD_END;
		rc = tsv_end(r, line);
	} else if (r->line == r->first_line + 1 && lp_rowread_header(r, line)) {
		r->header = 1;
		return LP_ROWREAD_MORE;
	} else {
		if (r->merged && r->line == r->first_line + 1)
			guess_columns(r, line);
		rc = lp_rowread_tsv(r, line);
	}
	if (rc != LP_OK)
		return LP_ROWREAD_ERROR;
	r->ended = event == LP_ROWREAD_END;
	r->rows += event == LP_ROWREAD_ROW;
	if (r->ended)
		hold_count_against_rows(r);
	return event;
}

/*
 * A whole line at the front of the span that is a row exactly as we write
 * it, without escapes or anything else that is rare: its length with the
 * newline, or 0. Of anything else the rest of this file has to say what it is.
 */
static size_t
plain_line(struct lp_rowread *r, struct lp_span in)
{
	struct lp_plainrow *row = &r->row;
	size_t head = lp_rowhead_read(&r->head, in);
	struct lp_span rest = lp_span(in.p + head, in.n - head);

	if (head == 0)
		return 0;
	/* no byte that is plain ends a field */
	row->name = lp_span_take(&rest, lp_plain_run(rest, '\\'));
	if (row->name.n == 0 || rest.n < 2 || rest.p[0] != '\t')
		return 0;
	lp_span_take(&rest, 1);
	row->link = lp_span_take(&rest, rest.p[0] != '\n' ? lp_plain_run(rest, '\\') : 0);
	if (rest.n == 0 || rest.p[0] != '\n')
		return 0;
	row->head = lp_span(in.p, head);
	row->type = r->head.type;
	return (size_t)(rest.p - in.p) + 1;
}

/* The same, taken off the span and made known. */
static int
take_plain(struct lp_rowread *r, struct lp_span *in)
{
	size_t n = !r->ended && r->default_columns && r->partial.n == 0 ? plain_line(r, *in) : 0;

	r->plain = n > 0;
	if (n == 0)
		return 0;
	r->fmt.form = LP_ROW_TSV;
	r->text = lp_span_take(in, n);
	r->text.n--;
	r->offset = r->next_offset;
	r->next_offset += n;
	r->line++;
	r->rows++;
	if (!r->lazy) {
		r->entry = (struct lp_entry){ .name = r->row.name, .linkname = r->row.link };
		lp_rowhead_fill(&r->head, &r->entry);
	}
	return 1;
}

enum lp_rowread_event
lp_rowread_next(struct lp_rowread *r, struct lp_span *in)
{
	if (r->status != LP_OK)
		return LP_ROWREAD_ERROR;
	while (in->n > 0) {
		const unsigned char *nl;
		struct lp_span line;
		enum lp_rowread_event event;
		int staged;

		if (take_plain(r, in))
			return LP_ROWREAD_ROW;
		nl = memchr(in->p, '\n', in->n);
		line = lp_span_take(in, nl != NULL ? (size_t)(nl - in->p) : in->n);
		staged = r->partial.n > 0 || nl == NULL;

		if (line.n > LP_MAX_ROW || (staged && lp_buf_add(&r->partial, line) != LP_OK)) {
			r->line++;
			r->offset = r->next_offset;
			lp_rowread_fail(r, LP_E_LIMIT, "a line longer than any row");
			return LP_ROWREAD_ERROR;
		}
		if (nl == NULL)
			break;
		lp_span_take(in, 1);
		event = take_line(r, staged ? lp_buf_span(&r->partial) : line);
		/* the entry may lie in it: forgotten, not overwritten before the next call */
		lp_buf_clear(&r->partial);
		if (event != LP_ROWREAD_MORE)
			return event;
	}
	return LP_ROWREAD_MORE;
}

enum lp_rowread_event
lp_rowread_eof(struct lp_rowread *r)
{
	struct lp_span line = lp_buf_span(&r->partial);

	r->plain = 0;
	if (r->status != LP_OK)
		return LP_ROWREAD_ERROR;
	if (line.n == 0)
		return LP_ROWREAD_MORE;
	lp_buf_clear(&r->partial);
	return take_line(r, line);
}
