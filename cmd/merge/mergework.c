/* lp-merge from its operands to its exit status: opens the listings, merges them, states what is incomplete. */
#include "cmd/merge/mergework.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/merge/merge.h"
#include "common/sys/err.h"
#include "common/sys/seed.h"

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
	lp_arena_init(&w->labels);
	w->fds = calloc(w->nfiles, sizeof(*w->fds));
	if (w->fds == NULL)
		return no_memory();
	for (; w->nfds < w->nfiles; w->nfds++) {
		const char *file = w->files[w->nfds].file;
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
	l->end = *end;
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

/* Where merging failed, and of which bound. */
static int
say_bad_merge(const struct lp_mergework_layer *l, const char *where, const struct lp_merge *m, int rc)
{
	if (rc == LP_E_NOMEM)
		lp_err("out of memory after %" PRIu64 " rows", m->rows);
	else
		lp_err("%s: %s: links, or directories that no row names, without end", lp_quotes(l->file), where);
	return rc;
}

static int
add(const struct lp_mergework_layer *l, const struct lp_feedrow *row, struct lp_merge *m)
{
	char where[32];
	int full = m->rows == m->max_rows, rc = lp_merge_add(m, row->row, row->name);

	if (rc == LP_OK)
		return LP_OK;
	snprintf(where, sizeof(where), "line %" PRIu64, row->line);
	if (!full || rc != LP_E_LIMIT)
		return say_bad_merge(l, where, m, rc);
	lp_err("%s: %s: more than %" PRIu64 " rows (--max-entries)", lp_quotes(l->file), where, m->max_rows);
	return rc;
}

/* The layer that the batch is of, if it is another than the last one. */
static int
begin_layer(struct lp_mergework *w, const struct lp_rowbatch *b, struct lp_merge *m)
{
	struct lp_mergework_layer *all;

	if (b->listing < w->nlayers)
		return LP_OK;
	if (lp_merge_layer(m) != LP_OK) {
		lp_err("%s: more than %d layers", lp_quotes(w->files[b->file].file), LP_MERGE_LAYERS);
		return LP_E_LIMIT;
	}
	all = lp_array_room(w->layers, w->nlayers, &w->layers_cap, sizeof(*all));
	if (all == NULL)
		return no_memory();
	w->layers = all;
	all[w->nlayers++] = w->files[b->file];
	return LP_OK;
}

/* What a file with several layers calls them counts more than what the command line calls the file. */
static int
take_number(struct lp_mergework *w, struct lp_mergework_layer *l, uint64_t number)
{
	char text[LP_NUM_MAX];
	const struct lp_span name = lp_span(text, (size_t)(lp_num_put(text, number) - text));
	const unsigned char *kept;

	if (number == 0 || (l->numbered && lp_span_eq(l->label, name)))
		return LP_OK;
	kept = lp_arena_copy(&w->labels, name);
	if (kept == NULL)
		return no_memory();
	l->label = lp_span(kept, name.n);
	l->named = l->numbered = 1;
	return LP_OK;
}

static int
merge_batch(struct lp_mergework *w, const struct lp_rowbatch *b, struct lp_merge *m)
{
	int rc = begin_layer(w, b, m);
	struct lp_mergework_layer *l = rc == LP_OK ? &w->layers[b->listing] : NULL;

	rc = rc != LP_OK ? rc : take_number(w, l, b->layer);
	for (size_t i = 0; i < b->n && rc == LP_OK; i++)
		rc = add(l, &b->row[i], m);
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
	if (rc != LP_OK)
		return rc;
	rc = lp_merge_finish(m);
	return rc == LP_OK ? LP_OK : say_bad_merge(&w->layers[w->nlayers - 1], "its end", m, rc);
}

/* ---- what the whole is worth ---------------------------------------------- */

/* The worst of the layers: not complete, not known, only claimed, complete. */
static enum lp_complete
completeness(const struct lp_mergework *w)
{
	static const unsigned badness[] = {
		[LP_COMPLETE_YES] = 0, [LP_COMPLETE_INFERRED] = 1, [LP_COMPLETE_UNKNOWN] = 2, [LP_COMPLETE_NO] = 3
	};
	enum lp_complete all = LP_COMPLETE_YES;

	for (size_t i = 0; i < w->nlayers; i++)
		if (badness[w->layers[i].end.complete] > badness[all])
			all = w->layers[i].end.complete;
	return all;
}

/* Whose claim it is, if it is one. Of several layers that are claimed, all claim the same in one image: the first's. */
static struct lp_rowend
end_of_all(const struct lp_mergework *w)
{
	struct lp_rowend end = { .complete = completeness(w) };

	for (size_t i = 0; i < w->nlayers; i++) {
		const struct lp_rowend *one = &w->layers[i].end;

		lp_sum(&end.bytes, one->bytes);
		if (end.origin.n == 0 && one->complete != LP_COMPLETE_YES)
			end.origin = one->origin;
		if (end.reason.n == 0 && one->complete == end.complete)
			end.reason = one->reason;
	}
	return end;
}

/* What no runtime takes is an error, told by the first of it; what they do otherwise is a note. */
static void
say_found(const struct lp_mergework *w, const struct lp_merge *m)
{
	const struct lp_merge_found *f = &m->note;
	const struct lp_finding_kind *k = lp_finding_kind(f->what);

	if (f->what != LP_FOUND_NOTHING)
		lp_note("layer %s: %s: %s%s%s", lp_quote(w->layers[f->layer].label), lp_quote(f->name), k->text,
		    k->refused != 0 ? "; refused by " : "", lp_check_runtimes(k->refused));
	f = &m->refusal;
	if (f->what != LP_FOUND_NOTHING)
		lp_err("layer %s: %s: %s; container runtimes refuse %" PRIu64 " rows", lp_quote(w->layers[f->layer].label),
		    lp_quote(f->name), lp_finding_kind(f->what)->text, m->refused);
}

/* What there is to say of a layer that is not known to be all there. */
static void
say_layer(const struct lp_mergework_layer *l, int asked, void (*say)(const char *, ...))
{
	const struct lp_rowend *end = &l->end;

	switch (end->complete) {
	case LP_COMPLETE_NO:
		say("preview: layer %s is one%s%s", lp_quote(l->label), end->reason.n > 0 ? ": " : "", lp_quote(end->reason));
		break;
	case LP_COMPLETE_INFERRED:
		say("layer %s: that its listing is complete is only claimed%s%s", lp_quote(l->label),
		    end->origin.n > 0 ? " by " : "", lp_quote(end->origin));
		break;
	case LP_COMPLETE_UNKNOWN:
		if (asked || lp_err_is_verbose())
			say("layer %s: its listing has no end record: completeness unknown", lp_quote(l->label));
		break;
	case LP_COMPLETE_YES:
		break;
	}
}

/* A note, or exit 4 under -C. */
static int
say_completeness(const struct lp_mergework *w)
{
	int asked = w->show.out->complete;

	for (size_t i = 0; i < w->nlayers; i++)
		say_layer(&w->layers[i], asked, asked ? lp_err : lp_note);
	return asked && completeness(w) != LP_COMPLETE_YES ? LP_EXIT_ABSENT : LP_EXIT_OK;
}

static int
judge_waste(const struct lp_mergework *w)
{
	enum lp_complete complete = completeness(w);
	int known = complete == LP_COMPLETE_YES || complete == LP_COMPLETE_INFERRED;

	if (w->show.kind != LP_MERGEVIEW_WASTE)
		return LP_EXIT_OK;
	return lp_mergewaste_judge(&w->bounds, &w->waste, known) > 0 ? LP_EXIT_ABSENT : LP_EXIT_OK;
}

static int
write_all(struct lp_mergework *w, struct lp_merge *m)
{
	struct lp_mergeview_layer *layers = calloc(w->nlayers, sizeof(*layers));
	const struct lp_rowend end = end_of_all(w);
	int rc;

	if (layers == NULL)
		return no_memory();
	for (size_t i = 0; i < w->nlayers; i++)
		layers[i] = (struct lp_mergeview_layer){ w->layers[i].label, w->layers[i].end.complete };
	w->show.layers = layers;
	w->show.waste = &w->waste;
	rc = lp_mergeview(&w->show, m);
	if (rc == LP_OK && m->check)
		w->errors = lp_mergeview_errors(&w->show, m);
	w->show.layers = NULL;
	free(layers);
	return rc == LP_OK ? lp_listing_end(w->show.out, &end) : rc;
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
	if (m->check && w->errors == 0)
		return exit_code;
	if (m->check) {
		lp_err("errors found: %" PRIu64, w->errors);
		return lp_exit_worse(exit_code, LP_EXIT_ABSENT);
	}
	say_found(w, m);
	if (m->refused > 0)
		exit_code = lp_exit_worse(exit_code, LP_EXIT_DATA);
	exit_code = lp_exit_worse(exit_code, judge_waste(w));
	return lp_exit_worse(exit_code, say_completeness(w));
}

int
lp_mergework(struct lp_mergework *w, struct lp_stats *stats)
{
	enum lp_complete complete;
	struct lp_merge m;
	int exit_code;

	if (lp_merge_init(&m, lp_seed(), w->max_rows) != LP_OK)
		return lp_exit_of(no_memory());
	m.check = w->show.kind == LP_MERGEVIEW_CHECK;
	exit_code = merge(w, &m);
	complete = completeness(w);
	stats->entries_found = (int64_t)w->show.out->entries;
	stats->partial = w->show.out->cut || complete == LP_COMPLETE_NO ? 1 : complete == LP_COMPLETE_UNKNOWN ? LP_STATS_UNKNOWN : 0;
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
	free(w->layers);
	lp_arena_release(&w->labels);
	w->fds = NULL;
	w->layers = NULL;
	w->nfds = 0;
}
