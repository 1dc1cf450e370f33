/*
 * A file of points (codec/gzidx.h), from a command line.
 *
 *	lp_pointsread_open(&r, file);   before the lock
 *	lp_pointsread(&r);              behind it
 *	lp_pointsread_release(&r);
 */
#ifndef LP_SOURCE_POINTSREAD_H
#define LP_SOURCE_POINTSREAD_H

#include "common/base/buf.h"
#include "common/codec/points.h"

struct lp_pointsread {
	struct lp_points points;
	const char *name; /* for messages */
	int fd;
	struct lp_buf text; /* where the windows are */
};

/* LP_OK, or LP_E_SYS after a message. To be released in any case. */
int lp_pointsread_open(struct lp_pointsread *, const char *file);
void lp_pointsread_release(struct lp_pointsread *);

/* All of them. LP_OK, LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM or LP_E_SYS, each said. */
int lp_pointsread(struct lp_pointsread *);

#endif
