/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container or a command in it writes, as the Engine API streams it:
 * frames of an 8-byte header each, or plain bytes from a terminal.
 */
#ifndef FETTLE_COMMON_ENGINE_STREAM_H
#define FETTLE_COMMON_ENGINE_STREAM_H

#include "plugins/common/engine_api.h"

/* Takes the frames off and hands on what is in them; zero-initialise the rest. */
struct engine_stream {
	bool (*take)(void *to, const char *bytes, size_t n);
	void *to;
	unsigned char head[8];
	size_t head_len;
	size_t left;		/* of the frame that is being read */
	bool is_plain;
};

/* Fits `take` of struct engine_call. `to` is the stream. */
bool engine_stream_take(void *to, const char *bytes, size_t n);

/*
 * All that a container wrote since an RFC 3339 time (NULL: ever), piece by piece,
 * until take returns false or the time is over. 1, 0 no such container, -1.
 */
int engine_log_each(struct engine_api *api, const char *id, const char *since,
		    int64_t limit_ms,
		    bool (*take)(void *to, const char *bytes, size_t n), void *to,
		    struct fault *fault);

#endif
