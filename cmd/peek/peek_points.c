/* Keeps where the decoding of a layer can begin again, beside its listing, and finds that again. */
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/tmpfile.h"

/*
 * Fetching the rest of a smaller layer costs no more than a span between two
 * points: the first has come when 4 MiB of output have.
 */
enum { SMALL = 2 * 1024 * 1024 };

int
lp_peek_points_wanted(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	return o->keeps_listings && !l->peek->has_no_database && l->digest != NULL && l->size >= SMALL && l->is_remote &&
	    !lp_peek_is_stored(l) && lp_peek_wants_all(l);
}

void
lp_peek_points_open(struct lp_peek_layer *l)
{
	if (l->points < 0)
		l->points = lp_tmpfile();
	if (l->points < 0)
		lp_note("%s: no points are kept: a temporary file cannot be made", l->label);
}

void
lp_peek_points_close(struct lp_peek_layer *l)
{
	if (l->points >= 0)
		close(l->points);
	l->points = -1;
}

int
lp_peek_points_ready(struct lp_peek_layer *l)
{
	if (l->points < 0 || l->step != LP_STEP_DONE || !l->kept)
		return 0;
	/* they rest on what the listing does; of what is not gzip there are none */
	if (l->complete == LP_COMPLETE_YES && l->verified && lseek(l->points, 0, SEEK_END) > 0 && lseek(l->points, 0, SEEK_SET) == 0)
		return 1;
	lp_peek_points_close(l);
	return 0;
}

/* ---- and again ----------------------------------------------------------------------- */

/* That there are none is no news. */
static void
on_ended(struct lp_job *j)
{
	lp_peek_settle(j->owner, j, j->exit == LP_EXIT_ABSENT);
}

static const struct lp_job_ops get_ops = { .line = lp_peek_content_line, .ended = on_ended };

int
lp_peek_points_get(struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;
	struct lp_pipeline line = { .n = 0 };
	struct lp_job_io io = { .in = -1, .err = -1 };
	struct lp_argv *a;

	if (!o->has_listings || o->refresh || !l->from_cache || l->complete != LP_COMPLETE_YES || l->digest == NULL || l->size < SMALL ||
	    !l->is_remote || lp_peek_is_stored(l))
		return -1;
	io.out = lp_tmpfile();
	if (io.out < 0)
		return -1;
	a = lp_pipeline_add(&line, "lp-cache");
	lp_argv_addf(a, "--db=%s", o->db);
	if (o->defaults[1] != NULL)
		lp_argv_add(a, "--wait=2");
	lp_argv_add(a, "get-points");
	lp_argv_addf(a, "%s=%lld", l->digest, (long long)l->size);
	if (lp_peek_content_run(l, &line, &io, &get_ops) == LP_EXIT_OK)
		return io.out;
	close(io.out);
	return -1;
}
