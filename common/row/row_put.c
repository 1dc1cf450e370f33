/* Writes modes and times. */
#include <string.h>

#include "common/base/num.h"
#include "common/row/row.h"

char *
lp_put_mode(char *p, const struct lp_entry *e)
{
	static const char rwx[8][4] = { "---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx" };
	uint32_t m = e->mode;

	*p = (char)e->type;
	memcpy(p + 1, rwx[m >> 6 & 7], 3);
	memcpy(p + 4, rwx[m >> 3 & 7], 3);
	memcpy(p + 7, rwx[m & 7], 3);
	if (m & 04000)
		p[3] = m & 0100 ? 's' : 'S';
	if (m & 02000)
		p[6] = m & 0010 ? 's' : 'S';
	if (m & 01000)
		p[9] = m & 0001 ? 't' : 'T';
	return p + LP_MODE_LEN;
}

enum { DAY = 86400 };
#define YEAR_0 (-62167219200)     /* 0000-01-01T00:00:00Z */
#define YEAR_9999_END 253402300799 /* 9999-12-31T23:59:59Z */

/*
 * A date from days since -0400-03-01: years that begin in March have their
 * leap day at the end, so months follow from days by a straight line.
 */
static char *
put_date(char *p, uint32_t days)
{
	uint32_t era = days / 146097, day = days % 146097;
	uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint32_t yday = day - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * yday + 2) / 153;
	uint32_t mday = yday - (153 * month + 2) / 5 + 1;

	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2) - 400;
	p = lp_num_put2(p, year / 100);
	p = lp_num_put2(p, year % 100);
	*p++ = '-';
	p = lp_num_put2(p, month);
	*p++ = '-';
	return lp_num_put2(p, mday);
}

/* As many digits as are needed, without zeros at the end. */
static char *
put_fraction(char *p, uint32_t nsec)
{
	int n = 9;

	*p++ = '.';
	for (; nsec % 10 == 0; nsec /= 10)
		n--;
	for (int i = n - 1; i >= 0; i--, nsec /= 10)
		p[i] = (char)('0' + nsec % 10);
	return p + n;
}

char *
lp_put_time(char *p, const struct lp_entry *e)
{
	uint64_t t;
	uint32_t second;

	if (!(e->has & LP_HAS_MTIME) || e->mtime < YEAR_0 || e->mtime > YEAR_9999_END) {
		*p = '-';
		return p + 1;
	}
	/* 0000-01-01 is 60 days before 0000-03-01, which is 146097 days behind -0400-03-01 */
	t = (uint64_t)(e->mtime - YEAR_0) + (uint64_t)(146097 - 60) * DAY;
	second = (uint32_t)(t % DAY);
	p = put_date(p, (uint32_t)(t / DAY));
	*p++ = 'T';
	p = lp_num_put2(p, second / 3600);
	*p++ = ':';
	p = lp_num_put2(p, second / 60 % 60);
	*p++ = ':';
	p = lp_num_put2(p, second % 60);
	if (e->mtime_nsec != 0)
		p = put_fraction(p, e->mtime_nsec);
	*p++ = 'Z';
	return p;
}
