/*
 * Messages and exit codes: how a program speaks (lp(5), "Manners").
 *
 * One message is one line on stderr, written whole by one write(2), with
 * the program's name in front: `lp-tarls: <stdin>: byte 1536: ...`. Bytes
 * that came from outside go through lp_quote(), because a terminal obeys
 * what it is shown.
 */
#ifndef LP_SYS_ERR_H
#define LP_SYS_ERR_H

#include "common/base/span.h"

enum lp_exit {
	LP_EXIT_OK = 0,
	LP_EXIT_DATA = 1,   /* the data is bad: retrying cannot help */
	LP_EXIT_USAGE = 2,  /* the command line is wrong; no input was read */
	LP_EXIT_SYSTEM = 3, /* system or network: retrying may help */
	LP_EXIT_ABSENT = 4  /* the answer is no */
};

/* The name in front of every message. `name` must stay valid for ever. */
void lp_err_name(const char *name);
const char *lp_err_get_name(void);

/* -q and -v: notes are silenced by the one, details shown by the other. */
void lp_err_quiet(void);
void lp_err_verbose(void);
int lp_err_is_verbose(void);
int lp_err_is_quiet(void);

/* A failure: always shown. */
void lp_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with ": " and the text of errno behind it. */
void lp_err_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The text of an errno. Not strerror: that reads the locale, and may open files after the lock. */
const char *lp_err_text(int err);
/* Something a user should know although the work went on; not under -q. */
void lp_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Details; only under -v. */
void lp_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Foreign bytes made harmless for a terminal, as a C string. The answer is
 * one of four that are used in turn: valid until the fourth call after
 * this one. What is longer than a screenful is cut, and ends in "...".
 */
const char *lp_quote(struct lp_span);
const char *lp_quotes(const char *);
/* The same for a message of another of our programs, which has cut and escaped its names: as long as a message may be. Valid until the next one. */
const char *lp_quote_message(struct lp_span);

/*
 * The same for a name that every message will need: valid for ever. For what
 * the command line names, not for what input brings: there is room for
 * LP_QUOTES_KEPT, and one more is "...".
 */
enum { LP_QUOTES_KEPT = 8 };
const char *lp_quotes_kept(const char *);

/* The last message of lp_err or lp_err_errno without the program's name; "" if none. For the statistics. */
const char *lp_err_last(void);

/* A failure that a child has said already: it becomes the last message, and is not shown again. */
void lp_err_said(const char *text);

/*
 * From now on messages wait, because another program draws on the terminal;
 * lp_err_release shows them. A child that has a copy of us forgets them
 * instead: they are its parent's.
 */
void lp_err_hold(void);
void lp_err_release(void);
void lp_err_forget(void);

/* What a failed status of base/status.h is as an exit code (LP_E_PIPE is 0: the reader has enough). */
int lp_exit_of(int status);
/* Whether one of those was LP_E_NOMEM: what to say of an exit that nobody has explained. */
int lp_exit_was_memory(void);

/*
 * The worse of two exit codes: 0 < 4 < 1 < 3 < 2. 3 outranks 1 because a
 * retry takes the 3 away and shows the 1 again, never the other way round.
 */
int lp_exit_worse(int a, int b);

#endif
