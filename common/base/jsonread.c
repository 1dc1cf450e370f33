/* Parses JSON by jansson within limits of depth and memory. */
#include "common/base/jsonread.h"

#include <malloc.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/jsonmend.h"
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
 * jansson 2.14 does not survive a failing allocation while it parses: it
 * misses characters of a string, and looks for its end behind the buffer. So
 * its memory is kept track of, and what fails ends the parsing at once.
 */
struct block {
	struct block *next, *prev;
};
_Static_assert(sizeof(struct block) % _Alignof(max_align_t) == 0, "what follows it is aligned");

static struct block parsing = { &parsing, &parsing };
static jmp_buf *failed; /* NULL: nothing is being parsed, who asks looks at what it gets */
static size_t used;     /* bytes, by what is being parsed */
static size_t most;     /* and how many it may use */
static int wipe;

static void
give_back(void *p)
{
	struct block *b = p != NULL ? (struct block *)p - 1 : NULL;

	if (b == NULL)
		return;
	/* clang's analyzer does not see that this is what takes a block out of the ring */
	b->prev->next = b->next; /* NOLINT(clang-analyzer-unix.Malloc) */
	b->next->prev = b->prev;
	if (failed != NULL)
		used -= malloc_usable_size(b);
	if (wipe)
		explicit_bzero(b, malloc_usable_size(b));
	free(b);
}

static void *
get(size_t n)
{
	struct block *b = n <= SIZE_MAX - sizeof(*b) ? malloc(sizeof(*b) + n) : NULL;

	if (b == NULL && failed != NULL)
		longjmp(*failed, LP_E_NOMEM);
	if (b == NULL)
		return NULL;
	*b = failed != NULL ? (struct block){ parsing.next, &parsing } : (struct block){ b, b };
	b->next->prev = b->prev->next = b;
	if (failed != NULL && (used += malloc_usable_size(b)) > most)
		longjmp(*failed, LP_E_LIMIT);
	return b + 1;
}

/* Before the first document: what comes from one pair of functions cannot go back to another. */
static void __attribute__((constructor))
hand_over(void)
{
	json_set_alloc_funcs(get, give_back);
}

/* What was parsed is the caller's from now on: a ring without us. */
static void
let_go(void)
{
	parsing.next->prev = parsing.prev;
	parsing.prev->next = parsing.next;
	parsing = (struct block){ &parsing, &parsing };
}

/* LP_OK, with *out NULL for what is no document, or LP_E_NOMEM or LP_E_LIMIT with nothing left behind. */
static int
parse(struct lp_span s, size_t flags, json_t **out, json_error_t *error)
{
	jmp_buf here;
	volatile int why = setjmp(here);

	if (why != 0) {
		failed = NULL;
		while (parsing.next != &parsing)
			give_back(parsing.next + 1);
		return why;
	}
	used = 0;
	most = s.n > LP_MAX_JSON_MEMORY / LP_MAX_JSON_TIMES ? s.n * LP_MAX_JSON_TIMES : LP_MAX_JSON_MEMORY;
	failed = &here;
	*out = json_loadb((const char *)s.p, s.n, flags | JSON_ALLOW_NUL, error);
	failed = NULL;
	let_go();
	return LP_OK;
}

static int
load(struct lp_span s, size_t flags, json_t **out, struct lp_json_error *error)
{
	json_error_t je;
	size_t deep = too_deep_at(s);
	int rc;

	seed(&je);
	*out = NULL;
	if (deep < s.n)
		return fail(error, LP_E_LIMIT, deep, "JSON is nested too deeply", "");
	rc = parse(s, flags, out, &je);
	if (rc != LP_OK) {
		*out = NULL;
		return fail(error, rc, 0, rc == LP_E_LIMIT ? "JSON has too many values" : "out of memory", "");
	}
	if (*out != NULL)
		return LP_OK;
	return fail(error, LP_E_DATA, je.position > 0 ? (size_t)je.position : 0, "not valid JSON", je.text);
}

int
lp_json_load(struct lp_span s, json_t **out, struct lp_json_error *error)
{
	return load(s, JSON_REJECT_DUPLICATES, out, error);
}

int
lp_json_load_lax(struct lp_span s, int twice, json_t **out, struct lp_json_error *error)
{
	size_t flags = twice ? 0 : JSON_REJECT_DUPLICATES;
	int rc = load(s, flags, out, error), mended;
	struct lp_buf b;

	if (rc != LP_E_DATA)
		return rc;
	/* a byte becomes three */
	lp_buf_init(&b, 3 * s.n);
	(void)lp_json_mend(s, SIZE_MAX, &b, &mended);
	if (mended != LP_OK) {
		rc = fail(error, LP_E_NOMEM, 0, "out of memory", "");
	} else if (!lp_span_eq(lp_buf_span(&b), s)) {
		rc = load(lp_buf_span(&b), flags, out, error);
		lp_buf_clear(&b);
		if (rc != LP_OK)
			error->offset = lp_json_mend(s, error->offset, &b, &mended);
	}
	lp_buf_release(&b);
	return rc;
}

void
lp_json_wipe(void)
{
	wipe = 1;
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
