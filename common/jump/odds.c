/*
 * The odds of where a body ends.
 *
 * How many bytes of tar come before place x of the input is estimated from
 * the windows in front of x: each shows how far its own bytes expand; of the
 * gaps between them half is like the windows beside, half like all of them.
 * That estimate against what the header has said the rest is gives the
 * density, with long tails: a Student's t of five degrees, for estimates of this kind are
 * wrong in ways that their spread does not show. Beside it 1 in 20 is spread
 * evenly. Windows then rule places out: behind a header, or inside a window.
 *
 * The constants were measured over layers of Debian packages, with windows of 32 KiB.
 */
#include "common/jump/odds.h"

enum { SAMPLE_LEAST = 8 * 1024 }; /* bytes of input */

static const double local = 0.65;      /* the share of a gap that is like the windows beside it */
static const double even = 0.05;       /* of all mass */
static const double header_every = 40000; /* bytes of input to the first header that is seen, on average */
static const double no_header = 0.5;  /* that a window behind the end shows no header; of more, each */
static const double nor_another = 0.9;
static const double never_below = 0.2;
static const double sd_least = 3000;   /* bytes of tar, and */
static const double sd_share = 0.01;   /* of what is in front */

/* What windows inside the body say of it as a whole. */
struct body_model {
	const struct lp_jump_question *q;
	double mean;     /* bytes of tar for a byte of input, and */
	double variance; /* of windows */
};

/* Whether it says how the body expands: no header is in it, and it is no rest of a block. */
static int
is_sample(const struct lp_jump_window *w)
{
	return w->landed && w->kind == LP_TARFIND_NONE && w->symbols > 0 && w->n - (size_t)(w->bit / 8) >= SAMPLE_LEAST;
}

static double
expands(const struct lp_jump_window *w)
{
	return (double)w->symbols / (double)(w->n - (size_t)(w->bit / 8));
}

static struct body_model
make_model(const struct lp_jump_question *q)
{
	struct body_model m = { .q = q };
	double expected = 1 / q->ratio, weight = 0, spread = q->sd * expected;

	for (size_t i = 0; i < q->windows; i++) {
		if (!is_sample(&q->window[i]))
			continue;
		m.mean += expands(&q->window[i]);
		weight++;
	}
	/* half a sample's worth of what was expected, while there are few */
	if (weight < 3) {
		m.mean += 0.5 * expected;
		weight += 0.5;
	}
	m.mean /= weight;
	for (size_t i = 0; i < q->windows; i++) {
		double d = is_sample(&q->window[i]) ? expands(&q->window[i]) - m.mean : 0;

		m.variance += d * d;
	}
	spread = spread < 0.35 * m.mean ? spread : 0.35 * m.mean;
	m.variance = (m.variance + 2 * spread * spread) / (weight + 2);
	return m;
}

/* The estimate, carried along from place to place. */
struct estimate {
	double at;       /* place, the end of what was sampled last */
	double mean;     /* bytes of tar in front of it */
	double variance;
	double last;     /* how the last sample expands; 0: there was none */
	size_t next;     /* window */
};

/* Take in the windows that begin in front of x. */
static void
advance(struct estimate *e, const struct body_model *m, double x)
{
	for (; e->next < m->q->windows; e->next++) {
		const struct lp_jump_window *w = &m->q->window[e->next];
		double first = (double)lp_jump_first(w), n, gap, beside;

		if (!is_sample(w))
			continue;
		if (first > x)
			return;
		n = (double)(w->at + w->n) - first;
		gap = first - e->at;
		beside = e->last > 0 ? (e->last + expands(w)) / 2 : expands(w);
		e->mean += gap * (local * beside + (1 - local) * m->mean) + n * expands(w);
		e->variance += m->variance * (0.12 * gap * gap + 0.45 * (gap + n) * (gap + n) / 4);
		e->at = first + n;
		e->last = expands(w);
	}
}

/* How likely the body ends at x, for a byte there. */
static double
density(const struct estimate *e, const struct body_model *m, double x)
{
	double gap = x - e->at, expand, sd, far, variance, z2;

	if (e->last > 0) {
		far = 0.35 + (gap > 0 ? gap : 0) / 1e6;
		expand = 0.6 * e->last + 0.4 * m->mean;
		sd = 0.75 * lp_jump_root(m->variance) * (far < 1 ? far : 1) * (gap > 0 ? gap : 0);
	} else {
		expand = 1 / m->q->ratio;
		sd = m->q->sd * expand * gap;
	}
	variance = e->mean * sd_share;
	variance = e->variance + sd * sd + sd_least * sd_least + variance * variance;
	z2 = ((double)m->q->rest - e->mean - gap * expand);
	z2 = z2 * z2 / variance;
	/* what the factor before it makes one is 0.38 */
	return 0.38 * expand / (lp_jump_root(variance) * (1 + z2 / 5) * (1 + z2 / 5) * (1 + z2 / 5));
}

/* What one window says of an end at x, which is not the header that it shows. */
static double
window_says(const struct lp_jump_window *w, double x, double *silent)
{
	if (!w->landed)
		return 1;
	if (x <= (double)lp_jump_first(w)) {
		if (w->kind != LP_TARFIND_NONE)
			return 1 - no_header;
		*silent = *silent == 1 ? no_header : *silent * nor_another;
		return 1;
	}
	if (w->kind == LP_TARFIND_NONE)
		return x > (double)(w->at + w->n) ? 1 : x <= (double)(w->at + w->early) ? 0.03 : 0.003;
	return x <= (double)(w->at + w->header) ? 0.02 : 1e-5;
}

/* Whether a window has looked at x. */
static int
is_seen(const struct lp_jump_question *q, double x)
{
	for (size_t i = 0; i < q->windows; i++) {
		const struct lp_jump_window *w = &q->window[i];
		size_t n = w->kind == LP_TARFIND_NONE ? w->n : w->header;

		if (w->landed && x > (double)lp_jump_first(w) && x <= (double)(w->at + n))
			return 1;
	}
	return 0;
}

/* What all windows, but one, say. */
static double
evidence(const struct lp_jump_question *q, double x, size_t but)
{
	double says = 1, silent = 1;

	for (size_t i = 0; i < q->windows; i++)
		if (i != but)
			says *= window_says(&q->window[i], x, &silent);
	return says * (silent > never_below ? silent : never_below);
}

static double
prior(const struct lp_jump_odds *o, const struct estimate *e, const struct body_model *m, double x)
{
	return (1 - even) * density(e, m, x) + even / o->range;
}

static void
weigh_header(struct lp_jump_odds *o, const struct body_model *m, size_t i)
{
	const struct lp_jump_window *w = &m->q->window[i];
	struct estimate e = { .at = (double)m->q->from };
	double x = (double)(w->at + w->header), in_front = o->before;

	o->weight[i] = 0;
	if (!w->landed || w->kind < LP_TARFIND_UNSETTLED)
		return;
	advance(&e, m, x);
	/* the longer nothing came, the longer it may last: behind the end is another large body */
	o->weight[i] = prior(o, &e, m, x) * evidence(m->q, x, i) * w->ending *
	    (header_every + 2 * (x - (double)lp_jump_first(w)));
	o->all += o->weight[i];
	if (o->weight[i] <= o->weight[o->best] && i != o->best)
		return;
	for (size_t k = 0; k < o->cells && o->from + o->step * (double)k < (double)lp_jump_first(w); k++)
		in_front += o->mass[k];
	o->best = i;
	o->odds = o->weight[i] / (in_front + 1e-12);
}

/* The mass of all places from one to another, over cells of 1 KiB or more. */
static void
weigh_places(struct lp_jump_odds *o, const struct body_model *m, double from, double to)
{
	struct estimate e = { .at = (double)m->q->from };

	o->from = from;
	o->step = (to - from) / LP_JUMP_GRID > 1024 ? (to - from) / LP_JUMP_GRID : 1024;
	o->cells = (size_t)((to - from) / o->step);
	o->total = 0;
	o->unseen = 0;
	for (size_t i = 0; i < o->cells; i++) {
		double x = from + o->step * ((double)i + 0.5), says, likely;

		advance(&e, m, x);
		says = evidence(m->q, x, SIZE_MAX) * o->step;
		likely = density(&e, m, x);
		o->mass[i] = ((1 - even) * likely + even / o->range) * says;
		o->total += o->mass[i];
		/* what to read next is not decided by what nothing speaks for */
		o->open[i] = is_seen(m->q, x) ? 0 : (likely + even / 20 / o->range) * says;
		o->unseen += o->open[i];
	}
}

void
lp_jump_weigh(struct lp_jump_odds *o, const struct lp_jump_question *q)
{
	struct body_model m = make_model(q);
	double low, high;

	o->range = (double)(q->to - q->from);
	o->before = 0;
	weigh_places(o, &m, (double)q->from, (double)q->to);
	/* a large body's cells are larger than windows: again, where it matters */
	low = (double)lp_jump_quantile(o, 0.002) - o->step;
	high = (double)lp_jump_quantile(o, 0.998) + o->step;
	low = low > (double)q->from ? low : (double)q->from;
	high = high < (double)q->to ? high : (double)q->to;
	for (size_t i = 0; i < o->cells && o->from + o->step * (double)i < low; i++)
		o->before += o->mass[i];
	if (o->step > 1024)
		weigh_places(o, &m, low, high);
	else
		o->before = 0;
	o->all = o->total;
	o->best = 0;
	o->odds = 0;
	for (size_t i = 0; i < q->windows; i++)
		weigh_header(o, &m, i);
}

uint64_t
lp_jump_quantile(const struct lp_jump_odds *o, double share)
{
	double want = share * o->unseen;
	size_t i = 0;

	for (; i + 1 < o->cells && want > o->open[i]; i++)
		want -= o->open[i];
	return (uint64_t)(o->from + o->step * ((double)i + 0.5));
}
