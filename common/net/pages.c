/* Goes from page to page of a registry's answer, within a budget. */
#include "common/net/pages.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/net/httpfield.h"
#include "common/sys/clock.h"

void
lp_pages_init(struct lp_pages *p, const struct lp_http *http)
{
	unsigned seconds = lp_http_document_seconds(http);

	*p = (struct lp_pages){ .until = seconds > 0 ? lp_clock_ns() + seconds * INT64_C(1000000000) : 0 };
	lp_map_init(&p->seen, LP_PAGES_MAX + 1);
}

void
lp_pages_release(struct lp_pages *p)
{
	lp_map_release(&p->seen);
}

/* What a query is made of (RFC 3986 section 3.4), and nothing else. */
static int
is_query(struct lp_span query)
{
	for (size_t i = 0; i < query.n; i++)
		if (query.p[i] <= ' ' || query.p[i] >= 0x7f || strchr("\"#<>\\^`{|}", query.p[i]) != NULL)
			return 0;
	return 1;
}

int
lp_pages_next(struct lp_pages *p, const struct lp_http_response *answer, struct lp_span *link)
{
	const unsigned char *mark;
	struct lp_span query;
	uint64_t *value;
	int fresh;

	p->n++;
	*link = lp_http_header(answer, "Link", 0);
	if (link->p == NULL || (*link = lp_link_next(*link)).p == NULL)
		return 0;
	mark = link->n > 0 ? memchr(link->p, '?', link->n) : NULL;
	if (mark == NULL)
		return -1;
	query = lp_span(mark, link->n - (size_t)(mark - link->p));
	if (!is_query(query) || query.n >= sizeof(p->query) || lp_map_add(&p->seen, lp_hash64(0, query), &value, &fresh) != LP_OK || !fresh)
		return -1;
	snprintf(p->query, sizeof(p->query), "%.*s", (int)query.n, (const char *)query.p);
	return 1;
}

static int
is_late(const struct lp_pages *p)
{
	return p->until > 0 && lp_clock_ns() > p->until;
}

int
lp_pages_go_on(const struct lp_pages *p)
{
	return p->n <= LP_PAGES_MAX && !is_late(p);
}

int
lp_pages_spend(struct lp_pages *p, size_t n)
{
	p->bytes += n;
	return p->bytes <= LP_MAX_LIST && !is_late(p);
}

void
lp_pages_wait(struct lp_pages *p, int64_t ns)
{
	p->until += p->until > 0 ? ns : 0;
}
