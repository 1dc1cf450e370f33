#include "common/sys/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum {
	READ_CHUNK = 256 * 1024,
	SEND_MAX = 1024 * 1024 * 1024, /* bytes of one sendfile(2) */
	/*
	 * What a kill may cost: a range is kept when it is this long or ends.
	 * Shorter ones would have to be copied together for larger blobs.
	 */
	KEEP_MAX = 64 * 1024 * 1024
};

#define ULL(x) ((unsigned long long)(x))

static int fail(struct lp_blob *, int, const char *, ...) __attribute__((format(printf, 3, 4)));

static int
fail(struct lp_blob *b, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return status;
}

static int
fail_errno(struct lp_blob *b, const char *what)
{
	const char *text = strerrordesc_np(errno);

	return fail(b, LP_E_SYS, "%s%s%s", what, *what != '\0' ? ": " : "", text != NULL ? text : "unknown error");
}

/* ---- opening ----------------------------------------------------------------- */

int
lp_blob_is_remote(const struct lp_reference *ref)
{
	return ref->kind == LP_REF_REGISTRY || ref->kind == LP_REF_URL;
}

static int
check_size(struct lp_blob *b, uint64_t size)
{
	if (b->size >= 0 && (uint64_t)b->size != size)
		return fail(b, LP_E_DATA, "has %llu bytes, it should have %lld", ULL(size), (long long)b->size);
	b->size = (int64_t)size;
	return LP_OK;
}

/* A part of a file, as `#OFFSET+LENGTH` says, or all from `base` on. */
static int
open_part(struct lp_blob *b, uint64_t end)
{
	uint64_t rest = b->base < end ? end - b->base : 0;

	if (!b->ref.has_range)
		return check_size(b, rest);
	if (b->ref.offset > rest || b->ref.length > rest - b->ref.offset)
		return fail(b, LP_E_DATA, "has %llu bytes, which is less than %llu+%llu", ULL(rest),
		    ULL(b->ref.offset), ULL(b->ref.length));
	b->base += b->ref.offset;
	return check_size(b, b->ref.length);
}

static int
open_file(struct lp_blob *b)
{
	struct stat st;
	off_t at;

	if (b->ref.kind == LP_REF_STDIN)
		b->fd = 0;
	else
		b->fd = open(b->ref.path, O_RDONLY | O_CLOEXEC);
	if (b->fd < 0 || fstat(b->fd, &st) != 0)
		return fail_errno(b, "");
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail_errno(b, "");
	}
	at = lseek(b->fd, 0, SEEK_CUR);
	b->seeks = at >= 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
	if (!b->seeks)
		return LP_OK;
	b->base = (uint64_t)at;
	at = S_ISREG(st.st_mode) ? st.st_size : lseek(b->fd, 0, SEEK_END);
	return at < 0 ? fail_errno(b, "") : open_part(b, (uint64_t)at);
}

static int
open_layout(struct lp_blob *b)
{
	struct lp_store_piece piece;
	const char *why = "";
	int rc = lp_store_open(&b->layout, b->ref.path, LP_STORE_READ, &why);

	if (rc == LP_E_SYS)
		return fail_errno(b, why);
	if (rc == LP_E_ABSENT) {
		errno = ENOENT;
		return fail_errno(b, why);
	}
	if (rc != LP_OK)
		return fail(b, rc, "%s", why);
	if (lp_store_find(b->layout, b->digest, 0, &piece) != LP_OK)
		return fail_errno(b, "");
	if (piece.size < 0 && piece.n == 0)
		return fail(b, LP_E_ABSENT, "the layout does not have this blob");
	return piece.size >= 0 ? check_size(b, (uint64_t)piece.size) : LP_OK;
}

static int
open_remote(struct lp_blob *b)
{
	struct lp_store_piece piece;

	lp_remote_init(&b->remote, b->env->http, b->env->registry, &b->ref, b->digest, b->size);
	if (b->env->store == NULL || b->digest[0] == '\0')
		return LP_OK;
	if (lp_store_find(b->env->store, b->digest, 0, &piece) != LP_OK)
		return fail_errno(b, "the store");
	if (piece.size >= 0)
		b->size = piece.size;
	return LP_OK;
}

static int
take_digest(struct lp_blob *b, const char *given)
{
	const char *named = b->ref.digest;

	if (given != NULL && !lp_digest_valid(lp_span_str(given)))
		return fail(b, LP_E_USAGE, "not a digest (sha256: and 64 digits): %s", lp_quotes(given));
	if (given != NULL && named[0] != '\0' && strcmp(given, named) != 0)
		return fail(b, LP_E_USAGE, "--digest is not the digest in its name");
	memcpy(b->digest, given != NULL ? given : named, sizeof(b->digest));
	return LP_OK;
}

int
lp_blob_open(struct lp_blob *b, const struct lp_env *env, const char *text, const char *digest,
    int64_t size)
{
	struct lp_reference_error e;
	int rc;

	*b = (struct lp_blob){ .env = env, .size = size, .fd = -1 };
	snprintf(b->name, sizeof(b->name), "%s", lp_quotes(text));
	if (lp_reference_source(lp_span_str(text), &b->ref, &e) != LP_OK)
		return fail(b, LP_E_USAGE, "character %zu: %s", e.offset + 1, e.why);
	if (b->ref.kind == LP_REF_URL)
		lp_http_show(b->ref.path, b->name, sizeof(b->name));
	else if (b->ref.kind == LP_REF_STDIN)
		snprintf(b->name, sizeof(b->name), "<stdin>");
	rc = take_digest(b, digest);
	if (rc != LP_OK)
		return rc;
	switch (b->ref.kind) {
	case LP_REF_FILE:
	case LP_REF_STDIN:
		return open_file(b);
	case LP_REF_OCI:
		return open_layout(b);
	default:
		return open_remote(b);
	}
}

void
lp_blob_release(struct lp_blob *b)
{
	if (b->fd > 0)
		close(b->fd);
	b->fd = -1;
	lp_store_close(b->layout);
	b->layout = NULL;
}

/* ---- ranges -------------------------------------------------------------------- */

static int
remote_failed(struct lp_blob *b, int rc)
{
	if (rc == LP_E_DATA || rc == LP_E_NET)
		return fail(b, rc, "%s", b->remote.why);
	return rc;
}

static int
learn_size(struct lp_blob *b)
{
	int rc;

	if (b->size >= 0)
		return LP_OK;
	if (!lp_blob_is_remote(&b->ref))
		return fail(b, LP_E_USAGE, "its size is not known: say it with --size");
	if (b->env->offline)
		return fail(b, LP_E_ABSENT, "its size is not known offline: say it with --size");
	rc = lp_remote_size(&b->remote);
	b->size = b->remote.size;
	return remote_failed(b, rc);
}

int
lp_blob_resolve(struct lp_blob *b, const struct lp_range_spec *spec, struct lp_range *out)
{
	if (spec->suffix) {
		int rc = learn_size(b);

		if (rc != LP_OK)
			return rc;
	}
	if (b->size < 0) {
		*out = (struct lp_range){ spec->first, spec->last };
		return LP_OK;
	}
	if (lp_range_resolve(spec, (uint64_t)b->size, out) != LP_OK)
		return fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %lld bytes", ULL(spec->first),
		    (long long)b->size);
	return LP_OK;
}

/* ---- files ---------------------------------------------------------------------- */

static int
read_file(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	unsigned char *p = malloc(READ_CHUNK);
	int rc = p != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && *at <= last && *at < (uint64_t)b->size) {
		uint64_t left = (last < (uint64_t)b->size - 1 ? last : (uint64_t)b->size - 1) - *at + 1;
		ptrdiff_t k = lp_pread_full(b->fd, p, left < READ_CHUNK ? (size_t)left : READ_CHUNK, b->base + *at);

		if (k < 0)
			rc = fail_errno(b, "read");
		else if (k == 0)
			rc = fail(b, LP_E_DATA, "became shorter while it was read: it ends at byte %llu", ULL(*at));
		else
			rc = sink(arg, lp_span(p, (size_t)k));
		if (rc == LP_OK)
			*at += (uint64_t)k;
	}
	free(p);
	return rc;
}

/* What was read of a pipe and not asked for is gone: never more than is asked for. */
static int
read_pipe(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	unsigned char *p = malloc(READ_CHUNK);
	int rc = p != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && *at <= last) {
		uint64_t goal = b->at < *at ? *at - 1 : last, left = goal - b->at;
		ptrdiff_t k = lp_read(b->fd, p, left < READ_CHUNK ? (size_t)left + 1 : READ_CHUNK);

		if (k < 0)
			rc = fail_errno(b, "read");
		if (k <= 0)
			break;
		b->at += (uint64_t)k;
		if (b->at <= *at)
			continue;
		rc = sink(arg, lp_span(p, (size_t)k));
		if (rc == LP_OK)
			*at = b->at;
	}
	free(p);
	if (rc == LP_OK && (last == LP_RANGE_END || *at <= last))
		return b->at < *at ? fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %llu bytes",
		    ULL(*at), ULL(b->at)) : check_size(b, b->at);
	return rc;
}

int
lp_blob_send(struct lp_blob *b, int fd, uint64_t last, uint64_t *at)
{
	while (b->seeks && *at <= last && *at < (uint64_t)b->size) {
		uint64_t left = (last < (uint64_t)b->size - 1 ? last : (uint64_t)b->size - 1) - *at + 1;
		off_t from = (off_t)(b->base + *at);
		ssize_t k = sendfile(fd, b->fd, &from, left < SEND_MAX ? (size_t)left : SEND_MAX);

		if (k > 0)
			*at += (uint64_t)k;
		else if (k < 0 && errno == EPIPE)
			return LP_E_PIPE;
		else if (k == 0 || errno != EINTR)
			/* not between these two, or a failure that the long way will name */
			break;
	}
	return LP_OK;
}

/* ---- layouts and the store --------------------------------------------------------- */

static int
read_layout(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	uint64_t done;
	int rc = LP_OK;

	while (rc == LP_OK && *at <= last && (b->size < 0 || *at < (uint64_t)b->size)) {
		uint64_t left = last - *at;

		rc = lp_store_read(b->layout, b->digest, *at, left < UINT64_MAX ? left + 1 : left, sink, arg, &done);
		*at += done;
		if (rc == LP_E_SYS)
			return fail_errno(b, "read");
		if (rc == LP_E_DATA)
			return fail(b, rc, "is corrupted behind byte %llu", ULL(*at));
		if (rc == LP_OK && done == 0)
			return fail(b, LP_E_ABSENT, "bytes from %llu on are not in the layout", ULL(*at));
	}
	return rc;
}

int
lp_blob_keep_end(struct lp_blob_keep *k)
{
	int rc;

	if (!k->open)
		return LP_OK;
	k->open = 0;
	rc = lp_store_put_end(&k->put);
	return rc == LP_E_SYS ? fail_errno(k->blob, "the store") : rc;
}

int
lp_blob_keep_add(struct lp_blob_keep *k, uint64_t at, struct lp_span s)
{
	struct lp_blob *b = k->blob;
	int rc = LP_OK;

	b->fetched += s.n;
	if (b->env->store == NULL || b->digest[0] == '\0')
		return LP_OK;
	if (k->open && (k->put.first + k->put.n != at || k->put.n >= KEEP_MAX))
		rc = lp_blob_keep_end(k);
	if (rc == LP_OK && !k->open) {
		rc = lp_store_put_begin(&k->put, b->env->store, b->digest, at);
		k->open = rc == LP_OK;
	}
	rc = rc != LP_OK ? rc : lp_store_put_add(&k->put, s);
	return rc == LP_E_SYS ? fail_errno(b, "the store") : rc;
}

/* Where bytes that arrive go: into the store, then on. */
struct way {
	struct lp_blob_keep keep;
	lp_blob_sink *sink;
	void *arg;
	uint64_t first, at;
};

static int
both(void *arg, struct lp_span s)
{
	struct way *w = arg;
	int rc = lp_blob_keep_add(&w->keep, w->at, s);

	rc = rc != LP_OK ? rc : w->sink(w->arg, s);
	if (rc == LP_OK)
		w->at += s.n;
	return rc;
}

int
lp_blob_missing(struct lp_blob *b, uint64_t at, uint64_t last)
{
	const char *where = b->env->store != NULL ? "are not in the store" : "are not here";

	if (b->env->store != NULL && b->digest[0] == '\0')
		where = "cannot be in a store: it has no digest (say it with --digest)";
	if (last == LP_RANGE_END)
		return fail(b, LP_E_ABSENT, "offline, and bytes from %llu on %s", ULL(at), where);
	return fail(b, LP_E_ABSENT, "offline, and bytes %llu-%llu %s", ULL(at), ULL(last), where);
}

/* One gap of what the store has, from w->at to `last`. */
static int
fill_gap(struct lp_blob *b, struct way *w, uint64_t last, lp_blob_pace *pace)
{
	uint64_t now = last, at;
	int rc = LP_OK;

	if (b->env->offline)
		return lp_blob_missing(b, w->at, last);
	if (pace != NULL)
		rc = pace(w->arg, w->at, &now);
	if (rc != LP_OK)
		return rc;
	/* to ask again and again would be to begin again and again: a reader who is slow holds the one answer up */
	if (b->remote.no_ranges)
		now = last;
	b->remote.size = b->size;
	rc = lp_remote_get(&b->remote, w->at, now < last ? now : last, both, w, &at);
	return lp_blob_got(b, rc, w->first, w->at);
}

int
lp_blob_got(struct lp_blob *b, int rc, uint64_t first, uint64_t at)
{
	b->size = b->remote.size;
	/* the size was not known, and only the byte behind the last one tells it */
	if (rc == LP_E_DATA && at > first && b->size == (int64_t)at)
		return LP_OK;
	return remote_failed(b, rc);
}

int
lp_blob_use_kept(struct lp_blob *b, uint64_t *at, uint64_t n, lp_blob_sink *sink, void *arg)
{
	uint64_t done;
	int rc = lp_store_read(b->env->store, b->digest, *at, n, sink, arg, &done);

	*at += done;
	if (rc == LP_E_SYS)
		return fail_errno(b, "the store");
	if (rc != LP_E_DATA)
		return rc;
	if (b->env->offline)
		return fail(b, rc, "the store's copy is corrupted behind byte %llu", ULL(*at));
	lp_note("%s: the store's copy is corrupted behind byte %llu: fetching it again", b->name, ULL(*at));
	return LP_OK;
}

int
lp_blob_gap(struct lp_blob *b, uint64_t at, uint64_t last, struct lp_blob_gap *out)
{
	struct lp_store_piece piece = { .next = UINT64_MAX, .size = -1 };

	if (b->env->store != NULL && b->digest[0] != '\0' &&
	    lp_store_find(b->env->store, b->digest, at, &piece) != LP_OK)
		return fail_errno(b, "the store");
	if (piece.size >= 0 && b->size >= 0 && piece.size != b->size)
		return fail(b, LP_E_DATA, "the store has %lld bytes of it, it should be %lld",
		    (long long)piece.size, (long long)b->size);
	if (b->size < 0)
		b->size = piece.size;
	if (b->size > 0 && last > (uint64_t)b->size - 1)
		last = (uint64_t)b->size - 1;
	out->kept = piece.n < last - at ? piece.n : piece.n > 0 ? last - at + 1 : 0;
	out->last = piece.next != UINT64_MAX && piece.next <= last ? piece.next - 1 : last;
	return LP_OK;
}

static int
read_through(struct lp_blob *b, struct way *w, uint64_t last, lp_blob_pace *pace)
{
	struct lp_blob_gap gap = { 0 };
	int rc = LP_OK;

	while (rc == LP_OK && w->at <= last && (b->size < 0 || w->at < (uint64_t)b->size)) {
		rc = lp_blob_gap(b, w->at, last, &gap);
		if (rc == LP_OK && gap.kept > 0) {
			rc = lp_blob_keep_end(&w->keep);
			rc = rc != LP_OK ? rc : lp_blob_use_kept(b, &w->at, gap.kept, w->sink, w->arg);
		} else if (rc == LP_OK) {
			rc = fill_gap(b, w, gap.last, pace);
		}
	}
	return rc;
}

static int
read_remote(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, lp_blob_pace *pace, void *arg, uint64_t *at)
{
	struct way w = { .keep.blob = b, .sink = sink, .arg = arg, .first = *at, .at = *at };
	int rc = read_through(b, &w, last, pace), end;

	/* what arrived stays, however it ended */
	end = lp_blob_keep_end(&w.keep);
	*at = w.at;
	return rc != LP_OK ? rc : end;
}

int
lp_blob_read(struct lp_blob *b, uint64_t first, uint64_t last, lp_blob_sink *sink, lp_blob_pace *pace,
    void *arg, uint64_t *at)
{
	*at = first;
	if (b->size >= 0 && first > 0 && first >= (uint64_t)b->size)
		return fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %lld bytes", ULL(first), (long long)b->size);
	if (b->layout != NULL)
		return read_layout(b, last, sink, arg, at);
	if (b->fd >= 0)
		return b->seeks ? read_file(b, last, sink, arg, at) : read_pipe(b, last, sink, arg, at);
	return read_remote(b, last, sink, pace, arg, at);
}

int
lp_blob_promote(struct lp_blob *b)
{
	int rc;

	if (b->env->store == NULL || b->digest[0] == '\0' || b->size < 0 || b->env->offline)
		return LP_OK;
	rc = lp_store_promote(b->env->store, b->digest, (uint64_t)b->size);
	if (rc == LP_E_DATA)
		return fail(b, rc, "its bytes have another digest: they were not kept");
	if (rc == LP_E_SYS)
		return fail_errno(b, "the store");
	return rc == LP_E_ABSENT ? LP_OK : rc;
}
