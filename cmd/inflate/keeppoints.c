/* Collects the points of a gzip input, and writes them to a file. */
#include "cmd/inflate/keeppoints.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/codec/gzidx.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

void
lp_keeppoints_init(struct lp_keeppoints *k)
{
	lp_points_init(&k->points, k->spacing, LP_KEEPPOINTS_MAX);
	k->fd = -1;
}

/* Which would be lost. A device or a pipe would not. */
static int
is_input(int fd, int input)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(input, &b) == 0 && S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
lp_keeppoints_open(struct lp_keeppoints *k, int input)
{
	if (k->file == NULL)
		return LP_OK;
	k->fd = open(k->file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (k->fd >= 0 && is_input(k->fd, input)) {
		lp_err("%s: this is the input, and not a file for its points", lp_quotes(k->file));
		return LP_E_USAGE;
	}
	/* EINVAL: what has no length, such as a pipe */
	if (k->fd >= 0 && (ftruncate(k->fd, 0) == 0 || errno == EINVAL))
		return LP_OK;
	lp_err_errno("%s", lp_quotes(k->file));
	return LP_E_SYS;
}

void
lp_keeppoints_release(struct lp_keeppoints *k)
{
	lp_points_release(&k->points);
	if (k->fd >= 0)
		close(k->fd);
}

void
lp_keeppoints_begin(struct lp_keeppoints *k, struct lp_inflate *x)
{
	x->f.spacing = k->file != NULL ? k->spacing : 0;
}

int
lp_keeppoints_add(struct lp_keeppoints *k, struct lp_inflate *x)
{
	int rc = lp_points_add(&k->points, &x->f.point);

	if (rc != LP_OK)
		lp_err("out of memory");
	x->f.spacing = k->points.spacing;
	return rc;
}

static int
put(void *arg, struct lp_span s)
{
	return lp_write_all(*(const int *)arg, s);
}

int
lp_keeppoints_end(struct lp_keeppoints *k, const struct lp_inflate *x, const char *input_name)
{
	int rc;

	if (k->file == NULL)
		return LP_OK;
	if (x->format != LP_FORMAT_GZIP) {
		lp_note("%s: %s data has no points", input_name, lp_format_name(x->format));
		return LP_OK;
	}
	k->points.in = x->f.used;
	k->points.out = x->f.given;
	rc = lp_gzidx_write(&k->points, put, &k->fd);
	if (rc == LP_OK && close(k->fd) != 0)
		rc = LP_E_SYS;
	k->fd = rc == LP_OK ? -1 : k->fd;
	if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	else if (rc != LP_OK)
		lp_err_errno("%s", lp_quotes(k->file));
	return rc;
}
