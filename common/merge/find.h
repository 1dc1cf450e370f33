/*
 * What one layer of an image says of a name, asked from the top layer down:
 * a layer is read only as far as the answer needs, and those below it
 * perhaps not at all.
 *
 *	for each layer, top first:
 *		lp_find_init(&f, name, follow, below, seed);
 *		answer = LP_FIND_MORE;
 *		for each member, while the answer is LP_FIND_MORE:
 *			answer = lp_find_member(&f, &entry);
 *		if (answer == LP_FIND_MORE)
 *			answer = lp_find_end(&f, whole);
 *		lp_find_release(&f);
 *	below the last: nobody has it, or it is implied by the last that answered DIR.
 *
 * It is a query of merge/merge.h, whose rules are the only ones: the layer
 * is merged over an image that has nothing but the name, and what has become
 * of it is looked at. The first member of a name is taken; a second one in
 * the same layer would be seen by reading on.
 *
 * What an upper layer holds below a directory that a lower layer has as a
 * symbolic link is found by the name it was stored under, not by the name
 * it has in the merged tree: that is lp-merge's to know.
 */
#ifndef LP_MERGE_FIND_H
#define LP_MERGE_FIND_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/merge/merge.h"

enum lp_find_answer {
	LP_FIND_MORE,   /* the layer below has to say, or lp_find_end */
	LP_FIND_HERE,   /* it is the member just given: `next` is its name as it is stored, in normal form */
	LP_FIND_GONE,   /* nobody has it */
	LP_FIND_AGAIN,  /* symbolic links lead to another name: `next`. From the top layer again */
	LP_FIND_UNREAD, /* more of this layer, or the answer is unknown */
	LP_FIND_DIR,    /* something below it, but no row: the layer below has to say, and is asked with `below` */
	LP_FIND_IMPLIED, /* a directory that only what this layer has below it implies */
	LP_FIND_ABOVE   /* such a one of the last layer that answered DIR: this one has nothing that is seen */
};

struct lp_find {
	struct lp_buf name; /* looked for, in normal form */
	struct lp_buf next; /* see HERE and AGAIN */

	/* ---- inside ---- */
	int follow, below;
	struct lp_merge merge;
	const struct lp_node *at; /* the name's place; NULL: there is none for it */
};

/*
 * `follow`: symbolic links, at the name and above it. `below`: a layer above
 * has something below the name. `seed`: as lp_merge_init. LP_OK, LP_E_LIMIT,
 * LP_E_NOMEM.
 */
int lp_find_init(struct lp_find *, struct lp_span name, int follow, int below, uint64_t seed);
void lp_find_release(struct lp_find *);

/* MORE, HERE, AGAIN, ABOVE, or LP_E_LIMIT or LP_E_NOMEM. */
int lp_find_member(struct lp_find *, const struct lp_entry *);

/* The layer's members ended; `whole`: all of them were there. Not HERE. */
int lp_find_end(struct lp_find *, int whole);

#endif
