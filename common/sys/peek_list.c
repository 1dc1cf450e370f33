#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/format/footer.h"
#include "common/format/rowread.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/peek.h"
#include "common/sys/peek_pipe.h"

/*
 * A layer's way to its listing. Each step is one pipeline; what it comes to
 * decides the next one.
 */
enum step {
	UNWANTED,
	ASK,    /* lp-cache: is it known? */
	LOCATE, /* lp-toc --locate: has it a table of contents, and where? */
	TOC,    /* lp-fetch | lp-toc */
	FILL,   /* its head is on the way into the store, with those of the other layers */
	STREAM, /* lp-fetch | lp-inflate | lp-tarls */
	DONE
};

/* ---- what a listing comes to -------------------------------------------------------- */

/* The last line, which is the end record if the lister got that far. */
static void
read_end(struct lp_peek_layer *l)
{
	unsigned char tail[4096];
	struct lp_rowread r;
	struct lp_span last;
	off_t size = lseek(l->rows, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
	ptrdiff_t n = size > 0 ? lp_pread_full(l->rows, tail, sizeof(tail), (uint64_t)from) : 0;

	l->complete = LP_COMPLETE_UNKNOWN;
	l->entries = -1;
	if (n <= 0)
		return;
	for (last.n = 1; last.n < (size_t)n && tail[(size_t)n - last.n - 1] != '\n'; last.n++)
		;
	last = lp_span(tail + (size_t)n - last.n, last.n);
	lp_rowread_init(&r);
	if (lp_rowread_next(&r, &last) == LP_ROWREAD_END) {
		l->complete = r.end.complete;
		l->entries = r.end.entries <= INT64_MAX ? (int64_t)r.end.entries : -1;
	}
	lp_rowread_release(&r);
}

static int
empty_rows(struct lp_peek_layer *l)
{
	return ftruncate(l->rows, 0) == 0 && lseek(l->rows, 0, SEEK_SET) == 0 ? LP_OK : LP_E_SYS;
}

/* ---- putting a listing away --------------------------------------------------------- */

static void
on_put_line(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	struct lp_peek_layer *l = j->owner;

	if (kind == LP_LINE_MESSAGE)
		lp_peek_message(l->peek, NULL, line);
	else
		lp_peek_report(l->peek, NULL, line);
}

/* What cannot be kept is a pity, and said; the answer is none the worse. */
static const struct lp_job_ops put_ops = { .line = on_put_line };

static int
put_away(struct lp_peek_layer *l)
{
	struct lp_peek *p = l->peek;
	struct lp_job_io io = { .out = -1, .err = -1 };
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a;
	int rc;

	if (!p->o->use_cache || l->digest == NULL || l->complete == LP_COMPLETE_UNKNOWN)
		return LP_OK;
	io.in = lp_tmpfile_reopen(l->rows);
	if (io.in < 0)
		return LP_E_SYS;
	l->put = (struct lp_job){ .ops = &put_ops, .owner = l };
	a = lp_pipeline_add(&line, "lp-cache");
	lp_argv_addf(a, "--db=%s", p->o->db);
	lp_argv_add(a, "put");
	lp_argv_addf(a, "--layer=%s", l->digest);
	if (l->size >= 0)
		lp_argv_addf(a, "--size=%lld", (long long)l->size);
	if (l->complete != LP_COMPLETE_YES)
		lp_argv_addf(a, "--head=%llu", (unsigned long long)p->o->head);
	lp_argv_addf(a, "--image=%s", l->image->name);
	lp_argv_addf(a, "--index=%u/%zu", l->number - 1, l->image->n);
	rc = lp_pipeline_start(p, &l->put, &line, &io);
	close(io.in);
	return rc;
}

/* ---- the steps ------------------------------------------------------------------------ */

static int start_step(struct lp_peek_layer *);

static void
done(struct lp_peek_layer *l)
{
	l->step = DONE;
	l->active = 0;
	read_end(l);
	if (l->exit == LP_EXIT_OK && !l->from_cache)
		(void)put_away(l);
}

/* Where a layer goes that must be read from its start. */
static enum step
read_it(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	if (l->look_only)
		return DONE;
	return l->is_remote && !o->complete && o->use_cache && !o->offline ? FILL : STREAM;
}

/*
 * Its annotations may say that a layer has a table of contents; if the whole
 * is asked for, looking for a footer costs a request and may save the rest.
 */
static enum step
after_ask(const struct lp_peek_layer *l)
{
	if (l->size >= LP_FOOTER_MAX &&
	    (l->peek->o->complete || l->look_only || (l->annotations != NULL && strstr(l->annotations, "stargz") != NULL) ||
	        (l->annotations != NULL && strstr(l->annotations, "zstd-chunked") != NULL)))
		return LOCATE;
	return read_it(l);
}

static void
on_line(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	struct lp_peek_layer *l = j->owner;

	if (kind == LP_LINE_REPORT) {
		lp_peek_report(l->peek, l, line);
		return;
	}
	lp_peek_hold(l, line);
}

/* Whether the answer of a step is just no: that a layer is not known, or has no footer, is no news. */
static int
is_no(const struct lp_peek_layer *l, int exit)
{
	return (l->step == ASK || l->step == LOCATE) && exit == LP_EXIT_ABSENT;
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
	if (l->step == DONE)
		(void)empty_rows(l);
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
	read_end(l);
	if (l->job.exit == LP_EXIT_OK && l->complete == LP_COMPLETE_YES) {
		if (strcmp(l->toc_digest, "-") == 0) {
			lp_bars_clear(&l->peek->bars);
			lp_note("%s: listed by a table of contents that no digest vouches for", l->label);
		}
		done(l);
		return;
	}
	if (l->job.exit == LP_EXIT_SYSTEM || empty_rows(l) != LP_OK) {
		l->exit = LP_EXIT_SYSTEM;
		done(l);
		return;
	}
	without_toc(l);
	finish_looking(l);
}

/* No table is no news; one whose place makes no sense is. */
static void
after_locate(struct lp_peek_layer *l)
{
	if (l->job.exit == LP_EXIT_OK) {
		forget_error(l);
		l->step = TOC;
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

static void
on_ended(struct lp_job *j)
{
	struct lp_peek_layer *l = j->owner;

	lp_peek_settle(l, j, is_no(l, j->exit));
	switch ((enum step)l->step) {
	case ASK:
		read_end(l);
		if (j->exit == LP_EXIT_OK) {
			l->from_cache = 1;
			done(l);
			return;
		}
		forget_error(l);
		l->step = (int)after_ask(l);
		if (empty_rows(l) != LP_OK)
			l->exit = LP_EXIT_SYSTEM;
		break;
	case LOCATE:
		after_locate(l);
		break;
	case TOC:
		after_toc(l);
		break;
	case STREAM:
		l->exit = lp_exit_worse(l->exit, j->exit);
		done(l);
		break;
	default:
		break;
	}
}

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };

static void
plan_ask(struct lp_pipeline *line, struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;
	struct lp_argv *a = lp_pipeline_add(line, "lp-cache");

	lp_argv_addf(a, "--db=%s", o->db);
	lp_argv_add(a, "get");
	/* no preview is made from as many bytes as there can be */
	lp_argv_addf(a, "--head=%lld", o->complete || l->look_only ? (long long)INT64_MAX : (long long)o->head);
	lp_argv_addf(a, "--image=%s", l->image->name);
	lp_argv_addf(a, "--index=%u/%zu", l->number - 1, l->image->n);
	lp_argv_add(a, l->digest);
}

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
	if (read_place(l) != LP_OK || empty_rows(l) != LP_OK)
		return LP_E_SYS;
	lp_pipeline_fetch(line, l->peek, LP_STORE_KEEP);
	lp_argv_addf(&line->a[0], "--range=%s", l->toc_range);
	lp_pipeline_source(line, l);
	lp_pipeline_list(line, "lp-toc");
	if (strcmp(l->toc_digest, "-") != 0)
		lp_argv_addf(&line->a[line->n - 1], "--digest=%s", l->toc_digest);
	return LP_OK;
}

/* Whether the store has all of it: then there is nothing to fetch, and nothing to keep either. */
static int
is_stored(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;
	char path[PATH_MAX];
	int n = 0;

	if (o->use_cache && l->digest != NULL)
		n = snprintf(path, sizeof(path), "%s/blobs/sha256/%s", o->store, l->digest + strlen("sha256:"));
	return n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) == 0;
}

/*
 * A whole layer is streamed, and nothing but its listing stays.
 * Of a head, what fill has brought is read offline.
 */
static void
plan_stream(struct lp_pipeline *line, struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;
	int filled = l->is_remote && o->use_cache && !o->complete;

	lp_pipeline_fetch(line, l->peek,
	    filled ? LP_STORE_ONLY : o->complete && !is_stored(l) ? LP_STORE_WITHOUT : LP_STORE_KEEP);
	if (o->complete)
		lp_argv_add(&line->a[0], "--all");
	else
		lp_argv_addf(&line->a[0], "--bytes=%llu", (unsigned long long)o->head);
	lp_pipeline_source(line, l);
	lp_pipeline_add(line, "lp-inflate");
	lp_pipeline_list(line, "lp-tarls");
}

static int
start_step(struct lp_peek_layer *l)
{
	const struct lp_job_io io = { .in = -1, .out = l->rows, .err = -1,
		.keep = &l->peek->token_fd, .nkeep = 1 };
	struct lp_pipeline line = { .n = 0 };
	int rc = LP_OK;

	switch ((enum step)l->step) {
	case ASK: plan_ask(&line, l); break;
	case LOCATE: plan_locate(&line, l); break;
	case TOC: rc = plan_toc(&line, l); break;
	case STREAM: plan_stream(&line, l); break;
	default: return LP_OK;
	}
	l->job = (struct lp_job){ .ops = &ops, .owner = l };
	return rc != LP_OK ? rc : lp_pipeline_start(l->peek, &l->job, &line, &io);
}

/* ---- filling the store ------------------------------------------------------------------ */

/* The layer that a message of lp-fetch is about: it names the source. */
static struct lp_peek_layer *
find_named(struct lp_peek *p, struct lp_span line)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == FILL && memmem(line.p, line.n, l->source, strlen(l->source)) != NULL)
				return l;
		}
	return NULL;
}

static void
on_fill_line(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	struct lp_peek *p = j->owner;
	struct lp_peek_layer *l;

	if (kind == LP_LINE_REPORT) {
		lp_peek_report(p, NULL, line);
		return;
	}
	l = find_named(p, line);
	lp_peek_message(p, l != NULL ? l->label : NULL, line);
	if (l != NULL && l->error == NULL)
		l->error = strdup(lp_quote(line));
}

static void
on_fill_ended(struct lp_job *j)
{
	struct lp_peek *p = j->owner;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step != FILL)
				continue;
			l->active = 0;
			l->step = STREAM;
			/* what was said about it is why it is not there */
			if (j->exit != LP_EXIT_OK && l->error != NULL) {
				l->exit = j->exit;
				l->step = DONE;
			}
		}
}

static const struct lp_job_ops fill_ops = { .line = on_fill_line, .ended = on_fill_ended };

/* The list that lp-fetch --fill reads: source and size, as lp-layers writes them. */
static int
write_fill_list(const struct lp_peek *p, int fd)
{
	int rc = LP_OK;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->step == FILL && dprintf(fd, "%s\t%lld\n", l->source, (long long)l->size) < 0)
				rc = LP_E_SYS;
		}
	return rc == LP_OK && lseek(fd, 0, SEEK_SET) != 0 ? LP_E_SYS : rc;
}

static int
start_fill(struct lp_peek *p)
{
	int fd = lp_tmpfile(), rc = fd < 0 ? LP_E_SYS : write_fill_list(p, fd);
	const struct lp_job_io io = { .in = fd, .out = -1, .err = -1, .keep = &p->token_fd, .nkeep = 1 };
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a = &line.a[0];

	p->filling = 1;
	p->fill = (struct lp_job){ .ops = &fill_ops, .owner = p };
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

/* ---- all layers ---------------------------------------------------------------------------- */

static int
matches(const struct lp_peek_layer *l, const char *pick)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", l->number);
	if (strcmp(pick, number) == 0)
		return 1;
	if (l->digest == NULL || strlen(pick) < 4)
		return 0;
	return strncmp(l->digest, pick, strlen(pick)) == 0 ||
	    strncmp(l->digest + strlen("sha256:"), pick, strlen(pick)) == 0;
}

static enum step
first_step(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	if (l->same != NULL || (o->layer != NULL && !matches(l, o->layer)))
		return UNWANTED;
	/* no database, no answer: that needs no process to find out */
	if (o->use_cache && !o->refresh && !l->locate_only && l->digest != NULL && access(o->db, F_OK) == 0)
		return ASK;
	return after_ask(l);
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

			if (l->step == UNWANTED || l->step == DONE)
				continue;
			(*open)++;
			filling += l->step == FILL;
			before += l->step == ASK || l->step == LOCATE;
			if (l->step != FILL && l->job.alive == 0 && p->crew.n < p->jobs_max)
				rc = start_step(l);
		}
	/* one fill for all: when it is known of every layer whether it is needed */
	if (rc == LP_OK && filling > 0 && before == 0 && !p->filling)
		rc = start_fill(p);
	return rc;
}

int
lp_peek_list(struct lp_peek *p)
{
	size_t open = 0, wanted = 0;
	int rc = LP_OK;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			l->step = (int)first_step(l);
			wanted += l->step != UNWANTED;
			if (l->step != UNWANTED && (l->rows = lp_tmpfile()) < 0) {
				lp_err_errno("cannot make a temporary file");
				rc = LP_E_SYS;
			}
		}
	if (rc == LP_OK && wanted == 0 && p->o->layer != NULL) {
		lp_err("%s has no layer %s (%zu layers)", lp_quotes(p->image[0].name), lp_quotes(p->o->layer),
		    p->image[0].n);
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
		return LP_E_ABSENT;
	}
	while (rc == LP_OK && (rc = advance(p, &open)) == LP_OK && open > 0)
		rc = lp_peek_turn(p);
	lp_bars_clear(&p->bars);
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->same != NULL && l->same->rows >= 0) {
				l->rows = l->same->rows;
				l->complete = l->same->complete;
				l->entries = l->same->entries;
				l->from_cache = l->same->from_cache;
			}
			p->exit = lp_exit_worse(p->exit, l->exit);
		}
	return rc;
}

int
lp_peek_look(struct lp_peek *p, struct lp_peek_layer *l)
{
	size_t open = 1;
	int rc = LP_OK;

	l->look_only = 1;
	l->step = (int)first_step(l);
	if (l->rows < 0 && (l->rows = lp_tmpfile()) < 0) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	if (empty_rows(l) != LP_OK)
		return LP_E_SYS;
	while (rc == LP_OK && (rc = advance(p, &open)) == LP_OK && open > 0)
		rc = lp_peek_turn(p);
	read_end(l);
	return rc;
}
