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

const char *const *
lp_pager_ncdu(void)
{
	static const char *const argv[] = { "ncdu", "-f", "-", NULL };

	if (is_found(argv[0]))
		return argv;
	lp_err("--browse runs ncdu, which is not installed (Debian: apt install ncdu); --tree and --html=FILE do without");
	return NULL;
}

/* ---- what it leaves behind ------------------------------------------------------------ */

/* As it was found; and as a pager that we had to stop had made it. */
static struct termios found, theirs;
static int is_saved, is_taken;

/* In the background it is another's; one that is not our session's has none. */
static int
is_ours(void)
{
	pid_t group = tcgetpgrp(1);

	return group < 0 || group == getpgid(0);
}

static void
set_terminal(const struct termios *t)
{
	sigset_t set, old;

	/* it may become another's meanwhile, and this would stop us */
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)tcsetattr(1, TCSANOW, t);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

static int
is_as_found(void)
{
	struct termios now;

	return !is_saved || tcgetattr(1, &now) != 0 ||
	    (now.c_iflag == found.c_iflag && now.c_oflag == found.c_oflag && now.c_cflag == found.c_cflag &&
	        now.c_lflag == found.c_lflag && memcmp(now.c_cc, found.c_cc, sizeof(now.c_cc)) == 0);
}

void
lp_pager_save_terminal(void)
{
	is_saved = is_ours() && tcgetattr(1, &found) == 0;
}

void
lp_pager_restore_terminal(void)
{
	if (!is_as_found() && is_ours())
		set_terminal(&found);
	is_saved = is_taken = 0;
}

void
lp_pager_stop(const struct lp_job *pager)
{
	enum { STEP_MS = 10, STEPS = 25 };
	/* it is on its way to it; it was not told; it does not want to hear of it */
	static const int urge[] = { 0, SIGTSTP, SIGSTOP };

	for (size_t i = 0; i < sizeof(urge) / sizeof(urge[0]) && (i == 0 || !lp_job_stands(pager)); i++) {
		lp_job_signal(pager, urge[i]);
		for (int k = 0; k < STEPS && !(lp_job_stands(pager) && is_as_found()); k++)
			(void)poll(NULL, 0, STEP_MS);
	}
	is_taken = !is_as_found() && is_ours() && tcgetattr(1, &theirs) == 0;
	if (is_taken)
		set_terminal(&found);
}

void
lp_pager_continue(const struct lp_job *pager)
{
	if (is_taken && is_ours()) {
		set_terminal(&theirs);
		is_taken = 0;
	}
	lp_job_signal(pager, SIGCONT);
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
