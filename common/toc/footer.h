/*
 * Where the table of contents (TOC) of an indexed layer lies in its blob.
 *
 * Two things tell: the annotations of the layer's descriptor, which come
 * with the manifest and cost nothing, and the footer, the blob's last
 * bytes. Both are only claims. A digest among the annotations is as
 * trustworthy as the manifest; a footer is as trustworthy as its blob,
 * which nobody has verified when only its end was fetched.
 *
 *   eStargz       footer of 51 bytes (stargz-snapshotter docs/estargz.md,
 *                 "Footer"), of 47 in its first form, of 46 when the TOC
 *                 is kept in an image of its own
 *   zstd:chunked  a skippable frame of 64, 40 or (short-lived) 56 bytes
 *                 behind its 8-byte header (containers/storage
 *                 pkg/chunked/internal)
 */
#ifndef LP_TOC_FOOTER_H
#define LP_TOC_FOOTER_H

#include <stdint.h>

#include "common/base/digest.h"
#include "common/base/span.h"

/* Bytes at a blob's end that hold any footer. */
enum { LP_FOOTER_MAX = 72 };

enum lp_toc_format {
	LP_TOC_UNKNOWN,
	LP_TOC_ESTARGZ, /* a gzip member that holds a tar that holds the JSON */
	LP_TOC_ZCHUNKED /* zstd frames that hold the JSON */
};

struct lp_footer {
	enum lp_toc_format format;
	/* the TOC's place in the blob; length is 0 until it is known */
	uint64_t offset;
	uint64_t length;
	uint64_t raw; /* bytes of its JSON, 0 if not told */
	/* C strings, "" if no annotation told */
	char digest[LP_DIGEST_SHA256 + 1];      /* of the TOC as it lies in the blob (zstd:chunked) */
	char json_digest[LP_DIGEST_SHA256 + 1]; /* of its JSON (eStargz) */
	const char *why;                  /* after a failure: the reason, static */
};

/* Nothing is known. */
void lp_footer_init(struct lp_footer *);

/*
 * Hear one annotation; those that are about something else are ignored.
 * LP_OK, or LP_E_DATA: it is malformed, or contradicts one heard before
 * (the two prefixes of zstd:chunked may both be there, and must agree).
 */
int lp_footer_annotation(struct lp_footer *, struct lp_span key, struct lp_span value);

/*
 * Look at a blob of `size` bytes of which `tail` is the end: at least
 * LP_FOOTER_MAX bytes, or all there are. LP_OK with the place filled in;
 * LP_E_ABSENT if there is no footer, or none that leads into this blob;
 * LP_E_DATA if there is one that cannot be true, or that contradicts the
 * annotations; LP_E_LIMIT if the TOC is larger than LP_MAX_TOC.
 */
int lp_footer_tail(struct lp_footer *, struct lp_span tail, uint64_t size);

/*
 * Hold the place that annotations told against the blob's size. LP_OK;
 * LP_E_ABSENT if they told none; LP_E_DATA or LP_E_LIMIT as above.
 */
int lp_footer_fits(struct lp_footer *, uint64_t size);

/* "estargz", "zstd:chunked" or "unknown". */
const char *lp_toc_format_name(enum lp_toc_format);

#endif
