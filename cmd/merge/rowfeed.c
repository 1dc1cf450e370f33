/* Reads the rows of several listings in batches, in a thread of its own once there are many. */
#include "cmd/merge/rowfeed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/thread.h"

/* ---- filling: one piece of listing ------------------------------------------ */

static int
add_row(struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	const struct lp_rowread *r = &f->read;
	struct lp_feedrow *to = &b->row[b->n];

	to->line = r->line;
	if (r->plain) {
		to->row = lp_rowkeep_plain(&f->keep, &r->row);
		to->name = r->row.name;
	} else {
		/* it lies in the reader's memory, which the next row takes */
		const unsigned char *name = lp_arena_copy(&b->names, r->entry.name);

		to->row = name != NULL ? lp_rowkeep_entry(&f->keep, &r->entry) : NULL;
		to->name = lp_span(name, r->entry.name.n);
	}
	if (to->row == NULL)
		return LP_E_NOMEM;
	b->n++;
	return LP_OK;
}

static int
add_end(struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	b->has_end = 1;
	b->end = f->read.end;
	for (size_t i = 0; i < LP_ROWEND_TEXTS; i++) {
		struct lp_span text = lp_rowend_text(&b->end, &lp_rowend_texts[i]);

		if (text.n > 0 && (text.p = lp_arena_copy(&f->keep.text, text)) == NULL)
			return LP_E_NOMEM;
		memcpy((char *)&b->end + lp_rowend_texts[i].offset, &text, sizeof(text));
	}
	return LP_OK;
}

static int
take_error(const struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	b->why = f->read.why;
	b->line = f->read.line;
	b->offset = f->read.offset;
	return f->read.status;
}

/* A line said of which layer rows are. What came before it in the file is another listing. */
static void
take_layer(struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	f->layer = f->read.layer;
	f->split = f->begun;
	f->begun = 1;
	if (!f->split)
		b->layer = f->layer;
}

/* Rows out of the span, or at the end of input (in == NULL), as many as there is room for, of one listing. */
static int
add_rows(struct lp_rowfeed *f, struct lp_rowbatch *b, struct lp_span *in)
{
	while (b->n < LP_ROWFEED_ROWS) {
		int rc = LP_OK;

		switch (in != NULL ? lp_rowread_next(&f->read, in) : lp_rowread_eof(&f->read)) {
		case LP_ROWREAD_MORE: return LP_OK;
		case LP_ROWREAD_ERROR: return take_error(f, b);
		case LP_ROWREAD_END: rc = add_end(f, b); break;
		case LP_ROWREAD_ROW: rc = add_row(f, b); break;
		case LP_ROWREAD_LAYER: take_layer(f, b); break;
		}
		if (rc != LP_OK || f->split)
			return rc;
		f->begun = 1;
	}
	return LP_OK;
}

/* What the batch before had no room for, or the next piece. Its length; 0 at the end. */
static ptrdiff_t
more(struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	ptrdiff_t n = (ptrdiff_t)f->left.n;

	if (n > 0) {
		memmove(b->room, f->left.p, f->left.n);
		return n;
	}
	n = lp_read(f->fd[f->file], b->room, sizeof(b->room));
	f->bytes += n > 0 ? (uint64_t)n : 0;
	return n;
}

/* Whether there is one. */
static int
next_file(struct lp_rowfeed *f)
{
	lp_rowread_release(&f->read);
	lp_rowread_init(&f->read);
	f->read.lazy = f->read.sections = 1;
	f->begun = 0;
	f->layer = 0;
	f->listing++;
	return ++f->file < f->nfds;
}

static void
fill(struct lp_rowfeed *f, struct lp_rowbatch *b)
{
	ptrdiff_t n = more(f, b);

	lp_arena_release(&b->names);
	f->listing += f->split != 0;
	f->split = 0;
	b->listing = f->listing;
	b->file = f->file;
	b->layer = f->layer;
	b->n = 0;
	b->has_end = 0;
	b->why = NULL;
	f->left = lp_span(b->room, n > 0 ? (size_t)n : 0);
	if (n >= 0) {
		b->status = add_rows(f, b, n > 0 ? &f->left : NULL);
	} else {
		b->status = LP_E_SYS;
		b->error = errno;
	}
	b->last = b->status != LP_OK || (n == 0 && !f->split && !next_file(f));
}

/* ---- from hand to hand ------------------------------------------------------- */

static void *
work(void *arg)
{
	struct lp_rowfeed *f = arg;
	int last = 0;

	for (size_t at = 0; !last; at = (at + 1) % LP_ROWFEED_SLOTS) {
		lp_sem_take(&f->empty);
		fill(f, &f->slot[at]);
		last = f->slot[at].last;
		(void)sem_post(&f->full);
	}
	return NULL;
}

/* Without the thread it goes on as it began. */
static void
start(struct lp_rowfeed *f)
{
	(void)sem_init(&f->empty, 0, LP_ROWFEED_SLOTS);
	(void)sem_init(&f->full, 0, 0);
	f->out = NULL;
	f->running = pthread_create(&f->thread, NULL, work, f) == 0;
	f->alone = !f->running;
}

/* The slot behind the last one, when the thread has filled it; that one goes back. */
static const struct lp_rowbatch *
take(struct lp_rowfeed *f)
{
	size_t at = f->out != NULL ? (size_t)(f->out - f->slot + 1) % LP_ROWFEED_SLOTS : 0;

	if (f->out != NULL)
		(void)sem_post(&f->empty);
	lp_sem_take(&f->full);
	return &f->slot[at];
}

int
lp_rowfeed_init(struct lp_rowfeed *f, const int *fd, size_t n)
{
	memset(f, 0, sizeof(*f));
	f->nfds = n;
	f->alone = lp_thread_alone();
	lp_rowkeep_init(&f->keep);
	lp_rowread_init(&f->read);
	f->read.lazy = f->read.sections = 1;
	f->fd = calloc(n > 0 ? n : 1, sizeof(*f->fd));
	f->slot = calloc(LP_ROWFEED_SLOTS, sizeof(*f->slot));
	if (f->fd == NULL || f->slot == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < LP_ROWFEED_SLOTS; i++)
		lp_arena_init(&f->slot[i].names);
	if (n > 0)
		memcpy(f->fd, fd, n * sizeof(*fd));
	return LP_OK;
}

const struct lp_rowbatch *
lp_rowfeed_next(struct lp_rowfeed *f)
{
	if (f->out != NULL && f->out->last)
		return NULL;
	if (!f->alone && !f->running && f->bytes >= LP_ROWFEED_INLINE)
		start(f);
	if (f->running) {
		f->out = take(f);
	} else {
		fill(f, f->slot);
		f->out = f->slot;
	}
	return f->out;
}

void
lp_rowfeed_release(struct lp_rowfeed *f)
{
	if (f->running && !(f->out != NULL && f->out->last))
		return;
	if (f->running) {
		(void)pthread_join(f->thread, NULL);
		(void)sem_destroy(&f->empty);
		(void)sem_destroy(&f->full);
	}
	lp_rowread_release(&f->read);
	lp_rowkeep_release(&f->keep);
	for (size_t i = 0; f->slot != NULL && i < LP_ROWFEED_SLOTS; i++)
		lp_arena_release(&f->slot[i].names);
	free(f->fd);
	free(f->slot);
	memset(f, 0, sizeof(*f));
}
