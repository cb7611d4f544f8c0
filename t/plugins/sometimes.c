/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* States an effect whatever its parameters say, and declares it for some only. */
#include "misbehave.h"

static const struct fettle_param PARAMS[] = {
	{ "mode", FETTLE_CHOICE, 0, "quiet", "quiet|loud|shrill", "How it is done." },
};
static const char *const EFFECTS[] = { "noise mode=loud|shrill", NULL };

static int
propose(struct fettle_ctx *ctx)
{
	fettle_effect(ctx, "noise", "the room", "{}", "makes noise");
	return FETTLE_OK;
}

static int
run(struct fettle_ctx *ctx)
{
	fettle_info(ctx, "noise was made");
	return FETTLE_OK;
}

static const struct fettle_step sometimes = {
	FETTLE_STEP_HEAD,
	.name = "test/sometimes",
	.version = "1.0",
	.summary = "Misbehaves on purpose.",
	.stage = FETTLE_BUILD,
	.effects = EFFECTS,
	.params = FETTLE_TABLE(PARAMS),
	.propose = propose,
	.run = run,
};
FETTLE_STEP(sometimes)
