/* lp-cache: listings of layers that were made once, kept and searchable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cache/cachework.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/source/origin.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/sandbox.h"

static const char usage[] =
    "usage: lp-cache [-hqvV] [--stats=FILE] [--db=FILE] [--wait=SECONDS] put --layer=DIGEST [--size=BYTES]\n"
    "                [--head=BYTES] [--image=REF --index=N[/COUNT]] [--origin=TEXT] [--verified]\n"
    "       lp-cache [--db=FILE] put [--head=BYTES] [--image=REF] [--origin=TEXT] [--verified] DIGEST[=SIZE] ...\n"
    "       lp-cache [--db=FILE] get [--head=BYTES] [--image=REF --index=N[/COUNT]] [--origin=TEXT]\n"
    "                [--toc=DIGEST=TOCDIGEST] DIGEST\n"
    "       lp-cache [--db=FILE] get -E [--head=BYTES] [--image=REF] [--origin=TEXT] [--toc=DIGEST=TOCDIGEST]\n"
    "                DIGEST ...\n"
    "       lp-cache [--db=FILE] has [-C] [--head=BYTES] [--origin=TEXT] [--toc=DIGEST=TOCDIGEST] DIGEST ...\n"
    "       lp-cache [--db=FILE] put-points DIGEST\n"
    "       lp-cache [--db=FILE] get-points DIGEST[=SIZE]\n"
    "       lp-cache [--db=FILE] search [-Fj] [--image=REF] [--layer=DIGEST] [--origin=TEXT] PATTERN\n"
    "       lp-cache [--db=FILE] images [-j]\n"
    "       lp-cache [--db=FILE] base [-j] DIGEST ...\n"
    "       lp-cache [--db=FILE] stat [-j]\n"
    "       lp-cache [--db=FILE] prune [--days=N] [--max-size=BYTES]\n"
    "       lp-cache [--db=FILE] export [-Hj] [--image=REF] [--layer=DIGEST] [--origin=TEXT]\n";

static const char help[] =
    "Keep listings of layers in a database, and search them.\n"
    "\n"
    "      --db=FILE            the database ($LP_CACHE, or below $XDG_CACHE_HOME)\n"
    "      --wait=SECONDS       how long to wait for other processes' locks (60)\n"
    "      --layer=DIGEST       of this layer\n"
    "      --image=REF          of this image\n"
    "      --index=N[/COUNT]    which layer of the image it is, and how many it has\n"
    "      --size=BYTES         of the layer's blob\n"
    "      --head=BYTES         of the blob that the listing was made from, at least\n"
    "      --origin=TEXT        whose claim a listing is that is not verified\n"
    "      --verified           a complete listing was checked against the layer's digest\n"
    "      --toc=DIGEST=TOCDIGEST  the table of contents that the image names for a layer\n"
    "                           (may be repeated)\n"
    "  -C, --complete           only a complete and verified listing will do\n"
    "  -E, --end                end each listing by an end record that names its layer\n"
    "  -F, --fixed-string       the pattern is a substring, whatever is in it\n"
    "  -H, --header             the names of the columns first\n"
    "  -j, --json               NDJSON\n"
    "      --days=N             forget what was put more than N days ago\n"
    "      --max-size=BYTES     forget the oldest until no more is used (K, M, G)\n" LP_OPT_HELP;

/* Options in the order of `own`; getopt_long answers the letter, or OPT plus the index. */
enum {
	O_LAYER, O_IMAGE, O_INDEX, O_SIZE, O_HEAD, O_ORIGIN, O_VERIFIED, O_TOC, O_COMPLETE, O_END, O_FIXED, O_HEADER,
	O_JSON, O_DAYS, O_MAX_SIZE,
	O_EVERYWHERE, O_DB = O_EVERYWHERE, O_WAIT, /* every command takes these */
	NOPTIONS
};
enum { OPT = LP_OPT_OWN };
#define BIT(option) (1u << (option))

enum { WAIT_SECONDS = 60, WAIT_MAX = 24 * 60 * 60 };

struct args {
	struct lp_opt opt;
	const char *db;
	struct lp_cachework work;
	char **words;
	int nwords;
	unsigned given;           /* options, by BIT */
	struct lp_span *tocs;     /* arguments of --toc */
	size_t ntocs;
	struct lp_buf origin;     /* of the image */
};

/* One form of a command line: a line of the usage text. */
struct form {
	const char *command;
	unsigned needs;     /* a line with all of these is of this form; the first one that fits is */
	unsigned takes;     /* besides */
	unsigned together;  /* all of these or none */
	unsigned one_of;    /* at least one */
	int min, max;       /* words behind the command; -1: any number */
	const char *words;  /* what they are, for a message */
	int (*run)(struct lp_cachework *);
};

enum { ANY = -1 };
#define PLACE (BIT(O_IMAGE) | BIT(O_INDEX))
#define SERVED (BIT(O_HEAD) | BIT(O_ORIGIN) | BIT(O_TOC))
#define SCOPE (BIT(O_IMAGE) | BIT(O_LAYER) | BIT(O_ORIGIN))
#define CLAIM (BIT(O_HEAD) | BIT(O_ORIGIN) | BIT(O_VERIFIED))
#define ONE_DIGEST "the DIGEST of one layer; more than one needs -E"

static const struct form forms[] = {
	{ "put", BIT(O_LAYER), BIT(O_SIZE) | PLACE | CLAIM, PLACE, 0, 0, 0, "nothing but options with --layer", lp_cachework_put },
	{ "put", 0, BIT(O_IMAGE) | CLAIM, 0, 0, 1, ANY, "--layer, or the DIGESTs of layers", lp_cachework_put },
	{ "get", BIT(O_END), BIT(O_IMAGE) | SERVED, 0, 0, 1, ANY, "the DIGESTs of layers", lp_cachework_get },
	{ "get", 0, PLACE | SERVED, PLACE, 0, 1, 1, ONE_DIGEST, lp_cachework_get },
	{ "has", 0, BIT(O_COMPLETE) | SERVED, 0, 0, 1, ANY, "the DIGESTs of layers", lp_cachework_has },
	{ "put-points", 0, 0, 0, 0, 1, 1, "the DIGEST of one layer", lp_cachework_put_points },
	{ "get-points", 0, 0, 0, 0, 1, 1, "the DIGEST of one layer", lp_cachework_get_points },
	{ "search", 0, BIT(O_FIXED) | BIT(O_JSON) | SCOPE, 0, 0, 1, 1, "one PATTERN", lp_cachework_search },
	{ "images", 0, BIT(O_JSON), 0, 0, 0, 0, "nothing but options", lp_cachework_images },
	{ "base", 0, BIT(O_JSON), 0, 0, 1, ANY, "the DIGESTs of an image's layers, base first", lp_cachework_base },
	{ "stat", 0, BIT(O_JSON), 0, 0, 0, 0, "nothing but options", lp_cachework_stat },
	{ "prune", 0, BIT(O_DAYS) | BIT(O_MAX_SIZE), 0, BIT(O_DAYS) | BIT(O_MAX_SIZE), 0, 0, "nothing but options",
	  lp_cachework_prune },
	{ "export", 0, BIT(O_HEADER) | BIT(O_JSON) | SCOPE, 0, 0, 0, 0, "nothing but options", lp_cachework_export },
};
enum { NFORMS = sizeof(forms) / sizeof(forms[0]) };

/* ---- options -------------------------------------------------------------- */

static int
parse_bytes(struct lp_span s, int64_t *out)
{
	uint64_t v;

	if (lp_num_size(s, &v) != LP_OK || v > INT64_MAX)
		return LP_E_USAGE;
	*out = (int64_t)v;
	return LP_OK;
}

static int
parse_number(struct lp_span s, uint64_t max, int64_t *out)
{
	uint64_t v;

	if (lp_num_u64(s, max, &v) != LP_OK)
		return LP_E_USAGE;
	*out = (int64_t)v;
	return LP_OK;
}

/* Two parts with a `mark` between them; LP_E_USAGE if it is not there. */
static int
split(struct lp_span s, char mark, struct lp_span *first, struct lp_span *second)
{
	const unsigned char *p = s.n > 0 ? memchr(s.p, mark, s.n) : NULL;

	if (p == NULL)
		return LP_E_USAGE;
	*first = lp_span(s.p, (size_t)(p - s.p));
	*second = lp_span(p + 1, s.n - first->n - 1);
	return LP_OK;
}

static int
parse_index(struct args *a, struct lp_span s)
{
	struct lp_cache_layer *l = &a->work.layer;
	struct lp_span n = s, of;

	if (split(s, '/', &n, &of) == LP_OK && parse_number(of, INT32_MAX, &l->of) != LP_OK)
		return LP_E_USAGE;
	if (parse_number(n, INT32_MAX, &l->index) != LP_OK || l->index == 0 || (l->of >= 0 && l->index > l->of))
		return LP_E_USAGE;
	/* people count from 1, the database from 0 */
	l->index--;
	return LP_OK;
}

static int
parse_toc(struct args *a, struct lp_span s)
{
	struct lp_span layer, toc;

	a->tocs[a->ntocs++] = s; /* there is room for one a word */
	return split(s, '=', &layer, &toc) == LP_OK && lp_digest_valid(layer) && lp_digest_valid(toc) ? LP_OK : LP_E_USAGE;
}

static int
parse_text(struct lp_span s, struct lp_span *out)
{
	*out = s;
	return s.n > 0 ? LP_OK : LP_E_USAGE;
}

/* One option; LP_E_USAGE if its argument makes no sense. */
static int
parse_option(struct args *a, int option, struct lp_span s)
{
	struct lp_cachework *w = &a->work;
	int64_t v = 0;
	int rc = LP_OK;

	switch (option) {
	case O_LAYER: w->layer.digest = s; rc = lp_digest_valid(s) ? LP_OK : LP_E_USAGE; break;
	case O_IMAGE: rc = parse_text(s, &w->layer.image); break;
	case O_INDEX: rc = parse_index(a, s); break;
	case O_SIZE: rc = parse_bytes(s, &w->layer.size); break;
	case O_HEAD: rc = parse_bytes(s, &w->layer.head); break;
	case O_ORIGIN: rc = parse_text(s, &w->layer.origin); break;
	case O_VERIFIED: w->layer.verified = 1; break;
	case O_TOC: rc = parse_toc(a, s); break;
	case O_COMPLETE: w->complete = 1; break;
	case O_END: w->end = 1; break;
	case O_FIXED: w->fixed = 1; break;
	case O_HEADER: w->header = 1; break;
	case O_JSON: w->json = 1; break;
	case O_DAYS: rc = parse_number(s, 1000000, &w->days); break;
	case O_MAX_SIZE: rc = parse_bytes(s, &w->max_size); break;
	case O_DB: a->db = optarg; rc = s.n > 0 ? LP_OK : LP_E_USAGE; break;
	case O_WAIT: rc = parse_number(s, WAIT_MAX, &v); w->patience = (unsigned)v; break;
	}
	return rc;
}

static const struct {
	const char *name;
	char letter;          /* or 0 */
	const char *expected; /* of the argument, or NULL: it takes none */
} own[NOPTIONS] = {
	[O_LAYER] = { "layer", 0, "a digest, " LP_DIGEST_FORM },
	[O_IMAGE] = { "image", 0, "a name" },
	[O_INDEX] = { "index", 0, "a number from 1, or N/COUNT with N up to COUNT" },
	[O_SIZE] = { "size", 0, "a number of bytes" },
	[O_HEAD] = { "head", 0, "a number of bytes" },
	[O_ORIGIN] = { "origin", 0, "a text" },
	[O_VERIFIED] = { "verified", 0, NULL },
	[O_TOC] = { "toc", 0, "two digests, of a layer and of a table: DIGEST=TOCDIGEST" },
	[O_COMPLETE] = { "complete", 'C', NULL },
	[O_END] = { "end", 'E', NULL },
	[O_FIXED] = { "fixed-string", 'F', NULL },
	[O_HEADER] = { "header", 'H', NULL },
	[O_JSON] = { "json", 'j', NULL },
	[O_DAYS] = { "days", 0, "a number of days" },
	[O_MAX_SIZE] = { "max-size", 0, "a number of bytes" },
	[O_DB] = { "db", 0, "a file" },
	[O_WAIT] = { "wait", 0, "a number of seconds" },
};

/* The option that getopt_long means by c, or -1. */
static int
option_of(int c)
{
	if (c >= OPT && c < OPT + NOPTIONS)
		return c - OPT;
	for (int i = 0; i < NOPTIONS; i++)
		if (own[i].letter != 0 && own[i].letter == c)
			return i;
	return -1;
}

static int
parse_args(int argc, char **argv, struct args *a)
{
	static const struct option common[] = { LP_OPT_LONG };
	enum { NCOMMON = sizeof(common) / sizeof(common[0]) };
	struct option longs[NCOMMON + NOPTIONS + 1] = { { NULL, 0, NULL, 0 } };
	int c, i;

	memcpy(longs, common, sizeof(common));
	for (i = 0; i < NOPTIONS; i++)
		longs[NCOMMON + i] = (struct option){ own[i].name,
			own[i].expected != NULL ? required_argument : no_argument, NULL,
			own[i].letter != 0 ? own[i].letter : OPT + i };
	while ((c = lp_opt_next(&a->opt, argc, argv, "CEFHj" LP_OPT_SHORT, longs)) != -1) {
		i = option_of(c);
		if (i < 0) {
			lp_opt_common(&a->opt, c);
			continue;
		}
		if (parse_option(a, i, lp_span_str(optarg != NULL ? optarg : "")) != LP_OK)
			return lp_opt_refuse("--%s takes %s, not '%s'", own[i].name, own[i].expected, lp_quotes(optarg));
		a->given |= BIT(i);
	}
	a->words = argv + optind;
	a->nwords = argc - optind;
	a->work.pattern = a->nwords > 1 ? a->words[1] : NULL;
	return LP_EXIT_OK;
}

/* ---- which form it is ----------------------------------------------------- */

static const struct form *
choose(const struct args *a)
{
	for (int i = 0; a->nwords > 0 && i < NFORMS; i++)
		if (strcmp(a->words[0], forms[i].command) == 0 && (a->given & forms[i].needs) == forms[i].needs)
			return &forms[i];
	return NULL;
}

/* The name of one of the options in a set that is not empty. */
static const char *
name_of(unsigned set)
{
	int i = 0;

	while ((set & BIT(i)) == 0)
		i++;
	return own[i].name;
}

/* Options and words that the form does not take are refused, not ignored. */
static int
check(const struct args *a, const struct form *f)
{
	unsigned too_many = a->given & ~(f->needs | f->takes | BIT(O_DB) | BIT(O_WAIT));
	unsigned together = a->given & f->together;
	int n = a->nwords - 1;

	if (n < f->min || (f->max != ANY && n > f->max))
		return lp_opt_refuse("%s takes %s", f->command, f->words);
	if (too_many != 0)
		return lp_opt_refuse("this form of %s does not take --%s", f->command, name_of(too_many));
	if (together != 0 && together != f->together)
		return lp_opt_refuse("--%s goes with --%s", name_of(together), name_of(f->together & ~together));
	if (f->one_of != 0 && (a->given & f->one_of) == 0)
		return lp_opt_refuse("%s needs --%s or --%s", f->command, name_of(f->one_of),
		    name_of(f->one_of & ~BIT(__builtin_ctz(f->one_of))));
	return LP_EXIT_OK;
}

/* ---- layers --------------------------------------------------------------- */

/* DIGEST, for put also DIGEST=SIZE. What holds for all layers is said by options. */
static int
parse_layer(const struct args *a, const char *word, int with_size, struct lp_cache_layer *l)
{
	struct lp_span size = { NULL, 0 };

	*l = a->work.layer;
	l->digest = lp_span_str(word);
	if (with_size && split(l->digest, '=', &l->digest, &size) == LP_OK && parse_bytes(size, &l->size) != LP_OK)
		return lp_opt_refuse("not a size: '%s'", lp_quote(size));
	if (!lp_digest_valid(l->digest))
		return lp_opt_refuse("not a digest (" LP_DIGEST_FORM "): '%s'", lp_quotes(word));
	return LP_EXIT_OK;
}

/* Each table of contents to its layer. */
static int
add_tocs(const struct args *a)
{
	for (size_t i = 0; i < a->ntocs; i++) {
		struct lp_span layer = { NULL, 0 }, toc = { NULL, 0 };
		int used = 0;

		(void)split(a->tocs[i], '=', &layer, &toc);
		for (size_t k = 0; k < a->work.nlayers; k++) {
			if (!lp_span_eq(layer, a->work.layers[k].digest))
				continue;
			a->work.layers[k].toc = toc;
			used = 1;
		}
		if (!used)
			return lp_opt_refuse("--toc names a layer that is not asked for: %s", lp_quote(layer));
	}
	return LP_EXIT_OK;
}

/* The digests among the words; what an image has is all of them, in their order, if nobody numbers them. */
static int
parse_layers(struct args *a, const struct form *f)
{
	struct lp_cachework *w = &a->work;
	int numbered = (a->given & BIT(O_IMAGE)) != 0 && f->together == 0, rc = LP_EXIT_OK;

	w->nlayers = (size_t)(a->nwords - 1);
	for (size_t i = 0; i < w->nlayers && rc == LP_EXIT_OK; i++) {
		rc = parse_layer(a, a->words[i + 1], f->run == lp_cachework_put || f->run == lp_cachework_get_points, &w->layers[i]);
		if (numbered) {
			w->layers[i].index = (int64_t)i;
			w->layers[i].of = (int64_t)w->nlayers;
		}
	}
	return rc == LP_EXIT_OK ? add_tocs(a) : rc;
}

/* Whose claim it is: what was said, or the image's own; what is put is somebody's in any case. */
static int
find_origin(struct args *a, const struct form *f)
{
	struct lp_cache_layer *l = &a->work.layer;

	if (l->origin.n > 0 || (f->takes & BIT(O_HEAD)) == 0)
		return LP_EXIT_OK;
	if (l->image.n > 0 && lp_origin_of_image(l->image, 0, &a->origin) != LP_OK) {
		lp_err("out of memory");
		return LP_EXIT_SYSTEM;
	}
	l->origin = l->image.n > 0 ? lp_buf_span(&a->origin) : lp_span_str(f->run == lp_cachework_put ? "local" : "");
	return LP_EXIT_OK;
}

/* ---- the whole ------------------------------------------------------------ */

/* Everything that needs names is opened, then the process is locked into the database's directory. */
static int
enter(struct args *a, const struct form *f)
{
	int to_write = lp_cachework_writes(f->run), rc = LP_OK, dir;
	char *path = NULL;

	/* what is kept of images that somebody looked at is nobody else's business */
	umask(077);
	dir = lp_home_directory(a->db, to_write, &path);
	/* to be kept from looking is not to see that nothing is there */
	if (dir < 0 && (to_write || path == NULL || (errno != ENOENT && errno != ENOTDIR))) {
		lp_err_errno("%s", path != NULL ? lp_quotes(path) : "out of memory");
		rc = LP_E_SYS;
	} else if (f->run == lp_cachework_put && (a->work.spool = lp_cache_spool(STDIN_FILENO)) < 0) {
		lp_err_errno("cannot make a temporary file");
		rc = LP_E_SYS;
	} else {
		/* where there is no directory, there is no file to be seen */
		rc = lp_lock_in(LP_DUTY_DATABASE, dir);
	}
	if (dir >= 0)
		close(dir);
	free(path);
	return rc;
}

static int
run(struct args *a, const struct form *f)
{
	int rc = enter(a, f);

	rc = rc != LP_OK ? rc : lp_cachework(&a->work, a->db, f->run);
	if (a->work.spool > STDERR_FILENO)
		close(a->work.spool);
	return lp_exit_of(rc);
}

/* Whether its words are layers: of what can be given a head, and some. */
static int
takes_layers(const struct form *f)
{
	return (f->takes & BIT(O_HEAD)) != 0 || f->run == lp_cachework_base || f->run == lp_cachework_put_points ||
	    f->run == lp_cachework_get_points;
}

/* What the command line says, put together: the form, or NULL with *exit_code. */
static const struct form *
understand(struct args *a, int *exit_code)
{
	const struct form *f = choose(a);

	if (f == NULL) {
		*exit_code = lp_opt_refuse(
		    "the first word is one of put, get, has, put-points, get-points, search, images, base, stat, prune, export");
		return NULL;
	}
	*exit_code = check(a, f);
	if (*exit_code == LP_EXIT_OK)
		*exit_code = find_origin(a, f);
	if (*exit_code == LP_EXIT_OK && takes_layers(f))
		*exit_code = parse_layers(a, f);
	if (*exit_code == LP_EXIT_OK && f->run == lp_cachework_get_points)
		*exit_code = lp_opt_binary();
	return *exit_code == LP_EXIT_OK ? f : NULL;
}

static int
begin(struct args *a, char **home)
{
	if (a->db == NULL)
		a->db = lp_home_named("LP_CACHE");
	if (a->db == NULL)
		a->db = *home = lp_home_listings();
	if (a->db == NULL)
		return lp_opt_refuse("no --db, and neither LP_CACHE, XDG_CACHE_HOME nor HOME says where");
	return lp_start(&a->work.stats, a->opt.stats);
}

int
main(int argc, char **argv)
{
	struct args args = {
		.opt = { .usage = usage, .help = help, .many = { OPT + O_TOC } },
		.work = { .layer = { .size = -1, .head = -1, .index = -1, .of = -1 }, .days = -1, .max_size = -1,
			.patience = WAIT_SECONDS, .spool = -1 },
	};
	const struct form *f = NULL;
	char *home = NULL;
	int exit_code = LP_EXIT_OK;

	lp_opt_start(argv, "lp-cache");
	lp_buf_init(&args.origin, LP_REF_TEXT_MAX + LP_REF_PATH_MAX);
	/* as many as there are words */
	args.tocs = calloc((size_t)argc, sizeof(*args.tocs));
	args.work.layers = calloc((size_t)argc, sizeof(*args.work.layers));
	if (args.tocs == NULL || args.work.layers == NULL) {
		lp_err("out of memory");
		exit_code = LP_EXIT_SYSTEM;
	}
	if (exit_code == LP_EXIT_OK)
		exit_code = parse_args(argc, argv, &args);
	if (exit_code == LP_EXIT_OK)
		f = understand(&args, &exit_code);
	if (exit_code == LP_EXIT_OK)
		exit_code = begin(&args, &home);
	if (exit_code == LP_EXIT_OK)
		exit_code = lp_finish(&args.work.stats, run(&args, f));
	free(home);
	free(args.tocs);
	free(args.work.layers);
	lp_buf_release(&args.origin);
	return exit_code;
}
