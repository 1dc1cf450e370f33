#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/manifest.h"
#include "test/unit/unit.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define C "sha256:" HEX_C
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define DESC(type, digest, size) "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define CONFIG DESC(OCI "config.v1+json", C, "7")
#define IMAGE(config, layers) "{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"
#define ENTRY(digest, platform) "{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" digest \
    "\",\"size\":1" platform "}"
#define PLATFORM(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define VARIANT(os, arch, v) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\",\"variant\":\"" v "\"}"
#define WINDOWS(digest, version, features) ENTRY(digest, ",\"platform\":{\"os\":\"windows\",\"architecture\":\"amd64\",\"os.version\":\"" version \
    "\",\"os.features\":[\"" features "\"]}")
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static int
parse(const char *text, struct lp_manifest *m, struct lp_manifest_error *e)
{
	struct lp_span s = lp_span_str(text);
	unsigned char *p = unit_exact(s);
	int rc = lp_manifest_parse(lp_span(p, s.n), m, e);

	free(p);
	return rc;
}

/* ---- kinds --------------------------------------------------------------------- */

static void
test_image(void)
{
	struct lp_manifest m;
	struct lp_manifest_error e;

	if (!ok(parse(IMAGE(CONFIG, DESC(OCI "layer.v1.tar+gzip", A, "10") "," DESC(OCI "layer.v1.tar", B, "20")),
	    &m, &e) == LP_OK, "an image"))
		return;
	ok(m.kind == LP_MANIFEST_IMAGE && m.n == 2 && m.artifact_type.p == NULL, "of two layers");
	ok_str(m.v[0].digest, A, "base first");
	ok_str(m.v[1].mediatype, OCI "layer.v1.tar", "media type");
	ok(m.v[1].size == 20 && m.v[1].has_size, "size");
	ok_str(m.config.digest, C, "config");
	ok_str(m.mediatype, OCI "manifest.v1+json", "a kind that is not said");
	lp_manifest_release(&m);
}

static void
test_details(void)
{
	struct lp_manifest m;
	struct lp_manifest_error e;

	parse(IMAGE(CONFIG, "{\"digest\":\"" A "\",\"annotations\":{\"k\":\"v\"},\"urls\":[\"https://h/x\"]}"), &m, &e);
	ok(m.n == 1 && !m.v[0].has_size && m.v[0].mediatype.p == NULL, "a layer that says little");
	ok_str(lp_json_get_string(m.v[0].annotations, "k"), "v", "annotations are passed on");
	ok(json_array_size(m.v[0].urls) == 1, "and so are urls");
	lp_manifest_release(&m);
	parse(IMAGE(DESC("application/vnd.cncf.helm.config.v1+json", C, "7"), ""), &m, &e);
	ok_str(m.artifact_type, "application/vnd.cncf.helm.config.v1+json", "an artifact by its config");
	lp_manifest_release(&m);
	parse("{\"artifactType\":\"x/y\",\"config\":" CONFIG ",\"layers\":[]}", &m, &e);
	ok_str(m.artifact_type, "x/y", "an artifact by its word");
	lp_manifest_release(&m);
}

/* The longest media type there is, and one byte more: that is none, and its document's kind says what it is. */
static void
test_mediatype(void)
{
	char text[512];
	struct lp_manifest m;
	struct lp_manifest_error e;

	for (int n = 255; n <= 256; n++) {
		snprintf(text, sizeof(text), "{\"mediaType\":\"a/%0*d\",\"manifests\":[]}", n - 2, 0);
		ok(lp_manifest_parse(lp_span_str(text), &m, &e) == LP_OK, "a media type of %d bytes", n);
		ok(n == 255 ? m.mediatype.n == 255 : lp_span_is(m.mediatype, "application/vnd.oci.image.index.v1+json"),
		    "which is %s", n == 255 ? "one" : "none");
		lp_manifest_release(&m);
	}
}

static void
test_none(void)
{
	static const char *const t[] = { "{\"config\":" CONFIG "}", "{\"config\":" CONFIG ",\"layers\":null}",
		"{\"config\":" CONFIG ",\"layers\":[]}" };
	struct lp_manifest m;
	struct lp_manifest_error e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ok(parse(t[i], &m, &e) == LP_OK && m.kind == LP_MANIFEST_IMAGE && m.n == 0, "no layers: %s", t[i]);
		lp_manifest_release(&m);
	}
	for (const char *size = "-1\0\"1\"\0null\0"; *size != '\0'; size += strlen(size) + 1) {
		char text[1024];

		snprintf(text, sizeof(text), IMAGE(CONFIG, "{\"digest\":\"" A "\",\"size\":%s}"), size);
		ok(parse(text, &m, &e) == LP_OK && m.n == 1 && !m.v[0].has_size, "a size that is none: %s", size);
		lp_manifest_release(&m);
	}
}

/* Old clients' types of a config: an image in docker's manifests, an artifact in others. */
static void
test_old_config(void)
{
	static const char *const types[] = { "application/octet-stream", "text/html", "text/plain" };
	char text[1024];
	struct lp_manifest m;
	struct lp_manifest_error e;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (int docker = 0; docker <= 1; docker++) {
			snprintf(text, sizeof(text), "{\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"" C
			    "\"},\"layers\":[]}", docker ? DOCKER "distribution.manifest.v2+json" : OCI "manifest.v1+json", types[i]);
			ok(parse(text, &m, &e) == LP_OK && (m.artifact_type.n == 0) == docker, "%s", text);
			lp_manifest_release(&m);
		}
	}
}

/* Entries that are of no use, and one that is: what is not asked for is not judged. */
static void
test_bad_entries(void)
{
	static const struct lp_platform want = { .os = "linux", .arch = "amd64" }, other = { .os = "linux", .arch = "arm64" };
	struct lp_manifest m;
	struct lp_manifest_error e;
	size_t i;

	ok(parse(INDEX("3," ENTRY(A, PLATFORM("li nux", "amd64")) "," ENTRY("md5:" HEX_A, PLATFORM("linux", "arm64"))
	    "," ENTRY(B, PLATFORM("linux", "amd64"))), &m, &e) == LP_OK && m.n == 4, "an index with bad entries");
	i = lp_manifest_choose(&m, &want, m.n);
	ok(i == 3 && m.v[3].bad == NULL, "the good one is chosen");
	ok(lp_manifest_choose(&m, &want, i) == m.n, "and no other");
	i = lp_manifest_choose(&m, &other, m.n);
	ok(i == 2 && m.v[2].bad != NULL && strstr(m.v[2].bad, "digest") != NULL, "the one that is asked for says what is wrong");
	lp_manifest_release(&m);
}

static void
test_bad(void)
{
	static const struct { const char *json, *why; int rc, entry; } t[] = {
		{ "", "not valid JSON", LP_E_DATA, -1 },
		{ "<html>", "not valid JSON", LP_E_DATA, -1 },
		{ "[]", "not a JSON object", LP_E_DATA, -1 },
		{ "{}", "neither an index", LP_E_DATA, -1 },
		{ "{\"layers\":3}", "neither an index", LP_E_DATA, -1 },
		{ "{\"layers\":{},\"config\":" CONFIG "}", "neither an index", LP_E_DATA, -1 },
		{ "{\"artifactType\":\"x/y\",\"blobs\":[]}", "has blobs and no layers", LP_E_DATA, -1 },
		{ IMAGE(CONFIG, "") "x", "not valid JSON", LP_E_DATA, -1 },
		{ "{\"layers\":[]}", "without a config", LP_E_DATA, -1 },
		{ "{\"config\":{},\"layers\":[]}", "config's descriptor", LP_E_DATA, -1 },
		{ IMAGE(CONFIG, "3"), "not an object", LP_E_DATA, 0 },
		{ IMAGE(CONFIG, DESC("x", A, "1") "," DESC("x", "sha256:12", "1")), "digest is not", LP_E_DATA, 1 },
		{ IMAGE(CONFIG, DESC("x", "sha1:" HEX_A, "1")), "digest is not", LP_E_DATA, 0 },
		{ "{\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", "in one", LP_E_DATA, -1 },
		{ "{\"fsLayers\":[],\"history\":[],\"layers\":[]}", "in one", LP_E_DATA, -1 },
		{ "{\"mediaType\":\"" OCI "index.v1+json\",\"config\":" CONFIG ",\"layers\":[]}", "disagree",
		  LP_E_DATA, -1 },
		{ "{\"mediaType\":\"" DOCKER "distribution.manifest.v2+json\",\"manifests\":[]}", "disagree",
		  LP_E_DATA, -1 },
		{ "{\"layers\":[],\"layers\":[],\"config\":" CONFIG "}", "not valid JSON", LP_E_DATA, -1 },
		{ "{\"fsLayers\":[{\"blobSum\":\"" A "\"}],\"history\":[]}", "equally many", LP_E_DATA, -1 },
		{ "{\"fsLayers\":[{\"blobSum\":\"x\"}],\"history\":[{\"v1Compatibility\":\"{}\"}]}", "blobSum",
		  LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_manifest_error e = { .why = "" };
		struct lp_manifest m;
		int rc = parse(t[i].json, &m, &e);

		if (!ok(rc == t[i].rc && strstr(e.why, t[i].why) != NULL && e.entry == t[i].entry && m.root == NULL,
		    "refused: %.60s", t[i].json))
			diag("%d, entry %d: %s", rc, e.entry, e.why);
	}
}

static void
test_depth(void)
{
	struct lp_manifest_error e;
	struct lp_manifest m;
	char deep[256];

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	ok(parse(deep, &m, &e) == LP_E_LIMIT && e.offset == LP_MAX_JSON_DEPTH, "nested too deep, and where");
}

/* ---- choosing -------------------------------------------------------------------- */

static void
test_choose(void)
{
	static const char many[] = INDEX(
	    ENTRY(A, PLATFORM("unknown", "unknown")) ","
	    ENTRY(A, PLATFORM("windows", "amd64")) ","
	    ENTRY(A, VARIANT("linux", "arm", "v5")) ","
	    ENTRY(A, VARIANT("linux", "arm", "v7")) ","
	    ENTRY(A, VARIANT("linux", "arm64", "v8")) ","
	    ENTRY(A, PLATFORM("linux", "386")) ","
	    ENTRY(A, PLATFORM("linux", "amd64")) ","
	    ENTRY(A, PLATFORM("linux", "amd64")) ","
	    ENTRY(A, PLATFORM("linux", "amd64") ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}") ","
	    ENTRY(A, VARIANT("linux", "amd64", "v3")) ","
	    ENTRY(A, PLATFORM("linux", "s390x")));
	static const char windows[] = INDEX(
	    WINDOWS(A, "10.0.17763.973", "win32k") ","
	    WINDOWS(A, "10.0.17763.1457", "win32k") ","
	    WINDOWS(A, "10.0.20348.2322", "") ","
	    WINDOWS(A, "10.0.17763.5206", "win32k") ","
	    WINDOWS(A, "10.0.26100.1742", ""));
	static const struct { const char *json, *platform; size_t at; } t[] = {
		{ many, "linux/amd64", 6 }, { many, "amd64", 6 }, { many, "linux/x86_64", 6 },
		{ many, "linux/amd64/v2", 6 }, { many, "linux/amd64/v3", 9 }, { many, "linux/amd64/v4", 9 },
		{ many, "linux/386", 5 }, { many, "linux/arm64", 4 }, { many, "linux/arm64/v8", 4 },
		{ many, "linux/aarch64", 4 }, { many, "linux/arm", 3 }, { many, "linux/arm/v7", 3 },
		{ many, "linux/arm/v6", 2 }, { many, "linux/arm/5", 2 }, { many, "linux/armhf", 3 },
		{ many, "linux/arm/v4", 11 }, { many, "windows/amd64", 1 }, { many, "linux/s390x", 10 },
		{ many, "linux/riscv64", 11 }, { many, "unknown/unknown", 11 },
		{ INDEX(ENTRY(A, VARIANT("linux", "arm", "v6")) "," ENTRY(A, VARIANT("linux", "arm", "v7"))), "linux/arm64", 1 },
		{ INDEX(ENTRY(A, PLATFORM("linux", "386"))), "linux/amd64", 0 },
		{ INDEX(ENTRY(A, "")), "linux/amd64", 0 },
		{ INDEX(ENTRY(A, "") "," ENTRY(B, "")), "linux/amd64", 2 },
		{ INDEX(ENTRY(A, PLATFORM("linux", "arm")) "," ENTRY(B, "")), "linux/amd64", 1 },
		{ INDEX(DESC(OCI "index.v1+json", A, "1") "," DESC(OCI "index.v1+json", B, "1")), "linux/amd64", 0 },
		{ INDEX(DESC("application/vnd.example+json", A, "1")), "linux/amd64", 1 },
		{ INDEX(""), "linux/amd64", 0 },
		/* of Windows the newest, or the one that was asked for, or what runs on that */
		{ windows, "windows/amd64", 4 }, { windows, "windows(10.0.17763.1457)/amd64", 1 },
		{ windows, "windows/amd64:10.0.17763.1457", 1 }, { windows, "windows(10.0.17763)/amd64", 3 },
		{ windows, "windows/amd64:10.0", 4 }, { windows, "windows(10.0.17763.9999)/amd64", 3 },
		{ windows, "windows(10.0.14393)/amd64", 5 }, { windows, "windows(10.0.20348.1)/amd64", 2 },
		{ windows, "windows(10.0.26100)/amd64", 4 }, { windows, "windows(10.0.25398)/amd64", 2 },
		{ windows, "windows(10.0.30000)/amd64", 4 }, { windows, "windows(6.3.20348)/amd64", 5 },
		{ windows, "windows(10.0.1776)/amd64", 5 },
		{ windows, "windows(+win32k)/amd64", 3 }, { windows, "windows(10.0.17763.1457+win32k)/amd64", 1 },
		{ INDEX(ENTRY(A, PLATFORM("windows", "amd64")) "," WINDOWS(B, "10.0.17763.1", "")), "windows(10.0.17763)/amd64", 1 },
		{ INDEX(ENTRY(A, PLATFORM("windows", "amd64"))), "windows(10.0.17763)/amd64", 0 },
		{ INDEX(WINDOWS(A, "10.0.1", "a\",\"b") "," WINDOWS(A, "10.0.1", "a") "," WINDOWS(A, "10.0.1", "c")), "windows(+b+a)/amd64", 0 },
		{ INDEX(WINDOWS(A, "10.0.1", "a\",\"b")), "windows(+a)/amd64", 1 },
		{ INDEX(WINDOWS(A, "10.0.1", "a\",\"b")), "windows/amd64", 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_manifest_error e;
		struct lp_manifest m;
		struct lp_platform p;
		size_t got;

		if (parse(t[i].json, &m, &e) != LP_OK || lp_platform_parse(lp_span_str(t[i].platform), &p) != LP_OK) {
			ok(0, "case %zu", i);
			continue;
		}
		got = lp_manifest_choose(&m, &p, m.n);
		if (!ok(got == t[i].at, "%s of case %zu", t[i].platform, i))
			diag("%zu", got);
		lp_manifest_release(&m);
	}
}

/* All that come into question, in their order; each once. */
static void
test_choose_next(void)
{
#define NESTED(digest, more) "{\"mediaType\":\"" OCI "index.v1+json\",\"digest\":\"" digest "\",\"size\":1" more "}"
	static const struct { const char *json, *order; } t[] = {
		{ INDEX(NESTED(A, "") "," NESTED(B, "")), "01" },
		{ INDEX(NESTED(A, PLATFORM("linux", "arm64")) "," NESTED(B, "")), "1" },
		{ INDEX(NESTED(A, "") "," ENTRY(A, PLATFORM("linux", "386")) "," NESTED(B, PLATFORM("linux", "amd64"))), "210" },
		{ INDEX(NESTED(A, "") "," ENTRY(B, "")), "10" },
		{ INDEX(ENTRY(A, "") "," ENTRY(B, "")), "" },
		{ INDEX(ENTRY(A, PLATFORM("linux", "amd64")) "," ENTRY(B, PLATFORM("linux", "amd64"))), "01" },
	};
	struct lp_platform amd64;

	(void)lp_platform_parse(lp_span_str("linux/amd64"), &amd64);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_manifest_error e;
		struct lp_manifest m;
		char order[16];
		size_t n = 0, at;

		if (!ok(parse(t[i].json, &m, &e) == LP_OK, "index %zu", i))
			continue;
		for (at = m.n; n < sizeof(order) && (at = lp_manifest_choose(&m, &amd64, at)) < m.n; n++)
			order[n] = (char)('0' + at);
		ok_span(lp_span(order, n), lp_span_str(t[i].order), "the next best of an index");
		lp_manifest_release(&m);
	}
}

static void
test_platforms(void)
{
	static const struct { const char *in, *out; } t[] = {
		{ "linux/amd64", "linux/amd64" }, { "Linux/AMD64", "linux/amd64" }, { "amd64", "linux/amd64" },
		{ "linux/x86-64/v1", "linux/amd64" }, { "linux/arm64/v8", "linux/arm64" }, { "armel", "linux/arm/v6" },
		{ "linux/arm/6", "linux/arm/v6" }, { "arm", "linux/arm/v7" }, { "i686", "linux/386" },
		{ "macos/arm64", "darwin/arm64" }, { "linux/mips64", "linux/mips64" }, { "mips64le", "linux/mips64le" }, { "linux/riscv64/rva20", "linux/riscv64/rva20" },
		{ "windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64" }, { "Windows/AMD64:10.0.17763.1", "windows(10.0.17763.1)/amd64" },
		{ "windows(10.0+win32k+a+win32k)/amd64", "windows(10.0+a+win32k)/amd64" }, { "linux(+erofs)/arm64/v8", "linux(+erofs)/arm64" },
		{ "linux()/amd64", "linux/amd64" },
		{ "windows(10.0)", NULL }, { "windows(10.0/amd64", NULL }, { "windows(10.0)x/amd64", NULL }, { "windows/amd64:", NULL },
		{ "windows(1)/amd64:1", NULL }, { "windows(1+)/amd64", NULL }, { "windows(1++a)/amd64", NULL }, { "windows(1 2)/amd64", NULL },
		{ "amd64:10.0", NULL }, { "windows/amd64:1/2", NULL }, { "()/amd64", NULL }, { "windows(", NULL },
		{ "", NULL }, { "/", NULL }, { "linux/", NULL }, { "/amd64", NULL }, { "linux/amd64/", NULL },
		{ "linux/amd64/v2/x", NULL }, { "lin ux/amd64", NULL },
		{ "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_platform p;
		struct lp_buf b;
		int rc = lp_platform_parse(lp_span_str(t[i].in), &p);

		if (t[i].out == NULL) {
			ok(rc == LP_E_USAGE, "no platform: '%s'", t[i].in);
			continue;
		}
		lp_buf_init(&b, 256);
		lp_platform_put_all(&p, &b);
		ok(rc == LP_OK && ok_str(lp_buf_span(&b), t[i].out, t[i].in), "a platform");
		lp_buf_release(&b);
	}
}

/* ---- schema 1 ---------------------------------------------------------------------- */

#define V1_BODY "{\"schemaVersion\":1,\"architecture\":\"amd64\"," \
    "\"fsLayers\":[{\"blobSum\":\"" C "\"},{\"blobSum\":\"" B "\"},{\"blobSum\":\"" A "\"}]," \
    "\"history\":[{\"v1Compatibility\":\"{\\\"os\\\":\\\"linux\\\",\\\"architecture\\\":\\\"arm64\\\"," \
    "\\\"container_config\\\":{\\\"Cmd\\\":[\\\"/bin/sh\\\",\\\"-c\\\",\\\"top\\\"]}}\"}," \
    "{\"v1Compatibility\":\"{\\\"throwaway\\\":true}\"}," \
    "{\"v1Compatibility\":\"{\\\"container_config\\\":{\\\"Cmd\\\":[\\\"base\\\"]}}\"}]"

static void
test_schema1(void)
{
	static const char payload[] = V1_BODY "}";
	struct lp_manifest_error e;
	struct lp_manifest m;
	struct lp_buf b;

	if (!ok(parse(payload, &m, &e) == LP_OK, "schema 1"))
		return;
	ok(m.kind == LP_MANIFEST_SCHEMA1 && m.n == 2, "a layer thrown away does not count");
	ok_str(m.v[0].digest, A, "base first");
	ok_str(m.v[1].digest, C, "newest last");
	ok_str(m.v[0].created_by, "base", "the base's history");
	ok_str(m.v[1].created_by, "/bin/sh -c top", "the top's");
	ok(m.has_platform && strcmp(m.platform.arch, "arm64") == 0, "its platform is the newest history's");
	ok(!m.v[0].has_size, "no sizes");
	lp_manifest_release(&m);
	lp_buf_init(&b, LP_MAX_MANIFEST);
	ok(lp_manifest_payload(lp_span_str(payload), &b, &e) == LP_OK &&
	    lp_span_is(lp_buf_span(&b), payload), "unsigned, it is its own payload");
	lp_buf_release(&b);
}

/* As samples have them: no history of one layer is a reason to show none. */
static void
test_schema1_histories(void)
{
	static const char *const odd[] = { "\"{\"", "\"[]\"", "\"null\"", "\"\\\"x\\\"\"", "\"\"", "null", "7", "{}" };
	struct lp_manifest_error e;
	struct lp_manifest m;
	char text[1024];

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		snprintf(text, sizeof(text), "{\"fsLayers\":[{\"blobSum\":\"" B "\"},{\"blobSum\":\"" A "\"}],"
		    "\"signatures\":null,\"history\":[{\"v1Compatibility\":%s},"
		    "{\"v1Compatibility\":\"{\\\"container_config\\\":{\\\"Cmd\\\":[\\\"base\\\"]}}\"}]}", odd[i]);
		if (!ok(parse(text, &m, &e) == LP_OK && m.n == 2, "a history of %s", odd[i]))
			continue;
		ok(lp_span_is(m.v[0].created_by, "base") && m.v[1].created_by.n == 0 && !m.has_platform,
		    "only that one's is unknown");
		lp_manifest_release(&m);
	}
}

/* ---- the config ------------------------------------------------------------------------ */

static void
test_payload(void)
{
	/* {"formatLength":14,"formatTail":"fQ"} */
	static const char document[] = "{\"fsLayers\":[],\"history\":[],\"signatures\":[{\"protected\":"
	    "\"eyJmb3JtYXRMZW5ndGgiOjE0LCJmb3JtYXRUYWlsIjoiZlEifQ\"}]}";
	static const struct { const char *json; int rc; } bad[] = {
		{ "{\"fsLayers\":[],\"signatures\":[{}]}", LP_E_DATA },
		{ "{\"fsLayers\":[],\"signatures\":[{\"protected\":\"!!\"}]}", LP_E_DATA },
		/* {"formatLength":9999,"formatTail":"fQ"} */
		{ "{\"fsLayers\":[],\"signatures\":[{\"protected\":"
		  "\"eyJmb3JtYXRMZW5ndGgiOjk5OTksImZvcm1hdFRhaWwiOiJmUSJ9\"}]}", LP_E_DATA },
	};
	struct lp_manifest_error e;
	struct lp_buf b;

	lp_buf_init(&b, 4096);
	ok(lp_manifest_payload(lp_span_str(document), &b, &e) == LP_OK, "a signed payload");
	ok_str(lp_buf_span(&b), "{\"fsLayers\":[]}", "as far as formatLength goes, then the tail");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(lp_manifest_payload(lp_span_str(bad[i].json), &b, &e) == bad[i].rc, "a signature of nothing %zu", i);
	lp_buf_release(&b);
}

static void
test_config(void)
{
	static const char text[] = "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\","
	    "\"rootfs\":{\"diff_ids\":[\"" A "\",\"" B "\"]},\"history\":["
	    "{\"created_by\":\"one\"},{\"created_by\":\"env\",\"empty_layer\":true},{\"comment\":\"no created_by\"}]}";
	struct lp_manifest_error e;
	struct lp_image_config c;

	ok(lp_image_config_parse(lp_span_str(text), 2, &c, &e) == LP_OK && c.has_history && c.has_diff_ids &&
	    !c.odd_history && !c.odd_diff_ids, "a config of two layers");
	ok_str(c.v[0].created_by, "one", "the first one's history");
	ok(c.v[1].created_by.p == NULL, "the second one's, which does not say");
	ok_str(c.v[1].diff_id, B, "its diff_id");
	ok(c.has_platform && strcmp(c.platform.variant, "v6") == 0, "the platform");
	lp_image_config_release(&c);
	ok(lp_image_config_parse(lp_span_str(text), 3, &c, &e) == LP_OK && !c.has_history && !c.has_diff_ids &&
	    c.v[0].created_by.p == NULL && c.v[2].diff_id.p == NULL, "of another number: nothing is guessed");
	ok(c.odd_history && c.odd_diff_ids, "and that is known");
	lp_image_config_release(&c);
	ok(lp_image_config_parse(lp_span_str("{}"), 0, &c, &e) == LP_OK && !c.has_platform, "an empty one");
	lp_image_config_release(&c);
	ok(lp_image_config_parse(lp_span_str("{}"), 2, &c, &e) == LP_OK && !c.odd_history && !c.odd_diff_ids,
	    "one that says nothing of its layers says nothing else");
	lp_image_config_release(&c);
	ok(lp_image_config_parse(lp_span_str("[]"), 0, &c, &e) == LP_E_DATA && c.v == NULL, "not an object");
}

int
main(void)
{
	test_image();
	test_details();
	test_mediatype();
	test_none();
	test_old_config();
	test_bad_entries();
	test_bad();
	test_depth();
	test_choose();
	test_choose_next();
	test_platforms();
	test_schema1();
	test_schema1_histories();
	test_payload();
	test_config();
	return unit_done();
}
