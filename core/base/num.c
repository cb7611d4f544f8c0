/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers from text and for people. Every reader goes over the string once,
 * by hand: strtoul and its kin take blanks, signs and leftovers.
 */
#include "base/base.h"

#include "base/num.h"

#include <inttypes.h>
#include <math.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the digits at *s and moves *s behind them. */
static int
take_digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t value = 0;
	bool is_too_large = false;

	if (!is_digit(*p) || (p[0] == '0' && is_digit(p[1])))
		return NUM_SYNTAX;
	for (; is_digit(*p); p++)
		is_too_large |=
			__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
	*s = p;
	if (is_too_large)
		return NUM_RANGE;
	*ret = value;
	return NUM_OK;
}

int
num_u64(const char *s, uint64_t *ret)
{
	uint64_t value = 0;
	int result = take_digits(&s, &value);
	if (result == NUM_SYNTAX || *s != '\0')
		return NUM_SYNTAX;
	if (result == NUM_OK)
		*ret = value;
	return result;
}

int
num_i64(const char *s, int64_t *ret)
{
	bool is_negative = *s == '-';
	uint64_t value = 0;
	int result = num_u64(s + is_negative, &value);
	if (result != NUM_OK)
		return result;
	if (is_negative && value == 0)
		return NUM_SYNTAX;
	if (value > (uint64_t)INT64_MAX + is_negative)
		return NUM_RANGE;
	*ret = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return NUM_OK;
}

int
num_real(const char *s, double *ret)
{
	const char *p = s;
	if (!is_digit(*p) || (p[0] == '0' && is_digit(p[1])))
		return NUM_SYNTAX;
	while (is_digit(*p))
		p++;
	if (*p == '.') {
		p++;
		if (!is_digit(*p))
			return NUM_SYNTAX;
		while (is_digit(*p))
			p++;
	}
	if (*p != '\0')
		return NUM_SYNTAX;

	char *end = NULL;
	double value = strtod(s, &end);
	if (end != p)
		return NUM_SYNTAX;
	if (!isfinite(value))
		return NUM_RANGE;
	*ret = value;
	return NUM_OK;
}

int
num_duration_ms(const char *s, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
	uint64_t total = 0;
	size_t next = 0;	/* units before this one are used up */
	bool is_too_large = false;

	if (*s == '\0')
		return NUM_SYNTAX;
	while (*s != '\0') {
		uint64_t value = 0;
		int result = take_digits(&s, &value);
		if (result == NUM_SYNTAX)
			return NUM_SYNTAX;
		is_too_large |= result == NUM_RANGE;

		size_t len = 0;
		while (s[len] != '\0' && !is_digit(s[len]))
			len++;
		while (next < ARRAY_LEN(units) &&
		       (strlen(units[next].name) != len ||
			memcmp(units[next].name, s, len) != 0))
			next++;
		if (next == ARRAY_LEN(units))
			return NUM_SYNTAX;
		is_too_large |= __builtin_mul_overflow(value, units[next].ms, &value) ||
				__builtin_add_overflow(total, value, &total);
		s += len;
		next++;
	}
	if (is_too_large)
		return NUM_RANGE;
	*ret = total;
	return NUM_OK;
}

int
num_size(const char *s, uint64_t *ret)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	uint64_t value = 0;
	int result = take_digits(&s, &value);
	size_t unit = 0;

	if (result == NUM_SYNTAX)
		return NUM_SYNTAX;
	while (unit < ARRAY_LEN(units) && !str_eq(s, units[unit]))
		unit++;
	if (unit == ARRAY_LEN(units))
		return NUM_SYNTAX;
	if (result == NUM_RANGE ||
	    __builtin_mul_overflow(value, (uint64_t)1 << (10 * unit), &value))
		return NUM_RANGE;
	*ret = value;
	return NUM_OK;
}

const char *
num_format_ms(uint64_t ms, char buf[32])
{
	uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
	uint64_t tenths = ms / 100 % 10;

	if (ms < 1000)
		snprintf(buf, 32, "%" PRIu64 "ms", ms);
	else if (seconds < 60 && tenths > 0)
		snprintf(buf, 32, "%" PRIu64 ".%" PRIu64 "s", seconds, tenths);
	else if (seconds < 60)
		snprintf(buf, 32, "%" PRIu64 "s", seconds);
	else if (hours == 0 && seconds % 60 > 0)
		snprintf(buf, 32, "%" PRIu64 "m%" PRIu64 "s", minutes, seconds % 60);
	else if (hours == 0)
		snprintf(buf, 32, "%" PRIu64 "m", minutes);
	else if (minutes % 60 > 0)
		snprintf(buf, 32, "%" PRIu64 "h%" PRIu64 "m", hours, minutes % 60);
	else
		snprintf(buf, 32, "%" PRIu64 "h", hours);
	return buf;
}

const char *
num_format_size(uint64_t bytes, char buf[32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t whole = bytes, rest = 0;

	while (whole >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	uint64_t tenths = rest * 10 / 1024;
	if (tenths > 0)
		snprintf(buf, 32, "%" PRIu64 ".%" PRIu64 "%s", whole, tenths,
			 units[unit]);
	else
		snprintf(buf, 32, "%" PRIu64 "%s", whole, units[unit]);
	return buf;
}
