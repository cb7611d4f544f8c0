/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UTF-8: decoding, checking, and showing bytes from outside on a terminal
 * without letting them drive it.
 */
#include "base/base.h"

#include "base/utf8.h"

#include "base/str.h"

size_t
utf8_decode(const char *bytes, size_t n, uint32_t *ret_point)
{
	/* By length: the mask of the first byte and the least code point. */
	static const struct {
		unsigned char mask, mark;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0x0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	if (n == 0)
		return 0;
	unsigned char first = (unsigned char)bytes[0];
	size_t len = 1;
	while (len <= ARRAY_LEN(forms) &&
	       (first & forms[len - 1].mask) != forms[len - 1].mark)
		len++;
	if (len > ARRAY_LEN(forms) || len > n)
		return 0;

	uint32_t point = first & (unsigned char)~forms[len - 1].mask;
	for (size_t i = 1; i < len; i++) {
		unsigned char next = (unsigned char)bytes[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (next & 0x3f);
	}
	bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
	if (point < forms[len - 1].least || is_surrogate || point > 0x10ffff)
		return 0;
	*ret_point = point;
	return len;
}

bool
utf8_is_valid(const char *bytes, size_t n)
{
	while (n > 0) {
		uint32_t point;
		size_t len = utf8_decode(bytes, n, &point);
		if (len == 0)
			return false;
		bytes += len;
		n -= len;
	}
	return true;
}

/* Characters that move the cursor, reorder or hide what stands around them. */
static bool
is_harmful(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x08 }, { 0x0b, 0x1f }, { 0x7f, 0x9f },	/* C0, DEL, C1 */
		{ 0x061c, 0x061c }, { 0x200e, 0x200f },		/* bidi marks */
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 },		/* lines, bidi */
		{ 0xfeff, 0xfeff }, { 0xe0000, 0xe007f },	/* BOM, tags */
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

void
str_add_visible(struct str *str, const char *bytes, size_t n)
{
	while (n > 0) {
		uint32_t point;
		size_t len = utf8_decode(bytes, n, &point);
		if (len == 0) {
			len = 1;
			str_addf(str, "\\x%02x", (unsigned char)bytes[0]);
		} else if (!is_harmful(point)) {
			str_add_n(str, bytes, len);
		} else if (point < 0x80) {
			str_addf(str, "\\x%02x", (unsigned)point);
		} else {
			str_addf(str, "\\u{%04x}", (unsigned)point);
		}
		bytes += len;
		n -= len;
	}
}
