/*
 * The lock holds: a child locks itself, does one deed, and the parent looks
 * at how it ended. Builds for sanitizers have no lock, and must say so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "test/unit/unit.h"

enum { DONE = 10, FAILED = 11, NO_LOCK = 12 };

static int do_open(void) { return open("/etc/passwd", O_RDONLY); }
static int do_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int do_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int do_fork(void) { return fork(); }
static int do_kill(void) { return kill(getppid(), 0); }
static int do_unlink(void) { return unlink("/nonexistent"); }

static int
do_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
do_duty(void)
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

static const struct {
	const char *what;
	int (*deed)(void);
	int stopped;
} deeds[] = {
	{ "open a file", do_open, 1 },
	{ "open a socket", do_socket, 1 },
	{ "run a program", do_exec, 1 },
	{ "fork", do_fork, 1 },
	{ "signal another process", do_kill, 1 },
	{ "remove a file", do_unlink, 1 },
	{ "map memory to run code in", do_code, 1 },
	{ "read, write and allocate", do_duty, 0 },
};

static int
status_of(int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (lp_lock(LP_DUTY_FILTER) != LP_OK)
			_exit(NO_LOCK);
		_exit(deed() == -1 ? FAILED : DONE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
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

int
main(void)
{
	int locked = strncmp(lp_lock_names(), "none", 4) != 0;

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		int status = status_of(deeds[i].deed);

		if (locked && deeds[i].stopped)
			ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "locked: cannot %s", deeds[i].what);
		else if (!deeds[i].stopped)
			ok(WIFEXITED(status) && WEXITSTATUS(status) == DONE, "can %s", deeds[i].what);
	}
	if (locked)
		test_kernel_says();
	else
		ok(1, "this build has no lock, and -V says so");
	return unit_done();
}
