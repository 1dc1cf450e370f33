#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/proc.h"
#include "common/sys/tmpfile.h"
#include "test/unit/unit.h"

/* What a job said, gathered. */
struct heard {
	char text[2][256];
	int ended;
};

static void
hear(struct lp_job *j, enum lp_job_line kind, struct lp_span line)
{
	struct heard *h = j->owner;
	size_t n = strlen(h->text[kind]);

	snprintf(h->text[kind] + n, sizeof(h->text[kind]) - n, "%.*s|", (int)line.n,
	    (const char *)line.p);
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

#define PROG(...) { .argv = (const char *const[]){ __VA_ARGS__, NULL } }
#define SH(text) PROG("sh", "-c", text)

/* Until no job is in flight or a signal was caught. */
static int
wait_for(struct lp_crew *c)
{
	int rc = LP_OK;

	while (c->n > 0 && c->caught == 0 && rc == LP_OK)
		rc = lp_crew_turn(c, -1, NULL, 0);
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
	ok_str(lp_span_str(h.text[LP_LINE_MESSAGE]), message, what);
	ok_str(lp_span_str(h.text[LP_LINE_REPORT]), report, what);
	ok(waitpid(-1, NULL, WNOHANG) == -1, "%s: no child is left", what);
}

static void
test_jobs(struct lp_crew *c)
{
	const struct lp_stage joined[] = { SH("printf 123456"), { .run = count_bytes } };
	const struct lp_stage reports[] = { SH("echo a >&2; echo r >$LP_STATS; printf b >&2") };
	const struct lp_stage killed[] = { SH("kill -9 $$"), SH("cat; exit 4") };
	const struct lp_stage worst[] = { SH("exit 4"), SH("exit 1"), SH("exit 0") };
	const struct lp_stage odd[] = { SH("exit 77") };
	const struct lp_stage missing[] = { PROG("lp-no-such-program") };
	const struct lp_stage early[] = { SH("sleep 0.05; yes | head -c 3000000; exit 0"), { .run = forget_to_read } };

	run_case(c, "a program into a function", joined, 2, 0, "", "");
	run_case(c, "messages and reports, also without a newline", reports, 1, 0, "a|b|", "r|");
	run_case(c, "a killed stage", killed, 2, 3, "sh: killed by signal 9 (SIGKILL)|", "");
	run_case(c, "the worst exit code", worst, 3, 1, "", "");
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
	while (rc == LP_OK && strlen(h.text[LP_LINE_MESSAGE]) < 2)
		rc = lp_crew_turn(c, -1, NULL, 0);
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

/* Stages that have nothing to write do not notice that nobody reads: they are ended, and that is no failure. */
static void
test_enough(struct lp_crew *c)
{
	struct heard h = { 0 };
	struct lp_job j = { .ops = &ops, .owner = &h, .stop_with_last = 1 };
	const struct lp_stage s[] = { SH("trap '' PIPE; while echo x; do :; done 2>/dev/null; echo end >$LP_STATS"),
		SH("exec sleep 100"), SH("exec sleep 100"), SH("exit 0") };
	const struct lp_job_io io = { .in = -1, .out = -1, .err = -1 };

	ok(lp_crew_start(c, &j, s, 4, &io) == LP_OK && wait_for(c) == LP_OK, "a job that stops with its last stage");
	ok(j.exit == 0 && h.ended == 1, "ends well");
	ok_str(lp_span_str(h.text[LP_LINE_REPORT]), "end|", "and its first stage in good order");
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
	ok(lp_crew_turn(c, -1, NULL, 0) == LP_OK && ends == 2 && c->n == 0, "end in the same turn");
	ok(others_busy == 1 && !j[0].busy && !j[1].busy, "and the second is busy until its own end is told");
}

static void
test_tmpfile(void)
{
	char back[4] = "";
	int fd = lp_tmpfile(), again;

	ok(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "a temporary file, closed on exec");
	ok(write(fd, "rows", 4) == 4 && pread(fd, back, 4, 0) == 4 && memcmp(back, "rows", 4) == 0,
	    "it keeps what it is given");
	again = lp_tmpfile_reopen(fd);
	ok(again >= 0 && read(again, back, 2) == 2 && lseek(fd, 0, SEEK_CUR) == 4, "reopened, it has a position of its own");
	close(again);
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
	test_enough(&c);
	test_limits(&c);
	test_same_turn(&c);
	test_tmpfile();
	lp_crew_release(&c);
	return unit_done();
}
