/*
 * The process that starts others: what it starts is a child of ours, sees
 * what it was promised and nothing else, and is of this suite.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/run/spawn.h"
#include "common/run/starter.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "test/unit/unit.h"

static char dir[] = "/tmp/test_starter.XXXXXX";

/* A program of the suite, for all that the starter knows: found by PATH. */
static void
make_program(const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0 || lp_write_all(fd, lp_span_str(text)) != LP_OK || close(fd) != 0)
		abort();
}

/* Its exit code, or -1; what it wrote to stdout in text. */
static int
run(const char *const *argv, const int *keep, size_t nkeep, char text[256])
{
	const struct lp_stage stage = { .argv = argv };
	struct lp_ends e = { .report = -1, .keep = keep, .nkeep = nkeep };
	int out[2], status = -1;
	ptrdiff_t n;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		abort();
	e.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	e.out = e.err = out[1];
	pid = lp_spawn(&stage, &e);
	close(out[1]);
	close(e.in);
	n = lp_read_full(out[0], text, 255);
	text[n > 0 ? n : 0] = '\0';
	close(out[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define ARGV(...) (const char *const[]){ __VA_ARGS__, NULL }

static void
test_programs(void)
{
	char text[256], want[64];

	ok(run(ARGV("lp-say", "a b", ""), NULL, 0, text) == 7 && strcmp(text, "2:a b:\n") == 0, "words and exit code: %s", text);
	snprintf(want, sizeof(want), "%d\n", (int)getpid());
	ok(run(ARGV("lp-parent"), NULL, 0, text) == 0 && strcmp(text, want) == 0, "a child of ours, not of the starter");
	ok(run(ARGV("lp-nobody"), NULL, 0, text) == LP_EXIT_SYSTEM && strstr(text, "cannot run lp-nobody") != NULL,
	    "no such program: said by the child");
}

static void
test_descriptors(void)
{
	enum { MANY = 600 };
	static int keep[MANY];
	static char number[MANY][8];
	const char *argv[MANY + 2] = { "lp-count" };
	char text[256];
	size_t n = 0;

	ok(run(ARGV("lp-open"), NULL, 0, text) == 0 && strcmp(text, "0 1 2 \n") == 0, "only the promised ones: %s", text);
	/* numbers that stand in each other's way, and more than one message holds */
	for (; n < MANY; n++)
		if ((keep[n] = dup(2)) < 0)
			abort();
	for (size_t i = 0; i < n / 2; i++) {
		int k = keep[i];

		keep[i] = keep[n - 1 - i];
		keep[n - 1 - i] = k;
	}
	/* every other one is another file */
	for (size_t i = 0; i < n; i++) {
		if (i % 2 == 0 && dup2(0, keep[i]) < 0)
			abort();
		snprintf(number[i], sizeof(number[i]), "%d", keep[i]);
		argv[i + 1] = number[i];
	}
	ok(run(argv, keep, n, text) == 0 && strcmp(text, "600\n") == 0, "600 under their numbers: %s", text);
	for (size_t i = 0; i < n; i++)
		close(keep[i]);
}

static void
test_refusals(void)
{
	char text[256];

	ok(run(ARGV("sh", "-c", "true"), NULL, 0, text) == -1 && errno == EPERM, "a shell is refused");
	ok(run(ARGV("lp-say/../../bin/true"), NULL, 0, text) == -1 && errno == EPERM, "a path is refused");
	ok(run(ARGV("/bin/true"), NULL, 0, text) == -1 && errno == EPERM, "another program is refused");
	ok(run(ARGV("lp-say"), NULL, 0, text) == 7, "and it goes on");
}

int
main(void)
{
	static const char *const names[] = { "lp-say", "lp-parent", "lp-open", "lp-count" };
	char path[4096], here[64];

	lp_io_init();
	lp_err_name("test_starter");
	if (mkdtemp(dir) == NULL)
		abort();
	make_program("lp-say", "#!/bin/sh\necho \"$#:$1:$2\"\nexit 7\n");
	make_program("lp-parent", "#!/bin/sh\necho $PPID\n");
	/* the shell reads its script from 255, bash, or 10, dash */
	make_program("lp-open", "#!/bin/sh\nfor i in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$i ] && printf '%s ' $i; done\necho\n");
	/* how many of those that it is told are not what they are in its parent */
	make_program("lp-count", "#!/bin/sh\nn=0\nfor i; do n=$((n + 1)); [ /proc/$$/fd/$i -ef /proc/$PPID/fd/$i ] || echo $i; done\necho $n\n");
	snprintf(path, sizeof(path), "%s:%s", dir, getenv("PATH"));
	if (setenv("PATH", path, 1) != 0)
		abort();
	ok(!lp_starter_is() && lp_starter_begin(NULL) == LP_OK && lp_starter_is(), "it begins");
	test_programs();
	test_descriptors();
	test_refusals();
	lp_starter_end();
	ok(!lp_starter_is() && waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "it ends, and leaves no child");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	snprintf(here, sizeof(here), "%s", dir);
	ok(rmdir(here) == 0, "nothing is left behind");
	return unit_done();
}
