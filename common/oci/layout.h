/*
 * index.json of an OCI image layout (image-spec, image-layout.md): which
 * names lead to which manifests.
 *
 * A name is the annotation org.opencontainers.image.ref.name, or containerd's
 * io.containerd.image.name beside it, which docker save writes too.
 */
#ifndef LP_OCI_LAYOUT_H
#define LP_OCI_LAYOUT_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"

enum { LP_LAYOUT_PATH = sizeof("blobs/") + LP_DIGEST_SIZE };

/* Where a layout has the blob of a valid digest: blobs/sha256/HEX. */
void lp_layout_path(const char *digest, char path[LP_LAYOUT_PATH]);
/* And back: whether the path is one of those. */
int lp_layout_digest(const char *path, char digest[LP_DIGEST_SIZE]);

struct lp_layout_entry {
	char digest[LP_DIGEST_SIZE];
	char mediatype[256]; /* cut if it is longer */
	uint64_t size;
	int has_size, odd_size; /* as of struct lp_descriptor */
};

/*
 * The manifest of that name; with name NULL the only one there is. LP_OK;
 * LP_E_ABSENT if there is none, or several and no name; LP_E_DATA, LP_E_LIMIT
 * or LP_E_NOMEM if the file is broken, with *error filled.
 */
int lp_layout_find(struct lp_span json, const char *name, struct lp_layout_entry *,
    struct lp_json_error *error);

/*
 * Where several of that name say for which platform they are: append them as
 * an index of their own, the last first, so that of two for one platform the
 * last counts, as it does without platforms. Else nothing is appended.
 * Results as above.
 */
int lp_layout_choice(struct lp_span json, const char *name, struct lp_buf *, struct lp_json_error *error);

/* Append the names there are, separated by ", ", as they stand. Results as above, or LP_E_LIMIT of the buffer. */
int lp_layout_names(struct lp_span json, struct lp_buf *);

/*
 * Append the file with `name` leading to that manifest, and to no other;
 * unchanged if it does already. Results as above.
 */
int lp_layout_set(struct lp_span json, const char *name, const struct lp_layout_entry *, struct lp_buf *,
    struct lp_json_error *error);

/*
 * Append the file without the manifests that `keep` says no to; unchanged if
 * there are none such. Results as above.
 */
int lp_layout_keep(struct lp_span json, int (*keep)(void *arg, const char *digest), void *arg, struct lp_buf *,
    struct lp_json_error *error);

#endif
