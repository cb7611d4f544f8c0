/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines, datagrams, a socket. See statsd.h. */
#include "base/base.h"

#include "engine/statsd.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/ascii.h"

#define MAX_WORD 128
#define DROPPED_BYTES 440 /* the line that tells what was dropped, at its longest */
#define REFUSAL_MS 100 /* a refusal comes from the machine itself, or its network */

void
statsd_done(struct statsd *statsd)
{
	sink_done(&statsd->sink);
	auto_close(&statsd->fd);
	str_done(&statsd->lines);
}

/* ---- lines ---- */

void
statsd_add_word(struct str *name, const char *word)
{
	size_t n = strnlen(word, MAX_WORD);

	for (size_t i = 0; i < n; i++)
		str_add_c(name, ascii_is_letter(word[i]) || ascii_is_digit(word[i]) ||
						word[i] == '-' ?
					word[i] :
					'_');
	if (n == 0)
		str_add_c(name, '_');
}

static void
add_line(struct statsd *statsd, const char *name, int64_t value, const char *type)
{
	const struct sink *sink = &statsd->sink;
	struct str *lines = &statsd->lines;

	str_addf(lines, "%s%s%s%s:%lld|%s%s%s", lines->len ? "\n" : "", sink->prefix,
		 *sink->prefix ? "." : "", name, (long long)value, type,
		 sink->tags.len ? "|#" : "", str_get(&sink->tags));
}

static void
add(struct statsd *statsd, const char *name, int64_t value, const char *type)
{
	struct str *lines = &statsd->lines;
	size_t before = lines->len;

	add_line(statsd, name, value, type);
	if (lines->len > STATSD_MAX_BYTES - DROPPED_BYTES) {
		str_truncate(lines, before);
		statsd_send(statsd);
		add_line(statsd, name, value, type);
	}
	statsd->line_count++;
}

void
statsd_count(struct statsd *statsd, const char *name)
{
	add(statsd, name, 1, "c");
}

void
statsd_time(struct statsd *statsd, const char *name, int64_t ms)
{
	/* Clocks may be set back; no time is less than none. */
	add(statsd, name, ms > 0 ? ms : 0, "ms");
}

/* ---- datagrams ---- */

/* Connected, so that a refusal is told. What does not work is tried again later. */
static bool
is_connected(struct statsd *statsd)
{
	const struct sockaddr *address = (const struct sockaddr *)&statsd->address;

	if (statsd->address_len == 0 || statsd->fd >= 0)
		return statsd->fd >= 0;
	statsd->fd = socket(address->sa_family,
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (statsd->fd >= 0 && connect(statsd->fd, address, statsd->address_len) < 0)
		auto_close(&statsd->fd);
	return statsd->fd >= 0;
}

static bool
send_lines(struct statsd *statsd)
{
	return is_connected(statsd) &&
	       send(statsd->fd, statsd->lines.s, statsd->lines.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void
statsd_send(struct statsd *statsd)
{
	uint64_t told = statsd->dropped;

	if (statsd->line_count == 0)
		return;
	if (told > 0)
		add_line(statsd, "metrics.dropped", (int64_t)told, "c");
	statsd->dropped = 0;
	errno = 0;
	bool is_sent = send_lines(statsd);
	/* A refusal is told late, when the next datagram is to go; that one can. */
	if (!is_sent && errno == ECONNREFUSED) {
		statsd->dropped = statsd->last_count;
		is_sent = send_lines(statsd);
	}
	statsd->last_count = is_sent ? statsd->line_count + told : 0;
	if (!is_sent)
		statsd->dropped += statsd->line_count + told;
	str_truncate(&statsd->lines, 0);
	statsd->line_count = 0;
}

bool
statsd_is_heard(struct statsd *statsd)
{
	struct pollfd refusal = { .fd = -1 };
	int error = 0;
	socklen_t size = sizeof error;

	if (!is_connected(statsd) || send(statsd->fd, "", 0, MSG_NOSIGNAL) < 0)
		return false;
	refusal.fd = statsd->fd;
	if (poll(&refusal, 1, REFUSAL_MS) <= 0)
		return true;
	(void)getsockopt(statsd->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	errno = error;
	return error == 0;
}
