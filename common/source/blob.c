/* Opens a SOURCE and reads ranges of it: file, layout, store or server. */
#include "common/source/blob_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"

/* ---- what failed ------------------------------------------------------------- */

int
lp_blob_fail(struct lp_blob *b, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return status;
}

int
lp_blob_fail_errno(struct lp_blob *b, const char *what)
{
	return lp_blob_fail(b, LP_E_SYS, "%s%s%s", what, *what != '\0' ? ": " : "", lp_err_text(errno));
}

int
lp_blob_check_size(struct lp_blob *b, uint64_t size)
{
	if (b->size >= 0 && (uint64_t)b->size != size)
		return lp_blob_fail(b, LP_E_DATA, "has %llu bytes, it should have %lld", ULL(size), (long long)b->size);
	b->size = (int64_t)size;
	return LP_OK;
}

int
lp_blob_remote_failed(struct lp_blob *b, int rc)
{
	/* what the sink failed with is not the remote's to explain */
	return rc != LP_OK && b->remote.why[0] != '\0' ? lp_blob_fail(b, rc, "%s", b->remote.why) : rc;
}

/* ---- opening ----------------------------------------------------------------- */

int
lp_blob_is_remote(const struct lp_reference *ref)
{
	return ref->kind == LP_REF_REGISTRY || ref->kind == LP_REF_URL;
}

/* A part of a file, as `#OFFSET+LENGTH` says, or all from `base` on. */
static int
open_part(struct lp_blob *b, uint64_t end)
{
	uint64_t rest = b->base < end ? end - b->base : 0;

	if (!b->ref.has_range)
		return lp_blob_check_size(b, rest);
	if (b->ref.offset > rest || b->ref.length > rest - b->ref.offset)
		return lp_blob_fail(b, LP_E_DATA, "has %llu bytes, which is less than %llu+%llu", ULL(rest),
		    ULL(b->ref.offset), ULL(b->ref.length));
	b->base += b->ref.offset;
	return lp_blob_check_size(b, b->ref.length);
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
	if (b->fd < 0 && errno == ENOENT && strstr(b->ref.path, "://") != NULL)
		return lp_blob_fail_errno(b, "no http:// or https:// URL, and as a file");
	if (b->fd < 0 || fstat(b->fd, &st) != 0)
		return lp_blob_fail_errno(b, "");
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return lp_blob_fail_errno(b, "");
	}
	at = lseek(b->fd, 0, SEEK_CUR);
	b->seeks = at >= 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
	if (!b->seeks) {
		b->base = b->ref.has_range ? b->ref.offset : 0;
		return b->ref.has_range ? lp_blob_check_size(b, b->ref.length) : LP_OK;
	}
	b->base = (uint64_t)at;
	at = S_ISREG(st.st_mode) ? st.st_size : lseek(b->fd, 0, SEEK_END);
	return at < 0 ? lp_blob_fail_errno(b, "") : open_part(b, (uint64_t)at);
}

static int
open_layout(struct lp_blob *b)
{
	const char *why = "";
	int rc = lp_store_open(&b->layout, b->ref.path, b->ref.kind == LP_REF_DIR ? LP_STORE_DIR : LP_STORE_LAYOUT, &why);

	if (rc == LP_E_ABSENT)
		errno = ENOENT;
	if (rc == LP_E_SYS || rc == LP_E_ABSENT)
		return lp_blob_fail_errno(b, lp_quotes(b->ref.path));
	if (rc != LP_OK)
		return lp_blob_fail(b, rc, "%s", why);
	lp_store_blob_init(&b->kept, b->layout, b->digest, lp_span("", 0));
	return LP_OK;
}

static int
open_remote(struct lp_blob *b)
{
	struct lp_buf origin;
	int rc;

	lp_remote_init(&b->remote, b->env->http, b->env->registry, &b->ref, b->digest, &b->size);
	if (b->env->store == NULL || b->digest[0] == '\0')
		return LP_OK;
	lp_buf_init(&origin, LP_REF_TEXT_MAX);
	rc = lp_reference_origin(&b->ref, &origin);
	if (rc == LP_OK)
		lp_store_blob_init(&b->kept, b->env->store, b->digest, lp_buf_span(&origin));
	lp_buf_release(&origin);
	return rc;
}

static int
take_digest(struct lp_blob *b, const char *given)
{
	const char *named = b->ref.digest;

	if (given != NULL && !lp_digest_valid(lp_span_str(given)))
		return lp_blob_fail(b, LP_E_USAGE, "not a digest (" LP_DIGEST_FORM "): %s", lp_quotes(given));
	if (given != NULL && named[0] != '\0' && strcmp(given, named) != 0)
		return lp_blob_fail(b, LP_E_USAGE, "--digest is not the digest in its name");
	snprintf(b->digest, sizeof(b->digest), "%s", given != NULL ? given : named);
	return LP_OK;
}

/* What is wrong with the name, and what was meant if that can be seen. */
static int
no_source(struct lp_blob *b, const char *text, const struct lp_reference_error *e)
{
	struct lp_reference image;
	struct lp_reference_error other;

	if (strchr(text, '/') == NULL && access(text, F_OK) == 0)
		return lp_blob_fail(b, LP_E_USAGE, "character %zu: %s (the file of that name is ./%s)", e->offset + 1, e->why,
		    lp_quotes(text));
	if (strchr(text, '@') == NULL && lp_reference_image(lp_span_str(text), &image, &other) == LP_OK)
		return lp_blob_fail(b, LP_E_USAGE, "character %zu: %s (lp-layers lists those of an image)", e->offset + 1, e->why);
	return lp_blob_fail(b, LP_E_USAGE, "character %zu: %s", e->offset + 1, e->why);
}

/* Texts are empty by their first byte, and the reference is cleared by who parses it. */
static void
clear(struct lp_blob *b)
{
	memset(b, 0, offsetof(struct lp_blob, ref));
	memset(&b->remote, 0, offsetof(struct lp_remote, why));
	b->remote.why[0] = b->why[0] = '\0';
}

int
lp_blob_open(struct lp_blob *b, const struct lp_env *env, const char *text, const char *digest,
    int64_t size)
{
	struct lp_reference_error e;
	int rc;

	clear(b);
	b->env = env;
	b->size = size;
	b->fd = -1;
	lp_reference_show(text, b->name, sizeof(b->name));
	if (lp_reference_source(lp_span_str(text), &b->ref, &e) != LP_OK)
		return no_source(b, text, &e);
	b->ref.plain_http = env->plain_http;
	if (b->ref.kind == LP_REF_STDIN)
		snprintf(b->name, sizeof(b->name), "<stdin>");
	rc = take_digest(b, digest);
	if (rc != LP_OK)
		return rc;
	switch (b->ref.kind) {
	case LP_REF_FILE:
	case LP_REF_STDIN:
		return open_file(b);
	case LP_REF_OCI:
	case LP_REF_DIR:
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
	lp_store_blob_release(&b->kept);
	lp_store_close(b->layout);
	b->layout = NULL;
}

/* ---- what the layout or the store has --------------------------------------------- */

void
lp_blob_damaged(struct lp_blob *b, uint64_t at)
{
	b->damaged = 1;
	if (b->layout == NULL && !b->env->offline)
		lp_note("%s: the store's copy is corrupted behind byte %llu: fetching it again", b->name, ULL(at));
}

int
lp_blob_find(struct lp_blob *b, uint64_t at, struct lp_store_piece *out)
{
	int rc = LP_OK;

	*out = (struct lp_store_piece){ .next = UINT64_MAX, .size = -1 };
	if (b->kept.store == NULL)
		return LP_OK;
	while ((rc = lp_store_find(&b->kept, at, out)) == LP_E_DATA)
		lp_blob_damaged(b, at);
	if (rc == LP_E_SYS) {
		const char *link = b->layout != NULL ? lp_store_way_out(b->layout, b->digest) : NULL;

		return link != NULL ? lp_blob_fail(b, rc, "%s is " LP_STORE_WAY_OUT, link) :
		    lp_blob_fail_errno(b, b->layout != NULL ? "" : "the store");
	}
	return rc != LP_OK || out->size < 0 ? rc : lp_blob_check_size(b, (uint64_t)out->size);
}

int
lp_blob_not_kept(struct lp_blob *b, int rc)
{
	rc = lp_env_not_kept(b->env, b->name, rc, &b->unkept);
	return rc == LP_E_SYS ? lp_blob_fail_errno(b, "the store") : rc;
}

/* ---- ranges -------------------------------------------------------------------- */

static int
learn_size(struct lp_blob *b)
{
	if (b->size >= 0)
		return LP_OK;
	if (!lp_blob_is_remote(&b->ref))
		return lp_blob_fail(b, LP_E_USAGE, "its size is not known: say it with --size");
	if (b->env->offline)
		return lp_blob_fail(b, LP_E_ABSENT, "its size is not known offline: say it with --size");
	return lp_blob_remote_failed(b, lp_remote_size(&b->remote));
}

int
lp_blob_resolve(struct lp_blob *b, const struct lp_range_spec *spec, int strict, struct lp_range *out)
{
	struct lp_store_piece piece;
	int rc = lp_blob_find(b, 0, &piece);

	*out = (struct lp_range){ 0, 0 };
	if (rc == LP_OK && b->layout != NULL && piece.size < 0)
		rc = b->damaged ? lp_blob_fail(b, LP_E_DATA, "is corrupted") :
		    lp_blob_fail(b, LP_E_ABSENT, "the layout does not have this blob");
	if (rc == LP_OK && spec->suffix)
		rc = learn_size(b);
	if (rc != LP_OK || (b->size == 0 && !strict))
		return rc;
	if (b->size < 0) {
		*out = (struct lp_range){ spec->first, spec->last };
		return LP_OK;
	}
	if (lp_range_resolve(spec, (uint64_t)b->size, out) != LP_OK)
		return lp_blob_fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %lld bytes", ULL(spec->first),
		    (long long)b->size);
	return LP_OK;
}

/* ---- bytes ----------------------------------------------------------------------- */

int
lp_blob_read(struct lp_blob *b, uint64_t first, uint64_t last, lp_blob_sink *sink, lp_blob_pace *pace,
    void *arg, uint64_t *at)
{
	*at = first;
	if (b->size >= 0 && first > 0 && first >= (uint64_t)b->size)
		return lp_blob_fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %lld bytes", ULL(first),
		    (long long)b->size);
	if (b->layout != NULL)
		return lp_blob_read_layout(b, last, sink, arg, at);
	if (b->fd >= 0)
		return b->seeks ? lp_blob_read_file(b, last, sink, arg, at) : lp_blob_read_pipe(b, last, sink, arg, at);
	return lp_blob_read_remote(b, last, sink, pace, arg, at);
}

void
lp_blob_taken(const struct lp_blob *b, uint64_t at)
{
	if (b->ref.kind == LP_REF_STDIN && b->seeks)
		(void)lseek(b->fd, (off_t)(b->base + at), SEEK_SET);
}

int
lp_blob_distrust(const struct lp_blob *b)
{
	return b->env->registry != NULL && b->ref.kind == LP_REF_REGISTRY &&
	    lp_registry_distrust(b->env->registry, &b->ref, "a blob has another digest");
}

int
lp_blob_promote(struct lp_blob *b, int wrong)
{
	int rc;

	if (lp_env_keeper(b->env) == NULL || b->kept.store == NULL || b->layout != NULL || b->unkept || b->size < 0)
		return LP_OK;
	if (wrong)
		lp_store_suspect(&b->kept);
	rc = lp_store_promote(&b->kept, (uint64_t)b->size);
	if (rc == LP_E_DATA)
		return lp_blob_fail(b, rc, "its bytes have another digest: they were not kept");
	return rc == LP_E_ABSENT ? LP_OK : lp_blob_not_kept(b, rc);
}
