/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle run` and `fettle rollback`: the verbs that change something. */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "cli/view.h"

int
cli_print_end(struct cli *cli, const char *run)
{
	AUTO(json_ref) json_t *summary = NULL;
	AUTO(json_ref) json_t *line = NULL;
	AUTO(str) struct str text = STR_INIT;
	struct err err;

	cli->is_end_told = true;
	summary = summary_new(cli->store, run, &err);
	if (!summary)
		return cli_fail(cli, &err, EXIT_NOT_ROLLED_BACK);
	if (cli->options.json) {
		line = json_pack("{s:s, s:I, s:s, s:O}", "run", run, "time_ms",
				 (json_int_t)clock_wall_ms(), "kind", "summary", "body",
				 summary);
		out_json_line(&cli->out, line);
	} else {
		if (!cli->options.quiet)
			str_add_c(&text, '\n');
		report_end(cli, &text, summary);
		out_write(&cli->out, &text);
	}
	return (int)json_int_or(summary, "exit", EXIT_NOT_ROLLED_BACK);
}

int
cli_recover(struct engine *engine, struct view *view, recover_fn *recover,
	    struct err *err)
{
	AUTO(recovery) struct recovery recovery = { 0 };

	if (recover(engine, &recovery, err) < 0)
		return err_context(err, "finish what an interrupted run left");
	for (size_t i = 0; i < recovery.left.count; i++)
		log_warn("%s", recovery.left.v[i]);
	/* Its steps are not those of the run that begins now. */
	view_restart(view);
	for (size_t i = 0; i < recovery.finished.count; i++) {
		const char *id = recovery.finished.v[i];
		AUTO(json_ref) json_t *run = store_run(engine->store, id, err);
		AUTO_FREE char *line =
			x_asprintf("finished interrupted run %s: %s", id,
				   !run ? "see `fettle show`" :
				   str_eq(json_text(run, "state"), "pending") ?
					  "back to the queue" :
					  state_words(json_text(run, "state")));

		view_say(view, line);
		/* Never lost in what follows, whatever is shown of that. */
		if (str_eq(json_text(run, "state"), "rollback_failed"))
			log_warn("run %s was interrupted and could not be rolled back: "
				 "see `fettle show %s`",
				 id, id);
	}
	return 0;
}

static int
refused(struct cli *cli, const struct view *view, const struct err *err)
{
	AUTO(str) struct str command = STR_INIT;
	struct err left = *err;

	if (str_eq(err->code, "cancelled"))
		return cli_fail(cli, err, EXIT_CANCELLED);
	if (!*view->run)
		return cli_fail(cli, err, EXIT_REFUSED);
	/* It began, and could not be recorded to its end. */
	cli_add_command(cli, &command, "rollback", view->run);
	err_context(&left, "run %s is left as it stands", view->run);
	err_remedy(&left, "%s%sthen `%s` puts back what it changed", err->remedy,
		   err->remedy[0] ? "; " : "", str_get(&command));
	return cli_fail(cli, &left, EXIT_NOT_ROLLED_BACK);
}

/* For a worker. Nothing is carried out here, and nothing recovered. */
static int
queue(struct cli *cli, struct engine *engine, const struct order *order)
{
	bool is_high = str_eq(cli->options.priority ? cli->options.priority : "",
			      "high");
	AUTO(json_ref) json_t *row = NULL;
	AUTO(json_ref) json_t *paused = NULL;
	AUTO(str) struct str text = STR_INIT;
	char run[RUN_ID_SIZE];
	struct err err;

	if (engine_queue(engine, order, is_high ? PRIORITY_HIGH : PRIORITY_NORMAL, run,
			 &err) < 0 ||
	    !(row = store_run(cli->store, run, &err)) ||
	    !(paused = store_paused(cli->store, &err)))
		return cli_fail(cli, &err, EXIT_REFUSED);
	if (cli->options.json) {
		out_json(&cli->out, row);
		return EXIT_DONE;
	}
	str_addf(&text, "%s\n", run);
	out_write(&cli->out, &text);
	if (json_is_object(paused) && !cli->options.quiet)
		log_warn("the site is paused: the run waits until `fettle resume`");
	return EXIT_DONE;
}

int
verb_run(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT, words = STR_INIT;
	AUTO(view) struct view view = { 0 };
	char run[RUN_ID_SIZE];
	AUTO(engine) struct engine engine = { 0 };
	struct order order;
	struct err err;
	int failed;

	if (cli->options.priority && !cli->options.queue)
		return cli_misuse(cli, "run", "--priority is for --queue");
	cli_actor(&actor);
	cli_order(cli, &words, &order);
	engine = cli_engine(cli, str_get(&actor));
	if (!cli->options.queue)
		engine_warm(&engine);
	if (cli_open_store(cli, STORE_WRITE, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	engine.store = cli->store;
	engine.metrics = cli->metrics;
	if (cli->options.queue)
		return queue(cli, &engine, &order);
	view_init(&view, cli);
	view_attend(&view, &engine);
	if (signals_install(&engine.cancel_fd, &err) < 0 ||
	    cli_recover(&engine, &view, engine_recover, &err) < 0) {
		view_end(&view);
		return cli_fail(cli, &err, EXIT_REFUSED);
	}
	failed = engine_run(&engine, &order, run, &err);
	view_end(&view);
	return failed < 0 ? refused(cli, &view, &err) : cli_print_end(cli, run);
}

/* For a verb that goes on with a run that exists: its id, and an engine to do it. */
static int
begin(struct cli *cli, struct view *view, struct str *actor, char run[RUN_ID_SIZE],
      struct engine *engine)
{
	struct err err;

	if (cli_open_existing(cli, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (store_find_run(cli->store, cli_arg(cli, 0), run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	cli_actor(actor);
	view_init(view, cli);
	*engine = cli_engine(cli, str_get(actor));
	view_attend(view, engine);
	if (signals_install(&engine->cancel_fd, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	return EXIT_DONE;
}

int
verb_rollback(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(view) struct view view = { 0 };
	char run[RUN_ID_SIZE], own[RUN_ID_SIZE];
	AUTO(engine) struct engine engine = { 0 };
	struct err err;
	int code = begin(cli, &view, &actor, run, &engine);

	if (code != EXIT_DONE)
		return code;
	view.opening = "putting back what a run changed";
	if (engine_rollback(&engine, run, cli->options.reason, own, &err) < 0) {
		view_end(&view);
		return cli_fail(cli, &err,
				*view.run ? EXIT_NOT_ROLLED_BACK : EXIT_REFUSED);
	}
	view_end(&view);
	return cli_print_end(cli, own);
}

int
verb_retry(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(view) struct view view = { 0 };
	const struct options *options = &cli->options;
	char run[RUN_ID_SIZE];
	AUTO(engine) struct engine engine = { 0 };
	struct err err;
	int code, failed;

	if (options->from && options->whole)
		return cli_misuse(cli, "retry",
				  "--from and --whole exclude each other");
	code = begin(cli, &view, &actor, run, &engine);
	if (code != EXIT_DONE)
		return code;
	view.opening = "looking at the project again";
	/* It may itself be one that was interrupted. */
	if (cli_recover(&engine, &view, engine_recover, &err) < 0) {
		view_end(&view);
		return cli_fail(cli, &err, EXIT_REFUSED);
	}
	failed = engine_retry(&engine, run, options->from,
			      options->whole ? RETRY_WHOLE : RETRY_REST, &err);
	view_end(&view);
	return failed < 0 ? refused(cli, &view, &err) : cli_print_end(cli, run);
}
