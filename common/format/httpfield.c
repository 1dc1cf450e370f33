#include "common/format/httpfield.h"

#include "common/base/num.h"
#include "common/base/status.h"

/* Days from 1970-01-01 to the first of March of year y, in the Gregorian calendar. */
static int64_t
days_to_march(int64_t y)
{
	return y * 365 + y / 4 - y / 100 + y / 400 - 719468;
}

/* Exactly `digits` digits at the front, with a value from lo to hi. */
static int
number(struct lp_span *s, size_t digits, uint64_t lo, uint64_t hi, int64_t *out)
{
	uint64_t v;

	if (s->n < digits || lp_num_u64(lp_span_take(s, digits), hi, &v) != LP_OK || v < lo)
		return LP_E_DATA;
	*out = (int64_t)v;
	return LP_OK;
}

static int
literal(struct lp_span *s, const char *text)
{
	return lp_span_is(lp_span_take(s, strlen(text)), text) ? LP_OK : LP_E_DATA;
}

/* One of the three-letter names in `names`; its number from 0. */
static int
name(struct lp_span *s, const char *names, int64_t *out)
{
	struct lp_span word = lp_span_take(s, 3);

	for (int64_t i = 0; word.n == 3 && names[3 * i] != '\0'; i++)
		if (memcmp(word.p, names + 3 * i, 3) == 0) {
			*out = i;
			return LP_OK;
		}
	return LP_E_DATA;
}

/* IMF-fixdate */
static int
date(struct lp_span s, int64_t *out)
{
	int64_t weekday, day, month, year, h, m, sec, days;

	if (name(&s, "MonTueWedThuFriSatSun", &weekday) != LP_OK || literal(&s, ", ") != LP_OK ||
	    number(&s, 2, 1, 31, &day) != LP_OK || literal(&s, " ") != LP_OK ||
	    name(&s, "JanFebMarAprMayJunJulAugSepOctNovDec", &month) != LP_OK ||
	    literal(&s, " ") != LP_OK || number(&s, 4, 1970, 9999, &year) != LP_OK ||
	    literal(&s, " ") != LP_OK || number(&s, 2, 0, 23, &h) != LP_OK ||
	    literal(&s, ":") != LP_OK || number(&s, 2, 0, 59, &m) != LP_OK ||
	    literal(&s, ":") != LP_OK || number(&s, 2, 0, 60, &sec) != LP_OK ||
	    literal(&s, " GMT") != LP_OK || s.n != 0)
		return LP_E_DATA;
	/* a year that begins in March has its leap day last */
	month = (month + 10) % 12;
	days = days_to_march(month >= 10 ? year - 1 : year) + (153 * month + 2) / 5 + day - 1;
	*out = ((days * 24 + h) * 60 + m) * 60 + sec;
	return LP_OK;
}

int
lp_retry_after(struct lp_span s, int64_t now, uint64_t *seconds)
{
	int64_t when;

	if (lp_num_u64(s, UINT64_MAX, seconds) == LP_OK)
		return LP_OK;
	if (date(s, &when) != LP_OK)
		return LP_E_DATA;
	*seconds = when > now ? (uint64_t)(when - now) : 0;
	return LP_OK;
}

struct lp_span
lp_warning_text(struct lp_span s)
{
	const unsigned char *open, *close;

	if (literal(&s, "299 ") != LP_OK || s.n == 0)
		return lp_span(NULL, 0);
	open = memchr(s.p, '"', s.n);
	close = open != NULL ? memrchr(s.p, '"', s.n) : NULL;
	/* no quotes: whatever it says is better than nothing */
	if (open == NULL || close == open)
		return s;
	return lp_span(open + 1, (size_t)(close - open - 1));
}

int
lp_ratelimit(struct lp_span s, uint64_t *remaining)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != ';')
		n++;
	return lp_num_u64(lp_span_take(&s, n), INT64_MAX, remaining);
}

/* ---- Link ---------------------------------------------------------------------- */

static void
skip(struct lp_span *s, const char *these)
{
	while (s->n > 0 && s->p[0] != '\0' && strchr(these, s->p[0]) != NULL)
		lp_span_take(s, 1);
}

/* All up to one of these bytes, or the end. */
static struct lp_span
until(struct lp_span *s, const char *these)
{
	size_t n = 0;

	while (n < s->n && (s->p[n] == '\0' || strchr(these, s->p[n]) == NULL))
		n++;
	return lp_span_take(s, n);
}

static int
is_word(struct lp_span s, const char *lower)
{
	size_t n = strlen(lower);

	for (size_t i = 0; s.n == n && i < n; i++)
		if ((s.p[i] | 0x20) != lower[i])
			return 0;
	return s.n == n;
}

/* A token, or what stands between quotes: a pair of a backslash and a byte is left as it is, no relation has one. */
static struct lp_span
value(struct lp_span *s)
{
	struct lp_span text;
	size_t n = 0;

	if (s->n == 0 || s->p[0] != '"')
		return until(s, ";, \t");
	lp_span_take(s, 1);
	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' ? 2 : 1;
	text = lp_span_take(s, n);
	lp_span_take(s, 1);
	return text;
}

/* The parameters behind a target, off the front; whether `rel`, the first one, has `next` among its words. */
static int
relates_next(struct lp_span *s)
{
	int seen = 0, next = 0;

	for (skip(s, " \t"); s->n > 0 && s->p[0] == ';'; skip(s, " \t")) {
		struct lp_span name, words = { NULL, 0 };

		skip(s, "; \t");
		name = until(s, "=;, \t");
		skip(s, " \t");
		if (s->n > 0 && s->p[0] == '=') {
			lp_span_take(s, 1);
			skip(s, " \t");
			words = value(s);
		}
		if (seen || !is_word(name, "rel"))
			continue;
		seen = 1;
		for (skip(&words, " \t"); words.n > 0; skip(&words, " \t"))
			next |= is_word(until(&words, " \t"), "next");
	}
	return next;
}

struct lp_span
lp_link_next(struct lp_span s)
{
	for (skip(&s, ", \t"); s.n > 0 && s.p[0] == '<'; skip(&s, ", \t")) {
		struct lp_span target;

		lp_span_take(&s, 1);
		target = until(&s, ">");
		if (s.n == 0)
			break;
		lp_span_take(&s, 1);
		if (relates_next(&s))
			return target;
	}
	return lp_span(NULL, 0);
}
