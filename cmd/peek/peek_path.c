/* A path for an image: a layout, an archive, or a layer alone, by what is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

enum { NAMES = 16 }; /* of members: enough to tell an archive of an image from a layer */

/* Who writes it so means a path, whatever is there. */
static int
is_explicit(const char *name)
{
	struct lp_span s = lp_span_str(name);

	return lp_span_begins(s, "/") || lp_span_begins(s, "./") || lp_span_begins(s, "../");
}

static int
has(const char *dir, const char *file)
{
	char *path = NULL;
	int is = asprintf(&path, "%s/%s", dir, file) >= 0 && access(path, F_OK) == 0;

	free(path);
	return is;
}

static const char *
kind_of_directory(const char *dir)
{
	if (has(dir, "oci-layout") || has(dir, "index.json"))
		return "oci";
	return has(dir, "manifest.json") ? "dir" : NULL;
}

/* How the programs are to call it. */
static int
name_file(struct lp_peek_image *im, const char *kind)
{
	free(im->file);
	if (asprintf(&im->file, "%s:%s", kind, im->name) >= 0)
		return LP_OK;
	im->file = NULL;
	lp_err("out of memory");
	return LP_E_NOMEM;
}

int
lp_peek_path_open(struct lp_peek_image *im)
{
	const char *kind;
	struct stat st;

	if (stat(im->name, &st) != 0) {
		im->is_path = is_explicit(im->name);
		im->path_error = errno;
		return LP_OK;
	}
	if (S_ISDIR(st.st_mode)) {
		kind = kind_of_directory(im->name);
		im->is_path = kind == NULL && is_explicit(im->name);
		im->path_error = im->is_path ? EISDIR : 0;
		return kind != NULL ? name_file(im, kind) : LP_OK;
	}
	if (!S_ISREG(st.st_mode) && !is_explicit(im->name))
		return LP_OK;
	im->is_path = 1;
	im->path_size = st.st_size;
	/* of what is in a pipe nothing may be read twice */
	im->path_error = ESPIPE;
	if (!S_ISREG(st.st_mode))
		return LP_OK;
	im->spool_in = open(im->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	im->path_error = im->spool_in < 0 ? errno : 0;
	return LP_OK;
}

/* ---- what kind of file -------------------------------------------------------------- */

/* The names of its first members, a line each, into the file. */
static int
list_names(struct lp_peek_image *im, int out)
{
	static const char *const inflate[] = { "lp-inflate", "-q", "-", NULL };
	static const char *const tarls[] = { "lp-tarls", "-q", "-n", "16", "-o", "name", NULL };
	static const struct lp_stage stage[] = { { .argv = inflate }, { .argv = tarls } };

	_Static_assert(NAMES == 16, "as lp-tarls is told");
	return lp_peek_spool_read(im, stage, 2, out);
}

/* 64 hexadecimal digits, and what may stand behind them in an archive of docker save. */
static int
is_saved(struct lp_span name)
{
	size_t n = 0;

	while (n < name.n && strchr("0123456789abcdef", name.p[n]) != NULL && name.p[n] != '\0')
		n++;
	lp_span_take(&name, n);
	return n == 64 && (name.n == 0 || lp_span_begins(name, "/") || lp_span_is(name, ".json") || lp_span_is(name, ".tar"));
}

/* The kind of archive, or NULL for a layer: it is what all its first members say. */
static const char *
kind_of_names(struct lp_span text)
{
	const char *kind = NULL;

	while (text.n > 0) {
		struct lp_span name = lp_span_field(&text, '\n');

		if (lp_span_is(name, "oci-layout") || lp_span_is(name, "index.json") || lp_span_is(name, "blobs") ||
		    lp_span_is(name, "blobs/") || lp_span_begins(name, "blobs/sha"))
			kind = "oci-archive";
		else if (lp_span_is(name, "manifest.json") || lp_span_is(name, "repositories") || is_saved(name))
			kind = kind != NULL ? kind : "docker-archive";
		else
			return NULL;
	}
	return kind;
}

/* An image of that layer alone. */
static int
take_layer(struct lp_peek_image *im)
{
	static struct lp_reference ref = { .kind = LP_REF_FILE };
	struct lp_peek_layer *l = calloc(2, sizeof(*l));
	struct lp_buf source;
	size_t n = strlen(im->name);

	if (l == NULL || n >= sizeof(ref.path)) {
		free(l);
		lp_err(l == NULL ? "out of memory" : "%s: a path that is too long", lp_quotes(im->name));
		return l == NULL ? LP_E_NOMEM : LP_E_ABSENT;
	}
	memcpy(ref.path, im->name, n + 1);
	lp_buf_init(&source, LP_REF_TEXT_MAX);
	lp_peek_layer_init(l, im);
	l->size = im->path_size;
	l->source = lp_reference_put(&ref, &source) == LP_OK ? lp_cstr(lp_buf_span(&source)) : NULL;
	lp_buf_release(&source);
	im->layer = l;
	im->n = 1;
	return l->source != NULL ? LP_OK : LP_E_NOMEM;
}

static int
look(struct lp_peek_image *im, int fd)
{
	struct lp_buf names;
	const char *kind;
	int rc = list_names(im, fd);

	if (rc != LP_OK)
		return rc;
	lp_buf_init(&names, NAMES * LP_MAX_ROW);
	rc = lseek(im->spool_in, 0, SEEK_SET) == 0 && lseek(fd, 0, SEEK_SET) == 0 ? lp_read_all(fd, &names) : LP_E_SYS;
	if (rc != LP_OK)
		lp_err_errno("%s", lp_quotes(im->name));
	kind = rc == LP_OK ? kind_of_names(lp_buf_span(&names)) : NULL;
	lp_buf_release(&names);
	if (rc != LP_OK)
		return rc;
	if (kind != NULL)
		return name_file(im, kind);
	if (im->peek->o->what != LP_PEEK_ABOUT)
		return take_layer(im);
	lp_err("%s: a layer alone has no configuration, name or platform", lp_quotes(im->name));
	im->peek->exit = lp_exit_worse(im->peek->exit, LP_EXIT_ABSENT);
	return LP_E_ABSENT;
}

static const char *
why_not(int error)
{
	switch (error) {
	case EISDIR: return "a directory, and neither an OCI layout nor one of skopeo's";
	case ESPIPE: return "no file: write docker-archive:PATH or oci-archive:PATH for what comes from it";
	default: return lp_err_text(error);
	}
}

int
lp_peek_path(struct lp_peek_image *im)
{
	int fd, rc;

	if (!im->is_path)
		return LP_OK;
	if (im->path_error != 0) {
		lp_err("%s: %s", lp_quotes(im->name), why_not(im->path_error));
		im->peek->exit = lp_exit_worse(im->peek->exit, LP_EXIT_SYSTEM);
		return LP_E_ABSENT;
	}
	fd = lp_tmpfile();
	if (fd < 0) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	rc = look(im, fd);
	close(fd);
	return rc;
}
