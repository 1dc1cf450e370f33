/* The tags of a repository as they come, page after page, within a budget of pages, bytes and time. */
#include <stdio.h>
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/glob.h"
#include "common/base/jsonlist.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/net/pages.h"
#include "common/row/record.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum {
	TRIES = 4,        /* of a page that breaks off */
	FLUSH_AT = 64 * 1024
};

/* The way through the pages. */
struct pages {
	struct lp_layers *l;
	struct lp_pages way;

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
	lp_pages_wait(&p->way, lp_clock_ns() - before);
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
	if (!lp_pages_spend(&p->way, s.n))
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

/* What a list may cost in all, whoever asks for it. */
static int
check_budget(const struct lp_layers *l, const struct lp_pages *way)
{
	if (lp_pages_go_on(way))
		return LP_OK;
	lp_err("%s: its list of tags does not come to an end: %u pages", lp_quotes_kept(l->text), way->n);
	return LP_E_NET;
}

/* The page that p->way has come to, once. */
static int
try_page(const struct lp_env *env, const struct lp_reference *ref, struct pages *p, struct lp_http_response *answer)
{
	const struct lp_http_request how = { .method = "GET", .sink = on_body, .arg = p };
	char what[LP_PAGES_QUERY + sizeof("list")];
	int rc;

	snprintf(what, sizeof(what), "list%s", p->way.query);
	lp_jsonlist_init(&p->json, LP_MAX_TAG, '"');
	p->listed = 0;
	p->read = 0;
	rc = lp_registry_get(env->registry, ref, "tags", what, &how, answer);
	if (rc == LP_OK && !lp_jsonlist_ended(&p->json))
		rc = wrong(p, LP_E_DATA, p->json.offset, "it ends in the middle");
	lp_jsonlist_release(&p->json);
	return rc;
}

/* One page; p->way then has come to the next one, if *more. */
static int
add_page(const struct lp_env *env, const struct lp_reference *ref, struct pages *p, int *more)
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
	if (p->why != NULL)
		lp_err("%s: its list of tags: byte %llu: %s", name, (unsigned long long)p->offset, p->why);
	else if (rc != LP_OK && rc != LP_E_PIPE && rc != LP_E_SYS)
		lp_err("%s: %s", name, rc == LP_E_NOMEM ? "out of memory" : answer.why);
	/* one without a tag may be followed by others: some registries leave out what may not be seen */
	*more = rc == LP_OK ? lp_pages_next(&p->way, &answer, &link) : 0;
	if (*more < 0)
		lp_note("%s: these are not all tags: '%s' leads to no further page", name, lp_quote(link));
	lp_http_response_release(&answer);
	return rc;
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"), page after page. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	struct pages p = { .l = l };
	int rc = LP_OK, more = 1;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", lp_quotes_kept(l->text));
		return LP_E_ABSENT;
	}
	lp_pages_init(&p.way, env->http);
	lp_buf_init(&p.scratch, LP_MAX_PATH + 1);
	while (rc == LP_OK && more > 0) {
		rc = add_page(env, ref, &p, &more);
		rc = rc != LP_OK || more <= 0 ? rc : check_budget(l, &p.way);
	}
	lp_pages_release(&p.way);
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
