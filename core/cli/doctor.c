/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle doctor`: could a repair work here, and did one stop half way? */
#include "base/base.h"

#include <errno.h>
#include <unistd.h>

#include "cli/pause.h"
#include "cli/summary.h"

static void
row_add(json_t *rows, const char *name, bool ok, const char *text, const char *remedy)
{
	(void)json_array_append_new(rows, json_pack("{s:s, s:b, s:s, s:s}", "name",
						    name, "ok", ok, "text", text,
						    "remedy", remedy));
}

/* Runs that wait, and that somebody should have looked at by now. */
static void
add_overdue(struct cli *cli, json_t *rows)
{
	AUTO(json_ref) json_t *runs = NULL;
	struct err err;
	json_t *run;
	size_t i;

	runs = store_due(cli->store, store_now(cli->store), &err);
	json_array_foreach (runs, i, run) {
		bool is_asleep = str_eq(json_text(run, "state"), "pending");
		const char *id = json_text(run, "run");
		AUTO_FREE char *text =
			x_asprintf("run %s waits, and %s", id,
				   is_asleep ? "the pause before its next try is over" :
					       "its approval came or its time is up");

		row_add(rows, "waiting runs", false, text,
			is_asleep ? "a worker goes on with it: `fettle work`" :
				    "any `fettle run`, `fettle approve` or "
				    "`fettle work` goes on with it");
	}
}

/* Runs that stand between begin and end, and nobody is at them. */
static void
add_unfinished(struct cli *cli, json_t *rows)
{
	AUTO(json_ref) json_t *runs = NULL;
	struct err err;
	json_t *run;
	size_t i, dead = 0;

	runs = store_unfinished(cli->store, &err);
	if (!runs) {
		row_add(rows, "unfinished runs", false, err.text, err.remedy);
		return;
	}
	json_array_foreach (runs, i, run) {
		AUTO(str) struct str text = STR_INIT, remedy = STR_INIT;
		const char *id = json_text(run, "run");

		if (!run_is_orphan(cli->store, run))
			continue;
		dead++;
		str_addf(&text, "run %s was interrupted", id);
		if (*json_text(run, "service"))
			str_addf(&text, " (service %s)", json_text(run, "service"));
		str_add(&remedy, "put back what it changed: ");
		cli_add_command(cli, &remedy, "rollback", id);
		row_add(rows, "unfinished runs", false, str_get(&text),
			str_get(&remedy));
	}
	if (!dead)
		row_add(rows, "unfinished runs", true,
			json_array_size(runs) ? "none but those being carried out now" :
						"none",
			"");
}

static void
add_pause(struct cli *cli, json_t *rows)
{
	AUTO(json_ref) json_t *paused = NULL;
	AUTO(str) struct str text = STR_INIT;
	struct err err;

	if (!(paused = store_paused(cli->store, &err))) {
		row_add(rows, "paused", false, err.text, err.remedy);
	} else if (json_is_object(paused)) {
		pause_describe(paused, &text);
		row_add(rows, "paused", false, str_get(&text),
			"`fettle resume` lets runs begin again");
	} else {
		row_add(rows, "paused", true, "no: runs may begin", "");
	}
}

static void
print_rows(struct cli *cli, const json_t *rows)
{
	AUTO(str) struct str text = STR_INIT;
	size_t i, problems = 0, width = 0;
	json_t *row;

	json_array_foreach (rows, i, row)
		if (strlen(json_text(row, "name")) > width)
			width = strlen(json_text(row, "name"));
	json_array_foreach (rows, i, row) {
		const char *name = json_text(row, "name");
		bool ok = json_flag(row, "ok");
		int pad = (int)(width - strlen(name)) + 2;

		problems += !ok;
		if (ok && cli->options.quiet)
			continue;
		out_add(&cli->out, &text, ok ? TONE_GOOD : TONE_BAD,
			ok ? "ok       " : "problem  ");
		out_add(&cli->out, &text, TONE_STRONG, name);
		str_addf(&text, "%*s", pad, "");
		out_add_wrapped(&cli->out, &text, TONE_PLAIN, json_text(row, "text"),
				(unsigned)width + 11);
		str_add_c(&text, '\n');
		if (ok || !*json_text(row, "remedy"))
			continue;
		str_add(&text, "         what to do: ");
		out_add_wrapped(&cli->out, &text, TONE_STRONG, json_text(row, "remedy"),
				21);
		str_add_c(&text, '\n');
	}
	if (!cli->options.quiet && problems)
		str_addf(&text, "\n%zu problem%s\n", problems,
			 problems == 1 ? "" : "s");
	else if (!cli->options.quiet)
		str_add(&text, "\nno problems: a repair can work here\n");
	out_write(&cli->out, &text);
}

/* What can be read is there; a run writes, too. */
static void
add_store(struct cli *cli, json_t *rows)
{
	AUTO_FREE char *text = NULL;

	if (access(cli->state_dir, W_OK) == 0) {
		row_add(rows, "store", true, cli->state_dir, "");
		return;
	}
	text = x_asprintf("'%s' cannot be written: %s", cli->state_dir,
			  strerror(errno));
	row_add(rows, "store", false, text,
		"make it writable, or name another state directory with --state-dir; "
		"until then only what is there can be looked at");
}

int
verb_doctor(struct cli *cli)
{
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(json_ref) json_t *found = NULL;
	AUTO(engine) struct engine engine = { 0 };
	struct err err;
	bool is_well = true;
	json_t *row;
	size_t i;

	if (cli_open_store(cli, STORE_WRITE, &err) < 0) {
		row_add(rows, "store", false, err.text, err.remedy);
	} else {
		add_store(cli, rows);
		add_pause(cli, rows);
		add_unfinished(cli, rows);
		add_overdue(cli, rows);
		engine = cli_engine(cli, "operator");
		found = engine_doctor(&engine, cli->directory);
		(void)json_array_extend(rows, found);
	}
	json_array_foreach (rows, i, row)
		is_well = is_well && json_flag(row, "ok");
	if (cli->options.json)
		out_json(&cli->out, rows);
	else
		print_rows(cli, rows);
	return is_well ? EXIT_DONE : EXIT_REFUSED;
}
