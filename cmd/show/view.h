/*
 * What lp-show draws: rows in, something to look at out on stdout. The
 * command line has become a struct lp_view, its files are open and the
 * process is locked before lp_view reads the first byte.
 */
#ifndef LP_SHOW_VIEW_H
#define LP_SHOW_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "common/row/row.h"

enum lp_view_kind {
	LP_VIEW_TABLE,   /* aligned rows; or, as rows, the same again in `fmt` */
	LP_VIEW_TREE,
	LP_VIEW_DU,      /* what lp-merge --du writes, aligned, the largest first */
	LP_VIEW_WASTE,   /* what lp-merge --waste writes, aligned */
	LP_VIEW_HISTORY, /* what lp-merge --summary writes, with what else is known of the layers */
	LP_VIEW_DIFF,    /* rows of two files, the old ones and the new ones, both sorted by path */
	LP_VIEW_HTML,    /* a page for a browser: html.h */
	LP_VIEW_DOCUMENT, /* rows of the first file are NDJSON; the others have each layer's own rows */
	LP_VIEW_FIND     /* no view, but a question: view_find.c */
};

/* An input, opened. */
struct lp_view_file {
	int fd;
	const char *name; /* in messages */
	int spool;        /* DIFF: a file for what cannot be read twice; -1: it can */
};

enum { LP_VIEW_ASKS = 64 }; /* as many as lp-peek --cat asks at a time */

/* A name, and the bytes of it that the layer above has left as a directory (struct lp_find). */
struct lp_view_ask {
	const char *name;
	size_t above;
};

struct lp_view {
	enum lp_view_kind kind;
	int rows;            /* TSV in place of what is for eyes: TABLE, DIFF, HISTORY */
	const char *title;   /* a line in front; or NULL */
	struct lp_view_file notes; /* lines behind; fd -1: none */
	struct lp_view_file about[2]; /* what else is known of the image (about.h), -1: nothing; the second is of DIFF's new one */
	struct lp_rowfmt fmt; /* of rows */
	int header;          /* the names of the columns first */
	int end;             /* the end record last, if there is one */
	unsigned width;      /* HISTORY: columns of the terminal */
	int colors;
	int utf8;
	uint64_t depth;      /* TREE */
	struct lp_view_file *file; /* the inputs; stdin, if none was named */
	size_t nfiles;
	const char *records; /* DOCUMENT: the key of what lp-merge writes in place of rows; or NULL */
	struct lp_view_ask ask[LP_VIEW_ASKS]; /* FIND: what is looked for (merge/find.h), each answered by a line */
	size_t nasks;
	int eager;           /* the first member of a name will do */
	int copy;            /* gets all that is read; -1: none */

	uint64_t entries;    /* rows read */
};

/* LP_OK, LP_E_PIPE, or a failure after a message. */
int lp_view(struct lp_view *);

#endif
