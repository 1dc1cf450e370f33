/* lp-layers: an image's name in, one row per layer out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/layers/layers.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"

static const char usage[] =
    "usage: lp-layers [-EHOhjqv] [-V] [-o COLUMNS] [-p OS[(VERSION)]/ARCH[/VARIANT]]\n"
    "                 [-S STORE]\n"
    "                 [--config | --digest | --index | --manifest | --platforms |\n"
    "                 --referrers[=TYPE] | --settings | --soci | --tags[=GLOB]]\n"
    "                 [--auth-file=FILE] [--cacert=FILE] [--cacert-only] [--cert=FILE]\n"
    "                 [--connect-timeout=N] [--insecure] [--key=FILE] [--password-file=FILE]\n"
    "                 [--plain-http] [--retries=N] [--stall-timeout=N] [--stats=FILE]\n"
    "                 [--user=NAME] IMAGE\n";

static const char help[] =
    "List the layers of an image, base first. IMAGE is a registry's reference,\n"
    "oci:DIR[:NAME], dir:DIR, oci-archive:FILE[:NAME], or docker-archive:FILE[:NAME].\n"
    "\n"
    "  -p, --platform=PLATFORM  the image for OS[(VERSION)]/ARCH[/VARIANT], not for this machine\n"
    "  -j, --json               NDJSON: one object a line, all that is known\n"
    "  -o, --columns=LIST       which columns, comma-separated\n"
    "  -H, --header             the columns' names first\n"
    "  -E, --end                an end record last: what the image is\n"
    "      --platforms          list the platforms that there are\n"
    "      --tags[=GLOB]        list the repository's tags, those that match\n"
    "      --referrers[=TYPE]   list what hangs on it (signatures, SBOMs), of that artifactType\n"
    "      --soci               list the tables of contents that its SOCI index has\n"
    "      --digest             print the digest that the name leads to\n"
    "      --index              print what the name leads to, as it is\n"
    "      --manifest           print the image's manifest, as it is\n"
    "      --config             print the image's config, as it is\n"
    "      --settings           list what the config sets: user, env, entry point, labels\n"
    LP_NETOPT_STORE_HELP LP_NETOPT_HELP LP_OPT_HELP;

/* --platforms and its like are numbered by what they ask for */
enum { OPT_WHAT = LP_OPT_OWN, OPT_WHAT_LAST = OPT_WHAT + LP_LAYERS_SETTINGS };

struct args {
	struct lp_layers layers;
	struct lp_reference ref;
	struct lp_netopt net;
	const char *columns; /* of -o, or NULL */
};

/* What must be released whatever happens. */
struct work {
	struct args args;
	struct lp_env env;
	struct lp_image image;
	struct lp_archive archive;
};

/* ---- the command line -------------------------------------------------------------- */

/* skopeo and others know more places for images, which a pipe brings. */
static const struct {
	const char *name, *pipe;
} elsewhere[] = {
	{ "docker-daemon", "docker save IMAGE | lp-peek docker-archive:-" },
	{ "containers-storage", "podman save IMAGE | lp-peek docker-archive:-" },
	{ "ostree", "skopeo copy ostree:IMAGE oci-archive:/dev/stdout | lp-peek oci-archive:-" },
	{ "sif", "skopeo copy sif:FILE oci-archive:FILE.tar; lp-peek oci-archive:FILE.tar" },
};

/* The pipe, or NULL. What has digits and a slash behind its colon is a host and its port. */
static const char *
pipe_of(const char *text)
{
	size_t n = strcspn(text, ":"), port = text[n] != '\0' ? strspn(text + n + 1, "0123456789") : 0;

	if (text[n] == '\0' || (port > 0 && text[n + 1 + port] == '/'))
		return NULL;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strlen(elsewhere[i].name) == n && memcmp(text, elsewhere[i].name, n) == 0)
			return elsewhere[i].pipe;
	return NULL;
}

/* What an answer has no use for is refused, not ignored. */
static int
check(const struct args *a)
{
	const struct lp_layers *l = &a->layers;
	int rows = l->what == LP_LAYERS_ROWS, chosen = rows || l->what == LP_LAYERS_PLATFORMS || l->what == LP_LAYERS_REFERRERS;
	int table = chosen || l->what == LP_LAYERS_SETTINGS;

	if (a->columns != NULL && l->fmt.json)
		return lp_opt_refuse("-o chooses columns of TSV: not with -j");
	if (l->header && l->fmt.json)
		return lp_opt_refuse("-H names columns of TSV: not with -j");
	if (l->header && !table)
		return lp_opt_refuse("-H is about rows, of layers, platforms, referrers or settings");
	if (l->fmt.json && !table && l->what != LP_LAYERS_DIGEST && l->what != LP_LAYERS_TAGS && l->what != LP_LAYERS_SOCI)
		return lp_opt_refuse("-j is about rows, tags and the digest: documents are JSON as they are");
	if (a->columns != NULL && !chosen)
		return lp_opt_refuse("-o is about rows, of layers, platforms or referrers");
	if (l->end && !rows)
		return lp_opt_refuse("-E is about rows, of layers");
	return LP_EXIT_OK;
}

/* 0, or 2 after a message. */
static int
choose(struct lp_layers *l, enum lp_layers_what what)
{
	if (l->what != LP_LAYERS_ROWS && l->what != what)
		return lp_opt_refuse("only one of --config, --digest, --index, --manifest, --platforms, --referrers, --settings, --soci and --tags");
	l->what = what;
	return LP_EXIT_OK;
}

/* Layers, platforms and referrers have columns of their own, and which of them these are of may be said behind them. */
static int
columns(struct lp_layers *l, const char *list)
{
	struct lp_span bad;

	lp_layerfmt_init(&l->fmt, l->what == LP_LAYERS_PLATFORMS ? LP_ROWS_PLATFORMS :
	    l->what == LP_LAYERS_REFERRERS ? LP_ROWS_REFERRERS : LP_ROWS_LAYERS);
	if (list != NULL && lp_layerfmt_columns(&l->fmt, lp_span_str(list), &bad) != LP_OK)
		return lp_opt_refuse("no column of the name '%s', or twice", lp_quote(bad));
	return LP_EXIT_OK;
}

static int
one_option(struct args *a, struct lp_opt *opt, int c)
{
	struct lp_layers *l = &a->layers;

	switch (c) {
	case 'p':
		l->chosen = 1;
		if (lp_platform_parse(lp_span_str(optarg), &l->want) != LP_OK)
			return lp_opt_refuse("not a platform (OS[(VERSION)]/ARCH[/VARIANT]): %s", lp_quotes(optarg));
		return LP_EXIT_OK;
	case 'j':
		l->fmt.json = 1;
		return LP_EXIT_OK;
	case 'o':
		a->columns = optarg;
		return LP_EXIT_OK;
	case 'H':
		l->header = 1;
		return LP_EXIT_OK;
	case 'E':
		l->end = 1;
		return LP_EXIT_OK;
	}
	if (c == OPT_WHAT + LP_LAYERS_TAGS)
		l->tags = optarg;
	if (c == OPT_WHAT + LP_LAYERS_REFERRERS)
		l->type = optarg;
	if (c > OPT_WHAT && c <= OPT_WHAT_LAST)
		return choose(l, (enum lp_layers_what)(c - OPT_WHAT));
	return lp_netopt(&a->net, opt, c, optarg);
}

static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		LP_NETOPT_LONG,
		{ "platform", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "columns", required_argument, NULL, 'o' },
		{ "header", no_argument, NULL, 'H' },
		{ "end", no_argument, NULL, 'E' },
		{ "platforms", no_argument, NULL, OPT_WHAT + LP_LAYERS_PLATFORMS },
		{ "tags", optional_argument, NULL, OPT_WHAT + LP_LAYERS_TAGS },
		{ "referrers", optional_argument, NULL, OPT_WHAT + LP_LAYERS_REFERRERS },
		{ "soci", no_argument, NULL, OPT_WHAT + LP_LAYERS_SOCI },
		{ "digest", no_argument, NULL, OPT_WHAT + LP_LAYERS_DIGEST },
		{ "index", no_argument, NULL, OPT_WHAT + LP_LAYERS_INDEX },
		{ "manifest", no_argument, NULL, OPT_WHAT + LP_LAYERS_MANIFEST },
		{ "config", no_argument, NULL, OPT_WHAT + LP_LAYERS_CONFIG },
		{ "settings", no_argument, NULL, OPT_WHAT + LP_LAYERS_SETTINGS },
		{ NULL, 0, NULL, 0 }
	};
	struct lp_reference_error e;
	const char *pipe;
	char name[512];
	int c, status = LP_EXIT_OK;

	lp_layers_init(&a->layers);
	lp_netopt_init(&a->net);
	while (status == LP_EXIT_OK && (c = lp_opt_next(opt, argc, argv, "p:jo:HE" LP_NETOPT_SHORT LP_OPT_SHORT, options)) != -1)
		status = one_option(a, opt, c);
	if (status != LP_EXIT_OK)
		return status;
	if (argc - optind != 1)
		return lp_opt_refuse(argc == optind ? "no image (see lp-layers --help)" : "more than one image");
	status = lp_netopt_check(&a->net);
	if (status == LP_EXIT_OK)
		status = check(a);
	if (status == LP_EXIT_OK)
		status = columns(&a->layers, a->columns);
	if (status != LP_EXIT_OK)
		return status;
	a->layers.text = argv[optind];
	pipe = pipe_of(a->layers.text);
	if (pipe != NULL)
		return lp_opt_refuse("%s: not looked into from here; its image comes through a pipe: %s", lp_quotes(a->layers.text), pipe);
	if (lp_reference_image(lp_span_str(argv[optind]), &a->ref, &e) != LP_OK) {
		lp_reference_show(argv[optind], name, sizeof(name));
		return lp_opt_refuse("%s: character %zu: %s", name, e.offset + 1, e.why);
	}
	if (a->net.offline && a->ref.kind == LP_REF_REGISTRY && a->net.store == NULL)
		return lp_opt_refuse("offline without a store: name one with -S");
	return LP_EXIT_OK;
}

/* ---- from start to end ---------------------------------------------------------------------- */

/* What came of the archive, said. */
static int
archive_said(const struct work *w, int rc)
{
	if (rc != LP_OK)
		lp_err("%s: %s", lp_quotes(w->args.layers.text), w->archive.why);
	return rc;
}

/*
 * An archive of docker save that is an OCI layout as well knows more there:
 * manifest.json is of one platform, and has no digests. There a name is
 * containerd's, complete.
 */
static int
as_layout(struct work *w)
{
	const struct lp_layers *l = &w->args.layers;
	struct lp_reference *ref = &w->args.ref;
	static struct lp_reference named;
	struct lp_reference_error e;
	struct lp_buf text;
	int rc = LP_OK;

	if (ref->name[0] == '@' || !(l->chosen || l->what == LP_LAYERS_PLATFORMS || l->what == LP_LAYERS_DIGEST ||
	    l->what == LP_LAYERS_MANIFEST) || !lp_archive_is_layout(&w->archive))
		return LP_OK;
	ref->kind = LP_REF_OCI_ARCHIVE;
	if (ref->name[0] == '\0' || lp_reference_image(lp_span_str(ref->name), &named, &e) != LP_OK)
		return LP_OK;
	lp_buf_init(&text, LP_REF_NAME_MAX);
	rc = lp_reference_put(&named, &text);
	if (rc == LP_OK)
		snprintf(ref->name, sizeof(ref->name), "%.*s", (int)text.n, (const char *)text.p);
	lp_buf_release(&text);
	return rc == LP_E_NOMEM ? rc : LP_OK;
}

static int
of_archive(struct work *w)
{
	struct lp_reference *ref = &w->args.ref;
	int rc = archive_said(w, lp_archive_open(&w->archive, ref->path));

	rc = rc != LP_OK ? rc : lp_lock(LP_DUTY_FILTER);
	rc = rc != LP_OK ? rc : archive_said(w, lp_archive_scan(&w->archive));
	if (rc == LP_OK && ref->kind == LP_REF_ARCHIVE)
		rc = as_layout(w);
	if (rc != LP_OK || ref->kind == LP_REF_ARCHIVE)
		return rc != LP_OK ? rc : lp_layers_archive(&w->args.layers, &w->archive, ref);
	rc = lp_image_open(&w->image, &w->env, ref);
	w->image.archive = &w->archive;
	return rc != LP_OK ? rc : lp_layers_image(&w->args.layers, &w->image);
}

/* What the lock forbids later. */
static int
open_image(struct work *w)
{
	const struct args *a = &w->args;
	int rc = lp_env_complete(&w->args.ref, lp_quotes_kept(a->layers.text));

	if (rc == LP_OK && a->ref.kind == LP_REF_REGISTRY) {
		rc = lp_env_open_store(&w->env, a->net.store);
		rc = rc != LP_OK ? rc : lp_env_open_network(&w->env, &a->net);
		rc = rc != LP_OK ? rc : lp_env_login(&w->env, &a->ref, lp_quotes(a->layers.text));
		if (w->env.http != NULL)
			lp_http_watch(w->env.http, STDOUT_FILENO);
	}
	if (rc != LP_OK)
		return rc;
	rc = lp_image_open(&w->image, &w->env, &a->ref);
	if (rc != LP_OK)
		lp_err("%s: %s", lp_quotes(a->layers.text), w->image.why);
	return rc;
}

static int
of_image(struct work *w)
{
	struct args *a = &w->args;
	int rc = open_image(w);

	rc = rc != LP_OK ? rc : lp_env_lock(&w->env, a->net.store, a->ref.kind == LP_REF_OCI || a->ref.kind == LP_REF_DIR ? a->ref.path : NULL);
	if (rc == LP_OK && a->layers.what == LP_LAYERS_TAGS)
		return lp_layers_tags(&a->layers, &w->env, &a->ref);
	return rc != LP_OK ? rc : lp_layers_image(&a->layers, &w->image);
}

static int
is_document(const struct lp_layers *l)
{
	return l->what == LP_LAYERS_INDEX || l->what == LP_LAYERS_MANIFEST || l->what == LP_LAYERS_CONFIG;
}

static int
work(struct work *w)
{
	const struct lp_layers *l = &w->args.layers;
	enum lp_reference_kind kind = w->args.ref.kind;
	int rc;

	w->env.offline = w->args.net.offline;
	rc = kind == LP_REF_ARCHIVE || kind == LP_REF_OCI_ARCHIVE ? of_archive(w) : of_image(w);
	if (rc == LP_OK)
		rc = lp_put_lines(lp_buf_span(&l->out), l->fmt.json || is_document(l));
	return lp_exit_of(rc);
}

static void
fill_stats(const struct work *w, struct lp_stats *stats)
{
	const struct lp_layers *l = &w->args.layers;

	lp_env_stats(&w->env, stats);
	stats->source = l->text;
	stats->digest = l->digest[0] != '\0' ? l->digest : NULL;
	stats->entries_found = l->entries;
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	static struct work w;
	struct lp_stats stats;
	int status;

	lp_opt_start(argv, "lp-layers");
	status = parse_args(argc, argv, &w.args, &opt);
	if (status == LP_EXIT_OK)
		status = lp_start(&stats, opt.stats);
	if (status != LP_EXIT_OK)
		return status;
	status = work(&w);
	fill_stats(&w, &stats);
	status = lp_finish(&stats, status);
	lp_image_release(&w.image);
	lp_archive_release(&w.archive);
	lp_layers_release(&w.args.layers);
	lp_env_close(&w.env);
	return status;
}
