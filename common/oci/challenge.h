/*
 * WWW-Authenticate: what a server asks for before it serves (RFC 9110
 * section 11.6.1), and what we answer.
 *
 * One header may hold several challenges, and the comma both divides them
 * and the parameters of each. The parser hands out one challenge after the
 * other.
 */
#ifndef LP_OCI_CHALLENGE_H
#define LP_OCI_CHALLENGE_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/span.h"

enum lp_scheme { LP_SCHEME_OTHER, LP_SCHEME_BASIC, LP_SCHEME_BEARER };

enum { LP_CHALLENGE_VALUE_MAX = 2047 }; /* bytes of one parameter's value */

/* Values are copies, unquoted, NUL-terminated; "" where the challenge does not say. */
struct lp_challenge {
	enum lp_scheme scheme;
	char realm[LP_CHALLENGE_VALUE_MAX + 1];
	char service[LP_CHALLENGE_VALUE_MAX + 1];
	char scope[LP_CHALLENGE_VALUE_MAX + 1];
};

struct lp_challenges {
	struct lp_span rest;
};

/* The header's value is borrowed. */
void lp_challenge_init(struct lp_challenges *, struct lp_span header);

/*
 * LP_OK with the next challenge; LP_E_ABSENT at the end; LP_E_DATA where
 * the header breaks the grammar or gives one parameter twice, LP_E_LIMIT
 * for a value that is too long: nothing behind it can be told, and the next
 * call says LP_E_ABSENT. Unquoted values may hold what RFC 9110 would have
 * quoted (`realm=https://...` is out there), all but blanks, commas and
 * quotes; between parameters a comma may be missing.
 */
int lp_challenge_next(struct lp_challenges *, struct lp_challenge *);

/*
 * Lets the challenge ask for pulling from that repository as well, where it
 * names no scope, or another one: some servers leave it out, or give an
 * example in its place. Where there is no room it stays as it is.
 */
void lp_challenge_for(struct lp_challenge *, const char *repo);

/*
 * The URL that a Bearer challenge asks to GET (distribution's token spec):
 * realm?service=...&scope=..., percent-encoded, one scope= for each scope;
 * `account` (or NULL) is added as docker does. Appended. LP_OK, LP_E_LIMIT
 * or LP_E_NOMEM.
 */
int lp_challenge_url(const struct lp_challenge *, const char *account, struct lp_buf *);

/*
 * The body of the OAuth2 POST to the realm for an identity token
 * (application/x-www-form-urlencoded). Results as above.
 */
int lp_challenge_form(const struct lp_challenge *, const char *identity, struct lp_buf *);

/* Append `Authorization: Basic ` and base64 of user:password (RFC 7617). Results as above. */
int lp_basic_header(const char *user, const char *password, struct lp_buf *);

#endif
