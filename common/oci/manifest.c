/* Parses manifests and indexes, and chooses an entry by platform. */
#include "common/oci/manifest_priv.h"

#include <stdlib.h>

#include "common/base/status.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define SCHEMA1_SIGNED "application/vnd.docker.distribution.manifest.v1+prettyjws"
#define SCHEMA1 "application/vnd.docker.distribution.manifest.v1+json"
#define CACHE_CONFIG "application/vnd.buildkit.cacheconfig.v0"
#define ATTESTATION "vnd.docker.reference.type"

const char lp_manifest_accept[] = "Accept: " OCI_INDEX ", " OCI_MANIFEST ", " DOCKER_LIST ", " DOCKER_MANIFEST
    ", " SCHEMA1_SIGNED ", " SCHEMA1;

int
lp_manifest_fail(struct lp_manifest_error *e, int rc, const char *why)
{
	*e = (struct lp_manifest_error){ .why = why, .entry = -1 };
	return rc;
}

int
lp_manifest_fail_entry(struct lp_manifest_error *e, size_t entry, const char *why)
{
	*e = (struct lp_manifest_error){ .why = why, .entry = entry < INT32_MAX ? (int)entry : INT32_MAX };
	return LP_E_DATA;
}

int
lp_manifest_load(struct lp_span s, int twice, json_t **root, struct lp_manifest_error *e)
{
	struct lp_json_error je;
	int rc = lp_json_load_lax(s, twice, root, &je);

	if (rc != LP_OK) {
		lp_manifest_fail(e, rc, je.why);
		e->offset = je.offset;
		return rc;
	}
	if (json_is_object(*root))
		return LP_OK;
	json_decref(*root);
	*root = NULL;
	return lp_manifest_fail(e, LP_E_DATA, "not a JSON object");
}

/* ---- descriptors --------------------------------------------------------------- */

static const json_t *
object_or_null(const json_t *v)
{
	return json_is_object(v) ? v : NULL;
}

/* An odd one is not known, which is no reason to do without the rest. */
static void
take_details(const json_t *o, struct lp_platform *p)
{
	const json_t *features = json_object_get(o, "os.features"), *f;
	size_t i;

	(void)lp_platform_set_version(p, lp_json_get_string(o, "os.version"));
	json_array_foreach(features, i, f)
		(void)lp_platform_add_feature(p, lp_span(json_string_value(f), json_string_length(f)));
}

int
lp_manifest_platform(const json_t *o, struct lp_platform *p, int *has)
{
	int rc;

	*has = 0;
	if (o == NULL || json_is_null(o))
		return LP_OK;
	rc = lp_platform_set(p, lp_json_get_string(o, "os"), lp_json_get_string(o, "architecture"),
	    lp_json_get_string(o, "variant"));
	*has = rc == LP_OK && p->os[0] != '\0' && p->arch[0] != '\0';
	if (*has)
		take_details(o, p);
	return rc;
}

/* Of another algorithm, perhaps; what it may be made of is told in image-spec's descriptor.md, "Digests". */
static int
looks_like_digest(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr("+._-:=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", s.p[i]) == NULL)
			return 0;
	return 1;
}

/* Static text, or NULL if it is right. */
static const char *
take_descriptor(const json_t *o, struct lp_descriptor *d)
{
	int rc;

	*d = (struct lp_descriptor){ .role = LP_ROLE_OTHER };
	if (!json_is_object(o))
		return "not an object";
	d->mediatype = lp_json_get_string(o, "mediaType");
	d->digest = lp_json_get_string(o, "digest");
	d->artifact_type = lp_json_get_string(o, "artifactType");
	d->annotations = object_or_null(json_object_get(o, "annotations"));
	d->urls = json_object_get(o, "urls");
	if (!json_is_array(d->urls) || json_array_size(d->urls) == 0)
		d->urls = NULL;
	/* a size that is none is not known: the digest decides */
	rc = lp_json_get_u64(o, "size", &d->size);
	d->has_size = rc == LP_OK;
	d->odd_size = rc == LP_E_DATA;
	if (lp_digest_valid(d->digest))
		return NULL;
	/* what no digest looks like is not shown in a column of them either */
	if (!looks_like_digest(d->digest))
		d->digest = lp_span("", 0);
	return "its digest is not " LP_DIGEST_FORM;
}

/* ---- indexes --------------------------------------------------------------------- */

static int
is_attestation(const struct lp_descriptor *d)
{
	if (d->has_platform && strcmp(d->platform.os, "unknown") == 0 && strcmp(d->platform.arch, "unknown") == 0)
		return 1;
	return json_object_get(d->annotations, ATTESTATION) != NULL;
}

static enum lp_descriptor_role
role_of(const struct lp_descriptor *d)
{
	if (is_attestation(d))
		return LP_ROLE_ATTESTATION;
	if (lp_span_is(d->mediatype, OCI_INDEX) || lp_span_is(d->mediatype, DOCKER_LIST))
		return LP_ROLE_INDEX;
	/* an old index may leave the media type out */
	if (d->mediatype.n == 0 || lp_span_is(d->mediatype, OCI_MANIFEST) ||
	    lp_span_is(d->mediatype, DOCKER_MANIFEST) || lp_span_is(d->mediatype, SCHEMA1_SIGNED) ||
	    lp_span_is(d->mediatype, SCHEMA1))
		return LP_ROLE_IMAGE;
	return LP_ROLE_OTHER;
}

int
lp_manifest_room(struct lp_manifest *m, size_t n, struct lp_manifest_error *e)
{
	m->v = calloc(n > 0 ? n : 1, sizeof(*m->v));
	return m->v != NULL ? LP_OK : lp_manifest_fail(e, LP_E_NOMEM, "out of memory");
}

/*
 * BuildKit's cache may be an index whose manifests are layers, and one of
 * them the config that says which of these came of what: it is an artifact
 * with blobs, and read as the manifest that newer ones are.
 */
static int
take_cache(struct lp_manifest *m, struct lp_manifest_error *e)
{
	size_t config = 0, n = 0;

	while (config < m->n && !lp_span_is(m->v[config].mediatype, CACHE_CONFIG))
		config++;
	if (config == m->n || m->v[config].bad != NULL)
		return LP_OK;
	m->kind = LP_MANIFEST_IMAGE;
	m->config = m->v[config];
	m->artifact_type = m->config.mediatype;
	for (size_t i = 0; i < m->n; i++) {
		if (i == config)
			continue;
		if (m->v[i].bad != NULL)
			return lp_manifest_fail_entry(e, i, m->v[i].bad);
		m->v[n++] = m->v[i];
	}
	m->n = n;
	return LP_OK;
}

static int
parse_index(struct lp_manifest *m, const json_t *list, struct lp_manifest_error *e)
{
	size_t n = json_array_size(list);
	int rc = lp_manifest_room(m, n, e);

	m->kind = LP_MANIFEST_INDEX;
	for (; m->n < n && rc == LP_OK; m->n++) {
		const json_t *o = json_array_get(list, m->n);
		struct lp_descriptor *d = &m->v[m->n];

		/* it is a matter for who needs that entry */
		d->bad = take_descriptor(o, d);
		if (json_is_object(o) &&
		    lp_manifest_platform(json_object_get(o, "platform"), &d->platform, &d->has_platform) == LP_OK)
			d->role = role_of(d);
	}
	return rc != LP_OK ? rc : take_cache(m, e);
}

enum { RANK_NONE = -1, RANK_ONLY = LP_PLATFORM_RANK + 1, RANK_INDEX };

/*
 * How soon an entry comes into question: by its platform, or, where that is
 * not said, as the only image or as an index to look into. Several images
 * without a platform cannot be told apart.
 */
static int
entry_rank(const struct lp_descriptor *d, const struct lp_platform *want, int only)
{
	if (d->role != LP_ROLE_IMAGE && d->role != LP_ROLE_INDEX)
		return RANK_NONE;
	if (d->has_platform)
		return lp_platform_rank(want, &d->platform);
	if (d->role == LP_ROLE_INDEX)
		return RANK_INDEX;
	return only ? RANK_ONLY : RANK_NONE;
}

/* One question to an index. */
struct choice {
	const struct lp_manifest *m;
	const struct lp_platform *want;
	int only; /* one image does not say its platform */
};

/* Below 0 where entry a comes into question before b. */
static int
order(const struct choice *c, size_t a, size_t b)
{
	const struct lp_descriptor *x = &c->m->v[a], *y = &c->m->v[b];
	int d = entry_rank(x, c->want, c->only) - entry_rank(y, c->want, c->only);

	if (d == 0 && x->has_platform && y->has_platform)
		d = lp_platform_newer(&x->platform, &y->platform);
	return d != 0 ? d : (a > b) - (a < b);
}

size_t
lp_manifest_choose(const struct lp_manifest *m, const struct lp_platform *want, size_t after)
{
	struct choice c = { m, want, 0 };
	size_t best = m->n, unsaid = 0;

	for (size_t i = 0; i < m->n; i++)
		unsaid += m->v[i].role == LP_ROLE_IMAGE && !m->v[i].has_platform;
	c.only = unsaid == 1;
	for (size_t i = 0; i < m->n; i++) {
		if (entry_rank(&m->v[i], want, c.only) == RANK_NONE || (after < m->n && order(&c, i, after) <= 0))
			continue;
		if (best == m->n || order(&c, i, best) < 0)
			best = i;
	}
	return best;
}

/* ---- manifests --------------------------------------------------------------------- */

/* Docker's registry takes three more for a config: images that old clients pushed to old registries have them. */
static int
is_image_config(const struct lp_manifest *m)
{
	static const char *const old[] = { "application/octet-stream", "text/html", "text/plain" };
	struct lp_span type = m->config.mediatype;

	if (type.n == 0 || lp_span_is(type, OCI_CONFIG) || lp_span_is(type, DOCKER_CONFIG))
		return 1;
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		if (lp_span_is(type, old[i]))
			return lp_span_is(lp_json_get_string(m->root, "mediaType"), DOCKER_MANIFEST);
	return 0;
}

/* No list, or null for one, as Go writes it: an image of no layers. */
static int
parse_image(struct lp_manifest *m, const json_t *list, struct lp_manifest_error *e)
{
	size_t n = json_array_size(list);
	const json_t *config = json_object_get(m->root, "config");
	int rc = lp_manifest_room(m, n, e);
	const char *why;

	m->kind = LP_MANIFEST_IMAGE;
	if (rc != LP_OK)
		return rc;
	why = take_descriptor(config, &m->config);
	if (why != NULL)
		return lp_manifest_fail(e, LP_E_DATA, config == NULL ? "a manifest without a config" :
		    "the config's descriptor is not one (object, digest, size)");
	for (; m->n < n; m->n++) {
		why = take_descriptor(json_array_get(list, m->n), &m->v[m->n]);
		if (why != NULL)
			return lp_manifest_fail_entry(e, m->n, why);
	}
	m->artifact_type = lp_json_get_string(m->root, "artifactType");
	if (m->artifact_type.n == 0 && !is_image_config(m))
		m->artifact_type = m->config.mediatype;
	return LP_OK;
}

/* ---- all -------------------------------------------------------------------------------- */

enum { MEDIATYPE_MAX = 127 + 1 + 127 };

static struct lp_span
name_of_kind(const struct lp_manifest *m)
{
	switch (m->kind) {
	case LP_MANIFEST_INDEX:
		return lp_span_str(OCI_INDEX);
	case LP_MANIFEST_IMAGE:
		return lp_span_str(OCI_MANIFEST);
	default:
		return lp_span_str(json_object_get(m->root, "signatures") != NULL ? SCHEMA1_SIGNED : SCHEMA1);
	}
}

/* A media type of one kind on a document of another: clients that trust the one would differ from us. */
static int
misnamed(const struct lp_manifest *m)
{
	int index = lp_span_is(m->mediatype, OCI_INDEX) || lp_span_is(m->mediatype, DOCKER_LIST);
	int image = lp_span_is(m->mediatype, OCI_MANIFEST) || lp_span_is(m->mediatype, DOCKER_MANIFEST);

	if (index && lp_span_is(m->artifact_type, CACHE_CONFIG))
		return 0;
	return (index && m->kind != LP_MANIFEST_INDEX) || (image && m->kind != LP_MANIFEST_IMAGE);
}

static int
is_none(const json_t *o)
{
	return o == NULL || json_is_null(o);
}

static int
parse_any(struct lp_manifest *m, struct lp_manifest_error *e)
{
	const json_t *manifests = json_object_get(m->root, "manifests");
	const json_t *layers = json_object_get(m->root, "layers");
	const json_t *v1 = json_object_get(m->root, "fsLayers");

	if ((json_is_array(manifests) + json_is_array(layers) + json_is_array(v1)) > 1)
		return lp_manifest_fail(e, LP_E_DATA, "an index and a manifest in one: clients would disagree about it");
	if (json_is_array(manifests))
		return parse_index(m, manifests, e);
	if (json_is_array(v1))
		return lp_manifest_schema1(m, v1, e);
	if (json_is_array(layers) || (is_none(layers) && json_is_object(json_object_get(m->root, "config"))))
		return parse_image(m, layers, e);
	if (json_is_array(json_object_get(m->root, "blobs")))
		return lp_manifest_fail(e, LP_E_DATA, "the manifest of an artifact, which has blobs and no layers");
	return lp_manifest_fail(e, LP_E_DATA, "neither an index (manifests) nor a manifest (layers)");
}

int
lp_manifest_parse(struct lp_span s, struct lp_manifest *m, struct lp_manifest_error *e)
{
	int rc;

	*m = (struct lp_manifest){ 0 };
	rc = lp_manifest_load(s, 0, &m->root, e);
	rc = rc != LP_OK ? rc : parse_any(m, e);
	if (rc == LP_OK) {
		m->mediatype = lp_json_get_string(m->root, "mediaType");
		/* what is longer than any media type is none (RFC 6838 section 4.2), and index.json need not hold it */
		if (m->mediatype.n == 0 || m->mediatype.n > MEDIATYPE_MAX)
			m->mediatype = name_of_kind(m);
		if (misnamed(m))
			rc = lp_manifest_fail(e, LP_E_DATA, "its mediaType is not what it is: clients would disagree about it");
	}
	if (rc != LP_OK)
		lp_manifest_release(m);
	return rc;
}

void
lp_manifest_release(struct lp_manifest *m)
{
	for (size_t i = 0; i < m->nparts; i++)
		json_decref(m->parts[i]);
	free(m->parts);
	free(m->v);
	json_decref(m->root);
	*m = (struct lp_manifest){ 0 };
}
