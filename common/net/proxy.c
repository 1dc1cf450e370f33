/* Chooses the proxy of a URL by the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their like. */
#include "common/net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/num.h"
#include "common/base/span.h"
#include "common/base/status.h"
#include "common/oci/reference.h"

enum { NAME_MAX_BYTES = 256 }; /* a name has 253 (RFC 1035), an address fewer */

/* 0 bits: no address. */
struct ip {
	unsigned bits;
	unsigned char b[sizeof(struct in6_addr)];
};

struct target {
	char host[NAME_MAX_BYTES]; /* in lower case, without brackets */
	struct lp_span port;
	struct ip ip;
};

/* An IPv4 address in IPv6 form is that IPv4 address. */
static struct ip
read_ip(struct lp_span s)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	struct ip ip = { 0 };

	if (s.n == 0 || s.n >= sizeof(text))
		return ip;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, ip.b) == 1)
		ip.bits = 32;
	else if (inet_pton(AF_INET6, text, ip.b) == 1)
		ip.bits = 128;
	if (ip.bits == 128 && memcmp(ip.b, mapped, sizeof(mapped)) == 0) {
		memmove(ip.b, ip.b + sizeof(mapped), 4);
		ip.bits = 32;
	}
	return ip;
}

static int
same_network(const struct ip *a, const struct ip *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return a->bits == b->bits && memcmp(a->b, b->b, whole) == 0 &&
	    (rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0);
}

/* ADDRESS/BITS; the address is off its front already. */
static int
covers_network(struct lp_span address, struct lp_span length, const struct ip *ip)
{
	struct ip net = read_ip(address);
	uint64_t bits;

	return net.bits > 0 && lp_num_u64(length, net.bits, &bits) == LP_OK && same_network(&net, ip, (unsigned)bits);
}

/* example.com is that name and those below it; .example.com and *.example.com are those below it. */
static int
covers_name(struct lp_span name, struct lp_span host)
{
	if (lp_span_begins(name, "*."))
		lp_span_take(&name, 1);
	if (name.n == 0 || host.n < name.n)
		return 0;
	if (host.n == name.n)
		return name.p[0] != '.' && lp_span_eq(name, host);
	return lp_span_eq(name, lp_span(host.p + (host.n - name.n), name.n)) &&
	    (name.p[0] == '.' || host.p[host.n - name.n - 1] == '.');
}

/* The host of HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT off its front; what is left is the port, or nothing. */
static struct lp_span
take_host(struct lp_span *s)
{
	struct lp_span all = *s, host;

	if (s->n > 0 && s->p[0] == '[') {
		lp_span_take(s, 1);
		host = lp_span_field(s, ']');
		/* the colon */
		lp_span_take(s, 1);
		return host;
	}
	host = lp_span_field(s, ':');
	/* an address of IPv6 has no port without brackets */
	if (s->n == 0 || memchr(s->p, ':', s->n) == NULL)
		return host;
	s->n = 0;
	return all;
}

static int
covers(struct lp_span entry, const struct target *t)
{
	struct lp_span port = entry, address, host;
	struct ip ip;

	if (lp_span_is(entry, "*"))
		return 1;
	address = lp_span_field(&port, '/');
	if (address.n < entry.n)
		return covers_network(address, port, &t->ip);
	port = entry;
	host = take_host(&port);
	if (port.n > 0 && !lp_span_eq(port, t->port))
		return 0;
	ip = read_ip(host);
	if (ip.bits > 0)
		return same_network(&ip, &t->ip, ip.bits);
	return covers_name(host, lp_span_str(t->host));
}

/* A copy in lower case; "" of what is too long for a name. */
static void
lower(struct lp_span s, char out[NAME_MAX_BYTES])
{
	size_t n = s.n < NAME_MAX_BYTES ? s.n : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
	out[n] = '\0';
}

int
lp_proxy_excepts(const char *list, const char *host, const char *port)
{
	struct lp_span rest = lp_span_str(list), bare = lp_span_str(host);
	struct target t = { .port = lp_span_str(port) };
	char entry[NAME_MAX_BYTES];

	lower(take_host(&bare), t.host);
	t.ip = read_ip(lp_span_str(t.host));
	for (lp_span_skip(&rest, ", \t"); rest.n > 0; lp_span_skip(&rest, ", \t")) {
		lower(lp_span_until(&rest, ", \t"), entry);
		if (covers(lp_span_str(entry), &t))
			return 1;
	}
	return 0;
}

/* The first of the two that says anything. */
static const char *
either(const char *upper, const char *lower_case)
{
	const char *v = getenv(upper);

	if (v == NULL || *v == '\0')
		v = getenv(lower_case);
	return v != NULL ? v : "";
}

/* This machine, by the name or in any form of the address. */
static int
is_here(struct lp_span host)
{
	static const unsigned char one[sizeof(struct in6_addr)] = { [15] = 1 };
	struct lp_span bare = host;
	struct ip ip = read_ip(take_host(&bare));

	return lp_host_is_loopback(host) || (ip.bits == 32 && ip.b[0] == 127) ||
	    (ip.bits == 128 && memcmp(ip.b, one, sizeof(one)) == 0);
}

const char *
lp_proxy_for(const char *scheme, const char *host, const char *port)
{
	const char *proxy, *except = either("NO_PROXY", "no_proxy");
	char name[NAME_MAX_BYTES];

	lower(lp_span_str(host), name);
	if (is_here(lp_span_str(name)) || lp_proxy_excepts(except, host, port))
		return "";
	if (strcmp(scheme, "https") == 0)
		proxy = either("HTTPS_PROXY", "https_proxy");
	else
		/* a server hands its client's header "Proxy:" to a CGI script under this name (CVE-2016-5385) */
		proxy = either(getenv("REQUEST_METHOD") == NULL ? "HTTP_PROXY" : "http_proxy", "http_proxy");
	return *proxy != '\0' ? proxy : either("ALL_PROXY", "all_proxy");
}
