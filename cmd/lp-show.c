/* lp-show: rows in, something to look at out: a table, a tree, sizes, differences, a document, a page. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/show/view.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/sys/tmpfile.h"
#include "common/sys/tty.h"

static const char usage[] =
    "usage: lp-show [-0EHhjqVv] [-o COLUMNS] [--about=FILE] [--color[=WHEN]]\n"
    "               [--diff | --document[=KEY] | --du | --history | --html | --tree[=DEPTH] | --waste]\n"
    "               [--notes=FILE] [--rows] [--stats=FILE] [--title=TEXT] [--width=COLUMNS]\n"
    "               [FILE ...]\n"
    "       lp-show --resolve=PATH [-hqVv] [--above=N] [--copy=FILE] [--eager] [--stats=FILE] [FILE]\n";

static const char help[] =
    "Show rows, as lp-tarls, lp-toc, lp-merge and lp-cache write them, as an aligned table.\n"
    "\n"
    "      --tree[=DEPTH]       as a tree\n"
    "      --du                 what lp-merge --du writes, the largest directory first\n"
    "      --waste              what lp-merge --waste writes\n"
    "      --history            what lp-merge --summary writes, with the layers' commands\n"
    "      --diff               two FILEs of merged rows: what was added, modified, deleted\n"
    "      --html               a page for a browser: a map of sizes, tables, a search\n"
    "      --document[=KEY]     what lp-merge -j writes, in one JSON document\n"
    "      --resolve=PATH       what becomes of PATH in this layer, for lp-peek --cat (may be repeated)\n"
    "      --above=N            the last --resolve: what the layer above has answered\n"
    "      --eager              --resolve: the first member of that name will do\n"
    "      --copy=FILE          --resolve: write the rows there, too\n"
    "      --about=FILE         what else is known: a document of lp-peek -j\n"
    "      --title=TEXT         a line in front\n"
    "      --notes=FILE         lines behind\n"
    "      --rows               rows again, TSV, not for eyes\n"
    "  -j, --json               --rows that are NDJSON; a tree nested\n"
    "  -o, --columns=LIST       --rows with these columns, comma-separated\n"
    "  -H, --header             --rows with the columns' names first\n"
    "  -0, --null               --rows that end with NUL, names not escaped\n"
    "  -E, --end                --rows with an end record last\n"
    "      --color[=WHEN]       auto, always or never\n"
    "      --width=COLUMNS      of the terminal\n" LP_OPT_HELP;

enum {
	OPT_TREE = LP_OPT_OWN, OPT_DU, OPT_WASTE, OPT_HISTORY, OPT_DIFF, OPT_HTML, OPT_DOCUMENT, OPT_RESOLVE, OPT_ABOVE, OPT_EAGER,
	OPT_COPY, OPT_ABOUT, OPT_TITLE, OPT_NOTES, OPT_ROWS, OPT_COLOR, OPT_WIDTH
};

static const struct option options[] = {
	LP_OPT_LONG,
	{ "tree", optional_argument, NULL, OPT_TREE },
	{ "du", no_argument, NULL, OPT_DU },
	{ "waste", no_argument, NULL, OPT_WASTE },
	{ "history", no_argument, NULL, OPT_HISTORY },
	{ "diff", no_argument, NULL, OPT_DIFF },
	{ "html", no_argument, NULL, OPT_HTML },
	{ "document", optional_argument, NULL, OPT_DOCUMENT },
	{ "resolve", required_argument, NULL, OPT_RESOLVE },
	{ "above", required_argument, NULL, OPT_ABOVE },
	{ "eager", no_argument, NULL, OPT_EAGER },
	{ "copy", required_argument, NULL, OPT_COPY },
	{ "about", required_argument, NULL, OPT_ABOUT },
	{ "title", required_argument, NULL, OPT_TITLE },
	{ "notes", required_argument, NULL, OPT_NOTES },
	{ "rows", no_argument, NULL, OPT_ROWS },
	{ "json", no_argument, NULL, 'j' },
	{ "columns", required_argument, NULL, 'o' },
	{ "header", no_argument, NULL, 'H' },
	{ "null", no_argument, NULL, '0' },
	{ "end", no_argument, NULL, 'E' },
	{ "color", optional_argument, NULL, OPT_COLOR },
	{ "width", required_argument, NULL, OPT_WIDTH },
	{ NULL, 0, NULL, 0 }
};

struct args {
	struct lp_opt opt;
	struct lp_view view;
	enum lp_color color;
	const char *about[2], *notes, *copy; /* files, or NULL */
	size_t nabout;
	int columns; /* -o */
};

/* ---- the command line ------------------------------------------------------------ */

static int
choose(struct args *a, enum lp_view_kind kind)
{
	if (a->view.kind != LP_VIEW_TABLE)
		return lp_opt_refuse("one view at a time");
	a->view.kind = kind;
	return LP_EXIT_OK;
}

/* A tree has a root and something below it. */
static int
tree(struct args *a)
{
	if (optarg != NULL && (lp_num_u64(lp_span_str(optarg), UINT32_MAX, &a->view.depth) != LP_OK || a->view.depth == 0))
		return lp_opt_refuse("not a depth: '%s'", lp_quotes(optarg));
	return choose(a, LP_VIEW_TREE);
}

/* One more. */
static int
resolve(struct args *a)
{
	struct lp_view *v = &a->view;

	if (v->nasks == LP_VIEW_ASKS)
		return lp_opt_refuse("more than %d times --resolve", LP_VIEW_ASKS);
	v->ask[v->nasks++].name = optarg;
	return v->nasks == 1 ? choose(a, LP_VIEW_FIND) : LP_EXIT_OK;
}

static int
number(uint64_t max, uint64_t *out)
{
	return lp_num_u64(lp_span_str(optarg), max, out) == LP_OK ? LP_EXIT_OK :
	    lp_opt_refuse("not a number: '%s'", lp_quotes(optarg));
}

static int
columns(struct args *a)
{
	struct lp_span bad;

	a->view.rows = a->columns = 1;
	return lp_rowfmt_columns(&a->view.fmt, lp_span_str(optarg), &bad) == LP_OK ? LP_EXIT_OK :
	    lp_opt_refuse("no column of the name '%s', or twice", lp_quote(bad));
}

static int
one_option(struct args *a, int c)
{
	struct lp_view *v = &a->view;
	uint64_t n = 0;
	int rc;

	switch (c) {
	case OPT_TREE: return tree(a);
	case OPT_DU: return choose(a, LP_VIEW_DU);
	case OPT_WASTE: return choose(a, LP_VIEW_WASTE);
	case OPT_HISTORY: return choose(a, LP_VIEW_HISTORY);
	case OPT_DIFF: return choose(a, LP_VIEW_DIFF);
	case OPT_HTML: return choose(a, LP_VIEW_HTML);
	case OPT_DOCUMENT: v->records = optarg; return choose(a, LP_VIEW_DOCUMENT);
	case OPT_RESOLVE: return resolve(a);
	case OPT_ABOVE:
		rc = number(LP_MAX_PATH, &n);
		if (rc == LP_EXIT_OK && v->nasks == 0)
			return lp_opt_refuse("--above follows the --resolve that it belongs to");
		if (v->nasks > 0)
			v->ask[v->nasks - 1].above = (size_t)n;
		return rc;
	case OPT_EAGER: v->eager = 1; return LP_EXIT_OK;
	case OPT_COPY: a->copy = optarg; return LP_EXIT_OK;
	case OPT_ABOUT:
		if (a->nabout == 2)
			return lp_opt_refuse("more than two times --about");
		a->about[a->nabout++] = optarg;
		return LP_EXIT_OK;
	case OPT_TITLE: v->title = optarg; return LP_EXIT_OK;
	case OPT_NOTES: a->notes = optarg; return LP_EXIT_OK;
	case OPT_ROWS: v->rows = 1; return LP_EXIT_OK;
	case 'o': return columns(a);
	case 'j': v->rows = 1; v->fmt.form = LP_ROW_NDJSON; return LP_EXIT_OK;
	case 'H': v->rows = v->header = 1; return LP_EXIT_OK;
	case '0': v->rows = v->fmt.nul = 1; return LP_EXIT_OK;
	case 'E': v->rows = v->end = 1; return LP_EXIT_OK;
	case OPT_COLOR:
		return lp_color_parse(lp_span_str(optarg != NULL ? optarg : "always"), &a->color) == LP_OK ? LP_EXIT_OK :
		    lp_opt_refuse("--color is auto, always or never");
	case OPT_WIDTH:
		rc = number(UINT16_MAX, &n);
		v->width = (unsigned)n;
		return rc;
	default: lp_opt_common(&a->opt, c); return LP_EXIT_OK;
	}
}

static int
check(struct args *a, size_t operands)
{
	const struct lp_view *v = &a->view;
	const int of_rows = v->kind == LP_VIEW_TABLE || v->kind == LP_VIEW_DIFF;

	if (v->kind == LP_VIEW_TREE && v->fmt.form == LP_ROW_NDJSON && !v->end && !v->header && !v->fmt.nul && !a->columns)
		return operands > 1 ? lp_opt_refuse("more than one file") : LP_EXIT_OK;
	if (v->rows && !of_rows && v->kind != LP_VIEW_HISTORY)
		return lp_opt_refuse("--rows, -o, -H, -0 and -E are about rows: not with this view");
	if ((v->end || v->fmt.nul || a->columns || v->fmt.form == LP_ROW_NDJSON) && !of_rows)
		return lp_opt_refuse("-j, -o, -0 and -E are about rows: not with --history");
	if (v->fmt.form == LP_ROW_NDJSON && (a->columns || v->header || v->fmt.nul))
		return lp_opt_refuse("-o, -H and -0 are about TSV: not with -j");
	if ((v->eager || a->copy != NULL) && v->kind != LP_VIEW_FIND)
		return lp_opt_refuse("--copy and --eager belong to --resolve");
	if ((v->title != NULL || a->notes != NULL) && v->kind == LP_VIEW_HTML)
		return lp_opt_refuse("--title and --notes are lines: not with --html");
	if (a->nabout == 2 && v->kind != LP_VIEW_DIFF)
		return lp_opt_refuse("--about twice is for the two images of --diff");
	if (v->kind == LP_VIEW_DIFF && operands != 2)
		return lp_opt_refuse("--diff takes two files: OLD NEW");
	if (operands > 1 && v->kind != LP_VIEW_DIFF && v->kind != LP_VIEW_DOCUMENT)
		return lp_opt_refuse("more than one file");
	return LP_EXIT_OK;
}

static int
parse_args(int argc, char **argv, struct args *a)
{
	int c, status = LP_EXIT_OK;

	while (status == LP_EXIT_OK && (c = lp_opt_next(&a->opt, argc, argv, "jo:H0E" LP_OPT_SHORT, options)) != -1)
		status = one_option(a, c);
	return status != LP_EXIT_OK ? status : check(a, (size_t)(argc - optind));
}

/* ---- the files ---------------------------------------------------------------------- */

static int
open_file(const char *name, struct lp_view_file *f)
{
	f->fd = lp_operand_open(name, &f->name);
	return f->fd >= 0 ? LP_OK : LP_E_SYS;
}

/* --diff reads twice: what comes from a pipe goes into a file first. */
static int
open_operand(const struct lp_view *v, const char *name, struct lp_view_file *f)
{
	int rc = open_file(name, f);

	f->spool = -1;
	if (rc != LP_OK || v->kind != LP_VIEW_DIFF || lseek(f->fd, 0, SEEK_CUR) >= 0)
		return rc;
	f->spool = lp_tmpfile();
	if (f->spool >= 0)
		return LP_OK;
	lp_err_errno("cannot make a file for %s in %s", f->name, lp_tmpdir());
	return LP_E_SYS;
}

static int
open_copy(struct args *a)
{
	if (a->copy == NULL)
		return LP_OK;
	a->view.copy = open(a->copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (a->view.copy >= 0)
		return LP_OK;
	lp_err_errno("%s", lp_quotes(a->copy));
	return LP_E_SYS;
}

static int
open_files(struct args *a, char **name, size_t n)
{
	struct lp_view *v = &a->view;
	int rc = LP_OK;

	v->nfiles = n > 0 ? n : 1;
	v->file = calloc(v->nfiles, sizeof(*v->file));
	if (v->file == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < v->nfiles && rc == LP_OK; i++)
		rc = open_operand(v, n > 0 ? name[i] : NULL, &v->file[i]);
	for (size_t i = 0; i < a->nabout && rc == LP_OK; i++)
		rc = open_file(a->about[i], &v->about[i]);
	if (rc == LP_OK && a->notes != NULL)
		rc = open_file(a->notes, &v->notes);
	return rc != LP_OK ? rc : open_copy(a);
}

/* ---- running ---------------------------------------------------------------------- */

static int
run(struct args *a, char **name, size_t n, struct lp_stats *stats)
{
	struct lp_view *v = &a->view;
	unsigned rows;
	int rc = open_files(a, name, n);

	v->colors = lp_tty_color(a->color, STDOUT_FILENO);
	v->utf8 = lp_tty_utf8();
	if (v->width == 0)
		lp_tty_size(STDOUT_FILENO, &v->width, &rows);
	rc = rc != LP_OK ? rc : lp_lock(LP_DUTY_FILTER);
	rc = rc != LP_OK ? rc : lp_view(v);
	if (v->kind == LP_VIEW_TABLE || v->kind == LP_VIEW_TREE || v->kind == LP_VIEW_HTML)
		stats->entries_found = (int64_t)v->entries;
	free(v->file);
	return lp_exit_of(rc);
}

int
main(int argc, char **argv)
{
	struct args a = { .opt = { .usage = usage, .help = help, .many = { OPT_ABOUT, OPT_RESOLVE, OPT_ABOVE } },
		.view = { .depth = UINT64_MAX, .copy = -1, .notes = { .fd = -1 }, .about = { { .fd = -1 }, { .fd = -1 } } } };
	struct lp_stats stats;
	int code;

	lp_opt_start(argv, "lp-show");
	lp_rowfmt_init(&a.view.fmt);
	code = parse_args(argc, argv, &a);
	if (code != LP_EXIT_OK)
		return code;
	code = lp_start(&stats, a.opt.stats);
	if (code != LP_EXIT_OK)
		return code;
	return lp_finish(&stats, run(&a, argv + optind, (size_t)(argc - optind), &stats));
}
