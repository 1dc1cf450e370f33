/* Decides where output goes (pager, terminal, pipe), and runs lp-merge and lp-show before it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/peek/pager.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/jsonread.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

int
lp_peek_for_eyes(const struct lp_peek *p)
{
	return (lp_tty_is(1) || p->o->for_eyes || p->o->color == LP_COLOR_ALWAYS) && !p->o->plain && !p->o->ndjson;
}

/* ---- jobs that show ------------------------------------------------------------------ */

void
lp_peek_message_once(struct lp_peek *p, struct lp_span line)
{
	static const char name[] = "lp-show: "; /* it draws in our name */

	if (line.n >= sizeof(name) && memcmp(line.p, name, sizeof(name) - 1) == 0)
		lp_span_take(&line, sizeof(name) - 1);
	if (p->out.said != NULL && lp_span_is(line, p->out.said))
		return;
	lp_peek_message(p, NULL, line);
	free(p->out.said);
	p->out.said = strndup((const char *)line.p, line.n);
}

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek *p = j->owner;
	struct lp_json_error error;
	json_t *json;
	uint64_t n;

	(void)stage;
	if (kind != LP_LINE_REPORT) {
		lp_peek_message_once(p, line);
		return;
	}
	lp_peek_report(p, NULL, line);
	if (lp_json_load(line, &json, &error) != LP_OK)
		return;
	if (lp_json_get_u64(json, "entries_found", &n) == LP_OK && n <= INT64_MAX)
		p->entries = (int64_t)n;
	json_decref(json);
}

static void
on_ended(struct lp_job *j)
{
	struct lp_peek *p = j->owner;

	p->exit = lp_exit_worse(p->exit, j->exit);
}

const struct lp_job_ops lp_peek_show_ops = { .line = on_line, .ended = on_ended };

int
lp_peek_wait_for(struct lp_peek *p, const struct lp_job *j)
{
	int rc = LP_OK;

	while (j->busy && rc == LP_OK)
		rc = lp_peek_turn(p);
	return rc;
}

/* ---- the pager --------------------------------------------------------------------------- */

/* Only that it was killed: what it says itself goes to the terminal. */
static void
on_pager_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	(void)stage;
	if (kind == LP_LINE_KILLED)
		lp_peek_message(j->owner, NULL, line);
}

/* A shell's word for a program that it cannot run is all that there is to know. How else a pager ends is its user's business. */
static void
on_pager_ended(struct lp_job *j)
{
	enum { NOT_RUN = 126, NOT_FOUND = 127 };
	struct lp_peek *p = j->owner;

	lp_err_release();
	if (j->code[0] == NOT_RUN || j->code[0] == NOT_FOUND)
		lp_err("the pager could not be run (LP_PAGER, PAGER): nothing was shown");
	else if (j->code[0] >= 0)
		return;
	p->exit = lp_exit_worse(p->exit, LP_EXIT_SYSTEM);
}

static const struct lp_job_ops pager_ops = { .line = on_pager_line, .ended = on_pager_ended };

static int
start_pager(struct lp_peek *p)
{
	const struct lp_stage stage = { .argv = p->out.command };
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return LP_E_SYS;
	lp_pager_save_terminal();
	p->out.pager = (struct lp_job){ .ops = &pager_ops, .owner = p };
	rc = lp_crew_start(&p->crew, &p->out.pager, &stage, 1,
	    &(struct lp_job_io){ .in = fd[0], .out = 1, .err = 2 });
	close(fd[0]);
	if (rc != LP_OK) {
		close(fd[1]);
		return rc;
	}
	p->out.fd = p->crew.out = fd[1];
	p->out.paged = 1;
	/* what is written between the lines of a page is gone with the next key */
	if (lp_tty_is(2))
		lp_err_hold();
	return LP_OK;
}

static int
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int
lp_peek_out_open(struct lp_peek *p)
{
	p->out.open = 1;
	p->out.fd = 1;
	lp_bars_clear(&p->bars);
	/* who reads the rows may show them on the same terminal, and bars would be drawn over them */
	if (!is_file(1))
		p->bars.fd = -1;
	if (p->out.command == NULL || start_pager(p) == LP_OK)
		return LP_OK;
	lp_err_errno("cannot start the pager");
	return LP_E_SYS;
}

static void
close_out(struct lp_peek *p)
{
	if (p->out.fd >= 0)
		close(p->out.fd);
	p->out.fd = p->crew.out = -1;
}

static int
is_pager(const struct lp_job *j, void *pager)
{
	return j == pager;
}

/*
 * Ctrl-C went to the pager too, and to it it means no more than "stop what
 * you do": it has the terminal, in a state that only it can take back. So
 * everything else ends, and it is waited for, as git does.
 */
void
lp_peek_out_interrupted(struct lp_peek *p)
{
	const int caught = p->crew.caught;

	if (caught != SIGINT || !p->out.paged || !p->out.pager.busy)
		return;
	lp_crew_stop_but(&p->crew, is_pager, &p->out.pager);
	close_out(p);
	while (p->out.pager.busy) {
		if (p->crew.caught == SIGINT)
			p->crew.caught = 0;
		if (lp_crew_turn(&p->crew, -1) != LP_OK || (p->crew.caught != 0 && p->crew.caught != SIGINT))
			break;
		lp_peek_share_terminal(p);
	}
	p->crew.caught = caught;
}

void
lp_peek_out_ended(struct lp_peek *p)
{
	/* one that was left in good order has left nothing behind but what we gave back to it */
	if (p->out.paged)
		lp_pager_end_orphans();
	lp_pager_restore_terminal();
	/* it may have been ended in the middle of a coloured name */
	if (p->out.paged && lp_tty_is(1) && lp_tty_color(p->o->color, 1))
		(void)lp_write_all(1, lp_span_str("\033[0m"));
	lp_err_release();
}

int
lp_peek_out_close(struct lp_peek *p)
{
	int rc;

	if (!p->out.paged)
		return LP_OK;
	close_out(p);
	rc = lp_peek_wait_for(p, &p->out.pager);
	if (rc == LP_OK && p->out.pager.code[0] >= 0)
		p->out.paged = 0;
	return rc;
}

/* ---- merged ---------------------------------------------------------------------------- */

struct merge {
	struct lp_argv argv;
	int *keep;
	size_t nkeep, nlistings;
	int nothing; /* listing of an image without layers, or -1 */
};

static void
release_merge(struct merge *m)
{
	if (m->nothing >= 0)
		close(m->nothing);
	lp_argv_release(&m->argv);
	free(m->keep);
}

/* An image without layers is a listing of nothing: every view says of that what it says of any. */
static int
list_nothing(struct merge *m)
{
	const struct lp_rowend end = { .complete = LP_COMPLETE_YES };

	m->nothing = lp_tmpfile();
	if (m->nothing < 0 || lp_peek_rows_end(m->nothing, &end) != LP_OK || lseek(m->nothing, 0, SEEK_SET) != 0)
		return LP_E_SYS;
	m->keep[m->nkeep++] = m->nothing;
	lp_argv_addf(&m->argv, "/dev/fd/%d", m->nothing);
	return LP_OK;
}

/* lp-merge's command line, but for what each question adds in front of the files. */
static int
plan_merge(const struct lp_peek_image *im, const struct lp_argv *more, const struct lp_peek_view *view, struct merge *m)
{
	size_t extra = view != NULL ? view->nkeep : 0;
	int rc = LP_OK;

	*m = (struct merge){ .keep = calloc(im->n + extra + 1, sizeof(*m->keep)), .nothing = -1 };
	lp_argv_init(&m->argv);
	if (m->keep == NULL)
		return LP_E_NOMEM;
	lp_argv_add(&m->argv, "lp-merge");
	if (!lp_err_is_verbose())
		lp_argv_add(&m->argv, "-q");
	lp_argv_append(&m->argv, more);
	lp_argv_add(&m->argv, "--");
	for (size_t i = 0; i < im->n; i++) {
		if (!im->layer[i].picked || im->layer[i].rows < 0)
			continue;
		m->keep[m->nkeep++] = im->layer[i].rows;
		lp_argv_addf(&m->argv, "%u=/dev/fd/%d", im->layer[i].number, im->layer[i].rows);
	}
	if (im->n == 0 && im->layer != NULL && im->peek->exit == LP_EXIT_OK)
		rc = list_nothing(m);
	m->nlistings = m->nkeep;
	for (size_t i = 0; i < extra; i++)
		m->keep[m->nkeep++] = view->keep[i];
	return m->argv.failed ? LP_E_NOMEM : rc;
}

int
lp_peek_merge(struct lp_peek *p, const struct lp_peek_image *im, const struct lp_argv *more, const struct lp_peek_view *view,
    int out)
{
	struct lp_job j = { .ops = &lp_peek_show_ops, .owner = p };
	struct lp_stage stage[2] = { { 0 } };
	struct merge m;
	size_t n = 0;
	int rc = plan_merge(im, more, view, &m);

	/* without a listing there is nothing to merge, and a document all the same */
	if (m.nlistings > 0)
		stage[n++].argv = lp_argv_done(&m.argv);
	if (view != NULL)
		stage[n++].argv = lp_argv_done(&view->argv);
	for (size_t i = 0; i < n; i++)
		rc = stage[i].argv != NULL ? rc : LP_E_NOMEM;
	if (rc == LP_OK && n > 0)
		rc = lp_crew_start(&p->crew, &j, stage, n,
		    &(struct lp_job_io){ .in = -1, .out = out, .err = -1, .keep = m.keep, .nkeep = m.nkeep });
	if (rc != LP_OK)
		lp_err_errno("cannot run %s", m.nlistings > 0 ? "lp-merge" : "lp-show");
	else
		rc = lp_peek_wait_for(p, &j);
	release_merge(&m);
	return rc;
}
