/*
 * The program that shows long output on a terminal, page by page: which one
 * it is, and what it may leave behind when it is ended.
 */
#ifndef LP_PEEK_PAGER_H
#define LP_PEEK_PAGER_H

#include <sys/types.h>

#include "common/run/proc.h"

/*
 * The pager for stdout, as git chooses it: LP_PAGER, PAGER, else less; one
 * that is empty or "cat" is none. For less, LESS=FRX is put into the
 * environment unless LESS is set. Its words, NULL behind the last: those of
 * the program itself where they mean nothing to a shell, so that a signal to
 * our child is one to the pager; else "sh", "-c" and the command line. NULL
 * if stdout is no terminal, if none is wanted, or if there is no such
 * program, which is noted where the user named it. Valid until the next call.
 */
const char *const *lp_pager(void);

/* ncdu, which shows what lp-merge -o ncdu writes; NULL if there is none, after a message. */
const char *const *lp_pager_ncdu(void);

/* Keep the terminal's settings, if it is ours; and put them back as they were then, if they were kept, and it is. */
void lp_pager_save_terminal(void);
void lp_pager_restore_terminal(void);

/*
 * Before we stop: the pager is to have stopped, and the terminal to be as it
 * was found. One that Ctrl-Z has reached sees to both; it does not where it
 * was not there yet, where it is stopped before it has a handler, and where
 * the signal was for us alone. lp_pager_continue is for when we go on: what
 * was taken from the pager it gets back, once the terminal is ours.
 */
void lp_pager_stop(const struct lp_job *pager);
void lp_pager_continue(const struct lp_job *pager);

/*
 * A shell that runs the pager is ended, the pager may live on. Before the
 * lock, lp_pager_adopt makes us the parent of such orphans; later
 * lp_pager_end_orphans ends those of our own process group: SIGTERM, and
 * SIGKILL a second later. No other child may be left then. Where the kernel
 * does not list children, nothing is done.
 */
void lp_pager_adopt(void);
void lp_pager_end_orphans(void);

#endif
