/*
 * Rows from a descriptor, one at a time: row/rowread.h and the reads
 * that feed it.
 */
#ifndef LP_SHOW_ROWIN_H
#define LP_SHOW_ROWIN_H

#include "common/base/span.h"
#include "common/row/rowread.h"

struct lp_rowin {
	struct lp_rowread rows; /* rows.entry is the last row; rows.end, if `ended`, the end record */
	int ended;
	int fd;
	const char *name; /* in messages */
	int copy; /* what is read is written there too; -1: nowhere */
	uint64_t n; /* rows so far */
	int at_eof;
	unsigned char *room;
	struct lp_span in;
};

/* LP_OK or LP_E_NOMEM. The descriptor and the name stay the caller's. */
int lp_rowin_init(struct lp_rowin *, int fd, const char *name);
void lp_rowin_release(struct lp_rowin *);

/*
 * The next row: 1, with rows.entry valid until the next call. 0 at the end.
 * Negative after a message: LP_E_SYS, LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_rowin_next(struct lp_rowin *);

/* Whether the next row is there without waiting for more input. */
int lp_rowin_ready(const struct lp_rowin *);

#endif
