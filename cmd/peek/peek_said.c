/* Handles what child processes report: messages, statistics and progress. */
#include "cmd/peek/peek_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/jsonread.h"
#include "common/base/status.h"
#include "common/cli/progress.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

/* ---- messages ------------------------------------------------------------------- */

void
lp_peek_message(struct lp_peek *p, const char *about, struct lp_span line)
{
	lp_bars_clear(&p->bars);
	if (about != NULL)
		lp_err("%s: %s", about, lp_quote_message(line));
	else
		lp_err("%s", lp_quote_message(line));
}

/* A message about a layer has the label in front, and need not name its source too. */
static void
about_layer(struct lp_peek_layer *l, struct lp_span line)
{
	const unsigned char *at = memmem(line.p, line.n, l->source, strlen(l->source));
	struct lp_span before = line, behind = line;
	struct lp_buf b;

	if (at == NULL) {
		lp_peek_message(l->peek, l->label, line);
		return;
	}
	before.n = (size_t)(at - line.p);
	(void)lp_span_take(&behind, before.n + strlen(l->source));
	if (behind.n > 2 && memcmp(behind.p, ": ", 2) == 0)
		(void)lp_span_take(&behind, 2);
	lp_buf_init(&b, line.n);
	if (lp_buf_add(&b, before) == LP_OK && lp_buf_add(&b, behind) == LP_OK)
		line = lp_buf_span(&b);
	lp_peek_message(l->peek, l->label, line);
	lp_buf_release(&b);
}

/* A line is kept as the digit of its stage, the text and a newline. */
void
lp_peek_hold(struct lp_peek_layer *l, size_t stage, struct lp_span line)
{
	if (lp_err_is_verbose()) {
		lp_peek_message(l->peek, l->label, line);
		return;
	}
	/* a buffer that is full has heard enough */
	if (lp_buf_reserve(&l->held, line.n + 2) == LP_OK) {
		(void)lp_buf_addc(&l->held, (unsigned char)('0' + stage));
		(void)lp_buf_add(&l->held, line);
		(void)lp_buf_addc(&l->held, '\n');
	}
}

static struct lp_span
next_line(struct lp_span *rest, size_t *stage)
{
	const unsigned char *nl = memchr(rest->p, '\n', rest->n);
	struct lp_span line = lp_span_take(rest, (size_t)(nl - rest->p));

	lp_span_take(rest, 1);
	*stage = (size_t)(*lp_span_take(&line, 1).p - '0');
	return line;
}

static int
has_spoken(struct lp_span said, size_t stage)
{
	size_t of = LP_STAGES;

	while (said.n > 0 && of != stage)
		(void)next_line(&said, &of);
	return of == stage;
}

/* The first stage that failed and said why, of those whose failure is what the job came to if there is one; LP_STAGES if none did. */
static size_t
culprit(const struct lp_job *j, struct lp_span said)
{
	size_t first = LP_STAGES;

	for (size_t i = j->n; i-- > 0;)
		if (j->code[i] != 0 && has_spoken(said, i) &&
		    (first == LP_STAGES || lp_job_verdict(&j->code[i], 1) == j->exit || lp_job_verdict(&j->code[first], 1) != j->exit))
			first = i;
	return first;
}

static void
keep_error(struct lp_peek_layer *l, const char *error, int shown)
{
	l->error = strdup(error);
	if (!shown)
		return;
	free(l->said);
	l->said = strdup(error);
}

void
lp_peek_settle(struct lp_peek_layer *l, const struct lp_job *j, int quietly)
{
	struct lp_span rest = lp_buf_span(&l->held);
	size_t guilty = culprit(j, rest), stage;

	while (rest.n > 0) {
		struct lp_span line = next_line(&rest, &stage);

		if (guilty < LP_STAGES && stage != guilty)
			continue;
		/* it was ended, its reader having had enough */
		if (j->exit == LP_EXIT_OK && j->ended_early[stage])
			continue;
		if (!quietly && (l->said == NULL || strcmp(l->said, lp_quote_message(line)) != 0))
			about_layer(l, line);
		if (j->exit != LP_EXIT_OK && l->error == NULL)
			keep_error(l, lp_quote_message(line), !quietly);
	}
	lp_buf_clear(&l->held);
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
	l->verified |= json_is_true(json_object_get(line, "verified"));
	if (decompressed >= 0)
		l->bytes_decompressed = decompressed;
}

/* A blob's line of one that fetches many: whose it is stands in it. Two origins' are not fetched at the same time. */
static struct lp_peek_layer *
layer_of(struct lp_peek *p, struct lp_span digest)
{
	struct lp_peek_layer *found = NULL;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *l = &p->image[i].layer[k];

			if (l->same == NULL && l->digest != NULL && lp_span_is(digest, l->digest) &&
			    (found == NULL || l->step == LP_STEP_FILLING))
				found = l;
		}
	return found;
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
	if (filling && l->step == LP_STEP_FILLING &&
	    (line->state == LP_PROGRESS_DONE || line->state == LP_PROGRESS_UNKEPT)) {
		l->step = LP_STEP_STREAM;
		l->unkept = line->state == LP_PROGRESS_UNKEPT;
	}
}

/* Once: the statistics are incomplete from here on, and whoever adds them up must know. */
static void
stats_failed(struct lp_peek *p)
{
	lp_bars_clear(&p->bars);
	lp_err_errno("cannot write the statistics");
	p->exit = lp_exit_worse(p->exit, LP_EXIT_SYSTEM);
	close(p->stats_fd);
	p->stats_fd = -1;
}

void
lp_peek_report(struct lp_peek *p, struct lp_peek_layer *l, struct lp_span line)
{
	struct lp_progress_line progress;
	struct lp_json_error error;
	struct lp_buf copy;
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
	if (p->stats_fd < 0)
		return;
	/* in one write, for other programs add their lines to the file at the same time */
	lp_buf_init(&copy, line.n + 1);
	if (lp_buf_add(&copy, line) != LP_OK || lp_buf_addc(&copy, '\n') != LP_OK ||
	    lp_write_all(p->stats_fd, lp_buf_span(&copy)) != LP_OK)
		stats_failed(p);
	lp_buf_release(&copy);
}
