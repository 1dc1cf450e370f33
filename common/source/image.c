/* Loads an image's manifest and configuration, verified by digest. */
#include "common/source/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/layout.h"
#include "common/source/image_priv.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"

static const char *const manifest_headers[] = { lp_manifest_accept, NULL };

int
lp_image_fail(struct lp_image *im, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(im->why, sizeof(im->why), fmt, ap);
	va_end(ap);
	return rc;
}

int
lp_image_fail_sys(struct lp_image *im, int rc, const char *what)
{
	if (rc == LP_E_SYS && errno != 0)
		return lp_image_fail(im, rc, "%s: %s", what, lp_err_text(errno));
	return lp_image_fail(im, rc, "%s", rc == LP_E_NOMEM ? "out of memory" : what);
}

int
lp_image_not_kept(struct lp_image *im, int rc, const char *what)
{
	int err = errno;
	struct lp_buf name;

	if (rc == LP_OK)
		return rc;
	lp_buf_init(&name, LP_REF_TEXT_MAX);
	if (lp_reference_put(&im->ref, &name) != LP_OK)
		rc = LP_E_NOMEM;
	errno = err;
	rc = lp_env_not_kept(im->env, lp_quote(lp_buf_span(&name)), rc, &im->unkept);
	lp_buf_release(&name);
	return rc == LP_OK ? LP_OK : lp_image_fail_sys(im, rc, what);
}

/* ---- documents ----------------------------------------------------------------------- */

void
lp_document_init(struct lp_document *d)
{
	memset(d, 0, sizeof(*d));
	lp_buf_init(&d->bytes, LP_MAX_MANIFEST);
}

void
lp_document_release(struct lp_document *d)
{
	lp_manifest_release(&d->m);
	lp_buf_release(&d->bytes);
	d->digest[0] = '\0';
}

int
lp_image_open(struct lp_image *im, const struct lp_env *env, const struct lp_reference *ref)
{
	const char *why = "";
	int rc;

	memset(im, 0, sizeof(*im));
	im->env = env;
	im->ref = *ref;
	lp_document_init(&im->top);
	lp_document_init(&im->nested);
	lp_buf_init(&im->config_bytes, LP_MAX_CONFIG);
	if (ref->kind != LP_REF_OCI && ref->kind != LP_REF_DIR)
		return LP_OK;
	rc = lp_store_open(&im->layout, ref->path, ref->kind == LP_REF_DIR ? LP_STORE_DIR : LP_STORE_LAYOUT, &why);
	/* a misspelt path is no layout that lacks the image */
	if (rc == LP_E_ABSENT) {
		errno = ENOENT;
		rc = LP_E_SYS;
	}
	if (rc == LP_OK && lp_store_is_unmarked(im->layout))
		snprintf(im->note, sizeof(im->note), "it has no file oci-layout, and is read as if it had");
	return rc == LP_OK ? LP_OK : lp_image_fail_sys(im, rc, rc == LP_E_SYS ? lp_quotes(ref->path) : why);
}

void
lp_image_release(struct lp_image *im)
{
	lp_image_config_release(&im->config);
	lp_buf_release(&im->config_bytes);
	lp_document_release(&im->nested);
	lp_document_release(&im->top);
	lp_store_close(im->layout);
	im->layout = NULL;
	im->image = NULL;
}

/* ---- what is at hand: the layout or the store --------------------------------------------- */

struct lp_store *
lp_image_at_hand(const struct lp_image *im)
{
	return im->layout != NULL ? im->layout : im->env->store;
}

int
lp_image_is_local(const struct lp_image *im)
{
	return im->layout != NULL || im->archive != NULL;
}

int
lp_image_online(const struct lp_image *im)
{
	return !lp_image_is_local(im) && !im->env->offline;
}

/* A blob of a layout in a tar, held against its digest. */
static int
get_archived(struct lp_image *im, const char *digest, struct lp_buf *out)
{
	char path[LP_LAYOUT_PATH], is[LP_DIGEST_SIZE];
	int rc;

	lp_layout_path(digest, path);
	rc = lp_archive_read(im->archive, path, out);
	if (rc == LP_OK) {
		lp_hash_bytes_as(lp_buf_span(out), digest, is);
		return strcmp(is, digest) == 0 ? LP_OK : lp_image_fail(im, LP_E_DATA, "%s is corrupted", digest);
	}
	return rc == LP_E_ABSENT ? rc : lp_image_fail(im, rc, "%s", im->archive->why);
}

int
lp_image_fail_layout(struct lp_image *im, int rc, const char *digest)
{
	const char *link = rc == LP_E_SYS && im->layout != NULL ? lp_store_way_out(im->layout, digest) : NULL;

	if (link == NULL)
		return lp_image_fail_sys(im, rc, digest != NULL ? digest : im->ref.kind == LP_REF_DIR ? "manifest.json" : "index.json");
	return lp_image_fail(im, rc, "%s is " LP_STORE_WAY_OUT, link);
}

int
lp_image_kept(struct lp_image *im, const char *digest, struct lp_buf *out)
{
	struct lp_store *s = lp_image_at_hand(im);
	int rc;

	if (im->archive != NULL)
		return get_archived(im, digest, out);
	rc = s == NULL ? LP_E_ABSENT : lp_store_get(s, digest, out);

	if (rc == LP_OK)
		return rc;
	/* a corrupted copy is fetched again */
	if (rc == LP_E_DATA && lp_image_online(im))
		return LP_E_ABSENT;
	if (rc == LP_E_DATA)
		return lp_image_fail(im, rc, "%s is corrupted", digest);
	if (rc == LP_E_LIMIT)
		return lp_image_fail(im, rc, "%s is larger than %zu MiB", digest, out->max >> 20);
	return rc == LP_E_ABSENT ? rc : lp_image_fail_layout(im, rc, digest);
}

static int
put_kept(struct lp_image *im, const char *digest, struct lp_span bytes)
{
	struct lp_store *keeper = lp_image_is_local(im) || im->unkept ? NULL : lp_env_keeper(im->env);
	int rc = keeper == NULL ? LP_OK : lp_store_put_blob(keeper, digest, bytes);

	return lp_image_not_kept(im, rc, "cannot keep it in the store");
}

static int
absent(struct lp_image *im, const char *what)
{
	if (lp_image_is_local(im))
		return lp_image_fail(im, LP_E_ABSENT, "%s is not in the %s", what, im->layout != NULL ? "layout" : "archive");
	return lp_image_fail(im, LP_E_ABSENT, "%s is not in the store, and this is offline; lp-layers -S STORE records it", what);
}

/* ---- the registry ----------------------------------------------------------------------------- */

int
lp_image_get(struct lp_image *im, const char *method, const char *kind, const char *what, size_t max,
    struct lp_http_response *resp)
{
	const int manifest = strcmp(kind, "manifests") == 0;
	const char *name = manifest ? "manifest" : strcmp(kind, "referrers") == 0 ? "list of referrers" : "config";
	const struct lp_http_request how = { .method = method, .headers = manifest ? manifest_headers : NULL, .max = max };
	int rc = lp_registry_get(im->env->registry, &im->ref, kind, what, &how, resp);

	im->status = resp->status;
	if (rc == LP_E_LIMIT)
		return lp_image_fail(im, rc, "a %s of more than %zu MiB", name, max >> 20);
	if (rc != LP_OK)
		return lp_image_fail(im, rc, "%s", rc == LP_E_NOMEM ? "out of memory" : resp->why);
	if (lp_http_is_page(resp, lp_buf_span(&resp->body)))
		return lp_image_fail(im, LP_E_DATA, "got an HTML page instead of a %s, from %s", name, resp->where);
	return LP_OK;
}

int
lp_image_wrong_digest(struct lp_image *im, const char *what, const char *is, const char *want)
{
	return lp_image_fail(im, LP_E_DATA, "%s: its digest is %s, not %s", what, is, want);
}

/*
 * The digest of a manifest's bytes, by `want` if they are called so: a
 * signed schema 1 goes by that of its payload. With want "" by what it is.
 */
static int
manifest_digest(struct lp_image *im, struct lp_span bytes, const char *want, char *digest,
    struct lp_buf *payload)
{
	struct lp_manifest_error e;
	int rc;

	lp_hash_bytes_as(bytes, want, digest);
	if (strcmp(digest, want) == 0)
		return lp_buf_add(payload, bytes) == LP_OK ? LP_OK : lp_image_fail_sys(im, LP_E_NOMEM, "");
	rc = lp_manifest_payload(bytes, payload, &e);
	/* what is not even JSON has the wrong digest first of all, if one is known */
	if (rc != LP_OK && *want != '\0')
		return lp_image_wrong_digest(im, "the manifest", digest, want);
	if (rc != LP_OK)
		return lp_image_fail(im, rc, "the manifest: byte %zu: %s", e.offset, e.why);
	lp_hash_bytes_as(lp_buf_span(payload), want, digest);
	if (*want != '\0' && strcmp(digest, want) != 0)
		return lp_image_wrong_digest(im, "the manifest", digest, want);
	return LP_OK;
}

void
lp_image_announced(const struct lp_http_response *resp, char *digest)
{
	struct lp_span s = lp_http_header(resp, "docker-content-digest", 0);

	digest[0] = '\0';
	if (s.p != NULL && lp_digest_valid(s)) {
		memcpy(digest, s.p, s.n);
		digest[s.n] = '\0';
	}
}

/* What came was no such document: a mirror's may be asked for elsewhere. */
static int
elsewhere(struct lp_image *im, int rc)
{
	return (rc == LP_E_DATA || rc == LP_E_LIMIT) && lp_registry_distrust(im->env->registry, &im->ref, im->why);
}

/* From one place. */
static int
fetch_once(struct lp_image *im, const char *what, const char *want, struct lp_document *d, struct lp_buf *payload)
{
	struct lp_http_response resp;
	char says[LP_DIGEST_SIZE];
	int rc;

	lp_http_response_init(&resp);
	lp_buf_clear(payload);
	lp_buf_clear(&d->bytes);
	rc = lp_image_get(im, "GET", "manifests", what, LP_MAX_MANIFEST, &resp);
	if (rc == LP_OK) {
		lp_image_announced(&resp, says);
		rc = manifest_digest(im, lp_buf_span(&resp.body), *want != '\0' ? want : says, d->digest, payload);
	}
	if (rc == LP_OK && lp_buf_add(&d->bytes, lp_buf_span(&resp.body)) != LP_OK)
		rc = lp_image_fail_sys(im, LP_E_NOMEM, "");
	lp_http_response_release(&resp);
	return rc;
}

int
lp_image_fetch(struct lp_image *im, const char *what, const char *want, struct lp_document *d)
{
	struct lp_buf payload;
	int rc;

	lp_buf_init(&payload, LP_MAX_MANIFEST);
	do
		rc = fetch_once(im, what, want, d, &payload);
	while (elsewhere(im, rc));
	/* under its digest only the bytes that have it can be kept */
	d->kept_size = payload.n;
	rc = rc != LP_OK ? rc : put_kept(im, d->digest, lp_buf_span(&payload));
	lp_buf_release(&payload);
	return rc;
}

/* ---- by digest ---------------------------------------------------------------------------------- */

int
lp_image_parse(struct lp_image *im, struct lp_document *d)
{
	struct lp_manifest_error e;
	int rc = lp_manifest_parse(lp_buf_span(&d->bytes), &d->m, &e);

	if (rc == LP_OK)
		return LP_OK;
	if (e.entry >= 0)
		return lp_image_fail(im, rc, "the manifest %s: entry %d: %s", d->digest, e.entry, e.why);
	return lp_image_fail(im, rc, "the manifest %s: byte %zu: %s", d->digest, e.offset, e.why);
}

int
lp_image_manifest(struct lp_image *im, const char *digest, struct lp_document *d)
{
	int rc;

	if (++im->documents > LP_IMAGE_DOCUMENTS)
		return lp_image_fail(im, LP_E_LIMIT, "more than %d manifests and indexes", LP_IMAGE_DOCUMENTS);
	lp_document_release(d);
	snprintf(d->digest, sizeof(d->digest), "%s", digest);
	rc = lp_image_kept(im, digest, &d->bytes);
	d->kept_size = d->bytes.n;
	if (rc == LP_E_ABSENT) {
		lp_buf_clear(&d->bytes);
		rc = lp_image_online(im) ? lp_image_fetch(im, digest, digest, d) : absent(im, digest);
	}
	return rc != LP_OK ? rc : lp_image_parse(im, d);
}

int
lp_image_flat(struct lp_image *im)
{
	struct lp_buf payload;
	int rc;

	lp_document_release(&im->top);
	rc = lp_store_index(im->layout, &im->top.bytes);
	if (rc != LP_OK)
		return rc == LP_E_LIMIT ? lp_image_fail(im, rc, "manifest.json has more than %zu MiB", (size_t)LP_MAX_MANIFEST >> 20) :
		    lp_image_fail_layout(im, rc == LP_E_ABSENT ? LP_E_SYS : rc, NULL);
	lp_buf_init(&payload, LP_MAX_MANIFEST);
	rc = manifest_digest(im, lp_buf_span(&im->top.bytes), "", im->top.digest, &payload);
	im->top.kept_size = payload.n;
	lp_buf_release(&payload);
	return rc != LP_OK ? rc : lp_image_parse(im, &im->top);
}

/* The digest decides; runtimes do not all look at the size. */
static void
check_size(const struct lp_descriptor *d, size_t n)
{
	if (d->odd_size)
		lp_note("%.*s: it has %zu bytes, its descriptor has a size that is no number of bytes", (int)d->digest.n,
		    (const char *)d->digest.p, n);
	else if (d->has_size && d->size != n)
		lp_note("%.*s: it has %zu bytes, its descriptor says %llu", (int)d->digest.n,
		    (const char *)d->digest.p, n, (unsigned long long)d->size);
}

int
lp_image_entry(struct lp_image *im, const struct lp_descriptor *entry, struct lp_document *d)
{
	char digest[LP_DIGEST_SIZE];
	int rc;

	snprintf(digest, sizeof(digest), "%.*s", (int)entry->digest.n, (const char *)entry->digest.p);
	rc = lp_image_manifest(im, digest, d);
	/* a signed schema 1 is called by its payload's digest, and its size is nobody's */
	if (rc == LP_OK && d->m.kind != LP_MANIFEST_SCHEMA1)
		check_size(entry, d->bytes.n);
	return rc;
}

/* ---- config ---------------------------------------------------------------------------------------------- */

static int
fetch_config_once(struct lp_image *im, const char *digest)
{
	struct lp_http_response resp;
	char is[LP_DIGEST_SIZE];
	int rc;

	lp_http_response_init(&resp);
	rc = lp_image_get(im, "GET", "blobs", digest, LP_MAX_CONFIG, &resp);
	if (rc == LP_OK) {
		lp_hash_bytes_as(lp_buf_span(&resp.body), digest, is);
		if (strcmp(is, digest) != 0)
			rc = lp_image_wrong_digest(im, "the config", is, digest);
		else if (lp_buf_add(&im->config_bytes, lp_buf_span(&resp.body)) != LP_OK)
			rc = lp_image_fail_sys(im, LP_E_NOMEM, "");
	}
	lp_http_response_release(&resp);
	return rc;
}

static int
fetch_config(struct lp_image *im, const char *digest)
{
	int rc;

	do
		rc = fetch_config_once(im, digest);
	while (elsewhere(im, rc));
	return rc != LP_OK ? rc : put_kept(im, digest, lp_buf_span(&im->config_bytes));
}

int
lp_image_load_config(struct lp_image *im)
{
	const struct lp_manifest *m = &im->image->m;
	char digest[LP_DIGEST_SIZE];
	struct lp_manifest_error e;
	int rc;

	if (im->config.root != NULL || m->kind != LP_MANIFEST_IMAGE || m->artifact_type.n > 0)
		return LP_OK;
	snprintf(digest, sizeof(digest), "%.*s", (int)m->config.digest.n, (const char *)m->config.digest.p);
	rc = lp_image_kept(im, digest, &im->config_bytes);
	if (rc == LP_E_ABSENT) {
		lp_buf_clear(&im->config_bytes);
		rc = lp_image_online(im) ? fetch_config(im, digest) : absent(im, digest);
	}
	if (rc != LP_OK)
		return rc;
	check_size(&m->config, im->config_bytes.n);
	rc = lp_image_config_parse(lp_buf_span(&im->config_bytes), m->n, &im->config, &e);
	return rc == LP_OK ? LP_OK : lp_image_fail(im, rc, "the config %s: byte %zu: %s", digest, e.offset, e.why);
}
