/*
 * What the files of an archive of `docker save` share. For archive*.c only.
 *
 *   archive.c     the file, its members, and the form that has a manifest.json
 *   archive_v1.c  the old form, in which each layer names its parent
 *
 * Statuses are those of archive.h; whoever returns a failure has filled `why`.
 */
#ifndef LP_SOURCE_ARCHIVE_PRIV_H
#define LP_SOURCE_ARCHIVE_PRIV_H

#include "common/source/archive.h"

/* Fill `why`; the status. */
int lp_archive_fail(struct lp_archive *, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int lp_archive_no_memory(struct lp_archive *);

/* Room for so many layers, before the first is taken. */
int lp_archive_room(struct lp_archive *, size_t n);
/* Layer i is the member of that name. */
int lp_archive_take(struct lp_archive *, size_t i, const char *path);

/* All layers of the chain whose top is saved.top. */
int lp_archive_load_v1(struct lp_archive *);

#endif
