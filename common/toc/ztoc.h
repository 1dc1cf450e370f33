/*
 * A table of contents that stands beside a layer and not in it: SOCI's ztoc,
 * version 0.9 (soci-snapshotter, ztoc/fbs/ztoc.fbs), a FlatBuffer (toc/flat.h)
 * of what Go's tar reader said of each member, in the order of the tar.
 *
 *	struct lp_ztoc z;
 *	lp_ztoc_init(&z);
 *	if (lp_ztoc_open(&z, all) == LP_OK)
 *		while ((event = lp_ztoc_next(&z)) == LP_TOC_ENTRY)
 *			use z.entry
 *	lp_ztoc_release(&z);
 *
 * Members lie in the tar one behind the other: a table that says otherwise is
 * refused, and so is one whose texts are the same bytes many times over, which
 * makes a small table a long listing. A name given twice is told twice, as
 * the tar has it. What the table has for reading from the middle of the layer
 * (its checkpoints) is held against its size; lp_ztoc_points hands it on.
 */
#ifndef LP_TOC_ZTOC_H
#define LP_TOC_ZTOC_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/codec/points.h"
#include "common/tar/pax.h"
#include "common/toc/flat.h"
#include "common/toc/toc.h"

struct lp_ztoc {
	/* ---- answers ---- */
	struct lp_entry entry; /* LP_TOC_ENTRY: borrowed from `all`, and until the next call; offsets unless it is behind a sparse file */
	uint64_t compressed;   /* bytes of the layer's blob, and of the tar in it */
	uint64_t uncompressed;
	uint64_t entries;      /* told so far */

	int status;            /* LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM */
	uint64_t error_offset; /* the byte of the table to blame */
	const char *why;       /* static */

	/* ---- the reader's own ---- */
	struct lp_flat flat;
	struct lp_flat_vector rows;
	struct lp_flat_vector points;
	int plain;         /* the layer is not compressed */
	uint64_t end;      /* of the member before, in the tar */
	int lost;          /* that was a sparse file: nobody says how much of it the tar holds */
	uint64_t spent;    /* bytes of all texts so far */
	struct lp_pax pax; /* extended attributes, as records again */
	struct lp_buf records;
	struct lp_buf text;
	struct lp_buf xattrs;
};

/* Allocates nothing. */
void lp_ztoc_init(struct lp_ztoc *);
void lp_ztoc_release(struct lp_ztoc *);

/*
 * All bytes of the table, which are borrowed: the sizes are known then. Once. LP_OK, or LP_E_DATA with error_offset and why set.
 */
int lp_ztoc_open(struct lp_ztoc *, struct lp_span all);

/* LP_TOC_ENTRY, LP_TOC_END, or LP_TOC_ERROR, which every further call says again. */
enum lp_toc_event lp_ztoc_next(struct lp_ztoc *);

/*
 * Behind lp_ztoc_open: the places from which the layer's gzip data can be
 * decoded again; their windows are in the table. Where an old writer left the first
 * one out, it is the byte behind a gzip header of 10 bytes. To be released in
 * any case. LP_OK; LP_E_ABSENT: the layer is not compressed; LP_E_DATA, LP_E_NOMEM,
 * with error_offset and why set.
 */
int lp_ztoc_points(struct lp_ztoc *, struct lp_points *);

#endif
