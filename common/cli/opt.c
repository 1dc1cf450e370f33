/* The options every program has, usage errors, --help. */
#include "common/cli/opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/sys/tty.h"

static char **words;

void
lp_opt_start(char **argv, const char *name)
{
	/* getopt's own messages would show a terminal whatever is in argv */
	opterr = 0;
	words = argv;
	lp_err_name(name);
	lp_io_init();
	if (lp_lock_choose() != LP_OK)
		exit(LP_EXIT_USAGE);
}

static void
print_and_exit(const char *a, const char *b, const char *c)
{
	const char *parts[] = { a, b, c };
	int rc = LP_OK;

	for (size_t i = 0; i < 3 && rc == LP_OK; i++)
		rc = lp_put(lp_span_str(parts[i]));
	if (rc == LP_OK)
		rc = lp_close_stdout();
	exit(lp_exit_of(rc));
}

/* optopt: the letter, or the value of a long option that is not used as it should be; 0: a long one nobody knows. */
static int
not_understood(const struct lp_opt *o)
{
	const char *word = optind > 0 ? words[optind - 1] : "";
	const char letter[] = { '-', (char)optopt, '\0' };

	if (word[0] == '-' && word[1] == '-' && optopt == 0)
		return lp_opt_refuse(o, "no such option, or more than one: '%s'", lp_quotes(word));
	if (word[0] == '-' && word[1] == '-')
		return lp_opt_refuse(o, "an argument is missing, or one too many: '%s'", lp_quotes(word));
	return lp_opt_refuse(o, "no such option, or its argument is missing: '%s'", lp_quotes(letter));
}

/* Whether it is one of those that add up. */
static int
is_many(const struct lp_opt *o, int c)
{
	for (size_t i = 0; i < sizeof(o->many) / sizeof(o->many[0]) && o->many[i] != 0; i++)
		if (o->many[i] == c)
			return 1;
	return 0;
}

int
lp_opt_next(const struct lp_opt *o, int argc, char **argv, const char *letters, const struct option *longs)
{
	static char seen[LP_OPT_END];
	int c = getopt_long(argc, argv, letters, longs, NULL);

	if (c <= 0 || c >= LP_OPT_END)
		return c;
	while (longs->name != NULL && longs->val != c)
		longs++;
	if (longs->name == NULL || longs->has_arg == no_argument || is_many(o, c))
		return c;
	if (seen[c])
		exit(lp_opt_refuse(o, "--%s was given twice", longs->name));
	seen[c] = 1;
	return c;
}

void
lp_opt_common(struct lp_opt *o, int opt)
{
	switch (opt) {
	case 'h':
		print_and_exit(o->usage, "\n", o->help);
		break;
	case 'V':
		print_and_exit(lp_err_get_name(), " (layer peek) " LP_VERSION "\nlocks: ",
		    lp_lock_names());
		break;
	case 'q':
		lp_err_quiet();
		break;
	case 'v':
		lp_err_verbose();
		break;
	case LP_OPT_STATS:
		o->stats = optarg;
		break;
	default:
		exit(not_understood(o));
	}
}

int
lp_opt_binary(const struct lp_opt *o)
{
	if (!lp_tty_is(STDOUT_FILENO))
		return LP_EXIT_OK;
	return lp_opt_refuse(o, "the terminal would get what is not text: a pipe or a file is missing (| cat shows it all the same)");
}

int
lp_opt_refuse(const struct lp_opt *o, const char *fmt, ...)
{
	char text[4096]; /* as long as a message: a name alone may be a quarter of it */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lp_err("%s", text);
	(void)lp_write_all(2, lp_span_str(o->usage));
	return LP_EXIT_USAGE;
}

int
lp_opt_bytes(const struct lp_opt *o, const char *arg, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (lp_num_size(lp_span_str(arg), &v) != LP_OK || v > max)
		return lp_opt_refuse(o, "not a number of bytes (K, M, G are binary): '%s'", lp_quotes(arg));
	*out = v;
	return LP_EXIT_OK;
}
