/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends its process with success instead of judging. */
#include "misbehave.h"

static int
pexit_judge(struct fettle_ctx *ctx)
{
	(void)ctx;
	exit(0);
}

TEST_POLICY(pexit, pexit_judge)
