/* Reads files out of an indexed layer: finds their chunks, fetches, inflates and checks them. */
#include "cmd/cat/toccat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cmd/cat/fetcher.h"
#include "cmd/cat/tarcopy.h"
#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/inflate.h"
#include "common/merge/pick.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/tar/tarwrite.h"
#include "common/toc/chunks.h"
#include "common/toc/tocread.h"

/* Bytes that nobody wants, between two files, that cost less than another request. */
enum { GAP = 64 * 1024 };

/* What is wanted, in the order of the table. */
struct file {
	struct lp_chunks chunks; /* size 0: it has no content */
	size_t head;             /* where its blocks of tar end in `heads` */
	char *name;              /* NULL: the name that was asked for */
};

struct cat {
	const struct lp_toccat *a;
	struct lp_tocread toc;
	struct lp_pick pick;
	struct lp_fetcher fetcher;

	struct file *file;
	size_t n, cap;
	size_t unended;     /* files before this one: where they end is known */
	struct lp_buf heads;

	/* the bytes that come */
	unsigned char *room;
	struct lp_span in;  /* of it, not yet used */
	uint64_t pos;       /* of in.p, in the blob */
	uint64_t stop;      /* behind the range that was asked for; UINT64_MAX: the blob's end */

	/* the file at hand */
	const struct file *now;
	struct lp_inflate inflate;
	const struct lp_deflate_engine *engine;
	uint64_t skip;    /* inflated bytes that still come before it */
	size_t i;         /* the chunk being passed */
	uint64_t at;      /* bytes of it so far */
	uint64_t done;    /* bytes of the file so far */
	uint64_t total;   /* of all files before it */
	struct lp_hash chunk_hash;
	struct lp_hash file_hash;
	struct lp_buf held; /* the chunk, until its digest was seen */
	const char *short_of; /* why the bytes that were fetched do not give the file */
};

static const char *
name_of(const struct cat *c)
{
	return c->now != NULL && c->now->name != NULL ? c->now->name : c->a->name;
}

static int
no_memory(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name or a list of chunks is above the limit");
	return rc;
}

/* ---- in the table of contents ------------------------------------------------- */

/* One more. LP_OK or LP_E_NOMEM. */
static int
add_file(struct cat *c, struct lp_span name)
{
	struct file *all = lp_array_room(c->file, c->n, &c->cap, sizeof(*all));

	if (all == NULL)
		return LP_E_NOMEM;
	c->file = all;
	all[c->n] = (struct file){ .head = c->heads.n };
	lp_chunks_init(&all[c->n].chunks);
	if (c->a->select != NULL && (all[c->n].name = lp_cstr(name)) == NULL)
		return LP_E_NOMEM;
	c->n++;
	return LP_OK;
}

/*
 * Some chunk, of any file: those before it whose end is not known end there
 * at the latest. Those that wait have their last chunks in falling order, or
 * a chunk of a later one would have ended them: the first decides.
 */
static int
end_files(struct cat *c, const struct lp_toc_chunk *chunk)
{
	size_t n = c->n;

	while (c->unended < n && (c->file[c->unended].chunks.size == 0 || lp_chunks_next(&c->file[c->unended].chunks, chunk)))
		c->unended++;
	return c->unended == n;
}

/* An entry that is wanted: its file, its tar blocks, its first chunk. */
static int
take_entry(struct cat *c)
{
	const struct lp_toc *t = &c->toc.toc;
	int rc = add_file(c, t->entry.name);
	struct file *f = c->file + c->n - 1;

	if (rc == LP_OK && c->a->select != NULL && (rc = lp_tarwrite(&t->entry, &c->heads)) == LP_OK)
		f->head = c->heads.n;
	if (rc == LP_OK && t->entry.type == LP_REG && t->entry.size > 0)
		rc = lp_chunks_begin(&f->chunks, t->entry.size, t->digest, &t->chunk);
	return rc;
}

/* The file's remaining chunks, and as much of what follows as tells where they end. */
static int
collect(struct cat *c)
{
	const struct lp_toc *t = &c->toc.toc;
	int rc = take_entry(c), in_file = 1;

	while (rc == LP_OK) {
		enum lp_toc_event ev = lp_tocread_next(&c->toc);

		if (ev == LP_TOC_ERROR)
			return t->status;
		if (ev != LP_TOC_ENTRY && ev != LP_TOC_CHUNK)
			return LP_OK;
		in_file &= ev == LP_TOC_CHUNK;
		if (in_file)
			rc = lp_chunks_add(&c->file[0].chunks, &t->chunk);
		else if (end_files(c, &t->chunk))
			return LP_OK;
	}
	return no_memory(rc);
}

/* All that are selected. */
static int
collect_all(struct cat *c)
{
	const struct lp_toc *t = &c->toc.toc;
	int rc = LP_OK, wanted = 0;

	while (rc == LP_OK) {
		enum lp_toc_event ev = lp_tocread_next(&c->toc);

		if (ev == LP_TOC_ERROR)
			return t->status;
		if (ev == LP_TOC_TRUNCATED) {
			lp_err("%s: not complete: it ends early", c->toc.name);
			return LP_E_ABSENT;
		}
		if (ev != LP_TOC_ENTRY && ev != LP_TOC_CHUNK)
			return LP_OK;
		if (ev == LP_TOC_CHUNK && wanted) {
			rc = lp_chunks_add(&c->file[c->n - 1].chunks, &t->chunk);
			continue;
		}
		if (ev == LP_TOC_CHUNK || t->entry.size > 0)
			(void)end_files(c, &t->chunk);
		if (ev == LP_TOC_ENTRY)
			rc = wanted = lp_select_is_done(c->a->select) ? 0 : lp_select_member(c->a->select, &t->entry);
		if (ev == LP_TOC_ENTRY && wanted > 0)
			rc = take_entry(c);
		wanted &= ev == LP_TOC_ENTRY && t->entry.type == LP_REG;
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
	    lp_quotes(name_of(c)), c->done - c->at, c->done - 1, what);
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
	const struct lp_chunks_one *one = lp_chunks_get(&c->now->chunks, c->i);
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
	if (c->now->chunks.digest[0] != '\0' && strcmp(got, c->now->chunks.digest) != 0)
		return differs(c, "file");
	return 1;
}

/* Inflated bytes. LP_OK to go on, 1 when the file is whole, or a failure. */
static int
take(struct cat *c, struct lp_span out)
{
	lp_span_take(&out, c->skip < out.n ? (size_t)c->skip : out.n);
	while (out.n > 0) {
		uint64_t left = lp_chunks_get(&c->now->chunks, c->i)->size - c->at;
		int rc = pass(c, lp_span_take(&out, left < out.n ? (size_t)left : out.n));

		if (rc != LP_OK)
			return rc;
		if (c->i == lp_chunks_count(&c->now->chunks))
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
	case LP_INFLATE_POINT: /* not asked for */
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

/* More of the range into `in`, if that is used up. 1, 0 at its end, or a failure after a message. */
static int
more(struct cat *c)
{
	ptrdiff_t n = 1;

	if (c->in.n > 0)
		return 1;
	n = lp_fetcher_read(&c->fetcher, c->room, LP_IO_CHUNK);
	if (n < 0) {
		lp_err_errno("lp-fetch");
		return LP_E_SYS;
	}
	c->in = lp_span(c->room, (size_t)n);
	return n > 0;
}

/* What is of the range before `end`, at most `max` bytes of it, is passed. */
static struct lp_span
take_until(struct cat *c, uint64_t end)
{
	struct lp_span s = lp_span_take(&c->in, end - c->pos < c->in.n ? (size_t)(end - c->pos) : c->in.n);

	c->pos += s.n;
	return s;
}

/* Bytes that nobody wants, up to `end`. LP_OK, also where they end before that, or a failure. */
static int
pass_over(struct cat *c, uint64_t end)
{
	int rc = LP_OK;

	while (c->pos < end && (rc = more(c)) > 0)
		(void)take_until(c, end);
	return rc < 0 ? rc : LP_OK;
}

/* Until the file is whole: WHOLE, or a failure, which short_of tells or which was said. */
static int
inflate(struct cat *c)
{
	const uint64_t end = c->now->chunks.end > 0 ? c->now->chunks.end : UINT64_MAX;
	struct lp_span in = lp_span("", 0);
	int eof = 0, rc = LP_OK;

	while (rc == LP_OK) {
		rc = step(c, eof ? lp_inflate_eof(&c->inflate) : lp_inflate_next(&c->inflate, &in));
		if (rc != NEED_INPUT)
			continue;
		rc = c->pos < end ? more(c) : 0;
		if (rc < 0)
			return rc;
		eof = rc == 0;
		in = eof ? lp_span("", 0) : take_until(c, end);
		rc = LP_OK;
	}
	return rc;
}

/* Bytes from the start of file k to the end of the last one that follows it closely. */
static int
ask(struct cat *c, size_t k)
{
	const struct lp_chunks *first = &c->file[k].chunks;
	uint64_t end = first->end;
	int rc = pass_over(c, c->stop);

	for (size_t i = k + 1; i < c->n && end > 0; i++) {
		const struct lp_chunks *next = &c->file[i].chunks;

		if (next->size == 0)
			continue;
		if (next->first < end || next->first - end > GAP)
			break;
		end = next->end;
	}
	c->pos = first->first;
	c->stop = end > 0 ? end : UINT64_MAX;
	if (rc == LP_OK && (rc = lp_fetcher_ask(&c->fetcher, c->pos, end > 0 ? end - 1 : UINT64_MAX)) != LP_OK)
		lp_err_errno("lp-fetch");
	return rc;
}

/* Why a file is not whole: what lp-fetch said, or what its bytes do not give. */
static int
not_whole(struct cat *c, int rc)
{
	int gone;

	if (c->short_of == NULL)
		return rc;
	gone = lp_fetcher_end(&c->fetcher);
	if (gone != LP_EXIT_OK) {
		lp_err_said("lp-fetch failed");
		return gone == LP_EXIT_DATA ? LP_E_DATA : gone == LP_EXIT_ABSENT ? LP_E_ABSENT : LP_E_NET;
	}
	lp_err("%s: bytes %" PRIu64 " and on of the layer: %s", lp_quotes(name_of(c)), c->now->chunks.first, c->short_of);
	return rc;
}

/* The content of file k, which is not empty. */
static int
content(struct cat *c, size_t k)
{
	const struct lp_chunks *chunks = &c->file[k].chunks;
	const char *wrong = lp_chunks_wrong(chunks);
	int rc = LP_OK;

	if (wrong != NULL) {
		lp_err("%s: %s", lp_quotes(name_of(c)), wrong);
		return LP_E_DATA;
	}
	if (c->stop == 0 || chunks->first < c->pos || chunks->first >= c->stop)
		rc = ask(c, k);
	rc = rc != LP_OK ? rc : pass_over(c, chunks->first);
	lp_inflate_release(&c->inflate);
	lp_inflate_init(&c->inflate, LP_FORMAT_UNDECIDED, c->engine);
	c->skip = chunks->inner;
	c->i = 0;
	c->at = c->done = 0;
	lp_hash_init(&c->chunk_hash);
	lp_hash_init(&c->file_hash);
	rc = rc != LP_OK ? rc : inflate(c);
	c->total += c->done;
	return rc == WHOLE ? LP_OK : not_whole(c, rc);
}

/* All files, each behind its blocks of tar and padded, if a tar is wanted. */
static int
fetch(struct cat *c)
{
	static const unsigned char zeros[LP_TAR_BLOCK];
	size_t head = 0;
	int rc = LP_OK;

	if ((c->room = malloc(LP_IO_CHUNK)) == NULL)
		return no_memory(LP_E_NOMEM);
	for (size_t k = 0; k < c->n && rc == LP_OK; k++) {
		const uint64_t over = c->file[k].chunks.size % LP_TAR_BLOCK;

		c->now = &c->file[k];
		rc = lp_put(lp_span(c->heads.p + head, c->now->head - head));
		head = c->now->head;
		if (rc == LP_OK && c->now->chunks.size > 0)
			rc = content(c, k);
		if (rc == LP_OK && c->a->select != NULL && over > 0)
			rc = lp_put(lp_span(zeros, (size_t)(LP_TAR_BLOCK - over)));
	}
	if (rc == LP_OK && c->a->select != NULL && !c->a->open)
		rc = lp_put(lp_tarcopy_marker);
	return rc != LP_OK || c->a->select == NULL ? rc : lp_select_end(c->a->select);
}

/* What is wanted, in the table. */
static int
find(struct cat *c)
{
	int rc;

	if (c->a->select != NULL) {
		rc = lp_select_rows(c->a->select);
		return rc != LP_OK ? rc : collect_all(c);
	}
	rc = no_memory(lp_pick_init(&c->pick, lp_span_str(c->a->name), c->a->follow));
	return rc != LP_OK ? rc : look_up(c);
}

static int
work(struct cat *c)
{
	int rc = lp_lock(LP_DUTY_FILTER);

	if (rc == LP_OK && c->a->digest != NULL)
		rc = lp_tocread_verify(&c->toc, lp_span_str(c->a->digest));
	else if (rc == LP_OK)
		lp_note("%s: not verified: no digest was given", c->toc.name);
	rc = rc != LP_OK ? rc : find(c);
	return rc == LP_OK ? fetch(c) : rc;
}

static void
release(struct cat *c)
{
	for (size_t k = 0; k < c->n; k++) {
		lp_chunks_release(&c->file[k].chunks);
		free(c->file[k].name);
	}
	free(c->file);
	free(c->room);
	lp_inflate_release(&c->inflate);
	lp_buf_release(&c->held);
	lp_buf_release(&c->heads);
	lp_pick_release(&c->pick);
	lp_tocread_release(&c->toc);
}

int
lp_toccat(const struct lp_toccat *a, struct lp_stats *stats)
{
	struct cat c = { .a = a, .in = lp_span("", 0), .engine = lp_deflate_engine(NULL) };
	const char *name;
	int fd = lp_operand_open(a->tocfile, &name), rc;

	if (fd < 0)
		return fd;
	lp_buf_init(&c.held, LP_MAX_HELD_CHUNK);
	lp_buf_init(&c.heads, LP_MAX_TOC_JSON);
	lp_inflate_init(&c.inflate, LP_FORMAT_UNDECIDED, c.engine);
	rc = lp_tocread_open(&c.toc, fd, name);
	if (rc == LP_OK && a->select == NULL && !c.toc.input.seeks) {
		lp_err("%s: not a regular file: a link leads to reading it twice", name);
		rc = LP_E_SYS;
	}
	if (rc == LP_OK && (rc = lp_fetcher_start(&c.fetcher, a->source, a->args, a->nargs)) != LP_OK)
		lp_err_errno("cannot start lp-fetch");
	if (rc == LP_OK) {
		rc = work(&c);
		if (c.fetcher.pid > 0)
			(void)lp_fetcher_end(&c.fetcher);
	}
	stats->bytes_decompressed = (int64_t)c.total;
	stats->entries_found = (int64_t)c.toc.toc.entries;
	release(&c);
	return rc;
}
