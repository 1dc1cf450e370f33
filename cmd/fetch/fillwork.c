/* lp-fetch --fill from start to end: sources, logins, sandbox, transfers, progress bars. */
#include "cmd/fetch/fillwork.h"

#include <string.h>

#include "common/base/status.h"
#include "common/cli/progress.h"
#include "common/source/fill.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"
#include "common/view/bars.h"

static void
say_of_one(const struct lp_blob *b, int rc)
{
	if (b->why[0] != '\0')
		lp_err("%s: %s", b->name, b->why);
	else if (rc == LP_E_NOMEM)
		lp_err("%s: out of memory", b->name);
}

/* The sources of the command line, or those of standard input. One that is bad does not keep the others. */
static int
add_sources(struct lp_fill *f, const struct lp_fillwork *w)
{
	struct lp_buf list;
	int rc = LP_OK;

	for (size_t i = 0; i < w->n && rc != LP_E_NOMEM; i++)
		rc = lp_fill_add(f, w->sources[i], -1);
	if (rc == LP_E_NOMEM || w->n > 0)
		return rc == LP_E_NOMEM ? rc : LP_OK;
	lp_buf_init(&list, LP_FILL_LIST_MAX);
	rc = lp_read_all(0, &list);
	if (rc == LP_OK)
		rc = lp_fill_list(f, lp_buf_span(&list));
	else if (rc == LP_E_SYS)
		lp_err_errno("<stdin>");
	else if (rc == LP_E_LIMIT)
		lp_err("<stdin>: more than %d MiB of sources", LP_FILL_LIST_MAX >> 20);
	else
		lp_err("<stdin>: out of memory");
	lp_buf_release(&list);
	return rc == LP_E_SYS || rc == LP_E_LIMIT || rc == LP_E_NOMEM ? rc : LP_OK;
}

/* Bars, where nobody else draws them. */
struct drawing {
	const struct lp_fill *fill;
	struct lp_bars bars;
};

static void
draw(void *arg)
{
	enum { BARS = 32 };
	struct drawing *d = arg;
	struct lp_bar bar[BARS];
	const struct lp_blob *b;
	size_t n = 0;

	for (; n < BARS && lp_fill_progress(d->fill, n, &b, &bar[n].have, &bar[n].want); n++) {
		bar[n].label = lp_span_str(b->digest);
		lp_span_take(&bar[n].label, LP_DIGEST_PREFIX);
		bar[n].label.n = 12;
	}
	lp_bars_draw(&d->bars, bar, n, 0);
}

static int
open_all(const struct lp_fillwork *w, struct lp_env *env, struct lp_fill *f)
{
	const char *why = NULL;
	int rc;

	env->offline = w->net->offline;
	env->must_keep = 1;
	rc = lp_env_open_store(env, w->net->store);
	rc = rc != LP_OK ? rc : lp_env_open_network(env, w->net);
	if (rc != LP_OK)
		return rc;
	lp_fill_init(f, env, &w->range);
	f->failed = say_of_one;
	f->strict = w->strict;
	f->progress = w->progress;
	f->jobs = w->jobs > 0 ? (size_t)w->jobs : f->jobs;
	rc = add_sources(f, w);
	if (rc == LP_OK && (rc = lp_fill_login(f, &why)) != LP_OK)
		lp_err("%s", why != NULL ? why : "out of memory");
	return rc;
}

int
lp_fillwork(const struct lp_fillwork *w, struct lp_env *env)
{
	struct lp_fill f = { .n = 0 };
	struct drawing d = { .fill = &f };
	int rc = open_all(w, env, &f), status;

	lp_bars_init(&d.bars, w->progress < 0 && !lp_err_is_quiet() && lp_tty_is(2) ? 2 : -1);
	if (rc == LP_OK)
		rc = lp_env_lock(env, w->net->store, NULL);
	if (rc == LP_OK && (rc = lp_fill_run(&f, d.bars.fd >= 0 ? draw : NULL, &d)) == LP_E_NOMEM)
		lp_err("out of memory");
	status = lp_exit_worse(f.status, lp_exit_of(rc));
	lp_bars_release(&d.bars);
	lp_fill_release(&f);
	return status;
}
