/*
 * The rows of listings, one listing after the other, in batches: read, made
 * sense of and kept. A file may have several, as lp-peek --layers writes them. What comes behind the first LP_ROWFEED_INLINE bytes is
 * made by another thread, while those before are used.
 *
 *	lp_rowfeed_init(&f, listings, n);
 *	... lp_lock(LP_DUTY_THREADED)
 *	while ((b = lp_rowfeed_next(&f)) != NULL)
 *		use b->row[0..b->n), and see what b->status is
 *	... use the rows
 *	lp_rowfeed_release(&f);
 *
 * A row stays until lp_rowfeed_release; its name until the next batch.
 */
#ifndef LP_MERGE_ROWFEED_H
#define LP_MERGE_ROWFEED_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/merge/rowkeep.h"
#include "common/row/row.h"
#include "common/row/rowread.h"

enum {
	LP_ROWFEED_INLINE = 2 * 1024 * 1024,
	LP_ROWFEED_SLOTS = 4,
	LP_ROWFEED_ROWS = 4096,      /* of one batch, at most */
	LP_ROWFEED_ROOM = 256 * 1024  /* bytes of listing in one; all slots together fit into a processor's cache */
};

struct lp_rowbatch {
	size_t listing;       /* of which they are, from 0 */
	size_t file;          /* in which that is, from 0 */
	uint64_t layer;       /* its number, from 1, if the file said so; or 0 */
	size_t n;
	struct lp_feedrow {
		struct lp_row *row;
		struct lp_span name;
		uint64_t line; /* from 1 */
	} row[LP_ROWFEED_ROWS];
	int has_end;           /* the end record came behind them */
	struct lp_rowend end;  /* which is kept like a row */
	int status;            /* LP_OK, or what cut the listing short behind them */
	int error;             /* of LP_E_SYS: the errno */
	const char *why;       /* of LP_E_DATA and LP_E_LIMIT: static; of the line, which began at that byte */
	uint64_t line, offset;
	int last;              /* there are no more */
	struct lp_arena names; /* those that do not lie in the room */
	unsigned char room[LP_ROWFEED_ROOM];
};

struct lp_rowfeed {
	int *fd;
	size_t nfds;
	int alone;                 /* one processor: no thread */

	/* ---- who fills has this: the thread, if there is one ---- */
	struct lp_rowkeep keep;
	struct lp_rowread read;
	size_t file, listing;
	uint64_t layer;            /* of the listing, as in a batch */
	int begun;                 /* it has rows, or is a layer's */
	int split;                 /* the next one has begun in the same file */
	struct lp_span left;       /* of the last piece read, in the batch before */
	uint64_t bytes;            /* read so far */

	/* ---- from hand to hand ---- */
	struct lp_rowbatch *slot;
	const struct lp_rowbatch *out; /* the last of them, or NULL */
	int running;               /* there is a thread */
	pthread_t thread;
	sem_t empty, full;         /* slots that are */
};

/* The listings' descriptors stay the caller's. Looks at the processors, so in front of the lock. LP_OK or LP_E_NOMEM. */
int lp_rowfeed_init(struct lp_rowfeed *, const int *fd, size_t n);

/* The next batch, one at least of every listing; NULL behind the last of all, or where a status was the end. */
const struct lp_rowbatch *lp_rowfeed_next(struct lp_rowfeed *);

/*
 * Where the end was not reached, another thread may be waiting for input for
 * as long as it likes: then this frees nothing, and the feed has to last as
 * long as the process. One of zeros is released, too.
 */
void lp_rowfeed_release(struct lp_rowfeed *);

#endif
