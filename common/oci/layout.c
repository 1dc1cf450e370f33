/* Parses and edits index.json of an OCI layout. */
#include "common/oci/layout.h"

#include <stdio.h>

#include "common/base/status.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME "io.containerd.image.name"

void
lp_layout_path(const char *digest, char path[LP_LAYOUT_PATH])
{
	snprintf(path, LP_LAYOUT_PATH, "blobs/%.6s/%s", digest, digest + LP_DIGEST_PREFIX);
}

int
lp_layout_digest(const char *path, char digest[LP_DIGEST_SIZE])
{
	static const char blobs[] = "blobs/";
	const char *p = path + sizeof(blobs) - 1;

	if (strncmp(path, blobs, sizeof(blobs) - 1) != 0 || strlen(p) >= LP_DIGEST_SIZE || strlen(p) < LP_DIGEST_PREFIX)
		return 0;
	memcpy(digest, p, strlen(p) + 1);
	if (digest[LP_DIGEST_PREFIX - 1] != '/')
		return 0;
	digest[LP_DIGEST_PREFIX - 1] = ':';
	return lp_digest_valid(lp_span_str(digest));
}

static int
fail(struct lp_json_error *e, int rc, const char *why)
{
	*e = (struct lp_json_error){ .why = why };
	return rc;
}

/* The document and its list of manifests. */
static int
load(struct lp_span json, json_t **root, json_t **list, struct lp_json_error *e)
{
	int rc = lp_json_load_lax(json, 0, root, e);

	if (rc != LP_OK)
		return rc;
	*list = json_object_get(*root, "manifests");
	if (json_is_array(*list))
		return LP_OK;
	json_decref(*root);
	return fail(e, LP_E_DATA, "no array \"manifests\"");
}

static struct lp_span
annotation(const json_t *descriptor, const char *key)
{
	return lp_json_get_string(json_object_get(descriptor, "annotations"), key);
}

static int
is_named(const json_t *descriptor, const char *name)
{
	return lp_span_is(annotation(descriptor, REF_NAME), name) ||
	    lp_span_is(annotation(descriptor, CONTAINERD_NAME), name);
}

/* The buffer, and what adding to it came to. */
struct text {
	struct lp_buf *out;
	int rc;
};

static int
add(const char *p, size_t n, void *arg)
{
	struct text *t = arg;

	t->rc = lp_buf_add(t->out, lp_span(p, n));
	return t->rc == LP_OK ? 0 : -1;
}

static int
write_json(const json_t *root, struct lp_buf *out)
{
	struct text t = { out, LP_OK };

	return json_dump_callback(root, add, &t, JSON_COMPACT) == 0 ? LP_OK : t.rc != LP_OK ? t.rc : LP_E_NOMEM;
}

/* The document with that list in place of its own. */
static int
write_list(json_t *root, json_t *list, struct lp_buf *out)
{
	return json_object_set(root, "manifests", list) == 0 ? write_json(root, out) : LP_E_NOMEM;
}

/* The end of all that write. */
static int
written(struct lp_json_error *e, int rc)
{
	return rc == LP_OK ? LP_OK : fail(e, rc, rc == LP_E_LIMIT ? "too many names" : "out of memory");
}

/* Of several with one name the last: what was written last is what the name means. */
static const json_t *
pick(const json_t *list, const char *name)
{
	const json_t *found = NULL, *d;
	size_t i;

	if (name == NULL)
		return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
	json_array_foreach(list, i, d)
		if (is_named(d, name))
			found = d;
	return found;
}

static int
take(const json_t *d, struct lp_layout_entry *out, struct lp_json_error *e)
{
	struct lp_span digest = lp_json_get_string(d, "digest"), type = lp_json_get_string(d, "mediaType");
	size_t n = type.n < sizeof(out->mediatype) ? type.n : sizeof(out->mediatype) - 1;
	int rc;

	*out = (struct lp_layout_entry){ 0 };
	if (!lp_digest_valid(digest))
		return fail(e, LP_E_DATA, "a digest that is not " LP_DIGEST_FORM);
	memcpy(out->digest, digest.p, digest.n);
	if (n > 0)
		memcpy(out->mediatype, type.p, n);
	rc = lp_json_get_u64(d, "size", &out->size);
	out->has_size = rc == LP_OK;
	out->odd_size = rc == LP_E_DATA;
	return LP_OK;
}

int
lp_layout_find(struct lp_span json, const char *name, struct lp_layout_entry *out, struct lp_json_error *e)
{
	json_t *root, *list;
	const json_t *d;
	int rc = load(json, &root, &list, e);

	if (rc != LP_OK)
		return rc;
	d = pick(list, name);
	rc = d != NULL ? take(d, out, e) : fail(e, LP_E_ABSENT, name != NULL ? "no image of that name" :
	    json_array_size(list) == 0 ? "no image at all" : "several images, so it takes a name");
	json_decref(root);
	return rc;
}

int
lp_layout_choice(struct lp_span json, const char *name, struct lp_buf *out, struct lp_json_error *e)
{
	json_t *root, *list, *of_name = json_array();
	size_t told = 0, i;
	const json_t *d;
	int rc = of_name != NULL ? load(json, &root, &list, e) : fail(e, LP_E_NOMEM, "out of memory");

	if (rc != LP_OK) {
		json_decref(of_name);
		return rc;
	}
	json_array_foreach(list, i, d) {
		if (name == NULL || !is_named(d, name))
			continue;
		told += json_is_object(json_object_get(d, "platform"));
		if (json_array_insert(of_name, 0, json_array_get(list, i)) != 0)
			rc = LP_E_NOMEM;
	}
	if (rc == LP_OK && told > 0 && json_array_size(of_name) > 1)
		rc = write_list(root, of_name, out);
	json_decref(of_name);
	json_decref(root);
	return written(e, rc);
}

int
lp_layout_names(struct lp_span json, struct lp_buf *b)
{
	struct lp_json_error e;
	json_t *root, *list;
	const json_t *d;
	size_t i, before = b->n;
	int rc = load(json, &root, &list, &e);

	if (rc != LP_OK)
		return rc;
	json_array_foreach(list, i, d) {
		struct lp_span name = annotation(d, REF_NAME);

		if (name.n == 0)
			continue;
		rc = rc != LP_OK || b->n == before ? rc : lp_buf_adds(b, ", ");
		rc = rc != LP_OK ? rc : lp_buf_add(b, name);
	}
	json_decref(root);
	return rc;
}

/* ---- writing ------------------------------------------------------------------- */

static json_t *
descriptor_of(const char *name, const struct lp_layout_entry *entry)
{
	json_t *d = json_pack("{s:s, s:s, s:I, s:{s:s}}", "mediaType", entry->mediatype, "digest", entry->digest,
	    "size", (json_int_t)entry->size, "annotations", REF_NAME, name);

	return d;
}

static int
same(const json_t *d, const struct lp_layout_entry *entry)
{
	uint64_t size;

	return lp_span_is(lp_json_get_string(d, "digest"), entry->digest) &&
	    lp_span_is(lp_json_get_string(d, "mediaType"), entry->mediatype) &&
	    lp_json_get_u64(d, "size", &size) == LP_OK && size == entry->size;
}

int
lp_layout_set(struct lp_span json, const char *name, const struct lp_layout_entry *entry, struct lp_buf *out,
    struct lp_json_error *e)
{
	json_t *root, *list, *left;
	const json_t *old, *d;
	size_t i;
	int rc = load(json, &root, &list, e);

	if (rc != LP_OK)
		return rc;
	old = pick(list, name);
	if (old != NULL && same(old, entry)) {
		rc = lp_buf_add(out, json);
		goto out;
	}
	left = json_array();
	json_array_foreach(list, i, d) {
		if (!lp_span_is(annotation(d, REF_NAME), name) && json_array_append(left, json_array_get(list, i)) != 0)
			rc = LP_E_NOMEM;
	}
	if (rc == LP_OK && json_array_append_new(left, descriptor_of(name, entry)) != 0)
		rc = LP_E_NOMEM;
	rc = rc == LP_OK ? write_list(root, left, out) : rc;
	json_decref(left);
out:
	json_decref(root);
	return written(e, rc);
}

int
lp_layout_keep(struct lp_span json, int (*keep)(void *arg, const char *digest), void *arg, struct lp_buf *out,
    struct lp_json_error *e)
{
	json_t *root, *list, *left = json_array();
	int rc = left != NULL ? load(json, &root, &list, e) : fail(e, LP_E_NOMEM, "out of memory");
	const json_t *d;
	size_t i;

	if (rc != LP_OK) {
		json_decref(left);
		return rc;
	}
	json_array_foreach(list, i, d) {
		struct lp_span digest = lp_json_get_string(d, "digest");

		/* what is no descriptor is not ours to judge */
		if ((!lp_digest_valid(digest) || keep(arg, (const char *)digest.p)) &&
		    json_array_append(left, json_array_get(list, i)) != 0)
			rc = LP_E_NOMEM;
	}
	if (rc == LP_OK && json_array_size(left) == json_array_size(list))
		rc = lp_buf_add(out, json);
	else if (rc == LP_OK)
		rc = write_list(root, left, out);
	json_decref(left);
	json_decref(root);
	return written(e, rc);
}
