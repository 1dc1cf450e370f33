/*
 * The content of one file out of an indexed layer: where its chunks lie in
 * the blob, and whether the bytes that come out of there are theirs.
 *
 * First the table of contents tells (lp_chunks_begin, lp_chunks_add,
 * lp_chunks_next), then the inflated bytes of the range are held against it:
 * cmd/cat/toccat.h.
 */
#ifndef LP_TOC_CHUNKS_H
#define LP_TOC_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/span.h"
#include "common/toc/toc_entry.h"

struct lp_chunks {
	uint64_t size;  /* of the file */
	/* in the blob: its first byte, and the first byte behind it; end 0: to the blob's end, as far as is known */
	uint64_t first, end;
	uint64_t inner; /* bytes of what is inflated that come before the file */
	uint64_t last;  /* where the last chunk begins */
	char digest[LP_DIGEST_SHA256 + 1]; /* of all of it, "" if there is none */
	struct lp_buf list; /* of struct lp_chunks_one */
};

struct lp_chunks_one {
	uint64_t size;
	char digest[LP_DIGEST_SHA256 + 1]; /* "" if there is none */
};

void lp_chunks_init(struct lp_chunks *);
void lp_chunks_release(struct lp_chunks *);

/* The file and its first chunk. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_chunks_begin(struct lp_chunks *, uint64_t size, struct lp_span digest, const struct lp_toc_chunk *);
/* A further chunk of it. */
int lp_chunks_add(struct lp_chunks *, const struct lp_toc_chunk *);

/*
 * Some chunk of a later file: its place is where this file's bytes end at
 * the latest. 1 if the end is known now, 0 if not.
 */
int lp_chunks_next(struct lp_chunks *, const struct lp_toc_chunk *);

/* NULL if the range makes sense, or why not (static). */
const char *lp_chunks_wrong(const struct lp_chunks *);

static inline size_t
lp_chunks_count(const struct lp_chunks *c)
{
	return c->list.n / sizeof(struct lp_chunks_one);
}

static inline const struct lp_chunks_one *
lp_chunks_get(const struct lp_chunks *c, size_t i)
{
	return (const struct lp_chunks_one *)(const void *)c->list.p + i;
}

#endif
