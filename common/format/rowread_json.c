#include "common/format/rowread_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/num.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"
#include "common/format/json.h"

int
lp_rowread_json_load(struct lp_rowread *r, struct lp_span line)
{
	struct lp_json_error e;
	int rc;

	json_decref(r->json);
	rc = lp_json_load(line, &r->json, &e);
	if (rc != LP_OK)
		return lp_rowread_fail(r, rc, e.why);
	return LP_OK;
}

/*
 * A text and its exact bytes: KEY, or KEY_base64 where the bytes are not
 * valid UTF-8. Absent is empty.
 */
static int
get_bytes(struct lp_rowread *r, const char *key, const char *exact_key, struct lp_span *out)
{
	const json_t *v = json_object_get(r->json, key);
	struct lp_span exact = lp_json_get_string(r->json, exact_key);
	size_t start = r->undone.n;
	int rc;

	*out = lp_span(NULL, 0);
	if (v != NULL && !json_is_string(v))
		return LP_E_DATA;
	if (v != NULL)
		*out = lp_span(json_string_value(v), json_string_length(v));
	if (exact.p == NULL)
		return LP_OK;
	rc = lp_base64_decode(&r->undone, exact);
	*out = lp_span(r->undone.p + start, r->undone.n - start);
	return rc;
}

/* A number that may be absent, in which case *out stays. */
static int
get_u64(const json_t *o, const char *key, uint64_t *out)
{
	int rc = lp_json_get_u64(o, key, out);

	return rc == LP_E_ABSENT ? LP_OK : rc;
}

static int
get_i64(const json_t *o, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL)
		return LP_OK;
	if (!json_is_integer(v))
		return LP_E_DATA;
	*out = json_integer_value(v);
	return LP_OK;
}

static int
get_u32(const json_t *o, const char *key, uint32_t *out)
{
	uint64_t v = *out;
	int rc = get_u64(o, key, &v);

	if (rc == LP_OK && v > UINT32_MAX)
		return LP_E_DATA;
	*out = (uint32_t)v;
	return rc;
}

/* The type: what the mode's letter says; for a row without one, is_dir, is_symlink and typeflag. */
static int
get_type(const json_t *o, struct lp_entry *e)
{
	struct lp_span flag = lp_json_get_string(o, "typeflag"), mode = lp_json_get_string(o, "mode");

	if (flag.n > 1)
		return LP_E_DATA;
	if (flag.n == 1) {
		e->typeflag = (char)flag.p[0];
		e->has |= LP_HAS_TYPEFLAG;
		e->type = lp_type_of_flag(e->typeflag);
	}
	if (json_is_true(json_object_get(o, "is_dir")))
		e->type = LP_DIR;
	if (json_is_true(json_object_get(o, "is_symlink")))
		e->type = LP_SYMLINK;
	return mode.p != NULL ? lp_parse_mode(mode, &e->type, &e->mode) : LP_OK;
}

static int
get_mtime(const json_t *o, struct lp_entry *e)
{
	const json_t *v = json_object_get(o, "mtime"), *u = json_object_get(o, "mtime_unix");

	if (json_is_string(v)) {
		e->has |= LP_HAS_MTIME;
		return lp_rfc3339(lp_span(json_string_value(v), json_string_length(v)), &e->mtime, &e->mtime_nsec);
	}
	if (v != NULL && !json_is_null(v))
		return LP_E_DATA;
	if (json_is_integer(u)) {
		e->has |= LP_HAS_MTIME;
		e->mtime = json_integer_value(u);
	}
	return LP_OK;
}

static int
get_known(struct lp_rowread *r, const char *key, unsigned has, struct lp_span *out)
{
	int rc = get_bytes(r, key, "", out);

	if (out->p != NULL)
		r->entry.has |= has;
	return rc;
}

/* What need not be known. */
static int
get_more(struct lp_rowread *r)
{
	struct lp_entry *e = &r->entry;
	const json_t *o = r->json;
	int rc = get_known(r, "uname", LP_HAS_UNAME, &e->uname);

	rc = rc != LP_OK ? rc : get_known(r, "gname", LP_HAS_GNAME, &e->gname);
	rc = rc != LP_OK ? rc : get_known(r, "layer", LP_HAS_LAYER, &e->layer);
	rc = rc != LP_OK ? rc : get_u32(o, "devmajor", &e->devmajor);
	rc = rc != LP_OK ? rc : get_u32(o, "devminor", &e->devminor);
	rc = rc != LP_OK ? rc : get_u64(o, "header_offset", &e->header_offset);
	rc = rc != LP_OK ? rc : get_u64(o, "data_offset", &e->data_offset);
	if (json_object_get(o, "devmajor") != NULL)
		e->has |= LP_HAS_DEV;
	if (json_object_get(o, "header_offset") != NULL)
		e->has |= LP_HAS_OFFSETS;
	if (json_is_true(json_object_get(o, "truncated")))
		e->has |= LP_HAS_TRUNCATED;
	return rc;
}

static int
get_xattrs(struct lp_rowread *r)
{
	json_t *o = json_object_get(r->json, "xattrs"), *v;
	const char *key;
	int rc = o == NULL || json_is_object(o) ? LP_OK : LP_E_DATA;

	json_object_foreach(o, key, v) {
		if (rc == LP_OK)
			rc = json_is_string(v) ? lp_rowread_xattr(r, lp_span_str(key),
			    lp_span(json_string_value(v), json_string_length(v))) : LP_E_DATA;
	}
	return rc == LP_OK ? lp_rowread_xattrs_end(r) : rc;
}

int
lp_rowread_json_row(struct lp_rowread *r)
{
	struct lp_entry *e = &r->entry;
	int rc;

	*e = (struct lp_entry){ .type = LP_REG };
	lp_buf_clear(&r->undone);
	/* base64 undone is shorter than the line: no span moves while the row is read */
	if (lp_buf_reserve(&r->undone, r->text.n) != LP_OK)
		return lp_rowread_fail(r, LP_E_NOMEM, "out of memory");
	rc = get_bytes(r, "name", "name_base64", &e->name);
	rc = rc != LP_OK ? rc : get_bytes(r, "linkname", "linkname_base64", &e->linkname);
	rc = rc != LP_OK ? rc : get_type(r->json, e);
	rc = rc != LP_OK ? rc : get_i64(r->json, "uid", &e->uid);
	rc = rc != LP_OK ? rc : get_i64(r->json, "gid", &e->gid);
	rc = rc != LP_OK ? rc : get_u64(r->json, "size", &e->size);
	rc = rc != LP_OK ? rc : get_mtime(r->json, e);
	rc = rc != LP_OK ? rc : get_more(r);
	rc = rc != LP_OK ? rc : get_xattrs(r);
	if (rc == LP_OK && e->name.n == 0)
		return lp_rowread_fail(r, LP_E_DATA, "no row: the object has no name");
	if (rc != LP_OK)
		return lp_rowread_fail(r, rc, "no row: a key does not hold what its name says");
	return LP_OK;
}

/* complete may be a word or, as JSON has it, a truth value; null is unknown. */
static int
end_complete(const json_t *v, enum lp_complete *out)
{
	if (json_is_boolean(v))
		*out = json_is_true(v) ? LP_COMPLETE_YES : LP_COMPLETE_NO;
	else if (json_is_string(v))
		return lp_complete_parse(lp_span_str(json_string_value(v)), out);
	else if (v != NULL && !json_is_null(v))
		return LP_E_DATA;
	return LP_OK;
}

int
lp_rowread_json_end(struct lp_rowread *r)
{
	const json_t *o = json_object_get(r->json, "end");
	int rc;

	r->end = (struct lp_rowend){ 0 };
	rc = json_is_object(o) ? get_u64(o, "entries", &r->end.entries) : LP_E_DATA;
	rc = rc != LP_OK ? rc : get_u64(o, "bytes", &r->end.bytes);
	rc = rc != LP_OK ? rc : end_complete(json_object_get(o, "complete"), &r->end.complete);
	for (size_t i = 0; i < LP_ROWEND_TEXTS && rc == LP_OK; i++)
		rc = lp_rowread_end_text(r, &lp_rowend_texts[i], lp_json_get_string(o, lp_rowend_texts[i].key), 0);
	if (rc != LP_OK)
		return lp_rowread_fail(r, rc, "the end record holds a value that its key cannot have");
	return LP_OK;
}
