/* An archive that cannot be read in place, from a pipe or compressed, is inflated into an unnamed file first. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/codec/magic.h"
#include "common/oci/reference.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

static int
is_archive(const char *name, struct lp_reference *ref)
{
	struct lp_reference_error error;

	return lp_reference_image(lp_span_str(name), ref, &error) == LP_OK &&
	    (ref->kind == LP_REF_ARCHIVE || ref->kind == LP_REF_OCI_ARCHIVE);
}

void
lp_peek_spool_open(struct lp_peek_image *im)
{
	static struct lp_reference ref;

	if (im->is_path || !is_archive(im->name, &ref))
		return;
	if (strcmp(ref.path, "-") == 0)
		im->spool_in = dup(0);
	else
		/* what cannot be opened lp-layers tells */
		im->spool_in = open(ref.path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* Whether its layers can be read by their offsets where they lie. */
static int
is_in_place(int fd, const char *path)
{
	unsigned char head[LP_MAGIC_LEN];
	const char *why;
	struct stat st;
	enum lp_format format;
	ptrdiff_t n;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || strcmp(path, "-") == 0)
		return 0;
	n = lp_pread_full(fd, head, sizeof(head), 0);
	format = n < 0 ? LP_FORMAT_PLAIN : lp_magic(lp_span(head, (size_t)n), 1, &why);
	return format != LP_FORMAT_GZIP && format != LP_FORMAT_ZSTD;
}

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_image *im = j->owner;

	(void)stage;
	if (kind == LP_LINE_REPORT)
		lp_peek_report(im->peek, NULL, line);
	else
		lp_peek_message(im->peek, lp_quotes(im->name), line);
}

int
lp_peek_spool_read(struct lp_peek_image *im, const struct lp_stage *stage, size_t n, int out)
{
	static const struct lp_job_ops ops = { .line = on_line };
	const struct lp_job_io io = { .in = im->spool_in, .out = out, .err = -1 };
	struct lp_job j = { .ops = &ops, .owner = im };
	int rc = lp_crew_start(&im->peek->crew, &j, stage, n, &io);

	if (rc != LP_OK) {
		lp_err_errno("cannot run %s", stage[n - 1].argv[0]);
		return rc;
	}
	rc = lp_peek_wait(im->peek);
	if (rc != LP_OK || j.exit == LP_EXIT_OK)
		return rc;
	im->peek->exit = lp_exit_worse(im->peek->exit, j.exit);
	return LP_E_ABSENT;
}

static int
inflate(struct lp_peek_image *im)
{
	static const char *const argv[] = { "lp-inflate", "--complete", "-q", "-", NULL };
	static const struct lp_stage stage = { .argv = argv };

	return lp_peek_spool_read(im, &stage, 1, im->spool);
}

int
lp_peek_spool(struct lp_peek_image *im)
{
	static struct lp_reference ref;
	const char *kind;
	int rc;

	if (im->spool_in < 0 || !is_archive(im->file != NULL ? im->file : im->name, &ref) || is_in_place(im->spool_in, ref.path))
		return LP_OK;
	im->spool = lp_tmpfile();
	if (im->spool < 0) {
		lp_err_errno("cannot make a file for %s in %s", lp_quotes(im->name), lp_tmpdir());
		return LP_E_SYS;
	}
	rc = inflate(im);
	if (rc != LP_OK)
		return rc;
	kind = ref.kind == LP_REF_ARCHIVE ? "docker-archive" : "oci-archive";
	free(im->file);
	if (asprintf(&im->file, "%s:/dev/fd/%d%s%s%s%s", kind, im->spool, ref.name[0] != '\0' ? ":" : "", ref.name,
	    ref.digest[0] != '\0' ? "@" : "", ref.digest) < 0) {
		im->file = NULL;
		lp_err("out of memory");
		return LP_E_NOMEM;
	}
	im->peek->keep[im->peek->nkeep++] = im->spool;
	return LP_OK;
}

void
lp_peek_spool_release(struct lp_peek_image *im)
{
	free(im->file);
	if (im->spool >= 0)
		close(im->spool);
	if (im->spool_in >= 0)
		close(im->spool_in);
}
