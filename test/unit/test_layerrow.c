#include "common/base/status.h"
#include "common/oci/layerrow.h"
#include "common/oci/mediatype.h"
#include "test/unit/unit.h"

static json_t *
load(const char *text)
{
	struct lp_json_error e;
	json_t *v;

	return lp_json_load(lp_span_str(text), &v, &e) == LP_OK ? v : NULL;
}

static void
expect(const char *columns, int json, const struct lp_layer *l, const char *want)
{
	struct lp_layerfmt f = { 0 };
	struct lp_span bad;
	struct lp_buf b;

	lp_layerfmt_init(&f, LP_ROWS_LAYERS);
	if (columns != NULL)
		ok(lp_layerfmt_columns(&f, lp_span_str(columns), &bad) == LP_OK, "columns %s", columns);
	f.json = json;
	lp_buf_init(&b, 4096);
	lp_layer_write(&f, l, &b);
	ok_str(lp_buf_span(&b), want, "a row");
	lp_buf_release(&b);
}

static void
test_rows(void)
{
	json_t *annotations = load("{\"b\":\"x\\ty\",\"a\":\"\\\\\"}"), *urls = load("[\"https://h/x\"]");
	const struct lp_layer full = {
		.source = lp_span_str("h/r@d"), .digest = lp_span_str("d"), .diff_id = lp_span_str("i"),
		.mediatype = lp_span_str("application/vnd.oci.image.layer.v1.tar+zstd"),
		.created_by = lp_span_str("RUN a\tb\n"), .annotations = annotations, .urls = urls,
		.size = 12, .has_size = 1, .index = 3
	};
	const struct lp_layer bare = { .source = lp_span_str("s") };

	expect(NULL, 0, &full, "h/r@d\t12\tapplication/vnd.oci.image.layer.v1.tar+zstd\t4\tRUN a\\tb\\n\n");
	expect("index,digest,diff_id,compression,annotations,urls", 0, &full,
	    "4\td\ti\tzstd\t{\"b\":\"x\\\\ty\",\"a\":\"\\\\\\\\\"}\t[\"https://h/x\"]\n");
	expect(NULL, 1, &full, "{\"source\":\"h/r@d\",\"size\":12,"
	    "\"mediatype\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"index\":4,\"created_by\":\"RUN a\\tb\\n\","
	    "\"digest\":\"d\",\"diff_id\":\"i\",\"compression\":\"zstd\",\"annotations\":{\"b\":\"x\\ty\",\"a\":\"\\\\\"},"
	    "\"urls\":[\"https://h/x\"]}\n");
	expect(NULL, 0, &bare, "s\t-\t\t1\t\n");
	expect("annotations,urls,compression,size", 0, &bare, "\t\t\t-\n");
	expect(NULL, 1, &bare, "{\"source\":\"s\",\"index\":1}\n");
	json_decref(annotations);
	json_decref(urls);
}

static void
test_columns(void)
{
	static const struct { const char *list, *bad; } t[] = {
		{ "nope", "nope" }, { "size,size", "size" }, { "", "" }, { "size,", "" }, { "size,,index", "" },
	};
	struct lp_layerfmt f = { 0 };
	struct lp_span bad;
	struct lp_buf b;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lp_layerfmt_init(&f, LP_ROWS_LAYERS);
		ok(lp_layerfmt_columns(&f, lp_span_str(t[i].list), &bad) == LP_E_USAGE && lp_span_is(bad, t[i].bad) &&
		    f.ncolumns == 5, "no columns: '%s'", t[i].list);
	}
	lp_buf_init(&b, 4096);
	lp_layer_header(&f, &b);
	ok_str(lp_buf_span(&b), "source\tsize\tmediatype\tindex\tcreated_by\n", "the header");
	lp_buf_release(&b);
	lp_buf_init(&b, 20);
	ok(lp_layer_header(&f, &b) == LP_E_LIMIT && b.n == 0, "no half header");
	lp_buf_release(&b);
}

static void
test_compression(void)
{
	static const struct { const char *type, *is; } t[] = {
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", "gzip" },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "gzip" },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "gzip" },
		{ "application/vnd.oci.image.layer.v1.tar+zstd", "zstd" },
		{ "application/vnd.oci.image.layer.v1.tar", "none" },
		{ "application/vnd.docker.image.rootfs.diff.tar", "none" },
		{ "application/json", "" }, { "", "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok_str(lp_span_str(lp_mediatype_compression(lp_span_str(t[i].type))), t[i].is, t[i].type);
}

/* What containerd unpacks, and what is known to be something else. */
static void
test_mediatypes(void)
{
	static const struct { const char *type; int is_layer; const char *foreign; } t[] = {
		{ "application/vnd.oci.image.layer.v1.tar", 1, "" },
		{ "application/vnd.oci.image.layer.v1.tar+zstd", 1, "" },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", 1, "" },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip", 1, "" },
		{ "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", 1, "" },
		{ "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", 0, "an encrypted layer: it cannot be read without its key" },
		{ "application/vnd.example.layer", 0, "" },
		{ "application/vnd.cncf.helm.chart.content.v1.tar+gzip", 0, "" },
		{ "application/vnd.cncf.helm.chart.provenance.v1.prov", 0, "a Helm provenance file, not tar" },
		{ "application/vnd.erofs.layer.v1", 0, "an EROFS file system, not tar" },
		{ "application/vnd.stacker.image.layer.squashfs+zstd+verity", 0, "a squashfs file system, not tar" },
		{ "application/vnd.sylabs.sif.layer.v1.sif", 0, "a SIF image, not tar" },
		{ "application/vnd.docker.ai.gguf.v3", 0, "a GGUF model, not tar" },
		{ "application/vnd.wasm.content.layer.v1+wasm", 0, "a wasm module, not tar" },
		{ "application/wasm", 0, "a wasm module, not tar" },
		{ "application/vnd.in-toto+json", 0, "an attestation, not tar" },
		{ "", 0, "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char *foreign = lp_mediatype_foreign(lp_span_str(t[i].type));

		ok(lp_mediatype_is_layer(lp_span_str(t[i].type)) == t[i].is_layer, "%s: is %sa layer", t[i].type,
		    t[i].is_layer ? "" : "not ");
		ok_str(lp_span_str(foreign != NULL ? foreign : ""), t[i].foreign, t[i].type);
	}
}

static void
test_platform_row(void)
{
	struct lp_descriptor d = { .mediatype = lp_span_str("m"), .digest = lp_span_str("d"), .size = 5, .has_size = 1 };
	struct lp_layerfmt f = { 0 };
	struct lp_span bad;
	struct lp_buf b;

	lp_layerfmt_init(&f, LP_ROWS_PLATFORMS);
	lp_buf_init(&b, 4096);
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "-\td\t5\tm\n", "a platform that is not known");
	lp_buf_clear(&b);
	d.has_platform = lp_platform_parse(lp_span_str("linux/arm/v6"), &d.platform) == LP_OK;
	lp_layer_header(&f, &b);
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "platform\tdigest\tsize\tmediatype\nlinux/arm/v6\td\t5\tm\n", "one that is");
	lp_buf_clear(&b);
	f.json = 1;
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\",\"digest\":\"d\",\"size\":5,"
	    "\"mediatype\":\"m\"}\n", "as JSON");
	lp_buf_clear(&b);
	d.has_platform = lp_platform_parse(lp_span_str("linux/amd64"), &d.platform) == LP_OK;
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "{\"os\":\"linux\",\"architecture\":\"amd64\",\"digest\":\"d\",\"size\":5,"
	    "\"mediatype\":\"m\"}\n", "of no variant");
	lp_buf_clear(&b);
	d.has_platform = lp_platform_parse(lp_span_str("windows(10.0.17763.1+win32k+a)/amd64"), &d.platform) == LP_OK;
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "{\"os\":\"windows\",\"architecture\":\"amd64\",\"os.version\":\"10.0.17763.1\","
	    "\"os.features\":[\"a\",\"win32k\"],\"digest\":\"d\",\"size\":5,\"mediatype\":\"m\"}\n", "of a version");
	f.json = 0;
	lp_buf_clear(&b);
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "windows/amd64\td\t5\tm\n", "which the columns of old do not have");
	ok(lp_layerfmt_columns(&f, lp_span_str("os.version,os.features,platform,annotations"), &bad) == LP_OK, "others can be had");
	lp_buf_clear(&b);
	lp_layer_header(&f, &b);
	lp_platform_write(&f, &d, &b);
	ok_str(lp_buf_span(&b), "os.version\tos.features\tplatform\tannotations\n10.0.17763.1\ta,win32k\twindows/amd64\t\n", "in their order");
	ok(lp_layerfmt_columns(&f, lp_span_str("source"), &bad) == LP_E_USAGE, "but none of a layer's");
	lp_buf_release(&b);
}

int
main(void)
{
	test_rows();
	test_columns();
	test_compression();
	test_mediatypes();
	test_platform_row();
	return unit_done();
}
