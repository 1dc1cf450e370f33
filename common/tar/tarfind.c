/* Finds the next header where bytes, and the place of blocks, are unknown. */
#include "common/tar/tarfind.h"

#include <string.h>

#include "common/base/status.h"

/* Where the fields of numbers are, from mode to checksum; and what else is looked at. */
enum { NUMBERS = 100, SIZE_AT = 124, CHKSUM_AT = 148, TYPEFLAG_AT = 156, MAGIC_AT = 257, MAGIC_LEN = 5 };
enum { CHKSUM_DIGITS = 6 }; /* what is behind them is a NUL and a blank: else the sum would not hold */
enum { DIGITS_LEAST = 4 }; /* known digits of a header that is hidden, in its size, time and checksum */

static int
is_known(uint16_t s)
{
	return s < 256;
}

static int
is_octal(uint16_t s)
{
	return (s >= '0' && s <= '7') || s == ' ' || s == '\0';
}

/* Numbers in octal, where they are known; a large one is in base 256. Known digits are counted; -1 if one contradicts. */
static int
octal_digits(const uint16_t *s, size_t from, size_t to)
{
	int digits = 0;

	for (size_t i = from; i < to; i++) {
		if (is_known(s[i]) && !is_octal(s[i]) && s[i] != 0x80 && s[i] != 0xff)
			return -1;
		digits += s[i] >= '0' && s[i] <= '7';
	}
	return digits;
}

/* No known symbol contradicts. The checksum first: it has few digits of others. */
static int
compatible(const uint16_t *s)
{
	int checksum = octal_digits(s, CHKSUM_AT, TYPEFLAG_AT), rest;

	if (checksum <= 0)
		return 0;
	if (is_known(s[TYPEFLAG_AT]) && s[TYPEFLAG_AT] != '\0' && (s[TYPEFLAG_AT] < '0' || s[TYPEFLAG_AT] > 'z'))
		return 0;
	rest = octal_digits(s, SIZE_AT, CHKSUM_AT);
	return rest >= 0 && checksum + rest >= DIGITS_LEAST && octal_digits(s, NUMBERS, SIZE_AT) >= 0;
}

static int
has_magic(const uint16_t *s)
{
	return s[0] == 'u' && s[1] == 's' && s[2] == 't' && s[3] == 'a' && s[4] == 'r';
}

/* Five marks in a row that were five bytes in a row. */
static int
hides_magic(const uint16_t *s)
{
	return !is_known(s[0]) && s[1] == s[0] + 1 && s[2] == s[0] + 2 && s[3] == s[0] + 3 && s[4] == s[0] + 4;
}

/* Bytes at the front of the name that are a directory's, if what is known of `s` agrees with it. */
static size_t
common_directory(const uint16_t *s, const unsigned char *before)
{
	size_t n = before != NULL ? LP_TARFIND_NAME : 0;

	while (n > 0 && before[n - 1] != '/')
		n--;
	for (size_t i = 0; i < n; i++)
		if (before[i] == '\0' || (is_known(s[i]) && s[i] != before[i]))
			return 0;
	return n;
}

/* Equal marks are equal bytes. */
static int
consistent(const uint16_t *s, size_t directory, const unsigned char *block)
{
	for (size_t i = 0; i < directory; i++)
		for (size_t k = 0; !is_known(s[i]) && k < LP_TAR_BLOCK; k++)
			if (s[k] == s[i] && block[k] != block[i])
				return 0;
	return 1;
}

static void
note_zeros(struct lp_tarfind_zeros *z, const uint16_t *s, const unsigned char *block)
{
	/* its own field is not in the sum */
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		if (!is_known(s[i]) && block[i] == 0 && (i < CHKSUM_AT || i >= TYPEFLAG_AT))
			z->bit[(s[i] - 256u) / 64] |= (uint64_t)1 << (s[i] - 256u) % 64;
}

/* The bytes as far as they are known, the others guessed. How many these are; more than a block if one is in the checksum. */
static size_t
fill(const uint16_t *s, const unsigned char *before, size_t directory, const struct lp_tarfind_zeros *zeros,
    unsigned char *block)
{
	size_t unknown = 0;

	for (size_t i = 0; i < LP_TAR_BLOCK; i++) {
		uint16_t c = lp_tarfind_known(zeros, s[i]);

		block[i] = is_known(c) ? (unsigned char)c : i < directory ? before[i] : 0;
		unknown += is_known(c) ? 0 : i >= CHKSUM_AT && i < CHKSUM_AT + CHKSUM_DIGITS ? LP_TAR_BLOCK + 1 : 1;
	}
	return unknown;
}

/* By the unsigned sum: signed bytes, as old Suns add them, may cancel each other. */
static int
sum_proves(const unsigned char *block)
{
	int64_t stored, sum = 8 * ' ';

	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		sum += i < CHKSUM_AT || i >= TYPEFLAG_AT ? block[i] : 0;
	return lp_tar_number(block + CHKSUM_AT, TYPEFLAG_AT - CHKSUM_AT, &stored) == LP_OK && stored == sum;
}

enum lp_tarfind_kind
lp_tarfind_settle(const uint16_t s[LP_TAR_BLOCK], const unsigned char *before, struct lp_tarfind_zeros *zeros,
    unsigned char block[LP_TAR_BLOCK])
{
	struct lp_tarhdr h;
	const char *why;
	size_t directory, unknown;

	if (!has_magic(s + MAGIC_AT))
		return LP_TARFIND_NONE;
	directory = common_directory(s, before);
	unknown = fill(s, before, directory, zeros, block);
	if (unknown <= LP_TAR_BLOCK && lp_tarhdr_decode(&h, block, &why) == LP_OK && h.size >= 0 &&
	    (unknown == 0 || sum_proves(block)) && consistent(s, directory, block)) {
		note_zeros(zeros, s, block);
		return LP_TARFIND_SETTLED;
	}
	return unknown > 0 && compatible(s) ? LP_TARFIND_UNSETTLED : LP_TARFIND_NONE;
}

void
lp_tarfind_init(struct lp_tarfind *f)
{
	memset(f, 0, sizeof(*f));
}

static int
found(struct lp_tarfind *f, enum lp_tarfind_kind kind, uint64_t at)
{
	f->kind = kind;
	f->at = at;
	return 1;
}

/* A header at `at`: is there one hidden a multiple of blocks in front of it? */
static int
confirms(struct lp_tarfind *f, enum lp_tarfind_kind kind, uint64_t at)
{
	uint64_t *first = &f->hidden[at % LP_TAR_BLOCK];

	if (*first > 0)
		return found(f, LP_TARFIND_HIDDEN, *first - 1);
	if (kind != LP_TARFIND_HIDDEN)
		return found(f, kind, at);
	*first = at + 1;
	return 0;
}

/* How far on a magic may end at the earliest, by the symbol where it would end now. */
static size_t
shift(uint16_t last)
{
	switch (last) {
	case 'r': return 0;
	case 'a': return 1;
	case 't': return 2;
	case 's': return 3;
	case 'u': return 4;
	}
	return is_known(last) ? MAGIC_LEN : 0;
}

/* What stands there, if it is a header that a magic, known or not, shows. */
static enum lp_tarfind_kind
kind_of(struct lp_tarfind *f, const uint16_t *s)
{
	const uint16_t *magic = s + MAGIC_AT;

	if (magic[0] == 'u' && has_magic(magic))
		return lp_tarfind_settle(s, f->before, &f->zeros, f->block);
	return !is_known(magic[0]) && hides_magic(magic) && compatible(s) ? LP_TARFIND_HIDDEN : LP_TARFIND_NONE;
}

int
lp_tarfind_next(struct lp_tarfind *f, const uint16_t *s, size_t n, uint64_t base)
{
	size_t i = (size_t)(f->next - base);

	while (i + LP_TAR_BLOCK <= n) {
		size_t on = shift(s[i + MAGIC_AT + MAGIC_LEN - 1]);
		enum lp_tarfind_kind kind = on == 0 ? kind_of(f, s + i) : LP_TARFIND_NONE;

		if (kind != LP_TARFIND_NONE && confirms(f, kind, base + i)) {
			f->next = base + i + 1;
			return 1;
		}
		i += on > 0 ? on : 1;
	}
	f->next = base + i;
	return 0;
}
