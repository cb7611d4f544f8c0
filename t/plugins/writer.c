/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tries to write the workspace, itself and by a program, also after a remount. */
#include "misbehave.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int
writer_run(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "sh", "-c", "echo program >> a.txt", NULL };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_CAPTURE_ERROR,
				    .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };
	const char *workspace = fettle_fact(ctx, "project.directory");
	char text[200];
	int write_errno, chmod_errno, mount_errno;

	write_errno = open("a.txt", O_WRONLY | O_APPEND) < 0 ? errno : 0;
	chmod_errno = chmod("a.txt", 0777) < 0 ? errno : 0;
	mount_errno = mount(NULL, workspace, NULL, MS_REMOUNT | MS_BIND, NULL) < 0 ?
			      errno :
			      0;
	if (mount_errno == 0)
		mount_errno = umount(workspace) < 0 ? errno : 0;
	if (fettle_exec(ctx, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	snprintf(text, sizeof(text), "write:%s chmod:%s mount:%s program:%s",
		 write_errno ? "refused" : "done", chmod_errno ? "refused" : "done",
		 mount_errno ? "refused" : "done", exited.status ? "refused" : "done");
	fettle_set_output_text(ctx, "text", text);
	return FETTLE_OK;
}

TEST_STEP_TELLING(writer, writer_run)
