/* The event loop over all running jobs, and signals. */
#include "common/run/proc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/status.h"

enum { GRACE_MS = 1000 };

/* Those that end us or stop us, but for the ones that somebody wants ignored (nohup, a shell's background jobs). */
static void
our_signals(sigset_t *set)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct sigaction now;

	sigemptyset(set);
	sigaddset(set, SIGWINCH);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGCONT);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, ends[i]);
}

int
lp_crew_init(struct lp_crew *c)
{
	sigset_t set;

	*c = (struct lp_crew){ .signals = -1, .out = -1, .null = open("/dev/null", O_RDWR | O_CLOEXEC) };
	our_signals(&set);
	/* where it is ignored the ends of children are not told, and nobody can say how they ended */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return LP_E_SYS;
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals < 0 || c->null < 0 ? LP_E_SYS : LP_OK;
}

void
lp_crew_release(struct lp_crew *c)
{
	lp_crew_stop(c);
	if (c->signals >= 0)
		close(c->signals);
	if (c->null >= 0)
		close(c->null);
	c->signals = c->null = -1;
}

int
lp_crew_start(struct lp_crew *c, struct lp_job *j, const struct lp_stage *s, size_t n,
    const struct lp_job_io *io)
{
	int rc = c->n < LP_CREW_JOBS ? lp_job_start(j, s, n, io, c->null) : LP_E_LIMIT;

	j->busy = rc == LP_OK;
	if (rc == LP_OK)
		c->job[c->n++] = j;
	return rc;
}

/* No longer one of them, though another `ended` may have taken its place away already. */
static void
leave(struct lp_crew *c, const struct lp_job *j)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->job[i] == j) {
			c->job[i] = c->job[--c->n];
			return;
		}
}

static void
finish(struct lp_crew *c, struct lp_job *j)
{
	lp_job_hear_out(j);
	leave(c, j);
	lp_job_forget(j);
	j->busy = 0;
	if (j->ops->ended != NULL)
		j->ops->ended(j);
}

/* Reads all that came. LP_OK, or LP_E_SYS: who asked again would find the same. */
static int
read_signals(struct lp_crew *c)
{
	struct signalfd_siginfo si;
	ssize_t n;

	while ((n = read(c->signals, &si, sizeof(si))) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGWINCH: c->resized = 1; break;
		case SIGTSTP: c->suspended = 1; break;
		case SIGCONT: c->continued = 1; break;
		case SIGCHLD: c->ended = 1; break;
		default: c->caught = (int)si.ssi_signo; break;
		}
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? LP_OK : LP_E_SYS;
}

/* The shorter of two times to wait; -1 is for ever. */
static int
sooner(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

int
lp_crew_turn(struct lp_crew *c, int timeout_ms)
{
	struct pollfd p[2 + LP_CREW_JOBS * LP_JOB_POLLED];
	struct lp_job *seen[LP_CREW_JOBS];
	size_t at[LP_CREW_JOBS], n = 0, njobs = c->n;
	int k, rc;

	if (c->ended || c->caught != 0)
		timeout_ms = 0;
	p[n++] = (struct pollfd){ .fd = c->signals, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = c->out };
	for (size_t i = 0; i < njobs; i++) {
		seen[i] = c->job[i];
		at[i] = n;
		n += lp_job_watch(seen[i], p + n);
		timeout_ms = sooner(timeout_ms, lp_job_patience(seen[i]));
	}
	k = poll(p, (nfds_t)n, timeout_ms);
	if (k < 0)
		return errno == EINTR ? LP_OK : LP_E_SYS;
	/* first: a Ctrl-C kills the children too, and their deaths are then no news */
	rc = read_signals(c);
	if (rc != LP_OK || c->caught != 0)
		return rc;
	if ((p[1].revents & (POLLERR | POLLHUP)) != 0) {
		c->unread = 1;
		c->out = -1;
	}
	if (c->ended) {
		c->ended = 0;
		/* all, those too that a call below starts another wait for */
		for (size_t i = 0; i < c->n; i++)
			lp_job_reap(c->job[i]);
		/* again: what has killed one of them since the first look is for us as well. An end that comes now is for the next turn, */
		rc = read_signals(c);
		if (rc != LP_OK || c->caught != 0) {
			/* as are those that were found */
			c->ended = 1;
			return rc;
		}
	}
	for (size_t i = 0; i < njobs; i++)
		lp_job_tend(seen[i], p + at[i]);
	for (size_t i = 0; i < njobs; i++)
		if (seen[i]->busy && seen[i]->alive == 0)
			finish(c, seen[i]);
	return LP_OK;
}

void
lp_crew_stop_but(struct lp_crew *c, int (*spared)(const struct lp_job *, void *), void *arg)
{
	struct lp_job *gone[LP_CREW_JOBS];
	int left = GRACE_MS;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (spared != NULL && spared(c->job[i], arg))
			c->job[kept++] = c->job[i];
		else
			gone[n++] = c->job[i];
	}
	c->n = kept;
	for (size_t i = 0; i < n; i++)
		lp_job_signal(gone[i], SIGTERM);
	for (size_t i = 0; i < n; i++) {
		lp_job_bury(gone[i], &left);
		gone[i]->busy = 0;
	}
}

void
lp_crew_stop(struct lp_crew *c)
{
	lp_crew_stop_but(c, NULL, NULL);
}

void
lp_crew_suspend(struct lp_crew *c)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	(void)raise(SIGTSTP);
	/* here we stand still */
	(void)sigprocmask(SIG_UNBLOCK, &set, &old);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	c->suspended = 0;
	/* the SIGCONT too: bars that were drawn since would be forgotten when it is read later */
	(void)read_signals(c);
	c->continued = 1;
}

void
lp_die_of(int sig)
{
	sigset_t none;

	(void)signal(sig, SIG_DFL);
	/* while it is blocked, for what waits with it to stop us has a higher number, and comes too late */
	(void)raise(sig);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(128 + sig);
}
