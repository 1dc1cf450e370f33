/* Parses RFC 3339 times. */
#include "common/base/rfc3339.h"

#include "common/base/status.h"

/* n digits off the front, 0 to max; or -1. */
static int
number(struct lp_span *s, size_t n, int max)
{
	int v = 0;

	if (s->n < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	lp_span_take(s, n);
	return v <= max ? v : -1;
}

static int
taken(struct lp_span *s, char upper)
{
	unsigned char lower = (unsigned char)(upper >= 'A' ? upper | 0x20 : upper);

	if (s->n == 0 || (s->p[0] != (unsigned char)upper && s->p[0] != lower))
		return 0;
	lp_span_take(s, 1);
	return 1;
}

static int
leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, which RFC 3339 extends backwards to year 0; or LP_E_DATA. */
static int
days(int year, int month, int day, int64_t *out)
{
	static const short before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t y = year - 1; /* years that are over: -1 for year 0 */
	int length;

	if (year < 0 || month < 1 || month > 12 || day < 1)
		return LP_E_DATA;
	length = before[month] - before[month - 1] + (month == 2 && leap(year));
	if (day > length)
		return LP_E_DATA;
	/* year 0 is a leap year of 366 days, counted by hand: division rounds towards zero */
	*out = (y >= 0 ? y * 365 + y / 4 - y / 100 + y / 400 : -366) + before[month - 1] +
	    (month > 2 && leap(year)) + day - 1 - 719162;
	return LP_OK;
}

static uint32_t
fraction(struct lp_span *s)
{
	uint32_t nsec = 0, unit = 100000000;

	for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; lp_span_take(s, 1), unit /= 10)
		nsec += (uint32_t)(s->p[0] - '0') * unit;
	return nsec;
}

/* Z or +HH:MM in seconds. */
static int
zone(struct lp_span *s, int *out)
{
	int sign, h, m;

	*out = 0;
	if (taken(s, 'Z'))
		return LP_OK;
	sign = taken(s, '+') ? 1 : taken(s, '-') ? -1 : 0;
	h = number(s, 2, 23);
	if (sign == 0 || h < 0 || !taken(s, ':') || (m = number(s, 2, 59)) < 0)
		return LP_E_DATA;
	*out = sign * (h * 3600 + m * 60);
	return LP_OK;
}

int
lp_rfc3339(struct lp_span s, int64_t *sec, uint32_t *nsec)
{
	int part[6], offset;
	uint32_t ns = 0;
	int64_t day;
	static const struct { size_t n; unsigned char max; char behind; } form[] = {
		{ 4, 0, '-' }, { 2, 12, '-' }, { 2, 31, 'T' }, { 2, 23, ':' }, { 2, 59, ':' }, { 2, 60, 0 }
	};

	for (size_t i = 0; i < 6; i++) {
		part[i] = number(&s, form[i].n, i == 0 ? 9999 : form[i].max);
		if (part[i] < 0 || (form[i].behind != 0 && !taken(&s, form[i].behind)))
			return LP_E_DATA;
	}
	if (taken(&s, '.')) {
		if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9')
			return LP_E_DATA;
		ns = fraction(&s);
	}
	if (zone(&s, &offset) != LP_OK || s.n > 0 || days(part[0], part[1], part[2], &day) != LP_OK)
		return LP_E_DATA;
	*sec = day * 86400 + part[3] * 3600 + part[4] * 60 + part[5] - offset;
	*nsec = ns;
	return LP_OK;
}
