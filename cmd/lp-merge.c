/* lp-merge: one listing per layer, base first, to the file system a container would see. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/merge/mergework.h"
#include "common/base/array.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/listing.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"

static const char usage[] =
    "usage: lp-merge [-ahqv] [-V] " LP_LISTING_USAGE "\n"
    "                [--by-size | --check | --diff | --summary | --waste | --du[=DEPTH] | -o ncdu | -o mtree]\n"
    "                [--dive-rules=FILE] [--finding=[LABEL]:CODE[:DETAIL]] [--max-entries=N]\n"
    "                [--max-waste=BOUND] [--stats=FILE]\n"
    "                [LABEL=]FILE ...\n";

static const char help[] =
    "Merge listings of layers, base first, to what a container would see. A FILE may\n"
    "have several, as lp-peek --layers writes them.\n"
    "\n"
    "  -a, --all                also what is hidden, why, and by which layer\n" LP_LISTING_HELP
    "                           -o ncdu: for ncdu -f; -o mtree: for mtree and bsdtar\n"
    "      --by-size            files alone, the largest first\n"
    "      --check              what runtimes refuse, or do not show as it is listed\n"
    "      --finding=FINDING    [LABEL]:CODE[:DETAIL], with --check: found elsewhere, shown too\n"
    "                           (may be repeated)\n"
    "      --diff               what each layer added, changed and deleted\n"
    "      --summary            of each layer: entries and bytes, and how much of it is hidden\n"
    "      --waste              content that later layers overwrite or delete, the most first\n"
    "      --max-waste=BOUND    --waste: exit 4 above so many bytes, or 5%\n"
    "      --dive-rules=FILE    --waste: exit 4 where a rule of dive's (.dive-ci) fails\n"
    "      --du[=DEPTH]         bytes and entries below each directory\n"
    "      --max-entries=N      above N rows in all, exit 1\n" LP_OPT_HELP;

struct args {
	struct lp_listing out;
	struct lp_mergework work;
	struct lp_check_finding *given;
	size_t given_cap;
	int bounded; /* --max-waste or --dive-rules */
};

enum { OPT_MAX_ENTRIES = LP_OPT_OWN, OPT_CHECK, OPT_DIFF, OPT_FINDING, OPT_SUMMARY, OPT_DU, OPT_BY_SIZE, OPT_WASTE, OPT_MAX_WASTE, OPT_DIVE_RULES };

/* Default columns are those of every listing, the layer, and with -a why and by whom a row is hidden. */
static void
default_columns(struct args *a)
{
	struct lp_rowfmt *f = &a->out.fmt;

	f->column[f->ncolumns++] = LP_COL_LAYER;
	if (a->work.show.all) {
		f->column[f->ncolumns++] = LP_COL_HIDDEN;
		f->column[f->ncolumns++] = LP_COL_HIDDEN_BY;
	}
}

/* [LABEL=]FILE: a '=' behind a '/' belongs to the path. */
static void
parse_layer(const char *arg, struct lp_mergework_layer *l)
{
	const char *eq = strchr(arg, '='), *slash = strchr(arg, '/');

	*l = (struct lp_mergework_layer){ .file = arg };
	if (eq != NULL && (slash == NULL || eq < slash)) {
		l->file = eq + 1;
		l->named = 1;
		l->label = lp_span(arg, (size_t)(eq - arg));
	} else {
		l->label = lp_span_str(arg);
	}
}

static int
is_stdin(const struct lp_mergework_layer *l)
{
	return strcmp(l->file, "-") == 0;
}

static int
parse_layers(int n, char **argv, struct lp_mergework *w)
{
	int stdins = 0;

	if (n == 0)
		return lp_opt_refuse("no listing to merge");
	if (n > LP_MERGE_LAYERS)
		return lp_opt_refuse("more than %d layers", LP_MERGE_LAYERS);
	w->files = calloc((size_t)n, sizeof(*w->files));
	if (w->files == NULL) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	for (; w->nfiles < (size_t)n; w->nfiles++) {
		parse_layer(argv[w->nfiles], &w->files[w->nfiles]);
		stdins += is_stdin(&w->files[w->nfiles]);
	}
	return stdins > 1 ? lp_opt_refuse("- twice: standard input is one listing") : LP_EXIT_OK;
}

/* -o is columns, or the form of another program. */
static int
parse_output(struct args *a, struct lp_opt *opt)
{
	if (lp_span_is(lp_span_str(optarg), "ncdu"))
		a->work.show.kind = LP_MERGEVIEW_NCDU;
	else if (lp_span_is(lp_span_str(optarg), "mtree"))
		a->work.show.kind = LP_MERGEVIEW_MTREE;
	else
		return lp_listing_option(&a->out, opt, 'o');
	return LP_EXIT_OK;
}

static int
parse_du(struct lp_mergeview *v)
{
	v->kind = LP_MERGEVIEW_DU;
	v->depth = UINT64_MAX;
	if (optarg != NULL && lp_num_u64(lp_span_str(optarg), UINT32_MAX, &v->depth) != LP_OK)
		return lp_opt_refuse("not a depth: '%s'", lp_quotes(optarg));
	return LP_EXIT_OK;
}

/* [LABEL]:CODE[:DETAIL] */
static int
parse_finding(struct args *a)
{
	struct lp_span rest = lp_span_str(optarg);
	struct lp_check_finding f = { .layer = lp_span_until(&rest, ":") }, *all;

	lp_span_take(&rest, 1);
	f.what = lp_finding_of(lp_span_until(&rest, ":"));
	lp_span_take(&rest, 1);
	f.detail = rest;
	if (f.what == LP_FOUND_NOTHING)
		return lp_opt_refuse("no code of a finding: '%s'", lp_quotes(optarg));
	all = lp_array_room(a->given, a->work.show.ngiven, &a->given_cap, sizeof(*all));
	if (all == NULL) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	all[a->work.show.ngiven++] = f;
	a->work.show.given = a->given = all;
	return LP_EXIT_OK;
}

static int
parse_bound(struct args *a)
{
	if (lp_wastebounds_max(lp_span_str(optarg), &a->work.bounds) != LP_OK)
		return lp_opt_refuse("neither bytes nor a share: '%s' (10M, 5%%)", lp_quotes(optarg));
	a->bounded = 1;
	return LP_EXIT_OK;
}

/* Here, before the lock. */
static int
parse_rules(struct args *a)
{
	enum { RULES_MAX = 64 * 1024 };
	int fd = open(optarg, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = LP_E_SYS;
	struct lp_buf text;
	unsigned line = 0;

	lp_buf_init(&text, RULES_MAX);
	rc = fd >= 0 ? lp_read_all(fd, &text) : LP_E_SYS;
	if (fd >= 0)
		close(fd);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", lp_quotes(optarg));
	else if (rc != LP_OK)
		lp_err("%s: more than %d KiB, or than memory holds", lp_quotes(optarg), RULES_MAX >> 10);
	else if ((rc = lp_wastebounds_rules(lp_buf_span(&text), &a->work.bounds, &line)) != LP_OK)
		lp_err("%s: line %u: not a value of this rule", lp_quotes(optarg), line);
	lp_buf_release(&text);
	a->bounded = 1;
	return lp_exit_of(rc);
}

/* What makes no sense together is refused, not ignored. */
static int
check_args(const struct lp_mergeview *v, const struct lp_listing *l)
{
	if (v->ngiven > 0 && v->kind != LP_MERGEVIEW_CHECK)
		return lp_opt_refuse("--finding belongs to --check");
	if (v->by_size && (v->kind != LP_MERGEVIEW_ROWS || v->all))
		return lp_opt_refuse("--by-size is about visible rows: not with -a or another view");
	if (v->kind == LP_MERGEVIEW_ROWS)
		return lp_listing_check(l);
	if (v->kind == LP_MERGEVIEW_CHECK && l->complete)
		return lp_opt_refuse("--check says by itself what is not complete: not with -C");
	if (v->all || l->columns != NULL || l->fmt.form == LP_ROW_LONG || l->fmt.nul || l->end || l->nglobs > 0 || l->any_case ||
	    l->count != UINT64_MAX)
		return lp_opt_refuse("-a, -E, -i, -l, -m, -n, -o and -0 are about rows: not with this view");
	if ((v->kind == LP_MERGEVIEW_NCDU || v->kind == LP_MERGEVIEW_MTREE) && (l->header || l->fmt.form != LP_ROW_TSV))
		return lp_opt_refuse("-H and -j do not go with -o ncdu or -o mtree");
	if (l->header && l->fmt.form != LP_ROW_TSV)
		return lp_opt_refuse("-H names columns of TSV: not with -j");
	return LP_EXIT_OK;
}

static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		LP_LISTING_LONG,
		{ "all", no_argument, NULL, 'a' },
		{ "by-size", no_argument, NULL, OPT_BY_SIZE },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "diff", no_argument, NULL, OPT_DIFF },
		{ "finding", required_argument, NULL, OPT_FINDING },
		{ "du", optional_argument, NULL, OPT_DU },
		{ "max-entries", required_argument, NULL, OPT_MAX_ENTRIES },
		{ "summary", no_argument, NULL, OPT_SUMMARY },
		{ "waste", no_argument, NULL, OPT_WASTE },
		{ "max-waste", required_argument, NULL, OPT_MAX_WASTE },
		{ "dive-rules", required_argument, NULL, OPT_DIVE_RULES },
		{ NULL, 0, NULL, 0 }
	};
	int c, rc = LP_EXIT_OK;

	lp_listing_init(&a->out);
	a->out.is_query = 1;
	a->work.show.out = &a->out;
	a->work.max_rows = LP_MAX_ENTRIES;
	while (rc == LP_EXIT_OK &&
	    (c = lp_opt_next(opt, argc, argv, "a" LP_LISTING_SHORT LP_OPT_SHORT, options)) != -1) {
		const enum lp_mergeview_kind before = a->work.show.kind;

		switch (c) {
		case 'a': a->work.show.all = 1; break;
		case 'o': rc = parse_output(a, opt); break;
		case OPT_BY_SIZE: a->work.show.by_size = 1; break;
		case OPT_CHECK: a->work.show.kind = LP_MERGEVIEW_CHECK; break;
		case OPT_FINDING: rc = parse_finding(a); break;
		case OPT_DIFF: a->work.show.kind = LP_MERGEVIEW_DIFF; break;
		case OPT_WASTE: a->work.show.kind = LP_MERGEVIEW_WASTE; break;
		case OPT_MAX_WASTE: rc = parse_bound(a); break;
		case OPT_DIVE_RULES: rc = parse_rules(a); break;
		case OPT_SUMMARY: a->work.show.kind = LP_MERGEVIEW_SUMMARY; break;
		case OPT_DU: rc = parse_du(&a->work.show); break;
		case OPT_MAX_ENTRIES:
			if (lp_num_u64(lp_span_str(optarg), UINT64_MAX, &a->work.max_rows) != LP_OK)
				rc = lp_opt_refuse("not a number: '%s'", lp_quotes(optarg));
			break;
		default:
			rc = lp_listing_option(&a->out, opt, c);
		}
		if (rc == LP_EXIT_OK && before != LP_MERGEVIEW_ROWS && before != a->work.show.kind)
			rc = lp_opt_refuse("only one of --check, --diff, --summary, --waste, --du, -o ncdu and -o mtree");
	}
	if (rc == LP_EXIT_OK && a->bounded && a->work.show.kind != LP_MERGEVIEW_WASTE)
		rc = lp_opt_refuse("--max-waste and --dive-rules belong to --waste");
	rc = rc != LP_EXIT_OK ? rc : check_args(&a->work.show, &a->out);
	if (rc != LP_EXIT_OK)
		return rc;
	if (a->out.columns == NULL)
		default_columns(a);
	return parse_layers(argc - optind, argv + optind, &a->work);
}

static int
run(struct lp_mergework *w, struct lp_stats *stats)
{
	int rc = lp_mergework_open(w);

	rc = rc != LP_OK ? rc : lp_lock(LP_DUTY_THREADED);
	return rc != LP_OK ? lp_exit_of(rc) : lp_mergework(w, stats);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help, .many = { 'm', OPT_FINDING } };
	static struct args args; /* a thread that waits for input has it until the process ends */
	struct lp_stats stats;
	int exit_code;

	lp_opt_start(argv, "lp-merge");
	exit_code = parse_args(argc, argv, &args, &opt);
	if (exit_code == LP_EXIT_OK)
		exit_code = lp_start(&stats, opt.stats);
	if (exit_code == LP_EXIT_OK)
		exit_code = lp_finish(&stats, run(&args.work, &stats));
	lp_mergework_release(&args.work);
	free(args.work.files);
	free(args.given);
	lp_listing_release(&args.out);
	return exit_code;
}
