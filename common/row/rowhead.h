/*
 * The head of a row: its first five columns in the default order, mode to
 * mtime, each with the tab behind it, exactly as row/row.h writes them.
 *
 * Rows of one directory have nearly the same head. So a reader keeps what
 * the one before it meant, and looks only at what has changed; and a program
 * that only passes rows on keeps heads as text (merge/merge.h).
 */
#ifndef LP_ROW_ROWHEAD_H
#define LP_ROW_ROWHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/row/row.h"

enum { LP_ROWHEAD_MAX = 128 }; /* bytes of the longest head */

/* What a head says. */
struct lp_rowhead {
	enum lp_type type;
	uint32_t mode;
	int64_t uid;
	int64_t gid;
	uint64_t size;
	int64_t mtime;
	int has_mtime;

	/* ---- inside ---- */
	unsigned char owner[LP_MODE_LEN + 2 * 20 + 3]; /* the text of mode, uid and gid, and */
	size_t owner_n;
	unsigned char time[20];  /* of mtime */
	int has_time;
	int64_t midnight;        /* of its day */
};

/* The letters of the mode column into type and mode. LP_OK or LP_E_DATA. */
int lp_parse_mode(struct lp_span, enum lp_type *, uint32_t *mode);

/* There has been no row yet. */
void lp_rowhead_init(struct lp_rowhead *);

/*
 * Read the head at the front of a line. Its length, or 0 if it is not exactly
 * what lp_rowhead_put would write, or holds what is rare (signs, fractions,
 * more than 18 digits): then what the head says is not defined, and others
 * have to look at the line.
 */
size_t lp_rowhead_read(struct lp_rowhead *, struct lp_span line);

/* Write the head of an entry at p (LP_ROWHEAD_MAX bytes of room); returns the end. */
char *lp_rowhead_put(char *p, const struct lp_entry *);

/* What a head that lp_rowhead_put has written says, rare or not, into type, mode, uid, gid, size and mtime. */
void lp_rowhead_get(struct lp_span head, struct lp_entry *);
/* Only the size. */
uint64_t lp_rowhead_size(struct lp_span head);

/* What was read, into the same fields. */
static inline void
lp_rowhead_fill(const struct lp_rowhead *h, struct lp_entry *e)
{
	e->type = h->type;
	e->mode = h->mode;
	e->uid = h->uid;
	e->gid = h->gid;
	e->size = h->size;
	if (h->has_mtime) {
		e->has |= LP_HAS_MTIME;
		e->mtime = h->mtime;
	}
}


/* A row of the default columns as it is written, in parts: each as it would stand there, without escapes in it. */
struct lp_plainrow {
	struct lp_span head;
	struct lp_span name;
	struct lp_span link;
	enum lp_type type;
};

#endif
