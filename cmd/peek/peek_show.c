/* Starts the view that the options ask for: listing, tree, sizes or differences. */
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
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

static void
add_tree(struct lp_peek_view *view, const struct lp_peek_options *o)
{
	if (o->depth == UINT64_MAX)
		lp_argv_add(&view->argv, "--tree");
	else
		lp_argv_addf(&view->argv, "--tree=%llu", (unsigned long long)o->depth);
}

/* lp-merge adds up by itself. */
static int
show_sums(struct lp_peek *p, const char *what)
{
	struct lp_peek_view view;
	struct lp_argv more;
	int rc;

	lp_peek_view_init(&view, p, what);
	lp_argv_init(&more);
	lp_argv_append(&more, &p->o->ask);
	lp_argv_append(&more, &p->o->rows);
	rc = lp_peek_gaps(p, &view);
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, lp_peek_for_eyes(p) ? &view : NULL, p->out.fd);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	/* sums are no entries */
	p->entries = -1;
	return rc;
}

/* lp-merge sums up, and the layers' own facts go beside. */
static int
show_history(struct lp_peek *p)
{
	const struct lp_peek_image *im = &p->image[0];
	const int eyes = lp_peek_for_eyes(p);
	struct lp_peek_view view;
	struct lp_argv more;
	unsigned columns, rows;
	int rc;

	lp_tty_size(1, &columns, &rows);
	lp_peek_view_init(&view, p, "--history");
	lp_argv_addf(&view.argv, "--width=%u", columns);
	if (!eyes)
		lp_argv_add(&view.argv, p->o->header ? "--header" : "--rows");
	rc = eyes ? lp_peek_gaps(p, &view) : LP_OK;
	rc = rc != LP_OK ? rc : lp_peek_view_image(&view, im);
	lp_argv_init(&more);
	lp_argv_add(&more, "--summary");
	rc = rc != LP_OK ? rc : lp_peek_merge(p, im, &more, &view, p->out.fd);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	/* sums are no entries */
	p->entries = -1;
	return rc;
}

/* The tree first, of all that rows have; it stands in place of rows then. */
static int
show_tree_document(struct lp_peek *p)
{
	struct lp_peek_view view;
	struct lp_argv more;
	int lines = lp_tmpfile(), rc = lines < 0 ? LP_E_SYS : LP_OK;

	lp_peek_view_init(&view, p, "--json");
	add_tree(&view, p->o);
	lp_argv_init(&more);
	lp_argv_add(&more, "--header");
	lp_argv_add(&more, "--columns=" LP_PIPELINE_DIGESTS ",layer");
	if (rc == LP_OK)
		rc = lp_peek_merge(p, &p->image[0], &more, &view, lines);
	rc = rc != LP_OK ? rc : lp_peek_document(p, lines);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	if (lines >= 0)
		close(lines);
	return rc;
}

static int
show_merged(struct lp_peek *p)
{
	const struct lp_peek_options *o = p->o;
	int eyes = lp_peek_for_eyes(p) || o->what == LP_PEEK_TREE;
	struct lp_peek_view view;
	struct lp_argv more;
	int rc;

	lp_peek_view_init(&view, p, NULL);
	if (o->what == LP_PEEK_TREE)
		add_tree(&view, o);
	rc = lp_peek_gaps(p, &view);
	lp_argv_init(&more);
	add_tsv(&more, o);
	if (eyes) {
		lp_argv_add(&more, "--header");
		lp_argv_addf(&more, "--columns=mode,uid,gid,size,mtime,name,linkname,devmajor,devminor,layer%s",
		    o->what == LP_PEEK_FIND ? ",hidden,hidden_by" : "");
	}
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, eyes ? &view : NULL, p->out.fd);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	return rc;
}

/* ---- something to look around in ---------------------------------------------------------- */

/* Hidden rows too, and all that is known of the image. */
static int
show_html(struct lp_peek *p)
{
	struct lp_peek_view view;
	struct lp_argv more;
	struct stat st;
	int rc;

	if (fstat(p->out.page, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(p->out.page, 0) != 0) {
		lp_err_errno("%s", lp_quotes(p->o->page));
		return LP_E_SYS;
	}
	lp_peek_view_init(&view, p, "--html");
	rc = lp_peek_view_image(&view, &p->image[0]);
	lp_argv_init(&more);
	lp_argv_add(&more, "--all");
	lp_argv_add(&more, "--end");
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, &view, p->out.page);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	return rc;
}

static int
show_ncdu(struct lp_peek *p)
{
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	lp_argv_add(&more, "--columns=ncdu");
	rc = lp_peek_merge(p, &p->image[0], &more, NULL, p->out.fd);
	lp_argv_release(&more);
	return rc;
}

/* ---- two images -------------------------------------------------------------------------- */

/* Both merged, each into a file, with what is compared and what may be asked for. */
static int
merge_both(struct lp_peek *p, struct lp_peek_view *view, int rows[2])
{
	struct lp_argv more;
	int rc = LP_OK;

	lp_argv_init(&more);
	lp_argv_add(&more, "--header");
	lp_argv_add(&more, "--end");
	lp_argv_add(&more, "--columns=" LP_PIPELINE_DIGESTS ",layer");
	for (size_t i = 0; i < 2 && rc == LP_OK; i++) {
		rows[i] = lp_tmpfile();
		rc = rows[i] < 0 ? LP_E_SYS : lp_peek_view_image(view, &p->image[i]);
		rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[i], &more, NULL, rows[i]);
	}
	lp_argv_release(&more);
	return rc;
}

/* The lines of lp-show in one document, which is about the new image. */
static int
show_diff_document(struct lp_peek *p, int lines)
{
	struct lp_peek_view view;
	int rc;

	lp_peek_view_init(&view, p, "--document=changes");
	rc = lp_peek_view_image(&view, &p->image[1]);
	lp_peek_view_file(&view, "", lines);
	rc = rc != LP_OK ? rc : lp_peek_view_run(p, &view, p->out.fd);
	lp_peek_view_release(&view);
	return rc;
}

static void
diff_form(struct lp_peek *p, struct lp_peek_view *view)
{
	if (!p->o->json && !p->o->ndjson) {
		if (!lp_peek_for_eyes(p))
			lp_peek_view_rows(view, p->o);
		return;
	}
	lp_argv_add(&view->argv, "--json");
	if (p->o->end || p->o->json)
		lp_argv_add(&view->argv, "--end");
}

static int
show_diff(struct lp_peek *p)
{
	struct lp_peek_view view;
	const int eyes = lp_peek_for_eyes(p) && !p->o->json && !p->o->ndjson, lines = p->o->json ? lp_tmpfile() : -1;
	int rows[2] = { -1, -1 }, rc;

	lp_peek_view_init(&view, p, "--diff");
	diff_form(p, &view);
	rc = eyes ? lp_peek_gaps(p, &view) : p->o->json && lines < 0 ? LP_E_SYS : LP_OK;
	rc = rc != LP_OK ? rc : merge_both(p, &view, rows);
	for (size_t i = 0; i < 2 && rc == LP_OK; i++)
		lp_peek_view_file(&view, "", rows[i]);
	rc = rc != LP_OK ? rc : lp_peek_view_run(p, &view, lines >= 0 ? lines : p->out.fd);
	lp_peek_view_release(&view);
	if (rc == LP_OK && lines >= 0)
		rc = show_diff_document(p, lines);
	if (lines >= 0)
		close(lines);
	p->entries = -1;
	for (size_t i = 0; i < 2; i++)
		if (rows[i] >= 0)
			close(rows[i]);
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
	if (p->o->what == LP_PEEK_DIFF)
		return show_diff(p);
	if (p->o->json && p->o->what == LP_PEEK_TREE)
		return show_tree_document(p);
	if (p->o->json || p->o->ndjson)
		return p->o->json ? lp_peek_document(p, -1) : lp_peek_objects(p);
	switch (p->o->what) {
	case LP_PEEK_LAYERS:
	case LP_PEEK_LAYER:
		return lp_peek_layers_finish(p);
	case LP_PEEK_DU:
		return show_sums(p, "--du");
	case LP_PEEK_WASTE:
		return show_sums(p, "--waste");
	case LP_PEEK_HISTORY:
		return show_history(p);
	case LP_PEEK_CHECK:
		return show_check(p);
	case LP_PEEK_HTML:
		return show_html(p);
	case LP_PEEK_BROWSE:
		return show_ncdu(p);
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
