/* Decodes one entry of a table of contents. */
#include "common/toc/toc_entry.h"

#include "common/base/base64.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/toc/toc_fields.h"

/* Keys whose values are strings, then those whose values are numbers. */
enum text { NAME, TYPE, LINKNAME, UNAME, GNAME, MODTIME, DIGEST, CHUNKDIGEST, CHUNKTYPE, TEXTS };
enum number { SIZE, MODE, UID, GID, DEVMAJOR, DEVMINOR, OFFSET, ENDOFFSET, INNEROFFSET, CHUNKOFFSET, CHUNKSIZE, NUMBERS };

static const char *const text_keys[TEXTS] = { "name", "type", "linkName", "userName", "groupName", "modtime",
	"digest", "chunkDigest", "chunkType" };
static const char *const number_keys[NUMBERS] = { "size", "mode", "uid", "gid", "devMajor", "devMinor", "offset",
	"endOffset", "innerOffset", "chunkOffset", "chunkSize" };

struct raw {
	struct lp_span text[TEXTS];
	int64_t number[NUMBERS];
	json_t *xattrs;
};

void
lp_toc_item_init(struct lp_toc_item *it)
{
	*it = (struct lp_toc_item){ .json = NULL };
	lp_buf_init(&it->xattrs, LP_MAX_TOC_ENTRY);
	lp_buf_init(&it->values, LP_MAX_TOC_ENTRY);
}

void
lp_toc_item_release(struct lp_toc_item *it)
{
	json_decref(it->json);
	it->json = NULL;
	lp_buf_release(&it->xattrs);
	lp_buf_release(&it->values);
}

static int
fail(struct lp_toc_item *it, int rc, const char *why)
{
	it->why = why;
	return rc;
}

/* 2: the same; 1: the same but for the case of ASCII letters; 0: another key. */
static int
key_match(const char *key, const char *known)
{
	int match = 2;

	for (; *key != '\0' && *known != '\0'; key++, known++) {
		if (*key == *known)
			continue;
		if ((*key ^ *known) != 0x20 || (*key | 0x20) < 'a' || (*key | 0x20) > 'z')
			return 0;
		match = 1;
	}
	return *key == *known ? match : 0;
}

/* The index of a key in a list, -1 if it is not there, -2 if only in another case. */
static int
key_find(const char *key, const char *const *list, int n)
{
	for (int i = 0; i < n; i++) {
		int match = key_match(key, list[i]);

		if (match > 0)
			return match == 2 ? i : -2;
	}
	return -1;
}

/* One member of the object into its place. null is as good as absent: Go's writers and readers have it so. */
static int
take(struct lp_toc_item *it, struct raw *r, const char *key, json_t *v)
{
	static const char *const xattrs_key[] = { "xattrs" };
	int t = key_find(key, text_keys, TEXTS);
	int n = t == -1 ? key_find(key, number_keys, NUMBERS) : -1;
	int x = t == -1 && n == -1 ? key_find(key, xattrs_key, 1) : -1;

	if (t == -2 || n == -2 || x == -2)
		return fail(it, LP_E_DATA, "a key is known in another case only: readers disagree about it");
	if (json_is_null(v))
		return LP_OK;
	if (t >= 0) {
		if (!json_is_string(v))
			return fail(it, LP_E_DATA, "a name, type, time or digest is not a string");
		r->text[t] = lp_span(json_string_value(v), json_string_length(v));
	} else if (n >= 0) {
		if (!json_is_integer(v))
			return fail(it, LP_E_DATA, "a size, owner or offset is not an integer");
		r->number[n] = json_integer_value(v);
	} else if (x >= 0) {
		if (!json_is_object(v))
			return fail(it, LP_E_DATA, "xattrs is not an object");
		r->xattrs = v;
	}
	return LP_OK;
}

static int
set_digest(struct lp_toc_item *it, struct lp_span *digest, struct lp_span text)
{
	if (text.n > 0 && !lp_digest_is_sha256(text))
		return fail(it, LP_E_DATA, "a digest is not sha256 and 64 hexadecimal digits");
	*digest = text;
	return LP_OK;
}

/* eStargz leaves the time out where it is 1970's first second. */
static int
set_mtime(struct lp_toc_item *it, struct lp_span text)
{
	if (text.n > 0)
		return lp_toc_mtime(&it->entry, text, &it->why);
	it->entry.has |= LP_HAS_MTIME;
	return LP_OK;
}

static int
set_numbers(struct lp_toc_item *it, const struct raw *r)
{
	static const unsigned char unsigned_fields[] = { SIZE, MODE, DEVMAJOR, DEVMINOR, OFFSET, ENDOFFSET,
		INNEROFFSET, CHUNKOFFSET, CHUNKSIZE };
	struct lp_entry *e = &it->entry;

	for (size_t i = 0; i < sizeof(unsigned_fields); i++)
		if (r->number[unsigned_fields[i]] < 0)
			return fail(it, LP_E_DATA, "a size or offset is negative");
	e->mode = (uint32_t)(r->number[MODE] & 07777);
	e->uid = r->number[UID];
	e->gid = r->number[GID];
	if (e->type == LP_REG)
		e->size = (uint64_t)r->number[SIZE];
	it->chunk.at = (uint64_t)r->number[CHUNKOFFSET];
	it->chunk.size = (uint64_t)r->number[CHUNKSIZE];
	it->chunk.offset = (uint64_t)r->number[OFFSET];
	it->chunk.inner = (uint64_t)r->number[INNEROFFSET];
	it->chunk.end = (uint64_t)r->number[ENDOFFSET];
	return lp_toc_device(e, r->number[DEVMAJOR], r->number[DEVMINOR], &it->why);
}

/* One attribute; its value's place is noted as an offset, because the buffer may still move. */
static int
add_xattr(struct lp_toc_item *it, const char *name, const json_t *v)
{
	struct lp_xattr x = { .name = lp_span_str(name) };
	size_t start = it->values.n;
	int rc;

	if (!json_is_string(v))
		return fail(it, LP_E_DATA, "an extended attribute is not a string");
	if (it->xattrs.n / sizeof(x) == LP_MAX_PAX_RECORDS)
		return fail(it, LP_E_LIMIT, "more extended attributes than any file has");
	rc = lp_base64_decode(&it->values, lp_span(json_string_value(v), json_string_length(v)));
	x.value.n = it->values.n - start;
	if (rc == LP_OK)
		rc = lp_buf_add(&it->xattrs, lp_span(&x, sizeof(x)));
	if (rc == LP_E_DATA)
		return fail(it, rc, "an extended attribute is not base64");
	return rc == LP_OK ? rc : fail(it, rc, "extended attributes need too much memory");
}

static int
set_xattrs(struct lp_toc_item *it, json_t *object)
{
	const unsigned char *value;
	struct lp_xattr *x;
	const char *name;
	json_t *v;

	lp_buf_clear(&it->xattrs);
	lp_buf_clear(&it->values);
	json_object_foreach(object, name, v) {
		int rc = add_xattr(it, name, v);

		if (rc != LP_OK)
			return rc;
	}
	x = (struct lp_xattr *)(void *)it->xattrs.p;
	value = it->values.p;
	it->entry.xattrs = x;
	it->entry.nxattrs = it->xattrs.n / sizeof(*x);
	for (size_t i = 0; i < it->entry.nxattrs; i++) {
		x[i].value.p = value;
		value += x[i].value.n;
	}
	/* lp(5): in order of their names; an object has none */
	lp_xattrs_sort(x, it->entry.nxattrs);
	return LP_OK;
}

/* What any table of contents says of a member. */
static int
set_fields(struct lp_toc_item *it, const struct raw *r)
{
	int rc;

	it->is_chunk = lp_span_is(r->text[TYPE], "chunk");
	rc = it->is_chunk ? LP_OK : lp_toc_type(&it->entry, r->text[TYPE], &it->why);
	it->entry.name = r->text[NAME];
	it->entry.linkname = r->text[LINKNAME];
	it->entry.uname = r->text[UNAME];
	it->entry.gname = r->text[GNAME];
	return rc != LP_OK ? rc : lp_toc_names(&it->entry, &it->why);
}

static int
fill(struct lp_toc_item *it, const struct raw *r)
{
	int rc;

	if (r->text[CHUNKTYPE].n > 0 && !lp_span_is(r->text[CHUNKTYPE], "zeros"))
		return fail(it, LP_E_DATA, "a chunk is of no known type");
	if ((rc = set_fields(it, r)) != LP_OK || (rc = set_numbers(it, r)) != LP_OK ||
	    (rc = set_digest(it, &it->chunk.digest, r->text[CHUNKDIGEST])) != LP_OK ||
	    (rc = set_digest(it, &it->digest, r->text[DIGEST])) != LP_OK ||
	    (rc = set_mtime(it, r->text[MODTIME])) != LP_OK)
		return rc;
	if (r->xattrs == NULL)
		return LP_OK;
	return set_xattrs(it, r->xattrs);
}

int
lp_toc_item_decode(struct lp_toc_item *it, struct lp_span json)
{
	struct raw r = { .xattrs = NULL };
	struct lp_json_error error;
	const char *key;
	json_t *v;
	int rc;

	json_decref(it->json);
	it->json = NULL;
	it->entry = (struct lp_entry){ .type = LP_REG };
	it->chunk = (struct lp_toc_chunk){ .at = 0 };
	it->digest = lp_span(NULL, 0);
	it->is_chunk = 0;
	it->error_offset = 0;
	rc = lp_json_load(json, &it->json, &error);
	if (rc != LP_OK) {
		it->error_offset = error.offset;
		return fail(it, rc, error.why);
	}
	if (!json_is_object(it->json))
		return fail(it, LP_E_DATA, "an entry is not an object");
	json_object_foreach(it->json, key, v) {
		rc = take(it, &r, key, v);
		if (rc != LP_OK)
			return rc;
	}
	return fill(it, &r);
}
