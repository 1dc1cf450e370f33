/* What came back: status, headers, body, and the words for a failure. */
#include "common/net/http_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"

/* ---- text for people ---------------------------------------------------------- */

void
lp_http_explain(struct lp_http_response *r, const char *fmt, ...)
{
	struct lp_buf b = { .p = (unsigned char *)r->why, .cap = sizeof(r->why) - 1, .max = sizeof(r->why) - 1 };
	char text[sizeof(r->why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)lp_escape(&b, lp_span_str(text), LP_ESCAPE_TERMINAL);
	r->why[b.n] = '\0';
}

/* ---- answers ------------------------------------------------------------------- */

void
lp_http_response_init(struct lp_http_response *r)
{
	*r = (struct lp_http_response){ .length = -1 };
	lp_buf_init(&r->head, LP_HTTP_HEAD_MAX);
	lp_buf_init(&r->body, LP_HTTP_ERROR_MAX);
}

void
lp_http_response_release(struct lp_http_response *r)
{
	lp_buf_release(&r->head);
	lp_buf_release(&r->body);
}

void
lp_http_response_clear(struct lp_http_response *r)
{
	r->status = 0;
	r->enough = 0;
	r->trouble = LP_HTTP_FINE;
	r->body_bytes = 0;
	r->length = -1;
	lp_buf_clear(&r->head);
	lp_buf_clear(&r->body);
	r->why[0] = '\0';
}

static struct lp_span
trim(struct lp_span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		lp_span_take(&s, 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

struct lp_span
lp_http_header(const struct lp_http_response *r, const char *name, size_t nth)
{
	struct lp_span rest = lp_buf_span(&r->head);
	size_t n = strlen(name);

	while (rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);
		struct lp_span line = lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) + 1 : rest.n);

		if (line.n > n && line.p[n] == ':' &&
		    strncasecmp((const char *)line.p, name, n) == 0 && nth-- == 0) {
			lp_span_take(&line, n + 1);
			line = trim(line);
			/* an empty value is a value */
			return line.n > 0 ? line : lp_span("", 0);
		}
	}
	return lp_span(NULL, 0);
}

int
lp_http_is_page(const struct lp_http_response *r, struct lp_span start)
{
	struct lp_span type = lp_http_header(r, "Content-Type", 0);

	if (type.n < 9 || strncasecmp((const char *)type.p, "text/html", 9) != 0)
		return 0;
	lp_span_skip(&start, " \t\r\n\xef\xbb\xbf");
	return start.n > 0 && start.p[0] == '<';
}
