/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What we need on top of jansson: canonical text, strict reading, short getters. */
#ifndef FETTLE_BASE_JSON_H
#define FETTLE_BASE_JSON_H

#include <jansson.h>

#include "base.h"
#include "err.h"

/* AUTO(json_ref) json_t *x = NULL; drops the reference at the end of the scope. */
void json_ref_done(json_t **json);

/* Compact, keys sorted, UTF-8: the one form that is hashed. Caller owns. */
char *json_canonical(const json_t *json);
void json_sha256(const json_t *json, char ret_hex[65]);

/* Parts of that form, for who writes it without a tree. The text is UTF-8. */
struct str;
void json_add(struct str *out, const json_t *json);
void json_add_text(struct str *out, const char *text);
void json_add_integer(struct str *out, int64_t number);

/* Strict: whole text, no duplicate keys, depth and size limited. NULL on error. */
json_t *json_parse(const char *text, size_t len, struct err *err);

/* The member, or the fallback when it is missing or of another type. Borrowed. */
const char *json_text(const json_t *object, const char *key);	/* "" when missing */
const char *json_text_or(const json_t *object, const char *key, const char *fallback);
int64_t json_int_or(const json_t *object, const char *key, int64_t fallback);
bool json_flag(const json_t *object, const char *key); /* true only for true */

/* The first object of the array whose member is this text, or NULL. Borrowed. */
json_t *json_find(const json_t *array, const char *key, const char *text);

/* A JSON string of any bytes: those that are not UTF-8 become U+FFFD. New reference. */
json_t *json_string_lossy(const char *bytes, size_t n);

#endif
