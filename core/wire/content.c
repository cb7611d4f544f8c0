/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an edit inside its event: plain text where they are text. */
#include "base/base.h"
#include "wire/event.h"

#include <nettle/base64.h>

#include "base/str.h"

static char *
encode(const void *bytes, size_t n)
{
	char *text = x_malloc(BASE64_ENCODE_RAW_LENGTH(n) + 1);

	base64_encode_raw(text, n, bytes);
	text[BASE64_ENCODE_RAW_LENGTH(n)] = '\0';
	return text;
}

static int
decode(const char *text, size_t n, char **ret, size_t *ret_len)
{
	size_t digits =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			     "0123456789+/");
	size_t padding = strspn(text + digits, "=");
	AUTO_FREE char *bytes = x_malloc(BASE64_DECODE_LENGTH(n) + 1);
	struct base64_decode_ctx state;
	size_t len = BASE64_DECODE_LENGTH(n);

	if (n % 4 || digits + padding != n || padding > 2)
		return -1;
	base64_decode_init(&state);
	if (!base64_decode_update(&state, &len, (uint8_t *)bytes, n, text) ||
	    !base64_decode_final(&state))
		return -1;
	*ret_len = len;
	bytes[len] = '\0';
	*ret = STEAL(bytes);
	return 0;
}

void
event_set_content(json_t *edit, const void *bytes, size_t n)
{
	if (n == 0 || (utf8_is_valid(bytes, n) && !memchr(bytes, '\0', n))) {
		json_object_set_new(edit, "content", json_stringn(n ? bytes : "", n));
	} else {
		AUTO_FREE char *text = encode(bytes, n);

		json_object_set_new(edit, "base64", json_string(text));
	}
}

int
event_get_content(const json_t *edit, char **ret, size_t *ret_len, struct err *err)
{
	const json_t *content = json_object_get(edit, "content");
	const json_t *base64 = json_object_get(edit, "base64");

	if (content) {
		*ret_len = json_string_length(content);
		*ret = x_malloc(*ret_len + 1);
		memcpy(*ret, json_string_value(content), *ret_len + 1);
		return 0;
	}
	if (!base64 || decode(json_string_value(base64),
				     json_string_length(base64), ret, ret_len) < 0)
		return err_set(err, "event.garbage",
			       "an edit of '%s' has no readable content",
			       json_text(edit, "path"));
	return 0;
}
