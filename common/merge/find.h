/*
 * What one layer of an image says of a name, asked from the top layer down:
 * a layer is read only as far as the answer needs, and those below it
 * perhaps not at all.
 *
 *	size_t above = 0;
 *	for each layer, top first:
 *		lp_find_init(&f, name, follow, above, seed);
 *		answer = LP_FIND_MORE;
 *		for each member, while the answer is LP_FIND_MORE:
 *			answer = lp_find_member(&f, &entry, eager);
 *		if (answer == LP_FIND_MORE)
 *			answer = lp_find_end(&f, whole);
 *		above = f.above;
 *		lp_find_release(&f);
 *	below the last: nobody has it, or it is implied by the last that answered DIR.
 *
 * It is a query of merge/merge.h, whose rules are the only ones: the layer
 * is merged over an image that has nothing but the name, and what has become
 * of it is looked at. An eager question takes the first member of the name;
 * another of the same layer, or a hard link whose header sets its
 * attributes, is seen only at the end.
 */
#ifndef LP_MERGE_FIND_H
#define LP_MERGE_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/merge/merge.h"

enum lp_find_answer {
	LP_FIND_MORE,   /* the layer below has to say, or lp_find_end */
	LP_FIND_HERE,   /* it is `entry`: `next` is its name as it is stored, in normal form, or that of the file that it links to */
	LP_FIND_GONE,   /* nobody has it */
	LP_FIND_AGAIN,  /* symbolic links lead to another name: `next`. From the top layer again, with `above` 0 */
	LP_FIND_UNREAD, /* more of this layer, or the answer is unknown */
	LP_FIND_DIR,    /* something below it, but no row: the layer below has to say */
	LP_FIND_IMPLIED, /* a directory that only what this layer has below it implies */
	LP_FIND_ABOVE,  /* such a one of the last layer that answered DIR: this one has nothing that is seen */
	LP_FIND_LINK    /* a hard link, and links are followed: its file is `next`, in this layer or one below it, if it
	                 * is not known where in the layer it is: that is HERE, as the file */
};

struct lp_find {
	struct lp_buf name;    /* looked for, in normal form */
	struct lp_buf next;    /* see HERE and AGAIN */
	struct lp_entry entry; /* see HERE; borrowed from the member, or until lp_find_release */
	size_t above;          /* bytes of the name that this layer or one above it has as a directory */

	/* ---- inside ---- */
	int follow;            /* symbolic links, and hard ones at the name */
	struct lp_merge merge;
	struct lp_node *at;    /* the name's place; NULL: there is none for it */
	const struct lp_inode *file; /* that a hard link there is, and HERE means; or NULL */
};

/*
 * `follow`: symbolic links, at the name and above it, and hard links at the name. `above`: as the layer
 * above left it, 0 for the top one. `seed`: as lp_merge_init. LP_OK,
 * LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_find_init(struct lp_find *, struct lp_span name, int follow, size_t above, uint64_t seed);
void lp_find_release(struct lp_find *);

/* MORE; with `eager` also HERE, AGAIN, LINK, ABOVE; or LP_E_LIMIT or LP_E_NOMEM. */
int lp_find_member(struct lp_find *, const struct lp_entry *, int eager);

/* The layer's members ended; `whole`: all of them were there. If not, what there is of the name is the answer, or UNREAD. */
int lp_find_end(struct lp_find *, int whole);

#endif
