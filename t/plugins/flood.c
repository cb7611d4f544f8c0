/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes 100 MiB to its log, and captures 40 MiB, of which 16 are kept. */
#include "misbehave.h"

static int
flood_run(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "sh", "-c",
					    "head -c 41943040 /dev/zero | tr '\\0' y",
					    NULL };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_CAPTURE,
				    .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };
	char block[1 << 16], text[40];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 1600; i++)
		fwrite(block, 1, sizeof(block), stdout);
	if (fettle_exec(ctx, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	snprintf(text, sizeof(text), "%d %zu", exited.status, exited.out_len);
	fettle_set_output_text(ctx, "text", text);
	return FETTLE_OK;
}

TEST_STEP_TELLING(flood, flood_run)
