#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/format/httpfield.h"
#include "common/format/json.h"
#include "common/sys/err.h"
#include "common/sys/layers_priv.h"

/* Bytes of a page's name: a tag has 128 at most, and three times as many where all are escaped. */
enum { QUERY_MAX = 2048 };

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
 * is no such thing, or if it is that of the page before.
 */
static int
next_page(struct lp_span link, char what[QUERY_MAX])
{
	const unsigned char *mark = link.n > 0 ? memchr(link.p, '?', link.n) : NULL;
	struct lp_span query;
	char next[QUERY_MAX];

	if (mark == NULL)
		return 0;
	query = lp_span(mark + 1, link.n - (size_t)(mark + 1 - link.p));
	for (size_t i = 0; i < query.n; i++)
		if (query.p[i] <= ' ' || query.p[i] >= 0x7f || strchr("\"#<>\\^`{|}", query.p[i]) != NULL)
			return 0;
	if ((size_t)snprintf(next, sizeof(next), "list?%.*s", (int)query.n, (const char *)query.p) >= sizeof(next) ||
	    strcmp(next, what) == 0)
		return 0;
	memcpy(what, next, strlen(next) + 1);
	return 1;
}

/* One page; what then is the name of the next one, "" if this was the last. */
static int
add_page(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref, char what[QUERY_MAX])
{
	const char *name = lp_quotes_kept(l->text);
	struct lp_http_response answer;
	int64_t before = l->entries;
	struct lp_span link;
	int rc;

	lp_http_response_init(&answer);
	rc = lp_registry_get(env->registry, ref, "GET", "tags", what, NULL, LP_MAX_MANIFEST, &answer);
	if (rc != LP_OK)
		lp_err("%s: %s", name, answer.why);
	else
		rc = add_tags(l, lp_buf_span(&answer.body));
	/* a page without a tag ends the list, whatever it links to */
	link = rc == LP_OK && l->entries > before ? lp_http_header(&answer, "Link", 0) : lp_span(NULL, 0);
	if (link.p == NULL || (link = lp_link_next(link)).p == NULL) {
		what[0] = '\0';
	} else if (!next_page(link, what)) {
		lp_note("%s: these are not all tags: '%s' leads to no further page", name, lp_quote(link));
		what[0] = '\0';
	}
	lp_http_response_release(&answer);
	return rc;
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"), page after page. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	char what[QUERY_MAX] = "list";
	int rc = LP_OK;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", lp_quotes_kept(l->text));
		return LP_E_ABSENT;
	}
	while (rc == LP_OK && what[0] != '\0')
		rc = add_page(l, env, ref, what);
	return rc;
}
