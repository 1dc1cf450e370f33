/*
 * FlatBuffers as bytes (google.github.io/flatbuffers, "FlatBuffer
 * Internals"): tables, vectors and strings at offsets, each of which may
 * lead anywhere. Nothing is read that does not lie inside the buffer, and
 * nothing is followed by itself: how deep it goes, the caller's code says.
 *
 *   table    at its place a signed 32-bit number, by which its vtable lies in
 *            front of it; the vtable: its own bytes, the table's bytes, then of
 *            each field where it lies in the table, 0 for one that is not there
 *   vector   a 32-bit count, then the items
 *   string   a vector of bytes, and a NUL that is not counted
 *
 * Numbers are little-endian, and are read byte by byte: of alignment nothing
 * is asked. A reader carries its failure: ask for `why` once all was read; what
 * is read behind a failure is a default, an empty string, no table.
 */
#ifndef LP_TOC_FLAT_H
#define LP_TOC_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

struct lp_flat {
	struct lp_span all; /* borrowed */
	const char *why;    /* the first failure, static; NULL: none so far */
	size_t bad;         /* its byte */
};

/* A table; at is 0 for one that is not there, all of whose fields are defaults. */
struct lp_flat_table {
	size_t at, bytes;
	size_t vtable, fields; /* where it is, and its bytes */
};

/* A vector; n is 0 for one that is not there. */
struct lp_flat_vector {
	size_t at; /* of its first item */
	size_t n;  /* items */
};

/* `field` is a field's place in the vtable, as every schema has it: 4 for the first one, 6, 8. */
struct lp_flat_table lp_flat_root(struct lp_flat *);
struct lp_flat_table lp_flat_table(struct lp_flat *, const struct lp_flat_table *, unsigned field);
/* A number of so many bytes, 1 to 8; `none` where it is not there. */
uint64_t lp_flat_number(struct lp_flat *, const struct lp_flat_table *, unsigned field, size_t bytes, uint64_t none);
/* Without its NUL, which must be there. Empty where it is not there. */
struct lp_span lp_flat_string(struct lp_flat *, const struct lp_flat_table *, unsigned field);
/* Of items of so many bytes each; an item that is a table is 4. */
struct lp_flat_vector lp_flat_vector(struct lp_flat *, const struct lp_flat_table *, unsigned field, size_t each);
/* The table that is item i of a vector, i being less than its n. */
struct lp_flat_table lp_flat_item(struct lp_flat *, const struct lp_flat_vector *, size_t i);

#endif
