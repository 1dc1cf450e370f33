/* Writes the JSON document of an image (lp-peek -j). */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "cmd/peek/view.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/tmpfile.h"

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
	case LP_PEEK_HISTORY: return "history";
	case LP_PEEK_WASTE: return "waste";
	default: return NULL;
	}
}

int
lp_peek_document(struct lp_peek *p)
{
	struct lp_peek_image *im = &p->image[0];
	struct lp_layerdoc *layer = calloc(im->n + 1, sizeof(*layer));
	int *rows = calloc(im->n + 1, sizeof(*rows));
	int own_rows = p->o->what == LP_PEEK_LAYERS || p->o->what == LP_PEEK_LAYER;
	struct lp_imagedoc doc = { .image = im->name, .digest = im->digest, .platform = im->platform,
		.bytes_downloaded = p->bytes_downloaded, .layer = layer };
	struct lp_view view = { .kind = LP_VIEW_DOCUMENT, .doc = &doc, .error = first_error(p),
		.records = records_of(p->o->what) };
	struct lp_argv more;
	int rc = layer != NULL && rows != NULL ? LP_OK : LP_E_NOMEM;

	for (size_t i = 0; i < im->n && rc == LP_OK; i++) {
		if (!im->layer[i].picked || (im->layer[i].rows < 0 && im->layer[i].exit == LP_EXIT_OK))
			continue;
		/* one that has no listing at all lists nothing */
		rows[doc.nlayers] = !own_rows ? -1 :
		    im->layer[i].rows >= 0 ? lp_tmpfile_reopen(im->layer[i].rows) : lp_tmpfile();
		if (own_rows && rows[doc.nlayers] < 0)
			rc = LP_E_SYS;
		layer[doc.nlayers++] = lp_peek_layer_doc(&im->layer[i]);
		doc.layers_peeked += im->layer[i].exit == LP_EXIT_OK;
		doc.layers_from_cache += im->layer[i].from_cache;
	}
	lp_argv_init(&more);
	lp_argv_add(&more, "--json");
	if (p->o->what == LP_PEEK_CHECK)
		lp_peek_check_options(p, &more);
	else if (p->o->what == LP_PEEK_HISTORY)
		lp_argv_add(&more, "--summary");
	else if (view.records == NULL)
		lp_argv_add(&more, "--end");
	lp_argv_append(&more, &p->o->ask);
	view.layer_rows = own_rows ? rows : NULL;
	rc = rc != LP_OK ? rc : lp_peek_merge(p, im, &more, &view, p->out.fd);
	lp_argv_release(&more);
	for (size_t i = 0; i < doc.nlayers && own_rows && rows != NULL; i++)
		if (rows[i] >= 0)
			close(rows[i]);
	free(layer);
	free(rows);
	return rc;
}
