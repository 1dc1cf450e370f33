/* Reads a row from tab-separated fields. */
#include <string.h>

#include "common/base/array.h"
#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"
#include "common/row/rowread_priv.h"

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
get_typeflag(struct lp_rowread *r, struct lp_span f)
{
	struct lp_span letter;
	int rc = undo(r, f, &letter);

	return rc != LP_OK || letter.n == 0 ? rc : lp_rowread_typeflag(r, letter);
}

/* The permissions; where there is a mode too, that has them. */
static int
get_octal(struct lp_span f, struct lp_entry *e)
{
	uint32_t v = 0;

	for (size_t i = 0; i < f.n; i++) {
		if (f.p[i] < '0' || f.p[i] > '7' || v > 07777 >> 3)
			return LP_E_DATA;
		v = v << 3 | (uint32_t)(f.p[i] - '0');
	}
	e->mode = e->mode != 0 ? e->mode : v;
	return LP_OK;
}

/* A flag only repeats what the mode says, where there is one. */
static int
get_flag(struct lp_rowread *r, struct lp_span f, enum lp_type type, int rank)
{
	if (lp_span_is(f, "true") || lp_span_is(f, "1"))
		lp_rowread_type(r, type, rank);
	else if (!lp_span_is(f, "false") && !lp_span_is(f, "0") && f.n > 0)
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
	struct lp_xattr x, *all;
	size_t start;
	int rc;

	if (r->entry.nxattrs == LP_MAX_PAX_RECORDS)
		return lp_rowread_fail(r, LP_E_LIMIT, "more extended attributes than any file has");
	all = lp_array_room(r->xattrs, r->entry.nxattrs, &r->xattrs_cap, sizeof(*all));
	if (all == NULL)
		return lp_rowread_fail(r, LP_E_NOMEM, "out of memory");
	r->entry.xattrs = r->xattrs = all;
	rc = undo(r, name, &x.name);
	if (rc != LP_OK)
		return rc;
	start = r->undone.n;
	rc = lp_base64_decode(&r->undone, value);
	x.value = lp_span(r->undone.p + start, r->undone.n - start);
	all[r->entry.nxattrs++] = x;
	return rc;
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
	lp_xattrs_sort(r->xattrs, n);
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
	case LP_COL_MODE: return lp_rowread_mode(r, f);
	case LP_COL_MODE_OCTAL: return get_octal(f, e);
	case LP_COL_UID: return lp_num_i64(f, &e->uid);
	case LP_COL_GID: return lp_num_i64(f, &e->gid);
	case LP_COL_SIZE: return lp_num_u64(f, LP_MAX_SIZE, &e->size);
	case LP_COL_MTIME: return unknown(f) ? LP_OK : get_mtime(f, e);
	case LP_COL_NAME: return undo(r, f, &e->name);
	case LP_COL_LINKNAME: return undo(r, f, &e->linkname);
	case LP_COL_UNAME: return get_text(r, f, &e->uname, LP_HAS_UNAME);
	case LP_COL_GNAME: return get_text(r, f, &e->gname, LP_HAS_GNAME);
	case LP_COL_LAYER: return get_text(r, f, &e->layer, LP_HAS_LAYER);
	case LP_COL_HIDDEN: return get_text(r, f, &e->hidden, LP_HAS_HIDDEN);
	case LP_COL_HIDDEN_BY: return get_text(r, f, &e->hidden_by, LP_HAS_HIDDEN);
	case LP_COL_DIGEST: return get_text(r, f, &e->digest, LP_HAS_DIGEST);
	case LP_COL_XATTRS: return get_xattrs(r, f);
	case LP_COL_IS_DIR: return get_flag(r, f, LP_DIR, LP_ROWREAD_IS_DIR);
	case LP_COL_IS_SYMLINK: return get_flag(r, f, LP_SYMLINK, LP_ROWREAD_IS_SYMLINK);
	case LP_COL_TYPEFLAG: return get_typeflag(r, f);
	default: break;
	}
	if (unknown(f))
		return LP_OK;
	switch (column) {
	case LP_COL_MTIME_UNIX: return get_mtime_unix(f, e);
	case LP_COL_DEVMAJOR: e->has |= LP_HAS_DEV; return get_u32(f, &e->devmajor);
	case LP_COL_DEVMINOR: e->has |= LP_HAS_DEV; return get_u32(f, &e->devminor);
	case LP_COL_HEADER_OFFSET: e->has |= LP_HAS_OFFSETS; return lp_num_u64(f, LP_MAX_SIZE, &e->header_offset);
	case LP_COL_DATA_OFFSET: e->has |= LP_HAS_OFFSETS; return lp_num_u64(f, LP_MAX_SIZE, &e->data_offset);
	default: return LP_OK;
	}
}

static const char *
bad_field(enum lp_column column)
{
	switch (column) {
	case LP_COL_MODE: return "no row: the mode is not ten letters as in -rw-r--r--";
	case LP_COL_MODE_OCTAL: return "no row: mode_octal is not an octal number up to 7777";
	case LP_COL_UID: return "no row: uid is not a number";
	case LP_COL_GID: return "no row: gid is not a number";
	case LP_COL_SIZE: return "no row: size is not a number below 2^63";
	case LP_COL_MTIME: return "no row: mtime is not a time as in 2026-11-23T16:43:44Z";
	default: return "no row: a column does not hold what its name says";
	}
}

/* ---- lines ---------------------------------------------------------------- */

struct lp_span
lp_rowread_field(struct lp_span *s, int *last)
{
	const unsigned char *tab = s->n > 0 ? memchr(s->p, '\t', s->n) : NULL;
	struct lp_span f = lp_span_take(s, tab != NULL ? (size_t)(tab - s->p) : s->n);

	*last = tab == NULL;
	if (tab != NULL)
		lp_span_take(s, 1);
	return f;
}

int
lp_rowread_tsv(struct lp_rowread *r, struct lp_span line)
{
	int last = 0;

	r->fmt.form = LP_ROW_TSV;
	if (lp_rowread_begin(r, line.n) != LP_OK)
		return r->status;
	for (size_t i = 0; i < r->fmt.ncolumns; i++) {
		struct lp_span f;

		if (last)
			return lp_rowread_fail(r, LP_E_DATA, "no row: too few columns");
		f = lp_rowread_field(&line, &last);
		if (get_field(r, r->fmt.column[i], f) != LP_OK)
			return r->why != NULL ? r->status : lp_rowread_fail(r, LP_E_DATA, bad_field(r->fmt.column[i]));
	}
	if (!last)
		return lp_rowread_fail(r, LP_E_DATA, "no row: too many columns");
	return lp_rowread_done(r);
}

/* If all its fields are names of columns, "name" among them, it is a header row. */
int
lp_rowread_header(struct lp_rowread *r, struct lp_span line)
{
	struct lp_rowfmt fmt = r->fmt;
	unsigned seen = 0;
	int last = 0;

	for (fmt.ncolumns = 0; !last; fmt.ncolumns++) {
		enum lp_column c = lp_column_find(lp_rowread_field(&line, &last));

		if (c == LP_COLUMNS || fmt.ncolumns == LP_COLUMNS || (seen >> c & 1) != 0)
			return 0;
		seen |= 1u << c;
		fmt.column[fmt.ncolumns] = c;
	}
	if ((seen >> LP_COL_NAME & 1) == 0)
		return 0;
	r->fmt = fmt;
	r->default_columns = 0;
	return 1;
}
