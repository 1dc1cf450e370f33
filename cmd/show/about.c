/* Reads what is known of an image from the document that lp-peek -j writes. */
#include "cmd/show/about.h"

#include <stdlib.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum { LAYERS_MAX = 1024, BYTES_MAX = 256 * 1024 * 1024 };

static const char *
text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t
number(const json_t *object, const char *key)
{
	uint64_t v;

	return lp_json_get_u64(object, key, &v) == LP_OK && v <= INT64_MAX ? (int64_t)v : LP_DOC_UNKNOWN;
}

static struct lp_layerdoc
layer_of(const json_t *l)
{
	return (struct lp_layerdoc){ .digest = text(l, "digest"), .media_type = text(l, "media_type"),
		.created_by = text(l, "created_by"), .error = text(l, "error"), .origin = text(l, "origin"),
		.size = number(l, "size"), .bytes_downloaded = number(l, "bytes_downloaded"),
		.bytes_decompressed = number(l, "bytes_decompressed"), .entries_found = number(l, "entries_found"),
		.partial = !json_is_false(json_object_get(l, "partial")),
		.from_cache = json_is_true(json_object_get(l, "from_cache")) };
}

static int
take(struct lp_about *a)
{
	const json_t *layers = json_object_get(a->json, "layers");
	size_t n = json_array_size(layers);

	if (n > LAYERS_MAX)
		return LP_E_LIMIT;
	a->layer = calloc(n + 1, sizeof(*a->layer));
	if (a->layer == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		a->layer[i] = layer_of(json_array_get(layers, i));
	a->doc = (struct lp_imagedoc){ .image = text(a->json, "image"), .digest = text(a->json, "image_digest"),
		.platform = text(a->json, "platform"), .layers_peeked = number(a->json, "layers_peeked"),
		.layers_from_cache = number(a->json, "layers_from_cache"),
		.bytes_downloaded = number(a->json, "total_bytes_downloaded"), .layer = a->layer, .nlayers = n };
	a->error = text(a->json, "error");
	return LP_OK;
}

int
lp_about_read(struct lp_about *a, int fd, const char *name)
{
	struct lp_json_error error = { .why = NULL };
	struct lp_buf b;
	int rc;

	*a = (struct lp_about){ .json = NULL };
	lp_buf_init(&b, BYTES_MAX);
	rc = lp_read_all(fd, &b);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", name);
	else if (rc == LP_OK && (rc = lp_json_load(lp_buf_span(&b), &a->json, &error)) == LP_OK)
		rc = take(a);
	if (rc != LP_OK && rc != LP_E_SYS)
		lp_err("%s: %s", name, rc == LP_E_NOMEM ? "out of memory" : error.why != NULL ? error.why : "more than any image has");
	lp_buf_release(&b);
	return rc;
}

void
lp_about_release(struct lp_about *a)
{
	free(a->layer);
	json_decref(a->json);
}
