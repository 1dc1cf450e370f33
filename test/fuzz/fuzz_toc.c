/*
 * Any bytes as a table of contents. Whole or cut into pieces (as the first
 * byte says), the events are the same; no name is told twice; the chunks of
 * a file follow each other and, if the table is whole, make up its size.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/toc/toc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED = 1 };

struct digest {
	uint64_t events; /* hash over all that was told */
	enum lp_toc_event last;
	uint64_t at;   /* in the current file */
	uint64_t size; /* of it */
};

static void
note(struct digest *d, uint64_t n)
{
	d->events = lp_hash64(d->events, lp_span(&n, sizeof(n)));
}

static void
note_text(struct digest *d, struct lp_span s)
{
	d->events = lp_hash64(d->events, s);
}

static void
event(struct digest *d, const struct lp_toc *t, enum lp_toc_event ev)
{
	const struct lp_entry *e = &t->entry;

	if (ev == LP_TOC_ENTRY) {
		if (e->name.n == 0 || d->at != d->size)
			abort();
		d->size = e->size;
		d->at = 0;
		note_text(d, e->name);
		note_text(d, e->linkname);
		note_text(d, e->uname);
		note_text(d, e->gname);
		note_text(d, t->digest);
		for (size_t i = 0; i < e->nxattrs; i++) {
			note_text(d, e->xattrs[i].name);
			note_text(d, e->xattrs[i].value);
		}
		note(d, e->size);
		note(d, (uint64_t)e->mtime ^ e->mode ^ (uint64_t)e->uid << 20 ^ (uint64_t)e->gid << 40);
	}
	if (ev == LP_TOC_CHUNK || e->size > 0) {
		if (t->chunk.at != d->at || t->chunk.size == 0 || t->chunk.size > d->size - d->at)
			abort();
		d->at += t->chunk.size;
		note(d, t->chunk.size);
		note(d, t->chunk.offset);
	}
}

static struct digest
run(struct lp_span all, size_t piece)
{
	struct digest d = { .last = LP_TOC_MORE };
	struct lp_toc t;

	lp_toc_init(&t, SEED);
	while (all.n > 0 && d.last != LP_TOC_ERROR) {
		struct lp_span in = lp_span_take(&all, piece);

		while ((d.last = lp_toc_next(&t, &in)) == LP_TOC_ENTRY || d.last == LP_TOC_CHUNK)
			event(&d, &t, d.last);
	}
	if (d.last != LP_TOC_ERROR)
		d.last = lp_toc_eof(&t);
	if (d.last == LP_TOC_ERROR) {
		if (t.why == NULL || t.error_offset > t.offset)
			abort();
		note(&d, t.error_offset);
		note_text(&d, lp_span_str(t.why));
	} else if (d.last == LP_TOC_END && d.at != d.size) {
		abort();
	}
	lp_toc_release(&t);
	return d;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size), first = lp_span_take(&in, 1);
	struct digest whole = run(in, in.n + 1);
	struct digest cut = run(in, first.n > 0 && first.p[0] > 0 ? first.p[0] : 1);

	if (whole.events != cut.events || whole.last != cut.last)
		abort();
	return 0;
}
