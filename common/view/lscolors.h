/*
 * Which colour a row's name has, as ls(1) chooses it: LS_COLORS in the form
 * dircolors(1) writes, or ls's own defaults.
 *
 * Only values made of digits and ';' are taken (all that dircolors
 * writes): what goes to a terminal is "ESC [ value m" and nothing else. Of
 * the keys, those that need a look at the file system mean nothing here
 * (or, mi, ca, mh) and are passed over.
 */
#ifndef LP_VIEW_LSCOLORS_H
#define LP_VIEW_LSCOLORS_H

#include <stddef.h>

#include "common/base/entry.h"
#include "common/base/span.h"

enum { LP_LSCOLORS_MAX = 1024 }; /* rules; further ones are passed over */

struct lp_lscolors {
	struct { struct lp_span key, value; } rule[LP_LSCOLORS_MAX];
	size_t n;
};

/* Borrows the text of LS_COLORS for the table's life. An empty one leaves ls's defaults. */
void lp_lscolors_init(struct lp_lscolors *, struct lp_span text);

/* The value for this entry: "01;34"; empty for no colour. */
struct lp_span lp_lscolors_of(const struct lp_lscolors *, const struct lp_entry *);

#endif
