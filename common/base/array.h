/*
 * Arrays that grow by an element at a time, at the end.
 */
#ifndef LP_BASE_ARRAY_H
#define LP_BASE_ARRAY_H

#include <stddef.h>

/*
 * The array with room for one more behind its n elements of `size` bytes; it
 * may have moved, and *cap is how many it has room for. NULL if there is no
 * memory, and everything is as it was. No array yet is NULL with *cap 0.
 */
void *lp_array_room(void *array, size_t n, size_t *cap, size_t size);

#endif
