/* Writes rows as TSV, and the end record. */
#include "common/row/row.h"

#include <string.h>

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/row_priv.h"

static const char *const names[LP_COLUMNS] = {
	[LP_COL_MODE] = "mode",
	[LP_COL_UID] = "uid",
	[LP_COL_GID] = "gid",
	[LP_COL_SIZE] = "size",
	[LP_COL_MTIME] = "mtime",
	[LP_COL_NAME] = "name",
	[LP_COL_LINKNAME] = "linkname",
	[LP_COL_TYPEFLAG] = "typeflag",
	[LP_COL_IS_DIR] = "is_dir",
	[LP_COL_IS_SYMLINK] = "is_symlink",
	[LP_COL_UNAME] = "uname",
	[LP_COL_GNAME] = "gname",
	[LP_COL_DEVMAJOR] = "devmajor",
	[LP_COL_DEVMINOR] = "devminor",
	[LP_COL_MTIME_UNIX] = "mtime_unix",
	[LP_COL_HEADER_OFFSET] = "header_offset",
	[LP_COL_DATA_OFFSET] = "data_offset",
	[LP_COL_XATTRS] = "xattrs",
	[LP_COL_LAYER] = "layer",
	[LP_COL_HIDDEN] = "hidden",
	[LP_COL_HIDDEN_BY] = "hidden_by",
	[LP_COL_MODE_OCTAL] = "mode_octal",
	[LP_COL_DIGEST] = "digest",
};

/* ---- columns ---------------------------------------------------------------- */

void
lp_rowfmt_init(struct lp_rowfmt *f)
{
	*f = (struct lp_rowfmt){ .form = LP_ROW_TSV, .ncolumns = LP_COL_LINKNAME + 1 };
	for (size_t i = 0; i < f->ncolumns; i++)
		f->column[i] = (enum lp_column)i;
}

int
lp_rowfmt_has(const struct lp_rowfmt *f, enum lp_column c)
{
	for (size_t i = 0; i < f->ncolumns; i++)
		if (f->column[i] == c)
			return f->form == LP_ROW_TSV;
	return 0;
}

const char *
lp_column_name(enum lp_column c)
{
	return names[c];
}

enum lp_column
lp_column_find(struct lp_span name)
{
	enum lp_column c = 0;

	while (c < LP_COLUMNS && !lp_span_is(name, names[c]))
		c++;
	return c;
}

static struct lp_span
take_word(struct lp_span *list, int *last)
{
	const unsigned char *comma = list->n > 0 ? memchr(list->p, ',', list->n) : NULL;
	struct lp_span word = lp_span_take(list, comma != NULL ? (size_t)(comma - list->p) : list->n);

	*last = comma == NULL;
	lp_span_take(list, 1);
	return word;
}

int
lp_rowfmt_columns(struct lp_rowfmt *f, struct lp_span list, struct lp_span *bad)
{
	enum lp_column chosen[LP_COLUMNS];
	unsigned seen = 0;
	size_t n = 0;
	int last = 0;

	while (!last) {
		struct lp_span word = take_word(&list, &last);
		enum lp_column c = lp_column_find(word);

		if (c == LP_COLUMNS || (seen >> c & 1)) {
			*bad = word;
			return LP_E_USAGE;
		}
		seen |= 1u << c;
		chosen[n++] = c;
	}
	memcpy(f->column, chosen, n * sizeof(chosen[0]));
	f->ncolumns = n;
	return LP_OK;
}

/* ---- TSV ---------------------------------------------------------------------- */

/* Bytes of the longest column that is not text, its separator included. */
enum { FIXED_MAX = 64 };
_Static_assert((int)FIXED_MAX > (int)LP_TIME_MAX && (int)FIXED_MAX > (int)LP_NUM_MAX, "there is room");

static int
put_text(struct lp_buf *b, struct lp_span s)
{
	if (lp_escape_clean(s, LP_ESCAPE_ROW) == s.n)
		return lp_buf_add(b, s);
	return lp_escape(b, s, LP_ESCAPE_ROW);
}

/*
 * A line's first byte is what a reader goes by: what was written there must
 * not pose as an end record or as an object.
 */
static int
guard_first(struct lp_buf *b, size_t start)
{
	enum { MORE = 3 }; /* bytes of \x23 beyond the one that it stands for */
	const char *escape = b->n > start && b->p[start] == '#' ? "\\x23" : "\\x7b";
	int rc;

	if (b->n == start || (b->p[start] != '#' && b->p[start] != '{'))
		return LP_OK;
	rc = lp_buf_reserve(b, MORE);
	if (rc != LP_OK)
		return rc;
	memmove(b->p + start + MORE, b->p + start, b->n - start);
	memcpy(b->p + start, escape, MORE + 1);
	b->n += MORE;
	return LP_OK;
}

static struct lp_span
text_of(const struct lp_entry *e, enum lp_column c)
{
	switch (c) {
	case LP_COL_NAME: return e->name;
	case LP_COL_LINKNAME: return e->linkname;
	case LP_COL_UNAME: return e->uname;
	case LP_COL_GNAME: return e->gname;
	case LP_COL_HIDDEN: return e->hidden;
	case LP_COL_HIDDEN_BY: return e->hidden_by;
	case LP_COL_DIGEST: return e->digest;
	default: return e->layer;
	}
}

char
lp_row_typeflag(const struct lp_entry *e)
{
	return e->typeflag > ' ' && e->typeflag < 0x7f && e->typeflag != '\\' ? e->typeflag : '?';
}

static char *
put_word(char *p, const char *word)
{
	while (*word != '\0')
		*p++ = *word++;
	return p;
}

/* As chmod takes it, and in its order: always four digits. */
static char *
put_octal(char *p, uint32_t mode)
{
	for (int shift = 9; shift >= 0; shift -= 3)
		*p++ = (char)('0' + (mode >> shift & 7));
	return p;
}

/* Columns that are not text; what is not known stays empty. */
static char *
put_fixed(char *p, const struct lp_entry *e, enum lp_column c)
{
	switch (c) {
	case LP_COL_MODE: return lp_put_mode(p, e);
	case LP_COL_MODE_OCTAL: return put_octal(p, e->mode);
	case LP_COL_UID: return lp_num_puti(p, e->uid);
	case LP_COL_GID: return lp_num_puti(p, e->gid);
	case LP_COL_SIZE: return lp_num_put(p, e->size);
	case LP_COL_MTIME: return lp_put_time(p, e);
	case LP_COL_IS_DIR: return put_word(p, e->type == LP_DIR ? "true" : "false");
	case LP_COL_IS_SYMLINK: return put_word(p, e->type == LP_SYMLINK ? "true" : "false");
	case LP_COL_TYPEFLAG:
		*p = lp_row_typeflag(e);
		return e->has & LP_HAS_TYPEFLAG ? p + 1 : p;
	case LP_COL_MTIME_UNIX: return e->has & LP_HAS_MTIME ? lp_num_puti(p, e->mtime) : p;
	case LP_COL_DEVMAJOR: return e->has & LP_HAS_DEV ? lp_num_put(p, e->devmajor) : p;
	case LP_COL_DEVMINOR: return e->has & LP_HAS_DEV ? lp_num_put(p, e->devminor) : p;
	case LP_COL_HEADER_OFFSET: return e->has & LP_HAS_OFFSETS ? lp_num_put(p, e->header_offset) : p;
	case LP_COL_DATA_OFFSET: return e->has & LP_HAS_OFFSETS ? lp_num_put(p, e->data_offset) : p;
	default: return p;
	}
}

/* An attribute's name in a list where ',' and '=' mean something. */
static int
put_xattr_name(struct lp_buf *b, struct lp_span s)
{
	int rc = LP_OK;

	while (s.n > 0 && rc == LP_OK) {
		size_t n = 0;

		while (n < s.n && s.p[n] != ',' && s.p[n] != '=')
			n++;
		rc = lp_escape(b, lp_span_take(&s, n), LP_ESCAPE_ROW);
		if (s.n > 0 && rc == LP_OK)
			rc = lp_buf_adds(b, *lp_span_take(&s, 1).p == ',' ? "\\x2c" : "\\x3d");
	}
	return rc;
}

static int
put_xattrs(struct lp_buf *b, const struct lp_entry *e)
{
	int rc = LP_OK;

	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, ',') : LP_OK;
		rc = rc != LP_OK ? rc : put_xattr_name(b, e->xattrs[i].name);
		rc = rc != LP_OK ? rc : lp_buf_addc(b, '=');
		rc = rc != LP_OK ? rc : lp_base64(b, e->xattrs[i].value);
	}
	return rc;
}

static int
put_column(const struct lp_rowfmt *f, size_t i, const struct lp_entry *e, struct lp_buf *b)
{
	enum lp_column c = f->column[i];
	char *p;

	switch (c) {
	case LP_COL_NAME:
	case LP_COL_LINKNAME:
		if (f->nul)
			return lp_buf_add(b, text_of(e, c));
		/* fall through */
	case LP_COL_UNAME:
	case LP_COL_GNAME:
	case LP_COL_LAYER:
	case LP_COL_HIDDEN:
	case LP_COL_HIDDEN_BY:
	case LP_COL_DIGEST:
		return put_text(b, text_of(e, c));
	case LP_COL_XATTRS:
		return put_xattrs(b, e);
	default:
		break;
	}
	p = (char *)b->p + b->n;
	b->n = (size_t)(put_fixed(p, e, c) - (char *)b->p);
	return LP_OK;
}

static int
tsv(const struct lp_rowfmt *f, const struct lp_entry *e, struct lp_buf *b)
{
	size_t start = b->n;

	for (size_t i = 0; i < f->ncolumns; i++) {
		int rc = lp_buf_reserve(b, FIXED_MAX);

		if (rc != LP_OK)
			return rc;
		if (i > 0)
			b->p[b->n++] = '\t';
		rc = put_column(f, i, e, b);
		if (rc == LP_OK && i == 0 && !f->nul)
			rc = guard_first(b, start);
		if (rc != LP_OK)
			return rc;
	}
	return lp_buf_addc(b, f->nul ? '\0' : '\n');
}

/* ---- what the forms share ------------------------------------------------------- */

static int
tsv_header(const struct lp_rowfmt *f, struct lp_buf *b)
{
	int rc = LP_OK;

	for (size_t i = 0; i < f->ncolumns && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, '\t') : LP_OK;
		rc = rc != LP_OK ? rc : lp_buf_adds(b, names[f->column[i]]);
	}
	return rc != LP_OK ? rc : lp_buf_addc(b, f->nul ? '\0' : '\n');
}

static int
add_number(struct lp_buf *b, const char *key, uint64_t v)
{
	char digits[LP_NUM_MAX];
	int rc = lp_buf_adds(b, key);

	return rc != LP_OK ? rc : lp_buf_add(b, lp_span(digits, (size_t)(lp_num_put(digits, v) - digits)));
}

static int
tsv_end_text(struct lp_buf *b, const struct lp_rowend_text *t, const struct lp_rowend *end)
{
	struct lp_span text = lp_rowend_text(end, t);
	int rc;

	if (text.n == 0 && t != &lp_rowend_texts[0])
		return LP_OK;
	rc = lp_buf_addc(b, '\t');
	rc = rc != LP_OK ? rc : lp_buf_adds(b, t->key);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '=');
	return rc != LP_OK ? rc : put_text(b, text);
}

static int
tsv_end(const struct lp_rowfmt *f, const struct lp_rowend *end, struct lp_buf *b)
{
	int rc = add_number(b, "#end\tentries=", end->entries);

	rc = rc != LP_OK ? rc : lp_buf_adds(b, "\tcomplete=");
	rc = rc != LP_OK ? rc : lp_buf_adds(b, lp_complete_name(end->complete));
	rc = rc != LP_OK ? rc : add_number(b, "\tbytes=", end->bytes);
	for (size_t i = 0; i < LP_ROWEND_TEXTS && rc == LP_OK; i++)
		rc = tsv_end_text(b, &lp_rowend_texts[i], end);
	return rc != LP_OK ? rc : lp_buf_addc(b, f->nul ? '\0' : '\n');
}

const struct lp_rowend_text lp_rowend_texts[LP_ROWEND_TEXTS] = {
	{ "layer", "layer_base64", offsetof(struct lp_rowend, layer) }, /* always written */
	{ "origin", "origin_base64", offsetof(struct lp_rowend, origin) },
	{ "toc", "toc_base64", offsetof(struct lp_rowend, toc) },
	{ "reason", "reason_base64", offsetof(struct lp_rowend, reason) },
};

struct lp_span
lp_rowend_text(const struct lp_rowend *end, const struct lp_rowend_text *t)
{
	struct lp_span s;

	memcpy(&s, (const char *)end + t->offset, sizeof(s));
	return s;
}

static const char *const complete_names[] = {
	[LP_COMPLETE_UNKNOWN] = "unknown", [LP_COMPLETE_NO] = "no", [LP_COMPLETE_YES] = "yes",
	[LP_COMPLETE_INFERRED] = "inferred"
};

const char *
lp_complete_name(enum lp_complete c)
{
	return complete_names[c];
}

int
lp_complete_parse(struct lp_span s, enum lp_complete *out)
{
	for (enum lp_complete c = LP_COMPLETE_UNKNOWN; c <= LP_COMPLETE_INFERRED; c++)
		if (lp_span_is(s, complete_names[c])) {
			*out = c;
			return LP_OK;
		}
	return LP_E_DATA;
}

/* No half rows: what was begun and failed is cut off. */
static int
whole(struct lp_buf *b, size_t start, int rc)
{
	if (rc != LP_OK)
		b->n = start;
	return rc;
}

int
lp_row_header(const struct lp_rowfmt *f, struct lp_buf *b)
{
	size_t start = b->n;

	return f->form == LP_ROW_TSV ? whole(b, start, tsv_header(f, b)) : LP_OK;
}

int
lp_row_write(const struct lp_rowfmt *f, const struct lp_entry *e, struct lp_buf *b)
{
	size_t start = b->n;

	switch (f->form) {
	case LP_ROW_TSV: return whole(b, start, tsv(f, e, b));
	case LP_ROW_NDJSON: return whole(b, start, lp_row_json(e, b));
	case LP_ROW_LONG: break;
	}
	return whole(b, start, lp_row_long(e, b));
}

int
lp_row_end(const struct lp_rowfmt *f, const struct lp_rowend *end, struct lp_buf *b)
{
	size_t start = b->n;

	switch (f->form) {
	case LP_ROW_TSV: return whole(b, start, tsv_end(f, end, b));
	case LP_ROW_NDJSON: return whole(b, start, lp_row_json_end(end, b));
	case LP_ROW_LONG: break;
	}
	return LP_OK;
}
