/* The store's way in: files that appear whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/store_priv.h"

enum { TMP_TRIES = 1000, SWEEP_AGE = 60 /* seconds */, INDEX_MAX = 4 * 1024 * 1024 };

/* ---- tmp/ ------------------------------------------------------------------------ */

int
lp_store_tmp(struct lp_store *s, char path[LP_STORE_PATH])
{
	for (int i = 0; i < TMP_TRIES; i++) {
		int fd;

		snprintf(path, LP_STORE_PATH, "tmp/%ld.%u", (long)getpid(), s->serial++);
		fd = openat(s->dir, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0) {
			/* held until it is closed: that is how a sweeper knows that we live */
			(void)flock(fd, LOCK_EX | LOCK_NB);
			return fd;
		}
		if (errno == ENOENT && lp_store_make_parents(s, "tmp/") == LP_OK)
			continue;
		/* a process of another namespace may have our number */
		if (errno != EEXIST)
			break;
	}
	return LP_E_SYS;
}

/* errno stays that of the failure. */
static void
remove_tmp(struct lp_store *s, const char *path)
{
	int err = errno;

	(void)unlinkat(s->dir, path, 0);
	errno = err;
}

int
lp_store_publish(struct lp_store *s, const char *tmp, const char *path)
{
	int rc = LP_OK;

	/* a promotion may take the directory away between the two */
	for (int i = 0; i < 3; i++) {
		rc = lp_store_make_parents(s, path);
		if (rc == LP_OK && renameat(s->dir, tmp, s->dir, path) == 0)
			return LP_OK;
		if (rc == LP_OK && errno != ENOENT)
			break;
	}
	return LP_E_SYS;
}

int
lp_store_write_file(struct lp_store *s, const char *path, struct lp_span bytes)
{
	char tmp[LP_STORE_PATH];
	int fd = lp_store_tmp(s, tmp), rc;

	if (fd < 0)
		return LP_E_SYS;
	rc = lp_write_all(fd, bytes);
	if (rc == LP_OK)
		rc = lp_store_publish(s, tmp, path);
	if (rc != LP_OK)
		remove_tmp(s, tmp);
	close(fd);
	return rc;
}

void
lp_store_sweep(struct lp_store *s)
{
	time_t now = time(NULL);
	struct stat st;
	DIR *d;

	if (lp_store_opendir(s, "tmp", &d) != LP_OK)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		int f = e->d_name[0] == '.' ? -1 : openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		if (f < 0)
			continue;
		/* young ones may be between their creation and their lock */
		if (fstat(f, &st) == 0 && S_ISREG(st.st_mode) && now - st.st_mtime > SWEEP_AGE &&
		    flock(f, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(d), e->d_name, 0);
		close(f);
	}
	closedir(d);
}

/* ---- ranges ------------------------------------------------------------------------ */

int
lp_store_put_begin(struct lp_store_put *p, struct lp_store *s, const char *digest, uint64_t first)
{
	*p = (struct lp_store_put){ .store = s, .first = first, .fd = -1 };
	memcpy(p->digest, digest, sizeof(p->digest));
	lp_hash_init(&p->hash);
	lp_buf_init(&p->sums, LP_STORE_SUMS_MAX);
	p->fd = lp_store_tmp(s, p->tmp);
	return p->fd < 0 ? LP_E_SYS : LP_OK;
}

int
lp_store_put_add(struct lp_store_put *p, struct lp_span bytes)
{
	int rc = lp_write_all(p->fd, bytes);

	while (rc == LP_OK && bytes.n > 0) {
		size_t room = LP_STORE_CHUNK - (size_t)(p->n % LP_STORE_CHUNK);
		struct lp_span part = lp_span_take(&bytes, room);

		lp_hash_add(&p->hash, part);
		p->n += part.n;
		if (part.n == room)
			rc = lp_store_add_sum(&p->sums, &p->hash);
	}
	return rc;
}

/* The sums go first: a range that is seen has them. */
static int
publish_range(struct lp_store_put *p)
{
	struct lp_store_file f = { .first = p->first, .last = p->first + p->n - 1 };
	char path[LP_STORE_PATH];
	int rc = LP_OK;

	if (p->n % LP_STORE_CHUNK != 0)
		rc = lp_store_add_sum(&p->sums, &p->hash);
	lp_store_sums_path(p->digest, &f, path);
	rc = rc != LP_OK ? rc : lp_store_write_file(p->store, path, lp_buf_span(&p->sums));
	lp_store_file_path(p->digest, &f, path);
	return rc != LP_OK ? rc : lp_store_publish(p->store, p->tmp, path);
}

int
lp_store_put_end(struct lp_store_put *p)
{
	int rc = p->n > 0 ? publish_range(p) : LP_OK;

	if (rc == LP_OK && p->n > 0)
		p->tmp[0] = '\0';
	lp_store_put_abort(p);
	return rc;
}

void
lp_store_put_abort(struct lp_store_put *p)
{
	if (p->fd >= 0) {
		if (p->tmp[0] != '\0')
			remove_tmp(p->store, p->tmp);
		close(p->fd);
	}
	p->fd = -1;
	lp_buf_release(&p->sums);
}

/* ---- blobs --------------------------------------------------------------------------- */

/*
 * A file in tmp/ with the content of a blob becomes the blob. On disk before
 * it has the name: its head may be read for years without anybody looking
 * at the rest.
 */
static int
publish_blob(struct lp_store *s, const char *digest, const char *tmp, int fd, const struct lp_buf *sums)
{
	struct lp_store_file whole = { .whole = 1 };
	char path[LP_STORE_PATH];
	struct stat st;
	int rc = fdatasync(fd) == 0 && fstat(fd, &st) == 0 ? LP_OK : LP_E_SYS;

	if (rc != LP_OK)
		return rc;
	whole.last = st.st_size > 0 ? (uint64_t)st.st_size - 1 : 0;
	lp_store_sums_path(digest, &whole, path);
	rc = st.st_size > 0 ? lp_store_write_file(s, path, lp_buf_span(sums)) : LP_OK;
	lp_store_file_path(digest, &whole, path);
	return rc != LP_OK ? rc : lp_store_publish(s, tmp, path);
}

/* The ranges of a blob that is whole are of no more use. */
static void
drop_ranges(struct lp_store *s, const char *digest)
{
	struct lp_store_file blob = { .whole = 1 };
	char path[LP_STORE_PATH], keep[LP_STORE_PATH], sums[LP_STORE_PATH];
	struct stat st;
	DIR *d;

	lp_store_file_path(digest, &blob, path);
	keep[0] = '\0';
	if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0) {
		blob.last = (uint64_t)st.st_size - 1;
		lp_store_sums_path(digest, &blob, keep);
	}
	lp_store_dir_path("ranges", digest, path);
	if (lp_store_opendir(s, path, &d) != LP_OK)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		(void)unlinkat(dirfd(d), e->d_name, 0);
		snprintf(sums, sizeof(sums), "sums/sha256/%s/%.60s", lp_store_hex(digest), e->d_name);
		if (strcmp(sums, keep) != 0)
			(void)unlinkat(s->dir, sums, 0);
	}
	closedir(d);
	(void)unlinkat(s->dir, path, AT_REMOVEDIR);
}

static int
to_file(void *arg, struct lp_span bytes)
{
	return lp_write_all(*(int *)arg, bytes);
}

/* All ranges one behind the other into one file. */
static int
join(struct lp_store *s, const char *digest, uint64_t size, int fd)
{
	uint64_t at = 0, done = 0;
	int rc = LP_OK;

	while (rc == LP_OK && at < size) {
		rc = lp_store_read(s, digest, at, size - at, to_file, &fd, &done);
		at += done;
		/* something was corrupted and taken out, or went meanwhile */
		if (rc == LP_E_DATA || (rc == LP_OK && done == 0))
			rc = LP_E_ABSENT;
	}
	return rc;
}

static int
promote_checked(struct lp_store *s, const char *digest, const char *tmp, int fd)
{
	char got[LP_DIGEST_SIZE];
	struct lp_buf sums;
	int rc;

	lp_buf_init(&sums, LP_STORE_SUMS_MAX);
	rc = lp_store_hash_file(fd, got, &sums);
	if (rc == LP_OK && strcmp(got, digest) != 0) {
		drop_ranges(s, digest);
		rc = LP_E_DATA;
	}
	if (rc == LP_OK)
		rc = publish_blob(s, digest, tmp, fd, &sums);
	lp_buf_release(&sums);
	return rc;
}

int
lp_store_promote(struct lp_store *s, const char *digest, uint64_t size)
{
	struct lp_store_file all = { .last = size > 0 ? size - 1 : 0 };
	struct lp_store_piece piece;
	char path[LP_STORE_PATH];
	int fd, rc;

	rc = lp_store_find(s, digest, 0, &piece);
	if (rc != LP_OK)
		return rc;
	if (piece.size >= 0) {
		drop_ranges(s, digest);
		return (uint64_t)piece.size == size ? LP_OK : LP_E_DATA;
	}
	if (piece.n < size)
		return LP_E_ABSENT;
	/* mostly it came in one range, which need not be copied */
	lp_store_file_path(digest, &all, path);
	fd = size > 0 ? openat(s->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd >= 0) {
		rc = promote_checked(s, digest, path, fd);
	} else {
		fd = lp_store_tmp(s, path);
		if (fd < 0)
			return LP_E_SYS;
		rc = join(s, digest, size, fd);
		rc = rc != LP_OK ? rc : promote_checked(s, digest, path, fd);
		if (rc != LP_OK)
			remove_tmp(s, path);
	}
	if (rc == LP_OK)
		drop_ranges(s, digest);
	close(fd);
	return rc;
}

int
lp_store_put_blob(struct lp_store *s, const char *digest, struct lp_span bytes)
{
	char got[LP_DIGEST_SIZE], tmp[LP_STORE_PATH];
	struct lp_store_piece piece;
	int fd, rc;

	lp_hash_bytes(bytes, got);
	if (strcmp(got, digest) != 0)
		return LP_E_DATA;
	rc = lp_store_find(s, digest, 0, &piece);
	if (rc != LP_OK || piece.size == (int64_t)bytes.n)
		return rc;
	fd = lp_store_tmp(s, tmp);
	if (fd < 0)
		return LP_E_SYS;
	rc = lp_write_all(fd, bytes);
	rc = rc != LP_OK ? rc : promote_checked(s, digest, tmp, fd);
	if (rc != LP_OK)
		remove_tmp(s, tmp);
	close(fd);
	return rc;
}

/* ---- index.json ---------------------------------------------------------------------- */

int
lp_store_index(struct lp_store *s, struct lp_buf *b)
{
	return lp_store_read_file(s->dir, "index.json", b);
}

static int
edit_locked(struct lp_store *s, lp_store_edit *edit, void *arg)
{
	struct lp_buf old, now;
	int rc;

	lp_buf_init(&old, INDEX_MAX);
	lp_buf_init(&now, INDEX_MAX);
	rc = lp_store_index(s, &old);
	rc = rc != LP_OK ? rc : edit(arg, lp_buf_span(&old), &now);
	if (rc == LP_OK && !lp_span_eq(lp_buf_span(&old), lp_buf_span(&now)))
		rc = lp_store_write_file(s, "index.json", lp_buf_span(&now));
	lp_buf_release(&old);
	lp_buf_release(&now);
	return rc;
}

int
lp_store_index_edit(struct lp_store *s, lp_store_edit *edit, void *arg)
{
	int rc;

	/* the directory's own lock: the file itself is replaced each time */
	while (flock(s->dir, LOCK_EX) != 0)
		if (errno != EINTR)
			return LP_E_SYS;
	rc = edit_locked(s, edit, arg);
	(void)flock(s->dir, LOCK_UN);
	return rc;
}
