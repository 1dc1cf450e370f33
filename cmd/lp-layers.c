/* lp-layers: an image's name in, one row per layer out. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/format/json.h"
#include "common/format/layerrow.h"
#include "common/format/platform.h"
#include "common/format/reference.h"
#include "common/sys/archive.h"
#include "common/sys/env.h"
#include "common/sys/err.h"
#include "common/sys/image.h"
#include "common/sys/io.h"
#include "common/sys/netopt.h"
#include "common/sys/opt.h"
#include "common/sys/sandbox.h"
#include "common/sys/stats.h"

static const char usage[] =
    "usage: lp-layers [-EHOhjqv] [-V] [-o COLUMNS] [-p OS/ARCH[/VARIANT]] [-S STORE]\n"
    "                 [--config | --digest | --index | --manifest | --platforms | --tags]\n"
    "                 [--auth-file=FILE] [--cacert=FILE] [--connect-timeout=N] [--insecure]\n"
    "                 [--password-file=FILE] [--plain-http] [--retries=N] [--stall-timeout=N]\n"
    "                 [--stats=FILE] [--user=NAME] IMAGE\n";

static const char help[] =
    "List the layers of an image, base first. IMAGE is a registry's reference,\n"
    "oci:DIR[:NAME], or docker-archive:FILE[:NAME].\n"
    "\n"
    "  -p, --platform=PLATFORM  the image for OS/ARCH[/VARIANT], not for this machine\n"
    "  -j, --json               NDJSON: one object a line, all that is known\n"
    "  -o, --columns=LIST       which columns, comma-separated\n"
    "  -H, --header             the columns' names first\n"
    "  -E, --end                an end record last: what the image is\n"
    "      --platforms          list the platforms that there are\n"
    "      --tags               list the repository's tags\n"
    "      --digest             print the digest that the name leads to\n"
    "      --index              print what the name leads to, as it is\n"
    "      --manifest           print the image's manifest, as it is\n"
    "      --config             print the image's config, as it is\n"
    LP_NETOPT_STORE_HELP LP_NETOPT_HELP LP_OPT_HELP;

enum { OPT_PLATFORMS = LP_OPT_OWN, OPT_DIGEST, OPT_INDEX, OPT_MANIFEST, OPT_CONFIG, OPT_TAGS };

enum { OUT_MAX = 64 * 1024 * 1024 }; /* bytes of all rows: a manifest's worth, escaped */

struct args {
	int what; /* 0 for layers, or one of OPT_* */
	const char *platform; /* as given, or NULL */
	struct lp_platform want;
	struct lp_layerfmt fmt;
	int header;
	int end;
	const char *text; /* IMAGE */
	struct lp_reference ref;
	struct lp_netopt net;
};

/* What must be released whatever happens. */
struct work {
	const struct args *args;
	struct lp_env env;
	struct lp_image image;
	struct lp_archive archive;
	struct lp_buf out;
	char digest[LP_DIGEST_SIZE]; /* of the image, for the statistics */
	int64_t entries;
};

/* ---- the command line -------------------------------------------------------------- */

/* 0, or 2 after a message. */
static int
choose(struct args *a, int what, const struct lp_opt *opt)
{
	if (a->what != 0 && a->what != what)
		return lp_opt_refuse(opt, "only one of --config, --digest, --index, --manifest, --platforms and --tags");
	a->what = what;
	return LP_EXIT_OK;
}

static int
columns(struct args *a, const char *list, const struct lp_opt *opt)
{
	struct lp_span bad;

	if (lp_layerfmt_columns(&a->fmt, lp_span_str(list), &bad) != LP_OK)
		return lp_opt_refuse(opt, "no column of the name '%s', or twice", lp_quote(bad));
	return LP_EXIT_OK;
}

static int
one_option(struct args *a, struct lp_opt *opt, int c)
{
	switch (c) {
	case 'p':
		a->platform = optarg;
		if (lp_platform_parse(lp_span_str(optarg), &a->want) != LP_OK)
			return lp_opt_refuse(opt, "not a platform (OS/ARCH[/VARIANT]): %s", lp_quotes(optarg));
		return LP_EXIT_OK;
	case 'j':
		a->fmt.json = 1;
		return LP_EXIT_OK;
	case 'o':
		return columns(a, optarg, opt);
	case 'H':
		a->header = 1;
		return LP_EXIT_OK;
	case 'E':
		a->end = 1;
		return LP_EXIT_OK;
	case OPT_PLATFORMS:
	case OPT_DIGEST:
	case OPT_INDEX:
	case OPT_MANIFEST:
	case OPT_CONFIG:
	case OPT_TAGS:
		return choose(a, c, opt);
	default:
		return lp_netopt(&a->net, opt, c, optarg);
	}
}

static void
defaults(struct args *a)
{
	struct utsname u;

	memset(a, 0, sizeof(*a));
	lp_layerfmt_init(&a->fmt);
	lp_netopt_init(&a->net);
	if (uname(&u) != 0 || lp_platform_machine(u.machine, &a->want) != LP_OK)
		(void)lp_platform_machine("amd64", &a->want);
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
		{ "platforms", no_argument, NULL, OPT_PLATFORMS },
		{ "tags", no_argument, NULL, OPT_TAGS },
		{ "digest", no_argument, NULL, OPT_DIGEST },
		{ "index", no_argument, NULL, OPT_INDEX },
		{ "manifest", no_argument, NULL, OPT_MANIFEST },
		{ "config", no_argument, NULL, OPT_CONFIG },
		{ NULL, 0, NULL, 0 }
	};
	struct lp_reference_error e;
	int c, status = LP_EXIT_OK;

	defaults(a);
	while (status == LP_EXIT_OK && (c = getopt_long(argc, argv, "p:jo:HE" LP_NETOPT_SHORT LP_OPT_SHORT, options, NULL)) != -1)
		status = one_option(a, opt, c);
	if (status != LP_EXIT_OK)
		return status;
	if (argc - optind != 1)
		return lp_opt_refuse(opt, argc == optind ? "no image" : "more than one image");
	status = lp_netopt_check(&a->net, opt);
	if (status != LP_EXIT_OK)
		return status;
	a->text = argv[optind];
	if (lp_reference_image(lp_span_str(a->text), &a->ref, &e) != LP_OK)
		return lp_opt_refuse(opt, "%s: character %zu: %s", lp_quotes(a->text), e.offset + 1, e.why);
	if (a->net.offline && a->ref.kind == LP_REF_REGISTRY && a->net.store == NULL)
		return lp_opt_refuse(opt, "offline without a store: name one with -S");
	return LP_EXIT_OK;
}

/* A failure of the image's: say it with its name. */
static int
say(const struct work *w, int rc)
{
	if (rc != LP_OK && rc != LP_E_PIPE)
		lp_err("%s: %s", lp_quotes(w->args->text), w->image.why);
	return rc;
}

/* ---- what was asked for ------------------------------------------------------------------ */

static int
add_out(struct work *w, struct lp_span bytes)
{
	int rc = lp_buf_add(&w->out, bytes);

	if (rc != LP_OK)
		lp_err("%s: more than %d MiB of output", lp_quotes(w->args->text), OUT_MAX >> 20);
	return rc;
}

static int
print_digest(struct work *w)
{
	struct lp_image *im = &w->image;
	int rc;

	if (w->args->platform == NULL) {
		rc = say(w, lp_image_digest(im, w->digest));
	} else {
		rc = lp_image_load(im);
		rc = say(w, rc != LP_OK ? rc : lp_image_choose(im, &w->args->want));
		if (rc == LP_OK)
			memcpy(w->digest, im->image->digest, sizeof(w->digest));
	}
	rc = rc != LP_OK ? rc : add_out(w, lp_span_str(w->digest));
	return rc != LP_OK ? rc : add_out(w, lp_span_str("\n"));
}

static int
each_platform(void *arg, const struct lp_descriptor *d)
{
	struct work *w = arg;

	w->entries++;
	return lp_platform_write(&w->args->fmt, d, &w->out) == LP_OK ? LP_OK : LP_E_NOMEM;
}

static int
print_platforms(struct work *w)
{
	int rc = say(w, lp_image_load(&w->image));

	if (rc == LP_OK && w->args->header)
		rc = lp_platform_header(&w->args->fmt, &w->out);
	return rc != LP_OK ? rc : say(w, lp_image_platforms(&w->image, each_platform, w));
}

/* A tag from a stranger, as any field of a row. */
static int
add_tag(struct work *w, const json_t *tag)
{
	int rc = LP_OK;

	if (json_is_string(tag))
		rc = lp_escape(&w->out, lp_span(json_string_value(tag), json_string_length(tag)), LP_ESCAPE_ROW);
	w->entries++;
	return rc != LP_OK ? rc : add_out(w, lp_span_str("\n"));
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"): its first page, which most registries make the only one. */
static int
print_tags(struct work *w)
{
	const char *name = lp_quotes_kept(w->args->text);
	struct lp_http_response answer;
	struct lp_json_error error;
	json_t *json = NULL, *tag;
	size_t i;
	int rc;

	if (w->env.registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", name);
		return LP_E_ABSENT;
	}
	lp_http_response_init(&answer);
	rc = lp_registry_get(w->env.registry, &w->args->ref, "GET", "tags", "list", NULL, LP_MAX_MANIFEST, &answer);
	if (rc != LP_OK)
		lp_err("%s: %s: %s", name, answer.where, answer.why);
	else if ((rc = lp_json_load(lp_buf_span(&answer.body), &json, &error)) != LP_OK)
		lp_err("%s: its list of tags: byte %zu: %s", name, error.offset, error.why);
	json_array_foreach(json_object_get(json, "tags"), i, tag) {
		if (rc == LP_OK)
			rc = add_tag(w, tag);
	}
	json_decref(json);
	lp_http_response_release(&answer);
	return rc;
}

static int
print_config(struct work *w)
{
	struct lp_image *im = &w->image;
	int rc = say(w, lp_image_load_config(im));

	if (rc != LP_OK)
		return rc;
	if (im->config.root == NULL) {
		lp_err("%s: %s has no image config", lp_quotes(w->args->text),
		    im->image->m.kind == LP_MANIFEST_SCHEMA1 ? "a manifest of schema 1" : "an artifact that is no image");
		return LP_E_ABSENT;
	}
	return add_out(w, lp_buf_span(&im->config_bytes));
}

/* The reference of a layer: that of its image, with its own digest. */
static int
layer_source(const struct lp_reference *image, struct lp_span digest, struct lp_buf *b)
{
	struct lp_reference ref = *image;

	ref.name[0] = '\0';
	snprintf(ref.digest, sizeof(ref.digest), "%.*s", (int)digest.n, (const char *)digest.p);
	lp_buf_clear(b);
	return lp_reference_put(&ref, b);
}

static void
fill_layer(const struct lp_image *im, size_t i, struct lp_layer *l)
{
	const struct lp_descriptor *d = &im->image->m.v[i];

	*l = (struct lp_layer){ .digest = d->digest, .mediatype = d->mediatype, .created_by = d->created_by,
		.annotations = d->annotations, .urls = d->urls, .size = d->size, .has_size = d->has_size, .index = i };
	if (im->config.root != NULL) {
		l->created_by = im->config.v[i].created_by;
		l->diff_id = im->config.v[i].diff_id;
	}
}

/* An image without an index is the answer for every platform: not silently, if one was asked for. */
static void
other_platform(const struct work *w, const char *name)
{
	const struct lp_image *im = &w->image;
	const struct lp_platform *is = im->config.has_platform ? &im->config.platform : &im->image->m.platform;
	struct lp_buf text;

	if (w->args->platform == NULL || im->image != &im->top || (!im->config.has_platform && !im->image->m.has_platform) ||
	    lp_platform_rank(&w->args->want, is) >= 0)
		return;
	lp_buf_init(&text, 256);
	if (lp_platform_put(is, &text) == LP_OK)
		lp_note("%s: the only image there is is for %s", name, lp_quote(lp_buf_span(&text)));
	lp_buf_release(&text);
}

/* What a user should know about an image whose rows say less than usual. */
static void
notes(const struct work *w)
{
	const struct lp_image *im = &w->image;
	const char *name = lp_quotes_kept(w->args->text);

	other_platform(w, name);
	if (im->image->m.artifact_type.n > 0)
		lp_note("%s: not an image but an artifact of type %s; its blobs are listed", name,
		    lp_quote(im->image->m.artifact_type));
	if (im->config.root == NULL)
		return;
	if (!im->config.has_history)
		lp_note("%s: the config's history is not of as many layers: created_by is unknown", name);
	if (!im->config.has_diff_ids)
		lp_note("%s: the config's diff_ids are not of as many layers: diff_id is unknown", name);
}

static int
write_end(struct work *w)
{
	const struct lp_image *im = &w->image;
	const struct lp_layerend end = {
		.digest = im->top.digest,
		.manifest = im->image->digest,
		.platform = im->config.has_platform ? &im->config.platform :
		    im->image->m.has_platform ? &im->image->m.platform : NULL,
		.layers = im->image->m.n
	};

	return lp_layer_end(&w->args->fmt, &end, &w->out);
}

static int
print_layers(struct work *w)
{
	const struct lp_image *im = &w->image;
	struct lp_buf source;
	int rc = say(w, lp_image_load_config(&w->image));

	if (rc != LP_OK)
		return rc;
	notes(w);
	lp_buf_init(&source, LP_REF_TEXT_MAX);
	if (w->args->header)
		rc = lp_layer_header(&w->args->fmt, &w->out);
	for (size_t i = 0; i < im->image->m.n && rc == LP_OK; i++) {
		struct lp_layer l;

		fill_layer(im, i, &l);
		rc = layer_source(&im->ref, l.digest, &source);
		l.source = lp_buf_span(&source);
		rc = rc != LP_OK ? rc : lp_layer_write(&w->args->fmt, &l, &w->out);
		w->entries++;
	}
	if (rc == LP_OK && w->args->end)
		rc = write_end(w);
	if (rc != LP_OK)
		lp_err("%s: more rows than memory or %d MiB hold", lp_quotes(w->args->text), OUT_MAX >> 20);
	lp_buf_release(&source);
	return rc;
}

static int
print_image(struct work *w)
{
	struct lp_image *im = &w->image;
	int rc;

	if (w->args->what == OPT_DIGEST)
		return print_digest(w);
	if (w->args->what == OPT_PLATFORMS)
		return print_platforms(w);
	if (w->args->what == OPT_TAGS)
		return print_tags(w);
	rc = say(w, lp_image_load(im));
	if (rc == LP_OK && im->note[0] != '\0')
		lp_note("%s: %s", lp_quotes(w->args->text), im->note);
	if (rc != LP_OK || w->args->what == OPT_INDEX) {
		memcpy(w->digest, im->top.digest, sizeof(w->digest));
		return rc != LP_OK ? rc : add_out(w, lp_buf_span(&im->top.bytes));
	}
	rc = say(w, lp_image_choose(im, &w->args->want));
	if (rc != LP_OK)
		return rc;
	memcpy(w->digest, im->image->digest, sizeof(w->digest));
	if (w->args->what == OPT_MANIFEST)
		return add_out(w, lp_buf_span(&im->image->bytes));
	return w->args->what == OPT_CONFIG ? print_config(w) : print_layers(w);
}

/* ---- docker-archive: ------------------------------------------------------------------------- */

static int
archive_has_none(const struct work *w)
{
	lp_err("%s: an archive of docker save has neither manifest nor digest", lp_quotes(w->args->text));
	return LP_E_ABSENT;
}

static int
print_archive_layers(struct work *w)
{
	const struct lp_archive *a = &w->archive;
	struct lp_reference ref = w->args->ref;
	struct lp_buf source;
	int rc = LP_OK;

	ref.kind = LP_REF_FILE;
	ref.has_range = 1;
	lp_buf_init(&source, LP_REF_TEXT_MAX);
	if (w->args->header)
		rc = lp_layer_header(&w->args->fmt, &w->out);
	for (size_t i = 0; i < a->n && rc == LP_OK; i++) {
		const struct lp_archive_layer *x = &a->layer[i];
		struct lp_layer l = { .mediatype = lp_span_str(x->mediatype), .created_by = x->created_by,
			.diff_id = x->diff_id, .size = x->size, .has_size = 1, .index = i };

		ref.offset = x->offset;
		ref.length = x->size;
		lp_buf_clear(&source);
		rc = lp_reference_put(&ref, &source);
		l.source = lp_buf_span(&source);
		rc = rc != LP_OK ? rc : lp_layer_write(&w->args->fmt, &l, &w->out);
		w->entries++;
	}
	lp_buf_release(&source);
	if (rc == LP_OK && w->args->end)
		rc = lp_layer_end(&w->args->fmt, &(struct lp_layerend){ .digest = "", .manifest = "",
		    .platform = a->config.has_platform ? &a->config.platform : NULL, .layers = a->n }, &w->out);
	if (rc != LP_OK)
		lp_err("%s: more rows than memory or %d MiB hold", lp_quotes(w->args->text), OUT_MAX >> 20);
	return rc;
}

static int
print_archive(struct work *w)
{
	struct lp_archive *a = &w->archive;
	int rc = lp_archive_load(a, w->args->ref.name);

	if (rc != LP_OK) {
		lp_err("%s: %s", lp_quotes(w->args->text), a->why);
		return rc;
	}
	switch (w->args->what) {
	case 0:
		return print_archive_layers(w);
	case OPT_INDEX:
		return add_out(w, lp_buf_span(&a->catalogue));
	case OPT_CONFIG:
		return add_out(w, lp_buf_span(&a->config_bytes));
	default:
		return archive_has_none(w);
	}
}

static int
work_on_archive(struct work *w)
{
	int rc = lp_archive_open(&w->archive, w->args->ref.path);

	if (rc != LP_OK) {
		lp_err("%s: %s", lp_quotes(w->args->text), w->archive.why);
		return rc;
	}
	rc = lp_lock(LP_DUTY_FILTER);
	return rc != LP_OK ? rc : print_archive(w);
}

/* ---- from start to end ---------------------------------------------------------------------- */

static int
work_on_image(struct work *w)
{
	const struct args *a = w->args;
	int oci = a->ref.kind == LP_REF_OCI;
	int rc = oci ? LP_OK : lp_env_open_store(&w->env, a->net.store);

	if (!oci) {
		rc = rc != LP_OK ? rc : lp_env_open_network(&w->env, &a->net);
		rc = rc != LP_OK ? rc : lp_env_login(&w->env, &a->ref, lp_quotes(a->text));
		if (w->env.http != NULL)
			lp_http_watch(w->env.http, STDOUT_FILENO);
	}
	rc = rc != LP_OK ? rc : say(w, lp_image_open(&w->image, &w->env, &a->ref));
	rc = rc != LP_OK ? rc : lp_env_lock(&w->env, a->net.store, oci ? a->ref.path : NULL);
	return rc != LP_OK ? rc : print_image(w);
}

static int
work(const struct args *a, struct lp_stats *stats)
{
	static struct work w;
	int rc;

	w.args = a;
	w.env.offline = a->net.offline;
	lp_buf_init(&w.out, OUT_MAX);
	rc = a->ref.kind == LP_REF_ARCHIVE ? work_on_archive(&w) : work_on_image(&w);
	if (rc == LP_OK) {
		rc = lp_write_all(STDOUT_FILENO, lp_buf_span(&w.out));
		if (rc == LP_E_SYS)
			lp_err_errno("<stdout>");
	}
	lp_env_stats(&w.env, stats);
	stats->source = a->text;
	stats->digest = w.digest[0] != '\0' ? w.digest : NULL;
	stats->entries_found = w.entries;
	lp_image_release(&w.image);
	lp_archive_release(&w.archive);
	lp_env_close(&w.env);
	lp_buf_release(&w.out);
	return lp_exit_of(rc);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	static struct args args;
	struct lp_stats stats;
	int status;

	lp_opt_start(argv, "lp-layers");
	status = parse_args(argc, argv, &args, &opt);
	if (status == LP_EXIT_OK)
		status = lp_start(&stats, opt.stats);
	if (status != LP_EXIT_OK)
		return status;
	return lp_finish(&stats, work(&args, &stats));
}
