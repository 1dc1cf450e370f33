/* Heapsort: in place, no memory, no system call. */
#include "common/base/sort.h"

#include <string.h>

static void
swap(unsigned char *a, unsigned char *b, size_t n)
{
	unsigned char t[64];

	while (n > 0) {
		size_t k = n < sizeof(t) ? n : sizeof(t);

		memcpy(t, a, k);
		memcpy(a, b, k);
		memcpy(b, t, k);
		a += k;
		b += k;
		n -= k;
	}
}

/* Let the element at i sink until none below it in the heap of n is larger. */
static void
sink(unsigned char *p, size_t i, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && compare(p + child * size, p + (child + 1) * size) < 0)
			child++;
		if (compare(p + i * size, p + child * size) >= 0)
			return;
		swap(p + i * size, p + child * size, size);
		i = child;
	}
}

void
lp_sort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	unsigned char *p = base;

	for (size_t i = n / 2; i > 0; i--)
		sink(p, i - 1, n, size, compare);
	while (n > 1) {
		n--;
		swap(p, p + n * size, size);
		sink(p, 0, n, size, compare);
	}
}
