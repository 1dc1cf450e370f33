/*
 * seccomp: the system calls of each duty, with the arguments that are harmless.
 *
 * Three answers. What a duty needs is allowed. What the C library asks for by
 * itself, and does without where it fails, fails: malloc(3) looks into /proc
 * before it gives memory back, a resolver tries sockets of its own. All else
 * ends the process (SIGSYS), which says what it was.
 */
#include <asm/termbits.h> /* the argument of TCGETS2 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/sandbox_priv.h"

enum {
	F = 1 << LP_DUTY_FILTER,
	T = 1 << LP_DUTY_THREADED,
	D = 1 << LP_DUTY_DATABASE,
	S = 1 << LP_DUTY_STORE,
	N = 1 << LP_DUTY_NETWORK,
	P = 1 << LP_DUTY_DRIVER,
	ALL = F | T | D | S | N | P
};

/* ---- whatever the arguments ------------------------------------------------------------ */

/* The last line is what abort(3), threads and a clock without a vDSO ask for: nobody gains by it. */
static const int filter_calls[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(splice), SCMP_SYS(vmsplice),
	SCMP_SYS(sendfile), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(time),
	SCMP_SYS(gettimeofday), SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo),
};

/* What libc asks for to begin a thread. */
static const int thread_calls[] = {
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
};

/* What SQLite asks for besides: which files, Landlock decides. */
static const int database_calls[] = {
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(pwrite64), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fchmod), SCMP_SYS(fchown),
	SCMP_SYS(geteuid), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
};

/* Files in a store, and the file that tokens are shared by. */
static const int store_calls[] = {
	SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(mkdirat), SCMP_SYS(renameat), SCMP_SYS(linkat),
	SCMP_SYS(unlinkat), SCMP_SYS(getdents64), SCMP_SYS(flock), SCMP_SYS(ftruncate),
	SCMP_SYS(pwrite64), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(utimensat), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(geteuid), SCMP_SYS(getuid),
	/* in musl's words, where there are such calls */
	SCMP_SYS(open), SCMP_SYS(stat), SCMP_SYS(lstat),
};

/* Sockets, and what libcurl, its resolver's threads and OpenSSL ask for besides. */
static const int network_calls[] = {
	SCMP_SYS(connect), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(shutdown), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(uname),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getegid), SCMP_SYS(getgid),
	SCMP_SYS(access), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(timer_create),
};

/* Children, which another process starts, are watched and ended. */
static const int driver_calls[] = {
	SCMP_SYS(ftruncate), SCMP_SYS(pipe2), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(waitid), SCMP_SYS(wait4), SCMP_SYS(getpgid),
	/* musl's sleep and raise */
	SCMP_SYS(nanosleep), SCMP_SYS(tkill),
};

#if !defined(__GLIBC__)
/* musl's resolver binds the socket that it asks by, to no port of its choice; listening stays out. */
static const int musl_calls[] = { SCMP_SYS(bind) };
#endif

#define LIST(duties, calls) { duties, calls, sizeof(calls) / sizeof((calls)[0]) }
static const struct {
	unsigned duties;
	const int *calls;
	size_t n;
} lists[] = {
	LIST(ALL, filter_calls), LIST(T | N, thread_calls), LIST(D, database_calls), LIST(S | N, store_calls),
	LIST(N, network_calls), LIST(P, driver_calls),
#if !defined(__GLIBC__)
	LIST(N, musl_calls),
#endif
};

/* ---- depending on them -------------------------------------------------------------------- */

/* Of fcntl neither signals to others (F_SETOWN, F_SETSIG, F_NOTIFY, O_ASYNC) nor leases. */
#define FCNTL(command) { D | S | N | P, 0, SCMP_SYS(fcntl), 1, { { 1, SCMP_CMP_EQ, command, 0 } } }
/* Of ioctl what asks and what concerns sockets: TIOCSTI would type into the user's terminal. */
#define IOCTL(request) { N | P, 0, SCMP_SYS(ioctl), 1, { { 1, SCMP_CMP_EQ, request, 0 } } }
/* What fails by an errno, with all arguments. */
#define FAILS(duties, err, call) { duties, err, SCMP_SYS(call), 0, { { 0 } } }

/* All bits of a socket's type but those that are flags. */
#define TYPE_BITS (0xffffffffu & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
/* prctl: names for memory, which libc gives where the user asks it to */
enum { SET_VMA = 0x53564d41 };

/*
 * What of the arguments a filter sees. On s390 mmap has them in memory, and clone
 * the stack first. Sockets have theirs in memory where socketcall asks for them;
 * s390's C library does, and for both architectures that have it libseccomp makes
 * rules about socket into ones about socketcall too, which then contradict each other.
 */
#if defined(__s390__)
enum { MAPPING = 0, FLAGS = 1 };
#else
enum { MAPPING = 1, FLAGS = 0 };
#endif
#if defined(__s390__) || defined(__powerpc__)
enum { FAMILY = 0 };
#else
enum { FAMILY = 1 };
#endif
enum { N_MAPPING = MAPPING ? N : 0, N_FAMILY = FAMILY ? N : 0 };

static const struct {
	unsigned duties;
	int err; /* 0: allowed */
	int call;
	unsigned n;
	struct scmp_arg_cmp arg[2];
} rules[] = {
	/* no memory that could hold code; a resolver that would load a module is to go on without it */
	{ ALL, 0, SCMP_SYS(mmap), MAPPING, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ N_MAPPING, EPERM, SCMP_SYS(mmap), 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC } } },
	/* malloc's arenas */
	{ ALL, 0, SCMP_SYS(mprotect), 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	/* glibc's fstat; with a path it could look around, where Landlock does not hide it */
	{ F | T | P, 0, SCMP_SYS(newfstatat), 1, { { 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0 } } },
	{ F | T | P, EACCES, SCMP_SYS(newfstatat), 1, { { 3, SCMP_CMP_NE, AT_EMPTY_PATH, 0 } } },
	/* renameat, where there is no such call */
	{ S | N, 0, SCMP_SYS(renameat2), 1, { { 4, SCMP_CMP_EQ, 0, 0 } } },
	/* a pipe's size (lp_pipe_grow) */
	{ ALL, 0, SCMP_SYS(fcntl), 1, { { 1, SCMP_CMP_EQ, F_SETPIPE_SZ, 0 } } },
	FCNTL(F_GETFD), FCNTL(F_SETFD), FCNTL(F_GETFL), FCNTL(F_DUPFD), FCNTL(F_DUPFD_CLOEXEC), FCNTL(F_GETLK),
	FCNTL(F_SETLK), FCNTL(F_SETLKW),
	{ D | S | N | P, 0, SCMP_SYS(fcntl), 2,
	    { { 1, SCMP_CMP_EQ, F_SETFL, 0 }, { 2, SCMP_CMP_MASKED_EQ, O_ASYNC, 0 } } },
	IOCTL(FIONBIO), IOCTL(FIONREAD), IOCTL(TCGETS),
#if defined(TCGETS2)
	/* what glibc asks of a terminal from 2.42 on */
	IOCTL(TCGETS2),
	{ P, 0, SCMP_SYS(ioctl), 1, { { 1, SCMP_CMP_EQ, TCSETS2, 0 } } },
#endif
	/* whether it is a terminal: what musl asks of a stream that is written to */
	{ ALL, 0, SCMP_SYS(ioctl), 1, { { 1, SCMP_CMP_EQ, TIOCGWINSZ, 0 } } },
	/* what a pager that had to be ended or stopped has made of the terminal is taken back, while it is ours */
	{ P, 0, SCMP_SYS(ioctl), 1, { { 1, SCMP_CMP_EQ, TCSETS, 0 } } },
	{ P, 0, SCMP_SYS(ioctl), 1, { { 1, SCMP_CMP_EQ, TIOCGPGRP, 0 } } },
	/*
	 * Sockets for the Internet alone. A filter does not see which AF_UNIX socket
	 * is connected to, and Landlock does not look: docker's or an agent's would
	 * be as good as no lock. The resolver asks for such a one (nscd) and for
	 * netlink, is refused both, and goes on without. A pair is of streams:
	 * datagrams could be sent to anybody's address.
	 */
	{ N, 0, SCMP_SYS(socket), FAMILY, { { 0, SCMP_CMP_EQ, AF_INET, 0 } } },
	{ N_FAMILY, 0, SCMP_SYS(socket), 1, { { 0, SCMP_CMP_EQ, AF_INET6, 0 } } },
	{ N_FAMILY, EAFNOSUPPORT, SCMP_SYS(socket), 1, { { 0, SCMP_CMP_EQ, AF_UNIX, 0 } } },
	{ N_FAMILY, EAFNOSUPPORT, SCMP_SYS(socket), 1, { { 0, SCMP_CMP_EQ, AF_NETLINK, 0 } } },
	{ N, 0, SCMP_SYS(socketpair), 2 * FAMILY,
	    { { 0, SCMP_CMP_EQ, AF_UNIX, 0 }, { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_STREAM } } },
	/* threads, not processes; clone3's flags are out of a filter's sight, and libc falls back to clone */
	FAILS(T | N, ENOSYS, clone3),
	{ T | N, 0, SCMP_SYS(clone), 1, { { FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } } },
	{ N, 0, SCMP_SYS(prctl), 1, { { 0, SCMP_CMP_EQ, PR_SET_NAME, 0 } } },
	{ ALL, EINVAL, SCMP_SYS(prctl), 1, { { 0, SCMP_CMP_EQ, SET_VMA, 0 } } },
	/* files that libc looks for by itself */
	FAILS(F | T | P, EACCES, open), FAILS(F | T | P, EACCES, openat), FAILS(F | T | P, EACCES, access),
	FAILS(F | T | P, EACCES, faccessat), FAILS(F | T | P, EACCES, faccessat2), FAILS(F | T | P, EACCES, stat),
	FAILS(F | T | P, EACCES, lstat), FAILS(F | T | P, EACCES, readlink), FAILS(F | T | P, EACCES, readlinkat),
	/* what is younger than a C library's second way, and what is only a wish */
	FAILS(ALL, ENOSYS, statx), FAILS(ALL, ENOSYS, membarrier), FAILS(ALL, EPERM, prlimit64),
	FAILS(ALL, EPERM, mlock), FAILS(ALL, ENOSYS, mlock2),
};

static int
add_rules(scmp_filter_ctx c, unsigned duty)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; (lists[i].duties & duty) != 0 && k < lists[i].n && rc == 0; k++)
			rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, lists[i].calls[k], 0);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && rc == 0; i++)
		if ((rules[i].duties & duty) != 0)
			rc = seccomp_rule_add_array(c,
			    rules[i].err == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((unsigned)rules[i].err), rules[i].call,
			    rules[i].n, rules[i].arg);
	return rc;
}

/* A process may end itself as abort(3) does. */
static int
add_abort(scmp_filter_ctx c, unsigned duty)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	int rc = duty == P ? 0 : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, SCMP_A0(SCMP_CMP_EQ, self, 0),
	    SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));

	/* musl's way, in the thread that locks; another is ended by this filter */
	return duty == P || rc != 0 ? rc : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tkill), 2,
	    SCMP_A0(SCMP_CMP_EQ, self, 0), SCMP_A1(SCMP_CMP_EQ, SIGABRT, 0));
}

/* ---- what is not allowed -------------------------------------------------------------------- */

static void __attribute__((noreturn))
end(int sig, siginfo_t *si, void *context)
{
	const char *name = lp_call_name(si->si_syscall);

	(void)sig;
	(void)context;
	lp_err("sandbox: system call %s (%d) is not allowed", name != NULL ? name : "unknown", si->si_syscall);
	_exit(LP_EXIT_SYSTEM);
}

static int
handle(void)
{
	struct sigaction a = { .sa_sigaction = end, .sa_flags = SA_SIGINFO };
	sigset_t set;

	sigemptyset(&a.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	return sigaction(SIGSYS, &a, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &set, NULL) == 0 ? 0 : -errno;
}

void *
lp_filter_make(enum lp_duty duty)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_TRAP);
	unsigned bit = 1u << duty;
	int rc = c == NULL ? -ENOSYS : 0;

	/*
	 * Calls of another architecture, or x32, have other numbers: whoever makes them means no good. A kernel
	 * that cannot end the process ends the thread, as it does by default.
	 */
	if (rc == 0)
		(void)seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	rc = rc != 0 ? rc : add_rules(c, bit);
	rc = rc != 0 ? rc : add_abort(c, bit);
	if (rc != 0) {
		seccomp_release(c);
		errno = -rc;
	}
	return rc == 0 ? c : NULL;
}

int
lp_filter(enum lp_duty duty)
{
	scmp_filter_ctx c = lp_filter_make(duty);
	int rc = c == NULL ? -errno : handle();

	rc = rc != 0 ? rc : seccomp_load(c);
	seccomp_release(c);
	errno = -rc;
	return rc == 0 ? LP_OK : LP_E_SYS;
}
