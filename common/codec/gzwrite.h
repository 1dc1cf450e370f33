/*
 * Writes a gzip file of one member (RFC 1952), piece by piece, into a
 * caller's buffer. Bytes in, bytes out.
 */
#ifndef LP_CODEC_GZWRITE_H
#define LP_CODEC_GZWRITE_H

#include "common/base/buf.h"
#include "common/base/span.h"

struct lp_gzwrite {
	void *deflate; /* zlib's state */
};

/* LP_OK or LP_E_NOMEM. */
int lp_gzwrite_init(struct lp_gzwrite *);

/* Append what is ready of the compressed form; the rest comes with later calls. LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_gzwrite_add(struct lp_gzwrite *, struct lp_span, struct lp_buf *);

/* Append the rest and the trailer; nothing may be added then. Results as lp_gzwrite_add. */
int lp_gzwrite_end(struct lp_gzwrite *, struct lp_buf *);

/* Also of one whose init failed. */
void lp_gzwrite_release(struct lp_gzwrite *);

#endif
