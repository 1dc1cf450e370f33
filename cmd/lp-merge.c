/* lp-merge: one listing per layer, base first, to the file system a container would see. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/format/merge.h"
#include "common/sys/err.h"
#include "common/sys/listing.h"
#include "common/sys/mergeview.h"
#include "common/sys/opt.h"
#include "common/sys/rowfeed.h"
#include "common/sys/sandbox.h"
#include "common/sys/stats.h"

static const char usage[] =
    "usage: lp-merge [-ahqv] [-V] " LP_LISTING_USAGE "\n"
    "                [--diff | --summary | --du[=DEPTH] | -o ncdu | -o mtree]\n"
    "                [--max-entries=N] [--stats=FILE] [LABEL=]FILE ...\n";

static const char help[] =
    "Merge listings of layers, base first, to what a container would see.\n"
    "\n"
    "  -a, --all                also what is hidden, why, and by which layer\n" LP_LISTING_HELP
    "                           ncdu: for ncdu -f; mtree: for mtree and bsdtar\n"
    "      --diff               what each layer added, changed and deleted\n"
    "      --summary            of each layer: entries and bytes, and how much of it is hidden\n"
    "      --du[=DEPTH]         bytes and entries below each directory\n"
    "      --max-entries=N      above N rows in all, exit 1\n" LP_OPT_HELP;

/* A layer: its listing, and what became known of it. */
struct layer {
	const char *file;
	struct lp_span label;
	int named; /* LABEL= was given */
	enum lp_complete complete;
	uint64_t bytes;
};

struct args {
	struct lp_listing out;
	enum lp_view view;
	int all;
	uint64_t depth; /* --du */
	uint64_t max_entries;
	struct layer *layers;
	int *fds; /* of the listings that are open */
	size_t nfds;
	size_t nlayers;
};

enum { OPT_MAX_ENTRIES = LP_OPT_OWN, OPT_DIFF, OPT_SUMMARY, OPT_DU };

/* ---- the command line ----------------------------------------------------- */

/* Default columns are those of every listing, the layer, and with -a why and by whom a row is hidden. */
static void
default_columns(struct args *a)
{
	struct lp_rowfmt *f = &a->out.fmt;

	f->column[f->ncolumns++] = LP_COL_LAYER;
	if (a->all) {
		f->column[f->ncolumns++] = LP_COL_HIDDEN;
		f->column[f->ncolumns++] = LP_COL_HIDDEN_BY;
	}
}

/* [LABEL=]FILE: a '=' behind a '/' belongs to the path. */
static void
parse_layer(const char *arg, struct layer *l)
{
	const char *eq = strchr(arg, '='), *slash = strchr(arg, '/');

	*l = (struct layer){ .file = arg };
	if (eq != NULL && (slash == NULL || eq < slash)) {
		l->file = eq + 1;
		l->named = 1;
		l->label = lp_span(arg, (size_t)(eq - arg));
	} else {
		l->label = lp_span_str(arg);
	}
}

static int
parse_layers(int n, char **argv, struct args *a, const struct lp_opt *opt)
{
	if (n == 0)
		return lp_opt_refuse(opt, "no listing to merge");
	if (n > LP_MERGE_LAYERS)
		return lp_opt_refuse(opt, "more than %d layers", LP_MERGE_LAYERS);
	a->layers = calloc((size_t)n, sizeof(*a->layers));
	if (a->layers == NULL) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	for (a->nlayers = 0; a->nlayers < (size_t)n; a->nlayers++)
		parse_layer(argv[a->nlayers], &a->layers[a->nlayers]);
	return LP_EXIT_OK;
}

/* -o is columns, or the form of another program. */
static int
parse_output(struct args *a, struct lp_opt *opt)
{
	if (lp_span_is(lp_span_str(optarg), "ncdu"))
		a->view = LP_VIEW_NCDU;
	else if (lp_span_is(lp_span_str(optarg), "mtree"))
		a->view = LP_VIEW_MTREE;
	else
		lp_listing_option(&a->out, opt, 'o');
	return LP_EXIT_OK;
}

/* --du=DEPTH, or --du DEPTH: a word of digits behind it is the depth, not a file. */
static int
parse_du(struct args *a, char **argv, const struct lp_opt *opt)
{
	const char *word = optarg != NULL ? optarg : argv[optind];
	int rc = word != NULL ? lp_num_u64(lp_span_str(word), UINT32_MAX, &a->depth) : LP_E_DATA;

	a->view = LP_VIEW_DU;
	if (optarg != NULL && rc != LP_OK)
		return lp_opt_refuse(opt, "not a depth: '%s'", lp_quotes(optarg));
	if (rc != LP_OK)
		a->depth = UINT64_MAX;
	else if (optarg == NULL)
		optind++;
	return LP_EXIT_OK;
}

/* What makes no sense together is refused, not ignored. */
static int
check_args(struct args *a, const struct lp_opt *opt)
{
	const struct lp_listing *l = &a->out;

	if (a->view == LP_VIEW_ROWS)
		return lp_listing_check(l, opt);
	if (a->all || l->columns != NULL || l->fmt.form == LP_ROW_LONG || l->fmt.nul || l->end || l->nglobs > 0 ||
	    l->count != UINT64_MAX)
		return lp_opt_refuse(opt, "-a, -E, -l, -m, -n, -o and -0 are about rows: not with this view");
	if ((a->view == LP_VIEW_NCDU || a->view == LP_VIEW_MTREE) && (l->header || l->fmt.form != LP_ROW_TSV))
		return lp_opt_refuse(opt, "-H and -j do not go with -o ncdu or -o mtree");
	if (l->header && l->fmt.form != LP_ROW_TSV)
		return lp_opt_refuse(opt, "-H names columns of TSV: not with -j");
	return LP_EXIT_OK;
}

static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		LP_LISTING_LONG,
		{ "all", no_argument, NULL, 'a' },
		{ "diff", no_argument, NULL, OPT_DIFF },
		{ "du", optional_argument, NULL, OPT_DU },
		{ "max-entries", required_argument, NULL, OPT_MAX_ENTRIES },
		{ "summary", no_argument, NULL, OPT_SUMMARY },
		{ NULL, 0, NULL, 0 }
	};
	int c, rc = LP_EXIT_OK;

	*a = (struct args){ .max_entries = LP_MAX_ENTRIES };
	lp_listing_init(&a->out);
	while (rc == LP_EXIT_OK &&
	    (c = getopt_long(argc, argv, "a" LP_LISTING_SHORT LP_OPT_SHORT, options, NULL)) != -1) {
		switch (c) {
		case 'a': a->all = 1; break;
		case 'o': rc = parse_output(a, opt); break;
		case OPT_DIFF: a->view = LP_VIEW_DIFF; break;
		case OPT_SUMMARY: a->view = LP_VIEW_SUMMARY; break;
		case OPT_DU: rc = parse_du(a, argv, opt); break;
		case OPT_MAX_ENTRIES:
			if (lp_num_u64(lp_span_str(optarg), UINT64_MAX, &a->max_entries) != LP_OK)
				rc = lp_opt_refuse(opt, "not a number: '%s'", lp_quotes(optarg));
			break;
		default:
			if (!lp_listing_option(&a->out, opt, c))
				lp_opt_common(opt, c);
		}
	}
	rc = rc != LP_EXIT_OK ? rc : check_args(a, opt);
	if (rc != LP_EXIT_OK)
		return rc;
	if (a->out.columns == NULL)
		default_columns(a);
	return parse_layers(argc - optind, argv + optind, a, opt);
}

/* ---- reading -------------------------------------------------------------- */

static int
open_layers(struct args *a, struct lp_rowfeed *feed)
{
	a->fds = calloc(a->nlayers > 0 ? a->nlayers : 1, sizeof(*a->fds));
	if (a->fds == NULL) {
		lp_err("out of memory");
		return LP_E_NOMEM;
	}
	for (; a->nfds < a->nlayers; a->nfds++) {
		const char *file = a->layers[a->nfds].file;
		int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			lp_err_errno("%s", lp_quotes(file));
			return LP_E_SYS;
		}
		a->fds[a->nfds] = fd;
	}
	if (lp_rowfeed_init(feed, a->fds, a->nfds) == LP_OK)
		return LP_OK;
	lp_err("out of memory");
	return LP_E_NOMEM;
}

/* What the end record tells; its label counts where the command line gave none. */
static void
take_end(struct layer *l, const struct lp_rowend *end)
{
	l->complete = end->complete;
	l->bytes = end->bytes;
	if (!l->named && end->layer.n > 0)
		l->label = end->layer;
}

/* What cut a listing short. */
static int
say_bad_listing(const struct layer *l, const struct lp_rowbatch *b, const struct lp_merge *m)
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
say_bad_add(const struct layer *l, uint64_t line, const struct lp_merge *m, int rc)
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
merge_batch(struct args *a, const struct lp_rowbatch *b, struct lp_merge *m)
{
	struct layer *l = &a->layers[b->listing];
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
merge_layers(struct args *a, struct lp_rowfeed *feed, struct lp_merge *m)
{
	const struct lp_rowbatch *b;
	int rc = LP_OK;

	while (rc == LP_OK && (b = lp_rowfeed_next(feed)) != NULL)
		rc = merge_batch(a, b, m);
	return rc == LP_OK ? lp_merge_finish(m) : rc;
}

/* ---- what the whole is worth ---------------------------------------------- */

/* A preview if any layer is one; complete only if every layer says so. */
static enum lp_complete
completeness(const struct args *a)
{
	enum lp_complete all = LP_COMPLETE_YES;

	for (size_t i = 0; i < a->nlayers; i++) {
		if (a->layers[i].complete == LP_COMPLETE_NO)
			return LP_COMPLETE_NO;
		if (a->layers[i].complete == LP_COMPLETE_UNKNOWN)
			all = LP_COMPLETE_UNKNOWN;
	}
	return all;
}

static uint64_t
bytes_of_layers(const struct args *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->nlayers; i++)
		if (lp_add_u64(sum, a->layers[i].bytes, &sum) != LP_OK)
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
say_completeness(const struct args *a)
{
	void (*say)(const char *, ...) = a->out.complete ? lp_err : lp_note;
	enum lp_complete all = completeness(a);

	for (size_t i = 0; i < a->nlayers; i++) {
		const struct layer *l = &a->layers[i];

		if (l->complete == LP_COMPLETE_NO)
			say("preview: layer %s is one", lp_quote(l->label));
		else if (l->complete == LP_COMPLETE_UNKNOWN && (a->out.complete || lp_err_is_verbose()))
			say("layer %s: its listing has no end record: completeness unknown", lp_quote(l->label));
	}
	return a->out.complete && all != LP_COMPLETE_YES ? LP_EXIT_ABSENT : LP_EXIT_OK;
}

static int
write_all(struct args *a, struct lp_merge *m)
{
	struct lp_view_layer *layers = calloc(a->nlayers > 0 ? a->nlayers : 1, sizeof(*layers));
	struct lp_mergeview v = {
		.view = a->view, .all = a->all, .depth = a->depth, .layers = layers, .out = &a->out
	};
	int rc;

	if (layers == NULL) {
		lp_err("out of memory");
		return LP_E_NOMEM;
	}
	for (size_t i = 0; i < a->nlayers; i++)
		layers[i] = (struct lp_view_layer){ a->layers[i].label, a->layers[i].complete };
	rc = lp_mergeview(&v, m);
	free(layers);
	return rc == LP_OK ? lp_listing_end(&a->out, completeness(a), bytes_of_layers(a)) : rc;
}

static int
run(struct args *a, struct lp_rowfeed *feed, struct lp_stats *stats)
{
	struct lp_merge m;
	uint64_t seed;
	int rc, exit_code;

	/* an attacker who knows the seed can only make us slow */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = 0;
	rc = lp_merge_init(&m, seed, a->max_entries);
	if (rc != LP_OK) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	rc = merge_layers(a, feed, &m);
	if (rc == LP_OK)
		rc = write_all(a, &m);
	exit_code = lp_exit_of(rc);
	if (rc == LP_OK || rc == LP_E_PIPE) {
		say_left_out(&m);
		if (m.unplaced > 0)
			exit_code = lp_exit_worse(exit_code, LP_EXIT_DATA);
		exit_code = lp_exit_worse(exit_code, say_completeness(a));
	}
	stats->entries_found = (int64_t)a->out.entries;
	stats->partial = completeness(a) == LP_COMPLETE_UNKNOWN ? LP_STATS_UNKNOWN : completeness(a) == LP_COMPLETE_NO;
	lp_merge_release(&m);
	return exit_code;
}

static void
release(struct args *a)
{
	for (size_t i = 0; i < a->nfds; i++)
		if (a->fds[i] > STDERR_FILENO)
			close(a->fds[i]);
	free(a->fds);
	free(a->layers);
	lp_listing_release(&a->out);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	static struct lp_rowfeed feed; /* a thread that waits for input has it until the process ends */
	struct lp_stats stats;
	struct args args;
	int exit_code;

	lp_opt_start(argv, "lp-merge");
	exit_code = parse_args(argc, argv, &args, &opt);
	if (exit_code != LP_EXIT_OK) {
		release(&args);
		return exit_code;
	}
	exit_code = lp_start(&stats, opt.stats);
	if (exit_code == LP_EXIT_OK && (open_layers(&args, &feed) != LP_OK || lp_lock(LP_DUTY_THREADED) != LP_OK))
		exit_code = LP_EXIT_SYSTEM;
	else if (exit_code == LP_EXIT_OK)
		exit_code = run(&args, &feed, &stats);
	exit_code = lp_finish(&stats, exit_code);
	lp_rowfeed_release(&feed);
	release(&args);
	return exit_code;
}
