/*
 * The locks hold: a child locks itself for a duty, does one deed, and the
 * parent looks at how it ended. Builds for sanitizers have no lock, and must
 * say so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "test/unit/unit.h"

enum { DONE = 10, FAILED = 11, NO_LOCK = 12 };

/* A directory that a duty may have, and one beside it that no duty has. */
static char mine[64], others[64];

static int do_open(void) { return open("/etc/passwd", O_RDONLY); }
static int do_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int do_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int do_fork(void) { return fork(); }
static int do_kill(void) { return kill(getppid(), 0); }
static int do_unlink(void) { return unlink("/nonexistent"); }
static int do_trace(void) { return (int)ptrace(PTRACE_SEIZE, getppid(), 0, 0); }
static int do_link(void) { return link("/etc/passwd", mine); }
static int do_chmod(void) { return chmod("/etc/passwd", 0666); }
static int do_mount(void) { return unshare(0x00020000); }
static int do_type(void) { return ioctl(0, TIOCSTI, "x"); }
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

/* Made in one directory of a store, at home in another. */
static int
do_store(void)
{
	int dir = open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0 || mkdirat(dir, "tmp", 0700) != 0 || mkdirat(dir, "blobs", 0700) != 0)
		return -1;
	fd = openat(dir, "tmp/x", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 || renameat(dir, "tmp/x", dir, "blobs/x") != 0 ||
	    unlinkat(dir, "blobs/x", 0) != 0 || unlinkat(dir, "blobs", AT_REMOVEDIR) != 0 ||
	    unlinkat(dir, "tmp", AT_REMOVEDIR) != 0)
		return -1;
	return 0;
}

static int
do_carry_out(void)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/file", mine);
	snprintf(to, sizeof(to), "%s/stolen", others);
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
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

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 1) != 0 ? -1 : 0;
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

/* A child of its own, which locks itself for less. */
static int
do_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(lp_lock(LP_DUTY_FILTER) == LP_OK && do_filter() == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

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
	STOPPED, /* killed by SIGSYS */
	REFUSED, /* the call failed */
	CAN
};
enum { F = 1 << LP_DUTY_FILTER, T = 1 << LP_DUTY_THREADED, D = 1 << LP_DUTY_DATABASE, S = 1 << LP_DUTY_STORE, N = 1 << LP_DUTY_NETWORK,
	P = 1 << LP_DUTY_DRIVER, ALL = F | T | D | S | N | P };

static const struct {
	const char *what;
	int (*deed)(void);
	unsigned duties;
	enum ends ends;
} deeds[] = {
	{ "read, write and allocate", do_filter, ALL, CAN },
	{ "run a program", do_exec, ALL, STOPPED },
	{ "fork", do_fork, F | T | D | S | N, STOPPED },
	{ "have a child that locks itself for less", do_child, P, CAN },
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
	{ "open a file", do_open, F | T, STOPPED },
	{ "open a file", do_open, D | S | N | P, REFUSED },
	{ "remove a file", do_unlink, F | T | S | N | P, STOPPED },
	{ "read in its directory", do_read_mine, D | S | N | P, CAN },
	{ "write in its directory", do_write_mine, D | S | N, CAN },
	{ "make a file with a name", do_name_mine, P, REFUSED },
	{ "make a file without one", do_unnamed, P, CAN },
	{ "read beside its directory", do_read_others, D | S | N | P, REFUSED },
	{ "write beside its directory", do_write_others, D | S | N | P, REFUSED },
	{ "climb out of its directory", do_read_above, D | S | N | P, REFUSED },
	{ "follow a link out of its directory", do_follow, D | S | N | P, REFUSED },
	{ "fill a store", do_store, S | N, CAN },
	{ "carry a file out of its directory", do_carry_out, S | N, REFUSED },
	{ "open a socket", do_socket, F | T | D | S | P, STOPPED },
	{ "connect", do_connect, N, CAN },
	{ "look a name up", do_resolve, N, CAN },
	{ "start a thread", do_thread, T | N, CAN },
	{ "start a thread", do_thread, F | D | S | P, STOPPED },
	{ "open a file in a thread", do_open_in_thread, T, STOPPED },
	{ "open a file in a thread", do_open_in_thread, N, REFUSED },
	{ "listen", do_listen, N, STOPPED },
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
	case LP_DUTY_THREADED: return lp_lock(duty);
	case LP_DUTY_DATABASE: return lp_lock_in(duty, open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	case LP_DUTY_STORE:
	case LP_DUTY_NETWORK:
	case LP_DUTY_DRIVER: break;
	}
	return lp_lock_paths(duty, &path, 1);
}

static int
status_of(enum lp_duty duty, int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (lock(duty) != LP_OK)
			_exit(NO_LOCK);
		_exit(deed() == -1 ? FAILED : DONE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void
check(size_t i, enum lp_duty duty)
{
	int status = status_of(duty, deeds[i].deed);

	switch (deeds[i].ends) {
	case STOPPED:
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: is stopped from it: %s", duties[duty],
		    deeds[i].what);
		break;
	case REFUSED:
		ok(WIFEXITED(status) && WEXITSTATUS(status) == FAILED, "%s: is refused it: %s", duties[duty],
		    deeds[i].what);
		break;
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

	make_directories();
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		for (enum lp_duty d = LP_DUTY_FILTER; d <= LP_DUTY_DRIVER; d++)
			if ((deeds[i].duties >> d & 1) != 0 && (locked || deeds[i].ends == CAN))
				check(i, d);
	if (locked)
		test_kernel_says();
	else
		ok(1, "this build has no lock, and -V says so");
	remove_directories();
	return unit_done();
}
