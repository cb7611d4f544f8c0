/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle approve` and `fettle reject`: show what a run waits for, and say yes
 * or no to exactly that.
 */
#include "base/base.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/hold.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "cli/view.h"

/* The account behind `operator:NAME`. */
static const char *
account_of(const struct str *actor)
{
	const char *text = str_get(actor);

	return str_starts(text, "operator:") ? text + strlen("operator:") : text;
}

/* y or yes; anything else, and the end of the input, is a no. */
static bool
ask(struct cli *cli, const char *question)
{
	AUTO(str) struct str text = STR_INIT;
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	out_addf(&cli->out, &text, TONE_STRONG, "%s [y/N] ", question);
	out_write(&cli->out, &text);
	ssize_t n = getline(&line, &size, stdin);
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		line[--n] = '\0';
	return n > 0 && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
}

static int
open_run(struct cli *cli, struct str *actor, struct engine *engine,
	 char run[RUN_ID_SIZE])
{
	struct err err;

	if (cli_open_existing(cli, &err) < 0 ||
	    store_find_run(cli->store, cli_arg(cli, 0), run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	cli_actor(actor);
	*engine = cli_engine(cli, str_get(actor));
	return EXIT_DONE;
}

/* Who died beside it may hold its service. */
static int
recover(struct cli *cli, struct engine *engine, struct view *view, struct err *err)
{
	view_init(view, cli);
	view->opening = "looking at the project again";
	view_attend(view, engine);
	if (signals_install(&engine->cancel_fd, err) == 0 &&
	    cli_recover(engine, view, engine_recover_interrupted, err) == 0)
		return 0;
	view_end(view);
	return -1;
}

/* What the run waits for; one whose own process died waits for nobody any more. */
static int
find_hold(struct cli *cli, struct engine *engine, const char *run, json_t **ret,
	  struct err *err)
{
	AUTO(view) struct view view = { 0 };
	AUTO(json_ref) json_t *row = store_run(cli->store, run, err);

	if (!row)
		return -1;
	if (run_is_orphan(cli->store, row)) {
		if (recover(cli, engine, &view, err) < 0)
			return -1;
		view_end(&view);
	}
	return engine_hold(engine, run, ret, err);
}

/* To its end or its next wait, in this process. */
static int
go_on(struct cli *cli, struct engine *engine, const char *run)
{
	AUTO(view) struct view view = { 0 };
	struct err err = { 0 };
	int done;

	if (recover(cli, engine, &view, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	done = engine_continue(engine, run, &err);
	view_end(&view);
	if (done < 0)
		return cli_fail(cli, &err,
				*view.run ? EXIT_NOT_ROLLED_BACK : EXIT_REFUSED);
	return cli_print_end(cli, run);
}

static bool
has_worker(struct cli *cli)
{
	struct err ignored;
	AUTO(json_ref) json_t *workers = store_workers(cli->store, &ignored);

	return json_array_size(workers) > 0;
}

static void PRINTF_LIKE(2, 3)
say(struct cli *cli, const char *fmt, ...)
{
	AUTO(str) struct str text = STR_INIT;
	va_list args;

	if (cli->options.json || cli->options.quiet)
		return;
	va_start(args, fmt);
	AUTO_FREE char *line = x_vasprintf(fmt, args);
	va_end(args);
	out_add(&cli->out, &text, TONE_PLAIN, line);
	str_add_c(&text, '\n');
	out_write(&cli->out, &text);
}

static void
print_json(struct cli *cli, struct engine *engine, const char *run)
{
	AUTO(json_ref) json_t *hold = NULL;
	struct err ignored;

	if (cli->options.json && engine_hold(engine, run, &hold, &ignored) == 0) {
		(void)json_object_set_new(hold, "run", json_string(run));
		out_json_line(&cli->out, hold);
	}
}

/* Who is still needed, or on with it. */
static int
after_approval(struct cli *cli, struct engine *engine, const char *run, bool is_full)
{
	AUTO(json_ref) json_t *hold = NULL;
	struct err err;

	if (!is_full) {
		print_json(cli, engine, run);
		if (engine_hold(engine, run, &hold, &err) < 0)
			return cli_fail(cli, &err, EXIT_REFUSED);
		say(cli, "agreed; still needed: %s", json_text(hold, "missing"));
		return EXIT_DONE;
	}
	if (!cli->options.no_wait && !has_worker(cli))
		return go_on(cli, engine, run);
	print_json(cli, engine, run);
	say(cli, "agreed; %s",
	    has_worker(cli) ? "a worker goes on with it" :
			      "it goes on with the next worker, or with "
			      "`fettle approve` without --no-wait");
	return EXIT_DONE;
}

/*
 * The digest of what was shown: as given, or shown here and now. NULL when the
 * reader said no; "" when there is nobody to ask.
 */
static const char *
digest_shown(struct cli *cli, const json_t *hold, const char *question)
{
	AUTO(str) struct str text = STR_INIT;
	bool can_ask = cli->out.is_tty && isatty(STDIN_FILENO) && !cli->options.json;

	if (cli->options.digest)
		return cli->options.digest;
	if (!json_flag(hold, "present"))
		return "";
	if (!cli->options.json && !cli->options.quiet) {
		hold_show(cli, &text, hold);
		out_write(&cli->out, &text);
	}
	/* Who was not shown all of it agrees to nothing. */
	if (!can_ask || cli->out.stream.is_broken)
		return "";
	return ask(cli, question) ? json_text(hold, "digest") : NULL;
}

int
verb_approve(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(engine) struct engine engine = { 0 };
	AUTO(json_ref) json_t *hold = NULL;
	char run[RUN_ID_SIZE];
	bool is_full = false;
	struct err err;
	int code = open_run(cli, &actor, &engine, run);

	if (code != EXIT_DONE)
		return code;
	if (find_hold(cli, &engine, run, &hold, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	struct engine_answer answer = {
		.run = run,
		.account = account_of(&actor),
		.digest = digest_shown(cli, hold, "Do you agree to this?"),
		.text = cli->options.comment,
	};
	if (!answer.digest) {
		say(cli, "nothing was agreed to");
		return EXIT_APPROVAL;
	}
	if (engine_approve(&engine, &answer, &is_full, &err) == 0)
		return after_approval(cli, &engine, run, is_full);
	/* Whoever comes by ends what nobody agreed to in time. */
	if (str_eq(err.code, "approval_expired"))
		(void)go_on(cli, &engine, run);
	return cli_fail(cli, &err, EXIT_REFUSED);
}

int
verb_reject(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(engine) struct engine engine = { 0 };
	AUTO(json_ref) json_t *hold = NULL;
	char run[RUN_ID_SIZE];
	struct err err;
	int code;

	if (!cli->options.reason || !*cli->options.reason)
		return cli_misuse(cli, "reject", "reject needs a --reason");
	code = open_run(cli, &actor, &engine, run);
	if (code != EXIT_DONE)
		return code;
	if (find_hold(cli, &engine, run, &hold, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	struct engine_answer answer = {
		.run = run,
		.account = account_of(&actor),
		.digest = cli->options.digest ? cli->options.digest :
						json_text(hold, "digest"),
		.text = cli->options.reason,
	};
	if (engine_reject(&engine, &answer, &err) < 0) {
		if (str_eq(err.code, "approval_expired"))
			(void)go_on(cli, &engine, run);
		return cli_fail(cli, &err, EXIT_REFUSED);
	}
	code = go_on(cli, &engine, run);
	/* It was denied, as it was asked for. */
	return code == EXIT_DENIED || code == EXIT_FAILED ? EXIT_DONE : code;
}
