/*
 * Reading TOML 1.0 whole: what registries.conf and hosts.toml are written in.
 * It becomes a JSON value, as tomljson(1) shows it: tables are objects, whose
 * members stay in the order in which they were written.
 *
 * Of the language only numbers with a fraction or an exponent, dates and times
 * are missing, which no such file has: they are refused.
 */
#ifndef LP_BASE_TOML_H
#define LP_BASE_TOML_H

#include "common/base/jsonread.h"
#include "common/base/span.h"

enum { LP_TOML_DEPTH = 32 }; /* parts of a dotted key; arrays and inline tables within each other */

struct lp_toml_error {
	unsigned line;   /* from 1 */
	const char *why; /* static */
};

/*
 * One document. LP_OK with *out an object, owned by the caller (json_decref),
 * or LP_E_DATA or LP_E_NOMEM with *error filled and *out NULL. Keys hold no NUL.
 */
int lp_toml_load(struct lp_span, json_t **out, struct lp_toml_error *error);

#endif
