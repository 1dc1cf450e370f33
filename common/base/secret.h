/*
 * Secrets that are C strings on the heap: overwritten before they are
 * freed, so that they are not to be found in memory afterwards.
 */
#ifndef LP_BASE_SECRET_H
#define LP_BASE_SECRET_H

#include <stdlib.h>
#include <string.h>

/* Overwrite, free, and set to NULL. NULL is fine. */
static inline void
lp_secret_free(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

#endif
