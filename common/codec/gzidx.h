/*
 * GZIDX, the file format of indexed_gzip for points of gzip data
 * (codec/points.h), versions 0 and 1; numbers are little-endian:
 *
 *	"GZIDX"  version  flags (0)                       5 + 1 + 1 bytes
 *	bytes of the compressed file, of the plain one    8 + 8; the second may be 0: unknown
 *	spacing, bytes of a window, number of points      4 + 4 + 4
 *	for each point: in, out, bits, has a window       8 + 8 + 1 + 1; in version 0 without the last
 *	the windows of those that have one
 *
 * Version 0 has a window for all but the first point. A point without one is
 * where a stream begins, behind the header of its member. A window is always
 * of the same size, and padded in front where there was less output.
 */
#ifndef LP_CODEC_GZIDX_H
#define LP_CODEC_GZIDX_H

#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/points.h"

/* Bytes of such a file that are read at most, and how many points it can have, each with a window. */
#define LP_GZIDX_MAX ((uint64_t)512 * 1024 * 1024)
enum { LP_GZIDX_POINTS_MAX = (LP_GZIDX_MAX - 35) / (32 * 1024 + 18) };

struct lp_gzidx_error {
	const char *why; /* static */
	uint64_t at;     /* byte of the file */
};

/*
 * The points of a whole file, which must outlive them: the windows are in it.
 * LP_OK; LP_E_DATA with *error; LP_E_NOMEM. To be released in any case.
 */
int lp_gzidx_read(struct lp_points *, struct lp_span file, struct lp_gzidx_error *error);

/*
 * The same points as a file of version 1, piece by piece. LP_OK, LP_E_NOMEM,
 * or what `put` says, if that is not LP_OK.
 */
typedef int lp_gzidx_put(void *, struct lp_span);
int lp_gzidx_write(const struct lp_points *, lp_gzidx_put *put, void *arg);

#endif
