/*
 * Numbers as people read them: 1,204 and 192 KiB and 0.05 %. For eyes
 * only; what programs read is plain digits (base/num.h).
 *
 * Each function but the last writes at p, which has LP_HUMAN_MAX bytes of room, and
 * returns the end; no NUL.
 */
#ifndef LP_VIEW_HUMAN_H
#define LP_VIEW_HUMAN_H

#include <stdint.h>

#include "common/base/buf.h"

enum { LP_HUMAN_MAX = 32 };

/* Digits in groups of three: 1,204. */
char *lp_human_count(char *p, uint64_t n);

/* Bytes, binary, three significant digits, rounded to nearest: 0 B, 999 B, 1.50 KiB, 64.0 KiB, 411 MiB. */
char *lp_human_bytes(char *p, uint64_t bytes);

/* A share of a whole in per cent: 0.05 %, 33.3 %, 100 %. A whole of 0 is 0 %. */
char *lp_human_percent(char *p, uint64_t part, uint64_t whole);

/* How long, rounded down: 99 s, 99 min, 47 h. */
char *lp_human_seconds(char *p, uint64_t seconds);

/* lp_human_bytes, appended. LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_human_put_bytes(struct lp_buf *, uint64_t bytes);

#endif
