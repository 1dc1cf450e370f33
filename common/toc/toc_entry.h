/*
 * One object of a table of contents' `entries`, decoded.
 */
#ifndef LP_TOC_TOC_ENTRY_H
#define LP_TOC_TOC_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"

/* A piece of a file's content, and where the blob has it. */
struct lp_toc_chunk {
	uint64_t at;     /* first byte, counted in the file */
	uint64_t size;   /* bytes of the file; never 0 */
	uint64_t offset; /* in the blob: of the gzip member or zstd frame to inflate; 0 if not told */
	uint64_t inner;  /* bytes of what that inflates to that come before the chunk */
	uint64_t end;    /* in the blob: behind the file's last frame (zstd:chunked's first chunk); 0 if not told */
	struct lp_span digest; /* sha256 of the chunk, or empty */
};

struct lp_toc_item {
	int is_chunk; /* a chunk row: of the entry only the name is filled */
	struct lp_entry entry;
	struct lp_span digest; /* of the whole content, or empty */
	struct lp_toc_chunk chunk; /* size 0: to the end of the file */

	uint64_t error_offset; /* after a failure: bytes into the JSON */
	const char *why;       /* static */

	json_t *json; /* what the spans point into */
	struct lp_buf xattrs; /* array of struct lp_xattr */
	struct lp_buf values; /* of theirs, decoded */
};

void lp_toc_item_init(struct lp_toc_item *);
void lp_toc_item_release(struct lp_toc_item *);

/*
 * Decode one JSON object. Spans live until the next call. LP_OK;
 * LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM with why and error_offset set.
 */
int lp_toc_item_decode(struct lp_toc_item *, struct lp_span json);

#endif
