/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a callback says no, or that it could not: what send_result() then sends. */
#include "base/base.h"
#include "sdk/ctx.h"

static const char *
keep_or_null(struct fettle_ctx *ctx, const char *text)
{
	return text ? ctx_keep(ctx, x_strdup(text)) : NULL;
}

int
fettle_fail(struct fettle_ctx *ctx, const char *code, const char *remedy,
	    const char *fmt, ...)
{
	va_list args;

	ctx_only_in(ctx, IN_STEP, __func__);
	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	ctx->code = keep_or_null(ctx, code);
	ctx->remedy = keep_or_null(ctx, remedy);
	return FETTLE_FAIL;
}

int
fettle_error(struct fettle_ctx *ctx, enum fettle_why why, const char *fmt, ...)
{
	va_list args;

	ctx_only_in(ctx, IN_STEP, __func__);
	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	ctx->why = why;
	ctx->code = ctx->remedy = NULL;
	return FETTLE_ERROR;
}

int
fettle_error_code(struct fettle_ctx *ctx, enum fettle_why why, const char *code,
		  const char *remedy, const char *fmt, ...)
{
	va_list args;

	ctx_only_in(ctx, IN_STEP, __func__);
	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	ctx->why = why;
	ctx->code = keep_or_null(ctx, code);
	ctx->remedy = keep_or_null(ctx, remedy);
	return FETTLE_ERROR;
}
