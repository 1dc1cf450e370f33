#include "common/view/lscolors.h"
#include "test/unit/unit.h"

static void
test_colors(void)
{
	static const struct {
		const char *colors;
		enum lp_type type;
		uint32_t mode;
		const char *name, *want;
	} t[] = {
		{ "", LP_DIR, 0755, "etc", "01;34" },
		{ "", LP_DIR, 01777, "tmp", "30;42" },
		{ "", LP_DIR, 0777, "w", "34;42" },
		{ "", LP_DIR, 01755, "s", "37;44" },
		{ "", LP_REG, 0644, "a.tar", "" },
		{ "", LP_REG, 0755, "sh", "01;32" },
		{ "", LP_REG, 04755, "su", "37;41" },
		{ "", LP_REG, 02755, "wall", "30;43" },
		{ "", LP_HARDLINK, 04755, "su", "37;41" },
		{ "", LP_SYMLINK, 0777, "l", "01;36" },
		{ "", LP_FIFO, 0644, "p", "33" },
		{ "", LP_CHAR, 0644, "c", "01;33" },
		{ "", LP_BLOCK, 0644, "b", "01;33" },
		{ "*.tar=01;31", LP_REG, 0644, "a.tar", "01;31" },
		{ "*.tar=01;31", LP_REG, 0644, "tar", "" },
		{ "*.tar=01;31", LP_REG, 0755, "a.tar", "01;32" },
		{ "*.gz=1:*.tar.gz=2", LP_REG, 0644, "a.tar.gz", "2" },
		{ "*.gz=1:*.gz=2", LP_REG, 0644, "a.gz", "2" },
		{ "*README=4", LP_REG, 0644, "README", "4" },
		{ "fi=35", LP_REG, 0644, "plain", "35" },
		{ "di=0", LP_DIR, 0755, "etc", "" },
		{ "su=00:sg=0", LP_REG, 06755, "x", "01;32" },
		{ "tw=0", LP_DIR, 01777, "tmp", "34;42" },
		{ "tw=0:ow=0", LP_DIR, 01777, "tmp", "37;44" },
		{ "tw=0:ow=0:st=0", LP_DIR, 01777, "tmp", "01;34" },
		{ "ln=target", LP_SYMLINK, 0777, "l", "01;36" },
		{ "di=01;34m\033[2J", LP_DIR, 0755, "etc", "01;34" },
		{ "di=38;5;33:", LP_DIR, 0755, "etc", "38;5;33" },
		{ "=:di:=5::*=7", LP_REG, 0644, "x", "7" },
	};
	static struct lp_lscolors c;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_entry e = { .type = t[i].type, .mode = t[i].mode, .name = lp_span_str(t[i].name) };

		lp_lscolors_init(&c, lp_span_str(t[i].colors));
		ok_str(lp_lscolors_of(&c, &e), t[i].want, t[i].name);
	}
}

int
main(void)
{
	test_colors();
	return unit_done();
}
