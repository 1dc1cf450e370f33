/* Lists a layer the cheapest way that works: table of contents first, then the tar stream. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/toc/footer.h"

/* ---- the steps ------------------------------------------------------------------------ */

/* All that was read is the layer if it has its digest, or is the file that the user named; else it is claimed to be. */
enum lp_complete
lp_peek_trust(const struct lp_peek_layer *l)
{
	return l->verified || (l->image->is_path && l->image->file == NULL) ? LP_COMPLETE_YES : LP_COMPLETE_INFERRED;
}

/*
 * What a listing made from the layer's own bytes rests on. The end of an
 * archive in bytes that no digest was compared with is a claim; in a part of
 * them it is not even that, for the rest may be anything.
 */
static int
judge(struct lp_peek_layer *l)
{
	char reason[128];
	int64_t head = l->peek->o->head <= INT64_MAX ? (int64_t)l->peek->o->head : INT64_MAX;

	if (l->complete == LP_COMPLETE_UNKNOWN)
		return LP_OK;
	if (l->exit != LP_EXIT_OK || l->fault != LP_FOUND_NOTHING)
		return lp_peek_rows_judge(l, LP_COMPLETE_NO, NULL, l->error != NULL ? l->error : "failed");
	if (l->complete == LP_COMPLETE_NO)
		return lp_peek_rows_judge(l, LP_COMPLETE_NO, NULL, NULL);
	if (l->verified || lp_peek_wants_all(l) || (l->size >= 0 && l->size <= head))
		return lp_peek_rows_judge(l, lp_peek_trust(l), NULL, NULL);
	snprintf(reason, sizeof(reason), "the archive ends in the first %lld bytes of the layer, which has %lld",
	    (long long)head, (long long)l->size);
	return lp_peek_rows_judge(l, LP_COMPLETE_NO, NULL, l->size >= 0 ? reason : "the rest of the layer was not read");
}

/* The same for one made from a table of contents. */
static int
judge_toc(struct lp_peek_layer *l)
{
	int named = strcmp(l->toc_digest, "-") != 0;

	return lp_peek_rows_judge(l, named && l->image->by_digest ? LP_COMPLETE_YES : LP_COMPLETE_INFERRED,
	    named ? l->toc_digest : NULL, NULL);
}

/* And for one made from a table beside it, which is named by an index that nothing in the manifest vouches for, as a rule. */
static int
judge_table(struct lp_peek_layer *l)
{
	return lp_peek_rows_judge(l, LP_COMPLETE_INFERRED, lp_peek_table_digest(l), NULL);
}

static int
reads_whole(const struct lp_peek_layer *l)
{
	return lp_peek_wants_all(l) || (l->size >= 0 && (uint64_t)l->size <= l->peek->o->head);
}

static void
done(struct lp_peek_layer *l, int (*by)(struct lp_peek_layer *))
{
	l->step = LP_STEP_DONE;
	l->active = 0;
	lp_peek_rows_read_end(l);
	if (lp_peek_rows_cut(l) != LP_OK || by(l) != LP_OK) {
		lp_err_errno("%s: its listing", l->label);
		l->complete = LP_COMPLETE_UNKNOWN;
		l->exit = lp_exit_worse(l->exit, LP_EXIT_SYSTEM);
	}
	/* the bytes of a whole layer are not kept: its listing is, at once, for a kill may come */
	if (lp_peek_wants_all(l))
		lp_peek_keep(l->image);
}

/* Where a layer goes that must be read from its start. */
static enum lp_peek_step
read_it(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	if (l->look_only)
		return LP_STEP_DONE;
	return l->is_remote && !lp_peek_wants_all(l) && o->keeps_bytes && !o->offline ? LP_STEP_FILL : LP_STEP_STREAM;
}

/* Whether its annotations say that a layer has a table of contents. */
static int
is_indexed(const struct lp_peek_layer *l)
{
	return l->annotations != NULL && (strstr(l->annotations, "stargz") != NULL || strstr(l->annotations, "zstd-chunked") != NULL);
}

/* If the whole is asked for, looking for a footer costs a request and may save the rest. */
static enum lp_peek_step
look_inside(const struct lp_peek_layer *l)
{
	return l->size >= LP_FOOTER_MAX && (lp_peek_wants_all(l) || l->look_only || is_indexed(l)) ? LP_STEP_LOCATE : read_it(l);
}

static enum lp_peek_step
first_step(const struct lp_peek_layer *l)
{
	if (!is_indexed(l) && !l->image->soci_known && lp_peek_may_have_table(l))
		return LP_STEP_INDEX;
	return l->table != NULL && !l->look_only ? LP_STEP_TABLE : look_inside(l);
}

void
lp_peek_table_known(struct lp_peek_layer *l)
{
	l->step = (int)first_step(l);
}

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_layer *l = j->owner;

	if (kind == LP_LINE_REPORT) {
		lp_peek_report(l->peek, l, line);
		return;
	}
	lp_peek_hold(l, stage, line);
}

/* Whether the answer of a step is just no: that a layer has no footer is no news. */
static int
is_no(const struct lp_peek_layer *l, int exit)
{
	return l->step == LP_STEP_LOCATE && exit == LP_EXIT_ABSENT;
}

/* There is another way to the listing: what failed is not what the layer comes to. */
static void
forget_error(struct lp_peek_layer *l)
{
	free(l->error);
	l->error = NULL;
}

/* A step that reading from the start follows may be the last one. */
static void
finish_looking(struct lp_peek_layer *l)
{
	if (l->step == LP_STEP_DONE)
		(void)lp_peek_rows_clear(l);
}

/* What lp-toc --locate printed: FIRST-LAST TAB FORMAT TAB DIGEST. */
static int
read_place(struct lp_peek_layer *l)
{
	char line[256];
	ptrdiff_t n = lp_pread_full(l->rows, line, sizeof(line) - 1, 0);
	char *tab, *tab2, *nl;

	if (n <= 0)
		return LP_E_DATA;
	line[n] = '\0';
	tab = strchr(line, '\t');
	tab2 = tab != NULL ? strchr(tab + 1, '\t') : NULL;
	nl = tab2 != NULL ? strchr(tab2, '\n') : NULL;
	if (nl == NULL || tab - line >= (ptrdiff_t)sizeof(l->toc_range) ||
	    nl - tab2 > (ptrdiff_t)sizeof(l->toc_digest))
		return LP_E_DATA;
	*tab = *nl = '\0';
	memcpy(l->toc_range, line, (size_t)(tab - line) + 1);
	memcpy(l->toc_digest, tab2 + 1, (size_t)(nl - tab2));
	return LP_OK;
}

/* A table that could not be read is no reason not to read the layer itself. */
static void
without_toc(struct lp_peek_layer *l)
{
	lp_bars_clear(&l->peek->bars);
	lp_note("%s: its table of contents is of no use: reading the layer itself", l->label);
	l->toc_range[0] = '\0';
	forget_error(l);
	l->step = (int)read_it(l);
}

/* One that stops short is no better than one that is damaged: the layer may have the rest. */
static void
after_toc(struct lp_peek_layer *l)
{
	lp_peek_rows_read_end(l);
	if (l->job.exit == LP_EXIT_OK && lp_peek_is_whole(l)) {
		if (strcmp(l->toc_digest, "-") == 0) {
			lp_bars_clear(&l->peek->bars);
			lp_note("%s: listed by a table of contents that no digest vouches for", l->label);
		}
		done(l, judge_toc);
		return;
	}
	if (l->job.exit == LP_EXIT_SYSTEM || lp_peek_rows_clear(l) != LP_OK) {
		l->exit = LP_EXIT_SYSTEM;
		done(l, judge_toc);
		return;
	}
	without_toc(l);
	finish_looking(l);
}

/* The same of a table beside it. */
static void
after_table(struct lp_peek_layer *l)
{
	lp_peek_rows_read_end(l);
	if (l->job.exit == LP_EXIT_OK && lp_peek_is_whole(l)) {
		l->by_table = 1;
		done(l, judge_table);
		return;
	}
	lp_bars_clear(&l->peek->bars);
	lp_note("%s: the table of contents that a SOCI index has for it is of no use: reading the layer itself", l->label);
	forget_error(l);
	l->step = (int)(lp_peek_rows_clear(l) == LP_OK ? look_inside(l) : LP_STEP_STREAM);
}

/* No table is no news; one whose place makes no sense is. */
static void
after_locate(struct lp_peek_layer *l)
{
	if (l->job.exit == LP_EXIT_OK) {
		forget_error(l);
		l->step = LP_STEP_TOC;
		return;
	}
	if (l->job.exit == LP_EXIT_ABSENT) {
		forget_error(l);
		l->step = (int)read_it(l);
	} else {
		without_toc(l);
	}
	finish_looking(l);
}

/* That lp-inflate could not write the points is not what a layer comes to whose bytes all came, have its digest and were listed. */
static void
without_points(struct lp_peek_layer *l, struct lp_job *j)
{
	if (l->step != LP_STEP_STREAM || l->points < 0 || !l->verified || j->n < 2 || j->code[j->n - 2] != LP_EXIT_SYSTEM)
		return;
	j->code[j->n - 2] = LP_EXIT_OK;
	j->exit = lp_job_verdict(j->code, j->n);
	lp_peek_points_close(l);
	lp_bars_clear(&l->peek->bars);
	lp_note("%s: no points are kept", l->label);
}

static void
on_ended(struct lp_job *j)
{
	struct lp_peek_layer *l = j->owner;

	without_points(l, j);
	if (l->peek->o->what == LP_PEEK_CHECK && l->step == LP_STEP_STREAM)
		lp_peek_check_ended(l, j);
	else
		lp_peek_settle(l, j, is_no(l, j->exit) || l->peek->o->what == LP_PEEK_CHECK);
	switch ((enum lp_peek_step)l->step) {
	case LP_STEP_LOCATE:
		after_locate(l);
		break;
	case LP_STEP_TOC:
		after_toc(l);
		break;
	case LP_STEP_TABLE:
		after_table(l);
		break;
	case LP_STEP_STREAM:
		l->exit = lp_exit_worse(l->exit, j->exit);
		done(l, judge);
		if (l->peek->o->what == LP_PEEK_CHECK && reads_whole(l))
			lp_peek_check_whole(l);
		break;
	default:
		break;
	}
}

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };

static void
plan_locate(struct lp_pipeline *line, struct lp_peek_layer *l)
{
	struct lp_argv *a;

	/* zstd:chunked says where it is; eStargz only that it is there */
	if (l->annotations == NULL || strstr(l->annotations, "manifest-position") == NULL) {
		lp_pipeline_fetch(line, l->peek, LP_STORE_KEEP);
		lp_argv_addf(&line->a[0], "--range=%lld-%lld", (long long)(l->size - LP_FOOTER_MAX),
		    (long long)(l->size - 1));
		lp_pipeline_source(line, l);
	}
	a = lp_pipeline_add(line, "lp-toc");
	lp_argv_add(a, "--locate");
	if (l->annotations != NULL)
		lp_argv_addf(a, "--annotations=%s", l->annotations);
	lp_argv_addf(a, "--size=%lld", (long long)l->size);
}

static int
plan_toc(struct lp_pipeline *line, struct lp_peek_layer *l)
{
	if (read_place(l) != LP_OK || lp_peek_rows_clear(l) != LP_OK)
		return LP_E_SYS;
	lp_pipeline_fetch(line, l->peek, LP_STORE_KEEP);
	lp_argv_addf(&line->a[0], "--range=%s", l->toc_range);
	lp_pipeline_source(line, l);
	lp_pipeline_list(line, "lp-toc", 1);
	if (strcmp(l->toc_digest, "-") != 0)
		lp_argv_addf(&line->a[line->n - 1], "--digest=%s", l->toc_digest);
	return LP_OK;
}

int
lp_peek_is_stored(const struct lp_peek_layer *l)
{
	const struct lp_argv *blobs = &l->peek->o->blobs;

	for (size_t i = 0; l->digest != NULL && i < blobs->n; i++)
		if (strcmp(blobs->v[i], l->digest + LP_DIGEST_PREFIX) == 0)
			return 1;
	return 0;
}

int
lp_peek_wants_all(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	return o->complete || (!o->head_given && (!l->is_remote || lp_peek_is_stored(l)));
}

/*
 * A whole layer is streamed, and nothing but its listing stays, unless content is to be had of it next.
 * Of a head, what fill has brought is read offline; what it could not keep is fetched once more.
 */
int
lp_peek_is_compared(const struct lp_peek_layer *l)
{
	const struct lp_peek *p = l->peek;

	if (p->o->what != LP_PEEK_DIFF)
		return 0;
	for (size_t i = 0; i < p->nimages && l->digest != NULL; i++)
		for (size_t k = 0; k < p->image[i].n && l->image != &p->image[i]; k++)
			if (p->image[i].layer[k].digest != NULL && strcmp(p->image[i].layer[k].digest, l->digest) == 0)
				return 0;
	return 1;
}

static void
plan_stream(struct lp_pipeline *line, struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;
	int all = lp_peek_wants_all(l), whole = reads_whole(l);
	int filled = l->is_remote && o->keeps_bytes && !all && !l->unkept;

	lp_pipeline_fetch(line, l->peek, filled ? LP_STORE_ONLY :
	    l->unkept || (all && !o->wants_content && !lp_peek_is_stored(l)) ? LP_STORE_WITHOUT : LP_STORE_KEEP);
	if (all)
		lp_argv_add(&line->a[0], "--all");
	else
		lp_argv_addf(&line->a[0], "--bytes=%llu", (unsigned long long)o->head);
	lp_pipeline_source(line, l);
	lp_pipeline_inflate(line, l, whole);
	if (lp_peek_points_wanted(l))
		lp_peek_points_open(l);
	if (l->points >= 0)
		lp_argv_addf(&line->a[line->n - 1], "--points=/dev/fd/%d", l->points);
	lp_pipeline_list(line, "lp-tarls", lp_peek_is_compared(l));
	/* the first block of a compressed layer may be longer than its head */
	lp_argv_add(&line->a[line->n - 1], whole ? "--whole" : "--part");
}

static int
start_step(struct lp_peek_layer *l)
{
	int keep[1 + LP_PEEK_KEEP];
	struct lp_job_io io = { .in = -1, .out = l->rows, .err = -1, .keep = keep, .nkeep = l->peek->nkeep };
	struct lp_pipeline line = { .n = 0 };
	int rc = LP_OK;

	switch ((enum lp_peek_step)l->step) {
	case LP_STEP_INDEX: return lp_peek_ask_tables(l);
	case LP_STEP_TABLE: lp_peek_plan_table(&line, l); break;
	case LP_STEP_LOCATE: plan_locate(&line, l); break;
	case LP_STEP_TOC: rc = plan_toc(&line, l); break;
	case LP_STEP_STREAM: plan_stream(&line, l); break;
	default: return LP_OK;
	}
	memcpy(keep, l->peek->keep, sizeof(l->peek->keep));
	if (l->points >= 0)
		keep[io.nkeep++] = l->points;
	l->verified = 0;
	l->job = (struct lp_job){ .ops = &ops, .owner = l };
	return rc != LP_OK ? rc : lp_pipeline_start(l->peek, &l->job, &line, &io);
}

/* ---- all layers ---------------------------------------------------------------------------- */

struct lp_peek_layer *
lp_peek_listed(const struct lp_peek_layer *l)
{
	return l->same != NULL ? l->same : (struct lp_peek_layer *)(size_t)l;
}

/* By its digest, or how that starts; the algorithm's name alone says nothing. */
static int
has_digest(const struct lp_peek_layer *l, const char *pick)
{
	enum { SHORTEST = 4 };
	const char *digest = l->digest;

	if (digest != NULL && strncmp(pick, digest, LP_DIGEST_PREFIX) == 0)
		pick += LP_DIGEST_PREFIX;
	return digest != NULL && strlen(pick) >= SHORTEST &&
	    strncmp(digest + LP_DIGEST_PREFIX, pick, strlen(pick)) == 0;
}

/* Its place; the image's number of layers if no layer is named so. */
static size_t
find_pick(const struct lp_peek_image *im, const char *pick, const struct lp_peek_layer **other)
{
	size_t at = im->n;
	uint64_t number;

	*other = NULL;
	if (lp_num_u64(lp_span_str(pick), im->n, &number) == LP_OK && number > 0 && *pick != '0')
		return (size_t)number - 1;
	for (size_t i = im->n; i-- > 0;) {
		if (!has_digest(&im->layer[i], pick))
			continue;
		/* one that stands there twice is one */
		if (at < im->n && lp_peek_listed(&im->layer[at]) != lp_peek_listed(&im->layer[i]))
			*other = &im->layer[at];
		at = i;
	}
	return at;
}

int
lp_peek_pick(struct lp_peek *p)
{
	const struct lp_peek_layer *other = NULL;
	const char *pick = p->o->layer;
	struct lp_peek_image *im = &p->image[0];
	size_t at = pick != NULL ? find_pick(im, pick, &other) : im->n;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++)
			p->image[i].layer[k].picked = pick == NULL || k == at;
	if (pick == NULL || (at < im->n && other == NULL))
		return LP_OK;
	if (other != NULL)
		lp_err("%s: %s is the beginning of more than one digest: layers %u and %u", lp_quotes(im->name),
		    lp_quotes(pick), im->layer[at].number, other->number);
	else
		lp_err("%s has no layer %s (%zu layers)", lp_quotes(im->name), lp_quotes(pick), im->n);
	p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	return LP_E_ABSENT;
}

/* The twin is done: what was compared with the digest is true of this layer too, and else it goes its own way. */
static void
look_at_twin(struct lp_peek_layer *l)
{
	if (l->twin->complete != LP_COMPLETE_YES || !l->twin->verified) {
		l->step = (int)first_step(l);
		return;
	}
	close(l->rows);
	l->rows = -1;
	l->same = l->twin;
	l->step = LP_STEP_UNWANTED;
}

/* Start what can be started; how many layers are not done yet. */
static int
advance(struct lp_peek *p, size_t *open)
{
	size_t filling = 0, before = 0;
	int rc = LP_OK;

	*open = 0;
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == LP_STEP_TWIN && l->twin->step == LP_STEP_DONE)
				look_at_twin(l);
			if (l->step == LP_STEP_UNWANTED || l->step == LP_STEP_DONE)
				continue;
			(*open)++;
			filling += l->step == LP_STEP_FILL;
			before += l->step == LP_STEP_LOCATE || l->step == LP_STEP_INDEX || l->step == LP_STEP_TABLE;
			if (l->step != LP_STEP_FILL && l->step != LP_STEP_FILLING && !l->job.busy && p->crew.n < p->jobs_max)
				rc = start_step(l);
		}
	/* one fill for all, another for those that come late: when it is known of every layer whether it is needed */
	if (rc == LP_OK && filling > 0 && before == 0 && !p->fill.busy)
		rc = lp_peek_fill(p);
	return rc;
}

/* What is no layer by its media type has no listing. */
static int
refuse(struct lp_peek_layer *l)
{
	const struct lp_rowend end = { .complete = LP_COMPLETE_NO, .reason = lp_span_str(lp_peek_foreign(l)) };

	if (lp_peek_rows_open(l) != LP_OK)
		return LP_E_SYS;
	l->step = LP_STEP_DONE;
	l->complete = LP_COMPLETE_NO;
	l->from_cache = 0;
	l->kept = 1; /* there is nothing to keep */
	if (l->peek->o->what != LP_PEEK_CHECK)
		lp_peek_refuse(l);
	return lp_peek_rows_end(l->rows, &end);
}

/* What is known, and where what is not known begins. */
static int
begin(struct lp_peek *p)
{
	int rc;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++)
			if (p->image[i].layer[k].picked)
				lp_peek_listed(&p->image[i].layer[k])->step = LP_STEP_LOCATE;
	rc = lp_peek_recall(p);
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == LP_STEP_UNWANTED)
				continue;
			/* a preview does not serve where the rest is at hand */
			l->from_cache &= lp_peek_is_whole(l) || !lp_peek_wants_all(l);
			l->step = l->from_cache ? LP_STEP_DONE : l->twin != NULL ? LP_STEP_TWIN : (int)first_step(l);
			rc = lp_peek_foreign(l) != NULL ? refuse(l) : l->from_cache ? LP_OK : lp_peek_rows_open(l);
		}
	return rc;
}

/* Layers of one digest have one listing. */
static void
share(struct lp_peek *p)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->same != NULL) {
				l->rows = l->same->rows;
				l->complete = l->same->complete;
				l->entries = l->same->entries;
				l->from_cache = l->same->from_cache;
				l->exit = l->same->exit;
				l->error = l->same->error != NULL ? strdup(l->same->error) : NULL;
			}
			p->exit = lp_exit_worse(p->exit, l->exit);
		}
}

/*
 * What is peculiar to images of Windows: their layers may be elsewhere, which
 * runtimes would go to without being told, and are merged by other rules.
 */
static void
note_windows(const struct lp_peek_image *im)
{
	for (size_t k = 0; k < im->n; k++) {
		const struct lp_peek_layer *l = &im->layer[k];

		if (l->urls != NULL && l->picked && l->same == NULL && (l->exit != LP_EXIT_OK || l->fault != LP_FOUND_NOTHING))
			lp_note("%s: a foreign layer that is not held here; its urls are not asked for it, lp-fetch URL does, without credentials: %s",
			    l->label, lp_quotes(l->urls));
	}
	if (im->platform != NULL && strncmp(im->platform, "windows/", 8) == 0 && im->n > 1 && im->peek->o->layer == NULL &&
	    im->peek->o->what != LP_PEEK_LAYERS)
		lp_note("%s is of Windows, and is merged as Linux does: to Windows names that differ in case alone are one, and the hives of all layers one registry",
		    lp_quotes(im->name));
}

int
lp_peek_list(struct lp_peek *p)
{
	size_t open = 0;
	int rc = lp_peek_pick(p);

	rc = rc != LP_OK ? rc : begin(p);
	while (rc == LP_OK && (rc = lp_peek_layers_go_on(p)) == LP_OK && (rc = advance(p, &open)) == LP_OK && open > 0)
		rc = lp_peek_turn(p);
	lp_bars_clear(&p->bars);
	share(p);
	for (size_t i = 0; i < p->nimages; i++)
		note_windows(&p->image[i]);
	if (p->o->offline && p->exit == LP_EXIT_ABSENT)
		lp_peek_how_to_record(p);
	if (rc == LP_OK)
		lp_peek_keep_all(p);
	return rc;
}

int
lp_peek_look(struct lp_peek *p, struct lp_peek_layer *l)
{
	size_t open = 1;
	int rc = lp_peek_rows_open(l);

	l->look_only = 1;
	l->step = (int)first_step(l);
	while (rc == LP_OK && (rc = advance(p, &open)) == LP_OK && open > 0)
		rc = lp_peek_turn(p);
	lp_peek_rows_read_end(l);
	return rc;
}
