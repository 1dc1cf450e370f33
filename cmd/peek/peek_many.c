/*
 * Asks several images one question, one image after the other: each is a run of its own, in a process of
 * its own, and what an earlier one has listed or fetched is found in the cache. Nothing foreign is read
 * here but the names of tags, which lp-layers has checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/peek/label.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

/* What the processes have in common. */
struct shared {
	unsigned written; /* answers that were not empty */
	uint64_t found;
};

struct many {
	struct lp_peek_options o; /* of the image that is being asked */
	const struct lp_peek_many *ask;
	struct shared *shared;
	struct lp_argv images;
	size_t at; /* of them */
	struct lp_crew crew;
	struct lp_bars bars;
	struct lp_label label;
	char scratch[LP_MAX_PATH], store[LP_MAX_PATH + 16], db[LP_MAX_PATH + 16];
	pid_t cleaner; /* of `scratch`; 0: there is none */
	int alive;     /* it works once this is closed */
	int exit;
};

/* ---- a cache for this call alone ---------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

/* Until it is gone: whoever was killed with us may still write. */
static void
remove_scratch(const char *path)
{
	enum { TRIES = 50 };
	const struct timespec while_ = { .tv_nsec = 100000000 };

	for (int i = 0; i < TRIES && nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0; i++)
		nanosleep(&while_, NULL);
}

/* It outlives us however we end, and waits for that. */
static void
clean(const char *path, int alive)
{
	char byte;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		(void)signal(sig, SIG_IGN);
	lp_close_all_but(&alive, 1);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	while (lp_read(alive, &byte, 1) > 0)
		;
	remove_scratch(path);
	_exit(LP_EXIT_OK);
}

static int
begin_scratch(struct many *m)
{
	int fd[2];

	snprintf(m->scratch, sizeof(m->scratch), "%s/lp-peek-XXXXXX", lp_tmpdir());
	if (mkdtemp(m->scratch) == NULL || pipe2(fd, O_CLOEXEC) != 0)
		return LP_E_SYS;
	m->cleaner = fork();
	if (m->cleaner == 0) {
		close(fd[1]);
		clean(m->scratch, fd[0]);
	}
	close(fd[0]);
	m->alive = fd[1];
	if (m->cleaner < 0)
		remove_scratch(m->scratch);
	snprintf(m->store, sizeof(m->store), "%s/store", m->scratch);
	snprintf(m->db, sizeof(m->db), "%s/listings.db", m->scratch);
	m->o.store = m->store;
	m->o.db = m->db;
	m->o.use_cache = 1;
	return m->cleaner > 0 ? LP_OK : LP_E_SYS;
}

static void
end_scratch(struct many *m)
{
	if (m->alive >= 0)
		close(m->alive);
	while (m->cleaner > 0 && waitpid(m->cleaner, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Without a cache layers that images share would be looked at once for each. */
static int
needs_scratch(const struct lp_peek_options *o)
{
	char *home = lp_home_listings();
	int is_homeless = home == NULL && !o->offline && (o->store == NULL || o->db == NULL);

	free(home);
	return o->what != LP_PEEK_ABOUT && (!o->use_cache || is_homeless);
}

/* ---- one image ------------------------------------------------------------------------------ */

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	static const char name[] = "lp-peek: ";
	struct many *m = j->owner;
	const char *image = lp_quotes(m->label.image);

	(void)stage;
	if (kind == LP_LINE_REPORT)
		return;
	if (lp_span_begins(line, name))
		lp_span_take(&line, sizeof(name) - 1);
	lp_bars_clear(&m->bars);
	if (memmem(line.p, line.n, image, strlen(image)) != NULL)
		lp_err("%s", lp_quote_message(line));
	else
		lp_err("%s: %s", image, lp_quote_message(line));
}

static const struct lp_job_ops ops = { .line = on_line };

static int
run_one(void *arg)
{
	struct many *m = arg;

	return m->ask->run(&m->o);
}

static int
wait_for(struct many *m, struct lp_job *j)
{
	char text[64];
	struct lp_bar bar;
	int rc = LP_OK;

	snprintf(text, sizeof(text), "image %zu of %zu", m->at + 1, m->images.n);
	bar = (struct lp_bar){ lp_span_str(text), 0, 0, 0 };
	while (rc == LP_OK && j->busy) {
		rc = lp_crew_turn(&m->crew, m->bars.fd >= 0 ? LP_BARS_EVERY_MS : -1);
		if (rc != LP_OK)
			lp_err_errno("cannot wait for children");
		if (m->crew.suspended) {
			lp_bars_clear(&m->bars);
			lp_crew_suspend(&m->crew);
		}
		rc = rc != LP_OK || m->crew.caught != 0 ? LP_E_SYS : m->crew.unread ? LP_E_PIPE : LP_OK;
		if (rc == LP_OK && j->busy)
			lp_bars_draw(&m->bars, &bar, 1, 0);
	}
	lp_bars_clear(&m->bars);
	if (rc != LP_OK)
		lp_crew_stop(&m->crew);
	return rc;
}

/* Descriptors that images are read from, and the password's. */
static size_t
kept(const struct many *m, int *keep)
{
	static const char folder[] = "/dev/fd/";
	struct lp_span name = lp_span_str(m->label.image);
	uint64_t fd;
	size_t n = 0;

	if (m->o.password_fd >= 0)
		keep[n++] = m->o.password_fd;
	if (!lp_span_begins(name, folder))
		return n;
	lp_span_take(&name, sizeof(folder) - 1);
	if (lp_num_u64(name, INT32_MAX, &fd) == LP_OK && fd > STDERR_FILENO)
		keep[n++] = (int)fd;
	return n;
}

/* The question to one image, `out` for its answer, labelled or not. */
static int
ask_one(struct many *m, const char *image, int out, int labelled)
{
	const struct lp_stage stage[2] = { { .run = run_one, .arg = m }, { .run = lp_label_run, .arg = &m->label } };
	struct lp_job j = { .ops = &ops, .owner = m };
	struct lp_job_io io = { .in = 0, .out = out, .err = -1 };
	int keep[2], rc;

	m->label.image = m->o.image[0] = image;
	io.keep = keep;
	io.nkeep = kept(m, keep);
	rc = lp_crew_start(&m->crew, &j, stage, labelled ? 2 : 1, &io);
	if (rc != LP_OK)
		lp_err_errno("cannot start");
	rc = rc != LP_OK ? rc : wait_for(m, &j);
	if (rc == LP_OK)
		m->exit = lp_exit_worse(m->exit, j.exit);
	return rc;
}

/* ---- tags --------------------------------------------------------------------------------------- */

static int
add_tags(struct many *m, struct lp_reference *ref, struct lp_span tags)
{
	const unsigned char *nl;
	struct lp_buf b;
	int rc = LP_OK;

	lp_buf_init(&b, LP_REF_TEXT_MAX);
	ref->digest[0] = '\0';
	while (rc == LP_OK && tags.n > 0 && (nl = memchr(tags.p, '\n', tags.n)) != NULL) {
		struct lp_span tag = lp_span_take(&tags, (size_t)(nl - tags.p));

		lp_span_take(&tags, 1);
		lp_buf_clear(&b);
		snprintf(ref->name, sizeof(ref->name), "%.*s", (int)tag.n, (const char *)tag.p);
		rc = lp_reference_put(ref, &b);
		if (rc == LP_OK && lp_buf_cstr(&b) != NULL)
			lp_argv_add(&m->images, lp_buf_cstr(&b));
	}
	lp_buf_release(&b);
	return rc;
}

/* The tags of a repository that match, as images. */
static int
list_tags(struct many *m, const char *repository)
{
	static struct lp_reference ref;
	struct lp_reference_error e;
	const struct lp_peek_options o = m->o;
	struct lp_argv about;
	struct lp_buf b;
	int fd = lp_tmpfile(), rc = fd < 0 ? LP_E_SYS : LP_OK;

	lp_argv_init(&about);
	lp_argv_addf(&about, "--tags=%s", m->ask->tags);
	lp_buf_init(&b, LP_MAX_LIST);
	m->o.what = LP_PEEK_ABOUT;
	m->o.about = about;
	m->o.json = 0;
	if (rc != LP_OK)
		lp_err_errno("cannot start");
	rc = rc != LP_OK ? rc : ask_one(m, repository, fd, 0);
	m->o = o;
	if (rc == LP_OK && (lseek(fd, 0, SEEK_SET) != 0 || lp_read_all(fd, &b) != LP_OK)) {
		lp_err_errno("the tags");
		rc = LP_E_SYS;
	}
	/* of a list that broke off, what came */
	if (rc == LP_OK && b.n > 0 && lp_reference_image(lp_span_str(repository), &ref, &e) == LP_OK)
		rc = add_tags(m, &ref, lp_buf_span(&b));
	lp_buf_release(&b);
	lp_argv_release(&about);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static enum lp_label_how
how_to_label(const struct lp_peek_options *o, int has_column)
{
	if (o->ndjson)
		return LP_LABEL_KEY;
	if (o->for_eyes || (o->what == LP_PEEK_TREE && !o->json))
		return LP_LABEL_TITLE;
	if (o->what == LP_PEEK_ABOUT && o->json)
		return strcmp(o->about.v[0], "--config") == 0 ? LP_LABEL_OBJECT : LP_LABEL_KEY;
	if (o->json || o->what == LP_PEEK_LAYERS || !has_column)
		return LP_LABEL_NONE;
	return LP_LABEL_COLUMN;
}

static int
begin(struct many *m)
{
	int rc = LP_OK;

	m->shared = mmap(NULL, sizeof(*m->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m->shared == MAP_FAILED || lp_crew_init(&m->crew) != LP_OK || (needs_scratch(&m->o) && begin_scratch(m) != LP_OK)) {
		lp_err_errno("cannot start");
		rc = LP_E_SYS;
	}
	m->crew.out = 1;
	m->o.found = &m->shared->found;
	m->o.pager = 0;
	m->o.for_eyes = (lp_tty_is(1) || m->o.color == LP_COLOR_ALWAYS) && !m->o.plain && !m->o.json && !m->o.ndjson;
	m->o.color = m->o.for_eyes && lp_tty_color(m->o.color, 1) ? LP_COLOR_ALWAYS : LP_COLOR_NEVER;
	m->label = (struct lp_label){ .how = how_to_label(&m->o, m->ask->column >= 0), .json = m->o.json,
		.column = m->ask->column >= 0 ? (unsigned)m->ask->column : 0, .end = m->o.fmt.nul ? '\0' : '\n',
		.header = m->o.header, .written = &m->shared->written };
	return rc;
}

static int
ask_all(struct many *m)
{
	int rc = LP_OK;

	for (size_t i = 0; i < m->ask->n && rc == LP_OK; i++)
		if (m->ask->tags != NULL)
			rc = list_tags(m, m->ask->image[i]);
		else
			lp_argv_add(&m->images, m->ask->image[i]);
	if (rc == LP_OK && m->images.failed) {
		lp_err("out of memory");
		rc = LP_E_NOMEM;
	}
	for (m->at = 0; m->at < m->images.n && rc == LP_OK; m->at++)
		rc = ask_one(m, m->images.v[m->at], 1, 1);
	if (rc == LP_OK && m->exit == LP_EXIT_OK && m->o.what == LP_PEEK_FIND && !m->o.fail_if_found && m->shared->found == 0) {
		lp_err("%s: no such path in any of %zu images", lp_quotes(m->o.sought), m->images.n);
		m->exit = LP_EXIT_ABSENT;
	}
	return rc;
}

int
lp_peek_many(const struct lp_peek_options *o, const struct lp_peek_many *ask)
{
	static struct many m;
	int rc, sig;

	m = (struct many){ .o = *o, .ask = ask, .crew = { .signals = -1, .null = -1, .out = -1 }, .alive = -1 };
	lp_argv_init(&m.images);
	lp_bars_init(&m.bars, !o->quiet && lp_tty_is(2) && !lp_tty_is(1) ? 2 : -1);
	rc = begin(&m);
	rc = rc != LP_OK ? rc : ask_all(&m);
	sig = m.crew.caught;
	lp_crew_release(&m.crew);
	lp_bars_release(&m.bars);
	lp_argv_release(&m.images);
	end_scratch(&m);
	if (sig != 0)
		lp_die_of(sig);
	return rc == LP_OK || rc == LP_E_PIPE ? m.exit : lp_exit_worse(m.exit, lp_exit_of(rc));
}
