#include "common/sys/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/span.h"
#include "common/base/status.h"
#include "common/sys/io.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static volatile sig_atomic_t caught;

static void
note_signal(int sig)
{
	caught = sig;
}

/* One line, byte by byte: what follows it is not ours. read(2) itself, since a signal must end it. */
static int
read_line(int fd, struct lp_buf *b)
{
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0)
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
ask(int fd, const char *text, struct lp_buf *b)
{
	struct termios old, quiet;
	int rc;

	if (tcgetattr(fd, &old) != 0)
		return LP_E_SYS;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return LP_E_SYS;
	rc = lp_write_all(fd, lp_span_str(text));
	rc = rc != LP_OK ? rc : read_line(fd, b);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	/* the newline that was typed was not shown either */
	(void)lp_write_all(fd, lp_span_str("\n"));
	return rc;
}

int
lp_prompt(const char *text, struct lp_buf *b)
{
	struct sigaction sa = { .sa_handler = note_signal }, old[SIGNALS];
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), rc, err;

	if (fd < 0)
		return LP_E_SYS;
	caught = 0;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &sa, &old[i]);
	rc = ask(fd, text, b);
	err = errno;
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &old[i], NULL);
	close(fd);
	if (caught != 0)
		raise(caught);
	errno = err;
	return rc;
}
