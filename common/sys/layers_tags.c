#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/format/json.h"
#include "common/sys/err.h"
#include "common/sys/layers_priv.h"

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

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"): its first page, which most registries make the only one. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	const char *name = lp_quotes_kept(l->text);
	struct lp_http_response answer;
	int rc;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", name);
		return LP_E_ABSENT;
	}
	lp_http_response_init(&answer);
	rc = lp_registry_get(env->registry, ref, "GET", "tags", "list", NULL, LP_MAX_MANIFEST, &answer);
	if (rc != LP_OK)
		lp_err("%s: %s", name, answer.why);
	else
		rc = add_tags(l, lp_buf_span(&answer.body));
	/* RFC 8288: where the next page is */
	if (rc == LP_OK && lp_http_header(&answer, "Link", 0).p != NULL)
		lp_note("%s: these are not all tags: the registry lists so many at once", name);
	lp_http_response_release(&answer);
	return rc;
}
