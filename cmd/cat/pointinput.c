/* Reads places of a gzip layer's tar, each decoded from the last point before it. */
#include "cmd/cat/pointinput.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

static int bring(void *, struct lp_span *);

int
lp_pointinput_open(struct lp_pointinput *p, const char *pointfile, const char *source, const char *const *args, size_t nargs)
{
	int rc;

	*p = (struct lp_pointinput){ .name = source, .fetcher = { .pid = -1 } };
	lp_input_by(&p->input, bring, p);
	lp_inflate_init(&p->inflate, LP_FORMAT_GZIP, lp_deflate_engine(NULL));
	rc = lp_pointsread_open(&p->read, pointfile);
	if (rc == LP_OK && (p->room = malloc(LP_IO_CHUNK)) == NULL) {
		lp_err("out of memory");
		rc = LP_E_NOMEM;
	}
	if (rc == LP_OK && (rc = lp_fetcher_start(&p->fetcher, source, args, nargs)) != LP_OK)
		lp_err_errno("cannot start lp-fetch");
	return rc;
}

void
lp_pointinput_release(struct lp_pointinput *p)
{
	if (p->fetcher.pid > 0)
		(void)lp_fetcher_end(&p->fetcher);
	lp_inflate_release(&p->inflate);
	lp_pointsread_release(&p->read);
	free(p->room);
}

int
lp_pointinput_read(struct lp_pointinput *p)
{
	return lp_pointsread(&p->read);
}

void
lp_pointinput_seek(struct lp_pointinput *p, uint64_t at)
{
	p->at = p->want = at;
}

void
lp_pointinput_want(struct lp_pointinput *p, uint64_t end)
{
	p->want = end;
}

/* ---- the layer's bytes --------------------------------------------------------- */

/* Where a range ends that has all that is known to be wanted, and something. */
static uint64_t
end_of_range(const struct lp_pointinput *p)
{
	const struct lp_points *points = &p->read.points;
	const struct lp_point *end = lp_points_behind(points, p->want > p->at ? p->want : p->at + 1);

	while (end != NULL && end < points->v + points->n && end->in <= p->asked)
		end++;
	return end != NULL && end < points->v + points->n ? end->in : points->in;
}

static int
ask(struct lp_pointinput *p)
{
	const uint64_t end = end_of_range(p);

	if (end <= p->asked) {
		lp_err("%s: byte %" PRIu64 ": the layer ends before what is wanted of it", lp_quotes(p->name), p->asked);
		return LP_E_DATA;
	}
	if (lp_fetcher_ask(&p->fetcher, p->asked, end - 1) != LP_OK) {
		lp_err_errno("lp-fetch");
		return LP_E_SYS;
	}
	p->asked = end;
	return LP_OK;
}

/* How lp-fetch failed it has said itself. */
static int
cut_off(const struct lp_pointinput *p)
{
	if (p->fetcher.code != LP_EXIT_OK) {
		lp_err_said("lp-fetch failed");
		return p->fetcher.code == LP_EXIT_DATA ? LP_E_DATA : p->fetcher.code == LP_EXIT_ABSENT ? LP_E_ABSENT : LP_E_NET;
	}
	lp_err("%s: byte %" PRIu64 ": lp-fetch brought less than was asked for", lp_quotes(p->name), p->came);
	return LP_E_DATA;
}

/* Some more of what was asked for. LP_OK or a failure. */
static int
fetch(struct lp_pointinput *p)
{
	ptrdiff_t n = lp_fetcher_read(&p->fetcher, p->room, LP_IO_CHUNK);

	if (n < 0)
		lp_err_errno("lp-fetch");
	if (n <= 0)
		return n < 0 ? LP_E_NET : cut_off(p);
	p->in = lp_span(p->room, (size_t)n);
	p->came += (uint64_t)n;
	return LP_OK;
}

/* What was asked for is read to its end: who fetches it waits for that. */
static int
drain(struct lp_pointinput *p)
{
	int rc = LP_OK;

	while (rc == LP_OK && p->came < p->asked)
		rc = fetch(p);
	return rc;
}

/* ---- the tar's bytes ----------------------------------------------------------- */

/* Decoding begins at the last point before what is wanted, unless it goes on from before that to there sooner. */
static int
begin(struct lp_pointinput *p)
{
	const struct lp_point *from = lp_points_before(&p->read.points, p->at);
	int rc;

	if (from == NULL) {
		lp_err("%s: no point at or before byte %" PRIu64, p->read.name, p->at);
		return LP_E_ABSENT;
	}
	if (p->begun && p->inflate.f.given <= p->at && p->inflate.f.given >= from->out)
		return LP_OK;
	rc = drain(p);
	if (rc != LP_OK)
		return rc;
	lp_inflate_release(&p->inflate);
	lp_inflate_init(&p->inflate, LP_FORMAT_GZIP, lp_deflate_engine(NULL));
	p->begun = 1;
	p->in = lp_span("", 0);
	p->asked = p->came = lp_point_first(from);
	rc = lp_inflate_resume(&p->inflate, from);
	if (rc != LP_OK)
		lp_err("out of memory");
	return rc;
}

/* One event of the parser: 1 with output, LP_OK to go on, or a failure that was said. */
static int
step(struct lp_pointinput *p)
{
	switch (lp_inflate_next(&p->inflate, &p->in)) {
	case LP_INFLATE_OUTPUT:
		return 1;
	case LP_INFLATE_MEMBER:
	case LP_INFLATE_POINT: /* not asked for */
		return LP_OK;
	case LP_INFLATE_MORE:
		if (p->came == p->asked) {
			int rc = ask(p);

			if (rc != LP_OK)
				return rc;
		}
		return fetch(p);
	default:
		lp_err("%s: byte %" PRIu64 ": %s", lp_quotes(p->name), p->inflate.f.at,
		    p->inflate.f.why != NULL ? p->inflate.f.why : "the data ends");
		return p->inflate.f.status != LP_OK ? p->inflate.f.status : LP_E_DATA;
	}
}

/* For lp_input_next: bytes of the tar from `at` on. */
static int
bring(void *arg, struct lp_span *out)
{
	struct lp_pointinput *p = arg;
	int rc = begin(p);

	*out = lp_span("", 0);
	while (rc == LP_OK && out->n == 0) {
		rc = step(p);
		if (rc != 1)
			continue;
		*out = p->inflate.f.out;
		/* what comes before the place */
		if (p->inflate.f.given <= p->at)
			out->n = 0;
		else if (p->inflate.f.given - p->at < out->n)
			lp_span_take(out, out->n - (size_t)(p->inflate.f.given - p->at));
		rc = LP_OK;
	}
	p->at += out->n;
	return rc != LP_OK ? rc : 1;
}
