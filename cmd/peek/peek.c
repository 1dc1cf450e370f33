/* The state of one lp-peek run: set up, sandboxed, one turn of its event loop, released. */
#include "cmd/peek/peek_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/peek/pager.h"
#include "common/base/limits.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/run/starter.h"
#include "common/source/origin.h"
#include "common/store/store.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/sandbox.h"
#include "common/sys/tmpfile.h"

/*
 * How many pipelines at once: enough to keep each core busy while others wait
 * for the network. Where each fetches its own head it does little else.
 */
static size_t
parallel(const struct lp_peek_options *o)
{
	enum { MOST = LP_CREW_JOBS - 4 }; /* room is left for the jobs that put listings away */
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cores > 0 ? 2 * (size_t)cores : 2;

	if (!o->keeps_bytes && !o->complete)
		return MOST;
	return n < 4 ? 4 : n > MOST ? MOST : n;
}

/* What the user named, or else where such things are kept, in `room`; NULL where that is nowhere. */
static void
settle_path(const char **path, char *(*home)(void), char **room)
{
	if (*path == NULL)
		*path = *room = home();
	if (*room != NULL)
		lp_home_make_parents(*room);
}

/*
 * A cache that cannot be kept is no reason to look at nothing; one that the
 * user named and that cannot be made is, and who opens it says so.
 */
static void
settle_store(struct lp_peek_options *o)
{
	struct lp_store *store = NULL;
	const char *why = NULL;
	int rc;

	o->keeps_bytes = o->store != NULL;
	if (o->store == NULL || o->offline)
		return;
	if (o->defaults[0] == NULL) {
		o->keeps_bytes = lp_home_may_write(o->store, 0) || access(o->store, F_OK) != 0;
		return;
	}
	rc = lp_store_open(&store, o->store, LP_STORE_WRITE, &why);
	if (rc == LP_OK) {
		o->keeps_bytes = lp_store_refusal(store) == 0;
		lp_store_close(store);
		return;
	}
	/* that a directory above it could not be made is the reason, not that it is not there */
	if (rc == LP_E_SYS && errno == ENOENT)
		(void)lp_home_may_write(o->store, 0);
	lp_note("%s: %s: what is fetched is not kept", lp_quotes(o->store), rc == LP_E_SYS ? lp_err_text(errno) : why);
	o->keeps_bytes = 0;
	o->store = NULL;
}

static void
settle_listings(struct lp_peek_options *o)
{
	int why, is_there;

	o->keeps_listings = o->db != NULL;
	if (o->db == NULL || lp_home_may_write(o->db, 1))
		return;
	why = errno;
	is_there = access(o->db, F_OK) == 0;
	o->keeps_listings = !is_there && o->defaults[1] == NULL;
	if (!o->keeps_listings)
		lp_note("%s: %s: listings are not kept", lp_quotes(o->db), lp_err_text(why));
	if (!o->keeps_listings && access(o->db, R_OK) != 0)
		o->db = NULL;
}

/* The names of the store's whole blobs: no two algorithms have digests of one length. */
static void
list_blobs(struct lp_peek_options *o, const char *algorithm)
{
	char *path = NULL;
	struct dirent *d;
	DIR *dir = NULL;

	if (asprintf(&path, "%s/blobs/%s", o->store, algorithm) >= 0)
		dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL)
		lp_argv_add(&o->blobs, d->d_name);
	if (dir != NULL)
		closedir(dir);
	free(path);
}

/* What is there is looked at now: once it is locked, this process sees no directory. */
static void
look_around(struct lp_peek_options *o)
{
	o->has_listings = o->db != NULL && access(o->db, F_OK) == 0;
	o->has_store = o->store != NULL && access(o->store, F_OK) == 0;
	for (size_t i = 0; o->has_store && lp_digest_algorithms[i] != NULL; i++)
		list_blobs(o, lp_digest_algorithms[i]);
}

int
lp_peek_prepare(struct lp_peek_options *o)
{
	/* it is asked for once, for however many images */
	int code = o->password_fd >= 0 ? LP_EXIT_OK : lp_peek_password(o);

	if (code != LP_EXIT_OK)
		return code;
	if (o->rows.failed || o->ask.failed || o->about.failed || o->network.failed || o->platform.failed) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	if (!o->use_cache) {
		o->store = o->db = NULL;
		return LP_EXIT_OK;
	}
	settle_path(&o->store, lp_home_store, &o->defaults[0]);
	/* no listing is made of what lp-layers answers */
	if (o->what == LP_PEEK_ABOUT)
		o->db = NULL;
	else
		settle_path(&o->db, lp_home_listings, &o->defaults[1]);
	if (o->store == NULL && o->offline) {
		lp_err("neither XDG_CACHE_HOME nor HOME is a path: nothing was kept (--store names a place)");
		return LP_EXIT_SYSTEM;
	}
	if (o->store == NULL || (o->db == NULL && o->what != LP_PEEK_ABOUT))
		lp_note("neither XDG_CACHE_HOME nor HOME is a path: nothing is kept");
	settle_store(o);
	settle_listings(o);
	look_around(o);
	return LP_EXIT_OK;
}

void
lp_peek_options_release(struct lp_peek_options *o)
{
	lp_argv_release(&o->rows);
	lp_argv_release(&o->ask);
	lp_argv_release(&o->about);
	lp_argv_release(&o->bounds);
	lp_argv_release(&o->network);
	lp_argv_release(&o->platform);
	lp_argv_release(&o->blobs);
	if (o->password_fd >= 0)
		close(o->password_fd);
	free(o->defaults[0]);
	free(o->defaults[1]);
}

/* The statistics go where --stats or LP_STATS says; the children's come to us, and are passed on. */
static int
open_stats(struct lp_peek *p)
{
	const char *path = p->o->stats != NULL ? p->o->stats : getenv("LP_STATS");

	if (path == NULL || *path == '\0')
		return LP_OK;
	p->stats_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (p->stats_fd >= 0)
		return LP_OK;
	lp_err_errno("cannot open the statistics file");
	return LP_E_SYS;
}

/* The right to start programs and to open files goes to a process that reads nothing. */
static int
lock(const struct lp_peek *p)
{
	if (lp_lock_is() && lp_starter_begin(p->out.command) != LP_OK) {
		lp_err_errno("cannot start");
		return LP_E_SYS;
	}
	return lp_lock(LP_DUTY_DRIVER);
}

/* An image may have more layers than a shell lets us have files. What is not allowed is met where it is opened. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= LP_PEEK_FILES)
		return;
	r.rlim_cur = r.rlim_max < LP_PEEK_FILES ? r.rlim_max : LP_PEEK_FILES;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

/* Whose claims the images' listings are: of what is local that takes a look at the file system. */
static int
find_origins(struct lp_peek *p)
{
	static struct lp_reference ref;
	struct lp_reference_error error;
	int rc = LP_OK;

	for (size_t i = 0; i < p->nimages && rc == LP_OK; i++) {
		const struct lp_peek_image *im = &p->image[i];
		struct lp_span name = lp_span_str(im->file != NULL ? im->file : im->name);
		struct lp_buf b;

		lp_buf_init(&b, LP_MAX_PATH);
		rc = im->is_path ? lp_origin_of_path(im->name, &b) : lp_origin_of_image(name, p->o->plain_http, &b);
		if (rc == LP_OK && (lp_buf_cstr(&b) == NULL || (p->image[i].origin = strdup(lp_buf_cstr(&b))) == NULL))
			rc = LP_E_NOMEM;
		lp_buf_release(&b);
		p->image[i].by_digest = lp_reference_image(name, &ref, &error) == LP_OK && ref.digest[0] != '\0';
	}
	return rc;
}

/* Before anything is fetched for it. What it holds stays there until there is something else to write. */
static int
open_page(struct lp_peek *p)
{
	const char *page = p->o->page;

	if (page == NULL)
		return LP_OK;
	p->out.page = strcmp(page, "-") == 0 ? dup(1) : open(page, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (p->out.page >= 0)
		return LP_OK;
	lp_err_errno("%s", lp_quotes(page));
	return LP_E_SYS;
}

int
lp_peek_init(struct lp_peek *p, const struct lp_peek_options *o)
{
	char number[16];

	*p = (struct lp_peek){ .o = o, .nimages = o->nimages, .ratelimit_remaining = -1, .entries = -1,
		.jobs_max = parallel(o), .crew = { .signals = -1, .null = -1, .out = -1 }, .token_fd = -1, .stats_fd = -1, .out.page = -1 };
	lp_bars_init(&p->bars, !o->quiet && lp_tty_is(2) ? 2 : -1);
	for (size_t i = 0; i < p->nimages; i++)
		p->image[i] = (struct lp_peek_image){ .peek = p, .name = o->image[i], .spool = -1, .spool_in = -1 };
	if (open_stats(p) != LP_OK || open_page(p) != LP_OK)
		return LP_E_SYS;
	for (size_t i = 0; i < p->nimages; i++)
		if (lp_peek_path_open(&p->image[i]) != LP_OK)
			return LP_E_NOMEM;
	raise_limit();
	if (find_origins(p) != LP_OK) {
		lp_err("out of memory");
		return LP_E_NOMEM;
	}
	p->out.command = o->what == LP_PEEK_BROWSE ? lp_pager_ncdu() : o->pager && !o->json && !o->ndjson && o->what != LP_PEEK_CAT &&
	    o->what != LP_PEEK_TAR && o->what != LP_PEEK_HTML ? lp_pager() : NULL;
	if (o->what == LP_PEEK_BROWSE && p->out.command == NULL)
		return LP_E_SYS;
	if (p->out.command != NULL)
		lp_pager_adopt();
	p->token_fd = lp_tmpfile();
	/* memory begins as open to all, and then nobody takes it for a token file */
	if (p->token_fd < 0 || fchmod(p->token_fd, 0600) != 0 || lp_crew_init(&p->crew) != LP_OK) {
		lp_err_errno("cannot start");
		return LP_E_SYS;
	}
	for (size_t i = 0; i < p->nimages; i++)
		lp_peek_spool_open(&p->image[i]);
	p->crew.out = 1;
	p->keep[p->nkeep++] = p->token_fd;
	if (o->password_fd >= 0)
		p->keep[p->nkeep++] = o->password_fd;
	snprintf(number, sizeof(number), "%d", p->token_fd);
	if (setenv("LP_TOKEN_FD", number, 1) != 0) {
		lp_err_errno("cannot start");
		return LP_E_SYS;
	}
	return lock(p);
}

static void
release_layer(struct lp_peek_layer *l)
{
	if (l->rows >= 0 && l->same == NULL)
		close(l->rows);
	lp_peek_points_close(l);
	free(l->source);
	free(l->digest);
	free(l->media_type);
	free(l->created_by);
	free(l->annotations);
	free(l->urls);
	free(l->error);
	free(l->said);
	free(l->table);
	lp_buf_release(&l->held);
}

void
lp_peek_release(struct lp_peek *p)
{
	lp_crew_release(&p->crew);
	free(p->out.said);
	lp_starter_end();
	lp_peek_out_ended(p);
	lp_bars_release(&p->bars);
	for (size_t i = 0; i < p->nimages; i++) {
		for (size_t k = 0; k < p->image[i].n; k++)
			release_layer(&p->image[i].layer[k]);
		free(p->image[i].layer);
		lp_peek_spool_release(&p->image[i]);
		free(p->image[i].origin);
		free(p->image[i].manifest);
		free(p->image[i].soci_said);
		if (p->image[i].soci_fd > 0)
			close(p->image[i].soci_fd);
		free(p->image[i].digest);
		free(p->image[i].platform);
		free(p->image[i].base_name);
		free(p->image[i].base_digest);
		free(p->image[i].asking);
	}
	if (p->token_fd >= 0)
		close(p->token_fd);
	if (p->out.page >= 0)
		close(p->out.page);
	if (p->stats_fd >= 0)
		close(p->stats_fd);
	free(p->error);
}

/* ---- bars ---------------------------------------------------------------------- */

/* What of a layer has come and is to come: with -c also of one that waits for its turn. */
static void
add_transfer(struct lp_bar *whole, const struct lp_peek_layer *l)
{
	int waits = l->peek->o->complete && l->rows < 0 && l->same == NULL && l->is_remote && l->picked && l->size > 0;

	whole->have += l->have;
	whole->want += l->want > 0 ? l->want : waits ? (uint64_t)l->size : 0;
}

/* A bar for each layer that is on its way, and one for all of them, the last. */
static size_t
gather_bars(struct lp_peek *p, struct lp_bar *bar, size_t max)
{
	struct lp_bar whole = { lp_span_str("in all "), 0, 0, 1 };
	size_t n = 0;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n && n + 1 < max; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			add_transfer(&whole, l);
			if (l->active)
				bar[n++] = (struct lp_bar){ lp_span_str(l->label), l->have, l->want, 0 };
		}
	if (n > 0)
		bar[n++] = whole;
	/* before the first byte of a layer */
	for (size_t i = 0; i < p->nimages && n < max && whole.have == 0; i++)
		if (p->image[i].asking != NULL)
			bar[n++] = (struct lp_bar){ lp_span_str(p->image[i].asking), 0, 0, 0 };
	return n;
}

/* Listings that are on their way to the database get there, and a pager is left when its user leaves it. */
static int
is_spared(const struct lp_job *j, void *arg)
{
	const struct lp_peek *p = arg;
	int spared = j == &p->out.pager;

	for (size_t i = 0; i < p->nimages; i++)
		spared |= j == &p->image[i].database;
	return spared;
}

void
lp_peek_share_terminal(struct lp_peek *p)
{
	const struct lp_job *pager = p->out.paged && p->out.pager.busy ? &p->out.pager : NULL;

	if (p->crew.suspended) {
		lp_bars_clear(&p->bars);
		if (pager != NULL)
			lp_pager_stop(pager);
		lp_crew_suspend(&p->crew);
	}
	/* bars that were drawn before are not ours any more */
	if (p->crew.continued)
		lp_bars_forget(&p->bars);
	if (p->crew.continued && pager != NULL)
		lp_pager_continue(pager);
	p->crew.continued = 0;
}

int
lp_peek_turn(struct lp_peek *p)
{
	enum { BARS = 32 };
	struct lp_bar bar[BARS];
	int rc = lp_crew_turn(&p->crew, p->bars.fd >= 0 ? LP_BARS_EVERY_MS : -1);

	if (rc != LP_OK) {
		lp_bars_clear(&p->bars);
		lp_err_errno("cannot wait for children");
	}
	if (rc != LP_OK || p->crew.caught != 0) {
		/* here, where the jobs of all our callers still are */
		lp_peek_out_interrupted(p);
		lp_crew_stop(&p->crew);
		return LP_E_SYS;
	}
	lp_peek_share_terminal(p);
	if (p->crew.unread) {
		p->crew.unread = 0;
		lp_bars_clear(&p->bars);
		lp_crew_stop_but(&p->crew, is_spared, p);
		return LP_E_PIPE;
	}
	lp_bars_draw(&p->bars, bar, gather_bars(p, bar, BARS), p->crew.resized);
	p->crew.resized = 0;
	return LP_OK;
}

int
lp_peek_wait(struct lp_peek *p)
{
	int rc = LP_OK;

	while (p->crew.n > 0 && rc == LP_OK)
		rc = lp_peek_turn(p);
	return rc;
}
