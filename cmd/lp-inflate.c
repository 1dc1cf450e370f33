/* lp-inflate: gzip, zstd or plain bytes in, plain bytes out, as far as they go. */
#include <inttypes.h>
#include <unistd.h>

#include "cmd/inflate/bypoints.h"
#include "cmd/inflate/keeppoints.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cli/opt.h"
#include "common/cli/stats.h"
#include "common/codec/inflate.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/sys/writer.h"

static const char usage[] =
    "usage: lp-inflate [-Chqv] [-V] [--engine=NAME] [--format=FORMAT] [--max-output=BYTES]\n"
    "                  [--max-ratio=N] [--points=POINTFILE] [--size=BYTES] [--spacing=BYTES]\n"
    "                  [--stats=FILE] [FILE]\n"
    "       lp-inflate --use-points=POINTFILE [-Chqv] [-V] [--engine=NAME] [--max-output=BYTES]\n"
    "                  [--max-ratio=N] [--part] [--range=RANGE] [--stats=FILE] [FILE]\n"
    "       lp-inflate --locate --use-points=POINTFILE [-hqv] [-V] [--range=RANGE] [--stats=FILE]\n";

static const char help[] =
    "Inflate gzip or zstd data, also when its end is missing, and pass plain bytes on.\n"
    "\n"
    "  -C, --complete           a missing end is exit 4\n"
    "      --engine=NAME        what decodes deflate: isal or zlib\n"
    "      --format=FORMAT      auto (by magic number), gzip, zstd or plain\n"
    "      --max-output=BYTES   stop with exit 1 when there is more (K, M, G)\n"
    "      --max-ratio=N        stop with exit 1 when 1 GiB and N times the input are passed; 0: never\n"
    "      --size=BYTES         how long the whole input is\n"
    "      --points=POINTFILE   write where gzip data can be decoded from another time (GZIDX)\n"
    "      --spacing=BYTES      a point so often (4M)\n"
    "      --use-points=POINTFILE  begin at one of these points\n"
    "      --range=RANGE        FIRST-LAST or FIRST-, of the decompressed bytes\n"
    "      --locate             print which bytes of the input have these, and read none\n"
    "      --part               the input is only these\n" LP_OPT_HELP;

struct args {
	const struct lp_deflate_engine *engine;
	enum lp_format format;
	const char *file;
	int complete;
	uint64_t max_output; /* UINT64_MAX: none */
	uint64_t max_ratio;  /* 0: none */
	uint64_t size;       /* UINT64_MAX: not known */
	struct lp_keeppoints keep;
	struct lp_bypoints by;
	int locate;
	unsigned given;      /* options, by BIT of those below */
};

/* What the loop works on. */
struct work {
	struct args *args;
	const char *name; /* of the input, for messages */
	struct lp_input in;
	uint64_t left; /* bytes of input to come, as --size has it */
	int over;      /* there are more than that */
	struct lp_inflate x;
	struct lp_writer out;
	uint64_t written; /* or on its way */
	int partial; /* 1, 0, or LP_STATS_UNKNOWN */
};

enum { OPT_ENGINE = LP_OPT_OWN, OPT_FORMAT, OPT_MAX_OUTPUT, OPT_MAX_RATIO, OPT_SIZE, OPT_POINTS, OPT_SPACING, OPT_USE_POINTS,
	OPT_RANGE, OPT_LOCATE, OPT_PART };
#define BIT(option) (1u << ((option) - LP_OPT_OWN))
enum { SPACING = 4 * 1024 * 1024, SPACING_MIN = 64 * 1024 };

/*
 * What the input may expand to: deflate cannot make more than 1032 of one
 * byte, so that no gzip layer ever meets it; zstd makes 30,000 of one, and a
 * layer of a large file of zeros needs the start.
 */
enum { MAX_RATIO = 1100 };
#define MAX_RATIO_FROM ((uint64_t)1 << 30)

static int
parse_format(const char *s, enum lp_format *out)
{
	static const enum lp_format all[] = {
		LP_FORMAT_UNDECIDED, LP_FORMAT_GZIP, LP_FORMAT_ZSTD, LP_FORMAT_PLAIN
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (lp_span_is(lp_span_str(s), lp_format_name(all[i]))) {
			*out = all[i];
			return LP_OK;
		}
	}
	return LP_E_USAGE;
}

/* Which words go together. 0, or 2 after a message. */
static int
check_args(const struct args *a)
{
	const unsigned of_whole = BIT(OPT_FORMAT) | BIT(OPT_SIZE) | BIT(OPT_POINTS);

	if (a->by.file == NULL && (a->given & (BIT(OPT_RANGE) | BIT(OPT_LOCATE) | BIT(OPT_PART))) != 0)
		return lp_opt_refuse("--range, --locate and --part belong to --use-points");
	if (a->by.file != NULL && (a->given & of_whole) != 0)
		return lp_opt_refuse("--use-points is of a part of gzip data: not with --format, --points or --size");
	if ((a->given & BIT(OPT_SPACING)) != 0 && a->keep.file == NULL)
		return lp_opt_refuse("--spacing belongs to --points");
	if (a->keep.spacing < SPACING_MIN)
		return lp_opt_refuse("--spacing is at least 64K: a point has a window of 32 KiB");
	if (a->locate && (a->file != NULL || a->by.part || a->complete ||
	    (a->given & (BIT(OPT_ENGINE) | BIT(OPT_MAX_OUTPUT) | BIT(OPT_MAX_RATIO))) != 0))
		return lp_opt_refuse("--locate reads no input");
	return a->locate ? LP_EXIT_OK : lp_opt_binary();
}

/* Options about points. 0, or 2 after a message. */
static int
parse_points(int c, struct args *a)
{
	switch (c) {
	case OPT_POINTS: a->keep.file = optarg; break;
	case OPT_USE_POINTS: a->by.file = optarg; break;
	case OPT_LOCATE: a->locate = 1; break;
	case OPT_PART: a->by.part = 1; break;
	case OPT_SPACING: return lp_opt_bytes(optarg, LP_MAX_SIZE, &a->keep.spacing);
	default:
		if (lp_range_parse(lp_span_str(optarg), &a->by.range) != LP_OK || a->by.range.suffix)
			return lp_opt_refuse("not a range (FIRST-LAST or FIRST-): %s", lp_quotes(optarg));
	}
	return LP_EXIT_OK;
}

/* 0, or 2 after a message. */
static int
parse_args(int argc, char **argv, struct args *a, struct lp_opt *opt)
{
	static const struct option options[] = {
		LP_OPT_LONG,
		{ "complete", no_argument, NULL, 'C' },
		{ "engine", required_argument, NULL, OPT_ENGINE },
		{ "format", required_argument, NULL, OPT_FORMAT },
		{ "max-output", required_argument, NULL, OPT_MAX_OUTPUT },
		{ "max-ratio", required_argument, NULL, OPT_MAX_RATIO },
		{ "size", required_argument, NULL, OPT_SIZE },
		{ "points", required_argument, NULL, OPT_POINTS },
		{ "spacing", required_argument, NULL, OPT_SPACING },
		{ "use-points", required_argument, NULL, OPT_USE_POINTS },
		{ "range", required_argument, NULL, OPT_RANGE },
		{ "locate", no_argument, NULL, OPT_LOCATE },
		{ "part", no_argument, NULL, OPT_PART },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	*a = (struct args){ .engine = lp_deflate_engine(NULL), .max_output = UINT64_MAX,
		.max_ratio = MAX_RATIO, .size = UINT64_MAX, .keep = { .spacing = SPACING }, .by = { .range = { .last = LP_RANGE_END } } };
	while ((c = lp_opt_next(opt, argc, argv, "C" LP_OPT_SHORT, options)) != -1) {
		a->given |= c >= LP_OPT_OWN ? BIT(c) : 0;
		switch (c) {
		case 'C':
			a->complete = 1;
			break;
		case OPT_ENGINE:
			a->engine = lp_deflate_engine(optarg);
			if (a->engine == NULL)
				return lp_opt_refuse("no engine of the name %s: this build has %s",
				    lp_quotes(optarg), lp_deflate_engines());
			break;
		case OPT_FORMAT:
			if (parse_format(optarg, &a->format) != LP_OK)
				return lp_opt_refuse("no format of the name %s", lp_quotes(optarg));
			break;
		case OPT_MAX_RATIO:
			if (lp_num_u64(lp_span_str(optarg), UINT32_MAX, &a->max_ratio) != LP_OK)
				return lp_opt_refuse("not a ratio: '%s'", lp_quotes(optarg));
			break;
		case OPT_MAX_OUTPUT:
		case OPT_SIZE:
			if (lp_opt_bytes(optarg, UINT64_MAX, c == OPT_SIZE ? &a->size : &a->max_output) != LP_EXIT_OK)
				return LP_EXIT_USAGE;
			break;
		case OPT_POINTS: case OPT_SPACING: case OPT_USE_POINTS: case OPT_RANGE: case OPT_LOCATE: case OPT_PART:
			if (parse_points(c, a) != LP_EXIT_OK)
				return LP_EXIT_USAGE;
			break;
		default:
			lp_opt_common(opt, c);
		}
	}
	if (argc - optind > 1)
		return lp_opt_refuse("more than one file");
	a->file = argc > optind && !lp_span_is(lp_span_str(argv[optind]), "-") ? argv[optind] : NULL;
	return check_args(a);
}

/* There is much of it: a larger pipe, and writing beside decoding. */
static void
go_faster(struct work *w)
{
	lp_pipe_grow(STDOUT_FILENO);
	/* plain bytes are the input's, and gone when more of that is read */
	if (w->x.format != LP_FORMAT_PLAIN)
		lp_writer_begin(&w->out);
}

/* Bytes that may be written for the input so far; never fewer than before. */
static uint64_t
most(const struct work *w)
{
	uint64_t n;

	if (w->args->max_ratio == 0 || lp_mul_u64(w->x.f.used, w->args->max_ratio, &n) != LP_OK ||
	    lp_add_u64(n, MAX_RATIO_FROM, &n) != LP_OK)
		return w->args->max_output;
	return n < w->args->max_output ? n : w->args->max_output;
}

/* Hand on what was decoded, as far as --max-output and --max-ratio let it. */
static int
hand_on(struct work *w)
{
	struct lp_span out = lp_bypoints_trim(&w->args->by, w->x.f.out, w->x.f.given);
	uint64_t max = most(w);
	int over = out.n > max - w->written, rc;

	if (over)
		out.n = (size_t)(max - w->written);
	rc = lp_put_said(lp_writer_put(&w->out, out));
	if (rc != LP_OK)
		return rc;
	if (w->written < LP_PIPE_GROW_BEHIND && w->written + out.n >= LP_PIPE_GROW_BEHIND)
		go_faster(w);
	w->written += out.n;
	if (!over)
		return LP_OK;
	rc = lp_put_said(lp_writer_wait(&w->out));
	if (rc != LP_OK)
		return rc;
	if (max == w->args->max_output)
		lp_err("%s: byte %" PRIu64 ": the output is longer than %" PRIu64 " bytes (--max-output)", w->name, w->x.f.used, max);
	else
		lp_err("%s: byte %" PRIu64 ": the output is more than %" PRIu64 " times as long (--max-ratio)", w->name,
		    w->x.f.used, w->args->max_ratio);
	return LP_E_LIMIT;
}

/* The input stops in the middle, or the descriptor says that more belongs to it. */
static int
preview(struct work *w)
{
	w->partial = 1;
	if (w->args->complete) {
		lp_err("%s: not complete: input ends after %" PRIu64 " bytes", w->name, w->x.f.used);
		return LP_E_ABSENT;
	}
	lp_note("%s: preview: input ends after %" PRIu64 " bytes", w->name, w->x.f.used);
	return LP_OK;
}

static int
end(struct work *w)
{
	if (w->args->size != UINT64_MAX && w->x.f.used < w->args->size && w->x.eof)
		return preview(w);
	if (w->args->by.range.first > 0 && w->args->by.range.first >= w->x.f.given) {
		lp_err("%s: the data has only %" PRIu64 " bytes", w->name, w->x.f.given);
		return LP_E_ABSENT;
	}
	/* how much a plain input should hold, only its size tells */
	if (w->x.format != LP_FORMAT_PLAIN || w->args->size != UINT64_MAX)
		w->partial = 0;
	lp_detail("%s: %s, %" PRIu64 " members, %" PRIu64 " bytes in, %" PRIu64 " bytes out, engine %s",
	    w->name, lp_format_name(w->x.format), w->x.f.members, w->x.f.used, w->written,
	    w->args->engine->name);
	return lp_keeppoints_end(&w->args->keep, &w->x, w->name);
}

static int
input_failed(const struct work *w)
{
	lp_err_errno("%s", w->name);
	return LP_E_SYS;
}

/*
 * More input: 1, 0 at its end, or a failure that was said. What is beyond
 * --size is told when everything before it has been written.
 */
static int
more(struct work *w, struct lp_span *in)
{
	int got = 1;

	if (!w->over) {
		got = lp_input_next(&w->in, in);
		if (got < 0)
			return got == LP_E_PIPE ? got : input_failed(w);
		*in = lp_bypoints_input(&w->args->by, *in);
		w->over = in->n > w->left;
		in->n = w->over ? (size_t)w->left : in->n;
		w->left -= in->n;
	}
	if (!w->over || in->n > 0)
		return got;
	lp_err("%s: byte %" PRIu64 ": the input is longer than its stated size (--size)", w->name,
	    w->args->size);
	return LP_E_DATA;
}

/* What comes of it, told when all that was good is out. */
static int
verdict(struct work *w, enum lp_inflate_event ev)
{
	int rc = lp_put_said(lp_writer_wait(&w->out));

	if (rc != LP_OK)
		return rc;
	if (ev == LP_INFLATE_PREVIEW)
		return preview(w);
	if (ev == LP_INFLATE_END)
		return end(w);
	lp_err("%s: byte %" PRIu64 ": %s", w->name, w->x.f.at, w->x.f.why);
	return w->x.f.status;
}

/* Until the input ends, one way or another. */
static int
inflate_all(struct work *w)
{
	struct lp_span in = lp_span(NULL, 0);
	int rc = LP_OK, got = 1;

	while (rc == LP_OK) {
		enum lp_inflate_event ev = got > 0 ? lp_inflate_next(&w->x, &in) : lp_inflate_eof(&w->x);

		switch (ev) {
		case LP_INFLATE_MORE:
			got = more(w, &in);
			if (got < 0)
				return got;
			/* nothing, as stated */
			if (got == 0 && w->args->size == 0)
				return end(w);
			break;
		case LP_INFLATE_OUTPUT:
			rc = hand_on(w);
			if (rc == LP_OK && lp_bypoints_is_done(&w->args->by, w->x.f.given))
				return lp_put_said(lp_writer_wait(&w->out));
			break;
		case LP_INFLATE_POINT:
			rc = lp_keeppoints_add(&w->args->keep, &w->x);
			break;
		case LP_INFLATE_MEMBER:
			break;
		case LP_INFLATE_WARNING:
			lp_note("%s: byte %" PRIu64 ": %s", w->name, w->x.f.at, w->x.f.why);
			break;
		case LP_INFLATE_PREVIEW:
		case LP_INFLATE_END:
		case LP_INFLATE_ERROR:
			return verdict(w, ev);
		}
	}
	return rc;
}

/* stdin, or the file, and those of points; from here on under the lock. */
static int
open_files(struct work *w)
{
	int rc = lp_bypoints_open(&w->args->by);

	if (rc == LP_OK && !w->args->locate) {
		rc = lp_input_operand(&w->in, w->args->file, &w->name);
		w->in.reader = STDOUT_FILENO;
	}
	rc = rc != LP_OK ? rc : lp_keeppoints_open(&w->args->keep, w->in.fd);
	return rc == LP_OK ? lp_lock(LP_DUTY_THREADED) : rc;
}

/* All of the input, or a range of what it decodes to. */
static int
decode(struct work *w)
{
	int rc = LP_OK;

	lp_keeppoints_begin(&w->args->keep, &w->x);
	if (w->args->by.file != NULL)
		rc = lp_bypoints_read(&w->args->by);
	if (rc == LP_OK && w->args->locate)
		return lp_bypoints_locate(&w->args->by);
	if (rc == LP_OK && w->args->by.file != NULL)
		rc = lp_bypoints_begin(&w->args->by, &w->x, &w->in, w->name);
	return rc == LP_OK ? inflate_all(w) : rc;
}

static int
work(struct args *a, struct lp_stats *stats)
{
	struct work w = { .args = a, .left = a->size, .partial = LP_STATS_UNKNOWN, .in = { .null = -1 } };
	int rc;

	lp_writer_init(&w.out, STDOUT_FILENO);
	lp_keeppoints_init(&a->keep);
	rc = open_files(&w);
	lp_inflate_init(&w.x, a->format, a->engine);
	if (rc == LP_OK)
		rc = decode(&w);
	lp_writer_release(&w.out);
	lp_inflate_release(&w.x);
	lp_input_release(&w.in);
	lp_keeppoints_release(&a->keep);
	lp_bypoints_release(&a->by);

	stats->source = a->file;
	stats->size = a->size <= INT64_MAX ? (int64_t)a->size : LP_STATS_UNKNOWN;
	stats->bytes_decompressed = (int64_t)w.written;
	stats->partial = w.partial;
	return lp_exit_of(rc);
}

int
main(int argc, char **argv)
{
	struct lp_opt opt = { .usage = usage, .help = help };
	struct lp_stats stats;
	struct args args;
	int status;

	lp_opt_start(argv, "lp-inflate");
	status = parse_args(argc, argv, &args, &opt);
	if (status != LP_EXIT_OK)
		return status;
	status = lp_start(&stats, opt.stats);
	if (status != LP_EXIT_OK)
		return status;
	return lp_finish(&stats, work(&args, &stats));
}
