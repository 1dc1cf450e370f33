/* The tags of a repository, page after page, within a budget of pages and bytes. */
#include <stdio.h>
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/escape.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/net/httpfield.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"

enum {
	QUERY_MAX = 2048, /* bytes of a page's name: a tag has 128 at most, and three times as many where all are escaped */
	PAGES_MAX = 4096  /* registries give some 50 to 1000 tags on each */
};

/* The way through the pages. */
struct pages {
	char what[QUERY_MAX]; /* the next one; "" after the last */
	struct lp_map seen;   /* those before it, by their hashes */
	unsigned n;
	int64_t until;        /* of the clock; 0: no end */
};

/* A tag from a stranger, as any field of a row. */
static int
add_tag(struct lp_layers *l, const json_t *tag)
{
	int rc;

	if (!json_is_string(tag)) {
		lp_err("%s: its list of tags: one of them is no string", lp_quotes(l->text));
		return LP_E_DATA;
	}
	rc = lp_escape(&l->out, lp_span(json_string_value(tag), json_string_length(tag)), LP_ESCAPE_ROW);
	rc = rc != LP_OK ? rc : lp_buf_addc(&l->out, '\n');
	if (rc != LP_OK)
		lp_err("%s: more tags than memory holds", lp_quotes(l->text));
	l->entries++;
	return rc;
}

static int
add_tags(struct lp_layers *l, struct lp_span document)
{
	struct lp_json_error error;
	json_t *json, *tag;
	size_t i;
	int rc = lp_json_load(document, &json, &error);

	if (rc != LP_OK) {
		lp_err("%s: its list of tags: byte %zu: %s", lp_quotes(l->text), error.offset, error.why);
		return rc;
	}
	json_array_foreach(json_object_get(json, "tags"), i, tag) {
		rc = add_tag(l, tag);
		if (rc != LP_OK)
			break;
	}
	json_decref(json);
	return rc;
}

/*
 * What of a link to the next page is said to the registry that named it: the
 * query, and of that only what a query is made of (RFC 3986 section 3.4), into
 * `what` as "list?QUERY". Wherever it leads, nobody else is asked. 0 if there
 * is no such thing, or if it is that of a page before.
 */
static int
next_page(struct lp_span link, struct pages *p)
{
	const unsigned char *mark = link.n > 0 ? memchr(link.p, '?', link.n) : NULL;
	struct lp_span query;
	uint64_t *value;
	int fresh;

	if (mark == NULL)
		return 0;
	query = lp_span(mark + 1, link.n - (size_t)(mark + 1 - link.p));
	for (size_t i = 0; i < query.n; i++)
		if (query.p[i] <= ' ' || query.p[i] >= 0x7f || strchr("\"#<>\\^`{|}", query.p[i]) != NULL)
			return 0;
	if (query.n > sizeof(p->what) - sizeof("list?") || lp_map_add(&p->seen, lp_hash64(0, query), &value, &fresh) != LP_OK || !fresh)
		return 0;
	snprintf(p->what, sizeof(p->what), "list?%.*s", (int)query.n, (const char *)query.p);
	return 1;
}

/* What a list may cost in all, whoever asks for it. */
static int
check_budget(const struct lp_layers *l, const struct pages *p)
{
	if (p->n <= PAGES_MAX && (p->until == 0 || lp_clock_ns() < p->until))
		return LP_OK;
	lp_err("%s: its list of tags does not come to an end: %u pages", lp_quotes_kept(l->text), p->n);
	return LP_E_NET;
}

/* One page; p->what then is the name of the next one. */
static int
add_page(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref, struct pages *p)
{
	const char *name = lp_quotes_kept(l->text);
	struct lp_http_response answer;
	int64_t before = l->entries;
	struct lp_span link;
	int rc;

	lp_http_response_init(&answer);
	rc = lp_registry_get(env->registry, ref, "GET", "tags", p->what, NULL, LP_MAX_MANIFEST, &answer);
	p->what[0] = '\0';
	p->n++;
	if (rc != LP_OK && rc != LP_E_PIPE)
		lp_err("%s: %s", name, rc == LP_E_LIMIT ? "a page of more than 4 MiB of its list of tags" :
		    rc == LP_E_NOMEM ? "out of memory" : answer.why);
	else if (rc == LP_OK)
		rc = add_tags(l, lp_buf_span(&answer.body));
	/* a page without a tag ends the list, whatever it links to */
	link = rc == LP_OK && l->entries > before ? lp_http_header(&answer, "Link", 0) : lp_span(NULL, 0);
	if (link.p != NULL && (link = lp_link_next(link)).p != NULL && !next_page(link, p))
		lp_note("%s: these are not all tags: '%s' leads to no further page", name, lp_quote(link));
	lp_http_response_release(&answer);
	return rc;
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"), page after page. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	struct pages p = { .what = "list" };
	unsigned seconds;
	int rc = LP_OK;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", lp_quotes_kept(l->text));
		return LP_E_ABSENT;
	}
	seconds = lp_http_document_seconds(env->http);
	p.until = seconds > 0 ? lp_clock_ns() + seconds * INT64_C(1000000000) : 0;
	lp_map_init(&p.seen, PAGES_MAX + 1);
	while (rc == LP_OK && p.what[0] != '\0') {
		rc = add_page(l, env, ref, &p);
		rc = rc != LP_OK || p.what[0] == '\0' ? rc : check_budget(l, &p);
	}
	lp_map_release(&p.seen);
	return rc;
}
