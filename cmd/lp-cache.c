/* lp-cache: listings of layers that were made once, kept and searchable. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/format/record.h"
#include "common/sys/cache.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/listing.h"
#include "common/sys/opt.h"
#include "common/sys/sandbox.h"
#include "common/sys/stats.h"

static const char usage[] =
    "usage: lp-cache [-hqvV] [--db=FILE] put --layer=DIGEST [--size=BYTES] [--head=BYTES]\n"
    "                [--image=REF --index=N[/COUNT]]\n"
    "       lp-cache [--db=FILE] get [--head=BYTES] [--image=REF --index=N[/COUNT]] DIGEST\n"
    "       lp-cache [--db=FILE] has [-C] [--head=BYTES] DIGEST\n"
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
    "  -F, --fixed-string       the pattern is a substring, whatever is in it\n"
    "  -H, --header             the names of the columns first\n"
    "  -j, --json               NDJSON\n"
    "      --days=N             forget what was put more than N days ago\n"
    "      --max-size=BYTES     forget the oldest until no more is used (K, M, G)\n" LP_OPT_HELP;

enum { OPT_DB = LP_OPT_OWN, OPT_LAYER, OPT_IMAGE, OPT_INDEX, OPT_SIZE, OPT_HEAD, OPT_DAYS, OPT_MAX_SIZE };

struct args {
	struct lp_opt opt;
	char *db;
	struct lp_cache_layer layer;
	int complete, fixed, json, header;
	int64_t days, max_size; /* -1: not given */
	char **words;
	int nwords;
	unsigned long given; /* bit per option, by `bit_of` */
};

/* What a command works with. */
struct work {
	struct args *args;
	struct lp_cache cache;
	struct lp_listing out; /* rows, or only its buffer */
	int spool;             /* put: what the listing is read from */
	int64_t found;
	struct lp_stats stats;
};

struct command {
	const char *name;
	const char *takes; /* its options: letters, and the long ones by the letters of `bit_of` */
	int words;
	int (*run)(struct work *);
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
		a->layer.digest = lp_span_str(optarg);
		return lp_digest_valid(a->layer.digest) ? LP_OK : LP_E_USAGE;
	case OPT_IMAGE:
		a->layer.image = lp_span_str(optarg);
		return a->layer.image.n > 0 ? LP_OK : LP_E_USAGE;
	case OPT_INDEX: return parse_index(optarg, &a->layer);
	case OPT_SIZE: return parse_bytes(optarg, &a->layer.size);
	case OPT_HEAD: return parse_bytes(optarg, &a->layer.head);
	case OPT_MAX_SIZE: return parse_bytes(optarg, &a->max_size);
	case OPT_DAYS:
		if (lp_num_u64(lp_span_str(optarg), 1000000, &v) != LP_OK)
			return LP_E_USAGE;
		a->days = (int64_t)v;
		return LP_OK;
	default:
		return LP_OK;
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
	{ "fixed-string", no_argument, NULL, 'F' },
	{ "header", no_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 }
};

static int
parse_args(int argc, char **argv, struct args *a)
{
	int c;

	a->layer = (struct lp_cache_layer){ .size = -1, .head = -1, .index = -1, .of = -1 };
	a->days = a->max_size = -1;
	while ((c = getopt_long(argc, argv, "CFHj" LP_OPT_SHORT, options, NULL)) != -1) {
		switch (c) {
		case 'C': a->complete = 1; break;
		case 'F': a->fixed = 1; break;
		case 'H': a->header = 1; break;
		case 'j': a->json = 1; break;
		case OPT_DB: a->db = optarg; continue;
		case OPT_LAYER: case OPT_IMAGE: case OPT_INDEX: case OPT_SIZE:
		case OPT_HEAD: case OPT_DAYS: case OPT_MAX_SIZE:
			if (parse_value(a, c) != LP_OK)
				return lp_opt_refuse(&a->opt, "no value for such an option: '%s'", lp_quotes(optarg));
			break;
		default:
			lp_opt_common(&a->opt, c);
			continue;
		}
		a->given |= 1ul << (letter_of(c) & 63);
	}
	a->words = argv + optind;
	a->nwords = argc - optind;
	return LP_EXIT_OK;
}

/* ---- output --------------------------------------------------------------- */

static struct lp_record
record(struct work *w)
{
	return (struct lp_record){ .out = &w->out.out, .json = w->args->json };
}

static int
end_line(struct work *w, struct lp_record *r)
{
	int rc = lp_record_end(r);

	w->found++;
	return rc == LP_OK && w->out.out.n >= LP_IO_CHUNK ? lp_listing_flush(&w->out) : rc;
}

/* ---- commands ------------------------------------------------------------- */

static int
run_put(struct work *w)
{
	enum lp_cache_put result;
	int rc = lp_cache_spool_fill(w->spool, STDIN_FILENO);

	if (rc != LP_OK) {
		lp_err_errno("cannot read the listing, or write it next to the database");
		return rc;
	}
	rc = lp_cache_put(&w->cache, &w->args->layer, w->spool, &result);
	if (rc == LP_OK && result == LP_CACHE_KEPT)
		lp_note("%s: the listing that is kept is better and stays", lp_quote(w->args->layer.digest));
	return rc;
}

static int
write_bytes(void *arg, struct lp_span bytes)
{
	struct work *w = arg;
	int rc = lp_buf_add(&w->out.out, bytes);

	return rc == LP_OK && w->out.out.n >= LP_IO_CHUNK ? lp_listing_flush(&w->out) : rc;
}

/* The listing of the digest on the command line, if it is good enough. */
static int
find(struct work *w, struct lp_cache_found *f)
{
	int rc = lp_cache_find(&w->cache, lp_span_str(w->args->words[1]), w->args->complete ? INT64_MAX :
	    w->args->layer.head, f);

	if (rc == LP_E_ABSENT)
		lp_detail("%s: no such listing", lp_quotes(w->args->words[1]));
	else if (rc == LP_OK)
		w->stats.partial = f->complete == LP_COMPLETE_UNKNOWN ? LP_STATS_UNKNOWN : f->complete == LP_COMPLETE_NO;
	return rc;
}

static int
run_get(struct work *w)
{
	struct lp_cache_found f;
	int rc = find(w, &f);

	if (rc == LP_E_ABSENT)
		lp_err("%s: no such listing", lp_quotes(w->args->words[1]));
	w->found = rc == LP_OK ? f.entries : 0;
	if (rc == LP_OK && w->args->layer.image.n > 0) {
		struct lp_cache_layer layer = w->args->layer;

		layer.digest = lp_span_str(w->args->words[1]);
		rc = lp_cache_belongs(&w->cache, &layer);
	}
	return rc == LP_OK ? lp_cache_get(&w->cache, f.listing, write_bytes, w) : rc;
}

static int
run_has(struct work *w)
{
	struct lp_cache_found f;

	return find(w, &f);
}

static int
write_hit(void *arg, const struct lp_cache_hit *h)
{
	struct work *w = arg;
	struct lp_record r = record(w);

	lp_record_text(&r, "image", h->image);
	lp_record_text(&r, "layer", h->layer);
	lp_record_text(&r, "path", h->path);
	lp_record_int(&r, "size", h->size);
	return end_line(w, &r);
}

static int
run_search(struct work *w)
{
	struct lp_cache_scope scope = { .image = w->args->layer.image, .layer = w->args->layer.digest };
	const char *pattern = w->args->words[1];
	int glob = !w->args->fixed && strpbrk(pattern, "*?[") != NULL;
	int rc = lp_cache_search(&w->cache, &scope, pattern, glob, write_hit, w);

	return rc == LP_OK && w->found == 0 ? LP_E_ABSENT : rc;
}

static int
write_image(void *arg, const struct lp_cache_image *i)
{
	struct work *w = arg;
	struct lp_record r = record(w);
	const char *complete = i->entries < 0 ? "absent" : lp_complete_name(i->complete);

	lp_record_text(&r, "image", i->image);
	lp_record_int(&r, "index", i->index);
	lp_record_text(&r, "layer", i->digest);
	lp_record_known(&r, "size", i->size);
	lp_record_known(&r, "entries", i->entries);
	lp_record_text(&r, "complete", lp_span_str(complete));
	return end_line(w, &r);
}

static int
run_images(struct work *w)
{
	return lp_cache_images(&w->cache, write_image, w);
}

static int
run_stat(struct work *w)
{
	struct lp_cache_stat st;
	struct lp_record r = record(w);
	int rc = lp_cache_stat(&w->cache, &st);
	const struct { const char *key; int64_t v; } t[] = {
		{ "schema", st.schema }, { "images", st.images }, { "layers", st.layers }, { "listings", st.listings },
		{ "complete", st.complete }, { "previews", st.previews }, { "entries", st.entries }, { "bytes", st.bytes },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]) && rc == LP_OK; i++) {
		/* for eyes a line each, for programs one object */
		if (!r.json)
			lp_record_text(&r, "", lp_span_str(t[i].key));
		lp_record_int(&r, t[i].key, t[i].v);
		if (!r.json)
			rc = lp_record_end(&r);
	}
	return rc == LP_OK && r.json ? lp_record_end(&r) : rc;
}

static int
run_prune(struct work *w)
{
	const struct args *a = w->args;
	int64_t max = a->max_size >= 0 ? a->max_size : INT64_MAX;
	int rc = lp_cache_prune(&w->cache, a->days >= 0 ? (int64_t)time(NULL) - a->days * 86400 + (a->days == 0) : 0, max,
	    &w->found);

	if (rc == LP_OK)
		lp_note("%" PRId64 " listings forgotten", w->found);
	return rc;
}

static int
write_entry(void *arg, const struct lp_entry *e)
{
	struct work *w = arg;

	w->found++;
	return lp_listing_entry(&w->out, e);
}

static int
run_export(struct work *w)
{
	struct lp_cache_scope scope = { .image = w->args->layer.image, .layer = w->args->layer.digest };
	int rc;

	if (w->args->json)
		w->out.fmt.form = LP_ROW_NDJSON;
	w->out.fmt.column[w->out.fmt.ncolumns++] = LP_COL_LAYER;
	w->out.header = w->args->header && !w->args->json;
	rc = lp_listing_begin(&w->out);
	return rc == LP_OK ? lp_cache_export(&w->cache, &scope, write_entry, w) : rc;
}

static const struct command commands[] = {
	{ "put", "lsxih", 1, run_put },
	{ "get", "hix", 2, run_get },
	{ "has", "hC", 2, run_has },
	{ "search", "ilFj", 2, run_search },
	{ "images", "j", 1, run_images },
	{ "stat", "j", 1, run_stat },
	{ "prune", "tm", 1, run_prune },
	{ "export", "ilHj", 1, run_export },
};

/* ---- the whole ------------------------------------------------------------ */

/* Options that the command does not take are refused, not ignored. */
static int
check_options(const struct args *a, const struct command *c)
{
	unsigned long takes = 0;

	for (const char *p = c->takes; *p != '\0'; p++)
		takes |= 1ul << (*p & 63);
	if ((a->given & ~takes) != 0)
		return lp_opt_refuse(&a->opt, "%s does not take all of these options", c->name);
	if (a->nwords != c->words)
		return lp_opt_refuse(&a->opt, "%s takes %d arguments, not %d", c->name, c->words - 1, a->nwords - 1);
	if (c->run == run_put && a->layer.digest.n == 0)
		return lp_opt_refuse(&a->opt, "put needs --layer");
	if ((c->run == run_put || c->run == run_get) && (a->layer.image.n > 0) != (a->layer.index >= 0))
		return lp_opt_refuse(&a->opt, "--image and --index come together");
	if (a->layer.of >= 0 && a->layer.index >= a->layer.of)
		return lp_opt_refuse(&a->opt, "--index counts from 0: there is no such layer in so many");
	if (c->run == run_prune && a->days < 0 && a->max_size < 0)
		return lp_opt_refuse(&a->opt, "prune needs --days or --max-size");
	if ((c->run == run_get || c->run == run_has) && !lp_digest_valid(lp_span_str(a->words[1])))
		return lp_opt_refuse(&a->opt, "not a digest: '%s'", lp_quotes(a->words[1]));
	return LP_EXIT_OK;
}

static const struct command *
choose(const struct args *a)
{
	for (size_t i = 0; a->nwords > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(a->words[0], commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* The directory of a file, made with its parents (mode 0700, as the XDG specification asks), open. -1 with errno. */
static int
open_directory(const char *file, char **path)
{
	char *slash = strrchr(file, '/');
	char *dir = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + (slash == file));

	*path = dir;
	if (dir == NULL)
		return -1;
	for (char *p = dir + 1; *p != '\0' && slash != NULL; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(dir, 0700); /* if it fails the open below says so */
		*p = '/';
	}
	(void)mkdir(dir, 0700);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Everything that needs names is opened, then the process is locked into the database's directory. */
static int
enter(struct work *w, const struct command *c)
{
	char *path = NULL;
	int dir = open_directory(w->args->db, &path), rc = LP_OK;

	if (dir < 0) {
		lp_err_errno("%s", path != NULL ? lp_quotes(path) : "out of memory");
		rc = LP_E_SYS;
	} else if (c->run == run_put && (w->spool = lp_cache_spool(STDIN_FILENO, path)) < 0) {
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
work(struct work *w, const struct command *c)
{
	int rc = lp_cache_open(&w->cache, w->args->db);

	if (rc == LP_OK)
		rc = c->run(w);
	if (rc == LP_OK)
		rc = lp_listing_flush(&w->out);
	else if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	else if (w->cache.why[0] != '\0' && rc != LP_E_PIPE && rc != LP_E_ABSENT)
		lp_err("%s: %s", lp_quotes(w->args->db), lp_quotes(w->cache.why));
	lp_cache_close(&w->cache);
	return rc;
}

static int
run(struct work *w, const struct command *c)
{
	int rc, exit_code;

	if (lp_stats_begin(&w->stats, w->args->opt.stats) != LP_OK) {
		lp_err_errno("%s", lp_quotes(w->args->opt.stats != NULL ? w->args->opt.stats : "LP_STATS"));
		return LP_EXIT_SYSTEM;
	}
	lp_listing_init(&w->out);
	rc = enter(w, c);
	exit_code = lp_exit_of(rc != LP_OK ? rc : work(w, c));
	rc = lp_close_stdout();
	if (rc == LP_E_SYS)
		lp_err_errno("<stdout>");
	exit_code = lp_exit_worse(exit_code, lp_exit_of(rc));
	w->stats.entries_found = w->found;
	(void)lp_stats_end(&w->stats, exit_code);
	lp_listing_release(&w->out);
	if (w->spool > STDERR_FILENO)
		close(w->spool);
	return exit_code;
}

int
main(int argc, char **argv)
{
	struct args args = { .opt = { .usage = usage, .help = help } };
	struct work w = { .args = &args, .spool = -1 };
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
	exit_code = check_options(&args, c);
	if (exit_code != LP_EXIT_OK)
		return exit_code;
	if (args.db == NULL)
		args.db = home = lp_cache_default_path();
	if (args.db == NULL)
		return lp_opt_refuse(&args.opt, "no --db, and neither LP_CACHE, XDG_CACHE_HOME nor HOME says where");
	exit_code = run(&w, c);
	free(home);
	return exit_code;
}
