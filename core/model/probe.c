/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health probes as written. A literal host is checked here; what a host name
 * resolves to is for the module to check when it asks.
 */
#include "base/base.h"

#include "model/probe.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "model/form.h"
#include "model/scalar.h"

#define MAX_URL_BYTES 2048u
#define MAX_HOST_BYTES 253u
#define MAX_PATTERN_BYTES 1000u
#define MAX_WORDS 64u
#define MAX_STATUSES 32u
#define MAX_TIMEOUT_MS (5u * 60 * 1000)
#define HOST_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

static int
url_err(struct err *err, const char *text, const char *why)
{
	err_set(err, "url.policy", "'%.120s' is no address to ask: %s", text, why);
	return err_remedy(err, "write :PORT/PATH for the container itself, or an "
			       "http:// or https:// URL; for tcp :PORT or HOST:PORT");
}

/* It is not repeated: it may hold a password. */
static int
user_err(struct err *err)
{
	err_set(err, "url.policy",
		"the address is none to ask: a user name or password stands in it");
	return err_remedy(err, "write http://HOST:PORT/PATH without it, and give a "
			       "credential as a header made of a secret");
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
		return user_err(err);
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

static int
check_chars(const char *text, struct err *err)
{
	if (strlen(text) > MAX_URL_BYTES)
		return url_err(err, text, "it is longer than 2048 bytes");
	for (const char *c = text; *c != 0; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7F ||
		    *c == '\\')
			return url_err(err, text,
				       "it has a character that must be escaped");
	return 0;
}

int
probe_check_http(const char *text, struct err *err)
{
	if (check_chars(text, err) < 0)
		return -1;
	if (text[0] == ':')
		return check_port(text, text + 1, err);
	if (str_starts(text, "http://"))
		return check_authority(text, text + 7, err);
	if (str_starts(text, "https://"))
		return check_authority(text, text + 8, err);
	return url_err(err, text, "neither a port nor http");
}

/* `:PORT` or `HOST:PORT`, under the same rules. */
static int
check_tcp(const char *text, struct err *err)
{
	const char *last = strrchr(text, ':');

	if (check_chars(text, err) < 0)
		return -1;
	if (text[strcspn(text, "/?#")] != 0)
		return url_err(err, text, "a TCP connection has no path");
	if (last == NULL || strchr(last, ']') != NULL)
		return url_err(err, text, "it names no port");
	return text[0] == ':' ? check_port(text, text + 1, err) :
				check_authority(text, text, err);
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

/* New reference, or NULL. */
static json_t *
read_status(const struct node *node, const char *file, struct err *err)
{
	const char *text = node_text(node, file, "expect", err);
	int64_t status;

	if (text == NULL)
		return NULL;
	if (scalar_int(text, &status, err) < 0) {
		err_context(err, "'expect'");
		node_at(node, file, err);
		return NULL;
	}
	if (status < 100 || status > 599) {
		node_err(node, file, err, "type.range",
			 "'expect' must be an HTTP status from 100 to 599");
		return NULL;
	}
	return json_integer(status);
}

static int
read_expect(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *expect = node_find(node, "expect");
	AUTO(json_ref) json_t *wanted = NULL;

	if (expect == NULL)
		return 0;
	if (expect->kind != NODE_SEQUENCE) {
		wanted = read_status(expect, file, err);
		return wanted == NULL ? -1 : json_object_set(probe, "expect", wanted);
	}
	if (expect->count < 1 || expect->count > MAX_STATUSES)
		return node_err(expect, file, err, "type.range",
				"'expect' must list 1 to %u statuses", MAX_STATUSES);
	wanted = json_array();
	for (size_t i = 0; i < expect->count; i++) {
		json_t *status = read_status(expect->items[i], file, err);

		if (status == NULL)
			return -1;
		json_array_append_new(wanted, status);
	}
	return json_object_set(probe, "expect", wanted);
}

/* A regular expression; whether it is one is for its matcher to say. */
static int
read_pattern(const struct node *node, const char *file, const char *key, json_t *probe,
	     struct err *err)
{
	const struct node *pattern = node_find(node, key);
	const char *text = pattern ? node_text(pattern, file, key, err) : NULL;

	if (pattern == NULL)
		return 0;
	if (text == NULL)
		return -1;
	if (*text == 0 || strlen(text) > MAX_PATTERN_BYTES)
		return node_err(pattern, file, err, "type.range",
				"'%s' must be a pattern of 1 to %u bytes", key,
				MAX_PATTERN_BYTES);
	return json_object_set_new(probe, key, json_string(text));
}

static int
read_http(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *http = node_find(node, "http");
	const char *text = node_text(http, file, "http", err);
	bool follows = false;

	if (text == NULL)
		return -1;
	if (probe_check_http(text, err) < 0)
		return node_at(http, file, err);
	json_object_set_new(probe, "http", json_string(text));
	if (read_method(node, file, probe, err) < 0 ||
	    read_expect(node, file, probe, err) < 0 ||
	    read_pattern(node, file, "match", probe, err) < 0 ||
	    node_get_bool(node, file, "redirects", &follows, err) < 0)
		return -1;
	return follows ? json_object_set_new(probe, "redirects", json_true()) : 0;
}

static int
read_tcp(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *tcp = node_find(node, "tcp");
	const char *text = node_text(tcp, file, "tcp", err);

	if (text == NULL)
		return -1;
	if (check_tcp(text, err) < 0)
		return node_at(tcp, file, err);
	return json_object_set_new(probe, "tcp", json_string(text));
}

static int
read_command(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *command = node_find(node, "command");
	json_t *argv = json_array();

	json_object_set_new(probe, "command", argv);
	if (command->kind != NODE_SEQUENCE) {
		node_err(command, file, err, "type.list",
			 "'command' must be a list of words");
		return err_remedy(err, "write [pg_isready, -q]; a shell is [sh, -c, "
				       "\"...\"]");
	}
	if (command->count < 1 || command->count > MAX_WORDS)
		return node_err(command, file, err, "type.range",
				"'command' must have 1 to %u words", MAX_WORDS);
	for (size_t i = 0; i < command->count; i++) {
		const char *word =
			node_text(command->items[i], file, "a word of 'command'", err);

		if (word == NULL)
			return -1;
		if (i == 0 && *word == 0)
			return node_err(command->items[i], file, err, "type.range",
					"'command' names no program");
		json_array_append_new(argv, json_string(word));
	}
	return 0;
}

static int
read_log(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	return read_pattern(node, file, "log", probe, err);
}

static int
read_timeout(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	const struct node *timeout = node_find(node, "timeout");
	uint64_t timeout_ms = 0;

	if (timeout == NULL)
		return 0;
	if (node_get_ms(node, file, "timeout", &timeout_ms, err) < 0)
		return -1;
	if (timeout_ms < 1 || timeout_ms > MAX_TIMEOUT_MS)
		return node_err(timeout, file, err, "type.range",
				"'timeout' must be from 1ms to 5m");
	return json_object_set_new(probe, "timeout_ms",
				   json_integer((json_int_t)timeout_ms));
}

static const struct form_key all_keys[] = {
	{ "http", { FORM_TEXT, "^(:|https?://)" }, false, "an address that answers" },
	{ "tcp", { FORM_TEXT, ":[0-9]+$" }, false, "a port that takes connections" },
	{ "command",
	  { FORM_LIST, .items = &(const struct form_value){ FORM_TEXT } },
	  false,
	  "a program inside the container" },
	{ "log", { FORM_TEXT }, false, "a pattern in the container's log" },
	{ "method", { FORM_CHOICE, "GET|HEAD|POST|PUT|OPTIONS" }, false, NULL },
	{ "expect", { FORM_STATUS }, false, "the status that is due" },
	{ "match", { FORM_TEXT }, false, "a pattern in the answer's body" },
	{ "redirects", { FORM_BOOL }, false, "redirects are followed" },
	{ "timeout", { FORM_DURATION }, false, "how long one try may take" },
	{ NULL },
};
const struct form probe_form = { "probe", all_keys, "http|tcp|command|log" };

static const struct kind {
	const char *name;
	const char *keys[7];	/* NULL-terminated */
	int (*read)(const struct node *node, const char *file, json_t *probe,
		    struct err *err);
} kinds[] = {
	{ "http",
	  { "http", "method", "expect", "match", "redirects", "timeout", NULL },
	  read_http },
	{ "tcp", { "tcp", "timeout", NULL }, read_tcp },
	{ "command", { "command", "timeout", NULL }, read_command },
	{ "log", { "log", "timeout", NULL }, read_log },
};

/* The one kind a probe is, or NULL. */
static const struct kind *
find_kind(const struct node *node, const char *file, struct err *err)
{
	const struct kind *kind = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct node *other = node_find(node, kinds[i].name);

		if (other != NULL && kind != NULL) {
			node_err(other, file, err, "key.conflict",
				 "'%s' and '%s' are two probes", kind->name,
				 kinds[i].name);
			err_remedy(err, "write each as an entry of its own");
			return NULL;
		}
		if (other != NULL)
			kind = &kinds[i];
	}
	if (kind == NULL) {
		node_err(node, file, err, "key.missing",
			 "'http', 'tcp', 'command' or 'log' is missing here");
		err_remedy(err, "write for example { http: \":8080/healthz\" }");
	}
	return kind;
}

static int
read_probe(const struct node *node, const char *file, json_t *probe, struct err *err)
{
	if (form_check(node, file, &probe_form, err) < 0)
		return -1;
	const struct kind *kind = find_kind(node, file, err);
	if (kind == NULL || node_check_keys(node, file, kind->keys, err) < 0 ||
	    kind->read(node, file, probe, err) < 0)
		return -1;
	return read_timeout(node, file, probe, err);
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
