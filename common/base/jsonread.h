/*
 * Reading a JSON document whole, within limits: what manifests, configs,
 * tables of contents and NDJSON rows are read with. The parser is jansson;
 * this is the one door to it.
 */
#ifndef LP_BASE_JSONREAD_H
#define LP_BASE_JSONREAD_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/limits.h"
#include "common/base/span.h"

struct lp_json_error {
	size_t offset;    /* bytes from the start of the document */
	const char *why;  /* static */
	char text[JSON_ERROR_TEXT_LENGTH]; /* jansson's words, may quote the document: lp_quote() them */
};

/*
 * Parse one document: an object or an array, nothing but white space behind
 * it, no key twice in one object (readers that keep the first and readers
 * that keep the last would see different images), nesting up to
 * LP_MAX_JSON_DEPTH, LP_MAX_JSON_MEMORY or LP_MAX_JSON_TIMES its text for all of it. Strings may hold \u0000.
 * LP_OK with *out owned by the caller (json_decref), or LP_E_DATA,
 * LP_E_LIMIT (too deep, too many values) or LP_E_NOMEM with *error filled and *out NULL.
 */
int lp_json_load(struct lp_span, json_t **out, struct lp_json_error *error);

/*
 * The same for an image's documents, which runtimes read by Go's parser: bytes that are not UTF-8 and halves of
 * surrogate pairs are U+FFFD, numbers that are no 64-bit integers null (base/jsonmend.h). With `twice` the last of
 * several members of one key counts.
 */
int lp_json_load_lax(struct lp_span, int twice, json_t **out, struct lp_json_error *error);

/*
 * From now on, the memory of documents is overwritten before it is given
 * back: for programs that read passwords and tokens. Applies to documents
 * that exist already, too.
 */
void lp_json_wipe(void);

/* A string member's bytes, borrowed from the object; an empty span with p == NULL if absent or not a string. */
struct lp_span lp_json_get_string(const json_t *object, const char *key);

/* A non-negative integer member. LP_OK, LP_E_ABSENT, or LP_E_DATA if it is something else. */
int lp_json_get_u64(const json_t *object, const char *key, uint64_t *out);

#endif
