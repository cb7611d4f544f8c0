/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream whose reader holds nobody up. See stream.h. */
#include "base/base.h"

#include "base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"

#define PATIENCE_MS 1000 /* how long the reader is waited for, once a stall */

void
stream_done(struct stream *stream)
{
	auto_close(&stream->live_fd);
	str_done(&stream->rest);
}

static void
set_broken(struct stream *stream)
{
	stream->error = errno;
	stream->is_broken = true;
	str_done(&stream->rest);
}

static int
live_fd(const struct stream *stream)
{
	return stream->live_fd >= 0 ? stream->live_fd : stream->fd;
}

/* Would a write of no more than PIPE_BUF bytes to a pipe come back at once? */
static bool
has_room(struct stream *stream)
{
	int64_t until = clock_boot_ms() + (stream->is_stalled ? 0 : PATIENCE_MS);
	int ready;

	do {
		struct pollfd room = { live_fd(stream), POLLOUT, 0 };
		int64_t left = until - clock_boot_ms();

		ready = poll(&room, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	stream->is_stalled = ready == 0;
	return ready != 0;
}

/* As much as there is room for. How much was written. */
static size_t
write_some(struct stream *stream, const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n && has_room(stream)) {
		size_t most = n - done < PIPE_BUF ? n - done : PIPE_BUF;
		ssize_t written = write(live_fd(stream), bytes + done, most);

		/* A terminal may have room, and yet not for this. */
		if (written < 0 && errno == EAGAIN)
			break;
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			set_broken(stream);
			return n;
		}
		done += (size_t)written;
	}
	return done;
}

/*
 * A terminal takes a large text byte by byte, and waits between them. To open it anew
 * changes nothing for others who have it.
 */
void
stream_go_live(struct stream *stream)
{
	char path[32];

	stream->is_live = true;
	if (stream->live_fd >= 0 || isatty(stream->fd) != 1)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", stream->fd);
	stream->live_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

bool
stream_is_ready(struct stream *stream)
{
	size_t done;

	if (!stream->is_live || stream->is_broken)
		return true;
	done = write_some(stream, stream->rest.s, stream->rest.len);
	if (done < stream->rest.len) {
		memmove(stream->rest.s, stream->rest.s + done, stream->rest.len - done);
		str_truncate(&stream->rest, stream->rest.len - done);
		return false;
	}
	str_truncate(&stream->rest, 0);
	return has_room(stream);
}

static void
write_live(struct stream *stream, const char *bytes, size_t n)
{
	size_t done;

	if (!stream_is_ready(stream)) {
		stream->dropped++;
		return;
	}
	done = write_some(stream, bytes, n);
	str_add_n(&stream->rest, bytes + done, n - done);
}

void
stream_write(struct stream *stream, const char *bytes, size_t n)
{
	if (stream->is_live && !stream->is_broken)
		write_live(stream, bytes, n);
	else if (!stream->is_broken && file_write_all(stream->fd, bytes, n) < 0)
		set_broken(stream);
}

void
stream_settle(struct stream *stream)
{
	stream->is_live = false;
	auto_close(&stream->live_fd);
	stream_write(stream, str_get(&stream->rest), stream->rest.len);
	str_done(&stream->rest);
}
