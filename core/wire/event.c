/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sending and receiving one event; what events there are is in event_kind.c. */
#include "base/base.h"
#include "wire/event.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "wire/spill.h"

#define SPILL_ABOVE_BYTES (16u << 10)

static size_t
json_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int
spill_member(json_t *event, const char *key, int scratch_fd, struct err *err)
{
	json_t *spill = spill_save(scratch_fd, json_object_get(event, key), err);

	if (!spill)
		return err_context(err, "member '%s'", key);
	return json_object_set_new(event, key, spill);
}

static const char *
largest_member(json_t *event)
{
	const char *key, *largest = NULL;
	size_t size, largest_size = 0;
	json_t *value;

	json_object_foreach (event, key, value) {
		size = json_size(value);
		if (size > largest_size && !is_spill(value)) {
			largest_size = size;
			largest = key;
		}
	}
	return largest;
}

/* A shallow copy in which every member, and their sum, is small enough. */
static json_t *
small_copy(const json_t *event, int scratch_fd, struct err *err)
{
	AUTO(json_ref) json_t *small = json_copy((json_t *)event);
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)event, key, value)
		if (is_spill(value) || json_size(value) > SPILL_ABOVE_BYTES)
			if (spill_member(small, key, scratch_fd, err) < 0)
				return NULL;
	while (json_size(small) > EVENT_MAX_BYTES)
		if (spill_member(small, largest_member(small), scratch_fd, err) < 0)
			return NULL;
	return STEAL(small);
}

int
event_send(int fd, int scratch_fd, const json_t *event, struct err *err)
{
	AUTO(json_ref) json_t *small = NULL;
	AUTO_FREE char *text = NULL;
	ssize_t sent;

	if (event_check(event, err) < 0)
		return -1;
	small = small_copy(event, scratch_fd, err);
	if (!small)
		return err_context(err, "send event '%s'", json_text(event, "e"));
	text = json_dumps(small, JSON_COMPACT);
	do
		sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_errno(err, "event.closed", "send event '%s'",
				 json_text(event, "e"));
	return 0;
}

/*
 * An empty packet looks like the end of the stream; only a hung-up peer that left
 * nothing behind is the end.
 */
static int
refuse_nothing(int fd, struct err *err)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLRDHUP };
	char next;

	if (poll(&pollfd, 1, 0) == 1 &&
	    (pollfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) &&
	    recv(fd, &next, sizeof(next), MSG_PEEK | MSG_DONTWAIT) <= 0)
		return err_set(err, "event.closed", "the event channel was closed");
	return err_set(err, "event.garbage",
		       "an empty packet came on the event channel");
}

int
event_receive(int fd, int scratch_fd, json_t **ret, struct err *err)
{
	char packet[EVENT_MAX_BYTES + 1];
	AUTO(json_ref) json_t *event = NULL;
	const char *key;
	json_t *value;
	ssize_t n;

	do
		n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		return err_errno(err, "event.closed", "receive an event");
	if (n == 0)
		return refuse_nothing(fd, err);
	if ((size_t)n > EVENT_MAX_BYTES)
		return err_set(err, "event.garbage", "an event is longer than %u bytes",
			       EVENT_MAX_BYTES);

	event = json_parse(packet, (size_t)n, err);
	if (!event) {
		err_context(err, "parse an event");
		snprintf(err->code, sizeof(err->code), "event.garbage");
		return -1;
	}
	json_object_foreach (event, key, value) {
		if (!is_spill(value))
			continue;
		value = spill_load(scratch_fd, value, err);
		/* Setting a member that exists does not disturb the iteration. */
		if (!value || json_object_set_new(event, key, value) < 0)
			return -1;
	}
	if (event_check(event, err) < 0)
		return -1;
	*ret = STEAL(event);
	return 1;
}
