/* Finds an image's layers inside a docker-archive file. */
#include "common/source/archive_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/magic.h"
#include "common/oci/layout.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/io.h"
#include "common/tar/tar.h"

int
lp_archive_fail(struct lp_archive *a, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	return rc;
}

int
lp_archive_no_memory(struct lp_archive *a)
{
	return lp_archive_fail(a, LP_E_NOMEM, "out of memory");
}

static int
fail_sys(struct lp_archive *a)
{
	return lp_archive_fail(a, LP_E_SYS, "%s", lp_err_text(errno));
}

int
lp_archive_open(struct lp_archive *a, const char *path)
{
	struct stat st;
	int rc;

	memset(a, 0, sizeof(*a));
	lp_members_init(&a->members);
	lp_buf_init(&a->catalogue, LP_MAX_MANIFEST);
	lp_buf_init(&a->config_bytes, LP_MAX_CONFIG);
	a->fd = -1;
	if (strcmp(path, "-") == 0)
		return lp_archive_fail(a, LP_E_SYS, "a pipe, and the layers in it are read by their offsets: put it into a file first (cat >FILE.tar; lp-peek takes a pipe)");
	a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (a->fd < 0 || fstat(a->fd, &st) != 0)
		return fail_sys(a);
	if (!S_ISREG(st.st_mode))
		return lp_archive_fail(a, LP_E_SYS, "not a regular file, and the layers in it are read by their offsets: put it into one first (cat >FILE.tar; lp-peek takes a pipe)");
	rc = lp_input_open(&a->in, a->fd);
	return rc == LP_OK ? rc : rc == LP_E_SYS ? fail_sys(a) : lp_archive_no_memory(a);
}

void
lp_archive_release(struct lp_archive *a)
{
	for (size_t i = 0; i < a->nparts; i++)
		json_decref(a->parts[i]);
	free(a->parts);
	free(a->layer);
	lp_image_config_release(&a->config);
	lp_buf_release(&a->config_bytes);
	lp_buf_release(&a->catalogue);
	lp_saved_release(&a->saved);
	lp_members_release(&a->members);
	if (a->in.buf != NULL)
		lp_input_release(&a->in);
	if (a->fd > 0)
		close(a->fd);
	a->fd = -1;
}

/* ---- the catalogue of members ------------------------------------------------------------- */

/* A compressed archive has no offsets that a layer could be read by. */
static int
check_magic(struct lp_archive *a)
{
	unsigned char head[LP_MAGIC_LEN];
	const char *why = "";
	ptrdiff_t n = lp_pread_full(a->fd, head, sizeof(head), 0);

	if (n < 0)
		return fail_sys(a);
	switch (lp_magic(lp_span(head, (size_t)n), 1, &why)) {
	case LP_FORMAT_GZIP:
	case LP_FORMAT_ZSTD:
		return lp_archive_fail(a, LP_E_DATA, "it is compressed, and nothing in it can be read by its offset: "
		    "inflate it first (lp-inflate FILE >FILE.tar; lp-peek does)");
	case LP_FORMAT_FOREIGN:
		return lp_archive_fail(a, LP_E_DATA, "not a tar but %s", why);
	default:
		return LP_OK;
	}
}

/* Passes over what nobody looks at; 0 where reading is the way on. */
static int
skip(struct lp_archive *a, struct lp_tar *t)
{
	uint64_t done = 0;
	int rc = lp_input_skip(&a->in, lp_tar_skippable(t), &done);

	if (rc != LP_OK)
		return fail_sys(a);
	lp_tar_skipped(t, done);
	return LP_OK;
}

static int
note(struct lp_archive *a, const struct lp_entry *e)
{
	int rc = lp_members_add(&a->members, e);

	if (rc == LP_E_LIMIT)
		return lp_archive_fail(a, rc, "more than %d members", LP_ARCHIVE_MEMBERS);
	return rc == LP_OK ? LP_OK : lp_archive_no_memory(a);
}

static int
scan_with(struct lp_archive *a, struct lp_tar *t)
{
	struct lp_span in = { NULL, 0 };
	int rc = LP_OK, got = 1;

	while (rc == LP_OK) {
		switch (got > 0 ? lp_tar_next(t, &in) : lp_tar_eof(t)) {
		case LP_TAR_MORE:
			rc = skip(a, t);
			got = rc == LP_OK ? lp_input_next(&a->in, &in) : 0;
			if (got < 0)
				rc = fail_sys(a);
			break;
		case LP_TAR_MEMBER:
			/* what lies in pieces cannot be read by one offset */
			if (!lp_tar_is_sparse(t))
				rc = note(a, &t->entry);
			break;
		case LP_TAR_END:
			return LP_OK;
		case LP_TAR_TRUNCATED:
			return lp_archive_fail(a, LP_E_DATA, "the archive ends in the middle, after %llu bytes",
			    (unsigned long long)t->offset);
		case LP_TAR_ERROR:
			return lp_archive_fail(a, t->status, "byte %llu: %s",
			    (unsigned long long)t->error_offset, t->why);
		default:
			break;
		}
	}
	return rc;
}

int
lp_archive_scan(struct lp_archive *a)
{
	struct lp_tar *t;
	int rc = check_magic(a);

	if (rc != LP_OK)
		return rc;
	t = malloc(sizeof(*t));
	if (t == NULL)
		return lp_archive_no_memory(a);
	lp_tar_init(t);
	rc = scan_with(a, t);
	lp_tar_release(t);
	free(t);
	return rc;
}

int
lp_archive_find(struct lp_archive *a, const char *path, const struct lp_member **m)
{
	int rc = lp_members_find(&a->members, lp_span_str(path), m);

	return rc == LP_E_NOMEM ? lp_archive_no_memory(a) : rc;
}

int
lp_archive_is_layout(struct lp_archive *a)
{
	const struct lp_member *m;

	return lp_archive_find(a, "oci-layout", &m) == LP_OK && lp_archive_find(a, "index.json", &m) == LP_OK;
}

int
lp_archive_read(struct lp_archive *a, const char *path, struct lp_buf *b)
{
	const struct lp_member *m;
	int rc = lp_archive_find(a, path, &m);

	if (rc != LP_OK)
		return rc;
	rc = m->size > b->max ? LP_E_LIMIT : lp_buf_reserve(b, (size_t)m->size);
	if (rc == LP_E_LIMIT)
		return lp_archive_fail(a, rc, "%s has more than %zu MiB", lp_quotes(path), b->max >> 20);
	if (rc != LP_OK)
		return lp_archive_no_memory(a);
	if (lp_pread_full(a->fd, b->p, (size_t)m->size, m->offset) != (ptrdiff_t)m->size)
		return lp_archive_fail(a, LP_E_SYS, "%s cannot be read", lp_quotes(path));
	b->n = (size_t)m->size;
	return LP_OK;
}

/* ---- layers ------------------------------------------------------------------------------------ */

static const char *
mediatype_at(const struct lp_archive *a, const struct lp_member *m)
{
	unsigned char head[LP_MAGIC_LEN];
	size_t want = m->size < sizeof(head) ? (size_t)m->size : sizeof(head);
	ptrdiff_t n = lp_pread_full(a->fd, head, want, m->offset);
	const char *why;

	switch (n < 0 ? LP_FORMAT_PLAIN : lp_magic(lp_span(head, (size_t)n), 1, &why)) {
	case LP_FORMAT_GZIP:
		return "application/vnd.docker.image.rootfs.diff.tar.gzip";
	case LP_FORMAT_ZSTD:
		return "application/vnd.oci.image.layer.v1.tar+zstd";
	default:
		return "application/vnd.docker.image.rootfs.diff.tar";
	}
}

int
lp_archive_take(struct lp_archive *a, size_t i, const char *path)
{
	const struct lp_member *m;
	int rc = lp_archive_find(a, path, &m);

	if (rc == LP_E_NOMEM)
		return rc;
	if (rc != LP_OK)
		return lp_archive_fail(a, LP_E_DATA, "layer %zu, %s, is not in the archive", i, lp_quotes(path));
	a->layer[i] = (struct lp_archive_layer){ .offset = m->offset, .size = m->size,
		.mediatype = mediatype_at(a, m) };
	return LP_OK;
}

int
lp_archive_room(struct lp_archive *a, size_t n)
{
	a->layer = calloc(n > 0 ? n : 1, sizeof(*a->layer));
	a->n = n;
	return a->layer != NULL ? LP_OK : lp_archive_no_memory(a);
}

/* A config in the OCI form is called by its digest. */
static int
check_config(struct lp_archive *a)
{
	char named[LP_DIGEST_SIZE], digest[LP_DIGEST_SIZE];

	if (!lp_layout_digest(a->saved.config, named))
		return LP_OK;
	lp_hash_bytes_as(lp_buf_span(&a->config_bytes), named, digest);
	return strcmp(digest, named) == 0 ? LP_OK :
	    lp_archive_fail(a, LP_E_DATA, "the config's digest is %s, not what it is called by", digest);
}

static int
load_new(struct lp_archive *a)
{
	struct lp_manifest_error e;
	int rc = lp_archive_room(a, a->saved.nlayers);

	for (size_t i = 0; i < a->n && rc == LP_OK; i++)
		rc = lp_archive_take(a, i, a->saved.layer[i]);
	rc = rc != LP_OK ? rc : lp_archive_read(a, a->saved.config, &a->config_bytes);
	if (rc == LP_E_ABSENT)
		return lp_archive_fail(a, LP_E_DATA, "the config, %s, is not in the archive",
		    lp_quotes(a->saved.config));
	rc = rc != LP_OK ? rc : check_config(a);
	if (rc != LP_OK)
		return rc;
	rc = lp_image_config_parse(lp_buf_span(&a->config_bytes), a->n, &a->config, &e);
	if (rc != LP_OK)
		return lp_archive_fail(a, rc, "the config: byte %zu: %s", e.offset, e.why);
	for (size_t i = 0; i < a->n; i++) {
		a->layer[i].created_by = a->config.v[i].created_by;
		a->layer[i].diff_id = a->config.v[i].diff_id;
	}
	return LP_OK;
}

/* ---- all ------------------------------------------------------------------------------------------- */

static int
no_such_image(struct lp_archive *a, const struct lp_json_error *e, struct lp_buf *names)
{
	return lp_archive_fail(a, LP_E_ABSENT, "%s%s%s", e->why, names->n > 0 ? "; there are: " : "",
	    lp_quote(lp_buf_span(names)));
}

int
lp_archive_load(struct lp_archive *a, const char *name)
{
	struct lp_json_error e = { .why = "" };
	struct lp_buf names;
	int rc, old = 0;

	rc = lp_archive_read(a, "manifest.json", &a->catalogue);
	if (rc == LP_E_ABSENT) {
		old = 1;
		rc = lp_archive_read(a, "repositories", &a->catalogue);
	}
	if (rc == LP_E_ABSENT) {
		return lp_archive_fail(a, LP_E_DATA, lp_archive_is_layout(a) ?
		    "an OCI layout in a tar, not an archive of docker save: write oci-archive:FILE" :
		    "neither manifest.json nor repositories in it: not an archive of docker save");
	}
	if (rc != LP_OK)
		return rc;
	lp_buf_init(&names, sizeof(a->why) / 2);
	rc = (old ? lp_saved_repositories : lp_saved_manifest)(lp_buf_span(&a->catalogue), name, &a->saved,
	    &names, &e);
	if (rc == LP_E_ABSENT)
		(void)no_such_image(a, &e, &names);
	else if (rc != LP_OK)
		(void)lp_archive_fail(a, rc, "%s: byte %zu: %s", old ? "repositories" : "manifest.json",
		    e.offset, e.why);
	lp_buf_release(&names);
	return rc != LP_OK ? rc : old ? lp_archive_load_v1(a) : load_new(a);
}
