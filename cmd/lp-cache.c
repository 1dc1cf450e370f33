/* lp-cache: listings of layers that were made once, kept and searchable. */
#include <stdlib.h>
#include <unistd.h>

#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/cachework.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/opt.h"
#include "common/sys/sandbox.h"

static const char usage[] =
    "usage: lp-cache [-hqvV] [--db=FILE] put --layer=DIGEST [--size=BYTES] [--head=BYTES]\n"
    "                [--image=REF --index=N[/COUNT]]\n"
    "       lp-cache [--db=FILE] put [--head=BYTES] [--image=REF] DIGEST[=SIZE] ...\n"
    "       lp-cache [--db=FILE] get [--head=BYTES] [--image=REF --index=N[/COUNT]] DIGEST\n"
    "       lp-cache [--db=FILE] get -E [--head=BYTES] [--image=REF] DIGEST ...\n"
    "       lp-cache [--db=FILE] has [-C] [--head=BYTES] DIGEST ...\n"
    "       lp-cache [--db=FILE] search [-Fj] [--image=REF] [--layer=DIGEST] PATTERN\n"
    "       lp-cache [--db=FILE] images [-j]\n"
    "       lp-cache [--db=FILE] stat [-j]\n"
    "       lp-cache [--db=FILE] prune [--days=N] [--max-size=BYTES]\n"
    "       lp-cache [--db=FILE] export [-Hj] [--image=REF] [--layer=DIGEST]\n";

static const char help[] =
    "Keep listings of layers in a database, and search them.\n"
    "\n"
    "      --db=FILE            the database ($LP_CACHE, or below $XDG_CACHE_HOME)\n"
    "      --layer=DIGEST       of this layer\n"
    "      --image=REF          of this image\n"
    "      --index=N[/COUNT]    which layer of the image it is, and how many it has\n"
    "      --size=BYTES         of the layer's blob\n"
    "      --head=BYTES         of the blob that the listing was made from, at least\n"
    "  -C, --complete           only a complete listing will do\n"
    "  -E, --end                end each listing by an end record that names its layer\n"
    "  -F, --fixed-string       the pattern is a substring, whatever is in it\n"
    "  -H, --header             the names of the columns first\n"
    "  -j, --json               NDJSON\n"
    "      --days=N             forget what was put more than N days ago\n"
    "      --max-size=BYTES     forget the oldest until no more is used (K, M, G)\n" LP_OPT_HELP;

enum { OPT_DB = LP_OPT_OWN, OPT_LAYER, OPT_IMAGE, OPT_INDEX, OPT_SIZE, OPT_HEAD, OPT_DAYS, OPT_MAX_SIZE };

struct args {
	struct lp_opt opt;
	char *db;
	struct lp_cachework work;
	char **words;
	int nwords;
	unsigned long given; /* bit per option, by letter_of */
};

struct command {
	const char *name;
	const char *takes; /* its options: letters, and the long ones by the letters of letter_of */
	enum { NO_WORD, A_WORD, DIGESTS } words;
	int (*run)(struct lp_cachework *);
};

/* ---- the command line ----------------------------------------------------- */

/* Options by letter; those without one have a letter here that getopt does not know. */
static char
letter_of(int c)
{
	static const char letters[] = "dlixshtm";

	return c >= OPT_DB ? letters[c - OPT_DB] : (char)c;
}

static int
parse_index(const char *s, struct lp_cache_layer *l)
{
	struct lp_span n = lp_span_str(s), of;
	const unsigned char *slash = memchr(n.p, '/', n.n);
	uint64_t v;

	if (slash != NULL) {
		of = lp_span(slash + 1, n.n - (size_t)(slash + 1 - n.p));
		n.n = (size_t)(slash - n.p);
		if (lp_num_u64(of, INT32_MAX, &v) != LP_OK)
			return LP_E_USAGE;
		l->of = (int64_t)v;
	}
	if (lp_num_u64(n, INT32_MAX, &v) != LP_OK)
		return LP_E_USAGE;
	l->index = (int64_t)v;
	return LP_OK;
}

static int
parse_bytes(const char *s, int64_t *out)
{
	uint64_t v;

	if (lp_num_size(lp_span_str(s), &v) != LP_OK || v > INT64_MAX)
		return LP_E_USAGE;
	*out = (int64_t)v;
	return LP_OK;
}

/* An option's argument; LP_E_USAGE if it makes no sense. */
static int
parse_value(struct args *a, int c)
{
	uint64_t v;

	switch (c) {
	case OPT_LAYER:
		a->work.layer.digest = lp_span_str(optarg);
		return lp_digest_valid(a->work.layer.digest) ? LP_OK : LP_E_USAGE;
	case OPT_IMAGE:
		a->work.layer.image = lp_span_str(optarg);
		return a->work.layer.image.n > 0 ? LP_OK : LP_E_USAGE;
	case OPT_INDEX: return parse_index(optarg, &a->work.layer);
	case OPT_SIZE: return parse_bytes(optarg, &a->work.layer.size);
	case OPT_HEAD: return parse_bytes(optarg, &a->work.layer.head);
	case OPT_MAX_SIZE: return parse_bytes(optarg, &a->work.max_size);
	case OPT_DAYS:
		if (lp_num_u64(lp_span_str(optarg), 1000000, &v) != LP_OK)
			return LP_E_USAGE;
		a->work.days = (int64_t)v;
		return LP_OK;
	default:
		return LP_OK;
	}
}

static const char *
expected(int c)
{
	switch (c) {
	case OPT_LAYER: return "--layer takes a digest, sha256: and 64 digits, not";
	case OPT_IMAGE: return "--image takes a name, not";
	case OPT_INDEX: return "--index takes a number from 0, or N/COUNT, not";
	case OPT_SIZE: return "--size takes a number of bytes, not";
	case OPT_HEAD: return "--head takes a number of bytes, not";
	case OPT_MAX_SIZE: return "--max-size takes a number of bytes, not";
	default: return "--days takes a number of days, not";
	}
}

static const struct option options[] = {
	LP_OPT_LONG,
	{ "db", required_argument, NULL, OPT_DB },
	{ "layer", required_argument, NULL, OPT_LAYER },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "index", required_argument, NULL, OPT_INDEX },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "head", required_argument, NULL, OPT_HEAD },
	{ "days", required_argument, NULL, OPT_DAYS },
	{ "max-size", required_argument, NULL, OPT_MAX_SIZE },
	{ "complete", no_argument, NULL, 'C' },
	{ "end", no_argument, NULL, 'E' },
	{ "fixed-string", no_argument, NULL, 'F' },
	{ "header", no_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 }
};

static int
parse_args(int argc, char **argv, struct args *a)
{
	int c;

	a->work.layer = (struct lp_cache_layer){ .size = -1, .head = -1, .index = -1, .of = -1 };
	a->work.days = a->work.max_size = -1;
	while ((c = getopt_long(argc, argv, "CEFHj" LP_OPT_SHORT, options, NULL)) != -1) {
		switch (c) {
		case 'C': a->work.complete = 1; break;
		case 'E': a->work.end = 1; break;
		case 'F': a->work.fixed = 1; break;
		case 'H': a->work.header = 1; break;
		case 'j': a->work.json = 1; break;
		case OPT_DB: a->db = optarg; continue;
		case OPT_LAYER: case OPT_IMAGE: case OPT_INDEX: case OPT_SIZE:
		case OPT_HEAD: case OPT_DAYS: case OPT_MAX_SIZE:
			if (parse_value(a, c) != LP_OK)
				return lp_opt_refuse(&a->opt, "%s '%s'", expected(c), lp_quotes(optarg));
			break;
		default:
			lp_opt_common(&a->opt, c);
			continue;
		}
		a->given |= 1ul << (letter_of(c) & 63);
	}
	a->words = argv + optind;
	a->nwords = argc - optind;
	a->work.pattern = a->nwords > 1 ? a->words[1] : NULL;
	return LP_EXIT_OK;
}

static const struct command commands[] = {
	{ "put", "lsxih", DIGESTS, lp_cachework_put },
	{ "get", "hixE", DIGESTS, lp_cachework_get },
	{ "has", "hC", DIGESTS, lp_cachework_has },
	{ "search", "ilFj", A_WORD, lp_cachework_search },
	{ "images", "j", NO_WORD, lp_cachework_images },
	{ "stat", "j", NO_WORD, lp_cachework_stat },
	{ "prune", "tm", NO_WORD, lp_cachework_prune },
	{ "export", "ilHj", NO_WORD, lp_cachework_export },
};

/* ---- the whole ------------------------------------------------------------ */

/* Whether the digests given are all layers of an image, so that nobody has to number them. */
static int
counts_layers(const struct args *a, const struct command *c)
{
	return c->words == DIGESTS && (a->work.end || (c->run == lp_cachework_put && a->work.nlayers > 0));
}

/* Options that the command does not take are refused, not ignored. */
static int
check_options(const struct args *a, const struct command *c)
{
	unsigned long takes = 0;

	for (const char *p = c->takes; *p != '\0'; p++)
		takes |= 1ul << (*p & 63);
	if ((a->given & ~takes) != 0)
		return lp_opt_refuse(&a->opt, "%s does not take all of these options", c->name);
	if (c->words != DIGESTS && a->nwords - 1 != (int)c->words)
		return lp_opt_refuse(&a->opt, c->words == A_WORD ? "%s takes one PATTERN" : "%s takes nothing but options",
		    c->name);
	if (c->run == lp_cachework_put && (a->work.layer.digest.n == 0) == (a->work.nlayers == 0))
		return lp_opt_refuse(&a->opt, "put needs --layer, or the digests of layers");
	if (c->words == DIGESTS && c->run != lp_cachework_put && a->work.nlayers == 0)
		return lp_opt_refuse(&a->opt, "%s needs the digest of a layer", c->name);
	if (c->run == lp_cachework_put && a->work.nlayers > 0 && a->work.layer.size >= 0)
		return lp_opt_refuse(&a->opt, "of more than one layer sizes are given as DIGEST=SIZE");
	if (c->run == lp_cachework_get && a->work.nlayers > 1 && !a->work.end)
		return lp_opt_refuse(&a->opt, "nothing would tell where one listing ends: more than one needs -E");
	if (counts_layers(a, c) ? a->work.layer.index >= 0 :
	    (c->run == lp_cachework_put || c->run == lp_cachework_get) && (a->work.layer.image.n > 0) != (a->work.layer.index >= 0))
		return lp_opt_refuse(&a->opt, "--index goes with --image, and with one layer");
	if (a->work.layer.of >= 0 && a->work.layer.index >= a->work.layer.of)
		return lp_opt_refuse(&a->opt, "--index counts from 0: there is no such layer in so many");
	if (c->run == lp_cachework_prune && a->work.days < 0 && a->work.max_size < 0)
		return lp_opt_refuse(&a->opt, "prune needs --days or --max-size");
	return LP_EXIT_OK;
}

/* DIGEST, for put also DIGEST=SIZE. What holds for all layers is said by options. */
static int
parse_layer(const struct args *a, const char *word, int with_size, struct lp_cache_layer *l)
{
	const char *eq = with_size ? strchr(word, '=') : NULL;

	*l = a->work.layer;
	l->digest = eq != NULL ? lp_span(word, (size_t)(eq - word)) : lp_span_str(word);
	if (!lp_digest_valid(l->digest))
		return lp_opt_refuse(&a->opt, "not a digest (sha256: and 64 digits): '%s'", lp_quotes(word));
	if (eq != NULL && parse_bytes(eq + 1, &l->size) != LP_OK)
		return lp_opt_refuse(&a->opt, "not a size: '%s'", lp_quotes(eq + 1));
	return LP_EXIT_OK;
}

static int
parse_layers(struct args *a, const struct command *c)
{
	size_t n = (size_t)a->nwords - 1;
	int rc = LP_EXIT_OK;

	a->work.layers = calloc(n > 0 ? n : 1, sizeof(*a->work.layers));
	if (a->work.layers == NULL) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	for (size_t i = 0; i < n && rc == LP_EXIT_OK; i++)
		/* n counts words: NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		rc = parse_layer(a, a->words[i + 1], c->run == lp_cachework_put, &a->work.layers[i]);
	a->work.nlayers = n;
	return rc;
}

/* What an image has is all the digests, in their order. */
static void
number_layers(struct args *a)
{
	for (size_t i = 0; a->work.layer.image.n > 0 && i < a->work.nlayers; i++) {
		a->work.layers[i].index = (int64_t)i;
		a->work.layers[i].of = (int64_t)a->work.nlayers;
	}
}

static const struct command *
choose(const struct args *a)
{
	for (size_t i = 0; a->nwords > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(a->words[0], commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* Everything that needs names is opened, then the process is locked into the database's directory. */
static int
enter(struct args *a, const struct command *c)
{
	char *path = NULL;
	int dir = lp_home_directory(a->db, &path), rc = LP_OK;

	if (dir < 0) {
		lp_err_errno("%s", path != NULL ? lp_quotes(path) : "out of memory");
		rc = LP_E_SYS;
	} else if (c->run == lp_cachework_put && (a->work.spool = lp_cache_spool(STDIN_FILENO, path)) < 0) {
		lp_err_errno("cannot make a file in %s", lp_quotes(path));
		rc = LP_E_SYS;
	} else {
		rc = lp_lock_in(LP_DUTY_DATABASE, dir);
	}
	if (dir >= 0)
		close(dir);
	free(path);
	return rc;
}

static int
run(struct args *a, const struct command *c)
{
	int rc = enter(a, c);

	rc = rc != LP_OK ? rc : lp_cachework(&a->work, a->db, c->run);
	if (a->work.spool > STDERR_FILENO)
		close(a->work.spool);
	return lp_exit_of(rc);
}

int
main(int argc, char **argv)
{
	struct args args = { .opt = { .usage = usage, .help = help }, .work = { .spool = -1 } };
	const struct command *c;
	char *home = NULL;
	int exit_code;

	lp_opt_start(argv, "lp-cache");
	exit_code = parse_args(argc, argv, &args);
	if (exit_code != LP_EXIT_OK)
		return exit_code;
	c = choose(&args);
	if (c == NULL)
		return lp_opt_refuse(&args.opt, "the first word is one of put, get, has, search, images, stat, prune, export");
	exit_code = c->words == DIGESTS ? parse_layers(&args, c) : LP_EXIT_OK;
	if (exit_code == LP_EXIT_OK)
		exit_code = check_options(&args, c);
	if (exit_code == LP_EXIT_OK && counts_layers(&args, c))
		number_layers(&args);
	if (exit_code == LP_EXIT_OK && args.db == NULL) {
		args.db = home = lp_home_listings();
		if (args.db == NULL)
			exit_code = lp_opt_refuse(&args.opt,
			    "no --db, and neither LP_CACHE, XDG_CACHE_HOME nor HOME says where");
	}
	if (exit_code == LP_EXIT_OK)
		exit_code = lp_start(&args.work.stats, args.opt.stats);
	if (exit_code == LP_EXIT_OK)
		exit_code = lp_finish(&args.work.stats, run(&args, c));
	free(home);
	free(args.work.layers);
	return exit_code;
}
