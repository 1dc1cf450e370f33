/*
 * Bearer tokens at hand: those of this process, and, through the file that
 * LP_TOKEN_FILE names (or the descriptor LP_TOKEN_FD), those of all
 * processes of a pipeline.
 *
 * The file is made by whoever comes first, mode 0600, and refused, unchanged,
 * if it belongs to somebody else, others may read it, or it is neither empty
 * nor begins with the line `#lp-tokens`. Then one line a token: end (seconds
 * since 1970), host, repository, user, token; divided by tabs, escaped as
 * rows are. The lock is POSIX's (F_SETLK), which is the process's
 * and not the open file's, because an inherited descriptor shares the latter.
 */
#ifndef LP_NET_TOKENS_H
#define LP_NET_TOKENS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/map.h"

enum { LP_TOKENS_PATIENCE = 120 /* seconds that the file's lock is waited for */ };

struct lp_token_entry {
	char *host, *repo, *user; /* whose and what for; user is "" for anonymous */
	char *text;
	int64_t end;              /* seconds since 1970 */
	unsigned serial;          /* from 1, never used twice in a process */
};

struct lp_tokens {
	struct lp_token_entry *v;
	size_t n, cap;
	struct lp_map names; /* of the hash of host, repo and user: which of v had it last */
	uint64_t seed;       /* of that hash */
	unsigned last_serial;
	int fd;     /* of the file; -1: none */
	int watched; /* a pipe or a socket, or -1: once its reader has left, no lock is waited for. The caller's to set */
	int locked;
	struct stat seen; /* the file when it was last read or written: the same one is not read again */
};

/* Opens the file, so before the lock. LP_OK, or LP_E_SYS with *why (and errno, or 0). */
int lp_tokens_open(struct lp_tokens *, const char **why);
void lp_tokens_close(struct lp_tokens *); /* overwrites all tokens */

/*
 * A token that has not ended, or NULL. Looks into the file if there is none
 * at hand: that waits while another process is asking for one.
 * Valid until the next call of a function here.
 */
const struct lp_token_entry *lp_tokens_find(struct lp_tokens *, const char *host, const char *repo,
    const char *user);

/*
 * From here to lp_tokens_unlock no other process asks for a token. What
 * others have put into the file is at hand afterwards. A file that cannot be
 * locked or read is as good as none.
 */
void lp_tokens_lock(struct lp_tokens *);
void lp_tokens_unlock(struct lp_tokens *);

/*
 * Keep a token for `seconds`, in place of an older one, or of the one that
 * ends first if there are too many. Its serial, or 0 if there is no memory
 * for it, which is no failure: it is asked for again.
 */
unsigned lp_tokens_put(struct lp_tokens *, const char *host, const char *repo, const char *user,
    const char *text, uint64_t seconds);

/* The server refused this one: nobody shall use it again. */
void lp_tokens_drop(struct lp_tokens *, unsigned serial);

#endif
