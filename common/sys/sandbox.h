/*
 * The lock: from here on the process can do its duty and nothing else.
 *
 * no_new_privs, then Landlock (what files and ports exist for us), then a
 * seccomp allowlist (what system calls do). Taken after the command line
 * was read and everything named there was opened, before the first byte
 * from outside is looked at.
 *
 * It fails closed: a lock that cannot be had is an error. The one way round
 * is the user's own word, LP_SANDBOX=seccomp, for kernels without Landlock.
 */
#ifndef LP_SYS_SANDBOX_H
#define LP_SYS_SANDBOX_H

#include <stddef.h>

enum lp_duty {
	/* reads, writes and seeks what is open, asks for memory, exits */
	LP_DUTY_FILTER,
	/* that, and begins threads, which inherit the lock; so only behind it */
	LP_DUTY_THREADED,
	/* that, and keeps a database in one directory: files there may be made, locked, changed and removed */
	LP_DUTY_DATABASE,
	/* a filter's, and keeps a store or reads a layout: files below the paths named */
	LP_DUTY_STORE,
	/* that, and speaks to servers, names looked up: it connects and never listens */
	LP_DUTY_NETWORK,
	/*
	 * a filter's, and keeps unnamed files below the paths named, watches children that starter.h starts,
	 * and forks into functions of its own, which lock themselves for less
	 */
	LP_DUTY_DRIVER
};

/* A directory (with all below it) or a file that goes on existing; `write`: may also be changed. */
struct lp_lock_path {
	const char *path;
	int write;
};

/*
 * Lock this process, for good. 0, or LP_E_SYS after saying why: the reason
 * is known only here. A second call would be a bug: it is refused.
 */
int lp_lock(enum lp_duty);

/* The same for a duty that has a directory: the only one that exists from here on. The descriptor stays the caller's. */
int lp_lock_in(enum lp_duty, int directory);

/*
 * The same for a duty with paths; those that LP_DUTY_NETWORK's resolver
 * reads are added here. The paths must exist. Without Landlock's ABI 2
 * (Linux 5.19) a store cannot be written under a lock: files are made in one
 * directory of it and renamed into another.
 */
int lp_lock_paths(enum lp_duty, const struct lp_lock_path *, size_t n);

/* Whether this build has locks. */
int lp_lock_is(void);

/*
 * What this process has in memory is nobody else's: no core file, and no
 * other process of the same user reads it or its environment (ptrace(2),
 * proc(5)). Before it learns a secret. Not in builds without locks: their
 * checkers look at themselves that way.
 */
void lp_lock_memory(void);

/* One line, with its newline: which locks this build has, for -V. */
const char *lp_lock_names(void);

#endif
