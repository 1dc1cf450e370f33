/* The tags of a repository as they come, page after page, within a budget of pages, bytes and time. */
#include <stdio.h>
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/glob.h"
#include "common/base/jsonlist.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/net/httpfield.h"
#include "common/row/record.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum {
	QUERY_MAX = 2048, /* bytes of a page's name: a tag has 128 at most, and three times as many where all are escaped */
	PAGES_MAX = 4096, /* registries give some 50 to 1000 tags on each */
	TRIES = 4,        /* of a page that breaks off */
	FLUSH_AT = 64 * 1024
};

/* The way through the pages. */
struct pages {
	struct lp_layers *l;
	char what[QUERY_MAX]; /* the next one; "" after the last */
	struct lp_map seen;   /* those before it, by their hashes */
	unsigned n;
	int64_t until;        /* of the clock; 0: no end */
	uint64_t bytes;       /* of all of them */

	/* the one that is being read */
	struct lp_jsonlist json;
	int listed;           /* its list was there */
	int64_t told, read;   /* tags: in all tries, in this one */
	struct lp_buf scratch;
	const char *why;      /* what is wrong with it, and where */
	uint64_t offset;
};

/* ---- one page, as it comes --------------------------------------------------------------- */

static int
wrong(struct pages *p, int rc, uint64_t offset, const char *why)
{
	p->why = rc == LP_E_NOMEM ? "out of memory" : why;
	p->offset = offset;
	return rc;
}

/* A reader who takes his time takes none of the server's. */
static int
flush(struct pages *p)
{
	int64_t before = lp_clock_ns();
	int rc = lp_put_lines(lp_buf_span(&p->l->out), p->l->fmt.json);

	lp_buf_clear(&p->l->out);
	p->until += p->until > 0 ? lp_clock_ns() - before : 0;
	return rc;
}

/* A tag from a stranger, as any field of a row. */
static int
tell(struct pages *p, struct lp_span tag)
{
	struct lp_layers *l = p->l;
	struct lp_record r = { .out = &l->out, .json = l->fmt.json };
	int rc = l->tags != NULL ? lp_glob_any(&l->tags, 1, 0, tag, &p->scratch) : 1;

	if (rc <= 0)
		return rc;
	l->entries++;
	lp_record_text(&r, "tag", tag);
	return lp_record_end(&r);
}

static int
add_tag(struct pages *p)
{
	struct lp_layers *l = p->l;
	struct lp_json_error e;
	json_t *array, *tag;
	int rc = lp_jsonlist_load(&p->json, &array, &e);

	if (rc != LP_OK)
		return wrong(p, rc, p->json.text_offset + e.offset, e.why);
	tag = json_array_get(array, 0);
	/* of a page that is read once more, those that were told are not told again */
	if (p->read++ >= p->told) {
		p->told = p->read;
		rc = tell(p, lp_span(json_string_value(tag), json_string_length(tag)));
	}
	json_decref(array);
	if (rc != LP_OK)
		return wrong(p, rc, p->json.text_offset, "out of memory");
	return l->out.n >= FLUSH_AT ? flush(p) : LP_OK;
}

/* Go writes no list at all as null. */
static int
check_value(struct pages *p)
{
	struct lp_json_error e;
	json_t *array;
	int rc;

	if (p->json.list && !lp_span_is(p->json.text, "null"))
		return wrong(p, LP_E_DATA, p->json.text_offset, "no list of tags");
	rc = lp_jsonlist_load(&p->json, &array, &e);
	json_decref(array);
	return rc == LP_OK ? rc : wrong(p, rc, p->json.text_offset + e.offset, e.why);
}

static int
key(struct pages *p)
{
	p->json.list = lp_span_is(p->json.text, "tags");
	if (p->json.list && p->listed++)
		return wrong(p, LP_E_DATA, p->json.text_offset, "two lists of tags");
	return LP_OK;
}

static int
on_body(void *arg, struct lp_http_response *r, struct lp_span s)
{
	struct pages *p = arg;
	int rc = LP_OK;

	if (p->json.offset == 0 && lp_http_is_page(r, s))
		return wrong(p, LP_E_DATA, 0, "an HTML page");
	p->bytes += s.n;
	if (p->bytes > LP_MAX_TAGS || (p->until > 0 && lp_clock_ns() > p->until))
		return wrong(p, LP_E_NET, p->json.offset, "it does not come to an end");
	while (rc == LP_OK && s.n > 0)
		switch (lp_jsonlist_next(&p->json, &s)) {
		case LP_JSONLIST_KEY:
			rc = key(p);
			break;
		case LP_JSONLIST_VALUE:
			rc = check_value(p);
			break;
		case LP_JSONLIST_ITEM:
			rc = add_tag(p);
			break;
		case LP_JSONLIST_ERROR:
			return wrong(p, p->json.status, p->json.error_offset, p->json.status == LP_E_LIMIT ?
			    "longer than any tag" : "not the JSON of a list of tags");
		default:
			break;
		}
	return rc;
}

/* ---- from page to page -------------------------------------------------------------------- */

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

/* The page that p->what names, once. */
static int
try_page(const struct lp_env *env, const struct lp_reference *ref, struct pages *p, struct lp_http_response *answer)
{
	const struct lp_http_request how = { .method = "GET", .sink = on_body, .arg = p };
	int rc;

	lp_jsonlist_init(&p->json, LP_MAX_TAG, '"');
	p->listed = 0;
	p->read = 0;
	rc = lp_registry_get(env->registry, ref, "tags", p->what, &how, answer);
	if (rc == LP_OK && !lp_jsonlist_ended(&p->json))
		rc = wrong(p, LP_E_DATA, p->json.offset, "it ends in the middle");
	lp_jsonlist_release(&p->json);
	return rc;
}

/* One page; p->what then is the name of the next one. */
static int
add_page(const struct lp_env *env, const struct lp_reference *ref, struct pages *p)
{
	const char *name = lp_quotes_kept(p->l->text);
	struct lp_http_response answer;
	unsigned tries = 0;
	struct lp_span link;
	int rc;

	lp_http_response_init(&answer);
	p->told = 0;
	/* a body that broke off is not asked for again by the transport */
	do
		rc = try_page(env, ref, p, &answer);
	while (rc == LP_E_NET && p->why == NULL && p->read > 0 && ++tries < TRIES);
	p->what[0] = '\0';
	p->n++;
	if (p->why != NULL)
		lp_err("%s: its list of tags: byte %llu: %s", name, (unsigned long long)p->offset, p->why);
	else if (rc != LP_OK && rc != LP_E_PIPE && rc != LP_E_SYS)
		lp_err("%s: %s", name, rc == LP_E_NOMEM ? "out of memory" : answer.why);
	link = rc == LP_OK ? lp_http_header(&answer, "Link", 0) : lp_span(NULL, 0);
	/* one without a tag may be followed by others: some registries leave out what may not be seen */
	if (link.p != NULL && (link = lp_link_next(link)).p != NULL && !next_page(link, p))
		lp_note("%s: these are not all tags: '%s' leads to no further page", name, lp_quote(link));
	lp_http_response_release(&answer);
	return rc;
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"), page after page. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	struct pages p = { .l = l, .what = "list" };
	unsigned seconds;
	int rc = LP_OK;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", lp_quotes_kept(l->text));
		return LP_E_ABSENT;
	}
	seconds = lp_http_document_seconds(env->http);
	p.until = seconds > 0 ? lp_clock_ns() + seconds * INT64_C(1000000000) : 0;
	lp_map_init(&p.seen, PAGES_MAX + 1);
	lp_buf_init(&p.scratch, LP_MAX_PATH + 1);
	while (rc == LP_OK && p.what[0] != '\0') {
		rc = add_page(env, ref, &p);
		rc = rc != LP_OK || p.what[0] == '\0' ? rc : check_budget(l, &p);
	}
	lp_map_release(&p.seen);
	lp_buf_release(&p.scratch);
	/* what was good is told, whatever came after it */
	if (rc != LP_E_PIPE && rc != LP_E_SYS) {
		int put = flush(&p);

		rc = rc == LP_OK ? put : rc;
	}
	if (rc == LP_OK && l->tags != NULL && l->entries == 0) {
		lp_err("%s: no tag matches '%s'", lp_quotes_kept(l->text), lp_quotes(l->tags));
		rc = LP_E_ABSENT;
	}
	return rc;
}
