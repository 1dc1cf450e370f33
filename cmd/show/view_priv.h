/*
 * What the views share: view.c has those of a few lines, the others a file
 * each. For view*.c only.
 */
#ifndef LP_SHOW_VIEW_PRIV_H
#define LP_SHOW_VIEW_PRIV_H

#include "cmd/show/about.h"
#include "cmd/show/rowin.h"
#include "cmd/show/view.h"
#include "common/base/buf.h"
#include "common/view/lscolors.h"

enum { LP_VIEW_FLUSH = 64 * 1024 }; /* bytes: worth a write */

/* What all views write through. */
struct lp_view_out {
	struct lp_buf b;
	const struct lp_lscolors *colors; /* NULL: none */
	int drawn; /* for eyes, and safe for them; else these are rows, or */
	int json;
	struct lp_about about[2];
};

/* Out with it. LP_OK, LP_E_PIPE, or LP_E_SYS after a message. */
int lp_view_flush(struct lp_view_out *);

/* Each: LP_OK, LP_E_PIPE, or a failure. */
int lp_view_document(const struct lp_view *, struct lp_view_out *);
int lp_view_html(struct lp_rowin *, struct lp_view_out *);
/* Of lp-merge --du, --waste or --summary, no rows. */
int lp_view_sums(const struct lp_view *, struct lp_view_out *);
/* The same for one line of --summary, appended, and what stands above it all. */
int lp_view_history(const struct lp_view *, const struct lp_about *, struct lp_span line, struct lp_buf *);
const char *lp_view_history_header(const struct lp_view *);
/* LP_E_DATA, said. */
int lp_view_no_sums(const struct lp_view *);
/* At the right of `wide` columns. */
int lp_view_right(struct lp_buf *, struct lp_span, size_t wide);
int lp_view_diff(const struct lp_view *, struct lp_rowin *, struct lp_view_out *);
int lp_view_find(const struct lp_view *, struct lp_rowin *, struct lp_view_out *);

#endif
