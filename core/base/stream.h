/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to somebody who may not read: standard output and standard error. Who
 * does not read is waited for like anywhere, unless the stream is live: then once
 * a stall, for a second, and from there on texts are left out, each as a whole,
 * and counted.
 */
#ifndef FETTLE_BASE_STREAM_H
#define FETTLE_BASE_STREAM_H

#include "base/str.h"

struct stream {
	int fd;
	bool is_broken;	/* a write failed; nothing more is written */
	int error;	/* errno of that write */
	bool is_live;	/* something goes on that no reader may hold up */
	int live_fd;	/* live: the terminal, opened so that no write waits; or -1 */
	bool is_stalled; /* live: the reader did not read when last looked at */
	struct str rest; /* live: of a text that was begun */
	uint64_t dropped; /* live: texts that were not begun */
};
#define STREAM_INIT(descriptor) ((struct stream){ .fd = (descriptor), .live_fd = -1 })
void stream_done(struct stream *stream); /* writes nothing, leaves fd open */

void stream_write(struct stream *stream, const char *bytes, size_t n);

void stream_go_live(struct stream *stream);
/* False when live and a text would be dropped now. */
bool stream_is_ready(struct stream *stream);
/* No longer live: what was begun is written to its end. */
void stream_settle(struct stream *stream);

#endif
