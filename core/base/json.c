/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Canonical text, strict reading and short getters on top of jansson. */
#include "base/base.h"

#include "base/json.h"

#include <assert.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"

#define JSON_MAX_BYTES (64u << 20)

void
json_ref_done(json_t **json)
{
	json_decref(*json);
}

char *
json_canonical(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assert(text);	/* only a value with a cycle, or none, has no text */
	return text;
}

void
json_sha256(const json_t *json, char ret_hex[65])
{
	AUTO_FREE char *text = json_canonical(json);
	sha256_hex(text, strlen(text), ret_hex);
}

json_t *
json_parse(const char *text, size_t len, struct err *err)
{
	if (len > JSON_MAX_BYTES) {
		err_set(err, "json.size",
			"the JSON text has %zu bytes, above the limit of %u", len,
			JSON_MAX_BYTES);
		return NULL;
	}

	json_error_t error;
	json_t *json =
		json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json)
		return json;
	const char *code = "json.syntax";
	if (json_error_code(&error) == json_error_duplicate_key)
		code = "json.duplicate_key";
	else if (json_error_code(&error) == json_error_stack_overflow)
		code = "json.depth";
	err_set(err, code, "not valid JSON: %s", error.text);
	if (error.line > 0)
		err_at(err, "", (uint32_t)error.line,
		       error.column > 0 ? (uint32_t)error.column : 0);
	return NULL;
}

const char *
json_text(const json_t *object, const char *key)
{
	return json_text_or(object, key, "");
}

const char *
json_text_or(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : fallback;
}

int64_t
json_int_or(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

bool
json_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *
json_string_lossy(const char *bytes, size_t n)
{
	AUTO(str) struct str text = STR_INIT;
	while (n > 0) {
		uint32_t point;
		size_t len = utf8_decode(bytes, n, &point);
		if (len > 0) {
			str_add_n(&text, bytes, len);
		} else {
			len = 1;
			str_add(&text, "\xef\xbf\xbd");
		}
		bytes += len;
		n -= len;
	}
	json_t *json = json_stringn_nocheck(str_get(&text), text.len);
	assert(json);
	return json;
}
