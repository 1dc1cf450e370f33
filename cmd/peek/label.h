/*
 * The last stage where lp-peek asks several images one question: their
 * answers, one after the other, each labelled by its image. It runs in a
 * child of its own (lp_stage.run), which locks itself like any filter.
 */
#ifndef LP_PEEK_LABEL_H
#define LP_PEEK_LABEL_H

enum lp_label_how {
	LP_LABEL_NONE,   /* the answer has its image's name already */
	LP_LABEL_COLUMN, /* lines get one more column, records the field image=NAME */
	LP_LABEL_TITLE,  /* for eyes: a line before the first one */
	LP_LABEL_KEY,    /* lines are objects: each gets the key "image" first */
	LP_LABEL_OBJECT  /* all of it is one document, which goes below "config" beside that key */
};

struct lp_label {
	enum lp_label_how how;
	const char *image;
	int json;          /* NONE: the answer is JSON */
	unsigned column;   /* COLUMN: which one it is, from 0 */
	char end;          /* of each line: '\n' or '\0' */
	int header;        /* COLUMN: the first line has the columns' names, and is wanted once of all images */
	unsigned *written; /* answers that were not empty, in memory that all stages share */
};

/* For lp_stage.run with a struct lp_label: the exit code. */
int lp_label_run(void *label);

#endif
