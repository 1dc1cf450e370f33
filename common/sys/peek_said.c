#include "common/sys/peek_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/format/json.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

/* ---- messages ------------------------------------------------------------------- */

void
lp_peek_message(struct lp_peek *p, const char *about, struct lp_span line)
{
	lp_bars_clear(&p->bars);
	if (about != NULL)
		lp_err("%s: %s", about, lp_quote(line));
	else
		lp_err("%s", lp_quote(line));
}

/* A message about a layer has the label in front, and need not name its source too. */
static void
about_layer(struct lp_peek_layer *l, struct lp_span line)
{
	const unsigned char *at = memmem(line.p, line.n, l->source, strlen(l->source));
	struct lp_span before = line, behind = line;

	if (at == NULL) {
		lp_peek_message(l->peek, l->label, line);
		return;
	}
	before.n = (size_t)(at - line.p);
	(void)lp_span_take(&behind, before.n + strlen(l->source));
	if (behind.n > 2 && memcmp(behind.p, ": ", 2) == 0)
		(void)lp_span_take(&behind, 2);
	lp_bars_clear(&l->peek->bars);
	lp_err("%s: %s%s", l->label, lp_quote(before), lp_quote(behind));
}

void
lp_peek_hold(struct lp_peek_layer *l, struct lp_span line)
{
	if (lp_err_is_verbose()) {
		lp_peek_message(l->peek, l->label, line);
		return;
	}
	/* a buffer that is full has heard enough */
	if (lp_buf_reserve(&l->held, line.n + 1) == LP_OK) {
		(void)lp_buf_add(&l->held, line);
		(void)lp_buf_addc(&l->held, '\n');
	}
}

static int
is_of(struct lp_span line, const char *name)
{
	return line.n > strlen(name) && memcmp(line.p, name, strlen(name)) == 0;
}

static struct lp_span
next_line(struct lp_span *rest)
{
	const unsigned char *nl = memchr(rest->p, '\n', rest->n);
	struct lp_span line = lp_span_take(rest, (size_t)(nl - rest->p));

	lp_span_take(rest, 1);
	return line;
}

/*
 * The name of the first stage that failed, as its messages start. "" if none
 * did, or if it left the word to a child of its own.
 */
static const char *
culprit(const struct lp_job *j, struct lp_span said)
{
	size_t i = 0;

	while (i < j->n && j->code[i] == 0)
		i++;
	while (i < j->n && said.n > 0)
		if (is_of(next_line(&said), j->name[i]))
			return j->name[i];
	return "";
}

void
lp_peek_settle(struct lp_peek_layer *l, const struct lp_job *j, int quietly)
{
	struct lp_span rest = lp_buf_span(&l->held);
	const char *name = culprit(j, rest);

	while (rest.n > 0) {
		struct lp_span line = next_line(&rest);

		if (!is_of(line, name))
			continue;
		if (!quietly)
			about_layer(l, line);
		if (j->exit != LP_EXIT_OK && l->error == NULL && !quietly)
			l->error = strdup(lp_quote(line));
	}
	lp_buf_clear(&l->held);
}

int
lp_peek_exit_of(const struct lp_job *j)
{
	return j->n > 0 && j->code[0] == LP_EXIT_ABSENT ? LP_EXIT_ABSENT : j->exit;
}

void
lp_peek_how_to_record(struct lp_peek *p)
{
	if (p->told_to_record)
		return;
	p->told_to_record = 1;
	lp_bars_clear(&p->bars);
	lp_note("to record it: the same command, once, without --offline and with a network");
}

/* ---- reports -------------------------------------------------------------------- */

static int64_t
number(const json_t *line, const char *key)
{
	uint64_t v;

	return lp_json_get_u64(line, key, &v) == LP_OK && v <= INT64_MAX ? (int64_t)v : -1;
}

static void
add_up(struct lp_peek *p, struct lp_peek_layer *l, const json_t *line)
{
	int64_t downloaded = number(line, "bytes_downloaded");
	int64_t requests = number(line, "requests");
	int64_t decompressed = number(line, "bytes_decompressed");
	int64_t limit = number(line, "ratelimit_remaining");

	p->bytes_downloaded += downloaded > 0 ? downloaded : 0;
	p->requests += requests > 0 ? requests : 0;
	if (limit >= 0)
		p->ratelimit_remaining = limit;
	if (l == NULL)
		return;
	l->bytes_downloaded += downloaded > 0 ? downloaded : 0;
	if (decompressed >= 0)
		l->bytes_decompressed = decompressed;
}

/* A blob's line of one that fetches many: whose it is stands in it. */
static struct lp_peek_layer *
layer_of(struct lp_peek *p, struct lp_span digest)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->same == NULL && l->digest != NULL && lp_span_is(digest, l->digest))
				return l;
		}
	return NULL;
}

static void
take_progress(struct lp_peek *p, struct lp_peek_layer *l, const struct lp_progress_line *line)
{
	int filling = l == NULL;

	if (filling)
		l = layer_of(p, line->key);
	if (l == NULL)
		return;
	/* one lp-fetch for many: its statistics cannot say what each has cost */
	if (filling && line->state != LP_PROGRESS_MORE)
		l->bytes_downloaded += line->fetched <= INT64_MAX ? (int64_t)line->fetched : 0;
	l->have = line->have;
	l->want = line->want;
	l->active = line->state == LP_PROGRESS_MORE;
	/* its head is there: no need to wait for those of the others */
	if (filling && l->step == LP_STEP_FILLING && line->state == LP_PROGRESS_DONE)
		l->step = LP_STEP_STREAM;
}

void
lp_peek_report(struct lp_peek *p, struct lp_peek_layer *l, struct lp_span line)
{
	struct lp_progress_line progress;
	struct lp_json_error error;
	unsigned char newline = '\n';
	json_t *json;

	if (lp_progress_parse(line, &progress) == LP_OK) {
		take_progress(p, l, &progress);
		return;
	}
	if (lp_json_load(line, &json, &error) != LP_OK)
		return;
	if (l == NULL)
		l = layer_of(p, lp_json_get_string(json, "digest"));
	add_up(p, l, json);
	json_decref(json);
	if (p->stats_fd >= 0) {
		(void)lp_write_all(p->stats_fd, line);
		(void)lp_write_all(p->stats_fd, lp_span(&newline, 1));
	}
}
