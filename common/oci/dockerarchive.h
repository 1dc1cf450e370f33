/*
 * What `docker save` writes: a tar with images in it, told by what its
 * members are called.
 *
 *   manifest.json    (docker 1.10 and later) images, each with the paths of
 *                    its config and its layers, base first; the paths are
 *                    ID/layer.tar, or blobs/sha256/HEX in the OCI form
 *   repositories     (before that) repo -> tag -> ID of the topmost layer;
 *                    ID/json names its parent, ID/layer.tar is its content
 *
 * This is the catalogue: which member lies where, which image has which
 * members. Reading the tar and the members is the caller's.
 */
#ifndef LP_OCI_DOCKERARCHIVE_H
#define LP_OCI_DOCKERARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"

enum {
	LP_ARCHIVE_MEMBERS = 1 << 16, /* of an archive; an image has 4 a layer */
	LP_ARCHIVE_LAYERS = 4096,     /* of an image; guards against a parent chain that is a ring */
	LP_ARCHIVE_LINKS = 8          /* links from one to the next */
};

struct lp_member {
	char *path;     /* in normal form (base/path.h) */
	char *target;   /* of a link: in normal form; else NULL */
	uint64_t offset; /* of its content, in bytes of the tar */
	uint64_t size;
};

struct lp_members {
	struct lp_member *v;
	size_t n, cap;
	int sorted; /* by path; those of one in the order of the tar */
};

void lp_members_init(struct lp_members *);
void lp_members_release(struct lp_members *);

/* Note a member (files and links; others, and names with a NUL, are of no use). LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_members_add(struct lp_members *, const struct lp_entry *);

/* The file of that path, links followed; the last one of a name counts. LP_OK, LP_E_ABSENT or LP_E_NOMEM. */
int lp_members_find(struct lp_members *, struct lp_span path, const struct lp_member **);

/* One image. Strings are owned. */
struct lp_saved {
	char *config;  /* path, or NULL (repositories) */
	char **layer;  /* paths, base first (manifest.json) */
	size_t nlayers;
	char *top;     /* ID of the topmost layer (repositories), or NULL */
};

void lp_saved_release(struct lp_saved *);

/*
 * The image that `name` means: `repo:tag` in any form that stands for the
 * same reference, or `@N`, the Nth from 0; with name "" the only one. LP_OK;
 * LP_E_ABSENT if there is none, or several and no name: the names there are
 * are appended to `names`, separated by ", ". LP_E_DATA, LP_E_LIMIT or
 * LP_E_NOMEM with *error filled.
 */
int lp_saved_manifest(struct lp_span json, const char *name, struct lp_saved *, struct lp_buf *names,
    struct lp_json_error *error);
int lp_saved_repositories(struct lp_span json, const char *name, struct lp_saved *, struct lp_buf *names,
    struct lp_json_error *error);

#endif
