/* Writes rows as NDJSON. */
#include <string.h>

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/row/row_priv.h"

/*
 * An object is built of pieces that cannot fail once there is room for
 * them, and of text. Behind each text there is room for all the pieces that
 * can follow it.
 */
enum { PIECES_MAX = 512 };

static void
put(struct lp_buf *b, const char *s, size_t n)
{
	memcpy(b->p + b->n, s, n);
	b->n += n;
}
/* of a string literal, whose length is known */
#define PUT(b, s) put(b, s, sizeof(s) - 1)

static void
put_u64(struct lp_buf *b, uint64_t v)
{
	b->n = (size_t)(lp_num_put((char *)b->p + b->n, v) - (char *)b->p);
}

static void
put_i64(struct lp_buf *b, int64_t v)
{
	b->n = (size_t)(lp_num_puti((char *)b->p + b->n, v) - (char *)b->p);
}

/* A name of plain ASCII, as nearly all are, is copied after one look. */
static int
put_string(struct lp_buf *b, struct lp_span s)
{
	int rc;

	if (lp_plain_run(s, '"') != s.n) {
		rc = lp_json_string(b, s);
		return rc != LP_OK ? rc : lp_buf_reserve(b, PIECES_MAX);
	}
	rc = lp_buf_reserve(b, s.n + PIECES_MAX);
	if (rc != LP_OK)
		return rc;
	PUT(b, "\"");
	if (s.n > 0)
		put(b, (const char *)s.p, s.n);
	PUT(b, "\"");
	return LP_OK;
}

static int
put_base64(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_json_base64(b, s);

	return rc != LP_OK ? rc : lp_buf_reserve(b, PIECES_MAX);
}

/* The text, and its exact bytes where the text cannot hold them. */
static int
put_name(struct lp_buf *b, const char *key, size_t n, struct lp_span s)
{
	int rc;

	PUT(b, "\"");
	put(b, key, n);
	PUT(b, "\":");
	rc = put_string(b, s);
	if (rc != LP_OK || lp_plain_run(s, '"') == s.n || lp_utf8_valid(s))
		return rc;
	PUT(b, ",\"");
	put(b, key, n);
	PUT(b, "_base64\":");
	return put_base64(b, s);
}

static void
put_mtime(struct lp_buf *b, const struct lp_entry *e)
{
	char text[LP_TIME_MAX];
	size_t n = (size_t)(lp_put_time(text, e) - text);

	PUT(b, ",\"mtime\":");
	if (n == 1) {
		PUT(b, "null");
		return;
	}
	PUT(b, "\"");
	put(b, text, n);
	PUT(b, "\"");
}

static void
put_flag(struct lp_buf *b, int v)
{
	if (v)
		PUT(b, "true");
	else
		PUT(b, "false");
}

/* What stands between the name and the link's name. */
static int
put_attributes(struct lp_buf *b, const struct lp_entry *e)
{
	char flag = lp_row_typeflag(e);
	int rc;

	PUT(b, ",\"size\":");
	put_u64(b, e->size);
	PUT(b, ",\"typeflag\":");
	rc = put_string(b, lp_span(&flag, e->has & LP_HAS_TYPEFLAG ? 1 : 0));
	if (rc != LP_OK)
		return rc;
	PUT(b, ",\"is_dir\":");
	put_flag(b, e->type == LP_DIR);
	PUT(b, ",\"mode\":\"");
	b->n = (size_t)(lp_put_mode((char *)b->p + b->n, e) - (char *)b->p);
	PUT(b, "\",\"uid\":");
	put_i64(b, e->uid);
	PUT(b, ",\"gid\":");
	put_i64(b, e->gid);
	put_mtime(b, e);
	PUT(b, ",");
	return LP_OK;
}

static int
put_owner(struct lp_buf *b, const struct lp_entry *e)
{
	int rc = LP_OK;

	if (e->has & LP_HAS_UNAME) {
		PUT(b, ",");
		rc = put_name(b, "uname", 5, e->uname);
	}
	if (rc == LP_OK && e->has & LP_HAS_GNAME) {
		PUT(b, ",");
		rc = put_name(b, "gname", 5, e->gname);
	}
	return rc;
}

static void
put_numbers(struct lp_buf *b, const struct lp_entry *e)
{
	if (e->has & LP_HAS_DEV) {
		PUT(b, ",\"devmajor\":");
		put_u64(b, e->devmajor);
		PUT(b, ",\"devminor\":");
		put_u64(b, e->devminor);
	}
	if (e->has & LP_HAS_MTIME) {
		PUT(b, ",\"mtime_unix\":");
		put_i64(b, e->mtime);
	}
	if (e->has & LP_HAS_OFFSETS) {
		PUT(b, ",\"header_offset\":");
		put_u64(b, e->header_offset);
		PUT(b, ",\"data_offset\":");
		put_u64(b, e->data_offset);
	}
}

/* Names are escaped as in TSV first: two that differ only in bytes that JSON cannot hold stay two keys. */
static int
put_xattr(struct lp_buf *b, const struct lp_xattr *x)
{
	struct lp_buf name;
	int rc;

	lp_buf_init(&name, x->name.n * 4);
	rc = lp_escape(&name, x->name, LP_ESCAPE_ROW);
	rc = rc != LP_OK ? rc : put_string(b, lp_buf_span(&name));
	lp_buf_release(&name);
	if (rc != LP_OK)
		return rc;
	PUT(b, ":");
	return put_base64(b, x->value);
}

static int
put_xattrs(struct lp_buf *b, const struct lp_entry *e)
{
	int rc = LP_OK;

	if (e->nxattrs == 0)
		return LP_OK;
	PUT(b, ",\"xattrs\":{");
	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++) {
		if (i > 0)
			PUT(b, ",");
		rc = put_xattr(b, &e->xattrs[i]);
	}
	if (rc == LP_OK)
		PUT(b, "}");
	return rc;
}

static int
put_hidden(struct lp_buf *b, const struct lp_entry *e)
{
	int rc;

	PUT(b, ",");
	rc = put_name(b, "hidden", 6, e->hidden);
	if (rc != LP_OK)
		return rc;
	PUT(b, ",");
	return put_name(b, "hidden_by", 9, e->hidden_by);
}

int
lp_row_json(const struct lp_entry *e, struct lp_buf *b)
{
	int rc = lp_buf_reserve(b, PIECES_MAX);

	if (rc != LP_OK)
		return rc;
	PUT(b, "{");
	rc = put_name(b, "name", 4, e->name);
	rc = rc != LP_OK ? rc : put_attributes(b, e);
	rc = rc != LP_OK ? rc : put_name(b, "linkname", 8, e->linkname);
	if (rc != LP_OK)
		return rc;
	PUT(b, ",\"is_symlink\":");
	put_flag(b, e->type == LP_SYMLINK);
	rc = put_owner(b, e);
	if (rc != LP_OK)
		return rc;
	put_numbers(b, e);
	rc = put_xattrs(b, e);
	if (rc == LP_OK && e->has & LP_HAS_LAYER) {
		PUT(b, ",");
		rc = put_name(b, "layer", 5, e->layer);
	}
	if (rc == LP_OK && e->has & LP_HAS_HIDDEN)
		rc = put_hidden(b, e);
	if (rc != LP_OK)
		return rc;
	if (e->has & LP_HAS_TRUNCATED)
		PUT(b, ",\"truncated\":true");
	PUT(b, "}\n");
	return LP_OK;
}

static int
put_end_text(struct lp_buf *b, const struct lp_rowend_text *t, const struct lp_rowend *end)
{
	struct lp_span text = lp_rowend_text(end, t);

	if (text.n == 0 && t != &lp_rowend_texts[0])
		return LP_OK;
	PUT(b, ",");
	return put_name(b, t->key, strlen(t->key), text);
}

int
lp_row_json_end(const struct lp_rowend *end, struct lp_buf *b)
{
	int rc = lp_buf_reserve(b, PIECES_MAX);

	if (rc != LP_OK)
		return rc;
	PUT(b, "{\"end\":{\"entries\":");
	put_u64(b, end->entries);
	PUT(b, ",\"complete\":");
	rc = put_string(b, lp_span_str(lp_complete_name(end->complete)));
	if (rc != LP_OK)
		return rc;
	PUT(b, ",\"bytes\":");
	put_u64(b, end->bytes);
	for (size_t i = 0; i < LP_ROWEND_TEXTS && rc == LP_OK; i++)
		rc = put_end_text(b, &lp_rowend_texts[i], end);
	if (rc != LP_OK)
		return rc;
	PUT(b, "}}\n");
	return LP_OK;
}
