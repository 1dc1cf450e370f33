/* The same for archives of the old form, one directory a layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/jsonread.h"
#include "common/base/status.h"
#include "common/oci/manifest.h"
#include "common/source/archive_priv.h"
#include "common/sys/err.h"

static int
keep_part(struct lp_archive *a, json_t *part)
{
	json_t **v = reallocarray(a->parts, a->nparts + 1, sizeof(json_t *));

	if (v == NULL) {
		json_decref(part);
		return lp_archive_no_memory(a);
	}
	a->parts = v;
	v[a->nparts++] = part;
	return LP_OK;
}

/* ID/json: kept, and its parent's ID found; an empty one ends the chain. */
static int
read_part(struct lp_archive *a, struct lp_span id, struct lp_span *parent)
{
	char path[256];
	struct lp_json_error e;
	json_t *part;
	int rc;

	if (id.n > 128 || memchr(id.p, '/', id.n) != NULL)
		return lp_archive_fail(a, LP_E_DATA, "not an ID: %s", lp_quote(id));
	snprintf(path, sizeof(path), "%.*s/json", (int)id.n, (const char *)id.p);
	lp_buf_clear(&a->config_bytes);
	rc = lp_archive_read(a, path, &a->config_bytes);
	if (rc == LP_E_ABSENT)
		return lp_archive_fail(a, LP_E_DATA, "%s is not in the archive", lp_quotes(path));
	if (rc != LP_OK)
		return rc;
	rc = lp_json_load(lp_buf_span(&a->config_bytes), &part, &e);
	if (rc != LP_OK)
		return lp_archive_fail(a, rc, "%s: byte %zu: %s", lp_quotes(path), e.offset, e.why);
	*parent = lp_json_get_string(part, "parent");
	return keep_part(a, part);
}

/* The layers' IDs from the top down; spans into the parts, but for the first. */
static int
walk_parents(struct lp_archive *a, struct lp_span *ids, size_t *n)
{
	struct lp_span id = lp_span_str(a->saved.top);

	for (*n = 0; id.n > 0; (*n)++) {
		struct lp_span parent = { NULL, 0 };
		int rc;

		if (*n == LP_ARCHIVE_LAYERS)
			return lp_archive_fail(a, LP_E_LIMIT, "more than %d layers, or a ring of them",
			    LP_ARCHIVE_LAYERS);
		ids[*n] = id;
		rc = read_part(a, id, &parent);
		if (rc != LP_OK)
			return rc;
		id = parent;
	}
	return LP_OK;
}

static int
take_layer(struct lp_archive *a, size_t i, struct lp_span id, const json_t *part)
{
	json_t *command;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%.*s/layer.tar", (int)id.n, (const char *)id.p);
	rc = lp_archive_take(a, i, path);
	if (rc != LP_OK)
		return rc;
	if (lp_v1_command(part, &command) != LP_OK)
		return lp_archive_no_memory(a);
	if (command == NULL)
		return LP_OK;
	a->layer[i].created_by = lp_span(json_string_value(command), json_string_length(command));
	return keep_part(a, command);
}

int
lp_archive_load_v1(struct lp_archive *a)
{
	struct lp_span *ids = calloc(LP_ARCHIVE_LAYERS, sizeof(*ids));
	size_t n = 0;
	int rc = ids == NULL ? lp_archive_no_memory(a) : walk_parents(a, ids, &n);

	rc = rc != LP_OK ? rc : lp_archive_room(a, n);
	for (size_t i = 0; rc == LP_OK && i < n; i++)
		rc = take_layer(a, n - 1 - i, ids[i], a->parts[i]);
	free(ids);
	return rc;
}
