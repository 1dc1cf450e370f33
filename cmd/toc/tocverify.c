/* lp-toc --verify: compares a table of contents with the layer's tar stream. */
#include "cmd/toc/tocverify.h"

#include <inttypes.h>

#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/tar/tar.h"
#include "common/toc/toccheck.h"
#include "common/toc/tocread.h"

struct verify {
	struct lp_tocread toc;
	struct lp_toccheck check;
	struct lp_tar tar;
	struct lp_input input;
	const char *name; /* of the tar */
	struct lp_hash hash;
	struct lp_buf out;
	uint64_t size; /* of the member's content that was hashed so far */
};

static int
said(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a row or the table of contents is above the limit");
	return rc;
}

static int
flush(struct verify *v)
{
	int rc = lp_put_lines(lp_buf_span(&v->out), 0);

	lp_buf_clear(&v->out);
	return rc;
}

static int
load_table(struct verify *v)
{
	enum lp_toc_event ev;

	while ((ev = lp_tocread_next(&v->toc)) == LP_TOC_ENTRY || ev == LP_TOC_CHUNK) {
		int rc = ev == LP_TOC_ENTRY ? said(lp_toccheck_add(&v->check, &v->toc.toc)) : LP_OK;

		if (rc != LP_OK)
			return rc;
	}
	if (ev == LP_TOC_TRUNCATED)
		lp_err("%s: the table of contents is cut off", v->toc.name);
	return ev == LP_TOC_END ? LP_OK : ev == LP_TOC_TRUNCATED ? LP_E_ABSENT : v->toc.toc.status;
}

/* Holes are hashed as the zeros that they stand for. */
static void
hash_zeros(struct lp_hash *h, uint64_t n)
{
	static const unsigned char zeros[4096];

	while (n > 0) {
		size_t k = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);

		lp_hash_add(h, lp_span(zeros, k));
		n -= k;
	}
}

static int
member(struct verify *v)
{
	int rc = said(lp_toccheck_member(&v->check, &v->tar.entry, &v->out));

	if (rc == LP_OK && v->tar.entry.size > 0 && lp_toccheck_digest(&v->check).n > 0) {
		lp_hash_init(&v->hash);
		lp_tar_want_data(&v->tar);
	}
	return rc == LP_OK ? flush(v) : rc;
}

static int
content_end(struct verify *v)
{
	char digest[LP_DIGEST_SIZE];
	int rc;

	lp_hash_end(&v->hash, digest);
	rc = said(lp_toccheck_content(&v->check, &v->tar.entry, digest, &v->out));
	return rc == LP_OK ? flush(v) : rc;
}

/* 1 for the end of the tar, LP_OK to read on, or a failure. */
static int
event(struct verify *v, enum lp_tar_event ev)
{
	switch (ev) {
	case LP_TAR_MEMBER:
		return member(v);
	case LP_TAR_DATA:
		lp_hash_add(&v->hash, v->tar.data);
		return LP_OK;
	case LP_TAR_HOLE:
		hash_zeros(&v->hash, v->tar.hole);
		return LP_OK;
	case LP_TAR_DATA_END:
		return content_end(v);
	case LP_TAR_TRUNCATED:
		/* zstd:chunked layers lack the marker at their end */
		if (v->tar.at == LP_TAR_AT_MEMBER || v->tar.at == LP_TAR_AT_PADDING)
			return 1;
		lp_err("%s: not complete: input ends after %" PRIu64 " bytes", v->name, v->tar.offset);
		return LP_E_ABSENT;
	case LP_TAR_ERROR:
		lp_err("%s: byte %" PRIu64 ": %s", v->name, v->tar.error_offset, v->tar.why);
		return v->tar.status;
	case LP_TAR_MORE:
		return LP_OK;
	case LP_TAR_END:
		break;
	}
	return 1;
}

static int
compare(struct verify *v)
{
	struct lp_span in = lp_span(NULL, 0);
	int rc;

	for (;;) {
		enum lp_tar_event ev = lp_tar_next(&v->tar, &in);

		if (ev == LP_TAR_MORE) {
			rc = lp_input_next(&v->input, &in);
			if (rc < 0) {
				lp_err_errno("%s", v->name);
				return rc;
			}
			if (rc == 0)
				ev = lp_tar_eof(&v->tar);
		}
		rc = event(v, ev);
		if (rc != LP_OK)
			break;
	}
	if (rc < 0)
		return rc;
	rc = said(lp_toccheck_end(&v->check, &v->out));
	return rc == LP_OK ? flush(v) : rc;
}

/* Both inputs, then the lock. */
static int
open_both(struct verify *v, const char *tocfile, const char *tarfile)
{
	const char *name;
	int toc = lp_operand_open(tocfile, &name), rc;

	if (toc < 0)
		return toc;
	rc = lp_tocread_open(&v->toc, toc, name);
	rc = rc != LP_OK ? rc : lp_input_operand(&v->input, tarfile, &v->name);
	return rc == LP_OK ? lp_lock(LP_DUTY_FILTER) : rc;
}

int
lp_tocverify(const char *tocfile, const char *digest, const char *tarfile, struct lp_stats *stats)
{
	struct verify v = { .input = { .null = -1 }, .toc = { .input = { .null = -1 } } };
	int rc;

	lp_tar_init(&v.tar);
	lp_buf_init(&v.out, 4 * (size_t)LP_MAX_ROW);
	rc = open_both(&v, tocfile, tarfile);
	lp_toccheck_init(&v.check, v.toc.toc.seed);
	if (rc == LP_OK && digest != NULL)
		rc = lp_tocread_verify(&v.toc, lp_span_str(digest));
	if (rc == LP_OK)
		rc = load_table(&v);
	if (rc == LP_OK)
		rc = compare(&v);
	if (rc == LP_OK && v.check.differences > 0) {
		lp_err("%s: %" PRIu64 " differences from the layer", v.toc.name, v.check.differences);
		rc = LP_E_DATA;
	} else if (rc == LP_OK) {
		lp_note("%s: %" PRIu64 " members, as the layer has them", v.toc.name, v.check.members);
	}
	stats->entries_found = (int64_t)v.check.members;
	stats->bytes_decompressed = (int64_t)v.tar.offset;
	lp_toccheck_release(&v.check);
	lp_tar_release(&v.tar);
	lp_tocread_release(&v.toc);
	lp_input_release(&v.input);
	lp_buf_release(&v.out);
	return rc;
}
