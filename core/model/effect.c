/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declared effects. See effect.h. */
#include "base/base.h"

#include "model/effect.h"

#include "model/expr.h"

int
effect_parse(const char *text, struct effect *ret)
{
	size_t kind = strcspn(text, " ");
	const char *param = text + kind + 1;
	const char *equals = text[kind] == ' ' ? strchr(param, '=') : NULL;

	*ret = (struct effect){ .values = STRV_INIT };
	if (kind == 0 || (text[kind] == ' ' && (equals == NULL || equals == param)))
		return -1;
	ret->kind = x_strndup(text, kind);
	if (equals == NULL)
		return 0;
	ret->param = x_strndup(param, (size_t)(equals - param));
	for (const char *value = equals + 1;; value++) {
		size_t n = strcspn(value, "|");

		strv_add_n(&ret->values, value, n);
		value += n;
		if (*value == 0)
			return 0;
	}
}

void
effect_done(struct effect *effect)
{
	free(effect->kind);
	free(effect->param);
	strv_done(&effect->values);
	*effect = (struct effect){ .values = STRV_INIT };
}

bool
effect_is_possible(const struct effect *effect, const json_t *with)
{
	const json_t *value =
		effect->param ? json_object_get(with, effect->param) : NULL;

	if (json_is_boolean(value))
		return strv_has(&effect->values,
				json_is_true(value) ? "true" : "false");
	return !json_is_string(value) || expr_has(json_string_value(value)) ||
	       strv_has(&effect->values, json_string_value(value));
}
