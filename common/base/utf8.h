/*
 * UTF-8 as Unicode 15 table 3-7 defines it: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#ifndef LP_BASE_UTF8_H
#define LP_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

/*
 * Length in bytes (1 to 4) of the character the span starts with, or 0 if
 * its first byte is not part of valid UTF-8 (or the span is empty).
 * *code, if not NULL, gets the code point.
 */
size_t lp_utf8_len(struct lp_span, uint32_t *code);

/* Whether all of it is valid. */
int lp_utf8_valid(struct lp_span);

/*
 * Whether a terminal must never see this code point raw, because it obeys
 * it, or because two different names would look the same: C0 and C1 controls
 * and DEL, the controls of writing direction, line and paragraph separators,
 * and what has no width (joiners, soft hyphen, invisible operators, byte
 * order mark, annotations, tags).
 */
int lp_utf8_unsafe(uint32_t code);

#endif
