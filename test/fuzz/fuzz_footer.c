/*
 * Input: 8 bytes of a blob's size, then its end (or an annotation's value).
 * A place that is told lies inside the blob and under the limit, and no
 * byte before the footer has a say in it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/toc/footer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct lp_footer *f, uint64_t blob)
{
	if (f->format == LP_TOC_UNKNOWN || f->length == 0 || f->length > LP_MAX_TOC || f->length > blob ||
	    f->offset > blob - f->length)
		abort();
}

static void
as_tail(struct lp_span tail, uint64_t blob)
{
	unsigned char more[LP_FOOTER_MAX + 50] = { 0 };
	struct lp_span end = tail;
	struct lp_footer f, g;

	lp_footer_init(&f);
	if (lp_footer_tail(&f, tail, blob) != LP_OK) {
		if (f.why == NULL)
			abort();
		return;
	}
	check(&f, blob);
	if (end.n > LP_FOOTER_MAX)
		lp_span_take(&end, end.n - LP_FOOTER_MAX);
	memcpy(more + sizeof(more) - end.n, end.p, end.n);
	lp_footer_init(&g);
	if (blob >= sizeof(more) && (lp_footer_tail(&g, lp_span(more, sizeof(more)), blob) != LP_OK ||
	    f.offset != g.offset || f.length != g.length || f.format != g.format))
		abort();
}

static void
as_annotation(const char *key, struct lp_span value, uint64_t blob)
{
	struct lp_footer f;

	lp_footer_init(&f);
	if (lp_footer_annotation(&f, lp_span_str(key), value) == LP_OK && lp_footer_fits(&f, blob) == LP_OK)
		check(&f, blob);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size), head = lp_span_take(&in, 8);
	uint64_t blob = 0;

	for (size_t i = 0; i < head.n; i++)
		blob |= (uint64_t)head.p[i] << (8 * i);
	as_tail(in, blob);
	as_annotation("io.containers.zstd-chunked.manifest-position", in, blob);
	as_annotation("io.containers.zstd-chunked.manifest-checksum", in, blob);
	as_annotation("containerd.io/snapshot/stargz/toc.digest", in, blob);
	return 0;
}
