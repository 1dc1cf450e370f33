/*
 * The locks hold: a child locks itself for a duty, does one deed, and the
 * parent looks at how it ended, and at what it said. Builds for sanitizers have
 * no lock, and must say so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/sys/sandbox_priv.h"
#include "test/unit/unit.h"

enum { DONE = 10, FAILED = 11, NO_LOCK = 12 };

static pid_t tester;

/* A directory that a duty may have, and one beside it that no duty has. */
static char mine[64], others[64];

static int do_open(void) { return open("/etc/passwd", O_RDONLY); }
static int do_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int do_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int do_fork(void) { return fork(); }
static int do_kill(void) { return kill(tester, 0); }
static int do_unlink(void) { return unlink("/nonexistent"); }
static int do_trace(void) { return (int)ptrace(PTRACE_SEIZE, tester, 0, 0); }
static int do_link(void) { return link("/etc/passwd", mine); }
static int do_chmod(void) { return chmod("/etc/passwd", 0666); }
static int do_mount(void) { return unshare(0x00020000); }
static int do_type(void) { return ioctl(0, TIOCSTI, "x"); }
static int do_own(void) { return fcntl(0, F_SETOWN, tester); }
static int do_choose_signal(void) { return fcntl(0, F_SETSIG, SIGKILL); }
static int do_async(void) { return fcntl(0, F_SETFL, O_ASYNC | O_NONBLOCK); }
static int do_flags(void) { return fcntl(0, F_SETFL, fcntl(0, F_GETFL)); }
static int do_notify(void) { return fcntl(0, F_NOTIFY, DN_CREATE); }
static int do_streams(void) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, (int[2]){ 0 }); }
static int do_datagrams(void) { return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, (int[2]){ 0 }); }
static int do_packets(void) { return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, (int[2]){ 0 }); }
static int do_capable(void) { return (int)syscall(SYS_capset, NULL, NULL); }
static int do_dump(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }

static int
do_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
do_turn_to_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
do_filter(void)
{
	char *p = malloc(8u << 20), c;
	int rc = p == NULL;

	if (p != NULL)
		memset(p, 1, 8u << 20);
	rc |= lp_read(0, &c, 1) < 0;
	rc |= lp_write_all(1, lp_span_str("")) != LP_OK;
	free(p);
	return -rc;
}

/* What malloc does with memory: pieces from the heap and mapped ones, grown, given back, the heap cut. */
static int
do_memory(void)
{
	enum { PIECES = 500 };
	static void *piece[PIECES];

	for (size_t size = 16; size < 4u << 20; size *= 3) {
		size_t n = PIECES * 64 / size < 8 ? 8 : PIECES * 64 / size > PIECES ? PIECES : PIECES * 64 / size;

		for (size_t i = 0; i < n; i++)
			if ((piece[i] = malloc(size)) == NULL || (piece[i] = realloc(piece[i], size * 2)) == NULL)
				return -1;
		for (size_t i = n; i-- > 0;)
			free(piece[i]);
#if defined(__GLIBC__)
		(void)malloc_trim(0);
#endif
	}
	return 0;
}

static void *
use_memory(void *arg)
{
	enum { PIECES = 1000, SIZE = 4000 };
	void **piece = calloc(PIECES, sizeof(*piece));

	for (int round = 0; piece != NULL && round < 2; round++) {
		for (int i = 0; i < PIECES; i++)
			piece[i] = malloc(SIZE);
		/* from the end, so that the thread's own heap shrinks with each */
		for (int i = PIECES; i-- > 0;)
			free(piece[i]);
	}
	free(piece);
	return arg;
}

/* More threads than there are arenas to begin with, each with a heap of its own. */
static int
do_memory_in_threads(void)
{
	enum { THREADS = 12 };
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, use_memory, NULL) != 0)
			return -1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_join(t[i], NULL) != 0)
			return -1;
	return do_memory();
}

/* What the library asks for besides, where it may. */
static int
do_library(void)
{
	char text[64];

	(void)sysconf(_SC_PHYS_PAGES);
	(void)sysconf(_SC_NPROCESSORS_ONLN);
	(void)sysconf(_SC_OPEN_MAX);
	(void)time(NULL);
	return snprintf(text, sizeof(text), "%.3f %ls", 1.5, L"x") == 7 ? 0 : -1;
}

static int
do_abort(void)
{
	abort();
}

/* Numbers of another architecture, which no rule of ours is about. */
static int
do_x32(void)
{
#if defined(__x86_64__)
	return (int)syscall(0x40000000 | SYS_getpid);
#else
	return raise(SIGSYS);
#endif
}

static int
do_32_bits(void)
{
#if defined(__x86_64__)
	int answer = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(answer) : : "memory");
	return answer;
#else
	return raise(SIGSYS);
#endif
}

static int
in_directory(const char *dir, const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int do_read_mine(void) { return in_directory(mine, "file", O_RDONLY); }
static int do_write_mine(void) { return in_directory(mine, "new", O_RDWR | O_CREAT | O_TRUNC); }
static int do_name_mine(void) { return in_directory(mine, "newer", O_RDWR | O_CREAT); }
static int do_read_others(void) { return in_directory(others, "file", O_RDONLY); }
static int do_write_others(void) { return in_directory(others, "new", O_RDWR | O_CREAT); }
static int do_read_above(void) { return in_directory(mine, "../../etc/passwd", O_RDONLY); }
static int do_follow(void) { return in_directory(mine, "to-others", O_RDONLY); }

/* Made under one name, renamed to another in the same directory, and removed. */
static int
do_store(void)
{
	int dir = open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0 || mkdirat(dir, "blobs", 0700) != 0)
		return -1;
	fd = openat(dir, "blobs/.x", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 || renameat(dir, "blobs/.x", dir, "blobs/x") != 0 ||
	    linkat(dir, "blobs/x", dir, "blobs/y", 0) != 0 || unlinkat(dir, "blobs/y", 0) != 0 ||
	    unlinkat(dir, "blobs/x", 0) != 0 || unlinkat(dir, "blobs", AT_REMOVEDIR) != 0)
		return -1;
	return 0;
}

/* From one directory into another: why no store does that. Nothing is left behind, whether it works or not. */
static int
do_move(void)
{
	int dir = open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC), linked, moved;

	if (dir < 0 || mkdirat(dir, "sub", 0700) != 0)
		abort();
	linked = linkat(dir, "file", dir, "sub/link", 0) == 0;
	moved = renameat(dir, "file", dir, "sub/file") == 0;
	if (linked != moved || (linked && unlinkat(dir, "sub/link", 0) != 0) ||
	    (moved && renameat(dir, "sub/file", dir, "file") != 0) || unlinkat(dir, "sub", AT_REMOVEDIR) != 0)
		abort();
	return moved ? 0 : -1;
}

static int
do_carry_out(void)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/file", mine);
	snprintf(to, sizeof(to), "%s/stolen", others);
	return renameat(AT_FDCWD, from, AT_FDCWD, to) == 0 ? renameat(AT_FDCWD, to, AT_FDCWD, from) : -1;
}

/* To a port where nobody is: that it is refused by nobody else is what is asked. */
static int
do_connect(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 && errno == ECONNREFUSED ? 0 : -1;
}

static int
do_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* musl's resolver must bind, so it is listening that is forbidden there */
	(void)bind(fd, (struct sockaddr *)&a, sizeof(a));
	return listen(fd, 1);
}

static int do_unix(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static int do_netlink(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0); }
static int do_packet(void) { return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }

static int
do_resolve(void)
{
	struct addrinfo *a = NULL, hints = { .ai_socktype = SOCK_STREAM };
	int rc = getaddrinfo("localhost", "80", &hints, &a);

	if (rc == 0)
		freeaddrinfo(a);
	return rc == 0 ? 0 : -1;
}

static int do_unnamed(void) { return in_directory(mine, ".", O_RDWR | O_TMPFILE); }

static void *
nothing(void *arg)
{
	return arg;
}

static int
do_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0 ? 0 : -1;
}

static void *
open_there(void *answer)
{
	*(int *)answer = do_open();
	return answer;
}

/* A thread is locked in with who begins it. */
static int
do_open_in_thread(void)
{
	pthread_t t;
	int fd = 0;

	return pthread_create(&t, NULL, open_there, &fd) == 0 && pthread_join(t, NULL) == 0 ? fd : 0;
}

enum ends {
	STOPPED, /* it says which call is not allowed, and exits with 3 */
	KILLED,  /* by SIGSYS, at once; where the kernel does not know such calls by SIGSEGV */
	ABORTED, /* by SIGABRT */
	REFUSED, /* the call failed */
	HIDDEN,  /* the call failed, where there is Landlock */
	MOVED,   /* it can, but not under Landlock's first version */
	CAN
};
enum { F = 1 << LP_DUTY_FILTER, T = 1 << LP_DUTY_THREADED, D = 1 << LP_DUTY_DATABASE, S = 1 << LP_DUTY_STORE, N = 1 << LP_DUTY_NETWORK,
	P = 1 << LP_DUTY_DRIVER, ALL = F | T | D | S | N | P };

/* musl has blocked all signals by then, and so does not hear which call it was. */
#if defined(__GLIBC__)
#define FORKED STOPPED
#else
#define FORKED KILLED
#endif

static const struct {
	const char *what;
	int (*deed)(void);
	unsigned duties;
	enum ends ends;
} deeds[] = {
	{ "read, write and allocate", do_filter, ALL, CAN },
	{ "run a program", do_exec, ALL, STOPPED },
	{ "use memory", do_memory, ALL, CAN },
	{ "use memory in threads", do_memory_in_threads, T | N, CAN },
	{ "ask what the library asks", do_library, ALL, CAN },
	{ "abort", do_abort, ALL, ABORTED },
	{ "call by x32 numbers", do_x32, ALL, KILLED },
	{ "call by 32-bit numbers", do_32_bits, ALL, KILLED },
	{ "have capabilities", do_capable, ALL, STOPPED },
	{ "have a signal sent to another", do_own, ALL, STOPPED },
	{ "choose which signal is sent", do_choose_signal, ALL, STOPPED },
	{ "have signals sent", do_async, ALL, STOPPED },
	{ "have signals sent for a directory", do_notify, ALL, STOPPED },
	{ "set flags", do_flags, D | S | N | P, CAN },
	{ "fork", do_fork, ALL, FORKED },
	{ "signal another process", do_kill, F | T | D | S | N, STOPPED },
	{ "trace another process", do_trace, ALL, STOPPED },
	{ "leave its namespaces", do_mount, ALL, STOPPED },
	{ "make a link", do_link, ALL, STOPPED },
	{ "change a mode", do_chmod, ALL, STOPPED },
	{ "type into the terminal", do_type, ALL, STOPPED },
	{ "become dumpable", do_dump, ALL, STOPPED },
	{ "map memory to run code in", do_code, F | T | D | S | P, STOPPED },
	{ "map memory to run code in", do_code, N, REFUSED },
	{ "make code of memory", do_turn_to_code, ALL, STOPPED },
	{ "open a file", do_open, F | T | P, REFUSED },
	{ "open a file", do_open, D | S | N, HIDDEN },
	{ "remove a file", do_unlink, F | T | S | N | P, STOPPED },
	{ "read in its directory", do_read_mine, D | S | N, CAN },
	{ "read in any directory", do_read_mine, P, REFUSED },
	{ "write in its directory", do_write_mine, D | S | N, CAN },
	{ "make a file with a name", do_name_mine, P, REFUSED },
	{ "make a file without one", do_unnamed, P, REFUSED },
	{ "read beside its directory", do_read_others, D | S | N, HIDDEN },
	{ "write beside its directory", do_write_others, D | S | N, HIDDEN },
	{ "climb out of its directory", do_read_above, D | S | N, HIDDEN },
	{ "follow a link out of its directory", do_follow, D | S | N, HIDDEN },
	{ "fill a store", do_store, S | N, CAN },
	{ "move and link from one directory of a store into another", do_move, S | N, MOVED },
	{ "carry a file out of its directory", do_carry_out, S | N, HIDDEN },
	{ "open a socket", do_socket, F | T | D | S | P, STOPPED },
	{ "connect", do_connect, N, CAN },
	{ "look a name up", do_resolve, N, CAN },
	{ "start a thread", do_thread, T | N, CAN },
	/* libc has blocked all signals there */
	{ "start a thread", do_thread, F | D | S | P, KILLED },
	{ "open a file in a thread", do_open_in_thread, T, REFUSED },
	{ "open a file in a thread", do_open_in_thread, N, HIDDEN },
	{ "listen", do_listen, N, STOPPED },
	{ "have a pair of streams", do_streams, N, CAN },
	{ "have a pair that sends to anybody", do_datagrams, N, STOPPED },
	{ "have a pair of packets", do_packets, N, STOPPED },
	{ "speak to a daemon of this machine", do_unix, N, REFUSED },
	{ "speak to the kernel's network", do_netlink, N, REFUSED },
	{ "see others' packets", do_packet, N, STOPPED },
};

static const char *const duties[] = { "filter", "threaded", "database", "store", "network", "driver" };

static int
lock(enum lp_duty duty)
{
	struct lp_lock_path path = { mine, 1 };

	switch (duty) {
	case LP_DUTY_FILTER:
	case LP_DUTY_THREADED:
	case LP_DUTY_DRIVER: return lp_lock(duty);
	case LP_DUTY_DATABASE: return lp_lock_in(duty, open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	case LP_DUTY_STORE:
	case LP_DUTY_NETWORK: break;
	}
	return lp_lock_paths(duty, &path, 1);
}

/* How it ended; what it said on stderr in text. */
static int
status_of(enum lp_duty duty, int (*deed)(void), char text[256])
{
	int said[2], status;
	ptrdiff_t n;
	pid_t pid;

	if (pipe(said) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(said[1], 2);
		if (lock(duty) != LP_OK)
			_exit(NO_LOCK);
		_exit(deed() == -1 ? FAILED : DONE);
	}
	close(said[1]);
	n = lp_read_full(said[0], text, 255);
	text[n > 0 ? n : 0] = '\0';
	close(said[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void
check(size_t i, enum lp_duty duty)
{
	char text[256], *nl;
	int status = status_of(duty, deeds[i].deed, text);
	long landlock = lp_landlock_version();
	enum ends ends = deeds[i].ends == HIDDEN ? (landlock > 0 ? REFUSED : CAN) :
	    deeds[i].ends == MOVED ? (landlock == 1 ? REFUSED : CAN) : deeds[i].ends;

	nl = strchr(text, '\n');
	switch (ends) {
	case STOPPED:
		ok(WIFEXITED(status) && WEXITSTATUS(status) == 3 && strstr(text, "lp: sandbox: system call ") == text &&
		    strstr(text, ") is not allowed\n") != NULL && strstr(text, "unknown") == NULL && nl != NULL && nl[1] == '\0',
		    "%s: is stopped from it, and says so: %s", duties[duty], deeds[i].what);
		break;
	case KILLED:
		ok(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV),
		    "%s: is killed for it: %s", duties[duty], deeds[i].what);
		break;
	case ABORTED:
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: can %s", duties[duty], deeds[i].what);
		break;
	case REFUSED:
		ok(WIFEXITED(status) && WEXITSTATUS(status) == FAILED, "%s: is refused it: %s", duties[duty],
		    deeds[i].what);
		break;
	case HIDDEN:
	case MOVED:
	case CAN:
		ok(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "%s: can %s", duties[duty], deeds[i].what);
		break;
	}
}

/* What the kernel says of a locked process, read by its parent while it waits. */
static void
test_kernel_says(void)
{
	char path[64], text[4096];
	int locked[2], looked[2];
	ptrdiff_t n;
	pid_t pid;
	int fd;

	if (pipe(locked) != 0 || pipe(looked) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		char c;

		if (lp_lock(LP_DUTY_FILTER) != LP_OK)
			_exit(NO_LOCK);
		if (write(locked[1], "x", 1) != 1)
			_exit(FAILED);
		_exit(read(looked[0], &c, 1) == 1 ? DONE : FAILED);
	}
	close(locked[1]); /* a child that dies is an end of file, not a wait */
	close(looked[0]);
	if (read(locked[0], text, 1) != 1)
		abort();
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	n = lp_read_full(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	ok(strstr(text, "Seccomp:\t2") != NULL, "/proc says Seccomp: 2");
	ok(strstr(text, "NoNewPrivs:\t1") != NULL, "/proc says NoNewPrivs: 1");
	if (write(looked[1], "y", 1) != 1)
		abort();
	waitpid(pid, NULL, 0);
	close(locked[0]);
	close(looked[1]);
}

static void
make_directories(void)
{
	char link[128];

	snprintf(mine, sizeof(mine), "/tmp/test_sandbox.XXXXXX");
	snprintf(others, sizeof(others), "/tmp/test_sandbox.XXXXXX");
	if (mkdtemp(mine) == NULL || mkdtemp(others) == NULL ||
	    in_directory(mine, "file", O_WRONLY | O_CREAT) != 0 || in_directory(others, "file", O_WRONLY | O_CREAT) != 0)
		abort();
	snprintf(link, sizeof(link), "%s/to-others", mine);
	if (symlink(others, link) != 0)
		abort();
}

static void
remove_directories(void)
{
	static const char *const names[] = { "file", "new", "to-others", "stolen" };
	const char *const dirs[] = { mine, others };
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", dirs[i], names[k]);
			(void)unlink(path);
		}
		ok(rmdir(dirs[i]) == 0, "nothing else was left behind");
	}
}

int
main(void)
{
	int locked = strncmp(lp_lock_names(), "none", 4) != 0;

	tester = getpid();
	make_directories();
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		for (enum lp_duty d = LP_DUTY_FILTER; d <= LP_DUTY_DRIVER; d++)
			if ((deeds[i].duties >> d & 1) != 0 && (locked || deeds[i].ends == CAN || deeds[i].ends == MOVED))
				check(i, d);
	if (locked)
		test_kernel_says();
	else
		ok(1, "this build has no lock, and -V says so");
	remove_directories();
	return unit_done();
}
