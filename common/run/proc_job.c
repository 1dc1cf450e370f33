/* One job: its stages started, read, timed, reaped, ended. */
#include "common/run/proc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

/* ---- its stages ----------------------------------------------------------- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
kill_and_reap(struct lp_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		if (j->pid[i] == 0)
			continue;
		(void)kill(j->pid[i], SIGKILL);
		while (waitpid(j->pid[i], NULL, 0) < 0 && errno == EINTR)
			;
		j->pid[i] = 0;
	}
	j->alive = 0;
}

void
lp_job_forget(struct lp_job *j)
{
	for (size_t i = 0; i < LP_STAGES; i++) {
		close_fd(&j->said[i].fd);
		lp_buf_release(&j->said[i].text);
	}
	close_fd(&j->report.fd);
	lp_buf_release(&j->report.text);
}

/* One more stage; its stderr goes to a pipe of its own, unless all of them have another place for it. */
static int
start_stage(struct lp_job *j, const struct lp_stage *s, const struct lp_ends *e)
{
	struct lp_ends mine = *e;
	int err[2] = { -1, -1 };
	pid_t pid;

	if (mine.err < 0) {
		if (pipe2(err, O_CLOEXEC) != 0)
			return LP_E_SYS;
		mine.err = err[1];
	}
	j->said[j->n].fd = err[0];
	pid = lp_spawn(s, &mine);
	close_fd(&err[1]);
	if (pid < 0)
		return LP_E_SYS;
	j->pid[j->n] = pid;
	snprintf(j->name[j->n], sizeof(j->name[0]), "%s", s->run != NULL ? lp_err_get_name() : s->argv[0]);
	j->n++;
	j->alive++;
	return LP_OK;
}

/* The stages one after the other, each with the read end of the pipe before it. */
static int
start_stages(struct lp_job *j, const struct lp_stage *s, size_t n, const struct lp_ends *e)
{
	int rc = LP_OK, in = -1;

	for (size_t i = 0; i < n && rc == LP_OK; i++) {
		struct lp_ends mine = *e;
		int join[2] = { -1, -1 };

		if (i + 1 < n && pipe2(join, O_CLOEXEC) != 0) {
			rc = LP_E_SYS;
			break;
		}
		if (i > 0)
			mine.in = in;
		if (i + 1 < n)
			mine.out = join[1];
		rc = start_stage(j, &s[i], &mine);
		close_fd(&in);
		close_fd(&join[1]);
		in = join[0];
	}
	close_fd(&in);
	return rc;
}

static void
begin(struct lp_job *j)
{
	j->exit = 0;
	j->n = j->alive = 0;
	j->enough_ms = 0;
	j->pressed = 0;
	memset(j->ended_early, 0, sizeof(j->ended_early));
	j->report.fd = -1;
	lp_buf_init(&j->report.text, LINE_MAX_BYTES);
	for (size_t i = 0; i < LP_STAGES; i++) {
		j->said[i].fd = -1;
		lp_buf_init(&j->said[i].text, LINE_MAX_BYTES);
	}
}

int
lp_job_start(struct lp_job *j, const struct lp_stage *s, size_t n, const struct lp_job_io *io, int null)
{
	int report[2] = { -1, -1 }, rc = LP_E_SYS;

	begin(j);
	if (pipe2(report, O_CLOEXEC) == 0) {
		j->report.fd = report[0];
		rc = start_stages(j, s, n,
		    &(struct lp_ends){ .in = io->in >= 0 ? io->in : null, .out = io->out >= 0 ? io->out : null,
		        .err = io->err, .report = report[1], .keep = io->keep, .nkeep = io->nkeep });
	}
	close_fd(&report[1]);
	if (rc != LP_OK) {
		int err = errno;

		kill_and_reap(j);
		lp_job_forget(j);
		errno = err;
	}
	return rc;
}

/* ---- what it says --------------------------------------------------------- */

static void
emit(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	if (j->ops->line != NULL)
		j->ops->line(j, kind, stage, line);
}

/* The pipe of a stage, or behind them the one of reports. */
static struct lp_job_pipe *
pipe_of(struct lp_job *j, size_t i)
{
	return i < LP_STAGES ? &j->said[i] : &j->report;
}

/* Hand out the whole lines; with `all` the rest as well, and a line too long in pieces. */
static void
hand_out(struct lp_job *j, size_t i, int all)
{
	struct lp_buf *b = &pipe_of(j, i)->text;
	struct lp_span rest = lp_buf_span(b);

	while (rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);

		if (nl == NULL && !all && rest.n < b->max)
			break;
		emit(j, i < LP_STAGES ? LP_LINE_MESSAGE : LP_LINE_REPORT, i,
		    lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) : rest.n));
		lp_span_take(&rest, 1);
	}
	if (rest.n > 0)
		memmove(b->p, rest.p, rest.n);
	b->n = rest.n;
}

/* One read of what a pipe holds; its end closes it. */
static void
gather(struct lp_job *j, size_t i)
{
	struct lp_job_pipe *p = pipe_of(j, i);
	struct lp_buf *b = &p->text;
	ptrdiff_t k;

	if (lp_buf_reserve(b, b->max - b->n) != LP_OK)
		hand_out(j, i, 1);
	if (lp_buf_reserve(b, 1) != LP_OK)
		return;
	k = lp_read(p->fd, b->p + b->n, b->cap - b->n);
	if (k > 0)
		b->n += (size_t)k;
	hand_out(j, i, k <= 0);
	if (k <= 0)
		close_fd(&p->fd);
}

/* A descendant that outlives its parent may hold a pipe open: take what is there and go. */
static void
drain(struct lp_job *j)
{
	for (size_t i = 0; i <= LP_STAGES; i++) {
		struct lp_job_pipe *p = pipe_of(j, i);

		while (p->fd >= 0) {
			struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

			if (poll(&pfd, 1, 0) <= 0)
				break;
			gather(j, i);
		}
		hand_out(j, i, 1);
	}
}

/* ---- its end -------------------------------------------------------------- */

int
lp_job_verdict(const int *code, size_t n)
{
	int first = LP_EXIT_OK, worst = LP_EXIT_OK;

	for (size_t i = 0; i < n; i++) {
		int one = code[i] < 0 || code[i] > LP_EXIT_ABSENT ? LP_EXIT_SYSTEM : code[i];

		first = first == LP_EXIT_OK ? one : first;
		worst = lp_exit_worse(worst, one);
	}
	return worst == LP_EXIT_SYSTEM || worst == LP_EXIT_USAGE ? worst : first;
}

/*
 * What ends a stage whose output nobody reads any more: a signal that nobody
 * else sends. One that is dying of SIGTERM while it is sent another could not
 * be told from one that was ended by us.
 */
enum { ENOUGH = SIGUSR1 };

/* The one place where a child is found to be gone. */
static void
reap(struct lp_job *j, size_t i)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)j->pid[i], &si, WEXITED | WNOHANG) != 0) {
		/* gone, and not to us: there is nothing to wait for any more */
		if (errno != ECHILD)
			return;
		j->code[i] = LP_CODE_LOST;
	} else if (si.si_pid == 0) {
		return;
	} else {
		j->code[i] = si.si_code == CLD_EXITED ? si.si_status : -si.si_status;
	}
	j->pid[i] = 0;
	j->alive--;
	if (j->ended_early[i] && (j->code[i] == -ENOUGH || j->code[i] == -SIGKILL))
		j->code[i] = 0;
	if (i + 1 == j->n)
		j->enough_ms = lp_clock_ms();
}

void
lp_job_reap(struct lp_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->pid[i] != 0)
			reap(j, i);
}

/* What happens to stages whose last one has ended, and how long behind that. */
static const struct press {
	int after_ms;
	size_t first; /* stage to begin with */
	int sig;
} presses[] = { { 100, 1, ENOUGH }, { 1000, 0, ENOUGH }, { 2000, 0, SIGKILL } };
enum { PRESSES = sizeof(presses) / sizeof(presses[0]) };

int
lp_job_patience(const struct lp_job *j)
{
	int64_t left;
	int after;

	if (j->alive == 0 || j->enough_ms == 0 || j->pressed == PRESSES)
		return -1;
	after = j->eager && j->pressed == 0 ? 0 : presses[j->pressed].after_ms;
	left = j->enough_ms + after - lp_clock_ms();
	return left > 0 ? (int)left : 0;
}

static void
press(struct lp_job *j)
{
	const struct press *now = &presses[j->pressed++];

	/* what has ended by itself by now has not been ended by us */
	lp_job_reap(j);
	for (size_t i = now->first; i + 1 < j->n; i++)
		if (j->pid[i] != 0 && kill(j->pid[i], now->sig) == 0)
			j->ended_early[i] = 1;
}

/* What a program is likely to be ended by. Not every C library has such a table. */
static const char *
signal_name(int sig)
{
	static const struct { int sig; const char *name; } t[] = { { SIGKILL, "KILL" }, { SIGTERM, "TERM" }, { SIGSEGV, "SEGV" },
		{ SIGBUS, "BUS" }, { SIGABRT, "ABRT" }, { SIGSYS, "SYS" }, { SIGINT, "INT" }, { SIGHUP, "HUP" }, { SIGQUIT, "QUIT" },
		{ SIGPIPE, "PIPE" }, { SIGILL, "ILL" }, { SIGFPE, "FPE" }, { SIGTRAP, "TRAP" }, { SIGXCPU, "XCPU" },
		{ SIGXFSZ, "XFSZ" }, { SIGALRM, "ALRM" }, { SIGUSR1, "USR1" }, { SIGUSR2, "USR2" } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (t[i].sig == sig)
			return t[i].name;
	return "?";
}

static void
say_who_was_killed(struct lp_job *j)
{
	char text[128];

	for (size_t i = 0; i < j->n; i++) {
		if (j->code[i] >= 0)
			continue;
		if (j->code[i] == LP_CODE_LOST)
			snprintf(text, sizeof(text), "%s: how it ended is not known", j->name[i]);
		else
			snprintf(text, sizeof(text), "%s: killed by signal %d (SIG%s)", j->name[i], -j->code[i],
			    signal_name(-j->code[i]));
		emit(j, LP_LINE_KILLED, i, lp_span_str(text));
	}
}

void
lp_job_hear_out(struct lp_job *j)
{
	drain(j);
	j->exit = lp_job_verdict(j->code, j->n);
	say_who_was_killed(j);
}

/* ---- watched, or ended by us ------------------------------------------------ */

size_t
lp_job_watch(const struct lp_job *j, struct pollfd *p)
{
	for (size_t i = 0; i < LP_STAGES; i++)
		p[i] = (struct pollfd){ .fd = j->said[i].fd, .events = POLLIN };
	p[LP_STAGES] = (struct pollfd){ .fd = j->report.fd, .events = POLLIN };
	return LP_JOB_POLLED;
}

void
lp_job_tend(struct lp_job *j, const struct pollfd *p)
{
	for (size_t i = 0; i <= LP_STAGES; i++)
		if (pipe_of(j, i)->fd >= 0 && p[i].revents != 0)
			gather(j, i);
	if (lp_job_patience(j) == 0)
		press(j);
}

/* Those that end of it are reaped by later turns. */
void
lp_job_signal(const struct lp_job *j, int sig)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->pid[i] != 0)
			(void)kill(j->pid[i], sig);
}

int
lp_job_stands(const struct lp_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		siginfo_t si = { 0 };

		/* looked at only: it is reaped elsewhere */
		if (j->pid[i] != 0 && waitid(P_PID, (id_t)j->pid[i], &si, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    si.si_pid == 0)
			return 0;
	}
	return 1;
}

/* Whether all stages are gone within what is left of the grace. */
static int
gone_within(struct lp_job *j, int *left_ms)
{
	enum { STEP_MS = 10 };

	for (;;) {
		lp_job_reap(j);
		if (j->alive == 0 || *left_ms <= 0)
			return j->alive == 0;
		(void)poll(NULL, 0, STEP_MS);
		*left_ms -= STEP_MS;
	}
}

void
lp_job_bury(struct lp_job *j, int *left_ms)
{
	if (!gone_within(j, left_ms))
		kill_and_reap(j);
	lp_job_forget(j);
}
