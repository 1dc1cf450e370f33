/* Copies chosen members of a tar stream block by block, for lp-cat --tar. */
#include "cmd/cat/tarcopy.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/glob.h"
#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/seed.h"

/* Headers, extensions (four kinds) and a sparse map of one member, with their padding. */
enum { MAX_HEAD = 64 * 1024 * 1024 };

enum { FOUND = 1, FOUND_DIR = 2 };

/* What selecting a member says. */
enum { PASS, COPY };

static int
no_memory(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name or a header is above the limit");
	return rc;
}

/* COPY, PASS or a failure. The member's normal form is left in t->scratch. */
static int
choose(struct lp_tarcopy *t, const struct lp_entry *e)
{
	int verdict = PASS, rc;

	if (t->nglobs > 0 && (rc = lp_glob_any(t->globs, t->nglobs, 0, e->name, &t->scratch)) != 0) {
		if (rc < 0)
			return rc;
		verdict = COPY;
	}
	lp_buf_clear(&t->scratch);
	rc = lp_path_join(&t->scratch, e->name);
	if (rc != LP_OK)
		return rc;
	for (size_t i = 0; i < t->nnames; i++) {
		struct lp_span name = lp_buf_span(&t->wanted[i]), member = lp_buf_span(&t->scratch);

		if (!lp_path_within(member, name))
			continue;
		verdict = COPY;
		/* a name that has something below it is a directory, be it without an entry of its own */
		t->found[i] |= member.n > name.n || e->type == LP_DIR ? FOUND_DIR : FOUND;
	}
	return verdict;
}

/* A hard link to something that stays behind cannot be extracted: worth a word. */
static int
note_copied(struct lp_tarcopy *t, const struct lp_entry *e)
{
	uint64_t *value;
	int rc, fresh;

	rc = lp_map_add(&t->copied, lp_hash64(t->seed, lp_buf_span(&t->scratch)), &value, &fresh);
	if (rc != LP_OK || e->type != LP_HARDLINK)
		return rc;
	lp_buf_clear(&t->scratch);
	rc = lp_path_join(&t->scratch, e->linkname);
	if (rc == LP_OK && lp_map_get(&t->copied, lp_hash64(t->seed, lp_buf_span(&t->scratch))) == NULL)
		lp_note("%s is a hard link to %s, which is not among the members", lp_quote(e->name),
		    lp_quote(e->linkname));
	return rc;
}

static int
read_more(struct lp_tarcopy *t)
{
	int rc = lp_input_next(t->input, &t->in);

	if (rc < 0 && rc != LP_E_PIPE)
		lp_err_errno("%s", t->input_name);
	return rc;
}

static int
cut_off(struct lp_tarcopy *t)
{
	lp_err("%s: not complete: input ends after %" PRIu64 " bytes", t->input_name, t->tar.offset);
	return LP_E_ABSENT;
}

/* The member's data and padding, as it is stored, to stdout or nowhere. */
static int
body(struct lp_tarcopy *t, int copy)
{
	uint64_t left;

	while ((left = lp_tar_skippable(&t->tar)) > 0) {
		uint64_t done = 0;
		int rc = LP_OK;

		if (t->in.n > 0) {
			struct lp_span s = lp_span_take(&t->in, left < t->in.n ? (size_t)left : t->in.n);

			done = s.n;
			rc = copy ? lp_put(s) : LP_OK;
		} else if (!copy && (rc = lp_input_skip(t->input, left, &done)) != LP_OK && rc != LP_E_PIPE) {
			lp_err_errno("%s", t->input_name);
		}
		if (rc != LP_OK)
			return rc;
		lp_tar_skipped(&t->tar, done);
		if (done == 0 && (rc = read_more(t)) <= 0)
			return rc < 0 ? rc : cut_off(t);
	}
	return LP_OK;
}

static int
member(struct lp_tarcopy *t)
{
	const struct lp_entry *e = &t->tar.entry;
	struct lp_span head = lp_buf_span(&t->head);
	int verdict = choose(t, e), rc = LP_OK;

	if (verdict < 0)
		return no_memory(verdict);
	if (verdict == COPY) {
		/* global headers and a volume label come before what belongs to the member */
		lp_span_take(&head, (size_t)(e->header_offset - t->head_at));
		t->members++;
		rc = no_memory(note_copied(t, e));
		if (rc == LP_OK)
			rc = lp_put(head);
	}
	if (rc == LP_OK)
		rc = body(t, verdict == COPY);
	lp_buf_clear(&t->head);
	t->head_at = t->tar.offset;
	return rc;
}

/* Nothing further can be wanted. */
static int
satisfied(const struct lp_tarcopy *t)
{
	if (t->nglobs > 0)
		return 0;
	for (size_t i = 0; i < t->nnames; i++)
		if (t->found[i] != FOUND)
			return 0;
	return 1;
}

/* One step of the parser, what it took kept. LP_OK to go on, 1 at the end, or a failure. */
static int
step(struct lp_tarcopy *t)
{
	struct lp_span before = t->in;
	enum lp_tar_event ev = lp_tar_next(&t->tar, &t->in);
	int rc = no_memory(lp_buf_add(&t->head, lp_span(before.p, before.n - t->in.n)));

	if (rc != LP_OK)
		return rc;
	if (ev == LP_TAR_MORE && (rc = read_more(t)) <= 0) {
		if (rc < 0)
			return rc;
		ev = lp_tar_eof(&t->tar);
	}
	switch (ev) {
	case LP_TAR_MEMBER:
		return member(t);
	case LP_TAR_END:
		return 1;
	case LP_TAR_TRUNCATED:
		return cut_off(t);
	case LP_TAR_ERROR:
		lp_err("%s: byte %" PRIu64 ": %s", t->input_name, t->tar.error_offset, t->tar.why);
		return t->tar.status;
	case LP_TAR_MORE: case LP_TAR_DATA: case LP_TAR_HOLE: case LP_TAR_DATA_END:
		break;
	}
	return LP_OK;
}

static int
end(struct lp_tarcopy *t)
{
	static const unsigned char marker[2 * LP_TAR_BLOCK];
	int rc = lp_put(lp_span(marker, sizeof(marker)));

	for (size_t i = 0; i < t->nnames; i++) {
		if (t->found[i] == 0 && (rc == LP_OK || rc == LP_E_ABSENT)) {
			lp_err("%s: no such member", lp_quotes(t->names[i]));
			rc = LP_E_ABSENT;
		}
	}
	if (rc == LP_OK && t->members == 0) {
		lp_err("no member matches");
		rc = LP_E_ABSENT;
	}
	return rc;
}

static int
prepare(struct lp_tarcopy *t)
{
	int rc = LP_OK;

	lp_tar_init(&t->tar);
	t->tar.whole = t->whole;
	lp_map_init(&t->copied, SIZE_MAX);
	t->seed = lp_seed();
	lp_buf_init(&t->head, MAX_HEAD);
	lp_buf_init(&t->scratch, LP_MAX_PATH + 1);
	t->wanted = calloc(t->nnames + 1, sizeof(*t->wanted));
	t->found = calloc(t->nnames + 1, 1);
	if (t->wanted == NULL || t->found == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < t->nnames && rc == LP_OK; i++) {
		lp_buf_init(&t->wanted[i], LP_MAX_PATH);
		rc = lp_path_join(&t->wanted[i], lp_span_str(t->names[i]));
	}
	return rc;
}

int
lp_tarcopy(struct lp_tarcopy *t, struct lp_input *input)
{
	int rc = no_memory(prepare(t));

	t->input = input;
	t->in = lp_span("", 0);
	while (rc == LP_OK && !satisfied(t))
		rc = step(t);
	if (rc == LP_OK || rc == 1)
		rc = end(t);
	t->offset = t->tar.offset;
	for (size_t i = 0; t->wanted != NULL && i < t->nnames; i++)
		lp_buf_release(&t->wanted[i]);
	free(t->wanted);
	free(t->found);
	lp_tar_release(&t->tar);
	lp_map_release(&t->copied);
	lp_buf_release(&t->head);
	lp_buf_release(&t->scratch);
	return rc;
}
