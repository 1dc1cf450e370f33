/* The store's bound: what was used longest ago goes first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/oci/layout.h"
#include "common/store/store_priv.h"

/* One file that holds bytes of a blob. */
struct kept {
	char dir[LP_STORE_PATH], name[LP_DIGEST_HEX + 1];
	uint64_t size;
	struct timespec used; /* its mtime: every read sets it, as atime may be switched off */
	int named;            /* index.json speaks of it */
};

/* A digest, without its prefix, as it stands in index.json: its first digits, if it has more. */
struct name {
	char hex[LP_STORE_HEX];
};

struct gc {
	struct lp_store *store;
	struct name *names; /* in order */
	size_t nnames, names_cap;
	struct kept *v;
	size_t n, cap;
	int err; /* errno of the last thing that could not be read or removed, of those that do not keep the others; or 0 */
};

/* ---- what index.json speaks of --------------------------------------------------------- */

static int
by_hex(const void *x, const void *y)
{
	return memcmp(x, y, LP_STORE_HEX);
}

static int
add_name(struct gc *g, const unsigned char *hex)
{
	struct name *v = lp_array_room(g->names, g->nnames, &g->names_cap, sizeof(*v));

	if (v == NULL)
		return LP_E_NOMEM;
	g->names = v;
	memcpy(g->names[g->nnames++].hex, hex, LP_STORE_HEX);
	return LP_OK;
}

/* Any text that looks like a digest: what is named by mistake stays longer, and that is all. */
static int
read_names(struct gc *g)
{
	static const char prefix[] = "sha";
	struct lp_buf index;
	int rc;

	lp_buf_init(&index, LP_STORE_INDEX_MAX);
	rc = lp_store_index(g->store, &index);
	for (struct lp_span s = lp_buf_span(&index); rc == LP_OK && s.n > 0;) {
		const unsigned char *p = memmem(s.p, s.n, prefix, sizeof(prefix) - 1);

		lp_span_take(&s, p != NULL ? (size_t)(p - s.p) : s.n);
		if (lp_digest_length(s) > 0)
			rc = add_name(g, s.p + LP_DIGEST_PREFIX);
		lp_span_take(&s, sizeof(prefix) - 1);
	}
	lp_buf_release(&index);
	if (g->nnames > 1)
		lp_sort(g->names, g->nnames, sizeof(*g->names), by_hex);
	return rc == LP_E_ABSENT ? LP_OK : rc;
}

static int
is_named(const struct gc *g, const char *hex)
{
	return g->nnames > 0 && bsearch(hex, g->names, g->nnames, sizeof(*g->names), by_hex) != NULL;
}

/* ---- what there is --------------------------------------------------------------------- */

/* A directory of the store, while its names are visited. */
struct place {
	struct gc *gc;
	int dir;
	const char *path;
	const char *hex;    /* of the blob; NULL where blobs are */
	const char *origin; /* of the range; NULL where there is none */
};

typedef int visit(const struct place *, const char *name);

static int
each(const struct place *above, const char *path, visit *f)
{
	struct place p = *above;
	DIR *d;
	int rc = lp_store_list(p.gc->store, path, &d);

	if (rc == LP_E_SYS)
		p.gc->err = errno;
	if (rc != LP_OK)
		return rc == LP_E_ABSENT || rc == LP_E_SYS ? LP_OK : rc;
	p.dir = dirfd(d);
	p.path = path;
	for (struct dirent *e; rc == LP_OK && (e = readdir(d)) != NULL;)
		rc = f(&p, e->d_name);
	closedir(d);
	return rc;
}

/* The same in the directory of each algorithm. */
static int
each_kind(const struct place *above, const char *kind, visit *f)
{
	char path[LP_STORE_PATH];
	int rc = LP_OK;

	for (size_t i = 0; lp_digest_algorithms[i] != NULL && rc == LP_OK; i++) {
		snprintf(path, sizeof(path), "%s/%s", kind, lp_digest_algorithms[i]);
		rc = each(above, path, f);
	}
	return rc;
}

static int
add(const struct place *p, const char *hex, const char *name)
{
	struct gc *g = p->gc;
	struct kept *v = lp_array_room(g->v, g->n, &g->cap, sizeof(*v));
	struct stat st;

	if (v == NULL)
		return LP_E_NOMEM;
	g->v = v;
	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return LP_OK;
	v = &g->v[g->n++];
	*v = (struct kept){ .size = (uint64_t)st.st_size, .used = st.st_mtim, .named = is_named(g, hex) };
	snprintf(v->dir, sizeof(v->dir), "%s", p->path);
	snprintf(v->name, sizeof(v->name), "%s", name);
	return LP_OK;
}

static int
visit_blob(const struct place *p, const char *name)
{
	lp_store_sweep(p->dir, name, 0);
	return lp_store_is_hex(name) ? add(p, name, name) : LP_OK;
}

static int
visit_range(const struct place *p, const char *name)
{
	struct lp_store_file f;

	lp_store_sweep(p->dir, name, 0);
	return lp_store_parse_name(name, &f) == LP_OK ? add(p, p->hex, name) : LP_OK;
}

static int
visit_range_origin(const struct place *above, const char *name)
{
	struct place p = *above;
	char path[LP_STORE_PATH];
	struct lp_store_file f;

	/* of no origin: older versions kept such, and nobody reads them */
	if (lp_store_parse_name(name, &f) == LP_OK)
		(void)unlinkat(p.dir, name, 0);
	if (!lp_store_is_hex(name))
		return LP_OK;
	p.origin = name;
	lp_store_dir_path("ranges", p.hex, name, path);
	return each(&p, path, visit_range);
}

static int
visit_ranges_of(const struct place *above, const char *hex)
{
	struct place p = *above;
	char path[LP_STORE_PATH];
	int rc;

	if (!lp_store_is_hex(hex))
		return LP_OK;
	p.hex = hex;
	lp_store_dir_path("ranges", hex, NULL, path);
	rc = each(&p, path, visit_range_origin);
	(void)unlinkat(above->dir, hex, AT_REMOVEDIR);
	return rc;
}

/* ---- sums whose file has gone, however that came --------------------------------------------- */

/* Whether that file is there, and of that many bytes if `size` is not 0. */
static int
is_there(const struct gc *g, const char *path, const char *name, uint64_t size)
{
	int dir = lp_store_dir(g->store, path, 0), yes;
	struct stat st;

	if (dir < 0)
		return 0;
	yes = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (size == 0 || (uint64_t)st.st_size == size);
	close(dir);
	return yes;
}

static int
visit_sum(const struct place *p, const char *name)
{
	char path[LP_STORE_PATH];
	struct lp_store_file f;
	struct stat st;

	lp_store_sweep(p->dir, name, 0);
	if (lp_store_parse_name(name, &f) != LP_OK || fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return LP_OK;
	if (p->origin != NULL)
		lp_store_dir_path("ranges", p->hex, p->origin, path);
	else
		lp_store_kind_path("blobs", p->hex, path);
	/* the sums of a file that is on its way in come first */
	if (time(NULL) - st.st_mtime <= LP_STORE_GRACE ||
	    is_there(p->gc, path, p->origin != NULL ? name : p->hex, p->origin != NULL ? 0 : f.last + 1))
		return LP_OK;
	(void)unlinkat(p->dir, name, 0);
	return LP_OK;
}

static int
visit_sum_origin(const struct place *above, const char *name)
{
	struct place p = *above;
	char path[LP_STORE_PATH];
	int rc;

	if (!lp_store_is_hex(name))
		return visit_sum(above, name);
	p.origin = name;
	lp_store_dir_path("sums", p.hex, name, path);
	rc = each(&p, path, visit_sum);
	(void)unlinkat(above->dir, name, AT_REMOVEDIR);
	return rc;
}

static int
visit_sums_of(const struct place *above, const char *hex)
{
	struct place p = *above;
	char path[LP_STORE_PATH];
	int rc;

	if (!lp_store_is_hex(hex))
		return LP_OK;
	p.hex = hex;
	lp_store_dir_path("sums", hex, NULL, path);
	rc = each(&p, path, visit_sum_origin);
	/* goes only if nothing is left in it */
	(void)unlinkat(above->dir, hex, AT_REMOVEDIR);
	return rc;
}

/* ---- the bound ---------------------------------------------------------------------------- */

static int
by_use(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	if (a->named != b->named)
		return a->named - b->named;
	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

static int
remove_file(const struct gc *g, const char *path, const char *name)
{
	int dir = lp_store_dir(g->store, path, 0), rc = LP_OK;

	if (dir < 0)
		return dir == LP_E_ABSENT ? LP_OK : dir;
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		rc = LP_E_SYS;
	close(dir);
	return rc;
}

/* Of KIND/ALGORITHM/HEX/ORIGIN the last two go with the last of what is in them. */
static void
remove_dirs(const struct gc *g, char path[LP_STORE_PATH])
{
	for (char *slash; (slash = strrchr(path, '/')) != strchr(path, '/');) {
		int dir;

		*slash = '\0';
		dir = lp_store_dir(g->store, path, 0);
		if (dir < 0)
			return;
		(void)unlinkat(dir, slash + 1, AT_REMOVEDIR);
		close(dir);
	}
}

static int
remove_kept(const struct gc *g, const struct kept *k)
{
	int whole = lp_store_is_hex(k->name), rc = remove_file(g, k->dir, k->name);
	char path[LP_STORE_PATH], name[LP_STORE_NAME];

	if (rc != LP_OK)
		return rc;
	snprintf(path, sizeof(path), "%s", k->dir);
	remove_dirs(g, path);
	lp_store_range_name(0, k->size > 0 ? k->size - 1 : 0, name);
	if (whole)
		lp_store_dir_path("sums", k->name, NULL, path);
	else
		snprintf(path, sizeof(path), "sums%s", strchr(k->dir, '/'));
	(void)remove_file(g, path, whole ? name : k->name);
	remove_dirs(g, path);
	return LP_OK;
}

/* What cannot be removed stays, and the next ones go. */
static void
remove_oldest(struct gc *g, uint64_t max, struct lp_store_gc *out)
{
	for (size_t i = 0; i < g->n; i++)
		out->kept += g->v[i].size;
	for (size_t i = 0; i < g->n && out->kept > max; i++) {
		if (remove_kept(g, &g->v[i]) != LP_OK) {
			g->err = errno;
			continue;
		}
		out->kept -= g->v[i].size;
		out->removed += g->v[i].size;
		out->files++;
	}
}

/* ---- names that lead nowhere --------------------------------------------------------------- */

static int
leads_somewhere(void *arg, const char *digest)
{
	const struct lp_store *s = arg;
	char path[LP_STORE_PATH];
	struct stat st;
	int dir, there;

	lp_store_kind_path("blobs", lp_store_hex(digest), path);
	dir = lp_store_dir(s, path, 0);
	if (dir < 0)
		return dir != LP_E_ABSENT;
	there = fstatat(dir, lp_store_hex(digest), &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
	close(dir);
	return there;
}

static int
drop_names(void *arg, struct lp_span old, struct lp_buf *now)
{
	struct lp_json_error e;

	return lp_layout_keep(old, leads_somewhere, arg, now, &e);
}

/* An index that nobody can read is nobody's to write. */
static int
forget_names(struct gc *g)
{
	int blobs = lp_store_dir(g->store, "blobs", 0), rc;

	if (blobs < 0)
		return blobs == LP_E_ABSENT ? LP_OK : blobs;
	close(blobs);
	rc = g->nnames > 0 ? lp_store_index_edit(g->store, drop_names, g->store) : LP_OK;
	return rc == LP_E_DATA || rc == LP_E_LIMIT ? LP_OK : rc;
}

/* ---- files of dead writers that are nowhere else ------------------------------------------------- */

static int
visit_top(const struct place *p, const char *name)
{
	lp_store_sweep(p->dir, name, 0);
	return LP_OK;
}

/* Older versions wrote there. */
static int
visit_tmp(const struct place *p, const char *name)
{
	lp_store_sweep(p->dir, name, 1);
	return LP_OK;
}

int
lp_store_gc(struct lp_store *s, uint64_t max, struct lp_store_gc *out)
{
	struct gc g = { .store = s };
	const struct place top = { .gc = &g, .dir = -1 };
	int rc = read_names(&g);

	*out = (struct lp_store_gc){ 0 };
	rc = rc != LP_OK ? rc : each(&top, "", visit_top);
	rc = rc != LP_OK ? rc : each(&top, "tmp", visit_tmp);
	rc = rc != LP_OK ? rc : each_kind(&top, "blobs", visit_blob);
	rc = rc != LP_OK ? rc : each_kind(&top, "ranges", visit_ranges_of);
	if (rc == LP_OK) {
		if (g.n > 1)
			lp_sort(g.v, g.n, sizeof(*g.v), by_use);
		remove_oldest(&g, max, out);
	}
	rc = rc != LP_OK ? rc : each_kind(&top, "sums", visit_sums_of);
	rc = rc != LP_OK ? rc : forget_names(&g);
	free(g.names);
	free(g.v);
	if (rc == LP_OK && g.err != 0) {
		errno = g.err;
		rc = LP_E_SYS;
	}
	return rc;
}
