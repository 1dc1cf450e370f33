/* Asks for a password on the terminal. */
#include "common/sys/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/span.h"
#include "common/base/status.h"
#include "common/sys/io.h"

/* Those that would leave the terminal without its echo, and the one that tells that others have had it. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* Blocked but where we wait, so that none can come between a look at `caught` and the wait. */
struct guard {
	struct sigaction old[SIGNALS];
	sigset_t mask, open; /* as it was; the same without ours */
};

static volatile sig_atomic_t caught;

static void
note_signal(int sig)
{
	caught = sig;
}

static void
guard(struct guard *g)
{
	struct sigaction sa = { .sa_handler = note_signal };
	sigset_t ours;

	sigemptyset(&ours);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&ours, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &ours, &g->mask);
	g->open = g->mask;
	caught = 0;
	for (size_t i = 0; i < SIGNALS; i++) {
		/* what somebody wants ignored is */
		if (sigaction(signals[i], NULL, &g->old[i]) != 0 || g->old[i].sa_handler == SIG_IGN)
			continue;
		(void)sigaction(signals[i], &sa, NULL);
		sigdelset(&g->open, signals[i]);
	}
}

/* What came is done now: we die of it, or stand still here until somebody continues us. */
static void
release(const struct guard *g)
{
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &g->old[i], NULL);
	if (caught != 0 && caught != SIGCONT)
		(void)raise(caught);
	(void)sigprocmask(SIG_SETMASK, &g->mask, NULL);
}

/* One line, byte by byte: what follows it is not ours. read(2) itself, since a signal must end it. */
static int
read_line(int fd, const struct guard *g, struct lp_buf *b)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = ppoll(&p, 1, NULL, &g->open) < 0 ? -1 : 1;
		char c;

		if (n < 0 || (n = read(fd, &c, 1)) < 0)
			return LP_E_SYS;
		if (n == 0)
			return LP_E_ABSENT;
		if (c == '\n')
			return LP_OK;
		if (lp_buf_addc(b, c) != LP_OK)
			return LP_E_LIMIT;
	}
}

static int
ask(int fd, const char *text, const struct guard *g, struct lp_buf *b)
{
	struct termios old, quiet;
	int rc, err;

	if (tcgetattr(fd, &old) != 0)
		return LP_E_SYS;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return LP_E_SYS;
	rc = lp_write_all(fd, lp_span_str(text));
	rc = rc != LP_OK ? rc : read_line(fd, g, b);
	err = errno;
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	/* the newline that was typed was not shown either */
	(void)lp_write_all(fd, lp_span_str("\n"));
	errno = err;
	return rc;
}

int
lp_prompt(const char *text, struct lp_buf *b)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), rc, err;
	size_t before = b->n;
	struct guard g;

	if (fd < 0)
		return LP_E_SYS;
	do {
		b->n = before;
		guard(&g);
		rc = ask(fd, text, &g, b);
		err = errno;
		release(&g);
		/* stopped and continued: the shell has had the terminal, and the question is asked again */
	} while (rc == LP_E_SYS && err == EINTR);
	close(fd);
	errno = err;
	return rc;
}
