/* lp-toc: the table of contents of an indexed layer in, the layer's rows out. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/toc/tocsoci.h"
#include "cmd/toc/tocverify.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/cli/listing.h"
#include "common/cli/stats.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/toc/footer.h"
#include "common/toc/tocread.h"

static const char usage[] =
    "usage: lp-toc [-0CEHhijlqVv] [-m GLOB] [-n COUNT] [-o COLUMNS] [--digest=DIGEST]\n"
    "              [--size=BYTES] [--soci] [--stats=FILE] [FILE]\n"
    "       lp-toc --locate [-hqVv] [-a KEY=VALUE] [--annotations=JSON] [--size=BYTES]\n"
    "              [--stats=FILE] [FILE]\n"
    "       lp-toc --points [-hqVv] [--digest=DIGEST] [--size=BYTES] [--soci] [--stats=FILE]\n"
    "              [FILE]\n"
    "       lp-toc --verify=TOCFILE [-hqVv] [--digest=DIGEST] [--stats=FILE] [FILE]\n";

static const char help[] =
    "List a layer from its table of contents, find that, or hold it against the layer.\n"
    "\n" LP_LISTING_HELP
    "      --digest=DIGEST      refuse a table of contents of another digest\n"
    "      --soci               the table is SOCI's, which stands beside its layer\n"
    "      --points             write its checkpoints, as lp-inflate --use-points takes them\n"
    "      --locate             read a blob's last bytes: print where the table is\n"
    "  -a, --annotation=KEY=VALUE  one annotation of the layer (may be repeated)\n"
    "      --annotations=JSON   all of them, as a manifest has them\n"
    "      --size=BYTES         how long the layer's whole blob is\n"
    "      --verify=TOCFILE     read the layer's tar: print where TOCFILE differs\n" LP_OPT_HELP;

enum { OPT_DIGEST = LP_OPT_OWN, OPT_LOCATE, OPT_ANNOTATIONS, OPT_SIZE, OPT_SOCI, OPT_POINTS, OPT_VERIFY };
enum { MAX_ANNOTATIONS = 64 };

struct args {
	struct lp_listing listing;
	const char *digest;
	int locate;
	const char *annotation[MAX_ANNOTATIONS];
	size_t nannotations;
	const char *annotations;
	uint64_t size; /* UINT64_MAX: not told */
	int soci, points;
	const char *verify;
	const char *file;
};

/* Which words go together. 0, or 2 after a message. */
static int
check_args(const struct args *a)
{
	if (a->locate && a->verify != NULL)
		return lp_opt_refuse("--locate and --verify are two different things");
	if ((a->locate || a->verify != NULL || a->points) && a->listing.given)
		return lp_opt_refuse("%s prints no rows: no options about rows", a->locate ? "--locate" :
		    a->points ? "--points" : "--verify");
	if (a->locate && a->digest != NULL)
		return lp_opt_refuse("--locate reads no table of contents: not with --digest");
	if (a->locate && a->nannotations == 0 && a->annotations == NULL && a->size == UINT64_MAX)
		return lp_opt_refuse("--locate needs --size, or annotations that tell the place");
	if (!a->locate && (a->nannotations > 0 || a->annotations != NULL))
		return lp_opt_refuse("-a and --annotations belong to --locate");
	if (a->soci && (a->locate || a->verify != NULL))
		return lp_opt_refuse("--soci lists: not with %s", a->locate ? "--locate" : "--verify");
	if (a->points && !a->soci)
		return lp_opt_refuse("--points: only SOCI's tables have any (--soci)");
	if (a->size != UINT64_MAX && !a->locate && !a->soci)
		return lp_opt_refuse("--size belongs to --locate and --soci");
	if (a->digest != NULL && !lp_digest_is_sha256(lp_span_str(a->digest)))
		return lp_opt_refuse("not a sha256 digest: '%s'", lp_quotes(a->digest));
	return a->points ? lp_opt_binary() : lp_listing_check(&a->listing);
}

static int
add_annotation(struct args *a, const char *s)
{
	if (strchr(s, '=') == NULL)
		return lp_opt_refuse("not KEY=VALUE: '%s'", lp_quotes(s));
	if (a->nannotations == MAX_ANNOTATIONS)
		return lp_opt_refuse("more than %d times -a", MAX_ANNOTATIONS);
	a->annotation[a->nannotations++] = s;
	return LP_EXIT_OK;
}

/* 0, or 2 after a message. */
static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		LP_LISTING_LONG,
		{ "annotation", required_argument, NULL, 'a' },
		{ "annotations", required_argument, NULL, OPT_ANNOTATIONS },
		{ "digest", required_argument, NULL, OPT_DIGEST },
		{ "locate", no_argument, NULL, OPT_LOCATE },
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "soci", no_argument, NULL, OPT_SOCI },
		{ "points", no_argument, NULL, OPT_POINTS },
		{ "verify", required_argument, NULL, OPT_VERIFY },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = lp_opt_next(opt, argc, argv, "a:" LP_LISTING_SHORT LP_OPT_SHORT, options)) != -1) {
		switch (c) {
		case 'a':
			if (add_annotation(a, optarg) != LP_EXIT_OK)
				return LP_EXIT_USAGE;
			break;
		case OPT_ANNOTATIONS: a->annotations = optarg; break;
		case OPT_DIGEST: a->digest = optarg; break;
		case OPT_LOCATE: a->locate = 1; break;
		case OPT_SOCI: a->soci = 1; break;
		case OPT_POINTS: a->points = 1; break;
		case OPT_VERIFY: a->verify = optarg; break;
		case OPT_SIZE:
			if (lp_opt_bytes(optarg, UINT64_MAX, &a->size) != LP_EXIT_OK)
				return LP_EXIT_USAGE;
			break;
		default:
			if (lp_listing_option(&a->listing, opt, c) != LP_EXIT_OK)
				return LP_EXIT_USAGE;
		}
	}
	if (argc - optind > 1)
		return lp_opt_refuse("more than one file");
	if (argc > optind && strcmp(argv[optind], "-") != 0)
		a->file = argv[optind];
	return check_args(a);
}

/* ---- rows ------------------------------------------------------------------- */

static int
end_of_list(struct args *a, struct lp_tocread *r, struct lp_stats *stats, enum lp_toc_event ev)
{
	int cut = ev == LP_TOC_TRUNCATED;
	const struct lp_rowend end = { .complete = ev == LP_TOC_END ? LP_COMPLETE_YES : LP_COMPLETE_NO, .bytes = r->toc.offset };
	int rc = lp_listing_end(&a->listing, &end);

	stats->entries_found = (int64_t)a->listing.entries;
	stats->bytes_decompressed = (int64_t)r->toc.offset;
	stats->partial = ev != LP_TOC_END;
	if (rc != LP_OK || !cut)
		return rc;
	if (a->listing.complete) {
		lp_err("%s: not complete: the table of contents is cut off behind %" PRIu64 " entries", r->name,
		    r->toc.entries);
		return LP_E_ABSENT;
	}
	lp_note("%s: preview: the table of contents is cut off behind %" PRIu64 " entries", r->name, r->toc.entries);
	return LP_OK;
}

/* A row, and the digest of a file's content with it. */
static int
entry(struct args *a, const struct lp_toc *t)
{
	struct lp_entry e = t->entry;

	if (e.type == LP_REG && t->digest.n > 0) {
		e.digest = t->digest;
		e.has |= LP_HAS_DIGEST;
	}
	return lp_listing_entry(&a->listing, &e);
}

static int
list(struct args *a, struct lp_tocread *r, struct lp_stats *stats)
{
	enum lp_toc_event ev = LP_TOC_MORE;
	int rc = lp_listing_begin(&a->listing), end;

	while (rc == LP_OK) {
		if (lp_tocread_waits(r) && (rc = lp_listing_flush(&a->listing)) != LP_OK)
			break;
		ev = lp_tocread_next(r);
		if (ev == LP_TOC_ENTRY)
			rc = entry(a, &r->toc);
		else if (ev != LP_TOC_CHUNK)
			break;
	}
	if (rc < 0)
		return rc;
	end = end_of_list(a, r, stats, ev);
	return ev == LP_TOC_ERROR ? r->toc.status : end;
}

static int
run_list(struct args *a, struct lp_stats *stats)
{
	struct lp_tocread r;
	const char *name;
	int fd = lp_operand_open(a->file, &name), rc;

	if (fd < 0)
		return fd;
	rc = lp_tocread_open(&r, fd, name);
	if (rc == LP_OK)
		rc = lp_lock(LP_DUTY_FILTER);
	if (rc == LP_OK && a->digest != NULL)
		rc = lp_tocread_verify(&r, lp_span_str(a->digest));
	else if (rc == LP_OK)
		lp_note("%s: not verified: no digest was given", name);
	if (rc == LP_OK)
		rc = list(a, &r, stats);
	lp_tocread_release(&r);
	return rc;
}

/* ---- where it is -------------------------------------------------------------- */

static int
hear_json(struct lp_footer *f, const char *text)
{
	struct lp_json_error error;
	const char *key;
	json_t *all, *v;
	int rc = lp_json_load(lp_span_str(text), &all, &error);

	if (rc != LP_OK || !json_is_object(all)) {
		lp_err("annotations: %s", rc != LP_OK ? error.why : "not an object");
		json_decref(all);
		return rc != LP_OK ? rc : LP_E_DATA;
	}
	json_object_foreach(all, key, v) {
		if (rc == LP_OK)
			rc = lp_footer_annotation(f, lp_span_str(key), lp_json_get_string(all, key));
		(void)v;
	}
	json_decref(all);
	if (rc != LP_OK)
		lp_err("annotations: %s", f->why);
	return rc;
}

static int
hear_annotations(struct lp_footer *f, const struct args *a)
{
	int rc = LP_OK;

	for (size_t i = 0; i < a->nannotations && rc == LP_OK; i++) {
		const char *s = a->annotation[i], *eq = strchr(s, '=');

		rc = lp_footer_annotation(f, lp_span(s, (size_t)(eq - s)), lp_span_str(eq + 1));
		if (rc != LP_OK)
			lp_err("%s: %s", lp_quotes(s), f->why);
	}
	if (rc == LP_OK && a->annotations != NULL)
		rc = hear_json(f, a->annotations);
	if (rc == LP_OK && f->length > 0 && a->size != UINT64_MAX && (rc = lp_footer_fits(f, a->size)) != LP_OK)
		lp_err("%s", f->why);
	return rc;
}

/* The last LP_FOOTER_MAX bytes of what the descriptor holds; a pipe may bring more than that. */
static int
read_tail(int fd, const char *name, struct lp_footer *f, uint64_t size)
{
	unsigned char tail[LP_FOOTER_MAX + 4096];
	size_t n = 0;
	ptrdiff_t k;
	int rc;

	while ((k = lp_read(fd, tail + n, sizeof(tail) - n)) > 0) {
		n += (size_t)k;
		if (n == sizeof(tail)) {
			memmove(tail, tail + n - LP_FOOTER_MAX, LP_FOOTER_MAX);
			n = LP_FOOTER_MAX;
		}
	}
	if (k < 0) {
		lp_err_errno("%s", name);
		return LP_E_SYS;
	}
	rc = lp_footer_tail(f, lp_span(tail, n), size);
	if (rc != LP_OK)
		lp_err("%s: %s", name, f->why);
	return rc;
}

static int
print_place(const struct lp_footer *f)
{
	const char *digest = f->digest[0] != '\0' ? f->digest : f->json_digest[0] != '\0' ? f->json_digest : "-";
	char line[256];
	int n = snprintf(line, sizeof(line), "%" PRIu64 "-%" PRIu64 "\t%s\t%s\n", f->offset, f->offset + f->length - 1,
	    lp_toc_format_name(f->format), digest);

	return lp_put(lp_span(line, (size_t)n));
}

static int
run_locate(const struct args *a)
{
	struct lp_footer f;
	const char *name;
	int fd = lp_operand_open(a->file, &name), rc;

	if (fd < 0)
		return fd;
	rc = lp_lock(LP_DUTY_FILTER);
	lp_footer_init(&f);
	if (rc == LP_OK)
		rc = hear_annotations(&f, a);
	if (rc != LP_OK)
		return rc;
	if (f.length == 0 && a->size == UINT64_MAX) {
		lp_opt_refuse("the footer must be read, and means nothing without --size");
		return LP_E_USAGE;
	}
	if (f.length == 0)
		rc = read_tail(fd, name, &f, a->size);
	return rc == LP_OK ? print_place(&f) : rc;
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help, .many = { 'm', 'a' } };
	struct args args = { .size = UINT64_MAX };
	struct lp_stats stats;
	int rc;

	lp_opt_start(argv, "lp-toc");
	lp_listing_init(&args.listing);
	if (parse_args(argc, argv, &args, &opt) != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	rc = lp_start(&stats, opt.stats);
	if (rc != LP_EXIT_OK)
		return rc;
	stats.digest = args.digest;
	if (args.locate)
		rc = run_locate(&args);
	else if (args.soci)
		rc = lp_tocsoci(&args.listing, args.points ? LP_TOCSOCI_POINTS : LP_TOCSOCI_ROWS, args.file, args.digest, args.size, &stats);
	else if (args.verify != NULL)
		rc = lp_tocverify(args.verify, args.digest, args.file, &stats);
	else
		rc = run_list(&args, &stats);
	lp_listing_release(&args.listing);
	return lp_finish(&stats, lp_exit_of(rc));
}
