#include "common/sys/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/format/range.h"
#include "common/sys/io.h"
#include "common/sys/store_priv.h"

/* ---- names ----------------------------------------------------------------- */

void
lp_store_dir_path(const char *kind, const char *digest, char path[LP_STORE_PATH])
{
	snprintf(path, LP_STORE_PATH, "%s/sha256%s%s", kind, digest != NULL ? "/" : "",
	    digest != NULL ? lp_store_hex(digest) : "");
}

void
lp_store_file_path(const char *digest, const struct lp_store_file *f, char path[LP_STORE_PATH])
{
	if (f->whole)
		snprintf(path, LP_STORE_PATH, "blobs/sha256/%s", lp_store_hex(digest));
	else
		snprintf(path, LP_STORE_PATH, "ranges/sha256/%s/%llu-%llu", lp_store_hex(digest),
		    (unsigned long long)f->first, (unsigned long long)f->last);
}

void
lp_store_sums_path(const char *digest, const struct lp_store_file *f, char path[LP_STORE_PATH])
{
	snprintf(path, LP_STORE_PATH, "sums/sha256/%s/%llu-%llu", lp_store_hex(digest),
	    (unsigned long long)f->first, (unsigned long long)f->last);
}

int
lp_store_parse_name(const char *name, struct lp_store_file *f)
{
	struct lp_range_spec r;
	char again[LP_STORE_PATH];

	if (lp_range_parse(lp_span_str(name), &r) != LP_OK || r.suffix || r.last == LP_RANGE_END)
		return LP_E_DATA;
	snprintf(again, sizeof(again), "%llu-%llu", (unsigned long long)r.first, (unsigned long long)r.last);
	if (strcmp(again, name) != 0)
		return LP_E_DATA;
	*f = (struct lp_store_file){ .first = r.first, .last = r.last };
	return LP_OK;
}

int
lp_store_opendir(const struct lp_store *s, const char *path, DIR **d)
{
	int fd = openat(s->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
	*d = fdopendir(fd);
	if (*d != NULL)
		return LP_OK;
	close(fd);
	return LP_E_NOMEM;
}

int
lp_store_make_parents(struct lp_store *s, const char *path)
{
	char part[LP_STORE_PATH];

	for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		if (mkdirat(s->dir, part, 0777) != 0 && errno != EEXIST)
			return LP_E_SYS;
	}
	return LP_OK;
}

void
lp_store_drop(struct lp_store *s, const char *digest, const struct lp_store_file *f)
{
	char path[LP_STORE_PATH];

	if (s->mode != LP_STORE_WRITE)
		return;
	lp_store_file_path(digest, f, path);
	(void)unlinkat(s->dir, path, 0);
	lp_store_sums_path(digest, f, path);
	(void)unlinkat(s->dir, path, 0);
}

/* ---- opening ------------------------------------------------------------------ */

int
lp_store_read_file(int dir, const char *path, struct lp_buf *b)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

	if (fd < 0)
		return errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
	rc = lp_read_all(fd, b);
	close(fd);
	return rc;
}

/* The version only: a JSON reader would be a library more in lp-fetch. */
static int
check_layout(struct lp_store *s)
{
	static const char key[] = "\"imageLayoutVersion\"";
	struct lp_buf b;
	struct lp_span rest;
	const unsigned char *p;
	int rc;

	lp_buf_init(&b, 64 * 1024);
	rc = lp_store_read_file(s->dir, "oci-layout", &b);
	if (rc == LP_OK) {
		p = b.n > 0 ? memmem(b.p, b.n, key, sizeof(key) - 1) : NULL;
		rest = p != NULL ? lp_span(p, (size_t)(b.p + b.n - p)) : lp_span("", 0);
		lp_span_take(&rest, sizeof(key) - 1);
		while (rest.n > 0 && strchr(" \t\r\n:", rest.p[0]) != NULL)
			lp_span_take(&rest, 1);
		rc = lp_span_is(lp_span_take(&rest, 3), "\"1.") ? LP_OK : LP_E_DATA;
	}
	lp_buf_release(&b);
	return rc;
}

/* An empty layout in an empty directory; several may do so at once. */
static int
make_layout(struct lp_store *s)
{
	static const struct { const char *path, *text; } files[] = {
		{ "index.json", "{\"schemaVersion\":2,\"manifests\":[]}" },
		{ "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}" }, /* last: it says that the rest is there */
	};
	char tmp[LP_STORE_PATH];
	int rc = lp_store_make_parents(s, "blobs/sha256/");

	for (size_t i = 0; i < 2 && rc == LP_OK; i++) {
		int fd = lp_store_tmp(s, tmp);

		if (fd < 0)
			return LP_E_SYS;
		rc = lp_write_all(fd, lp_span_str(files[i].text));
		/* never over one that somebody else has made meanwhile */
		if (rc == LP_OK && renameat2(s->dir, tmp, s->dir, files[i].path, RENAME_NOREPLACE) != 0) {
			rc = errno == EEXIST ? LP_OK : LP_E_SYS;
			(void)unlinkat(s->dir, tmp, 0);
		}
		close(fd);
	}
	return rc;
}

static int
is_empty(const struct lp_store *s)
{
	DIR *d;
	int n = 0;

	if (lp_store_opendir(s, ".", &d) != LP_OK)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		/* what another process that makes the same store may have begun with */
		n += e->d_name[0] != '.' && strcmp(e->d_name, "blobs") != 0 &&
		    strcmp(e->d_name, "tmp") != 0 && strcmp(e->d_name, "index.json") != 0;
	closedir(d);
	return n == 0;
}

/* Another user's, or on a file system that is mounted to be read: what it has is as good as ever. */
static int
may_write(struct lp_store *s)
{
	if (faccessat(s->dir, ".", W_OK, AT_EACCESS) == 0 || (errno != EACCES && errno != EROFS))
		return 1;
	s->refusal = errno;
	return 0;
}

static int
open_checked(struct lp_store *s, const char *dir, const char **why)
{
	int rc;

	if (s->mode == LP_STORE_WRITE && mkdir(dir, 0777) != 0 && errno != EEXIST) {
		*why = "the store cannot be made";
		return LP_E_SYS;
	}
	*why = "the store cannot be opened";
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
	rc = check_layout(s);
	if (rc == LP_E_ABSENT && s->mode == LP_STORE_WRITE) {
		if (is_empty(s)) {
			*why = "the store cannot be made";
			return make_layout(s);
		}
		/* what is there may be what another process has just made */
		rc = check_layout(s);
	}
	if (rc == LP_E_ABSENT || rc == LP_E_DATA) {
		*why = "no OCI image layout of version 1";
		return LP_E_DATA;
	}
	if (rc == LP_OK && s->mode == LP_STORE_WRITE && !may_write(s))
		s->mode = LP_STORE_READ;
	if (rc == LP_OK && s->mode == LP_STORE_WRITE)
		lp_store_sweep(s);
	return rc;
}

int
lp_store_refusal(const struct lp_store *s)
{
	return s->refusal;
}

int
lp_store_open(struct lp_store **out, const char *dir, enum lp_store_mode mode, const char **why)
{
	struct lp_store *s = calloc(1, sizeof(*s));
	int rc, err;

	if (s == NULL)
		return LP_E_NOMEM;
	s->dir = -1;
	s->mode = mode;
	rc = open_checked(s, dir, why);
	if (rc == LP_OK) {
		*out = s;
		return LP_OK;
	}
	err = errno;
	lp_store_close(s);
	errno = err;
	return rc;
}

void
lp_store_close(struct lp_store *s)
{
	if (s == NULL)
		return;
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}

/* ---- what is there ---------------------------------------------------------------- */

struct files {
	struct lp_store_file *v;
	size_t n, cap;
};

static int
add_file(struct files *a, struct lp_store_file f)
{
	struct lp_store_file *v = lp_array_room(a->v, a->n, &a->cap, sizeof(*v));

	if (v == NULL)
		return LP_E_NOMEM;
	a->v = v;
	a->v[a->n++] = f;
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

static int
add_ranges(struct lp_store *s, const char *digest, struct files *a)
{
	char path[LP_STORE_PATH];
	struct stat st;
	DIR *d;
	int rc;

	lp_store_dir_path("ranges", digest, path);
	rc = lp_store_opendir(s, path, &d);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? LP_OK : rc;
	for (struct dirent *e; rc == LP_OK && (e = readdir(d)) != NULL;) {
		struct lp_store_file f;

		if (lp_store_parse_name(e->d_name, &f) != LP_OK ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		if ((uint64_t)st.st_size == f.last - f.first + 1)
			rc = add_file(a, f);
		else
			lp_store_drop(s, digest, &f);
	}
	closedir(d);
	return rc;
}

int
lp_store_files(struct lp_store *s, const char *digest, struct lp_store_file **out, size_t *n)
{
	struct files a = { 0 };
	char path[LP_STORE_PATH];
	struct stat st;
	int rc;

	lp_store_file_path(digest, &(struct lp_store_file){ .whole = 1 }, path);
	if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		/* an empty blob has no last byte; 0-0 is one too many, and lp_store_find knows */
		rc = add_file(&a, (struct lp_store_file){ .whole = 1,
		    .last = st.st_size > 0 ? (uint64_t)st.st_size - 1 : 0 });
	else
		rc = add_ranges(s, digest, &a);
	if (rc != LP_OK) {
		free(a.v);
		return rc;
	}
	if (a.n > 1)
		lp_sort(a.v, a.n, sizeof(*a.v), by_first);
	*out = a.v;
	*n = a.n;
	return LP_OK;
}

int64_t
lp_store_whole_size(struct lp_store *s, const char *digest)
{
	char path[LP_STORE_PATH];
	struct stat st;

	lp_store_file_path(digest, &(struct lp_store_file){ .whole = 1 }, path);
	if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return -1;
	return st.st_size;
}

int
lp_store_find(struct lp_store *s, const char *digest, uint64_t at, struct lp_store_piece *out)
{
	struct lp_store_file *v = NULL;
	uint64_t end = at;
	size_t n = 0;
	int rc;

	*out = (struct lp_store_piece){ .next = UINT64_MAX, .size = lp_store_whole_size(s, digest) };
	if (out->size >= 0) {
		out->n = at < (uint64_t)out->size ? (uint64_t)out->size - at : 0;
		return LP_OK;
	}
	rc = lp_store_files(s, digest, &v, &n);
	for (size_t i = 0; i < n; i++) {
		if (v[i].first <= end && v[i].last >= end)
			end = v[i].last + 1;
		else if (v[i].first > end && v[i].first < out->next)
			out->next = v[i].first;
	}
	out->n = end - at;
	free(v);
	return rc;
}
