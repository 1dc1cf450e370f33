/*
 * Which package managers are known, and where in a root file system each of
 * them keeps what is installed. What reads a kind is in a file of its own.
 */
#ifndef LP_PKG_PKGPLACE_H
#define LP_PKG_PKGPLACE_H

#include <stddef.h>

#include "common/base/span.h"

enum lp_pkg_kind { LP_PKG_DEB, LP_PKG_APK, LP_PKG_RPM, LP_PKG_PYPI, LP_PKG_NPM };

/* "deb", "apk", "rpm", "pypi" or "npm". */
const char *lp_pkg_kind_name(enum lp_pkg_kind);

/*
 * What a path, in normal form, is a database of: its kind, or -1. A path of
 * LP_PKG_NPM is that of one package in a node_modules.
 */
int lp_pkg_kind_of(struct lp_span path);

/*
 * Patterns (base/glob.h) of all paths that are databases, or are not read, and
 * of some that are neither: who has only names asks for these, and then
 * lp_pkg_kind_of. NULL behind the last one.
 */
extern const char *const lp_pkg_patterns[];

/* Why a path that is a database is not read (static), or NULL. */
const char *lp_pkg_unread(struct lp_span path);

#endif
