#include "common/sys/mergework.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/format/merge.h"
#include "common/sys/err.h"

static int
no_memory(void)
{
	lp_err("out of memory");
	return LP_E_NOMEM;
}

/* ---- reading -------------------------------------------------------------- */

int
lp_mergework_open(struct lp_mergework *w)
{
	w->fds = calloc(w->nlayers, sizeof(*w->fds));
	if (w->fds == NULL)
		return no_memory();
	for (; w->nfds < w->nlayers; w->nfds++) {
		const char *file = w->layers[w->nfds].file;
		int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			lp_err_errno("%s", lp_quotes(file));
			return LP_E_SYS;
		}
		w->fds[w->nfds] = fd;
	}
	return lp_rowfeed_init(&w->feed, w->fds, w->nfds) == LP_OK ? LP_OK : no_memory();
}

/* What the end record tells; its label counts where the command line gave none. */
static void
take_end(struct lp_mergework_layer *l, const struct lp_rowend *end)
{
	l->complete = end->complete;
	l->bytes = end->bytes;
	if (!l->named && end->layer.n > 0)
		l->label = end->layer;
}

/* What cut a listing short. */
static int
say_bad_listing(const struct lp_mergework_layer *l, const struct lp_rowbatch *b, const struct lp_merge *m)
{
	if (b->status == LP_E_SYS) {
		errno = b->error;
		lp_err_errno("%s", lp_quotes(l->file));
	} else if (b->why == NULL) {
		lp_err("out of memory after %" PRIu64 " rows", m->rows);
	} else {
		lp_err("%s: line %" PRIu64 ", byte %" PRIu64 ": %s", lp_quotes(l->file), b->line, b->offset, b->why);
	}
	return b->status;
}

static int
say_bad_add(const struct lp_mergework_layer *l, uint64_t line, const struct lp_merge *m, int rc)
{
	if (rc == LP_E_NOMEM)
		lp_err("out of memory after %" PRIu64 " rows", m->rows);
	else if (m->rows == m->max_rows)
		lp_err("%s: line %" PRIu64 ": more than %" PRIu64 " rows (--max-entries)", lp_quotes(l->file), line,
		    m->max_rows);
	else
		lp_err("%s: line %" PRIu64 ": layers hide and show the same paths without end", lp_quotes(l->file), line);
	return rc;
}

static int
merge_batch(struct lp_mergework *w, const struct lp_rowbatch *b, struct lp_merge *m)
{
	struct lp_mergework_layer *l = &w->layers[b->listing];
	int rc = b->listing < m->layers ? LP_OK : lp_merge_layer(m);

	for (size_t i = 0; i < b->n && rc == LP_OK; i++) {
		rc = lp_merge_add(m, b->row[i].row, b->row[i].name);
		if (rc != LP_OK)
			say_bad_add(l, b->row[i].line, m, rc);
	}
	if (rc == LP_OK && b->has_end)
		take_end(l, &b->end);
	return rc == LP_OK && b->status != LP_OK ? say_bad_listing(l, b, m) : rc;
}

static int
merge_layers(struct lp_mergework *w, struct lp_merge *m)
{
	const struct lp_rowbatch *b;
	int rc = LP_OK;

	while (rc == LP_OK && (b = lp_rowfeed_next(&w->feed)) != NULL)
		rc = merge_batch(w, b, m);
	return rc == LP_OK ? lp_merge_finish(m) : rc;
}

/* ---- what the whole is worth ---------------------------------------------- */

/* A preview if any layer is one; complete only if every layer says so. */
static enum lp_complete
completeness(const struct lp_mergework *w)
{
	enum lp_complete all = LP_COMPLETE_YES;

	for (size_t i = 0; i < w->nlayers; i++) {
		if (w->layers[i].complete == LP_COMPLETE_NO)
			return LP_COMPLETE_NO;
		if (w->layers[i].complete == LP_COMPLETE_UNKNOWN)
			all = LP_COMPLETE_UNKNOWN;
	}
	return all;
}

static uint64_t
bytes_of_layers(const struct lp_mergework *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->nlayers; i++)
		if (lp_add_u64(sum, w->layers[i].bytes, &sum) != LP_OK)
			return UINT64_MAX;
	return sum;
}

static void
say_left_out(const struct lp_merge *m)
{
	if (m->bad_whiteouts > 0)
		lp_note("%" PRIu64 " whiteouts name nothing (\".wh.\" alone) and are left out", m->bad_whiteouts);
	if (m->dangling > 0)
		lp_note("%" PRIu64 " hard links have no target in these listings", m->dangling);
	if (m->unplaced > 0)
		lp_err("%" PRIu64 " rows have no place in the tree (too many symbolic links, or paths too long) and are left out",
		    m->unplaced);
}

/* What is not known to be all is said to be so: a note, or exit 4 under -C. */
static int
say_completeness(const struct lp_mergework *w)
{
	void (*say)(const char *, ...) = w->show.out->complete ? lp_err : lp_note;
	enum lp_complete all = completeness(w);

	for (size_t i = 0; i < w->nlayers; i++) {
		const struct lp_mergework_layer *l = &w->layers[i];

		if (l->complete == LP_COMPLETE_NO)
			say("preview: layer %s is one", lp_quote(l->label));
		else if (l->complete == LP_COMPLETE_UNKNOWN && (w->show.out->complete || lp_err_is_verbose()))
			say("layer %s: its listing has no end record: completeness unknown", lp_quote(l->label));
	}
	return w->show.out->complete && all != LP_COMPLETE_YES ? LP_EXIT_ABSENT : LP_EXIT_OK;
}

static int
write_all(struct lp_mergework *w, struct lp_merge *m)
{
	struct lp_mergeview_layer *layers = calloc(w->nlayers, sizeof(*layers));
	int rc;

	if (layers == NULL)
		return no_memory();
	for (size_t i = 0; i < w->nlayers; i++)
		layers[i] = (struct lp_mergeview_layer){ w->layers[i].label, w->layers[i].complete };
	w->show.layers = layers;
	rc = lp_mergeview(&w->show, m);
	w->show.layers = NULL;
	free(layers);
	return rc == LP_OK ? lp_listing_end(w->show.out, completeness(w), bytes_of_layers(w)) : rc;
}

/* ---- the whole ------------------------------------------------------------ */

static int
merge(struct lp_mergework *w, struct lp_merge *m)
{
	int rc = merge_layers(w, m), exit_code;

	rc = rc != LP_OK ? rc : write_all(w, m);
	exit_code = lp_exit_of(rc);
	if (rc != LP_OK && rc != LP_E_PIPE)
		return exit_code;
	say_left_out(m);
	if (m->unplaced > 0)
		exit_code = lp_exit_worse(exit_code, LP_EXIT_DATA);
	return lp_exit_worse(exit_code, say_completeness(w));
}

int
lp_mergework(struct lp_mergework *w, struct lp_stats *stats)
{
	enum lp_complete complete;
	struct lp_merge m;
	uint64_t seed;
	int exit_code;

	/* an attacker who knows the seed can only make us slow */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = 0;
	if (lp_merge_init(&m, seed, w->max_rows) != LP_OK)
		return lp_exit_of(no_memory());
	exit_code = merge(w, &m);
	complete = completeness(w);
	stats->entries_found = (int64_t)w->show.out->entries;
	stats->partial = complete == LP_COMPLETE_UNKNOWN ? LP_STATS_UNKNOWN : complete == LP_COMPLETE_NO;
	lp_merge_release(&m);
	return exit_code;
}

void
lp_mergework_release(struct lp_mergework *w)
{
	lp_rowfeed_release(&w->feed);
	for (size_t i = 0; i < w->nfds; i++)
		if (w->fds[i] > STDERR_FILENO)
			close(w->fds[i]);
	free(w->fds);
	w->fds = NULL;
	w->nfds = 0;
}
