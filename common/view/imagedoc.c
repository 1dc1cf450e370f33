/* Writes the JSON document of an image piece by piece. */
#include "common/view/imagedoc.h"

#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/status.h"

static int
add_key(struct lp_buf *b, const char *key)
{
	int rc = LP_OK;

	/* an empty buffer: its owner has written out what came before */
	if (b->n == 0 || b->p[b->n - 1] != '{')
		rc = lp_buf_addc(b, ',');
	rc = rc != LP_OK ? rc : lp_json_string(b, lp_span_str(key));
	return rc != LP_OK ? rc : lp_buf_addc(b, ':');
}

static int
add_text(struct lp_buf *b, const char *key, const char *value)
{
	int rc = add_key(b, key);

	if (rc != LP_OK)
		return rc;
	return value != NULL ? lp_json_string(b, lp_span_str(value)) : lp_buf_adds(b, "null");
}

static int
add_number(struct lp_buf *b, const char *key, int64_t v)
{
	char digits[LP_NUM_MAX];
	int rc = add_key(b, key);

	if (rc != LP_OK)
		return rc;
	if (v == LP_DOC_UNKNOWN)
		return lp_buf_adds(b, "null");
	return lp_buf_add(b, lp_span(digits, (size_t)(lp_num_puti(digits, v) - digits)));
}

static int
add_bool(struct lp_buf *b, const char *key, int v)
{
	int rc = add_key(b, key);

	if (rc != LP_OK)
		return rc;
	return lp_buf_adds(b, v == LP_DOC_UNKNOWN ? "null" : v ? "true" : "false");
}

int
lp_imagedoc_open(const struct lp_imagedoc *d, struct lp_buf *b)
{
	int rc = lp_buf_addc(b, '{');

	rc = rc != LP_OK ? rc : add_text(b, "image", d->image);
	rc = rc != LP_OK ? rc : add_text(b, "image_digest", d->digest);
	rc = rc != LP_OK ? rc : add_text(b, "platform", d->platform);
	rc = rc != LP_OK ? rc : add_number(b, "layers_peeked", d->layers_peeked);
	rc = rc != LP_OK ? rc : add_number(b, "layers_from_cache", d->layers_from_cache);
	rc = rc != LP_OK ? rc : add_number(b, "total_bytes_downloaded", d->bytes_downloaded);
	rc = rc != LP_OK ? rc : add_key(b, "layers");
	return rc != LP_OK ? rc : lp_buf_addc(b, '[');
}

int
lp_imagedoc_layer(const struct lp_layerdoc *l, int first, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, first ? "\n{" : ",\n{");

	rc = rc != LP_OK ? rc : add_text(b, "digest", l->digest);
	rc = rc != LP_OK ? rc : add_text(b, "media_type", l->media_type);
	rc = rc != LP_OK ? rc : add_number(b, "size", l->size);
	rc = rc != LP_OK ? rc : add_text(b, "created_by", l->created_by);
	rc = rc != LP_OK ? rc : add_bool(b, "partial", l->partial);
	rc = rc != LP_OK ? rc : add_number(b, "bytes_downloaded", l->bytes_downloaded);
	rc = rc != LP_OK ? rc : add_number(b, "bytes_decompressed", l->bytes_decompressed);
	rc = rc != LP_OK ? rc : add_number(b, "entries_found", l->entries_found);
	rc = rc != LP_OK ? rc : add_bool(b, "from_cache", l->from_cache);
	rc = rc != LP_OK ? rc : add_text(b, "origin", l->origin);
	return rc != LP_OK ? rc : add_text(b, "error", l->error);
}

int
lp_imagedoc_rows_open(const char *key, struct lp_buf *b)
{
	int rc = add_key(b, key);

	return rc != LP_OK ? rc : lp_buf_addc(b, '[');
}

int
lp_imagedoc_row(struct lp_span object, int first, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, first ? "\n" : ",\n");

	return rc != LP_OK ? rc : lp_buf_add(b, object);
}

int
lp_imagedoc_rows_close(struct lp_buf *b)
{
	return lp_buf_addc(b, ']');
}

int
lp_imagedoc_total(struct lp_span object, struct lp_buf *b)
{
	int rc = add_key(b, "total");

	return rc != LP_OK ? rc : lp_buf_add(b, object);
}

int
lp_imagedoc_layer_close(struct lp_buf *b)
{
	return lp_buf_addc(b, '}');
}

int
lp_imagedoc_layers_close(struct lp_buf *b)
{
	return lp_buf_addc(b, ']');
}

int
lp_imagedoc_close(int64_t total_entries, int complete, const char *error, struct lp_buf *b)
{
	int rc = add_number(b, "total_entries", total_entries);

	rc = rc != LP_OK ? rc : add_bool(b, "complete", complete);
	rc = rc != LP_OK ? rc : add_text(b, "error", error);
	return rc != LP_OK ? rc : lp_buf_adds(b, "}\n");
}

int
lp_imagedoc_about(const struct lp_imagedoc *d, const char *error, struct lp_buf *b)
{
	int rc = lp_imagedoc_open(d, b);

	for (size_t i = 0; i < d->nlayers && rc == LP_OK; i++) {
		rc = lp_imagedoc_layer(&d->layer[i], i == 0, b);
		rc = rc != LP_OK ? rc : lp_imagedoc_layer_close(b);
	}
	rc = rc != LP_OK ? rc : lp_imagedoc_layers_close(b);
	return rc != LP_OK ? rc : lp_imagedoc_close(LP_DOC_UNKNOWN, LP_DOC_UNKNOWN, error, b);
}
