#include <stdint.h>
#include <stdlib.h>

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/escape.h"
#include "common/base/jsonmend.h"
#include "common/base/jsonread.h"
#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "test/unit/unit.h"

static void
test_u64(void)
{
	static const struct { const char *in; uint64_t max; int rc; uint64_t out; } t[] = {
		{ "0", UINT64_MAX, LP_OK, 0 },
		{ "007", UINT64_MAX, LP_OK, 7 },
		{ "18446744073709551615", UINT64_MAX, LP_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, LP_E_DATA, 0 },
		{ "100", 99, LP_E_DATA, 0 },
		{ "", UINT64_MAX, LP_E_DATA, 0 },
		{ "-1", UINT64_MAX, LP_E_DATA, 0 },
		{ "+1", UINT64_MAX, LP_E_DATA, 0 },
		{ " 1", UINT64_MAX, LP_E_DATA, 0 },
		{ "1x", UINT64_MAX, LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 0;
		int rc = lp_num_u64(lp_span_str(t[i].in), t[i].max, &v);

		ok(rc == t[i].rc && v == t[i].out, "lp_num_u64 '%s'", t[i].in);
	}
}

static void
test_i64(void)
{
	static const struct { const char *in; int rc; int64_t out; } t[] = {
		{ "-9223372036854775808", LP_OK, INT64_MIN },
		{ "-9223372036854775809", LP_E_DATA, 0 },
		{ "9223372036854775807", LP_OK, INT64_MAX },
		{ "9223372036854775808", LP_E_DATA, 0 },
		{ "-0", LP_OK, 0 },
		{ "-", LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char back[LP_NUM_MAX];
		int64_t v = 0;
		int rc = lp_num_i64(lp_span_str(t[i].in), &v);

		ok(rc == t[i].rc && v == t[i].out, "lp_num_i64 '%s'", t[i].in);
		if (rc == LP_OK && v != 0)
			ok_str(lp_span(back, (size_t)(lp_num_puti(back, v) - back)), t[i].in, "lp_num_puti");
	}
}

static void
test_size(void)
{
	static const struct { const char *in; int rc; uint64_t out; } t[] = {
		{ "65536", LP_OK, 65536 },
		{ "64K", LP_OK, 65536 },
		{ "64k", LP_OK, 65536 },
		{ "3M", LP_OK, 3145728 },
		{ "17179869183G", LP_OK, 17179869183u << 30 },
		{ "17179869184G", LP_E_DATA, 0 },
		{ "K", LP_E_DATA, 0 },
		{ "1KB", LP_E_DATA, 0 },
		{ "", LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t v = 0;
		int rc = lp_num_size(lp_span_str(t[i].in), &v);

		ok(rc == t[i].rc && (rc != LP_OK || v == t[i].out), "lp_num_size '%s'", t[i].in);
	}
}

static void
test_put(void)
{
	static const char *const t[] = { "0", "9", "10", "99", "100", "101", "12345", "999999",
		"18446744073709551615" };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char p[LP_NUM_MAX];
		uint64_t v = 0;

		lp_num_u64(lp_span_str(t[i]), UINT64_MAX, &v);
		ok_str(lp_span(p, (size_t)(lp_num_put(p, v) - p)), t[i], "lp_num_put");
	}
}

static void
test_buf(void)
{
	struct lp_buf b;

	lp_buf_init(&b, 5);
	ok(lp_buf_adds(&b, "abc") == LP_OK && b.cap == 5, "a buffer grows no further than its maximum");
	ok(lp_buf_adds(&b, "def") == LP_E_LIMIT && b.n == 3, "what does not fit leaves it as it was");
	ok(lp_buf_cstr(&b) != NULL && b.n == 3, "the NUL is not counted");
	ok(lp_buf_adds(&b, "de") == LP_OK && lp_buf_cstr(&b) == NULL, "no room for a NUL");
	lp_buf_release(&b);
	ok(b.p == NULL && b.max == 5, "released, and usable again");
}

static void
test_secret_buf(void)
{
	static const char secret[] = "hunter2 hunter2 hunter2 hunter2";
	struct lp_buf b;

	lp_buf_init_secret(&b, 1024);
	lp_buf_adds(&b, secret);
	ok(lp_buf_reserve(&b, 512) == LP_OK && b.cap >= 512, "a secret grows");
	ok_str(lp_buf_span(&b), secret, "with its content");
	lp_buf_release(&b);
	ok(b.p == NULL && b.secret && b.max == 1024, "released, it stays a buffer for secrets");
}

static void
test_base64(void)
{
	static const struct { const char *text, *bytes; int rc; } t[] = {
		{ "", "", LP_OK }, { "Zg==", "f", LP_OK }, { "Zg", "f", LP_OK }, { "Zm8=", "fo", LP_OK },
		{ "Zm8", "fo", LP_OK }, { "Zm9v", "foo", LP_OK }, { "Zm9vYmFy", "foobar", LP_OK },
		{ "+/+/", "\xfb\xff\xbf", LP_OK }, { "Z", "", LP_E_DATA }, { "Zm9vY", "", LP_E_DATA },
		{ "Zg=", "", LP_E_DATA }, { "Zg===", "", LP_E_DATA }, { "=", "", LP_E_DATA },
		{ "Zh==", "", LP_E_DATA }, { "Zm9=", "", LP_E_DATA }, { "Zm 9v", "", LP_E_DATA },
		{ "Zm-v", "", LP_E_DATA }, { "Z=g=", "", LP_E_DATA },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_span text = lp_span_str(t[i].text);
		unsigned char *p = unit_exact(text);
		struct lp_buf b;

		lp_buf_init(&b, 64);
		ok(lp_base64_decode(&b, lp_span(p, text.n)) == t[i].rc, "base64 '%s'", t[i].text);
		ok_str(lp_buf_span(&b), t[i].bytes, "stands for");
		if (t[i].rc == LP_OK) {
			lp_buf_clear(&b);
			lp_base64(&b, lp_span_str(t[i].bytes));
			ok(b.n == lp_base64_len(strlen(t[i].bytes)) && memcmp(b.p, t[i].text, text.n) == 0,
			    "and back");
		}
		lp_buf_release(&b);
		free(p);
	}
}

static void
test_utf8(void)
{
	static const struct { const char *in; size_t n, len; } t[] = {
		{ "a", 1, 1 }, { "\0", 1, 1 }, { "\x7f", 1, 1 },
		{ "\xc3\xa9", 2, 2 }, { "\xc0\x80", 2, 0 }, { "\xc1\xbf", 2, 0 }, { "\xc3", 1, 0 },
		{ "\xe2\x82\xac", 3, 3 }, { "\xe0\x9f\xbf", 3, 0 }, { "\xed\xa0\x80", 3, 0 },
		{ "\xed\x9f\xbf", 3, 3 }, { "\xe2\x82", 2, 0 }, { "\xe2\x28\xa1", 3, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 }, { "\xf0\x8f\xbf\xbf", 4, 0 }, { "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, 0 }, { "\xf0\x9f\x98", 3, 0 },
		{ "\xf0\x28\x98\x80", 4, 0 }, { "\xf0\x9f\x28\x80", 4, 0 }, { "\xf0\x9f\x98\x28", 4, 0 }, { "\xf8\x88\x80\x80", 4, 0 }, { "\x80", 1, 0 }, { "", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span(t[i].in, t[i].n));

		ok(lp_utf8_len(lp_span(p, t[i].n), NULL) == t[i].len, "lp_utf8_len case %zu", i);
		free(p);
	}
}

static void
test_escape(void)
{
	static const struct { const char *in; const char *row; const char *terminal; } t[] = {
		{ "etc/passwd", "etc/passwd", "etc/passwd" },
		{ "a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e", "a\\tb\\nc\\rd\\\\e" },
		{ "\x1b[31m", "\\x1b[31m", "\\x1b[31m" },
		{ "\x7f\xff\xc3", "\\x7f\\xff\\xc3", "\\x7f\\xff\\xc3" },
		{ "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xe2\x80\xae" "exe", "\xe2\x80\xae" "exe", "\\xe2\\x80\\xaeexe" },
		{ "\xc2\x9b" "1m", "\xc2\x9b" "1m", "\\xc2\\x9b1m" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_buf b, back;

		lp_buf_init(&b, 1024);
		lp_buf_init(&back, 1024);
		lp_escape(&b, lp_span_str(t[i].in), LP_ESCAPE_TERMINAL);
		ok_str(lp_buf_span(&b), t[i].terminal, "escaped for a terminal");
		lp_escape(&back, lp_buf_span(&b), LP_ESCAPE_AGAIN);
		ok_str(lp_buf_span(&back), t[i].terminal, "and again, which changes nothing");
		lp_buf_clear(&back);
		lp_buf_clear(&b);
		lp_escape(&b, lp_span_str(t[i].in), LP_ESCAPE_ROW);
		ok_str(lp_buf_span(&b), t[i].row, "escaped for a row");
		ok(lp_unescape(&back, lp_buf_span(&b)) == LP_OK, "and undone");
		ok_str(lp_buf_span(&back), t[i].in, "with every byte back");
		lp_buf_release(&b);
		lp_buf_release(&back);
	}
	{
		struct lp_buf b;

		lp_buf_init(&b, 64);
		lp_escape(&b, lp_span_str("a\\x1b \x1b\xc2\x9b\t"), LP_ESCAPE_AGAIN);
		ok_str(lp_buf_span(&b), "a\\x1b \\x1b\\xc2\\x9b\\t", "of escaped text, what was not");
		lp_buf_release(&b);
	}
}

static void
test_escape_lines(void)
{
	static const struct { const char *in; size_t n; const char *row, *json; } t[] = {
		{ "plain\\x1b\tb\n", 12, "plain\\x1b\tb\n", "plain\\x1b\tb\n" },
		{ "caf\xc3\xa9", 5, "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\xc2\x9b\xc2\xad", 4, "\\xc2\\x9b\\xc2\\xad", "\\u009b\\u00ad" },
		{ "a\xe2\x80\x8b\xd8\x9c", 6, "a\\xe2\\x80\\x8b\\xd8\\x9c", "a\\u200b\\u061c" },
		{ "\xef\xbb\xbf\xe2\x81\xa0", 6, "\\xef\\xbb\\xbf\\xe2\\x81\\xa0", "\\ufeff\\u2060" },
		{ "\xf3\xa0\x81\x81", 4, "\\xf3\\xa0\\x81\\x81", "\\udb40\\udc41" },
		{ "\x1b[0m\x7f\r\xff", 7, "\\x1b[0m\\x7f\\r\\xff", "\\u001b[0m\\u007f\\u000d\\ufffd" },
		{ "a\0b", 3, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (int json = 0; json < 2; json++) {
			const char *want = json ? t[i].json : t[i].row;
			unsigned char *p = unit_exact(lp_span(t[i].in, t[i].n));
			struct lp_buf b;

			lp_buf_init(&b, 256);
			ok(lp_escape_lines(&b, lp_span(p, t[i].n), json) == LP_OK, "lines for a terminal, case %zu", i);
			ok_span(lp_buf_span(&b), want != NULL ? lp_span_str(want) : lp_span(t[i].in, t[i].n), "escaped");
			lp_buf_release(&b);
			free(p);
		}
	}
}

static void
test_unsafe(void)
{
	static const uint32_t raw[] = { ' ', '~', 0xa0, 0xac, 0xae, 0x61b, 0x61d, 0x200a, 0x2010, 0x2027, 0x202f,
		0x205f, 0x2070, 0xfefe, 0xfff8, 0xfffc, 0xdffff, 0xe0080, 0x10ffff };
	static const uint32_t hidden[] = { 0, 0x1f, 0x7f, 0x9f, 0xad, 0x61c, 0x180e, 0x200b, 0x200f, 0x2028, 0x202e,
		0x2060, 0x206f, 0xfeff, 0xfff9, 0xfffb, 0xe0000, 0xe007f };

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		ok(!lp_utf8_unsafe(raw[i]), "U+%04x may stand as it is", raw[i]);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		ok(lp_utf8_unsafe(hidden[i]), "U+%04x may not", hidden[i]);
}

static void
test_escape_every_byte(void)
{
	struct lp_buf b, back;
	unsigned char in[256];

	for (unsigned i = 0; i < 256; i++)
		in[i] = (unsigned char)i;
	lp_buf_init(&b, 4096);
	lp_buf_init(&back, 4096);
	lp_escape(&b, lp_span(in, 256), LP_ESCAPE_ROW);
	ok(lp_utf8_valid(lp_buf_span(&b)) && memchr(b.p, '\t', b.n) == NULL &&
	    memchr(b.p, '\n', b.n) == NULL && memchr(b.p, 0, b.n) == NULL,
	    "all 256 bytes escape to one valid line");
	lp_unescape(&back, lp_buf_span(&b));
	ok_span(lp_buf_span(&back), lp_span(in, 256), "and come back");
	lp_buf_release(&b);
	lp_buf_release(&back);
}

static void
test_unescape_refuses(void)
{
	static const char *const t[] = { "\\", "a\\", "\\x", "\\x1", "\\xg0", "\\xAB", "\\q" };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_buf b;

		lp_buf_init(&b, 64);
		ok(lp_unescape(&b, lp_span_str(t[i])) == LP_E_DATA, "no escape: %s", t[i]);
		lp_buf_release(&b);
	}
}

static void
test_json(void)
{
	static const struct { const char *in; size_t n; const char *json, *base64; } t[] = {
		{ "a\"b\\c/\n\t\x01\x7f", 10, "\"a\\\"b\\\\c/\\n\\t\\u0001\\u007f\"", "\"YSJiXGMvCgkBfw==\"" },
		{ "\xff" "x", 2, "\"\xef\xbf\xbdx\"", "\"/3g=\"" },
		{ "\xc3\xa9\0", 3, "\"\xc3\xa9\\u0000\"", "\"w6kA\"" },
		{ "", 0, "\"\"", "\"\"" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_buf b;

		lp_buf_init(&b, 256);
		lp_json_string(&b, lp_span(t[i].in, t[i].n));
		ok_str(lp_buf_span(&b), t[i].json, "lp_json_string");
		lp_buf_clear(&b);
		lp_json_base64(&b, lp_span(t[i].in, t[i].n));
		ok_str(lp_buf_span(&b), t[i].base64, "lp_json_base64");
		lp_buf_release(&b);
	}
}

static int
by_value(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static void
test_sort(void)
{
	struct unit_rng r = { 4 };

	for (size_t n = 0; n <= 300; n = n < 10 ? n + 1 : n * 3) {
		unsigned char v[300 * 3];
		size_t wrong = 0, sum = 0;

		for (size_t i = 0; i < n * 3; i++)
			sum += v[i] = (unsigned char)unit_rand(&r, 7);
		lp_sort(v, n, 3, by_value);
		for (size_t i = 0; i + 1 < n; i++)
			wrong += by_value(v + i * 3, v + (i + 1) * 3) > 0;
		for (size_t i = 0; i < n * 3; i++)
			sum -= v[i];
		ok(wrong == 0 && sum == 0, "lp_sort of %zu", n);
	}
}

/* What Go reads, as Go reads it; `at` is the byte at fault of what it does not read either. */
static void
test_json_lax(void)
{
	static const struct { const char *in, *compact; size_t at; } t[] = {
		{ "{\"a\":\"\\\"\xff\xc3\"}", "{\"a\":\"\\\"\xef\xbf\xbd\xef\xbf\xbd\"}", 0 },
		{ "[\"\\ud800\",\"\\udc00x\",\"\\uD83D\\uDE00\",\"\\\\ud800\"]",
		  "[\"\xef\xbf\xbd\",\"\xef\xbf\xbdx\",\"\xf0\x9f\x98\x80\",\"\\\\ud800\"]", 0 },
		{ "[\"\\ud800\\ud800\\udc00\"]", "[\"\xef\xbf\xbd\xf0\x90\x80\x80\"]", 0 },
		{ "[9223372036854775807,9223372036854775808,1e999,-1.5e400]", "[9223372036854775807,null,null,null]", 0 },
		{ "{\"a\":1,\"a\":2}", "{\"a\":2}", 0 },
		{ "[\"\xff\",01]", NULL, 6 },
		{ "[\"\t\xff\"]", NULL, 2 },
		{ "[\"\xff\",1.]", NULL, 7 },
		{ "[\"\xff\\ud8", NULL, 7 },
		{ "[\"\\\xff\"]", NULL, 4 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_json_error e = { .offset = 0 };
		struct lp_span in = lp_span_str(t[i].in);
		unsigned char *p = unit_exact(in);
		json_t *v = NULL;
		int rc = lp_json_load_lax(lp_span(p, in.n), 1, &v, &e);
		char text[128];
		size_t n = v != NULL ? json_dumpb(v, text, sizeof(text), JSON_COMPACT) : 0;

		ok(t[i].compact == NULL ? rc == LP_E_DATA && e.offset == t[i].at : rc == LP_OK &&
		    lp_span_is(lp_span(text, n), t[i].compact), "as Go reads it, case %zu: %.*s at %zu", i, (int)n, text, e.offset);
		json_decref(v);
		free(p);
	}
}

int
main(void)
{
	test_u64();
	test_i64();
	test_size();
	test_put();
	test_buf();
	test_secret_buf();
	test_base64();
	test_utf8();
	test_escape();
	test_escape_lines();
	test_unsafe();
	test_escape_every_byte();
	test_unescape_refuses();
	test_json();
	test_json_lax();
	test_sort();
	return unit_done();
}
