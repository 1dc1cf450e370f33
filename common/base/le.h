/*
 * Numbers whose lowest byte comes first, as gzip, zstd and FlatBuffers have
 * them, at any address.
 */
#ifndef LP_BASE_LE_H
#define LP_BASE_LE_H

#include <stddef.h>
#include <stdint.h>

/* Compilers make one load of each of these. */
static inline uint32_t
lp_le16(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t
lp_le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t
lp_le64(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	    (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* Of n bytes, 8 at most. */
static inline uint64_t
lp_le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

#endif
