/*
 * Every bound on what input may ask of us, each with its unit and reason.
 * Above one of these the data is bad (exit 1): nothing is ever silently
 * cut short.
 */
#ifndef LP_BASE_LIMITS_H
#define LP_BASE_LIMITS_H

#include <stdint.h>

#include <stddef.h>

/*
 * Bytes of one file, and offsets: what off_t and the JSON readers of the
 * world hold. A sum of more is this: shown as it, never wrapped.
 */
#define LP_MAX_SIZE ((uint64_t)INT64_MAX)

/* Bytes of one path or link target: Linux's PATH_MAX is 4096; archives made elsewhere hold more. */
#define LP_MAX_PATH (64ul * 1024)

/* Bytes of a path in an image: PATH_MAX without its NUL. No runtime can make a longer one. */
#define LP_MAX_PLACE 4095u

/* Bytes of one pax or GNU extension header's body. Go's reader and libarchive allow 1 MiB. */
#define LP_MAX_EXTENSION (1024ul * 1024)

/* Records in one pax header, and extended attributes of one member. */
#define LP_MAX_PAX_RECORDS 65536u

/* Bytes of the array of one member's extended attributes: a limit reached only through LP_MAX_PAX_RECORDS. */
#define LP_MAX_XATTRS (40ul * LP_MAX_PAX_RECORDS)

/* Pieces of one sparse map, one for every hole of a file: 16 bytes each, 2 MiB. */
#define LP_MAX_SPARSE (128ul * 1024)

/* Bytes of one row, escaped: name, link and all extended attributes. */
#define LP_MAX_ROW (16u * 1024 * 1024)

/* Bytes of rows that are held until it is known that they are right (lp-tarls --frugal): half a million members. */
#define LP_MAX_HELD_ROWS ((size_t)64 * 1024 * 1024)

/* Rows in one merge: 100 to 250 bytes of memory each, besides their text (lp-merge(1), --max-entries). */
#define LP_MAX_ENTRIES ((uint64_t)64 * 1024 * 1024)

/*
 * Bytes of a manifest or an index, and of what is like one: a list of referrers, a
 * saved image's manifest.json. Registries refuse manifests above 4 MiB.
 */
#define LP_MAX_MANIFEST ((size_t)4 * 1024 * 1024)

/* Bytes of a token server's answer. */
#define LP_MAX_TOKEN_ANSWER ((size_t)4 * 1024 * 1024)

/* Bytes of JSON in all pages of a registry's list, of tags or referrers: half a million of the longest tags. */
#define LP_MAX_LIST ((uint64_t)64 * 1024 * 1024)

/* Bytes of a tag in it: 128, each perhaps as six of an escape, and room for what is no tag. */
#define LP_MAX_TAG 4096u

/* Bytes of a database of packages, held whole: rpm's of 1,000 packages is some 60 MiB, dpkg's 1 MiB. */
#define LP_MAX_PKGDB ((size_t)256 * 1024 * 1024)

/* Bytes of a config blob: build histories are long. */
#define LP_MAX_CONFIG ((size_t)16 * 1024 * 1024)

/* Bytes of a table of contents as stored: about 40 an entry, so three million entries. */
#define LP_MAX_TOC (128u * 1024 * 1024)

/* Bytes of its JSON, which is read in one pass and never held whole: about 300 an entry. */
#define LP_MAX_TOC_JSON (1024u * 1024 * 1024)

/* Bytes of one entry in it: a name, a link and the extended attributes in base64. */
#define LP_MAX_TOC_ENTRY (4u * 1024 * 1024)

/* Bytes of different user and group names in it. */
#define LP_MAX_TOC_OWNERS (1024u * 1024)

/*
 * Bytes of a chunk that is held back until its digest was seen to match:
 * what eStargz cuts files into. Larger ones are passed on as they come.
 */
#define LP_MAX_HELD_CHUNK (4u * 1024 * 1024)

/* Levels of JSON nesting. */
#define LP_MAX_JSON_DEPTH 64u

/*
 * Bytes of memory that one JSON document takes once it is read, or so many
 * times its text if that is more. A value takes up to a hundred times its text
 * ("{}," some 400 bytes); a config of 16 MiB as they are written takes half of
 * the first, an index.json of 100,000 names seven times its 24 MiB.
 */
#define LP_MAX_JSON_MEMORY (128ul * 1024 * 1024)
#define LP_MAX_JSON_TIMES 12u

/* Bytes of a zstd frame's window: what `zstd --long=27` writes, 128 MiB, and no more. */
#define LP_MAX_ZSTD_WINDOW_LOG 27

#endif
