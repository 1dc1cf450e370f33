/* Names in a store: which text may become one, and to where it leads. */
#include <stdlib.h>

#include "common/base/status.h"
#include "common/sys/store_priv.h"
#include "test/unit/unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
test_digests(void)
{
	static const struct { const char *text; int valid; } t[] = {
		{ "sha256:" HEX, 1 },
		{ "sha256:" HEX "0", 0 },
		{ "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 0 },
		{ "sha256:../../../../../../../../../../../../../../../../../../../../etc/x", 0 },
		{ "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde/", 0 },
		{ "sha256:0123456789abcdef", 0 },
		{ "sha512:" HEX, 0 },
		{ "SHA256:" HEX, 0 },
		{ HEX, 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].text));

		ok(lp_digest_valid(lp_span(p, strlen(t[i].text))) == t[i].valid, "digest \"%s\"", t[i].text);
		free(p);
	}
}

static void
test_paths(void)
{
	char path[LP_STORE_PATH], name[LP_STORE_NAME];
	struct lp_store_blob b;

	lp_store_dir_path("ranges", HEX, HEX, path);
	ok_str(lp_span_str(path), "ranges/sha256/" HEX "/" HEX, "a blob's ranges, of an origin");
	lp_store_dir_path("sums", HEX, "", path);
	ok_str(lp_span_str(path), "sums/sha256/" HEX, "of no origin");
	lp_store_dir_path("blobs", NULL, NULL, path);
	ok_str(lp_span_str(path), "blobs/sha256", "all blobs");
	lp_store_range_name(10, 99, name);
	ok_str(lp_span_str(name), "10-99", "a range");
	lp_store_range_name(INT64_MAX, INT64_MAX, name);
	ok_str(lp_span_str(name), "9223372036854775807-9223372036854775807", "the longest name fits");
	ok(lp_store_is_hex(HEX) && !lp_store_is_hex(HEX "0") && !lp_store_is_hex(HEX ".sig") && !lp_store_is_hex("") &&
	    !lp_store_is_hex("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"), "what is 64 digits");
	lp_store_blob_init(&b, NULL, "sha256:" HEX, lp_span_str("localhost:5000/app"));
	ok_str(lp_span_str(b.origin), "a2cc29f2a2fb2327dccb358cdff26f74d1cf981c3f820bab04b153be8f1698c7", "an origin is known by the sha256 of its text");
	lp_store_blob_init(&b, NULL, "sha256:" HEX, lp_span("", 0));
	ok_str(lp_span_str(b.origin), "", "none is none");
}

static void
test_names(void)
{
	static const struct { const char *name; int rc; uint64_t first, last; } t[] = {
		{ "0-0", LP_OK, 0, 0 },
		{ "0-65535", LP_OK, 0, 65535 },
		{ "65536-99999", LP_OK, 65536, 99999 },
		{ "0-9223372036854775807", LP_OK, 0, INT64_MAX },
		{ "0-9223372036854775808", LP_E_DATA, 0, 0 },
		{ "5-4", LP_E_DATA, 0, 0 },
		{ "00-1", LP_E_DATA, 0, 0 },
		{ "0-01", LP_E_DATA, 0, 0 },
		{ "0-1 ", LP_E_DATA, 0, 0 },
		{ " 0-1", LP_E_DATA, 0, 0 },
		{ "+0-1", LP_E_DATA, 0, 0 },
		{ "0-", LP_E_DATA, 0, 0 },
		{ "-5", LP_E_DATA, 0, 0 },
		{ "-", LP_E_DATA, 0, 0 },
		{ "0-1-2", LP_E_DATA, 0, 0 },
		{ "0-1.tmp", LP_E_DATA, 0, 0 },
		{ ".", LP_E_DATA, 0, 0 },
		{ "..", LP_E_DATA, 0, 0 },
		{ "", LP_E_DATA, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_store_file f = { .first = 7, .last = 8 };
		unsigned char *p = unit_exact(lp_span(t[i].name, strlen(t[i].name) + 1));
		int rc = lp_store_parse_name((const char *)p, &f);

		ok(rc == t[i].rc && (rc == LP_OK ? f.first == t[i].first && f.last == t[i].last && !f.whole :
		    f.first == 7 && f.last == 8), "file name \"%s\"", t[i].name);
		free(p);
	}
}

int
main(void)
{
	test_digests();
	test_paths();
	test_names();
	return unit_done();
}
