/* The table of all findings, and a finding as a line. */
#include "common/merge/check.h"

#include "common/base/status.h"

#define SPEC_WHITEOUTS "image-spec layer.md, Whiteouts"
#define SPEC_DESCRIPTOR "image-spec descriptor.md, Properties"
#define OWN "layer-peek(7), CHECKS"

static const struct lp_finding_kind kinds[LP_FINDINGS] = {
	[LP_FOUND_NOTHING] = { .code = "" },
	[LP_FOUND_TWICE] = { "path-twice", LP_CHECK_ERROR, LP_IN_DOCKER | LP_IN_PODMAN, 0,
	    "the layer has a member of this name before; the last one counts", OWN },
	[LP_FOUND_TARGET] = { "hardlink-target", LP_CHECK_ERROR, LP_IN_ALL, 0,
	    "its layer does not have the hard link's target before it", OWN },
	[LP_FOUND_PLACE] = { "path-endless", LP_CHECK_ERROR, LP_IN_ALL, 0,
	    "too many symbolic links, or a path above 4095 bytes: left out", OWN },
	[LP_FOUND_NAME] = { "whiteout-name", LP_CHECK_ERROR, LP_IN_ALL, 0, "a whiteout of nothing", SPEC_WHITEOUTS },
	[LP_FOUND_EXISTS] = { "whiteout-exists", LP_CHECK_ERROR, LP_IN_ALL, 0,
	    "a whiteout of what its own layer has", SPEC_WHITEOUTS },
	[LP_FOUND_EXISTS_BASE] = { "whiteout-base", LP_CHECK_ERROR, LP_IN_DOCKER | LP_IN_PODMAN, LP_IN_CONTAINERD,
	    "a whiteout of what the base layer itself has: containerd removes it", SPEC_WHITEOUTS },
	[LP_FOUND_PARENT] = { "parent-file", LP_CHECK_ERROR, LP_IN_ALL, 0,
	    "a parent of it is no directory in its layer", OWN },
	[LP_FOUND_PARENT_BASE] = { "parent-whiteout", LP_CHECK_ERROR, LP_IN_DOCKER | LP_IN_PODMAN, 0,
	    "the base layer has a whiteout of its parent", OWN },
	[LP_FOUND_PARENT_LINK] = { "parent-link", LP_CHECK_ERROR, LP_IN_DOCKER | LP_IN_PODMAN, 0,
	    "its parent is a symbolic link of its layer to a directory that the layer does not have; containerd makes that", OWN },
	[LP_FOUND_IGNORED] = { "whiteout-below-file", LP_CHECK_ERROR, LP_IN_CONTAINERD | LP_IN_DOCKER, 0,
	    "a whiteout below what is no directory in its layer: left out, as in podman", SPEC_WHITEOUTS },
	[LP_FOUND_OPAQUE_FILE] = { "opaque-below-file", LP_CHECK_ERROR, LP_IN_CONTAINERD, 0,
	    "an opaque mark below what is no directory in its layer: left out, as in Docker and podman", SPEC_WHITEOUTS },
	[LP_FOUND_OPAQUE_ROOT] = { "opaque-root", LP_CHECK_WARNING, 0, 0,
	    "an opaque mark at the root hides nothing, in no runtime", SPEC_WHITEOUTS },
	[LP_FOUND_TYPE] = { "member-type", LP_CHECK_ERROR, LP_IN_ALL, 0, "a kind of member that no runtime knows", OWN },
	[LP_FOUND_ROOT] = { "root-file", LP_CHECK_WARNING, 0, 0, "the root is a directory whatever a layer says", OWN },
	[LP_FOUND_ROOT_BUSY] = { "root-replaced", LP_CHECK_ERROR, LP_IN_DOCKER | LP_IN_PODMAN, 0,
	    "the root is a directory whatever a layer says", OWN },
	[LP_FOUND_ROOT_MODE] = { "root-attributes", LP_CHECK_NOTE, 0, LP_IN_ALL,
	    "the root's mode and owner are not those that the layer says: 0755 root, or podman's", OWN },
	[LP_FOUND_XATTR_NAME] = { "xattr-name", LP_CHECK_ERROR, LP_IN_ALL, 0, "an extended attribute without a name", OWN },
	[LP_FOUND_XATTR_USER] = { "xattr-user", LP_CHECK_ERROR, LP_IN_PODMAN, LP_IN_CONTAINERD | LP_IN_DOCKER,
	    "only files and directories have extended attributes of users: the others leave it out", OWN },
	[LP_FOUND_XATTR_TRUSTED] = { "xattr-trusted", LP_CHECK_WARNING, 0, LP_IN_CONTAINERD,
	    "containerd sets no trusted extended attribute", OWN },
	[LP_FOUND_XATTR_OVERLAY] = { "xattr-overlay", LP_CHECK_WARNING, 0, LP_IN_ALL,
	    "an attribute of overlayfs: it is not seen, and in Docker and podman a directory with it may hide those below", OWN },
	[LP_FOUND_XATTR_SYSTEM] = { "xattr-system", LP_CHECK_WARNING, 0, LP_IN_ALL,
	    "an extended attribute that file systems do not take: left out", OWN },
	[LP_FOUND_TIME] = { "time", LP_CHECK_WARNING, 0, LP_IN_ALL,
	    "a time before 1970 or after 2262: it is 1970", OWN },
	[LP_FOUND_SETUID] = { "setuid-lost", LP_CHECK_WARNING, 0, 0,
	    "the header of this hard link takes the set-user-ID or set-group-ID bit off its file", OWN },
	[LP_FOUND_HEADER] = { "hardlink-header", LP_CHECK_WARNING, 0, 0,
	    "the header of this hard link sets another mode or owner of its file", OWN },
	[LP_FOUND_REMADE] = { "whiteout-remade", LP_CHECK_WARNING, 0, LP_IN_ALL,
	    "a whiteout of it is in the same layer: runtimes show what lower layers have in it", SPEC_WHITEOUTS },
	[LP_FOUND_LINK_LOST] = { "link-lost", LP_CHECK_ERROR, 0, 0,
	    "a member below it makes a lower layer's symbolic link a directory: what it led to is not there any more", OWN },
	[LP_FOUND_LINK_DIR] = { "link-replaced", LP_CHECK_NOTE, 0, 0,
	    "a directory takes the place of a lower layer's symbolic link: what it led to is not there any more", OWN },
	[LP_FOUND_LOWER_FILE] = { "parent-lower-file", LP_CHECK_ERROR, LP_IN_CONTAINERD, 0,
	    "the layer has no member for this directory, and a parent of it is a file in a lower layer", OWN },
	[LP_FOUND_LOWER_LOOP] = { "parent-lower-loop", LP_CHECK_ERROR, LP_IN_CONTAINERD, 0,
	    "the layer has no member for this directory, and in a lower layer it is a link in a circle", OWN },
	[LP_FOUND_PARENT_MODE] = { "parent-attributes", LP_CHECK_WARNING, 0, LP_IN_DOCKER | LP_IN_PODMAN,
	    "the layer has no member for this directory: containerd keeps the lower one's attributes, the others make it 0755 root", OWN },
	[LP_FOUND_PARENT_SETGID] = { "parent-setgid", LP_CHECK_WARNING, 0, LP_IN_ALL,
	    "no layer has a member for this directory, below a set-group-ID one: its group or the bit come from that", OWN },
	[LP_FOUND_NO_PARENT] = { "parent-missing", LP_CHECK_NOTE, 0, 0,
	    "no layer has a member for this directory: it is 0755 root, and its time is that of the unpacking", OWN },
	[LP_FOUND_UNCHECKED] = { "unchecked", LP_CHECK_NOTE, 0, 0, "a preview: nothing behind it was checked", OWN },
	[LP_FOUND_UNKNOWN] = { "unchecked-maybe", LP_CHECK_NOTE, 0, 0,
	    "a listing without an end record: what may be missing was not checked", OWN },
	[LP_FOUND_BLOB] = { "blob-mismatch", LP_CHECK_ERROR, LP_IN_ALL, 0,
	    "the blob is not what its descriptor says", SPEC_DESCRIPTOR },
	[LP_FOUND_COMPRESSION] = { "compression", LP_CHECK_ERROR, LP_IN_ALL, 0, "the blob cannot be decompressed", OWN },
	[LP_FOUND_CUT] = { "cut-off", LP_CHECK_ERROR, LP_IN_ALL, 0, "the blob ends early, or its trailer is missing", OWN },
	[LP_FOUND_NOT_TAR] = { "not-tar", LP_CHECK_ERROR, LP_IN_ALL, LP_IN_ALL,
	    "the layer is no tar: it is refused, or taken for an empty one", OWN },
	[LP_FOUND_MEDIA_TYPE] = { "media-type", LP_CHECK_ERROR, LP_IN_CONTAINERD, 0,
	    "containerd knows no layers of this media type", "image-spec media-types.md" },
	[LP_FOUND_FOREIGN] = { "media-type-foreign", LP_CHECK_ERROR, 0, LP_IN_ALL,
	    "the media type is of something that is no layer: its bytes were not read", "image-spec media-types.md" },
	[LP_FOUND_HISTORY] = { "history", LP_CHECK_WARNING, 0, 0,
	    "the configuration's history is not of as many layers as the manifest has", "image-spec config.md, history" },
	[LP_FOUND_DIFF_IDS] = { "diff-ids", LP_CHECK_ERROR, LP_IN_CONTAINERD | LP_IN_DOCKER, 0,
	    "the configuration has not as many diff_ids as the manifest has layers", "image-spec config.md, rootfs" },
};

const struct lp_finding_kind *
lp_finding_kind(enum lp_finding what)
{
	return &kinds[what];
}

enum lp_finding
lp_finding_of(struct lp_span code)
{
	for (size_t i = 1; i < LP_FINDINGS; i++)
		if (lp_span_is(code, kinds[i].code))
			return (enum lp_finding)i;
	return LP_FOUND_NOTHING;
}

/* ---- lines ---------------------------------------------------------------------- */

const char *
lp_check_runtimes(unsigned in)
{
	static const char *const names[] = { "", "containerd", "docker", "containerd,docker", "podman", "containerd,podman",
		"docker,podman", "containerd,docker,podman" };

	return names[in];
}

int
lp_check_header(struct lp_buf *b)
{
	return lp_buf_adds(b, "severity\tcode\tlayer\tname\trefused_by\tdiffers_in\ttext\tdetail\tsee\n");
}

int
lp_check_write(struct lp_record *r, const struct lp_check_finding *f)
{
	static const char *const severities[] = { "note", "warning", "error" };
	const struct lp_finding_kind *k = lp_finding_kind(f->what);

	lp_record_text(r, "severity", lp_span_str(severities[k->severity]));
	lp_record_text(r, "code", lp_span_str(k->code));
	lp_record_text(r, "layer", f->layer);
	lp_record_text(r, "name", f->name);
	lp_record_text(r, "refused_by", lp_span_str(lp_check_runtimes(k->refused)));
	lp_record_text(r, "differs_in", lp_span_str(lp_check_runtimes(k->differs)));
	lp_record_text(r, "text", lp_span_str(k->text));
	lp_record_text(r, "detail", f->detail);
	lp_record_text(r, "see", lp_span_str(k->where));
	return lp_record_end(r);
}
