/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes rubbish into the event channel, then answers as if nothing were. */
#include "misbehave.h"

static int
garbage_run(struct fettle_ctx *ctx)
{
	static const char *const packets[] = {
		"rubbish", "{}", "{\"e\":\"unknown\"}",
		"{\"e\":\"result\",\"result\":\"maybe\"}"
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		if (write(4, packets[i], strlen(packets[i])) < 0)
			return FETTLE_ERROR;
	return FETTLE_OK;
}

TEST_STEP(garbage, garbage_run)
