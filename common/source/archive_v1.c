/* The same for archives of the old form, one directory a layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/oci/manifest.h"
#include "common/source/archive_priv.h"
#include "common/sys/err.h"

/* A layer of the chain. Its texts are among the archive's parts. */
struct link {
	struct lp_span id;
	const json_t *command; /* or NULL */
};

/* Nothing is kept of NULL. */
static int
keep_part(struct lp_archive *a, json_t *part)
{
	json_t **v = part != NULL ? lp_array_room(a->parts, a->nparts, &a->parts_cap, sizeof(*v)) : NULL;

	if (v == NULL) {
		json_decref(part);
		return part == NULL ? LP_OK : lp_archive_no_memory(a);
	}
	a->parts = v;
	v[a->nparts++] = part;
	return LP_OK;
}

/* Of a layer's document, which may be large, its command is kept and its parent's ID; an empty one ends the chain. */
static int
take_document(struct lp_archive *a, const json_t *document, struct link *l, struct lp_span *parent)
{
	json_t *id = json_object_get(document, "parent"), *command;
	int rc;

	if (lp_v1_command(document, &command) != LP_OK)
		return lp_archive_no_memory(a);
	l->command = command;
	rc = keep_part(a, command);
	*parent = lp_span(json_string_value(id), json_string_length(id));
	return rc != LP_OK ? rc : keep_part(a, json_incref(id));
}

/* ID/json. All of them together are no larger than a config may be: the chain may be a ring. */
static int
read_document(struct lp_archive *a, struct link *l, size_t *sum, struct lp_span *parent)
{
	char path[256];
	struct lp_json_error e;
	json_t *document;
	int rc;

	if (l->id.n > 128 || memchr(l->id.p, '/', l->id.n) != NULL)
		return lp_archive_fail(a, LP_E_DATA, "not an ID: %s", lp_quote(l->id));
	snprintf(path, sizeof(path), "%.*s/json", (int)l->id.n, (const char *)l->id.p);
	lp_buf_clear(&a->config_bytes);
	rc = lp_archive_read(a, path, &a->config_bytes);
	if (rc == LP_E_ABSENT)
		return lp_archive_fail(a, LP_E_DATA, "%s is not in the archive", lp_quotes(path));
	if (rc != LP_OK)
		return rc;
	*sum += a->config_bytes.n;
	if (*sum > LP_MAX_CONFIG)
		return lp_archive_fail(a, LP_E_LIMIT, "the layers' documents have more than %zu MiB together", LP_MAX_CONFIG >> 20);
	rc = lp_json_load_lax(lp_buf_span(&a->config_bytes), 1, &document, &e);
	if (rc != LP_OK)
		return lp_archive_fail(a, rc, "%s: byte %zu: %s", lp_quotes(path), e.offset, e.why);
	rc = take_document(a, document, l, parent);
	json_decref(document);
	return rc;
}

/* The layers from the top down. */
static int
walk_parents(struct lp_archive *a, struct link *links, size_t *n)
{
	struct lp_span id = lp_span_str(a->saved.top);
	size_t sum = 0;

	for (*n = 0; id.n > 0; (*n)++) {
		struct lp_span parent = { NULL, 0 };
		int rc;

		if (*n == LP_ARCHIVE_LAYERS)
			return lp_archive_fail(a, LP_E_LIMIT, "more than %d layers, or a ring of them",
			    LP_ARCHIVE_LAYERS);
		links[*n].id = id;
		rc = read_document(a, &links[*n], &sum, &parent);
		if (rc != LP_OK)
			return rc;
		id = parent;
	}
	return LP_OK;
}

static int
take_layer(struct lp_archive *a, size_t i, const struct link *l)
{
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%.*s/layer.tar", (int)l->id.n, (const char *)l->id.p);
	rc = lp_archive_take(a, i, path);
	if (rc == LP_OK && l->command != NULL)
		a->layer[i].created_by = lp_span(json_string_value(l->command), json_string_length(l->command));
	return rc;
}

int
lp_archive_load_v1(struct lp_archive *a)
{
	struct link *links = calloc(LP_ARCHIVE_LAYERS, sizeof(*links));
	size_t n = 0;
	int rc = links == NULL ? lp_archive_no_memory(a) : walk_parents(a, links, &n);

	rc = rc != LP_OK ? rc : lp_archive_room(a, n);
	for (size_t i = 0; rc == LP_OK && i < n; i++)
		rc = take_layer(a, n - 1 - i, &links[i]);
	free(links);
	return rc;
}
