#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/run/proc.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"
#include "test/unit/unit.h"

/* What a job said, gathered. */
struct heard {
	char text[2][256]; /* messages and who was killed, reports */
	int ended;
};

static void
hear(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct heard *h = j->owner;
	char *text = h->text[kind == LP_LINE_REPORT];
	size_t n = strlen(text);

	if (kind != LP_LINE_REPORT && j->n > 1)
		n += (size_t)snprintf(text + n, sizeof(h->text[0]) - n, "%zu ", stage);
	snprintf(text + n, sizeof(h->text[0]) - n, "%.*s|", (int)line.n, (const char *)line.p);
}

static void
note_end(struct lp_job *j)
{
	((struct heard *)j->owner)->ended++;
}

static const struct lp_job_ops ops = { hear, note_end };

static int
count_bytes(void *arg)
{
	char room[4096];
	size_t total = 0;
	ptrdiff_t k;

	(void)arg;
	while ((k = lp_read(0, room, sizeof(room))) > 0)
		total += (size_t)k;
	return total == 6 ? 0 : 1;
}

static int
forget_to_read(void *arg)
{
	(void)arg;
	return 4;
}

/* 0 if what is open from 3 up is the one descriptor it was promised. */
static int
only_kept(void *arg)
{
	int kept = *(int *)arg, others = 0;

	for (int fd = 3; fd < 256; fd++)
		others += fd != kept && fcntl(fd, F_GETFD) != -1;
	return others == 0 && fcntl(kept, F_GETFD) != -1 ? 0 : 1;
}

/* The signal that kills this child and comes to us, too, when the crew has looked for signals and is about to reap. */
static struct { int sig; pid_t child; } strike;

/* A child that ends when the crew has found that it has not. */
static pid_t dying;

/* In place of the C library's. */
int
waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
	if (strike.sig != 0) {
		siginfo_t gone;

		if (kill(strike.child, strike.sig) != 0 || raise(strike.sig) != 0 ||
		    syscall(SYS_waitid, P_PID, strike.child, &gone, WEXITED | WNOWAIT, NULL) != 0)
			abort();
		strike.sig = 0;
	}
	int rc = (int)syscall(SYS_waitid, type, id, si, options, NULL);

	if (dying != 0 && (pid_t)id == dying) {
		siginfo_t gone;

		dying = 0;
		if (rc != 0 || si->si_pid != 0 || kill((pid_t)id, SIGKILL) != 0 ||
		    syscall(SYS_waitid, P_PID, id, &gone, WEXITED | WNOWAIT, NULL) != 0)
			abort();
	}
	return rc;
}

#define PROG(...) { .argv = (const char *const[]){ __VA_ARGS__, NULL } }
#define SH(text) PROG("sh", "-c", text)

/* Until no job is in flight or a signal was caught. */
static int
wait_for(struct lp_crew *c)
{
	int rc = LP_OK;

	while (c->n > 0 && c->caught == 0 && rc == LP_OK)
		rc = lp_crew_turn(c, -1);
	return rc;
}

static void
run_case(struct lp_crew *c, const char *what, const struct lp_stage *s, size_t n, int want,
    const char *message, const char *report)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	int rc = lp_crew_start(c, &j, s, n, &io);

	rc = rc != LP_OK ? rc : wait_for(c);
	ok(rc == LP_OK && h.ended == 1 && j.exit == want, "%s: exit %d", what, want);
	if (j.exit != want)
		diag("exit %d, said %s", j.exit, h.text[0]);
	ok_str(lp_span_str(h.text[0]), message, what);
	ok_str(lp_span_str(h.text[1]), report, what);
	ok(waitpid(-1, NULL, WNOHANG) == -1, "%s: no child is left", what);
}

static void
test_jobs(struct lp_crew *c)
{
	const struct lp_stage joined[] = { SH("printf 123456"), { .run = count_bytes } };
	const struct lp_stage reports[] = { SH("echo a >&2; echo r >$LP_STATS; printf b >&2") };
	const struct lp_stage killed[] = { SH("kill -9 $$"), SH("cat; exit 4") };
	const struct lp_stage first[] = { SH("exit 4"), SH("exit 1"), SH("exit 0") };
	const struct lp_stage speakers[] = { SH("echo a >&2"), SH("cat; echo b >&2") };
	const struct lp_stage odd[] = { SH("exit 77") };
	const struct lp_stage missing[] = { PROG("lp-no-such-program") };
	const struct lp_stage early[] = { SH("sleep 0.05; yes | head -c 3000000; exit 0"), { .run = forget_to_read } };

	run_case(c, "a program into a function", joined, 2, 0, "", "");
	run_case(c, "messages and reports, also without a newline", reports, 1, 0, "a|b|", "r|");
	run_case(c, "a killed stage", killed, 2, 3, "0 sh: killed by signal 9 (SIGKILL)|", "");
	run_case(c, "the first that failed", first, 3, 4, "", "");
	run_case(c, "who said what", speakers, 2, 0, "0 a|1 b|", "");
	run_case(c, "an exit code that is none of ours", odd, 1, 3, "", "");
	run_case(c, "no such program", missing, 1, 3,
	    "lp: cannot run lp-no-such-program: No such file or directory|", "");
	run_case(c, "a reader that has enough", early, 2, 4, "", "");
}

static void
test_descriptors(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	int kept = lp_tmpfile(), other = lp_tmpfile(), rc;
	const struct lp_stage function = { .run = only_kept, .arg = &kept };
	char text[64];
	const struct lp_stage program = SH(text);
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1, .keep = &kept, .nkeep = 1 };

	rc = lp_crew_start(c, &j, &function, 1, &io);
	rc = rc != LP_OK ? rc : wait_for(c);
	ok(rc == LP_OK && j.exit == 0, "a function sees what it was promised, and no more");
	snprintf(text, sizeof(text), "test -e /dev/fd/%d && ! test -e /dev/fd/%d", kept, other);
	rc = lp_crew_start(c, &j, &program, 1, &io);
	rc = rc != LP_OK ? rc : wait_for(c);
	ok(rc == LP_OK && j.exit == 0, "so does a program");
	close(kept);
	close(other);
}

/* A job at work when a signal comes: seen at once, and nothing of it is left after the stop. */
static void
test_signal(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage deaf[] = { SH("trap '' TERM; echo >&2; exec sleep 100"), SH("echo >&2; exec cat") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	pid_t pid[2];
	int rc = lp_crew_start(c, &j, deaf, 2, &io);

	/* until both have become what they are to be */
	while (rc == LP_OK && strlen(h.text[0]) < 6)
		rc = lp_crew_turn(c, -1);
	ok(rc == LP_OK, "start");
	pid[0] = j.pid[0];
	pid[1] = j.pid[1];
	raise(SIGTERM);
	ok(wait_for(c) == LP_OK && c->caught == SIGTERM, "a signal ends the wait");
	lp_crew_stop(c);
	ok(kill(pid[0], 0) == -1 && kill(pid[1], 0) == -1, "no stage outlives the stop, even a deaf one");
	ok(h.ended == 0 && c->n == 0, "a stopped job is not reported");
	c->caught = 0;
}

/* A child has ended before a signal comes, and nobody has looked yet: who goes on after the signal hears of both. */
static void
test_signal_and_end(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	siginfo_t si;

	if (lp_crew_start(c, &j, s, 1, &io) != LP_OK || waitid(P_PID, (id_t)j.pid[0], &si, WEXITED | WNOWAIT) != 0)
		abort();
	raise(SIGINT);
	ok(lp_crew_turn(c, -1) == LP_OK && c->caught == SIGINT && h.ended == 0, "a signal comes before the end of a child");
	c->caught = 0;
	/* only where the end was lost this takes so long */
	ok(lp_crew_turn(c, 10 * 1000) == LP_OK && h.ended == 1 && c->n == 0, "which is told by the next turn");
	lp_crew_stop(c);
}

/* A signal for the whole process group, which kills the last child between the look for signals and the look for ends. */
static void
test_signal_between(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exit 0"), SH("exec sleep 100") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	siginfo_t si;

	if (lp_crew_start(c, &j, s, 2, &io) != LP_OK || waitid(P_PID, (id_t)j.pid[0], &si, WEXITED | WNOWAIT) != 0)
		abort();
	strike.child = j.pid[1];
	strike.sig = SIGTERM;
	ok(lp_crew_turn(c, -1) == LP_OK && c->caught == SIGTERM && h.ended == 0, "a signal is seen before who died of it");
	c->caught = 0;
	/* only where the end was lost this takes so long */
	ok(lp_crew_turn(c, 10 * 1000) == LP_OK && h.ended == 1 && j.code[1] == -SIGTERM, "whose end is told by the next turn");
	lp_crew_stop(c);
	c->caught = 0;
}

/* The end of a child that comes when it was looked for, and before the signals are looked at again, is not lost. */
static void
test_end_between(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exit 0"), SH("exec sleep 100") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	siginfo_t si;
	int rc = LP_OK;

	if (lp_crew_start(c, &j, s, 2, &io) != LP_OK || waitid(P_PID, (id_t)j.pid[0], &si, WEXITED | WNOWAIT) != 0)
		abort();
	dying = j.pid[1];
	/* only where the end was lost this takes so long */
	for (int i = 0; i < 20 && h.ended == 0 && rc == LP_OK; i++)
		rc = lp_crew_turn(c, 500);
	ok(rc == LP_OK && h.ended == 1 && j.code[1] == -SIGKILL, "the end of a child between two looks is told");
	lp_crew_stop(c);
}

/* A child that stops itself: 0 if it hears once, and no more, that it was continued. */
static int
stop_and_go_on(void)
{
	struct lp_crew c;
	int once;

	/* in a process group that has a parent outside: of others nobody is stopped */
	if (setpgid(0, 0) != 0 || lp_crew_init(&c) != LP_OK)
		return 1;
	lp_crew_suspend(&c);
	once = c.continued;
	c.continued = 0;
	return once && lp_crew_turn(&c, 0) == LP_OK && !c.continued ? 0 : 1;
}

static void
test_suspend(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(stop_and_go_on());
	ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP, "suspended, it stands still");
	kill(pid, SIGCONT);
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "and hears once that it goes on");
}

/* Stages that have nothing to write do not notice that nobody reads: they are ended, and that is no failure. */
static void
test_enough(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("trap '' PIPE; while echo x; do :; done 2>/dev/null; echo end >$LP_STATS"),
		SH("exec sleep 100"), SH("exec sleep 100"), SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };

	ok(lp_crew_start(c, &j, s, 4, &io) == LP_OK && wait_for(c) == LP_OK, "a job that stops with its last stage");
	ok(j.exit == 0 && h.ended == 1, "ends well");
	ok_str(lp_span_str(h.text[1]), "end|", "and its first stage in good order");
}

/* Stages whose reader has gone, and who hear nothing of it and no signal but the last. */
static void
test_deaf(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("trap '' TERM; exec sleep 100"), SH("trap '' TERM; exec sleep 100"), SH("exit 4") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };

	ok(lp_crew_start(c, &j, s, 3, &io) == LP_OK && wait_for(c) == LP_OK && j.exit == 4 && h.ended == 1,
	    "deaf stages are killed when the last one is gone");
	ok_str(lp_span_str(h.text[0]), "", "which is no failure of theirs");
}

/* Each way in which a stage can end, and what its job comes to, wherever in it the stage stands. */
static void
test_verdicts(void)
{
	static const struct {
		int code[3], exit;
	} cases[] = {
		{ { 0, 0, 0 }, 0 }, { { 1, 0, 0 }, 1 }, { { 2, 0, 0 }, 2 }, { { 3, 0, 0 }, 3 }, { { 4, 0, 0 }, 4 },
		{ { 0, 1, 0 }, 1 }, { { 0, 2, 0 }, 2 }, { { 0, 3, 0 }, 3 }, { { 0, 4, 0 }, 4 },
		{ { 0, 0, 1 }, 1 }, { { 0, 0, 2 }, 2 }, { { 0, 0, 3 }, 3 }, { { 0, 0, 4 }, 4 },
		/* the later ones complain of no input */
		{ { 4, 1, 1 }, 4 }, { { 1, 4, 4 }, 1 }, { { 0, 4, 1 }, 4 }, { { 3, 1, 1 }, 3 },
		/* but what is no answer outranks one */
		{ { 4, 1, 3 }, 3 }, { { 4, -SIGKILL, 1 }, 3 }, { { 4, 1, -SIGSEGV }, 3 }, { { 1, 2, 4 }, 2 }, { { 2, 3, 0 }, 2 },
		/* codes of no meaning, and lost ones */
		{ { 5, 0, 0 }, 3 }, { { 0, 99, 0 }, 3 }, { { 0, 0, 126 }, 3 }, { { 127, 1, 1 }, 3 }, { { 0, 255, 4 }, 3 },
		{ { LP_CODE_LOST, 0, 0 }, 3 }, { { 4, 0, LP_CODE_LOST }, 3 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(lp_job_verdict(cases[i].code, 3) == cases[i].exit, "%d, %d, %d come to %d", cases[i].code[0],
		    cases[i].code[1], cases[i].code[2], cases[i].exit);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		for (size_t at = 0; at < 3; at++) {
			int code[3] = { 0 };

			code[at] = -sig;
			if (lp_job_verdict(code, 3) != LP_EXIT_SYSTEM)
				ok(0, "signal %d of stage %zu", sig, at);
		}
	ok(1, "a signal is a failure of the system, whichever and wherever");
}

/* Whether the set that our signals are read from has one of them, as the kernel tells. */
static int
is_taken(const struct lp_crew *c, int sig)
{
	char path[64], text[512];
	unsigned long long mask = 0;
	ptrdiff_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", c->signals);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = lp_read_full(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (strstr(text, "sigmask:") != NULL)
		mask = strtoull(strstr(text, "sigmask:") + strlen("sigmask:"), NULL, 16);
	return (mask >> (sig - 1) & 1) != 0;
}

/* What somebody wants ignored stays so: nohup(1), the background jobs of a script. SIGCHLD alone must be heard. */
static void
test_ignored(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP };
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exit 4") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	struct lp_crew c;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)signal(signals[i], SIG_IGN);
		ok(lp_crew_init(&c) == LP_OK && !is_taken(&c, signals[i]), "signal %d, ignored, stays so", signals[i]);
		for (size_t k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
			if (k != i)
				ok(is_taken(&c, signals[k]), "and %d is taken", signals[k]);
		lp_crew_release(&c);
		(void)signal(signals[i], SIG_DFL);
	}
	(void)signal(SIGCHLD, SIG_IGN);
	ok(lp_crew_init(&c) == LP_OK && lp_crew_start(&c, &j, s, 1, &io) == LP_OK && wait_for(&c) == LP_OK && j.exit == 4,
	    "started with SIGCHLD ignored, the ends of children are heard");
	lp_crew_release(&c);
}

/* A child that somebody else has reaped. */
static void
test_lost(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };

	if (lp_crew_start(c, &j, s, 1, &io) != LP_OK || waitpid(j.pid[0], NULL, 0) != j.pid[0])
		abort();
	ok(wait_for(c) == LP_OK && j.exit == LP_EXIT_SYSTEM, "a child that is lost is a failure");
	ok_str(lp_span_str(h.text[0]), "sh: how it ended is not known|", "and is said to be");
}

/* The end of who reads what we write ends the wait, though no job writes anything. */
static void
test_unread(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h };
	const struct lp_stage s[] = { SH("exec sleep 100") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) != 0 || lp_crew_start(c, &j, s, 1, &io) != LP_OK)
		abort();
	c->out = fd[1];
	ok(lp_crew_turn(c, 1) == LP_OK && !c->unread, "as long as somebody reads, the work goes on");
	close(fd[0]);
	ok(lp_crew_turn(c, -1) == LP_OK && c->unread && c->out == -1, "nobody reads any more: that is told, once");
	lp_crew_stop(c);
	close(fd[1]);
	c->unread = 0;
}

static void
test_limits(struct lp_crew *c)
{
	static struct lp_job j[LP_CREW_JOBS + 1];
	static struct heard h[LP_CREW_JOBS + 1];
	const struct lp_stage s[] = { SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	int rc = LP_OK;

	for (size_t i = 0; i < LP_CREW_JOBS && rc == LP_OK; i++) {
		j[i] = (struct lp_job){ .ops = &ops, .owner = &h[i] };
		rc = lp_crew_start(c, &j[i], s, 1, &io);
	}
	ok(rc == LP_OK, "as many jobs as there may be");
	ok(lp_crew_start(c, &j[LP_CREW_JOBS], s, 1, &io) == LP_E_LIMIT, "one more is refused");
	ok(wait_for(c) == LP_OK && c->n == 0, "all of them end");
}

/* Two jobs that are each other's owner: whether the other is still busy, when one has ended. */
static size_t others_busy, ends;

static void
look_at_other(struct lp_job *j)
{
	const struct lp_job *other = j->owner;

	ends++;
	others_busy += other->busy && !j->busy;
}

static void
test_same_turn(struct lp_crew *c)
{
	static const struct lp_job_ops look = { .ended = look_at_other };
	struct lp_job j[2] = { { .ops = &look, .owner = &j[1] }, { .ops = &look, .owner = &j[0] } };
	const struct lp_stage s[] = { SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };
	siginfo_t si;

	for (int i = 0; i < 2; i++)
		if (lp_crew_start(c, &j[i], s, 1, &io) != LP_OK || waitid(P_PID, (id_t)j[i].pid[0], &si, WEXITED | WNOWAIT) != 0)
			abort();
	ok(j[0].busy && j[1].busy, "two jobs, whose children are gone before anybody looks");
	ok(lp_crew_turn(c, -1) == LP_OK && ends == 2 && c->n == 0, "end in the same turn");
	ok(others_busy == 1 && !j[0].busy && !j[1].busy, "and the second is busy until its own end is told");
}

static void
test_tmpfile(void)
{
	char back[4] = "";
	int fd = lp_tmpfile();

	ok(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "a temporary file, closed on exec");
	ok(write(fd, "rows", 4) == 4 && pread(fd, back, 4, 0) == 4 && memcmp(back, "rows", 4) == 0,
	    "it keeps what it is given");
	close(fd);
}

int
main(void)
{
	struct lp_crew c;

	lp_io_init();
	if (!ok(lp_crew_init(&c) == LP_OK, "a crew"))
		return unit_done();
	test_jobs(&c);
	test_descriptors(&c);
	test_signal(&c);
	test_signal_and_end(&c);
	test_signal_between(&c);
	test_end_between(&c);
	test_enough(&c);
	test_deaf(&c);
	test_verdicts();
	test_lost(&c);
	test_unread(&c);
	test_limits(&c);
	test_same_turn(&c);
	test_tmpfile();
	lp_crew_release(&c);
	test_suspend();
	test_ignored();
	return unit_done();
}
