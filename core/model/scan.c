/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libyaml takes UTF-16, NEL, LS, PS and lone CR as a matter of course, and
 * then counts lines otherwise than every editor. We do not take them.
 */
#include "base/base.h"

#include "model/scan.h"

#include "base/utf8.h"

#define CHAR_NEL 0x85u
#define CHAR_LS 0x2028u
#define CHAR_PS 0x2029u
#define CHAR_BOM 0xFEFFu

/* UTF-16 and UTF-32 show by a mark, or by a NUL in the first two bytes. */
static bool
is_wide_encoding(const unsigned char *bytes, size_t len)
{
	if (len < 2)
		return false;
	if (bytes[0] == 0xFF && bytes[1] == 0xFE)
		return true;
	if (bytes[0] == 0xFE && bytes[1] == 0xFF)
		return true;
	return bytes[0] == 0 || bytes[1] == 0;
}

/* Why a character may not stand in the file; NULL when it may. */
static const char *
refusal(uint32_t c, const char **ret_code)
{
	*ret_code = "yaml.line_break";
	if (c == '\r')
		return "a carriage return without a line feed";
	if (c == CHAR_NEL || c == CHAR_LS || c == CHAR_PS)
		return "a Unicode line break";
	*ret_code = "yaml.syntax";
	if (c == 0)
		return "a NUL byte";
	if (c == CHAR_BOM)
		return "a byte order mark inside the text";
	*ret_code = "yaml.control_char";
	if ((c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0) ||
	    c == 0xFFFE || c == 0xFFFF)
		return "a control character";
	return NULL;
}

static const char *
remedy(const char *code)
{
	if (str_eq(code, "yaml.line_break"))
		return "end lines with LF or CR LF";
	if (str_eq(code, "yaml.control_char"))
		return "write it as an escape in double quotes, such as \"\\x1b\"";
	return "remove it";
}

/* How many printable ASCII characters the text begins with, or fewer. */
static size_t
count_plain(const char *text, size_t len)
{
	const uint64_t ones = UINT64_MAX / 0xFF;
	size_t n = 0;

	for (uint64_t word; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, text + n, sizeof(word));
		/* Below 0x20, from 0x7F on, from 0x80 on. */
		if (((word - ones * 0x20) | (word + ones) | word) & ones * 0x80)
			break;
	}
	while (n < len && text[n] >= 0x20 && text[n] < 0x7F)
		n++;
	return n;
}

static int
check_chars(const char *text, size_t len, const char *file, struct err *err)
{
	uint32_t line = 1, column = 1;

	for (size_t i = 0, n; i < len; i += n) {
		const char *why, *code;
		uint32_t c;

		n = count_plain(text + i, len - i);
		column += (uint32_t)n;
		if (n > 0)
			continue;
		n = utf8_decode(text + i, len - i, &c);
		if (n == 0) {
			err_set(err, "yaml.utf8", "byte 0x%02x is not UTF-8",
				(unsigned char)text[i]);
			err_remedy(err, "save the file as UTF-8");
			return err_at(err, file, line, column);
		}
		if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
			continue;
		why = refusal(c, &code);
		if (why != NULL) {
			err_set(err, code, "%s (U+%04X) in the file", why, c);
			err_remedy(err, "%s", remedy(code));
			return err_at(err, file, line, column);
		}
		column++;
		if (c == '\n') {
			line++;
			column = 1;
		}
	}
	return 0;
}

int
scan_check(const char *text, size_t len, size_t max_bytes, const char *file,
	   struct err *err)
{
	if (len > max_bytes) {
		err_set(err, "yaml.size",
			"the file has %zu bytes, at most %zu are read", len, max_bytes);
		return err_at(err, file, 0, 0);
	}
	if (is_wide_encoding((const unsigned char *)text, len)) {
		err_set(err, "yaml.encoding", "the file is UTF-16 or UTF-32");
		err_remedy(err, "save the file as UTF-8");
		return err_at(err, file, 1, 1);
	}
	return check_chars(text, len, file, err);
}
