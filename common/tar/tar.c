/* The tar reader's state machine: headers, extensions, content, end. */
#include "common/tar/tar.h"

#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/tar/tar_priv.h"

void
lp_tar_init(struct lp_tar *t)
{
	memset(t, 0, sizeof(*t));
	lp_buf_init(&t->body, LP_MAX_EXTENSION);
	lp_buf_init(&t->longname, LP_MAX_EXTENSION);
	lp_buf_init(&t->longlink, LP_MAX_EXTENSION);
	lp_buf_init(&t->xattrs, LP_MAX_XATTRS);
	lp_buf_init(&t->text, LP_MAX_EXTENSION);
	lp_sparse_init(&t->sparse);
}

void
lp_tar_release(struct lp_tar *t)
{
	lp_buf_release(&t->body);
	lp_buf_release(&t->longname);
	lp_buf_release(&t->longlink);
	lp_buf_release(&t->xattrs);
	lp_buf_release(&t->text);
	lp_sparse_release(&t->sparse);
}

/* n bytes off the front of the input. */
static struct lp_span
take(struct lp_tar *t, struct lp_span *in, uint64_t n)
{
	struct lp_span s = lp_span_take(in, n < in->n ? (size_t)n : in->n);

	t->offset += s.n;
	return s;
}

/* Stage one block; true when it is whole. */
static int
stage(struct lp_tar *t, struct lp_span *in, unsigned char *block)
{
	struct lp_span s = take(t, in, LP_TAR_BLOCK - t->nblock);

	if (s.n > 0)
		memcpy(block + t->nblock, s.p, s.n);
	t->nblock += s.n;
	if (t->nblock < LP_TAR_BLOCK)
		return 0;
	t->nblock = 0;
	return 1;
}

/* ---- extensions ---- */

void
lp_tar_forget_extensions(struct lp_tar *t)
{
	if (!t->extended)
		return;
	t->extended = 0;
	lp_pax_clear(&t->pax);
	lp_buf_clear(&t->longname);
	lp_buf_clear(&t->longlink);
}

static struct lp_buf *
collector(struct lp_tar *t)
{
	return t->kind == 'L' ? &t->longname : t->kind == 'K' ? &t->longlink : &t->body;
}

static int
begin_extension(struct lp_tar *t, const struct lp_tarhdr *h)
{
	/* its own header's size and no other: a pax size is meant for the member */
	if (h->size < 0)
		return lp_tar_fail_block(t, LP_E_DATA, "the size is negative");
	if ((uint64_t)h->size > LP_MAX_EXTENSION)
		return lp_tar_fail_block(t, LP_E_LIMIT, "an extension header is larger than this reader allows");
	if (!t->extended)
		t->first = t->offset - LP_TAR_BLOCK;
	t->extended = 1;
	t->kind = h->typeflag;
	t->left = (uint64_t)h->size;
	t->pad = lp_tar_padding(t->left);
	if (t->kind == 'x' || t->kind == 'g')
		t->pax_at = t->offset;
	lp_buf_clear(collector(t));
	t->state = LP_TAR_IN_EXTENSION;
	return LP_TAR_GO_ON;
}

static int
end_extension(struct lp_tar *t)
{
	int rc;

	t->state = LP_TAR_IN_HEADER;
	if (t->kind != 'x' && t->kind != 'g')
		return LP_TAR_GO_ON;
	rc = lp_pax_parse(&t->pax, lp_buf_span(&t->body));
	if (rc != LP_OK)
		return lp_tar_fail(t, rc, t->pax_at + t->pax.bad, t->pax.why);
	/* Go hands a global header out as a member of its own and applies it to none */
	if (t->kind == 'g')
		lp_tar_forget_extensions(t);
	return LP_TAR_GO_ON;
}

static int
step_extension(struct lp_tar *t, struct lp_span *in)
{
	struct lp_span s = take(t, in, t->left);

	if (lp_buf_add(collector(t), s) != LP_OK)
		return lp_tar_no_memory(t);
	t->left -= s.n;
	return t->left > 0 ? LP_TAR_MORE : end_extension(t);
}

/* ---- input that is no tar ---- */

/* What an error is worth telling about input that is no tar at all; static, or NULL. */
static const char *
guess(struct lp_span head)
{
	static const struct { const char *magic; size_t n; const char *what; } known[] = {
		{ "\x1f\x8b", 2, "gzip data, not tar: put lp-inflate in front" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd data, not tar: put lp-inflate in front" },
		{ "BZh", 3, "bzip2 data, not tar" },
		{ "\xfd" "7zXZ", 5, "xz data, not tar" },
		{ "PK\x03\x04", 4, "a ZIP archive, not tar" },
		{ "hsqs", 4, "a squashfs file system, not tar" },
		{ "070701", 6, "a cpio archive, not tar" },
		{ "070702", 6, "a cpio archive, not tar" },
		{ "070707", 6, "a cpio archive, not tar" },
		{ "#!/usr/bin/env run-singularity", 30, "a SIF image, not tar" },
		{ "GGUF", 4, "a GGUF model, not tar" },
		{ "\0asm", 4, "a wasm module, not tar" },
		{ "-----BEGIN PGP SIGNED", 21, "a signed text, not tar" },
		{ "<!DOCTYPE", 9, "an HTML page, not tar" },
		{ "<!doctype", 9, "an HTML page, not tar" },
		{ "<html", 5, "an HTML page, not tar" },
		{ "<HTML", 5, "an HTML page, not tar" },
		{ "<?xml", 5, "an XML document, not tar" },
		{ "{\"", 2, "a JSON document, not tar" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (head.n >= known[i].n && memcmp(head.p, known[i].magic, known[i].n) == 0)
			return known[i].what;
	return NULL;
}

/* ---- one step of each state ---- */

static int
decode_header(struct lp_tar *t)
{
	struct lp_tarhdr h;
	const char *why;

	if (lp_tarhdr_is_zero(t->block)) {
		t->state = LP_TAR_IN_ZERO;
		return LP_TAR_GO_ON;
	}
	if (lp_tarhdr_decode(&h, t->block, &why) != LP_OK) {
		const char *other = t->offset == LP_TAR_BLOCK ? guess(lp_span(t->block, LP_TAR_BLOCK)) : NULL;

		return lp_tar_fail_block(t, LP_E_DATA, other != NULL ? other : why);
	}
	switch (h.typeflag) {
	case 'x': case 'g': case 'L': case 'K':
		return begin_extension(t, &h);
	}
	return lp_tar_begin_member(t, &h);
}

static int
step_header(struct lp_tar *t, struct lp_span *in)
{
	if (t->pad > 0) {
		t->pad -= (unsigned)take(t, in, t->pad).n;
		if (t->pad > 0)
			return LP_TAR_MORE;
	}
	return stage(t, in, t->block) ? decode_header(t) : LP_TAR_MORE;
}

static int
step_gnu_map(struct lp_tar *t, struct lp_span *in)
{
	const char *why;
	int more, rc;

	if (!stage(t, in, t->more))
		return LP_TAR_MORE;
	rc = lp_sparse_gnu_block(&t->sparse, t->more, &more, &why);
	if (rc != LP_OK)
		return lp_tar_fail_block(t, rc, why);
	return more ? LP_TAR_GO_ON : lp_tar_begin_sparse_data(t);
}

static int
step_pax_map(struct lp_tar *t, struct lp_span *in)
{
	const char *why;
	int more, rc;

	if (t->nblock == 0 && t->left < LP_TAR_BLOCK)
		return lp_tar_fail(t, LP_E_DATA, t->offset, "a sparse map is longer than its member");
	if (!stage(t, in, t->more))
		return LP_TAR_MORE;
	t->left -= LP_TAR_BLOCK;
	rc = lp_sparse1_block(&t->sparse1, &t->sparse, t->more, &more, &why);
	if (rc != LP_OK)
		return lp_tar_fail_block(t, rc, why);
	return more ? LP_TAR_GO_ON : lp_tar_begin_sparse_data(t);
}

static int
end_data(struct lp_tar *t)
{
	t->state = LP_TAR_IN_HEADER;
	return t->wanted != LP_TAR_WANT_NOTHING ? LP_TAR_DATA_END : LP_TAR_GO_ON;
}

/* Where the stored piece at or behind the position begins and ends. */
static struct lp_piece
piece_here(struct lp_tar *t)
{
	struct lp_piece whole = { 0, t->entry.size };

	if (!t->sparse_member)
		return whole;
	while (t->piece < t->sparse.n) {
		struct lp_piece p = t->sparse.piece[t->piece];

		if (p.offset + p.length > t->position)
			return p;
		t->piece++;
	}
	return (struct lp_piece){ t->entry.size, 0 };
}

static int
step_content(struct lp_tar *t, struct lp_span *in)
{
	struct lp_piece p;

	/* as Go: only who wants the content sees it */
	if (t->position == 0 && t->sparse_member && t->sparse.stored != t->left)
		return lp_tar_fail(t, LP_E_DATA, t->entry.data_offset, "a sparse map does not match the data that is stored");
	p = piece_here(t);
	if (t->position < p.offset) {
		t->hole = p.offset - t->position;
		t->position = p.offset;
		return LP_TAR_HOLE;
	}
	if (t->position == t->entry.size)
		return end_data(t);
	if (in->n == 0)
		return LP_TAR_MORE;
	t->data = take(t, in, p.offset + p.length - t->position);
	t->left -= t->data.n;
	t->position += t->data.n;
	return LP_TAR_DATA;
}

static int
step_data(struct lp_tar *t, struct lp_span *in)
{
	if (t->wanted == LP_TAR_WANT_CONTENT)
		return step_content(t, in);
	t->left -= take(t, in, t->left).n;
	return t->left > 0 ? LP_TAR_MORE : end_data(t);
}

static int
step_zero(struct lp_tar *t, struct lp_span *in)
{
	if (!stage(t, in, t->block))
		return LP_TAR_MORE;
	if (!lp_tarhdr_is_zero(t->block))
		return lp_tar_fail_block(t, LP_E_DATA, "a zero block is followed by one that is not zero");
	if (t->offset == 2 * LP_TAR_BLOCK) {
		t->state = LP_TAR_IN_BLANK;
		return LP_TAR_GO_ON;
	}
	t->state = LP_TAR_BEHIND_END;
	return LP_TAR_END;
}

/*
 * What leaves its first blocks to a boot loader, told by the block of its
 * superblock: EROFS (erofs_fs.h), ext2 and later (ext4.h), ISO 9660 (ECMA-119, 8.4).
 */
static const char *
guess_image(uint64_t at, const unsigned char *block)
{
	static const struct { uint64_t block, at; const char *magic; const char *what; } known[] = {
		{ 1024, 0, "\xe2\xe1\xf5\xe0", "an EROFS file system, not tar" },
		{ 1024, 56, "\x53\xef", "an ext4 file system, not tar" },
		{ 32768, 1, "CD001", "an ISO 9660 file system, not tar" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (at == known[i].block && memcmp(block + known[i].at, known[i].magic, strlen(known[i].magic)) == 0)
			return known[i].what;
	return "zeros, and then something else: not tar";
}

/* An archive of no members is zeros to its end; what begins with as many may be anything. */
static int
step_blank(struct lp_tar *t, struct lp_span *in)
{
	if (!stage(t, in, t->block))
		return LP_TAR_MORE;
	if (!lp_tarhdr_is_zero(t->block))
		return lp_tar_fail_block(t, LP_E_DATA, guess_image(t->offset - LP_TAR_BLOCK, t->block));
	return LP_TAR_GO_ON;
}

static int
step_done(struct lp_tar *t, struct lp_span *in)
{
	for (size_t i = 0; i < in->n && t->trailing == 0; i++)
		if (in->p[i] != 0)
			t->trailing = t->offset + i;
	take(t, in, in->n);
	return LP_TAR_MORE;
}

enum lp_tar_event
lp_tar_next(struct lp_tar *t, struct lp_span *in)
{
	int ev = LP_TAR_GO_ON;

	while (ev == LP_TAR_GO_ON) {
		switch ((enum lp_tar_state)t->state) {
		case LP_TAR_IN_HEADER:    ev = step_header(t, in); break;
		case LP_TAR_IN_EXTENSION: ev = step_extension(t, in); break;
		case LP_TAR_IN_GNU_MAP:   ev = step_gnu_map(t, in); break;
		case LP_TAR_IN_PAX_MAP:   ev = step_pax_map(t, in); break;
		case LP_TAR_IN_DATA:      ev = step_data(t, in); break;
		case LP_TAR_IN_ZERO:      ev = step_zero(t, in); break;
		case LP_TAR_IN_BLANK:     ev = step_blank(t, in); break;
		case LP_TAR_BEHIND_END:   ev = step_done(t, in); break;
		case LP_TAR_FAILED:       ev = LP_TAR_ERROR; break;
		}
	}
	return (enum lp_tar_event)ev;
}

/* ---- the end of the input ---- */

static int
truncated(struct lp_tar *t, enum lp_tar_at at)
{
	t->at = at;
	return LP_TAR_TRUNCATED;
}

/* The input is whole, and ends behind a member: Go's tar.Reader.Next does not ask for more. */
static int
unmarked(struct lp_tar *t)
{
	t->unmarked = 1;
	t->state = LP_TAR_BEHIND_END;
	return LP_TAR_END;
}

static int
eof_in_header(struct lp_tar *t)
{
	const char *other;

	if (t->whole && t->nblock == 0 && !t->extended)
		return unmarked(t);
	if (t->offset == 0)
		return lp_tar_fail(t, LP_E_DATA, 0, "the input is empty: even a tar without members has an end marker");
	if (t->nblock == 0) {
		if (t->extended)
			return truncated(t, LP_TAR_AT_EXTENSION);
		return truncated(t, t->pad > 0 ? LP_TAR_AT_PADDING : LP_TAR_AT_MEMBER);
	}
	other = t->offset == t->nblock ? guess(lp_span(t->block, t->nblock)) : NULL;
	if (other == NULL && !lp_tarhdr_plausible(lp_span(t->block, t->nblock)))
		other = "the input ends in a header, and that is none of tar";
	if (other != NULL)
		return lp_tar_fail(t, LP_E_DATA, t->offset - t->nblock, other);
	return truncated(t, LP_TAR_AT_HEADER);
}

static int
eof_in_zero(struct lp_tar *t)
{
	for (size_t i = 0; i < t->nblock; i++)
		if (t->block[i] != 0)
			return lp_tar_fail(t, LP_E_DATA, t->offset - t->nblock, t->state == LP_TAR_IN_ZERO ?
			    "a zero block is followed by one that is not zero" : "zeros, and then something else: not tar");
	t->state = LP_TAR_BEHIND_END;
	return LP_TAR_END;
}

enum lp_tar_event
lp_tar_eof(struct lp_tar *t)
{
	switch ((enum lp_tar_state)t->state) {
	case LP_TAR_IN_HEADER:    return (enum lp_tar_event)eof_in_header(t);
	case LP_TAR_IN_ZERO:
	case LP_TAR_IN_BLANK:     return (enum lp_tar_event)eof_in_zero(t);
	case LP_TAR_IN_DATA:      return (enum lp_tar_event)truncated(t, LP_TAR_AT_DATA);
	case LP_TAR_BEHIND_END:   return LP_TAR_END;
	case LP_TAR_FAILED:       return LP_TAR_ERROR;
	case LP_TAR_IN_EXTENSION:
	case LP_TAR_IN_GNU_MAP:
	case LP_TAR_IN_PAX_MAP:
		break;
	}
	return (enum lp_tar_event)truncated(t, LP_TAR_AT_EXTENSION);
}

/* ---- what the caller does not want, and does ---- */

void
lp_tar_want_data(struct lp_tar *t)
{
	t->wanted = LP_TAR_WANT_CONTENT;
	t->position = 0;
	t->piece = 0;
	t->state = LP_TAR_IN_DATA;
}

void
lp_tar_want_end(struct lp_tar *t)
{
	t->wanted = LP_TAR_WANT_END;
	t->state = LP_TAR_IN_DATA;
}

int
lp_tar_is_sparse(const struct lp_tar *t)
{
	return t->sparse_member;
}

int
lp_tar_in_data(const struct lp_tar *t)
{
	return t->state == LP_TAR_IN_DATA;
}

uint64_t
lp_tar_skippable(const struct lp_tar *t)
{
	/* the padding only after the end was told */
	if (t->state == LP_TAR_IN_DATA && t->wanted != LP_TAR_WANT_CONTENT)
		return t->left + (t->wanted == LP_TAR_WANT_NOTHING ? t->pad : 0);
	if (t->state == LP_TAR_IN_HEADER)
		return t->pad;
	return t->state == LP_TAR_BEHIND_END && t->trailing != 0 ? UINT64_MAX : 0;
}

unsigned
lp_tar_skippable_padding(const struct lp_tar *t)
{
	return t->pad;
}

void
lp_tar_skipped(struct lp_tar *t, uint64_t n)
{
	uint64_t data = 0;

	if (t->state == LP_TAR_IN_DATA) {
		data = n < t->left ? n : t->left;
		t->left -= data;
		if (t->left == 0 && t->wanted == LP_TAR_WANT_NOTHING)
			t->state = LP_TAR_IN_HEADER;
	}
	if (t->state == LP_TAR_IN_HEADER)
		t->pad -= (unsigned)(n - data);
	t->offset += n;
}
