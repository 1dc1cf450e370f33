/* The user's cache directory (XDG). */
#include "common/sys/home.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All directories that lead to a file, mode 0700 as the specification asks. What fails is said by who opens it. */
static void
make_parents(char *file)
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
cached(const char *variable, const char *name)
{
	const char *given = getenv(variable), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	if (given != NULL && *given != '\0')
		return strdup(given);
	/* "All paths set in these environment variables must be absolute", and others are to be ignored */
	if (cache != NULL && *cache == '/')
		n = asprintf(&path, "%s/layer-peek/%s", cache, name);
	else if (home != NULL && *home == '/')
		n = asprintf(&path, "%s/.cache/layer-peek/%s", home, name);
	else
		return NULL;
	return n < 0 ? NULL : path;
}

static char *
made(char *path, const char *variable)
{
	const char *given = getenv(variable);

	if (path != NULL && (given == NULL || *given == '\0'))
		make_parents(path);
	return path;
}

char *
lp_home_listings_path(void)
{
	return cached("LP_CACHE", "listings.db");
}

char *
lp_home_listings(void)
{
	return made(lp_home_listings_path(), "LP_CACHE");
}

char *
lp_home_store(void)
{
	return made(cached("LP_STORE", "store"), "LP_STORE");
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
		make_parents(*dir);
		(void)mkdir(*dir, 0700);
	}
	return open(*dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
lp_home_may_write(const char *path, int beside)
{
	int is_there = access(path, F_OK) == 0, yes;
	char *dir;

	if (is_there && (!beside || access(path, W_OK) != 0))
		return access(path, W_OK) == 0;
	dir = directory_of(path);
	yes = dir != NULL && access(dir, W_OK) == 0;
	free(dir);
	return yes;
}
