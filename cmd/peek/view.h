/*
 * The last stage of lp-peek: rows in on stdin, something to look at out on
 * stdout. Each view runs in a child of its own (lp_stage.run), which locks
 * itself like any filter before it reads the first row.
 */
#ifndef LP_PEEK_VIEW_H
#define LP_PEEK_VIEW_H

#include <stdint.h>

#include "common/row/row.h"
#include "common/view/imagedoc.h"

enum lp_view_kind {
	LP_VIEW_ROWS,    /* the rows again, in `fmt` */
	LP_VIEW_LISTING, /* aligned rows */
	LP_VIEW_TREE,
	LP_VIEW_DU,      /* what lp-merge --du writes, aligned, the largest first */
	LP_VIEW_WASTE,   /* what lp-merge --waste writes, aligned */
	LP_VIEW_HISTORY, /* what lp-merge --summary writes, with what else is known of the layers */
	LP_VIEW_DIFF,    /* rows of stdin (old) and of `other` (new), both sorted */
	LP_VIEW_DOCUMENT, /* rows of stdin are NDJSON */
	LP_VIEW_FIND     /* no view, but a question: see lp_view_found */
};

struct lp_view {
	enum lp_view_kind kind;
	const char *title;   /* a line in front; or NULL */
	struct lp_span foot; /* lines behind, for eyes */
	const struct lp_rowfmt *fmt; /* ROWS, and DIFF unless for_eyes */
	int header;          /* ROWS, HISTORY: the names of the columns first */
	int end;             /* ROWS: the end record last, if there is one */
	int for_eyes;        /* DIFF, HISTORY: for a terminal, not TSV */
	unsigned columns;    /* HISTORY: of that terminal */
	const char *image[2]; /* DIFF: the old one and the new one, by name */
	int colors;
	int utf8;
	int with_layer;      /* LISTING: a layer column */
	uint64_t depth;      /* TREE */
	int other;           /* DIFF: a descriptor on the job's keep list */
	const struct lp_imagedoc *doc; /* DOCUMENT, HISTORY; DIFF: two, whose layers' digests say what is the same file */
	const int *layer_rows; /* DOCUMENT: a descriptor of TSV rows for each layer, on the keep list; or NULL */
	const char *error;   /* DOCUMENT: what is known to have failed, or NULL */
	const char *records; /* DOCUMENT: the key of what lp-merge writes in place of rows, from a view of its own; or NULL */
	const char *name;    /* FIND: looked for (merge/find.h), */
	int follow;          /* through symbolic links */
	size_t above;        /* as the layer above left it */
	int eager;           /* the first member of the name will do */
	const char *layer;   /* FIND: the label of these rows */
	int copy;            /* FIND: a descriptor on the keep list that gets all that is read; 0: none */
};

/* For lp_stage.run with a struct lp_view: the exit code. */
int lp_view_run(void *view);

/*
 * What LP_VIEW_FIND wrote: a line "ANSWER TAB ABOVE TAB OFFSET TAB TYPE TAB NAME",
 * ANSWER being a digit of enum lp_find_answer, ABOVE what the layer below is to be
 * asked with, OFFSET where the member's header is in the tar (or empty), TYPE the
 * first letter of its mode, and NAME the next name to look for, or the name under
 * which it is stored, escaped.
 */
struct lp_found {
	int answer;     /* enum lp_find_answer */
	size_t above;
	uint64_t offset; /* or UINT64_MAX */
	char type;      /* of HERE: '-' for a file, 'h' for a hard link, 'd' */
	char *name;     /* the caller's to free */
};

/* An end record behind what the file holds. LP_OK, LP_E_SYS, LP_E_NOMEM. */
int lp_view_end(int fd, const struct lp_rowend *);

/* Read it back from the start of a file. LP_OK, LP_E_DATA, LP_E_SYS, LP_E_NOMEM. */
int lp_view_found(int fd, struct lp_found *);

#endif
