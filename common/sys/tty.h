/*
 * What stands at the other end of a descriptor: a terminal, how wide, and
 * whether it wants colours.
 */
#ifndef LP_SYS_TTY_H
#define LP_SYS_TTY_H

#include "common/base/span.h"

enum lp_color { LP_COLOR_AUTO, LP_COLOR_ALWAYS, LP_COLOR_NEVER };

/* "auto", "always" or "never". LP_OK or LP_E_USAGE. */
int lp_color_parse(struct lp_span, enum lp_color *);

int lp_tty_is(int fd);

/* Columns and rows of the terminal; 80 and 24 if it does not say. */
void lp_tty_size(int fd, unsigned *columns, unsigned *rows);

/*
 * Whether to colour what goes to fd: a terminal, NO_COLOR unset or empty
 * (no-color.org), and TERM not "dumb". --color overrides all of it.
 */
int lp_tty_color(enum lp_color, int fd);

/* Whether the environment's locale writes UTF-8 (LC_ALL, LC_CTYPE, LANG: the first that is set). */
int lp_tty_utf8(void);

#endif
