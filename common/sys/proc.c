#include "common/sys/proc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/status.h"

enum { GRACE_MS = 1000 };

static void
our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGWINCH);
	sigaddset(set, SIGCHLD);
}

int
lp_crew_init(struct lp_crew *c)
{
	sigset_t set;

	*c = (struct lp_crew){ .signals = -1, .null = open("/dev/null", O_RDWR | O_CLOEXEC) };
	/* where it is ignored, as the caller may have left it, ends of children are not reported */
	(void)signal(SIGCHLD, SIG_DFL);
	our_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
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

/* c->n: it is none of them. */
static size_t
place_of(const struct lp_crew *c, const struct lp_job *j)
{
	size_t i = 0;

	while (i < c->n && c->job[i] != j)
		i++;
	return i;
}

static void
finish(struct lp_crew *c, struct lp_job *j)
{
	size_t i;

	lp_job_hear_out(j);
	i = place_of(c, j);
	if (i < c->n)
		c->job[i] = c->job[--c->n];
	lp_job_forget(j);
	j->busy = 0;
	if (j->ops->ended != NULL)
		j->ops->ended(j);
}

/* Reads all that came. Returns whether a child has ended: which one, the signal does not reliably say. */
static int
read_signals(struct lp_crew *c)
{
	struct signalfd_siginfo si;
	int ended = 0;

	while (read(c->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH)
			c->resized = 1;
		else if (si.ssi_signo == SIGCHLD)
			ended = 1;
		else
			c->caught = (int)si.ssi_signo;
	}
	return ended;
}

int
lp_crew_turn(struct lp_crew *c, int timeout_ms, struct pollfd *extra, size_t nextra)
{
	struct pollfd p[1 + LP_CREW_EXTRA + LP_CREW_JOBS * LP_JOB_POLLED];
	struct lp_job *seen[LP_CREW_JOBS];
	size_t at[LP_CREW_JOBS], n = 0, njobs = c->n;
	int k, ended;

	p[n++] = (struct pollfd){ .fd = c->signals, .events = POLLIN };
	for (size_t i = 0; i < nextra; i++)
		p[n++] = extra[i];
	for (size_t i = 0; i < njobs; i++) {
		seen[i] = c->job[i];
		at[i] = n;
		n += lp_job_watch(c->job[i], p + n);
	}
	k = poll(p, (nfds_t)n, timeout_ms);
	if (k < 0)
		return errno == EINTR ? LP_OK : LP_E_SYS;
	/* first: a Ctrl-C kills the children too, and their deaths are then no news */
	ended = read_signals(c);
	if (c->caught != 0)
		return LP_OK;
	/* all, those too that a call below starts another wait for */
	for (size_t i = 0; ended && i < c->n; i++)
		lp_job_reap(c->job[i]);
	for (size_t i = 0; i < nextra; i++)
		extra[i].revents = p[1 + i].revents;
	for (size_t i = 0; i < njobs; i++)
		lp_job_tend(seen[i], p + at[i]);
	for (size_t i = 0; i < njobs; i++)
		if (seen[i]->busy && seen[i]->alive == 0)
			finish(c, seen[i]);
	return LP_OK;
}

/* All but the first `spared` jobs. */
static void
stop(struct lp_crew *c, size_t spared)
{
	int left = GRACE_MS;

	for (size_t i = spared; i < c->n; i++)
		lp_job_terminate(c->job[i]);
	while (c->n > spared) {
		struct lp_job *j = c->job[--c->n];

		lp_job_bury(j, &left);
		j->busy = 0;
	}
}

void
lp_crew_stop(struct lp_crew *c)
{
	stop(c, 0);
}

void
lp_crew_stop_but(struct lp_crew *c, const struct lp_job *spared)
{
	size_t i = place_of(c, spared);
	struct lp_job *first;

	if (i == c->n) {
		stop(c, 0);
		return;
	}
	first = c->job[0];
	c->job[0] = c->job[i];
	c->job[i] = first;
	stop(c, 1);
}

void
lp_die_of(int sig)
{
	sigset_t none;

	(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)raise(sig);
	_exit(128 + sig);
}
