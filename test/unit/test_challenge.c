#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/challenge.h"
#include "test/unit/unit.h"

struct wanted {
	enum lp_scheme scheme;
	const char *realm, *service, *scope;
};

/* `end`: what the parser says after the challenges. */
static const struct {
	const char *header;
	struct wanted want[4];
	size_t n;
	int end;
} cases[] = {
	{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
	  "scope=\"repository:library/alpine:pull\"",
	  { { LP_SCHEME_BEARER, "https://auth.docker.io/token", "registry.docker.io",
	      "repository:library/alpine:pull" } }, 1, LP_E_ABSENT },
	{ "Basic realm=\"Registry Realm\"", { { LP_SCHEME_BASIC, "Registry Realm", "", "" } }, 1, LP_E_ABSENT },
	{ "bEaReR REALM = \"x\" ,\tError=\"insufficient_scope\"",
	  { { LP_SCHEME_BEARER, "x", "", "" } }, 1, LP_E_ABSENT },
	{ "Bearer realm=https://h/t?a=b,service=s", { { LP_SCHEME_BEARER, "https://h/t?a=b", "s", "" } },
	  1, LP_E_ABSENT },
	{ "Bearer realm=\"a\\\"b\\\\c\"", { { LP_SCHEME_BEARER, "a\"b\\c", "", "" } }, 1, LP_E_ABSENT },
	{ "Bearer scope=\"repository:a:pull,push repository:b:pull\",realm=\"r\"",
	  { { LP_SCHEME_BEARER, "r", "", "repository:a:pull,push repository:b:pull" } }, 1, LP_E_ABSENT },
	{ "Basic realm=\"a\", Bearer realm=\"b\", service=\"c\"",
	  { { LP_SCHEME_BASIC, "a", "", "" }, { LP_SCHEME_BEARER, "b", "c", "" } }, 2, LP_E_ABSENT },
	{ "Negotiate, Basic realm=a", { { LP_SCHEME_OTHER, "", "", "" }, { LP_SCHEME_BASIC, "a", "", "" } },
	  2, LP_E_ABSENT },
	{ "Negotiate YII/+ab==, Basic realm=a",
	  { { LP_SCHEME_OTHER, "", "", "" }, { LP_SCHEME_BASIC, "a", "", "" } }, 2, LP_E_ABSENT },
	{ "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
	  { { LP_SCHEME_OTHER, "apps", "", "" }, { LP_SCHEME_BASIC, "simple", "", "" } }, 2, LP_E_ABSENT },
	{ ", ,Basic realm=a,,", { { LP_SCHEME_BASIC, "a", "", "" } }, 1, LP_E_ABSENT },
	{ "Basic", { { LP_SCHEME_BASIC, "", "", "" } }, 1, LP_E_ABSENT },
	{ "Basic ", { { LP_SCHEME_BASIC, "", "", "" } }, 1, LP_E_ABSENT },
	{ "Basic realm=\"\"", { { LP_SCHEME_BASIC, "", "", "" } }, 1, LP_E_ABSENT },
	{ "", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_ABSENT },
	{ " , ", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_ABSENT },
	/* broken */
	{ "Bearer realm=\"a", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	{ "Bearer realm=\"a\\", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	{ "Bearer realm=\"a\",realm=\"b\"", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	/* `realm=` is a token68 by the grammar; only then does it break */
	{ "Bearer realm=,x=y", { { LP_SCHEME_BEARER, "", "", "" } }, 1, LP_E_DATA },
	{ "Bearer a=b,realm=,x=y", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	/* no comma */
	{ "Bearer realm=\"a\"service=\"b\"", { { LP_SCHEME_BEARER, "a", "b", "" } }, 1, LP_E_ABSENT },
	{ "Bearer realm=\"a\" service=\"b\"", { { LP_SCHEME_BEARER, "a", "b", "" } }, 1, LP_E_ABSENT },
	{ "Bearer realm=https://a/t service=b scope=c", { { LP_SCHEME_BEARER, "https://a/t", "b", "c" } }, 1, LP_E_ABSENT },
	{ "Basic realm=\"a\" Bearer realm=\"b\"",
	  { { LP_SCHEME_BASIC, "a", "", "" }, { LP_SCHEME_BEARER, "b", "", "" } }, 2, LP_E_ABSENT },
	{ "Bearer realm=a\"b", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	{ "\"x\"", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	{ "Basic realm=a, =b", { { LP_SCHEME_OTHER, NULL, NULL, NULL } }, 0, LP_E_DATA },
	{ "Basic realm=a, Bearer realm=\"", { { LP_SCHEME_BASIC, "a", "", "" } }, 1, LP_E_DATA },
};

static int
same(const struct lp_challenge *c, const struct wanted *w)
{
	return c->scheme == w->scheme && strcmp(c->realm, w->realm) == 0 &&
	    strcmp(c->service, w->service) == 0 && strcmp(c->scope, w->scope) == 0;
}

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lp_span s = lp_span_str(cases[i].header);
		unsigned char *p = unit_exact(s);
		struct lp_challenges x;
		struct lp_challenge c;
		size_t n = 0, good = 0;
		int rc;

		lp_challenge_init(&x, lp_span(p, s.n));
		while ((rc = lp_challenge_next(&x, &c)) == LP_OK) {
			good += n < cases[i].n && same(&c, &cases[i].want[n]);
			n++;
		}
		if (!ok(n == cases[i].n && good == n && rc == cases[i].end, "%s", cases[i].header))
			diag("%zu challenges, %zu as wanted, then %d", n, good, rc);
		ok(lp_challenge_next(&x, &c) == LP_E_ABSENT, "and the end stays the end");
		free(p);
	}
}

static void
test_limit(void)
{
	char header[4096] = "Bearer realm=\"";
	struct lp_challenges x;
	struct lp_challenge c;

	memset(header + 14, 'a', 3000);
	header[14 + LP_CHALLENGE_VALUE_MAX] = '"';
	lp_challenge_init(&x, lp_span(header, 15 + LP_CHALLENGE_VALUE_MAX));
	ok(lp_challenge_next(&x, &c) == LP_OK && strlen(c.realm) == LP_CHALLENGE_VALUE_MAX, "a realm that just fits");
	header[14 + LP_CHALLENGE_VALUE_MAX] = 'a';
	header[15 + LP_CHALLENGE_VALUE_MAX] = '"';
	lp_challenge_init(&x, lp_span(header, 16 + LP_CHALLENGE_VALUE_MAX));
	ok(lp_challenge_next(&x, &c) == LP_E_LIMIT, "one byte more is too long");
	lp_challenge_init(&x, lp_span("Bearer realm=\"a\0b\"", 18));
	ok(lp_challenge_next(&x, &c) == LP_E_DATA, "a NUL in a value");
}

static void
test_answers(void)
{
	struct lp_challenges x;
	struct lp_challenge c;
	struct lp_buf b;

	lp_buf_init(&b, 4096);
	lp_challenge_init(&x, lp_span_str("Bearer realm=\"https://h/token\",service=\"a b&c\","
	    "scope=\"repository:x/y:pull repository:z:pull\""));
	lp_challenge_next(&x, &c);
	lp_challenge_url(&c, NULL, &b);
	ok_str(lp_buf_span(&b), "https://h/token?service=a%20b%26c&scope=repository%3Ax%2Fy%3Apull&"
	    "scope=repository%3Az%3Apull", "the URL of a token");
	lp_buf_clear(&b);
	lp_challenge_url(&c, "al/ice", &b);
	ok_str(lp_buf_span(&b), "https://h/token?service=a%20b%26c&account=al%2Fice&"
	    "scope=repository%3Ax%2Fy%3Apull&scope=repository%3Az%3Apull", "with an account");
	lp_buf_clear(&b);
	lp_challenge_form(&c, "se/cret+", &b);
	ok_str(lp_buf_span(&b), "grant_type=refresh_token&service=a%20b%26c&client_id=layer-peek&"
	    "scope=repository%3Ax%2Fy%3Apull%20repository%3Az%3Apull&refresh_token=se%2Fcret%2B", "the OAuth2 form");
	lp_buf_clear(&b);
	lp_challenge_init(&x, lp_span_str("Bearer realm=\"https://h/t?a=b\""));
	lp_challenge_next(&x, &c);
	lp_challenge_url(&c, "u", &b);
	ok_str(lp_buf_span(&b), "https://h/t?a=b&account=u", "a realm that has a query already");
	lp_buf_clear(&b);
	lp_basic_header("Aladdin", "open sesame", &b);
	ok_str(lp_buf_span(&b), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "RFC 7617's own example");
	lp_buf_release(&b);
}

static void
test_scope(void)
{
	static const struct {
		const char *scope, *want;
	} rows[] = {
		{ "", "repository:team/app:pull" },
		{ "repository:team/app:pull", "repository:team/app:pull" },
		{ "repository:a:pull repository:team/app:pull,push", "repository:a:pull repository:team/app:pull,push" },
		{ "repository:user/image:pull", "repository:user/image:pull repository:team/app:pull" },
		{ "repository:team/app2:pull", "repository:team/app2:pull repository:team/app:pull" },
	};
	struct lp_challenge c = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(c.scope, sizeof(c.scope), "%s", rows[i].scope);
		lp_challenge_for(&c, "team/app");
		ok_str(lp_span_str(c.scope), rows[i].want, rows[i].scope[0] != '\0' ? rows[i].scope : "no scope");
	}
	memset(c.scope, 'a', LP_CHALLENGE_VALUE_MAX);
	lp_challenge_for(&c, "team/app");
	ok(strspn(c.scope, "a") == LP_CHALLENGE_VALUE_MAX, "a scope that has no room for another");
}

int
main(void)
{
	test_parse();
	test_scope();
	test_limit();
	test_answers();
	return unit_done();
}
