#include "common/sys/fill.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/progress.h"

enum state { PENDING, RUNNING, ENDED };

struct lp_fill_job {
	struct lp_fill *fill;
	struct lp_blob blob;
	enum state state;
	struct lp_range want;
	uint64_t at;
	struct lp_blob_keep keep;
	struct lp_remote_get get;
	int64_t told_ms;
};

void
lp_fill_init(struct lp_fill *f, const struct lp_env *env, const struct lp_range_spec *range)
{
	*f = (struct lp_fill){ .env = env, .range = *range, .jobs = LP_FILL_JOBS, .progress = -1 };
}

void
lp_fill_release(struct lp_fill *f)
{
	for (size_t i = 0; i < f->n; i++) {
		lp_blob_release(&f->v[i]->blob);
		free(f->v[i]);
	}
	free(f->v);
	f->v = NULL;
	f->n = f->cap = 0;
}

/* ---- which ones ------------------------------------------------------------------- */

static void
note_failure(struct lp_fill *f, const struct lp_blob *b, int rc)
{
	f->status = lp_exit_worse(f->status, lp_exit_of(rc));
	f->failed(b, rc);
}

static int
known(const struct lp_fill *f, const char *digest)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i]->blob.digest, digest) == 0)
			return 1;
	return 0;
}

static int
room(struct lp_fill *f)
{
	struct lp_fill_job **v = lp_array_room(f->v, f->n, &f->cap, sizeof(struct lp_fill_job *));

	if (v == NULL)
		return LP_E_NOMEM;
	f->v = v;
	return LP_OK;
}

int
lp_fill_add(struct lp_fill *f, const char *source, int64_t size)
{
	struct lp_fill_job *j;
	int rc;

	if (room(f) != LP_OK || (j = calloc(1, sizeof(*j))) == NULL)
		return LP_E_NOMEM;
	rc = lp_blob_open(&j->blob, f->env, source, NULL, size);
	if (rc == LP_OK && !lp_blob_is_remote(&j->blob.ref)) {
		rc = LP_E_USAGE;
		snprintf(j->blob.why, sizeof(j->blob.why), "is here already: there is nothing to fetch");
	} else if (rc == LP_OK && j->blob.digest[0] == '\0') {
		rc = LP_E_USAGE;
		snprintf(j->blob.why, sizeof(j->blob.why), "has no digest: a store cannot keep it");
	}
	if (rc != LP_OK)
		note_failure(f, &j->blob, rc);
	if (rc != LP_OK || known(f, j->blob.digest)) {
		lp_blob_release(&j->blob);
		free(j);
		return rc;
	}
	j->fill = f;
	j->keep.blob = &j->blob;
	f->v[f->n++] = j;
	return LP_OK;
}

static int
add_line(struct lp_fill *f, struct lp_span line)
{
	const unsigned char *tab = line.n > 0 ? memchr(line.p, '\t', line.n) : NULL;
	struct lp_span source = lp_span_take(&line, tab != NULL ? (size_t)(tab - line.p) : line.n), field;
	int64_t size = -1;
	uint64_t n;
	char *text;
	int rc;

	if (source.n == 0 || source.p[0] == '#')
		return LP_OK;
	lp_span_take(&line, 1);
	tab = line.n > 0 ? memchr(line.p, '\t', line.n) : NULL;
	field = lp_span_take(&line, tab != NULL ? (size_t)(tab - line.p) : line.n);
	if (lp_num_u64(field, INT64_MAX, &n) == LP_OK)
		size = (int64_t)n;
	text = strndup((const char *)source.p, source.n);
	rc = text != NULL ? lp_fill_add(f, text, size) : LP_E_NOMEM;
	free(text);
	return rc;
}

int
lp_fill_list(struct lp_fill *f, struct lp_span list)
{
	int worst = LP_OK;

	while (list.n > 0) {
		const unsigned char *nl = memchr(list.p, '\n', list.n);
		struct lp_span line = lp_span_take(&list, nl != NULL ? (size_t)(nl - list.p) : list.n);
		int rc = add_line(f, line);

		lp_span_take(&list, 1);
		if (rc == LP_E_NOMEM)
			return rc;
		if (rc != LP_OK)
			worst = rc;
	}
	return worst;
}

int
lp_fill_login(struct lp_fill *f, const char **why)
{
	int rc = LP_OK;

	for (size_t i = 0; i < f->n && rc == LP_OK && f->env->registry != NULL; i++)
		if (f->v[i]->blob.ref.kind == LP_REF_REGISTRY)
			rc = lp_registry_login(f->env->registry, &f->v[i]->blob.ref, why);
	return rc;
}

/* ---- one of them, from gap to gap ---------------------------------------------------- */

static void next_gap(struct lp_fill_job *);
static void start_more(struct lp_fill *);

static uint64_t
wanted(const struct lp_fill_job *j)
{
	uint64_t end = j->want.last;

	if (j->blob.size >= 0 && end >= (uint64_t)j->blob.size)
		end = (uint64_t)j->blob.size;
	else if (end != LP_RANGE_END)
		end++;
	return end == LP_RANGE_END ? 0 : end - j->want.first;
}

static void
tell(struct lp_fill_job *j, enum lp_progress_state state)
{
	const struct lp_progress_line line = { .key = lp_span_str(j->blob.digest), .have = j->at - j->want.first,
		.want = wanted(j), .fetched = j->blob.fetched, .state = state };

	lp_progress_tell(j->fill->progress, &line, &j->told_ms);
}

static void
end_job(struct lp_fill_job *j, int rc)
{
	struct lp_fill *f = j->fill;
	int kept = lp_blob_keep_end(&j->keep);

	rc = rc != LP_OK ? rc : kept;
	rc = rc != LP_OK ? rc : lp_blob_promote(&j->blob);
	if (rc != LP_OK)
		note_failure(f, &j->blob, rc);
	j->state = ENDED;
	f->running--;
	tell(j, rc == LP_OK ? LP_PROGRESS_DONE : LP_PROGRESS_FAILED);
	start_more(f);
}

static int
keep(void *arg, struct lp_span s)
{
	struct lp_fill_job *j = arg;
	int rc = lp_blob_keep_add(&j->keep, j->at, s);

	if (rc == LP_OK) {
		j->at += s.n;
		tell(j, LP_PROGRESS_MORE);
	}
	return rc;
}

static int
discard(void *arg, struct lp_span s)
{
	(void)arg;
	(void)s;
	return LP_OK;
}

static void
gap_done(void *arg, int rc)
{
	struct lp_fill_job *j = arg;

	rc = lp_blob_got(&j->blob, rc, j->want.first, j->at);
	if (rc == LP_OK)
		next_gap(j);
	else
		end_job(j, rc);
}

/*
 * The next thing that the store lacks is asked for; what it has is checked
 * on the way there.
 */
static void
next_gap(struct lp_fill_job *j)
{
	struct lp_blob *b = &j->blob;
	struct lp_blob_gap gap;
	int rc = LP_OK;

	while (rc == LP_OK && j->at <= j->want.last && (b->size < 0 || j->at < (uint64_t)b->size)) {
		rc = lp_blob_gap(b, j->at, j->want.last, &gap);
		if (rc == LP_OK && gap.kept > 0) {
			rc = lp_blob_keep_end(&j->keep);
			rc = rc != LP_OK ? rc : lp_blob_use_kept(b, &j->at, gap.kept, discard, NULL);
			continue;
		}
		if (rc != LP_OK)
			break;
		if (b->env->offline) {
			rc = lp_blob_missing(b, j->at, gap.last);
			break;
		}
		b->remote.size = b->size;
		lp_remote_start(&j->get, &b->remote, j->at, gap.last, keep, gap_done, j);
		return;
	}
	end_job(j, rc);
}

static void
begin(struct lp_fill_job *j)
{
	int rc = LP_OK;

	/* all of an empty blob is there */
	if (j->blob.size != 0 || j->fill->strict)
		rc = lp_blob_resolve(&j->blob, &j->fill->range, &j->want);
	j->at = j->want.first;
	if (rc == LP_OK && j->blob.size != 0)
		next_gap(j);
	else
		end_job(j, rc);
}

static void
sized(void *arg, int rc)
{
	struct lp_fill_job *j = arg;

	rc = lp_blob_got(&j->blob, rc, 0, 0);
	if (rc == LP_OK && j->blob.size < 0) {
		snprintf(j->blob.why, sizeof(j->blob.why), "the server does not say how large it is");
		rc = LP_E_NET;
	}
	if (rc == LP_OK)
		begin(j);
	else
		end_job(j, rc);
}

static void
start_more(struct lp_fill *f)
{
	/* one that ends at once comes back here: the loop below goes on for it */
	if (f->starting)
		return;
	f->starting = 1;
	while (f->running < f->jobs && f->started < f->n) {
		struct lp_fill_job *j = f->v[f->started++];

		f->running++;
		j->state = RUNNING;
		if (f->range.suffix && j->blob.size < 0 && !f->env->offline)
			lp_remote_start(&j->get, &j->blob.remote, 0, 0, discard, sized, j);
		else
			begin(j);
	}
	f->starting = 0;
}

void
lp_fill_run(struct lp_fill *f, void (*tick)(void *), void *arg)
{
	int rc;

	start_more(f);
	rc = f->env->offline ? LP_OK : lp_http_run(f->env->http, tick, arg);
	f->status = lp_exit_worse(f->status, lp_exit_of(rc));
}

int
lp_fill_progress(const struct lp_fill *f, size_t i, const struct lp_blob **b, uint64_t *have, uint64_t *want)
{
	const struct lp_fill_job *j = f->v[i];

	if (j->state != RUNNING)
		return 0;
	*b = &j->blob;
	*have = j->at - j->want.first;
	*want = wanted(j);
	return 1;
}
