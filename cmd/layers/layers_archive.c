/* Rows for an image in a docker-archive. */
#include "cmd/layers/layers_priv.h"
#include "common/base/status.h"
#include "common/sys/err.h"

static const struct lp_platform *
platform_of(const struct lp_archive *a)
{
	return a->config.has_platform ? &a->config.platform : NULL;
}

static int
rows(struct lp_layers *l, const struct lp_archive *a, const struct lp_reference *archive)
{
	const struct lp_layerend end = { .digest = "", .manifest = "", .layers = a->n, .platform = platform_of(a) };
	struct lp_reference ref = *archive;
	int rc;

	lp_layers_other(l, end.platform);
	rc = lp_layers_begin(l);

	ref.kind = LP_REF_FILE;
	ref.has_range = 1;
	for (size_t i = 0; i < a->n && rc == LP_OK; i++) {
		const struct lp_archive_layer *x = &a->layer[i];
		struct lp_layer layer = { .mediatype = lp_span_str(x->mediatype), .created_by = x->created_by,
			.diff_id = x->diff_id, .size = x->size, .has_size = 1, .index = i };

		ref.offset = x->offset;
		ref.length = x->size;
		rc = lp_layers_row(l, &ref, &layer);
	}
	return lp_layers_end(l, rc, &end);
}

/* An archive of the old form has the top layer's document, which is much the same. */
static int
settings(struct lp_layers *l, const struct lp_archive *a)
{
	struct lp_json_error e;
	json_t *old = NULL;
	int rc = LP_OK;

	if (a->config.root == NULL)
		rc = lp_json_load_lax(lp_buf_span(&a->config_bytes), 1, &old, &e);
	if (rc == LP_OK)
		rc = lp_layers_settings(l, old != NULL ? old : a->config.root, NULL, platform_of(a));
	else
		lp_err("%s: the config: byte %zu: %s", lp_quotes(l->text), e.offset, e.why);
	json_decref(old);
	return rc;
}

int
lp_layers_archive(struct lp_layers *l, struct lp_archive *a, const struct lp_reference *ref)
{
	int rc = lp_archive_load(a, ref->name);

	if (rc != LP_OK) {
		lp_err("%s: %s", lp_quotes(l->text), a->why);
		return rc;
	}
	switch (l->what) {
	case LP_LAYERS_ROWS:
		return rows(l, a, ref);
	case LP_LAYERS_INDEX:
		return lp_layers_add(l, lp_buf_span(&a->catalogue));
	case LP_LAYERS_CONFIG:
		return lp_layers_add(l, lp_buf_span(&a->config_bytes));
	case LP_LAYERS_SETTINGS:
		return settings(l, a);
	default:
		lp_err("%s: an archive of docker save has neither manifest nor digest", lp_quotes(l->text));
		return LP_E_ABSENT;
	}
}
