/* Builds an argument vector. */
#include "common/run/argv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
lp_argv_init(struct lp_argv *a)
{
	*a = (struct lp_argv){ 0 };
}

void
lp_argv_release(struct lp_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	lp_argv_init(a);
}

/* Takes the string over, also when there is no room for it. */
static void
push(struct lp_argv *a, char *s)
{
	if (s != NULL && a->n + 1 >= a->cap) {
		size_t cap = a->cap > 0 ? a->cap * 2 : 16;
		char **v = realloc(a->v, cap * sizeof(*v));

		if (v == NULL) {
			free(s);
			s = NULL;
		} else {
			a->v = v;
			a->cap = cap;
		}
	}
	if (s == NULL) {
		a->failed = 1;
		return;
	}
	a->v[a->n++] = s;
	a->v[a->n] = NULL;
}

void
lp_argv_add(struct lp_argv *a, const char *s)
{
	push(a, strdup(s));
}

void
lp_argv_addf(struct lp_argv *a, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	push(a, s);
}

void
lp_argv_append(struct lp_argv *a, const struct lp_argv *more)
{
	for (size_t i = 0; i < more->n; i++)
		lp_argv_add(a, more->v[i]);
}

const char *const *
lp_argv_done(const struct lp_argv *a)
{
	return a->failed ? NULL : (const char *const *)a->v;
}
