/*
 * Any text as a digest and as the name of a file in a store. What is taken
 * leads to one place below the store, and is written the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/store/store_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int truth)
{
	if (!truth)
		abort();
}

/* Below KIND/ALGORITHM/, nothing that leads elsewhere, and as long as it is to be. */
static void
check_path(const char *path, const char *kind)
{
	size_t n = strlen(kind);

	must(strncmp(path, kind, n) == 0 && strncmp(path + n, "/sha", 4) == 0 && path[n + 7] == '/');
	must(strlen(path) < LP_STORE_PATH - 1 && strchr(path, '.') == NULL && path[n + 8 + LP_STORE_HEX - 1] != '/');
}

static void
as_digest(struct lp_span s)
{
	char digest[LP_DIGEST_SIZE], path[LP_STORE_PATH];

	if (!lp_digest_valid(s))
		return;
	memcpy(digest, s.p, s.n);
	digest[s.n] = '\0';
	must(lp_store_is_hex(lp_store_hex(digest)));
	lp_store_dir_path("ranges", lp_store_hex(digest), lp_store_hex(digest), path);
	check_path(path, "ranges");
	lp_store_dir_path("sums", lp_store_hex(digest), NULL, path);
	check_path(path, "sums");
}

/* As any origin: its name leads nowhere else. */
static void
as_origin(struct lp_span s)
{
	static const char digest[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct lp_store_blob b;

	lp_store_blob_init(&b, NULL, digest, s);
	must(s.n == 0 ? b.origin[0] == '\0' : lp_store_is_hex(b.origin));
}

static void
as_name(const char *name)
{
	struct lp_store_file f = { .first = 7 };
	char again[LP_STORE_NAME];

	must(!lp_store_is_hex(name) || strchr(name, '/') == NULL);
	if (lp_store_parse_name(name, &f) != LP_OK) {
		must(f.first == 7 && f.last == 0);
		return;
	}
	must(f.first <= f.last && f.last <= INT64_MAX && !f.whole);
	lp_store_range_name(f.first, f.last, again);
	must(strcmp(again, name) == 0 && strlen(name) < LP_STORE_NAME - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);

	must(name != NULL);
	if (size > 0)
		memcpy(name, data, size);
	name[size] = '\0';
	as_digest(lp_span(data, size));
	as_origin(lp_span(data, size));
	as_name(name);
	free(name);
	return 0;
}
