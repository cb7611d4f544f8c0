/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uses the SDK as one must not; fact `sin` says how. Each sin is a bug that ends it. */
#include "misbehave.h"

enum { TEXT, NUMBER };

static const struct fettle_param PARAMS[] = {
	{ "text", FETTLE_STRING, 0, NULL, NULL, "A text." },
	{ "number", FETTLE_INT, 0, NULL, NULL, "A number." },
};
static const struct fettle_param OUTPUTS[] = {
	{ "count", FETTLE_INT, 0, NULL, NULL, "A number." },
};

static void
unknown_param(struct fettle_ctx *ctx)
{
	fettle_param_text(ctx, TEXT);
}

static void
wrong_type(struct fettle_ctx *ctx)
{
	fettle_param_int(ctx, TEXT);
}

static void
wrong_index(struct fettle_ctx *ctx)
{
	fettle_param_known(ctx, 7);
}

static void
edit_in_run(struct fettle_ctx *ctx)
{
	fettle_edit_write(ctx, "a.txt", "x", 1);
}

static void
undeclared_output(struct fettle_ctx *ctx)
{
	fettle_set_output(ctx, "surprise", "1");
}

static void
wrong_output(struct fettle_ctx *ctx)
{
	fettle_set_output(ctx, "count", "\"one\"");
}

static void
bad_json(struct fettle_ctx *ctx)
{
	fettle_set_output(ctx, "count", "{");
}

static void
judge_in_step(struct fettle_ctx *ctx)
{
	fettle_allow(ctx, "me");
}

static void
no_program(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { NULL };
	struct fettle_exec exec = { .size = sizeof(exec), .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };

	fettle_exec(ctx, &exec, &exited);
}

static void
no_size(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "true", NULL };
	struct fettle_exec exec = { .size = sizeof(exec), .argv = argv };
	struct fettle_exited exited = { .size = 0 };

	fettle_exec(ctx, &exec, &exited);
}

static void
no_command(struct fettle_ctx *ctx)
{
	struct fettle_exited exited = { .size = sizeof(exited) };

	fettle_exec_proposed(ctx, 5, NULL, &exited);
}

static void
observed_in_run(struct fettle_ctx *ctx)
{
	fettle_observed(ctx, 0, FETTLE_AFTER, NULL);
}

static const struct {
	const char *name;
	void (*commit)(struct fettle_ctx *ctx);
} SINS[] = {
	{ "unknown_param", unknown_param },
	{ "wrong_type", wrong_type },
	{ "wrong_index", wrong_index },
	{ "edit_in_run", edit_in_run },
	{ "undeclared_output", undeclared_output },
	{ "wrong_output", wrong_output },
	{ "bad_json", bad_json },
	{ "judge_in_step", judge_in_step },
	{ "no_program", no_program },
	{ "no_size", no_size },
	{ "no_command", no_command },
	{ "observed_in_run", observed_in_run },
};

static int
sinner_run(struct fettle_ctx *ctx)
{
	const char *sin = fettle_fact(ctx, "sin");

	for (size_t i = 0; sin && i < sizeof(SINS) / sizeof(SINS[0]); i++)
		if (strcmp(SINS[i].name, sin) == 0)
			SINS[i].commit(ctx);
	return FETTLE_OK;
}

static const struct fettle_step sinner = {
	FETTLE_STEP_HEAD,
	.name = "test/sinner",
	.version = "1.0",
	.summary = "Uses the SDK as one must not.",
	.stage = FETTLE_BUILD,
	.params = FETTLE_TABLE(PARAMS),
	.outputs = FETTLE_TABLE(OUTPUTS),
	.run = sinner_run,
};
FETTLE_STEP(sinner)
