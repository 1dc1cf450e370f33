/* Ranges, Content-Range, small header fields, proxies: each case in a heap block of its exact size. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/range.h"
#include "common/base/status.h"
#include "common/net/httpfield.h"
#include "common/net/proxy.h"
#include "test/unit/unit.h"

#define MAX63 "9223372036854775807"
#define OVER63 "9223372036854775808"

static void
test_range_parse(void)
{
	static const struct { const char *text; int rc, suffix; uint64_t first, last, count; } t[] = {
		{ "0-0", LP_OK, 0, 0, 0, 0 },
		{ "10-20", LP_OK, 0, 10, 20, 0 },
		{ "5-", LP_OK, 0, 5, LP_RANGE_END, 0 },
		{ "-7", LP_OK, 1, 0, LP_RANGE_END, 7 },
		{ "0-" MAX63, LP_OK, 0, 0, INT64_MAX, 0 },
		{ "0-" OVER63, LP_E_USAGE, 0, 0, 0, 0 },
		{ OVER63 "-", LP_E_USAGE, 0, 0, 0, 0 },
		{ "-" OVER63, LP_E_USAGE, 0, 0, 0, 0 },
		{ "99999999999999999999999-", LP_E_USAGE, 0, 0, 0, 0 },
		{ "", LP_E_USAGE, 0, 0, 0, 0 },
		{ "-", LP_E_USAGE, 0, 0, 0, 0 },
		{ "-0", LP_E_USAGE, 0, 0, 0, 0 },
		{ "0--1", LP_E_USAGE, 0, 0, 0, 0 },
		{ "5-4", LP_E_USAGE, 0, 0, 0, 0 },
		{ "7", LP_E_USAGE, 0, 0, 0, 0 },
		{ " 1-2", LP_E_USAGE, 0, 0, 0, 0 },
		{ "1-2 ", LP_E_USAGE, 0, 0, 0, 0 },
		{ "+1-2", LP_E_USAGE, 0, 0, 0, 0 },
		{ "0x1-2", LP_E_USAGE, 0, 0, 0, 0 },
		{ "1-2,4-5", LP_E_USAGE, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_range_spec r = { .count = 99 };
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		int rc = lp_range_parse(lp_span(p, strlen(t[i].text)), &r);

		ok(rc == t[i].rc && (rc == LP_OK ? r.suffix == t[i].suffix && r.first == t[i].first && r.last == t[i].last &&
		    r.count == t[i].count : r.count == 99), "range \"%s\"", t[i].text);
		free(p);
	}
}

static void
test_range_resolve(void)
{
	static const struct { const char *text; uint64_t size; int rc; uint64_t first, last; } t[] = {
		{ "0-9", 10, LP_OK, 0, 9 },
		{ "0-10", 10, LP_OK, 0, 9 },
		{ "0-" MAX63, 10, LP_OK, 0, 9 },
		{ "9-", 10, LP_OK, 9, 9 },
		{ "10-", 10, LP_E_DATA, 0, 0 },
		{ "3-5", 10, LP_OK, 3, 5 },
		{ "-3", 10, LP_OK, 7, 9 },
		{ "-10", 10, LP_OK, 0, 9 },
		{ "-11", 10, LP_OK, 0, 9 },
		{ "0-", 0, LP_E_DATA, 0, 0 },
		{ "-1", 0, LP_E_DATA, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_range_spec spec;
		struct lp_range r = { 0, 0 };

		ok(lp_range_parse(lp_span_str(t[i].text), &spec) == LP_OK &&
		    lp_range_resolve(&spec, t[i].size, &r) == t[i].rc && r.first == t[i].first && r.last == t[i].last,
		    "%s of %llu bytes", t[i].text, (unsigned long long)t[i].size);
	}
}

static void
test_content_range(void)
{
	static const struct { const char *text; int rc, satisfied, has_total; uint64_t first, last, total; } t[] = {
		{ "bytes 0-0/1", LP_OK, 1, 1, 0, 0, 1 },
		{ "bytes 10-20/21", LP_OK, 1, 1, 10, 20, 21 },
		{ "bytes 10-20/*", LP_OK, 1, 0, 10, 20, 0 },
		{ "bytes */100", LP_OK, 0, 1, 0, 0, 100 },
		{ "bytes */0", LP_OK, 0, 1, 0, 0, 0 },
		{ "Bytes 1-2/3", LP_OK, 1, 1, 1, 2, 3 },
		{ "bytes 0-" MAX63 "/*", LP_OK, 1, 0, 0, INT64_MAX, 0 },
		{ "bytes 0-" OVER63 "/*", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0-1/" OVER63, LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 10-20/20", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 10-9/20", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes */*", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0-9", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0-9/", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes -9/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0-/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 5/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes=0-9/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes  0-9/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0-9/10 ", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes 0x0-9/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "octets 0-9/10", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "bytes", LP_E_DATA, 0, 0, 0, 0, 0 },
		{ "", LP_E_DATA, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_content_range c = { .total = 99 };
		size_t n = strlen(t[i].text);
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		int rc = lp_content_range(lp_span(p, n), &c), cut = LP_E_DATA;

		ok(rc == t[i].rc && (rc != LP_OK ? c.total == 99 : c.satisfied == t[i].satisfied &&
		    c.has_total == t[i].has_total && c.range.first == t[i].first && c.range.last == t[i].last &&
		    c.total == t[i].total), "Content-Range \"%s\"", t[i].text);
		free(p);
		/* cut short it is read within its bounds; what it says then is another matter */
		for (size_t k = 0; k < n; k++) {
			p = unit_exact(lp_span(t[i].text, k));
			cut = lp_content_range(lp_span(p, k), &c);
			free(p);
			if (cut != LP_OK && cut != LP_E_DATA)
				break;
		}
		ok(cut == LP_OK || cut == LP_E_DATA, "and cut anywhere");
	}
}

static void
test_retry_after(void)
{
	/* 1994-11-06 08:49:37 */
	enum { NOW = 784111777 };
	static const struct { const char *text; int rc; uint64_t seconds; } t[] = {
		{ "0", LP_OK, 0 },
		{ "120", LP_OK, 120 },
		{ "18446744073709551615", LP_OK, UINT64_MAX },
		{ "18446744073709551616", LP_E_DATA, 0 },
		{ "-1", LP_E_DATA, 0 },
		{ "1.5", LP_E_DATA, 0 },
		{ "", LP_E_DATA, 0 },
		{ "soon", LP_E_DATA, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", LP_OK, 0 },
		{ "Sun, 06 Nov 1994 08:49:47 GMT", LP_OK, 10 },
		{ "Sun, 06 Nov 1994 08:49:36 GMT", LP_OK, 0 },
		{ "Mon, 07 Nov 1994 08:49:37 GMT", LP_OK, 86400 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", LP_OK, 951782400u - NOW },
		{ "Wed, 01 Mar 2000 00:00:00 GMT", LP_OK, 951868800u - NOW },
		{ "Fri, 31 Dec 1999 23:59:60 GMT", LP_OK, 946684800u - NOW },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", LP_OK, 0 },
		{ "Sun, 06 Nov 1994 24:00:00 GMT", LP_E_DATA, 0 },
		{ "Sun, 32 Nov 1994 08:49:37 GMT", LP_E_DATA, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", LP_E_DATA, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT ", LP_E_DATA, 0 },
		{ "Sun, 06 Nov 1994 08:49:37", LP_E_DATA, 0 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", LP_E_DATA, 0 },
		{ "Sun Nov  6 08:49:37 1994", LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		uint64_t s = 0;
		int rc = lp_retry_after(lp_span(p, strlen(t[i].text)), NOW, &s);

		ok(rc == t[i].rc && (rc != LP_OK || s == t[i].seconds), "Retry-After \"%s\"", t[i].text);
		free(p);
	}
}

static void
test_warning(void)
{
	static const struct { const char *text, *want; } t[] = {
		{ "299 - \"old server\"", "old server|" },
		{ "299 - \"a \\\"b\\\" c\" \"Sun, 06 Nov 1994 08:49:37 GMT\"", "a \\\"b\\\" c|" },
		{ "299 host:80 \"x\"", "x|" },
		{ "299 - \"first, one\", 299 - \"second\"", "first, one|second|" },
		{ "299 - \"a\" \"Sun, 06 Nov\",299 - \"b\"", "a|b|" },
		{ "199 - \"other\", 299 - \"ours\"", "ours|" },
		{ ", 299 - \"x\" ,, ", "x|" },
		{ "299 - plain words", "- plain words|" },
		{ "299 - \"cut", "cut|" },
		{ "299 - \"cut\\", "cut\\|" },
		{ "299 - \"", "" },
		{ "299 ", "" },
		{ "299", "" },
		{ "199 - \"other\"", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		struct lp_span rest = lp_span(p, strlen(t[i].text)), text;
		struct lp_buf all;

		lp_buf_init(&all, 4096);
		while ((text = lp_warning_next(&rest)).p != NULL)
			(void)(lp_buf_add(&all, text) == LP_OK && lp_buf_addc(&all, '|') == LP_OK);
		ok_str(lp_buf_span(&all), t[i].want, t[i].text);
		lp_buf_release(&all);
		free(p);
	}
}

static void
test_link(void)
{
	static const struct { const char *text, *want; } t[] = {
		{ "</v2/a/tags/list?last=b&n=2>; rel=\"next\"", "/v2/a/tags/list?last=b&n=2" },
		{ "<x>;rel=next", "x" },
		{ "<x> ; REL = \"prev NEXT\" ; title=\"a\"", "x" },
		{ "<a>; rel=prev, <b>; rel=next", "b" },
		{ "<a,b>; title=\"; rel=next, <c>\", <d>; rel=next", "d" },
		{ "<a>; title=\"\\\"; rel=next\"; rel=prev", NULL },
		{ "<a>; rel=first; rel=next", NULL },
		{ ", <a>; crossorigin; rel=next,", "a" },
		{ "<a>; rel=nextdoor", NULL },
		{ "<a>; rel", NULL },
		{ "<a>; rel=", NULL },
		{ "<a>; rel=\"next", "a" },
		{ "<>; rel=next", "" },
		{ "<a>", "a" },
		{ "<a>; title=b", "a" },
		{ "a", "a" },
		{ "<a>, <b>", NULL },
		{ "<a>; rel=prev, b", NULL },
		{ "<a; rel=next", NULL },
		{ "a; rel=next", "a" },
		{ "</p>; rel=prev, /v2/a?last=b&n=2;rel=\"next\"", "/v2/a?last=b&n=2" },
		{ "; rel=next", NULL },
		{ "<a>; title=\"\\", "a" },
		{ "<a", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		struct lp_span s = lp_link_next(lp_span(p, strlen(t[i].text)));

		if (t[i].want == NULL)
			ok(s.p == NULL, "no next page: \"%s\"", t[i].text);
		else
			ok_str(s, t[i].want, t[i].text);
		free(p);
	}
}

static void
test_ratelimit(void)
{
	static const struct { const char *text; int rc; uint64_t left; } t[] = {
		{ "97;w=21600", LP_OK, 97 },
		{ "0", LP_OK, 0 },
		{ "100", LP_OK, 100 },
		{ OVER63, LP_E_DATA, 0 },
		{ ";w=1", LP_E_DATA, 0 },
		{ "x;w=1", LP_E_DATA, 0 },
		{ "97 ;w=1", LP_E_DATA, 0 },
		{ "", LP_E_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].text));
		uint64_t left = 0;
		int rc = lp_ratelimit(lp_span(p, strlen(t[i].text)), &left);

		ok(rc == t[i].rc && (rc != LP_OK || left == t[i].left), "RateLimit-Remaining \"%s\"", t[i].text);
		free(p);
	}
}

static void
test_proxy_excepts(void)
{
	static const struct { const char *list, *host, *port; int excepted; } t[] = {
		{ "", "a.example", "443", 0 },
		{ "*", "a.example", "443", 1 },
		{ "a.example", "a.example", "443", 1 },
		{ "A.Example", "a.EXAMPLE", "443", 1 },
		{ "example", "a.example", "443", 1 },
		{ "example", "anexample", "443", 0 },
		{ "a.example", "example", "443", 0 },
		{ ".example", "a.example", "443", 1 },
		{ ".example", "b.a.example", "443", 1 },
		{ ".example", "example", "443", 0 },
		{ "*.example", "a.example", "443", 1 },
		{ "*.example", "example", "443", 0 },
		{ "a.*", "a.example", "443", 0 },
		{ "a.example:5000", "a.example", "5000", 1 },
		{ "a.example:5000", "a.example", "443", 0 },
		{ ".example:5000", "a.example", "5000", 1 },
		{ "*.example:5000", "a.example", "443", 0 },
		{ "a.example:", "a.example", "443", 1 },
		{ ":443", "a.example", "443", 0 },
		{ "b.example,a.example", "a.example", "443", 1 },
		{ " b.example ,\ta.example ", "a.example", "443", 1 },
		{ "b.example a.example", "a.example", "443", 1 },
		{ ",,", "a.example", "443", 0 },
		{ "10.1.2.3", "10.1.2.3", "443", 1 },
		{ "10.1.2.3:5000", "10.1.2.3", "5000", 1 },
		{ "10.1.2.3:5000", "10.1.2.3", "443", 0 },
		{ "2.3", "10.1.2.3", "443", 1 },
		{ "10.0.0.0/8", "10.1.2.3", "443", 1 },
		{ "10.0.0.0/8", "11.1.2.3", "443", 0 },
		{ "10.128.0.0/9", "10.127.0.0", "443", 0 },
		{ "10.128.0.0/9", "10.255.0.0", "443", 1 },
		{ "10.1.2.3/32", "10.1.2.3", "443", 1 },
		{ "10.1.2.3/33", "10.1.2.3", "443", 0 },
		{ "10.1.2.3/", "10.1.2.3", "443", 0 },
		{ "0.0.0.0/0", "10.1.2.3", "443", 1 },
		{ "0.0.0.0/0", "a.example", "443", 0 },
		{ "::/0", "10.1.2.3", "443", 0 },
		{ "fd00::/8", "[fd12::1]", "443", 1 },
		{ "fd00::/8", "[fe80::1]", "443", 0 },
		{ "fd12::1", "[fd12::1]", "443", 1 },
		{ "[fd12::1]", "[fd12:0::1]", "443", 1 },
		{ "[fd12::1]:5000", "[fd12::1]", "5000", 1 },
		{ "[fd12::1]:5000", "[fd12::1]", "443", 0 },
		{ "10.0.0.0/8", "[::ffff:10.1.2.3]", "443", 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok(lp_proxy_excepts(t[i].list, t[i].host, t[i].port) == t[i].excepted, "NO_PROXY=\"%s\": %s%s:%s", t[i].list,
		    t[i].excepted ? "" : "not ", t[i].host, t[i].port);
}

static void
test_proxy_for(void)
{
	static const struct { const char *env[3], *scheme, *host, *want; } t[] = {
		{ { "HTTP_PROXY=u" }, "http", "a.example", "u" },
		{ { "http_proxy=l" }, "http", "a.example", "l" },
		{ { "HTTP_PROXY=u", "http_proxy=l" }, "http", "a.example", "u" },
		{ { "HTTP_PROXY=", "http_proxy=l" }, "http", "a.example", "l" },
		{ { "HTTP_PROXY=u", "REQUEST_METHOD=GET" }, "http", "a.example", "" },
		{ { "http_proxy=l", "REQUEST_METHOD=GET" }, "http", "a.example", "l" },
		{ { "HTTP_PROXY=u" }, "https", "a.example", "" },
		{ { "HTTPS_PROXY=u" }, "https", "a.example", "u" },
		{ { "https_proxy=l" }, "https", "a.example", "l" },
		{ { "HTTPS_PROXY=u" }, "http", "a.example", "" },
		{ { "ALL_PROXY=a" }, "http", "a.example", "a" },
		{ { "all_proxy=a", "https_proxy=l" }, "https", "a.example", "l" },
		{ { "http_proxy=l", "NO_PROXY=a.example" }, "http", "a.example", "" },
		{ { "http_proxy=l", "no_proxy=a.example" }, "http", "a.example", "" },
		{ { "http_proxy=l", "no_proxy=a.example:81" }, "http", "a.example", "l" },
		{ { "http_proxy=l", "NO_PROXY=b.example", "no_proxy=a.example" }, "http", "a.example", "l" },
		{ { "all_proxy=a" }, "http", "127.0.0.1", "" },
		{ { "all_proxy=a" }, "http", "127.255.255.254", "" },
		{ { "all_proxy=a" }, "http", "128.0.0.1", "a" },
		{ { "all_proxy=a" }, "https", "localhost", "" },
		{ { "all_proxy=a" }, "https", "LocalHost", "" },
		{ { "all_proxy=a" }, "https", "x.localhost", "" },
		{ { "all_proxy=a" }, "https", "localhost.example", "a" },
		{ { "all_proxy=a" }, "https", "[::1]", "" },
		{ { "all_proxy=a" }, "https", "[0:0::1]", "" },
		{ { "all_proxy=a" }, "https", "[::ffff:127.0.0.1]", "" },
		{ { "all_proxy=a" }, "https", "[::2]", "a" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		clearenv();
		for (size_t k = 0; k < 3 && t[i].env[k] != NULL; k++)
			putenv((char *)(uintptr_t)t[i].env[k]);
		ok_str(lp_span_str(lp_proxy_for(t[i].scheme, t[i].host, "80")), t[i].want, t[i].env[0]);
	}
	clearenv();
}

int
main(void)
{
	test_range_parse();
	test_range_resolve();
	test_content_range();
	test_retry_after();
	test_warning();
	test_link();
	test_ratelimit();
	test_proxy_excepts();
	test_proxy_for();
	return unit_done();
}
