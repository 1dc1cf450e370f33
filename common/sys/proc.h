/*
 * Pipelines of our own programs, run as processes and watched by one loop.
 *
 * A job is one pipeline: up to LP_STAGES stages joined by pipes, one more
 * pipe that gathers what all of them say on stderr, and one that gathers
 * their reports (LP_STATS lines and LP_PROGRESS lines, see progress.h). A
 * crew is the jobs in flight. Everything that is waited for is waited for
 * in lp_crew_turn: lines, and signals (a signalfd; SIGCHLD is one of them),
 * so that Ctrl-C is never missed and never interrupts anything half done.
 *
 * Invariants: no descriptor reaches a child but 0, 1, 2, its report pipe
 * and those of `keep`; a child whose parent dies gets SIGTERM; every child
 * is reaped.
 */
#ifndef LP_SYS_PROC_H
#define LP_SYS_PROC_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/sys/spawn.h"

enum {
	LP_STAGES = 4,     /* of one job */
	LP_CREW_JOBS = 16, /* in flight at once */
	LP_CREW_EXTRA = 4  /* descriptors a caller may have watched beside them */
};

enum lp_job_line {
	LP_LINE_MESSAGE, /* of a stage's stderr */
	LP_LINE_REPORT   /* of the report pipe */
};

struct lp_job;
struct lp_job_ops {
	/* One line without its newline; valid during the call. */
	void (*line)(struct lp_job *, enum lp_job_line, struct lp_span);
	/* All stages are gone and reaped; lp_job.exit says how. May start further jobs. */
	void (*ended)(struct lp_job *);
};

struct lp_job {
	const struct lp_job_ops *ops;
	void *owner;    /* the caller's */
	/*
	 * Its last stage ends as soon as it has its answer. Then the stages
	 * between it and the first are ended too, for they may have nothing to
	 * write for a long time and would not notice; the first one does, and
	 * ends in good order, its statistics written.
	 */
	int stop_with_last;
	int exit;       /* worst exit code of the stages; a killed one counts as LP_EXIT_SYSTEM */
	int code[LP_STAGES]; /* of each stage: its exit code, or -N: killed by signal N */
	/*
	 * From lp_crew_start until `ended` is called, or it was stopped: it must
	 * not be started again. Its stages may all be gone before that, when
	 * another job's `ended` comes first.
	 */
	int busy;

	/* proc*.c's own */
	size_t n;
	size_t alive;
	pid_t pid[LP_STAGES]; /* 0: it is gone */
	unsigned char ended_early[LP_STAGES];
	char name[LP_STAGES][32];
	int fd[2]; /* by enum lp_job_line; -1 when at its end */
	struct lp_buf text[2];
};

struct lp_crew {
	struct lp_job *job[LP_CREW_JOBS];
	size_t n;
	int signals;  /* signalfd */
	int null;     /* /dev/null: who is locked opens nothing */
	int caught;   /* SIGINT, SIGTERM or SIGHUP once one came, else 0 */
	int resized;  /* SIGWINCH came; the reader clears it */
};

/*
 * Takes over SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGCHLD (blocked, read
 * from the signalfd). LP_OK or LP_E_SYS.
 */
int lp_crew_init(struct lp_crew *);
void lp_crew_release(struct lp_crew *);

struct lp_job_io {
	int in;          /* the first stage's stdin, or -1: /dev/null */
	int out;         /* the last stage's stdout, or -1: /dev/null */
	int err;         /* all stderr goes here, or -1: to ops->line */
	const int *keep; /* descriptors the stages see under the same number */
	size_t nkeep;
};

/*
 * Start a pipeline. The descriptors of `io` stay the caller's. LP_OK,
 * LP_E_SYS (nothing runs then), LP_E_LIMIT when LP_CREW_JOBS are in flight.
 * The job must stay where it is until its `ended` was called.
 */
int lp_crew_start(struct lp_crew *, struct lp_job *, const struct lp_stage *, size_t n,
    const struct lp_job_io *);

/*
 * Wait until something happens, at most `timeout_ms` (-1: for ever), and
 * call the ops of what did. `extra` (up to LP_CREW_EXTRA) is polled too.
 * LP_OK or LP_E_SYS. Look at `caught` behind it.
 */
int lp_crew_turn(struct lp_crew *, int timeout_ms, struct pollfd *extra, size_t nextra);

/*
 * All jobs gone, at once: SIGTERM, SIGKILL for what is still there after a
 * second. Their lines are dropped and `ended` is not called.
 */
void lp_crew_stop(struct lp_crew *);

/* The same for all jobs but one. */
void lp_crew_stop_but(struct lp_crew *, const struct lp_job *spared);

/* Die by the signal that was caught, so that a calling shell sees it. Never returns. */
void lp_die_of(int sig) __attribute__((noreturn));

#endif
