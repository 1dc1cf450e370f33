/* Which files of a store hold a blob: listed once, and asked without looking again. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/store/store_priv.h"

void
lp_store_blob_init(struct lp_store_blob *b, struct lp_store *s, const char *digest, struct lp_span origin)
{
	char hashed[LP_DIGEST_SIZE];

	*b = (struct lp_store_blob){ .store = s, .ranges = -1, .sums = -1, .in.fd = -1 };
	snprintf(b->digest, sizeof(b->digest), "%s", digest);
	if (origin.n == 0)
		return;
	lp_hash_bytes(origin, hashed);
	memcpy(b->origin, lp_store_hex(hashed), sizeof(b->origin));
}

static void
close_dir(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
lp_store_forget(struct lp_store_blob *b)
{
	int err = errno;

	lp_store_reading_close(b);
	close_dir(&b->ranges);
	close_dir(&b->sums);
	b->n = 0;
	b->listed = 0;
	errno = err;
}

void
lp_store_blob_release(struct lp_store_blob *b)
{
	if (b->store == NULL)
		return;
	lp_store_forget(b);
	free(b->v);
	free(b->in.chunk);
	*b = (struct lp_store_blob){ .store = NULL };
}

static int
add(struct lp_store_blob *b, struct lp_store_file f)
{
	struct lp_store_file *v = lp_array_room(b->v, b->n, &b->cap, sizeof(*v));

	if (v == NULL)
		return LP_E_NOMEM;
	b->v = v;
	b->v[b->n++] = f;
	return LP_OK;
}

static int
by_first(const void *x, const void *y)
{
	const struct lp_store_file *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->last < b->last) - (a->last > b->last);
}

/* The best of v[0] to v[i], when that of v[0] to v[i-1] is known. */
static size_t
best(const struct lp_store_blob *b, size_t i)
{
	size_t before = i > 0 ? b->v[i - 1].best : SIZE_MAX;

	if (b->v[i].bad || (before != SIZE_MAX && b->v[before].last >= b->v[i].last))
		return before;
	return i;
}

static int
list_ranges(struct lp_store_blob *b)
{
	char path[LP_STORE_PATH];
	struct lp_store_file f;
	DIR *d;
	int rc;

	lp_store_dir_path("ranges", lp_store_hex(b->digest), b->origin, path);
	rc = lp_store_list(b->store, path, &d);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? LP_OK : rc;
	for (struct dirent *e; rc == LP_OK && (e = readdir(d)) != NULL;) {
		if (lp_store_parse_name(e->d_name, &f) == LP_OK)
			rc = add(b, f);
		else if (b->store->mode == LP_STORE_WRITE)
			lp_store_sweep(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	if (rc != LP_OK)
		return rc;
	if (b->n > 1)
		lp_sort(b->v, b->n, sizeof(*b->v), by_first);
	for (size_t i = 0; i < b->n; i++)
		b->v[i].best = best(b, i);
	b->ranges = lp_store_dir(b->store, path, 0);
	lp_store_dir_path("sums", lp_store_hex(b->digest), b->origin, path);
	b->sums = lp_store_dir(b->store, path, 0);
	return LP_OK;
}

int
lp_store_look(struct lp_store_blob *b)
{
	int rc = LP_E_ABSENT;

	if (b->listed)
		return LP_OK;
	if (!b->whole_bad) {
		rc = add(b, (struct lp_store_file){ .whole = 1 });
		rc = rc != LP_OK ? rc : lp_store_reading_open(b, 0);
	}
	if (rc == LP_E_ABSENT) {
		b->n = 0;
		rc = b->origin[0] != '\0' && b->store->mode != LP_STORE_LAYOUT ? list_ranges(b) : LP_OK;
	}
	if (rc != LP_OK)
		lp_store_forget(b);
	b->listed = rc == LP_OK;
	return rc;
}

/* How many of them begin at or before `at`. */
static size_t
begin_before(const struct lp_store_blob *b, uint64_t at)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->v[mid].first <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
lp_store_covering(const struct lp_store_blob *b, uint64_t at)
{
	size_t n = begin_before(b, at), i = n > 0 ? b->v[n - 1].best : SIZE_MAX;

	return i != SIZE_MAX && b->v[i].last >= at ? i : SIZE_MAX;
}

void
lp_store_pass_over(struct lp_store_blob *b, size_t i)
{
	b->v[i].bad = 1;
	for (size_t j = i; j < b->n && b->v[j].best == i; j++)
		b->v[j].best = best(b, j);
}

int
lp_store_find(struct lp_store_blob *b, uint64_t at, struct lp_store_piece *out)
{
	int rc = lp_store_look(b);
	size_t i;

	*out = (struct lp_store_piece){ .next = UINT64_MAX, .size = -1 };
	if (rc != LP_OK)
		return rc;
	if (b->n > 0 && b->v[0].whole)
		out->size = b->v[0].bad ? 0 : (int64_t)b->v[0].last + 1;
	i = lp_store_covering(b, at);
	if (i != SIZE_MAX)
		out->n = b->v[i].last - at + 1;
	for (i = begin_before(b, at); i < b->n && out->next == UINT64_MAX; i++)
		if (!b->v[i].bad)
			out->next = b->v[i].first;
	return LP_OK;
}
