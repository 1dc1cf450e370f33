/* Lists the chunks of one file in a table of contents, and checks them. */
#include "common/toc/chunks.h"

#include "common/base/limits.h"
#include "common/base/status.h"

void
lp_chunks_init(struct lp_chunks *c)
{
	*c = (struct lp_chunks){ .size = 0 };
	lp_buf_init(&c->list, LP_MAX_TOC_JSON);
}

void
lp_chunks_release(struct lp_chunks *c)
{
	lp_buf_release(&c->list);
}

/* The reader of the TOC saw that it is empty or a digest. */
static void
set_digest(char out[LP_DIGEST_SHA256 + 1], struct lp_span digest)
{
	if (digest.n > 0)
		memcpy(out, digest.p, digest.n);
	out[digest.n] = '\0';
}

int
lp_chunks_begin(struct lp_chunks *c, uint64_t size, struct lp_span digest, const struct lp_toc_chunk *first)
{
	lp_buf_clear(&c->list);
	c->size = size;
	c->first = first->offset;
	c->end = first->end;
	c->inner = first->inner;
	set_digest(c->digest, digest);
	return lp_chunks_add(c, first);
}

int
lp_chunks_add(struct lp_chunks *c, const struct lp_toc_chunk *chunk)
{
	struct lp_chunks_one one = { .size = chunk->size };

	c->last = chunk->offset;
	set_digest(one.digest, chunk->digest);
	return lp_buf_add(&c->list, lp_span(&one, sizeof(one)));
}

int
lp_chunks_next(struct lp_chunks *c, const struct lp_toc_chunk *later)
{
	if (c->end == 0 && later->offset > c->last)
		c->end = later->offset;
	return c->end > 0;
}

const char *
lp_chunks_wrong(const struct lp_chunks *c)
{
	if (c->size == 0)
		return NULL;
	/* no blob begins with content: a tar header comes first, in the same member or in one before */
	if (c->first == 0 && c->inner == 0)
		return "the table of contents does not tell where its content lies";
	if (c->last < c->first || (c->end > 0 && c->end <= c->last))
		return "the table of contents has its content lie in no order";
	return NULL;
}
