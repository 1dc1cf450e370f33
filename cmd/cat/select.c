/* Decides which members lp-cat --tar copies: by name, by pattern, and by rows. */
#include "cmd/cat/select.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/base/glob.h"
#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/row/rowread.h"
#include "common/sys/err.h"
#include "common/sys/seed.h"

enum { FOUND = 1, FOUND_DIR = 2 };
enum { BY_PLACE = 1, BY_NAME = 2, CAME = 3 };

/* ---- rows --------------------------------------------------------------------------- */

static int
normal(struct lp_select *s, struct lp_span name)
{
	int rc;

	lp_buf_clear(&s->scratch);
	rc = lp_path_join(&s->scratch, name);
	s->name = lp_buf_span(&s->scratch);
	return rc;
}

static int
add_row(struct lp_select *s, const struct lp_entry *e)
{
	const int placed = (e->has & LP_HAS_OFFSETS) != 0 && e->type != LP_HARDLINK;
	uint64_t *value = NULL;
	int rc, fresh = 0;

	if (s->layer != NULL && !lp_span_is(e->layer, s->layer))
		return LP_OK;
	rc = normal(s, e->name);
	rc = rc != LP_OK ? rc : lp_map_add(&s->called, lp_hash64(s->seed, s->name), &value, &fresh);
	if (rc == LP_OK && fresh)
		*value = placed ? BY_PLACE : BY_NAME;
	if (rc == LP_OK && placed)
		rc = lp_map_add(&s->at, e->header_offset + 1, &value, &fresh);
	if (rc == LP_OK && placed && fresh) {
		*value = (uint64_t)s->rownames.n << 1;
		rc = lp_buf_add(&s->rownames, s->name);
		rc = rc != LP_OK ? rc : lp_buf_addc(&s->rownames, '\0');
		rc = rc != LP_OK ? rc : lp_buf_add(&s->places, lp_span(&e->header_offset, sizeof(e->header_offset)));
	}
	s->unplaced += !placed;
	s->left += rc == LP_OK && fresh;
	return rc;
}

static int
row_event(struct lp_select *s, const struct lp_rowread *r, enum lp_rowread_event ev)
{
	int rc = LP_OK;

	if (ev == LP_ROWREAD_ERROR) {
		lp_err("%s: line %" PRIu64 ": %s", s->rows_name, r->line, r->why);
		return r->status;
	}
	if (ev == LP_ROWREAD_ROW && (rc = add_row(s, &r->entry)) != LP_OK)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name is longer than the limit");
	return rc;
}

int
lp_select_rows(struct lp_select *s)
{
	struct lp_rowread r;
	struct lp_span in = lp_span("", 0);
	int rc = LP_OK, more = s->rows != NULL;

	lp_rowread_init(&r);
	while (more && rc == LP_OK) {
		enum lp_rowread_event ev = lp_rowread_next(&r, &in);

		if (ev == LP_ROWREAD_MORE && (more = lp_input_next(s->rows, &in)) <= 0) {
			if (more < 0)
				lp_err_errno("%s", s->rows_name);
			rc = more < 0 ? LP_E_SYS : LP_OK;
			ev = lp_rowread_eof(&r);
		}
		rc = rc != LP_OK ? rc : row_event(s, &r, ev);
	}
	lp_rowread_release(&r);
	return rc;
}

static int
by_place(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

const uint64_t *
lp_select_places(struct lp_select *s, size_t *n)
{
	*n = s->places.n / sizeof(uint64_t);
	if (s->unplaced > 0 || s->nnames + s->nglobs > 0 || *n == 0)
		return NULL;
	lp_sort(s->places.p, *n, sizeof(uint64_t), by_place);
	return (const uint64_t *)(const void *)s->places.p;
}

/* ---- members -------------------------------------------------------------------------- */

/* Whether a row is of it. */
static int
has_row(struct lp_select *s, const struct lp_entry *e)
{
	const int placed = (e->has & LP_HAS_OFFSETS) != 0;
	uint64_t *at = placed ? lp_map_get(&s->at, e->header_offset + 1) : NULL;
	uint64_t *called = lp_map_get(&s->called, lp_hash64(s->seed, s->name));

	if (at != NULL) {
		s->left -= (*at & 1) == 0;
		*at |= 1;
		s->renamed = lp_span_str((const char *)s->rownames.p + (*at >> 1));
		if (lp_span_eq(s->renamed, s->name))
			s->renamed.n = 0;
		return 1;
	}
	if (called == NULL || (placed && *called == BY_PLACE))
		return 0;
	s->left -= *called != CAME;
	*called = CAME;
	return 1;
}

/* A hard link to something that stays behind cannot be extracted: worth a word. */
static int
note_copied(struct lp_select *s, const struct lp_entry *e)
{
	uint64_t *value;
	int rc, fresh;

	rc = lp_map_add(&s->copied, lp_hash64(s->seed, s->name), &value, &fresh);
	s->members++;
	if (rc != LP_OK || e->type != LP_HARDLINK)
		return rc;
	rc = normal(s, e->linkname);
	if (rc == LP_OK && lp_map_get(&s->copied, lp_hash64(s->seed, s->name)) == NULL)
		lp_note("%s is a hard link to %s, which is not among the members", lp_quote(e->name),
		    lp_quote(e->linkname));
	return rc;
}

int
lp_select_member(struct lp_select *s, const struct lp_entry *e)
{
	int wanted = 0, rc;

	s->renamed = lp_span("", 0);
	if (s->nglobs > 0 && (wanted = lp_glob_any(s->globs, s->nglobs, 0, e->name, &s->scratch)) < 0)
		return wanted;
	rc = normal(s, e->name);
	for (size_t i = 0; i < s->nnames && rc == LP_OK; i++) {
		struct lp_span name = lp_buf_span(&s->wanted[i]);

		if (!lp_path_within(s->name, name))
			continue;
		wanted = 1;
		/* a name that has something below it is a directory, be it without an entry of its own */
		s->found[i] |= s->name.n > name.n || e->type == LP_DIR ? FOUND_DIR : FOUND;
	}
	if (rc == LP_OK && s->rows != NULL)
		wanted |= has_row(s, e);
	if (rc == LP_OK && wanted)
		rc = note_copied(s, e);
	return rc != LP_OK ? rc : wanted;
}

int
lp_select_is_done(const struct lp_select *s)
{
	if (s->nglobs > 0 || s->left > 0)
		return 0;
	for (size_t i = 0; i < s->nnames; i++)
		if (s->found[i] != FOUND)
			return 0;
	return 1;
}

int
lp_select_end(const struct lp_select *s)
{
	int rc = LP_OK;

	for (size_t i = 0; i < s->nnames; i++) {
		if (s->found[i] == 0) {
			lp_err("%s: no such member", lp_quotes(s->names[i]));
			rc = LP_E_ABSENT;
		}
	}
	if (rc == LP_OK && s->left > 0) {
		lp_err("%s: %zu rows are of no member", s->rows_name, s->left);
		rc = LP_E_ABSENT;
	} else if (rc == LP_OK && s->members == 0) {
		lp_err("no member matches");
		rc = LP_E_ABSENT;
	}
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------ */

int
lp_select_init(struct lp_select *s)
{
	int rc = LP_OK;

	lp_map_init(&s->at, LP_MAX_ENTRIES);
	lp_map_init(&s->called, LP_MAX_ENTRIES);
	lp_map_init(&s->copied, SIZE_MAX);
	s->seed = lp_seed();
	lp_buf_init(&s->scratch, LP_MAX_PATH + 1);
	lp_buf_init(&s->rownames, SIZE_MAX);
	lp_buf_init(&s->places, SIZE_MAX);
	s->wanted = calloc(s->nnames + 1, sizeof(*s->wanted));
	s->found = calloc(s->nnames + 1, 1);
	if (s->wanted == NULL || s->found == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < s->nnames && rc == LP_OK; i++) {
		lp_buf_init(&s->wanted[i], LP_MAX_PATH);
		rc = lp_path_join(&s->wanted[i], lp_span_str(s->names[i]));
	}
	return rc;
}

void
lp_select_release(struct lp_select *s)
{
	for (size_t i = 0; s->wanted != NULL && i < s->nnames; i++)
		lp_buf_release(&s->wanted[i]);
	free(s->wanted);
	free(s->found);
	lp_map_release(&s->at);
	lp_map_release(&s->called);
	lp_map_release(&s->copied);
	lp_buf_release(&s->scratch);
	lp_buf_release(&s->rownames);
	lp_buf_release(&s->places);
	s->wanted = NULL;
	s->found = NULL;
}
