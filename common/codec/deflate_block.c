/* Checks the header of a deflate block before an engine decodes it. */
#include "common/codec/deflate_block.h"

#include <string.h>

#include "common/base/le.h"

/* RFC 1951 section 3.2.7 */
enum {
	LITERALS = LP_DEFLATE_LITERALS, DISTANCES = LP_DEFLATE_DISTANCES, LENGTHS = 19,
	END_OF_BLOCK = 256,
	COPY_LAST = 16, ZEROS_3 = 17, ZEROS_11 = 18,
	LENGTH_BITS = 7, CODE_BITS = LP_DEFLATE_CODE_BITS
};

struct bits {
	const unsigned char *p;
	size_t n;     /* bytes */
	size_t next;  /* byte to be read into hold */
	uint64_t hold;
	unsigned have; /* bits in hold */
	size_t used;   /* bits taken so far */
};

/* The next bits, as many as there are up to 32; zeros stand for those that are not there. */
static inline uint32_t
peek(struct bits *b)
{
	if (b->have >= 32)
		return (uint32_t)b->hold;
	if (b->n - b->next >= 8) {
		/* whole bytes only are counted; the bits of the next one are there a first time */
		b->hold |= lp_le64(b->p + b->next) << b->have;
		b->next += (63 - b->have) / 8;
		b->have |= 56;
		return (uint32_t)b->hold;
	}
	while (b->have <= 56 && b->next < b->n) {
		b->hold |= (uint64_t)b->p[b->next++] << b->have;
		b->have += 8;
	}
	return (uint32_t)b->hold;
}

static inline void
drop(struct bits *b, unsigned n)
{
	b->hold >>= n;
	b->have -= n;
	b->used += n;
}

/* n bits (at most 16) to *v; whether there are so many. */
static inline int
take(struct bits *b, unsigned n, unsigned *v)
{
	uint32_t hold = peek(b);

	if (b->have < n)
		return 0;
	*v = hold & ((1u << n) - 1);
	drop(b, n);
	return 1;
}

/* The share of all codes of CODE_BITS bits that these lengths take; 1 << CODE_BITS is a complete code. */
static uint32_t
taken(const unsigned char *len, size_t n)
{
	static const uint16_t share[CODE_BITS + 1] = {
		0, 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10, 1 << 9, 1 << 8,
		1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3, 1 << 2, 1 << 1, 1
	};
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += share[len[i]];
	return sum;
}

static int
distances_regular(const unsigned char *len, size_t n)
{
	uint32_t sum = taken(len, n);
	size_t codes = 0;

	for (size_t i = 0; i < n; i++)
		codes += len[i] > 0;
	return codes == 0 || (codes == 1 && sum == (uint32_t)1 << (CODE_BITS - 1)) ||
	    sum == (uint32_t)1 << CODE_BITS;
}

/* What 7 bits start with, in the code of the code lengths. */
struct prefix {
	unsigned char sym;
	unsigned char bits;
};
enum { PREFIXES = 1 << LENGTH_BITS };

/* The table of a complete code with these lengths. */
static void
make_prefixes(const unsigned char *len, struct prefix *prefix)
{
	unsigned code = 0;

	for (unsigned bits = 1; bits <= LENGTH_BITS; bits++) {
		for (unsigned s = 0; s < LENGTHS; s++) {
			unsigned rev = 0;

			if (len[s] != bits)
				continue;
			for (unsigned i = 0; i < bits; i++)
				rev |= (code >> i & 1) << (bits - 1 - i);
			for (; rev < PREFIXES; rev += 1u << bits)
				prefix[rev] = (struct prefix){ (unsigned char)s, (unsigned char)bits };
			code++;
		}
		code <<= 1;
	}
}

/* The code of the code lengths, into a table. */
static enum lp_deflate_verdict
read_length_code(struct bits *b, unsigned ncodes, struct prefix *prefix)
{
	static const unsigned char order[LENGTHS] = {
		16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
	};
	unsigned char len[LENGTHS] = { 0 };

	for (unsigned i = 0; i < ncodes; i++) {
		unsigned v;

		if (!take(b, 3, &v))
			return LP_DEFLATE_SHORT;
		len[order[i]] = (unsigned char)v;
	}
	if (taken(len, LENGTHS) != (uint32_t)1 << CODE_BITS)
		return LP_DEFLATE_ODD;
	make_prefixes(len, prefix);
	return LP_DEFLATE_REGULAR;
}

/* n code lengths, run-length coded. */
static enum lp_deflate_verdict
read_lengths(struct bits *bits, const struct prefix *prefix, unsigned char *len, unsigned n)
{
	struct bits b = *bits; /* a copy that can live in registers: this is the hot loop */
	enum lp_deflate_verdict v = LP_DEFLATE_REGULAR;
	unsigned i = 0;

	while (i < n) {
		struct prefix next = prefix[peek(&b) % PREFIXES];
		unsigned s = next.sym, repeat = 0;

		v = LP_DEFLATE_SHORT;
		if (b.have < next.bits)
			break;
		drop(&b, next.bits);
		if (s < COPY_LAST) {
			len[i++] = (unsigned char)s;
			v = LP_DEFLATE_REGULAR;
			continue;
		}
		if (s == COPY_LAST && i == 0) {
			v = LP_DEFLATE_ODD;
			break;
		}
		if (!take(&b, s == COPY_LAST ? 2 : s == ZEROS_3 ? 3 : 7, &repeat))
			break;
		repeat += s == ZEROS_11 ? 11 : 3;
		v = repeat > n - i ? LP_DEFLATE_ODD : LP_DEFLATE_REGULAR;
		if (v == LP_DEFLATE_ODD)
			break;
		memset(len + i, s == COPY_LAST ? len[i - 1] : 0, repeat);
		i += repeat;
	}
	*bits = b;
	return v;
}

static enum lp_deflate_verdict
dynamic(struct bits *b, struct lp_deflate_block *block)
{
	unsigned char *len = block->len;
	struct prefix prefix[PREFIXES];
	unsigned hlit, hdist, hclen;
	enum lp_deflate_verdict v;

	if (!take(b, 5, &hlit) || !take(b, 5, &hdist) || !take(b, 4, &hclen))
		return LP_DEFLATE_SHORT;
	hlit += 257;
	hdist += 1;
	block->literals = hlit;
	block->distances = hdist;
	if (hlit > LITERALS || hdist > DISTANCES)
		return LP_DEFLATE_ODD;
	v = read_length_code(b, hclen + 4, prefix);
	if (v == LP_DEFLATE_REGULAR)
		v = read_lengths(b, prefix, len, hlit + hdist);
	if (v != LP_DEFLATE_REGULAR)
		return v;
	if (len[END_OF_BLOCK] == 0 || taken(len, hlit) != (uint32_t)1 << CODE_BITS ||
	    !distances_regular(len + hlit, hdist))
		return LP_DEFLATE_ODD;
	return LP_DEFLATE_REGULAR;
}

/* The rest of the byte is passed over; length and its complement follow. */
static enum lp_deflate_verdict
stored(struct bits *b, struct lp_deflate_block *block)
{
	unsigned len, nlen;

	peek(b);
	drop(b, b->have % 8);
	if (!take(b, 16, &len) || !take(b, 16, &nlen))
		return LP_DEFLATE_SHORT;
	if (len != (nlen ^ 0xffff))
		return LP_DEFLATE_ODD;
	block->stored = len;
	return LP_DEFLATE_REGULAR;
}

enum lp_deflate_verdict
lp_deflate_block(const unsigned char *p, size_t n, unsigned skip, struct lp_deflate_block *block)
{
	struct bits b = { .p = p, .n = n };
	enum lp_deflate_verdict v = LP_DEFLATE_REGULAR;

	peek(&b);
	if (b.have < 3 || skip > b.have - 3)
		return LP_DEFLATE_SHORT;
	drop(&b, skip);
	block->final = b.hold & 1;
	block->type = (int)(b.hold >> 1 & 3);
	drop(&b, 3);
	switch (block->type) {
	case 0:
		v = stored(&b, block);
		break;
	case 1:
		break;
	case 2:
		v = dynamic(&b, block);
		break;
	default:
		v = LP_DEFLATE_ODD;
	}
	block->bits = b.used - skip;
	return v;
}
