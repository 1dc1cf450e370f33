/*
 * Pipelines of our own programs, run as processes and watched by one loop.
 *
 * A job is one pipeline: up to LP_STAGES stages joined by pipes, one more
 * pipe for what each of them says on stderr, and one that gathers their
 * reports (LP_STATS lines and LP_PROGRESS lines, see progress.h). A crew is
 * the jobs in flight. Everything that is waited for is waited for in
 * lp_crew_turn: lines, signals, the ends of children (SIGCHLD is one of the
 * signals) and the end of who reads our output. Signals come by a signalfd,
 * so that Ctrl-C is never missed and never interrupts anything half done.
 *
 * Once the last stage of a job has ended nobody wants what the others write.
 * They end by themselves at their next write; those that have nothing to
 * write are ended a little later, which is no failure of theirs. The first
 * one gets longer: with its reader gone it ends in good order, its
 * statistics written, unless the network keeps it waiting.
 *
 * Invariants: no descriptor reaches a child but 0, 1, 2, its report pipe
 * and those of `keep`; a child whose parent dies gets SIGTERM; every child
 * is reaped; a signal that was ignored when we were started stays ignored.
 */
#ifndef LP_RUN_PROC_H
#define LP_RUN_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/run/spawn.h"

enum {
	LP_STAGES = 4,    /* of one job */
	LP_CREW_JOBS = 16 /* in flight at once */
};

enum lp_job_line {
	LP_LINE_MESSAGE, /* of a stage's stderr */
	LP_LINE_KILLED,  /* ours: the stage did not end by itself. It begins with its name */
	LP_LINE_REPORT   /* of the report pipe; the stage is not known */
};

struct lp_job;
struct lp_job_ops {
	/* One line without its newline, and the stage that it is of; valid during the call. */
	void (*line)(struct lp_job *, enum lp_job_line, size_t stage, struct lp_span);
	/* All stages are gone and reaped; lp_job.exit says how. May start further jobs. */
	void (*ended)(struct lp_job *);
};

/* lp_job.code of a stage that somebody else has reaped: how it ended is not known. */
#define LP_CODE_LOST INT32_MIN

struct lp_job_pipe {
	int fd; /* -1 when at its end */
	struct lp_buf text;
};

struct lp_job {
	const struct lp_job_ops *ops;
	void *owner;    /* the caller's */
	int eager;      /* its last stage ends as soon as it has its answer: the middle ones are ended at once then */
	int exit;       /* what it came to: lp_job_verdict */
	int code[LP_STAGES]; /* of each stage: its exit code, or -N: killed by signal N, or LP_CODE_LOST */
	/*
	 * From lp_crew_start until `ended` is called, or it was stopped: it must
	 * not be started again. Its stages may all be gone before that, when
	 * another job's `ended` comes first.
	 */
	int busy;

	/* proc*.c's own */
	size_t n;
	size_t alive;
	pid_t pid[LP_STAGES];     /* 0: reaped */
	char name[LP_STAGES][32];
	unsigned char ended_early[LP_STAGES];
	int64_t enough_ms;        /* when the last stage ended, or 0 */
	unsigned pressed;         /* how often the others were told so */
	struct lp_job_pipe said[LP_STAGES], report;
};

struct lp_crew {
	struct lp_job *job[LP_CREW_JOBS];
	size_t n;
	int signals;   /* signalfd */
	int null;      /* /dev/null: who is locked opens nothing */
	int out;       /* the descriptor that answers are written to; -1: none, or its reader has left */
	int unread;    /* its reader has left */
	int caught;    /* SIGINT, SIGTERM, SIGHUP or SIGQUIT once one came, else 0 */
	int resized;   /* SIGWINCH came; the reader clears it, as the next two */
	int suspended; /* SIGTSTP came: lp_crew_suspend */
	int continued; /* SIGCONT came: others have had the terminal */
	int ended;     /* a child has ended, which one the signal does not reliably say: nobody has looked yet */
};

/*
 * Takes over SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP (unless they are
 * ignored), SIGWINCH, SIGCONT and SIGCHLD: blocked, read from the signalfd.
 * LP_OK or LP_E_SYS.
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
 * call the ops of what did. LP_OK or LP_E_SYS. Look at what the crew says
 * behind it.
 */
int lp_crew_turn(struct lp_crew *, int timeout_ms);

/*
 * What a job came to whose stages ended with these codes. A stage that was
 * killed, that is lost, or that ended with a code of no meaning counts as
 * LP_EXIT_SYSTEM, and a failure of the system outranks everything, with bad
 * usage before it. Otherwise the first stage that failed says it: what the
 * later ones complain of is only that.
 */
int lp_job_verdict(const int *code, size_t n);

/*
 * All jobs gone, at once: SIGTERM, SIGKILL for what is still there after a
 * second. Their lines are dropped and `ended` is not called.
 */
void lp_crew_stop(struct lp_crew *);

/* The same for all jobs but those that `spared` says. */
void lp_crew_stop_but(struct lp_crew *, int (*spared)(const struct lp_job *, void *), void *arg);

/* A signal for each stage that is still there. */
void lp_job_signal(const struct lp_job *, int sig);
/* Whether none of its stages goes on: each has ended, or is stopped. */
int lp_job_stands(const struct lp_job *);

/* Stop as SIGTSTP would have it; the answer comes when somebody continues us. */
void lp_crew_suspend(struct lp_crew *);

/* Die by the signal that was caught, so that a calling shell sees it. Never returns. */
void lp_die_of(int sig) __attribute__((noreturn));

#endif
