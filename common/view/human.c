/* Prints counts, sizes and percentages for people. */
#include "common/view/human.h"

#include "common/base/num.h"

static const char units[] = "BKMGTPE";

char *
lp_human_count(char *p, uint64_t n)
{
	char digits[LP_NUM_MAX];
	size_t len = (size_t)(lp_num_put(digits, n) - digits);

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	return p;
}

static uint64_t
power_of_ten(unsigned places)
{
	return places == 2 ? 100 : places == 1 ? 10 : 1;
}

/* v counted in units of 10^-places, which is at most 2. */
static char *
put_fixed(char *p, uint64_t v, unsigned places)
{
	uint64_t one = power_of_ten(places);

	p = lp_num_put(p, v / one);
	if (places > 0)
		*p++ = '.';
	if (places == 2)
		*p++ = (char)('0' + v % 100 / 10);
	if (places > 0)
		*p++ = (char)('0' + v % 10);
	return p;
}

/* n / 2^shift in units of 10^-places, rounded to nearest. */
static uint64_t
scale(uint64_t n, unsigned shift, unsigned places)
{
	uint64_t whole = n >> shift, rest = n & (((uint64_t)1 << shift) - 1);
	/* the rest has up to 60 bits: the times ten needs some of them */
	unsigned drop = shift > 50 ? shift - 50 : 0, left = shift - drop;
	uint64_t half = left > 0 ? (uint64_t)1 << (left - 1) : 0;

	rest = (rest >> drop) * power_of_ten(places);
	return whole * power_of_ten(places) + ((rest + half) >> left);
}

/* Which unit, and how many decimals give three significant digits; rounding may lift it to the next unit. */
static uint64_t
choose(uint64_t n, unsigned *unit, unsigned *places)
{
	for (*unit = n < 1024 ? 0 : 1;; (*unit)++) {
		uint64_t v;

		for (*places = *unit > 0 ? 2 : 0; *places > 0; (*places)--) {
			v = scale(n, 10 * *unit, *places);
			if (v < 1000)
				return v;
		}
		v = scale(n, 10 * *unit, 0);
		if (v < 1024)
			return v;
	}
}

char *
lp_human_bytes(char *p, uint64_t bytes)
{
	unsigned unit, places;
	uint64_t v = choose(bytes, &unit, &places);

	p = put_fixed(p, v, places);
	*p++ = ' ';
	*p++ = units[unit];
	if (unit > 0) {
		*p++ = 'i';
		*p++ = 'B';
	}
	return p;
}

char *
lp_human_percent(char *p, uint64_t part, uint64_t whole)
{
	/* halve both until a product with 10000 fits */
	while (part > UINT64_MAX / 20000 || whole > UINT64_MAX / 20000) {
		part >>= 1;
		whole >>= 1;
	}
	if (whole == 0)
		p = put_fixed(p, 0, 0);
	else if (part < whole / 10)
		p = put_fixed(p, (part * 10000 + whole / 2) / whole, 2);
	else if (part < whole)
		p = put_fixed(p, (part * 1000 + whole / 2) / whole, 1);
	else
		p = put_fixed(p, (part * 100 + whole / 2) / whole, 0);
	*p++ = ' ';
	*p++ = '%';
	return p;
}

char *
lp_human_seconds(char *p, uint64_t seconds)
{
	static const struct {
		uint64_t below, one;
		const char *unit;
	} units_of_time[] = { { 100, 1, " s" }, { 100 * 60, 60, " min" }, { UINT64_MAX, 3600, " h" } };
	size_t i = 0;

	while (seconds >= units_of_time[i].below && i + 1 < sizeof(units_of_time) / sizeof(units_of_time[0]))
		i++;
	p = lp_num_put(p, seconds / units_of_time[i].one);
	for (const char *c = units_of_time[i].unit; *c != '\0'; c++)
		*p++ = *c;
	return p;
}

int
lp_human_put_bytes(struct lp_buf *b, uint64_t bytes)
{
	char text[LP_HUMAN_MAX];

	return lp_buf_add(b, lp_span(text, (size_t)(lp_human_bytes(text, bytes) - text)));
}
