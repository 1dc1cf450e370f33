/*
 * Standard output, as a blob's bytes go there: written, hashed beside that,
 * told to whoever draws progress, and, if its reader may stop, no further
 * ahead of it than it has earned.
 */
#ifndef LP_FETCH_OUTLET_H
#define LP_FETCH_OUTLET_H

#include <stdint.h>

#include "common/cli/progress.h"
#include "common/source/blob.h"
#include "common/sys/hasher.h"

/* The bound of what is fetched for a reader that took K bytes: 2 K and this. */
enum { LP_OUTLET_HEAD_START = 256 * 1024 };

struct lp_outlet {
	struct lp_blob *blob;
	uint64_t first, at, last; /* of the blob: asked for from, next byte, asked for to */
	int hashing;              /* all that went out, from the first byte */
	int verified, wrong;      /* all of the blob went out, and its digest is right; or is not */
	int grown;                /* the pipe was */
	struct lp_hasher hash;
	int progress;             /* lp_progress_open's, or -1 */
	int64_t told_ms;
};

/* Bytes of `range` are to go out; nothing is written. Must not be moved afterwards. */
void lp_outlet_init(struct lp_outlet *, struct lp_blob *, const struct lp_range *, int progress);
void lp_outlet_release(struct lp_outlet *); /* one that is all zero is fine */

/*
 * Write them. `paced`: little ahead of the reader, if that is one that may
 * stop. Results as lp_blob_read, or LP_E_PIPE, or LP_E_SYS after saying that
 * it was the output's.
 */
int lp_outlet_copy(struct lp_outlet *, int paced);

/*
 * Once all is out: LP_OK, or LP_E_DATA after saying so if it was the whole
 * blob, and not of the digest that it has. Sets `verified`.
 */
int lp_outlet_check(struct lp_outlet *);

/* Tell how far it has come; what is more than LP_PROGRESS_MORE, at once. */
void lp_outlet_tell(struct lp_outlet *, enum lp_progress_state);

#endif
