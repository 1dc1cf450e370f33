/* Starts the view that the options ask for: listing, tree, sizes or differences. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "cmd/peek/view.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/tmpfile.h"

/* ---- merged ---------------------------------------------------------------------------- */

static void
add_tsv(struct lp_argv *a, const struct lp_peek_options *o)
{
	lp_argv_append(a, &o->rows);
	lp_argv_append(a, &o->ask);
}

/* lp-merge adds up by itself. */
static int
show_sums(struct lp_peek *p, enum lp_view_kind kind)
{
	struct lp_view view = { .kind = kind };
	struct lp_peek_gaps gaps;
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	lp_argv_append(&more, &p->o->ask);
	lp_argv_append(&more, &p->o->rows);
	rc = lp_peek_gaps(p, &view, &gaps);
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, lp_peek_for_eyes(p) ? &view : NULL, p->out.fd);
	lp_argv_release(&more);
	lp_peek_gaps_release(&gaps);
	/* sums are no entries */
	p->entries = -1;
	return rc;
}

/* What is known of all layers, the caller's to free; NULL without memory. */
static struct lp_layerdoc *
layers_of(const struct lp_peek_image *im)
{
	struct lp_layerdoc *layer = calloc(im->n + 1, sizeof(*layer));

	for (size_t i = 0; i < im->n && layer != NULL; i++)
		layer[i] = lp_peek_layer_doc(&im->layer[i]);
	return layer;
}

/* lp-merge sums up, and the layers' own facts go beside. */
static int
show_history(struct lp_peek *p)
{
	const struct lp_peek_image *im = &p->image[0];
	struct lp_layerdoc *layer = layers_of(im);
	const struct lp_imagedoc doc = { .layer = layer, .nlayers = im->n };
	struct lp_view view = { .kind = LP_VIEW_HISTORY, .doc = &doc, .for_eyes = lp_peek_for_eyes(p), .header = p->o->header,
		.colors = lp_tty_color(p->o->color, 1) };
	struct lp_peek_gaps gaps = { { 0 }, { 0 } };
	struct lp_argv more;
	unsigned rows;
	int rc = layer == NULL ? LP_E_NOMEM : view.for_eyes ? lp_peek_gaps(p, &view, &gaps) : LP_OK;

	lp_tty_size(1, &view.columns, &rows);
	lp_argv_init(&more);
	lp_argv_add(&more, "--summary");
	rc = rc != LP_OK ? rc : lp_peek_merge(p, im, &more, &view, p->out.fd);
	lp_argv_release(&more);
	lp_peek_gaps_release(&gaps);
	free(layer);
	/* sums are no entries */
	p->entries = -1;
	return rc;
}

static int
show_merged(struct lp_peek *p)
{
	const struct lp_peek_options *o = p->o;
	int eyes = lp_peek_for_eyes(p) || o->what == LP_PEEK_TREE;
	struct lp_view view = { .kind = o->what == LP_PEEK_TREE ? LP_VIEW_TREE : LP_VIEW_LISTING,
		.colors = lp_tty_color(o->color, 1), .utf8 = lp_tty_utf8(), .with_layer = 1, .depth = o->depth };
	struct lp_peek_gaps gaps;
	struct lp_argv more;
	int rc = lp_peek_gaps(p, &view, &gaps);

	lp_argv_init(&more);
	add_tsv(&more, o);
	if (eyes) {
		lp_argv_add(&more, "--header");
		lp_argv_addf(&more, "--columns=mode,uid,gid,size,mtime,name,linkname,devmajor,devminor,layer%s",
		    o->what == LP_PEEK_FIND ? ",hidden,hidden_by" : "");
	}
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, eyes ? &view : NULL, p->out.fd);
	lp_argv_release(&more);
	lp_peek_gaps_release(&gaps);
	return rc;
}

/* ---- two images -------------------------------------------------------------------------- */

static int
show_diff(struct lp_peek *p)
{
	struct lp_rowfmt fmt = p->o->fmt;
	struct lp_view view = { .kind = LP_VIEW_DIFF, .for_eyes = lp_peek_for_eyes(p), .fmt = &fmt,
		.header = p->o->header, .end = p->o->end, .image = { p->image[0].name, p->image[1].name },
		.colors = lp_tty_color(p->o->color, 1), .other = -1 };
	struct lp_layerdoc *layer[2] = { layers_of(&p->image[0]), layers_of(&p->image[1]) };
	const struct lp_imagedoc doc[2] = { { .layer = layer[0], .nlayers = p->image[0].n }, { .layer = layer[1], .nlayers = p->image[1].n } };
	const struct lp_stage stage = { .run = lp_view_run, .arg = &view };
	struct lp_job j = { .ops = &lp_peek_show_ops, .owner = p };
	struct lp_argv more;
	struct lp_peek_gaps gaps = { { 0 }, { 0 } };
	int rows[2] = { -1, -1 }, rc = layer[0] == NULL || layer[1] == NULL ? LP_E_NOMEM : LP_OK;

	view.doc = doc;
	rc = rc == LP_OK && view.for_eyes ? lp_peek_gaps(p, &view, &gaps) : rc;

	lp_argv_init(&more);
	lp_argv_add(&more, "--header");
	lp_argv_add(&more, "--end");
	/* what is compared, and what may be asked for */
	lp_argv_add(&more, "--columns=" LP_PIPELINE_COLUMNS ",layer");
	for (size_t i = 0; i < 2 && rc == LP_OK; i++) {
		rows[i] = lp_tmpfile();
		rc = rows[i] < 0 ? LP_E_SYS : lp_peek_merge(p, &p->image[i], &more, NULL, rows[i]);
		if (rc == LP_OK && lseek(rows[i], 0, SEEK_SET) != 0)
			rc = LP_E_SYS;
	}
	lp_argv_release(&more);
	view.other = rows[1];
	if (rc == LP_OK)
		rc = lp_crew_start(&p->crew, &j, &stage, 1,
		    &(struct lp_job_io){ .in = rows[0], .out = p->out.fd, .err = -1, .keep = &rows[1], .nkeep = 1 });
	rc = rc != LP_OK ? rc : lp_peek_wait_for(p, &j);
	lp_peek_gaps_release(&gaps);
	p->entries = -1;
	for (size_t i = 0; i < 2; i++) {
		if (rows[i] >= 0)
			close(rows[i]);
		free(layer[i]);
	}
	return rc;
}

/* ---- what is wrong ------------------------------------------------------------------------------ */

static int
show_check(struct lp_peek *p)
{
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	lp_argv_append(&more, &p->o->rows);
	lp_peek_check_options(p, &more);
	rc = lp_peek_merge(p, &p->image[0], &more, NULL, p->out.fd);
	lp_argv_release(&more);
	/* findings are no entries */
	p->entries = -1;
	return rc;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static int
show(struct lp_peek *p)
{
	if (p->o->json)
		return lp_peek_document(p);
	switch (p->o->what) {
	case LP_PEEK_LAYERS:
	case LP_PEEK_LAYER:
		return lp_peek_layers_finish(p);
	case LP_PEEK_DIFF:
		return show_diff(p);
	case LP_PEEK_DU:
		return show_sums(p, LP_VIEW_DU);
	case LP_PEEK_WASTE:
		return show_sums(p, LP_VIEW_WASTE);
	case LP_PEEK_HISTORY:
		return show_history(p);
	case LP_PEEK_CHECK:
		return show_check(p);
	default:
		return show_merged(p);
	}
}

/* What was found, or not, becomes the exit status. */
static void
judge_find(struct lp_peek *p)
{
	const struct lp_peek_options *o = p->o;
	const char *image = lp_quotes(p->image[0].name);

	/* of several images one that has it is enough */
	if (o->found != NULL && !o->fail_if_found) {
		*o->found += p->entries > 0 ? (uint64_t)p->entries : 0;
		return;
	}
	if ((p->entries > 0) != o->fail_if_found)
		return;
	if (o->fail_if_found)
		lp_err("found in %s: %lld", image, (long long)p->entries);
	else if (o->nsought == 1)
		lp_err("%s: no such path in %s", lp_quotes(o->sought), image);
	else
		lp_err("none of %zu patterns is of a path in %s", o->nsought, image);
	p->exit = LP_EXIT_ABSENT;
}

int
lp_peek_show(struct lp_peek *p)
{
	int rc = p->out.open ? LP_OK : lp_peek_out_open(p);

	rc = rc != LP_OK ? rc : show(p);
	if (rc == LP_OK && p->exit == LP_EXIT_OK && p->o->what == LP_PEEK_FIND)
		judge_find(p);
	return rc;
}
