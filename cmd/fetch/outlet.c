/* Writes a blob's bytes to stdout, hashing them and holding back when the reader is slow. */
#include "cmd/fetch/outlet.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum { PACE_STEP = 64 * 1024, PACE_WAIT_MS = 1 };

void
lp_outlet_init(struct lp_outlet *o, struct lp_blob *b, const struct lp_range *r, int progress)
{
	memset(o, 0, sizeof(*o));
	o->blob = b;
	o->first = o->at = r->first;
	o->last = r->last;
	o->progress = progress;
	o->hashing = b->digest[0] != '\0' && o->first == 0;
	/* the lock of a network is the one that allows threads */
	lp_hasher_init(&o->hash, b->digest, b->env->http != NULL);
}

void
lp_outlet_release(struct lp_outlet *o)
{
	lp_hasher_release(&o->hash);
}

void
lp_outlet_tell(struct lp_outlet *o, enum lp_progress_state state)
{
	const struct lp_blob *b = o->blob;
	uint64_t end = b->size >= 0 && (uint64_t)b->size <= o->last ? (uint64_t)b->size : o->last + 1;
	const struct lp_progress_line line = { .key = lp_span_str(b->digest[0] != '\0' ? b->digest : b->name),
		.have = o->at - o->first, .want = end < o->first ? 0 : end - o->first,
		.fetched = b->fetched, .state = state };

	lp_progress_tell(o->progress, &line, &o->told_ms);
}

static int
put(void *arg, struct lp_span s)
{
	struct lp_outlet *o = arg;
	int rc = lp_put(s);

	if (rc != LP_OK)
		return rc;
	if (o->hashing)
		lp_hasher_add(&o->hash, s);
	o->at += s.n;
	if (!o->grown && o->at - o->first >= LP_PIPE_GROW_BEHIND) {
		o->grown = 1;
		lp_pipe_grow(1);
	}
	lp_outlet_tell(o, LP_PROGRESS_MORE);
	return LP_OK;
}

/*
 * What a reader has taken is what we wrote and the pipe no longer holds.
 * A pipe has no event for that, so this asks from time to time; it does
 * have one for a reader who has gone.
 */
static int
pace(void *arg, uint64_t at, uint64_t *last)
{
	struct lp_outlet *o = arg;
	struct pollfd p = { .fd = 1 };

	for (;;) {
		uint64_t had = at - o->first, allowed;
		int unread = 0;

		if (ioctl(1, FIONREAD, &unread) != 0 || unread < 0)
			unread = 0;
		allowed = 2 * (had - ((uint64_t)unread < had ? (uint64_t)unread : had)) + LP_OUTLET_HEAD_START;
		if (allowed >= had + PACE_STEP) {
			*last = o->first + allowed - 1;
			return LP_OK;
		}
		if (poll(&p, 1, PACE_WAIT_MS) > 0 && (p.revents & POLLERR) != 0)
			return LP_E_PIPE;
	}
}

/* Only a pipe tells how much of it was read: FIONREAD of a socket is what came the other way. */
static int
reader_may_stop(void)
{
	struct stat st;

	return fstat(1, &st) == 0 && S_ISFIFO(st.st_mode);
}

int
lp_outlet_copy(struct lp_outlet *o, int paced)
{
	struct lp_blob *b = o->blob;
	uint64_t at = o->first;
	int rc = LP_OK;

	if (!o->hashing && b->fd >= 0) {
		rc = lp_blob_send(b, 1, o->last, &at);
		o->at = at;
	}
	if (rc == LP_OK && (b->size < 0 || at < (uint64_t)b->size) && at <= o->last)
		rc = lp_blob_read(b, at, o->last, put, paced && reader_may_stop() ? pace : NULL, o, &at);
	return rc;
}

int
lp_outlet_check(struct lp_outlet *o)
{
	const struct lp_blob *b = o->blob;
	const char *mirror = lp_registry_mirror(b->env->registry);
	char got[LP_DIGEST_SIZE];

	if (!o->hashing || b->size < 0 || o->at != (uint64_t)b->size)
		return LP_OK;
	lp_hasher_end(&o->hash, got);
	o->verified = strcmp(got, b->digest) == 0;
	o->wrong = !o->verified;
	if (o->verified)
		return LP_OK;
	lp_err("%s: its digest is %s, it should be %s: do not use these %lld bytes%s%s", b->name, got, b->digest,
	    (long long)b->size, mirror != NULL ? ", which came from " : "", mirror != NULL ? mirror : "");
	return LP_E_DATA;
}
