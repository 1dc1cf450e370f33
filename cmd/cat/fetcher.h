/*
 * lp-fetch, run by a child that is started before the lock and told afterwards
 * which bytes to bring: a program that parses what strangers wrote can ask
 * for ranges, one after another, and can do nothing else outside.
 */
#ifndef LP_CAT_FETCHER_H
#define LP_CAT_FETCHER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LP_FETCHER_ARGS = 32 };

struct lp_fetcher {
	int data;   /* the bytes arrive here; -1 when closed */
	int ask;
	int status;
	int busy;   /* it was asked, and has not ended */
	int code;   /* how lp-fetch ended the last time */
	pid_t pid;
};

/*
 * Before the lock. `args` (nargs of them, LP_FETCHER_ARGS at most) are
 * options for lp-fetch; they and `source` need only live until the return.
 * LP_OK or LP_E_SYS.
 */
int lp_fetcher_start(struct lp_fetcher *, const char *source, const char *const *args, size_t nargs);

/*
 * Bytes first to last (UINT64_MAX: to the end) of the source. Once those of
 * the last range were read to their end, another may be asked for. LP_OK or
 * LP_E_SYS.
 */
int lp_fetcher_ask(struct lp_fetcher *, uint64_t first, uint64_t last);

/* Some of the bytes asked for, or 0 at their end: `code` says then whether they are all. LP_E_SYS. */
ptrdiff_t lp_fetcher_read(struct lp_fetcher *, void *p, size_t n);

/*
 * No more is wanted; waits until lp-fetch has ended, so that its
 * statistics are written. Its last exit code, or LP_EXIT_SYSTEM if it died.
 * 0 if it was never asked. All descriptors are closed.
 */
int lp_fetcher_end(struct lp_fetcher *);

#endif
