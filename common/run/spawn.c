/* Forks one child with its descriptors in place. */
#include "common/run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/run/starter.h"
#include "common/sys/err.h"

/* Descriptors that kernels without close_range(2), before 5.9, are asked to close: each number in turn, so not without end. */
enum { CLOSED_ONE_BY_ONE = 64 * 1024 };

static void
close_from_to(unsigned first, unsigned last)
{
	/* by its number: older C libraries, and musl's, have no name for it */
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
	for (unsigned fd = first; fd <= last && fd < CLOSED_ONE_BY_ONE; fd++)
		(void)close((int)fd);
}

void
lp_close_all_but(const int *keep, size_t n)
{
	unsigned next = 3;

	for (;;) {
		unsigned nearest = UINT_MAX;

		for (size_t i = 0; i < n; i++)
			if ((unsigned)keep[i] >= next && (unsigned)keep[i] < nearest)
				nearest = (unsigned)keep[i];
		if (nearest > next)
			close_from_to(next, nearest == UINT_MAX ? UINT_MAX : nearest - 1);
		if (nearest == UINT_MAX)
			return;
		next = nearest + 1;
	}
}

/* A program of this suite is looked for beside our own first, so that a build tree and an odd prefix work as they stand. */
static void
exec_program(const char *const *argv)
{
	char *const *args = (char *const *)(size_t)argv;
	char path[PATH_MAX];
	ssize_t n = strncmp(argv[0], "lp-", 3) == 0 ? readlink("/proc/self/exe", path, sizeof(path) - 1) : 0;
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash != NULL &&
		    (size_t)(path + sizeof(path) - slash) > strlen(argv[0]) + 1) {
			memcpy(slash + 1, argv[0], strlen(argv[0]) + 1);
			execv(path, args);
		}
	}
	execvp(argv[0], args);
	lp_err_errno("cannot run %s", argv[0]);
}

void
lp_spawn_child(const struct lp_stage *s, const struct lp_ends *e, pid_t parent)
{
	char report[32];
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	/* the parent may have died before the request was made */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(LP_EXIT_SYSTEM);
	if (dup2(e->in, 0) < 0 || dup2(e->out, 1) < 0 || dup2(e->err, 2) < 0)
		_exit(LP_EXIT_SYSTEM);
	for (size_t i = 0; i < e->nkeep; i++)
		(void)fcntl(e->keep[i], F_SETFD, 0);
	if (s->run != NULL) {
		/* a function has no exec to close them for it */
		lp_close_all_but(e->keep, e->nkeep);
		lp_err_forget();
		(void)signal(SIGPIPE, SIG_IGN);
		(void)signal(SIGXFSZ, SIG_IGN);
		_exit(s->run(s->arg));
	}
	if (e->report >= 0) {
		(void)fcntl(e->report, F_SETFD, 0);
		snprintf(report, sizeof(report), "/dev/fd/%d", e->report);
		(void)setenv("LP_STATS", report, 1);
		(void)setenv("LP_PROGRESS", report, 1);
	}
	exec_program(s->argv);
	_exit(LP_EXIT_SYSTEM);
}

pid_t
lp_spawn(const struct lp_stage *s, const struct lp_ends *e)
{
	pid_t parent = getpid(), pid = s->run == NULL && lp_starter_is() ? lp_starter_start(s, e) : fork();

	if (pid == 0)
		lp_spawn_child(s, e, parent);
	return pid > 0 ? pid : LP_E_SYS;
}
