/* Opens a store and its directories, its lock, its index. */
#include "common/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/range.h"
#include "common/base/status.h"
#include "common/store/store_priv.h"
#include "common/sys/clock.h"
#include "common/sys/io.h"

static const char empty_index[] = "{\"schemaVersion\":2,\"manifests\":[]}";

/* ---- names ----------------------------------------------------------------- */

int
lp_store_is_hex(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return name[n] == '\0' && lp_digest_algorithm(n) != NULL;
}

void
lp_store_kind_path(const char *kind, const char *hex, char path[LP_STORE_PATH])
{
	snprintf(path, LP_STORE_PATH, "%s/%s", kind, lp_digest_algorithm(strlen(hex)));
}

void
lp_store_blobs_path(const struct lp_store *s, const char *digest, char path[LP_STORE_PATH])
{
	path[0] = '\0';
	if (!s->flat)
		lp_store_kind_path("blobs", lp_store_hex(digest), path);
}

void
lp_store_dir_path(const char *kind, const char *hex, const char *origin, char path[LP_STORE_PATH])
{
	int below = origin != NULL && *origin != '\0';

	snprintf(path, LP_STORE_PATH, "%s/%s/%s%s%s", kind, lp_digest_algorithm(strlen(hex)), hex, below ? "/" : "",
	    below ? origin : "");
}

void
lp_store_range_name(uint64_t first, uint64_t last, char name[LP_STORE_NAME])
{
	snprintf(name, LP_STORE_NAME, "%llu-%llu", (unsigned long long)first, (unsigned long long)last);
}

int
lp_store_parse_name(const char *name, struct lp_store_file *f)
{
	struct lp_range_spec r;
	char again[LP_STORE_NAME];

	if (lp_range_parse(lp_span_str(name), &r) != LP_OK || r.suffix || r.last == LP_RANGE_END)
		return LP_E_DATA;
	lp_store_range_name(r.first, r.last, again);
	if (strcmp(again, name) != 0)
		return LP_E_DATA;
	*f = (struct lp_store_file){ .first = r.first, .last = r.last };
	return LP_OK;
}

/* ---- directories and files ---------------------------------------------------- */

/* One component further; `at` is closed. */
static int
step(const struct lp_store *s, int at, const char *name, int make)
{
	int follow = s->mode == LP_STORE_LAYOUT ? 0 : O_NOFOLLOW, fd, err;

	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
	if (fd < 0 && errno == ENOENT && make && (mkdirat(at, name, s->dirs) == 0 || errno == EEXIST))
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
	err = errno;
	close(at);
	errno = err;
	return fd;
}

/* A whole path in one call would go through symbolic links in its middle. */
static int
walk(const struct lp_store *s, const char *path, int make)
{
	char name[LP_STORE_PATH];
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path != '\0') {
		size_t n = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		fd = step(s, fd, name, make);
		path += n + (path[n] == '/');
	}
	return fd;
}

int
lp_store_dir(const struct lp_store *s, const char *path, int make)
{
	int fd = -1;

	/* another process may take an empty directory away between two steps */
	for (int i = 0; i < 3; i++) {
		fd = walk(s, path, make);
		if (fd >= 0 || errno != ENOENT || !make)
			break;
	}
	return fd >= 0 ? fd : errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
}

int
lp_store_list(const struct lp_store *s, const char *path, DIR **d)
{
	int fd = lp_store_dir(s, path, 0);

	if (fd < 0)
		return fd;
	*d = fdopendir(fd);
	if (*d != NULL)
		return LP_OK;
	close(fd);
	return LP_E_NOMEM;
}

int
lp_store_open_file(const struct lp_store *s, int dir, const char *name, struct stat *st)
{
	int follow = s->mode == LP_STORE_LAYOUT ? 0 : O_NOFOLLOW;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);

	if (fd < 0)
		/* a link where none may be, and a socket */
		return errno == ENOENT || errno == ELOOP || errno == ENXIO ? LP_E_ABSENT : LP_E_SYS;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return LP_E_ABSENT;
}

int
lp_store_read_file(const struct lp_store *s, int dir, const char *name, struct lp_buf *b)
{
	struct stat st;
	int fd = lp_store_open_file(s, dir, name, &st), rc;
	ptrdiff_t k = 0;

	if (fd < 0)
		return fd;
	/* in one call: there are as many small ones as ranges */
	rc = (uint64_t)st.st_size <= b->max - b->n ? lp_buf_reserve(b, (size_t)st.st_size) : LP_E_LIMIT;
	if (rc == LP_OK)
		k = lp_read_full(fd, b->p + b->n, (size_t)st.st_size);
	rc = k < 0 ? (int)k : rc;
	b->n += k > 0 ? (size_t)k : 0;
	close(fd);
	return rc;
}

int
lp_store_lock(struct lp_store *s)
{
	enum { STEP_MS = 5 };
	int64_t began = lp_clock_ms();

	while (flock(s->dir, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return LP_OK;
		if (lp_clock_ms() - began >= s->patience_ms) {
			s->patience_ms = 0;
			errno = EBUSY;
			return LP_E_SYS;
		}
		(void)poll(NULL, 0, STEP_MS);
	}
	return LP_OK;
}

void
lp_store_unlock(const struct lp_store *s)
{
	int err = errno;

	(void)flock(s->dir, LOCK_UN);
	errno = err;
}

/* ---- opening ------------------------------------------------------------------ */

/* The version only. */
static int
check_layout(struct lp_store *s)
{
	static const char key[] = "\"imageLayoutVersion\"";
	struct lp_buf b;
	struct lp_span rest;
	const unsigned char *p;
	int rc;

	lp_buf_init(&b, 64 * 1024);
	rc = lp_store_read_file(s, s->dir, "oci-layout", &b);
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

static int
is_empty(const struct lp_store *s)
{
	DIR *d;
	int n = 0;

	if (lp_store_list(s, "", &d) != LP_OK)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		/* what another process that makes the same store may have begun with */
		n += e->d_name[0] != '.' && strcmp(e->d_name, "blobs") != 0 && strcmp(e->d_name, "index.json") != 0;
	closedir(d);
	return n == 0;
}

/* An empty layout in an empty directory; several may want to at once. */
static int
make_layout(struct lp_store *s)
{
	struct stat st;
	int rc = check_layout(s), fd;

	if (rc != LP_E_ABSENT)
		return rc;
	fd = lp_store_dir(s, "blobs/sha256", 1);
	if (fd < 0)
		return LP_E_SYS;
	close(fd);
	rc = LP_OK;
	if (fstatat(s->dir, "index.json", &st, AT_SYMLINK_NOFOLLOW) != 0)
		rc = lp_store_write(s, "", "index.json", lp_span_str(empty_index), 1);
	/* last: it says that the rest is there */
	return rc != LP_OK ? rc :
	    lp_store_write(s, "", "oci-layout", lp_span_str("{\"imageLayoutVersion\":\"1.0.0\"}"), 1);
}

/* Builders have forgotten the mark: what there is must lead to blobs then. */
static int
check_unmarked(struct lp_store *s)
{
	struct stat st;
	int found = fstatat(s->dir, "index.json", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(s->dir, "blobs", &st, AT_SYMLINK_NOFOLLOW) == 0;

	s->unmarked = found;
	return found ? LP_OK : LP_E_ABSENT;
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
open_dir(struct lp_store *s, const char *dir)
{
	struct stat st;

	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
	if (fstat(s->dir, &st) != 0)
		return LP_E_SYS;
	s->files = st.st_mode & 0666;
	s->dirs = st.st_mode & 0777;
	return LP_OK;
}

static int
check_flat(const struct lp_store *s, const char **why)
{
	struct stat st;

	*why = "no directory of skopeo's: there is no manifest.json in it";
	return fstatat(s->dir, "manifest.json", &st, AT_SYMLINK_NOFOLLOW) == 0 ? LP_OK : LP_E_DATA;
}

static int
open_checked(struct lp_store *s, const char *dir, const char **why)
{
	int rc;

	/* it is nobody else's business, unless its owner says so by the permissions of the directory */
	if (s->mode == LP_STORE_WRITE && mkdir(dir, 0700) != 0 && errno != EEXIST) {
		*why = "the store cannot be made";
		return LP_E_SYS;
	}
	*why = "the store cannot be opened";
	rc = open_dir(s, dir);
	if (rc == LP_OK && s->flat)
		return check_flat(s, why);
	rc = rc != LP_OK ? rc : check_layout(s);
	if (s->dir >= 0 && rc == LP_E_ABSENT && s->mode == LP_STORE_LAYOUT)
		rc = check_unmarked(s);
	if (s->dir >= 0 && rc == LP_E_ABSENT && s->mode == LP_STORE_WRITE) {
		/* without the lock another process may be about to make the same */
		(void)lp_store_lock(s);
		if (is_empty(s)) {
			*why = "the store cannot be made";
			rc = make_layout(s);
		} else {
			rc = check_layout(s);
		}
		lp_store_unlock(s);
	}
	if (s->dir >= 0 && (rc == LP_E_ABSENT || rc == LP_E_DATA || rc == LP_E_LIMIT)) {
		*why = "no OCI image layout of version 1";
		return LP_E_DATA;
	}
	if (rc == LP_OK && s->mode == LP_STORE_WRITE && !may_write(s))
		s->mode = LP_STORE_READ;
	return rc;
}

int
lp_store_refusal(const struct lp_store *s)
{
	return s->refusal;
}

int
lp_store_is_unmarked(const struct lp_store *s)
{
	return s->unmarked;
}

const char *
lp_store_way_out(const struct lp_store *s, const char *digest)
{
	static char path[LP_STORE_PATH];
	struct stat st;

	if (s->mode != LP_STORE_LAYOUT || errno != EACCES)
		return NULL;
	if (digest == NULL)
		snprintf(path, sizeof(path), "%s", s->flat ? "manifest.json" : "index.json");
	else if (s->flat)
		snprintf(path, sizeof(path), "%s", lp_store_hex(digest));
	else
		lp_store_dir_path("blobs", lp_store_hex(digest), NULL, path);
	/* from the file up: below a link that leads out nothing is known */
	for (char *slash = path; slash != NULL; slash = strrchr(path, '/')) {
		if (slash != path)
			*slash = '\0';
		if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return path;
	}
	return NULL;
}

int
lp_store_open(struct lp_store **out, const char *dir, enum lp_store_mode mode, const char **why)
{
	struct lp_store *s = calloc(1, sizeof(*s));
	int rc, err;

	if (s == NULL)
		return LP_E_NOMEM;
	s->dir = -1;
	s->flat = mode == LP_STORE_DIR;
	s->mode = s->flat ? LP_STORE_LAYOUT : mode;
	s->patience_ms = LP_STORE_PATIENCE_MS;
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

/* ---- index.json ---------------------------------------------------------------------- */

int
lp_store_index(struct lp_store *s, struct lp_buf *b)
{
	return lp_store_read_file(s, s->dir, s->flat ? "manifest.json" : "index.json", b);
}

static int
edit_locked(struct lp_store *s, lp_store_edit *edit, void *arg)
{
	struct lp_buf old, now;
	int rc;

	lp_buf_init(&old, LP_STORE_INDEX_MAX);
	lp_buf_init(&now, LP_STORE_INDEX_MAX);
	rc = lp_store_index(s, &old);
	if (rc == LP_E_ABSENT)
		rc = lp_buf_adds(&old, empty_index);
	rc = rc != LP_OK ? rc : edit(arg, lp_buf_span(&old), &now);
	if (rc == LP_OK && !lp_span_eq(lp_buf_span(&old), lp_buf_span(&now)))
		rc = lp_store_write(s, "", "index.json", lp_buf_span(&now), 1);
	lp_buf_release(&old);
	lp_buf_release(&now);
	return rc;
}

int
lp_store_index_edit(struct lp_store *s, lp_store_edit *edit, void *arg)
{
	int rc;

	/* without the lock names that others write meanwhile would be lost */
	rc = lp_store_lock(s);
	if (rc != LP_OK)
		return rc;
	rc = edit_locked(s, edit, arg);
	lp_store_unlock(s);
	return rc;
}
