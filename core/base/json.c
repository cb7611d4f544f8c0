/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Canonical text, strict reading and short getters on top of jansson. */
#include "base/base.h"

#include "base/json.h"

#include <assert.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"

#define JSON_MAX_BYTES (64u << 20)
#define FEW_MEMBERS 32u

void
json_ref_done(json_t **json)
{
	json_decref(*json);
}

/* ---- canonical text ---- */

/* One byte where room was reserved. */
static void
put(struct str *out, char c)
{
	out->s[out->len++] = c;
}

/* `\n`, `\u001B`: at most six bytes. */
static void
put_escaped(struct str *out, unsigned char c)
{
	static const char shorts[] = "b\bf\fn\nr\rt\t"; /* each behind its letter */
	static const char digits[] = "0123456789ABCDEF";
	const char *found = c < 0x20 ? memchr(shorts, c, sizeof(shorts) - 1) : NULL;

	put(out, '\\');
	if (c >= 0x20) {
		put(out, (char)c);
	} else if (found != NULL) {
		put(out, found[-1]);
	} else {
		memcpy(out->s + out->len, "u00", 3);
		out->len += 3;
		put(out, digits[c >> 4]);
		put(out, digits[c & 15]);
	}
}

static bool
stands_for_itself(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void
add_string(struct str *out, const char *s, size_t n)
{
	str_reserve(out, n * 6 + 3); /* and a colon behind a key */
	put(out, '"');
	for (size_t i = 0, begin = 0; i < n; begin = i) {
		while (i < n && stands_for_itself((unsigned char)s[i]))
			i++;
		memcpy(out->s + out->len, s + begin, i - begin);
		out->len += i - begin;
		if (i < n)
			put_escaped(out, (unsigned char)s[i++]);
	}
	put(out, '"');
	out->s[out->len] = '\0';
}

void
json_add_text(struct str *out, const char *text)
{
	add_string(out, text, strlen(text));
}

void
json_add_integer(struct str *out, int64_t number)
{
	char digits[24], *at = digits + sizeof(digits);
	unsigned long long left = (unsigned long long)number;

	if (number < 0)
		left = -left;
	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (number < 0)
		*--at = '-';
	str_add_n(out, at, (size_t)(digits + sizeof(digits) - at));
}

static void
add_array(struct str *out, const json_t *array)
{
	const json_t *item;
	size_t i;

	str_add_c(out, '[');
	json_array_foreach (array, i, item) {
		if (i > 0)
			str_add_c(out, ',');
		json_add(out, item);
	}
	str_add_c(out, ']');
}

struct member {
	const char *key;
	size_t len;
	const json_t *value;
};

static int
compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Few members are the rule: those are sorted in place and without the heap. */
static void
sort_members(struct member *members, size_t count)
{
	if (count > FEW_MEMBERS) {
		qsort(members, count, sizeof(*members), compare_members);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct member moved = members[i];
		size_t j = i;

		for (; j > 0 && compare_members(&members[j - 1], &moved) > 0; j--)
			members[j] = members[j - 1];
		members[j] = moved;
	}
}

static void
add_object(struct str *out, const json_t *object)
{
	struct member few[FEW_MEMBERS], *members = few;
	AUTO_FREE struct member *many = NULL;
	size_t count = 0;
	const char *key;
	json_t *value;

	if (json_object_size(object) > FEW_MEMBERS)
		members = many = x_calloc(json_object_size(object), sizeof(*many));
	json_object_foreach ((json_t *)object, key, value)
		members[count++] = (struct member){ key, strlen(key), value };
	sort_members(members, count);
	str_add_c(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_add_c(out, ',');
		add_string(out, members[i].key, members[i].len);
		put(out, ':');
		json_add(out, members[i].value);
	}
	str_add_c(out, '}');
}

/* How many digits a real number needs is jansson's to say. */
static void
add_real(struct str *out, const json_t *real)
{
	AUTO_FREE char *text = json_dumps(real, JSON_ENCODE_ANY);

	assert(text);
	str_add(out, text);
}

/* No deeper than jansson reads or we build. */
void
json_add(struct str *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(out, value);
		break;
	case JSON_ARRAY:
		add_array(out, value);
		break;
	case JSON_STRING:
		add_string(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		json_add_integer(out, json_integer_value(value));
		break;
	case JSON_REAL:
		add_real(out, value);
		break;
	case JSON_TRUE:
		str_add(out, "true");
		break;
	case JSON_FALSE:
		str_add(out, "false");
		break;
	case JSON_NULL:
		str_add(out, "null");
		break;
	}
}

/* Everything that is stored is hashed, so this is our own: jansson is slow at it. */
char *
json_canonical(const json_t *json)
{
	struct str out = STR_INIT;

	json_add(&out, json);
	return str_take(&out);
}

/* ---- reading ---- */

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
json_find(const json_t *array, const char *key, const char *text)
{
	json_t *object;
	size_t i;

	json_array_foreach (array, i, object)
		if (str_eq(json_text(object, key), text))
			return object;
	return NULL;
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
