/* Where a user's things are kept from one run to the next (XDG Base Directory Specification). */
#ifndef LP_SYS_HOME_H
#define LP_SYS_HOME_H

/* What the variable names; an empty one names nothing: NULL. */
const char *lp_home_named(const char *variable);

/*
 * Where nothing is named: the database of listings and the store, paths below
 * $XDG_CACHE_HOME or ~/.cache. NULL without a home; a relative one is none.
 * Owned by the caller.
 */
char *lp_home_listings(void);
char *lp_home_store(void);

/* All directories that lead to a file, mode 0700 as the specification asks. What fails is said by who opens it. */
void lp_home_make_parents(char *file);

/*
 * The directory of a file, open, made if need be and `make`: the descriptor,
 * or -1 with errno. *dir is its path, owned by the caller; NULL where memory
 * was short.
 */
int lp_home_directory(const char *file, int make, char **dir);

/*
 * Whether the file or directory may be written, or made where it is not there, with the directories that lead to it;
 * with `beside` also what lies beside it, as a journal does. 0 with errno.
 */
int lp_home_may_write(const char *path, int beside);

#endif
