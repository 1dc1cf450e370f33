/*
 * Unit tests: tables of cases, TAP on stdout.
 *
 * A test program calls ok() for each case and ends with `return unit_done()`.
 */
#ifndef LP_TEST_UNIT_H
#define LP_TEST_UNIT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/span.h"

/* Where the lines go; NULL, as it begins: stdout. */
extern FILE *unit_out;

/* One TAP line; `what` names the case. Returns `pass`. */
int ok(int pass, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* A diagnostic under the last line. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The plan line; the program's exit status. */
int unit_done(void);

/* The bytes in a heap block of exactly their size, so that AddressSanitizer sees one byte over. Ends the test if there is no memory. */
unsigned char *unit_exact(struct lp_span);

/* A small seeded generator: the same numbers on every machine. */
struct unit_rng { uint64_t s; };
uint32_t unit_rand(struct unit_rng *, uint32_t below);

/* Both spans alike: one TAP line, with both shown when not. */
int ok_span(struct lp_span got, struct lp_span want, const char *what);
#define ok_str(got, want, what) ok_span(got, lp_span_str(want), what)

#endif
