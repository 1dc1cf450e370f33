#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/reference.h"
#include "test/unit/unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX
#define A10 "aaaaaaaaaa"
#define A120 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

struct good {
	const char *in, *out; /* out: as lp_reference_put writes it, NULL for the same */
};

struct bad {
	const char *in;
	size_t offset;
	const char *why; /* a part of the message */
};

typedef int parser(struct lp_span, struct lp_reference *, struct lp_reference_error *);

static int
parse(parser *f, const char *text, struct lp_reference *r, struct lp_reference_error *e)
{
	struct lp_span s = lp_span_str(text);
	unsigned char *p = unit_exact(s);
	int rc = f(lp_span(p, s.n), r, e);

	free(p);
	return rc;
}

static void
expect_good(parser *f, const struct good *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lp_reference r;
		struct lp_reference_error e = { 0, "" };
		struct lp_buf b;
		int rc = parse(f, t[i].in, &r, &e);

		if (!ok(rc == LP_OK, "taken: %.80s", t[i].in)) {
			diag("byte %zu: %s", e.offset, e.why);
			continue;
		}
		lp_buf_init(&b, LP_REF_TEXT_MAX);
		lp_reference_put(&r, &b);
		ok_str(lp_buf_span(&b), t[i].out != NULL ? t[i].out : t[i].in, "and written");
		lp_buf_release(&b);
	}
}

static void
expect_bad(parser *f, const struct bad *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lp_reference r;
		struct lp_reference_error e = { 0, "" };
		int rc = parse(f, t[i].in, &r, &e);

		if (!ok(rc == LP_E_USAGE && e.offset == t[i].offset && strstr(e.why, t[i].why) != NULL,
		    "refused: %.80s", t[i].in))
			diag("rc %d, byte %zu: %s", rc, e.offset, e.why);
	}
}

#define N(t) t, sizeof(t) / sizeof((t)[0])

static void
test_images(void)
{
	static const struct good t[] = {
		{ "alpine", "docker.io/library/alpine:latest" },
		{ "alpine:3.20", "docker.io/library/alpine:3.20" },
		{ "docker://alpine", "docker.io/library/alpine:latest" },
		{ "user/app:1.2", "docker.io/user/app:1.2" },
		{ "docker.io/alpine", "docker.io/library/alpine:latest" },
		{ "docker.io/library/alpine", "docker.io/library/alpine:latest" },
		{ "index.docker.io/alpine", "docker.io/library/alpine:latest" },
		{ "index.docker.io/u/a", "docker.io/u/a:latest" },
		{ "ghcr.io/o/r/app@" DIGEST, NULL },
		{ "ghcr.io/o/r/app:v1@" DIGEST, NULL },
		{ "alpine@" DIGEST, "docker.io/library/alpine@" DIGEST },
		{ "localhost/x", "localhost/x:latest" },
		{ "localhost:5000/x", "localhost:5000/x:latest" },
		{ "localhost:5000", "docker.io/library/localhost:5000" },
		{ "registry:5000/a:b", NULL },
		{ "127.0.0.1:5000/x:y", NULL },
		{ "[::1]:5000/x:y", NULL },
		{ "[2001:DB8::1]/x:y", NULL },
		{ "Registry/x", "Registry/x:latest" },
		{ "a-b.example.com/x", "a-b.example.com/x:latest" },
		{ "xn--n3h.com/x", "xn--n3h.com/x:latest" },
		{ "a/b/c/d", "docker.io/a/b/c/d:latest" },
		{ "a__b/c_d.e-f---g", "docker.io/a__b/c_d.e-f---g:latest" },
		{ "x:_A.b-C", "docker.io/library/x:_A.b-C" },
		{ "foo/" HEX, "docker.io/foo/" HEX ":latest" },
		{ "x:" A120 "12345678", "docker.io/library/x:" A120 "12345678" },
		{ "oci:dir", NULL },
		{ "oci:dir:tag", NULL },
		{ "oci:/a/b:docker.io/library/alpine:1", NULL },
		{ "oci:dir@" DIGEST, NULL },
		{ "oci:dir@sha512:" HEX HEX, NULL },
		{ "oci:a@b:1", NULL },
		{ "ocidir://dir:v1", "oci:dir:v1" },
		{ "oci-layout:///a/dir@" DIGEST, "oci:/a/dir@" DIGEST },
		{ "oci:///a/dir", NULL },
		{ "oci://ghcr.io/o/chart:1.0", "ghcr.io/o/chart:1.0" },
		{ "dir:/a/b:c", NULL },
		{ "dir:5000/app:1", NULL },
		{ "dir:5000", NULL },
		{ "dir:d@" DIGEST, NULL },
		{ "oci-archive:a.tar", NULL },
		{ "oci-archive:/x/a.tar:alpine:1", NULL },
		{ "oci-archive:a.tar@" DIGEST, NULL },
		{ "docker-archive:a.tar", NULL },
		{ "docker-archive:/x/a.tar:alpine:1", NULL },
	};

	expect_good(lp_reference_image, N(t));
}

static void
test_bad_images(void)
{
	static const struct bad t[] = {
		{ "", 0, "empty name" },
		{ "Alpine", 0, "lower case" },
		{ "alPine", 2, "lower case" },
		{ "library/Alpine", 8, "lower case" },
		{ "alpine:", 7, "empty tag" },
		{ "alpine:-x", 7, "character of a tag" },
		{ "alpine:a b", 8, "character of a tag" },
		{ "alpine:a:b", 8, "character of a tag" },
		{ "x:" A120 "123456789", 130, "128" },
		{ "alpine@sha256:12", 7, "lower-case" },
		{ "alpine@md5:" HEX, 7, "sha512:" },
		{ "alpine@", 7, "a digest is" },
		{ "alpine@" DIGEST "0", 7, "lower-case" },
		{ HEX, 0, "image's ID" },
		{ "a//b", 2, "empty part" },
		{ "/a", 0, "a path" },
		{ "./a", 0, "a path" },
		{ "a/", 2, "empty part" },
		{ "a.b/", 4, "empty part" },
		{ "-a", 0, "both sides" },
		{ "a-", 2, "both sides" },
		{ "a..b", 2, "both sides" },
		{ "a___b", 3, "both sides" },
		{ "a b", 1, "not a character" },
		{ "a\xc3\xa9", 1, "not a character" },
		{ "-a.com/x", 0, "host's name" },
		{ "a-.com/x", 1, "host's name" },
		{ "a..com/x", 2, "empty part in the host" },
		{ "a./x", 2, "empty part in the host" },
		{ "a:0/x", 2, "port" },
		{ "a:65536/x", 2, "port" },
		{ "a:b/x", 2, "port" },
		{ "a:/x", 2, "port" },
		{ "[::1/x.y", 0, "IPv6" },
		{ "[::g]:1/x", 3, "IPv6" },
		{ "[]:1/x", 0, "IPv6" },
		{ "[::1]5/x", 5, "only a port" },
		{ "https://a.b/x", 0, "scheme" },
		{ "oci:", 4, "empty path" },
		{ "oci::x", 4, "empty path" },
		{ "oci:x:", 6, "empty name" },
		{ "docker-archive:", 15, "empty path" },
		{ "a.b/" A120 A120 A120, 4, "255" },
	};

	expect_bad(lp_reference_image, N(t));
}

static void
test_sources(void)
{
	static const struct good t[] = {
		{ "-", NULL },
		{ "alpine@" DIGEST, "docker.io/library/alpine@" DIGEST },
		{ "docker://localhost:5000/x/y@" DIGEST, "localhost:5000/x/y@" DIGEST },
		{ "oci:/d/e@" DIGEST, NULL },
		{ "https://h/x?y=%20#z", NULL },
		{ "http://h", NULL },
		{ "/a/b", NULL },
		{ "./b", NULL },
		{ "../b#1+2", NULL },
		{ "a/b", "./a/b" },
		{ "a/b#512+18446744073709551103", "./a/b#512+18446744073709551103" },
		{ "a/b#c", "./a/b#c" },
		{ "a/b#c+d", "./a/b#c+d" },
		{ "a/b#c#1+2", "./a/b#c#1+2" },
		{ "file:x", "./x" },
		{ "file:/x@y", "/x@y" },
		{ "./x@" DIGEST, NULL },
	};

	expect_good(lp_reference_source, N(t));
}

static void
test_bad_sources(void)
{
	static const struct bad t[] = {
		{ "", 0, "empty name" },
		{ "alpine", 6, "named by its digest" },
		{ "alpine:3", 8, "named by its digest" },
		{ "alpine:3@" DIGEST, 0, "no tag" },
		{ "a/b@sha256:00", 4, "lower-case" },
		{ "oci:d", 5, "named by its digest" },
		{ "oci:d:t", 7, "named by its digest" },
		{ "http://", 7, "without a host" },
		{ "https:///x", 8, "without a host" },
		{ "http://a b", 8, "character of a URL" },
		{ "file:", 5, "empty path" },
		{ "./x#1+18446744073709551615", 4, "2^64" },
	};

	expect_bad(lp_reference_source, N(t));
}

static void
test_nul(void)
{
	struct lp_reference r;
	struct lp_reference_error e;

	ok(lp_reference_source(lp_span("/a\0b", 4), &r, &e) == LP_E_USAGE && e.offset == 2, "a NUL in a path");
	ok(lp_reference_image(lp_span("oci:a:b\0", 8), &r, &e) == LP_E_USAGE && e.offset == 7, "a NUL in a name");
	ok(lp_reference_image(lp_span(NULL, 0), &r, &e) == LP_E_USAGE && e.offset == 0, "no text at all");
}

static void
test_range(void)
{
	struct lp_reference r;
	struct lp_reference_error e;

	lp_reference_source(lp_span_str("/a.tar#512+1024"), &r, &e);
	ok(r.kind == LP_REF_FILE && r.has_range && r.offset == 512 && r.length == 1024, "a range's numbers");
	ok_str(lp_span_str(r.path), "/a.tar", "and its path");
	lp_reference_image(lp_span_str("localhost:5000/a/b:c@" DIGEST), &r, &e);
	ok_str(lp_span_str(r.host), "localhost:5000", "host");
	ok_str(lp_span_str(r.repo), "a/b", "repository");
	ok_str(lp_span_str(r.name), "c", "tag");
	ok_str(lp_span_str(r.digest), DIGEST, "digest");
}

static void
test_hosts(void)
{
	static const struct { const char *host; int loopback; } t[] = {
		{ "localhost", 1 }, { "localhost:5000", 1 }, { "127.0.0.1", 1 }, { "127.255.0.9:80", 1 },
		{ "[::1]", 1 }, { "[::1]:5000", 1 }, { "127.0.0.1.nip.io", 0 }, { "128.0.0.1", 0 },
		{ "127.0.0", 0 }, { "127.0.0.256", 0 }, { "localhost.example", 0 }, { "a.localhost:1", 1 }, { "[::2]", 0 },
		{ "127.0.0.1.", 0 }, { "", 0 }, { "[::1", 0 },
	};
	struct lp_reference r;
	struct lp_reference_error e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok(lp_host_is_loopback(lp_span_str(t[i].host)) == t[i].loopback, "loopback: %s", t[i].host);
	lp_reference_image(lp_span_str("alpine"), &r, &e);
	ok_str(lp_span_str(lp_host_endpoint(r.host)), "registry-1.docker.io", "the Hub's registry");
	lp_reference_image(lp_span_str("quay.io/a/b"), &r, &e);
	ok_str(lp_span_str(lp_host_endpoint(r.host)), "quay.io", "another's");
}

static void
test_origins(void)
{
	static const struct { const char *source, *want; } t[] = {
		{ "alpine@" DIGEST, "docker.io/library/alpine" },
		{ "localhost:5000/a/b@" DIGEST, "localhost:5000/a/b" },
		{ "https://u:p@h:8443/x/y?token=1#f", "https://h:8443/x/y" },
		{ "https://u:p@q@h", "https://h" },
		{ "http://h?x@y", "http://h" },
		{ "oci:/d/e@" DIGEST, "oci:/d/e" },
		{ "/a.tar#512+1024", "file:/a.tar" },
		{ "-", "-" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_reference r;
		struct lp_reference_error e;
		struct lp_buf b;

		lp_buf_init(&b, LP_REF_TEXT_MAX);
		ok(lp_reference_source(lp_span_str(t[i].source), &r, &e) == LP_OK, "a source: %s", t[i].source);
		lp_reference_origin(&r, &b);
		ok_str(lp_buf_span(&b), t[i].want, "its origin");
		lp_buf_release(&b);
	}
}

/* What of a name others may see. */
static void
test_show(void)
{
	static const struct { const char *name, *want; } t[] = {
		{ "https://h/x", "https://h/x" },
		{ "https://h:5000/a@b/c?token=t#f", "https://h:5000/a@b/c" },
		{ "https://user:pass@h:1/x", "https://h:1/x" },
		{ "https://user:p@ss@h/x", "https://h/x" },
		{ "https://token@h/x", "https://h/x" },
		{ "https://u:p/w@h/x", "https://h/x" },
		{ "https://u:p?w@h/x", "https://h/x" },
		{ "https://[::1]:5000/x@y", "https://[::1]:5000/x@y" },
		{ "https://u:p@[::1]/x", "https://[::1]/x" },
		{ "ftp://u:p@h/x?q", "ftp://h/x" },
		{ "docker://u:p@h/r@" DIGEST, "docker://h/r@" DIGEST },
		{ "u:p@h:5000/r:t", "h:5000/r:t" },
		{ "h:5000/r@" DIGEST, "h:5000/r@" DIGEST },
		{ "u:p@h:5000/r@" DIGEST, "h:5000/r@" DIGEST },
		{ "oci:d@" DIGEST, "oci:d@" DIGEST },
		{ "./mail@home", "./mail@home" },
		{ "a\x1b[m", "a\\x1b[m" },
		{ "", "" },
	};
	char out[256], small[12];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lp_reference_show(t[i].name, out, sizeof(out));
		ok_str(lp_span_str(out), t[i].want, t[i].name);
	}
	lp_reference_show("https://u:p@host/x", small, sizeof(small));
	ok_str(lp_span_str(small), "https://...", "cut to fit, and not to nothing");
	lp_reference_show("host/a-name", small, sizeof(small));
	ok_str(lp_span_str(small), "host/a-n...", "what is cut says so");
}

/* What is taken can be written, and taken again: also what is as long as it may be. */
static void
test_longest_paths(void)
{
	static const struct { const char *prefix; size_t longest; } t[] = {
		{ "x/", LP_REF_PATH_MAX - 2 }, { "/", LP_REF_PATH_MAX }, { "./", LP_REF_PATH_MAX }, { "../", LP_REF_PATH_MAX },
	};
	struct lp_reference_error e;
	struct lp_reference r;
	struct lp_buf b;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char path[LP_REF_PATH_MAX + 1];

		lp_buf_init(&b, LP_REF_TEXT_MAX);
		memset(path, 'x', sizeof(path));
		memcpy(path, t[i].prefix, strlen(t[i].prefix));
		ok(lp_reference_source(lp_span(path, t[i].longest + 1), &r, &e) == LP_E_USAGE, "%sxxx: too long", t[i].prefix);
		ok(lp_reference_source(lp_span(path, t[i].longest), &r, &e) == LP_OK && lp_reference_put(&r, &b) == LP_OK &&
		    lp_reference_source(lp_buf_span(&b), &r, &e) == LP_OK, "%sxxx: the longest, and again", t[i].prefix);
		lp_buf_release(&b);
	}
}

static void
test_digests(void)
{
	ok(lp_digest_valid(lp_span_str(DIGEST)), "a digest");
	ok(!lp_digest_valid(lp_span_str("sha256:" "A" HEX)), "one too long");
	ok(!lp_digest_valid(lp_span(DIGEST, 70)), "one too short");
	ok(!lp_digest_valid(lp_span_str("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")),
	    "upper case");
}

int
main(void)
{
	test_images();
	test_bad_images();
	test_sources();
	test_bad_sources();
	test_nul();
	test_range();
	test_hosts();
	test_origins();
	test_show();
	test_longest_paths();
	test_digests();
	return unit_done();
}
