/*
 * Asking a person for a password, on the terminal and nowhere else. What is
 * asked is the caller's text.
 */
#ifndef LP_SYS_PROMPT_H
#define LP_SYS_PROMPT_H

#include "common/base/buf.h"

/*
 * Write `text` to /dev/tty, read a line from there without showing it, and
 * append it without its newline. A signal that would end or stop us gets
 * the terminal back as it was. LP_OK; LP_E_SYS (errno; there may be no
 * terminal), LP_E_ABSENT if the line did not come (end of input),
 * LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_prompt(const char *text, struct lp_buf *);

#endif
