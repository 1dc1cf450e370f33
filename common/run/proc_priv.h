/*
 * What the files of pipelines share. For proc*.c only.
 *
 *   proc.c      the crew: all jobs in one wait, signals, stopping
 *   proc_job.c  one job: its stages, what they say, how they end
 */
#ifndef LP_RUN_PROC_PRIV_H
#define LP_RUN_PROC_PRIV_H

#include <poll.h>

#include "common/run/proc.h"

/* Its stages run, as lp_crew_start says, with `null` for what goes nowhere; LP_E_SYS: none does, and nothing is open. */
int lp_job_start(struct lp_job *, const struct lp_stage *, size_t n, const struct lp_job_io *, int null);

/* Which stages are gone. */
void lp_job_reap(struct lp_job *);
/* What to poll, and how many that are; then what came of it. */
enum { LP_JOB_POLLED = LP_STAGES + 1 }; /* at most */
size_t lp_job_watch(const struct lp_job *, struct pollfd *);
void lp_job_tend(struct lp_job *, const struct pollfd *);
/* Milliseconds until lp_job_tend has something to do all the same; -1: there is nothing. */
int lp_job_patience(const struct lp_job *);

/* All stages are gone: the last of what they said is handed on, and who was killed. */
void lp_job_hear_out(struct lp_job *);
/* Everything that it has open, closed. */
void lp_job_forget(struct lp_job *);

/* Those stages which are still there after *left_ms, of which less is left then, get SIGKILL. All reaped, all closed. */
void lp_job_bury(struct lp_job *, int *left_ms);

#endif
