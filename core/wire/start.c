/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors from the engine to its nursery, and a pid back. See start.h. */
#include "base/base.h"
#include "wire/start.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* The descriptors that are there travel in their order; the mask says which. */
struct packet {
	uint32_t mask; /* of enum start_fd */
	char attempt[256];
};

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(START_FDS * sizeof(int))];
};

static int
lost(struct err *err, const char *doing)
{
	return err_errno(err, "spawn_failed", "%s", doing);
}

int
start_send(int channel, const struct start *start, struct err *err)
{
	struct packet packet = { 0 };
	struct iovec part = { &packet, sizeof(packet) };
	union control control = { 0 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control };
	int fds[START_FDS];
	size_t count = 0;
	ssize_t sent;

	memcpy(packet.attempt, start->attempt, sizeof(packet.attempt));
	for (size_t i = 0; i < START_FDS; i++)
		if (start->fds[i] >= 0) {
			packet.mask |= UINT32_C(1) << i;
			fds[count++] = start->fds[i];
		}
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
	message.msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0;
	do
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? lost(err, "hand a question to fettle-host") : 0;
}

/* Each to its place. -1 when they are not those of the mask. */
static int
take_fds(const struct msghdr *message, uint32_t mask, struct start *ret)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	size_t count = 0, taken = 0;
	int fds[START_FDS];

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (count > 0)
		memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	for (size_t i = 0; i < START_FDS; i++)
		if (mask & UINT32_C(1) << i && taken < count)
			ret->fds[i] = fds[taken++];
	while (taken < count)
		close(fds[--count]);
	return taken == (size_t)__builtin_popcount(mask) ? 0 : -1;
}

int
start_receive(int channel, struct start *ret, struct err *err)
{
	struct packet packet;
	struct iovec part = { &packet, sizeof(packet) };
	union control control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct start start = { .fds = { -1, -1, -1, -1, -1 } };
	ssize_t n;

	do
		n = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? lost(err, "receive a question") : 0;
	if (n != sizeof(packet) || message.msg_flags & MSG_CTRUNC ||
	    take_fds(&message, packet.mask, &start) < 0) {
		start_close(&start);
		return err_set(err, "spawn_failed",
			       "receive a question: it came without its descriptors");
	}
	memcpy(start.attempt, packet.attempt, sizeof(start.attempt));
	start.attempt[sizeof(start.attempt) - 1] = '\0';
	*ret = start;
	return 1;
}

void
start_close(struct start *start)
{
	for (size_t i = 0; i < START_FDS; i++)
		auto_close(&start->fds[i]);
}

int
start_reply(int channel, pid_t pid, struct err *err)
{
	int32_t answer = pid;

	if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
		return lost(err, "tell the pid of a host");
	return 0;
}

int
start_await_reply(int channel, pid_t *ret, struct err *err)
{
	int32_t answer = 0;
	ssize_t n;

	do
		n = recv(channel, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(answer)) {
		if (n >= 0)
			errno = ECONNRESET;
		lost(err, "start a host: fettle-host does not answer");
		return err_remedy(err, "check the installation with `fettle doctor`");
	}
	if (answer <= 0) {
		errno = -answer;
		return lost(err, "start a host");
	}
	*ret = answer;
	return 0;
}
