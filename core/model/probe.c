/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health probes as written. A literal host is checked here; what a host name
 * resolves to is for the module to check when it asks.
 */
#include "base/base.h"

#include "model/probe.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "model/scalar.h"

#define MAX_URL_BYTES 2048u
#define MAX_HOST_BYTES 253u
#define HOST_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

static int
url_err(struct err *err, const char *text, const char *why)
{
	err_set(err, "url.policy", "'%.120s' is no address of a probe: %s", text, why);
	return err_remedy(err, "write :PORT/PATH for the container itself, or an "
			       "http:// or https:// URL");
}

/* Link-local: where clouds keep their metadata, credentials included. */
static bool
is_metadata_v4(const unsigned char bytes[4])
{
	return bytes[0] == 169 && bytes[1] == 254;
}

/* inet_aton takes 169.254.169.254 also as 0xA9FEA9FE or 2852039166, as curl does. */
static bool
is_metadata_host(const char *host)
{
	static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	static const unsigned char amazon[6] = { 0xFD, 0x00, 0x0E, 0xC2 };
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_aton(host, &v4) != 0)
		return is_metadata_v4((const unsigned char *)&v4.s_addr);
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		if (memcmp(v6.s6_addr, mapped, sizeof(mapped)) == 0)
			return is_metadata_v4(v6.s6_addr + 12);
		return (v6.s6_addr[0] == 0xFE && (v6.s6_addr[1] & 0xC0) == 0x80) ||
		       memcmp(v6.s6_addr, amazon, sizeof(amazon)) == 0;
	}
	return strcasecmp(host, "metadata") == 0 ||
	       strcasecmp(host, "metadata.google.internal") == 0 ||
	       strcasecmp(host, "metadata.google.internal.") == 0;
}

/* `8080` at the start of `text`, up to the path. */
static int
check_port(const char *whole, const char *text, struct err *err)
{
	size_t n = strcspn(text, "/?#");
	char digits[6] = "";
	uint64_t port = 0;

	if (n > 0 && n < sizeof(digits))
		memcpy(digits, text, n);
	if (num_u64(digits, &port) != NUM_OK || port < 1 || port > 65535)
		return url_err(err, whole, "its port is not 1 to 65535");
	if (port == 2375 || port == 2376)
		return url_err(err, whole, "the port is a Docker engine's");
	return 0;
}

/* HOST, HOST:PORT or [ADDRESS]:PORT, then a path. */
static int
check_authority(const char *whole, const char *text, struct err *err)
{
	size_t n = strcspn(text, "/?#"), host_len;
	char host[MAX_HOST_BYTES + 1] = "";
	bool is_bracketed = text[0] == '[';
	const char *host_begin = text + is_bracketed;

	if (memchr(text, '@', n) != NULL)
		return url_err(err, whole, "a user name or password stands in it");
	if (is_bracketed) {
		host_len = strcspn(host_begin, "]/?#");
		if (host_begin[host_len] != ']')
			return url_err(err, whole, "a '[' without ']'");
		text = host_begin + host_len + 1;
	} else {
		host_len = strcspn(text, ":/?#");
		text += host_len;
	}
	if (host_len == 0 || host_len > MAX_HOST_BYTES)
		return url_err(err, whole, "it names no host");
	memcpy(host, host_begin, host_len);
	if (is_bracketed ? strchr(host, ':') == NULL
			 : host[strspn(host, HOST_CHARS)] != 0)
		return url_err(err, whole, "its host is neither a name nor an address");
	if (is_metadata_host(host))
		return url_err(err, whole, "it is a cloud's metadata address");
	if (*text == ':')
		return check_port(whole, text + 1, err);
	if (*text != 0 && strchr("/?#", *text) == NULL)
		return url_err(err, whole, "what stands behind its host is no port");
	return 0;
}

int
probe_check_http(const char *text, struct err *err)
{
	if (strlen(text) > MAX_URL_BYTES)
		return url_err(err, text, "it is longer than 2048 bytes");
	for (const char *c = text; *c != 0; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7F ||
		    *c == '\\')
			return url_err(err, text,
				       "it has a character that must be escaped");
	if (text[0] == ':')
		return check_port(text, text + 1, err);
	if (str_starts(text, "http://"))
		return check_authority(text, text + 7, err);
	if (str_starts(text, "https://"))
		return check_authority(text, text + 8, err);
	return url_err(err, text, "neither a port nor http");
}

static int
read_http(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *http = node_find(node, "http");
	const char *text;

	if (http == NULL)
		return node_err(node, file, err, "key.missing",
				"'http' is missing here");
	text = node_text(http, file, "http", err);
	if (text == NULL)
		return -1;
	if (probe_check_http(text, err) < 0)
		return node_at(http, file, err);
	json_object_set_new(probe, "http", json_string(text));
	return 0;
}

static int
read_method(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT",
					       "OPTIONS" };
	const struct node *method = node_find(node, "method");
	const char *text = method ? node_text(method, file, "method", err) : NULL;

	if (method == NULL)
		return 0;
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i], text)) {
			json_object_set_new(probe, "method", json_string(text));
			return 0;
		}
	if (text == NULL)
		return -1;
	node_err(method, file, err, "type.choice", "'%.40s' is no method of a probe",
		 text);
	return err_remedy(err, "write one of: GET, HEAD, POST, PUT, OPTIONS");
}

static int
read_expect(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *expect = node_find(node, "expect");
	const char *text = expect ? node_text(expect, file, "expect", err) : NULL;
	int64_t status;

	if (expect == NULL)
		return 0;
	if (text == NULL)
		return -1;
	if (scalar_int(text, &status, err) < 0) {
		err_context(err, "'expect'");
		return node_at(expect, file, err);
	}
	if (status < 100 || status > 599)
		return node_err(expect, file, err, "type.range",
				"'expect' must be an HTTP status from 100 to 599");
	json_object_set_new(probe, "expect", json_integer(status));
	return 0;
}

static int
read_match(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *match = node_find(node, "match");
	const char *text = match ? node_text(match, file, "match", err) : NULL;

	if (text != NULL)
		json_object_set_new(probe, "match", json_string(text));
	return match != NULL && text == NULL ? -1 : 0;
}

static int
read_probe(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	static const char *const allowed[] = { "http",	"method",  "expect",
					       "match", "timeout", NULL };
	uint64_t timeout_ms = 0;

	if (node_check_keys(node, file, allowed, err) < 0 ||
	    read_http(node, file, probe, err) < 0 ||
	    read_method(node, file, probe, err) < 0 ||
	    read_expect(node, file, probe, err) < 0 ||
	    read_match(node, file, probe, err) < 0 ||
	    node_get_ms(node, file, "timeout", &timeout_ms, err) < 0)
		return -1;
	if (timeout_ms > 0)
		json_object_set_new(probe, "timeout_ms",
				    json_integer((json_int_t)timeout_ms));
	return 0;
}

json_t *
probe_read_list(const struct node *list, const char *file, struct err *err)
{
	AUTO(json_ref) json_t *probes = json_array();

	if (list->kind != NODE_SEQUENCE) {
		node_err(list, file, err, "type.list",
			 "'health' must be a list of probes");
		return NULL;
	}
	for (size_t i = 0; i < list->count; i++) {
		json_t *probe = json_object();

		json_array_append_new(probes, probe);
		if (read_probe(list->items[i], file, probe, err) < 0)
			return NULL;
	}
	return STEAL(probes);
}
