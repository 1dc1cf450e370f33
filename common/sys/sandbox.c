#include "common/sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
enum { NET_BIND = 1, NET_BIND_CONNECT = 3, SCOPE_SOCKET = 1, SCOPE_SOCKET_SIGNAL = 3 };

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

/* Of a layout; and of a store, which is filled in one directory and renamed into another. */
#define LAYOUT_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define STORE_RIGHTS                                                                                  \
	(DATABASE_RIGHTS | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | RIGHT_REFER)
enum { RIGHT_REFER = 1 << 13 }; /* LANDLOCK_ACCESS_FS_REFER, ABI 2 */
/* Of a directory for files without a name: none is made that has one. */
#define UNNAMED_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)
/* Those of them that a file can have. */
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

/* What the C library's resolver reads: it may look at each of them again for each name. */
static const char *const resolver_files[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
};

/* What a process may still see. */
struct view {
	enum lp_duty duty;
	int directory; /* LP_DUTY_DATABASE: its directory, or -1 */
	const struct lp_lock_path *paths;
	size_t n;
};

static int
allow(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr a = { .allowed_access = rights, .parent_fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) == 0 ? LP_OK : LP_E_SYS;
}

static int
allow_path(int ruleset, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc = LP_E_SYS, err;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		rc = allow(ruleset, fd, S_ISDIR(st.st_mode) ? rights : rights & FILE_RIGHTS);
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return rc;
}

static uint64_t
rights_of(const struct view *v, const struct lp_lock_path *p)
{
	return v->duty == LP_DUTY_DRIVER ? UNNAMED_RIGHTS : p->write ? STORE_RIGHTS : LAYOUT_RIGHTS;
}

static int
allow_view(int ruleset, const struct view *v, uint64_t known)
{
	int rc = v->directory >= 0 ? allow(ruleset, v->directory, DATABASE_RIGHTS & known) : LP_OK;

	for (size_t i = 0; i < v->n && rc == LP_OK; i++)
		rc = allow_path(ruleset, v->paths[i].path, rights_of(v, &v->paths[i]) & known);
	/* one that does not exist is one that nobody will miss */
	for (size_t i = 0; v->duty == LP_DUTY_NETWORK && i < sizeof(resolver_files) / sizeof(resolver_files[0]); i++)
		(void)allow_path(ruleset, resolver_files[i], LANDLOCK_ACCESS_FS_READ_FILE);
	return rc;
}

/* No file but those of the view, and no port but to connect to, if that is the duty. */
static int
landlock(const struct view *v)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { 0 };
	size_t size;
	long fd;
	int rc;

	if (abi < 1)
		return LP_E_SYS;
	r.fs = fs_rights(abi);
	r.net = abi < 4 ? 0 : v->duty == LP_DUTY_NETWORK ? NET_BIND : NET_BIND_CONNECT;
	/* a driver's children are not locked in with it, and it is to end them */
	r.scoped = abi < 6 ? 0 : v->duty == LP_DUTY_DRIVER ? SCOPE_SOCKET : SCOPE_SOCKET_SIGNAL;
	size = abi >= 6 ? sizeof(r) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return LP_E_SYS;
	rc = allow_view((int)fd, v, r.fs);
	if (rc == LP_OK && syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		rc = LP_E_SYS;
	close((int)fd);
	return rc;
}

static const int filter_calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(splice), SCMP_SYS(vmsplice),
	SCMP_SYS(sendfile), SCMP_SYS(close), SCMP_SYS(fstat),
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

/* Files in a store, and the file that tokens are shared by. */
static const int store_calls[] = {
	SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(mkdirat), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(unlinkat), SCMP_SYS(getdents64), SCMP_SYS(flock), SCMP_SYS(fcntl), SCMP_SYS(ftruncate),
	SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(utimensat), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(getpid),
};

/* Sockets, and what libcurl, its resolver's threads and OpenSSL ask for besides. */
static const int network_calls[] = {
	SCMP_SYS(connect), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(shutdown), SCMP_SYS(ppoll), SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2), SCMP_SYS(socketpair), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(sched_yield), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getegid),
	SCMP_SYS(getgid), SCMP_SYS(open), SCMP_SYS(stat), SCMP_SYS(access), SCMP_SYS(readlink),
	SCMP_SYS(timer_create), SCMP_SYS(sched_getaffinity),
};

/* Children are watched and ended, functions forked into; what those lock themselves with can only take away. */
static const int driver_calls[] = {
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(fcntl), SCMP_SYS(ftruncate), SCMP_SYS(memfd_create),
	SCMP_SYS(pipe2), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(close_range), SCMP_SYS(sendmsg),
	SCMP_SYS(ppoll), SCMP_SYS(clock_nanosleep), SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(waitid),
	SCMP_SYS(wait4), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule), SCMP_SYS(landlock_restrict_self),
	SCMP_SYS(seccomp),
};

/* What libc asks for to begin a thread. */
static const int thread_calls[] = {
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(gettid),
};

/*
 * Sockets for the Internet alone. A filter does not see which AF_UNIX socket
 * is connected to, and Landlock does not look: docker's or an agent's would
 * be as good as no lock. The resolver asks for such a one (nscd) and for
 * netlink, is refused both, and goes on without.
 */
static int
allow_sockets(scmp_filter_ctx c)
{
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));

	rc = rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
	rc = rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
}

/* Of ioctl what asks and what concerns sockets: TIOCSTI would type into the user's terminal. */
static int
allow_ioctl(scmp_filter_ctx c)
{
	static const unsigned long harmless[] = { FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ };
	int rc = 0;

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]) && rc == 0; i++)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)harmless[i], 0));
	return rc;
}

static int
allow_network(scmp_filter_ctx c)
{
	int rc = allow_sockets(c);

	rc = rc != 0 ? rc : allow_ioctl(c);
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
	    SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
}

static int
allow_driver(scmp_filter_ctx c)
{
	static const unsigned long tightening[] = { PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_PDEATHSIG };
	int rc = allow_ioctl(c);

	for (size_t i = 0; i < sizeof(tightening) / sizeof(tightening[0]) && rc == 0; i++)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)tightening[i], 0));
	/* fork(3) as libc asks for it: no thread, no name space; and where it asks for clone3, it falls back */
	rc = rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_EQ, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, 0));
}

static int
allow_calls(scmp_filter_ctx c, const int *calls, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* Threads, not processes; clone3's flags are out of a filter's sight, and libc falls back to clone. */
static int
allow_threads(scmp_filter_ctx c)
{
	int rc = allow_calls(c, thread_calls, sizeof(thread_calls) / sizeof(thread_calls[0]));

	rc = rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

/* Calls that are allowed only with harmless arguments. */
static int
allow_some(scmp_filter_ctx c, enum lp_duty duty)
{
	int filter = duty == LP_DUTY_FILTER || duty == LP_DUTY_THREADED;
	/* no memory that could hold code; a resolver that would load a module is to go on without it */
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (duty == LP_DUTY_NETWORK && rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));

	/* glibc's fstat; with a path it could look around, where Landlock does not hide it */
	if (filter && rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
		    SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	/* a pipe's size (lp_pipe_grow), and nothing else that fcntl can do */
	if (filter && rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, F_SETPIPE_SZ, 0));
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
	if ((duty == LP_DUTY_STORE || duty == LP_DUTY_NETWORK) && rc == 0)
		rc = allow_calls(c, store_calls, sizeof(store_calls) / sizeof(store_calls[0]));
	if ((duty == LP_DUTY_THREADED || duty == LP_DUTY_NETWORK) && rc == 0)
		rc = allow_threads(c);
	if (duty == LP_DUTY_NETWORK && rc == 0) {
		rc = allow_calls(c, network_calls, sizeof(network_calls) / sizeof(network_calls[0]));
		rc = rc != 0 ? rc : allow_network(c);
	}
	if (duty == LP_DUTY_DRIVER && rc == 0) {
		rc = allow_calls(c, driver_calls, sizeof(driver_calls) / sizeof(driver_calls[0]));
		rc = rc != 0 ? rc : allow_driver(c);
	}
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

static int
lock(const struct view *v)
{
	if (!LOCKING)
		return LP_OK;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		lp_err_errno("cannot give up privileges");
		return LP_E_SYS;
	}
	if (!landlock_waived() && landlock(v) != LP_OK) {
		lp_err_errno("cannot lock the file system away with Landlock (LP_SANDBOX=seccomp goes on without it)");
		return LP_E_SYS;
	}
	if (seccomp(v->duty) != LP_OK) {
		lp_err_errno("cannot lock the system calls away with seccomp");
		return LP_E_SYS;
	}
	return LP_OK;
}

int
lp_lock(enum lp_duty duty)
{
	return lock(&(struct view){ .duty = duty, .directory = -1 });
}

int
lp_lock_in(enum lp_duty duty, int directory)
{
	return lock(&(struct view){ .duty = duty, .directory = directory });
}

int
lp_lock_paths(enum lp_duty duty, const struct lp_lock_path *paths, size_t n)
{
	return lock(&(struct view){ .duty = duty, .directory = -1, .paths = paths, .n = n });
}

int
lp_lock_is(void)
{
	return LOCKING;
}

void
lp_lock_memory(void)
{
	/* it can fail only where the kernel does not know it */
	if (LOCKING)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

const char *
lp_lock_names(void)
{
	return LOCKING ? "no_new_privs landlock seccomp\n" : "none (a build for sanitizers)\n";
}
