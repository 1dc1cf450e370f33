/* Preloaded into a program, prints the table of options that it takes, and ends it (test/lint-usage). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `LETTER NAME ARGUMENT` a line: the letter or "-", the long name or "-", and none, one or maybe */
int
getopt_long(int argc, char *const *argv, const char *letters, const struct option *o, int *index)
{
	static const char *const takes[] = { "none", "one", "maybe" };
	char seen[256] = "";

	(void)argc, (void)argv, (void)index;
	for (; o->name != NULL; o++) {
		const char *l = o->val > ' ' && o->val < 127 ? strchr(letters, o->val) : NULL;
		int arg = l == NULL ? o->has_arg : l[1] != ':' ? 0 : l[2] != ':' ? 1 : 2;

		if (l != NULL)
			seen[(unsigned char)*l] = 1;
		/* a letter and its long name that differ in this are two options, which no page can name */
		printf("%c %s %s\n", l != NULL ? *l : '-', o->name, arg == o->has_arg ? takes[arg] : "differs");
	}
	for (const char *l = letters; *l != '\0'; l++)
		if (strchr(":+-", *l) == NULL && !seen[(unsigned char)*l])
			printf("%c - %s\n", *l, l[1] == ':' ? "one" : "none");
	fflush(stdout);
	_Exit(0);
}
