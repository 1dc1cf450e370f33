/*
 * The lock: from here on the process can do its duty and nothing else.
 *
 * no_new_privs, then Landlock (which files and ports exist for us), no
 * capability, then a seccomp allowlist (what system calls do). Taken after
 * the command line was read and everything named there was opened, before
 * the first byte from outside is looked at.
 *
 * It fails closed: no_new_privs and seccomp are mandatory, and what cannot
 * be had is an error. Landlock is best effort: each right that this kernel
 * has; what it lacks is reported by -v, -V and the statistics. The user's
 * word on that is LP_SANDBOX: best-effort, require (Landlock is mandatory
 * too) or off (nothing is locked, not even by seccomp).
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
	 * a filter's, and watches children that starter.h starts, and is given files by it. It opens nothing and
	 * forks nothing.
	 */
	LP_DUTY_DRIVER
};

/* A directory (with all below it) or a file that goes on existing; `write`: may also be changed. */
struct lp_lock_path {
	const char *path;
	int write;
};

/* Reads LP_SANDBOX, once, before all others of these. LP_OK, or LP_E_USAGE after a message. */
int lp_lock_choose(void);

/*
 * Lock this process, for good. 0, or LP_E_SYS after saying why: the reason
 * is known only here. A second call can only take more away.
 */
int lp_lock(enum lp_duty);

/* The same for a duty that has a directory: the only one that exists from here on. The descriptor stays the caller's. */
int lp_lock_in(enum lp_duty, int directory);

/*
 * The same for a duty with paths; those that LP_DUTY_NETWORK's resolver
 * reads are added here. The paths must exist. Under Landlock's first ABI
 * (before Linux 5.19) no file can be renamed or linked from one directory
 * into another.
 */
int lp_lock_paths(enum lp_duty, const struct lp_lock_path *, size_t n);

/* Whether this build locks, and the user has not switched that off. */
int lp_lock_is(void);

/*
 * What this process has in memory is nobody else's: no core file, and no
 * other process of the same user reads it or its environment (ptrace(2),
 * proc(5)). Before it learns a secret. Not in builds without locks: their
 * checkers look at themselves that way.
 */
void lp_lock_memory(void);

/* What a locked process does without, for the statistics; NULL: nothing, or it is not locked yet. */
const char *lp_lock_missing(void);

/* One line, with its newline: which locks this build and this kernel have, and what is missing, for -V. */
const char *lp_lock_names(void);

#endif
