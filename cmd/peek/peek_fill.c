/* Fetches the heads of all layers into the store with one lp-fetch --fill. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/tmpfile.h"

/* The layer that a message of lp-fetch is about: it names the source. */
static struct lp_peek_layer *
find_named(struct lp_peek *p, struct lp_span line)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == LP_STEP_FILLING && memmem(line.p, line.n, l->source, strlen(l->source)) != NULL)
				return l;
		}
	return NULL;
}

/* Whoever fetched is gone: none of the heads that are still on their way comes. */
static void
lose(struct lp_peek *p, struct lp_span line)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == LP_STEP_FILLING && l->error == NULL)
				l->error = strdup(lp_quote_message(line));
		}
}

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek *p = j->owner;
	struct lp_peek_layer *l;

	(void)stage;
	if (kind == LP_LINE_REPORT) {
		lp_peek_report(p, NULL, line);
		return;
	}
	l = find_named(p, line);
	lp_peek_message(p, l != NULL ? l->label : NULL, line);
	if (kind == LP_LINE_KILLED)
		lose(p, line);
	if (l != NULL && l->error == NULL)
		l->error = strdup(lp_quote_message(line));
}

static void
on_ended(struct lp_job *j)
{
	struct lp_peek *p = j->owner;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step != LP_STEP_FILLING)
				continue;
			l->active = 0;
			l->step = LP_STEP_STREAM;
			/* what was said about it is why it is not there; where it was said of none in particular, each is asked for itself */
			l->unkept = j->exit != LP_EXIT_OK;
			if (j->exit != LP_EXIT_OK && l->error != NULL) {
				l->exit = j->exit;
				l->step = LP_STEP_DONE;
			}
		}
}

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };

/* The list that lp-fetch --fill reads: source and size, as lp-layers writes them. */
static int
write_list(struct lp_peek *p, int fd)
{
	int rc = LP_OK;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step != LP_STEP_FILL)
				continue;
			l->step = LP_STEP_FILLING;
			if (dprintf(fd, "%s\t%lld\n", l->source, (long long)l->size) < 0)
				rc = LP_E_SYS;
		}
	return rc == LP_OK && lseek(fd, 0, SEEK_SET) != 0 ? LP_E_SYS : rc;
}

int
lp_peek_fill(struct lp_peek *p)
{
	int fd = lp_tmpfile(), rc = fd < 0 ? LP_E_SYS : write_list(p, fd);
	const struct lp_job_io io = { .in = fd, .out = -1, .err = -1, .keep = p->keep, .nkeep = p->nkeep };
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a = &line.a[0];

	p->fill = (struct lp_job){ .ops = &ops, .owner = p };
	lp_pipeline_fetch(&line, p, LP_STORE_KEEP);
	lp_argv_add(a, "--fill");
	lp_argv_addf(a, "--jobs=%d", LP_PEEK_FILL_JOBS);
	lp_argv_addf(a, "--bytes=%llu", (unsigned long long)p->o->head);
	if (rc == LP_OK)
		rc = lp_pipeline_start(p, &p->fill, &line, &io);
	else
		lp_err_errno("cannot make a temporary file");
	if (fd >= 0)
		close(fd);
	return rc;
}
