/*
 * Which members lp-cat --tar copies: those of a name and all below them,
 * those that match a pattern, and those that rows (lp(5)) are of.
 *
 *	lp_select_init(&s);        with the caller's fields set
 *	... lp_lock(LP_DUTY_FILTER)
 *	lp_select_rows(&s, ...)
 *	for each member: if (lp_select_member(&s, &entry) == 1) copy it
 *		stop once lp_select_is_done(&s)
 *	lp_select_end(&s)
 */
#ifndef LP_CAT_SELECT_H
#define LP_CAT_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/map.h"
#include "common/sys/input.h"

struct lp_select {
	/* ---- the caller's ---- */
	const char *const *names;
	size_t nnames;
	const char *const *globs;
	size_t nglobs;
	struct lp_input *rows;  /* the rows; NULL: there are none */
	const char *rows_name;  /* for messages */
	const char *layer;      /* of the rows, only those of this layer; NULL: all */

	/* ---- answers ---- */
	struct lp_span name;    /* the last member's, in normal form; until the next call */
	struct lp_span renamed; /* what its row calls it, if that is another name; until the next call */
	uint64_t members;       /* selected so far */

	/* ---- inside ---- */
	struct lp_buf *wanted;  /* the names in normal form */
	unsigned char *found;   /* by name: 1 a member, 2 a directory */
	uint64_t seed;
	struct lp_map at;       /* header_offset + 1 of a row; where its name begins in `rownames`, and 1 once it was found */
	struct lp_buf rownames; /* in normal form, each with a NUL behind it */
	struct lp_map called;   /* hash of a row's name: 1 if the row has an offset, 2 if it has none, 3 once that was found */
	size_t left;            /* rows of which no member came */
	struct lp_buf places;   /* header_offset of each row that has one, as uint64_t */
	size_t unplaced;        /* rows that have none */
	struct lp_map copied;   /* hashes of the names of what was selected */
	struct lp_buf scratch;
};

/* LP_OK, LP_E_LIMIT, LP_E_NOMEM. To be released in any case. */
int lp_select_init(struct lp_select *);
void lp_select_release(struct lp_select *);

/* Behind the lock: read the rows, if there are any. LP_OK, or a failure that was said. */
int lp_select_rows(struct lp_select *);

/*
 * The places of all rows in order, so that a reader can go from one to the
 * next: *n of them. NULL if a row has none, or more than rows are wanted.
 */
const uint64_t *lp_select_places(struct lp_select *, size_t *n);

/*
 * Whether a member is wanted: 1, 0, LP_E_LIMIT or LP_E_NOMEM. A note tells of
 * a hard link whose file was not selected before it. A member whose place in
 * the tar is known is that of the row with this place, which may call it by
 * another name: that of a hard link to it, where its own is hidden. Where
 * either place is not known, and for rows of hard links, which have that of
 * their file, the name decides.
 */
int lp_select_member(struct lp_select *, const struct lp_entry *);

/* Nothing further can be wanted. */
int lp_select_is_done(const struct lp_select *);

/* LP_OK; LP_E_ABSENT after a message for each name, and one for all rows or patterns, of which nothing was found. */
int lp_select_end(const struct lp_select *);

#endif
