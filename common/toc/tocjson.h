/*
 * A table of contents as a blob stores it, in; its JSON, out:
 *
 *   eStargz       a gzip member that holds a tar whose one member is
 *                 stargz.index.json
 *   zstd:chunked  zstd frames that hold the JSON
 *   anything less compressed or wrapped, down to the JSON alone
 *
 * A pull parser; told by the first byte of each layer, never by a name.
 */
#ifndef LP_TOC_TOCJSON_H
#define LP_TOC_TOCJSON_H

#include <stdint.h>

#include "common/base/span.h"
#include "common/codec/inflate.h"
#include "common/tar/tar.h"

enum lp_tocjson_event {
	LP_TOCJSON_MORE,  /* the input is used up */
	LP_TOCJSON_BYTES, /* the next bytes of JSON are in `json` */
	LP_TOCJSON_END,   /* from lp_tocjson_eof only: nothing is missing that can be known of here */
	LP_TOCJSON_CUT,   /* from lp_tocjson_eof only: the input ends inside gzip, zstd or tar */
	LP_TOCJSON_ERROR  /* status, error_offset and why */
};

struct lp_tocjson {
	struct lp_span json; /* LP_TOCJSON_BYTES: until the next call */
	int status;
	uint64_t error_offset; /* of the input, or of the tar in it */
	const char *why;       /* static */

	int state;
	int started;
	int found; /* the tar's one member came */
	struct lp_span plain; /* inflated, and still to be looked at */
	struct lp_inflate inflate;
	struct lp_tar tar;
};

void lp_tocjson_init(struct lp_tocjson *);
void lp_tocjson_release(struct lp_tocjson *);

/* As lp_inflate_next: the same bytes, less what was taken, until LP_TOCJSON_MORE. */
enum lp_tocjson_event lp_tocjson_next(struct lp_tocjson *, struct lp_span *in);

/* The input has ended: call until END, CUT or ERROR. */
enum lp_tocjson_event lp_tocjson_eof(struct lp_tocjson *);

#endif
