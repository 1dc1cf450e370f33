/*
 * One child process: a program of this suite, or a function of our own.
 * Pipelines and waiting are proc.h's.
 *
 * The child sees 0, 1, 2, its report pipe and what is on the `keep` list;
 * its signals are as a shell would start it with; it gets SIGTERM when its
 * parent dies.
 */
#ifndef LP_RUN_SPAWN_H
#define LP_RUN_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct lp_stage {
	/* a program of this suite and its arguments, NULL behind the last; looked for beside our own first */
	const char *const *argv;
	/* or a function, with 0 and 1 joined up like a program's; its answer is the exit code */
	int (*run)(void *arg);
	void *arg;
};

struct lp_ends {
	int in, out, err;
	int report;      /* a program finds it as LP_STATS and LP_PROGRESS, a function does not get it; -1: both stay as they are */
	const int *keep; /* seen under the same number */
	size_t nkeep;
};

/*
 * Start it. All descriptors stay the caller's. The child's process ID, or
 * LP_E_SYS. A program that cannot be run says so itself on `err` and exits
 * with LP_EXIT_SYSTEM.
 */
pid_t lp_spawn(const struct lp_stage *, const struct lp_ends *);

/* The child's side of it, for who forks by other means (starter.h): it becomes what the stage says, or exits. */
void lp_spawn_child(const struct lp_stage *, const struct lp_ends *, pid_t parent) __attribute__((noreturn));

/* Close the descriptors from 3 up that are not on the list. */
void lp_close_all_but(const int *keep, size_t n);

#endif
