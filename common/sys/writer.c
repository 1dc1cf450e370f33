/* Writes to a pipe in a thread of its own. */
#include "common/sys/writer.h"

#include <errno.h>
#include <string.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/thread.h"

void
lp_writer_init(struct lp_writer *w, int fd)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->alone = lp_thread_alone();
}

static void
write_piece(struct lp_writer *w)
{
	w->status = lp_write_all(w->fd, w->piece);
	w->error = errno;
}

/* Piece after piece, until one that is empty. */
static void *
work(void *arg)
{
	struct lp_writer *w = arg;

	for (lp_sem_take(&w->todo); w->piece.n > 0; lp_sem_take(&w->todo)) {
		write_piece(w);
		(void)sem_post(&w->done);
	}
	return NULL;
}

void
lp_writer_begin(struct lp_writer *w)
{
	if (w->alone || w->running)
		return;
	(void)sem_init(&w->todo, 0, 0);
	(void)sem_init(&w->done, 0, 0);
	w->running = pthread_create(&w->thread, NULL, work, w) == 0;
}

int
lp_writer_wait(struct lp_writer *w)
{
	if (w->busy)
		lp_sem_take(&w->done);
	w->busy = 0;
	errno = w->error;
	return w->status;
}

int
lp_writer_put(struct lp_writer *w, struct lp_span s)
{
	int rc = lp_writer_wait(w);

	if (rc != LP_OK || s.n == 0)
		return rc;
	w->piece = s;
	if (!w->running) {
		write_piece(w);
		return w->status;
	}
	w->busy = 1;
	(void)sem_post(&w->todo);
	return LP_OK;
}

void
lp_writer_release(struct lp_writer *w)
{
	(void)lp_writer_wait(w);
	if (!w->running)
		return;
	w->piece = lp_span(NULL, 0);
	(void)sem_post(&w->todo);
	(void)pthread_join(w->thread, NULL);
	(void)sem_destroy(&w->todo);
	(void)sem_destroy(&w->done);
	w->running = 0;
}
