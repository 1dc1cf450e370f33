#include "common/sys/proc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
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

static int
start_stage(struct lp_job *j, const struct lp_stage *s, const struct lp_ends *e)
{
	pid_t pid = lp_spawn(s, e);

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
	for (int i = 0; i < 2; i++) {
		close_fd(&j->fd[i]);
		lp_buf_release(&j->text[i]);
	}
}

int
lp_job_start(struct lp_job *j, const struct lp_stage *s, size_t n, const struct lp_job_io *io, int null)
{
	int err[2] = { -1, -1 }, report[2] = { -1, -1 }, rc = LP_E_SYS;

	j->exit = 0;
	j->n = j->alive = 0;
	memset(j->ended_early, 0, sizeof(j->ended_early));
	j->fd[0] = j->fd[1] = -1;
	lp_buf_init(&j->text[0], LINE_MAX_BYTES);
	lp_buf_init(&j->text[1], LINE_MAX_BYTES);
	if (pipe2(report, O_CLOEXEC) != 0 ||
	    (io->err < 0 && pipe2(err, O_CLOEXEC) != 0))
		goto out;
	rc = start_stages(j, s, n,
	    &(struct lp_ends){ .in = io->in >= 0 ? io->in : null,
	        .out = io->out >= 0 ? io->out : null, .err = io->err >= 0 ? io->err : err[1],
	        .report = report[1], .keep = io->keep, .nkeep = io->nkeep });
	if (rc != LP_OK) {
		kill_and_reap(j);
		lp_job_forget(j);
		goto out;
	}
	j->fd[LP_LINE_MESSAGE] = err[0];
	j->fd[LP_LINE_REPORT] = report[0];
	err[0] = report[0] = -1;
out:
	for (int i = 0; i < 2; i++) {
		close_fd(&err[i]);
		close_fd(&report[i]);
	}
	return rc;
}

/* ---- what it says --------------------------------------------------------- */

static void
emit(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	if (j->ops->line != NULL)
		j->ops->line(j, kind, line);
}

/* Hand out the whole lines; with `all` the rest as well, and a line too long in pieces. */
static void
hand_out(struct lp_job *j, enum lp_job_line kind, int all)
{
	struct lp_buf *b = &j->text[kind];
	struct lp_span rest = lp_buf_span(b);

	while (rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);

		if (nl == NULL && !all && rest.n < b->max)
			break;
		emit(j, kind, lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) : rest.n));
		lp_span_take(&rest, 1);
	}
	if (rest.n > 0)
		memmove(b->p, rest.p, rest.n);
	b->n = rest.n;
}

/* One read of what a pipe holds; its end closes it. */
static void
gather(struct lp_job *j, enum lp_job_line kind)
{
	struct lp_buf *b = &j->text[kind];
	ptrdiff_t k;

	if (lp_buf_reserve(b, b->max - b->n) != LP_OK)
		hand_out(j, kind, 1);
	if (lp_buf_reserve(b, 1) != LP_OK)
		return;
	k = lp_read(j->fd[kind], b->p + b->n, b->cap - b->n);
	if (k > 0)
		b->n += (size_t)k;
	hand_out(j, kind, k <= 0);
	if (k <= 0)
		close_fd(&j->fd[kind]);
}

/* ---- its end -------------------------------------------------------------- */

/* The last stage has its answer: those between are ended, which is no failure of theirs. */
static void
end_middle(struct lp_job *j)
{
	for (size_t k = 1; k + 1 < j->n; k++)
		if (j->pid[k] != 0 && kill(j->pid[k], SIGTERM) == 0)
			j->ended_early[k] = 1;
}

static void
reap(struct lp_job *j, size_t i)
{
	siginfo_t si = { 0 };

	/* one that is not ours to wait for (ECHILD) is gone, and nobody knows how */
	if (waitid(P_PID, (id_t)j->pid[i], &si, WEXITED | WNOHANG) != 0)
		si = (siginfo_t){ .si_code = CLD_EXITED, .si_pid = j->pid[i], .si_status = LP_EXIT_SYSTEM };
	if (si.si_pid == 0)
		return;
	j->pid[i] = 0;
	j->alive--;
	j->code[i] = si.si_code == CLD_EXITED ? si.si_status : -si.si_status;
	if (j->ended_early[i] && j->code[i] == -SIGTERM)
		j->code[i] = 0;
	j->exit = lp_exit_worse(j->exit,
	    j->code[i] < 0 || j->code[i] > LP_EXIT_ABSENT ? LP_EXIT_SYSTEM : j->code[i]);
	if (j->stop_with_last && i + 1 == j->n)
		end_middle(j);
}

void
lp_job_reap(struct lp_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->pid[i] != 0)
			reap(j, i);
}

/* A descendant that outlives its parent may hold a pipe open: take what is there and go. */
static void
drain(struct lp_job *j)
{
	for (int kind = 0; kind < 2; kind++) {
		while (j->fd[kind] >= 0) {
			struct pollfd p = { .fd = j->fd[kind], .events = POLLIN };

			if (poll(&p, 1, 0) <= 0)
				break;
			gather(j, (enum lp_job_line)kind);
		}
		hand_out(j, (enum lp_job_line)kind, 1);
	}
}

static void
say_who_was_killed(struct lp_job *j)
{
	char text[128];

	for (size_t i = 0; i < j->n; i++) {
		if (j->code[i] >= 0)
			continue;
		snprintf(text, sizeof(text), "%s: killed by signal %d (SIG%s)", j->name[i],
		    -j->code[i], sigabbrev_np(-j->code[i]) ? sigabbrev_np(-j->code[i]) : "?");
		emit(j, LP_LINE_MESSAGE, lp_span_str(text));
	}
}

void
lp_job_hear_out(struct lp_job *j)
{
	drain(j);
	say_who_was_killed(j);
}

/* ---- watched, or ended by us ------------------------------------------------ */

size_t
lp_job_watch(const struct lp_job *j, struct pollfd *p)
{
	size_t n = 0;

	for (int kind = 0; kind < 2; kind++)
		p[n++] = (struct pollfd){ .fd = j->fd[kind], .events = POLLIN };
	return n;
}

void
lp_job_tend(struct lp_job *j, const struct pollfd *p)
{
	for (int kind = 0; kind < 2; kind++)
		if (j->fd[kind] >= 0 && p[kind].revents != 0)
			gather(j, (enum lp_job_line)kind);
}

/* They are reaped by later turns. */
void
lp_job_terminate(struct lp_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->pid[i] != 0)
			(void)kill(j->pid[i], SIGTERM);
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
