/*
 * Platforms: os/architecture/variant, as indexes tell their manifests apart,
 * and which of them runs on which machine (containerd's `platforms`
 * package, platforms.Only).
 */
#ifndef LP_OCI_PLATFORM_H
#define LP_OCI_PLATFORM_H

#include "common/base/buf.h"
#include "common/base/span.h"

enum { LP_PLATFORM_MAX = 63 }; /* characters of each part */

/* Normalised: x86_64 is amd64, aarch64 arm64, armhf arm/v7, ... "" for a variant that goes without saying. */
struct lp_platform {
	char os[LP_PLATFORM_MAX + 1];
	char arch[LP_PLATFORM_MAX + 1];
	char variant[LP_PLATFORM_MAX + 1];
};

/*
 * OS/ARCH[/VARIANT], as a user types it; ARCH alone means linux. LP_OK, or
 * LP_E_USAGE: empty, too long, or not letters, digits, '.', '_' and '-'.
 */
int lp_platform_parse(struct lp_span, struct lp_platform *);

/* From the parts that a document gives, normalised. LP_OK, or LP_E_DATA as above. */
int lp_platform_set(struct lp_platform *, struct lp_span os, struct lp_span arch, struct lp_span variant);

/* What `uname -m` says, as a linux platform. LP_OK, or LP_E_DATA as above. */
int lp_platform_machine(const char *machine, struct lp_platform *);

/*
 * How well `got` serves someone who wants `want`: 0 for just what was
 * wanted, more for what runs there as well (an older arm, an older amd64, 386
 * on amd64), -1 for what does not.
 */
int lp_platform_rank(const struct lp_platform *want, const struct lp_platform *got);

/* Append os/arch[/variant]. LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_platform_put(const struct lp_platform *, struct lp_buf *);

#endif
