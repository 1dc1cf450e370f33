/*
 * Any bytes as each database that is text, and as a header of rpm: what is told
 * are parts of them that are not empty, a package is told again behind an
 * empty line, and a failure has its place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/pkg/pkgtext.h"
#include "common/pkg/rpmhdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
is_part(struct lp_span s, struct lp_span all)
{
	must(s.n == 0 || (s.p >= all.p && s.p + s.n <= all.p + all.n));
}

static void
check_text(enum lp_pkg_kind kind, struct lp_span all)
{
	struct lp_pkgtext t, again;
	struct lp_buf b;
	int rc;

	lp_buf_init(&b, SIZE_MAX / 2);
	must(lp_buf_adds(&b, "\n") == LP_OK && lp_buf_add(&b, all) == LP_OK);
	lp_pkgtext_init(&t, kind, all);
	lp_pkgtext_init(&again, kind, lp_buf_span(&b));
	while ((rc = lp_pkgtext_next(&t)) > 0) {
		must(t.pkg.name.n > 0 && t.pkg.version.n > 0);
		is_part(t.pkg.name, all);
		is_part(t.pkg.version, all);
		is_part(t.pkg.arch, all);
		must(lp_pkgtext_next(&again) == 1 && lp_span_eq(again.pkg.name, t.pkg.name) && lp_span_eq(again.pkg.version, t.pkg.version));
	}
	must(lp_pkgtext_next(&again) == rc && (rc == 0 || (t.why != NULL && t.offset < all.n && again.offset == t.offset + 1)));
	must(lp_pkgtext_next(&t) == 0);
	lp_buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lp_span all = lp_span(data, size);
	struct lp_rpmhdr h;

	check_text(LP_PKG_DEB, all);
	check_text(LP_PKG_APK, all);
	check_text(LP_PKG_PYPI, all);
	(void)lp_pkg_kind_of(all);
	(void)lp_pkg_unread(all);
	if (lp_rpmhdr_read(&h, all) != LP_OK) {
		must(h.why != NULL && h.offset <= size);
		return 0;
	}
	must(h.name.n > 0 && h.version.n > 0 && h.release.n > 0);
	is_part(h.name, all);
	is_part(h.version, all);
	is_part(h.release, all);
	is_part(h.arch, all);
	return 0;
}
