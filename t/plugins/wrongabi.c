/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says it was built for an ABI of the far future. */
#include "misbehave.h"

static const struct fettle_step wrongabi = {
	.head = { FETTLE_MAGIC, 99, 0, sizeof(struct fettle_step), FETTLE_KIND_STEP },
	.name = "test/wrongabi",
	.version = "1.0",
	.summary = "Is of another world.",
	.stage = FETTLE_BUILD,
};
FETTLE_STEP(wrongabi)
