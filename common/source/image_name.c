/* Images by name: what index.json or a registry's tag leads to. */
#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/oci/layout.h"
#include "common/source/image.h"
#include "common/source/image_priv.h"
#include "common/sys/err.h"

/* How index.json calls what this reference is. */
static int
kept_name(struct lp_image *im, struct lp_buf *name)
{
	lp_buf_init(name, LP_REF_TEXT_MAX);
	if (lp_reference_put(&im->ref, name) != LP_OK || lp_buf_cstr(name) == NULL)
		return lp_image_fail_sys(im, LP_E_NOMEM, "");
	return LP_OK;
}

int
lp_image_index(struct lp_image *im, struct lp_buf *b)
{
	int rc;

	/* a stranger's layout is bounded as all that strangers send */
	lp_buf_init(b, lp_image_is_local(im) ? (size_t)LP_MAX_MANIFEST : (size_t)LP_STORE_INDEX_MAX);
	if (im->archive != NULL) {
		rc = lp_archive_read(im->archive, "index.json", b);
		return rc == LP_OK || rc == LP_E_ABSENT ? rc : lp_image_fail(im, rc, "%s", im->archive->why);
	}
	rc = lp_image_at_hand(im) == NULL ? LP_E_ABSENT : lp_store_index(lp_image_at_hand(im), b);
	return rc == LP_OK || rc == LP_E_ABSENT ? rc : lp_image_fail_layout(im, rc, NULL);
}

/* What the layout or the store knows under this name. LP_E_ABSENT says in `why` what names there are. */
static int
find_name(struct lp_image *im, const char *name, struct lp_layout_entry *entry)
{
	struct lp_buf index, names;
	struct lp_json_error e;
	int rc = lp_image_index(im, &index);

	lp_buf_init(&names, sizeof(im->why) / 2);
	if (rc == LP_OK)
		rc = lp_layout_find(lp_buf_span(&index), name, entry, &e);
	else
		e = (struct lp_json_error){ .why = "no index.json" };
	if (rc == LP_E_ABSENT) {
		(void)lp_layout_names(lp_buf_span(&index), &names);
		(void)lp_image_fail(im, rc, "%s%s%s", e.why, names.n > 0 ? "; there are: " : "", lp_quote(lp_buf_span(&names)));
	} else if (rc != LP_OK && im->why[0] == '\0') {
		(void)lp_image_fail(im, rc, "index.json: byte %zu: %s", e.offset, e.why);
	}
	lp_buf_release(&names);
	lp_buf_release(&index);
	return rc;
}

/*
 * The name again, where it is that of several images, each for its platform:
 * they are what it leads to. Whether it is so; what is wrong with index.json
 * find_name tells.
 */
static int
load_choice(struct lp_image *im, const char *name)
{
	struct lp_buf choice;
	struct lp_json_error e;
	struct lp_manifest_error me;
	int rc;

	lp_document_release(&im->top);
	lp_buf_init(&choice, LP_MAX_MANIFEST);
	rc = *name != '\0' ? lp_image_index(im, &im->top.bytes) : LP_E_ABSENT;
	rc = rc != LP_OK ? rc : lp_layout_choice(lp_buf_span(&im->top.bytes), name, &choice, &e);
	if (rc == LP_OK && choice.n > 0)
		rc = lp_manifest_parse(lp_buf_span(&choice), &im->top.m, &me);
	else
		rc = LP_E_ABSENT;
	lp_buf_release(&choice);
	im->why[0] = '\0';
	return rc == LP_OK;
}

/* As docker calls it: without the host and the user that go without saying. NULL for what is elsewhere. */
static const char *
familiar(const char *name)
{
	static const char hub[] = "docker.io/", official[] = "library/";

	if (strncmp(name, hub, sizeof(hub) - 1) != 0)
		return NULL;
	name += sizeof(hub) - 1;
	return strncmp(name, official, sizeof(official) - 1) == 0 ? name + sizeof(official) - 1 : name;
}

/* Others write less of a name into a layout: skopeo (oci:DIR:TAG) a tag alone, builders what they were asked for. */
static int
find_kept(struct lp_image *im, struct lp_layout_entry *entry)
{
	struct lp_buf name;
	const char *other[2];
	int rc = kept_name(im, &name);

	rc = rc != LP_OK ? rc : find_name(im, (const char *)name.p, entry);
	other[0] = rc == LP_E_ABSENT ? familiar((const char *)name.p) : NULL;
	other[1] = im->ref.name;
	for (size_t i = 0; i < 2 && rc == LP_E_ABSENT && im->ref.name[0] != '\0' && im->ref.digest[0] == '\0'; i++) {
		if (other[i] == NULL || find_name(im, other[i], entry) != LP_OK)
			continue;
		rc = LP_OK;
		snprintf(im->note, sizeof(im->note), "the store calls it %s, which names no %s", lp_quotes(other[i]),
		    i == 0 ? "registry" : "repository");
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

	if (lp_env_keeper(im->env) == NULL || im->unkept || !lp_image_online(im))
		return LP_OK;
	rc = kept_name(im, &name);
	k.name = (const char *)name.p;
	snprintf(k.entry.digest, sizeof(k.entry.digest), "%s", im->top.digest);
	snprintf(k.entry.mediatype, sizeof(k.entry.mediatype), "%.*s", (int)im->top.m.mediatype.n,
	    (const char *)im->top.m.mediatype.p);
	k.entry.size = im->top.kept_size;
	if (rc == LP_OK) {
		rc = lp_store_index_edit(im->env->store, edit_index, &k);
		if (rc == LP_E_LIMIT) {
			lp_note("the store's index.json has no room for this name (lp-fetch --store-gc drops those that lead nowhere)");
			rc = LP_OK;
		}
		rc = lp_image_not_kept(im, rc, "cannot note the name in the store's index.json");
	}
	lp_buf_release(&name);
	return rc;
}

/*
 * HEAD: LP_OK with the digest, "" if the server does not announce one, or
 * answers with an error: Nexus and others refuse HEAD where they serve GET, by
 * any status, so what a GET is answered with decides.
 */
static int
head_digest(struct lp_image *im, const char *what, char *digest)
{
	struct lp_http_response resp;
	int rc;

	digest[0] = '\0';
	lp_http_response_init(&resp);
	rc = lp_image_get(im, "HEAD", "manifests", what, LP_MAX_MANIFEST, &resp);
	if (rc == LP_OK)
		lp_image_announced(&resp, digest);
	else if (rc == LP_E_NET && resp.status != 0) {
		im->headless = 1;
		rc = LP_OK;
	}
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

	if (im->env->store != NULL && !im->headless && find_kept(im, &kept) == LP_OK) {
		rc = head_digest(im, im->ref.name, digest);
		im->note[0] = '\0';
		if (rc != LP_OK)
			return rc;
		if (strcmp(digest, kept.digest) == 0)
			return lp_image_manifest(im, digest, &im->top);
	}
	im->note[0] = im->why[0] = '\0';
	im->documents++;
	rc = lp_image_fetch(im, im->ref.name, "", &im->top);
	return rc != LP_OK ? rc : lp_image_parse(im, &im->top);
}

/* What is here. */
static int
load_local(struct lp_image *im)
{
	const char *named = im->ref.name[0] != '\0' ? im->ref.name : NULL;
	struct lp_descriptor d = { 0 };
	struct lp_layout_entry e;
	int rc;

	if (im->ref.kind == LP_REF_DIR)
		return lp_image_flat(im);
	if (load_choice(im, im->ref.name))
		return LP_OK;
	rc = find_name(im, named, &e);
	if (rc != LP_OK)
		return rc;
	d.digest = lp_span_str(e.digest);
	d.size = e.size;
	d.has_size = e.has_size;
	d.odd_size = e.odd_size;
	return lp_image_entry(im, &d, &im->top);
}

int
lp_image_load(struct lp_image *im)
{
	struct lp_layout_entry e;
	int rc;

	if (im->ref.digest[0] != '\0')
		rc = lp_image_manifest(im, im->ref.digest, &im->top);
	else if (lp_image_is_local(im))
		rc = load_local(im);
	else if (lp_image_online(im))
		rc = load_tag(im);
	else {
		rc = find_kept(im, &e);
		rc = rc != LP_OK ? rc : lp_image_manifest(im, e.digest, &im->top);
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
	if (lp_image_online(im)) {
		rc = head_digest(im, what, digest);
		if (rc != LP_OK)
			return rc;
		if (im->ref.digest[0] != '\0' && digest[0] != '\0' && strcmp(digest, what) != 0)
			return lp_image_wrong_digest(im, "the manifest", digest, what);
	} else if (im->ref.digest[0] == '\0' && im->ref.kind != LP_REF_DIR) {
		if (lp_image_is_local(im) && load_choice(im, what))
			return LP_OK;
		rc = lp_image_is_local(im) ? find_name(im, *what != '\0' ? what : NULL, &e) : find_kept(im, &e);
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
