/* A clock that only goes forward, for how long things take; 0 where there is none. */
#ifndef LP_SYS_CLOCK_H
#define LP_SYS_CLOCK_H

#include <stdint.h>

int64_t lp_clock_ns(void);
int64_t lp_clock_ms(void);

#endif
