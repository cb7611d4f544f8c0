/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Host, port, prefix and tags of a metrics sink. See sink.h. */
#include "base/base.h"

#include "model/sink.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/num.h"

#define MAX_HOST 253
#define MAX_LABEL 63
#define MAX_PREFIX 128
#define MAX_TAGS 256

void
sink_done(struct sink *sink)
{
	free(sink->host);
	free(sink->prefix);
	str_done(&sink->tags);
	*sink = (struct sink){ 0 };
}

static bool
is_made_of(const char *text, size_t n, const char *marks)
{
	for (size_t i = 0; i < n; i++)
		if (!ascii_is_letter(text[i]) && !ascii_is_digit(text[i]) &&
		    !strchr(marks, text[i]))
			return false;
	return true;
}

/* ---- host and port ---- */

static bool
is_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 ||
	       inet_pton(AF_INET6, text, &address) == 1;
}

/* Services of Compose may have `_`. What ends in a number is meant as an address. */
static bool
is_host_name(const char *text)
{
	const char *label = text;
	size_t n = 0;

	if (strlen(text) > MAX_HOST)
		return false;
	for (;; label += n + 1) {
		n = strcspn(label, ".");
		if (n == 0 || n > MAX_LABEL || label[0] == '-' ||
		    !is_made_of(label, n, "-_"))
			return false;
		if (label[n] == '\0')
			return strspn(label, "0123456789") != n;
	}
}

int
sink_set_host(struct sink *sink, const char *text, struct err *err)
{
	if (!is_address(text) && !is_host_name(text)) {
		err_set(err, "metrics.invalid", "'%.80s' is no host", text);
		return err_remedy(err, "give a name or an address without port, such "
				       "as 127.0.0.1");
	}
	free(sink->host);
	sink->host = x_strdup(text);
	return 0;
}

int
sink_set_port(struct sink *sink, const char *text, struct err *err)
{
	uint64_t port = 0;

	if (num_u64(text, &port) < 0 || port == 0 || port > UINT16_MAX) {
		err_set(err, "metrics.invalid", "'%.80s' is no port", text);
		return err_remedy(err, "give a number from 1 to 65535, such as %d",
				  SINK_PORT);
	}
	sink->port = (uint16_t)port;
	return 0;
}

/* ---- names ---- */

/* Many write the dot that comes between prefix and name. */
int
sink_set_prefix(struct sink *sink, const char *text, struct err *err)
{
	size_t n = strlen(text);

	if (n > 0 && text[n - 1] == '.')
		n--;
	if (n > MAX_PREFIX || !is_made_of(text, n, "._-") || text[0] == '.' ||
	    strstr(text, "..")) {
		err_set(err, "metrics.invalid",
			"'%.80s' is nothing that names of metrics begin with", text);
		return err_remedy(err,
				  "use words of A-Z a-z 0-9 _ - with dots between "
				  "them, at most %d characters, such as shop.fettle",
				  MAX_PREFIX);
	}
	free(sink->prefix);
	sink->prefix = x_strndup(text, n);
	return 0;
}

int
sink_add_tag(struct sink *sink, const char *name, const char *value, struct err *err)
{
	size_t n = strlen(name), len = strlen(value);

	if (n == 0 || len == 0 || !is_made_of(name, n, "._-/") ||
	    !is_made_of(value, len, "._-/:") ||
	    sink->tags.len + n + len + 2 > MAX_TAGS) {
		err_set(err, "metrics.invalid", "'%.80s: %.80s' is no tag", name,
			value);
		return err_remedy(err,
				  "names and values are made of A-Z a-z 0-9 . _ - /, "
				  "and all together have at most %d characters",
				  MAX_TAGS);
	}
	str_addf(&sink->tags, "%s%s:%s", sink->tags.len ? "," : "", name, value);
	return 0;
}

/* ---- the site file ---- */

typedef int setter(struct sink *sink, const char *text, struct err *err);

static int
read_member(const struct node *statsd, const char *file, const char *key, setter *set,
	    struct sink *sink, struct err *err)
{
	const struct node *node = node_find(statsd, key);
	const char *text;

	if (!node)
		return 0;
	if (!(text = node_text(node, file, key, err)))
		return -1;
	if (set(sink, text, err) == 0)
		return 0;
	err_context(err, "'%s'", key);
	return node_at(node, file, err);
}

static int
read_tags(const struct node *tags, const char *file, struct sink *sink, struct err *err)
{
	if (!tags)
		return 0;
	if (tags->kind != NODE_MAPPING)
		return node_err(tags, file, err, "type.map",
				"'tags' must be a mapping of names to values");
	for (size_t i = 0; i < tags->count; i++) {
		const char *value =
			node_text(tags->items[i], file, tags->keys[i], err);

		if (!value)
			return -1;
		if (sink_add_tag(sink, tags->keys[i], value, err) < 0)
			return node_at_key(tags, i, file, err);
	}
	return 0;
}

static int
read_statsd(const struct node *statsd, const char *file, struct sink *sink,
	    struct err *err)
{
	static const char *const allowed[] = { "host", "port", "prefix", "tags", NULL };

	if (node_check_keys(statsd, file, allowed, err) < 0 ||
	    read_member(statsd, file, "host", sink_set_host, sink, err) < 0 ||
	    read_member(statsd, file, "port", sink_set_port, sink, err) < 0 ||
	    read_member(statsd, file, "prefix", sink_set_prefix, sink, err) < 0 ||
	    read_tags(node_find(statsd, "tags"), file, sink, err) < 0)
		return -1;
	if (sink->host)
		return 0;
	node_err(statsd, file, err, "metrics.invalid", "'host' is missing in 'statsd'");
	return err_remedy(err, "say where the metrics go, such as host: 127.0.0.1");
}

int
sink_read(const struct node *node, const char *file, struct sink *sink, struct err *err)
{
	static const char *const allowed[] = { "statsd", NULL };
	const struct node *statsd;

	if (!node || node_is_null(node))
		return 0;
	if (node_check_keys(node, file, allowed, err) < 0)
		return -1;
	statsd = node_find(node, "statsd");
	return statsd ? read_statsd(statsd, file, sink, err) : 0;
}
