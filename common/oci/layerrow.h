/*
 * Rows about layers, platforms and referrers: what lp-layers writes (lp-layers(1),
 * "OUTPUT"). As with the rows of members (row/row.h), a writer appends to
 * a buffer, and a row is whole or not there.
 */
#ifndef LP_OCI_LAYERROW_H
#define LP_OCI_LAYERROW_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"
#include "common/oci/manifest.h"

/* One layer. Spans are borrowed; p is NULL for what is not known. */
struct lp_layer {
	struct lp_span source; /* what lp-fetch takes */
	struct lp_span digest;
	struct lp_span diff_id;
	struct lp_span mediatype;
	struct lp_span created_by;
	const json_t *annotations; /* an object, or NULL */
	const json_t *urls;        /* an array, or NULL */
	uint64_t size;
	int has_size;
	size_t index;              /* from 0, the base */
};

/* The first five are the default. */
enum lp_layer_column {
	LP_LCOL_SOURCE, LP_LCOL_SIZE, LP_LCOL_MEDIATYPE, LP_LCOL_INDEX, LP_LCOL_CREATED_BY,
	LP_LCOL_DIGEST, LP_LCOL_DIFF_ID, LP_LCOL_COMPRESSION, LP_LCOL_ANNOTATIONS, LP_LCOL_URLS,
	LP_LAYER_COLUMNS
};

/* Of an index's entries; the first four are the default. */
enum lp_platform_column {
	LP_PCOL_PLATFORM, LP_PCOL_DIGEST, LP_PCOL_SIZE, LP_PCOL_MEDIATYPE,
	LP_PCOL_VERSION, LP_PCOL_FEATURES, LP_PCOL_ANNOTATIONS,
	LP_PLATFORM_COLUMNS
};

/* Of what hangs on an image; the first four are the default. */
enum lp_referrer_column {
	LP_RCOL_TYPE, LP_RCOL_DIGEST, LP_RCOL_SIZE, LP_RCOL_ANNOTATIONS, LP_RCOL_MEDIATYPE, LP_RCOL_SUBJECT,
	LP_REFERRER_COLUMNS
};

/* What the rows are of. */
enum lp_layerfmt_kind { LP_ROWS_LAYERS, LP_ROWS_PLATFORMS, LP_ROWS_REFERRERS };

struct lp_layerfmt {
	enum lp_layerfmt_kind kind;
	unsigned char column[LP_LAYER_COLUMNS]; /* the longest of them */
	size_t ncolumns;
	int json; /* NDJSON: all that is known, `columns` does not matter */
};

/* The default columns. `json` stays. */
void lp_layerfmt_init(struct lp_layerfmt *, enum lp_layerfmt_kind);

/* As lp_rowfmt_columns of row/row.h. */
int lp_layerfmt_columns(struct lp_layerfmt *, struct lp_span list, struct lp_span *bad);

/* Append the names of the columns (TSV; nothing in NDJSON), or one layer's row. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_layer_header(const struct lp_layerfmt *, struct lp_buf *);
int lp_layer_write(const struct lp_layerfmt *, const struct lp_layer *, struct lp_buf *);

/* What an end record tells of the image. */
struct lp_layerend {
	const char *digest;   /* of what the name leads to, perhaps an index; "" for none */
	const char *manifest; /* digest of the manifest whose layers these are; "" for none */
	const struct lp_platform *platform; /* or NULL */
	size_t layers;
	int odd_history, odd_diff_ids; /* the config has as many of these as other than layers */
	struct lp_span base_name, base_digest; /* of the image that this one says it is built on; empty where it says nothing */
};

/* Append the end record: "#end" and key=value, or {"end":{}}. Results as lp_layer_write. */
int lp_layer_end(const struct lp_layerfmt *, const struct lp_layerend *, struct lp_buf *);

/* The same for an index's entries. */
int lp_platform_write(const struct lp_layerfmt *, const struct lp_descriptor *, struct lp_buf *);
/* And for what hangs on `subject`, a digest; annotations that are long stand in NDJSON alone. */
int lp_referrer_write(const struct lp_layerfmt *, const struct lp_descriptor *, const char *subject, struct lp_buf *);

#endif
