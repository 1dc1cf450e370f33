/*
 * Writing beside the work: while one piece is on its way into a pipe, the
 * next is made. On its way is one piece at most, which has to stay as it is
 * until the call that follows the next.
 *
 *	lp_writer_init(&w, fd);
 *	... lp_lock(LP_DUTY_THREADED)
 *	lp_writer_put(&w, span), as often as there is one
 *	lp_writer_begin(&w), where it looks as if many would follow
 *	lp_writer_wait(&w), in front of every verdict
 *	lp_writer_release(&w);
 *
 * Until lp_writer_begin, and where no thread is to be had, it writes at once.
 */
#ifndef LP_SYS_WRITER_H
#define LP_SYS_WRITER_H

#include <pthread.h>
#include <semaphore.h>

#include "common/base/span.h"

struct lp_writer {
	int fd;
	int alone;           /* one processor: nothing is gained */
	int running;         /* there is a thread */
	int busy;            /* and it has a piece, which is `piece` */
	struct lp_span piece;
	int status;          /* of the writes that are done; the thread's while it is busy */
	int error;           /* errno behind LP_E_SYS */
	sem_t todo, done;
	pthread_t thread;
};

/* Looks at the processors, so in front of the lock. Must not be moved afterwards. */
void lp_writer_init(struct lp_writer *, int fd);

/* From now on beside the work, if that is possible. */
void lp_writer_begin(struct lp_writer *);

/*
 * Writes the piece, when the one before it is written. 0, or what became of
 * that: LP_E_PIPE or LP_E_SYS with errno set, and nothing more is written.
 */
int lp_writer_put(struct lp_writer *, struct lp_span);

/* Until the last piece is written; answers as lp_writer_put. */
int lp_writer_wait(struct lp_writer *);

/* Waits, too. */
void lp_writer_release(struct lp_writer *);

#endif
