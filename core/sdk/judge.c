/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's answers; send_verdict() sends what judge() then returns. */
#include "base/base.h"
#include "sdk/ctx.h"

int
fettle_allow(struct fettle_ctx *ctx, const char *fmt, ...)
{
	va_list args;

	ctx_only_in(ctx, IN_JUDGE, __func__);
	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	return FETTLE_ALLOW;
}

int
fettle_deny(struct fettle_ctx *ctx, const char *fmt, ...)
{
	va_list args;

	ctx_only_in(ctx, IN_JUDGE, __func__);
	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	return FETTLE_DENY;
}

int
fettle_hold(struct fettle_ctx *ctx, const struct fettle_need *need, const char *fmt,
	    ...)
{
	struct fettle_need copy = { .quorum = 0 };
	va_list args;

	ctx_only_in(ctx, IN_JUDGE, __func__);
	if (!need || need->size < offsetof(struct fettle_need, flags))
		fettle__bug(ctx, "%s() was given no need, or its size is not set",
			    __func__);
	memcpy(&copy, need, need->size < sizeof(copy) ? need->size : sizeof(copy));
	if (copy.quorum == 0 || copy.quorum > 1000 || copy.valid_ms > INT64_MAX)
		fettle__bug(ctx, "%s() asks for %u people", __func__, copy.quorum);

	va_start(args, fmt);
	ctx->text = ctx_keep_format(ctx, fmt, args);
	va_end(args);
	json_decref(ctx->need);
	ctx->need = json_pack("{s:o, s:I, s:I, s:b}", "roles",
			      ctx_text_list(ctx, copy.roles, __func__), "quorum",
			      (json_int_t)copy.quorum, "valid_ms",
			      (json_int_t)copy.valid_ms, "self_approval",
			      (copy.flags & FETTLE_SELF_APPROVAL) != 0);
	return FETTLE_HOLD;
}
