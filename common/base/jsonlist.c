/* Parses an object of JSON that holds a long list, item by item. */
#include "common/base/jsonlist.h"

#include "common/base/status.h"

enum state {
	AT_START,
	AT_KEY_OR_END, /* behind '{' */
	AT_KEY,        /* behind ',' */
	IN_KEY,
	AT_COLON,
	AT_VALUE,
	IN_VALUE,
	AFTER_VALUE,
	AT_ITEM_OR_END, /* behind '[' */
	AT_ITEM,        /* behind ',' */
	IN_ITEM,
	AFTER_ITEM,
	AT_END, /* nothing but white space may follow */
	FAILED
};

void
lp_jsonlist_init(struct lp_jsonlist *x, size_t max, char first)
{
	*x = (struct lp_jsonlist){ .state = AT_START, .max = max, .first = (unsigned char)first };
	/* the two brackets */
	lp_buf_init(&x->staged, max + 2);
}

void
lp_jsonlist_release(struct lp_jsonlist *x)
{
	lp_buf_release(&x->staged);
}

int
lp_jsonlist_ended(const struct lp_jsonlist *x)
{
	return x->state == AT_END;
}

static enum lp_jsonlist_event
fail(struct lp_jsonlist *x, int status, uint64_t offset)
{
	x->state = FAILED;
	x->status = status;
	x->error_offset = offset;
	return LP_JSONLIST_ERROR;
}

/*
 * How much of the input belongs to what is being staged; *done: it ends
 * there. Brackets are only counted here: jansson sees whether they match.
 */
static size_t
scan(struct lp_jsonlist *x, struct lp_span in, int *done)
{
	size_t i = 0;

	*done = 0;
	while (i < in.n && !*done) {
		unsigned char c = in.p[i];

		if (x->in_string) {
			i++;
			if (x->escaped)
				x->escaped = 0;
			else if (c == '\\')
				x->escaped = 1;
			else if (c == '"')
				x->in_string = 0;
			*done = !x->in_string && x->depth == 0;
			continue;
		}
		switch (c) {
		case '"':
			x->in_string = 1;
			break;
		case '{': case '[':
			x->depth++;
			break;
		case '}': case ']': case ',': case ' ': case '\t': case '\n': case '\r':
			/* behind a number or a word, and no part of it */
			if (x->depth == 0) {
				*done = 1;
				return i;
			}
			if (c == '}' || c == ']')
				*done = --x->depth == 0;
			break;
		}
		i++;
	}
	return i;
}

static enum lp_jsonlist_event
begin(struct lp_jsonlist *x, int state)
{
	int rc;

	lp_buf_clear(&x->staged);
	x->text_offset = x->offset;
	x->depth = 0;
	x->in_string = state == IN_KEY;
	x->escaped = 0;
	x->state = state;
	rc = lp_buf_addc(&x->staged, '[');
	return rc == LP_OK ? LP_JSONLIST_MORE : fail(x, rc, x->text_offset);
}

/* Stage what there is of it; when it is whole, it is an event. */
static enum lp_jsonlist_event
stage(struct lp_jsonlist *x, struct lp_span *in)
{
	int done, rc, was = x->state;
	struct lp_span piece = lp_span_take(in, scan(x, *in, &done));

	x->offset += piece.n;
	rc = piece.n > x->max + 1 - x->staged.n ? LP_E_LIMIT : lp_buf_add(&x->staged, piece);
	if (rc != LP_OK)
		return fail(x, rc, x->text_offset);
	if (!done)
		return LP_JSONLIST_MORE;
	x->text = lp_buf_span(&x->staged);
	lp_span_take(&x->text, 1);
	switch (was) {
	case IN_VALUE:
		x->state = AFTER_VALUE;
		return LP_JSONLIST_VALUE;
	case IN_ITEM:
		x->state = AFTER_ITEM;
		return LP_JSONLIST_ITEM;
	default:
		x->text.n--; /* the closing quote */
		x->list = 0;
		x->state = AT_COLON;
		return LP_JSONLIST_KEY;
	}
}

/* The states that one character leads out of. -1: it does not. */
static int
after(int state, unsigned char c)
{
	static const struct { unsigned char state, c, next; } steps[] = {
		{ AT_START, '{', AT_KEY_OR_END }, { AT_KEY_OR_END, '}', AT_END }, { AT_KEY_OR_END, '"', IN_KEY },
		{ AT_KEY, '"', IN_KEY }, { AT_COLON, ':', AT_VALUE }, { AFTER_VALUE, ',', AT_KEY },
		{ AFTER_VALUE, '}', AT_END }, { AT_ITEM_OR_END, ']', AFTER_VALUE }, { AFTER_ITEM, ',', AT_ITEM },
		{ AFTER_ITEM, ']', AFTER_VALUE }
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].state == state && steps[i].c == c)
			return steps[i].next;
	return -1;
}

/* One character outside the values. */
static enum lp_jsonlist_event
structure(struct lp_jsonlist *x, struct lp_span *in)
{
	unsigned char c = in->p[0];
	int next;

	if ((x->state == AT_ITEM || x->state == AT_ITEM_OR_END) && c == x->first)
		return begin(x, IN_ITEM);
	if (x->state == AT_VALUE && (!x->list || c != '['))
		return begin(x, IN_VALUE);
	next = x->state == AT_VALUE ? AT_ITEM_OR_END : after(x->state, c);
	if (next < 0)
		return fail(x, LP_E_DATA, x->offset);
	lp_span_take(in, 1);
	x->offset++;
	x->state = next;
	x->begun = 1;
	return next == IN_KEY ? begin(x, IN_KEY) : LP_JSONLIST_MORE;
}

static int
is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum lp_jsonlist_event
lp_jsonlist_next(struct lp_jsonlist *x, struct lp_span *in)
{
	while (in->n > 0 && x->state != FAILED) {
		enum lp_jsonlist_event event;

		if (x->state == IN_KEY || x->state == IN_VALUE || x->state == IN_ITEM) {
			event = stage(x, in);
		} else if (is_space(in->p[0])) {
			lp_span_take(in, 1);
			x->offset++;
			continue;
		} else {
			event = structure(x, in);
		}
		if (event != LP_JSONLIST_MORE)
			return event;
	}
	return x->state == FAILED ? LP_JSONLIST_ERROR : LP_JSONLIST_MORE;
}

int
lp_jsonlist_load(struct lp_jsonlist *x, json_t **array, struct lp_json_error *e)
{
	int rc = lp_buf_addc(&x->staged, ']');

	*array = NULL;
	*e = (struct lp_json_error){ .why = "out of memory" };
	if (rc == LP_OK)
		rc = lp_json_load(lp_buf_span(&x->staged), array, e);
	if (rc == LP_OK && json_array_size(*array) != 1) {
		json_decref(*array);
		*array = NULL;
		*e = (struct lp_json_error){ .why = "not valid JSON" };
		rc = LP_E_DATA;
	}
	/* the '[' is ours */
	e->offset -= e->offset > 0;
	return rc;
}
