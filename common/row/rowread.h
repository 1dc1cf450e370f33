/*
 * Reading rows: TSV and NDJSON as lp-tarls and the others write them
 * (lp(5), "TSV", "NDJSON", "End record"), as bytes in, events out.
 *
 *	struct lp_rowread r;
 *	lp_rowread_init(&r);
 *	for (;;) {
 *		switch (lp_rowread_next(&r, &in)) {
 *		case LP_ROWREAD_MORE:	read on; at the end of input lp_rowread_eof(&r)
 *		case LP_ROWREAD_ROW:	use r.entry
 *		...
 *	}
 *	lp_rowread_release(&r);
 *
 * A line says itself what it is: an object is NDJSON, "#end" the end
 * record, names of columns a header row (first line only), all else TSV.
 * What a TSV line holds is not copied: spans of the entry lie in the input,
 * only a field with a backslash in it is undone into memory of the reader.
 * How the input is cut into spans does not matter.
 *
 * An end record that counts other rows than came before it is that of a
 * listing that was damaged, or filtered: it is not complete, and its reason
 * says so.
 *
 * -0 records are not read: their names are not escaped, so one that holds
 * a tab could not be told from a name and a link target.
 */
#ifndef LP_ROW_ROWREAD_H
#define LP_ROW_ROWREAD_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/row/row.h"
#include "common/row/rowhead.h"

enum lp_rowread_event {
	LP_ROWREAD_MORE,  /* the span is used up; from lp_rowread_eof: the input ends well */
	LP_ROWREAD_ROW,   /* entry is filled */
	LP_ROWREAD_END,   /* the end record: end is filled; nothing may follow it, but a layer */
	LP_ROWREAD_LAYER, /* with `sections`: the listing of another layer begins, layer is filled */
	LP_ROWREAD_ERROR  /* status, why, line and offset say what; every further call says it again */
};

struct json_t;

struct lp_rowread {
	/* ---- the caller's, to be set behind lp_rowread_init ---- */
	int tail;              /* rows came before the first that is read: the end record counts them, too */
	int lazy;              /* of a row that is plain, fill `row` and not `entry` */
	int merged;            /* rows without a header row may be lp-merge's, which have a column or three more */
	int sections;          /* what lp-peek --layers writes is read: the listings of one image, a line in front of each */

	/* ---- answers ---- */
	struct lp_entry entry; /* of the last ROW; borrowed until the next call, and while the input lives */
	int plain;             /* whether the last ROW was in exactly the form that lp_row_write gives default columns */
	struct lp_plainrow row; /* of a plain one: its parts; borrowed like entry */
	struct lp_rowend end;  /* of END; its texts are the reader's, until release */
	uint64_t layer;        /* of LAYER: its number, from 1 */
	struct lp_span text;   /* the line of the last ROW or END, without its newline; borrowed like entry */
	uint64_t line;         /* of the last event, from 1 */
	uint64_t offset;       /* bytes of input before that line */
	int status;            /* of ERROR: LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM */
	const char *why;       /* of ERROR: static */

	/* ---- what the lines have been so far ---- */
	struct lp_rowfmt fmt;  /* of the last row: its form, and the columns of TSV rows */
	int header;            /* a header row came first */
	int ended;             /* the end record has been seen */
	int has_image;         /* a line that names the image, too */

	/* ---- inside ---- */
	uint64_t next_offset;
	uint64_t first_line;   /* which may be a header row, less 1 */
	uint64_t rows;         /* so far */
	int counted;           /* the end record said how many there are */
	int default_columns;   /* TSV rows have them */
	struct lp_rowhead head; /* of the last plain row */
	int type_rank;         /* how well the entry's type is known */
	struct lp_buf partial; /* a line whose end has not come yet */
	struct lp_buf undone;  /* fields without their escapes */
	struct lp_buf end_text[LP_ROWEND_TEXTS]; /* what end borrows */
	struct json_t *json;         /* the object that entry borrows from */
	struct lp_xattr *xattrs;
	size_t xattrs_cap;
};

void lp_rowread_init(struct lp_rowread *);
void lp_rowread_release(struct lp_rowread *);

/* The next event; takes what it used off the front of *in. */
enum lp_rowread_event lp_rowread_next(struct lp_rowread *, struct lp_span *in);

/*
 * There is no more input: a last line without its newline is a line all the
 * same. Call until it answers MORE or ERROR.
 */
enum lp_rowread_event lp_rowread_eof(struct lp_rowread *);

#endif
