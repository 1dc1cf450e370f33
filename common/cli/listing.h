/*
 * What the programs that list members share (lp-tarls, lp-toc): the options
 * that say which rows and in which form, and the rows on their way to
 * stdout.
 *
 *	lp_listing_init(&l);
 *	... lp_opt_next with LP_LISTING_SHORT and LP_LISTING_LONG:
 *	default: rc = lp_listing_option(&l, &opt, c);
 *	lp_listing_check(&l)
 *	lp_listing_begin(&l)
 *	while (...)
 *		rc = lp_listing_entry(&l, &entry);
 *	lp_listing_end(&l, &end)
 *	lp_listing_release(&l);
 *
 * Rows are gathered in memory; whoever is about to wait for more input
 * calls lp_listing_flush first, so that a listing is never behind its input.
 */
#ifndef LP_CLI_LISTING_H
#define LP_CLI_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/cli/opt.h"
#include "common/row/row.h"

#define LP_LISTING_SHORT "ijlo:H0ECm:n:"
#define LP_LISTING_LONG                                   \
	{ "json", no_argument, NULL, 'j' },               \
	{ "long", no_argument, NULL, 'l' },               \
	{ "columns", required_argument, NULL, 'o' },      \
	{ "header", no_argument, NULL, 'H' },             \
	{ "null", no_argument, NULL, '0' },               \
	{ "end", no_argument, NULL, 'E' },                \
	{ "complete", no_argument, NULL, 'C' },           \
	{ "match", required_argument, NULL, 'm' },        \
	{ "ignore-case", no_argument, NULL, 'i' },        \
	{ "count", required_argument, NULL, 'n' }
#define LP_LISTING_USAGE "[-0CEHijl] [-m GLOB] [-n COUNT] [-o COLUMNS]"
#define LP_LISTING_HELP                                                          \
	"  -j, --json               NDJSON: one object a line\n"                \
	"  -l, --long               like ls -l, for eyes\n"                     \
	"  -o, --columns=LIST       which columns, comma-separated\n"           \
	"  -H, --header             the columns' names first\n"                 \
	"  -0, --null               end records with NUL, escape no names\n"    \
	"  -E, --end                an end record last\n"                       \
	"  -C, --complete           an incomplete listing is exit 4\n"          \
	"  -m, --match=GLOB         only names that match (may be repeated)\n"  \
	"  -i, --ignore-case        -m: a small letter is a capital, too\n"    \
	"  -n, --count=COUNT        stop after COUNT rows\n"

enum { LP_LISTING_GLOBS = 64 };

/* One row more than -n wants, or than can be held: not a failure. */
enum { LP_LISTING_ENOUGH = 1, LP_LISTING_FULL };

struct lp_listing {
	/* from the command line */
	struct lp_rowfmt fmt;
	int header;
	int end;
	int complete; /* -C: the caller's to act upon */
	uint64_t count; /* UINT64_MAX: all */
	const char *glob[LP_LISTING_GLOBS];
	size_t nglobs;
	int any_case;        /* -i */
	const char *columns; /* the -o that was seen, or NULL */
	int given;           /* one of these options was */

	struct lp_span layer; /* label for the end record; may be set by the caller */
	uint64_t entries;     /* rows written so far */
	int cut;              /* -n was reached, and there was, or may have been, another row */
	int left_out;         /* -m left a row out, and so of a layer */
	int is_query;         /* the caller's: rows are an answer and no layer's listing, which -m leaves as complete as what was asked */
	int held;             /* lp_listing_hold */
	int failed;           /* what came of a write that failed: said once, every later one answers the same */

	struct lp_buf out;
	struct lp_buf scratch;
};

void lp_listing_init(struct lp_listing *);
void lp_listing_release(struct lp_listing *);

/*
 * One option as getopt_long gave it (with optarg), be it one of these or one
 * that all programs have (lp_opt_common). 0, or 2 after a message.
 */
int lp_listing_option(struct lp_listing *, struct lp_opt *, int c);

/* Behind the last option: those that exclude each other. 0, or 2 after a message. */
int lp_listing_check(const struct lp_listing *);

/*
 * The header row, if it was asked for. These five return LP_OK, LP_E_PIPE
 * when the reader has gone, LP_E_SYS (said), LP_E_LIMIT, LP_E_NOMEM (said).
 */
int lp_listing_begin(struct lp_listing *);
/*
 * One row, if the entry is wanted. Also LP_LISTING_ENOUGH: there were enough before it; and
 * LP_LISTING_FULL: no more rows can be held, and this one was not written.
 */
int lp_listing_entry(struct lp_listing *, const struct lp_entry *);
/*
 * Whether another row is wanted: LP_OK, or LP_LISTING_ENOUGH, and the listing
 * is cut off. For who writes rows itself, or does not wait for the next one.
 */
int lp_listing_wants(struct lp_listing *);
/* One row that the caller has written after l->out itself, in the form that l->fmt says. */
int lp_listing_wrote(struct lp_listing *);
/* From now on rows are held until lp_listing_flush or lp_listing_end, up to LP_MAX_HELD_ROWS bytes, */
void lp_listing_hold(struct lp_listing *);
/* and those that are may be taken back: nothing was listed yet, and what comes is not held. */
void lp_listing_take_back(struct lp_listing *);
/* What was gathered, out. */
int lp_listing_flush(struct lp_listing *);
/*
 * The end record, if it was asked for, and everything out. The entries are
 * those written, and not complete where -n has cut them off, or -m has left
 * one of a layer's out; the layer is the listing's. The rest is what the caller says.
 */
int lp_listing_end(struct lp_listing *, const struct lp_rowend *);

#endif
