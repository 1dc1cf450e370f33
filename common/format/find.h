/*
 * Where an image has a name, asked from the top layer down: a layer is read
 * only as far as the answer needs, and those below it perhaps not at all.
 *
 *	lp_find_init(&f, name, follow);
 *	for each layer, top first:
 *		lp_find_layer(&f);
 *		for each member, until the answer is not LP_FIND_MORE:
 *			answer = lp_find_member(&f, &entry);
 *		if (answer == LP_FIND_MORE)
 *			answer = lp_find_end(&f, whole);
 *		LP_FIND_HERE: this layer has it.    LP_FIND_GONE: nobody has.
 *		LP_FIND_MORE: the layer below.      LP_FIND_AGAIN: from the top.
 *		LP_FIND_UNREAD: more of this layer, or the answer is unknown.
 *	below the last: nobody has it.
 *
 * The rules are those of format/merge.h: a whiteout, an opaque directory
 * above the name, or something else than a directory in its way ends the
 * search with the layer that holds it, but not before that layer's end,
 * because they hide lower layers only. The first member of a name is taken;
 * a second one in the same layer would be seen by reading on.
 *
 * What an upper layer holds below a directory that a lower layer has as a
 * symbolic link is found by the name it was stored under, not by the name
 * it has in the merged tree: that is lp-merge's to know.
 */
#ifndef LP_FORMAT_FIND_H
#define LP_FORMAT_FIND_H

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/format/entry.h"
#include "common/format/pick.h"

enum lp_find_answer {
	LP_FIND_MORE,
	LP_FIND_HERE,
	LP_FIND_GONE,
	LP_FIND_AGAIN, /* symbolic links led to another name: `name`. From the top layer again */
	LP_FIND_UNREAD,
	LP_FIND_LOOP   /* more than LP_PICK_LINKS links */
};

struct lp_find {
	struct lp_buf name; /* looked for, in normal form */
	int follow;
	unsigned links;
	int hidden;         /* this layer hides the name from those below */
	int moved;          /* a link stands in the name's way in this layer */
	struct lp_buf next; /* where it leads */
	struct lp_buf member;
};

/* `follow`: symbolic links, at the name and above it. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_find_init(struct lp_find *, struct lp_span name, int follow);
void lp_find_release(struct lp_find *);

/* A layer begins. */
void lp_find_layer(struct lp_find *);

/* MORE, HERE, AGAIN, LOOP, or LP_E_LIMIT or LP_E_NOMEM. */
int lp_find_member(struct lp_find *, const struct lp_entry *);

/* The layer's members ended; `whole`: all of them were there. MORE, GONE, AGAIN, UNREAD, LOOP. */
int lp_find_end(struct lp_find *, int whole);

#endif
