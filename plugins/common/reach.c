/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See reach.h. libcurl resolves, connects and speaks HTTP. */
#include "plugins/common/reach.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_REDIRECTS 5L
#define PROXY_CLOSES_MS 200

struct answer {
	struct text body;
	bool is_cut, is_refused;
	long status;
	int64_t ms;
};

/* ---- whom we never ask -------------------------------------------------- */

static bool
is_link_local_v4(const unsigned char *bytes)
{
	return bytes[0] == 169 && bytes[1] == 254;
}

static bool
is_link_local_v6(const unsigned char *bytes)
{
	static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	static const unsigned char translated[12] = { 0x00, 0x64, 0xFF, 0x9B };
	static const unsigned char amazon[4] = { 0xFD, 0x00, 0x0E, 0xC2 };

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0 ||
	    memcmp(bytes, translated, sizeof(translated)) == 0)
		return is_link_local_v4(bytes + 12);
	return (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80) ||
	       memcmp(bytes, amazon, sizeof(amazon)) == 0;
}

static bool
is_docker_port(in_port_t port)
{
	return port == htons(2375) || port == htons(2376);
}

static bool
may_ask(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET)
		return !is_docker_port(v4->sin_port) &&
		       !is_link_local_v4((const void *)&v4->sin_addr);
	return address->sa_family == AF_INET6 && !is_docker_port(v6->sin6_port) &&
	       !is_link_local_v6(v6->sin6_addr.s6_addr);
}

static curl_socket_t
open_socket(void *answer, curlsocktype purpose, struct curl_sockaddr *to)
{
	(void)purpose;
	if (!may_ask(&to->addr)) {
		((struct answer *)answer)->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

int
reach_check_url(const char *url, struct fault *fault)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *user = NULL;

	if (!parts)
		abort();
	CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
	(void)curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
	(void)curl_url_get(parts, CURLUPART_USER, &user, 0);
	bool is_http = text_equal(scheme, "http") || text_equal(scheme, "https");
	bool is_good = code == CURLUE_OK && is_http && !user;
	if (!is_good) {
		/* The URL is not repeated when it may hold a password. */
		fault_set(fault, FETTLE_WHY_INPUT, "url_invalid",
			  "the URL%s%s%s cannot be asked: %s", user ? "" : " '",
			  user ? "" : url, user ? "" : "'",
			  user			? "a user name stands in it" :
			  code == CURLUE_OK	? "it is neither http nor https" :
						  "it is no URL");
		fault_remedy(fault, "write it as http://HOST:PORT/PATH or https://..., "
				    "and credentials as `secret_headers`");
	}
	curl_free(scheme);
	curl_free(user);
	curl_url_cleanup(parts);
	return is_good ? 0 : -1;
}

/* ---- asking -------------------------------------------------------------- */

static CURL *
prepare(const char *url, int64_t timeout_ms, struct answer *answer)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		abort();
	curl_easy_setopt(curl, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS,
			 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
			 (long)(timeout_ms > 1 ? timeout_ms : 1));
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, answer);
	return curl;
}

static const char *
why_not(CURLcode code, const struct answer *answer)
{
	return answer->is_refused ? "link-local addresses and Docker engines are never "
				    "asked" :
				    curl_easy_strerror(code);
}

static size_t
collect(char *bytes, size_t size, size_t n, void *to)
{
	struct answer *answer = to;
	size_t room = REACH_BODY_MAX_BYTES - answer->body.len;

	if (size * n > room) {
		text_add_n(&answer->body, bytes, room);
		answer->is_cut = true;
		return 0;	/* enough: curl ends the transfer */
	}
	text_add_n(&answer->body, bytes, size * n);
	return size * n;
}

static CURLcode
ask_http(const struct http_request *request, const char *url, struct answer *answer)
{
	CURL *curl = prepare(url, request->timeout_ms, answer);
	struct curl_slist *headers = NULL;
	int64_t begin_ms = clock_boot_ms();

	for (size_t i = 0; request->headers && i < request->headers->count; i++) {
		struct curl_slist *more =
			curl_slist_append(headers, request->headers->v[i]);
		if (!more)
			abort();
		headers = more;
	}
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "fettle/" FETTLE_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (request->follows) {
		curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
		curl_easy_setopt(curl, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
	}
	if (text_equal(request->method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (request->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	answer->ms = clock_boot_ms() - begin_ms;
	return code == CURLE_WRITE_ERROR && answer->is_cut ? CURLE_OK : code;
}

static bool
is_expected(const json_t *expect, long status)
{
	size_t i;
	json_t *one;

	if (json_is_integer(expect))
		return json_integer_value(expect) == status;
	json_array_foreach(expect, i, one)
		if (json_integer_value(one) == status)
			return true;
	return !json_is_array(expect) && status >= 200 && status < 300;
}

static bool
is_in_body(const char *match, const struct text *body)
{
	struct pattern *pattern = pattern_new(match, NULL);
	bool is_found =
		pattern && pattern_finds(pattern, text_get(body), body->len);

	pattern_free(pattern);
	return is_found;
}

static struct reach
judge(const struct http_request *request, const char *asked,
      const struct answer *answer)
{
	char took[32];

	if (!is_expected(request->expect, answer->status)) {
		AUTO_FREE char *wanted =
			request->expect ? json_dumps(request->expect, JSON_ENCODE_ANY) :
					  text_copy("2xx");
		return (struct reach){ .is_answered = true,
				       .text = text_format("%s: %ld, not %s", asked,
							   answer->status, wanted) };
	}
	if (request->match && !is_in_body(request->match, &answer->body))
		return (struct reach){
			.is_answered = true,
			.text = text_format("%s: %ld, but '%s' is not in %sthe body",
					    asked, answer->status, request->match,
					    answer->is_cut ? "the first 64 KiB of " :
							     "")
		};
	return (struct reach){ .is_good = true,
			       .is_answered = true,
			       .text = text_format("%s: %ld in %s", asked,
						   answer->status,
						   text_ms(answer->ms, took)) };
}

struct reach
reach_http(const struct http_request *request, const char *url)
{
	AUTO_FREE char *asked =
		text_format("%s %s", request->method ? request->method : "GET", url);
	struct answer answer = { 0 };
	struct reach reach;
	char limit[32];

	CURLcode code = ask_http(request, url, &answer);
	if (code == CURLE_OK)
		reach = judge(request, asked, &answer);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		reach = (struct reach){
			.text = text_format("%s: no whole answer within %s", asked,
					    text_ms(request->timeout_ms, limit))
		};
	else
		reach = (struct reach){ .text = text_format("%s: %s", asked,
							    why_not(code, &answer)) };
	text_done(&answer.body);
	return reach;
}

/* ---- tcp ----------------------------------------------------------------- */

static bool
is_closed_at_once(CURL *curl)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	char byte;

	curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
	struct pollfd waits = { .fd = fd, .events = POLLIN };
	if (fd == CURL_SOCKET_BAD || poll(&waits, 1, PROXY_CLOSES_MS) <= 0)
		return false;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

struct reach
reach_tcp(const char *place, int64_t timeout_ms, bool is_proxied)
{
	AUTO_FREE char *url = text_format("http://%s", place);
	struct answer answer = { 0 };
	CURL *curl = prepare(url, timeout_ms, &answer);
	int64_t begin_ms = clock_boot_ms();
	struct reach reach = { 0 };
	long why = 0;
	char took[32];

	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &why);
	reach.is_answered = code == CURLE_OK || why == ECONNREFUSED;
	if (code == CURLE_OK && is_proxied && is_closed_at_once(curl))
		reach.text = text_format("tcp %s: accepted and closed at once", place);
	else if (code == CURLE_OK) {
		reach.is_good = true;
		reach.text = text_format("tcp %s: connected in %s", place,
					 text_ms(clock_boot_ms() - begin_ms, took));
	} else {
		reach.text = text_format("tcp %s: %s", place, why_not(code, &answer));
	}
	curl_easy_cleanup(curl);
	return reach;
}
