/*
 * What every program's command line has: -h, -V, -q, -v, --stats, one
 * usage text, one way to refuse.
 *
 * A program keeps two texts: `usage`, the SYNOPSIS of its man page (a test
 * compares them), and `help`, one line for each option.
 */
#ifndef LP_CLI_OPT_H
#define LP_CLI_OPT_H

#include <getopt.h>
#include <stdint.h>

/* Long options without a letter are numbered from here, a program's own from LP_OPT_OWN. */
enum { LP_OPT_STATS = 256, LP_OPT_OWN = 300, LP_OPT_END = 512 };

#define LP_OPT_SHORT "hVqv"
#define LP_OPT_LONG                                            \
	{ "help", no_argument, NULL, 'h' },                    \
	{ "version", no_argument, NULL, 'V' },                 \
	{ "quiet", no_argument, NULL, 'q' },                   \
	{ "verbose", no_argument, NULL, 'v' },                 \
	{ "stats", required_argument, NULL, LP_OPT_STATS }

#define LP_OPT_HELP                                                          \
	"  -q, --quiet              no notes\n"                             \
	"  -v, --verbose            details on stderr\n"                    \
	"      --stats=FILE         append one JSON line of statistics\n"   \
	"  -h, --help               this text\n"                            \
	"  -V, --version            version, and the locks that there are\n"

struct lp_opt {
	const char *usage;
	const char *help;
	const char *stats; /* the file named by --stats, or NULL */
	int many[4];       /* options with an argument that may be given more than once, by their values; 0 behind them */
};

/*
 * First thing in main: names the program in messages (getopt's are made
 * here, fit for a terminal), prepares the descriptors (lp_io_init) and reads
 * LP_SANDBOX; a value that it does not have ends the program (2).
 */
void lp_opt_start(char **argv, const char *name);

/*
 * getopt_long for a program's options: the next one, or -1. What is no
 * option ends the program (2, after a message), and so does an argument that
 * is given twice, of which the last would count and the first would be lost,
 * but for those of `many`.
 */
int lp_opt_next(const struct lp_opt *, int argc, char **argv, const char *letters, const struct option *);

/* An option of LP_OPT_LONG. Ends the program for -h and -V: 0, or 3 if stdout cannot take the text. */
void lp_opt_common(struct lp_opt *, int opt);

/* The command line makes no sense: the message. Returns 2. */
int lp_opt_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An argument that is a number of bytes (K, M and G are binary), at most `max`. 0, or refused: 2. */
int lp_opt_bytes(const char *arg, uint64_t max, uint64_t *out);

/* Bytes from outside, not text, are no output for a terminal: 0, or as lp_opt_refuse if it would get them. */
int lp_opt_binary(void);

#endif
