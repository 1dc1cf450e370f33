/*
 * An object of JSON that holds a long list, bytes in, events out:
 * {"KEY": VALUE, ..., "LIST": [ITEM, ...], ...}. One key, value or item is
 * held at a time, so a list of a million costs no more memory than its
 * longest item. What is in a value or item is not looked at here:
 * lp_jsonlist_load does that.
 *
 *	struct lp_jsonlist x;
 *	lp_jsonlist_init(&x, max, '"');
 *	switch (lp_jsonlist_next(&x, &in)) {
 *	case LP_JSONLIST_MORE:	read on; at the end of input lp_jsonlist_ended(&x)
 *	case LP_JSONLIST_KEY:	its text is the key; set x.list if its value is the list
 *	case LP_JSONLIST_VALUE:	its text is a value, of the list's key too if that is none
 *	case LP_JSONLIST_ITEM:	its text is an item of the list
 *	...
 *	lp_jsonlist_release(&x);
 */
#ifndef LP_BASE_JSONLIST_H
#define LP_BASE_JSONLIST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"

enum lp_jsonlist_event {
	LP_JSONLIST_MORE, /* the span is used up */
	LP_JSONLIST_KEY,  /* as written, without its quotes */
	LP_JSONLIST_VALUE,
	LP_JSONLIST_ITEM,
	LP_JSONLIST_ERROR /* status says what, at error_offset; every further call says it again */
};

struct lp_jsonlist {
	/* ---- answers ---- */
	struct lp_span text;   /* of the event, borrowed until the next call */
	uint64_t text_offset;  /* where it begins, in bytes of the JSON */
	uint64_t offset;       /* bytes taken in */
	int begun;             /* the object has */
	int status;            /* LP_E_DATA: no such JSON; LP_E_LIMIT: one of its parts is too long; LP_E_NOMEM */
	uint64_t error_offset;

	/* ---- the caller's ---- */
	int list; /* the key that came last has the list; cleared at each key */

	/* ---- the reader's own ---- */
	unsigned char first;
	int state;
	size_t max, depth; /* brackets open in what is being staged */
	int in_string, escaped;
	struct lp_buf staged; /* it, behind a '[' */
};

/* `max`: bytes of one key, value or item; `first`: what each item begins with. Allocates nothing. */
void lp_jsonlist_init(struct lp_jsonlist *, size_t max, char first);
void lp_jsonlist_release(struct lp_jsonlist *);

enum lp_jsonlist_event lp_jsonlist_next(struct lp_jsonlist *, struct lp_span *in);

/* Whether the object has ended: nothing but white space may come. */
int lp_jsonlist_ended(const struct lp_jsonlist *);

/*
 * The value or item of the last event, as the only one of an array that the
 * caller owns. Results as lp_json_load; the error's offset is in the text.
 */
int lp_jsonlist_load(struct lp_jsonlist *, json_t **array, struct lp_json_error *);

#endif
