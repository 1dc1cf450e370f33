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
 * The rules are those of containerd's overlay snapshots, which
 * test/oracle/runtimes has recorded: each layer is unpacked by itself, then
 * laid over those below it.
 *
 * Within a layer:
 * - Rows apply in their order. A directory over a directory takes the new
 *   one's attributes and keeps what is in it; anything else replaces what
 *   was at its path and below.
 * - A parent that is a symbolic link of the same layer is followed, inside
 *   the root. A parent that the layer has not yet becomes a directory. Behind
 *   more than LP_MERGE_HOPS links, or with a path above LP_MAX_PLACE, a row
 *   has no place, and is left out.
 * - A hard link is another name of the file that its target means when it
 *   is added, and its header sets the attributes of that file.
 *
 * Layer over layer:
 * - A directory over a directory replaces its attributes, anything else over
 *   anything else hides all of it. A directory that is only there as a
 *   parent has the attributes of the one that it is laid over; mode 0755,
 *   owner 0:0 and no time where there is none.
 * - Whiteouts hide what lower layers hold, wherever in their layer they
 *   stand. ".wh..wh..opq" hides all that lies below its directory in lower
 *   layers, not the directory; at the root it hides nothing. Their parents are
 *   parents as those of any row. A character device 0,0 hides what it lies
 *   over, and is not seen.
 *
 * What a runtime refuses, or shows otherwise than another, is a finding
 * (merge/check.h); the row is applied as its author can have meant it. Without
 * `check` few kinds are looked for, and the first of each sort is kept.
 */
#ifndef LP_MERGE_MERGE_H
#define LP_MERGE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/base/span.h"
#include "common/merge/arena.h"
#include "common/merge/check.h"
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
	LP_HIDDEN_DEVICE,      /* it is overlayfs' own whiteout */
	LP_HIDDEN_SAME         /* implied, and there is a directory already: no view has it */
};

struct lp_merge_found {
	enum lp_finding what;
	uint16_t layer;
	struct lp_span name; /* as the row has it */
};

struct lp_children;
struct lp_node;

/* A name that more than one row has: the file behind a hard link. */
struct lp_inode {
	struct lp_row *first;  /* whose type and content it has */
	struct lp_row *header; /* whose owner, mode and time: that of the last hard link */
	const struct lp_xattr *xattrs; /* after lp_merge_finish: of all of them together */
	size_t nxattrs;
	struct lp_row *shown; /* after lp_merge_finish: the visible row that stands for it, or NULL */
	const struct lp_node *first_at, *shown_at; /* where these two are */
	uint32_t nlink;       /* after lp_merge_finish: visible names */
	uint32_t number;      /* from 1 */
};

struct lp_merge {
	/* ---- what there is to tell; of all layers so far ---- */
	uint64_t rows;          /* added */
	unsigned layers;
	struct lp_merge_found note, refusal; /* the first of what runtimes take, and of what they refuse */
	uint64_t refused;       /* how many of the latter */
	uint64_t found;         /* a bit for each kind that there was */
	struct lp_merge_found *finding; /* with `check` all of them: after lp_merge_finish by layer, name and kind, each once */
	size_t nfindings;

	/* ---- the caller's, before the first layer ---- */
	int check;

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
	struct lp_node *cached;       /* what `cached_dir` means */
	struct lp_buf cached_dir;     /* as it stood in a name */
	int straight;                 /* which is its path, too: no link led there */
	struct lp_buf clean;
	size_t findings_cap;
	struct lp_map names;          /* of the current layer, with `check` */
};

/*
 * `seed` goes into the hash function, so that nobody can choose names that
 * collide: any number that others do not know. Above max_rows adding fails.
 * LP_OK or LP_E_NOMEM.
 */
int lp_merge_init(struct lp_merge *, uint64_t seed, uint64_t max_rows);
void lp_merge_release(struct lp_merge *);

/* The next layer begins. LP_OK, or LP_E_LIMIT above LP_MERGE_LAYERS. */
int lp_merge_layer(struct lp_merge *);

/*
 * Add a row that has no place yet to the current layer; it is the merge's
 * from then on, but where it is kept is not. Nothing of the name is borrowed.
 * LP_OK, LP_E_NOMEM, or LP_E_LIMIT above max_rows or where so many
 * directories are implied, or links followed, that it can only be malice.
 * After a failure only lp_merge_release makes sense.
 */
int lp_merge_add(struct lp_merge *, struct lp_row *, struct lp_span name);

/* The last layer is complete: what hides what, and whose name stands for each file with several. Results as lp_merge_add. */
int lp_merge_finish(struct lp_merge *);

/* After lp_merge_finish: the root as a directory that no listing names, if none does. LP_OK or LP_E_NOMEM. */
int lp_merge_imply_root(struct lp_merge *);

/* The word for it, as -a prints it; "" for LP_HIDDEN_NOT. */
const char *lp_hidden_name(enum lp_hidden);

/* The file's attributes in place of the row's own, where it is a file of several names. */
void lp_inode_entry(const struct lp_inode *, struct lp_entry *);

#endif
