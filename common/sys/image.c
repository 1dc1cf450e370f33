#include "common/sys/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/format/layout.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"

static const char *const manifest_headers[] = { lp_manifest_accept, NULL };

static int fail(struct lp_image *, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
fail(struct lp_image *im, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(im->why, sizeof(im->why), fmt, ap);
	va_end(ap);
	return rc;
}

static int
fail_sys(struct lp_image *im, int rc, const char *what)
{
	if (rc == LP_E_SYS && errno != 0)
		return fail(im, rc, "%s: %s", what, strerrordesc_np(errno));
	return fail(im, rc, "%s", rc == LP_E_NOMEM ? "out of memory" : what);
}

/* ---- documents ----------------------------------------------------------------------- */

static void
document_init(struct lp_document *d)
{
	memset(d, 0, sizeof(*d));
	lp_buf_init(&d->bytes, LP_MAX_MANIFEST);
}

static void
document_release(struct lp_document *d)
{
	lp_manifest_release(&d->m);
	lp_buf_release(&d->bytes);
	d->digest[0] = '\0';
}

int
lp_image_open(struct lp_image *im, const struct lp_image_env *env, const struct lp_reference *ref)
{
	const char *why = "";
	int rc;

	memset(im, 0, sizeof(*im));
	im->env = env;
	im->ref = *ref;
	document_init(&im->top);
	document_init(&im->nested);
	lp_buf_init(&im->config_bytes, LP_MAX_CONFIG);
	if (ref->kind != LP_REF_OCI)
		return LP_OK;
	rc = lp_store_open(&im->layout, ref->path, LP_STORE_READ, &why);
	return rc == LP_OK ? LP_OK : fail_sys(im, rc, why);
}

void
lp_image_release(struct lp_image *im)
{
	lp_image_config_release(&im->config);
	lp_buf_release(&im->config_bytes);
	document_release(&im->nested);
	document_release(&im->top);
	lp_store_close(im->layout);
	im->layout = NULL;
	im->image = NULL;
}

/* ---- what is at hand: the layout or the store --------------------------------------------- */

static struct lp_store *
at_hand(const struct lp_image *im)
{
	return im->layout != NULL ? im->layout : im->env->store;
}

static int
online(const struct lp_image *im)
{
	return im->layout == NULL && !im->env->offline;
}

/* LP_OK, LP_E_ABSENT, or a failure that nothing can make good. */
static int
get_kept(struct lp_image *im, const char *digest, struct lp_buf *out)
{
	struct lp_store *s = at_hand(im);
	int rc = s == NULL ? LP_E_ABSENT : lp_store_get(s, digest, out);

	if (rc == LP_OK)
		return rc;
	/* a corrupted copy is fetched again */
	if (rc == LP_E_DATA && online(im))
		return LP_E_ABSENT;
	if (rc == LP_E_DATA)
		return fail(im, rc, "%s is corrupted", digest);
	if (rc == LP_E_LIMIT)
		return fail(im, rc, "%s is larger than %zu MiB", digest, out->max >> 20);
	return rc == LP_E_ABSENT ? rc : fail_sys(im, rc, digest);
}

static int
put_kept(struct lp_image *im, const char *digest, struct lp_span bytes)
{
	int rc = im->env->store == NULL || im->layout != NULL ? LP_OK :
	    lp_store_put_blob(im->env->store, digest, bytes);

	return rc == LP_OK ? rc : fail_sys(im, rc, "cannot keep it in the store");
}

static int
absent(struct lp_image *im, const char *what)
{
	if (im->layout != NULL)
		return fail(im, LP_E_ABSENT, "%s is not in the layout", what);
	return fail(im, LP_E_ABSENT, "%s is not in the store, and this is offline; lp-layers -S STORE records it", what);
}

/* ---- the registry ----------------------------------------------------------------------------- */

static int
get(struct lp_image *im, const char *method, const char *kind, const char *what, size_t max,
    struct lp_http_response *resp)
{
	int manifest = strcmp(kind, "manifests") == 0;
	int rc = lp_registry_get(im->env->registry, &im->ref, method, kind, what,
	    manifest ? manifest_headers : NULL, max, resp);

	if (rc == LP_E_LIMIT)
		return fail(im, rc, "a %s of more than %zu MiB", manifest ? "manifest" : "config", max >> 20);
	return rc == LP_OK ? rc : fail(im, rc, "%s", rc == LP_E_NOMEM ? "out of memory" : resp->why);
}

static int
wrong_digest(struct lp_image *im, const char *what, const char *is, const char *want)
{
	return fail(im, LP_E_DATA, "%s: its digest is %s, not %s", what, is, want);
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

	lp_hash_bytes(bytes, digest);
	if (strcmp(digest, want) == 0)
		return lp_buf_add(payload, bytes) == LP_OK ? LP_OK : fail_sys(im, LP_E_NOMEM, "");
	rc = lp_manifest_payload(bytes, payload, &e);
	/* what is not even JSON has the wrong digest first of all, if one is known */
	if (rc != LP_OK && *want != '\0')
		return wrong_digest(im, "the manifest", digest, want);
	if (rc != LP_OK)
		return fail(im, rc, "the manifest: byte %zu: %s", e.offset, e.why);
	lp_hash_bytes(lp_buf_span(payload), digest);
	if (*want != '\0' && strcmp(digest, want) != 0)
		return wrong_digest(im, "the manifest", digest, want);
	return LP_OK;
}

/* The digest that an answer announces, as a C string; "" if it announces none that we can check. */
static void
announced(const struct lp_http_response *resp, char *digest)
{
	struct lp_span s = lp_http_header(resp, "docker-content-digest", 0);

	digest[0] = '\0';
	if (s.p != NULL && lp_digest_valid(s)) {
		memcpy(digest, s.p, s.n);
		digest[s.n] = '\0';
	}
}

/* A manifest by tag or digest; `want` is the digest it must have, or "". */
static int
fetch_manifest(struct lp_image *im, const char *what, const char *want, struct lp_document *d)
{
	struct lp_http_response resp;
	char says[LP_DIGEST_SIZE];
	struct lp_buf payload;
	int rc;

	lp_http_response_init(&resp);
	lp_buf_init(&payload, LP_MAX_MANIFEST);
	rc = get(im, "GET", "manifests", what, LP_MAX_MANIFEST, &resp);
	if (rc == LP_OK) {
		announced(&resp, says);
		rc = manifest_digest(im, lp_buf_span(&resp.body), *want != '\0' ? want : says, d->digest, &payload);
	}
	if (rc == LP_OK && lp_buf_add(&d->bytes, lp_buf_span(&resp.body)) != LP_OK)
		rc = fail_sys(im, LP_E_NOMEM, "");
	/* under its digest only the bytes that have it can be kept */
	d->kept_size = payload.n;
	rc = rc != LP_OK ? rc : put_kept(im, d->digest, lp_buf_span(&payload));
	lp_buf_release(&payload);
	lp_http_response_release(&resp);
	return rc;
}

/* ---- by digest ---------------------------------------------------------------------------------- */

static int
parse(struct lp_image *im, struct lp_document *d)
{
	struct lp_manifest_error e;
	int rc = lp_manifest_parse(lp_buf_span(&d->bytes), &d->m, &e);

	if (rc == LP_OK)
		return LP_OK;
	if (e.entry >= 0)
		return fail(im, rc, "the manifest %s: entry %d: %s", d->digest, e.entry, e.why);
	return fail(im, rc, "the manifest %s: byte %zu: %s", d->digest, e.offset, e.why);
}

static int
load_manifest(struct lp_image *im, const char *digest, struct lp_document *d)
{
	int rc;

	if (++im->documents > LP_IMAGE_DOCUMENTS)
		return fail(im, LP_E_LIMIT, "more than %d manifests and indexes", LP_IMAGE_DOCUMENTS);
	document_release(d);
	snprintf(d->digest, sizeof(d->digest), "%s", digest);
	rc = get_kept(im, digest, &d->bytes);
	d->kept_size = d->bytes.n;
	if (rc == LP_E_ABSENT) {
		lp_buf_clear(&d->bytes);
		rc = online(im) ? fetch_manifest(im, digest, digest, d) : absent(im, digest);
	}
	return rc != LP_OK ? rc : parse(im, d);
}

static int
check_size(struct lp_image *im, const struct lp_descriptor *d, size_t n)
{
	if (d->has_size && d->size != n)
		return fail(im, LP_E_DATA, "%.*s: it has %zu bytes, its descriptor says %llu",
		    (int)d->digest.n, (const char *)d->digest.p, n, (unsigned long long)d->size);
	return LP_OK;
}

/* An entry of an index. */
static int
load_entry(struct lp_image *im, const struct lp_descriptor *entry, struct lp_document *d)
{
	char digest[LP_DIGEST_SIZE];
	int rc;

	snprintf(digest, sizeof(digest), "%.*s", (int)entry->digest.n, (const char *)entry->digest.p);
	rc = load_manifest(im, digest, d);
	/* a signed schema 1 is called by its payload's digest, and its size is nobody's */
	return rc != LP_OK || d->m.kind == LP_MANIFEST_SCHEMA1 ? rc : check_size(im, entry, d->bytes.n);
}

/* ---- by name ------------------------------------------------------------------------------------- */

/* How index.json calls what this reference is. */
static int
kept_name(struct lp_image *im, struct lp_buf *name)
{
	lp_buf_init(name, LP_REF_TEXT_MAX);
	if (lp_reference_put(&im->ref, name) != LP_OK || lp_buf_cstr(name) == NULL)
		return fail_sys(im, LP_E_NOMEM, "");
	return LP_OK;
}

static int
read_index(struct lp_image *im, struct lp_buf *b)
{
	int rc;

	lp_buf_init(b, LP_MAX_MANIFEST);
	rc = at_hand(im) == NULL ? LP_E_ABSENT : lp_store_index(at_hand(im), b);
	return rc == LP_OK || rc == LP_E_ABSENT ? rc : fail_sys(im, rc, "index.json");
}

/* What the layout or the store knows under this name. LP_E_ABSENT says in `why` what names there are. */
static int
find_name(struct lp_image *im, const char *name, struct lp_layout_entry *entry)
{
	struct lp_buf index, names;
	struct lp_json_error e;
	int rc = read_index(im, &index);

	lp_buf_init(&names, sizeof(im->why) / 2);
	if (rc == LP_OK)
		rc = lp_layout_find(lp_buf_span(&index), name, entry, &e);
	else
		e = (struct lp_json_error){ .why = "no index.json" };
	if (rc == LP_E_ABSENT) {
		(void)lp_layout_names(lp_buf_span(&index), &names);
		(void)fail(im, rc, "%s%s%s", e.why, names.n > 0 ? "; there are: " : "", lp_quote(lp_buf_span(&names)));
	} else if (rc != LP_OK && im->why[0] == '\0') {
		(void)fail(im, rc, "index.json: byte %zu: %s", e.offset, e.why);
	}
	lp_buf_release(&names);
	lp_buf_release(&index);
	return rc;
}

/* A layout that skopeo wrote (oci:DIR:TAG) names tags alone. */
static int
find_kept(struct lp_image *im, struct lp_layout_entry *entry)
{
	struct lp_buf name;
	int rc = kept_name(im, &name);

	rc = rc != LP_OK ? rc : find_name(im, (const char *)name.p, entry);
	if (rc == LP_E_ABSENT && im->ref.name[0] != '\0' && im->ref.digest[0] == '\0' &&
	    find_name(im, im->ref.name, entry) == LP_OK) {
		rc = LP_OK;
		snprintf(im->note, sizeof(im->note), "the store calls it %s, which names no repository",
		    lp_quotes(im->ref.name));
	}
	lp_buf_release(&name);
	return rc;
}

/* Let index.json say what the name led to; only a store of ours is ever written. */
struct keep {
	const char *name;
	struct lp_layout_entry entry;
};

static int
edit_index(void *arg, struct lp_span old, struct lp_buf *now)
{
	struct keep *k = arg;
	struct lp_json_error e;

	return lp_layout_set(old, k->name, &k->entry, now, &e);
}

static int
keep_name(struct lp_image *im)
{
	struct keep k = { 0 };
	struct lp_buf name;
	int rc;

	if (im->env->store == NULL || !online(im))
		return LP_OK;
	rc = kept_name(im, &name);
	k.name = (const char *)name.p;
	snprintf(k.entry.digest, sizeof(k.entry.digest), "%s", im->top.digest);
	snprintf(k.entry.mediatype, sizeof(k.entry.mediatype), "%.*s", (int)im->top.m.mediatype.n,
	    (const char *)im->top.m.mediatype.p);
	k.entry.size = im->top.kept_size;
	if (rc == LP_OK) {
		rc = lp_store_index_edit(im->env->store, edit_index, &k);
		if (rc != LP_OK)
			(void)fail_sys(im, rc, "cannot note the name in the store's index.json");
	}
	lp_buf_release(&name);
	return rc;
}

/*
 * HEAD: LP_OK with the digest, "" if the server does not announce one or has
 * no HEAD at all. What a GET would be answered with as well is a failure.
 */
static int
head_digest(struct lp_image *im, const char *what, char *digest)
{
	struct lp_http_response resp;
	int rc;

	digest[0] = '\0';
	lp_http_response_init(&resp);
	rc = get(im, "HEAD", "manifests", what, LP_MAX_MANIFEST, &resp);
	if (rc == LP_OK)
		announced(&resp, digest);
	else if (rc == LP_E_NET && (resp.status == 400 || resp.status == 405 || resp.status == 501))
		rc = LP_OK;
	lp_http_response_release(&resp);
	return rc;
}

/*
 * A tag, online. What the store has under that name is used if a HEAD, which
 * registries do not count as a pull, says that it is still the same.
 */
static int
load_tag(struct lp_image *im)
{
	struct lp_layout_entry kept = { 0 };
	char digest[LP_DIGEST_SIZE] = "";
	int rc;

	if (im->env->store != NULL && find_kept(im, &kept) == LP_OK) {
		rc = head_digest(im, im->ref.name, digest);
		im->note[0] = '\0';
		if (rc != LP_OK)
			return rc;
		if (strcmp(digest, kept.digest) == 0)
			return load_manifest(im, digest, &im->top);
	}
	im->note[0] = im->why[0] = '\0';
	im->documents++;
	rc = fetch_manifest(im, im->ref.name, "", &im->top);
	return rc != LP_OK ? rc : parse(im, &im->top);
}

int
lp_image_load(struct lp_image *im)
{
	const char *named = im->ref.name[0] != '\0' ? im->ref.name : NULL;
	struct lp_layout_entry e;
	int rc;

	if (im->ref.digest[0] != '\0')
		rc = load_manifest(im, im->ref.digest, &im->top);
	else if (online(im))
		rc = load_tag(im);
	else {
		rc = im->layout != NULL ? find_name(im, named, &e) : find_kept(im, &e);
		rc = rc != LP_OK ? rc : load_manifest(im, e.digest, &im->top);
	}
	return rc != LP_OK ? rc : keep_name(im);
}

int
lp_image_digest(struct lp_image *im, char digest[LP_DIGEST_SIZE])
{
	const char *what = im->ref.digest[0] != '\0' ? im->ref.digest : im->ref.name;
	struct lp_layout_entry e;
	int rc;

	digest[0] = '\0';
	if (online(im)) {
		rc = head_digest(im, what, digest);
		if (rc != LP_OK)
			return rc;
		if (im->ref.digest[0] != '\0' && digest[0] != '\0' && strcmp(digest, what) != 0)
			return wrong_digest(im, "the manifest", digest, what);
	} else if (im->ref.digest[0] == '\0') {
		rc = im->layout != NULL ? find_name(im, *what != '\0' ? what : NULL, &e) : find_kept(im, &e);
		if (rc == LP_OK)
			memcpy(digest, e.digest, sizeof(e.digest));
		return rc;
	}
	if (digest[0] != '\0')
		return LP_OK;
	/* read it, and hash */
	rc = lp_image_load(im);
	if (rc == LP_OK)
		memcpy(digest, im->top.digest, sizeof(im->top.digest));
	return rc;
}

/* ---- platforms --------------------------------------------------------------------------------------- */

/* One walk through indexes within indexes. */
struct walk {
	struct lp_image *im;
	lp_image_each *each;
	void *arg;
};

static int
visit(const struct walk *w, const struct lp_manifest *m, unsigned depth)
{
	int rc = LP_OK;

	for (size_t i = 0; i < m->n && rc == LP_OK; i++) {
		struct lp_document d;

		if (m->v[i].role == LP_ROLE_IMAGE)
			rc = w->each(w->arg, &m->v[i]);
		if (m->v[i].role != LP_ROLE_INDEX)
			continue;
		if (depth == LP_IMAGE_DEPTH)
			return fail(w->im, LP_E_LIMIT, "indexes are nested more than %d deep", LP_IMAGE_DEPTH);
		document_init(&d);
		rc = load_entry(w->im, &m->v[i], &d);
		if (rc == LP_OK && d.m.kind == LP_MANIFEST_INDEX)
			rc = visit(w, &d.m, depth + 1);
		document_release(&d);
	}
	return rc;
}

/* What is no index has the platform that its config says. */
static int
visit_single(struct lp_image *im, lp_image_each *each, void *arg)
{
	struct lp_descriptor d = { .mediatype = im->top.m.mediatype, .digest = lp_span_str(im->top.digest),
		.size = im->top.bytes.n, .has_size = 1, .role = LP_ROLE_IMAGE };
	int rc;

	im->image = &im->top;
	rc = lp_image_load_config(im);
	if (rc != LP_OK)
		return rc;
	d.has_platform = im->config.has_platform || im->top.m.has_platform;
	d.platform = im->config.has_platform ? im->config.platform : im->top.m.platform;
	return each(arg, &d);
}

int
lp_image_platforms(struct lp_image *im, lp_image_each *each, void *arg)
{
	struct walk w = { im, each, arg };

	return im->top.m.kind == LP_MANIFEST_INDEX ? visit(&w, &im->top.m, 1) : visit_single(im, each, arg);
}

static int
add_platform(void *arg, const struct lp_descriptor *d)
{
	struct lp_buf *b = arg;
	int rc = b->n > 0 ? lp_buf_adds(b, ", ") : LP_OK;

	if (rc != LP_OK || !d->has_platform)
		return rc;
	return lp_platform_put(&d->platform, b) == LP_OK ? LP_OK : LP_E_NOMEM;
}

static int
no_such_platform(struct lp_image *im, const struct lp_platform *want)
{
	struct lp_buf have, name;

	lp_buf_init(&have, sizeof(im->why) / 2);
	lp_buf_init(&name, 256);
	/* a list that is too long, or an index that cannot be had, cuts the list short and no more */
	(void)lp_image_platforms(im, add_platform, &have);
	(void)lp_platform_put(want, &name);
	(void)fail(im, LP_E_ABSENT, "nothing for %s; there is: %s", lp_quote(lp_buf_span(&name)),
	    have.n > 0 ? lp_quote(lp_buf_span(&have)) : "nothing that names its platform");
	lp_buf_release(&name);
	lp_buf_release(&have);
	return LP_E_ABSENT;
}

int
lp_image_choose(struct lp_image *im, const struct lp_platform *want)
{
	unsigned depth = 0;

	im->image = &im->top;
	while (im->image->m.kind == LP_MANIFEST_INDEX) {
		const struct lp_manifest *m = &im->image->m;
		size_t i = lp_manifest_choose(m, want);
		struct lp_document next;
		int rc;

		if (i == m->n)
			return no_such_platform(im, want);
		if (++depth > LP_IMAGE_DEPTH)
			return fail(im, LP_E_LIMIT, "indexes are nested more than %d deep", LP_IMAGE_DEPTH);
		document_init(&next);
		rc = load_entry(im, &m->v[i], &next);
		if (rc != LP_OK) {
			document_release(&next);
			return rc;
		}
		document_release(&im->nested);
		im->nested = next;
		im->image = &im->nested;
	}
	return LP_OK;
}

/* ---- config ---------------------------------------------------------------------------------------------- */

static int
fetch_config(struct lp_image *im, const char *digest)
{
	struct lp_http_response resp;
	char is[LP_DIGEST_SIZE];
	int rc;

	lp_http_response_init(&resp);
	rc = get(im, "GET", "blobs", digest, LP_MAX_CONFIG, &resp);
	if (rc == LP_OK) {
		lp_hash_bytes(lp_buf_span(&resp.body), is);
		if (strcmp(is, digest) != 0)
			rc = wrong_digest(im, "the config", is, digest);
		else if (lp_buf_add(&im->config_bytes, lp_buf_span(&resp.body)) != LP_OK)
			rc = fail_sys(im, LP_E_NOMEM, "");
	}
	rc = rc != LP_OK ? rc : put_kept(im, digest, lp_buf_span(&im->config_bytes));
	lp_http_response_release(&resp);
	return rc;
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
	rc = get_kept(im, digest, &im->config_bytes);
	if (rc == LP_E_ABSENT) {
		lp_buf_clear(&im->config_bytes);
		rc = online(im) ? fetch_config(im, digest) : absent(im, digest);
	}
	rc = rc != LP_OK ? rc : check_size(im, &m->config, im->config_bytes.n);
	if (rc != LP_OK)
		return rc;
	rc = lp_image_config_parse(lp_buf_span(&im->config_bytes), m->n, &im->config, &e);
	return rc == LP_OK ? LP_OK : fail(im, rc, "the config %s: byte %zu: %s", digest, e.offset, e.why);
}
