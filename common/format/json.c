#include "common/format/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

/*
 * Where the nesting first goes below LP_MAX_JSON_DEPTH, or n. Before
 * jansson, whose own limit (2048 levels of recursion) is for its stack, not
 * for ours.
 */
static size_t
too_deep_at(struct lp_span s)
{
	size_t depth = 0;
	int in_string = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = s.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '[' || c == '{') {
			if (++depth > LP_MAX_JSON_DEPTH)
				return i;
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return s.n;
}

static int
fail(struct lp_json_error *e, int rc, size_t offset, const char *why, const char *text)
{
	e->offset = offset;
	e->why = why;
	snprintf(e->text, sizeof(e->text), "%s", text);
	return rc;
}

/*
 * jansson wants a seed for its hash tables and would open /dev/urandom for
 * it, which a locked program may not. Where the stack and the library were
 * loaded is as hard to guess for whoever wrote the document.
 */
static void
seed(const void *stack)
{
	uint64_t h = (uint64_t)(uintptr_t)stack ^ (uint64_t)(uintptr_t)json_loadb << 16;

	h *= 0x9e3779b97f4a7c15u;
	json_object_seed((size_t)(h >> 32) | 1);
}

/*
 * Of lost memory jansson says, depending on the place, that it is lost, that
 * the document is bad, or nothing. So we look ourselves.
 */
static int lost;
static void (*give_back)(void *) = free;

static void *
get(size_t n)
{
	void *p = malloc(n);

	lost = lost || p == NULL;
	return p;
}

int
lp_json_load(struct lp_span s, json_t **out, struct lp_json_error *error)
{
	json_error_t je;
	size_t deep = too_deep_at(s);

	seed(&je);
	*out = NULL;
	if (deep < s.n)
		return fail(error, LP_E_LIMIT, deep, "JSON is nested too deeply", "");
	lost = 0;
	json_set_alloc_funcs(get, give_back);
	*out = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
	/* a document may be there all the same, with less in its strings */
	if (*out != NULL && !lost)
		return LP_OK;
	json_decref(*out);
	*out = NULL;
	if (lost || json_error_code(&je) == json_error_out_of_memory)
		return fail(error, LP_E_NOMEM, 0, "out of memory", "");
	return fail(error, LP_E_DATA, je.position > 0 ? (size_t)je.position : 0, "not valid JSON", je.text);
}

static void
wipe_and_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void
lp_json_wipe(void)
{
	give_back = wipe_and_free;
	json_set_alloc_funcs(get, give_back);
}

struct lp_span
lp_json_get_string(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_string(v))
		return lp_span(NULL, 0);
	return lp_span(json_string_value(v), json_string_length(v));
}

int
lp_json_get_u64(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(object, key);

	if (v == NULL)
		return LP_E_ABSENT;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return LP_E_DATA;
	*out = (uint64_t)json_integer_value(v);
	return LP_OK;
}
