/* Reads one file out of an indexed layer: finds its chunks, fetches, inflates and checks them. */
#include "cmd/cat/toccat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cmd/cat/fetcher.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/inflate.h"
#include "common/merge/pick.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/toc/chunks.h"
#include "common/toc/tocread.h"

struct cat {
	const struct lp_toccat *a;
	struct lp_tocread toc;
	struct lp_pick pick;
	struct lp_chunks chunks;
	struct lp_fetcher fetcher;

	struct lp_inflate inflate;
	uint64_t skip;    /* inflated bytes that still come before the file */
	size_t i;         /* the chunk being passed */
	uint64_t at;      /* bytes of it so far */
	uint64_t done;    /* bytes of the file so far */
	struct lp_hash chunk_hash;
	struct lp_hash file_hash;
	struct lp_buf held; /* the chunk, until its digest was seen */
	const char *short_of; /* why the bytes that were fetched do not give the file */
};

static int
no_memory(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name or a list of chunks is above the limit");
	return rc;
}

/* ---- in the table of contents ------------------------------------------------- */

/* The file's remaining chunks, and as much of what follows as tells where they end. */
static int
collect(struct cat *c)
{
	const struct lp_toc *t = &c->toc.toc;
	int rc = lp_chunks_begin(&c->chunks, t->entry.size, t->digest, &t->chunk), in_file = 1;

	while (rc == LP_OK) {
		enum lp_toc_event ev = lp_tocread_next(&c->toc);

		if (ev == LP_TOC_ERROR)
			return t->status;
		if (ev != LP_TOC_ENTRY && ev != LP_TOC_CHUNK)
			return LP_OK;
		in_file &= ev == LP_TOC_CHUNK;
		if (in_file)
			rc = lp_chunks_add(&c->chunks, &t->chunk);
		else if (lp_chunks_next(&c->chunks, &t->chunk))
			return LP_OK;
	}
	return no_memory(rc);
}

static int
absent(struct cat *c, const char *why)
{
	if (c->pick.links > 0)
		lp_err("%s, linked to %s: %s", lp_quotes(c->a->name), lp_quote(lp_buf_span(&c->pick.name)), why);
	else
		lp_err("%s: %s", lp_quotes(c->a->name), why);
	return LP_E_ABSENT;
}

/* Find the file, from the start again for each link that leads on. */
static int
look_up(struct cat *c)
{
	for (;;) {
		enum lp_toc_event ev = lp_tocread_next(&c->toc);
		int verdict;

		if (ev == LP_TOC_CHUNK)
			continue;
		if (ev == LP_TOC_ERROR)
			return c->toc.toc.status;
		if (ev != LP_TOC_ENTRY)
			return absent(c, ev == LP_TOC_TRUNCATED ? "not in the part of the table of contents that is here" :
			    "no such member");
		verdict = lp_pick_member(&c->pick, &c->toc.toc.entry);
		if (verdict == LP_PICK_THIS)
			return collect(c);
		if (verdict == LP_PICK_NONE)
			return absent(c, c->pick.why);
		if (verdict == LP_PICK_MOVED)
			lp_tocread_rewind(&c->toc);
		else if (verdict != LP_PICK_OTHER)
			return no_memory(verdict);
	}
}

/* ---- out of the blob ------------------------------------------------------------ */

static int
differs(struct cat *c, const char *what)
{
	lp_err("%s: the content of bytes %" PRIu64 " to %" PRIu64 " does not match the digest of the %s",
	    lp_quotes(c->a->name), c->done - c->at, c->done - 1, what);
	return LP_E_DATA;
}

static int
end_chunk(struct cat *c, const struct lp_chunks_one *one)
{
	char got[LP_DIGEST_SIZE];
	int rc;

	lp_hash_end(&c->chunk_hash, got);
	if (one->digest[0] != '\0' && strcmp(got, one->digest) != 0)
		return differs(c, "chunk");
	rc = lp_put(lp_buf_span(&c->held));
	lp_buf_clear(&c->held);
	c->i++;
	c->at = 0;
	return rc;
}

/* Bytes of the chunk at hand. */
static int
pass(struct cat *c, struct lp_span s)
{
	const struct lp_chunks_one *one = lp_chunks_get(&c->chunks, c->i);
	int rc;

	lp_hash_add(&c->chunk_hash, s);
	lp_hash_add(&c->file_hash, s);
	c->at += s.n;
	c->done += s.n;
	rc = one->size <= LP_MAX_HELD_CHUNK ? no_memory(lp_buf_add(&c->held, s)) : lp_put(s);
	return rc == LP_OK && c->at == one->size ? end_chunk(c, one) : rc;
}

/* The last byte came: 1. A file that had chunks without digests has only this one. */
static int
end_file(struct cat *c)
{
	char got[LP_DIGEST_SIZE];

	lp_hash_end(&c->file_hash, got);
	c->at = c->done;
	if (c->chunks.digest[0] != '\0' && strcmp(got, c->chunks.digest) != 0)
		return differs(c, "file");
	return 1;
}

/* Inflated bytes. LP_OK to go on, 1 when the file is whole, or a failure. */
static int
take(struct cat *c, struct lp_span out)
{
	lp_span_take(&out, c->skip < out.n ? (size_t)c->skip : out.n);
	while (out.n > 0) {
		uint64_t left = lp_chunks_get(&c->chunks, c->i)->size - c->at;
		int rc = pass(c, lp_span_take(&out, left < out.n ? (size_t)left : out.n));

		if (rc != LP_OK)
			return rc;
		if (c->i == lp_chunks_count(&c->chunks))
			return end_file(c);
	}
	return LP_OK;
}

/* What one event of the inflater leads to: LP_OK is to go on. */
enum { NEED_INPUT = 1, WHOLE };

static int
step(struct cat *c, enum lp_inflate_event ev)
{
	uint64_t before = c->skip;
	int rc;

	switch (ev) {
	case LP_INFLATE_OUTPUT:
		rc = take(c, c->inflate.f.out);
		c->skip -= before < c->inflate.f.out.n ? before : c->inflate.f.out.n;
		return rc == 1 ? WHOLE : rc;
	case LP_INFLATE_MEMBER:
		return LP_OK;
	case LP_INFLATE_MORE:
		return NEED_INPUT;
	case LP_INFLATE_PREVIEW:
	case LP_INFLATE_END:
		c->short_of = "they hold less than the table of contents says";
		return LP_E_DATA;
	case LP_INFLATE_WARNING:
	case LP_INFLATE_ERROR:
		break;
	}
	c->short_of = c->inflate.f.why;
	return LP_E_DATA;
}

/* Until the file is whole: WHOLE, or a failure, which short_of tells or which was said. */
static int
inflate(struct cat *c, unsigned char *buf)
{
	struct lp_span in = lp_span(buf, 0);
	int eof = 0, rc = LP_OK;

	while (rc == LP_OK) {
		ptrdiff_t n;

		rc = step(c, eof ? lp_inflate_eof(&c->inflate) : lp_inflate_next(&c->inflate, &in));
		if (rc != NEED_INPUT)
			continue;
		n = lp_read(c->fetcher.data, buf, LP_IO_CHUNK);
		if (n < 0) {
			lp_err_errno("lp-fetch");
			return LP_E_SYS;
		}
		in = lp_span(buf, (size_t)n);
		eof = n == 0;
		rc = LP_OK;
	}
	return rc;
}

static int
fetch(struct cat *c)
{
	const struct lp_chunks *k = &c->chunks;
	const char *wrong = lp_chunks_wrong(k);
	unsigned char *buf;
	int rc, code;

	if (wrong != NULL) {
		lp_err("%s: %s", lp_quotes(c->a->name), wrong);
		return LP_E_DATA;
	}
	if (k->size == 0)
		return LP_OK;
	if ((buf = malloc(LP_IO_CHUNK)) == NULL)
		return no_memory(LP_E_NOMEM);
	c->skip = k->inner;
	lp_hash_init(&c->chunk_hash);
	lp_hash_init(&c->file_hash);
	rc = lp_fetcher_ask(&c->fetcher, k->first, k->end > 0 ? k->end - 1 : UINT64_MAX);
	if (rc == LP_OK)
		rc = inflate(c, buf);
	else
		lp_err_errno("lp-fetch");
	free(buf);
	code = lp_fetcher_end(&c->fetcher);
	if (rc == WHOLE)
		return LP_OK;
	if (c->short_of == NULL)
		return rc;
	/* lp-fetch has said what kept it from bringing the rest */
	if (code != LP_EXIT_OK) {
		lp_err_said("lp-fetch failed");
		return code == LP_EXIT_DATA ? LP_E_DATA : code == LP_EXIT_ABSENT ? LP_E_ABSENT : LP_E_NET;
	}
	lp_err("%s: bytes %" PRIu64 " and on of the layer: %s", lp_quotes(c->a->name), k->first, c->short_of);
	return rc;
}

static int
work(struct cat *c)
{
	int rc = lp_lock(LP_DUTY_FILTER);

	if (rc == LP_OK && c->a->digest != NULL)
		rc = lp_tocread_verify(&c->toc, lp_span_str(c->a->digest));
	else if (rc == LP_OK)
		lp_note("%s: not verified: no digest was given", c->toc.name);
	if (rc == LP_OK)
		rc = no_memory(lp_pick_init(&c->pick, lp_span_str(c->a->name), c->a->follow));
	if (rc == LP_OK)
		rc = look_up(c);
	return rc == LP_OK ? fetch(c) : rc;
}

int
lp_toccat(const struct lp_toccat *a, struct lp_stats *stats)
{
	struct cat c = { .a = a };
	const char *name;
	int fd = lp_operand_open(a->tocfile, &name), rc;

	if (fd < 0)
		return fd;
	lp_chunks_init(&c.chunks);
	lp_buf_init(&c.held, LP_MAX_HELD_CHUNK);
	lp_inflate_init(&c.inflate, LP_FORMAT_UNDECIDED, lp_deflate_engine(NULL));
	rc = lp_tocread_open(&c.toc, fd, name);
	if (rc == LP_OK && !c.toc.input.seeks) {
		lp_err("%s: not a regular file: a link leads to reading it twice", name);
		rc = LP_E_SYS;
	}
	if (rc == LP_OK && (rc = lp_fetcher_start(&c.fetcher, a->source, a->args, a->nargs)) != LP_OK)
		lp_err_errno("cannot start lp-fetch");
	if (rc == LP_OK)
		rc = work(&c);
	stats->bytes_decompressed = (int64_t)c.done;
	stats->entries_found = (int64_t)c.toc.toc.entries;
	lp_inflate_release(&c.inflate);
	lp_buf_release(&c.held);
	lp_chunks_release(&c.chunks);
	lp_pick_release(&c.pick);
	lp_tocread_release(&c.toc);
	return rc;
}
