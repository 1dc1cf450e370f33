/* Chooses the pager, and restores the terminal when it is ended. */
#include "cmd/peek/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/base/span.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"

/* ---- which one ---------------------------------------------------------------------- */

enum { WORDS = 32, COMMAND_BYTES = 4096 };

static int
is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Whether execvp(3) would find it. */
static int
is_found(const char *name)
{
	const char *dir = getenv("PATH"), *end;
	char path[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return is_program(name);
	for (dir = dir != NULL ? dir : "/bin:/usr/bin"; *dir != '\0'; dir = *end == ':' ? end + 1 : end) {
		end = strchrnul(dir, ':');
		if ((size_t)snprintf(path, sizeof(path), "%.*s/%s", end > dir ? (int)(end - dir) : 1,
		        end > dir ? dir : ".", name) < sizeof(path) && is_program(path))
			return 1;
	}
	return 0;
}

/* The words of a command line that holds nothing but words: how many, 0 if there is more to it. */
static size_t
split(const char *command, const char **argv)
{
	static char room[COMMAND_BYTES];
	char *at = NULL;
	size_t n = 0;

	if (strpbrk(command, "|&;<>()$`\\\"'*?[]#~=%!{}\n") != NULL || strlen(command) >= sizeof(room))
		return 0;
	snprintf(room, sizeof(room), "%s", command);
	for (char *word = strtok_r(room, " \t", &at); word != NULL; word = strtok_r(NULL, " \t", &at)) {
		if (n == WORDS)
			return 0;
		argv[n++] = word;
	}
	argv[n] = NULL;
	return n;
}

const char *const *
lp_pager(void)
{
	static const char *argv[WORDS + 1];
	const char *command = getenv("LP_PAGER"), *term = getenv("TERM");

	if (!lp_tty_is(1) || (term != NULL && strcmp(term, "dumb") == 0))
		return NULL;
	if (command == NULL)
		command = getenv("PAGER");
	if (split(command != NULL ? command : "less", argv) == 0) {
		argv[0] = "sh";
		argv[1] = "-c";
		argv[2] = command;
		argv[3] = NULL;
	}
	if (command != NULL && (command[strspn(command, " \t")] == '\0' || strcmp(command, "cat") == 0))
		return NULL;
	if (!is_found(argv[0])) {
		if (command != NULL)
			lp_note("there is no pager '%s'", lp_quotes(argv[0]));
		return NULL;
	}
	(void)setenv("LESS", "FRX", 0);
	return argv;
}

/* ---- what it leaves behind ------------------------------------------------------------ */

static struct termios saved;
static int is_saved;

void
lp_pager_save_terminal(void)
{
	is_saved = tcgetattr(1, &saved) == 0;
}

void
lp_pager_restore_terminal(void)
{
	sigset_t set, old;

	if (!is_saved)
		return;
	/* in the background, where the terminal is another's, it would stop us */
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)tcsetattr(1, TCSANOW, &saved);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	is_saved = 0;
}

/* /proc's list of our children; -1: there is none. */
static int children = -1;

void
lp_pager_adopt(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == 0)
		children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
}

/* Send it to all children of our process group: whether there was one. What has left the group is nobody's business. */
static int
signal_orphans(int sig)
{
	char text[4096];
	ptrdiff_t n = lp_pread_full(children, text, sizeof(text), 0);
	struct lp_span rest = lp_span(text, n > 0 ? (size_t)n : 0);
	int any = 0;

	while (rest.n > 0) {
		const unsigned char *end = memchr(rest.p, ' ', rest.n);
		struct lp_span word = lp_span_take(&rest, end != NULL ? (size_t)(end - rest.p) : rest.n);
		uint64_t pid;

		lp_span_take(&rest, 1);
		if (lp_num_u64(word, INT_MAX, &pid) != LP_OK || pid == 0 || getpgid((pid_t)pid) != getpgid(0))
			continue;
		any |= kill((pid_t)pid, sig) == 0;
	}
	return any;
}

void
lp_pager_end_orphans(void)
{
	enum { STEP_MS = 10, STEPS = 100 };

	if (children < 0)
		return;
	/* each may have children of its own, which become ours when it is gone */
	for (int i = 0; i < 2 * STEPS && signal_orphans(i < STEPS ? SIGTERM : SIGKILL); i++) {
		(void)poll(NULL, 0, STEP_MS);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	close(children);
	children = -1;
}
