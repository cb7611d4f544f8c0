/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds of characters, whatever the locale. For what is read by the thousand:
 * strspn makes itself a table at each call.
 */
#ifndef FETTLE_BASE_ASCII_H
#define FETTLE_BASE_ASCII_H

#include <stdbool.h>

static inline bool
ascii_is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_letter(char c)
{
	return ascii_is_lower(c) || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

#endif
