/* Rows, platforms, digest and documents of an image in a registry, store or layout. */
#include <stdio.h>
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/status.h"
#include "common/oci/layout.h"
#include "common/row/record.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"

/* A failure of the image's: say it with its name. */
static int
say(const struct lp_layers *l, const struct lp_image *im, int rc)
{
	if (rc != LP_OK && rc != LP_E_PIPE)
		lp_err("%s: %s", lp_quotes(l->text), im->why);
	return rc;
}

/* The same, with what a user should know of an answer that is one. */
static int
answer(const struct lp_layers *l, const struct lp_image *im, int rc)
{
	rc = say(l, im, rc);
	if (rc == LP_OK && im->note[0] != '\0')
		lp_note("%s: %s", lp_quotes(l->text), im->note);
	return rc;
}

static void
set_digest(struct lp_layers *l, const struct lp_document *d)
{
	memcpy(l->digest, d->digest, sizeof(l->digest));
}

/* What the image says it is for: its config knows better than the index; NULL if neither knows. */
static const struct lp_platform *
platform_of(const struct lp_image *im)
{
	if (im->config.has_platform)
		return &im->config.platform;
	return im->image->m.has_platform ? &im->image->m.platform : NULL;
}

/*
 * An image without an index is the answer for every platform: not silently,
 * if one was asked for, which costs the config where it is not loaded.
 */
static void
other_platform(const struct lp_layers *l, struct lp_image *im)
{
	/* one without a config says nothing of its platform */
	if (l->chosen && im->image == &im->top && lp_image_load_config(im) == LP_OK)
		lp_layers_other(l, platform_of(im));
}

/* ---- what is asked before anything is loaded -------------------------------------- */

static int
put_digest(struct lp_layers *l, struct lp_image *im)
{
	struct lp_record r = { .out = &l->out, .json = l->fmt.json };
	int rc;

	rc = answer(l, im, l->chosen ? lp_image_load(im) : lp_image_digest(im, l->digest));
	if (rc == LP_OK && l->digest[0] == '\0') {
		rc = answer(l, im, lp_image_choose(im, &l->want));
		if (rc == LP_OK)
			set_digest(l, im->image);
	}
	if (rc == LP_OK && l->chosen)
		other_platform(l, im);
	if (rc != LP_OK)
		return rc;
	lp_record_text(&r, "digest", lp_span_str(l->digest));
	return lp_record_end(&r);
}

static int
each_platform(void *arg, const struct lp_descriptor *d)
{
	struct lp_layers *l = arg;

	l->entries++;
	return lp_platform_write(&l->fmt, d, &l->out);
}

static int
put_platforms(struct lp_layers *l, struct lp_image *im)
{
	int rc = answer(l, im, lp_image_load(im));

	if (rc != LP_OK)
		return rc;
	im->why[0] = '\0';
	if (l->header)
		rc = lp_layer_header(&l->fmt, &l->out);
	rc = rc != LP_OK ? rc : lp_image_platforms(im, each_platform, l);
	/* the image does not explain what each_platform failed with */
	return im->why[0] != '\0' ? say(l, im, rc) : lp_layers_full(l, rc);
}

/* ---- of the image that was chosen ---------------------------------------------------- */

static int
put_config(struct lp_layers *l, struct lp_image *im)
{
	int rc = say(l, im, lp_image_load_config(im));

	if (rc != LP_OK)
		return rc;
	if (im->config.root == NULL) {
		lp_err("%s: %s has no image config", lp_quotes(l->text),
		    im->image->m.kind == LP_MANIFEST_SCHEMA1 ? "a manifest of schema 1" : "an artifact that is no image");
		return LP_E_ABSENT;
	}
	other_platform(l, im);
	return l->what == LP_LAYERS_SETTINGS ? lp_layers_settings(l, im->config.root, im->image->m.root, platform_of(im)) :
	    lp_layers_add(l, lp_buf_span(&im->config_bytes));
}

/* In a tar a layer is a part of the file. */
static int
archived_reference(const struct lp_layers *l, struct lp_image *im, const json_t *urls, struct lp_reference *ref)
{
	char path[LP_LAYOUT_PATH];
	const struct lp_member *m;
	int rc;

	lp_layout_path(ref->digest, path);
	rc = lp_archive_find(im->archive, path, &m);
	if (rc == LP_E_ABSENT)
		lp_err("%s: the %slayer %s is not in the archive", lp_quotes(l->text), urls != NULL ? "foreign " : "", ref->digest);
	else if (rc != LP_OK)
		lp_err("%s: %s", lp_quotes(l->text), im->archive->why);
	if (rc != LP_OK)
		return rc;
	ref->kind = LP_REF_FILE;
	ref->digest[0] = '\0';
	ref->has_range = 1;
	ref->offset = m->offset;
	ref->length = m->size;
	return LP_OK;
}

/* The reference of a layer: that of its image, with its own digest. */
int
lp_layers_reference(const struct lp_layers *l, struct lp_image *im, const struct lp_descriptor *d, struct lp_reference *ref)
{
	*ref = im->ref;
	ref->name[0] = '\0';
	snprintf(ref->digest, sizeof(ref->digest), "%.*s", (int)d->digest.n, (const char *)d->digest.p);
	return im->archive != NULL ? archived_reference(l, im, d->urls, ref) : LP_OK;
}

static void
fill_layer(const struct lp_image *im, size_t i, struct lp_layer *l)
{
	const struct lp_descriptor *d = &im->image->m.v[i];

	*l = (struct lp_layer){ .digest = d->digest, .mediatype = d->mediatype, .created_by = d->created_by,
		.annotations = d->annotations, .urls = d->urls, .size = d->size, .has_size = d->has_size, .index = i };
	if (im->config.root != NULL) {
		l->created_by = im->config.v[i].created_by;
		l->diff_id = im->config.v[i].diff_id;
	}
}

/* A size that cannot be, of which no bytes could be had: -1, or 0 of what is not nothing. */
static int
is_no_size(const struct lp_descriptor *d)
{
	char nothing[LP_DIGEST_SIZE];

	if (!d->has_size || d->size > 0)
		return d->odd_size;
	lp_hash_bytes_as(lp_span("", 0), (const char *)d->digest.p, nothing);
	return !lp_span_is(d->digest, nothing);
}

/* What a user should know about an image whose rows say less than usual. */
static void
notes(const struct lp_layers *l, const struct lp_image *im)
{
	const char *name = lp_quotes_kept(l->text);

	if (im->image->m.artifact_type.n > 0)
		lp_note("%s: not an image but an artifact of type %s; its blobs are listed", name,
		    lp_quote(im->image->m.artifact_type));
	if (im->config.root == NULL)
		return;
	if (!im->config.has_history)
		lp_note("%s: the config's history is not of as many layers: created_by is unknown", name);
	if (!im->config.has_diff_ids)
		lp_note("%s: the config's diff_ids are not of as many layers: diff_id is unknown", name);
}

/* What the image says of itself by this key: an annotation of its manifest, or a label (OCI image-spec 1.1, annotations.md). */
static struct lp_span
said_by(const struct lp_image *im, const char *key)
{
	struct lp_span s = lp_json_get_string(json_object_get(im->image->m.root, "annotations"), key);

	return s.n > 0 ? s : lp_json_get_string(json_object_get(json_object_get(im->config.root, "config"), "Labels"), key);
}

static int
put_rows(struct lp_layers *l, struct lp_image *im)
{
	struct lp_layerend end;
	int rc = say(l, im, lp_image_load_config(im));

	if (rc != LP_OK)
		return rc;
	other_platform(l, im);
	notes(l, im);
	rc = lp_layers_begin(l);
	for (size_t i = 0; i < im->image->m.n && rc == LP_OK; i++) {
		struct lp_reference ref;
		struct lp_layer layer;

		rc = lp_layers_reference(l, im, &im->image->m.v[i], &ref);
		if (rc != LP_OK)
			return rc;
		fill_layer(im, i, &layer);
		if (is_no_size(&im->image->m.v[i])) {
			lp_note("%s: layer %zu: its descriptor says a size that it cannot have, which is not used", lp_quotes(l->text), i + 1);
			layer.has_size = 0;
		}
		rc = lp_layers_row(l, &ref, &layer);
	}
	end = (struct lp_layerend){ .digest = im->top.digest, .manifest = im->image->digest,
		.platform = platform_of(im), .layers = im->image->m.n, .odd_history = im->config.odd_history,
		.odd_diff_ids = im->config.odd_diff_ids, .base_name = said_by(im, "org.opencontainers.image.base.name"),
		.base_digest = said_by(im, "org.opencontainers.image.base.digest") };
	if (!lp_digest_valid(end.base_digest))
		end.base_digest = lp_span(NULL, 0);
	return lp_layers_end(l, rc, &end);
}

int
lp_layers_image(struct lp_layers *l, struct lp_image *im)
{
	int rc;

	if (l->what == LP_LAYERS_DIGEST)
		return put_digest(l, im);
	if (l->what == LP_LAYERS_PLATFORMS)
		return put_platforms(l, im);
	rc = answer(l, im, lp_image_load(im));
	if (rc != LP_OK || l->what == LP_LAYERS_INDEX) {
		set_digest(l, &im->top);
		return rc != LP_OK ? rc : lp_layers_add(l, lp_buf_span(&im->top.bytes));
	}
	rc = answer(l, im, lp_image_choose(im, &l->want));
	if (rc != LP_OK)
		return rc;
	set_digest(l, im->image);
	if (l->what == LP_LAYERS_MANIFEST) {
		other_platform(l, im);
		return lp_layers_add(l, lp_buf_span(&im->image->bytes));
	}
	switch (l->what) {
	case LP_LAYERS_ROWS: return put_rows(l, im);
	case LP_LAYERS_REFERRERS: return lp_layers_referrers(l, im);
	case LP_LAYERS_SOCI: return lp_layers_soci(l, im);
	default: return put_config(l, im);
	}
}
