/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to booleans, numbers, durations, sizes and names, with errors that help. */
#include "base/base.h"

#include "model/scalar.h"

#include "base/num.h"

#define MAX_MS (365ull * 24 * 3600 * 1000)

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

int
scalar_bool(const char *text, bool *ret, struct err *err)
{
	if (!str_eq(text, "true") && !str_eq(text, "false")) {
		err_set(err, "type.bool", "'%.80s' is neither true nor false", text);
		return err_remedy(err, "write true or false");
	}
	*ret = text[0] == 't';
	return 0;
}

int
scalar_int(const char *text, int64_t *ret, struct err *err)
{
	int result = num_i64(text, ret);

	if (result == 0)
		return 0;
	if (result == NUM_RANGE)
		return err_set(err, "type.range", "'%.80s' is too large", text);
	err_set(err, "type.int", "'%.80s' is no whole number", text);
	return err_remedy(err, "write decimal digits, such as 42");
}

int
scalar_real(const char *text, double *ret, struct err *err)
{
	bool is_negative = text[0] == '-';

	if (num_real(text + is_negative, ret) == 0) {
		*ret = is_negative ? -*ret : *ret;
		return 0;
	}
	err_set(err, "type.real", "'%.80s' is no number", text);
	return err_remedy(err, "write decimal digits, such as 0.5");
}

/* `0x10`, `1_000`, `1e3`, `+5`, `.inf`: numbers elsewhere, not here. */
static bool
is_foreign_number(const char *text)
{
	if (text[0] == '+' || text[0] == '.')
		return true;
	if (strchr(DIGITS, text[0]) == NULL || text[strspn(text, DIGITS)] == 0)
		return false;
	return str_starts(text, "0x") || str_starts(text, "0o") ||
	       text[strspn(text, DIGITS "_.eE+-")] == 0;
}

int
scalar_ms(const char *text, uint64_t *ret, struct err *err)
{
	uint64_t ms = 0;
	int result = text[0] == 0 ? NUM_SYNTAX : num_duration_ms(text, &ms);

	if (result == NUM_RANGE || (result == 0 && ms > MAX_MS)) {
		err_set(err, "type.range", "'%.80s' is longer than a year", text);
		return -1;
	}
	if (result == 0) {
		*ret = ms;
		return 0;
	}
	if (text[0] == '-' && text[1] != 0 && strchr(DIGITS, text[1]) != NULL)
		return err_set(err, "type.range", "'%.80s' is below zero", text);
	if (text[0] != 0 && text[strspn(text, DIGITS)] == 0) {
		if (strlen(text) > 15)
			return err_set(err, "type.range", "'%.80s' is too large", text);
		err_set(err, "type.duration", "'%s' has no unit", text);
		return err_remedy(err, "write %ss for seconds, or %sms, %sm, %sh", text,
				  text, text, text);
	}
	if (text[0] != 0 && is_foreign_number(text))
		err_set(err, "type.int", "'%.80s' is no decimal number with a unit",
			text);
	else
		err_set(err, "type.duration", "'%.80s' is no duration", text);
	return err_remedy(err, "write for example 250ms, 30s, 5m30s or 1h");
}

int
scalar_bytes(const char *text, uint64_t *ret, struct err *err)
{
	int result = num_size(text, ret);

	if (result == 0)
		return 0;
	if (result == NUM_RANGE)
		return err_set(err, "type.range", "'%.80s' is too large", text);
	err_set(err, "type.size", "'%.80s' is no size", text);
	return err_remedy(err, "write for example 512, 64KiB, 10MiB or 2GiB");
}

bool
scalar_is_variable_name(const char *text)
{
	return text[0] != 0 && strchr(DIGITS, text[0]) == NULL &&
	       text[strspn(text, LETTERS DIGITS "_")] == 0;
}

bool
scalar_is_service_name(const char *text)
{
	return text[0] != 0 && strlen(text) <= 255 &&
	       strchr(LETTERS DIGITS, text[0]) != NULL &&
	       text[strspn(text, LETTERS DIGITS "_.-")] == 0;
}
