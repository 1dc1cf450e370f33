/* The store's way in: files that appear whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/store/store_priv.h"
#include "common/sys/io.h"

enum { TMP_TRIES = 1000 };

static const char tmp_prefix[] = ".lp-";

/* ---- files that have not got their name yet ------------------------------------------- */

static void
tmp_name(struct lp_store *s, char name[LP_STORE_NAME])
{
	snprintf(name, LP_STORE_NAME, "%s%ld.%u", tmp_prefix, (long)getpid(), s->serial++);
}

int
lp_store_tmp(struct lp_store *s, int dir, char name[LP_STORE_NAME])
{
	for (int i = 0; i < TMP_TRIES; i++) {
		int fd;

		tmp_name(s, name);
		fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, s->files);
		if (fd >= 0) {
			/* held until it is closed: that is how a sweeper knows that we live */
			(void)flock(fd, LOCK_EX | LOCK_NB);
			return fd;
		}
		/* a process of another namespace may have our number */
		if (errno != EEXIST)
			break;
	}
	return LP_E_SYS;
}

/* PID.N, and nothing else. */
static int
is_number_pair(const char *p)
{
	size_t n = strspn(p, "0123456789"), m = p[n] == '.' ? strspn(p + n + 1, "0123456789") : 0;

	return n > 0 && m > 0 && p[n + 1 + m] == '\0';
}

void
lp_store_sweep(int dir, const char *name, int old)
{
	size_t n = old ? 0 : sizeof(tmp_prefix) - 1;
	struct stat st;
	int fd;

	if (strncmp(name, tmp_prefix, n) != 0 || !is_number_pair(name + n))
		return;
	/* young ones may be between their creation and their lock */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
	    time(NULL) - st.st_mtime <= LP_STORE_GRACE)
		return;
	fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(dir, name, 0);
	close(fd);
}

/* errno stays that of the failure. */
static void
remove_file(int dir, const char *name)
{
	int err = errno;

	(void)unlinkat(dir, name, 0);
	errno = err;
}

/* In the directory of that path, which another process may take away as an empty one before the file is in it. */
static int
tmp_in(struct lp_store *s, const char *path, int *dir, char name[LP_STORE_NAME])
{
	int fd = LP_E_SYS, err = ENOENT;

	for (int i = 0; i < 3 && fd < 0 && err == ENOENT; i++) {
		*dir = lp_store_dir(s, path, 1);
		if (*dir < 0)
			return LP_E_SYS;
		fd = lp_store_tmp(s, *dir, name);
		if (fd < 0) {
			err = errno;
			close(*dir);
			*dir = -1;
			errno = err;
		}
	}
	return fd;
}

/*
 * The lock keeps a file that has just replaced a corrupted one from being
 * taken for it. Without it that one may go, which is fetched again then.
 */
static int
publish(struct lp_store *s, int dir, const char *tmp, const char *name)
{
	int rc;

	(void)lp_store_lock(s);
	rc = renameat(dir, tmp, dir, name) == 0 ? LP_OK : LP_E_SYS;
	lp_store_unlock(s);
	return rc;
}

int
lp_store_write(struct lp_store *s, const char *path, const char *name, struct lp_span bytes, int sync)
{
	char tmp[LP_STORE_NAME];
	int dir, fd = tmp_in(s, path, &dir, tmp), rc;

	if (fd < 0)
		return LP_E_SYS;
	rc = lp_write_all(fd, bytes);
	if (rc == LP_OK && sync && fdatasync(fd) != 0)
		rc = LP_E_SYS;
	/* who replaces index.json has the lock already, and it does not count */
	if (rc == LP_OK && renameat(dir, tmp, dir, name) != 0)
		rc = LP_E_SYS;
	if (rc == LP_OK && sync)
		(void)fsync(dir);
	if (rc != LP_OK)
		remove_file(dir, tmp);
	close(fd);
	close(dir);
	return rc;
}

int
lp_store_write_sums(struct lp_store *s, const char *digest, uint64_t size, const struct lp_buf *sums, int sync)
{
	char path[LP_STORE_PATH], name[LP_STORE_NAME];

	if (size == 0)
		return LP_OK;
	lp_store_dir_path("sums", lp_store_hex(digest), NULL, path);
	lp_store_range_name(0, size - 1, name);
	return lp_store_write(s, path, name, lp_buf_span(sums), sync);
}

/* ---- ranges ------------------------------------------------------------------------ */

int
lp_store_put_begin(struct lp_store_put *p, const struct lp_store_blob *b, uint64_t first)
{
	char path[LP_STORE_PATH];

	*p = (struct lp_store_put){ .blob = b, .first = first, .fd = -1, .dir = -1 };
	lp_hash_init(&p->hash);
	lp_buf_init(&p->sums, LP_STORE_SUMS_MAX);
	lp_store_dir_path("ranges", lp_store_hex(b->digest), b->origin, path);
	p->fd = tmp_in(b->store, path, &p->dir, p->tmp);
	return p->fd < 0 ? LP_E_SYS : LP_OK;
}

int
lp_store_put_add(struct lp_store_put *p, struct lp_span bytes)
{
	uint64_t chunks = (p->n % LP_STORE_CHUNK + bytes.n) / LP_STORE_CHUNK;
	/* room for the sums first: once the bytes are written nothing is to fail */
	int rc = lp_buf_reserve(&p->sums, (size_t)(chunks + 1) * LP_STORE_SUM);

	rc = rc != LP_OK ? rc : lp_write_all(p->fd, bytes);
	if (rc != LP_OK) {
		int err = errno;

		(void)lseek(p->fd, (off_t)p->n, SEEK_SET);
		errno = err;
		return rc;
	}
	while (bytes.n > 0) {
		size_t room = LP_STORE_CHUNK - (size_t)(p->n % LP_STORE_CHUNK);
		struct lp_span part = lp_span_take(&bytes, room);

		lp_hash_add(&p->hash, part);
		p->n += part.n;
		if (part.n == room)
			(void)lp_store_add_sum(&p->sums, &p->hash);
	}
	return LP_OK;
}

/* The sums go first: a range that is seen has them. */
static int
publish_range(struct lp_store_put *p)
{
	const struct lp_store_blob *b = p->blob;
	char path[LP_STORE_PATH], name[LP_STORE_NAME];
	int rc = LP_OK;

	/* what an add that failed had written */
	if (ftruncate(p->fd, (off_t)p->n) != 0)
		return LP_E_SYS;
	if (p->n % LP_STORE_CHUNK != 0)
		rc = lp_store_add_sum(&p->sums, &p->hash);
	lp_store_dir_path("sums", lp_store_hex(b->digest), b->origin, path);
	lp_store_range_name(p->first, p->first + p->n - 1, name);
	rc = rc != LP_OK ? rc : lp_store_write(b->store, path, name, lp_buf_span(&p->sums), 0);
	return rc != LP_OK ? rc : publish(b->store, p->dir, p->tmp, name);
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
	int err = errno;

	if (p->fd >= 0) {
		if (p->tmp[0] != '\0')
			(void)unlinkat(p->dir, p->tmp, 0);
		close(p->fd);
		close(p->dir);
	}
	p->fd = p->dir = -1;
	lp_buf_release(&p->sums);
	errno = err;
}

/* ---- ranges that are of no more use ----------------------------------------------------- */

/* A directory with what of it is ours: ranges or sums. It goes if nothing else is in it. */
static void
drop_dir(struct lp_store *s, const char *kind, const char *hex, const char *origin)
{
	char path[LP_STORE_PATH];
	struct lp_store_file f;
	int above;
	DIR *d;

	lp_store_dir_path(kind, hex, origin, path);
	if (lp_store_list(s, path, &d) != LP_OK)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (lp_store_parse_name(e->d_name, &f) == LP_OK)
			(void)unlinkat(dirfd(d), e->d_name, 0);
		else
			lp_store_sweep(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	lp_store_dir_path(kind, hex, NULL, path);
	above = lp_store_dir(s, path, 0);
	if (above < 0)
		return;
	(void)unlinkat(above, origin, AT_REMOVEDIR);
	close(above);
}

static void
drop_origin(struct lp_store *s, const char *hex, const char *origin)
{
	drop_dir(s, "ranges", hex, origin);
	drop_dir(s, "sums", hex, origin);
}

void
lp_store_drop_ranges(struct lp_store *s, const char *digest, const char *origin)
{
	static const char *const kinds[] = { "ranges", "sums" };
	const char *hex = lp_store_hex(digest);
	char path[LP_STORE_PATH];
	DIR *d;

	lp_store_dir_path("ranges", hex, NULL, path);
	if (*origin != '\0') {
		drop_origin(s, hex, origin);
	} else if (lp_store_list(s, path, &d) == LP_OK) {
		for (struct dirent *e; (e = readdir(d)) != NULL;)
			if (lp_store_is_hex(e->d_name))
				drop_origin(s, hex, e->d_name);
		closedir(d);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int above;

		lp_store_kind_path(kinds[i], hex, path);
		above = lp_store_dir(s, path, 0);
		if (above < 0)
			continue;
		(void)unlinkat(above, hex, AT_REMOVEDIR);
		close(above);
	}
}

/* ---- blobs --------------------------------------------------------------------------- */

/*
 * What is to become a blob: a file that has a name of ours among blobs,
 * so that what is hashed is what is published.
 */
struct claim {
	struct lp_store *store;
	const char *digest;
	int dir, fd;
	char tmp[LP_STORE_NAME];
};

static int
claim_open(struct claim *c, struct lp_store *s, const char *digest)
{
	char path[LP_STORE_PATH];

	*c = (struct claim){ .store = s, .digest = digest, .fd = -1 };
	lp_store_kind_path("blobs", lp_store_hex(digest), path);
	c->dir = lp_store_dir(s, path, 1);
	if (c->dir < 0)
		return LP_E_SYS;
	return LP_OK;
}

static void
claim_close(struct claim *c)
{
	int err = errno;

	/* also where a rename was made: one to another name of the same file does nothing */
	if (c->fd >= 0) {
		(void)unlinkat(c->dir, c->tmp, 0);
		close(c->fd);
	}
	if (c->dir >= 0)
		close(c->dir);
	errno = err;
}

/* By a second link to a file, which is whole already. LP_OK, or LP_E_SYS: ENOENT if it has gone. */
static int
claim_link(struct claim *c, int from, const char *name)
{
	struct stat st;
	int rc = -1, fd;

	for (int i = 0; i < TMP_TRIES && rc != 0; i++) {
		tmp_name(c->store, c->tmp);
		rc = linkat(from, name, c->dir, c->tmp, 0);
		if (rc != 0 && errno != EEXIST)
			return LP_E_SYS;
	}
	fd = rc != 0 ? -1 : lp_store_open_file(c->store, c->dir, c->tmp, &st);
	if (fd < 0)
		return LP_E_SYS;
	c->fd = fd;
	(void)flock(fd, LOCK_EX | LOCK_NB);
	return LP_OK;
}

static int
claim_new(struct claim *c)
{
	c->fd = lp_store_tmp(c->store, c->dir, c->tmp);
	return c->fd < 0 ? LP_E_SYS : LP_OK;
}

/*
 * Hash it, and give it its name if it is the blob. On disk before it has the
 * name: its head may be read for years without anybody looking at the rest.
 */
static int
claim_publish(struct claim *c)
{
	char got[LP_DIGEST_SIZE];
	struct lp_buf sums;
	struct stat st;
	int rc;

	lp_buf_init(&sums, LP_STORE_SUMS_MAX);
	rc = lp_store_hash_file(c->fd, c->digest, got, &sums);
	if (rc == LP_OK && strcmp(got, c->digest) != 0)
		rc = LP_E_DATA;
	if (rc == LP_OK && (fdatasync(c->fd) != 0 || fstat(c->fd, &st) != 0))
		rc = LP_E_SYS;
	rc = rc != LP_OK ? rc : lp_store_write_sums(c->store, c->digest, (uint64_t)st.st_size, &sums, 1);
	rc = rc != LP_OK ? rc : publish(c->store, c->dir, c->tmp, lp_store_hex(c->digest));
	/* the name is on disk before index.json can lead to it */
	if (rc == LP_OK)
		(void)fsync(c->dir);
	lp_buf_release(&sums);
	return rc;
}

/* All ranges one behind the other into one file. LP_E_ABSENT if not all of them are there any more. */
static int
join(struct lp_store_blob *b, uint64_t size, int fd)
{
	struct lp_span part;
	uint64_t at = 0;
	int rc = LP_OK;

	while (rc == LP_OK && at < size) {
		rc = lp_store_read(b, at, size - at, &part);
		/* corrupted and taken out, or gone meanwhile; or somebody else has made the blob */
		if (rc == LP_E_DATA || (rc == LP_OK && (part.n == 0 || b->v[0].whole)))
			rc = LP_E_ABSENT;
		rc = rc != LP_OK ? rc : lp_write_all(fd, part);
		at += part.n;
	}
	return rc;
}

static int
claim_ranges(struct claim *c, struct lp_store_blob *b, uint64_t size)
{
	char name[LP_STORE_NAME];
	size_t i = size > 0 ? lp_store_covering(b, 0) : SIZE_MAX;
	int rc;

	/* mostly it came in one range, which need not be copied */
	if (i != SIZE_MAX && b->v[i].first == 0 && b->v[i].last == size - 1 && b->ranges >= 0) {
		lp_store_range_name(0, size - 1, name);
		rc = claim_link(c, b->ranges, name);
		if (rc == LP_OK)
			return rc;
		if (errno == ENOENT)
			return LP_E_ABSENT;
		/* links are not known everywhere */
	}
	rc = claim_new(c);
	return rc != LP_OK ? rc : join(b, size, c->fd);
}

/* Whether the files that are listed reach from the first byte to the last. */
static int
is_covered(const struct lp_store_blob *b, uint64_t size)
{
	uint64_t at = 0;

	while (at < size) {
		size_t i = lp_store_covering(b, at);

		if (i == SIZE_MAX)
			return 0;
		at = b->v[i].last + 1;
	}
	return 1;
}

/* What is there now. LP_OK, LP_E_ABSENT if it does not suffice, LP_E_SYS or LP_E_NOMEM; *whole: it is a blob. */
static int
look_again(struct lp_store_blob *b, uint64_t size, int *whole)
{
	int rc;

	lp_store_forget(b);
	/* a blob that is corrupted goes in the first look */
	do
		rc = lp_store_look(b);
	while (rc == LP_E_DATA);
	*whole = rc == LP_OK && b->n > 0 && b->v[0].whole;
	return rc != LP_OK || *whole || is_covered(b, size) ? rc : LP_E_ABSENT;
}

static int
claim_and_publish(struct lp_store_blob *b, uint64_t size)
{
	struct claim c;
	int rc = claim_open(&c, b->store, b->digest);

	rc = rc != LP_OK ? rc : claim_ranges(&c, b, size);
	rc = rc != LP_OK ? rc : claim_publish(&c);
	/* a sweeper took a link to an old file for a dead writer's, before it was locked */
	if (rc == LP_E_SYS && errno == ENOENT)
		rc = LP_E_ABSENT;
	claim_close(&c);
	return rc;
}

/* Whether it is us who lost them, and not the origin that told others: they are not as their sums say any more. */
static int
is_damaged(struct lp_store_blob *b, uint64_t size)
{
	struct lp_span part = { NULL, 0 };
	int rc = LP_OK;

	for (uint64_t at = 0; rc == LP_OK && at < size; at += part.n) {
		rc = lp_store_read(b, at, size - at, &part);
		if (rc == LP_OK && part.n == 0)
			rc = LP_E_ABSENT;
	}
	return rc != LP_OK;
}

int
lp_store_promote(struct lp_store_blob *b, uint64_t size)
{
	int whole = 0, rc = LP_E_ABSENT;

	/* another process that does the same takes the ranges away under our feet */
	for (int turn = 0; turn < 3 && rc == LP_E_ABSENT; turn++) {
		rc = look_again(b, size, &whole);
		if (rc != LP_OK || whole)
			break;
		rc = claim_and_publish(b, size);
		if (rc == LP_E_DATA && is_damaged(b, size))
			rc = LP_E_ABSENT;
	}
	if (rc == LP_OK)
		lp_store_drop_ranges(b->store, b->digest, "");
	else if (rc == LP_E_DATA)
		lp_store_drop_ranges(b->store, b->digest, b->origin);
	lp_store_forget(b);
	return rc;
}

int
lp_store_put_blob(struct lp_store *s, const char *digest, struct lp_span bytes)
{
	char got[LP_DIGEST_SIZE];
	struct lp_store_blob b;
	struct claim c;
	int whole, rc;

	lp_hash_bytes_as(bytes, digest, got);
	if (strcmp(got, digest) != 0)
		return LP_E_DATA;
	lp_store_blob_init(&b, s, digest, lp_span("", 0));
	rc = look_again(&b, bytes.n, &whole);
	lp_store_blob_release(&b);
	if (rc != LP_E_ABSENT && (rc != LP_OK || whole))
		return rc;
	rc = claim_open(&c, s, digest);
	rc = rc != LP_OK ? rc : claim_new(&c);
	rc = rc != LP_OK ? rc : lp_write_all(c.fd, bytes);
	rc = rc != LP_OK ? rc : claim_publish(&c);
	claim_close(&c);
	return rc;
}
