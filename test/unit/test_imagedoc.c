#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "common/base/status.h"
#include "common/view/imagedoc.h"
#include "test/unit/unit.h"

static const struct lp_layerdoc layers[] = {
	{ .digest = "sha256:a", .media_type = "t", .created_by = "say \"hi\"\n\033[31m", .error = NULL, .size = 10,
	  .bytes_downloaded = 5, .bytes_decompressed = 20, .entries_found = 2, .partial = 1, .from_cache = 0 },
	{ .digest = NULL, .media_type = NULL, .created_by = NULL, .error = "failed", .size = LP_DOC_UNKNOWN,
	  .bytes_downloaded = 0, .bytes_decompressed = LP_DOC_UNKNOWN, .entries_found = LP_DOC_UNKNOWN,
	  .partial = LP_DOC_UNKNOWN, .from_cache = 1 },
};

/* Bytes on their way to a reader: with `flush` the buffer is emptied between any two pieces. */
struct out {
	struct lp_buf b, all;
	int flush;
};

static int
next(struct out *o, int rc)
{
	if (rc == LP_OK && o->flush) {
		rc = lp_buf_add(&o->all, lp_buf_span(&o->b));
		lp_buf_clear(&o->b);
	}
	return rc;
}

static int
write_document(struct out *o, size_t nlayers, int rows)
{
	const struct lp_imagedoc doc = { .image = "a\xff" "b", .digest = "sha256:i", .platform = NULL, .layers_peeked = 1,
		.layers_from_cache = 1, .bytes_downloaded = 5, .layer = layers, .nlayers = nlayers };
	int rc = next(o, lp_imagedoc_open(&doc, &o->b));

	for (size_t i = 0; i < nlayers && rc == LP_OK; i++) {
		rc = next(o, lp_imagedoc_layer(&layers[i], i == 0, &o->b));
		if (rows) {
			rc = rc != LP_OK ? rc : next(o, lp_imagedoc_rows_open("entries", &o->b));
			rc = rc != LP_OK ? rc : next(o, lp_imagedoc_rows_close(&o->b));
		}
		rc = rc != LP_OK ? rc : next(o, lp_imagedoc_layer_close(&o->b));
	}
	rc = rc != LP_OK ? rc : next(o, lp_imagedoc_layers_close(&o->b));
	rc = rc != LP_OK ? rc : next(o, lp_imagedoc_rows_open("all_entries", &o->b));
	for (int i = 0; i < rows && rc == LP_OK; i++)
		rc = next(o, lp_imagedoc_row(lp_span_str("{\"name\":\"x\"}"), i == 0, &o->b));
	rc = rc != LP_OK ? rc : next(o, lp_imagedoc_rows_close(&o->b));
	rc = rc != LP_OK ? rc : next(o, lp_imagedoc_close(rows, LP_DOC_UNKNOWN, NULL, &o->b));
	return rc != LP_OK ? rc : lp_buf_add(&o->all, lp_buf_span(&o->b));
}

static int
is_null(const json_t *o, const char *key)
{
	return json_object_get(o, key) != NULL && json_is_null(json_object_get(o, key));
}

static void
check_document(const json_t *doc, size_t nlayers, int rows)
{
	const json_t *list = json_object_get(doc, "layers"), *first = json_array_get(list, 0), *second = json_array_get(list, 1);

	ok(json_object_size(doc) == 11, "all keys of the document and no other: %zu", json_object_size(doc));
	ok(json_array_size(list) == nlayers && json_array_size(json_object_get(doc, "all_entries")) == (size_t)rows,
	    "as many layers and rows as were written");
	ok(is_null(doc, "platform") && is_null(doc, "complete") && is_null(doc, "error"), "what is not known is null");
	ok(strcmp(json_string_value(json_object_get(doc, "image")), "a\xef\xbf\xbd" "b") == 0, "bytes that are no text");
	if (nlayers < 2)
		return;
	ok(json_object_size(first) == 11 + (rows > 0), "all keys of a layer and no other: %zu", json_object_size(first));
	ok(strcmp(json_string_value(json_object_get(first, "created_by")), "say \"hi\"\n\033[31m") == 0, "a string with quotes");
	ok(json_is_true(json_object_get(first, "partial")) && json_is_false(json_object_get(first, "from_cache")) &&
	    json_integer_value(json_object_get(first, "size")) == 10 && is_null(first, "error") && is_null(first, "origin"),
	    "a layer's values");
	ok(is_null(second, "digest") && is_null(second, "size") && is_null(second, "partial") &&
	    is_null(second, "entries_found") && json_is_string(json_object_get(second, "error")), "a layer that failed");
}

static void
test_document(size_t nlayers, int rows)
{
	struct out whole = { .flush = 0 }, pieces = { .flush = 1 };
	json_t *doc;

	lp_buf_init(&whole.b, 65536);
	lp_buf_init(&whole.all, 65536);
	lp_buf_init(&pieces.b, 65536);
	lp_buf_init(&pieces.all, 65536);
	ok(write_document(&whole, nlayers, rows) == LP_OK && write_document(&pieces, nlayers, rows) == LP_OK,
	    "%zu layers, %d rows", nlayers, rows);
	ok_span(lp_buf_span(&pieces.all), lp_buf_span(&whole.all), "the same when each piece is written out at once");
	doc = json_loadb((const char *)whole.all.p, whole.all.n, JSON_REJECT_DUPLICATES, NULL);
	if (ok(json_is_object(doc), "it is JSON"))
		check_document(doc, nlayers, rows);
	json_decref(doc);
	lp_buf_release(&whole.b);
	lp_buf_release(&whole.all);
	lp_buf_release(&pieces.b);
	lp_buf_release(&pieces.all);
}

/* A buffer that is full says so, at any place. */
static void
test_limit(void)
{
	size_t bad = 0, n;

	for (n = 0; n < 200; n++) {
		struct out o = { .flush = 0 };

		lp_buf_init(&o.b, n);
		lp_buf_init(&o.all, 65536);
		bad += write_document(&o, 2, 3) != LP_E_LIMIT;
		lp_buf_release(&o.b);
		lp_buf_release(&o.all);
	}
	ok(bad == 0, "a document longer than its bound, at each of %zu lengths", n);
}

int
main(void)
{
	test_document(2, 3);
	test_document(2, 0);
	test_document(0, 0);
	test_limit();
	return unit_done();
}
