/*
 * Asking a realm, the token server that a registry names, for a token
 * (distribution's token and OAuth2 specifications).
 */
#ifndef LP_NET_REALM_H
#define LP_NET_REALM_H

#include <stddef.h>

#include "common/net/cred.h"
#include "common/net/http.h"
#include "common/oci/authfile.h"
#include "common/oci/challenge.h"

/*
 * Meet a Bearer challenge, as `cred` or (NULL) as an anonymous user: by POST
 * with an identity token, else by GET. The caller has seen to it that the
 * realm may be told a secret. LP_OK with the token, owned by the caller;
 * LP_E_NET with `why` (n bytes) saying what was wrong, fit to print;
 * LP_E_PIPE or LP_E_NOMEM. What held the answer is overwritten.
 */
int lp_realm_token(struct lp_http *, const struct lp_challenge *, const struct lp_cred *, struct lp_token *,
    char *why, size_t n);

#endif
