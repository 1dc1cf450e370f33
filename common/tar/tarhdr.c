/* Decodes one 512-byte header block. */
#include "common/tar/tarhdr.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "common/base/le.h"
#include "common/base/status.h"

/* Offset and length of each field. */
#define NAME      0, 100
#define MODE    100, 8
#define UID     108, 8
#define GID     116, 8
#define SIZE    124, 12
#define MTIME   136, 12
#define CHKSUM  148, 8
#define LINK    157, 100
#define UNAME   265, 32
#define GNAME   297, 32
#define MAJOR   329, 8
#define MINOR   337, 8
#define PREFIX  345, 155
#define STAR_PREFIX 345, 131
#define STAR_ATIME  476, 12
#define STAR_CTIME  488, 12
#define GNU_ATIME   345, 12
#define GNU_CTIME   357, 12

enum { TYPEFLAG_AT = 156, MAGIC_AT = 257, STAR_MAGIC_AT = 508 };

static struct lp_span
string_at(const unsigned char *block, size_t at, size_t n)
{
	return lp_tar_string(block + at, n);
}

struct lp_span
lp_tar_string(const unsigned char *field, size_t n)
{
	/* most prefixes and link names */
	if (field[0] == '\0')
		return lp_span(field, 0);
	return lp_span(field, strnlen((const char *)field, n));
}

static int
base256(const unsigned char *p, size_t n, int64_t *out)
{
	unsigned char invert = p[0] & 0x40 ? 0xff : 0;
	uint64_t v = (unsigned char)(p[0] ^ invert) & 0x7f;

	for (size_t i = 1; i < n; i++) {
		if (v >> 56 != 0)
			return LP_E_DATA;
		v = v << 8 | (unsigned char)(p[i] ^ invert);
	}
	if (v > INT64_MAX)
		return LP_E_DATA;
	*out = invert ? -(int64_t)v - 1 : (int64_t)v;
	return LP_OK;
}

/* Eight octal digits, the first of them lowest, joined by twos, fours and eights; -1 if one is none. */
static inline int64_t
eight_digits(uint64_t w)
{
	w ^= 0x3030303030303030;
	if (w & ~(uint64_t)0x0707070707070707)
		return -1;
	w = ((w & 0x00ff00ff00ff00ff) << 3) + (w >> 8 & 0x00ff00ff00ff00ff);
	w = ((w & 0x0000ffff0000ffff) << 6) + (w >> 16 & 0x0000ffff0000ffff);
	return (int64_t)(((w & 0xffffffff) << 12) + (w >> 32));
}

static int
filler(unsigned char c)
{
	return c == ' ' || c == '\0';
}

/* 21 digits at most fit in 63 bits: no field is longer, so nothing overflows. */
static int
octal(const unsigned char *p, size_t n, int64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && filler(p[i]))
		i++;
	for (; i < n && (unsigned)(p[i] - '0') < 8; i++)
		v = v << 3 | (unsigned)(p[i] - '0');
	/* a NUL ends the number whatever is behind it, a blank only if nothing is */
	if (i < n && p[i] != '\0')
		for (; i < n; i++)
			if (!filler(p[i]))
				return LP_E_DATA;
	*out = (int64_t)v;
	return LP_OK;
}

int
lp_tar_number(const unsigned char *field, size_t n, int64_t *out)
{
	return field[0] & 0x80 ? base256(field, n, out) : octal(field, n, out);
}

/*
 * What nearly every writer writes: digits up to the last byte, which is a
 * blank or a NUL. -1 if it is not so.
 */
static inline int64_t
common_octal(const unsigned char *p, size_t n)
{
	int64_t low, high;

	if (p[n - 1] & ~' ')
		return -1;
	/* seven digits, a '0' shifted in front of them in place of the last byte */
	low = eight_digits(lp_le64(p + n - 8) << 8 | '0');
	if (n == 8)
		return low;
	high = eight_digits(lp_le64(p) << 32 | 0x30303030);
	return low < 0 || high < 0 ? -1 : high << 21 | low;
}

/* Inlined, the fields' lengths are constants: each becomes a few instructions without a loop. */
__attribute__((always_inline)) static inline int
number_at(const unsigned char *block, size_t at, size_t n, int64_t *out)
{
	int64_t v = common_octal(block + at, n);

	/* GNU leaves a device's numbers zero where there is no device */
	if (v < 0 && n == 8 && lp_le64(block + at) == 0)
		v = 0;
	if (v < 0)
		return lp_tar_number(block + at, n, out);
	*out = v;
	return LP_OK;
}

int
lp_tarhdr_is_zero(const unsigned char block[LP_TAR_BLOCK])
{
	uint64_t any = 0;

	if (block[0] != 0)
		return 0;
	for (size_t i = 0; i < LP_TAR_BLOCK; i += sizeof(any))
		any |= lp_le64(block + i);
	return any == 0;
}

#if defined(__SSE2__)

static inline __m128i
sum_of_16(const unsigned char *p)
{
	return _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_setzero_si128());
}

/* The sum of all bytes: sixteen at a time, each in two halves; two such sums, so that neither waits. */
static uint32_t
sum(const unsigned char *block)
{
	__m128i s = _mm_setzero_si128(), t = s;

	for (size_t i = 0; i < LP_TAR_BLOCK; i += 4 * sizeof(s)) {
		s = _mm_add_epi32(s, _mm_add_epi32(sum_of_16(block + i), sum_of_16(block + i + 16)));
		t = _mm_add_epi32(t, _mm_add_epi32(sum_of_16(block + i + 32), sum_of_16(block + i + 48)));
	}
	s = _mm_add_epi32(s, t);
	return (uint32_t)(_mm_cvtsi128_si32(s) + _mm_cvtsi128_si32(_mm_srli_si128(s, 8)));
}

#else

/* Eight at a time: each 16-bit lane takes 64 times two bytes, 32640 at most. */
static uint32_t
sum(const unsigned char *block)
{
	const uint64_t low = 0x00ff00ff00ff00ff;
	uint64_t lanes = 0;

	for (size_t i = 0; i < LP_TAR_BLOCK; i += sizeof(lanes)) {
		uint64_t w = lp_le64(block + i);

		lanes += (w & low) + (w >> 8 & low);
	}
	return (uint32_t)((lanes & 0xffff) + (lanes >> 16 & 0xffff) + (lanes >> 32 & 0xffff) +
	    (lanes >> 48));
}

#endif

/* The checksum is taken with its own field as eight blanks; old Suns added signed bytes. */
static int
checksum_matches(const unsigned char *block)
{
	int64_t stored = -1, unsigned_sum = sum(block) + 8 * ' ', high = 0;

	/* six digits, NUL, blank: two zeros shifted in front */
	if (block[154] == '\0' && block[155] == ' ')
		stored = eight_digits(lp_le64(block + 148) << 16 | 0x3030);
	if (stored < 0 && ((block[148] & 0x80) || number_at(block, CHKSUM, &stored) != LP_OK))
		return 0;
	for (size_t i = 148; i < 156; i++)
		unsigned_sum -= block[i];
	if (stored == unsigned_sum)
		return 1;
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		high += (i < 148 || i >= 156) && block[i] >> 7;
	return stored == unsigned_sum - 256 * high;
}

static enum lp_tarfmt
format_of(const unsigned char *block)
{
	const unsigned char *magic = block + MAGIC_AT;

	if (memcmp(magic, "ustar\0", 6) == 0)
		return memcmp(block + STAR_MAGIC_AT, "tar\0", 4) == 0 ? LP_TARFMT_STAR : LP_TARFMT_USTAR;
	return memcmp(magic, "ustar  \0", 8) == 0 ? LP_TARFMT_GNU : LP_TARFMT_V7;
}

static int
is_ascii(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return 0;
	return 1;
}

/*
 * GNU has access and change times where ustar has the prefix. Go before 1.8
 * wrote a prefix all the same; what is no time but text is taken for one.
 */
static struct lp_span
gnu_prefix(const unsigned char *block)
{
	struct lp_span s = string_at(block, PREFIX);
	int64_t t;

	if ((block[345] == '\0' || number_at(block, GNU_ATIME, &t) == LP_OK) &&
	    (block[357] == '\0' || number_at(block, GNU_CTIME, &t) == LP_OK))
		return lp_span(NULL, 0);
	return is_ascii(s) ? s : lp_span(NULL, 0);
}

/* What formats younger than v7 have. */
static const char *
decode_young(struct lp_tarhdr *h, const unsigned char *block)
{
	int64_t t;

	h->uname = string_at(block, UNAME);
	h->gname = string_at(block, GNAME);
	if (number_at(block, MAJOR, &h->devmajor) != LP_OK)
		return "the device's major number is not a number";
	if (number_at(block, MINOR, &h->devminor) != LP_OK)
		return "the device's minor number is not a number";
	if (h->format == LP_TARFMT_GNU) {
		h->prefix = gnu_prefix(block);
	} else if (h->format == LP_TARFMT_USTAR) {
		h->prefix = string_at(block, PREFIX);
	} else {
		h->prefix = string_at(block, STAR_PREFIX);
		if (number_at(block, STAR_ATIME, &t) != LP_OK || number_at(block, STAR_CTIME, &t) != LP_OK)
			return "a time is not a number";
	}
	return NULL;
}

static const char *
decode_v7(struct lp_tarhdr *h, const unsigned char *block)
{
	h->typeflag = (char)block[TYPEFLAG_AT];
	h->name = string_at(block, NAME);
	h->linkname = string_at(block, LINK);
	if (number_at(block, MODE, &h->mode) != LP_OK)
		return "the mode is not a number";
	if (number_at(block, UID, &h->uid) != LP_OK)
		return "the user ID is not a number";
	if (number_at(block, GID, &h->gid) != LP_OK)
		return "the group ID is not a number";
	if (number_at(block, SIZE, &h->size) != LP_OK)
		return "the size is not a number";
	if (number_at(block, MTIME, &h->mtime) != LP_OK)
		return "the modification time is not a number";
	/* real writers fill it with digits: only an odd one needs a second look */
	h->has_mtime = h->mtime != 0 || memchr(block + 136, '0', 12) != NULL || (block[136] & 0x80);
	return NULL;
}

int
lp_tarhdr_decode(struct lp_tarhdr *h, const unsigned char block[LP_TAR_BLOCK], const char **why)
{
	if (!checksum_matches(block)) {
		*why = "header checksum does not match";
		return LP_E_DATA;
	}
	*h = (struct lp_tarhdr){ .format = format_of(block) };
	*why = decode_v7(h, block);
	if (*why == NULL && h->format != LP_TARFMT_V7)
		*why = decode_young(h, block);
	return *why == NULL ? LP_OK : LP_E_DATA;
}

int
lp_tarhdr_plausible(struct lp_span head)
{
	static const struct { size_t at, n; } fields[] = { { MODE }, { UID }, { GID }, { SIZE }, { MTIME } };
	int64_t v;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].at + fields[i].n <= head.n &&
		    lp_tar_number(head.p + fields[i].at, fields[i].n, &v) != LP_OK)
			return 0;
	return 1;
}
