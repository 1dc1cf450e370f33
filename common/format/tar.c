#include "common/format/tar.h"

#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"

enum state {
	HEADER,    /* passing `pad`, then staging a header block */
	EXTENSION, /* collecting the body of L, K, x or g */
	GNU_MAP,   /* staging a continuation block of an old GNU sparse map */
	PAX_MAP,   /* staging a block of a pax 1.0 sparse map */
	DATA,      /* passing or handing out a member's data */
	ZERO,      /* one zero block seen, staging the second */
	DONE,
	FAILED
};

enum wanted { NOTHING, THE_END, CONTENT };

/* No event yet: take the next step. */
enum { GO_ON = -1 };

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

static int
fail(struct lp_tar *t, int status, uint64_t offset, const char *why)
{
	t->state = FAILED;
	t->status = status;
	t->error_offset = offset;
	t->why = why;
	return LP_TAR_ERROR;
}

/* The block staged last is to blame. */
static int
fail_block(struct lp_tar *t, int status, const char *why)
{
	return fail(t, status, t->offset - LP_TAR_BLOCK, why);
}

static int
no_memory(struct lp_tar *t)
{
	return fail(t, LP_E_NOMEM, t->offset, "out of memory");
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

static unsigned
padding(uint64_t n)
{
	return (unsigned)(-n & (LP_TAR_BLOCK - 1));
}

/* ---- a member ---- */

/* What the extensions seen so far were for is there, or will never come. */
static void
forget_extensions(struct lp_tar *t)
{
	if (!t->extended)
		return;
	t->extended = 0;
	lp_pax_clear(&t->pax);
	lp_buf_clear(&t->longname);
	lp_buf_clear(&t->longlink);
}

/* The types that have no data whatever their size says. */
static int
header_only(char typeflag)
{
	return typeflag >= '1' && typeflag <= '6';
}

static struct lp_span
joined_name(struct lp_tar *t, const struct lp_tarhdr *h)
{
	size_t n = h->prefix.n;

	if (n == 0)
		return h->name;
	memcpy(t->name, h->prefix.p, n);
	t->name[n++] = '/';
	if (h->name.n > 0)
		memcpy(t->name + n, h->name.p, h->name.n);
	return lp_span(t->name, n + h->name.n);
}

/* A GNU long name beats pax, which beats the header, whatever their order. */
static struct lp_span
strongest(const struct lp_buf *gnu, struct lp_span pax, struct lp_span header)
{
	struct lp_span s = gnu->n > 0 ? lp_tar_string(gnu->p, gnu->n) : lp_span(NULL, 0);

	return s.n > 0 ? s : pax.n > 0 ? pax : header;
}

static int
pax_number(const struct lp_pax *p, enum lp_pax_key k, int64_t *v)
{
	return p->value[k].n == 0 ? LP_OK : lp_pax_int(p->value[k], v);
}

static int
pax_time(const struct lp_pax *p, enum lp_pax_key k, int64_t *sec, uint32_t *nsec)
{
	return p->value[k].n == 0 ? LP_OK : lp_pax_time(p->value[k], sec, nsec);
}

/* Put what pax says over what the header says. NULL, or why that is wrong. */
static const char *
merge_pax(const struct lp_pax *p, struct lp_tarhdr *h, uint32_t *nsec)
{
	int64_t unused;
	uint32_t unused_nsec;

	if (p->body.n == 0)
		return NULL;
	if (p->value[LP_PAX_UNAME].n > 0)
		h->uname = p->value[LP_PAX_UNAME];
	if (p->value[LP_PAX_GNAME].n > 0)
		h->gname = p->value[LP_PAX_GNAME];
	if (pax_number(p, LP_PAX_UID, &h->uid) != LP_OK)
		return "the pax user ID is not a number";
	if (pax_number(p, LP_PAX_GID, &h->gid) != LP_OK)
		return "the pax group ID is not a number";
	if (pax_number(p, LP_PAX_SIZE, &h->size) != LP_OK)
		return "the pax size is not a number";
	if (pax_time(p, LP_PAX_MTIME, &h->mtime, nsec) != LP_OK ||
	    pax_time(p, LP_PAX_ATIME, &unused, &unused_nsec) != LP_OK ||
	    pax_time(p, LP_PAX_CTIME, &unused, &unused_nsec) != LP_OK)
		return "a pax time is not a number";
	if (p->value[LP_PAX_MTIME].n > 0)
		h->has_mtime = 1;
	return NULL;
}

static void
set_device(struct lp_entry *e, const struct lp_tarhdr *h)
{
	if (e->type != LP_CHAR && e->type != LP_BLOCK)
		return;
	if (h->format == LP_TARFMT_V7 || h->devmajor < 0 || h->devmajor > UINT32_MAX ||
	    h->devminor < 0 || h->devminor > UINT32_MAX)
		return;
	e->devmajor = (uint32_t)h->devmajor;
	e->devminor = (uint32_t)h->devminor;
	e->has |= LP_HAS_DEV;
}

static void
set_attributes(struct lp_entry *e, const struct lp_tarhdr *h)
{
	e->typeflag = h->typeflag == '\0' ? '0' : h->typeflag;
	e->has = LP_HAS_TYPEFLAG | LP_HAS_OFFSETS;
	e->mode = (uint32_t)h->mode & 07777;
	e->uid = h->uid;
	e->gid = h->gid;
	e->mtime = h->mtime;
	e->has |= h->has_mtime ? LP_HAS_MTIME : 0;
	e->uname = h->uname;
	e->has |= h->uname.n > 0 ? LP_HAS_UNAME : 0;
	e->gname = h->gname;
	e->has |= h->gname.n > 0 ? LP_HAS_GNAME : 0;
	set_device(e, h);
}

/* The name decides about the type, too. */
static int
set_names(struct lp_tar *t, const struct lp_tarhdr *h)
{
	struct lp_entry *e = &t->entry;

	e->name = strongest(&t->longname, t->pax.value[LP_PAX_PATH], joined_name(t, h));
	e->type = lp_type_of_flag(h->typeflag);
	if (h->typeflag == '\0' && e->name.n > 0 && e->name.p[e->name.n - 1] == '/')
		e->type = LP_DIR;
	if (e->type == LP_SYMLINK || e->type == LP_HARDLINK)
		e->linkname = strongest(&t->longlink, t->pax.value[LP_PAX_LINKPATH], h->linkname);
	if (e->name.n > LP_MAX_PATH || e->linkname.n > LP_MAX_PATH)
		return fail_block(t, LP_E_LIMIT, "a name is longer than this reader allows");
	return GO_ON;
}

/* Everything about the member is known: its data comes next, `left` bytes of it. */
static int
begin_data(struct lp_tar *t)
{
	t->entry.data_offset = t->offset;
	t->state = t->left > 0 ? DATA : HEADER;
	t->wanted = NOTHING;
	forget_extensions(t);
	/* a volume label names the archive; it is no file, and nobody extracts it */
	if (t->entry.typeflag == 'V')
		return GO_ON;
	t->members++;
	return LP_TAR_MEMBER;
}

/* The map is complete: it has to fit what is stored and what it says it expands to. */
static int
begin_sparse_data(struct lp_tar *t)
{
	t->sparse_member = 1;
	if (t->sparse.end > t->entry.size)
		return fail_block(t, LP_E_DATA, "a sparse map leads out of its file");
	if (t->sparse.stored != t->left)
		return fail_block(t, LP_E_DATA, "a sparse map does not match the data that is stored");
	return begin_data(t);
}

enum sparse_kind { SPARSE_NONE, SPARSE_GNU, SPARSE_PAX0, SPARSE_PAX1 };

static enum sparse_kind
sparse_kind(const struct lp_tar *t, const struct lp_tarhdr *h)
{
	struct lp_span major = t->pax.value[LP_PAX_SPARSE_MAJOR];
	struct lp_span minor = t->pax.value[LP_PAX_SPARSE_MINOR];

	if (h->typeflag == 'S')
		return SPARSE_GNU;
	if (t->pax.body.n == 0)
		return SPARSE_NONE;
	if (lp_span_is(major, "0") && (lp_span_is(minor, "0") || lp_span_is(minor, "1")))
		return SPARSE_PAX0;
	if (lp_span_is(major, "1") && lp_span_is(minor, "0"))
		return SPARSE_PAX1;
	/* an unknown version is listed as what is stored; the first two had no version */
	if (major.n > 0 || minor.n > 0)
		return SPARSE_NONE;
	return t->pax.value[LP_PAX_SPARSE_MAP].n > 0 || t->pax.npairs > 0 ? SPARSE_PAX0 : SPARSE_NONE;
}

static int
begin_gnu_sparse(struct lp_tar *t, const struct lp_tarhdr *h)
{
	const char *why;
	int more, rc;

	/* star uses the same letter for something else */
	if (h->format != LP_TARFMT_GNU)
		return fail_block(t, LP_E_DATA, "a sparse file of a format other than GNU's");
	rc = lp_sparse_gnu_header(&t->sparse, t->block, &t->entry.size, &more, &why);
	if (rc != LP_OK)
		return fail_block(t, rc, why);
	if (!more)
		return begin_sparse_data(t);
	t->state = GNU_MAP;
	return GO_ON;
}

static int
begin_pax_sparse(struct lp_tar *t, enum sparse_kind kind)
{
	const struct lp_span *v = t->pax.value;
	struct lp_span real = v[LP_PAX_SPARSE_SIZE].n > 0 ? v[LP_PAX_SPARSE_SIZE] : v[LP_PAX_SPARSE_REALSIZE];
	const char *why;
	int64_t size;
	int rc;

	if (v[LP_PAX_SPARSE_NAME].n > 0)
		t->entry.name = v[LP_PAX_SPARSE_NAME];
	if (t->entry.name.n > LP_MAX_PATH)
		return fail_block(t, LP_E_LIMIT, "a name is longer than this reader allows");
	if (header_only(t->entry.typeflag) || t->entry.type != LP_REG)
		return fail_block(t, LP_E_DATA, "a sparse map on something that has no data");
	if (real.n > 0) {
		if (lp_pax_int(real, &size) != LP_OK || size < 0)
			return fail(t, LP_E_DATA, t->pax_at, "a sparse file's size is not a number");
		t->entry.size = (uint64_t)size;
	}
	if (kind == SPARSE_PAX1) {
		lp_sparse1_init(&t->sparse1);
		t->state = PAX_MAP;
		return GO_ON;
	}
	rc = lp_sparse_pax0(&t->sparse, &t->pax, &why);
	return rc == LP_OK ? begin_sparse_data(t) : fail(t, rc, t->pax_at, why);
}

static int
begin_member(struct lp_tar *t, struct lp_tarhdr *h)
{
	enum sparse_kind kind = sparse_kind(t, h);
	struct lp_entry *e = &t->entry;
	const char *why;
	int rc;

	*e = (struct lp_entry){ .header_offset = t->extended ? t->first : t->offset - LP_TAR_BLOCK };
	why = merge_pax(&t->pax, h, &e->mtime_nsec);
	if (why != NULL)
		return fail(t, LP_E_DATA, t->pax_at, why);
	rc = set_names(t, h);
	if (rc != GO_ON)
		return rc;
	set_attributes(e, h);
	rc = lp_pax_xattrs(&t->pax, &t->xattrs, &t->text, &e->nxattrs);
	if (rc != LP_OK)
		return no_memory(t);
	e->xattrs = (const struct lp_xattr *)(const void *)t->xattrs.p;

	t->left = header_only(h->typeflag) || (h->typeflag == '\0' && e->type == LP_DIR) ? 0 :
	    (uint64_t)h->size;
	if (t->left > INT64_MAX)
		return fail_block(t, LP_E_DATA, "the size is negative");
	t->pad = padding(t->left);
	e->size = t->left;
	t->sparse_member = 0;
	lp_sparse_clear(&t->sparse);
	if (kind == SPARSE_NONE)
		return begin_data(t);
	return kind == SPARSE_GNU ? begin_gnu_sparse(t, h) : begin_pax_sparse(t, kind);
}

/* ---- extensions ---- */

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
		return fail_block(t, LP_E_DATA, "the size is negative");
	if ((uint64_t)h->size > LP_MAX_EXTENSION)
		return fail_block(t, LP_E_LIMIT, "an extension header is larger than this reader allows");
	if (!t->extended)
		t->first = t->offset - LP_TAR_BLOCK;
	t->extended = 1;
	t->kind = h->typeflag;
	t->left = (uint64_t)h->size;
	t->pad = padding(t->left);
	if (t->kind == 'x' || t->kind == 'g')
		t->pax_at = t->offset;
	lp_buf_clear(collector(t));
	t->state = EXTENSION;
	return GO_ON;
}

static int
end_extension(struct lp_tar *t)
{
	int rc;

	t->state = HEADER;
	if (t->kind != 'x' && t->kind != 'g')
		return GO_ON;
	rc = lp_pax_parse(&t->pax, lp_buf_span(&t->body));
	if (rc != LP_OK)
		return fail(t, rc, t->pax_at + t->pax.bad, t->pax.why);
	/* Go hands a global header out as a member of its own and applies it to none */
	if (t->kind == 'g')
		forget_extensions(t);
	return GO_ON;
}

static int
step_extension(struct lp_tar *t, struct lp_span *in)
{
	struct lp_span s = take(t, in, t->left);

	if (lp_buf_add(collector(t), s) != LP_OK)
		return no_memory(t);
	t->left -= s.n;
	return t->left > 0 ? LP_TAR_MORE : end_extension(t);
}

/* ---- one step of each state ---- */

static int
decode_header(struct lp_tar *t)
{
	struct lp_tarhdr h;
	const char *why;

	if (lp_tarhdr_is_zero(t->block)) {
		t->state = ZERO;
		return GO_ON;
	}
	if (lp_tarhdr_decode(&h, t->block, &why) != LP_OK) {
		const char *guess = t->offset == LP_TAR_BLOCK ?
		    lp_tar_guess(lp_span(t->block, LP_TAR_BLOCK)) : NULL;

		return fail_block(t, LP_E_DATA, guess != NULL ? guess : why);
	}
	switch (h.typeflag) {
	case 'x': case 'g': case 'L': case 'K':
		return begin_extension(t, &h);
	}
	return begin_member(t, &h);
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
		return fail_block(t, rc, why);
	return more ? GO_ON : begin_sparse_data(t);
}

static int
step_pax_map(struct lp_tar *t, struct lp_span *in)
{
	const char *why;
	int more, rc;

	if (t->nblock == 0 && t->left < LP_TAR_BLOCK)
		return fail(t, LP_E_DATA, t->offset, "a sparse map is longer than its member");
	if (!stage(t, in, t->more))
		return LP_TAR_MORE;
	t->left -= LP_TAR_BLOCK;
	rc = lp_sparse1_block(&t->sparse1, &t->sparse, t->more, &more, &why);
	if (rc != LP_OK)
		return fail_block(t, rc, why);
	return more ? GO_ON : begin_sparse_data(t);
}

static int
end_data(struct lp_tar *t)
{
	t->state = HEADER;
	return t->wanted != NOTHING ? LP_TAR_DATA_END : GO_ON;
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
	struct lp_piece p = piece_here(t);

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
	if (t->wanted == CONTENT)
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
		return fail_block(t, LP_E_DATA, "a zero block is followed by one that is not zero");
	t->state = DONE;
	return LP_TAR_END;
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
	int ev = GO_ON;

	while (ev == GO_ON) {
		switch ((enum state)t->state) {
		case HEADER:    ev = step_header(t, in); break;
		case EXTENSION: ev = step_extension(t, in); break;
		case GNU_MAP:   ev = step_gnu_map(t, in); break;
		case PAX_MAP:   ev = step_pax_map(t, in); break;
		case DATA:      ev = step_data(t, in); break;
		case ZERO:      ev = step_zero(t, in); break;
		case DONE:      ev = step_done(t, in); break;
		case FAILED:    ev = LP_TAR_ERROR; break;
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

static int
eof_in_header(struct lp_tar *t)
{
	const char *guess;

	if (t->offset == 0)
		return fail(t, LP_E_DATA, 0, "the input is empty: even a tar without members has an end marker");
	if (t->nblock == 0) {
		if (t->extended)
			return truncated(t, LP_TAR_AT_EXTENSION);
		return truncated(t, t->pad > 0 ? LP_TAR_AT_PADDING : LP_TAR_AT_MEMBER);
	}
	guess = t->offset == t->nblock ? lp_tar_guess(lp_span(t->block, t->nblock)) : NULL;
	if (guess == NULL && !lp_tarhdr_plausible(lp_span(t->block, t->nblock)))
		guess = "the input ends in a header, and that is none of tar";
	if (guess != NULL)
		return fail(t, LP_E_DATA, t->offset - t->nblock, guess);
	return truncated(t, LP_TAR_AT_HEADER);
}

static int
eof_in_zero(struct lp_tar *t)
{
	for (size_t i = 0; i < t->nblock; i++)
		if (t->block[i] != 0)
			return fail(t, LP_E_DATA, t->offset - t->nblock,
			    "a zero block is followed by one that is not zero");
	t->state = DONE;
	return LP_TAR_END;
}

enum lp_tar_event
lp_tar_eof(struct lp_tar *t)
{
	switch ((enum state)t->state) {
	case HEADER:    return (enum lp_tar_event)eof_in_header(t);
	case ZERO:      return (enum lp_tar_event)eof_in_zero(t);
	case DATA:      return (enum lp_tar_event)truncated(t, LP_TAR_AT_DATA);
	case DONE:      return LP_TAR_END;
	case FAILED:    return LP_TAR_ERROR;
	case EXTENSION:
	case GNU_MAP:
	case PAX_MAP:
		break;
	}
	return (enum lp_tar_event)truncated(t, LP_TAR_AT_EXTENSION);
}

/* ---- what the caller does not want, and does ---- */

void
lp_tar_want_data(struct lp_tar *t)
{
	t->wanted = CONTENT;
	t->position = 0;
	t->piece = 0;
	t->state = DATA;
}

void
lp_tar_want_end(struct lp_tar *t)
{
	t->wanted = THE_END;
	t->state = DATA;
}

int
lp_tar_in_data(const struct lp_tar *t)
{
	return t->state == DATA;
}

uint64_t
lp_tar_skippable(const struct lp_tar *t)
{
	/* the padding only after the end was told */
	if (t->state == DATA && t->wanted != CONTENT)
		return t->left + (t->wanted == NOTHING ? t->pad : 0);
	if (t->state == HEADER)
		return t->pad;
	return t->state == DONE && t->trailing != 0 ? UINT64_MAX : 0;
}

void
lp_tar_skipped(struct lp_tar *t, uint64_t n)
{
	uint64_t data = 0;

	if (t->state == DATA) {
		data = n < t->left ? n : t->left;
		t->left -= data;
		if (t->left == 0 && t->wanted == NOTHING)
			t->state = HEADER;
	}
	if (t->state == HEADER)
		t->pad -= (unsigned)(n - data);
	t->offset += n;
}

/* ---- input that is no tar ---- */

const char *
lp_tar_guess(struct lp_span head)
{
	static const struct { const char *magic; size_t n; const char *what; } known[] = {
		{ "\x1f\x8b", 2, "gzip data, not tar: put lp-inflate in front" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd data, not tar: put lp-inflate in front" },
		{ "BZh", 3, "bzip2 data, not tar" },
		{ "\xfd" "7zXZ", 5, "xz data, not tar" },
		{ "PK\x03\x04", 4, "a ZIP archive, not tar" },
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
