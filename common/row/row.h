/*
 * Rows: the text form of entries that flows between the programs, written
 * (lp(5), "TSV", "NDJSON", "Long form", "End record").
 *
 * A writer appends to a caller's buffer and never prints, so the same code
 * serves a pipe, a file, a test and a fuzz target. On failure the buffer is
 * cut back to what it held: there are no half rows.
 */
#ifndef LP_ROW_ROW_H
#define LP_ROW_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"

enum lp_rowform {
	LP_ROW_TSV,
	LP_ROW_NDJSON,
	LP_ROW_LONG /* like `ls -l`, for eyes: escaped for a terminal, not for parsing */
};

/* Columns in the order of lp(5); the first seven are the default. */
enum lp_column {
	LP_COL_MODE, LP_COL_UID, LP_COL_GID, LP_COL_SIZE, LP_COL_MTIME, LP_COL_NAME, LP_COL_LINKNAME,
	LP_COL_TYPEFLAG, LP_COL_IS_DIR, LP_COL_IS_SYMLINK, LP_COL_UNAME, LP_COL_GNAME,
	LP_COL_DEVMAJOR, LP_COL_DEVMINOR, LP_COL_MTIME_UNIX, LP_COL_HEADER_OFFSET,
	LP_COL_DATA_OFFSET, LP_COL_XATTRS, LP_COL_LAYER, LP_COL_HIDDEN, LP_COL_HIDDEN_BY,
	LP_COL_MODE_OCTAL, LP_COL_DIGEST,
	LP_COLUMNS
};

struct lp_rowfmt {
	enum lp_rowform form;
	enum lp_column column[LP_COLUMNS]; /* TSV: which, in which order */
	size_t ncolumns;
	int nul; /* records end in NUL and names are not escaped (TSV) */
};

/* TSV with the default columns, lines. */
void lp_rowfmt_init(struct lp_rowfmt *);

/*
 * Choose columns by a comma-separated list of names, each at most once.
 * LP_OK, or LP_E_USAGE with *bad set to the name that is unknown or given
 * twice (a part of `list`), the format untouched.
 */
int lp_rowfmt_columns(struct lp_rowfmt *, struct lp_span list, struct lp_span *bad);

/* Whether its rows, which are TSV, have that column. */
int lp_rowfmt_has(const struct lp_rowfmt *, enum lp_column);

/* A column's name, as -o takes it and -H prints it. */
const char *lp_column_name(enum lp_column);
/* The column of that name, or LP_COLUMNS. */
enum lp_column lp_column_find(struct lp_span name);

/* Append the header row (TSV; nothing in other forms). LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_row_header(const struct lp_rowfmt *, struct lp_buf *);

/* Append one entry's row. LP_OK, LP_E_LIMIT (above the buffer's maximum) or LP_E_NOMEM. */
int lp_row_write(const struct lp_rowfmt *, const struct lp_entry *, struct lp_buf *);

/*
 * Whether a listing has all of a layer's entries. YES of a layer rests on the
 * digest of the whole blob, checked in the run that made the listing, or on a
 * table of contents whose digest stands in a manifest that was itself named
 * by digest. INFERRED: all entries, by what is only claimed (layer-peek(7),
 * "TRUST").
 */
enum lp_complete { LP_COMPLETE_UNKNOWN, LP_COMPLETE_NO, LP_COMPLETE_YES, LP_COMPLETE_INFERRED };

/* The end record. Each of the texts may be empty; layer is written all the same, the others are left out then. */
struct lp_rowend {
	uint64_t entries;
	enum lp_complete complete;
	uint64_t bytes;        /* of tar read */
	struct lp_span layer;  /* label */
	struct lp_span origin; /* whose claim the listing is: lp_reference_origin(); empty: verified, or not known */
	struct lp_span toc;    /* digest of the table of contents that it was made from */
	struct lp_span reason; /* why it is not complete */
};

/* The texts of an end record by key, for its writers and readers. */
enum { LP_ROWEND_TEXTS = 4 };
struct lp_rowend_text {
	const char *key;
	const char *exact; /* in NDJSON, the key of its bytes where they are not valid UTF-8 */
	size_t offset; /* of the span in struct lp_rowend */
};
extern const struct lp_rowend_text lp_rowend_texts[LP_ROWEND_TEXTS];
struct lp_span lp_rowend_text(const struct lp_rowend *, const struct lp_rowend_text *);

/* "yes", "no", "inferred" or "unknown". */
const char *lp_complete_name(enum lp_complete);
/* The state of that name. LP_OK or LP_E_DATA. */
int lp_complete_parse(struct lp_span, enum lp_complete *);

/* Append the end record (TSV or NDJSON form; nothing in the long form). Results as lp_row_write. */
int lp_row_end(const struct lp_rowfmt *, const struct lp_rowend *, struct lp_buf *);

/*
 * Pieces that more than one writer needs. Each writes at p and returns the
 * end; no NUL.
 */
enum { LP_MODE_LEN = 10, LP_TIME_MAX = 40 };
char *lp_put_mode(char *p, const struct lp_entry *);
/* 2026-11-23T16:43:44Z, with as many digits of a fraction as it has; "-" for none or a year outside 0 to 9999. */
char *lp_put_time(char *p, const struct lp_entry *);

#endif
