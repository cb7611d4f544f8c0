/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters by index. The engine has typed them; a wrong read is a bug. */
#include "base/base.h"
#include "sdk/ctx.h"

#define TYPE(name) (1u << (name))
#define ANY_TYPE (~0u)

static const char *
param_name(struct fettle_ctx *ctx, uint32_t i, const char *function)
{
	if (i >= ctx->call.param_count)
		fettle__bug(ctx, "%s(%u): the table has %u parameters", function, i,
			    ctx->call.param_count);
	return ctx->call.params[i].name;
}

static bool
is_unknown(struct fettle_ctx *ctx, const char *name)
{
	size_t i;
	json_t *unknown;

	json_array_foreach (json_object_get(ctx->module, "unknown"), i, unknown)
		if (str_eq(json_string_value(unknown), name))
			return true;
	return false;
}

/* The value, or NULL when neither given nor preset. Borrowed. */
static const json_t *
param_find(struct fettle_ctx *ctx, uint32_t i)
{
	const json_t *params = json_object_get(ctx->module, "params");
	const json_t *value = json_object_get(params, ctx->call.params[i].name);

	return json_is_null(value) ? NULL : value;
}

static const json_t *
param_read(struct fettle_ctx *ctx, uint32_t i, unsigned types, const char *function)
{
	const char *name = param_name(ctx, i, function);

	if (!(types & TYPE(ctx->call.params[i].type)))
		fettle__bug(ctx, "%s(%u): parameter '%s' is of another type", function,
			    i, name);
	if (is_unknown(ctx, name))
		fettle__bug(
			ctx,
			"%s(%u): the value of parameter '%s' is not known yet in %s()",
			function, i, name, ctx_callback_name(ctx));
	return param_find(ctx, i);
}

static int64_t
param_integer(struct fettle_ctx *ctx, uint32_t i, unsigned type, const char *function)
{
	const json_t *value = param_read(ctx, i, TYPE(type), function);

	if (value && !json_is_integer(value))
		fettle__bug(ctx, "%s(%u): the value is no integer", function, i);
	return json_integer_value(value);
}

int
fettle_param_known(struct fettle_ctx *ctx, uint32_t i)
{
	return !is_unknown(ctx, param_name(ctx, i, __func__));
}

int
fettle_param_given(struct fettle_ctx *ctx, uint32_t i)
{
	return is_unknown(ctx, param_name(ctx, i, __func__)) || param_find(ctx, i);
}

int
fettle_param_bool(struct fettle_ctx *ctx, uint32_t i)
{
	return json_is_true(param_read(ctx, i, TYPE(FETTLE_BOOL), __func__));
}

int64_t
fettle_param_int(struct fettle_ctx *ctx, uint32_t i)
{
	return param_integer(ctx, i, FETTLE_INT, __func__);
}

double
fettle_param_real(struct fettle_ctx *ctx, uint32_t i)
{
	return json_number_value(param_read(ctx, i, TYPE(FETTLE_REAL), __func__));
}

uint64_t
fettle_param_ms(struct fettle_ctx *ctx, uint32_t i)
{
	return (uint64_t)param_integer(ctx, i, FETTLE_DURATION, __func__);
}

uint64_t
fettle_param_bytes(struct fettle_ctx *ctx, uint32_t i)
{
	return (uint64_t)param_integer(ctx, i, FETTLE_SIZE, __func__);
}

const char *
fettle_param_text(struct fettle_ctx *ctx, uint32_t i)
{
	return json_string_value(param_read(ctx, i,
					    TYPE(FETTLE_STRING) | TYPE(FETTLE_CHOICE) |
						    TYPE(FETTLE_PATH) |
						    TYPE(FETTLE_SECRET),
					    __func__));
}

const char *const *
fettle_param_list(struct fettle_ctx *ctx, uint32_t i)
{
	const json_t *value = param_read(ctx, i, TYPE(FETTLE_LIST), __func__);
	size_t n;
	json_t *entry;

	json_array_foreach (value, n, entry)
		if (!json_is_string(entry))
			fettle__bug(ctx, "%s(%u): an entry is no text", __func__, i);
	return ctx_keep_list(ctx, value);
}

const char *
fettle_param_json(struct fettle_ctx *ctx, uint32_t i)
{
	const json_t *value = param_read(ctx, i, ANY_TYPE, __func__);

	return value ? ctx_keep(ctx, json_canonical(value)) : NULL;
}
