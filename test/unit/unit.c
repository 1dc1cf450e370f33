#include "test/unit/unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

FILE *unit_out;
static int cases, failures;

static FILE *
out(void)
{
	return unit_out != NULL ? unit_out : stdout;
}

int
ok(int pass, const char *what, ...)
{
	va_list ap;

	cases++;
	failures += !pass;
	fprintf(out(), "%sok %d - ", pass ? "" : "not ", cases);
	va_start(ap, what);
	vfprintf(out(), what, ap);
	va_end(ap);
	putc('\n', out());
	return pass;
}

void
diag(const char *fmt, ...)
{
	va_list ap;

	fprintf(out(), "# ");
	va_start(ap, fmt);
	vfprintf(out(), fmt, ap);
	va_end(ap);
	putc('\n', out());
}

int
unit_done(void)
{
	fprintf(out(), "1..%d\n", cases);
	return failures == 0 && fflush(out()) == 0 ? 0 : 1;
}

unsigned char *
unit_exact(struct lp_span s)
{
	unsigned char *p = malloc(s.n > 0 ? s.n : 1);

	if (p == NULL)
		abort();
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

/* splitmix64: public domain, by Sebastiano Vigna */
uint32_t
unit_rand(struct unit_rng *r, uint32_t below)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

int
ok_span(struct lp_span got, struct lp_span want, const char *what)
{
	int pass = ok(lp_span_eq(got, want), "%s", what);

	if (!pass) {
		diag("got:  %.*s", (int)got.n, (const char *)got.p);
		diag("want: %.*s", (int)want.n, (const char *)want.p);
	}
	return pass;
}
