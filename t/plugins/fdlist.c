/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells which descriptors it has, and which a program it starts has. */
#include "misbehave.h"

static int
fdlist_run(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "sh", "-c", "cd /proc/self/fd && echo *",
					    NULL };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_CAPTURE,
				    .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };
	char text[4096] = "", target[256], name[40];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d %s\n",
			 fd, target);
	}
	for (int i = 0; i < 3; i++) /* Without CLOEXEC: no program may get them. */
		if (open("/dev/null", O_RDONLY) < 0)
			return FETTLE_ERROR;
	if (fettle_exec(ctx, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "program: %s",
		 exited.out);
	fettle_set_output_text(ctx, "text", text);
	return FETTLE_OK;
}

TEST_STEP_TELLING(fdlist, fdlist_run)
