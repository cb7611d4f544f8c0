/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the workspace as the module saw them. Each is read once: a second
 * read gives the same bytes, and an edit is bound to them.
 */
#include "base/base.h"
#include "sdk/ctx.h"

#include <fcntl.h>

#include "base/path.h"
#include "base/sha256.h"
#include "wire/event.h"

#define FILE_MAX_BYTES (EVENT_SPILL_MAX_BYTES / 2)

struct workspace_file {
	struct workspace_file *next;
	char *path, *bytes; /* bytes NULL: there is no such file */
	size_t len;
	char sha256[SHA256_HEX_SIZE];
};

static struct workspace_file *
files_find(const struct fettle_ctx *ctx, const char *path)
{
	struct workspace_file *file = ctx->files;

	while (file && !str_eq(file->path, path))
		file = file->next;
	return file;
}

static struct workspace_file *
files_add(struct fettle_ctx *ctx, const char *path)
{
	struct workspace_file *file = x_calloc(1, sizeof(*file));

	file->path = x_strdup(path);
	file->next = ctx->files;
	ctx->files = file;
	return file;
}

void
files_free(struct workspace_file *files)
{
	while (files) {
		struct workspace_file *next = files->next;

		free(files->path);
		free(files->bytes);
		free(files);
		files = next;
	}
}

json_t *
files_pre(const struct fettle_ctx *ctx, const char *path)
{
	const struct workspace_file *file = files_find(ctx, path);

	if (!file)
		return NULL;
	return file->bytes ? json_string(file->sha256) : json_null();
}

static int
open_workspace(struct fettle_ctx *ctx, struct err *err)
{
	const char *workspace = json_text(ctx->call.request, "workspace");

	if (ctx->workspace_fd >= 0)
		return 0;
	if (workspace[0] == '\0')
		return err_set(err, "path.missing", "this run has no workspace");
	ctx->workspace_fd = path_open_dir(workspace, err);
	return ctx->workspace_fd < 0 ? -1 : 0;
}

static int
read_file(struct fettle_ctx *ctx, const char *path, char **ret, size_t *ret_len,
	  struct err *err)
{
	AUTO_CLOSE int fd = -1;

	if (path_check(path, err) < 0 || open_workspace(ctx, err) < 0)
		return -1;
	/* O_NONBLOCK: a FIFO is refused below and must not block us here. */
	fd = path_open_beneath(ctx->workspace_fd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (fd < 0)
		return -1;
	return file_read_fd(fd, path, FILE_MAX_BYTES, ret, ret_len, err);
}

const char *
fettle_file(struct fettle_ctx *ctx, const char *path, size_t *ret_len)
{
	struct workspace_file *file = files_find(ctx, path);
	struct err err;
	char *bytes = NULL;
	size_t len = 0;

	ctx->file_error = NULL;
	if (!file) {
		if (read_file(ctx, path, &bytes, &len, &err) < 0 &&
		    !str_eq(err.code, "path.missing")) {
			ctx->file_error = ctx_keep(ctx, x_strdup(err.text));
			return NULL;
		}
		file = files_add(ctx, path);
		file->bytes = bytes;
		file->len = len;
		if (bytes)
			sha256_hex(bytes, len, file->sha256);
	}

	if (ret_len)
		*ret_len = file->len;
	return file->bytes;
}

const char *
fettle_file_error(struct fettle_ctx *ctx)
{
	return ctx->file_error;
}
