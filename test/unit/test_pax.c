/* Values of pax records, and extended attributes. Records as such: test_tar.c. */
#include <stdint.h>

#include "common/base/entry.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/tar/pax.h"
#include "test/unit/tarmake.h"
#include "test/unit/unit.h"

static void
test_int(void)
{
	static const struct { const char *in; int rc; int64_t out; } t[] = {
		{ "0", LP_OK, 0 }, { "+5", LP_OK, 5 }, { "-5", LP_OK, -5 }, { "-0", LP_OK, 0 },
		{ "9223372036854775807", LP_OK, INT64_MAX },
		{ "-9223372036854775808", LP_OK, INT64_MIN },
		{ "9223372036854775808", LP_E_DATA, 0 },
		{ "", LP_E_DATA, 0 }, { "+", LP_E_DATA, 0 }, { "-", LP_E_DATA, 0 }, { "+-5", LP_E_DATA, 0 },
		{ "++5", LP_E_DATA, 0 }, { "5 ", LP_E_DATA, 0 }, { " 5", LP_E_DATA, 0 }, { "0x5", LP_E_DATA, 0 },
		{ "1_000", LP_E_DATA, 0 }, { "5.0", LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].in));
		int64_t v = 0;

		ok(lp_pax_int(lp_span(p, strlen(t[i].in)), &v) == t[i].rc && v == t[i].out,
		    "lp_pax_int '%s'", t[i].in);
		free(p);
	}
}

static void
test_time(void)
{
	static const struct { const char *in; int rc; int64_t sec; uint32_t nsec; } t[] = {
		{ "1700000784", LP_OK, 1700000784, 0 },
		{ "1700000784.", LP_OK, 1700000784, 0 },
		{ "1700000784.5", LP_OK, 1700000784, 500000000 },
		{ "1700000784.000000001", LP_OK, 1700000784, 1 },
		{ "1.123456789999", LP_OK, 1, 123456789 },
		{ "-1.5", LP_OK, -2, 500000000 },
		{ "-0.25", LP_OK, -1, 750000000 },
		{ "-1.0", LP_OK, -1, 0 },
		{ "-0.0000000009", LP_OK, 0, 0 },
		{ "-9223372036854775808", LP_OK, INT64_MIN, 0 },
		{ "-9223372036854775808.1", LP_E_DATA, 0, 0 },
		{ ".5", LP_E_DATA, 0, 0 }, { "1.5x", LP_E_DATA, 0, 0 }, { "1.-5", LP_E_DATA, 0, 0 },
		{ "1.2.3", LP_E_DATA, 0, 0 }, { "", LP_E_DATA, 0, 0 }, { "1e9", LP_E_DATA, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].in));
		int64_t sec = 0;
		uint32_t nsec = 0;
		int rc = lp_pax_time(lp_span(p, strlen(t[i].in)), &sec, &nsec);

		ok(rc == t[i].rc && sec == t[i].sec && nsec == t[i].nsec, "lp_pax_time '%s'", t[i].in);
		free(p);
	}
}

/* The attributes of a body as name=value, with a blank between. */
static void
xattrs_of(struct lp_buf *body, struct lp_buf *out)
{
	struct lp_buf array, text;
	struct lp_pax p;
	size_t n;

	lp_buf_init(&array, LP_MAX_XATTRS);
	lp_buf_init(&text, LP_MAX_EXTENSION);
	lp_buf_clear(out);
	if (lp_pax_parse(&p, lp_buf_span(body)) != LP_OK || lp_pax_xattrs(&p, &array, &text, &n) != LP_OK)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct lp_xattr *x = (const struct lp_xattr *)(const void *)array.p + i;

		tm_add(out, x->name.p, x->name.n);
		tm_add(out, "=", 1);
		tm_add(out, x->value.p, x->value.n);
		tm_add(out, " ", 1);
	}
	lp_buf_release(&array);
	lp_buf_release(&text);
}

static void
test_xattrs(void)
{
	static const struct { const char *what; const char *records[8]; const char *want; } t[] = {
		{ "none", { "path", "a" }, "" },
		{ "in order of names", { "SCHILY.xattr.b", "1", "SCHILY.xattr.a", "2", "SCHILY.xattr.aa", "3" },
		    "a=2 aa=3 b=1 " },
		{ "the last of a name counts", { "SCHILY.xattr.a", "1", "SCHILY.xattr.b", "2", "SCHILY.xattr.a", "3" },
		    "a=3 b=2 " },
		{ "an empty one is one", { "SCHILY.xattr.a", "" }, "a= " },
		{ "encoded ones", { "LIBARCHIVE.xattr.a%20b%3D%", "eHl6", "LIBARCHIVE.xattr.c", "eA==" },
		    "a b=%=xyz c=x " },
		{ "SCHILY wins", { "SCHILY.xattr.a", "1", "LIBARCHIVE.xattr.a", "Mg" }, "a=1 " },
		{ "one that cannot be decoded is none", { "LIBARCHIVE.xattr.a", "?", "LIBARCHIVE.xattr.b", "Mg" },
		    "b=2 " },
	};
	struct lp_buf body, got;

	lp_buf_init(&body, 65536);
	lp_buf_init(&got, 65536);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lp_buf_clear(&body);
		for (size_t k = 0; k + 1 < 8 && t[i].records[k] != NULL; k += 2)
			tm_record(&body, t[i].records[k], t[i].records[k + 1], strlen(t[i].records[k + 1]));
		xattrs_of(&body, &got);
		ok_str(lp_buf_span(&got), t[i].want, t[i].what);
	}
	lp_buf_clear(&body);
	tm_record(&body, "SCHILY.xattr.a", "\0\n\xff", 3);
	xattrs_of(&body, &got);
	ok_span(lp_buf_span(&got), lp_span("a=\0\n\xff ", 6), "any byte in a value");
	lp_buf_release(&body);
	lp_buf_release(&got);
}

/* As many attributes as there may be records: sorted, none twice, in reasonable time. */
static void
test_many(void)
{
	struct lp_buf body, array, text;
	struct lp_pax p;
	size_t n;
	char key[32];

	lp_buf_init(&body, 16 * 1024 * 1024);
	lp_buf_init(&array, LP_MAX_XATTRS);
	lp_buf_init(&text, 16 * 1024 * 1024);
	for (unsigned i = 0; i < LP_MAX_PAX_RECORDS; i++) {
		snprintf(key, sizeof(key), "SCHILY.xattr.%x", i % 1000);
		tm_record(&body, key, "v", 1);
	}
	ok(lp_pax_parse(&p, lp_buf_span(&body)) == LP_OK &&
	    lp_pax_xattrs(&p, &array, &text, &n) == LP_OK && n == 1000, "65536 records, 1000 names");
	lp_buf_release(&body);
	lp_buf_release(&array);
	lp_buf_release(&text);
}

int
main(void)
{
	test_int();
	test_time();
	test_xattrs();
	test_many();
	return unit_done();
}
