/* Writes the JSON document of an image (lp-peek -j). */
#include <stdlib.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/sys/err.h"

struct lp_layerdoc
lp_peek_layer_doc(const struct lp_peek_layer *l)
{
	return (struct lp_layerdoc){
		.digest = l->digest, .media_type = l->media_type, .created_by = l->created_by,
		.error = l->exit != LP_EXIT_OK ? (l->error != NULL ? l->error : "failed") : NULL,
		.size = l->size, .bytes_downloaded = l->bytes_downloaded,
		.bytes_decompressed = l->bytes_decompressed, .entries_found = l->entries,
		.partial = !lp_peek_is_whole(l), .from_cache = l->from_cache,
		.origin = l->complete == LP_COMPLETE_INFERRED ? l->image->origin : NULL
	};
}

const char *
lp_peek_first_error(const struct lp_peek *p)
{
	if (p->error != NULL)
		return p->error;
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++)
			if (p->image[i].layer[k].exit != LP_EXIT_OK)
				return p->image[i].layer[k].error != NULL ? p->image[i].layer[k].error : "failed";
	/* before any layer: none is the one that was asked for */
	return p->exit != LP_EXIT_OK && lp_err_last()[0] != '\0' ? lp_err_last() : NULL;
}

/* What stands in place of rows, by the view of lp-merge that makes it; NULL for rows. */
static const char *
records_of(enum lp_peek_what what)
{
	switch (what) {
	case LP_PEEK_CHECK: return "findings";
	case LP_PEEK_DU: return "directories";
	case LP_PEEK_PACKAGES: return "packages";
	case LP_PEEK_HISTORY: return "history";
	case LP_PEEK_TREE: return "tree";
	case LP_PEEK_WASTE: return "waste";
	default: return NULL;
	}
}

/* lp-merge is to write objects: rows, `end` behind them or not, or what stands in their place. */
static void
ask_for_json(const struct lp_peek *p, int end, struct lp_argv *more)
{
	lp_argv_add(more, "--json");
	if (p->o->what == LP_PEEK_CHECK)
		lp_peek_check_options(p, more);
	else if (p->o->what == LP_PEEK_HISTORY)
		lp_argv_add(more, "--summary");
	else if (records_of(p->o->what) == NULL && end)
		lp_argv_add(more, "--end");
	lp_argv_append(more, &p->o->ask);
}

int
lp_peek_objects(struct lp_peek *p)
{
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	ask_for_json(p, p->o->end, &more);
	rc = lp_peek_merge(p, &p->image[0], &more, NULL, p->out.fd);
	lp_argv_release(&more);
	/* records are no entries */
	if (records_of(p->o->what) != NULL)
		p->entries = -1;
	return rc;
}

/* Each layer that there is something to say of. With its own rows if those are asked for; one that has no listing at all lists nothing. */
static void
add_layers(const struct lp_peek_image *im, int own_rows, struct lp_imagedoc *doc, struct lp_layerdoc *layer, struct lp_peek_view *view)
{
	if (own_rows)
		lp_argv_add(&view->argv, "-");
	for (size_t i = 0; i < im->n; i++) {
		const struct lp_peek_layer *l = &im->layer[i];

		if (!l->picked || (l->rows < 0 && l->exit == LP_EXIT_OK))
			continue;
		if (own_rows && l->rows >= 0)
			lp_peek_view_file(view, "", l->rows);
		else if (own_rows)
			lp_argv_add(&view->argv, "/dev/null");
		layer[doc->nlayers++] = lp_peek_layer_doc(l);
		doc->layers_peeked += l->exit == LP_EXIT_OK;
		doc->layers_from_cache += l->from_cache;
	}
}

int
lp_peek_document(struct lp_peek *p, int records_fd)
{
	struct lp_peek_image *im = &p->image[0];
	struct lp_layerdoc *layer = calloc(im->n + 1, sizeof(*layer));
	struct lp_imagedoc doc = { .image = im->name, .digest = im->digest, .platform = im->platform,
		.bytes_downloaded = p->bytes_downloaded, .layer = layer };
	const char *records = records_of(p->o->what);
	struct lp_peek_view view;
	struct lp_argv more;
	int rc = layer != NULL ? LP_OK : LP_E_NOMEM;

	lp_peek_view_init(&view, p, NULL);
	lp_argv_addf(&view.argv, "--document%s%s", records != NULL ? "=" : "", records != NULL ? records : "");
	if (rc == LP_OK)
		add_layers(im, p->o->what == LP_PEEK_LAYERS || p->o->what == LP_PEEK_LAYER, &doc, layer, &view);
	rc = rc != LP_OK ? rc : lp_peek_view_about(&view, &doc, lp_peek_first_error(p));
	lp_argv_init(&more);
	ask_for_json(p, 1, &more);
	if (records_fd >= 0)
		lp_peek_view_file(&view, "", records_fd);
	if (rc == LP_OK)
		rc = records_fd >= 0 ? lp_peek_view_run(p, &view, p->out.fd) : lp_peek_merge(p, im, &more, &view, p->out.fd);
	lp_argv_release(&more);
	lp_peek_view_release(&view);
	free(layer);
	return rc;
}
