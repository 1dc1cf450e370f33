/* Formats messages, and maps statuses to exit codes. */
#include "common/sys/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/escape.h"
#include "common/base/status.h"
#include "common/sys/io.h"

enum { MESSAGE_MAX = 4096, QUOTE_MAX = 1024, QUOTES = 4 };

static const char *prog = "lp";
static int quiet, verbose;
static char last[MESSAGE_MAX];
/* Messages that wait: whole lines. */
static int holding;
static struct lp_buf held;

void
lp_err_name(const char *name)
{
	prog = name;
}

const char *
lp_err_get_name(void)
{
	return prog;
}

void
lp_err_quiet(void)
{
	quiet = 1;
}

void
lp_err_verbose(void)
{
	verbose = 1;
}

int
lp_err_is_quiet(void)
{
	return quiet;
}

int
lp_err_is_verbose(void)
{
	return verbose;
}

const char *
lp_err_text(int err)
{
#if defined(__GLIBC__)
	const char *text = strerrordesc_np(err);
#else
	/* musl's: a table that no locale changes */
	const char *text = strerror(err);
#endif

	return text != NULL ? text : "unknown error";
}

/* Append to the line; what does not fit is cut, never overrun. */
static size_t __attribute__((format(printf, 3, 0)))
append(char *line, size_t n, const char *fmt, va_list ap)
{
	int k = vsnprintf(line + n, MESSAGE_MAX - n, fmt, ap);

	if (k < 0)
		return n;
	n += (size_t)k;
	return n < MESSAGE_MAX - 1 ? n : MESSAGE_MAX - 1;
}

static void __attribute__((format(printf, 3, 0)))
say(int keep, int err, const char *fmt, va_list ap)
{
	char line[MESSAGE_MAX];
	size_t body = strlen(prog) + 2, n;

	n = (size_t)snprintf(line, sizeof(line), "%s: ", prog);
	n = append(line, n, fmt, ap);
	if (err != 0) {
		n += (size_t)snprintf(line + n, sizeof(line) - n, ": %s", lp_err_text(err));
		n = n < sizeof(line) - 1 ? n : sizeof(line) - 1;
	}
	if (keep)
		snprintf(last, sizeof(last), "%.*s", (int)(n - body), line + body);
	line[n++] = '\n';
	if (holding && lp_buf_add(&held, lp_span(line, n)) == LP_OK)
		return;
	/* a message that cannot be written can be told to nobody */
	(void)lp_write_all(2, lp_span(line, n));
}

void
lp_err_hold(void)
{
	enum { HELD_MAX = 1 << 20 };

	if (!holding)
		lp_buf_init(&held, HELD_MAX);
	holding = 1;
}

void
lp_err_release(void)
{
	if (holding)
		(void)lp_write_all(2, lp_buf_span(&held));
	lp_err_forget();
}

void
lp_err_forget(void)
{
	if (holding)
		lp_buf_release(&held);
	holding = 0;
}

void
lp_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(1, 0, fmt, ap);
	va_end(ap);
}

void
lp_err_errno(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	say(1, err, fmt, ap);
	va_end(ap);
}

void
lp_note(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	say(0, 0, fmt, ap);
	va_end(ap);
}

void
lp_detail(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	say(0, 0, fmt, ap);
	va_end(ap);
}

/* A room for one quote; static and not allocated: a message about lost memory must still come out. */
struct room {
	unsigned char text[QUOTE_MAX + 4];
};

static const char *
quote_into(unsigned char *text, size_t size, struct lp_span s, enum lp_escape_for to)
{
	struct lp_buf b = { .p = text, .cap = size - 1, .max = size - 1 };

	(void)lp_escape_cut(&b, s, to);
	b.p[b.n] = '\0';
	return (const char *)b.p;
}

const char *
lp_quote(struct lp_span s)
{
	static struct room rooms[QUOTES];
	static unsigned turn;

	turn = (turn + 1) % QUOTES;
	return quote_into(rooms[turn].text, sizeof(rooms[turn].text), s, LP_ESCAPE_TERMINAL);
}

const char *
lp_quote_message(struct lp_span s)
{
	static unsigned char text[MESSAGE_MAX];

	return quote_into(text, sizeof(text), s, LP_ESCAPE_AGAIN);
}

const char *
lp_quotes_kept(const char *s)
{
	static struct room rooms[LP_QUOTES_KEPT];
	static size_t n;

	if (n == LP_QUOTES_KEPT)
		return "...";
	n++;
	return quote_into(rooms[n - 1].text, sizeof(rooms[n - 1].text), lp_span_str(s), LP_ESCAPE_TERMINAL);
}

const char *
lp_quotes(const char *s)
{
	return lp_quote(lp_span_str(s));
}

void
lp_err_said(const char *text)
{
	snprintf(last, sizeof(last), "%s", text);
}

const char *
lp_err_last(void)
{
	return last;
}

static int was_memory;

int
lp_exit_was_memory(void)
{
	return was_memory;
}

int
lp_exit_of(int status)
{
	was_memory |= status == LP_E_NOMEM;
	switch (status) {
	case LP_OK:
	case LP_E_PIPE:
		return LP_EXIT_OK;
	case LP_E_DATA:
	case LP_E_LIMIT:
		return LP_EXIT_DATA;
	case LP_E_ABSENT:
		return LP_EXIT_ABSENT;
	case LP_E_USAGE:
		return LP_EXIT_USAGE;
	default:
		return LP_EXIT_SYSTEM;
	}
}

int
lp_exit_worse(int a, int b)
{
	static const unsigned char rank[] = {
		[LP_EXIT_OK] = 0, [LP_EXIT_ABSENT] = 1, [LP_EXIT_DATA] = 2,
		[LP_EXIT_SYSTEM] = 3, [LP_EXIT_USAGE] = 4
	};

	return rank[b] > rank[a] ? b : a;
}
