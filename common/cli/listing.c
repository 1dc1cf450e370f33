/* The options and the row output that lp-tarls and lp-toc share. */
#include "common/cli/listing.h"

#include "common/base/glob.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

/* Rows are written in pieces of this size; one row may be larger. */
enum { PIECE = 64 * 1024 };

void
lp_listing_init(struct lp_listing *l)
{
	*l = (struct lp_listing){ .count = UINT64_MAX };
	lp_rowfmt_init(&l->fmt);
	lp_buf_init(&l->out, PIECE + LP_MAX_ROW);
	lp_buf_init(&l->scratch, LP_MAX_PATH + 1);
}

void
lp_listing_release(struct lp_listing *l)
{
	lp_buf_release(&l->out);
	lp_buf_release(&l->scratch);
}

static int
columns(struct lp_listing *l)
{
	struct lp_span bad;

	if (lp_rowfmt_columns(&l->fmt, lp_span_str(optarg), &bad) != LP_OK)
		return lp_opt_refuse("no such column, or given twice: '%s'", lp_quote(bad));
	l->columns = optarg;
	return LP_EXIT_OK;
}

static int
pattern(struct lp_listing *l)
{
	if (l->nglobs == LP_LISTING_GLOBS)
		return lp_opt_refuse("more than %d times -m", LP_LISTING_GLOBS);
	lp_glob_trim(optarg);
	l->glob[l->nglobs++] = optarg;
	return LP_EXIT_OK;
}

int
lp_listing_option(struct lp_listing *l, struct lp_opt *opt, int c)
{
	int rc = LP_EXIT_OK;

	switch (c) {
	case 'j': l->fmt.form = LP_ROW_NDJSON; break;
	case 'l': l->fmt.form = LP_ROW_LONG; break;
	case 'o': rc = columns(l); break;
	case 'H': l->header = 1; break;
	case '0': l->fmt.nul = 1; break;
	case 'E': l->end = 1; break;
	case 'C': l->complete = 1; break;
	case 'm': rc = pattern(l); break;
	case 'i': l->any_case = 1; break;
	case 'n':
		if (lp_num_u64(lp_span_str(optarg), UINT64_MAX, &l->count) != LP_OK || l->count == 0)
			rc = lp_opt_refuse("not a count: '%s'", lp_quotes(optarg));
		break;
	default:
		lp_opt_common(opt, c);
		return LP_EXIT_OK;
	}
	l->given = 1;
	return rc;
}

int
lp_listing_check(const struct lp_listing *l)
{
	if (l->any_case && l->nglobs == 0)
		return lp_opt_refuse("-i is about the patterns of -m: not without one");
	if (l->fmt.form == LP_ROW_TSV)
		return 0;
	if (l->columns != NULL)
		return lp_opt_refuse("-o chooses columns of TSV: not with -j or -l");
	if (l->header)
		return lp_opt_refuse("-H names columns of TSV: not with -j or -l");
	if (l->fmt.nul)
		return lp_opt_refuse("-0 is for TSV: not with -j or -l");
	if (l->end && l->fmt.form == LP_ROW_LONG)
		return lp_opt_refuse("-l has no end record: not with -E");
	return 0;
}

/* What failed in memory is said here, once for all callers. */
static int
said(const struct lp_listing *l, int rc)
{
	if (rc == LP_E_LIMIT && l->held)
		return LP_LISTING_FULL;
	if (rc == LP_E_LIMIT)
		lp_err("a row is longer than the limit of %u bytes", LP_MAX_ROW);
	else if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	return rc;
}

void
lp_listing_hold(struct lp_listing *l)
{
	l->held = 1;
	l->out.max = LP_MAX_HELD_ROWS;
}

void
lp_listing_take_back(struct lp_listing *l)
{
	lp_buf_release(&l->out);
	l->held = 0;
	l->out.max = PIECE + LP_MAX_ROW;
	l->entries = 0;
	l->cut = 0;
	l->left_out = 0;
}

int
lp_listing_flush(struct lp_listing *l)
{
	if (l->failed == LP_OK)
		l->failed = lp_put_lines(lp_buf_span(&l->out), l->fmt.form == LP_ROW_NDJSON);
	lp_buf_clear(&l->out);
	return l->failed;
}

int
lp_listing_begin(struct lp_listing *l)
{
	return l->header ? said(l, lp_row_header(&l->fmt, &l->out)) : LP_OK;
}

int
lp_listing_entry(struct lp_listing *l, const struct lp_entry *e)
{
	int rc;

	if (l->nglobs > 0) {
		rc = lp_glob_any(l->glob, l->nglobs, l->any_case, e->name, &l->scratch);
		l->left_out |= rc == 0 && !l->is_query;
		if (rc <= 0)
			return said(l, rc);
	}
	rc = lp_listing_wants(l);
	if (rc != LP_OK)
		return rc;
	rc = lp_row_write(&l->fmt, e, &l->out);
	return rc != LP_OK ? said(l, rc) : lp_listing_wrote(l);
}

int
lp_listing_wants(struct lp_listing *l)
{
	if (l->entries < l->count)
		return LP_OK;
	l->cut = 1;
	return LP_LISTING_ENOUGH;
}

int
lp_listing_wrote(struct lp_listing *l)
{
	l->entries++;
	return l->out.n >= PIECE && !l->held ? lp_listing_flush(l) : LP_OK;
}

int
lp_listing_end(struct lp_listing *l, const struct lp_rowend *what)
{
	struct lp_rowend end = *what;
	int rc;

	end.entries = l->entries;
	end.layer = l->layer;
	if (l->left_out && end.complete != LP_COMPLETE_NO)
		end.reason = lp_span_str("-m left rows out");
	if (l->cut || l->left_out)
		end.complete = LP_COMPLETE_NO;
	rc = l->held ? lp_listing_flush(l) : LP_OK;
	if (l->end && rc == LP_OK)
		rc = said(l, lp_row_end(&l->fmt, &end, &l->out));
	return rc == LP_OK ? lp_listing_flush(l) : rc;
}
