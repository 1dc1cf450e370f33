/* Prints the summary line: what was fetched, of how much, and how complete it is. */
#include "cmd/peek/peek_priv.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/view/human.h"

/* What there is of each image, added up; a layer that both share counts once. */
struct sums {
	size_t layers, previews;
	size_t claims[LP_PEEK_IMAGES]; /* each image's */
	uint64_t size, fetched; /* of their bytes */
};

static struct sums
add_up(const struct lp_peek *p)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];
			uint64_t size = l->size > 0 ? (uint64_t)l->size : 0;
			uint64_t fetched = (uint64_t)l->bytes_downloaded;

			if (l->same != NULL || l->rows < 0)
				continue;
			s.layers++;
			s.previews += !lp_peek_is_whole(l) && !l->look_only;
			s.claims[i] += l->complete == LP_COMPLETE_INFERRED;
			s.size += size;
			/* a byte that came twice, after a connection broke, is one byte of the layer */
			s.fetched += fetched < size ? fetched : size;
		}
	return s;
}

/* What came of it, for who watches. Manifests are in neither sum: -j and the statistics have what they cost. */
static void
closing_line(const struct lp_peek *p, const struct sums *s)
{
	char count[LP_HUMAN_MAX + 1], got[LP_HUMAN_MAX + 1], all[LP_HUMAN_MAX + 1], share[LP_HUMAN_MAX + 1];

	*lp_human_count(count, p->entries > 0 ? (uint64_t)p->entries : 0) = '\0';
	*lp_human_bytes(got, s->fetched) = '\0';
	*lp_human_bytes(all, s->size) = '\0';
	*lp_human_percent(share, s->fetched, s->size) = '\0';
	if (p->entries < 0 || p->out.left)
		lp_note("%zu layer%s; fetched %s of %s (%s)", s->layers, s->layers == 1 ? "" : "s", got, all, share);
	else
		lp_note("%zu layer%s, %s entr%s, %s; fetched %s of %s (%s)", s->layers, s->layers == 1 ? "" : "s",
		    count, p->entries == 1 ? "y" : "ies", s->previews > 0 ? "preview" : "complete", got, all, share);
}

static void
say_preview(const struct lp_peek *p, const struct sums *s, void (*say)(const char *, ...))
{
	struct lp_buf rest;
	int any;

	lp_buf_init(&rest, LP_MAX_PATH);
	if (!p->o->complete && lp_peek_rest(p, &rest) != LP_OK)
		lp_buf_clear(&rest);
	any = rest.n > 0 && lp_buf_cstr(&rest) != NULL;
	say("preview: of %zu layer%s, %zu %s not listed to the end%s%s%s", s->layers, s->layers == 1 ? "" : "s", s->previews,
	    s->previews == 1 ? "is" : "are", any ? " (" : "", any ? lp_buf_cstr(&rest) : "", any ? ")" : "");
	lp_buf_release(&rest);
}

/* Which layers were listed without a byte of theirs, and for how many. */
static void
say_tables(const struct lp_peek *p)
{
	char cost[LP_HUMAN_MAX + 1], all[LP_HUMAN_MAX + 1];
	uint64_t bytes = 0, size = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];

			if (!l->by_table || l->same != NULL)
				continue;
			n++;
			bytes += (uint64_t)l->table_size;
			size += (uint64_t)l->size;
		}
	if (n == 0)
		return;
	*lp_human_bytes(cost, bytes) = '\0';
	*lp_human_bytes(all, size) = '\0';
	lp_note("%zu layer%s listed by the tables of contents of a SOCI index: %s in place of %s", n, n == 1 ? " is" : "s are", cost, all);
}

void
lp_peek_summary(struct lp_peek *p)
{
	struct sums s = add_up(p);
	int failed = p->o->complete && s.previews > 0;
	/* where nothing else has failed, this is why the exit code is not 0 */
	void (*say)(const char *, ...) = failed && p->exit == LP_EXIT_OK ? lp_err : lp_note;

	if (lp_tty_is(2))
		closing_line(p, &s);
	/* whoever read on no further knows that there is more, and wanted no more of it */
	if (p->out.left)
		return;
	/* who reads a pipe must know that more is there */
	if (s.previews > 0 && (!lp_tty_is(2) || say == lp_err))
		say_preview(p, &s, say);
	if (failed)
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	say_tables(p);
	/* of two images each has an origin of its own */
	for (size_t i = 0; i < p->nimages; i++)
		if (s.claims[i] > 0)
			lp_note("%zu layer%s complete by what %s claims: no digest was compared", s.claims[i],
			    s.claims[i] == 1 ? " is" : "s are", lp_quotes(p->image[i].origin));
	if (p->ratelimit_remaining >= 0 && p->ratelimit_remaining <= LP_PEEK_LOW_LIMIT)
		lp_note("the registry's rate limit leaves %lld more manifests", (long long)p->ratelimit_remaining);
}
