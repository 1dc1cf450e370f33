/* lp-peek: what is inside an image, in one command, by running the other programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/net/netopt.h"
#include "common/net/placefiles.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"

static const char usage[] =
    "usage: lp-peek [-0cEHhijOqVv] [-n BYTES] [-o COLUMNS] [-p OS/ARCH[/VARIANT]]\n"
    "               [-S STORE] [--base | --browse | --cat=PATH | --check\n"
    "               | --config | --diff[=IMAGE2] | --digest | --du[=DEPTH]\n"
    "               | --find=GLOB | --history | --html=FILE | --layer=N|DIGEST\n"
    "               | --layers | --packages | --platforms | --tar=PATH | --top[=N]\n"
    "               | --tree[=DEPTH] | --waste] [--tags[=GLOB]]\n"
    "               [--auth-file=FILE] [--cacert=FILE] [--cacert-only] [--cert=FILE]\n"
    "               [--color[=WHEN]] [--connect-timeout=N] [--db=FILE]\n"
    "               [--diff-platform=PLATFORM] [--dive-rules=FILE] [--fail-if-found]\n"
    "               [--insecure] [--key=FILE] [--max-waste=BOUND] [--ndjson]\n"
    "               [--no-cache] [--no-pager] [--password-file=FILE] [--plain-http]\n"
    "               [--refresh] [--retries=N] [--stall-timeout=N] [--stats=FILE]\n"
    "               [--user=NAME] IMAGE ...\n";

static const char help[] =
    "List what is inside a container image without downloading it. IMAGE is a\n"
    "registry's reference, oci:DIR[:NAME], dir:DIR, oci-archive:FILE[:NAME],\n"
    "docker-archive:FILE[:NAME], or the path of a layout, an archive or a layer.\n"
    "\n"
    "One question at a time. What is in it (without a question, the merged files):\n"
    "      --layers             each layer's own listing\n"
    "      --layer=N            one layer's: its number from 1, or its digest\n"
    "      --tree[=DEPTH]       a tree\n"
    "\n"
    "Where a file is, and what became of it:\n"
    "      --find=GLOB          paths that match in any layer, hidden ones too;\n"
    "                           a NAME is looked for everywhere (may be repeated)\n"
    "  -i, --ignore-case        --find: a small letter is a capital, too\n"
    "      --fail-if-found      --find: exit 4 if there is one, 0 if there is none\n"
    "\n"
    "Content:\n"
    "      --cat=PATH           of a file, or of all that match (may be repeated)\n"
    "      --tar=PATH           a tar of it and what is below (may be repeated)\n"
    "      --packages           what is installed, by dpkg, apk, rpm, Python, npm\n"
    "\n"
    "How big it is, and what is wasted:\n"
    "      --du[=DEPTH]         bytes and entries below each directory\n"
    "      --top[=N]            the N largest files (20)\n"
    "      --history            each layer: size, what is hidden of it, command\n"
    "      --waste              what later layers overwrite or delete, the most first\n"
    "      --max-waste=BOUND    --waste: exit 4 above so many bytes, or 5%\n"
    "      --dive-rules=FILE    --waste: exit 4 where a rule of a .dive-ci fails\n"
    "\n"
    "To look around in:\n"
    "      --html=FILE          a page for a browser, hidden files too (-: stdout)\n"
    "      --browse             the directories in the terminal, by ncdu\n"
    "\n"
    "What differs:\n"
    "      --diff[=IMAGE2]      what IMAGE2, or a second IMAGE, adds (A),\n"
    "                           deletes (D), modifies (M)\n"
    "      --diff-platform=PLATFORM  --diff: of the new image, if it is another\n"
    "\n"
    "What the image is:\n"
    "      --config             what is run, as whom and where, environment, labels\n"
    "      --base               which known images it is built on, by their layers\n"
    "      --digest             the digest that the name leads to\n"
    "      --platforms          the platforms that there are\n"
    "      --tags[=GLOB]        the tags of the repository, those that match; or,\n"
    "                           with another question, the images it is asked of\n"
    "\n"
    "What runtimes make of it:\n"
    "      --check              what they refuse, or do not show as it is listed\n"
    "\n"
    "How much of it, and from where:\n"
    "  -n, --bytes=BYTES        of each layer, if it has no table of contents (64K)\n"
    "  -c, --complete           until the listing is complete\n"
    "  -p, --platform=PLATFORM  the image for OS/ARCH[/VARIANT], not for this machine\n"
    "  -O, --offline            open no socket: use what earlier runs have kept\n"
    "  -S, --store=STORE        keep bytes there, not below $XDG_CACHE_HOME\n"
    "      --db=FILE            keep listings there, not below $XDG_CACHE_HOME\n"
    "      --refresh            list again what is known already\n"
    "      --no-cache           neither use nor keep anything\n"
    "\n"
    "In which form:\n"
    "  -j, --json               one JSON document\n"
    "      --ndjson             one JSON object a line\n"
    "  -o, --columns=LIST       TSV: which columns, comma-separated\n"
    "  -H, --header             TSV: the columns' names first\n"
    "  -0, --null               TSV: end records with NUL, escape no names\n"
    "  -E, --end                TSV: an end record last\n"
    "      --color[=WHEN]       auto, always or never\n"
    "      --no-pager           never start a pager\n"
    "\n"
    "How to speak to servers:\n" LP_NETOPT_HELP
    "\n"
    "As in all programs:\n" LP_OPT_HELP;

enum {
	OPT_LAYERS = LP_OPT_OWN, OPT_LAYER, OPT_TREE, OPT_DU, OPT_TOP, OPT_HISTORY, OPT_WASTE, OPT_HTML, OPT_BROWSE, OPT_BASE, OPT_MAX_WASTE,
	OPT_DIVE_RULES, OPT_FIND, OPT_CAT, OPT_TAR, OPT_PACKAGES, OPT_CHECK, OPT_DIFF, OPT_DIFF_PLATFORM, OPT_FAIL_IF_FOUND,
	OPT_CONFIG, OPT_DIGEST, OPT_PLATFORMS, OPT_TAGS, OPT_DB, OPT_REFRESH, OPT_NDJSON,
	OPT_NO_CACHE, OPT_COLOR, OPT_NO_PAGER, OPTIONS
};
_Static_assert((int)OPTIONS <= (int)LP_NETOPT_CACERT, "numbers of options are not given twice");

static const struct option options[] = {
	LP_OPT_LONG,
	LP_NETOPT_LONG,
	{ "layers", no_argument, NULL, OPT_LAYERS },
	{ "layer", required_argument, NULL, OPT_LAYER },
	{ "tree", optional_argument, NULL, OPT_TREE },
	{ "du", optional_argument, NULL, OPT_DU },
	{ "top", optional_argument, NULL, OPT_TOP },
	{ "history", no_argument, NULL, OPT_HISTORY },
	{ "waste", no_argument, NULL, OPT_WASTE },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "browse", no_argument, NULL, OPT_BROWSE },
	{ "max-waste", required_argument, NULL, OPT_MAX_WASTE },
	{ "dive-rules", required_argument, NULL, OPT_DIVE_RULES },
	{ "find", required_argument, NULL, OPT_FIND },
	{ "ignore-case", no_argument, NULL, 'i' },
	{ "fail-if-found", no_argument, NULL, OPT_FAIL_IF_FOUND },
	{ "cat", required_argument, NULL, OPT_CAT },
	{ "tar", required_argument, NULL, OPT_TAR },
	{ "packages", no_argument, NULL, OPT_PACKAGES },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "diff", optional_argument, NULL, OPT_DIFF },
	{ "diff-platform", required_argument, NULL, OPT_DIFF_PLATFORM },
	{ "base", no_argument, NULL, OPT_BASE },
	{ "config", no_argument, NULL, OPT_CONFIG },
	{ "digest", no_argument, NULL, OPT_DIGEST },
	{ "platforms", no_argument, NULL, OPT_PLATFORMS },
	{ "tags", optional_argument, NULL, OPT_TAGS },
	{ "bytes", required_argument, NULL, 'n' },
	{ "complete", no_argument, NULL, 'c' },
	{ "platform", required_argument, NULL, 'p' },
	{ "db", required_argument, NULL, OPT_DB },
	{ "refresh", no_argument, NULL, OPT_REFRESH },
	{ "no-cache", no_argument, NULL, OPT_NO_CACHE },
	{ "json", no_argument, NULL, 'j' },
	{ "ndjson", no_argument, NULL, OPT_NDJSON },
	{ "columns", required_argument, NULL, 'o' },
	{ "header", no_argument, NULL, 'H' },
	{ "null", no_argument, NULL, '0' },
	{ "end", no_argument, NULL, 'E' },
	{ "color", optional_argument, NULL, OPT_COLOR },
	{ "no-pager", no_argument, NULL, OPT_NO_PAGER },
	{ NULL, 0, NULL, 0 }
};

struct args {
	struct lp_opt opt;
	struct lp_peek_options peek;
	struct lp_netopt net; /* what of it the children get is refused here, not later by each of them */
	const char *columns;
	int about; /* the option, or 0 */
	const char **image; /* the operands, and --diff's; as registries.conf completes them */
	size_t nimages;
	char **completed; /* those that had to be */
	struct lp_peek_many many;
	int named; /* a place for what is kept */
	int db_given;
};

/* ---- the command line ------------------------------------------------------------ */

/* One more pattern, in lp-merge's words: a name alone is one of any directory. */
static int
find(struct args *a, const char *pattern)
{
	struct lp_peek_options *o = &a->peek;
	enum { PATTERNS = 32 }; /* of which lp-merge gets two each */

	if (*pattern == '\0')
		return lp_opt_refuse("--find wants a path, a name or a pattern");
	if (o->nsought++ == PATTERNS)
		return lp_opt_refuse("more than %d times --find", PATTERNS);
	if (o->sought == NULL) {
		o->sought = pattern;
		lp_argv_add(&o->ask, "--all");
	}
	lp_argv_addf(&o->ask, "--match=%s", pattern);
	if (strpbrk(pattern, "/*?[\\") == NULL)
		lp_argv_addf(&o->ask, "--match=*/%s", pattern);
	return LP_EXIT_OK;
}

/* The largest files, in lp-merge's words. */
static int
top(struct args *a, const char *arg)
{
	uint64_t n = 20;

	if (arg != NULL && (lp_num_u64(lp_span_str(arg), UINT32_MAX, &n) != LP_OK || n == 0))
		return lp_opt_refuse("not a number of files: '%s'", lp_quotes(arg));
	lp_argv_add(&a->peek.ask, "--by-size");
	lp_argv_addf(&a->peek.ask, "--count=%llu", (unsigned long long)n);
	return LP_EXIT_OK;
}

/* One more of --cat, or of --tar. */
static int
add_path(struct args *a, const char *path)
{
	struct lp_peek_options *o = &a->peek;
	const char *what = o->what == LP_PEEK_CAT ? "--cat" : "--tar";

	if (*path == '\0')
		return lp_opt_refuse("%s wants a path", what);
	if (o->npaths == LP_PEEK_PATHS)
		return lp_opt_refuse("more than %d times %s", LP_PEEK_PATHS, what);
	o->path[o->npaths++] = path;
	o->has_patterns |= lp_peek_is_pattern(path);
	return LP_EXIT_OK;
}

static int
choose(struct args *a, enum lp_peek_what what, const char *arg)
{
	struct lp_peek_options *o = &a->peek;

	if (o->what != LP_PEEK_MERGED && o->what != what)
		return lp_opt_refuse("one question at a time");
	o->what = what;
	switch (what) {
	case LP_PEEK_LAYER:
		o->layer = arg;
		break;
	case LP_PEEK_FIND:
		return find(a, arg);
	case LP_PEEK_TOP:
		return top(a, arg);
	case LP_PEEK_WASTE:
		lp_argv_add(&o->ask, "--waste");
		break;
	case LP_PEEK_CAT:
	case LP_PEEK_TAR:
		return add_path(a, arg);
	case LP_PEEK_DIFF:
		o->image[1] = arg;
		o->nimages = 2;
		break;
	case LP_PEEK_HTML:
		if (*arg == '\0')
			return lp_opt_refuse("--html wants a file, or - for the standard output");
		o->page = arg;
		break;
	default:
		/* as lp-merge takes it; a tree has a root and something below it */
		if (arg != NULL && (lp_num_u64(lp_span_str(arg), UINT32_MAX, &o->depth) != LP_OK ||
		    (o->depth == 0 && what == LP_PEEK_TREE)))
			return lp_opt_refuse("not a depth: '%s'", lp_quotes(arg));
		if (what == LP_PEEK_DU)
			lp_argv_addf(&o->ask, "--du%s%s", arg != NULL ? "=" : "", arg != NULL ? arg : "");
	}
	return LP_EXIT_OK;
}

/* A question for lp-layers alone: one of them. */
static int
about(struct args *a, int c)
{
	if (a->about != 0 && a->about != c)
		return lp_opt_refuse("one question at a time");
	a->about = c;
	return choose(a, LP_PEEK_ABOUT, NULL);
}

/* Where in the list, in place, there is `image`, which no filter knows: that is taken out. Its number from 0, or -1. */
static int
take_image(char *list)
{
	static const char name[] = "image";
	int at = 0;

	for (char *word = list; *word != '\0'; at++) {
		size_t n = strcspn(word, ",");

		if (n == sizeof(name) - 1 && memcmp(word, name, n) == 0) {
			if (word[n] == ',')
				memmove(word, word + n + 1, strlen(word + n + 1) + 1);
			else
				word[word > list ? -1 : 0] = '\0';
			return at;
		}
		word += n + (word[n] == ',');
	}
	return -1;
}

static int
choose_columns(struct args *a, char *list)
{
	struct lp_span bad;

	a->columns = list;
	a->many.column = take_image(list);
	if (lp_rowfmt_columns(&a->peek.fmt, lp_span_str(list), &bad) != LP_OK)
		return lp_opt_refuse(*list != '\0' ? "no column of the name '%s', or twice" :
		    "'image' is beside other columns", lp_quote(bad));
	lp_argv_addf(&a->peek.rows, "--columns=%s", list);
	return LP_EXIT_OK;
}

/* One of -H, -0, -E: for lp-merge and for our own rows. */
static int
row_option(struct args *a, int c)
{
	struct lp_peek_options *o = &a->peek;

	o->header |= c == 'H';
	o->end |= c == 'E';
	o->fmt.nul |= c == '0';
	lp_argv_addf(&o->rows, "-%c", c);
	return LP_EXIT_OK;
}

/* Options about the network go to those who use it, in the words they were given in. */
static int
network_option(struct args *a, int c)
{
	int status = lp_netopt(&a->net, &a->opt, c, optarg);

	a->peek.quiet |= c == 'q';
	a->named |= c == 'S' && *optarg != '\0';
	for (size_t i = 0; lp_netopt_is_network(c) && options[i].name != NULL; i++) {
		/* the password goes on by a descriptor: lp_peek_password */
		if (options[i].val != c || c == LP_NETOPT_PASSWORD_FILE)
			continue;
		if (optarg != NULL)
			lp_argv_addf(&a->peek.network, "--%s=%s", options[i].name, optarg);
		else
			lp_argv_addf(&a->peek.network, "--%s", options[i].name);
	}
	return status;
}

static int
one_option(struct args *a, int c)
{
	struct lp_peek_options *o = &a->peek;

	switch (c) {
	case OPT_LAYERS: return choose(a, LP_PEEK_LAYERS, NULL);
	case OPT_LAYER: return choose(a, LP_PEEK_LAYER, optarg);
	case OPT_TREE: return choose(a, LP_PEEK_TREE, optarg);
	case OPT_DU: return choose(a, LP_PEEK_DU, optarg);
	case OPT_TOP: return choose(a, LP_PEEK_TOP, optarg);
	case OPT_HISTORY: return choose(a, LP_PEEK_HISTORY, NULL);
	case OPT_WASTE: return choose(a, LP_PEEK_WASTE, NULL);
	case OPT_HTML: return choose(a, LP_PEEK_HTML, optarg);
	case OPT_BROWSE: return choose(a, LP_PEEK_BROWSE, NULL);
	case OPT_BASE: return choose(a, LP_PEEK_BASE, NULL);
	case OPT_MAX_WASTE:
	case OPT_DIVE_RULES:
		o->bounded = 1;
		lp_argv_addf(&o->bounds, "--%s=%s", c == OPT_MAX_WASTE ? "max-waste" : "dive-rules", optarg);
		return LP_EXIT_OK;
	case OPT_FIND: return choose(a, LP_PEEK_FIND, optarg);
	case OPT_CAT: return choose(a, LP_PEEK_CAT, optarg);
	case OPT_TAR: return choose(a, LP_PEEK_TAR, optarg);
	case OPT_PACKAGES: return choose(a, LP_PEEK_PACKAGES, NULL);
	case OPT_CHECK: return choose(a, LP_PEEK_CHECK, NULL);
	case OPT_DIFF: return choose(a, LP_PEEK_DIFF, optarg);
	case OPT_CONFIG:
	case OPT_DIGEST:
	case OPT_PLATFORMS: return about(a, c);
	case OPT_TAGS:
		/* with a pattern it may be which images another question is of */
		a->many.tags = optarg;
		return optarg != NULL ? LP_EXIT_OK : about(a, c);
	case 'i': o->any_case = 1; return LP_EXIT_OK;
	case OPT_FAIL_IF_FOUND: o->fail_if_found = 1; return LP_EXIT_OK;
	case OPT_DIFF_PLATFORM: o->diff_platform = optarg; return LP_EXIT_OK;
	case 'c': o->complete = o->to_the_end = 1; return LP_EXIT_OK;
	case OPT_DB:
		a->named |= a->db_given = 1;
		o->db = optarg;
		return *optarg != '\0' ? LP_EXIT_OK : lp_opt_refuse("--db takes a file");
	case OPT_REFRESH: o->refresh = 1; return LP_EXIT_OK;
	case OPT_NO_CACHE: o->use_cache = 0; return LP_EXIT_OK;
	case OPT_NO_PAGER: o->pager = 0; return LP_EXIT_OK;
	case 'j': o->json = 1; return LP_EXIT_OK;
	case OPT_NDJSON: o->ndjson = 1; return LP_EXIT_OK;
	case 'o': return choose_columns(a, optarg);
	case 'H':
	case '0':
	case 'E': return row_option(a, c);
	case 'p':
		lp_argv_addf(&o->platform, "--platform=%s", optarg);
		return LP_EXIT_OK;
	case 'n':
		if (lp_opt_bytes(optarg, INT64_MAX, &o->head) != LP_EXIT_OK)
			return LP_EXIT_USAGE;
		o->head_given = 1;
		return o->head > 0 ? LP_EXIT_OK : lp_opt_refuse("-n takes at least one byte");
	case OPT_COLOR:
		if (lp_color_parse(lp_span_str(optarg != NULL ? optarg : "always"), &o->color) != LP_OK)
			return lp_opt_refuse("--color is auto, always or never");
		return LP_EXIT_OK;
	default: return network_option(a, c);
	}
}

/* What shows who we are is for one registry: another image must not lead it elsewhere. */
static int
check_user(const struct args *a)
{
	const char *what = a->net.registry.cred.user != NULL ? "--user" : a->net.http.trust.cert != NULL ? "--cert" : NULL;
	static struct lp_reference r[2];
	struct lp_reference_error e;
	size_t n = 0;

	for (size_t i = 0; what != NULL && i < a->nimages; i++) {
		if (lp_reference_image(lp_span_str(a->image[i]), &r[n], &e) != LP_OK || r[n].kind != LP_REF_REGISTRY)
			continue;
		if (n == 1 && strcmp(r[0].host, r[1].host) != 0)
			return lp_opt_refuse("%s is for one registry, and these are two: %s and %s", what,
			    lp_quotes(r[0].host), lp_quotes(r[1].host));
		n = 1;
	}
	return LP_EXIT_OK;
}

/* What is asked of lp-layers, and what has no meaning beside it. */
static int
check_about(struct args *a)
{
	struct lp_peek_options *o = &a->peek;
	const int has_rows = a->about == OPT_CONFIG || a->about == OPT_PLATFORMS;
	const int is_config = a->about == OPT_CONFIG && o->json;

	if (o->head_given || o->to_the_end || a->db_given || o->refresh)
		return lp_opt_refuse("-c, -n, --db and --refresh are about listings: not with --config, --digest, --platforms or --tags");
	if (a->columns != NULL || o->end || o->fmt.nul)
		return lp_opt_refuse("-o, -0 and -E are about listings: not with --config, --digest, --platforms or --tags");
	if (o->header && !has_rows)
		return lp_opt_refuse("-H is about rows: not with --digest or --tags");
	/* as JSON there is the config itself */
	if (a->about == OPT_TAGS && a->many.tags != NULL)
		lp_argv_addf(&o->about, "--tags=%s", a->many.tags);
	else
		lp_argv_add(&o->about, a->about == OPT_DIGEST ? "--digest" : a->about == OPT_TAGS ? "--tags" :
		    a->about == OPT_PLATFORMS ? "--platforms" : is_config ? "--config" : "--settings");
	if (o->header || ((o->json || o->ndjson) && !is_config))
		lp_argv_add(&o->about, o->header ? "--header" : "--json");
	return LP_EXIT_OK;
}

/* What is no rows, and so of one image: they could not say which they are of. */
static int
is_of_one(enum lp_peek_what what)
{
	return what == LP_PEEK_CAT || what == LP_PEEK_TAR || what == LP_PEEK_HTML || what == LP_PEEK_BROWSE;
}

/* Words that exclude each other, and what follows from those that were given. */
static int
check(struct args *a)
{
	struct lp_peek_options *o = &a->peek;
	int status = lp_netopt_check(&a->net);

	status = status != LP_EXIT_OK ? status : check_user(a);
	if (status != LP_EXIT_OK)
		return status;
	o->store = a->net.store;
	o->offline = a->net.offline;
	o->plain = o->rows.n > 0;
	o->plain_http = a->net.registry.plain_http;
	if (o->json && (o->plain || o->ndjson))
		return lp_opt_refuse("-o, -H, -0, -E and --ndjson are about rows: not with -j");
	if (o->ndjson && (a->columns != NULL || o->header || o->fmt.nul))
		return lp_opt_refuse("-o, -H and -0 are about TSV: not with --ndjson");
	if (o->ndjson && (o->what == LP_PEEK_TREE || o->what == LP_PEEK_LAYERS || o->what == LP_PEEK_LAYER || is_of_one(o->what)))
		return lp_opt_refuse("--ndjson is about rows of all layers, and what is made of them: not with --browse, --cat, --html, "
		    "--layer, --layers, --tar or --tree");
	if (o->plain && (o->what == LP_PEEK_TREE || is_of_one(o->what)))
		return lp_opt_refuse("-o, -H, -0 and -E are about rows: not with --browse, --cat, --html, --tar or --tree");
	if (o->json && (o->what == LP_PEEK_HTML || o->what == LP_PEEK_BROWSE))
		return lp_opt_refuse("-j is about rows: not with --browse or --html");
	if (o->what == LP_PEEK_BASE && (o->plain || o->json || o->head_given || o->to_the_end || o->refresh || !o->use_cache))
		return lp_opt_refuse("--base is about known images: not with -c, -n, --no-cache, --refresh, -j (but --ndjson), -o, -H, -0 or -E");
	if (o->what == LP_PEEK_BROWSE && !lp_tty_is(STDOUT_FILENO))
		return lp_opt_refuse("--browse wants a terminal (lp-peek --layers IMAGE | lp-merge -o ncdu - is what it shows there)");
	if (o->what == LP_PEEK_BROWSE && !o->pager)
		return lp_opt_refuse("--browse is a pager of its own: not with --no-pager");
	if (o->what == LP_PEEK_HTML && strcmp(o->page, "-") == 0 && lp_opt_binary() != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	if (o->bounded && o->what != LP_PEEK_WASTE)
		return lp_opt_refuse("--max-waste and --dive-rules belong to --waste");
	lp_argv_append(&o->ask, &o->bounds);
	if ((o->what == LP_PEEK_DU || o->what == LP_PEEK_CHECK || o->what == LP_PEEK_HISTORY || o->what == LP_PEEK_WASTE ||
	    o->what == LP_PEEK_PACKAGES) && (a->columns != NULL || o->end || o->fmt.nul))
		return lp_opt_refuse("-o, -0 and -E are about rows: not with --check, --du, --history, --packages or --waste");
	if (o->json && (o->what == LP_PEEK_CAT || o->what == LP_PEEK_TAR))
		return lp_opt_refuse("-j is about listings: not with --cat or --tar");
	if (a->named && !o->use_cache)
		return lp_opt_refuse("--no-cache keeps nothing: neither --store nor --db");
	if (o->offline && !o->use_cache)
		return lp_opt_refuse("--offline uses what was kept, --no-cache does not");
	if (o->diff_platform != NULL && o->what != LP_PEEK_DIFF)
		return lp_opt_refuse("--diff-platform belongs to --diff");
	if ((o->any_case || o->fail_if_found) && o->what != LP_PEEK_FIND)
		return lp_opt_refuse("-i and --fail-if-found belong to --find");
	if (o->any_case)
		lp_argv_add(&o->ask, "--ignore-case");
	if (o->what == LP_PEEK_ABOUT)
		return check_about(a);
	if (o->what == LP_PEEK_TAR && lp_opt_binary() != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	o->wants_content = o->what == LP_PEEK_TAR || o->what == LP_PEEK_PACKAGES || (o->what == LP_PEEK_CAT && o->has_patterns);
	/* what a preview does not have may be there all the same */
	o->complete |= o->what == LP_PEEK_FIND || o->bounded || o->wants_content;
	/* the layer is what a single layer's rows need not say */
	if (a->columns == NULL && o->what != LP_PEEK_LAYERS && o->what != LP_PEEK_LAYER)
		o->fmt.column[o->fmt.ncolumns++] = LP_COL_LAYER;
	return LP_EXIT_OK;
}

static void
defaults(struct args *a)
{
	*a = (struct args){ .many.column = -1, .opt = { .usage = usage, .help = help, .many = { OPT_FIND, OPT_CAT, OPT_TAR } } };
	a->peek = (struct lp_peek_options){ .nimages = 1, .db = lp_home_named("LP_CACHE"), .head = LP_PEEK_HEAD, .depth = UINT64_MAX,
		.use_cache = 1, .pager = 1, .password_fd = -1, .cred = &a->net.registry.cred };
	lp_rowfmt_init(&a->peek.fmt);
	lp_argv_init(&a->peek.rows);
	lp_argv_init(&a->peek.ask);
	lp_argv_init(&a->peek.about);
	lp_argv_init(&a->peek.bounds);
	lp_argv_init(&a->peek.network);
	lp_argv_init(&a->peek.platform);
	lp_argv_init(&a->peek.blobs);
	lp_netopt_init(&a->net);
}

static int
is_number(const char *s)
{
	uint64_t v;

	return lp_num_u64(lp_span_str(s), UINT64_MAX, &v) == LP_OK;
}

/* A name without a host, as registries.conf completes it: the caches, the filters and the origin know that one. */
static int
complete_name(struct args *a, struct lp_placefiles *files, size_t i)
{
	static struct lp_reference ref;
	struct lp_reference_error e;
	struct lp_buf b;
	int rc;

	if (lp_reference_image(lp_span_str(a->image[i]), &ref, &e) != LP_OK || !ref.short_name)
		return LP_OK;
	rc = lp_placefiles_complete(files, &ref);
	if (rc != LP_OK)
		lp_err("%s: %s", lp_quotes(a->image[i]), files->why);
	lp_buf_init(&b, LP_REF_TEXT_MAX);
	/* one that nobody completes stays as it was written */
	if (rc == LP_OK && !ref.short_name && (rc = lp_reference_put(&ref, &b)) == LP_OK) {
		a->completed[i] = lp_cstr(lp_buf_span(&b));
		a->image[i] = a->completed[i] != NULL ? a->completed[i] : a->image[i];
	}
	lp_buf_release(&b);
	return rc;
}

static int
complete_names(struct args *a)
{
	static struct lp_placefiles files;
	int rc = LP_OK;

	for (size_t i = 0; i < a->nimages && rc == LP_OK; i++)
		rc = complete_name(a, &files, i);
	lp_placefiles_release(&files);
	return lp_exit_of(rc);
}

/* How many images a question takes, and which they are. */
static int
take_images(struct args *a, int n, char **operands)
{
	const struct lp_peek_options *o = &a->peek;
	const int compares = o->what == LP_PEEK_DIFF, alone = is_of_one(o->what);
	const int at_most = compares ? 2 - (o->image[1] != NULL) : alone ? 1 : n;

	if (n == 2 && (o->what == LP_PEEK_TREE || o->what == LP_PEEK_DU || o->what == LP_PEEK_TOP) && is_number(operands[0]))
		return lp_opt_refuse("a number follows a '=', as in --%s=%s", o->what == LP_PEEK_TREE ? "tree" :
		    o->what == LP_PEEK_DU ? "du" : "top", operands[0]);
	if (n < 1)
		return lp_opt_refuse("no image (see lp-peek --help)");
	if (compares && n < at_most)
		return lp_opt_refuse("--diff takes two images: OLD NEW");
	if (n > at_most)
		return lp_opt_refuse(compares ? "more than two images: --diff compares two" :
		    "more than one image: --browse, --cat, --html and --tar are of one");
	if ((a->many.tags != NULL || a->many.column >= 0) && (compares || alone) && a->about == 0)
		return lp_opt_refuse("a pattern for --tags, and the column image, are about several images: not with --browse, --cat, --diff, --html or --tar");
	a->image = calloc((size_t)n + 1, sizeof(*a->image));
	a->completed = calloc((size_t)n + 1, sizeof(*a->completed));
	if (a->image == NULL || a->completed == NULL) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	for (int i = 0; i < n; i++)
		a->image[a->nimages++] = operands[i];
	if (o->image[1] != NULL)
		a->image[a->nimages++] = o->image[1];
	return LP_EXIT_OK;
}

/* Several images, or what is labelled as if there were: each is a run of its own. */
static void
settle_many(struct args *a)
{
	struct lp_peek_options *o = &a->peek;

	for (size_t i = 0; i < o->nimages; i++)
		o->image[i] = a->image[i];
	/* the tags are what is asked for, and not of which images */
	if (a->about == OPT_TAGS)
		a->many.tags = NULL;
	if (o->nimages == 2 || (a->nimages == 1 && a->many.tags == NULL && a->many.column < 0))
		return;
	a->many.image = a->image;
	a->many.n = a->nimages;
	/* who has chosen columns has chosen those */
	if (a->columns == NULL)
		a->many.column = 0;
}

static int
parse_args(int argc, char **argv, struct args *a)
{
	int c, status = LP_EXIT_OK;

	defaults(a);
	while (status == LP_EXIT_OK &&
	    (c = lp_opt_next(&a->opt, argc, argv, "n:cip:jo:H0E" LP_NETOPT_SHORT LP_OPT_SHORT, options)) != -1)
		status = one_option(a, c);
	if (status != LP_EXIT_OK)
		return status;
	/* alone, or with what nobody asks a question by, it is one */
	if (a->many.tags != NULL && a->peek.what == LP_PEEK_MERGED)
		status = about(a, OPT_TAGS);
	status = status != LP_EXIT_OK ? status : take_images(a, argc - optind, argv + optind);
	if (status != LP_EXIT_OK)
		return status;
	status = complete_names(a);
	status = status != LP_EXIT_OK ? status : check(a);
	if (status == LP_EXIT_OK)
		settle_many(a);
	return status;
}

/* ---- running ----------------------------------------------------------------------- */

static int
all_layers(struct lp_peek *p, int rc)
{
	rc = rc != LP_OK ? rc : lp_peek_list(p);
	/* a document says also what went wrong */
	if (rc == LP_OK || (p->o->json && p->crew.caught == 0 && rc != LP_E_PIPE)) {
		int shown = lp_peek_show(p);

		rc = rc != LP_OK ? rc : shown;
	}
	return rc;
}

/* One path is looked for from the top layer down; what is not about the image itself wants all layers. */
static int
answer(struct lp_peek *p)
{
	int rc = lp_peek_resolve(p), end;

	if (rc == LP_OK && p->o->what == LP_PEEK_CAT)
		rc = lp_peek_cat(p);
	else if (rc == LP_OK && p->o->what == LP_PEEK_TAR)
		rc = lp_peek_tar(p);
	else if (rc == LP_OK && p->o->what == LP_PEEK_PACKAGES)
		rc = lp_peek_packages(p);
	else if (rc == LP_OK && p->o->what == LP_PEEK_BASE)
		rc = lp_peek_base(p);
	else if (p->o->what != LP_PEEK_ABOUT)
		rc = all_layers(p, rc);
	end = lp_peek_out_close(p);
	rc = rc != LP_OK ? rc : end;
	/* listings on their way to the database */
	end = rc == LP_OK || rc == LP_E_PIPE ? lp_peek_wait(p) : LP_OK;
	rc = rc != LP_OK ? rc : end;
	p->out.left = rc == LP_E_PIPE;
	if ((rc == LP_OK || rc == LP_E_PIPE) && p->o->what != LP_PEEK_ABOUT && p->o->what != LP_PEEK_BASE)
		lp_peek_summary(p);
	return rc;
}

static int
run(const struct lp_peek_options *o)
{
	struct lp_peek p;
	int rc = lp_peek_init(&p, o), sig, code;

	if (rc == LP_OK)
		rc = answer(&p);
	/* what nobody has said is of our own files of rows */
	if (rc != LP_OK && rc != LP_E_PIPE && p.crew.caught == 0 && *lp_err_last() == '\0') {
		if (rc == LP_E_NOMEM)
			lp_err("out of memory");
		else
			lp_err_errno("cannot handle listings");
	}
	/* with a signal there is no time for more than to take the children along */
	sig = p.crew.caught;
	code = rc == LP_OK ? p.exit : lp_exit_worse(p.exit, p.exit == LP_EXIT_OK ? lp_exit_of(rc) : LP_EXIT_OK);
	lp_peek_release(&p);
	if (sig != 0)
		lp_die_of(sig);
	return code;
}

/* All of one run. */
static int
run_prepared(struct lp_peek_options *o)
{
	int code = lp_peek_prepare(o);

	return code != LP_EXIT_OK ? code : run(o);
}

/* The password is asked for by the first image that a registry has. */
static int
run_many(struct args *a)
{
	int code = LP_EXIT_OK;

	for (size_t i = 0; i < a->nimages && code == LP_EXIT_OK && a->peek.password_fd < 0; i++) {
		a->peek.image[0] = a->image[i];
		code = lp_peek_password(&a->peek);
	}
	a->many.run = run_prepared;
	return code != LP_EXIT_OK ? code : lp_peek_many(&a->peek, &a->many);
}

int
main(int argc, char **argv)
{
	struct args a;
	int code;

	lp_opt_start(argv, "lp-peek");
	code = parse_args(argc, argv, &a);
	a.peek.stats = a.opt.stats;
	if (code == LP_EXIT_OK)
		code = a.many.n > 0 ? run_many(&a) : run_prepared(&a.peek);
	lp_peek_options_release(&a.peek);
	for (size_t i = 0; i < a.nimages; i++)
		free(a.completed[i]);
	free(a.completed);
	free(a.image);
	return code;
}
