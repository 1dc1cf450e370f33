/*
 * Merging layers: rows of one layer after the other, base first, to the
 * root file system that a container would see, and why each other row is
 * not in it (OCI image specification, layer.md, "Applying Changesets").
 *
 *	struct lp_merge m;
 *	lp_merge_init(&m, seed, max_rows);
 *	for each layer:
 *		lp_merge_layer(&m);
 *		for each row: lp_merge_add(&m, row, name);	(merge/rowkeep.h)
 *	lp_merge_finish(&m);
 *	lp_walk_init(&w, &m) ... lp_walk_next(&w) ...	(merge/walk.h)
 *	lp_merge_release(&m);
 *
 * The rules, where the specification leaves room for more than one:
 *
 * - Whiteouts hide what lower layers hold, wherever in their layer they
 *   stand, and are looked up in the tree as it was before their layer.
 *   ".wh..wh..opq" hides all that lies below its directory in lower layers,
 *   not the directory. A whiteout of nothing does nothing.
 * - Other rows apply in their order. A directory over a directory replaces
 *   its attributes and keeps its children; anything else over anything else
 *   replaces all of it. Of two rows for one path in one layer the last wins.
 * - A parent that is a symbolic link is followed inside the root; what it
 *   points to need not exist. Behind more than LP_MERGE_HOPS links, or with
 *   a path above LP_MAX_PLACE, a row has no place: it is counted, and left
 *   out. So is a row for the root that is no directory.
 * - A parent without a row, or that is no directory, becomes a directory of
 *   mode 0755, owner 0:0 and no time, as runtimes make it.
 * - A hard link is another name of the file that its target's path means
 *   when it is added, or meant in lower layers if this one has put nothing
 *   else there or in the way; it stays one when the target is hidden later,
 *   and then has the file's attributes itself. Without a target it stays a
 *   row of its own.
 * - ".wh..wh." names other than the opaque marker are AUFS's own: never
 *   visible, but targets of hard links. ".wh.", ".wh..", ".wh..." name
 *   nothing: counted, and left out.
 */
#ifndef LP_MERGE_MERGE_H
#define LP_MERGE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/merge/arena.h"
#include "common/merge/rowkeep.h"

enum {
	LP_MERGE_HOPS = 255,      /* symbolic links followed for one path: containerd's bound */
	LP_MERGE_LAYERS = 65534   /* layers in one merge */
};

/* Why a row is not visible. */
enum lp_hidden {
	LP_HIDDEN_NOT,
	LP_HIDDEN_OVERWRITTEN, /* a later row for the same path */
	LP_HIDDEN_WHITEOUT,    /* a whiteout of it or of a directory above it */
	LP_HIDDEN_OPAQUE,      /* a directory above it was made opaque */
	LP_HIDDEN_PARENT,      /* a directory above it was replaced by something else */
	LP_HIDDEN_METADATA     /* it is AUFS's own, and no file of the image */
};

struct lp_children;
struct lp_node;

/* A name that more than one row has: the file behind a hard link. */
struct lp_inode {
	struct lp_row *first; /* whose attributes it has */
	struct lp_row *shown; /* after lp_merge_finish: the visible row that stands for it, or NULL */
	const struct lp_node *first_at, *shown_at; /* where these two are */
	uint32_t nlink;       /* after lp_merge_finish: visible names */
	uint32_t number;      /* from 1 */
};

struct lp_merge {
	/* ---- what there is to tell; of all layers so far ---- */
	uint64_t rows;          /* added */
	uint64_t unplaced;      /* behind too many links, or too deep: left out */
	uint64_t no_root;       /* for the root, but no directory: left out */
	uint64_t bad_whiteouts; /* ".wh." alone and the like: left out */
	uint64_t dangling;      /* hard links without a target */
	unsigned layers;

	/* ---- inside ---- */
	uint64_t max_rows;
	uint64_t seed;
	uint64_t work;                /* steps that are not bounded by the number of rows: see SPENT */
	uint64_t nodes;               /* of the tree */
	struct lp_rowkeep keep;       /* what is not in any listing: implied rows, and the tree */
	struct lp_node *root;
	struct lp_children *tables;   /* of all directories that have one, newest first */
	struct lp_link {
		struct lp_row *row;
		const struct lp_node *at;
	} *links;                     /* all hard links */
	size_t nlinks, links_cap;
	uint32_t inodes;
	struct lp_late *late, **late_end; /* rows that wait for the end of their layer */
	struct lp_arena late_text;
	struct lp_node *cached;       /* what `cached_dir` means */
	struct lp_buf cached_dir;     /* as it stood in a name */
	int straight;                 /* which is its path, too: no link led there */
	struct lp_buf clean;
	int through_lower;            /* a lower layer's link was followed */
	int finished;
};

/*
 * `seed` goes into the hash function, so that nobody can choose names that
 * collide: any number that others do not know. Above max_rows adding fails.
 * LP_OK or LP_E_NOMEM.
 */
int lp_merge_init(struct lp_merge *, uint64_t seed, uint64_t max_rows);
void lp_merge_release(struct lp_merge *);

/* The next layer begins. LP_OK, or LP_E_LIMIT (above LP_MERGE_LAYERS) or as lp_merge_add. */
int lp_merge_layer(struct lp_merge *);

/*
 * Add a row that has no place yet to the current layer; it is the merge's
 * from then on, but where it is kept is not. Nothing of the name is borrowed.
 * LP_OK, LP_E_NOMEM, or LP_E_LIMIT above max_rows or where layers hide and
 * show the same things so often, or imply so many directories, that it can
 * only be malice. After a failure
 * only lp_merge_release makes sense.
 */
int lp_merge_add(struct lp_merge *, struct lp_row *, struct lp_span name);

/* The last layer is complete: hard links find out whose name stands for the file. Results as lp_merge_add. */
int lp_merge_finish(struct lp_merge *);

/* After lp_merge_finish: the root as a directory that no listing names, if none does. LP_OK or LP_E_NOMEM. */
int lp_merge_imply_root(struct lp_merge *);

/* The word for it, as -a prints it; "" for LP_HIDDEN_NOT. */
const char *lp_hidden_name(enum lp_hidden);

#endif
