/* Writes records: the lines that begin with `#`. */
#include "common/row/record.h"

#include "common/base/escape.h"
#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/status.h"

/* What stands before a value. */
static void
begin(struct lp_record *r, const char *key)
{
	if (r->fields == 0) {
		r->start = r->out->n;
		r->rc = LP_OK;
	}
	if (r->json) {
		r->rc = r->rc != LP_OK ? r->rc : lp_buf_adds(r->out, r->fields > 0 ? ",\"" : "{\"");
		r->rc = r->rc != LP_OK ? r->rc : lp_buf_adds(r->out, key);
		r->rc = r->rc != LP_OK ? r->rc : lp_buf_adds(r->out, "\":");
	} else if (r->fields > 0 && r->rc == LP_OK) {
		r->rc = lp_buf_addc(r->out, '\t');
	}
	r->fields++;
}

void
lp_record_text(struct lp_record *r, const char *key, struct lp_span s)
{
	begin(r, key);
	if (r->rc == LP_OK)
		r->rc = r->json ? lp_json_string(r->out, s) : lp_escape(r->out, s, LP_ESCAPE_ROW);
}

void
lp_record_known_text(struct lp_record *r, const char *key, struct lp_span s)
{
	if (s.n > 0) {
		lp_record_text(r, key, s);
		return;
	}
	begin(r, key);
	if (r->rc == LP_OK)
		r->rc = lp_buf_adds(r->out, r->json ? "null" : "-");
}

void
lp_record_int(struct lp_record *r, const char *key, int64_t v)
{
	char digits[LP_NUM_MAX];

	begin(r, key);
	if (r->rc == LP_OK)
		r->rc = lp_buf_add(r->out, lp_span(digits, (size_t)(lp_num_puti(digits, v) - digits)));
}

void
lp_record_known(struct lp_record *r, const char *key, int64_t v)
{
	if (v >= 0)
		lp_record_int(r, key, v);
	else if (!r->json)
		begin(r, key);
}

int
lp_record_end(struct lp_record *r)
{
	int rc = r->rc;

	rc = rc != LP_OK ? rc : lp_buf_adds(r->out, r->json ? "}\n" : "\n");
	if (rc != LP_OK)
		r->out->n = r->start;
	r->fields = 0;
	return rc;
}
