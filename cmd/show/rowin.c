/* Feeds a descriptor's bytes to the row reader. */
#include "cmd/show/rowin.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

int
lp_rowin_init(struct lp_rowin *r, int fd, const char *name)
{
	*r = (struct lp_rowin){ .fd = fd, .name = name, .copy = -1 };
	lp_rowread_init(&r->rows);
	r->rows.merged = 1;
	r->room = malloc(LP_IO_CHUNK);
	return r->room != NULL ? LP_OK : LP_E_NOMEM;
}

void
lp_rowin_release(struct lp_rowin *r)
{
	lp_rowread_release(&r->rows);
	free(r->room);
	r->room = NULL;
}

static int
read_more(struct lp_rowin *r)
{
	ptrdiff_t n = lp_read(r->fd, r->room, LP_IO_CHUNK);

	if (n < 0) {
		lp_err_errno("%s", r->name);
		return LP_E_SYS;
	}
	if (r->copy >= 0 && lp_write_all(r->copy, lp_span(r->room, (size_t)n)) != LP_OK) {
		lp_err_errno("copy of the rows");
		return LP_E_SYS;
	}
	r->at_eof = n == 0;
	r->in = lp_span(r->room, (size_t)n);
	return LP_OK;
}

int
lp_rowin_next(struct lp_rowin *r)
{
	for (;;) {
		int rc = LP_OK;

		switch (r->at_eof ? lp_rowread_eof(&r->rows) : lp_rowread_next(&r->rows, &r->in)) {
		case LP_ROWREAD_ROW:
			r->n++;
			return 1;
		case LP_ROWREAD_END:
			r->ended = 1;
			break;
		case LP_ROWREAD_LAYER: /* not without `sections` */
			break;
		case LP_ROWREAD_MORE:
			if (r->at_eof)
				return 0;
			rc = read_more(r);
			break;
		case LP_ROWREAD_ERROR:
			lp_err("%s: line %" PRIu64 ": %s", r->name, r->rows.line, r->rows.why);
			rc = r->rows.status;
			break;
		}
		if (rc != LP_OK)
			return rc;
	}
}

int
lp_rowin_ready(const struct lp_rowin *r)
{
	return r->in.n > 0 && memchr(r->in.p, '\n', r->in.n) != NULL;
}
