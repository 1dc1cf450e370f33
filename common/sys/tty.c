/* Terminal size and colour settings. */
#include "common/sys/tty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/status.h"

int
lp_color_parse(struct lp_span s, enum lp_color *out)
{
	static const char *const names[] = {
		[LP_COLOR_AUTO] = "auto", [LP_COLOR_ALWAYS] = "always", [LP_COLOR_NEVER] = "never"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (lp_span_is(s, names[i])) {
			*out = (enum lp_color)i;
			return LP_OK;
		}
	}
	return LP_E_USAGE;
}

int
lp_tty_is(int fd)
{
	return isatty(fd) == 1;
}

void
lp_tty_size(int fd, unsigned *columns, unsigned *rows)
{
	struct winsize w = { 0 };

	*columns = 80;
	*rows = 24;
	if (ioctl(fd, TIOCGWINSZ, &w) != 0)
		return;
	if (w.ws_col > 0)
		*columns = w.ws_col;
	if (w.ws_row > 0)
		*rows = w.ws_row;
}

static const char *
env(const char *name)
{
	const char *s = getenv(name);

	return s != NULL ? s : "";
}

int
lp_tty_color(enum lp_color when, int fd)
{
	if (when != LP_COLOR_AUTO)
		return when == LP_COLOR_ALWAYS;
	return lp_tty_is(fd) && *env("NO_COLOR") == '\0' && strcmp(env("TERM"), "dumb") != 0;
}

int
lp_tty_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (*env(names[i]) != '\0')
			return strcasestr(env(names[i]), "utf-8") != NULL ||
			    strcasestr(env(names[i]), "utf8") != NULL;
	return 0;
}
