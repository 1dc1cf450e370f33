/* How far a body may be compressed, and whether what stands in front of a header is its end. */
#include "common/jump/body.h"

#include <string.h>

double
lp_jump_root(double v)
{
	double r = 1;

	if (v <= 0)
		return 0;
	while (r * r < v)
		r *= 2;
	while (r * r > v * 4)
		r /= 2;
	for (int i = 0; i < 5; i++)
		r = (r + v / r) / 2;
	return r;
}

/* ---- kinds ---- */

/* From a place on, n symbols are these bytes. */
static int
has(const struct lp_jump_body *b, size_t at, const char *what, size_t n)
{
	if (b->nhead < at + n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (b->head[at + i] != (unsigned char)what[i])
			return 0;
	return 1;
}

int
lp_jump_is_tar(const struct lp_jump_body *b)
{
	return has(b, 257, "ustar", 5);
}

enum lp_jump_kind
lp_jump_kind(const struct lp_jump_body *b)
{
	static const struct { const char *magic; size_t n; enum lp_jump_kind kind; } known[] = {
		{ "\x7f" "ELF", 4, LP_JUMP_ELF }, { "PK\3\4", 4, LP_JUMP_ZIP },
		{ "\x1f\x8b", 2, LP_JUMP_PACKED }, { "\xfd" "7zXZ", 5, LP_JUMP_PACKED },
		{ "\x28\xb5\x2f\xfd", 4, LP_JUMP_PACKED }, { "BZh", 3, LP_JUMP_PACKED },
		{ "\x89PNG", 4, LP_JUMP_PACKED }, { "\xff\xd8\xff", 3, LP_JUMP_PACKED }, { "wOF2", 4, LP_JUMP_PACKED },
		{ "!<arch>\n", 8, LP_JUMP_AR },
		{ "\xda\xda\xfe\xca", 4, LP_JUMP_JIMAGE }, { "\xca\xfe\xda\xda", 4, LP_JUMP_JIMAGE }
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (has(b, 0, known[i].magic, known[i].n))
			return known[i].kind;
	return LP_JUMP_OTHER;
}

/* ---- ratios ---- */

void
lp_jump_learn(struct lp_jump_habits *r, enum lp_jump_kind kind, double in, double out)
{
	struct lp_jump_ratio *k = &r->of[kind];

	if (out <= 0)
		return;
	k->n++;
	k->sum += in / out;
	k->squares += in / out * (in / out);
	r->in += in;
	r->out += out;
}

/* A mean of what several say, each weighed by how well it is known. */
struct mean { double sum, weight; };

static void
says(struct mean *m, double ratio, double sd)
{
	m->sum += ratio / (sd * sd);
	m->weight += 1 / (sd * sd);
}

static void
kind_says(struct mean *m, const struct lp_jump_ratio *k)
{
	double mean, spread;

	if (k->n == 0)
		return;
	mean = k->sum / k->n;
	spread = k->squares / k->n / (mean * mean) - 1;
	says(m, mean, lp_jump_root((k->n * (spread > 0 ? spread : 0) + 0.135) / (k->n + 1.5) + 0.04 / (k->n + 1)));
}

double
lp_jump_expect(const struct lp_jump_habits *r, const struct lp_jump_body *b, uint64_t in, double *sd)
{
	enum lp_jump_kind kind = lp_jump_kind(b);
	struct mean m = { 0, 0 };
	double head = b->passed > 0 ? (double)in / (double)b->passed : 0;

	says(&m, r->out > 0 ? r->in / r->out : 0.35, 0.8);
	kind_says(&m, &r->of[kind]);
	if (kind == LP_JUMP_PACKED)
		says(&m, 0.99, 0.06);
	if (kind == LP_JUMP_ZIP)
		says(&m, 0.92, 0.25);
	/* the head of an ELF file is its symbols */
	if (b->passed > 1024)
		says(&m, head, (head > 0.85 ? 0.12 : kind == LP_JUMP_ELF ? 0.6 : 0.45) +
		    lp_jump_root(500 / (double)b->passed));
	*sd = lp_jump_root(1 / m.weight);
	return m.sum / m.weight;
}

/* ---- ends ---- */

/* Little-endian, of n bytes; *good is cleared if one is not known. */
static uint64_t
number(const uint16_t *s, size_t n, int *good)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		*good &= s[i] < 256;
		v |= (uint64_t)(s[i] & 0xff) << 8 * i;
	}
	return v;
}

/* 64-bit, least byte first. */
enum { E_SHOFF = 0x28, E_SHNUM = 0x3c, E_SHSTRNDX = 0x3e, SH_SIZE = 64, SH_TYPE = 4, SH_OFFSET = 24, SH_LENGTH = 32 };
enum { SHT_STRTAB_NUMBER = 3 };

/*
 * The table of sections, which nearly always ends the file: its first entry
 * is zeros, and the names of the sections stand right in front of it.
 */
static double
elf_ending(const struct lp_jump_body *b, const uint16_t *end, size_t n)
{
	int good = b->nhead >= SH_SIZE;
	uint64_t at = good ? number(b->head + E_SHOFF, 8, &good) : 0;
	uint64_t sections = good ? number(b->head + E_SHNUM, 2, &good) : 0;
	uint64_t names = good ? number(b->head + E_SHSTRNDX, 2, &good) : 0;
	const uint16_t *table;
	uint64_t offset, length;

	if (!good || sections == 0 || names >= sections || at > b->size || b->size - at != sections * SH_SIZE ||
	    n < sections * SH_SIZE)
		return 1;
	table = end - sections * SH_SIZE;
	for (size_t i = 0; i < SH_SIZE; i++)
		if (table[i] > 0 && table[i] < 256)
			return 0;
	table += names * SH_SIZE;
	if (number(table + SH_TYPE, 4, &good) != SHT_STRTAB_NUMBER && good)
		return 0;
	offset = number(table + SH_OFFSET, 8, &good);
	length = number(table + SH_LENGTH, 8, &good);
	if (!good)
		return 1;
	return offset <= at && length <= at - offset && at - offset - length < 16 ? 1e6 : 0;
}

enum { EOCD = 22, CD_LENGTH = 12, CD_OFFSET = 16 };

/* APPNOTE.TXT 4.3.16: the end of the central directory, which names its length and place. */
static double
zip_ending(const struct lp_jump_body *b, const uint16_t *end, size_t n)
{
	int good = 1;
	const uint16_t *s;

	if (n < EOCD)
		return 1;
	s = end - EOCD;
	if (number(s, 4, &good) != 0x06054b50 || !good)
		return good ? 0.05 : 1;
	if (number(s + CD_LENGTH, 4, &good) + number(s + CD_OFFSET, 4, &good) + EOCD == b->size && good)
		return 1e6;
	return good ? 0 : 1;
}

enum { AR_HEADER = 60, AR_SIZE = 48, AR_SIZE_LEN = 10, AR_MAGIC = 58 };

/* The size in a header of ar(5), decimal and blanks behind it; -1 if it is none. */
static int64_t
ar_size(const uint16_t *header)
{
	int64_t v = 0;
	size_t i = AR_SIZE;

	if (header[AR_MAGIC] != '`' || header[AR_MAGIC + 1] != '\n')
		return -1;
	for (; i < AR_SIZE + AR_SIZE_LEN && header[i] >= '0' && header[i] <= '9'; i++)
		v = v * 10 + header[i] - '0';
	if (i == AR_SIZE)
		return -1;
	for (; i < AR_SIZE + AR_SIZE_LEN; i++)
		if (header[i] != ' ')
			return -1;
	return v;
}

/* The last member that begins in front of the end ends there. */
static double
ar_ending(const uint16_t *end, size_t n)
{
	for (size_t i = AR_HEADER; i <= n; i++) {
		const uint16_t *header = end - i;
		int64_t size = header[AR_MAGIC] == '`' ? ar_size(header) : -1;

		if (size >= 0)
			return (uint64_t)size + ((uint64_t)size & 1) + AR_HEADER == i ? 1e5 : 0.01;
	}
	return 1;
}

/* How many zeros end the content in front of the padding; -1 if that cannot be told, -2 if the padding is none. */
static int
count_zeros(const struct lp_jump_body *b, const struct lp_tarfind_zeros *z, const uint16_t *s, size_t n)
{
	size_t zeros = 0, most = b->padding + LP_JUMP_ZEROS;

	while (zeros < most && zeros < n && lp_tarfind_known(z, s[-1 - (ptrdiff_t)zeros]) == 0)
		zeros++;
	if (zeros < most && (zeros == n || s[-1 - (ptrdiff_t)zeros] >= 256))
		return -1;
	return zeros < b->padding ? -2 : (int)(zeros - b->padding);
}

void
lp_jump_learn_end(struct lp_jump_habits *h, const struct lp_jump_body *b, const uint16_t *s, size_t n)
{
	static const struct lp_tarfind_zeros none;
	int zeros = count_zeros(b, &none, s, n);

	if (zeros < 0)
		return;
	h->ends[lp_jump_kind(b)]++;
	h->zeros[lp_jump_kind(b)][zeros]++;
}

/*
 * How often content ends with so many zeros: what was seen, and one and a half bodies as
 * others were. By chance a header has these zeros in front once in 512 times; sizes of
 * ELF files are multiples of 8, and those of archives of them of 4.
 */
static double
zeros_say(const struct lp_jump_habits *h, enum lp_jump_kind kind, int zeros, unsigned padding)
{
	static const double often[4] = { 0.55, 0.12, 0.05, 0.05 };
	double p = zeros < 4 ? often[zeros] : zeros < LP_JUMP_ZEROS ? 0.01 : 0.11;
	double one_in = kind == LP_JUMP_ELF ? 64 : kind == LP_JUMP_AR ? 128 : 512;

	if (kind == LP_JUMP_ELF || kind == LP_JUMP_AR)
		p = zeros == LP_JUMP_ZEROS - 1 ? 0.5 : zeros < 2 ? 0.2 : 0.01;
	p = (1.5 * p + h->zeros[kind][zeros]) / (1.5 + h->ends[kind]);
	return zeros < LP_JUMP_ZEROS ? one_in * p : 512 * p / (513 - padding);
}

double
lp_jump_ending(const struct lp_jump_habits *h, const struct lp_jump_body *b, const struct lp_tarfind_zeros *z,
    const uint16_t *s, size_t n)
{
	enum lp_jump_kind kind = lp_jump_kind(b);
	int zeros = count_zeros(b, z, s, n);
	double odds = zeros == -2 ? 0 : zeros < 0 ? 1 : zeros_say(h, kind, zeros, b->padding);

	if (n < b->padding)
		return odds;
	if (kind == LP_JUMP_ELF)
		odds *= elf_ending(b, s - b->padding, n - b->padding);
	if (kind == LP_JUMP_AR && odds > 0)
		odds *= ar_ending(s - b->padding, n - b->padding);
	if (kind == LP_JUMP_ZIP)
		odds *= zip_ending(b, s - b->padding, n - b->padding);
	return odds;
}
