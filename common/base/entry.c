/* Sorts extended attributes. */
#include "common/base/entry.h"

#include "common/base/sort.h"

static int
by_name(const void *a, const void *b)
{
	return lp_span_cmp(((const struct lp_xattr *)a)->name, ((const struct lp_xattr *)b)->name);
}

void
lp_xattrs_sort(struct lp_xattr *x, size_t n)
{
	lp_sort(x, n, sizeof(*x), by_name);
}
