/*
 * A merged listing as tree(1) draws it.
 *
 *	usr
 *	├── bin
 *	│   └── sh -> dash
 *	└── share (1,204 entries, 12.3 MiB)
 *
 * Rows may come in any order: they are kept, sorted directory by directory,
 * and drawn at the end. About 64 bytes a row and its names are held.
 */
#ifndef LP_VIEW_TREEVIEW_H
#define LP_VIEW_TREEVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/view/lscolors.h"

struct lp_treeview_options {
	uint64_t depth;  /* levels shown; what lies deeper is summed up */
	int utf8;        /* lines of box drawing characters, or of ASCII */
	const struct lp_lscolors *colors; /* borrowed; NULL: none */
	int json;        /* not lines: each entry of the root an object on a line, those below it in its "children" */
};

struct lp_treeview {
	struct lp_treeview_options o;
	struct lp_buf items;
	struct lp_buf text;

	/* while drawing */
	struct lp_buf last; /* per level: whether what is open there is the last of its directory */
	struct lp_buf path;
	size_t at;
	int sorted;
	uint32_t open; /* json: levels of objects whose children are being drawn */
	int fresh;     /* json: none of them yet */
};

void lp_treeview_init(struct lp_treeview *, const struct lp_treeview_options *);
void lp_treeview_release(struct lp_treeview *);

/* Keep one row. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_treeview_add(struct lp_treeview *, const struct lp_entry *);

/*
 * After the last row: append the next line, or part of one in JSON. 1, 0
 * when all are drawn, or LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_treeview_draw(struct lp_treeview *, struct lp_buf *out);

#endif
