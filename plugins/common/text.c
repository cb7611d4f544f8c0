/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See text.h. */
#include "plugins/common/text.h"

#include <stdio.h>
#include <time.h>

void
json_auto_decref(json_t **json)
{
	json_decref(*json);
}

char *
text_vformat(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	return s;
}

char *
text_format(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = text_vformat(fmt, ap);
	va_end(ap);
	return s;
}

char *
text_copy(const char *s)
{
	return s ? x_must(strdup(s)) : NULL;
}

char *
text_copy_n(const char *s, size_t n)
{
	return x_must(strndup(s, n));
}

bool
text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void
text_add_n(struct text *text, const void *bytes, size_t n)
{
	if (text->len + n + 1 > text->cap) {
		text->cap = (text->len + n + 1) * 2;
		text->s = x_must(realloc(text->s, text->cap));
	}
	memcpy(text->s + text->len, bytes, n);
	text->len += n;
	text->s[text->len] = '\0';
}

void
text_add(struct text *text, const char *s)
{
	text_add_n(text, s, strlen(s));
}

void
text_addf(struct text *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO_FREE char *s = text_vformat(fmt, ap);
	va_end(ap);
	text_add(text, s);
}

const char *
text_get(const struct text *text)
{
	return text->s ? text->s : "";
}

char *
text_take(struct text *text)
{
	char *s = text->s ? text->s : text_copy("");

	*text = (struct text){ 0 };
	return s;
}

void
text_move(struct text *to, struct text *from)
{
	text_done(to);
	*to = *from;
	*from = (struct text){ 0 };
}

void
text_done(struct text *text)
{
	free(text->s);
	*text = (struct text){ 0 };
}

void
argv_add(struct argv *argv, const char *s)
{
	argv->v = x_must(realloc(argv->v, (argv->count + 2) * sizeof(*argv->v)));
	argv->v[argv->count++] = text_copy(s);
	argv->v[argv->count] = NULL;
}

void
argv_addf(struct argv *argv, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO_FREE char *s = text_vformat(fmt, ap);
	va_end(ap);
	argv_add(argv, s);
}

void
argv_done(struct argv *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		free(argv->v[i]);
	free(argv->v);
	*argv = (struct argv){ 0 };
}

const char *const *
argv_get(const struct argv *argv)
{
	static const char *const none[] = { NULL };

	return argv->v ? (const char *const *)argv->v : none;
}

const char *
json_member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *
json_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

int64_t
json_member_int(const json_t *object, const char *key, int64_t fallback)
{
	json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool
json_member_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *
json_path(const json_t *object, const char *path)
{
	const json_t *at = object;

	for (;;) {
		size_t n = strcspn(path, ".");
		AUTO_FREE char *key = text_copy_n(path, n);

		at = json_object_get(at, key);
		if (!at || path[n] == '\0')
			return (json_t *)at;
		path += n + 1;
	}
}

const char *
json_path_text(const json_t *object, const char *path)
{
	return json_string_value(json_path(object, path));
}

json_t *
json_text_or_null(const char *s)
{
	if (!s)
		return json_null();
	json_t *json = json_string(s);
	if (json)
		return json;
	AUTO_FREE char *plain = text_copy(s);
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return x_must(json_string(plain));
}

json_t *
json_of(const char *text)
{
	return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

bool
json_has_text(const json_t *array, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
		if (text_equal(json_string_value(item), text))
			return true;
	return false;
}

int64_t
clock_boot_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
clock_sleep_ms(int64_t ms)
{
	struct timespec rest = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (ms > 0)
		(void)clock_nanosleep(CLOCK_BOOTTIME, 0, &rest, NULL);
}

const char *
text_ms(int64_t ms, char buf[32])
{
	if (ms < 1000)
		snprintf(buf, 32, "%dms", (int)ms);
	else if (ms < 60000 && ms % 1000 != 0)
		snprintf(buf, 32, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
	else if (ms < 60000)
		snprintf(buf, 32, "%ds", (int)(ms / 1000));
	else if (ms / 1000 % 60 == 0)
		snprintf(buf, 32, "%dm", (int)(ms / 60000));
	else
		snprintf(buf, 32, "%dm%ds", (int)(ms / 60000), (int)(ms / 1000 % 60));
	return buf;
}
