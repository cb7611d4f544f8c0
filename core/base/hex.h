/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes as lower-case hexadecimal digits. */
#ifndef FETTLE_BASE_HEX_H
#define FETTLE_BASE_HEX_H

#include "base.h"

/* n bytes as 2 n digits and a NUL, and back: exactly 2 n digits, else -1. */
void hex_encode(const unsigned char *bytes, size_t n, char *ret_text);
int hex_decode(const char *text, unsigned char *ret_bytes, size_t n);

#endif
