/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for people. See need.h. */
#include "policies/need.h"

#include "plugins/common/text.h"

int
need_hold(struct fettle_ctx *ctx, uint32_t first, uint32_t flags, const char *why)
{
	const struct fettle_need need = {
		.size = sizeof(need),
		.roles = fettle_param_list(ctx, first),
		.quorum = (uint32_t)fettle_param_int(ctx, first + 1),
		.valid_ms = fettle_param_ms(ctx, first + 2),
		.flags = flags,
	};

	return fettle_hold(ctx, &need, "%s", why);
}

int
need_refuse(struct fettle_ctx *ctx, uint32_t over, const char *why)
{
	if (text_equal(fettle_param_text(ctx, over), "hold"))
		return need_hold(ctx, over + 1, 0, why);
	return fettle_deny(ctx, "%s", why);
}
