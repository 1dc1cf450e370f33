/* Reads a table of contents from a descriptor and checks its digest. */
#include "common/toc/tocread.h"

#include <inttypes.h>
#include <sys/random.h>

#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"

int
lp_tocread_open(struct lp_tocread *r, int fd, const char *name)
{
	uint64_t seed = 0;
	int rc;

	*r = (struct lp_tocread){ .name = name, .input = { .fd = -1, .null = -1 } };
	rc = getrandom(&seed, sizeof(seed), 0) == sizeof(seed) ? LP_OK : LP_E_SYS;
	lp_toc_init(&r->toc, seed);
	lp_tocjson_init(&r->json);
	lp_buf_init(&r->kept, LP_MAX_TOC);
	if (rc == LP_OK)
		rc = lp_input_open(&r->input, fd);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", name);
	else if (rc != LP_OK)
		lp_err("out of memory");
	r->start = r->input.at;
	return rc;
}

void
lp_tocread_release(struct lp_tocread *r)
{
	lp_toc_release(&r->toc);
	lp_tocjson_release(&r->json);
	lp_buf_release(&r->kept);
	lp_input_release(&r->input);
}

void
lp_tocread_rewind(struct lp_tocread *r)
{
	uint64_t seed = r->toc.seed;

	lp_toc_release(&r->toc);
	lp_tocjson_release(&r->json);
	lp_toc_init(&r->toc, seed);
	lp_tocjson_init(&r->json);
	r->input.at = r->start;
	r->replayed = 0;
	r->in = r->text = lp_span(NULL, 0);
	r->eof = 0;
}

/* More input into r->in: 1, 0 at its end, or LP_E_SYS. */
static int
fill(struct lp_tocread *r)
{
	if (!r->keep)
		return lp_input_next(&r->input, &r->in);
	r->in = lp_buf_span(&r->kept);
	lp_span_take(&r->in, r->replayed);
	r->replayed = r->kept.n;
	return r->in.n > 0;
}

static int
failed(struct lp_tocread *r, int status)
{
	r->toc.status = status;
	if (status == LP_E_SYS)
		lp_err_errno("%s", r->name);
	return status;
}

/* The next JSON into r->text: 1, 0 at its end, LP_E_ABSENT where it was cut off, or what failed. */
static int
unwrap(struct lp_tocread *r)
{
	for (;;) {
		int rc;

		switch (r->eof ? lp_tocjson_eof(&r->json) : lp_tocjson_next(&r->json, &r->in)) {
		case LP_TOCJSON_BYTES:
			r->text = r->json.json;
			return 1;
		case LP_TOCJSON_MORE:
			rc = fill(r);
			if (rc < 0)
				return failed(r, rc);
			r->eof = rc == 0;
			break;
		case LP_TOCJSON_END:
			return 0;
		case LP_TOCJSON_CUT:
			return LP_E_ABSENT;
		case LP_TOCJSON_ERROR:
			lp_err("%s: byte %" PRIu64 ": %s", r->name, r->json.error_offset, r->json.why);
			return failed(r, r->json.status);
		}
	}
}

/* Pass over all of the input, and keep it if it cannot be read again. */
static int
hash_stored(struct lp_tocread *r, char digest[LP_DIGEST_SIZE])
{
	struct lp_hash h;
	uint64_t total = 0;
	struct lp_span in;
	int rc, over = 0;

	lp_hash_init(&h);
	while (!over && (rc = lp_input_next(&r->input, &in)) > 0) {
		lp_hash_add(&h, in);
		total += in.n;
		over = total > LP_MAX_TOC;
		if (!over && !r->input.seeks && (rc = lp_buf_add(&r->kept, in)) != LP_OK) {
			lp_err("out of memory");
			return rc;
		}
	}
	if (over) {
		lp_err("%s: a table of contents larger than the limit of %u bytes", r->name, LP_MAX_TOC);
		return LP_E_LIMIT;
	}
	if (rc < 0)
		return failed(r, rc);
	r->keep = !r->input.seeks;
	lp_hash_end(&h, digest);
	lp_tocread_rewind(r);
	return LP_OK;
}

/* The digest of the JSON; an input that ends early has one too, but not the one that is asked for. */
static int
hash_json(struct lp_tocread *r, char digest[LP_DIGEST_SIZE])
{
	struct lp_hash h;
	uint64_t total = 0;
	int rc;

	lp_hash_init(&h);
	while ((rc = unwrap(r)) > 0) {
		total += r->text.n;
		if (total > LP_MAX_TOC_JSON) {
			lp_err("%s: a table of contents larger than the limit of %u bytes", r->name, LP_MAX_TOC_JSON);
			return LP_E_LIMIT;
		}
		lp_hash_add(&h, r->text);
	}
	if (rc != LP_OK && rc != LP_E_ABSENT)
		return rc;
	lp_hash_end(&h, digest);
	lp_tocread_rewind(r);
	return LP_OK;
}

int
lp_tocread_verify(struct lp_tocread *r, struct lp_span digest)
{
	char got[LP_DIGEST_SIZE];
	int rc = hash_stored(r, got);

	if (rc != LP_OK || lp_span_is(digest, got))
		return rc;
	rc = hash_json(r, got);
	if (rc != LP_OK || lp_span_is(digest, got))
		return rc;
	lp_err("%s: the table of contents does not match its digest %s", r->name, lp_quote(digest));
	return LP_E_DATA;
}

int
lp_tocread_waits(const struct lp_tocread *r)
{
	return r->in.n == 0 && r->text.n == 0 && !r->eof && !r->keep;
}

enum lp_toc_event
lp_tocread_next(struct lp_tocread *r)
{
	enum lp_toc_event ev;

	while ((ev = lp_toc_next(&r->toc, &r->text)) == LP_TOC_MORE) {
		int rc = unwrap(r);

		if (rc == LP_E_ABSENT)
			return LP_TOC_TRUNCATED;
		if (rc < 0)
			return LP_TOC_ERROR;
		if (rc == 0) {
			ev = lp_toc_eof(&r->toc);
			break;
		}
	}
	if (ev == LP_TOC_ERROR)
		lp_err("%s: byte %" PRIu64 " of its JSON: %s", r->name, r->toc.error_offset, r->toc.why);
	return ev;
}
