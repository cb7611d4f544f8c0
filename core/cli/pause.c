/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle pause` and `fettle resume`: the kill switch of all that Fettle does. */
#include "base/base.h"

#include "cli/pause.h"

/* Asks for the end of all that is going on. 0 and how many, or -1. */
static int
cancel_all(struct store *store, const char *actor, const char *reason, size_t *ret,
	   struct err *err)
{
	AUTO(json_ref) json_t *runs = store_unfinished(store, err);
	AUTO_FREE char *why = x_asprintf("the site is paused%s%s", reason ? ": " : "",
					 reason ? reason : "");
	enum cancelling how;
	json_t *run;
	size_t i;

	if (!runs)
		return -1;
	json_array_foreach (runs, i, run)
		if (store_cancel(store, json_text(run, "run"), actor, why, &how, err) <
		    0)
			return -1;
	*ret = i;
	return 0;
}

/* Nothing begins between the pause and the looking for what is going on. */
static int
pause_site(struct cli *cli, const char *actor, int *ret_changed, size_t *ret_cancelled,
	   struct err *err)
{
	const struct options *options = &cli->options;

	if (store_begin(cli->store, err) < 0)
		return -1;
	int changed = store_pause(cli->store, actor, options->reason, err);
	if (changed < 0 || (options->cancel && cancel_all(cli->store, actor,
							  options->reason,
							  ret_cancelled, err) < 0)) {
		store_rollback(cli->store);
		return -1;
	}
	*ret_changed = changed;
	return store_commit(cli->store, err);
}

static int
print_paused(struct cli *cli, int changed, size_t cancelled)
{
	AUTO(json_ref) json_t *paused = NULL;
	AUTO(str) struct str text = STR_INIT;
	struct err err;

	if (!(paused = store_paused(cli->store, &err)))
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json) {
		out_json(&cli->out, paused);
		return EXIT_DONE;
	}
	if (cli->options.quiet)
		return EXIT_DONE;
	if (!changed)
		str_add(&text, "it was paused before: ");
	pause_describe(paused, &text);
	if (cli->options.cancel)
		str_addf(&text, "\n%zu run%s asked to end", cancelled,
			 cancelled == 1 ? " was" : "s were");
	str_add_c(&text, '\n');
	out_write(&cli->out, &text);
	return EXIT_DONE;
}

void
pause_describe(const json_t *paused, struct str *out)
{
	const char *reason = json_text(paused, "reason");
	char since[32];

	str_addf(out, "the site is paused by %s since %s", json_text(paused, "by"),
		 time_local(json_int_or(paused, "time_ms", 0), since));
	if (*reason)
		str_addf(out, ": %s", reason);
}

int
verb_pause(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT;
	size_t cancelled = 0;
	int changed;
	struct err err;

	cli_actor(&actor);
	if (cli_open_store(cli, STORE_WRITE, &err) < 0 ||
	    pause_site(cli, str_get(&actor), &changed, &cancelled, &err) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	return print_paused(cli, changed, cancelled);
}

int
verb_resume(struct cli *cli)
{
	AUTO(str) struct str actor = STR_INIT, text = STR_INIT;
	AUTO(json_ref) json_t *line = NULL;
	int changed;
	struct err err;

	cli_actor(&actor);
	if (cli_open_store(cli, STORE_WRITE, &err) < 0 ||
	    (changed = store_resume(cli->store, str_get(&actor), &err)) < 0)
		return cli_fail(cli, &err, EXIT_REFUSED);
	if (cli->options.json) {
		line = json_pack("{s:b}", "resumed", changed);
		out_json(&cli->out, line);
		return EXIT_DONE;
	}
	str_addf(&text, "%s\n", changed ? "runs begin again" :
					  "the site was not paused");
	if (!cli->options.quiet)
		out_write(&cli->out, &text);
	return EXIT_DONE;
}
