/* Fetches many blobs into the store in parallel (lp-fetch --fill). */
#include "common/source/fill.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/progress.h"
#include "common/sys/err.h"
#include "common/sys/seed.h"

enum state { PENDING, WAITING, RUNNING, ENDED };

/* What a source needs while it is being brought. */
struct transfer {
	struct lp_blob blob;
	struct lp_range want;
	uint64_t at;
	struct lp_blob_keep keep;
	struct lp_remote_get get;
	int64_t told_ms;
};

struct lp_fill_job {
	struct lp_fill *fill;
	char *source;
	int64_t size;
	char digest[LP_DIGEST_SIZE], origin[LP_STORE_HEX + 1];
	enum state state;
	struct lp_fill_job *before, *after; /* of the same digest */
	struct lp_fill_job *ready;          /* the next one whose turn has come */
	struct transfer *t;                 /* RUNNING; else NULL */
};

void
lp_fill_init(struct lp_fill *f, const struct lp_env *env, const struct lp_range_spec *range)
{
	*f = (struct lp_fill){ .env = env, .range = *range, .jobs = LP_FILL_JOBS, .progress = -1 };
	lp_map_init(&f->last, SIZE_MAX);
	f->seed = lp_seed();
}

static void
free_transfer(struct lp_fill_job *j)
{
	if (j->t != NULL)
		lp_blob_release(&j->t->blob);
	free(j->t);
	j->t = NULL;
}

static void
free_job(struct lp_fill_job *j)
{
	free_transfer(j);
	free(j->source);
	free(j);
}

void
lp_fill_release(struct lp_fill *f)
{
	for (size_t i = 0; i < f->n; i++)
		free_job(f->v[i]);
	free(f->v);
	lp_map_release(&f->last);
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

/* Of a source that has not been opened. */
static void
no_memory(struct lp_fill *f, const char *source)
{
	struct lp_blob b = { .size = -1 };

	lp_reference_show(source, b.name, sizeof(b.name));
	note_failure(f, &b, LP_E_NOMEM);
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

/* Behind the last one of its digest. Names that only hash to the same wait for each other, and that is all. */
static int
queue(struct lp_fill *f, struct lp_fill_job *j)
{
	uint64_t *last;
	int fresh, rc = lp_map_add(&f->last, lp_hash64(f->seed, lp_span_str(j->digest)), &last, &fresh);

	if (rc != LP_OK)
		return rc;
	if (!fresh) {
		j->before = f->v[*last - 1];
		j->before->after = j;
	}
	f->v[f->n++] = j;
	*last = f->n;
	return LP_OK;
}

static int
is_again(const struct lp_fill *f, const struct lp_blob *b)
{
	const uint64_t *last = lp_map_get(&f->last, lp_hash64(f->seed, lp_span_str(b->digest)));
	const struct lp_fill_job *j = last != NULL ? f->v[*last - 1] : NULL;

	return j != NULL && strcmp(j->digest, b->digest) == 0 && strcmp(j->origin, b->kept.origin) == 0;
}

static int
add_job(struct lp_fill *f, const struct lp_blob *b, const char *source, int64_t size)
{
	struct lp_fill_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return LP_E_NOMEM;
	j->fill = f;
	j->size = size;
	memcpy(j->digest, b->digest, sizeof(j->digest));
	memcpy(j->origin, b->kept.origin, sizeof(j->origin));
	j->source = strdup(source);
	if (j->source != NULL && queue(f, j) == LP_OK)
		return LP_OK;
	free_job(j);
	return LP_E_NOMEM;
}

/* What is a local file, as the layers of a layout are, is read where it is. */
static int
add_opened(struct lp_fill *f, struct lp_blob *b, const char *source, int64_t size)
{
	if (!lp_blob_is_remote(&b->ref)) {
		lp_note("%s: a local file: there is nothing to fetch", b->name);
		return LP_OK;
	}
	if (b->digest[0] == '\0') {
		snprintf(b->why, sizeof(b->why), "has no digest: a store cannot keep it");
		return LP_E_USAGE;
	}
	return is_again(f, b) ? LP_OK : add_job(f, b, source, size);
}

/* `bad` is the failure where the source itself is at fault. */
static int
add(struct lp_fill *f, const char *source, int64_t size, int bad)
{
	struct lp_blob b;
	int rc;

	if (room(f) != LP_OK) {
		no_memory(f, source);
		return LP_E_NOMEM;
	}
	rc = lp_blob_open(&b, f->env, source, NULL, size);
	rc = rc != LP_OK ? rc : add_opened(f, &b, source, size);
	if (rc == LP_E_USAGE)
		rc = bad;
	if (rc != LP_OK)
		note_failure(f, &b, rc);
	lp_blob_release(&b);
	return rc;
}

int
lp_fill_add(struct lp_fill *f, const char *source, int64_t size)
{
	return add(f, source, size, LP_E_USAGE);
}

static int
add_line(struct lp_fill *f, struct lp_span line)
{
	struct lp_span source = lp_span_field(&line, '\t');
	int64_t size = -1;
	uint64_t n;
	char *text;
	int rc;

	if (source.n == 0 || source.p[0] == '#')
		return LP_OK;
	if (lp_num_u64(lp_span_field(&line, '\t'), INT64_MAX, &n) == LP_OK)
		size = (int64_t)n;
	text = strndup((const char *)source.p, source.n);
	if (text == NULL)
		no_memory(f, "<stdin>");
	rc = text != NULL ? add(f, text, size, LP_E_DATA) : LP_E_NOMEM;
	free(text);
	return rc;
}

int
lp_fill_list(struct lp_fill *f, struct lp_span list)
{
	int worst = LP_OK;

	while (list.n > 0) {
		int rc = add_line(f, lp_span_field(&list, '\n'));

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
	struct lp_reference_error e;
	struct lp_reference ref;
	int rc = LP_OK;

	for (size_t i = 0; i < f->n && rc == LP_OK && f->env->registry != NULL; i++) {
		if (lp_reference_source(lp_span_str(f->v[i]->source), &ref, &e) != LP_OK)
			continue;
		else if (ref.kind == LP_REF_REGISTRY)
			rc = lp_registry_login(f->env->registry, &ref, why);
		else if (ref.kind == LP_REF_URL)
			rc = lp_http_know(f->env->http, ref.path, NULL, why);
	}
	return rc;
}

/* ---- one of them, from gap to gap ---------------------------------------------------- */

static void next_gap(struct lp_fill_job *);
static void start_more(struct lp_fill *);

static uint64_t
wanted(const struct transfer *t)
{
	uint64_t end = t->want.last;

	if (t->blob.size >= 0 && end >= (uint64_t)t->blob.size)
		end = (uint64_t)t->blob.size;
	else if (end != LP_RANGE_END)
		end++;
	/* the first byte wanted may turn out to be beyond the end */
	return end == LP_RANGE_END || end < t->want.first ? 0 : end - t->want.first;
}

static void
tell(struct lp_fill_job *j, enum lp_progress_state state)
{
	struct transfer *t = j->t;
	const struct lp_progress_line line = { .key = lp_span_str(j->digest), .have = t->at - t->want.first,
		.want = wanted(t), .fetched = t->blob.fetched, .state = state };

	lp_progress_tell(j->fill->progress, &line, &t->told_ms);
}

static void
runs(struct lp_fill_job *j)
{
	j->state = RUNNING;
	j->fill->now[j->fill->running++] = j;
}

static void
runs_no_more(const struct lp_fill_job *j)
{
	struct lp_fill *f = j->fill;
	size_t i = 0;

	while (f->now[i] != j)
		i++;
	memmove(&f->now[i], &f->now[i + 1], (--f->running - i) * sizeof(f->now[0]));
}

static void
ended(struct lp_fill_job *j)
{
	j->state = ENDED;
	if (j->after == NULL || j->after->state != WAITING)
		return;
	j->after->ready = j->fill->ready;
	j->fill->ready = j->after;
}

static void
end_job(struct lp_fill_job *j, int rc)
{
	struct lp_fill *f = j->fill;
	int kept = lp_blob_keep_end(&j->t->keep), promoted;

	rc = rc != LP_OK ? rc : kept;
	promoted = rc != LP_OK ? LP_OK : lp_blob_promote(&j->t->blob, 0);
	/* what a mirror has sent is not kept: all of it is asked for again, elsewhere */
	if (promoted == LP_E_DATA && lp_blob_distrust(&j->t->blob)) {
		j->t->at = j->t->want.first;
		next_gap(j);
		return;
	}
	rc = rc != LP_OK ? rc : promoted;
	if (rc != LP_OK)
		note_failure(f, &j->t->blob, rc);
	tell(j, rc == LP_OK ? LP_PROGRESS_DONE : rc == LP_E_SYS ? LP_PROGRESS_UNKEPT : LP_PROGRESS_FAILED);
	runs_no_more(j);
	free_transfer(j);
	ended(j);
	start_more(f);
}

static int
keep(void *arg, struct lp_span s)
{
	struct lp_fill_job *j = arg;
	int rc = lp_blob_keep_add(&j->t->keep, j->t->at, s);

	if (rc == LP_OK) {
		j->t->at += s.n;
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

	rc = lp_blob_got(&j->t->blob, rc, j->t->want.first, j->t->at);
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
	struct transfer *t = j->t;
	struct lp_blob *b = &t->blob;
	struct lp_blob_gap gap;
	int rc = LP_OK;

	while (rc == LP_OK && t->at <= t->want.last && (b->size < 0 || t->at < (uint64_t)b->size)) {
		rc = lp_blob_gap(b, t->at, t->want.last, &gap);
		if (rc == LP_OK && gap.kept > 0) {
			rc = lp_blob_keep_end(&t->keep);
			rc = rc != LP_OK ? rc : lp_blob_use_kept(b, &t->at, gap.kept, discard, NULL);
			continue;
		}
		if (rc != LP_OK)
			break;
		if (b->env->offline) {
			rc = lp_blob_missing(b, t->at, gap.last);
			break;
		}
		lp_remote_start(&t->get, &b->remote, t->at, gap.last, keep, gap_done, j);
		return;
	}
	end_job(j, rc);
}

static void
begin(struct lp_fill_job *j)
{
	struct transfer *t = j->t;
	int rc = lp_blob_resolve(&t->blob, &j->fill->range, j->fill->strict, &t->want);

	t->at = t->want.first;
	if (rc == LP_OK && t->blob.size != 0)
		next_gap(j);
	else
		end_job(j, rc);
}

static void
sized(void *arg, int rc)
{
	struct lp_fill_job *j = arg;
	struct lp_blob *b = &j->t->blob;

	rc = lp_blob_got(b, rc, 0, 0);
	if (rc == LP_OK && b->size < 0) {
		snprintf(b->why, sizeof(b->why), "the server does not say how large it is");
		rc = LP_E_NET;
	}
	if (rc == LP_OK)
		begin(j);
	else
		end_job(j, rc);
}

/* What the store knows of it comes first: the size, where the end is asked for. */
static void
start(struct lp_fill_job *j)
{
	struct lp_fill *f = j->fill;
	struct transfer *t = calloc(1, sizeof(*t));
	struct lp_store_piece piece;
	int rc;

	if (t == NULL) {
		no_memory(f, j->source);
		ended(j);
		return;
	}
	j->t = t;
	runs(j);
	t->keep.blob = &t->blob;
	rc = lp_blob_open(&t->blob, f->env, j->source, NULL, j->size);
	rc = rc != LP_OK ? rc : lp_blob_find(&t->blob, 0, &piece);
	if (rc != LP_OK)
		end_job(j, rc);
	else if (f->range.suffix && t->blob.size < 0 && !f->env->offline)
		lp_remote_start(&t->get, &t->blob.remote, 0, 0, discard, sized, j);
	else
		begin(j);
}

static struct lp_fill_job *
next_job(struct lp_fill *f)
{
	struct lp_fill_job *j = f->ready;

	if (j != NULL) {
		f->ready = j->ready;
		return j;
	}
	while (f->started < f->n) {
		j = f->v[f->started++];
		if (j->before == NULL || j->before->state == ENDED)
			return j;
		j->state = WAITING;
	}
	return NULL;
}

static void
start_more(struct lp_fill *f)
{
	struct lp_fill_job *j;

	/* one that ends at once comes back here: the loop below goes on for it */
	if (f->starting)
		return;
	f->starting = 1;
	while (f->running < f->jobs && (j = next_job(f)) != NULL)
		start(j);
	f->starting = 0;
}

int
lp_fill_run(struct lp_fill *f, void (*tick)(void *), void *arg)
{
	int rc;

	start_more(f);
	rc = f->env->offline ? LP_OK : lp_http_run(f->env->http, tick, arg);
	f->status = lp_exit_worse(f->status, lp_exit_of(rc));
	return rc;
}

int
lp_fill_progress(const struct lp_fill *f, size_t i, const struct lp_blob **b, uint64_t *have, uint64_t *want)
{
	const struct transfer *t = i < f->running ? f->now[i]->t : NULL;

	if (t == NULL)
		return 0;
	*b = &t->blob;
	*have = t->at - t->want.first;
	*want = wanted(t);
	return 1;
}
