/* Finds what hangs on an image: manifests that have it for their subject. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/net/pages.h"
#include "common/source/image.h"
#include "common/source/image_priv.h"

enum {
	MANIFESTS_MAX = 1024, /* of an index.json, that are opened to see what their subject is */
	TOLD_MAX = 1024 * 1024 /* as many digests as fill all pages */
};

struct referrers {
	struct lp_image *im;
	const char *subject;
	const char *type; /* or NULL */
	lp_image_each *each;
	void *arg;
	struct lp_map told; /* by the hashes of their digests */
	unsigned pages;     /* of the referrers API that have come */
	int failed;         /* `each` has, and it is not the server's fault */
};

/* ---- one of them ------------------------------------------------------------------------ */

/* Filters again: a server may leave that to its client ("OCI-Filters-Applied" says whether it did). */
static int
tell(struct referrers *r, const struct lp_descriptor *d)
{
	uint64_t *value;
	int fresh = 0, rc;

	if (d->bad != NULL || d->role == LP_ROLE_INDEX || (r->type != NULL && !lp_span_is(d->artifact_type, r->type)))
		return LP_OK;
	rc = lp_map_add(&r->told, lp_hash64(0, d->digest), &value, &fresh);
	if (rc != LP_OK)
		return lp_image_fail(r->im, rc, "%s", rc == LP_E_NOMEM ? "out of memory" : "more referrers than the limit");
	rc = fresh ? r->each(r->arg, d) : LP_OK;
	r->failed = rc != LP_OK;
	return rc;
}

/* An index of them. */
static int
tell_all(struct referrers *r, const struct lp_manifest *m)
{
	int rc = LP_OK;

	if (m->kind != LP_MANIFEST_INDEX)
		return lp_image_fail(r->im, LP_E_DATA, "its list of referrers is not an index");
	for (size_t i = 0; i < m->n && rc == LP_OK; i++)
		rc = tell(r, &m->v[i]);
	return rc;
}

/* ---- the referrers API ------------------------------------------------------------------- */

/* One that does not fit is not said: what comes is filtered here. */
static void
put_query(char *query, size_t size, const char *type)
{
	struct lp_buf b;

	lp_buf_init(&b, size - 1);
	if (lp_buf_adds(&b, "?artifactType=") == LP_OK && lp_percent(&b, lp_span_str(type)) == LP_OK)
		snprintf(query, size, "%.*s", (int)b.n, (const char *)b.p);
	lp_buf_release(&b);
}

static int
read_page(struct referrers *r, struct lp_span body)
{
	struct lp_manifest_error e;
	struct lp_manifest m;
	int rc = lp_manifest_parse(body, &m, &e);

	if (rc != LP_OK)
		return lp_image_fail(r->im, rc, "its list of referrers: byte %zu: %s", e.offset, e.why);
	rc = tell_all(r, &m);
	lp_manifest_release(&m);
	return rc;
}

/* One page; *more: 1 if there is another. */
static int
get_page(struct referrers *r, struct lp_pages *way, int *more)
{
	char what[LP_DIGEST_SIZE + LP_PAGES_QUERY];
	struct lp_http_response answer;
	struct lp_span link;
	int rc;

	snprintf(what, sizeof(what), "%s%s", r->subject, way->query);
	lp_http_response_init(&answer);
	rc = lp_image_get(r->im, "GET", "referrers", what, LP_MAX_MANIFEST, &answer);
	if (rc == LP_OK && !lp_pages_spend(way, answer.body.n))
		rc = lp_image_fail(r->im, LP_E_NET, "its list of referrers does not come to an end: %" PRIu64 " bytes", way->bytes);
	rc = rc != LP_OK ? rc : read_page(r, lp_buf_span(&answer.body));
	*more = rc == LP_OK ? lp_pages_next(way, &answer, &link) : 0;
	if (*more < 0)
		snprintf(r->im->note, sizeof(r->im->note), "these are not all referrers: the list leads to no further page");
	lp_http_response_release(&answer);
	return rc;
}

static int
ask_api(struct referrers *r)
{
	struct lp_pages way;
	int rc = LP_OK, more = 1;

	lp_pages_init(&way, r->im->env->http);
	if (r->type != NULL)
		put_query(way.query, sizeof(way.query), r->type);
	while (rc == LP_OK && more > 0) {
		rc = get_page(r, &way, &more);
		if (rc == LP_OK && more > 0 && !lp_pages_go_on(&way))
			rc = lp_image_fail(r->im, LP_E_NET, "its list of referrers does not come to an end: %u pages", way.n);
	}
	r->pages = way.n;
	lp_pages_release(&way);
	return rc;
}

/* ---- the tag ------------------------------------------------------------------------------- */

/* What a registry without the API has the list under: sha256-HEX, an index. LP_E_ABSENT if there is no such tag. */
static int
ask_tag(struct referrers *r)
{
	struct lp_reference ref = r->im->ref;
	struct lp_image list;
	int rc;

	ref.digest[0] = '\0';
	snprintf(ref.name, sizeof(ref.name), "%.*s-%s", (int)strcspn(r->subject, ":"), r->subject, r->subject + LP_DIGEST_PREFIX);
	rc = lp_image_open(&list, r->im->env, &ref);
	list.archive = r->im->archive;
	rc = rc != LP_OK ? rc : lp_image_load(&list);
	if (rc == LP_E_NET && list.status == 404)
		rc = LP_E_ABSENT;
	else if (rc != LP_OK && rc != LP_E_ABSENT)
		lp_image_fail(r->im, rc, "%s", list.why);
	rc = rc != LP_OK ? rc : tell_all(r, &list.top.m);
	lp_image_release(&list);
	return rc;
}

/* ---- a layout ------------------------------------------------------------------------------- */

/* One of index.json's manifests, if the image is its subject; of what cannot be read nobody knows. */
static int
look_at(struct referrers *r, const struct lp_descriptor *entry)
{
	struct lp_descriptor d = *entry;
	char digest[LP_DIGEST_SIZE];
	struct lp_manifest_error e;
	struct lp_manifest m;
	struct lp_buf bytes;
	int rc;

	lp_buf_init(&bytes, LP_MAX_MANIFEST);
	snprintf(digest, sizeof(digest), "%.*s", (int)entry->digest.n, (const char *)entry->digest.p);
	rc = lp_image_kept(r->im, digest, &bytes);
	if (rc == LP_OK && lp_manifest_parse(lp_buf_span(&bytes), &m, &e) == LP_OK) {
		if (lp_span_is(lp_json_get_string(json_object_get(m.root, "subject"), "digest"), r->subject)) {
			d.artifact_type = m.artifact_type;
			d.annotations = json_object_get(m.root, "annotations");
			rc = tell(r, &d);
		}
		lp_manifest_release(&m);
	}
	lp_buf_release(&bytes);
	return rc == LP_E_NOMEM || r->failed ? rc : LP_OK;
}

static int
ask_index(struct referrers *r)
{
	struct lp_manifest_error e;
	struct lp_manifest m;
	struct lp_buf index;
	size_t opened = 0;
	int rc = lp_image_index(r->im, &index);

	if (rc == LP_OK && (rc = lp_manifest_parse(lp_buf_span(&index), &m, &e)) != LP_OK)
		lp_image_fail(r->im, rc, "index.json: byte %zu: %s", e.offset, e.why);
	lp_buf_release(&index);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? LP_OK : rc;
	for (size_t i = 0; i < m.n && rc == LP_OK; i++) {
		if (m.v[i].bad != NULL || m.v[i].role == LP_ROLE_INDEX)
			continue;
		if (opened++ == MANIFESTS_MAX) {
			snprintf(r->im->note, sizeof(r->im->note), "these may not be all referrers: of index.json %d manifests were looked at",
			    MANIFESTS_MAX);
			break;
		}
		rc = look_at(r, &m.v[i]);
	}
	lp_manifest_release(&m);
	return rc;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int
ask_layout(struct referrers *r)
{
	int rc = ask_index(r), tag = rc == LP_OK ? ask_tag(r) : LP_OK;

	return tag == LP_OK || tag == LP_E_ABSENT ? rc : tag;
}

/*
 * A registry that has no such API says 404 at once, and none hang on it where there is no
 * tag either. One that has answered badly may have the tag; its failure stands if not.
 */
static int
ask_registry(struct referrers *r)
{
	struct lp_image *im = r->im;
	int rc = ask_api(r), tag, none = im->status == 404 && r->pages == 0;
	char why[sizeof(im->why)];

	if (rc == LP_OK || rc == LP_E_NOMEM || rc == LP_E_PIPE || r->failed || im->status == 0)
		return rc;
	snprintf(why, sizeof(why), "%s", im->why);
	im->why[0] = '\0';
	tag = ask_tag(r);
	if (tag == LP_E_ABSENT)
		return none ? LP_OK : lp_image_fail(im, rc, "%s", why);
	if (tag == LP_OK && !none)
		snprintf(im->note, sizeof(im->note), "referrers are those of the tag, for its API does not work: %.300s", why);
	return tag;
}

int
lp_image_referrers(struct lp_image *im, const char *subject, const char *type, lp_image_each *each, void *arg)
{
	struct referrers r = { .im = im, .subject = subject, .type = type, .each = each, .arg = arg };
	int rc;

	im->note[0] = '\0';
	lp_map_init(&r.told, TOLD_MAX);
	if (im->ref.kind == LP_REF_DIR)
		rc = lp_image_fail(im, LP_E_ABSENT, "a dir: holds one image, and nothing that hangs on it");
	else
		rc = lp_image_online(im) ? ask_registry(&r) : ask_layout(&r);
	lp_map_release(&r.told);
	return rc;
}
