/*
 * Sorting in place, without memory. Not qsort(3): the C library's asks the
 * kernel how much memory there is, which a locked process may not.
 */
#ifndef LP_BASE_SORT_H
#define LP_BASE_SORT_H

#include <stddef.h>

/*
 * n elements of `size` bytes each, in the order of `compare` (below, equal
 * or above zero), n log n comparisons at the worst. Equal elements end up
 * in any order.
 */
void lp_sort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));

#endif
