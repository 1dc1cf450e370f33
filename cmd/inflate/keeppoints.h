/*
 * lp-inflate --points: a file of points (codec/gzidx.h), made while all of a
 * gzip input is decoded. It stays empty if that does not come to its end.
 */
#ifndef LP_INFLATE_KEEPPOINTS_H
#define LP_INFLATE_KEEPPOINTS_H

#include <stdint.h>

#include "common/codec/inflate.h"
#include "common/codec/points.h"

/* 32 KiB of memory each: 32 MiB. With 4 MiB between them that is the first 4 GiB; then they stand further apart. */
enum { LP_KEEPPOINTS_MAX = 1024 };

struct lp_keeppoints {
	/* ---- the caller's ---- */
	const char *file;  /* NULL: none are wanted, and the rest is empty */
	uint64_t spacing;

	/* ---- inside ---- */
	int fd;
	struct lp_points points;
};

/* None yet; allocates nothing. To be released in any case. */
void lp_keeppoints_init(struct lp_keeppoints *);
/* Before the lock: the file is made, or emptied, unless it is the input. LP_OK, or LP_E_SYS or LP_E_USAGE after a message. */
int lp_keeppoints_open(struct lp_keeppoints *, int input);
void lp_keeppoints_release(struct lp_keeppoints *);

/* The parser is told that points are wanted. */
void lp_keeppoints_begin(struct lp_keeppoints *, struct lp_inflate *);

/* Behind LP_INFLATE_POINT. LP_OK, or LP_E_NOMEM after a message. */
int lp_keeppoints_add(struct lp_keeppoints *, struct lp_inflate *);

/* Behind LP_INFLATE_END: they are written; of what is not gzip, that there are none is noted. LP_OK, or a failure that was said. */
int lp_keeppoints_end(struct lp_keeppoints *, const struct lp_inflate *, const char *input_name);

#endif
