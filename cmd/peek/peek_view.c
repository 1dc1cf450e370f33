/* The command line of lp-show on its way, and the files that it reads. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/array.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

void
lp_peek_view_init(struct lp_peek_view *v, const struct lp_peek *p, const char *what)
{
	*v = (struct lp_peek_view){ .nown = 0 };
	lp_argv_init(&v->argv);
	lp_argv_add(&v->argv, "lp-show");
	/* its notes are ours */
	if (lp_err_is_quiet())
		lp_argv_add(&v->argv, "-q");
	lp_argv_addf(&v->argv, "--color=%s", lp_tty_color(p->o->color, 1) ? "always" : "never");
	if (what != NULL)
		lp_argv_add(&v->argv, what);
}

void
lp_peek_view_rows(struct lp_peek_view *v, const struct lp_peek_options *o)
{
	char list[LP_COLUMNS * 16] = "";
	size_t n = 0;

	for (size_t i = 0; i < o->fmt.ncolumns; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? "," : "", lp_column_name(o->fmt.column[i]));
	lp_argv_addf(&v->argv, "--columns=%s", list);
	if (o->header)
		lp_argv_add(&v->argv, "--header");
	if (o->fmt.nul)
		lp_argv_add(&v->argv, "--null");
	if (o->end)
		lp_argv_add(&v->argv, "--end");
}

void
lp_peek_view_file(struct lp_peek_view *v, const char *option, int fd)
{
	int *keep = lp_array_room(v->keep, v->nkeep, &v->cap, sizeof(*keep));

	if (keep == NULL) {
		v->argv.failed = 1;
		return;
	}
	v->keep = keep;
	v->keep[v->nkeep++] = fd;
	lp_argv_addf(&v->argv, "%s/dev/fd/%d", option, fd);
}

int
lp_peek_view_text(struct lp_peek_view *v, const char *option, struct lp_span text)
{
	int fd = lp_tmpfile();

	if (fd < 0)
		return LP_E_SYS;
	v->own[v->nown++] = fd;
	lp_peek_view_file(v, option, fd);
	return lp_write_all(fd, text);
}

int
lp_peek_view_about(struct lp_peek_view *v, const struct lp_imagedoc *doc, const char *error)
{
	struct lp_buf b;
	int rc;

	lp_buf_init(&b, SIZE_MAX / 2);
	rc = lp_imagedoc_about(doc, error, &b);
	rc = rc != LP_OK ? rc : lp_peek_view_text(v, "--about=", lp_buf_span(&b));
	lp_buf_release(&b);
	return rc;
}

int
lp_peek_view_image(struct lp_peek_view *v, const struct lp_peek_image *im)
{
	struct lp_layerdoc *layer = calloc(im->n + 1, sizeof(*layer));
	struct lp_imagedoc doc = { .image = im->name, .digest = im->digest, .platform = im->platform,
		.bytes_downloaded = im->peek->bytes_downloaded, .layer = layer, .nlayers = im->n };
	int rc;

	for (size_t i = 0; i < im->n && layer != NULL; i++) {
		layer[i] = lp_peek_layer_doc(&im->layer[i]);
		doc.layers_peeked += im->layer[i].exit == LP_EXIT_OK;
		doc.layers_from_cache += im->layer[i].from_cache;
	}
	rc = layer == NULL ? LP_E_NOMEM : lp_peek_view_about(v, &doc, lp_peek_first_error(im->peek));
	free(layer);
	return rc;
}

int
lp_peek_view_start(struct lp_peek *p, struct lp_job *j, const struct lp_peek_view *v, int out)
{
	const struct lp_stage stage = { .argv = lp_argv_done(&v->argv) };

	*j = (struct lp_job){ .ops = &lp_peek_show_ops, .owner = p };
	return stage.argv == NULL ? LP_E_NOMEM : lp_crew_start(&p->crew, j, &stage, 1,
	    &(struct lp_job_io){ .in = -1, .out = out, .err = -1, .keep = v->keep, .nkeep = v->nkeep });
}

int
lp_peek_view_run(struct lp_peek *p, const struct lp_peek_view *v, int out)
{
	struct lp_job j;
	int rc = lp_peek_view_start(p, &j, v, out);

	return rc != LP_OK ? rc : lp_peek_wait_for(p, &j);
}

void
lp_peek_view_release(struct lp_peek_view *v)
{
	for (size_t i = 0; i < v->nown; i++)
		close(v->own[i]);
	free(v->keep);
	lp_argv_release(&v->argv);
}
