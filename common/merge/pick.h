/*
 * Which member of a layer answers for a name: members pass by, and links
 * are followed inside the layer.
 *
 * A hard link is its file by another name and always followed; a symbolic
 * link only if the caller wants, the ones among a name's directories too.
 * ".." in a link is taken textually, as in lp_path_join.
 */
#ifndef LP_MERGE_PICK_H
#define LP_MERGE_PICK_H

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"

enum { LP_PICK_LINKS = 40 }; /* followed for one name; Linux's limit */

enum lp_pick_verdict {
	LP_PICK_OTHER, /* it has nothing to do with the name */
	LP_PICK_THIS,  /* the regular file that is meant */
	LP_PICK_MOVED, /* a link: `name` is now the name to look for; that member may have passed by before */
	LP_PICK_NONE   /* there is no content to be had: `why` */
};

struct lp_pick {
	struct lp_buf name; /* looked for, in normal form */
	unsigned links;     /* followed so far */
	int hard;           /* the last one was a hard link: its file came before it */
	const char *why;    /* static */
	int follow;
	struct lp_buf scratch;
};

/* LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_pick_init(struct lp_pick *, struct lp_span name, int follow);
void lp_pick_release(struct lp_pick *);

/* A verdict, or LP_E_LIMIT or LP_E_NOMEM. */
int lp_pick_member(struct lp_pick *, const struct lp_entry *);

#endif
