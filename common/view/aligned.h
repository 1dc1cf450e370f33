/*
 * Rows for eyes: columns as wide as what stands in them, a layer column,
 * and ls's colours.
 *
 *	MODE         UID  GID    SIZE  MODIFIED          LAYER  NAME
 *	-rwxr-xr-x     0    0  131168  2022-09-20 15:27      1  bin/ls
 *
 * Widths are taken from the first LP_ALIGNED_WINDOW rows, which are held
 * back for it; a later value that is wider pushes its column out from
 * there on. Names are escaped for a terminal.
 */
#ifndef LP_VIEW_ALIGNED_H
#define LP_VIEW_ALIGNED_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/view/lscolors.h"

enum {
	LP_ALIGNED_WINDOW = 4096,    /* rows */
	LP_ALIGNED_COLUMNS = 7,
	LP_ALIGNED_HELD = 16 * 1024 * 1024 /* bytes of rows held back: names may be long */
};

struct lp_aligned {
	const struct lp_lscolors *colors; /* NULL: none */
	int with_layer;                   /* whether there is a layer column */
	size_t width[LP_ALIGNED_COLUMNS];

	size_t rows;        /* held back; LP_ALIGNED_WINDOW once widths are settled */
	struct lp_buf held; /* fields, NUL behind each; the name with its colours */
	struct lp_buf text;
};

/* `colors` is borrowed. */
void lp_aligned_init(struct lp_aligned *, const struct lp_lscolors *colors, int with_layer);
void lp_aligned_release(struct lp_aligned *);

/* One more row; what is ready is appended to `out`. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_aligned_row(struct lp_aligned *, const struct lp_entry *, struct lp_buf *out);

/* There is no more: what was held back, appended. Further rows start a new table. Results as above. */
int lp_aligned_end(struct lp_aligned *, struct lp_buf *out);

/*
 * A name as it is shown: escaped for a terminal, in its colour, a link's
 * target behind it. Results as above.
 */
int lp_shown_name(const struct lp_lscolors *, const struct lp_entry *, struct lp_span name,
    struct lp_buf *out);

#endif
