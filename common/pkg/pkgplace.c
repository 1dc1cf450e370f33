/* Where package managers keep what is installed. */
#include "common/pkg/pkgplace.h"

#include <string.h>

#include "common/base/path.h"

const char *const lp_pkg_patterns[] = {
	"var/lib/dpkg/status*", "lib/apk/db/installed", "usr/lib/apk/db/installed", "var/lib/rpm/*", "usr/lib/sysimage/rpm/*",
	"*.dist-info/METADATA", "*.egg-info/PKG-INFO", "*.egg-info", "*node_modules/*/package.json", NULL
};

const char *
lp_pkg_kind_name(enum lp_pkg_kind kind)
{
	static const char *const names[] = { [LP_PKG_DEB] = "deb", [LP_PKG_APK] = "apk", [LP_PKG_RPM] = "rpm",
		[LP_PKG_PYPI] = "pypi", [LP_PKG_NPM] = "npm" };

	return names[kind];
}

/* ".../node_modules/NAME/package.json", NAME perhaps "@SCOPE/NAME". */
static int
is_npm(struct lp_span path)
{
	struct lp_span dir = lp_path_parent(lp_path_parent(path)), scope = lp_path_parent(dir);
	struct lp_span last = { dir.p + scope.n + (scope.n > 0), dir.n - scope.n - (scope.n > 0) };

	if (!lp_span_ends(path, "/package.json"))
		return 0;
	if (last.n > 1 && last.p[0] == '@')
		dir = scope;
	return lp_span_is(dir, "node_modules") || lp_span_ends(dir, "/node_modules");
}

static int
is_dpkg(struct lp_span path)
{
	static const char dir[] = "var/lib/dpkg/status.d/";

	if (lp_span_is(path, "var/lib/dpkg/status"))
		return 1;
	return lp_span_begins(path, dir) && path.n > sizeof(dir) - 1 && !lp_span_ends(path, ".md5sums") &&
	    memchr(path.p + sizeof(dir) - 1, '/', path.n - (sizeof(dir) - 1)) == NULL;
}

int
lp_pkg_kind_of(struct lp_span path)
{
	if (is_dpkg(path))
		return LP_PKG_DEB;
	if (lp_span_is(path, "lib/apk/db/installed") || lp_span_is(path, "usr/lib/apk/db/installed"))
		return LP_PKG_APK;
	if (lp_span_is(path, "var/lib/rpm/rpmdb.sqlite") || lp_span_is(path, "usr/lib/sysimage/rpm/rpmdb.sqlite"))
		return LP_PKG_RPM;
	if (lp_span_ends(path, ".dist-info/METADATA") || lp_span_ends(path, ".egg-info/PKG-INFO") || lp_span_ends(path, ".egg-info"))
		return LP_PKG_PYPI;
	return is_npm(path) ? LP_PKG_NPM : -1;
}

const char *
lp_pkg_unread(struct lp_span path)
{
	static const char *const dirs[] = { "var/lib/rpm/", "usr/lib/sysimage/rpm/" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!lp_span_begins(path, dirs[i]))
			continue;
		lp_span_take(&path, strlen(dirs[i]));
		if (lp_span_is(path, "Packages"))
			return "a Berkeley DB of rpm before 4.16, which is not read";
		if (lp_span_is(path, "Packages.db"))
			return "rpm's database in its own format, which is not read";
		if (lp_span_is(path, "rpmdb.sqlite-wal"))
			return "a journal that is not in the database yet, which is not read";
		return NULL;
	}
	return NULL;
}
