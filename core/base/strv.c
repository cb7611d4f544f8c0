/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The growing list of strings, and the search for what somebody meant. */
#include "base/base.h"

#include "base/str.h"

#include <stdarg.h>

/* Takes `s` over. */
static void
strv_push(struct strv *strv, char *s)
{
	strv->v = x_realloc(strv->v, strv->count + 2, sizeof(*strv->v));
	strv->v[strv->count++] = s;
	strv->v[strv->count] = NULL;
}

void
strv_add(struct strv *strv, const char *s)
{
	strv_push(strv, x_strdup(s));
}

void
strv_add_n(struct strv *strv, const char *s, size_t n)
{
	strv_push(strv, x_strndup(s, n));
}

void
strv_addf(struct strv *strv, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	strv_push(strv, x_vasprintf(fmt, ap));
	va_end(ap);
}

bool
strv_has(const struct strv *strv, const char *s)
{
	for (size_t i = 0; i < strv->count; i++)
		if (str_eq(strv->v[i], s))
			return true;
	return false;
}

void
strv_clear(struct strv *strv)
{
	for (size_t i = 0; i < strv->count; i++)
		free(strv->v[i]);
	strv->count = 0;
	if (strv->v)
		strv->v[0] = NULL;
}

void
strv_done(struct strv *strv)
{
	strv_clear(strv);
	free(strv->v);
	*strv = (struct strv)STRV_INIT;
}

#define NEAREST_MAX 64 /* longer words are nobody's typing mistake */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

/* Edits from a to b: insert, delete, replace, swap two neighbours. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const unsigned *second = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned differs = a[i - 1] != b[j - 1];
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
				      above[j - 1] + differs);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && second[j - 2] + 1 < row[j])
				row[j] = second[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *
strv_nearest(const struct strv *strv, const char *word)
{
	size_t len = strlen(word);
	const char *nearest = NULL;
	unsigned least = 2 + (unsigned)(len / 4);

	if (len == 0 || len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < strv->count; i++) {
		size_t other = strlen(strv->v[i]);
		if (other > NEAREST_MAX)
			continue;
		unsigned distance = edit_distance(word, strv->v[i]);
		/* Nothing left in common is not near, however short the words. */
		if (distance < least && distance < (len > other ? len : other)) {
			least = distance;
			nearest = strv->v[i];
		}
	}
	return nearest;
}
