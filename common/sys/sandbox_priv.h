/*
 * What the files of the sandbox share. For these only.
 *
 *   sandbox.c    what the user asks for, the order of the steps, what is missing
 *   caps.c       capabilities
 *   landlock.c   which files, ports and processes exist
 *   filter.c     which system calls, with which arguments: seccomp
 *   callnames.c  their names
 */
#ifndef LP_SYS_SANDBOX_PRIV_H
#define LP_SYS_SANDBOX_PRIV_H

#include "common/sys/sandbox.h"

/* What a process may still see. */
struct lp_lock_view {
	enum lp_duty duty;
	int directory; /* LP_DUTY_DATABASE: its directory, or -1 */
	const struct lp_lock_path *paths;
	size_t n;
};

/*
 * All capabilities are dropped, from the bounding set too. One is kept where
 * root works in a directory of somebody else's, which it could not write
 * otherwise: CAP_DAC_OVERRIDE.
 */
void lp_caps_drop(const struct lp_lock_view *);

/* The version of the kernel's Landlock, 0: it has none. */
long lp_landlock_version(void);
/* What a kernel of this version does not restrict, in words; NULL: it has all that is known here. */
const char *lp_landlock_missing(long version);
/* LP_OK; LP_E_ABSENT where the kernel refuses to (errno); LP_E_SYS after saying which path cannot be given. */
int lp_landlock(const struct lp_lock_view *);

/*
 * No system call but those of the duty. LP_OK or LP_E_SYS (errno). One that
 * is not allowed ends the process: it says which, and exits with
 * LP_EXIT_SYSTEM.
 */
int lp_filter(enum lp_duty);

/* The filter of that, as libseccomp has it (scmp_filter_ctx), not loaded yet; NULL (errno). The caller's to release. */
void *lp_filter_make(enum lp_duty);

/* The name of a system call, or NULL. For a signal handler: it asks for no memory. */
const char *lp_call_name(int number);

#endif
