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

/* What a database needs of its directory: no links, no devices, nothing to run. */
#define DATABASE_RIGHTS                                                                            \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | RIGHT_TRUNCATE)
enum { RIGHT_TRUNCATE = 1 << 14 }; /* LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3 */

static int
allow_directory(int ruleset, int directory, uint64_t known)
{
	struct landlock_path_beneath_attr a = {
		.allowed_access = DATABASE_RIGHTS & known, .parent_fd = directory
	};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) == 0 ? LP_OK : LP_E_SYS;
}

/* No file but those below the directory (-1: none), no port. */
static int
landlock(int directory)
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
	rc = directory >= 0 ? allow_directory((int)fd, directory, r.fs) : LP_OK;
	if (rc == LP_OK && syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		rc = LP_E_SYS;
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

/* What SQLite asks for besides: which files, Landlock decides. */
static const int database_calls[] = {
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(readlink), SCMP_SYS(getcwd),
	SCMP_SYS(fcntl), SCMP_SYS(ftruncate), SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
	SCMP_SYS(unlink), SCMP_SYS(fchmod), SCMP_SYS(fchown), SCMP_SYS(geteuid), SCMP_SYS(getpid),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(sysinfo),
};

static int
allow_calls(scmp_filter_ctx c, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* Calls that are allowed only with harmless arguments. */
static int
allow_some(scmp_filter_ctx c, enum lp_duty duty)
{
	/* no memory that could hold code */
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	/* glibc's fstat; with a path it could look around */
	if (duty == LP_DUTY_FILTER && rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
	    SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	/* malloc arenas */
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int
seccomp(enum lp_duty duty)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = c == NULL ? -ENOSYS : 0;

	rc = rc != 0 ? rc : allow_calls(c, filter_calls, sizeof(filter_calls) / sizeof(filter_calls[0]));
	if (duty == LP_DUTY_DATABASE && rc == 0)
		rc = allow_calls(c, database_calls, sizeof(database_calls) / sizeof(database_calls[0]));
	rc = rc != 0 ? rc : allow_some(c, duty);
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
	return lp_lock_in(duty, -1);
}

int
lp_lock_in(enum lp_duty duty, int directory)
{
	if (!LOCKING)
		return LP_OK;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		lp_err_errno("cannot give up privileges");
		return LP_E_SYS;
	}
	if (!landlock_waived() && landlock(directory) != LP_OK) {
		lp_err_errno("cannot lock the file system away with Landlock (LP_SANDBOX=seccomp goes on without it)");
		return LP_E_SYS;
	}
	if (seccomp(duty) != LP_OK) {
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
