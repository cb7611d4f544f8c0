/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See cli.h. */
#include "base/base.h"

#include "cli/cli.h"

#include <ctype.h>
#include <pwd.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"

static json_t *
err_to_json(const struct err *err, int code)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:i}", "code", err->code, "text",
				 err->text, "remedy", err->remedy, "exit", code);

	/* The texts are UTF-8 unless somebody broke their promise. */
	if (!body)
		body = json_pack("{s:s, s:o, s:s, s:i}", "code", err->code, "text",
				 json_string_lossy(err->text, strlen(err->text)),
				 "remedy", "", "exit", code);
	if (err->file[0])
		(void)json_object_set_new(
			body, "file", json_string_lossy(err->file, strlen(err->file)));
	if (err->line) {
		(void)json_object_set_new(body, "line", json_integer(err->line));
		(void)json_object_set_new(body, "column", json_integer(err->column));
	}
	return json_pack("{s:o}", "error", body);
}

int
cli_fail(struct cli *cli, const struct err *err, int code)
{
	AUTO(json_ref) json_t *json = NULL;

	log_settle(); /* Nothing is done any more that could be held up. */
	log_err(err);
	if (cli->options.json) {
		json = err_to_json(err, code);
		out_json_line(&cli->out, json);
	}
	return code;
}

int
cli_misuse(struct cli *cli, const char *verb, const char *fmt, ...)
{
	struct err err;
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	(void)err_set(&err, "usage", "%s", text);
	(void)err_remedy(&err, "see `fettle %s --help`", verb);
	return cli_fail(cli, &err, EXIT_USAGE);
}

int
cli_open_store(struct cli *cli, enum store_mode mode, struct err *err)
{
	cli->store = store_open(cli->state_dir, mode, err);
	if (mode == STORE_WRITE)
		log_go_live();
	if (cli->store && mode == STORE_WRITE)
		cli->metrics = metrics_new(cli->store, cli->site_file);
	return cli->store ? 0 : -1;
}

void
cli_close_store(struct cli *cli)
{
	metrics_free(STEAL(cli->metrics));
	store_close(STEAL(cli->store));
}

bool
cli_has_store(const struct cli *cli)
{
	AUTO_FREE char *path = path_join(cli->state_dir, "fettle.db");

	return access(path, F_OK) == 0;
}

const char *
cli_arg(const struct cli *cli, size_t i)
{
	return i < cli->args.count ? cli->args.v[i] : NULL;
}

static int
open_existing(struct cli *cli, enum store_mode mode, struct err *err)
{
	if (cli_has_store(cli))
		return cli_open_store(cli, mode, err);
	(void)err_set(err, "run_not_found", "there are no runs in '%s'",
		      cli->state_dir);
	return err_remedy(err,
			  "start one with `fettle run`, or name another place with "
			  "--state-dir or $FETTLE_STATE_DIR");
}

int
cli_open_existing(struct cli *cli, struct err *err)
{
	return open_existing(cli, STORE_WRITE, err);
}

int
cli_find_run(struct cli *cli, const char *name, char ret_run[RUN_ID_SIZE],
	     struct err *err)
{
	if (open_existing(cli, STORE_READ, err) < 0)
		return -1;
	return store_find_run(cli->store, name ? name : "last", ret_run, err);
}

void
cli_order(struct cli *cli, struct str *words, struct order *ret)
{
	for (size_t i = 0; i < cli->args.count; i++)
		str_addf(words, "%s%s", i ? " " : "", cli->args.v[i]);
	*ret = (struct order){
		.directory = cli->directory,
		.pipeline = cli->options.pipeline,
		.service = cli->options.service,
		.instruction = cli->args.count ? str_get(words) : NULL,
		.inputs = cli->options.inputs,
		.until = cli->options.until,
	};
}

struct engine
cli_engine(struct cli *cli, const char *actor)
{
	return (struct engine){
		.lib_dir = cli->lib_dir,
		.data_dir = cli->data_dir,
		.site_file = cli->site_file,
		.store = cli->store,
		.cancel_fd = -1,
		.actor = actor,
		.metrics = cli->metrics,
	};
}

void
cli_actor(struct str *out)
{
	const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *user;

	str_add(out, "operator:");
	if (!name || !*name) {
		user = getpwuid(getuid());
		name = user ? user->pw_name : NULL;
	}
	if (name)
		str_add_visible(out, name, strlen(name));
	else
		str_addf(out, "%lu", (unsigned long)getuid());
}

void
cli_add_quoted(struct str *out, const char *word)
{
	const char *s = word;

	while (isalnum((unsigned char)*s) || (*s && strchr("-_./:=@%+,", *s)))
		s++;
	if (!*s && *word) {
		str_add(out, word);
		return;
	}
	str_add_c(out, '\'');
	for (s = word; *s; s++) {
		if (*s == '\'')
			str_add(out, "'\\''");
		else
			str_add_c(out, *s);
	}
	str_add_c(out, '\'');
}

void
cli_add_command(const struct cli *cli, struct str *out, const char *verb,
		const char *arg)
{
	str_add(out, "fettle ");
	if (cli->options.state_dir) {
		str_add(out, "--state-dir ");
		cli_add_quoted(out, cli->state_dir);
		str_add_c(out, ' ');
	}
	str_add(out, verb);
	if (arg && *arg) {
		str_add_c(out, ' ');
		cli_add_quoted(out, arg);
	}
}

int
cli_exit_of_state(const char *state)
{
	static const struct {
		const char *state;
		int code;
	} codes[] = {
		{ "succeeded", EXIT_DONE },
		{ "failed", EXIT_FAILED },
		{ "rolled_back", EXIT_FAILED },
		{ "rollback_failed", EXIT_NOT_ROLLED_BACK },
		{ "awaiting_approval", EXIT_APPROVAL },
		{ "denied", EXIT_DENIED },
		{ "cancelled", EXIT_CANCELLED },
		{ "no_work", EXIT_NO_WORK },
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_eq(codes[i].state, state))
			return codes[i].code;
	/* Not at its end: nobody knows whether everything is back. */
	return EXIT_NOT_ROLLED_BACK;
}
