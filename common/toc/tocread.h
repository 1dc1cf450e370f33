/*
 * A table of contents read from a descriptor: the bytes as a blob stores
 * them (toc/tocjson.h) become events (toc/toc.h), and are held
 * against a digest before the first of them is told.
 */
#ifndef LP_TOC_TOCREAD_H
#define LP_TOC_TOCREAD_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/sys/input.h"
#include "common/toc/toc.h"
#include "common/toc/tocjson.h"

struct lp_tocread {
	struct lp_toc toc; /* entry, digest and chunk of the last event; offset and entries so far */
	const char *name;  /* of the input, for messages */

	struct lp_input input;
	uint64_t start;      /* where the input begins, if it is a file */
	struct lp_buf kept;  /* the input, where it cannot be read twice */
	size_t replayed;
	int keep;            /* ... and was kept */
	struct lp_tocjson json;
	struct lp_span in;   /* read, and still to be unwrapped */
	struct lp_span text; /* JSON still to be read */
	int eof;
};

/* Before the lock. `name` must stay valid. LP_OK, or a failure that was said. */
int lp_tocread_open(struct lp_tocread *, int fd, const char *name);
void lp_tocread_release(struct lp_tocread *);

/*
 * Read all of it (LP_MAX_TOC bytes at most) and hold it against a digest:
 * that of the bytes as they are (zstd:chunked), or that of the JSON in
 * them (eStargz). A pipe's bytes are kept in memory for what follows.
 * LP_OK, or a failure that was said; LP_E_DATA if it is neither's.
 */
int lp_tocread_verify(struct lp_tocread *, struct lp_span digest);

/*
 * The next LP_TOC_ENTRY or LP_TOC_CHUNK; LP_TOC_END, LP_TOC_TRUNCATED (the
 * input ends early), or LP_TOC_ERROR, which was said; its status is
 * toc.status, LP_E_SYS included.
 */
enum lp_toc_event lp_tocread_next(struct lp_tocread *);

/* Whether lp_tocread_next is about to read, and may have to wait. */
int lp_tocread_waits(const struct lp_tocread *);

/* From the first entry again. Only for a file, or after lp_tocread_verify. */
void lp_tocread_rewind(struct lp_tocread *);

#endif
