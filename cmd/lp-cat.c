/* lp-cat: a layer's tar in, the content of one member out. */
#include <inttypes.h>
#include <unistd.h>

#include "cmd/cat/fetcher.h"
#include "cmd/cat/pointinput.h"
#include "cmd/cat/select.h"
#include "cmd/cat/tarcopy.h"
#include "cmd/cat/toccat.h"
#include "common/base/digest.h"
#include "common/base/glob.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/merge/pick.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/tar/tar.h"

static const char usage[] =
    "usage: lp-cat [-hLqVv] [-f FILE] [--at=OFFSET] [--stats=FILE] [--whole] NAME ...\n"
    "       lp-cat --tar [-hqVv] [-f FILE] [-m GLOB] [--layer=LABEL] [--open] [--rows=ROWFILE]\n"
    "              [--stats=FILE] [--whole] [NAME ...]\n"
    "       lp-cat --toc=TOCFILE --source=SOURCE [-hLqVv] [--digest=DIGEST] [--fetch=OPTION]\n"
    "              [--stats=FILE] NAME\n"
    "       lp-cat --toc=TOCFILE --source=SOURCE --tar [-hqVv] [-m GLOB] [--digest=DIGEST]\n"
    "              [--fetch=OPTION] [--layer=LABEL] [--open] [--rows=ROWFILE] [--stats=FILE] [NAME ...]\n"
    "       lp-cat --use-points=POINTFILE --source=SOURCE --at=OFFSET [-hqVv] [--fetch=OPTION]\n"
    "              [--stats=FILE] NAME\n"
    "       lp-cat --use-points=POINTFILE --source=SOURCE --tar --rows=ROWFILE [-hqVv] [--fetch=OPTION]\n"
    "              [--layer=LABEL] [--open] [--stats=FILE]\n";

static const char help[] =
    "Write the content of members of a layer, and read no further than that.\n"
    "\n"
    "      --at=OFFSET          not the member of that name, but the file whose header is there\n"
    "  -f, --file=FILE          read FILE, not stdin\n"
    "  -L, --follow             follow symbolic links inside the layer\n"
    "      --whole              the input is all there is: its end marker may be missing\n"
    "      --tar                write a tar of the members, and of what lies below them\n"
    "  -m, --match=GLOB         and of all that match (may be repeated; with --tar)\n"
    "      --rows=ROWFILE       and of those that ROWFILE has rows of (with --tar)\n"
    "      --layer=LABEL        of these rows, those of this layer\n"
    "      --open               no end markers: another tar follows (with --tar)\n"
    "      --toc=TOCFILE        look the member up in the layer's table of contents\n"
    "      --use-points=POINTFILE  read a gzip layer from points before what is wanted\n"
    "      --source=SOURCE      and fetch its bytes, and no others, from there\n"
    "      --digest=DIGEST      refuse a table of contents of another digest\n"
    "      --fetch=OPTION       pass an option on to lp-fetch (may be repeated)\n" LP_OPT_HELP;

enum { OPT_AT = LP_OPT_OWN, OPT_TAR, OPT_TOC, OPT_SOURCE, OPT_DIGEST, OPT_FETCH, OPT_WHOLE, OPT_ROWS, OPT_LAYER, OPT_OPEN,
	OPT_USE_POINTS };
enum { MAX_GLOBS = 64 };

struct args {
	const char *file;
	int follow;
	int tar;
	int whole;
	uint64_t at; /* UINT64_MAX: wherever it is */
	const char *glob[MAX_GLOBS];
	size_t nglobs;
	const char *rows, *layer;
	int open;
	const char *toc, *points, *source, *digest;
	const char *fetch[LP_FETCHER_ARGS];
	size_t nfetch;
	const char *const *names;
	size_t nnames;
};

/* The same for what says where bytes come from. */
static int
check_source(const struct args *a)
{
	if ((a->toc == NULL && a->points == NULL) != (a->source == NULL))
		return lp_opt_refuse("--toc or --use-points and --source need each other");
	if (a->source == NULL && a->nfetch > 0)
		return lp_opt_refuse("--fetch belongs to --source");
	if (a->toc == NULL && a->digest != NULL)
		return lp_opt_refuse("--digest belongs to --toc");
	if (a->points == NULL)
		return LP_EXIT_OK;
	if (a->toc != NULL || a->file != NULL || a->whole)
		return lp_opt_refuse("--use-points reads places of a layer: not with --toc, --whole or -f");
	if (a->tar ? a->rows == NULL || a->nnames + a->nglobs > 0 : a->at == UINT64_MAX)
		return lp_opt_refuse("--use-points needs to know places: --at, or --tar and nothing but --rows");
	return LP_EXIT_OK;
}

/* Which words go together. 0, or 2 after a message. */
static int
check_args(const struct args *a)
{
	if (check_source(a) != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	if (a->toc != NULL && (a->file != NULL || a->whole))
		return lp_opt_refuse("--toc reads no tar: not with --whole or -f");
	if (a->at != UINT64_MAX && (a->toc != NULL || a->tar || a->follow))
		return lp_opt_refuse("--at is of one member of a tar: not with -L, --tar or --toc");
	if (a->digest != NULL && !lp_digest_is_sha256(lp_span_str(a->digest)))
		return lp_opt_refuse("not a sha256 digest: '%s'", lp_quotes(a->digest));
	if (a->nglobs > 0 && !a->tar)
		return lp_opt_refuse("what matches may be more than one member: -m needs --tar");
	if (!a->tar && (a->rows != NULL || a->open))
		return lp_opt_refuse("--rows and --open belong to --tar");
	if (a->layer != NULL && a->rows == NULL)
		return lp_opt_refuse("--layer belongs to --rows");
	if (a->follow && a->tar)
		return lp_opt_refuse("--tar copies links as they are: not with -L");
	if (a->nnames + a->nglobs == 0 && a->rows == NULL)
		return lp_opt_refuse("no NAME");
	for (size_t i = 0; i < a->nnames; i++)
		if (*a->names[i] == '\0')
			return lp_opt_refuse("an empty NAME");
	if (a->tar && lp_opt_binary() != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	if (a->nnames > 1 && a->toc != NULL && !a->tar)
		return lp_opt_refuse("more than one NAME of a table of contents needs --tar");
	if (a->nnames > 1 && a->at != UINT64_MAX)
		return lp_opt_refuse("--at is of one member: not with more than one NAME");
	return LP_EXIT_OK;
}

/* 0, or 2 after a message. */
static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		{ "at", required_argument, NULL, OPT_AT },
		{ "file", required_argument, NULL, 'f' },
		{ "follow", no_argument, NULL, 'L' },
		{ "match", required_argument, NULL, 'm' },
		{ "rows", required_argument, NULL, OPT_ROWS },
		{ "layer", required_argument, NULL, OPT_LAYER },
		{ "open", no_argument, NULL, OPT_OPEN },
		{ "tar", no_argument, NULL, OPT_TAR },
		{ "toc", required_argument, NULL, OPT_TOC },
		{ "use-points", required_argument, NULL, OPT_USE_POINTS },
		{ "source", required_argument, NULL, OPT_SOURCE },
		{ "digest", required_argument, NULL, OPT_DIGEST },
		{ "fetch", required_argument, NULL, OPT_FETCH },
		{ "whole", no_argument, NULL, OPT_WHOLE },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = lp_opt_next(opt, argc, argv, "f:Lm:" LP_OPT_SHORT, options)) != -1) {
		switch (c) {
		case 'f': a->file = optarg; break;
		case 'L': a->follow = 1; break;
		case OPT_AT:
			if (lp_num_u64(lp_span_str(optarg), LP_MAX_SIZE, &a->at) != LP_OK)
				return lp_opt_refuse("not an offset: '%s'", lp_quotes(optarg));
			break;
		case OPT_TAR: a->tar = 1; break;
		case OPT_WHOLE: a->whole = 1; break;
		case OPT_ROWS: a->rows = optarg; break;
		case OPT_LAYER: a->layer = optarg; break;
		case OPT_OPEN: a->open = 1; break;
		case OPT_TOC: a->toc = optarg; break;
		case OPT_USE_POINTS: a->points = optarg; break;
		case OPT_SOURCE: a->source = optarg; break;
		case OPT_DIGEST: a->digest = optarg; break;
		case 'm':
			if (a->nglobs == MAX_GLOBS)
				return lp_opt_refuse("more than %d times -m", MAX_GLOBS);
			lp_glob_trim(optarg);
			a->glob[a->nglobs++] = optarg;
			break;
		case OPT_FETCH:
			if (a->nfetch == LP_FETCHER_ARGS)
				return lp_opt_refuse("more than %d times --fetch", LP_FETCHER_ARGS);
			a->fetch[a->nfetch++] = optarg;
			break;
		default:
			lp_opt_common(opt, c);
		}
	}
	a->names = (const char *const *)(argv + optind);
	a->nnames = (size_t)(argc - optind);
	return check_args(a);
}

struct cat {
	const struct args *a;
	const char *name; /* of the input, for messages */
	const char *asked; /* the member's */
	struct lp_input input;
	uint64_t start;   /* where it begins, if it is a file */
	struct lp_tar tar;
	struct lp_pick pick;
	unsigned links;   /* followed when the input was last begun with */
	uint64_t sent;    /* bytes of the member */
	struct lp_pointinput *points; /* the input is read by; or NULL */
	struct lp_span in; /* read, and still to be looked at */
};

static int
no_memory(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name is longer than the limit");
	return rc;
}

static int
put(struct cat *c, struct lp_span s)
{
	c->sent += s.n;
	return lp_put(s);
}

static int
put_zeros(struct cat *c, uint64_t n)
{
	static const unsigned char zeros[64 * 1024];
	int rc = LP_OK;

	for (uint64_t k; n > 0 && rc == LP_OK; n -= k) {
		k = n < sizeof(zeros) ? n : sizeof(zeros);
		rc = put(c, lp_span(zeros, (size_t)k));
	}
	return rc;
}

/* What was asked for, and where links have led from there. */
static int
absent(struct cat *c, const char *why)
{
	const char *asked = lp_quotes(c->asked);

	if (c->pick.links > 0)
		lp_err("%s, linked to %s: %s", asked, lp_quote(lp_buf_span(&c->pick.name)), why);
	else
		lp_err("%s: %s", asked, why);
	return LP_E_ABSENT;
}

static void
begin(struct cat *c)
{
	lp_tar_init(&c->tar);
	c->tar.whole = c->a->whole;
	if (c->points != NULL)
		c->tar.offset = c->a->at;
}

/* From the first member again: what links lead to may have passed by. 1, or 0 if the input is no file. */
static int
again(struct cat *c)
{
	if (!c->input.seeks)
		return 0;
	c->input.at = c->start;
	c->in.n = 0;
	lp_tar_release(&c->tar);
	begin(c);
	c->links = c->pick.links;
	return 1;
}

/* LP_OK to go on, or a failure. */
static int
member(struct cat *c)
{
	const struct lp_entry *e = &c->tar.entry;
	int verdict = c->a->at == UINT64_MAX ? lp_pick_member(&c->pick, e) :
	    e->header_offset == c->a->at && e->type == LP_REG ? LP_PICK_THIS : LP_PICK_OTHER;

	switch (verdict) {
	case LP_PICK_OTHER:
		return c->points == NULL ? LP_OK : absent(c, "no file is where it should be");
	case LP_PICK_THIS:
		if (c->points != NULL)
			lp_pointinput_want(c->points, c->tar.offset + lp_tar_skippable(&c->tar));
		lp_tar_want_data(&c->tar);
		return LP_OK;
	case LP_PICK_NONE:
		return absent(c, c->pick.why);
	case LP_PICK_MOVED:
		if (!c->pick.hard || again(c))
			return LP_OK;
		return absent(c, "that has passed by, and a pipe cannot go back: ask for it by that name");
	}
	return no_memory(verdict);
}

static int
not_found(struct cat *c, int cut)
{
	if (cut) {
		lp_note("%s: preview: input ends after %" PRIu64 " bytes", c->name, c->tar.offset);
		return absent(c, "no such member in the part that is here");
	}
	if (c->links == c->pick.links)
		return absent(c, "no such member");
	if (again(c))
		return LP_OK;
	return absent(c, "not behind the link, and a pipe cannot go back: ask for it by that name");
}

/* LP_OK to go on, 1 when the content is out, or a failure. */
static int
event(struct cat *c, enum lp_tar_event ev)
{
	switch (ev) {
	case LP_TAR_MEMBER:
		return member(c);
	case LP_TAR_DATA:
		return put(c, c->tar.data);
	case LP_TAR_HOLE:
		return put_zeros(c, c->tar.hole);
	case LP_TAR_DATA_END:
		return 1;
	case LP_TAR_END:
		return not_found(c, 0);
	case LP_TAR_TRUNCATED:
		if (!lp_tar_in_data(&c->tar) || lp_tar_skippable(&c->tar) > 0)
			return not_found(c, 1);
		lp_err("%s: cut off: the input holds %" PRIu64 " of %" PRIu64 " bytes", lp_quotes(c->asked),
		    c->sent, c->tar.entry.size);
		return LP_E_ABSENT;
	case LP_TAR_ERROR:
		lp_err("%s: byte %" PRIu64 ": %s", c->name, c->tar.error_offset, c->tar.why);
		return c->tar.status;
	case LP_TAR_MORE:
		break;
	}
	return LP_OK;
}

/* More input, members nobody wants passed over. 1, 0 at the end, LP_E_PIPE where nobody reads on, or LP_E_SYS. */
static int
more(struct cat *c)
{
	uint64_t skippable = lp_tar_skippable(&c->tar), done = 0;
	int rc = skippable > 0 ? lp_input_skip(&c->input, skippable, &done) : LP_OK;

	lp_tar_skipped(&c->tar, done);
	if (rc == LP_OK)
		rc = done > 0 ? 1 : lp_input_next(&c->input, &c->in);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", c->name);
	return rc;
}

static int
one_member(struct cat *c, const char *name)
{
	int rc = no_memory(lp_pick_init(&c->pick, lp_span_str(name), c->a->follow));

	c->asked = name;
	c->links = 0;
	c->sent = 0;
	while (rc == LP_OK) {
		enum lp_tar_event ev = lp_tar_next(&c->tar, &c->in);

		if (ev == LP_TAR_MORE && (rc = more(c)) <= 0) {
			if (rc < 0)
				break;
			ev = lp_tar_eof(&c->tar);
		}
		rc = event(c, ev);
	}
	lp_pick_release(&c->pick);
	return rc == 1 ? LP_OK : rc;
}

/* One behind the other: what is not there does not keep the others from being written. */
static int
members(struct cat *c)
{
	int rc = LP_OK;

	for (size_t i = 0; i < c->a->nnames && (rc == LP_OK || rc == LP_E_ABSENT); i++) {
		int one;

		/* a pipe goes on behind the last one */
		if (i > 0)
			(void)again(c);
		one = one_member(c, c->a->names[i]);
		rc = one != LP_OK ? one : rc;
	}
	return rc;
}

static int
run_tar(const struct args *a, struct cat *c, struct lp_select *select, struct lp_stats *stats)
{
	struct lp_tarcopy t = { .select = select, .open = a->open, .whole = a->whole, .input_name = c->name };
	int rc = lp_select_rows(select);

	rc = rc != LP_OK ? rc : lp_tarcopy(&t, &c->input);
	stats->entries_found = (int64_t)select->members;
	stats->bytes_decompressed = (int64_t)t.offset;
	return rc;
}

static int
run_stream(const struct args *a, struct lp_select *select, struct lp_stats *stats)
{
	struct cat c = { .a = a };
	int rc = lp_input_operand(&c.input, a->file, &c.name);

	c.start = c.input.at;
	c.input.reader = STDOUT_FILENO;
	begin(&c);
	if (rc == LP_OK)
		rc = lp_lock(LP_DUTY_FILTER);
	if (rc == LP_OK && a->tar) {
		rc = run_tar(a, &c, select, stats);
	} else if (rc == LP_OK) {
		rc = members(&c);
		stats->entries_found = (int64_t)c.tar.members;
		stats->bytes_decompressed = (int64_t)c.tar.offset;
	}
	lp_tar_release(&c.tar);
	lp_input_release(&c.input);
	return rc;
}

static int
run_toc(const struct args *a, struct lp_select *select, struct lp_stats *stats)
{
	struct lp_toccat t = { .tocfile = a->toc, .digest = a->digest, .source = a->source, .args = a->fetch,
		.nargs = a->nfetch, .name = a->tar ? NULL : a->names[0], .select = a->tar ? select : NULL, .open = a->open,
		.follow = a->follow };

	stats->source = a->source;
	return lp_toccat(&t, stats);
}

/* Rows in the order of their places, a tar of them. */
static int
tar_by_points(const struct args *a, struct lp_pointinput *p, struct lp_select *select, struct lp_stats *stats)
{
	struct lp_tarcopy t = { .select = select, .open = a->open, .input_name = lp_quotes_kept(a->source), .points = p };
	int rc = lp_select_rows(select);

	if (rc == LP_OK && (t.place = lp_select_places(select, &t.nplaces)) == NULL) {
		lp_err("%s: a row has no place", select->rows_name);
		rc = LP_E_ABSENT;
	}
	rc = rc != LP_OK ? rc : lp_tarcopy(&t, &p->input);
	stats->entries_found = (int64_t)select->members;
	stats->bytes_decompressed = (int64_t)p->inflate.f.given;
	return rc;
}

/* What is wrong before anything was written leaves the layer to be read another way. */
static int
run_points(const struct args *a, struct lp_select *select, struct lp_stats *stats)
{
	struct lp_pointinput p;
	struct cat c = { .a = a, .points = &p, .name = lp_quotes_kept(a->source) };
	int rc = lp_pointinput_open(&p, a->points, a->source, a->fetch, a->nfetch);

	stats->source = a->source;
	c.input = p.input;
	begin(&c);
	rc = rc != LP_OK ? rc : lp_lock(LP_DUTY_FILTER);
	rc = rc != LP_OK ? rc : lp_pointinput_read(&p);
	if (rc == LP_OK && a->tar) {
		rc = tar_by_points(a, &p, select, stats);
	} else if (rc == LP_OK) {
		lp_pointinput_seek(&p, a->at);
		rc = members(&c);
	}
	lp_tar_release(&c.tar);
	lp_pointinput_release(&p);
	return rc == LP_E_DATA && c.sent + (a->tar ? select->members : 0) == 0 ? LP_E_ABSENT : rc;
}

/* What --tar is to have is opened first of all. */
static int
run(const struct args *a, struct lp_stats *stats)
{
	struct lp_input rows = { .fd = -1 };
	struct lp_select select = { .names = a->names, .nnames = a->nnames, .globs = a->glob, .nglobs = a->nglobs,
		.layer = a->layer };
	int rc = LP_OK;

	if (a->rows != NULL) {
		select.rows = &rows;
		rc = lp_input_operand(&rows, a->rows, &select.rows_name);
	}
	if (rc == LP_OK && a->tar)
		rc = no_memory(lp_select_init(&select));
	if (rc == LP_OK)
		rc = a->toc != NULL ? run_toc(a, &select, stats) : a->points != NULL ? run_points(a, &select, stats) :
		    run_stream(a, &select, stats);
	if (a->tar)
		lp_select_release(&select);
	if (a->rows != NULL)
		lp_input_release(&rows);
	return rc;
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help, .many = { 'm', OPT_FETCH } };
	struct args args = { .at = UINT64_MAX };
	struct lp_stats stats;
	int rc;

	lp_opt_start(argv, "lp-cat");
	if (parse_args(argc, argv, &args, &opt) != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	rc = lp_start(&stats, opt.stats);
	if (rc != LP_EXIT_OK)
		return rc;
	return lp_finish(&stats, lp_exit_of(run(&args, &stats)));
}
