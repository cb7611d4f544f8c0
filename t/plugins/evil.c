/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proposes what no module may: whatever `path` and `sin` say. */
#include "misbehave.h"

enum { PATH, SIN };

static const struct fettle_param params[] = {
	[PATH] = { "path", FETTLE_STRING, FETTLE_REQUIRED, NULL, NULL,
		   "The file to edit." },
	[SIN] = { "sin", FETTLE_CHOICE, 0, "write", "write|delete|twice|effect",
		  "What to do with it." },
};

static int
propose(struct fettle_ctx *ctx)
{
	const char *path = fettle_param_text(ctx, PATH),
		   *sin = fettle_param_text(ctx, SIN);

	if (strcmp(sin, "effect") == 0) {
		fettle_effect(ctx, "undeclared", path, "{}", "something changes");
		return FETTLE_OK;
	}
	if (strcmp(sin, "delete") == 0)
		fettle_edit_delete(ctx, path);
	else
		fettle_edit_write(ctx, path, "evil\n", 5);
	if (strcmp(sin, "twice") == 0)
		fettle_edit_write(ctx, path, "more evil\n", 10);
	return FETTLE_OK;
}

static const struct fettle_step evil = {
	FETTLE_STEP_HEAD,
	.name = "test/evil",
	.version = "1.0",
	.summary = "Proposes what it may not.",
	.stage = FETTLE_PATCH,
	.params = FETTLE_TABLE(params),
	.propose = propose,
};
FETTLE_STEP(evil)
