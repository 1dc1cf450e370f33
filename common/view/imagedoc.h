/*
 * The document of `lp-peek -j`: one JSON object about an image, written
 * piece by piece, so that its rows never have to be in memory at once
 * (lp-peek(1), "JSON").
 */
#ifndef LP_VIEW_IMAGEDOC_H
#define LP_VIEW_IMAGEDOC_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

#define LP_DOC_UNKNOWN (-1) /* a number or a yes or no that this run does not know: null */

struct lp_layerdoc {
	const char *digest; /* NULL: null, here and below */
	const char *media_type;
	const char *created_by;
	const char *error;
	const char *origin; /* whose claim it is that the listing is complete; NULL: of nobody, or it was checked */
	int64_t size;
	int64_t bytes_downloaded;
	int64_t bytes_decompressed;
	int64_t entries_found;
	int partial;
	int from_cache;
};

struct lp_imagedoc {
	const char *image;
	const char *digest;
	const char *platform;
	int64_t layers_peeked;
	int64_t layers_from_cache;
	int64_t bytes_downloaded;
	const struct lp_layerdoc *layer;
	size_t nlayers;
};

/* All functions append, and return LP_OK, LP_E_LIMIT or LP_E_NOMEM. */

/* Everything that is known before the first row, up to and into "layers". */
int lp_imagedoc_open(const struct lp_imagedoc *, struct lp_buf *);
/* One layer's object without its closing brace, so that rows may follow; `first` of the list. */
int lp_imagedoc_layer(const struct lp_layerdoc *, int first, struct lp_buf *);
/* An array of rows: its key, then NDJSON objects without their newlines, then its end. */
int lp_imagedoc_rows_open(const char *key, struct lp_buf *);
int lp_imagedoc_row(struct lp_span object, int first, struct lp_buf *);
int lp_imagedoc_rows_close(struct lp_buf *);
/* Behind an array: the object that sums it up. */
int lp_imagedoc_total(struct lp_span object, struct lp_buf *);
int lp_imagedoc_layer_close(struct lp_buf *);
int lp_imagedoc_layers_close(struct lp_buf *);
/* All of it without a row: what is known beside them. */
int lp_imagedoc_about(const struct lp_imagedoc *, const char *error, struct lp_buf *);
/* What only the last row tells. `complete` may be LP_DOC_UNKNOWN, `error` NULL. */
int lp_imagedoc_close(int64_t total_entries, int complete, const char *error, struct lp_buf *);

#endif
