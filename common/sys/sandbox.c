/* The sandbox: what the user asks for, the order of its steps, and what is missing of it. */
#include "common/sys/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/sandbox_priv.h"

/*
 * The sanitizers and valgrind call what no filter of ours would allow, so
 * their builds say so instead of locking.
 */
#if defined(LP_NO_LOCK)
#define LOCKING 0
#else
#define LOCKING 1
#endif

static enum { BEST_EFFORT, REQUIRE, OFF } wanted;

/* What this process does without, once it is locked; and whether -v has shown it. */
static const char *missing;

static const char OFF_MISSES[] = "no_new_privs, landlock, seccomp (LP_SANDBOX=off)";

int
lp_lock_choose(void)
{
	const char *s = getenv("LP_SANDBOX");

	if (s == NULL || *s == '\0' || strcmp(s, "best-effort") == 0)
		wanted = BEST_EFFORT;
	else if (strcmp(s, "require") == 0)
		wanted = REQUIRE;
	else if (strcmp(s, "off") == 0)
		wanted = OFF;
	else {
		lp_err("LP_SANDBOX is best-effort, require or off, not '%s'", lp_quotes(s));
		return LP_E_USAGE;
	}
	return LP_OK;
}

/* It is shown once: a function that is forked into knows it, and a program that lp-peek runs leaves it to lp-peek. */
static void
miss(const char *what)
{
	if (what != NULL && missing == NULL && getenv("LP_PROGRESS") == NULL)
		lp_detail("sandbox: missing: %s", what);
	missing = what;
}

static int
refuse(const char *what)
{
	lp_err_errno("%s (LP_SANDBOX=off runs without a sandbox)", what);
	return LP_E_SYS;
}

static int
lock_files(const struct lp_lock_view *v)
{
	int rc = lp_landlock(v);

	if (rc == LP_E_ABSENT && wanted == REQUIRE) {
		lp_err_errno("cannot restrict files with Landlock, as LP_SANDBOX=require asks");
		return LP_E_SYS;
	}
	if (rc == LP_E_ABSENT || rc == LP_OK)
		miss(lp_landlock_missing(rc == LP_OK ? lp_landlock_version() : 0));
	return rc == LP_E_ABSENT ? LP_OK : rc;
}

static int
lock(const struct lp_lock_view *v)
{
	int rc;

	if (!LOCKING && wanted == REQUIRE) {
		lp_err("this build has no sandbox, and LP_SANDBOX=require asks for one");
		return LP_E_SYS;
	}
	if (!LOCKING)
		return LP_OK;
	if (wanted == OFF) {
		miss(OFF_MISSES);
		return LP_OK;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse("cannot give up privileges");
	rc = lock_files(v);
	if (rc != LP_OK)
		return rc;
	lp_caps_drop(v);
	return lp_filter(v->duty) == LP_OK ? LP_OK : refuse("cannot restrict system calls with seccomp");
}

int
lp_lock(enum lp_duty duty)
{
	return lock(&(struct lp_lock_view){ .duty = duty, .directory = -1 });
}

int
lp_lock_in(enum lp_duty duty, int directory)
{
	return lock(&(struct lp_lock_view){ .duty = duty, .directory = directory });
}

int
lp_lock_paths(enum lp_duty duty, const struct lp_lock_path *paths, size_t n)
{
	return lock(&(struct lp_lock_view){ .duty = duty, .directory = -1, .paths = paths, .n = n });
}

int
lp_lock_is(void)
{
	return LOCKING && wanted != OFF;
}

void
lp_lock_memory(void)
{
	/* it can fail only where the kernel does not know it */
	if (LOCKING)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

const char *
lp_lock_missing(void)
{
	return missing;
}

const char *
lp_lock_names(void)
{
	static char text[128];
	long abi = LOCKING && wanted != OFF ? lp_landlock_version() : 0;
	const char *what = wanted == OFF ? OFF_MISSES : lp_landlock_missing(abi);

	if (!LOCKING)
		return "none (a build for sanitizers)\n";
	snprintf(text, sizeof(text), "%s%s%s\n", wanted == OFF ? "none" : abi > 0 ? "no_new_privs landlock seccomp" :
	    "no_new_privs seccomp", what != NULL ? "; missing: " : "", what != NULL ? what : "");
	return text;
}
