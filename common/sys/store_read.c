#include "common/sys/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/store_priv.h"

enum { SUM_MAX = 32 * 1024 * 1024 }; /* bytes hashed for a part of them: some 25 ms */

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
lp_store_hash_file(int fd, char digest[LP_DIGEST_SIZE], struct lp_buf *sums)
{
	unsigned char *chunk = malloc(LP_STORE_CHUNK);
	struct lp_hash whole, part;
	int rc = chunk != NULL ? LP_OK : LP_E_NOMEM;
	uint64_t at = 0;

	lp_hash_init(&whole);
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

/* A file being read, and the sums its chunks must have; none: they cannot be checked. */
struct reading {
	struct lp_store *s;
	const char *digest;
	struct lp_store_file f;
	int fd;
	struct lp_buf sums;
	int spoilt; /* it is not what it was when it was written */
};

/* A blob that nobody has summed yet, put there by skopeo perhaps: once, all of it. */
static int
sum_blob(struct reading *r)
{
	char digest[LP_DIGEST_SIZE], path[LP_STORE_PATH];
	int rc = lp_store_hash_file(r->fd, digest, &r->sums);

	if (rc == LP_OK && strcmp(digest, r->digest) != 0) {
		/* these are sums of what is wrong: which chunk it is, they cannot say */
		lp_buf_clear(&r->sums);
		r->spoilt = 1;
		return LP_E_DATA;
	}
	if (rc == LP_OK && r->s->mode == LP_STORE_WRITE) {
		lp_store_sums_path(r->digest, &r->f, path);
		/* a store that cannot take them is one that will be summed again */
		(void)lp_store_write_file(r->s, path, lp_buf_span(&r->sums));
	}
	return rc;
}

static int
load_sums(struct reading *r)
{
	uint64_t chunks = (r->f.last - r->f.first) / LP_STORE_CHUNK + 1;
	char path[LP_STORE_PATH];
	int rc;

	lp_store_sums_path(r->digest, &r->f, path);
	rc = lp_store_read_file(r->s->dir, path, &r->sums);
	if (rc == LP_E_ABSENT) {
		lp_buf_clear(&r->sums);
		/* where the sums cannot be kept, all of a large blob is too much for a part of it */
		return r->f.whole && (r->s->mode == LP_STORE_WRITE || r->f.last < SUM_MAX) ? sum_blob(r) : LP_OK;
	}
	if (rc == LP_OK && r->sums.n != chunks * LP_STORE_SUM) {
		r->spoilt = 1;
		return LP_E_DATA;
	}
	return rc;
}

static int
check_chunk(struct reading *r, uint64_t i, struct lp_span chunk, size_t want)
{
	char digest[LP_DIGEST_SIZE];

	r->spoilt = chunk.n != want;
	if (r->sums.n > 0 && !r->spoilt) {
		lp_hash_bytes(chunk, digest);
		r->spoilt = memcmp(lp_store_hex(digest), r->sums.p + i * LP_STORE_SUM, LP_STORE_HEX) != 0;
	}
	return r->spoilt ? LP_E_DATA : LP_OK;
}

/*
 * One chunk of a file is bad: the others stay, as ranges of their own. If
 * that cannot be, they are fetched again as well.
 */
static void
salvage(struct reading *r)
{
	uint64_t size = r->f.last - r->f.first + 1;
	unsigned char *chunk = malloc(LP_STORE_CHUNK);
	struct lp_store_put put = { .fd = -1 };
	int rc = chunk != NULL ? LP_OK : LP_E_NOMEM;

	for (uint64_t pos = 0; rc == LP_OK && pos < size; pos += LP_STORE_CHUNK) {
		size_t len = (size_t)(size - pos < LP_STORE_CHUNK ? size - pos : LP_STORE_CHUNK);
		ptrdiff_t k = lp_pread_full(r->fd, chunk, len, pos);

		if (k != (ptrdiff_t)len || check_chunk(r, pos / LP_STORE_CHUNK, lp_span(chunk, len), len) != LP_OK) {
			rc = put.fd >= 0 ? lp_store_put_end(&put) : LP_OK;
			continue;
		}
		if (put.fd < 0)
			rc = lp_store_put_begin(&put, r->s, r->digest, r->f.first + pos);
		rc = rc != LP_OK ? rc : lp_store_put_add(&put, lp_span(chunk, len));
	}
	if (put.fd >= 0) {
		if (rc == LP_OK)
			rc = lp_store_put_end(&put);
		if (rc != LP_OK)
			lp_store_put_abort(&put);
	}
	free(chunk);
}

static int
pass_chunks(struct reading *r, uint64_t at, uint64_t n, lp_store_sink *sink, void *arg, uint64_t *done)
{
	uint64_t size = r->f.last - r->f.first + 1, pos = at - r->f.first, end = pos + n;
	unsigned char *chunk = malloc(LP_STORE_CHUNK);
	int rc = chunk != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && pos < end) {
		uint64_t i = pos / LP_STORE_CHUNK, start = i * LP_STORE_CHUNK;
		size_t len = (size_t)(size - start < LP_STORE_CHUNK ? size - start : LP_STORE_CHUNK);
		size_t from = (size_t)(pos - start);
		size_t to = (size_t)(end - start < len ? end - start : len);
		ptrdiff_t k = lp_pread_full(r->fd, chunk, len, start);

		rc = k < 0 ? LP_E_SYS : check_chunk(r, i, lp_span(chunk, (size_t)k), len);
		if (rc == LP_OK)
			rc = sink(arg, lp_span(chunk + from, to - from));
		if (rc == LP_OK) {
			*done += to - from;
			pos += to - from;
		}
	}
	free(chunk);
	return rc;
}

/* The file that reaches furthest from `at`. LP_E_ABSENT: none has that byte. */
static int
choose(struct lp_store *s, const char *digest, uint64_t at, struct lp_store_file *out)
{
	struct lp_store_file *v = NULL;
	size_t n = 0;
	int rc = lp_store_files(s, digest, &v, &n), found = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].first <= at && v[i].last >= at && (!found || v[i].last > out->last)) {
			*out = v[i];
			found = 1;
		}
	free(v);
	return rc != LP_OK ? rc : found ? LP_OK : LP_E_ABSENT;
}

int
lp_store_read(struct lp_store *s, const char *digest, uint64_t at, uint64_t n,
    lp_store_sink *sink, void *arg, uint64_t *done)
{
	struct reading r = { .s = s, .digest = digest, .fd = -1 };
	char path[LP_STORE_PATH];
	int rc = LP_OK;

	*done = 0;
	/* a promotion may take a range away under our feet */
	for (int turn = 0; turn < 3 && rc == LP_OK && r.fd < 0; turn++) {
		rc = choose(s, digest, at, &r.f);
		if (rc == LP_OK) {
			lp_store_file_path(digest, &r.f, path);
			r.fd = openat(s->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		}
	}
	if (rc != LP_OK || r.fd < 0)
		return rc == LP_E_ABSENT ? LP_OK : LP_E_SYS;
	/* the last use is what the bound of the store goes by */
	if (s->mode == LP_STORE_WRITE)
		(void)futimens(r.fd, NULL);
	lp_buf_init(&r.sums, LP_STORE_SUMS_MAX);
	rc = load_sums(&r);
	if (n > r.f.last - at + 1)
		n = r.f.last - at + 1;
	if (rc == LP_OK)
		rc = pass_chunks(&r, at, n, sink, arg, done);
	if (r.spoilt) {
		int summed = r.sums.n == ((r.f.last - r.f.first) / LP_STORE_CHUNK + 1) * LP_STORE_SUM;

		lp_store_drop(s, digest, &r.f);
		if (summed && s->mode == LP_STORE_WRITE)
			salvage(&r);
	}
	lp_buf_release(&r.sums);
	close(r.fd);
	return rc;
}

static int
to_buf(void *arg, struct lp_span s)
{
	return lp_buf_add(arg, s);
}

int
lp_store_get(struct lp_store *s, const char *digest, struct lp_buf *b)
{
	int64_t size = lp_store_whole_size(s, digest);
	char got[LP_DIGEST_SIZE];
	size_t start = b->n;
	uint64_t done = 0;
	int rc = LP_OK;

	if (size < 0)
		return LP_E_ABSENT;
	if ((uint64_t)size > b->max - b->n)
		return LP_E_LIMIT;
	if (size > 0)
		rc = lp_store_read(s, digest, 0, (uint64_t)size, to_buf, b, &done);
	if (rc == LP_OK) {
		struct lp_span all = lp_buf_span(b);

		lp_span_take(&all, start);
		lp_hash_bytes(all, got);
		rc = strcmp(got, digest) == 0 ? LP_OK : LP_E_DATA;
		if (rc == LP_E_DATA)
			lp_store_drop(s, digest, &(struct lp_store_file){ .whole = 1,
			    .last = size > 0 ? (uint64_t)size - 1 : 0 });
	}
	if (rc != LP_OK)
		b->n = start;
	return rc;
}
