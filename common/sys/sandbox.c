#include "common/sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"

/*
 * The sanitizers and valgrind call what no filter of ours would allow, so
 * their builds say so instead of locking.
 */
#if defined(LP_NO_LOCK)
#define LOCKING 0
#else
#define LOCKING 1
#endif

/* Landlock's ABI 4 and 6, younger than the kernel headers we build with. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};
enum { NET_BIND_CONNECT = 3, SCOPE_SOCKET_SIGNAL = 3 };

/* All file system rights that each ABI knows: 1, 2 (refer), 3 (truncate), 5 (ioctl). */
static uint64_t
fs_rights(long abi)
{
	unsigned known = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

	return ((uint64_t)1 << known) - 1;
}

static int
landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { 0 };
	size_t size;
	long fd;
	int rc;

	if (abi < 1)
		return LP_E_SYS;
	r.fs = fs_rights(abi);
	r.net = abi >= 4 ? NET_BIND_CONNECT : 0;
	r.scoped = abi >= 6 ? SCOPE_SOCKET_SIGNAL : 0;
	size = abi >= 6 ? sizeof(r) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return LP_E_SYS;
	rc = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0 ? LP_OK : LP_E_SYS;
	close((int)fd);
	return rc;
}

static const int filter_calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(splice), SCMP_SYS(vmsplice), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Calls that are allowed only with harmless arguments. */
static int
allow_some(scmp_filter_ctx c)
{
	/* no memory that could hold code */
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	/* glibc's fstat; with a path it could look around */
	rc = rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
	    SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	/* malloc arenas */
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int
seccomp(void)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = c == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(filter_calls) / sizeof(filter_calls[0]) && rc == 0; i++)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, filter_calls[i], 0);
	rc = rc != 0 ? rc : allow_some(c);
	rc = rc != 0 ? rc : seccomp_load(c);
	seccomp_release(c);
	errno = -rc;
	return rc == 0 ? LP_OK : LP_E_SYS;
}

static int
landlock_waived(void)
{
	const char *s = getenv("LP_SANDBOX");

	return s != NULL && strcmp(s, "seccomp") == 0;
}

int
lp_lock(enum lp_duty duty)
{
	(void)duty;
	if (!LOCKING)
		return LP_OK;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		lp_err_errno("cannot give up privileges");
		return LP_E_SYS;
	}
	if (!landlock_waived() && landlock() != LP_OK) {
		lp_err_errno("cannot lock the file system away with Landlock (LP_SANDBOX=seccomp goes on without it)");
		return LP_E_SYS;
	}
	if (seccomp() != LP_OK) {
		lp_err_errno("cannot lock the system calls away with seccomp");
		return LP_E_SYS;
	}
	return LP_OK;
}

const char *
lp_lock_names(void)
{
	return LOCKING ? "no_new_privs landlock seccomp\n" : "none (a build for sanitizers)\n";
}
