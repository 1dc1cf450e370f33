/*
 * Random archives, seeded: members of every kind and format with random
 * extensions in front of them, well-formed (as far as our reader goes), or
 * with bytes changed and checksums put right again.
 */
#ifndef LP_TEST_TARRANDOM_H
#define LP_TEST_TARRANDOM_H

#include <stdint.h>
#include <stdio.h>

#include "test/unit/tarmake.h"

struct rnd {
	uint64_t s;
	size_t head[256]; /* where header blocks begin, for changes that leave the checksum right */
	size_t heads;
	int tame; /* only what all readers agree on */
};

static inline uint32_t
rnd(struct rnd *r, uint32_t below)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

static inline int
rnd_one_in(struct rnd *r, uint32_t n)
{
	return rnd(r, n) == 0;
}

/* A name of up to `max` bytes; static. */
static inline const char *
rnd_name(struct rnd *r, size_t max)
{
	static char names[4][400];
	static unsigned turn;
	char *p = names[turn++ % 4];
	size_t n = 1 + rnd(r, (uint32_t)max);

	for (size_t i = 0; i < n; i++)
		p[i] = "abcdefgh-._/ABC"[rnd(r, 15)];
	if (rnd_one_in(r, 8))
		memcpy(p, n > 3 ? "\xc3\xa9" : "x", n > 3 ? 2 : 1);
	/* a file whose name ends in a slash is a directory for some */
	if (r->tame && p[n - 1] == '/')
		p[n - 1] = 'x';
	p[n] = '\0';
	return p;
}

static inline size_t
rnd_head(struct rnd *r, struct lp_buf *b, struct tm_header h)
{
	size_t at = tm_head(b, h);

	if (r->heads < sizeof(r->head) / sizeof(r->head[0]))
		r->head[r->heads++] = at;
	return at;
}

static inline void
rnd_ext(struct rnd *r, struct lp_buf *b, char type, const void *body, size_t n)
{
	rnd_head(r, b, (struct tm_header){ .name = "ext", .type = type,
	    .format = type == 'L' || type == 'K' ? 'g' : 'u', .size = n });
	tm_data(b, body, n);
}

/* The records of a pax header; *size is what they say of the member's size, if they do. */
static inline void
rnd_pax(struct rnd *r, struct lp_buf *b, char type, uint64_t *size)
{
	static const char *const keys[] = { "path", "linkpath", "uname", "gname", "uid", "gid", "mtime", "atime",
		"ctime", "size", "comment", "SCHILY.xattr.user.a", "SCHILY.xattr.user.b", "LIBARCHIVE.xattr.user.c" };
	struct lp_buf body;
	char text[64];

	lp_buf_init(&body, 65536);
	for (uint32_t n = rnd(r, 6) + (uint32_t)r->tame; n > 0; n--) {
		uint32_t k = rnd(r, sizeof(keys) / sizeof(keys[0]) - (uint32_t)r->tame);
		const char *value = text;

		snprintf(text, sizeof(text), "%u", rnd(r, 3000));
		if (k < 4)
			value = rnd_name(r, k < 2 ? 300 : 40);
		if (k >= 6 && k <= 8)
			snprintf(text, sizeof(text), "%u.%u", rnd(r, 2000000000), rnd(r, 1000000000));
		if (k == 9 && r->tame)
			continue;
		if (k == 9 && type == 'x')
			*size = (uint64_t)strtoull(text, NULL, 10);
		if (k == 13)
			value = "dmFsdWU";
		if (k != 9 || type == 'x')
			tm_record(&body, keys[k], value, strlen(value));
	}
	rnd_ext(r, b, type, body.p, body.n);
	lp_buf_release(&body);
}

static inline void
rnd_content(struct lp_buf *b, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		tm_add(b, i % 64 == 63 ? "\n" : "x", 1);
	tm_zeros(b, -size % LP_TAR_BLOCK);
}

/* Numbers as odd writers write them. */
static inline void
rnd_numbers(struct rnd *r, struct lp_buf *b, size_t at, uint64_t size)
{
	char text[16];

	switch (rnd(r, 6)) {
	case 0:
		snprintf(text, sizeof(text), "%11llo ", (unsigned long long)size);
		tm_patch(b, at, 124, text, 12);
		break;
	case 1:
		memset(text, 0, sizeof(text));
		text[0] = (char)0x80;
		text[10] = (char)(size >> 8);
		text[11] = (char)size;
		tm_patch(b, at, 124, text, 12);
		break;
	case 2: tm_patch(b, at, 108, "\x80\0\0\0\xee\x6b\x28\0", 8); break;
	case 3: tm_patch(b, at, 116, " 1750 \0", 8); break;
	case 4: tm_patch(b, at, 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x85", 12); break;
	case 5: tm_patch(b, at, 100, "0100755 ", 8); break;
	}
}

static inline void
rnd_sparse_gnu(struct rnd *r, struct lp_buf *b)
{
	unsigned n = rnd(r, 5), length = 1 + rnd(r, 600), end = 0;
	char text[64];
	size_t at = rnd_head(r, b, (struct tm_header){ .name = rnd_name(r, 90), .type = 'S', .format = 'g',
	    .size = (uint64_t)n * length });

	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%011o%c%011o", end, 0, length);
		tm_patch(b, at, 386 + i * 24, text, 24);
		end += length + 512 * rnd(r, 4);
	}
	snprintf(text, sizeof(text), "%011o", end + length + rnd(r, 2000));
	tm_patch(b, at, 483, text, 12);
	rnd_content(b, (uint64_t)n * length);
}

static inline void
rnd_sparse_pax(struct rnd *r, struct lp_buf *b)
{
	unsigned length = 1 + rnd(r, 600), hole = 512 * rnd(r, 4);
	char map[128], size[32];

	snprintf(size, sizeof(size), "%u", hole + length + rnd(r, 2000));
	if (rnd_one_in(r, 2)) {
		snprintf(map, sizeof(map), "%u,%u", hole, length);
		r->head[r->heads++ % 256] = b->n;
		tm_pax(b, 'x', "GNU.sparse.size", size, "GNU.sparse.numblocks", "1", "GNU.sparse.map", map,
		    "GNU.sparse.name", rnd_name(r, 120), NULL);
		rnd_head(r, b, (struct tm_header){ .name = "GNUSparseFile.0/x", .size = length });
		rnd_content(b, length);
		return;
	}
	snprintf(map, sizeof(map), "1\n%u\n%u\n", hole, length);
	r->head[r->heads++ % 256] = b->n;
	tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", size,
	    "GNU.sparse.name", rnd_name(r, 120), NULL);
	rnd_head(r, b, (struct tm_header){ .name = "GNUSparseFile.0/x", .size = 512 + length });
	tm_data(b, map, strlen(map));
	rnd_content(b, length);
}

static inline void
rnd_plain(struct rnd *r, struct lp_buf *b, uint64_t size)
{
	static const char types[] = "00000001122345555667700DVZ";
	char type = types[rnd(r, sizeof(types) - 1 - 3 * (uint32_t)r->tame)];
	uint64_t in_header = size == UINT64_MAX || rnd_one_in(r, 4) ? rnd(r, 1500) : 0;
	size_t at;

	if (type >= '1' && type <= '6' && (r->tame || !rnd_one_in(r, 8)))
		in_header = 0;
	at = rnd_head(r, b, (struct tm_header){ .name = rnd_name(r, 100), .type = type, .size = in_header,
	    .link = type == '1' || type == '2' ? rnd_name(r, 100) : NULL, .uname = rnd_name(r, 20),
	    .prefix = rnd_one_in(r, 4) ? rnd_name(r, 100) : NULL, .format = "uuuggvs"[rnd(r, 7)] });
	if (memcmp(b->p + at + 257, "ustar  ", 7) == 0)
		tm_patch(b, at, 345, (char [155]){ 0 }, 155);
	if (rnd_one_in(r, 3))
		rnd_numbers(r, b, at, in_header);
	if (!r->tame && rnd_one_in(r, 12))
		tm_patch(b, at, 156, "", 1);
	if (type < '1' || type > '6')
		rnd_content(b, size == UINT64_MAX ? in_header : size);
}

/* Extensions of which no two say the same. */
static inline void
rnd_tame_extensions(struct rnd *r, struct lp_buf *b)
{
	uint64_t unused;
	const char *name;

	if (rnd_one_in(r, 8))
		rnd_pax(r, b, 'g', &unused);
	if (rnd_one_in(r, 4)) {
		name = rnd_name(r, 300);
		rnd_ext(r, b, 'L', name, strlen(name) + 1);
	} else if (rnd_one_in(r, 3)) {
		rnd_pax(r, b, 'x', &unused);
	}
}

static inline void
rnd_member(struct rnd *r, struct lp_buf *b)
{
	uint64_t size = UINT64_MAX;
	const char *name;

	if (rnd_one_in(r, 10)) {
		rnd_sparse_gnu(r, b);
		return;
	}
	if (rnd_one_in(r, 10)) {
		rnd_sparse_pax(r, b);
		return;
	}
	if (r->tame)
		rnd_tame_extensions(r, b);
	for (uint32_t n = !r->tame && rnd_one_in(r, 2) ? rnd(r, 4) : 0; n > 0; n--) {
		switch (rnd(r, 5)) {
		case 0: name = rnd_name(r, 300); rnd_ext(r, b, 'L', name, strlen(name) + 1); break;
		case 1: name = rnd_name(r, 300); rnd_ext(r, b, 'K', name, strlen(name) + 1); break;
		case 2: rnd_pax(r, b, 'g', &size); size = UINT64_MAX; break;
		default: size = UINT64_MAX; rnd_pax(r, b, 'x', &size); break;
		}
	}
	rnd_plain(r, b, size);
}

static inline void
rnd_archive(struct rnd *r, struct lp_buf *b)
{
	lp_buf_clear(b);
	r->heads = 0;
	for (uint32_t n = rnd(r, 6) + 1; n > 0; n--)
		rnd_member(r, b);
	switch (r->tame ? 12 : rnd(r, 12)) {
	case 0: tm_zeros(b, LP_TAR_BLOCK); break;
	case 1: b->n = rnd(r, (uint32_t)b->n) + 1; break;
	case 2: tm_end(b); tm_add(b, "more", 4); break;
	default: tm_end(b); break;
	}
}

/* Change some bytes, in headers mostly, and put their checksums right mostly. */
static inline void
rnd_mutate(struct rnd *r, struct lp_buf *b)
{
	for (uint32_t n = rnd(r, 3) + 1; n > 0; n--) {
		static const char likely[] = "01234567 \0\xff/x9=\n,";
		size_t head = r->heads > 0 ? r->head[rnd(r, (uint32_t)r->heads)] : 0;
		size_t at = rnd_one_in(r, 4) ? rnd(r, (uint32_t)b->n) : head + rnd(r, rnd_one_in(r, 3) ? 1024 : 345);

		if (at >= b->n)
			continue;
		b->p[at] = rnd_one_in(r, 2) ? (unsigned char)likely[rnd(r, sizeof(likely) - 1)] :
		    (unsigned char)rnd(r, 256);
		if (head + LP_TAR_BLOCK <= b->n && !rnd_one_in(r, 6))
			tm_sum(b->p + head);
	}
}

#endif
