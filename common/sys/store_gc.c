/* The store's bound: what was used longest ago goes first. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/sys/store_priv.h"

/* One file that holds bytes of a blob. */
struct kept {
	char path[LP_STORE_PATH];
	char digest[LP_DIGEST_SIZE];
	uint64_t size;
	struct timespec used; /* its mtime: every read sets it, as atime may be switched off */
	int named;            /* index.json speaks of it */
};

struct gc {
	struct lp_store *store;
	struct lp_buf index;
	struct kept *v;
	size_t n, cap;
};

static int
grow(struct gc *g)
{
	struct kept *v = lp_array_room(g->v, g->n, &g->cap, sizeof(*v));

	if (v == NULL)
		return LP_E_NOMEM;
	g->v = v;
	return LP_OK;
}

static int
add(struct gc *g, const char *dir, const char *hex, const char *name)
{
	struct kept *k;
	struct stat st;

	if (grow(g) != LP_OK)
		return LP_E_NOMEM;
	k = &g->v[g->n];
	*k = (struct kept){ .size = 0 };
	snprintf(k->digest, sizeof(k->digest), "sha256:%.64s", hex);
	if (!lp_digest_valid(lp_span_str(k->digest)) ||
	    snprintf(k->path, sizeof(k->path), "%s/%s", dir, name) >= (int)sizeof(k->path) ||
	    fstatat(g->store->dir, k->path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return LP_OK;
	k->size = (uint64_t)st.st_size;
	k->used = st.st_mtim;
	k->named = g->index.n > 0 && memmem(g->index.p, g->index.n, k->digest, LP_DIGEST_LEN) != NULL;
	g->n++;
	return LP_OK;
}

/* The names in a directory of the store, but for those that begin with a dot. */
static int
each(struct gc *g, const char *dir, int (*visit)(struct gc *, const char *dir, const char *name))
{
	DIR *d;
	int rc = lp_store_opendir(g->store, dir, &d);

	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? LP_OK : rc;
	for (struct dirent *e; rc == LP_OK && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			rc = visit(g, dir, e->d_name);
	closedir(d);
	return rc;
}

static int
visit_blob(struct gc *g, const char *dir, const char *name)
{
	return add(g, dir, name, name);
}

static int
visit_range(struct gc *g, const char *dir, const char *name)
{
	const char *hex = strrchr(dir, '/');

	return hex != NULL ? add(g, dir, hex + 1, name) : LP_OK;
}

static int
visit_ranges_of(struct gc *g, const char *dir, const char *hex)
{
	char path[LP_STORE_PATH];

	return snprintf(path, sizeof(path), "%s/%s", dir, hex) < (int)sizeof(path) ?
	    each(g, path, visit_range) : LP_OK;
}

/* Sums whose file has gone, however that came. */
static int
visit_sum(struct gc *g, const char *dir, const char *name)
{
	char digest[LP_DIGEST_SIZE], path[LP_STORE_PATH];
	const char *hex = strrchr(dir, '/');
	struct lp_store_file *v = NULL;
	size_t n = 0;
	int rc, found = 0;

	snprintf(digest, sizeof(digest), "sha256:%.64s", hex + 1);
	if (!lp_digest_valid(lp_span_str(digest)))
		return LP_OK;
	rc = lp_store_files(g->store, digest, &v, &n);
	for (size_t i = 0; i < n && !found; i++) {
		lp_store_sums_path(digest, &v[i], path);
		found = strcmp(strrchr(path, '/') + 1, name) == 0;
	}
	free(v);
	if (rc == LP_OK && !found && snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path))
		(void)unlinkat(g->store->dir, path, 0);
	return rc;
}

static int
visit_sums_of(struct gc *g, const char *dir, const char *hex)
{
	char path[LP_STORE_PATH];
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s", dir, hex) >= (int)sizeof(path))
		return LP_OK;
	rc = each(g, path, visit_sum);
	/* goes only if nothing is left in it */
	(void)unlinkat(g->store->dir, path, AT_REMOVEDIR);
	return rc;
}

static int
by_use(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	if (a->named != b->named)
		return a->named - b->named;
	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	if (a->used.tv_nsec != b->used.tv_nsec)
		return a->used.tv_nsec < b->used.tv_nsec ? -1 : 1;
	return strcmp(a->path, b->path);
}

static int
remove_oldest(struct gc *g, uint64_t max, struct lp_store_gc *out)
{
	for (size_t i = 0; i < g->n; i++)
		out->kept += g->v[i].size;
	for (size_t i = 0; i < g->n && out->kept > max; i++) {
		char *slash = strrchr(g->v[i].path, '/');

		if (unlinkat(g->store->dir, g->v[i].path, 0) != 0 && errno != ENOENT)
			return LP_E_SYS;
		out->kept -= g->v[i].size;
		out->removed += g->v[i].size;
		out->files++;
		*slash = '\0';
		/* of a blob with ranges; goes with the last of them */
		if (strncmp(g->v[i].path, "ranges/", 7) == 0)
			(void)unlinkat(g->store->dir, g->v[i].path, AT_REMOVEDIR);
	}
	return LP_OK;
}

int
lp_store_gc(struct lp_store *s, uint64_t max, struct lp_store_gc *out)
{
	struct gc g = { .store = s };
	int rc;

	*out = (struct lp_store_gc){ 0 };
	lp_store_sweep(s);
	lp_buf_init(&g.index, LP_MAX_MANIFEST);
	rc = lp_store_index(s, &g.index);
	rc = rc == LP_E_ABSENT ? LP_OK : rc;
	rc = rc != LP_OK ? rc : each(&g, "blobs/sha256", visit_blob);
	rc = rc != LP_OK ? rc : each(&g, "ranges/sha256", visit_ranges_of);
	if (rc == LP_OK) {
		if (g.n > 1)
			lp_sort(g.v, g.n, sizeof(*g.v), by_use);
		rc = remove_oldest(&g, max, out);
	}
	rc = rc != LP_OK ? rc : each(&g, "sums/sha256", visit_sums_of);
	lp_buf_release(&g.index);
	free(g.v);
	return rc;
}
