/* The deflate engine over zlib. */
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "common/codec/deflate.h"

enum { RAW_DEFLATE = -15, PREFIX_MAX = LP_DEFLATE_PREFIX_BITS / 8 };

/* What z_stream.data_type says behind a call with Z_BLOCK, besides the number of bits that are not used yet. */
enum { LAST = 64, BETWEEN = 128 };

struct state {
	z_stream s;
	/* what lp_deflate_zlib_resume wants decoded before the input */
	unsigned char prefix[PREFIX_MAX];
	size_t nprefix;
	size_t used;
};

static void *
engine_open(void)
{
	struct state *z = calloc(1, sizeof(*z));

	if (z != NULL && inflateInit2(&z->s, RAW_DEFLATE) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static void
engine_close(void *p)
{
	struct state *z = p;

	if (z != NULL)
		inflateEnd(&z->s);
	free(z);
}

static void
engine_start(void *p)
{
	struct state *z = p;

	inflateReset(&z->s);
	z->nprefix = z->used = 0;
}

enum lp_deflate_result
lp_deflate_zlib_resume(void *p, struct lp_span window, const unsigned char *bits,
    size_t skip, size_t nbits)
{
	struct state *z = p;
	size_t odd = nbits % 8, from = skip + odd, shift = from % 8;
	const unsigned char *q = bits + from / 8;
	unsigned first = (unsigned)(bits[0] >> skip);

	engine_start(z);
	if (window.n > 0 && inflateSetDictionary(&z->s, window.p, (uInt)window.n) != Z_OK)
		return LP_DEFLATE_NOMEM;
	/* the odd bits in front, so that the others are whole bytes, and the input's bytes fit behind them */
	if (skip + odd > 8)
		first |= (unsigned)bits[1] << (8 - skip);
	inflatePrime(&z->s, (int)odd, (int)(first & ((1u << odd) - 1)));
	z->nprefix = nbits / 8;
	for (size_t i = 0; i < z->nprefix; i++)
		z->prefix[i] = (unsigned char)(shift == 0 ? q[i] : q[i] >> shift | q[i + 1] << (8 - shift));
	return LP_DEFLATE_MORE;
}

/* One call of inflate() over some input. */
static int
inflate_some(struct state *z, struct lp_deflate_io *io, struct lp_span *in)
{
	enum { MOST = 1 << 30 };
	size_t room = io->cap - io->n, nin = in->n < MOST ? in->n : MOST, got;
	int rc;

	room = room < MOST ? room : MOST;
	z->s.next_in = in->p;
	z->s.avail_in = (uInt)nin;
	z->s.next_out = io->out + io->n;
	z->s.avail_out = (uInt)room;
	rc = inflate(&z->s, io->stop > 0 ? Z_BLOCK : Z_NO_FLUSH);
	lp_span_take(in, nin - z->s.avail_in);
	got = room - z->s.avail_out;
	io->n += got;
	io->total += got;
	return rc;
}

static enum lp_deflate_result
engine_resume(void *p, struct lp_span window, unsigned char byte, unsigned bits)
{
	const unsigned char first[] = { byte, 0 }; /* fewer bits than a byte has: the second is for who counts bytes */

	return lp_deflate_zlib_resume(p, window, first, (8 - bits) % 8, bits);
}

/* Where the caller wants to stop: behind a block that is not the last. */
static int
is_stop(const struct state *z, const struct lp_deflate_io *io)
{
	return (z->s.data_type & (BETWEEN | LAST)) == BETWEEN && io->stop > 0 && io->total >= io->stop;
}

static enum lp_deflate_result
engine_run(void *p, struct lp_deflate_io *io)
{
	struct state *z = p;

	for (;;) {
		struct lp_span prefix = lp_span(z->prefix + z->used, z->nprefix - z->used);
		int rc = inflate_some(z, io, prefix.n > 0 ? &prefix : &io->in);

		z->used = z->nprefix - prefix.n;
		if (rc == Z_STREAM_END)
			return LP_DEFLATE_END;
		if (rc == Z_MEM_ERROR)
			return LP_DEFLATE_NOMEM;
		if (rc == Z_DATA_ERROR) {
			/* data_type's low bits: how many bits were read and not used */
			io->why = z->s.msg;
			io->back = 1 + prefix.n + ((size_t)z->s.data_type & 63) / 8;
			return LP_DEFLATE_BAD;
		}
		if (is_stop(z, io) && prefix.n == 0) {
			io->bits = (unsigned)z->s.data_type & 7;
			return LP_DEFLATE_BLOCK;
		}
		if (z->s.avail_out == 0)
			return LP_DEFLATE_FULL;
		/* that it stopped behind a block does not mean that it is out of input */
		if ((z->s.data_type & BETWEEN) != 0)
			continue;
		if (prefix.n == 0 && io->in.n == 0)
			return LP_DEFLATE_MORE;
	}
}

static uint32_t
engine_crc32(uint32_t crc, struct lp_span s)
{
	return s.n > 0 ? (uint32_t)crc32_z(crc, s.p, s.n) : crc;
}

const struct lp_deflate_engine lp_deflate_zlib = {
	.name = "zlib",
	.open = engine_open,
	.close = engine_close,
	.start = engine_start,
	.resume = engine_resume,
	.run = engine_run,
	.crc32 = engine_crc32,
};
