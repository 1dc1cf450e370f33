#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/format/json.h"
#include "common/sys/err.h"
#include "common/sys/peek_priv.h"
#include "common/sys/view.h"

int
lp_peek_for_eyes(const struct lp_peek *p)
{
	return (lp_tty_is(1) || p->o->color == LP_COLOR_ALWAYS) && !p->o->plain;
}

/* ---- jobs that show ------------------------------------------------------------------ */

static void
on_line(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	struct lp_peek *p = j->owner;
	struct lp_json_error error;
	json_t *json;
	uint64_t n;

	if (kind == LP_LINE_MESSAGE) {
		lp_peek_message(p, NULL, line);
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

static const struct lp_job_ops pager_ops = { .line = NULL };

static int
start_pager(struct lp_peek *p, const char *pager)
{
	const char *const argv[] = { "sh", "-c", pager, NULL };
	const struct lp_stage stage = { .argv = argv };
	int fd[2], rc;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return LP_E_SYS;
	p->out.pager = (struct lp_job){ .ops = &pager_ops, .owner = p };
	rc = lp_crew_start(&p->crew, &p->out.pager, &stage, 1,
	    &(struct lp_job_io){ .in = fd[0], .out = 1, .err = 2 });
	close(fd[0]);
	if (rc != LP_OK) {
		close(fd[1]);
		return rc;
	}
	p->out.fd = fd[1];
	p->out.paged = 1;
	return LP_OK;
}

int
lp_peek_out_open(struct lp_peek *p)
{
	const char *pager = p->o->pager && !p->o->json ? lp_pager() : NULL;

	p->out.open = 1;
	p->out.fd = 1;
	/* rows and bars would be drawn over each other */
	lp_bars_clear(&p->bars);
	if (lp_tty_is(1))
		p->bars.fd = -1;
	if (pager == NULL || start_pager(p, pager) == LP_OK)
		return LP_OK;
	lp_err_errno("cannot start the pager");
	return LP_E_SYS;
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
	lp_crew_stop_but(&p->crew, &p->out.pager);
	if (p->out.fd >= 0)
		close(p->out.fd);
	p->out.fd = -1;
	while (p->out.pager.busy) {
		p->crew.caught = 0;
		if (lp_crew_turn(&p->crew, -1, NULL, 0) != LP_OK || (p->crew.caught != 0 && p->crew.caught != SIGINT))
			break;
	}
	p->crew.caught = caught;
}

int
lp_peek_out_close(struct lp_peek *p)
{
	int rc;

	if (!p->out.paged)
		return LP_OK;
	close(p->out.fd);
	p->out.fd = -1;
	rc = lp_peek_wait_for(p, &p->out.pager);
	if (rc == LP_OK)
		p->out.paged = 0;
	return rc;
}

/* ---- merged ---------------------------------------------------------------------------- */

struct merge {
	struct lp_argv argv;
	int *keep;
	size_t nkeep;
};

static void
release_merge(struct merge *m)
{
	lp_argv_release(&m->argv);
	free(m->keep);
}

/* lp-merge's command line, but for what each question adds in front of the files. */
static int
plan_merge(const struct lp_peek_image *im, const struct lp_argv *more, const struct lp_view *view, struct merge *m)
{
	size_t extra = view != NULL && view->layer_rows != NULL ? view->doc->nlayers : 0;

	*m = (struct merge){ .keep = calloc(im->n + extra + 1, sizeof(*m->keep)) };
	lp_argv_init(&m->argv);
	if (m->keep == NULL)
		return LP_E_NOMEM;
	lp_argv_add(&m->argv, "lp-merge");
	if (!lp_err_is_verbose())
		lp_argv_add(&m->argv, "-q");
	lp_argv_append(&m->argv, more);
	lp_argv_add(&m->argv, "--");
	for (size_t i = 0; i < im->n; i++) {
		if (im->layer[i].rows < 0)
			continue;
		m->keep[m->nkeep++] = im->layer[i].rows;
		lp_argv_addf(&m->argv, "%u=/dev/fd/%d", im->layer[i].number, im->layer[i].rows);
	}
	for (size_t i = 0; i < extra; i++)
		m->keep[m->nkeep++] = view->layer_rows[i];
	return m->argv.failed ? LP_E_NOMEM : LP_OK;
}

int
lp_peek_merge(struct lp_peek *p, const struct lp_peek_image *im, const struct lp_argv *more, struct lp_view *view,
    int out)
{
	struct lp_job j = { .ops = &lp_peek_show_ops, .owner = p };
	struct lp_stage stage[2] = { { 0 } };
	struct merge m;
	size_t n = 0;
	int rc = plan_merge(im, more, view, &m);

	/* without a listing there is nothing to merge, and a document all the same */
	if (m.nkeep > 0)
		stage[n++].argv = lp_argv_done(&m.argv);
	if (view != NULL) {
		stage[n].run = lp_view_run;
		stage[n++].arg = view;
	}
	if (rc == LP_OK && n > 0)
		rc = lp_crew_start(&p->crew, &j, stage, n,
		    &(struct lp_job_io){ .in = -1, .out = out, .err = -1, .keep = m.keep, .nkeep = m.nkeep });
	if (rc != LP_OK)
		lp_err_errno("cannot run lp-merge");
	else
		rc = lp_peek_wait_for(p, &j);
	release_merge(&m);
	return rc;
}
