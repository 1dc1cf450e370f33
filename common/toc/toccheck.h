/*
 * A table of contents held against the tar that it describes: first the
 * table goes in, then the tar's members pass by, and each difference comes
 * out as a line for the reader.
 *
 * What the formats cannot keep is no difference: a name's bytes that are
 * not UTF-8 (JSON has U+FFFD for them), fractions of a second that were
 * rounded away, user and group names that the table leaves out.
 */
#ifndef LP_TOC_TOCCHECK_H
#define LP_TOC_TOCCHECK_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/map.h"
#include "common/base/span.h"
#include "common/toc/toc.h"

struct lp_toccheck {
	uint64_t members;     /* of the tar, that were compared */
	uint64_t differences; /* lines written */

	struct lp_map names;   /* to places in `entries` */
	struct lp_buf entries; /* each: a head, its JSON, user and group name */
	struct lp_toc_item item;
	uint64_t seed;
	uint64_t at;        /* the place of the member being compared, + 1 */
	struct lp_buf name; /* a name as the table would have it */
	struct lp_buf ours; /* a column of either side */
	struct lp_buf theirs;
};

void lp_toccheck_init(struct lp_toccheck *, uint64_t seed);
void lp_toccheck_release(struct lp_toccheck *);

/* The entry that lp_toc has just told (LP_TOC_ENTRY) goes in. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_toccheck_add(struct lp_toccheck *, const struct lp_toc *);

/*
 * A member of the tar. Differences are appended as lines
 * NAME <TAB> COLUMN <TAB> TABLE'S VALUE <TAB> TAR'S VALUE, escaped as rows
 * are; the column of a member that only one side has is "member".
 * LP_OK, LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_toccheck_member(struct lp_toccheck *, const struct lp_entry *, struct lp_buf *out);

/* Behind lp_toccheck_member: the digest that the table has for the content; empty: none, or no such entry. */
struct lp_span lp_toccheck_digest(const struct lp_toccheck *);

/* The digest that the content really has. */
int lp_toccheck_content(struct lp_toccheck *, const struct lp_entry *, const char *digest, struct lp_buf *out);

/*
 * The tar has ended: entries that no member stood for, one line each.
 * Results as above.
 */
int lp_toccheck_end(struct lp_toccheck *, struct lp_buf *out);

#endif
