/* lp-tarls: tar bytes, or with --frugal a part of a gzip file's -> one row per member */
#include <inttypes.h>
#include <unistd.h>

#include "cmd/tarls/frugal.h"
#include "common/base/status.h"
#include "common/cli/listing.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/tar/tar.h"

static const char usage[] =
    "usage: lp-tarls [-hqv] [-V] " LP_LISTING_USAGE " [-L LABEL]\n"
    "                [--part | --whole] [--stats=FILE] [FILE]\n"
    "       lp-tarls --frugal [-hqv] [-V] [-0CEHijl] [-m GLOB] [-o COLUMNS] [-L LABEL]\n"
    "                [--whole] [--stats=FILE] [FILE]\n";

static const char help[] =
    "List the members of a tar archive, one row each.\n"
    "\n"
    LP_LISTING_HELP
    "  -L, --layer=LABEL        the layer's name, for its column and the end record\n"
    "      --frugal             FILE is gzip: read of it only what is needed\n"
    "      --part               the input is a part: that it may be empty is no failure\n"
    "      --whole              the input is all there is: its end marker may be missing\n"
    LP_OPT_HELP;

/* How long rows wait for more of their kind before they are written. */
enum { PATIENCE_MS = 50 };
/*
 * Whoever stops reading rows has paid for the input that passed meanwhile:
 * rows wait for at most an eighth of what was read before them.
 */
enum { BEHIND_PART = 8, BEHIND_LEAST = 64 * 1024 };
/* Bytes of a body whose passing takes longer than a write: rows in front of it do not wait for its end. */
enum { LONG_BODY = 1024 * 1024 };

/* From listing with --frugal: what was jumped over may have been the wrong bytes, or rows are too many to be held. */
enum { AGAIN = LP_LISTING_FULL };

struct tarls {
	struct lp_listing list;
	struct lp_tar tar;
	struct lp_input in;
	const char *file;   /* NULL: stdin */
	const char *name;   /* of the input, for messages */
	int part;           /* of an archive, which may be no byte at all */
	int whole;          /* an archive, whose end marker may be missing */
	int frugal;         /* the input is gzip, and not all of it is read */
	struct lp_frugal part_of; /* that file, then */
	int held;           /* the member's row waits for the end of its data */
	int digests;        /* rows have them */
	int hashing;        /* the member's content */
	struct lp_hash hash;
	char digest[LP_DIGEST_SIZE];
	uint64_t written_at; /* the input's offset when rows were last written */
	int64_t waiting;    /* since when rows have been waiting to be written, in ms; 0: none is */
};

/* Does not read on to see whether there is one row more than wanted: it may be gigabytes away. */
static int
write_row(struct tarls *x)
{
	int rc = lp_listing_entry(&x->list, &x->tar.entry);

	x->held = 0;
	return rc == LP_OK ? lp_listing_wants(&x->list) : rc;
}

/* Whether it has content to hash. A sparse file may say that it has holes of any length, and is left out. */
static int
has_content(const struct tarls *x)
{
	return x->digests && x->tar.entry.type == LP_REG && !lp_tar_is_sparse(&x->tar);
}

/* All of the content has come: the row has its digest. */
static int
on_data_end(struct tarls *x)
{
	if (x->hashing) {
		lp_hash_end(&x->hash, x->digest);
		x->tar.entry.digest = lp_span_str(x->digest);
		x->tar.entry.has |= LP_HAS_DIGEST;
	}
	x->hashing = 0;
	return write_row(x);
}

/*
 * NDJSON says of a member that it is truncated, which is known when its
 * data was passed: the row waits for that, unless it is the last one wanted.
 * So it does for a digest.
 */
static int
on_member(struct tarls *x)
{
	if (x->list.layer.n > 0) {
		x->tar.entry.layer = x->list.layer;
		x->tar.entry.has |= LP_HAS_LAYER;
	}
	x->hashing = has_content(x);
	if (x->hashing) {
		x->held = 1;
		lp_hash_init(&x->hash);
		lp_tar_want_data(&x->tar);
		return LP_OK;
	}
	if (x->list.fmt.form != LP_ROW_NDJSON || !lp_tar_in_data(&x->tar) ||
	    x->list.count - x->list.entries == 1)
		return write_row(x);
	x->held = 1;
	lp_tar_want_end(&x->tar);
	return LP_OK;
}

/*
 * In front of a read that would wait: write what there is, so that whoever
 * watches sees it. Where input keeps coming, rows wait for more of their
 * kind, but only so long.
 */
static int
flush_before_wait(struct tarls *x)
{
	int64_t now, left;

	/* a full read may have been all there was: only a look at the pipe tells */
	if (x->list.out.n == 0 || (!x->in.drained && lp_input_ready(&x->in, 0))) {
		x->waiting = 0;
		return LP_OK;
	}
	now = lp_clock_ms();
	if (x->waiting == 0)
		x->waiting = now;
	left = x->waiting + PATIENCE_MS - now;
	if (left > 0 && lp_input_ready(&x->in, (int)left))
		return LP_OK;
	x->waiting = 0;
	return lp_listing_flush(&x->list);
}

static int
flush_behind(struct tarls *x)
{
	uint64_t at = x->tar.offset, behind = at - x->written_at;

	if (behind < BEHIND_LEAST || behind < at / BEHIND_PART)
		return LP_OK;
	x->written_at = at;
	return lp_listing_flush(&x->list);
}

/* The last member's row does not wait any more: its header is all that will come. */
static int
write_held(struct tarls *x)
{
	if (!x->held)
		return LP_OK;
	x->tar.entry.has |= LP_HAS_TRUNCATED;
	return write_row(x);
}

static int
input_failed(struct tarls *x, int rc)
{
	if (rc == LP_E_PIPE)
		return rc;
	lp_err_errno("%s", x->name);
	(void)write_held(x);
	return LP_E_SYS;
}

/* The next bytes, or fewer of them to come. 1, 0 at their end, or a failure that was said. */
static int
more(struct tarls *x, struct lp_span *s)
{
	uint64_t skippable = lp_tar_skippable(&x->tar), done;
	int rc;

	rc = skippable >= LONG_BODY ? lp_listing_flush(&x->list) : flush_behind(x);
	/* a pipe is waited for to be skipped, too */
	rc = rc != LP_OK ? rc : flush_before_wait(x);
	if (rc != LP_OK)
		return rc;
	if (skippable > 0) {
		rc = lp_input_skip(&x->in, skippable, &done);
		if (rc != LP_OK)
			return input_failed(x, rc);
		lp_tar_skipped(&x->tar, done);
		if (done > 0)
			return 1;
	}
	rc = lp_input_next(&x->in, s);
	return rc < 0 ? input_failed(x, rc) : rc;
}

/* The same with --frugal, where what failed may be a jump. */
static int
more_frugal(struct tarls *x, struct lp_span *s)
{
	int rc = lp_frugal_more(&x->part_of, &x->tar, s);

	if (rc == 0 && x->part_of.jump.unproven)
		return AGAIN;
	if (rc >= 0)
		return rc;
	if (rc != LP_E_DATA && rc != LP_E_LIMIT) {
		(void)write_held(x);
		return rc;
	}
	if (x->part_of.jump.jumps > 0 || write_held(x) == AGAIN)
		return AGAIN;
	(void)lp_listing_flush(&x->list);
	lp_frugal_say(&x->part_of);
	return rc;
}

/* Where a cut-off input ends, for people. */
static const char *
where(const struct lp_tar *t)
{
	switch (t->at) {
	case LP_TAR_AT_MEMBER: return "between two members, without an end marker";
	case LP_TAR_AT_PADDING: return "in the padding behind a member";
	case LP_TAR_AT_HEADER: return "in a header";
	case LP_TAR_AT_EXTENSION: return "in the extensions of a header";
	case LP_TAR_AT_DATA: break;
	}
	return "in a member's data";
}

/* Places are those of the tar, which the file that is named is not. */
static const char *
of_what(const struct tarls *x)
{
	return x->frugal ? " of its tar" : "";
}

static int
on_truncated(struct tarls *x)
{
	const struct lp_tar *t = &x->tar;
	int rc = write_held(x);

	if (rc < 0 || rc == AGAIN)
		return rc;
	if (x->list.complete) {
		lp_err("%s: not complete: input ends after %" PRIu64 " bytes%s, %s", x->name, t->offset, of_what(x), where(t));
		return LP_E_ABSENT;
	}
	lp_note("%s: preview: input ends after %" PRIu64 " bytes%s, %s", x->name, t->offset, of_what(x), where(t));
	return LP_OK;
}

/* What is good comes out before the message does. */
static int
on_error(struct tarls *x)
{
	const struct lp_tar *t = &x->tar;

	if (lp_listing_flush(&x->list) == LP_E_SYS)
		return LP_E_SYS;
	lp_err("%s: byte %" PRIu64 "%s: %s", x->name, t->error_offset, of_what(x), t->why);
	return t->status;
}

static int
on_end(struct tarls *x)
{
	if (x->tar.unmarked)
		lp_note("%s: byte %" PRIu64 "%s: the archive ends without an end marker", x->name, x->tar.offset, of_what(x));
	if (x->tar.trailing != 0)
		lp_note("%s: byte %" PRIu64 "%s: what follows the end marker is ignored", x->name, x->tar.trailing, of_what(x));
	if (x->part_of.jump.trailing != 0)
		lp_note("%s: byte %" PRIu64 ": what follows the last compressed member is ignored", x->name, x->part_of.jump.trailing);
	return LP_OK;
}

static int
at_eof(struct tarls *x, enum lp_complete *complete)
{
	if (x->part && x->tar.offset == 0) {
		x->tar.at = LP_TAR_AT_HEADER;
		return on_truncated(x);
	}
	switch (lp_tar_eof(&x->tar)) {
	case LP_TAR_END:
		*complete = x->frugal ? LP_COMPLETE_INFERRED : LP_COMPLETE_YES;
		return on_end(x);
	case LP_TAR_TRUNCATED:
		if (x->part_of.jump.jumps > 0)
			return AGAIN;
		return on_truncated(x);
	default:
		return on_error(x);
	}
}

/* The whole input, also behind the end marker: whoever writes to us is not to be cut off. */
static int
list(struct tarls *x, enum lp_complete *complete)
{
	struct lp_span s = lp_span(NULL, 0);
	int rc = lp_listing_begin(&x->list);

	while (rc == LP_OK) {
		int got;

		switch (lp_tar_next(&x->tar, &s)) {
		case LP_TAR_MEMBER:
			rc = on_member(x);
			break;
		case LP_TAR_DATA:
			lp_hash_add(&x->hash, x->tar.data);
			break;
		case LP_TAR_DATA_END:
			rc = on_data_end(x);
			break;
		case LP_TAR_MORE:
			got = x->frugal ? more_frugal(x, &s) : more(x, &s);
			if (got < 0 || got == AGAIN)
				return got;
			if (got == 0)
				return at_eof(x, complete);
			break;
		case LP_TAR_ERROR:
			return x->part_of.jump.jumps > 0 ? AGAIN : on_error(x);
		default:
			break;
		}
	}
	return rc == LP_LISTING_ENOUGH ? LP_OK : rc;
}

/* Rows are held until all of them are known to be right; the second time nothing is jumped over, and they need not be. */
static int
list_frugal(struct tarls *x, enum lp_complete *complete)
{
	int rc;

	lp_listing_hold(&x->list);
	while ((rc = list(x, complete)) == AGAIN) {
		lp_detail("%s: what was listed cannot be proven and is taken back: all is read", x->name);
		lp_listing_take_back(&x->list);
		lp_jump_again(&x->part_of.jump);
		lp_tar_release(&x->tar);
		lp_tar_init(&x->tar);
		x->tar.whole = x->whole;
		x->held = 0;
	}
	/* rows behind a jump that nothing has proven are none */
	if (rc < 0 && x->part_of.jump.jumps > 0) {
		lp_listing_take_back(&x->list);
		(void)lp_listing_begin(&x->list);
	}
	lp_detail("%s: %" PRIu64 " bytes of %" PRIu64 " read, in %" PRIu64 " pieces; %" PRIu64 " jumps", x->name,
	    x->part_of.jump.asked, x->part_of.jump.size, x->part_of.jump.rounds, x->part_of.jump.jumps);
	return rc;
}

/* stdin, or the file; from here on under the lock. */
static int
open_input(struct tarls *x)
{
	int rc = x->frugal ? lp_frugal_open(&x->part_of, x->file, &x->name) : lp_input_operand(&x->in, x->file, &x->name);

	x->in.reader = STDOUT_FILENO;
	return rc == LP_OK ? lp_lock(LP_DUTY_FILTER) : rc;
}

static int
work(struct tarls *x, struct lp_stats *stats)
{
	enum lp_complete complete = LP_COMPLETE_NO;
	int rc, rc_end = LP_OK;

	lp_tar_init(&x->tar);
	x->tar.whole = x->whole;
	x->digests = lp_rowfmt_has(&x->list.fmt, LP_COL_DIGEST);
	rc = open_input(x);
	if (rc == LP_OK) {
		rc = x->frugal ? list_frugal(x, &complete) : list(x, &complete);
		/* an end record says of a failure what it is: an incomplete listing */
		if (rc != LP_E_PIPE)
			rc_end = lp_listing_end(&x->list, &(struct lp_rowend){ .complete = complete, .bytes = x->tar.offset });
		stats->partial = complete == LP_COMPLETE_NO;
	}
	lp_detail("%s: %" PRIu64 " members, %" PRIu64 " rows, %" PRIu64 " bytes", x->name, x->tar.members,
	    x->list.entries, x->tar.offset);
	stats->source = x->file;
	stats->entries_found = (int64_t)x->list.entries;
	lp_tar_release(&x->tar);
	lp_input_release(&x->in);
	lp_frugal_release(&x->part_of);
	return lp_exit_worse(lp_exit_of(rc), lp_exit_of(rc_end));
}

/* What does not go with --frugal. 0, or 2 after a message. */
static int
refuse_frugal(const struct tarls *x)
{
	if (x->part)
		return lp_opt_refuse("--frugal jumps to the end: not with --part");
	if (x->list.count != UINT64_MAX)
		return lp_opt_refuse("--frugal knows of no row before the end that it is right: not with -n");
	if (lp_rowfmt_has(&x->list.fmt, LP_COL_DIGEST))
		return lp_opt_refuse("--frugal does not read the contents: not with the column digest");
	return LP_EXIT_OK;
}

/* 0, or 2 after a message. */
static int
parse_args(int argc, char **argv, struct tarls *x, struct lp_opt *opt)
{
	enum { OPT_PART = LP_OPT_OWN, OPT_WHOLE, OPT_FRUGAL };
	static const struct option options[] = {
		LP_LISTING_LONG,
		{ "layer", required_argument, NULL, 'L' },
		{ "frugal", no_argument, NULL, OPT_FRUGAL },
		{ "part", no_argument, NULL, OPT_PART },
		{ "whole", no_argument, NULL, OPT_WHOLE },
		LP_OPT_LONG,
		{ NULL, 0, NULL, 0 }
	};
	int c, rc = LP_EXIT_OK;

	while (rc == LP_EXIT_OK && (c = lp_opt_next(opt, argc, argv, LP_LISTING_SHORT "L:" LP_OPT_SHORT, options)) != -1) {
		if (c == 'L')
			x->list.layer = lp_span_str(optarg);
		else if (c == OPT_PART)
			x->part = 1;
		else if (c == OPT_WHOLE)
			x->whole = 1;
		else if (c == OPT_FRUGAL)
			x->frugal = 1;
		else
			rc = lp_listing_option(&x->list, opt, c);
	}
	if (rc != LP_EXIT_OK)
		return rc;
	if (argc - optind > 1)
		return lp_opt_refuse("more than one file");
	if (x->part && x->whole)
		return lp_opt_refuse("--part and --whole exclude each other");
	if (x->frugal && refuse_frugal(x) != LP_EXIT_OK)
		return LP_EXIT_USAGE;
	if (argc > optind && !lp_span_is(lp_span_str(argv[optind]), "-"))
		x->file = argv[optind];
	return lp_listing_check(&x->list);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help, .many = { 'm' } };
	static struct tarls x;
	struct lp_stats stats;
	int status;

	lp_opt_start(argv, "lp-tarls");
	lp_listing_init(&x.list);
	status = parse_args(argc, argv, &x, &opt);
	if (status != LP_EXIT_OK)
		return status;
	status = lp_start(&stats, opt.stats);
	if (status != LP_EXIT_OK)
		return status;
	status = lp_finish(&stats, work(&x, &stats));
	lp_listing_release(&x.list);
	return status;
}
