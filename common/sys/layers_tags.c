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
	int rc = LP_OK;

	if (json_is_string(tag))
		rc = lp_escape(&l->out, lp_span(json_string_value(tag), json_string_length(tag)), LP_ESCAPE_ROW);
	l->entries++;
	return rc != LP_OK ? rc : layers_add(l, lp_span_str("\n"));
}

/* GET /v2/NAME/tags/list (distribution-spec, "Content discovery"): its first page, which most registries make the only one. */
int
lp_layers_tags(struct lp_layers *l, const struct lp_env *env, const struct lp_reference *ref)
{
	const char *name = lp_quotes_kept(l->text);
	struct lp_http_response answer;
	struct lp_json_error error;
	json_t *json = NULL, *tag;
	size_t i;
	int rc;

	if (env->registry == NULL) {
		lp_err("%s: only a registry has tags to list, and only online", name);
		return LP_E_ABSENT;
	}
	lp_http_response_init(&answer);
	rc = lp_registry_get(env->registry, ref, "GET", "tags", "list", NULL, LP_MAX_MANIFEST, &answer);
	if (rc != LP_OK)
		lp_err("%s: %s: %s", name, answer.where, answer.why);
	else if ((rc = lp_json_load(lp_buf_span(&answer.body), &json, &error)) != LP_OK)
		lp_err("%s: its list of tags: byte %zu: %s", name, error.offset, error.why);
	json_array_foreach(json_object_get(json, "tags"), i, tag) {
		if (rc == LP_OK)
			rc = add_tag(l, tag);
	}
	json_decref(json);
	lp_http_response_release(&answer);
	return rc;
}
