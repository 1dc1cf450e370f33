/*
 * Any bytes as SOCI's table of contents. What is told lies inside the tar, one
 * member behind the other; no more text comes out than four times what came
 * in; its checkpoints are in order; and a second reading is the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/toc/ztoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
	uint64_t events; /* hash over all that was told */
	uint64_t text;   /* bytes of it */
	uint64_t end;    /* of the member before */
};

static void
note(struct digest *d, struct lp_span s)
{
	d->events = lp_hash64(d->events, s);
	d->text += s.n;
}

static void
event(struct digest *d, const struct lp_ztoc *z)
{
	const struct lp_entry *e = &z->entry;
	const uint64_t numbers[] = { e->size, (uint64_t)e->mtime, e->mode, (uint64_t)e->uid, (uint64_t)e->gid, e->has, e->data_offset };

	if (e->name.n == 0 || e->name.n > LP_MAX_PATH || e->data_offset < d->end + 512 || e->data_offset > z->uncompressed ||
	    e->size > LP_MAX_SIZE || ((e->has & LP_HAS_OFFSETS) && e->header_offset < d->end))
		abort();
	d->end = e->data_offset;
	note(d, e->name);
	note(d, e->linkname);
	note(d, e->uname);
	note(d, e->gname);
	for (size_t i = 0; i < e->nxattrs; i++) {
		note(d, e->xattrs[i].name);
		note(d, e->xattrs[i].value);
	}
	d->events = lp_hash64(d->events, lp_span(numbers, sizeof(numbers)));
}

/* They lie one behind the other, and their windows in the table. */
static void
points(struct lp_ztoc *z, struct lp_span all)
{
	struct lp_points p;
	int rc = lp_ztoc_points(z, &p);

	for (size_t i = 0; rc == LP_OK && i < p.n; i++) {
		const struct lp_point *at = &p.v[i];

		if (at->in > z->compressed || at->bits > 7 || (i > 0 && (at->in < p.v[i - 1].in || at->out <= p.v[i - 1].out)))
			abort();
		if (at->window.n > 0 && (at->window.p < all.p || at->window.n > (size_t)(all.p + all.n - at->window.p)))
			abort();
	}
	if (rc != LP_OK && z->why == NULL)
		abort();
	lp_points_release(&p);
}

static struct digest
run(struct lp_span all)
{
	struct digest d = { .events = 0 };
	enum lp_toc_event ev = LP_TOC_ERROR;
	struct lp_ztoc z;

	lp_ztoc_init(&z);
	if (lp_ztoc_open(&z, all) == LP_OK)
		while ((ev = lp_ztoc_next(&z)) == LP_TOC_ENTRY)
			event(&d, &z);
	if (ev == LP_TOC_END)
		points(&z, all);
	if (ev == LP_TOC_ERROR) {
		if (z.why == NULL || z.status == LP_OK || z.error_offset > all.n)
			abort();
		note(&d, lp_span_str(z.why));
		d.text -= strlen(z.why);
	}
	if (d.text / 4 > all.n)
		abort();
	lp_ztoc_release(&z);
	return d;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest one = run(lp_span(data, size)), two = run(lp_span(data, size));

	if (one.events != two.events)
		abort();
	return 0;
}
