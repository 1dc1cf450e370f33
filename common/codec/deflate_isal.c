/*
 * ISA-L, kept to what it does as zlib does it.
 *
 * Its decoder is about three times as fast, but it is not a judge: it takes
 * incomplete codes that zlib refuses, it cannot tell what it wrote before
 * an error from what it wrote in error, and where the input ends it holds
 * back up to two literals whose bits are all there. So:
 *
 * - Each block's header is read here first (codec/deflate_block.h). One that is
 *   not regular goes to zlib, and the rest of the stream with it.
 * - ISA-L is given one block at a time: the bit that calls a block the last
 *   is set in what it reads, so that it stops where the block does.
 * - If it finds an error, or the input ends inside a block, the stream goes
 *   back to where that run began, and zlib goes on from there: the last
 *   word is always zlib's.
 *
 * Used of struct inflate_state beyond the calls: read_in and read_in_length,
 * which are how a stream is started between two bytes, block_state, and
 * tmp_out_valid and tmp_out_processed, which tell how much decoded output
 * is not handed out yet.
 */
#include <stdlib.h>
#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "common/codec/deflate.h"
#include "common/codec/deflate_block.h"

enum mode { HEADER, STORED, CODED, ZLIB, ENDED };

struct state {
	struct inflate_state isal;
	void *zlib; /* opened when it is first needed */
	enum mode mode;
	struct lp_deflate_block block;
	/* bytes of the block's header; its first bit is bit `skip` of the first */
	unsigned char head[LP_DEFLATE_HEADER_MAX + sizeof(uint64_t)];
	size_t nhead;
	unsigned skip;
	uint32_t left; /* bytes of a stored block to come */
};

/* Where a run of ISA-L begins, for zlib to start from: bits, and the input behind them. */
struct mark {
	struct lp_span in;
	size_t n;         /* as in lp_deflate_io, with the output that ISA-L has not handed out yet */
	uint64_t total;
	size_t head_bits; /* of the head */
	uint64_t bits;    /* and these */
	unsigned nbits;
};

static void *
engine_open(void)
{
	struct state *z = malloc(sizeof(*z));

	if (z != NULL) {
		z->zlib = NULL;
		isal_inflate_init(&z->isal);
	}
	return z;
}

static void
engine_close(void *p)
{
	struct state *z = p;

	if (z != NULL)
		lp_deflate_zlib.close(z->zlib);
	free(z);
}

static void
engine_start(void *p)
{
	struct state *z = p;

	z->mode = HEADER;
	z->nhead = 0;
	z->skip = 0;
}

/* The window is looked for in the output, when a block begins. */
static enum lp_deflate_result
engine_resume(void *p, struct lp_span before, unsigned char byte, unsigned bits)
{
	struct state *z = p;

	(void)before;
	z->mode = HEADER;
	z->nhead = bits > 0;
	z->skip = bits > 0 ? 8 - bits : 0;
	z->head[0] = byte;
	return LP_DEFLATE_MORE;
}

static struct lp_span
window(const struct lp_deflate_io *io)
{
	size_t n = io->total < LP_DEFLATE_WINDOW ? (size_t)io->total : LP_DEFLATE_WINDOW;

	return lp_span(io->out + io->n - n, n);
}

static size_t
pending(const struct state *z)
{
	return (size_t)(z->isal.tmp_out_valid - z->isal.tmp_out_processed);
}

/* ISA-L is at the block's first bit; the head's first nbits are not in the input any more. */
static struct mark
mark_start(const struct lp_deflate_io *io, size_t nbits)
{
	return (struct mark){ .in = io->in, .n = io->n, .total = io->total, .head_bits = nbits };
}

/* ISA-L is between two symbols of the block, or before its first. */
static struct mark
mark_inside(const struct state *z, const struct lp_deflate_io *io)
{
	return (struct mark){
		.in = io->in, .n = io->n + pending(z), .total = io->total + pending(z),
		.head_bits = z->block.bits,
		.bits = z->isal.read_in, .nbits = (unsigned)z->isal.read_in_length
	};
}

/* zlib goes on from the mark, for the rest of the stream; what was written since is forgotten. */
static enum lp_deflate_result
go_back(struct state *z, struct lp_deflate_io *io, const struct mark *m)
{
	size_t end = z->skip + m->head_bits;
	enum lp_deflate_result rc;

	io->in = m->in;
	io->n = m->n;
	io->total = m->total;
	for (unsigned i = 0; i < m->nbits; i++) {
		unsigned char *p = &z->head[(end + i) / 8];
		unsigned char bit = (unsigned char)(1u << (end + i) % 8);

		*p = (unsigned char)((m->bits >> i & 1) != 0 ? *p | bit : *p & ~bit);
	}
	if (z->zlib == NULL)
		z->zlib = lp_deflate_zlib.open();
	if (z->zlib == NULL)
		return LP_DEFLATE_NOMEM;
	z->mode = ZLIB;
	rc = lp_deflate_zlib_resume(z->zlib, window(io), z->head, z->skip, m->head_bits + m->nbits);
	return rc == LP_DEFLATE_MORE ? lp_deflate_zlib.run(z->zlib, io) : rc;
}

/*
 * Give whole bytes that were read ahead back to the input. They are always
 * of this run's: at its start, ISA-L had not enough bits for one symbol.
 */
static void
unread(struct inflate_state *s, struct lp_span *in, size_t taken)
{
	size_t n = (size_t)s->read_in_length / 8;

	n = n < taken ? n : taken;
	in->p -= n;
	in->n += n;
	s->read_in_length -= (int32_t)(8 * n);
	s->read_in &= ((uint64_t)1 << s->read_in_length) - 1;
}

/*
 * Run ISA-L over `in`, the input or the head. END: the block has. MORE: all
 * of `in` is used. BAD: what was written is not to be believed.
 */
static enum lp_deflate_result
run_isal(struct state *z, struct lp_deflate_io *io, struct lp_span *in)
{
	enum { MOST = 1 << 30 };
	struct inflate_state *s = &z->isal;
	size_t nin = in->n < MOST ? in->n : MOST, room = io->cap - io->n, taken, got;

	room = room < MOST ? room : MOST;
	s->next_in = (uint8_t *)(uintptr_t)in->p; /* it only reads, and only does not say so */
	s->avail_in = (uint32_t)nin;
	s->next_out = io->out + io->n;
	s->avail_out = (uint32_t)room;
	if (isal_inflate(s) < 0)
		return LP_DEFLATE_BAD;
	taken = nin - s->avail_in;
	lp_span_take(in, taken);
	got = room - s->avail_out;
	io->n += got;
	io->total += got;
	if (s->block_state == ISAL_BLOCK_FINISH) {
		unread(s, in, taken);
		return LP_DEFLATE_END;
	}
	if (in->n == 0 && io->cap - io->n >= LP_DEFLATE_ROOM)
		return LP_DEFLATE_MORE;
	unread(s, in, taken);
	return LP_DEFLATE_FULL;
}

/* Behind a block: what is left of its last byte starts the next header. */
static void
next_block(struct state *z)
{
	unsigned odd = (unsigned)z->isal.read_in_length;

	z->mode = z->block.final ? ENDED : HEADER;
	z->nhead = odd > 0;
	z->skip = odd > 0 ? 8 - odd : 0;
	z->head[0] = (unsigned char)(z->isal.read_in << z->skip);
}

/*
 * What the steps below return: what the engine is to return, or GO_ON. Each
 * is entered with LP_DEFLATE_ROOM.
 */
enum { GO_ON = -1 };

/* A run's result; `m` is where it began. */
static int
settle(struct state *z, struct lp_deflate_io *io, enum lp_deflate_result rc, const struct mark *m)
{
	switch (rc) {
	case LP_DEFLATE_BAD:
		return (int)go_back(z, io, m);
	case LP_DEFLATE_END:
		next_block(z);
		return GO_ON;
	default:
		return (int)rc;
	}
}

static int
coded(struct state *z, struct lp_deflate_io *io)
{
	struct mark m = mark_inside(z, io);

	if (io->in.n == 0 && io->eof)
		return (int)go_back(z, io, &m);
	return settle(z, io, run_isal(z, io, &io->in), &m);
}

/* A coded block begins: its header is in the head, the first `had` bytes of that from before the input. */
static int
start_coded(struct state *z, struct lp_deflate_io *io, size_t had)
{
	struct inflate_state *s = &z->isal;
	struct lp_span w = window(io), rest = lp_span(z->head + 1, z->nhead - 1);
	struct mark m;
	int rc;

	isal_inflate_reset(s);
	if (w.n > 0)
		isal_inflate_set_dict(s, (uint8_t *)(uintptr_t)w.p, (uint32_t)w.n);
	s->read_in = (uint64_t)(z->head[0] >> z->skip | 1); /* the last block, for all it knows */
	s->read_in_length = (int32_t)(8 - z->skip);
	z->mode = CODED;
	if (had <= 1) {
		lp_span_take(&io->in, 1 - had);
		m = mark_start(io, 8 - z->skip);
		return settle(z, io, run_isal(z, io, &io->in), &m);
	}
	/* begun in input that is gone: first the header, from its copy */
	lp_span_take(&io->in, z->nhead - had);
	m = mark_start(io, 8 * z->nhead - z->skip);
	rc = settle(z, io, run_isal(z, io, &rest), &m);
	return rc == LP_DEFLATE_MORE || rc == LP_DEFLATE_FULL ? GO_ON : rc;
}

static int
header(struct state *z, struct lp_deflate_io *io)
{
	size_t had = z->nhead, more = LP_DEFLATE_HEADER_MAX - had;
	enum lp_deflate_verdict v;
	struct mark m;

	more = more < io->in.n ? more : io->in.n;
	if (more > 0)
		memcpy(z->head + had, io->in.p, more);
	v = lp_deflate_block(z->head, had + more, z->skip, &z->block);
	if (v == LP_DEFLATE_SHORT) {
		/* all there is; no header is longer than the head */
		z->nhead = had + more;
		lp_span_take(&io->in, more);
		if (!io->eof)
			return LP_DEFLATE_MORE;
		m = mark_start(io, 8 * z->nhead - (z->nhead > 0 ? z->skip : 0));
		return (int)go_back(z, io, &m);
	}
	z->nhead = (z->skip + z->block.bits + 7) / 8;
	if (v == LP_DEFLATE_REGULAR && z->block.type != 0)
		return start_coded(z, io, had);
	lp_span_take(&io->in, z->nhead - had);
	if (v == LP_DEFLATE_ODD) {
		m = mark_start(io, 8 * z->nhead - z->skip);
		return (int)go_back(z, io, &m);
	}
	z->left = z->block.stored;
	z->mode = STORED;
	return GO_ON;
}

static int
stored(struct state *z, struct lp_deflate_io *io)
{
	size_t room = io->cap - io->n;
	struct lp_span s = lp_span_take(&io->in, z->left < room ? z->left : room);

	if (s.n > 0)
		memcpy(io->out + io->n, s.p, s.n);
	io->n += s.n;
	io->total += s.n;
	z->left -= (uint32_t)s.n;
	if (z->left > 0)
		return io->in.n == 0 ? LP_DEFLATE_MORE : LP_DEFLATE_FULL;
	z->mode = z->block.final ? ENDED : HEADER;
	z->nhead = 0;
	z->skip = 0;
	return GO_ON;
}

/* Where the caller wants to stop: the next block begins, and none of its header's bytes but the first was taken. */
static int
is_stop(const struct state *z, const struct lp_deflate_io *io)
{
	return io->stop > 0 && io->total >= io->stop && z->mode == HEADER && z->nhead == (z->skip > 0);
}

static enum lp_deflate_result
engine_run(void *p, struct lp_deflate_io *io)
{
	struct state *z = p;
	int rc = GO_ON;

	if (z->mode == ZLIB)
		return lp_deflate_zlib.run(z->zlib, io);
	while (rc == GO_ON) {
		if (z->mode == ENDED)
			return LP_DEFLATE_END;
		if (is_stop(z, io)) {
			io->bits = z->skip > 0 ? 8 - z->skip : 0;
			return LP_DEFLATE_BLOCK;
		}
		if (io->cap - io->n < LP_DEFLATE_ROOM)
			return LP_DEFLATE_FULL;
		switch (z->mode) {
		case HEADER:
			rc = header(z, io);
			break;
		case STORED:
			rc = stored(z, io);
			break;
		default:
			rc = coded(z, io);
		}
	}
	return (enum lp_deflate_result)rc;
}

static uint32_t
engine_crc32(uint32_t crc, struct lp_span s)
{
	return s.n > 0 ? crc32_gzip_refl(crc, s.p, s.n) : crc;
}

const struct lp_deflate_engine lp_deflate_isal = {
	.name = "isal",
	.open = engine_open,
	.close = engine_close,
	.start = engine_start,
	.resume = engine_resume,
	.run = engine_run,
	.crc32 = engine_crc32,
};
