/* The options every program has, usage errors, --help. */
#include "common/cli/opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Whether it is one of those that add up. */
static int
is_many(const struct lp_opt *o, int c)
{
	for (size_t i = 0; i < sizeof(o->many) / sizeof(o->many[0]) && o->many[i] != 0; i++)
		if (o->many[i] == c)
			return 1;
	return 0;
}

static const struct option *
long_of(const struct option *longs, int value)
{
	while (longs->name != NULL && longs->val != value)
		longs++;
	return longs->name != NULL ? longs : NULL;
}

/* The long options that begin with what stands before the '=' of `word`, as "--a, --b". How many. */
static size_t
candidates(const struct option *longs, const char *word, char *list, size_t room)
{
	const size_t n = strcspn(word + 2, "=");
	size_t found = 0, used = 0;

	for (; longs->name != NULL; longs++) {
		if (strncmp(longs->name, word + 2, n) != 0 || used >= room)
			continue;
		used += (size_t)snprintf(list + used, room - used, "%s--%s", found > 0 ? ", " : "", longs->name);
		found++;
	}
	return found;
}

/* What getopt did not take: '?', or ':' for a missing argument. In optopt: the letter, or the value of a long option, or 0. */
static int
not_understood(int c, const struct option *longs)
{
	const char *word = optind > 0 ? words[optind - 1] : "";
	const int is_long = word[0] == '-' && word[1] == '-';
	const struct option *known = is_long && optopt != 0 ? long_of(longs, optopt) : NULL;
	const char letter[] = { '-', (char)optopt, '\0' };
	const char *self = lp_err_get_name();
	char list[1024];

	if (known != NULL)
		lp_err("--%s %s (see %s --help)", known->name, c == ':' ? "needs an argument" : "takes no argument", self);
	else if (!is_long && c == ':')
		lp_err("%s needs an argument (see %s --help)", lp_quotes(letter), self);
	else if (is_long && candidates(longs, word, list, sizeof(list)) > 1)
		lp_err("'%s' is the beginning of %s", lp_quotes(word), list);
	else
		lp_err("no such option: '%s' (see %s --help)", lp_quotes(is_long ? word : letter), self);
	return LP_EXIT_USAGE;
}

int
lp_opt_next(const struct lp_opt *o, int argc, char **argv, const char *letters, const struct option *longs)
{
	static char seen[LP_OPT_END];
	const struct option *known;
	char told[64]; /* with ':' in front getopt tells a missing argument from an unknown option */
	int c;

	snprintf(told, sizeof(told), ":%s", letters);
	c = getopt_long(argc, argv, told, longs, NULL);
	if (c == '?' || c == ':')
		exit(not_understood(c, longs));
	if (c <= 0 || c >= LP_OPT_END)
		return c;
	known = long_of(longs, c);
	if (known == NULL || known->has_arg == no_argument || is_many(o, c))
		return c;
	if (seen[c])
		exit(lp_opt_refuse("--%s was given twice", known->name));
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
	default: /* lp_opt_next gives what the table has, and a program's own switch has the rest of it */
		abort();
	}
}

int
lp_opt_binary(void)
{
	if (!lp_tty_is(STDOUT_FILENO))
		return LP_EXIT_OK;
	return lp_opt_refuse("the terminal would get what is not text: a pipe or a file is missing (| cat shows it all the same)");
}

int
lp_opt_refuse(const char *fmt, ...)
{
	char text[4096]; /* as long as a message: a name alone may be a quarter of it */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	lp_err("%s", text);
	return LP_EXIT_USAGE;
}

int
lp_opt_bytes(const char *arg, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (lp_num_size(lp_span_str(arg), &v) != LP_OK || v > max)
		return lp_opt_refuse("not a number of bytes (K, M, G are binary): '%s'", lp_quotes(arg));
	*out = v;
	return LP_EXIT_OK;
}
