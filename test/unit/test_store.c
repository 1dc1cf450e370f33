/* Names in a store: which text may become one, and to where it leads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/store/store_priv.h"
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
	lp_store_kind_path("blobs", HEX, path);
	ok_str(lp_span_str(path), "blobs/sha256", "all blobs");
	lp_store_dir_path("ranges", HEX HEX, HEX, path);
	ok_str(lp_span_str(path), "ranges/sha512/" HEX HEX "/" HEX, "the longest path fits");
	lp_store_range_name(10, 99, name);
	ok_str(lp_span_str(name), "10-99", "a range");
	lp_store_range_name(INT64_MAX, INT64_MAX, name);
	ok_str(lp_span_str(name), "9223372036854775807-9223372036854775807", "the longest name fits");
	ok(lp_store_is_hex(HEX) && lp_store_is_hex(HEX HEX) && !lp_store_is_hex(HEX "0") && !lp_store_is_hex(HEX ".sig") && !lp_store_is_hex("") &&
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

/* All of a store without blobs. */
static void
remove_store(const char *dir)
{
	static const char *const names[] = { "oci-layout", "index.json", "blobs/sha256", "blobs", "ranges/sha256", "ranges",
		"sums/sha256", "sums", "" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ok(remove(path) == 0, "\"%s\" goes", names[i]);
	}
}

/* What takes the file away from under its writer is no answer to anything. */
static void
test_lost(void)
{
	char dir[] = "/tmp/lp-store.XXXXXX";
	const char *why = "";
	struct lp_store *s;
	struct lp_store_blob b;
	struct lp_store_put put;

	if (mkdtemp(dir) == NULL || lp_store_open(&s, dir, LP_STORE_WRITE, &why) != LP_OK) {
		ok(0, "a store: %s", why);
		return;
	}
	lp_store_blob_init(&b, s, "sha256:" HEX, lp_span_str("localhost:5000/app"));
	ok(lp_store_put_begin(&put, &b, 0) == LP_OK && lp_store_put_add(&put, lp_span_str("bytes")) == LP_OK,
	    "bytes on their way in");
	ok(unlinkat(put.dir, put.tmp, 0) == 0, "their file goes");
	errno = 0;
	ok(lp_store_put_end(&put) == LP_E_SYS && errno == ENOENT, "that is a failure with a reason");
	lp_store_blob_release(&b);
	lp_store_drop_ranges(s, "sha256:" HEX, "");
	lp_store_close(s);
	remove_store(dir);
}

int
main(void)
{
	test_digests();
	test_paths();
	test_names();
	test_lost();
	return unit_done();
}
