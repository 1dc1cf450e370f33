/* Starts lp-fetch before the sandbox is entered, and asks it for ranges afterwards. */
#include "cmd/cat/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/run/spawn.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

/* What the child knows; a function stage shares our memory as it was at the fork. */
struct duty {
	const char *source;
	const char *const *args;
	size_t nargs;
	int status;
};

enum { RANGE_MAX = 64, VARIABLES = 3, INHERITED = VARIABLES + LP_FETCHER_ARGS };

/* Run lp-fetch to its end. Its exit code. */
static int
fetch(const struct duty *d, const char *range)
{
	const char *argv[LP_FETCHER_ARGS + 6] = { "lp-fetch", "-r", range };
	struct lp_stage stage = { .argv = argv };
	size_t n = 3;
	struct lp_ends ends = { .out = 1, .err = 2, .report = -1 };
	int status;
	pid_t pid;

	for (size_t i = 0; i < d->nargs; i++)
		argv[n++] = d->args[i];
	argv[n++] = "--";
	argv[n] = d->source;
	ends.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid = ends.in < 0 ? -1 : lp_spawn(&stage, &ends);
	if (pid < 0) {
		lp_err_errno("cannot run lp-fetch");
		return LP_EXIT_SYSTEM;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return LP_EXIT_SYSTEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : LP_EXIT_SYSTEM;
}

/*
 * The child: wait for a range, or for the end of whoever would ask; and
 * again, once lp-fetch is gone and one byte has said how it ended.
 */
static int
serve(void *arg)
{
	const struct duty *d = arg;
	char range[RANGE_MAX];
	unsigned char code = LP_EXIT_OK;

	while (lp_read_full(0, range, RANGE_MAX) == RANGE_MAX) {
		range[RANGE_MAX - 1] = '\0';
		code = (unsigned char)fetch(d, range);
		if (lp_write_all(d->status, lp_span(&code, 1)) != LP_OK)
			break;
	}
	return code;
}

static void
close_all(const int *fd, size_t n)
{
	int err = errno;

	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	errno = err;
}

static const char fd_dir[] = "/dev/fd/";

static size_t
add_number(int *fd, size_t n, const char *s)
{
	uint64_t v;

	if (lp_num_u64(lp_span_str(s), INT32_MAX, &v) == LP_OK && fcntl((int)v, F_GETFD) >= 0)
		fd[n++] = (int)v;
	return n;
}

/*
 * What lp-fetch looks for under its number: in the environment reports, and the token that all
 * share; in its arguments files that are descriptors, such as that of a password.
 */
static size_t
inherited(int *fd, const char *const *args, size_t nargs)
{
	static const char *const variables[VARIABLES] = { "LP_STATS", "LP_PROGRESS", "LP_TOKEN_FD" };
	size_t n = 0;

	for (size_t i = 0; i < VARIABLES; i++) {
		const char *s = getenv(variables[i]);

		if (s != NULL)
			n = add_number(fd, n, strncmp(s, fd_dir, sizeof(fd_dir) - 1) == 0 ? s + sizeof(fd_dir) - 1 : s);
	}
	for (size_t i = 0; i < nargs && i < LP_FETCHER_ARGS; i++) {
		const char *s = strstr(args[i], fd_dir);

		if (s != NULL)
			n = add_number(fd, n, s + sizeof(fd_dir) - 1);
	}
	return n;
}

int
lp_fetcher_start(struct lp_fetcher *f, const char *source, const char *const *args, size_t nargs)
{
	int fd[6] = { -1, -1, -1, -1, -1, -1 }, keep[1 + INHERITED];
	struct duty duty = { source, args, nargs, -1 };
	struct lp_stage stage = { .run = serve, .arg = &duty };
	struct lp_ends ends = { .err = 2, .report = -1 };

	*f = (struct lp_fetcher){ -1, -1, -1, 0, LP_EXIT_OK, -1 };
	for (size_t i = 0; i < 6; i += 2) {
		if (pipe2(fd + i, O_CLOEXEC) != 0) {
			close_all(fd, 6);
			return LP_E_SYS;
		}
	}
	duty.status = fd[5];
	ends.in = fd[0];
	ends.out = fd[3];
	keep[0] = fd[5];
	ends.keep = keep;
	ends.nkeep = 1 + inherited(keep + 1, args, nargs);
	f->pid = lp_spawn(&stage, &ends);
	if (f->pid < 0) {
		close_all(fd, 6);
		return LP_E_SYS;
	}
	close_all((int[]){ fd[0], fd[3], fd[5] }, 3);
	f->ask = fd[1];
	f->data = fd[2];
	f->status = fd[4];
	return LP_OK;
}

/* It has ended: what is not in the pipe by now does not come. */
static int
ended(struct lp_fetcher *f)
{
	unsigned char code;

	f->code = lp_read_full(f->status, &code, 1) == 1 ? code : LP_EXIT_SYSTEM;
	f->busy = 0;
	return f->code;
}

int
lp_fetcher_ask(struct lp_fetcher *f, uint64_t first, uint64_t last)
{
	char range[RANGE_MAX] = "";

	if (last == UINT64_MAX)
		snprintf(range, sizeof(range), "%" PRIu64 "-", first);
	else
		snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, first, last);
	/* who has all bytes of the last range may not have asked for its end */
	if (f->busy)
		(void)ended(f);
	f->busy = 1;
	return lp_write_all(f->ask, lp_span(range, sizeof(range))) == LP_OK ? LP_OK : LP_E_SYS;
}

ptrdiff_t
lp_fetcher_read(struct lp_fetcher *f, void *p, size_t n)
{
	struct pollfd fd[2] = { { .fd = f->data, .events = POLLIN }, { .fd = f->status, .events = POLLIN } };

	if (f->busy) {
		while (poll(fd, 2, -1) < 0)
			if (errno != EINTR)
				return LP_E_SYS;
		if ((fd[0].revents & POLLIN) == 0)
			(void)ended(f);
	}
	if (!f->busy) {
		fd[0].revents = 0;
		while (poll(fd, 1, 0) < 0)
			if (errno != EINTR)
				return LP_E_SYS;
		if ((fd[0].revents & POLLIN) == 0)
			return 0;
	}
	return lp_read(f->data, p, n);
}

int
lp_fetcher_end(struct lp_fetcher *f)
{
	int code;

	close(f->ask);
	close(f->data);
	code = f->busy ? ended(f) : f->code;
	close(f->status);
	*f = (struct lp_fetcher){ -1, -1, -1, 0, LP_EXIT_OK, -1 };
	return code;
}
