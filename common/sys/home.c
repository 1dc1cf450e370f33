/* The user's cache directory (XDG). */
#include "common/sys/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
lp_home_make_parents(char *file)
{
	for (char *p = file; *p != '\0'; p++) {
		if (*p != '/' || p == file)
			continue;
		*p = '\0';
		(void)mkdir(file, 0700);
		*p = '/';
	}
}

static char *
cached(const char *name)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	/* "All paths set in these environment variables must be absolute", and others are to be ignored */
	if (cache != NULL && *cache == '/')
		n = asprintf(&path, "%s/layer-peek/%s", cache, name);
	else if (home != NULL && *home == '/')
		n = asprintf(&path, "%s/.cache/layer-peek/%s", home, name);
	else
		return NULL;
	return n < 0 ? NULL : path;
}

const char *
lp_home_named(const char *variable)
{
	const char *given = getenv(variable);

	return given != NULL && *given != '\0' ? given : NULL;
}

char *
lp_home_listings(void)
{
	return cached("listings.db");
}

char *
lp_home_store(void)
{
	return cached("store");
}

/* Owned by the caller; NULL if memory was short. */
static char *
directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + (slash == file));
}

int
lp_home_directory(const char *file, int make, char **dir)
{
	*dir = directory_of(file);
	if (*dir == NULL)
		return -1;
	if (make) {
		lp_home_make_parents(*dir);
		(void)mkdir(*dir, 0700);
	}
	return open(*dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
lp_home_may_write(const char *path, int beside)
{
	int is_there = access(path, F_OK) == 0, yes = 0;
	char *dir, *above = NULL;

	if (is_there && (!beside || access(path, W_OK) != 0))
		return access(path, W_OK) == 0;
	/* where directories would have to be made, the nearest one that is there says whether they can be */
	for (dir = directory_of(path); dir != NULL; dir = above) {
		yes = access(dir, W_OK) == 0;
		above = !yes && errno == ENOENT && strcmp(dir, ".") != 0 ? directory_of(dir) : NULL;
		free(dir);
	}
	return yes;
}
