/* Parses TOML into a JSON value. */
#include "common/base/toml.h"

#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

/* How a table or an array came to be, which says what may still be put into it. */
enum made {
	MADE_NOT,
	MADE_ON_THE_WAY, /* by the header of one below it */
	MADE_BY_HEADER,
	MADE_BY_DOTS,    /* by a key with dots */
	MADE_LIST        /* an array of [[tables]] */
	/* what is not in the map is a value: whole as it is */
};

struct toml {
	struct lp_span rest;
	unsigned line;
	unsigned depth;
	struct lp_map made;  /* of tables and arrays, by their addresses: enum made */
	struct lp_buf text;  /* of a key or string */
	const char *why;
};

static int
fail(struct toml *t, const char *why)
{
	t->why = why;
	return LP_E_DATA;
}

static int
no_memory(struct toml *t)
{
	t->why = "out of memory";
	return LP_E_NOMEM;
}

/* ---- characters ------------------------------------------------------------------------ */

static int
next(const struct toml *t)
{
	return t->rest.n > 0 ? t->rest.p[0] : -1;
}

static int
eat(struct toml *t, const char *these)
{
	size_t n = strlen(these);

	if (!lp_span_begins(t->rest, these))
		return 0;
	lp_span_take(&t->rest, n);
	return 1;
}

static int
at_newline(const struct toml *t)
{
	return next(t) == '\n' || lp_span_begins(t->rest, "\r\n");
}

static void
eat_newline(struct toml *t)
{
	(void)lp_span_field(&t->rest, '\n');
	t->line++;
}

/* One character that strings and comments may have; its bytes. */
static size_t
allowed(const struct toml *t)
{
	int c = next(t);

	return c < 0 || (c < ' ' && c != '\t') || c == 0x7f ? 0 : lp_utf8_len(t->rest, NULL);
}

static int
skip_comment(struct toml *t)
{
	size_t n;

	lp_span_skip(&t->rest, " \t");
	if (next(t) != '#')
		return LP_OK;
	while ((n = allowed(t)) > 0)
		lp_span_take(&t->rest, n);
	return t->rest.n == 0 || at_newline(t) ? LP_OK : fail(t, "a comment has a character that is none of TOML's");
}

/* All up to the next thing. */
static int
skip_lines(struct toml *t)
{
	int rc;

	while ((rc = skip_comment(t)) == LP_OK && at_newline(t))
		eat_newline(t);
	return rc;
}

static int
end_of_line(struct toml *t)
{
	int rc = skip_comment(t);

	if (rc != LP_OK || t->rest.n == 0)
		return rc;
	if (!at_newline(t))
		return fail(t, "something behind what should end the line");
	eat_newline(t);
	return LP_OK;
}

/* ---- strings ----------------------------------------------------------------------------- */

static int
add(struct toml *t, struct lp_span s)
{
	return lp_buf_add(&t->text, s) == LP_OK ? LP_OK : no_memory(t);
}

/* RFC 3629 section 3 */
static int
add_code(struct toml *t, uint32_t c)
{
	unsigned char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		b[i] = (unsigned char)(0x80 | (c & 0x3f));
	b[0] = (unsigned char)(n == 1 ? c : (0xf00u >> n & 0xf0u) | c);
	if (!lp_utf8_valid(lp_span(b, n)))
		return fail(t, "an escape that stands for no character");
	return add(t, lp_span(b, n));
}

static int
hexadecimal(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
add_unicode(struct toml *t, size_t digits)
{
	uint32_t code = 0;

	for (size_t i = 0; i < digits; i++) {
		int v = hexadecimal(next(t));

		if (v < 0 || code > 0xfffffff)
			return fail(t, "an escape that stands for no character");
		code = code << 4 | (uint32_t)v;
		lp_span_take(&t->rest, 1);
	}
	return code > 0x10ffff ? fail(t, "an escape that stands for no character") : add_code(t, code);
}

/* A backslash at the end of a line, blanks behind it allowed, takes all white space with it. */
static int
skip_to_next_line(struct toml *t)
{
	lp_span_skip(&t->rest, " \t");
	if (!at_newline(t))
		return fail(t, "no such escape");
	for (; at_newline(t); lp_span_skip(&t->rest, " \t"))
		eat_newline(t);
	return LP_OK;
}

static int
add_escape(struct toml *t, int lines)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	const char *at;
	int c = next(t);

	if (lines && (c == ' ' || c == '\t' || at_newline(t)))
		return skip_to_next_line(t);
	lp_span_take(&t->rest, 1);
	if (c == 'u' || c == 'U')
		return add_unicode(t, c == 'u' ? 4 : 8);
	at = c > 0 ? memchr(names, c, sizeof(names) - 1) : NULL;
	return at != NULL ? add(t, lp_span(&values[at - names], 1)) : fail(t, "no such escape");
}

/* Up to two quotes may stand before the three that end it. */
static int
ends_lines(struct toml *t, int quote)
{
	size_t n = 0;

	while (n < 5 && n < t->rest.n && t->rest.p[n] == quote)
		n++;
	if (n < 3)
		return 0;
	(void)add(t, lp_span_take(&t->rest, n - 3));
	lp_span_take(&t->rest, 3);
	return 1;
}

/* A string of any kind, its opening quote next, into t->text; `lines`: what has three quotes may be one. */
static int
take_string(struct toml *t, int lines)
{
	int quote = next(t), rc = LP_OK;

	lines = lines && eat(t, quote == '"' ? "\"\"\"" : "'''");
	lp_buf_clear(&t->text);
	if (!lines)
		lp_span_take(&t->rest, 1);
	else if (at_newline(t))
		eat_newline(t);
	while (rc == LP_OK) {
		size_t n = allowed(t);

		if (lines && at_newline(t)) {
			t->line++;
			rc = add(t, lp_span_take(&t->rest, next(t) == '\r' ? 2 : 1));
		} else if (n == 0) {
			return fail(t, t->rest.n == 0 || at_newline(t) ? "a string that does not end" :
			    "a string has a character that is none of TOML's");
		} else if (next(t) == quote && (!lines || ends_lines(t, quote))) {
			lp_span_take(&t->rest, lines ? 0 : 1);
			return LP_OK;
		} else if (next(t) == '\\' && quote == '"') {
			lp_span_take(&t->rest, 1);
			rc = add_escape(t, lines);
		} else {
			rc = add(t, lp_span_take(&t->rest, n));
		}
	}
	return rc;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint64_t
name_of(const json_t *v)
{
	return lp_hash64(0, lp_span(&v, sizeof(v)));
}

static enum made
made_how(const struct toml *t, const json_t *v)
{
	const uint64_t *how = lp_map_get(&t->made, name_of(v));

	return how != NULL ? (enum made)*how : MADE_NOT;
}

static int
remember(struct toml *t, const json_t *v, enum made how)
{
	uint64_t *value;
	int fresh;

	if (lp_map_add(&t->made, name_of(v), &value, &fresh) != LP_OK)
		return no_memory(t);
	*value = how;
	return LP_OK;
}

/* A new table or list under that name; owned by its parent. */
static int
make(struct toml *t, json_t *parent, const char *key, json_t *v, enum made how, json_t **out)
{
	*out = v;
	if (v == NULL || json_object_set_new(parent, key, v) != 0)
		return no_memory(t);
	return remember(t, v, how);
}

static int
is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* One part of a key, into t->text, which is a C string then. */
static int
take_part(struct toml *t)
{
	int rc = LP_OK;

	lp_span_skip(&t->rest, " \t");
	if (next(t) == '"' || next(t) == '\'') {
		rc = take_string(t, 0);
	} else {
		lp_buf_clear(&t->text);
		while (rc == LP_OK && is_bare(next(t)))
			rc = add(t, lp_span_take(&t->rest, 1));
		if (rc == LP_OK && t->text.n == 0)
			return fail(t, "no key where one should be");
	}
	lp_span_skip(&t->rest, " \t");
	if (rc == LP_OK && lp_buf_cstr(&t->text) == NULL)
		return no_memory(t);
	return rc == LP_OK && strlen((const char *)t->text.p) != t->text.n ? fail(t, "a key with a NUL") : rc;
}

/* The table that a part of a key, which is not the last, leads to. */
static int
descend(struct toml *t, json_t **at, enum made how)
{
	const char *key = (const char *)t->text.p;
	json_t *v = json_object_get(*at, key);
	enum made is = v != NULL ? made_how(t, v) : MADE_NOT;

	if (v == NULL)
		return make(t, *at, key, json_object(), how, at);
	if (is == MADE_NOT || (how == MADE_BY_DOTS && is != MADE_BY_DOTS))
		return fail(t, "a key is below something that is not to be added to");
	*at = is == MADE_LIST ? json_array_get(v, json_array_size(v) - 1) : v;
	return LP_OK;
}

/* A key with dots: the last part is in t->text, and *at is the table that it belongs to. */
static int
take_key(struct toml *t, json_t **at, enum made how)
{
	unsigned parts = 0;
	int rc;

	while ((rc = take_part(t)) == LP_OK && eat(t, ".")) {
		if (++parts == LP_TOML_DEPTH)
			return fail(t, "a key of too many parts");
		rc = descend(t, at, how);
		if (rc != LP_OK)
			return rc;
	}
	return rc;
}

/* [[a.b]], the brackets off: one more. */
static int
open_element(struct toml *t, json_t **at)
{
	const char *key = (const char *)t->text.p;
	json_t *list = json_object_get(*at, key), *v;
	int rc = LP_OK;

	if (list == NULL)
		rc = make(t, *at, key, json_array(), MADE_LIST, &list);
	else if (made_how(t, list) != MADE_LIST)
		return fail(t, "[[this]] is something else already");
	if (rc != LP_OK)
		return rc;
	*at = v = json_object();
	if (v == NULL || json_array_append_new(list, v) != 0)
		return no_memory(t);
	return remember(t, v, MADE_BY_HEADER);
}

static int
open_table(struct toml *t, json_t **at)
{
	const char *key = (const char *)t->text.p;
	json_t *v = json_object_get(*at, key);

	if (v == NULL)
		return make(t, *at, key, json_object(), MADE_BY_HEADER, at);
	if (made_how(t, v) != MADE_ON_THE_WAY)
		return fail(t, "a table or a key is there already");
	*at = v;
	return remember(t, v, MADE_BY_HEADER);
}

static int
take_header(struct toml *t, json_t *root, json_t **at)
{
	int element = eat(t, "[["), rc;

	if (!element)
		lp_span_take(&t->rest, 1);
	*at = root;
	rc = take_key(t, at, MADE_ON_THE_WAY);
	if (rc == LP_OK && !eat(t, element ? "]]" : "]"))
		rc = fail(t, "a header that does not end");
	rc = rc != LP_OK ? rc : element ? open_element(t, at) : open_table(t, at);
	return rc != LP_OK ? rc : end_of_line(t);
}

/* ---- values ------------------------------------------------------------------------------------- */

static int take_value(struct toml *, json_t **);

/* KEY = VALUE into that table. */
static int
take_pair(struct toml *t, json_t *at)
{
	json_t *v;
	char *key;
	int rc = take_key(t, &at, MADE_BY_DOTS);

	if (rc == LP_OK && !eat(t, "="))
		rc = fail(t, "no '=' behind a key");
	if (rc != LP_OK)
		return rc;
	if (json_object_get(at, (const char *)t->text.p) != NULL)
		return fail(t, "a key that is there already");
	key = lp_cstr(lp_buf_span(&t->text));
	rc = key != NULL ? take_value(t, &v) : no_memory(t);
	if (rc == LP_OK && json_object_set_new(at, key, v) != 0)
		rc = no_memory(t);
	free(key);
	return rc;
}

/* Everything between brackets or braces, these off. A list ends with a comma if it likes, and has line ends. */
static int
take_members(struct toml *t, json_t *v, int list)
{
	const char *end = list ? "]" : "}";
	int rc;

	for (int first = 1;; first = 0) {
		json_t *item;

		rc = list ? skip_lines(t) : LP_OK;
		lp_span_skip(&t->rest, " \t");
		if (rc != LP_OK || ((first || list) && eat(t, end)))
			return rc;
		rc = list ? take_value(t, &item) : take_pair(t, v);
		if (rc == LP_OK && list && json_array_append_new(v, item) != 0)
			rc = no_memory(t);
		rc = rc == LP_OK && list ? skip_lines(t) : rc;
		lp_span_skip(&t->rest, " \t");
		if (rc != LP_OK || eat(t, end))
			return rc;
		if (!eat(t, ","))
			return fail(t, "neither a comma nor an end behind a value");
	}
}

static int
take_many(struct toml *t, json_t **out)
{
	int list = next(t) == '[', rc;
	json_t *v = list ? json_array() : json_object();

	lp_span_take(&t->rest, 1);
	if (v == NULL)
		return no_memory(t);
	rc = ++t->depth <= LP_TOML_DEPTH ? take_members(t, v, list) : fail(t, "values too deep within each other");
	t->depth--;
	if (rc == LP_OK)
		*out = v;
	else
		json_decref(v);
	return rc;
}

/* The digits of a number, as many as there are: lone underscores between two of them are left out. */
static int
take_digits(struct toml *t, unsigned base, json_int_t sign, json_int_t *out)
{
	size_t n = 0;

	for (int c, v; (c = next(t)) == '_' || hexadecimal(c) >= 0; lp_span_take(&t->rest, 1), n++) {
		v = hexadecimal(c);
		if (c == '_' && (n == 0 || t->rest.n < 2 || hexadecimal(t->rest.p[1]) < 0))
			return fail(t, "not a value that is read here");
		if (c == '_')
			continue;
		if ((unsigned)v >= base || __builtin_mul_overflow(*out, (json_int_t)base, out) ||
		    __builtin_add_overflow(*out, sign * v, out))
			return fail(t, "not a number of 64 bits");
	}
	return n > 0 ? LP_OK : fail(t, "not a value that is read here");
}

static int
take_number(struct toml *t, json_t **out)
{
	int minus = eat(t, "-"), plus = !minus && eat(t, "+"), prefix = !minus && !plus, rc;
	unsigned base = prefix && eat(t, "0x") ? 16 : prefix && eat(t, "0o") ? 8 : prefix && eat(t, "0b") ? 2 : 10;
	json_int_t v = 0;

	if (base == 10 && next(t) == '0' && t->rest.n > 1 && (is_bare(t->rest.p[1]) || t->rest.p[1] == '.'))
		return fail(t, "not a value that is read here");
	rc = take_digits(t, base, minus ? -1 : 1, &v);
	if (rc == LP_OK && (is_bare(next(t)) || next(t) == '.' || next(t) == ':'))
		rc = fail(t, "not a value that is read here");
	*out = rc == LP_OK ? json_integer(v) : NULL;
	return rc == LP_OK && *out == NULL ? no_memory(t) : rc;
}

static int
take_value(struct toml *t, json_t **out)
{
	int rc;

	lp_span_skip(&t->rest, " \t");
	switch (next(t)) {
	case '"':
	case '\'':
		rc = take_string(t, 1);
		*out = rc == LP_OK ? json_stringn(t->text.n > 0 ? (const char *)t->text.p : "", t->text.n) : NULL;
		return rc == LP_OK && *out == NULL ? no_memory(t) : rc;
	case '[':
	case '{':
		return take_many(t, out);
	case 't':
	case 'f':
		*out = next(t) == 't' ? json_true() : json_false();
		return (eat(t, "true") || eat(t, "false")) && !is_bare(next(t)) ? LP_OK : fail(t, "not a value that is read here");
	default:
		return take_number(t, out);
	}
}

/* ---- all of it ------------------------------------------------------------------------------------ */

static int
take_lines(struct toml *t, json_t *root)
{
	json_t *at = root;
	int rc;

	/* a byte order mark, as editors leave it */
	(void)eat(t, "\xef\xbb\xbf");
	while ((rc = skip_lines(t)) == LP_OK && t->rest.n > 0) {
		if (next(t) == '[') {
			rc = take_header(t, root, &at);
		} else {
			rc = take_pair(t, at);
			rc = rc != LP_OK ? rc : end_of_line(t);
		}
		if (rc != LP_OK)
			return rc;
	}
	return rc;
}

int
lp_toml_load(struct lp_span s, json_t **out, struct lp_toml_error *error)
{
	struct toml t = { .rest = s, .line = 1 };
	int rc;

	lp_map_init(&t.made, SIZE_MAX);
	/* what is in a file of settings may be a password */
	lp_buf_init_secret(&t.text, s.n + 1);
	*out = json_object();
	rc = *out != NULL ? take_lines(&t, *out) : no_memory(&t);
	*error = (struct lp_toml_error){ t.line, t.why };
	if (rc != LP_OK) {
		json_decref(*out);
		*out = NULL;
	}
	lp_buf_release(&t.text);
	lp_map_release(&t.made);
	return rc;
}
