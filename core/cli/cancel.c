/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle cancel`: asks for the end of runs, and waits for it. Whoever works on
 * a run unwinds it; when nobody does, that is done here.
 */
#include "base/base.h"

#include <poll.h>

#include "cli/follow.h"
#include "cli/signals.h"
#include "cli/summary.h"

#define LOOK_MS 100

/* How the verb ends when runs ended differently: the worst of all. */
static int
worse(int a, int b)
{
	static const int ranks[] = { EXIT_DONE, EXIT_CANCELLED, EXIT_NO_WORK,
				     EXIT_APPROVAL, EXIT_DENIED, EXIT_FAILED,
				     EXIT_USAGE, EXIT_REFUSED, EXIT_NOT_ROLLED_BACK };

	for (size_t i = ARRAY_LEN(ranks); i-- > 0;)
		if (ranks[i] == a || ranks[i] == b)
			return ranks[i];
	return a;
}

static void
say_how(struct view *view, const char *run, enum cancelling how)
{
	static const char *const words[] = {
		[CANCELLING_NOW] = "was asked to end",
		[CANCELLING_AGAIN] = "was asked to end before",
		[CANCELLING_LATE] =
			"is being put back already: a cancel changes nothing",
	};
	AUTO_FREE char *text = x_asprintf("run %s %s", run, words[how]);

	view_say(view, text);
}

/* Until the run has ended, or whoever waits is asked to stop. 0 or -1. */
static int
wait_for_end(struct engine *engine, struct follow *follow, struct err *err)
{
	for (;;) {
		int over = follow_read(follow, err);

		if (over != 0)
			return over < 0 ? -1 : 0;
		/* Its process may have died, or nobody ever had it. */
		int done = engine_cancel(engine, follow->run, err);
		if (done <= 0)
			return done;
		struct pollfd stop = { engine->cancel_fd, POLLIN, 0 };
		if (poll(&stop, 1, LOOK_MS) > 0)
			return 0;
	}
}

static int
print_asked(struct cli *cli, const char *run, enum cancelling how)
{
	static const char *const words[] = { [CANCELLING_NOW] = "now",
					     [CANCELLING_AGAIN] = "again",
					     [CANCELLING_LATE] = "late" };
	AUTO(json_ref) json_t *line =
		json_pack("{s:s, s:s}", "run", run, "cancelling", words[how]);

	if (cli->options.json)
		out_json_line(&cli->out, line);
	return EXIT_DONE;
}

static int
cancel(struct cli *cli, struct engine *engine, const char *name)
{
	AUTO(view) struct view view = { 0 };
	struct follow follow = { .cli = cli, .view = &view };
	enum cancelling how;
	struct err err;

	if (store_find_run(cli->store, name, follow.run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (store_cancel(cli->store, follow.run, engine->actor,
			 cli->options.reason, &how, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	view_init(&view, cli);
	view.opening = "waiting for the end";
	view_attend(&view, engine);
	say_how(&view, follow.run, how);
	int failed = cli->options.no_wait ?
			     engine_cancel(engine, follow.run, &err) :
			     wait_for_end(engine, &follow, &err);
	if (cli->options.no_wait) {
		stream_settle(&cli->out.stream);
		return failed < 0 ? cli_fail(cli, &err, EXIT_NOT_ROLLED_BACK) :
				    print_asked(cli, follow.run, how);
	}
	view_end(&view);
	return failed < 0 ? cli_fail(cli, &err, EXIT_NOT_ROLLED_BACK) :
			    cli_print_end(cli, follow.run);
}

int
verb_cancel(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(engine) struct engine engine = { 0 };
	int code = EXIT_DONE;
	struct err err;

	if (cli_open_existing(cli, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	cli_actor(&actor);
	engine = cli_engine(cli, str_get(&actor));
	if (signals_install(&engine.cancel_fd, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	for (size_t i = 0; i < cli->args.count; i++) {
		int own = cancel(cli, &engine, cli->args.v[i]);

		code = i == 0 ? own : worse(code, own);
	}
	return code;
}
