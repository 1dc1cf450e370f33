/*
 * Which proxy a URL is asked through: what the environment says, read as Go's
 * programs (docker, podman, skopeo) read it, not as libcurl does, so that one
 * set of variables sends a password the same way for all of them.
 *
 *   http:    HTTP_PROXY (not of a CGI script: there a client sets it), http_proxy
 *   https:   HTTPS_PROXY, https_proxy
 *   both     ALL_PROXY, all_proxy, where those say nothing
 *   none     for this machine (lp_host_is_loopback), and for what NO_PROXY or
 *            no_proxy has
 *
 * An entry of NO_PROXY is `*` (all), an address, a network (10.0.0.0/8), a
 * name (example.com: it and what is below it), or .example.com or
 * *.example.com (only what is below it), each but networks with a :PORT or
 * without. Commas or blanks divide them.
 */
#ifndef LP_NET_PROXY_H
#define LP_NET_PROXY_H

/*
 * The proxy's URL as the environment has it; "": none. Scheme, host and port
 * are those of a URL: an IPv6 address is in brackets, the port in digits.
 */
const char *lp_proxy_for(const char *scheme, const char *host, const char *port);

/* Whether a list like NO_PROXY has the host. */
int lp_proxy_excepts(const char *list, const char *host, const char *port);

#endif
