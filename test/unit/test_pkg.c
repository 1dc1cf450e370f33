/* Databases of packages: text, rpm's headers, and which paths are one. */
#include <stdint.h>
#include <string.h>

#include "common/base/status.h"
#include "common/pkg/pkgtext.h"
#include "common/pkg/rpmhdr.h"
#include "test/unit/unit.h"

static const struct { const char *what; enum lp_pkg_kind kind; const char *text, *want; } texts[] = {
	{ "nothing", LP_PKG_DEB, "", "" },
	{ "dpkg", LP_PKG_DEB, "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\nDescription: x\n y: z\n .\n\n"
	    "Package: b\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n", "a 1:2-3 amd64;b 2 all;" },
	{ "dpkg: what is gone", LP_PKG_DEB, "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: b\nStatus: unknown ok not-installed\n\n\n"
	    "Package: c\nStatus: install ok half-configured\nVersion: 3\nArchitecture: all\n\n", "c 3 all;" },
	{ "distroless", LP_PKG_DEB, "Package: base\nVersion: 12\n", "base 12 ;" },
	{ "case, blanks", LP_PKG_DEB, "package:   a\t\nVERSION:\t1 \r\n", "a 1 ;" },
	{ "no version", LP_PKG_DEB, "Package: a\nVersion: 1\n\nPackage: b\n", "a 1 ;23: a package without a version" },
	{ "no name", LP_PKG_DEB, "Version: 1\n", "0: a package without a name" },
	{ "no colon", LP_PKG_DEB, "Package: a\nVersion 1\n", "11: a line without a colon" },
	{ "continues nothing", LP_PKG_DEB, " x\n", "0: a line that continues none" },
	{ "apk", LP_PKG_APK, "C:Q1xx=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl.so.1\na:0:0:755\n\nP:zlib\nV:1-r0\nA:x86_64\np:so:libz.so.1=1\n",
	    "musl 1.2.4-r2 x86_64;zlib 1-r0 x86_64;" },
	{ "Python", LP_PKG_PYPI, "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nLicense: x\n  y\n\nVersion: 2 is near\nText without\n", "foo 1.0 ;" },
	{ "control bytes", LP_PKG_APK, "P:a\tb\033\nV:1\nA:x\n", "a\tb\033 1 x;" },
};

static void
test_texts(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const size_t n = strlen(texts[i].text);
		unsigned char *p = unit_exact(lp_span_str(texts[i].text));
		struct lp_pkgtext t;
		char got[512] = "";
		size_t at = 0;
		int rc;

		lp_pkgtext_init(&t, texts[i].kind, lp_span(p, n));
		while ((rc = lp_pkgtext_next(&t)) > 0)
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%.*s %.*s %.*s;", (int)t.pkg.name.n, t.pkg.name.p,
			    (int)t.pkg.version.n, t.pkg.version.p, (int)t.pkg.arch.n, t.pkg.arch.n > 0 ? (const char *)t.pkg.arch.p : "");
		if (rc < 0)
			snprintf(got + at, sizeof(got) - at, "%zu: %s", t.offset, t.why);
		ok(strcmp(got, texts[i].want) == 0, "%s: %s", texts[i].what, got);
		free(p);
	}
}

static const struct { const char *path; int kind; } paths[] = {
	{ "var/lib/dpkg/status", LP_PKG_DEB }, { "var/lib/dpkg/status.d/base", LP_PKG_DEB }, { "var/lib/dpkg/status.d/base.md5sums", -1 },
	{ "var/lib/dpkg/status-old", -1 }, { "var/lib/dpkg/status.d/", -1 }, { "var/lib/dpkg/status.d/a/b", -1 },
	{ "lib/apk/db/installed", LP_PKG_APK }, { "x/lib/apk/db/installed", -1 },
	{ "usr/lib/sysimage/rpm/rpmdb.sqlite", LP_PKG_RPM }, { "var/lib/rpm/rpmdb.sqlite-shm", -1 },
	{ "usr/lib/python3/dist-packages/a-1.dist-info/METADATA", LP_PKG_PYPI }, { "a.egg-info/PKG-INFO", LP_PKG_PYPI },
	{ "opt/a.egg-info", LP_PKG_PYPI }, { "METADATA", -1 },
	{ "node_modules/a/package.json", LP_PKG_NPM }, { "app/node_modules/@s/a/package.json", LP_PKG_NPM },
	{ "node_modules/a/node_modules/b/package.json", LP_PKG_NPM }, { "node_modules/a/test/package.json", -1 },
	{ "node_modules/@s/package.json", LP_PKG_NPM }, { "xnode_modules/a/package.json", -1 }, { "app/package.json", -1 }, { "package.json", -1 }, { "", -1 },
};

static void
test_paths(void)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ok(lp_pkg_kind_of(lp_span_str(paths[i].path)) == paths[i].kind, "'%s' is of kind %d", paths[i].path, paths[i].kind);
	ok(lp_pkg_unread(lp_span_str("var/lib/rpm/Packages")) != NULL, "a Berkeley DB");
	ok(lp_pkg_unread(lp_span_str("var/lib/rpm/rpmdb.sqlite")) == NULL, "none");
}

/* ---- headers ------------------------------------------------------------------------- */

static size_t
put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
	return 4;
}

/* Bytes to change in a good header of "a", 1, 2, noarch, epoch 7, and what is said then. */
static const struct { const char *what; size_t at; uint32_t value; const char *why; } headers[] = {
	{ "good", SIZE_MAX, 0, NULL },
	{ "more entries than there are", 0, 6, "the header is not as long as it says" },
	{ "entries without end", 0, UINT32_MAX, "the header is not as long as it says" },
	{ "more data than there is", 4, UINT32_MAX, "the header is not as long as it says" },
	{ "a name that is a number", 8 + 4, 4, "a tag of the header has another type" },
	{ "a name of no string", 8 + 12, 0, "a tag of the header has another type" },
	{ "a name behind the data", 8 + 8, 17, "a tag of the header lies behind its data" },
	{ "a negative offset", 8 + 8, UINT32_MAX, "a tag of the header lies behind its data" },
	{ "an architecture without end", 8 + 3 * 16 + 8, 16, "a string of the header has no end" },
	{ "an epoch without end", 8 + 4 * 16 + 8, 14, "a number of the header has no end" },
	{ "an empty name", 8 + 8, 1, "the header has no name, no version or no release" },
	{ "no version", 8 + 16, 5, "the header has no name, no version or no release" },
	{ "tags that do not count", 8 + 3 * 16, 1004, NULL },
};

static size_t
good(unsigned char *p)
{
	static const uint32_t entry[5][4] = { { 1000, 6, 0, 1 }, { 1001, 6, 2, 1 }, { 1002, 6, 4, 1 }, { 1022, 6, 6, 1 }, { 1003, 4, 13, 1 } };
	static const char data[17] = "a\0" "1\0" "2\0" "noarch\0" "\0\0\0\7";
	size_t n = put32(p, 5);

	n += put32(p + n, sizeof(data));
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 4; k++)
			n += put32(p + n, entry[i][k]);
	memcpy(p + n, data, sizeof(data));
	p[n + 16] = 7;
	return n + sizeof(data);
}

static void
test_headers(void)
{
	unsigned char whole[128];
	struct lp_rpmhdr h;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		size_t n = good(whole);
		unsigned char *p;
		int rc;

		if (headers[i].at != SIZE_MAX)
			put32(whole + headers[i].at, headers[i].value);
		p = unit_exact(lp_span(whole, n));
		rc = lp_rpmhdr_read(&h, lp_span(p, n));
		ok(headers[i].why == NULL ? rc == LP_OK && lp_span_is(h.name, "a") && lp_span_is(h.version, "1") && h.has_epoch && h.epoch == 7 :
		    rc == LP_E_DATA && strcmp(h.why, headers[i].why) == 0 && h.offset < n, "%s", headers[i].what);
		free(p);
	}
	for (size_t n = good(whole); n-- > 0;) {
		unsigned char *p = unit_exact(lp_span(whole, n));

		ok(lp_rpmhdr_read(&h, lp_span(p, n)) == LP_E_DATA, "cut to %zu bytes", n);
		free(p);
	}
}

int
main(void)
{
	test_texts();
	test_paths();
	test_headers();
	return unit_done();
}
