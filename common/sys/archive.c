#include "common/sys/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/format/magic.h"
#include "common/format/tar.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/io.h"

static int fail(struct lp_archive *, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
fail(struct lp_archive *a, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
	return rc;
}

static int
no_memory(struct lp_archive *a)
{
	return fail(a, LP_E_NOMEM, "out of memory");
}

static int
fail_sys(struct lp_archive *a)
{
	return fail(a, LP_E_SYS, "%s", strerrordesc_np(errno));
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
	a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (a->fd < 0 || fstat(a->fd, &st) != 0)
		return fail_sys(a);
	if (!S_ISREG(st.st_mode))
		return fail(a, LP_E_SYS, "not a regular file: the layers in it are read by their offsets");
	rc = lp_input_open(&a->in, a->fd);
	return rc == LP_OK ? rc : rc == LP_E_SYS ? fail_sys(a) : no_memory(a);
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
		return fail(a, LP_E_DATA, "it is compressed, and nothing in it can be read by its offset: "
		    "inflate it first (lp-inflate FILE >FILE.tar)");
	case LP_FORMAT_FOREIGN:
		return fail(a, LP_E_DATA, "not an archive of docker save but %s", why);
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
		return fail(a, rc, "more than %d members", LP_ARCHIVE_MEMBERS);
	return rc == LP_OK ? LP_OK : no_memory(a);
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
			if (!t->sparse_member)
				rc = note(a, &t->entry);
			break;
		case LP_TAR_END:
			return LP_OK;
		case LP_TAR_TRUNCATED:
			return fail(a, LP_E_DATA, "the archive ends in the middle, after %llu bytes",
			    (unsigned long long)t->offset);
		case LP_TAR_ERROR:
			return fail(a, t->status, "byte %llu: %s", (unsigned long long)t->error_offset, t->why);
		default:
			break;
		}
	}
	return rc;
}

static int
scan(struct lp_archive *a)
{
	struct lp_tar *t = malloc(sizeof(*t));
	int rc;

	if (t == NULL)
		return no_memory(a);
	lp_tar_init(t);
	rc = scan_with(a, t);
	lp_tar_release(t);
	free(t);
	return rc;
}

/* A member's content, whole. LP_E_ABSENT (nothing said) if there is no such member. */
static int
read_member(struct lp_archive *a, const char *path, struct lp_buf *b)
{
	const struct lp_member *m;
	int rc = lp_members_find(&a->members, lp_span_str(path), &m);

	if (rc != LP_OK)
		return rc == LP_E_NOMEM ? no_memory(a) : rc;
	rc = m->size > b->max ? LP_E_LIMIT : lp_buf_reserve(b, (size_t)m->size);
	if (rc == LP_E_LIMIT)
		return fail(a, rc, "%s has more than %zu MiB", lp_quotes(path), b->max >> 20);
	if (rc != LP_OK)
		return no_memory(a);
	if (lp_pread_full(a->fd, b->p, (size_t)m->size, m->offset) != (ptrdiff_t)m->size)
		return fail(a, LP_E_SYS, "%s cannot be read", lp_quotes(path));
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

static int
take_layer(struct lp_archive *a, size_t i, const char *path)
{
	const struct lp_member *m;
	int rc = lp_members_find(&a->members, lp_span_str(path), &m);

	if (rc == LP_E_NOMEM)
		return no_memory(a);
	if (rc != LP_OK)
		return fail(a, LP_E_DATA, "layer %zu, %s, is not in the archive", i, lp_quotes(path));
	a->layer[i] = (struct lp_archive_layer){ .offset = m->offset, .size = m->size,
		.mediatype = mediatype_at(a, m) };
	return LP_OK;
}

static int
room_for_layers(struct lp_archive *a, size_t n)
{
	a->layer = calloc(n > 0 ? n : 1, sizeof(*a->layer));
	a->n = n;
	return a->layer != NULL ? LP_OK : no_memory(a);
}

/* A config in the OCI form is called by its digest. */
static int
check_config(struct lp_archive *a)
{
	static const char blobs[] = "blobs/sha256/";
	char digest[LP_DIGEST_SIZE];

	if (strncmp(a->saved.config, blobs, sizeof(blobs) - 1) != 0)
		return LP_OK;
	lp_hash_bytes(lp_buf_span(&a->config_bytes), digest);
	return strcmp(digest + 7, a->saved.config + sizeof(blobs) - 1) == 0 ? LP_OK :
	    fail(a, LP_E_DATA, "the config's digest is %s, not what it is called by", digest);
}

static int
load_new(struct lp_archive *a)
{
	struct lp_manifest_error e;
	int rc = room_for_layers(a, a->saved.nlayers);

	for (size_t i = 0; i < a->n && rc == LP_OK; i++)
		rc = take_layer(a, i, a->saved.layer[i]);
	rc = rc != LP_OK ? rc : read_member(a, a->saved.config, &a->config_bytes);
	if (rc == LP_E_ABSENT)
		return fail(a, LP_E_DATA, "the config, %s, is not in the archive", lp_quotes(a->saved.config));
	rc = rc != LP_OK ? rc : check_config(a);
	if (rc != LP_OK)
		return rc;
	rc = lp_image_config_parse(lp_buf_span(&a->config_bytes), a->n, &a->config, &e);
	if (rc != LP_OK)
		return fail(a, rc, "the config: byte %zu: %s", e.offset, e.why);
	for (size_t i = 0; i < a->n; i++) {
		a->layer[i].created_by = a->config.v[i].created_by;
		a->layer[i].diff_id = a->config.v[i].diff_id;
	}
	return LP_OK;
}

/* ---- the old form: each layer names its parent ------------------------------------------------------ */

static int
keep_part(struct lp_archive *a, json_t *part)
{
	json_t **v = reallocarray(a->parts, a->nparts + 1, sizeof(json_t *));

	if (v == NULL) {
		json_decref(part);
		return no_memory(a);
	}
	a->parts = v;
	v[a->nparts++] = part;
	return LP_OK;
}

/* ID/json: kept, and its parent's ID found; an empty one ends the chain. */
static int
read_v1(struct lp_archive *a, struct lp_span id, struct lp_span *parent)
{
	char path[256];
	struct lp_json_error e;
	json_t *part;
	int rc;

	if (id.n > 128 || memchr(id.p, '/', id.n) != NULL)
		return fail(a, LP_E_DATA, "not an ID: %s", lp_quote(id));
	snprintf(path, sizeof(path), "%.*s/json", (int)id.n, (const char *)id.p);
	lp_buf_clear(&a->config_bytes);
	rc = read_member(a, path, &a->config_bytes);
	if (rc == LP_E_ABSENT)
		return fail(a, LP_E_DATA, "%s is not in the archive", lp_quotes(path));
	if (rc != LP_OK)
		return rc;
	rc = lp_json_load(lp_buf_span(&a->config_bytes), &part, &e);
	if (rc != LP_OK)
		return fail(a, rc, "%s: byte %zu: %s", lp_quotes(path), e.offset, e.why);
	*parent = lp_json_get_string(part, "parent");
	return keep_part(a, part);
}

/* The layers' IDs from the top down; spans into the parts, but for the first. */
static int
walk_parents(struct lp_archive *a, struct lp_span *ids, size_t *n)
{
	struct lp_span id = lp_span_str(a->saved.top);

	for (*n = 0; id.n > 0; (*n)++) {
		struct lp_span parent = { NULL, 0 };
		int rc;

		if (*n == LP_ARCHIVE_LAYERS)
			return fail(a, LP_E_LIMIT, "more than %d layers, or a ring of them", LP_ARCHIVE_LAYERS);
		ids[*n] = id;
		rc = read_v1(a, id, &parent);
		if (rc != LP_OK)
			return rc;
		id = parent;
	}
	return LP_OK;
}

static int
take_v1_layer(struct lp_archive *a, size_t i, struct lp_span id, const json_t *part)
{
	json_t *command;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%.*s/layer.tar", (int)id.n, (const char *)id.p);
	rc = take_layer(a, i, path);
	if (rc != LP_OK)
		return rc;
	if (lp_v1_command(part, &command) != LP_OK)
		return no_memory(a);
	if (command == NULL)
		return LP_OK;
	a->layer[i].created_by = lp_span(json_string_value(command), json_string_length(command));
	return keep_part(a, command);
}

static int
load_old(struct lp_archive *a)
{
	struct lp_span *ids = calloc(LP_ARCHIVE_LAYERS, sizeof(*ids));
	size_t n = 0;
	int rc = ids == NULL ? no_memory(a) : walk_parents(a, ids, &n);

	rc = rc != LP_OK ? rc : room_for_layers(a, n);
	for (size_t i = 0; rc == LP_OK && i < n; i++)
		rc = take_v1_layer(a, n - 1 - i, ids[i], a->parts[i]);
	free(ids);
	return rc;
}

/* ---- all ------------------------------------------------------------------------------------------- */

static int
no_such_image(struct lp_archive *a, const struct lp_json_error *e, struct lp_buf *names)
{
	return fail(a, LP_E_ABSENT, "%s%s%s", e->why, names->n > 0 ? "; there are: " : "",
	    lp_quote(lp_buf_span(names)));
}

int
lp_archive_load(struct lp_archive *a, const char *name)
{
	struct lp_json_error e = { .why = "" };
	struct lp_buf names;
	int rc, old = 0;

	rc = check_magic(a);
	rc = rc != LP_OK ? rc : scan(a);
	if (rc != LP_OK)
		return rc;
	rc = read_member(a, "manifest.json", &a->catalogue);
	if (rc == LP_E_ABSENT) {
		old = 1;
		rc = read_member(a, "repositories", &a->catalogue);
	}
	if (rc == LP_E_ABSENT)
		return fail(a, LP_E_DATA, "neither manifest.json nor repositories in it: not an archive of docker save");
	if (rc != LP_OK)
		return rc;
	lp_buf_init(&names, sizeof(a->why) / 2);
	rc = (old ? lp_saved_repositories : lp_saved_manifest)(lp_buf_span(&a->catalogue), name, &a->saved,
	    &names, &e);
	if (rc == LP_E_ABSENT)
		(void)no_such_image(a, &e, &names);
	else if (rc != LP_OK)
		(void)fail(a, rc, "%s: byte %zu: %s", old ? "repositories" : "manifest.json", e.offset, e.why);
	lp_buf_release(&names);
	return rc != LP_OK ? rc : old ? load_old(a) : load_new(a);
}
