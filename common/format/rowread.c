#include "common/format/rowread.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"
#include "common/format/json.h"
#include "common/format/rowread_priv.h"

void
lp_rowread_init(struct lp_rowread *r)
{
	*r = (struct lp_rowread){ 0 };
	lp_rowfmt_init(&r->fmt);
	r->plain = 1;
	/* "the mode of the row before", before the first */
	memcpy(r->mode_text, "----------", LP_MODE_LEN);
	r->mode_type = LP_REG;
	lp_buf_init(&r->partial, LP_MAX_ROW);
	lp_buf_init(&r->undone, LP_MAX_ROW);
	lp_buf_init(&r->label, LP_MAX_PATH);
}

void
lp_rowread_release(struct lp_rowread *r)
{
	lp_buf_release(&r->partial);
	lp_buf_release(&r->undone);
	lp_buf_release(&r->label);
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

/* ---- the mode column ------------------------------------------------------ */

/* One of three "rwx": the letters, with `special` (s or t) standing in for x. Bits, or -1. */
static int
triplet(const unsigned char *p, unsigned char special)
{
	int bits = (p[0] == 'r') << 2 | (p[1] == 'w') << 1;

	if ((p[0] != 'r' && p[0] != '-') || (p[1] != 'w' && p[1] != '-'))
		return -1;
	if (p[2] == 'x' || p[2] == special)
		bits |= 1;
	else if (p[2] != '-' && p[2] != special - ('a' - 'A'))
		return -1;
	/* bit 3: the special bit, which its capital letter has without the x */
	return p[2] == special || p[2] == special - ('a' - 'A') ? bits | 8 : bits;
}

int
lp_parse_mode(struct lp_span s, enum lp_type *type, uint32_t *mode)
{
	int u, g, o;

	if (s.n != LP_MODE_LEN || s.p[0] == '\0' || strchr("-dlhcbp", s.p[0]) == NULL)
		return LP_E_DATA;
	u = triplet(s.p + 1, 's');
	g = triplet(s.p + 4, 's');
	o = triplet(s.p + 7, 't');
	if (u < 0 || g < 0 || o < 0)
		return LP_E_DATA;
	*type = (enum lp_type)s.p[0];
	*mode = (uint32_t)((u & 8) << 8 | (g & 8) << 7 | (o & 8) << 6 | (u & 7) << 6 | (g & 7) << 3 | (o & 7));
	return LP_OK;
}

/* ---- fields --------------------------------------------------------------- */

/* A text field without its escapes, which most do not have. */
static int
undo(struct lp_rowread *r, struct lp_span field, struct lp_span *out)
{
	size_t start = r->undone.n;
	int rc;

	*out = field;
	if (field.n == 0 || memchr(field.p, '\\', field.n) == NULL)
		return LP_OK;
	rc = lp_unescape(&r->undone, field);
	if (rc != LP_OK)
		return lp_rowread_fail(r, rc, "an escape that is none");
	*out = lp_span(r->undone.p + start, r->undone.n - start);
	return LP_OK;
}

/* A column that may be unknown: empty or "-". */
static int
unknown(struct lp_span f)
{
	return f.n == 0 || lp_span_is(f, "-");
}

static int
get_u32(struct lp_span f, uint32_t *out)
{
	uint64_t v = 0;
	int rc = lp_num_u64(f, UINT32_MAX, &v);

	*out = (uint32_t)v;
	return rc;
}

static int
get_typeflag(struct lp_span f, struct lp_entry *e)
{
	if (f.n != 1)
		return LP_E_DATA;
	e->typeflag = (char)f.p[0];
	e->has |= LP_HAS_TYPEFLAG;
	return LP_OK;
}

/* A flag that only repeats what the type says, unless there is no mode column. */
static int
get_flag(struct lp_span f, enum lp_type type, struct lp_entry *e)
{
	if (lp_span_is(f, "true") || lp_span_is(f, "1"))
		e->type = type;
	else if (!lp_span_is(f, "false") && !lp_span_is(f, "0"))
		return LP_E_DATA;
	return LP_OK;
}

static int
get_mtime(struct lp_span f, struct lp_entry *e)
{
	int rc = lp_rfc3339(f, &e->mtime, &e->mtime_nsec);

	if (rc == LP_OK)
		e->has |= LP_HAS_MTIME;
	return rc;
}

/* Seconds alone: the finer column wins where both are there. */
static int
get_mtime_unix(struct lp_span f, struct lp_entry *e)
{
	int64_t v;

	if (lp_num_i64(f, &v) != LP_OK)
		return LP_E_DATA;
	if (!(e->has & LP_HAS_MTIME)) {
		e->mtime = v;
		e->has |= LP_HAS_MTIME;
	}
	return LP_OK;
}

static int
get_text(struct lp_rowread *r, struct lp_span f, struct lp_span *out, unsigned has)
{
	r->entry.has |= f.n > 0 ? has : 0;
	return undo(r, f, out);
}

int
lp_rowread_xattr(struct lp_rowread *r, struct lp_span name, struct lp_span value)
{
	struct lp_xattr x;
	size_t start;
	int rc;

	if (r->entry.nxattrs == r->xattrs_cap) {
		size_t cap = r->xattrs_cap > 0 ? r->xattrs_cap * 2 : 8;
		struct lp_xattr *p = cap <= LP_MAX_PAX_RECORDS ? reallocarray(r->xattrs, cap, sizeof(*p)) : NULL;

		if (p == NULL)
			return cap <= LP_MAX_PAX_RECORDS ? LP_E_NOMEM : LP_E_LIMIT;
		r->xattrs = p;
		r->xattrs_cap = cap;
	}
	rc = undo(r, name, &x.name);
	if (rc != LP_OK)
		return rc;
	start = r->undone.n;
	rc = lp_base64_decode(&r->undone, value);
	x.value = lp_span(r->undone.p + start, r->undone.n - start);
	r->xattrs[r->entry.nxattrs++] = x;
	r->entry.xattrs = r->xattrs;
	return rc;
}

/* Shell sort: a row holds few, and whoever sends many must not cost their square. */
static void
sort_xattrs(struct lp_xattr *x, size_t n)
{
	size_t gap = 1;

	while (gap < n / 3)
		gap = gap * 3 + 1;
	for (; gap > 0; gap /= 3) {
		for (size_t i = gap; i < n; i++) {
			struct lp_xattr one = x[i];
			size_t j = i;

			for (; j >= gap && lp_span_cmp(x[j - gap].name, one.name) > 0; j -= gap)
				x[j] = x[j - gap];
			x[j] = one;
		}
	}
}

/* Ours come in order of their names; others are brought into it. */
int
lp_rowread_xattrs_end(struct lp_rowread *r)
{
	size_t n = r->entry.nxattrs, i = 1;

	while (i < n && lp_span_cmp(r->xattrs[i - 1].name, r->xattrs[i].name) < 0)
		i++;
	if (i >= n)
		return LP_OK;
	sort_xattrs(r->xattrs, n);
	for (i = 1; i < n; i++)
		if (lp_span_eq(r->xattrs[i - 1].name, r->xattrs[i].name))
			return lp_rowread_fail(r, LP_E_DATA, "no row: an extended attribute is there twice");
	return LP_OK;
}

/* name=base64, separated by commas; a comma or '=' in a name is escaped. */
static int
get_xattrs(struct lp_rowread *r, struct lp_span f)
{
	int rc = LP_OK;

	while (f.n > 0 && rc == LP_OK) {
		const unsigned char *comma = memchr(f.p, ',', f.n), *eq;
		struct lp_span one = lp_span_take(&f, comma != NULL ? (size_t)(comma - f.p) : f.n), name;

		lp_span_take(&f, 1);
		eq = one.n > 0 ? memchr(one.p, '=', one.n) : NULL;
		if (eq == NULL)
			return LP_E_DATA;
		name = lp_span_take(&one, (size_t)(eq - one.p));
		lp_span_take(&one, 1);
		rc = lp_rowread_xattr(r, name, one);
	}
	return rc == LP_OK ? lp_rowread_xattrs_end(r) : rc;
}

/* Columns that are always there. */
static int
get_field(struct lp_rowread *r, enum lp_column column, struct lp_span f)
{
	struct lp_entry *e = &r->entry;

	switch (column) {
	case LP_COL_MODE: return lp_parse_mode(f, &e->type, &e->mode);
	case LP_COL_UID: return lp_num_i64(f, &e->uid);
	case LP_COL_GID: return lp_num_i64(f, &e->gid);
	case LP_COL_SIZE: return lp_num_u64(f, UINT64_MAX, &e->size);
	case LP_COL_MTIME: return unknown(f) ? LP_OK : get_mtime(f, e);
	case LP_COL_NAME: return undo(r, f, &e->name);
	case LP_COL_LINKNAME: return undo(r, f, &e->linkname);
	case LP_COL_UNAME: return get_text(r, f, &e->uname, LP_HAS_UNAME);
	case LP_COL_GNAME: return get_text(r, f, &e->gname, LP_HAS_GNAME);
	case LP_COL_LAYER: return get_text(r, f, &e->layer, LP_HAS_LAYER);
	case LP_COL_HIDDEN: return get_text(r, f, &e->hidden, LP_HAS_HIDDEN);
	case LP_COL_HIDDEN_BY: return get_text(r, f, &e->hidden_by, LP_HAS_HIDDEN);
	case LP_COL_XATTRS: return get_xattrs(r, f);
	case LP_COL_IS_DIR: return get_flag(f, LP_DIR, e);
	case LP_COL_IS_SYMLINK: return get_flag(f, LP_SYMLINK, e);
	default: break;
	}
	if (unknown(f))
		return LP_OK;
	switch (column) {
	case LP_COL_TYPEFLAG: return get_typeflag(f, e);
	case LP_COL_MTIME_UNIX: return get_mtime_unix(f, e);
	case LP_COL_DEVMAJOR: e->has |= LP_HAS_DEV; return get_u32(f, &e->devmajor);
	case LP_COL_DEVMINOR: e->has |= LP_HAS_DEV; return get_u32(f, &e->devminor);
	case LP_COL_HEADER_OFFSET: e->has |= LP_HAS_OFFSETS; return lp_num_u64(f, UINT64_MAX, &e->header_offset);
	case LP_COL_DATA_OFFSET: e->has |= LP_HAS_OFFSETS; return lp_num_u64(f, UINT64_MAX, &e->data_offset);
	default: return LP_OK;
	}
}

static const char *
bad_field(enum lp_column column)
{
	switch (column) {
	case LP_COL_MODE: return "no row: the mode is not ten letters as in -rw-r--r--";
	case LP_COL_UID: return "no row: uid is not a number";
	case LP_COL_GID: return "no row: gid is not a number";
	case LP_COL_SIZE: return "no row: size is not a number";
	case LP_COL_MTIME: return "no row: mtime is not a time as in 2026-11-23T16:43:44Z";
	default: return "no row: a column does not hold what its name says";
	}
}

/* ---- lines ---------------------------------------------------------------- */

/* Take a field off the front; *last tells whether it ended the line. */
static struct lp_span
take_field(struct lp_span *s, int *last)
{
	const unsigned char *tab = s->n > 0 ? memchr(s->p, '\t', s->n) : NULL;
	struct lp_span f = lp_span_take(s, tab != NULL ? (size_t)(tab - s->p) : s->n);

	*last = tab == NULL;
	if (tab != NULL)
		lp_span_take(s, 1);
	return f;
}

/* Digits up to a tab, behind which the answer points; NULL for anything else. */
static const unsigned char *
plain_number(const unsigned char *p, const unsigned char *end, uint64_t *out)
{
	const unsigned char *start = p;
	uint64_t v = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	/* 18 digits cannot overflow */
	if (p == start || p - start > 18 || p == end || *p != '\t')
		return NULL;
	*out = v;
	return p + 1;
}

/* The mode, up to its tab: mostly that of the row before. */
static const unsigned char *
plain_mode(struct lp_rowread *r, const unsigned char *p, struct lp_entry *e)
{
	if (memcmp(p, r->mode_text, LP_MODE_LEN) != 0) {
		if (lp_parse_mode(lp_span(p, LP_MODE_LEN), &r->mode_type, &r->mode) != LP_OK)
			return NULL;
		memcpy(r->mode_text, p, LP_MODE_LEN);
	}
	e->type = r->mode_type;
	e->mode = r->mode;
	return p[LP_MODE_LEN] == '\t' ? p + LP_MODE_LEN + 1 : NULL;
}

/*
 * A row of the default columns without escapes, signs or anything else that
 * is rare, in one pass. 0 if it is not of that kind: tsv_row reads it then,
 * and says what is wrong with it if anything is.
 */
static int
plain_row(struct lp_rowread *r, struct lp_span line)
{
	enum { SHORTEST = 20 };
	const unsigned char *p = line.p, *end = line.p + line.n, *tab;
	struct lp_entry *e = &r->entry;
	uint64_t uid, gid;

	if (!r->plain || line.n < SHORTEST || memchr(p, '\\', line.n) != NULL)
		return 0;
	*e = (struct lp_entry){ 0 };
	if ((p = plain_mode(r, p, e)) == NULL || (p = plain_number(p, end, &uid)) == NULL ||
	    (p = plain_number(p, end, &gid)) == NULL || (p = plain_number(p, end, &e->size)) == NULL ||
	    (tab = memchr(p, '\t', (size_t)(end - p))) == NULL)
		return 0;
	e->uid = (int64_t)uid;
	e->gid = (int64_t)gid;
	if ((tab - p != 1 || *p != '-') && get_mtime(lp_span(p, (size_t)(tab - p)), e) != LP_OK)
		return 0;
	p = tab + 1;
	tab = memchr(p, '\t', (size_t)(end - p));
	if (tab == NULL || tab == p)
		return 0;
	e->name = lp_span(p, (size_t)(tab - p));
	e->linkname = lp_span(tab + 1, (size_t)(end - tab - 1));
	return e->linkname.n == 0 || memchr(tab + 1, '\t', e->linkname.n) == NULL;
}

static int
tsv_row(struct lp_rowread *r, struct lp_span line)
{
	int last = 0;

	r->fmt.form = LP_ROW_TSV;
	if (plain_row(r, line))
		return LP_OK;
	r->entry = (struct lp_entry){ .type = LP_REG };
	lp_buf_clear(&r->undone);
	/* what is undone is never longer than the line: no span moves while the row is read */
	if (lp_buf_reserve(&r->undone, line.n) != LP_OK)
		return lp_rowread_fail(r, LP_E_NOMEM, "out of memory");
	for (size_t i = 0; i < r->fmt.ncolumns; i++) {
		struct lp_span f;

		if (last)
			return lp_rowread_fail(r, LP_E_DATA, "no row: too few columns");
		f = take_field(&line, &last);
		if (get_field(r, r->fmt.column[i], f) != LP_OK)
			return r->why != NULL ? r->status : lp_rowread_fail(r, LP_E_DATA, bad_field(r->fmt.column[i]));
	}
	if (!last)
		return lp_rowread_fail(r, LP_E_DATA, "no row: too many columns");
	if (r->entry.name.n == 0)
		return lp_rowread_fail(r, LP_E_DATA, "no row: the name is empty");
	return LP_OK;
}

/* If all its fields are names of columns, "name" among them, it is a header row. */
static int
header_row(struct lp_rowread *r, struct lp_span line)
{
	struct lp_rowfmt fmt = r->fmt;
	unsigned seen = 0;
	int last = 0;

	for (fmt.ncolumns = 0; !last; fmt.ncolumns++) {
		enum lp_column c = lp_column_find(take_field(&line, &last));

		if (c == LP_COLUMNS || fmt.ncolumns == LP_COLUMNS || (seen >> c & 1) != 0)
			return 0;
		seen |= 1u << c;
		fmt.column[fmt.ncolumns] = c;
	}
	if ((seen >> LP_COL_NAME & 1) == 0)
		return 0;
	r->fmt = fmt;
	r->plain = 0;
	return 1;
}

static int
end_label(struct lp_rowread *r, struct lp_span escaped)
{
	int rc;

	lp_buf_clear(&r->label);
	rc = lp_unescape(&r->label, escaped);
	r->end.layer = lp_buf_span(&r->label);
	return rc;
}

static int
end_value(struct lp_rowread *r, struct lp_span key, struct lp_span value)
{
	if (lp_span_is(key, "entries"))
		return lp_num_u64(value, UINT64_MAX, &r->end.entries);
	if (lp_span_is(key, "bytes"))
		return lp_num_u64(value, UINT64_MAX, &r->end.bytes);
	if (lp_span_is(key, "layer"))
		return end_label(r, value);
	if (lp_span_is(key, "complete"))
		return lp_complete_parse(value, &r->end.complete);
	return LP_OK; /* a key of a later version */
}

/* "#end", then key=value after each tab. */
static int
tsv_end(struct lp_rowread *r, struct lp_span line)
{
	int last = 0;

	r->end = (struct lp_rowend){ 0 };
	take_field(&line, &last);
	while (!last) {
		struct lp_span f = take_field(&line, &last);
		const unsigned char *eq = f.n > 0 ? memchr(f.p, '=', f.n) : NULL;
		struct lp_span key;

		if (eq == NULL)
			return lp_rowread_fail(r, LP_E_DATA, "the end record holds something else than key=value");
		key = lp_span_take(&f, (size_t)(eq - f.p));
		lp_span_take(&f, 1);
		if (end_value(r, key, f) != LP_OK)
			return lp_rowread_fail(r, LP_E_DATA, "the end record holds a value that its key cannot have");
	}
	return LP_OK;
}

static int
is_end(struct lp_span line)
{
	return line.n >= 4 && memcmp(line.p, "#end", 4) == 0 && (line.n == 4 || line.p[4] == '\t');
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
	if (r->ended)
		rc = lp_rowread_fail(r, LP_E_DATA, "a line behind the end record");
	else if (line.n > 0 && line.p[0] == '{')
		rc = json_line(r, line, &event);
	else if (is_end(line)) {
		event = LP_ROWREAD_END;
		rc = tsv_end(r, line);
	} else if (r->line == 1 && header_row(r, line)) {
		r->header = 1;
		return LP_ROWREAD_MORE;
	} else
		rc = tsv_row(r, line);
	if (rc != LP_OK)
		return LP_ROWREAD_ERROR;
	r->ended = event == LP_ROWREAD_END;
	return event;
}

enum lp_rowread_event
lp_rowread_next(struct lp_rowread *r, struct lp_span *in)
{
	if (r->status != LP_OK)
		return LP_ROWREAD_ERROR;
	while (in->n > 0) {
		const unsigned char *nl = memchr(in->p, '\n', in->n);
		struct lp_span line = lp_span_take(in, nl != NULL ? (size_t)(nl - in->p) : in->n);
		enum lp_rowread_event event;
		int staged = r->partial.n > 0 || nl == NULL;

		if (staged && lp_buf_add(&r->partial, line) != LP_OK) {
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

	if (r->status != LP_OK)
		return LP_ROWREAD_ERROR;
	if (line.n == 0)
		return LP_ROWREAD_MORE;
	lp_buf_clear(&r->partial);
	return take_line(r, line);
}
