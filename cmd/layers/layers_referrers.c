/* Lists what hangs on an image: referrers, and the tables of contents of its SOCI index. */
#include <stdio.h>
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/status.h"
#include "common/row/record.h"
#include "common/sys/err.h"

/* soci-snapshotter, soci/soci_index.go: which artifacts are indexes, and what says what belongs to what. */
#define SOCI_V1 "application/vnd.amazon.soci.index.v1+json"
#define SOCI_V2 "application/vnd.amazon.soci.index.v2+json"
#define SOCI_INDEX "com.amazon.soci.index-digest"
#define SOCI_LAYER "com.amazon.soci.image-layer-digest"

/* ---- referrers ------------------------------------------------------------------------ */

struct rows {
	struct lp_layers *l;
	const char *subject;
};

static int
each_referrer(void *arg, const struct lp_descriptor *d)
{
	struct rows *r = arg;

	r->l->entries++;
	return lp_referrer_write(&r->l->fmt, d, r->subject, &r->l->out);
}

/* What the image's own words are: a failure, or a note of what is not in the way. */
static int
said(const struct lp_layers *l, const struct lp_image *im, int rc)
{
	if (rc != LP_OK && rc != LP_E_PIPE)
		lp_err("%s: %s", lp_quotes(l->text), im->why);
	else if (im->note[0] != '\0')
		lp_note("%s: %s", lp_quotes(l->text), im->note);
	return rc;
}

static int
put_referrers(struct lp_layers *l, struct lp_image *im, const char *subject)
{
	struct rows r = { .l = l, .subject = subject };
	int rc;

	im->why[0] = '\0';
	rc = lp_image_referrers(im, subject, l->type, each_referrer, &r);
	/* the image does not explain what each_referrer failed with */
	return rc != LP_OK && im->why[0] == '\0' ? lp_layers_full(l, rc) : said(l, im, rc);
}

/* Signatures hang on the index that a name leads to, tables of contents on the image in it. */
int
lp_layers_referrers(struct lp_layers *l, struct lp_image *im)
{
	int rc = lp_layers_full(l, l->header ? lp_layer_header(&l->fmt, &l->out) : LP_OK);

	if (rc == LP_OK && im->image != &im->top && im->top.digest[0] != '\0')
		rc = put_referrers(l, im, im->top.digest);
	return rc != LP_OK ? rc : put_referrers(l, im, im->image->digest);
}

/* ---- SOCI --------------------------------------------------------------------------------- */

static int
first_index(void *arg, const struct lp_descriptor *d)
{
	char *digest = arg;

	if (*digest == '\0')
		snprintf(digest, LP_DIGEST_SIZE, "%.*s", (int)d->digest.n, (const char *)d->digest.p);
	return LP_OK;
}

/* Which one the image names (v2), or which one hangs on it (v1). */
static int
find_index(const struct lp_layers *l, struct lp_image *im, char digest[LP_DIGEST_SIZE])
{
	struct lp_span named = lp_json_get_string(json_object_get(im->image->m.root, "annotations"), SOCI_INDEX);
	int rc;

	digest[0] = '\0';
	if (lp_digest_valid(named)) {
		snprintf(digest, LP_DIGEST_SIZE, "%.*s", (int)named.n, (const char *)named.p);
		return LP_OK;
	}
	rc = said(l, im, lp_image_referrers(im, im->image->digest, SOCI_V1, first_index, digest));
	if (rc == LP_OK && digest[0] == '\0') {
		lp_err("%s: no SOCI index hangs on it", lp_quotes(l->text));
		rc = LP_E_ABSENT;
	}
	return rc;
}

static int
put_table(struct lp_layers *l, struct lp_image *index, const struct lp_descriptor *d, struct lp_span layer)
{
	struct lp_record r = { .out = &l->out, .json = l->fmt.json };
	struct lp_reference ref;
	struct lp_buf source;
	int rc = lp_layers_reference(l, index, d, &ref);

	if (rc != LP_OK)
		return rc;
	lp_buf_init(&source, LP_REF_TEXT_MAX);
	rc = lp_reference_put(&ref, &source);
	if (rc == LP_OK) {
		lp_record_text(&r, "layer", layer);
		lp_record_text(&r, "source", lp_buf_span(&source));
		lp_record_known(&r, "size", d->has_size && d->size <= INT64_MAX ? (int64_t)d->size : -1);
		rc = lp_record_end(&r);
		l->entries++;
	}
	lp_buf_release(&source);
	return lp_layers_full(l, rc);
}

static int
put_tables(struct lp_layers *l, struct lp_image *index)
{
	const struct lp_manifest *m = &index->top.m;
	int rc = LP_OK;

	if (m->kind != LP_MANIFEST_IMAGE || (!lp_span_is(m->artifact_type, SOCI_V1) && !lp_span_is(m->artifact_type, SOCI_V2))) {
		lp_err("%s: %s is no SOCI index", lp_quotes(l->text), index->top.digest);
		return LP_E_DATA;
	}
	for (size_t i = 0; i < m->n && rc == LP_OK; i++) {
		struct lp_span layer = lp_json_get_string(m->v[i].annotations, SOCI_LAYER);

		if (lp_digest_valid(layer))
			rc = put_table(l, index, &m->v[i], layer);
	}
	return rc;
}

int
lp_layers_soci(struct lp_layers *l, struct lp_image *im)
{
	struct lp_reference ref = im->ref;
	struct lp_image index;
	int rc = find_index(l, im, ref.digest);

	if (rc != LP_OK)
		return rc;
	ref.name[0] = '\0';
	rc = lp_image_open(&index, im->env, &ref);
	index.archive = im->archive;
	rc = rc != LP_OK ? rc : lp_image_load(&index);
	rc = said(l, &index, rc);
	rc = rc != LP_OK ? rc : put_tables(l, &index);
	lp_image_release(&index);
	return rc;
}
