/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See port.h. */
#include "plugins/analyze/port.h"

bool
ports_publish(const json_t *ports, const char *port)
{
	const json_t *text;
	size_t i;

	json_array_foreach(ports, i, text) {
		AUTO_FREE char *s = text_copy(json_string_value(text));
		char *target = s ? strrchr(s, ':') : NULL, *host;

		if (!target)
			continue;
		*target = '\0';
		host = strrchr(s, ':');
		if (text_equal(host ? host + 1 : s, port))
			return true;
	}
	return false;
}

/* The port a probe like `:8080/healthz` asks; 0 when it names none. */
static long
probe_port(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url, *colon = strchr(host, ':');
	size_t end = strcspn(host, "/");

	return colon && (size_t)(colon - host) < end ? strtol(colon + 1, NULL, 10) : 0;
}

bool
ports_expect(const json_t *ports, const json_t *health, long port, bool *ret_known)
{
	const json_t *item;
	bool found = false;
	size_t i;

	*ret_known = false;
	json_array_foreach(ports, i, item) {
		const char *s = json_string_value(item),
			   *colon = s ? strrchr(s, ':') : NULL;
		long target = s ? strtol(colon ? colon + 1 : s, NULL, 10) : 0;

		*ret_known |= target > 0;
		found |= target == port;
	}
	json_array_foreach(health, i, item) {
		long target = probe_port(json_text(item, "http"));

		*ret_known |= target > 0;
		found |= target == port;
	}
	return found;
}
