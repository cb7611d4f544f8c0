/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run so far: facts, secrets, identity, time and place. */
#include "base/base.h"
#include "sdk/ctx.h"

#include "base/clock.h"

const char *
fettle_fact(struct fettle_ctx *ctx, const char *name)
{
	const json_t *fact =
		json_object_get(json_object_get(ctx->call.request, "facts"), name);

	if (!fact || json_is_null(fact))
		return NULL;
	if (json_is_string(fact))
		return json_string_value(fact);
	return ctx_keep(ctx, json_canonical(fact));
}

const char *
fettle_secret(struct fettle_ctx *ctx, const char *name)
{
	ctx_only_in(ctx, IN_STEP, __func__);
	return json_string_value(json_object_get(ctx->call.secrets, name));
}

const char *
fettle_operation_id(struct fettle_ctx *ctx)
{
	return json_text(ctx->call.request, "operation");
}

const char *
fettle_scratch(struct fettle_ctx *ctx)
{
	return json_text(ctx->call.request, "scratch");
}

uint64_t
fettle_time_left(struct fettle_ctx *ctx)
{
	int64_t deadline = json_int_or(ctx->call.request, "deadline_ms", 0);
	int64_t now = clock_boot_ms();

	if (ctx_is_cancelled())
		return 0;
	if (deadline == 0)
		return UINT64_MAX;
	return deadline > now ? (uint64_t)(deadline - now) : 0;
}
