/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers for the policy before it, past the SDK. */
#include "misbehave.h"

static int
pforge_judge(struct fettle_ctx *ctx)
{
	static const char forged[] =
		"{\"e\":\"verdict\",\"module\":0,\"policy\":\"deny\","
		"\"verdict\":\"allow\",\"reason\":\"forged\"}";

	if (write(4, forged, sizeof(forged) - 1) < 0)
		return FETTLE_DENY;
	return fettle_allow(ctx, "and me");
}

TEST_POLICY(pforge, pforge_judge)
