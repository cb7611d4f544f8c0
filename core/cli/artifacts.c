/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle artifacts`: the stored files of a run. A file's bytes are handed
 * out only when they still are what was recorded.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/path.h"
#include "base/sha256.h"
#include "cli/cli.h"

#define CHUNK (64u << 10)
#define TEXT_MAX_BYTES (16u << 20)

static json_t *
find_artifact(const json_t *artifacts, const char *run, const char *name,
	      struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;
	json_t *row, *found = NULL;
	size_t i;

	json_array_foreach (artifacts, i, row) {
		strv_add(&names, json_text(row, "name"));
		str_addf(&list, "%s%s", i ? ", " : "", json_text(row, "name"));
		/* The latest of several attempts. */
		if (str_eq(json_text(row, "name"), name))
			found = row;
	}
	if (found)
		return found;
	near = strv_nearest(&names, name);
	(void)err_set(err, "usage", "run %s has no artifact '%s'", run, name);
	(void)err_remedy(err, "%s%s%sit has: %s", near ? "did you mean '" : "",
			 near ? near : "", near ? "'? " : "",
			 list.len ? str_get(&list) : "none");
	return NULL;
}

/* The file of an artifact, checked against its record; or -1. */
static int
open_checked(const char *directory, const json_t *row, struct err *err)
{
	const char *path = json_text(row, "path"), *want = json_text(row, "sha256");
	char found[SHA256_HEX_SIZE];
	AUTO_CLOSE int dirfd = -1, fd = -1;
	struct stat info;
	uint64_t size;

	dirfd = path_open_dir(directory, err);
	if (dirfd < 0)
		return -1;
	fd = path_open_beneath(dirfd, path, O_RDONLY | O_NONBLOCK, 0, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
		return err_set(err, "file.type", "'%s' is no regular file", path);
	if (sha256_fd(fd, found, &size, err) < 0)
		return -1;
	if (!str_eq(found, want)) {
		(void)err_set(err, "artifact.changed",
			      "'%s/%s' is not what was recorded: SHA-256 is %s, not %s",
			      directory, path, found, want);
		return err_remedy(err, "somebody changed or damaged the file; "
				       "do not rely on it, restore it from a backup");
	}
	return STEAL_FD(fd);
}

static int
copy_to(int from, int to, const char *what, struct err *err)
{
	AUTO_FREE char *chunk = x_malloc(CHUNK);
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(from, chunk, CHUNK, offset)) > 0) {
		offset += n;
		if (file_write_all(to, chunk, (size_t)n) < 0)
			return errno == EPIPE ?
				       0 :
				       err_errno(err, "output", "write '%s'", what);
	}
	return n < 0 ? err_errno(err, "output", "read the artifact") : 0;
}

static int
save_as(int from, const char *file, struct err *err)
{
	AUTO_CLOSE int fd =
		open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		(void)err_errno(err, "output", "create '%s'", file);
		return err_remedy(err, "name a file that does not exist, "
				       "in a directory you may write to");
	}
	if (copy_to(from, fd, file, err) == 0 && fsync(fd) == 0)
		return 0;
	if (!err->code[0])
		(void)err_errno(err, "output", "write '%s'", file);
	(void)unlink(file);
	return -1;
}

static int
print_artifact(struct cli *cli, int fd, const json_t *row, struct err *err)
{
	const char *name = json_text(row, "name");
	AUTO(json_ref) json_t *document = NULL;
	AUTO(str) struct str text = STR_INIT;
	AUTO_FREE char *bytes = NULL;
	size_t len;

	if (!cli->options.json && !cli->out.is_terminal)
		return copy_to(fd, STDOUT_FILENO, "standard output", err);
	if (file_read_fd(fd, name, TEXT_MAX_BYTES, &bytes, &len, err) < 0)
		return err_remedy(err, "save it to a file with `-o FILE`");
	if (cli->options.json) {
		document = json_deep_copy(row);
		(void)json_object_set_new(document, "text",
					  json_string_lossy(bytes, len));
		out_json(&cli->out, document);
		return 0;
	}
	if (str_eq(name, "patch.diff"))
		out_add_diff(&cli->out, &text, bytes, len);
	else
		out_add_safe(&cli->out, &text, bytes, len);
	out_write(&cli->out, &text);
	return 0;
}

static void
print_list(struct cli *cli, const char *directory, const json_t *artifacts)
{
	AUTO(table) struct table table = { .columns = 4 };
	AUTO(str) struct str text = STR_INIT;
	json_t *row;
	size_t i;

	json_array_foreach (artifacts, i, row) {
		char buf[32];

		if (cli->options.quiet) {
			out_addf(&cli->out, &text, TONE_PLAIN, "%s/%s\n", directory,
				 json_text(row, "path"));
			continue;
		}
		table_add(&table, TONE_STRONG, json_text(row, "name"));
		table_add(&table, TONE_PLAIN,
			  num_format_size((uint64_t)json_int_or(row, "bytes", 0), buf));
		table_add(&table, TONE_PLAIN, json_text(row, "type"));
		table_addf(&table, TONE_DIM, "sha256 %s", json_text(row, "sha256"));
	}
	if (!cli->options.quiet) {
		table_print(&table, &cli->out, &text, 0);
		out_addf(&cli->out, &text, TONE_DIM, "%s %s\n",
			 i ? "in" : "no artifacts yet in", directory);
	}
	out_write(&cli->out, &text);
}

int
verb_artifacts(struct cli *cli)
{
	const char *name = cli_arg(cli, 1), *output = cli->options.output;
	AUTO(json_ref) json_t *artifacts = NULL;
	AUTO_FREE char *directory = NULL;
	AUTO_CLOSE int fd = -1;
	char run[RUN_ID_SIZE];
	struct err err = { .code = "" };
	json_t *row;

	if (output && !name)
		return cli_misuse(cli, "artifacts", "-o needs the name of an artifact");
	if (cli_find_run(cli, cli_arg(cli, 0), run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	artifacts = store_artifacts(cli->store, run, &err);
	if (!artifacts)
		return cli_fail(cli, &err, EXIT_USAGE);
	directory = x_asprintf("%s/runs/%s", store_dir(cli->store), run);
	if (!name) {
		if (cli->options.json)
			out_json(&cli->out, artifacts);
		else
			print_list(cli, directory, artifacts);
		return EXIT_DONE;
	}
	row = find_artifact(artifacts, run, name, &err);
	if (row)
		fd = open_checked(directory, row, &err);
	if (fd < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	err.code[0] = '\0';
	if (output ? save_as(fd, output, &err) < 0 :
		     print_artifact(cli, fd, row, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	return EXIT_DONE;
}
