/* lp-fetch: bytes of a blob, wherever it is, to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/fetch/fillwork.h"
#include "cmd/fetch/outlet.h"
#include "common/base/num.h"
#include "common/base/range.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/cli/progress.h"
#include "common/cli/stats.h"
#include "common/net/netopt.h"
#include "common/source/blob.h"
#include "common/source/fill.h"
#include "common/sys/err.h"
#include "common/sys/sandbox.h"

static const char usage[] =
    "usage: lp-fetch [-Ohqv] [-V] [-a | -n BYTES | -r RANGE] [-S STORE] [--digest=DIGEST]\n"
    "                [--size=BYTES] [--stats=FILE] [NETWORK OPTIONS] SOURCE\n"
    "       lp-fetch --fill -S STORE [-Oqv] [-a | -n BYTES | -r RANGE] [-j N] [--stats=FILE]\n"
    "                [NETWORK OPTIONS] [SOURCE ...]\n"
    "       lp-fetch --store-gc=BYTES -S STORE [-qv] [--stats=FILE]\n";

static const char help[] =
    "Write bytes of a blob to standard output. SOURCE is a registry's blob\n"
    "([HOST/]REPO@sha256:HEX), an http or https URL, oci:DIR@sha256:HEX, a path\n"
    "(which may end in #OFFSET+LENGTH), or - for standard input.\n"
    "\n"
    "  -n, --bytes=BYTES        the first BYTES (64K)\n"
    "  -a, --all                all of it, fetched little ahead of the reader\n"
    "  -r, --range=RANGE        FIRST-LAST, FIRST- or -COUNT (the last ones)\n"
    "      --digest=DIGEST      what its digest must be\n"
    "      --size=BYTES         how large all of it is\n"
    "      --fill               write nothing: bring that range of each source into STORE;\n"
    "                           without a SOURCE, of each line of standard input\n"
    "  -j, --jobs=N             --fill: N transfers at a time (8)\n"
    "      --store-gc=BYTES     remove what STORE has not used for longest, down to BYTES\n"
    LP_NETOPT_STORE_HELP LP_NETOPT_HELP LP_OPT_HELP;

enum { OPT_DIGEST = LP_OPT_OWN, OPT_SIZE, OPT_FILL, OPT_GC };

struct args {
	struct lp_range_spec range;
	int ranges;        /* how many of -a, -n and -r were given */
	int all;
	int asked;         /* by -r: a first byte that is not there is an error */
	const char *digest;
	int64_t size;
	const char *source;
	struct lp_netopt net;
	int network;       /* an option about it was given, or about doing without */

	int gc;
	uint64_t gc_max;
	int fill;
	uint64_t jobs;     /* 0: the default */
	char *const *sources; /* --fill: nsources of them */
	size_t nsources;
};

struct work {
	const struct args *args;
	struct lp_env env;
	struct lp_blob blob;
	struct lp_outlet out;
	int progress; /* lp_progress_open's, or -1 */
};

/* ---- the command line ---------------------------------------------------------- */

static int
one_option(struct args *a, struct lp_opt *opt, int c)
{
	uint64_t n = 0;
	int rc;

	switch (c) {
	case 'a':
		a->ranges++;
		a->all = 1;
		a->range = (struct lp_range_spec){ .last = LP_RANGE_END };
		return LP_EXIT_OK;
	case 'n':
		a->ranges++;
		rc = lp_opt_bytes(optarg, INT64_MAX, &n);
		if (rc == LP_EXIT_OK && n == 0)
			return lp_opt_refuse("-n takes at least one byte");
		a->range = (struct lp_range_spec){ .last = n - 1 };
		return rc;
	case 'r':
		a->ranges++;
		a->asked = 1;
		if (lp_range_parse(lp_span_str(optarg), &a->range) != LP_OK)
			return lp_opt_refuse("not a range (FIRST-LAST, FIRST- or -COUNT): %s", lp_quotes(optarg));
		return LP_EXIT_OK;
	case OPT_DIGEST:
		a->digest = optarg;
		return LP_EXIT_OK;
	case OPT_GC:
		a->gc = 1;
		return lp_opt_bytes(optarg, INT64_MAX, &a->gc_max);
	case OPT_FILL:
		a->fill = 1;
		return LP_EXIT_OK;
	case 'j':
		if (lp_num_u64(lp_span_str(optarg), LP_FILL_JOBS_MAX, &a->jobs) != LP_OK || a->jobs == 0)
			return lp_opt_refuse("-j takes a number from 1 to %d", LP_FILL_JOBS_MAX);
		return LP_EXIT_OK;
	case OPT_SIZE:
		rc = lp_opt_bytes(optarg, INT64_MAX, &n);
		a->size = (int64_t)n;
		return rc;
	}
	a->network |= c == 'O' || lp_netopt_is_network(c);
	return lp_netopt(&a->net, opt, c, optarg);
}

static int
check_fill(struct args *a, int n, char *const *sources)
{
	if (a->net.store == NULL)
		return lp_opt_refuse("--fill fills a store: name one with -S");
	if (a->digest != NULL || a->size >= 0)
		return lp_opt_refuse("--digest and --size are about one source: not with --fill");
	a->sources = sources;
	a->nsources = (size_t)n;
	return LP_EXIT_OK;
}

static int
check_gc(const struct args *a, int n)
{
	if (a->net.store == NULL)
		return lp_opt_refuse("--store-gc bounds a store: name one with -S");
	if (a->fill || a->jobs > 0 || a->ranges > 0 || a->digest != NULL || a->size >= 0 || a->network || n > 0)
		return lp_opt_refuse("--store-gc fetches nothing: no source, and nothing about one or the network");
	return LP_EXIT_OK;
}

static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		LP_NETOPT_LONG,
		{ "all", no_argument, NULL, 'a' },
		{ "bytes", required_argument, NULL, 'n' },
		{ "range", required_argument, NULL, 'r' },
		{ "digest", required_argument, NULL, OPT_DIGEST },
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "fill", no_argument, NULL, OPT_FILL },
		{ "store-gc", required_argument, NULL, OPT_GC },
		{ "jobs", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	int c, status = LP_EXIT_OK;

	*a = (struct args){ .size = -1, .range = { .last = 65535 } };
	lp_netopt_init(&a->net);
	while (status == LP_EXIT_OK && (c = lp_opt_next(opt, argc, argv, "an:r:j:" LP_NETOPT_SHORT LP_OPT_SHORT, options)) != -1)
		status = one_option(a, opt, c);
	if (status != LP_EXIT_OK)
		return status;
	if (a->ranges > 1)
		return lp_opt_refuse("only one of -a, -n and -r");
	status = lp_netopt_check(&a->net);
	if (status != LP_EXIT_OK)
		return status;
	if (a->gc)
		return check_gc(a, argc - optind);
	if (a->fill)
		return check_fill(a, argc - optind, argv + optind);
	if (a->jobs > 0)
		return lp_opt_refuse("-j belongs to --fill");
	if (argc - optind != 1)
		return lp_opt_refuse(argc == optind ? "no source" : "more than one source (--fill takes many)");
	a->source = argv[optind];
	return lp_opt_binary();
}

/* ---- open: everything that the lock forbids later --------------------------------- */

/* A failure of the blob's: say it with its name, if it has said anything. */
static int
say(const struct work *w, int rc)
{
	if (rc != LP_OK && w->blob.why[0] != '\0')
		lp_err("%s: %s", w->blob.name, w->blob.why);
	else if (rc == LP_E_NOMEM)
		lp_err("%s: out of memory", w->blob.name);
	return rc;
}

static int
open_all(struct work *w)
{
	struct lp_reference_error e;
	struct lp_reference ref;
	const struct args *a = w->args;
	int rc = LP_OK, remote;

	/* what the source is decides what the others are needed for; lp_blob_open says what is wrong with it */
	remote = lp_reference_source(lp_span_str(a->source), &ref, &e) == LP_OK && lp_blob_is_remote(&ref);
	w->env.offline = a->net.offline;
	if (remote) {
		rc = lp_env_open_store(&w->env, a->net.store);
		rc = rc != LP_OK ? rc : lp_env_open_network(&w->env, &a->net);
		if (w->env.http != NULL)
			lp_http_watch(w->env.http, STDOUT_FILENO);
	}
	if (rc == LP_OK)
		rc = say(w, lp_blob_open(&w->blob, &w->env, a->source, a->digest, a->size));
	return rc != LP_OK ? rc : lp_env_login(&w->env, &w->blob.ref, w->blob.name);
}

/* ---- one blob ------------------------------------------------------------------------ */

/* The first byte of a default range need not be there: an empty blob has no bytes, and that is all. */
static int
resolve(struct work *w)
{
	struct lp_blob *b = &w->blob;
	struct lp_range r;
	int rc = lp_blob_resolve(b, &w->args->range, w->args->asked, &r);

	lp_outlet_init(&w->out, b, &r, w->progress);
	return rc;
}

/* From here on there is the store or the layout, the network if it is needed, and nothing else. */
static int
lock(const struct work *w)
{
	const struct lp_reference *ref = &w->blob.ref;

	if (ref->kind == LP_REF_FILE || ref->kind == LP_REF_STDIN)
		return lp_lock(LP_DUTY_FILTER);
	return lp_env_lock(&w->env, w->args->net.store, ref->kind == LP_REF_OCI || ref->kind == LP_REF_DIR ? ref->path : NULL);
}

static int
work(struct work *w)
{
	struct lp_blob *b = &w->blob;
	int rc = open_all(w), kept;

	rc = rc != LP_OK ? rc : lock(w);
	if (rc != LP_OK)
		return lp_exit_of(rc);
	rc = resolve(w);
	rc = rc != LP_OK ? rc : lp_outlet_copy(&w->out, w->args->all);
	lp_blob_taken(b, w->out.at);
	if (rc != LP_OK && rc != LP_E_PIPE)
		(void)say(w, rc);
	else if (rc == LP_OK)
		rc = lp_outlet_check(&w->out);
	if (b->size == 0 && w->args->asked && rc == LP_OK) {
		lp_err("%s: is empty: there is no byte %llu", b->name, (unsigned long long)w->out.first);
		rc = LP_E_DATA;
	}
	/* what a wrong digest makes of it has been said */
	kept = lp_blob_promote(b, w->out.wrong);
	if (kept != LP_OK && rc == LP_OK)
		rc = say(w, kept);
	lp_outlet_tell(&w->out, lp_exit_of(rc) == LP_EXIT_OK ? LP_PROGRESS_DONE : LP_PROGRESS_FAILED);
	return lp_exit_of(rc);
}

/* ---- many blobs at once -------------------------------------------------------------- */

static int
fill(struct work *w)
{
	const struct args *a = w->args;
	const struct lp_fillwork f = { .net = &a->net, .range = a->range, .strict = a->asked, .jobs = a->jobs,
		.sources = a->sources, .n = a->nsources, .progress = w->progress };

	return lp_fillwork(&f, &w->env);
}

/* ---- the store's bound --------------------------------------------------------------- */

static int
gc(struct work *w)
{
	struct lp_store_gc done;
	int rc;

	/* a misspelt name is no empty store */
	if (access(w->args->net.store, F_OK) != 0) {
		lp_err_errno("%s", lp_quotes(w->args->net.store));
		return LP_EXIT_SYSTEM;
	}
	w->env.must_keep = 1;
	rc = lp_env_open_store(&w->env, w->args->net.store);
	rc = rc != LP_OK ? rc : lp_env_lock(&w->env, w->args->net.store, NULL);
	if (rc != LP_OK)
		return lp_exit_of(rc);
	rc = lp_store_gc(w->env.store, w->args->gc_max, &done);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", lp_quotes(w->args->net.store));
	else if (rc == LP_E_LIMIT)
		lp_err("%s: index.json is larger than %d MiB", lp_quotes(w->args->net.store), LP_STORE_INDEX_MAX >> 20);
	if (rc == LP_OK || rc == LP_E_SYS)
		lp_note("%s: removed %llu files of %llu bytes, %llu bytes stay", lp_quotes(w->args->net.store),
		    (unsigned long long)done.files, (unsigned long long)done.removed, (unsigned long long)done.kept);
	return lp_exit_of(rc);
}

static void
fill_stats(const struct work *w, struct lp_stats *s)
{
	const struct lp_blob *b = &w->blob;

	if (!w->args->fill && !w->args->gc) {
		s->source = b->name;
		s->verified = w->out.verified;
	}
	if (b->digest[0] != '\0')
		s->digest = b->digest;
	if (b->size >= 0) {
		s->size = b->size;
		s->partial = w->out.first > 0 || w->out.at < (uint64_t)b->size;
	}
	lp_env_stats(&w->env, s);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	struct args args;
	struct work w = { .args = &args, .blob.fd = -1, .blob.size = -1, .progress = -1 };
	struct lp_stats stats;
	int status;

	lp_opt_start(argv, "lp-fetch");
	status = parse_args(argc, argv, &args, &opt);
	if (status != LP_EXIT_OK)
		return status;
	status = lp_start(&stats, opt.stats);
	if (status != LP_EXIT_OK)
		return status;
	w.progress = lp_progress_open();
	status = args.gc ? gc(&w) : args.fill ? fill(&w) : work(&w);
	fill_stats(&w, &stats);
	status = lp_finish(&stats, status);
	lp_outlet_release(&w.out);
	lp_blob_release(&w.blob);
	lp_env_close(&w.env);
	return status;
}
