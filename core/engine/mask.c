/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replaces secret values in byte streams and JSON. See mask.h. */
#include "base/base.h"

#include "engine/mask.h"

static const char *const common_values[] = { "true",	   "false",	 "null",
					     "none",	   "localhost",	 "yes",
					     "production", "development" };

static void
mask_add_one(struct mask *mask, const char *bytes, size_t n)
{
	AUTO_FREE char *value = x_strndup(bytes, n);

	if (n < MASK_MIN_BYTES || strv_has(&mask->values, value))
		return;
	strv_add(&mask->values, value);
	/* Longest first: of two values at one place the longer one wins. */
	for (size_t i = mask->values.count - 1; i > 0; i--) {
		char **v = mask->values.v;

		if (strlen(v[i]) <= strlen(v[i - 1]))
			break;
		char *shorter = v[i - 1];
		v[i - 1] = v[i];
		v[i] = shorter;
	}
	if (n > mask->longest)
		mask->longest = n;
}

bool
mask_add(struct mask *mask, const char *value)
{
	size_t n = strlen(value);

	if (n < MASK_MIN_BYTES)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(common_values); i++)
		if (str_eq(value, common_values[i]))
			return false;
	mask_add_one(mask, value, n);
	if (!strchr(value, '\n'))
		return true;
	for (const char *line = value; *line;) {
		size_t length = strcspn(line, "\r\n");

		mask_add_one(mask, line, length);
		line += length;
		line += strspn(line, "\r\n");
	}
	return true;
}

void
mask_done(struct mask *mask)
{
	strv_done(&mask->values);
	mask->longest = 0;
}

/* The length of the value that starts at bytes, or 0. */
static size_t
mask_match(const struct mask *mask, const char *bytes, size_t n)
{
	for (size_t i = 0; i < mask->values.count; i++) {
		size_t length = strlen(mask->values.v[i]);

		if (length <= n && memcmp(mask->values.v[i], bytes, length) == 0)
			return length;
	}
	return 0;
}

/* Masks bytes[0..end) where a match may reach beyond end up to n; returns where it
 * stopped. */
static size_t
mask_until(const struct mask *mask, const char *bytes, size_t end, size_t n,
	   struct str *out)
{
	size_t at = 0, plain = 0;

	while (at < end) {
		size_t length = mask_match(mask, bytes + at, n - at);

		if (length == 0) {
			at++;
			continue;
		}
		str_add_n(out, bytes + plain, at - plain);
		str_add(out, "***");
		at += length;
		plain = at;
	}
	str_add_n(out, bytes + plain, at - plain);
	return at;
}

void
mask_bytes(const struct mask *mask, const char *bytes, size_t n, struct str *out)
{
	if (mask->values.count == 0)
		str_add_n(out, bytes, n);
	else
		(void)mask_until(mask, bytes, n, n, out);
}

void
mask_feed(struct mask_stream *stream, const char *bytes, size_t n, struct str *out)
{
	const struct mask *mask = stream->mask;

	if (mask->values.count == 0) {
		str_add_n(out, bytes, n);
		return;
	}
	str_add_n(&stream->held, bytes, n);
	/* What is nearer to the end than the longest value may still become one. */
	size_t keep = mask->longest - 1;
	if (stream->held.len <= keep)
		return;
	size_t at = mask_until(mask, stream->held.s, stream->held.len - keep,
			       stream->held.len, out);
	memmove(stream->held.s, stream->held.s + at, stream->held.len - at);
	str_truncate(&stream->held, stream->held.len - at);
}

void
mask_end(struct mask_stream *stream, struct str *out)
{
	if (stream->held.len > 0)
		mask_bytes(stream->mask, stream->held.s, stream->held.len, out);
	str_done(&stream->held);
}

bool
mask_hides(const struct mask *mask, const json_t *value)
{
	if (mask->values.count == 0)
		return false;
	AUTO(json_ref) json_t *masked = mask_json(mask, value);
	return !json_equal(masked, value);
}

json_t *
mask_json(const struct mask *mask, const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (mask->values.count == 0)
		return json_deep_copy(value);
	if (json_is_string(value)) {
		AUTO(str) struct str out = STR_INIT;

		mask_bytes(mask, json_string_value(value), json_string_length(value),
			   &out);
		return json_string_lossy(str_get(&out), out.len);
	}
	if (json_is_array(value)) {
		json_t *copy = json_array();

		json_array_foreach (value, i, member)
			json_array_append_new(copy, mask_json(mask, member));
		return copy;
	}
	if (json_is_object(value)) {
		json_t *copy = json_object();

		json_object_foreach ((json_t *)(uintptr_t)value, key, member)
			json_object_set_new(copy, key, mask_json(mask, member));
		return copy;
	}
	return json_deep_copy(value);
}
