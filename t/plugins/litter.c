/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves a file and a daemon behind, and says no when it finds them. */
#include "misbehave.h"

#include <dirent.h>
#include <sys/prctl.h>

#define DAEMON "littered"

static int
has_entry(const char *directory)
{
	DIR *dir = opendir(directory);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count > 2;
}

static int
has_daemon(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (proc && (entry = readdir(proc))) {
		char path[300], name[32] = "";
		snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
		FILE *file = fopen(path, "r");
		if (!file)
			continue;
		found |= fgets(name, sizeof name, file) && !strcmp(name, DAEMON "\n");
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

static void
leave_daemon(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		return;
	if (fork() == 0) {
		if (setsid() >= 0 && fork() == 0) {
			prctl(PR_SET_NAME, DAEMON);
			close(ends[0]);
			close(ends[1]);
			for (;;)
				pause();
		}
		_exit(0);
	}
	close(ends[1]);
	(void)!read(ends[0], &byte, 1); /* It has its name. */
	close(ends[0]);
}

static int
litter_check(struct fettle_ctx *ctx)
{
	static const char forged[] =
		"{\"e\":\"checked\",\"module\":2,\"result\":\"ok\"}";
	char path[4200];

	if (has_entry(fettle_scratch(ctx)))
		return fettle_fail(ctx, "test_scratch", "", "somebody was here");
	if (has_daemon())
		return fettle_fail(ctx, "test_daemon", "", "somebody is here");
	if (fettle_fact(ctx, "hang"))
		pause();
	if (fettle_fact(ctx, "crash"))
		abort();
	if (fettle_fact(ctx, "forge")) {
		(void)!write(4, forged, sizeof forged - 1);
		_exit(0);
	}
	snprintf(path, sizeof path, "%s/litter", fettle_scratch(ctx));
	fclose(fopen(path, "w"));
	leave_daemon();
	return FETTLE_OK;
}

static const struct fettle_step litter = {
	FETTLE_STEP_HEAD,
	.name = "test/litter",
	.version = "1.0",
	.summary = "Misbehaves on purpose.",
	.stage = FETTLE_BUILD,
	.check = litter_check,
	.run = litter_check,
};
FETTLE_STEP(litter)
