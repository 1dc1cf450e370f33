/* Matches paths in normal form against shell patterns, by fnmatch(3). */
#include "common/base/glob.h"

#include <fnmatch.h>
#include <string.h>

#include "common/base/path.h"
#include "common/base/status.h"

void
lp_glob_trim(char *pattern)
{
	size_t n = strlen(pattern);

	while (n > 1 && pattern[n - 1] == '/')
		pattern[--n] = '\0';
}

int
lp_glob_any(const char *const *patterns, size_t n, int any_case, struct lp_span name, struct lp_buf *scratch)
{
	const char *text;

	lp_buf_clear(scratch);
	if (lp_path_join(scratch, name) != LP_OK || (text = lp_buf_cstr(scratch)) == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *p = patterns[i];

		while (*p == '/' || (*p == '.' && (p[1] == '/' || p[1] == '\0')))
			p++;
		if (fnmatch(p, text, any_case ? FNM_CASEFOLD : 0) == 0)
			return 1;
	}
	return 0;
}
