/* Decodes deflate with an unknown history, as symbols of 16 bits. */
#include "common/codec/marked.h"

#include <string.h>

#include "common/base/le.h"

enum { HEADER, STORED, CODES, DONE, FAILED };
enum { END_OF_BLOCK = 256, FIRST_LENGTH = 257, LENGTHS = 29 };
enum { LONGEST = 48 }; /* bits of a match: two codes of 15, 5 and 13 more */

/* RFC 1951 section 3.2.5 */
static const uint16_t length_base[LENGTHS] = {
	3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258
};
static const uint8_t length_extra[LENGTHS] = {
	0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0
};
static const uint16_t distance_base[LP_DEFLATE_DISTANCES] = {
	1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
	4097, 6145, 8193, 12289, 16385, 24577
};
static const uint8_t distance_extra[LP_DEFLATE_DISTANCES] = {
	0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13
};

/* Bits of the input, the next one lowest. Above `have` are bits that are right as well, or zeros. */
struct bits {
	const unsigned char *p;
	const unsigned char *end;
	uint64_t hold;
	unsigned have;
};

/* At least 56 bits, or all there are. */
static inline void
refill(struct bits *b)
{
	if (b->end - b->p >= 8) {
		b->hold |= lp_le64(b->p) << b->have;
		b->p += (63 - b->have) / 8;
		b->have |= 56;
		return;
	}
	while (b->have < 56 && b->p < b->end) {
		b->hold |= (uint64_t)*b->p++ << b->have;
		b->have += 8;
	}
}

static struct bits
begin(const struct lp_marked_io *io)
{
	struct bits b = { .p = io->in.p, .end = io->in.n > 0 ? io->in.p + io->in.n : io->in.p };

	if (io->in.n > 0 && io->skip > 0) {
		b.hold = (uint64_t)*b.p++ >> io->skip;
		b.have = 8 - io->skip;
	}
	return b;
}

/* What was not used goes back: whole bytes, and the bits of one. */
static void
finish(struct lp_marked_io *io, const struct bits *b)
{
	size_t used;

	if (io->in.n == 0)
		return;
	used = (size_t)(b->p - io->in.p) * 8 - b->have;
	lp_span_take(&io->in, used / 8);
	io->skip = used % 8;
}

/* ---- codes ---- */

static unsigned
reversed(unsigned code, unsigned bits)
{
	unsigned r = 0;

	for (unsigned i = 0; i < bits; i++)
		r |= (code >> i & 1) << (bits - 1 - i);
	return r;
}

/* Lengths that lp_deflate_block has found regular, or those of the fixed codes. */
static void
make_code(struct lp_marked_code *c, const unsigned char *len, unsigned n)
{
	unsigned code[LP_DEFLATE_CODE_BITS + 2] = { 0 }, at[LP_DEFLATE_CODE_BITS + 2] = { 0 };

	memset(c->fast, 0, sizeof(c->fast));
	memset(c->count, 0, sizeof(c->count));
	for (unsigned s = 0; s < n; s++)
		c->count[len[s]]++;
	c->count[0] = 0;
	for (unsigned b = 1; b <= LP_DEFLATE_CODE_BITS; b++) {
		code[b + 1] = (code[b] + c->count[b]) << 1;
		at[b + 1] = at[b] + c->count[b];
	}
	for (unsigned s = 0; s < n; s++) {
		unsigned b = len[s];

		if (b == 0)
			continue;
		c->symbol[at[b]++] = (uint16_t)s;
		if (b <= LP_MARKED_FAST)
			for (unsigned r = reversed(code[b], b); r < 1 << LP_MARKED_FAST; r += 1u << b)
				c->fast[r] = (uint16_t)(s << 4 | b);
		code[b]++;
	}
}

/* Symbol and length, as in `fast`, of a code of any length; 0 if there is none. */
static unsigned
slow(const struct lp_marked_code *c, uint64_t hold)
{
	unsigned code = 0, first = 0, at = 0;

	for (unsigned b = 1; b <= LP_DEFLATE_CODE_BITS; b++) {
		code |= (unsigned)(hold >> (b - 1) & 1);
		if (code - first < c->count[b])
			return (unsigned)c->symbol[at + code - first] << 4 | b;
		at += c->count[b];
		first = (first + c->count[b]) << 1;
		code <<= 1;
	}
	return 0;
}

static inline unsigned
look(const struct lp_marked_code *c, uint64_t hold)
{
	unsigned e = c->fast[hold % (1 << LP_MARKED_FAST)];

	return e != 0 ? e : slow(c, hold);
}

static void
fixed_codes(struct lp_marked *m)
{
	unsigned char len[LP_DEFLATE_LITERALS + 2];

	if (m->fixed)
		return;
	m->fixed = 1;
	for (unsigned s = 0; s < sizeof(len); s++)
		len[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
	make_code(&m->literal, len, sizeof(len));
	/* 30 and 31 have codes that must not occur */
	memset(len, 5, LP_DEFLATE_DISTANCES);
	make_code(&m->distance, len, LP_DEFLATE_DISTANCES);
}

/* ---- blocks ---- */

static enum lp_marked_result
fail(struct lp_marked *m)
{
	m->state = FAILED;
	return LP_MARKED_BAD;
}

static enum lp_marked_result
block_ends(struct lp_marked *m)
{
	m->state = m->final ? DONE : HEADER;
	return m->final ? LP_MARKED_END : LP_MARKED_BLOCK;
}

/* MORE, BAD, or FULL, which here means: go on. */
static enum lp_marked_result
header(struct lp_marked *m, struct lp_marked_io *io)
{
	size_t used;

	switch (lp_deflate_block(io->in.p, io->in.n, io->skip, &m->block)) {
	case LP_DEFLATE_SHORT:
		return LP_MARKED_MORE;
	case LP_DEFLATE_ODD:
		return fail(m);
	case LP_DEFLATE_REGULAR:
		break;
	}
	m->final = m->block.final;
	m->state = m->block.type == 0 ? STORED : CODES;
	m->stored = m->block.stored;
	if (m->block.type == 1)
		fixed_codes(m);
	if (m->block.type == 2) {
		m->fixed = 0;
		make_code(&m->literal, m->block.len, m->block.literals);
		make_code(&m->distance, m->block.len + m->block.literals, m->block.distances);
	}
	used = io->skip + m->block.bits;
	lp_span_take(&io->in, used / 8);
	io->skip = used % 8;
	return LP_MARKED_FULL;
}

static void
reached(struct lp_marked *m, size_t n)
{
	m->reach = n < LP_MARKED_HISTORY - m->reach ? m->reach + n : LP_MARKED_HISTORY;
}

static enum lp_marked_result
stored(struct lp_marked *m, struct lp_marked_io *io)
{
	size_t room = io->cap - io->n, n = m->stored < room ? m->stored : room;
	struct lp_span s = lp_span_take(&io->in, n);

	for (size_t i = 0; i < s.n; i++)
		io->out[io->n++] = s.p[i];
	m->stored -= (uint32_t)s.n;
	reached(m, s.n);
	if (m->stored == 0)
		return block_ends(m);
	return io->in.n == 0 ? LP_MARKED_MORE : LP_MARKED_FULL;
}

/* Up to 7 symbols more than n are written. */
static inline void
copy(uint16_t *to, size_t distance, size_t n)
{
	const uint16_t *from = to - distance;

	if (distance >= 8) {
		for (size_t i = 0; i < n; i += 8)
			memcpy(to + i, from + i, 8 * sizeof(*to));
		return;
	}
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

/*
 * The rest of a match whose length code is `e`, its bits at `hold` behind it.
 * How many symbols it has; 0 if it is none. *used: of bits, the code's own included.
 */
static inline unsigned
match(const struct lp_marked *m, uint64_t hold, unsigned e, size_t *distance, unsigned *used)
{
	unsigned code = (e >> 4) - FIRST_LENGTH, d, n;

	if (code >= LENGTHS)
		return 0;
	n = length_base[code] + (unsigned)(hold & ((1u << length_extra[code]) - 1));
	hold >>= length_extra[code];
	d = look(&m->distance, hold);
	if (d == 0)
		return 0;
	hold >>= d & 15;
	*distance = distance_base[d >> 4] + (hold & ((1u << distance_extra[d >> 4]) - 1));
	*used = (e & 15) + length_extra[code] + (d & 15) + distance_extra[d >> 4];
	return n;
}

/* Literals and matches until something ends: the block, the input or the room. */
static enum lp_marked_result
codes(struct lp_marked *m, struct lp_marked_io *io)
{
	struct bits b = begin(io);
	uint16_t *out = io->out + io->n;
	const uint16_t *first = out - m->reach, *last = io->out + io->cap - LP_MARKED_ROOM;
	enum lp_marked_result rc = LP_MARKED_FULL;

	while (out <= last) {
		size_t distance = 0;
		unsigned e, n, used = 0;

		if (b.have < LONGEST)
			refill(&b);
		e = look(&m->literal, b.hold);
		used = e & 15;
		if (e == 0 || used > b.have) {
			rc = b.have < LP_DEFLATE_CODE_BITS ? LP_MARKED_MORE : LP_MARKED_BAD;
			break;
		}
		if (e >> 4 < END_OF_BLOCK) {
			*out++ = (uint16_t)(e >> 4);
			b.hold >>= used;
			b.have -= used;
			continue;
		}
		if (e >> 4 == END_OF_BLOCK) {
			b.hold >>= used;
			b.have -= used;
			rc = LP_MARKED_BLOCK;
			break;
		}
		n = match(m, b.hold >> used, e, &distance, &used);
		if (n == 0 || used > b.have) {
			rc = b.have < LONGEST ? LP_MARKED_MORE : LP_MARKED_BAD;
			break;
		}
		if (distance > (size_t)(out - first)) {
			rc = LP_MARKED_BAD;
			break;
		}
		copy(out, distance, n);
		out += n;
		b.hold >>= used;
		b.have -= used;
	}
	finish(io, &b);
	reached(m, (size_t)(out - (io->out + io->n)));
	io->n = (size_t)(out - io->out);
	if (rc == LP_MARKED_BLOCK)
		return block_ends(m);
	return rc == LP_MARKED_BAD ? fail(m) : rc;
}

void
lp_marked_start(struct lp_marked *m, size_t reach)
{
	m->state = HEADER;
	m->reach = reach;
	m->final = 0;
	m->fixed = 0;
}

void
lp_marked_history(uint16_t *out)
{
	for (unsigned i = 0; i < LP_MARKED_HISTORY; i++)
		out[i] = (uint16_t)(LP_MARKED_FIRST + i);
}

enum lp_marked_result
lp_marked_run(struct lp_marked *m, struct lp_marked_io *io)
{
	enum lp_marked_result rc = LP_MARKED_FULL;

	if (m->state == DONE)
		return LP_MARKED_END;
	if (m->state == FAILED)
		return LP_MARKED_BAD;
	if (io->cap - io->n < LP_MARKED_ROOM)
		return LP_MARKED_FULL;
	if (m->state == HEADER)
		rc = header(m, io);
	if (rc != LP_MARKED_FULL)
		return rc;
	return m->state == STORED ? stored(m, io) : codes(m, io);
}

/* ---- finding a block ---- */

/* The share of 7-bit codes that the code length of each of four 3-bit fields takes; 128 is all. */
static unsigned
share(unsigned fields, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++, fields >>= 3)
		sum += (fields & 7) != 0 ? 128u >> (fields & 7) : 0;
	return sum;
}

/* The code of the code lengths is complete: its up to 19 lengths are in the 57 bits. */
static int
lengths_complete(uint64_t fields, unsigned n)
{
	unsigned sum = 0;

	for (; n >= 4 && sum <= 128; n -= 4, fields >>= 12)
		sum += share((unsigned)fields & 0xfff, 4);
	return sum <= 128 && sum + share((unsigned)fields & 0xfff, n) == 128;
}

/* What nearly all bits fail: not final, dynamic, counts in range, a complete code. `low` is the first 64 bits from it, `high` those from 17 on. */
static inline int
may_be_dynamic(uint64_t low, uint64_t high)
{
	return (low & 7) == 4 && (low >> 3 & 31) <= LP_DEFLATE_LITERALS - 257 &&
	    (low >> 8 & 31) <= LP_DEFLATE_DISTANCES - 1 && lengths_complete(high, (unsigned)(low >> 13 & 15) + 4);
}

int
lp_marked_find(struct lp_span in, uint64_t *bit)
{
	struct lp_deflate_block block;

	for (uint64_t at = *bit; at / 8 + 17 <= in.n; at++) {
		const unsigned char *p = in.p + at / 8;
		unsigned skip = at % 8;
		uint64_t low = lp_le64(p) >> skip;

		if ((low & 7) != 4 || !may_be_dynamic(low, lp_le64(p + (skip + 17) / 8) >> (skip + 17) % 8))
			continue;
		if (lp_deflate_block(p, in.n - at / 8, skip, &block) == LP_DEFLATE_REGULAR) {
			*bit = at;
			return 1;
		}
	}
	return 0;
}

int
lp_marked_find_stored(struct lp_span in, uint64_t *bit)
{
	struct lp_deflate_block block;

	/* of the byte in front of the length the last three bits are the header */
	for (size_t i = (size_t)((*bit + 10) / 8); i >= 1 && i + 4 < in.n; i++) {
		const unsigned char *p = in.p + i;
		size_t n = (size_t)p[0] | (size_t)p[1] << 8, left = in.n - i - 4;

		if ((p[0] ^ p[2]) != 0xff || (p[1] ^ p[3]) != 0xff || p[-1] >> 5 != 0 || n >= left)
			continue;
		if (lp_deflate_block(p + 4 + n, left - n, 0, &block) == LP_DEFLATE_REGULAR && block.type != 1) {
			*bit = (uint64_t)i * 8 - 3;
			return 1;
		}
	}
	return 0;
}
