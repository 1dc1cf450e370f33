/*
 * What a user calls an image or a blob: registry references as docker,
 * podman and crane take them, and the other forms of an IMAGE (lp-layers)
 * and of a SOURCE (lp-fetch).
 *
 *   [docker://][HOST[:PORT]/]REPO[:TAG][@sha256:HEX]   (or sha384, sha512)
 *   oci:DIR[:TAG]   oci:DIR@sha256:HEX
 *   ocidir://DIR[:TAG]   oci-layout://DIR[:TAG]   the same, as regclient and buildx write it
 *   oci://HOST/REPO[:TAG]    a registry's, as Helm and Flux write it
 *   dir:DIR   dir:DIR@sha256:HEX
 *   oci-archive:FILE[:TAG]   oci-archive:FILE@sha256:HEX
 *   docker-archive:FILE[:NAME]
 *   http://... https://...   PATH   file:PATH   PATH#OFFSET+LENGTH   -
 *
 * The grammar of names is that of github.com/distribution/reference; so is
 * the rule that the first component is a host if it has a '.' or a ':', is
 * `localhost`, or has an upper-case letter, and that Docker Hub's names are
 * completed (alpine: docker.io/library/alpine).
 *
 * The struct holds copies, NUL-terminated: it needs no release and outlives
 * the text it was parsed from.
 */
#ifndef LP_OCI_REFERENCE_H
#define LP_OCI_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/span.h"

enum {
	LP_REF_HOST_MAX = 255, /* characters, the port included */
	LP_REF_REPO_MAX = 255, /* characters of HOST/REPO, as distribution bounds it */
	LP_REF_TAG_MAX = 128,  /* characters of a tag */
	LP_REF_NAME_MAX = 1023, /* of a layout's ref.name or an archive's NAME */
	LP_REF_PATH_MAX = 4095, /* bytes of a path, or of a URL */
	/* the longest text that lp_reference_put writes */
	LP_REF_TEXT_MAX = LP_REF_PATH_MAX + LP_REF_NAME_MAX + 128
};

enum lp_reference_kind {
	LP_REF_REGISTRY, /* host, repo, and tag or digest or both */
	LP_REF_OCI,      /* path, and name or digest or neither */
	LP_REF_DIR,      /* path, perhaps digest: manifest.json and blobs by their digits, as skopeo's dir: has them */
	LP_REF_OCI_ARCHIVE, /* the same as LP_REF_OCI, of a layout in a tar */
	LP_REF_ARCHIVE,  /* path, perhaps name */
	LP_REF_URL,      /* path holds the URL, which begins with http:// or https:// */
	LP_REF_FILE,     /* path, perhaps offset and length */
	LP_REF_STDIN
};

enum { LP_REF_SHORT = 1, LP_REF_SHORT_LIBRARY };

struct lp_reference {
	enum lp_reference_kind kind;
	char host[LP_REF_HOST_MAX + 1];  /* as names have it: docker.io, never registry-1.docker.io */
	char repo[LP_REF_REPO_MAX + 1];  /* library/alpine */
	char name[LP_REF_NAME_MAX + 1];  /* a tag; of OCI and the ARCHIVEs the name asked for; "" for none */
	char digest[LP_DIGEST_SIZE];     /* "" for none */
	char path[LP_REF_PATH_MAX + 1];
	int short_name;  /* REGISTRY: no host was written, and LP_REF_SHORT_LIBRARY: nor the `library/` */
	int plain_http;  /* REGISTRY: the caller, who sets it, asks by --plain-http */
	int has_range;   /* FILE: #OFFSET+LENGTH was given */
	uint64_t offset; /* bytes */
	uint64_t length; /* bytes; offset + length does not overflow */
};

struct lp_reference_error {
	size_t offset;   /* bytes from the start of the text */
	const char *why; /* static */
};

/*
 * An IMAGE as lp-layers takes it: registry, oci:, dir:, oci-archive: or docker-archive:. A
 * registry reference with neither tag nor digest gets the tag `latest`.
 * LP_OK, or LP_E_USAGE with *error filled (the struct is then unspecified).
 */
int lp_reference_image(struct lp_span, struct lp_reference *, struct lp_reference_error *error);

/*
 * A SOURCE as lp-fetch takes it: everything but archives. A blob's
 * registry reference needs a digest and has no tag; an oci: or dir: one needs a
 * digest. What begins with `/`, `./` or `../` is a path whatever it looks
 * like; else what has an `@` is a registry reference; else what has a `/`
 * is a path. Results as lp_reference_image.
 */
int lp_reference_source(struct lp_span, struct lp_reference *, struct lp_reference_error *error);

/*
 * The full text again, appended: docker.io/library/alpine:latest, without
 * docker://. A path is written so that lp_reference_source takes it for
 * one (./x for x). LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_reference_put(const struct lp_reference *, struct lp_buf *);

/*
 * Who answers for what is read by that reference, appended: HOST/REPO of a
 * registry, http://HOST/REPO if it is asked in plain and not on this machine
 * (anybody on the way may answer then), a URL without credentials, query and fragment, or KIND:PATH of
 * what is local (the caller makes the path absolute). What is not checked
 * against a digest is cached under its origin and served for no other one
 * (layer-peek(7), "TRUST"). LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_reference_origin(const struct lp_reference *, struct lp_buf *);

/* The host that serves a registry's API: docker.io's is registry-1.docker.io, others are their own. */
const char *lp_host_endpoint(const char *host);

/*
 * Whether a host (perhaps with a port) is this machine by its name alone:
 * localhost and what is below it (RFC 6761), 127.0.0.0/8, [::1]. Such
 * registries may speak plain HTTP.
 */
int lp_host_is_loopback(struct lp_span host);

/*
 * A name, whether it can be read or not, as messages show it: escaped for a
 * terminal and cut to n bytes, without user and password, and of a URL without
 * query and fragment.
 */
void lp_reference_show(const char *name, char *out, size_t n);

#endif
