/* Schema 1: distribution's manifest-v2-1.md. */
#include "common/oci/manifest_priv.h"

#include <stdlib.h>

#include "common/base/base64.h"
#include "common/base/status.h"

int
lp_v1_command(const json_t *part, json_t **out)
{
	const json_t *cmd = json_object_get(json_object_get(part, "container_config"), "Cmd");
	struct lp_buf b;
	size_t i;
	const json_t *word;
	int rc = LP_OK;

	*out = NULL;
	/* never longer than the document that it is read from */
	lp_buf_init(&b, LP_MAX_CONFIG);
	json_array_foreach(cmd, i, word) {
		struct lp_span text = lp_span(json_string_value(word), json_string_length(word));

		rc = rc != LP_OK || b.n == 0 ? rc : lp_buf_addc(&b, ' ');
		rc = rc != LP_OK ? rc : lp_buf_add(&b, text);
	}
	if (rc == LP_OK && b.n > 0) {
		*out = json_stringn((const char *)b.p, b.n);
		rc = *out != NULL ? LP_OK : LP_E_NOMEM;
	}
	lp_buf_release(&b);
	return rc == LP_OK ? LP_OK : LP_E_NOMEM;
}

/* One layer; its history is a document in a string. */
static int
parse_v1_layer(struct lp_manifest *m, const json_t *layer, const json_t *history, size_t from,
    struct lp_manifest_error *e)
{
	struct lp_span text = lp_json_get_string(history, "v1Compatibility");
	struct lp_descriptor *d = &m->v[m->n];
	struct lp_manifest_error inner;
	json_t *part;
	int rc;

	*d = (struct lp_descriptor){ .digest = lp_json_get_string(layer, "blobSum"), .role = LP_ROLE_OTHER };
	if (!lp_digest_valid(d->digest))
		return lp_manifest_fail_entry(e, from, "its blobSum is not " LP_DIGEST_FORM);
	rc = lp_manifest_load(text, 1, &part, &inner);
	/* the layer is one whatever its history says */
	if (rc != LP_OK) {
		m->n++;
		return rc == LP_E_NOMEM ? lp_manifest_fail(e, rc, inner.why) : LP_OK;
	}
	m->parts[m->nparts++] = part;
	if (from == 0 && lp_manifest_platform(part, &m->platform, &m->has_platform) != LP_OK)
		return lp_manifest_fail_entry(e, from, "its platform has characters that no platform has");
	/* such a layer is an empty tar that stands for a line of history */
	if (json_is_true(json_object_get(part, "throwaway")))
		return LP_OK;
	m->n++;
	if (lp_v1_command(part, &part) != LP_OK)
		return lp_manifest_fail(e, LP_E_NOMEM, "out of memory");
	if (part != NULL) {
		m->parts[m->nparts++] = part;
		d->created_by = lp_span(json_string_value(part), json_string_length(part));
	}
	return LP_OK;
}

int
lp_manifest_schema1(struct lp_manifest *m, const json_t *list, struct lp_manifest_error *e)
{
	const json_t *history = json_object_get(m->root, "history");
	size_t n = json_array_size(list);
	int rc = lp_manifest_room(m, n, e);

	m->kind = LP_MANIFEST_SCHEMA1;
	if (rc == LP_OK && json_array_size(history) != n)
		return lp_manifest_fail(e, LP_E_DATA, "fsLayers and history are not equally many");
	m->parts = calloc(n > 0 ? n : 1, 2 * sizeof(json_t *));
	if (m->parts == NULL)
		return lp_manifest_fail(e, LP_E_NOMEM, "out of memory");
	while (n-- > 0 && rc == LP_OK)
		rc = parse_v1_layer(m, json_array_get(list, n), json_array_get(history, n), n, e);
	return rc;
}

/* base64url without padding (RFC 7515 section 2), appended. */
static int
add_base64url(struct lp_span s, struct lp_buf *out)
{
	struct lp_buf plain;
	int rc;

	lp_buf_init(&plain, LP_MAX_MANIFEST);
	rc = lp_buf_add(&plain, s);
	for (size_t i = 0; i < plain.n; i++)
		plain.p[i] = plain.p[i] == '-' ? '+' : plain.p[i] == '_' ? '/' : plain.p[i];
	rc = rc != LP_OK ? rc : lp_base64_decode(out, lp_buf_span(&plain));
	lp_buf_release(&plain);
	return rc;
}

/* The protected header: {"formatLength": bytes, "formatTail": base64url}. */
static int
payload_of(const json_t *header, struct lp_span document, struct lp_buf *out)
{
	uint64_t n;

	if (lp_json_get_u64(header, "formatLength", &n) != LP_OK || n > document.n)
		return LP_E_DATA;
	if (lp_buf_add(out, lp_span(document.p, (size_t)n)) != LP_OK)
		return LP_E_NOMEM;
	return add_base64url(lp_json_get_string(header, "formatTail"), out);
}

int
lp_manifest_payload(struct lp_span document, struct lp_buf *out, struct lp_manifest_error *e)
{
	json_t *root, *header = NULL;
	const json_t *signatures;
	struct lp_buf text;
	int rc = lp_manifest_load(document, 0, &root, e);

	if (rc != LP_OK)
		return rc;
	lp_buf_init(&text, LP_MAX_MANIFEST);
	signatures = json_object_get(root, "signatures");
	if (!json_is_array(json_object_get(root, "fsLayers")) || json_array_size(signatures) == 0) {
		rc = lp_buf_add(out, document);
		goto out;
	}
	rc = add_base64url(lp_json_get_string(json_array_get(signatures, 0), "protected"), &text);
	rc = rc != LP_OK ? rc : lp_manifest_load(lp_buf_span(&text), 0, &header, e);
	rc = rc != LP_OK ? rc : payload_of(header, document, out);
out:
	if (rc != LP_OK)
		lp_manifest_fail(e, rc, rc == LP_E_NOMEM ? "out of memory" : "its signature does not say what it signs");
	lp_buf_release(&text);
	json_decref(header);
	json_decref(root);
	return rc;
}
