/* Finds paths from the top layer down: which layer has what a container sees there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/merge/find.h"
#include "common/merge/pick.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

void
lp_peek_content_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_layer *l = j->owner;

	if (kind == LP_LINE_REPORT)
		lp_peek_report(l->peek, l, line);
	else
		lp_peek_hold(l, stage, line);
}

/* Whether lp-inflate saw its input end early, and nobody else has failed: its reader may have had enough before that. */
int
lp_peek_content_is_cut(const struct lp_job *j)
{
	if (j->n < 2 || j->code[1] != LP_EXIT_ABSENT)
		return 0;
	for (size_t i = 0; i < j->n && j->exit != LP_EXIT_OK; i++)
		if (i != 1 && j->code[i] != LP_EXIT_OK)
			return 0;
	return 1;
}

/* A layer that is cut off may have the answer all the same: what was said waits until that is known. */
static void
on_ended(struct lp_job *j)
{
	if (lp_peek_content_is_cut(j))
		j->exit = LP_EXIT_OK;
	else
		lp_peek_settle(j->owner, j, 0);
}

const struct lp_job_ops lp_peek_content_ops = { .line = lp_peek_content_line, .ended = on_ended };

int
lp_peek_content_run(struct lp_peek_layer *l, struct lp_pipeline *line, const struct lp_job_io *io, const struct lp_job_ops *with)
{
	struct lp_peek *p = l->peek;
	int rc;

	l->job = (struct lp_job){ .ops = with, .owner = l, .eager = 1 };
	rc = lp_pipeline_start(p, &l->job, line, io);
	while (rc == LP_OK && l->job.busy)
		rc = lp_peek_turn(p);
	l->active = 0;
	lp_bars_clear(&p->bars);
	return rc != LP_OK ? rc : l->job.exit;
}

void
lp_peek_content_plan(struct lp_pipeline *line, const struct lp_peek_layer *l)
{
	lp_pipeline_fetch(line, l->peek, LP_STORE_KEEP);
	lp_argv_add(&line->a[0], "--all");
	lp_pipeline_source(line, l);
	lp_pipeline_inflate(line, l, 1);
}

/* What was read of the layer, if that was all of it, is its listing: a link may lead here again. */
static int
keep_rows(struct lp_peek_layer *l, int code)
{
	lp_peek_rows_read_end(l);
	if (code == LP_EXIT_OK && l->complete == LP_COMPLETE_YES)
		return lp_peek_rows_judge(l, lp_peek_trust(l), NULL, NULL);
	l->complete = LP_COMPLETE_UNKNOWN;
	return lp_peek_rows_clear(l);
}

/*
 * Whether the first member of a name is taken for the answer, and the rest of
 * the layer is not read: where that saves a transfer. That there is a second
 * one, which then would count, Docker and podman do not allow.
 */
static int
is_eager(const struct lp_peek_layer *l)
{
	return !lp_peek_is_whole(l) && l->is_remote && !lp_peek_is_stored(l) && !l->peek->o->to_the_end;
}

enum { ASKS = 64 }; /* at a time, of one lp-show */

/* One name, and what the layer above has answered. */
struct ask {
	const char *name;
	size_t above;
};

/* The answer of one layer: view_find.c of lp-show. */
struct found {
	size_t above;
	uint64_t offset; /* or UINT64_MAX */
	char *name;     /* the caller's to free */
	int answer;     /* enum lp_find_answer */
	char type;      /* of HERE: '-' for a file, 'h' for a hard link, 'd' */
};

/* Behind what lists it, or by the listing that there is. */
static void
plan_answers(struct lp_pipeline *line, const struct lp_peek_layer *l, const struct ask *ask, size_t n, int streamed)
{
	struct lp_argv *a = lp_pipeline_add(line, "lp-show");

	for (size_t i = 0; i < n; i++) {
		lp_argv_addf(a, "--resolve=%s", ask[i].name);
		lp_argv_addf(a, "--above=%zu", ask[i].above);
	}
	if (is_eager(l))
		lp_argv_add(a, "--eager");
	if (streamed)
		lp_argv_addf(a, "--copy=/dev/fd/%d", l->rows);
	else
		lp_argv_addf(a, "/dev/fd/%d", l->rows);
}

/* Ask one layer, by its listing if there is a complete one. The answers are in `fd`. */
static int
ask_layer(struct lp_peek_layer *l, const struct ask *ask, size_t n, int fd)
{
	struct lp_pipeline line = { .n = 0 };
	int keep[1 + LP_PEEK_KEEP] = { l->rows }, code, streamed = !lp_peek_is_whole(l);
	struct lp_job_io io = { .in = -1, .out = fd, .err = -1, .keep = keep, .nkeep = 1 + l->peek->nkeep };

	memcpy(keep + 1, l->peek->keep, sizeof(l->peek->keep));
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		return LP_E_SYS;
	if (streamed) {
		if (lp_peek_rows_clear(l) != LP_OK)
			return LP_E_SYS;
		l->verified = 0;
		lp_peek_content_plan(&line, l);
		lp_pipeline_list(&line, "lp-tarls", 0);
		lp_argv_add(&line.a[line.n - 1], "--whole");
	}
	plan_answers(&line, l, ask, n, streamed);
	code = lp_peek_content_run(l, &line, &io, &lp_peek_content_ops);
	return streamed && keep_rows(l, lp_peek_content_is_cut(&l->job) ? LP_EXIT_ABSENT : code) != LP_OK ? LP_E_SYS : code;
}

/* One line, less its end. */
static int
read_answer(struct lp_span line, struct found *found)
{
	struct lp_span answer = lp_span_field(&line, '\t'), above = lp_span_field(&line, '\t');
	struct lp_span offset = lp_span_field(&line, '\t'), type = lp_span_field(&line, '\t');
	uint64_t number = 0, bytes = 0;
	struct lp_buf name;
	int rc = LP_OK;

	if (offset.n > 0)
		rc = lp_num_u64(offset, LP_MAX_SIZE, &found->offset);
	if (rc != LP_OK || lp_num_u64(answer, LP_FIND_LINK, &number) != LP_OK || lp_num_u64(above, LP_MAX_PATH, &bytes) != LP_OK)
		return LP_E_DATA;
	lp_buf_init(&name, LP_MAX_PATH + 1);
	rc = lp_unescape(&name, line);
	if (rc == LP_OK) {
		found->answer = (int)number;
		found->above = (size_t)bytes;
		found->type = type.n > 0 ? (char)type.p[0] : '-';
		found->name = lp_cstr(lp_buf_span(&name));
		rc = found->name != NULL ? LP_OK : LP_E_NOMEM;
	}
	lp_buf_release(&name);
	return rc;
}

/* The n lines that lp-show wrote. LP_OK, LP_E_DATA, LP_E_SYS, LP_E_LIMIT, LP_E_NOMEM. */
static int
read_answers(int fd, struct found *found, size_t n)
{
	struct lp_buf text;
	struct lp_span in;
	int rc;

	for (size_t i = 0; i < n; i++)
		found[i] = (struct found){ .answer = -1, .offset = UINT64_MAX };
	lp_buf_init(&text, 4 * LP_MAX_PATH * (n + 1));
	rc = lseek(fd, 0, SEEK_SET) == 0 ? lp_read_all(fd, &text) : LP_E_SYS;
	in = lp_buf_span(&text);
	for (size_t i = 0; i < n && rc == LP_OK; i++)
		rc = read_answer(lp_span_field(&in, '\n'), &found[i]);
	lp_buf_release(&text);
	return rc;
}

/* Whether an answer stands although the layer was cut off: what is there is, what is not may be. */
static int
stands(const struct found *f, const struct lp_job *j)
{
	return !lp_peek_content_is_cut(j) || f->answer == LP_FIND_HERE || f->answer == LP_FIND_AGAIN || f->answer == LP_FIND_LINK ||
	    f->answer == LP_FIND_ABOVE;
}

/* ---- a path on its way ------------------------------------------------------------------ */

struct seek {
	struct lp_peek_place *place;
	struct lp_peek_layer *implied; /* the last that has something below the name, but no row for it */
	size_t left;  /* layers that may still be asked: the lowest of them, counted from 0 */
	/* after a hard link nothing counts that is above its layer */
	size_t top, home, above;
	unsigned links;
	int done;
};

static void
fail(struct lp_peek *p, struct seek *s, int exit)
{
	p->exit = lp_exit_worse(p->exit, exit);
	s->place->found = -1;
	s->done = 1;
}

/* Nobody further down has it: it is implied, or not there. */
static void
settle(struct seek *s)
{
	struct lp_peek_place *at = s->place;

	s->done = 1;
	if (at->found != 0 || s->implied == NULL)
		return;
	at->layer = s->implied;
	at->type = 'd';
	at->found = 1;
}

/* From the top again, or from the layer that a hard link is in. */
static void
start_over(struct seek *s, size_t i, int hard)
{
	s->home = hard ? i : s->home;
	s->top = hard ? i + 1 : s->top;
	s->left = s->top;
	s->links++;
	s->above = 0;
	s->implied = NULL;
}

/* What layer i has answered, whose name it takes. */
static void
take(struct lp_peek *p, struct seek *s, size_t i, struct found *f)
{
	struct lp_peek_place *at = s->place;
	struct lp_peek_layer *l = &p->image[0].layer[i];

	s->left = i;
	free(at->name);
	at->name = f->name;
	f->name = NULL;
	at->offset = f->offset;
	at->type = f->type;
	at->layer = l;
	s->above = f->above;
	switch (f->answer) {
	case LP_FIND_HERE:
		at->found = 1;
		s->done = 1;
		break;
	case LP_FIND_GONE:
		/* the layer that links to a file may remove its other name */
		s->done = i != s->home;
		break;
	case LP_FIND_LINK:
	case LP_FIND_AGAIN:
		start_over(s, i, f->answer == LP_FIND_LINK);
		break;
	case LP_FIND_DIR:
		s->implied = l;
		break;
	case LP_FIND_IMPLIED:
		s->implied = l;
		s->left = 0;
		break;
	case LP_FIND_ABOVE:
		s->left = 0;
		break;
	case LP_FIND_UNREAD:
		lp_err("%s: not readable to its end: whether it holds %s is unknown", l->label, lp_quotes(at->path));
		fail(p, s, LP_EXIT_ABSENT);
		break;
	default:
		break;
	}
	if (s->links > LP_PICK_LINKS) {
		lp_err("%s: too many symbolic links", lp_quotes(at->path));
		fail(p, s, LP_EXIT_ABSENT);
	}
	if (!s->done && s->left == 0)
		settle(s);
}

/* ---- all of them -------------------------------------------------------------------------- */

/* The highest layer that somebody still asks; 0: nobody does. */
static size_t
next_layer(const struct seek *s, size_t n)
{
	size_t next = 0;

	for (size_t i = 0; i < n; i++)
		if (!s[i].done && s[i].left > next)
			next = s[i].left;
	return next;
}

/* Whether it has come to layer i, the number of those before it being k. */
static int
asks(const struct seek *s, size_t i, size_t k)
{
	return !s->done && s->left == i + 1 && k < ASKS;
}

/* Layer i is asked by those who have come to it: LP_OK; a positive exit code: it cannot answer; or a failure. */
static int
ask_for(struct lp_peek *p, const struct seek *s, size_t n, size_t i, int fd)
{
	struct lp_peek_layer *l = &p->image[0].layer[i];
	struct ask ask[ASKS];
	size_t k = 0;
	int rc;

	for (size_t j = 0; j < n; j++)
		if (asks(&s[j], i, k))
			ask[k++] = (struct ask){ s[j].place->name, s[j].above };
	/* what is no layer hides nobody knows what */
	lp_peek_refuse(l);
	rc = l->exit;
	/* the same blob further down is asked again: what hides a name hides what lies below it */
	if (rc == LP_OK)
		rc = !lp_peek_is_whole(l) && !l->look_only ? lp_peek_look(p, l) : LP_OK;
	return rc != LP_OK ? rc : ask_layer(l, ask, k, fd);
}

/* The answers to those who have asked. What is not known because the layer is cut off is said once. */
static void
hear(struct lp_peek *p, struct seek *s, size_t n, size_t i, struct found *found)
{
	struct lp_peek_layer *l = &p->image[0].layer[i];
	size_t k = 0;
	int open = 0;

	for (size_t j = 0; j < n; j++) {
		if (!asks(&s[j], i, k))
			continue;
		if (stands(&found[k], &l->job)) {
			take(p, &s[j], i, &found[k]);
		} else {
			open = 1;
			fail(p, &s[j], LP_EXIT_ABSENT);
		}
		free(found[k++].name);
	}
	if (!lp_peek_content_is_cut(&l->job))
		return;
	if (open)
		l->job.exit = LP_EXIT_ABSENT;
	lp_peek_settle(l, &l->job, !open);
}

static int
ask_and_hear(struct lp_peek *p, struct seek *s, size_t n, size_t i, int fd)
{
	struct found found[ASKS];
	size_t k = 0;
	int rc = ask_for(p, s, n, i, fd);

	for (size_t j = 0; j < n; j++)
		k += asks(&s[j], i, k) != 0;
	if (rc == LP_EXIT_OK) {
		rc = read_answers(fd, found, k);
		if (rc == LP_OK) {
			hear(p, s, n, i, found);
			return LP_OK;
		}
		while (k > 0)
			free(found[--k].name);
	}
	for (size_t j = 0; j < n; j++)
		if (!s[j].done && s[j].left == i + 1)
			fail(p, &s[j], rc > 0 ? rc : lp_exit_of(rc));
	return rc > 0 ? LP_OK : rc;
}

/* LP_OK or LP_E_NOMEM. */
static int
begin(struct lp_peek_place *at)
{
	at->name = strdup(at->path);
	return at->name != NULL ? LP_OK : LP_E_NOMEM;
}

int
lp_peek_seek(struct lp_peek *p, struct lp_peek_place *place, size_t n)
{
	struct seek *s = calloc(n + 1, sizeof(*s));
	int fd = lp_tmpfile(), rc = s == NULL ? LP_E_NOMEM : fd < 0 ? LP_E_SYS : LP_OK;
	size_t i;

	if (fd < 0)
		lp_err_errno("cannot make a temporary file");
	for (size_t k = 0; k < n && rc == LP_OK; k++) {
		s[k] = (struct seek){ .place = &place[k], .left = p->image[0].n, .top = p->image[0].n, .home = SIZE_MAX,
			.done = place[k].found != 0 };
		rc = s[k].done ? LP_OK : begin(&place[k]);
	}
	while (rc == LP_OK && (i = next_layer(s, n)) > 0)
		rc = ask_and_hear(p, s, n, i - 1, fd);
	free(s);
	if (fd >= 0)
		close(fd);
	return rc;
}
