/* Writes JSON strings. */
#include "common/base/jsonwrite.h"

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/status.h"
#include "common/base/utf8.h"

static int
escape_ascii(struct lp_buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"': return lp_buf_adds(b, "\\\"");
	case '\\': return lp_buf_adds(b, "\\\\");
	case '\b': return lp_buf_adds(b, "\\b");
	case '\f': return lp_buf_adds(b, "\\f");
	case '\n': return lp_buf_adds(b, "\\n");
	case '\r': return lp_buf_adds(b, "\\r");
	case '\t': return lp_buf_adds(b, "\\t");
	}
	return lp_buf_add(b, lp_span(u, sizeof(u)));
}

/* One character that is not plain, taken off *s. */
static int
odd_character(struct lp_buf *b, struct lp_span *s)
{
	size_t n;

	if (s->p[0] < 0x80)
		return escape_ascii(b, *lp_span_take(s, 1).p);
	n = lp_utf8_len(*s, NULL);
	if (n > 0)
		return lp_buf_add(b, lp_span_take(s, n));
	lp_span_take(s, 1);
	return lp_buf_adds(b, "\xef\xbf\xbd");
}

int
lp_json_string(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_buf_addc(b, '"');

	while (s.n > 0 && rc == LP_OK) {
		/* DEL may stand for itself, by the RFC, but a terminal would swallow it */
		rc = lp_buf_add(b, lp_span_take(&s, lp_plain_run(s, '"')));
		if (s.n > 0 && rc == LP_OK)
			rc = odd_character(b, &s);
	}
	return rc == LP_OK ? lp_buf_addc(b, '"') : rc;
}

int
lp_json_base64(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_buf_addc(b, '"');

	rc = rc != LP_OK ? rc : lp_base64(b, s);
	return rc == LP_OK ? lp_buf_addc(b, '"') : rc;
}
