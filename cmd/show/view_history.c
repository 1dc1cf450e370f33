/* Prints what each layer adds, what later ones hide of it, and the command that made it. */
#include "cmd/show/view_priv.h"
#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/record.h"
#include "common/view/human.h"

/* A line of lp-merge --summary. */
struct sum {
	struct lp_span label; /* escaped as in rows */
	uint64_t number;      /* if it is one, or 0 */
	uint64_t entries, bytes, hidden_entries, hidden_bytes;
	int whole;
};

/* Widths of what stands at the right of its column; the command has the rest of the line. */
enum { NUMBER = 5, SIZE = 10, COMMAND_LEAST = 20 };

/* A history's own words for "it was the shell that ran this" say nothing. */
static struct lp_span
command_of(const struct lp_layerdoc *l)
{
	struct lp_span s = lp_span_str(l->created_by != NULL ? l->created_by : "");

	if (lp_span_begins(s, "/bin/sh -c "))
		lp_span_take(&s, sizeof("/bin/sh -c ") - 1);
	if (lp_span_begins(s, "#(nop) "))
		lp_span_take(&s, sizeof("#(nop) ") - 1);
	lp_span_skip(&s, " ");
	return s;
}

/* Of a preview it is so much at least. */
static int
put_bytes(struct lp_buf *b, uint64_t bytes, int whole)
{
	char text[LP_HUMAN_MAX + 1];
	char *end = lp_human_bytes(text, bytes);

	if (!whole)
		*end++ = '+';
	return lp_view_right(b, lp_span(text, (size_t)(end - text)), SIZE);
}

static int
put_size(struct lp_buf *b, int64_t size)
{
	return size >= 0 ? put_bytes(b, (uint64_t)size, 1) : lp_view_right(b, lp_span_str("-"), SIZE);
}

/* In what is left of the line. */
static int
put_command(const struct lp_view *v, struct lp_span command, struct lp_buf *b)
{
	const size_t used = NUMBER + 3 * SIZE + 2;
	struct lp_buf text;
	int rc;

	lp_buf_init(&text, v->width > used + COMMAND_LEAST ? v->width - used : COMMAND_LEAST);
	rc = lp_buf_reserve(&text, text.max);
	if (rc == LP_OK && lp_escape_cut(&text, command, LP_ESCAPE_TERMINAL) != LP_E_NOMEM)
		rc = lp_buf_add(b, lp_buf_span(&text));
	lp_buf_release(&text);
	return rc;
}

static int
draw(const struct lp_view *v, const struct lp_layerdoc *l, const struct sum *s, struct lp_buf *b)
{
	int rc = lp_view_right(b, s->label, NUMBER);

	rc = rc != LP_OK ? rc : put_size(b, l->size);
	rc = rc != LP_OK ? rc : put_bytes(b, s->bytes, s->whole);
	rc = rc != LP_OK ? rc : put_bytes(b, s->hidden_bytes, s->whole);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "  ");
	rc = rc != LP_OK ? rc : put_command(v, command_of(l), b);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

static int
put_record(const struct lp_layerdoc *l, const struct sum *s, struct lp_span complete, struct lp_buf *b)
{
	struct lp_record r = { .out = b };
	struct lp_buf label;
	int rc;

	lp_buf_init(&label, s->label.n + 1);
	rc = lp_unescape(&label, s->label);
	lp_record_text(&r, "layer", rc == LP_OK ? lp_buf_span(&label) : s->label);
	lp_record_known(&r, "size", l->size);
	lp_record_int(&r, "entries", (int64_t)s->entries);
	lp_record_int(&r, "bytes", (int64_t)s->bytes);
	lp_record_int(&r, "hidden_entries", (int64_t)s->hidden_entries);
	lp_record_int(&r, "hidden_bytes", (int64_t)s->hidden_bytes);
	lp_record_text(&r, "complete", complete);
	lp_record_text(&r, "created_by", lp_span_str(l->created_by != NULL ? l->created_by : ""));
	rc = lp_record_end(&r);
	lp_buf_release(&label);
	return rc;
}

static int
take_sum(struct lp_span *line, struct sum *s)
{
	uint64_t *const field[] = { &s->entries, &s->bytes, &s->hidden_entries, &s->hidden_bytes };

	s->label = lp_span_field(line, '\t');
	if (lp_num_u64(s->label, UINT32_MAX, &s->number) != LP_OK)
		s->number = 0;
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		if (lp_num_u64(lp_span_field(line, '\t'), UINT64_MAX, field[i]) != LP_OK)
			return LP_E_DATA;
	s->whole = lp_span_is(*line, lp_complete_name(LP_COMPLETE_YES)) || lp_span_is(*line, lp_complete_name(LP_COMPLETE_INFERRED));
	return LP_OK;
}

int
lp_view_history(const struct lp_view *v, const struct lp_about *about, struct lp_span line, struct lp_buf *b)
{
	const struct lp_layerdoc unknown = { .size = LP_DOC_UNKNOWN }, *l = &unknown;
	struct sum s;

	if (take_sum(&line, &s) != LP_OK)
		return lp_view_no_sums(v);
	if (s.number > 0 && s.number <= about->doc.nlayers)
		l = &about->doc.layer[s.number - 1];
	return v->rows ? put_record(l, &s, line, b) : draw(v, l, &s, b);
}

const char *
lp_view_history_header(const struct lp_view *v)
{
	if (!v->rows)
		return "LAYER      SIZE   CONTENT    HIDDEN  COMMAND\n";
	return v->header ? "layer\tsize\tentries\tbytes\thidden_entries\thidden_bytes\tcomplete\tcreated_by\n" : "";
}
