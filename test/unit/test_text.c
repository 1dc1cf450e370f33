/* Small readers of text: base64, times, paths. */
#include <stdlib.h>

#include "common/base/base64.h"
#include "common/base/path.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"
#include "test/unit/unit.h"

static void
test_base64(void)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zg", "f" }, { "Zm8=", "fo" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" },
		{ "Zg=", NULL }, { "Z", NULL }, { "Zm9vY", NULL }, { "====", NULL }, { "=", NULL }, { "Zh==", NULL },
		{ "Zm9=", NULL }, { "Zm-v", NULL }, { "Zm9v\n", NULL }, { "Zg==Zg==", NULL }, { " Zg=", NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].in));
		struct lp_buf b;
		int rc;

		lp_buf_init(&b, 64);
		rc = lp_base64_decode(&b, lp_span(p, strlen(t[i].in)));
		if (t[i].out == NULL)
			ok(rc == LP_E_DATA, "base64 refused: %s", t[i].in);
		else
			ok(rc == LP_OK && lp_span_is(lp_buf_span(&b), t[i].out), "base64: %s", t[i].in);
		lp_buf_release(&b);
		free(p);
	}
}

static void
test_time(void)
{
	/* seconds from `date -u -d ... +%s` */
	static const struct { const char *in; int64_t sec; uint32_t nsec; } good[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2026-11-23T16:43:44Z", 1795452224, 0 },
		{ "2026-11-23t16:43:44z", 1795452224, 0 },
		{ "2026-11-23T17:43:44+01:00", 1795452224, 0 },
		{ "2026-11-23T11:13:44.5-05:30", 1795452224, 500000000 },
		{ "2026-11-23T16:43:44.1234567899Z", 1795452224, 123456789 },
		{ "1969-12-31T23:59:59.25Z", -1, 250000000 },
		{ "2000-02-29T12:00:00Z", 951825600, 0 },
		{ "2016-12-31T23:59:60Z", 1483228800, 0 },
		{ "0001-01-01T00:00:00Z", -62135596800, 0 },
		{ "0000-01-01T00:00:00Z", -62167219200, 0 },
		{ "0000-12-31T00:00:00Z", -62135683200, 0 },
		{ "1900-03-01T00:00:00Z", -2203891200, 0 },
		{ "9999-12-31T23:59:59Z", 253402300799, 0 },
	};
	static const char *const bad[] = {
		"", "-", "2026-11-23", "2026-11-23T16:43:44", "2026-11-23 16:43:44Z", "2026-11-23T16:43:44.Z",
		"2026-13-23T16:43:44Z", "2026-00-23T16:43:44Z", "2026-11-31T16:43:44Z", "2026-11-00T16:43:44Z",
		"2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T16:60:44Z",
		"2026-11-23T16:43:61Z", "2026-11-23T16:43:44Zx", "2026-11-23T16:43:44+1:00", "2026-11-23T16:43:44+01",
		"2026-11-23T16:43:44+24:00", "+026-11-23T16:43:44Z", "2026-1-23T16:43:44Z",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(good[i].in));
		int64_t sec = 0;
		uint32_t nsec = 0;

		ok(lp_rfc3339(lp_span(p, strlen(good[i].in)), &sec, &nsec) == LP_OK && sec == good[i].sec &&
		    nsec == good[i].nsec, "time: %s", good[i].in);
		free(p);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(bad[i]));
		int64_t sec = 7;
		uint32_t nsec = 7;

		ok(lp_rfc3339(lp_span(p, strlen(bad[i])), &sec, &nsec) == LP_E_DATA && sec == 7 && nsec == 7,
		    "no time: %s", bad[i]);
		free(p);
	}
}

static void
test_path(void)
{
	static const struct { const char *dir, *path, *out; } t[] = {
		{ "", "", "" }, { "", ".", "" }, { "", "/", "" }, { "", "./", "" }, { "", "./etc/", "etc" },
		{ "", "/etc//passwd", "etc/passwd" }, { "", "etc/./passwd", "etc/passwd" }, { "", "..", "" },
		{ "", "a/../b", "b" }, { "", "a/b/../../../c", "c" }, { "", ".../x", ".../x" }, { "", "..x/.y", "..x/.y" },
		{ "usr/lib", "../share/x", "usr/share/x" }, { "usr/lib", "/x", "x" }, { "usr", "x", "usr/x" },
		{ "usr", "", "usr" }, { "usr", "../../..", "" },
	};
	static const struct { const char *path, *dir; int within; } w[] = {
		{ "a", "", 1 }, { "", "", 1 }, { "a", "a", 1 }, { "a/b", "a", 1 }, { "ab", "a", 0 }, { "a", "a/b", 0 }, { "", "a", 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].path));
		struct lp_buf b;

		lp_buf_init(&b, 64);
		lp_buf_adds(&b, t[i].dir);
		ok(lp_path_join(&b, lp_span(p, strlen(t[i].path))) == LP_OK && lp_span_is(lp_buf_span(&b), t[i].out),
		    "path: '%s' from '%s'", t[i].path, t[i].dir);
		lp_buf_release(&b);
		free(p);
	}
	for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++)
		ok(lp_path_within(lp_span_str(w[i].path), lp_span_str(w[i].dir)) == w[i].within,
		    "path: '%s' within '%s'", w[i].path, w[i].dir);
}

int
main(void)
{
	test_base64();
	test_time();
	test_path();
	return unit_done();
}
