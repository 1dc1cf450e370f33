/* Finds the table of contents in a blob: annotations and footers. */
#include "common/toc/footer.h"

#include "common/base/le.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"

enum { FRAME_HEADER = 8, TOC_TYPE_CRFS = 1 };

void
lp_footer_init(struct lp_footer *f)
{
	*f = (struct lp_footer){ .format = LP_TOC_UNKNOWN };
}

const char *
lp_toc_format_name(enum lp_toc_format f)
{
	switch (f) {
	case LP_TOC_ESTARGZ: return "estargz";
	case LP_TOC_ZCHUNKED: return "zstd:chunked";
	case LP_TOC_UNKNOWN: break;
	}
	return "unknown";
}

static int
fail(struct lp_footer *f, int rc, const char *why)
{
	f->why = why;
	return rc;
}

/* The bounds that hold whoever told the place. */
static int
check_place(struct lp_footer *f, const struct lp_footer *p)
{
	uint64_t end;

	if (p->length == 0)
		return fail(f, LP_E_DATA, "the table of contents is said to be empty");
	if (lp_add_u64(p->offset, p->length, &end) != LP_OK)
		return fail(f, LP_E_DATA, "the table of contents is said to end beyond any file");
	if (p->length > LP_MAX_TOC || p->raw > LP_MAX_TOC_JSON)
		return fail(f, LP_E_LIMIT, "the table of contents is larger than the limit");
	if (p->format == LP_TOC_ZCHUNKED && p->offset < FRAME_HEADER)
		return fail(f, LP_E_DATA, "the table of contents is said to lie before its frame");
	return LP_OK;
}

/* Take over a place, unless another one is known already. */
static int
set_place(struct lp_footer *f, const struct lp_footer *p)
{
	int rc = check_place(f, p);

	if (rc != LP_OK)
		return rc;
	if (f->format != LP_TOC_UNKNOWN && f->format != p->format)
		return fail(f, LP_E_DATA, "footer and annotations name different formats");
	if (f->length > 0 && (f->offset != p->offset || f->length != p->length || f->raw != p->raw))
		return fail(f, LP_E_DATA, "two places are told for the table of contents");
	f->format = p->format;
	f->offset = p->offset;
	f->length = p->length;
	f->raw = p->raw;
	return LP_OK;
}

/* ---- annotations --------------------------------------------------------- */

/* manifest-position: OFFSET:LENGTH:RAW:TYPE, decimal. */
static int
set_position(struct lp_footer *f, struct lp_span v)
{
	struct lp_footer p = { .format = LP_TOC_ZCHUNKED };
	uint64_t n[4];

	for (size_t i = 0; i < 4; i++) {
		const unsigned char *colon = v.n > 0 ? memchr(v.p, ':', v.n) : NULL;
		struct lp_span field = lp_span_take(&v, colon != NULL ? (size_t)(colon - v.p) : v.n);

		if ((colon == NULL) != (i == 3) || lp_num_u64(field, UINT64_MAX, &n[i]) != LP_OK)
			return fail(f, LP_E_DATA, "annotation manifest-position is not OFFSET:LENGTH:SIZE:TYPE");
		lp_span_take(&v, 1);
	}
	if (n[3] != TOC_TYPE_CRFS)
		return fail(f, LP_E_DATA, "annotation manifest-position names an unknown type of table of contents");
	p.offset = n[0];
	p.length = n[1];
	p.raw = n[2];
	return set_place(f, &p);
}

static int
set_digest(struct lp_footer *f, char *digest, struct lp_span v)
{
	if (!lp_digest_is_sha256(v))
		return fail(f, LP_E_DATA, "annotation holds no sha256 digest");
	if (digest[0] != '\0' && !lp_span_is(v, digest))
		return fail(f, LP_E_DATA, "two annotations tell different digests");
	memcpy(digest, v.p, v.n);
	digest[v.n] = '\0';
	return LP_OK;
}

int
lp_footer_annotation(struct lp_footer *f, struct lp_span key, struct lp_span value)
{
	static const char *const prefixes[] = { "io.github.containers.zstd-chunked.",
		"io.containers.zstd-chunked." };

	if (lp_span_is(key, "containerd.io/snapshot/stargz/toc.digest"))
		return set_digest(f, f->json_digest, value);
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(prefixes[i]);

		if (key.n < n || memcmp(key.p, prefixes[i], n) != 0)
			continue;
		lp_span_take(&key, n);
		if (lp_span_is(key, "manifest-position"))
			return set_position(f, value);
		if (lp_span_is(key, "manifest-checksum")) {
			f->format = LP_TOC_ZCHUNKED;
			return set_digest(f, f->digest, value);
		}
		break;
	}
	return LP_OK;
}

/* ---- eStargz ------------------------------------------------------------- */

/*
 * All three forms are an empty gzip member (RFC 1952) with an extra field:
 * header, XLEN, [subfield header,] text, then a stored block of no bytes,
 * CRC and length. '@' stands for one of 16 hexadecimal digits.
 */
#define GZ_HEAD "\x1f\x8b\x08\x04\0\0\0\0\0\xff"
#define GZ_TAIL "\x01\0\0\xff\xff\0\0\0\0\0\0\0\0"
#define HEX16 "@@@@@@@@@@@@@@@@"

static const struct estargz_form {
	size_t n;
	const char *pattern;
} estargz_forms[] = {
	{ 51, GZ_HEAD "\x1a\0SG\x16\0" HEX16 "STARGZ" GZ_TAIL },
	{ 47, GZ_HEAD "\x16\0" HEX16 "STARGZ" GZ_TAIL },
	{ 46, GZ_HEAD "\x15\0SG\x11\0STARGZEXTERNALTOC" GZ_TAIL },
};

/* Whether the bytes are this form; *offset gets what the digits say. */
static int
estargz_match(const struct estargz_form *form, const unsigned char *p, uint64_t *offset)
{
	*offset = 0;
	for (size_t i = 0; i < form->n; i++) {
		if (form->pattern[i] != '@') {
			if (p[i] != (unsigned char)form->pattern[i])
				return 0;
		} else if (lp_hex_digit(p[i]) < 0) {
			return 0;
		} else {
			*offset = *offset << 4 | (unsigned)lp_hex_digit(p[i]);
		}
	}
	return 1;
}

/* "STARGZ" where a footer has it: bytes that look like one but are not exactly one are a lie, not a plain layer. */
static int
estargz_claimed(struct lp_span tail)
{
	static const size_t from_end[] = { 19, 30 };

	for (size_t i = 0; i < 2; i++)
		if (tail.n >= from_end[i] && memcmp(tail.p + tail.n - from_end[i], "STARGZ", 6) == 0)
			return 1;
	return 0;
}

static int
estargz_tail(struct lp_footer *f, struct lp_span tail, uint64_t size)
{
	struct lp_footer p = { .format = LP_TOC_ESTARGZ };

	for (size_t i = 0; i < sizeof(estargz_forms) / sizeof(estargz_forms[0]); i++) {
		const struct estargz_form *form = &estargz_forms[i];

		if (tail.n < form->n || !estargz_match(form, tail.p + tail.n - form->n, &p.offset))
			continue;
		if (memchr(form->pattern, '@', form->n) == NULL)
			return fail(f, LP_E_ABSENT, "the table of contents is kept in another image");
		if (p.offset >= size - form->n)
			return fail(f, LP_E_DATA, "the footer points behind the table of contents");
		p.length = size - form->n - p.offset;
		return set_place(f, &p);
	}
	if (estargz_claimed(tail))
		return fail(f, LP_E_DATA, "malformed eStargz footer");
	return fail(f, LP_E_ABSENT, "the blob ends in no footer: it has no table of contents");
}

/* ---- zstd:chunked -------------------------------------------------------- */

/* Length of the skippable frame's payload if one of the known forms ends the blob; 0 if none or more than one. */
static size_t
zchunked_payload(struct lp_span tail)
{
	static const unsigned char forms[] = { 64, 56, 40 };
	size_t found = 0, n = 0;

	for (size_t i = 0; i < sizeof(forms); i++) {
		const unsigned char head[FRAME_HEADER] = { 0x50, 0x2a, 0x4d, 0x18, forms[i], 0, 0, 0 };
		size_t whole = FRAME_HEADER + (size_t)forms[i];

		if (tail.n >= whole && memcmp(tail.p + tail.n - whole, head, sizeof(head)) == 0) {
			n = forms[i];
			found++;
		}
	}
	return found == 1 ? n : 0;
}

static int
zchunked_tail(struct lp_footer *f, struct lp_span tail, uint64_t size)
{
	struct lp_footer p = { .format = LP_TOC_ZCHUNKED };
	size_t n = zchunked_payload(tail);
	const unsigned char *frame;

	if (n == 0)
		return fail(f, LP_E_DATA, "the zstd:chunked magic ends the blob, but not a footer's frame");
	frame = tail.p + tail.n - n;
	p.offset = lp_le64(frame);
	p.length = lp_le64(frame + 8);
	p.raw = lp_le64(frame + 16);
	if (lp_le64(frame + 24) != TOC_TYPE_CRFS)
		return fail(f, LP_E_DATA, "the footer names an unknown type of table of contents");
	if (p.length > size || p.offset > size - p.length ||
	    p.offset + p.length > size - FRAME_HEADER - n)
		return fail(f, LP_E_DATA, "the footer points behind the table of contents");
	return set_place(f, &p);
}

int
lp_footer_tail(struct lp_footer *f, struct lp_span tail, uint64_t size)
{
	static const char magics[2][9] = { "GNUlInUx", "GnUlInUx" };

	if (tail.n > size)
		return fail(f, LP_E_DATA, "the blob is shorter than its end");
	for (size_t i = 0; i < 2; i++)
		if (tail.n >= 8 && memcmp(tail.p + tail.n - 8, magics[i], 8) == 0)
			return zchunked_tail(f, tail, size);
	return estargz_tail(f, tail, size);
}

int
lp_footer_fits(struct lp_footer *f, uint64_t size)
{
	if (f->length == 0)
		return fail(f, LP_E_ABSENT, "the annotations do not tell where the table of contents lies");
	/* set_place saw that the sum is no more than 64 bits */
	if (f->offset + f->length > size)
		return fail(f, LP_E_DATA, "the annotations point behind the blob's end");
	return LP_OK;
}
