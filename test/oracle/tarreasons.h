/*
 * Why two readings of one archive differ: the name of a section in
 * test/oracle/differences, or NULL for a disagreement of no known kind.
 * Told by the first thing that differs; what comes behind it may differ for
 * no other reason than that.
 */
#ifndef LP_TEST_TARREASONS_H
#define LP_TEST_TARREASONS_H

#include "common/base/status.h"
#include "test/oracle/tarrows.h"

/* What we refuse, and libarchive reads in some way. */
static const struct {
	const char *why; /* how our message starts */
	const char *reason;
} refusals[] = {
	{ "a zero block is followed", "zero-block-between" },
	{ "the user ID is not", "number-with-letters" },
	{ "the group ID is not", "number-with-letters" },
	{ "the mode is not", "number-with-letters" },
	{ "the size is not", "number-with-letters" },
	{ "the modification time is not", "number-with-letters" },
	{ "a time is not", "number-with-letters" },
	{ "the device's major number is not", "number-with-letters" },
	{ "the device's minor number is not", "number-with-letters" },
	{ "a sparse file's size is not", "number-with-letters" },
	{ "a pax record's length", "pax-record-too-long" },
	{ "a pax record is too short", "pax-record-too-long" },
	{ "a pax record does not end", "pax-record-without-newline" },
	{ "a pax record has no key", "pax-record-without-key" },
	{ "a pax record's key holds a NUL", "pax-nul-in-key" },
	{ "a pax record's name holds a NUL", "pax-nul-in-path" },
	{ "a pax time is not", "pax-time-with-exponent" },
	{ "the pax user ID is not", "pax-number-with-letters" },
	{ "the pax group ID is not", "pax-number-with-letters" },
	{ "the pax size is not", "pax-number-with-letters" },
	{ "a sparse file of a format other", "sparse-map-of-no-gnu" },
	{ "a sparse map does not match", "sparse-map-too-short" },
	{ "a sparse map holds something", "sparse-map-with-letters" },
	{ "a sparse map's number of pieces", "sparse-map-without-number" },
	{ "a sparse map has more numbers", "sparse-map-without-number" },
	{ "a sparse map leads out", "sparse-map-too-far" },
	{ "the pieces of a sparse map overlap", "sparse-map-overlap" },
};

/* ---- a member's header ------------------------------------------------------------ */

/* The block of the member itself, behind its extensions and before its data; NULL if it cannot be told. */
static inline const unsigned char *
reasons_header(struct lp_span tar, const struct row *x)
{
	uint64_t at = x->data_offset - LP_TAR_BLOCK;

	/* maps of old sparse files stand between */
	while (at > x->header_offset && at + LP_TAR_BLOCK <= tar.n && (unsigned char)x->typeflag != tar.p[at + 156])
		at -= LP_TAR_BLOCK;
	return at + LP_TAR_BLOCK <= tar.n ? tar.p + at : NULL;
}

static inline int
reasons_has(const unsigned char *h, size_t at, const char *bytes, size_t n)
{
	return h != NULL && memcmp(h + at, bytes, n) == 0;
}

/* Begins as POSIX's or GNU's magic does, and is neither. */
static inline int
reasons_half_magic(const unsigned char *h)
{
	return reasons_has(h, 257, "ustar", 5) && !reasons_has(h, 257, "ustar\0", 6) && !reasons_has(h, 257, "ustar  ", 8);
}

/* GNU's fields for a sparse file, in a header of another type. */
static inline int
reasons_stray_sparse(const unsigned char *h)
{
	if (!reasons_has(h, 257, "ustar  ", 8) || h[156] == 'S')
		return 0;
	for (size_t i = 386; i < 495; i++)
		if (h[i] != '\0')
			return 1;
	return 0;
}

/* Digits that a NUL stands in front of. */
static inline int
reasons_behind_nul(const unsigned char *h)
{
	static const struct { size_t at, n; } fields[] = {
		{ 100, 8 }, { 108, 8 }, { 116, 8 }, { 124, 12 }, { 136, 12 }, { 329, 8 }, { 337, 8 }
	};

	for (size_t i = 0; h != NULL && i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t k = 1; h[fields[i].at] == '\0' && k < fields[i].n; k++)
			if (h[fields[i].at + k] >= '0' && h[fields[i].at + k] <= '7')
				return 1;
	return 0;
}

/* Whether any header behind the one member and up to the next has more in its checksum's field than a number. */
static inline int
reasons_odd_checksum(struct lp_span tar, const struct rows *a, size_t next)
{
	uint64_t at = next > 0 ? a->v[next - 1].data_offset : 0, end = a->v[next].data_offset;

	for (; at < end && at + LP_TAR_BLOCK <= tar.n; at += LP_TAR_BLOCK)
		for (size_t i = 148; i < 156; i++)
			if (strchr(" 01234567", tar.p[at + i]) == NULL && tar.p[at + i] != '\0')
				return 1;
	return 0;
}

static inline int
reasons_pax_sparse(struct lp_span tar, const struct row *x)
{
	uint64_t end = x->data_offset < tar.n ? x->data_offset : tar.n;

	return end > x->header_offset &&
	    memmem(tar.p + x->header_offset, end - x->header_offset, "GNU.", 4) != NULL;
}

/* ---- the kinds -------------------------------------------------------------------- */

/* The first field that differs, in the order of struct row; NULL: none. */
static inline const char *
reasons_of_row(struct lp_span tar, const struct row *a, const struct row *b)
{
	const unsigned char *h = reasons_header(tar, a);
	int name = !lp_span_eq(lp_buf_span(&a->name), lp_buf_span(&b->name));

	if (a->type == 'h' && a->link.n == 0 && b->type != 'h')
		return "hard-link-to-nothing";
	if (a->type == '-' && b->type == 'd' && a->name.n > 0 && a->name.p[a->name.n - 1] == '/')
		return "file-with-slash";
	if (name && b->name.n == 0)
		return "long-name-empty";
	if (a->typeflag == 'A' || a->typeflag == 'X')
		return "solaris-header";
	if (name && reasons_has(h, 257, "ustar  ", 8) && h[345] != '\0')
		return "gnu-with-prefix";
	if (!lp_span_eq(lp_buf_span(&a->link), lp_buf_span(&b->link)) && b->link.n == 0)
		return "long-link-alone";
	if (reasons_half_magic(h))
		return "magic-with-letters";
	if ((name || a->size != b->size) && reasons_pax_sparse(tar, a))
		return "sparse-records-of-no-version";
	if (a->size != b->size && reasons_stray_sparse(h))
		return "sparse-fields-of-no-sparse-file";
	if (reasons_behind_nul(h))
		return "number-behind-nul";
	return NULL;
}

static inline const char *
reasons_of_end(struct lp_span tar, const struct rows *a, const struct rows *b)
{
	if (b->ended == ENDED_BAD && b->n < a->n && reasons_odd_checksum(tar, a, b->n))
		return "checksum-with-letters";
	for (size_t i = b->n > 0 ? b->n - 1 : 0; b->ended == ENDED_BAD && i <= b->n && i < a->n; i++) {
		if (reasons_stray_sparse(reasons_header(tar, &a->v[i])))
			return "sparse-fields-of-no-sparse-file";
		if (i < b->n && a->v[i].type == 'h')
			return "hard-link-with-pax-size";
	}
	if (a->ended == ENDED_CUT && b->ended == ENDED_WELL && a->n == b->n)
		return "no-end-marker";
	if (b->n == 0 && strcmp(b->why, "Unrecognized archive format") == 0)
		return "first-header-odd";
	if (strcmp(b->why, "Non-regular file cannot be sparse") == 0)
		return "sparse-of-another-type";
	for (size_t i = 0; a->ended == ENDED_BAD && i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strncmp(a->why, refusals[i].why, strlen(refusals[i].why)) == 0)
			return refusals[i].reason;
	if (a->ended == ENDED_WELL && b->ended == ENDED_BAD && a->n == b->n)
		return "extension-at-the-end";
	return NULL;
}

#endif
