/* Puts into words what a server answered: statuses, and the error documents of registries and token servers. */
#include "common/net/words.h"

#include <stdio.h>
#include <string.h>

#include "common/base/jsonread.h"
#include "common/base/status.h"
#include "common/sys/err.h"

enum { WORDS_MAX = 256 }; /* bytes of a code or message that are passed on */

const char *
lp_words_status(int status)
{
	switch (status) {
	case 401:
		return "401, access needs credentials";
	case 403:
		return "403, access is refused";
	case 404:
		return "404, not found";
	case 429:
		return "429, too many requests";
	default:
		return NULL;
	}
}

static struct lp_span
cut(struct lp_span s)
{
	return lp_span_take(&s, WORDS_MAX);
}

/* Where a document has its code and message: the first place that has one. */
static void
find(const json_t *root, struct lp_span *code, struct lp_span *message)
{
	static const char *const alone[] = { "message", "details", "detail" };
	const json_t *error = json_object_get(root, "error"), *first = json_array_get(json_object_get(root, "errors"), 0);

	if (first == NULL && json_is_object(error))
		first = error;
	*code = lp_json_get_string(first != NULL ? first : root, first != NULL ? "code" : "error");
	*message = lp_json_get_string(first != NULL ? first : root, first != NULL ? "message" : "error_description");
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]) && code->n + message->n == 0; i++)
		*message = lp_json_get_string(root, alone[i]);
}

void
lp_words(const struct lp_http_response *resp, char *out, size_t n)
{
	/* nginx's: its status is 400, and TLS stood without one */
	static const char wanted[] = "No required SSL certificate was sent";
	struct lp_span body = lp_buf_span(&resp->body), code, message;
	struct lp_json_error je;
	json_t *root;

	out[0] = '\0';
	if (body.n > 0 && memmem(body.p, body.n, wanted, strlen(wanted)) != NULL)
		snprintf(out, n, " (it wants a client certificate: --cert=FILE and --key=FILE)");
	else if (lp_http_is_page(resp, body))
		snprintf(out, n, " (with an HTML page)");
	if (out[0] != '\0' || lp_json_load(body, &root, &je) != LP_OK)
		return;
	find(root, &code, &message);
	if (code.n + message.n > 0)
		snprintf(out, n, " (%s%s%s)", lp_quote(cut(code)), code.n > 0 && message.n > 0 ? ": " : "",
		    lp_quote(cut(message)));
	json_decref(root);
}
