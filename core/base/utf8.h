/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One UTF-8 character at a time; for the files of base that look at text. */
#ifndef FETTLE_BASE_UTF8_H
#define FETTLE_BASE_UTF8_H

#include "base.h"

/*
 * The length in bytes of the well-formed character at the start of `bytes`,
 * and its code point; 0 when there is none (n is 0, overlong, surrogate, cut
 * off, above U+10FFFF).
 */
size_t utf8_decode(const char *bytes, size_t n, uint32_t *ret_point);

#endif
