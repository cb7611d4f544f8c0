/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See probe.h. */
#include "plugins/common/probe.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/common/text.h"

enum probe_kind
probe_kind(const json_t *probe)
{
	static const char *const names[] = { [PROBE_HTTP] = "http",
					     [PROBE_TCP] = "tcp",
					     [PROBE_COMMAND] = "command",
					     [PROBE_LOG] = "log" };

	for (size_t i = PROBE_HTTP; i < COUNT_OF(names); i++)
		if (json_object_get(probe, names[i]))
			return (enum probe_kind)i;
	return PROBE_NONE;
}

/* ---- can it be asked? ---------------------------------------------------- */

static const char *
probe_place(const json_t *probe)
{
	return json_text(probe, probe_kind(probe) == PROBE_TCP ? "tcp" : "http");
}

bool
probe_is_literal(const json_t *probe)
{
	const char *place = probe_place(probe);

	if (probe_kind(probe) == PROBE_TCP)
		return *place != ':';
	return text_starts(place, "http://") || text_starts(place, "https://");
}

static long
port_of(const char *place)
{
	return *place == ':' ? strtol(place + 1, NULL, 10) : 0;
}

static bool
is_argv(const json_t *command)
{
	size_t i;
	json_t *word;

	json_array_foreach(command, i, word)
		if (!json_is_string(word))
			return false;
	return json_array_size(command) > 0;
}

/* NULL, or why it cannot be asked (caller owns). */
static char *
why_bad_pattern(const json_t *pattern)
{
	char *why = NULL;

	if (pattern && !json_is_string(pattern))
		return text_copy("its pattern is no text");
	if (pattern)
		pattern_free(pattern_new(json_string_value(pattern), &why));
	if (!why)
		return NULL;
	char *text = text_format("'%s' is no regular expression: %s",
				 json_string_value(pattern), why);
	free(why);
	return text;
}

static char *
why_bad(const json_t *probe)
{
	const char *place = probe_place(probe);
	long port = port_of(place);
	bool has_port = port > 0 && port < 65536;

	switch (probe_kind(probe)) {
	case PROBE_HTTP:
		if (!probe_is_literal(probe) && !has_port)
			return text_format("'%s' is neither :PORT/PATH nor a URL",
					   place);
		return why_bad_pattern(json_object_get(probe, "match"));
	case PROBE_TCP:
		if (!has_port && (*place == ':' || !strchr(place, ':')))
			return text_format("'%s' is neither :PORT nor HOST:PORT",
					   place);
		return NULL;
	case PROBE_COMMAND:
		if (!is_argv(json_object_get(probe, "command")))
			return text_copy("its command is no list of words");
		return NULL;
	case PROBE_LOG:
		return why_bad_pattern(json_object_get(probe, "log"));
	case PROBE_NONE:
		break;
	}
	return text_copy("it is none of http, tcp, command and log");
}

int
probe_check(const json_t *probes, struct fault *fault)
{
	size_t i;
	json_t *probe;

	json_array_foreach(probes, i, probe) {
		AUTO_FREE char *why = why_bad(probe);

		if (!why)
			continue;
		fault_set(fault, FETTLE_WHY_INPUT, "health_invalid",
			  "health probe %zu cannot be asked: %s", i + 1, why);
		return fault_remedy(fault, "mend it in fettle.yaml; "
					   "fettle-project(5) shows the four kinds");
	}
	return 0;
}

/* ---- where and how ------------------------------------------------------- */

int64_t
probe_timeout_ms(const json_t *probe, int64_t limit_ms)
{
	int64_t timeout_ms = json_member_int(probe, "timeout_ms", REACH_TIMEOUT_MS);

	if (timeout_ms > limit_ms)
		timeout_ms = limit_ms;
	return timeout_ms > 1 ? timeout_ms : 1;
}

void
probe_urls(const json_t *probe, const json_t *container, struct argv *ret)
{
	const char *place = probe_place(probe), *ip = json_member(container, "ip");
	const char *mode = json_member(container, "network_mode");
	bool is_http = probe_kind(probe) == PROBE_HTTP;

	if (probe_is_literal(probe)) {
		argv_add(ret, place);
		return;
	}
	long port = port_of(place);
	const char *scheme = is_http ? "http://" : "";
	const char *rest = place + strcspn(place, "/?#");
	AUTO_FREE char *path =
		is_http ? text_format("%s%s", *rest == '/' ? "" : "/", rest) :
			  text_copy("");
	if (text_equal(mode, "host")) {
		argv_addf(ret, "%s127.0.0.1:%ld%s", scheme, port, path);
		return;
	}
	if (ip && strchr(ip, ':'))
		argv_addf(ret, "%s[%s]:%ld%s", scheme, ip, port, path);
	else if (ip)
		argv_addf(ret, "%s%s:%ld%s", scheme, ip, port, path);
	AUTO_FREE char *key = text_format("%ld/tcp", port);
	int64_t published =
		json_member_int(json_object_get(container, "ports"), key, 0);
	if (published > 0)
		argv_addf(ret, "%s127.0.0.1:%lld%s", scheme, (long long)published,
			  path);
}

static struct reach
ask_at(const json_t *probe, const char *place, int64_t timeout_ms)
{
	struct http_request request = {
		.method = json_member(probe, "method"),
		.expect = json_object_get(probe, "expect"),
		.match = json_member(probe, "match"),
		.timeout_ms = timeout_ms,
		.follows = json_member_true(probe, "redirects"),
	};

	if (probe_kind(probe) == PROBE_HTTP)
		return reach_http(&request, place);
	return reach_tcp(place, timeout_ms,
			 !probe_is_literal(probe) && text_starts(place, "127.0.0.1:"));
}

bool
probe_ask(const json_t *probe, const struct argv *urls, int64_t limit_ms,
	  char **ret_text)
{
	int64_t timeout_ms = probe_timeout_ms(probe, limit_ms);

	*ret_text = NULL;
	for (size_t i = 0; i < urls->count; i++) {
		struct reach reach = ask_at(probe, urls->v[i], timeout_ms);

		free(*ret_text);
		*ret_text = reach.text;
		if (reach.is_answered)
			return reach.is_good;
	}
	if (!*ret_text)
		*ret_text = text_format(
			"%s: the container has no address and publishes no such port",
			probe_place(probe));
	return false;
}
