/*
 * The filters of the sandbox, asked without being loaded: what libseccomp makes
 * of the allow-lists on this architecture is interpreted here as the kernel
 * would. So each architecture that the tree is built for is tested where there
 * is no kernel of it, as in qemu-user; what the calls do is test_sandbox's.
 */
#include <asm/termbits.h> /* the argument of TCGETS2 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/sandbox_priv.h"
#include "test/unit/unit.h"

enum { F = 1 << LP_DUTY_FILTER, T = 1 << LP_DUTY_THREADED, D = 1 << LP_DUTY_DATABASE, S = 1 << LP_DUTY_STORE, N = 1 << LP_DUTY_NETWORK,
	P = 1 << LP_DUTY_DRIVER, ALL = F | T | D | S | N | P };

/* How fork(3) and pthread_create(3) ask. */
enum { FORK = CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD,
	THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
	CLONE_CHILD_CLEARTID };

#if defined(__s390x__)
#define CLONE(flags) SYS_clone, { 0x3ff0000, flags }
#else
#define CLONE(flags) SYS_clone, { flags, 0x3ff0000 }
#endif

/* musl's resolver binds its socket. */
#if defined(__GLIBC__)
enum { BINDS = 0 };
#else
enum { BINDS = N };
#endif

/*
 * The calls that the C library makes on this architecture, newer than its
 * oldest kernel or not; the duties that have each, those for which it fails with
 * EACCES, and all others are ended.
 */
static const struct {
	const char *what;
	unsigned duties, refused;
	int call;
	uint64_t arg[6];
} calls[] = {
	{ "read", ALL, 0, SYS_read, { 0 } },
	{ "writev", ALL, 0, SYS_writev, { 1 } },
	{ "ppoll", ALL, 0, SYS_ppoll, { 0 } },
	{ "fstat", ALL, 0, SYS_fstat, { 0 } },
	{ "newfstatat of a descriptor", ALL, 0, SYS_newfstatat, { 3, 1, 2, AT_EMPTY_PATH } },
	{ "newfstatat of a name", D | S | N, F | T | P, SYS_newfstatat, { 3, 1, 2, 0 } },
	{ "openat", D | S | N, F | T | P, SYS_openat, { 3 } },
	{ "faccessat", D | S | N, F | T | P, SYS_faccessat, { 3 } },
	{ "readlinkat", D | N, F | T | P, SYS_readlinkat, { 3 } },
	{ "unlinkat", D | S | N, 0, SYS_unlinkat, { 3 } },
	{ "mkdirat", S | N, 0, SYS_mkdirat, { 3 } },
	{ "linkat", S | N, 0, SYS_linkat, { 3 } },
#if defined(SYS_renameat)
	{ "renameat", S | N, 0, SYS_renameat, { 3 } },
#endif
	{ "renameat2 as renameat", S | N, 0, SYS_renameat2, { 3, 0, 3, 0, 0 } },
	{ "renameat2 of two names", 0, 0, SYS_renameat2, { 3, 0, 3, 0, 2 } },
	{ "ftruncate", D | S | N | P, 0, SYS_ftruncate, { 3 } },
	{ "pwrite64", D | S | N, 0, SYS_pwrite64, { 3 } },
	{ "fcntl of a lock", D | S | N | P, 0, SYS_fcntl, { 3, F_SETLK } },
	{ "memory", ALL, 0, SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS } },
	{ "a guard page", ALL, 0, SYS_mprotect, { 0, 4096, PROT_NONE } },
	{ "code", 0, 0, SYS_mprotect, { 0, 4096, PROT_READ | PROT_EXEC } },
	{ "fork", 0, 0, CLONE(FORK) },
	{ "a thread", T | N, 0, CLONE(THREAD) },
	{ "a process in a name space", 0, 0, CLONE(CLONE_NEWUSER | SIGCHLD) },
	{ "execve", 0, 0, SYS_execve, { 1 } },
	{ "ptrace", 0, 0, SYS_ptrace, { 1 } },
	{ "whether it is a terminal", ALL, 0, SYS_ioctl, { 1, TIOCGWINSZ } },
	{ "how a terminal is set", N | P, 0, SYS_ioctl, { 1, TCGETS } },
	{ "to set it", P, 0, SYS_ioctl, { 1, TCSETS } },
#if defined(TCGETS2)
	{ "how a terminal is set, of any speed", N | P, 0, SYS_ioctl, { 1, TCGETS2 } },
	{ "to set it, of any speed", P, 0, SYS_ioctl, { 1, TCSETS2 } },
#endif
	{ "to type into it", 0, 0, SYS_ioctl, { 1, TIOCSTI } },
	{ "pipe2", N | P, 0, SYS_pipe2, { 1 } },
	{ "dup3", 0, 0, SYS_dup3, { 1, 2 } },
	{ "waitid", P, 0, SYS_waitid, { 0 } },
	{ "wait4", P, 0, SYS_wait4, { 0 } },
	{ "clock_nanosleep", D | N | P, 0, SYS_clock_nanosleep, { 0 } },
	{ "a socket", N, 0, SYS_socket, { AF_INET, SOCK_STREAM } },
	{ "connect", N, 0, SYS_connect, { 3 } },
	{ "sendmmsg", N, 0, SYS_sendmmsg, { 3 } },
	{ "sendmsg", N | P, 0, SYS_sendmsg, { 3 } },
	{ "bind", BINDS, 0, SYS_bind, { 3 } },
	{ "listen", 0, 0, SYS_listen, { 3 } },
	{ "a pair of streams", N, 0, SYS_socketpair, { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC } },
#if defined(SYS_socketcall)
	/* a C library for kernels before 4.3 has no others; their arguments are in memory, out of a filter's sight */
	{ "a socket, by socketcall", N, 0, SYS_socketcall, { 1 } },
	{ "bind, by socketcall", BINDS, 0, SYS_socketcall, { 2 } },
	{ "connect, by socketcall", N, 0, SYS_socketcall, { 3 } },
	{ "sendto, by socketcall", N, 0, SYS_socketcall, { 11 } },
	{ "sendmsg, by socketcall", N | P, 0, SYS_socketcall, { 16 } },
#endif
#if !defined(__s390x__)
	{ "memory for code", 0, 0, SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS } },
#endif
#if !defined(SYS_socketcall)
	{ "a socket of this machine", 0, 0, SYS_socket, { AF_UNIX, SOCK_STREAM } },
#endif
#if defined(SYS_poll)
	{ "poll", ALL, 0, SYS_poll, { 0 } },
#endif
#if defined(SYS_open)
	{ "open", D | S | N, F | T | P, SYS_open, { 1 } },
#endif
#if defined(SYS_unlink)
	{ "unlink", D, 0, SYS_unlink, { 1 } },
#endif
#if defined(SYS_dup2)
	{ "dup2", 0, 0, SYS_dup2, { 1, 2 } },
#endif
};

/* A network's lock does not end what libraries try and do without. */
static uint32_t
wanted(size_t i, enum lp_duty duty)
{
	int err = (calls[i].refused >> duty & 1) != 0 ? EACCES : 0;

	if ((calls[i].duties >> duty & 1) != 0)
		return SECCOMP_RET_ALLOW;
	if (duty == LP_DUTY_NETWORK && calls[i].call == SYS_mmap)
		err = EPERM;
	if (duty == LP_DUTY_NETWORK && calls[i].call == SYS_socket)
		err = EAFNOSUPPORT;
	return err != 0 ? SECCOMP_RET_ERRNO | (uint32_t)err : SECCOMP_RET_TRAP;
}

/* ---- the kernel's part ----------------------------------------------------------------- */

struct program {
	struct sock_filter code[4096];
	size_t n;
};

static uint32_t
word(const struct seccomp_data *d, uint32_t at)
{
	uint32_t w;

	memcpy(&w, (const char *)d + at, sizeof(w));
	return w;
}

/* The action, as of seccomp(2). What libseccomp generates uses no other instructions. */
static uint32_t
answer(const struct program *p, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct sock_filter *f = &p->code[i];
		int yes;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS: a = word(d, f->k); continue;
		case BPF_ALU | BPF_AND | BPF_K: a &= f->k; continue;
		case BPF_RET | BPF_K: return f->k;
		case BPF_JMP | BPF_JA: i += f->k; continue;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == f->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = a > f->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= f->k; break;
		default: diag("instruction %u", f->code); return SECCOMP_RET_LOG;
		}
		i += yes ? f->jt : f->jf;
	}
	return SECCOMP_RET_LOG;
}

static size_t
load(struct program *p, enum lp_duty duty)
{
	scmp_filter_ctx c = lp_filter_make(duty);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ptrdiff_t n = 0;

	if (c == NULL)
		diag("no filter: errno %d", errno);
	if (c != NULL && fd >= 0 && seccomp_export_bpf(c, fd) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		n = lp_read_full(fd, p->code, sizeof(p->code));
	seccomp_release(c);
	close(fd);
	p->n = n > 0 && (size_t)n < sizeof(p->code) ? (size_t)n / sizeof(p->code[0]) : 0;
	return p->n;
}

int
main(void)
{
	static const char *const names[] = { "filter", "threaded", "database", "store", "network", "driver" };
	static struct program p;

	for (enum lp_duty duty = LP_DUTY_FILTER; duty <= LP_DUTY_DRIVER; duty++) {
		if (!ok(load(&p, duty) > 0, "%s: is made", names[duty]))
			continue;
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			struct seccomp_data d = { .nr = calls[i].call, .arch = seccomp_arch_native() };
			uint32_t want = wanted(i, duty), got;

			memcpy(d.args, calls[i].arg, sizeof(d.args));
			got = answer(&p, &d);
			if (!ok(got == want, "%s: %s", names[duty], calls[i].what))
				diag("answer %x, not %x", got, want);
		}
	}
	return unit_done();
}
