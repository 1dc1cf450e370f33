#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/format/human.h"
#include "common/format/json.h"
#include "common/sys/err.h"
#include "common/sys/peek.h"
#include "common/sys/view.h"

/* Where answers go: stdout, or a pager in front of it. */
struct output {
	struct lp_peek *peek;
	struct lp_job pager;
	int fd;
	int paged;
};

/* On a terminal rows are aligned, unless the user chose their form. */
static int
for_eyes(const struct lp_peek *p)
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

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };
static const struct lp_job_ops pager_ops = { .line = NULL };

static int
open_output(struct lp_peek *p, struct output *out)
{
	const char *pager = p->o->pager && !p->o->json ? lp_pager() : NULL;
	const char *const argv[] = { "sh", "-c", pager, NULL };
	const struct lp_stage stage = { .argv = argv };
	int fd[2], rc;

	*out = (struct output){ .peek = p, .fd = 1 };
	if (pager == NULL)
		return LP_OK;
	if (pipe2(fd, O_CLOEXEC) != 0)
		return LP_E_SYS;
	out->pager = (struct lp_job){ .ops = &pager_ops, .owner = p };
	rc = lp_crew_start(&p->crew, &out->pager, &stage, 1,
	    &(struct lp_job_io){ .in = fd[0], .out = 1, .err = 2 });
	close(fd[0]);
	if (rc != LP_OK) {
		close(fd[1]);
		return rc;
	}
	out->fd = fd[1];
	out->paged = 1;
	return LP_OK;
}

/* All is written: the pager sees the end, and the user reads on until they have had enough. */
static int
close_output(struct output *out)
{
	if (!out->paged)
		return LP_OK;
	close(out->fd);
	return lp_peek_wait(out->peek);
}

/* Until this job is over; the pager, and listings on their way to the database, may go on. */
static int
wait_for(struct lp_peek *p, const struct lp_job *j)
{
	int rc = LP_OK;

	while (j->alive > 0 && rc == LP_OK)
		rc = lp_peek_turn(p);
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

/* lp-merge, and the view behind it if there is one, to `out`. Waits for their end. */
static int
merge(struct lp_peek *p, const struct lp_peek_image *im, const struct lp_argv *more,
    struct lp_view *view, int out)
{
	struct lp_job j = { .ops = &ops, .owner = p };
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
		rc = wait_for(p, &j);
	release_merge(&m);
	return rc;
}

static void
add_tsv(struct lp_argv *a, const struct lp_peek_options *o)
{
	lp_argv_append(a, &o->rows);
	if (o->what == LP_PEEK_FIND)
		lp_argv_addf(a, "--match=%s", o->pattern);
}

/* lp-merge adds up by itself, and its rows are few and aligned by tabs already. */
static int
show_du(struct lp_peek *p, struct output *out)
{
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	if (p->o->depth != UINT64_MAX)
		lp_argv_addf(&more, "--du=%llu", (unsigned long long)p->o->depth);
	else
		lp_argv_add(&more, "--du");
	lp_argv_append(&more, &p->o->rows);
	rc = merge(p, &p->image[0], &more, NULL, out->fd);
	lp_argv_release(&more);
	return rc;
}

static int
show_merged(struct lp_peek *p, struct output *out)
{
	const struct lp_peek_options *o = p->o;
	int eyes = for_eyes(p) || o->what == LP_PEEK_TREE;
	struct lp_view view = { .kind = o->what == LP_PEEK_TREE ? LP_VIEW_TREE : LP_VIEW_LISTING,
		.colors = lp_tty_color(o->color, 1), .utf8 = lp_tty_utf8(), .with_layer = 1, .depth = o->depth };
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	add_tsv(&more, o);
	/* the view must be told of the layer's column */
	if (eyes)
		lp_argv_add(&more, "--header");
	rc = merge(p, &p->image[0], &more, eyes ? &view : NULL, out->fd);
	lp_argv_release(&more);
	if (rc == LP_OK && o->what == LP_PEEK_FIND && p->entries == 0) {
		lp_err("%s: no such path in %s", lp_quotes(o->pattern), lp_quotes(p->image[0].name));
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	}
	return rc;
}

/* ---- layer by layer ------------------------------------------------------------------------ */

/* The line in front of all sections: so that listings of many images can follow each other. */
static char *
image_line(const struct lp_peek_image *im)
{
	char *text = NULL;

	if (asprintf(&text, "#image\tname=%s\tdigest=%s\tplatform=%s\tlayers=%zu\n", lp_quotes(im->name),
	        im->digest != NULL ? im->digest : "", im->platform != NULL ? im->platform : "", im->n) < 0)
		return NULL;
	return text;
}

static char *
title_of(const struct lp_peek_layer *l, int eyes)
{
	char size[LP_HUMAN_MAX + 1], *text = NULL, *image = NULL;

	if (!eyes && l->number == 1)
		image = image_line(l->image);
	*lp_human_bytes(size, l->size >= 0 ? (uint64_t)l->size : 0) = '\0';
	if (eyes) {
		if (asprintf(&text, "%slayer %u  %s  %s%s%s", l->number > 1 ? "\n" : "", l->number,
		        l->digest != NULL ? l->digest : "-", l->size >= 0 ? size : "-",
		        l->created_by != NULL ? "  " : "",
		        l->created_by != NULL ? lp_quotes(l->created_by) : "") < 0)
			return NULL;
	} else if (asprintf(&text, "%s#layer\tindex=%u\tdigest=%s\tsize=%lld", image != NULL ? image : "",
	               l->number - 1, l->digest != NULL ? l->digest : "", (long long)l->size) < 0) {
		text = NULL;
	}
	free(image);
	return text;
}

/* Rows from where `fd` stands. */
static int
show_rows(struct lp_peek *p, int fd, const char *title, int with_layer, int out)
{
	const struct lp_peek_options *o = p->o;
	struct lp_rowfmt fmt = o->fmt;
	struct lp_view view = { .kind = for_eyes(p) ? LP_VIEW_LISTING : LP_VIEW_ROWS, .fmt = &fmt,
		.title = title, .header = o->header, .end = o->end, .with_layer = with_layer,
		.colors = lp_tty_color(o->color, 1) };
	const struct lp_stage stage = { .run = lp_view_run, .arg = &view };
	struct lp_job j = { .ops = &ops, .owner = p };
	int rc = lp_crew_start(&p->crew, &j, &stage, 1,
	    &(struct lp_job_io){ .in = fd, .out = out, .err = -1 });

	return rc != LP_OK ? rc : wait_for(p, &j);
}

int
lp_peek_show_row(struct lp_peek *p, int fd)
{
	return show_rows(p, fd, NULL, 1, 1);
}

static int
show_one(struct lp_peek *p, struct lp_peek_layer *l, int with_title, int out)
{
	char *title = with_title ? title_of(l, for_eyes(p)) : NULL;
	int fd = lp_tmpfile_reopen(l->rows);
	int rc = fd < 0 ? LP_E_SYS : show_rows(p, fd, title, 0, out);

	if (fd >= 0)
		close(fd);
	free(title);
	return rc;
}

static int
show_layers(struct lp_peek *p, struct output *out)
{
	struct lp_peek_image *im = &p->image[0];
	int64_t entries = 0;
	int rc = LP_OK;

	for (size_t i = 0; i < im->n && rc == LP_OK; i++) {
		if (im->layer[i].rows < 0)
			continue;
		rc = show_one(p, &im->layer[i], p->o->what == LP_PEEK_LAYERS, out->fd);
		entries += im->layer[i].entries > 0 ? im->layer[i].entries : 0;
	}
	p->entries = entries;
	return rc;
}

/* ---- two images -------------------------------------------------------------------------- */

static int
show_diff(struct lp_peek *p, struct output *out)
{
	struct lp_rowfmt fmt = p->o->fmt;
	struct lp_view view = { .kind = LP_VIEW_DIFF, .for_eyes = for_eyes(p), .fmt = &fmt,
		.colors = lp_tty_color(p->o->color, 1), .other = -1 };
	const struct lp_stage stage = { .run = lp_view_run, .arg = &view };
	struct lp_job j = { .ops = &ops, .owner = p };
	struct lp_argv more;
	int rows[2] = { -1, -1 }, rc = LP_OK;

	lp_argv_init(&more);
	lp_argv_add(&more, "--header");
	for (size_t i = 0; i < 2 && rc == LP_OK; i++) {
		rows[i] = lp_tmpfile();
		rc = rows[i] < 0 ? LP_E_SYS : merge(p, &p->image[i], &more, NULL, rows[i]);
		if (rc == LP_OK && lseek(rows[i], 0, SEEK_SET) != 0)
			rc = LP_E_SYS;
	}
	lp_argv_release(&more);
	view.other = rows[1];
	if (rc == LP_OK)
		rc = lp_crew_start(&p->crew, &j, &stage, 1,
		    &(struct lp_job_io){ .in = rows[0], .out = out->fd, .err = -1, .keep = &rows[1], .nkeep = 1 });
	rc = rc != LP_OK ? rc : wait_for(p, &j);
	p->entries = -1;
	for (size_t i = 0; i < 2; i++)
		if (rows[i] >= 0)
			close(rows[i]);
	return rc;
}

/* ---- the document --------------------------------------------------------------------------- */

static struct lp_layerdoc
layer_doc(const struct lp_peek_layer *l)
{
	return (struct lp_layerdoc){
		.digest = l->digest, .media_type = l->media_type, .created_by = l->created_by,
		.error = l->exit != LP_EXIT_OK ? (l->error != NULL ? l->error : "failed") : NULL,
		.size = l->size, .bytes_downloaded = l->bytes_downloaded,
		.bytes_decompressed = l->bytes_decompressed, .entries_found = l->entries,
		.partial = l->complete != LP_COMPLETE_YES, .from_cache = l->from_cache
	};
}

/* The first thing that went wrong, in one line; NULL if nothing did. */
static const char *
first_error(const struct lp_peek *p)
{
	if (p->error != NULL)
		return p->error;
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++)
			if (p->image[i].layer[k].exit != LP_EXIT_OK)
				return p->image[i].layer[k].error != NULL ? p->image[i].layer[k].error : "failed";
	return NULL;
}

static int
show_document(struct lp_peek *p, struct output *out)
{
	struct lp_peek_image *im = &p->image[0];
	struct lp_layerdoc *layer = calloc(im->n + 1, sizeof(*layer));
	int *rows = calloc(im->n + 1, sizeof(*rows));
	int own_rows = p->o->what == LP_PEEK_LAYERS || p->o->what == LP_PEEK_LAYER;
	struct lp_imagedoc doc = { .image = im->name, .digest = im->digest, .platform = im->platform,
		.bytes_downloaded = p->bytes_downloaded, .layer = layer };
	struct lp_view view = { .kind = LP_VIEW_DOCUMENT, .doc = &doc, .error = first_error(p) };
	struct lp_argv more;
	int rc = layer != NULL && rows != NULL ? LP_OK : LP_E_NOMEM;

	for (size_t i = 0; i < im->n && rc == LP_OK; i++) {
		if (im->layer[i].rows < 0 && im->layer[i].exit == LP_EXIT_OK)
			continue;
		/* one that has no listing at all lists nothing */
		rows[doc.nlayers] = !own_rows ? -1 :
		    im->layer[i].rows >= 0 ? lp_tmpfile_reopen(im->layer[i].rows) : lp_tmpfile();
		if (own_rows && rows[doc.nlayers] < 0)
			rc = LP_E_SYS;
		layer[doc.nlayers++] = layer_doc(&im->layer[i]);
		doc.layers_peeked += im->layer[i].exit == LP_EXIT_OK;
		doc.layers_from_cache += im->layer[i].from_cache;
	}
	lp_argv_init(&more);
	lp_argv_add(&more, "--json");
	lp_argv_add(&more, "--end");
	if (p->o->what == LP_PEEK_FIND)
		lp_argv_addf(&more, "--match=%s", p->o->pattern);
	view.layer_rows = own_rows ? rows : NULL;
	rc = rc != LP_OK ? rc : merge(p, im, &more, &view, out->fd);
	lp_argv_release(&more);
	for (size_t i = 0; i < doc.nlayers && own_rows && rows != NULL; i++)
		if (rows[i] >= 0)
			close(rows[i]);
	free(layer);
	free(rows);
	return rc;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static int
show(struct lp_peek *p, struct output *out)
{
	if (p->o->json)
		return show_document(p, out);
	switch (p->o->what) {
	case LP_PEEK_LAYERS:
	case LP_PEEK_LAYER:
		return show_layers(p, out);
	case LP_PEEK_DIFF:
		return show_diff(p, out);
	case LP_PEEK_DU:
		return show_du(p, out);
	default:
		return show_merged(p, out);
	}
}

int
lp_peek_show(struct lp_peek *p)
{
	struct output out;
	int rc = open_output(p, &out), end;

	if (rc != LP_OK) {
		lp_err_errno("cannot start the pager");
		return rc;
	}
	rc = show(p, &out);
	end = close_output(&out);
	return rc != LP_OK ? rc : end;
}

/* What there is of each image, added up; a layer that both share counts once. */
struct sums {
	size_t layers, previews;
	uint64_t size;
	int size_known;
};

static struct sums
add_up(const struct lp_peek *p)
{
	struct sums s = { .size_known = 1 };

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->same != NULL || l->rows < 0)
				continue;
			s.layers++;
			s.previews += l->complete != LP_COMPLETE_YES && !l->look_only;
			s.size += l->size > 0 ? (uint64_t)l->size : 0;
			s.size_known &= l->size >= 0;
		}
	return s;
}

void
lp_peek_summary(struct lp_peek *p)
{
	struct sums s = add_up(p);
	char count[LP_HUMAN_MAX + 1], got[LP_HUMAN_MAX + 1], all[LP_HUMAN_MAX + 1], share[LP_HUMAN_MAX + 1];

	if (p->o->complete && s.previews > 0)
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	if (!lp_tty_is(2)) {
		/* who reads a pipe must know that more is there */
		if (s.previews > 0)
			lp_note("preview: of %zu layers, %zu are not listed to their end (-c lists all)",
			    s.layers, s.previews);
		return;
	}
	*lp_human_count(count, p->entries > 0 ? (uint64_t)p->entries : 0) = '\0';
	*lp_human_bytes(got, (uint64_t)p->bytes_downloaded) = '\0';
	*lp_human_bytes(all, s.size) = '\0';
	*lp_human_percent(share, (uint64_t)p->bytes_downloaded, s.size) = '\0';
	if (p->entries < 0)
		lp_note("%zu layer%s; fetched %s of %s (%s)", s.layers, s.layers == 1 ? "" : "s", got, all, share);
	else
		lp_note("%zu layer%s, %s entries, %s; fetched %s of %s (%s)", s.layers, s.layers == 1 ? "" : "s",
		    count, s.previews > 0 ? "preview" : "complete", got, all, share);
	if (p->ratelimit_remaining >= 0 && p->ratelimit_remaining <= LP_PEEK_LOW_LIMIT)
		lp_note("the registry's rate limit leaves %lld more manifests", (long long)p->ratelimit_remaining);
}
