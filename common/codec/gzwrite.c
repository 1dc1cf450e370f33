/* Compression into gzip's format, by zlib. */
#include "common/codec/gzwrite.h"

#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "common/base/status.h"

enum { GZIP_WINDOW = 15 + 16, MEMORY = 8, ROOM = 16 * 1024 };

int
lp_gzwrite_init(struct lp_gzwrite *w)
{
	z_stream *z = calloc(1, sizeof(*z));

	w->deflate = z;
	if (z == NULL)
		return LP_E_NOMEM;
	if (deflateInit2(z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK)
		return LP_OK;
	free(z);
	w->deflate = NULL;
	return LP_E_NOMEM;
}

/* As much as the input gives, or with Z_FINISH all that there is. */
static int
deflate_into(z_stream *z, int flush, struct lp_buf *b)
{
	int rc = LP_OK, said = Z_OK;

	while (rc == LP_OK && said == Z_OK) {
		rc = lp_buf_reserve(b, ROOM);
		if (rc != LP_OK)
			break;
		z->next_out = b->p + b->n;
		z->avail_out = ROOM;
		said = deflate(z, flush);
		b->n += ROOM - z->avail_out;
		if (flush == Z_NO_FLUSH && z->avail_in == 0 && z->avail_out > 0)
			break;
	}
	return rc;
}

int
lp_gzwrite_add(struct lp_gzwrite *w, struct lp_span bytes, struct lp_buf *b)
{
	z_stream *z = w->deflate;
	int rc = LP_OK;

	while (rc == LP_OK && bytes.n > 0) {
		size_t n = bytes.n < UINT_MAX ? bytes.n : UINT_MAX;

		z->next_in = bytes.p;
		z->avail_in = (uInt)n;
		rc = deflate_into(z, Z_NO_FLUSH, b);
		lp_span_take(&bytes, n);
	}
	return rc;
}

int
lp_gzwrite_end(struct lp_gzwrite *w, struct lp_buf *b)
{
	return deflate_into(w->deflate, Z_FINISH, b);
}

void
lp_gzwrite_release(struct lp_gzwrite *w)
{
	if (w->deflate != NULL)
		deflateEnd(w->deflate);
	free(w->deflate);
	w->deflate = NULL;
}
