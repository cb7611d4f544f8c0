/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle audit verify|export|key`: the log of everything that was done, as
 * proof for somebody who trusts neither us nor the machine.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/cli.h"
#include "store/audit.h"

/* ---- export ---- */

struct target {
	FILE *file;
	const char *name;
};

static int
write_line(void *self, const char *line, size_t n, struct err *err)
{
	struct target *target = self;

	if (fwrite(line, 1, n, target->file) == n)
		return 0;
	return err_errno(err, "output", "write '%s'", target->name);
}

/* Durable before it is called done: it may be the last copy. */
static int
finish(struct target *target, struct err *err)
{
	if (fflush(target->file) == 0 &&
	    (fsync(fileno(target->file)) == 0 || errno == EINVAL || errno == EROFS))
		return 0;
	return err_errno(err, "output", "write '%s'", target->name);
}

static int
export_to(struct cli *cli, const char *run, struct target *target, struct err *err)
{
	if (store_export(cli->store, run, write_line, target, err) < 0)
		return -1;
	return finish(target, err);
}

static int
export_to_new_file(struct cli *cli, const char *run, const char *name, struct err *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct target target = { .name = name };

	if (fd < 0 || !(target.file = fdopen(fd, "w"))) {
		(void)err_errno(err, "output", "create '%s'", name);
		return err_remedy(err, "name a file that does not exist, "
				       "in a directory you may write to");
	}
	int rc = export_to(cli, run, &target, err);
	if (fclose(target.file) != 0 && rc == 0)
		rc = err_errno(err, "output", "write '%s'", name);
	if (rc < 0)
		(void)unlink(name);
	return rc;
}

int
verb_audit_export(struct cli *cli)
{
	struct target out = { .file = stdout, .name = "standard output" };
	const char *name = cli_arg(cli, 0), *file = cli->options.output;
	char run[RUN_ID_SIZE];
	struct err err;

	if ((name ? cli_find_run(cli, name, run, &err)
		  : cli_open_store(cli, STORE_READ, &err)) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	const char *only = name ? run : NULL;
	if ((file ? export_to_new_file(cli, only, file, &err)
		  : export_to(cli, only, &out, &err)) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	return EXIT_DONE;
}

/* ---- verify ---- */

static int
verify_file(const char *name, const char *key, struct audit_result *ret,
	    struct err *err)
{
	FILE *file = fopen(name, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;

	if (!file)
		return err_errno(err, "audit.file", "open '%s'", name);
	struct audit *audit = audit_new(key);
	while (rc == 0 && (n = getline(&line, &size, file)) > 0)
		rc = audit_line(audit, line, (size_t)n, err);
	if (rc == 0 && ferror(file))
		rc = err_errno(err, "audit.file", "read '%s'", name);
	if (rc == 0)
		rc = audit_end(audit, ret, err);
	audit_free(audit);
	free(line);
	fclose(file);
	return rc < 0 ? err_context(err, "'%s'", name) : 0;
}

static void
report(struct cli *cli, const struct audit_result *result)
{
	AUTO(str) struct str text = STR_INIT;
	char when[32];

	if (cli->options.json) {
		AUTO(json_ref)
		json_t *json = json_pack(
			"{s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "intact", 1, "events",
			(json_int_t)result->events, "runs", (json_int_t)result->runs,
			"checkpoints", (json_int_t)result->checkpoints,
			"unsigned_events", (json_int_t)result->unsigned_events,
			"signed_ms", (json_int_t)result->signed_ms, "key", result->key);

		out_json(&cli->out, json);
		return;
	}
	out_add(&cli->out, &text, TONE_GOOD, "intact");
	str_addf(&text, "  %lld events of %lld runs, %lld signed checkpoints\n",
		 (long long)result->events, (long long)result->runs,
		 (long long)result->checkpoints);
	if (result->unsigned_events > 0)
		str_addf(&text,
			 "        %lld events are behind the last checkpoint: that "
			 "none is cut off there cannot be proved\n",
			 (long long)result->unsigned_events);
	if (result->key[0]) {
		str_addf(&text, "        signed until %s with the key %s\n",
			 time_local(result->signed_ms, when), result->key);
		str_add(&text, "        compare it with the one you noted elsewhere, "
			       "or give that one with --key\n");
	}
	out_write(&cli->out, &text);
}

static bool
is_file_name(const char *name)
{
	return strchr(name, '/') || strchr(name, '.');
}

static int
check_key(struct cli *cli, struct err *err)
{
	const char *key = cli->options.key;

	if (!key || (strlen(key) == AUDIT_KEY_SIZE - 1 &&
		     strspn(key, "0123456789abcdef") == AUDIT_KEY_SIZE - 1))
		return 0;
	err_set(err, "usage", "'%s' is no public key of an audit log", key);
	return err_remedy(err, "give the 64 digits that `fettle audit key` prints");
}

static int
no_store(struct cli *cli, struct err *err)
{
	if (!cli_has_store(cli))
		(void)err_set(err, "store.missing", "there is no store in '%s'",
			      cli->state_dir);
	return cli_fail(cli, err, EXIT_USAGE);
}

int
verb_audit_verify(struct cli *cli)
{
	const char *name = cli_arg(cli, 0), *key = cli->options.key;
	struct audit_result result = { 0 };
	struct err err;
	int rc;

	if (check_key(cli, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (name && is_file_name(name)) {
		rc = verify_file(name, key, &result, &err);
	} else if (name) {
		return cli_misuse(cli, "audit verify",
				  "'%s' is no file: a single run is verified with the "
				  "whole store, or as an export of its own",
				  name);
	} else {
		/* Deriving the tables again, and dropping that, needs a writer. */
		if (!cli_has_store(cli) || cli_open_store(cli, STORE_WRITE, &err) < 0)
			return no_store(cli, &err);
		rc = store_audit(cli->store, key, &result, &err);
	}
	if (rc < 0)
		return cli_fail(cli, &err,
				str_starts(err.code, "audit.") ? EXIT_REFUSED
							       : EXIT_USAGE);
	report(cli, &result);
	return EXIT_DONE;
}

/* ---- key ---- */

int
verb_audit_key(struct cli *cli)
{
	AUTO(str) struct str text = STR_INIT;
	char key[AUDIT_KEY_SIZE];
	struct err err;

	if (cli_open_store(cli, STORE_READ, &err) < 0 ||
	    store_audit_key(cli->store, key, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		AUTO(json_ref) json_t *json = json_pack("{s:s}", "key", key);

		out_json(&cli->out, json);
		return EXIT_DONE;
	}
	str_addf(&text, "%s\n", key);
	out_write(&cli->out, &text);
	return EXIT_DONE;
}
