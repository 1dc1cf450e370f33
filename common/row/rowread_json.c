/* Reads a row from a JSON object. */
#include "common/row/rowread_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/jsonread.h"
#include "common/base/num.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"

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

/* The texts of a row, each with the key of its exact bytes where it is not valid UTF-8. */
static const struct text {
	const char *key, *exact;
	size_t offset; /* in struct lp_entry */
	unsigned has;
} texts[] = {
	{ "name", "name_base64", offsetof(struct lp_entry, name), 0 },
	{ "linkname", "linkname_base64", offsetof(struct lp_entry, linkname), 0 },
	{ "uname", "uname_base64", offsetof(struct lp_entry, uname), LP_HAS_UNAME },
	{ "gname", "gname_base64", offsetof(struct lp_entry, gname), LP_HAS_GNAME },
	{ "layer", "layer_base64", offsetof(struct lp_entry, layer), LP_HAS_LAYER },
	{ "hidden", "hidden_base64", offsetof(struct lp_entry, hidden), LP_HAS_HIDDEN },
	{ "hidden_by", "hidden_by_base64", offsetof(struct lp_entry, hidden_by), LP_HAS_HIDDEN },
};

/* Absent is empty. */
static int
get_text(struct lp_rowread *r, const struct text *t)
{
	const json_t *v = json_object_get(r->json, t->key);
	struct lp_span exact = lp_json_get_string(r->json, t->exact), text;
	size_t start = r->undone.n;
	int rc = LP_OK;

	if (v == NULL && exact.p == NULL)
		return LP_OK;
	if (v != NULL && !json_is_string(v))
		return LP_E_DATA;
	if (exact.p != NULL) {
		rc = lp_base64_decode(&r->undone, exact);
		text = lp_span(r->undone.p + start, r->undone.n - start);
	} else {
		text = lp_span(json_string_value(v), json_string_length(v));
	}
	memcpy((char *)&r->entry + t->offset, &text, sizeof(text));
	r->entry.has |= t->has;
	return rc;
}

static int
get_texts(struct lp_rowread *r)
{
	int rc = LP_OK;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == LP_OK; i++)
		rc = get_text(r, &texts[i]);
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

static int
get_flag(struct lp_rowread *r, const char *key, enum lp_type type, int rank)
{
	const json_t *v = json_object_get(r->json, key);

	if (json_is_true(v))
		lp_rowread_type(r, type, rank);
	return v == NULL || json_is_boolean(v) || json_is_null(v) ? LP_OK : LP_E_DATA;
}

static int
get_type(struct lp_rowread *r)
{
	struct lp_span flag = lp_json_get_string(r->json, "typeflag"), mode = lp_json_get_string(r->json, "mode");
	int rc = flag.n > 0 ? lp_rowread_typeflag(r, flag) : LP_OK;

	rc = rc != LP_OK ? rc : get_flag(r, "is_dir", LP_DIR, LP_ROWREAD_IS_DIR);
	rc = rc != LP_OK ? rc : get_flag(r, "is_symlink", LP_SYMLINK, LP_ROWREAD_IS_SYMLINK);
	return rc == LP_OK && mode.p != NULL ? lp_rowread_mode(r, mode) : rc;
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

/* What need not be known. */
static int
get_more(struct lp_rowread *r)
{
	struct lp_entry *e = &r->entry;
	const json_t *o = r->json;
	int rc = get_u32(o, "devmajor", &e->devmajor);

	rc = rc != LP_OK ? rc : get_u32(o, "devminor", &e->devminor);
	rc = rc != LP_OK ? rc : get_u64(o, "header_offset", &e->header_offset);
	rc = rc != LP_OK ? rc : get_u64(o, "data_offset", &e->data_offset);
	if (json_object_get(o, "devmajor") != NULL || json_object_get(o, "devminor") != NULL)
		e->has |= LP_HAS_DEV;
	if (json_object_get(o, "header_offset") != NULL || json_object_get(o, "data_offset") != NULL)
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
	int rc = lp_rowread_begin(r, r->text.n);

	if (rc != LP_OK)
		return rc;
	rc = get_texts(r);
	rc = rc != LP_OK ? rc : get_type(r);
	rc = rc != LP_OK ? rc : get_i64(r->json, "uid", &e->uid);
	rc = rc != LP_OK ? rc : get_i64(r->json, "gid", &e->gid);
	rc = rc != LP_OK ? rc : get_u64(r->json, "size", &e->size);
	rc = rc != LP_OK ? rc : get_mtime(r->json, e);
	rc = rc != LP_OK ? rc : get_more(r);
	rc = rc != LP_OK ? rc : get_xattrs(r);
	if (rc != LP_OK)
		return r->why != NULL ? rc : lp_rowread_fail(r, rc, "no row: a key does not hold what its name says");
	/* it may be empty: there are tars with such members, and runtimes take them */
	return e->name.p != NULL ? lp_rowread_done(r) : lp_rowread_fail(r, LP_E_DATA, "no row: the object has no name");
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
	r->counted = json_object_get(o, "entries") != NULL;
	rc = json_is_object(o) ? get_u64(o, "entries", &r->end.entries) : LP_E_DATA;
	rc = rc != LP_OK ? rc : get_u64(o, "bytes", &r->end.bytes);
	rc = rc != LP_OK ? rc : end_complete(json_object_get(o, "complete"), &r->end.complete);
	for (size_t i = 0; i < LP_ROWEND_TEXTS && rc == LP_OK; i++) {
		const struct lp_rowend_text *t = &lp_rowend_texts[i];
		struct lp_span exact = lp_json_get_string(o, t->exact);

		rc = exact.p != NULL ? lp_rowread_end_text(r, t, exact, lp_base64_decode) :
		    lp_rowread_end_text(r, t, lp_json_get_string(o, t->key), lp_buf_add);
	}
	return rc == LP_OK ? LP_OK : lp_rowread_bad_end(r, rc);
}
