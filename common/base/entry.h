/*
 * One member of a layer: what a tar header (with its extensions), a table
 * of contents or a row says, in one shape for all of them.
 */
#ifndef LP_BASE_ENTRY_H
#define LP_BASE_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

/* The type letters of the mode column, as `ls -l` writes them; 'h' is a hard link. */
enum lp_type {
	LP_REG = '-',
	LP_DIR = 'd',
	LP_SYMLINK = 'l',
	LP_HARDLINK = 'h',
	LP_CHAR = 'c',
	LP_BLOCK = 'b',
	LP_FIFO = 'p'
};

/* The type that a tar header's letter stands for. */
static inline enum lp_type
lp_type_of_flag(char typeflag)
{
	switch (typeflag) {
	case '1': return LP_HARDLINK;
	case '2': return LP_SYMLINK;
	case '3': return LP_CHAR;
	case '4': return LP_BLOCK;
	case '5': return LP_DIR;
	case '6': return LP_FIFO;
	case 'D': return LP_DIR; /* GNU's incremental one: its data is a list of names */
	}
	/* POSIX: an unknown typeflag is treated as a regular file */
	return LP_REG;
}

/* Bits of lp_entry.has: what the source of the entry knew. */
enum {
	LP_HAS_MTIME = 1 << 0,
	LP_HAS_UNAME = 1 << 1,
	LP_HAS_GNAME = 1 << 2,
	LP_HAS_DEV = 1 << 3,       /* devmajor and devminor */
	LP_HAS_OFFSETS = 1 << 4,   /* header_offset and data_offset */
	LP_HAS_TYPEFLAG = 1 << 5,
	LP_HAS_TRUNCATED = 1 << 6, /* the input ended inside this member's data */
	LP_HAS_LAYER = 1 << 7,
	LP_HAS_HIDDEN = 1 << 8,    /* hidden and hidden_by */
	LP_HAS_DIGEST = 1 << 9
};

/* An extended attribute: the name without any archive's prefix, the value's exact bytes. */
struct lp_xattr {
	struct lp_span name;
	struct lp_span value;
};

/*
 * Spans and arrays are borrowed: they live as long as whoever filled the
 * entry says (mostly until its next event).
 */
struct lp_entry {
	struct lp_span name; /* exact bytes as stored */
	struct lp_span linkname;
	struct lp_span uname;
	struct lp_span gname;
	struct lp_span layer; /* label of the layer it came from */
	struct lp_span digest; /* of the content of a file: as the table of contents has it, or computed */
	struct lp_span hidden;    /* why a container does not see it (lp-merge(1)), and */
	struct lp_span hidden_by; /* the label of the layer that hides it */
	const struct lp_xattr *xattrs;
	size_t nxattrs;

	enum lp_type type;
	unsigned has;       /* LP_HAS_* */
	char typeflag;      /* the archive's own letter, NUL shown as '0' */
	uint32_t mode;      /* permission bits, 07777 */
	int64_t uid;
	int64_t gid;
	uint64_t size;      /* bytes a reader of the file gets: expanded if sparse, 0 for what has no content */
	int64_t mtime;      /* seconds since 1970, UTC */
	uint32_t mtime_nsec; /* 0 to 999999999, counted up from mtime also before 1970 */
	uint32_t devmajor;
	uint32_t devminor;
	uint64_t header_offset; /* of the first header block that belongs to the member, in bytes of the tar */
	uint64_t data_offset;   /* of the stored content */
};

/* Into the order of their names, as rows have them (lp(5)). */
void lp_xattrs_sort(struct lp_xattr *, size_t n);

#endif
