/* Memory that is allocated in small pieces and released as a whole. */
#include "common/merge/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A small job pays little, a large one a malloc every few thousand pieces. */
enum { FIRST_CHUNK = 32 * 1024, LAST_CHUNK = 2 * 1024 * 1024 };

struct lp_arena_chunk {
	struct lp_arena_chunk *older;
	_Alignas(uint64_t) unsigned char bytes[];
};

void
lp_arena_init(struct lp_arena *a)
{
	*a = (struct lp_arena){ .chunk = FIRST_CHUNK };
}

void
lp_arena_release(struct lp_arena *a)
{
	while (a->chunks != NULL) {
		struct lp_arena_chunk *older = a->chunks->older;

		free(a->chunks);
		a->chunks = older;
	}
	lp_arena_init(a);
}

/* A new chunk with room for n bytes; what the old one had left is given up. */
static int
grow(struct lp_arena *a, size_t n)
{
	size_t size = n > a->chunk ? n : a->chunk;
	struct lp_arena_chunk *c;

	if (size > PTRDIFF_MAX - sizeof(*c))
		return -1;
	c = malloc(sizeof(*c) + size);
	if (c == NULL)
		return -1;
	c->older = a->chunks;
	a->chunks = c;
	a->next = c->bytes;
	a->left = size;
	if (a->chunk < LAST_CHUNK)
		a->chunk *= 2;
	return 0;
}

void *
lp_arena_alloc(struct lp_arena *a, size_t n)
{
	size_t pad = (size_t)(-(uintptr_t)a->next % _Alignof(uint64_t));
	void *p;

	if ((a->left < pad || a->left - pad < n)) {
		if (grow(a, n) != 0)
			return NULL;
		pad = 0;
	}
	p = a->next + pad;
	a->next += pad + n;
	a->left -= pad + n;
	return p;
}

unsigned char *
lp_arena_copy2(struct lp_arena *a, struct lp_span s, struct lp_span t)
{
	size_t n = s.n + t.n;
	unsigned char *p;

	if ((a->left < n || a->next == NULL) && (n < s.n || grow(a, n) != 0))
		return NULL;
	p = a->next;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	if (t.n > 0)
		memcpy(p + s.n, t.p, t.n);
	a->next += n;
	a->left -= n;
	return p;
}

unsigned char *
lp_arena_copy(struct lp_arena *a, struct lp_span s)
{
	return lp_arena_copy2(a, s, lp_span(NULL, 0));
}
