/*
 * Raw deflate (RFC 1951): one interface, an engine behind it.
 *
 * An engine is a table of functions over a state that it owns. It knows
 * neither gzip's framing nor where its bytes come from. The engines agree:
 * for every input, cut off and corrupt ones included, each gives the same
 * output, the same verdict and the same place of the error, whatever the
 * chunks the input comes in (test/unit/test_deflate.c holds them to it).
 *
 * No engine prints, opens or reads anything; memory is all it asks for.
 */
#ifndef LP_CODEC_DEFLATE_H
#define LP_CODEC_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

enum {
	LP_DEFLATE_WINDOW = 32 * 1024, /* bytes a match may reach back (RFC 1951 section 2) */
	LP_DEFLATE_ROOM = 3 * LP_DEFLATE_WINDOW /* bytes of free room that each run must be given */
};

enum lp_deflate_result {
	LP_DEFLATE_MORE, /* all input is used; under eof: the stream is cut off here */
	LP_DEFLATE_FULL, /* more may come out without more input: make room, run again */
	LP_DEFLATE_BLOCK, /* a block ended where the caller's `stop` asked for it; run again, with another `stop` */
	LP_DEFLATE_END,  /* the final block has ended; `in` starts behind its last byte */
	LP_DEFLATE_BAD,  /* no deflate stream: io->why and io->back say what and where */
	LP_DEFLATE_NOMEM
};

/* What one run reads and writes. */
struct lp_deflate_io {
	struct lp_span in; /* a run takes what it uses off the front */
	int eof;           /* nothing will follow `in`: bring out every byte that can be decoded */

	/*
	 * Output goes to out[n] and on. The bytes before out[n] are the stream's
	 * own last output, at least min(total, LP_DEFLATE_WINDOW) of them.
	 */
	unsigned char *out;
	size_t n;
	size_t cap;
	uint64_t total; /* bytes this stream has given so far, kept by the engine; behind resume at first those of the window */

	/*
	 * LP_DEFLATE_BLOCK is wanted where the first block ends, not being the last, that brings `total` to this; 0: nowhere.
	 * Then `bits` (0 to 7) is how many bits of the byte before `in`, its highest, belong to the next block.
	 */
	uint64_t stop;
	unsigned bits;

	/* Filled with LP_DEFLATE_BAD: a static reason, and the byte whose bits made it wrong, counted back from in.p. */
	const char *why;
	size_t back;
};

struct lp_deflate_engine {
	const char *name;
	/* A state, or NULL if there is no memory. close takes NULL. */
	void *(*open)(void);
	void (*close)(void *);
	/* A new stream begins. */
	void (*start)(void *);
	/*
	 * A stream begins between two blocks: `window` is the output before (at most LP_DEFLATE_WINDOW bytes, also in io->out
	 * before out[n], where they stay), the `bits` highest bits of `byte` come before any input. MORE or NOMEM.
	 */
	enum lp_deflate_result (*resume)(void *, struct lp_span window, unsigned char byte, unsigned bits);
	/*
	 * Decode until the input is used up, the room is, or the stream ends.
	 * The input given before must have been used up if `in` is other bytes.
	 */
	enum lp_deflate_result (*run)(void *, struct lp_deflate_io *);
	/* CRC-32 of RFC 1952 section 8 over more bytes; the first call starts from 0. */
	uint32_t (*crc32)(uint32_t crc, struct lp_span);
};

/* zlib: everywhere. ISA-L: where the build found it (LP_WITH_ISAL). */
extern const struct lp_deflate_engine lp_deflate_zlib;
extern const struct lp_deflate_engine lp_deflate_isal;

/*
 * Put zlib into the middle of a stream: `window` is the output before,
 * `bits` (nbits of them, the lowest bit of a byte first, the first one being
 * bit `skip` of *bits) are decoded before any input, and start at a block's header.
 * They must not reach the end of the stream. At most LP_DEFLATE_PREFIX_BITS.
 */
enum { LP_DEFLATE_PREFIX_BITS = 8 * 512 };
enum lp_deflate_result lp_deflate_zlib_resume(void *zlib, struct lp_span window,
    const unsigned char *bits, size_t skip, size_t nbits);

/* The engine of that name, the fastest of this build for NULL; NULL if this build has none such. */
const struct lp_deflate_engine *lp_deflate_engine(const char *name);

/* Names of this build's engines, fastest first, for a help text. */
const char *lp_deflate_engines(void);

#endif
