/*
 * What a server's answer that is no success says to people: the meaning of
 * its status, and its own words, out of the documents that registries, token
 * servers and what stands before them answer with.
 */
#ifndef LP_NET_WORDS_H
#define LP_NET_WORDS_H

#include "common/net/http.h"

/* "404, not found" and its like; NULL for a status that has no such meaning. */
const char *lp_words_status(int status);

/*
 * " (CODE: message)", escaped for a terminal and cut, or "" if it says
 * nothing. {"errors":[{"code","message"}]} (distribution-spec, "Error Codes";
 * GitLab, Harbor, Docker Hub), {"error","error_description"} (OAuth2, RFC 6749
 * section 5.2), {"error":{"message"}} (Google), {"message"}, {"details"}
 * (Docker Hub, GitLab); a page of HTML is called one, and a server that wants
 * a client certificate is understood.
 */
void lp_words(const struct lp_http_response *, char *out, size_t n);

#endif
