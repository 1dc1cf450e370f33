/* Where a user's things are kept from one run to the next (XDG Base Directory Specification). */
#ifndef LP_SYS_HOME_H
#define LP_SYS_HOME_H

/*
 * The database of listings, which $LP_CACHE may name, and the store, which
 * $LP_STORE may: else a path below $XDG_CACHE_HOME or ~/.cache, whose
 * directories are made. NULL without a home; a relative one is none. Owned by
 * the caller.
 */
char *lp_home_listings(void);
char *lp_home_store(void);
/* The database's path, and nothing is made. */
char *lp_home_listings_path(void);

/*
 * The directory of a file, open, made if need be and `make`: the descriptor,
 * or -1 with errno. *dir is its path, owned by the caller; NULL where memory
 * was short.
 */
int lp_home_directory(const char *file, int make, char **dir);

/*
 * Whether the file or directory may be written, or made where it is not there;
 * with `beside` also what lies beside it, as a journal does. 0 with errno.
 */
int lp_home_may_write(const char *path, int beside);

#endif
