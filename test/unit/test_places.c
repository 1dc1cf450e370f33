/* registries.conf, hosts.toml and daemon.json: the places that they put for a reference. No network. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/oci/places.h"
#include "test/unit/unit.h"

/* SCHEME HOST BASE REPO[:TAG][?NS] and what is special about it: - for insecure, t or d for tags or digests alone. */
static void
show(const struct lp_places *p, struct lp_buf *out)
{
	static const char *const schemes[] = { "", "https://", "http://" };

	for (size_t i = 0; i < p->n; i++) {
		const struct lp_regplace *v = &p->v[i];
		char line[2048];

		snprintf(line, sizeof(line), "%s%s%s%s/%s%s%s%s%s%s%s", i > 0 ? " " : "", schemes[v->scheme], v->host,
		    strcmp(v->base, "/v2") == 0 ? "" : v->base, v->repo, v->tag[0] != '\0' ? ":" : "", v->tag,
		    v->ns[0] != '\0' ? "?" : "", v->ns, v->insecure ? "-" : "",
		    v->tags && v->digests ? "" : v->tags ? "t" : v->digests ? "d" : "0");
		(void)lp_buf_adds(out, line);
	}
	if (p->blocked)
		(void)lp_buf_adds(out, "blocked");
}

static struct lp_reference
parse(const char *name)
{
	struct lp_reference_error e;
	struct lp_reference r;

	if (lp_reference_image(lp_span_str(name), &r, &e) != LP_OK)
		abort();
	return r;
}

static void
check(const char *what, int rc, const struct lp_places *p, const char *want)
{
	struct lp_buf b;

	lp_buf_init(&b, 1 << 20);
	if (rc == LP_OK)
		show(p, &b);
	else if (rc == LP_E_ABSENT)
		(void)lp_buf_adds(&b, "none");
	else
		(void)lp_buf_adds(&b, p->why);
	ok_str(lp_buf_span(&b), want, what);
	lp_buf_release(&b);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AT "@sha256:" A64

static const char page[] = "[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"internal.example:5000/bar\"\n"
    "[[registry.mirror]]\nlocation = \"m0.local/for-foo\"\n"
    "[[registry.mirror]]\nlocation = \"m1.local/mirrors/foo/\"\ninsecure = true\n"
    "[[registry]]\nlocation = \"registry.com\"\n[[registry.mirror]]\nlocation = \"mirror.registry.com\"\n";
static const char when[] = "[[registry]]\nlocation = \"r.com\"\n[[registry.mirror]]\nlocation = \"all.com\"\npull-from-mirror = \"all\"\n"
    "[[registry.mirror]]\nlocation = \"tag.com\"\npull-from-mirror = \"tag-only\"\n"
    "[[registry.mirror]]\nlocation = \"digest.com\"\npull-from-mirror = \"digest-only\"\n"
    "[[registry]]\nlocation = \"s.com\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"m.com\"\n";
static const char wild[] = "[[registry]]\nprefix = \"*.example.com\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"m.com/x\"\n"
    "[[registry]]\nprefix = \"*.b.example.com\"\nlocation = \"l.com\"\n"
    "[[registry]]\nprefix = \"aa.example.com\"\nblocked = true\nlocation = \"aa.example.com\"\n"
    "[[registry]]\nlocation = \"a.example.com\"\n";
static const char hub[] = "[[registry]]\nprefix = \"docker.io\"\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation = \"m.com:5000\"\n"
    "[[registry]]\nprefix = \"docker.io/library/busybox:1\"\nlocation = \"m.com/bb:2\"\n";
static const char v1[] = "[registries.search]\nregistries = ['one.com']\n[registries.insecure]\nregistries = ['two.com', 'three.com']\n"
    "[registries.block]\nregistries = ['three.com', 'four.com']\n";

static const struct {
	const char *toml, *name, *want;
} registries[] = {
	{ page, "example.com/foo/image:1", "m0.local/for-foo/image m1.local/mirrors/foo/image- internal.example:5000/bar/image" },
	{ page, "example.com/foo:1", "m0.local/for-foo m1.local/mirrors/foo- internal.example:5000/bar" },
	{ page, "example.com/foo" AT, "m0.local/for-foo m1.local/mirrors/foo- internal.example:5000/bar" },
	{ page, "example.com/foot:1", "none" },
	{ page, "example.com/bar", "none" },
	{ page, "registry.com/a", "mirror.registry.com/a registry.com/a" },
	{ page, "registry.com:5000/a", "mirror.registry.com:5000/a registry.com:5000/a" },
	{ page, "registry.community/a", "none" },
	{ page, "alpine", "none" },
	{ when, "r.com/a:1", "all.com/a tag.com/a r.com/a" },
	{ when, "r.com/a" AT, "all.com/a digest.com/a r.com/a" },
	{ when, "r.com/a:1" AT, "all.com/a digest.com/a r.com/a" },
	{ when, "s.com/a:1", "s.com/a" },
	{ when, "s.com/a" AT, "m.com/a s.com/a" },
	{ wild, "c.d.example.com/foo:1", "m.com/x/foo c.d.example.com/foo-" },
	{ wild, "c.b.example.com/foo:1", "l.com/foo" },
	{ wild, "example.com/foo", "none" },
	{ wild, "badexample.com/foo", "none" },
	{ wild, "c.com/a.example.com", "none" },
	{ wild, "aa.example.com/foo", "blocked" },
	{ wild, "a.example.com/foo", "m.com/x/foo a.example.com/foo-" },
	{ wild, "c.example.com:5000/foo", "none" },
	{ hub, "alpine", "m.com:5000/library/alpine docker.io/library/alpine" },
	{ hub, "busybox:1", "m.com/bb:2" },
	{ hub, "busybox:11", "m.com:5000/library/busybox docker.io/library/busybox" },
	{ v1, "one.com/a", "none" },
	{ v1, "two.com/a", "two.com/a-" },
	{ v1, "three.com/a", "blocked" },
	{ v1, "four.com/a", "blocked" },
	/* a location that is no host is not completed to the Hub's */
	{ "[[registry]]\nprefix = \"a.com/b\"\nlocation = \"localhost:5000\"\n", "a.com/b:1", "localhost:5000:1 makes no name of a repository" },
	{ "[[registry]]\nprefix = \"a.com/b\"\nlocation = \"x\"\n", "a.com/b/c", "x/c:latest makes no name of a repository" },
	{ "[[registry]]\nprefix = \"*.a.com:5000\"\n", NULL, "a prefix that begins with *. is a host without a port, and no more" },
	{ "[[registry]]\nprefix = \"a.com\"\n", NULL, "a [[registry]] without a location" },
	{ "[[registry]]\nlocation = \"https://a.com\"\n", NULL, "the location is not of the form HOST[:PORT][/NAMESPACE]" },
	{ "[[registry]]\nlocation = \"a.com\"\nblocked = \"true\"\n", NULL, "blocked is neither true nor false" },
	{ "[[registry]]\nlocation = 1\n", NULL, "location is no string" },
	{ "[[registry]]\nlocation = \"a.com\"\n[[registry.mirror]]\n", NULL, "the location of a mirror is not of the form HOST[:PORT][/NAMESPACE]" },
	{ "[[registry]]\nlocation = \"a.com\"\npull-from-mirror = \"all\"\n", NULL, "pull-from-mirror is of a mirror" },
	{ "[[registry]]\nlocation = \"a.com\"\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"x\"\n", NULL,
	  "pull-from-mirror is all, digest-only or tag-only" },
	{ "[[registry]]\nlocation = \"a.com\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"b\"\npull-from-mirror = \"all\"\n",
	  NULL, "mirror-by-digest-only and pull-from-mirror exclude each other" },
	{ "unqualified-search-registries = []\n[registries.block]\nregistries = []\n", NULL, "versions 1 and 2 are mixed" },
	{ "unqualified-search-registries = [1]\n", NULL, "unqualified-search-registries is no array of strings" },
	{ "short-name-mode = \"x\"\n", NULL, "short-name-mode is enforcing, permissive or disabled" },
	{ "a =\n", NULL, "line 1: not a value that is read here" },
	{ "registry = 1\n", NULL, "registry is no array of tables" },
	{ "aliases = 1\n", NULL, "aliases is no table" },
};

static void
test_registries(void)
{
	for (size_t i = 0; i < sizeof(registries) / sizeof(registries[0]); i++) {
		const char *name = registries[i].name;
		struct lp_registries r = { 0 };
		struct lp_places p = { 0 };
		struct lp_reference ref = parse(name != NULL ? name : "a");
		int rc = lp_registries_add(&r, lp_span_str(registries[i].toml), 0);

		if (rc == LP_OK)
			rc = lp_places_of_registries(&r, &ref, &p);
		else
			memcpy(p.why, r.why, sizeof(p.why));
		check(name != NULL ? name : registries[i].toml, rc, &p, registries[i].want);
		lp_places_release(&p);
		lp_registries_release(&r);
	}
}

/* Drop-ins: what has the same prefix is replaced, the rest is added; version 1 is none. */
static void
test_drop_ins(void)
{
	static const char more[] = "[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"other.com\"\n[[registry]]\nlocation = \"z.com\"\ninsecure = true\n";
	struct lp_registries r = { 0 };
	struct lp_places p = { 0 };
	struct lp_reference ref = parse("example.com/foo/a");

	ok(lp_registries_add(&r, lp_span_str(page), 0) == LP_OK && lp_registries_add(&r, lp_span_str(more), 1) == LP_OK, "a drop-in");
	check("is replaced", lp_places_of_registries(&r, &ref, &p), &p, "other.com/a");
	lp_places_release(&p);
	ref = parse("registry.com/a");
	check("stays", lp_places_of_registries(&r, &ref, &p), &p, "mirror.registry.com/a registry.com/a");
	lp_places_release(&p);
	ok(lp_registries_add(&r, lp_span_str(v1), 1) == LP_E_DATA && strcmp(r.why, "a drop-in is not of version 1") == 0, "of version 1");
	lp_registries_release(&r);
}

static const struct {
	const char *toml, *name, *want;
} names[] = {
	{ "", "debian", "docker.io/library/debian" },
	{ "unqualified-search-registries = []\n", "debian", "docker.io/library/debian" },
	{ "[aliases]\n\"fedora\" = \"registry.fedoraproject.org/fedora\"\n", "fedora:40", "registry.fedoraproject.org/fedora" },
	{ "[aliases]\n\"fedora\" = \"registry.fedoraproject.org/fedora\"\n", "docker.io/library/fedora", "docker.io/library/fedora" },
	{ "[aliases]\n\"fedora\" = \"registry.fedoraproject.org/fedora\"\n", "library/fedora", "docker.io/library/fedora" },
	{ "[aliases]\n\"ubi8/ubi\" = \"a.com/ubi8/ubi\"\n", "ubi8/ubi" AT, "a.com/ubi8/ubi" },
	{ "[aliases]\n\"debian\" = \"docker.io/debian\"\n", "debian", "docker.io/library/debian" },
	{ "[aliases]\n\"debian\" = \"a.com/x\"\n[aliases2]\n", "debian", "a.com/x" },
	{ "[aliases]\n\"debian\" = \"x\"\n", "debian", "x makes no name of a repository" },
	{ "unqualified-search-registries = ['a.com']\n", "debian", "a.com/debian" },
	{ "unqualified-search-registries = ['a.com:5000', 'b.com']\n", "u/debian", "a.com:5000/u/debian" },
	{ "unqualified-search-registries = ['docker.io', 'b.com']\n", "debian", "docker.io/library/debian" },
	{ "unqualified-search-registries = ['a.com']\nshort-name-mode = 'enforcing'\n", "debian", "a.com/debian" },
	{ "unqualified-search-registries = ['a.com', 'b.com']\nshort-name-mode = 'enforcing'\n", "debian",
	  "short-name-mode is enforcing, and it could be a.com/debian or of 1 others: write the host as well" },
	{ v1, "debian", "one.com/debian" },
};

static void
test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct lp_registries r = { 0 };
		struct lp_reference ref = parse(names[i].name);
		char got[600];
		int rc = lp_registries_add(&r, lp_span_str(names[i].toml), 0);

		rc = rc != LP_OK ? rc : lp_registries_complete(&r, &ref);
		snprintf(got, sizeof(got), "%s/%s", ref.host, ref.repo);
		ok_str(lp_span_str(rc == LP_OK ? got : r.why), names[i].want, names[i].name);
		lp_registries_release(&r);
	}
}

static const struct {
	const char *toml, *name, *want;
} hosts[] = {
	{ "", "a.com/x:1", "a.com/x" },
	{ "server = \"https://docker.io\"\n[host.\"https://registry-1.docker.io\"]\ncapabilities = [\"pull\", \"resolve\"]\n", "alpine",
	  "https://docker.io/library/alpine https://docker.io/library/alpine" },
	{ "server = \"https://registry-1.docker.io\"\n[host.\"https://public.example.com\"]\ncapabilities = [\"pull\"]\n"
	  "[host.\"http://m.internal:5000\"]\ncapabilities = [\"pull\", \"resolve\"]\nskip_verify = true\n", "alpine",
	  "https://public.example.com/library/alpine?docker.iod http://m.internal:5000/library/alpine?docker.io- https://docker.io/library/alpine" },
	{ "[host.\"https://r.example.com\"]\n", "a.com:5000/x", "https://r.example.com/x?a.com:5000 a.com:5000/x" },
	{ "server = \"https://r.example.com\"\n", "a.com/x", "https://r.example.com/x?a.com" },
	{ "server = \"r.example.com/\"\nskip_verify = true\ncapabilities = [\"resolve\"]\n", "a.com/x", "https://r.example.com/x?a.com-t" },
	{ "[host.\"https://m/us\"]\n[host.\"https://m/v2/up\"]\noverride_path = true\n[host.\"https://m/v2/\"]\n[host.\"https://m\"]\noverride_path = true\n",
	  "a.com/x", "https://m/us/v2/x?a.com https://m/v2/up/x?a.com https://m/x?a.com https://m/x?a.com a.com/x" },
	{ "[host.\"https://m\"]\ncapabilities = [\"push\"]\n", "a.com/x", "https://m/x?a.com0 a.com/x" },
	{ "[host.\"https://u:p@m\"]\n", "a.com/x", "https://u:p@m is no URL of a registry" },
	{ "[host.\"https://m/a b\"]\n", "a.com/x", "https://m/a b is no URL of a registry" },
	{ "[host.\"\"]\n", "a.com/x", " is no URL of a registry" },
	{ "host = 1\n", "a.com/x", "host is no table" },
	{ "[host]\n\"https://m\" = 1\n", "a.com/x", "host.\"https://m\" is no table" },
	{ "server = 1\n", "a.com/x", "server is no string" },
	{ "skip_verify = 1\n", "a.com/x", "skip_verify is neither true nor false" },
	{ "capabilities = \"pull\"\n", "a.com/x", "capabilities is no array" },
	{ "=\n", "a.com/x", "line 1: no key where one should be" },
}, daemons[] = {
	{ "{}", "alpine", "none" },
	{ "{\"registry-mirrors\":[\"https://m.com\",\"http://n.com:5000/\"]}", "alpine",
	  "https://m.com/library/alpine http://n.com:5000/library/alpine docker.io/library/alpine" },
	{ "{\"registry-mirrors\":[\"https://m.com\"]}", "quay.io/a", "none" },
	{ "{\"registry-mirrors\":[\"https://m.com\"],\"insecure-registries\":[\"m.com\",\"q.io:1\"]}", "alpine",
	  "https://m.com/library/alpine- docker.io/library/alpine" },
	{ "{\"insecure-registries\":[\"q.io:1\"],\"log-level\":\"x\"}", "q.io:1/a", "q.io:1/a-" },
	{ "{\"insecure-registries\":[\"q.io:1\"]}", "q.io/a", "none" },
	{ "{\"registry-mirrors\":1}", "alpine", "registry-mirrors is no array" },
	{ "{", "alpine", "byte 1: not valid JSON" },
};

static void
test_daemons(void)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct lp_reference ref = parse(hosts[i].name);
		struct lp_places p = { 0 };

		check(hosts[i].toml, lp_places_of_hosts(lp_span_str(hosts[i].toml), &ref, &p), &p, hosts[i].want);
		lp_places_release(&p);
	}
	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		struct lp_reference ref = parse(daemons[i].name);
		struct lp_places p = { 0 };

		check(daemons[i].toml, lp_places_of_daemon(lp_span_str(daemons[i].toml), &ref, &p), &p, daemons[i].want);
		lp_places_release(&p);
	}
}

int
main(void)
{
	test_registries();
	test_drop_ins();
	test_names();
	test_daemons();
	return unit_done();
}
