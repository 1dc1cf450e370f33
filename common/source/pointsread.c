/* Reads a file of points that a command line names. */
#include "common/source/pointsread.h"

#include <inttypes.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/codec/gzidx.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"

int
lp_pointsread_open(struct lp_pointsread *r, const char *file)
{
	lp_points_init(&r->points, 0, 0);
	lp_buf_init(&r->text, LP_GZIDX_MAX);
	r->fd = lp_operand_open(file, &r->name);
	return r->fd >= 0 ? LP_OK : LP_E_SYS;
}

void
lp_pointsread_release(struct lp_pointsread *r)
{
	lp_points_release(&r->points);
	lp_buf_release(&r->text);
	if (r->fd > STDERR_FILENO)
		close(r->fd);
	r->fd = -1;
}

int
lp_pointsread(struct lp_pointsread *r)
{
	struct lp_gzidx_error e = { NULL, 0 };
	int rc = lp_read_all(r->fd, &r->text);

	if (rc == LP_E_SYS)
		lp_err_errno("%s", r->name);
	rc = rc != LP_OK ? rc : lp_gzidx_read(&r->points, lp_buf_span(&r->text), &e);
	if (rc == LP_E_DATA)
		lp_err("%s: byte %" PRIu64 ": %s", r->name, e.at, e.why);
	else if (rc == LP_E_LIMIT)
		lp_err("%s: more than %" PRIu64 " bytes of points", r->name, LP_GZIDX_MAX);
	else if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	return rc;
}
