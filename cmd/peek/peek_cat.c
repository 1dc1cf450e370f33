/* Finds one path, from the top layer down, and prints its content (--cat). */
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

/* Where a path has led. */
struct place {
	struct lp_peek_layer *layer;
	char *name;      /* as it is stored */
	uint64_t offset; /* of its header in the tar; UINT64_MAX: unknown */
	char type;       /* as in struct found */
};

/* The answer of one layer: view_find.c of lp-show. */
struct found {
	int answer;     /* enum lp_find_answer */
	size_t above;
	uint64_t offset; /* or UINT64_MAX */
	char type;      /* of HERE: '-' for a file, 'h' for a hard link, 'd' */
	char *name;     /* the caller's to free */
};

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_layer *l = j->owner;

	if (kind == LP_LINE_REPORT)
		lp_peek_report(l->peek, l, line);
	else
		lp_peek_hold(l, stage, line);
}

/* Whether lp-inflate saw its input end early, and nobody else has failed: its reader may have had enough before that. */
static int
is_cut(const struct lp_job *j)
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
	if (is_cut(j))
		j->exit = LP_EXIT_OK;
	else
		lp_peek_settle(j->owner, j, 0);
}

/* lp-cat has written the whole file: what was not recorded of the layer lies behind it. */
static void
on_cat_ended(struct lp_job *j)
{
	int enough = j->code[j->n - 1] == LP_EXIT_OK && (j->exit == LP_EXIT_ABSENT || is_cut(j));

	if (enough)
		j->exit = LP_EXIT_OK;
	lp_peek_settle(j->owner, j, enough);
}

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };
static const struct lp_job_ops cat_ops = { .line = on_line, .ended = on_cat_ended };

/* Start it and wait for its end; its exit code, or a failure. */
static int
run(struct lp_peek_layer *l, struct lp_pipeline *line, const struct lp_job_io *io, const struct lp_job_ops *with)
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

/* The layer's bytes from the start, as far as its reader wants them; what is fetched stays in the store. */
static void
plan_bytes(struct lp_pipeline *line, const struct lp_peek_layer *l)
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

/* What lp-show --find wrote, from the start of a file. LP_OK, LP_E_DATA, LP_E_SYS, LP_E_NOMEM. */
static int
read_found(int fd, struct found *found)
{
	struct lp_buf text, name;
	struct lp_span line, answer, above, offset, type;
	uint64_t number = 0, bytes = 0;
	ptrdiff_t n;
	int rc;

	*found = (struct found){ .answer = -1 };
	lp_buf_init(&text, 4 * LP_MAX_PATH);
	lp_buf_init(&name, LP_MAX_PATH + 1);
	rc = lp_buf_reserve(&text, text.max);
	n = rc == LP_OK ? lp_pread_full(fd, text.p, text.max, 0) : 0;
	line = lp_span(text.p, n > 0 ? (size_t)n : 0);
	line = lp_span_until(&line, "\n");
	answer = lp_span_until(&line, "\t");
	lp_span_skip(&line, "\t");
	above = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	offset = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	type = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	found->offset = UINT64_MAX;
	if (rc == LP_OK && offset.n > 0 && lp_num_u64(offset, LP_MAX_SIZE, &found->offset) != LP_OK)
		rc = LP_E_DATA;
	if (rc == LP_OK && (lp_num_u64(answer, LP_FIND_LINK, &number) != LP_OK || lp_num_u64(above, LP_MAX_PATH, &bytes) != LP_OK))
		rc = n < 0 ? LP_E_SYS : LP_E_DATA;
	if (rc == LP_OK)
		rc = lp_unescape(&name, line);
	if (rc == LP_OK) {
		found->answer = (int)number;
		found->above = (size_t)bytes;
		found->type = type.n > 0 ? (char)type.p[0] : '-';
		found->name = lp_buf_cstr(&name) != NULL ? strdup(lp_buf_cstr(&name)) : NULL;
		rc = found->name != NULL ? LP_OK : LP_E_NOMEM;
	}
	lp_buf_release(&text);
	lp_buf_release(&name);
	return rc;
}

/* Behind what lists it, or by the listing that there is. */
static void
plan_answer(struct lp_pipeline *line, const struct lp_peek_layer *l, const char *name, size_t above, int streamed)
{
	struct lp_argv *a = lp_pipeline_add(line, "lp-show");

	lp_argv_addf(a, "--resolve=%s", name);
	lp_argv_addf(a, "--above=%zu", above);
	if (is_eager(l))
		lp_argv_add(a, "--eager");
	if (streamed)
		lp_argv_addf(a, "--copy=/dev/fd/%d", l->rows);
	else
		lp_argv_addf(a, "/dev/fd/%d", l->rows);
}

/* Ask one layer, by its listing if there is a complete one. The answer is in `fd`. */
static int
ask_layer(struct lp_peek_layer *l, const char *name, size_t above, int fd)
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
		plan_bytes(&line, l);
		lp_pipeline_list(&line, "lp-tarls");
		lp_argv_add(&line.a[line.n - 1], "--whole");
	}
	plan_answer(&line, l, name, above, streamed);
	code = run(l, &line, &io, &ops);
	return streamed && keep_rows(l, is_cut(&l->job) ? LP_EXIT_ABSENT : code) != LP_OK ? LP_E_SYS : code;
}

/* Whether the answer stands although the layer was cut off: what is there is, what is not may be. If not, why is said. */
static int
stands(const struct found *f, struct lp_peek_layer *l)
{
	int found = f->answer == LP_FIND_HERE || f->answer == LP_FIND_AGAIN || f->answer == LP_FIND_LINK ||
	    f->answer == LP_FIND_ABOVE;

	if (!is_cut(&l->job))
		return 1;
	if (!found)
		l->job.exit = LP_EXIT_ABSENT;
	lp_peek_settle(l, &l->job, found);
	return found;
}

/*
 * From the top layer down, and again from the top where links lead
 * elsewhere. 1 with all of `at` set (its name is to be freed), 0 if the image
 * has no such path, or a failure after a message.
 */
static int
find(struct lp_peek *p, const char *path, int fd, struct place *at)
{
	struct lp_peek_image *im = &p->image[0];
	struct lp_peek_layer *implied = NULL; /* the last that has something below the name, but no row for it */
	unsigned links = 0;
	/* after a hard link nothing counts that is above its layer */
	size_t top = im->n, home = SIZE_MAX, i = top, above = 0;

	at->name = strdup(path);
	while (i > 0 && at->name != NULL) {
		struct lp_peek_layer *l = &im->layer[--i];
		struct found f = { .answer = -1 };
		int rc;

		/* what is no layer hides nobody knows what */
		lp_peek_refuse(l);
		rc = l->exit;
		/* the same blob further down is asked again: what hides a name hides what lies below it */
		if (rc == LP_OK)
			rc = !lp_peek_is_whole(l) && !l->look_only ? lp_peek_look(p, l) : LP_OK;

		rc = rc != LP_OK ? rc : ask_layer(l, at->name, above, fd);
		if (rc == LP_EXIT_OK)
			rc = read_found(fd, &f);
		if (rc == LP_OK && !stands(&f, l)) {
			free(f.name);
			rc = LP_EXIT_ABSENT;
		}
		if (rc != LP_OK) {
			p->exit = lp_exit_worse(p->exit, rc > 0 ? rc : lp_exit_of(rc));
			return rc > 0 ? LP_E_ABSENT : rc;
		}
		free(at->name);
		at->name = f.name;
		at->offset = f.offset;
		at->type = f.type;
		at->layer = l;
		above = f.above;
		switch (f.answer) {
		case LP_FIND_HERE:
			return 1;
		case LP_FIND_GONE:
			/* the layer that links to a file may remove its other name */
			if (i != home)
				return 0;
			break;
		case LP_FIND_LINK:
		case LP_FIND_AGAIN:
			home = f.answer == LP_FIND_LINK ? i : home;
			top = f.answer == LP_FIND_LINK ? i + 1 : top;
			i = top;
			links++;
			above = 0;
			implied = NULL;
			break;
		case LP_FIND_DIR:
			implied = l;
			break;
		case LP_FIND_IMPLIED:
			implied = l;
			i = 0;
			break;
		case LP_FIND_ABOVE:
			i = 0;
			break;
		case LP_FIND_UNREAD:
			lp_err("%s: not readable to its end: whether it holds %s is unknown", l->label, lp_quotes(path));
			p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
			return LP_E_ABSENT;
		default:
			break;
		}
		if (links > LP_PICK_LINKS) {
			lp_err("%s: too many symbolic links", lp_quotes(path));
			p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
			return LP_E_ABSENT;
		}
	}
	if (at->name == NULL || implied == NULL)
		return at->name != NULL ? 0 : LP_E_NOMEM;
	at->layer = implied;
	at->type = 'd';
	return 1;
}

/* ---- the content ------------------------------------------------------------------------ */

/* The table of contents itself, into a file. */
static int
fetch_toc(struct lp_peek_layer *l, int fd)
{
	struct lp_pipeline line = { .n = 0 };
	const struct lp_job_io io = { .in = -1, .out = fd, .err = -1, .keep = l->peek->keep, .nkeep = l->peek->nkeep };

	lp_pipeline_fetch(&line, l->peek, LP_STORE_KEEP);
	lp_argv_addf(&line.a[0], "--range=%s", l->toc_range);
	lp_pipeline_source(&line, l);
	return run(l, &line, &io, &ops);
}

/* Only the file's own bytes, by what the table of contents says of them. */
static int
cat_by_toc(struct lp_peek_layer *l, const char *name)
{
	const struct lp_peek_options *o = l->peek->o;
	int fd = lp_tmpfile(), keep[1 + LP_PEEK_KEEP] = { fd }, code;
	struct lp_pipeline line = { .n = 0 };
	const struct lp_job_io io = { .in = -1, .out = 1, .err = -1, .keep = keep, .nkeep = 1 + l->peek->nkeep };
	struct lp_argv *a;

	if (fd < 0)
		return LP_E_SYS;
	memcpy(keep + 1, l->peek->keep, sizeof(l->peek->keep));
	code = fetch_toc(l, fd);
	if (code == LP_EXIT_OK) {
		a = lp_pipeline_add(&line, "lp-cat");
		lp_argv_addf(a, "--toc=/dev/fd/%d", fd);
		lp_argv_addf(a, "--source=%s", l->source);
		if (strcmp(l->toc_digest, "-") != 0)
			lp_argv_addf(a, "--digest=%s", l->toc_digest);
		for (size_t i = 0; i < o->network.n; i++)
			lp_argv_addf(a, "--fetch=%s", o->network.v[i]);
		/* an empty one outweighs LP_STORE */
		lp_argv_addf(a, "--fetch=--store=%s", o->store != NULL ? o->store : "");
		if (o->offline)
			lp_argv_add(a, "--fetch=--offline");
		lp_argv_add(a, "--");
		lp_argv_add(a, name);
		code = run(l, &line, &io, &ops);
	}
	close(fd);
	return code;
}

static int
cat_by_stream(struct lp_peek_layer *l, const char *name, uint64_t offset)
{
	struct lp_pipeline line = { .n = 0 };
	const struct lp_job_io io = { .in = -1, .out = 1, .err = -1, .keep = l->peek->keep, .nkeep = l->peek->nkeep };
	struct lp_argv *a;

	plan_bytes(&line, l);
	a = lp_pipeline_add(&line, "lp-cat");
	lp_argv_add(a, "--whole");
	if (offset != UINT64_MAX)
		lp_argv_addf(a, "--at=%llu", (unsigned long long)offset);
	lp_argv_add(a, "--");
	lp_argv_add(a, name);
	return run(l, &line, &io, &cat_ops);
}

/* Whether there is content; says so if not. */
static int
has_content(const struct place *at)
{
	const char *label = at->layer->label;

	if (at->type == '-' || at->type == 'h')
		return 1;
	if (at->type == 'd' && *at->name == '\0')
		lp_err("/ is a directory (%s)", label);
	else if (at->type == 'd')
		lp_err("%s is a directory (%s; --find='%s/*' lists it)", lp_quotes(at->name), label, lp_quotes(at->name));
	else
		lp_err("%s is no file with content (%s)", lp_quotes(at->name), label);
	return 0;
}

static int
cat(const struct place *at)
{
	struct lp_peek_layer *l = at->layer;
	int code = LP_OK;

	if (!has_content(at))
		return LP_EXIT_ABSENT;
	/* a listing from the database does not say whether the layer has a table of contents */
	if (l->toc_range[0] == '\0' && l->from_cache)
		code = lp_peek_look(l->peek, l);
	if (code != LP_OK)
		return code;
	code = l->toc_range[0] != '\0' ? cat_by_toc(l, at->name) : cat_by_stream(l, at->name, at->offset);
	if (code == LP_EXIT_ABSENT && l->peek->o->offline)
		lp_note("%s has %s, but not all of its bytes were recorded", l->label, lp_quotes(at->name));
	return code;
}

int
lp_peek_cat(struct lp_peek *p)
{
	struct place at = { .offset = UINT64_MAX };
	int fd = lp_tmpfile(), rc;

	if (fd < 0) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	rc = lp_peek_recall(p);
	rc = rc < 0 ? rc : find(p, p->o->path, fd, &at);
	if (rc == 0) {
		lp_err("%s: no such path in %s", lp_quotes(p->o->path), lp_quotes(p->image[0].name));
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	} else if (rc == 1) {
		rc = cat(&at);
		p->exit = lp_exit_worse(p->exit, rc > 0 ? rc : LP_EXIT_OK);
	}
	lp_peek_keep_all(p);
	if (p->o->offline && p->exit == LP_EXIT_ABSENT && rc != 0)
		lp_peek_how_to_record(p);
	free(at.name);
	close(fd);
	return rc < 0 ? rc : LP_OK;
}
