/* TOML, each line of the language that registries.conf and hosts.toml may use, as the JSON it becomes. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/toml.h"
#include "test/unit/unit.h"

static const struct {
	const char *toml;
	const char *json; /* NULL: refused */
	unsigned line;    /* there */
} cases[] = {
	{ "", "{}", 0 },
	{ "# nothing\n\n \t# else", "{}", 0 },
	{ "a = true\nb=false # c\n", "{\"a\":true,\"b\":false}", 0 },
	{ "\"a b\" = 'c\\d'\r\n'' = \"\"\n", "{\"a b\":\"c\\\\d\",\"\":\"\"}", 0 },
	{ "b = 1\na = 2\n", "{\"b\":1,\"a\":2}", 0 },
	{ "a . \"b.c\" . d = 1\na.e = 2", "{\"a\":{\"b.c\":{\"d\":1},\"e\":2}}", 0 },
	{ "a = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"", "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\\u00E9\\uD83D\\uDE00\"}", 0 },
	{ "a = \"\\u0800\\u007f\"", "{\"a\":\"\\u0800\x7f\"}", 0 },
	{ "a = \"\"\"\nb\n\\\n  c \\  \n\n d\"\"\"\"\"", "{\"a\":\"b\\nc d\\\"\\\"\"}", 0 },
	{ "a = '''\r\nb\\\r\nc''''", "{\"a\":\"b\\\\\\r\\nc'\"}", 0 },
	{ "a = [ ]\nb = [1, 'x', [true,],\n # y\n {},\n]\n", "{\"a\":[],\"b\":[1,\"x\",[true],{}]}", 0 },
	{ "a = { b = 1, c.d = [], c.e = {} }", "{\"a\":{\"b\":1,\"c\":{\"d\":[],\"e\":{}}}}", 0 },
	{ "a = +1\nb = -9223372036854775808\nc = 9223372036854775807\nd = 1_0\ne = 0\nf = -0",
	  "{\"a\":1,\"b\":-9223372036854775808,\"c\":9223372036854775807,\"d\":10,\"e\":0,\"f\":0}", 0 },
	{ "a = 0xDEAD_beef\nb = 0o17\nc = 0b101", "{\"a\":3735928559,\"b\":15,\"c\":5}", 0 },
	{ "[a]\nb = 1\n[ c . 'd' ] # e\nf = 2\n[c]\ng = 3", "{\"a\":{\"b\":1},\"c\":{\"d\":{\"f\":2},\"g\":3}}", 0 },
	{ "[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 2\n[[a.e]]\n[[a.e]]\nf = 3",
	  "{\"a\":[{\"b\":1},{\"c\":{\"d\":2},\"e\":[{},{\"f\":3}]}]}", 0 },
	{ "[a]\nb.c = 1\n[a.b.d]\n[a.e]", "{\"a\":{\"b\":{\"c\":1,\"d\":{}},\"e\":{}}}", 0 },
	{ "\xef\xbb\xbf" "a = 1", "{\"a\":1}", 0 },
	{ "a = \"\\u0000\"", "{\"a\":\"\\u0000\"}", 0 },

	{ "a", NULL, 1 },
	{ "\na =\nb = 1", NULL, 2 },
	{ "= 1", NULL, 1 },
	{ "a. = 1", NULL, 1 },
	{ "a = 1\na = 2", NULL, 2 },
	{ "a = 1 b = 2", NULL, 1 },
	{ "a = tru", NULL, 1 },
	{ "a = truely", NULL, 1 },
	{ "a = b", NULL, 1 },
	{ "a = \"b", NULL, 1 },
	{ "a = \"b\nc\"", NULL, 1 },
	{ "a = '''b\n\n", NULL, 3 },
	{ "a = \"\\x\"", NULL, 1 },
	{ "a = \"\\ud800\"", NULL, 1 },
	{ "a = \"\\U00110000\"", NULL, 1 },
	{ "a = \"\\UFFFFFFFFF\"", NULL, 1 },
	{ "a = \"\\u12\"", NULL, 1 },
	{ "a = \"\x01\"", NULL, 1 },
	{ "a = \"\xff\"", NULL, 1 },
	{ "# \x01", NULL, 1 },
	{ "# \rb = 1", NULL, 1 },
	{ "\"a\\u0000\" = 1", NULL, 1 },
	{ "\"\"\"a\"\"\" = 1", NULL, 1 },
	{ "a = 9223372036854775808", NULL, 1 },
	{ "a = 01", NULL, 1 },
	{ "a = 1.5", NULL, 1 },
	{ "a = 1__0", NULL, 1 },
	{ "a = _1", NULL, 1 },
	{ "a = 1_", NULL, 1 },
	{ "a = -0x1", NULL, 1 },
	{ "a = 0x", NULL, 1 },
	{ "a = 0b2", NULL, 1 },
	{ "a = 1e3", NULL, 1 },
	{ "a = inf", NULL, 1 },
	{ "a = 1979-05-27T07:32:00Z", NULL, 1 },
	{ "a = 07:32:00", NULL, 1 },
	{ "a = [1 2]", NULL, 1 },
	{ "a = [,]", NULL, 1 },
	{ "a = [1,,2]", NULL, 1 },
	{ "a = [1", NULL, 1 },
	{ "a = {b = 1,}", NULL, 1 },
	{ "a = {b = 1\n}", NULL, 1 },
	{ "a = {b = 1}\na.c = 2", NULL, 2 },
	{ "a = {b = 1}\n[a.c]", NULL, 2 },
	{ "a = {b = 1, b = 2}", NULL, 1 },
	{ "a = 1\na.b = 2", NULL, 2 },
	{ "[a]\n[a]", NULL, 2 },
	{ "a.b = 1\n[a]", NULL, 2 },
	{ "[a.b]\n[a]\nb.c = 1", NULL, 3 },
	{ "a = []\n[[a]]", NULL, 2 },
	{ "[[a]]\n[a]", NULL, 2 },
	{ "[a]\n[[a]]", NULL, 2 },
	{ "[a", NULL, 1 },
	{ "[a] b = 1", NULL, 1 },
	{ "[[a]", NULL, 1 },
	{ "[]", NULL, 1 },
	{ "[a]]", NULL, 1 },
};

static void
test_case(size_t i)
{
	struct lp_span text = lp_span_str(cases[i].toml);
	unsigned char *p = unit_exact(text);
	struct lp_toml_error e;
	json_t *v;
	int rc = lp_toml_load(lp_span(p, text.n), &v, &e);
	char *json = v != NULL ? json_dumps(v, JSON_COMPACT) : NULL;

	if (cases[i].json != NULL) {
		json_t *want = json_loads(cases[i].json, JSON_ALLOW_NUL, NULL);
		char *written = want != NULL ? json_dumps(want, JSON_COMPACT) : NULL;

		/* as text: the order of the members matters, too */
		ok(rc == LP_OK && json != NULL && written != NULL && strcmp(json, written) == 0, "%s", cases[i].json);
		if (rc != LP_OK)
			diag("line %u: %s", e.line, e.why);
		free(written);
		json_decref(want);
	} else {
		ok(rc == LP_E_DATA && v == NULL && e.why != NULL && e.line == cases[i].line, "refused: case %zu, line %u", i, e.line);
	}
	free(json);
	json_decref(v);
	free(p);
}

/* As deep as it says and no deeper. */
static void
test_depth(const char *start, const char *part, const char *middle, const char *end)
{
	for (unsigned n = LP_TOML_DEPTH - 1; n <= LP_TOML_DEPTH + 1; n++) {
		int fits = n <= LP_TOML_DEPTH - (part[0] == '.'), rc;
		struct lp_toml_error e;
		struct lp_buf b;
		json_t *v = NULL;

		lp_buf_init(&b, 4096);
		(void)lp_buf_adds(&b, start);
		for (unsigned i = 0; i < n; i++)
			(void)lp_buf_adds(&b, part);
		(void)lp_buf_adds(&b, middle);
		for (unsigned i = 0; i < n; i++)
			(void)lp_buf_adds(&b, end);
		rc = lp_toml_load(lp_buf_span(&b), &v, &e);
		ok(rc == (fits ? LP_OK : LP_E_DATA), "%s%s: %u of them", start, part, n);
		json_decref(v);
		lp_buf_release(&b);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(i);
	test_depth("a", ".a", " = 1", "");
	test_depth("[a", ".a", "]", "");
	test_depth("a = ", "[", "", "]");
	test_depth("a = ", "{a = ", "1", "}");
	return unit_done();
}
