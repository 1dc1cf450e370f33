#include "common/base/status.h"
#include "common/oci/layout.h"
#include "test/unit/unit.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NAMED(digest, name) "{\"mediaType\":\"m\",\"digest\":\"" digest "\",\"size\":1,\"annotations\":{" \
    "\"org.opencontainers.image.ref.name\":\"" name "\"}}"
#define LIST(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static const struct {
	const char *json, *name, *digest; /* digest: NULL if it is not found */
	int rc;
} cases[] = {
	{ LIST(NAMED(A, "1")), "1", A, LP_OK },
	{ LIST(NAMED(A, "1")), NULL, A, LP_OK },
	{ LIST(NAMED(A, "1") "," NAMED(B, "2")), "2", B, LP_OK },
	{ LIST(NAMED(A, "1") "," NAMED(B, "1")), "1", B, LP_OK },
	{ LIST(NAMED(A, "1") "," NAMED(B, "2")), NULL, NULL, LP_E_ABSENT },
	{ LIST(NAMED(A, "1")), "2", NULL, LP_E_ABSENT },
	{ LIST(""), NULL, NULL, LP_E_ABSENT },
	{ LIST("{\"digest\":\"" A "\",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/x:1\"}}"),
	  "docker.io/library/x:1", A, LP_OK },
	{ LIST("{\"digest\":\"sha256:1\"}"), NULL, NULL, LP_E_DATA },
	{ LIST("5"), NULL, NULL, LP_E_DATA },
	{ "{}", NULL, NULL, LP_E_DATA },
	{ "", NULL, NULL, LP_E_DATA },
};

static void
test_find(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lp_layout_entry got = { .digest = "" };
		struct lp_json_error e;
		int rc = lp_layout_find(lp_span_str(cases[i].json), cases[i].name, &got, &e);

		ok(rc == cases[i].rc && (rc != LP_OK || strcmp(got.digest, cases[i].digest) == 0), "find, case %zu", i);
	}
}

static void
expect_set(const char *old, const char *want, const char *what)
{
	const struct lp_layout_entry entry = { .digest = B, .mediatype = "m", .size = 1, .has_size = 1 };
	struct lp_json_error e;
	struct lp_buf b;

	lp_buf_init(&b, 4096);
	ok(lp_layout_set(lp_span_str(old), "1", &entry, &b, &e) == LP_OK, "%s", what);
	ok_str(lp_buf_span(&b), want, "and what it writes");
	lp_buf_release(&b);
}

static void
test_set(void)
{
	struct lp_json_error e;
	struct lp_buf b;

	expect_set(LIST(""), LIST(NAMED(B, "1")), "the first name");
	expect_set(LIST(NAMED(A, "2")), LIST(NAMED(A, "2") "," NAMED(B, "1")), "a second name");
	expect_set(LIST(NAMED(A, "1") "," NAMED(A, "2")), LIST(NAMED(A, "2") "," NAMED(B, "1")), "a name moves");
	expect_set("{ \"manifests\" :[" NAMED(B, "1") "]}", "{ \"manifests\" :[" NAMED(B, "1") "]}",
	    "what is right already stays as it is, byte by byte");
	lp_buf_init(&b, 4096);
	ok(lp_layout_set(lp_span_str("{}"), "1", &(struct lp_layout_entry){ .digest = A }, &b, &e) == LP_E_DATA &&
	    b.n == 0, "what is no index is left alone");
	ok(lp_layout_names(lp_span_str(LIST(NAMED(A, "1") ",{\"digest\":\"" A "\"}," NAMED(B, "a/b:2"))), &b) == LP_OK,
	    "names are told");
	ok_str(lp_buf_span(&b), "1, a/b:2", "in order");
	lp_buf_release(&b);
}

int
main(void)
{
	test_find();
	test_set();
	return unit_done();
}
