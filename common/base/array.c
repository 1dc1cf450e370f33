/* Growing an array by one element. */
#include "common/base/array.h"

#include <stdlib.h>

enum { FIRST_CAP = 16 };

void *
lp_array_room(void *array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap > 0 ? *cap * 2 : FIRST_CAP;
	void *p;

	if (n < *cap)
		return array;
	p = reallocarray(array, more, size);
	if (p != NULL)
		*cap = more;
	return p;
}
