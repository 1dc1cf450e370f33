/*
 * What is known of a member's body before it is read: how far it may be
 * compressed, and how its end looks.
 */
#ifndef LP_JUMP_BODY_H
#define LP_JUMP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "common/tar/tarfind.h"

/* By its first bytes. */
enum lp_jump_kind { LP_JUMP_OTHER, LP_JUMP_ELF, LP_JUMP_ZIP, LP_JUMP_PACKED, LP_JUMP_AR, LP_JUMP_JIMAGE, LP_JUMP_KINDS };

/* Symbols of a body that are kept: an archive in the archive shows itself by its magic. */
enum { LP_JUMP_HEAD = 264 };

struct lp_jump_body {
	uint64_t size;    /* bytes of content */
	unsigned padding; /* zeros behind it */
	unsigned char name[LP_TARFIND_NAME]; /* in its header */
	uint16_t head[LP_JUMP_HEAD]; /* its first symbols */
	size_t nhead;
	uint64_t passed;  /* symbols of it that were decoded in order, and */
	uint64_t at;      /* the place in the input where they began */
};

enum { LP_JUMP_ZEROS = 16 }; /* zeros at the end of content that are told apart: so many, or more */

/* What bodies have shown so far. */
struct lp_jump_habits {
	struct lp_jump_ratio { unsigned n; double sum, squares; } of[LP_JUMP_KINDS]; /* compressed bytes for one byte */
	double in, out; /* bytes of all */
	unsigned ends[LP_JUMP_KINDS]; /* that were seen, and with how many zeros */
	unsigned zeros[LP_JUMP_KINDS][LP_JUMP_ZEROS + 1];
};

enum lp_jump_kind lp_jump_kind(const struct lp_jump_body *);

/* Whether it is a tar archive itself, whose headers would be taken for the ones behind it. */
int lp_jump_is_tar(const struct lp_jump_body *);

/* A body of this many bytes was compressed to so many. */
void lp_jump_learn(struct lp_jump_habits *, enum lp_jump_kind, double in, double out);

/* What its end looked like: `s` is behind its padding, and n symbols are in front. */
void lp_jump_learn_end(struct lp_jump_habits *, const struct lp_jump_body *, const uint16_t *s, size_t n);

/* What is expected of the rest of a body: its ratio, and the relative standard deviation of that. `in`: bytes that gave what passed. */
double lp_jump_expect(const struct lp_jump_habits *, const struct lp_jump_body *, uint64_t in, double *sd);

/*
 * How much likelier the symbols in front of a header are at the end of this
 * body than anywhere else: 0 if they contradict. There are `n` of them in front of `s`.
 */
double lp_jump_ending(const struct lp_jump_habits *, const struct lp_jump_body *, const struct lp_tarfind_zeros *, const uint16_t *s, size_t n);

/* Square root, which the C library has only in one more library. */
double lp_jump_root(double);

#endif
