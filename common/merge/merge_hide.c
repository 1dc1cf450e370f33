/* Hides what whiteouts and opaque directories cover, and counts the work. */
#include <string.h>

#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/*
 * Steps beyond those that every row costs anyway: links followed, nodes
 * looked at for a whiteout, places and directories that no row names. Real
 * layers need a few for each row; who needs more than this many is trying
 * to keep us busy, or to fill our memory.
 */
enum { WORK_PER_ROW = 512, WORK_FREE = 16 * 1024 * 1024 };

int
lp_merge_spend(struct lp_merge *m, uint64_t steps)
{
	m->work += steps;
	return m->work > m->rows * WORK_PER_ROW + WORK_FREE ? LP_E_LIMIT : LP_OK;
}

/* What an implied directory counts for: its row, and the bytes of its path. */
enum { IMPLIED_WORK = 16, IMPLIED_BYTES = 4 };

void
lp_merge_hide(struct lp_merge *m, struct lp_row *row, enum lp_hidden why)
{
	row->why = why & 15u;
	row->by = lp_merge_this(m);
	/* a plain file leads nowhere: whatever was found without it is found without it */
	if (row->type != LP_REG)
		m->cached = NULL;
}

/* Something at the node became visible: so the nodes above it are alive. */
static void
enliven(struct lp_node *n)
{
	for (; n != NULL && !n->live; n = n->parent)
		n->live = 1;
}

void
lp_merge_show(struct lp_node *n, struct lp_row *row)
{
	row->older = n->row;
	if (n->row != NULL && n->row->layer != row->layer)
		n->lower = n->row;
	n->row = row;
	enliven(n);
}

/* Up to the first that is one. A file in the way gives way, as it does where runtimes stack layers. */
int
lp_merge_ensure(struct lp_merge *m, struct lp_node *n)
{
	for (; n->parent != NULL; n = n->parent) {
		struct lp_row *row = lp_tree_visible(n);

		if (row != NULL && row->type == LP_DIR)
			return LP_OK;
		if (row != NULL)
			lp_merge_hide(m, row, LP_HIDDEN_OVERWRITTEN);
		/* its path will be printed */
		if (lp_merge_spend(m, IMPLIED_WORK + n->path_n / IMPLIED_BYTES) != LP_OK)
			return LP_E_LIMIT;
		row = lp_rowkeep_implied(&m->keep);
		if (row == NULL)
			return LP_E_NOMEM;
		row->layer = lp_merge_this(m);
		lp_merge_show(n, row);
	}
	return LP_OK;
}

int
lp_merge_hide_below(struct lp_merge *m, struct lp_node *top)
{
	struct lp_node *n = lp_tree_next(top, top, 1);

	while (n != NULL) {
		struct lp_row *row = lp_tree_visible(n);
		int into = n->live;

		if (lp_merge_spend(m, 1) != LP_OK)
			return LP_E_LIMIT;
		if (row != NULL)
			lp_merge_hide(m, row, LP_HIDDEN_PARENT);
		n->live = 0;
		n = lp_tree_next(top, n, into);
	}
	return LP_OK;
}

/*
 * What lower layers hold below the node. What this layer has put there
 * stays, and the directories above it with it, as implied ones if need be.
 */
static int
sweep(struct lp_merge *m, struct lp_node *top, enum lp_hidden why)
{
	struct lp_node *n = lp_tree_next(top, top, top->live);
	int rc = LP_OK;

	/* no lower row comes back, but if the top itself has just gone, what stays below needs it again */
	if (top->swept == m->layers && lp_tree_visible(top) != NULL)
		return LP_OK;
	top->swept = (uint16_t)m->layers;
	top->live = lp_tree_visible(top) != NULL;
	while (n != NULL && rc == LP_OK) {
		struct lp_row *row = lp_tree_visible(n);
		int into = n->live;

		rc = lp_merge_spend(m, 1);
		n->live = 0;
		if (row != NULL && row->layer < lp_merge_this(m)) {
			lp_merge_hide(m, row, why);
		} else if (row != NULL && rc == LP_OK) {
			enliven(n);
			rc = lp_merge_ensure(m, n->parent);
		}
		n = lp_tree_next(top, n, into);
	}
	return rc;
}

/* ---- whiteouts ------------------------------------------------------------ */

/* AUFS's own names are none, but for the opaque marker. */
int
lp_merge_is_whiteout(struct lp_span base)
{
	if (base.n < 4 || memcmp(base.p, ".wh.", 4) != 0)
		return 0;
	return base.n < 8 || memcmp(base.p, ".wh..wh.", 8) != 0 || lp_span_is(base, ".wh..wh..opq");
}

int
lp_merge_white_out(struct lp_merge *m, struct lp_span dir, struct lp_span base)
{
	struct lp_node *n;
	struct lp_row *row;
	int rc = lp_merge_resolve(m, dir, LP_MERGE_BEFORE, 0, &n);

	if (rc == LP_E_ABSENT || rc == LP_E_DATA)
		return LP_OK; /* there is nothing to hide */
	if (rc != LP_OK)
		return rc;
	if (lp_span_is(base, ".wh..wh..opq"))
		return sweep(m, n, LP_HIDDEN_OPAQUE);
	lp_span_take(&base, 4);
	if (base.n == 0 || lp_span_is(base, ".") || lp_span_is(base, "..")) {
		m->bad_whiteouts++;
		return LP_OK;
	}
	rc = lp_tree_find(m, n, base, &n);
	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? LP_OK : rc;
	row = lp_tree_visible(n);
	if (row != NULL && row->layer < lp_merge_this(m))
		lp_merge_hide(m, row, LP_HIDDEN_WHITEOUT);
	return sweep(m, n, LP_HIDDEN_WHITEOUT);
}
