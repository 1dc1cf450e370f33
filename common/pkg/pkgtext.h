/*
 * Room pkg: what a package manager's database says is installed, as bytes in,
 * packages out. Databases that are text: dpkg's status, apk's installed, and
 * the metadata of one Python distribution.
 *
 *	struct lp_pkgtext t;
 *	lp_pkgtext_init(&t, LP_PKG_DEB, text);
 *	while ((rc = lp_pkgtext_next(&t)) > 0)
 *		use t.pkg
 *
 * dpkg(1) deb-control(5): stanzas of "Field: value", continued by lines that begin with a blank.
 * APK: "Apk installed database": stanzas of "X:value".
 * Python: Core metadata specifications: the header of a mail.
 */
#ifndef LP_PKG_PKGTEXT_H
#define LP_PKG_PKGTEXT_H

#include "common/base/span.h"
#include "common/pkg/pkgplace.h"

/* Spans are parts of the text. */
struct lp_pkg {
	struct lp_span name, version;
	struct lp_span arch; /* empty: the format has none */
};

struct lp_pkgtext {
	struct lp_pkg pkg; /* of the last call that was 1 */
	const char *why;   /* of LP_E_DATA: static */
	size_t offset;     /* of the line to blame, in bytes of the text */

	/* ---- inside ---- */
	enum lp_pkg_kind kind;
	struct lp_span all, left;
};

/* The text stays the caller's. Allocates nothing. */
void lp_pkgtext_init(struct lp_pkgtext *, enum lp_pkg_kind, struct lp_span text);

/*
 * The next package that is installed, be it not configured yet: 1. 0 behind
 * the last one. LP_E_DATA where a line is none of the format, or a package
 * has no name or no version; what was told before is good.
 */
int lp_pkgtext_next(struct lp_pkgtext *);

#endif
