#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/authfile.h"
#include "test/unit/unit.h"

/* base64 of alice:secret, bob:hunter2 and carol:with:colon */
#define ALICE "YWxpY2U6c2VjcmV0"
#define BOB "Ym9iOmh1bnRlcjI="
#define CAROL "Y2Fyb2w6d2l0aDpjb2xvbg=="

#define ENTRY(key, auth) "\"" key "\":{\"auth\":\"" auth "\"}"

static const char podman[] = "{\"auths\":{" ENTRY("reg.example", ALICE) ","
    ENTRY("reg.example/team", BOB) "," ENTRY("reg.example/team/app", CAROL) "," ENTRY("other:5000", BOB) "}}";
static const char docker[] = "{\"HttpHeaders\":{},\"auths\":{" ENTRY("https://index.docker.io/v1/", ALICE) ","
    ENTRY("https://reg.example/v2/", BOB) ",\"kept.example\":{}}"
    ",\"credsStore\":\"desktop\",\"credHelpers\":{\"gcr.io\":\"gcloud\",\"docker.io\":\"hub\"}}";
static const char tokens[] = "{\"auths\":{\"a.example\":{\"auth\":\"" ALICE "\",\"identitytoken\":\"idt\"},"
    "\"b.example\":{\"registrytoken\":\"regt\"},\"c.example\":{\"username\":\"u\",\"password\":\"p\"}}}";

static const struct {
	const char *json, *host, *repo;
	const char *key, *user, *password, *identity, *bearer, *helper;
} found[] = {
	{ podman, "reg.example", "x", "reg.example", "alice", "secret", NULL, NULL, NULL },
	{ podman, "reg.example", "team/x", "reg.example/team", "bob", "hunter2", NULL, NULL, NULL },
	{ podman, "reg.example", "team/app", "reg.example/team/app", "carol", "with:colon", NULL, NULL, NULL },
	{ podman, "reg.example", "team/app/deep", "reg.example/team/app", "carol", "with:colon", NULL, NULL, NULL },
	{ podman, "reg.example", "team/apple", "reg.example/team", "bob", "hunter2", NULL, NULL, NULL },
	{ podman, "reg.example", "teammate", "reg.example", "alice", "secret", NULL, NULL, NULL },
	{ podman, "reg.example:443", "x", NULL, NULL, NULL, NULL, NULL, NULL },
	{ podman, "other:5000", "x", "other:5000", "bob", "hunter2", NULL, NULL, NULL },
	{ podman, "other", "x", NULL, NULL, NULL, NULL, NULL, NULL },
	{ podman, "docker.io", "library/x", NULL, NULL, NULL, NULL, NULL, NULL },
	{ docker, "docker.io", "library/x", "https://index.docker.io/v1/", "alice", "secret", NULL, NULL, "hub" },
	{ docker, "reg.example", "a/b", "https://reg.example/v2/", "bob", "hunter2", NULL, NULL, "desktop" },
	{ docker, "gcr.io", "a", NULL, NULL, NULL, NULL, NULL, "gcloud" },
	{ docker, "kept.example", "a", NULL, NULL, NULL, NULL, NULL, "desktop" },
	{ tokens, "a.example", "x", "a.example", "alice", "secret", "idt", NULL, NULL },
	{ tokens, "b.example", "x", "b.example", NULL, NULL, NULL, "regt", NULL },
	{ tokens, "c.example", "x", "c.example", "u", "p", NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("docker.io/u", ALICE) "}}", "docker.io", "u/x", "docker.io/u", "alice", "secret",
	  NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("https://h/v1/", BOB) "," ENTRY("h", ALICE) "}}", "h", "r", "h", "alice", "secret",
	  NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("h", ALICE) "," ENTRY("https://h/v1/", BOB) "}}", "h", "r", "h", "alice", "secret",
	  NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("index.docker.io", BOB) "," ENTRY("docker.io", ALICE) "}}", "docker.io", "r", "docker.io",
	  "alice", "secret", NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("https://index.docker.io/v1/", BOB) "," ENTRY("index.docker.io", ALICE) "}}", "docker.io", "r",
	  "index.docker.io", "alice", "secret", NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("https://index.docker.io/v1/access-token", BOB) ","
	  ENTRY("https://index.docker.io/v1/refresh-token", BOB) "," ENTRY("https://index.docker.io/v1/", ALICE) "}}",
	  "docker.io", "r", "https://index.docker.io/v1/", "alice", "secret", NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("https://index.docker.io/v1/access-token", BOB) "}}", "docker.io", "r", NULL, NULL, NULL,
	  NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("https://h/v1/", BOB) "," ENTRY("h/r", ALICE) "}}", "h", "r/s", "h/r", "alice", "secret",
	  NULL, NULL, NULL },
	{ "{\"auths\":{" ENTRY("h", "YWxpY2U6\\r\\nc2VjcmV0\\n") "}}", "h", "r", "h", "alice", "secret", NULL, NULL, NULL },
	{ "{}", "h", "r", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "{\"auths\":[],\"credHelpers\":3}", "h", "r", NULL, NULL, NULL, NULL, NULL, NULL },
	/* "YWxpY2U6c2VjcmV0AAA=": docker once put NULs behind the password */
	{ "{\"auths\":{" ENTRY("h", "YWxpY2U6c2VjcmV0AAA=") "}}", "h", "r", "h", "alice", "secret", NULL, NULL, NULL },
};

static const struct { const char *json, *why; } broken[] = {
	{ "", "not valid JSON" },
	{ "[]", "not a JSON object" },
	{ "{\"auths\":{}", "not valid JSON" },
	{ "{\"auths\":{" ENTRY("h", "!!") "}}", "not base64" },
	{ "{\"auths\":{" ENTRY("h", "YWxp Y2U6") "}}", "not base64" },
	{ "{\"auths\":{" ENTRY("h", "YWxpY2U=") "}}", "not user:password" },
	{ "{\"auths\":{" ENTRY("h", ALICE) "," ENTRY("h", BOB) "}}", "not valid JSON" },
	{ "{\"credsStore\":\"../../bin/sh\"}", "slash" },
	{ "{\"credsStore\":\"a\\u0000b\"}", "NUL" },
};

static int
same(const char *got, const char *want)
{
	return got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
}

static void
test_find(void)
{
	struct lp_authfile f;
	struct lp_json_error e;

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		struct lp_span s = lp_span_str(found[i].json);
		unsigned char *p = unit_exact(s);
		int rc = lp_authfile_find(lp_span(p, s.n), found[i].host, found[i].repo, &f, &e);

		free(p);
		ok(rc == LP_OK && same(f.auth.key, found[i].key) && same(f.auth.user, found[i].user) &&
		    same(f.auth.password, found[i].password) && same(f.auth.identity, found[i].identity) &&
		    same(f.auth.bearer, found[i].bearer) && same(f.helper, found[i].helper),
		    "%s/%s in case %zu", found[i].host, found[i].repo, i);
		if (rc == LP_OK)
			lp_authfile_release(&f);
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int rc = lp_authfile_find(lp_span_str(broken[i].json), "h", "r", &f, &e);

		ok(rc == LP_E_DATA && strstr(e.why, broken[i].why) != NULL && f.helper == NULL &&
		    f.auth.user == NULL, "refused: %s", broken[i].json);
	}
}

static void
test_helper(void)
{
	struct lp_json_error e;
	struct lp_auth a;

	ok(lp_helper_parse(lp_span_str("{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"s\"}"), &a, &e) == LP_OK &&
	    same(a.user, "u") && same(a.password, "s") && a.identity == NULL, "a helper's user and password");
	lp_auth_release(&a);
	ok(lp_helper_parse(lp_span_str("{\"Username\":\"<token>\",\"Secret\":\"s\"}"), &a, &e) == LP_OK &&
	    a.user == NULL && a.password == NULL && same(a.identity, "s"), "a helper's identity token");
	lp_auth_release(&a);
	ok(lp_helper_parse(lp_span_str("{\"Username\":\"u\"}"), &a, &e) == LP_E_DATA && a.user == NULL,
	    "a helper without a secret");
	ok(lp_helper_parse(lp_span_str("credentials not found in native keychain"), &a, &e) == LP_E_DATA,
	    "words in place of JSON");
	ok_str(lp_span_str(lp_authfile_server("docker.io")), "https://index.docker.io/v1/", "the Hub's key");
	ok_str(lp_span_str(lp_authfile_server("ghcr.io")), "ghcr.io", "another's");
}

static void
test_token(void)
{
	static const struct { const char *json, *text; uint64_t seconds; const char *why; } t[] = {
		{ "{\"token\":\"abc\"}", "abc", 60, NULL },
		{ "{\"access_token\":\"abc\",\"expires_in\":300}", "abc", 300, NULL },
		{ "{\"token\":\"a\",\"access_token\":\"b\"}", "a", 60, NULL },
		{ "{\"token\":\"\",\"access_token\":\"b\"}", "b", 60, NULL },
		{ "{\"token\":\"a\",\"expires_in\":\"120\"}", "a", 120, NULL },
		{ "{\"token\":\"a\",\"expires_in\":-5}", "a", 60, NULL },
		{ "{\"token\":\"a\",\"expires_in\":0}", "a", 60, NULL },
		{ "{\"token\":\"a\",\"expires_in\":1e9}", "a", 60, NULL },
		{ "{\"token\":\"a\",\"expires_in\":9999999999}", "a", 86400, NULL },
		{ "{}", NULL, 0, "neither" },
		{ "{\"token\":5}", NULL, 0, "neither" },
		{ "{\"token\":\"a\\r\\nX: y\"}", NULL, 0, "control" },
		{ "{\"token\":\"a b\"}", NULL, 0, "blanks" },
		{ "<html>", NULL, 0, "not valid JSON" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_json_error e = { .why = "" };
		struct lp_token k;
		int rc = lp_token_parse(lp_span_str(t[i].json), &k, &e);

		ok(t[i].why == NULL ? rc == LP_OK && same(k.text, t[i].text) && k.expires_in == t[i].seconds :
		    rc == LP_E_DATA && strstr(e.why, t[i].why) != NULL, "token answer %s", t[i].json);
		lp_token_release(&k);
	}
}

int
main(void)
{
	lp_json_wipe();
	test_find();
	test_helper();
	test_token();
	return unit_done();
}
