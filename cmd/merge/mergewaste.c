/* Prints what of an image is wasted, and judges it by a bound or by dive's rules. */
#include "cmd/merge/mergewaste.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/num.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/merge/walk.h"
#include "common/row/record.h"
#include "common/sys/err.h"

/* ---- bounds ------------------------------------------------------------------------- */

/* A number with a point or without, in millionths; what is finer is cut. */
static int
parse_decimal(struct lp_span *s, uint64_t *out)
{
	uint64_t whole, part = 0, scale = LP_WASTE_PPM;

	if (lp_num_u64(lp_span_until(s, ".kKmMgGtTbB%"), UINT64_MAX / LP_WASTE_PPM - 1, &whole) != LP_OK)
		return LP_E_DATA;
	if (s->n > 0 && s->p[0] == '.')
		for (lp_span_take(s, 1); s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; lp_span_take(s, 1)) {
			scale /= 10;
			part += (uint64_t)(s->p[0] - '0') * scale;
		}
	*out = whole * LP_WASTE_PPM + part;
	return LP_OK;
}

/* 20MB and 20MiB as dive reads them: K, M, G, T are decimal without an i. With `binary` they are not: as everywhere here. */
static int
parse_bytes(struct lp_span s, int binary, uint64_t *out)
{
	static const char units[] = "kmgt";
	uint64_t millionths, unit = 1;
	const char *at;

	if (parse_decimal(&s, &millionths) != LP_OK)
		return LP_E_DATA;
	lp_span_skip(&s, " ");
	at = s.n > 0 ? strchr(units, s.p[0] | 0x20) : NULL;
	if (at != NULL && *at != '\0') {
		lp_span_take(&s, 1);
		binary |= s.n > 0 && (s.p[0] | 0x20) == 'i';
		for (const char *u = units; u <= at; u++)
			unit *= binary ? 1024 : 1000;
		if (s.n > 0 && (s.p[0] | 0x20) == 'i')
			lp_span_take(&s, 1);
	}
	if (s.n > 0 && !lp_span_is_word(s, "b"))
		return LP_E_DATA;
	if ((unit == 1 && millionths % LP_WASTE_PPM != 0) || millionths / LP_WASTE_PPM > LP_MAX_SIZE / unit)
		return LP_E_DATA;
	*out = millionths / LP_WASTE_PPM * unit + millionths % LP_WASTE_PPM * unit / LP_WASTE_PPM;
	return LP_OK;
}

int
lp_wastebounds_max(struct lp_span s, struct lp_wastebounds *b)
{
	struct lp_span rest = s;

	if (s.n > 0 && s.p[s.n - 1] == '%') {
		b->has_share = 1;
		if (parse_decimal(&rest, &b->share) != LP_OK || rest.n != 1)
			return LP_E_USAGE;
		b->share /= 100;
		return b->share <= LP_WASTE_PPM ? LP_OK : LP_E_USAGE;
	}
	b->has_bytes = 1;
	return parse_bytes(s, 1, &b->bytes) == LP_OK ? LP_OK : LP_E_USAGE;
}

static int
parse_share(struct lp_span s, uint64_t *out)
{
	return parse_decimal(&s, out) == LP_OK && s.n == 0 && *out <= LP_WASTE_PPM ? LP_OK : LP_E_DATA;
}

static int
is_disabled(struct lp_span s)
{
	return s.n == 0 || lp_span_is_word(s, "disabled") || lp_span_is_word(s, "off") || lp_span_is_word(s, "false");
}

/* Without a comment behind it, blanks around it, and quotes. */
static struct lp_span
bare(struct lp_span s)
{
	lp_span_skip(&s, " \t");
	if (s.n > 1 && (s.p[0] == '"' || s.p[0] == '\'')) {
		char quote[] = { (char)s.p[0], '\0' };

		lp_span_take(&s, 1);
		return lp_span_until(&s, quote);
	}
	s = lp_span_until(&s, "#\r");
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static int
take_rule(struct lp_span line, struct lp_wastebounds *b)
{
	struct lp_span key = bare(lp_span_until(&line, ":#")), value;

	lp_span_take(&line, 1);
	value = bare(line);
	if (lp_span_is(key, "lowestEfficiency")) {
		b->has_efficiency = !is_disabled(value);
		return b->has_efficiency ? parse_share(value, &b->efficiency) : LP_OK;
	}
	if (lp_span_is(key, "highestWastedBytes")) {
		b->has_wasted = !is_disabled(value);
		return b->has_wasted ? parse_bytes(value, 0, &b->wasted) : LP_OK;
	}
	if (lp_span_is(key, "highestUserWastedPercent")) {
		b->has_user = !is_disabled(value);
		return b->has_user ? parse_share(value, &b->user) : LP_OK;
	}
	return LP_OK;
}

int
lp_wastebounds_rules(struct lp_span text, struct lp_wastebounds *b, unsigned *line)
{
	for (*line = 1; text.n > 0; ++*line)
		if (take_rule(lp_span_field(&text, '\n'), b) != LP_OK)
			return LP_E_DATA;
	return LP_OK;
}

/* A share in millionths; of nothing it is `nothing`. */
static uint64_t
share(uint64_t part, uint64_t all, uint64_t nothing)
{
	return all == 0 ? nothing : (uint64_t)((double)part / (double)all * LP_WASTE_PPM);
}

/* "0.9371" */
static const char *
show(uint64_t millionths, char text[24])
{
	snprintf(text, 24, "%" PRIu64 ".%04" PRIu64, millionths / LP_WASTE_PPM, millionths % LP_WASTE_PPM / 100);
	return text;
}

/* ---- what is printed ------------------------------------------------------------------ */

struct path {
	const struct lp_node *node;
	struct lp_wasted wasted;
	size_t place;
};

struct paths {
	struct path *of;
	size_t n, cap;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct path *x = a, *y = b;

	return x->wasted.bytes != y->wasted.bytes ?
	    (x->wasted.bytes < y->wasted.bytes) - (x->wasted.bytes > y->wasted.bytes) :
	    (x->place > y->place) - (x->place < y->place);
}

static int
find_paths(struct lp_merge *m, struct lp_waste *total, struct paths *p)
{
	struct lp_walk w;
	int rc;

	lp_waste_begin(m);
	lp_walk_init(&w, m, LP_WALK_ALL);
	while ((rc = lp_walk_next(&w)) > 0) {
		struct lp_wasted one;
		struct path *of;

		lp_waste_add(total, w.node, &one);
		if (one.bytes == 0)
			continue;
		of = lp_array_room(p->of, p->n, &p->cap, sizeof(*of));
		if (of == NULL) {
			rc = LP_E_NOMEM;
			break;
		}
		p->of = of;
		p->of[p->n] = (struct path){ w.node, one, p->n };
		p->n++;
	}
	lp_walk_release(&w);
	return rc;
}

static int
print_path(const struct lp_mergeview *v, const struct path *p, struct lp_buf *path)
{
	struct lp_record r = { .out = &v->out->out, .json = v->out->fmt.form == LP_ROW_NDJSON };
	int rc = lp_walk_path_of(p->node, path);

	if (rc != LP_OK)
		return rc;
	lp_record_int(&r, "bytes", (int64_t)p->wasted.bytes);
	lp_record_int(&r, "copies", (int64_t)p->wasted.copies);
	lp_record_text(&r, "layer", v->layers[p->wasted.layer].label);
	lp_record_text(&r, "why", lp_span_str(lp_waste_name(p->wasted.why)));
	lp_record_text(&r, "by", v->layers[p->wasted.by].label);
	lp_record_text(&r, "name", lp_buf_span(path));
	return lp_record_end(&r);
}

/* KEY=VALUE behind what is there, or "KEY":VALUE. */
static int
put_total(struct lp_buf *b, int json, const char *key, const char *value)
{
	const char *const form[] = { json ? b->p[b->n - 1] == '{' ? "\"" : ",\"" : "\t", key, json ? "\":" : "=", value };
	int rc = LP_OK;

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++)
		rc = rc != LP_OK ? rc : lp_buf_adds(b, form[i]);
	return rc;
}

static int
put_bytes(struct lp_buf *b, int json, const char *key, uint64_t bytes)
{
	char text[LP_NUM_MAX + 1];

	*lp_num_put(text, bytes) = '\0';
	return put_total(b, json, key, text);
}

static int
put_share(struct lp_buf *b, int json, const char *key, uint64_t millionths)
{
	char text[24];

	return put_total(b, json, key, show(millionths, text));
}

/* #total and key=value, as end records have it; or {"total":{}}. */
static int
print_total(const struct lp_mergeview *v, const struct lp_waste *t)
{
	struct lp_buf *b = &v->out->out;
	const int json = v->out->fmt.form == LP_ROW_NDJSON;
	int rc = lp_buf_adds(b, json ? "{\"total\":{" : "#total");

	rc = rc != LP_OK ? rc : put_bytes(b, json, "bytes", t->bytes);
	rc = rc != LP_OK ? rc : put_bytes(b, json, "wasted", t->wasted);
	rc = rc != LP_OK ? rc : put_share(b, json, "efficiency", share(t->bytes - t->wasted, t->bytes, LP_WASTE_PPM));
	rc = rc != LP_OK ? rc : put_bytes(b, json, "dive_wasted", t->dive.wasted);
	rc = rc != LP_OK ? rc : put_share(b, json, "dive_efficiency", share(t->dive.least, t->dive.all, LP_WASTE_PPM));
	rc = rc != LP_OK ? rc : put_share(b, json, "dive_user_wasted", share(t->dive.wasted, t->dive.user, 0));
	return rc != LP_OK ? rc : lp_buf_adds(b, json ? "}}\n" : "\n");
}

int
lp_mergewaste(const struct lp_mergeview *v, struct lp_merge *m, struct lp_waste *total)
{
	struct paths p = { 0 };
	struct lp_buf path;
	int rc = find_paths(m, total, &p);

	lp_buf_init(&path, LP_MAX_PATH);
	lp_sort(p.of, p.n, sizeof(*p.of), by_bytes);
	if (rc == LP_OK && v->out->header)
		rc = lp_buf_adds(&v->out->out, "bytes\tcopies\tlayer\twhy\tby\tname\n");
	for (size_t i = 0; i < p.n && rc == LP_OK; i++) {
		rc = print_path(v, &p.of[i], &path);
		if (rc == LP_OK && v->out->out.n >= 64 * 1024)
			rc = lp_listing_flush(v->out);
	}
	rc = rc != LP_OK ? rc : print_total(v, total);
	lp_buf_release(&path);
	free(p.of);
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err(rc == LP_E_NOMEM ? "out of memory" : "a line is longer than any may be");
	return rc;
}

/* ---- what is allowed ------------------------------------------------------------------ */

/* One that is passed is said. */
static unsigned
passed(int is, const char *rule, uint64_t value, uint64_t bound, int is_share)
{
	char a[24], b[24];

	if (!is && !lp_err_is_verbose())
		return 0;
	if (is_share)
		(is ? lp_err : lp_note)("%s: %s, the bound is %s", rule, show(value, a), show(bound, b));
	else
		(is ? lp_err : lp_note)("%s: %" PRIu64 " bytes, the bound is %" PRIu64, rule, value, bound);
	return is != 0;
}

unsigned
lp_mergewaste_judge(const struct lp_wastebounds *b, const struct lp_waste *t, int known)
{
	uint64_t own = share(t->wasted, t->bytes, 0), efficiency = share(t->dive.least, t->dive.all, LP_WASTE_PPM);
	uint64_t user = share(t->dive.wasted, t->dive.user, 0);
	int asked = b->has_bytes || b->has_share || b->has_efficiency || b->has_wasted || b->has_user;
	unsigned n = 0;

	if (b->has_bytes)
		n += passed(t->wasted > b->bytes, "wasted", t->wasted, b->bytes, 0);
	if (b->has_share)
		n += passed(own > b->share, "wasted share", own, b->share, 1);
	if (b->has_efficiency)
		n += passed(efficiency < b->efficiency, "lowestEfficiency", efficiency, b->efficiency, 1);
	if (b->has_wasted)
		n += passed(t->dive.wasted > b->wasted, "highestWastedBytes", t->dive.wasted, b->wasted, 0);
	if (b->has_user)
		n += passed(user > b->user, "highestUserWastedPercent", user, b->user, 1);
	if (asked && !known) {
		lp_err("not all layers are known to be listed to their end: what is wasted is at least this");
		n++;
	}
	return n;
}
