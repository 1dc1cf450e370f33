/*
 * Going over what merge/merge.h has merged: path by path, in the bytewise
 * order of whole paths (what `LC_ALL=C sort` calls sorted, in which "a-b"
 * stands between "a" and "a/b") or nested, directory by directory.
 *
 *	lp_walk_init(&w, &m, LP_WALK_VISIBLE);
 *	while ((rc = lp_walk_next(&w)) > 0)
 *		use w.path, w.row, lp_walk_entry(&w, w.row, &entry)
 *	lp_walk_release(&w);
 */
#ifndef LP_MERGE_WALK_H
#define LP_MERGE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/merge/merge.h"

enum lp_walk_mode {
	LP_WALK_VISIBLE, /* paths where something is visible */
	LP_WALK_ALL,     /* every path that a row of a listing was placed at */
	LP_WALK_NESTED   /* visible; a directory is followed by what lies in it, and by LP_WALK_LEAVE */
};

enum { LP_WALK_PATH = 1, LP_WALK_LEAVE = 2 };

struct lp_walk_frame {
	const struct lp_node *dir;
	struct lp_node *next; /* child */
	uint32_t waiting; /* of the stack below belong to lower frames */
};

struct lp_walk {
	/* of the last LP_WALK_PATH, until the next call: */
	struct lp_span path;    /* from the root, "." for the root itself */
	struct lp_span name;    /* its last component */
	struct lp_row *row;     /* the visible one there, or else the newest */
	const struct lp_node *node;
	size_t depth;           /* components; 0 for the root */
	int clean;              /* no byte of the path needs an escape in a row */

	/* ---- inside ---- */
	struct lp_merge *merge;
	enum lp_walk_mode mode;
	struct lp_buf text;     /* the path */
	struct lp_buf link;     /* the path of a hard link's file */
	int root_due;
	struct lp_walk_frame *frames;
	size_t nframes, frames_cap;
	struct lp_node **wait;  /* directories whose inside is still to come */
	size_t nwait, wait_cap;
};

/* Start over what lp_merge_finish has finished. The merge must live on and not change. */
void lp_walk_init(struct lp_walk *, struct lp_merge *, enum lp_walk_mode);
void lp_walk_release(struct lp_walk *);

/* LP_WALK_PATH, LP_WALK_LEAVE (nested only), 0 behind the last, LP_E_NOMEM. */
int lp_walk_next(struct lp_walk *);

/* Once the walk is over: make a node and row that it has come by the last LP_WALK_PATH again. LP_OK or LP_E_NOMEM. */
int lp_walk_back(struct lp_walk *, const struct lp_node *, struct lp_row *);

/* The row of w->node that comes after that one: hidden ones, newest first. NULL behind the last. */
const struct lp_row *lp_walk_older(const struct lp_walk *, const struct lp_row *);

/*
 * A row of w->node as it is to be printed: named by its path, a hard link by
 * the path and with the attributes of its file, or as that file where it
 * has to stand for it. Borrows from the merge and from *w until the next call
 * of either function. LP_OK or LP_E_NOMEM.
 */
int lp_walk_entry(struct lp_walk *, const struct lp_row *, struct lp_entry *);

/* The newest row of a node, hidden or not. */
const struct lp_row *lp_walk_newest(const struct lp_node *);
/* Its path. LP_OK or LP_E_NOMEM. */
int lp_walk_path_of(const struct lp_node *, struct lp_buf *);

/* The totals of all directories, for lp_walk_total. Bytes above LP_MAX_SIZE are that. */
void lp_walk_totals(struct lp_merge *);
/* Visible bytes and entries below w->node. */
void lp_walk_total(const struct lp_walk *, uint64_t *bytes, uint64_t *entries);

#endif
