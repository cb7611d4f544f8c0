/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See engine_stream.h. */
#include "plugins/common/engine_stream.h"

#include <string.h>

#include "plugins/common/container.h"

/* The header's bytes that are here; true when it is whole. */
static bool
read_head(struct engine_stream *stream, const char **bytes, size_t *n)
{
	static const unsigned char zero[3];

	while (stream->head_len < sizeof(stream->head) && *n > 0) {
		stream->head[stream->head_len++] = (unsigned char)**bytes;
		(*bytes)++;
		(*n)--;
	}
	const unsigned char *h = stream->head;
	size_t known = stream->head_len < 4 ? stream->head_len : 4;
	if (known > 0 && (h[0] > 2 || memcmp(h + 1, zero, known - 1) != 0))
		stream->is_plain = true;
	if (stream->head_len < sizeof(stream->head))
		return false;
	stream->left = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 |
		       h[7];
	return true;
}

bool
engine_stream_take(void *to, const char *bytes, size_t n)
{
	struct engine_stream *stream = to;

	while (n > 0) {
		if (stream->is_plain)
			return stream->take(stream->to, bytes, n);
		if (stream->left == 0) {
			bool is_whole = read_head(stream, &bytes, &n);

			if (stream->is_plain && !stream->take(stream->to,
							      (char *)stream->head,
							      stream->head_len))
				return false;
			if (is_whole)
				stream->head_len = 0;
			continue;
		}
		size_t part = n < stream->left ? n : stream->left;
		if (!stream->take(stream->to, bytes, part))
			return false;
		stream->left -= part;
		bytes += part;
		n -= part;
	}
	return true;
}

/* `2026-11-21T10:00:00.25Z` as the engine reads times: 1795255200.25 */
static char *
unix_time(const char *rfc3339)
{
	const char *dot = strchr(rfc3339, '.');
	int fraction_len = dot ? 1 + (int)strspn(dot + 1, "0123456789") : 0;

	return text_format("%lld%.*s", (long long)engine_time_s(rfc3339),
			   fraction_len > 1 ? fraction_len : 0, dot ? dot : "");
}

int
engine_log_each(struct engine_api *api, const char *id, const char *since,
		int64_t limit_ms, bool (*take)(void *to, const char *bytes, size_t n),
		void *to, struct fault *fault)
{
	struct engine_stream stream = { .take = take, .to = to };
	AUTO_FREE char *from = since ? unix_time(since) : text_copy("0");
	AUTO_FREE char *path = text_format(
		"/containers/%s/logs?stdout=1&stderr=1&since=%s", id, from);
	bool is_cut = false;
	struct engine_call call = { .method = "GET",
				    .path = path,
				    .limit_ms = limit_ms,
				    .take = engine_stream_take,
				    .to = &stream,
				    .is_cut = &is_cut };

	return engine_send(api, &call, NULL, fault);
}
