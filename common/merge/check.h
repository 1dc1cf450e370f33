/*
 * What there may be to find in layers: one table of all kinds, with what
 * containerd, Docker and podman make of each (layer-peek(7), CHECKS), and the
 * lines of `lp-merge --check`. Rows and their order come from merge/merge.h,
 * whole layers from whoever reads them.
 */
#ifndef LP_MERGE_CHECK_H
#define LP_MERGE_CHECK_H

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/row/record.h"

enum lp_finding {
	LP_FOUND_NOTHING,

	/* ---- of a row, as it is added ---- */
	LP_FOUND_TWICE,       /* its name is the second of its layer */
	LP_FOUND_TARGET,      /* a hard link without a target before it in its layer */
	LP_FOUND_PLACE,       /* too many symbolic links, or a path above LP_MAX_PLACE: left out */
	LP_FOUND_NAME,        /* a whiteout of nothing (".wh.") */
	LP_FOUND_EXISTS,      /* a whiteout of what its layer has, or a second one */
	LP_FOUND_EXISTS_BASE, /* the same in the base */
	LP_FOUND_PARENT,      /* its layer has something that is no directory where its parent is to be */
	LP_FOUND_PARENT_BASE, /* the base has a whiteout there */
	LP_FOUND_PARENT_LINK, /* its parent is a link of its layer to what the layer does not have */
	LP_FOUND_IGNORED,     /* a whiteout below what is no directory in its layer: left out */
	LP_FOUND_OPAQUE_FILE, /* an opaque mark there */
	LP_FOUND_OPAQUE_ROOT, /* an opaque mark at the root */
	LP_FOUND_TYPE,        /* a kind of member that runtimes do not know */
	LP_FOUND_ROOT,        /* the root, but no directory: left out */
	LP_FOUND_ROOT_BUSY,   /* the same by a name that Docker and podman take for their own */
	LP_FOUND_ROOT_MODE,   /* the root with attributes that no container sees */
	LP_FOUND_XATTR_NAME,  /* an extended attribute without a name */
	LP_FOUND_XATTR_USER,  /* one of users' on what cannot have them */
	LP_FOUND_XATTR_TRUSTED,
	LP_FOUND_XATTR_OVERLAY, /* one that overlayfs itself obeys, and hides */
	LP_FOUND_XATTR_SYSTEM,
	LP_FOUND_TIME,        /* before 1970, or after 2262 */
	LP_FOUND_SETUID,      /* a hard link's header takes set-ID bits off its file */
	LP_FOUND_HEADER,      /* or changes its mode or owner otherwise */

	/* ---- of layers over each other ---- */
	LP_FOUND_REMADE,      /* a directory, and a whiteout of it: runtimes lose the whiteout */
	LP_FOUND_LINK_LOST,   /* a lower link that gives way to a parent */
	LP_FOUND_LINK_DIR,    /* or to a directory with a row of its own */
	LP_FOUND_LOWER_FILE,  /* a parent that is to be made below a lower file */
	LP_FOUND_LOWER_LOOP,  /* or over a lower link that leads nowhere, in a circle */
	LP_FOUND_PARENT_MODE, /* a parent without a row, which is as the lower one in containerd alone */
	LP_FOUND_PARENT_SETGID, /* or below a set-group-ID directory of its layer */
	LP_FOUND_NO_PARENT,   /* or that no layer has a row for */

	/* ---- of a layer ---- */
	LP_FOUND_UNCHECKED,   /* a preview */
	LP_FOUND_UNKNOWN,     /* of which it is not known whether it is one */
	LP_FOUND_BLOB,        /* not the bytes that the manifest says */
	LP_FOUND_COMPRESSION, /* bytes that cannot be decompressed */
	LP_FOUND_CUT,         /* that end too early */
	LP_FOUND_NOT_TAR,     /* that are no tar */
	LP_FOUND_MEDIA_TYPE,  /* a media type that containerd does not know */
	LP_FOUND_FOREIGN,     /* or that is of something else than a layer */
	LP_FOUND_HISTORY,     /* of the image: the history is not of as many layers */
	LP_FOUND_DIFF_IDS,    /* nor are the diff_ids */
	LP_FINDINGS
};

enum { LP_IN_CONTAINERD = 1, LP_IN_DOCKER = 2, LP_IN_PODMAN = 4, LP_IN_ALL = 7 };

/* A note may be true of any good image; a warning is worth a look; an error ends with exit 4. */
enum lp_severity { LP_CHECK_NOTE, LP_CHECK_WARNING, LP_CHECK_ERROR };

struct lp_finding_kind {
	const char *code;  /* stable */
	enum lp_severity severity;
	unsigned refused;  /* by whom: LP_IN_* */
	unsigned differs;  /* in whom what is seen is not what a listing shows, if it does not refuse */
	const char *text;  /* one sentence, without its full stop */
	const char *where; /* it is documented */
};

/* Of LP_FOUND_NOTHING: the code is "". */
const struct lp_finding_kind *lp_finding_kind(enum lp_finding);
/* By its code; LP_FOUND_NOTHING if there is none of that. */
enum lp_finding lp_finding_of(struct lp_span code);

struct lp_check_finding {
	enum lp_finding what;
	struct lp_span layer;  /* its label; empty for the whole image */
	struct lp_span name;   /* the path, or the name as the row has it; empty for the whole layer */
	struct lp_span detail; /* more than the sentence says, or empty */
};

/* Some of LP_IN_*, with commas. */
const char *lp_check_runtimes(unsigned in);

/* The names of the fields. LP_OK, LP_E_NOMEM. */
int lp_check_header(struct lp_buf *);
/* One line, or object. As lp_record_end. */
int lp_check_write(struct lp_record *, const struct lp_check_finding *);

#endif
