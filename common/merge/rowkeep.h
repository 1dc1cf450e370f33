/*
 * Rows as a merge keeps them: as the text that they are written as again,
 * but for the name, which is a place in the tree of all paths.
 *
 * Who reads a listing keeps its rows, which need not be the thread that
 * merges them: making a row and finding its place know nothing of each other.
 */
#ifndef LP_MERGE_ROWKEEP_H
#define LP_MERGE_ROWKEEP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/merge/arena.h"
#include "common/row/rowhead.h"

struct lp_inode;

/* Where rows are. */
struct lp_rowkeep {
	struct lp_arena objects, text;
};

/*
 * One row. Most are only written again: so it is kept as the text that it is
 * written as, the head (row/rowhead.h) and, not escaped, the link's target.
 * What fits no column of most listings is in `more`.
 */
struct lp_row {
	struct lp_row *older;   /* of the same path, hidden by this one or before it */
	struct lp_inode *inode; /* of a file with hard links and of the links; else NULL */
	const struct lp_row_more *more; /* or NULL */
	uint32_t link_n;
	uint32_t seq;     /* of all rows that were added: its number */
	uint16_t layer;   /* from 0, base first */
	uint16_t by;      /* layer that hid it, if why is not LP_HIDDEN_NOT */
	uint16_t head_n;  /* of 8 bits, gcc would copy the head by rep movs: far slower for so few bytes */
	char type;
	uint8_t why : 4;     /* enum lp_hidden */
	uint8_t implied : 1; /* no row of a listing: a parent that had to be there */
	uint8_t clean : 1;   /* the target needs no escape */
	uint8_t plain : 1;   /* and neither did the name */
	uint8_t device00 : 1; /* overlayfs' own whiteout, a character device 0,0 */
	unsigned char text[]; /* head_n and link_n bytes */
};

/* What few rows have. */
struct lp_row_more {
	unsigned has; /* LP_HAS_*; LP_HAS_MTIME for a time that no text can say */
	struct lp_span uname, gname, digest;
	const struct lp_xattr *xattrs;
	size_t nxattrs;
	uint32_t devmajor, devminor;
	uint64_t header_offset, data_offset;
	int64_t mtime;
	uint32_t mtime_nsec;
	char typeflag;
};

static inline struct lp_span
lp_row_head(const struct lp_row *row)
{
	return lp_span(row->text, row->head_n);
}

static inline struct lp_span
lp_row_link(const struct lp_row *row)
{
	return lp_span(row->text + row->head_n, row->link_n);
}

static inline uint64_t
lp_row_size(const struct lp_row *row)
{
	return lp_rowhead_size(lp_row_head(row));
}

/* All that a row says but its name, into an entry; borrowed from where it is kept. */
void lp_row_entry(const struct lp_row *, struct lp_entry *);

void lp_rowkeep_init(struct lp_rowkeep *);
/* All its rows are gone. */
void lp_rowkeep_release(struct lp_rowkeep *);

/* The row, a copy; NULL without memory. */
struct lp_row *lp_rowkeep_plain(struct lp_rowkeep *, const struct lp_plainrow *);
struct lp_row *lp_rowkeep_entry(struct lp_rowkeep *, const struct lp_entry *);
/* A directory that no listing has: mode 0755, owner 0:0, no time. NULL without memory. */
struct lp_row *lp_rowkeep_implied(struct lp_rowkeep *);
/* The same with the attributes of another one. */
struct lp_row *lp_rowkeep_implied_as(struct lp_rowkeep *, const struct lp_row *);
/* The same as the first, with room for the attributes of any other, which lp_row_imply_as gives it later. */
struct lp_row *lp_rowkeep_implied_late(struct lp_rowkeep *);
void lp_row_imply_as(struct lp_row *, const struct lp_row *);

#endif
