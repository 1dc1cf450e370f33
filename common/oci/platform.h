/*
 * Platforms: os/architecture/variant, and the version and features of the os,
 * as indexes tell their manifests apart, and which of them runs on which
 * machine (containerd's `platforms` package, platforms.Only; for Windows its
 * windowsVersionMatcher).
 */
#ifndef LP_OCI_PLATFORM_H
#define LP_OCI_PLATFORM_H

#include "common/base/buf.h"
#include "common/base/span.h"

enum {
	LP_PLATFORM_MAX = 63,       /* characters of each part */
	LP_PLATFORM_FEATURES = 255, /* of all features */
	LP_PLATFORM_TEXT = 4 * LP_PLATFORM_MAX + LP_PLATFORM_FEATURES + 8 /* bytes of all, as lp_platform_put_all writes them */
};

/* Normalised: x86_64 is amd64, aarch64 arm64, armhf arm/v7, ... "" for a variant that goes without saying. */
struct lp_platform {
	char os[LP_PLATFORM_MAX + 1];
	char arch[LP_PLATFORM_MAX + 1];
	char variant[LP_PLATFORM_MAX + 1];
	char version[LP_PLATFORM_MAX + 1];       /* os.version, as it is written; "" if it is not known */
	char features[LP_PLATFORM_FEATURES + 1]; /* os.features, a '+' in front of each, in their order: "+win32k" */
};

/*
 * OS/ARCH[/VARIANT], as a user types it; ARCH alone means linux. A version
 * and features are in parentheses behind OS, as containerd has it
 * (windows(10.0.17763+win32k)/amd64), or a version behind a colon at the end,
 * as crane has it (windows/amd64:10.0.17763). LP_OK, or LP_E_USAGE: empty, too
 * long, or not letters, digits, '.', '_' and '-'.
 */
int lp_platform_parse(struct lp_span, struct lp_platform *);

/* From the parts that a document gives, normalised; no version and no features. LP_OK, or LP_E_DATA as above. */
int lp_platform_set(struct lp_platform *, struct lp_span os, struct lp_span arch, struct lp_span variant);

/* LP_OK; LP_E_DATA as above, and it has no version, or not that feature. */
int lp_platform_set_version(struct lp_platform *, struct lp_span);
int lp_platform_add_feature(struct lp_platform *, struct lp_span);

/* What `uname -m` says, as a linux platform. LP_OK, or LP_E_DATA as above. */
int lp_platform_machine(const char *machine, struct lp_platform *);

/*
 * How well `got` serves someone who wants `want`: 0 for just what was
 * wanted, more for what runs there as well (an older arm, an older amd64, 386
 * on amd64; a Windows that a host of the wanted version runs; fewer features
 * than were asked for), -1 for what does not. At most LP_PLATFORM_RANK.
 */
enum { LP_PLATFORM_RANK = 999 };
int lp_platform_rank(const struct lp_platform *want, const struct lp_platform *got);

/*
 * Of two that are Windows: below 0 where the first is of a newer version,
 * above 0 where the second is. 0 for all others.
 */
int lp_platform_newer(const struct lp_platform *, const struct lp_platform *);

/* Append os/arch[/variant]; or the version and features as well, which lp_platform_parse reads. LP_OK, LP_E_LIMIT or LP_E_NOMEM. */
int lp_platform_put(const struct lp_platform *, struct lp_buf *);
int lp_platform_put_all(const struct lp_platform *, struct lp_buf *);

#endif
