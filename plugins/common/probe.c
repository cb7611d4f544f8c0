/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See probe.h. */
#include "plugins/common/probe.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct answer {
	struct text body;
	bool is_cut;
};

static const char *
probe_http(const json_t *probe)
{
	const char *http = json_member(probe, "http");

	return http ? http : "";
}

bool
probe_is_literal(const json_t *probe)
{
	const char *http = probe_http(probe);

	return text_starts(http, "http://") || text_starts(http, "https://");
}

static long
port_of(const char *http)
{
	return *http == ':' ? strtol(http + 1, NULL, 10) : 0;
}

int
probe_check(const json_t *probes, struct fault *fault)
{
	size_t i;
	json_t *probe;

	json_array_foreach(probes, i, probe) {
		const char *http = probe_http(probe);
		long port = port_of(http);

		if (probe_is_literal(probe) || (port > 0 && port < 65536))
			continue;
		fault_set(fault, FETTLE_WHY_INPUT, "health_invalid",
			  "health probe %zu cannot be asked: '%s' is neither "
			  ":PORT/PATH nor a URL",
			  i + 1, http);
		return fault_remedy(fault, "write it as ':8080/healthz' or "
					   "'http://HOST:PORT/PATH' in fettle.yaml");
	}
	return 0;
}

void
probe_urls(const json_t *probe, const json_t *container, struct argv *ret)
{
	const char *http = probe_http(probe), *ip = json_member(container, "ip");
	const char *mode = json_member(container, "network_mode");

	if (probe_is_literal(probe)) {
		argv_add(ret, http);
		return;
	}
	long port = port_of(http);
	const char *rest = http + strcspn(http, "/?#");
	AUTO_FREE char *path = text_format("%s%s", *rest == '/' ? "" : "/", rest);
	if (text_equal(mode, "host")) {
		argv_addf(ret, "http://127.0.0.1:%ld%s", port, path);
		return;
	}
	if (ip && strchr(ip, ':'))
		argv_addf(ret, "http://[%s]:%ld%s", ip, port, path);
	else if (ip)
		argv_addf(ret, "http://%s:%ld%s", ip, port, path);
	AUTO_FREE char *key = text_format("%ld/tcp", port);
	int64_t published =
		json_member_int(json_object_get(container, "ports"), key, 0);
	if (published > 0)
		argv_addf(ret, "http://127.0.0.1:%lld%s", (long long)published, path);
}

static size_t
collect(char *bytes, size_t size, size_t n, void *to)
{
	struct answer *answer = to;
	size_t room = PROBE_BODY_MAX_BYTES - answer->body.len;

	if (size * n > room) {
		text_add_n(&answer->body, bytes, room);
		answer->is_cut = true;
		return 0;	/* enough: curl ends the transfer */
	}
	text_add_n(&answer->body, bytes, size * n);
	return size * n;
}

static bool
is_expected(const json_t *probe, long status)
{
	const json_t *expect = json_object_get(probe, "expect");
	size_t i;
	json_t *one;

	if (json_is_integer(expect))
		return json_integer_value(expect) == status;
	json_array_foreach(expect, i, one)
		if (json_integer_value(one) == status)
			return true;
	return !json_is_array(expect) && status >= 200 && status < 300;
}

/*
 * Link-local addresses: where clouds keep their metadata, credentials included.
 * Literal ones are refused in fettle.yaml; a name may lead there too.
 */
static bool
is_metadata_address(const struct sockaddr *address)
{
	static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	static const unsigned char amazon[4] = { 0xFD, 0x00, 0x0E, 0xC2 };
	const unsigned char *bytes;

	if (address->sa_family == AF_INET) {
		bytes = (const void *)&(
				(const struct sockaddr_in *)(const void *)address)
				->sin_addr;
		return bytes[0] == 169 && bytes[1] == 254;
	}
	if (address->sa_family != AF_INET6)
		return true;
	bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return bytes[12] == 169 && bytes[13] == 254;
	return (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80) ||
	       memcmp(bytes, amazon, sizeof(amazon)) == 0;
}

static curl_socket_t
open_socket(void *unused, curlsocktype purpose, struct curl_sockaddr *to)
{
	if (is_metadata_address(&to->addr))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static CURLcode
ask(const json_t *probe, const char *url, int64_t limit_ms, struct answer *answer,
    long *ret_status, int64_t *ret_ms)
{
	const char *method = json_member(probe, "method");
	CURL *curl = curl_easy_init();
	int64_t begin = clock_boot_ms();

	if (!curl)
		abort();
	curl_easy_setopt(curl, CURLOPT_URL, url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "fettle/" FETTLE_VERSION);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (json_member_true(probe, "redirects")) {
		curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
		curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
	}
	if (text_equal(method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_easy_cleanup(curl);
	*ret_ms = clock_boot_ms() - begin;
	return code == CURLE_WRITE_ERROR && answer->is_cut ? CURLE_OK : code;
}

/* Judges one answer. */
static bool
judge(const json_t *probe, const char *asked, const struct answer *answer, long status,
      int64_t ms, char **ret_text)
{
	const char *match = json_member(probe, "match");
	char took[32];

	if (!is_expected(probe, status)) {
		const json_t *expect = json_object_get(probe, "expect");
		AUTO_FREE char *wanted = expect ? json_dumps(expect, JSON_ENCODE_ANY) :
						  text_copy("2xx");
		*ret_text = text_format("%s: %ld, not %s", asked, status, wanted);
		return false;
	}
	if (match && !strstr(text_get(&answer->body), match)) {
		*ret_text = text_format("%s: %ld, but '%s' is not in the body", asked,
					status, match);
		return false;
	}
	*ret_text = text_format("%s: %ld in %s", asked, status, text_ms(ms, took));
	return true;
}

bool
probe_ask(const json_t *probe, const struct argv *urls, int64_t limit_ms,
	  char **ret_text)
{
	const char *method = json_member(probe, "method");
	int64_t timeout_ms = json_member_int(probe, "timeout_ms", PROBE_TIMEOUT_MS);

	*ret_text = NULL;
	if (timeout_ms > limit_ms)
		timeout_ms = limit_ms > 1 ? limit_ms : 1;
	for (size_t i = 0; i < urls->count; i++) {
		AUTO_FREE char *asked =
			text_format("%s %s", method ? method : "GET", urls->v[i]);
		struct answer answer = { 0 };
		long status = 0;
		int64_t ms = 0;
		CURLcode code =
			ask(probe, urls->v[i], timeout_ms, &answer, &status, &ms);

		free(*ret_text);
		bool is_good = false;
		if (code == CURLE_OK)
			is_good = judge(probe, asked, &answer, status, ms, ret_text);
		else
			*ret_text =
				text_format("%s: %s", asked, curl_easy_strerror(code));
		text_done(&answer.body);
		if (code == CURLE_OK)
			return is_good;
	}
	if (!*ret_text)
		*ret_text = text_format(
			"%s: the container has no address and publishes no such port",
			probe_http(probe));
	return false;
}
