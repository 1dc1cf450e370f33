/*
 * An image in an archive of `docker save`, without unpacking it: where in
 * the file each layer lies.
 *
 *	lp_archive_open(&a, path)         before the lock
 *	lp_archive_scan(&a)
 *	lp_archive_load(&a, name)
 *	a.layer[0 .. a.n-1]
 *	lp_archive_release(&a)
 *
 * And what any archive has: of an OCI layout in a tar (source/image.h)
 * lp_archive_scan, lp_archive_read and lp_archive_find are what reads it.
 *
 * On failure `why` says what was wrong, fit to print, without the path.
 */
#ifndef LP_SOURCE_ARCHIVE_H
#define LP_SOURCE_ARCHIVE_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/oci/dockerarchive.h"
#include "common/oci/manifest.h"
#include "common/sys/input.h"

struct lp_archive_layer {
	uint64_t offset; /* bytes of the file */
	uint64_t size;
	const char *mediatype; /* by the layer's first bytes; static */
	struct lp_span created_by; /* p is NULL if it is not known */
	struct lp_span diff_id;
};

struct lp_archive {
	int fd;
	struct lp_input in;
	struct lp_members members;
	struct lp_saved saved;
	struct lp_archive_layer *layer; /* base first */
	size_t n;
	struct lp_buf catalogue;        /* manifest.json, or repositories: as it is */
	struct lp_buf config_bytes;     /* the config, or the json of the layer that was read last */
	struct lp_image_config config;  /* config.root is NULL for an archive of the old form */
	json_t **parts;                 /* what created_by points into, of the old form */
	size_t nparts, parts_cap;
	char why[1024];
};

/* LP_OK, or LP_E_SYS (a pipe, too: layers are read by their offsets), LP_E_NOMEM. Release it in any case. */
int lp_archive_open(struct lp_archive *, const char *path);

/*
 * After lp_archive_scan: the image of that name; "" for the only one. LP_OK, LP_E_DATA, LP_E_LIMIT,
 * LP_E_ABSENT (no such image; `why` lists those there are), LP_E_SYS or
 * LP_E_NOMEM.
 */
int lp_archive_load(struct lp_archive *, const char *name);
void lp_archive_release(struct lp_archive *);

/* Where its members lie. LP_OK, LP_E_DATA, LP_E_LIMIT, LP_E_SYS or LP_E_NOMEM. */
int lp_archive_scan(struct lp_archive *);
/* A member's content, whole, into an empty buffer. LP_E_ABSENT, with nothing said, if there is no such member. */
int lp_archive_read(struct lp_archive *, const char *path, struct lp_buf *);
/* Whether it is an OCI layout (as well: docker save writes both since 25.0). */
int lp_archive_is_layout(struct lp_archive *);
/* A member by its path; as above. */
int lp_archive_find(struct lp_archive *, const char *path, const struct lp_member **);

#endif
