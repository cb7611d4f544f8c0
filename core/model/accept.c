/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `accept` of a parameter says: "MIN..MAX" in its own unit, "a|b|c", a format. */
#include "base/base.h"

#include "model/accept.h"

#include <fettle/plugin.h>

#include "base/num.h"
#include "base/utf8.h"
#include "model/format.h"
#include "model/scalar.h"

/* "MIN..MAX", either may be empty. */
struct bounds {
	char min[32], max[32];
};

static int
split_bounds(const char *accept, struct bounds *ret)
{
	const char *dots = strstr(accept, "..");
	size_t min_len = dots ? (size_t)(dots - accept) : 0;
	size_t max_len = dots ? strlen(dots + 2) : 0;

	if (dots == NULL || min_len >= sizeof(ret->min) || max_len >= sizeof(ret->max))
		return -1;
	*ret = (struct bounds){ 0 };
	memcpy(ret->min, accept, min_len);
	memcpy(ret->max, dots + 2, max_len);
	return 0;
}

/* One bound as a number of the parameter's unit; characters for a string. */
static int
parse_bound(uint32_t type, const char *text, double *ret)
{
	uint64_t number = 0;
	int64_t whole = 0;
	struct err err;
	int result;

	if (type == FETTLE_REAL)
		return scalar_real(text, ret, &err);
	if (type == FETTLE_INT || type == FETTLE_LIST) {
		result = num_i64(text, &whole);
		*ret = (double)whole;
		return result;
	}
	if (type == FETTLE_DURATION)
		result = num_duration_ms(text, &number);
	else if (type == FETTLE_SIZE)
		result = num_size(text, &number);
	else
		result = num_u64(text, &number);
	*ret = (double)number;
	return result;
}

static bool
has_bounds(uint32_t type)
{
	return type == FETTLE_INT || type == FETTLE_REAL || type == FETTLE_STRING ||
	       type == FETTLE_DURATION || type == FETTLE_SIZE || type == FETTLE_LIST;
}

bool
accept_is_valid(const struct description_param *param)
{
	struct bounds bounds;
	double number;

	if (param->type == FETTLE_CHOICE)
		return param->accept != NULL && param->accept[0] != 0;
	if (param->accept == NULL)
		return true;
	if (param->type == FETTLE_STRING && format_is_known(param->accept))
		return true;
	if (!has_bounds(param->type) || split_bounds(param->accept, &bounds) < 0)
		return false;
	return (bounds.min[0] == 0 ||
		parse_bound(param->type, bounds.min, &number) == 0) &&
	       (bounds.max[0] == 0 ||
		parse_bound(param->type, bounds.max, &number) == 0);
}

int
accept_check_number(const struct description_param *param, double number,
		    struct err *err)
{
	struct bounds bounds;
	double limit;

	if (param->accept == NULL || split_bounds(param->accept, &bounds) < 0)
		return 0;
	if (bounds.min[0] != 0 && parse_bound(param->type, bounds.min, &limit) == 0 &&
	    number < limit)
		return err_set(err, "type.range", "%s%s is the least that is taken",
			       bounds.min,
			       param->type == FETTLE_STRING ? " characters" : "");
	if (bounds.max[0] != 0 && parse_bound(param->type, bounds.max, &limit) == 0 &&
	    number > limit)
		return err_set(err, "type.range", "%s%s is the most that is taken",
			       bounds.max,
			       param->type == FETTLE_STRING ? " characters" : "");
	return 0;
}

static double
count_characters(const char *text)
{
	size_t len = strlen(text), count = 0, n;
	uint32_t point;

	for (; len > 0; text += n, len -= n, count++) {
		n = utf8_decode(text, len, &point);
		n = n > 0 ? n : 1;
	}
	return (double)count;
}

int
accept_check_text(const struct description_param *param, const char *text,
		  struct err *err)
{
	if (param->accept != NULL && format_is_known(param->accept))
		return format_check(param->accept, text, err);
	return accept_check_number(param, count_characters(text), err);
}

int
accept_check_item(const struct description_param *param, const char *text,
		  struct err *err)
{
	int64_t number;

	if (param->accept == NULL)
		return 0;
	if (scalar_int(text, &number, err) < 0)
		return -1;
	return accept_check_number(param, (double)number, err);
}

int
accept_check_choice(const struct description_param *param, const char *text,
		    struct err *err)
{
	AUTO(strv) struct strv choices = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;

	for (const char *p = param->accept;; p++) {
		size_t n = strcspn(p, "|");

		strv_add_n(&choices, p, n);
		str_add(&list, list.len > 0 ? ", " : "");
		str_add_n(&list, p, n);
		p += n;
		if (*p == 0)
			break;
	}
	if (strv_has(&choices, text))
		return 0;
	near = strv_nearest(&choices, text);
	if (near != NULL)
		err_set(err, "param.choice",
			"'%.80s' is none of the choices, did you mean '%s'?", text,
			near);
	else
		err_set(err, "param.choice", "'%.80s' is none of the choices", text);
	return err_remedy(err, "write one of: %s", str_get(&list));
}
