/* An image's config: image-spec's config.md. */
#include "common/oci/manifest_priv.h"

#include <stdlib.h>

#include "common/base/status.h"

static size_t
count_history(const json_t *history)
{
	size_t n = 0, i;
	const json_t *h;

	json_array_foreach(history, i, h)
		n += !json_is_true(json_object_get(h, "empty_layer"));
	return n;
}

/* The entries with a layer, in order, are the layers' (config.md, "history"). */
static void
align_history(struct lp_image_config *c, const json_t *history)
{
	size_t i, n = 0;
	const json_t *h;

	c->has_history = count_history(history) == c->n;
	c->odd_history = !c->has_history && json_array_size(history) > 0;
	if (!c->has_history)
		return;
	json_array_foreach(history, i, h)
		if (!json_is_true(json_object_get(h, "empty_layer")))
			c->v[n++].created_by = lp_json_get_string(h, "created_by");
}

static void
align_diff_ids(struct lp_image_config *c, const json_t *ids)
{
	c->has_diff_ids = json_array_size(ids) == c->n;
	c->odd_diff_ids = !c->has_diff_ids && json_is_array(ids);
	for (size_t i = 0; i < c->n && c->has_diff_ids; i++) {
		const json_t *id = json_array_get(ids, i);
		struct lp_span s = lp_span(json_string_value(id), json_string_length(id));

		if (lp_digest_valid(s))
			c->v[i].diff_id = s;
	}
}

int
lp_image_config_parse(struct lp_span s, size_t layers, struct lp_image_config *c,
    struct lp_manifest_error *e)
{
	int rc;

	*c = (struct lp_image_config){ 0 };
	rc = lp_manifest_load(s, 1, &c->root, e);
	if (rc != LP_OK)
		return rc;
	c->n = layers;
	c->v = calloc(layers > 0 ? layers : 1, sizeof(*c->v));
	if (c->v == NULL) {
		lp_image_config_release(c);
		return lp_manifest_fail(e, LP_E_NOMEM, "out of memory");
	}
	/* one with characters that no platform has is not known */
	(void)lp_manifest_platform(c->root, &c->platform, &c->has_platform);
	align_history(c, json_object_get(c->root, "history"));
	align_diff_ids(c, json_object_get(json_object_get(c->root, "rootfs"), "diff_ids"));
	return LP_OK;
}

void
lp_image_config_release(struct lp_image_config *c)
{
	free(c->v);
	json_decref(c->root);
	*c = (struct lp_image_config){ 0 };
}
