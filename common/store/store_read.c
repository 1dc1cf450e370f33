/* Bytes on their way out of a store, none of them unchecked that can be checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/store/store_priv.h"
#include "common/sys/io.h"

enum { HASH_MAX = 32 * 1024 * 1024 }; /* bytes hashed for a part of them: some 25 ms */

/* ---- sums ---------------------------------------------------------------------- */

int
lp_store_add_sum(struct lp_buf *sums, struct lp_hash *h)
{
	char digest[LP_DIGEST_SIZE];
	int rc;

	lp_hash_end(h, digest);
	rc = lp_buf_adds(sums, lp_store_hex(digest));
	return rc != LP_OK ? rc : lp_buf_addc(sums, '\n');
}

int
lp_store_hash_file(int fd, const char *as, char digest[LP_DIGEST_SIZE], struct lp_buf *sums)
{
	unsigned char *chunk = malloc(LP_STORE_CHUNK);
	struct lp_hash whole, part;
	int rc = chunk != NULL ? LP_OK : LP_E_NOMEM;
	uint64_t at = 0;

	lp_hash_init_as(&whole, as);
	lp_hash_init(&part);
	while (rc == LP_OK) {
		ptrdiff_t k = lp_pread_full(fd, chunk, LP_STORE_CHUNK, at);

		if (k <= 0) {
			rc = (int)k;
			break;
		}
		lp_hash_add(&whole, lp_span(chunk, (size_t)k));
		lp_hash_add(&part, lp_span(chunk, (size_t)k));
		rc = lp_store_add_sum(sums, &part);
		at += (uint64_t)k;
	}
	lp_hash_end(&whole, digest);
	free(chunk);
	return rc;
}

static int
has_sums(const struct lp_store_reading *r)
{
	return r->size > 0 && r->sums.n == ((r->size - 1) / LP_STORE_CHUNK + 1) * LP_STORE_SUM;
}

/* Of a read that failed: online, what the disk has lost is as good as corrupted, and fetched again. */
static int
unreadable(const struct lp_store_blob *b)
{
	return errno == EIO && (b->store->mode == LP_STORE_WRITE || b->store->refusal != 0) ? LP_E_DATA : LP_E_SYS;
}

/* The digest decides: if all of the blob has it, these are its sums. LP_E_DATA if not; the sums are as they were. */
static int
sum_again(struct lp_store_blob *b)
{
	char digest[LP_DIGEST_SIZE];
	struct lp_buf sums;
	int rc;

	lp_buf_init(&sums, LP_STORE_SUMS_MAX);
	rc = lp_store_hash_file(b->in.fd, b->digest, digest, &sums);
	if (rc == LP_E_SYS)
		rc = unreadable(b);
	if (rc == LP_OK && strcmp(digest, b->digest) != 0)
		rc = LP_E_DATA;
	if (rc != LP_OK) {
		lp_buf_release(&sums);
		return rc;
	}
	lp_buf_release(&b->in.sums);
	b->in.sums = sums;
	/* a store that cannot take them is one that will be summed again */
	if (b->store->mode == LP_STORE_WRITE)
		(void)lp_store_write_sums(b->store, b->digest, b->in.size, &sums, 0);
	return LP_OK;
}

/* ---- what is corrupted ----------------------------------------------------------- */

/* Bytes of that chunk: no more are asked for, which spares small files the call that says that there are none. */
static size_t
chunk_size(const struct lp_store_reading *r, uint64_t i)
{
	uint64_t left = r->size - i * LP_STORE_CHUNK;

	return left < LP_STORE_CHUNK ? (size_t)left : LP_STORE_CHUNK;
}

/* Whether that chunk is all there, and what it was. */
static int
is_right(const struct lp_store_reading *r, uint64_t i, struct lp_span chunk)
{
	char digest[LP_DIGEST_SIZE];

	if (chunk.n != chunk_size(r, i))
		return 0;
	if (!has_sums(r))
		return 1;
	lp_hash_bytes(chunk, digest);
	return memcmp(lp_store_hex(digest), r->sums.p + i * LP_STORE_SUM, LP_STORE_HEX) == 0;
}

/*
 * One chunk of a file is bad: the others stay, as ranges of their own. If
 * that cannot be, they are fetched again as well.
 */
static void
salvage(const struct lp_store_blob *b, uint64_t first)
{
	const struct lp_store_reading *r = &b->in;
	unsigned char *chunk = malloc(LP_STORE_CHUNK);
	struct lp_store_put put = { .fd = -1 };
	int rc = chunk != NULL ? LP_OK : LP_E_NOMEM;

	for (uint64_t pos = 0; rc == LP_OK && pos < r->size; pos += LP_STORE_CHUNK) {
		ptrdiff_t k = lp_pread_full(r->fd, chunk, LP_STORE_CHUNK, pos);

		if (k < 0 || !is_right(r, pos / LP_STORE_CHUNK, lp_span(chunk, (size_t)k))) {
			rc = put.fd >= 0 ? lp_store_put_end(&put) : LP_OK;
			continue;
		}
		if (put.fd < 0)
			rc = lp_store_put_begin(&put, b, first + pos);
		rc = rc != LP_OK ? rc : lp_store_put_add(&put, lp_span(chunk, (size_t)k));
	}
	if (put.fd >= 0 && (rc != LP_OK || lp_store_put_end(&put) != LP_OK))
		lp_store_put_abort(&put);
	free(chunk);
}

/* Take the file that is open out, unless another has its name by now. Whether the name is free of it. */
static int
take_out(const struct lp_store_blob *b, const struct lp_store_file *f)
{
	char path[LP_STORE_PATH], name[LP_STORE_NAME];
	struct stat ours, there;
	int dir, gone = 0;

	if (b->store->mode != LP_STORE_WRITE || fstat(b->in.fd, &ours) != 0)
		return 0;
	lp_store_range_name(f->first, f->last, name);
	if (f->whole)
		lp_store_kind_path("blobs", lp_store_hex(b->digest), path);
	else
		lp_store_dir_path("ranges", lp_store_hex(b->digest), b->origin, path);
	dir = lp_store_dir(b->store, path, 0);
	if (dir < 0)
		return dir == LP_E_ABSENT;
	/* not locked, it is left to others */
	if (lp_store_lock(b->store) != LP_OK) {
		close(dir);
		return 0;
	}
	if (fstatat(dir, f->whole ? lp_store_hex(b->digest) : name, &there, AT_SYMLINK_NOFOLLOW) != 0)
		gone = errno == ENOENT;
	else
		gone = there.st_ino != ours.st_ino || there.st_dev != ours.st_dev ||
		    unlinkat(dir, f->whole ? lp_store_hex(b->digest) : name, 0) == 0;
	lp_store_unlock(b->store);
	close(dir);
	return gone;
}

/* The file that is open is corrupted. */
static int
spoilt(struct lp_store_blob *b)
{
	struct lp_store_file f = b->v[b->in.i];
	int gone = take_out(b, &f), salvaged = 0;

	if (gone && has_sums(&b->in) && b->in.size > LP_STORE_CHUNK && b->origin[0] != '\0') {
		salvage(b, f.first);
		salvaged = 1;
	}
	b->whole_bad |= f.whole && !gone;
	/* to look again for each small range would be to look as often as there are ranges */
	if (f.whole || salvaged) {
		lp_store_forget(b);
	} else {
		lp_store_pass_over(b, b->in.i);
		lp_store_reading_close(b);
	}
	return LP_E_DATA;
}

/* ---- one file ------------------------------------------------------------------------ */

void
lp_store_reading_close(struct lp_store_blob *b)
{
	int err = errno;

	if (b->in.fd >= 0) {
		close(b->in.fd);
		lp_buf_release(&b->in.sums);
	}
	b->in.fd = -1;
	b->in.chunk_n = 0;
	errno = err;
}

static int
load_sums(struct lp_store_blob *b, int dir)
{
	char name[LP_STORE_NAME];
	const struct lp_store_file *f = &b->v[b->in.i];
	int rc = LP_E_ABSENT;

	lp_store_range_name(f->first, f->last, name);
	if (dir >= 0 && b->in.size > 0)
		rc = lp_store_read_file(b->store, dir, name, &b->in.sums);
	if (rc == LP_E_SYS && unreadable(b) == LP_E_DATA)
		rc = LP_E_ABSENT;
	return rc == LP_E_ABSENT || rc == LP_E_LIMIT ? LP_OK : rc;
}

static int
check_range(struct lp_store_blob *b)
{
	const struct lp_store_file *f = &b->v[b->in.i];
	int rc = f->last - f->first + 1 == b->in.size ? load_sums(b, b->sums) : LP_OK;

	return rc != LP_OK ? rc : has_sums(&b->in) ? LP_OK : spoilt(b);
}

/* One without its sums may have been put there by skopeo, or be what a power cut left of it: it is hashed, once. */
static int
check_whole(struct lp_store_blob *b)
{
	struct lp_store_file *f = &b->v[b->in.i];
	char path[LP_STORE_PATH];
	int dir = -1, rc;

	f->last = b->in.size > 0 ? b->in.size - 1 : 0;
	f->bad = b->in.size == 0;
	f->best = f->bad ? SIZE_MAX : b->in.i;
	if (b->store->mode != LP_STORE_LAYOUT) {
		lp_store_dir_path("sums", lp_store_hex(b->digest), NULL, path);
		dir = lp_store_dir(b->store, path, 0);
	}
	rc = load_sums(b, dir);
	if (dir >= 0)
		close(dir);
	if (rc != LP_OK || has_sums(&b->in))
		return rc;
	lp_buf_clear(&b->in.sums);
	/* where the sums cannot be kept, all of a large blob is too much for a part of it */
	if (b->store->mode != LP_STORE_WRITE && b->in.size > HASH_MAX)
		return LP_OK;
	rc = sum_again(b);
	return rc == LP_E_DATA ? spoilt(b) : rc;
}

static int
open_whole(const struct lp_store_blob *b, struct stat *st)
{
	char path[LP_STORE_PATH];
	int dir, fd;

	lp_store_blobs_path(b->store, b->digest, path);
	dir = lp_store_dir(b->store, path, 0);
	fd = dir < 0 ? dir : lp_store_open_file(b->store, dir, lp_store_hex(b->digest), st);
	/* skopeo copy --all dir: names the manifests of an index so */
	if (fd == LP_E_ABSENT && dir >= 0 && b->store->flat) {
		snprintf(path, sizeof(path), "%s.manifest.json", lp_store_hex(b->digest));
		fd = lp_store_open_file(b->store, dir, path, st);
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

int
lp_store_reading_open(struct lp_store_blob *b, size_t i)
{
	char name[LP_STORE_NAME];
	struct lp_store_file *f = &b->v[i];
	struct stat st;
	int rc, fd;

	lp_store_reading_close(b);
	lp_store_range_name(f->first, f->last, name);
	fd = f->whole ? open_whole(b, &st) : b->ranges < 0 ? b->ranges : lp_store_open_file(b->store, b->ranges, name, &st);
	if (fd < 0)
		return fd;
	b->in.fd = fd;
	b->in.i = i;
	b->in.size = (uint64_t)st.st_size;
	lp_buf_init(&b->in.sums, LP_STORE_SUMS_MAX);
	/* the last use is what the bound of the store goes by */
	if (b->store->mode == LP_STORE_WRITE)
		(void)futimens(fd, NULL);
	rc = f->whole ? check_whole(b) : check_range(b);
	if (rc != LP_OK)
		lp_store_reading_close(b);
	return rc;
}

static int
load_chunk(struct lp_store_blob *b, uint64_t i)
{
	struct lp_store_reading *r = &b->in;
	ptrdiff_t k;
	int rc;

	if (r->chunk_n > 0 && r->chunk_i == i)
		return LP_OK;
	r->chunk_n = 0;
	if (r->chunk == NULL && (r->chunk = malloc(LP_STORE_CHUNK)) == NULL)
		return LP_E_NOMEM;
	for (int turn = 0;; turn++) {
		k = lp_pread_full(r->fd, r->chunk, chunk_size(r, i), i * LP_STORE_CHUNK);
		if (k < 0 && (rc = unreadable(b)) != LP_E_DATA)
			return rc;
		if (k >= 0 && is_right(r, i, lp_span(r->chunk, (size_t)k)))
			break;
		/* which of the two is damaged, the blob or its sums? */
		rc = turn == 0 && b->v[r->i].whole && has_sums(r) ? sum_again(b) : LP_E_DATA;
		if (rc != LP_OK)
			return rc == LP_E_DATA ? spoilt(b) : rc;
	}
	r->chunk_i = i;
	r->chunk_n = (size_t)k;
	return LP_OK;
}

/* ---- from file to file ------------------------------------------------------------------ */

/* Have the file open that has byte `at`; *found 0: none does. */
static int
open_covering(struct lp_store_blob *b, uint64_t at, int *found)
{
	int rc, again = 0;
	size_t i;

	for (*found = 0;;) {
		rc = lp_store_look(b);
		if (rc != LP_OK || (i = lp_store_covering(b, at)) == SIZE_MAX)
			return rc;
		*found = 1;
		if (b->in.fd >= 0 && b->in.i == i)
			return LP_OK;
		rc = lp_store_reading_open(b, i);
		if (rc != LP_E_ABSENT)
			return rc;
		/* a promotion may have taken it away under our feet; a second time is one too many */
		*found = 0;
		if (again++ == 0)
			lp_store_forget(b);
		else
			lp_store_pass_over(b, i);
	}
}

int
lp_store_read(struct lp_store_blob *b, uint64_t at, uint64_t n, struct lp_span *out)
{
	uint64_t pos, from;
	int found, rc = open_covering(b, at, &found);

	*out = lp_span("", 0);
	if (rc != LP_OK || !found)
		return rc;
	pos = at - b->v[b->in.i].first;
	rc = load_chunk(b, pos / LP_STORE_CHUNK);
	if (rc != LP_OK)
		return rc;
	from = pos % LP_STORE_CHUNK;
	if (n > b->in.chunk_n - from)
		n = b->in.chunk_n - from;
	*out = lp_span(b->in.chunk + from, (size_t)n);
	return LP_OK;
}

void
lp_store_suspect(struct lp_store_blob *b)
{
	char path[LP_STORE_PATH], name[LP_STORE_NAME];
	int dir;

	if (b->store->mode != LP_STORE_WRITE || lp_store_look(b) != LP_OK || b->n == 0 || !b->v[0].whole)
		return;
	lp_store_dir_path("sums", lp_store_hex(b->digest), NULL, path);
	lp_store_range_name(0, b->v[0].last, name);
	dir = lp_store_dir(b->store, path, 0);
	if (dir >= 0) {
		(void)unlinkat(dir, name, 0);
		close(dir);
	}
	/* to look again without sums is to hash it */
	lp_store_forget(b);
	(void)lp_store_look(b);
}

/* ---- a small blob, whole --------------------------------------------------------------- */

static int
get(struct lp_store_blob *b, struct lp_buf *out)
{
	struct lp_store_piece piece;
	struct lp_span part;
	uint64_t at = 0;
	int rc = lp_store_find(b, 0, &piece);

	if (rc != LP_OK || piece.size < 0)
		return rc != LP_OK ? rc : LP_E_ABSENT;
	if ((uint64_t)piece.size > out->max - out->n)
		return LP_E_LIMIT;
	while (rc == LP_OK && at < (uint64_t)piece.size) {
		rc = lp_store_read(b, at, (uint64_t)piece.size - at, &part);
		if (rc == LP_OK && part.n == 0)
			rc = LP_E_ABSENT;
		rc = rc != LP_OK ? rc : lp_buf_add(out, part);
		at += part.n;
	}
	return rc;
}

int
lp_store_get(struct lp_store *s, const char *digest, struct lp_buf *out)
{
	struct lp_store_blob b;
	char got[LP_DIGEST_SIZE];
	size_t start = out->n;
	int rc;

	lp_store_blob_init(&b, s, digest, lp_span("", 0));
	rc = get(&b, out);
	if (rc == LP_OK) {
		struct lp_span all = lp_buf_span(out);

		lp_span_take(&all, start);
		lp_hash_bytes_as(all, digest, got);
		rc = strcmp(got, digest) == 0 ? LP_OK : LP_E_DATA;
	}
	if (rc == LP_E_DATA)
		lp_store_suspect(&b);
	if (rc != LP_OK)
		out->n = start;
	lp_store_blob_release(&b);
	return rc;
}
