/* Parses header fields: Retry-After, Warning, RateLimit, Link. */
#include "common/net/httpfield.h"

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

/* A quoted string's inside, pairs of a backslash and a byte as they are; the quotes go, too. */
static struct lp_span
quoted(struct lp_span *s)
{
	struct lp_span text;
	size_t n = 0;

	lp_span_take(s, 1);
	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' ? 2 : 1;
	text = lp_span_take(s, n);
	lp_span_take(s, 1);
	return text;
}

/* One warning off the front, and what divides it from the next; p is NULL if it is of another code. */
static struct lp_span
take_warning(struct lp_span *s)
{
	int ours = literal(s, "299 ") == LP_OK;
	struct lp_span text = *s, rest = *s;

	lp_span_until(&rest, "\"");
	/* no quotes: whatever it says is better than nothing */
	if (rest.n == 0)
		s->n = 0;
	else {
		*s = rest;
		text = quoted(s);
		/* a date may follow, in quotes as well */
		while (s->n > 0 && s->p[0] != ',') {
			if (s->p[0] == '"')
				quoted(s);
			else
				lp_span_take(s, 1);
		}
	}
	return ours && text.n > 0 ? text : lp_span(NULL, 0);
}

struct lp_span
lp_warning_next(struct lp_span *s)
{
	struct lp_span text = { NULL, 0 };

	for (lp_span_skip(s, ", \t"); s->n > 0 && text.p == NULL; lp_span_skip(s, ", \t"))
		text = take_warning(s);
	return text;
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

static struct lp_span
value(struct lp_span *s)
{
	return s->n > 0 && s->p[0] == '"' ? quoted(s) : lp_span_until(s, ";, \t");
}

enum relation { UNSAID, OTHER, NEXT };

/* The parameters behind a target, off the front; whether `rel`, the first one, has `next` among its words. */
static enum relation
relation(struct lp_span *s)
{
	enum relation is = UNSAID;

	for (lp_span_skip(s, " \t"); s->n > 0 && s->p[0] == ';'; lp_span_skip(s, " \t")) {
		struct lp_span name, words = { NULL, 0 };

		lp_span_skip(s, "; \t");
		name = lp_span_until(s, "=;, \t");
		lp_span_skip(s, " \t");
		if (s->n > 0 && s->p[0] == '=') {
			lp_span_take(s, 1);
			lp_span_skip(s, " \t");
			words = value(s);
		}
		if (is != UNSAID || !lp_span_is_word(name, "rel"))
			continue;
		is = OTHER;
		for (lp_span_skip(&words, " \t"); words.n > 0; lp_span_skip(&words, " \t"))
			if (lp_span_is_word(lp_span_until(&words, " \t"), "next"))
				is = NEXT;
	}
	return is;
}

/* <TARGET>, or TARGET as some write it; an empty span that is NULL if there is none. */
static struct lp_span
take_target(struct lp_span *s)
{
	struct lp_span target;

	if (s->p[0] != '<') {
		target = lp_span_until(s, ";, \t");
		return target.n > 0 ? target : lp_span(NULL, 0);
	}
	lp_span_take(s, 1);
	target = lp_span_until(s, ">");
	if (s->n == 0)
		return lp_span(NULL, 0);
	lp_span_take(s, 1);
	return target;
}

struct lp_span
lp_link_next(struct lp_span s)
{
	struct lp_span unsaid = { NULL, 0 };
	size_t links = 0;

	for (lp_span_skip(&s, ", \t"); s.n > 0; lp_span_skip(&s, ", \t"), links++) {
		struct lp_span target = take_target(&s);
		enum relation is = target.p != NULL ? relation(&s) : OTHER;

		if (is == NEXT)
			return target;
		if (is == UNSAID)
			unsaid = target;
		if (target.p == NULL)
			break;
	}
	return links == 1 ? unsaid : lp_span(NULL, 0);
}
