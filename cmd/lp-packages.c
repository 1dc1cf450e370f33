/* lp-packages: a tar with databases of package managers in, a row for each package out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/cache/db.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/pkg/pkgtext.h"
#include "common/pkg/rpmhdr.h"
#include "common/row/record.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/tar/tar.h"

static const char usage[] =
    "usage: lp-packages [-hHjqVv] [--layer=LABEL] [--stats=FILE] [--whole] [FILE]\n";

static const char help[] =
    "List the packages that the databases in a tar say are installed: those of dpkg, apk\n"
    "and rpm, Python's METADATA and PKG-INFO, package.json in node_modules.\n"
    "\n"
    "  -H, --header             the names of the columns first\n"
    "  -j, --json               a JSON object for each package, one a line\n"
    "      --layer=LABEL        what the column layer says\n"
    "      --whole              the input is all there is: its end marker may be missing\n" LP_OPT_HELP;

enum { OPT_LAYER = LP_OPT_OWN, OPT_WHOLE };
enum { FLUSH = 64 * 1024 };

struct args {
	const char *file, *layer;
	int header, json, whole;
};

struct work {
	const struct args *a;
	const char *name; /* of the input */
	struct lp_input input;
	struct lp_span in;
	struct lp_tar tar;
	struct lp_db db;
	struct lp_buf path;    /* of the member, in normal form */
	struct lp_buf content;
	struct lp_buf out;
	int kind;              /* of the member: enum lp_pkg_kind, or -1 */
	uint64_t packages, databases;
	int bad;               /* the worst of what was said and gone on behind */
};

static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		{ "header", no_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		{ "layer", required_argument, NULL, OPT_LAYER },
		{ "whole", no_argument, NULL, OPT_WHOLE },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = lp_opt_next(opt, argc, argv, "Hj" LP_OPT_SHORT, options)) != -1) {
		switch (c) {
		case 'H': a->header = 1; break;
		case 'j': a->json = 1; break;
		case OPT_LAYER: a->layer = optarg; break;
		case OPT_WHOLE: a->whole = 1; break;
		default: lp_opt_common(opt, c);
		}
	}
	if (a->header && a->json)
		return lp_opt_refuse("-H is about TSV: not with -j");
	if (argc - optind > 1)
		return lp_opt_refuse("more than one file");
	a->file = optind < argc ? argv[optind] : NULL;
	return LP_EXIT_OK;
}

/* ---- rows ---------------------------------------------------------------------------- */

static int
flush(struct work *w)
{
	int rc = w->out.n > 0 ? lp_put_lines(lp_buf_span(&w->out), w->a->json) : LP_OK;

	lp_buf_clear(&w->out);
	return rc;
}

static int
put_package(struct work *w, const struct lp_pkg *p)
{
	struct lp_record r = { .out = &w->out, .json = w->a->json };
	int rc;

	lp_record_text(&r, "kind", lp_span_str(lp_pkg_kind_name((enum lp_pkg_kind)w->kind)));
	lp_record_known_text(&r, "name", p->name);
	lp_record_known_text(&r, "version", p->version);
	lp_record_known_text(&r, "architecture", p->arch);
	lp_record_known_text(&r, "layer", lp_span_str(w->a->layer != NULL ? w->a->layer : ""));
	lp_record_known_text(&r, "path", lp_buf_span(&w->path));
	rc = lp_record_end(&r);
	w->packages++;
	if (rc != LP_OK)
		lp_err("out of memory");
	return rc == LP_OK && w->out.n >= FLUSH ? flush(w) : rc;
}

/* ---- databases ------------------------------------------------------------------------- */

/* The first is the message of the exit code, further ones are notes: other databases are read all the same. */
static int
say_bad(struct work *w, int status, size_t offset, const char *why)
{
	void (*say)(const char *, ...) = w->bad == LP_OK ? lp_err : lp_note;

	say("%s: byte %zu: %s", lp_quote(lp_buf_span(&w->path)), offset, why);
	w->bad = w->bad == LP_OK ? status : w->bad;
	return LP_OK;
}

static int
read_text(struct work *w)
{
	struct lp_pkgtext t;
	int rc;

	lp_pkgtext_init(&t, (enum lp_pkg_kind)w->kind, lp_buf_span(&w->content));
	while ((rc = lp_pkgtext_next(&t)) > 0)
		if ((rc = put_package(w, &t.pkg)) != LP_OK)
			return rc;
	return rc == LP_OK ? LP_OK : say_bad(w, rc, t.offset, t.why);
}

/* One without a name or a version is nobody's package, but a part of one. */
static int
read_npm(struct work *w)
{
	struct lp_json_error error;
	struct lp_pkg p = { .arch = lp_span("", 0) };
	json_t *json;
	int rc = lp_json_load(lp_buf_span(&w->content), &json, &error);

	if (rc == LP_E_NOMEM) {
		lp_err("out of memory");
		return rc;
	}
	if (rc != LP_OK)
		return say_bad(w, rc, error.offset, error.why);
	p.name = lp_json_get_string(json, "name");
	p.version = lp_json_get_string(json, "version");
	rc = p.name.n > 0 && p.version.n > 0 ? put_package(w, &p) : LP_OK;
	json_decref(json);
	return rc;
}

/* [EPOCH:]VERSION-RELEASE, as rpm -qa writes it. */
static int
put_rpm(struct work *w, const struct lp_rpmhdr *h)
{
	struct lp_pkg p = { .name = h->name, .arch = h->arch };
	struct lp_buf version;
	char epoch[16];
	int rc = LP_OK;

	lp_buf_init(&version, h->version.n + h->release.n + sizeof(epoch) + 1);
	snprintf(epoch, sizeof(epoch), "%" PRIu32 ":", h->epoch);
	if (h->has_epoch)
		rc = lp_buf_adds(&version, epoch);
	rc = rc != LP_OK ? rc : lp_buf_add(&version, h->version);
	rc = rc != LP_OK ? rc : lp_buf_addc(&version, '-');
	rc = rc != LP_OK ? rc : lp_buf_add(&version, h->release);
	p.version = lp_buf_span(&version);
	if (rc != LP_OK)
		lp_err("out of memory");
	rc = rc != LP_OK ? rc : put_package(w, &p);
	lp_buf_release(&version);
	return rc;
}

static int
read_headers(struct work *w, struct lp_stmt *s)
{
	struct lp_rpmhdr h;
	int rc;

	while ((rc = lp_stmt_step(s)) > 0) {
		if (lp_rpmhdr_read(&h, lp_stmt_get(s, 1)) != LP_OK) {
			char why[160];

			snprintf(why, sizeof(why), "of header %" PRId64 ": %s", lp_stmt_get_int(s, 0), h.why);
			rc = say_bad(w, LP_E_DATA, h.offset, why);
		} else {
			rc = put_rpm(w, &h);
		}
		if (rc != LP_OK)
			return rc;
	}
	return rc;
}

static int
read_rpm(struct work *w)
{
	struct lp_stmt s = { NULL };
	int rc = lp_db_open(&w->db, NULL, LP_DB_MEMORY);

	rc = rc != LP_OK ? rc : lp_db_load(&w->db, w->content.p, w->content.n);
	rc = rc != LP_OK ? rc : lp_stmt_init(&w->db, &s, "SELECT hnum, blob FROM Packages ORDER BY hnum");
	if (rc == LP_OK)
		rc = read_headers(w, &s);
	if (rc == LP_E_DATA || rc == LP_E_LIMIT || (rc == LP_E_SYS && w->db.handle != NULL))
		rc = say_bad(w, LP_E_DATA, 0, lp_db_why(&w->db));
	else if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	lp_stmt_release(&s);
	lp_db_close(&w->db);
	return rc;
}

static int
read_database(struct work *w)
{
	int rc;

	w->databases++;
	rc = w->kind == LP_PKG_RPM ? read_rpm(w) : w->kind == LP_PKG_NPM ? read_npm(w) : read_text(w);
	lp_buf_clear(&w->content);
	return rc;
}

/* ---- the tar ------------------------------------------------------------------------------- */

static int
member(struct work *w)
{
	const struct lp_entry *e = &w->tar.entry;
	const char *unread;
	int rc;

	w->kind = -1;
	lp_buf_clear(&w->path);
	rc = lp_path_join(&w->path, e->name);
	if (rc != LP_OK || e->type != LP_REG) {
		if (rc != LP_OK)
			lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name is longer than the limit");
		return rc;
	}
	unread = lp_pkg_unread(lp_buf_span(&w->path));
	if (unread != NULL && e->size > 0) {
		w->databases++;
		return say_bad(w, LP_E_ABSENT, 0, unread);
	}
	w->kind = lp_pkg_kind_of(lp_buf_span(&w->path));
	if (w->kind < 0)
		return LP_OK;
	lp_buf_clear(&w->content);
	if (e->size > LP_MAX_PKGDB) {
		w->kind = -1;
		w->databases++;
		return say_bad(w, LP_E_LIMIT, 0, "larger than any database of packages");
	}
	lp_tar_want_data(&w->tar);
	return LP_OK;
}

static int
add_content(struct work *w, struct lp_span s, uint64_t zeros)
{
	static const unsigned char none[4096];
	int rc = lp_buf_add(&w->content, s);

	for (uint64_t k; zeros > 0 && rc == LP_OK; zeros -= k) {
		k = zeros < sizeof(none) ? zeros : sizeof(none);
		rc = lp_buf_add(&w->content, lp_span(none, (size_t)k));
	}
	if (rc != LP_OK)
		lp_err("out of memory");
	return rc;
}

/* LP_OK to go on, 1 at the end, or a failure. */
static int
event(struct work *w, enum lp_tar_event ev)
{
	switch (ev) {
	case LP_TAR_MEMBER: return member(w);
	case LP_TAR_DATA: return add_content(w, w->tar.data, 0);
	case LP_TAR_HOLE: return add_content(w, lp_span("", 0), w->tar.hole);
	case LP_TAR_DATA_END: return read_database(w);
	case LP_TAR_END: return 1;
	case LP_TAR_TRUNCATED:
		lp_err("%s: not complete: input ends after %" PRIu64 " bytes", w->name, w->tar.offset);
		return LP_E_ABSENT;
	case LP_TAR_ERROR:
		lp_err("%s: byte %" PRIu64 ": %s", w->name, w->tar.error_offset, w->tar.why);
		return w->tar.status;
	case LP_TAR_MORE: break;
	}
	return LP_OK;
}

/* More input, members nobody wants passed over. 1, 0 at the end, LP_E_PIPE where nobody reads on, or LP_E_SYS. */
static int
more(struct work *w)
{
	uint64_t skippable = w->kind < 0 ? lp_tar_skippable(&w->tar) : 0, done = 0;
	int rc = skippable > 0 ? lp_input_skip(&w->input, skippable, &done) : LP_OK;

	lp_tar_skipped(&w->tar, done);
	if (rc == LP_OK)
		rc = done > 0 ? 1 : lp_input_next(&w->input, &w->in);
	if (rc < 0 && rc != LP_E_PIPE)
		lp_err_errno("%s", w->name);
	return rc;
}

static int
read_tar(struct work *w)
{
	int rc = w->a->header ? lp_buf_adds(&w->out, "kind\tname\tversion\tarchitecture\tlayer\tpath\n") : LP_OK;

	while (rc == LP_OK) {
		enum lp_tar_event ev = lp_tar_next(&w->tar, &w->in);

		if (ev == LP_TAR_MORE && (rc = more(w)) <= 0) {
			if (rc < 0)
				break;
			ev = lp_tar_eof(&w->tar);
		}
		rc = event(w, ev);
	}
	return rc;
}

static int
finish(struct work *w, int rc)
{
	int put = rc != LP_E_PIPE ? flush(w) : LP_OK;

	if (put != LP_OK)
		return put;
	if (rc != 1)
		return rc;
	if (w->databases == 0) {
		lp_err("%s: no database of packages", w->name);
		return LP_E_ABSENT;
	}
	return w->bad;
}

static int
run(const struct args *a, struct lp_stats *stats)
{
	struct work w = { .a = a, .in = lp_span("", 0), .kind = -1, .bad = LP_OK };
	int rc = lp_input_operand(&w.input, a->file, &w.name);

	w.input.reader = STDOUT_FILENO;
	lp_tar_init(&w.tar);
	w.tar.whole = a->whole;
	lp_buf_init(&w.path, LP_MAX_PATH);
	lp_buf_init(&w.content, LP_MAX_PKGDB);
	lp_buf_init(&w.out, SIZE_MAX);
	rc = rc != LP_OK ? rc : lp_lock(LP_DUTY_FILTER);
	rc = rc != LP_OK ? rc : read_tar(&w);
	rc = rc == LP_OK || rc == 1 || w.out.n > 0 ? finish(&w, rc) : rc;
	stats->entries_found = (int64_t)w.packages;
	lp_tar_release(&w.tar);
	lp_input_release(&w.input);
	lp_buf_release(&w.path);
	lp_buf_release(&w.content);
	lp_buf_release(&w.out);
	return rc;
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	struct args args = { .file = NULL };
	struct lp_stats stats;
	int rc;

	lp_opt_start(argv, "lp-packages");
	if (parse_args(argc, argv, &args, &opt) != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	rc = lp_start(&stats, opt.stats);
	if (rc != LP_EXIT_OK)
		return rc;
	return lp_finish(&stats, lp_exit_of(run(&args, &stats)));
}
