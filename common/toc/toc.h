/*
 * The table of contents of an indexed layer: its JSON as bytes in, events
 * out. One entry is held at a time, so a table of a million entries costs
 * no more memory than 20 bytes for each name.
 *
 * The JSON is {"version":1,"entries":[...]} as eStargz defines it
 * (stargz-snapshotter docs/estargz.md, "TOC") and as zstd:chunked has taken
 * it over. What its readers understand differently is refused, because a
 * listing that a runtime does not share is worse than none: a name given
 * twice, a key given twice or in another case (Go's reader does not mind
 * the case), entries that contradict themselves.
 *
 *	struct lp_toc t;
 *	lp_toc_init(&t, seed);
 *	switch (lp_toc_next(&t, &in)) {
 *	case LP_TOC_MORE:	read on; at the end of input lp_toc_eof(&t)
 *	case LP_TOC_ENTRY:	use t.entry, and t.chunk if it has content
 *	case LP_TOC_CHUNK:	t.chunk is a further piece of the last entry
 *	...
 *	lp_toc_release(&t);
 */
#ifndef LP_TOC_TOC_H
#define LP_TOC_TOC_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/jsonlist.h"
#include "common/base/map.h"
#include "common/base/span.h"
#include "common/toc/toc_entry.h"

enum lp_toc_event {
	LP_TOC_MORE,      /* the span is used up */
	LP_TOC_ENTRY,     /* a member of the layer: entry, digest, and chunk if entry.size is not 0 */
	LP_TOC_CHUNK,     /* the next chunk of the last entry */
	LP_TOC_END,       /* from lp_toc_eof only: the JSON is whole */
	LP_TOC_TRUNCATED, /* from lp_toc_eof only: it is not */
	LP_TOC_ERROR      /* status, error_offset and why say what; every further call says it again */
};

struct lp_toc {
	/* ---- answers; entry and spans are borrowed until the next call ---- */
	struct lp_entry entry; /* user and group names as carried forward; no offsets: a TOC knows none of the tar */
	struct lp_span digest; /* of the whole content, or empty */
	struct lp_toc_chunk chunk;

	int status;            /* LP_TOC_ERROR: LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM */
	uint64_t error_offset; /* in bytes of the JSON, of the entry or the place to blame */
	const char *why;       /* static */

	uint64_t offset;  /* bytes of JSON taken in */
	uint64_t entries; /* LP_TOC_ENTRY events so far */

	/* ---- the reader's own ---- */
	struct lp_jsonlist json;
	int key;  /* of the outermost object: which one's value is being read */
	int seen; /* which of them came */
	struct lp_toc_item item; /* the entry decoded last */
	int content;    /* it is a file whose chunks are being followed */
	int hidden;     /* which is not part of the image (a landmark) */
	uint64_t covered; /* bytes of it that its chunks told so far */
	struct lp_buf file; /* its name */
	uint64_t file_size;
	uint64_t seed;
	struct lp_map names;  /* every name seen */
	struct lp_buf normal; /* a name in normal form */
	struct lp_map owners; /* of uids and gids: where their names are in `strings` */
	struct lp_buf strings;
};

/* `seed`: any number that the writer of the table could not know. Allocates nothing. */
void lp_toc_init(struct lp_toc *, uint64_t seed);
void lp_toc_release(struct lp_toc *);

enum lp_toc_event lp_toc_next(struct lp_toc *, struct lp_span *in);

/* There is no more input. */
enum lp_toc_event lp_toc_eof(struct lp_toc *);

/* Whether a name, in normal form, is one that index writers add for themselves: the TOC, a landmark. */
int lp_toc_is_index(struct lp_span name);

#endif
